"""/api/v1/live: one stream of server-sent events for a browser."""
import json
import socket
import time

import pytest

T = 1763770000


class Stream:
    """Reads events off one connection."""

    def __init__(self, node, topics, last=None, rcvbuf=None):
        self.s = socket.socket()
        if rcvbuf:
            self.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        self.s.settimeout(10)
        self.s.connect((node.host, node.port))
        more = f'Last-Event-ID: {last}\r\n' if last is not None else ''
        self.s.sendall(f'GET /api/v1/live?topics={topics} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n{more}\r\n'.encode())
        self.raw, self.text, self.head = b'', b'', None

    def _more(self):
        piece = self.s.recv(65536)
        if not piece:
            raise EOFError
        self.raw += piece
        if self.head is None and b'\r\n\r\n' in self.raw:
            self.head, self.raw = self.raw.split(b'\r\n\r\n', 1)
        while self.head is not None and b'\r\n' in self.raw:
            size, rest = self.raw.split(b'\r\n', 1)
            n = int(size, 16)
            if len(rest) < n + 2:
                break
            self.text += rest[:n]
            self.raw = rest[n + 2:]

    def event(self, kind=None, timeout=10):
        """The next event (of that kind): (kind, data, id)."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            while b'\n\n' not in self.text:
                self.s.settimeout(max(0.01, end - time.monotonic()))
                self._more()
            one, self.text = self.text.split(b'\n\n', 1)
            fields = dict(line.split(': ', 1) for line in one.decode().split('\n'))
            if kind in (None, fields['event']):
                return fields['event'], json.loads(fields['data']), fields.get('id')
        raise AssertionError(f'no event {kind}')

    def close(self):
        self.s.close()


def test_head_and_clock(node):
    s = Stream(node, 'changes')
    kind, clock, _ = s.event()
    assert s.head.startswith(b'HTTP/1.1 200 OK') and b'text/event-stream' in s.head and b'no-store' in s.head
    assert kind == 'clock' and set(clock) == {'now', 'mode', 'scale', 'history'} and clock['mode'] == 'real'
    t0 = time.monotonic()
    again = s.event('clock')[1]
    assert 0.5 < time.monotonic() - t0 < 3 and again['now'] > clock['now']
    s.close()


def test_values(node):
    n = node
    assert n.write(f'M v=1,s="가",_cycle=5i,b=true {T}\nK v=1.5 {T}', precision='s').status == 204
    ids = {name: n.signal('M', name)['id'] for name in ('v', 's', 'b')}
    k = n.signal('K', 'v')['id']
    s = Stream(n, 'values:' + ','.join([*ids.values(), k]))
    first = {v['id']: v for v in s.event('value')[1]}  # the last values come at once
    assert first[ids['v']] == {'id': ids['v'], 't_ms': T * 1000, 'v': 1, 'q': 'good', 'seq': 5}
    assert first[ids['s']]['v'] == '가' and first[ids['b']]['v'] is True
    assert first[k] == {'id': k, 't_ms': T * 1000, 'v': 1.5, 'q': 'good'}
    for i in range(1, 4):
        assert n.write(f'K v={i} {T + i}', precision='s').status == 204
        assert s.event('value')[1] == [{'id': k, 't_ms': (T + i) * 1000, 'v': i, 'q': 'good'}]
    s.close()


def test_at_most_ten_a_second(node):
    n = node
    n.write(f'K v=0 {T}', precision='s')
    s = Stream(n, 'values:' + n.signal('K', 'v')['id'])
    s.event('value')
    c, events, t0, i = n.connect(), 0, time.monotonic(), 0
    while time.monotonic() - t0 < 2:
        i += 1
        n.ask('POST', '/write?precision=s', body=f'K v={i} {T + i}', connection=c)
    c.close()
    while True:
        v = s.event('value')[1]
        events += 1
        if v[-1]['v'] == i:
            break
    assert i > 40 and events <= 2 * 10 + 5, (i, events)
    s.close()


def test_unknown_series_and_topics_are_passed_over(node):
    s = Stream(node, 'values:nonsense,00000000-0000-7000-8000-000000000000;weather;changes')
    assert s.event()[0] == 'clock'
    s.close()


def test_changes_and_resume(node):
    n = node
    s = Stream(n, 'changes')
    s.event('clock')
    for i in range(3):
        assert n.records({'type': 'lot', 'firm': 'L', 'number': str(i)}).status == 200
    seen, last = [], None
    while len(seen) < 3:
        _, items, last = s.event('change')
        seen += [c for c in items if c['noun'] == 'lot']
    assert [c['key'] for c in seen] == ['L/0', 'L/1', 'L/2'] and set(seen[0]) == {'number', 't', 'noun', 'key', 'did'}
    assert int(last) == seen[-1]['number'] or int(last) > seen[-1]['number']
    s.close()
    assert n.records(*[{'type': 'lot', 'firm': 'L', 'number': str(i)} for i in range(3, 1203)]).status == 200
    n.kill()
    n.start()
    s = Stream(n, 'changes', last=last)
    missed = []
    while len(missed) < 1200:
        _, items, new = s.event('change')
        assert [c['number'] for c in items] == sorted(c['number'] for c in items) and items[0]['number'] > int(last)
        last = new
        missed += [c['key'] for c in items if c['noun'] == 'lot']
    assert missed == [f'L/{i}' for i in range(3, 1203)]
    s.close()
    s = Stream(n, 'changes', last='rubbish')
    assert s.event()[0] == 'clock'
    s.close()


def test_devices(node):
    n = node
    assert n.ask('PUT', '/api/v1/devices/press', body={'driver': 'push', 'asset': 'MCH-06', 'measurement': 'MCH-06', 'interval_ms': 1000}).status == 200
    s = Stream(n, 'devices')
    d = s.event('device')[1]
    for _ in range(5):  # what was saved is loaded a moment later, and told anew
        if d:
            break
        d = s.event('device')[1]
    assert [x['asset'] for x in d] == ['MCH-06'] and isinstance(d[0]['stale'], bool)
    s.close()


def test_clock_of_a_demo(new_node):
    n = new_node(demo=True)
    s = Stream(n, 'changes')
    assert s.event('clock')[1]['mode'] == 'stepped'
    n.ask('POST', '/api/v1/clock', body={'advance_to': '2026-11-15T05:00:00Z', 'history': {'from': '2026-11-15T00:00:00Z', 'to': '2026-11-16T00:00:00Z'}})
    for _ in range(5):
        c = s.event('clock')[1]
        if c['history']:
            break
    assert c['now'] == '2026-11-15T05:00:00Z' and c['history']['to'] == '2026-11-16T00:00:00Z'
    s.close()


def test_slow_reader_costs_nothing_and_gets_the_latest(node):
    """A browser that does not read is not written to; when it reads again it gets what is now."""
    n = node
    names = [f's{i}' for i in range(100)]
    n.write('W ' + ','.join(f'{x}="{"y" * 500}"' for x in names) + f' {T}', precision='s')
    n.signal('W', names[-1])
    ids = [x['id'] for x in n.items('/api/v1/signals', asset='W')]
    slow = Stream(n, 'values:' + ','.join(ids), rcvbuf=4096)
    quick = Stream(n, 'values:' + ids[0])
    quick.event('value')
    for i in range(1, 41):
        assert n.write('W ' + ','.join(f'{x}="{i}{"z" * 500}"' for x in names) + f' {T + i}', precision='s').status == 204
        time.sleep(0.05)
        assert n.get('/healthz').status == 200
    while not quick.event('value')[1][0]['v'].startswith('40z'):
        pass
    last = {}
    while len(last) < 100 or any(not v.startswith('40z') for v in last.values()):
        for v in slow.event('value')[1]:
            last[v['id']] = v['v']
    slow.close()
    quick.close()


def test_closed_streams_are_let_go(node):
    n = node

    def streams():
        return float([x for x in n.get('/metrics').text.splitlines() if x.startswith('moru_live_streams ')][0].split()[1])
    for _ in range(3):
        some = [Stream(n, 'changes;devices') for _ in range(20)]
        for s in some:
            s.event('clock')
        assert streams() == 20
        for s in some:
            s.close()
        end = time.monotonic() + 10
        while streams() and time.monotonic() < end:
            time.sleep(0.05)
        assert streams() == 0


def test_at_most_256_streams(node):
    some = [Stream(node, 'changes') for _ in range(256)]
    for s in some:
        s.event('clock')
    a = node.get('/api/v1/live')
    a.problem(503, 'api_busy')
    assert a.headers['Retry-After']
    for s in some:
        s.close()


def test_sigterm_ends_streams(node):
    s = Stream(node, 'changes')
    s.event('clock')
    node.stop()
    with pytest.raises((EOFError, ConnectionResetError)):
        while True:
            s._more()
    s.close()


def test_reconnects_under_steady_writes(node):
    """A browser that loses its connection at any moment, also in the middle of an event, hears of each change once and in order."""
    import random
    import threading
    n, over, wrote = node, threading.Event(), [0]

    def write():
        c = n.connect()
        while not over.is_set():
            i = wrote[0]
            body = ''.join(json.dumps({'type': 'lot', 'firm': 'L', 'number': str(i + k)}) + '\n' for k in range(5))
            a = n.ask('POST', '/api/v1/records', body=body, headers={'Content-Type': 'application/x-ndjson'}, connection=c)
            assert a.status == 200
            wrote[0] += 5
        c.close()
    rng, seen, last, cut = random.Random(7), [], '0', 0
    t = threading.Thread(target=write)
    t.start()
    try:
        for _ in range(25):
            s = Stream(n, 'changes', last=last)
            end = time.monotonic() + rng.uniform(0, 0.25)
            try:
                while time.monotonic() < end:
                    _, items, last = s.event('change', timeout=max(0.001, end - time.monotonic()))
                    seen += items
            except (AssertionError, TimeoutError):
                cut += s.text != b'' or s.raw != b''
            s.close()
    finally:
        over.set()
        t.join()
    want = [str(i) for i in range(wrote[0])]
    s = Stream(n, 'changes', last=last)
    while [c['key'] for c in seen if c['noun'] == 'lot'][-1:] != [f'L/{want[-1]}']:
        _, items, last = s.event('change')
        seen += items
    s.close()
    assert [c['key'] for c in seen if c['noun'] == 'lot'] == [f'L/{i}' for i in want]
    at = [c['number'] for c in seen]
    assert at == list(range(at[0], at[0] + len(at))) and at[0] == 1 and len(want) > 100
