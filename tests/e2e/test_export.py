"""moru export and exports of the page: the same archive whether the node runs or not, in formats that others read, restored on a clean node, by range
and asset, without secrets, audited; killed or given up it leaves no broken file."""
import calendar
import csv
import datetime
import hashlib
import io
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time
import zipfile

import pytest

from conftest import MORU, SANITIZER, Node, moru
from importing import sql, write

DAY = 1763769600  # 2025-11-22T00:00:00Z, s
MADE = re.compile(r'^Exported to (\S+)\n(\d+) files, (\d+) values, (\d+) records, (\d+) bytes\nSHA-256 ([0-9a-f]{64})\n$')
RECORDS = [
    {'type': 'asset', 'code': 'LINE-1', 'name': '1호 라인', 'kind': 'line'},
    {'type': 'asset', 'code': 'MLD-01', 'name': '사출기, "1호"', 'kind': 'machine', 'parent': 'LINE-1'},
    {'type': 'asset', 'code': 'HLD-A', 'kind': 'item', 'unit': 'pcs'},
    {'type': 'lot', 'firm': 'F', 'number': 'R-1', 'item': 'RESIN', 'state': 'on_hold', 'place': 'WH', 'made': '2025-11-20T00:00:00Z', 'quantity': 25.5, 'unit': 'kg'},
    {'type': 'lot', 'firm': 'F', 'number': 'H-1', 'item': 'HLD-A', 'state': 'shipped'},
    {'type': 'link', 'parent': {'firm': 'F', 'number': 'R-1'}, 'child': {'firm': 'F', 'number': 'H-1'}, 'quantity': 1.25, 'unit': 'kg', 'operation': 'op-1'},
    {'type': 'operation', 'id': 'op-1', 'machine': 'MLD-01', 'step': 'moulding', 'lot': {'firm': 'F', 'number': 'H-1'}, 'item': 'HLD-A', 'mould': 'M-7', 'person': 'kim',
     'start': '2025-11-22T01:00:00Z', 'end': '2025-11-22T02:00:00Z', 'good': 100, 'scrap': 0.5, 'seq_first': 1, 'seq_last': 100},
    {'type': 'event', 'id': 'ev-1', 'kind': 'note', 't': '2025-11-22T01:30:00Z', 'asset': 'MLD-01', 'text': '=HYPERLINK("http://x")', 'data': {'a': [1, {'b': '나'}]}},
    {'type': 'event', 'id': 'ev-2', 'kind': 'note', 't': '2025-11-22T01:31:00Z', 'asset': 'MLD-01', 'text': '+1 바로잡음\n둘째 줄', 'corrects': 'ev-1', 'reason': '틀림'},
    {'type': 'event', 'id': 'ev-3', 'kind': 'receipt', 't': '2025-11-20T03:00:00Z', 'lot': {'firm': 'F', 'number': 'R-1'}, 'quantity': 25.5, 'unit': 'kg', 'from': 'P', 'to': 'WH', 'partner': 'P'},
    {'type': 'characteristic', 'id': 'ch-1', 'lot': {'firm': 'F', 'number': 'H-1'}, 'name': 'weight', 'value': 12.25, 'unit': 'g', 'lower': 12, 'upper': 12.5, 'pass': True,
     'gauge': 'G-1', 'person': 'lee', 't': '2025-11-22T01:10:00Z', 'machine': 'MLD-01', 'seq': 7},
    {'type': 'characteristic', 'id': 'ch-2', 'lot': {'firm': 'F', 'number': 'H-1'}, 'name': 'look', 'pass': False, 't': '2025-11-22T01:11:00Z'},
]
TABLES = ['SELECT code, name, kind, parent, unit FROM asset ORDER BY code', 'SELECT firm, number, item, state, place, made, quantity, unit FROM lot ORDER BY firm, number',
    'SELECT * FROM lot_link ORDER BY 1, 2, 3, 4', 'SELECT ref, machine, step, lot_number, item, mould, start, "end", good, scrap, seq_first, seq_last FROM operation ORDER BY ref',
    'SELECT ref, kind, t, asset, lot_number, quantity, unit, from_place, to_place, partner, text, corrects, reason, data FROM event ORDER BY ref']


