"""Plants faults and says which check is blind to its own."""
import os
import re
import subprocess
import tempfile

import binaries
import checks
from tree import Tree

planted = 0


def sees(check, was, tree, what, *args):
    """A finding that was not there before."""
    global planted
    planted += 1
    return [] if set(check(tree, *args)) - was else [f"{check.__name__}: {what}"]


def rooms(t):
    """One forbidden include for each pair of rooms, and one forbidden outside header for each room and library."""
    blind, table = [], checks.read_rooms(t)
    headers = {}
    for p in t.sources(".h"):
        room = checks.room_of(p, table)
        if room and "/priv/" not in p:
            headers.setdefault(room, p.removeprefix("src/"))
    private = {r: next(p for p in t if "/priv/" in p and p.endswith(".h") and checks.room_of(p, table) not in (r, None)) for r in table}
    t, was = Tree({"rooms.txt": t["rooms.txt"]}), set()
    for room, (inside, outside, _) in table.items():
        for other, header in headers.items():
            if other == room or other in inside or other == "driver":
                continue
            blind += sees(checks.check_rooms, was, t.plant(f"src/{room}/planted.c", f'#include "{header}"\n'), f"{room} includes {header}")
        for lib, example in (("openssl", "openssl/evp.h"), ("sqlite3", "sqlite3.h"), ("sys", "sys/socket.h"), ("pthread", "pthread.h"), ("curl", "curl/curl.h"),
                             ("event2", "event2/event.h"), ("yaml", "yaml.h"), ("zlib", "zlib.h"), ("qrencode", "qrencode.h"), ("iconv", "iconv.h"), ("simd", "immintrin.h")):
            if lib not in outside:
                blind += sees(checks.check_rooms, was, t.plant(f"src/{room}/planted.c", f"#include <{example}>\n"), f"{room} includes <{example}>")
        include = f'#include "{private[room].removeprefix("src/")}"\n'
        blind += sees(checks.check_rooms, was, t.plant(f"src/{room}/planted.c", include), f"{room}: {include}")
    blind += sees(checks.check_rooms, was, t.plant("src/nowhere/x.c", "int x;\n"), "a file in no room")
    return blind


def calls():
    t, blind, was = Tree({}), [], set()
    for name in checks.NEVER:
        blind += sees(checks.check_calls, was, t.plant("src/os/planted.c", f"void f(void)\n{{\n\tx = {name}(a, b);\n}}\n"), f"{name}() in os")
    for table in (checks.OS_ONLY, checks.NET_ONLY, checks.PROGRAM_ONLY):
        for name in table:
            blind += sees(checks.check_calls, was, t.plant("src/series/planted.c", f"void f(void)\n{{\n\t(void){name}(a, b);\n}}\n"), f"{name}() in series")
    global planted
    planted += 1
    quiet = t.plant("src/series/planted.c", '/* printf(x) */\n// exit(1)\nconst char *s = "system(\\"x\\")";\nvoid f(void) { g->open(1); h.time(0); }\n')
    if set(checks.check_calls(quiet)) - was:
        blind.append("check_calls: a comment, a string or a member is taken for a call")
    return blind


HEADER = "/* Something that is there to be looked at. */\n#ifndef MO_BASE_PLANTED_H\n#define MO_BASE_PLANTED_H\n\n%s\n#endif\n"


