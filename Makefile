# Thin: setup by tools/setup.sh, everything else by Meson, npm and pytest.
.DEFAULT_GOAL := build
.PHONY: setup setup-test build demo test bench clean
BUILD := build

setup:
	@tools/setup.sh build
setup-test: setup
	@tools/setup.sh test

$(BUILD)/build.ninja:
	@meson setup $(BUILD) -Dtests=false >/dev/null
build: setup $(BUILD)/build.ninja
	@ninja -C $(BUILD)
demo: build
	@$(BUILD)/moru demo $(DEMO)
test: setup-test
	@tools/test.sh
# ROWS="--quick node import chart line" or some of them; without it docs/figures.md is written.
bench:
	@tools/bench.sh $(ROWS)
clean:
	rm -rf build build-* venv
