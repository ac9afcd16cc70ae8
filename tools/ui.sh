#!/bin/sh
# Builds the page and writes it as one C file: ui.sh SOURCE BUILD OUT.c OUT.d
# npm ci runs only when the lock file changed since it last did.
set -eu
mkdir -p "$2"
src=$(cd "$1" && pwd) build=$(cd "$2" && pwd) here=$(cd "$(dirname "$0")" && pwd)
name=$3 out=$PWD/$3 dep=$PWD/$4
dist=$build/dist
cd "$src"
# Two builds may run at once; node_modules is one.
exec 9<package-lock.json
flock 9
lock=$(cksum <package-lock.json)
if [ ! -d node_modules ] || [ "$(cat node_modules/.moru-lock 2>/dev/null)" != "$lock" ]; then
	npm ci --no-audit --no-fund --silent
	echo "$lock" >node_modules/.moru-lock
fi
node_modules/.bin/tsc --noEmit
flock -u 9
UI_OUT=$dist node_modules/.bin/vite build --logLevel warn
python3 "$here/embed.py" "$dist" "$out"
# What the output was made from, for Ninja. A new file is met by its folder's time.
{
	printf '%s:' "$name"
	find "$src/src" "$src/public" "$src/index.html" "$src/package.json" "$src/package-lock.json" "$src/tsconfig.json" "$src/vite.config.ts" \
		"$here/embed.py" \( -type f -o -type d \) | sort | while read -r f; do printf ' \\\n %s' "$f"; done
	echo
} >"$dep"
