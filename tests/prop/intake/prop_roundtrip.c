/* A table written in some encoding, delimiter and time form, with missing and
 * wrong cells, reads back as it was, however the bytes are cut. */
#include "cm.h"

#include <stdio.h>
#include <stdlib.h>

#include "../../unit/intake/collect.h"
#include "base/utf8.h"
#include "prop.h"

#define ROWS_MAX 60u
#define COLS_MAX 5u
#define WRONG "x!"

/* A form, and how to write it. */
enum written { W_YMD, W_DMY, W_MDY, W_KOREAN, W_HANGUL, W_COMPACT, W_MONTH, W_EPOCH_S, W_EPOCH_MS, W_AM };
static const struct {
	const char *form, *date; /* printf of three numbers */
	enum written how;
	int clock;               /* 0 none, 1 h:mm, 2 h:mm:ss, 3 with milliseconds */
} forms[] = {
	{"YYYY-MM-DD hh:mm:ss", "%04d-%02d-%02d", W_YMD, 2}, {"YYYY-MM-DD hh:mm", "%04d-%02d-%02d", W_YMD, 1}, {"YYYY-MM-DD", "%04d-%02d-%02d", W_YMD, 0},
	{"YYYY-MM-DD hh:mm:ss", "%04d-%02d-%02d", W_YMD, 3}, {"YYYY/M/D h:mm", "%d/%d/%d", W_YMD, 1}, {"YYYY.M.D h:mm:ss", "%d.%02d.%02d", W_YMD, 2},
	{"YYYY. M. D. 오전 h:mm:ss", "%d. %d. %d.", W_KOREAN, 3}, {"YYYY년 M월 D일 h시 m분 s초", "%d년 %d월 %d일", W_HANGUL, 2}, {"D/M/YYYY h:mm", "%d/%d/%d", W_DMY, 1},
	{"M/D/YYYY h:mm:ss", "%02d/%02d/%d", W_MDY, 2}, {"M/D/YYYY h:mm AM", "%d/%d/%d", W_AM, 1}, {"D.M.YYYY", "%02d.%02d.%d", W_DMY, 0}, {"YYYYMMDD", "%04d%02d%02d", W_COMPACT, 0},
	{"YYYYMMDDhhmmss", "%04d%02d%02d", W_COMPACT, 2}, {"YYYY.MM", "%04d.%02d", W_MONTH, 0}, {"epoch s", "", W_EPOCH_S, 2}, {"epoch ms", "", W_EPOCH_MS, 3},
};
static const char *const texts[] = {"정상", "이상", "a b", "x,y", "x;y\tz|w", "say \"so\"", "two\nlines", "금형교체", "007", "true"};

static void put_time(struct buf *b, size_t f, int64_t utc, int64_t local)
{
	struct civil c;
	char date[64];
	civil_from_ns(&c, local);
	int ms = (int)(c.ns / NS_PER_MS), h = c.hour;
	switch (forms[f].how) {
	case W_EPOCH_S:
		buf_printf(b, "%lld", (long long)(utc / NS_PER_S));
		return;
	case W_EPOCH_MS:
		buf_printf(b, "%lld", (long long)(utc / NS_PER_MS));
		return;
	case W_DMY:
		snprintf(date, sizeof(date), forms[f].date, c.day, c.month, c.year);
		break;
	case W_MDY:
	case W_AM:
		snprintf(date, sizeof(date), forms[f].date, c.month, c.day, c.year);
		break;
	default:
		snprintf(date, sizeof(date), forms[f].date, c.year, c.month, c.day);
		break;
	}
	buf_adds(b, date);
	if (forms[f].clock == 0)
		return;
	if (forms[f].how == W_COMPACT) {
		buf_printf(b, "%02d%02d%02d", h, c.minute, c.second);
		return;
	}
	if (forms[f].how == W_HANGUL) {
		buf_printf(b, " %d시 %d분 %d초", h, c.minute, c.second);
		return;
	}
	if (forms[f].how == W_KOREAN)
		buf_printf(b, " %s", h < 12 ? "오전" : "오후");
	if (forms[f].how == W_KOREAN || forms[f].how == W_AM)
		h = h % 12 ? h % 12 : 12;
	buf_printf(b, " %d:%02d", h, c.minute);
	if (forms[f].clock > 1)
		buf_printf(b, ":%02d", c.second);
	if (forms[f].clock > 2)
		buf_printf(b, ".%03d", ms);
	if (forms[f].how == W_AM)
		buf_adds(b, c.hour < 12 ? " AM" : " PM");
}

