"""Wrong arguments: each is named with what was expected, in the user's language, before anything is made or started."""
import os
import re
import subprocess

import pytest

from conftest import MORU, moru
from importing import write

HANGUL = re.compile('[가-힣]')


def refused(*args, says=(), status=2):
    """Both languages name what is wrong; nothing goes to standard output."""
    for lang in ('ko', 'en'):
        r = moru(*args, lang=lang)
        text = r.stderr.decode()
        assert r.returncode == status and r.stdout == b'', (args, r)
        assert text.startswith('moru: ') and all(str(s) in text for s in says) and bool(HANGUL.search(text)) == (lang == 'ko'), (args, r)


@pytest.mark.parametrize('args, says', [(['--seed', 'x'], ['--seed', '"x"', '0..']), (['--seed', '-1'], ['--seed', '"-1"']), (['--without', '2'], ['--without', '"2"', '1, 3, 6']),
    (['--halve', 'all'], ['--halve', '"all"', '1, 3, 6']), (['--shift', '5'], ['--shift', '"5"', '1, 3, 6']), (['--shift', '3', '9'], ['--shift', '"9"', '-2.5..2.5']),
    (['--shift', '3', 'nan'], ['--shift', '"nan"']), (['--sync-delay', '2000'], ['--sync-delay', '"2000"', '0..1000']), (['--sync-delay', 'x'], ['--sync-delay', '"x"']),
    (['extra'], ['"extra"', 'moru demo']), (['--dir', 'd' * 300], ['--dir'])])
def test_demo_starts_nothing(tmp_path, monkeypatch, args, says):
    monkeypatch.setenv('TMPDIR', str(tmp_path))
    monkeypatch.chdir(tmp_path)
    refused('demo', *args, says=says)
    assert not list(tmp_path.iterdir())


def test_a_file_where_the_folder_goes(tmp_path):
    f = write(tmp_path / 'x.csv', 'time,a\n2021-09-06 10:05,1\n')
    for args in (['import', f, tmp_path], ['check', f], ['sql', f, 'SELECT 1'], ['serve', f]):
        refused(*args, says=[f])
    r = moru('import', f, tmp_path)
    assert r.stderr.decode() == f"moru: The first argument must be a node's folder; {f} is a file\n"
    r = moru('debug', tmp_path)
    assert r.returncode == 1 and r.stderr.decode() == f'moru: {tmp_path} is a folder; name one of the files in it\n'


@pytest.mark.parametrize('args, says', [(['serve', '.', '--listen', '127.0.0.1:99999'], ['--listen', '"127.0.0.1:99999"', '0..65535']), (['serve', '.', '--listen', 'here'], ['--listen', '"here"']),
    (['serve', '.', 'more'], ['"more"', 'moru serve DIR']), (['init', 'n', '--port', 'abc'], ['--port', '"abc"', '1..65535']), (['init', 'n', '--port', '0'], ['--port', '"0"']),
    (['init', 'n', '--zone', 'Asia/Seoulx'], ['--zone', '"Asia/Seoulx"', 'Asia/Seoul']), (['init', 'n', '--demo'], ['--demo', '--start']), (['init', 'n', '--start', '2026-11-15T00:00:00Z'], ['--start', '--demo']),
    (['init', 'n', '--demo', '--start', 'now'], ['--start', '"now"', '2026-']), (['init', 'n', '--sync-delay', '5'], ['--sync-delay', '--demo']),
    (['init', 'n', '--demo', '--start', '2026-11-15T00:00:00Z', '--sync-delay', '5s'], ['--sync-delay', '"5s"', '0..1000']), (['init', 'n', 'm'], ['"m"', 'moru init DIR']),
    (['sql', '.', 'SELECT 1', '--format', 'xml'], ['--format', '"xml"', 'table, csv, json']), (['sql', '.', 'SELECT', '1'], ['"1"', 'moru sql DIR']), (['check', '.', 'x'], ['"x"', 'moru check DIR']),
    (['debug', 'a', 'b'], ['"b"', 'moru debug FILE'])])
