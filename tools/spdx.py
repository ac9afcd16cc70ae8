"""What the programs are made of, as SPDX 2.3 JSON: spdx.py PROGRAM... [--lock package-lock.json] > moru.spdx.json

Shared libraries come from the programs' own dynamic sections, their versions from Debian's package database, what is bundled into the
page from the lock file, licences from NOTICE, in which a new library is missing until somebody has written it there."""
import argparse
import datetime
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
VERSION = re.compile(r"version: '([^']+)'")
# Name of the shared object, up to its version -> name in NOTICE, licence as SPDX writes it.
LIBRARIES = {
    'libcrypto': ('OpenSSL', 'Apache-2.0'),
    'libssl': ('OpenSSL', 'Apache-2.0'),
    'libsqlite3': ('SQLite', 'blessing'),
    'libevent_core-2.1': ('libevent', 'BSD-3-Clause'),
    'libevent_openssl-2.1': ('libevent', 'BSD-3-Clause'),
    'libcurl': ('curl', 'curl'),
    'libyaml-0': ('libyaml', 'MIT'),
    'libz': ('zlib', 'Zlib'),
    'libqrencode': ('libqrencode', 'LGPL-2.1-or-later'),
    'libc': ('GNU C library', 'LGPL-2.1-or-later'),
    'libm': ('GNU C library', 'LGPL-2.1-or-later'),
}
BUNDLED = {'preact': 'MIT', 'uplot': 'MIT'}


def run(*args):
    return subprocess.run(args, check=True, capture_output=True, text=True, env={**os.environ, 'LC_ALL': 'C'}).stdout


def needed(program):
    return re.findall(r'\(NEEDED\).*\[(.+)\]', run('readelf', '-d', program))


def found_at(program):
    """Shared object -> path, as the loader finds it."""
    return dict(re.findall(r'^\s*(\S+) => (/\S+)', run('ldd', program), re.M))


def debian(path):
    """Package and version that own a file; merged /usr means that the database may know it under /lib."""
    real = os.path.realpath(path)
    for p in (path, real, re.sub('^/usr', '', real), '/usr' + real):
        r = subprocess.run(['dpkg-query', '-S', p], capture_output=True, text=True)
        if r.returncode == 0:
            package = r.stdout.split(': ')[0].split(',')[0]
            return package.split(':')[0], run('dpkg-query', '-W', '-f', '${Version}', package)
    raise SystemExit(f'{path}: no Debian package owns it')


def package(name, version, licence, purl, notice):
    return {'SPDXID': 'SPDXRef-' + re.sub(r'[^A-Za-z0-9.]', '-', name), 'name': name, 'versionInfo': version, 'downloadLocation': 'NOASSERTION',
            'filesAnalyzed': False, 'licenseConcluded': licence, 'licenseDeclared': licence, 'copyrightText': 'NOASSERTION', 'comment': notice,
            'externalRefs': [{'referenceCategory': 'PACKAGE-MANAGER', 'referenceType': 'purl', 'referenceLocator': purl}]}


def main():
    a = argparse.ArgumentParser(description=__doc__)
    a.add_argument('programs', nargs='+')
    a.add_argument('--lock', default=str(ROOT / 'src/ui/package-lock.json'))
    o = a.parse_args()
    notice = (ROOT / 'NOTICE').read_text()
    version = VERSION.search((ROOT / 'meson.build').read_text())[1]
    parts = {}
    for program in o.programs:
        where = found_at(program)
        for so in needed(program):
            stem = so.split('.so')[0]
            if stem not in LIBRARIES:
                raise SystemExit(f'{program} links {so}, which tools/spdx.py and NOTICE do not know')
            title, licence = LIBRARIES[stem]
            if title not in notice:
                raise SystemExit(f'{title} is missing in NOTICE')
            name, of = debian(where[so])
            parts[name] = package(name, of, licence, f'pkg:deb/debian/{name}@{of}', title)
    lock = json.loads(pathlib.Path(o.lock).read_text())['packages']
    for name, licence in BUNDLED.items():
        of = lock[f'node_modules/{name}']['version']
        parts[name] = package(name, of, licence, f'pkg:npm/{name}@{of}', 'bundled into the page')
    moru = package('moru', version, 'Apache-2.0', f'pkg:generic/moru@{version}', 'the programs')
    listed = [moru] + [parts[k] for k in sorted(parts)]
    digest = hashlib.sha256(json.dumps(listed, sort_keys=True).encode()).hexdigest()
    when = datetime.datetime.fromtimestamp(int(os.environ.get('SOURCE_DATE_EPOCH') or datetime.datetime.now().timestamp()), datetime.timezone.utc)
    json.dump({'spdxVersion': 'SPDX-2.3', 'dataLicense': 'CC0-1.0', 'SPDXID': 'SPDXRef-DOCUMENT', 'name': f'moru-{version}',
               'documentNamespace': f'urn:sha256:{digest}', 'creationInfo': {'created': when.strftime('%Y-%m-%dT%H:%M:%SZ'), 'creators': ['Tool: tools/spdx.py']},
               'packages': listed,
               'relationships': [{'spdxElementId': 'SPDXRef-DOCUMENT', 'relationshipType': 'DESCRIBES', 'relatedSpdxElement': moru['SPDXID']}] +
               [{'spdxElementId': moru['SPDXID'], 'relationshipType': 'DEPENDS_ON', 'relatedSpdxElement': p['SPDXID']} for p in listed[1:]]},
              sys.stdout, indent=1, ensure_ascii=False)
    print()


main()
