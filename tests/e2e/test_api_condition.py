"""GET /api/v1/series/{id}/lots: which lots a machine worked on while a value was beyond a limit."""
T0 = 1763770000000000000  # ns
S = 1000000000


def stamp(s):
    import datetime
    return datetime.datetime.fromtimestamp(T0 // S + s, datetime.timezone.utc).isoformat().replace('+00:00', 'Z')


def lot(n):
    return {'firm': 'MLD', 'number': f'L-{n}'}


def fill(n):
    ops = [{'type': 'operation', 'id': f'o{i}', 'machine': 'PRESS', 'lot': lot(i), 'start': stamp(100 * i), 'end': stamp(100 * i + 99),
            'seq_first': 10 * i + 1, 'seq_last': 10 * i + 10} for i in range(5)]
    ops.append({'type': 'operation', 'id': 'other', 'machine': 'MILL', 'lot': lot(9), 'start': stamp(0), 'end': stamp(500)})
    assert n.records(*ops).status == 200
    # Cycles 1..50, ten a lot; force is high in cycles 12, 15 and 41, once of bad luck in cycle 30 it is exactly at the limit.
    high = {12: 2.6, 15: 2.7, 41: 2.8, 30: 2.5}
    assert n.write([f'PRESS _cycle={c}i,force={high.get(c, 2.1)} {T0 + (10 * c - 5) * S}' for c in range(1, 51)]).status == 204
    # Oil by the clock, each 60 s: over 60 from 180 s until the value at 300 s says otherwise.
    assert n.write([f'PRESS oil={70 if t in (180, 240) else 50},text="x" {T0 + t * S}' for t in range(0, 500, 60)]).status == 204
    return n.signal('PRESS', 'force')['id'], n.signal('PRESS', 'oil')['id'], n.signal('PRESS', 'text')['id']


def seen(n, series, **params):
    r = n.get_json(f'/api/v1/series/{series}/lots', **params)
    return r['values'], [(i['number'], i['times']) for i in r['items']]


def test_lots_that_saw_it(node):
    force, oil, text = fill(node)
    assert seen(node, force, above=2.5) == (3, [('L-1', 2), ('L-4', 1)])
    assert seen(node, force, above=2.5, to=stamp(200)) == (2, [('L-1', 2)])
    assert seen(node, force, above=2.5, from_=stamp(200)) == (1, [('L-4', 1)])
    assert seen(node, force, below=2.2, above=2.75)[1] == [('L-0', 10), ('L-1', 8), ('L-2', 9), ('L-3', 10), ('L-4', 10)]
    assert seen(node, force, above=3) == (0, [])
    assert seen(node, oil, above=60) == (2, [('L-1', 1), ('L-2', 1)])
    first = node.get_json(f'/api/v1/series/{oil}/lots', above=60)['items'][1]
    assert (first['firm'], first['first_t'], first['last_t']) == ('MLD', stamp(200), stamp(200))
    assert seen(node, force, from_=stamp(100), to=stamp(300)) == (20, [('L-1', 10), ('L-2', 10)])
    node.get(f'/api/v1/series/{force}/lots', above='high').problem(400)
    node.get(f'/api/v1/series/{text}/lots', above=1).problem(409, 'api_no_numbers')
    node.get('/api/v1/series/00000000-0000-7000-8000-000000000000/lots', above=1).problem(404)
