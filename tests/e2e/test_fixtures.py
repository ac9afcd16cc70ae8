"""Folders of released versions, opened by this program: every answer that was recorded then is given now (tests/fixtures/make.py)."""
import json
import pathlib
import re
import tarfile

import pytest
from conftest import ROOT, Node, moru

FIXTURES = ROOT / 'tests' / 'fixtures'
FOLDERS = sorted(FIXTURES.glob('v*/*.tar.xz'))


def holds(now, then, where=''):
    """Whatever was recorded is there; what later versions add beside it may be."""
    if isinstance(then, dict):
        assert isinstance(now, dict), (where, now, then)
        for k, v in then.items():
            assert k in now, f'{where}: {k} is gone'
            if k == 'person' and v is not None:  # names have pseudonyms since; SQL tells those alone
                assert re.fullmatch('P-[0-9A-Z]{4}', now[k]) and now.get('person_name', v) == v, (where, now)
                continue
            holds(now[k], v, f'{where}.{k}')
    elif isinstance(then, list):
        assert isinstance(now, list) and len(now) >= len(then), (where, now, then)
        for i, v in enumerate(then):
            holds(now[i], v, f'{where}[{i}]')
    else:
        assert now == then and type(now) is type(then), (where, now, then)


def opened(tmp_path, packed):
    with tarfile.open(packed) as t:
        t.extractall(tmp_path)
    (tmp_path / 'folder' / 'run').mkdir(exist_ok=True)
    return Node(tmp_path / 'folder'), json.loads(packed.with_suffix('').with_suffix('.json').read_text())


def test_there_are_some():
    """One pair a version, and each of this version's kinds of data is in it."""
    assert [p.relative_to(FIXTURES).as_posix() for p in FOLDERS][:2] == ['v1/closed.tar.xz', 'v1/killed.tar.xz']
    then = json.loads((FIXTURES / 'v1' / 'closed.json').read_text())
    assert all(rows for rows in then['sql'].values()), [s for s, rows in then['sql'].items() if not rows]
    assert {r['type'] for r in then['sql']['SELECT * FROM series ORDER BY 1']} == {'float', 'integer', 'boolean', 'string'}


@pytest.mark.parametrize('packed', FOLDERS, ids=lambda p: f'{p.parent.name}-{p.name.partition(".")[0]}')
def test_answers_as_then(tmp_path, packed):
    n, then = opened(tmp_path, packed)
    before = (n.folder / 'node.json').read_bytes()
    try:
        n.start()  # migrates
        for path, body in then['get'].items():
            holds(n.get_json(path), body, path)
        assert n.write('press,asset=PRESS-1 oil_temperature=1 1770000000', precision='s').status == 204
        n.stop()
    finally:
        n.kill()
    for statement, rows in then['sql'].items():
        r = moru('sql', n.folder, statement, '--format', 'json')
        assert r.returncode == 0, r
        now = [json.loads(line) for line in r.stdout.decode().splitlines()]
        if any(f'FROM {table}' in statement for table in ('value', 'series', 'machine_state')):
            continue  # a value was written and time has passed since; the paths above hold them
        holds(now, rows, statement)
    r = moru('check', n.folder)
    assert r.returncode == 0 and re.search(r'0 finding', r.stdout.decode()), (r.stdout, r.stderr)
    assert json.loads((n.folder / 'node.json').read_bytes())['id'] == json.loads(before)['id']


@pytest.mark.parametrize('packed', FOLDERS, ids=lambda p: f'{p.parent.name}-{p.name.partition(".")[0]}')
def test_commands_open_it_too(tmp_path, packed):
    n, then = opened(tmp_path, packed)
    for statement, rows in then['sql'].items():
        r = moru('sql', n.folder, statement, '--format', 'json')
        assert r.returncode == 0, r
        holds([json.loads(line) for line in r.stdout.decode().splitlines()], rows, statement)


def test_a_newer_folder_is_refused_in_words(tmp_path):
    n, _ = opened(tmp_path, FOLDERS[0])
    (n.folder / 'format').write_text('moru 2\n')
    files = {p: p.read_bytes() for p in n.folder.rglob('*') if p.is_file()}
    for command in (('serve', n.folder, '--listen', '127.0.0.1:0'), ('check', n.folder), ('sql', n.folder, 'SELECT 1')):
        for lang, word in (('en', 'newer'), ('ko', '새')):
            r = moru(*command, lang=lang)
            assert r.returncode in (1, 2) and word in r.stderr.decode(), (command, r)
    assert {p: p.read_bytes() for p in n.folder.rglob('*') if p.is_file()} == files
