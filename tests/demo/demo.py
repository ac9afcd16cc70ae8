#!/usr/bin/env python3
"""One run of `moru demo --check`: demo.py MORU CASE [SEED]

The check itself compares what three nodes found with what was planted. Here stands what it cannot know: that the table
changes when what is planted changes. For the perturbed cases the unperturbed truth of the same seed is the reference."""
import datetime
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

ADDRESSES_S = 30 # from the end of the build
HISTORY_S = 300  # a week of history is complete within five minutes
LATE_S = 45 * 60 # a shifted event may lie so far from where the reference has it: breaks and takt move what follows from it
ALONE = {1: {('MLD-01', 'peak_pressure'), ('MLD-01', 'cushion'), ('MLD-01', 'metering_time'), ('MCH-06', 'force'), ('MOT-06', 'insulation')},
         3: {('MLD-02', 'breakdown'), ('MCH-03', 'waiting'), ('MOT-05', 'breakdown')},
         6: {('MCH-01', ''), ('MCH-02', ''), ('MCH-03', ''), ('MCH-06', '')}}
KIND = {1: 'level_shift', 3: 'stop', 6: 'late_data'}
# case: seed (None: drawn), options, without, shifted by hours, halved
CASES = {
    'seed1': (1, [], None, {}, None),
    'seed2': (2, [], None, {}, None),
    'seed3': (3, [], None, {}, None),
    'blurred': (1163598856, [], None, {}, None), # metering time alone is dated 28 minutes late
    'fresh': (None, [], None, {}, None),
    'slow_sync': (4, ['--sync-delay', '5'], None, {}, None),
    'without1': (5, ['--without', '1', '--shift', '3', '2', '--halve', '6'], 1, {3: 2}, 6),
    'without3': (6, ['--without', '3', '--shift', '6', '-2', '--halve', '1'], 3, {6: -2}, 1),
    'without6': (7, ['--without', '6', '--shift', '1', '2', '--halve', '3'], 6, {1: 2}, 3),
}


def seconds(text):
    return datetime.datetime.fromisoformat(text.replace('Z', '+00:00')[:19] + '+00:00').timestamp()


def name(kind, evidence, asset):
    """What tells two findings of one kind apart."""
    return asset, {'level_shift': evidence.get('signal', ''), 'stop': evidence.get('kind', '')}.get(kind, '')


def found_of(found, kind):
    return {name(kind, c['evidence'], c['asset']): c for c in found['cases'] if c['kind'] == kind}


def planted_of(truth, event):
    """What must be found of the event; of a shift its way there, which stands before its way back."""
    planted = {}
    for x in (x for e in truth['events'] if e['event'] == event for x in e['expect'] if x['kind'] == KIND[event]):
        planted.setdefault(name(KIND[event], {'signal': x.get('signal', ''), 'kind': x.get('stop_kind', '')}, x.get('asset') or x['source']), x)
    return {k: x for k, x in planted.items() if k in ALONE[event]}


def first(x, *names):
    return next(seconds(x[n]) for n in names if x.get(n))


def perturbed(found, reference, without, shifts, halved):
    for event in (1, 3, 6):
        cases = {k: c for k, c in found_of(found, KIND[event]).items() if k in ALONE[event]}
        planted = planted_of(reference, event)
        assert set(planted) == ALONE[event], (event, sorted(planted))
        if event == without:
            assert not cases, f'event {event} was left out, found {sorted(cases)}'
            continue
        if event != halved:
            assert set(cases) == ALONE[event], (event, sorted(cases))
        for k, c in cases.items():
            p, e = planted[k], c['evidence']
            begin = first(e, 'from') if event == 6 else first(c, 'begin')
            apart = begin - first(p, 'begin', 'from') - 3600 * shifts.get(event, 0)
            assert abs(apart) <= LATE_S, f'{k} begins {apart:.0f} s from where it should'
            if event != halved:
                continue
            if event == 1:
                got, was = abs(e['after'] - e['before']), abs(p['after'] - p['before'])
                assert 0.3 * was <= got <= 0.75 * was or k[1] == 'insulation' and got < 0.95 * was, f'{k}: {got} for half of {was}'
            else:
                got = first(e, 'to') - begin if event == 6 else first(c, 'end') - begin
                was = first(p, 'end', 'to') - first(p, 'begin', 'from')
                assert abs(got - was / 2) <= 300, f'{k} lasts {got:.0f} s, half of {was:.0f} was planted'
    if without == 1:
        assert not found['trace'], found['trace']


def run(command):
    """Its status, all it said, and after how many seconds it printed each address."""
    begin, text, addresses = time.monotonic(), '', []
    p = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    for line in p.stdout:
        print(line, end='', flush=True)
        text += line
        if line.startswith('http://127.0.0.1:'):
            addresses.append(time.monotonic() - begin)
    return p.wait(60), text, addresses


def order(folder):
    """What was found is saved before the truth is opened. The first reading of a file is seen by its time where the mount keeps it."""
    truth, found = os.stat(folder / 'truth.json'), os.stat(folder / 'found.json')
    if truth.st_atime_ns > truth.st_mtime_ns:
        assert truth.st_atime_ns >= found.st_mtime_ns, 'the truth was opened before what was found was saved'


def polls(acks):
    """A meter that is read each ten seconds: once a minute in history, at its own pace in the last hour and in the ten minutes of life."""
    for firm, node in acks['nodes'].items():
        got, wanted = node['requests_read'][firm + '-PM'], 167 * 60 + 360 + 60
        assert abs(got - wanted) <= 30, f'{firm}-PM was read {got} times, not {wanted}'


def main():
    moru, case = sys.argv[1:3]
    seed, options, without, shifts, halved = CASES[case]
    if seed is None:
        seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.SystemRandom().randrange(1, 1 << 32)
    print(f'{case}: seed {seed}', flush=True)
    folder = pathlib.Path(tempfile.mkdtemp(prefix='moru-demo-'))
    try:
        status, text, addresses = run([moru, '--lang', 'en', 'demo', '--check', '--seed', str(seed), '--dir', str(folder / 'demo'), *options])
        assert status == 0, f'status {status}'
        assert 'MISSED' not in text and 'FALSE' not in text
        assert len(addresses) == 3 and addresses[-1] <= ADDRESSES_S, addresses
        loaded = float(text.split('loaded in ')[1].split()[0]) if 'loaded in ' in text else None
        assert loaded and loaded <= HISTORY_S, f'history took {loaded} s'
        order(folder / 'demo')
        polls(json.loads((folder / 'demo' / 'acks.json').read_bytes()))
        if not (without or shifts or halved):
            return
        truth = json.loads((folder / 'demo' / 'truth.json').read_bytes())
        found = json.loads((folder / 'demo' / 'found.json').read_bytes())
        reference = subprocess.run([os.path.join(os.path.dirname(moru), 'moru-sim'), '--print-truth', '--seed', str(seed), '--t0', truth['t0']],
                                   capture_output=True, text=True, check=True).stdout
        perturbed(found, json.loads(reference), without, shifts, halved)
    finally:
        shutil.rmtree(folder)


main()
