/* From the head of a file to a reading of it:
 *
 *   text -> delimiter -> sample (the first rows) -> header -> names and units
 *        -> time column and form -> every row of the head: types of columns,
 *           day or month first, midnights -> tags
 *
 * The rules, as docs/formats/csv.md has them: nine cells in ten decide a
 * column; numbers are floating-point unless one needs more than 53 bits, so
 * that a later file with decimals still fits; codes with leading zeros are
 * texts; what isn't sure becomes a question or a text, never a guess. */
#include <stdlib.h>

#include "base/utf8.h"
#include "intake/priv/intake.h"
#include "intake/priv/number.h"

#define GUESS_BYTES 65536u
#define NAME_TRIES 1000u
#define EVENING_NS (INT64_C(22) * 3600 * NS_PER_S) /* of a day: what follows it at midnight is the next day */

const char *intake_use_name(enum intake_use u)
{
	static const char *const names[] = {"ignore", "time", "date", "clock", "value", "tag", "number"};
	return (size_t)u < sizeof(names) / sizeof(names[0]) ? names[u] : "?";
}

const char *intake_question_name(enum intake_question q)
{
	return q == ASK_DAY_OR_MONTH ? "month_or_day" : q == ASK_MIDNIGHT ? "midnight" : NULL;
}

const char *intake_time_format(unsigned index)
{
	const struct timeform *f = timeform_at(index);
	return f ? f->name : NULL;
}

/* ---- the sample ---- */

/* d: the first record that could not be read, should there be no other. */
static int sample_take(struct sample *s, struct arena *a, struct span text, bool whole, char delimiter, struct diag *d)
{
	struct csv_reader *csv;
	struct csv_record rec;
	size_t bytes = 0;
	*s = (struct sample){.rows = arena_calloc(a, INTAKE_SAMPLE_ROWS, sizeof(*s->rows))};
	int e = s->rows ? csv_reader_new(&csv, delimiter) : MO_ENOMEM;
	if (e)
		return e;
	csv_feed(csv, text);
	if (whole)
		csv_end(csv);
	while (s->n_rows < INTAKE_SAMPLE_ROWS && bytes < INTAKE_SAMPLE_BYTES) {
		e = csv_next(csv, &rec, d && d->msg == MSG_NONE ? d : NULL);
		if (e == MO_ENOMEM || e == MO_EAGAIN || e == MO_ENOENT)
			break;
		if (e || cells_blank(rec.fields, rec.n))
			continue;
		struct span *cells = arena_calloc(a, rec.n, sizeof(*cells));
		e = cells ? 0 : MO_ENOMEM;
		for (size_t i = 0; e == 0 && i < rec.n; i++) {
			struct span t = cell_trim(rec.fields[i]);
			bytes += t.n + sizeof(*cells);
			cells[i] = arena_dup(a, t);
			if (!cells[i].p)
				e = MO_ENOMEM;
		}
		if (e)
			break;
		s->rows[s->n_rows++] = (struct sample_row){cells, rec.n};
	}
	csv_reader_free(csv);
	if (e == MO_ENOMEM)
		return e;
	/* The width that most rows have; of two, the larger. */
	size_t most = 0;
	for (size_t i = 0; i < s->n_rows; i++) {
		size_t same = 0;
		for (size_t k = 0; k < s->n_rows; k++)
			same += s->rows[k].n == s->rows[i].n;
		if (same > most || (same == most && s->rows[i].n > s->width)) {
			most = same;
			s->width = s->rows[i].n;
		}
	}
	return 0;
}

static bool is_number(struct span cell)
{
	double v;
	return number_f64(&v, cell, true) == CELL_OK;
}

/* ---- the header ---- */

struct layout {
	bool header;
	bool many_headers, title, no_table;
};

static void column_kind(const struct sample *s, size_t c, size_t from, bool *ret_data)
{
	size_t there = 0, data = 0;
	struct span cell;
	for (size_t r = from; r < s->n_rows; r++) {
		if (c >= s->rows[r].n || cell_is_missing(s->rows[r].cells[c], false))
			continue;
		there++;
		data += is_number(s->rows[r].cells[c]);
	}
	*ret_data = there && data * 2 >= there;
	if (there && !*ret_data)
		*ret_data = column_time_form(s, from, c, span_str(""), false, &cell) || column_time_form(s, from, c, span_str(""), true, &cell);
}

