"""Device documents: put, conflict, undo, delete, live test; what is refused and how; many devices at once."""
import concurrent.futures
import os
import threading
import time

import pytest
from conftest import free_port
from modbus_fake import Plc, device, last, put_device, status, wait_for

D = '/api/v1/devices/'


@pytest.fixture
def plc():
    with Plc() as p:
        for a in range(20):
            p.set(a, 1000 + a)
        yield p


def names(node):
    return {d['name'] for d in node.items('/api/v1/devices')}


def test_put_conflict_undo_delete(node, plc):
    one = device(plc.port, [{'name': 'a', 'address': 1}])
    two = device(plc.port, [{'name': 'a', 'address': 1}, {'name': 'b', 'address': 2}])
    v1 = put_device(node, 'plc', one)['version']
    wait_for(lambda: last(node, 'PLC-01').get('a', {}) and last(node, 'PLC-01')['a']['value'] == 1001)
    assert 'b' not in last(node, 'PLC-01')
    # Somebody else changed it meanwhile.
    v2 = put_device(node, 'plc', two, If_Match=f'"{v1}"')['version']
    assert v2 != v1
    a = node.ask('PUT', D + 'plc', body=one, headers={'If-Match': f'"{v1}"'})
    a.problem(a.status)
    assert a.status in (409, 412)
    a = node.ask('PUT', D + 'plc', body=one, headers={'If-Match': 'x'})
    a.problem(400)
    wait_for(lambda: last(node, 'PLC-01').get('b', {}) and last(node, 'PLC-01')['b']['value'] == 1002)
    assert node.ask('POST', D + 'plc/undo').status == 200
    d = [d for d in node.items('/api/v1/devices') if d['name'] == 'plc'][0]
    assert d['config']['signals'] == one['signals'] and d['version'] > v2
    # The device runs by the older document again: b is asked no more.
    wait_for(lambda: (status(node, 'plc') or {}).get('state') == 'online')
    time.sleep(0.3)
    t = last(node, 'PLC-01')['b']['t']
    ta = last(node, 'PLC-01')['a']['t']
    wait_for(lambda: last(node, 'PLC-01')['a']['t'] > ta)
    assert last(node, 'PLC-01')['b']['t'] == t
    assert node.ask('DELETE', D + 'plc').status == 200
    assert names(node) == set()
    asked = plc.requests
    time.sleep(0.5)
    assert plc.requests <= asked + 1  # nobody asks it any more
    node.ask('DELETE', D + 'plc').problem(404)
    assert node.ask('POST', D + 'plc/undo').status == 200  # a deletion is undone, too
    ta = last(node, 'PLC-01')['a']['t']
    wait_for(lambda: last(node, 'PLC-01')['a']['t'] > ta)
    node.stop()
    node.start()
    assert names(node) == {'plc'}
    wait_for(lambda: (status(node, 'plc') or {}).get('state') == 'online')


def test_disabled_is_not_asked(node, plc):
    put_device(node, 'plc', device(plc.port, [{'name': 'a', 'address': 1}], enabled=False))
    time.sleep(0.5)
    assert plc.connects == 0 and status(node, 'plc') is None
    put_device(node, 'plc', device(plc.port, [{'name': 'a', 'address': 1}]))
    wait_for(lambda: plc.requests)


@pytest.mark.parametrize('change, field', [
    ({'driver': 'profibus'}, 'driver'), ({'driver': None}, 'driver'), ({'asset': None}, 'asset'), ({'port': 70000}, 'port'), ({'host': ''}, 'host'),
    ({'unit': 300}, 'unit'), ({'poll_ms': 0}, 'poll_ms'), ({'poll': 1}, 'poll'), ({'enabled': 1}, 'enabled'),
    ({'signals': [{'name': 'a'}]}, 'signals[0].address'), ({'signals': [{'name': 'a', 'address': 1, 'type': 'u15'}]}, 'signals[0].type'),
    ({'signals': [{'name': 'a', 'address': 1, 'order': 'ACBD'}]}, 'signals[0].order'),
    ({'signals': [{'name': 'a', 'address': 1}, {'name': 'a', 'address': 2}]}, 'signals[1].name'),
    ({'signals': [{'name': 'a', 'address': 70000}]}, 'signals[0].address'),
    ({'state': {'signal': 'a', 'codes': {'1': 'flying'}}}, '1'), ({'state': {'codes': {}}}, 'signal'),
    ({'state': {'signal': 'a', 'code': {'1': 'run'}}}, 'state.code'), ({'state': {'signal': 'b', 'codes': {'1': 'run'}}}, 'state.signal'),
    ({'state': {'signal': 'a', 'codes': {'1': 'run'}, 'alarm': 'b'}}, 'state.alarm'),
    ({'state': {'signal': 'n', 'codes': {'1': 'run'}}, 'cycle': {'counter': {'address': 9}, 'signals': [{'name': 'n', 'address': 10}]}}, 'state.signal'),
])
def test_a_bad_document_is_refused_where(shared_node, change, field):
    config = device(1502, [{'name': 'a', 'address': 1}])
    for k, v in change.items():
        if v is None:
            del config[k]
        else:
            config[k] = v
    for path, method in ((D + 'bad', 'PUT'), (D + 'test', 'POST')):
        p = shared_node.ask(method, path, body=config).problem(400)
        assert field in (p.get('field', ''), ) or field in p['detail']['en'], p
    assert 'bad' not in names(shared_node)


