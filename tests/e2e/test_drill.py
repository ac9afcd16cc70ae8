"""Restore drills: the newest backup of the settings' target restored beside the node, checked, compared, removed; what is damaged is named; a kill leaves
nothing behind."""
import datetime
import json
import os
import re
import shutil
import subprocess
import sys
import time

import pytest

from conftest import Node, moru
from importing import write


def ok(*args):
    r = moru(*args)
    assert r.returncode == 0, r.stderr.decode()


@pytest.fixture
def backed(tmp_path):
    """A node with a target in its settings, and a backup there."""
    n = Node(tmp_path / 'n').init()
    conf = n.folder / 'moru.yaml'
    conf.write_text(re.sub(r'(?m)^(\s+)target:.*$', rf'\1target: {tmp_path / "t"}', re.sub(r'(?m)^(\s+)every:.*$', r'\1every: 0', conf.read_text())))
    write(tmp_path / 'm.csv', 'time,a,b\n' + ''.join(f'2025-11-{1 + i // 1440:02} {i // 60 % 24:02}:{i % 60:02}:00,{i * 0.37},{i % 9}\n' for i in range(20000)))
    ok('import', n.folder, tmp_path / 'm.csv')
    n.start()
    assert n.records(*[{'type': 'event', 'id': f'e{i}', 'kind': 'note', 't': '2025-11-20T00:00:00Z', 'asset': 'M', 'text': f'{i}'} for i in range(150)],
        {'type': 'lot', 'firm': 'F', 'number': 'L-1'}).status == 200
    ok('backup', n.folder, tmp_path / 't')
    yield n
    n.stop()


def drill(n, timeout=20):
    a = n.ask('POST', '/api/v1/restore-drill', {})
    assert a.status == 200 and a.json()['running'] is True, a
    end = time.monotonic() + timeout
    while True:
        s = n.get_json('/api/v1/restore-drill')
        if not s['running']:
            return s['last']
        assert time.monotonic() < end
        time.sleep(0.01)


def scheduled(n, last=None, seconds=8):
    """The result that came without being asked for, or None."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        s = n.get_json('/api/v1/today')['backup']['drill']
        if not s['running'] and s['last'] and s['last']['t'] != last:
            return s
        time.sleep(0.02)


def told_before(n, hours, **more):
    """The last drill was so long ago. Written by a program that ends without a checkpoint: what goes into store.db itself wants Moru's checksums."""
    t = (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=hours)).strftime('%Y-%m-%dT%H:%M:%SZ')
    program = '''
import json, os, sqlite3, sys
db = sqlite3.connect(sys.argv[1])
last = {**json.loads(db.execute("SELECT value FROM mark WHERE name = 'drill_last'").fetchone()[0]), **json.loads(sys.argv[2])}
db.execute("UPDATE mark SET value = ? WHERE name = 'drill_last'", [json.dumps(last).encode()])
db.commit()
os._exit(0)
'''
    subprocess.run([sys.executable, '-c', program, n.folder / 'store.db', json.dumps({'t': t, **more})], check=True)
    return t


def test_by_the_settings(backed, tmp_path):
    """The first one as soon as there is a good backup, then when its time is over; one that fails is told on Today with its reason."""
    n = backed
    assert scheduled(n, seconds=1.2) is None  # off unless somebody wants it
    n.stop()
    conf = n.folder / 'moru.yaml'
    conf.write_text(re.sub(r'(?m)^(\s+)drill:.*$', r'\1drill: 24', conf.read_text()))
    n.start()
    s = scheduled(n)
    assert s and s['last']['ok'] and s['every_hours'] == 24 and 0 <= s['age_s'] < 60, s
    assert audit(n)['who'] == 'schedule'
    n.stop()
    t = told_before(n, 23)
    n.start()
    assert scheduled(n, last=t, seconds=1.5) is None
    n.stop()
    t = told_before(n, 25)
    damage(tmp_path / 't', 'series/')
    n.start()
    s = scheduled(n, last=t)
    assert s and not s['last']['ok'] and s['last']['why']['en'], s
    n.stop()
    # One that could not be made at all, as the share was away, is tried again within the hour.
    t = told_before(n, 0.9, ok=False, snapshot=None)
    n.start()
    assert scheduled(n, last=t, seconds=1.5) is None
    n.stop()
    t = told_before(n, 1.1, ok=False, snapshot=None)
    n.start()
    assert scheduled(n, last=t)


def audit(n):
    return next(e for e in n.get_json('/api/v1/audit', limit=20)['items'] if e['what'] == 'restore_drill')


