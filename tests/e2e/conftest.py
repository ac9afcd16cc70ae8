"""Fixtures of the end-to-end tests: a node's folder, and `moru serve` on it over loopback.

MORU_BIN names the program (default: build-test/moru beside this tree). Every process is ended by its own pid; SIGTERM must
give status 0. Standard error of each node is kept in `node.log`; a sanitizer's report in it fails the test."""
import http.client
import itertools
import json
import os
import pathlib
import random
import re
import select
import signal
import socket
import subprocess
import time
import urllib.parse

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
MORU = os.environ.get('MORU_BIN') or str(ROOT / 'build-test' / 'moru')
READY_S = float(os.environ.get('MORU_READY_S', '20'))
READY = re.compile(rb'^moru: ready on https?://(\S+?):(\d+)$', re.M)
SANITIZER = re.compile(r'AddressSanitizer|UndefinedBehaviorSanitizer|runtime error:|ThreadSanitizer|LeakSanitizer')


def free_port():
    """A port at which nobody listens, for who listens there later, or never: below those that the system gives out by itself, so that nobody gets it
    meanwhile without having asked for it."""
    while True:
        port = random.randrange(10000, 32000)
        with socket.socket() as s:
            try:
                s.bind(('127.0.0.1', port))
                return port
            except OSError:
                pass


def moru(*args, lang='en', env=None, timeout=60, input=None):
    """Runs one command to its end."""
    e = {**os.environ, 'TZ': 'Asia/Seoul', **(env or {})}  # what `moru init` writes must not depend on the PC
    return subprocess.run([MORU, '--lang', lang, *map(str, args)], capture_output=True, timeout=timeout, env=e, input=input)


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def text(self):
        return self.body.decode('utf-8')

    def json(self):
        return json.loads(self.body)

    def problem(self, status, code=None):
        """This is an RFC 9457 problem of that status and code, with a sentence in both languages."""
        assert self.status == status, (self.status, self.body[:500])
        assert self.headers['Content-Type'] == 'application/problem+json'
        p = self.json()
        assert p['type'] == 'about:blank' and p['title'] and p['status'] == status
        assert re.fullmatch(r'[a-z][a-z0-9_]*', p['code']), p
        assert re.search('[가-힣]', p['detail']['ko']), p
        assert p['detail']['en'] and not re.search('[가-힣]', p['detail']['en'].replace(p.get('value', '\0'), '')), p
        if code:
            assert p['code'] == code, p
        return p

    def __repr__(self):
        return f'<{self.status} {self.body[:300]!r}>'


