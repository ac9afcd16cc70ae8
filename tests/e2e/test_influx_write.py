"""POST /write: line protocol in, durable before 204."""
import gzip
import json
import re

import pytest
from conftest import Answer

T = 1763770000  # s


def err(answer, *parts):
    assert answer.status == 400, answer
    assert answer.headers['Content-Type'] == 'application/json' and answer.headers['X-Influxdb-Version']
    e = answer.json()
    for p in parts:
        assert p in e['error'], e
    return e


def test_four_types(shared_node):
    n = shared_node
    a = n.write(f'types f=1.5,i=7i,b=true,s="가나 \\"다\\"",neg=-2e3,f2=0 {T}000000000')
    assert a.status == 204 and a.body == b'' and a.headers['X-Influxdb-Version']
    want = {'f': ('float', 1.5), 'i': ('integer', 7), 'b': ('boolean', True), 's': ('string', '가나 "다"'), 'neg': ('float', -2000), 'f2': ('float', 0)}
    for name, (kind, value) in want.items():
        s = n.signal('types', name)
        assert (s['type'], s['kind'], s['source']) == (kind, 'clock', 'http')
        assert s['last']['value'] == value and type(s['last']['value']) in (type(value), int if kind == 'float' else type(value))
        assert s['last']['quality'] == 'good' and s['last']['t'] == '2025-11-22T00:06:40Z'
        assert n.values(s['id']) == [(T * 1000, value)]


@pytest.mark.parametrize('precision, per_s', [('ns', 10**9), ('n', 10**9), ('u', 10**6), ('ms', 1000), ('s', 1), (None, 10**9)])
def test_precision(shared_node, precision, per_s):
    p = {'precision': precision} if precision else {}
    assert shared_node.write(f'prec_{precision} v=1 {T * per_s}', **p).status == 204
    assert shared_node.values(shared_node.signal(f'prec_{precision}', 'v')['id']) == [(T * 1000, 1)]


