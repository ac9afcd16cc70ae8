"""moru.yaml while a node runs: SIGHUP takes what is good, says what is bad and keeps the old; a bad one keeps a node from starting."""
import os
import re
import signal
import subprocess
import time

import pytest
from conftest import MORU
from modbus_fake import wait_for


def edit(node, pattern, text):
    f = node.folder / 'moru.yaml'
    s = f.read_text()
    assert re.search(pattern, s, re.M)
    f.write_text(re.sub(pattern, text, s, count=1, flags=re.M))
    return s


def hup(node):
    """Sends SIGHUP and gives what the node says about it."""
    at = len(node.log_text())
    os.kill(node.pid, signal.SIGHUP)
    return wait_for(lambda: 'moru.yaml' in node.log_text()[at:] and node.log_text()[at:])


def test_good_ones_are_taken(node):
    edit(node, r'^name: .*$', 'name: "새 이름"')
    said = hup(node)
    assert ' info settings_reloaded:' in said
    assert node.get_json('/api/v1/node')['name'] == '새 이름'
    edit(node, r'^  port: .*$', '  port: 9999')
    assert 'settings_reloaded_restart' in hup(node)
    assert node.get('/healthz').status == 200


@pytest.mark.parametrize('pattern, text, line_of, words', [
    (r'^lang: .*$', 'lang: fr', 'lang: fr', ['lang', 'fr', 'ko, en']),
    (r'^  port: .*$', '  port: 70000', '  port: 70000', ['listen.port', '70000', '0..65535']),
    (r'^  begins: .*$', '  begins: 25:00', '  begins: 25:00', ['production_day.begins', '25:00', 'HH:MM']),
    (r'^  address: .*$', '  address: 0.0.0.0', '  address: 0.0.0.0', ['listen.address', '0.0.0.0', '127.0.0.1']),
    (r'^firm: .*$', 'frim: X', 'frim: X', ['frim', 'name, firm, lang, zone']),
    (r'^name: .*$', 'name: "open', None, ['YAML']),
])
def test_bad_ones_are_said_and_the_old_stay(node, pattern, text, line_of, words):
    before = node.get_json('/api/v1/node')
    edit(node, r'^name: .*$', 'name: "must not be taken"')
    old = edit(node, pattern, text)
    said = hup(node)
    assert ' error setting_' in said
    if line_of:
        lines = (node.folder / 'moru.yaml').read_text().split('\n')
        assert f'line {lines.index(line_of) + 1}:' in said
    for w in words:
        assert w in said
    now = node.get_json('/api/v1/node')
    assert now['name'] == before['name'] and now['lang'] == before['lang']
    # Mended, they are taken.
    (node.folder / 'moru.yaml').write_text(old)
    assert 'settings_reloaded' in hup(node)
    assert node.get_json('/api/v1/node')['name'] == 'must not be taken'


