#include "query/sql.h"

#include <math.h>
#include <stdlib.h>

#include "base/num.h"
#include "base/utf8.h"
#include "query/priv/sql.h"
#include "store/store.h"

#define BATCH_TEXT_BYTES (1u << 20) /* a batch ends once its texts hold as much */
#define BATCH_CELLS 65536u          /* or once it has as many cells */

struct sqldb {
	struct store_reader *reader;
	sqlite3 *sq; /* the reader's */
	struct vtab_env env;
	struct sql_guard guard;
};

/* The store's tables with the names that people use: codes instead of row ids, texts instead of bytes. Where the API has from and to, which
 * SQL keeps for itself, a table says t_from and t_to. Each is two views: only from within the inner one, whose name no statement can write
 * (SQL_OWN), the store's tables are read, and only there they are called by MAIN. So the guard tells what a view reads from what a statement
 * asks for by itself. */
#define MAIN "\"" SQL_OWN_MAIN "\"."
static const struct {
	const char *name, *select;
} views[] = {
	{"asset", "a.id AS id, uuid_text(a.uuid) AS uuid, a.code AS code, coalesce(a.name,a.code) AS name, a.kind AS kind,"
		" p.code AS parent, a.unit AS unit FROM " MAIN "asset a LEFT JOIN " MAIN "asset p ON p.id=a.parent"},
	{"item", "id, uuid_text(uuid) AS uuid, code, coalesce(name,code) AS name, unit FROM " MAIN "asset WHERE kind='item'"},
	{"lot", "l.id AS id, uuid_text(l.uuid) AS uuid, l.firm AS firm, l.number AS number, i.code AS item,"
		" coalesce(i.name,i.code) AS item_name, l.state AS state, l.place AS place, l.made AS made, l.quantity AS quantity, l.unit AS unit"
		" FROM " MAIN "lot l LEFT JOIN " MAIN "asset i ON i.id=l.item"},
	{"lot_link", "k.parent AS parent, p.firm AS parent_firm, p.number AS parent_number, k.child AS child,"
		" c.firm AS child_firm, c.number AS child_number, k.quantity AS quantity, k.unit AS unit, k.operation AS operation"
		" FROM " MAIN "lot_link k JOIN " MAIN "lot p ON p.id=k.parent JOIN " MAIN "lot c ON c.id=k.child"},
	{"operation", "o.id AS id, uuid_text(o.uuid) AS uuid, o.ref AS ref, m.code AS machine, o.step AS step, o.lot AS lot,"
		" l.firm AS lot_firm, l.number AS lot_number, i.code AS item, f.code AS mould, o.cavity AS cavity, o.tool AS tool,"
		" o.standard_version AS standard_version, p.code AS person, o.start AS start, o.end AS end, o.good AS good, o.rework AS rework,"
		" o.scrap AS scrap, o.concession AS concession, o.seq_first AS seq_first, o.seq_last AS seq_last, o.arrival AS arrival"
		" FROM " MAIN "operation o JOIN " MAIN "asset m ON m.id=o.machine LEFT JOIN " MAIN "lot l ON l.id=o.lot LEFT JOIN " MAIN "asset i ON i.id=o.item"
		" LEFT JOIN " MAIN "asset f ON f.id=o.mould LEFT JOIN " MAIN "person p ON p.id=o.person"},
	{"event", "e.id AS id, uuid_text(e.uuid) AS uuid, e.ref AS ref, e.kind AS kind, e.t AS t, e.arrival AS arrival,"
		" a.code AS asset, e.lot AS lot, l.firm AS lot_firm, l.number AS lot_number, e.quantity AS quantity, e.unit AS unit,"
		" e.from_place AS from_place, e.to_place AS to_place, e.partner AS partner, e.text AS text, e.corrects AS corrects, e.reason AS reason,"
		" e.data AS data FROM " MAIN "event e LEFT JOIN " MAIN "asset a ON a.id=e.asset LEFT JOIN " MAIN "lot l ON l.id=e.lot"},
	{"characteristic", "c.id AS id, uuid_text(c.uuid) AS uuid, c.ref AS ref, c.lot AS lot, l.firm AS lot_firm,"
		" l.number AS lot_number, c.name AS name, c.value AS value, c.unit AS unit, c.lower AS lower, c.upper AS upper, c.judged AS judged,"
		" g.code AS gauge, c.spec_version AS spec_version, p.code AS person, c.t AS t, a.code AS asset, c.seq AS seq, c.arrival AS arrival"
		" FROM " MAIN "characteristic c JOIN " MAIN "lot l ON l.id=c.lot LEFT JOIN " MAIN "asset g ON g.id=c.gauge LEFT JOIN " MAIN "person p ON p.id=c.person"
		" LEFT JOIN " MAIN "asset a ON a.id=c.asset"},
	{"machine_state", "a.code AS asset, s.from_t AS t_from, s.to_t AS t_to, s.state AS state, s.alarm AS alarm"
		" FROM " MAIN "state s JOIN " MAIN "asset a ON a.id=s.asset"},
	{"case_", "c.id AS id, uuid_text(c.uuid) AS uuid, a.code AS asset, c.cause AS cause, c.kind AS kind, c.state AS state,"
		" c.begin_t AS begin, c.end_t AS end, c.raised AS raised, c.changed AS changed, c.lot AS lot, l.firm AS lot_firm, l.number AS lot_number,"
		" c.evidence AS evidence, c.over AS over FROM " MAIN "cases c JOIN " MAIN "asset a ON a.id=c.asset LEFT JOIN " MAIN "lot l ON l.id=c.lot"},
	{"signal", "s.id AS id, uuid_text(s.series) AS series, a.code AS asset, s.name AS name,"
		" coalesce(s.label,s.name) AS label, s.unit AS unit, s.source AS source,"
		" CASE s.type WHEN 1 THEN 'float' WHEN 2 THEN 'integer' WHEN 3 THEN 'boolean' ELSE 'string' END AS type,"
		" CASE s.kind WHEN 2 THEN 'sequence' ELSE 'clock' END AS kind FROM " MAIN "signal s JOIN " MAIN "asset a ON a.id=s.asset"},
};