static void put_cell(struct buf *b, struct span s, char delimiter, bool quote)
{
	for (size_t i = 0; i < s.n; i++)
		quote = quote || s.p[i] == (uint8_t)delimiter || s.p[i] == '"' || s.p[i] == '\n';
	if (!quote) {
		buf_add(b, s);
		return;
	}
	buf_addc(b, '"');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"')
			buf_addc(b, '"');
		buf_addc(b, s.p[i]);
	}
	buf_addc(b, '"');
}

static int encode(struct buf *out, struct span s, enum text_encoding e)
{
	uint64_t lost;
	uint32_t cp;
	int n;
	switch (e) {
	case TEXT_UTF8_BOM:
		buf_adds(out, "\xef\xbb\xbf");
		/* fall through */
	case TEXT_UTF8:
		buf_add(out, s);
		return out->err;
	case TEXT_CP949:
		return text_encode_cp949(out, s, &lost);
	case TEXT_UTF16LE:
	case TEXT_UTF16BE:
		buf_add(out, e == TEXT_UTF16LE ? SPAN_LIT("\xff\xfe") : SPAN_LIT("\xfe\xff"));
		for (size_t at = 0; (n = utf8_next(span_sub(s, at, s.n), &cp)) > 0; at += (size_t)n) { /* all of them below U+10000 */
			buf_addc(out, (uint8_t)(e == TEXT_UTF16LE ? cp : cp >> 8));
			buf_addc(out, (uint8_t)(e == TEXT_UTF16LE ? cp >> 8 : cp));
		}
		return out->err;
	}
	return MO_EBUG;
}

enum kind { K_NUMBER, K_TEXT, K_TAG };
struct table {
	size_t form, rows, cols;
	enum kind kind[COLS_MAX];
	bool grouped; /* numbers with thousands separators */
	char delimiter;
	int64_t t[ROWS_MAX];
	double v[ROWS_MAX][COLS_MAX];
	const char *s[ROWS_MAX][COLS_MAX]; /* NULL: missing; WRONG: a wrong number */
	size_t wrong;
};

static void draw(struct prop *p, struct table *t)
{
	static const char delimiters[] = ",;\t|";
	static const int64_t steps[] = {NS_PER_S, 60 * NS_PER_S, 900 * NS_PER_S, 3600 * NS_PER_S, NS_PER_DAY};
	t->form = (size_t)prop_below(p, sizeof(forms) / sizeof(forms[0]));
	t->rows = 20 + prop_size(p, ROWS_MAX - 20);
	t->cols = 1 + prop_size(p, COLS_MAX - 1);
	t->delimiter = delimiters[prop_below(p, 4)];
	t->grouped = t->delimiter != ';' && prop_bool(p);
	for (size_t c = 0; c < t->cols; c++)
		t->kind[c] = c ? (enum kind)prop_below(p, 3) : K_NUMBER;
	int64_t at = (int64_t)(1514764800 + prop_below(p, 200000000)) * NS_PER_S;
	int64_t step = steps[prop_below(p, 5)], unit = forms[t->form].clock == 3 ? NS_PER_MS : forms[t->form].clock == 2 ? NS_PER_S : forms[t->form].clock == 1 ? 60 * NS_PER_S : NS_PER_DAY;
	t->wrong = prop_below(p, 3) == 0 ? 1 + (size_t)prop_below(p, t->rows - 1) : 0;
	for (size_t r = 0; r < t->rows; r++) {
		at += step + (forms[t->form].clock == 3 ? (int64_t)prop_below(p, 1000) * NS_PER_MS : 0);
		int64_t local = at + 9 * 3600 * NS_PER_S;
		local -= local % unit;
		if (forms[t->form].how == W_MONTH) {
			struct civil c;
			civil_from_ns(&c, local);
			c.day = 1;
			c.hour = c.minute = c.second = 0;
			c.ns = 0;
			(void)!civil_to_ns(&local, &c);
		}
		t->t[r] = local - 9 * 3600 * NS_PER_S;
		for (size_t c = 0; c < t->cols; c++) {
			t->s[r][c] = prop_below(p, 8) == 0 ? NULL : texts[prop_below(p, sizeof(texts) / sizeof(texts[0]))];
			t->v[r][c] = prop_below(p, 4) ? (double)prop_range(p, -2000000, 2000000) / 100 : prop_f64(p);
		}
		t->s[r][0] = ""; /* the first column is always there */
		if (t->wrong && r == t->wrong)
			t->s[r][0] = WRONG;
	}
}

