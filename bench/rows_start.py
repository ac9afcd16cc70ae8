"""Start after kill -9 under full load, with much data. BENCH_GB says how much (default 10)."""
import os
import re
import signal
import statistics
import subprocess
import time

from measure import Row, Server, ask, new_folder, numbers, run, serve

GB = float(os.environ.get("BENCH_GB", "10"))
FILL_S = 3600
LOAD_S = 3
ROUNDS = 5
DAY_S = 86400


def filled(place, say):
    folder = new_folder(place, "much")
    with serve(place, folder) as n:
        ask(n.url + "/query?q=CREATE+DATABASE+bench", b"")
        run(place.tool("lineload", n.port, "/write?db=bench&precision=ns", "machines", 8, 160))
    say(f"{GB:g} GB of data")
    p = subprocess.run(place.tool("fill", folder, GB), capture_output=True, text=True, timeout=FILL_S)
    if p.returncode != 0:
        raise RuntimeError(p.stderr[-300:])
    return folder, numbers(p.stdout)


def rows(place, say):
    row = Row(f"`moru serve`, exec to ready after kill -9 under full load, {GB:g} GB of data", "ms", "less", 1000)
    folder, what = filled(place, say)
    replayed = []
    for k in range(3 if place.quick else ROUNDS):
        say(f"kill -9 under load, round {k + 1}")
        n = serve(place, folder)
        try:
            # Values that come now: later than all there are, each round in days of its own.
            load = subprocess.Popen(place.tool("lineload", n.port, "/write?db=bench&precision=ns", "machines", 8, 4000, (k + 1) * DAY_S),
                                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            # Until the batches are made and some have come.
            n.wait_until(lambda: float(re.search(r"(?m)^moru_values_total (\S+)$", ask(n.url + "/metrics").decode())[1]) > 1e5)
            time.sleep(LOAD_S)
            n.p.send_signal(signal.SIGKILL)
            n.p.wait()
            load.wait(30)
        finally:
            n.end()
        begun = time.monotonic()
        with Server(place.moru("serve", folder, "--listen", "127.0.0.1:0"), folder + ".log") as s:
            s.wait_until(lambda: "ready on" in s.said())
            row.ours.append((time.monotonic() - begun) * 1e3)
            url = re.search(r"ready on (http://\S+)", s.said()).group(1)
            replayed.append(float(re.search(r"(?m)^moru_points_in_heads (\S+)$", ask(url + "/metrics").decode())[1]))
    row.notes.append(f"{what['bytes'] / 1e9:.1f} GB of {what['values'] / 1e6:.0f} million values of full entropy in {what['segments']:.0f} segments, made by `fill` in {what['seconds']:.0f} s; "
                     f"killed after {LOAD_S} s of line protocol over 8 connections; {statistics.median(replayed) / 1e6:.2f} million values replayed from the log (median). "
                     "What the kill left is in the page cache, as after a crash of the program; after a power cut the directories of the segments are read first.")
    return [row]
