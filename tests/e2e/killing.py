"""kill -9 on purpose: in every phase of a piece of work, before, in the midst of, or after the n-th call that changes a file of some kind.

tests/lib/filefault.c names those calls by their *event* ("sync log", "rename segment") and ends the process at one of them. A counting run says
which events a piece of work has, and how many of each; kills are then spread over all of them, in an order that a seed gives. A phase is an event
of a piece of work: each has to be hit.

SIGKILL ends a process and no machine: the kernel keeps what was written. So a missing sync cannot be seen here (a planted one stays green); that is
the sweeps' work (tests/fault), whose file system forgets. What can be seen is a wrong order of writes, and a start that cannot go on from a half."""
import collections
import concurrent.futures
import http.client
import os
import pathlib
import random
import shutil
import signal
import subprocess
import threading
import time

from conftest import MORU, READY, SANITIZER, moru

PRELOADS = pathlib.Path(os.environ.get('MORU_PRELOADS') or pathlib.Path(MORU).resolve().parent / 'tests' / 'lib')
KILLS = int(os.environ.get('MORU_PHASE_KILLS', '200'))  # `make soak` asks for 1,000
SANITIZED_KILLS = 10 if 'asan' in MORU else None  # of each work: such programs start slowly, and the phases are hit without
WORKERS = 2
TRIES = 4  # at a phase that was missed: which call is the n-th is not the same in every run where threads race
MODES = {'write': ('kill-before', 'kill-half', 'kill-after')}
BOTH = ('kill-before', 'kill-after')


def preload(name):
    path = PRELOADS / f'lib{name}.so'
    assert path.exists(), f'{path}: MORU_PRELOADS names its folder'
    return str(path)


def faulty(**env):
    """The environment of a program with calls that fail."""
    return {**os.environ, 'TZ': 'Asia/Seoul', 'LD_PRELOAD': preload('filefault'), **{k: str(v) for k, v in env.items()}}


def copied(source, to):
    """A folder of its own; holes stay holes."""
    shutil.rmtree(to, ignore_errors=True)
    subprocess.run(['cp', '-a', '--sparse=always', str(source), str(to)], check=True)
    (to / 'run').mkdir(exist_ok=True)
    return to


def ended(p, err):
    """How a process ended: killed, or of itself without trouble."""
    assert p.returncode in (0, -signal.SIGKILL) and not SANITIZER.search(err), (p.returncode, err[-3000:])
    return p.returncode != 0


