"""kill -9 while serving under load: what was acknowledged is there after every start, and nothing twice.

Ten senders write lines, cycles and records as fast as they are answered; the node is killed at a random moment, started
again, and everything acknowledged so far is read back. (That syncs are where they have to be is shown by the file system
that forgets, tests/fault: a kill loses no pages.)"""
import collections
import json
import os
import random
import threading
import time

KILLS = int(os.environ.get('MORU_KILLS', '25'))
SENDERS = 6
T = 1763770000


class Sender(threading.Thread):
    def __init__(self, node, k, book):
        super().__init__(daemon=True)
        self.node, self.k, self.book = node, k, book

    def run(self):
        n, k, b = self.node, self.k, self.book
        c = n.connect(10)
        try:
            while True:
                i = b.next[k]
                b.next[k] += 1
                kind = ('line', 'cycle', 'lot', 'many')[k % 4]
                b.sent[kind, k].add(i)
                if kind == 'line':
                    a = n.ask('POST', '/write?precision=ms', body=f'L{k} v={i}i,s="n{i}" {T * 1000 + i}', connection=c)
                elif kind == 'many':
                    a = n.ask('POST', '/write?precision=ms', body='\n'.join(f'B{k} v={i * 50 + j}i {T * 1000 + i * 50 + j}' for j in range(50)), connection=c)
                elif kind == 'cycle':
                    a = n.ask('POST', '/write?precision=ms', body=f'C{k} _cycle={i + 1}i,force={i} {T * 1000 + i}', connection=c)
                else:
                    a = n.ask('POST', '/api/v1/records', headers={'Content-Type': 'application/x-ndjson', 'Idempotency-Key': f'{k}-{i}'}, connection=c,
                        body=json.dumps({'type': 'lot', 'firm': f'R{k}', 'number': str(i), 'quantity': i}) + '\n' +
                        json.dumps({'type': 'event', 'id': f'R{k}-{i}', 'kind': 'note', 't': '2026-11-22T00:00:00Z', 'lot': {'firm': f'R{k}', 'number': str(i)}}))
                if a.status not in (200, 204):
                    if a.status == 503:
                        b.sent[kind, k].discard(i)
                        continue
                    b.wrong.append((kind, i, a))
                    return
                b.acked[kind, k].add(i)
        except Exception:
            pass  # killed
        finally:
            c.close()


class Book:
    def __init__(self):
        self.next = collections.Counter()
        self.sent, self.acked, self.wrong = collections.defaultdict(set), collections.defaultdict(set), []


def check(n, book):
    """Everything acknowledged is there; everything there was sent; each once."""
    read = 0
    for (kind, k), acked in book.acked.items():
        sent = book.sent[kind, k]
        if kind in ('line', 'cycle', 'many'):
            asset, name = {'line': (f'L{k}', 'v'), 'cycle': (f'C{k}', 'force'), 'many': (f'B{k}', 'v')}[kind]
            have = n.values(n.signal(asset, name)['id'], limit=10000)
            times = [t for t, _ in have]
            assert len(set(times)) == len(times), (kind, k)
            for t, v in have:
                assert t == T * 1000 + v
            got = [v for _, v in have]
            if kind == 'many':
                want = {i * 50 + j for i in acked for j in range(50)}
                may = {i * 50 + j for i in sent for j in range(50)}
            else:
                want, may = acked, sent
        else:
            got = [int(x['number']) for x in n.items('/api/v1/lots', limit=1000) if x['firm'] == f'R{k}']
            refs = [x['ref'] for x in n.items('/api/v1/events', limit=1000) if x['ref'].startswith(f'R{k}-')]
            want, may = acked, sent
            assert len(refs) == len(set(refs)) and {int(r.split('-')[1]) for r in refs} == set(got)  # a request is whole or not at all
        assert len(got) == len(set(got)), (kind, k)
        assert want <= set(got), (kind, k, sorted(want - set(got))[:10])
        assert set(got) <= may, (kind, k, sorted(set(got) - may)[:10])
        read += len(got)
    return read


def test_kills_under_load(new_node):
    n, book, seed = new_node(), Book(), random.randrange(1 << 30)
    r = random.Random(seed)
    print(f'seed {seed}')
    read = 0
    for kill in range(KILLS):
        senders = [Sender(n, k, book) for k in range(SENDERS)]
        [s.start() for s in senders]
        time.sleep(r.uniform(0.02, 0.5))
        n.kill()
        [s.join(15) for s in senders]
        assert not any(s.is_alive() for s in senders) and not book.wrong, book.wrong
        n.start()
        read = check(n, book)
    acked = sum(map(len, book.acked.values()))
    print(f'{KILLS} kills, {acked} requests acknowledged, {read} values and lots read back')
    assert acked > KILLS * SENDERS
    n.stop()
    from conftest import moru
    c = moru('check', n.folder)
    assert c.returncode == 0, c.stdout + c.stderr


def test_killed_while_starting(new_node):
    """A start that is cut off leaves a folder that starts."""
    import signal
    import subprocess

    from conftest import MORU
    n = new_node()
    for i in range(200):
        assert n.write(f'S v={i} {T + i}', precision='s').status == 204
    n.kill()
    for ms in (1, 3, 5, 8, 12, 20, 30):
        p = subprocess.Popen([MORU, 'serve', str(n.folder), '--listen', '127.0.0.1:0'], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        time.sleep(ms / 1000)
        p.send_signal(signal.SIGKILL)
        p.wait()
    n.start()
    assert [v for _, v in n.values(n.signal('S', 'v')['id'])] == list(range(200))
