/* See priv/export.h. Which columns a table has stands with its statement (store/queries_export.c); their names are those of the records' fields. */
#include "node/priv/export.h"

#include <math.h>

#include "base/num.h"
#include "base/utf8.h"
#include "codec/csv.h"
#include "store/store.h"

#define NAME_MAX_BYTES 60u

static const struct export_table tables[] = {
	{"assets.csv", "asset", SQ_EXPORT_ASSETS},
	{"lots.csv", "lot", SQ_EXPORT_LOTS},
	{"links.csv", "link", SQ_EXPORT_LINKS},
	{"operations.csv", "operation", SQ_EXPORT_OPERATIONS},
	{"events.csv", "event", SQ_EXPORT_EVENTS},
	{"characteristics.csv", "characteristic", SQ_EXPORT_CHARACTERISTICS},
	{"states.csv", NULL, SQ_EXPORT_STATES},
	{"cases.csv", NULL, SQ_EXPORT_CASES},
	{"case_history.csv", NULL, SQ_EXPORT_CASE_HISTORY},
	{"blobs.csv", NULL, SQ_EXPORT_BLOBS},
	{"signals.csv", NULL, -1},
};
static const char *const signal_columns[] = {"asset", "signal", "label", "unit", "type", "kind", "source", "series", "file"};

const struct export_table *export_tables(size_t *ret_n)
{
	*ret_n = sizeof tables / sizeof *tables;
	return tables;
}

const char *export_column(const struct export_table *t, size_t i)
{
	if (t->query < 0)
		return i < sizeof signal_columns / sizeof *signal_columns ? signal_columns[i] : NULL;
	const struct store_query_def *def = store_query_def((enum store_query)t->query);
	return i < def->n_cols && def->cols[i].type != COL_BYTES ? def->cols[i].name : NULL;
}

/* ---- CSV ---- */

void export_csv_header(struct buf *out, const struct export_table *t)
{
	const char *name;
	csv_write_bom(out);
	for (size_t i = 0; (name = export_column(t, i)); i++)
		csv_write_text(out, span_str(name), i == 0);
	csv_write_end(out);
}

static void write_time(struct buf *out, int64_t t_ns, bool first)
{
	char text[32];
	csv_write_text(out, t_ns == T_NONE ? span_of("", 0) : span_of(text, rfc3339_format(text, t_ns)), first);
}

static void write_int(struct buf *out, int64_t v, bool first)
{
	char text[24];
	if (!first)
		buf_addc(out, ',');
	buf_add(out, span_of(text, num_format_i64(text, v)));
}

static void write_cell(struct buf *out, const struct col_def *def, const struct col *c, size_t i, bool first)
{
	if (c->null && c->null[i]) {
		csv_write_text(out, span_of("", 0), first);
		return;
	}
	switch (def->type) {
	case COL_BOOL: csv_write_text(out, span_str(c->b[i] ? "true" : "false"), first); break;
	case COL_I64: write_int(out, c->i64[i], first); break;
	case COL_F64: csv_write_f64(out, c->f64[i], first); break;
	case COL_TIME: write_time(out, c->i64[i], first); break;
	case COL_STR:
	case COL_JSON: csv_write_text(out, c->str[i], first); break;
	case COL_BYTES: break;
	}
}

void export_csv_rows(struct buf *out, const struct table_cursor *c, const struct table_batch *b)
{
	for (size_t i = 0; i < b->n_rows; i++) {
		for (size_t k = 0; k < c->n_cols; k++)
			if (c->cols[k].type != COL_BYTES)
				write_cell(out, &c->cols[k], &b->cols[k], i, k == 0);
		csv_write_end(out);
	}
}

void export_csv_signal(struct buf *out, const struct span *cells)
{
	for (size_t i = 0; i < sizeof signal_columns / sizeof *signal_columns; i++)
		csv_write_text(out, cells[i], i == 0);
	csv_write_end(out);
}

/* ---- lines ---- */

/* Columns that are no fields of a record: what the node gave of its own. */
static bool is_own(const char *name) { return strcmp(name, "uuid") == 0 || strcmp(name, "arrival") == 0 || strcmp(name, "declared") == 0; }

static void write_member(struct json_writer *w, const char *name, const struct col_def *def, const struct col *c, size_t i)
{
	jw_key(w, name);
	switch (def->type) {
	case COL_BOOL: jw_bool(w, c->b[i] != 0); break;
	case COL_I64: jw_i64(w, c->i64[i]); break;
	case COL_F64: jw_f64(w, c->f64[i]); break;
	case COL_TIME: jw_time(w, c->i64[i]); break;
	case COL_STR: jw_str(w, c->str[i]); break;
	case COL_JSON: jw_raw(w, c->str[i]); break;
	case COL_BYTES: jw_null(w); break;
	}
}

/* "lot_firm" and "lot_number" beside each other are the field "lot". Gives the length of "lot", or 0. */
static size_t lot_field(const struct table_cursor *c, size_t k)
{
	const char *name = c->cols[k].name;
	size_t n = strlen(name);
	return n > 5 && strcmp(name + n - 5, "_firm") == 0 && k + 1 < c->n_cols ? n - 5 : 0;
}

static bool is_null(const struct table_batch *b, size_t k, size_t i) { return b->cols[k].null && b->cols[k].null[i]; }

