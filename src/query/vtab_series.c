/* series(id, uuid, key, asset, signal, unit, type, kind, points, first, last):
 * one row a series. Points, first and last are asked of the engine only where
 * a statement names them. */
#include <stdlib.h>

#include "query/priv/key.h"
#include "query/priv/vtab.h"

enum { S_ID, S_UUID, S_KEY, S_ASSET, S_SIGNAL, S_UNIT, S_TYPE, S_KIND, S_POINTS, S_FIRST, S_LAST };
static const char schema[] = "CREATE TABLE x(id INTEGER, uuid TEXT, key TEXT, asset TEXT, signal TEXT, unit TEXT, type TEXT, kind TEXT,"
							 " points INTEGER, first INTEGER, last INTEGER)";

enum { ALL, BY_ID, BY_NAME }; /* plans; a name is a uuid or a key */

struct cursor {
	sqlite3_vtab_cursor base; /* first */
	struct vtab_env *env;
	series_id id, last; /* of the rows still to give: [id, last] */
	series_id loaded;   /* whose definition stands in def; 0: none */
	struct series_def def;
	series_id measured;
	struct sdb_extent extent;
};

static int series_connect(sqlite3 *sq, void *aux, int argc, const char *const *argv, sqlite3_vtab **ret, char **msg)
{
	(void)argc, (void)argv, (void)msg;
	return vtab_connect(sq, aux, schema, ret);
}

static int series_best(sqlite3_vtab *base, sqlite3_index_info *x)
{
	int best = -1;
	for (int i = 0; i < x->nConstraint; i++) {
		const struct sqlite3_index_constraint *c = &x->aConstraint[i];
		if (c->usable && c->op == SQLITE_INDEX_CONSTRAINT_EQ && c->iColumn >= S_ID && c->iColumn <= S_KEY &&
			(best < 0 || c->iColumn < x->aConstraint[best].iColumn))
			best = i;
	}
	x->estimatedRows = best < 0 ? (sqlite3_int64)sdb_max_id(((struct vtab *)base)->env->db) + 1 : 1;
	x->estimatedCost = 10.0 * (double)x->estimatedRows;
	if (best >= 0) {
		x->aConstraintUsage[best].argvIndex = 1;
		x->idxNum = x->aConstraint[best].iColumn == S_ID ? BY_ID : BY_NAME;
		x->idxFlags = SQLITE_INDEX_SCAN_UNIQUE;
	} else if (x->nOrderBy == 1 && x->aOrderBy[0].iColumn == S_ID && !x->aOrderBy[0].desc) {
		x->orderByConsumed = 1;
	}
	return SQLITE_OK;
}

static int series_open(sqlite3_vtab *base, sqlite3_vtab_cursor **ret)
{
	struct cursor *c = calloc(1, sizeof *c);
	if (!c)
		return SQLITE_NOMEM;
	c->env = ((struct vtab *)base)->env;
	*ret = &c->base;
	return SQLITE_OK;
}

static int series_close(sqlite3_vtab_cursor *base)
{
	free(base);
	return SQLITE_OK;
}

static int series_filter(sqlite3_vtab_cursor *base, int plan, const char *text, int argc, sqlite3_value **argv)
{
	struct cursor *c = (struct cursor *)base;
	(void)text, (void)argc;
	c->loaded = c->measured = 0;
	if (plan == ALL) {
		c->id = 1;
		c->last = sdb_max_id(c->env->db);
		return SQLITE_OK;
	}
	series_id id = vtab_series_of(c->env->db, argv[0]);
	c->id = id ? id : 1;
	c->last = id; /* SQLite compares again, so what was found by another name than asked for falls out */
	return SQLITE_OK;
}

static int series_next(sqlite3_vtab_cursor *base)
{
	((struct cursor *)base)->id++;
	return SQLITE_OK;
}

static int series_eof(sqlite3_vtab_cursor *base)
{
	struct cursor *c = (struct cursor *)base;
	return c->id > c->last;
}