def ok(*args, status=0, lang='en', timeout=60):
    r = moru(*args, lang=lang, timeout=timeout)
    out, err = r.stdout.decode(), r.stderr.decode()
    assert r.returncode == status and not SANITIZER.search(err), (args, r.returncode, out, err)
    return out if status == 0 else err


def export(folder, path, *options):
    m = MADE.match(ok('export', folder, path, *options))
    assert m and m[1] == str(path)
    data = pathlib.Path(path).read_bytes()
    assert len(data) == int(m[5]) and hashlib.sha256(data).hexdigest() == m[6]
    return data


def codeless(data):
    """Codes of people are one node's own: what another node exported is a name to this one, which gets a code here."""
    return re.sub(rb'P-[0-9A-Z]{4}', b'P', data)


def opened(data):
    """The archive's members, after each was held against the manifest, which comes last."""
    z = zipfile.ZipFile(io.BytesIO(data))
    assert z.testzip() is None
    names = z.namelist()
    assert names[-1] == 'manifest.json' and len(set(names)) == len(names)
    m = json.loads(z.read('manifest.json'))
    assert [f['name'] for f in m['files']] == names[:-1]
    for f in m['files']:
        content = z.read(f['name'])
        assert f['bytes'] == len(content) and f['sha256'] == hashlib.sha256(content).hexdigest(), f
        if f['name'].endswith('.csv'):
            assert content.startswith(b'\xef\xbb\xbf') and content.endswith(b'\r\n')
            assert f['rows'] == len(rows(z, f['name']))
        if f['name'].endswith('.ndjson'):
            assert f['rows'] == content.count(b'\n')
    return z, m


def rows(z, name):
    return list(csv.DictReader(io.StringIO(z.read(name).decode('utf-8-sig'), newline='')))


def nanoseconds(text):
    """RFC 3339 UTC to nanoseconds."""
    m = re.fullmatch(r'(.{19})(?:\.(\d+))?Z', text)
    return calendar.timegm(time.strptime(m[1], '%Y-%m-%dT%H:%M:%S')) * 10**9 + int((m[2] or '').ljust(9, '0') or 0)


def fill(n):
    assert n.records(*RECORDS).status == 200
    lines = [f'MLD-01 temp={i / 7},count={i}i,on={"true" if i % 3 else "false"},mode="{["run", "=1+1", "쉼, 표"][i % 3]}" {DAY + i}' for i in range(3000)]
    assert n.write(lines, precision='s').status == 204
    assert n.write(['OTHER v=1 %d' % (DAY + 86400), 'OTHER v=-0.5 %d' % (DAY + 2 * 86400)], precision='s').status == 204
    n.signal('OTHER', 'v'), n.signal('MLD-01', 'mode')


@pytest.fixture(scope='module')
def grown(tmp_path_factory):
    """A folder with records, values in segments and log, a blob, an account."""
    d = tmp_path_factory.mktemp('grown')
    n = Node(d / 'n').init().start()
    fill(n)
    n.stop()
    write(d / 'press.csv', 'time,force\n' + ''.join(f'2025-11-22 {i // 60:02}:{i % 60:02}:00,{i * 0.25}\n' for i in range(600)))
    ok('import', d / 'n', d / 'press.csv')
    assert moru('passwd', d / 'n', 'owner', input=b'planted-password-77\n').returncode == 0
    return d / 'n'


