"""kill -9 or SIGTERM in the middle of an import: the folder is whole afterwards, and the import given again ends where it would have."""
import os
import random
import subprocess
import time

from conftest import MORU, moru
from importing import importing, ns, series, sql, values, write

KILLS = 25
METERS, STEPS = 12, 1500


def content():
    out = ['time,meter,kW,state']
    for m in range(METERS):
        for i in range(STEPS):
            d, q = divmod(i, 96)
            out.append(f'2021-{1 + d // 28:02}-{1 + d % 28:02} {q // 4:02}:{q % 4 * 15:02},M{m},{i * 0.25 + m if i % 50 else ""},{"run" if i % 7 else "idle"}')
    # Rows told twice: the later stays, however often the import begins anew.
    out += [f'2021-01-01 {h:02}:00,M0,{1000 + h},run' for h in range(24)]
    return '\n'.join(out) + '\n'


def whole(node):
    """After the next start, which does away with what the killed one left half done."""
    node.start().stop()
    r = moru('check', node.folder, timeout=60)
    assert r.returncode == 0, (r.stdout + r.stderr).decode()


def prepared(new_node, tmp_path):
    """What both tests begin with: chance, the file, what a calm import of it leaves behind, and how long that took."""
    seed = random.randrange(1 << 32)
    print('seed', seed)
    path = write(tmp_path / 'plant.csv', content())
    calm = new_node(serve=False)
    began = time.monotonic()
    assert importing(calm.folder, path).status == 0
    took = time.monotonic() - began
    return random.Random(seed), path, values(calm.folder), took


