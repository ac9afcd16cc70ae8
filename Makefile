# Thin: each target calls Meson, npm, pytest or a script under tools/.
.DEFAULT_GOAL := build
.PHONY: setup build demo test bench mutate fuzz soak peers lint clean
BUILD := build

# What a fresh Debian 12 lacks; says first what it will install.
setup:
	@tools/setup.sh build
$(BUILD)/build.ninja:
	@meson setup $(BUILD) -Dtests=false >/dev/null
build: setup $(BUILD)/build.ninja
	@ninja -C $(BUILD)
demo: build
	@$(BUILD)/moru demo $(DEMO)
# STEPS="unit e2e" or some of: setup build unit e2e ui demo asan tsan mutate
test:
	@tools/test.sh $(STEPS)
# ROWS="--quick node import chart line" or some of them; without it docs/figures.md is written.
bench:
	@tools/bench.sh $(ROWS)
# All mutants; `make test` takes a sample.
mutate:
	@tools/test.sh setup build
	@python3 -B tests/mutate/mutate.py build-test $(MUTATE)
# FUZZ_SECONDS (60) for each target, FUZZ_JOBS (2) at a time; TARGETS names some.
fuzz:
	@tools/setup.sh test
	@tools/fuzz.sh $(TARGETS)
# SOAK_SEEDS (50) seeds of the demo, and every fault there is to inject.
soak:
	@tools/setup.sh test
	@tools/soak.sh $(SOAK)
# Programs of others that tests run against and Debian lacks, into build-peers/ (Telegraf; wants Go). Tests skip what is not there.
peers:
	@tools/peers.sh $(PEERS)
lint:
	@tools/setup.sh lint
	@tools/lint.sh
clean:
	rm -rf build build-* venv
