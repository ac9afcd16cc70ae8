#!/bin/bash
# What `make test` takes a sample of, taken whole: soak.sh [demo] [faults] [values] [kills] [mutants] [props] [backup] [peers] [deb] (all unless some are named)
# demo: SOAK_SEEDS (50) fresh seeds of `moru demo --check`; states misses and false findings per node-day. The first seed is SOAK_FIRST
# (default: from the time, printed), so that a run can be repeated. Output: build-test/soak/.
# kills: SOAK_KILLS (1000) times kill -9, spread over all phases of import, write, flush, merge, migration, backup and restore;
# SOAK_FLIPS (60) flipped bits in files of each kind.
# backup: a second backup of 1 GB that did not change writes under 1 %.
# values: SOAK_VALUES (10^7) values acknowledged over power cuts on files that forget, and as many over kill -9 of a node; how many of them are lost.
# deb: the package in a fresh Debian of its own (debootstrap); left out, and said, without root.
# peers: real programs that send to the node, built first (tools/peers.sh) where that can be; an SMB server, where Samba and smbnetfs are installed.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
parts=${*:-demo faults values kills mutants props backup peers deb}
seeds=${SOAK_SEEDS:-50} first=${SOAK_FIRST:-$(date +%s)} out=build-test/soak failed=0
tools/test.sh build || exit 1
mkdir -p "$out"
wanted() { case " $parts " in *" $1 "*) return 0 ;; *) return 1 ;; esac; }

if wanted demo; then
	echo "demo: $seeds seeds from $first"
	rm -f "$out"/demo-*.txt
	bad=0
	# Two at a time, unless SOAK_JOBS says otherwise: each has its own folders and ports.
	export out
	seq "$first" $((first + seeds - 1)) | xargs -P "${SOAK_JOBS:-2}" -I SEED bash -c '
		start=$SECONDS
		build-test/moru --lang en demo --check --seed SEED >"$out/demo-SEED.txt" 2>&1
		status=$?
		echo "seed SEED: status $status, $((SECONDS - start)) s"
		exit $((status != 0))' || bad=1
	# The last line of a check says "seed S: N missed, M false"; a seed is a week of three nodes.
	sed -nE 's/^seed [0-9]+: ([0-9]+) missed, ([0-9]+) false$/\1 \2/p' "$out"/demo-*.txt | awk -v seeds="$seeds" '
		{ missed += $1; wrong += $2; n++ }
		END {
			days = n * 3 * 7
			printf "demo: %d of %d seeds told; %d missed (%.4f a node-day), %d false (%.4f a node-day), %d node-days\n", n, seeds, missed,
				days ? missed / days : 0, wrong, days ? wrong / days : 0, days
			exit n != seeds
		}' || failed=1
	[ "$bad" = 0 ] || failed=1
fi
if wanted faults; then
	# Every operation and every allocation fails once.
	MORU_SOAK=1 meson test -C build-test --suite fault --timeout-multiplier 40 --print-errorlogs --logbase soak || failed=1
fi
if wanted kills; then
	for file in test_kill_phases.py test_kill_backup.py; do
		MORU_BIN=$PWD/build-test/moru MORU_PHASE_KILLS=${SOAK_KILLS:-1000} tests/e2e/run "$PWD/tests/e2e/$file" -s || failed=1
	done
	MORU_BIN=$PWD/build-test/moru MORU_FLIPS=${SOAK_FLIPS:-60} tests/e2e/run "$PWD/tests/e2e/test_bit_flips.py" -s || failed=1
fi
if wanted values; then
	# Each prints "N of M values lost".
	MORU_VALUES=${SOAK_VALUES:-10000000} build-test/tests/fault/series/fault_series_count || failed=1
	MORU_VALUES=${SOAK_VALUES:-10000000} MORU_BIN=$PWD/build-test/moru tests/e2e/run "$PWD/tests/e2e/test_serve_count.py" -s || failed=1
fi
if wanted props; then
	MORU_WEEKS=${SOAK_WEEKS:-1000} MORU_WEEKS_FIRST=$((first % 1000000)) MORU_PROP_RUNS=${SOAK_PROP_RUNS:-200000} MORU_PROP_SEED=$first meson test -C build-test --suite prop --timeout-multiplier 40 --print-errorlogs --logbase soak-prop || failed=1
fi
if wanted mutants; then
	python3 -B tests/mutate/mutate.py build-test || failed=1
fi
if wanted backup; then
	MORU_BIN=$PWD/build-test/moru MORU_BACKUP_MB=1000 tests/e2e/run "$PWD/tests/e2e/test_backup.py" -k one_percent -s || failed=1
fi
if wanted peers; then
	tools/peers.sh telegraf
	built=$?
	if [ "$built" = 0 ] || { [ "$built" = 3 ] && command -v "${MORU_TELEGRAF:-telegraf}" >/dev/null; }; then
		MORU_BIN=$PWD/build-test/moru tests/e2e/run "$PWD/tests/e2e/test_influx_telegraf.py" -rs || failed=1
	elif [ "$built" = 3 ]; then
		echo "peers: left out: no Go to build Telegraf with, and no Telegraf"
	else
		failed=1
	fi
	MORU_BIN=$PWD/build-test/moru tests/e2e/run "$PWD/tests/e2e/test_smb_share.py" -rs || failed=1
fi
if wanted deb; then
	if [ "$(id -u)" = 0 ] && command -v debootstrap >/dev/null; then
		make --no-print-directory deb-test || failed=1
	else
		echo "deb: left out: it wants root and debootstrap"
	fi
fi
exit $failed
