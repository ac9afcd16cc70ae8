"""TLS of the node: what it agrees to and what not, its certificate from the making to the renewal, given ones, as clients of others see it."""
import datetime
import http.client
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import time

import pytest

from conftest import MORU, ROOT, moru
from modbus_fake import wait_for

HANGUL = re.compile('[가-힣]')
STRONG = {'ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-AES256-GCM-SHA384', 'ECDHE-ECDSA-CHACHA20-POLY1305'}


def openssl(*args, input=None, ok=True, timeout=20):
    r = subprocess.run(['openssl', *map(str, args)], capture_output=True, input=input, timeout=timeout)
    assert not ok or r.returncode == 0, r.stderr.decode()
    return r


def settings(n, **values):
    """Sets keys of moru.yaml: mode='own', names='a, b', certificate=..., key=..."""
    y = n.folder / 'moru.yaml'
    s = y.read_text()
    for k, v in values.items():
        s, found = re.subn(rf'(?m)^  {k}: .*$', lambda m: f'  {k}: "{v}"', s)
        assert found == 1, k
    y.write_text(s)


def hup(n, word):
    """SIGHUP, until the log says that word."""
    at = len(n.log_text())
    os.kill(n.pid, signal.SIGHUP)
    return wait_for(lambda: f' {word}: ' in n.log_text()[at:] and n.log_text()[at:])


def client(n=None, ca=None):
    c = ssl.create_default_context(cafile=str(ca or n.folder / 'tls' / 'ca.crt'))
    c.minimum_version = ssl.TLSVersion.TLSv1_2
    return c


def connect(n, context=None, name='localhost'):
    s = socket.create_connection((n.host.strip('[]'), n.port), 10)
    try:
        return (context or client(n)).wrap_socket(s, server_hostname=name)
    except BaseException:
        s.close()
        raise


def session(n, context=None):
    return http.client.HTTPSConnection(n.host, n.port, timeout=10, context=context or client(n))


def ask(n, method, path, body=None, headers=None, context=None):
    return n.ask(method, path, body=body, headers=headers, connection=session(n, context))


def shown(n, context=None, name='localhost'):
    """The certificate that the node shows, as a dict of Python's, and its DER."""
    with connect(n, context, name) as s:
        return s.getpeercert(), s.getpeercert(True)


def names_of(cert):
    return {v for _, v in cert['subjectAltName']}


def days(cert):
    at = [ssl.cert_time_to_seconds(cert[k]) for k in ('notBefore', 'notAfter')]
    return (at[1] - at[0]) / 86400


@pytest.fixture
def tls_node(new_node):
    n = new_node(serve=False)
    settings(n, mode='own', names='moru.test.example')
    return n.start()


@pytest.fixture(scope='module')
def authority(tmp_path_factory):
    """Somebody else's CA, and what it gives: make(name, days=...) -> (certificate, key)."""
    d = tmp_path_factory.mktemp('authority')
    openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', d / 'ca.key', '-out', d / 'ca.crt', '-days', 100,
        '-subj', '/CN=Somebody Else')

    def make(name, expires='20361122000000Z', begins='20200101000000Z', ca=(d / 'ca.crt', d / 'ca.key'), names='DNS:localhost,IP:127.0.0.1,DNS:given.example', key=('ec', 'ec_paramgen_curve:P-256')):
        crt, k = d / f'{name}.crt', d / f'{name}.key'
        (d / 'ext').write_text(f'subjectAltName={names}\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n')
        openssl('req', '-new', '-newkey', key[0], '-pkeyopt', key[1], '-nodes', '-keyout', k, '-out', d / 'csr', '-subj', f'/CN={name}')
        db = d / f'db-{name}'
        shutil.rmtree(db, ignore_errors=True)
        db.mkdir()
        (db / 'index').touch()
        (db / 'cnf').write_text(f'[ca]\ndefault_ca=d\n[d]\ndatabase={db}/index\nnew_certs_dir={db}\nrand_serial=yes\ndefault_md=sha256\npolicy=p\nx509_extensions=v3\n'
            f'[p]\ncommonName=supplied\n[v3]\n' + (d / 'ext').read_text())
        openssl('ca', '-batch', '-notext', '-config', db / 'cnf', '-cert', ca[0], '-keyfile', ca[1], '-startdate', begins, '-enddate', expires, '-in', d / 'csr',
            '-out', crt)
        return crt, k
    make.ca = d / 'ca.crt'
    return make


