/* A plan as JSON, as the page shows and corrects it:
 *
 *   {"encoding":"CP949","delimiter":",","header_lines":1,"asset":"…",
 *    "time":{"columns":[0],"format":"D/M/YYYY h:mm","zone":"Asia/Seoul","question":null,"midnight":null},
 *    "columns":[{"index":0,"name":"…","header":"…","unit":"","use":"time","type":"string","signal":"…"}],
 *    "rows_seen":35040,"remembered":false}
 *
 *   "midnight":{"before":"6/9/2021 23:30","at":"6/9/2021 0:00","line":49} where the file has one
 *
 * Read back, a column's use decides what it is; time.columns, index, rows_seen,
 * question and midnight only inform and are not held against the rest. */
#include "intake/priv/intake.h"

#include "os/crypto.h"

#define ENCODINGS 5u

static const char *const type_names[] = {"?", "float", "integer", "boolean", "string"};

void intake_plan_write(struct json_writer *w, const struct intake_plan *p)
{
	char delimiter[2] = {p->delimiter, '\0'};
	jw_object(w);
	jw_key(w, "encoding");
	jw_cstr(w, text_encoding_name(p->encoding));
	jw_key(w, "delimiter");
	jw_cstr(w, delimiter);
	jw_key(w, "header_lines");
	jw_u64(w, p->header_lines);
	jw_key(w, "asset");
	jw_str(w, p->asset);
	jw_key(w, "time");
	jw_object(w);
	jw_key(w, "columns");
	jw_array(w);
	for (unsigned use = USE_TIME; use <= USE_CLOCK; use++)
		for (size_t c = 0; c < p->n_columns; c++)
			if (p->columns[c].use == use)
				jw_u64(w, c);
	jw_array_end(w);
	jw_key(w, "format");
	jw_cstr(w, p->time_format);
	jw_key(w, "zone");
	if (p->zone.n)
		jw_str(w, p->zone);
	else
		jw_null(w);
	jw_key(w, "question");
	jw_cstr(w, intake_question_name(p->question));
	jw_key(w, "midnight");
	if (p->midnight.line) {
		jw_object(w);
		jw_key(w, "before");
		jw_str(w, p->midnight.before);
		jw_key(w, "at");
		jw_str(w, p->midnight.at);
		jw_key(w, "line");
		jw_u64(w, p->midnight.line);
		jw_object_end(w);
	} else {
		jw_null(w);
	}
	jw_object_end(w);
	jw_key(w, "columns");
	jw_array(w);
	for (size_t c = 0; c < p->n_columns; c++) {
		const struct intake_column *col = &p->columns[c];
		jw_object(w);
		jw_key(w, "index");
		jw_u64(w, c);
		jw_key(w, "name");
		jw_str(w, col->name);
		jw_key(w, "header");
		jw_str(w, col->header);
		jw_key(w, "unit");
		jw_str(w, col->unit);
		jw_key(w, "use");
		jw_cstr(w, intake_use_name(col->use));
		jw_key(w, "type");
		jw_cstr(w, type_names[col->type]);
		jw_key(w, "signal");
		jw_str(w, col->signal);
		jw_object_end(w);
	}
	jw_array_end(w);
	jw_key(w, "rows_seen");
	jw_u64(w, p->rows_seen);
	jw_key(w, "remembered");
	jw_bool(w, p->remembered);
	jw_object_end(w);
}

static int bad_field(struct diag *d, const char *field, struct span value, const char *expected)
{
	diag_set(d, MO_EINVAL, MSG_INTAKE_PLAN_FIELD);
	diag_field(d, span_str(field));
	diag_value(d, value);
	diag_expected(d, expected);
	return MO_EINVAL;
}

/* A string member, or ""; other types are refused. */
static int get_text(const struct json_value *o, const char *name, struct span *ret, struct arena *a, struct diag *d)
{
	struct span s;
	int e = json_get_str(o, name, &s, d);
	if (e == MO_ENOENT)
		s = span_str("");
	else if (e)
		return e;
	if (s.n > SERIES_KEY_MAX / 4)
		return bad_field(d, name, s, "<= 2048 bytes");
	*ret = arena_dup(a, s);
	return ret->p ? 0 : MO_ENOMEM;
}

