"""Planted secrets: one goes in by every door, and then the bytes of everything that is shown, written or handed out are searched for all of them: log,
pages, /metrics, errors, crash trace, audit, `moru debug`, `moru sql`, backups without keys and what is restored from them, other processes' eyes."""
import base64
import io
import json
import os
import pathlib
import re
import signal
import time
import urllib.parse
import zipfile

from conftest import SANITIZER, moru
from test_accounts import SANITIZED, Browser, local, make
from test_backup import backup, ok, sizes

# Nothing in these is anywhere by chance.
PASSWORDS = {'password': 'Planted-Pass-7f3a9c', 'changed password': 'Planted-Next-51d2e8', 'password by moru passwd': 'Planted-Cmd-90b4c7', 'wrong password': 'Planted-Wrong-3ce15a',
    'password typed as a name': 'Planted-AsName-8842fd', 'password for a new account': 'Planted-Second-c0ffee'}
SINK = 'Planted-Sink-2b90ee'  # what a receiver wants to see
MARK = 'OPEN-MARK-5b8d'  # no secret: it has to be found, or the search is blind


def forms(secret):
    """The bytes of a secret in the shapes in which it might get out."""
    b = secret if isinstance(secret, bytes) else secret.encode()
    out = {b, b.hex().encode(), b.hex().upper().encode(), urllib.parse.quote(b, safe='').encode()}
    for shift in range(3):  # in the midst of something in base64
        out.add(base64.b64encode(bytes(shift) + b)[(4 if shift else 0):-4])
    return {f for f in out if len(f) >= 12}


def key_secrets(path):
    """What must not be seen of a private key: the lines of its PEM, and the number itself (RFC 5915: an octet string of 32 bytes)."""
    if b'PRIVATE KEY' not in path.read_bytes():
        return [path.read_bytes().strip()]
    lines = [x for x in path.read_text().splitlines() if x and not x.startswith('-')]
    der = base64.b64decode(''.join(lines))
    at = der.index(b'\x04\x20') + 2
    return [*(x.encode() for x in lines if len(x) > 20 and not 'MIGHAgEAMBMGByqGSM49' in x), der[at:at + 32]]


class Search:
    def __init__(self, secrets):
        self.secrets, self.places, self.found = secrets, 0, []

    def look(self, place, text, allowed=()):
        b = text if isinstance(text, bytes) else text.encode()
        self.places += 1
        for what, shapes in self.secrets.items():
            if what not in allowed and any(s in b for s in shapes):
                self.found.append((what, place))


def filled(path, known):
    return re.sub(r'\{(\w+)\}', lambda m: urllib.parse.quote(str(known.get(m[1], '1')), safe=''), path)


