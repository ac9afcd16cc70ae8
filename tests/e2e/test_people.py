"""People: a name given at any door stands sealed in one table; erased, it cannot be read anywhere: not in folder, backup, log or answers, nor after
a restore of an older backup. Looked for as bytes in every encoding that a Korean PC writes."""
import hashlib
import json
import os
import pathlib
import re
import subprocess
import threading
import time
import unicodedata
import urllib.parse
import zipfile

import pytest

from conftest import MORU, Node, moru

NAME, OTHER = '김온달', '박혁거세'
NOTE = '온달 님이 손을 다쳐 병원에 갔습니다'
T = '2026-11-22T08:10:00+09:00'
PSEUDONYM = re.compile(r'^P-[0-9A-HJKMNP-TV-Z]{4}$')


def spellings(text):
    """The bytes of a text as programs write it, and as JSON and URLs escape it."""
    out = {text.encode(e) for e in ('utf-8', 'utf-16-le', 'utf-16-be', 'cp949')}
    out.add(unicodedata.normalize('NFD', text).encode())
    out.add(json.dumps(text)[1:-1].encode())
    return out


def found(root, *texts):
    """Files below root (or the file itself) in which one of the texts stands."""
    files = [p for p in pathlib.Path(root).rglob('*') if p.is_file()] if pathlib.Path(root).is_dir() else [pathlib.Path(root)]
    needles = [b for t in texts for b in spellings(t)]
    return sorted(str(p) for p in files if any(n in p.read_bytes() for n in needles))


def answers(n):
    """Every page that tells of records, people, changes, the audit, as one text."""
    lot = 'F/L-1'
    paths = ['/api/v1/people', '/api/v1/operations', '/api/v1/events', '/api/v1/cases', '/api/v1/audit', '/api/v1/changes', '/api/v1/log', '/api/v1/today',
        f'/api/v1/lots/{lot}', f'/api/v1/lots/{lot}/tree', '/api/v1/lots', '/api/v1/assets', '/api/v1/imports', '/api/v1/backup', '/metrics']
    text = ''
    for p in paths:
        a = n.get(p)
        assert a.status in (200, 404, 405), (p, a)
        text += a.text
    for c in n.items('/api/v1/cases'):
        text += n.get(f"/api/v1/cases/{c['id']}").text
    for p in n.items('/api/v1/people'):
        text += n.get(f"/api/v1/people/{p['pseudonym']}").text
    for q in ('SELECT * FROM operation', 'SELECT * FROM event', 'SELECT * FROM characteristic'):
        text += n.ask('POST', '/api/v1/sql', body=q, headers={'Content-Type': 'application/sql'}).text
    for q in (NAME, OTHER):
        text += n.get('/api/v1/search', q=q).text
    return text


def fill(n, name=NAME, tag=''):
    """One person at every door that takes one."""
    lot = {'firm': 'F', 'number': 'L-1'}
    a = n.records({'type': 'asset', 'code': 'MLD-01', 'kind': 'machine'}, {'type': 'lot', **lot},
        {'type': 'operation', 'id': f'op{tag}', 'machine': 'MLD-01', 'lot': lot, 'start': T, 'person': name},
        {'type': 'characteristic', 'id': f'ch{tag}', 'lot': lot, 'name': 'weight', 'value': 1.5, 't': T, 'person': name},
        {'type': 'event', 'id': f'ev{tag}', 'kind': 'note', 't': T, 'lot': lot, 'person': name, 'text': f'{name}: {NOTE}'},
        {'type': 'event', 'id': f'ev{tag}-2', 'kind': 'note', 't': T, 'lot': lot, 'person': name, 'text': 'ok', 'corrects': f'ev{tag}', 'reason': f'{name}이 고침'},
        key=f'k{tag}')
    assert a.status == 200, a


def a_case(n):
    """A device that says nothing: a case that somebody may write a note to."""
    n.ask('PUT', '/api/v1/devices/gone', body={'driver': 'push', 'asset': 'MLD-01', 'measurement': 'MLD-01', 'interval_ms': 1000}).status == 200
    end = time.monotonic() + 20
    n.write('MLD-01 v=1')
    while time.monotonic() < end:
        cases = n.items('/api/v1/cases')
        if cases:
            return cases[0]['id']
        time.sleep(0.2)
    return None


