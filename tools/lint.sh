#!/bin/bash
# Looks at the sources without running them: lint.sh [FILE...]
# clang-tidy (.clang-tidy) over src, shellcheck over the scripts, Python's own compiler over its files. Bounded to LINT_JOBS (2) at a time.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
failed=0
[ -e build-lint/build.ninja ] || CC=clang-14 meson setup build-lint -Dtests=false -Dui=false -Dbuildtype=debug >/dev/null || exit 1
ninja --quiet -C build-lint || exit 1 # what is generated, and clang's warnings
if [ $# -gt 0 ]; then files=("$@"); else mapfile -t files < <(find src -name '*.c' -not -path '*/node_modules/*' | sort); fi
echo "clang-tidy: ${#files[@]} files"
printf '%s\n' "${files[@]}" | xargs -P "${LINT_JOBS:-2}" -n 6 clang-tidy-14 -p build-lint --quiet 2>/dev/null || failed=1
if [ $# = 0 ]; then
	echo "shellcheck"
	find tools .ci tests/e2e/run -type f -print0 | xargs -0 grep -lE '^#!/bin/(ba)?sh' | xargs shellcheck -S warning || failed=1
	echo "python"
	find tools tests bench -name '*.py' -not -path '*/node_modules/*' -print0 | xargs -0 python3 -B -c 'import ast, sys
for p in sys.argv[1:]: ast.parse(open(p, encoding="utf-8").read(), p)' || failed=1
fi
[ "$failed" = 0 ] && echo "nothing found"
exit $failed
