"""Every route of the table: what it answers, what it refuses, its pages."""
import csv
import gzip
import io
import json
import re
import time
import uuid

import pytest
from modbus_fake import wait_for

T = 1763770000
DAY = '2026-11-22T%02d:00:00Z'


@pytest.fixture(scope='module')
def data(shared_node):
    n = shared_node
    rec = [{'type': 'asset', 'code': f'M-{i:02}', 'name': f'기계 {i}', 'kind': 'machine'} for i in range(25)]
    rec += [{'type': 'asset', 'code': f'I-{i}', 'kind': 'item'} for i in range(3)]
    rec += [{'type': 'lot', 'firm': 'F', 'number': f'L-{i:03}', 'item': f'I-{i % 3}', 'state': ['ok', 'on_hold'][i % 2], 'quantity': i} for i in range(25)]
    rec += [{'type': 'link', 'parent': {'firm': 'F', 'number': f'L-{i:03}'}, 'child': {'firm': 'F', 'number': f'L-{2 * i + k:03}'}, 'quantity': 1}
            for i in range(1, 12) for k in (0, 1)]
    rec += [{'type': 'operation', 'id': f'o{i}', 'machine': f'M-{i % 2:02}', 'start': DAY % i, 'lot': {'firm': 'F', 'number': f'L-{i:03}'}} for i in range(20)]
    rec += [{'type': 'event', 'id': f'e{i}', 'kind': ['note', 'receipt'][i % 2], 't': DAY % i, 'asset': f'M-{i % 3:02}'} for i in range(20)]
    a = n.records(*rec)
    assert a.status == 200, a
    lines = [f'M-00 temp={20 + i / 10},n={i}i,on={"true" if i % 2 else "false"},who="작업자 =1+{i}" {T + i}' for i in range(2500)]
    assert n.write(lines, precision='s').status == 204
    assert n.write([f'M-01 _cycle={i}i,force={i / 2} {T + i // 3}' for i in range(1, 31)], precision='s').status == 204
    return n


def test_node(data):
    r = data.get_json('/api/v1/node')
    assert uuid.UUID(r['id']).version == 7
    assert (r['lang'], r['zone'], r['demo'], r['history'], r['version']) == ('en', 'Asia/Seoul', False, None, '0.1.0')
    assert r['clock']['mode'] == 'real' and r['clock']['scale'] == 1 and r['clock']['now'][:2] == '20'
    assert re.fullmatch(r'20\d\d-\d\d-\d\dT[\d:.]+Z', r['started'])


def test_metrics(data):
    a = data.get('/metrics')
    assert a.status == 200 and a.headers['Content-Type'].startswith('text/plain; version=0.0.4')
    values = dict(line.split() for line in a.text.splitlines() if not line.startswith('#'))
    assert float(values['moru_series']) >= 5 and float(values['moru_http_requests_total']) > 0 and float(values['moru_memory_pss_bytes']) > 0
    for line in a.text.splitlines():
        assert re.fullmatch(r'# (HELP|TYPE) moru_\w+ .+|moru_\w+(\{\w+="[^"]*"\})? [-+0-9.e]+', line), line


def test_today(data):
    r = data.get_json('/api/v1/today')
    assert r['from'] < r['to'] and r['cases'] == [] and r['cases_open'] == 0
    assert len(r['machines']) == 25 and r['machines'][0]['asset'] == 'M-00' and r['machines'][0]['name'] == '기계 0'
    assert r['machines'][0]['state'] == 'no_data' and r['machines'][0]['running_share'] is None
    assert r['counts']['lot'] == 25 and r['counts']['operation'] == 20


