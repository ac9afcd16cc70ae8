/* Signals and their values. */
#include "api/priv/api.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/num.h"
#include "codec/csv.h"

#define VALUES_MAX 10000
#define CHART_MAX 4000
#define LAST_MAX 200u /* as many as an address holds */

const char *api_quality(uint8_t q) { return q_is_bad(q) ? "bad" : q ? "uncertain" : "good"; }

static const char *const type_names[] = {"", "float", "integer", "boolean", "string"};
static const char *const kind_names[] = {"", "clock", "sequence"};

/* A number of the store's as an index, 0 where it is none. */
static size_t name_index(int64_t v, int64_t max) { return v >= 0 && v <= max ? (size_t)v : 0; }

/* Milliseconds with as many decimals as are exact. */
static void time_ms(struct json_writer *w, int64_t t_ns)
{
	struct buf b;
	if (t_ns % NS_PER_MS == 0) {
		jw_i64(w, t_ns / NS_PER_MS);
		return;
	}
	buf_init(&b, 64);
	int64_t ms = t_ns / NS_PER_MS, rest = t_ns % NS_PER_MS;
	buf_printf(&b, "%s%lld.%06lld", t_ns < 0 ? "-" : "", llabs(ms), llabs(rest));
	while (b.n && b.p[b.n - 1] == '0')
		b.n--;
	jw_raw(w, buf_span(&b));
	buf_free(&b);
}

static void last_members(struct api_call *c, series_id id)
{
	struct sdb_point p;
	struct json_writer *w = &c->w;
	bool have = sdb_last(node_sdb(c->node), id, &p) == 0;
	if (have && p.type == SERIES_STR)
		p.v.str.p = (const uint8_t *)p.str;
	jw_key(w, "t");
	jw_time(w, have ? p.t_ns : T_NONE);
	jw_key(w, "value");
	if (have)
		live_value(w, &p);
	else
		jw_null(w);
	jw_key(w, "quality");
	jw_cstr(w, have ? api_quality(p.quality) : NULL);
	jw_key(w, "seq");
	if (have && p.seq)
		jw_u64(w, p.seq);
	else
		jw_null(w);
}

/* One signal row with its last value. */
static void signal_object(struct api_call *c, const struct table_cursor *cur, const struct table_batch *b, size_t i)
{
	struct json_writer *w = &c->w;
	size_t at = api_column(cur, "series"), at_asset = api_column(cur, "asset");
	size_t at_type = api_column(cur, "type"), at_kind = api_column(cur, "kind");
	struct uuid u;
	series_id id = 0;
	if (uuid_parse(&u, b->cols[at].str[i]) == 0 && sdb_find_uuid(node_sdb(c->node), &u, &id) != 0)
		id = 0;
	static const char *const plain[] = {"asset", "name", "label", "unit", "source"};
	jw_key(w, "id");
	jw_str(w, b->cols[at].str[i]);
	for (size_t k = 0; k < sizeof plain / sizeof *plain; k++) {
		size_t col = api_column(cur, plain[k]);
		jw_key(w, plain[k]);
		if (b->cols[col].null && b->cols[col].null[i])
			jw_cstr(w, "");
		else
			jw_str(w, b->cols[col].str[i]);
	}
	jw_key(w, "type");
	jw_cstr(w, type_names[name_index(b->cols[at_type].i64[i], 4)]);
	jw_key(w, "kind");
	jw_cstr(w, kind_names[name_index(b->cols[at_kind].i64[i], 2)]);
	jw_key(w, "last");
	if (id) {
		jw_object(w);
		last_members(c, id);
		jw_object_end(w);
	} else {
		jw_null(w);
	}
	jw_key(w, "stale");
	jw_bool(w, collect_stale(node_collect(c->node), b->cols[at_asset].str[i]));
}

