"""Processes and their clocks: what every row of figures.py needs."""
import json
import os
import re
import signal
import socket
import statistics
import subprocess
import time
import urllib.parse
import urllib.request

TIMEOUT_S = 120


class Row:
    """One line of the table. ours and peer: one number a round; better: whether "more" or "less" is wanted."""

    def __init__(self, what, unit, better, wanted):
        self.what, self.unit, self.better, self.wanted = what, unit, better, wanted
        self.ours, self.peer, self.peer_name, self.notes = [], [], None, []

    def ratio(self):
        return statistics.median(self.ours) / statistics.median(self.peer) if self.peer else None

    def met(self):
        if not self.ours:
            return None
        reached = self.ratio() if self.peer else statistics.median(self.ours)
        return reached >= self.wanted if self.better == "more" else reached <= self.wanted


class Place:
    """Where the programs stand, and a scratch folder on a real file system."""

    def __init__(self, build, scratch, quick):
        self.build, self.scratch, self.quick = os.path.abspath(build), os.path.abspath(scratch), quick

    def moru(self, *args):
        return [os.path.join(self.build, "moru"), *args]

    def tool(self, name, *args):
        return [os.path.join(self.build, "bench", name), *map(str, args)]

    def path(self, name):
        return os.path.join(self.scratch, name)


def run(argv, **kw):
    p = subprocess.run(argv, capture_output=True, text=True, timeout=TIMEOUT_S, **kw)
    if p.returncode != 0:
        raise RuntimeError(f"{argv[0]} ended with {p.returncode}: {(p.stderr or p.stdout)[-500:]}")
    return p.stdout


def numbers(line):
    """requests=1 seconds=2.0 -> {"requests": 1.0, "seconds": 2.0}"""
    return {k: float(v) for k, v in re.findall(r"(\w+)=([0-9.]+)", line)}


def cpu_s(pid):
    """CPU time of a process with all its threads, to the nanosecond (the clock that clock_getcpuclockid(3) gives)."""
    return time.clock_gettime((~pid << 3) | 2)


def pss_mb(pid):
    with open(f"/proc/{pid}/smaps_rollup") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("Pss:")) / 1024


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def ask(url, body=None, **headers):
    r = urllib.request.Request(url, data=body, headers=headers)
    with urllib.request.urlopen(r, timeout=TIMEOUT_S) as a:
        return a.read()


def ask_json(url):
    return json.loads(ask(url))


def all_items(url):
    items, cursor = [], None
    while True:
        page = ask_json(url + (f"&cursor={urllib.parse.quote(cursor)}" if cursor else ""))
        items += page["items"]
        cursor = page["next"]
        if not cursor:
            return items


class Server:
    """A process that is ended by its own id."""

    def __init__(self, argv, log, **kw):
        self.log = open(log, "w+")
        self.p = subprocess.Popen(argv, stderr=self.log, **kw)
        self.pid = self.p.pid

    def said(self):
        with open(self.log.name) as f:
            return f.read()

    def wait_until(self, ready):
        until = time.monotonic() + TIMEOUT_S
        while time.monotonic() < until:
            if self.p.poll() is not None:
                raise RuntimeError(f"{self.p.args[0]} ended: {self.said()[-500:]}")
            try:
                got = ready()
                if got:
                    return got
            except OSError:
                pass
            time.sleep(0.01)
        raise RuntimeError(f"{self.p.args[0]} was not ready in {TIMEOUT_S} s")

    def end(self):
        if self.p.poll() is None:
            self.p.send_signal(signal.SIGTERM)
            try:
                self.p.wait(60)
            except subprocess.TimeoutExpired:
                self.p.kill()
                self.p.wait()
        self.log.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()


def new_folder(place, name, *args):
    subprocess.run(["rm", "-rf", "--one-file-system", place.path(name)], check=True)
    run(place.moru("init", place.path(name), "--firm", "B", *args))
    return place.path(name)


def serve(place, folder):
    """A node on a port of its own; .url is set when it is ready."""
    s = Server(place.moru("serve", folder, "--listen", "127.0.0.1:0"), folder + ".log")
    try:
        s.url = s.wait_until(lambda: re.search(r"ready on (http://\S+)", s.said())).group(1)
    except BaseException:
        s.end()
        raise
    s.port = int(s.url.rsplit(":", 1)[1])
    return s


def cool_files(folder):
    """Leaves no page of the folder's files in the page cache."""
    os.sync()
    for at, _, names in os.walk(folder):
        for n in names:
            fd = os.open(os.path.join(at, n), os.O_RDONLY)
            try:
                os.fdatasync(fd)
                os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(fd)
