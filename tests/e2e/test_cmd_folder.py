"""Commands on a folder that another process holds, and what they say when its node ends meanwhile."""
import contextlib
import fcntl
import socket
import threading

import pytest

from conftest import moru
from importing import write

BUSY = {'en': 'Another moru command is at work on this folder; try again when it has ended', 'ko': '이 폴더에서 다른 moru 명령이 작업하고 있습니다'}


@contextlib.contextmanager
def held(folder):
    with open(folder / 'lock', 'a+b') as f:
        fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def commands(folder, tmp_path):
    f, g = (write(tmp_path / n, 'time,a\n2021-09-06 10:05,1\n') for n in ('f.csv', 'g.csv'))
    return [['import', folder, f, g], ['check', folder], ['sql', folder, 'SELECT 1']]


@pytest.mark.parametrize('lang', ['ko', 'en'])
@pytest.mark.parametrize('left', [False, True], ids=['no socket', 'a socket left over'])
def test_another_command_is_at_work(new_node, tmp_path, lang, left):
    n = new_node(serve=False)
    if left:
        s = socket.socket(socket.AF_UNIX)
        s.bind(str(n.folder / 'run' / 'moru.sock'))
        s.close()
    with held(n.folder):
        for args in commands(n.folder, tmp_path) + [['serve', n.folder]]:
            r = moru(*args, lang=lang)
            text = r.stderr.decode()
            assert r.returncode == (1 if args[0] == 'serve' else 2) and BUSY[lang] in text and str(n.folder) in text, (args, r)
            assert len(text.splitlines()) == 1 and 'localhost' not in text and 'moru.sock' not in text and r.stdout == b'', (args, r)


@contextlib.contextmanager
def dying_node(folder, lives):
    """Listens where a node does, reads of each connection and breaks it without an answer; gone after `lives` of them."""
    s = socket.socket(socket.AF_UNIX)
    s.bind(str(folder / 'run' / 'moru.sock'))
    s.listen()

    def run():
        for _ in range(lives):
            c, _ = s.accept()
            c.recv(1 << 16)
            c.close()
        s.close()
    t = threading.Thread(target=run, daemon=True)
    t.start()
    with held(folder):
        yield
    t.join(10)


@pytest.mark.parametrize('lang, says', [('ko', ['노드가 끝났습니다', '두 번 저장되는 것은 없습니다']), ('en', ['The node ended', 'nothing is stored twice'])])
def test_the_node_ends_during_an_import(new_node, tmp_path, lang, says):
    n = new_node(serve=False)
    args = commands(n.folder, tmp_path)[0]
    with dying_node(n.folder, 1):
        r = moru(*args, lang=lang)
    text = r.stderr.decode()
    assert r.returncode == 2 and len(text.splitlines()) == 2, r
    for line, path in zip(text.splitlines(), args[2:]):
        assert str(path) in line and f'moru serve {n.folder}' in line and all(w in line for w in says) and 'moru.sock' not in line, r


def test_the_node_ends_before_it_answers(new_node, tmp_path):
    n = new_node(serve=False)
    for args in commands(n.folder, tmp_path)[1:]:
        with dying_node(n.folder, 1):
            r = moru(*args)
        text = r.stderr.decode()
        assert r.returncode == 2 and 'The node ended before it answered' in text and f'moru serve {n.folder}' in text and 'moru.sock' not in text, r
        (n.folder / 'run' / 'moru.sock').unlink()
