"""Start, memory and last values of a node."""
import datetime
import json
import os
import statistics
import subprocess
import time

from measure import Row, Server, ask, ask_json, cpu_s, new_folder, numbers, pss_mb, run, serve

READY_ROUNDS = 20
LIFE_MINUTES = 60
CONNECTIONS = 32
FIRMS = ("MLD", "MCH", "MOT")


def demo_folders(place):
    """Three demo nodes with a week of history, lived on for an hour at 60x: (folders, PSS of each in MB), or the reason why not."""
    now = datetime.datetime.now(datetime.timezone.utc).replace(second=0, microsecond=0)
    start = now - datetime.timedelta(hours=168)
    text = lambda t: t.strftime("%Y-%m-%dT%H:%M:%SZ")
    folders, nodes, pss = [], [], []
    try:
        for firm in FIRMS:
            f = place.path("demo-" + firm)
            subprocess.run(["rm", "-rf", "--one-file-system", f], check=True)
            run(place.moru("init", f, "--firm", firm, "--name", firm, "--demo", "--start", text(start)))
            folders.append(f)
            nodes.append(serve(place, f))
        sim = [os.path.join(place.build, "moru-sim"), "--nodes", ",".join(f"{k}={n.url}" for k, n in zip(FIRMS, nodes)),
               "--inbox", ",".join(f"{k}={f}/inbox" for k, f in zip(FIRMS, folders)), "--t0", text(now), "--seed", "1", "--scale", "60",
               "--life-minutes", str(LIFE_MINUTES)]
        p = subprocess.run(sim, capture_output=True, text=True, timeout=420)
        if p.returncode != 0:
            return None, (p.stderr.strip().splitlines() or ["no word"])[-1][:200]
        pss = [pss_mb(n.pid) for n in nodes]
    finally:
        for n in nodes:
            n.end()
    return folders, pss


def stand_in(place):
    """Where the demo does not run: as many signals and lots as it has, by the same doors."""
    f = new_folder(place, "stand-in")
    with serve(place, f) as n:
        ask(n.url + "/query?q=CREATE+DATABASE+bench", b"")
        run(place.tool("lineload", n.port, "/write?db=bench&precision=ns", "machines", 8, 304))
        for k in range(4):
            lines = [json.dumps({"type": "lot", "firm": "B", "number": f"L-{k}-{i:05}", "item": "BBM", "state": "ok", "quantity": 1,
                                 "unit": "pcs", "made": "2026-11-20T00:00:00Z"}) for i in range(1000)]
            ask(n.url + "/api/v1/records", "\n".join(lines).encode(), **{"Content-Type": "application/x-ndjson"})
        pss = pss_mb(n.pid)
    return f, pss


def ready_ms(place, folder, row):
    """A first start is not counted: it fills the page cache."""
    argv = place.tool("ready", *place.moru("serve", folder, "--listen", "127.0.0.1:0"))
    run(argv)
    cpu = []
    for _ in range(READY_ROUNDS):
        r = numbers(run(argv))
        row.ours.append(r["ready_ms"])
        cpu.append(r["cpu_ms"])
    row.notes.append(f"CPU time until then {statistics.median(cpu):.1f} ms ({min(cpu):.1f}–{max(cpu):.1f}); the rest is waiting, for a disk or, on a busy machine, for a core.")


def rows(place, say):
    fresh = Row("`moru serve`, exec to ready, fresh", "ms", "less", 50)
    full = Row("`moru serve`, exec to ready, demo data", "ms", "less", 100)
    small = Row("PSS of a fresh node after 10 s", "MB", "less", 20)
    demo = Row(f"PSS of a demo node after {LIFE_MINUTES} scenario minutes at 60x", "MB", "less", 64)
    fresh.notes.append(f"Files in the page cache; {READY_ROUNDS} starts after one that is not counted.")
    folder = new_folder(place, "fresh")
    say("start, fresh")
    ready_ms(place, folder, fresh)
    say("memory, fresh")
    with serve(place, folder) as n:
        time.sleep(10)
        small.ours.append(pss_mb(n.pid))
    say("the demo's week and an hour of it")
    folders, pss = demo_folders(place)
    if folders:
        demo.ours = [max(pss)]
        demo.notes.append("The largest of the three: " + ", ".join(f"{k} {v:.1f}" for k, v in zip(FIRMS, pss)) + " MB.")
        sizes = {f: sum(os.path.getsize(os.path.join(a, x)) for a, _, names in os.walk(f) for x in names) for f in folders}
        data = max(sizes, key=sizes.get)
        full.notes.append(f"The largest of the three demo folders ({sizes[data] / 1e6:.0f} MB), as it stood after that hour.")
    else:
        data, heavy = stand_in(place)
        why = f"The demo did not run ({pss}); "
        full.notes.append(why + "instead 2,000 signals with 3.04 million values and 4,000 lots, given by `/write` and `/records`.")
        demo.notes.append(why + f"a node right after it took 3.04 million values at once held {heavy:.1f} MB.")
    say("start, demo data")
    ready_ms(place, data, full)
    return [fresh, full, small, demo] + last_rows(place, say)


def last_rows(place, say):
    rate = Row("last-value reads over HTTP, requests per second", "1/s", "more", 0.7)
    each = Row("the same, requests per second of server CPU", "1/s", "more", 0.7)
    rate.peer_name = each.peer_name = "evhttp (libevent)"
    seconds = 1 if place.quick else 2
    folder = new_folder(place, "last")
    with serve(place, folder) as n:
        ask(n.url + "/query?q=CREATE+DATABASE+bench", b"")
        run(place.tool("lineload", n.port, "/write?db=bench&precision=ns", "machines", 8, 16))
        signal = ask_json(n.url + "/api/v1/signals?limit=1")["items"][0]["id"]
        path = "/api/v1/last?series=" + signal
        answer = ask(n.url + path)
        with Server(place.tool("peer_libevent", len(answer)), place.path("peer.log"), stdout=subprocess.PIPE, text=True) as peer:
            peer_port = int(peer.p.stdout.readline())
            for k in range(3 if place.quick else 5):
                say(f"last values, round {k + 1}")
                for pid, port, what, to_rate, to_each in ((n.pid, n.port, path, rate.ours, each.ours), (peer.pid, peer_port, "/x", rate.peer, each.peer)):
                    before = cpu_s(pid)
                    r = numbers(run(place.tool("httpload", port, what, CONNECTIONS, seconds, 10**9)))
                    to_rate.append(r["requests_per_s"])
                    to_each.append(r["requests"] / (cpu_s(pid) - before))
    rate.notes.append(f"{CONNECTIONS} keep-alive connections, `httpload`, {seconds} s a round; both answer with {len(answer)} bytes.")
    return [rate, each]