int get_signals(struct api_call *c)
{
	struct table_cursor *cur = NULL;
	struct table_batch b = {0};
	int64_t limit, after = 0, rows = 0, last = 0;
	struct span asset = api_param(c, "asset");
	int err = api_param_i64(c, "limit", API_PAGE_MAX, 1, API_PAGE_MAX, &limit);
	if (err == 0)
		err = api_param_i64(c, "cursor", 0, 0, INT64_MAX, &after);
	struct store_arg a[] = {asset.n ? sarg_s(asset) : sarg_null(), sarg_i(after), sarg_i(limit)};
	if (err == 0)
		err = store_select(c->reader, &cur, SQ_SIGNALS, a, 3, c->d);
	if (err != 0)
		return err;
	jw_object(&c->w);
	jw_key(&c->w, "items");
	jw_array(&c->w);
	while ((err = table_next(cur, &b, c->d)) == 0 && b.n_rows) {
		for (size_t i = 0; i < b.n_rows; i++) {
			jw_object(&c->w);
			signal_object(c, cur, &b, i);
			jw_object_end(&c->w);
			last = b.cols[0].i64[i];
		}
		rows += (int64_t)b.n_rows;
	}
	jw_array_end(&c->w);
	jw_key(&c->w, "next");
	char next[24];
	next[num_format_i64(next, last)] = 0;
	jw_cstr(&c->w, rows >= limit ? next : NULL);
	jw_object_end(&c->w);
	table_close(cur);
	return err;
}

int get_series(struct api_call *c)
{
	series_id id;
	struct sdb_extent e;
	struct table_cursor *cur = NULL;
	struct table_batch b;
	int err = api_param_series(c, "id", &id);
	if (err != 0)
		return err;
	struct store_arg a[] = {sarg_s(api_param(c, "id"))};
	err = store_select(c->reader, &cur, SQ_SIGNAL, a, 1, c->d);
	if (err == 0 && (err = table_next(cur, &b, c->d)) == 0 && b.n_rows == 0)
		err = diag_set(c->d, MO_ENOENT, MSG_API_NOT_FOUND);
	if (err == 0)
		err = sdb_extent(node_sdb(c->node), id, &e, c->d);
	if (err == 0) {
		jw_object(&c->w);
		signal_object(c, cur, &b, 0);
		jw_key(&c->w, "points");
		jw_u64(&c->w, e.points);
		jw_key(&c->w, "first");
		jw_time(&c->w, e.points ? e.first_ns : T_NONE);
		jw_key(&c->w, "last_t");
		jw_time(&c->w, e.points ? e.last_ns : T_NONE);
		jw_object_end(&c->w);
	}
	table_close(cur);
	return err;
}

static void value_at(struct json_writer *w, const struct sdb_batch *b, enum series_type type, size_t i)
{
	switch (type) {
	case SERIES_F64: jw_f64(w, b->f64[i]); break;
	case SERIES_I64: jw_i64(w, b->i64[i]); break;
	case SERIES_BOOL: jw_bool(w, b->b[i]); break;
	case SERIES_STR: jw_str(w, b->str[i]); break;
	}
}

/* Values kept for one page: JSON arrays are written one after another from it. */
struct page {
	int64_t *t, *arrival;
	uint64_t *seq;
	uint8_t *q;
	struct span *v; /* JSON text of each value, arena's */
	size_t n;
	bool any_quality;
};

