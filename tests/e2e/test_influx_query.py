"""/query and the calls that real InfluxDB 1.x clients make."""
import json

import pytest

T = 1763770000  # 2025-11-22T00:06:40Z


@pytest.fixture(scope='module')
def data(shared_node):
    n = shared_node
    lines = []
    for host in ('a', 'b'):
        for i in range(5):
            lines.append(f'cpu,hostname={host},region=kr usage_user={10 * i + (host == "b")},usage_system={i}i,up=true,note="n{i}" {T + i}')
    assert n.write(lines, precision='s').status == 204
    return n


def ask(n, q, **params):
    a = n.ask('GET', '/query', params={'q': q, 'db': 'test', **params})
    assert a.status == 200, a
    assert a.headers['Content-Type'] == 'application/json' and a.headers['X-Influxdb-Version'].startswith('1.8')
    return a.json()['results']


def one(n, q, **params):
    r = ask(n, q, **params)
    assert len(r) == 1 and 'error' not in r[0], r
    return r[0].get('series', [])


def test_select_all(data):
    s, = one(data, 'SELECT * FROM cpu LIMIT 2')
    assert s['name'] == 'cpu'
    assert s['columns'] == ['time', 'hostname', 'note', 'region', 'up', 'usage_system', 'usage_user']
    assert s['values'] == [['2025-11-22T00:06:40Z', 'a', 'n0', 'kr', True, 0, 0], ['2025-11-22T00:06:40Z', 'b', 'n0', 'kr', True, 0, 1]]


@pytest.mark.parametrize('epoch, per_s', [('ns', 10**9), ('u', 10**6), ('ms', 1000), ('s', 1), ('m', 1 / 60), ('h', 1 / 3600)])
def test_epoch(data, epoch, per_s):
    s, = one(data, "SELECT usage_user FROM cpu WHERE hostname='a' LIMIT 1", epoch=epoch)
    assert s['values'] == [[int(T * per_s), 0]]


def test_where_tags_fields_time(data):
    s, = one(data, f"SELECT usage_user FROM cpu WHERE hostname = 'b' AND usage_user > 10 AND time >= {T + 1}s AND time < '2025-11-22T00:06:44Z'", epoch='s')
    assert s['values'] == [[T + 1, 11], [T + 2, 21], [T + 3, 31]]
    assert one(data, "SELECT usage_user FROM cpu WHERE hostname = 'zz'") == []
    assert one(data, 'SELECT nothing FROM cpu') == []
    assert one(data, 'SELECT * FROM nothing') == []
    s, = one(data, "SELECT usage_user FROM cpu WHERE (hostname = 'a' OR hostname = 'b') AND region != 'jp' ORDER BY time DESC LIMIT 1", epoch='s')
    assert s['values'][0][0] == T + 4


def test_group_by_tag(data):
    s = one(data, 'SELECT last(usage_user) FROM cpu GROUP BY hostname', epoch='s')
    assert [(x['tags'], x['values']) for x in s] == [({'hostname': 'a'}, [[T + 4, 40]]), ({'hostname': 'b'}, [[T + 4, 41]])]
    s = one(data, 'SELECT * FROM cpu GROUP BY "hostname" ORDER BY time DESC LIMIT 1', epoch='s')
    assert [x['tags']['hostname'] for x in s] == ['b', 'a'] and all(len(x['values']) == 1 for x in s)  # groups turn round too, as in 1.8


def test_last_of_several(data):
    s, = one(data, 'SELECT last(*) FROM cpu')
    assert s['columns'][0] == 'time' and 'last_usage_user' in s['columns']


def test_several_statements(data):
    r = ask(data, 'SHOW DATABASES; SELECT mean(usage_user) FROM cpu; SELECT last(usage_system) FROM cpu')
    assert [x['statement_id'] for x in r] == [0, 1, 2]
    assert 'error' in r[1] and 'mean' in r[1]['error'] and 'series' in r[2]


def test_databases(data):
    n = data
    for how in ('GET', 'POST'):
        a = n.ask(how, '/query', params={'q': f'CREATE DATABASE "db_{how}" WITH REPLICATION 1'})
        assert a.status == 200 and 'error' not in a.json()['results'][0], a
    s, = one(n, 'show databases')
    assert s['name'] == 'databases' and s['columns'] == ['name']
    assert ['db_GET'] in s['values'] and ['db_POST'] in s['values']
    assert n.ask('POST', '/query', params={'q': 'CREATE DATABASE "db_GET"'}).status == 200  # again
    assert sum(v == ['db_GET'] for v in one(n, 'SHOW DATABASES')[0]['values']) == 1


def test_databases_outlive_a_kill(new_node):
    n = new_node()
    assert n.ask('POST', '/query', params={'q': 'CREATE DATABASE 공장'}).status == 200
    n.kill()
    n.start()
    assert ['공장'] in one(n, 'SHOW DATABASES')[0]['values']


@pytest.mark.parametrize('q', ['', 'SELECT', 'SELECT * FROM', 'DROP TABLE x; nonsense', "SELECT * FROM cpu WHERE time > 'yesterday'", '\x00', 'SELECT * FROM cpu LIMIT -1', "SELECT 'a",
    'SELECT * FROM cpu WHERE ' + '(' * 200])
def test_syntax_errors(data, q):
    a = data.ask('POST', '/query', params={'q': q})
    e = a.json()
    assert a.status in (400, 413) and a.headers['Content-Type'] == 'application/json'
    assert e['error'] and e['code'] and e['detail']['ko'] and e['detail']['en'] == e['error']


