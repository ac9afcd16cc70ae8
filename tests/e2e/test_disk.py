"""A disk that fills up: a small one filled to each mark and emptied again, what is refused and what goes on; what the device was made to write."""
import os
import re
import signal
import subprocess
import time

import pytest
from conftest import Node, moru
from modbus_fake import Plc, device, put_device, status, wait_for

SIZE = 200 << 20
SETTINGS = """
series:
  head_budget: 1048576
disk:
  reserve: 2097152
"""


@pytest.fixture
def small(tmp_path):
    d = tmp_path / 'small'
    d.mkdir()
    if subprocess.run(['mount', '-t', 'tmpfs', '-o', f'size={SIZE}', 'tmpfs', str(d)], capture_output=True).returncode != 0:
        pytest.skip('a full disk needs the right to mount a small one')
    yield d
    subprocess.run(['umount', '-l', str(d)], check=True)


@pytest.fixture
def plc():
    with Plc() as p:
        yield p


def fill(small, percent):
    """A file beside the node's folder, as large as makes so much of the disk used."""
    path = small / 'filler'
    path.touch()
    s = os.statvfs(small)
    used = (s.f_blocks - s.f_bavail) * s.f_frsize
    want = max(0, path.stat().st_size + int(SIZE * percent / 100) - used)
    if want < path.stat().st_size:
        os.truncate(path, want)
    elif want:
        with open(path, 'r+b') as f:
            os.posix_fallocate(f.fileno(), 0, want)


def metric(n, name):
    m = re.search(rf'(?m)^moru_{re.escape(name)} (\S+)$', n.get('/metrics').text)
    return float(m[1]) if m else None


def state(n):
    return n.get_json('/api/v1/today')['disk']['state']


def reach(n, small, percent, name):
    """Fills, and again while the node's own files grow, until it is said."""
    wait_for(lambda: fill(small, percent) or state(n) == name, 20, 0.2)


