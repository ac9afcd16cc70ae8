"""Telegraf itself, by its outputs.influxdb: what it sent is read back, by /query and by /api/v1, exactly and once.

The program is MORU_TELEGRAF, or build-peers/telegraf (`make peers` builds it), or `telegraf` on PATH; without one these tests are skipped.
Beside the node each Telegraf writes what it sends into a file as JSON: that is what the store is held against."""
import gzip
import json
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import subprocess
import threading
import time

import pytest
from conftest import moru

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILT = ROOT / 'build-peers' / 'telegraf'
TELEGRAF = os.environ.get('MORU_TELEGRAF') or (str(BUILT) if os.access(BUILT, os.X_OK) else shutil.which('telegraf'))
pytestmark = pytest.mark.skipif(not TELEGRAF, reason='no telegraf in MORU_TELEGRAF, build-peers/ or on PATH: `make peers` builds it where Go is')

T = 1763770000 * 10**9  # 2025-11-22T00:06:40Z


def escaped(s, what):
    return re.sub(f'([{what}])', r'\\\1', s)


def as_line(name, tags, fields, t):
    """Line protocol of one point, as the documentation of InfluxDB 1.8 tells it."""
    def value(v):
        if isinstance(v, bool):
            return 'true' if v else 'false'
        if isinstance(v, int):
            return f'{v}i'
        return repr(v) if isinstance(v, float) else '"' + re.sub(r'(["\\])', r'\\\1', v) + '"'
    head = ','.join([escaped(name, ', '), *(escaped(k, ',= ') + '=' + escaped(v, ',= ') for k, v in tags.items())])
    return head + ' ' + ','.join(escaped(k, ',= ') + '=' + value(v) for k, v in fields.items()) + f' {t}'


class Telegraf:
    """The program with an agent of one second; `inputs` is the text of its inputs."""

    def __init__(self, folder, url, inputs, database='factory'):
        self.sent_file, self.log = folder / 'sent.json', folder / 'telegraf.log'
        conf = folder / 'telegraf.conf'
        conf.write_text(f'''
[agent]
  interval = "1s"
  flush_interval = "1s"
  precision = "1ns"
  omit_hostname = true
  skip_processors_after_aggregators = true
{inputs}
[[outputs.influxdb]]
  urls = ["{url}"]
  database = {json.dumps(database, ensure_ascii=False)}
  timeout = "5s"
[[outputs.file]]
  files = [{json.dumps(str(self.sent_file))}]
  data_format = "json"
  json_timestamp_units = "1ns"
''', encoding='utf-8')
        env = {k: v for k, v in os.environ.items() if not k.lower().endswith('_proxy')}
        with open(self.log, 'wb') as out:
            self.process = subprocess.Popen([TELEGRAF, '--config', str(conf)], stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=env)

    def log_text(self):
        return self.log.read_text(encoding='utf-8', errors='replace')

    def complaints(self):
        """Errors, and the database that could not be made; not the warnings of a busy PC or about settings to come."""
        return [l for l in self.log_text().splitlines() if ' E! ' in l or 'creation failed' in l]

    def stop(self):
        """SIGTERM, on which it sends what it still holds."""
        p, self.process = self.process, None
        if p is None:
            return
        p.send_signal(signal.SIGTERM)
        try:
            assert p.wait(15) == 0, self.log_text()[-2000:]
        except subprocess.TimeoutExpired:
            p.kill()
            p.wait()
            raise AssertionError('telegraf did not end: ' + self.log_text()[-2000:])

    def sent(self):
        """{(measurement, tags, t_ns): fields} of everything that it sent."""
        out = {}
        for line in self.sent_file.read_text(encoding='utf-8').splitlines():
            m = json.loads(line)
            out.setdefault((m['name'], tuple(sorted(m['tags'].items())), m['timestamp']), {}).update(m['fields'])
        return out