static bool reads_as_data(struct span cell)
{
	struct time_parts p;
	const struct timeform *f;
	if (is_number(cell))
		return true;
	for (unsigned i = 0; (f = timeform_at(i)); i++)
		if (timeform_parse(&p, f, cell) || timeform_parse_clock(&p, f, cell))
			return true;
	return false;
}

/* "name,2019,2020": numbers of a first row that count years are names. */
static bool counts_years(const struct sample_row *row)
{
	int64_t v, last = 0;
	unsigned n = 0;
	for (size_t c = 0; c < row->n; c++) {
		if (!is_number(row->cells[c]))
			continue;
		if (row->cells[c].n != 4 || number_i64(&v, row->cells[c], false) != CELL_OK || v < 1900 || v > 2100 || (n && v != last + 1))
			return false;
		last = v;
		n++;
	}
	return n >= 2;
}

static void look_at_layout(struct layout *ret, const struct sample *s)
{
	*ret = (struct layout){0};
	size_t full = 0, agree = 0;
	for (size_t i = 0; i < s->rows[0].n; i++)
		full += s->rows[0].cells[i].n > 0;
	for (size_t r = 0; r < s->n_rows; r++)
		agree += s->rows[r].n == s->width;
	if (agree * 2 < s->n_rows) {
		ret->no_table = true;
		return;
	}
	if (s->n_rows > 1 && s->width >= 2 && (s->rows[0].n * 2 <= s->width || (full == 1 && s->width >= 3))) {
		ret->title = true;
		return;
	}
	size_t data = 0, text_above = 0, text_second = 0;
	bool first_has_data = false;
	for (size_t c = 0; c < s->width; c++) {
		bool is_data = false;
		struct span first = c < s->rows[0].n ? s->rows[0].cells[c] : span_str("");
		column_kind(s, c, s->n_rows > 1 ? 1 : 0, &is_data);
		first_has_data = first_has_data || reads_as_data(first);
		if (!is_data)
			continue;
		data++;
		text_above += !cell_is_missing(first, false) && !reads_as_data(first);
		if (s->n_rows > 2 && c < s->rows[1].n)
			text_second += !cell_is_missing(s->rows[1].cells[c], false) && !reads_as_data(s->rows[1].cells[c]);
	}
	ret->header = text_above > 0 || !first_has_data || counts_years(&s->rows[0]);
	ret->many_headers = ret->header && text_second > 0 && text_second * 2 > data;
	ret->no_table = s->width < 2 && data == 0;
}

/* ---- names ---- */

static struct span cut(struct span s)
{
	if (s.n <= INTAKE_NAME_MAX)
		return s;
	s.n = INTAKE_NAME_MAX;
	while (s.n && (s.p[s.n] & 0xc0) == 0x80)
		s.n--;
	return cell_trim(s);
}

/* In composed Hangul, line ends as blanks. */
static struct span tidy(struct arena *a, struct span s)
{
	struct buf b;
	buf_init(&b, 0);
	utf8_compose_hangul(&b, s);
	for (size_t i = 0; i < b.n; i++)
		if (b.p[i] < 0x20)
			b.p[i] = ' ';
	struct span r = b.err ? (struct span){0} : arena_dup(a, buf_span(&b));
	buf_free(&b);
	return r;
}

static bool taken(const struct intake_plan *p, size_t c, struct span name)
{
	for (size_t i = 0; i < c; i++)
		if (span_eq(p->columns[i].name, name))
			return true;
	return false;
}

/* Two columns of one name: the later is called by its whole header, or numbered. */
static int make_distinct(struct intake_plan *p, struct arena *a, size_t c)
{
	struct intake_column *col = &p->columns[c];
	if (!taken(p, c, col->name))
		return 0;
	struct span whole = cut(cell_trim(col->header));
	if (!taken(p, c, whole)) {
		col->name = whole;
		return 0;
	}
	for (unsigned k = 2; k < NAME_TRIES + INTAKE_COLUMNS_MAX; k++) {
		char *name = arena_printf(a, "%.*s %u", SPAN_FMT(whole), k);
		if (!name)
			return MO_ENOMEM;
		if (!taken(p, c, span_str(name))) {
			col->name = span_str(name);
			return 0;
		}
	}
	return MO_ELIMIT;
}

