"""moru check on whole folders, and on copies that were hurt: it names the file, gives a status, and never crashes."""
import random
import shutil

import pytest

from conftest import SANITIZER, moru
from importing import importing, values, write


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
