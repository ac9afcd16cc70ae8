"""The house's rules. A check takes the tree (tree.py) and gives a list of findings, "path:line: what and why"."""
import json
import os
import re

from tree import bare, line_of

# ---- rooms ----

C_HEADERS = {"assert", "ctype", "errno", "float", "inttypes", "limits", "math", "stdalign", "stdarg", "stdatomic", "stdbool", "stddef", "stdint",
             "stdio", "stdlib", "string", "strings"}
OUTSIDE = {
    "sys": r"(sys|netinet|arpa)/.*|netdb|poll|unistd|fcntl|dirent|signal|termios|time|malloc", "pthread": r"pthread", "iconv": r"iconv", "zlib": r"zlib",
    "sqlite3": r"sqlite3", "openssl": r"openssl/.*", "event2": r"event2/.*", "curl": r"curl/.*", "yaml": r"yaml", "simd": r"emmintrin|immintrin", "elf": r"elf|link|execinfo",
}


def read_rooms(tree):
    rooms = {}
    for n, line in enumerate(tree["rooms.txt"].splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, _, rest = line.partition(":")
        inside, _, outside = rest.partition("|")
        rooms[name.strip()] = (set(inside.split()) | {"base"}, set(outside.split()), n)
    return rooms


def room_of(path, rooms):
    """src/driver/modbus/x.c -> driver/modbus; what all drivers share (src/driver/driver.h) stands for itself."""
    parts = path.split("/")[1:-1]
    while parts and parts[-1] == "priv":
        parts.pop()
    name = "/".join(parts)
    return name if name in rooms or name == "driver" else None


INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"]+)"|<([^>]+)>)', re.M)


def check_rooms(tree):
    rooms = read_rooms(tree)
    found = []
    for name, (inside, outside, n) in rooms.items():
        for r in sorted(inside - set(rooms)):
            found.append(f"rooms.txt:{n}: {r} is no room")
        for o in sorted(outside - set(OUTSIDE)):
            found.append(f"rooms.txt:{n}: {o} is no outside library known to tests/tidy")
    for path, text in tree.sources(".c", ".h").items():
        room = room_of(path, rooms)
        if room is None:
            found.append(f"{path}: stands in no room of rooms.txt")
            continue
        inside, outside, _ = rooms.get(room, ({"base", "codec"}, set(), 0))  # driver/driver.h: base and codec
        for m in INCLUDE.finditer(text):
            where = f"{path}:{line_of(text, m.start())}"
            if m[2]:
                name = m[2].removesuffix(".h")
                if name not in C_HEADERS and not any(re.fullmatch(OUTSIDE[o], name) for o in outside if o in OUTSIDE):
                    found.append(f"{where}: <{m[2]}> is no outside header of {room} (rooms.txt)")
                continue
            if m[1] == "words.h":
                continue  # generated; the message ids of base
            other = room_of("src/" + m[1], rooms)
            if other is None:
                found.append(f'{where}: "{m[1]}" names no room')
            elif other != room:
                if "/priv/" in m[1]:
                    found.append(f'{where}: "{m[1]}" is private to {other}')
                may = other in inside or other == "driver" and (room.startswith("driver/") or any(i.startswith("driver/") for i in inside))
                if not may:
                    found.append(f"{where}: {room} may not use {other} (rooms.txt)")
    return found


def check_gate(tree):
    """http/reply.h is the way to a response body, and src/node/gate.c the only one to use it (DESIGN, the gate)."""
    return [f"{p}: http/reply.h is included by node/gate.c alone" for p, t in tree.sources(".c", ".h").items()
            if not p.startswith("src/http/") and p != "src/node/gate.c" and any(m[1] == "http/reply.h" for m in INCLUDE.finditer(t))]


# ---- calls ----

