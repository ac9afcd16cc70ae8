"""The system call filter of a systemd unit, for a process without systemd: what SystemCallFilter= lists, put together as systemd does, as a BPF program
(seccomp(2)) that gives EPERM for everything else. x86-64 and the numbers of <asm/unistd_64.h> (linux-libc-dev)."""
import ctypes
import pathlib
import re
import struct
import subprocess

AUDIT_ARCH_X86_64 = 0xc000003e
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
ALLOW, ERRNO_EPERM, KILL = 0x7fff0000, 0x00050001, 0x80000000
LD_W_ABS, JEQ_K, RET_K = 0x20, 0x15, 0x06


def numbers():
    for path in ('/usr/include/x86_64-linux-gnu/asm/unistd_64.h', '/usr/include/asm/unistd_64.h'):
        if pathlib.Path(path).exists():
            return {n: int(v) for n, v in re.findall(r'#define __NR_(\w+) (\d+)', pathlib.Path(path).read_text())}
    raise AssertionError('no asm/unistd_64.h: linux-libc-dev is missing')


def expand(names):
    """@sets as systemd knows them, all the way down."""
    out = set()
    for n in names:
        if not n.startswith('@'):
            out.add(n)
            continue
        text = subprocess.run(['systemd-analyze', 'syscall-filter', '--no-pager', n], capture_output=True, text=True, check=True).stdout
        out |= expand(w for w in re.findall(r'(?m)^ {4}(@?\w[\w-]*)$', text))
    return out


def allowed(lines):
    """Names allowed by the unit's SystemCallFilter= lines, in order; systemd always adds @default (systemd.exec(5))."""
    names = expand(['@default'])
    for line in lines:
        words = line.lstrip('~').split()
        names = names - expand(words) if line.startswith('~') else names | expand(words)
    return names


def program(names):
    known = numbers()
    code = [(LD_W_ABS, 0, 0, 4), (JEQ_K, 1, 0, AUDIT_ARCH_X86_64), (RET_K, 0, 0, KILL), (LD_W_ABS, 0, 0, 0)]
    for n in sorted(known[n] for n in names if n in known):
        code += [(JEQ_K, 0, 1, n), (RET_K, 0, 0, ALLOW)]
    code.append((RET_K, 0, 0, ERRNO_EPERM))
    return b''.join(struct.pack('HBBI', *c) for c in code), len(code)


def installer(names):
    """A function for subprocess's preexec_fn: from there on the filter holds, over exec too."""
    text, n = program(names)
    buffer = ctypes.create_string_buffer(text, len(text))
    prog = struct.pack('HxxxxxxQ', n, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)

    def install():
        if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 or libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.c_char_p(prog), 0, 0) != 0:
            raise OSError(ctypes.get_errno(), 'seccomp')
    install.keep = (buffer, prog)
    return install
