"""moru backup and moru restore: of a folder that is served and of one that is not, beside load, killed at any moment; only what is new is written;
a damaged piece is named; a restored node answers every query alike."""
import hashlib
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import threading
import time

import pytest

from conftest import MORU, SANITIZER, Node, moru
from importing import sql, write

MADE = re.compile(r'^Backed up to (\S+): (\d{14}-[0-9a-f]{8})\n(\d+) files, (\d+) bytes. Written: (\d+) new pieces, (\d+) bytes\n$')
QUERIES = ['SELECT key, uuid, asset, signal, unit, type, points FROM series ORDER BY key', 'SELECT * FROM lot ORDER BY id', 'SELECT * FROM event ORDER BY id',
    'SELECT * FROM asset ORDER BY id', 'SELECT s.key, count(*), min(v.t), max(v.t), sum(v.value), sum(length(v.value)), sum(v.arrival % 1000003), sum(v.quality) FROM series s, value v WHERE v.series = s.id GROUP BY 1 ORDER BY 1']


def ok(*args, status=0, lang='en', timeout=60):
    r = moru(*args, lang=lang, timeout=timeout)
    out, err = r.stdout.decode(), r.stderr.decode()
    assert r.returncode == status and not SANITIZER.search(err), (args, r.returncode, out, err)
    return out if status == 0 else err


class Made:
    def __init__(self, out):
        m = MADE.match(out)
        assert m, out
        self.target, self.id = m[1], m[2]
        self.files, self.bytes, self.pieces, self.written = map(int, m.groups()[2:])


def backup(folder, target, *options):
    return Made(ok('backup', folder, target, *options))


def verified(target, *options):
    """0 findings in a snapshot."""
    assert re.fullmatch(r'Verified \S+: \d+ files, \d+ bytes: 0 finding\(s\)\n', ok('backup', '--verify', target, *options))


def whole(folder):
    r = moru('check', folder)
    assert r.returncode == 0 and b'0 finding' in r.stdout, (r.stdout, r.stderr)


def dump(folder):
    return [sql(folder, q) for q in QUERIES]


def sizes(target):
    """Bytes of all files of a target."""
    return {p: p.stat().st_size for p in pathlib.Path(target).rglob('*') if p.is_file()}


@pytest.fixture(scope='module')
def grown(tmp_path_factory):
    """A folder with segments, logs, blobs, lots and values; some 10 MB."""
    d = tmp_path_factory.mktemp('grown')
    assert moru('init', d / 'n').returncode == 0
    write(d / 'm.csv', 'time,meter,kW,state\n' + ''.join(f'2021-{1 + i // 96 // 28:02}-{1 + i // 96 % 28:02} {i // 4 % 24:02}:{i % 4 * 15:02},M{k},{i * 0.37 + k},{"run" if i % 9 else "idle"}\n'
        for k in range(4) for i in range(4000)) + 'never,M1,1,run\n')
    assert moru('import', d / 'n', d / 'm.csv').returncode == 1
    rng = random.Random(7)
    write(d / 'noise.csv', 'time,a,b\n' + ''.join(f'2021-09-06 {i // 3600:02}:{i // 60 % 60:02}:{i % 60:02},{rng.random()},{"".join(rng.choices("abcdefgh", k=180))}\n' for i in range(20000)))
    assert moru('import', d / 'n', d / 'noise.csv').returncode == 0
    n = Node(d / 'n').start()
    assert n.records(*[{'type': 'lot', 'firm': 'F', 'number': f'L{i}'} for i in range(200)]).status == 200
    assert n.write([f'live v={i} {1763770000 + i}' for i in range(500)], precision='s').status == 204
    n.stop()
    return d / 'n'


@pytest.fixture
def folder(grown, tmp_path):
    shutil.copytree(grown, tmp_path / 'n')
    return tmp_path / 'n'


def alike(a, b):
    """Two folders answer the same, and both are whole."""
    assert dump(a) == dump(b)
    whole(b)


# ---- made, verified, restored ----