NEVER = {  # nobody, with what to use instead
    "strcpy": "span_cpy or memcpy", "strcat": "buf_add", "sprintf": "snprintf", "vsprintf": "vsnprintf", "gets": "vfs", "strtok": "span", "atoi": "base/num.h",
    "atof": "base/num.h", "atol": "base/num.h", "sscanf": "base/num.h", "scanf": "base/num.h", "strtod": "base/num.h (locale)", "strtof": "base/num.h (locale)",
    "system": "os/proc.h", "popen": "os/proc.h", "alloca": "an arena", "tmpnam": "mkdtemp", "mktemp": "mkdtemp", "localtime": "base/civil.h",
    "localtime_r": "base/civil.h", "gmtime": "base/civil.h", "gmtime_r": "base/civil.h", "mktime": "base/civil.h", "strftime": "base/civil.h",
    "setlocale": "nothing: numbers and dates do not follow a locale", "rand": "os/crypto.h or base/prng.h", "srand": "base/prng.h", "random": "base/prng.h",
    "drand48": "base/prng.h", "signal": "os/signals.h", "setenv": "nothing", "putenv": "nothing",
}
OS_ONLY = {  # src/os alone: a test replays or breaks them there
    "time": "os/clock.h", "gettimeofday": "os/clock.h", "clock_gettime": "os/clock.h", "sleep": "os/clock.h", "usleep": "os/clock.h", "nanosleep": "os/clock.h",
    "clock_nanosleep": "os/clock.h", "open": "os/vfs.h", "openat": "os/vfs.h", "fopen": "os/vfs.h", "fdopen": "os/vfs.h", "unlink": "os/vfs.h", "rename": "os/vfs.h",
    "mkdir": "os/vfs.h", "opendir": "os/vfs.h", "stat": "os/vfs.h", "fsync": "os/vfs.h", "fdatasync": "os/vfs.h", "pread": "os/vfs.h", "pwrite": "os/vfs.h",
    "getrandom": "os/crypto.h", "fork": "os/proc.h", "vfork": "os/proc.h", "execv": "os/proc.h", "execve": "os/proc.h", "execvp": "os/proc.h", "posix_spawn": "os/proc.h",
    "waitpid": "os/proc.h", "pthread_create": "os/thread.h", "sigaction": "os/signals.h", "strerror": "os/priv (thread-unsafe)", "mmap": "os/vfs.h",
}
NET_ONLY = {"socket": "http", "accept": "http", "accept4": "http", "bind": "http", "listen": "http", "connect": "http", "getaddrinfo": "http"}
PROGRAM_ONLY = {  # cmd, and the mains of the two other programs
    "printf": "print", "vprintf": "print", "fprintf": "print", "vfprintf": "print", "puts": "print", "fputs": "print", "fputc": "print", "putc": "print",
    "putchar": "print", "fwrite": "print", "perror": "print", "exit": "exit", "_exit": "exit", "abort": "exit", "quick_exit": "exit", "getenv": "read the environment",
    "secure_getenv": "read the environment",
}
CALL = re.compile(r"(?<![\w.>])([a-z_][a-z0-9_]*)\s*\(")
# What is right where it stands, each with its reason.
ALLOWED = {
    ("src/http/listen.c", "unlink"): "a socket's name is no file of the vfs",
    ("src/os/", "_exit"): "the child after a fork that could not start its program; the end of a handler of SIGSEGV",
    ("src/sim/main.c", "sigaction"): "a program of its own; it links os for its sockets only",
    ("src/cmd/", "sigaction"): "programs own their signals", ("src/cmd/", "waitpid"): "demo starts its nodes", ("src/cmd/", "fork"): "demo starts its nodes",
    ("src/cmd/", "execv"): "demo starts its nodes",
}


def allowed(path, name):
    return any(path.startswith(p) and name == n for p, n in ALLOWED)


def is_program(path):
    return path.startswith("src/cmd/") or path in ("src/sim/main.c", "src/helper/main.c")


def check_calls(tree):
    found = []
    for path, text in tree.sources(".c", ".h").items():
        code = bare(text)
        own = set(re.findall(r"^static [^;={]*?\b(\w+)\(", code, re.M))  # its own function of such a name
        for m in CALL.finditer(code):
            name, why = m[1], None
            if name in own:
                continue
            if name in NEVER:
                why = f"use {NEVER[name]}"
            elif name in OS_ONLY and not path.startswith("src/os/"):
                why = f"only by {OS_ONLY[name]}"
            elif name in NET_ONLY and not path.startswith(("src/os/", "src/http/")):
                why = "sockets are src/os's and src/http's"
            elif name in PROGRAM_ONLY and not is_program(path):
                why = f"only a program may {PROGRAM_ONLY[name]}"
            # A declaration is no call: a type stands before it.
            if why and not allowed(path, name) and not re.search(r"(?:\b(?:int|void|bool|char|unsigned|double)|\*)\s*$", code[max(0, m.start() - 20):m.start()]):
                found.append(f"{path}:{line_of(code, m.start())}: {name}(): {why}")
    return found


