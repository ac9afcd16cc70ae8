"""The watched folder: what is dropped there comes in by itself; what cannot be read is set aside with its reason."""
import os
import re
import time
import unicodedata
import urllib.parse

from conftest import moru
from importing import ns, values, write

TEXT = 'time,a\n2021-09-06 10:05,1\n2021-09-06 10:06,2\n'


def wait(what, timeout=30):
    end = time.monotonic() + timeout
    while not (got := what()):
        assert time.monotonic() < end, 'nothing happened'
        time.sleep(0.05)
    return got


def names(folder):
    return sorted(os.listdir(folder)) if folder.is_dir() else []


def test_a_file_comes_in_by_itself(node):
    inbox = node.folder / 'inbox'
    write(inbox / 'm1.csv', TEXT)
    wait(lambda: names(inbox / 'done') == ['m1.csv'])
    assert node.values(node.signal('m1', 'a')['id']) == [(ns(2021, 9, 6, 10, 5) / 1e6, 1.0), (ns(2021, 9, 6, 10, 6) / 1e6, 2.0)]
    assert not (inbox / 'm1.csv').exists()
    # The same once more: put beside the first, nothing changed twice.
    write(inbox / 'm1.csv', TEXT)
    done = wait(lambda: len(names(inbox / 'done')) == 2 and names(inbox / 'done'))
    assert any(re.fullmatch(r'\d+-m1\.csv', n) for n in done)
    r = [i['result'] for i in node.items('/api/v1/imports')]
    assert sorted((x['taken'], x['replaced'], x['same']) for x in r) == [(0, 2, 2), (2, 0, 0)]


def test_a_midnight_of_the_day_before_is_in_the_log(node):
    inbox = node.folder / 'inbox'
    write(inbox / 'half.csv', 'time,a\n2021-09-06 23:00,1\n2021-09-06 23:30,2\n2021-09-06 00:00,3\n2021-09-07 00:30,4\n')
    write(inbox / 'plain.csv', 'time,a\n2021-09-06 23:30,2\n2021-09-07 00:00,3\n')
    wait(lambda: names(inbox / 'done') == ['half.csv', 'plain.csv'])
    told = [s for s in node.log_text().splitlines() if 'import_midnight' in s]
    assert len(told) == 1 and 'half.csv: Line 4: 2021-09-06 00:00 follows 2021-09-06 23:30. ' in told[0], node.log_text()


def test_a_file_that_is_still_written_waits(node):
    inbox = node.folder / 'inbox'
    with open(inbox / 'slow.csv', 'w') as f:
        f.write('time,a\n')
        for i in range(36):  # some looks, a second apart
            f.write(f'2021-09-06 10:{i:02},{i}\n')
            f.flush()
            time.sleep(0.1)
            assert not names(inbox / 'done')
    wait(lambda: names(inbox / 'done') == ['slow.csv'])
    assert [v for _, v in node.values(node.signal('slow', 'a')['id'])] == list(range(36))
    assert len(node.items('/api/v1/imports')) == 1


def test_unfinished_names_wait(node):
    inbox = node.folder / 'inbox'
    for n in ('~$book.csv', '.hidden.csv', 'x.csv.part', 'y.tmp', 'z.crdownload'):
        write(inbox / n, TEXT)
    write(inbox / 'last.csv', TEXT)
    wait(lambda: names(inbox / 'done') == ['last.csv'])
    time.sleep(1)
    assert names(inbox / 'done') == ['last.csv'] and len(names(inbox)) == 6


def test_what_cannot_be_read_is_set_aside_with_its_reason(new_node):
    node = new_node(lang='ko')
    inbox = node.folder / 'inbox'
    write(inbox / '잡음.csv', bytes(range(256)) * 64)
    write(inbox / 'book.xlsx', b'PK\x03\x04' + b'\0' * 100)
    write(inbox / 'good.csv', TEXT)
    wait(lambda: names(inbox / 'done') == ['good.csv'] and len(names(inbox / 'refused')) == 4)
    assert names(inbox / 'refused') == ['book.xlsx', 'book.xlsx.reason.txt', '잡음.csv', '잡음.csv.reason.txt']
    assert 'Excel workbook' in (inbox / 'refused' / 'book.xlsx.reason.txt').read_text('utf-8-sig')
    assert 'not a text file' in (inbox / 'refused' / '잡음.csv.reason.txt').read_text('utf-8-sig')
    assert 'book.xlsx' in node.log_text()


def test_rows_of_another_type_do_not_stop_the_folder(node):
    inbox = node.folder / 'inbox'
    write(inbox / 't.csv', TEXT)
    wait(lambda: names(inbox / 'done') == ['t.csv'])
    write(inbox / 't.csv', 'time,a,b\n2021-09-06 10:05,open,1\n2021-09-06 10:06,shut,1\n')
    wait(lambda: 't.csv.reason.txt' in names(inbox / 'refused'))
    write(inbox / 'u.csv', TEXT)
    wait(lambda: 'u.csv' in names(inbox / 'done'))


