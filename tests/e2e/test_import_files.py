"""Own data: real files that must come in whole, read once more here by Python's csv module.

Each test states the reading that is expected (columns, units, times), what is refused for now, and compares values one by one."""
import csv
import io

from importing import at, importing, ns, series, shared, values


def table(path, encoding):
    rows = list(csv.reader(io.StringIO(path.read_bytes().decode(encoding), newline='')))
    return rows[0], rows[1:]


def column(rows, i, t, read=float):
    return [(t(n, r), read(r[i])) for n, r in enumerate(rows) if r[i] not in ('', '-')]


def test_ai4i_has_no_times_so_rows_are_numbered(new_node):
    path, node = shared('ai4i2020.csv'), new_node(serve=False)
    r = importing(node.folder, path)
    assert (r.status, r.one()) == (0, {'rows': 10000, 'taken': 10000, 'replaced': 0, 'refused': 0, 'series': 8, 'lots': 0})
    got = series(node.folder)
    assert {(s[1], s[2], s[3]) for s in got.values()} == {('Product ID', '', 'string'), ('Type', '', 'string'), ('Air temperature', 'K', 'float'),
        ('Process temperature', 'K', 'float'), ('Rotational speed', 'rpm', 'float'), ('Torque', 'N·m', 'float'), ('Tool wear', 'min', 'float'), ('Machine failure', '', 'float')}
    _, rows = table(path, 'utf-8-sig')
    v = values(node.folder)
    number = lambda n, r: int(r[0])  # UDI counts the rows
    for i, key in ((1, 'Product\\ ID'), (2, 'Type')):
        assert v['ai4i2020 ' + key] == column(rows, i, number, str)
    for i, key in ((3, 'Air\\ temperature'), (4, 'Process\\ temperature'), (5, 'Rotational\\ speed'), (6, 'Torque'), (7, 'Tool\\ wear'), (8, 'Machine\\ failure')):
        assert v['ai4i2020 ' + key] == column(rows, i, number)
    assert v['ai4i2020 Torque'][0] == (1, 42.8) and v['ai4i2020 Torque'][-1] == (10000, 40.2)


def test_nab_repeats_an_hour_and_the_later_row_stays(new_node):
    path, node = shared('nab_machine_temperature.csv'), new_node(serve=False)
    _, rows = table(path, 'utf-8')
    expect, repeated = {}, []
    for line, (t, v) in enumerate(rows, 2):
        t = at(t, '%Y-%m-%d %H:%M:%S')
        repeated += [line] * (t in expect)
        expect[t] = float(v)
    r = importing(node.folder, path)
    assert r.status == 0 and r.counts() == (22695, 22683, 12, 0)
    assert [f'  replaced: line {n}' for n in repeated] == [s for s in r.out.splitlines() if s.startswith('  replaced')]
    assert values(node.folder, 'nab_machine_temperature value') == sorted(expect.items())
    assert series(node.folder)['nab_machine_temperature value'][2:] == ('', 'float', 22683)


STEEL = {1: ('Usage', 'kWh'), 2: ('Lagging_Current_Reactive.Power', 'kvarh'), 3: ('Leading_Current_Reactive_Power', 'kvarh'), 5: ('Lagging_Current_Power_Factor', ''),
    6: ('Leading_Current_Power_Factor', ''), 7: ('NSM', '')}


def test_steel_is_day_first_and_midnights_stay_as_written(new_node):
    path, node = shared('steel_energy_gwangyang.csv'), new_node(serve=False)
    head, rows = table(path, 'utf-8-sig')
    t = lambda n, r: at(r[0], '%d/%m/%Y %H:%M')
    # "1/1/2018 0:00" stands behind "1/1/2018 23:45": stored as written, so the day's first value is that of the line at its end.
    assert rows[95][0] == '1/1/2018 0:00' and rows[94][0] == '1/1/2018 23:45'
    r = importing(node.folder, path)
    assert (r.status, r.counts(), r.one()['series']) == (0, (35040, 35040, 0, 0), 10)
    v, s = values(node.folder), series(node.folder)
    for i, (name, unit) in STEEL.items():
        key = 'steel_energy_gwangyang ' + name
        assert v[key] == sorted(column(rows, i, t)), name
        assert s[key][1:] == (name, unit, 'float', 35040)
    assert v['steel_energy_gwangyang CO2'] == sorted(column(rows, 4, t))
    for i, name in ((8, 'WeekStatus'), (9, 'Day_of_week'), (10, 'Load_Type')):
        assert v['steel_energy_gwangyang ' + name] == sorted(column(rows, i, t, str))
    assert v['steel_energy_gwangyang Usage'][0] == (ns(2018, 1, 1), float(rows[95][1]))
    assert v['steel_energy_gwangyang Usage'][1] == (ns(2018, 1, 1, 0, 15), 3.17)


def test_crime_in_seoul_thousands_in_quotes(new_node):
    path, node = shared('korea/messy/crime_in_Seoul.csv'), new_node(serve=False)
    head, rows = table(path, 'cp949')
    r = importing(node.folder, path)
    assert (r.status, r.counts()) == (0, (31, 31, 0, 0))
    v = values(node.folder)
    for i, name in enumerate(head):
        key = 'crime_in_Seoul ' + name.replace(' ', '\\ ')
        read = str if i == 0 else lambda c: float(c.replace(',', ''))
        assert v[key] == column(rows, i, lambda n, r: n + 1, read), name
    assert v['crime_in_Seoul 절도\\ 발생'][:4] == [(1, 1395.0), (2, 1070.0), (3, 1153.0), (4, 1812.0)]