static int fill_page(struct api_call *c, struct page *p, series_id id, enum series_type type, const struct sdb_range *r, int64_t limit, int64_t after_t,
	uint64_t after_seq)
{
	struct sdb_cursor *cur;
	struct sdb_batch b;
	size_t cap = (size_t)limit + 1;
	p->t = arena_alloc(&c->arena, cap * sizeof *p->t);
	p->arrival = arena_alloc(&c->arena, cap * sizeof *p->arrival);
	p->seq = arena_alloc(&c->arena, cap * sizeof *p->seq);
	p->q = arena_alloc(&c->arena, cap);
	p->v = arena_alloc(&c->arena, cap * sizeof *p->v);
	if (!p->t || !p->arrival || !p->seq || !p->q || !p->v)
		return MO_ENOMEM;
	int err = sdb_read(node_sdb(c->node), &cur, id, r, c->d);
	if (err != 0)
		return err;
	struct buf one;
	buf_init(&one, 0);
	while (p->n < cap && (err = sdb_next(cur, &b, c->d)) == 0 && b.n) {
		for (size_t i = 0; i < b.n && p->n < cap; i++) {
			uint64_t seq = b.seq ? b.seq[i] : 0;
			if (after_t != T_NONE && b.t_ns[i] == after_t && (r->descending ? seq >= after_seq : seq <= after_seq))
				continue;
			struct json_writer w;
			buf_reset(&one);
			json_writer_init(&w, &one);
			value_at(&w, &b, type, i);
			p->t[p->n] = b.t_ns[i];
			p->seq[p->n] = seq;
			p->q[p->n] = b.quality ? b.quality[i] : 0;
			p->arrival[p->n] = b.arrival_ns ? b.arrival_ns[i] : T_NONE;
			p->v[p->n] = arena_dup(&c->arena, buf_span(&one));
			p->any_quality |= p->q[p->n] != 0;
			if (one.err || !p->v[p->n].p) {
				err = MO_ENOMEM;
				break;
			}
			p->n++;
		}
		if (err != 0)
			break;
	}
	buf_free(&one);
	sdb_cursor_close(cur);
	return err;
}

static void write_csv(struct api_call *c, const struct page *p, size_t n, const struct series_def *def)
{
	c->content = "text/csv; charset=utf-8";
	c->disposition = "attachment; filename=\"values.csv\"";
	csv_write_bom(&c->out);
	csv_write_text(&c->out, SPAN_LIT("time"), true);
	csv_write_text(&c->out, SPAN_LIT("value"), false);
	csv_write_text(&c->out, SPAN_LIT("unit"), false);
	csv_write_text(&c->out, SPAN_LIT("quality"), false);
	if (def->kind == SERIES_SEQUENCE)
		csv_write_text(&c->out, SPAN_LIT("cycle"), false);
	csv_write_end(&c->out);
	for (size_t i = 0; i < n; i++) {
		char t[32];
		size_t len = rfc3339_format(t, p->t[i]);
		csv_write_text(&c->out, span_of(t, len), true);
		if (def->type == SERIES_STR) {
			struct json_value *v;
			struct arena a;
			arena_init(&a, 0);
			csv_write_text(&c->out, json_parse(&v, &a, p->v[i], NULL) == 0 ? v->text : SPAN_LIT(""), false);
			arena_free(&a);
		} else {
			buf_addc(&c->out, ',');
			buf_add(&c->out, p->v[i]);
		}
		csv_write_text(&c->out, def->unit, false);
		csv_write_text(&c->out, span_str(api_quality(p->q[i])), false);
		if (def->kind == SERIES_SEQUENCE)
			buf_printf(&c->out, ",%llu", (unsigned long long)p->seq[i]);
		csv_write_end(&c->out);
	}
}

