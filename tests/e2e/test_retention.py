"""Rules of retention: without one nothing is ever deleted, with one exactly what it says; durable, over kills, backups and restores."""
import random
import time

import pytest
from conftest import Node, moru
from modbus_fake import wait_for

DAY = 86_400_000


def now_ms():
    return int(time.time() * 1000)


def put(n, *rules, **headers):
    return n.ask('PUT', '/api/v1/retention', body={'rules': list(rules)}, headers={k.replace('_', '-'): v for k, v in headers.items()})


def applied(n, version):
    """What the application of that version did."""
    return wait_for(lambda: (r := n.get_json('/api/v1/retention'))['last'] and r['last']['version'] == version and not r['running'] and r['last'], 20)


def fill(n, days=60):
    """A value a day of two machines, and cycles; what an operation and a characteristic refer to."""
    t0 = now_ms() - days * DAY + 3_600_000
    t = [t0 + i * DAY for i in range(days)]
    assert n.write([f'press,asset={a} v={i},s="{i}" {x}' for a in ('P-1', 'P-2') for i, x in enumerate(t)], precision='ms').status == 204
    assert n.write([f'press,asset=P-1 force={i + 0.5},_cycle={i + 1}i {x}' for i, x in enumerate(t)], precision='ms').status == 204
    when = lambda i: time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(t[i] // 1000))
    a = n.records({'type': 'operation', 'id': 'op-1', 'machine': 'P-1', 'lot': {'firm': 'MLD', 'number': 'L-1'}, 'start': when(4), 'end': when(6), 'seq_first': 5, 'seq_last': 7},
        {'type': 'characteristic', 'id': 'c-1', 'lot': {'firm': 'MLD', 'number': 'L-1'}, 'name': 'width', 'value': 1.5, 't': when(9), 'machine': 'P-1', 'seq': 10})
    assert a.status == 200, a
    return t


def held(n):
    """{(asset, signal): [(t, v)]}"""
    return {(s['asset'], s['name']): n.values(s['id']) for s in n.items('/api/v1/signals')}


def test_without_a_rule_nothing_goes(new_node):
    n = new_node()
    fill(n, 3000)
    before = held(n)
    assert n.get_json('/api/v1/retention') == {'version': 0, 'rules': [], 'running': False, 'waits': False, 'last': None}
    n.stop()
    n.start()
    rows = moru('sql', n.folder, 'SELECT (SELECT count(*) FROM operation), (SELECT count(*) FROM lot)')
    assert rows.returncode == 0
    bytes_before = sum(f.stat().st_size for f in (n.folder / 'series').glob('seg-*'))
    assert put(n).status == 200  # no rules are none, too
    time.sleep(2.5)
    assert held(n) == before and n.get_json('/api/v1/retention')['last'] is None
    assert sum(f.stat().st_size for f in (n.folder / 'series').glob('seg-*')) == bytes_before
    assert not [a for a in n.items('/api/v1/audit') if a['what'] == 'retention.apply']
    assert moru('sql', n.folder, 'SELECT (SELECT count(*) FROM operation), (SELECT count(*) FROM lot)').stdout == rows.stdout


def test_with_a_rule_exactly_that_goes(new_node, tmp_path):
    n = new_node()
    t = fill(n)
    before = held(n)
    a = put(n, {'class': 'values', 'asset': 'P-1', 'keep_days': 30}, {'class': 'sequences', 'keep_days': 20})
    assert a.status == 200 and a.json() == {'name': 'retention', 'version': 1}
    did = applied(n, 1)
    limit = now_ms() - 30 * DAY
    young = lambda k, days: [p for p in before[k] if p[0] >= now_ms() - days * DAY]
    want = dict(before)
    want['P-1', 'v'], want['P-1', 's'] = young(('P-1', 'v'), 30), young(('P-1', 's'), 30)
    cycles = before['P-1', 'force']
    want['P-1', 'force'] = [p for i, p in enumerate(cycles) if p in young(('P-1', 'force'), 20) or i + 1 in (5, 6, 7, 10)]
    assert len(want['P-1', 'v']) == 30 and len(want['P-1', 'force']) == 24
    assert held(n) == want
    assert did['values'] == 30 + 30 + 36 and did['left'] == 0 and did['segments'] >= 1
    entries = {a['what']: a for a in n.items('/api/v1/audit') if a['what'].startswith('retention')}
    assert entries['retention.put']['detail']['rules'][0]['keep_days'] == 30 and entries['retention.put']['who'] == 'local'
    assert entries['retention.apply']['detail']['values'] == 96 and entries['retention.apply']['who'] == 'retention'
    # All ways of reading agree.
    s = n.signal('P-1', 'v')
    one = n.get_json(f"/api/v1/series/{s['id']}")
    assert one['points'] == 30 and one['first'] >= time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(limit / 1000 - 1))
    chart = n.get_json(f"/api/v1/series/{s['id']}/chart", **{'from': t[0], 'to': now_ms(), 'width': 400})
    assert sum(chart['n']) == 30
    assert n.get_json('/api/v1/lots/MLD/L-1')['operations'][0]['seq_first'] == 5
    assert moru('check', n.folder).returncode == 0
    # Over a kill, a start, and in a backup that is restored.
    n.kill()
    n.start()
    assert held(n) == want and n.get_json('/api/v1/retention')['last'] == did
    assert moru('backup', n.folder, tmp_path / 'b').returncode == 0
    n.stop()
    assert moru('check', n.folder).returncode == 0
    assert moru('restore', tmp_path / 'b', tmp_path / 'r', '--as', 'copy').returncode == 0
    c = Node(tmp_path / 'r').start()
    assert held(c) == want and c.get_json('/api/v1/retention')['rules'][0]['asset'] == 'P-1'
    c.stop()
    # A later value that lies before the limit goes with the next application; a rule that is taken back deletes nothing more.
    n.start()
    assert n.write(f'press,asset=P-1 v=1 {t[0]}\npress,asset=P-2 v=7 {t[0] + 1}', precision='ms').status == 204
    assert put(n, {'class': 'values', 'keep_days': 59}, {'class': 'values', 'asset': 'P-1', 'keep_days': 30}, If_Match='"1"').status == 200
    assert applied(n, 2)['values'] == 1 + 2 + 1  # the one that came late; of P-2 its first, v and s, and the one that came late
    assert held(n)['P-1', 'v'] == want['P-1', 'v']
    assert put(n).status == 200
    assert [h['version'] for h in n.items('/api/v1/retention/history')] == [3, 2, 1]


