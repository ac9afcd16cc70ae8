"""A node that dies by its own fault leaves a trace, which the next start keeps, tells and shows until a person has seen it; kill -9 and an orderly
end are told apart from it and from each other."""
import ctypes
import os
import pathlib
import re
import resource
import signal
import subprocess
import time

import pytest

from conftest import MORU, moru
from modbus_fake import wait_for

# A sanitizer keeps these signals for itself: then there is no trace of ours, and only that is looked at.
OWN = not any(w in pathlib.Path(MORU).read_bytes() for w in (b'__asan_init', b'__tsan_init'))
FAULTS = [signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL] if OWN else []


def threads(pid):
    return {pathlib.Path(f'/proc/{pid}/task/{t}/comm').read_text().strip(): int(t) for t in os.listdir(f'/proc/{pid}/task')}


def die(n, number, thread=None):
    """That thread of the node gets the signal; gives how the process ended."""
    p, n.process = n.process, None
    if thread is None:
        p.send_signal(number)
    else:
        t = threads(p.pid)[thread]
        wait_for(lambda: pathlib.Path(f'/proc/{p.pid}/task/{t}/stat').read_text().rsplit(')', 1)[1].split()[0] == 'S')  # at its work, not being born
        time.sleep(0.1)
        assert ctypes.CDLL(None).tgkill(p.pid, t, int(number)) == 0
    return p.wait(20)


def metric(n, name):
    return float(re.search(rf'^moru_{name} (\S+)$', n.get('/metrics').text, re.M)[1])


def codes(n):
    return [i['code'] for i in n.get_json('/api/v1/log')['items']]


def n_debug(path):
    r = moru('debug', path)
    assert r.returncode == 0, r
    return r.stdout.decode()


@pytest.mark.parametrize('number', FAULTS, ids=lambda s: s.name)
def test_a_fault_leaves_a_trace(new_node, number):
    n = new_node()
    assert n.write('m,asset=A v=1').status == 204
    assert oct((n.folder / 'run' / 'crash').stat().st_mode & 0o777) == '0o600'
    assert die(n, number, 'worker') == -number
    trace = (n.folder / 'run' / 'crash').read_text().rstrip('\0')
    assert trace.startswith('moru-crash 1\nversion 0.1.0\nbuild ') and trace.endswith('\nend\n'), trace
    assert re.search(r'^thread \d+ worker$', trace, re.M) and re.search(r'^note \d+ info node_started$', trace, re.M)
    assert len(re.findall(r'^frame \S+\+0x[0-9a-f]+$', trace, re.M)) >= 3
    n.start()
    seen = n.get_json('/api/v1/node')['crash']
    assert seen['signal'] == number.name and seen['thread'] == 'worker' and seen['version'] == '0.1.0' and seen['whole'] and len(seen['frames']) >= 3
    kept = n.folder / 'crashes' / seen['file']
    assert kept.read_text().rstrip('\0') == trace and kept.name.startswith('000001-')
    shown = n_debug(kept)
    assert number.name in shown and 'worker' in shown and all(f in shown for f in seen['frames']) and 'cut off' not in shown
    assert 'a node that runs' in n_debug(n.folder / 'run' / 'crash')
    line = next(i for i in n.get_json('/api/v1/log')['items'] if i['code'] == 'node_crashed')
    assert line['level'] == 'error' and number.name in line['detail']['en'] and seen['file'] in line['detail']['ko']
    assert metric(n, 'crashes_total') == 1 and metric(n, 'unclean_ends_total') == 0


@pytest.mark.skipif(not OWN, reason='a sanitizer has the signal')
def test_until_a_person_has_seen_it(new_node):
    n = new_node()
    die(n, signal.SIGSEGV)
    n.start()
    assert n.get_json('/api/v1/node')['crash'] and 'node_crashed' in codes(n)
    n.stop()
    n.start()
    # Still shown; told in the log once; the orderly end between says nothing.
    assert n.get_json('/api/v1/node')['crash']
    assert not {'node_crashed', 'node_ended_unclean'} & set(codes(n))
    assert n.ask('POST', '/api/v1/crash/seen', body={}).status == 204
    assert n.get_json('/api/v1/node')['crash'] is None
    n.ask('POST', '/api/v1/crash/seen', body={}).problem(404, 'crash_none')
    n.stop()
    n.start()
    assert n.get_json('/api/v1/node')['crash'] is None and metric(n, 'crashes_total') == 1


@pytest.mark.skipif(not OWN, reason='a sanitizer has the signal')
def test_frames_lead_to_source_lines(new_node):
    n = new_node()
    die(n, signal.SIGABRT, 'watchdog')
    trace = (n.folder / 'run' / 'crash').read_text()
    own = re.findall(r'^frame moru\+(0x[0-9a-f]+)$', trace, re.M)
    assert own, trace
    out = subprocess.run(['addr2line', '-f', '-e', MORU, *own], capture_output=True, text=True, check=True).stdout
    assert 'watch' in out.split() and 'watchdog.c' in out, out
    build = re.search(r'^build ([0-9a-f]{16,})$', trace, re.M)[1]
    assert build in subprocess.run(['readelf', '-n', MORU], capture_output=True, text=True, check=True).stdout


def test_kill_9_is_told_apart(new_node):
    n = new_node()
    assert 'node_ended_unclean' not in codes(n)
    n.kill()
    n.start()
    assert codes(n).count('node_ended_unclean') == 1 and 'node_crashed' not in codes(n)
    assert n.get_json('/api/v1/node')['crash'] is None and metric(n, 'unclean_ends_total') == 1 and metric(n, 'crashes_total') == 0
    n.stop()
    assert not (n.folder / 'run' / 'crash').exists()
    n.start()
    assert 'node_ended_unclean' not in codes(n) and metric(n, 'unclean_ends_total') == 1


@pytest.mark.parametrize('left', [b'', b'\xff' * 4096, b'moru-crash 9\n', b'moru-crash 1\n' + b'frame ' * 100000], ids=['empty', 'noise', 'newer', 'long'])
def test_rubbish_in_its_place(new_node, left):
    n = new_node(serve=False)
    (n.folder / 'run' / 'crash').write_bytes(left)
    n.start()
    assert codes(n).count('node_ended_unclean') == 1
    assert ('crash_unread' in codes(n)) == (left != b'')
    assert n.get_json('/api/v1/node')['crash'] is None
    n.stop()
    if left.startswith(b'moru-crash'):
        (n.folder / 'left').write_bytes(left)
        r = moru('debug', n.folder / 'left')
        assert r.returncode == (1 if b'9' in left else 0) and (r.returncode == 0 or b'left' in r.stderr), r


@pytest.mark.skipif(not OWN, reason='a sanitizer has the signal')
def test_no_core_is_left(new_node, tmp_path):
    """Whatever the limits it was started with: a core would hold the node's key."""
    n = new_node(serve=False)
    there = os.getcwd()
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    os.chdir(tmp_path)
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    try:
        n.start()
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))
        os.chdir(there)
    p, n.process = n.process, None
    p.send_signal(signal.SIGSEGV)
    _, status = os.waitpid(p.pid, 0)
    p.returncode = -os.WTERMSIG(status)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGSEGV
    assert not os.WCOREDUMP(status)
    assert not list(tmp_path.glob('core*'))
    secret = (n.folder / 'secrets' / 'key.pem').read_text().splitlines()[1]
    assert secret not in (n.folder / 'run' / 'crash').read_text(errors='replace')
