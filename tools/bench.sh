#!/bin/bash
# Measures every figure beside its peer and writes docs/figures.md. Arguments go to bench/figures.py (--quick, or rows: node import chart line backup conns logins start browsers; start takes BENCH_GB, default 10).
set -eu
cd "$(dirname "$0")/.."
data=${MORU_SHARED:-../shared}/data/steel_energy_gwangyang.csv
[ -e "$data" ] || {
	echo "bench.sh: $data is missing: the UCI data set Steel Industry Energy Consumption (Steel_industry_data.csv) under that name. MORU_SHARED names the folder that holds data/." >&2
	exit 2
}
tools/setup.sh bench
[ -e build-bench/build.ninja ] || meson setup build-bench -Dbuildtype=release -Dbench=true -Dtests=false >/dev/null
ninja -C build-bench >/dev/null
out=; [ $# -gt 0 ] || out=--out=docs/figures.md
exec venv/bin/python bench/figures.py --build build-bench --data "$data" $out "$@"
