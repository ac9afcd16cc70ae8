"""kill -9 in the middle of an import: the folder is whole afterwards, and the import given again ends where it would have."""
import os
import random
import subprocess
import time

from conftest import MORU, moru
from importing import importing, values, write

KILLS = 25
METERS, STEPS = 12, 1500


def content():
    out = ['time,meter,kW,state']
    for m in range(METERS):
        for i in range(STEPS):
            d, q = divmod(i, 96)
            out.append(f'2021-{1 + d // 28:02}-{1 + d % 28:02} {q // 4:02}:{q % 4 * 15:02},M{m},{i * 0.25 + m if i % 50 else ""},{"run" if i % 7 else "idle"}')
    # Rows told twice: the later stays, however often the import begins anew.
    out += [f'2021-01-01 {h:02}:00,M0,{1000 + h},run' for h in range(24)]
    return '\n'.join(out) + '\n'


def whole(node):
    """After the next start, which does away with what the killed one left half done."""
    node.start().stop()
    r = moru('check', node.folder, timeout=60)
    assert r.returncode == 0, (r.stdout + r.stderr).decode()


def prepared(new_node, tmp_path):
    """What both tests begin with: chance, the file, what a calm import of it leaves behind, and how long that took."""
    seed = random.randrange(1 << 32)
    print('seed', seed)
    path = write(tmp_path / 'plant.csv', content())
    calm = new_node(serve=False)
    began = time.monotonic()
    assert importing(calm.folder, path).status == 0
    took = time.monotonic() - began
    return random.Random(seed), path, values(calm.folder), took


def killed_import(node, path, seconds, kill):
    """An import in the middle of which kill(process) is called: how it ended and what it said. The folder is whole after."""
    p = subprocess.Popen([MORU, '--lang', 'en', 'import', str(node.folder), str(path)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    time.sleep(seconds)
    kill(p)
    _, err = p.communicate(timeout=30)
    whole(node)
    return p.returncode, err


def test_killed_imports(new_node, tmp_path):
    rng, path, expect, took = prepared(new_node, tmp_path)
    assert sum(map(len, expect.values())) == METERS * STEPS * 2 - METERS * 30 + 1
    node, killed, partly = new_node(serve=False), 0, 0
    for n in range(KILLS):
        if n % 8 == 0:
            node = new_node(serve=False)  # some kills meet an empty folder, some a full one
        status, _ = killed_import(node, path, rng.uniform(0.1, 1) * took, lambda p: p.kill())
        killed += status == -9
        got = values(node.folder)
        partly += got != expect
        # Nothing that is not in the file, and nothing under another time.
        for key, v in got.items():
            known = dict(expect[key])
            assert len(dict(v)) == len(v) and all(t in known for t, _ in v), key
        if n % 8 == 7 or n == KILLS - 1:
            r = importing(node.folder, path)
            assert r.status == 0 and r.one()['refused'] == 0, r
            assert values(node.folder) == expect
            whole(node)
    print(f'{killed} killed, {partly} of them left a part')
    assert killed >= KILLS // 2


def test_a_served_node_killed_in_an_import(new_node, tmp_path):
    rng, path, expect, _ = prepared(new_node, tmp_path)
    node = new_node(serve=False)
    for n in range(5):
        node.start()
        status, err = killed_import(node, path, rng.uniform(0, 0.6), lambda _: node.kill())
        assert status in (0, 2) and (status == 0 or err.startswith(b'moru: ')), (status, err)
    node.start()
    assert importing(node.folder, path).status == 0
    # The lock of the killed one never needed a hand, its socket neither.
    node.stop()
    assert values(node.folder) == expect
    assert not [f for f in os.listdir(node.folder / 'blobs') if f.startswith('new-')]
