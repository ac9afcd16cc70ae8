"""moru check on whole folders, and on copies that were hurt: it names the file, gives a status, and never crashes; of a folder that is
served it says the same, while the node goes on."""
import os
import random
import shutil
import subprocess
import threading
import time

import pytest

from conftest import MORU, SANITIZER, moru
from importing import importing, series, sql, values, write


@pytest.fixture(scope='module')
def whole(tmp_path_factory):
    """A folder with segments, logs, blobs and refused rows, as an import leaves it."""
    d = tmp_path_factory.mktemp('whole')
    assert moru('init', d / 'n').returncode == 0
    write(d / 'm.csv', 'time,meter,kW,state\n' + ''.join(f'2021-{1 + i // 96 // 28:02}-{1 + i // 96 % 28:02} {i // 4 % 24:02}:{i % 4 * 15:02},M{k},{i * 0.37 + k},{"run" if i % 9 else "idle"}\n'
        for k in range(8) for i in range(8000)) + 'never,M1,1,run\n')
    assert importing(d / 'n', d / 'm.csv').status == 1
    write(d / 's.csv', 'time,a\n2021-09-06 10:05,1\n')
    assert importing(d / 'n', d / 's.csv').status == 0
    return d / 'n'


def check(folder, lang='en'):
    r = moru('check', folder, lang=lang)
    out, err = r.stdout.decode(), r.stderr.decode()
    assert r.returncode in (0, 1, 2) and not SANITIZER.search(err), (r.returncode, err[-3000:])
    return r.returncode, out, err


def copy(whole, tmp_path):
    shutil.copytree(whole, tmp_path / 'n')
    return tmp_path / 'n'


def flip(path, at, bit=0):
    b = bytearray(path.read_bytes())
    b[at] ^= 1 << bit
    path.write_bytes(b)


def files(folder, pattern):
    found = sorted(folder.glob(pattern))
    assert found, pattern
    return found


def test_a_whole_folder_is_whole(whole):
    status, out, err = check(whole)
    assert (status, err) == (0, '') and '0 finding' in out
    assert '이상 0건' in check(whole, 'ko')[1]


@pytest.mark.parametrize('pattern', ['series/seg-*', 'series/catalogue', 'series/manifest', 'blobs/*/*'])
def test_bit_flips_are_found_wherever_they_are(whole, tmp_path, pattern):
    seed = random.randrange(1 << 32)
    print('seed', seed)
    rng = random.Random(seed)
    n = copy(whole, tmp_path)
    for k in range(12):
        path = rng.choice(files(n, pattern))
        at, bit = rng.randrange(path.stat().st_size), rng.randrange(8)
        flip(path, at, bit)
        status, out, err = check(n)
        assert status == 1 and str(path) in err, (path, at, bit, status, out, err)
        flip(path, at, bit)
    assert check(n)[0] == 0


def test_a_truncated_log(whole, tmp_path):
    n = copy(whole, tmp_path)
    hurt = 0
    for path in files(n, 'series/log-*'):
        b = path.read_bytes()
        used = len(b.rstrip(b'\0'))
        if used < 100:
            continue
        path.write_bytes(b[:used - 7])
        status, out, err = check(n)
        hurt += status == 1 and str(path) in err
        path.write_bytes(b)
    assert hurt >= 1
    assert check(n)[0] == 0


def test_a_flipped_log_record(whole, tmp_path):
    n = copy(whole, tmp_path)
    hurt = 0
    for path in files(n, 'series/log-*'):
        used = len(path.read_bytes().rstrip(b'\0'))
        if used < 170:
            continue
        for at in (70, 100, 130, 160, used - 9):  # behind the last record lies what an older use of the file left
            flip(path, at)
            status, out, err = check(n)
            hurt += status == 1 and str(path) in err
            flip(path, at)
    assert hurt >= 1