# ---- what init makes ----
def test_init_makes_an_authority_and_a_certificate(new_node):
    n = new_node('--name', '예시사출', serve=False)
    f = n.folder
    for name in ('ca.key', 'server.key'):
        assert oct((f / 'secrets' / name).stat().st_mode)[-3:] == '600'
    assert b'PRIVATE' not in (f / 'tls/ca.crt').read_bytes() + (f / 'tls/server.crt').read_bytes()
    for name in ('localhost', socket.gethostname()):
        openssl('verify', '-x509_strict', '-auth_level', 2, '-CAfile', f / 'tls/ca.crt', '-purpose', 'sslserver', '-verify_hostname', name, f / 'tls/server.crt')
    openssl('verify', '-x509_strict', '-CAfile', f / 'tls/ca.crt', '-purpose', 'sslserver', '-verify_ip', '127.0.0.1', f / 'tls/server.crt')
    assert openssl('verify', '-CAfile', f / 'tls/ca.crt', '-verify_hostname', 'elsewhere', f / 'tls/server.crt', ok=False).returncode != 0
    text = openssl('x509', '-in', f / 'tls/ca.crt', '-noout', '-text', '-nameopt', 'utf8').stdout.decode()
    assert '예시사출' in text and json.loads((f / 'node.json').read_text())['id'][-12:] in text and 'CA:TRUE, pathlen:0' in text
    for crt, least, most in (('tls/ca.crt', 7304, 7306), ('tls/server.crt', 396, 397)):
        begin, end = (datetime.datetime.strptime(x.split('=')[1], '%b %d %H:%M:%S %Y GMT') for x in
            openssl('x509', '-in', f / crt, '-noout', '-dates').stdout.decode().strip().split('\n'))
        assert least <= (end - begin) / datetime.timedelta(days=1) <= most
        assert datetime.timedelta(0) < datetime.datetime.utcnow() - begin < datetime.timedelta(days=2)
    # Off by default: the port speaks plain HTTP, and the CA's certificate can be had all the same.
    n.start()
    assert 'moru: ready on http://127.0.0.1:' in n.log_text()
    a = n.get('/ca.crt')
    assert a.status == 200 and a.headers['Content-Type'] == 'application/x-x509-ca-cert' and a.body == (f / 'tls/ca.crt').read_bytes()
    assert 'moru_tls_certificate' not in n.get('/metrics').text


def test_a_folder_of_before_gets_them(new_node):
    n = new_node(serve=False)
    for p in ('secrets/ca.key', 'secrets/server.key'):
        (n.folder / p).unlink()
    shutil.rmtree(n.folder / 'tls')
    assert moru('check', n.folder).returncode == 0 and not (n.folder / 'tls').exists()  # for serving alone
    n.start().stop()
    made = {p: (n.folder / p).read_bytes() for p in ('secrets/ca.key', 'secrets/server.key', 'tls/ca.crt', 'tls/server.crt')}
    n.start().stop()
    assert made == {p: (n.folder / p).read_bytes() for p in made}
    assert not list(n.folder.rglob('*.tmp')) and not (n.folder / 'secrets/server.next').exists()


