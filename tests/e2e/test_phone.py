"""A phone comes to believe the node: the QR codes, the page they lead to, the certificate in the forms that devices take."""
import hashlib
import html
import json
import os
import plistlib
import re
import ssl
import subprocess
import sys

import pytest

from conftest import MORU, moru
from modbus_fake import wait_for
from qr import read
from test_tls import ADD, ask, openssl, settings

PASSWORD = 'correct-horse-9'


def print_of(n):
    out = openssl('x509', '-in', n.folder / 'tls/ca.crt', '-noout', '-fingerprint', '-sha256').stdout.decode()
    return out.strip().split('=')[1]


@pytest.fixture(scope='module')
def node(tmp_path_factory):
    from conftest import Node
    n = Node(tmp_path_factory.mktemp('phone') / 'node').init('--name', '예시 <사출> & "금형"')
    settings(n, mode='own', names='moru.factory.example, 192.168.0.10')
    n.start()
    yield n
    n.stop()


def words(a):
    return html.unescape(re.sub('<[^>]+>', ' ', a.text))


def test_the_page_for_devices(node):
    """Open to whoever has no account yet; both languages; the fingerprint; nothing that runs, nothing from elsewhere."""
    for headers, path, lang in (({'Accept-Language': 'ko-KR,ko;q=0.9,en;q=0.8'}, '/ca', 'ko'), ({'Accept-Language': 'en-US'}, '/ca', 'en'), ({'Accept-Language': 'de'}, '/ca', 'en'),
                                ({'Accept-Language': 'en'}, '/ca?lang=ko', 'ko'), ({'Accept-Language': 'ko'}, '/ca?lang=en', 'en'), ({}, '/ca', 'en')):
        a = ask(node, 'GET', path, headers=headers)
        assert a.status == 200 and a.headers['Content-Type'] == 'text/html; charset=utf-8' and 'Set-Cookie' not in a.headers
        assert f'<html lang="{lang}">' in a.text and print_of(node) in a.text
        text = words(a)
        assert ('지문' in text and '믿게' not in text) if lang == 'ko' else ('fingerprint' in text and not re.search('[가-힣]', text.replace('예시 <사출> & "금형"', '').replace('한국어', '')))
        assert all(w in text for w in ('Android', 'iPhone', 'Windows', '예시 <사출> & "금형"'))
        assert '<사출>' not in a.text and '<script' not in a.text and not re.search(r'(src|href)="(?!/)', a.text)
        assert a.headers['Content-Security-Policy'].startswith("default-src 'none'") and a.headers['Cache-Control'] == 'no-store'
    assert ask(node, 'GET', '/ca?lang=de').status == 400


def test_the_certificate_as_devices_take_it(node):
    a = ask(node, 'GET', '/ca.crt')
    assert a.status == 200 and a.headers['Content-Type'] == 'application/x-x509-ca-cert' and 'moru-ca.crt' in a.headers['Content-Disposition']
    der = ssl.PEM_cert_to_DER_cert(a.text)
    assert hashlib.sha256(der).hexdigest().upper() == print_of(node).replace(':', '')
    a = ask(node, 'GET', '/ca.mobileconfig', headers={'Accept-Language': 'ko'})
    assert a.status == 200 and a.headers['Content-Type'] == 'application/x-apple-aspen-config' and 'moru.mobileconfig' in a.headers['Content-Disposition']
    p = plistlib.loads(a.body)
    assert p['PayloadType'] == 'Configuration' and p['PayloadVersion'] == 1 and '예시 <사출> & "금형"' in p['PayloadDisplayName']
    [inner] = p['PayloadContent']
    assert inner['PayloadType'] == 'com.apple.security.root' and inner['PayloadContent'] == der
    ids = [p['PayloadUUID'], inner['PayloadUUID']]
    assert len(set(ids)) == 2 and all(re.fullmatch('[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}', i) for i in ids)
    assert ask(node, 'GET', '/ca.mobileconfig').body != b'' and plistlib.loads(ask(node, 'GET', '/ca.mobileconfig').body)['PayloadUUID'] == p['PayloadUUID']


def test_only_what_can_be_reached_is_offered(node):
    """On loopback nothing; who lacks TLS or a CA is told so."""
    a = ask(node, 'GET', '/api/v1/phone').json()
    assert a['places'] == [] and a['tls'] and not a['others'] and a['ca']['sha256'] == print_of(node)


