/* value(series, t, seq, value, quality, arrival): the points of one series.
 * A range of t and the order of time go into the engine. */
#include <math.h>
#include <stdlib.h>

#include "query/priv/vtab.h"

/* ---- shared by the tables ---- */

int vtab_connect(sqlite3 *sq, struct vtab_env *env, const char *schema, sqlite3_vtab **ret)
{
	int rc = sqlite3_declare_vtab(sq, schema);
	if (rc != SQLITE_OK)
		return rc;
	struct vtab *t = calloc(1, sizeof *t);
	if (!t)
		return SQLITE_NOMEM;
	t->env = env;
	*ret = &t->base;
	return SQLITE_OK;
}

int vtab_disconnect(sqlite3_vtab *base)
{
	free(base);
	return SQLITE_OK;
}

int vtab_fail(sqlite3_vtab *base, int err)
{
	struct vtab_env *env = ((struct vtab *)base)->env;
	if (!env->err)
		env->err = err;
	return err == MO_ENOMEM ? SQLITE_NOMEM : SQLITE_ERROR;
}

series_id vtab_series_of(struct sdb *db, sqlite3_value *v)
{
	series_id id = 0;
	struct uuid u;
	if (sqlite3_value_numeric_type(v) == SQLITE_INTEGER) {
		sqlite3_int64 i = sqlite3_value_int64(v);
		return i > 0 && i <= (sqlite3_int64)sdb_max_id(db) ? (series_id)i : 0;
	}
	if (sqlite3_value_type(v) != SQLITE_TEXT)
		return 0;
	const void *p = sqlite3_value_text(v);
	struct span s = span_of(p, p ? (size_t)sqlite3_value_bytes(v) : 0);
	if (uuid_parse(&u, s) == 0)
		return sdb_find_uuid(db, &u, &id) == 0 ? id : 0;
	return s.n && sdb_find(db, s, &id) == 0 ? id : 0;
}

static uint64_t mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

sqlite3_int64 vtab_row_id(uint64_t a, uint64_t b, uint64_t c)
{
	return (sqlite3_int64)mix(b ^ mix(a + UINT64_C(0x9e3779b97f4a7c15) + mix(c)));
}

/* ---- value ---- */

enum { V_SERIES, V_T, V_SEQ, V_VALUE, V_QUALITY, V_ARRIVAL };
static const char schema[] = "CREATE TABLE x(series INTEGER, t INTEGER, seq INTEGER, value, quality INTEGER, arrival INTEGER)";

/* What the index number says; the arguments of xFilter follow in this order behind the series. */
enum { AT = 1, LOWER = 2, UPPER = 4, DESCENDING = 8, ARRIVAL = 16 };

struct cursor {
	sqlite3_vtab_cursor base; /* first */
	struct vtab_env *env;
	struct sdb_cursor *c;
	struct sdb_batch b;
	size_t i;
	series_id id;
	enum series_type type;
};

static int value_connect(sqlite3 *sq, void *aux, int argc, const char *const *argv, sqlite3_vtab **ret, char **msg)
{
	(void)argc, (void)argv, (void)msg;
	return vtab_connect(sq, aux, schema, ret);
}

