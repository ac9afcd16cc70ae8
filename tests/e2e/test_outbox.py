"""Sinks and the outbox: what leaves by itself arrives once by its id, in order, whatever the receiver, the node or the disk does."""
import http.server
import json
import shutil
import ssl
import threading
import time

import pytest
from conftest import free_port

TYPE = 'application/cloudevents-batch+json'


class Receiver:
    """A sink's other end. `script(n, batch, handler)` may answer the n-th request (from 0) itself by giving back True; else it is taken with 204."""

    def __init__(self, script=None, port=0, tls=None):
        self.script, self.requests, self.got, self.ids, self.tokens = script, 0, [], [], []
        outer, self.lock = self, threading.Lock()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def do_POST(self):
                body = self.rfile.read(int(self.headers['Content-Length']))
                batch = json.loads(body)
                with outer.lock:
                    n, outer.requests = outer.requests, outer.requests + 1
                    outer.tokens.append(self.headers['Authorization'])
                    assert self.headers['Content-Type'] == TYPE
                if outer.script and outer.script(n, batch, self):
                    return
                outer.take(batch)
                self.answer(204)

            def answer(self, status, body=b'', **fields):
                self.send_response(status)
                for k, v in fields.items():
                    self.send_header(k.replace('_', '-'), v)
                self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, address):
                pass

        self.server = Server(('127.0.0.1', port), Handler)
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def take(self, batch):
        with self.lock:
            self.got += batch

    @property
    def url(self):
        return f'http://127.0.0.1:{self.port}/in'

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def once(self):
        """What it knows after leaving out ids that it has seen: the messages in order of arrival."""
        with self.lock:
            return list({m['id']: m for m in self.got}.values())

    def wait(self, want, timeout=20):
        """Until `want(messages)` holds."""
        end = time.monotonic() + timeout
        while not want(self.once()):
            assert time.monotonic() < end, (len(self.once()), [m['id'] for m in self.once()][-3:])
            time.sleep(0.01)
        return self.once()


@pytest.fixture
def receiver():
    made = []

    def make(*args, **kw):
        made.append(Receiver(*args, **kw))
        return made[-1]
    yield make
    for r in made:
        r.close()


def sink(node, name, url, what=('lots',), status=200, headers=None, **more):
    a = node.ask('PUT', f'/api/v1/sinks/{name}', body={'url': url, 'what': list(what), **more}, headers=headers)
    assert a.status == status, a
    return a


def state(node, name):
    return next(s for s in node.get_json('/api/v1/sinks')['items'] if s['name'] == name)['status']


def until(node, name, want, timeout=15):
    end = time.monotonic() + timeout
    while not want(state(node, name)):
        assert time.monotonic() < end, state(node, name)
        time.sleep(0.02)
    return state(node, name)


def lots(node, *numbers):
    a = node.records(*[{'type': 'lot', 'firm': 'L', 'number': str(n)} for n in numbers])
    assert a.status == 200, a


def numbers(messages):
    return [m['data']['number'] for m in messages if m['type'].startswith('moru.lot.')]


def in_order(messages):
    at = [m['sequence'] for m in messages if 'sequence' in m]
    return at == sorted(at)


def try_now(node, name):
    return node.ask('POST', f'/api/v1/sinks/{name}/test', body={}).json()


# ---- what is sent ----

