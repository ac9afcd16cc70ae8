"""Trust: a receiver of another firm's authority gets nothing before the owner has accepted its certificate, and then everything, once, in order."""
import base64
import re
import ssl
import subprocess
import time

import pytest

from test_outbox import Receiver, free_port, in_order, lots, numbers, sink, state, until


def certificate(d, name, names='IP:127.0.0.1', ca=None):
    """A pair below d: signed by ca, or by itself (and then of an authority, as most tools make them)."""
    crt, key = d / f'{name}.crt', d / f'{name}.key'
    sign = ['-CA', ca[0], '-CAkey', ca[1], '-addext', 'basicConstraints=CA:FALSE'] if ca else []
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30', '-keyout', key, '-out', crt,
        '-subj', f'/CN={name}', *(['-addext', f'subjectAltName={names}'] if names else []), *sign], check=True, capture_output=True, timeout=20)
    return crt, key


def context(pair):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    c.load_cert_chain(*pair)
    return c


def fingerprint(pair):
    out = subprocess.run(['openssl', 'x509', '-in', pair[0], '-noout', '-fingerprint', '-sha256'], check=True, capture_output=True, text=True, timeout=20).stdout
    return out.split('=')[1].strip().replace(':', '').lower()


def trust(n):
    return {e['fingerprint']: e for e in n.get_json('/api/v1/trust')['items']}


def wait_for(n, name, of='waiting', timeout=10):
    end = time.monotonic() + timeout
    while trust(n).get(name, {}).get('state') != of:
        assert time.monotonic() < end, (trust(n), n.get_json('/api/v1/sinks'))
        time.sleep(0.02)
    return trust(n)[name]


def decide(n, name, to, **more):
    a = n.ask('PUT', f'/api/v1/trust/{name}', body={'state': to, **more})
    assert a.status == 200, a


def test_unknown_waits_accepted_goes_replaced_waits(new_node, tmp_path):
    n, port = new_node(), free_port()
    ca = certificate(tmp_path, 'their-ca', names='')
    one, two = certificate(tmp_path, 'one', ca=ca), certificate(tmp_path, 'two', ca=ca)
    r = Receiver(port=port, tls=context(one))
    try:
        sink(n, 's', f'https://127.0.0.1:{port}/in')
        lots(n, *range(5))
        e = wait_for(n, fingerprint(one))
        assert e['subject'] == 'CN=one' and e['names'] == ['127.0.0.1'] and e['peer'] == 'sink:s' and e['by'] == '' and e['key'] == 'P-256', e
        assert e['purposes'] == ['https-out'] and e['days_left'] in (29, 30) and e['issuer'] == 'CN=their-ca'
        s = until(n, 's', lambda s: s['trouble'] and s['trouble']['code'] == 'trust_undecided')
        assert 's' in s['trouble']['en'] and fingerprint(one)[:16] in s['trouble']['en'] and s['state'] == 'waiting'
        assert r.requests == 0
        # Accepted: it goes on by itself, and nothing was lost.
        decide(n, fingerprint(one), 'trusted')
        lots(n, 5, 6)
        got = r.wait(lambda m: len(numbers(m)) == 7, timeout=5)
        assert numbers(got) == [str(i) for i in range(7)] and in_order(got) and len(r.got) == 7
        # Another certificate at the same place is another decision.
        r.close()
        r2 = Receiver(port=port, tls=context(two))
        try:
            lots(n, 7)
            wait_for(n, fingerprint(two))
            assert r2.requests == 0 and trust(n)[fingerprint(one)]['state'] == 'trusted'
            decide(n, fingerprint(two), 'refused')
            until(n, 's', lambda s: s['trouble'] and s['trouble']['code'] == 'trust_denied')
            assert r2.requests == 0
            # Their authority, given by hand as DER: not over the owner's word on one of its certificates.
            der = base64.urlsafe_b64encode(ssl.PEM_cert_to_DER_cert(ca[0].read_text())).decode().rstrip('=')
            a = n.ask('POST', '/api/v1/trust', body={'der': der, 'purposes': ['https-out'], 'label': 'Their CA'})
            assert a.status == 200 and a.json()['name'] == fingerprint(ca), a
            assert trust(n)[fingerprint(ca)]['authority'] is True and trust(n)[fingerprint(ca)]['label'] == 'Their CA'
            assert n.ask('POST', '/api/v1/sinks/s/test', body={}).json()['trouble']['code'] == 'trust_denied' and r2.requests == 0
            assert n.ask('DELETE', f'/api/v1/trust/{fingerprint(two)}').status == 200
            assert numbers(r2.wait(lambda m: numbers(m) == ['7'], timeout=5)) == ['7']
            # A connection is not kept over the end of trust.
            assert n.ask('DELETE', f'/api/v1/trust/{fingerprint(ca)}').status == 200
            lots(n, 8)
            wait_for(n, fingerprint(two))
            assert numbers(r2.once()) == ['7']
            assert n.ask('POST', f'/api/v1/trust/{fingerprint(ca)}/undo', body={}).status == 200
            r2.wait(lambda m: numbers(m) == ['7', '8'], timeout=5)
        finally:
            r2.close()
    finally:
        r.close()
    said = [(e['what'], e['target']) for e in n.get_json('/api/v1/audit?limit=100')['items'] if e['what'].startswith('trust.')]
    assert sorted(said) == sorted([('trust.accept', fingerprint(one)), ('trust.refuse', fingerprint(two)), ('trust.add', fingerprint(ca)),
        ('trust.delete', fingerprint(two)), ('trust.delete', fingerprint(ca)), ('trust.undo', fingerprint(ca))]), said
    history = n.get_json(f'/api/v1/trust/{fingerprint(one)}/history')['items']
    assert len(history) == 2


