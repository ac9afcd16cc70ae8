"""What docs/ says of the program, held against the program."""
import calendar
import json
import math
import re

import pytest

from conftest import ROOT, moru
from modbus_fake import Plc, last, put_device, wait_for

SQL = (ROOT / 'docs' / 'sql.md').read_text(encoding='utf-8')


def rows(node, sql):
    """Header and rows of a SELECT, cells as texts."""
    r = moru('sql', node.folder, sql)
    assert r.returncode == 0, (sql, r.stderr.decode())
    return [line.split('\t') for line in r.stdout.decode().splitlines()]


@pytest.fixture(scope='module')
def told(shared_node):
    """The node of the examples: the records of README.md and an oil temperature."""
    n = shared_node
    readme = (ROOT / 'README.md').read_text(encoding='utf-8')
    records = re.search(r"cat > records.ndjson <<'END'\n(.*?)\n *END\n", readme, re.S)[1]
    a = n.records(raw=re.sub('(?m)^ +', '', records) + '\n')
    assert a.status == 200 and a.json()['refused'] == 0, a
    begin = calendar.timegm((2026, 11, 19, 23, 0, 0))
    lines = [f'press,asset=PRESS-1 oil_temperature={41 + 2 * math.sin(s / 1500):.1f},shots={s // 10}i {begin + s}' for s in range(0, 11400, 10)]
    assert n.write(lines, precision='s').status == 204
    n.signal('PRESS-1', 'shots')
    return n


def described():
    """{table: its columns} as docs/sql.md has them."""
    parts = re.split(r'(?m)^##+ ', SQL)
    return {p.split('\n', 1)[0]: re.findall(r'(?m)^\| `(\w+)` \|', p) for p in parts if '| column |' in p}


def test_every_column_of_sql_is_described(told):
    refused = moru('sql', told.folder, 'SELECT * FROM main.lot').stderr.decode()
    tables = refused.split('Tables: ')[1].strip().split(', ')
    assert len(tables) > 10 and set(described()) == set(tables)
    for t in tables:
        where = " WHERE series='press,asset=PRESS-1 shots' LIMIT 1" if t in ('value', 'chart') else ' LIMIT 1'
        arguments = ['series', 't_from', 't_to', 'n'] if t == 'chart' else []
        assert described()[t] == arguments + rows(told, f'SELECT * FROM {t}{where}')[0], t
        rows(told, f'SELECT {", ".join(described()[t])} FROM {t}{where}')  # as they stand there, without quotes
    for t in tables:
        assert t in moru('help', 'sql').stdout.decode().split(), t


def test_the_sql_examples_give_what_they_show(told):
    examples = re.findall(r'```sql\n(.*?)```\n\n((?:    [^\n]*\n)+)', SQL, re.S)
    assert len(examples) == SQL.count('```sql') == 5
    for sql, shown in examples:
        if 'ORDER BY series.last' in sql:  # the node is shared with other tests of this file
            sql = sql.replace(' ORDER', " WHERE asset='PRESS-1' ORDER")
        assert [[c for c in row if c] for row in rows(told, sql)] == [re.split('  +', line.strip()) for line in shown.splitlines()], sql


# ---- docs/modbus.md ----
MODBUS = (ROOT / 'docs' / 'modbus.md').read_text(encoding='utf-8')
EXAMPLE, ANSWER = (json.loads(j) for j in re.findall(r'```json\n(.*?)```', MODBUS, re.S))


@pytest.fixture
def press():
    """A device with the registers of the page's example."""
    with Plc() as plc:
        listed = re.findall(r'(?m)^\| (holding|input|discrete) \| (\d+)\D[^|]*\| [^|]* \| `?([0-9a-f ]+?)`? \|$', MODBUS)
        assert len(listed) == 12
        for table, address, registers in listed:
            if table == 'discrete':
                plc.set(int(address), int(registers), table)
            else:
                plc.put(int(address), bytes.fromhex(registers), table)
        yield plc


def here(plc, **more):
    return {**EXAMPLE, 'host': '127.0.0.1', 'port': plc.port, **more}


def test_the_modbus_example_reads_what_it_shows(shared_node, press):
    got = shared_node.ask('POST', '/api/v1/devices/test', body=here(press)).json()
    got['frames'] = got['frames'][:2]
    assert got == ANSWER