def test_no_planted_secret_is_anywhere(new_node, tmp_path):
    n = new_node()
    p = PASSWORDS
    assert n.records({'type': 'lot', 'firm': 'F', 'number': MARK}, {'type': 'event', 'id': 'E1', 'kind': 'note', 't': '2026-11-22T00:00:00Z', 'asset': 'M', 'text': MARK}).status == 200
    assert n.write(f'M v=1,s="{MARK}"').status == 204
    up = n.ask('POST', '/api/v1/imports', body=f'time,a\n2021-09-06 10:05,{MARK}\n'.encode(), params={'name': 'a.csv'}, headers={'Content-Type': 'application/octet-stream'}).json()
    # ---- in by every door ----
    make(n, 'kim', 'owner', p['password'])
    kim = Browser(n, 'kim', p['password'])
    assert kim.ask('PUT', '/api/v1/accounts/kim/password', {'old': p['password'], 'password': p['changed password']}).status in (200, 204)
    kim = Browser(n, 'kim', p['changed password'])
    assert kim.ask('PUT', '/api/v1/accounts/lee', {'role': 'quality', 'password': p['password for a new account']}).status == 200
    r = moru('passwd', n.folder, 'park', input=p['password by moru passwd'].encode() + b'\n')
    assert r.returncode == 0
    said = r.stdout + r.stderr
    for body in ({'name': 'kim', 'password': p['wrong password']}, {'name': p['password typed as a name'], 'password': 'x'}, {'name': 'kim', 'password': [p['wrong password']]},
            {'name': 'kim', 'password': p['wrong password'], 'more': 1}):
        said += n.ask('POST', '/api/v1/session', body=body).body
    said += kim.ask('PUT', '/api/v1/accounts/kim/password', {'old': p['wrong password'], 'password': p['wrong password']}).body
    sinks = '/api/v1/sinks' in routes(n)
    if sinks:
        a = kim.ask('PUT', '/api/v1/sinks/there', {'url': 'http://127.0.0.1:9/', 'what': ['lots'], 'token': SINK})
        assert a.status == 200, a
        said += a.body + kim.ask('PUT', '/api/v1/sinks/there', {'url': 'http://127.0.0.1:9/', 'what': ['lots'], 'token': SINK + ' x'}).body
        said += kim.ask('POST', '/api/v1/sinks/there/test', {}).body
    made = kim.ask('POST', '/api/v1/tokens', {'name': 'gateway', 'role': 'owner'}).json()
    token = made['token']
    basic = base64.b64encode(f'telegraf:{token}'.encode()).decode()
    assert n.write('T v=1', u='telegraf', p=token).status == 204 and n.write('T v=2', headers={'Authorization': f'Basic {basic}'}).status == 204
    bearer = {'Authorization': f'Bearer {token}'}
    # As clients get it wrong: in a query that is refused, for a path that is none, with a body that is none, cut short.
    for method, path, headers in (('GET', f'/api/v1/lots?u=x&p={token}', {}), ('POST', f'/write?u=x&p={token}&precision=never', {}), ('GET', f'/query?p={token}&u=x&q=SELECT', {}),
            ('GET', f'/api/v1/none?token={token}', bearer), ('POST', '/api/v1/records', bearer), ('GET', '/api/v1/lots', {'Authorization': f'Bearer {token}x'}),
            ('DELETE', '/api/v1/lots', bearer), ('GET', '/api/v1/lots', {'Cookie': kim.cookie + 'x'}), ('POST', '/api/v1/records', {'Cookie': kim.cookie, 'X-Moru-CSRF': kim.session['csrf'][:-1]})):
        said += n.ask(method, path, headers=headers, body=b'{' if method == 'POST' else None).body
    cookie, csrf = kim.cookie.split('=', 1)[1], kim.session['csrf']
    raw = {'token': base64.urlsafe_b64decode(token[5:] + '='), 'cookie': base64.urlsafe_b64decode(cookie + '=')}
    keys = {name: key_secrets(n.folder / 'secrets' / name) for name in os.listdir(n.folder / 'secrets')}
    assert {'key.pem', 'ca.key', 'server.key'} <= set(keys)
    secrets = {what: forms(x) for what, x in {**p, 'token': token, 'token bytes': raw['token'], 'cookie': cookie, 'cookie bytes': raw['cookie'], 'csrf': csrf}.items()}
    for name, parts in keys.items():
        secrets[name] = set().union(*(forms(x) for x in parts))
    store = b''.join((n.folder / f).read_bytes() for f in ('store.db', 'store.db-wal') if (n.folder / f).exists())
    hashes = set(re.findall(rb'\$scrypt\$[^$]+\$[A-Za-z0-9+/.-]+\$[A-Za-z0-9+/.-]{20,}', store))
    assert hashes, 'the passwords are kept as something else'
    secrets['scrypt text'] = {h[-40:] for h in hashes}
    if sinks:
        secrets['token of a sink'] = forms(SINK)
    assert len(secrets) == 12 + len(keys) + sinks
    s = Search(secrets)
    # ---- out by every other ----
    s.look('what was answered to wrong requests', said)
    known = {'id': n_series(n, bearer), 'firm': 'F', 'number': MARK, 'code': 'M', 'name': 'gateway', 'import': up['id']}
    pages = marks = 0
    for path in routes(n):
        for who in ('cookie', 'socket'):
            at = filled(path, {**known, 'id': up['id'] if 'imports' in path else known['id']})
            a = kim.get(at) if who == 'cookie' else local(n, 'GET', at)
            pages += 1
            marks += MARK.encode() in a.body
            # Only who logs in is told the session's own CSRF text.
            s.look(f'GET {path} by {who}', a.body + str(a.headers).encode(), ('csrf',) if path == '/api/v1/session' and who == 'cookie' else ())
    assert pages > 60 and marks >= 4, (pages, marks)
    for path in ['/', '/healthz', '/metrics', '/ca.crt', '/openapi.json', *re.findall(r'(?:src|href)="(/[^"]+)"', kim.get('/').text)]:
        s.look(f'GET {path}', kim.get(path).body)
    assert 'moru_http_requests_total' in kim.get('/metrics').text
    for process in pathlib.Path('/proc').glob('[0-9]*'):  # what `ps e` shows of the node and its helper
        try:
            if (process / 'comm').read_text().startswith('moru'):
                s.look(f'{process.name} of ps', (process / 'cmdline').read_bytes() + (process / 'environ').read_bytes())
        except OSError:
            pass
    for table in ('asset', 'lot', 'event', 'series', 'signal', 'operation', 'case_'):
        s.look(f'moru sql {table}', ok('sql', n.folder, f'SELECT * FROM {table}', '--format', 'json'))
    for lang in ('ko', 'en'):
        s.look('moru check', ok('check', n.folder, lang=lang))
    made = backup(n.folder, tmp_path / 't')
    assert made.files
    if not SANITIZED:  # a sanitizer keeps crashes for itself
        n.process.send_signal(signal.SIGSEGV)
        n.process.wait(20)
        n.process = None
        n.start()
        assert list((n.folder / 'crashes').glob('*.txt'))
        s.look('crashes of the page', local(n, 'GET', '/api/v1/today').body)
    time.sleep(0.1)
    n.stop()
    assert not SANITIZER.search(n.log_text())
    s.look('log', n.log_text())
    # Every file by moru debug; the folder's own bytes but for where a secret belongs.
    for f in sorted(x for x in n.folder.rglob('*') if x.is_file()):
        name = str(f.relative_to(n.folder))
        r = moru('debug', f)
        s.look(f'moru debug {name}', r.stdout + r.stderr)
        allowed = (f.name, 'token of a sink') if name.startswith('secrets/sink-') else (f.name,) if name.startswith('secrets/') else ('scrypt text',) if name.startswith('store.db') else ()
        s.look(f'file {name}', f.read_bytes(), allowed)
    for f in sizes(tmp_path / 't'):
        s.look(f'backup {f}', f.read_bytes(), ('scrypt text',))  # the store is in it: whoever restores it logs in as before
    assert any(MARK.encode() in f.read_bytes() for f in sizes(tmp_path / 't')), 'pieces are not what they were: the search is blind'
    ok('restore', tmp_path / 't', tmp_path / 'r', '--as', 'copy')
    for f in (x for x in (tmp_path / 'r').rglob('*') if x.is_file()):
        s.look(f'restored {f.name}', f.read_bytes(), ('scrypt text',))
    ok('export', n.folder, tmp_path / 'e.zip')
    with zipfile.ZipFile(io.BytesIO((tmp_path / 'e.zip').read_bytes())) as z:
        for name in z.namelist():
            s.look(f'export {name}', z.read(name))
    print(f'{len(secrets)} secrets, {sum(map(len, secrets.values()))} shapes, {s.places} places')
    assert not s.found, s.found
    # With the keys they are in the backup: the search sees what is there.
    backup(n.folder, tmp_path / 'with', '--with-keys')
    for f in sizes(tmp_path / 'with'):
        s.look(f'with keys {f}', f.read_bytes(), ('scrypt text',))
    assert {what for what, _ in s.found} == {*keys, *(['token of a sink'] if sinks else [])}, s.found


def n_series(n, headers):
    return json.loads(n.get('/api/v1/signals', headers=headers).body)['items'][0]['id']


def routes(n):
    """Paths of all GET operations, with the names in them; streams have no end to look at."""
    doc = local(n, 'GET', '/api/v1/openapi.json').json()
    return [path for path, item in doc['paths'].items() if 'get' in item and 'text/event-stream' not in str(item['get'])]
