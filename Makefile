# Thin: setup by tools/setup.sh, everything else by Meson, npm and pytest.
.DEFAULT_GOAL := build
.PHONY: setup setup-test build demo test clean
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
clean:
	rm -rf build build-* venv
