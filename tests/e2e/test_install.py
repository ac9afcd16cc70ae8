"""What `make install` and `make deb` put where; the unit by systemd's own judgement; its command line as an ordinary user under its system call filter."""
import configparser
import contextlib
import json
import os
import pathlib
import platform
import pwd
import re
import resource
import signal
import socket
import subprocess
import time

import pytest

import seccomp
from conftest import MORU, READY, ROOT, SANITIZER

BUILD = pathlib.Path(MORU).resolve().parent
SANITIZED = any(w in pathlib.Path(MORU).read_bytes() for w in (b'__asan_init', b'__tsan_init'))
VERSION = re.search(r"version: '([\d.]+)'", (ROOT / 'meson.build').read_text())[1]


def call(*args, **kw):
    r = subprocess.run(list(map(str, args)), capture_output=True, text=True, timeout=120, **kw)
    assert r.returncode == 0, (args, r.stdout[-2000:], r.stderr[-2000:])
    return r.stdout


@pytest.fixture(scope='module')
def installed(tmp_path_factory):
    """(DESTDIR, the prefix below it)"""
    root = tmp_path_factory.mktemp('install')
    call('meson', 'install', '-C', BUILD, '--no-rebuild', '--quiet', '--destdir', root)
    options = {o['name']: o['value'] for o in json.loads(call('meson', 'introspect', '--buildoptions', BUILD))}
    return root, root / options['prefix'].lstrip('/')


def unit_of(prefix):
    u = configparser.RawConfigParser(strict=False, delimiters='=', comment_prefixes='#', dict_type=dict)
    u.optionxform = str
    text = (prefix / 'lib/systemd/system/moru.service').read_text()
    u.read_string(re.sub(r'(?m)^SystemCallFilter=.*\n', '', text))
    return u, re.findall(r'(?m)^SystemCallFilter=(.*)$', text), text


def test_what_is_installed(installed):
    root, prefix = installed
    files = {p.relative_to(prefix).as_posix() for p in prefix.rglob('*') if p.is_file()}
    programs = {f for f in files if f.startswith('bin/')}
    assert programs == {'bin/moru', 'bin/moru-helper'}
    for f in ('lib/systemd/system/moru.service', 'lib/sysusers.d/moru.conf', 'share/doc/moru/LICENSE', 'share/doc/moru/NOTICE', 'share/doc/moru/README.md',
              'share/doc/moru/README.ko.md', 'share/doc/moru/docs/metrics.md', 'share/doc/moru/docs/dashboards/moru.json', 'share/doc/moru/docs/formats/series.md'):
        assert f in files, f
    assert {f.split('/')[0] for f in files} == {'bin', 'lib', 'share'}
    assert not [p for p in root.rglob('*') if p.is_file() and prefix not in p.parents]
    assert call(prefix / 'bin/moru', '--version').strip() == f'moru {VERSION}'
    # Links of the installed README lead to something that is installed.
    doc = prefix / 'share/doc/moru'
    for to in re.findall(r'\]\((?!https?:|docs/screens)([^)#]+)', (doc / 'README.md').read_text()):
        assert (doc / to).exists(), to


def test_the_unit_by_systemds_own_judgement(installed, tmp_path):
    _, prefix = installed
    u, _, text = unit_of(prefix)
    line = u['Service']['ExecStart']
    assert line == f"/{prefix.relative_to(installed[0])}/bin/moru serve /var/lib/moru"
    mine = tmp_path / 'moru.service'
    mine.write_text(text.replace(line, f'{prefix}/bin/moru serve /var/lib/moru'))
    r = subprocess.run(['systemd-analyze', 'verify', '--man=no', str(mine)], capture_output=True, text=True, timeout=30)
    assert r.returncode == 0 and not [l for l in (r.stdout + r.stderr).splitlines() if 'moru' in l], r.stdout + r.stderr
    said = call('systemd-analyze', 'security', '--offline=true', '--no-pager', mine)
    level = float(re.search(r'Overall exposure level for moru.service: ([\d.]+)', said)[1])
    assert level <= 2.0, said
    assert re.fullmatch(r'u moru - "[^"]+" /var/lib/moru\n', (prefix / 'lib/sysusers.d/moru.conf').read_text())


def others_may_pass(path):
    for p in [path, *path.parents]:
        if p != pathlib.Path('/tmp') and p.stat().st_uid == os.getuid() and not p.stat().st_mode & 0o001:
            p.chmod(p.stat().st_mode | 0o011)


def nice_of_threads(pid):
    task = pathlib.Path(f'/proc/{pid}/task')
    return {(t / 'comm').read_text().strip(): int((t / 'stat').read_text().rsplit(')', 1)[1].split()[16]) for t in task.iterdir()}


