/* chart(series, t_from, t_to, n): the envelope of one series in n bins of
 * equal width, as rows (i, t, count, min, max, mean, bad). The four arguments
 * are hidden columns, given as chart(5, 0, 1000, 10) or by WHERE. Without
 * t_from and t_to: from the first point to the last; without n: 100. */
#include <math.h>
#include <stdlib.h>

#include "query/priv/vtab.h"

#define CHART_BINS 100
#define CHART_BINS_TEXT "1..10000" /* SDB_BINS_MAX */

enum { C_SERIES, C_FROM, C_TO, C_N, C_I, C_T, C_COUNT, C_MIN, C_MAX, C_MEAN, C_BAD };
static const char schema[] = "CREATE TABLE x(series INTEGER HIDDEN, t_from INTEGER HIDDEN, t_to INTEGER HIDDEN, n INTEGER HIDDEN, i INTEGER,"
							 " t INTEGER, count INTEGER, min REAL, max REAL, mean REAL, bad INTEGER)";

struct cursor {
	sqlite3_vtab_cursor base; /* first */
	struct vtab_env *env;
	struct sdb_bin *bins;
	size_t n, i;
	series_id id;
	int64_t from_ns, to_ns;
};

static int chart_connect(sqlite3 *sq, void *aux, int argc, const char *const *argv, sqlite3_vtab **ret, char **msg)
{
	(void)argc, (void)argv, (void)msg;
	return vtab_connect(sq, aux, schema, ret);
}

static int refuse(sqlite3_vtab *base)
{
	struct vtab *t = (struct vtab *)base;
	diag_set(&t->env->d, MO_EINVAL, MSG_SQL_CHART_ARGS);
	diag_expected(&t->env->d, CHART_BINS_TEXT);
	return vtab_fail(base, MO_EINVAL);
}

/* The index number: bit k says that argument k is given. */
static int chart_best(sqlite3_vtab *base, sqlite3_index_info *x)
{
	int arg[4] = {-1, -1, -1, -1}, n = 1;
	bool named = false, waits = false;
	for (int i = 0; i < x->nConstraint; i++) {
		const struct sqlite3_index_constraint *c = &x->aConstraint[i];
		if (c->op != SQLITE_INDEX_CONSTRAINT_EQ || c->iColumn < C_SERIES || c->iColumn > C_N)
			continue;
		named |= c->iColumn == C_SERIES;
		if (!c->usable)
			waits = true;
		else if (arg[c->iColumn] < 0)
			arg[c->iColumn] = i;
	}
	if (!named)
		((struct vtab *)base)->env->missing = MSG_SQL_CHART_ARGS;
	if (!named || waits)
		return SQLITE_CONSTRAINT;
	for (int k = 0; k < 4; k++)
		if (arg[k] >= 0) {
			x->aConstraintUsage[arg[k]].argvIndex = n++;
			x->aConstraintUsage[arg[k]].omit = 1;
			x->idxNum |= 1 << k;
		}
	x->estimatedRows = CHART_BINS;
	x->estimatedCost = 10000;
	if (x->nOrderBy == 1 && (x->aOrderBy[0].iColumn == C_I || x->aOrderBy[0].iColumn == C_T) && !x->aOrderBy[0].desc)
		x->orderByConsumed = 1;
	return SQLITE_OK;
}

static int chart_open(sqlite3_vtab *base, sqlite3_vtab_cursor **ret)
{
	struct cursor *c = calloc(1, sizeof *c);
	if (!c)
		return SQLITE_NOMEM;
	c->env = ((struct vtab *)base)->env;
	*ret = &c->base;
	return SQLITE_OK;
}

static int chart_close(sqlite3_vtab_cursor *base)
{
	struct cursor *c = (struct cursor *)base;
	free(c->bins);
	free(c);
	return SQLITE_OK;
}

