"""Values are counted over kills: senders write line protocol in large batches as fast as it is acknowledged, the node is killed with -9 and started again until MORU_VALUES
values (`make soak`: 10^7) have been acknowledged; then each of them is read back by its time and value. That syncs are where they have to be shows the file
system that forgets: tests/fault/series/fault_count.c counts to the same number there."""
import os
import random
import threading
import time

from conftest import moru

VALUES = int(os.environ.get('MORU_VALUES', '150000'))
SENDERS = 4
LINES = 2000
T = 1763770000


class Sender(threading.Thread):
    """Values 0.. of one series, a second apart; those below `acked` were acknowledged, those from `sent` on never sent."""

    def __init__(self, k):
        super().__init__(daemon=True)
        self.k, self.acked, self.sent, self.wrong = k, 0, 0, None

    def go(self, n, most):
        self.n, self.most = n, most
        threading.Thread.__init__(self, daemon=True)
        self.start()

    def run(self):
        c = self.n.connect(10)
        try:
            while self.acked < self.most:
                i = self.acked
                self.sent = max(self.sent, i + LINES)
                a = self.n.ask('POST', '/write?precision=s', body='\n'.join(f'K{self.k} v={j}i {T + j}' for j in range(i, i + LINES)), connection=c)
                if a.status == 204:
                    self.acked = i + LINES
                elif a.status != 503:
                    self.wrong = a
                    return
        except Exception:
            pass  # killed
        finally:
            c.close()


def number(n, statement):
    c = moru('sql', n.folder, statement, '--format', 'csv')
    assert c.returncode == 0, c.stderr
    return int(c.stdout.split()[-1])


def test_none_of_the_acknowledged_is_lost(new_node):
    n, seed, kills = new_node(), random.randrange(1 << 30), 0
    r = random.Random(seed)
    senders = [Sender(k) for k in range(SENDERS)]
    while sum(s.acked for s in senders) < VALUES or kills < 3:
        for s in senders:
            s.go(n, max(VALUES // SENDERS, s.acked) + LINES * 10)
        time.sleep(r.uniform(0.1, 0.1 + min(3, VALUES / 300_000)))
        n.kill()
        kills += 1
        for s in senders:
            s.join(15)
            assert not s.is_alive() and not s.wrong, s.wrong
        n.start()
    n.stop()
    acked = lost = foreign = 0
    for s in senders:
        of = f"FROM value WHERE series = (SELECT id FROM series WHERE key = 'K{s.k} v')"
        there = number(n, f'SELECT count(*) AS n {of} AND t < {(T + s.acked) * 10**9} AND value = t / 1000000000 - {T}')
        all_of_it = number(n, f'SELECT count(*) AS n {of}')
        beyond = number(n, f'SELECT count(*) AS n {of} AND t >= {(T + s.acked) * 10**9} AND t < {(T + s.sent) * 10**9} AND value = t / 1000000000 - {T}')
        acked += s.acked
        lost += s.acked - there
        foreign += all_of_it - there - beyond
    print(f'{lost} of {acked} values lost, {foreign} foreign; {kills} kills, seed {seed}')
    assert lost == 0 and foreign == 0
