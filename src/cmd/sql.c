/* moru sql: one SELECT, as a table for people, CSV or JSON lines. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "cmd/cmd.h"
#include "codec/csv.h"
#include "codec/json.h"
#include "node/folder.h"
#include "query/sql.h"

enum format { TABLE, CSV, JSON };

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

static void write_row(struct buf *out, enum format f, const struct table_cursor *cur, const struct table_batch *b, size_t i)
{
	struct json_writer w;
	struct buf cell;
	buf_init(&cell, 0);
	json_writer_init(&w, out);
	if (f == JSON)
		jw_object(&w);
	for (size_t k = 0; k < cur->n_cols; k++) {
		const struct col *c = &b->cols[k];
		enum col_type t = cur->cols[k].type;
		buf_reset(&cell);
		cell_text(&cell, t, c, i);
		if (f == JSON) {
			jw_key(&w, cur->cols[k].name);
			if (c->null && c->null[i])
				jw_null(&w);
			else if (t == COL_I64 || t == COL_BOOL || t == COL_JSON)
				jw_raw(&w, buf_span(&cell));
			else if (t == COL_F64)
				jw_f64(&w, c->f64[i]);
			else
				jw_str(&w, buf_span(&cell));
		} else if (f == CSV && (t == COL_F64 || t == COL_I64)) {
			if (k)
				buf_addc(out, ',');
			buf_add(out, buf_span(&cell));
		} else if (f == CSV) {
			csv_write_text(out, buf_span(&cell), k == 0);
		} else {
			if (k)
				buf_adds(out, "\t");
			buf_add(out, buf_span(&cell));
		}
	}
	if (f == JSON)
		jw_object_end(&w);
	if (f == CSV)
		csv_write_end(out);
	else
		buf_addc(out, '\n');
	buf_free(&cell);
}

static int print_all(struct sqldb *q, struct span sql, enum format f, struct diag *d)
{
	struct table_cursor *cur = NULL;
	struct table_batch b;
	struct buf out;
	buf_init(&out, 0);
	int err = sqldb_select(q, &cur, sql, d);
	for (size_t k = 0; err == 0 && f != JSON && k < cur->n_cols; k++) {
		if (f == CSV)
			csv_write_text(&out, span_str(cur->cols[k].name), k == 0);
		else
			buf_printf(&out, "%s%s", k ? "\t" : "", cur->cols[k].name);
	}
	if (err == 0 && f == CSV)
		csv_write_end(&out);
	else if (err == 0 && f == TABLE)
		buf_addc(&out, '\n');
	while (err == 0 && (err = table_next(cur, &b, d)) == 0 && b.n_rows) {
		for (size_t i = 0; i < b.n_rows; i++)
			write_row(&out, f, cur, &b, i);
		fwrite(out.p, 1, out.n, stdout);
		buf_reset(&out);
	}
	fwrite(out.p, 1, out.n, stdout);
	if (err == 0)
		err = out.err;
	table_close(cur);
	buf_free(&out);
	return err;
}

/* The store is read beside a running node; the engine's files only when nobody serves them (it would read a moving log). */
int cmd_sql(struct cmd *c)
{
	struct cmd_option o[] = {{"--format", true, NULL}};
	struct diag *d = calloc(1, sizeof *d);
	struct folder *f = NULL;
	struct sdb *sdb = NULL;
	struct sqldb *q = NULL;
	struct sdb_recovery rec;
	struct sdb_options opt = {.read_only = true};
	int status = 1;
	if (!d || cmd_options(c, o, 1) != 0 || c->argc != 2) {
		free(d);
		return cmd_usage(c, "sql");
	}
	enum format format = !o[0].got || strcmp(o[0].got, "table") == 0 ? TABLE : strcmp(o[0].got, "csv") == 0 ? CSV : JSON;
	int err = folder_open(&f, c->vfs, c->argv[0], true, d);
	if (err == MO_EBUSY)
		err = diag_set(d, MO_EBUSY, MSG_SQL_SERVED);
	char *db = f ? folder_path(f, "store.db") : NULL, *series = f ? folder_path(f, "series") : NULL;
	if (err == 0)
		err = db && series ? sdb_open(&sdb, c->vfs, series, &opt, &rec, d) : MO_ENOMEM;
	if (err == 0)
		err = sqldb_open(&q, c->vfs, db, sdb, d);
	if (err == 0)
		err = print_all(q, span_str(c->argv[1]), format, d);
	status = err == 0 ? 0 : cmd_fail(c, d, 1);
	sqldb_close(q);
	sdb_close(sdb);
	free(db);
	free(series);
	folder_close(f);
	free(d);
	return status;
}
