"""What every request meets before its route: protocol errors, names, origins, methods, types, sizes."""
import json
import re
import socket

import pytest

HEAD = b'Host: 127.0.0.1\r\n'


def parts(answer):
    head, _, body = answer.partition(b'\r\n\r\n')
    status = int(head.split(b' ', 2)[1])
    fields = {k.strip().lower(): v.strip() for k, _, v in (x.decode('latin-1').partition(':') for x in head.split(b'\r\n')[1:])}
    return status, fields, body


def problem(answer, status, code=None):
    got, fields, body = parts(answer)
    assert got == status, answer[:400]
    assert fields['content-type'] == 'application/problem+json'
    assert int(fields['content-length']) == len(body)
    p = json.loads(body)
    assert p['status'] == status and p['title'] and p['type'] == 'about:blank'
    assert re.search('[가-힣]', p['detail']['ko']) and p['detail']['en'], p
    if code:
        assert p['code'] == code
    return p


@pytest.mark.parametrize('request_bytes, status, code', [
    (b'nonsense\r\n\r\n', 400, 'bad_request'),
    (b'GET / HTTP/1.1\r\nHost : x\r\n\r\n', 400, 'bad_request'),
    (b'GET / HTTP/1.1\r\n' + HEAD + b'Content-Length: 1x\r\n\r\n', 400, 'bad_request'),
    (b'POST /write HTTP/1.1\r\n' + HEAD + b'Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n', 400, 'bad_request'),
    (b'GET / HTTP/1.1\r\n\r\n', 400, 'bad_request'),
    (b'GET / HTTP/3.0\r\n' + HEAD + b'\r\n', 505, 'http_version_not_supported'),
    (b'BREW / HTTP/1.1\r\n' + HEAD + b'\r\n', 501, 'not_implemented'),
    (b'GET /' + b'a' * 20000 + b' HTTP/1.1\r\n' + HEAD + b'\r\n', 414, 'uri_too_long'),
    (b'GET / HTTP/1.1\r\n' + HEAD + b'X: ' + b'a' * 70000 + b'\r\n\r\n', 431, 'header_fields_too_large'),
    (b'POST /write HTTP/1.1\r\n' + HEAD + b'Transfer-Encoding: chunked\r\n\r\nzz\r\n', 400, 'bad_request'),
])
def test_protocol_errors(shared_node, request_bytes, status, code):
    problem(shared_node.raw(request_bytes), status, code)


def test_node_goes_on_after_rubbish(shared_node):
    for junk in (b'\0' * 100, b'\x16\x03\x01\x02\x00', b'GET', b'\r\n\r\n\r\n'):
        s = socket.create_connection((shared_node.host, shared_node.port), 5)
        s.sendall(junk)
        s.close()
    assert shared_node.get('/healthz').status == 200


@pytest.mark.parametrize('host', ['evil.example', '127.0.0.1.evil.example', '192.168.0.7', 'localhost.evil', '[::2]', '127.evil.test', '127.1.evil', 'localhostx', ''])
def test_foreign_host_refused(shared_node, host):
    shared_node.ask('GET', '/api/v1/node', headers={'Host': host}).problem(403, 'api_host')


@pytest.mark.parametrize('host', ['localhost', 'localhost:9', '127.0.0.1', '127.0.0.1:80', '127.9.8.7', '[::1]', '[::1]:8470', 'LOCALHOST'])
def test_own_host_taken(shared_node, host):
    assert shared_node.ask('GET', '/api/v1/node', headers={'Host': host}).status == 200


@pytest.mark.parametrize('origin', ['http://evil.example', 'https://127.0.0.1', 'null', 'http://127.0.0.1:1', 'file://', ''])
def test_foreign_origin_refused(shared_node, origin):
    a = shared_node.ask('POST', '/write', body='m v=1', headers={'Origin': origin})
    assert a.status == 403 and a.json()['code'] == 'api_origin'
    if origin not in ('null', ''):
        shared_node.ask('GET', '/api/v1/node', headers={'Origin': origin}).problem(403, 'api_origin')


