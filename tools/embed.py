#!/usr/bin/env python3
"""Turns the page's built files into one C file: embed.py DIST OUT."""
import gzip
import hashlib
import pathlib
import sys

# The first load may weigh so much, compressed: it has to open on a phone at the far end of a hall. A page beyond it is not built.
BUDGET_BYTES = 120_000
TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml",
         ".json": "application/json", ".webmanifest": "application/manifest+json", ".png": "image/png", ".ico": "image/x-icon", ".woff2": "font/woff2"}


def main():
    dist, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    rows, data, load = [], [], 0
    files = sorted(p for p in dist.rglob("*") if p.is_file()) if dist.is_dir() else []
    for i, p in enumerate(files):
        raw = p.read_bytes()
        packed = gzip.compress(raw, 9, mtime=0)
        use = packed if len(packed) < len(raw) else raw
        load += len(use)
        path = "/" + p.relative_to(dist).as_posix()
        data.append(f"static const unsigned char f{i}[] = {{" + ",".join(map(str, use or b"\0")) + "};\n")
        rows.append(f'\t{{"{path}", "{TYPES.get(p.suffix, "application/octet-stream")}", "\\"{hashlib.sha256(raw).hexdigest()[:16]}\\"", '
                    f'{"true" if use is packed else "false"}, {"true" if path.startswith("/assets/") else "false"}, {{f{i}, {len(use)}}}}},\n')
    if load > BUDGET_BYTES:
        sys.exit(f"embed.py: the page weighs {load} bytes compressed, more than the {BUDGET_BYTES} that the first load may")
    out.write_text('/* Generated from the built page. */\n#include "ui/files.h"\n\n' + "".join(data)
                   + "static const struct ui_file files[] = {\n" + "".join(rows) + "\t{0},\n};\n\n"
                   + "const struct ui_file *ui_file_at(size_t index) { return index + 1 < sizeof files / sizeof *files ? &files[index] : NULL; }\n")


main()