static int read_column(struct intake_column *ret, struct arena *a, const struct json_value *o, struct diag *d)
{
	struct span use, type;
	int e = get_text(o, "name", &ret->name, a, d);
	if (e == 0)
		e = get_text(o, "header", &ret->header, a, d);
	if (e == 0)
		e = get_text(o, "unit", &ret->unit, a, d);
	if (e == 0)
		e = get_text(o, "signal", &ret->signal, a, d);
	if (e == 0)
		e = get_text(o, "use", &use, a, d);
	if (e == 0)
		e = get_text(o, "type", &type, a, d);
	if (e)
		return e;
	if (ret->signal.n == 0)
		ret->signal = ret->name;
	unsigned u = 0, t = 1;
	while (u <= USE_NUMBER && !span_is(use, intake_use_name((enum intake_use)u)))
		u++;
	if (u > USE_NUMBER)
		return bad_field(d, "columns.use", use, "ignore, time, date, clock, value, tag, number");
	while (t < 5 && !span_is(type, type_names[t]))
		t++;
	if (t == 5 && u == USE_VALUE)
		return bad_field(d, "columns.type", type, "float, integer, boolean, string");
	ret->use = (enum intake_use)u;
	ret->type = t < 5 ? (enum series_type)t : SERIES_STR;
	if (ret->name.n == 0 || ret->signal.n == 0)
		return bad_field(d, ret->name.n ? "columns.signal" : "columns.name", span_str(""), "text");
	return 0;
}

static int read_columns(struct intake_plan *p, struct arena *a, const struct json_value *o, struct diag *d)
{
	const struct json_value *list = json_member(o, "columns");
	if (!list || list->type != JSON_ARRAY)
		return bad_field(d, "columns", span_str(""), "[]");
	for (const struct json_value *c = list->child; c; c = c->next)
		p->n_columns++;
	if (p->n_columns == 0 || p->n_columns > INTAKE_COLUMNS_MAX)
		return bad_field(d, "columns", span_str(""), "1..1024");
	p->columns = arena_calloc(a, p->n_columns, sizeof(*p->columns));
	if (!p->columns)
		return MO_ENOMEM;
	size_t i = 0;
	for (const struct json_value *c = list->child; c; c = c->next) {
		if (c->type != JSON_OBJECT)
			return bad_field(d, "columns", c->text, "{}");
		int e = read_column(&p->columns[i++], a, c, d);
		if (e)
			return e;
	}
	return 0;
}

/* Whatever is not whole is as if it were not there. */
static int read_midnight(struct intake_midnight *ret, struct arena *a, const struct json_value *o)
{
	struct span before, at;
	int64_t line;
	if (json_get_str(o, "before", &before, NULL) != 0 || json_get_str(o, "at", &at, NULL) != 0 || json_get_i64(o, "line", &line, NULL) != 0 || line <= 0 ||
		before.n > INTAKE_TIME_TEXT_MAX || at.n > INTAKE_TIME_TEXT_MAX)
		return 0;
	*ret = (struct intake_midnight){arena_dup(a, before), arena_dup(a, at), (uint64_t)line};
	return ret->before.p && ret->at.p ? 0 : MO_ENOMEM;
}

static int read_time(struct intake_plan *p, struct arena *a, const struct json_value *o, struct diag *d)
{
	const struct json_value *t = json_member(o, "time");
	struct span s;
	p->zone = span_str("");
	if (!t || t->type == JSON_NULL)
		return 0;
	if (t->type != JSON_OBJECT)
		return bad_field(d, "time", t->text, "{}");
	int e = get_text(t, "zone", &p->zone, a, d);
	if (e)
		return e;
	e = json_get_str(t, "format", &s, d);
	if (e == 0) {
		const struct timeform *f = timeform_find(s);
		if (!f)
			return bad_field(d, "time.format", s, "YYYY-MM-DD hh:mm:ss, D/M/YYYY h:mm, ...");
		p->time_format = f->name;
	} else if (e != MO_ENOENT) {
		return e;
	}
	e = json_get_str(t, "question", &s, d);
	if (e && e != MO_ENOENT)
		return e;
	if (e == 0)
		p->question = span_is(s, "month_or_day") ? ASK_DAY_OR_MONTH : span_is(s, "midnight") ? ASK_MIDNIGHT : ASK_NOTHING;
	return read_midnight(&p->midnight, a, json_member(t, "midnight"));
}

static int plan_read(struct intake_plan *p, struct arena *a, const struct json_value *o, struct diag *d)
{
	struct plan_use use;
	struct span s;
	int64_t n = 0;
	if (o->type != JSON_OBJECT)
		return bad_field(d, "plan", o->text, "{}");
	int e = get_text(o, "encoding", &s, a, d);
	if (e)
		return e;
	unsigned enc = 0;
	while (enc < ENCODINGS && !span_is(s, text_encoding_name((enum text_encoding)enc)))
		enc++;
	if (enc == ENCODINGS)
		return bad_field(d, "encoding", s, "UTF-8, UTF-8 (BOM), UTF-16LE, UTF-16BE, CP949");
	p->encoding = (enum text_encoding)enc;
	e = get_text(o, "delimiter", &s, a, d);
	if (e)
		return e;
	if (s.n != 1 || !strchr(",;\t|", s.p[0]) || s.p[0] == 0)
		return bad_field(d, "delimiter", s, ", ; TAB |");
	p->delimiter = (char)s.p[0];
	e = json_get_i64(o, "header_lines", &n, d);
	if (e && e != MO_ENOENT)
		return e;
	if (n < 0 || n > INTAKE_HEADER_LINES_MAX)
		return bad_field(d, "header_lines", json_member(o, "header_lines")->text, "0..100");
	p->header_lines = (unsigned)n;
	e = get_text(o, "asset", &p->asset, a, d);
	if (e)
		return e;
	if (p->asset.n == 0)
		return bad_field(d, "asset", p->asset, "text");
	n = 0;
	e = json_get_i64(o, "rows_seen", &n, d);
	if (e && e != MO_ENOENT)
		return e;
	p->rows_seen = n > 0 ? (uint64_t)n : 0;
	e = json_get_bool(o, "remembered", &p->remembered, d);
	if (e && e != MO_ENOENT)
		return e;
	e = read_time(p, a, o, d);
	if (e == 0)
		e = read_columns(p, a, o, d);
	return e ? e : plan_check(&use, p, d);
}