@pytest.mark.parametrize('path, total, by', [('/api/v1/assets', 28, 'code'), ('/api/v1/assets?kind=machine', 25, 'code'), ('/api/v1/lots', 25, 'id'),
    ('/api/v1/lots?state=on_hold', 12, 'id'), ('/api/v1/lots?item=I-1', 8, 'id'), ('/api/v1/lots?q=L-0', 25, 'id'), ('/api/v1/lots?q=L-01&state=ok', 5, 'id'),
    ('/api/v1/operations', 20, 'id'), ('/api/v1/operations?machine=M-01', 10, 'id'), ('/api/v1/events', 20, 'id'), ('/api/v1/events?kind=note', 10, 'id'),
    ('/api/v1/events?asset=M-02', 6, 'id'), ('/api/v1/signals', 5, 'id'), ('/api/v1/signals?asset=M-00', 4, 'id'),
    (f'/api/v1/operations?from={DAY % 5}&to={DAY % 9}', 4, 'id'), (f'/api/v1/events?from={DAY % 5}', 15, 'id'), ('/api/v1/changes', None, 'number'), ('/api/v1/cases', 0, 'id'),
    ('/api/v1/audit', None, 'id'), ('/api/v1/imports', 0, 'id')])
def test_pages_of_lists(data, path, total, by):
    """Whatever the size of the page: each item once, in one order; the last page says null."""
    n = data
    whole = n.get_json(path + ('&' if '?' in path else '?') + ('limit=100' if 'imports' in path else 'limit=1000'))
    assert whole['next'] is None
    keys = [i[by] for i in whole['items']]
    assert len(set(keys)) == len(keys) and (total is None or len(keys) == total), len(keys)
    for limit in (1, 3, 7, 25):
        if len(keys) / limit < 60:
            got, cursor = [], None
            while True:
                page = n.get_json(path + ('&' if '?' in path else '?') + f'limit={limit}' + (f'&cursor={cursor}' if cursor else ''))
                assert len(page['items']) <= limit
                got += [i[by] for i in page['items']]
                cursor = page['next']
                if cursor is None:
                    break
            assert got == keys


@pytest.mark.parametrize('path', ['/api/v1/assets', '/api/v1/lots', '/api/v1/operations', '/api/v1/events', '/api/v1/cases', '/api/v1/changes', '/api/v1/signals',
    '/api/v1/audit'])
@pytest.mark.parametrize('limit', ['0', '-1', '1001', 'ten', '1.5', '99999999999999999999'])
def test_limit_refused(data, path, limit):
    p = data.get(path, limit=limit).problem(400, 'api_param')
    assert p['field'] == 'limit' and p['value'] == limit and p['expected'] == '1..1000'


@pytest.mark.parametrize('path, field, value', [
    ('/api/v1/assets?kind=robot', 'kind', 'robot'), ('/api/v1/lots?state=fine', 'state', 'fine'), ('/api/v1/lots?cursor=x', 'cursor', 'x'),
    ('/api/v1/cases?state=shut', 'state', 'shut'), ('/api/v1/operations?from=yesterday', 'from', 'yesterday'), ('/api/v1/events?to=2026-11-22', 'to', '2026-11-22'),
    ('/api/v1/changes?after=-1', 'after', '-1'), ('/api/v1/search?q=a&limit=101', 'limit', '101'), ('/api/v1/series/x', 'id', 'x'),
    ('/api/v1/series/ID/values?limit=10001', 'limit', '10001'), ('/api/v1/series/ID/values?order=up', 'order', 'up'), ('/api/v1/series/ID/values?cursor=1', 'cursor', '1'),
    ('/api/v1/series/ID/values?format=xml', 'format', 'xml'), ('/api/v1/series/ID/values?arrival=yes', 'arrival', 'yes'), ('/api/v1/series/ID/chart?width=0', 'width', '0'),
    ('/api/v1/series/ID/chart?width=4001', 'width', '4001'), ('/api/v1/lots/F/L-001/tree?direction=left', 'direction', 'left'), ('/api/v1/lots/F/L-001/tree?depth=-1', 'depth', '-1'),
    ('/api/v1/cases/abc', 'id', 'abc'), ('/api/v1/cases/0', 'id', '0'), ('/api/v1/assets/M-00/states?from=x', 'from', 'x')])
def test_wrong_parameters(data, path, field, value):
    path = path.replace('/ID/', '/' + data.signal('M-00', 'temp')['id'] + '/')
    p = data.get(path).problem(400, 'api_param')
    assert (p['field'], p['value']) == (field, value) and p['detail']['ko'] != p['detail']['en']


