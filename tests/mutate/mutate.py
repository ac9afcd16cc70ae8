#!/usr/bin/env python3
"""Disables one thing at a time and wants a test to notice: mutate.py BUILD [--sample N --seed TEXT] [--only WORD]

mutants.txt holds the table. Of each mutant the one file is compiled again, changed, and the named tests (and the programs that they run)
are linked with it, beside the build and without touching the tree. A test that stays green is a survivor: it fails this run, as does a
line of the table that no longer fits the source, and a test that is red without any mutant."""
import argparse
import hashlib
import json
import os
import pathlib
import resource
import shlex
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SECONDS_MAX = 300  # a mutant that hangs has been noticed
MEMORY_MAX = 4 << 30
PROGRAMS = ("moru", "moru-helper", "moru-sim")
OF_TESTS = ("tests/e2e/moru_as",)  # programs that a test runs beside those


class Mutant:
    def __init__(self, what, line):
        self.what, self.line, self.file, self.old, self.new, self.tests = what, line, None, [], [], []


def read_table(path):
    """# WHAT / FILE / - OLD... / + NEW... / > TEST... ; OLD stands exactly once in FILE; nothing after + takes OLD away."""
    mutants, m = [], None
    for n, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("# "):
            m = Mutant(line[2:], n)
            mutants.append(m)
        elif line.startswith("##") or not line.strip():
            continue
        elif m is None:
            sys.exit(f"{path.name}:{n}: expected '# WHAT' first")
        elif line.startswith(("-\t", "- ")) or line == "-":
            m.old.append(line[2:])
        elif line.startswith(("+\t", "+ ")) or line == "+":
            m.new.append(line[2:])
        elif line.startswith("> "):
            m.tests += line[2:].split()
        else:
            m.file = line.strip()
    for m in mutants:
        if not m.file or not m.old or not m.tests:
            sys.exit(f"{path.name}:{m.line}: '{m.what}' wants a file, a line taken (-) and a test (>)")
    return mutants


def changed(m):
    """The mutated text, or None where the table no longer fits."""
    p = ROOT / m.file
    if not p.exists():
        return None
    text, old, new = p.read_text(encoding="utf-8"), "\n".join(m.old), "\n".join(m.new)
    return text.replace(old, new) if text.count(old) == 1 else None


class Build:
    def __init__(self, folder):
        self.dir = pathlib.Path(folder).resolve()
        self.work = self.dir / "mutate"
        self.work.mkdir(exist_ok=True)
        self.commands = json.loads((self.dir / "compile_commands.json").read_text())
        tests = json.loads(subprocess.run(["meson", "introspect", "--tests", str(self.dir)], capture_output=True, text=True, check=True).stdout)
        self.tests = {t["suite"][0].split(":")[-1] + "/" + t["name"]: t for t in tests}
        for t in tests:
            for s in t["suite"]:
                self.tests.setdefault(s.split(":")[-1] + "/" + t["name"], t)

    def ninja(self, *args):
        return subprocess.run(["ninja", "-C", str(self.dir), *args], capture_output=True, text=True, check=True).stdout

    def inputs(self, target):
        """What a target is made from, straight away."""
        out, take = [], False
        for line in self.ninja("-t", "query", target).splitlines():
            if line.strip().startswith("input:"):
                take = True
            elif line.strip().startswith("outputs:"):
                take = False
            elif take:
                out.append(line.strip().lstrip("|").strip())
        return out

    def compile(self, m, text):
        """object -> mutated object, for each way in which the file is compiled."""
        source, out = self.work / "src" / m.file, {}
        source.parent.mkdir(parents=True, exist_ok=True)
        source.write_text(text, encoding="utf-8")
        for c in self.commands:
            if (pathlib.Path(c["directory"]) / c["file"]).resolve() != ROOT / m.file:
                continue
            # The fault may leave a variable unused: that is not what is being tested.
            args = [a for a in shlex.split(c["command"]) if a != "-Werror"] + ["-w", "-I" + str((ROOT / m.file).parent)]
            obj = self.work / "obj" / c["output"]
            obj.parent.mkdir(parents=True, exist_ok=True)
            for i, a in enumerate(args):
                if args[i - 1] == "-o":
                    args[i] = str(obj)
                elif args[i - 1] in ("-MF", "-MQ"):
                    args[i] = str(obj) + ".d"
                elif args[i - 1] == "-c":
                    args[i] = str(source)
            r = subprocess.run(args, cwd=c["directory"], capture_output=True, text=True)
            if r.returncode != 0:
                raise RuntimeError("does not compile:\n" + r.stderr[-2000:])
            out[c["output"]] = str(obj)
        if not out:
            raise RuntimeError("is compiled nowhere")
        return out

    def link(self, target, objects):
        """The target with those objects in place of its own, or None when it holds none of them."""
        last = self.ninja("-t", "commands", "-s", target).strip().splitlines()[-1]
        args, hit = shlex.split(last.replace("&&", " ")), False
        for i, a in enumerate(args):
            if a in objects:
                args[i], hit = objects[a], True
            elif a.endswith(".a") and not a.startswith("/"):
                members = self.inputs(a)
                if not set(members) & set(objects):
                    continue
                hit, new = True, self.work / a
                new.parent.mkdir(parents=True, exist_ok=True)
                new.unlink(missing_ok=True)
                subprocess.run(["ar", "csrDT", str(new)] + [objects.get(o, str(self.dir / o)) for o in members if o.endswith(".o")], check=True,
                               capture_output=True, cwd=self.dir)
                args[i] = str(new)
        if not hit:
            return None
        out = self.work / target
        out.parent.mkdir(parents=True, exist_ok=True)
        args[args.index("-o") + 1] = str(out)
        subprocess.run(args, cwd=self.dir, check=True, capture_output=True)
        return str(out)

    def run(self, name, objects):
        """(green, seconds, last words) of a test with the objects in it; no objects: as it was built."""
        t = self.tests[name]
        replace = {}
        for p in PROGRAMS + OF_TESTS:
            path = self.dir / p
            there = self.work / p
            there.parent.mkdir(parents=True, exist_ok=True)
            there.unlink(missing_ok=True)
            if not any(str(path) in str(w) for w in list(t["cmd"]) + list(t["env"].values())):
                continue
            if not (objects and self.link(p, objects)):
                there.symlink_to(path)
            replace[str(path)] = str(there)
        for p in PROGRAMS:  # they find each other by standing side by side
            if replace and not (self.work / p).exists():
                if not (objects and self.link(p, objects)):
                    (self.work / p).symlink_to(self.dir / p)
        cmd = [replace.get(w, w) for w in t["cmd"]]
        first = os.path.relpath(t["cmd"][0], self.dir)
        if objects and not first.startswith("..") and t["cmd"][0] not in replace:
            cmd[0] = self.link(first, objects) or cmd[0]
        if objects and cmd == t["cmd"] and not replace:
            raise RuntimeError(f"{name} holds nothing of it")
        env = dict(os.environ, **{k: replace.get(v, v) for k, v in t["env"].items()})
        begin = time.monotonic()
        try:
            r = subprocess.run(cmd, env=env, cwd=t["workdir"] or self.dir, capture_output=True, timeout=SECONDS_MAX, stdin=subprocess.DEVNULL,
                               preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX, MEMORY_MAX)))
            # 77: nothing was tested.
            green, said = r.returncode in (0, 77), (r.stdout + r.stderr).decode("utf-8", "replace")
        except subprocess.TimeoutExpired:
            green, said = False, f"no end within {SECONDS_MAX} s"
        return green, time.monotonic() - begin, said


