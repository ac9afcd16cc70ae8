"""moru serve: starts, says where, keeps to itself, reads its settings again, ends cleanly."""
import os
import signal
import socket
import stat
import subprocess
import threading
import time

import pytest

from conftest import MORU, Node, moru


def test_ready_line_and_sigterm(node):
    assert node.get_json('/healthz') == {'status': 'ok'}
    assert node.log_text().count('moru: ready on http://127.0.0.1:') == 1
    node.stop()


def test_serves_again(node):
    first = node.get_json('/api/v1/node')['id']
    node.stop()
    node.start()
    assert node.get_json('/api/v1/node')['id'] == first


@pytest.mark.parametrize('listen, url', [('127.0.0.1:0', '127.0.0.1'), ('127.0.0.9:0', '127.0.0.9'), ('[::1]:0', '[::1]')])
def test_loopback_addresses(new_node, listen, url):
    if '::' in listen and not os.path.exists('/proc/net/if_inet6'):
        listen, url = '127.0.0.2:0', '127.0.0.2'
    n = new_node(listen=listen)
    assert n.host == url and n.get('/healthz').status == 200


@pytest.mark.parametrize('listen', ['0.0.0.0:0', '192.168.0.1:0', '[::]:0', '127.evil:0', '127.0.0.1.evil:0', 'example.com:80'])
def test_other_addresses_refused(new_node, listen):
    n = new_node(serve=False)
    for lang, word in (('en', 'loopback'), ('ko', '루프백')):
        r = moru('serve', n.folder, '--listen', listen, lang=lang)
        assert r.returncode == 2 and word in r.stderr.decode() and listen.rsplit(':', 1)[0].strip('[]') in r.stderr.decode(), r


def test_other_address_in_settings_refused(new_node):
    n = new_node(serve=False)
    y = n.folder / 'moru.yaml'
    y.write_text(y.read_text().replace('127.0.0.1', '0.0.0.0'))
    r = moru('serve', n.folder)
    assert r.returncode in (1, 2) and '0.0.0.0' in r.stderr.decode() and '127.0.0.1' in r.stderr.decode()


@pytest.mark.parametrize('args', [[], ['DIR', '--listen', '127.0.0.1'], ['DIR', '--listen', '127.0.0.1:x'], ['DIR', '--listen', '127.0.0.1:70000'], ['DIR', 'x'], ['DIR', '--wrong']])
def test_usage(new_node, args):
    n = new_node(serve=False)
    r = moru('serve', *[str(n.folder) if a == 'DIR' else a for a in args])
    assert r.returncode == 2 and r.stderr


def test_no_node_there(tmp_path):
    r = moru('serve', tmp_path / 'nothing', '--listen', '127.0.0.1:0')
    assert r.returncode == 1 and 'moru init' in r.stderr.decode() and not (tmp_path / 'nothing').exists()


def test_two_serves_of_one_folder(node):
    r = moru('serve', node.folder, '--listen', '127.0.0.1:0')
    assert r.returncode == 1 and 'running' in r.stderr.decode(), r
    r = moru('serve', node.folder, '--listen', '127.0.0.1:0', lang='ko')
    assert '이미 노드가 돌고 있습니다' in r.stderr.decode()
    assert node.get('/healthz').status == 200
    assert node.write('still v=1').status == 204


def test_port_taken(node, new_node):
    other = new_node(serve=False)
    r = moru('serve', other.folder, '--listen', f'127.0.0.1:{node.port}')
    assert r.returncode == 1 and str(node.port) in r.stderr.decode()


def test_stale_lock_and_socket_need_no_hand(node):
    node.kill()
    assert (node.folder / 'lock').exists() and (node.folder / 'run/moru.sock').exists()
    node.start()
    assert node.get('/healthz').status == 200


def test_socket_serves_the_same_api(node):
    path = node.folder / 'run/moru.sock'
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    s = socket.socket(socket.AF_UNIX)
    s.connect(str(path))
    s.sendall(b'GET /healthz HTTP/1.1\r\nHost: anything\r\nConnection: close\r\n\r\n')
    got = b''
    while piece := s.recv(4096):
        got += piece
    assert b'200 OK' in got and got.endswith(b'{"status":"ok"}')
    s.close()
    node.stop()
    assert not path.exists()


def test_sigint_ends_too(node):
    p, node.process = node.process, None
    p.send_signal(signal.SIGINT)
    assert p.wait(20) == 0