def test_the_modbus_example_is_stored_and_undone(node, press):
    path = '/api/v1/devices/PRESS-3'
    assert put_device(node, 'PRESS-3', here(press)) == {'name': 'PRESS-3', 'version': 1}
    shown = {v['signal']: v['value'] for v in ANSWER['values']}
    wait_for(lambda: {k: v and v['value'] for k, v in last(node, 'PRESS-3').items()} == shown)
    assert put_device(node, 'PRESS-3', here(press))['version'] == 1  # the same again
    put_device(node, 'PRESS-3', here(press, poll_ms=2000), If_Match='"1"')
    assert node.ask('PUT', path, body=here(press), headers={'If-Match': '"1"'}).status == 409
    assert node.ask('POST', path + '/undo').status == 200
    assert [d['config']['poll_ms'] for d in node.items('/api/v1/devices')] == [1000]
    assert node.ask('DELETE', path).status == 200
    assert [(v['version'], v['json'] and v['json']['poll_ms']) for v in node.items(path + '/history')] == [(4, None), (3, 1000), (2, 2000), (1, 1000)]


def fields(title):
    return set(re.findall(r'(?m)^\| `(\w+)` \|', re.split(r'(?m)^### ', MODBUS.split('### ' + title + '\n')[1])[0]))


def test_every_field_of_a_device_is_described(shared_node, press):
    def known(document):
        p = shared_node.ask('POST', '/api/v1/devices/test', body=document).problem(400)
        assert 'not a known setting' in p['detail']['en'], p
        return set(p['expected'].split(', '))
    cycle, signal = EXAMPLE['cycle'], EXAMPLE['signals'][0]
    assert fields('The device') == known(here(press, nothing=1)) | {'asset', 'enabled', 'state'}
    assert fields('A signal') == known(here(press, signals=[{**signal, 'nothing': 1}]))
    assert fields('A signal') - {'table', 'poll_ms'} == known(here(press, cycle={**cycle, 'signals': [{**signal, 'nothing': 1}]}))
    assert fields('The cycle block') == known(here(press, cycle={**cycle, 'nothing': 1}))
    assert known(here(press, cycle={**cycle, 'counter': {'address': 0, 'nothing': 1}})) == {'address', 'type', 'order'}
    assert known(here(press, cycle={**cycle, 'lot': {'address': 0, 'nothing': 1}})) == {'address', 'length', 'order'}
    p = shared_node.ask('POST', '/api/v1/devices/test', body=here(press, state={'signal': 'state', 'codes': {'1': 'running'}})).problem(400)
    assert set(p['expected'].split(', ')) | {'signal', 'codes', 'alarm'} == fields('State')
    p = shared_node.ask('POST', '/api/v1/devices/test', body=here(press, signals=[{**signal, 'type': 'int16'}])).problem(400)
    described = MODBUS.split('### Types and orders\n')[1].split('\n### ')[0]
    assert set(p['expected'].split(', ')) == set(re.findall(r'`(\w+)`', ''.join(re.findall(r'(?m)^\| (`[a-z]\w*`(?:, `\w+`)?) \|', described)))) - {'type', 'order'}


def test_the_orders_are_as_shown(shared_node, press):
    table = re.findall(r'(?m)^\| `([A-D]{4})` \| `([0-9a-f ]+)` \| `([0-9a-f ]+)` \|', MODBUS)
    assert len(table) == 4
    signals = []
    for i, (order, u32, u64) in enumerate(table):
        press.put(1000 + 10 * i, bytes.fromhex(u32) + bytes.fromhex(u64))
        signals += [{'name': f'{t} {order}', 'address': 1000 + 10 * i + at, 'type': t, 'order': order} for t, at in (('u32', 0), ('u64', 2))]
    got = shared_node.ask('POST', '/api/v1/devices/test', body={k: v for k, v in here(press, signals=signals).items() if k not in ('cycle', 'state')}).json()
    assert {v['signal']: v['value'] for v in got['values']} == {s['name']: 305419896 if s['type'] == 'u32' else 72623859790382856 for s in signals}, got


def test_every_threat_names_its_tests():
    """docs/security.md: each row of the table of doors says what stands against the attack, and by which tests, which are there."""
    text = (ROOT / 'docs' / 'security.md').read_text(encoding='utf-8')
    table = text.split('## Which door, and what stands there')[1].split('\n## ')[0]
    lines = [[c.strip() for c in line.strip('|').split('|')] for line in table.splitlines() if line.startswith('| ') and not line.startswith(('| door', '| ---'))]
    assert len(lines) >= 30
    for row in lines:
        assert len(row) == 4 and all(row), row
        tests = row[3].split(', ')
        assert tests and all((ROOT / t).is_file() for t in tests), row
