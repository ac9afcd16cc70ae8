"""Labels and units of signals that come by line protocol: the push device's document says them."""
import json
import random
import time

import pytest

D = '/api/v1/devices/'
T = 1763770000
PUSH = {'driver': 'push', 'asset': 'MOT-03', 'measurement': 'MOT-03', 'interval_ms': 10000}
WORDS = [{'name': 'insulation', 'label': '절연저항', 'unit': 'Mohm'}, {'name': 'hipot', 'label': '내전압 누설 전류', 'unit': 'mA'},
         {'name': 'never_sent', 'label': '보내지 않음'}]


def put(n, signals, name='tester', **more):
    a = n.ask('PUT', D + name, body={**PUSH, **({} if signals is None else {'signals': signals}), **more})
    assert a.status == 200, a


def words(n, asset='MOT-03', source='http'):
    """(label, unit) by name; a signal without label is shown by its name."""
    return {s['name']: (s['label'], s['unit']) for s in n.items('/api/v1/signals', asset=asset) if s['source'] == source}


def becomes(n, want, **k):
    end = time.monotonic() + 10
    while words(n, **k) != want and time.monotonic() < end:
        time.sleep(0.05)
    assert words(n, **k) == want


def send(n, *fields, asset='MOT-03', t=T):
    assert n.write([f'{asset} {f} {t}' for f in fields], precision='s').status == 204
    for f in fields:
        n.signal(asset, f.split('=')[0])


def test_before_and_after(new_node):
    n = new_node()
    send(n, 'insulation=812', 'other=1')
    assert words(n) == {'insulation': ('insulation', ''), 'other': ('other', '')}
    before = n.items('/api/v1/changes', limit=1000)[-1]['number']
    put(n, WORDS)
    becomes(n, {'insulation': ('절연저항', 'MΩ'), 'other': ('other', '')})  # the unit as we show it
    # The change feed tells of each row that changed, once.
    series = n.signal('MOT-03', 'insulation')['id']
    told = [c['key'] for c in n.get_json('/api/v1/changes', after=before)['items'] if c['noun'] == 'signal']
    assert told == [series]
    # What comes first after the document has its words from the first moment.
    send(n, 'hipot=1.5')
    assert words(n)['hipot'] == ('내전압 누설 전류', 'mA')
    # A series of another sender of the same signal, told apart by a tag, too.
    assert n.write([f'tests,asset=MOT-03,bench=2 insulation=790 {T}'], precision='s').status == 204
    end = time.monotonic() + 10
    while len([s for s in n.items('/api/v1/signals', asset='MOT-03') if s['name'] == 'insulation']) < 2 and time.monotonic() < end:
        time.sleep(0.05)
    assert [(s['label'], s['unit']) for s in n.items('/api/v1/signals', asset='MOT-03') if s['name'] == 'insulation'] == [('절연저항', 'MΩ')] * 2
    # One series, search, CSV, SQL.
    s = n.get_json('/api/v1/series/' + series)
    assert (s['label'], s['unit']) == ('절연저항', 'MΩ')
    for q in ('절연저항', '내전압'):
        assert 'signal' in [x['kind'] for x in n.get_json('/api/v1/search', q=q)['items']], q
    assert n.get(f'/api/v1/series/{series}/values', format='csv').text.splitlines()[1].split(',')[2] == 'MΩ'
    # Nobody else's signal of that name.
    send(n, 'insulation=5', asset='MOT-04')
    assert words(n, asset='MOT-04') == {'insulation': ('insulation', '')}


