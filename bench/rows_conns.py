"""Many connections at once: memory with 10,000 that do nothing, and what they cost others."""
import json
import os
import re
import statistics
import subprocess
import time

from measure import Row, Server, ask, new_folder, numbers, pss_mb, run, serve

IDLE = 10_000
OF_ADDRESS = 500
GONE_S = 5


def metric(n, name):
    return float(re.search(rf"(?m)^moru_{name} (\S+)$", ask(n.url + "/metrics").decode())[1])


def idlers(place, n, how, port=None):
    """The process that holds them, and what it said when all stood."""
    p = subprocess.Popen(place.tool("idlers", port or n.port, IDLE, OF_ADDRESS, how), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    line = p.stdout.readline()
    if not line:
        raise RuntimeError(f"idlers {how} ended with {p.wait()}")
    return p, numbers(line)


def let_go(p):
    return numbers(p.communicate(timeout=60)[0])["still"]


def latency_ms(place, n):
    return [numbers(run(place.tool("httpload", n.port, "/api/v1/session", 1, 2, 10**9)))[k] / 1e3 for k in ("p50_us", "p99_us")]


def plain(place, how, row, beside):
    folder = new_folder(place, "idle-" + how)
    with serve(place, folder) as n:
        alone_ms, alone_mb = latency_ms(place, n), pss_mb(n.pid)
        before = metric(n, "loop_violations_total")
        p, stood = idlers(place, n, how)
        slow = metric(n, "loop_violations_total") - before
        time.sleep(1)
        row.ours.append(pss_mb(n.pid))
        with_ms = latency_ms(place, n)
        still = let_go(p)
        time.sleep(GONE_S)
        row.notes.append(f"{alone_mb:.1f} MB before, {pss_mb(n.pid):.1f} MB {GONE_S} s after they left; opened at once in {stood['seconds']:.2f} s, the one that waited "
                         f"longest {stood['longest_ms']:.0f} ms, {slow:.0f} steps of the loop over 2 ms; {still:.0f} of {IDLE} still stood at the end.")
        beside.append((how, alone_ms, with_ms))


def over_tls(place, row):
    folder = new_folder(place, "idle-tls")
    with open(os.path.join(folder, "moru.yaml")) as f:
        text = f.read()
    with open(os.path.join(folder, "moru.yaml"), "w") as f:
        f.write(re.sub(r'mode: "off"', 'mode: "own"', text))
    s = Server(place.moru("serve", folder, "--listen", "127.0.0.1:0"), folder + ".log")
    with s as n:
        n.port = int(n.wait_until(lambda: re.search(r"ready on https://\S+:(\d+)", n.said())).group(1))
        alone = pss_mb(n.pid)
        p, stood = idlers(place, n, "tls")
        time.sleep(1)
        row.ours.append(pss_mb(n.pid))
        still = let_go(p)
        time.sleep(GONE_S)
        row.notes.append(f"{(row.ours[-1] - alone) * 1024 / IDLE:.1f} KB each; {alone:.1f} MB before, {pss_mb(n.pid):.1f} MB {GONE_S} s after they left; "
                         f"{IDLE / stood['seconds']:.0f} handshakes a second, client and server on the same cores; {still:.0f} still stood at the end.")


def rows(place, say):
    asked = Row(f"PSS with {IDLE:,} idle connections that asked once", "MB", "less", 64)
    silent = Row(f"PSS with {IDLE:,} idle connections that never sent a byte", "MB", "less", 64)
    tls = Row(f"PSS with {IDLE:,} idle connections over TLS", "MB", "less", None)
    live = Row(f"an answer's median time beside {IDLE:,} idle connections", "ms", "less", 1.5)
    live.peer_name = "the same node without them"
    beside = []
    for how, row in (("asked", asked), ("silent", silent)):
        for k in range(1 if place.quick else 3):
            say(f"idle connections, {how}, round {k + 1}")
            plain(place, how, row, beside)
    say("idle connections, TLS")
    over_tls(place, tls)
    live.ours = [w[0] for _, _, w in beside]
    live.peer = [a[0] for _, a, _ in beside]
    live.notes.append("99th percentiles: " + ", ".join(f"{w[1]:.2f} beside {a[1]:.2f} ms" for _, a, w in beside) + ".")
    return [asked, silent, tls, live]