static int value_best(sqlite3_vtab *base, sqlite3_index_info *x)
{
	int series = -1, at = -1, lower = -1, upper = -1, args = 1;
	bool named = false;
	for (int i = 0; i < x->nConstraint; i++) {
		const struct sqlite3_index_constraint *c = &x->aConstraint[i];
		bool eq = c->op == SQLITE_INDEX_CONSTRAINT_EQ;
		named |= eq && c->iColumn == V_SERIES;
		if (!c->usable)
			continue;
		if (eq && c->iColumn == V_SERIES && series < 0)
			series = i;
		else if (c->iColumn != V_T)
			continue;
		else if (eq && at < 0)
			at = i;
		else if ((c->op == SQLITE_INDEX_CONSTRAINT_GT || c->op == SQLITE_INDEX_CONSTRAINT_GE) && lower < 0)
			lower = i;
		else if ((c->op == SQLITE_INDEX_CONSTRAINT_LT || c->op == SQLITE_INDEX_CONSTRAINT_LE) && upper < 0)
			upper = i;
	}
	if (!named)
		((struct vtab *)base)->env->missing = MSG_SQL_VALUE_SERIES;
	if (series < 0)
		return SQLITE_CONSTRAINT; /* another order of the join, or another half of an OR, may do */
	/* The series may be named by key or uuid, which SQLite would not find equal to the number. The bounds it checks again. */
	x->aConstraintUsage[series].argvIndex = args++;
	x->aConstraintUsage[series].omit = 1;
	x->estimatedRows = 1000000;
	const struct {
		int i, bit, rows;
	} bounds[] = {{at, AT, 1000000}, {lower, LOWER, 4}, {upper, UPPER, 4}};
	for (size_t k = 0; k < sizeof bounds / sizeof *bounds; k++)
		if (bounds[k].i >= 0) {
			x->aConstraintUsage[bounds[k].i].argvIndex = args++;
			x->idxNum |= bounds[k].bit;
			x->estimatedRows /= bounds[k].rows;
		}
	if (x->estimatedRows < 1)
		x->estimatedRows = 1;
	x->estimatedCost = 100.0 + (double)x->estimatedRows;
	if ((x->nOrderBy == 1 || (x->nOrderBy == 2 && x->aOrderBy[1].iColumn == V_SEQ && x->aOrderBy[1].desc == x->aOrderBy[0].desc)) &&
		x->aOrderBy[0].iColumn == V_T) {
		x->orderByConsumed = 1;
		x->idxNum |= x->aOrderBy[0].desc ? DESCENDING : 0;
	}
	x->idxNum |= x->colUsed & ((sqlite3_uint64)1 << V_ARRIVAL) ? ARRIVAL : 0;
	return SQLITE_OK;
}

static int value_open(sqlite3_vtab *base, sqlite3_vtab_cursor **ret)
{
	struct cursor *c = calloc(1, sizeof *c);
	if (!c)
		return SQLITE_NOMEM;
	c->env = ((struct vtab *)base)->env;
	*ret = &c->base;
	return SQLITE_OK;
}

static int value_close(sqlite3_vtab_cursor *base)
{
	struct cursor *c = (struct cursor *)base;
	sdb_cursor_close(c->c);
	free(c);
	return SQLITE_OK;
}

/* A bound on t that is never too narrow. False: it bounds nothing (text, NULL). */
static bool bound(sqlite3_value *v, bool upper, int64_t *ret)
{
	switch (sqlite3_value_numeric_type(v)) {
	case SQLITE_INTEGER:
		*ret = sqlite3_value_int64(v);
		return true;
	case SQLITE_FLOAT: {
		double f = upper ? ceil(sqlite3_value_double(v)) : floor(sqlite3_value_double(v));
		if (f >= 9223372036854775807.0)
			*ret = INT64_MAX;
		else if (f <= -9223372036854775808.0)
			*ret = INT64_MIN;
		else
			*ret = (int64_t)f;
		return true;
	}
	default:
		return false;
	}
}

static int load(struct cursor *c)
{
	c->i = 0;
	int err = sdb_next(c->c, &c->b, &c->env->d);
	if (err) {
		c->b.n = 0;
		return vtab_fail(c->base.pVtab, err);
	}
	return SQLITE_OK;
}