def test_same_archive_in_both_states(grown, tmp_path):
    here = export(grown, tmp_path / 'here.zip')
    again = export(grown, tmp_path / 'again.zip')
    n = Node(grown).start()
    try:
        there = export(grown, tmp_path / 'there.zip')
        refused = ok('export', grown, tmp_path / 'there.zip', status=2)
        inside = ok('export', grown, grown / 'inbox' / 'x.zip', status=2)
        unknown = ok('export', grown, tmp_path / 'x.zip', '--asset', 'NONE', status=2)
        backwards = ok('export', grown, tmp_path / 'x.zip', '--from', '2025-11-22T00:00:00Z', '--to', '2025-11-22T00:00:00Z', status=2)
    finally:
        n.stop()
    assert here == again == there
    assert refused == ok('export', grown, tmp_path / 'there.zip', status=2) and 'exists already' in refused
    assert inside == ok('export', grown, grown / 'inbox' / 'x.zip', status=2) and 'outside' in inside
    assert unknown == ok('export', grown, tmp_path / 'x.zip', '--asset', 'NONE', status=2) and 'no asset NONE' in unknown
    assert backwards == ok('export', grown, tmp_path / 'x.zip', '--from', '2025-11-22T00:00:00Z', '--to', '2025-11-22T00:00:00Z', status=2)
    assert sorted(p.name for p in tmp_path.iterdir()) == ['again.zip', 'here.zip', 'there.zip']
    assert not list((grown / 'inbox').glob('*.zip*'))


def test_contents(grown, tmp_path):
    z, m = opened(export(grown, tmp_path / 'o.zip'))
    assert m['format'] == 'moru export' and m['version'] == 1 and m['from'] is None and m['to'] is None and m['assets'] == [] and m['left_out'] == []
    assert m['node'] == json.loads((grown / 'node.json').read_text())['id']
    # Each column of each table is explained in both languages.
    for readme in ('README.ko.txt', 'README.en.txt'):
        text = z.read(readme).decode('utf-8-sig')
        for name in z.namelist():
            if name.endswith('.csv') and not name.startswith('values/'):
                section = text[text.index(name):]
                for column in rows(z, name)[0] if rows(z, name) else z.read(name).decode('utf-8-sig').strip().split(','):
                    assert re.search(rf'\b{column}\b', section), (readme, name, column)
    signals = {(s['asset'], s['signal']): s for s in rows(z, 'signals.csv')}
    assert signals['MLD-01', 'temp']['type'] == 'float' and signals['MLD-01', 'count']['type'] == 'integer' and signals['MLD-01', 'on']['type'] == 'boolean'
    temp = rows(z, signals['MLD-01', 'temp']['file'])
    assert len(temp) == 3000 and [float(r['value']) for r in temp] == [i / 7 for i in range(3000)]
    assert temp[1]['time'] == '2025-11-22T00:00:01Z' and temp[1]['quality'] == 'good' and list(temp[0]) == ['time', 'value', 'unit', 'quality', 'quality_code', 'arrived']
    assert [r['value'] for r in rows(z, signals['MLD-01', 'mode']['file'])][:3] == ['run', "'=1+1", '쉼, 표']
    assert m['values'] == 3000 * 4 + 2 + 600
    # No cell runs as a formula, but numbers may be negative.
    for name in z.namelist():
        if name.endswith('.csv'):
            for r in rows(z, name):
                for v in r.values():
                    assert not re.match(r'[=+@\t\r]|-(?![0-9])', v), (name, v)
    assert [r['value'] for r in rows(z, signals['OTHER', 'v']['file'])] == ['1', '-0.5']
    events = {r['id']: r for r in rows(z, 'events.csv')}
    assert events['ev-1']['text'] == '\'=HYPERLINK("http://x")' and events['ev-2']['text'] == "'+1 바로잡음\n둘째 줄"
    assert rows(z, 'assets.csv')[1]['name'] == '사출기, "1호"'
    for b in rows(z, 'blobs.csv'):
        content = z.read('blobs/' + b['sha256'])
        assert len(content) == int(b['bytes']) and hashlib.sha256(content).hexdigest() == b['sha256']
    assert any(b['name'] == 'press.csv' for b in rows(z, 'blobs.csv'))
    assert {d['class'] for d in json.loads(z.read('settings.json'))} == {'mapping'}
    # Other programs read it too.
    r = subprocess.run(['unzip', '-tqq', tmp_path / 'o.zip'], capture_output=True)
    assert r.returncode == 0, r.stdout


