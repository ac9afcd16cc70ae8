"""Every command of `moru help` says and does the same whether the folder is served or not. The commands are read from the program: one that has no
row here fails the test. Each row is a command line, or one with what it reads from standard input; all are done in their order, in both languages, on
two copies of one folder."""
import json
import re
import shutil
import socket

import pytest

from conftest import SANITIZER, Node, moru
from importing import importing, sql, values, write

PASSWORD = b'correct-horse-battery'
# {n}: the node's folder, {d}: the folder beside it.
ROWS = {
    'init': [['{n}'], ['{n}', '--name', 'Other'], ['{n}', 'more'], ['{d}/fresh', '--port', '0'], []],
    'serve': [['{n}', '--listen', 'here'], ['{n}', 'more'], ['{d}/none'], []],
    'import': [['{n}', '{d}/a.csv'], ['{n}', '{d}/a.csv'], ['{n}', '{d}/bad.csv'], ['--asset', 'PRESS', '{n}', '{d}/b.csv'], ['{n}', '{d}/none.csv'], ['{n}', '{d}/many'],
        ['{d}/none', '{d}/a.csv'], ['{n}']],
    'check': [['{n}'], ['{n}/'], ['{d}/none'], ['{d}/a.csv'], []],
    'sql': [['{n}', 'SELECT s.key, v.t, v.value FROM series s, value v WHERE v.series = s.id ORDER BY 1, 2'], ['{n}', 'SELECT 1.5, NULL, \'텍스트\'', '--format', 'csv'],
        ['{n}', 'SELECT number, state FROM lot ORDER BY 1', '--format', 'json'], ['{n}', 'SELECT nothing FROM lot'], ['{n}', 'DELETE FROM lot'], ['{n}', ''],
        ['{n}', 'SELECT 1', '--format', 'xml'], ['{d}/none', 'SELECT 1']],
    'passwd': [(['{n}', 'kim'], PASSWORD), (['{n}', 'kim'], b'short'), (['{n}', 'kim'], PASSWORD + b'2'), (['{n}', 'lee', '--role', 'vendor'], PASSWORD),
        (['{n}', 'kim', '--role', 'vendor'], PASSWORD), (['{n}', 'a/b'], PASSWORD), (['{n}', 'park', '--role', 'king'], PASSWORD), (['{d}/none', 'kim'], PASSWORD)],
    'backup': [['{n}', '{d}/t'], ['{n}', '{d}/t', '--keep', '1', '--with-keys'], ['--list', '{d}/t'], ['--verify', '{d}/t'], ['{n}', '{d}/many'], ['{n}', '{n}/inbox/t'], ['{n}', '{d}/t', '--keep', '0'],
        ['{d}/none', '{d}/t2']],
    'restore': [['{d}/t', '{n}', '--as', 'move'], ['{d}/t', '{d}/r-{lang}', '--as', 'copy'], ['{d}/t', '{d}/r-{lang}', '--as', 'copy'], ['{d}/many', '{d}/r2', '--as', 'move'], ['{d}/t', '{d}/r2']],
    'debug': [['{n}/' + f] for f in ('format', 'node.json', 'moru.yaml', 'secrets/key.pem', 'tls/ca.crt', 'none')] + [['{n}'], ['{d}/a.csv']],
    'demo': [['--seed', 'x'], ['more']],
    'export': [['{n}', '{d}/e-{lang}.zip'], ['{n}', '{d}/e-{lang}.zip'], ['{n}', '{d}/one-{lang}.zip', '--asset', 'PRESS', '--from', '2021-01-01T00:00:00Z'], ['{n}', '{d}/x.zip', '--from', 'never'],
        ['{n}', '{d}/no/such/x.zip'], ['{n}', '{d}/x.zip', '--asset', 'NOBODY'], ['{d}/none', '{d}/x.zip'], ['{n}']],
    'help': [[], ['import'], ['none']],
}
# What by nature is not the same, and what it is then. All others are held to their rows alone.
OF_ONE_STATE = {'serve': 'it is the running node: a second one is refused (test_a_second_node_touches_nothing in test_faults.py)',
    'demo': 'it makes folders of its own and serves them itself: no folder of ours is given to it'}


def commands():
    out = moru('help').stdout.decode()
    found = re.findall(r'^  moru (\S+)', out, re.M)
    assert len(found) > 8 and found[-1] == 'help', out
    return found