@pytest.mark.parametrize('path', ['/api/v1/assets/none', '/api/v1/assets/none/states', '/api/v1/assets/none/stops', '/api/v1/lots/F/none', '/api/v1/lots/none/L-001',
    '/api/v1/lots/F/none/tree', '/api/v1/cases/77', '/api/v1/series/00000000-0000-7000-8000-000000000000', '/api/v1/series/00000000-0000-7000-8000-000000000000/values',
    '/api/v1/series/00000000-0000-7000-8000-000000000000/chart', '/api/v1/last?series=00000000-0000-7000-8000-000000000000', '/api/v1/imports/none',
    '/api/v1/imports/none/preview', '/api/v1/imports/none/refused.csv', '/api/v1/devices/none/history'])
def test_what_is_not_there(data, path):
    data.get(path).problem(404)


def test_asset(data):
    r = data.get_json('/api/v1/assets/M-00')
    assert r['signals'] == 4 and r['stale'] is False and r['state'] is None
    assert data.get_json('/api/v1/assets/M-00/states')['items'] == [] and data.get_json('/api/v1/assets/M-00/stops')['items'] == []


def test_signals_and_series(data):
    s = data.signal('M-00', 'temp')
    assert s['last'] == {'t': '2025-11-22T00:48:19Z', 'value': 269.9, 'quality': 'good', 'seq': None}
    one = data.get_json('/api/v1/series/' + s['id'])
    assert one['points'] == 2500 and one['first'] == '2025-11-22T00:06:40Z' and one['last_t'] == '2025-11-22T00:48:19Z'
    assert {k: one[k] for k in s} == s
    ids = [x['id'] for x in data.items('/api/v1/signals')]
    last = data.get_json('/api/v1/last', series=','.join(ids))['items']
    assert [x['id'] for x in last] == ids and last[0]['value'] is not None and 'stale' in last[0]


def test_values(data):
    n, s = data, data.signal('M-00', 'temp')
    path = f'/api/v1/series/{s["id"]}/values'
    r = n.get_json(path)
    assert len(r['t_ms']) == len(r['v']) == 1000 and r['next'] and r['seq'] is None and r['q'] is None and 'arrival_ms' not in r
    assert n.values(s['id']) == [((T + i) * 1000, round(20 + i / 10, 1)) for i in range(2500)]
    for limit in (7, 1000, 2499, 2500, 10000):
        assert len(n.values(s['id'], limit=limit)) == 2500
    down = n.values(s['id'], order='desc', limit=333)
    assert down == n.values(s['id'])[::-1]
    assert n.get_json(path, limit=2500)['next'] is None
    r = n.get_json(path, from_=(T + 10) * 1000, to='2025-11-22T00:07:00Z')
    assert r['t_ms'] == [(T + i) * 1000 for i in range(10, 20)]
    assert n.get_json(path, from_=(T + 20) * 1000, to=(T + 10) * 1000)['v'] == []
    r = n.get_json(path, limit=2, arrival=1)
    assert len(r['arrival_ms']) == 2 and r['arrival_ms'][0] > T * 1000


def test_values_of_a_sequence(data):
    """Several cycles of one time: pages cut between them lose and double none."""
    s = data.signal('M-01', 'force')
    assert s['kind'] == 'sequence'
    for order, want in (('asc', list(range(1, 31))), ('desc', list(range(30, 0, -1)))):
        for limit in (1, 2, 4, 30):
            seq, cursor = [], None
            while True:
                p = data.get_json(f'/api/v1/series/{s["id"]}/values', order=order, limit=limit, **({'cursor': cursor} if cursor else {}))
                seq += p['seq']
                cursor = p['next']
                if cursor is None:
                    break
            assert seq == want, (order, limit)


def test_fractions_of_a_millisecond(data):
    n = data
    assert n.write(f'frac v=1 {T}000000001\nfrac v=2 {T}000500000\nfrac v=3 -1').status == 204
    a = n.get(f'/api/v1/series/{n.signal("frac", "v")["id"]}/values')
    assert json.loads(a.text, parse_float=str)['t_ms'] == ['-0.000001', f'{T}000.000001', f'{T}000.5']