def test_another_folder_by_the_settings(new_node, tmp_path):
    node = new_node(serve=False)
    (tmp_path / 'drop').mkdir()
    y = (node.folder / 'moru.yaml').read_text()
    assert re.search(r'^#? ?inbox:.*$', y, re.M)
    (node.folder / 'moru.yaml').write_text(re.sub(r'^#? ?inbox:.*$', f'inbox: {tmp_path / "drop"}', y, flags=re.M))
    node.start()
    write(tmp_path / 'drop' / 'd.csv', TEXT)
    wait(lambda: names(tmp_path / 'drop' / 'done') == ['d.csv'])
    node.stop()
    assert values(node.folder, 'd a') == [(ns(2021, 9, 6, 10, 5), 1.0), (ns(2021, 9, 6, 10, 6), 2.0)]


def test_what_lay_there_before_the_start(new_node):
    node = new_node(serve=False)
    write(node.folder / 'inbox' / 'early.csv', TEXT)
    node.start()
    wait(lambda: names(node.folder / 'inbox' / 'done') == ['early.csv'])


def test_folders_of_the_settings_beside_the_inbox(new_node, tmp_path):
    """Two more, as YAML lists them: names that macOS decomposed are composed for signals, assets and search; what Office and others leave behind stays."""
    shares = [tmp_path / 'share, 1', tmp_path / '공유']
    for s in shares:
        s.mkdir()
    node = new_node(serve=False)
    y = node.folder / 'moru.yaml'
    y.write_text(re.sub(r'(?m)^watch: .*$', 'watch:\n' + '\n'.join(f'  - "{s}"' for s in shares), y.read_text()))
    node.start()
    name, column = '도장기', '건조로 온도'
    long = unicodedata.normalize('NFD', name + '.csv')
    assert long != name + '.csv'
    for n in ('~$일보.xlsx', '.~lock.일보.ods#', 'Thumbs.db', 'desktop.ini', '.DS_Store', '._' + long, 'half.csv.filepart'):
        write(shares[0] / n, TEXT)
    write(shares[0] / long, unicodedata.normalize('NFD', f'time,{column}\n') + '2021-09-06 10:05,1\n')
    write(shares[1] / 'm2.csv', TEXT)
    write(node.folder / 'inbox' / 'm3.csv', TEXT)
    wait(lambda: names(shares[0] / 'done') == [long] and names(shares[1] / 'done') == ['m2.csv'] and names(node.folder / 'inbox' / 'done') == ['m3.csv'])
    assert len(names(shares[0])) == 8
    [signal] = node.items(f'/api/v1/signals?asset={urllib.parse.quote(name)}')
    assert signal['name'] == column and signal['asset'] == name
    for word in (name, column, unicodedata.normalize('NFD', name)):
        assert any(name in str(x) for x in node.items('/api/v1/search?q=' + urllib.parse.quote(word))), word
    assert 'moru_watch_folders 3\n' in node.get('/metrics').text and 'moru_watch_folders_away 0\n' in node.get('/metrics').text
    # A share that goes away, and comes back.
    shares[1].rename(tmp_path / 'away')
    wait(lambda: 'moru_watch_folders_away 1\n' in node.get('/metrics').text)
    (tmp_path / 'away').rename(shares[1])
    wait(lambda: 'watch_back' in node.log_text())
    assert node.log_text().count(' watch_folder: ') == 1


def test_more_folders_than_there_may_be(new_node):
    node = new_node(serve=False)
    y = node.folder / 'moru.yaml'
    y.write_text(re.sub(r'(?m)^watch: .*$', f'watch: [{", ".join(f"/srv/{i}" for i in range(17))}]', y.read_text()))
    r = moru('serve', node.folder, '--listen', '127.0.0.1:0')
    assert r.returncode == 1 and '16' in r.stderr.decode(), r.stderr.decode()


def test_a_link_leads_nowhere(new_node):
    """Whoever may write to a watched folder does not choose what else the node reads."""
    node = new_node()
    inbox = node.folder / 'inbox'
    os.symlink(node.folder / 'secrets' / 'key.pem', inbox / 'a.csv')
    os.mkfifo(inbox / 'pipe.csv')
    wait(lambda: {'a.csv.reason.txt', 'pipe.csv.reason.txt'} <= set(names(inbox / 'refused')))
    assert 'is a link or a pipe' in (inbox / 'refused' / 'a.csv.reason.txt').read_text('utf-8-sig')
    assert os.path.islink(inbox / 'refused' / 'a.csv') and (node.folder / 'secrets' / 'key.pem').exists()
    assert node.items('/api/v1/imports') == [] and not [p for p in (node.folder / 'blobs').rglob('*') if p.is_file()]