# ---- files ----

LINES_MAX = 820  # "about 800"
BLOB_MAX = 400_000
FOR_BYTES = ("tests/fixtures/", "docs/shots/", "tests/ui/shots/")  # where binary files may stand; and fuzz corpora


def check_lengths(tree):
    found = [f"{p}: {t.count(chr(10))} lines, more than {LINES_MAX}: two ideas" for p, t in tree.items()
             if p.endswith((".c", ".h", ".py", ".ts", ".tsx", ".mjs", ".sh")) and t.count("\n") > LINES_MAX]
    for p, size in tree.blobs.items():
        if size > BLOB_MAX:
            found.append(f"{p}: {size} bytes, more than {BLOB_MAX}")
        if not p.startswith(FOR_BYTES) and "/corpus/" not in p and not p.endswith((".png", ".ico", ".woff2")):
            found.append(f"{p}: binary where none belongs")
    return found


def check_text(tree):
    found = []
    for p, t in tree.items():
        if "/corpus/" in p or p.startswith("tests/fixtures/") or p.endswith((".csv", ".lock")):
            continue
        if t and not t.endswith("\n"):
            found.append(f"{p}: no newline at its end")
        for n, l in enumerate(t.split("\n"), 1):
            if l.endswith((" ", "\t", "\r")) and not p.endswith(".md"):
                found.append(f"{p}:{n}: white space at the end of the line")
            if re.search(r"\b(TODO|FIXME|HACK)\b", l) and not p.startswith("tests/tidy/"):
                found.append(f"{p}:{n}: unfinished work is an issue, not a comment")
    return found


IFDEF = re.compile(r"^[ \t]*#[ \t]*(if|ifdef|ifndef|elif)\b[ \t]*([^\n]*)", re.M)
IFDEF_OK = re.compile(r"__x86_64__|__SSE2__|__AVX2__|__clang__|__has_feature|__SANITIZE_\w+|__GNUC__|__cplusplus|__BYTE_ORDER__|__STDC_VERSION__|HELPER_LIMITED")


def check_headers(tree):
    """A header opens with words on what it is for, then a guard named after it; no #ifdef forest outside src/os."""
    found = []
    for p, t in tree.sources(".h").items():
        if not re.match(r"/\*.{20,}?\*/", t, re.S):
            found.append(f"{p}:1: a header opens with what it is for")
        want = "MO_" + re.sub(r"[/.]", "_", p.removeprefix("src/")).upper().removesuffix("_H") + "_H"
        short = re.sub(r"([A-Z]+)_\1_H$", r"\1_H", want)  # driver/modbus/modbus.h
        m = re.search(r"^#ifndef (\w+)\n#define (\w+)$", t, re.M)
        if not m or m[1] != m[2]:
            found.append(f"{p}: no include guard")
        elif m[1] != want and m[1] not in (want.replace("_PRIV", ""), short):
            found.append(f"{p}: guard {m[1]}, expected {want}")
    for p, t in tree.sources(".c", ".h").items():
        if p.startswith("src/os/"):
            continue
        for m in IFDEF.finditer(t):
            if not IFDEF_OK.search(m[2]) and not re.fullmatch(r"MO_\w+_H", m[2].strip()):
                found.append(f"{p}:{line_of(t, m.start())}: #{m[1]} {m[2]}: code of one operating system sits in src/os")
    return found


RETURNS = re.compile(r"^(?:extern )?int [a-z_0-9]+\([^;{]*\);", re.M)
NO_ERROR = re.compile(r"_(cmp|fd|port|fired|compare)\(|\bcmd_|diag_\w+\(|utf8_\w+\(|\bserve_run\(|\bsignal_decimals\(")


