#!/bin/bash
# Builds everything and runs every test.
set -eu
cd "$(dirname "$0")/.."
[ -e build-test/build.ninja ] || meson setup build-test -Dbuildtype=debugoptimized -Dtests=true >/dev/null
ninja -C build-test >/dev/null
meson test -C build-test --no-rebuild --print-errorlogs --timeout-multiplier 5 -q