def test_a_restored_folder_answers_alike(folder, tmp_path):
    made = backup(folder, tmp_path / 't')
    verified(tmp_path / 't')
    out = ok('restore', tmp_path / 't', tmp_path / 'r', '--as', 'move')
    assert f'Restored {made.id} into' in out and 'It is the same node' in out and 'new one was made' in out
    alike(folder, tmp_path / 'r')
    old, new = json.loads((folder / 'node.json').read_text()), json.loads((tmp_path / 'r' / 'node.json').read_text())
    assert old.pop('public_key') != new.pop('public_key') and old == new
    assert (tmp_path / 'r' / 'secrets' / 'key.pem').stat().st_mode & 0o777 == 0o600
    assert (tmp_path / 'r' / 'secrets').stat().st_mode & 0o777 == 0o700
    # Charts as JSON, by the node.
    a, b = Node(folder).start(), Node(tmp_path / 'r').start()
    try:
        ids = [s['id'] for s in a.items('/api/v1/signals')]
        assert len(ids) > 5
        for i in ids:
            if a.get_json(f'/api/v1/series/{i}')['type'] != 'string':
                q = {'from_': '2021-01-01T00:00:00Z', 'to': '2027-01-01T00:00:00Z', 'width': 300}
                assert a.get(f'/api/v1/series/{i}/chart', **q).body == b.get(f'/api/v1/series/{i}/chart', **q).body
    finally:
        a.stop()
        b.stop()


def test_a_copy_is_another_node(folder, tmp_path):
    backup(folder, tmp_path / 't', '--with-keys')
    out = ok('restore', tmp_path / 't', tmp_path / 'c', '--as', 'copy')
    assert 'It is a node of its own' in out
    alike(folder, tmp_path / 'c')
    old, new = json.loads((folder / 'node.json').read_text()), json.loads((tmp_path / 'c' / 'node.json').read_text())
    assert new['id'] != old['id'] and new['origin'] == old['id'] and new['public_key'] != old['public_key']
    assert (tmp_path / 'c' / 'secrets' / 'key.pem').read_bytes() != (folder / 'secrets' / 'key.pem').read_bytes()
    # Its backups go elsewhere.
    assert old['id'] in ok('backup', tmp_path / 'c', tmp_path / 't', status=2)
    backup(tmp_path / 'c', tmp_path / 't2')


def test_the_key_only_when_asked_for(folder, tmp_path):
    key = (folder / 'secrets' / 'key.pem').read_bytes()
    backup(folder, tmp_path / 'without')
    assert all(key not in p.read_bytes() for p in sizes(tmp_path / 'without'))
    backup(folder, tmp_path / 'with', '--with-keys')
    assert any(key in p.read_bytes() for p in sizes(tmp_path / 'with'))
    out = ok('restore', tmp_path / 'with', tmp_path / 'r', '--as', 'move')
    assert 'new one was made' not in out and (tmp_path / 'r' / 'secrets' / 'key.pem').read_bytes() == key
    assert (tmp_path / 'r' / 'node.json').read_bytes() == (folder / 'node.json').read_bytes()


# ---- only what is new ----

def test_a_second_backup_writes_under_one_percent(folder, tmp_path):
    rng = random.Random(11)
    # A file stays whole as a blob, and its texts become values: twice its size. `make soak` takes 1 GB.
    mb = int(os.environ.get('MORU_BACKUP_MB', '70'))
    with open(tmp_path / 'big.csv', 'w') as f:
        f.write('time,a\n')
        for i in range(mb * 125):
            f.write(f'2021-{7 + i // 86400:02}-07 {i // 3600 % 24:02}:{i // 60 % 60:02}:{i % 60:02},{rng.randbytes(2000).hex()}\n')
    assert moru('import', folder, tmp_path / 'big.csv', timeout=600).returncode == 0
    (tmp_path / 'big.csv').unlink()
    first = Made(ok('backup', folder, tmp_path / 't', timeout=600))
    before = sizes(tmp_path / 't')
    assert sum(before.values()) > mb * 900000
    t0 = time.monotonic()
    second = backup(folder, tmp_path / 't')
    print(f'{first.bytes} bytes, then {second.written} written in {time.monotonic() - t0:.2f} s')
    after = sizes(tmp_path / 't')
    new = sum(n for p, n in after.items() if p not in before)
    # What is new is the mark and the audit of the first.
    assert new == second.written < 0.01 * first.bytes, (new, second.written, first.bytes)
    assert all(after[p] == n for p, n in before.items())
    verified(tmp_path / 't')
    verified(tmp_path / 't', '--snapshot', first.id)
    assert [line.split()[0] for line in ok('backup', '--list', tmp_path / 't').splitlines()] == [first.id, second.id]
    # Pieces of segments and blobs that are known are not read again: the source may be away.
    blob = max(folder.glob('blobs/*/*'), key=lambda p: p.stat().st_size)
    bytes_of_blob = blob.read_bytes()
    blob.write_bytes(bytes(len(bytes_of_blob)))
    third = backup(folder, tmp_path / 't')
    assert third.written < 1 << 20
    blob.write_bytes(bytes_of_blob)