def test_missing_q_is_said_as_influxdb_says_it(data):
    for a in (data.ask('GET', '/query'), data.ask('POST', '/query', body='db=x')):
        assert a.status == 400 and a.json()['error'] == 'missing required parameter "q"'


def test_unserved_is_an_error_in_its_result(data):
    for q in ('SHOW RETENTION POLICIES ON "db"', 'DROP DATABASE x', 'SELECT max(usage_user) FROM cpu GROUP BY time(1m)', 'SHOW TAG KEYS', 'SELECT a+b FROM cpu'):
        r, = ask(data, q)
        assert r['error'], q


def test_forms(data):
    n = data
    want = one(n, 'SHOW DATABASES')
    form = {'Content-Type': 'application/x-www-form-urlencoded'}
    for body, headers in (('q=SHOW+DATABASES&db=x', form), ('db=x&q=SHOW%20DATABASES', {}), ('q=SHOW%20DATABASES', {**form, 'Content-Type': form['Content-Type'] + '; charset=utf-8'})):
        a = n.ask('POST', '/query', body=body, headers=headers)
        assert a.json()['results'][0]['series'] == want, a
    a = n.ask('POST', '/query', params={'q': 'SHOW DATABASES'}, body='')
    assert a.status == 200
    # epoch in the form, q in the URL
    a = n.ask('POST', '/query?q=SELECT+usage_user+FROM+cpu+LIMIT+1', body='epoch=s', headers=form)
    assert a.json()['results'][0]['series'][0]['values'][0][0] == T


def test_tsbs_load_calls(data):
    """tsbs_load_influx: databases first (at least one result with a series), create by GET, write gzip with consistency."""
    import gzip
    n = data
    r = n.ask('GET', '/query?q=show%20databases').json()['results']
    assert r[0]['series'][0]['columns'] == ['name']
    assert n.ask('GET', '/query?consistency=all&q=CREATE%20DATABASE%20benchmark%20WITH%20REPLICATION%201').status == 200
    a = n.ask('POST', '/write?consistency=all&db=benchmark', body=gzip.compress(b'tsbs,hostname=h v=1i 1\n'), headers={'Content-Encoding': 'gzip', 'Content-Type': 'text/plain'})
    assert a.status == 204


def test_influx_command_line_calls(data):
    n = data
    assert n.ask('GET', '/ping').headers['X-Influxdb-Version']
    a = n.ask('POST', '/query?chunked=true&db=x&epoch=ns&q=' + 'SELECT%20*%20FROM%20cpu%20LIMIT%201')
    assert json.loads(a.text)['results'][0]['series'][0]['values'][0][0] == T * 10**9


def test_telegraf_calls(data):
    """Telegraf 1.37, outputs.influxdb: creates its database by a form, then writes chunked gzip; acts on the texts of errors."""
    n = data
    a = n.ask('POST', '/query', body='q=CREATE+DATABASE+%22telegraf%22', headers={'Content-Type': 'application/x-www-form-urlencoded', 'User-Agent': 'Telegraf/1.37.0'})
    assert a.status == 200 and a.json() == {'results': [{'statement_id': 0}]}
    a = n.write('cpu,hostname=a,region=kr usage_user=1i', precision='s')
    assert a.status == 400 and 'partial write' in a.json()['error'] and 'field type conflict' in a.json()['error']
    assert 'unable to parse' in n.write('cpu oops').json()['error']


def test_pypi_client(data):
    """The client most scripts use, as they use it."""
    from influxdb import InfluxDBClient
    from influxdb.exceptions import InfluxDBClientError
    n = data
    c = InfluxDBClient(n.host, n.port, database='factory', timeout=10)
    assert c.ping().startswith('1.8')
    c.create_database('factory')
    assert {'name': 'factory'} in c.get_list_database()
    points = [{'measurement': 'temp', 'tags': {'machine': m}, 'time': (T + i) * 10**9, 'fields': {'v': 20.5 + i, 'n': i, 'ok': i % 2 == 0, 'who': f'작업자 "{i}"'}}
              for i in range(10) for m in ('M 1', 'M,2')]
    assert c.write_points(points, time_precision='n', batch_size=7)
    got = list(c.query('SELECT * FROM temp', epoch='ns').get_points())
    assert len(got) == 20
    want = {(p['time'], p['tags']['machine']): p['fields'] for p in points}
    for g in got:
        assert want[g['time'], g['machine']] == {k: g[k] for k in ('v', 'n', 'ok', 'who')}
    r = c.query('SELECT last(v) FROM temp GROUP BY machine')
    assert {k[1]['machine']: next(v)['last'] for k, v in r.items()} == {'M 1': 29.5, 'M,2': 29.5}
    with pytest.raises(InfluxDBClientError) as e:
        c.write_points([{'measurement': 'temp', 'tags': {'machine': 'M 1'}, 'fields': {'v': 'text'}}])
    assert 'partial write' in str(e.value) and e.value.code == 400
    with pytest.raises(InfluxDBClientError):
        c.query('SELECT * FRM temp')
    c.close()
    z = InfluxDBClient(n.host, n.port, database='factory', gzip=True)
    assert z.write_points([{'measurement': 'zip', 'fields': {'v': float(i)}, 'time': T + i} for i in range(100)], time_precision='s')
    assert len(list(z.query('SELECT v FROM zip').get_points())) == 100
    z.close()


def test_what_was_sent_is_read_back_while_more_comes(data):
    n = data
    for i in range(50):
        assert n.write(f'rw v={i} {T + i}', precision='s').status == 204
        s, = one(n, 'SELECT last(v) FROM rw')
        assert s['values'][0][1] == i