def test_thermal_power_long_form_keeps_regions_and_fuels_apart(new_node):
    path, node = shared('korea/messy/korea-thermal-power.csv'), new_node(serve=False)
    _, rows = table(path, 'cp949')
    expect = {}
    for day, region, fuel, mwh in rows:
        expect.setdefault(f'korea-thermal-power,연료원={fuel},지역={region} 발전량', []).append((at(day, '%Y-%m-%d'), float(mwh)))
    r = importing(node.folder, path)
    assert (r.status, r.counts(), r.one()['series']) == (0, (54330, 54330, 0, 0), len(expect))
    assert values(node.folder) == {k: sorted(x) for k, x in expect.items()}
    assert {s[2:4] for s in series(node.folder).values()} == {('MWh', 'float')}


def test_airline_months_as_text_and_units_in_names(new_node):
    path, node = shared('korea/messy/kosis-airline-company.csv'), new_node(serve=False)
    _, rows = table(path, 'cp949')
    expect = {}
    for month, airline, way, *numbers in rows:
        for name, x in zip(('운항', '여객', '화물'), numbers):
            expect.setdefault(f'kosis-airline-company,도착출발별(1)={way},항공사별(1)={airline} {name}', []).append((at(month + '.01', '%Y.%m.%d'), float(x)))
    r = importing(node.folder, path)
    assert (r.status, r.counts()) == (0, (3696, 3696, 0, 0))
    assert values(node.folder) == {k: sorted(x) for k, x in expect.items()}
    assert {(s[1], s[2]) for s in series(node.folder).values()} == {('운항', '편'), ('여객', '명'), ('화물', 't')}


def test_economic_index_provisional_months_are_refused(new_node):
    path, node = shared('korea/messy/kosis-economic-index.csv'), new_node(serve=False)
    head, rows = table(path, 'cp949')
    kept = [r for r in rows if not r[0].endswith(' p)')]
    assert len(rows) - len(kept) == 3
    r = importing(node.folder, path)
    assert (r.status, r.counts()) == (1, (644, 641, 0, 3))
    assert '  refused: Line 643, 시점: 2023.06 p) is not a time written as YYYY.MM' in r.out.splitlines()
    v, s = values(node.folder), series(node.folder)
    t = lambda n, r: at(r[0] + '.01', '%Y.%m.%d')
    assert len(v) == 22 and sum(len(x) for x in v.values()) == sum(c != '-' for r in kept for c in r[1:])
    for i, header in enumerate(head[1:], 1):
        name = header.strip()
        name = name.removesuffix('(%p)')
        key = 'kosis-economic-index ' + name.replace('=', '\\=')
        assert v[key] == column(kept, i, t), header
        assert s[key][2] == ('%p' if header.endswith('(%p)') else '')


def test_seoul_air_compact_dates_and_empty_cells(new_node):
    path, node = shared('korea/messy/seoul-air-2018.csv'), new_node(serve=False)
    _, rows = table(path, 'cp949')
    names = ('이산화질소농도', '오존농도', '일산화탄소농도', '아황산가스농도', '미세먼지농도', '초미세먼지농도')
    expect = {}
    for day, station, *numbers in rows:
        for name, x in zip(names, numbers):
            if x != '':
                expect.setdefault(f'seoul-air-2018,측정소명={station} {name}', []).append((at(day, '%Y%m%d'), float(x)))
    r = importing(node.folder, path)
    assert (r.status, r.counts()) == (0, (14637, 14637, 0, 0))
    assert {k.replace('\\', ''): x for k, x in values(node.folder).items()} == {k: sorted(x) for k, x in expect.items()}
    assert {(s[1], s[2]) for s in series(node.folder).values()} == {(n, 'µg/m³' if '먼지' in n else 'ppm') for n in names}
    # Rows without any value are rows all the same, also the second time.
    assert importing(node.folder, path).counts() == (14637, 0, 14637, 0)


def test_special_days_keep_their_codes(new_node):
    path, node = shared('korea/messy/special-days-api.csv'), new_node(serve=False)
    _, rows = table(path, 'utf-8')
    days = {r[3]: r for r in rows}
    r = importing(node.folder, path)
    assert (r.status, r.counts()) == (0, (207, len(days), 207 - len(days), 0))
    v = values(node.folder, 'special-days-api dateKind')
    assert len(v) == len(days) and {s[3] for k, s in series(node.folder).items() if k.endswith('dateKind')} == {'string'}
    assert values(node.folder, 'special-days-api dateName') == sorted((at(d, '%Y-%m-%d'), row[1]) for d, row in days.items())


def test_old_workbook_is_refused_by_name(new_node):
    path, node = shared('korea/messy/population_in_Seoul.xls'), new_node(serve=False)
    r = importing(node.folder, path)
    assert r.status == 2 and not r.files
    assert 'old Excel file (XLS)' in r.err and 'population_in_Seoul.xls' in r.err
    assert series(node.folder) == {}


def test_a_folder_of_files_and_the_whole_again(new_node):
    path, node = shared('korea/messy'), new_node(serve=False)
    r = importing(node.folder, path)
    assert r.status == 2 and len(r.files) == 6 and 'population_in_Seoul.xls' in r.err
    before = values(node.folder)
    again = importing(node.folder, path)
    assert {n: f['rows'] for n, f in again.files.items()} == {n: f['rows'] for n, f in r.files.items()}
    assert all(f['taken'] == 0 for f in again.files.values())
    assert values(node.folder) == before