def test_the_newest_stays(node):
    t = now_ms() - 400 * DAY
    assert node.write(f'old,asset=O-1 v=1 {t}\nold,asset=O-1 v=2 {t + 1000}', precision='ms').status == 204
    s = node.signal('O-1', 'v')
    assert put(node, {'class': 'values', 'keep_days': 1}).status == 200
    assert applied(node, 1)['values'] == 1
    assert node.values(s['id']) == [(t + 1000, 2)] and node.signal('O-1', 'v')['last']['value'] == 2
    node.stop()
    node.start()
    assert node.values(s['id']) == [(t + 1000, 2)] and node.signal('O-1', 'v')['last']['value'] == 2


@pytest.mark.parametrize('body, field', [
    ({'rules': [{'class': 'values'}]}, 'keep_days'),
    ({'rules': [{'class': 'values', 'keep_days': 0}]}, 'keep_days'),
    ({'rules': [{'class': 'values', 'keep_days': 36501}]}, 'keep_days'),
    ({'rules': [{'class': 'events', 'keep_days': 400}]}, 'class'),
    ({'rules': [{'class': 'audit', 'keep_days': 364}]}, 'keep_days'),
    ({'rules': [{'class': 'cases', 'keep_days': 29}]}, 'keep_days'),
    ({'rules': [{'class': 'files', 'keep_days': 6}]}, 'keep_days'),
    ({'rules': [{'class': 'files', 'keep_days': 90, 'asset': 'P-1'}]}, 'asset'),
    ({'rules': [{'class': 'cases', 'keep_days': 90}, {'class': 'cases', 'keep_days': 91}]}, 'class'),
    ({'rules': [{'keep_days': 400}]}, 'class'),
    ({'rules': [{'class': 'values', 'keep_days': 4, 'asset': ''}]}, 'asset'),
    ({'rules': [{'class': 'values', 'keep_days': 4, 'days': 3}]}, 'rules'),
    ({'rules': [{'class': 'values', 'keep_days': 4}, {'class': 'values', 'keep_days': 5}]}, 'class'),
    ({'rules': [7]}, 'rules'),
    ({'rule': []}, 'rules'),
    ({}, 'rules'),
])
def test_wrong_rules(shared_node, body, field):
    p = shared_node.ask('PUT', '/api/v1/retention', body=body).problem(400)
    assert p['field'] == field
    assert shared_node.get_json('/api/v1/retention')['version'] == 0