def test_filled_to_each_mark(small, plc):
    n = Node(small / 'node').init()
    (n.folder / 'moru.yaml').write_text(SETTINGS)
    sent = iter(range(10**6))
    kept, base = [], 1_700_000_000_000

    def write():
        """The next value; whether it was taken."""
        i = next(sent)
        a = n.write(f'press,asset=P-1 v={i} {base + i}', precision='ms')
        if a.status == 204:
            kept.append((base + i, i))
        return a

    def upload(name):
        return n.ask('POST', '/api/v1/imports', body='time,t\n2026-11-01 00:00,1\n2026-11-01 00:01,2\n'.encode(), params={'name': name},
            headers={'Content-Type': 'application/octet-stream'})

    def record(code):
        return n.records({'type': 'asset', 'code': code, 'kind': 'machine'})

    n.start()
    try:
        plc.set(0, 1)
        put_device(n, 'plc', device(plc.port, [{'name': 's', 'address': 0}]))
        wait_for(lambda: status(n, 'plc')['values'] > 0)
        for _ in range(20):
            assert write().status == 204
        assert state(n) == 'plenty' and upload('a.csv').status == 201 and record('A-1').status == 200
        for percent, name in ((86, 'warn'), (90.5, 'spare')):  # below where a worse state is left
            reach(n, small, percent, name)
            assert write().status == 204 and upload(name + '.csv').status == 201 and record('A-' + name).status == 200

        # Files are refused, and wait in the watched folder; values and records are taken.
        reach(n, small, 93.5, 'no_blobs')
        upload('b.csv').problem(507, 'disk_refuses_files')
        (n.folder / 'inbox').mkdir(exist_ok=True)
        (n.folder / 'inbox' / 'late.csv').write_text('time,t\n2026-11-02 00:00,1\n2026-11-02 00:01,2\n')
        assert write().status == 204 and record('A-2').status == 200
        # Values and records are refused, by words and a status that clients try again; reading machines and everything else goes on.
        reach(n, small, 97, 'no_values')
        for a in (write(), n.write(f'press,asset=P-1 unheard=1 {base}', precision='ms')):  # of a series that stands, and of a new one
            assert a.status == 507 and 'full' in a.json()['error']
        record('A-3').problem(507, 'disk_refuses_values')
        trouble = wait_for(lambda: status(n, 'plc')['trouble'])
        assert status(n, 'plc')['state'] == 'online' and trouble['code'] == 'disk_device_unstored' and re.search('[가-힣]', trouble['ko'])
        wait_for(lambda: metric(n, 'disk_values_lost_total') > 3)
        assert metric(n, 'disk_state') == 4 and metric(n, 'disk_refused_total{what="files"}') >= 1 and metric(n, 'disk_refused_total{what="values"}') >= 2
        put_device(n, 'plc', device(plc.port, [{'name': 's', 'address': 0}, {'name': 'u', 'address': 1}]))  # settings are kept
        s = n.signal('P-1', 'v')
        assert n.values(s['id']) == kept
        assert (n.folder / 'inbox' / 'late.csv').exists()

        # It ends and starts while the disk is full, in order and killed.
        n.stop()
        n.start()
        assert state(n) == 'no_values' and write().status == 507
        n.kill()
        n.start()
        assert state(n) == 'no_values' and n.values(s['id']) == kept
        put_device(n, 'plc', device(plc.port, [{'name': 's', 'address': 0}, {'name': 'w', 'address': 2}]))  # a signal that no log knows
        lost = metric(n, 'disk_values_lost_total')
        wait_for(lambda: metric(n, 'disk_values_lost_total') > lost + 3 and status(n, 'plc')['trouble'])
        said = n.log_text()
        assert 'os_error' not in said
        assert len(re.findall('disk_no_values', said)) == 3  # once for each start, however many values were refused

        # Room again: it goes on by itself.
        fill(small, 0)
        wait_for(lambda: write().status == 204)
        wait_for(lambda: state(n) == 'plenty')
        assert record('A-4').status == 200
        wait_for(lambda: status(n, 'plc')['trouble'] is None)
        wait_for(lambda: (n.folder / 'inbox' / 'done' / 'late.csv').exists())
        assert 'disk_lost' in n.log_text() and 'disk_plenty' in n.log_text()
        n.stop()
        n.start()
        assert n.values(s['id']) == kept
        codes = {a['code'] for a in n.items('/api/v1/assets')}
        assert {'A-1', 'A-warn', 'A-spare', 'A-2', 'A-4'} <= codes and 'A-3' not in codes
        n.stop()
    finally:
        n.kill()


def test_work_that_can_wait_waits(small, tmp_path):
    """Segments are not merged, and no scheduled backup goes onto the disk that is nearly full; both are made up for."""
    n = Node(small / 'node').init()
    marks = SETTINGS + '  warn: 50\n  spare: 50\n'
    (n.folder / 'moru.yaml').write_text(marks)
    n.start()

    def flushes(k, percent):
        """k full heads, each a segment, with so much of the disk used."""
        for i in range(k):
            fill(small, percent)
            t = 1_700_000_000_000 + next(turn) * 1_000_000
            assert n.write('\n'.join(f'press,asset=P-1 v={j * 1.25} {t + j}' for j in range(100_000)), precision='ms').status == 204
            wait_for(lambda: metric(n, 'head_bytes') < 1 << 20)

    turn = iter(range(1000))
    try:
        assert moru('backup', n.folder, small / 'backups').returncode == 0
        reach(n, small, 60, 'spare')
        # The same folder under another name is due at once.
        (n.folder / 'moru.yaml').write_text(marks + f'backup:\n  target: "{small}/backups/."\n  every: 1\n')
        os.kill(n.pid, signal.SIGHUP)
        flushes(6, 60)
        before = metric(n, 'segments')
        assert before >= 5  # four of a size would be merged
        time.sleep(1.5)
        assert metric(n, 'segments') == before and len(list((small / 'backups' / 'snapshots').iterdir())) == 1
        fill(small, 30)
        wait_for(lambda: len(list((small / 'backups' / 'snapshots').iterdir())) == 2)
        wait_for(lambda: state(n) == 'plenty')
        flushes(1, 30)
        wait_for(lambda: metric(n, 'segments') < before)
        n.stop()
    finally:
        n.kill()