def test_keys_that_wait_for_a_restart_are_named(new_node):
    """Each key that moru.yaml itself marks so, and no other; what needs none holds at once, all of a reload together."""
    n = new_node()
    text = (n.folder / 'moru.yaml').read_text()
    marked = re.findall(r'(?m)^(?:  )?# .* - a change needs a restart\n( *)(\w+): ', text)
    assert [k for _, k in marked] == ['firm', 'zone', 'address', 'port', 'connections', 'connections_of_address', 'mode', 'inbox', 'watch', 'listen', 'subnets',
                                      'head_budget']
    for pattern, new, key in ((r'^firm: .*$', 'firm: "NEW"', 'firm'), (r'^zone: .*$', 'zone: UTC', 'zone'), (r'^  address: .*$', '  address: "127.0.0.2"', 'listen.address'),
                              (r'^  port: .*$', '  port: 9', 'listen.port'), (r'^  connections: .*$', '  connections: 100', 'listen.connections'),
                              (r'^  connections_of_address: .*$', '  connections_of_address: 9', 'listen.connections_of_address'), (r'^  mode: .*$', '  mode: own', 'tls.mode'), (r'^inbox: .*$', 'inbox: "/nowhere"', 'inbox'),
                              (r'^watch: .*$', 'watch: [/nowhere]', 'watch'), (r'^  subnets: .*$', '  subnets: [10.0.0.0/8]', 'ingest.subnets'),
                              (r'^  head_budget: .*$', '  head_budget: 1048576', 'series.head_budget')):
        edit(n, pattern, new)
        said = hup(n)
        assert re.search(rf'settings_reloaded_restart: .* These wait for a restart: {re.escape(key)} file=', said), said
        (n.folder / 'moru.yaml').write_text(text)
        assert ' settings_reloaded: ' in hup(n)
    edit(n, r'^firm: .*$', 'firm: "NEW"')
    edit(n, r'^zone: .*$', 'zone: UTC')
    edit(n, r'^name: .*$', 'name: "Other"')
    edit(n, r'^lang: .*$', 'lang: ko')
    edit(n, r'^  begins: .*$', '  begins: 06:30')
    assert 'restart: firm, zone file=' in hup(n)
    now = n.get_json('/api/v1/node')
    assert (now['name'], now['lang'], now['day_begins'], now['firm'], now['zone']) == ('Other', 'ko', '06:30', 'OWN', 'Asia/Seoul')
    n.stop()
    n.start()
    now = n.get_json('/api/v1/node')
    assert (now['firm'], now['zone']) == ('NEW', 'UTC')


def test_connections_have_a_bound_and_an_address_has_one(new_node):
    n = new_node()
    edit(n, r'^  connections: .*$', '  connections: 100')
    edit(n, r'^  connections_of_address: .*$', '  connections_of_address: 3')
    n.stop()
    n.start()
    held = [n.connect() for _ in range(2)]
    for c in held:
        assert n.ask('GET', '/healthz', connection=c).status == 200
    values = dict(l.rsplit(' ', 1) for l in n.get('/metrics').text.splitlines() if l[0] != '#')  # the third
    assert float(values['moru_http_connections_max']) == 100
    held.append(n.connect())
    assert n.ask('GET', '/healthz', connection=held[2]).status == 200
    assert n.ask('GET', '/healthz').status == 503
    held.pop().close()
    until = time.monotonic() + 5
    while (a := n.get('/metrics')).status == 503 and time.monotonic() < until:
        time.sleep(0.05)
    values = dict(l.rsplit(' ', 1) for l in a.text.splitlines() if l[0] != '#')
    assert float(values['moru_http_connections_refused_total']) >= 1
    for c in held:
        c.close()


def test_a_zone_that_does_not_exist(node):
    edit(node, r'^zone: .*$', 'zone: Asia/Seoulx')
    said = hup(node)
    line = (node.folder / 'moru.yaml').read_text().split('\n').index('zone: Asia/Seoulx') + 1
    assert 'setting_zone' in said and 'Asia/Seoulx' in said and f'moru.yaml line {line}:' in said
    assert node.get('/healthz').status == 200


@pytest.mark.parametrize('lang, sentence', [('ko', '값을 쓸 수 없습니다'), ('en', 'cannot be')])
def test_a_node_with_bad_settings_does_not_start(new_node, lang, sentence):
    n = new_node(serve=False)
    edit(n, r'^  port: .*$', '  port: much')
    r = subprocess.run([MORU, '--lang', lang, 'serve', str(n.folder)], capture_output=True, timeout=20, text=True)
    assert r.returncode != 0
    assert sentence in r.stderr and 'listen.port' in r.stderr and 'much' in r.stderr and '0..65535' in r.stderr


def test_a_settings_file_that_is_gone(node):
    f = node.folder / 'moru.yaml'
    text = f.read_text()
    f.unlink()
    at = len(node.log_text())
    os.kill(node.pid, signal.SIGHUP)
    wait_for(lambda: ' error ' in node.log_text()[at:])
    assert node.get('/healthz').status == 200
    f.write_text(text)
    assert 'settings_reloaded' in hup(node)