static int name_columns(struct intake_plan *p, struct arena *a, const struct sample *s, const char *lang)
{
	const struct sample_row *h = &s->rows[0];
	bool ko = strcmp(lang, "en") != 0;
	for (size_t c = 0; c < p->n_columns; c++) {
		struct intake_column *col = &p->columns[c];
		struct span name;
		col->header = col->unit = span_str("");
		if (p->header_lines && c < h->n) {
			col->header = tidy(a, cut(h->cells[c]));
			if (!col->header.p)
				return MO_ENOMEM;
		}
		header_split(col->header, &name, &col->unit);
		col->name = cut(name);
		if (name.n == 0) {
			char *made = arena_printf(a, ko ? "열 %zu" : "column %zu", c + 1);
			if (!made)
				return MO_ENOMEM;
			col->name = span_str(made);
		}
		int e = make_distinct(p, a, c);
		if (e)
			return e;
		col->signal = col->name;
	}
	return 0;
}

int intake_default_asset(struct span *ret, struct arena *a, const char *file_name)
{
	struct span s = span_str(file_name);
	for (size_t i = s.n; i-- > 0;) {
		if (s.p[i] == '/' || s.p[i] == '\\') {
			s = span_sub(s, i + 1, s.n);
			break;
		}
	}
	for (size_t i = s.n; i-- > 1;) {
		if (s.p[i] == '.') {
			s.n = i;
			break;
		}
	}
	s = tidy(a, cut(intake_undated(cell_trim(s))));
	if (!s.p)
		return MO_ENOMEM;
	*ret = s.n ? s : span_str("data");
	return 0;
}

/* ---- all rows of the head ---- */

struct scan {
	struct col_stats *cols;
	uint64_t rows;
	/* of the time column */
	const struct timeform *form, *other; /* other: day and month exchanged */
	uint64_t reads, other_reads;
	uint64_t back, other_back; /* rows that stand before the one above */
	int64_t last_ns, other_last_ns;
	int64_t last_days, last_clock;
	/* the last time as it stands, and the first 00:00 behind an evening of its date */
	struct time_text {
		char p[INTAKE_TIME_TEXT_MAX];
		size_t n;
	} last_text, before, at;
	uint64_t midnight_line; /* 0: none */
};

static void scan_number(struct col_stats *st, struct span cell, uint64_t row, bool thousands)
{
	double v;
	int64_t i;
	cell = cell_trim(cell);
	enum cell_read k = number_f64(&v, cell, thousands);
	if (k == CELL_MISSING)
		return;
	st->cells++;
	if (k == CELL_BAD) {
		static const char *const words[] = {"true", "false", "True", "False", "TRUE", "FALSE"};
		for (unsigned w = 0; w < 6; w++)
			st->bools += span_is(cell, words[w]);
		return;
	}
	st->numbers++;
	st->codes += number_is_code(cell);
	bool whole = v == (double)(int64_t)(v > -9e18 && v < 9e18 ? v : 0.5);
	st->fractions += !whole;
	if (v >= 9007199254740992.0 || v <= -9007199254740992.0)
		st->big = true;
	if (whole && number_i64(&i, cell, thousands) == CELL_OK) {
		st->integers++;
		st->ascending = row == 1 ? true : st->ascending && i == st->last + 1;
		st->last = i;
	} else {
		st->ascending = false;
	}
}

static bool read_time(struct time_parts *ret, const struct timeform *f, const struct time_choice *t, const struct csv_record *rec)
{
	struct time_parts clock;
	if (t->time >= 0)
		return (size_t)t->time < rec->n && timeform_parse(ret, f, cell_trim(rec->fields[t->time]));
	if ((size_t)t->date >= rec->n || (size_t)t->clock >= rec->n || !timeform_parse_date(ret, f, cell_trim(rec->fields[t->date])) ||
		!timeform_parse_clock(&clock, f, cell_trim(rec->fields[t->clock])))
		return false;
	ret->clock_ns = clock.clock_ns;
	return true;
}

static void time_text(struct time_text *ret, const struct time_choice *t, const struct csv_record *rec)
{
	struct span a = cell_trim(rec->fields[t->time >= 0 ? t->time : t->date]), b = t->time >= 0 ? span_str("") : cell_trim(rec->fields[t->clock]);
	ret->n = 0;
	if (a.n + b.n + 1 > sizeof ret->p) /* no time that can be read is as long */
		return;
	memcpy(ret->p, a.p, a.n);
	ret->n = a.n;
	if (b.n) {
		ret->p[ret->n++] = ' ';
		memcpy(ret->p + ret->n, b.p, b.n);
		ret->n += b.n;
	}
}

/* 00:00 right behind the evening of the same date: which midnight is meant? */
static void scan_midnight(struct scan *s, const struct time_parts *p, const struct time_choice *t, const struct csv_record *rec)
{
	struct time_text now;
	time_text(&now, t, rec);
	if (p->days == s->last_days && p->clock_ns == 0 && s->last_clock >= EVENING_NS && s->midnight_line == 0) {
		s->before = s->last_text;
		s->at = now;
		s->midnight_line = rec->line;
	}
	s->last_text = now;
	s->last_days = p->days;
	s->last_clock = p->clock_ns;
}