@pytest.mark.parametrize('pattern', ['blobs/*/*', 'series/seg-*', 'series/catalogue'])
def test_a_missing_file(whole, tmp_path, pattern):
    n = copy(whole, tmp_path)
    path = files(n, pattern)[0]
    path.unlink()
    status, out, err = check(n)
    assert status == 1 and str(path) in err, (status, out, err)


def test_the_store_damaged_or_gone(whole, tmp_path):
    n = copy(whole, tmp_path)
    seed = random.randrange(1 << 32)
    print('seed', seed)
    rng = random.Random(seed)
    db = n / 'store.db'
    good = db.read_bytes()
    for k in range(10):
        b = bytearray(good)
        for _ in range(200):
            b[rng.randrange(100, len(b))] = rng.randrange(256)
        db.write_bytes(b)
        status, out, err = check(n)
        assert status in (1, 2) and 'store.db' in err, (status, out, err)
    db.write_bytes(b'no database at all' * 100)
    assert check(n)[0] in (1, 2)


@pytest.mark.parametrize('name', ['format', 'node.json', 'secrets/key.pem', 'moru.yaml'])
def test_the_small_files(whole, tmp_path, name):
    n = copy(whole, tmp_path)
    write(n / name, b'\xff\x00rubbish')
    status, out, err = check(n)
    assert status == 2 and (name in err or str(n) in err), (status, out, err)
    (n / name).unlink()
    assert check(n)[0] in ((0, 2) if name == 'moru.yaml' else (2,))


def test_what_a_start_set_aside_is_told(whole, new_node, tmp_path):
    n = copy(whole, tmp_path)
    segs = list(n.glob('series/seg-*'))
    path = segs[0] if segs else files(n, 'series/log-*')[0]
    flip(path, 3)
    node = new_node(serve=False)
    shutil.rmtree(node.folder)
    shutil.copytree(n, node.folder)
    node.start()
    assert path.name in node.log_text() and 'Set aside' in node.log_text()
    node.stop()
    status, out, err = check(node.folder)
    assert status == 1 and path.name + '.bad' in err, (status, out, err)
    # The rest is served, and the same file imported once more mends what was lost.
    assert values(node.folder, 's a') != [] or not segs