def test_precision_minutes_and_hours(shared_node):
    n = shared_node
    assert n.write(f'prec_mh m=1 {T // 60}', precision='m').status == 204
    assert n.write(f'prec_mh h=1 {T // 3600}', precision='h').status == 204
    assert n.values(n.signal('prec_mh', 'm')['id']) == [(T // 60 * 60000, 1)]
    assert n.values(n.signal('prec_mh', 'h')['id']) == [(T // 3600 * 3600000, 1)]
    e = n.write('prec_mh v=1 1', precision='d')
    assert e.status == 400 and e.json()['code'] == 'api_param' and e.json()['field'] == 'precision'


def test_without_time_is_now(shared_node):
    n = shared_node
    assert n.write('notime v=1').status == 204
    t = n.signal('notime', 'v')['last']['t']
    assert t[:4] >= '2024'
    assert n.get_json('/api/v1/series/' + n.signal('notime', 'v')['id'] + '/values', arrival=1)['arrival_ms'][0]


def test_asset_from_tag_or_measurement(shared_node):
    n = shared_node
    assert n.write('power,asset=PRS-01,line=A kw=1 1\npower,line=A kw=2 1', precision='s').status == 204
    assert n.signal('PRS-01', 'kw')['last']['value'] == 1
    assert n.signal('power', 'kw')['last']['value'] == 2


def test_cycle_lines_are_sequences(shared_node):
    n = shared_node
    lines = [f'MCH-06 _cycle={8000 + i}i,force={2 + i / 10},lot="BBM-A-{i:04}" {T + i}' for i in range(5)]
    assert n.write(lines, precision='s').status == 204
    s = n.signal('MCH-06', 'force')
    assert s['kind'] == 'sequence' and s['last']['seq'] == 8004
    page = n.get_json(f'/api/v1/series/{s["id"]}/values')
    assert page['seq'] == [8000, 8001, 8002, 8003, 8004] and page['v'] == [2, 2.1, 2.2, 2.3, 2.4]
    assert n.signal('MCH-06', 'lot')['last']['value'] == 'BBM-A-0004'
    assert not [x for x in n.items('/api/v1/signals', asset='MCH-06') if x['name'] == '_cycle']
    # the same again changes nothing; another value of a known cycle is refused and said
    assert n.write(lines, precision='s').status == 204
    assert len(n.values(s['id'])) == 5
    e = err(n.write(f'MCH-06 _cycle=8001i,force=99 {T + 1}', precision='s'))
    assert e['dropped'] == 1 and n.get_json(f'/api/v1/series/{s["id"]}/values')['v'][1] == 2.1


def test_later_write_wins(shared_node):
    n = shared_node
    for v in (1, 2, 3):
        assert n.write(f'again v={v} {T}', precision='s').status == 204
    assert n.values(n.signal('again', 'v')['id']) == [(T * 1000, 3)]


def test_out_of_order_and_future(shared_node):
    n = shared_node
    assert n.write([f'late v={i} {T + i}' for i in (5, 1, 3, 2, 4)], precision='s').status == 204
    assert [v for _, v in n.values(n.signal('late', 'v')['id'])] == [1, 2, 3, 4, 5]
    assert n.write('future v=1 4000000000', precision='s').status == 204
    assert n.signal('future', 'v')['last']['quality'] == 'uncertain'


def test_escapes(shared_node):
    n = shared_node
    assert n.write(r'my\ press\,1,tag\ a=b\=c fie\ ld=1,s="a\\b" 1').status == 204
    assert n.signal('my press,1', 'fie ld')['last']['value'] == 1
    assert n.signal('my press,1', 's')['last']['value'] == 'a\\b'


def test_comments_and_blank_lines(shared_node):
    assert shared_node.write('# a comment\n\n  \nblank v=1 1\n\n').status == 204
    assert shared_node.write('').status == 204
    assert shared_node.write('\n\n# nothing\n').status == 204


@pytest.mark.parametrize('line', ['bad', 'bad v', 'bad v=', 'bad v=+2', 'bad v=1 x', 'bad v="open', 'bad, v=1', 'bad,t v=1', 'bad,t=1', 'bad v=nan', 'bad v=1u',
    'bad v=12x', 'bad,t=1,t=2 v=1', 'bad v=9223372036854775808i', ' =1', 'bad v=1e999', 'bad v=1 99999999999999999999', 'bad v=1\r'])
def test_bad_line(shared_node, line):
    e = err(shared_node.ask('POST', '/write?db=x', body=line.encode()), 'unable to parse', '(line 1')
    assert e['dropped'] == 1 and len(e['errors']) == 1
    one = e['errors'][0]
    assert one['line'] == 1 and re.fullmatch('[a-z0-9_]+', one['code'])
    assert re.search('[가-힣]', one['detail']['ko']) and one['detail']['en']


def test_line_ends_in_strings(shared_node):
    """A string may hold LFs, as in 1.8 (Telegraf sends such); a quote that is never closed costs its own line only."""
    n = shared_node
    texts = ['a\nb', '\n', '\n\n"\\"\n', 'x\n' * 1000]
    lines = [f'multi s="{t}",i={i}i {T + i}'.replace('\\', '\\\\').replace('"\\\\"', '\\"\\\\\\"') for i, t in enumerate(texts)]
    assert n.write(lines, precision='s').status == 204
    assert n.values(n.signal('multi', 's')['id']) == [((T + i) * 1000, t) for i, t in enumerate(texts)]
    e = err(n.write([f'multi i=7i,s="a\nb" {T + 7}', f'multi s="open {T + 8}', f'multi i=9i,s="c" {T + 9}', 'bad', f'multi i="no\nno" {T}', 'bad', 'multi s="open'], precision='s'), 'partial write')
    assert [(x['line'], x['code']) for x in e['errors']] == [(3, 'lp_string_open'), (5, 'lp_no_fields'), (6, 'series_key_other'), (8, 'lp_no_fields'), (9, 'lp_string_open')], e
    assert [v for _, v in n.values(n.signal('multi', 'i')['id'])] == [0, 1, 2, 3, 7, 9]


@pytest.mark.parametrize('size', [1, 3, 5000, 70000])
def test_line_ends_in_strings_over_pieces(shared_node, size):
    """Cut anywhere; with a quote that is never closed in front of much else, and one at the end."""
    n, name = shared_node, f'pieces{size}'
    count = 30 if size < 1000 else 6000
    text = f'{name} s="open\n' + ''.join(f'{name} s="1\n{"x" * (i % 100)}\n가{i}\n" {T + i}\n' for i in range(count)) + f'{name} s="never\nclosed'
    c = n.connect()
    c.request('POST', '/write?precision=s', body=pieces(text.encode(), size), headers={'Transfer-Encoding': 'chunked'}, encode_chunked=True)
    e = err(Answer(*(lambda r: (r.status, r.headers, r.read()))(c.getresponse())), 'partial write')
    c.close()
    last = 1 + 4 * count
    assert [x['line'] for x in e['errors']] == [1, last + 1, last + 2]
    v = n.values(n.signal(name, 's')['id'], limit=10000)
    assert v == [((T + i) * 1000, f'1\n{"x" * (i % 100)}\n가{i}\n') for i in range(count)]


def test_partial_write_keeps_the_rest_and_names_lines(shared_node):
    n = shared_node
    lines = [f'part v={i} {T + i}' for i in range(10)]
    lines[3] = 'part v=oops'
    lines[7] = 'part v'
    e = err(n.write(lines, precision='s'), 'partial write')
    assert e['dropped'] == 2 and [x['line'] for x in e['errors']] == [4, 8]
    assert [v for _, v in n.values(n.signal('part', 'v')['id'])] == [0, 1, 2, 4, 5, 6, 8, 9]


def test_at_most_100_lines_are_named(shared_node):
    e = err(shared_node.write('\n'.join(['bad'] * 250)), 'unable to parse', 'dropped=250')
    assert e['dropped'] == 250 and [x['line'] for x in e['errors']] == list(range(1, 101))


def test_field_type_conflict(shared_node):
    n = shared_node
    assert n.write(f'conflict v=1,w=1i {T}', precision='s').status == 204
    e = err(n.write(f'conflict v=1i {T + 1}\nconflict w=2i {T + 1}', precision='s'), 'partial write', 'field type conflict')
    assert [x['line'] for x in e['errors']] == [1]
    assert n.signal('conflict', 'w')['last']['value'] == 2 and n.signal('conflict', 'v')['last']['value'] == 1
    # a line is taken whole or not at all
    err(n.write(f'conflict v=2i,x=5 {T + 9}', precision='s'), 'field type conflict')
    assert not [s for s in n.items('/api/v1/signals', asset='conflict') if s['name'] == 'x' and s['last']['t']]


def test_types_are_judged_for_each_series(shared_node):
    """InfluxDB does so for each measurement and field: docs/limits.md."""
    n = shared_node
    assert n.write(f'judged,a=1 v=1i {T}\njudged,a=2 v=1.5 {T}', precision='s').status == 204
    e = err(n.write(f'judged,a=1 v=2.5 {T + 1}\njudged,a=2 v=2.5 {T + 1}', precision='s'), 'partial write', 'field type conflict')
    assert [x['line'] for x in e['errors']] == [1]
    # Years later, too.
    err(n.write(f'judged,a=1 v=2.5 {T + 400 * 86400}', precision='s'), 'field type conflict')


def test_gzip(shared_node):
    n = shared_node
    body = gzip.compress('\n'.join(f'zipped v={i} {T + i}' for i in range(20000)).encode())
    assert n.write(body, precision='s', headers={'Content-Encoding': 'gzip'}).status == 204
    assert n.get_json('/api/v1/series/' + n.signal('zipped', 'v')['id'])['points'] == 20000


@pytest.mark.parametrize('body', [b'not gzip', gzip.compress(b'm v=1')[:-4], gzip.compress(b'm v=1')[:-8] + b'\0' * 8, b''])
def test_broken_gzip(shared_node, body):
    a = shared_node.write(body, headers={'Content-Encoding': 'gzip'})
    assert a.status == 400 and 'error' in a.json(), a


def test_gzip_bomb(shared_node):
    body = gzip.compress(b'\n' * (64 << 20))
    a = shared_node.write(body, headers={'Content-Encoding': 'gzip'})
    assert a.status == 413, a


def test_other_codings_refused(shared_node):
    a = shared_node.write('m v=1', headers={'Content-Encoding': 'br'})
    assert a.status == 415 and a.json()['code'] == 'api_encoding'
    assert shared_node.write('coding v=1', headers={'Content-Encoding': 'identity'}).status == 204


def pieces(text, size):
    for i in range(0, len(text), size):
        yield text[i:i + size]


@pytest.mark.parametrize('size', [1, 7, 1000, 100000])
def test_chunked(shared_node, size):
    """Lines are cut anywhere by the chunks."""
    n = shared_node
    count = 20000 if size > 100 else 200
    text = '\n'.join(f'chunk{size} v={i},s="가{i}" {T + i}' for i in range(count)).encode()
    c = n.connect()
    c.request('POST', '/write?db=x&precision=s', body=pieces(text, size), headers={'Transfer-Encoding': 'chunked'}, encode_chunked=True)
    r = c.getresponse()
    assert r.status == 204, r.read()
    c.close()
    v = n.values(n.signal(f'chunk{size}', 's')['id'], limit=10000)
    assert len(v) == count and v[-1] == ((T + count - 1) * 1000, f'가{count - 1}')


def test_chunked_gzip_as_telegraf_sends_it(shared_node):
    n = shared_node
    text = '\n'.join(f'tg,host=pc cpu={i / 10},n={i}i {T + i}000000000' for i in range(5000)).encode()
    c = n.connect()
    c.request('POST', '/write?db=telegraf&consistency=any&rp=', body=pieces(gzip.compress(text), 4096),
        headers={'Content-Encoding': 'gzip', 'Content-Type': 'text/plain; charset=utf-8', 'User-Agent': 'Telegraf/1.37.0 Go/1.25'}, encode_chunked=True)
    r = c.getresponse()
    assert r.status == 204, r.read()
    c.close()
    assert n.get_json('/api/v1/series/' + n.signal('tg', 'n')['id'])['points'] == 5000


def test_big_body_streams(shared_node):
    """More than any buffer of the node; its memory does not follow."""
    n = shared_node
    line = 'big,part={p} v={i} {t}\n'
    text = ''.join(line.format(p=i % 50, i=i, t=T + i // 50) for i in range(400000)).encode()
    assert len(text) > 10 << 20
    assert n.write(text, precision='s').status == 204
    total = sum(n.get_json('/api/v1/series/' + s['id'])['points'] for s in n.items('/api/v1/signals', asset='big'))
    assert total == 400000


def test_long_line_refused(shared_node):
    a = shared_node.write('long s="' + 'x' * (1 << 20) + '"')
    assert a.status in (400, 413) and a.json()['code'], a
    assert shared_node.write('long s="' + 'x' * 60000 + '" 1').status in (204, 400)


def test_limits_of_a_line(shared_node):
    many = ','.join(f't{i}=1' for i in range(65))
    err(shared_node.write(f'limits,{many} v=1'), '(line 1')
    many = ','.join(f'f{i}=1' for i in range(1025))
    err(shared_node.write(f'limits {many}'), '(line 1')
    many = ','.join(f'f{i}=1' for i in range(1024))
    assert shared_node.write(f'wide {many}').status == 204


def test_broken_off_body_leaves_node_whole(shared_node):
    import socket
    n = shared_node
    for sent in (0, 10, 300000, 2000000):
        s = socket.create_connection((n.host, n.port), 5)
        s.sendall(b'POST /write?precision=s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3000000\r\n\r\n' + b'off v=1 1\n' * (sent // 10))
        s.close()
    assert n.write('off v=2 2', precision='s').status == 204


def test_ping(shared_node):
    for method in ('GET', 'HEAD'):
        a = shared_node.ask(method, '/ping')
        assert a.status == 204 and a.body == b'' and a.headers['X-Influxdb-Version'].startswith('1.8')
    assert shared_node.ask('GET', '/ping?wait_for_leader=1s').status == 204


def test_every_204_is_durable(new_node):
    """Killed right after the answer, and again: all is there, once."""
    n = new_node()
    for round_ in range(3):
        for i in range(20):
            assert n.write(f'kill,tag={i} v={round_}.5,s="{i}" {T + round_}', precision='s').status == 204
        n.kill()
        n.start()
    signals = n.items('/api/v1/signals', asset='kill')
    assert len(signals) == 40
    for s in signals:
        assert [t for t, _ in n.values(s['id'])] == [(T + r) * 1000 for r in range(3)]
