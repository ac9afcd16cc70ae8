"""What docs/ says of the program, held against the program."""
import calendar
import math
import re

import pytest

from conftest import ROOT, moru

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