def advance(n, to):
    assert n.ask('POST', '/api/v1/clock', body={'advance_to': to}).status == 200


def a_closed_case(n):
    """A machine that says nothing any more; somebody has closed it with a note about a person."""
    assert n.ask('PUT', '/api/v1/devices/gone', body={'driver': 'push', 'asset': 'P-1', 'measurement': 'P-1', 'interval_ms': 1000}).status == 200
    for minute in range(8):
        advance(n, f'2026-11-15T00:0{minute}:30Z')
        assert n.write(f'P-1 v=1 {1794700800 + 60 * minute}', precision='s').status == 204
    advance(n, '2026-11-15T01:00:00Z')
    advance(n, '2026-11-15T01:10:00Z')
    case = wait_for(lambda: n.items('/api/v1/cases'), 20)[0]['id']
    assert n.ask('POST', f'/api/v1/cases/{case}/state', body={'state': 'closed', 'note': '점검함', 'person': '김철수'}).status == 200
    return case


def a_file_with_refused_rows(n):
    """Imported twice: what the first import refused is a file that nothing refers to any more."""
    text = 'time,v,w\n' + ''.join(f'2026-11-14 10:{i:02d}:00,{i}.5,{i}\n' for i in range(40)) + '2026-11-14 11:00:00,broken,7\n'
    i = n.ask('POST', '/api/v1/imports', body=text.encode(), params={'name': 'a.csv'}, headers={'Content-Type': 'application/octet-stream'})
    assert i.status == 201, i
    i = i.json()
    commit = lambda plan: (n.ask('POST', f"/api/v1/imports/{i['id']}/commit", body=plan), wait_for(
        lambda: (x := n.get_json(f"/api/v1/imports/{i['id']}"))['state'] == 'done' and x['progress'] is None and x['result'], 20))[1]
    first = commit({})
    assert first['refused'] == 1 and first['refused_file']
    plan = i['proposal']
    plan['columns'][1].update(type='string', signal='v as text')
    wait_for(lambda: commit(plan)['refused'] == 0, 20)
    return text.encode(), first['refused_file']


def blobs(n):
    return {f.parent.name + f.name for f in (n.folder / 'blobs').glob('*/*')}