@pytest.mark.parametrize('how', [{'params': {'format': 'csv'}}, {'headers': {'Accept': 'text/csv'}}])
def test_csv(data, how):
    s = data.signal('M-00', 'who')
    a = data.ask('GET', f'/api/v1/series/{s["id"]}/values', **how)
    assert a.status == 200 and a.headers['Content-Type'] == 'text/csv; charset=utf-8' and 'attachment' in a.headers['Content-Disposition']
    assert a.body.startswith(b'\xef\xbb\xbf') and a.body.endswith(b'\r\n')
    rows = list(csv.reader(io.StringIO(a.body.decode('utf-8-sig'), newline='')))
    assert rows[0] == ['time', 'value', 'unit', 'quality'] and rows[1] == ['2025-11-22T00:06:40Z', '작업자 =1+0', '', 'good'] and len(rows) == 1001


def test_csv_holds_no_formula(data):
    n = data
    assert n.write('formula s="=cmd|x"').status == 204
    a = n.get(f'/api/v1/series/{n.signal("formula", "s")["id"]}/values', format='csv')
    cell = list(csv.reader(io.StringIO(a.body.decode('utf-8-sig'), newline='')))[1][1]
    assert cell[0] not in '=+-@'


def test_chart(data):
    n, s = data, data.signal('M-00', 'temp')
    path = f'/api/v1/series/{s["id"]}/chart'
    r = n.get_json(path, width=10)
    assert r['width'] == 10 and sum(r['n']) == 2500 and r['raw'] is False
    assert min(r['min']) == 20 and max(r['max']) == 269.9 and all(a <= m <= b for a, m, b in zip(r['min'], r['mean'], r['max']))
    assert len({len(r[k]) for k in ('t_ms', 'min', 'max', 'mean', 'n', 'bad')}) == 1
    r = n.get_json(path, from_=T * 1000, to=(T + 5) * 1000, width=1000)
    assert r['raw'] is True and r['t_ms'] == [(T + i) * 1000 for i in range(5)] and r['mean'] == [20, 20.1, 20.2, 20.3, 20.4]
    assert n.get_json(path, from_=0, to=1)['t_ms'] == []
    assert n.get_json(path, from_=T * 1000, to=0)['t_ms'] == [T * 1000]  # an empty range becomes its first nanosecond
    for name in ('n', 'on'):
        assert sum(n.get_json(f'/api/v1/series/{n.signal("M-00", name)["id"]}/chart')['n']) == 2500
    n.get(f'/api/v1/series/{n.signal("M-00", "who")["id"]}/chart').problem(409, 'api_no_chart')


def test_chart_of_everything(data):
    s = data.signal('M-00', 'temp')
    r = data.get_json(f'/api/v1/series/{s["id"]}/chart', from_='1700-01-01T00:00:00Z', to='2262-01-01T00:00:00Z')
    assert sum(r['n']) == 2500


def test_last(data):
    n = data
    ids = n.signal('M-00', 'temp')['id']
    n.get('/api/v1/last').problem(400, 'api_param_missing')
    n.get('/api/v1/last', series='x').problem(404, 'api_no_series')
    assert len(n.get_json('/api/v1/last', series=','.join([ids] * 200))['items']) == 200
    n.get('/api/v1/last', series=','.join([ids] * 201)).problem(413, 'api_params')


def test_lot_tree(data):
    n = data
    r = n.get_json('/api/v1/lots/F/L-001/tree')
    assert r['cut'] is False and {x['number'] for x in r['nodes']} == {f'L-{i:03}' for i in range(1, 24)}
    assert {x['depth'] for x in r['nodes']} == {0, 1, 2, 3, 4} and len(r['links']) == 22
    up = n.get_json('/api/v1/lots/F/L-020/tree', direction='up')
    assert [(x['number'], x['depth']) for x in up['nodes']] == [('L-020', 0), ('L-010', -1), ('L-005', -2), ('L-002', -3), ('L-001', -4)]
    both = n.get_json('/api/v1/lots/F/L-005/tree', direction='both')
    assert {x['depth'] for x in both['nodes']} == {-2, -1, 0, 1, 2} and sum(x['depth'] == 0 for x in both['nodes']) == 1
    assert len(n.get_json('/api/v1/lots/F/L-001/tree', depth=1)['nodes']) == 3
    cut = n.get_json('/api/v1/lots/F/L-001/tree', limit=5)
    assert cut['cut'] is True and len(cut['nodes']) == 5
    ids = {x['id'] for x in cut['nodes']}
    assert all(k['parent'] in ids and k['child'] in ids for k in cut['links'])


