"""Wrong arguments: each is named with what was expected, in the user's language, before anything is made or started."""
import re

import pytest

from conftest import moru
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
