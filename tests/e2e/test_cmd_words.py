"""moru help, init, sql, debug: what they say, in both languages, and what they refuse."""
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess

import pytest

from conftest import MORU, moru
from importing import importing, write

COMMANDS = ['init', 'serve', 'import', 'check', 'sql', 'passwd', 'debug', 'demo']
HANGUL = re.compile('[가-힣]')


def raw(*args, **env):
    e = {k: v for k, v in os.environ.items() if k not in ('LANG', 'LC_ALL', 'LC_MESSAGES')}
    return subprocess.run([MORU, *map(str, args)], capture_output=True, text=True, timeout=30, env=e | env)


@pytest.mark.parametrize('env, korean', [({'LANG': 'ko_KR.UTF-8'}, True), ({'LANG': 'en_US.UTF-8'}, False), ({'LANG': 'de_DE.UTF-8'}, False), ({}, False),
    ({'LANG': 'C'}, False), ({'LANG': 'en_US.UTF-8', 'LC_ALL': 'ko_KR.UTF-8'}, True), ({'LANG': 'ko_KR.UTF-8', 'LC_MESSAGES': 'en_US.UTF-8'}, False)])
def test_language_of_the_environment(env, korean):
    assert bool(HANGUL.search(raw('help', **env).stdout)) == korean
    assert bool(HANGUL.search(raw('check', '/nowhere', **env).stderr)) == korean


def test_lang_wins_and_stands_anywhere():
    assert HANGUL.search(raw('--lang', 'ko', 'help', LANG='en_US.UTF-8').stdout)
    assert not HANGUL.search(raw('help', 'import', '--lang', 'en', LANG='ko_KR.UTF-8').stdout)
    assert raw('help', '--lang', 'fr').returncode == 2


@pytest.mark.parametrize('lang', ['ko', 'en'])
def test_help_names_every_command(lang):
    r = raw('help', '--lang', lang)
    assert r.returncode == 0 and all(f'moru {c} ' in r.stdout for c in COMMANDS) and r.stderr == ''
    for c in COMMANDS:
        r = raw('help', c, '--lang', lang)
        assert r.returncode == 0 and r.stdout.startswith(f'moru {c} ') and len(r.stdout.splitlines()) >= 3
        assert bool(HANGUL.search(r.stdout)) == (lang == 'ko')


def test_wrong_commands_and_options():
    assert raw().returncode == 2
    for args in (['nonsense'], ['help', 'nonsense'], ['init'], ['serve'], ['import', '/tmp'], ['check'], ['sql', '/tmp'], ['debug'], ['check', '--fast', '/tmp'], ['init', '--port']):
        r = raw(*args)
        assert r.returncode == 2 and r.stderr and not r.stdout, (args, r)


def test_init_makes_what_it_says(tmp_path):
    r = moru('init', tmp_path / 'a' / 'b')
    assert r.returncode != 0 and str(tmp_path / 'a' / 'b') in r.stderr.decode()
    r = moru('init', tmp_path / 'n', '--name', '예시사출', '--firm', 'MLD', '--port', '9001', lang='ko')
    assert r.returncode == 0 and HANGUL.search(r.stdout.decode())
    y = (tmp_path / 'n' / 'moru.yaml').read_text()
    assert '예시사출' in y and 'MLD' in y and '9001' in y and HANGUL.search(''.join(s for s in y.splitlines(True) if s.startswith('#')))
    assert oct((tmp_path / 'n' / 'secrets').stat().st_mode)[-3:] == '700' and oct((tmp_path / 'n' / 'secrets' / 'key.pem').stat().st_mode)[-3:] == '600'
    assert json.loads((tmp_path / 'n' / 'node.json').read_text())['id']
    before = {p: p.read_bytes() for p in (tmp_path / 'n').rglob('*') if p.is_file()}
    r = moru('init', tmp_path / 'n')
    assert r.returncode != 0 and 'holds a node already' in r.stderr.decode()
    assert {p: p.read_bytes() for p in (tmp_path / 'n').rglob('*') if p.is_file()} == before


def test_init_in_a_folder_with_other_things(tmp_path):
    write(tmp_path / 'd' / 'mine.txt', 'x') if not (tmp_path / 'd').mkdir() else None
    r = moru('init', tmp_path / 'd')
    assert r.returncode == 0 or str(tmp_path / 'd') in r.stderr.decode()
    assert (tmp_path / 'd' / 'mine.txt').read_text() == 'x'
    write(tmp_path / 'file', 'x')
    r = moru('init', tmp_path / 'file')
    assert r.returncode != 0 and str(tmp_path / 'file') in r.stderr.decode() and (tmp_path / 'file').read_text() == 'x'


