"""docs/metrics.md and the dashboard, held against what a running node measures: nothing undocumented, nothing that no longer is."""
import json
import re

import pytest

from conftest import ROOT
from modbus_fake import wait_for

TABLE = re.findall(r'(?m)^\| `(moru_\w+)` \| (\w+) \| (\S*) ?\| (.+) \|$', (ROOT / 'docs' / 'metrics.md').read_text(encoding='utf-8'))
DASHBOARD = ROOT / 'docs' / 'dashboards' / 'moru.json'


@pytest.fixture(scope='module')
def live(shared_node):
    """name: type, and all names of samples with their labels, once a worker has looked."""
    shared_node.write(['press,asset=P-1 v=1', 'press,asset=P-1 v=2'])
    text = wait_for(lambda: 'moru_devices' in (t := shared_node.get('/metrics').text) and t)
    types = dict(re.findall(r'(?m)^# TYPE (\w+) (\w+)$', text))
    samples = [(m[1], m[2] or '', float(m[3])) for m in re.finditer(r'(?m)^(\w+)(\{.*?\})? (\S+)$', text)]
    return types, samples


def base(sample, types):
    """A histogram's samples are its name with an ending."""
    return sample if sample in types else re.sub('_(bucket|sum|count)$', '', sample)


def test_each_has_a_line_in_the_document_and_each_line_is_one(live):
    types, samples = live
    assert {name: kind for name, kind, _, _ in TABLE} == types
    assert {base(s, types) for s, _, _ in samples} == set(types)
    assert len(TABLE) == len({row[0] for row in TABLE})


def test_names_say_what_they_are(live):
    types, _ = live
    for name, kind, unit, _ in TABLE:
        assert name.endswith('_total') == (kind == 'counter'), name
        if unit in ('seconds', 'bytes'):
            assert re.search(rf'_{unit}(_total)?$', name), name
        if re.search('_(seconds|bytes)', name):
            assert unit in name, name
    for name in types:
        assert len(re.findall(rf'(?m)^# HELP {name} .', '\n'.join(f'# HELP {n} x' for n in types))) == 1


def test_the_histogram_adds_up(live):
    _, samples = live
    buckets = [(l, v) for n, l, v in samples if n == 'moru_loop_callback_seconds_bucket']
    counts = [v for _, v in buckets]
    assert counts == sorted(counts) and buckets[-1][0] == '{le="+Inf"}' and len(buckets) == 16
    edges = [float(re.search('"(.*)"', l)[1]) for l, _ in buckets[:-1]]
    assert edges == [2 ** i / 8000 for i in range(15)]
    one = {n: v for n, l, v in samples if not l}
    assert one['moru_loop_callback_seconds_count'] == counts[-1] > 0 and 0 < one['moru_loop_callback_seconds_sum'] < 60
    assert one['moru_values_total'] >= 2 and one['moru_disk_size_bytes'] >= one['moru_disk_free_bytes'] > 0


def test_the_delay_of_the_loop_is_sampled(live):
    _, samples = live
    counts = [v for n, _, v in samples if n == 'moru_loop_delay_seconds_bucket']
    one = {n: v for n, l, v in samples if not l}
    assert counts == sorted(counts) and len(counts) == 16 and one['moru_loop_delay_seconds_count'] == counts[-1]
    # Every 50 ms since the start, give or take a busy machine.
    assert counts[-1] >= one['moru_uptime_seconds'] * 4
    assert one['moru_http_connections_max'] == 10240


def queries(d):
    out = [t['expr'] for p in d['panels'] for t in p['targets']]
    return out + [v['query']['query'] for v in d['templating']['list'] if v['type'] == 'query']


def test_the_dashboard_asks_for_what_there_is(live):
    types, samples = live
    d = json.loads(DASHBOARD.read_text(encoding='utf-8'))
    names = {n for n, _, _ in samples}
    asked = {n for q in queries(d) for n in re.findall(r'\bmoru_\w+', q)}
    assert asked <= names, asked - names
    # And shows what it is for.
    for want in ('values_total', 'loop_callback_seconds_bucket', 'points_in_heads', 'disk_free_bytes', 'devices', 'cases_open', 'crashes_total', 'backup_last_good_seconds',
                 'backup_failed'):
        assert f'moru_{want}' in asked
    labels = {n: set(re.findall(r'(\w+)=', l)) for n, l, _ in samples if l}
    for q in queries(d):
        for name, inside in re.findall(r'\b(moru_\w+)\{([^}]*)\}', q):
            assert set(re.findall(r'(\w+)(?:=~|!=|=)', inside)) <= {'instance'} | labels.get(name, set()), q


def test_the_dashboard_is_whole():
    d = json.loads(DASHBOARD.read_text(encoding='utf-8'))
    assert d['title'] and d['uid'] and d['schemaVersion'] >= 36 and 'id' not in d and '__inputs' not in d
    variables = {v['name']: v for v in d['templating']['list']}
    assert variables['datasource']['type'] == 'datasource' and variables['datasource']['query'] == 'prometheus'
    ids = [p['id'] for p in d['panels']]
    assert len(set(ids)) == len(ids) >= 10
    taken = set()
    for p in d['panels']:
        assert p['title'] and p['targets'] and p['datasource'] == {'type': 'prometheus', 'uid': '${datasource}'}
        g = p['gridPos']
        assert g['x'] >= 0 and g['x'] + g['w'] <= 24
        cells = {(x, y) for x in range(g['x'], g['x'] + g['w']) for y in range(g['y'], g['y'] + g['h'])}
        assert not cells & taken, p['title']
        taken |= cells
        for t in p['targets']:
            used = set(re.findall(r'\$\{?(\w+)', t['expr'])) - {'__rate_interval'}
            assert used <= set(variables) and t['expr'].count('(') == t['expr'].count(')'), t['expr']
