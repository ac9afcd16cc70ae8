"""The Modbus driver against a real server (pymodbus) with its ground truth: what it produced is what is stored.

The server and what compares with its truth stand in ../shared/kits/device (or where MORU_SHARED points); without them these tests are
skipped, and modbus_fake.py covers the essentials alone. pymodbus is put into the kit's venv where it is missing."""
import json
import os
import pathlib
import subprocess
import sys
import time
import urllib.request

import pytest
from conftest import free_port
from modbus_fake import device, put_device, status, wait_for

ROOT = pathlib.Path(__file__).resolve().parents[2]
KIT = pathlib.Path(os.environ.get('MORU_SHARED', ROOT.parent / 'shared')) / 'kits' / 'device'
PYTHON = pathlib.Path(os.environ.get('MORU_KITS', pathlib.Path.home() / '.cache' / 'moru-kits')) / 'device' / 'venv' / 'bin' / 'python'
PYMODBUS = 'pymodbus==3.16.1'

pytestmark = pytest.mark.skipif(not (KIT / 'modbus_server.py').exists(), reason='no kits/device in MORU_SHARED or ../shared')
N = 60


class Peer:
    def __init__(self, folder, hz=1, order='big'):
        self.port, self.ctl, self.truth = free_port(), free_port(), folder / f'truth-{order}.jsonl'
        self.process = subprocess.Popen([PYTHON, KIT / 'modbus_server.py', '--port', str(self.port), '--ctl', str(self.ctl), '--n', str(N), '--hz', str(hz),
            '--truth', self.truth, '--word-order', order, '--duration', '120'], stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline().startswith('ready')

    def say(self, verb, **args):
        q = '&'.join(f'{k}={v}' for k, v in args.items())
        with urllib.request.urlopen(f'http://127.0.0.1:{self.ctl}/{verb}?{q}', timeout=20) as r:
            return json.load(r)

    def end(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope='module', autouse=True)
def kit():
    if not PYTHON.exists():
        subprocess.run([sys.executable, '-m', 'venv', PYTHON.parents[1]], check=True, timeout=120)
    if subprocess.run([PYTHON, '-c', 'import pymodbus'], capture_output=True).returncode:
        subprocess.run([PYTHON, '-m', 'pip', 'install', '-q', '--disable-pip-version-check', PYMODBUS], check=True, timeout=120)


@pytest.fixture
def peer(tmp_path):
    p = Peer(tmp_path)
    yield p
    p.end()


def signals(order='ABCD'):
    return [{'name': f'HR{i}', 'address': 2 * i, 'type': 'f32', 'order': order} for i in range(N)] + \
        [{'name': f'IR{i}', 'table': 'input', 'address': i} for i in range(N)] + \
        [{'name': f'CO{i}', 'table': 'coil', 'address': i} for i in range(16)]


def stored(node, asset, path):
    """Good values only: what is said to be bad is no claim about the device."""
    with open(path, 'w') as f:
        for s in node.items('/api/v1/signals', asset=asset, limit=1000):
            cursor = None
            while True:
                p = node.get_json(f"/api/v1/series/{s['id']}/values", limit=10000, **({'cursor': cursor} if cursor else {}))
                for t, v, q in zip(p['t_ms'], p['v'], p['q'] or ['good'] * len(p['v'])):
                    if q == 'good':
                        if s['name'].startswith('HR'):
                            v = float(v)
                        f.write(json.dumps({'t': t, 'tag': s['name'], 'v': v}) + '\n')
                cursor = p['next']
                if not cursor:
                    break


def compare(peer, node, tmp_path, since, until, slack, asset='PLC-01'):
    out = tmp_path / f'stored-{asset}.jsonl'
    stored(node, asset, out)
    r = subprocess.run([sys.executable, KIT / 'compare_truth.py', peer.truth, out, '--hold', '--slack-ms', str(slack), '--from', str(since), '--to', str(until), '--json'],
        capture_output=True, text=True)
    assert r.returncode in (0, 1), r.stderr
    return json.loads(r.stdout)


def begin(node, peer, order='ABCD', asset='PLC-01', name='plc'):
    put_device(node, name, device(peer.port, signals(order), asset=asset, poll_ms=200, timeout_ms=1000))
    wait_for(lambda: len([s for s in node.items('/api/v1/signals', asset=asset, limit=1000) if s['last']]) == 2 * N + 16)
    return time.time() * 1000 + 1500


@pytest.mark.parametrize('order', ['big', 'little'])
def test_everything_that_is_produced_is_stored(node, tmp_path, order):
    peer = Peer(tmp_path, order=order)
    try:
        since = begin(node, peer, 'ABCD' if order == 'big' else 'CDAB')
        time.sleep(9)
        until = time.time() * 1000 - 1500
        r = compare(peer, node, tmp_path, since, until, 150)
        assert r['lost'] == r['duplicated'] == r['wrong'] == r['alien'] == 0 and r['matched'] > 20 * (2 * N + 16), r
    finally:
        peer.end()


def test_faults(node, peer, tmp_path):
    """Cut streams, a restart, a stall, late, missing, wrong, double and refused answers: nothing wrong is stored, and it always comes back."""
    since = begin(node, peer)
    for verb, args, pause in (('drop', {}, 1), ('restart', {'down': 1500}, 3), ('stall', {'ms': 1200}, 2), ('delay', {'ms': 300}, 2), ('delay', {'ms': 0}, 1),
                              ('mute', {'n': 2}, 3), ('corrupt', {'n': 1}, 2), ('dup', {'n': 5}, 2), ('exc', {'code': 6, 'n': 3}, 3), ('exc', {'code': 2, 'n': 1}, 2)):
        peer.say(verb, **args)
        time.sleep(pause)
    wait_for(lambda: (st := status(node, 'plc')) and st['state'] == 'online' and st['trouble'] is None)
    wait_for(lambda: not any(s['stale'] or s['last']['quality'] != 'good' for s in node.items('/api/v1/signals', asset='PLC-01', limit=1000)))
    well = time.time() * 1000
    time.sleep(6)
    until = time.time() * 1000 - 1500
    # An answer that is 300 ms late is stamped when it came.
    r = compare(peer, node, tmp_path, since, until, 450)
    assert r['duplicated'] == r['wrong'] == r['alien'] == 0, r
    # Once it is well again nothing is missing either.
    r = compare(peer, node, tmp_path, well + 1500, until, 150)
    assert r['lost'] == r['duplicated'] == r['wrong'] == r['alien'] == 0 and r['matched'] > 0, r
