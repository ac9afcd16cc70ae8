"""POST /api/v1/records: everything of a request or nothing, durable before 200."""
import json
import threading

import pytest

T = '2026-11-22T08:10:00+09:00'
LOT = {'firm': 'MLD', 'number': 'BBM-A-0001'}


def refused(answer, *wanted):
    """422 with these (line, code or None, field or None)."""
    assert answer.status == 422, answer
    r = answer.json()
    assert (r['taken'], r['changed'], r['same']) == (0, 0, 0) and r['refused'] >= len(r['errors'])
    for e, (line, code, field) in zip(r['errors'], wanted, strict=True):
        assert e['line'] == line, r
        assert code is None or e['code'] == code, e
        assert field is None or e['field'] == field, e
        assert e['detail']['ko'] and e['detail']['en']
    return r


def test_every_type_comes_back(shared_node):
    n = shared_node
    sent = [
        {'type': 'asset', 'code': 'SITE', 'name': '본사', 'kind': 'site'},
        {'type': 'asset', 'code': 'MLD-01', 'name': '사출기 1', 'kind': 'machine', 'parent': 'SITE'},
        {'type': 'asset', 'code': 'BBM-A', 'name': '버스바 홀더', 'kind': 'item', 'unit': 'EA'},
        {'type': 'lot', **LOT, 'item': 'BBM-A', 'state': 'ok', 'place': 'SITE', 'made': T, 'quantity': 520, 'unit': 'EA'},
        {'type': 'lot', 'firm': 'RES', 'number': 'R-77', 'quantity': 25.5, 'unit': 'kg'},
        {'type': 'link', 'parent': {'firm': 'RES', 'number': 'R-77'}, 'child': LOT, 'quantity': 12.25, 'unit': 'kg', 'operation': 'op-1'},
        {'type': 'operation', 'id': 'op-1', 'machine': 'MLD-01', 'step': '사출', 'lot': LOT, 'item': 'BBM-A', 'mould': 'M-7', 'cavity': '2', 'tool': 'T1',
            'standard_version': 'v3', 'person': 'P-01', 'start': T, 'end': '2026-11-22T09:10:00+09:00', 'good': 500, 'rework': 1, 'scrap': 19, 'concession': 0,
            'seq_first': 8000, 'seq_last': 8519},
        {'type': 'event', 'id': 'ev-1', 'kind': 'receipt', 't': T, 'asset': 'SITE', 'lot': LOT, 'quantity': 520, 'unit': 'EA', 'from': 'A', 'to': 'B',
            'partner': 'MOT', 'text': '입고', 'data': {'truck': 'Z', 'n': 1.50, 'deep': [{'a': None}]}},
        {'type': 'event', 'id': 'ev-2', 'kind': 'receipt', 't': T, 'asset': 'SITE', 'lot': LOT, 'quantity': 519, 'corrects': 'ev-1', 'reason': '하나 적음'},
        {'type': 'characteristic', 'id': 'ch-1', 'lot': LOT, 'name': 'weight', 'value': 12.3, 'unit': 'g', 'lower': 12, 'upper': 13, 'pass': True, 'gauge': 'G-1',
            'spec_version': 'D', 'person': 'P-01', 't': T, 'machine': 'MLD-01', 'seq': 8001},
        {'type': 'event', 'id': 'ps-1', 'kind': 'planned_stop', 't': T, 'asset': 'MLD-01', 'data': {'to': '2026-11-22T09:00:00+09:00'}},
    ]
    a = n.records(*sent)
    assert a.status == 200 and a.json() == {'taken': 11, 'changed': 0, 'same': 0, 'refused': 0, 'errors': []}
    assert n.records(*sent).json() == {'taken': 0, 'changed': 0, 'same': 11, 'refused': 0, 'errors': []}

    asset = n.get_json('/api/v1/assets/MLD-01')
    assert (asset['name'], asset['kind'], asset['parent']) == ('사출기 1', 'machine', 'SITE')
    lot = n.get_json('/api/v1/lots/MLD/BBM-A-0001')
    assert (lot['item'], lot['item_name'], lot['state'], lot['place'], lot['quantity'], lot['unit']) == ('BBM-A', '버스바 홀더', 'ok', 'SITE', 520, 'EA')
    assert lot['made'] == '2026-11-21T23:10:00Z'
    assert [(p['firm'], p['number'], p['quantity'], p['unit']) for p in lot['parents']] == [('RES', 'R-77', 12.25, 'kg')] and lot['children'] == []
    op, = lot['operations']
    for k, v in sent[6].items():
        if k in ('good', 'rework', 'scrap', 'concession', 'seq_first', 'seq_last', 'machine', 'step', 'item', 'mould', 'cavity', 'tool', 'standard_version', 'lot'):
            assert op[k] == v, (k, op)
    assert op['ref'] == 'op-1' and op['start'] == '2026-11-21T23:10:00Z' and op['end'] == '2026-11-22T00:10:00Z'
    first, second = lot['events']
    assert first['data'] == sent[7]['data'] and first['corrected_by'] == 'ev-2' and first['text'] == '입고' and first['lot'] == LOT
    assert second['corrects'] == 'ev-1' and second['reason'] == '하나 적음'
    ch, = lot['characteristics']
    assert (ch['value'], ch['lower'], ch['upper'], ch['judged'], ch['gauge'], ch['seq']) == (12.3, 12, 13, 1, 'G-1', 8001)
    assert [e['ref'] for e in n.items('/api/v1/events', asset='MLD-01')] == ['ps-1']
    assert n.get_json('/api/v1/lots/RES/R-77')['children'][0]['number'] == 'BBM-A-0001'