/* ---- functions ---- */

static void time_text(sqlite3_context *ctx, int n, sqlite3_value **args)
{
	char text[32];
	(void)n;
	if (sqlite3_value_numeric_type(args[0]) != SQLITE_INTEGER || sqlite3_value_int64(args[0]) == T_NONE)
		return; /* NULL: no time has no text */
	size_t len = rfc3339_format(text, sqlite3_value_int64(args[0]));
	sqlite3_result_text(ctx, text, (int)len, SQLITE_TRANSIENT);
}

static void time_ns(sqlite3_context *ctx, int n, sqlite3_value **args)
{
	int64_t t = 0;
	(void)n;
	if (sqlite3_value_type(args[0]) == SQLITE_NULL)
		return;
	const void *p = sqlite3_value_text(args[0]);
	if (p && rfc3339_parse(&t, span_of(p, (size_t)sqlite3_value_bytes(args[0]))) == 0)
		sqlite3_result_int64(ctx, t);
	else
		sqlite3_result_error(ctx, "time_ns: expected RFC 3339, as 2026-11-22T08:10:00+09:00", -1);
}

/* ---- errors ---- */

static void place(struct diag *d, struct span sql, int offset)
{
	if (offset < 0 || (size_t)offset > sql.n)
		return;
	uint64_t line = 1;
	size_t begin = 0;
	for (size_t i = 0; i < (size_t)offset; i++)
		if (sql.p[i] == '\n') {
			line++;
			begin = i + 1;
		}
	diag_line(d, line, utf8_count(span_sub(sql, begin, (size_t)offset - begin)) + 1);
}

static int refused(struct sqldb *q, struct diag *d)
{
	static const enum mo_msg msgs[] = {MSG_NONE, MSG_SQL_DENIED, MSG_SQL_TABLE_DENIED, MSG_SQL_FUNCTION_DENIED};
	diag_set(d, MO_EDENIED, msgs[q->guard.refusal]);
	diag_value(d, span_str(q->guard.refused));
	if (q->guard.refusal == SQL_REFUSED_TABLE)
		diag_expected(d, SQL_TABLES);
	return MO_EDENIED;
}