def main():
    a = argparse.ArgumentParser()
    a.add_argument("build")
    a.add_argument("--sample", type=int)
    a.add_argument("--seed", default="0")
    a.add_argument("--only", help="mutants whose words or file hold this")
    a.add_argument("--stale", action="store_true", help="only say which lines of the table no longer fit")
    a.add_argument("--table", default=str(HERE / "mutants.txt"))
    a = a.parse_args()
    mutants = read_table(pathlib.Path(a.table))
    stale = [m for m in mutants if changed(m) is None]
    for m in stale:
        print(f"STALE    {m.what}: mutants.txt:{m.line} no longer fits {m.file}")
    mutants = [m for m in mutants if m not in stale]
    everything = len(mutants)
    if a.only:
        mutants = [m for m in mutants if a.only in m.what or a.only in m.file]
    if a.sample and a.sample < len(mutants):
        mutants.sort(key=lambda m: hashlib.sha256(f"{a.seed} {m.what}".encode()).digest())
        mutants = mutants[:a.sample]
    b = Build(a.build)
    unknown = [(m, t) for m in mutants for t in m.tests if t not in b.tests]
    for m, t in unknown:
        print(f"STALE    {m.what}: mutants.txt:{m.line}: there is no test {t}")
    if a.stale:
        return 1 if stale or unknown else 0
    mutants = [m for m in mutants if not any(m is u for u, _ in unknown)]
    b.ninja()
    red, survived = {}, 0
    for m in mutants:
        begin, killer = time.monotonic(), None
        try:
            objects = b.compile(m, changed(m))
            for t in m.tests:
                if t not in red:
                    green, _, said = b.run(t, None)
                    red[t] = None if green else said
                if red[t] is not None:
                    raise RuntimeError(f"{t} is red without it:\n" + red[t][-1500:])
                if not b.run(t, objects)[0]:
                    killer = t
                    break
        except (RuntimeError, subprocess.CalledProcessError) as e:
            print(f"BROKEN   {m.what} ({m.file}): {e} {getattr(e, 'stderr', '') or ''}", flush=True)
            survived += 1
            continue
        if not killer:
            survived += 1
        print(f"{'noticed ' if killer else 'SURVIVED'} {m.what} ({m.file}) {killer or ' '.join(m.tests)} {time.monotonic() - begin:.1f} s", flush=True)
    print(f"{len(mutants)} of {everything} mutants, seed {a.seed}: {len(mutants) - survived} noticed, {survived} not, {len(stale) + len(unknown)} stale")
    return 1 if survived or stale or unknown else 0


sys.exit(main())