def test_links_of_a_tree_keep_their_unit(node):
    lot = lambda number: {'firm': 'F', 'number': number}
    a = node.records({'type': 'link', 'parent': lot('resin'), 'child': lot('holder'), 'quantity': 21.8, 'unit': 'kg'},
        {'type': 'link', 'parent': lot('coil'), 'child': lot('holder'), 'quantity': 3}, {'type': 'link', 'parent': lot('pin'), 'child': lot('holder')})
    assert a.status == 200, a
    t = node.get_json('/api/v1/lots/F/holder/tree', direction='up')
    numbers = {x['id']: x['number'] for x in t['nodes']}
    assert {numbers[k['parent']]: (k['quantity'], k['unit']) for k in t['links']} == {'resin': (21.8, 'kg'), 'coil': (3, None), 'pin': (None, None)}


@pytest.mark.parametrize('method, path, name, known', [('GET', '/api/v1/signals?aset=press1', 'aset', 'asset, limit, cursor'),
    ('GET', '/api/v1/signals?asset=press1&Limit=3', 'Limit', 'asset, limit, cursor'), ('GET', '/api/v1/cases/1?id=2', 'id', None), ('GET', '/api/v1/node?x', 'x', None),
    ('GET', '/api/v1/lots/F/L-001/tree?firm=G', 'firm', 'direction, depth, limit'), ('GET', '/api/v1/lots?%C3%A9tat=ok', 'état', 'q, item, state, limit, cursor'),
    ('HEAD', '/api/v1/today?a=1', None, None), ('POST', '/api/v1/sql?fmt=csv', 'fmt', 'format'), ('POST', '/api/v1/imports?name=a.csv&db=x', 'db', 'name'),
    ('GET', '/api/v1/live?topic=changes', 'topic', 'topics')])
def test_unknown_parameters_are_refused(data, method, path, name, known):
    a = data.ask(method, path, body=b'SELECT 1' if 'sql' in path else b'a' if method == 'POST' else None,
        headers={'Content-Type': 'application/sql' if 'sql' in path else 'application/octet-stream'} if method == 'POST' else None)
    if method == 'HEAD':
        assert a.status == 400
        return
    p = a.problem(400, 'api_param_unknown' if known else 'api_param_none')
    assert p['field'] == name and name in p['detail']['en'] and name in p['detail']['ko'] and p.get('expected') == known


def test_other_doors_take_any_parameter(data):
    assert data.get('/healthz', x='1').status == 200 and data.get('/metrics', x='1').status == 200 and data.get('/', x='1').status == 200
    assert data.get('/query', q='SHOW DATABASES', pretty='true', chunked='true').status == 200
    assert data.write('lenient v=1', rp='', u='a', whatever='1').status == 204


def test_search(data):
    n = data
    r = n.get_json('/api/v1/search', q='기계')['items']
    assert r and r[0]['kind'] == 'asset'
    assert {'kind': 'lot', 'key': 'F/L-013'}.items() <= n.get_json('/api/v1/search', q='L-013')['items'][0].items()
    assert len(n.get_json('/api/v1/search', q='L-0', limit=3)['items']) == 3
    assert n.get_json('/api/v1/search', q='"*^()')['items'] == []
    n.get('/api/v1/search').problem(400, 'api_param_missing')
    for kind in ('asset', 'signal', 'lot', 'item'):
        q = {'asset': 'M-05', 'signal': 'temp', 'lot': 'L-020', 'item': 'I-2'}[kind]
        assert kind in [x['kind'] for x in n.get_json('/api/v1/search', q=q)['items']], kind


