"""kill -9 in every phase of import, write, commit, flush, merge and migration: what was acknowledged is there, nothing twice, the folder is whole,
the next start works (killing.py; of backup and restore: test_kill_backup.py)."""
import http.client
import json
import tarfile

import pytest

import killing
from conftest import ROOT, Node, moru
from importing import importing, sql, values, write
from test_fixtures import holds

T = 1763770000


def rows(name, n=40):
    return f'time,{name},state\n' + ''.join(f'2021-09-06 {i // 60:02}:{i % 60:02},{i * 0.5},{"run" if i % 7 else "idle"}\n' for i in range(n))


@pytest.fixture(scope='module')
def tmp(tmp_path_factory):
    return tmp_path_factory.mktemp('kills')


@pytest.fixture(scope='module')
def young(tmp):
    """A node that holds nothing."""
    assert moru('init', tmp / 'young').returncode == 0
    return tmp / 'young'


@pytest.fixture(scope='module')
def grown(tmp):
    """One with as many segments as make a merge with the next, a lot, a used log file to be used again."""
    at = tmp / 'grown'
    assert moru('init', at).returncode == 0
    for k in range(3):
        assert importing(at, write(tmp / f'old{k}.csv', rows(f'old{k}'))).status == 0
    assert len(list((at / 'series').glob('seg-*'))) == 3
    return at


class Import(killing.Work):
    name, share = 'import', 20
    phases = ('create blob', 'write blob', 'rename blob', 'create log', 'reserve log', 'rename log', 'write log', 'sync log', 'write wal', 'sync wal', 'write store', 'sync store',
        'write catalogue', 'sync catalogue', 'write segment', 'sync segment', 'rename segment', 'write manifest', 'sync manifest', 'rename manifest', 'sync folder')

    def __init__(self, base, tmp):
        self.base, self.file = base, write(tmp / 'new.csv', rows('new'))
        self.before = values(base)
        once = killing.copied(base, tmp / 'import-once')
        assert importing(once, self.file).status == 0
        self.after = values(once)
        assert sum(map(len, self.after.values())) == 80 + sum(map(len, self.before.values()))

    def run(self, at, env):
        return killing.command(env, 'import', at, self.file), None

    def judge(self, at, killed, facts, rng):
        n = Node(at).start()  # the next start works
        n.stop()
        killing.whole(at)
        got = values(at)
        assert killed or got == self.after
        # What was there is there, and nothing that is not in the file, nor twice.
        assert all(got.get(k) == v for k, v in self.before.items())
        for key, v in got.items():
            assert len(dict(v)) == len(v) and set(v) <= set(self.after[key]), key
        assert not list((at / 'blobs').glob('new-*'))
        r = importing(at, self.file)
        assert r.status == 0 and r.one()['refused'] == 0, r
        assert values(at) == self.after
        killing.whole(at)