static int ended(struct sqldb *q, struct diag *d)
{
	if (q->guard.end == SQL_ENDED_STOP)
		return diag_set(d, MO_ECANCELED, MSG_SQL_STOPPED);
	bool steps = q->guard.end == SQL_ENDED_STEPS;
	diag_set(d, MO_ELIMIT, steps ? MSG_SQL_STEPS : MSG_SQL_MEMORY);
	diag_int(d, 0, steps ? (int64_t)q->guard.steps_max : (int64_t)SQL_MEMORY_MAX);
	return MO_ELIMIT;
}

static int said(struct sqldb *q, int err, enum mo_msg msg, struct diag *d)
{
	diag_set(d, err, msg);
	diag_text(d, 0, span_str(sqlite3_errmsg(q->sq)));
	return err;
}

/* What SQLite's last answer was, as ours; sql is NULL bytes where no place can be told. Never 0. */
static int failed(struct sqldb *q, int rc, struct span sql, struct diag *d)
{
	int offset = sqlite3_error_offset(q->sq), err;
	if (q->env.err) {
		err = q->env.err;
		if (d)
			*d = q->env.d;
		if (q->env.d.msg == MSG_NONE)
			diag_set(d, err, MSG_OUT_OF_MEMORY);
		return err;
	}
	if (q->guard.refusal != SQL_REFUSED_NOTHING && (rc & 0xff) != SQLITE_NOMEM)
		return refused(q, d); /* of a function SQLite says it as an error of syntax */
	switch (rc & 0xff) {
	case SQLITE_AUTH:
		return said(q, MO_EDENIED, MSG_SQL_ERROR, d);
	case SQLITE_INTERRUPT:
		return ended(q, d);
	case SQLITE_NOMEM:
		return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	case SQLITE_TOOBIG:
		return said(q, MO_ELIMIT, MSG_SQL_TOO_LARGE, d);
	case SQLITE_CORRUPT:
		if (store_reader_damaged(q->reader, rc, d))
			return MO_ECORRUPT;
		return said(q, MO_ECORRUPT, MSG_SQL_FAILED, d);
	case SQLITE_NOTADB:
		return said(q, MO_ECORRUPT, MSG_SQL_FAILED, d);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return said(q, MO_EBUSY, MSG_SQL_FAILED, d);
	case SQLITE_IOERR:
		return rc == SQLITE_IOERR_NOMEM ? diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY) : said(q, MO_EIO, MSG_SQL_FAILED, d);
	case SQLITE_CANTOPEN:
		return said(q, MO_EIO, MSG_SQL_FAILED, d);
	case SQLITE_READONLY:
		return said(q, MO_EDENIED, MSG_SQL_ERROR, d);
	default:
		break;
	}
	if (q->env.missing != MSG_NONE && strstr(sqlite3_errmsg(q->sq), "no query solution")) {
		diag_set(d, MO_EINVAL, q->env.missing);
		diag_expected(d, "1..10000");
		return MO_EINVAL;
	}
	said(q, MO_EINVAL, offset >= 0 ? MSG_SQL_SYNTAX : MSG_SQL_ERROR, d);
	place(d, sql, offset);
	if (strstr(sqlite3_errmsg(q->sq), "no such table"))
		diag_expected(d, SQL_TABLES);
	return MO_EINVAL;
}

/* ---- the connection ---- */

/* A table that exists by its name alone is made at its first use, by way of an INSERT into the schema that the authorizer would refuse. */
static int connect_tables(struct sqldb *q, const char *sql)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(q->sq, sql, -1, &st, NULL);
	sqlite3_finalize(st);
	return rc;
}

static int create_view(sqlite3 *sq, const char *name, const char *select)
{
	char *sql = sqlite3_mprintf("CREATE TEMP VIEW \"" SQL_OWN "%s\" AS SELECT %s;"
		"CREATE TEMP VIEW %s AS SELECT * FROM \"" SQL_OWN "%s\" AS %s", name, select, name, name, name);
	int rc = sql ? sqlite3_exec(sq, sql, NULL, NULL, NULL) : SQLITE_NOMEM;
	sqlite3_free(sql);
	return rc;
}

