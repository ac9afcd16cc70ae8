"""moru serve: starts, says where, ends cleanly."""


def test_ready_line_and_sigterm(node):
    assert node.get_json('/healthz') == {'status': 'ok'}
    assert 'moru: ready on http://127.0.0.1:' in node.log_text()
    node.stop()


def test_serves_again(node):
    first = node.get_json('/api/v1/node')['id']
    node.stop()
    node.start()
    assert node.get_json('/api/v1/node')['id'] == first