/* The unit as the signal's row has it: a push device's document may have said it after the series was made. */
static int row_unit(struct api_call *c, struct series_def *def)
{
	struct table_cursor *cur = NULL;
	struct table_batch b;
	char id[UUID_TEXT];
	uuid_format(id, &def->uuid);
	struct store_arg a[] = {sarg_s(span_str(id))};
	int err = store_select(c->reader, &cur, SQ_SIGNAL, a, 1, c->d);
	if (err == 0 && (err = table_next(cur, &b, c->d)) == 0 && b.n_rows) {
		const struct col *unit = &b.cols[api_column(cur, "unit")];
		def->unit = unit->null && unit->null[0] ? SPAN_LIT("") : arena_dup(&c->arena, unit->str[0]);
		if (!def->unit.p)
			err = diag_set(c->d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	}
	table_close(cur);
	return err;
}

int get_values(struct api_call *c)
{
	series_id id;
	struct series_def def;
	int64_t limit, after_t = T_NONE, after_seq = 0;
	struct sdb_range r = {0};
	int err = api_param_series(c, "id", &id);
	if (err == 0)
		err = sdb_get_def(node_sdb(c->node), id, &def);
	if (err == 0)
		err = api_param_time(c, "from", INT64_MIN, &r.from_ns);
	if (err == 0)
		err = api_param_time(c, "to", INT64_MAX, &r.to_ns);
	if (err == 0)
		err = api_param_i64(c, "limit", 1000, 1, VALUES_MAX, &limit);
	if (err != 0)
		return err;
	r.descending = span_is(api_param(c, "order"), "desc");
	r.want_arrival = span_is(api_param(c, "arrival"), "1");
	struct span cursor = api_param(c, "cursor");
	if (cursor.n) {
		size_t colon = span_find(cursor, 0, ':');
		if (num_i64(&after_t, span_sub(cursor, 0, colon)) != 0 || num_i64(&after_seq, span_sub(cursor, colon + 1, cursor.n)) != 0) {
			diag_set(c->d, MO_EINVAL, MSG_API_PARAM);
			diag_field(c->d, SPAN_LIT("cursor"));
			diag_value(c->d, cursor);
			return MO_EINVAL;
		}
		if (r.descending)
			r.to_ns = after_t == INT64_MAX ? after_t : after_t + 1;
		else
			r.from_ns = after_t;
	}
	struct page p = {0};
	err = fill_page(c, &p, id, def.type, &r, limit, after_t, (uint64_t)after_seq);
	if (err != 0)
		return err;
	size_t n = p.n > (size_t)limit ? (size_t)limit : p.n;
	struct span format = api_param(c, "format"), accept = api_header(c, "Accept");
	if (format.n ? span_is(format, "csv") : span_starts(accept, "text/csv")) {
		err = row_unit(c, &def);
		if (err == 0)
			write_csv(c, &p, n, &def);
		return err;
	}
	struct json_writer *w = &c->w;
	jw_object(w);
	jw_key(w, "t_ms");
	jw_array(w);
	for (size_t i = 0; i < n; i++)
		time_ms(w, p.t[i]);
	jw_array_end(w);
	jw_key(w, "seq");
	if (def.kind == SERIES_SEQUENCE) {
		jw_array(w);
		for (size_t i = 0; i < n; i++)
			jw_u64(w, p.seq[i]);
		jw_array_end(w);
	} else {
		jw_null(w);
	}
	jw_key(w, "v");
	jw_array(w);
	for (size_t i = 0; i < n; i++)
		jw_raw(w, p.v[i]);
	jw_array_end(w);
	jw_key(w, "q");
	if (p.any_quality) {
		jw_array(w);
		for (size_t i = 0; i < n; i++)
			jw_cstr(w, api_quality(p.q[i]));
		jw_array_end(w);
	} else {
		jw_null(w);
	}
	if (r.want_arrival) {
		jw_key(w, "arrival_ms");
		jw_array(w);
		for (size_t i = 0; i < n; i++)
			time_ms(w, p.arrival[i]);
		jw_array_end(w);
	}
	jw_key(w, "next");
	if (p.n > n) {
		char next[64];
		snprintf(next, sizeof next, "%lld:%llu", (long long)p.t[n - 1], (unsigned long long)p.seq[n - 1]);
		jw_cstr(w, next);
	} else {
		jw_null(w);
	}
	jw_object_end(w);
	return 0;
}

int get_chart(struct api_call *c)
{
	series_id id;
	struct series_def def;
	struct sdb_extent e;
	int64_t from, to, width;
	int err = api_param_series(c, "id", &id);
	if (err == 0)
		err = sdb_get_def(node_sdb(c->node), id, &def);
	if (err == 0)
		err = sdb_extent(node_sdb(c->node), id, &e, c->d);
	if (err == 0)
		err = api_param_time(c, "from", e.points ? e.first_ns : 0, &from);
	if (err == 0)
		err = api_param_time(c, "to", e.points && e.last_ns < INT64_MAX ? e.last_ns + 1 : 1, &to);
	if (err == 0)
		err = api_param_i64(c, "width", 800, 1, CHART_MAX, &width);
	if (err != 0)
		return err;
	assert(width > 0);
	if (def.type == SERIES_STR)
		return diag_set(c->d, MO_ESTATE, MSG_API_NO_CHART);
	if (to <= from)
		to = from + 1;
	size_t n = (size_t)width;
	struct sdb_bin *bins = arena_alloc(&c->arena, n * sizeof *bins);
	if (!bins)
		return MO_ENOMEM;
	err = sdb_chart(node_sdb(c->node), id, from, to, n, bins, c->d);
	if (err != 0)
		return err;
	bool raw = true;
	for (size_t i = 0; i < n; i++)
		raw &= bins[i].count <= 1;
	/* Whole milliseconds say enough of a wide bin; rows of a file are nanoseconds apart. */
	int64_t unit_ns = ((__int128)to - from) / width >= NS_PER_MS ? NS_PER_MS : 1;
	struct json_writer *w = &c->w;
	jw_object(w);
	jw_key(w, "from");
	jw_time(w, from);
	jw_key(w, "to");
	jw_time(w, to);
	jw_key(w, "width");
	jw_i64(w, width);
	static const char *const keys[] = {"t_ms", "min", "max", "mean", "n", "bad"};
	for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
		jw_key(w, keys[k]);
		jw_array(w);
		for (size_t i = 0; i < n; i++) {
			const struct sdb_bin *b = &bins[i];
			if (b->count == 0 && b->bad == 0)
				continue;
			double mean = b->count ? b->sum / (double)b->count : (double)NAN;
			switch (k) {
			case 0:
				if (b->count == 1)
					time_ms(w, b->first_ns);
				else
					time_ms(w, (int64_t)(from + (((__int128)to - from) * (2 * (int64_t)i + 1)) / ((__int128)2 * width)) / unit_ns * unit_ns);
				break;
			case 1: jw_f64(w, b->min); break;
			case 2: jw_f64(w, b->max); break;
			case 3: jw_f64(w, mean); break;
			case 4: jw_u64(w, b->count); break;
			default: jw_u64(w, b->bad); break;
			}
		}
		jw_array_end(w);
	}
	jw_key(w, "raw");
	jw_bool(w, raw);
	jw_object_end(w);
	return 0;
}