def command(env, *args):
    p = subprocess.Popen([MORU, '--lang', 'en', *map(str, args)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=env)
    err = p.communicate(timeout=60)[1].decode(errors='replace')
    return ended(p, err)


def served(env, folder, work):
    """`moru serve`, work(port) once it is ready, SIGTERM: whether it was killed on the way."""
    p = subprocess.Popen([MORU, '--lang', 'en', 'serve', str(folder), '--listen', '127.0.0.1:0'], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, env=env)
    said, ready, port = [], threading.Event(), []

    def read():
        for line in p.stderr:
            said.append(line)
            m = READY.match(line)
            if m:
                port.append(int(m[2]))
                ready.set()
        ready.set()
    t = threading.Thread(target=read)
    t.start()
    assert ready.wait(60)
    try:
        if port:
            work(port[0])
    except (OSError, http.client.HTTPException):
        pass  # killed
    if p.poll() is None:
        p.send_signal(signal.SIGTERM)
    p.wait(60)
    t.join()
    p.stderr.close()
    return ended(p, b''.join(said).decode(errors='replace'))


def whole(folder):
    """The folder and all that is in it, with nothing set aside."""
    r = moru('check', folder)
    assert r.returncode == 0 and b'0 finding' in r.stdout, (r.stdout.decode(), r.stderr.decode())


class Work:
    """What is done and killed. base: a folder that each run gets a copy of. `phases` must be among the counted ones, so that none goes away unseen."""
    name, share, phases = '', 0, ()

    def run(self, at, env):
        """Does it in folder `at`; (whether it was killed, what was acknowledged)."""
        raise NotImplementedError

    def judge(self, at, killed, facts, rng):
        """Asserts what has to be true of folder `at` afterwards."""
        raise NotImplementedError


def counted(work, tmp):
    """event -> how many, the least of two runs: what is not in both depends on how threads met."""
    runs = []
    for k in range(2):
        at, trace = copied(work.base, tmp / f'{work.name}-count{k}'), tmp / f'{work.name}-trace{k}'
        trace.unlink(missing_ok=True)
        killed, facts = work.run(at, faulty(MORU_FAULT_TRACE=trace))
        assert not killed
        work.judge(at, False, facts, random.Random(0))
        runs.append(collections.Counter(line.split('\t')[0] for line in trace.read_text().splitlines()))
        shutil.rmtree(at)
    # Other files are those of the run: lock, socket.
    return {e: min(runs[0][e], runs[1][e]) for e in runs[0] if e in runs[1] and not e.endswith(' other')}


def chosen(counts, n, rng):
    """n points (event, which, mode), every event once before any twice."""
    left = {}
    for event, most in counts.items():
        left[event] = [(event, k, m) for k in range(1, most + 1) for m in MODES.get(event.split()[0], BOTH)]
        rng.shuffle(left[event])
    points, events = [], list(left)
    rng.shuffle(events)
    while len(points) < max(n, len(events)) and events:
        for e in list(events):
            points.append(left[e].pop())
            if not left[e]:
                events.remove(e)
    return points[:max(n, len(left))]


def kill_all(work, tmp):
    """Kills `work` in all of its phases, its share of KILLS times; says how many of how many."""
    seed = int(os.environ.get('MORU_KILL_SEED') or random.randrange(1 << 32))
    counts = counted(work, tmp)
    missing = [p for p in work.phases if p not in counts]
    assert not missing, f'{work.name} no longer has these phases: {missing} (it has {sorted(counts)})'
    points = chosen(counts, KILLS * work.share // 100, random.Random(seed))
    if SANITIZED_KILLS:
        points = points[:SANITIZED_KILLS]
        counts = {e: counts[e] for e, _, _ in points}
    print(f'{work.name}: seed {seed} (MORU_KILL_SEED repeats it)')
    began, hits, lock = time.monotonic(), collections.Counter(), threading.Lock()

    def one(number, point):
        event, which, mode = point
        at = copied(work.base, tmp / f'{work.name}-{number}')
        try:
            killed, facts = work.run(at, faulty(MORU_FAULT=f'{mode}:{event}:{which}'))
            work.judge(at, killed, facts, random.Random(seed + number))
        except Exception as e:
            raise AssertionError(f'{work.name}, MORU_FAULT={mode}:{event}:{which}, seed {seed}, folder {at}: {e}') from e
        shutil.rmtree(at)
        with lock:
            hits[event] += killed

    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        try:
            for f in [pool.submit(one, i, p) for i, p in enumerate(points)]:
                f.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    asked = collections.Counter(e for e, _, _ in points)
    for event in counts:
        for k in range(TRIES):
            if not hits[event]:
                asked[event] += 1
                one(len(points) + k, (event, 1, BOTH[k % 2]))
    for event in sorted(counts):
        print(f'  {event:18} {hits[event]:3} of {asked[event]:3} kills, of {counts[event]} such calls')
    print(f'{work.name}: {sum(hits.values())} kills of {sum(asked.values())} meant, {sum(h > 0 for h in hits.values())} of {len(counts)} phases, '
        f'{time.monotonic() - began:.1f} s')
    assert all(hits[e] for e in counts), f'never hit: {[e for e in counts if not hits[e]]}'
    assert sum(hits.values()) >= 0.8 * len(points), 'most kills have to come'
