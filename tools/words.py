#!/usr/bin/env python3
"""The one catalogue of messages: words/*.tsv -> C and TypeScript.

A line is `id<TAB>Korean<TAB>English`; '#' begins a comment line. In the texts
{file} {line} {column} {field} {value} {expected} and {0}..{3} are places; in
Korean a place may choose a particle by the final sound of what stands there:
{field|을/를}, {0|으로/로}, {value|이/가}, {0|은/는}, {0|과/와}.

  words.py header DIR OUT DEPFILE   enum mo_msg
  words.py c      DIR OUT DEPFILE   table of texts (for the programs that print)
  words.py ts     DIR OUT DEPFILE   the same for the page
"""
import json
import pathlib
import re
import sys

PLACE = re.compile(r"\{([a-z]+|[0-3])(?:\|([^/}]+/[^/}]+))?\}")
NAMES = {"file", "line", "column", "field", "value", "expected", "0", "1", "2", "3"}


def load(folder):
    rows, seen, files = [], {}, sorted(pathlib.Path(folder).glob("*.tsv"))
    for f in files:
        for n, line in enumerate(f.read_text(encoding="utf-8").splitlines(), 1):
            if not line.strip() or line.startswith("#"):
                continue
            cells = line.split("\t")
            where = f"{f}:{n}"
            if len(cells) != 3 or not all(c.strip() for c in cells):
                sys.exit(f"{where}: expected id<TAB>Korean<TAB>English")
            key, ko, en = cells
            if not re.fullmatch(r"[a-z][a-z0-9_]*", key):
                sys.exit(f"{where}: id '{key}' is not lower_case")
            if key in seen:
                sys.exit(f"{where}: id '{key}' stands already at {seen[key]}")
            seen[key] = where
            for text in (ko, en):
                for m in PLACE.finditer(text):
                    if m[1] not in NAMES:
                        sys.exit(f"{where}: unknown place {m[0]}")
                if re.sub(PLACE, "", text).count("{") or re.sub(PLACE, "", text).count("}"):
                    sys.exit(f"{where}: stray brace")
            if {m[1] for m in PLACE.finditer(ko)} != {m[1] for m in PLACE.finditer(en)}:
                sys.exit(f"{where}: Korean and English hold different places")
            rows.append((key, ko, en))
    return rows, files


def c_string(s):
    return '"' + s.replace("\\", "\\\\").replace('"', '\\"') + '"'


def main():
    kind, folder, out, dep = sys.argv[1:5]
    rows, files = load(folder)
    if kind == "header":
        body = "/* Generated from words/NAME.tsv. */\n#ifndef MO_BASE_WORDS_H\n#define MO_BASE_WORDS_H\n\nenum mo_msg {\n\tMSG_NONE,\n"
        body += "".join(f"\tMSG_{k.upper()},\n" for k, _, _ in rows) + "\tMSG_COUNT\n};\n\n#endif\n"
    elif kind == "c":
        body = '/* Generated from words/NAME.tsv. */\n#include "api/words_table.h"\n\nconst struct words_row words_table[MSG_COUNT] = {\n\t{"none", "", ""},\n'
        body += "".join(f"\t{{{c_string(k)}, {c_string(ko)}, {c_string(en)}}},\n" for k, ko, en in rows) + "};\n"
    elif kind == "ts":
        body = "// Generated from words/NAME.tsv.\nexport const messages: Record<string, [string, string]> = "
        body += json.dumps({k: [ko, en] for k, ko, en in rows}, ensure_ascii=False, indent=1) + ";\n"
    else:
        sys.exit(__doc__)
    pathlib.Path(out).write_text(body, encoding="utf-8")
    pathlib.Path(dep).write_text(f"{out}: " + " ".join(str(f) for f in files) + f" {folder}\n", encoding="utf-8")


main()
