"""Modbus from the wire to the API: types, orders, scaling, ranges, exceptions per signal, cycles."""
import struct
import time

import pytest
from modbus_fake import Plc, device, last, put_device, status, wait_for


@pytest.fixture
def plc():
    with Plc() as p:
        yield p


def swap_bytes(b):
    return b''.join(b[i + 1:i + 2] + b[i:i + 1] for i in range(0, len(b), 2))


def swap_words(b):
    return b''.join(b[i:i + 2] for i in range(len(b) - 2, -1, -2))


ORDERS = {'ABCD': lambda b: b, 'CDAB': swap_words, 'BADC': swap_bytes, 'DCBA': lambda b: b[::-1]}
TYPES = {'u32': ('>I', 0x89abcdef), 'i32': ('>i', -1234567890), 'u64': ('>Q', 0x0123456789abcdef), 'i64': ('>q', -8765432109876543210 // 2),
         'f32': ('>f', 1234.5), 'f64': ('>d', -9.87654321e-5)}


def test_all_types_and_orders(node, plc):
    signals, want, at = [], {}, 100
    for t, (fmt, v) in TYPES.items():
        for order, wire in ORDERS.items():
            plc.put(at, wire(struct.pack(fmt, v)))
            signals.append({'name': f'{t}_{order}', 'type': t, 'order': order, 'address': at})
            want[f'{t}_{order}'] = v
            at += 4
    for order, wire in (('AB', lambda b: b), ('BA', swap_bytes)):
        plc.put(at, wire(struct.pack('>H', 65000)))
        plc.put(at + 1, wire(struct.pack('>h', -1234)))
        plc.put(at + 2, wire(b'BBM-A-0172'))
        plc.put(at + 8, wire(struct.pack('>H', 1 << 9)))
        signals += [{'name': 'u16' + order, 'order': order, 'address': at}, {'name': 'i16' + order, 'type': 'i16', 'order': order, 'address': at + 1},
                    {'name': 'text' + order, 'type': 'string', 'length': 6, 'order': order, 'address': at + 2},
                    {'name': 'bit' + order, 'type': 'bit', 'bit': 9, 'order': order, 'address': at + 8}]
        want.update({'u16' + order: 65000, 'i16' + order: -1234, 'text' + order: 'BBM-A-0172', 'bit' + order: True})
        at += 10
    plc.set(7, 412, 'input')
    plc.set(3, 1, 'coils')
    plc.set(4, 1, 'discrete')
    signals += [{'name': 'scaled', 'table': 'input', 'address': 7, 'scale': 0.5, 'offset': -6, 'unit': '°C', 'label': '배럴 1 온도'},
                {'name': 'coil', 'table': 'coil', 'address': 3}, {'name': 'coil_off', 'table': 'coil', 'address': 2},
                {'name': 'discrete', 'table': 'discrete', 'address': 4}]
    want.update(scaled=200.0, coil=True, coil_off=False, discrete=True)
    put_device(node, 'plc', device(plc.port, signals))
    got = wait_for(lambda: len(last(node, 'PLC-01')) == len(want) and last(node, 'PLC-01'))
    assert {k: v['value'] for k, v in got.items()} == want
    assert {v['quality'] for v in got.values()} == {'good'}
    s = node.signal('PLC-01', 'scaled')
    assert (s['unit'], s['label'], s['stale'], s['source'], s['kind']) == ('°C', '배럴 1 온도', False, 'device:plc', 'clock')


def test_ranges(node, plc):
    plc.put(10, struct.pack('>f', float('nan')))
    plc.set(12, 500)
    plc.put(14, struct.pack('>Q', 2**63 + 5))
    plc.put(20, b'ok\xff!')
    put_device(node, 'plc', device(plc.port, [{'name': 'nan', 'type': 'f32', 'address': 10}, {'name': 'high', 'address': 12, 'max': 400},
        {'name': 'large', 'type': 'u64', 'address': 14}, {'name': 'text', 'type': 'string', 'length': 2, 'address': 20}, {'name': 'fine', 'address': 12}]))
    got = wait_for(lambda: len(last(node, 'PLC-01')) == 5 and last(node, 'PLC-01'))
    assert {k: v['quality'] for k, v in got.items()} == {'nan': 'bad', 'high': 'bad', 'large': 'bad', 'text': 'bad', 'fine': 'good'}
    assert got['text']['value'] == 'ok?!'
    plc.set(12, 399)
    wait_for(lambda: last(node, 'PLC-01')['high']['quality'] == 'good')


def test_exceptions_are_the_signals_own(node, plc):
    """Of joined reads only the culprit goes bad; it comes back when the device has it again."""
    for a in range(10):
        plc.set(a, 100 + a)
    plc.refuse = {4: 2}
    put_device(node, 'plc', device(plc.port, [{'name': f's{a}', 'address': a} for a in range(10)]))
    good = {f's{a}' for a in range(10)} - {'s4'}
    wait_for(lambda: {k for k, v in last(node, 'PLC-01').items() if v['quality'] == 'good'} >= good)
    st = wait_for(lambda: (status(node, 'plc') or {}).get('trouble') and status(node, 'plc'))
    assert st['state'] == 'online'
    assert 's4' in st['trouble']['en'] and 's4' in st['trouble']['ko']
    assert last(node, 'PLC-01').get('s4', {'quality': 'bad'})['quality'] == 'bad'
    assert not node.signal('PLC-01', 's3')['stale']
    t = node.signal('PLC-01', 's3')['last']['t']
    wait_for(lambda: node.signal('PLC-01', 's3')['last']['t'] > t)  # the others go on
    plc.refuse = {}
    wait_for(lambda: last(node, 'PLC-01').get('s4', {}).get('quality') == 'good', 15)
    wait_for(lambda: status(node, 'plc')['trouble'] is None)
    plc.refuse = {5: 6}  # busy: no reason to cut the read
    wait_for(lambda: last(node, 'PLC-01')['s5']['quality'] == 'bad')
    plc.refuse = {}
    wait_for(lambda: last(node, 'PLC-01')['s5']['quality'] == 'good', 15)


# ---- cycles ----
CYCLE = {'table': 'holding', 'poll_ms': 50, 'counter': {'address': 200, 'type': 'u16'}, 'lot': {'address': 202, 'length': 8},
         'signals': [{'name': 'force', 'address': 210, 'scale': 0.01, 'unit': 'kN'}, {'name': 'shot', 'address': 211}]}


def shot(plc, counter, lot='BBM-A-0172', force=None):
    with plc.lock:
        plc.holding[200] = counter & 0xffff
        raw = lot.encode().ljust(16, b'\0')
        for i in range(8):
            plc.holding[202 + i] = raw[2 * i] << 8 | raw[2 * i + 1]
        plc.holding[210] = (counter * 7 + 13) % 5000 if force is None else force
        plc.holding[211] = counter & 0xffff


def cycles(node, name='shot'):
    """[(seq, value, quality)] of a per-cycle signal."""
    s = [x for x in node.items('/api/v1/signals', asset='PLC-01') if x['name'] == name]
    if not s:
        return []
    assert s[0]['kind'] == 'sequence'
    p = node.get_json(f"/api/v1/series/{s[0]['id']}/values", limit=10000)
    return list(zip(p['seq'], p['v'], p['q'] or ['good'] * len(p['v'])))


def seen(node, n):
    return wait_for(lambda: len(cycles(node)) == n and cycles(node))


def test_cycles(node, plc):
    shot(plc, 65530)
    put_device(node, 'plc', device(plc.port, [{'name': 'state', 'address': 0}], cycle=CYCLE))
    assert seen(node, 1) == [(65530, 65530, 'good')]  # the first sight of a counter is a cycle, too
    n = 1
    for k in range(65531, 65546):  # one after the other, over the counter's end: numbers go on
        shot(plc, k, lot=f'LOT-{k}')
        n += 1
        seen(node, n)
    got = cycles(node)
    assert [c[0] for c in got] == list(range(65530, 65546))
    assert [c[1] for c in got] == [k & 0xffff for k in range(65530, 65546)]
    assert {c[2] for c in got} == {'good'}
    assert [c[1] for c in cycles(node, 'lot')] == ['BBM-A-0172'] + [f'LOT-{k}' for k in range(65531, 65546)]
    assert [c[1] for c in cycles(node, 'force')] == pytest.approx([((k & 0xffff if k > 65530 else k) * 7 + 13) % 5000 * 0.01 if k < 65536 else
        (k * 7 + 13) % 5000 * 0.01 for k in range(65530, 65546)])
    shot(plc, 65549)  # three were missed
    assert seen(node, n + 1)[-1] == (65549, 13, 'uncertain')
    shot(plc, 65550)
    assert seen(node, n + 2)[-1] == (65550, 14, 'good')
    shot(plc, 1)  # its program was restarted
    assert seen(node, n + 3)[-1] == (65551, 1, 'uncertain')
    shot(plc, 2)
    assert seen(node, n + 4)[-1] == (65552, 2, 'good')
    time.sleep(0.3)
    assert len(cycles(node)) == n + 4  # standing still is no cycle


def restart(node, hard):
    node.kill() if hard else node.stop()
    node.start()


@pytest.mark.parametrize('hard', [False, True], ids=['term', 'kill'])
def test_cycles_over_restarts_of_the_node(node, plc, hard):
    """The same cycle is not stored twice, a missed one is marked, whatever counter the machine shows."""
    shot(plc, 500)
    put_device(node, 'plc', device(plc.port, [], cycle=CYCLE))
    seen(node, 1)
    shot(plc, 501)
    seen(node, 2)
    restart(node, hard)
    wait_for(lambda: (status(node, 'plc') or {}).get('state') == 'online')
    time.sleep(0.3)
    assert [c[0] for c in cycles(node)] == [500, 501]  # seen again, not stored again
    shot(plc, 502)
    assert seen(node, 3)[-1] == (502, 502, 'good')
    node.stop()
    shot(plc, 505)
    node.start()
    assert seen(node, 4)[-1] == (505, 505, 'uncertain')  # two were missed meanwhile
    shot(plc, 3)  # restarted while the node looks
    assert seen(node, 5)[-1] == (506, 3, 'uncertain')
    restart(node, hard)
    wait_for(lambda: (status(node, 'plc') or {}).get('state') == 'online')
    time.sleep(0.3)
    assert [c[0] for c in cycles(node)] == [500, 501, 502, 505, 506]
    shot(plc, 4)
    assert seen(node, 6)[-1] == (507, 4, 'good')
    node.stop()
    shot(plc, 1)  # restarted while the node was away
    node.start()
    assert seen(node, 7)[-1] == (508, 1, 'uncertain')
    shot(plc, 2)
    assert seen(node, 8)[-1] == (509, 2, 'good')


def test_a_long_block_belongs_together(node, plc):
    """A block over several reads: never values of two cycles under one number."""
    cyc = {'table': 'holding', 'poll_ms': 20, 'counter': {'address': 200}, 'signals': [{'name': f'v{i}', 'address': 201 + i} for i in range(30)]}

    def step():
        with plc.lock:
            k = plc.holding.get(200, 0) + 1
            for a in range(200, 232):
                plc.holding[a] = k
    calls = [0]

    def on_request(function, address, count):
        calls[0] += 1
        if calls[0] % 11 == 0:  # in the middle of readings
            step()
    step()
    plc.on_request = on_request
    put_device(node, 'plc', device(plc.port, [], max_registers=8, cycle=cyc))
    wait_for(lambda: len(cycles(node, 'v29')) >= 15, 20)
    plc.on_request = None
    time.sleep(0.3)
    for i in range(30):
        assert all(seq == v for seq, v, _ in cycles(node, f'v{i}'))