def test_full_without_a_mark(small):
    """Marks that come too late: the disk itself says no, and nothing acknowledged is lost."""
    n = Node(small / 'node').init()
    (n.folder / 'moru.yaml').write_text('series:\n  head_budget: 1048576\ndisk:\n  warn: 100\n  spare: 100\n  no_blobs: 100\n  no_values: 100\n  reserve: 1048576\n')
    n.start()
    try:
        kept, i, full = [], 0, 0
        fill(small, 84)
        while full < 3 and i < 400:
            t = 1_700_000_000_000 + i * 10000
            a = n.write('\n'.join(f'press,asset=P-1 v={(i * 7919 + k) % 9973 * 1.0001},s="{i * 3571 + k:x}{k * 6151:x}{"x" * 40}" {t + k}' for k in range(5000)), precision='ms')
            assert a.status in (204, 507), a
            full += a.status == 507
            if a.status == 204:
                kept.append(t)
            i += 1
        assert full and kept
        fill(small, 0)
        wait_for(lambda: n.write('press,asset=P-1 v=1 1', precision='s').status == 204, 20)
        n.stop()
        n.start()
        s = n.signal('P-1', 'v')
        got = {t for t, _ in n.values(s['id'], limit=10000)}
        assert all(t in got and t + 4999 in got for t in kept)
        n.stop()
    finally:
        n.kill()


def test_device_bytes_for_each_stored_byte(node):
    """The counters are /proc's and what was sent; the ratio is theirs."""
    def device_bytes():
        return int(re.search(r'(?m)^write_bytes: (\d+)$', open(f'/proc/{node.pid}/io').read())[1])

    lines = [f'press,asset=P-1 v={i} {1_700_000_000_000 + i}' for i in range(5000)]
    taken = metric(node, 'taken_bytes_total')
    assert node.write(lines, precision='ms').status == 204
    more = metric(node, 'taken_bytes_total') - taken
    assert 16 * 5000 <= more <= 32 * 5000  # a time and a value each, and what a batch adds
    body = b'{"type":"asset","code":"A-9","kind":"machine"}\n'
    assert node.records(raw=body).status == 200
    assert metric(node, 'taken_bytes_total') - taken - more == len(body)
    before = device_bytes()
    d = node.get_json('/api/v1/disk')
    text = node.get('/metrics').text
    after = device_bytes()
    assert before <= d['written']['device_bytes'] <= after
    one = {m[1]: float(m[2]) for m in re.finditer(r'(?m)^moru_(\w+) (\S+)$', text)}
    assert before <= one['device_written_bytes_total'] <= after and one['taken_bytes_total'] == d['written']['taken_bytes'] > 0
    assert one['device_write_ratio'] == pytest.approx(one['device_written_bytes_total'] / one['taken_bytes_total'])
    assert d['written']['ratio'] == pytest.approx(d['written']['device_bytes'] / d['written']['taken_bytes'])
    kind = subprocess.run(['stat', '-f', '-c', '%T', str(node.folder)], capture_output=True, text=True).stdout.strip()
    if kind not in ('tmpfs', 'ramfs'):
        assert before >= 5  # four of a size would be merged0_000  # the log at least: what was acknowledged is on the device
    assert d['marks'] == {'warn': 85, 'spare': 90, 'no_blobs': 93, 'no_values': 96, 'reserve_bytes': 64 << 20}