static void scan_time(struct scan *s, const struct time_choice *t, const struct csv_record *rec)
{
	struct time_parts p;
	int64_t ns;
	bool read = read_time(&p, s->form, t, rec);
	s->reads += read;
	if (read && time_parts_to_ns(&ns, &p, NULL) == 0) {
		s->back += ns < s->last_ns;
		s->last_ns = ns;
		scan_midnight(s, &p, t, rec);
	}
	if (s->other && read_time(&p, s->other, t, rec)) {
		s->other_reads++;
		if (time_parts_to_ns(&ns, &p, NULL) == 0) {
			s->other_back += ns < s->other_last_ns;
			s->other_last_ns = ns;
		}
		if (!read)
			scan_midnight(s, &p, t, rec);
	}
}

static int scan_head(struct scan *s, const struct intake_plan *p, const struct time_choice *t, struct span text, bool whole)
{
	struct csv_reader *csv;
	struct csv_record rec;
	unsigned skip = p->header_lines;
	int e = csv_reader_new(&csv, p->delimiter);
	if (e)
		return e;
	csv_feed(csv, text);
	if (whole)
		csv_end(csv);
	for (;;) {
		e = csv_next(csv, &rec, NULL);
		if (e == MO_ENOMEM || e == MO_EAGAIN || e == MO_ENOENT)
			break;
		if (e || cells_blank(rec.fields, rec.n))
			continue;
		if (skip) {
			skip--;
			continue;
		}
		s->rows++;
		for (size_t c = 0; c < p->n_columns && c < rec.n; c++)
			if ((int)c != t->time && (int)c != t->date && (int)c != t->clock)
				scan_number(&s->cols[c], rec.fields[c], s->rows, plan_thousands(p));
		if (t->form)
			scan_time(s, t, &rec);
	}
	csv_reader_free(csv);
	return e == MO_ENOMEM ? e : 0;
}

/* More rows that only one of both reads settle it; else the order in which fewer rows go back, and a question; else day first. */
static int settle_time(struct intake_plan *p, struct arena *a, struct time_choice *t, const struct scan *s)
{
	p->question = ASK_NOTHING;
	if (!t->form)
		return 0;
	if (s->other) {
		bool other = s->other_reads != s->reads ? s->other_reads > s->reads : s->other_back < s->back;
		if (s->other_reads == s->reads)
			p->question = ASK_DAY_OR_MONTH;
		if (other)
			t->form = s->other;
	}
	p->time_format = t->form->name;
	if (!s->midnight_line)
		return 0;
	if (p->question == ASK_NOTHING)
		p->question = ASK_MIDNIGHT;
	p->midnight = (struct intake_midnight){arena_dup(a, span_of(s->before.p, s->before.n)), arena_dup(a, span_of(s->at.p, s->at.n)), s->midnight_line};
	return p->midnight.before.p && p->midnight.at.p ? 0 : MO_ENOMEM;
}

static void settle_columns(struct intake_plan *p, const struct time_choice *t, const struct scan *s, bool whole)
{
	for (size_t c = 0; c < p->n_columns; c++) {
		struct intake_column *col = &p->columns[c];
		const struct col_stats *st = &s->cols[c];
		col->use = USE_VALUE;
		col->type = SERIES_F64;
		if ((int)c == t->time) {
			col->use = USE_TIME;
		} else if ((int)c == t->date) {
			col->use = USE_DATE;
		} else if ((int)c == t->clock) {
			col->use = USE_CLOCK;
		} else if (st->cells == 0) {
			if (col->header.n == 0 && whole)
				col->use = USE_IGNORE; /* what a delimiter at the line's end leaves */
		} else if (st->codes == 0 && st->numbers * 10 >= st->cells * 9) {
			if (st->big && st->integers == st->numbers)
				col->type = SERIES_I64;
		} else {
			col->type = st->bools * 10 >= st->cells * 9 ? SERIES_BOOL : SERIES_STR;
		}
		if (col->use == USE_TIME || col->use == USE_DATE || col->use == USE_CLOCK)
			col->type = SERIES_STR;
	}
	/* A table without times whose first column counts its rows: the count is kept, so that a part of the file finds its place. */
	if (!t->form && p->n_columns > 1 && s->rows > 1 && s->cols[0].ascending && s->cols[0].cells == s->rows && s->cols[0].last >= (int64_t)s->rows - 1) {
		p->columns[0].use = USE_NUMBER;
		p->columns[0].type = SERIES_I64;
	}
}