def test_init_where_it_may_not_write(tmp_path):
    for d in ('/proc/moru', '/sys/moru'):
        r = moru('init', d)
        assert r.returncode == 1 and d in r.stderr.decode(), r


def test_init_and_import_on_a_full_disk(tmp_path):
    """A file system of 1.25 MB of our own; without the right to mount one, files that may not grow past 200 kB."""
    small = tmp_path / 'small'
    small.mkdir()
    big = write(tmp_path / 'big.csv', 'time,a\n' + ''.join(f'2021-09-{1 + i // 1440:02} {i // 60 % 24:02}:{i % 60:02},{i}\n' for i in range(43000)))
    if subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=1280k', 'tmpfs', str(small)], capture_output=True).returncode != 0:
        def tight():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (200000, 200000))
        r = subprocess.run([MORU, '--lang', 'en', 'init', str(small / 'n')], capture_output=True, preexec_fn=tight)
        assert r.returncode == 1 and r.stderr, r
        assert moru('init', small / 'n').returncode == 0
        r = subprocess.run([MORU, '--lang', 'en', 'import', str(small / 'n'), str(big)], capture_output=True, preexec_fn=tight)
        assert r.returncode == 2 and r.stderr, r
        return
    try:
        write(small / 'ballast', b'x' * 1160000)
        r = moru('init', small / 'n')
        assert r.returncode == 1 and r.stderr, r
        (small / 'ballast').unlink()
        r = moru('init', small / 'n')
        assert r.returncode == 0, r.stderr
        r = importing(small / 'n', big)
        assert r.status == 2 and r.err, r
    finally:
        subprocess.run(['umount', str(small)], check=True)


@pytest.fixture(scope='module')
def filled(tmp_path_factory):
    d = tmp_path_factory.mktemp('filled')
    assert moru('init', d / 'n').returncode == 0
    write(d / 'm.csv', 'time,a(mm),s\n' + ''.join(f'2021-09-06 10:{i:02},{i}.5,"x,{i}"\n' for i in range(60)))
    assert importing(d / 'n', d / 'm.csv').status == 0
    return d / 'n'


def test_sql_in_three_formats(filled):
    q = "SELECT asset, signal, unit, points FROM series ORDER BY signal"
    assert moru('sql', filled, q).stdout.decode().splitlines() == ['asset\tsignal\tunit\tpoints', 'm\ta\tmm\t60', 'm\ts\t\t60']
    assert moru('sql', filled, q, '--format', 'csv').stdout.decode() == 'asset,signal,unit,points\r\nm,a,mm,60\r\nm,s,,60\r\n'
    assert [json.loads(s) for s in moru('sql', filled, q, '--format', 'json').stdout.decode().splitlines()] == [
        {'asset': 'm', 'signal': 'a', 'unit': 'mm', 'points': 60}, {'asset': 'm', 'signal': 's', 'unit': None, 'points': 60}]
    assert moru('sql', filled, q, '--format', 'xml').returncode == 2
    r = moru('sql', filled, "SELECT count(*) n, sum(v.value) s FROM series x, value v WHERE v.series = x.id AND x.signal = 'a'", '--format', 'json')
    assert json.loads(r.stdout) == {'n': 60, 's': sum(i + 0.5 for i in range(60))}
    r = moru('sql', filled, "SELECT v.value FROM series x, value v WHERE v.series = x.id AND x.signal = 's' LIMIT 1", '--format', 'csv')
    assert r.stdout.decode() == 'value\r\n"x,0"\r\n'


@pytest.mark.parametrize('sql', ['DELETE FROM asset', 'DROP TABLE lot', "UPDATE series SET unit = 'm'", 'PRAGMA journal_mode=DELETE', "ATTACH '/tmp/x' AS x", 'SELECT 1; SELECT 2',
    'SELECT', '', 'SELECT * FROM secrets', "SELECT load_extension('x')", 'INSERT INTO asset VALUES (1)', 'VACUUM'])
def test_sql_reads_only(filled, sql):
    before = {p: p.read_bytes() for p in filled.rglob('*') if p.is_file()}
    r = moru('sql', filled, sql)
    assert r.returncode == 1 and r.stderr.startswith(b'moru: ') and r.stdout == b'', r
    assert HANGUL.search(moru('sql', filled, sql, lang='ko').stderr.decode())
    assert {p: p.read_bytes() for p in filled.rglob('*') if p.is_file()} == before


