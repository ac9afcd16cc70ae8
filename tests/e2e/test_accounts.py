"""Accounts, sessions and tokens: who gets what, from the tables; cookies that come again; CSRF; the brakes; tokens of programs; moru passwd."""
import base64
import http.client
import json
import os
import pty
import re
import select
import socket
import subprocess
import threading
import time

import pytest

from conftest import MORU, Answer, moru

PASSWORD = 'correct-horse-9'
SANITIZED = 'asan' in MORU or 'tsan' in MORU
ROLES = ['owner', 'production', 'quality', 'operator', 'read_only', 'vendor']
# share/roles.h once more: who holds which permission (o owner, p production, q quality, w operator, r read-only, v vendor).
HOLDERS = {'open': 'opqwrv', 'self': 'opqwrv', 'machines': 'opqwrv', 'read': 'opqwr', 'audit': 'opq', 'people': 'op', 'cases': 'opqw', 'records': 'opqw', 'import': 'op', 'devices': 'op',
    'write': 'op', 'sql': 'opq', 'metrics': 'opv', 'export': 'opq', 'backup': 'o', 'settings': 'o', 'erase': 'o', 'accounts': 'o', 'sinks': 'o', 'trust': 'o'}
LETTER = dict(zip(ROLES, 'opqwrv'))


