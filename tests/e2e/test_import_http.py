"""Imports over HTTP: upload in pieces, proposal, preview, correction, what is remembered, result, refused rows; and the same by the command."""
import csv
import io
import json
import os
import socket
import time
import urllib.parse

import pytest

from conftest import moru
from importing import importing, ns, values, write

ROWS = ''.join(f'2021-09-06 {10 + i // 60:02}:{i % 60:02},{20 + i / 10:.1f},{"run" if i % 2 else "idle"}\n' for i in range(100))
TEXT = '시각,온도(℃),상태\n' + ROWS


def upload(node, name, content):
    a = node.ask('POST', '/api/v1/imports', body=content if isinstance(content, bytes) else content.encode(), params={'name': name},
        headers={'Content-Type': 'application/octet-stream'})
    assert a.status == 201, a
    assert a.headers['Location'] == '/api/v1/imports/' + a.json()['id']
    return a.json()


def commit(node, i, plan=None, timeout=60):
    a = node.ask('POST', f'/api/v1/imports/{i}/commit', body=plan or {})
    assert a.status == 202, a
    end = time.monotonic() + timeout
    while True:
        r = node.get_json(f'/api/v1/imports/{i}')
        assert r['state'] in ('running', 'done', 'failed'), r
        if r['state'] != 'running':
            assert r['progress'] is None
            return r
        assert 0 <= r['progress'] <= 1
        assert time.monotonic() < end
        time.sleep(0.01)


def read(node, asset, signal):
    s = node.signal(asset, signal)
    return s, node.values(s['id'])