def test_every_command_has_rows():
    assert [c for c in commands() if not ROWS.get(c)] == [], 'a command without rows: add what it is called with, and what it must say in both states'
    assert set(OF_ONE_STATE) <= set(commands())


def prepared(at):
    n = Node(at / 'n').init()
    write(at / 'a.csv', 'time,x,state\n' + ''.join(f'2021-09-06 10:{i:02},{i * 0.5},{"run" if i % 3 else "idle"}\n' for i in range(60)))
    write(at / 'bad.csv', 'time,x\n2021-09-06 10:05,1\nnever,2\n2021-09-06 10:07,much\n')
    write(at / 'b.csv', 'time,y\n2021-09-06 10:05,1\n')
    (at / 'many').mkdir()
    write(at / 'many' / 'c.csv', 'time,z\n2021-09-06 10:05,1\n')
    write(at / 'many' / 'd.txt', 'no table')
    assert importing(n.folder, write(at / 'first.csv', 'time,v\n2021-09-06 10:05,1\n')).status == 0
    n.start()
    assert n.records({'type': 'lot', 'firm': 'F', 'number': 'L1'}, {'type': 'lot', 'firm': 'F', 'number': 'L2', 'state': 'on_hold'}).status == 200
    assert n.write([f'live v={i} {1763770000 + i}' for i in range(50)], precision='s').status == 204
    n.stop()


def said(at, name, row, lang):
    args, given = row if isinstance(row, tuple) else (row, b'')
    r = moru(name, *[a.replace('{n}', str(at / 'n')).replace('{d}', str(at)).replace('{lang}', lang) for a in args], lang=lang, input=given)
    out, err = (re.sub(r'\d{14}-[0-9a-f]{8}', 'SNAPSHOT', x.decode().replace(str(at), 'AT')) for x in (r.stdout, r.stderr))
    assert not SANITIZER.search(err), err
    return r.returncode, out, err


def about(name, words):
    """Without what is of the moment: ids just made, and sizes that hang on how the files stand (a served node has not flushed yet)."""
    status, out, err = words
    out = re.sub('[0-9a-f]{8}-[0-9a-f-]{27}', 'ID', out)
    if name in ('backup', 'restore', 'check'):
        out = re.sub(r'\d{4}-\S+|\d+(?= *(bytes|files|new|series|바이트|파일|개))', '#', out)
    if name == 'export':
        out = re.sub(r'\d+(?= *(bytes|바이트))|[0-9a-f]{64}', '#', out)
    return status, out, err


@pytest.fixture(scope='module')
def both(tmp_path_factory):
    """(folder, node) twice: the one is served, the other is not."""
    d = tmp_path_factory.mktemp('both')
    (d / 'alone').mkdir()
    prepared(d / 'alone')
    shutil.copytree(d / 'alone', d / 'served')
    n = Node(d / 'served' / 'n').start()
    yield d / 'served', d / 'alone', n
    n.stop()


def test_all_say_the_same(both):
    served, alone, n = both
    done, different = 0, []
    for name in commands():
        for lang in ('ko', 'en'):
            for row in ROWS[name]:
                a, b = about(name, said(served, name, row, lang)), about(name, said(alone, name, row, lang))
                done += 1
                if a != b:
                    different.append(f'moru --lang {lang} {name} {row}\n  served: {a}\n  alone:  {b}')
    print(f'{done} command lines of {len(commands())} commands')
    assert not different, '\n'.join(different)
    assert n.get('/healthz').status == 200
    # And did the same.
    n.stop()
    assert values(n.folder) == values(alone / 'n')
    for query in ('SELECT key, asset, signal, unit, type, points FROM series ORDER BY key', 'SELECT firm, number, state FROM lot ORDER BY 1, 2'):
        assert sql(n.folder, query) == sql(alone / 'n', query)
    audits = []
    for folder in (served / 'n', alone / 'n'):
        at = Node(folder).start()
        audits.append(audit(at))
        at.stop()
    assert audits[0] == audits[1] and len(audits[0]) > 5, audits


def audit(n):
    """What the trail says that was done, in its order; over the folder's socket, as there is an account."""
    s = socket.socket(socket.AF_UNIX)
    s.connect(str(n.folder / 'run' / 'moru.sock'))
    s.sendall(b'GET /api/v1/audit?limit=200 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
    got = b''
    while piece := s.recv(65536):
        got += piece
    s.close()
    return [(x['who'], x['what']) for x in json.loads(got.partition(b'\r\n\r\n')[2])['items']]