static int value_filter(sqlite3_vtab_cursor *base, int plan, const char *text, int argc, sqlite3_value **argv)
{
	struct cursor *c = (struct cursor *)base;
	struct sdb_range r = {INT64_MIN, INT64_MAX, (plan & DESCENDING) != 0, (plan & ARRIVAL) != 0};
	struct series_def def;
	int64_t t;
	int at = 1;
	(void)text, (void)argc;
	sdb_cursor_close(c->c);
	c->c = NULL;
	c->b = (struct sdb_batch){0};
	c->i = 0;
	c->id = vtab_series_of(c->env->db, argv[0]);
	if (!c->id || sdb_get_def(c->env->db, c->id, &def) != 0)
		return SQLITE_OK;
	c->type = def.type;
	for (int bit = AT; bit <= UPPER; bit <<= 1) {
		if (!(plan & bit))
			continue;
		sqlite3_value *v = argv[at++];
		if (bit != UPPER && bound(v, false, &t) && t > r.from_ns)
			r.from_ns = t;
		/* The range ends before to_ns, and INT64_MAX is open. */
		if (bit != LOWER && bound(v, true, &t) && t < INT64_MAX && t + 1 < r.to_ns)
			r.to_ns = t + 1;
	}
	if (r.from_ns >= r.to_ns)
		return SQLITE_OK;
	int err = sdb_read(c->env->db, &c->c, c->id, &r, &c->env->d);
	return err ? vtab_fail(base->pVtab, err) : load(c);
}

static int value_next(sqlite3_vtab_cursor *base)
{
	struct cursor *c = (struct cursor *)base;
	return ++c->i < c->b.n ? SQLITE_OK : load(c);
}

static int value_eof(sqlite3_vtab_cursor *base)
{
	struct cursor *c = (struct cursor *)base;
	return c->i >= c->b.n;
}

static int value_column(sqlite3_vtab_cursor *base, sqlite3_context *ctx, int col)
{
	struct cursor *c = (struct cursor *)base;
	switch (col) {
	case V_SERIES:
		sqlite3_result_int64(ctx, c->id);
		break;
	case V_T:
		sqlite3_result_int64(ctx, c->b.t_ns[c->i]);
		break;
	case V_SEQ:
		if (c->b.seq)
			sqlite3_result_int64(ctx, (sqlite3_int64)c->b.seq[c->i]);
		break;
	case V_QUALITY:
		sqlite3_result_int(ctx, c->b.quality ? c->b.quality[c->i] : Q_GOOD);
		break;
	case V_ARRIVAL:
		if (c->b.arrival_ns && c->b.arrival_ns[c->i] != T_NONE)
			sqlite3_result_int64(ctx, c->b.arrival_ns[c->i]);
		break;
	case V_VALUE:
		switch (c->type) {
		case SERIES_F64:
			sqlite3_result_double(ctx, c->b.f64[c->i]); /* NaN becomes NULL */
			break;
		case SERIES_I64:
			sqlite3_result_int64(ctx, c->b.i64[c->i]);
			break;
		case SERIES_BOOL:
			sqlite3_result_int(ctx, c->b.b[c->i] != 0);
			break;
		case SERIES_STR: {
			struct span s = c->b.str[c->i];
			sqlite3_result_text64(ctx, s.n ? (const char *)s.p : "", s.n, SQLITE_TRANSIENT, SQLITE_UTF8);
			break;
		}
		}
		break;
	default:
		break;
	}
	return SQLITE_OK;
}

static int value_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *ret)
{
	struct cursor *c = (struct cursor *)base;
	*ret = vtab_row_id(c->id, (uint64_t)c->b.t_ns[c->i], c->b.seq ? c->b.seq[c->i] : 0);
	return SQLITE_OK;
}

static const sqlite3_module module = {
	.xConnect = value_connect,
	.xBestIndex = value_best,
	.xDisconnect = vtab_disconnect,
	.xOpen = value_open,
	.xClose = value_close,
	.xFilter = value_filter,
	.xNext = value_next,
	.xEof = value_eof,
	.xColumn = value_column,
	.xRowid = value_rowid,
};

int vtab_value_register(sqlite3 *sq, struct vtab_env *env) { return sqlite3_create_module_v2(sq, "value", &module, env, NULL); }