def killed_import(node, path, seconds, kill):
    """An import in the middle of which kill(process) is called: how it ended and what it said. The folder is whole after."""
    p = subprocess.Popen([MORU, '--lang', 'en', 'import', str(node.folder), str(path)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    time.sleep(seconds)
    kill(p)
    _, err = p.communicate(timeout=30)
    whole(node)
    return p.returncode, err


def test_killed_imports(new_node, tmp_path):
    rng, path, expect, took = prepared(new_node, tmp_path)
    assert sum(map(len, expect.values())) == METERS * STEPS * 2 - METERS * 30 + 1
    node, killed, partly = new_node(serve=False), 0, 0
    for n in range(KILLS):
        if n % 8 == 0:
            node = new_node(serve=False)  # some kills meet an empty folder, some a full one
        until = rng.uniform(0.1, 1) * took
        status, _ = killed_import(node, path, until, lambda p: p.kill())
        if status == -9:
            killed += 1
        else:
            took = until  # the calm one had to share the machine: this one needed no longer than that
        got = values(node.folder)
        partly += got != expect
        # Nothing that is not in the file, and nothing under another time.
        for key, v in got.items():
            known = dict(expect[key])
            assert len(dict(v)) == len(v) and all(t in known for t, _ in v), key
        if n % 8 == 7 or n == KILLS - 1:
            r = importing(node.folder, path)
            assert r.status == 0 and r.one()['refused'] == 0, r
            assert values(node.folder) == expect
            whole(node)
    print(f'{killed} killed, {partly} of them left a part')
    assert killed >= KILLS // 2


def test_a_served_node_killed_in_an_import(new_node, tmp_path):
    rng, path, expect, _ = prepared(new_node, tmp_path)
    node = new_node(serve=False)
    for n in range(5):
        node.start()
        status, err = killed_import(node, path, rng.uniform(0, 0.6), lambda _: node.kill())
        assert status in (0, 2) and (status == 0 or err.startswith(b'moru: ')), (status, err)
    node.start()
    assert importing(node.folder, path).status == 0
    # The lock of the killed one never needed a hand, its socket neither.
    node.stop()
    assert values(node.folder) == expect
    assert not [f for f in os.listdir(node.folder / 'blobs') if f.startswith('new-')]


DAYS = 14
ROWS = DAYS * 86400  # 1.2 million
SERIES = 8
STOP_S = 5  # "a second or so" on a PC that does other things, too


def big(path):
    day = [f' {s // 3600:02}:{s // 60 % 60:02}:{s % 60:02},' + ','.join(str((s + k) % 1000 / 4) for k in range(SERIES)) + '\n' for s in range(86400)]
    with open(path, 'w') as f:
        f.write('time,' + ','.join(f'v{k}' for k in range(SERIES)) + '\n')
        for d in range(DAYS):
            date = f'2021-09-{d + 6:02}'
            f.write(''.join([date + s for s in day]))
    return path


def points(folder):
    return {key: n for key, (_, _, _, _, n) in series(folder).items()}


def begun(node):
    """The first rows are stored."""
    end = time.monotonic() + 60
    while not node.items('/api/v1/signals', asset='big'):
        assert time.monotonic() < end
        time.sleep(0.005)


def stop(node):
    began = time.monotonic()
    node.stop()
    took = time.monotonic() - began
    assert took < STOP_S
    there = points(node.folder)
    n = there.get('big v0', 0)
    print(f'stopped in {took:.2f} s, with {n / ROWS:.0%} of the file')
    assert 0 < n < ROWS and all(there[f'big v{k}'] == n for k in range(SERIES)), there
    return n


def whole_file(node):
    got = points(node.folder)
    assert {k: n for k, n in got.items() if k.startswith('big ')} == {f'big v{k}': ROWS for k in range(SERIES)}, got
    assert sql(node.folder, "SELECT sum(value), min(t), max(t) FROM value WHERE series = 'big v7'") == [
        [str(DAYS * sum((s + 7) % 1000 for s in range(86400)) // 4), str(ns(2021, 9, 6)), str(ns(2021, 9, 6) + (ROWS - 1) * 10**9)]]


def test_a_killed_import_says_that_it_was_cut_short(new_node, tmp_path):
    path, node = big(tmp_path / 'big.csv'), new_node()
    a = node.ask('POST', '/api/v1/imports', body=path.read_bytes(), params={'name': 'big.csv'}, headers={'Content-Type': 'application/octet-stream'}, timeout=120)
    where = '/api/v1/imports/' + a.json()['id']
    plan = a.json()['proposal'] | {'rows_seen': 7}  # as corrected: that stays, too
    assert node.ask('POST', where + '/commit', body=plan).status == 202
    begun(node)
    end = time.monotonic() + 60
    while (node.get_json(where)['progress'] or 0) < 0.2:  # part of it is durable, whatever is on its way
        assert time.monotonic() < end
        time.sleep(0.01)
    node.kill()
    node.start()
    r = node.get_json(where)
    assert r['state'] == 'failed' and r['result'] is None and r['progress'] is None and r['proposal']['rows_seen'] == 7, r
    assert r['trouble']['code'] == 'import_interrupted' and 'nothing is stored twice' in r['trouble']['en'] and '끊겼습니다' in r['trouble']['ko'], r
    there = node.get_json('/api/v1/series/' + node.signal('big', 'v0')['id'])['points']
    assert 0 < there < ROWS
    assert node.ask('POST', where + '/commit', body={}).status == 202
    while (r := node.get_json(where))['state'] == 'running':
        time.sleep(0.05)
    assert r['state'] == 'done' and r['trouble'] is None and r['result']['taken'] + r['result']['same'] == ROWS and 0 < r['result']['same'] <= there, r
    # The same of one that `moru import` stored by itself: the next command finds it.
    node.stop()
    whole_file(node)
    alone = new_node(serve=False)
    p = subprocess.Popen([MORU, '--lang', 'en', 'import', str(alone.folder), str(path)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 60
    while sum(f.stat().st_size for f in (alone.folder / 'series').iterdir()) < 1 << 20:
        assert time.monotonic() < end and p.poll() is None
        time.sleep(0.01)
    p.kill()
    p.wait()
    assert importing(alone.folder, write(tmp_path / 'small.csv', 'time,a\n2021-09-06 10:05,1\n')).status == 0
    alone.start()
    assert [(i['file'], i['state'], (i['trouble'] or {}).get('code')) for i in alone.items('/api/v1/imports')] == [
        ('small.csv', 'done', None), ('big.csv', 'failed', 'import_interrupted')]


def test_a_node_told_to_stop_in_an_import(new_node, tmp_path):
    path = big(tmp_path / 'big.csv')
    node, ids = new_node(), []
    # The second waits its turn, and stops as well.
    for name, body in (('big.csv', path.read_bytes()), ('small.csv', b'time,a\n2021-09-06 10:05,1\n')):
        a = node.ask('POST', '/api/v1/imports', body=body, params={'name': name}, headers={'Content-Type': 'application/octet-stream'}, timeout=120)
        assert a.status == 201, a
        ids.append(a.json()['id'])
    for i in ids:
        assert node.ask('POST', f'/api/v1/imports/{i}/commit', body={}).status == 202
    begun(node)
    assert node.write('kept v=1 1000000000').status == 204
    there = stop(node)
    node.start()
    for i in ids:
        r = node.get_json(f'/api/v1/imports/{i}')
        assert r['state'] == 'failed' and r['trouble']['code'] == 'import_stopped' and 'stopping' in r['trouble']['en'], r
    assert [v for _, v in node.values(node.signal('kept', 'v')['id'])] == [1]
    r = importing(node.folder, path)
    assert r.status == 0 and r.counts() == (ROWS, ROWS - there, there, 0) and f'  {there} rows were there already' in r.out, (there, r)
    # What was stopped can be committed again, too.
    assert node.ask('POST', f'/api/v1/imports/{ids[1]}/commit', body={}).status == 202
    while (r := node.get_json(f'/api/v1/imports/{ids[1]}'))['state'] == 'running':
        time.sleep(0.01)
    assert r['state'] == 'done' and r['trouble'] is None and r['result']['taken'] == 1, r
    node.stop()
    whole_file(node)


def test_a_node_told_to_stop_takes_from_the_watched_folder_later(new_node, tmp_path):
    node = new_node(serve=False)
    inbox = node.folder / 'inbox'
    big(tmp_path / 'big.csv').rename(inbox / 'big.csv')
    node.start()
    begun(node)
    there = stop(node)
    # Neither taken nor refused: it is where it was.
    assert os.listdir(inbox) == ['big.csv'] and 'The node is stopping' in node.log_text()
    node.start()
    end = time.monotonic() + 60
    while not (inbox / 'done' / 'big.csv').exists():
        assert time.monotonic() < end
        time.sleep(0.02)
    r = node.items('/api/v1/imports')[0]['result']
    assert (r['taken'], r['replaced'], r['same']) == (ROWS - there, there, there), r
    node.stop()
    whole_file(node)


def test_a_node_told_to_stop_is_told_to_who_imports(new_node, tmp_path):
    path, node = big(tmp_path / 'big.csv'), new_node()
    p = subprocess.Popen([MORU, '--lang', 'en', 'import', str(node.folder), str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    begun(node)
    stop(node)
    out, err = p.communicate(timeout=30)
    assert p.returncode == 2 and err.startswith(b'moru: '), (p.returncode, out, err)
    assert importing(node.folder, path).status == 0
    whole_file(node)
