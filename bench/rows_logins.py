"""100,000 wrong logins a minute: what others notice of it."""
import http.client
import json
import re
import subprocess
import threading
import time

from measure import Row, cpu_s, new_folder, numbers, pss_mb, run, serve

PER_SECOND = 100_000 / 60
SECONDS = 60
PASSWORD = "correct horse battery"
# who is guessed, from how many addresses
ATTACKS = (("-", 1), ("-", 200), ("kim", 1), ("kim", 200))


def ask(n, method, path, body=None, address="127.0.0.1", headers=None):
    """Status, seconds, answer, header."""
    c = http.client.HTTPConnection("127.0.0.1", n.port, timeout=30, source_address=(address, 0))
    t = time.monotonic()
    c.request(method, path, body and json.dumps(body), {"Content-Type": "application/json", **(headers or {})})
    r = c.getresponse()
    text = r.read()
    c.close()
    return r.status, time.monotonic() - t, text, r.headers


def log_in(n, name, address, patience_s=60):
    """Seconds until the right password was taken, trying again as the node says; the cookie."""
    begun = time.monotonic()
    while True:
        status, _, _, headers = ask(n, "POST", "/api/v1/session", {"name": name, "password": PASSWORD}, address)
        if status == 200:
            return time.monotonic() - begun, headers["Set-Cookie"].split(";")[0]
        if time.monotonic() - begun > patience_s:
            return None, None
        time.sleep(min(5, float(headers.get("Retry-After", 1))))


def attack(place, who, addresses, seconds, say):
    folder = new_folder(place, f"logins-{who}-{addresses}")
    for name in ("kim", "lee", "park"):
        run(place.moru("passwd", folder, name, "--role", "owner"), input=f"{PASSWORD}\n{PASSWORD}\n")
    with serve(place, folder) as n:
        _, cookie = log_in(n, "lee", "127.0.0.1")
        before, cpu, pages, entered = pss_mb(n.pid), cpu_s(n.pid), [], []
        load = subprocess.Popen(place.tool("loginload", n.port, addresses, 256, PER_SECOND, seconds, who), stdout=subprocess.PIPE, text=True)

        def enter():
            for k in range(5):
                time.sleep(seconds / 6)
                entered.append(log_in(n, "kim" if who == "kim" else "park", f"127.0.1.{k + 1}")[0])
        t = threading.Thread(target=enter)
        t.start()
        while load.poll() is None:
            status, took, _, _ = ask(n, "GET", "/api/v1/today", headers={"Cookie": cookie})
            if status != 200:
                raise RuntimeError(f"a page was answered with {status}")
            pages.append(took * 1e3)
            time.sleep(0.02)
        t.join()
        got = numbers(load.stdout.read())
        cpu, after = (cpu_s(n.pid) - cpu) / got["seconds"], pss_mb(n.pid)
    pages.sort()
    say(f"logins at {who} from {addresses}: {got}, pages p99 {pages[len(pages) * 99 // 100]:.1f} ms, entered {entered}, {before:.1f} -> {after:.1f} MB, {cpu * 100:.1f} % CPU")
    return got, pages, entered, before, after, cpu


def rows(place, say):
    pages = Row("a page's answer during 100,000 wrong logins a minute, 99th percentile", "ms", "less", 500)
    enter = Row("the right password from another address meanwhile, longest wait", "s", "less", 10)
    memory = Row("PSS of the node meanwhile", "MB", "less", 64)
    seconds = 10 if place.quick else SECONDS
    for who, addresses in ATTACKS:
        say(f"logins, {'names drawn' if who == '-' else 'one account'}, {addresses} addresses")
        got, took, entered, before, after, cpu = attack(place, who, addresses, seconds, say)
        if got["answered"] < 0.98 * PER_SECOND * seconds:
            raise RuntimeError(f"only {got['answered']:.0f} logins were answered")
        pages.ours.append(took[len(took) * 99 // 100])
        enter.ours.append(max(60 if e is None else e for e in entered))
        memory.ours.append(after)
        pages.notes.append(f"{'Another name each time' if who == '-' else 'One account'} from {addresses} addresses: {got['answered']:.0f} answered in {got['seconds']:.0f} s "
                           f"({', '.join(f'{v:.0f} with {k[7:]}' for k, v in got.items() if k.startswith('status_'))}), {got['p50_us']:.0f} µs each in the median, "
                           f"{cpu * 100:.1f} % of a core in the node, {before:.1f} to {after:.1f} MB.")
    enter.notes.append("Five times an attack, each from an address that was quiet before" + "; the account that is guessed where one is.")
    return [pages, enter, memory]
