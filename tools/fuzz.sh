#!/bin/bash
# Runs each libFuzzer target for a while: fuzz.sh [TARGET...] (FUZZ_SECONDS each, default 3600; FUZZ_JOBS at a time, default 2)
# New inputs that reach new code gather in build-fuzz/corpus/TARGET, crashes in build-fuzz/crashes. Ends with a table: what each target ran,
# the edges it began with and found beside, crashes. Status 1 when anything was found.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
export FUZZ_SECONDS=${FUZZ_SECONDS:-3600}
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
	local log=build-fuzz/logs/$name.txt status=0
	nice env ASAN_OPTIONS="${ASAN_OPTIONS:-allocator_may_return_null=1}" UBSAN_OPTIONS="${UBSAN_OPTIONS:-print_stacktrace=1}" "$path" -max_total_time="$FUZZ_SECONDS" \
		-timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="build-fuzz/crashes/$name-" "build-fuzz/corpus/$name" ${seeds:+"$seeds"} \
		>"$log" 2>&1 || status=1
	# Lines of libFuzzer: "#N INITED cov: C ...", "#N DONE cov: C ...".
	awk -v name="$name" -v crash=$status '
		{ for (i = 1; i < NF; i++) if ($i == "cov:") { last = $(i + 1); if ($2 == "INITED") first = $(i + 1) } }
		/^stat::number_of_executed_units:/ { runs = $2 }
		/^#[0-9]+/ { n = substr($1, 2) }
		END { printf "%-34s %12d %8d %8d %8d\n", name, runs ? runs : n, last, last - first, crash }' "$log" >"build-fuzz/logs/$name.row"
	if [ "$status" = 0 ]; then
		echo "$name: done"
	else
		printf '%s FOUND: %s (%s)\n' "$name" "$(grep -hm1 -E 'ERROR: |runtime error|Assertion|deadly signal|timeout' "$log")" "$log"
		return 1
	fi
}
export -f one
rm -f build-fuzz/logs/*.row
printf '%s\n' "${targets[@]}" | xargs -P "${FUZZ_JOBS:-2}" -I{} bash -c 'one {}'
status=$?
printf '\n%-34s %12s %8s %8s %8s\n' "target, $FUZZ_SECONDS s each" runs edges new crashes
sort build-fuzz/logs/*.row
awk '{ runs += $2; new += $4; crashes += $5 } END { printf "%-34s %12d %8s %8d %8d\n", NR " targets", runs, "", new, crashes }' build-fuzz/logs/*.row
find build-fuzz/crashes -type f | sort
exit $((status != 0))