def test_update_of_what_is_there(shared_node):
    n = shared_node
    assert n.records({'type': 'lot', 'firm': 'U', 'number': '1', 'quantity': 5, 'place': 'A'}).json()['taken'] == 1
    assert n.records({'type': 'lot', 'firm': 'U', 'number': '1', 'place': 'B'}).json()['changed'] == 1
    lot = n.get_json('/api/v1/lots/U/1')
    assert (lot['place'], lot['quantity']) == ('B', 5)  # what is not said stays
    op = {'type': 'operation', 'id': 'u-op', 'machine': 'U-M', 'lot': {'firm': 'U', 'number': '1'}, 'start': T}
    assert n.records(op).json()['taken'] == 1
    assert n.records({**op, 'end': '2026-11-22T10:00:00Z', 'good': 3}).json()['changed'] == 1
    assert n.get_json('/api/v1/operations?machine=U-M')['items'][0]['good'] == 3


@pytest.mark.parametrize('line, code, field', [
    ({'type': 'lot', 'firm': 'X'}, 'lots_missing', 'number'),
    ({'type': 'lot', 'number': 'X'}, 'lots_missing', 'firm'),
    ({'type': 'asset'}, 'lots_missing', 'code'),
    ({'type': 'asset', 'code': 'A', 'kind': 'robot'}, 'record_field', 'kind'),
    ({'type': 'asset', 'code': 'A', 'parent': 'A'}, 'lots_own_parent', 'parent'),
    ({'type': 'asset', 'code': ' A'}, 'lots_blanks', 'code'),
    ({'type': 'asset', 'code': 'a' * 129}, 'lots_too_long', 'code'),
    ({'type': 'asset', 'code': 'A', 'colour': 'red'}, 'record_unknown', 'colour'),
    ({'type': 'asset', 'code': 7}, 'record_field', 'code'),
    ({'type': 'lot', 'firm': 'a/b', 'number': '1'}, 'lots_bad_value', 'firm'),
    ({'type': 'lot', 'firm': 'A', 'number': '1', 'state': 'good'}, 'record_field', 'state'),
    ({'type': 'lot', 'firm': 'A', 'number': '1', 'quantity': '5'}, 'record_field', 'quantity'),
    ({'type': 'lot', 'firm': 'A', 'number': '1', 'quantity': -5}, 'lots_bad_value', 'quantity'),
    ({'type': 'lot', 'firm': 'A', 'number': '1', 'made': '2026-11-22'}, 'record_field', 'made'),
    ({'type': 'lot', 'firm': 'A', 'number': '1', 'made': '2026-11-22T08:00:00'}, 'record_field', 'made'),
    ({'type': 'link', 'parent': {'firm': 'A', 'number': '1'}}, 'lots_missing', 'child_firm'),
    ({'type': 'link', 'parent': {'firm': 'A', 'number': '1'}, 'child': {'firm': 'A', 'number': '1'}}, 'lots_own_parent', None),
    ({'type': 'link', 'parent': 'A', 'child': {'firm': 'A', 'number': '1'}}, 'record_field', 'parent'),
    ({'type': 'link', 'parent': {'firm': 'A', 'number': '1', 'x': '2'}, 'child': {'firm': 'A', 'number': '2'}}, 'record_field', 'parent'),
    ({'type': 'operation', 'id': '1', 'machine': 'M', 'lot': {'firm': 'A', 'number': '1'}}, 'lots_missing', 'start'),
    ({'type': 'operation', 'id': '1', 'machine': 'M', 'start': T, 'end': '2020-01-01T00:00:00Z'}, 'lots_time_order', 'end'),
    ({'type': 'operation', 'id': '1', 'machine': 'M', 'start': T, 'seq_first': -1}, 'record_field', 'seq_first'),
    ({'type': 'operation', 'id': '1', 'machine': 'M', 'start': T, 'seq_first': 1.5}, 'record_field', 'seq_first'),
    ({'type': 'event', 'id': '1', 'kind': 'note', 't': T}, 'lots_missing_one', None),
    ({'type': 'event', 'id': '1', 'kind': 'note', 't': T, 'asset': 'A', 'corrects': 'x'}, 'lots_missing', 'reason'),
    ({'type': 'event', 'id': '1', 'kind': 'note', 't': T, 'asset': 'A', 'data': [1]}, 'record_field', 'data'),
    ({'type': 'characteristic', 'id': '1', 'lot': LOT, 'name': 'w', 't': T}, None, None),
    ({'type': 'characteristic', 'id': '1', 'lot': LOT, 'name': 'w', 't': T, 'pass': 'yes'}, 'record_field', 'pass'),
    ({'type': 'wish'}, 'record_field', 'type'),
    ({'code': 'A'}, 'record_field', 'type'),
    ([], None, None), ('text', None, None), (5, None, None), (None, None, None),
])
def test_refusals(shared_node, line, code, field):
    r = refused(shared_node.records(line), (1, code, field))
    assert r['refused'] == 1