def test_own_origin_taken(shared_node):
    n = shared_node
    assert n.ask('POST', '/write', body='origin v=1', headers={'Origin': n.url}).status == 204


def test_partner_gets_nothing(shared_node):
    """The gate: whoever says to be a partner sees no route at all, be it there or not."""
    doc = shared_node.get_json('/api/v1/openapi.json')
    asked = 0
    for path, item in doc['paths'].items():
        for method in item:
            a = shared_node.ask(method.upper(), re.sub(r'\{\w+\}', '1', path), headers={'Moru-Partner': 'MOT'})
            assert a.status == 403 and a.json()['code'] == 'api_denied', (method, path, a)
            asked += 1
    assert asked > 40
    assert shared_node.ask('GET', '/', headers={'Moru-Partner': 'MOT'}).status == 403


@pytest.mark.parametrize('path', ['/api/v1/nothing', '/api', '/api/v2/node', '/aas/v3/shells', '/dsp/catalog', '/prometheus/api/v1/query', '/v1/metrics',
    '/write/x', '/no.such.file', '/api/v1/assets/A/nothing'])
def test_unknown_path(shared_node, path):
    p = shared_node.get(path).problem(404, 'api_not_found')
    assert p['value'] == path


@pytest.mark.parametrize('method, path, allow', [
    ('POST', '/api/v1/node', 'GET, HEAD'), ('DELETE', '/api/v1/records', 'POST'), ('GET', '/write', 'POST'), ('PUT', '/query', 'GET, HEAD, POST'),
    ('PATCH', '/api/v1/devices/x', 'PUT, DELETE'), ('GET', '/api/v1/devices/test', 'POST, PUT, DELETE'), ('POST', '/', 'GET, HEAD'),
    ('OPTIONS', '/api/v1/lots', 'GET, HEAD'), ('POST', '/assets', 'GET, HEAD')])
def test_method_not_allowed(shared_node, method, path, allow):
    a = shared_node.ask(method, path)
    a.problem(405, 'api_method')
    assert a.headers['Allow'] == allow


@pytest.mark.parametrize('method, path', [('POST', '/api/v1/records'), ('PUT', '/api/v1/devices/x'), ('POST', '/api/v1/clock'),
    ('POST', '/api/v1/imports?name=a.csv'), ('POST', '/api/v1/cases/1/state'), ('POST', '/api/v1/sql')])
@pytest.mark.parametrize('ctype', [None, 'text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data'])
def test_content_type_refused(shared_node, method, path, ctype):
    """A form on another site can send no request that changes anything."""
    h = {'Content-Type': ctype} if ctype else {}
    if ctype is None:
        h['Content-Length'] = '2'
        raw = f'{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}'.encode()
        problem(shared_node.raw(raw), 415, 'api_body_type')
    else:
        shared_node.ask(method, path, body='{}', headers=h).problem(415, 'api_body_type')


def test_content_type_with_charset_taken(shared_node):
    a = shared_node.ask('POST', '/api/v1/records', body='', headers={'Content-Type': 'Application/X-NDJSON; charset=utf-8'})
    assert a.status == 200, a


@pytest.mark.parametrize('path, limit, ctype', [('/api/v1/records', 8 << 20, 'application/x-ndjson'), ('/api/v1/clock', 4096, 'application/json'),
    ('/api/v1/cases/1/state', 65536, 'application/json'), ('/api/v1/sql', 65537, 'application/sql'), ('/query', 1 << 20, 'application/x-www-form-urlencoded')])
def test_size_known_before_the_body(shared_node, path, limit, ctype):
    """The refusal comes though not one byte of the body was sent."""
    for extra in (1, 1 << 40):
        a = shared_node.raw(f'POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {ctype}\r\nContent-Length: {limit + extra}\r\n\r\n'.encode(), timeout=1)
        status, fields, body = parts(a)
        assert status == 413, a
        p = json.loads(body)
        assert p['code'] == 'api_body_large' and p['expected'] == str(limit) and p['value'] == str(limit + extra)