class Write(killing.Work):
    """Values and records to a served node, then an orderly end, which flushes and merges."""
    name, share = 'write, commit, flush, merge', 25
    phases = ('write log', 'sync log', 'rename log', 'write wal', 'sync wal', 'write store', 'sync store', 'unlink wal', 'write segment', 'sync segment', 'rename segment',
        'write merged', 'sync merged', 'rename merged', 'unlink segment', 'write manifest', 'rename manifest', 'write trace', 'unlink trace')
    WRITES = 8

    def __init__(self, base):
        self.base, self.before = base, values(base)

    def run(self, at, env):
        facts = {'value': [], 'lot': [], 'over': -1, 'tried': 0}

        def work(port):
            c = http.client.HTTPConnection('127.0.0.1', port, timeout=30)

            def post(path, body):
                c.request('POST', path, body=body.encode(), headers={'Content-Type': 'application/x-ndjson'})
                r = c.getresponse()
                r.read()
                assert r.status in (200, 204), r.status
            for i in range(self.WRITES):
                facts['tried'] = i + 1
                post('/write?precision=s', f'W v={i}i,s="text {i}" {T + i}\nW over={i}i {T}\nW _cycle={i + 1}i,force={i}i {T + i}')
                facts['value'].append(i)
                facts['over'] = i
                post('/api/v1/records', json.dumps({'type': 'lot', 'firm': 'F', 'number': f'{i}'}) + '\n' + json.dumps({'type': 'event', 'id': f'E{i}', 'kind': 'note',
                    't': '2026-11-22T00:00:00Z', 'lot': {'firm': 'F', 'number': f'{i}'}}) + '\n')
                facts['lot'].append(i)
            c.close()
        return killing.served(env, at, work), facts

    def judge(self, at, killed, facts, rng):
        n = Node(at).start()
        lots = sorted(int(x['number']) for x in n.items('/api/v1/lots') if x['firm'] == 'F')
        events = sorted(x['ref'] for x in n.items('/api/v1/events'))
        n.stop()
        killing.whole(at)
        got = values(at)
        assert killed or len(facts['lot']) == self.WRITES
        assert all(got.get(k) == v for k, v in self.before.items())
        sent = range(facts['tried'])
        # Acknowledged is there, what is there was sent, each once, a request whole or not at all.
        v = [x for t, x in got.get('W v', []) if t == (T + x) * 10**9]
        assert v == sorted(set(v)) and len(v) == len(got.get('W v', [])) and set(facts['value']) <= set(v) <= set(sent), (v, facts)
        assert [x for _, x in got.get('W s', [])] == [f'text {i}' for i in v]
        assert [x for _, x in got.get('W force', [])] == v
        over = [x for _, x in got.get('W over', [])]
        assert over == ([v[-1]] if v else []) and (not v or v[-1] >= facts['over']), (over, facts)
        assert len(lots) == len(set(lots)) and set(facts['lot']) <= set(lots) <= set(sent), (lots, facts)
        assert events == [f'E{i}' for i in lots]


class Migration(killing.Work):
    """The first start of a folder that an earlier version left, killed itself."""
    name, share = 'migration', 18
    phases = ('create copy', 'write copy', 'sync copy', 'rename copy', 'write wal', 'sync wal', 'create key', 'rename key')
    PATHS = ('/api/v1/lots?limit=200', '/api/v1/events', '/api/v1/assets')

    def __init__(self, tmp):
        packed = ROOT / 'tests' / 'fixtures' / 'v1' / 'killed.tar.xz'
        with tarfile.open(packed) as t:
            t.extractall(tmp / 'v1')
        self.base = killing.copied(tmp / 'v1' / 'folder', tmp / 'v1-base')
        self.then = json.loads(packed.with_suffix('').with_suffix('.json').read_text())

    def run(self, at, env):
        def work(port):  # one value, so that each run opens a log file
            c = http.client.HTTPConnection('127.0.0.1', port, timeout=30)
            c.request('POST', '/write?precision=s', body=f'new v=1 {T}'.encode())
            assert c.getresponse().status == 204
        return killing.served(env, at, work), None

    def answers(self, at):
        n = Node(at).start()
        for path in self.PATHS:
            holds(n.get_json(path), self.then['get'][path], path)
        for s in n.items('/api/v1/signals', asset='PRESS-1'):
            path = f'/api/v1/series/{s["id"]}/values?limit=500'
            holds(n.get_json(path), self.then['get'][path], path)
        n.stop()
        killing.whole(at)

    def judge(self, at, killed, facts, rng):
        self.answers(at)
        copy = at / 'store.db.v1'
        assert copy.exists()
        if rng.random() < 0.2:  # the copy from before is whole: put back, the migration runs again
            (at / 'store.db').unlink()
            (at / 'store.db-wal').unlink(missing_ok=True)
            copy.rename(at / 'store.db')
            self.answers(at)


def test_import(young, tmp):
    killing.kill_all(Import(young, tmp), tmp)


def test_write_commit_flush_merge(grown, tmp):
    killing.kill_all(Write(grown), tmp)


def test_migration(tmp):
    killing.kill_all(Migration(tmp), tmp)