def test_arrival_and_quality_codes(new_node, tmp_path):
    """Each value's own, as the API tells them; the same in a folder that is served and in one that is not."""
    n = new_node()
    for k in range(3):
        now = int(time.time())
        assert n.write([f'm v={i + k} {1763770000 + i * 3 + k}' for i in range(40)] + [f'm v=9 {now + 100 + k}'], precision='s').status == 204
        time.sleep(1.2)
    one = n.signal('m', 'v')
    told = n.get_json(f"/api/v1/series/{one['id']}/values", arrival='1', limit=1000)
    served, _ = opened(export(n.folder, tmp_path / 'served.zip'))
    n.stop()
    alone, _ = opened(export(n.folder, tmp_path / 'alone.zip'))
    got = rows(served, rows(served, 'signals.csv')[0]['file'])
    assert got == rows(alone, rows(alone, 'signals.csv')[0]['file']) and len(got) == 123
    ms = [round(datetime.datetime.fromisoformat(re.sub(r'(\.\d{1,6})\d*Z|Z', lambda m: (m[1] or '.0').ljust(7, '0') + '+00:00', r['arrived'])).timestamp() * 1000) for r in got]
    assert all(abs(a - b) <= 1 for a, b in zip(ms, told['arrival_ms'])) and len(set(ms)) > 1
    assert {(r['quality_code'], r['quality'], q) for r, q in zip(got, told['q'])} == {('0', 'good', 'good'), ('65', 'uncertain', 'uncertain')}


def test_restores_on_a_clean_node(grown, new_node, tmp_path):
    z, _ = opened(export(grown, tmp_path / 'o.zip'))
    n = new_node()
    for name in sorted(x for x in z.namelist() if x.startswith('records/')):
        a = n.records(raw=z.read(name))
        assert a.status == 200 and a.json()['refused'] == 0, a
    for s in rows(z, 'signals.csv'):
        lines = []
        for r in rows(z, s['file']):
            v = r['value']
            v = {'float': v, 'integer': v + 'i', 'boolean': v, 'string': json.dumps(v.removeprefix("'"), ensure_ascii=False)}[s['type']]
            t = nanoseconds(r['time'])
            lines.append(f'{s["asset"]} {s["signal"]}={v} {t}')
        assert n.write(lines).status == 204
    n.stop()
    for q in TABLES:
        assert sql(n.folder, q) == sql(grown, q), q
    values = 'SELECT s.asset, s.signal, v.t, CAST(v.value AS TEXT) AS value FROM series s, value v WHERE v.series = s.id ORDER BY 1, 2, 3'
    assert sql(n.folder, values) == sql(grown, values)
    # The same records are exported again.
    again, _ = opened(export(n.folder, tmp_path / 'again.zip'))
    for name in (x for x in z.namelist() if x.startswith('records/')):
        assert codeless(again.read(name)) == codeless(z.read(name))