def test_changes(data):
    n = data
    first = n.get_json('/api/v1/changes', limit=5)['items']
    assert [c['number'] for c in first] == [1, 2, 3, 4, 5] and set(first[0]) == {'number', 't', 'noun', 'key', 'did'}
    before = n.items('/api/v1/changes', limit=1000)[-1]['number']
    assert n.records({'type': 'lot', 'firm': 'CH', 'number': '1'}).status == 200
    after = n.get_json('/api/v1/changes', after=before)['items']
    assert all(c['number'] > before for c in after)  # signals of earlier tests may follow their values only now
    assert [(c['noun'], c['key'], c['did']) for c in after if c['noun'] == 'lot'] == [('lot', 'CH/1', 'new')]


# ---- devices ----
PUSH = {'driver': 'push', 'asset': 'MCH-06', 'measurement': 'MCH-06', 'interval_ms': 10000}
MODBUS = {'driver': 'modbus', 'asset': 'MLD-01', 'host': '127.0.0.1', 'port': 9, 'signals': [{'name': 'p', 'address': 1}]}


def test_devices(new_node):
    n = new_node()
    assert n.get_json('/api/v1/devices') == {'items': [], 'next': None}
    assert n.ask('PUT', '/api/v1/devices/press', body=PUSH).json() == {'name': 'press', 'version': 1}
    assert n.ask('PUT', '/api/v1/devices/press', body=PUSH).json() == {'name': 'press', 'version': 1}  # the same again
    assert n.ask('PUT', '/api/v1/devices/press', body={**PUSH, 'interval_ms': 5000}).json()['version'] == 2
    # What was put is durable at once; it runs a moment later.
    d = wait_for(lambda: next((x for x in n.get_json('/api/v1/devices')['items'] if x['status']), None))
    assert d['name'] == 'press' and d['config'] == {**PUSH, 'interval_ms': 5000} and set(d['status']) == {'state', 'trouble', 'last_value', 'values'}
    assert n.get_json('/api/v1/assets/MCH-06')['kind'] == 'machine'
    # two people editing
    assert n.ask('PUT', '/api/v1/devices/press', body=PUSH, headers={'If-Match': '"2"'}).json()['version'] == 3
    n.ask('PUT', '/api/v1/devices/press', body={**PUSH, 'interval_ms': 1000}, headers={'If-Match': '"2"'}).problem(409, 'store_doc_version')
    n.ask('PUT', '/api/v1/devices/press', body=PUSH, headers={'If-Match': '"x"'}).problem(400, 'api_param')
    assert n.ask('POST', '/api/v1/devices/press/undo').json()['version'] == 4
    assert n.get_json('/api/v1/devices')['items'][0]['config']['interval_ms'] == 5000
    h = n.get_json('/api/v1/devices/press/history')['items']
    assert [x['version'] for x in h] == [4, 3, 2, 1] and h[0]['json']['interval_ms'] == 5000
    assert n.ask('DELETE', '/api/v1/devices/press').status == 200
    assert n.get_json('/api/v1/devices')['items'] == []
    n.ask('DELETE', '/api/v1/devices/press').problem(404)
    assert n.ask('POST', '/api/v1/devices/press/undo').status == 200
    assert n.get_json('/api/v1/devices')['items'][0]['name'] == 'press'
    n.ask('POST', '/api/v1/devices/nobody/undo').problem(404)
    assert [x['what'] for x in n.items('/api/v1/audit')][-1] == 'device.put'
    n.kill()
    n.start()
    assert n.get_json('/api/v1/devices')['items'][0]['config']['interval_ms'] == 5000


