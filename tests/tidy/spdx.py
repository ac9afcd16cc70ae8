"""The list of what the programs are made of (tools/spdx.py): whole, true to this machine's packages, and refused when a library is unknown."""
import json
import pathlib
import re
import subprocess
import sys

ROOT, BUILD = map(pathlib.Path, sys.argv[1:3])
TOOL = [sys.executable, '-B', str(ROOT / 'tools/spdx.py')]
PROGRAMS = [str(BUILD / p) for p in ('moru', 'moru-helper')]


def run(*args, check=True):
    return subprocess.run(args, capture_output=True, text=True, check=check)


listed = json.loads(run(*TOOL, *PROGRAMS).stdout)
for key in ('spdxVersion', 'dataLicense', 'SPDXID', 'name', 'documentNamespace', 'creationInfo', 'packages', 'relationships'):
    assert listed[key], key  # SPDX 2.3, clause 6: what a document has to say
packages = {p['name']: p for p in listed['packages']}
assert len({p['SPDXID'] for p in packages.values()}) == len(listed['packages'])
for p in packages.values():
    assert re.fullmatch(r'SPDXRef-[A-Za-z0-9.-]+', p['SPDXID']) and p['versionInfo'] and p['licenseDeclared'] and p['downloadLocation'], p
assert {'moru', 'preact', 'uplot', 'libc6', 'libsqlite3-0', 'libcurl4', 'libyaml-0-2', 'zlib1g', 'libqrencode4'} <= set(packages), sorted(packages)
for name, p in packages.items():
    if p['externalRefs'][0]['referenceLocator'].startswith('pkg:deb/'):
        assert run('dpkg-query', '-W', '-f', '${Version}', name).stdout == p['versionInfo'], p
related = {r['relatedSpdxElement'] for r in listed['relationships'] if r['relationshipType'] == 'DEPENDS_ON'}
assert related == {p['SPDXID'] for n, p in packages.items() if n != 'moru'}

# What links a library that nobody has written down is no list.
foreign = run(*TOOL, *PROGRAMS, '/usr/bin/git', check=False)
assert foreign.returncode != 0 and 'do not know' in foreign.stderr, foreign
