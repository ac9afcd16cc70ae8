"""kill -9 in every phase of backup and restore: the snapshots that were there stay good, the next try works, what is restored answers alike (killing.py)."""
import pytest

import killing
from conftest import Node, moru
from importing import importing, write
from test_backup import backup, dump, ok, verified
from test_kill_phases import rows


@pytest.fixture(scope='module')
def tmp(tmp_path_factory):
    return tmp_path_factory.mktemp('kills')


@pytest.fixture(scope='module')
def made(tmp):
    """pair/n: a node; pair/t: its backups, of which the older goes with the next one, and values that are in none yet."""
    pair = tmp / 'pair'
    pair.mkdir()
    assert moru('init', pair / 'n').returncode == 0
    ids = []
    for k in range(3):
        assert importing(pair / 'n', write(tmp / f'f{k}.csv', rows(f'f{k}'))).status == 0
        n = Node(pair / 'n').start()
        assert n.records(*[{'type': 'lot', 'firm': 'F', 'number': f'L{k}-{i}'} for i in range(20)]).status == 200
        assert n.write([f'live v={i} {1763770000 + 100 * k + i}' for i in range(50)], precision='s').status == 204
        n.stop()
        if k < 2:
            ids.append(backup(pair / 'n', pair / 't').id)
    return pair, ids


def snapshots(target):
    return [line.split()[0] for line in ok('backup', '--list', target).splitlines()]


class Backup(killing.Work):
    name, share = 'backup', 20
    phases = ('create piece', 'write piece', 'sync piece', 'rename piece', 'write snapshot', 'sync snapshot', 'rename snapshot', 'sync folder', 'unlink snapshot', 'unlink piece',
        'write wal', 'sync wal')

    def __init__(self, made):
        self.base, self.ids = made
        self.dump = dump(self.base / 'n')

    def run(self, at, env):
        return killing.command(env, 'backup', at / 'n', at / 't', '--keep', '2'), None

    def judge(self, at, killed, facts, rng):
        there = snapshots(at / 't')
        assert there[-1] >= self.ids[1] and self.ids[1] in there and (killed or len(there) == 2)
        for snapshot in there:  # whatever is listed is good
            verified(at / 't', '--snapshot', snapshot)
        Node(at / 'n').start().stop()
        killing.whole(at / 'n')
        again = backup(at / 'n', at / 't', '--keep', '2')
        assert snapshots(at / 't') == sorted(there + [again.id])[-2:]
        verified(at / 't')
        # What was left half done is gone with it.
        assert not list((at / 't').glob('objects/new-*')) and not list((at / 't').rglob('*.tmp'))
        ok('restore', at / 't', at / 'r', '--as', 'move')
        assert dump(at / 'r') == self.dump


class Restore(killing.Work):
    name, share = 'restore', 17
    phases = ('create restoring', 'sync restoring', 'unlink restoring', 'write log', 'sync log', 'write segment', 'sync segment', 'write manifest', 'write catalogue', 'write store',
        'sync store', 'write blob', 'sync blob', 'write identity', 'rename identity', 'create key', 'write key', 'rename key', 'write settings', 'write format', 'rename format',
        'mkdir folder', 'sync folder')

    def __init__(self, made):
        self.base = made[0]
        self.dump = dump(self.base / 'n')
        backup(self.base / 'n', self.base / 't')

    def run(self, at, env):
        return killing.command(env, 'restore', at / 't', at / 'r', '--as', 'move'), None

    def judge(self, at, killed, facts, rng):
        if not (at / 'r' / 'format').exists():  # half a folder is no node
            assert killed
            r = moru('serve', at / 'r', '--listen', '127.0.0.1:0')
            assert r.returncode == 1 and b'moru init' in r.stderr, r
            ok('restore', at / 't', at / 'r', '--as', 'move')
        else:
            again = moru('restore', at / 't', at / 'r', '--as', 'move')
            assert again.returncode in (0, 2) and (again.returncode == 0 or b'a node already' in again.stderr), again
        Node(at / 'r').start().stop()
        killing.whole(at / 'r')
        assert dump(at / 'r') == self.dump
        assert not (at / 'r' / 'restoring').exists()
        verified(at / 't')


def test_backup(made, tmp):
    killing.kill_all(Backup(made), tmp)


def test_restore(made, tmp):
    killing.kill_all(Restore(made), tmp)