def test_keep_removes_what_nobody_names(folder, tmp_path):
    made = []
    for i in range(4):
        n = Node(folder).start()
        assert n.write([f'more v={i} {1763780000 + i}'], precision='s').status == 204
        n.stop()
        made.append(backup(folder, tmp_path / 't', '--keep', '2'))
        stray = tmp_path / 't' / 'objects' / 'ab' / ('0' * 62)
        stray.parent.mkdir(exist_ok=True)
        stray.write_bytes(b'left by a backup that was killed')
    assert [line.split()[0] for line in ok('backup', '--list', tmp_path / 't').splitlines()] == [m.id for m in made[-2:]]
    for m in made[-2:]:
        verified(tmp_path / 't', '--snapshot', m.id)
    backup(folder, tmp_path / 't', '--keep', '1')
    assert not stray.exists()
    verified(tmp_path / 't')
    assert made[0].id in ok('backup', '--verify', tmp_path / 't', '--snapshot', made[0].id, status=2)


# ---- damage ----

def test_a_flipped_bit_is_found_and_named(folder, tmp_path):
    made = backup(folder, tmp_path / 't')
    seed = random.randrange(1 << 32)
    print('seed', seed)
    rng = random.Random(seed)
    pieces = sorted((tmp_path / 't').glob('objects/*/*'))
    for k in range(8):
        p = rng.choice(pieces)
        good = p.read_bytes()
        b = bytearray(good)
        b[rng.randrange(len(b))] ^= 1 << rng.randrange(8)
        p.write_bytes(b)
        assert str(p) in ok('backup', '--verify', tmp_path / 't', status=1)
        p.write_bytes(good)
    verified(tmp_path / 't')
    blob = max(folder.glob('blobs/*/*'), key=lambda f: f.stat().st_size)
    digest = hashlib.sha256(blob.read_bytes()[:1 << 20]).hexdigest()  # its first piece
    p = tmp_path / 't' / 'objects' / digest[:2] / digest[2:]
    p.unlink()
    assert str(p) in ok('backup', '--verify', tmp_path / 't', status=1)
    err = ok('restore', tmp_path / 't', tmp_path / 'r', '--as', 'move', status=2)
    assert str(p) in err and not (tmp_path / 'r' / 'format').exists()
    # The next backup writes it anew, and the restore goes through.
    again = backup(folder, tmp_path / 't')
    assert p.exists()
    verified(tmp_path / 't')
    verified(tmp_path / 't', '--snapshot', made.id)
    assert 'another restore' not in ok('restore', tmp_path / 't', tmp_path / 'r', '--as', 'move')
    assert again.id > made.id
    alike(folder, tmp_path / 'r')
    manifest = tmp_path / 't' / 'snapshots' / f'{again.id}.json'
    b = bytearray(manifest.read_bytes())
    b[len(b) // 2] ^= 4
    manifest.write_bytes(b)
    assert manifest.name in ok('backup', '--verify', tmp_path / 't', status=2)
    assert manifest.name in ok('restore', tmp_path / 't', tmp_path / 'r2', '--as', 'move', status=2)
    ok('restore', tmp_path / 't', tmp_path / 'r2', '--as', 'move', '--snapshot', made.id)
    assert manifest.name in ok('debug', manifest, status=1)
    assert made.id in ok('debug', tmp_path / 't' / 'snapshots' / f'{made.id}.json') and 'backup folder' in ok('debug', tmp_path / 't' / 'moru-backup')


def test_what_is_refused(folder, tmp_path):
    other = tmp_path / 'photos'
    other.mkdir()
    (other / 'a.jpg').write_bytes(b'x')
    assert 'not empty' in ok('backup', folder, other, status=2)
    assert 'outside' in ok('backup', folder, folder / 'inbox' / 't', status=2)
    assert 'Cannot make' in ok('backup', folder, tmp_path / 'no' / 'such' / 't', status=2)
    assert 'no node' in ok('backup', tmp_path / 'none', tmp_path / 't', status=2)
    assert 'holds no backup' in ok('backup', '--verify', other, status=2)
    assert 'holds no backup' in ok('restore', other, tmp_path / 'r', '--as', 'move', status=2)
    backup(folder, tmp_path / 't')
    assert 'move, copy' in ok('restore', tmp_path / 't', tmp_path / 'r', status=2)
    assert 'not empty' in ok('restore', tmp_path / 't', other, '--as', 'move', status=2)
    assert 'a node already' in ok('restore', tmp_path / 't', folder, '--as', 'move', status=2)
    assert 'no snapshot' in ok('restore', tmp_path / 't', tmp_path / 'r', '--as', 'move', '--snapshot', 'x', status=2)
    assert (other / 'a.jpg').exists() and sorted(p.name for p in other.iterdir()) == ['a.jpg']


def test_of_a_newer_program(folder, tmp_path):
    made = backup(folder, tmp_path / 't')
    manifest = tmp_path / 't' / 'snapshots' / f'{made.id}.json'
    text = manifest.read_bytes()
    assert text.count(b'"folder_version":1') == 1

    def seal(body):
        manifest.write_bytes(body + b',"sha256":"' + hashlib.sha256(body).hexdigest().encode() + b'"}\n')
    body = text[:text.rindex(b',"sha256":')]
    seal(body)
    assert manifest.read_bytes() == text
    seal(body.replace(b'"folder_version":1', b'"folder_version":7'))
    assert 'newer Moru (format 7' in ok('restore', tmp_path / 't', tmp_path / 'r', '--as', 'move', status=2) and not (tmp_path / 'r').exists()
    seal(body.replace(b'"moru_snapshot":1', b'"moru_snapshot":2'))
    assert 'newer Moru' in ok('restore', tmp_path / 't', tmp_path / 'r', '--as', 'move', status=2) and not (tmp_path / 'r').exists()
    # It stays where it is, and so do the pieces that only it may name.
    pieces = set((tmp_path / 't').glob('objects/*/*'))
    err = ok('backup', folder, tmp_path / 't', '--keep', '1', status=2)
    assert 'was made, but' in err and manifest.name in err and manifest.exists() and pieces <= set((tmp_path / 't').glob('objects/*/*'))
    verified(tmp_path / 't')
    manifest.write_bytes(text)
    verified(tmp_path / 't', '--snapshot', made.id)


# ---- beside the running node ----

def test_of_a_served_folder_the_same_is_said(folder, tmp_path):
    n = Node(folder).start()
    try:
        served = ok('backup', folder, tmp_path / 'a')
        assert Made(served)
        whole(folder)
        korean = ok('backup', folder, tmp_path / 'a', '--keep', '3', lang='ko')
        other = tmp_path / 'photos'
        other.mkdir()
        (other / 'x').write_bytes(b'x')
        refused = [ok('backup', folder, other, status=2), ok('backup', folder, folder / 't', status=2), ok('backup', folder, other, status=2, lang='ko')]
    finally:
        n.stop()
    plain = lambda s: re.sub(r'\d{14}-[0-9a-f]{8}|\d+', '#', s)
    assert plain(ok('backup', folder, tmp_path / 'a')) == plain(served)
    assert plain(ok('backup', folder, tmp_path / 'a', '--keep', '3', lang='ko')) == plain(korean)
    assert [ok('backup', folder, other, status=2), ok('backup', folder, folder / 't', status=2), ok('backup', folder, other, status=2, lang='ko')] == refused
    verified(tmp_path / 'a')


class Load:
    """Values and records, without a pause unless one is set; what was acknowledged is counted."""
    pause = 0.0

    def __init__(self, n):
        self.n, self.over, self.values, self.lots, self.trouble, self.slowest = n, threading.Event(), 0, 0, [], 0.0
        self.threads = [threading.Thread(target=f) for f in (self.values_in, self.lots_in)]
        for t in self.threads:
            t.start()

    def values_in(self):
        c = self.n.connect()
        while not self.over.is_set():
            try:
                t0 = time.monotonic()
                a = self.n.ask('POST', '/write', body='\n'.join(f'load,k={k} v={self.values + i} {1763770000 + self.values // 4 + i}' for i in range(50) for k in range(4)),
                    params={'db': 'x', 'precision': 's'}, connection=c)
                self.slowest = max(self.slowest, time.monotonic() - t0)
            except Exception as e:
                self.trouble.append(e)
                return
            if a.status != 204:
                self.trouble.append(a)
                return
            self.values += 200
            time.sleep(self.pause)

    def lots_in(self):
        while not self.over.is_set():
            try:
                a = self.n.records(*[{'type': 'lot', 'firm': 'F', 'number': f'X{self.lots + i}'} for i in range(20)])
            except Exception as e:
                self.trouble.append(e)
                return
            if a.status != 200:
                self.trouble.append(a)
                return
            self.lots += 20
            time.sleep(self.pause)

    def end(self):
        self.over.set()
        for t in self.threads:
            t.join()
        assert not self.trouble, self.trouble


def small_heads(folder):
    """Heads are flushed and segments merged all the time."""
    text = (folder / 'moru.yaml').read_text()
    assert '33554432' in text
    (folder / 'moru.yaml').write_text(text.replace('33554432', '1048576'))


def test_beside_load_everything_acknowledged_before_is_in(folder, tmp_path):
    small_heads(folder)
    n = Node(folder).start()
    load = Load(n)
    snapshots = []
    try:
        # While the log is busy a backup rests after each turn: the first one begins so, and gets on when the load is less.
        threading.Timer(2, lambda: setattr(load, 'pause', 0.05)).start()
        end = time.monotonic() + 8
        while len(snapshots) < 4 and time.monotonic() < end:
            time.sleep(0.2)
            before = load.values, load.lots
            made = backup(folder, tmp_path / 't')
            snapshots.append((made.id, before, (load.values + 200, load.lots + 20)))
    finally:
        load.end()
        n.stop()
    assert len(snapshots) >= 2 and load.values > 2000 and load.lots > 100, (snapshots, load.values, load.lots)
    assert load.slowest < 5
    for k, (snapshot, before, after) in enumerate(snapshots):
        verified(tmp_path / 't', '--snapshot', snapshot)
        r = tmp_path / f'r{k}'
        ok('restore', tmp_path / 't', r, '--as', 'copy', '--snapshot', snapshot)
        whole(r)
        points = sum(int(p) for p, in sql(r, "SELECT points FROM series WHERE asset = 'load'"))
        lots = int(sql(r, "SELECT count(*) FROM lot WHERE number LIKE 'X%'")[0][0])
        assert before[0] <= points <= after[0], (before, points, after)
        assert before[1] <= lots <= after[1], (before, lots, after)
        shutil.rmtree(r)


def timed(f):
    t0 = time.monotonic()
    f()
    return time.monotonic() - t0


def cut(args, after_s, node=None):
    """Starts a command and kills it, or the node that does its work; whether it was cut short."""
    p = subprocess.Popen([MORU, '--lang', 'en', *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        p.wait(after_s)
    except subprocess.TimeoutExpired:
        pass
    if node:
        node.kill()
    else:
        p.kill()
    out, err = p.communicate(timeout=30)
    assert p.returncode in (0, 2, -signal.SIGKILL) and not SANITIZER.search(err.decode()), (p.returncode, out, err)
    return p.returncode != 0


def test_killed_at_any_moment(folder, tmp_path):
    """The node, or the command, while a backup is made; then the restore. The first snapshot stays good, the next try works."""
    seed = random.randrange(1 << 32)
    print('seed', seed)
    rng = random.Random(seed)
    first = backup(folder, tmp_path / 't')
    whole_s = timed(lambda: backup(folder, tmp_path / 'timed'))
    cuts = []
    for k in range(10):
        n = None
        if k % 3:
            n = Node(folder).start()
            assert n.write([f'kill{k} v={i} {1763790000 + i}' for i in range(200)], precision='s').status == 204
        # A target that is half made, and one with a good snapshot in it.
        target = tmp_path / 't' if k % 2 else tmp_path / f'fresh{k // 4}'
        cuts.append(cut(['backup', folder, target, '--keep', '9'], rng.uniform(0, whole_s * (0.3 if k % 2 else 0.9)), n if k % 3 == 1 else None))
        if n:
            n.kill()
            Node(folder).start().stop()  # takes away what a kill leaves: a segment that no manifest names yet, a torn log
            whole(folder)
        verified(tmp_path / 't', '--snapshot', first.id)
    for target in (tmp_path / 't', tmp_path / 'fresh0'):
        backup(folder, target)
        for line in ok('backup', '--list', target).splitlines():
            verified(target, '--snapshot', line.split()[0])
    restore_s = timed(lambda: ok('restore', tmp_path / 't', tmp_path / 'timed-r', '--as', 'move'))
    r, rests = tmp_path / 'r', []
    for k in range(10):
        rests.append(cut(['restore', tmp_path / 't', r, '--as', 'move'], rng.uniform(0, restore_s * 0.9)))
        if not (r / 'format').exists():
            assert 'no node' in ok('check', r, status=2) if r.exists() else True
            continue
        if not (r / 'restoring').exists():
            whole(r)
            shutil.rmtree(r)
    print(cuts, rests)
    assert sum(cuts) >= 2 and sum(rests) >= 2, (cuts, rests)
    if not (r / 'format').exists() or (r / 'restoring').exists():
        ok('restore', tmp_path / 't', r, '--as', 'move')
    assert not (r / 'restoring').exists()
    alike(folder, r)


def test_one_at_a_time_and_by_the_socket_alone(node, tmp_path):
    a = node.ask('POST', '/api/v1/backup', body={}, params={'target': str(tmp_path / 't')})
    a.problem(403, 'backup_by_socket')
    node.ask('POST', '/api/v1/backup', body={}).problem(400)
    assert not (tmp_path / 't').exists()


# ---- the schedule ----

def settings(folder, **values):
    text = (folder / 'moru.yaml').read_text()
    for key, value in values.items():
        text = re.sub(rf'^  {key}: .*$', f'  {key}: {value}', text, flags=re.M)
    (folder / 'moru.yaml').write_text(text)


def until(what, timeout=15):
    end = time.monotonic() + timeout
    while not what():
        assert time.monotonic() < end
        time.sleep(0.05)


def metric(n, name):
    return float(re.search(rf'^moru_{name} (\S+)$', n.get('/metrics').text, re.M)[1])


def test_by_itself_and_what_became_of_it(new_node, tmp_path):
    n = new_node(serve=False)
    target, away = tmp_path / 'disk', tmp_path / 'mount'
    away.mkdir()
    assert n.start().get_json('/api/v1/today')['backup'] is None
    n.stop()
    # A share that is not mounted: said, and nothing is written there.
    settings(n.folder, target=f'"{away}"', every=1, keep=2)
    n.start()
    until(lambda: (n.get_json('/api/v1/today')['backup'] or {}).get('last'))
    b = n.get_json('/api/v1/today')['backup']
    assert b['last']['ok'] is False and b['good'] is None and b['age_s'] is None and b['target'] == str(away)
    assert 'holds no backup' in b['last']['why']['en'] and '백업이 없습니다' in b['last']['why']['ko']
    assert not list(away.iterdir()) and metric(n, 'backup_failed') == 1 and metric(n, 'backup_last_good_seconds') == 0
    assert 'holds no backup' in n.log_text()
    assert [a['what'] for a in n.items('/api/v1/audit')].count('backup') == 1  # not again every second
    # By hand somewhere else; then that disk hangs where the settings say.
    first = backup(n.folder, target)
    b = n.get_json('/api/v1/today')['backup']
    assert b['good']['snapshot'] == first.id and b['good']['target'] == str(target)
    n.stop()
    away.rmdir()
    target.rename(away)
    n.start()
    until(lambda: n.get_json('/api/v1/today')['backup']['good']['snapshot'] != first.id)
    b = n.get_json('/api/v1/today')['backup']
    assert b['last']['ok'] and b['last'] == b['good'] and b['good']['target'] == str(away) and 0 <= b['age_s'] < 30
    assert metric(n, 'backup_failed') == 0 and abs(metric(n, 'backup_last_good_seconds') - time.time()) < 60
    who = [a['who'] for a in n.items('/api/v1/audit') if a['what'] == 'backup']
    assert sorted(who) == ['local', 'schedule', 'schedule']
    n.ask('POST', '/api/v1/backup', body={}).json()['snapshot']  # that of the settings may be asked for by anybody of ours
    n.stop()
    assert len(list((away / 'snapshots').iterdir())) == 2
    verified(away)
    n.start()
    assert n.get_json('/api/v1/today')['backup']['good']['target'] == str(away)  # kept over a start


def test_a_full_disk(folder, tmp_path):
    small = tmp_path / 'small'
    small.mkdir()
    if subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', str(small)], capture_output=True).returncode != 0:
        pytest.skip('a full disk needs the right to mount a small one')
    try:
        err = ok('backup', folder, small / 't', status=2)
        assert 'full' in err and str(small) in err
        assert not list((small / 't' / 'snapshots').iterdir())
        subprocess.run(['mount', '-o', 'remount,size=64m', str(small)], check=True)
        backup(folder, small / 't')
        verified(small / 't')
    finally:
        subprocess.run(['umount', str(small)], check=True)