/* "1,395.5"; plain where that isn't how people would write it. */
static void put_number(struct buf *b, double v, bool grouped)
{
	char text[32];
	size_t n = num_format_f64(text, v), at = text[0] == '-', whole = 0;
	while (at + whole < n && text[at + whole] >= '0' && text[at + whole] <= '9')
		whole++;
	if (!grouped || memchr(text, 'e', n)) {
		buf_add(b, span_of(text, n));
		return;
	}
	for (size_t i = 0; i < n; i++) {
		buf_addc(b, (uint8_t)text[i]);
		if (i >= at && i + 1 < at + whole && (at + whole - i - 1) % 3 == 0)
			buf_addc(b, ',');
	}
}

static void write_table(struct prop *p, const struct table *t, struct buf *out)
{
	const char *end = prop_bool(p) ? "\r\n" : "\n";
	struct buf cell;
	buf_init(&cell, 0);
	buf_adds(out, "측정일시");
	for (size_t c = 0; c < t->cols; c++)
		buf_printf(out, "%c%s%zu", t->delimiter, t->kind[c] == K_NUMBER ? "값" : "이름", c);
	buf_adds(out, end);
	for (size_t r = 0; r < t->rows; r++) {
		buf_reset(&cell);
		put_time(&cell, t->form, t->t[r], t->t[r] + 9 * 3600 * NS_PER_S);
		put_cell(out, buf_span(&cell), t->delimiter, prop_bool(p));
		for (size_t c = 0; c < t->cols; c++) {
			buf_reset(&cell);
			if (!t->s[r][c])
				buf_adds(&cell, t->kind[c] != K_TAG && prop_bool(p) ? "-" : "");
			else if (t->kind[c] != K_NUMBER)
				buf_adds(&cell, t->s[r][c]);
			else if (strcmp(t->s[r][c], WRONG) == 0)
				buf_adds(&cell, WRONG);
			else
				put_number(&cell, t->v[r][c], t->grouped);
			buf_addc(out, (uint8_t)t->delimiter);
			put_cell(out, buf_span(&cell), t->delimiter, prop_below(p, 4) == 0);
		}
		buf_adds(out, end);
		if (prop_below(p, 10) == 0)
			buf_adds(out, end);
	}
	buf_free(&cell);
}

static bool tags_equal(const struct table *t, size_t a, size_t b)
{
	for (size_t c = 0; c < t->cols; c++)
		if (t->kind[c] == K_TAG && strcmp(t->s[a][c] ? t->s[a][c] : "", t->s[b][c] ? t->s[b][c] : ""))
			return false;
	return true;
}

static void want_value(struct buf *out, const struct table *t, size_t r, size_t c)
{
	char num[32];
	size_t n_tags = 0;
	buf_printf(out, "%s%zu", t->kind[c] == K_NUMBER ? "값" : "이름", c);
	for (size_t k = 0; k < t->cols; k++)
		if (t->kind[k] == K_TAG && t->s[r][k])
			buf_printf(out, "%s이름%zu=%s", n_tags++ ? "," : "[", k, t->s[r][k]);
	buf_printf(out, "%s t=%lld ", n_tags ? "]" : "", (long long)t->t[r]);
	if (t->kind[c] == K_NUMBER)
		buf_add(out, span_of(num, num_format_f64(num, t->v[r][c])));
	else
		buf_adds(out, t->s[r][c]);
	buf_adds(out, "\n");
}

/* In the order of groups, then columns, then rows. */
static void want_lines(const struct table *t, struct buf *out)
{
	for (size_t first = 0; first < t->rows; first++) {
		bool seen = false;
		for (size_t r = 0; r < first; r++)
			seen = seen || tags_equal(t, r, first);
		for (size_t c = 0; c < t->cols && !seen; c++) {
			if (t->kind[c] == K_TAG)
				continue;
			for (size_t r = first; r < t->rows; r++)
				if (t->s[r][c] && tags_equal(t, r, first) && !(t->wrong && r == t->wrong))
					want_value(out, t, r, c);
		}
	}
}

