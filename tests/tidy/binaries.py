"""What the built files say about the rules: symbols, state, libraries. Each check takes a Build and gives findings."""
import os
import pathlib
import re
import subprocess


def run(*args):
    return subprocess.run(args, capture_output=True, text=True, check=True).stdout


class Build:
    """The rooms' archives and the programs of a build folder, as text that a self-test can add to."""

    def __init__(self, folder):
        folder = pathlib.Path(folder)
        self.externals, self.locals, self.objects, self.undefined = [], [], [], []
        self.rooms = sorted(folder.glob("src/**/lib*.a"))
        for lib in self.rooms:
            room = lib.parent.relative_to(folder / "src").as_posix()
            member = ""
            for line in run("nm", str(lib)).splitlines():
                m = re.match(r"(.*?)([^/]+\.o):$", line)
                if m:
                    member = m[2]
                    continue
                m = re.match(r"[0-9a-f ]{16} (\w) (\S+)$", line)
                if m:
                    (self.undefined if m[1] == "U" else self.externals if m[1].isupper() else self.locals).append((room, member, m[2]))
            member = ""
            for line in run("objdump", "-t", str(lib)).splitlines():
                m = re.match(r"(\S+\.o):\s+file format", line)
                if m:
                    member = os.path.basename(m[1])
                    continue
                m = re.match(r"[0-9a-f]+ (.{7}) (\S+)\s+[0-9a-f]+ (?:\.hidden )?(\S+)$", line)
                if m and ("O" in m[1] or m[2].startswith((".tbss", ".tdata")) and m[3] != m[2]):
                    self.objects.append((room, member, m[2], m[3]))
        self.needed = {p: sorted(re.findall(r"\(NEEDED\).*\[(.+?)\]", run("readelf", "-d", str(folder / p)))) for p in PROGRAMS}
        self.defined = {p: {l.split()[-1] for l in run("nm", "--defined-only", str(folder / p)).splitlines()} for p in PROGRAMS}


def check_unique(b):
    seen, found = {}, []
    for room, member, name in b.externals:
        if name in seen and seen[name] != (room, member):
            found.append(f"src/{room}: {name} ({member}) stands in {seen[name][0]} ({seen[name][1]}) as well")
        seen[name] = (room, member)
    return found


def read_prefixes(text):
    return {l.partition(":")[0].strip(): l.partition(":")[2].split() for l in text.splitlines() if l.strip() and not l.startswith("#")}


def check_prefixes(b, tree):
    """An external symbol begins with its room's or one of its files' names, or with a listed prefix."""
    listed, found = read_prefixes(tree["tests/tidy/prefixes.txt"]), []
    owner = {}
    for room, prefixes in listed.items():
        for p in prefixes:
            if p in owner:
                found.append(f"tests/tidy/prefixes.txt: {p} belongs to {owner[p]} and {room}")
            owner[p] = room
    stems = {}
    for p in tree.sources(".c", ".h"):
        folder, name = os.path.split(p.removeprefix("src/"))
        stems.setdefault(folder.removesuffix("/priv"), set()).add(os.path.splitext(name)[0])
    for room, member, name in b.externals:
        stem = stems.get(room, set()) | {room.split("/")[-1]}
        if not any(name == s or name.startswith(s + "_") for s in stem) and not name.startswith(tuple(listed.get(room, ())) or ("\0",)):
            found.append(f"src/{room}: {name} ({member}): no name of the room or its files before it (tests/tidy/prefixes.txt)")
    return found


MUTABLE = re.compile(r"^\.(data|bss|tdata|tbss)(?!\.rel\.ro)|^\*COM\*")


def check_state(b):
    """Library code holds no state that can change: constants lie in .rodata and .data.rel.ro."""
    return [f"src/{room}: {name} ({member}) is mutable and global ({section})" for room, member, section, name in b.objects if MUTABLE.match(section)]


def check_reply(b):
    """Who calls what writes a response body: node/gate.c alone (and http itself)."""
    reply = {name for room, member, name in b.externals if room == "http" and re.search(r"\breply\.c", member)
             and name.startswith(("http_reply", "http_abort"))}
    found = [] if reply else ["src/http: reply.c defines nothing: the gate is not watched"]
    if not any(room == "http" and name == "outgoing_send" for room, _, name in b.externals):
        found.append("src/http: there is no outgoing_send: the gate for publishers is not watched")
    found += [f"src/{room}: {member} calls {name}: only node/gate_publish.c may" for room, member, name in b.undefined
              if name == "outgoing_send" and room != "http" and not member.startswith("gate_publish.c")]
    return found + [f"src/{room}: {member} calls {name}: only node/gate.c may" for room, member, name in b.undefined
                    if name in reply and room != "http" and not member.startswith("gate.c")]


# program: shared libraries it may ask for
PROGRAMS = {
    "moru": {"libcrypto", "libssl", "libsqlite3", "libevent_core-2.1", "libcurl", "libyaml-0", "libz", "libqrencode", "libm", "libc"},
    "moru-helper": {"libcrypto", "libm", "libc"},
    "moru-sim": {"libcrypto", "libm", "libc"},
}


def check_programs(b):
    """moru links the core libraries only, and nothing of the simulator; the simulator nothing of the node (they share base and os)."""
    found = []
    for p, may in PROGRAMS.items():
        for n in b.needed[p]:
            if n.split(".so")[0] not in may and not n.startswith(("ld-linux", "libasan", "libubsan", "libtsan")):
                found.append(f"{p}: asks for {n}")
    sim = {n for room, _, n in b.externals if room == "sim"}
    ours = {n for room, _, n in b.externals if room not in ("sim", "base", "os")}
    # A static function may be called the same elsewhere.
    sim -= {n for room, _, n in b.locals if room != "sim"}
    ours -= {n for room, _, n in b.locals if room in ("sim", "base", "os")}
    for p in ("moru", "moru-helper"):
        found += [f"{p}: holds the simulator's {n}" for n in sorted(sim & b.defined[p])]
    found += [f"moru-sim: holds the node's {n}" for n in sorted(ours & b.defined["moru-sim"])]
    return found