/* The key says whose signal it is, so that the loop need not ask the store. */
static bool is_stale(struct api_call *c, series_id id)
{
	struct series_def def;
	struct buf asset, field;
	buf_init(&asset, 0);
	buf_init(&field, 0);
	bool stale = false;
	if (sdb_get_def(node_sdb(c->node), id, &def) == 0) {
		series_key_read(def.key, &asset, &field);
		stale = collect_stale(node_collect(c->node), buf_span(&asset));
	}
	buf_free(&asset);
	buf_free(&field);
	return stale;
}

int get_last(struct api_call *c)
{
	struct span list = api_param(c, "series");
	struct json_writer *w = &c->w;
	unsigned n = 0;
	jw_object(w);
	jw_key(w, "items");
	jw_array(w);
	for (size_t i = 0; i < list.n;) {
		size_t comma = span_find(list, i, ',');
		struct span one = span_sub(list, i, comma - i);
		struct uuid u;
		series_id id;
		i = comma + 1;
		if (++n > LAST_MAX)
			return diag_set(c->d, MO_ELIMIT, MSG_API_PARAMS);
		if (uuid_parse(&u, one) != 0 || sdb_find_uuid(node_sdb(c->node), &u, &id) != 0) {
			diag_set(c->d, MO_ENOENT, MSG_API_NO_SERIES);
			diag_value(c->d, one);
			return MO_ENOENT;
		}
		jw_object(w);
		jw_key(w, "id");
		jw_str(w, one);
		last_members(c, id);
		jw_key(w, "stale");
		jw_bool(w, is_stale(c, id));
		jw_object_end(w);
	}
	jw_array_end(w);
	jw_object_end(w);
	return 0;
}
