/* See sql_text.h; and POST /api/v1/sql, which `moru sql` asks when the folder is served. */
#include "api/sql_text.h"

#include <stdlib.h>

#include "api/priv/api.h"
#include "base/num.h"
#include "codec/csv.h"

#define SQL_DEADLINE_NS (30 * NS_PER_S) /* of a statement that a running node is asked for */

int sql_format_parse(enum sql_format *ret, struct span name)
{
	static const char *const names[SQL_FORMATS] = {"table", "csv", "json"};
	*ret = SQL_AS_TABLE;
	for (int i = 0; i < SQL_FORMATS; i++)
		if (span_is(name, names[i])) {
			*ret = (enum sql_format)i;
			return 0;
		}
	return name.n ? MO_EINVAL : 0;
}

static void cell_text(struct buf *b, enum col_type t, const struct col *c, size_t i)
{
	char tmp[64];
	if (c->null && c->null[i])
		return;
	switch (t) {
	case COL_BOOL: buf_adds(b, c->b[i] ? "true" : "false"); break;
	case COL_I64: buf_add(b, span_of(tmp, num_format_i64(tmp, c->i64[i]))); break;
	case COL_F64: buf_add(b, span_of(tmp, num_format_f64(tmp, c->f64[i]))); break;
	case COL_TIME: buf_add(b, span_of(tmp, rfc3339_format(tmp, c->i64[i]))); break;
	case COL_STR:
	case COL_JSON:
	case COL_BYTES: buf_add(b, c->str[i]); break;
	}
}

static void write_row(struct buf *out, enum sql_format f, const struct table_cursor *cur, const struct table_batch *b, size_t i)
{
	struct json_writer w;
	struct buf cell;
	buf_init(&cell, 0);
	json_writer_init(&w, out);
	if (f == SQL_AS_JSON)
		jw_object(&w);
	for (size_t k = 0; k < cur->n_cols; k++) {
		const struct col *c = &b->cols[k];
		enum col_type t = cur->cols[k].type;
		buf_reset(&cell);
		cell_text(&cell, t, c, i);
		if (f == SQL_AS_JSON) {
			jw_key(&w, cur->cols[k].name);
			if (c->null && c->null[i])
				jw_null(&w);
			else if (t == COL_I64 || t == COL_BOOL || t == COL_JSON)
				jw_raw(&w, buf_span(&cell));
			else if (t == COL_F64)
				jw_f64(&w, c->f64[i]);
			else
				jw_str(&w, buf_span(&cell));
		} else if (f == SQL_AS_CSV && (t == COL_F64 || t == COL_I64)) {
			if (k)
				buf_addc(out, ',');
			buf_add(out, buf_span(&cell));
		} else if (f == SQL_AS_CSV) {
			csv_write_text(out, buf_span(&cell), k == 0);
		} else {
			if (k)
				buf_adds(out, "\t");
			buf_add(out, buf_span(&cell));
		}
	}
	if (f == SQL_AS_JSON)
		jw_object_end(&w);
	if (f == SQL_AS_CSV)
		csv_write_end(out);
	else
		buf_addc(out, '\n');
	buf_free(&cell);
}

int sql_text(struct buf *out, struct sqldb *q, struct span sql, enum sql_format f, void (*flush)(void *arg, struct buf *out), void *arg, struct diag *d)
{
	struct table_cursor *cur = NULL;
	struct table_batch b;
	int err = sqldb_select(q, &cur, sql, d);
	for (size_t k = 0; err == 0 && f != SQL_AS_JSON && k < cur->n_cols; k++) {
		if (f == SQL_AS_CSV)
			csv_write_text(out, span_str(cur->cols[k].name), k == 0);
		else
			buf_printf(out, "%s%s", k ? "\t" : "", cur->cols[k].name);
	}
	if (err == 0 && f == SQL_AS_CSV)
		csv_write_end(out);
	else if (err == 0 && f == SQL_AS_TABLE)
		buf_addc(out, '\n');
	while (err == 0 && (err = table_next(cur, &b, d)) == 0 && b.n_rows) {
		for (size_t i = 0; i < b.n_rows && !out->err; i++)
			write_row(out, f, cur, &b, i);
		if ((err = out->err) == 0 && flush)
			flush(arg, out);
	}
	table_close(cur);
	if (err == 0)
		err = out->err;
	if (err != 0 && err == out->err)
		diag_set(d, err, err == MO_ELIMIT ? MSG_API_ANSWER_LARGE : MSG_OUT_OF_MEMORY);
	return err;
}

/* ---- the route ---- */
struct limits {
	const struct api_call *c;
	int64_t until_ns;
};

/* Nobody waits for the answer any more, or it takes too long: a worker is worth more than that. */
static bool is_over(void *arg)
{
	const struct limits *l = arg;
	return atomic_load(&l->c->dead) || node_stopping(l->c->node) || mono_now() > l->until_ns;
}

int post_sql(struct api_call *c)
{
	static const char *const types[SQL_FORMATS] = {"text/plain; charset=utf-8", "text/csv; charset=utf-8", "application/x-ndjson"};
	enum sql_format f;
	struct sqldb *q = NULL;
	struct limits limits = {c, mono_now() + SQL_DEADLINE_NS};
	bool busy = atomic_exchange(&c->api->sql_runs, true);
	if (busy)
		return diag_set(c->d, MO_EAGAIN, MSG_API_BUSY);
	char *path = folder_path(node_folder(c->node), "store.db");
	int err = sql_format_parse(&f, api_param(c, "format"));
	if (err == 0)
		err = path ? sqldb_open(&q, node_vfs(c->node), path, node_sdb(c->node), c->d) : diag_set(c->d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	if (err == 0) {
		sqldb_set_stop(q, is_over, &limits);
		err = sql_text(&c->out, q, buf_span(&c->body), f, NULL, NULL, c->d);
		c->content = types[f];
	}
	sqldb_close(q);
	free(path);
	atomic_store(&c->api->sql_runs, false);
	return err;
}