/* The tag `asset`, else the measurement; and the field: what the node calls asset and signal. */
static void result_name(sqlite3_context *ctx, struct span key, bool asset)
{
	struct key_parts parts;
	struct buf b;
	if (key_split(&parts, key) != 0)
		return; /* a key of another form has neither: NULL */
	struct span raw = asset ? parts.measurement : parts.field;
	for (size_t i = 0; asset && i < parts.n_tags; i++)
		if (span_is(parts.tags[i].key, "asset"))
			raw = parts.tags[i].value;
	buf_init(&b, 0);
	key_plain(&b, raw);
	if (b.err)
		sqlite3_result_error_nomem(ctx);
	else
		sqlite3_result_text64(ctx, b.n ? (const char *)b.p : "", b.n, SQLITE_TRANSIENT, SQLITE_UTF8);
	buf_free(&b);
}

static void result_span(sqlite3_context *ctx, struct span s)
{
	sqlite3_result_text64(ctx, s.n ? (const char *)s.p : "", s.n, SQLITE_TRANSIENT, SQLITE_UTF8);
}

static int series_column(sqlite3_vtab_cursor *base, sqlite3_context *ctx, int col)
{
	static const char *const types[] = {"", "float", "integer", "boolean", "string"};
	struct cursor *c = (struct cursor *)base;
	char text[UUID_TEXT];
	int err;
	if (c->loaded != c->id) {
		if ((err = sdb_get_def(c->env->db, c->id, &c->def)))
			return vtab_fail(base->pVtab, diag_set(&c->env->d, err, MSG_SQL_FAILED));
		c->loaded = c->id;
	}
	if (col >= S_POINTS && c->measured != c->id) {
		if ((err = sdb_extent(c->env->db, c->id, &c->extent, &c->env->d)))
			return vtab_fail(base->pVtab, err);
		c->measured = c->id;
	}
	switch (col) {
	case S_ID:
		sqlite3_result_int64(ctx, c->id);
		break;
	case S_UUID:
		uuid_format(text, &c->def.uuid);
		sqlite3_result_text(ctx, text, -1, SQLITE_TRANSIENT);
		break;
	case S_KEY:
		result_span(ctx, c->def.key);
		break;
	case S_ASSET:
		result_name(ctx, c->def.key, true);
		break;
	case S_SIGNAL:
		result_name(ctx, c->def.key, false);
		break;
	case S_UNIT:
		if (c->def.unit.n)
			result_span(ctx, c->def.unit);
		break;
	case S_TYPE:
		sqlite3_result_text(ctx, types[c->def.type], -1, SQLITE_STATIC);
		break;
	case S_KIND:
		sqlite3_result_text(ctx, c->def.kind == SERIES_SEQUENCE ? "sequence" : "clock", -1, SQLITE_STATIC);
		break;
	case S_POINTS:
		sqlite3_result_int64(ctx, (sqlite3_int64)c->extent.points);
		break;
	case S_FIRST:
		if (c->extent.points)
			sqlite3_result_int64(ctx, c->extent.first_ns);
		break;
	case S_LAST:
		if (c->extent.points)
			sqlite3_result_int64(ctx, c->extent.last_ns);
		break;
	default:
		break;
	}
	return SQLITE_OK;
}

static int series_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *ret)
{
	*ret = ((struct cursor *)base)->id;
	return SQLITE_OK;
}

static const sqlite3_module module = {
	.xConnect = series_connect,
	.xBestIndex = series_best,
	.xDisconnect = vtab_disconnect,
	.xOpen = series_open,
	.xClose = series_close,
	.xFilter = series_filter,
	.xNext = series_next,
	.xEof = series_eof,
	.xColumn = series_column,
	.xRowid = series_rowid,
};

int vtab_series_register(sqlite3 *sq, struct vtab_env *env) { return sqlite3_create_module_v2(sq, "series", &module, env, NULL); }