def check_must_use(tree):
    """An int from a public header is an error code (base/err.h) unless the comment beside it says otherwise."""
    found = []
    for p, t in tree.sources(".h").items():
        if "/priv/" in p:
            continue
        code = t
        for m in RETURNS.finditer(code):
            line = code.count("\n", 0, m.start())
            around = code.splitlines()[line]
            if "/*" not in around and not NO_ERROR.search(m[0]) and "MO_MUST_USE" not in code[max(0, m.start() - 60):m.start()].split("\n")[-1]:
                found.append(f"{p}:{line + 1}: {m[0].split('(')[0]}() gives an int and is not MO_MUST_USE")
    return found


def check_dead(tree):
    """Each C file is named in a meson.build; each fuzz target has inputs to replay; each test program is run."""
    found = []
    builds = {os.path.dirname(p): t for p, t in tree.items() if os.path.basename(p) == "meson.build"}
    for p in tree:
        if not p.endswith(".c") or not p.startswith(("src/", "tests/", "bench/")):
            continue
        folder, name = os.path.split(p)
        stem = name.removesuffix(".c")
        words = {stem, name, re.sub(r"^(test|prop|fault|fuzz|bench)_", "", stem)}
        text, at = "", folder
        while at:
            text += builds.get(at, "")
            at = os.path.dirname(at)
        text += builds.get("", "")
        if not any(re.search(rf"['/]{re.escape(w)}'", text) for w in words) and not re.search(rf"['/]{re.escape(name)}'", builds.get(f"{folder}/{os.path.basename(folder)}", "") + "".join(b for d, b in builds.items() if d.startswith(folder + "/"))):
            found.append(f"{p}: in no meson.build")
        if p.startswith("tests/fuzz/") and "LLVMFuzzerTestOneInput(const" in tree[p] and name != "replay.c":
            corpus = f"{folder}/corpus/{stem}/"
            if not any(q.startswith(corpus) for q in list(tree) + list(tree.blobs)):
                found.append(f"{p}: no inputs in {corpus}")
    return found


# ---- words ----

PLACEHOLDER = re.compile(r"\{([a-z]+|[0-3])(?:\|[^}]+)?\}")
HANGUL = re.compile(r"[가-힣]")


def check_words(tree):
    """Both languages, none unused, the same places in both."""
    found, ids = [], {}
    code = "\n".join(bare(t) for t in tree.sources(".c", ".h").values())
    used = set(re.findall(r"\bMSG_([A-Z0-9_]+)", code))
    for p, t in tree.items():
        if not re.fullmatch(r"words/\w+\.tsv", p):
            continue
        for n, line in enumerate(t.splitlines(), 1):
            if not line.strip() or line.startswith("#"):
                continue
            cells, where = line.split("\t"), f"{p}:{n}"
            if len(cells) != 3:
                found.append(f"{where}: expected id<TAB>Korean<TAB>English")
                continue
            key, ko, en = cells
            if key in ids:
                found.append(f"{where}: {key} stands already at {ids[key]}")
            ids[key] = where
            if key.upper() not in used:
                found.append(f"{where}: {key} is used nowhere")
            if not ko.strip() or not en.strip() or HANGUL.search(en) or not HANGUL.search(ko):
                found.append(f"{where}: {key} is not in both languages")
            if set(PLACEHOLDER.findall(ko)) != set(PLACEHOLDER.findall(en)):
                found.append(f"{where}: {key}: Korean and English hold different places")
    known = {i.upper() for i in ids} | {"NONE", "COUNT"}
    for p, t in tree.sources(".c", ".h").items():
        code = bare(t)
        for m in re.finditer(r"\bMSG_([A-Z0-9_]+)", code):
            if m[1] not in known | {"NOSIGNAL", "DONTWAIT", "PEEK"}:  # of <sys/socket.h>
                found.append(f"{p}:{line_of(code, m.start())}: MSG_{m[1]} stands in no words/*.tsv")
    return found


# ---- what belongs to nobody else's machine ----

