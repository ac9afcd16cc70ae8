"""Every line of what is promised of CSV, on small files made by hand."""
import itertools

import pytest

from conftest import moru
from importing import importing, ns, series, values, write

A, B = ns(2021, 9, 6, 10, 5), ns(2021, 9, 6, 10, 6)


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    f = tmp_path_factory.mktemp('csv') / 'node'
    r = moru('init', f)
    assert r.returncode == 0, r.stderr.decode()
    return f


@pytest.fixture
def take(folder, tmp_path):
    """take(content) imports it under a name of its own: (Imported, signal -> values)."""
    number = itertools.count()

    def run(content, encoding='utf-8', name=None, lang='en'):
        name = name or f'{tmp_path.name}{next(number)}'
        r = importing(folder, write(tmp_path / (name + '.csv'), content, encoding), lang=lang)
        keys = {k: v for k, v in values(folder).items() if k.startswith((name + ' ', name + ','))}
        return r, {k[len(name):].lstrip(' '): v for k, v in keys.items()}
    run.folder = folder
    return run


SMALL = '시각,온도\n2021-09-06 10:05,21.5\n2021-09-06 10:06,22\n'


@pytest.mark.parametrize('encoding', ['utf-8', 'utf-8-sig', 'cp949', 'utf-16', 'utf-16-le', 'utf-16-be'])
def test_encodings(take, encoding):
    r, v = take(SMALL, encoding)
    assert r.status == 0 and v == {'온도': [(A, 21.5), (B, 22.0)]}


def test_cp949_beyond_euc_kr(take):
    r, v = take('시각,상태\n2021-09-06 10:05,똠방\n2021-09-06 10:06,펲시\n', 'cp949')
    assert v == {'상태': [(A, '똠방'), (B, '펲시')]}


@pytest.mark.parametrize('end', ['\n', '\r\n', '\r'])
@pytest.mark.parametrize('delimiter', [',', ';', '\t', '|'])
def test_delimiters_and_line_ends(take, delimiter, end):
    r, v = take(end.join(['time,a,b', '2021-09-06 10:05,1,2', '2021-09-06 10:06,3,4', '']).replace(',', delimiter))
    assert r.status == 0 and v == {'a': [(A, 1.0), (B, 3.0)], 'b': [(A, 2.0), (B, 4.0)]}


def test_no_header(take):
    r, v = take('2021-09-06 10:05,1\n2021-09-06 10:06,2\n')
    assert r.counts() == (2, 2, 0, 0) and list(v.values()) == [[(A, 1.0), (B, 2.0)]]


def test_units_in_headers(take):
    r, v = take('time,온도(℃),전력[kWh], 발전량(MWh) ,Usage_kWh,지수(2020=100)\n2021-09-06 10:05,1,2,3,4,5\n2021-09-06 10:06,1,2,3,4,5\n', name='units')
    units = {s[1]: s[2] for s in series(take.folder).values() if s[0] == 'units'}
    assert units == {'온도': '°C', '전력': 'kWh', '발전량': 'MWh', 'Usage': 'kWh', '지수(2020=100)': ''}


def test_labels_in_headers_are_no_units(take):
    """A zone or a machine in brackets looks like a UNECE code: it stays part of the signal's name."""
    r, v = take('time,온도(D5),온도(C31),점검(4K),열(E14),위치(D),전류(A),무게(g)\n2021-09-06 10:05,1,2,3,4,5,6,7\n2021-09-06 10:06,1,2,3,4,5,6,7\n', name='labels')
    units = {s[1]: s[2] for s in series(take.folder).values() if s[0] == 'labels'}
    assert units == {'온도(D5)': '', '온도(C31)': '', '점검(4K)': '', '열(E14)': '', '위치(D)': '', '전류': 'A', '무게': 'g'}
    assert [x for _, x in v['온도(D5)']] == [1.0, 1.0] and [x for _, x in v['온도(C31)']] == [2.0, 2.0]


def test_thousands(take):
    r, v = take('time,a\n2021-09-06 10:05,"1,395"\n2021-09-06 10:06,"12,345,678.5"\n2021-09-06 10:07,869\n')
    assert [x for _, x in v['a']] == [1395.0, 12345678.5, 869.0]