def person(n, name=NAME):
    p = [x for x in n.items('/api/v1/people') if x['name'] == name]
    assert len(p) == 1, p
    return p[0]['pseudonym']


def erase(n, pseudonym, reason='퇴사자의 요청'):
    a = n.ask('POST', f'/api/v1/people/{pseudonym}/erase', body={'reason': reason})
    assert a.status == 200, a
    return a.json()


def test_one_name_is_one_person(new_node):
    n = new_node()
    fill(n)
    p = person(n)
    assert PSEUDONYM.match(p)
    for path in ('/api/v1/operations', '/api/v1/events'):
        for r in n.items(path):
            assert (r['person'], r['person_name']) == (p, NAME), r
    lot = n.get_json('/api/v1/lots/F/L-1')
    assert [(x['person'], x['person_name']) for x in lot['characteristics']] == [(p, NAME)]
    ev = {e['ref']: e for e in n.items('/api/v1/events')}
    assert ev['ev']['personal'] and ev['ev']['text'] == f'{NAME}: {NOTE}' and ev['ev-2']['reason'] == f'{NAME}이 고침'
    # The pseudonym is as good as the name, a decomposed name the same; what comes again is the same.
    assert n.records({'type': 'operation', 'id': 'op', 'machine': 'MLD-01', 'lot': {'firm': 'F', 'number': 'L-1'}, 'start': T, 'person': p}).json()['same'] == 1
    again = n.ask('POST', '/api/v1/people', body={'name': ' ' + unicodedata.normalize('NFD', NAME)})
    assert again.status == 200 and again.json()['pseudonym'] == p and again.json()['did'] == 'same', again
    new = n.ask('POST', '/api/v1/people', body={'name': OTHER}).json()
    assert new['did'] == 'new' and new['name'] == OTHER and new['erasure'] is None
    assert n.records({'type': 'event', 'id': 'ev', 'kind': 'note', 't': T, 'lot': {'firm': 'F', 'number': 'L-1'}, 'person': p, 'text': f'{NAME}: {NOTE}'}).json()['same'] == 1
    # A refused record makes nobody.
    assert n.records({'type': 'event', 'id': 'ev', 'kind': 'note', 't': T, 'lot': {'firm': 'F', 'number': 'L-1'}, 'person': '새사람', 'text': 'x'}).status == 422
    assert len(n.items('/api/v1/people')) == 2
    n.stop()
    n.start()
    assert person(n) == p
    # Only the file of keys makes it readable: the name itself stands in no file at all.
    assert found(n.folder, NAME, OTHER, NOTE) == []
    assert (n.folder / 'secrets/people.keys').stat().st_mode & 0o777 == 0o600
    shown = moru('debug', n.folder / 'secrets/people.keys').stdout.decode()
    keys = (n.folder / 'secrets/people.keys').read_bytes()
    assert '2' in shown and not any(keys[i + 16:i + 48].hex() in shown for i in range(16, len(keys) - 32, 52)), shown