# ---- what is agreed ----
def test_https(tls_node):
    n = tls_node
    assert n.log_text().count('moru: ready on https://127.0.0.1:') == 1
    assert ask(n, 'GET', '/healthz').json() == {'status': 'ok'}
    for name in ('localhost', '127.0.0.1', 'moru.test.example', socket.gethostname()):
        cert, _ = shown(n, name=name)
        assert {'localhost', '127.0.0.1', 'moru.test.example'} <= names_of(cert) and days(cert) <= 397
    with pytest.raises(ssl.SSLCertVerificationError, match='mismatch'):
        connect(n, name='elsewhere.example')
    with pytest.raises(ssl.SSLCertVerificationError):
        connect(n, ssl.create_default_context())
    with connect(n) as s:
        assert s.version() == 'TLSv1.3' and s.compression() is None and s.selected_alpn_protocol() is None
    c = client(n)
    c.set_alpn_protocols(['h2', 'http/1.1'])
    with connect(n, c) as s:
        assert s.selected_alpn_protocol() == 'http/1.1'
    # The page's own address, and nobody else's.
    own = f'https://localhost:{n.port}'
    assert ask(n, 'POST', '/write', 'm v=1', {'Host': f'localhost:{n.port}', 'Origin': own}).status == 204
    assert ask(n, 'POST', '/write', 'm v=1', {'Host': f'localhost:{n.port}', 'Origin': own.replace('https', 'http')}).status == 403
    assert ask(n, 'GET', '/api/v1/node', headers={'Host': f'Moru.test.example:{n.port}'}).status == 200
    assert ask(n, 'GET', '/api/v1/node', headers={'Host': 'evil.example'}).status == 403
    # The socket in the folder stays as it is: commands use it.
    assert moru('sql', n.folder, 'SELECT 1').returncode == 0
    s = socket.socket(socket.AF_UNIX)
    s.connect(str(n.folder / 'run/moru.sock'))
    s.sendall(b'GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
    assert s.recv(4096).startswith(b'HTTP/1.1 200')
    s.close()
    told = {m for m in re.findall(r'(?m)^# TYPE (moru_tls_\w+)', ask(n, 'GET', '/metrics').text)}
    assert len(told) == 3 and all(f'`{m}`' in (ROOT / 'docs/metrics.md').read_text() for m in told)


def agreed(n, version, ciphers):
    """What TLS 1.2 or older agrees on with these suites, or None."""
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    c.check_hostname, c.verify_mode = False, ssl.CERT_NONE
    try:
        c.set_ciphers(ciphers + ':@SECLEVEL=0')
    except ssl.SSLError:
        return None  # not even this client has it
    c.minimum_version, c.maximum_version = ssl.TLSVersion.MINIMUM_SUPPORTED, version
    try:
        with connect(n, c) as s:
            return s.version(), s.cipher()[0]
    except (ssl.SSLError, OSError):
        return None


@pytest.mark.filterwarnings('ignore::DeprecationWarning')
def test_versions_and_suites(tls_node):
    n = tls_node
    for v in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        assert agreed(n, v, 'ALL') is None
    every = openssl('ciphers', 'ALL:COMPLEMENTOFALL:@SECLEVEL=0').stdout.decode().strip().split(':')
    tried = [c for c in every if not c.startswith('TLS_')]
    assert len(tried) > 50
    taken = {c for c in tried if agreed(n, ssl.TLSVersion.TLSv1_2, c)}
    assert taken == STRONG
    assert agreed(n, ssl.TLSVersion.TLSv1_2, 'ALL')[1] in STRONG
    for suite in ('TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256', 'TLS_AES_128_CCM_SHA256', 'TLS_AES_128_CCM_8_SHA256'):
        r = openssl('s_client', '-connect', f'127.0.0.1:{n.port}', '-tls1_3', '-ciphersuites', suite, input=b'', ok=False)
        assert (f'Cipher is {suite}'.encode() in r.stdout) == ('CCM' not in suite), r.stdout
    for group, good in (('X25519', True), ('P-256', True), ('P-384', True), ('ffdhe2048', False), ('P-521', False)):
        r = openssl('s_client', '-connect', f'127.0.0.1:{n.port}', '-tls1_3', '-groups', group, input=b'', ok=False)
        assert (b'Cipher is TLS_' in r.stdout) == good, (group, r.stdout)
    metrics = ask(n, 'GET', '/metrics').text
    assert int(re.search(r'(?m)^moru_tls_handshakes_failed_total (\d+)', metrics)[1]) >= len(tried) - len(STRONG) - 5  # those this client lacks aside


def test_no_compression_renegotiation_or_resumption(tls_node):
    n = tls_node
    where = ['s_client', '-connect', f'127.0.0.1:{n.port}', '-CAfile', n.folder / 'tls/ca.crt', '-verify_return_error', '-verify_hostname', 'localhost']
    p = subprocess.Popen(['openssl', *map(str, where), '-tls1_2', '-comp', '-msg'], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    time.sleep(0.4)
    p.stdin.write(b'R\n')
    p.stdin.flush()
    time.sleep(0.4)
    out = p.communicate(b'Q\n', timeout=10)[0].decode(errors='replace')
    assert 'Compression: NONE' in out and 'Verify return code: 0 (ok)' in out
    assert 'RENEGOTIATING' in out and 'no_renegotiation' in out and out.count(', ServerHello\n') == 1, out
    for version in ('-tls1_2', '-tls1_3'):
        out = openssl(*where, version, '-reconnect', input=b'Q\n', ok=False).stdout.decode(errors='replace')
        assert out.count('New, TLSv1.') == 6 and 'Reused' not in out and 'TLS session ticket' not in out, out
    out = openssl(*where, '-tls1_3', '-status', '-early_data', '/dev/null', input=b'Q\n', ok=False).stdout.decode(errors='replace')
    assert 'Early data was accepted' not in out


def test_plain_http_on_the_tls_port(tls_node):
    got = tls_node.raw(b'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
    assert got.startswith(b'HTTP/1.1 400 ') and b'https://' in got and HANGUL.search(got.decode())
    assert tls_node.raw(b'\x01\x02\x03') == b''
    assert ask(tls_node, 'GET', '/healthz').status == 200


def test_much_both_ways(tls_node):
    n = tls_node
    lines = '\n'.join(f'big v={i}.25,text="{"x" * 60}" {1763770000000000000 + i * 1000000}' for i in range(60000))
    assert len(lines) > 5e6
    assert ask(n, 'POST', '/write?db=x', lines).status == 204
    c = session(n)

    def signals():
        return n.ask('GET', '/api/v1/signals?asset=big', connection=c).json()['items']
    series = wait_for(lambda: [s['id'] for s in signals() if s['name'] == 'text'])[0]
    a = n.ask('GET', f'/api/v1/series/{series}/values?limit=10000', connection=c)
    assert a.status == 200 and len(a.body) > 600000 and len(a.json()['v']) == 10000 and set(a.json()['v']) == {'x' * 60}
    a = ask(n, 'POST', '/query', 'q=SELECT+v+FROM+big&epoch=ms', {'Content-Type': 'application/x-www-form-urlencoded'})
    assert [r[1] for r in a.json()['results'][0]['series'][0]['values']] == [i + 0.25 for i in range(60000)]
    c.close()


# ---- renewal ----
def test_new_names_at_sighup(tls_node):
    n = tls_node
    kept = session(n)
    assert n.ask('GET', '/healthz', connection=kept).status == 200
    _, before = shown(n)
    ca = (n.folder / 'tls/ca.crt').read_bytes()
    settings(n, names='other.test.example, 192.0.2.7')
    said = hup(n, 'tls_made')
    assert ' info tls_made: ' in said and 'other.test.example, 192.0.2.7' in said and 'server.crt' in said
    wait_for(lambda: shown(n)[1] != before)
    cert, after = shown(n, name='other.test.example')
    assert 'moru.test.example' not in names_of(cert) and '192.0.2.7' in names_of(cert)
    assert ssl.PEM_cert_to_DER_cert((n.folder / 'tls/server.crt').read_text()) == after and (n.folder / 'tls/ca.crt').read_bytes() == ca
    sock = kept.sock
    assert n.ask('GET', '/healthz', connection=kept).status == 200 and kept.sock is sock and sock.getpeercert(True) == before
    kept.close()
    hup(n, 'settings_reloaded')  # nothing to do
    n.stop()
    n.start()
    assert shown(n)[1] == after and n.log_text().count('tls_made') == 2  # at the first start, and by the names


def test_a_name_that_is_none(tls_node):
    n = tls_node
    _, before = shown(n)
    settings(n, names='not_a_name')
    said = hup(n, 'setting_value')
    assert 'listen.names' in said and 'not_a_name' in said
    assert shown(n)[1] == before


@pytest.mark.parametrize('when', ['start', 'sighup'])
def test_renewed_when_it_ends_soon(new_node, authority, when):
    n = new_node(serve=False)
    settings(n, mode='own')
    f = n.folder

    def put(left):
        end = (datetime.datetime.utcnow() + datetime.timedelta(days=left)).strftime('%Y%m%d%H%M%SZ')
        own = ','.join(('IP:' if re.match(r'[\d.:]+$', x) else 'DNS:') + x for x in sorted({'localhost', '127.0.0.1', '::1', socket.gethostname().lower()}))
        crt, key = authority('soon', expires=end, ca=(f / 'tls/ca.crt', f / 'secrets/ca.key'), names=own)
        shutil.copy(crt, f / 'tls/server.crt')
        shutil.copy(key, f / 'secrets/server.key')
        return ssl.PEM_cert_to_DER_cert(crt.read_text())
    if when == 'sighup':
        n.start()
    short, enough = 29, 31
    stays = put(enough)
    if when == 'start':
        n.start()
        assert shown(n)[1] == stays and 'tls_made' not in n.log_text()
        n.stop()
        ends = put(short)
        n.start()
    else:
        assert 'tls_replaced' in hup(n, 'tls_replaced')  # somebody put it there: it is taken
        wait_for(lambda: shown(n)[1] == stays)
        ends = put(short)
        hup(n, 'tls_made')
    wait_for(lambda: shown(n)[1] not in (stays, ends))
    cert, _ = shown(n)
    assert days(cert) > 396 and n.log_text().count(' tls_made: ') == 1
    end = int(re.search(r'(?m)^moru_tls_certificate_expiry_seconds (\d+)', ask(n, 'GET', '/metrics').text)[1])
    assert end == ssl.cert_time_to_seconds(cert['notAfter'])


def test_without_the_authoritys_key(new_node):
    n = new_node(serve=False)
    settings(n, mode='own')
    (n.folder / 'secrets/ca.key').unlink()
    for lang, word in (('en', 'no new certificate can be signed'), ('ko', '서명할 수 없습니다')):
        r = moru('serve', n.folder, '--listen', '127.0.0.1:0', lang=lang)
        assert r.returncode == 1 and word in r.stderr.decode() and 'ca.key' in r.stderr.decode() and 'ca.crt' in r.stderr.decode()
    settings(n, mode='off')
    n.start()
    assert n.get('/healthz').status == 200


# ---- given ones ----
def test_given(new_node, authority):
    n = new_node(serve=False)
    crt, key = authority('first')
    settings(n, mode='given', certificate=crt, key=key)
    n.start()
    c = client(ca=authority.ca)
    cert, first = shown(n, c, 'given.example')
    assert first == ssl.PEM_cert_to_DER_cert(crt.read_text())
    assert f'moru_tls_certificate_expiry_seconds {ssl.cert_time_to_seconds(cert["notAfter"])}\n' in ask(n, 'GET', '/metrics', context=c).text
    ask(n, 'GET', '/ca.crt', context=c).problem(404, 'api_no_ca')  # it would not help anybody
    # Another is taken without a restart; a connection of before goes on.
    kept = session(n, c)
    assert n.ask('GET', '/healthz', connection=kept).status == 200
    crt2, key2 = authority('second')
    settings(n, certificate=crt2, key=key2)
    assert 'second.crt' in hup(n, 'tls_replaced')
    wait_for(lambda: shown(n, c)[1] == ssl.PEM_cert_to_DER_cert(crt2.read_text()))
    assert n.ask('GET', '/healthz', connection=kept).status == 200
    kept.close()
    # Renewed in its place by whoever keeps it.
    for p, q in ((crt, crt2), (key, key2)):
        shutil.copy(p, q)
    hup(n, 'tls_replaced')
    wait_for(lambda: shown(n, c)[1] == first)
    # One that ends soon is taken, and told.
    soon = (datetime.datetime.utcnow() + datetime.timedelta(days=9)).strftime('%Y%m%d%H%M%SZ')
    crt3, key3 = authority('third', expires=soon)
    settings(n, certificate=crt3, key=key3)
    assert 'third.crt' in hup(n, 'tls_ends_soon')
    wait_for(lambda: shown(n, c)[1] == ssl.PEM_cert_to_DER_cert(crt3.read_text()))


def test_given_ones_that_are_no_good(new_node, authority, tmp_path):
    n = new_node(serve=False)
    crt, key = authority('good')
    other_crt, other_key = authority('other')
    weak_crt, weak_key = authority('weak', key=('rsa', 'rsa_keygen_bits:1024'))
    noise = tmp_path / 'noise.pem'
    noise.write_text('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n')
    locked = tmp_path / 'locked.key'
    openssl('pkcs8', '-topk8', '-in', key, '-out', locked, '-passout', 'pass:secret')
    bad = [((crt, other_key), 'pki_key_other', ['other.key', 'good.crt']), ((noise, key), 'pki_no_certificate', ['noise.pem', 'BEGIN CERTIFICATE']),
        ((crt, noise), 'pki_no_key', ['noise.pem']), ((crt, locked), 'pki_no_key', ['locked.key', 'unencrypted']), ((tmp_path / 'none.crt', key), 'os_error', ['none.crt']),
        ((crt, 'none.key'), 'os_error', [str(n.folder / 'none.key')]), ((weak_crt, weak_key), 'tls_refused', ['weak.crt', 'key too small']), (('', key), 'tls_given_which', ['tls.certificate', 'moru.yaml']),
        ((crt, ''), 'tls_given_which', ['tls.key', 'moru.yaml'])]
    for (c, k), _, words in bad:
        settings(n, mode='given', certificate=c, key=k)
        r = moru('serve', n.folder, '--listen', '127.0.0.1:0')
        assert r.returncode == 1 and all(w in r.stderr.decode() for w in words), (c, k, r.stderr.decode())
        assert HANGUL.search(moru('serve', n.folder, '--listen', '127.0.0.1:0', lang='ko').stderr.decode())
    # While it runs, the one in use stays.
    settings(n, certificate=crt, key=key)
    n.start()
    now = ssl.PEM_cert_to_DER_cert(crt.read_text())
    over_crt, over_key = authority('over', expires='20250101000000Z')
    early_crt, early_key = authority('early', begins='20360101000000Z')
    bad += [((over_crt, over_key), 'pki_expired', ['over.crt', '2025-01-01']), ((early_crt, early_key), 'pki_not_yet', ['early.crt', '2036-01-01'])]
    for (c, k), code, words in bad:
        settings(n, certificate=c, key=k)
        said = hup(n, 'tls_kept')
        assert f' error {code}: ' in said and all(w in said for w in words), (c, k, said)
        assert shown(n, client(ca=authority.ca))[1] == now
    settings(n, certificate=other_crt, key=other_key)
    hup(n, 'tls_replaced')
    # A key never gets into the log.
    for k in (key, other_key, weak_key):
        assert not any(line in n.log_text() for line in k.read_text().splitlines()[1:-1])


def test_an_expired_one_at_the_start_is_told_and_shown(new_node, authority):
    """A power cut at night must not keep the machines' values out: whoever connects is told by the certificate itself."""
    n = new_node(serve=False)
    crt, key = authority('old', expires='20250101000000Z')
    settings(n, mode='given', certificate=crt, key=key)
    n.start()
    assert ' error pki_expired: ' in n.log_text()
    with pytest.raises(ssl.SSLCertVerificationError, match='expired'):
        connect(n, client(ca=authority.ca))
    assert moru('sql', n.folder, 'SELECT 1').returncode == 0


# ---- in words ----
def test_debug_explains_certificates_and_no_keys(tls_node):
    f = tls_node.folder
    for p, words in (('tls/ca.crt', ['authority', 'Our factory']), ('tls/server.crt', ['moru.test.example', 'localhost', '127.0.0.1', '::1'])):
        r = moru('debug', f / p)
        finger = openssl('x509', '-in', f / p, '-noout', '-fingerprint', '-sha256').stdout.decode().strip().split('=')[1]
        assert r.returncode == 0 and finger in r.stdout.decode() and all(w in r.stdout.decode() for w in words), r
        assert HANGUL.search(moru('debug', f / p, lang='ko').stdout.decode())
    chain = f / 'chain.pem'
    chain.write_bytes((f / 'tls/server.crt').read_bytes() + (f / 'tls/ca.crt').read_bytes())
    assert moru('debug', chain).stdout.count(b'SHA-256') == 2
    chain.write_bytes((f / 'tls/server.crt').read_bytes()[:300])
    r = moru('debug', chain)
    assert r.returncode == 1 and 'chain.pem' in r.stderr.decode()
    for p in ('ca.key', 'server.key', 'key.pem'):
        r = moru('debug', f / 'secrets' / p)
        lines = (f / 'secrets' / p).read_text().splitlines()[1:-1]
        assert r.returncode == 0 and b'secret' in r.stdout and not any(x.encode() in r.stdout + r.stderr for x in lines)
    chain.write_bytes((f / 'tls/server.crt').read_bytes() + (f / 'secrets/server.key').read_bytes())
    assert b'secret' in moru('debug', chain).stdout and b'SHA-256' not in moru('debug', chain).stdout


def test_other_addresses_need_tls_and_an_account(new_node):
    n = new_node(serve=False)
    for mode, words in (('off', ['TLS', 'account']), ('own', ['account'])):
        settings(n, mode=mode)
        r = moru('serve', n.folder, '--listen', '0.0.0.0:0')
        assert r.returncode == 2 and all(w in r.stderr.decode() for w in words + ['0.0.0.0', 'loopback']), r
        assert ('TLS' in r.stderr.decode()) == (mode == 'off')
    assert moru('passwd', n.folder, 'kim', input=b'correct-horse-9\n').returncode == 0
    settings(n, mode='off')
    r = moru('serve', n.folder, '--listen', '0.0.0.0:0')
    assert r.returncode == 2 and 'TLS' in r.stderr.decode() and 'account' not in r.stderr.decode(), r


# Run in the node's network: brings an alias of lo up with an address (SIOCSIFADDR, SIOCSIFFLAGS; netdevice(7)).
ADD = '''
import fcntl, socket, struct, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
name, address = sys.argv[1].encode(), socket.inet_aton(sys.argv[2])
fcntl.ioctl(s, 0x8916, struct.pack('16sH2x4s8x', name, socket.AF_INET, address))
fcntl.ioctl(s, 0x8914, struct.pack('16sH14x', name, 0x41))
'''
# Asks there for the page, by that address and the name behind it; prints the status.
ASK = '''
import http.client, ssl, sys
c = http.client.HTTPSConnection(sys.argv[1], int(sys.argv[2]), timeout=10, context=ssl.create_default_context(cafile=sys.argv[3]))
c.request('GET', '/healthz', headers={'Host': sys.argv[4] + ':' + sys.argv[2]})
print(c.getresponse().status)
'''


def test_all_addresses_are_in_its_certificate_by_themselves(new_node, tmp_path):
    """What the PC has at the start, and what it gets later; the Host check knows them, too."""
    if subprocess.run(['unshare', '-n', 'true'], capture_output=True).returncode != 0:
        pytest.skip('no network namespace may be made here')
    n = new_node(serve=False)
    settings(n, mode='own')
    assert moru('passwd', n.folder, 'kim', input=b'correct-horse-9\n').returncode == 0
    log = tmp_path / 'ns.log'

    def inside(pid, *args):
        return subprocess.run(['nsenter', '-t', str(pid), '-n', 'python3', '-c', *args], capture_output=True, timeout=20)

    keeper = subprocess.Popen(['unshare', '-n', 'sleep', '60'])
    p = None
    try:
        wait_for(lambda: os.readlink(f'/proc/{keeper.pid}/ns/net') != os.readlink('/proc/self/ns/net'))
        for name, address in (('lo', '127.0.0.1'), ('lo:1', '10.1.2.3'), ('lo:2', '169.254.3.4')):
            assert (r := inside(keeper.pid, ADD, name, address)).returncode == 0, r.stderr
        with open(log, 'wb') as out:
            p = subprocess.Popen(['nsenter', '-t', str(keeper.pid), '-n', MORU, '--lang', 'en', 'serve', str(n.folder), '--listen', '0.0.0.0:0'], stdin=subprocess.DEVNULL,
                stdout=out, stderr=out)
        ready = wait_for(lambda: re.search(rb'moru: ready on https://0.0.0.0:(\d+)', log.read_bytes()))
        port = ready[1].decode()

        def asked(address, host):
            return inside(keeper.pid, ASK, address, port, str(n.folder / 'tls/ca.crt'), host).stdout.strip()

        assert asked('10.1.2.3', '10.1.2.3') == b'200' and asked('10.1.2.3', 'localhost') == b'200'
        assert asked('10.1.2.3', '10.1.2.4') == b'403' and asked('169.254.3.4', '10.1.2.3') == b''
        assert inside(keeper.pid, ADD, 'lo:3', '10.1.2.4').returncode == 0
        assert asked('10.1.2.4', '10.1.2.4') == b''  # not yet: its certificate is for others
        wait_for(lambda: asked('10.1.2.4', '10.1.2.4') == b'200')
        assert asked('10.1.2.3', '10.1.2.3') == b'200' and b'10.1.2.3, 10.1.2.4' in log.read_bytes()
    finally:
        if p:
            p.terminate()
            assert p.wait(30) == 0
        keeper.terminate()
        keeper.wait()


def test_all_addresses_with_tls_and_an_account(new_node, tmp_path):
    """In a network of its own, which nobody else reaches."""
    if subprocess.run(['unshare', '-n', 'true'], capture_output=True).returncode != 0:
        pytest.skip('no network namespace may be made here')
    n = new_node(serve=False)
    settings(n, mode='own')
    assert moru('passwd', n.folder, 'kim', input=b'correct-horse-9\n').returncode == 0
    log = tmp_path / 'ns.log'
    with open(log, 'wb') as out:
        p = subprocess.Popen(['unshare', '-n', MORU, '--lang', 'en', 'serve', str(n.folder), '--listen', '0.0.0.0:0'], stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        end = time.monotonic() + 30
        while b'moru: ready on https://0.0.0.0:' not in log.read_bytes():
            assert p.poll() is None and time.monotonic() < end, log.read_text()
            time.sleep(0.02)
        r = moru('sql', n.folder, 'SELECT 1 AS one', '--format', 'csv')  # the folder's owner, by its socket
        assert r.returncode == 0 and r.stdout.split() == [b'one', b'1'], r
    finally:
        p.terminate()
        assert p.wait(30) == 0
