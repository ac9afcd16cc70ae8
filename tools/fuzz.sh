#!/bin/bash
# Runs each libFuzzer target for a while: fuzz.sh [TARGET...] (FUZZ_SECONDS each, default 60; FUZZ_JOBS at a time, default 2)
# New inputs that reach new code gather in build-fuzz/corpus/TARGET, crashes in build-fuzz/crashes. Status 1 when anything was found.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
export FUZZ_SECONDS=${FUZZ_SECONDS:-60}
[ -e build-fuzz/build.ninja ] || CC=clang-14 meson setup build-fuzz -Dfuzz=true -Dui=false -Dbuildtype=debug -Doptimization=1 -Db_lundef=false >/dev/null || exit 1
if [ $# -gt 0 ]; then targets=("$@"); else mapfile -t targets < <(ninja -C build-fuzz -t targets all | sed -nE 's#^tests/fuzz/.*/(fuzz_[a-z0-9_]+): .*#\1#p' | sort -u); fi
[ ${#targets[@]} -gt 0 ] || { echo "fuzz.sh: no targets" >&2; exit 1; }
mapfile -t paths < <(ninja -C build-fuzz -t targets all | sed -nE 's#^(tests/fuzz/.*/fuzz_[a-z0-9_]+): .*#\1#p' | sort -u)
ninja --quiet -C build-fuzz "${paths[@]}" || exit 1
mkdir -p build-fuzz/crashes build-fuzz/logs

one() {
	local name=fuzz_${1#fuzz_} path folder seeds
	path=$(find build-fuzz/tests/fuzz -type f -name "$name" | head -1)
	[ -n "$path" ] || { echo "$name: no such target"; return 1; }
	folder=${path#build-fuzz/} folder=${folder%/*} # tests/fuzz/ROOM
	# The corpus is named after the target without its room.
	seeds=
	for d in "$folder"/corpus/*/; do
		case $name in *_"$(basename "$d")") [ ${#d} -gt ${#seeds} ] && seeds=$d ;; esac
	done
	mkdir -p "build-fuzz/corpus/$name"
	if ASAN_OPTIONS=${ASAN_OPTIONS:-allocator_may_return_null=1} UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1} "$path" -max_total_time="$FUZZ_SECONDS" \
		-timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="build-fuzz/crashes/$name-" "build-fuzz/corpus/$name" ${seeds:+"$seeds"} \
		>"build-fuzz/logs/$name.txt" 2>&1; then
		printf '%-32s %s\n' "$name" "$(sed -nE 's/^stat::number_of_executed_units: +/runs /p; s/^#[0-9]+\tDONE +(cov: [0-9]+).*(corp: [^ ]+).*/\1 \2/p' "build-fuzz/logs/$name.txt" | tr '\n' ' ')"
	else
		printf '%-32s FOUND: %s (build-fuzz/logs/%s.txt)\n' "$name" "$(grep -hm1 -E 'ERROR: |runtime error|Assertion|deadly signal|timeout' "build-fuzz/logs/$name.txt")" "$name"
		return 1
	fi
}
export -f one
printf '%s\n' "${targets[@]}" | xargs -P "${FUZZ_JOBS:-2}" -I{} bash -c 'one {}'
status=$?
find build-fuzz/crashes -type f | sort
exit $((status != 0))
