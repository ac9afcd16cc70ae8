#!/bin/bash
# Builds programs of others that tests run the node against, into build-peers/: peers.sh [telegraf]
# They are only run beside the node, never linked into it, and none is needed to build or to use Moru.
# telegraf: tests/e2e/test_influx_telegraf.py. Debian has none; it comes from the Go module proxy and wants Go 1.25.7, or a Go from 1.21 on that may
# fetch that by itself (GOTOOLCHAIN=auto, Go's default). The sum below pins its sources, and the go.sum among them everything that those need.
set -euo pipefail
cd "$(dirname "$0")/.."
dir=$PWD/build-peers

telegraf() {
	local version=v1.37.3 sum=h1:PDWww98QhadDryGPk0GtJSW0c87a/vEcp7fucez6xhc= module=github.com/influxdata/telegraf start=$SECONDS go info src got
	# Only what the test's configurations name: a tenth of the whole program.
	local tags=custom,inputs.cpu,inputs.file,inputs.tail,outputs.file,outputs.influxdb,parsers.influx,parsers.json,serializers.influx,serializers.json
	if [ "$(cat "$dir/telegraf.made" 2>/dev/null)" = "$version $sum $tags" ] && [ -x "$dir/telegraf" ]; then
		echo "build-peers/telegraf: $version stands there already"
		return
	fi
	go=$(command -v go || true)
	[ -n "$go" ] || { [ -x /usr/local/go/bin/go ] && go=/usr/local/go/bin/go; } || {
		echo "peers.sh: Telegraf wants Go, which is not here: golang-go from bookworm-backports, or https://go.dev/dl; or install Telegraf itself" >&2
		return 3
	}
	echo "Fetching Telegraf $version by $("$go" version | cut -d' ' -f3) and building what the test needs of it (about 350 MB, some minutes; only the program is kept)"
	# Its own caches, so that it leaves nothing in those of the user; what a broken run has fetched is used again.
	export GOMODCACHE=$dir/go/mod GOCACHE=$dir/go/cache GOFLAGS="${GOFLAGS:-} -modcacherw"
	mkdir -p "$dir/go"
	info=$(cd "$dir/go" && "$go" mod download -json "$module@$version") || { echo "$info" >&2; return 1; }
	field() { sed -nE "s/^\t\"$1\": \"(.*)\",?\$/\1/p" <<<"$info"; }
	src=$(field Dir) got=$(field Sum)
	[ "$got" = "$sum" ] || { echo "peers.sh: Telegraf $version has the sum $got, expected $sum" >&2; return 1; }
	(cd "$src" && nice "$go" build -p "${PEERS_JOBS:-1}" -mod=readonly -trimpath -buildvcs=false -tags "$tags" \
		-ldflags "-s -w -X $module/internal.Version=${version#v}" -o "$dir/telegraf" ./cmd/telegraf)
	echo "$version $sum $tags" >"$dir/telegraf.made"
	rm -rf "$dir/go"
	echo "build-peers/telegraf: $("$dir/telegraf" --version), $((SECONDS - start)) s"
}

for peer in "${@:-telegraf}"; do
	case $peer in
		telegraf) telegraf ;;
		*) echo "peers.sh: expected telegraf, not '$peer'" >&2; exit 2 ;;
	esac
done