bool export_line(struct buf *out, const struct export_table *t, const struct table_cursor *c, const struct table_batch *b, size_t i)
{
	struct json_writer w;
	char name[32];
	for (size_t k = 0; k < c->n_cols; k++)
		if (strcmp(c->cols[k].name, "declared") == 0 && !b->cols[k].b[i])
			return false;
	json_writer_init(&w, out);
	jw_object(&w);
	jw_key(&w, "type");
	jw_cstr(&w, t->type);
	for (size_t k = 0; k < c->n_cols; k++) {
		size_t lot = lot_field(c, k);
		if (is_own(c->cols[k].name) || is_null(b, k, i))
			continue;
		if (lot) {
			memcpy(name, c->cols[k].name, lot);
			name[lot] = 0;
			jw_key(&w, name);
			jw_object(&w);
			write_member(&w, "firm", &c->cols[k], &b->cols[k], i);
			write_member(&w, "number", &c->cols[k + 1], &b->cols[k + 1], i);
			jw_object_end(&w);
		} else if (k == 0 || !lot_field(c, k - 1)) {
			write_member(&w, c->cols[k].name, &c->cols[k], &b->cols[k], i);
		}
	}
	jw_object_end(&w);
	buf_addc(out, '\n');
	return true;
}

/* ---- values ---- */

static const char *quality_word(uint8_t q) { return q_is_bad(q) ? "bad" : q ? "uncertain" : "good"; }

void export_values_header(struct buf *out, const struct series_def *def)
{
	csv_write_bom(out);
	buf_adds(out, "time,value,unit,quality,quality_code,arrived");
	if (def->kind == SERIES_SEQUENCE)
		buf_adds(out, ",cycle");
	csv_write_end(out);
}

void export_values(struct buf *out, const struct series_def *def, struct span unit, const struct sdb_batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		write_time(out, b->t_ns[i], true);
		switch (def->type) {
		case SERIES_F64: csv_write_f64(out, b->f64[i], false); break;
		case SERIES_I64: write_int(out, b->i64[i], false); break;
		case SERIES_BOOL: csv_write_text(out, span_str(b->b[i] ? "true" : "false"), false); break;
		case SERIES_STR: csv_write_text(out, b->str[i], false); break;
		}
		csv_write_text(out, unit, false);
		csv_write_text(out, span_str(quality_word(b->quality ? b->quality[i] : (uint8_t)Q_GOOD)), false);
		write_int(out, b->quality ? b->quality[i] : Q_GOOD, false);
		write_time(out, b->arrival_ns ? b->arrival_ns[i] : T_NONE, false);
		if (def->kind == SERIES_SEQUENCE)
			buf_printf(out, ",%llu", (unsigned long long)(b->seq ? b->seq[i] : 0));
		csv_write_end(out);
	}
}

/* ---- settings ---- */

static bool is_secret(struct span name)
{
	static const char *const words[] = {"password", "passwd", "passphrase", "secret", "token", "credential", "private", "apikey", "api_key"};
	char low[64];
	size_t n = name.n < sizeof low - 1 ? name.n : sizeof low - 1;
	for (size_t i = 0; i < n; i++)
		low[i] = name.p[i] >= 'A' && name.p[i] <= 'Z' ? (char)(name.p[i] + 32) : (char)name.p[i];
	low[n] = 0;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strstr(low, words[i]))
			return true;
	return strcmp(low, "key") == 0;
}

/* Depth is that of the JSON reader, which is bounded. */
static void copy_value(struct json_writer *w, const struct json_value *v)
{
	if (v->type == JSON_OBJECT) {
		jw_object(w);
		for (const struct json_value *m = v->child; m; m = m->next) {
			if (is_secret(m->name))
				continue;
			jw_key_span(w, m->name);
			copy_value(w, m);
		}
		jw_object_end(w);
	} else if (v->type == JSON_ARRAY) {
		jw_array(w);
		for (const struct json_value *m = v->child; m; m = m->next)
			copy_value(w, m);
		jw_array_end(w);
	} else {
		jw_value(w, v);
	}
}

int export_settings(struct json_writer *w, struct span json, struct diag *d)
{
	struct arena a;
	struct json_value *root;
	arena_init(&a, 0);
	int err = json_parse(&root, &a, json, d);
	if (err == 0)
		copy_value(w, root);
	arena_free(&a);
	return err;
}

/* ---- names ---- */

void export_name(struct buf *out, struct span name)
{
	size_t start = out->n;
	uint32_t cp;
	for (size_t i = 0; i < name.n;) {
		int n = utf8_next(span_sub(name, i, name.n - i), &cp);
		size_t bytes = n > 0 ? (size_t)n : 1;
		bool bad = n <= 0 || cp < 0x20 || cp == 0x7f || (cp < 0x80 && strchr("<>:\"/\\|?*", (int)cp)) || (cp == '.' && (i == 0 || i + 1 == name.n)) ||
			(cp == ' ' && (i == 0 || i + 1 == name.n));
		if (out->n - start + bytes > NAME_MAX_BYTES)
			break;
		if (bad)
			buf_addc(out, '_');
		else
			buf_add(out, span_sub(name, i, bytes));
		i += bytes;
	}
	if (out->n == start)
		buf_addc(out, '_');
}
