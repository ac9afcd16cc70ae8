# Thin: each target calls Meson, npm, pytest or a script under tools/.
.DEFAULT_GOAL := build
.PHONY: setup build install deb deb-test demo test bench mutate fuzz soak peers lint clean
BUILD := build

# What a fresh Debian 12 lacks; says first what it will install.
setup:
	@tools/setup.sh build
$(BUILD)/build.ninja:
	@meson setup $(BUILD) -Dtests=false >/dev/null
build: setup $(BUILD)/build.ninja
	@ninja -C $(BUILD)
# Programs, unit, user (systemd-sysusers) and documents below DESTDIR and PREFIX; SIM=true: moru-sim too. What it does not do: README, "Install as a service".
PREFIX := /usr/local
SIM := false
install: setup
	@meson setup build-install $$([ -e build-install/build.ninja ] && echo --reconfigure) --prefix=$(PREFIX) -Dbuildtype=release -Ddebug=true -Dtests=false -Dinstall_sim=$(SIM) >/dev/null
	@ninja -C build-install
	@DESTDIR=$(DESTDIR) meson install -C build-install --no-rebuild
# moru_VERSION_ARCH.deb and moru-dbgsym_... in build-deb/.
deb:
	@tools/setup.sh deb
	@tools/deb.sh
# Installs, upgrades, removes and purges it in a fresh Debian of its own (debootstrap: root, network, minutes).
deb-test: deb
	@tests/deb/run.sh build-deb/moru_*.deb
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
# FUZZ_SECONDS (3600) for each target, FUZZ_JOBS (2) at a time; TARGETS names some. Ends with a table of runs, new edges and crashes.
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
