#!/usr/bin/env python3
"""What Meson's runs came to: results.py SKIPS with|without LABEL=TESTLOG.json...

Names what failed, lists every skip with its reason, and holds the skips against SKIPS: a skip that is not listed there, or more or fewer
than it says, is a failure. A test skips by status 77, by cmocka's skip(), by pytest's, or by a line "skipped: WHY" for a part of it."""
import json
import pathlib
import re
import sys

TOLD = re.compile(r"^skipped: (.*)$|^SKIPPED \[(?P<n>\d+)\] (?P<why>.*)$", re.M)
CMOCKA = re.compile(r"^\[  SKIPPED \] (?!\d+ test)(.*)$", re.M)  # says no reason; a line "skipped: WHY" of the same test does


def skips_of(row):
    """(how many, why) for each thing that a test left out."""
    out = row.get("stdout") or ""
    told = [(int(m["n"] or 1), (m[1] or m["why"]).strip()) for m in TOLD.finditer(out)]
    mute = list(dict.fromkeys(CMOCKA.findall(out)))
    if len(mute) > len(told):
        told = [(1, f"{name} (no reason given)") for name in mute]
    if row["result"] == "SKIP" and not told:
        last = [l for l in out.splitlines() if l.strip()]
        told = [(1, last[-1] if last else "(no reason given)")]
    return told


def listed(path, shared):
    """test: (number expected, why) from lines `LABELS/SUITE/TEST  WITH  WITHOUT  WHY`; LABELS: the runs it is part of, divided by commas."""
    rows = {}
    for n, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        m = re.fullmatch(r"([\w,-]+)/(\S+)\s+(\d+(?:-\d+)?)\s+(\d+(?:-\d+)?)\s+(\S.*)", line)
        if not m:
            sys.exit(f"{path}:{n}: expected RUNS/TEST WITH WITHOUT WHY")
        for label in m[1].split(","):
            low, _, high = (m[3] if shared == "with" else m[4]).partition("-")
            rows[f"{label}/{m[2]}"] = (int(low), int(high or low), m[5])
    return rows


def main():
    allowed, bad = listed(pathlib.Path(sys.argv[1]), sys.argv[2]), 0
    seen, failures, count, ran = {}, [], {}, set()
    for arg in sys.argv[3:]:
        label, _, path = arg.partition("=")
        if not pathlib.Path(path).exists():
            continue  # a suite without tests
        for line in open(path, encoding="utf-8"):
            row = json.loads(line)
            suite, _, name = row["name"].partition(" / ")
            key = f"{label}/{name or suite}"
            ran.add(key)
            c = count.setdefault(label, [0, 0.0])
            c[0] += 1
            c[1] += row["duration"]
            if row["result"] not in ("OK", "SKIP", "EXPECTEDFAIL"):
                failures.append((key, row["result"], path.replace(".json", ".txt")))
            for n, why in skips_of(row):
                seen.setdefault(key, []).append((n, why))
    for label, (n, s) in count.items():
        print(f"{label}: {n} tests, {s:.0f} s of them together")
    for key, told in sorted(seen.items()):
        n, (low, high, _) = sum(k for k, _ in told), allowed.get(key, (0, 0, ""))
        for k, why in told:
            print(f"skipped: {key}: {why}" + (f" ({k} times)" if k > 1 else ""))
        if not low <= n <= high:
            print(f"SKIPS: {key}: {n} skipped, tests/skips.txt allows {low} to {high} ({sys.argv[2]} ../shared)")
            bad += 1
    for key, (low, _, why) in sorted(allowed.items()):
        if low and key in ran and key not in seen:
            print(f"SKIPS: {key}: runs whole, tests/skips.txt expects {low} skipped ({why})")
            bad += 1
    for key, result, log in failures:
        print(f"FAILED {key} ({result}): {log}")
    return 1 if bad or failures else 0


sys.exit(main())