def test_proposal_preview_commit(node):
    i = upload(node, '온도계.csv', TEXT.encode('cp949'))
    assert i['state'] == 'proposed' and i['file'] == '온도계.csv'
    p = i['proposal']
    assert (p['encoding'], p['delimiter'], p['header_lines'], p['asset'], p['rows_seen'], p['remembered']) == ('CP949', ',', 1, '온도계', 100, False)
    assert p['time'] == {'columns': [0], 'format': 'YYYY-MM-DD hh:mm', 'zone': 'Asia/Seoul', 'question': None, 'midnight': None}
    assert [(c['name'], c['unit'], c['use'], c['type']) for c in p['columns']] == [('시각', '', 'time', 'string'), ('온도', '°C', 'value', 'float'), ('상태', '', 'value', 'string')]
    assert node.items('/api/v1/signals', asset='온도계') == []
    v = node.get_json(f'/api/v1/imports/{i["id"]}/preview', rows=3)
    assert v['columns'] == ['시각', '온도(℃)', '상태'] and len(v['rows']) == 3
    assert v['rows'][0] == [{'text': '2021-09-06 10:00', 'ok': True, 'reading': '2021-09-06 10:00:00'}, {'text': '20.0', 'ok': True, 'reading': '20'},
        {'text': 'idle', 'ok': True, 'reading': 'idle'}]
    r = commit(node, i['id'])
    assert r['state'] == 'done'
    assert {k: r['result'][k] for k in ('rows', 'taken', 'replaced', 'refused', 'errors')} == {'rows': 100, 'taken': 100, 'replaced': 0, 'refused': 0, 'errors': []}
    s, got = read(node, '온도계', '온도')
    assert s['id'] in r['result']['series'] and len(r['result']['series']) == 2 and s['unit'] == '°C'
    assert got == [(ns(2021, 9, 6, 10 + k // 60, k % 60) / 1e6, 20 + k / 10) for k in range(100)] or [v for _, v in got] == [round(20 + k / 10, 1) for k in range(100)]
    assert [x['id'] for x in node.items('/api/v1/imports')] == [i['id']]
    assert node.get(f'/api/v1/imports/{i["id"]}/refused.csv').status == 404


def test_correction_is_stored_so_and_remembered(node):
    text = 'time,x,code\n1/2/2021 10:00,1,7\n1/2/2021 11:00,2,8\n'
    i = upload(node, 'press1_2021-02.csv', text)
    p = i['proposal']
    assert p['time']['question'] == 'month_or_day' and p['time']['format'] == 'D/M/YYYY h:mm'
    p['asset'] = 'PRESS-1'
    p['time']['format'] = 'M/D/YYYY h:mm'
    p['columns'][1].update(name='힘', unit='kN', signal='force')
    p['columns'][2].update(type='string')
    r = commit(node, i['id'], p)
    assert r['state'] == 'done' and r['proposal']['asset'] == 'PRESS-1'
    s, got = read(node, 'PRESS-1', 'force')
    assert s['unit'] == 'kN' and got == [(ns(2021, 1, 2, 10) / 1e6, 1.0), (ns(2021, 1, 2, 11) / 1e6, 2.0)]
    assert read(node, 'PRESS-1', 'code')[1][0][1] == '7'
    # Next month's file of that name: the same reading, no question. Another machine's file of that shape: the reading, not the machine.
    q = upload(node, 'press1_2021-03.csv', text.replace('1/2/', '1/3/'))['proposal']
    assert q['remembered'] and q['asset'] == 'PRESS-1' and q['time'] == p['time'] | {'question': None} and q['columns'] == p['columns']
    q = upload(node, 'press2_2021-03.csv', text)['proposal']
    assert q['remembered'] and q['asset'] == 'press2' and q['columns'] == p['columns']
    # A file that this reading does not fit is read anew.
    q = upload(node, 'press1_2021-04.csv', 'time,x,code\n13/4/2021 10:00,1,7\n14/4/2021 11:00,2,8\n')['proposal']
    assert not q['remembered'] and q['time']['format'] == 'D/M/YYYY h:mm' and q['time']['question'] is None
    # Two machines of one shape are told apart from then on.
    i = upload(node, 'press2_2021-03.csv', text)
    commit(node, i['id'], i['proposal'] | {'asset': 'PRESS-2'})
    assert [upload(node, f'press{n} 20210401.csv', text)['proposal']['asset'] for n in (1, 2)] == ['PRESS-1', 'PRESS-2']


def daily(machine, day, k=0):
    return f'{machine}_202601{day:02}.csv', f'time,force\n2026-01-{day:02} 10:00,{day + k}\n2026-01-{day:02} 11:00,{day + k}\n'


def test_daily_files_are_one_machine(new_node, tmp_path):
    node = new_node(serve=False)
    for day in range(1, 5):
        assert importing(node.folder, write(tmp_path / daily('press1', day)[0], daily('press1', day)[1])).status == 0
    assert {k: len(v) for k, v in values(node.folder).items()} == {'press1 force': 8}
    node.start()
    assert upload(node, daily('press1', 5)[0], daily('press1', 5)[1])['proposal']['asset'] == 'press1'


@pytest.mark.parametrize('served', [False, True])
def test_the_asset_named_outright(new_node, tmp_path, served):
    node = new_node(serve=served)
    files = [write(tmp_path / name, text) for m in ('a', 'b') for name, text in [daily(m, 1, 10 * (m == 'b'))]]
    r = importing('--asset', 'PRS-07', node.folder, *files)
    assert r.status == 0 and {n: f['taken'] for n, f in r.files.items()} == {'a_20260101.csv': 2, 'b_20260101.csv': 0}, r
    # As a correction on the page, it holds for the next files of those names, and for no other's.
    for name, text in (daily('b', 2), daily('c', 1)):
        assert importing(node.folder, write(tmp_path / name, text)).status == 0
    r = importing(node.folder, files[0], '--asset')
    assert (r.status, r.err) == (2, 'moru: no value: --asset\n' + r.err.split('\n', 1)[1])
    assert importing('--asset', '', node.folder, files[0]).status == 2
    if served:
        assert sorted(i['proposal']['asset'] for i in node.items('/api/v1/imports')) == ['PRS-07', 'PRS-07', 'PRS-07', 'c']
        node.stop()
    assert {k: len(v) for k, v in values(node.folder).items()} == {'PRS-07 force': 4, 'c force': 2}


def test_midnight_question(node):
    i = upload(node, 'm.csv', 'time,a\n' + ''.join(f'2021-09-06 {k // 4:02}:{k % 4 * 15:02},{k}\n' for k in range(1, 96)) + '2021-09-06 00:00,96\n')
    assert i['proposal']['time']['question'] == 'midnight'
    told = {'before': '2021-09-06 23:45', 'at': '2021-09-06 00:00', 'line': 97}
    assert i['proposal']['time']['midnight'] == told
    r = commit(node, i['id'])
    assert read(node, 'm', 'a')[1][0] == (ns(2021, 9, 6) / 1e6, 96.0)
    # It is still known when all is stored, and of the next file of this shape.
    assert r['result']['question'] == r['proposal']['time']['question'] == 'midnight' and r['proposal']['time']['midnight'] == told
    i = upload(node, 'm.csv', 'time,a\n2021-09-07 23:30,1\n2021-09-07 00:00,2\n')
    assert i['proposal']['remembered'] and i['proposal']['time']['question'] == 'midnight' and i['proposal']['time']['midnight']['line'] == 3
    i = upload(node, 'm.csv', 'time,a\n2021-09-07 23:30,1\n2021-09-08 00:00,2\n')
    assert i['proposal']['remembered'] and i['proposal']['time']['question'] is None and i['proposal']['time']['midnight'] is None
    assert commit(node, i['id'])['result']['question'] is None


def test_refused_rows_with_the_reason_in_a_last_column(node):
    i = upload(node, 'r.csv', TEXT + '어제,1,run\n2021-09-06 12:00,뜨거움,run\n2021-09-06 12:01,1,run,x\n2021-09-06 12:02\n')
    r = commit(node, i['id'])['result']
    assert (r['rows'], r['taken'], r['replaced'], r['refused']) == (104, 101, 0, 3)
    assert [e['line'] for e in r['errors']] == [102, 103, 104]
    e = r['errors'][1]
    assert (e['field'], e['value']) == ('온도', '뜨거움') and '1395' in e['expected'] and e['detail']['ko'] and e['detail']['en'] == 'Line 103, 온도: 뜨거움 is not a number'
    a = node.get(f'/api/v1/imports/{i["id"]}/refused.csv')
    assert a.status == 200 and a.headers['Content-Type'].startswith('text/csv') and a.body.startswith(b'\xef\xbb\xbf')
    rows = list(csv.reader(io.StringIO(a.body.decode('utf-8-sig'), newline='')))
    assert rows[0] == ['시각', '온도(℃)', '상태', 'reason']
    assert [x[:-1] for x in rows[1:]] == [['어제', '1', 'run'], ['2021-09-06 12:00', '뜨거움', 'run'], ['2021-09-06 12:01', '1', 'run', 'x']]
    assert [x[-1].split(':')[0] for x in rows[1:]] == ['Line 102, 시각', 'Line 103, 온도', 'Line 104']
    # Mended and given again under its name, they find their place.
    mended = a.body.decode('utf-8-sig').replace('어제', '2021-09-05 10:00').replace('뜨거움', '99').replace('run,x,', 'run,')
    i = upload(node, 'r.csv', mended)
    r = commit(node, i['id'])['result']
    assert (r['rows'], r['taken'], r['refused']) == (3, 3, 0)
    assert read(node, 'r', '온도')[1][0][1] == 1.0 and read(node, 'r', '온도')[1][-2][1] == 99.0


def test_what_cannot_be_read_is_refused_with_its_reason(node):
    i = upload(node, 'noise.csv', os.urandom(1 << 16))
    assert i['state'] == 'refused' and i['proposal'] is None and i['trouble']['ko'] and i['trouble']['en']
    a = node.ask('POST', f'/api/v1/imports/{i["id"]}/commit', body={})
    a.problem(409)
    assert node.get_json(f'/api/v1/imports/{i["id"]}')['state'] == 'refused'


def test_wrong_corrections_name_their_field(node):
    i = upload(node, 'w.csv', TEXT)
    for change, field in (({'delimiter': ':'}, 'delimiter'), ({'encoding': 'KOI8'}, 'encoding'), ({'header_lines': -1}, 'header_lines'), ({'asset': ''}, 'asset')):
        p = node.ask('POST', f'/api/v1/imports/{i["id"]}/commit', body=i['proposal'] | change).problem(400)
        assert field in json.dumps(p, ensure_ascii=False), p
    p = json.loads(json.dumps(i['proposal']))
    p['time']['format'] = 'epoch s'
    node.ask('POST', f'/api/v1/imports/{i["id"]}/commit', body=p)
    assert node.get_json(f'/api/v1/imports/{i["id"]}')['state'] != 'failed'
    node.get('/api/v1/imports/00000000-0000-7000-8000-000000000000').problem(404)
    node.ask('POST', '/api/v1/imports/00000000-0000-7000-8000-000000000000/commit', body={}).problem(404)


def test_chunked_upload_and_one_that_breaks_off(node):
    body = TEXT.encode()
    c = node.connect()
    c.request('POST', '/api/v1/imports?name=chunked.csv', body=(body[k:k + 700] for k in range(0, len(body), 700)), headers={'Content-Type': 'application/octet-stream'}, encode_chunked=True)
    r = c.getresponse()
    i = json.loads(r.read())
    assert r.status == 201 and i['proposal']['rows_seen'] == 100
    c.close()
    s = socket.create_connection((node.host, node.port))
    s.sendall(b'POST /api/v1/imports?name=half.csv HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\nContent-Length: 1000000\r\n\r\n' + body)
    time.sleep(0.1)
    s.close()
    time.sleep(0.2)
    assert [x['file'] for x in node.items('/api/v1/imports')] == ['chunked.csv']
    assert not list(node.folder.glob('blobs/new-*'))


def test_a_large_file_is_streamed_and_shows_its_progress(node):
    rows = b''.join(b'2021-%02d-%02d %02d:%02d,%d.%d,%d\n' % (m, d, h, q * 15, h, q, m * d) for m in range(1, 13) for d in range(1, 29) for h in range(24) for q in range(4))
    text = b'time,meter,a,b\n' + b''.join(rows.replace(b',', b',M%d,' % k, 0) if False else b'' for k in range(0)) + b''.join(
        line.replace(b',', b',M%d,' % k, 1) + b'\n' for k in range(30) for line in rows.splitlines())
    i = upload(node, 'big.csv', text)
    assert [c['use'] for c in i['proposal']['columns']] == ['time', 'tag', 'value', 'value']
    seen = set()
    a = node.ask('POST', f'/api/v1/imports/{i["id"]}/commit', body={})
    assert a.status == 202
    node.ask('POST', f'/api/v1/imports/{i["id"]}/commit', body={}).problem(409)
    while True:
        r = node.get_json(f'/api/v1/imports/{i["id"]}')
        if r['state'] != 'running':
            break
        seen.add(r['progress'])
        assert node.get('/healthz').status == 200
    assert r['state'] == 'done' and r['result']['taken'] == 30 * 12 * 28 * 96 and len(r['result']['series']) == 60
    assert len(seen) > 2 and sorted(seen)[0] < 1


def test_commands_say_the_same_served_or_not(new_node, tmp_path):
    """moru import finds the lock held and goes through the socket; both print the same and leave the same."""
    files = [write(tmp_path / 'a.csv', TEXT), write(tmp_path / 'b.csv', TEXT + 'x,1,run\n'), write(tmp_path / 'c.csv', b'\x00\x01\x02' * 100), tmp_path / 'absent.csv',
        write(tmp_path / 'a2' / 'a.csv', TEXT) if (tmp_path / 'a2').mkdir() is None else None]
    served, alone = new_node(), new_node(serve=False)
    for lang in ('en', 'ko'):
        x = [moru('import', n.folder, *files, lang=lang) for n in (served, alone)]
        assert x[0].returncode == x[1].returncode == 2
        assert x[0].stdout == x[1].stdout and x[0].stderr == x[1].stderr and x[0].stdout and x[0].stderr
    served.stop()
    assert values(served.folder) == values(alone.folder) != {}


def test_status_of_the_command(new_node, tmp_path):
    node = new_node()
    good, some, none = write(tmp_path / 'g.csv', TEXT), write(tmp_path / 's.csv', TEXT + 'x,1,run\n'), write(tmp_path / 'n.csv', '')
    assert importing(node.folder, good).status == 0
    assert importing(node.folder, good, some).status == 1
    r = importing(node.folder, none, good, some)
    assert r.status == 2 and set(r.files) == {'g.csv', 's.csv'} and r.err == f'moru: {none}: The file is empty\n'


def test_everything_is_there_after_a_restart(new_node):
    node = new_node()
    i = upload(node, 'k.csv', TEXT + 'x,1,run\n')
    commit(node, i['id'])
    before, rows = read(node, 'k', '온도')[1], node.get_json(f'/api/v1/imports/{i["id"]}')
    node.kill()
    node.start()
    assert read(node, 'k', '온도')[1] == before and node.get_json(f'/api/v1/imports/{i["id"]}') == rows
    assert b'Line 102' in node.get(f'/api/v1/imports/{i["id"]}/refused.csv').body


def test_another_zone_by_correction(node):
    i = upload(node, 'z.csv', 'time,a\n2021-09-06 10:05,1\n')
    p = i['proposal']
    p['time']['zone'] = 'Europe/Nowhere'
    assert node.ask('POST', f'/api/v1/imports/{i["id"]}/commit', body=p).problem(400)['value'] == 'Europe/Nowhere'
    p['time']['zone'] = 'UTC'
    assert commit(node, i['id'], p)['state'] == 'done'
    assert read(node, 'z', 'a')[1] == [(ns(2021, 9, 6, 19, 5) / 1e6, 1.0)]
    assert upload(node, 'y.csv', 'time,a\n2021-09-06 10:05,1\n')['proposal']['time']['zone'] == 'UTC'