def test_its_command_line_as_an_ordinary_user(installed, tmp_path):
    """ExecStart= with another folder, as nobody where we are root, with the unit's filter of system calls, its notifications, its stop and its reload."""
    _, prefix = installed
    u, filters, _ = unit_of(prefix)
    s = u['Service']
    assert s['Type'] == 'notify' and s['ExecReload'].endswith('kill -HUP $MAINPID') and s['User'] == 'moru' and 'KillSignal' not in s
    root = os.getuid() == 0
    who = {'user': pwd.getpwnam('nobody').pw_uid, 'group': pwd.getpwnam('nobody').pw_gid, 'extra_groups': []} if root else {}
    home = tmp_path / 'var'
    home.mkdir()
    if root:
        os.chown(home, who['user'], who['group'])
        others_may_pass(home)
        others_may_pass(prefix / 'bin')
    argv = s['ExecStart'].split()
    argv[0] = str(prefix / 'bin/moru')
    argv[argv.index('/var/lib/moru')] = str(home / 'moru')
    call(argv[0], 'init', home / 'moru', '--port', 1, **who)
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notify.bind(str(home / 'notify'))
    notify.settimeout(20)
    if root:
        os.chown(home / 'notify', who['user'], who['group'])
    nice = 20 - int(s['LimitNICE'])
    with contextlib.suppress(ValueError):  # not everybody may raise it
        resource.setrlimit(resource.RLIMIT_NICE, (nice, nice))
    urgent = -5 if resource.getrlimit(resource.RLIMIT_NICE)[0] >= nice else 0
    # A sanitizer makes calls of its own.
    hold = seccomp.installer(seccomp.allowed(filters)) if platform.machine() == 'x86_64' and not SANITIZED else None
    with open(tmp_path / 'log', 'wb') as log:
        p = subprocess.Popen([*argv, '--listen', '127.0.0.1:0'], stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=hold,
            env={'PATH': '/usr/bin', 'LANG': 'C.UTF-8', 'NOTIFY_SOCKET': str(home / 'notify'), 'WATCHDOG_USEC': str(4_000_000)}, **who)
    try:
        assert notify.recv(100) == b'READY=1'
        port = int(READY.search((tmp_path / 'log').read_bytes())[2])
        n = http(port)
        assert n('POST', '/write?db=x', b'm,asset=A v=1')[0] == 204
        (home / 'moru/inbox/t.csv').write_text('t,v\n2026-11-20 08:00:00,1\n')
        status, body = n('GET', '/api/v1/node')
        assert status == 200 and json.loads(body)['crash'] is None
        ranks = nice_of_threads(p.pid)
        own = os.getpriority(os.PRIO_PROCESS, 0)
        expected = (5, 0, urgent) if own == 0 else (own, own, own)
        assert (ranks['worker'], ranks['log'], ranks['moru']) == expected, ranks
        status, body = n('POST', '/api/v1/sql', b'SELECT count(*) FROM series', 'application/sql')
        assert status == 200, body
        end = time.monotonic() + 20
        while not (home / 'moru/inbox/done/t.csv').exists():
            assert time.monotonic() < end, (tmp_path / 'log').read_text()
            time.sleep(0.05)
        os.kill(p.pid, signal.SIGHUP)
        got = set()
        while 'RELOADING' not in got:
            got.add(notify.recv(100).decode().split('=')[0])
        assert notify.recv(100) in (b'READY=1', b'WATCHDOG=1')
        text = (tmp_path / 'log').read_text()
        assert ' error ' not in text and not SANITIZER.search(text), text
    finally:
        p.send_signal(signal.SIGTERM)
        assert p.wait(30) == 0, (tmp_path / 'log').read_text()
    assert (home / 'moru/format').exists() and not (home / 'moru/run/crash').exists()


def http(port):
    import http.client

    def ask(method, path, body=None, kind='text/plain'):
        c = http.client.HTTPConnection('127.0.0.1', port, timeout=20)
        c.request(method, path, body=body, headers={'Content-Type': kind} if body else {})
        r = c.getresponse()
        out = r.status, r.read()
        c.close()
        return out
    return ask


def test_the_filter_of_this_test_bites():
    """Else the one above would prove nothing: a call that is not listed gives EPERM."""
    hold = seccomp.installer(seccomp.allowed(['@system-service', '~@privileged @resources']))
    r = subprocess.run(['nice', '-n', '1', 'true'], preexec_fn=hold, capture_output=True, text=True, env={'PATH': '/usr/bin:/bin', 'LC_ALL': 'C'})
    assert 'Operation not permitted' in r.stderr, r.stderr


# ---- the package ----

@pytest.fixture(scope='module')
def package(tmp_path_factory):
    """(its file, that of the symbols, the folder it was unpacked into)"""
    out = tmp_path_factory.mktemp('deb')
    call(ROOT / 'tools/deb.sh', BUILD, out, env={**os.environ, 'DEB_PACK': '-Zgzip -z1'})
    deb, = out.glob('moru_*.deb')
    symbols, = out.glob('moru-dbgsym_*.deb')
    call('dpkg-deb', '-R', deb, out / 'x')
    return deb, symbols, out / 'x'


def field(deb, name):
    return call('dpkg-deb', '-f', deb, name).strip()


