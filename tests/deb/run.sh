#!/bin/bash
# The package in a fresh Debian 12 of its own: run.sh PACKAGE. Installs it, serves as its user, upgrades with the data kept, removes (data stay),
# purges (data go). Wants root, debootstrap and a Debian mirror (DEB_MIRROR, else the first of apt's sources, else debootstrap's own).
set -euo pipefail
deb=$(readlink -f "$1")
cd "$(dirname "$0")/../.."
command -v debootstrap >/dev/null || { echo "tests/deb/run.sh: install debootstrap" >&2; exit 2; }
[ "$(id -u)" = 0 ] || { echo "tests/deb/run.sh: wants root, for chroot" >&2; exit 2; }
mirror=${DEB_MIRROR:-$( (cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null || true) |
	sed -nE 's/^deb +(\[[^]]*\] *)?(http[^ ]*).*/\2/p; s/^URIs: *(http[^ ]*).*/\1/p' | sed -n 1p)}
work=$(mktemp -d)
root=$work/root
node=
cleanup() {
	[ -z "$node" ] || { kill "$node" 2>/dev/null && wait "$node"; } || true
	mountpoint -q "$root/proc" && umount "$root/proc"
	rm -rf "$work"
}
trap cleanup EXIT
say() { printf '== %s\n' "$*"; }
fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }

needs=$(dpkg-deb -f "$deb" Depends | tr ',' '\n' | sed 's/(.*//; s/|.*//; s/ //g' | paste -sd,)
say "debootstrap bookworm from ${mirror:-its own mirror} with $needs"
debootstrap --variant=minbase --include="$needs" bookworm "$root" ${mirror:+"$mirror"} >"$work/debootstrap.log" 2>&1 ||
	{ tail -20 "$work/debootstrap.log" >&2; fail debootstrap; }
mount -t proc proc "$root/proc"
cp "$deb" "$root/moru.deb"
inside() { chroot "$root" "$@"; }

# Serves with the unit's own command line, as the unit's user, until `stop`.
serve() {
	local line
	line=$(sed -n 's/^ExecStart=//p' "$root/usr/lib/systemd/system/moru.service")
	# shellcheck disable=SC2086
	chroot "$root" setpriv --reuid=moru --regid=moru --init-groups $line --listen 127.0.0.1:18470 2>"$work/serve.log" &
	node=$!
	for _ in $(seq 200); do grep -q '^moru: ready' "$work/serve.log" && return; sleep 0.05; done
	cat "$work/serve.log" >&2
	fail "it does not serve"
}
stop() { kill "$node"; wait "$node" || fail "it did not end with status 0"; node=; }
count() { inside setpriv --reuid=moru --regid=moru --init-groups moru sql /var/lib/moru "SELECT count(*) FROM series s JOIN value v ON v.series = s.id" --format csv | tail -1 | tr -d '\r'; }

say install
inside dpkg -i /moru.deb >"$work/dpkg.log" 2>&1 || { cat "$work/dpkg.log" >&2; fail "dpkg -i"; }
[ "$(inside stat -c '%U:%G %a' /var/lib/moru)" = "moru:moru 750" ] || fail "owner of /var/lib/moru"
inside test -e /var/lib/moru/format || fail "no node was made"
[ -L "$root/etc/systemd/system/multi-user.target.wants/moru.service" ] || fail "the unit is not enabled"
id=$(inside cat /var/lib/moru/node.json)
serve
printf 't,v\n2026-11-20 08:00:00,1\n2026-11-20 08:00:01,2\n' >"$root/var/lib/moru/inbox/temps.csv"
inside chown moru:moru /var/lib/moru/inbox/temps.csv
for _ in $(seq 200); do [ -e "$root/var/lib/moru/inbox/done/temps.csv" ] && break; sleep 0.1; done
stop
[ "$(count)" = 2 ] || fail "two values were given, $(count) are there"

say upgrade
mkdir "$work/next"
dpkg-deb -R "$deb" "$work/next"
sed -i 's/^Version: .*/&+next1/' "$work/next/DEBIAN/control"
dpkg-deb --root-owner-group --build "$work/next" "$root/next.deb" >/dev/null
inside dpkg -i /next.deb >"$work/dpkg.log" 2>&1 || { cat "$work/dpkg.log" >&2; fail "upgrade"; }
[ "$(inside cat /var/lib/moru/node.json)" = "$id" ] || fail "another identity after the upgrade"
serve
stop
[ "$(count)" = 2 ] || fail "values lost by the upgrade"

say remove
inside dpkg -r moru >"$work/dpkg.log" 2>&1 || { cat "$work/dpkg.log" >&2; fail "dpkg -r"; }
[ ! -e "$root/usr/bin/moru" ] || fail "the program is still there"
[ "$(inside cat /var/lib/moru/node.json)" = "$id" ] || fail "the data did not stay"
inside dpkg -i /moru.deb >"$work/dpkg.log" 2>&1 || { cat "$work/dpkg.log" >&2; fail "install again"; }
[ "$(count)" = 2 ] || fail "values lost by remove and install"

say purge
inside dpkg -P moru </dev/null >"$work/dpkg.log" 2>&1 || { cat "$work/dpkg.log" >&2; fail "dpkg -P"; }
[ ! -e "$root/var/lib/moru" ] || fail "the data stayed"
if inside getent passwd moru >/dev/null; then fail "the user stayed"; fi
left=$(inside find / -xdev -path /proc -prune -o -name '*moru*' -print | grep -Ev '^/(moru|next)\.deb$|^/var/(log|lib/dpkg)/' || true)
[ -z "$left" ] || fail "left behind: $left"
say "all passed"