def test_what_is_wrong_is_named(tmp_path, monkeypatch, args, says):
    monkeypatch.chdir(tmp_path)
    refused(*args, says=says)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize('env, korean', [('ko_KR.UTF-8', True), ('en_US.UTF-8', False)])
def test_unknown_languages_name_the_known(env, korean):
    for args in (['help', '--lang', 'fr'], ['--lang', 'fr', 'help'], ['help', '--lang']):
        e = {k: v for k, v in os.environ.items() if k not in ('LC_ALL', 'LC_MESSAGES')}
        r = subprocess.run([MORU, *args], capture_output=True, text=True, timeout=30, env={**e, 'LANG': env})
        assert r.returncode == 2 and r.stdout == '' and '--lang' in r.stderr and 'ko, en' in r.stderr and bool(HANGUL.search(r.stderr)) == korean, r
        assert 'fr' not in args or '"fr"' in r.stderr


@pytest.mark.parametrize('command', ['init', 'serve', 'import', 'check', 'sql', 'debug', 'demo'])
def test_every_command_explains_itself(tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    want = moru('help', command)
    for args in ([command, '--help'], [command, '-h'], [command, 'n', '--help']):
        r = moru(*args)
        assert (r.returncode, r.stdout, r.stderr) == (0, want.stdout, b''), (args, r)
    assert not list(tmp_path.iterdir())


def test_init_says_why_it_cannot(tmp_path):
    r = moru('init', tmp_path / 'a' / 'b' / 'c')
    assert r.returncode == 1 and r.stderr.decode() == f"moru: Cannot make {tmp_path / 'a' / 'b' / 'c'}: there is no folder {tmp_path / 'a' / 'b'}\n"
    f = write(tmp_path / 'file', 'x')
    r = moru('init', f)
    assert r.returncode == 1 and r.stderr.decode() == f'moru: Cannot make the folder {f}: a file of that name is there\n'
    r = moru('init', f / 'n')
    assert r.returncode == 1 and f'there is no folder {f}' in r.stderr.decode()
    assert HANGUL.search(moru('init', tmp_path / 'a' / 'b', lang='ko').stderr.decode())
    closed = tmp_path / 'closed'
    closed.mkdir()
    closed.chmod(0o500)
    if not os.access(closed, os.W_OK):
        r = moru('init', closed / 'n')
        assert r.returncode == 1 and 'no permission' in r.stderr.decode()


def zone_of(folder):
    return re.search(r'^zone: "(.*)"$', (folder / 'moru.yaml').read_text(), re.M)[1]


def test_init_takes_the_zone_of_the_pc(tmp_path):
    for i, (args, env, want) in enumerate([([], {'TZ': 'Europe/Paris'}, 'Europe/Paris'), ([], {'TZ': ':/usr/share/zoneinfo/America/New_York'}, 'America/New_York'),
            (['--zone', 'Asia/Tokyo'], {'TZ': 'Europe/Paris'}, 'Asia/Tokyo'), (['--demo', '--start', '2026-11-15T00:00:00Z'], {'TZ': 'Europe/Paris'}, 'Asia/Seoul')]):
        n = tmp_path / f'n{i}'
        r = moru('init', n, *args, env=env)
        assert r.returncode == 0 and want in r.stdout.decode() and zone_of(n) == want, r
    # TZ names no zone: the PC's files are asked, and whatever they say, it is one that the node can start with.
    r = moru('init', tmp_path / 'n', env={'TZ': 'KST-9'}, lang='ko')
    assert r.returncode == 0 and zone_of(tmp_path / 'n') in r.stdout.decode() and os.path.isfile('/usr/share/zoneinfo/' + zone_of(tmp_path / 'n'))
    assert moru('check', tmp_path / 'n').returncode == 0