def test_the_longest_code_of_an_asset(node, plc):
    """Values, and that the device is silent, belong to one asset."""
    code = 'A' * 128
    put_device(node, 'plc', device(plc.port, [{'name': 'a', 'address': 1}], asset=code, state=None))
    wait_for(lambda: last(node, code).get('a'))
    assert [a['code'] for a in node.items('/api/v1/assets')] == [code]


def test_not_json(shared_node):
    p = shared_node.ask('PUT', D + 'bad', body='{"driver": "modbus",\n "asset": }', headers={'Content-Type': 'application/json'}).problem(400)
    assert p['line'] == 2
    assert 'bad' not in names(shared_node)


def test_live_test(shared_node, plc):
    plc.refuse = {5: 2}
    signals = [{'name': 'a', 'address': 1, 'unit': 'bar'}, {'name': 'b', 'address': 2, 'scale': 0.1}]
    r = shared_node.ask('POST', D + 'test', body=device(plc.port, signals)).json()
    assert r['ok'] is True and r['state'] == 'online' and r['trouble'] is None
    assert {v['signal']: (v['value'], v['quality'], v['unit']) for v in r['values']} == {'a': (1001, 'good', 'bar'), 'b': (pytest.approx(100.2), 'good', '')}
    assert [f['sent'] for f in r['frames']] == [True, False]
    assert r['frames'][0]['hex'] == '000100000006010300010002' and r['frames'][1]['hex'] == '00010000000701030403e903ea'
    # One that the device refuses: the others show what they are.
    r = shared_node.ask('POST', D + 'test', body=device(plc.port, signals + [{'name': 'c', 'address': 5}])).json()
    assert r['ok'] is False and 'c' in r['trouble']['en']
    assert {v['signal'] for v in r['values'] if v['quality'] == 'good'} == {'a', 'b'}
    # A cycle block without a cycle yet is no failure.
    cycle = {'table': 'holding', 'counter': {'address': 100}, 'signals': [{'name': 'n', 'address': 101}]}
    r = shared_node.ask('POST', D + 'test', body=device(plc.port, signals, cycle=cycle)).json()
    assert r['ok'] is True, r
    plc.set(100, 7)
    plc.set(101, 70)
    r = shared_node.ask('POST', D + 'test', body=device(plc.port, [], cycle=cycle)).json()
    assert r['ok'] is True and [(v['signal'], v['value']) for v in r['values']] == [('n', 70)]
    # Nothing of a test is stored.
    assert not shared_node.items('/api/v1/signals', asset='PLC-01')
    p = shared_node.ask('POST', D + 'test', body={'driver': 'push', 'asset': 'X', 'measurement': 'X', 'interval_ms': 1000}).problem(400)
    assert p['field'] == 'driver'


def test_live_tests_of_bad_devices(shared_node):
    """One that says nothing, one that says nonsense, and nobody: each test has its own time, and all say what is wrong. At once, as by three people."""
    with Plc() as mute, Plc() as noise:
        mute.mode, noise.mode = 'mute', 'noise'

        def test(port):
            began = time.monotonic()
            r = shared_node.ask('POST', D + 'test', body=device(port, [{'name': 'a', 'address': 1}])).json()
            return r, time.monotonic() - began
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            *bad, nobody = pool.map(test, (mute.port, noise.port, free_port()))
    for r, took in bad:
        assert took < 8
        assert r['ok'] is False and r['trouble'] and [v for v in r['values'] if v['quality'] == 'good'] == []
        assert any(f['sent'] for f in r['frames'])
    r, _ = nobody
    assert r['ok'] is False and r['trouble'] and r['values'] == [] and r['frames'] == []