def test_range_and_asset(grown, tmp_path):
    z, m = opened(export(grown, tmp_path / 'a.zip', '--from', '2025-11-22T00:10:00Z', '--to', '2025-11-22T09:20:00+09:00'))
    assert (m['from'], m['to']) == ('2025-11-22T00:10:00Z', '2025-11-22T00:20:00Z')
    signals = {(s['asset'], s['signal']): s for s in rows(z, 'signals.csv')}
    assert signals['OTHER', 'v']['file'] == ''
    times = [r['time'] for r in rows(z, signals['MLD-01', 'temp']['file'])]
    assert len(times) == 600 and times[0] == '2025-11-22T00:10:00Z' and times[-1] == '2025-11-22T00:19:59Z'
    assert rows(z, 'events.csv') == [] and rows(z, 'lots.csv') == [] and rows(z, 'operations.csv') == []
    z, m = opened(export(grown, tmp_path / 'b.zip', '--asset', 'LINE-1', '--asset', 'OTHER', '--from', '2025-11-21T00:00:00Z'))
    assert m['assets'] == ['LINE-1', 'OTHER']
    assert {s['asset'] for s in rows(z, 'signals.csv')} == {'MLD-01', 'OTHER'}  # what is below a line goes with it
    assert [r['id'] for r in rows(z, 'events.csv')] == ['ev-1', 'ev-2'] and [r['number'] for r in rows(z, 'lots.csv')] == ['H-1']
    assert len(rows(z, 'links.csv')) == 1 and {r['code'] for r in rows(z, 'assets.csv')} == {'LINE-1', 'MLD-01', 'OTHER'}
    assert rows(z, 'blobs.csv') == [] and json.loads(z.read('settings.json')) == []


def test_no_secrets(grown, tmp_path):
    """Byte search over every member: nothing of secrets/, no password, hash, session or token."""
    n = Node(grown).start()
    try:
        a = n.ask('POST', '/api/v1/session', {'name': 'owner', 'password': 'planted-password-77'})
        assert a.status == 200
        cookie = a.headers['Set-Cookie'].split(';')[0]
        h = {'Cookie': cookie, 'X-Moru-CSRF': a.json()['csrf']}
        t = n.ask('POST', '/api/v1/tokens', {'name': 'gateway', 'permissions': ['write']}, headers=h).json()['token']
        z, _ = opened(export(grown, tmp_path / 'o.zip'))
    finally:
        n.stop()
    everything = b''.join(z.read(x) for x in z.namelist())
    stored = b''.join(p.read_bytes() for p in grown.glob('store.db*'))
    scrypt = re.findall(rb'\$scrypt\$[^\0]{20,120}', stored)
    assert scrypt
    for planted in [b'planted-password-77', cookie.split('=')[1].encode(), t.encode(), b'$scrypt$', b'PRIVATE KEY', scrypt[0][:60]]:
        assert planted not in everything, planted
    for key in (grown / 'secrets').iterdir():
        for line in key.read_bytes().splitlines():
            assert len(line) < 20 or line not in everything, key


def test_audited(grown, tmp_path):
    data = export(grown, tmp_path / 'o.zip', '--from', '2025-11-22T00:00:00Z', '--asset', 'OTHER')
    ok('export', grown, tmp_path / 'o.zip', status=2)
    n = Node(grown).start()
    try:
        h = login(n)
        entries = [e for e in n.ask('GET', '/api/v1/audit?limit=5', headers=h).json()['items'] if e['what'] == 'export'][:2]
    finally:
        n.stop()
    bad, good = entries
    assert good['who'] == 'local' and good['target'] == str(tmp_path / 'o.zip')
    d = good['detail']
    assert d['sha256'] == hashlib.sha256(data).hexdigest() and d['bytes'] == len(data) and d['from'] == '2025-11-22T00:00:00Z' and d['to'] is None
    assert d['assets'] == ['OTHER'] and d['ok'] is True and d['values'] == 2 and d['address'] == ''
    assert bad['detail']['ok'] is False and bad['detail']['sha256'] is None and bad['detail']['why']['code'] == 'export_exists'


def login(n):
    a = n.ask('POST', '/api/v1/session', {'name': 'owner', 'password': 'planted-password-77'})
    assert a.status == 200, a
    return {'Cookie': a.headers['Set-Cookie'].split(';')[0], 'X-Moru-CSRF': a.json()['csrf']}


def wait(n, h, what, timeout=20):
    end = time.monotonic() + timeout
    while True:
        s = n.ask('GET', '/api/v1/exports', headers=h).json()
        if what(s):
            return s
        assert time.monotonic() < end, s
        time.sleep(0.02)


