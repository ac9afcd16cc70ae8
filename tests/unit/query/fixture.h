/* An engine and a store in memory files, filled by line-like calls. */
#ifndef MO_TESTS_QUERY_FIXTURE_H
#define MO_TESTS_QUERY_FIXTURE_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "cm.h"

#include "os/memvfs.h"
#include "query/influxql.h"
#include "query/sql.h"
#include "store/store.h"

#define STORE_PATH "n/store.db"
#define T2015 INT64_C(1439856000000000000) /* 2015-08-18T00:00:00Z */
#define S(text) span_str(text)
#define OK(call) assert_int_equal((call), 0)

struct rig {
	struct vfs *vfs;
	struct sdb *db;
	struct store *store;
	struct series_index *x;
	struct sbatch *b;
	struct buf out;
	struct diag d;
	struct influx_options opt;
};

static inline int rig_setup(void **state)
{
	struct rig *r = calloc(1, sizeof *r);
	struct sdb_recovery rec;
	if (!r || memvfs_new(&r->vfs, 7) || vfs_mkdir(r->vfs, "n", false) || sdb_open(&r->db, r->vfs, "n/series", NULL, &rec, NULL) ||
		store_open(&r->store, r->vfs, STORE_PATH, NULL) || series_index_new(&r->x, r->db) || sbatch_new(&r->b))
		return -1;
	buf_init(&r->out, 1u << 24);
	r->opt.now_ns = T2015;
	*state = r;
	return 0;
}

static inline int rig_teardown(void **state)
{
	struct rig *r = *state;
	sbatch_free(r->b);
	series_index_free(r->x);
	sdb_close(r->db);
	store_close(r->store);
	vfs_free(r->vfs);
	buf_free(&r->out);
	free(r);
	return 0;
}

static inline series_id rig_series(struct rig *r, const char *key, enum series_type type, enum series_kind kind)
{
	static uint8_t next = 1;
	struct series_def def = {.type = type, .kind = kind, .key = S(key)};
	series_id id = 0;
	bool fresh;
	if (sdb_find(r->db, S(key), &id) == 0)
		return id;
	def.uuid = uuid_v7(T2015, (uint8_t[10]){next++, 1, 2, 3, 4, 5, 6, 7, 8, 9});
	OK(sdb_define(r->db, &def, &id, &fresh, &r->d));
	return id;
}

static inline void rig_point(struct rig *r, const struct sbatch_point *p)
{
	struct sdb_appended a;
	sbatch_reset(r->b);
	sbatch_set_arrival(r->b, p->t_ns + NS_PER_S);
	OK(sbatch_add(r->b, p));
	OK(sdb_append(r->db, r->b, &a, &r->d));
}

static inline void put_f(struct rig *r, const char *key, int64_t t, double v)
{
	rig_point(r, &(struct sbatch_point){.id = rig_series(r, key, SERIES_F64, SERIES_CLOCK), .type = SERIES_F64, .t_ns = t, .arrival_ns = T_NONE, .v = {.f64 = v}});
}
static inline void put_i(struct rig *r, const char *key, int64_t t, int64_t v)
{
	rig_point(r, &(struct sbatch_point){.id = rig_series(r, key, SERIES_I64, SERIES_CLOCK), .type = SERIES_I64, .t_ns = t, .arrival_ns = T_NONE, .v = {.i64 = v}});
}
static inline void put_b(struct rig *r, const char *key, int64_t t, bool v)
{
	rig_point(r, &(struct sbatch_point){.id = rig_series(r, key, SERIES_BOOL, SERIES_CLOCK), .type = SERIES_BOOL, .t_ns = t, .arrival_ns = T_NONE, .v = {.b = v}});
}
static inline void put_s(struct rig *r, const char *key, int64_t t, const char *v)
{
	rig_point(r, &(struct sbatch_point){.id = rig_series(r, key, SERIES_STR, SERIES_CLOCK), .type = SERIES_STR, .t_ns = t, .arrival_ns = T_NONE, .v = {.str = S(v)}});
}
/* One value of a cycle. */
static inline void put_q(struct rig *r, const char *key, int64_t t, uint64_t seq, double v)
{
	rig_point(r,
		&(struct sbatch_point){.id = rig_series(r, key, SERIES_F64, SERIES_SEQUENCE), .type = SERIES_F64, .t_ns = t, .seq = seq, .arrival_ns = T_NONE, .v = {.f64 = v}});
}

static inline int no_list(void *arg, int (*fn)(void *fn_arg, struct span name), void *fn_arg)
{
	(void)arg;
	int err = fn(fn_arg, SPAN_LIT("_internal"));
	return err ? err : fn(fn_arg, SPAN_LIT("telegraf"));
}
static inline int note_create(void *arg, struct span name, struct diag *d)
{
	(void)d;
	snprintf(arg, 64, "%.*s", SPAN_FMT(name));
	return 0;
}

static char rig_created[64];

static inline int rig_run(struct rig *r, const char *q)
{
	struct influx_databases dbs = {no_list, note_create, rig_created};
	buf_reset(&r->out);
	OK(series_index_refresh(r->x));
	int err = influxql_run(r->x, r->db, S(q), &dbs, &r->opt, &r->out, &r->d);
	buf_addc(&r->out, 0);
	return err;
}

/* The whole answer without its line end. */
static inline const char *ask(struct rig *r, const char *q)
{
	OK(rig_run(r, q));
	char *s = (char *)r->out.p;
	s[strcspn(s, "\n")] = '\0';
	return s;
}
#define ANSWER(r, q, text) assert_string_equal(ask(r, q), "{\"results\":[{\"statement_id\":0" text "}]}")
#define SERIES(text) ",\"series\":[" text "]"

/* ---- SQL: rows as text, columns parted by '|', rows by '\n'; '-' is no value ---- */

static inline void cell_text(struct buf *b, enum col_type type, const struct col *c, size_t i)
{
	if (c->null && c->null[i])
		buf_adds(b, "-");
	else if (type == COL_I64)
		buf_printf(b, "%lld", (long long)c->i64[i]);
	else if (type == COL_F64)
		buf_printf(b, "%g", c->f64[i]);
	else
		buf_add(b, c->str[i]);
}

static inline int sql_text(struct sqldb *q, const char *sql, struct buf *b, struct diag *d)
{
	struct table_cursor *c = NULL;
	struct table_batch t;
	buf_reset(b);
	int err = sqldb_select(q, &c, S(sql), d);
	while (!err && !(err = table_next(c, &t, d)) && t.n_rows)
		for (size_t i = 0; i < t.n_rows; i++)
			for (size_t k = 0; k < c->n_cols; k++) {
				cell_text(b, c->cols[k].type, &t.cols[k], i);
				buf_addc(b, k + 1 < c->n_cols ? '|' : '\n');
			}
	table_close(c);
	buf_addc(b, 0);
	return err ? err : b->err;
}

#endif
