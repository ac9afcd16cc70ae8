"""Files that want to hurt: refused or read in bounded memory, never a crash; and memory that does not grow with the file."""
import os
import random
import subprocess

import pytest

from conftest import MORU, SANITIZER
from importing import Imported, ns, series, values, write

MB = 1 << 20
SANITIZED = 'asan' in MORU or 'tsan' in MORU
LIMIT_MB = 80


def measured(folder, *files, timeout=200):
    """moru import with its greatest resident size: (Imported, MB)."""
    env = dict(os.environ)
    p = subprocess.Popen([MORU, '--lang', 'en', 'import', str(folder), *map(str, files)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)
    out, err = p.stdout.read(), p.stderr.read()
    _, status, usage = os.wait4(p.pid, 0)
    p.returncode = os.waitstatus_to_exitcode(status)
    assert p.returncode in (0, 1, 2), (p.returncode, err.decode(errors='replace')[-3000:])
    assert not SANITIZER.search(err.decode(errors='replace')), err.decode(errors='replace')[-3000:]
    p.stdout.close()
    p.stderr.close()
    return Imported(subprocess.CompletedProcess(p.args, p.returncode, out, err)), usage.ru_maxrss / 1024


def bounded(mb):
    assert SANITIZED or mb < LIMIT_MB, f'{mb:.0f} MB'


@pytest.fixture
def folder(new_node):
    return new_node(serve=False).folder


def test_binary_noise_named_csv(folder, tmp_path):
    """A few bytes may be data by chance (the byte "6" is a file of one row): any answer but a crash. Many never are."""
    seed = random.randrange(1 << 32)
    print('seed', seed)
    rng = random.Random(seed)
    statuses = set()
    for n, size in enumerate([1, 10, 1000, 300000] * 3):
        r, mb = measured(folder, write(tmp_path / f'noise{n}.csv', rng.randbytes(size)))
        bounded(mb)
        assert r.status == 2 or size <= 10, (n, r)
        assert r.status != 2 or r.err.startswith('moru: '), (n, r)
        statuses.add(r.status)
    assert statuses != {2} or series(folder) == {}


def test_noise_that_is_data_by_chance(folder, tmp_path):
    r, _ = measured(folder, write(tmp_path / 'noise.csv', b'6'))
    assert (r.status, r.counts()) == (0, (1, 1, 0, 0)), r


def test_noise_of_letters_and_marks(folder, tmp_path):
    """Text made of what CSV is made of: any answer but a crash, and counts that add up (Imported checks)."""
    seed = random.randrange(1 << 32)
    print('seed', seed)
    rng = random.Random(seed)
    files = [write(tmp_path / f'm{n}.csv', ''.join(rng.choices('0123456789.,;"\n\r\t -:/가오전é\0', k=rng.randrange(1, 4000)))) for n in range(60)]
    r, mb = measured(folder, *files)
    bounded(mb)


def giant(path, mb, unit, head=b'', tail=b''):
    with open(path, 'wb') as f:
        f.write(head)
        for _ in range(mb):
            f.write(unit * (MB // len(unit)))
        f.write(tail)
    return path


def test_a_line_of_a_gigabyte(folder, tmp_path):
    """Sparse: 1 GB of NULs that the disk of the test never sees, between rows that are good."""
    path = tmp_path / 'line.csv'
    with open(path, 'wb') as f:
        f.write(b'time,a\n')
        for i in range(60):
            f.write(b'2021-09-06 10:%02d,%d\n' % (i, i))
        f.write(b'2021-09-06 11:00,')
        f.seek(1 << 30, os.SEEK_CUR)
        f.write(b'\n2021-09-06 11:01,61\n')
    r, mb = measured(folder, path)
    path.unlink()
    bounded(mb)
    assert r.status == 2 or (r.status == 1 and r.counts() == (62, 61, 0, 1)), r


def test_a_long_line_of_text_costs_its_own_row(folder, tmp_path):
    path = giant(tmp_path / 'line.csv', 64, b'abcdefgh', b'time,a\n' + b''.join(b'2021-09-06 %02d:%02d,%d\n' % (h, m, m) for h in range(24) for m in range(60)) * 200 +
        b'2021-09-07 00:00,', b'\n2021-09-07 00:01,61\n')
    r, mb = measured(folder, path)
    assert r.status == 1 and r.one()['refused'] == 1 and 'Line 288002' in r.out, r
    assert values(folder, 'line a')[-1] == (ns(2021, 9, 7, 0, 1), 61.0)
    bounded(mb)


def test_only_one_line_of_64_mb(folder, tmp_path):
    r, mb = measured(folder, giant(tmp_path / 'one.csv', 64, b'abcdefgh'))
    assert r.status == 2
    bounded(mb)


def test_unclosed_quotes_cost_their_own_lines(folder, tmp_path):
    rows = [f'2021-09-06 {i // 60:02}:{i % 60:02},{i},ok' for i in range(600)]
    rows[300] = rows[300].replace(',ok', ',"never closed')
    rows[310] = rows[310].replace(',ok', ',"closed" but not at the end')
    r, mb = measured(folder, write(tmp_path / 'q.csv', 'time,a,note\n' + '\n'.join(rows) + '\n'))
    assert r.status == 1 and r.one()['rows'] == 600 and r.one()['refused'] in (2, 11), r
    assert 'Line 302' in r.out
    assert values(folder, 'q a')[-1] == (ns(2021, 9, 6, 9, 59), 599.0)


def test_a_quote_that_opens_a_hundred_megabytes(folder, tmp_path):
    path = giant(tmp_path / 'q.csv', 60, b'2021-09-06 10:00,1,ok\n\n\n', b'time,a,note\n2021-09-06 09:00,1,ok\n2021-09-06 09:01,2,ok\n2021-09-06 09:02,2,"open\n')
    r, mb = measured(folder, path)
    bounded(mb)
    assert r.status == 1 and r.one()['refused'] == 1, r


def test_nuls(folder, tmp_path):
    r, mb = measured(folder, write(tmp_path / 'n.csv', b'time,a\n' + b''.join(b'2021-09-06 10:%02d,%d\n' % (i, i) for i in range(60)) + b'2021-09-06 11:00,\x001\n'))
    assert r.status in (1, 2), r


def test_a_hundred_thousand_columns(folder, tmp_path):
    n = 100000
    r, mb = measured(folder, write(tmp_path / 'wide.csv', ','.join(f'c{i}' for i in range(n)) + '\n' + (','.join(['1'] * n) + '\n') * 5))
    assert r.status == 2 and 'more than 4096 fields' in r.err, r
    bounded(mb)


def test_a_thousand_columns_are_read(folder, tmp_path):
    n = 1000
    text = 'time,' + ','.join(f'c{i}' for i in range(n)) + '\n' + ''.join(f'2021-09-06 {i // 60:02}:{i % 60:02},' + ','.join([str(i)] * n) + '\n' for i in range(600))
    r, mb = measured(folder, write(tmp_path / 'wide.csv', text))
    assert (r.status, r.counts(), r.one()['series']) == (0, (600, 600, 0, 0), n)
    assert [v for _, v in values(folder, 'wide c999')] == list(range(600))
    bounded(mb)


def test_utf16_with_an_odd_byte(folder, tmp_path):
    text = 'time,a\n' + ''.join(f'2021-09-06 10:{i:02},{i}\n' for i in range(60))
    body = text.encode('utf-16') + b'\n'
    r, mb = measured(folder, write(tmp_path / 'odd.csv', body))
    assert r.status == 2 and f'byte {len(body) - 1} is not UTF-16LE' in r.err, r
    # Behind the head it is one byte that is no text.
    text = 'time,a\n' + ''.join(f'2021-09-{d:02} {h:02}:{i:02},{i}\n' for d in range(1, 31) for h in range(24) for i in range(60)) * 3
    r, mb = measured(folder, write(tmp_path / 'long.csv', text.encode('utf-16') + b'\n'))
    assert '1 bytes that are no text' in r.out and r.one()['taken'] == 30 * 1440, r


def test_bytes_outside_the_encoding_are_counted(folder, tmp_path):
    text = 'time,note\n' + ''.join(f'2021-09-06 {h:02}:{i:02},한글\n' for h in range(24) for i in range(60)) * 200
    body = text.encode() + b'2021-09-07 00:00,\xff\xfe\n'
    assert len(body) > 4 * MB
    r, mb = measured(folder, write(tmp_path / 'bad.csv', body))
    assert '2 bytes that are no text' in r.out and r.one()['refused'] == 0, r


@pytest.mark.parametrize('content, why', [(b'', 'The file is empty'), (b'\xef\xbb\xbf', 'The file is empty'), (b'time,a,b\n', 'a header line but no row of data'),
    (b'\n\n\n', 'No table'), (b'hello\n', 'No table'), (b'Report of May\n\ntime,a\n2021-09-06 10:05,1\n2021-09-06 10:06,1\n', ''),
    ('월간 보고서,,\ntime,a,b\n2021-09-06 10:05,1,1\n2021-09-06 10:06,1,1\n'.encode(), 'title lines'),
    (b'time,a,b\nunit,kg,mm\n2021-09-06 10:05,1,1\n2021-09-06 10:06,1,1\n', 'header has more than one line')])
def test_too_little_or_too_much_above(folder, tmp_path, content, why):
    r, mb = measured(folder, write(tmp_path / 'f.csv', content))
    assert r.status == 2 and why in r.err and 'f.csv' in r.err, r
    assert series(folder) == {}


def test_no_file_of_a_kind(folder, tmp_path):
    os.mkfifo(tmp_path / 'pipe.csv')
    (tmp_path / 'secret.csv').symlink_to('/nowhere/at/all')
    (tmp_path / 'empty').mkdir()
    for f in ('pipe.csv', 'secret.csv', 'absent.csv', '/dev/null'):
        r, _ = measured(folder, tmp_path / f)
        assert r.status == 2 and os.path.basename(f) in r.err, r
    assert measured(folder, tmp_path / 'empty')[0].status == 0


def test_memory_does_not_grow_with_the_file(new_node, tmp_path):
    """37 meters' quarter hours of eight summers and of twenty-four: what is held by then is all that is ever held."""
    days = [(m, d) for m in range(1, 13) for d in range(1, 29)]
    line = b'%d/%d/%d %d:%02d,M%d,%d.%02d,2.95,0,73.21,%s,%s,%s_Load\n'

    def make(path, years):
        with open(path, 'wb') as f:
            f.write(b'date,meter,Usage_kWh,Lagging_kVarh,CO2(tCO2),Factor,WeekStatus,Day_of_week,Load_Type\n')
            for y in range(2018, 2018 + years):
                for k in range(37):
                    f.write(b''.join(line % (d, m, y, h, q * 15, k, h, q, (b'Weekday', b'Weekend')[d % 7 > 4], (b'Monday', b'Tuesday', b'Wednesday')[d % 3], (b'Light', b'Maximum')[h % 2]) for m, d in days[:84] for h in range(24) for q in range(4)))
        return path
    sizes = []
    for years in (8, 24):
        node = new_node(serve=False)
        r, mb = measured(node.folder, make(tmp_path / 'meters.csv', years))
        rows = years * 37 * 84 * 96
        assert (r.status, r.counts(), r.one()['series']) == (0, (rows, rows, 0, 0), 37 * 7), r
        sizes.append(mb)
    print('MB', sizes)
    if not SANITIZED:
        assert sizes[1] - sizes[0] < 30 and sizes[1] < 160, sizes