def run(t):
    blind = rooms(t) + calls()
    words = next(p for p in t if p.startswith("words/"))
    name = next(p for p in t if p.startswith("src/base/") and p.endswith(".c"))
    lock = next((p for p in t if p.endswith("package-lock.json")), "x/package-lock.json")
    big = t.plant(name, t[name])
    big.blobs = {**t.blobs, "tests/fuzz/base/corpus/big": 10_000_000}
    binary = t.plant(name, t[name])
    binary.blobs = {**t.blobs, "src/base/thing.bin": 10}
    row = "planted_nobody\t아무도 쓰지 않습니다.\tNobody uses it.\n"
    used = re.search(r"^(\w+)\t([^\t\n]*)\t([^\t\n]*)$", t[words], re.M)
    cases = [
        (checks.check_gate, t.plant("src/api/planted.c", '#include "http/reply.h"\n'), "api includes http/reply.h"),
        (checks.check_gate, t.plant("src/node/planted.c", '#include "http/reply.h"\n'), "another file of node includes http/reply.h"),
        (checks.check_gate, t.plant("src/node/planted.c", '#include "http/outgoing.h"\n'), "another file of node includes http/outgoing.h"),
        (checks.check_gate, t.plant("src/node/planted.c", '#include "http/client.h"\n'), "node includes http/client.h"),
        (checks.check_lengths, t.plant("src/base/planted.c", "int x;\n" * (checks.LINES_MAX + 1)), "a long file"),
        (checks.check_lengths, big, "a large binary file"),
        (checks.check_lengths, binary, "a binary file among sources"),
        (checks.check_text, t.plant("src/base/planted.c", "int x;"), "no newline at the end"),
        (checks.check_text, t.plant("src/base/planted.c", "int x; \n"), "blank at the end of a line"),
        (checks.check_text, t.plant("src/base/planted.c", "/* TO" + "DO */\n"), "unfinished work"),
        (checks.check_headers, t.plant("src/base/planted.h", (HEADER % "int x;").split("\n", 1)[1]), "a header without words"),
        (checks.check_headers, t.plant("src/base/planted.h", (HEADER % "").replace("PLANTED", "OTHER")), "another header's guard"),
        (checks.check_headers, t.plant("src/base/planted.c", "#ifdef __linux__\n#endif\n"), "an #ifdef outside os"),
        (checks.check_must_use, t.plant("src/base/planted.h", HEADER % "int planted_read(int fd);\n"), "an error nobody must look at"),
        (checks.check_dead, t.plant("src/base/planted.c", "int x;\n"), "a source in no build"),
        (checks.check_dead, t.plant("tests/unit/base/test_planted.c", "int x;\n"), "a test that is never run"),
        (checks.check_dead, t.plant("tests/fuzz/base/num2.c", "int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);\n"), "a fuzz target without inputs"),
        (checks.check_words, t.plant(words, t[words] + row), "a message nobody uses"),
        (checks.check_words, t.plant(words, t[words].replace(used[0], f"{used[1]}\t{used[2]}\t", 1)), "a message without English"),
        (checks.check_words, t.plant(words, t[words].replace(used[0], f"{used[1]}\tonly English\t{used[3]}", 1)), "a message without Korean"),
        (checks.check_words, t.plant(words, t[words].replace(used[0], f"{used[1]}\t{used[2]}{{file}}{{line}}{{column}}\t{used[3]}", 1)), "places of one language only"),
        (checks.check_words, t.plant("src/base/planted.c", "int x = MSG_PLANTED_NOWHERE;\n"), "a message that does not exist"),
        (checks.check_foreign, t.plant("src/base/planted.c", "/* made by an AI as" + "sistant */\n"), "a foreign word"),
        (checks.check_foreign, t.plant("docs/planted.md", "see /wo" + "rk/main/x\n"), "a path of this machine"),
        (checks.check_foreign, t.plant("tools/planted.sh", "cd /ro" + "ot/x\n"), "a path of somebody's home"),
        (checks.check_foreign, t.plant("src/base/planted.c", 'x("/t' + 'mp/a");\n'), "a fixed temporary path"),
        (checks.check_foreign, t.plant(lock, '{"resolved": "https://example.org/x.tgz"}\n'), "a download address"),
        (checks.check_roadmap, t.plant("docs/roadmap.md", "- [x] something great\n"), "a tick without a test"),
        (checks.check_roadmap, t.plant("docs/roadmap.md", "- [x] something (tests/unit/nothing_here)\n"), "a tick with a test that is not there"),
        (checks.check_docs, t.plant("docs/planted.md", "see [this](nowhere.md)\n"), "a link to nowhere"),
        (checks.check_notice, t.plant("src/base/meson.build", "x = dependency('libplanted')\n"), "a library that is not in NOTICE"),
        (checks.check_notice, t.plant("src/ui/package.json", '{"dependencies": {"left-pad": "1"}}\n'), "a package that is not in NOTICE"),
    ]
    was = {}
    for check, bad, what in cases:
        if check not in was:
            was[check] = set(check(t))
        blind += sees(check, was[check], bad, what)
    blind += sees(checks.check_foreign, set(checks.check_foreign(t)), t.plant("docs/planted.md", "from pkg.example.net\n"), "a registry host", {"pkg.example.net"})
    return blind


