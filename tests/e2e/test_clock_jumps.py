"""The wall clock jumps both ways, while the node runs and between two runs: no time that was told is changed, what cannot be is marked, timers go on, nothing is
done a thousand times over. tests/lib/jumpclock.c moves the clocks of the process alone."""
import os
import struct
import time

import pytest

import killing
from conftest import Node
from importing import sql
from test_accounts import Browser, local, make, make_token
from test_api_live import Stream
from test_backup import backup, settings, until

S = 10**9
DAY = 86400
UNCERTAIN = 65


class Clock:
    """Offsets of the wall and the monotonic clock, in a file that the program reads with each reading."""

    def __init__(self, path):
        self.path, self.wall, self.mono = path, 0, 0
        path.write_bytes(bytes(16))

    def set(self, wall=None, mono=None):
        self.wall, self.mono = self.wall if wall is None else wall, self.mono if mono is None else mono
        with open(self.path, 'r+b') as f:
            f.write(struct.pack('=qq', self.wall * S, self.mono * S))

    def env(self):
        return {**os.environ, 'LD_PRELOAD': killing.preload('jumpclock'), 'MORU_CLOCK': str(self.path)}

    def now(self):
        return time.time() + self.wall


@pytest.fixture
def clock(tmp_path):
    return Clock(tmp_path / 'clock')


def stored(n, name):
    """[(seconds, value, quality, arrival or None)] of field v of measurement `name`."""
    return [(int(t) / S, float(v), int(q), int(a) / S if a else None) for t, v, q, a in
        sql(n.folder, f"SELECT v.t, v.value, v.quality, v.arrival FROM series s, value v WHERE v.series = s.id AND s.key = '{name} v'")]


def write(n, name, v, at=None):
    assert n.write(f'{name} v={v}' + (f' {int(at)}' if at is not None else ''), **({'precision': 's'} if at is not None else {})).status == 204


def test_jumps_while_it_runs(new_node, clock):
    n = new_node(env=clock.env())
    t0 = time.time()
    s = Stream(n, 'changes')
    ticks, last = 0, ''

    def ticked():
        """The timers go on: the second's event comes within its time, and never with an earlier time."""
        nonlocal ticks, last
        for _ in range(2):
            now = s.event('clock', timeout=5)[1]['now']
            assert now >= last
            ticks, last = ticks + 1, now
    ticked()
    told = int(t0) - 100
    write(n, 'told', 1, told)
    write(n, 'ahead', 1, t0 + DAY / 2)      # beyond the skew: marked
    write(n, 'untold', 1)
    clock.set(wall=DAY)                     # forward
    ticked()
    write(n, 'told', 2, told + 1)
    write(n, 'ahead', 2, t0 + DAY / 2 + 1)  # by this clock that is past
    write(n, 'ahead', 3, t0 + DAY + 3600)   # and that is not
    write(n, 'untold', 2)
    clock.set(wall=-DAY)                    # far back
    ticked()
    write(n, 'told', 3, told + 2)
    write(n, 'untold', 3)
    end = time.monotonic() + 5
    while 'clock_set_back' not in n.log_text():
        assert time.monotonic() < end, 'not said'
        time.sleep(0.02)
    ahead = [line for line in n.get('/metrics').text.splitlines() if line.startswith('moru_clock_ahead_seconds ')]
    assert abs(float(ahead[0].split()[1]) - 2 * DAY) < 60
    clock.set(wall=0)                       # right again
    ticked()
    write(n, 'told', 4, told + 3)
    s.close()
    # Told times are as they were told, whatever the clock said; none is marked.
    assert [(t, v, q) for t, v, q, _ in stored(n, 'told')] == [(told + i, i + 1, 0) for i in range(4)]
    marked = [(v, q) for _, v, q, _ in stored(n, 'ahead')]
    assert marked == [(1, UNCERTAIN), (2, 0), (3, UNCERTAIN)], marked
    # A marked one has both times.
    t, _, _, arrival = stored(n, 'ahead')[0]
    assert t == int(t0 + DAY / 2) and abs(arrival - t0) < 60
    # What had no time has the node's, which never ran back.
    times = [t for t, _, _, _ in stored(n, 'untold')]
    assert times == sorted(times) and len(set(times)) == 3
    assert abs(times[0] - t0) < 60 and abs(times[1] - t0 - DAY) < 60 and 0 <= times[2] - times[1] < 60
    print(f'{ticks} ticks')


def test_jumps_between_runs(new_node, clock):
    n = new_node(serve=False)
    t0 = time.time()
    for wall, said in ((0, False), (30 * DAY, False), (-30 * DAY, True), (0, False)):
        clock.set(wall=wall)
        before = n.log_text().count('clock_behind')
        n.start(env=clock.env())
        assert (n.log_text().count('clock_behind') > before) == said, n.log_text()[-2000:]
        write(n, 'untold', wall)
        write(n, 'told', wall, t0 - 100 - abs(wall) - (wall < 0))
        n.stop()
    # Each run goes by the clock that it was started with; what is stored stays where it is, the one rewritten at its own time alone.
    assert [round((t - t0) / DAY) for t, _, _, _ in stored(n, 'untold')] == [-30, 0, 0, 30]
    assert len(stored(n, 'told')) == 3 and all(q == 0 for _, _, q, _ in stored(n, 'told'))


def test_the_schedule_runs_once_a_jump(new_node, clock, tmp_path):
    n = new_node(serve=False)
    backup(n.folder, tmp_path / 't')
    settings(n.folder, target=f'"{tmp_path / "t"}"', every=1, keep=0)
    made = lambda: len(list((tmp_path / 't' / 'snapshots').glob('*.json')))
    n.start(env=clock.env())
    time.sleep(1.5)
    assert made() == 1  # the hour is not over
    jumps = (2 * 3600, 400 * DAY, -400 * DAY, 0)
    for k, wall in enumerate(jumps):
        clock.set(wall=wall)
        until(lambda: made() > k + 1)
        time.sleep(1.2)
        assert made() == k + 2, 'once for each jump'
    assert n.get_json('/api/v1/today')['backup']['last']['ok']


def test_sessions_and_tokens_go_by_the_nodes_clock(new_node, clock):
    n = new_node(env=clock.env())
    make(n, 'kim', 'owner')
    kim = Browser(n, 'kim')
    day = time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(time.time() + DAY))
    token = {'Authorization': 'Bearer ' + make_token(n, 'gateway', permissions=['write'], expires=day)['token']}
    clock.set(wall=-400 * DAY)  # back: nothing ends, nothing lasts longer than its node time
    assert kim.get('/api/v1/session').json()['account'] == 'kim' and n.write('A v=1', headers=token).status == 204
    clock.set(wall=2 * DAY)
    assert n.write('A v=2', headers=token).status == 401
    clock.set(wall=400 * DAY)
    assert kim.get('/api/v1/session').status == 401
    clock.set(wall=0)  # node time does not run back: what is over stays over
    assert kim.get('/api/v1/session').status == 401 and n.write('A v=3', headers=token).status == 401
    assert Browser(n, 'kim').get('/api/v1/session').status == 200
