"""What a node says: lines on standard error with fields, the same lines by the API in both languages, limits that are counted, limits of the process."""
import os
import re
import signal
import socket
import time

import killing
from modbus_fake import wait_for
from test_node_settings import edit, hup

LINE = re.compile(r'^\d{4}-\d\d-\d\dT[\d:.]+Z (info|warn|error) [a-z][a-z0-9_]*: .+$')


def test_lines_and_what_the_api_says_of_them(new_node):
    n = new_node(lang='ko')
    edit(n, r'^  begins: .*$', '  begins: 25:00')
    hup(n)
    lines = [l for l in n.log_text().splitlines() if not l.startswith('moru: ready')]
    assert lines and all(LINE.match(l) for l in lines), lines
    bad = [l for l in lines if ' error setting_value: ' in l]
    assert len(bad) == 1 and '25:00' in bad[0] and ' field=production_day.begins ' in bad[0] and ' expected=HH:MM ' in bad[0] and re.search(r' line=\d+', bad[0])
    got = n.get_json('/api/v1/log')
    assert got['next'] is None
    items = got['items']
    assert [i['number'] for i in items] == list(range(len(items), 0, -1))
    top = items[0]
    assert top['level'] == 'error' and top['code'] == 'setting_value' and top['field'] == 'production_day.begins' and top['value'] == '25:00'
    assert re.search('[가-힣]', top['detail']['ko']) and 'production_day.begins' in top['detail']['en'] and not re.search('[가-힣]', top['detail']['en'])
    assert top['file'].endswith('moru.yaml') and top['t'].endswith('Z')
    started = [i for i in items if i['code'] == 'node_started']
    assert len(started) == 1 and started[0]['level'] == 'info' and started[0]['args'][1] >= 1024


def test_levels_and_pages(node):
    for _ in range(3):
        hup(node)
    edit(node, r'^lang: .*$', 'lang: fr')
    hup(node)
    whole = node.get_json('/api/v1/log')['items']
    assert node.items('/api/v1/log', limit=1) == whole and node.items('/api/v1/log', limit=3) == whole
    assert {i['level'] for i in whole} == {'info', 'error'}
    assert [i['code'] for i in node.get_json('/api/v1/log', level='error')['items']] == ['setting_value']
    assert node.get_json('/api/v1/log', level='warn')['items'] == node.get_json('/api/v1/log', level='error')['items']
    node.get('/api/v1/log', level='loud').problem(400)


def test_a_flood_is_counted_not_swallowed(node):
    edit(node, r'^lang: .*$', 'lang: fr')
    before = len(node.log_text())
    for _ in range(60):
        os.kill(node.pid, signal.SIGHUP)
        time.sleep(0.02)
    n = wait_for(lambda: float(dict(l.rsplit(' ', 1) for l in node.get('/metrics').text.splitlines() if l[0] != '#')['moru_log_lines_left_out_total']) or None)
    said = node.log_text()[before:].count(' error setting_value: ')
    assert 20 <= said <= 25, said
    node.stop()
    text = node.log_text()[before:]
    left = sum(int(x) for x in re.findall(r'^\S+ error log_left_out: .* value=setting_value arg0=(\d+)$', text, re.M))
    # SIGHUPs that came at once may have been one.
    assert left >= n and 40 <= text.count(' error setting_value: ') + left <= 60, (left, n)


def test_limits_of_the_process(node):
    limits = {l[:26].strip(): l[26:].split() for l in open(f'/proc/{node.pid}/limits')}
    soft, hard = limits['Max open files'][:2]
    assert int(soft) == min(int(hard), 65536)
    assert limits['Max core file size'][0] in ('0', '1')
    values = dict(l.rsplit(' ', 1) for l in node.get('/metrics').text.splitlines() if l[0] != '#')
    assert float(values['moru_open_files_limit']) == int(soft)
    started = next(i for i in node.get_json('/api/v1/log')['items'] if i['code'] == 'node_started')
    assert started['args'] == ['0.1.0', int(soft), float(values['moru_http_connections_max'])]


def told(s, timeout=10):
    s.settimeout(timeout)
    return s.recv(4096).decode()


def test_the_service_manager_is_told(new_node, tmp_path):
    path = str(tmp_path / 'notify')
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.bind(path)
    n = new_node(env={'NOTIFY_SOCKET': path, 'WATCHDOG_USEC': '4000000'})
    assert told(s) == 'READY=1'
    assert told(s) == 'WATCHDOG=1' and told(s) == 'WATCHDOG=1'
    os.kill(n.pid, signal.SIGHUP)
    got = []
    while len(got) < 2:
        got += [w for w in [told(s)] if w != 'WATCHDOG=1']
    assert re.fullmatch(r'RELOADING=1\nMONOTONIC_USEC=\d+', got[0]) and got[1] == 'READY=1', got
    n.process.send_signal(signal.SIGTERM)
    while (last := told(s)) == 'WATCHDOG=1':
        pass
    assert last == 'STOPPING=1'
    n.stop()


def test_libevents_own_lines_go_the_same_way(new_node, tmp_path):
    """The system refuses to wait for a new connection (tests/lib/filefault.c): libevent says so, and that is a line like all others."""
    flag = tmp_path / 'ill'
    n = new_node(env=killing.faulty(MORU_FAULT='eio:poll other:1+', MORU_FAULT_FLAG=flag))
    flag.touch()
    s = socket.create_connection((n.host, n.port), 5)
    s.sendall(b'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n')
    wait_for(lambda: ' warn loop_says: ' in n.log_text())
    flag.unlink()
    s.close()
    line = next(x for x in n.log_text().splitlines() if ' loop_says: ' in x)
    assert LINE.match(line) and 'Event loop: Epoll ' in line and 'Input/output error' in line, line
    assert all(LINE.match(x) or x.startswith('moru: ready') for x in n.log_text().splitlines())
    said = next(i for i in n.get_json('/api/v1/log')['items'] if i['code'] == 'loop_says')
    assert said['level'] == 'warn' and '이벤트 루프: Epoll' in said['detail']['ko'] and n.get('/healthz').status == 200