def test_content(node, receiver):
    r = receiver()
    everything = ['assets', 'signals', 'lots', 'links', 'operations', 'events', 'characteristics', 'states', 'cases', 'changes']
    sink(node, '%EC%A0%84%EC%82%B0', r.url, everything)
    lot = {'firm': 'L', 'number': 'A > B/1'}
    assert node.records(
        {'type': 'asset', 'code': 'MCH-1', 'kind': 'machine', 'name': '사출 1호'},
        {'type': 'lot', **lot, 'quantity': 12.5, 'unit': 'kg'},
        {'type': 'link', 'parent': lot, 'child': {'firm': 'L', 'number': '2'}, 'quantity': 3, 'unit': 'kg'},
        {'type': 'operation', 'id': 'op-1', 'machine': 'MCH-1', 'lot': lot, 'start': '2026-11-15T00:00:00Z', 'good': 5},
        {'type': 'event', 'id': 'ev-1', 'kind': 'note', 't': '2026-11-15T00:00:00Z', 'asset': 'MCH-1', 'text': '가"나'},
        {'type': 'characteristic', 'id': 'ch-1', 'lot': lot, 'name': 'weight', 'value': 1.25, 't': '2026-11-15T00:00:00Z'}).status == 200
    assert node.write('MCH-1 v=1 1763770000', precision='s').status == 204
    seen = r.wait(lambda m: {x['type'].split('.')[1] for x in m} >= {'asset', 'lot', 'link', 'operation', 'event', 'characteristic', 'signal'})
    assert in_order(seen) and len({m['id'] for m in seen}) == len(seen)
    node_id = node.get_json('/api/v1/node')['id']
    feed = seen[0]['id'].rsplit('-', 1)[0]
    for m in seen:
        assert m['specversion'] == '1.0' and m['source'] == f'urn:uuid:{node_id}' and m['datacontenttype'] == 'application/json'
        assert m['id'] == f'{feed}-{int(m["sequence"])}' and len(m['sequence']) == 20
    of = {m['type']: m for m in seen}
    assert of['moru.asset.new']['subject'] == 'MCH-1' and of['moru.asset.new']['data']['name'] == '사출 1호'
    assert next(m for m in seen if m['subject'] == 'L/A > B/1')['data']['quantity'] == 12.5
    assert of['moru.link.new']['data']['parent'] == lot and of['moru.link.new']['data']['quantity'] == 3
    assert of['moru.operation.new']['data']['ref'] == 'op-1' and of['moru.operation.new']['data']['lot'] == lot
    assert of['moru.event.new']['data']['text'] == '가"나'
    assert of['moru.characteristic.new']['data']['value'] == 1.25 and of['moru.characteristic.new']['data']['lot'] == lot
    changes = {c['number']: c for c in node.items('/api/v1/changes')}
    for m in seen:
        c = changes[int(m['sequence'])]
        assert (m['subject'], m['type'], m['time']) == (c['key'], f'moru.{c["noun"]}.{c["did"]}', c['t'])


def test_only_what_was_asked_for(node, receiver):
    r = receiver()
    lots(node, 'before')
    sink(node, 'a', r.url, ['events'])
    lots(node, 1)
    assert node.records({'type': 'event', 'id': 'e', 'kind': 'note', 't': '2026-11-15T00:00:00Z', 'asset': 'M'}).status == 200
    assert [m['type'] for m in r.wait(lambda m: m)] == ['moru.event.new']
    sink(node, 'b', r.url, ['lots'], **{'from': 'start'})
    assert numbers(r.wait(lambda m: len(numbers(m)) == 2)) == ['before', '1']
    # Switched off and removed: nothing more leaves once that was answered.
    sink(node, 'b', r.url, ['lots'], enabled=False)
    assert node.ask('DELETE', '/api/v1/sinks/a').status == 200
    n = r.requests
    lots(node, 2)
    time.sleep(0.4)
    assert r.requests == n
    assert state(node, 'b')['state'] == 'off' and [s['name'] for s in node.get_json('/api/v1/sinks')['items']] == ['b']
    sink(node, 'b', r.url, ['lots'])  # goes on where it stood
    assert numbers(r.wait(lambda m: len(numbers(m)) == 3)) == ['before', '1', '2']


def test_https_by_the_given_ca_alone(new_node, receiver):
    n = new_node()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(n.folder / 'tls/server.crt', n.folder / 'secrets/server.key')
    r = receiver(tls=context)
    url = f'https://127.0.0.1:{r.port}/in'
    sink(n, 's', url)
    t = try_now(n, 's')
    assert t['ok'] is False and t['status'] is None and t['trouble']['en'], t
    sink(n, 's', url, ca=(n.folder / 'tls/ca.crt').read_text())
    assert try_now(n, 's')['ok'] is True
    lots(n, 1)
    r.wait(lambda m: numbers(m) == ['1'])


# ---- tokens, rules, audit ----

SECRET = 'tok-3f9a-never-shown'


