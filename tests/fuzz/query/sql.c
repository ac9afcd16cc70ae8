/* Any SQL: rows or an error with words, within a bounded number of steps, and not one operation that could write. */
#include "shop.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static uint64_t content(struct vfs *v)
{
	uint8_t *p = NULL;
	size_t n;
	expect(vfs_slurp(v, &p, &n, "store.db", 1u << 26, NULL) == 0);
	uint64_t h = span_hash(span_of(p, n));
	free(p);
	return h;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct shop *s = shop();
	struct table_cursor *c = NULL;
	struct table_batch b;
	struct diag d = {0};
	uint64_t before = content(s->vfs), syncs = memvfs_syncs(s->vfs);
	size_t rows = 0;
	sqldb_set_steps(s->q, 20000);
	int err = sqldb_select(s->q, &c, span_of(p, n), &d);
	while (!err && (err = table_next(c, &b, &d)) == 0 && b.n_rows) {
		expect(b.n_rows <= TABLE_BATCH_ROWS);
		rows += b.n_rows;
	}
	table_close(c);
	if (err)
		expect(d.err == err && d.msg != MSG_NONE && err != MO_EBUG && err != MO_EIO && err != MO_ECORRUPT);
	expect(rows <= 40000);
	expect(content(s->vfs) == before && memvfs_syncs(s->vfs) == syncs);
	return 0;
}