def test_a_fast_device_is_replaced(node, plc):
    """A device that always has values on their way gives way to its new document."""
    for n in range(5):
        put_device(node, 'plc', device(plc.port, [{'name': f's{n}', 'address': n}], poll_ms=10))
        wait_for(lambda: last(node, 'PLC-01').get(f's{n}'))
    time.sleep(0.5)
    t = last(node, 'PLC-01')
    wait_for(lambda: last(node, 'PLC-01')['s4']['t'] > t['s4']['t'])
    assert all(last(node, 'PLC-01')[f's{n}']['t'] == t[f's{n}']['t'] for n in range(4))


def cpu_s(pid):
    with open(f'/proc/{pid}/stat') as f:
        part = f.read().rsplit(')', 1)[1].split()
    return (int(part[11]) + int(part[12])) / os.sysconf('SC_CLK_TCK')


def test_twenty_devices(node, record_property):
    """Twenty machines polled every second for twenty seconds, each with ten signals and a cycle a second: nothing is missing."""
    machines, signals, seconds = 20, 10, 20
    plcs = [Plc() for _ in range(machines)]
    stop = threading.Event()
    sent = [0] * machines

    def make():
        while not stop.wait(1):
            for k, p in enumerate(plcs):
                sent[k] += 1
                with p.lock:
                    p.holding[100] = p.holding[101] = sent[k]
    cycle = {'table': 'holding', 'counter': {'address': 100}, 'poll_ms': 200, 'signals': [{'name': 'n', 'address': 101}]}
    for k, p in enumerate(plcs):
        put_device(node, f'plc{k}', device(p.port, [{'name': f's{a}', 'address': a} for a in range(signals)], asset=f'M{k}', poll_ms=1000,
            timeout_ms=1000, cycle=cycle))
    wait_for(lambda: all((status(node, f'plc{k}') or {}).get('state') == 'online' for k in range(machines)))
    t = threading.Thread(target=make)
    t.start()
    cpu, began = cpu_s(node.pid), time.monotonic()
    start_ms = time.time() * 1000
    time.sleep(seconds)
    used, took = cpu_s(node.pid) - cpu, time.monotonic() - began
    stop.set()
    t.join()
    end_ms = time.time() * 1000
    time.sleep(1)
    for k in range(machines):
        s = node.signal(f'M{k}', 's3')
        times = [x for x, _ in node.values(s['id']) if start_ms <= x <= end_ms]
        # A poll is due on each whole second.
        due = {int(x // 1000) for x in range(int(start_ms) + 1000, int(end_ms) - 1000, 1000)}
        assert due <= {int(x // 1000) for x in times}, (k, sorted(due - {int(x // 1000) for x in times}))
        n = node.signal(f'M{k}', 'n')
        got = node.get_json(f"/api/v1/series/{n['id']}/values", limit=1000)
        assert got['seq'] == list(range(1, sent[k] + 1)) and got['v'] == got['seq'] and got['q'] is None
    for p in plcs:
        p.stop()
    record_property('cpu_percent', round(100 * used / took, 1))
    print(f'\n20 devices, 10 signals and 1 cycle each a second: {100 * used / took:.1f} % of one core')


def test_label_and_unit_follow_the_document(node, plc):
    def shown():
        return {s['name']: (s['label'], s['unit'], s['id']) for s in node.items('/api/v1/signals', asset='PLC-01')}
    put_device(node, 'plc', device(plc.port, [{'name': 'a', 'address': 1, 'label': '온도', 'unit': '°C'}, {'name': 'b', 'address': 2}]))
    wait_for(lambda: len(shown()) == 2)
    before = shown()
    assert before['a'][:2] == ('온도', '°C') and before['b'][:2] == ('b', '')
    put_device(node, 'plc', device(plc.port, [{'name': 'a', 'address': 1, 'label': '압력', 'unit': 'bar'}, {'name': 'b', 'address': 2, 'label': '속도'}]))
    wait_for(lambda: shown()['a'][:2] == ('압력', 'bar') and shown()['b'][0] == '속도')
    assert {k: v[2] for k, v in shown().items()} == {k: v[2] for k, v in before.items()}  # the series are the same
    assert [i['kind'] for i in node.get_json('/api/v1/search?q=%EC%95%95%EB%A0%A5')['items']]  # found by its new name