def test_size_of_chunks(shared_node):
    """Without a length the body is cut where it passes the limit."""
    head = b'POST /api/v1/clock HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n'
    a = shared_node.raw(head, more=[b'800\r\n' + b' ' * 0x800 + b'\r\n'] * 3, timeout=5)
    problem(a, 413, 'content_too_large')


def test_expect_continue(shared_node):
    head = b'POST /write HTTP/1.1\r\nHost: localhost\r\nContent-Length: 7\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n'
    a = shared_node.raw(head, more=[b'exp v=1'], timeout=5)
    assert a.startswith(b'HTTP/1.1 100 Continue\r\n\r\n') and b'HTTP/1.1 204' in a
    big = head.replace(b'/write', b'/api/v1/clock').replace(b': 7', b': 5000').replace(b'Expect', b'Content-Type: application/json\r\nExpect')
    assert parts(shared_node.raw(big, timeout=5))[0] == 413


def test_keep_alive_and_pipelining(shared_node):
    one = b'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n'
    a = shared_node.raw(one * 5 + one.replace(b'\r\n\r\n', b'\r\nConnection: close\r\n\r\n'))
    assert a.count(b'HTTP/1.1 200 OK') == 6
    c = shared_node.connect()
    for _ in range(3):
        assert shared_node.ask('GET', '/api/v1/node', connection=c).status == 200
        assert shared_node.ask('GET', '/api/v1/nothing', connection=c).status == 404
        assert shared_node.ask('POST', '/write', body='ka v=1', connection=c).status == 204
    c.close()


def test_head_is_get_without_body(shared_node):
    for path in ('/healthz', '/api/v1/node', '/api/v1/assets', '/metrics', '/ping', '/api/v1/live?topics=changes', '/api/v1/nothing'):
        c = shared_node.connect(timeout=5)
        c.request('HEAD', path)
        r = c.getresponse()
        assert r.read() == b''
        assert r.status == (204 if path == '/ping' else 404 if path.endswith('nothing') else 200), path
        c.request('GET', '/healthz')  # the connection is still in step
        assert c.getresponse().read() == b'{"status":"ok"}'
        c.close()


@pytest.mark.parametrize('query', ['?limit=%zz', '?limit=%ff', '?a=1&' * 30, '?x=%c3%28'])
def test_query_that_is_no_text(shared_node, query):
    a = shared_node.get('/api/v1/assets' + query)
    assert a.problem(400)['code'] == ('api_params' if query.startswith('?a') else 'api_query')


def test_path_that_is_no_text(shared_node):
    shared_node.get('/api/v1/assets/%ff').problem(400, 'api_query')
    shared_node.get('/api/v1/assets/%zz').problem(400, 'api_query')
    shared_node.get('/api/v1/assets/a%00b').problem(404)


def test_parameter_cannot_replace_the_path(shared_node):
    n = shared_node
    assert n.records({'type': 'asset', 'code': 'PATH-1', 'kind': 'machine'}).status == 200
    n.get('/api/v1/assets/PATH-1?code=OTHER').problem(400, 'api_param_none')
    assert n.get_json('/api/v1/assets/PATH-1')['code'] == 'PATH-1'


def test_slow_head_times_out_but_others_go_on(shared_node):
    s = socket.create_connection((shared_node.host, shared_node.port), 5)
    s.sendall(b'GET / HTTP/1.1\r\n')
    for _ in range(20):
        assert shared_node.get('/healthz').status == 200
    s.close()


def test_many_connections(shared_node):
    open_ones = [socket.create_connection((shared_node.host, shared_node.port), 5) for _ in range(300)]
    assert shared_node.get('/healthz').status == 200
    for s in open_ones:
        s.close()
    assert shared_node.get('/healthz').status == 200


def test_answers_are_not_cached(shared_node):
    for path in ('/api/v1/node', '/api/v1/assets', '/api/v1/nothing'):
        assert shared_node.get(path).headers['Cache-Control'] == 'no-store'