def test_what_acceptance_does_not_mend(new_node, tmp_path):
    """A certificate for somebody else does not wait: accepted, it would still be another's."""
    n = new_node()
    ca = certificate(tmp_path, 'ca', names='')
    other = certificate(tmp_path, 'other', names='DNS:elsewhere.example')
    r = Receiver(tls=context(other))
    try:
        sink(n, 's', f'https://127.0.0.1:{r.port}/in')
        assert n.ask('POST', '/api/v1/sinks/s/test', body={}).json()['trouble']['code'] == 'trust_other_name'
        assert n.ask('POST', '/api/v1/trust', body={'certificate': other[0].read_text(), 'purposes': ['https-out']}).status == 200
        assert n.ask('POST', '/api/v1/sinks/s/test', body={}).json()['trouble']['code'] == 'trust_other_name'
        assert r.requests == 0 and set(trust(n)) == {fingerprint(other)}
    finally:
        r.close()
    # With a CA of the sink's own, that one alone counts.
    mine = certificate(tmp_path, 'mine')
    r = Receiver(tls=context(mine))
    try:
        assert n.ask('POST', '/api/v1/trust', body={'certificate': mine[0].read_text(), 'purposes': ['https-out']}).status == 200
        sink(n, 't', f'https://127.0.0.1:{r.port}/in', ca=ca[0].read_text())
        assert n.ask('POST', '/api/v1/sinks/t/test', body={}).json()['ok'] is False and r.requests == 0
        sink(n, 't', f'https://127.0.0.1:{r.port}/in')
        assert n.ask('POST', '/api/v1/sinks/t/test', body={}).json()['ok'] is True
        # Trusted for something else is not trusted for this.
        decide(n, fingerprint(mine), 'trusted', purposes=['opcua', 'partner'])
        assert n.ask('POST', '/api/v1/sinks/t/test', body={}).json()['trouble']['code'] == 'trust_other_purpose'
    finally:
        r.close()