SOURCE = """int base_planted_state; static int kept; static const char *const names[] = {"a"}; static const char *current = "b";
int base_planted(int i); int http_reply_planted(void);
int base_planted(int i) { static _Thread_local int t; kept += i; t++; current = names[0]; base_planted_state++; return kept + t + current[0]; }
"""


class With:
    """A build and something more."""

    def __init__(self, b, **more):
        for k in ("externals", "locals", "objects", "undefined", "needed", "defined"):
            v = getattr(b, k)
            setattr(self, k, {**v, **more.get(k, {})} if isinstance(v, dict) else v + more.get(k, []))


def run_binaries(b, tree, build):
    blind = []
    one = b.externals[0]
    reply = next((n for room, member, n in b.externals if room == "http" and "reply.c" in member), "http_reply")
    sim = next(n for room, _, n in b.externals if room == "sim")
    store = next(n for room, _, n in b.externals if room == "store")
    for check, bad, what in [
        (binaries.check_unique, With(b, externals=[("sim", "planted.c.o", one[2])]), "a symbol of two rooms"),
        (binaries.check_reply, With(b, undefined=[("api", "planted.c.o", reply)]), "api calls http/reply.h"),
        (binaries.check_reply, With(b, undefined=[("node", "outbox.c.o", "outgoing_send")]), "the outbox sends past the gate"),
        (binaries.check_programs, With(b, needed={"moru": ["libgtk-3.so.0"]}), "another library"),
        (binaries.check_programs, With(b, defined={"moru": {sim}}), "the simulator in moru"),
        (binaries.check_programs, With(b, defined={"moru-sim": {store}}), "the store in the simulator"),
    ]:
        blind += sees(check, set(check(b)), bad, what)
    blind += sees(binaries.check_prefixes, set(binaries.check_prefixes(b, tree)), With(b, externals=[("base", "planted.c.o", "frobnicate")]), "a nameless symbol", tree)
    # Real objects, so that the reading of nm and objdump is seen to work.
    with tempfile.TemporaryDirectory() as d:
        os.makedirs(f"{d}/src/base")
        open(f"{d}/planted.c", "w").write(SOURCE)
        subprocess.run(["cc", "-fPIC", "-O0", "-c", "-o", f"{d}/planted.c.o", f"{d}/planted.c"], check=True)
        subprocess.run(["ar", "rcs", f"{d}/src/base/libbase.a", f"{d}/planted.c.o"], check=True)
        for p in binaries.PROGRAMS:
            os.symlink(os.path.abspath(os.path.join(build, p)), f"{d}/{p}")
        real = binaries.Build(d)
    global planted
    for name in ("base_planted_state", "kept", "current", "t."):
        planted += 1
        if not any(f" {name}" in x for x in binaries.check_state(real)):
            blind.append(f"check_state: {name} of a real object")
    planted += 1
    if any(" names" in x for x in binaries.check_state(real)):
        blind.append("check_state: a table of constants is taken for state")
    planted += 1
    if not any(n == "base_planted" for _, _, n in real.externals):
        blind.append("Build: a real symbol is not seen")
    return blind
