"""The OpenAPI document: valid, whole, true to the routes; and the node under schemathesis."""
import json
import os
import re
import time
import unittest
import warnings

import pytest

FUZZ_S = float(os.environ.get('MORU_FUZZ_S', '25'))  # in all, shared by the operations


@pytest.fixture(scope='module')
def document(shared_node):
    return shared_node.get_json('/api/v1/openapi.json')


def test_is_openapi_3_1(document):
    from openapi_spec_validator import OpenAPIV31SpecValidator
    assert document['openapi'].startswith('3.1.')
    OpenAPIV31SpecValidator(document).validate()


def test_operations_are_whole(document):
    ids = []
    for path, item in document['paths'].items():
        for method, op in item.items():
            ids.append(op['operationId'])
            assert op['summary'] and ({'200', '201', '204'} & set(op['responses'])), (path, method)
            assert {'400', '403'} <= set(op['responses'])
            assert {p['name'] for p in op['parameters'] if p['in'] == 'path'} == set(re.findall(r'\{(\w+)\}', path))
            names = [p['name'] for p in op['parameters']]
            assert len(names) == len(set(names)), (path, names)
            if 'requestBody' in op:
                assert {'413', '415'} <= set(op['responses'])
    assert len(ids) == len(set(ids)) and len(ids) > 40
    used = set(re.findall(r'#/components/schemas/(\w+)', json.dumps(document)))
    assert used == set(document['components']['schemas'])


def test_answers_match_their_schemas(shared_node, document):
    """What a filled node answers, member by member: no member that the document does not know."""
    import jsonschema
    n = shared_node
    assert n.records({'type': 'asset', 'code': 'A', 'kind': 'machine'}, {'type': 'lot', 'firm': 'F', 'number': '1', 'item': 'I'}, {'type': 'lot', 'firm': 'F', 'number': '2'},
        {'type': 'link', 'parent': {'firm': 'F', 'number': '1'}, 'child': {'firm': 'F', 'number': '2'}},
        {'type': 'operation', 'id': 'o', 'machine': 'A', 'lot': {'firm': 'F', 'number': '1'}, 'start': '2026-11-22T00:00:00Z', 'person': '김온달'},
        {'type': 'event', 'id': 'e', 'kind': 'note', 't': '2026-11-22T00:00:00Z', 'asset': 'A', 'data': {}, 'person': '김온달', 'text': 'x'}).status == 200
    assert n.write('A v=1.5,s="x" 1763770000000000000').status == 204
    assert n.ask('PUT', '/api/v1/devices/d', body={'driver': 'push', 'asset': 'A', 'interval_ms': 1000}).status == 200
    assert n.ask('PUT', '/api/v1/sinks/d', body={'url': 'https://example.com/', 'what': ['lots'], 'enabled': False}).status == 200
    ca = n.ask('POST', '/api/v1/trust', body={'certificate': (n.folder / 'tls/ca.crt').read_text(), 'purposes': ['partner']}).json()['name']
    series = n.signal('A', 'v')['id']
    fill = {'code': 'A', 'firm': 'F', 'number': '1', 'id': series, 'name': 'd', 'fingerprint': ca, 'pseudonym': n.items('/api/v1/people')[0]['pseudonym']}
    seen = 0

    def closed(schema):
        """The schema with every object of named members closed."""
        if isinstance(schema, dict):
            s = {k: closed(v) for k, v in schema.items()}
            if 'properties' in s:
                s.setdefault('unevaluatedProperties', False)
            return s
        return [closed(x) for x in schema] if isinstance(schema, list) else schema
    whole = closed(document)
    for path, item in document['paths'].items():
        op = item.get('get')
        if not op or 'application/json' not in op['responses'].get('200', {}).get('content', {}) or '/imports/' in path or '/cases/' in path or path.endswith('openapi.json'):
            continue
        url = re.sub(r'\{(\w+)\}', lambda m: fill[m[1]], path)
        query = {p['name']: {'series': series, 'class': 'files', 'keep_days': 90, 'q': 'SHOW DATABASES' if path == '/query' else 'A'}[p['name']] for p in op['parameters'] if p['in'] == 'query' and p['required']}
        a = n.get(url, **query)
        assert a.status == 200, (path, a)
        schema = whole['paths'][path]['get']['responses']['200']['content']['application/json']['schema']
        jsonschema.Draft202012Validator({**schema, 'components': whole['components']}).validate(a.json())
        seen += 1
    assert seen > 20


def serializers():
    import schemathesis

    for kind in ('application/x-ndjson', 'application/sql', 'image/jpeg', 'image/png', 'image/webp', 'application/pdf'):
        @schemathesis.serializer(kind)
        class Text:
            def as_requests(self, context, value):
                return {'data': value if isinstance(value, bytes) else str(value).encode('utf-8', 'surrogatepass')}

            def as_werkzeug(self, context, value):
                return self.as_requests(context, value)


class Over(KeyboardInterrupt):
    """Ends Hypothesis's loop without being a failure."""


def test_schemathesis(new_node, document):
    """No server error, no status, type or answer that the document does not name; valid and broken requests alternate."""
    warnings.simplefilter('ignore')
    import hypothesis
    import schemathesis
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance
    serializers()
    schemathesis.experimental.OPEN_API_3_1.enable()
    n = new_node()
    n.write('A v=1.5 1763770000000000000')
    schema = schemathesis.from_uri(n.url + '/api/v1/openapi.json', data_generation_methods=[schemathesis.DataGenerationMethod.positive, schemathesis.DataGenerationMethod.negative])
    operations = [r.ok() for r in schema.get_all_operations()]
    assert len(operations) > 40
    end_all, asked, troubles = time.monotonic() + FUZZ_S, 0, []
    for left, op in zip(range(len(operations), 0, -1), operations):
        if op.path in ('/api/v1/live', '/api/v1/devices/test'):
            continue  # an endless answer; five seconds of each
        # What may be any text has no broken form: Hypothesis would look for one forever.
        parameters = document['paths'][op.path][op.method]['parameters']
        free = [p['schema'].keys() <= {'type', 'minLength'} and p['schema']['type'] == 'string' for p in parameters]
        breakable = '{' not in op.path and (not all(free) or 'application/json' in str(op.definition.raw.get('requestBody')))
        for method in schema.data_generation_methods[:1 + breakable]:
            end, least = time.monotonic() + max(0.1, (end_all - time.monotonic()) / left / 2), asked + 3

            @hypothesis.given(case=op.as_strategy(data_generation_method=method))
            @hypothesis.settings(max_examples=60, deadline=None, database=None, derandomize=True, phases=[hypothesis.Phase.generate], suppress_health_check=list(hypothesis.HealthCheck))
            def ask(case):
                nonlocal asked
                if time.monotonic() > end and asked >= least:  # a busy machine takes longer, and asks no less
                    raise Over
                asked += 1
                response = case.call(timeout=20)
                case.validate_response(response, checks=(not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance))
            try:
                ask()
            except Over:
                pass
            except BaseException as e:
                # An operation whose parameters may be any text has no broken ones.
                if method != schemathesis.DataGenerationMethod.negative or type(e).__name__ not in ('SkipTest', 'Skipped', 'Unsatisfiable'):
                    troubles.append(f'{op.verbose_name}: {e}')
    print(f'{asked} requests to {len(operations)} operations')
    assert not troubles, '\n'.join(troubles)
    assert asked > 2 * len(operations)
    assert n.get_json('/healthz') == {'status': 'ok'}
