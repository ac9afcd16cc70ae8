#!/bin/bash
# Debian packages from a build folder: deb.sh [BUILD [OUT]]. Without BUILD one is made in build-deb (release, with debug symbols). dpkg-deb alone packs:
# what is in the package is what `meson install` installs, with the scripts of packaging/deb.
# DEB_PACK: options of dpkg-deb (-Zxz). SOURCE_DATE_EPOCH: its date (that of the last commit).
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-}
if [ -z "$build" ]; then
	build="build-deb"
	[ -e $build/build.ninja ] || meson setup $build --prefix=/usr -Dbuildtype=release -Ddebug=true -Dtests=false >/dev/null
	ninja --quiet -C $build
fi
out=${2:-build-deb}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
option() { meson introspect --buildoptions "$build" | python3 -c 'import json, sys; print({o["name"]: o["value"] for o in json.load(sys.stdin)}[sys.argv[1]])' "$1"; }
version=$(meson introspect --projectinfo "$build" | python3 -c 'import json, sys; print(json.load(sys.stdin)["version"])')
arch=$(dpkg --print-architecture)
prefix=$(option prefix)
root=$work/moru symbols=$work/dbgsym

umask 022
meson install -C "$build" --no-rebuild --quiet --destdir "$root"
if [ "$prefix" != /usr ]; then
	mv "$root$prefix" "$work/usr"
	rm -rf "${root:?}"/*
	mv "$work/usr" "$root/usr"
	sed -i "s|$prefix/|/usr/|g" "$root/usr/lib/systemd/system/moru.service"
fi
find "$root" -type d -exec chmod 755 {} +
find "$root" -type f ! -path '*/bin/*' -exec chmod 644 {} +
doc=$root/usr/share/doc/moru
install -m 644 packaging/deb/copyright "$doc/copyright"
sed "s|@version@|$version|; s|@date@|$(date -u -R -d "@$SOURCE_DATE_EPOCH")|" packaging/deb/changelog.in | gzip -9n >"$doc/changelog.gz"

# Symbols go into a package of their own, found by build id.
for p in "$root"/usr/bin/*; do
	id=$(readelf -n "$p" | sed -n 's/.*Build ID: //p')
	to=$symbols/usr/lib/debug/.build-id/${id:0:2}
	mkdir -p "$to"
	objcopy --only-keep-debug --compress-debug-sections "$p" "$to/${id:2}.debug"
	chmod 644 "$to/${id:2}.debug"
	strip --strip-unneeded --remove-section=.comment "$p"
	chmod 755 "$p"
done
mkdir -p "$symbols/usr/share/doc/moru-dbgsym"
cp "$doc/copyright" "$symbols/usr/share/doc/moru-dbgsym/"

# Which libraries, from which version on, the programs themselves say.
mkdir -p "$work/debian"
printf 'Source: moru\n\nPackage: moru\nArchitecture: any\n' >"$work/debian/control"
depends=$(cd "$work" && dpkg-shlibdeps -O moru/usr/bin/* 2>"$work/shlibdeps" | sed -n 's/^shlibs:Depends=//p') || { cat "$work/shlibdeps" >&2; exit 1; }
[ -n "$depends" ] || { cat "$work/shlibdeps" >&2; exit 1; }

# pack FOLDER NAME DEPENDS SECTION SUMMARY [LINES]
pack() {
	local dir=$1 name=$2
	mkdir -p "$dir/DEBIAN"
	(cd "$dir" && find usr -type f | LC_ALL=C sort | xargs md5sum) >"$dir/DEBIAN/md5sums"
	{
		printf 'Package: %s\nVersion: %s\nArchitecture: %s\nMaintainer: the Moru authors <moru@localhost>\nInstalled-Size: %s\nDepends: %s\nSection: %s\nPriority: optional\nDescription: %s\n' \
			"$name" "$version" "$arch" "$(du -sk --apparent-size "$dir/usr" | cut -f1)" "$3" "$4" "$5"
		printf '%s\n' "${@:6}"
	} >"$dir/DEBIAN/control"
	# shellcheck disable=SC2086
	dpkg-deb --root-owner-group ${DEB_PACK:--Zxz} --build "$dir" "$out/${name}_${version}_$arch.deb" >/dev/null
	echo "$out/${name}_${version}_$arch.deb"
}
mkdir -p "$out" "$root/DEBIAN"
for s in postinst prerm postrm; do install -m 755 "packaging/deb/$s" "$root/DEBIAN/$s"; done
pack "$root" moru "$depends, passwd, util-linux, init-system-helpers, tzdata" misc "data node for a factory" \
	" Takes values from machines (Modbus TCP, HTTP) and CSV files, keeps every value" \
	" durably, joins values to lots, finds stops, changed levels and late data, and" \
	" shows it on a page in Korean and English. Runs as a service with its data in" \
	" /var/lib/moru, which stays when the package is removed and goes when it is" \
	" purged."
pack "$symbols" moru-dbgsym "moru (= $version)" debug "debug symbols of moru" " For turning the trace of a crash into source lines."