@pytest.mark.parametrize('how', ['writes', 'records', 'device test', 'live', 'idle'])
def test_sigterm_under_load(new_node, how):
    """Ends with 0 whatever runs; what was acknowledged is there."""
    n, stop, done = new_node(), threading.Event(), []
    if how == 'device test':
        s = socket.create_server(('127.0.0.1', 0))  # takes the connection, never answers
        config = {'driver': 'modbus', 'asset': 'A', 'host': '127.0.0.1', 'port': s.getsockname()[1], 'signals': [{'name': 'p', 'address': 1}]}

    def work(k):
        i = 0
        while not stop.is_set():
            try:
                if how == 'writes':
                    ok = n.write(f'load,t={k} v={i} {i + 1}').status == 204
                elif how == 'records':
                    ok = n.records({'type': 'lot', 'firm': f'W{k}', 'number': str(i)}).status == 200
                elif how == 'device test':
                    ok = n.ask('POST', '/api/v1/devices/test', body=config, timeout=10).status == 200
                elif how == 'live':
                    ok = bool(n.ask('GET', '/api/v1/live?topics=changes', timeout=10))
                else:
                    return
            except Exception:
                return
            if ok:
                done.append((k, i))
            i += 1
    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    [t.start() for t in threads]
    time.sleep(0.4)
    n.stop()
    stop.set()
    [t.join() for t in threads]
    n.start()
    if how == 'writes':
        for k in range(4):
            have = {v for _, v in n.values(n.signal('load', 'v', id=series_of(n, k))['id'], limit=10000)}
            assert {i for kk, i in done if kk == k} <= have
    if how == 'records':
        have = {(x['firm'], x['number']) for x in n.items('/api/v1/lots', limit=1000)}
        assert {(f'W{k}', str(i)) for k, i in done} <= have and done


def series_of(n, k):
    a = n.ask('GET', '/query', params={'q': f"SELECT v FROM load WHERE t='{k}' LIMIT 1"}).json()
    assert 'series' in a['results'][0], a
    v = a['results'][0]['series'][0]['values']
    assert v
    for s in n.items('/api/v1/signals', asset='load'):
        r = n.get_json(f'/api/v1/series/{s["id"]}')
        if r and key_of(n, s['id']) == str(k):
            return s['id']


def key_of(n, series):
    r = moru('sql', n.folder, f"SELECT key FROM series WHERE uuid='{series}'", '--format', 'csv')
    return r.stdout.decode().split('t=')[1].split(' ')[0]


# ---- settings ----
def reload(n, edit, word):
    y = n.folder / 'moru.yaml'
    before = n.log_text().count(word)
    y.write_text(edit(y.read_text()))
    n.process.send_signal(signal.SIGHUP)
    end = time.monotonic() + 10
    while n.log_text().count(word) == before:
        assert time.monotonic() < end, n.log_text()
        time.sleep(0.01)


def test_sighup_reads_settings_again(new_node):
    n = new_node('--name', 'Old', '--firm', 'ABC')
    assert n.get_json('/api/v1/node')['name'] == 'Old'
    reload(n, lambda t: t.replace('Old', '새 이름'), 'settings_reloaded')
    assert n.get_json('/api/v1/node')['name'] == '새 이름'
    reload(n, lambda t: t.replace('ABC', 'XYZ'), 'settings_reloaded_restart')  # a firm's code needs a restart
    assert n.get_json('/api/v1/node')['firm'] == 'ABC'
    n.stop()
    n.start()
    assert n.get_json('/api/v1/node')['firm'] == 'XYZ'


@pytest.mark.parametrize('lang', ['en', 'ko'])
def test_sighup_with_bad_settings_keeps_the_old(new_node, lang):
    n = new_node('--name', 'Old', lang=lang)
    y = n.folder / 'moru.yaml'
    good = y.read_text()
    for bad, code, words in ((good.replace('Old', 'New') + '\ncolour: red\n', 'setting_unknown', 'colour'),
            (good.replace('Old', 'New').replace('port: 8470', 'port: many'), 'setting_value', 'many'), ('name: [\n', 'setting_yaml', 'moru.yaml')):
        reload(n, lambda t: bad, code)
        line = [x for x in n.log_text().splitlines() if code in x][-1]
        assert words in line and 'moru.yaml' in line and ' error ' in line
        assert n.get_json('/api/v1/node')['name'] == 'Old'
    reload(n, lambda t: good.replace('Old', 'New'), 'settings_reloaded')
    assert n.get_json('/api/v1/node')['name'] == 'New'


def test_bad_settings_refuse_the_start(new_node):
    n = new_node(serve=False)
    y = n.folder / 'moru.yaml'
    y.write_text(y.read_text() + '\nwhat: 1\n')
    r = moru('serve', n.folder, '--listen', '127.0.0.1:0')
    assert r.returncode == 1 and 'what' in r.stderr.decode() and 'moru.yaml' in r.stderr.decode()


def test_korean_log(new_node):
    n = new_node(lang='ko')
    reload(n, lambda t: t, 'settings_reloaded')
    assert '설정을 다시 읽었습니다' in n.log_text()
