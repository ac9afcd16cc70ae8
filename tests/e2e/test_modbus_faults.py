"""A Modbus device that answers late, wrongly, in pieces, half or not at all; is switched off; and comes back."""
import contextlib
import http.client
import json
import threading
import time

import pytest
from conftest import free_port
from modbus_fake import Plc, device, last, put_device, status, wait_for

SIGNALS = [{'name': 'count', 'address': 0, 'type': 'u32'}, {'name': 'far', 'address': 900, 'type': 'u16'}]


@contextlib.contextmanager
def counting():
    """A device whose counter goes up."""
    with Plc() as p:
        stop = threading.Event()

        def count():
            n = 0
            while not stop.is_set():
                n += 1
                p.put(0, n.to_bytes(4, 'big'))
                stop.wait(0.05)
        t = threading.Thread(target=count, daemon=True)
        t.start()
        yield p
        stop.set()
        t.join()


@pytest.fixture
def plc():
    with counting() as p:
        yield p


def polled(node, plc, asset='PLC-01', name='plc'):
    put_device(node, name, device(plc.port, SIGNALS, asset=asset))
    wait_for(lambda: last(node, asset).get('count') and last(node, asset).get('far'))


@pytest.fixture
def machine(node, plc):
    """The device is polled and well."""
    polled(node, plc)
    return node


@contextlib.contextmanager
def machines(node, modes):
    """A device for each mode, of that name, with an asset of that name: {mode: plc}, all well. What befalls one is no other's matter, so that all can be
    looked at at once."""
    with contextlib.ExitStack() as stack:
        plcs = {mode: stack.enter_context(counting()) for mode in modes}
        for mode, p in plcs.items():
            polled(node, p, mode, mode)
        yield plcs


def is_stale(node, asset='PLC-01'):
    return all(s['stale'] for s in node.items('/api/v1/signals', asset=asset))


def is_well(node, asset='PLC-01', name='plc'):
    st = status(node, name)
    return not any(s['stale'] or not s['last'] or s['last']['quality'] != 'good' for s in node.items('/api/v1/signals', asset=asset)) and \
        st and st['state'] == 'online' and st['trouble'] is None


class Stream:
    """Server-sent events of `topics`, gathered on a thread."""

    def __init__(self, node, topics):
        self.events = []
        self.c = http.client.HTTPConnection(node.host, node.port, timeout=30)
        self.c.request('GET', '/api/v1/live?topics=' + topics)
        self.r = self.c.getresponse()
        assert self.r.status == 200
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        kind = None
        try:
            while True:
                line = self.r.readline()
                if not line:
                    return
                line = line.decode().rstrip('\n')
                if line.startswith('event: '):
                    kind = line[7:]
                elif line.startswith('data: '):
                    self.events.append((kind, json.loads(line[6:])))
        except (OSError, ValueError, AttributeError):
            pass

    def devices(self):
        return [e for k, e in list(self.events) if k == 'device']


def in_order_and_once(node, asset='PLC-01'):
    """What is stored of the counter goes up, each time once: nothing is stored for a moment at which nothing was read."""
    s = node.signal(asset, 'count')
    p = node.get_json(f"/api/v1/series/{s['id']}/values", limit=10000)
    q = p['q'] or ['good'] * len(p['v'])
    good = [v for v, k in zip(p['v'], q) if k == 'good']
    assert good == sorted(good)
    assert len(set(p['t_ms'])) == len(p['t_ms'])
    return len(good)


def test_in_pieces(machine, plc):
    plc.mode = 'pieces'
    t = last(machine, 'PLC-01')['count']['t']
    wait_for(lambda: last(machine, 'PLC-01')['count']['t'] > t)
    time.sleep(1)
    assert is_well(machine)
    in_order_and_once(machine)


def test_twice(machine, plc):
    plc.mode = 'twice'
    n = in_order_and_once(machine)
    wait_for(lambda: in_order_and_once(machine) > n + 5)
    assert is_well(machine)


def test_late_but_in_time(machine, plc):
    plc.mode, plc.delay_s = 'late', 0.2
    time.sleep(1.5)
    assert not is_stale(machine)
    wait_for(lambda: is_well(machine))
    in_order_and_once(machine)


def test_too_late(machine, plc):
    """Answers that come after their time-out belong to no later request."""
    plc.mode, plc.delay_s = 'late', 0.8
    wait_for(lambda: is_stale(machine))
    assert status(machine, 'plc')['trouble']
    plc.mode = 'ok'
    wait_for(lambda: is_well(machine))
    in_order_and_once(machine)