def test_erased_for_ever(new_node, tmp_path):
    n = new_node()
    target, away = tmp_path / 'target', tmp_path / 'away'
    fill(n)
    fill(n, OTHER, '-o')
    p, o = person(n), person(n, OTHER)
    for t in (target, away):
        assert moru('backup', n.folder, t).returncode == 0
    hidden = tmp_path / 'hidden'
    away.rename(hidden)  # unplugged
    key = n.folder / 'secrets/people.keys'
    old = key.read_bytes()
    n.ask('POST', f'/api/v1/people/{p}/erase', body={'reason': f'{NAME} 요청'}).problem(400, 'store_erase_reason')
    n.ask('POST', '/api/v1/people/P-0000/erase', body={'reason': 'x'}).problem(404, 'store_person_missing')
    e = erase(n, p)
    assert e['name'] is None and e['erasure']['done'] and e['erasure']['destroyed'][:3] == ['key', 'name', 'texts'] and e['erasure']['reason'] == '퇴사자의 요청', e
    targets = {t['target']: t for t in e['erasure']['targets']}
    assert targets[str(target)]['done'] and not targets[str(away)]['done'] and targets[str(away)]['why']['ko'], targets
    # Its key is gone from where it can be reached, and nobody else's.
    u = bytes.fromhex(e['uuid'].replace('-', ''))
    at = old.index(u)
    secret = old[at + 16:at + 48]
    holders = lambda root: [str(f) for f in pathlib.Path(root).rglob('*') if f.is_file() and secret in f.read_bytes()]
    assert holders(n.folder) == [] and holders(target) == [] and holders(hidden) == [str(hidden / 'people.keys')]
    assert person(n, OTHER) == o
    text = answers(n)
    assert NAME not in text and NOTE not in text.replace(f'{OTHER}: {NOTE}', '') and OTHER in text
    ev = {x['ref']: x for x in n.items('/api/v1/events')}
    assert ev['ev']['personal'] and ev['ev']['text'] is None and ev['ev']['person'] == p and ev['ev']['person_name'] is None
    assert ev['ev-o']['text'] == f'{OTHER}: {NOTE}'
    # Again it changes nothing; the pseudonym stays, the name given anew is somebody new.
    assert erase(n, p)['erasure']['done'] == e['erasure']['done']
    assert n.ask('POST', '/api/v1/people', body={'name': NAME}).json()['pseudonym'] != p
    erase(n, person(n))
    # The unplugged target comes back: the next backup there takes the keys away, and says so.
    hidden.rename(away)
    assert moru('backup', n.folder, away).returncode == 0
    assert holders(away) == []
    evidence = n.get_json(f'/api/v1/people/{p}')['erasure']
    assert all(t['done'] for t in evidence['targets']), evidence
    assert NAME not in json.dumps(n.get_json('/api/v1/audit'), ensure_ascii=False)
    assert any(x['what'] == 'person.erase' and x['target'] == p for x in n.items('/api/v1/audit'))
    n.stop()
    for root in (n.folder, target, away, n.log):
        assert found(root, NAME, OTHER, NOTE) == [], root
    # An older backup, from before: as the node itself, and as a copy.
    first = sorted(x.stem for x in (target / 'snapshots').glob('*.json'))[0]
    for how in ('move', 'copy'):
        d = tmp_path / how
        assert moru('restore', target, d, '--as', how, '--snapshot', first).returncode == 0
        r = Node(d)
        try:
            r.start()
            text = answers(r)
            assert NAME not in text and NOTE not in text.replace(f'{OTHER}: {NOTE}', '') and OTHER in text and p in text
            assert 'names are not there' in r.log_text()
        finally:
            r.stop()
        assert found(d, NAME, OTHER, NOTE) == [] and holders(d) == [] and found(r.log, NAME) == []


@pytest.mark.parametrize('served', [True, False])
def test_an_export_tells_pseudonyms(new_node, tmp_path, served):
    """Names go into no export, whoever makes it; nor does a key."""
    n = new_node()
    fill(n)
    p = person(n)
    secret = (n.folder / 'secrets/people.keys').read_bytes()[32:64]
    if not served:
        n.stop()
    r = moru('export', n.folder, tmp_path / 'out.zip')
    assert r.returncode == 0, r
    out = tmp_path / 'out'
    zipfile.ZipFile(tmp_path / 'out.zip').extractall(out)
    assert found(out, NAME, NOTE) == [] and not any(secret in f.read_bytes() for f in out.rglob('*') if f.is_file())
    assert found(out, p) != []