class Node:
    """A folder and, after start(), the process that serves it."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.process = self.log = self.host = self.port = None

    def init(self, *args, lang='en'):
        r = moru('init', self.folder, *args, lang=lang)
        assert r.returncode == 0, r.stderr.decode()
        return self

    def start(self, *args, listen='127.0.0.1:0', lang='en', env=None):
        assert self.process is None
        self.log = self.folder.parent / (self.folder.name + '.log')
        out = open(self.log, 'ab')
        at = out.tell()
        self.process = subprocess.Popen([MORU, '--lang', lang, 'serve', str(self.folder), '--listen', listen, *args], stdin=subprocess.DEVNULL,
            stdout=out, stderr=out, env=dict(os.environ, **(env or {})))
        out.close()
        end = time.monotonic() + READY_S
        while True:
            with open(self.log, 'rb') as f:
                f.seek(at)
                m = READY.search(f.read())
            if m:
                break
            assert self.process.poll() is None, 'moru serve ended early: ' + self.log_text()[-2000:]
            assert time.monotonic() < end, 'no ready line: ' + self.log_text()[-2000:]
            time.sleep(0.005)
        self.host, self.port = m[1].decode(), int(m[2])
        return self

    @property
    def url(self):
        return f'http://{self.host}:{self.port}'

    @property
    def pid(self):
        return self.process.pid

    def log_text(self):
        return self.log.read_text(errors='replace') if self.log and self.log.exists() else ''

    def stop(self, timeout=30):
        """SIGTERM, which must end it cleanly."""
        p, self.process = self.process, None
        if p is None:
            return
        p.send_signal(signal.SIGTERM)
        try:
            status = p.wait(timeout)
        except subprocess.TimeoutExpired:
            p.kill()
            p.wait()
            raise AssertionError('moru serve did not end on SIGTERM: ' + self.log_text()[-2000:])
        self.check_log()
        assert status == 0, (status, self.log_text()[-2000:])

    def kill(self):
        p, self.process = self.process, None
        if p is not None:
            p.kill()
            p.wait()
            self.check_log()

    def check_log(self):
        text = self.log_text()
        assert not SANITIZER.search(text), text[-8000:]

    def connect(self, timeout=30):
        return http.client.HTTPConnection(self.host.strip('[]'), self.port, timeout=timeout)

    def ask(self, method, path, body=None, headers=None, params=None, connection=None, timeout=30):
        """One request, on a connection of its own unless one is given."""
        if params:
            path += '?' + urllib.parse.urlencode(params)
        c = connection or self.connect(timeout)
        try:
            h = dict(headers or {})
            if isinstance(body, (dict, list)):
                body = json.dumps(body).encode()
                h.setdefault('Content-Type', 'application/json')
            elif isinstance(body, str):
                body = body.encode()
            c.request(method, path, body=body, headers=h)
            r = c.getresponse()
            # A live stream has no end: whoever did not expect one would wait for it for ever.
            assert 'event-stream' not in r.headers.get('Content-Type', ''), (method, path)
            return Answer(r.status, r.headers, r.read())
        finally:
            if connection is None:
                c.close()

    def get(self, path, headers=None, **params):
        return self.ask('GET', path, headers=headers, params={k.rstrip('_'): v for k, v in params.items()})

    def get_json(self, path, **params):
        a = self.get(path, **params)
        assert a.status == 200, a
        return a.json()

    def items(self, path, **params):
        """All items of a list, over all its pages."""
        out, cursor = [], None
        while True:
            page = self.get_json(path, **params, **({'cursor': cursor} if cursor else {}))
            out += page['items']
            assert cursor is None or page['next'] != cursor
            cursor = page['next']
            if cursor is None:
                return out

    def write(self, lines, headers=None, **params):
        """POST /write: line protocol."""
        if not isinstance(lines, (str, bytes)):
            lines = '\n'.join(lines)
        return self.ask('POST', '/write', body=lines, params={'db': 'test', **params}, headers=headers)

    def records(self, *records, key=None, raw=None):
        """POST /api/v1/records: one JSON object a line."""
        h = {'Content-Type': 'application/x-ndjson'}
        if key:
            h['Idempotency-Key'] = key
        body = raw if raw is not None else ''.join(json.dumps(r, ensure_ascii=False) + '\n' for r in records)
        return self.ask('POST', '/api/v1/records', body=body, headers=h)

    def signal(self, asset, name, **match):
        """The one signal of that asset and name (and of what else is told)."""
        end = time.monotonic() + 5
        while True:  # the row of a new series follows its values a moment later
            found = [s for s in self.items('/api/v1/signals', asset=asset) if s['name'] == name and all(s[k] == v for k, v in match.items())]
            if found or time.monotonic() > end:
                break
            time.sleep(0.01)
        assert len(found) == 1, (asset, name, found)
        return found[0]

    def values(self, series, **params):
        """All values of a series as [(t_ms, v)], over all pages."""
        out, cursor = [], None
        while True:
            p = self.get_json(f'/api/v1/series/{series}/values', **params, **({'cursor': cursor} if cursor else {}))
            out += zip(p['t_ms'], p['v'])
            cursor = p['next']
            if cursor is None:
                return out

    def raw(self, data, timeout=10, more=()):
        """Bytes out, all bytes back until the node closes or `timeout` passes without any."""
        s = socket.create_connection((self.host.strip('[]'), self.port), timeout)
        try:
            s.sendall(data)
            for piece in more:
                time.sleep(0.02)
                s.sendall(piece)
            got = b''
            while True:
                r, _, _ = select.select([s], [], [], timeout)
                if not r:
                    return got
                piece = s.recv(65536)
                if not piece:
                    return got
                got += piece
        except ConnectionResetError:
            return got
        finally:
            s.close()


@pytest.fixture(scope='session', autouse=True)
def program():
    assert os.access(MORU, os.X_OK), f'{MORU} is missing: build it, or name it by MORU_BIN'
    return MORU


@pytest.fixture
def run():
    """run('check', DIR): one command, CompletedProcess."""
    return moru


@pytest.fixture
def new_node(tmp_path):
    """new_node() makes a folder and serves it; new_node(demo=True) a demo folder; serve=False only makes it. All are ended at the end."""
    made, number = [], itertools.count()

    def make(*args, demo=False, start='2026-11-15T00:00:00Z', serve=True, **kw):
        n = Node(tmp_path / f'node{next(number)}')
        made.append(n)
        n.init(*args, *(['--demo', '--start', start] if demo else []))
        return n.start(**kw) if serve else n
    yield make
    trouble = []
    for n in made:
        try:
            n.stop()
        except AssertionError as e:
            trouble.append(e)
    if trouble:
        raise trouble[0]


@pytest.fixture
def node(new_node):
    """A fresh node, served."""
    return new_node()


@pytest.fixture(scope='module')
def shared_node(tmp_path_factory):
    """One node for all tests of a file: for those that only ask, or that write under names of their own."""
    n = Node(tmp_path_factory.mktemp('shared') / 'node').init().start()
    yield n
    n.stop()