@pytest.mark.parametrize('raw', [b'{', b'{"type":"asset","code":"A"', b'nonsense', b'{"type":"asset","code":"A"}x', b'\xff\xfe', b'{"type":"asset","code":"\xff"}',
    b'{"type":}', b'[' * 100000, b'{"type":"lot","firm":"A","number":"1","quantity":1e400}'])
def test_broken_json(shared_node, raw):
    a = shared_node.records(raw=raw)
    assert a.status == 422, a
    assert a.json()['errors'][0]['line'] == 1


def test_nothing_of_a_request_with_a_bad_line_is_stored(shared_node):
    n = shared_node
    good = [{'type': 'asset', 'code': f'NONE-{i}', 'kind': 'machine'} for i in range(5)]
    refused(n.records(*good[:2], {'type': 'lot'}, *good[2:], {'type': 'nothing'}), (3, None, None), (7, None, None))
    assert n.get('/api/v1/assets/NONE-0').status == 404
    # one that only the store can refuse takes the good ones back as well
    assert n.records({'type': 'event', 'id': 'once', 'kind': 'note', 't': T, 'asset': 'NONE-A', 'text': 'a'}).status == 200
    refused(n.records(*good, {'type': 'event', 'id': 'once', 'kind': 'note', 't': T, 'asset': 'NONE-A', 'text': 'b'}), (6, 'store_record_differs', None))
    assert n.get('/api/v1/assets/NONE-0').status == 404
    assert n.records(*good).json()['taken'] == 5


def test_errors_name_the_line_past_blank_ones(shared_node):
    a = shared_node.records(raw='\n\n{"type":"asset","code":"BL-1"}\n\r\n{"type":"lot"}\n')
    refused(a, (5, 'lots_missing', 'firm'))


def test_at_most_100_errors(shared_node):
    r = shared_node.records(*[{'type': 'lot'}] * 250)
    assert r.status == 422 and r.json()['refused'] == 250 and [e['line'] for e in r.json()['errors']] == list(range(1, 101))


ALLOWED = {'ok': 'ok on_hold quarantined concession rework scrapped shipped', 'on_hold': 'ok on_hold quarantined concession rework scrapped',
    'quarantined': 'ok on_hold quarantined concession rework scrapped', 'concession': 'ok on_hold quarantined concession rework scrapped shipped',
    'rework': 'ok on_hold quarantined concession rework scrapped', 'scrapped': 'scrapped', 'shipped': 'on_hold quarantined shipped'}


@pytest.mark.parametrize('start', ALLOWED)
def test_lot_states(shared_node, start):
    n = shared_node
    for to in ALLOWED:
        lot = {'type': 'lot', 'firm': 'ST', 'number': f'{start}-{to}'}
        assert n.records({**lot, 'state': 'ok'}).status == 200
        if start != 'ok':
            assert n.records({**lot, 'state': start}).status == 200
        a = n.records({**lot, 'state': to})
        if to in ALLOWED[start].split():
            assert a.status == 200, (start, to, a)
            assert n.get_json(f'/api/v1/lots/ST/{start}-{to}')['state'] == to
        else:
            refused(a, (1, 'store_lot_state', None))
            assert n.get_json(f'/api/v1/lots/ST/{start}-{to}')['state'] == start