def test_the_package_says_what_it_is(package):
    deb, symbols, x = package
    assert field(deb, 'Package') == 'moru' and field(deb, 'Version') == VERSION and field(deb, 'Architecture') == call('dpkg', '--print-architecture').strip()
    assert field(deb, 'Description') and field(deb, 'Maintainer') and int(field(deb, 'Installed-Size')) > 500
    depends = field(deb, 'Depends')
    for library in ('libc6 (>= ', 'libssl3', 'libevent-core-2.1-7', 'libcurl4', 'libsqlite3-0', 'libyaml-0-2', 'zlib1g'):
        assert library in depends, depends
    assert field(symbols, 'Depends') == f'moru (= {VERSION})'
    for script in ('postinst', 'prerm', 'postrm'):
        f = x / 'DEBIAN' / script
        assert f.stat().st_mode & 0o777 == 0o755 and f.read_text().startswith('#!/bin/sh\n')
        call('sh', '-n', f)
    # dpkg looks at these at every `dpkg --verify`.
    call('md5sum', '--quiet', '-c', x / 'DEBIAN/md5sums', cwd=x)
    # Nothing asks anybody anything.
    assert not (x / 'DEBIAN/config').exists() and not (x / 'DEBIAN/templates').exists()


def test_what_is_in_the_package(package):
    deb, symbols, x = package
    listed = [l.split(None, 5) for l in call('dpkg-deb', '-c', deb).splitlines()]
    assert {l[1] for l in listed} == {'root/root'}
    files = {l[5][2:]: l[0] for l in listed if not l[5].endswith('/')}
    assert files['usr/bin/moru'] == files['usr/bin/moru-helper'] == '-rwxr-xr-x'
    assert all(mode == '-rw-r--r--' for f, mode in files.items() if not f.startswith('usr/bin/')), files
    for f in ('usr/lib/systemd/system/moru.service', 'usr/lib/sysusers.d/moru.conf', 'usr/share/doc/moru/copyright', 'usr/share/doc/moru/changelog.gz',
              'usr/share/doc/moru/NOTICE', 'usr/share/doc/moru/README.ko.md'):
        assert f in files, f
    assert 'usr/bin/moru-sim' not in files and all(f.startswith('usr/') for f in files)
    unit = (x / 'usr/lib/systemd/system/moru.service').read_text()
    assert 'ExecStart=/usr/bin/moru serve /var/lib/moru\n' in unit and '/usr/local' not in unit
    assert call(x / 'usr/bin/moru', '--version').strip() == f'moru {VERSION}'
    # Stripped; what was taken off is in the other package, under the build id that a trace names.
    sections = call('readelf', '-SW', x / 'usr/bin/moru')
    assert '.debug_info' not in sections and '.symtab' not in sections and '.eh_frame' in sections
    build = re.search(r'Build ID: ([0-9a-f]+)', call('readelf', '-n', x / 'usr/bin/moru'))[1]
    name = f'usr/lib/debug/.build-id/{build[:2]}/{build[2:]}.debug'
    assert f'./{name}' in call('dpkg-deb', '-c', symbols)
    to = x.parent / 'symbols'
    call('dpkg-deb', '-x', symbols, to)
    main = re.search(r'(?m)^([0-9a-f]+) T main$', call('nm', to / name))[1]
    assert 'main.c:' in call('addr2line', '-e', to / name, '0x' + main)


def test_the_scripts_do_what_they_say(package, tmp_path):
    """Their commands, by stand-ins that write down how they were called: a first install, an upgrade, remove, purge."""
    _, _, x = package
    bin_ = tmp_path / 'bin'
    bin_.mkdir()
    log = tmp_path / 'calls'
    for name, status in (('getent', 2), ('useradd', 0), ('groupadd', 0), ('userdel', 0), ('groupdel', 0), ('install', 0), ('setpriv', 0), ('rm', 0),
                         ('deb-systemd-helper', 0), ('deb-systemd-invoke', 0), ('systemctl', 0)):
        f = bin_ / name
        f.write_text(f'#!/bin/sh\necho "{name} $*" >>"{log}"\nexit {status}\n')
        f.chmod(0o755)

    def run(script, *args):
        log.write_text('')
        call('/bin/sh', x / 'DEBIAN' / script, *args, env={'PATH': f'{bin_}:/usr/bin:/bin'}, stdin=subprocess.DEVNULL)
        return log.read_text()
    assert not pathlib.Path('/var/lib/moru').exists()
    first = run('postinst', 'configure', '')
    assert 'useradd --system --gid moru --home-dir /var/lib/moru --no-create-home' in first and 'install -d -o moru -g moru -m 0750 /var/lib/moru' in first
    assert 'setpriv --reuid=moru --regid=moru --init-groups /usr/bin/moru init /var/lib/moru' in first and 'deb-systemd-helper enable moru.service' in first
    assert 'rm ' not in run('prerm', 'remove') + run('postrm', 'remove') + run('prerm', 'upgrade', '9') + run('postrm', 'upgrade', '9')
    assert 'rm -rf /var/lib/moru' in run('postrm', 'purge')
