"""`make bench`: every row of the table of figures, ours and its peer in the same run, round by round in turn.

    figures.py --build build-bench --data FILE [--scratch DIR] [--out docs/figures.md] [--quick] [ROW…]

Rows: node (start, memory, last values), import, chart, line, backup, conns (idle connections), logins (refused ones), start (kill -9, 10 GB), browsers (100 of them, loop delay). Prints the table as it grows and writes it as Markdown."""
import argparse
import datetime
import os
import platform
import statistics
import sys
import tempfile
import time
import traceback

import rows_backup
import rows_browsers
import rows_chart
import rows_conns
import rows_import
import rows_line
import rows_logins
import rows_node
import rows_start
from measure import Place

ORDER = ("node", "import", "chart", "line", "backup", "conns", "logins", "start", "browsers")


def text(v):
    return f"{v:,.0f}" if v >= 1000 else f"{v:.1f}" if v >= 10 else f"{v:.2f}"


def spread(values):
    if not values:
        return "–"
    if len(values) == 1:
        return text(values[0])
    return f"{text(statistics.median(values))} ({text(min(values))}–{text(max(values))})"


def cells(r):
    ratio = r.ratio()
    sign = "≥" if r.better == "more" else "≤"
    wanted = "stated" if r.wanted is None else (f"{sign} {r.wanted:g}×" if r.peer_name else f"{sign} {r.wanted:g} {r.unit}")
    met = "–" if r.wanted is None else {True: "yes", False: "**no**", None: "not measured"}[r.met()]
    return [f"{r.what}, {r.unit}" if r.unit != "1/s" else r.what, spread(r.ours), spread(r.peer), f"{ratio:.2f}×" if ratio else "–", wanted, met]


HEAD = ["what", "ours", "peer", "ratio", "wanted", "met"]


def plain(rows):
    table = [HEAD] + [cells(r) for r in rows]
    width = [max(len(row[i]) for row in table) for i in range(len(HEAD))]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(row, width)).rstrip() for row in table)


def sync_ms(folder):
    """Median of 200 writes of 4 KiB, each followed by fdatasync."""
    name, took = os.path.join(folder, "sync"), []
    fd = os.open(name, os.O_WRONLY | os.O_CREAT, 0o600)
    os.ftruncate(fd, 1 << 20)
    os.fsync(fd)
    for i in range(200):
        os.pwrite(fd, b"x" * 4096, i % 256 * 4096)
        t = time.monotonic()
        os.fdatasync(fd)
        took.append((time.monotonic() - t) * 1e3)
    os.close(fd)
    os.unlink(name)
    return statistics.median(took)


def machine(scratch, load_before):
    with open("/proc/meminfo") as f:
        memory = int(f.readline().split()[1]) / 2**20
    with open("/etc/os-release") as f:
        name = next((line.split("=", 1)[1].strip().strip('"') for line in f if line.startswith("PRETTY_NAME")), "Linux")
    busy = "with other work on the machine" if load_before > 0.7 else "on a quiet machine"
    return (f"{os.cpu_count()} cores ({platform.machine()}), {memory:.0f} GiB memory, {name}; fdatasync of 4 KiB: {sync_ms(scratch):.2f} ms. "
            f"Measured {busy} (load average before: {load_before:.1f})"
            + ("; rows in ms are wall-clock, so they hold the wait for a core: run it again when it is quiet." if load_before > 0.7 else "."))


def markdown(rows, where, minutes):
    out = ["# Figures", "",
           "Written by `make bench`: ours and its peer in the same run, in turn; median (minimum–maximum) over the rounds; release build, default settings, "
           "page cache warm unless said. CPU time counts all threads of a server or command, kernel time included.", "",
           f"Measured {datetime.date.today().isoformat()} in {minutes:.0f} minutes. {where}", "",
           "| " + " | ".join(HEAD) + " |", "| --- | --- | --- | --- | --- | --- |"]
    out += ["| " + " | ".join(cells(r)) + " |" for r in rows]
    out += ["", "## How", ""]
    for r in rows:
        if r.peer_name or r.notes:
            out.append((f"- **{r.what}**" + (f", beside {r.peer_name}" if r.peer_name else "") + ". " + " ".join(r.notes)).rstrip())
    out += ["", "## Raw", "", "Each round in the order it was run.", "", "```"]
    for r in rows:
        out.append(f"{r.what} [{r.unit}]")
        out.append("  ours " + " ".join(text(v) for v in r.ours))
        if r.peer:
            out.append("  peer " + " ".join(text(v) for v in r.peer))
    out += ["```", ""]
    return "\n".join(out)


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--build", required=True)
    a.add_argument("--data", required=True)
    a.add_argument("--scratch")
    a.add_argument("--out")
    a.add_argument("--quick", action="store_true", help="fewer rounds")
    a.add_argument("rows", nargs="*", choices=[*ORDER, []])
    o = a.parse_args()
    begun, load = time.monotonic(), os.getloadavg()[0]
    say = lambda what: print(f"{time.monotonic() - begun:6.0f} s  {what}", file=sys.stderr, flush=True)
    done, failed = [], False
    with tempfile.TemporaryDirectory(prefix="moru-bench-", dir=o.scratch) as scratch:
        place = Place(o.build, scratch, o.quick)
        where = machine(scratch, load)
        parts = {"node": lambda: rows_node.rows(place, say), "import": lambda: rows_import.rows(place, o.data, say),
                 "chart": lambda: rows_chart.rows(place, say), "line": lambda: rows_line.rows(place, say),
                 "backup": lambda: rows_backup.rows(place, say), "conns": lambda: rows_conns.rows(place, say),
                 "logins": lambda: rows_logins.rows(place, say), "start": lambda: rows_start.rows(place, say),
                 "browsers": lambda: rows_browsers.rows(place, say)}
        for name in ORDER:
            if o.rows and name not in o.rows:
                continue
            try:
                done += parts[name]()
            except Exception:
                traceback.print_exc()
                failed = True
    print(where)
    print(plain(done))
    for r in done:
        if r.notes:
            print(f"{r.what}: {' '.join(r.notes)}")
    if o.out and not failed:
        with open(o.out, "w") as f:
            f.write(markdown(done, where, (time.monotonic() - begun) / 60))
    return 1 if failed or any(r.met() is False for r in done if r.wanted is not None) else 0


if __name__ == "__main__":
    sys.exit(main())