@pytest.mark.parametrize('word', ['-', '', 'N/A', '#DIV/0!', '  ', '#N/A'])
def test_missing_words(take, word):
    r, v = take(f'time,a,b\n2021-09-06 10:05,{word},1\n2021-09-06 10:06,2,2\n')
    assert r.counts() == (2, 2, 0, 0) and v == {'a': [(B, 2.0)], 'b': [(A, 1.0), (B, 2.0)]}


TIMES = {
    '2021. 9. 6. 오전 10:05:03.5': ns(2021, 9, 6, 10, 5, 3, 500000),
    '2021. 9. 6. 오후 1:05:03': ns(2021, 9, 6, 13, 5, 3),
    '2021-09-06 10:05': A,
    '2021-09-06T10:05:00+02:00': ns(2021, 9, 6, 17, 5),
    '2021-09-06T01:05:00Z': A,
    '20210906100503': ns(2021, 9, 6, 10, 5, 3),
    '20180101': ns(2018, 1, 1),
    '2005.01': ns(2005, 1, 1),
    '2021/9/6 10:05': A,
    '2021년 9월 6일 10시 5분': A,
    '13/01/2021 10:05': ns(2021, 1, 13, 10, 5),
    '01/13/2021 10:05': ns(2021, 1, 13, 10, 5),
    '44445.5': ns(2021, 9, 6, 12),
    '1630890300': ns(2021, 9, 6, 10, 5),
    '1630890300500': ns(2021, 9, 6, 10, 5, 0, 500000),
    '2021-09-06 24:00': ns(2021, 9, 7),
}


@pytest.mark.parametrize('cell', TIMES)
def test_times(take, cell):
    r, v = take(f'시각,a\n{cell},7\n')
    assert r.status == 0 and v == {'a': [(TIMES[cell], 7.0)]}, r


def test_date_and_time_in_two_columns(take):
    r, v = take('날짜,시간,a\n2021-09-06,10:05,1\n2021-09-06,10:06:00,2\n')
    assert v == {'a': [(A, 1.0), (B, 2.0)]}


def many_days(order, decided_at, rows):
    """Rows of hours that could be either order until day 13 of the month comes."""
    out = ['time,a']
    for i in range(rows):
        day = 13 if i >= decided_at else i % 12 + 1
        out.append(order.format(d=day, m=7, y=2021) + f' {i // 60 % 24:02}:{i % 60:02},{i}')
    return '\n'.join(out) + '\n'