static int prepare_connection(struct sqldb *q)
{
	int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
	/* The views live in this connection's own memory (temp_store), which query_only would forbid to write. */
	int rc = sqlite3_exec(q->sq, "PRAGMA query_only=0", NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_db_config(q->sq, SQLITE_DBCONFIG_MAINDBNAME, SQL_OWN_MAIN); /* "main" goes on meaning it, too */
	for (size_t i = 0; i < sizeof views / sizeof *views && rc == SQLITE_OK; i++)
		rc = create_view(q->sq, views[i].name, views[i].select);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(q->sq, "PRAGMA query_only=1", NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_create_function_v2(q->sq, "time_text", 1, flags, NULL, time_text, NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_create_function_v2(q->sq, "time_ns", 1, flags, NULL, time_ns, NULL, NULL, NULL);
	if (rc == SQLITE_OK && q->env.db)
		rc = vtab_series_register(q->sq, &q->env);
	if (rc == SQLITE_OK && q->env.db)
		rc = vtab_value_register(q->sq, &q->env);
	if (rc == SQLITE_OK && q->env.db)
		rc = vtab_chart_register(q->sq, &q->env);
	if (rc == SQLITE_OK)
		rc = connect_tables(q, "SELECT 1 FROM json_each('[]'), json_tree('[]')");
	if (rc == SQLITE_OK && q->env.db)
		rc = connect_tables(q, "SELECT 1 FROM series s, value v, chart c WHERE v.series = s.id AND c.series = s.id");
	return rc;
}

int sqldb_open(struct sqldb **ret, struct vfs *vfs, const char *path, struct sdb *sdb, struct diag *d)
{
	struct sqldb *q = calloc(1, sizeof *q);
	if (!q)
		return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	q->env.db = sdb;
	int err = store_reader_open(&q->reader, vfs, path, d);
	if (err)
		goto out;
	q->sq = store_reader_sqlite(q->reader);
	int rc = prepare_connection(q);
	if (rc != SQLITE_OK) {
		err = failed(q, rc, span_of(NULL, 0), d);
		goto out;
	}
	if ((err = sql_guard_set(&q->guard, q->sq))) {
		diag_set(d, err, err == MO_ENOMEM ? MSG_OUT_OF_MEMORY : MSG_SQL_FAILED);
		diag_text(d, 0, span_str(mo_err_name(err)));
		goto out;
	}
	*ret = q;
	q = NULL;
out:
	sqldb_close(q);
	return err;
}

void sqldb_close(struct sqldb *q)
{
	if (!q)
		return;
	store_reader_close(q->reader);
	sql_guard_free(&q->guard);
	free(q);
}

void sqldb_set_steps(struct sqldb *q, uint64_t steps) { q->guard.steps_max = steps && steps < SQL_STEPS_MAX ? steps : SQL_STEPS_MAX; }

void sqldb_set_stop(struct sqldb *q, bool (*stop)(void *arg), void *arg)
{
	q->guard.stop = stop;
	q->guard.stop_arg = arg;
}

/* ---- cursors ---- */

struct cell {
	uint8_t kind; /* SQLITE_INTEGER ... SQLITE_NULL */
	union {
		int64_t i;
		double f;
		struct {
			size_t at, n; /* in the batch's text */
		} s;
	};
};
struct cursor {
	struct table_cursor base; /* first */
	struct sqldb *q;
	sqlite3_stmt *st;
	uint64_t steps;           /* spent so far, kept here while another cursor runs */
	int64_t memory_ends;
	bool done, first;
	struct col_def *defs;
	char **names;
	size_t rows_max;          /* of a batch */
	size_t n_rows;
	struct cell *cells;       /* rows_max * n_cols */
	struct buf text;
	struct col *cols;
	void **values;            /* per column: rows_max values of 16 bytes, then rows_max null bytes */
};

static const char *kind_name(int kind)
{
	static const char *const names[] = {"?", "INTEGER", "REAL", "TEXT", "BLOB", "NULL"};
	return names[kind >= 0 && kind <= 5 ? kind : 0];
}

static int keep_cell(struct cursor *c, struct cell *x, int col)
{
	x->kind = (uint8_t)sqlite3_column_type(c->st, col);
	switch (x->kind) {
	case SQLITE_INTEGER:
		x->i = sqlite3_column_int64(c->st, col);
		return 0;
	case SQLITE_FLOAT:
		x->f = sqlite3_column_double(c->st, col);
		return 0;
	case SQLITE_TEXT:
	case SQLITE_BLOB: {
		const void *p = x->kind == SQLITE_TEXT ? (const void *)sqlite3_column_text(c->st, col) : sqlite3_column_blob(c->st, col);
		size_t n = (size_t)sqlite3_column_bytes(c->st, col);
		if (!p && n)
			return MO_ENOMEM;
		x->s.at = c->text.n;
		x->s.n = n;
		if (n)
			buf_add(&c->text, span_of(p, n));
		return c->text.err;
	}
	default:
		return 0;
	}
}

/* Steps the statement until the batch is full. */
static int gather(struct cursor *c, struct diag *d)
{
	struct sqldb *q = c->q;
	int err = 0, rc = SQLITE_ROW;
	c->n_rows = 0;
	buf_reset(&c->text);
	q->env.err = 0;
	diag_clear(&q->env.d);
	while (!c->done && c->n_rows < c->rows_max && c->text.n < BATCH_TEXT_BYTES) {
		rc = sqlite3_step(c->st);
		if (rc != SQLITE_ROW) {
			c->done = true;
			break;
		}
		for (size_t k = 0; k < c->base.n_cols && !err; k++)
			err = keep_cell(c, &c->cells[c->n_rows * c->base.n_cols + k], (int)k);
		if (err)
			return diag_set(d, err, MSG_OUT_OF_MEMORY);
		c->n_rows++;
	}
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : failed(q, rc, span_of(NULL, 0), d);
}

/* Types by what the first rows hold; by the declaration where they hold nothing. */
static enum col_type type_of(struct cursor *c, size_t col)
{
	bool seen[6] = {false};
	for (size_t i = 0; i < c->n_rows; i++)
		seen[c->cells[i * c->base.n_cols + col].kind] = true;
	if (seen[SQLITE_TEXT])
		return COL_STR;
	if (seen[SQLITE_BLOB])
		return COL_BYTES;
	if (seen[SQLITE_FLOAT])
		return COL_F64;
	if (seen[SQLITE_INTEGER])
		return COL_I64;
	const char *declared = sqlite3_column_decltype(c->st, (int)col);
	if (!declared)
		return COL_STR;
	return sqlite3_stricmp(declared, "INTEGER") == 0 ? COL_I64
		: sqlite3_stricmp(declared, "REAL") == 0     ? COL_F64
		: sqlite3_stricmp(declared, "BLOB") == 0     ? COL_BYTES
							     : COL_STR;
}

static int changed(struct cursor *c, size_t col, int kind, struct diag *d)
{
	static const char *const types[] = {"BOOLEAN", "INTEGER", "REAL", "INTEGER", "TEXT", "BLOB", "JSON"};
	diag_set(d, MO_EINVAL, MSG_SQL_COLUMN_TYPE);
	diag_field(d, span_str(c->base.cols[col].name));
	diag_value(d, span_str(kind_name(kind)));
	diag_expected(d, types[c->base.cols[col].type]);
	return MO_EINVAL;
}

/* A number in a column of texts, as SQLite would write it. */
static int number_text(struct cursor *c, struct cell *x)
{
	char text[32];
	size_t n = x->kind == SQLITE_INTEGER ? num_format_i64(text, x->i) : num_format_f64(text, x->f);
	x->s.at = c->text.n;
	x->s.n = n;
	buf_add(&c->text, span_of(text, n));
	return c->text.err;
}

static int convert(struct cursor *c, size_t col, size_t row, struct diag *d)
{
	struct cell *x = &c->cells[row * c->base.n_cols + col];
	enum col_type type = c->base.cols[col].type;
	uint8_t *null = (uint8_t *)c->values[col] + c->rows_max * sizeof(struct span);
	null[row] = x->kind == SQLITE_NULL;
	switch (type) {
	case COL_I64: {
		int64_t *v = c->values[col];
		v[row] = 0;
		if (x->kind == SQLITE_INTEGER)
			v[row] = x->i;
		else if (x->kind != SQLITE_NULL)
			return changed(c, col, x->kind, d);
		return 0;
	}
	case COL_F64: {
		double *v = c->values[col];
		v[row] = NAN;
		if (x->kind == SQLITE_FLOAT)
			v[row] = x->f;
		else if (x->kind == SQLITE_INTEGER && x->i >= -(INT64_C(1) << 53) && x->i <= INT64_C(1) << 53)
			v[row] = (double)x->i;
		else if (x->kind != SQLITE_NULL)
			return changed(c, col, x->kind, d);
		return 0;
	}
	default: {
		struct span *v = c->values[col];
		int err = 0;
		if (x->kind == SQLITE_INTEGER || x->kind == SQLITE_FLOAT)
			err = number_text(c, x);
		if (err)
			return diag_set(d, err, MSG_OUT_OF_MEMORY);
		/* The text may still move: an offset until the batch is whole. */
		v[row] = x->kind == SQLITE_NULL ? span_of(NULL, 0) : span_of((const uint8_t *)(uintptr_t)x->s.at, x->s.n);
		if (type == COL_STR && x->kind == SQLITE_BLOB)
			return changed(c, col, x->kind, d);
		return 0;
	}
	}
}

static bool is_text(enum col_type t) { return t == COL_STR || t == COL_BYTES; }

static int give(struct cursor *c, struct table_batch *ret, struct diag *d)
{
	int err = 0;
	for (size_t col = 0; col < c->base.n_cols && !err; col++)
		for (size_t row = 0; row < c->n_rows && !err; row++)
			err = convert(c, col, row, d);
	if (err)
		return err;
	const uint8_t *p = c->text.p ? c->text.p : (const uint8_t *)"";
	for (size_t col = 0; col < c->base.n_cols; col++) {
		struct span *v = c->values[col];
		for (size_t row = 0; is_text(c->base.cols[col].type) && row < c->n_rows; row++)
			v[row].p = p + (uintptr_t)v[row].p;
	}
	*ret = (struct table_batch){c->n_rows, c->cols};
	return 0;
}

static int cursor_next(struct table_cursor *base, struct table_batch *ret, struct diag *d)
{
	struct cursor *c = (struct cursor *)base;
	struct sql_guard *g = &c->q->guard;
	int err = 0;
	if (!c->first) {
		g->steps = c->steps;
		g->memory_ends = c->memory_ends;
		g->end = SQL_GOES_ON;
		err = gather(c, d);
		c->steps = g->steps;
	}
	c->first = false;
	return err ? err : give(c, ret, d);
}

static void cursor_close(struct table_cursor *base)
{
	struct cursor *c = (struct cursor *)base;
	sqlite3_finalize(c->st);
	for (size_t k = 0; k < c->base.n_cols; k++) {
		if (c->names)
			free(c->names[k]);
		if (c->values)
			free(c->values[k]);
	}
	free(c->names);
	free(c->values);
	free(c->defs);
	free(c->cells);
	free(c->cols);
	buf_free(&c->text);
	free(c);
}

static const struct table_ops cursor_ops = {cursor_next, cursor_close};

static int cursor_memory(struct cursor *c)
{
	size_t n = c->base.n_cols;
	c->rows_max = BATCH_CELLS / n < TABLE_BATCH_ROWS ? BATCH_CELLS / n : TABLE_BATCH_ROWS;
	c->defs = calloc(n, sizeof *c->defs);
	c->names = calloc(n, sizeof *c->names);
	c->values = calloc(n, sizeof *c->values);
	c->cols = calloc(n, sizeof *c->cols);
	c->cells = calloc(n * c->rows_max, sizeof *c->cells);
	if (!c->defs || !c->names || !c->values || !c->cols || !c->cells)
		return MO_ENOMEM;
	for (size_t k = 0; k < n; k++) {
		const char *name = sqlite3_column_name(c->st, (int)k);
		c->names[k] = name ? strdup(name) : NULL;
		c->values[k] = calloc(c->rows_max, sizeof(struct span) + 1);
		if (!c->names[k] || !c->values[k])
			return MO_ENOMEM;
		c->cols[k].b = c->values[k];
		c->cols[k].null = (const uint8_t *)c->values[k] + c->rows_max * sizeof(struct span);
		c->defs[k].name = c->names[k];
	}
	c->base.cols = c->defs;
	return 0;
}

/* The one statement of sql. */
static int prepare(struct sqldb *q, struct span sql, sqlite3_stmt **ret, struct diag *d)
{
	const char *tail = NULL;
	sqlite3_stmt *st = NULL, *second = NULL;
	int rc = sqlite3_prepare_v3(q->sq, (const char *)sql.p, (int)sql.n, 0, &st, &tail), err = 0;
	if (rc != SQLITE_OK)
		return failed(q, rc, sql, d);
	if (!st)
		return diag_set(d, MO_EINVAL, MSG_SQL_EMPTY);
	/* What follows must be nothing: blanks, comments, semicolons. */
	const char *end = (const char *)sql.p + sql.n;
	while (tail && tail < end && !err) {
		const char *from = tail;
		rc = sqlite3_prepare_v3(q->sq, from, (int)(end - from), 0, &second, &tail);
		if (rc != SQLITE_OK || second) {
			err = rc == SQLITE_NOMEM ? diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY) : diag_set(d, MO_EINVAL, MSG_SQL_ONE_STATEMENT);
			if (err == MO_EINVAL)
				place(d, sql, (int)(from - (const char *)sql.p));
		} else if (tail == from) {
			break;
		}
	}
	sqlite3_finalize(second);
	if (!err && (!sqlite3_stmt_readonly(st) || sqlite3_column_count(st) < 1)) {
		err = diag_set(d, MO_EDENIED, MSG_SQL_DENIED);
		diag_value(d, sql);
	}
	if (err)
		sqlite3_finalize(st);
	else
		*ret = st;
	return err;
}

static int check_text(struct span sql, struct diag *d)
{
	if (sql.n >= SQL_TEXT_MAX) {
		diag_set(d, MO_ELIMIT, MSG_SQL_TOO_LONG);
		diag_expected(d, "1..65535");
		return MO_ELIMIT;
	}
	if (!sql.n)
		return diag_set(d, MO_EINVAL, MSG_SQL_EMPTY);
	if (memchr(sql.p, 0, sql.n) || memchr(sql.p, SQL_OWN[0], sql.n) || !utf8_valid(sql))
		return diag_set(d, MO_EINVAL, MSG_SQL_TEXT);
	int err = sql_guard_unfolds(sql);
	return err ? diag_set(d, err, err == MO_ENOMEM ? MSG_OUT_OF_MEMORY : MSG_SQL_NESTED) : 0;
}

int sqldb_select(struct sqldb *q, struct table_cursor **ret, struct span sql, struct diag *d)
{
	int err = check_text(sql, d);
	if (err)
		return err;
	struct cursor *c = calloc(1, sizeof *c);
	if (!c)
		return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	c->base.ops = &cursor_ops;
	c->q = q;
	buf_init(&c->text, 0);
	sql_guard_begin(&q->guard);
	q->env.err = 0;
	q->env.missing = MSG_NONE;
	diag_clear(&q->env.d);
	if ((err = prepare(q, sql, &c->st, d)))
		goto out;
	c->base.n_cols = (size_t)sqlite3_column_count(c->st);
	if ((err = cursor_memory(c))) {
		diag_set(d, err, MSG_OUT_OF_MEMORY);
		goto out;
	}
	if ((err = gather(c, d)))
		goto out;
	for (size_t k = 0; k < c->base.n_cols; k++)
		c->defs[k].type = type_of(c, k);
	c->first = true;
	c->steps = q->guard.steps;
	c->memory_ends = q->guard.memory_ends;
	*ret = &c->base;
	c = NULL;
out:
	if (c)
		cursor_close(&c->base);
	return err;
}