class Socket(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__('localhost', timeout=20)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(20)
        self.sock.connect(self.path)


def local(n, method, path, body=None, headers=None):
    """By the node's own socket: as the folder's owner."""
    c = Socket(n.folder / 'run' / 'moru.sock')
    try:
        return n.ask(method, path, body=body, headers=headers, connection=c)
    finally:
        c.close()


def make(n, name, role, password=PASSWORD):
    a = local(n, 'PUT', f'/api/v1/accounts/{name}', {'role': role, 'password': password})
    assert a.status == 200, a


class Browser:
    """Keeps the cookie, and sends the page's own header with it."""

    def __init__(self, n, name, password=PASSWORD):
        self.n = n
        a = n.ask('POST', '/api/v1/session', body={'name': name, 'password': password})
        assert a.status == 200, a
        self.set_cookie = a.headers['Set-Cookie']
        self.cookie = self.set_cookie.split(';')[0]
        self.session = a.json()

    def ask(self, method, path, body=None, headers=None, **kw):
        return self.n.ask(method, path, body=body, headers={'Cookie': self.cookie, 'X-Moru-CSRF': self.session['csrf'], **(headers or {})}, **kw)

    def get(self, path):
        return self.ask('GET', path)


def passwd(n, *args, password=PASSWORD, lang='en'):
    return moru('passwd', n.folder, *args, lang=lang, input=password.encode() + b'\n')


@pytest.fixture(scope='module')
def staff(tmp_path_factory):
    """A node with an account of each role, named after it, logged in."""
    from conftest import Node
    n = Node(tmp_path_factory.mktemp('staff') / 'node').init().start()
    assert n.records({'type': 'lot', 'firm': 'F', 'number': 'SECRET-LOT'}).status == 200
    for r in ROLES:
        make(n, r, r)
    n.users = {r: Browser(n, r) for r in ROLES}
    yield n
    n.stop()


def status_of(n, method, path, headers, body, kind):
    """The answer's status and body; of a stream its head alone."""
    h = dict(headers)
    if body is not None:
        h['Content-Type'] = kind
    c = n.connect()
    try:
        c.request(method, path, body=body, headers=h)
        r = c.getresponse()
        return Answer(r.status, r.headers, b'' if r.headers['Content-Type'] == 'text/event-stream' else r.read())
    finally:
        c.close()


def operations(n):
    doc = local(n, 'GET', '/api/v1/openapi.json').json()
    for path, item in doc['paths'].items():
        for method, op in item.items():
            kind = next(iter(op['requestBody']['content'])) if 'requestBody' in op else None
            yield op, method.upper(), re.sub(r'\{\w+\}', '1', path), kind
    yield {'operationId': 'page', 'x-moru-permission': 'open'}, 'GET', '/', None


def test_every_route_by_everybody(staff):
    """No data where the table forbids it; no refusal by the gate where it does not."""
    n, seen = staff, 0
    last = []
    for op, method, path, kind in operations(n):
        holders, name = HOLDERS[op['x-moru-permission']], op['operationId']
        body = b'{}' if kind else None
        nobody = {'none': {}, 'cookie': {'Cookie': 'moru_session=' + 'A' * 43}, 'token': {'Authorization': 'Bearer moru_' + 'A' * 43}, 'rubbish': {'Authorization': 'Basic x'}}
        for what, headers in nobody.items():
            a = status_of(n, method, path, headers, body, kind)
            if op['x-moru-permission'] == 'open':
                assert name == 'login' or a.status in (200, 204), (name, what, a)
            else:
                assert a.status == 401 and a.json()['code'] == 'api_unknown' and 'WWW-Authenticate' in a.headers, (name, what, a)
        for headers in ({'Moru-Partner': 'MOT'}, {'Moru-Partner': 'MOT', 'Cookie': n.users['owner'].cookie, 'X-Moru-CSRF': n.users['owner'].session['csrf']}):
            a = status_of(n, method, path, headers, body, kind)
            assert a.status == 403 and a.json()['code'] == 'api_denied', (name, a)
        for r in ROLES:
            if name == 'logout':
                last.append((r, method, path))
                continue
            u = n.users[r]
            a = status_of(n, method, path, {'Cookie': u.cookie, 'X-Moru-CSRF': u.session['csrf']}, body, kind)
            if LETTER[r] in holders:
                # One's own right to change a password is not one to change account "1".
                assert a.status != 401 and (name == 'password_put' or a.status != 403), (name, r, a)
            else:
                assert a.status == 403 and a.json()['code'] == 'api_not_permitted', (name, r, a)
            assert LETTER[r] in HOLDERS['read'] or b'SECRET-LOT' not in a.body, (name, r, a)
            seen += 1
    for r, method, path in last:
        u = n.users[r]
        assert u.ask(method, path).status == 204 and u.get('/api/v1/session').status == 401
        n.users[r] = Browser(n, r)
    assert seen > 300


def test_what_a_session_is_told(staff):
    for r in ROLES:
        s = staff.users[r].get('/api/v1/session').json()
        assert (s['account'], s['role'], s['accounts']) == (r, r, True) and s['csrf'] == staff.users[r].session['csrf']
        assert s['permissions'] == [p for p, who in HOLDERS.items() if LETTER[r] in who]
    assert local(staff, 'GET', '/api/v1/session').json()['account'] is None


def test_cookie(staff):
    c = staff.users['owner'].set_cookie
    assert re.fullmatch(r'moru_session=[A-Za-z0-9_-]{43}; Path=/; HttpOnly; SameSite=Strict; Max-Age=604800', c), c
    a = Browser(staff, 'quality').ask('DELETE', '/api/v1/session')
    assert a.status == 204 and a.headers['Set-Cookie'].startswith('moru_session=;') and 'Max-Age=0' in a.headers['Set-Cookie']


def test_vendor_hears_of_machines_alone(staff):
    u, got = staff.users['vendor'], b''
    c = staff.connect(10)
    c.request('GET', '/api/v1/live?topics=changes;devices', headers={'Cookie': u.cookie, 'Last-Event-ID': '0'})
    r = c.getresponse()
    assert staff.users['owner'].ask('POST', '/write', body='VENDORS v=1').status == 204
    end = time.monotonic() + 8
    while b'VENDORS' not in got and time.monotonic() < end:
        got += r.read1(65536)
    c.close()
    assert b'VENDORS' in got and b'SECRET-LOT' not in got


def test_local_until_there_is_an_account(new_node):
    n = new_node()
    assert n.get_json('/api/v1/session')['accounts'] is False and n.write('M v=1').status == 204
    n.ask('PUT', '/api/v1/accounts/kim', body={'role': 'operator', 'password': PASSWORD}).problem(409, 'store_first_owner')
    n.ask('PUT', '/api/v1/accounts/kim', body={'password': 'short'}).problem(400, 'password_short')
    assert n.ask('PUT', '/api/v1/accounts/kim', body={'password': PASSWORD}).json() == {'name': 'kim', 'role': 'owner', 'disabled': False, 'did': 'new'}
    n.get('/api/v1/node').problem(401, 'api_unknown')
    assert n.write('M v=2').status == 401
    for path in ('/healthz', '/', '/ping', '/settings'):
        assert n.get(path).status in (200, 204), path
    assert local(n, 'GET', '/api/v1/node').status == 200 and local(n, 'POST', '/write?db=x', 'M v=3').status == 204
    n.stop()
    n.start()
    n.get('/api/v1/node').problem(401, 'api_unknown')
    kim = Browser(n, 'kim')
    assert kim.get('/api/v1/node').status == 200
    # The last owner stays.
    kim.ask('DELETE', '/api/v1/accounts/kim').problem(409, 'store_last_owner')
    kim.ask('PUT', '/api/v1/accounts/kim', {'role': 'vendor'}).problem(409, 'store_last_owner')
    kim.ask('PUT', '/api/v1/accounts/kim', {'disabled': True}).problem(409, 'store_last_owner')
    kim.ask('PUT', '/api/v1/accounts/kim', {'password': PASSWORD + 'x'}).problem(400, 'password_own')
    assert kim.get('/api/v1/node').status == 200


def test_a_cookie_that_comes_again(new_node):
    """Good until log-out, a new password, the account's end, or its time; never after."""
    n = new_node(demo=True)
    make(n, 'kim', 'owner')
    make(n, 'lee', 'quality')
    kim, lee, second = Browser(n, 'kim'), Browser(n, 'lee'), Browser(n, 'lee')
    c = n.connect()
    c.request('GET', '/api/v1/live?topics=changes', headers={'Cookie': second.cookie})
    stream = c.getresponse()
    assert stream.status == 200
    assert second.ask('DELETE', '/api/v1/session').status == 204
    second.get('/api/v1/node').problem(401, 'api_unknown')
    assert lee.get('/api/v1/node').status == 200
    end = time.monotonic() + 8
    try:
        while stream.read1(65536) and time.monotonic() < end:
            pass
    except (ConnectionError, http.client.IncompleteRead):
        pass
    assert time.monotonic() < end, 'the stream outlives its session'
    c.close()
    # A new password: one's own by the present one, another's by an owner.
    path = '/api/v1/accounts/lee/password'
    lee.ask('PUT', path, {'password': PASSWORD + '2'}).problem(400)
    lee.ask('PUT', path, {'password': PASSWORD + '2', 'old': 'wrong-password'}).problem(403, 'password_old')
    lee.ask('PUT', '/api/v1/accounts/kim/password', {'password': PASSWORD + '2', 'old': PASSWORD}).problem(403, 'api_not_permitted')
    assert lee.get('/api/v1/node').status == 200
    assert lee.ask('PUT', path, {'password': PASSWORD + '2', 'old': PASSWORD}).status == 204
    lee.get('/api/v1/node').problem(401, 'api_unknown')
    n.ask('POST', '/api/v1/session', body={'name': 'lee', 'password': PASSWORD}).problem(401, 'login_wrong')
    lee = Browser(n, 'lee', PASSWORD + '2')
    assert kim.ask('PUT', path, {'password': PASSWORD + '3'}).status == 204
    lee.get('/api/v1/node').problem(401)
    # Disabled, and enabled again.
    lee = Browser(n, 'lee', PASSWORD + '3')
    assert kim.ask('PUT', '/api/v1/accounts/lee', {'disabled': True}).status == 200
    lee.get('/api/v1/node').problem(401)
    n.ask('POST', '/api/v1/session', body={'name': 'lee', 'password': PASSWORD + '3'}).problem(401, 'login_wrong')
    assert kim.ask('PUT', '/api/v1/accounts/lee', {'disabled': False}).status == 200
    lee.get('/api/v1/node').problem(401)
    # Idle for twelve hours of the node's time; and a restart changes nothing.
    lee = Browser(n, 'lee', PASSWORD + '3')
    n.stop()
    n.start()
    assert lee.get('/api/v1/node').status == 200 and kim.get('/api/v1/node').status == 200
    for t in ('2026-11-15T11:00:00Z', '2026-11-15T23:30:00Z'):
        assert local(n, 'POST', '/api/v1/clock', {'advance_to': t}).status == 200
        assert kim.get('/api/v1/node').status == (200 if t < '2026-11-15T20' else 401)


def test_csrf(staff):
    u = staff.users['operator']
    change = {'Cookie': u.cookie, 'Content-Type': 'application/x-ndjson'}
    record = '{"type":"asset","code":"CSRF"}\n'
    other = staff.users['quality'].session['csrf']
    for more in ({}, {'X-Moru-CSRF': ''}, {'X-Moru-CSRF': 'A' * 43}, {'X-Moru-CSRF': other}):
        staff.ask('POST', '/api/v1/records', record, {**change, **more}).problem(403, 'api_csrf')
    staff.ask('POST', '/api/v1/records', record, {**change, 'X-Moru-CSRF': u.session['csrf'], 'Origin': 'http://evil.example'}).problem(403, 'api_origin')
    assert u.get('/api/v1/assets/CSRF').status == 404
    assert staff.ask('POST', '/api/v1/records', record, {**change, 'X-Moru-CSRF': u.session['csrf']}).status == 200
    assert staff.ask('GET', '/api/v1/assets/CSRF', headers={'Cookie': u.cookie}).status == 200
    # InfluxQL that makes something does not pass as a GET.
    owner = staff.users['owner']
    assert staff.ask('GET', '/query', headers={'Cookie': owner.cookie}, params={'q': 'CREATE DATABASE x'}).status == 403
    assert staff.users['vendor'].ask('POST', '/query?q=CREATE+DATABASE+x').status == 403
    assert owner.ask('POST', '/query?q=CREATE+DATABASE+x').status == 200


def test_brakes(new_node):
    """Who fails again and again waits; the right password does not help meanwhile; another account is not held up; the node works on."""
    n = new_node()
    make(n, 'kim', 'owner')
    make(n, 'lee', 'operator')
    log_in = lambda name, password=PASSWORD: n.ask('POST', '/api/v1/session', body={'name': name, 'password': password})
    unknown = log_in('nobody-at-all', 'not-the-password')
    wrong = [log_in('kim', 'not-the-password') for _ in range(6)]
    assert all(a.status == 401 and a.json() == unknown.json() for a in wrong), wrong
    a = log_in('kim')
    p = a.problem(429, 'login_later')
    assert int(a.headers['Retry-After']) >= 1 and '초' in p['detail']['ko']
    assert log_in('lee').status == 200
    # A flood, from many threads, for a few seconds.
    statuses, stop = [], time.monotonic() + 3
    rss = lambda: int(re.search(r'VmRSS:\s+(\d+)', open(f'/proc/{n.pid}/status').read())[1])
    before = rss()

    def flood(i):
        c, k = n.connect(), 0
        while time.monotonic() < stop:
            k += 1
            statuses.append(n.ask('POST', '/api/v1/session', body={'name': f'name-{i}-{k}', 'password': 'not-the-password'}, connection=c).status)
        c.close()
    threads = [threading.Thread(target=flood, args=(i,)) for i in range(12)]
    for t in threads:
        t.start()
    slowest = 0
    while time.monotonic() < stop:
        at = time.monotonic()
        assert local(n, 'GET', '/api/v1/assets').status == 200  # on a worker
        slowest = max(slowest, time.monotonic() - at)
        time.sleep(0.02)
    for t in threads:
        t.join()
    assert set(statuses) <= {401, 429} and statuses.count(429) > 100 and statuses.count(401) < 60, (len(statuses), statuses.count(401))
    assert slowest < 2, slowest
    assert SANITIZED or rss() - before < 40 << 10, (before, rss())  # a sanitizer keeps what was freed
    failed = [x for x in json.loads(local(n, 'GET', '/api/v1/audit').body)['items'] if x['what'] == 'login.failed']
    assert 1 <= len(failed) <= 3 and failed[0]['detail']['from'] == '127.0.0.1' and failed[-1]['detail']['times'] >= 1


def make_token(n, name, **rights):
    a = local(n, 'POST', '/api/v1/tokens', {'name': name, **rights})
    assert a.status == 200 and re.fullmatch(r'moru_[A-Za-z0-9_-]{43}', a.json()['token']), a
    return a.json()


def test_tokens(new_node):
    n = new_node()
    make(n, 'kim', 'owner')
    t = make_token(n, 'gateway', permissions=['write', 'metrics'])
    basic = 'Basic ' + base64.b64encode(b'telegraf:' + t['token'].encode()).decode()
    bearer = {'Authorization': 'Bearer ' + t['token']}
    assert n.write('A v=1', headers=bearer).status == 204
    assert n.write('A v=2', headers={'Authorization': basic}).status == 204
    assert n.write('A v=3', u='telegraf', p=t['token']).status == 204
    assert n.write('A v=4', u='telegraf', p='wrong').status == 401
    assert n.write('A v=5', u='telegraf', p=t['token'][:-1] + 'x').status == 401
    assert n.get('/metrics', headers=bearer).status == 200
    # InfluxDB's ways are good at InfluxDB's doors alone.
    assert n.get('/metrics', headers={'Authorization': basic}).status == 401
    assert n.get('/api/v1/assets', headers=bearer).problem(403, 'api_not_permitted')['detail']['en'].startswith('token gateway')
    assert n.get('/query', headers=bearer, q='SHOW DATABASES').status == 403
    by_role = make_token(n, 'report', role='read_only')
    assert n.get('/api/v1/lots', headers={'Authorization': 'Bearer ' + by_role['token']}).status == 200
    assert n.get('/api/v1/audit', headers={'Authorization': 'Bearer ' + by_role['token']}).status == 403
    assert n.get('/query', q='SHOW DATABASES', u='grafana', p=by_role['token']).status == 200
    assert n.ask('POST', '/query', params={'q': 'SHOW DATABASES'}, headers={'Authorization': 'Basic ' + base64.b64encode(b'g:' + by_role['token'].encode()).decode()}).status == 200
    over = make_token(n, 'over', role='owner', expires='2020-01-01T00:00:00Z')
    assert n.get('/api/v1/lots', headers={'Authorization': 'Bearer ' + over['token']}).status == 401
    for body, status in (({'name': 'gateway', 'role': 'owner'}, 409), ({'name': 'x'}, 400), ({'name': 'x', 'role': 'owner', 'permissions': ['read']}, 400),
            ({'name': 'x', 'permissions': ['accounts']}, 400), ({'name': 'x', 'permissions': []}, 400), ({'name': 'x', 'role': 'king'}, 400), ({'role': 'owner'}, 400)):
        local(n, 'POST', '/api/v1/tokens', body).problem(status)
    # Listed without the secret; what it did bears its name.
    items = local(n, 'GET', '/api/v1/tokens').json()['items']
    assert [(x['name'], x['role'], x['permissions']) for x in items] == [('gateway', None, 'write,metrics'), ('report', 'read_only', None), ('over', 'owner', None)]
    assert t['token'] not in json.dumps(items)
    n.kill()  # what was acknowledged stays
    n.start()
    assert n.write('A v=6', headers=bearer).status == 204
    assert local(n, 'DELETE', f'/api/v1/tokens/{t["id"]}').status == 204
    assert n.write('A v=7', headers=bearer).status == 401
    local(n, 'DELETE', f'/api/v1/tokens/{t["id"]}').problem(404, 'store_token_missing')
    n.stop()
    n.start()
    assert n.write('A v=8', headers=bearer).status == 401


def test_a_login_outlives_a_kill(new_node):
    n = new_node()
    make(n, 'kim', 'owner')
    for _ in range(3):
        kim = Browser(n, 'kim')
        n.kill()
        n.start()
        assert kim.get('/api/v1/session').json()['account'] == 'kim'
    assert kim.ask('DELETE', '/api/v1/session').status == 204
    n.kill()
    n.start()
    assert kim.get('/api/v1/session').status == 401


@pytest.mark.parametrize('lang', ['ko', 'en'])
def test_passwd_in_both_states(new_node, lang):
    """The same words and status whether the node runs or not; and the account is the same."""
    said = {}
    for served in (True, False):
        n = new_node(serve=served)
        runs = [(['kim', '--role', 'vendor'], PASSWORD), (['kim'], 'short'), (['kim'], 'kim'), (['kim'], ''), (['kim'], PASSWORD), (['kim'], PASSWORD + '2'),
            (['kim', '--role', 'operator'], PASSWORD), (['이대리'], PASSWORD), (['박', '--role', 'quality'], PASSWORD)]
        said[served] = [(r.returncode, r.stdout, r.stderr) for r in (passwd(n, *a, password=p, lang=lang) for a, p in runs)]
        if not served:
            n.start()
        assert [x['name'] + ' ' + x['role'] for x in local(n, 'GET', '/api/v1/accounts').json()['items']] == ['kim owner', '박 quality', '이대리 read_only']
        Browser(n, 'kim', PASSWORD + '2')
        Browser(n, '박')
        audit = [(x['who'], x['what'], x['target'], x['detail']) for x in local(n, 'GET', '/api/v1/audit').json()['items'] if x['what'].startswith('account')]
        said[served].append(audit)
    assert said[True] == said[False]
    assert [r[0] for r in said[True][:-1]] == [1, 1, 1, 1, 0, 0, 1, 0, 0], said[True]
    assert all(PASSWORD.encode() not in out + err for _, out, err in said[True][:-1])


def test_passwd_arguments(new_node, tmp_path):
    n = new_node(serve=False)
    for args in (['kim', '--role', 'king'], [], ['a', 'b'], ['a/b'], [' kim'], ['x' * 65]):
        r = passwd(n, *args)
        assert r.returncode == 2 and r.stderr and not r.stdout, (args, r)
    r = moru('passwd', tmp_path / 'nowhere', 'kim', input=PASSWORD.encode())
    assert r.returncode == 1 and b'nowhere' in r.stderr


def at_terminal(n, *lines):
    """moru passwd at a terminal; what the terminal showed, and the status."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execv(MORU, [MORU, '--lang', 'en', 'passwd', str(n.folder), 'kim'])
    shown, todo = b'', list(lines)
    try:
        while select.select([fd], [], [], 20)[0]:
            piece = os.read(fd, 4096)
            if not piece:
                break
            shown += piece
            if todo and shown.rstrip(b' ').endswith(b':'):
                os.write(fd, todo.pop(0))
    except OSError:
        pass  # the end of a terminal
    os.close(fd)
    return shown, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_passwd_at_a_terminal(new_node):
    n = new_node(serve=False)
    secret = PASSWORD.encode()
    shown, status = at_terminal(n, secret + b'\n', b'something-else\n')
    assert status == 1 and secret not in shown and b'differ' in shown, shown
    shown, status = at_terminal(n, secret + b'\x03')
    assert status == 1 and secret not in shown, shown
    shown, status = at_terminal(n, secret + b'\n', secret + b'\n')
    assert status == 0 and secret not in shown and b'Once more' in shown, shown
    n.start()
    Browser(n, 'kim')


def test_who_did_it(new_node):
    n = new_node()
    make(n, 'kim', 'owner')
    kim = Browser(n, 'kim')
    push = {'driver': 'push', 'asset': 'A', 'interval_ms': 1000}
    assert kim.ask('PUT', '/api/v1/devices/press', push).status == 200
    assert local(n, 'PUT', '/api/v1/devices/press', {**push, 'interval_ms': 2000}).status == 200
    assert [x['who'] for x in kim.get('/api/v1/devices/press/history').json()['items']] == ['local', 'kim']
    t = make_token(n, 'gateway', permissions=['write'])
    kim.ask('PUT', '/api/v1/accounts/lee', {'role': 'quality', 'password': PASSWORD})
    kim.ask('DELETE', '/api/v1/accounts/lee')
    kim.ask('DELETE', f'/api/v1/tokens/{t["id"]}')
    kim.ask('DELETE', '/api/v1/session')
    rows = [(x['who'], x['what'], x['target'], (x['detail'] or {}).get('from')) for x in local(n, 'GET', '/api/v1/audit').json()['items']]
    assert rows == [('kim', 'logout', None, '127.0.0.1'), ('kim', 'token.revoke', str(t['id']), '127.0.0.1'), ('kim', 'account.delete', 'lee', '127.0.0.1'),
        ('kim', 'account.new', 'lee', '127.0.0.1'), ('local', 'token.new', 'gateway', ''), ('local', 'device.put', 'press', None), ('kim', 'device.put', 'press', None),
        ('kim', 'login', None, '127.0.0.1'), ('local', 'account.new', 'kim', '')]


def test_no_secret_is_kept(new_node):
    """Byte search: neither passwords nor the secrets of sessions and tokens, in no file of the folder, nor in the log, nor in an error."""
    n = new_node()
    planted = 'planted-password-\\u00e9\\"77'
    password = json.loads(f'"{planted}"')
    make(n, 'kim', 'owner', password)
    kim = Browser(n, 'kim', password)
    t = make_token(n, 'gateway', role='production')
    assert n.write('A v=1', u='telegraf', p=t['token']).status == 204
    errors = b''
    for body in ('{"name":"kim","password":"planted-password-', '{"name":"kim","password":["planted-password-"]}', '{"name":"planted-password-","password":"planted-password-"}',
            '{"name":"kim","password":"planted-password-","password":"planted-password-"}', 'planted-password-'):
        a = n.ask('POST', '/api/v1/session', body=body, headers={'Content-Type': 'application/json'})
        assert a.status in (400, 401), a
        errors += a.body
        a = kim.ask('PUT', '/api/v1/accounts/lee', body, {'Content-Type': 'application/json'})
        errors += a.body
    local(n, 'POST', '/api/v1/check', {})
    n.stop()
    secrets = [b'planted-password', password.encode(), kim.cookie.split('=')[1].encode(), t['token'].encode(), t['token'][5:].encode(), kim.session['csrf'].encode()]
    secrets += [base64.urlsafe_b64decode(s[-43:] + b'=') for s in secrets[2:]]
    places = {'log': n.log_text().encode(), 'errors': errors}
    for dir_, _, files in os.walk(n.folder):
        for f in files:
            places[f] = open(os.path.join(dir_, f), 'rb').read()
    assert len(places) > 5 and b'$scrypt$ln=15,r=8,p=1$' in places['store.db'] + places.get('store.db-wal', b'')
    for name, bytes_ in places.items():
        assert not [s for s in secrets if s in bytes_], name
