#include "cm.h"

#include <stdio.h>
#include <stdlib.h>

#include "os/memvfs.h"
#include "series/priv/walcrc.h"

static struct vfs *vfs;
static char seen[4096];

static int apply(void *arg, uint8_t type, struct span payload)
{
	(void)arg;
	size_t n = strlen(seen);
	if (payload.n > 100)
		snprintf(seen + n, sizeof seen - n, "%u%c*%zu ", type, payload.p[0], payload.n);
	else
		snprintf(seen + n, sizeof seen - n, "%u%.*s ", type, SPAN_FMT(payload));
	return payload.p[0] == '!' ? MO_ECORRUPT : 0;
}

static void begin(struct wal *w)
{
	if (!vfs) {
		assert_int_equal(memvfs_new(&vfs, 1), 0);
		assert_int_equal(vfs_mkdir(vfs, "w", false), 0);
		assert_int_equal(vfs_sync_dir(vfs, "."), 0);
	}
	wal_init(w, vfs, "w", 4096);
}

static void end(struct wal *w)
{
	wal_free(w);
	vfs_free(vfs);
	vfs = NULL;
}

static struct sdb_recovery recover(struct wal *w, uint64_t upto)
{
	struct sdb_recovery rec = {0};
	seen[0] = 0;
	assert_int_equal(wal_recover(w, upto, false, apply, NULL, &rec, NULL), 0);
	return rec;
}

static void put(struct wal *w, const char *text)
{
	uint8_t *p;
	assert_int_equal(wal_reserve(w, strlen(text), &p, NULL), 0);
	memcpy(p, text, strlen(text));
	wal_commit(w, WAL_BATCH, strlen(text));
}

static void fill(struct wal *w, char c, size_t n)
{
	uint8_t *p;
	assert_int_equal(wal_reserve(w, n, &p, NULL), 0);
	memset(p, c, n);
	wal_commit(w, WAL_BATCH, n);
}

static void test_round(void **state)
{
	(void)state;
	struct wal w;
	begin(&w);
	put(&w, "one");
	put(&w, "two");
	assert_int_equal(wal_sync(&w, NULL), 0);
	assert_int_equal(w.synced, 48);
	put(&w, "lost");
	wal_free(&w);
	memvfs_crash(vfs, true);
	begin(&w);
	struct sdb_recovery rec = recover(&w, 0);
	assert_string_equal(seen, "2one 2two ");
	assert_int_equal(rec.torn_bytes, 0);
	assert_int_equal(w.lsn, 48);
	/* A new start writes to a new file. */
	put(&w, "three");
	assert_int_equal(wal_sync(&w, NULL), 0);
	assert_int_equal(w.number, 2);
	wal_free(&w);
	begin(&w);
	recover(&w, 24);
	assert_string_equal(seen, "2two 2three ");
	end(&w);
}

/* The bytes of docs/formats/series.md, written by hand. */
static void test_literal(void **state)
{
	(void)state;
	struct wal w;
	uint8_t *p;
	size_t n;
	begin(&w);
	put(&w, "abc");
	assert_int_equal(wal_sync(&w, NULL), 0);
	assert_int_equal(vfs_slurp(vfs, &p, &n, "w/log-0000000000000001", 1 << 20, NULL), 0);
	assert_int_equal(n, 4096);
	static const uint8_t head[48] = {'m', 'o', 'r', 'u', 's', 'L', 'O', 'G', 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0};
	assert_memory_equal(p, head, sizeof head);
	static const uint8_t rec[4] = {3, 0, 0, 0}, tail[16] = {1, 0, 0, 0, 2, 0, 0, 0, 'a', 'b', 'c'};
	assert_memory_equal(p + 64, rec, 4);
	assert_memory_equal(p + 72, tail, 16);
	assert_true(all_zero(p + 88, n - 88));
	static const uint8_t sum[] = {1, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 'a', 'b', 'c'};
	assert_int_equal(ld32(p + 68), crc32c(0, span_of(sum, sizeof sum)));
	free(p);
	end(&w);
}