# Put together from halves, so that this file holds none of them.
FORBIDDEN = ["as" + "sistant", "cla" + "ude", "anthro" + "pic", "chat" + "gpt", "open" + "ai", "lang" + "uage model", "co" + "-authored-by", "copi" + "lot"]
PATHS = re.compile(r"(?<![\w./~-])/(?:wo" + r"rk|ro" + r"ot|ho" + r"me)/")
TMP = re.compile(r"(?<![\w./$}-])/t" + r"mp/")


def check_foreign(tree, hosts=()):
    found = []
    for p, t in tree.items():
        low = t.lower()
        for w in FORBIDDEN:
            if w in low:
                found.append(f"{p}:{line_of(low, low.index(w))}: '{w}'")
        m = PATHS.search(t)
        if m:
            found.append(f"{p}:{line_of(t, m.start())}: a path of somebody's machine: {m[0]}")
        m = TMP.search(t)
        if m and not p.startswith("tests/"):
            found.append(f"{p}:{line_of(t, m.start())}: a fixed path in the folder for temporary files")
        for h in hosts:
            if h in t:
                found.append(f"{p}:{line_of(t, t.index(h))}: the registry host that this machine is set to")
        if p.endswith("package-lock.json") and re.search(r'"resolved"', t):
            found.append(f"{p}: holds download addresses")
    return found


# ---- documents ----

def check_roadmap(tree):
    """A ticked line names tests, by path or as suite:name, and they exist; an open one is no claim."""
    found = []
    text = tree.get("docs/roadmap.md", "")
    every = list(tree) + list(tree.blobs)
    for n, line in enumerate(text.splitlines(), 1):
        if not line.lstrip().startswith("- [x]"):
            continue
        names = re.findall(r"\b(?:tests|bench)/[\w./-]*\w", line)
        if not names:
            found.append(f"docs/roadmap.md:{n}: ticked, and names no test")
        for name in names:
            if not any(q == name or q.startswith(name + "/") or q.rsplit(".", 1)[0] == name for q in every):
                found.append(f"docs/roadmap.md:{n}: {name} does not exist")
    return found


DOCS = ("README.md", "README.ko.md", "ARCHITECTURE.md", "STYLE.md", "CONTRIBUTING.md", "NOTICE", "LICENSE", "docs/limits.md", "docs/roadmap.md")


def check_docs(tree):
    """Links inside the tree lead somewhere."""
    found = []
    every = list(tree) + list(tree.blobs)
    for p, t in tree.items():
        if not p.endswith(".md"):
            continue
        for m in re.finditer(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", t):
            if re.match(r"[a-z]+:", m[1]) or m[1].startswith("<"):
                continue
            to = os.path.normpath(os.path.join(os.path.dirname(p), m[1]))
            if not any(q == to or q.startswith(to + "/") for q in every):
                found.append(f"{p}:{line_of(t, m.start())}: {m[1]} leads nowhere")
    return found


PKG = re.compile(r"dependency\('([\w.-]+)'")
CALLED = {"libcrypto": "OpenSSL", "libevent_core": "libevent", "libcurl": "curl", "yaml-0.1": "libyaml", "sqlite3": "SQLite", "zlib": "zlib", "cmocka": "cmocka"}


def check_notice(tree):
    """Every library that Meson asks for and every package that the page bundles stands in NOTICE."""
    found, notice = [], tree.get("NOTICE", "")
    for p, t in tree.items():
        if os.path.basename(p) == "meson.build":
            for m in PKG.finditer(t):
                if m[1] != "threads" and CALLED.get(m[1], m[1]).lower() not in notice.lower():
                    found.append(f"{p}: {m[1]} is not in NOTICE")
        elif re.fullmatch(r"(src|tests)/ui/package.json", p):
            package = json.loads(t)
            for kind in ("dependencies", "devDependencies"):
                for d in package.get(kind, {}):
                    if not re.search(rf"(?im)^.*\b{re.escape(d)}\b", notice):
                        found.append(f"{p}: {d} is not in NOTICE")
    return found


TREE_CHECKS = [check_rooms, check_gate, check_calls, check_lengths, check_text, check_headers, check_must_use, check_dead, check_words, check_foreign,
               check_roadmap, check_docs, check_notice]
