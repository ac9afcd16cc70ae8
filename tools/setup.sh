#!/bin/bash
# Installs what a fresh Debian 12 lacks: setup.sh build | test | bench | lint | deb. Says first what it will install.
set -eu
level=${1:-build}
build="gcc libc6-dev make meson ninja-build pkg-config python3 libevent-dev libssl-dev libsqlite3-dev zlib1g-dev libyaml-dev libcurl4-openssl-dev libqrencode-dev ca-certificates"
command -v npm >/dev/null || build="$build nodejs npm"
test="clang-14 llvm-14 libclang-rt-14-dev libcmocka-dev python3-venv git chromium fonts-noto-cjk binutils dpkg-dev systemd libzbar0 unzip"
bench="influxdb python3-venv"
lint="clang-14 clang-tidy-14 clang-format-14 shellcheck"
deb="dpkg-dev binutils"
case $level in
	deb) want="$build $deb" ;;
	build) want=$build ;;
	test) want="$build $test" ;;
	bench) want="$build $bench" ;;
	lint) want="$build $lint" ;;
	*) echo "setup.sh: expected build, test, bench, lint or deb, not '$level'" >&2; exit 2 ;;
esac
missing=
for p in tzdata $want; do
	dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q '^install ok installed$' || missing="$missing $p"
done
if [ -n "$missing" ]; then
	echo "Installing from Debian:$missing"
	sudo=; [ "$(id -u)" = 0 ] || sudo=sudo
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get update -q >/dev/null
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing >/dev/null
fi
if [ -e "tools/requirements-$level.txt" ]; then
	[ -e venv/.done-$level ] && [ venv/.done-$level -nt tools/requirements-$level.txt ] || {
		echo "Installing from PyPI into venv/: $(grep -v '^#' tools/requirements-$level.txt | tr '\n' ' ')"
		[ -e venv/bin/python ] || python3 -m venv venv
		venv/bin/pip install -q --disable-pip-version-check -r tools/requirements-$level.txt
		touch venv/.done-$level
	}
fi
if [ "$level" != build ] && [ "$level" != deb ]; then
	# What drives the browser in tests/ui; the browser itself is Debian's.
	lock=$(cksum <tests/ui/package-lock.json)
	[ "$(cat tests/ui/node_modules/.moru-lock 2>/dev/null)" = "$lock" ] || {
		echo "Installing from npm into tests/ui/node_modules/: playwright-core axe-core"
		(cd tests/ui && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --no-audit --no-fund --silent)
		echo "$lock" >tests/ui/node_modules/.moru-lock
	}
fi