@pytest.mark.parametrize('order, month, day', [('{d}/{m}/{y}', 7, 13), ('{m}/{d}/{y}', 7, 13)])
def test_day_or_month_is_decided_by_a_row_megabytes_away(take, order, month, day):
    text = many_days(order, 140000, 140100)
    assert 2 << 20 < len(text) < 4 << 20
    r, v = take(text)
    rows = dict(v['a'])
    assert r.status == 0 and rows[ns(2021, month, day, 140000 // 60 % 24, 140000 % 60)] == 140000.0
    assert not any(ns(2021, m, 7) <= t < ns(2021, m, 8) for t in rows for m in (1, 2, 3))


def test_day_or_month_undecided_is_a_question_and_day_first(take):
    r, v = take('time,a\n1/2/2021 10:00,1\n1/2/2021 11:00,2\n')
    assert v == {'a': [(ns(2021, 2, 1, 10), 1.0), (ns(2021, 2, 1, 11), 2.0)]}


def test_ragged_rows(take):
    r, v = take('time,a,b\n2021-09-06 10:05,1\n2021-09-06 10:06,2,3,,\n2021-09-06 10:07,4,5,6\n2021-09-06 10:08,5,6\n2021-09-06 10:09,7,8\n')
    assert r.status == 1 and r.counts() == (5, 4, 0, 1)
    assert v['a'][:2] == [(A, 1.0), (B, 2.0)] and v['b'][0] == (B, 3.0) and len(v['a']) == 4
    assert '  refused: Line 4: 4 fields, where there are only 3 columns' in r.out


def test_quotes_and_embedded_newlines(take):
    r, v = take('time,note,a\n2021-09-06 10:05,"says ""stop""\nand, then",1\n2021-09-06 10:06,plain,2\n')
    assert v == {'note': [(A, 'says "stop"\nand, then'), (B, 'plain')], 'a': [(A, 1.0), (B, 2.0)]}


def test_lines_are_told_as_they_stand_in_the_file(take):
    r, v = take('time,note,a\n2021-09-06 10:05,"two\nlines",1\n2021-09-06 10:06,x,1\n2021-09-06 10:07,x,1\n' + '2021-09-06 10:08,x,1\n' * 20 + 'late,x,1\n')
    assert 'Line 26, time: late is not a time' in r.out


def test_midnight_behind_2345_stays_as_written(take):
    r, v = take('time,a\n2021-09-06 23:30,1\n2021-09-06 23:45,2\n2021-09-06 00:00,3\n2021-09-07 00:15,4\n')
    assert v == {'a': [(ns(2021, 9, 6), 3.0), (ns(2021, 9, 6, 23, 30), 1.0), (ns(2021, 9, 6, 23, 45), 2.0), (ns(2021, 9, 7, 0, 15), 4.0)]}


HALF_HOURS = 'time,a\n' + ''.join(f'2021-09-06 {k // 2:02}:{k % 2 * 30:02},{k}\n' for k in range(1, 48)) + '2021-09-06 00:00,48\n2021-09-07 00:30,49\n'


def test_a_midnight_of_the_day_before_is_told(take):
    r, v = take(HALF_HOURS)
    assert r.status == 0 and r.counts() == (49, 49, 0, 0) and v['a'][0] == (ns(2021, 9, 6), 48.0)
    assert r.out.splitlines()[1:] == ["  Line 49: 2021-09-06 00:00 follows 2021-09-06 23:30. It is stored as written; check whether the next day's midnight is meant"]
    r, _ = take(HALF_HOURS, lang='ko')
    assert r.out.splitlines()[1].startswith('  49번째 줄: 2021-09-06 23:30 다음에 2021-09-06 00:00이 옵니다. 적힌 그대로'), r
    r, _ = take(HALF_HOURS.replace('2021-09-06 00:00', '2021-09-07 00:00'))
    assert len(r.out.splitlines()) == 1


def test_without_times_rows_are_numbered(take):
    r, v = take('force,name\n1.5,a\n2.5,b\n3.5,c\n')
    assert r.status == 0 and v == {'force': [(1, 1.5), (2, 2.5), (3, 3.5)], 'name': [(1, 'a'), (2, 'b'), (3, 'c')]}


def test_a_later_row_replaces_counted_and_listed(take):
    r, v = take('time,a,b\n2021-09-06 10:05,1,1\n2021-09-06 10:06,2,2\n2021-09-06 10:05,3,\n2021-09-06 10:06,2,2\n')
    assert r.counts() == (4, 2, 2, 0) and v == {'a': [(A, 3.0), (B, 2.0)], 'b': [(A, 1.0), (B, 2.0)]}
    assert r.out.splitlines()[1:] == ['  replaced: line 4', '  1 row was there already']


def test_the_same_file_and_a_longer_one(take, tmp_path):
    short = 'time,meter,a,state\n' + ''.join(f'2021-09-06 10:{i:02},M{k},{i * 10 + k if i % 7 else ""},{"run" if i % 3 else "idle"}\n' for i in range(60) for k in range(3))
    longer = short + ''.join(f'2021-09-06 11:{i:02},M{k},{i},idle\n' for i in range(10) for k in range(3))
    r, first = take(short, name='meters')
    assert r.counts() == (180, 180, 0, 0) and set(first) == {f',meter=M{k} {s}' for k in range(3) for s in ('a', 'state')}
    r, again = take(short, name='meters')
    assert r.status == 0 and r.counts() == (180, 0, 180, 0) and again == first
    assert '  180 rows were there already' in r.out.splitlines() and 'replaced:' not in r.out
    r, more = take(longer, name='meters')
    assert r.counts() == (210, 30, 180, 0)
    assert {k: v[:len(first[k])] for k, v in more.items()} == first
    assert all(len(more[k]) == len(first[k]) + 10 for k in first)


def test_a_column_more_is_taken(take):
    short = 'time,a\n2021-09-06 10:05,1\n2021-09-06 10:06,2\n2021-09-06 10:07,\n'
    r, _ = take(short, name='wider')
    assert r.counts() == (3, 3, 0, 0)
    r, _ = take('time,a,b\n2021-09-06 10:05,1,10\n2021-09-06 10:06,2,20\n2021-09-06 10:07,,30\n', name='wider')
    assert r.status == 0 and r.counts() == (3, 3, 0, 0) and len(r.out.splitlines()) == 1, r
    # One that adds and changes; one that says what was there, with a gap beside it; one that adds; one that is new.
    r, v = take('time,a,b,c\n2021-09-06 10:05,9,10,7\n2021-09-06 10:06,2,,\n2021-09-06 10:07,,30,8\n2021-09-06 10:08,5,,\n', name='wider')
    assert r.counts() == (4, 2, 2, 0) and r.out.splitlines()[1:] == ['  replaced: line 2', '  1 row was there already'], r
    assert [x for _, x in v['a']] == [9.0, 2.0, 5.0] and [x for _, x in v['c']] == [7.0, 8.0] and [x for _, x in v['b']] == [10.0, 20.0, 30.0]
    r, _ = take(short, name='wider', lang='ko')
    assert '바뀜 3, 거부 0' in r.out and r.out.splitlines()[1:] == ['  바뀜: 2번째 줄', '  2행은 이미 있던 값과 같습니다'], r


def test_numbers_are_exact(take):
    r, v = take('time,a,big,whole\n2021-09-06 10:05,0.1,9007199254740993,1\n2021-09-06 10:06,1e-300,-5,2\n', name='exact')
    assert v == {'a': [(A, 0.1), (B, 1e-300)], 'big': [(A, 9007199254740993), (B, -5)], 'whole': [(A, 1.0), (B, 2.0)]}
    assert {s[1]: s[3] for s in series(take.folder).values() if s[0] == 'exact'} == {'a': 'float', 'big': 'integer', 'whole': 'float'}


def test_no_number_is_guessed(take):
    r, v = take('time,a\n' + ''.join(f'2021-09-06 10:{i:02},{i}\n' for i in range(20)) + '2021-09-06 11:00,(5)\n2021-09-06 11:01,12%\n')
    assert r.status == 1 and r.counts() == (22, 20, 0, 2)
    assert 'a: (5) is not a number' in r.out and 'a: 12% is not a number' in r.out


def test_korean_words(take):
    r, v = take('time,a\n2021-09-06 10:05,1\n' * 1 + ''.join(f'2021-09-06 10:{i:02},{i}\n' for i in range(10, 30)) + '내일,1\n', lang='ko')
    assert '행 - 받음 21, 바뀜 0, 거부 1' in r.out and '거부: 23번째 줄, time: 내일은 ' in r.out


def test_decomposed_file_names_are_composed(take):
    import unicodedata
    name = unicodedata.normalize('NFD', '온도기록')
    r, _ = take(SMALL, name=name)
    assert any(s[0] == '온도기록' for s in series(take.folder).values())


def test_a_column_that_changes_its_type_says_so(take):
    take('time,a\n2021-09-06 10:05,1\n2021-09-06 10:06,2\n', name='typed')
    r, v = take('time,a,b\n2021-09-06 10:05,open,1\n2021-09-06 10:06,shut,2\n', name='typed')
    assert r.status == 2 and 'typed a' in r.err, r
    assert v['a'] == [(A, 1.0), (B, 2.0)]


def test_a_header_seen_before_above_other_things(take):
    """The reading of one file is remembered, but not against what the next one of that header holds."""
    r, v = take('zeit,x\n2021-09-06 10:05,1\n2021-09-06 10:06,2\n')
    assert v['x'] == [(A, 1.0), (B, 2.0)]
    r, v = take('zeit,x\n6.9.2021 10:05,run\n13.9.2021 10:06,idle\n')
    assert r.status == 0 and v['x'] == [(A, 'run'), (ns(2021, 9, 13, 10, 6), 'idle')]