static int refuse(struct diag *d, enum mo_msg msg)
{
	diag_set(d, MO_EINVAL, msg);
	diag_expected(d, "CSV");
	return MO_EINVAL;
}

static int refuse_layout(const struct sample *s, const struct layout *l, struct diag *d)
{
	if (l->no_table)
		return refuse(d, MSG_INTAKE_NO_TABLE);
	if (l->title) {
		int e = refuse(d, MSG_INTAKE_TITLE_LINES);
		diag_line(d, 1, 0);
		diag_value(d, s->rows[0].cells[0]);
		return e;
	}
	if (l->many_headers) {
		int e = refuse(d, MSG_INTAKE_HEADER_LINES);
		diag_line(d, 2, 0);
		for (size_t c = 0; c < s->rows[1].n; c++)
			if (s->rows[1].cells[c].n && !reads_as_data(s->rows[1].cells[c])) {
				diag_value(d, s->rows[1].cells[c]);
				break;
			}
		return e;
	}
	if (l->header && s->n_rows < 2)
		return refuse(d, MSG_INTAKE_NO_ROWS);
	return 0;
}

static int propose(struct intake_plan *p, struct arena *a, struct arena *tmp, const struct head_text *t, const char *file_name, const char *lang, struct diag *d)
{
	struct span text = buf_span(&t->utf8);
	struct sample s;
	struct layout l;
	struct time_choice time;
	struct scan scan = {.last_ns = INT64_MIN, .other_last_ns = INT64_MIN, .last_days = INT64_MIN};
	p->encoding = t->encoding;
	p->delimiter = csv_guess_delimiter(span_sub(text, 0, GUESS_BYTES));
	int e = sample_take(&s, tmp, text, t->whole, p->delimiter, d);
	if (e)
		return e;
	if (s.n_rows == 0 && d && d->msg != MSG_NONE)
		return MO_EINVAL;
	if (s.n_rows == 0)
		return refuse(d, text.n ? MSG_INTAKE_NO_TABLE : MSG_INTAKE_EMPTY);
	diag_clear(d);
	look_at_layout(&l, &s);
	e = refuse_layout(&s, &l, d);
	if (e)
		return e;
	p->header_lines = l.header;
	p->n_columns = l.header && s.rows[0].n > s.width ? s.rows[0].n : s.width;
	if (p->n_columns > INTAKE_COLUMNS_MAX) {
		diag_set(d, MO_EINVAL, MSG_INTAKE_TOO_MANY_COLUMNS);
		diag_int(d, 0, (int64_t)p->n_columns);
		diag_int(d, 1, INTAKE_COLUMNS_MAX);
		return MO_EINVAL;
	}
	p->columns = arena_calloc(a, p->n_columns, sizeof(*p->columns));
	scan.cols = arena_calloc(tmp, p->n_columns, sizeof(*scan.cols));
	if (!p->columns || !scan.cols)
		return MO_ENOMEM;
	e = name_columns(p, a, &s, lang);
	if (e == 0)
		e = intake_default_asset(&p->asset, a, file_name);
	if (e)
		return e;
	time_choose(&time, &s, p->header_lines, p->columns, p->n_columns);
	scan.form = time.form;
	scan.other = time.form ? timeform_swap(time.form) : NULL;
	e = scan_head(&scan, p, &time, text, t->whole);
	if (e)
		return e;
	p->rows_seen = scan.rows;
	e = settle_time(p, a, &time, &scan);
	if (e)
		return e;
	settle_columns(p, &time, &scan, t->whole);
	return time.form ? tags_choose(p, &time, scan.cols, text, t->whole, p->header_lines) : 0;
}

int intake_propose(struct intake_plan *ret, struct arena *a, struct span head, bool whole, const char *file_name, const char *lang, struct diag *d)
{
	struct intake_plan p = {0};
	struct arena tmp;
	struct head_text t;
	arena_init(&tmp, 0);
	diag_clear(d);
	if (head.n > INTAKE_HEAD_MAX) {
		head.n = INTAKE_HEAD_MAX;
		whole = false;
	}
	int e = head_text_make(&t, head, whole, d);
	if (e == 0)
		e = propose(&p, a, &tmp, &t, file_name, lang, d);
	head_text_free(&t);
	arena_free(&tmp);
	if (e == 0)
		*ret = p;
	return e;
}
