"""moru sql: the same answer whether the node runs or not."""
import json
import threading
import time

import pytest

from conftest import moru

T = 1763770000


@pytest.fixture(scope='module')
def data(shared_node):
    n = shared_node
    assert n.records({'type': 'asset', 'code': 'M', 'name': '사출기', 'kind': 'machine'}, *[{'type': 'lot', 'firm': 'F', 'number': f'{i:02}', 'quantity': i / 2} for i in range(20)],
        {'type': 'event', 'id': 'e', 'kind': 'note', 't': '2026-11-22T00:00:00Z', 'asset': 'M', 'text': '=1+1', 'data': {'a': [1]}}).status == 200
    assert n.write([f'M v={i / 10},n={i}i,s="가{i}" {T + i}' for i in range(100)], precision='s').status == 204
    n.signal('M', 's')
    return n


QUERIES = [
    "SELECT count(*) AS n FROM lot", "SELECT firm, number, quantity FROM lot ORDER BY number LIMIT 3", "SELECT code, name FROM asset", "SELECT * FROM lot WHERE number='none'",
    "SELECT time_text(t) AS t, value FROM value WHERE series=(SELECT id FROM series WHERE signal='v') ORDER BY t LIMIT 5", "SELECT text, data FROM event",
    "SELECT signal, points, type FROM series ORDER BY signal", "SELECT NULL AS a, 1.5 AS b, 'x\ty' AS c", "WITH RECURSIVE c(x) AS (VALUES(1) UNION ALL SELECT x+1 FROM c WHERE x<2000) SELECT x FROM c",
    "SELECT nothing FROM lot", "SELEC", "DELETE FROM lot", "PRAGMA user_version", "ATTACH 'x' AS y", "SELECT * FROM secret", "", "SELECT 1; SELECT 2"]


def test_equal_served_and_not(data, new_node):
    """Every statement, both languages, all formats: bytes and status are the same."""
    n = data
    served = {(q, f, lang): moru('sql', n.folder, q, '--format', f, lang=lang) for q in QUERIES for f in ('table', 'csv', 'json') for lang in (('en', 'ko') if f == 'csv' else ('en',))}
    n.stop()
    try:
        for (q, f, lang), s in served.items():
            o = moru('sql', n.folder, q, '--format', f, lang=lang)
            assert (o.returncode, o.stdout, o.stderr) == (s.returncode, s.stdout, s.stderr), (q, f)
    finally:
        n.start()
    assert served[QUERIES[0], 'csv', 'en'].stdout == b'n\r\n20\r\n'
    assert served[QUERIES[1], 'table', 'en'].stdout.decode().splitlines()[1] == 'F\t00\t0'
    assert json.loads(served[QUERIES[2], 'json', 'en'].stdout.splitlines()[0]) == {'code': 'M', 'name': '사출기'}
    assert served[QUERIES[4], 'csv', 'en'].stdout.decode().splitlines()[1] == '2025-11-22T00:06:40Z,0'
    for q in QUERIES[9:]:
        assert served[q, 'csv', 'en'].returncode == 1 and served[q, 'csv', 'ko'].stderr, q
    assert '거절' in served['PRAGMA user_version', 'csv', 'ko'].stderr.decode() and 'SELECT' in served['PRAGMA user_version', 'csv', 'en'].stderr.decode()


def test_usage(data):
    for args in ([], [data.folder], [data.folder, 'SELECT 1', 'x'], [data.folder, 'SELECT 1', '--format', 'xml']):
        assert moru('sql', *args).returncode == 2
    assert moru('sql', data.folder / 'none', 'SELECT 1').returncode == 1


def sql(n, q, **params):
    return n.ask('POST', '/api/v1/sql', body=q, headers={'Content-Type': 'application/sql'}, params=params, timeout=60)


def test_route(data):
    a = sql(data, 'SELECT number FROM lot ORDER BY 1 LIMIT 1', format='json')
    assert a.status == 200 and a.headers['Content-Type'] == 'application/x-ndjson' and a.json() == {'number': '00'}
    assert sql(data, 'SELECT 1 AS a', format='csv').headers['Content-Type'] == 'text/csv; charset=utf-8'
    assert sql(data, 'SELECT 1 AS a').text == 'a\n1\n'
    sql(data, 'SELECT 1', format='xml').problem(400, 'api_param')
    sql(data, 'PRAGMA user_version').problem(403, 'sql_denied')
    for table in ('sqlite_master', 'sqlite_schema', 'doc', 'main.doc', 'idem', 'main.audit', 'tally'):
        assert sql(data, f'SELECT * FROM {table}').status in (400, 403), table
    sql(data, 'SELECT load_extension(1)').problem(403)
    p = sql(data, 'SELECT\n  nonsense FROM lot').problem(400)
    assert p['line'] == 2
    sql(data, "SELECT '" + 'x' * 70000 + "'").problem(413)


def test_a_hopeless_statement_holds_nobody_up(data):
    """While one counts for ever the node answers; a second statement is told to wait; the first ends when its asker goes."""
    n = data
    forever = "WITH RECURSIVE c(x) AS (VALUES(1) UNION ALL SELECT x+1 FROM c) SELECT count(*) FROM c"
    import socket
    s = socket.create_connection((n.host, n.port), 5)
    s.sendall(b'POST /api/v1/sql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/sql\r\nContent-Length: %d\r\n\r\n' % len(forever) + forever.encode())
    end = time.monotonic() + 10
    while sql(n, 'SELECT 1').status != 503:
        assert time.monotonic() < end
    sql(n, 'SELECT 1').problem(503, 'api_busy')
    for _ in range(20):
        assert n.get('/api/v1/lots', limit=1).status == 200
        assert n.write('busy v=1').status == 204
        assert n.records({'type': 'lot', 'firm': 'BUSY', 'number': '1'}).status == 200
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\1\0\0\0\0\0\0\0')
    s.close()  # a reset
    end = time.monotonic() + 10
    while sql(n, 'SELECT 1').status == 503:
        assert time.monotonic() < end, 'the statement went on without its asker'
        time.sleep(0.05)


def test_sigterm_ends_a_hopeless_statement(new_node):
    n = new_node()
    t = threading.Thread(target=lambda: moru('sql', n.folder, 'WITH RECURSIVE c(x) AS (VALUES(1) UNION ALL SELECT x+1 FROM c) SELECT count(*) FROM c'))
    t.start()
    end = time.monotonic() + 10
    time.sleep(0.5)  # not to be the one that it finds there
    while sql(n, 'SELECT 1').status != 503:
        assert time.monotonic() < end
        time.sleep(0.5)
    t0 = time.monotonic()
    n.stop()
    assert time.monotonic() - t0 < 5
    t.join()
