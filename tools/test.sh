#!/bin/bash
# Installs what is missing, builds three times (gcc, ASan+UBSan, TSan) and runs every test: test.sh [STEP...]
# Steps: setup build unit e2e ui demo asan tsan mutate; all of them unless some are named. Each step's whole output stands in
# build-test/logs/STEP.txt. At the end: failures by name, every skip with its reason against tests/skips.txt, and each step's time
# beside its share of the hour.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
begin=$SECONDS
steps=${*:-setup build unit e2e ui demo asan tsan mutate}
logs=build-test/logs
report=()  # step, seconds, share in minutes, result
failed=()
runs=()    # label=JSON of Meson

# Where the kernel spreads addresses wider than the sanitizers' runtime knows, their programs need a narrower one.
narrow=
setarch "$(uname -m)" -R true 2>/dev/null && narrow="setarch $(uname -m) -R"

export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:allocator_may_return_null=1} UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1:halt_on_error=1}
export TSAN_OPTIONS=${TSAN_OPTIONS:-halt_on_error=1:second_deadlock_stack=1} PYTEST_ADDOPTS=${PYTEST_ADDOPTS:--rs}

wanted() { case " $steps " in *" $1 "*) return 0 ;; *) return 1 ;; esac; }

# step NAME SHARE COMMAND...: runs it, keeps its output and its time.
step() {
	local name=$1 share=$2 start=$SECONDS status
	shift 2
	printf '\n== %s (%d:%02d since the start)\n' "$name" $(((SECONDS - begin) / 60)) $(((SECONDS - begin) % 60))
	"$@" 2>&1 | tee -a "$logs/${name%% *}.txt"
	status=${PIPESTATUS[0]}
	[ "$status" = 0 ] || failed+=("$name: $logs/${name%% *}.txt")
	report+=("$name|$((SECONDS - start))|$share|$([ "$status" = 0 ] && echo ok || echo FAILED)")
	return "$status"
}

# What was configured by another state of the tree, or for another compiler, is made anew.
configure() {
	local dir=$1
	shift
	# Meson lists test files when it configures: new ones are found only so.
	[ -e "$dir/build.ninja" ] && meson setup --reconfigure "$dir" >"$logs/setup-$dir.txt" && return
	rm -rf "$dir/meson-private" "$dir/meson-info" # half made
	meson setup "$dir" "$@" >"$logs/setup-$dir.txt" || { tail -20 "$logs/setup-$dir.txt"; return 1; }
}
build() { configure "$@" && ninja --quiet -C "$1"; }

# suites LABEL DIR WRAPPER SUITE...: runs Meson's suites, keeps what they said.
suites() {
	local label=$1 dir=$2 wrapper=$3 args=()
	shift 3
	for s; do args+=(--suite "$s"); done
	rm -f "$dir/meson-logs/$label.json"
	$wrapper meson test -C "$dir" --print-errorlogs --logbase "$label" --timeout-multiplier 4 "${args[@]}"
}
tests() { # NAME SHARE LABEL DIR WRAPPER SUITE...
	local name=$1 share=$2
	shift 2
	runs+=("$1=$2/meson-logs/$1.json")
	step "$name" "$share" suites "$@"
}

mkdir -p "$logs"
for s in $steps; do rm -f "$logs/$s.txt"; done
if wanted setup; then step setup 8 tools/setup.sh test || exit 1; fi
if wanted build; then step "build gcc" 4 build build-test -Dbuildtype=debugoptimized || exit 1; fi
wanted unit && tests "unit, property, fault, corpus, tidy" 11 unit build-test "" unit prop fault fuzz tidy
wanted e2e && tests "e2e" 6 e2e build-test "" e2e
wanted ui && tests "ui" 4 ui build-test "" ui
wanted demo && tests "demo" 7 demo build-test "" demo
if wanted asan; then
	# -O1 is half the compiling; what it would leave out is built above.
	if CC=clang-14 step "asan build" 3 build build-asan -Dbuildtype=debug -Doptimization=1 -Db_sanitize=address,undefined -Db_lundef=false \
		-Dc_args=-fno-sanitize-recover=all; then
		tests "asan unit, property, fault, corpus" 7 asan build-asan "$narrow" unit prop fault fuzz
		tests "asan e2e" 5 asan-e2e build-asan "$narrow" e2e
	fi
fi
if wanted tsan; then
	# Only what has threads is built: meson test makes what its suite needs.
	CC=clang-14 step "tsan configure" 1 configure build-tsan -Dbuildtype=debug -Doptimization=1 -Db_sanitize=thread -Db_lundef=false -Dui=false &&
		tests "tsan threads" 5 tsan build-tsan "$narrow" threads
fi
if wanted mutate; then
	seed=$(git rev-parse HEAD 2>/dev/null || echo 0)
	step mutate 3 python3 -B tests/mutate/mutate.py build-test --sample "${MUTANTS:-10}" --seed "${MUTATE_SEED:-$seed}"
fi

echo
shared=without
[ -d "${MORU_SHARED:-../shared}" ] && shared=with
python3 -B tools/results.py tests/skips.txt "$shared" "${runs[@]}" || failed+=("results: see above")
printf '\n%-42s %8s %8s\n' "step" "took" "share"
for r in "${report[@]}"; do
	IFS='|' read -r name took share result <<<"$r"
	printf '%-42s %5d:%02d %5d:00 %s\n' "$name" $((took / 60)) $((took % 60)) "$share" "$result"
done
printf '%-42s %5d:%02d %5d:00\n' "whole" $(((SECONDS - begin) / 60)) $(((SECONDS - begin) % 60)) 60
if [ ${#failed[@]} -gt 0 ]; then
	printf 'FAILED %s\n' "${failed[@]}"
	exit 1
fi
echo "All passed."