def test_change_undo_delete_restart(new_node):
    n = new_node()
    put(n, WORDS)
    send(n, 'insulation=812', 'hipot=1')
    becomes(n, {'insulation': ('절연저항', 'MΩ'), 'hipot': ('내전압 누설 전류', 'mA')})
    put(n, [{'name': 'insulation', 'label': '절연', 'unit': 'GΩ'}])
    becomes(n, {'insulation': ('절연', 'GΩ'), 'hipot': ('hipot', '')})
    assert not n.get_json('/api/v1/search', q='내전압')['items']
    assert n.get_json('/api/v1/search', q='절연')['items']
    assert n.ask('POST', D + 'tester/undo').status == 200
    becomes(n, {'insulation': ('절연저항', 'MΩ'), 'hipot': ('내전압 누설 전류', 'mA')})
    assert n.get_json(D + 'tester/history')['items'][0]['json']['signals'] == WORDS
    # The machine is gone, its past is not.
    assert n.ask('DELETE', D + 'tester').status == 200
    put(n, [{'name': 'x'}], name='another', asset='MOT-09')
    send(n, 'x=1', asset='MOT-09')
    assert words(n) == {'insulation': ('절연저항', 'MΩ'), 'hipot': ('내전압 누설 전류', 'mA')}
    put(n, None)
    becomes(n, {'insulation': ('insulation', ''), 'hipot': ('hipot', '')})
    put(n, WORDS)
    n.kill()  # perhaps before the rows have it: the start gives it
    n.start()
    becomes(n, {'insulation': ('절연저항', 'MΩ'), 'hipot': ('내전압 누설 전류', 'mA')})
    send(n, 'never_sent=1')
    assert words(n)['never_sent'] == ('보내지 않음', '')


def test_two_documents_of_one_asset(new_node):
    n = new_node()
    put(n, [{'name': 'a', 'label': '하나'}], name='d1')
    put(n, [{'name': 'a', 'label': '둘'}, {'name': 'b', 'label': '비'}], name='d2')
    send(n, 'a=1', 'b=2')
    becomes(n, {'a': ('하나', ''), 'b': ('비', '')})


def test_a_file_keeps_its_words(new_node):
    n = new_node()
    a = n.ask('POST', '/api/v1/imports', body='time,force[kN]\n2025-11-23 10:00,1\n', params={'name': 'MOT-03.csv'}, headers={'Content-Type': 'application/octet-stream'})
    assert n.ask('POST', f'/api/v1/imports/{a.json()["id"]}/commit', body={}).status == 202
    s = n.signal('MOT-03', 'force', source='file')
    assert (s['label'], s['unit']) == ('force', 'kN')
    put(n, [{'name': 'force', 'label': '압입력', 'unit': 'N'}, {'name': 'depth', 'label': '깊이', 'unit': 'mm'}])
    send(n, 'depth=1.0')
    becomes(n, {'depth': ('깊이', 'mm')})
    assert words(n, source='file') == {'force': ('force', 'kN')}


@pytest.mark.parametrize('signals, field, value', [
    ([{'name': 'a'}, {'name': 'b', 'unit': 'u' * 33}], 'signals[1].unit', 'u' * 33), ([{'name': 'a', 'unit': 5}], 'signals[0].unit', '5'),
    ([{'name': 'a', 'unit': 'm\n'}], 'signals[0].unit', None), ([{'name': 'a'}, {'name': 'b'}, {'name': 'a'}], 'signals[2].name', 'a'),
    ([{'label': 'x'}], 'signals[0].name', None), ([{'name': ''}], 'signals[0].name', None), ([{'name': 'n' * 129}], 'signals[0].name', None),
    ([{'name': 'a', 'label': ['x']}], 'signals[0].label', None), ([{'name': 'a', 'lable': 'x'}], 'signals[0].lable', 'x'), (['a'], 'signals[0]', 'a'),
    ({'name': 'a'}, 'signals', None), ([{'name': f's{i}'} for i in range(4096)], 'signals', None)])
def test_refused(node, signals, field, value):
    p = node.ask('PUT', D + 'tester', body=json.dumps({**PUSH, 'signals': signals}), headers={'Content-Type': 'application/json'}).problem(400)
    assert p['field'] == field and (value is None or p['value'] == value)
    assert node.get_json('/api/v1/devices')['items'] == []


def test_the_unit_stands_in_a_case(new_node):
    n = new_node()
    put(n, [{'name': 'force', 'label': '압입력', 'unit': 'kN'}])
    now, r = int(time.time()), random.Random(1)
    lines = [f'MOT-03 _cycle={i + 1}i,force={r.gauss(2.1 if i < 500 else 1.8, 0.03):.4f} {now - 60 * (600 - i)}' for i in range(600)]
    assert n.write(lines, precision='s').status == 204
    n.stop()
    n.start()  # what came late is judged at once by a node that starts
    end = time.monotonic() + 20
    while not (cases := [c for c in n.items('/api/v1/cases') if c['kind'] == 'level_shift']) and time.monotonic() < end:
        time.sleep(0.2)
    assert cases and cases[0]['evidence']['unit'] == 'kN' and cases[0]['evidence']['signal'] == 'force'
