"""The tree as a dictionary of path -> text, so that a self-test can plant a fault in a copy of it."""
import pathlib
import re
import subprocess

# Never looked at: what is built, fetched or made by a run.
SKIP = {".git", "node_modules", "venv", "__pycache__", "dist", "demo-data", "out"}


class Tree(dict):
    def __init__(self, files, blobs=()):
        super().__init__(files)
        self.blobs = dict(blobs)  # path -> size of what is no UTF-8 text

    def plant(self, path, text):
        t = Tree(self, self.blobs)
        t[path] = text
        return t

    def change(self, path, old, new):
        assert old in self[path], f"{path} no longer holds {old!r}: mend the self-test"
        return self.plant(path, self[path].replace(old, new, 1))

    def sources(self, *suffixes, under="src/"):
        return {p: t for p, t in self.items() if p.startswith(under) and p.endswith(suffixes)}


def load(root):
    """The files that git holds or would take; without git every file outside what is built."""
    root = pathlib.Path(root)
    try:
        out = subprocess.run(["git", "-C", str(root), "ls-files", "-coz", "--exclude-standard"], capture_output=True, check=True).stdout
        names = [n for n in out.decode().split("\0") if n]
    except (OSError, subprocess.CalledProcessError):
        names = [p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()]
    files, blobs = {}, {}
    for n in sorted(set(names)):
        p = root / n
        if SKIP & set(p.relative_to(root).parts) or n.startswith("build") and "/" in n or not p.is_file() or p.is_symlink():
            continue
        data = p.read_bytes()
        try:
            if b"\0" in data:
                raise UnicodeDecodeError("utf-8", data, 0, 1, "NUL")
            files[n] = data.decode("utf-8")
        except UnicodeDecodeError:
            blobs[n] = len(data)
    return Tree(files, blobs)


TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.S)


def bare(text):
    """C without comments and the insides of strings; lines keep their numbers."""
    return TOKEN.sub(lambda m: "\n" * m[0].count("\n") if m[0][0] == "/" else '""' if m[0][0] == '"' else "0", text)


def line_of(text, at):
    return text.count("\n", 0, at) + 1