def damage(target, name):
    """One bit of the piece that holds a file of the newest snapshot; gives the piece's name."""
    manifest = max((target / 'snapshots').iterdir())
    files = json.loads(manifest.read_text())['files'] if manifest.read_bytes()[:1] == b'{' else []
    f = next((f for f in files if f['path'].startswith(name)), None)
    assert f, files[:3]
    piece = next(p for p in (target / 'objects').rglob('*') if p.is_file() and p.name in (f.get('list', f['sha256']) or f['sha256'])[2:] and len(p.name) == 62)
    b = bytearray(piece.read_bytes())
    b[len(b) // 2] ^= 4
    os.chmod(piece, 0o600)
    piece.write_bytes(b)
    return piece.name


def test_a_good_one(backed, tmp_path):
    n = backed
    assert n.get_json('/api/v1/restore-drill')['last'] is None
    assert n.write('LATER v=1').status == 204  # since the backup: no difference
    last = drill(n)
    assert last['ok'] is True and last['findings'] == 0 and last['found'] == [] and last['why'] is None, last
    assert last['target'] == str(tmp_path / 't') and last['snapshot'] and last['files'] > 5 and last['bytes'] > 100000 and last['took_ms'] >= 0
    assert last['series'] == 2 and last['events'] == 150 and last['lots'] == 1 and last['compared'] >= 100 + 2 and last['newest'] == '2025-11-14T12:19:00Z'
    assert not (n.folder / 'drill').exists()
    e = audit(n)
    assert e['who'] == 'local' and e['detail'] == last and last['address'] == '127.0.0.1'
    today = n.get_json('/api/v1/today')['backup']
    assert today['drill']['last'] == last and 0 <= today['drill']['age_s'] < 30
    n.stop()
    n.start()
    assert n.get_json('/api/v1/restore-drill')['last'] == last  # it is kept


def test_no_target(new_node):
    n = new_node()
    n.ask('POST', '/api/v1/restore-drill', {}).problem(400, 'drill_no_target')


def test_a_damaged_piece_is_named(backed, tmp_path):
    n = backed
    piece = damage(tmp_path / 't', 'store.db')
    last = drill(n)
    assert last['ok'] is False and piece in last['why']['en'] and piece in last['why']['ko'], last
    assert audit(n)['detail']['ok'] is False and not (n.folder / 'drill').exists()
    assert n.get_json('/api/v1/today')['backup']['drill']['last']['ok'] is False


def test_a_missing_target_is_said(backed, tmp_path):
    n = backed
    shutil.rmtree(tmp_path / 't')
    last = drill(n)
    assert last['ok'] is False and last['snapshot'] is None and last['why']['code'] == 'backup_target_none'


def test_what_the_node_lost_is_found(backed, tmp_path):
    """The drill compares: a node that has less than its backup is a finding, though each file is whole."""
    n = backed
    n.stop()
    shutil.copytree(n.folder, tmp_path / 'kept', ignore=shutil.ignore_patterns('run'))
    shutil.rmtree(n.folder / 'series')
    n.start()
    last = drill(n)
    assert last['ok'] is False and last['findings'] == 2 and {f['code'] for f in last['found']} == {'drill_differs'}, last
    assert last['why']['code'] == 'drill_failed'


def test_killed(backed, tmp_path):
    """kill -9 within: the next start leaves nothing of it, and the next drill is good."""
    n = backed
    for delay in (0, 0.02, 0.08):
        assert n.ask('POST', '/api/v1/restore-drill', {}).status == 200
        time.sleep(delay)
        n.kill()
        (n.folder / 'drill' / 'blobs').mkdir(parents=True, exist_ok=True)  # as a kill may leave it
        (n.folder / 'drill' / 'blobs' / 'x').write_bytes(b'x')
        n.start()
        end = time.monotonic() + 10
        while (n.folder / 'drill').exists():
            assert time.monotonic() < end
            time.sleep(0.05)
    assert drill(n)['ok'] is True
    r = moru('check', n.folder)
    assert r.returncode == 0, r.stdout


def test_one_at_a_time(backed, tmp_path):
    """Neither a second drill nor a backup that might remove what is read; the end of the node waits for neither."""
    n = backed
    assert n.ask('POST', '/api/v1/restore-drill', {}).status == 200
    a = n.ask('POST', '/api/v1/restore-drill', {})
    if a.status != 200:
        a.problem(409, 'drill_running')
    r = moru('backup', n.folder, tmp_path / 't')
    assert r.returncode == 0 or b'drill is running' in r.stderr
    n.stop()
    n.start()


def test_no_room(backed, tmp_path):
    """It is said before anything is written."""
    n = backed
    n.stop()
    disk = tmp_path / 'disk'
    disk.mkdir()
    if subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=60m', 'none', disk], capture_output=True).returncode != 0:
        n.start()
        pytest.skip('no small disk may be mounted')
    small = Node(disk / 'n')
    shutil.copytree(n.folder, small.folder, ignore=shutil.ignore_patterns('run'))
    (small.folder / 'run').mkdir()
    try:
        small.start()
        last = drill(small)  # by itself a node on so small a disk does nothing that can wait
        assert last['ok'] is False and last['why']['code'] == 'disk_spare' and last['files'] == 0, last
        small.stop()
        conf = small.folder / 'moru.yaml'
        conf.write_text(re.sub(r'(?m)^(\s+)reserve:.*$', r'\1reserve: 1048576', conf.read_text()))
        small.start()
        last = drill(small)
        assert last['ok'] is False and last['why']['code'] == 'drill_no_room' and last['files'] == 0 and last['snapshot'], last
        small.stop()
    finally:
        small.kill()
        subprocess.run(['umount', disk], check=True)
        n.start()