int intake_plan_read(struct intake_plan *ret, struct arena *a, struct span json, struct diag *d)
{
	struct intake_plan p = {0};
	struct json_value *v;
	diag_clear(d);
	int e = json_parse(&v, a, json, d);
	if (e == 0)
		e = plan_read(&p, a, v, d);
	if (e == 0)
		*ret = p;
	return e;
}

int plan_check(struct plan_use *ret, const struct intake_plan *p, struct diag *d)
{
	struct plan_use u = {-1, -1, -1, -1, NULL};
	size_t values = 0, times = 0, dates = 0, clocks = 0, numbers = 0;
	if (p->n_columns == 0 || p->n_columns > INTAKE_COLUMNS_MAX)
		return bad_field(d, "columns", span_str(""), "1..1024");
	for (size_t c = 0; c < p->n_columns; c++) {
		const struct intake_column *col = &p->columns[c];
		switch (col->use) {
		case USE_IGNORE:
			break;
		case USE_TIME:
			u.time = (int)c;
			times++;
			break;
		case USE_DATE:
			u.date = (int)c;
			dates++;
			break;
		case USE_CLOCK:
			u.clock = (int)c;
			clocks++;
			break;
		case USE_NUMBER:
			u.number = (int)c;
			numbers++;
			break;
		case USE_VALUE:
			values++;
			if (col->type < SERIES_F64 || col->type > SERIES_STR)
				return bad_field(d, "columns.type", span_str(""), "float, integer, boolean, string");
			/* fall through */
		case USE_TAG:
			for (size_t k = 0; k < c; k++) {
				if (p->columns[k].use == col->use && span_eq(p->columns[k].signal, col->signal)) {
					diag_set(d, MO_EINVAL, MSG_INTAKE_PLAN_SIGNAL_TWICE);
					diag_field(d, col->signal);
					return MO_EINVAL;
				}
			}
			break;
		}
	}
	if (values == 0)
		return diag_set(d, MO_EINVAL, MSG_INTAKE_PLAN_NO_VALUES);
	bool none = times + dates + clocks == 0;
	if ((!none && !(times == 1 && dates + clocks == 0) && !(times == 0 && dates == 1 && clocks <= 1)) || numbers > 1 || (numbers && !none))
		return diag_set(d, MO_EINVAL, MSG_INTAKE_PLAN_TIME_COLUMNS);
	if (!none) {
		struct span name = span_str(p->time_format ? p->time_format : "");
		u.form = timeform_find(name);
		if (!u.form || (clocks && u.form->clock == CLOCK_NONE) || (dates && !clocks && u.form->clock != CLOCK_NONE)) {
			diag_set(d, MO_EINVAL, MSG_INTAKE_PLAN_TIME_FORMAT);
			diag_value(d, name);
			return MO_EINVAL;
		}
		if (dates && !clocks) { /* a date alone is a time */
			u.time = u.date;
			u.date = -1;
		}
	}
	*ret = u;
	return 0;
}

int intake_shape(char ret[65], const struct intake_plan *p)
{
	/* docs/formats/csv.md: delimiter, then each header cell's length and bytes; a table without header counts by its width alone. */
	struct buf b, hex;
	uint8_t digest[32];
	buf_init(&b, 0);
	buf_init(&hex, 0);
	buf_adds(&b, "shape 1");
	buf_addc(&b, (uint8_t)p->delimiter);
	buf_varint(&b, p->n_columns);
	for (size_t c = 0; c < p->n_columns; c++) {
		struct span h = p->header_lines ? p->columns[c].header : span_str("");
		buf_varint(&b, h.n);
		buf_add(&b, h);
	}
	int e = b.err ? b.err : sha256_of(digest, buf_span(&b));
	if (e == 0) {
		hex_encode(&hex, span_of(digest, sizeof(digest)));
		e = hex.err;
	}
	if (e == 0) {
		memcpy(ret, hex.p, 64);
		ret[64] = '\0';
	}
	buf_free(&b);
	buf_free(&hex);
	return e;
}