def test_without_tls_and_with_a_given_certificate(new_node):
    n = new_node()
    a = n.get_json('/api/v1/phone')
    assert a['places'] == [] and not a['tls'] and a['ca']['sha256'] == print_of(n)
    assert n.get('/ca').status == 200
    n.stop()
    settings(n, mode='given', certificate='tls/server.crt', key='secrets/server.key')
    n.start()
    a = ask(n, 'GET', '/api/v1/phone').json()
    assert a['places'] == [] and a['tls'] and a['ca'] is None
    for path in ('/ca', '/ca.mobileconfig', '/ca.crt'):
        ask(n, 'GET', path).problem(404, 'api_no_ca')


# Run in the node's network: logs in by that address and prints what the page gets; then follows each code, as a phone would.
FOLLOW = '''
import http.client, json, ssl, sys
host, port, ca = sys.argv[1], int(sys.argv[2]), sys.argv[3]
def ask(method, path, body=None, headers={}, where=host):
    c = http.client.HTTPSConnection(where, port, timeout=10, context=ssl.create_default_context(cafile=ca))
    c.request(method, path, body=body, headers=headers)
    r = c.getresponse()
    return r.status, r.headers, r.read().decode()
status, h, _ = ask('POST', '/api/v1/session', json.dumps({'name': 'kim', 'password': 'correct-horse-9'}), {'Content-Type': 'application/json'})
assert status == 200, status
assert ask('GET', '/api/v1/phone')[0] == 401
got = json.loads(ask('GET', '/api/v1/phone', headers={'Cookie': h['Set-Cookie'].split(';')[0]})[2])
got['followed'] = [ask('GET', '/ca', where=p['host'])[0] for p in got['places'] if p['host'].startswith('10.')]
print(json.dumps(got))
'''


def test_the_codes_lead_to_the_node(new_node, tmp_path):
    """On all addresses, in a network of its own: each code, read by another program, is an address of the certificate at which /ca is."""
    if subprocess.run(['unshare', '-n', 'true'], capture_output=True).returncode != 0:
        pytest.skip('no network namespace may be made here')
    n = new_node(serve=False)
    settings(n, mode='own', names='moru.factory.example')
    assert moru('passwd', n.folder, 'kim', input=PASSWORD.encode() + b'\n').returncode == 0
    log, p = tmp_path / 'ns.log', None
    keeper = subprocess.Popen(['unshare', '-n', 'sleep', '60'])

    def inside(*args):
        r = subprocess.run(['nsenter', '-t', str(keeper.pid), '-n', sys.executable, '-c', *args], capture_output=True, timeout=20)
        assert r.returncode == 0, r.stderr.decode()
        return r.stdout

    try:
        wait_for(lambda: os.readlink(f'/proc/{keeper.pid}/ns/net') != os.readlink('/proc/self/ns/net'))
        for name, address in (('lo', '127.0.0.1'), ('lo:1', '10.1.2.3'), ('lo:2', '10.9.8.7')):
            inside(ADD, name, address)
        with open(log, 'wb') as out:
            p = subprocess.Popen(['nsenter', '-t', str(keeper.pid), '-n', MORU, '--lang', 'en', 'serve', str(n.folder), '--listen', '0.0.0.0:0'], stdin=subprocess.DEVNULL,
                stdout=out, stderr=out)
        port = wait_for(lambda: re.search(rb'moru: ready on https://0.0.0.0:(\d+)', log.read_bytes()))[1].decode()
        got = json.loads(inside(FOLLOW, '10.1.2.3', port, str(n.folder / 'tls/ca.crt')))
    finally:
        if p:
            p.terminate()
            assert p.wait(30) == 0
        keeper.terminate()
        keeper.wait()
    hosts = [x['host'] for x in got['places']]
    assert hosts[:2] == ['10.1.2.3', '10.9.8.7'] and 'moru.factory.example' in hosts and not {'localhost', '127.0.0.1', '::1', '0.0.0.0'} & set(hosts)
    assert got['followed'] == [200, 200] and got['tls'] and got['others'] and got['ca']['sha256'] == print_of(n)
    for x in got['places']:
        assert x['url'] == f'https://{x["host"]}:{port}/ca'
        assert read(x['size'], x['path']) == [x['url']]
    assert set(hosts) <= {v for k, v in ssl._ssl._test_decode_cert(str(n.folder / 'tls/server.crt'))['subjectAltName']}