static int chart_filter(sqlite3_vtab_cursor *base, int plan, const char *text, int argc, sqlite3_value **argv)
{
	struct cursor *c = (struct cursor *)base;
	struct sdb_extent x = {0};
	sqlite3_int64 n = CHART_BINS;
	int at = 0, err;
	(void)text, (void)argc;
	free(c->bins);
	c->bins = NULL;
	c->n = c->i = 0;
	c->id = vtab_series_of(c->env->db, argv[at++]);
	if (!c->id)
		return SQLITE_OK;
	if ((err = sdb_extent(c->env->db, c->id, &x, &c->env->d)))
		return vtab_fail(base->pVtab, err);
	c->from_ns = x.points ? x.first_ns : 0;
	c->to_ns = x.points && x.last_ns < INT64_MAX ? x.last_ns + 1 : x.last_ns;
	if (plan & 1 << C_FROM)
		c->from_ns = sqlite3_value_int64(argv[at++]);
	if (plan & 1 << C_TO)
		c->to_ns = sqlite3_value_int64(argv[at++]);
	if (plan & 1 << C_N)
		n = sqlite3_value_int64(argv[at++]);
	if (n < 1 || n > (sqlite3_int64)SDB_BINS_MAX)
		return refuse(base->pVtab);
	if (c->from_ns >= c->to_ns)
		return SQLITE_OK;
	c->bins = calloc((size_t)n, sizeof *c->bins);
	if (!c->bins)
		return vtab_fail(base->pVtab, diag_set(&c->env->d, MO_ENOMEM, MSG_OUT_OF_MEMORY));
	if ((err = sdb_chart(c->env->db, c->id, c->from_ns, c->to_ns, (size_t)n, c->bins, &c->env->d)))
		return vtab_fail(base->pVtab, err);
	c->n = (size_t)n;
	return SQLITE_OK;
}

static int chart_next(sqlite3_vtab_cursor *base)
{
	((struct cursor *)base)->i++;
	return SQLITE_OK;
}

static int chart_eof(sqlite3_vtab_cursor *base)
{
	struct cursor *c = (struct cursor *)base;
	return c->i >= c->n;
}

static int64_t bin_begin(const struct cursor *c)
{
	__int128 width = (__int128)c->to_ns - c->from_ns;
	return (int64_t)(c->from_ns + width * (__int128)c->i / (__int128)c->n);
}

static int chart_column(sqlite3_vtab_cursor *base, sqlite3_context *ctx, int col)
{
	struct cursor *c = (struct cursor *)base;
	const struct sdb_bin *b = &c->bins[c->i];
	switch (col) {
	case C_SERIES:
		sqlite3_result_int64(ctx, c->id);
		break;
	case C_FROM:
		sqlite3_result_int64(ctx, c->from_ns);
		break;
	case C_TO:
		sqlite3_result_int64(ctx, c->to_ns);
		break;
	case C_N:
		sqlite3_result_int64(ctx, (sqlite3_int64)c->n);
		break;
	case C_I:
		sqlite3_result_int64(ctx, (sqlite3_int64)c->i);
		break;
	case C_T:
		sqlite3_result_int64(ctx, bin_begin(c));
		break;
	case C_COUNT:
		sqlite3_result_int64(ctx, (sqlite3_int64)b->count);
		break;
	case C_MIN:
		sqlite3_result_double(ctx, b->min); /* NaN of an empty bin becomes NULL */
		break;
	case C_MAX:
		sqlite3_result_double(ctx, b->max);
		break;
	case C_MEAN:
		sqlite3_result_double(ctx, b->count ? b->sum / (double)b->count : NAN);
		break;
	case C_BAD:
		sqlite3_result_int64(ctx, (sqlite3_int64)b->bad);
		break;
	default:
		break;
	}
	return SQLITE_OK;
}

static int chart_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *ret)
{
	struct cursor *c = (struct cursor *)base;
	*ret = vtab_row_id(c->id, (uint64_t)bin_begin(c), (uint64_t)c->to_ns * SDB_BINS_MAX + c->i);
	return SQLITE_OK;
}

static const sqlite3_module module = {
	.xConnect = chart_connect,
	.xBestIndex = chart_best,
	.xDisconnect = vtab_disconnect,
	.xOpen = chart_open,
	.xClose = chart_close,
	.xFilter = chart_filter,
	.xNext = chart_next,
	.xEof = chart_eof,
	.xColumn = chart_column,
	.xRowid = chart_rowid,
};

int vtab_chart_register(sqlite3 *sq, struct vtab_env *env) { return sqlite3_create_module_v2(sq, "chart", &module, env, NULL); }