def test_from_the_page(grown, tmp_path):
    n = Node(grown)
    (grown / 'exports').mkdir(exist_ok=True)
    (grown / 'exports' / 'moru-20250101-000000-00000000.zip').write_bytes(b'old')
    os.utime(grown / 'exports' / 'moru-20250101-000000-00000000.zip', (1, 1))
    (grown / 'exports' / 'moru-20990101-000000-00000000.zip.part').write_bytes(b'killed')
    n.start()
    try:
        assert list((grown / 'exports').iterdir()) == []  # a day is over, a killed one is no use
        h = login(n)
        n.ask('POST', '/api/v1/export?path=/tmp/x.zip', {}, headers=h).problem(403, 'export_by_socket')
        a = n.ask('POST', '/api/v1/exports?from=2025-11-22T00:00:00Z&assets=OTHER,MLD-01', {}, headers=h)
        assert a.status == 200, a
        name = a.json()['name']
        s = wait(n, h, lambda s: s['running'] is None)
        assert s['failed'] is None and [f['name'] for f in s['items']] == [name] and s['keep_hours'] == 24
        a = n.ask('GET', '/api/v1/exports/' + name, headers=h)
        assert a.status == 200 and a.headers['Content-Type'] == 'application/zip' and name in a.headers['Content-Disposition']
        assert len(a.body) == s['items'][0]['bytes']
        opened(a.body)
        assert a.body == (grown / 'exports' / name).read_bytes()
        e = n.ask('GET', '/api/v1/audit?limit=1', headers=h).json()['items'][0]
        assert e['what'] == 'export' and e['who'] == 'owner' and e['detail']['address'] == '127.0.0.1' and e['detail']['sha256'] == hashlib.sha256(a.body).hexdigest()
        for other in ('../node.json', 'moru-20250101-000000-00000000.zip', 'x'):
            assert n.ask('GET', '/api/v1/exports/' + other, headers=h).status == 404
        assert n.ask('GET', '/api/v1/exports/' + name).status == 401
        assert n.ask('DELETE', '/api/v1/exports/' + name, headers=h).status == 204
        n.ask('DELETE', '/api/v1/exports/' + name, headers=h).problem(404)
        assert list((grown / 'exports').iterdir()) == []
    finally:
        n.stop()


@pytest.fixture(scope='module')
def large(tmp_path_factory):
    """A folder whose export takes a second or so."""
    d = tmp_path_factory.mktemp('large')
    ok('init', d / 'n')
    write(d / 'm.csv', 'time,a,b,c,d\n' + ''.join(f'2025-11-{1 + i // 86400:02} {i // 3600 % 24:02}:{i // 60 % 60:02}:{i % 60:02},{i * 0.37},{i % 977 / 7},{i * i % 10007},x{i % 89}\n' for i in range(60000)))
    ok('import', d / 'n', d / 'm.csv', timeout=120)
    return d / 'n'


