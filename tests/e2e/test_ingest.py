"""The second listener: values come in by it and nothing goes out; who may, from where, and how much."""
import base64
import http.client
import os
import re
import signal
import socket
import time

import pytest

from conftest import Answer, moru
from modbus_fake import wait_for
from test_accounts import PASSWORD, local, make, operations, status_of

LINE = 'gw,asset=G-1 v=1 1700000000000000000'


def settings(n, listen='127.0.0.1:0', subnets='[127.0.0.1/32]'):
    y = n.folder / 'moru.yaml'
    s, a = re.subn(r'(?m)^  listen: .*$', f'  listen: "{listen}"', y.read_text())
    s, b = re.subn(r'(?m)^  subnets: .*$', f'  subnets: {subnets}', s)
    assert a == b == 1
    y.write_text(s)


def place(n):
    """Where the log says it listens."""
    m = re.findall(r'ingest_listens: .*?\barg0=\[?([\d.:a-f]+?)\]?:(\d+) arg1', n.log_text())[-1]
    return m[0], int(m[1])


class Door:
    """The second listener of a node, asked with or without a token."""

    def __init__(self, n):
        self.n, (self.host, self.port) = n, place(n)

    def socket(self, source='127.0.0.1'):
        return socket.create_connection((self.host, self.port), 10, source_address=(source, 0))

    def connect(self):
        return http.client.HTTPConnection(self.host, self.port, timeout=10)

    def ask(self, method, path, body=None, headers=None, token=None, connection=None):
        h = {**({'Authorization': f'Bearer {token}'} if token else {}), **(headers or {})}
        c = connection or self.connect()
        try:
            c.request(method, path, body=body, headers=h)
            r = c.getresponse()
            return Answer(r.status, r.headers, r.read())
        finally:
            if not connection:
                c.close()

    def write(self, token=None, line=LINE, **kw):
        return self.ask('POST', '/write', line.encode(), token=token, **kw)


def token(n, name, **limit):
    a = local(n, 'POST', '/api/v1/tokens', {'name': name, **limit})
    assert a.status == 200, a
    return a.json()['token']


@pytest.fixture(scope='module')
def door(tmp_path_factory):
    from conftest import Node
    n = Node(tmp_path_factory.mktemp('ingest') / 'node').init().start()
    make(n, 'owner', 'owner')
    n.stop()
    settings(n)
    n.start()
    d = Door(n)
    d.write_token, d.metrics_token = token(n, 'gateway', permissions=['write']), token(n, 'prometheus', permissions=['metrics'])
    d.owner = n.ask('POST', '/api/v1/session', body={'name': 'owner', 'password': PASSWORD}).headers['Set-Cookie'].split(';')[0]
    yield d
    n.stop()


def test_off_by_default_and_named_when_on(new_node, door):
    n = new_node()
    assert 'ingest_listens' not in n.log_text()
    assert 'moru_ingest_listening 0\n' in n.get('/metrics').text
    assert 'moru_ingest_listening 1\n' in door.n.ask('GET', '/metrics', headers={'Authorization': f'Bearer {door.metrics_token}'}).text
    rows = local(door.n, 'GET', '/api/v1/audit').json()['items']
    row = [r for r in rows if r['what'] == 'ingest.listen']
    assert len(row) == 1 and row[0]['who'] == 'settings' and row[0]['target'] == f'127.0.0.1:{door.port}', rows
    assert '127.0.0.1/32' in str(row[0])


@pytest.mark.parametrize('subnets, account, code', [('[]', True, 'ingest_no_subnets'), ('""', True, 'ingest_no_subnets'), ('[127.0.0.1]', False, 'ingest_needs_account')])
def test_it_does_not_start_without(new_node, subnets, account, code):
    n = new_node(serve=False)
    if account:
        assert moru('passwd', n.folder, 'kim', input=PASSWORD.encode() + b'\n').returncode == 0
    settings(n, subnets=subnets)
    for lang, word in (('en', 'network' if account else 'account'), ('ko', '네트워크' if account else '계정')):
        r = moru('serve', n.folder, '--listen', '127.0.0.1:0', lang=lang)
        assert r.returncode == 1 and word in r.stderr.decode(), r.stderr.decode()


def test_a_token_writes(door):
    basic = base64.b64encode(f'telegraf:{door.write_token}'.encode()).decode()
    for a in (door.write(door.write_token), door.ask('POST', f'/write?u=x&p={door.write_token}&db=factory', LINE.encode()),
              door.write(headers={'Authorization': f'Basic {basic}'})):
        assert a.status == 204 and a.body == b'', a
    assert door.ask('GET', '/ping', token=door.write_token).status == 204
    assert door.ask('HEAD', '/ping', token=door.write_token).status == 204
    assert [s['name'] for s in door.n.ask('GET', '/api/v1/signals?asset=G-1', headers={'Cookie': door.owner}).json()['items']] == ['v']
    # What was sent badly is said; nothing that the node has.
    a = door.write(door.write_token, 'gw,asset=G-1 v=')
    assert a.status == 400 and 'error' in a.json()


