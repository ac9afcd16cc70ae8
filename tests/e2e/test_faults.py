"""What goes wrong around a running node: a second process on its folder, the helper killed in a login, clients that never read or hardly send, a disk that
gives errors. The node answers in words, serves the others, and the next start has all that was acknowledged."""
import concurrent.futures
import hashlib
import os
import pathlib
import signal
import socket
import subprocess
import threading
import time

import pytest

import killing
from conftest import MORU, READY, Node, moru
from importing import values
from test_accounts import SANITIZED, Browser, local, make
from test_backup import small_heads
from test_clock_jumps import Clock

T = 1763770000


def rss_kb(pid):
    return int(next(line for line in open(f'/proc/{pid}/status') if line.startswith('VmRSS')).split()[1])


def until(what, timeout=10):
    end = time.monotonic() + timeout
    while not (got := what()):
        assert time.monotonic() < end
        time.sleep(0.005)
    return got


# ---- two processes on one folder ----

def state_of(folder):
    """Every file's bytes and time of change."""
    return {p.relative_to(folder): (p.stat().st_mtime_ns, hashlib.sha256(p.read_bytes()).digest()) for p in sorted(folder.rglob('*')) if p.is_file()}


@pytest.mark.parametrize('lang, word', [('en', 'running'), ('ko', '돌고 있습니다')])
def test_a_second_node_touches_nothing(new_node, lang, word):
    n = new_node()
    assert n.write(f'A v=1 {T}', precision='s').status == 204 and n.records({'type': 'lot', 'firm': 'F', 'number': 'L'}).status == 200
    time.sleep(1.2)  # what follows a write by itself
    before = state_of(n.folder)
    for _ in range(3):
        r = moru('serve', n.folder, '--listen', '127.0.0.1:0', lang=lang)
        assert r.returncode == 1 and word in r.stderr.decode() and r.stdout == b'', r
    after = state_of(n.folder)
    assert {p for p in before.keys() | after.keys() if before.get(p) != after.get(p)} == set()
    assert n.write(f'A v=2 {T + 1}', precision='s').status == 204
    # The first is killed: its lock needs no hand, and of two that come at once one serves.
    n.kill()
    n.start()
    assert moru('serve', n.folder, '--listen', '127.0.0.1:0').returncode == 1
    assert [v for _, v in n.values(n.signal('A', 'v')['id'])] == [1, 2]