@pytest.mark.parametrize('body, field', [
    ({'certificate': 'no PEM', 'purposes': ['https-out']}, 'certificate'),
    ({'der': 'MAA', 'purposes': ['https-out']}, 'der'),
    ({'purposes': ['https-out']}, 'certificate'),
    ({'certificate': 'CA', 'purposes': ['everything']}, 'purposes'),
    ({'certificate': 'CA', 'purposes': []}, 'purposes'),
    ({'certificate': 'CA', 'purposes': ['opcua'], 'label': 'x' * 65}, 'label'),
])
def test_refused_bodies(shared_node, body, field):
    if body.get('certificate') == 'CA':
        body = {**body, 'certificate': (shared_node.folder / 'tls/ca.crt').read_text()}
    a = shared_node.ask('POST', '/api/v1/trust', body=body)
    assert a.status == 400 and a.json()['field'] == field, a
    assert shared_node.get_json('/api/v1/trust')['items'] == []


def test_of_nothing(shared_node):
    name = 'ab' * 32
    assert shared_node.ask('PUT', f'/api/v1/trust/{name}', body={'state': 'trusted'}).status == 404
    assert shared_node.ask('PUT', f'/api/v1/trust/{name}', body={'state': 'waiting'}).status == 400
    assert shared_node.ask('PUT', '/api/v1/trust/x', body={'state': 'trusted'}).status == 400
    assert shared_node.ask('DELETE', f'/api/v1/trust/{name}').status == 404
    assert shared_node.ask('GET', f'/api/v1/trust/{name}/history').status == 404


def test_keys_are_listed_and_a_damaged_one_is_told(new_node):
    n = new_node(serve=False)
    key = n.folder / 'secrets/server.key'
    pem = key.read_bytes()
    at = pem.index(b'\n') + 61   # within the private half: the public one still is that of the certificate
    key.write_bytes(pem[:at] + (b'B' if pem[at:at + 1] == b'A' else b'A') + pem[at + 1:])
    hurt = key.read_bytes()
    n.start()   # without TLS: nobody needs it, it is told
    keys = {k['purpose']: k for k in n.get_json('/api/v1/keys')['items']}
    assert set(keys) == {'signing', 'ca', 'server'} and keys['ca']['good'] and keys['signing']['good'] and keys['signing']['certificate'] is None
    assert keys['server']['good'] is False and keys['server']['trouble']['code'] == 'pki_key_damaged' and keys['server']['certificate']['ca'] is False
    assert keys['ca']['fingerprint'] == fingerprint((n.folder / 'tls/ca.crt',)) and keys['ca']['certificate']['days_left'] > 7000
    assert b'PRIVATE' not in n.get('/api/v1/keys').body
    n.stop()
    # Where it is wanted, it is set aside, not overwritten, and made anew.
    y = n.folder / 'moru.yaml'
    y.write_text(re.sub(r'(?m)^  mode: .*$', '  mode: "own"', y.read_text(), count=1))
    n.start()
    assert ' keys_set_aside: ' in n.log_text() and (n.folder / 'secrets/server.key.bad').read_bytes() == hurt
    assert ssl.get_server_certificate(('127.0.0.1', n.port), ca_certs=n.folder / 'tls/ca.crt')


def test_what_waits_is_bounded(new_node, tmp_path):
    """A receiver with another certificate at each connection fills no list beyond its bound, and is told; what was decided stays."""
    n = new_node()
    c = context(certificate(tmp_path, 'c0'))
    r = Receiver(tls=c)
    try:
        sink(n, 's', f'https://127.0.0.1:{r.port}/in')
        for i in range(33):
            if i:
                c.load_cert_chain(*certificate(tmp_path, f'c{i}'))
            assert n.ask('POST', '/api/v1/sinks/s/test', body={}).json()['trouble']['code'] == 'trust_unknown'
            end = time.monotonic() + 5
            while i < 32 and len(trust(n)) < i + 1:
                assert time.monotonic() < end
                time.sleep(0.005)
        end = time.monotonic() + 5
        while ' trust_full: ' not in n.log_text():
            assert time.monotonic() < end
            time.sleep(0.01)
        assert len(trust(n)) == 32 and fingerprint((tmp_path / 'c32.crt',)) not in trust(n) and r.requests == 0
        # Room again: it waits at its next try.
        decide(n, fingerprint((tmp_path / 'c0.crt',)), 'refused')
        n.ask('POST', '/api/v1/sinks/s/test', body={})
        wait_for(n, fingerprint((tmp_path / 'c32.crt',)))
    finally:
        r.close()
