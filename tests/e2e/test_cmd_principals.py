"""Each command of the program's table as somebody who has no right to the node, above all a partner without an agreement: in a folder that is served and
in one that is not it answers with nothing, leaves no file and changes none. What is looked for are words planted in all that a node knows. `moru_as`
(moru_as.c) is `moru` for another principal; past the table's decision it shows that the words would be found, and that the node's gate decides, too."""
import io
import os
import re
import shutil
import subprocess
import uuid
import zipfile

import pytest

from conftest import MORU, SANITIZER, Node
from test_both_states import ROWS, commands, prepared

AS = os.environ.get('MORU_AS') or os.path.join(os.path.dirname(MORU), 'tests', 'e2e', 'moru_as')
PLANTED = [b'PLANTED-' + w for w in (b'LOT', b'ASSET', b'SIGNAL', b'TEXT', b'NOTE', b'FACTORY', b'VALUE')]
REFUSED = 'Only the owner of the folder may use `moru '
# Beside the rows of test_both_states: what would give the most away.
MORE = {'sql': [['{n}', 'SELECT * FROM lot, signal, event']], 'export': [['{n}', '{d}/all.zip']], 'backup': [['{n}', '{d}/all', '--with-keys'], ['--list', '{d}/t'], ['--verify', '{d}/t']],
    'restore': [['{d}/t', '{d}/all', '--as', 'move']], 'serve': [['{n}', '--listen', '127.0.0.1:0']], 'debug': [['{n}/moru.yaml'], ['{n}/store.db'], ['{n}/secrets/key.pem']]}
BY_SOCKET = {'import': ['{n}', '{d}/a.csv'], 'check': ['{n}'], 'sql': MORE['sql'][0], 'passwd': ['{n}', 'kim'], 'backup': ['{n}', '{d}/all'], 'export': MORE['export'][0]}


def called(at, who, name, row, timeout=20):
    args, given = row if isinstance(row, tuple) else (row, b'')
    r = subprocess.run([AS, *who, name, *[a.replace('{n}', str(at / 'n')).replace('{d}', str(at)).replace('{lang}', 'en') for a in args]], input=given, capture_output=True,
        timeout=timeout, env={**os.environ, 'LC_ALL': 'en_US.UTF-8'})
    assert not SANITIZER.search(r.stderr.decode(errors='replace')), r.stderr
    return r


def tree(root, but=()):
    return {p.relative_to(root): p.read_bytes() for p in root.rglob('*') if p.is_file() and not set(p.relative_to(root).parts[:1]) & set(but)}


def told(*texts):
    """The planted words in texts, and in archives among them."""
    out = set()
    for t in texts:
        pieces = [t]
        if t[:2] == b'PK':
            with zipfile.ZipFile(io.BytesIO(t)) as z:
                pieces += [z.read(m) for m in z.namelist()]
        out |= {w for w in PLANTED for p in pieces if w in p or w.lower() in p}
    return out


@pytest.fixture(scope='module')
def both(tmp_path_factory):
    """Twice a folder full of planted words, with an account and a backup: the one is served, the other is not."""
    d = tmp_path_factory.mktemp('principals')
    (d / 'alone').mkdir()
    prepared(d / 'alone')
    n = Node(d / 'alone' / 'n')
    yaml = n.folder / 'moru.yaml'
    yaml.write_text(re.sub('(?m)^#? *name:.*', 'name: PLANTED-FACTORY', yaml.read_text()))
    n.start()
    assert n.records({'type': 'lot', 'firm': 'F', 'number': 'PLANTED-LOT'}, {'type': 'asset', 'code': 'PLANTED-ASSET', 'kind': 'machine', 'name': 'PLANTED-TEXT'},
        {'type': 'event', 'id': str(uuid.uuid4()), 'kind': 'note', 'asset': 'PLANTED-ASSET', 't': '2026-11-22T08:10:00+09:00', 'text': 'PLANTED-NOTE'}).status == 200
    assert n.write(['PLANTED-ASSET PLANTED-SIGNAL="PLANTED-VALUE" 1763770000'], precision='s').status == 204
    n.stop()
    for row in (['backup', '{n}', '{d}/t'], ['passwd', '{n}', 'kim']):
        r = subprocess.run([MORU, row[0], *[a.replace('{n}', str(n.folder)).replace('{d}', str(d / 'alone')) for a in row[1:]]], input=b'correct-horse-battery', capture_output=True)
        assert r.returncode == 0, r.stderr
    shutil.copytree(d / 'alone', d / 'served')
    n = Node(d / 'served' / 'n').start()
    yield d / 'served', d / 'alone', n
    n.stop()