def test_hurt_folders_never_crash_a_command(whole, tmp_path):
    """Any file of the folder with random bytes changed: sql, import and check end with a status of their own."""
    seed = random.randrange(1 << 32)
    print('seed', seed)
    rng = random.Random(seed)
    f = write(tmp_path / 'new.csv', 'time,a\n2021-09-06 10:05,1\n')
    for k in range(10):
        n = tmp_path / f'n{k}'
        shutil.copytree(whole, n)
        path = rng.choice([p for p in n.rglob('*') if p.is_file() and p.stat().st_size])
        b = bytearray(path.read_bytes())
        for _ in range(rng.choice((1, 10, 1000))):
            b[rng.randrange(len(b))] = rng.randrange(256)
        path.write_bytes(b[:rng.choice((len(b), len(b) // 2))])
        for args in (['check', n], ['sql', n, "SELECT s.key, count(*) FROM series s, value v WHERE v.series = s.id AND s.type = 'float' GROUP BY 1"], ['import', n, f], ['check', n]):
            r = moru(*args)
            assert r.returncode in (0, 1, 2) and not SANITIZER.search(r.stderr.decode(errors='replace')), (path, args, r)
        shutil.rmtree(n)


# ---- while the node serves the folder ----

def there(n, whole):
    """The node serves a copy of the whole folder; its name for the folder is not the asker's."""
    shutil.rmtree(n.folder)
    shutil.copytree(whole, n.folder)
    return n.start()


def both(n, tmp_path):
    """(status, out, err) of a check of the served folder, which is what a check of a copy says that nobody serves; in both languages."""
    alone = tmp_path / 'alone'
    shutil.rmtree(alone, ignore_errors=True)
    shutil.copytree(n.folder, alone, ignore=shutil.ignore_patterns('run', 'lock'))
    for lang in ('ko', 'en'):
        served = check(n.folder, lang)
        status, out, err = check(alone, lang)
        assert served == (status, out, err.replace(str(alone), str(n.folder))), (lang, served, (status, out, err))
    return served


def answers(n):
    assert n.get('/healthz').status == 200 and n.get('/api/v1/imports').status == 200
    assert n.write('beside v=1').status == 204


def test_of_a_served_folder_the_same_is_said(whole, new_node, tmp_path):
    n = there(new_node(serve=False), whole)
    status, out, err = both(n, tmp_path)
    assert (status, err) == (0, '') and '0 finding' in out
    assert check(str(n.folder) + '/') == (status, out, err)
    n.stop()
    assert check(n.folder) == (status, out, err)


@pytest.mark.parametrize('pattern', ['series/seg-*', 'series/catalogue', 'series/manifest', 'blobs/*/*'])
def test_bit_flips_of_a_served_folder(whole, new_node, tmp_path, pattern):
    seed = random.randrange(1 << 32)
    print('seed', seed)
    rng = random.Random(seed)
    n = there(new_node(serve=False), whole)
    for k in range(4):
        path = rng.choice(files(n.folder, pattern))
        at, bit = rng.randrange(path.stat().st_size), rng.randrange(8)
        poke(path, at, bit)
        status, out, err = both(n, tmp_path)
        assert status == 1 and str(path) in err, (path, at, bit, status, out, err)
        poke(path, at, bit)
    answers(n)
    assert check(n.folder)[0] == 0


def poke(path, at, bit):
    """As flip(), without cutting the file short for a moment: the node has it mapped."""
    with open(path, 'r+b') as f:
        f.seek(at)
        b = f.read(1)[0]
        f.seek(at)
        f.write(bytes([b ^ 1 << bit]))


def test_a_flipped_log_record_of_a_served_folder(new_node):
    n = new_node()
    assert n.write([f'm v={i} {1763770000 + i}' for i in range(1000)], precision='s').status == 204
    path = files(n.folder, 'series/log-*')[-1]
    used = len(path.read_bytes().rstrip(b'\0'))
    for at in (70, used // 2, used - 9):
        poke(path, at, 0)
        status, out, err = check(n.folder)
        assert status == 1 and str(path) in err, (at, status, out, err)
        poke(path, at, 0)
    answers(n)
    assert check(n.folder)[0] == 0


@pytest.mark.parametrize('pattern', ['blobs/*/*', 'series/seg-*', 'series/catalogue'])
def test_a_missing_file_of_a_served_folder(whole, new_node, tmp_path, pattern):
    n = there(new_node(serve=False), whole)
    path = files(n.folder, pattern)[0]
    path.rename(tmp_path / 'away')
    status, out, err = both(n, tmp_path)
    assert status == 1 and str(path) in err, (status, out, err)
    (n.folder / 'series' / 'note').write_text('?')
    status, out, err = both(n, tmp_path)
    assert status == 1 and 'series/note' in err, (status, out, err)
    other = f'{n.folder.parent}/./{n.folder.name}'  # files are named as the asker names the folder
    assert check(other) == (status, out, err.replace(str(n.folder), other))
    assert check(f'{n.folder}/') == (status, out, err)
    answers(n)
    (tmp_path / 'away').rename(path)


def test_more_findings_than_are_told(whole, new_node, tmp_path):
    n = there(new_node(serve=False), whole)
    for i in range(1003):
        (n.folder / 'series' / f'note{i}').touch()
    status, out, err = both(n, tmp_path)
    assert status == 1 and '1003 finding' in out and len(err.splitlines()) == 1001 and 'and 3 more' in err


@pytest.mark.parametrize('name', ['node.json', 'moru.yaml'])
def test_the_small_files_of_a_served_folder(new_node, name):
    n = new_node()
    good = (n.folder / name).read_bytes()
    write(n.folder / name, b'\xff\x00rubbish')
    status, out, err = check(n.folder)
    assert status == 2 and name in err, (status, out, err)
    write(n.folder / name, good)
    assert check(n.folder)[0] == 0


def test_beside_load(new_node, tmp_path):
    """Values and records are written without a pause, heads are flushed and segments merged, while one check follows the other."""
    n = new_node(serve=False)
    settings = n.folder / 'moru.yaml'
    text = settings.read_text()
    assert '33554432' in text
    settings.write_text(text.replace('33554432', '1048576'))
    n.start()
    over, taken, trouble = threading.Event(), [0, 0], []

    def values_in():
        c = n.connect()
        while not over.is_set() and taken[0] < 4000000:
            t = 1763770000 + taken[0] // 20
            a = n.ask('POST', '/write', body='\n'.join(f'm,k={k} v={(t + i) * 0.37},n={i}i {t + i}' for i in range(250) for k in range(10)), params={'db': 'x', 'precision': 's'}, connection=c)
            if a.status != 204:
                trouble.append(a)
                return
            taken[0] += 5000

    def records_in():
        while not over.is_set():
            a = n.records(*[{'type': 'lot', 'firm': 'F', 'number': f'L{taken[1] + i}'} for i in range(20)])
            if a.status != 200:
                trouble.append(a)
                return
            taken[1] += 20

    threads = [threading.Thread(target=f) for f in (values_in, records_in)]
    for t in threads:
        t.start()
    segments, checks, end = set(), 0, time.monotonic() + 20
    try:
        while time.monotonic() < end and (checks < 5 or len(segments) < 5):
            assert check(n.folder)[::2] == (0, ''), (checks, trouble)
            segments |= {p.name for p in n.folder.glob('series/seg-*')}
            checks += 1
    finally:
        over.set()
        for t in threads:
            t.join()
    assert not trouble and checks >= 5 and len(segments) >= 5, (trouble, checks, segments)
    assert check(n.folder)[::2] == (0, '')
    n.stop()
    quiet = check(n.folder)
    assert quiet[::2] == (0, '')
    n.start()
    assert check(n.folder) == quiet
    assert sum(int(p) for _, _, _, _, p in series(n.folder).values()) == taken[0]
    assert sql(n.folder, 'SELECT count(*) FROM lot') == [[str(taken[1])]]


def test_a_long_check_holds_nobody_up(whole, new_node):
    """A blob that has become a hole of 64 GB: meanwhile the node answers, a second check is told to wait, and who no longer waits ends the first."""
    n = there(new_node(serve=False), whole)
    path = max(files(n.folder, 'blobs/*/*'), key=lambda p: p.stat().st_size)
    size = path.stat().st_size

    def begin():
        os.truncate(path, 64 << 30)
        p = subprocess.Popen([MORU, '--lang', 'en', 'check', str(n.folder)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        time.sleep(0.5)  # not to be the one that it finds there
        n.ask('POST', '/api/v1/check', timeout=5).problem(503, 'api_busy')
        assert p.poll() is None
        return p

    p = begin()
    try:
        status, out, err = check(n.folder)
        assert (status, out) == (2, '') and 'Busy' in err
        for _ in range(10):
            answers(n)
        assert n.records({'type': 'lot', 'firm': 'BESIDE', 'number': '1'}).status == 200
        assert sql(n.folder, 'SELECT number FROM lot') == [['1']]
        assert p.poll() is None
    finally:
        p.kill()
        p.communicate()
    os.truncate(path, size)
    end = time.monotonic() + 10
    while (r := check(n.folder))[0] == 2:
        assert 'Busy' in r[2] and time.monotonic() < end, 'the check went on without its asker'
    assert r[0] == 0, r
    p = begin()
    t0 = time.monotonic()
    n.stop()
    assert time.monotonic() - t0 < 5
    err = p.communicate()[1]
    assert p.returncode == 2 and err