def test_every_route_there(door):
    """Only the marked ones are there, and only for a token that may write; no cookie, nobody open."""
    marked, seen = set(), 0
    who = {'nobody': {}, 'cookie': {'Cookie': door.owner}, 'wrong': {'Authorization': 'Bearer moru_' + 'A' * 43}, 'metrics': {'Authorization': f'Bearer {door.metrics_token}'},
        'partner': {'Moru-Partner': 'MCH', 'Authorization': f'Bearer {door.write_token}'}, 'write': {'Authorization': f'Bearer {door.write_token}'}}
    for op, method, path, kind in operations(door.n):
        for name, headers in who.items():
            a = status_of(door, method, path, headers, b'{}' if kind else None, kind)
            seen += 1
            assert 'Set-Cookie' not in a.headers
            if not op.get('x-moru-ingest'):
                assert a.status == 404 and a.json()['code'] == 'api_not_found', (op['operationId'], name, a)
            elif name == 'write':
                marked.add(op['operationId'])
                assert a.status in (204, 400), (op['operationId'], a)
            else:
                assert a.status == (401 if name in ('nobody', 'cookie', 'wrong') else 403), (op['operationId'], name, a)
                assert len(a.body) < 1000
    assert marked == {'influx_ping', 'influx_write'} and seen > 6 * 50
    for path in ('/', '/index.html', '/query', '/api/v1/live', '/ca.crt', '/healthz', '/elsewhere'):
        assert door.ask('GET', path, token=door.write_token).status == 404, path
    # A browser says where its page is from, and is none of theirs.
    assert door.write(door.write_token, headers={'Origin': f'http://127.0.0.1:{door.port}'}).status == 403


def test_a_revoked_token_is_over(door):
    t = token(door.n, 'old', permissions=['write'])
    assert door.write(t).status == 204
    number = [x['id'] for x in local(door.n, 'GET', '/api/v1/tokens').json()['items'] if x['name'] == 'old'][0]
    assert local(door.n, 'DELETE', f'/api/v1/tokens/{number}').status in (200, 204)
    assert door.write(t).status == 401


def turned_away(door):
    text = door.n.ask('GET', '/metrics', headers={'Authorization': f'Bearer {door.metrics_token}'}).text
    return int(re.search(r'(?m)^moru_ingest_turned_away_total (\d+)$', text)[1])


def test_from_outside_not_a_byte(door):
    before = turned_away(door)
    for send in (b'', f'POST /write HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {door.write_token}\r\nContent-Length: {len(LINE)}\r\n\r\n{LINE}'.encode()):
        with door.socket('127.0.0.2') as s:
            try:
                s.sendall(send)
                assert s.recv(100) == b''
            except ConnectionResetError:
                pass
    assert turned_away(door) == before + 2
    assert door.write(door.write_token).status == 204


def test_ipv6(new_node):
    n = new_node(serve=False)
    assert moru('passwd', n.folder, 'kim', input=PASSWORD.encode() + b'\n').returncode == 0
    settings(n, '[::1]:0', '["::1/128", 10.0.0.0/8]')
    n.start()
    d = Door(n)
    assert d.host == '::1' and d.write(token(n, 'g', permissions=['write'])).status == 204
    assert d.write().status == 401


def test_slow_clients_hurt_only_themselves(door):
    """One address has 16 of its 64 connections; heads that never end are ended; the page does not notice."""
    slow = [door.socket() for _ in range(16)]
    try:
        begun = time.monotonic()
        for s in slow:
            s.sendall(b'POST /write HTTP/1.1\r\nHost: ')
        with door.socket() as one_more:
            assert one_more.recv(12) == b'HTTP/1.1 503'
        assert door.n.ask('GET', '/healthz').status == 200
        wait_for(lambda: slow[0].recv(12) == b'HTTP/1.1 408')
        assert 4 < time.monotonic() - begun < 9
    finally:
        for s in slow:
            s.close()
    wait_for(lambda: door.write(door.write_token).status == 204)


def test_no_more_than_so_many_requests(door):
    """A flood is told to come again; the page is not touched by it, nor is the bound by those without a token."""
    c = door.connect()
    for _ in range(500):
        assert door.ask('GET', '/ping', connection=c).status == 401
    got = [door.ask('GET', '/ping', token=door.write_token, connection=c) for _ in range(1200)]
    c.close()
    late = [a for a in got if a.status != 204]
    assert len(late) < len(got) - 300
    if late:  # a loaded machine may not send more than 200 a second
        assert {a.status for a in late} == {429} and all(int(a.headers['Retry-After']) == 1 for a in late) and late[0].json()['code'] == 'ingest_limit'
        text = door.n.ask('GET', '/metrics', headers={'Authorization': f'Bearer {door.metrics_token}'}).text
        assert int(re.search(r'(?m)^moru_ingest_limited_total (\d+)$', text)[1]) == len(late)
    assert door.n.ask('GET', '/healthz').status == 200


def test_a_reload_says_what_would_not_start(door):
    n = door.n
    before = (n.folder / 'moru.yaml').read_text()
    settings(n, subnets='[]')
    at = len(n.log_text())
    os.kill(n.pid, signal.SIGHUP)
    wait_for(lambda: 'ingest_no_subnets' in n.log_text()[at:])
    (n.folder / 'moru.yaml').write_text(before)
    assert door.write(door.write_token).status == 204
