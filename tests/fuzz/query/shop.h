/* An engine with a few points of each kind, and a store, made once a process. */
#ifndef MO_TESTS_FUZZ_QUERY_SHOP_H
#define MO_TESTS_FUZZ_QUERY_SHOP_H

#include <stdlib.h>

#include "os/memvfs.h"
#include "query/influxql.h"
#include "query/sql.h"
#include "store/store.h"

struct shop {
	struct vfs *vfs;
	struct sdb *db;
	struct series_index *x;
	struct sqldb *q;
};

static inline void expect(bool ok)
{
	if (!ok)
		abort();
}

static inline void shop_series(struct sdb *db, struct sbatch *b, const char *key, enum series_type type, enum series_kind kind, uint8_t n)
{
	struct series_def def = {.uuid = uuid_v7(n, (uint8_t[10]){n}), .type = type, .kind = kind, .key = span_str(key)};
	series_id id;
	bool fresh;
	expect(sdb_define(db, &def, &id, &fresh, NULL) == 0);
	for (int i = 0; i < 5; i++) {
		struct sbatch_point p = {.id = id, .type = type, .t_ns = i * 10, .seq = kind == SERIES_SEQUENCE ? (uint64_t)i + 1 : 0, .arrival_ns = 100};
		if (type == SERIES_STR)
			p.v.str = span_str("text");
		else if (type == SERIES_F64)
			p.v.f64 = i * 1.5;
		else if (type == SERIES_BOOL)
			p.v.b = 1;
		else
			p.v.i64 = i;
		expect(sbatch_add(b, &p) == 0);
	}
}

static inline struct shop *shop(void)
{
	static struct shop s;
	if (s.q)
		return &s;
	struct sdb_recovery rec;
	struct sbatch *b = NULL;
	struct sdb_appended a;
	struct store *store = NULL;
	expect(memvfs_new(&s.vfs, 1) == 0 && sdb_open(&s.db, s.vfs, "s", NULL, &rec, NULL) == 0 && sbatch_new(&b) == 0);
	sbatch_set_arrival(b, 100);
	shop_series(s.db, b, "m,h=a f", SERIES_F64, SERIES_CLOCK, 1);
	shop_series(s.db, b, "m,h=b f", SERIES_F64, SERIES_CLOCK, 2);
	shop_series(s.db, b, "m,h=a i", SERIES_I64, SERIES_CLOCK, 3);
	shop_series(s.db, b, "m,h=a s", SERIES_STR, SERIES_CLOCK, 4);
	shop_series(s.db, b, "m,h=a ok", SERIES_BOOL, SERIES_CLOCK, 5);
	shop_series(s.db, b, "c q", SERIES_F64, SERIES_SEQUENCE, 6);
	expect(sdb_append(s.db, b, &a, NULL) == 0);
	sbatch_free(b);
	expect(store_open(&store, s.vfs, "store.db", NULL) == 0);
	store_close(store);
	expect(series_index_new(&s.x, s.db) == 0 && series_index_refresh(s.x) == 0);
	expect(sqldb_open(&s.q, s.vfs, "store.db", s.db, NULL) == 0);
	return &s;
}

#endif