/* What a recycled file held before is never replayed, wherever its records lie. */
static void test_recycled(void **state)
{
	(void)state;
	struct wal w;
	begin(&w);
	for (int round = 0; round < 12; round++) {
		for (int i = 0; i < 40; i++)
			fill(&w, (char)('a' + round), 200);
		assert_int_equal(wal_sync(&w, NULL), 0);
		assert_int_equal(wal_retire(&w, w.lsn), 0);
		assert_int_equal(wal_live_files(&w), 1);
	}
	assert_true(w.pool.n == WAL_POOL_MAX);
	fill(&w, 'z', 3900); /* a file of its own, from the pool */
	put(&w, "last");
	assert_int_equal(wal_sync(&w, NULL), 0);
	uint64_t from = w.lsn - 24 - 3920;
	wal_free(&w);
	begin(&w);
	struct sdb_recovery rec = recover(&w, from);
	assert_int_equal(rec.torn_bytes, 0);
	assert_string_equal(seen, "2z*3900 2last ");
	end(&w);
}

static void test_large(void **state)
{
	(void)state;
	struct wal w;
	uint8_t *p;
	begin(&w);
	fill(&w, 'L', 100000);
	put(&w, "small");
	assert_int_equal(wal_sync(&w, NULL), 0);
	assert_true(wal_live_bytes(&w) >= 100000);
	assert_int_equal(wal_reserve(&w, WAL_PAYLOAD_MAX + 1, &p, NULL), MO_ELIMIT);
	assert_int_equal(wal_reserve(&w, 0, &p, NULL), MO_ELIMIT);
	put(&w, "taken back");
	wal_rollback(&w, 10);
	put(&w, "other"); /* in the place of what was taken back */
	assert_int_equal(wal_sync(&w, NULL), 0);
	wal_free(&w);
	begin(&w);
	recover(&w, 0);
	assert_string_equal(seen, "2L*100000 2small 2other ");
	assert_int_equal(w.live.n, 1);
	end(&w);
}

static void test_torn(void **state)
{
	(void)state;
	struct wal w;
	begin(&w);
	put(&w, "one");
	put(&w, "two");
	put(&w, "three");
	assert_int_equal(wal_sync(&w, NULL), 0);
	wal_free(&w);
	assert_int_equal(memvfs_flip(vfs, "w/log-0000000000000001", (64 + 24 + 17) * 8), 0); /* in "two" */
	begin(&w);
	struct sdb_recovery rec = recover(&w, 0);
	assert_string_equal(seen, "2one ");
	assert_int_equal(rec.torn_bytes, 48);
	assert_int_equal(w.lsn, 24);
	put(&w, "four");
	assert_int_equal(wal_sync(&w, NULL), 0);
	wal_free(&w);
	begin(&w);
	recover(&w, 0);
	assert_string_equal(seen, "2one 2four ");
	end(&w);
}

static void test_contradiction(void **state)
{
	(void)state;
	struct wal w;
	begin(&w);
	put(&w, "one");
	put(&w, "!two");
	fill(&w, 'x', 4000); /* the next file */
	assert_int_equal(wal_sync(&w, NULL), 0);
	wal_free(&w);
	begin(&w);
	struct sdb_recovery rec = recover(&w, 0);
	assert_string_equal(seen, "2one 2!two ");
	assert_int_equal(rec.set_aside, 1);
	assert_string_equal(rec.set_aside_name, "log-0000000000000002");
	struct vfs_stat st;
	assert_int_equal(vfs_stat(vfs, "w/log-0000000000000002.bad", &st), 0);
	end(&w);
}

static void test_failed(void **state)
{
	(void)state;
	struct wal w;
	struct diag d = {0};
	uint8_t *p;
	begin(&w);
	put(&w, "one");
	memvfs_set_faults(vfs, &(struct memvfs_faults){.fail_at = 2, .err = MO_EIO});
	assert_int_equal(wal_sync(&w, &d), MO_EIO);
	assert_int_equal(d.msg, MSG_OS_ERROR);
	assert_int_equal(wal_sync(&w, &d), MO_ESTATE);
	assert_int_equal(wal_reserve(&w, 3, &p, &d), MO_ESTATE);
	assert_int_equal(d.msg, MSG_SERIES_FAILED);
	end(&w);
	/* A new file that finds no room is an error of that call alone. */
	begin(&w);
	memvfs_set_faults(vfs, &(struct memvfs_faults){.space_bytes = 6000});
	fill(&w, 'x', 3000);
	assert_int_equal(wal_reserve(&w, 3000, &p, &d), MO_EFULL);
	memvfs_set_faults(vfs, &(struct memvfs_faults){0});
	fill(&w, 'y', 3000);
	assert_int_equal(wal_sync(&w, &d), 0);
	end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_round), cmocka_unit_test(test_literal), cmocka_unit_test(test_recycled),
	        cmocka_unit_test(test_large), cmocka_unit_test(test_torn), cmocka_unit_test(test_contradiction),
	        cmocka_unit_test(test_failed)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
