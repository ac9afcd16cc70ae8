"""What the import tests share: reading back by `moru sql`, the report of `moru import` taken apart, files to import."""
import csv
import datetime
import io
import os
import pathlib
import re
import zoneinfo

import pytest

from conftest import ROOT, moru

SEOUL = zoneinfo.ZoneInfo('Asia/Seoul')
SHARED = pathlib.Path(os.environ.get('MORU_SHARED') or ROOT.parent / 'shared') / 'data'
REPORT = re.compile(r'^(.*): (\d+) rows - (\d+) taken, (\d+) replaced, (\d+) refused; (\d+) series, (\d+) lots$', re.M)


def shared(name):
    """A file that is not part of the project; the test is skipped, saying so, where it is absent."""
    path = SHARED / name
    if not path.exists():
        pytest.skip(f'{path} is absent (MORU_SHARED names the folder that holds it)')
    return path


def ns(*args, zone=SEOUL):
    """Nanoseconds since 1970 of a civil time, without floating point."""
    t = datetime.datetime(*args, tzinfo=zone)
    d = t - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    return ((d.days * 86400 + d.seconds) * 1000000 + d.microseconds) * 1000


def at(text, form):
    return ns(*datetime.datetime.strptime(text, form).timetuple()[:6])


class Imported:
    """One run of `moru import`."""

    def __init__(self, result):
        self.status = result.returncode
        self.out, self.err = result.stdout.decode(), result.stderr.decode()
        self.files = {pathlib.Path(f).name: dict(zip(('rows', 'taken', 'replaced', 'refused', 'series', 'lots'), map(int, n))) for f, *n in REPORT.findall(self.out)}
        for f in self.files.values():
            assert f['rows'] == f['taken'] + f['replaced'] + f['refused'], self.out

    def one(self):
        assert len(self.files) == 1, (self.status, self.out, self.err)
        return next(iter(self.files.values()))

    def counts(self):
        """(rows, taken, replaced, refused) of the one file."""
        f = self.one()
        return f['rows'], f['taken'], f['replaced'], f['refused']

    def __repr__(self):
        return f'<{self.status} {self.out!r} {self.err!r}>'


def importing(folder, *files, lang='en', timeout=120, env=None):
    return Imported(moru('import', folder, *files, lang=lang, timeout=timeout, env=env))


def sql(folder, query, *options):
    """Rows as lists of texts."""
    r = moru('sql', folder, query, '--format', 'csv', *options, timeout=120)
    assert r.returncode == 0, r.stderr.decode()
    return list(csv.reader(io.StringIO(r.stdout.decode(), newline='')))[1:]


def series(folder):
    """key -> (asset, signal, unit, type, points)"""
    rows = sql(folder, 'SELECT key, asset, signal, unit, type, points FROM series')
    return {key: (asset, signal, unit, kind, int(points)) for key, asset, signal, unit, kind, points in rows}


def values(folder, key=None):
    """key -> [(t ns, value)]; with a key that one list."""
    where = " AND s.key = '" + key.replace("'", "''") + "'" if key is not None else ''
    out = {}
    for kind, read in (('float', float), ('integer', int), ('boolean', lambda v: v == '1'), ('string', str)):
        for k, t, v in sql(folder, f"SELECT s.key, v.t, v.value FROM series s, value v WHERE v.series = s.id AND s.type = '{kind}'" + where):
            out.setdefault(k, []).append((int(t), read(v)))
    return out if key is None else out.get(key, [])


def write(path, content, encoding='utf-8'):
    path = pathlib.Path(path)
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path