def test_token_is_never_shown(node, receiver, run):
    r = receiver(script=lambda n, b, h: h.answer(500, SECRET.encode()) or True if n == 1 else False)
    sink(node, 's', r.url, token=SECRET)
    assert try_now(node, 's')['ok'] is True and r.tokens == [f'Bearer {SECRET}']
    lots(node, 1)
    until(node, 's', lambda s: s['trouble'])  # the receiver sends the token back
    files = [f for f in (node.folder / 'secrets').iterdir() if f.name.startswith('sink-')]
    assert len(files) == 1 and files[0].read_text() == SECRET and files[0].stat().st_mode & 0o777 == 0o600
    for path in ('/api/v1/sinks', '/api/v1/sinks/s/history', '/api/v1/audit', '/api/v1/log', '/api/v1/changes', '/metrics'):
        assert SECRET not in node.get(path).text
    assert node.get_json('/api/v1/sinks')['items'][0]['config']['token'] is True
    # Not given again: it stays, but not for another receiver.
    sink(node, 's', r.url, ['lots', 'events'])
    sink(node, 's', f'http://127.0.0.1:{free_port()}/', status=400).problem(400, 'sink_token_again')
    for bad in ('with blank', 'new\nline', '', 'x' * 5000, 7):
        text = sink(node, 's', r.url, status=400, token=bad).text
        assert str(bad) not in text or len(str(bad)) < 2
    sink(node, 's', r.url, token='other')
    left = [f for f in (node.folder / 'secrets').iterdir() if f.name.startswith('sink-')]
    assert [f.read_text() for f in left] == ['other']
    (node.folder / 'secrets' / 'sink-left-by-a-crash').write_text('x')
    node.stop()
    for f in node.folder.rglob('*'):
        if f.is_file():
            assert SECRET.encode() not in f.read_bytes(), f
    node.start()
    until(node, 's', lambda s: s['state'] == 'idle')
    sink(node, 's', r.url, token=None)
    assert not [f for f in (node.folder / 'secrets').iterdir() if f.name.startswith('sink-')]


@pytest.mark.parametrize('body, code, field', [
    ({'url': 'http://example.com/', 'what': ['lots']}, 'sink_plain', 'url'),
    ({'url': 'http://127.0.0.1.example.com/', 'what': ['lots']}, 'sink_plain', 'url'),
    ({'url': 'ftp://127.0.0.1/', 'what': ['lots']}, 'sink_url', 'url'),
    ({'url': 'https://me:secret@example.com/', 'what': ['lots']}, 'sink_url', 'url'),
    ({'url': 'https://example.com/#x', 'what': ['lots']}, 'sink_url', 'url'),
    ({'url': 'https:///x', 'what': ['lots']}, 'sink_url', 'url'),
    ({'url': 'https://example.com:99999/', 'what': ['lots']}, 'sink_url', 'url'),
    ({'url': 'https://example.com/a b', 'what': ['lots']}, 'sink_url', 'url'),
    ({'what': ['lots']}, 'sink_missing', 'url'),
    ({'url': 'https://example.com/'}, 'sink_missing', 'what'),
    ({'url': 'https://example.com/', 'what': []}, 'sink_value', 'what'),
    ({'url': 'https://example.com/', 'what': ['gap']}, 'sink_value', 'what'),
    ({'url': 'https://example.com/', 'what': ['people']}, 'sink_value', 'what'),
    ({'url': 'https://example.com/', 'what': ['lots'], 'rate': 0}, 'sink_value', 'rate'),
    ({'url': 'https://example.com/', 'what': ['lots'], 'from': 'then'}, 'sink_value', 'from'),
    ({'url': 'https://example.com/', 'what': ['lots'], 'colour': 'red'}, 'sink_unknown', None),
])
def test_refused_settings(shared_node, body, code, field):
    p = shared_node.ask('PUT', '/api/v1/sinks/x', body=body).problem(400, code)
    assert p.get('field') == field and 'secret' not in json.dumps(p)
    assert shared_node.get_json('/api/v1/sinks')['items'] == []