@pytest.mark.parametrize('state', ['alone', 'served'])
def test_each_as_a_partner(both, state):
    at = both[state == 'alone']
    but = ['n', 'n.log'] if state == 'served' else []  # a running node writes by itself
    before, done = tree(at, but), 0
    for name in commands():
        assert ROWS.get(name), name
        for row in ROWS[name] + MORE.get(name, []):
            r = called(at, ['partner'], name, row)
            done += 1
            assert not told(r.stdout, r.stderr), (name, row, r.stdout, r.stderr)
            assert (r.returncode, r.stdout) == (2, b'') and r.stderr.decode() == f'moru: {REFUSED}{name}`\n', (name, row, r)
    after = tree(at, but)
    assert not told(*[b for p, b in after.items() if before.get(p) != b])
    assert after == before, set(after.items()) ^ set(before.items())
    print(f'{done} command lines')


def test_nobody_but_the_owner(both):
    served, alone, _ = both
    for who in ('public', 'own', 'sink', 'partner'):
        for name in commands():
            if (who, name) == ('public', 'help'):
                continue  # words of the program's own
            r = called(alone, [who], name, ROWS[name][0])
            assert r.returncode == 2 and REFUSED in r.stderr.decode() and not r.stdout, (who, name, r)
    for who in ('public', 'local'):
        assert b'moru export' in called(alone, [who], 'help', []).stdout
    assert called(alone, ['local'], 'sql', MORE['sql'][0]).returncode == 0


def test_the_node_decides_too(both):
    """Past the table's decision it is the node's gate that refuses whoever is not the local machine."""
    served, alone, n = both
    before, rows = tree(served, ['n', 'n.log']), called(served, ['local'], 'sql', ['{n}', 'SELECT count(*), sum(points) FROM series, lot']).stdout
    assert rows
    for who in ('partner', 'public', 'own', 'sink'):
        for name, row in BY_SOCKET.items():
            r = called(served, ['past', who], name, (row, b'correct-horse-battery-2'))
            assert r.returncode != 0 and b'not allowed' in r.stderr and not r.stdout, (who, name, r)
            assert not told(r.stderr)
    assert tree(served, ['n', 'n.log']) == before
    assert called(served, ['local'], 'sql', ['{n}', 'SELECT count(*), sum(points) FROM series, lot']).stdout == rows


def test_they_would_be_found(both, tmp_path):
    """Without the decision a partner would read it all: the search is worth something."""
    at = tmp_path / 'open'
    shutil.copytree(both[1], at)
    found = {}
    for name in ('sql', 'export', 'backup', 'restore', 'debug'):
        before = tree(at)
        texts = [t for row in ROWS[name] + MORE[name] for t in (lambda r: (r.stdout, r.stderr))(called(at, ['past', 'partner'], name, row))]
        found[name] = told(*texts, *[b for p, b in tree(at).items() if before.get(p) != b])
    assert all(found.values()), found
    assert found['sql'] >= {b'PLANTED-LOT', b'PLANTED-SIGNAL', b'PLANTED-NOTE'} and found['export'] >= set(PLANTED) - {b'PLANTED-FACTORY'}, found
