"""CSV import beside DuckDB: the same file, CPU seconds until the last sync."""
import csv
import datetime
import json
import os
import resource
import subprocess
import sys

from measure import Row, all_items, ask, ask_json, new_folder, serve

METERS = 37
ROUNDS = 5
SQL = ("SET threads=2",
       "CREATE TABLE t AS SELECT * FROM read_csv('{f}', types={{'date':'TIMESTAMP'}}, timestampformat='%d/%m/%Y %H:%M')",
       "CHECKPOINT")


def make_file(source, path):
    """The file METERS times, its rows headed by a column `meter`. Gives rows, and per value column what a meter's values come to."""
    with open(source, encoding="utf-8-sig", newline="") as f:
        lines = f.read().splitlines()
    with open(path, "w", newline="") as f:
        f.write("meter," + lines[0] + "\n")
        for m in range(METERS):
            f.writelines(f"M{m + 1:02d},{line}\n" for line in lines[1:])
    table = list(csv.DictReader(lines))
    sums = {}
    for name in table[0]:
        if name != "date":
            values = [r[name] for r in table]
            try:
                sums[name] = sum(map(float, values))
            except ValueError:
                sums[name] = {v: values.count(v) for v in sorted(set(values))}
    return len(table), sums


def duckdb_round(path, db):
    """In a process of its own (this file, run as a program)."""
    out = subprocess.run([sys.executable, os.path.abspath(__file__), path, db], capture_output=True, text=True, check=True, timeout=300)
    return json.loads(out.stdout)


def duckdb_child(path, db):
    import duckdb
    for name in (db, db + ".wal"):
        if os.path.exists(name):
            os.unlink(name)
    con = duckdb.connect(db)
    cpu = lambda: sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
    before = cpu()
    for s in SQL:
        con.execute(s.format(f=path))
    took = cpu() - before
    sums = {}
    for name, kind in con.execute("SELECT column_name, column_type FROM (DESCRIBE t)").fetchall():
        if name in ("meter", "date"):
            continue
        if kind == "VARCHAR":
            sums[name] = dict(con.execute(f'SELECT "{name}", count(*) FROM t GROUP BY 1 ORDER BY 1').fetchall())
        else:
            sums[name] = con.execute(f'SELECT sum("{name}") FROM t').fetchone()[0]
    rows = con.execute("SELECT count(*) FROM t").fetchone()[0]
    json.dump({"cpu": took, "rows": rows, "sums": sums, "version": duckdb.__version__}, sys.stdout)


def moru_round(place, path):
    folder = new_folder(place, "import")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    out = subprocess.run(place.moru("import", folder, path), capture_output=True, text=True, timeout=300)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if out.returncode != 0:
        raise RuntimeError(out.stderr[-500:])
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def series_values(url, signal):
    at = None
    while True:
        page = ask_json(f"{url}/api/v1/series/{signal['id']}/values?limit=10000" + (f"&cursor={at}" if at else ""))
        yield from page["v"]
        at = page["next"]
        if not at:
            return


def read_back(place, rows, sums):
    """Every value of every series through the node's API: each meter's columns come to what the file's do."""
    with serve(place, place.path("import")) as n:
        signals = all_items(n.url + "/api/v1/signals?limit=1000")
        if len(signals) != METERS * len(sums):
            raise RuntimeError(f"{len(signals)} series, expected {METERS * len(sums)}")
        for s in signals:
            name = next(k for k in sums if k.startswith(s["name"]))  # the name is the column's without its unit
            want, values = sums[name], list(series_values(n.url, s))
            if len(values) != rows or not same({v: values.count(v) for v in set(values)} if isinstance(want, dict) else sum(values), want):
                raise RuntimeError(f"{s['label']}: {len(values)} values read back, not those of the file")


def same(got, want):
    return got == want if isinstance(want, dict) else abs(got - want) <= 1e-6 * max(1, abs(want))


def rows(place, source, say):
    row = Row("CSV import, rows per CPU second, last sync included", "1/s", "more", 1.0)
    path = place.path("meters.csv")
    count, sums = make_file(source, path)
    for k in range(3 if place.quick else ROUNDS):
        say(f"import, round {k + 1}")
        row.ours.append(METERS * count / moru_round(place, path))
        peer = duckdb_round(path, place.path("duck.db"))
        row.peer.append(peer["rows"] / peer["cpu"])
        for name, want in sums.items():
            if not same(peer["sums"][name], {k: v * METERS for k, v in want.items()} if isinstance(want, dict) else want * METERS):
                raise RuntimeError(f"DuckDB's {name}: {peer['sums'][name]}, expected {METERS} times {want}")
    say("import, reading back")
    read_back(place, count, sums)
    row.peer_name = "DuckDB " + peer["version"]
    row.notes.append(f"steel_energy_gwangyang.csv {METERS} times as {METERS} meters: {METERS * count:,} rows, {os.path.getsize(path) / 1e6:.0f} MB. Ours: all of "
                     f"`moru import`, the file kept as a blob too; the peer: its three statements, without its start. Afterwards, not timed, both are read back in full and "
                     f"compared with the file: all {len(sums)} value columns of all meters, ours by the API.")
    return [row]


if __name__ == "__main__":
    duckdb_child(sys.argv[1], sys.argv[2])