def test_plain_when_it_was_said(shared_node):
    sink(shared_node, 'p', 'http://192.0.2.1/x', plain=True, enabled=False)
    a = shared_node.ask('PUT', '/api/v1/sinks/p', body={'url': 'https://example.com/', 'what': ['lots']}, headers={'If-Match': '"7"'})
    a.problem(409)
    assert shared_node.ask('DELETE', '/api/v1/sinks/p').status == 200
    shared_node.ask('DELETE', '/api/v1/sinks/p').problem(404, 'sink_none')
    shared_node.ask('POST', '/api/v1/sinks/p/test', body={}).problem(404, 'sink_none')


def test_audit(node, receiver):
    r = receiver()
    url = r.url + '?key=in-the-query'
    sink(node, 's', url)
    lots(node, 1)
    r.wait(lambda m: len(m) == 1)
    until(node, 's', lambda s: s['sent'] == 1)
    sink(node, 's', url)                       # the same again: nothing to tell
    sink(node, 's', url, ['lots', 'cases'])    # another disclosure
    sink(node, 's', url, ['lots', 'cases'], enabled=False)
    sink(node, 's', url, ['lots', 'cases'], enabled=True, rate=5)
    try_now(node, 's')
    assert node.ask('DELETE', '/api/v1/sinks/s').status == 200
    trail = [a for a in reversed(node.items('/api/v1/audit'))]
    assert [a['what'] for a in trail] == ['sink.put', 'sink.begin', 'sink.put', 'sink.end', 'sink.begin', 'sink.put', 'sink.end', 'sink.put', 'sink.begin',
        'sink.test', 'sink.delete', 'sink.end']
    assert {(a['who'], a['target'], a['detail']['from']) for a in trail} == {('local', 's', '127.0.0.1')}
    assert trail[1]['detail']['to'] == f'http://127.0.0.1:{r.port}' and trail[1]['detail']['what'] == ['lots']
    assert trail[3]['detail']['sent'] == 1 and 'in-the-query' not in json.dumps(trail)


def test_closed_to_partners_and_to_other_roles(shared_node):
    for method, path in (('GET', '/api/v1/sinks'), ('PUT', '/api/v1/sinks/x'), ('DELETE', '/api/v1/sinks/x'), ('POST', '/api/v1/sinks/x/test'),
                         ('GET', '/api/v1/sinks/x/aside'), ('POST', '/api/v1/sinks/x/aside/1/retry'), ('DELETE', '/api/v1/sinks/x/aside/1')):
        a = shared_node.ask(method, path, body={} if method in ('PUT', 'POST') else None, headers={'Moru-Partner': 'other'})
        a.problem(403)


# ---- receivers that fail ----

def test_down_for_a_day(new_node, receiver):
    """A scenario day of changes waits for a receiver that is not there, then all of it arrives once, in order."""
    n = new_node(demo=True)
    port = free_port()
    sink(n, 'erp', f'http://127.0.0.1:{port}/in', rate=10000)
    want = []
    for hour in range(24):
        mine = [f'{hour}-{i}' for i in range(150)]
        lots(n, *mine)
        want += mine
        assert n.ask('POST', '/api/v1/clock', body={'advance_to': f'2026-11-15T{hour:02d}:59:00Z'}).status == 200
    s = until(n, 'erp', lambda s: s['trouble'] and s['state'] == 'waiting')
    assert s['pending'] >= len(want) and s['oldest_age_s'] > 23 * 3600 and s['sent'] == 0 and s['aside'] == 0
    r = receiver(port=port)
    assert try_now(n, 'erp')['ok'] is True
    seen = [m for m in r.wait(lambda m: len(numbers(m)) >= len(want)) if m['type'] != 'moru.test']
    assert numbers(seen) == want and in_order(seen)
    s = until(n, 'erp', lambda s: s['pending'] == 0)
    assert s['trouble'] is None and s['sent'] == len(want) and s['oldest_age_s'] is None and s['skipped'] == 0
    assert len(r.got) == len(want) + 1  # nobody was killed: nothing came twice either
    log = [x['code'] for x in n.items('/api/v1/log')]
    assert log.count('sink_trouble') == 1 and log.count('sink_back') == 1