def test_files_cases_and_the_audit(new_node, tmp_path):
    n = new_node(demo=True)
    case = a_closed_case(n)
    text, orphan = a_file_with_refused_rows(n)
    kept = blobs(n) - {orphan}
    assert len(kept) == 1 and orphan in blobs(n)
    advance(n, '2027-01-15T00:00:00Z')  # nothing is 60 days old yet that is not 60 days old, and without a rule nothing goes
    time.sleep(1.5)
    assert orphan in blobs(n) and n.get(f'/api/v1/cases/{case}').status == 200
    # What would go is said before a rule is set, by owners alone, and nothing goes by asking.
    would = lambda c, days: n.get_json('/api/v1/retention/preview', **{'class': c, 'keep_days': days})
    assert (w := would('files', 60))['removed'] == 1 and w['bytes'] > 0 and w['from'] == w['to'] and w['from'].startswith('2026-11-15T01')
    assert would('files', 62)['removed'] == 0 and would('files', 62)['from'] is None
    assert would('cases', 60)['removed'] == 1 and would('cases', 62)['removed'] == 0
    assert would('audit', 365)['removed'] == 0
    n.get('/api/v1/retention/preview', **{'class': 'audit', 'keep_days': 300}).problem(400)
    n.get('/api/v1/retention/preview', **{'class': 'values', 'keep_days': 300}).problem(400)
    assert orphan in blobs(n) and n.get(f'/api/v1/cases/{case}').status == 200
    # Exactly that goes.
    before = {a['id'] for a in n.items('/api/v1/audit')}
    assert put(n, {'class': 'files', 'keep_days': 62}, {'class': 'cases', 'keep_days': 62}, {'class': 'audit', 'keep_days': 365}).status == 200
    did = applied(n, 1)
    assert (did['values'], did['files'], did['cases'], did['audit']) == (0, 0, 0, 0) and orphan in blobs(n)
    assert put(n, {'class': 'files', 'keep_days': 60}, {'class': 'cases', 'keep_days': 60}, {'class': 'audit', 'keep_days': 365}).status == 200
    did = applied(n, 2)
    assert (did['values'], did['files'], did['cases'], did['audit'], did['left']) == (0, 1, 1, 0, 0) and did['file_bytes'] == w['bytes']
    assert blobs(n) == kept
    n.get(f'/api/v1/cases/{case}').problem(404)
    open_cases = n.items('/api/v1/cases')
    assert all(c['state'] != 'closed' for c in open_cases)
    assert n.get_json('/api/v1/today')['cases'] is not None
    told = [(c['noun'], c['key'], c['did']) for c in n.items('/api/v1/changes') if c['did'] == 'removed']
    assert sorted(told) == [('blob', orphan, 'removed'), ('case', str(case), 'removed')]
    entries = [a for a in n.items('/api/v1/audit') if a['what'] == 'retention.apply' and a['detail']['version'] == 2]
    assert {a['target']: a['detail']['removed'] for a in entries} == {'files': 1, 'cases': 1, 'audit': 0}  # of values there is no rule
    assert all(a['who'] == 'retention' for a in entries) and before < {a['id'] for a in n.items('/api/v1/audit')}
    # The imported file is whole, and can be had again; an equal one that comes is no second.
    again = n.ask('POST', '/api/v1/imports', body=text, params={'name': 'b.csv'}, headers={'Content-Type': 'application/octet-stream'})
    assert again.status == 201 and blobs(n) == kept
    assert moru('check', n.folder).returncode == 0
    # The audit loses its beginning alone, and says what.
    ids = sorted(a['id'] for a in n.items('/api/v1/audit'))
    old = [a for a in n.items('/api/v1/audit') if a['t'] < '2026-12']
    advance(n, '2027-12-01T00:00:00Z')
    entry = wait_for(lambda: [a for a in n.items('/api/v1/audit') if a['what'] == 'retention.apply' and a['target'] == 'audit' and a['detail']['removed']], 20)[0]
    left = sorted(a['id'] for a in n.items('/api/v1/audit'))
    d = entry['detail']
    assert old and d['removed'] == len(old) and d['through'] == max(a['id'] for a in old) == left[0] - 1
    assert d['from'] == min(a['t'] for a in old) and d['to'] == max(a['t'] for a in old)
    assert left == list(range(left[0], left[-1] + 1)) and set(left) >= set(ids) - {a['id'] for a in old}
    n.kill()
    n.start()
    assert blobs(n) == kept and sorted(a['id'] for a in n.items('/api/v1/audit')) == left
    assert moru('backup', n.folder, tmp_path / 'b').returncode == 0
    n.stop()
    assert moru('check', n.folder).returncode == 0
    assert moru('restore', tmp_path / 'b', tmp_path / 'r', '--as', 'copy').returncode == 0
    assert moru('check', tmp_path / 'r').returncode == 0


def test_two_people(node):
    assert put(node, {'class': 'values', 'keep_days': 4000}, If_Match='"0"').status == 200
    put(node, {'class': 'values', 'keep_days': 3000}, If_Match='"0"').problem(409)
    put(node, {'class': 'values', 'keep_days': 3000}, If_Match='x').problem(400)


def test_killed_while_it_is_applied(new_node):
    """Each start goes on where the last one was killed; in between everything is old or new."""
    n = new_node(serve=False)
    (n.folder / 'moru.yaml').write_text('series:\n  head_budget: 1048576\n')
    n.start()
    t0 = now_ms() - 100 * DAY
    step = 100 * DAY // 200_000
    for k in range(10):
        assert n.write('\n'.join(f'press,asset=P-{i % 5} v={i} {t0 + i * step}' for i in range(k * 20_000, (k + 1) * 20_000)), precision='ms').status == 204
    before = {k: dict(v) for k, v in held(n).items()}
    kills = random.Random(7)
    for version, days in enumerate((80, 40, 10), 1):
        assert put(n, {'class': 'values', 'keep_days': days}).status == 200
        time.sleep(kills.random() * 1.2)
        n.kill()
        n.start()
        limit = now_ms() - days * DAY
        for k, v in held(n).items():
            assert all(before[k][t] == x for t, x in v)
            assert {t for t in before[k] if t >= limit} <= {t for t, _ in v}
        did = applied(n, version)
        limit = now_ms() - days * DAY  # it was applied a moment before
        for k, v in held(n).items():
            assert min(t for t, _ in v) > limit - 60_000 and {t for t in before[k] if t >= limit} <= {t for t, _ in v}
        assert did['left'] == 0
    n.stop()
    assert moru('check', n.folder).returncode == 0