def test_killed_and_given_up(large, tmp_path):
    """kill -9 of the command, of the node, and a command that no longer waits: never a broken file of that name; the next one works."""
    out = tmp_path / 'o.zip'
    for delay in (0.05, 0.2, 0.4):
        p = subprocess.Popen([MORU, 'export', large, out], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(delay)
        p.kill()
        p.wait()
        if out.exists():
            opened(out.read_bytes())
            out.unlink()
    n = Node(large).start()
    for how in (signal.SIGINT, None):
        part = tmp_path / 'o.zip.part'
        part.unlink(missing_ok=True)
        p = subprocess.Popen([MORU, 'export', large, out], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 10
        while not part.exists() and time.monotonic() < end and p.poll() is None:
            time.sleep(0.002)
        if how:
            p.send_signal(how)  # who no longer waits gives it up
            p.wait()
            end = time.monotonic() + 10
            while part.exists() and time.monotonic() < end:
                time.sleep(0.01)
            assert not part.exists()
        else:
            n.kill()
            assert p.wait() == 2
        if out.exists():  # it was through before
            opened(out.read_bytes())
            out.unlink()
    n.start()
    try:
        # Whoever asks meanwhile gets answers: an export holds up nobody.
        p = subprocess.Popen([MORU, 'export', large, out], stdout=subprocess.PIPE)
        asked = 0
        while p.poll() is None:
            assert n.get('/api/v1/today').status == 200
            asked += 1
        assert p.returncode == 0 and asked > 3
        opened(out.read_bytes())
        assert n.ask('POST', '/api/v1/exports', {}).status == 200
        name = n.get_json('/api/v1/exports')['running']
        if name:
            n.ask('DELETE', '/api/v1/exports/' + name['name'])
        wait(n, {}, lambda s: s['running'] is None)
        assert n.get_json('/api/v1/exports')['items'] == []
        assert not list((large / 'exports').glob('*.part'))
    finally:
        n.stop()


@pytest.mark.parametrize('how', ['export', 'backup'])
def test_given_up_by_ending_the_command(large, tmp_path, how):
    """The node notices at once that its asker is gone, and stops: no archive, no snapshot, nothing half of one that the next run minds."""
    n = Node(large).start()
    try:
        for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            for attempt in range(6):  # on a slow PC it may be through before it is ended
                out = tmp_path / f'{how}-{sig}-{attempt}'
                p = subprocess.Popen([MORU, how, large, out], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                begun = (lambda: out.with_name(out.name + '.part').exists()) if how == 'export' else (lambda: any(f.stat().st_size for f in out.rglob('*') if f.is_file()))
                end = time.monotonic() + 10
                while not begun() and time.monotonic() < end and p.poll() is None:
                    time.sleep(0.001)
                p.send_signal(sig)
                assert p.wait(10) in (-sig, 0)
                wait_idle(n)
                if how == 'export':
                    assert not out.with_name(out.name + '.part').exists()
                    if not out.exists():
                        told = [a for a in n.items('/api/v1/audit') if a['what'] == 'export'][0]
                        assert told['detail']['ok'] is False and told['detail']['why']['code'] == 'export_given_up', told
                        break
                elif moru('backup', '--list', out).stdout == b'':
                    break
            else:
                raise AssertionError(f'{how} was made whole for nobody')
        assert moru(how, large, out).returncode == 0
    finally:
        n.stop()


def wait_idle(n):
    end = time.monotonic() + 10
    while n.get_json('/api/v1/exports')['running'] or b'\nmoru_backup_running 1' in n.get('/metrics').body:
        assert time.monotonic() < end
        time.sleep(0.005)


def test_a_damaged_block_is_left_out_and_said(large, tmp_path):
    """The rest is exported; the manifest and the status say what is not."""
    shutil.copytree(large, tmp_path / 'n', ignore=shutil.ignore_patterns('run'))
    seg = max((tmp_path / 'n' / 'series').glob('seg-*'), key=lambda p: p.stat().st_size)
    b = bytearray(seg.read_bytes())
    b[5000] ^= 0x40
    seg.write_bytes(b)
    r = moru('export', tmp_path / 'n', tmp_path / 'o.zip')
    assert r.returncode == 1 and b'left_out' in r.stderr, (r.stdout, r.stderr)
    z, m = opened((tmp_path / 'o.zip').read_bytes())
    assert m['unreadable'] == 1 and seg.name in m['left_out'][0]['file'] and 0 < 240000 - m['values'] <= 2048


def test_full_disk(grown, tmp_path):
    """It is said, and nothing is left."""
    disk = tmp_path / 'disk'
    disk.mkdir()
    if subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=32k', 'none', disk], capture_output=True).returncode != 0:
        pytest.skip('no small disk may be mounted')
    try:
        assert 'the disk is full' in ok('export', grown, disk / 'o.zip', status=2)
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(['umount', disk], check=True)