def test_last_value_of_a_machine_that_pushes(new_node):
    n = new_node()

    def last():
        return [d['status'] and d['status']['last_value'] for d in n.get_json('/api/v1/devices')['items']]
    n.ask('PUT', '/api/v1/devices/press', body=PUSH)
    assert last() == [None]
    n.write(['other,asset=MCH-07 force=1 1763770020000000000', 'm,asset=MCH-06 force=2.5 1763770000000000000', 'm,asset=MCH-06 count=7i 1763770010000000000'])
    n.signal('MCH-06', 'count')
    assert last() == ['2025-11-22T00:06:50Z']
    n.write(['m,asset=MCH-06 force=2.5 1763769999000000000'])  # late: not the newest
    assert last() == ['2025-11-22T00:06:50Z']
    n.write(['m,asset=MCH-06 force=2.6 1763770011500000000'])
    assert last() == ['2025-11-22T00:06:51.500Z']
    # What a file says about the machine is not what it sent.
    a = n.ask('POST', '/api/v1/imports', body='time,force\n2025-11-23 10:00,1\n', params={'name': 'MCH-06.csv'}, headers={'Content-Type': 'application/octet-stream'})
    assert n.ask('POST', f'/api/v1/imports/{a.json()["id"]}/commit', body={}).status == 202
    n.signal('MCH-06', 'force', source='file')
    assert last() == ['2025-11-22T00:06:51.500Z']
    n.ask('PUT', '/api/v1/devices/press', body={**PUSH, 'enabled': False})
    end = time.monotonic() + 5
    while last() != [None] and time.monotonic() < end:  # the collectors take a document a moment after it is stored
        time.sleep(0.01)
    assert last() == [None]


@pytest.mark.parametrize('config', [{}, [], 'text', 5, None, {'driver': 'nothing', 'asset': 'A'}, {'driver': 'push'}, {'driver': 'push', 'asset': ''}, {**PUSH, 'interval_ms': 0},
    {**PUSH, 'interval_ms': 'x'}, {**MODBUS, 'port': 99999}, {**MODBUS, 'signals': 'x'}, {**MODBUS, 'colour': 1}, {**MODBUS, 'state': {'codes': {}}},
    {**MODBUS, 'state': {'signal': 'p', 'codes': {'1': 'flying'}}}, {**MODBUS, 'host': 5}])
def test_device_refused(data, config):
    for method, path in (('PUT', '/api/v1/devices/bad'), ('POST', '/api/v1/devices/test')):
        a = data.ask(method, path, body=json.dumps(config), headers={'Content-Type': 'application/json'})
        a.problem(400)
    assert not [d for d in data.get_json('/api/v1/devices')['items'] if d['name'] == 'bad']


def test_device_test_of_nobody(data):
    a = data.ask('POST', '/api/v1/devices/test', body=MODBUS, timeout=15)
    r = a.json()
    assert a.status == 200 and r['ok'] is False and r['trouble']['ko'] and r['trouble']['en'] and r['trouble']['code'] and r['frames'] == [] and isinstance(r['values'], list)


def test_device_test_broken_off(data):
    """The asker goes away while the test runs; the node goes on."""
    import socket
    body = json.dumps(MODBUS).encode()
    for _ in range(5):
        s = socket.create_connection((data.host, data.port), 5)
        s.sendall(b'POST /api/v1/devices/test HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n' % len(body) + body)
        s.close()
    assert data.get('/healthz').status == 200


# ---- clock ----
def test_clock_is_real_in_a_real_folder(data):
    for body in ({'advance_to': '2030-01-01T00:00:00Z'}, {'run': 60}, {}):
        data.ask('POST', '/api/v1/clock', body=body).problem(409, 'api_no_demo')


def test_clock_of_a_demo(new_node):
    n = new_node(demo=True)
    r = n.get_json('/api/v1/node')
    assert r['demo'] is True and r['clock'] == {'now': '2026-11-15T00:00:00Z', 'mode': 'stepped', 'scale': 0}
    a = n.ask('POST', '/api/v1/clock', body={'advance_to': '2026-11-15T01:00:00Z', 'history': {'from': '2026-11-15T00:00:00Z', 'to': '2026-11-16T00:00:00Z'}})
    assert a.json() == {'now': '2026-11-15T01:00:00Z', 'values': 0}
    r = n.get_json('/api/v1/node')
    assert r['history'] == {'from': '2026-11-15T00:00:00Z', 'to': '2026-11-16T00:00:00Z', 'now': '2026-11-15T01:00:00Z'}
    n.ask('POST', '/api/v1/clock', body={'advance_to': '2026-11-15T00:30:00Z'}).problem(400, 'api_clock')  # not backwards
    for bad in ({'advance_to': 'soon'}, {'run': -1}, {'run': 121}, {'run': 'fast'}, {'history': {}}, {'history': 5}, [], 5):
        n.ask('POST', '/api/v1/clock', body=json.dumps(bad), headers={'Content-Type': 'application/json'}).problem(400)
    assert n.get_json('/api/v1/node')['clock']['mode'] == 'stepped'
    n.kill()
    n.start()
    assert n.get_json('/api/v1/node')['clock']['now'] >= '2026-11-15T00:00:00Z'
    assert n.ask('POST', '/api/v1/clock', body={'run': 60}).status == 200
    r = n.get_json('/api/v1/node')
    assert r['clock']['mode'] == 'scaled' and r['clock']['scale'] == 60 and r['history'] is None