def test_bad_answers(node, receiver):
    """5xx, a redirect, 401, an answer that breaks off: the same messages again, in order; nothing is set aside."""
    stray = receiver()

    def script(n, batch, h):
        if n == 0:
            h.answer(503, b'busy', Retry_After='2')
        elif n == 1:
            h.answer(307, Location=stray.url)
        elif n == 2:
            h.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf')
            h.close_connection = True
            h.wfile.flush()
        else:
            return False
        times.append(time.monotonic())
        return True
    times = []
    r = receiver(script)
    sink(node, 's', r.url)
    lots(node, 1, 2)
    s = until(node, 's', lambda s: s['state'] == 'waiting')
    assert '503' in s['trouble']['en'] and 'busy' in s['trouble']['ko'] and 1 <= s['wait_s'] <= 2
    s = until(node, 's', lambda s: s['failures'] == 2)
    assert s['trouble']['code'] == 'sink_redirected'
    assert times[1] - times[0] >= 1.9  # as the receiver asked, though the back-off is shorter
    for _ in range(2):
        sink(node, 's', r.url)  # a person saves it again: tried at once
        time.sleep(0.2)
    seen = r.wait(lambda m: len(m) == 2)
    assert numbers(seen) == ['1', '2'] and stray.requests == 0
    s = until(node, 's', lambda s: s['sent'] == 2)
    assert s['aside'] == 0 and s['trouble'] is None


def test_a_receiver_that_hangs_holds_up_nobody_else(node, receiver):
    free = threading.Event()
    hangs = receiver(lambda n, b, h: free.wait(10) and False if n == 0 else False)
    fine = receiver()
    sink(node, 'hangs', hangs.url, timeout_ms=1000)
    sink(node, 'fine', fine.url)
    for i in range(10):
        lots(node, i)
    t0 = time.monotonic()
    assert numbers(fine.wait(lambda m: len(m) == 10)) == [str(i) for i in range(10)]
    assert node.get('/healthz').status == 200 and time.monotonic() - t0 < 1
    s = until(node, 'hangs', lambda s: s['failures'] >= 1)
    assert s['trouble']['code'] == 'http_timeout'
    free.set()
    assert numbers(hangs.wait(lambda m: len(m) >= 10)) == [str(i) for i in range(10)]


def test_poison(node, receiver):
    """A message that is refused alone, again and again, is set aside; the rest goes on in order; a person sends it again, or drops it."""
    poison = {'7', '11'}

    def script(n, batch, h):
        if any(m['data'] and m['data']['number'] in poison for m in batch):
            h.answer(422, b'no such lot here')
            return True
        return False
    r = receiver(script)
    lots(node, *range(20))
    sink(node, 's', r.url, rate=10000, **{'from': 'start'})
    seen = r.wait(lambda m: len(m) == 18, timeout=25)
    assert numbers(seen) == [str(i) for i in range(20) if str(i) not in poison] and in_order(seen)
    until(node, 's', lambda s: s['aside'] == 2 and s['pending'] == 0)
    aside = node.items('/api/v1/sinks/s/aside')
    assert [(a['key'], a['status'], a['reason'], a['again']) for a in aside] == [('L/7', 422, 'no such lot here', False), ('L/11', 422, 'no such lot here', False)]
    node.stop()
    node.start()
    until(node, 's', lambda s: s['state'] == 'idle' and s['aside'] == 2)
    # Refused once more, then taken.
    assert node.ask('POST', f'/api/v1/sinks/s/aside/{aside[0]["id"]}/retry', body={}).status == 204
    until(node, 's', lambda s: s['failures'] >= 1 and s['aside'] == 2)
    poison.clear()
    end = time.monotonic() + 5
    while node.items('/api/v1/sinks/s/aside')[0]['again']:
        assert time.monotonic() < end
        time.sleep(0.02)
    assert node.ask('POST', f'/api/v1/sinks/s/aside/{aside[0]["id"]}/retry', body={}).status == 204
    assert numbers(r.wait(lambda m: len(m) == 19))[-1] == '7'
    until(node, 's', lambda s: s['aside'] == 1 and s['sent'] == 19)
    assert node.ask('DELETE', f'/api/v1/sinks/s/aside/{aside[1]["id"]}').status == 204
    until(node, 's', lambda s: s['aside'] == 0)
    node.ask('DELETE', f'/api/v1/sinks/s/aside/{aside[1]["id"]}').problem(404, 'sink_aside_none')
    assert {'sink.retry', 'sink.drop'} <= {a['what'] for a in node.items('/api/v1/audit')}