static bool roundtrip(struct prop *p, void *arg)
{
	struct table t;
	struct buf text, file, want;
	struct arena a;
	struct intake_plan plan;
	struct collect c = {0};
	struct diag d;
	bool ok = false;
	buf_init(&text, 0);
	buf_init(&file, 0);
	buf_init(&want, 0);
	arena_init(&a, 0);
	draw(p, &t);
	write_table(p, &t, &text);
	enum text_encoding enc = (enum text_encoding)prop_below(p, 5);
	int e = encode(&file, buf_span(&text), enc);
	size_t piece = 1 + prop_size(p, file.n);
	prop_note(p, "form %s, encoding %d, piece %zu\n%.*s", forms[t.form].form, (int)enc, piece, SPAN_FMT(buf_span(&text)));
	if (e == 0)
		e = intake_propose(&plan, &a, buf_span(&file), true, "x.csv", "ko", &d);
	if (e) {
		prop_note(p, "propose: %d, message %d", e, (int)d.msg);
		goto out;
	}
	if (plan.encoding != enc || plan.delimiter != t.delimiter || plan.n_columns != t.cols + 1 || plan.header_lines != 1 || plan.rows_seen != t.rows) {
		prop_note(p, "read as encoding %d, delimiter '%c', %zu columns, %u header lines, %u rows", (int)plan.encoding, plan.delimiter, plan.n_columns, plan.header_lines,
			(unsigned)plan.rows_seen);
		goto out;
	}
	if (!plan.time_format || (plan.question != ASK_DAY_OR_MONTH && strcmp(plan.time_format, forms[t.form].form))) {
		prop_note(p, "time read as %s", plan.time_format ? plan.time_format : "none");
		goto out;
	}
	plan.time_format = forms[t.form].form;
	for (size_t k = 0; k < t.cols; k++) {
		struct intake_column *col = &plan.columns[k + 1];
		if (t.kind[k] == K_NUMBER && (col->use != USE_VALUE || col->type != SERIES_F64)) {
			prop_note(p, "column %zu is no number", k);
			goto out;
		}
		col->use = t.kind[k] == K_TAG ? USE_TAG : USE_VALUE;
		col->type = t.kind[k] == K_NUMBER ? SERIES_F64 : SERIES_STR;
	}
	want_lines(&t, &want);
	e = collect_read(&c, &plan, arg, buf_span(&file), piece, &d);
	ok = e == 0 && span_eq(buf_span(&c.out), buf_span(&want)) && c.counts.rows == t.rows && c.counts.refused == (t.wrong != 0) && c.refused_rows == c.counts.refused;
	prop_note(p, "%d, %u rows, %u refused\n got %.*s\nwant %.*s", e, (unsigned)c.counts.rows, (unsigned)c.counts.refused, SPAN_FMT(buf_span(&c.out)), SPAN_FMT(buf_span(&want)));
out:
	collect_free(&c);
	arena_free(&a);
	buf_free(&want);
	buf_free(&file);
	buf_free(&text);
	return ok;
}

/* Any bytes under any plan: every row is taken or refused, nothing else. */
static bool rows_add_up(struct prop *p, void *arg)
{
	static const char *const pieces[] = {"2021-01-01 10:00", "13/1/2021", ",", ",", ",", "\n", "\n", "\"", "\"\"", "1", "2.5", "-", "x", "가", "\r\n", " ", "\xff"};
	struct buf b;
	struct arena a;
	struct intake_plan plan;
	struct collect c = {0};
	bool ok = true;
	buf_init(&b, 0);
	arena_init(&a, 0);
	buf_adds(&b, "t,v,s\n2021-01-01 10:00,1,a\n2021-01-01 10:01,2,b\n");
	int e = intake_propose(&plan, &a, buf_span(&b), true, "x", "en", NULL);
	for (size_t i = prop_size(p, 200); i > 0; i--)
		buf_adds(&b, pieces[prop_below(p, sizeof(pieces) / sizeof(pieces[0]))]);
	size_t piece = 1 + prop_size(p, b.n);
	prop_note(p, "piece %zu\n%.*s", piece, SPAN_FMT(buf_span(&b)));
	struct collect whole = {0};
	if (e == 0)
		e = collect_read(&c, &plan, arg, buf_span(&b), piece, NULL);
	if (e == 0)
		e = collect_read(&whole, &plan, arg, buf_span(&b), 0, NULL);
	ok = e == 0 && c.counts.refused == c.refused_rows && c.counts.refused <= c.counts.rows &&
		c.counts.values + c.counts.missing == 2 * (c.counts.rows - c.counts.refused) && span_eq(buf_span(&c.out), buf_span(&whole.out)) &&
		span_eq(buf_span(&c.refused), buf_span(&whole.refused));
	collect_free(&whole);
	collect_free(&c);
	arena_free(&a);
	buf_free(&b);
	return ok;
}

static void properties(void **state)
{
	struct zone *seoul;
	(void)state;
	assert_int_equal(zone_fixed(&seoul, 9 * 3600), 0);
	assert_int_equal(prop_check("roundtrip", roundtrip, seoul, 400), 0);
	assert_int_equal(prop_check("rows_add_up", rows_add_up, seoul, 1000), 0);
	zone_free(seoul);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(properties)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