def test_last_values_of_a_demo_are_of_its_time(new_node):
    n = new_node(demo=True)
    assert n.write('m v=1').status == 204
    assert n.signal('m', 'v')['last']['t'] == '2026-11-15T00:00:00Z'


# ---- page ----
def test_page(data):
    for path in ('/', '/assets', '/lots/F/L-001', '/index.html'):
        a = data.get(path)
        assert a.status == 200 and a.headers['Content-Type'].startswith('text/html'), path
        assert "default-src 'none'" in a.headers['Content-Security-Policy'] and a.headers['X-Content-Type-Options'] == 'nosniff'
    tag = a.headers['ETag']
    again = data.get('/', headers={'If-None-Match': tag})
    assert again.status == 304 and again.body == b''


# ---- cases ----
def test_case_state_refused(data):
    for body in ({}, [], {'state': 'shut'}, {'state': 5}, {'state': 'seen', 'note': 5}, 'x'):
        a = data.ask('POST', '/api/v1/cases/1/state', body=json.dumps(body), headers={'Content-Type': 'application/json'})
        a.problem(400)
    data.ask('POST', '/api/v1/cases/1/state', body={'state': 'seen'}).problem(404, 'store_case_missing')
    data.ask('POST', '/api/v1/cases/1/state', body=b'{', headers={'Content-Type': 'application/json'}).problem(400)


@pytest.mark.parametrize('t', ['-9223372036854', '9223372036854', '1677-09-21T00:12:44Z', '2262-04-11T23:47:16Z'])
def test_ends_of_time(data, t):
    s = data.signal('M-00', 'temp')['id']
    for path in (f'/api/v1/series/{s}/values', f'/api/v1/series/{s}/chart', '/api/v1/assets/M-00/states', '/api/v1/assets/M-00/stops', '/api/v1/events', '/api/v1/operations'):
        for params in ({'from_': t}, {'to': t}, {'from_': t, 'to': t}):
            assert data.get(path, **params).status in (200, 400), (path, params)


@pytest.mark.parametrize('accept, packed', [(None, False), ('identity', False), ('', False), ('gzip;q=0', False), ('*;q=0', False), ('br', False), ('gzip', True),
    ('br, GZIP;q=0.8', True), ('*', True), ('deflate, gzip;q=0.2, identity;q=0.9', False)])
def test_page_is_packed_for_those_who_take_it(data, accept, packed):
    h = {} if accept is None else {'Accept-Encoding': accept}
    got = {}
    for method in ('GET', 'HEAD'):
        c = data.connect()
        c.putrequest(method, '/', skip_accept_encoding=True)
        for k, v in h.items():
            c.putheader(k, v)
        c.endheaders()
        r = c.getresponse()
        got[method] = r.headers, r.read()
        c.close()
        assert r.status == 200 and r.headers['Vary'] == 'Accept-Encoding' and (r.headers['Content-Encoding'] == 'gzip') == packed
    (head, body), (head2, _) = got['GET'], got['HEAD']
    assert head['Content-Length'] == head2['Content-Length'] == str(len(body)) and head['ETag'] == head2['ETag']
    assert (gzip.decompress(body) if packed else body).startswith(b'<!doctype html>'), body[:100]
    again = data.get('/', headers={**h, 'If-None-Match': head['ETag']} if h else {'Accept-Encoding': 'identity', 'If-None-Match': head['ETag']})
    assert again.status == 304 and again.body == b'' and again.headers['ETag'] == head['ETag']
    other = data.get('/', headers={'Accept-Encoding': 'identity' if packed else 'gzip', 'If-None-Match': head['ETag']})
    assert other.status == 200 and other.headers['ETag'] != head['ETag']
