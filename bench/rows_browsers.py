"""100 browsers on Today: what they cost at life speed, and how long the loop lets others wait while an import and a backup run beside them."""
import datetime
import os
import re
import subprocess
import threading
import time

import browsers
from measure import Row, Server, ask, ask_json, cpu_s, run, serve

FIRMS = ("MLD", "MCH", "MOT")
COUNT = 100
HISTORY_H = 6
SETTLE_S = 3
IMPORT_ROWS = 400_000


def living(place, scale):
    """Three demo nodes after some hours of history, and the simulator that lives on beside them: (nodes, folders, simulator)."""
    now = datetime.datetime.now(datetime.timezone.utc).replace(second=0, microsecond=0)
    text = lambda t: t.strftime("%Y-%m-%dT%H:%M:%SZ")
    folders, nodes, sim = [], [], None
    try:
        for f in FIRMS:
            folder = place.path("life-" + f)
            subprocess.run(["rm", "-rf", "--one-file-system", folder], check=True)
            run(place.moru("init", folder, "--firm", f, "--name", f, "--demo", "--start", text(now - datetime.timedelta(hours=HISTORY_H))))
            folders.append(folder)
            nodes.append(serve(place, folder))
        sim = Server([os.path.join(place.build, "moru-sim"), "--nodes", ",".join(f"{k}={n.url}" for k, n in zip(FIRMS, nodes)), "--inbox",
                      ",".join(f"{k}={f}/inbox" for k, f in zip(FIRMS, folders)), "--t0", text(now), "--seed", "1", "--scale", str(scale),
                      "--history-hours", str(HISTORY_H)], place.path("sim.log"))
        sim.wait_until(lambda: all(ask_json(n.url + "/api/v1/node")["clock"]["mode"] == "scaled" for n in nodes))
        return nodes, folders, sim
    except BaseException:
        close(nodes, sim)
        raise


def close(nodes, sim):
    if sim:
        sim.end()
    for n in nodes:
        n.end()


def delays(n):
    text = ask(n.url + "/metrics").decode()
    return [(float(a), float(b)) for a, b in re.findall(r'(?m)^moru_loop_delay_seconds_bucket\{le="(.*?)"\} (\S+)$', text.replace("+Inf", "inf"))]


def quantile_ms(before, after, q):
    """Upper edge of the bucket in which the quantile lies."""
    counts = [b - a for (_, a), (_, b) in zip(before, after)]
    return next(edge for (edge, _), c in zip(after, counts) if c >= q * counts[-1]) * 1e3, counts[-1]


def one(place, seconds, scale, cpu, say):
    nodes, _, sim = living(place, scale)
    try:
        for k, n in zip(FIRMS, nodes):
            say(f"{COUNT} browsers on {k}'s Today at {scale}x")
            time.sleep(SETTLE_S)
            c0 = cpu_s(n.pid)
            time.sleep(seconds / 2)
            alone = (cpu_s(n.pid) - c0) / (seconds / 2) * 100
            b = browsers.Browsers("127.0.0.1", n.port, COUNT)
            b.run(SETTLE_S)
            c0, t0 = cpu_s(n.pid), time.monotonic()
            b.run(seconds)
            used = (cpu_s(n.pid) - c0) / (time.monotonic() - t0) * 100
            took = sorted(b.took_ms[browsers.TODAY])
            b.close()
            cpu.ours.append(used)
            cpu.notes.append(f"{k} at {scale}x: {used:.1f} % of a core ({alone:.1f} % without browsers), {len(took)} times Today, "
                             f"{took[len(took) // 2]:.1f} ms in the median; {b.events.get('change', 0)} events of changes.")
    finally:
        close(nodes, sim)


def together(place, seconds, delay, say):
    nodes, folders, sim = living(place, 60)
    over, trouble, made = threading.Event(), [], [0, 0]

    def keep(what):
        def body():
            while not over.is_set():
                try:
                    what()
                except (RuntimeError, OSError) as e:
                    trouble.append(e)
                    return
        t = threading.Thread(target=body)
        t.start()
        return t

    def import_one():
        made[0] += 1
        path = place.path(f"import-{made[0]}.csv")
        with open(path, "w") as f:
            f.write("time,temperature,pressure,speed\n")
            for i in range(IMPORT_ROWS):
                f.write(f"2024-{made[0] % 12 + 1:02}-{1 + i // 86400:02} {i // 3600 % 24:02}:{i // 60 % 60:02}:{i % 60:02},{20 + i % 97 / 10},{100 + i % 31},{i % 1000}\n")
        run(place.moru("import", folders[0], path, "--asset", f"import-{made[0]}"))
        os.unlink(path)

    def back_up():
        made[1] += 1
        target = place.path(f"target-{made[1]}")
        run(place.moru("backup", folders[0], target))
        subprocess.run(["rm", "-rf", "--one-file-system", target], check=True)

    threads = []
    try:
        say(f"{COUNT} browsers, an import and a backup together")
        n = nodes[0]
        b = browsers.Browsers("127.0.0.1", n.port, COUNT)
        b.run(SETTLE_S)
        before = delays(n)
        threads = [keep(import_one), keep(back_up)]
        b.run(seconds)
        ms, probes = quantile_ms(before, delays(n), 0.99)
        half, _ = quantile_ms(before, delays(n), 0.5)
        b.close()
        delay.ours.append(ms)
        delay.notes.append(f"{probes:.0f} probes, the median at most {half:g} ms; {made[0]} imports of {IMPORT_ROWS} rows and {made[1]} whole backups were begun meanwhile, each with "
                           "a program of its own on the same cores.")
    finally:
        over.set()
        for t in threads:
            t.join()
        close(nodes, sim)
    if trouble:
        raise trouble[0]


def rows(place, say):
    cpu = Row(f"{COUNT} browsers on Today of a demo node, CPU at life speed", "%", "less", 5)
    delay = Row(f"loop delay during import, backup and {COUNT} browsers together, 99th percentile", "ms", "less", 10)
    seconds = 15 if place.quick else 60
    one(place, seconds, 60, cpu, say)
    for _ in range(1 if place.quick else 3):
        together(place, seconds, delay, say)
    return [cpu, delay]