def test_names_in_plain_are_told(new_node):
    """What says no person keeps a name that somebody wrote into it: erasing tells where it stands, without saying it, and changes nothing there."""
    n = new_node()
    p = n.ask('POST', '/api/v1/people', body={'name': NAME}).json()['pseudonym']
    lot = {'firm': 'F', 'number': 'L-1'}
    a = n.records({'type': 'asset', 'code': f'{NAME}-press', 'kind': 'machine', 'name': f'{NAME} 프레스'}, {'type': 'lot', **lot, 'place': 'A'},
        {'type': 'event', 'id': 'e1', 'kind': 'note', 't': T, 'lot': lot, 'text': f'교대: {unicodedata.normalize("NFD", NAME)}'},
        {'type': 'event', 'id': 'e2', 'kind': 'note', 't': T, 'lot': lot, 'text': '이상 없음', 'data': {'checked': NAME}},
        {'type': 'event', 'id': 'e3', 'kind': 'note', 't': T, 'lot': lot, 'person': NAME, 'text': f'{NAME} 점검'},
        {'type': 'event', 'id': 'e4', 'kind': 'note', 't': T, 'lot': lot, 'text': OTHER})
    assert a.status == 200, a
    assert n.ask('POST', '/api/v1/imports', body='t,v\n2026-01-01 00:00,1\n', params={'name': f'{NAME}.csv'}, headers={'Content-Type': 'application/octet-stream'}).status == 201
    e = erase(n, p)['erasure']
    got = {(x['object'], x['key'], x['field']) for x in e['found']}
    assert e['searched'] is True and {('event', 'e1', 'text'), ('event', 'e2', 'data')} <= got, e
    assert not any(k in ('e3', 'e4') for _, k, _ in got), got
    assert {(o, f) for o, _, f in got} >= {('asset', 'code'), ('asset', 'name'), ('import', 'file'), ('blob', 'name')}, got
    assert NAME not in json.dumps(e, ensure_ascii=False) and n.get_json(f'/api/v1/people/{p}')['erasure'] == e
    assert {x['ref']: x['text'] for x in n.items('/api/v1/events')}['e4'] == OTHER
    # Nobody's text: nothing is found.
    o = n.ask('POST', '/api/v1/people', body={'name': '연개소문'}).json()['pseudonym']
    e = erase(n, o)['erasure']
    assert e['searched'] is True and e['found'] == [], e


JPEG = b'\xff\xd8\xff\xe0\x00\x10JFIF'


def give(n, p, body, media='image/jpeg', name=None, **more):
    return n.ask('POST', f'/api/v1/people/{p}/files', body=body, params={'name': name} if name else None, headers={'Content-Type': media, **more})