@pytest.fixture
def telegraf(tmp_path):
    made = []

    def make(*args, **kw):
        made.append(Telegraf(tmp_path, *args, **kw))
        return made[-1]
    yield make
    for t in made:
        if t.process:
            t.process.kill()
            t.process.wait()


def wait_for(fn, seconds=15):
    end = time.monotonic() + seconds
    while not (got := fn()):
        assert time.monotonic() < end, 'waited in vain'
        time.sleep(0.05)
    return got


def select_all(node, name, tags):
    """{(measurement, tags, t_ns): fields} of SELECT *; every row is one point."""
    a = node.ask('POST', '/query', params={'q': 'SELECT * FROM "' + re.sub(r'(["\\])', r'\\\1', name) + '"', 'db': 'factory', 'epoch': 'ns'})
    r, = a.json()['results']
    assert 'error' not in r, r
    out = {}
    for s in r.get('series', []):
        for row in s['values']:
            row = {k: v for k, v in zip(s['columns'], row) if v is not None}
            key = s['name'], tuple(sorted((k, row.pop(k)) for k in tags if k in row)), row.pop('time')
            assert key not in out, key  # nothing twice
            out[key] = row
    return out


def typed(fields):
    return {k: (type(v) if isinstance(v, (bool, str)) else float, v) for k, v in fields.items()}


def same(got, want):
    assert got.keys() == want.keys(), (sorted(want.keys() - got.keys())[:5], sorted(got.keys() - want.keys())[:5])
    for k in want:
        assert typed(got[k]) == typed(want[k]), k


def points():
    """All four types, their ends, names and texts that need escapes, Korean; each asset tells its measurement apart."""
    out = []
    for i in range(40):
        out.append(('press', {'asset': '프레스 1호기', 'line': 'A동, 2라인', 'key=1': 'a=b c'}, {'유압 온도': 41.5 + i / 7, 'shots': 9007199254740993 + i, 'ok': i % 3 == 0,
            'note': f'작업자 "{i}" \\ C:\\temp, x=1 \t끝'}, T + i * 1_234_567_891))
    for i, v in enumerate((0.0, -0.5, 1e300, -1e-300, 0.1, 123456789.123456789, 5e-324, 1.7976931348623157e308)):
        out.append(('ends', {'asset': 'ENDS-F'}, {'f': v}, T + i * 10**6))
    for i, v in enumerate((0, -1, 2**63 - 1, -2**63)):
        out.append(('ends', {'asset': 'ENDS-I'}, {'i': v}, T + i * 10**6))
    for i, v in enumerate(('', ' ', '가', '"', '\\', '\\\\"', ',', '=', '😀', 'x' * 3000, 'two\nlines', '\n\n"=1\n')):
        out.append(('ends', {'asset': 'ENDS-S'}, {'s': v}, T + i * 10**6))
    out.append(('금형 온도,A', {'asset': '금형,1=가', '위치': '上'}, {'cavity 1,=': 180.25, 'b': False}, T + 3))
    return out