@pytest.mark.parametrize('bound', ['number', 'age'])
def test_too_far_behind(new_node, receiver, bound):
    """What is too old or too much is left out, counted, and told to the receiver before what follows."""
    n = new_node(demo=True)
    port = free_port()
    sink(n, 's', f'http://127.0.0.1:{port}/', enabled=False, **({'behind_max': 10} if bound == 'number' else {'keep_hours': 24}))
    lots(n, *range(50))
    if bound == 'age':
        assert n.ask('POST', '/api/v1/clock', body={'advance_to': '2026-11-16T02:00:00Z'}).status == 200
        lots(n, *range(50, 60))
    r = receiver(port=port)
    sink(n, 's', f'http://127.0.0.1:{port}/', **({'behind_max': 10} if bound == 'number' else {'keep_hours': 24}))
    seen = r.wait(lambda m: len(numbers(m)) >= (9 if bound == 'number' else 10))
    gap = seen[0]
    assert gap['type'] == 'moru.gap' and gap['id'].endswith(f'-gap-{gap["data"]["from"]}-{gap["data"]["to"]}'), gap
    assert int(seen[1]['sequence']) > gap['data']['to'] and in_order(seen)
    if bound == 'age':
        assert numbers(seen) == [str(i) for i in range(50, 60)]
    all_lots = {c['number'] for c in n.items('/api/v1/changes') if c['noun'] == 'lot'}
    assert all_lots == {int(m['sequence']) for m in seen[1:]} | {x for x in all_lots if gap['data']['from'] <= x <= gap['data']['to']}
    s = until(n, 's', lambda s: s['pending'] == 0)
    assert s['skipped'] == gap['data']['to'] - gap['data']['from'] + 1
    assert 'sink_left_out' in [x['code'] for x in n.items('/api/v1/log')]


# ---- nodes that die ----

def test_kills_while_sending(new_node, receiver):
    n = new_node()
    r = receiver(lambda i, b, h: time.sleep(0.004) or False)
    lots(n, *range(1500))
    sink(n, 's', r.url, rate=2000, **{'from': 'start'})
    for k in range(4):
        r.wait(lambda m: len(m) >= 150 * (k + 1))
        n.kill()
        assert len(r.once()) < 1500
        n.start()
    seen = r.wait(lambda m: len(m) >= 1500)
    assert numbers(seen) == [str(i) for i in range(1500)] and in_order(seen)
    until(n, 's', lambda s: s['sent'] >= 1500 - 400 and s['pending'] == 0)


def test_killed_between_the_answer_and_the_cursor(new_node, receiver):
    """The receiver said 200 and the node died before it could keep that: the same ids come again, then never more."""
    n = new_node(serve=False)
    n.folder.rename(n.folder.parent / 'unused')
    n.init('--demo', '--start', '2026-11-15T00:00:00Z', '--sync-delay', '200')
    n.start()
    answered = threading.Event()

    def script(i, batch, h):
        if i > 0:
            return False
        # The store thread is at the sync of something else when the answer comes, so the cursor waits behind it.
        other = threading.Thread(target=later, daemon=True)
        other.start()
        time.sleep(0.08)
        r.take(batch)
        h.answer(200, b'ok')
        h.wfile.flush()
        answered.set()
        return True

    def later():
        try:
            lots(n, 'later')
        except OSError:
            pass
    r = receiver(script)
    sink(n, 's', r.url)
    lots(n, 1, 2, 3)
    assert answered.wait(10)
    time.sleep(0.04)  # it has read the answer
    n.kill()
    first = [m['id'] for m in r.got]
    assert len(first) == 3
    n.start()
    seen = r.wait(lambda m: len(m) == 4)
    assert [m['id'] for m in r.got] == first * 2 + [seen[3]['id']] and numbers(seen) == ['1', '2', '3', 'later']
    until(n, 's', lambda s: s['sent'] == 4)
    n.stop()
    n.start()  # and the cursor was kept: nothing comes a third time
    lots(n, 4)
    assert numbers(r.wait(lambda m: len(m) == 5))[-1] == '4' and len(r.got) == 8