def test_silent_is_stale_within_seconds(node):
    with machines(node, ('mute', 'half', 'hang_up')) as plcs:
        stream = Stream(node, 'devices')

        def said(mode):
            return [d['stale'] for e in stream.devices() for d in e if d['asset'] == mode]
        for mode in plcs:
            wait_for(lambda: said(mode))
            assert said(mode)[-1] is False
        began = time.monotonic()
        for mode, plc in plcs.items():
            plc.mode = mode
        for mode in plcs:
            wait_for(lambda: is_stale(node, mode), 8)
            wait_for(lambda: said(mode)[-1] is True, 4)
        assert time.monotonic() - began < 10
        for mode in plcs:
            st = status(node, mode)
            assert st['trouble'] and st['trouble']['ko'] and st['trouble']['en'], mode
        # It stays stale however often the stream is made anew, and is not asked ever faster.
        connects, seen = {m: p.connects for m, p in plcs.items()}, {m: len(said(m)) for m in plcs}
        end = time.monotonic() + 3
        while time.monotonic() < end:
            assert all(is_stale(node, mode) for mode in plcs)
            time.sleep(0.1)
        for mode, plc in plcs.items():
            assert all(said(mode)[seen[mode]:]), mode
            assert plc.connects - connects[mode] <= 6, mode
            assert {v['quality'] for v in last(node, mode).values()} == {'bad'}, mode
            plc.mode = 'ok'
        for mode in plcs:
            wait_for(lambda: is_well(node, mode, mode))
            wait_for(lambda: said(mode)[-1] is False, 4)
            in_order_and_once(node, mode)


def test_one_silence_is_not_stale(machine, plc):
    """A single answer that never comes is a bad moment, not a dead machine."""
    for _ in range(3):
        plc.mode = 'mute'
        at = plc.requests
        wait_for(lambda: plc.requests > at, every=0.001)
        plc.mode = 'ok'
        end = time.monotonic() + 1
        while time.monotonic() < end:
            assert not is_stale(machine)
            time.sleep(0.05)
    wait_for(lambda: is_well(machine))


def test_wrong_answers(node):
    """Nothing of an answer that is not one is stored; the device is said to be in trouble and comes back."""
    with machines(node, ('tid', 'unit', 'function', 'length', 'long', 'protocol', 'noise')) as plcs:
        n = {mode: in_order_and_once(node, mode) for mode in plcs}
        t = time.time() * 1000
        for mode, plc in plcs.items():
            plc.mode = mode
        for mode in plcs:
            wait_for(lambda: status(node, mode)['trouble'])
        time.sleep(0.7)
        for mode in plcs:
            trouble = status(node, mode)['trouble']
            assert trouble['ko'] and trouble['en'], mode
            s = node.signal(mode, 'count')
            p = node.get_json(f"/api/v1/series/{s['id']}/values", limit=10000)
            q = p['q'] or ['good'] * len(p['v'])
            # One request may have been under way when the switch was thrown.
            assert sum(1 for x, k in zip(p['t_ms'], q) if x > t + 200 and k == 'good') == 0, mode
        for plc in plcs.values():
            plc.mode = 'ok'
        for mode in plcs:
            wait_for(lambda: is_well(node, mode, mode))
            assert in_order_and_once(node, mode) >= n[mode]


def test_switched_off_and_on(machine, plc):
    plc.stop()
    wait_for(lambda: is_stale(machine))
    wait_for(lambda: status(machine, 'plc')['state'] != 'online')
    time.sleep(1.5)
    n = in_order_and_once(machine)
    plc.start()
    wait_for(lambda: is_well(machine))
    wait_for(lambda: in_order_and_once(machine) > n)


def test_never_there(node):
    put_device(node, 'gone', device(free_port(), SIGNALS))
    wait_for(lambda: (status(node, 'gone') or {}).get('trouble'))
    st = status(node, 'gone')
    assert st['state'] != 'online' and st['values'] == 0 and st['last_value'] is None
    assert node.get('/healthz').status == 200


def test_the_node_is_killed_while_devices_are_read(machine, plc):
    """What a list of values showed is there after kill -9."""
    for _ in range(3):
        wait_for(lambda: is_well(machine))
        time.sleep(0.3)
        s = machine.signal('PLC-01', 'count')
        before = machine.values(s['id'])
        machine.kill()
        machine.start()
        after = machine.values(s['id'])
        assert after[:len(before)] == before
        in_order_and_once(machine)


def test_terminated_under_load(machine, plc):
    """SIGTERM in the middle of polls, requests and streams ends it with status 0, at once and cleanly."""
    stop = threading.Event()
    acknowledged = []

    def write(k):
        n = 0
        while not stop.is_set():
            n += 1
            try:
                if machine.write(f'L{k} v={n}i {n}000000').status == 204:
                    acknowledged.append((k, n))
            except (OSError, http.client.HTTPException, AttributeError, TypeError):
                return
    for round_ in range(3):
        stream = Stream(machine, 'devices;changes')
        threads = [threading.Thread(target=write, args=(f'{round_}{k}',), daemon=True) for k in range(4)]
        for t in threads:
            t.start()
        machine.ask('POST', '/api/v1/devices/test', body=device(plc.port, SIGNALS))
        time.sleep(0.5)
        began = time.monotonic()
        machine.stop()
        assert time.monotonic() - began < 6
        stop.set()
        for t in threads:
            t.join()
        stop.clear()
        machine.start()
        assert stream.devices()
    for k in {k for k, _ in acknowledged}:
        had = {n for kk, n in acknowledged if kk == k}
        s = machine.signal(f'L{k}', 'v')
        assert {v for _, v in machine.values(s['id'])} >= had
    assert len(acknowledged) > 50