def test_pictures_under_a_key(new_node, tmp_path):
    """A picture of a person stands in no file as it is, nor does its digest or name; erased, it opens nowhere."""
    n = new_node()
    p, o = (n.ask('POST', '/api/v1/people', body={'name': x}).json()['pseudonym'] for x in (NAME, OTHER))
    marker = b'face-of-a-person-' * 40
    big = JPEG + marker + os.urandom(2_500_000) + marker
    small = b'%PDF-1.7\n' + marker
    a = give(n, p, big, name=f'{NAME} 안전교육.jpg')
    assert a.status == 201 and a.headers['Location'] == f"/api/v1/people/{p}/files/{a.json()['file']}", a
    f = a.json()['file']
    g = give(n, o, small, 'application/pdf; x=1', name='증명서.pdf').json()['file']
    # What is not what it says, nobody's, empty, of another type, is not taken, and leaves nothing.
    give(n, p, b'GIF89a' + marker, 'image/jpeg').problem(400, 'store_file_type')
    give(n, p, b'', 'image/jpeg').problem(400, 'store_file_type')
    give(n, p, big, 'text/html').problem(415, 'api_body_type')
    give(n, 'P-0000', big).problem(404, 'store_person_missing')
    give(n, p, big, name='x' * 300).problem(400, 'store_text')
    kept = lambda: sorted(x for x in (n.folder / 'blobs').rglob('*') if x.is_file())
    assert len(kept()) == 2, kept()
    listed = n.get_json(f'/api/v1/people/{p}/files')
    assert listed['erased'] is None and [(x['file'], x['name'], x['media'], x['size'], x['who']) for x in listed['items']] == [
        (f, f'{NAME} 안전교육.jpg', 'image/jpeg', len(big), 'local')], listed
    got = n.ask('GET', f'/api/v1/people/{p}/files/{f}')
    assert got.status == 200 and got.body == big and got.headers['Content-Type'] == 'image/jpeg' and got.headers['Cache-Control'] == 'no-store'
    assert got.headers['X-Content-Type-Options'] == 'nosniff' and urllib.parse.quote(NAME) in got.headers['Content-Disposition']
    assert n.ask('GET', f'/api/v1/people/{o}/files/{g}').body == small
    n.get(f'/api/v1/people/{o}/files/{f}').problem(404, 'store_file_missing')
    n.get(f'/api/v1/people/{p}/files/nonsense').problem(404, 'store_file_missing')
    # Neither the bytes nor their digest stand in folder or backup; an export leaves the ciphertext at home.
    digest = hashlib.sha256(big).digest()
    plain = lambda root: [str(x) for x in (root.rglob('*') if root.is_dir() else [root]) if x.is_file() and any(b in x.read_bytes() for b in (
        marker[:34], digest, digest.hex().encode(), hashlib.sha256(small).digest()))]
    target = tmp_path / 't'
    assert moru('backup', n.folder, target).returncode == 0
    assert moru('export', n.folder, tmp_path / 'out.zip').returncode == 0
    out = zipfile.ZipFile(tmp_path / 'out.zip')
    assert [x for x in out.namelist() if x.startswith('blobs/')] == [] and f not in out.read('blobs.csv').decode()
    assert plain(n.folder) == plain(target) == [] and found(n.folder, NAME, '증명서') == found(target, NAME, '증명서') == []
    # Removed: no list, no door, no bytes; the rest stays, also after a start.
    h = give(n, p, JPEG + b'to be removed', name='x.jpg').json()['file']
    assert len(kept()) == 3 and n.ask('DELETE', f'/api/v1/people/{p}/files/{h}').status == 204 and len(kept()) == 2
    n.ask('DELETE', f'/api/v1/people/{p}/files/{h}').problem(404, 'store_file_missing')
    n.get(f'/api/v1/people/{p}/files/{h}').problem(404, 'store_file_missing')
    done = [(x['what'], x['target']) for x in n.items('/api/v1/audit')]
    assert ('person.file', p) in done and ('person.file.remove', p) in done
    e = erase(n, p)['erasure']
    assert e['destroyed'][:4] == ['key', 'name', 'texts', 'files'] and e['files'] == 1, e
    listed = n.get_json(f'/api/v1/people/{p}/files')
    assert listed['erased'] == e['done'] and [(x['file'], x['name']) for x in listed['items']] == [(f, None)], listed
    n.get(f'/api/v1/people/{p}/files/{f}').problem(404, 'store_file_missing')
    give(n, p, big).problem(400, 'store_person_keyless')
    assert n.ask('GET', f'/api/v1/people/{o}/files/{g}').body == small
    n.stop()
    assert plain(n.folder) == plain(target) == plain(n.log) == [] and moru('check', n.folder).returncode == 0
    first = sorted(x.stem for x in (target / 'snapshots').glob('*.json'))[0]
    r = Node(tmp_path / 'r')
    assert moru('restore', target, r.folder, '--as', 'move', '--snapshot', first).returncode == 0
    try:
        r.start()
        r.get(f'/api/v1/people/{p}/files/{f}').problem(404, 'store_file_missing')
        assert r.ask('GET', f'/api/v1/people/{o}/files/{g}').body == small
        assert [x['name'] for x in r.get_json(f'/api/v1/people/{p}/files')['items']] == [None]
    finally:
        r.stop()
    # A changed byte is told, not given.
    n.start()
    sealed = [x for x in kept() if g.replace('-', '') in x.read_bytes()[16:32].hex()][0]
    b = bytearray(sealed.read_bytes())
    b[-1] ^= 1
    sealed.write_bytes(b)
    n.get(f'/api/v1/people/{o}/files/{g}').problem(500, 'store_file_damaged')