def test_commands_beside_a_running_node(new_node):
    node = new_node()
    r = moru('serve', node.folder)
    assert r.returncode != 0 and 'running' in r.stderr.decode(), r
    assert HANGUL.search(moru('serve', node.folder, lang='ko').stderr.decode())
    r = moru('check', node.folder)
    assert r.returncode == 0 and r.stderr == b'' and b'0 finding' in r.stdout, r
    assert HANGUL.search(moru('check', node.folder, lang='ko').stdout.decode())


def test_commands_on_a_folder_without_a_node(tmp_path):
    f = write(tmp_path / 'f.csv', 'time,a\n2021-09-06 10:05,1\n')
    for args in (['sql', tmp_path, 'SELECT 1'], ['check', tmp_path], ['serve', tmp_path], ['import', tmp_path, f], ['check', tmp_path / 'none']):
        r = moru(*args)
        assert r.returncode != 0 and 'moru init' in r.stderr.decode() and str(tmp_path) in r.stderr.decode(), r


def test_a_newer_folder_is_refused(filled, tmp_path):
    shutil.copytree(filled, tmp_path / 'n')
    write(tmp_path / 'n' / 'format', 'moru 99\n')
    r = moru('check', tmp_path / 'n')
    assert r.returncode != 0 and '99' in r.stderr.decode() and 'newer' in r.stderr.decode()


def test_settings_errors_name_line_and_value(filled, tmp_path):
    shutil.copytree(filled, tmp_path / 'n')
    y = (tmp_path / 'n' / 'moru.yaml').read_text()
    write(tmp_path / 'n' / 'moru.yaml', y + 'colour: red\n')
    r = moru('serve', tmp_path / 'n')
    assert r.returncode == 1 and 'colour' in r.stderr.decode() and f'line {len(y.splitlines()) + 1}' in r.stderr.decode() and 'moru.yaml' in r.stderr.decode()
    r = moru('serve', filled, '--listen', '0.0.0.0:0')
    assert r.returncode == 2 and '0.0.0.0' in r.stderr.decode()


def test_debug_shows_each_of_our_files(filled):
    shown = 0
    for p in sorted((filled / 'series').iterdir()):
        r = moru('debug', p)
        assert r.returncode == 0 and len(r.stdout.splitlines()) >= 2, (p, r)
        shown += 1
    assert shown >= 2
    said = {p: moru('debug', filled / p) for p in ('format', 'node.json', 'moru.yaml', 'store.db')}
    assert all(r.returncode == 0 and HANGUL.search(moru('debug', filled / p, lang='ko').stdout.decode()) for p, r in said.items()), said
    assert b'version 1' in said['format'].stdout and b'schema version' in said['store.db'].stdout and b'name:' in said['moru.yaml'].stdout
    assert json.loads((filled / 'node.json').read_text())['id'] in said['node.json'].stdout.decode()


def test_debug_tells_a_damaged_blob(filled, tmp_path):
    blob = next(p for p in (filled / 'blobs').rglob('*') if p.is_file())
    r = moru('debug', blob)
    assert r.returncode == 0 and blob.parent.name + blob.name in r.stdout.decode() and b'whole' in r.stdout
    bad = tmp_path / blob.parent.name
    bad.mkdir()
    r = moru('debug', write(bad / blob.name, blob.read_bytes()[:-1]))
    assert r.returncode == 1 and b'damaged' in r.stdout and r.stderr


def test_debug_never_shows_a_secret(filled):
    r = moru('debug', filled / 'secrets' / 'key.pem')
    assert b'PRIVATE' not in r.stdout and (filled / 'secrets' / 'key.pem').read_text().splitlines()[1].encode() not in r.stdout + r.stderr


def test_debug_on_noise(filled, tmp_path):
    seed = random.randrange(1 << 32)
    print('seed', seed)
    rng = random.Random(seed)
    ours = [p.read_bytes()[:1 << 16] for p in (filled / 'series').iterdir()]
    for n in range(40):
        b = bytearray(rng.choice(ours + [rng.randbytes(5000), b'']))
        for _ in range(rng.randrange(1, 20)):
            if b:
                b[rng.randrange(min(len(b), rng.choice((64, 4096, 1 << 16))))] ^= 1 << rng.randrange(8)
        r = moru('debug', write(tmp_path / f'x{n}', bytes(b[:rng.randrange(len(b) + 1)])))
        assert r.returncode in (0, 1) and (r.returncode == 0 or r.stderr.startswith(b'moru: ')), r
    for p in (tmp_path, tmp_path / 'absent', '/dev/null'):
        r = moru('debug', p)
        assert r.returncode == 1 and str(p) in r.stderr.decode(), r