def test_what_a_file_and_a_plugin_tell_is_read_back(new_node, telegraf, tmp_path):
    node, told = new_node(), points()
    (tmp_path / 'in.lp').write_text(''.join(as_line(*p) + '\n' for p in told), encoding='utf-8')
    # inputs.file tells the whole file anew every second: the same points must stay one each.
    t = telegraf(node.url, f'''
[[inputs.file]]
  files = ["{tmp_path / 'in.lp'}"]
  data_format = "influx"
[[inputs.cpu]]
  percpu = true
  totalcpu = true
  [inputs.cpu.tags]
    asset = "관리 PC"
''', database='공장 "1"')
    wait_for(lambda: t.log.exists() and t.sent_file.exists() and t.sent_file.read_text().count('"cpu"') >= 4 * 2)
    t.stop()
    assert not t.complaints(), t.complaints()
    databases, = node.ask('GET', '/query', params={'q': 'SHOW DATABASES'}).json()['results'][0]['series']
    assert ['공장 "1"'] in databases['values']

    want = {(name, tuple(sorted(tags.items())), at): fields for name, tags, fields, at in told}
    sent = t.sent()
    cpu = {k: v for k, v in sent.items() if k[0] == 'cpu'}
    assert cpu and {k: typed(v) for k, v in sent.items() if k[0] != 'cpu'} == {k: typed(v) for k, v in want.items()}  # Telegraf read the file as it was meant
    tags = {k for p in told for k in p[1]} | {'cpu'}
    got = {}
    for name in {k[0] for k in sent}:
        got.update(select_all(node, name, tags))
    same(got, want | cpu)

    assert {s['name'] for s in node.items('/api/v1/signals', asset='관리 PC')} == {k for f in cpu.values() for k in f}

    # The same by our own API: type, time and value of each field.
    kinds = {float: 'float', int: 'integer', bool: 'boolean', str: 'string'}
    by_signal = {}
    for name, tags, fields, at in told:
        for k, v in fields.items():
            by_signal.setdefault((tags['asset'], k, kinds[type(v)]), []).append((at / 10**6, v))
    for (asset, k, kind), values in by_signal.items():
        s = node.signal(asset, k)
        assert (s['type'], s['source']) == (kind, 'http')
        assert node.values(s['id'], limit=10000) == values, (asset, k)


def test_a_refused_line_is_told_and_the_rest_arrives(new_node, telegraf, tmp_path):
    node = new_node()
    assert node.write(f'press,asset=P1 shots=1i {T - 1}').status == 204
    lines = [f'press,asset=P1 shots={i}i {T + i}' for i in range(50)]
    lines[20] = f'press,asset=P1 shots=20.5 {T + 20}'  # integer it is
    (tmp_path / 'in.lp').write_text('\n'.join(lines) + '\n')
    t = telegraf(node.url, f'[[inputs.file]]\n  files = ["{tmp_path / "in.lp"}"]\n  data_format = "influx"\n')
    wait_for(lambda: 'partial write' in t.log_text())
    t.stop()
    told = [l for l in t.complaints() if 'partial write' in l]
    assert told and t.complaints() == told, t.complaints()
    assert all('field type conflict' in l and 'dropped=1' in l and '(line 21)' in l for l in told), told
    got = select_all(node, 'press', ['asset'])
    assert sorted((at, f['shots']) for (_, _, at), f in got.items()) == [(T - 1, 1)] + [(T + i, i) for i in range(50) if i != 20]


def writes_in(raw):
    """Head and unpacked body of every whole POST /write among the bytes of a connection."""
    at = 0
    while (end := raw.find(b'\r\n\r\n', at)) >= 0:
        head, at, body = raw[at:end].decode(), end + 4, b''
        if length := re.search(r'^Content-Length: (\d+)', head, re.M | re.I):
            at += int(length[1])
        elif re.search('^Transfer-Encoding: chunked', head, re.M | re.I):
            while (end := raw.find(b'\r\n', at)) >= 0:
                n = int(raw[at:end], 16)
                body, at = body + raw[end + 2:end + 2 + n], end + 2 + n + 2
                if n == 0:
                    break
            else:
                return  # cut off
        if head.startswith('POST /write'):
            yield head, gzip.decompress(body).decode()