def test_of_many_starts_at_once_one_serves(new_node):
    n = new_node()
    assert n.write(f'A v=1 {T}', precision='s').status == 204
    n.kill()
    ps = [subprocess.Popen([MORU, '--lang', 'en', 'serve', str(n.folder), '--listen', '127.0.0.1:0'], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        for _ in range(5)]
    try:
        until(lambda: sum(p.poll() is not None for p in ps) == 4, 30)
        assert sorted(p.returncode for p in ps if p.poll() is not None) == [1] * 4
        said = [p.stderr.read() for p in ps if p.poll() is not None]
        assert all(b'running' in x or b'at work' in x for x in said), said
        last = next(p for p in ps if p.poll() is None)
        while not READY.match(last.stderr.readline()):
            assert last.poll() is None
    finally:
        for p in ps:
            if p.poll() is None:
                p.send_signal(signal.SIGTERM)
                assert p.wait(20) == 0
            p.stderr.close()
    assert values(n.folder, 'A v') == [(T * 10**9, 1.0)]


# ---- the helper ----

def helper_of(n):
    """The pid of the node's helper, or None."""
    for p in pathlib.Path('/proc').glob('[0-9]*'):
        try:
            if (p / 'comm').read_text().startswith('moru-helper') and int((p / 'stat').read_text().rsplit(')', 1)[1].split()[1]) == n.pid:
                return int(p.name)
        except (OSError, ValueError):
            pass
    return None


def test_the_helper_killed_in_a_login(new_node):
    n = new_node()
    make(n, 'kim', 'owner')
    was = helper_of(n)  # the password was hashed by it
    assert was
    for how in (signal.SIGKILL, signal.SIGSEGV):
        pid = until(lambda: helper_of(n) or (Browser(n, 'kim') and None))
        os.kill(pid, signal.SIGSTOP)  # so that it dies in the midst
        got = []
        t = threading.Thread(target=lambda: got.append(n.ask('POST', '/api/v1/session', body={'name': 'kim', 'password': 'correct-horse-9'})))
        t.start()
        time.sleep(0.2)
        assert not got and n.get('/healthz').status == 200  # others are served meanwhile
        os.kill(pid, how)
        if how != signal.SIGKILL:  # which needs no waking, and after which the number may be another's
            os.kill(pid, signal.SIGCONT)
        t.join(20)
        a = got[0]
        if a.status != 200:  # an error in words, never a wrong password
            p = a.problem(a.status)
            assert a.status == 503 and 'could not be checked' in p['detail']['en'], a
        assert Browser(n, 'kim').get('/api/v1/session').json()['account'] == 'kim'  # another takes its place
        assert helper_of(n) not in (pid, None)
    failed = [x for x in local(n, 'GET', '/api/v1/audit').json()['items'] if x['what'] == 'login.failed']
    assert not failed, 'nobody typed a wrong password'


# ---- clients ----

@pytest.fixture
def jumping(new_node, tmp_path):
    clock = Clock(tmp_path / 'clock')
    n = new_node(serve=False)
    n.start(env=clock.env())
    return n, clock


def opened(n, request, rcvbuf=4096):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
    s.settimeout(10)
    s.connect((n.host, n.port))
    s.sendall(request)
    return s


def cut_off(s):
    """Whether the node ended the connection: what it sent is read, then there is an end or a reset before anything more."""
    try:
        while s.recv(1 << 20):
            pass
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False
    return True


def metric(n, name):
    return float(next(line for line in n.get('/metrics').text.splitlines() if line.startswith(f'moru_{name} ')).split()[1])


def test_clients_that_never_read(jumping):
    """Big answers and live streams that nobody takes: memory stays bounded, others are served, and after 30 s the answers are cut off (streams that
    the system takes no more for: tests/unit/http/test_server.c)."""
    n, clock = jumping
    for i in range(20):
        assert n.write([f'B v={i * 5000 + j},s="{"x" * 300}" {T + i * 5000 + j}' for j in range(5000)], precision='s').status == 204
    wide = lambda i: n.write('L ' + ','.join(f's{k}="{i}{"y" * 2000}"' for k in range(200)) + f' {T + i}', precision='s').status
    assert wide(0) == 204
    until(lambda: len(n.items('/api/v1/signals', asset='L', limit=1000)) == 200)
    page, ids = n.signal('B', 's')['id'], [s['id'] for s in n.items('/api/v1/signals', asset='L', limit=1000)]
    base, most = rss_kb(n.pid), 0
    # An answer of 37 MB each: some have room, the others are told to come again.
    never = [opened(n, b'GET /query?q=SELECT%20*%20FROM%20B HTTP/1.1\r\nHost: localhost\r\n\r\n') for _ in range(12)]
    never += [opened(n, f'GET /api/v1/series/{page}/values?limit=10000 HTTP/1.1\r\nHost: localhost\r\n\r\n'.encode()) for _ in range(12)]
    never += [opened(n, f'GET /api/v1/live?topics=values:{",".join(ids)};changes HTTP/1.1\r\nHost: localhost\r\n\r\n'.encode()) for _ in range(10)]
    slowest = 0
    for i in range(1, 31):  # more than the system keeps for a stream
        t0 = time.monotonic()
        assert wide(i) == 204
        assert n.records({'type': 'lot', 'firm': 'F', 'number': f'{i}'}).status == 200
        slowest, most = max(slowest, time.monotonic() - t0), max(most, rss_kb(n.pid) - base)
        time.sleep(0.12)
    until(lambda: metric(n, 'http_held_bytes') > 100 << 20)
    for _ in range(40):
        most = max(most, rss_kb(n.pid) - base)
        time.sleep(0.05)
    held = metric(n, 'http_held_bytes')
    print(f'{len(never)} clients, {most >> 10} MB more at most, {held / 2 ** 20:.0f} MB of answers held, the slowest write took {slowest:.3f} s')
    assert held <= 192 << 20 and slowest < 5
    assert SANITIZED or most < 400 << 10, most  # what is held, and two answers in the making
    waiting = metric(n, 'http_connections')
    assert waiting >= 22
    clock.set(mono=35)
    until(lambda: metric(n, 'http_held_bytes') == 0)
    clock.set(mono=35 + 65)  # what was sent whole, to where the system keeps it, and no next request came; the streams go on as long as that takes what comes
    until(lambda: metric(n, 'http_connections') <= 2 + metric(n, 'live_streams'))
    assert metric(n, 'http_held_bytes') == 0 and n.get('/healthz').status == 200
    assert n.ask('GET', '/query', params={'q': 'SELECT v FROM B LIMIT 10'}).status == 200
    [s.close() for s in never]


def test_slow_heads_and_bodies(jumping):
    """Heads and bodies that come byte by byte: the others are served, and who keeps the node waiting is told so and cut off."""
    n, clock = jumping
    heads = [opened(n, b'GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: ') for _ in range(100)]
    bodies = [opened(n, b'POST /write?db=x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\nm v=1') for _ in range(50)]
    for k in range(20):
        for s in heads:
            s.sendall(b'x')
        for s in bodies:
            s.sendall(b'1')
        assert n.get('/healthz').status == 200
        time.sleep(0.02)
    clock.set(mono=12)  # 10 s are given to a head, however many bytes come
    time.sleep(0.05)
    for s in heads:
        try:
            s.sendall(b'x')
        except OSError:
            pass
    answers = [s.recv(65536) for s in heads[:10]]
    assert all(b' 408 ' in a.split(b'\r\n')[0] for a in answers), answers[:2]
    assert all(cut_off(s) for s in heads)
    assert n.get('/healthz').status == 200
    clock.set(mono=12 + 35)  # 30 s to the next piece of a body
    time.sleep(0.05)
    assert all(cut_off(s) for s in bodies)
    assert n.write(f'after v=1 {T}', precision='s').status == 204
    assert not [s for s in n.items('/api/v1/signals') if s['asset'] == 'm']  # of what was never whole nothing is stored
    [s.close() for s in heads + bodies]


# ---- a disk that gives errors ----

FILES = ['write log', 'sync log', 'write wal', 'sync wal', 'write blob', 'sync blob', 'write segment', 'sync segment', 'write catalogue', 'write manifest', 'rename manifest',
    'read store', 'read blob', 'write store', 'sync folder']
STEPS = 28  # twenty of them are a segment


def ill(at, error, event):
    """How many requests were refused, and the first one's code."""
    at.mkdir()
    flag = at / 'ill'
    n = Node(at / 'n').init()
    small_heads(n.folder)
    n.start(env=killing.faulty(MORU_FAULT=f'{error}:{event}:1+', MORU_FAULT_FLAG=flag))
    acked, lots, refused = [], [], []

    def step(i):
        text = f'{i}' + 'z' * 60000  # equal texts are kept once
        a = n.write(f'W v={i}i,s="{text}" {T + i}', precision='s')
        acked.append(i) if a.status == 204 else refused.append(a)
        b = n.records({'type': 'lot', 'firm': 'F', 'number': f'{i}'})
        lots.append(i) if b.status == 200 else refused.append(b)
    try:
        for i in range(5):
            step(i)
        assert not refused
        flag.touch()
        for i in range(5, STEPS):
            step(i)
        up = n.ask('POST', '/api/v1/imports', body=b'time,a\n2021-09-06 10:05,1\n', params={'name': 'a.csv'}, headers={'Content-Type': 'application/octet-stream'})
        if up.status != 201:
            refused.append(up)
        # Whatever fails: it lives, and says so in words.
        assert n.get('/healthz').status == 200 and n.process.poll() is None
        for a in refused:
            p = a.json()  # /write has InfluxDB's content type
            assert a.status in (500, 503, 507) and p['code'] and p['detail']['ko'] and p['detail']['en'], a
            assert error != 'enospc' or a.status != 500, (event, a)
        page = n.get('/api/v1/signals')
        assert page.status == 200 or page.problem(page.status)
        if event.split()[0] != 'read':
            assert {v for _, v in n.values(n.signal('W', 'v')['id'])} >= set(acked)
        if event.split()[1] in ('segment', 'catalogue', 'manifest'):  # nobody waits for these: the log says it
            until(lambda: ' error ' in n.log_text())
    finally:
        n.kill()
    n.start()  # the disk is well again
    try:
        got, have = [v for _, v in n.values(n.signal('W', 'v')['id'])], [int(x['number']) for x in n.items('/api/v1/lots')]
        assert len(got) == len(set(got)) and set(acked) <= set(got) <= set(range(STEPS)), (event, acked, got)
        assert len(have) == len(set(have)) and set(lots) <= set(have) <= set(range(STEPS)), (event, lots, have)
        assert n.write(f'W v=99i {T + 99}', precision='s').status == 204
        n.stop()
    finally:
        n.kill()
    killing.whole(n.folder)
    return len(refused), next((a.json()['code'] for a in refused), '-')


@pytest.mark.parametrize('error', ['eio', 'enospc'])
def test_a_disk_that_gives_errors(tmp_path, error):
    """From some moment on every such call on such a file fails: what is asked is done or refused in words, the node lives and serves what it can, and the
    next start, on a disk that is well, has all that was acknowledged."""
    events = [e for e in FILES if error == 'eio' or e.startswith('write')]
    with concurrent.futures.ThreadPoolExecutor(killing.WORKERS) as pool:
        refusals = dict(zip(events, pool.map(lambda e: ill(tmp_path / e.replace(' ', '-'), error, e), events)))
    for event, (k, code) in refusals.items():
        print(f'  {event:18} {k:3} refused, first: {code}')
    # Those without which nothing may be acknowledged did stop it.
    assert all(refusals[e][0] for e in ('write log', 'write wal') + (('sync log', 'sync wal') if error == 'eio' else ())), refusals