def test_idempotency_key(new_node):
    n = new_node()
    body = [{'type': 'lot', 'firm': 'I', 'number': '1', 'quantity': 1}]
    first = n.records(*body, key='k-1')
    assert first.status == 200 and first.json()['taken'] == 1
    again = n.records(*body, key='k-1')
    assert (again.status, again.body) == (200, first.body)  # not "same": 1
    n.records({'type': 'lot', 'firm': 'I', 'number': '2'}, key='k-1').problem(409, 'record_idempotency')
    assert n.get('/api/v1/lots/I/2').status == 404
    assert n.records(*body, key='k-2').json()['same'] == 1
    # a refused request leaves no key behind
    bad = n.records({'type': 'lot'}, key='k-3')
    assert bad.status == 422
    assert n.records({'type': 'lot', 'firm': 'I', 'number': '3'}, key='k-3').status == 200
    n.kill()
    n.start()
    again = n.records(*body, key='k-1')
    assert (again.status, again.body) == (200, first.body)
    n.records(key='k-1').problem(409, 'record_idempotency')


def test_one_key_many_at_once(shared_node):
    n = shared_node
    answers = []

    def send():
        answers.append(n.records(*[{'type': 'lot', 'firm': 'M', 'number': str(i)} for i in range(50)], key='many'))
    threads = [threading.Thread(target=send) for _ in range(8)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert {(a.status, a.body) for a in answers} == {(200, answers[0].body)} and answers[0].json()['taken'] == 50


@pytest.mark.parametrize('key', ['k' * 201, 'ü', 'a b', '"quoted"'])
def test_odd_idempotency_keys(shared_node, key):
    a = shared_node.records({'type': 'lot', 'firm': 'OK', 'number': key[:20]}, key=key.encode('utf-8').decode('latin-1'))
    assert a.status in (200, 400), a
    if a.status == 400:
        assert a.json()['detail']['ko']


def test_eight_megabytes(new_node):
    n = new_node()
    line = json.dumps({'type': 'event', 'id': 'big-%06d', 'kind': 'note', 't': T, 'asset': 'BIG', 'text': 'x' * 8000}) + '\n'
    count = (8 << 20) // len(line % 0)
    body = ''.join(line % i for i in range(count))
    a = n.ask('POST', '/api/v1/records', body=body + '\n' * ((8 << 20) - len(body)), headers={'Content-Type': 'application/x-ndjson'})
    assert a.status == 200 and a.json()['taken'] == count
    n.ask('POST', '/api/v1/records', body='\n' * ((8 << 20) + 1), headers={'Content-Type': 'application/x-ndjson'}).problem(413)


def test_many_records_at_once_and_too_many(new_node):
    n = new_node()
    lots = ''.join(f'{{"type":"lot","firm":"F","number":"{i}"}}\n' for i in range(20000))
    assert n.records(raw=lots).json()['taken'] == 20000
    n.records(raw='\n' * 50001).problem(413, 'record_many')


def test_200_means_durable(new_node):
    n = new_node()
    for i in range(30):
        assert n.records({'type': 'lot', 'firm': 'D', 'number': str(i)}, {'type': 'event', 'id': f'd{i}', 'kind': 'note', 't': T, 'lot': {'firm': 'D', 'number': str(i)}},
            {'type': 'link', 'parent': {'firm': 'D', 'number': '0'}, 'child': {'firm': 'D', 'number': str(i + 1)}, 'quantity': i}, key=f'd-{i}').status == 200
        if i % 10 == 9:
            n.kill()
            n.start()
    assert {x['number'] for x in n.items('/api/v1/lots', limit=7)} == {str(i) for i in range(31)}
    assert len(n.items('/api/v1/events', limit=4)) == 30
    assert len(n.get_json('/api/v1/lots/D/0')['children']) == 30


def test_unicode_everywhere(shared_node):
    n = shared_node
    number = 'ㄱ나 다/%2F?#&+"\\😀'
    a = n.records({'type': 'lot', 'firm': '한국', 'number': number, 'place': '창고 ①'})
    assert a.status == 200, a
    from urllib.parse import quote
    lot = n.get_json(f'/api/v1/lots/{quote("한국", safe="")}/{quote(number, safe="")}')
    assert lot['number'] == number and lot['place'] == '창고 ①'


def test_escaped_lone_surrogates_and_nul(shared_node):
    for text in ('\\ud800', 'a\\u0000b'):
        a = shared_node.records(raw='{"type":"asset","code":"%s"}' % text)
        assert a.status == 422, a