class Wire:
    """Between Telegraf and the node: passes bytes on and keeps those that Telegraf sent. While `node` is None it refuses. With `swallow` set to a
    text the 204 of the next body that holds it is dropped, its connection cut, and `swallowed` set to that body."""

    def __init__(self):
        self.node, self.swallow, self.swallowed, self.sent, self.over = None, None, None, [], False
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.over:
            if select.select([self.listener], [], [], 0.1)[0]:
                threading.Thread(target=self.serve, args=[self.listener.accept()[0]], daemon=True).start()
        self.listener.close()

    def serve(self, client):
        kept = bytearray()
        self.sent.append(kept)
        with client:
            try:
                with socket.create_connection((self.node.host, self.node.port), 5) as there:
                    while not self.over:
                        for s in select.select([client, there], [], [], 0.1)[0]:
                            piece = s.recv(65536)
                            if not piece:
                                return
                            if s is client:
                                kept += piece
                                there.sendall(piece)
                            elif self.swallow and piece.startswith(b'HTTP/1.1 204') and self.swallow in (body := list(writes_in(bytes(kept)))[-1][1]):
                                self.swallow, self.swallowed = None, body
                                return
                            else:
                                client.sendall(piece)
            except (OSError, AttributeError):
                pass  # the node is away

    def writes(self):
        return [w for kept in self.sent for w in writes_in(bytes(kept))]

    def stop(self):
        self.over = True
        self.thread.join(5)


def test_nothing_is_lost_or_doubled_when_the_node_is_killed(new_node, telegraf, tmp_path):
    """Killed three times: away for a while, in the middle of writing, and after a batch was stored whose 204 never came, which
    Telegraf then sends again."""
    node, wire, path, told = new_node(serve=False), Wire(), tmp_path / 'grows.lp', 0
    path.write_text('')

    def tell(n):
        nonlocal told
        with open(path, 'a') as f:
            f.writelines(f'count,asset=M{i % 3} v={i}i,half={i / 2},text="n {i}" {T + i * 10**6}\n' for i in range(told, told + n))
        told += n

    def start():
        node.start()
        wire.node = node

    def kill():
        wire.node = None
        node.kill()

    def have():
        return len(select_all(node, 'count', ['asset']))

    t = telegraf(f'http://127.0.0.1:{wire.port}', f'''
[[inputs.tail]]
  files = ["{path}"]
  from_beginning = true
  watch_method = "poll"
  path_tag = ""
  data_format = "influx"
[[inputs.cpu]]
''')
    try:
        tell(500)  # the node isn't there yet
        wait_for(lambda: 'E! [agent] Error writing to outputs.influxdb' in t.log_text())
        start()
        wait_for(lambda: have() == told)
        kill()
        before = t.log_text().count('Error writing to outputs.influxdb')
        tell(1500)
        wait_for(lambda: t.log_text().count('Error writing to outputs.influxdb') > before)
        start()
        tell(1500)
        time.sleep(0.3)
        kill()
        tell(500)
        start()
        wait_for(lambda: have() == told)
        wire.swallow, before = f' v={told}i,', told
        tell(700)
        wait_for(lambda: wire.swallowed)
        kill()
        node.start()  # for us, not yet for Telegraf
        assert have() == before + wire.swallowed.count('count,') > before  # a 204 that nobody heard is as good
        wire.node = node
        tell(300)
        wait_for(lambda: have() == told)
        t.stop()
    finally:
        wire.stop()
    heads, bodies = zip(*wire.writes())
    assert all(re.search('^Content-Encoding: gzip', h, re.M | re.I) and re.search('^Transfer-Encoding: chunked', h, re.M | re.I) for h in heads)
    lines = [l for b in bodies for l in b.splitlines()]
    assert all(lines.count(l) > 1 for l in wire.swallowed.splitlines()[:3]) and len(set(lines)) >= told

    sent = t.sent()
    assert len([k for k in sent if k[0] == 'count']) == told and [k for k in sent if k[0] == 'cpu']
    same(select_all(node, 'count', ['asset']) | select_all(node, 'cpu', ['cpu']), sent)
    for m in range(3):
        for name, of in (('v', lambda i: i), ('half', lambda i: i / 2), ('text', lambda i: f'n {i}')):
            assert node.values(node.signal(f'M{m}', name)['id'], limit=10000) == [((T + i * 10**6) // 10**6, of(i)) for i in range(m, told, 3)], (m, name)
    node.stop()
    c = moru('check', node.folder)
    assert c.returncode == 0, c.stdout + c.stderr