def test_copies_and_older_backups(new_node, receiver, run, tmp_path):
    """A copy of the folder is another node and sends nothing; one that moved sends on, under ids that mean no other change."""
    n = new_node()
    r = receiver()
    sink(n, 's', r.url)
    lots(n, 1)
    r.wait(lambda m: len(m) == 1)
    until(n, 's', lambda s: s['sent'] == 1)
    n.stop()
    assert run('backup', n.folder, tmp_path / 'target').returncode == 0
    n.start()
    lots(n, 'lost')
    r.wait(lambda m: len(m) == 2)
    n.stop()
    copy = new_node(serve=False)
    shutil.rmtree(copy.folder)
    assert run('restore', tmp_path / 'target', copy.folder, '--as', 'copy').returncode == 0
    copy.start()
    lots(copy, 'of the copy')
    s = until(copy, 's', lambda s: s['trouble'])
    assert s['state'] == 'off' and s['trouble']['code'] == 'sink_copied'
    time.sleep(0.3)
    assert len(r.got) == 2
    sink(copy, 's', r.url)
    assert numbers(r.wait(lambda m: len(m) == 3))[-1] == 'of the copy'
    assert copy.items('/api/v1/audit')[0]['what'] == 'sink.begin'
    moved = new_node(serve=False)
    shutil.rmtree(moved.folder)
    assert run('restore', tmp_path / 'target', moved.folder, '--as', 'move').returncode == 0
    moved.start()
    lots(moved, 'after')
    seen = r.wait(lambda m: len(m) == 4)
    assert numbers(seen)[-1] == 'after' and seen[3]['source'] == seen[0]['source'] and seen[3]['sequence'] == seen[1]['sequence']


def test_tokens_and_backups(new_node, receiver, run, tmp_path):
    """A token is in a backup only with the keys; without it nothing is sent, and the page says why."""
    n = new_node()
    r = receiver()
    sink(n, 's', r.url, token=SECRET)
    n.stop()
    for keys in ((), ('--with-keys',)):
        target = tmp_path / f'target{len(keys)}'
        assert run('backup', n.folder, target, *keys).returncode == 0
        moved = new_node(serve=False)
        shutil.rmtree(moved.folder)
        assert run('restore', target, moved.folder, '--as', 'move').returncode == 0
        moved.start()
        lots(moved, 1)
        if keys:
            assert numbers(r.wait(lambda m: len(m) == 1)) == ['1'] and r.tokens == [f'Bearer {SECRET}']
        else:
            s = until(moved, 's', lambda s: s['trouble'])
            assert s['state'] == 'off' and s['trouble']['code'] == 'sink_token_gone' and r.requests == 0
            assert moved.ask('POST', '/api/v1/sinks/s/test', body={}).status == 409


def test_rate(node, receiver):
    r = receiver()
    lots(node, *range(60))
    t0 = time.monotonic()
    sink(node, 's', r.url, rate=20, **{'from': 'start'})
    r.wait(lambda m: len(m) == 60)
    assert 1.8 < time.monotonic() - t0 < 6


def test_metrics(node, receiver):
    r = receiver(lambda n, b, h: h.answer(500) or True)
    sink(node, 's', r.url)
    lots(node, 1, 2)
    until(node, 's', lambda s: s['failures'])
    text = node.get('/metrics').text
    of = {line.split()[0]: float(line.split()[1]) for line in text.splitlines() if 'sink="s"' in line}
    assert of['moru_sink_up{sink="s"}'] == 0 and of['moru_sink_pending{sink="s"}'] >= 2 and of['moru_sink_failures_total{sink="s"}'] >= 1
    assert of['moru_sink_oldest_seconds{sink="s"}'] > 0 and of['moru_sink_sent_total{sink="s"}'] == 0