def test_killed_while_erasing(new_node, tmp_path):
    """Killed at any moment of an erasure: before it was asked for durably nothing is gone, after that it goes on by itself."""
    n = new_node()
    fill(n)
    moru_target = tmp_path / 't'
    assert moru('backup', n.folder, moru_target).returncode == 0
    seen = set()
    for i in range(14):
        name = f'{NAME}{i}'
        p = n.ask('POST', '/api/v1/people', body={'name': name}).json()['pseudonym']
        done = []

        def ask():
            try:
                done.append(n.ask('POST', f'/api/v1/people/{p}/erase', body={'reason': 'r'}).status)
            except OSError:
                pass
        t = threading.Thread(target=ask)
        t.start()
        time.sleep(0.001 * i ** 1.6)
        n.kill()
        t.join()
        n.start()
        e = n.get_json(f'/api/v1/people/{p}')
        asked = e['erasure'] is not None
        assert (e['name'] is None) == asked and (not asked or e['erasure']['done']), e
        assert asked or not done, 'an answer, and nothing erased'
        seen.add(asked)
    assert True in seen
    assert person(n)  # nobody else is touched


def test_keys_are_no_piece(new_node, tmp_path):
    """With --with-keys too the target has them once, as they are now."""
    n = new_node()
    fill(n)
    p = person(n)
    keys = n.folder / 'secrets/people.keys'
    secret = keys.read_bytes()[32:64]
    n.stop()
    assert moru('backup', n.folder, tmp_path / 't', '--with-keys').returncode == 0
    assert [f.name for f in (tmp_path / 't').rglob('*') if f.is_file() and secret in f.read_bytes()] == ['people.keys']
    n.start()
    e = erase(n, p)['erasure']
    assert [bool(t['done']) for t in e['targets']] == [True]
    assert [f for f in (tmp_path / 't').rglob('*') if f.is_file() and secret in f.read_bytes()] == []
    # A damaged file of keys in the target is told, and out of the way the restore goes through without names.
    t = tmp_path / 't' / 'people.keys'
    t.write_bytes(t.read_bytes()[:-1] + b'?')
    r = moru('restore', tmp_path / 't', tmp_path / 'r', '--as', 'move')
    assert r.returncode != 0 and b'people.keys' in r.stderr, r
    t.unlink()
    assert moru('restore', tmp_path / 't', tmp_path / 'r', '--as', 'move').returncode == 0


def test_roles(new_node):
    n = new_node()
    fill(n)
    p = person(n)
    picture = give(n, p, JPEG + b'picture', name=f'{NAME}.jpg').json()['file']
    for name, role in (('kim', 'owner'), ('lee', 'production'), ('choi', 'quality'), ('han', 'operator'), ('min', 'read_only'), ('out', 'vendor')):
        r = moru('passwd', n.folder, name, '--role', role, input=b'correct-horse-9\ncorrect-horse-9\n')
        assert r.returncode == 0, r
    see = {}
    for name in ('kim', 'lee', 'choi', 'han', 'min', 'out'):
        s = n.ask('POST', '/api/v1/session', body={'name': name, 'password': 'correct-horse-9'})
        h = {'Cookie': s.headers['Set-Cookie'].split(';')[0], 'X-Moru-CSRF': s.json()['csrf']}
        see[name] = h
        people, events = n.get('/api/v1/people', headers=h), n.get('/api/v1/events', headers=h)
        if name == 'out':
            assert people.status == 403 and events.status == 403
            continue
        knows = name in ('kim', 'lee')
        assert (NAME in people.text) == knows and (NAME in events.text) == knows and (NOTE in events.text) == knows, name
        assert (NAME in n.get('/api/v1/lots/F/L-1', headers=h).text) == knows and p in people.text
        assert n.ask('POST', '/api/v1/people', body={'name': OTHER}, headers=h).status == (200 if knows else 403)
        files = n.get(f'/api/v1/people/{p}/files', headers=h)
        assert files.status == 200 and (NAME in files.text) == knows and picture in files.text
        assert n.get(f'/api/v1/people/{p}/files/{picture}', headers=h).status == (200 if knows else 403)
        assert give(n, p, JPEG + b'more of it', name='y.jpg', **h).status == (201 if knows else 403)
        if not knows:
            assert n.ask('DELETE', f'/api/v1/people/{p}/files/{picture}', headers=h).status == 403
        if name != 'kim':
            n.ask('POST', f'/api/v1/people/{p}/erase', body={'reason': 'x'}, headers=h).problem(403, 'api_not_permitted')
    a = n.ask('POST', f'/api/v1/people/{p}/erase', body={'reason': '요청'}, headers=see['kim'])
    assert a.status == 200 and a.json()['erasure']['who'] == 'kim'
    # The evidence is for everybody of the firm.
    assert n.get(f'/api/v1/people/{p}', headers=see['min']).json()['erasure']['who'] == 'kim'
    assert n.get('/api/v1/people', headers={'Moru-Partner': 'X'}).status in (401, 403)


def test_names_of_before(new_node, tmp_path):
    """A folder of the version before, with a name in plain: after the start it stands nowhere but in the copy from before, and after erasing not there either."""
    n = new_node(serve=False)
    import sqlite3
    db = n.folder / 'store.db'
    for f in n.folder.glob('store.db*'):
        f.unlink()
    src = (pathlib.Path(__file__).resolve().parents[2] / 'src/store')
    text = lambda f: ''.join(bytes(s, 'utf-8').decode('unicode_escape').encode('latin-1').decode() for s in re.findall(r'^\s*"((?:[^"\\]|\\.)*)"', (src / f).read_text(), re.M))
    c = sqlite3.connect(db)
    for i, f in enumerate(('schema.c', 'schema2.c')):
        sql = text(f).replace("CREATE VIRTUAL TABLE search USING fts5(kind UNINDEXED, key UNINDEXED, title, detail, tokenize='moru');",
            "CREATE VIRTUAL TABLE search USING fts5(kind UNINDEXED, key UNINDEXED, title, detail);")
        c.executescript(sql)
    c.executescript("PRAGMA application_id=%d; PRAGMA user_version=2; INSERT INTO meta VALUES('version',2);" % 0x4d6f7275)
    for i in range(300):
        c.execute('INSERT INTO person(uuid,code) VALUES(?,?)', (i.to_bytes(16, 'big'), f'{NAME}{i}'))
    c.execute("INSERT INTO asset(uuid,code,kind,declared) VALUES(zeroblob(16),'MLD-01','machine',1)")
    c.execute("INSERT INTO lot(uuid,firm,number,state,declared) VALUES(zeroblob(16),'F','L-1','ok',1)")
    c.execute("INSERT INTO operation(uuid,ref,machine,lot,person,start,arrival) VALUES(zeroblob(16),'op',1,1,7,1,1)")
    c.execute("INSERT INTO characteristic(uuid,ref,digest,lot,name,value,person,t,arrival) VALUES(zeroblob(16),'ch',zeroblob(32),1,'weight',1.5,8,?,1)",
        (int(__import__('datetime').datetime.fromisoformat(T).timestamp()) * 10**9,))
    c.execute("PRAGMA writable_schema=on")
    c.execute("UPDATE sqlite_schema SET sql=replace(sql,'title, detail)','title, detail, tokenize=''moru'')') WHERE name='search'")
    c.commit()
    c.close()
    assert found(db, NAME) == [str(db)]
    n.start()
    people = n.items('/api/v1/people')
    assert [x['pseudonym'] for x in people] == sorted(x['pseudonym'] for x in people), 'by pseudonym: nobody is ranked'
    assert len(people) == 300 and {x['name'] for x in people} == {f'{NAME}{i}' for i in range(300)} and all(PSEUDONYM.match(x['pseudonym']) for x in people)
    op = n.items('/api/v1/operations')[0]
    assert op['person_name'] == f'{NAME}6'
    # The digest is that of the pseudonym now: the same comes again as the same.
    same = n.records({'type': 'characteristic', 'id': 'ch', 'lot': {'firm': 'F', 'number': 'L-1'}, 'name': 'weight', 'value': 1.5, 't': T, 'person': f'{NAME}7'})
    assert same.status == 200 and same.json()['same'] == 1, same
    assert found(n.folder, NAME) == [str(n.folder / 'store.db.v2')]
    e = erase(n, op['person'])
    assert e['erasure']['destroyed'] == ['key', 'name', 'texts', 'copies'] and e['erasure']['copies'] == 1
    assert found(n.folder, NAME) == []
