/* Every allocation of one small life of the engine fails once, in turn: a
 * clean error, nothing in half, nothing leaked, and the next try works. */
#include "cm.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/prng.h"
#include "faultalloc.h"
#include "model.h"
#include "os/memvfs.h"

#define BATCHES 22u

static struct mbatch batch[BATCHES];
static struct model states[BATCHES + 1]; /* behind so many batches */

static void make(void)
{
	struct prng r;
	int64_t clock = 500 * NS_PER_S;
	prng_seed(&r, 3);
	for (size_t k = 0; k < BATCHES; k++) {
		batch[k].n = 12;
		batch[k].arr = clock;
		for (size_t i = 0; i < batch[k].n; i++) {
			struct mpoint *p = &batch[k].p[i];
			*p = (struct mpoint){.id = 1 + (series_id)prng_below(&r, MODEL_SERIES),
			        .v = prng_below(&r, 90),
			        .q = prng_below(&r, 5) ? Q_GOOD : Q_BAD};
			clock += NS_PER_S;
			p->t = prng_below(&r, 3) ? clock : clock - (int64_t)prng_below(&r, 60) * NS_PER_S;
			p->own_arr = prng_below(&r, 6) == 0;
			p->arr = p->t + 40 * NS_PER_S;
		}
	}
	for (size_t n = 0; n <= BATCHES; n++) {
		model_init(&states[n]);
		for (size_t k = 0; k < n; k++)
			model_apply(&states[n], &batch[k], NULL);
	}
}

struct life {
	struct vfs *vfs;
	struct sdb *db;
	size_t n, synced;
	bool defined;
};

static int reads(struct sdb *db)
{
	struct sdb_bin bins[5];
	struct diag d = {0};
	for (series_id id = 1; id <= 4; id++) {
		struct sdb_cursor *c;
		struct sdb_batch b;
		int r = sdb_read(db, &c, id, &(struct sdb_range){0, INT64_MAX, id & 1, true}, &d);
		if (r != 0)
			return r;
		do
			r = sdb_next(c, &b, &d);
		while (r == 0 && b.n > 0);
		sdb_cursor_close(c);
		if (r == 0 && id < 4)
			r = sdb_chart(db, id, 0, 2000 * NS_PER_S, 5, bins, &d);
		if (r != 0)
			return r;
	}
	return 0;
}

static int live(struct life *l)
{
	struct diag d = {0};
	struct sdb_recovery rec;
	struct sdb_appended a;
	uint64_t offset;
	for (int round = 0; round < 2; round++) {
		int r = sdb_open(&l->db, l->vfs, "s", &model_options, &rec, &d);
		if (r != 0)
			return r;
		r = model_define(l->db);
		if (r == 0)
			r = sdb_sync(l->db, &offset, &d);
		if (r != 0)
			return r;
		l->defined = true;
		for (size_t k = 0; k < BATCHES / 2; k++) {
			r = model_append(l->db, &batch[l->n], &a, &d);
			if (r != 0)
				return r;
			l->n++;
			if (k % 4 == 3) {
				r = sdb_sync(l->db, &offset, &d);
				if (r != 0)
					return r;
				l->synced = l->n;
			}
			if (k % 2 == 1)
				r = sdb_maintain(l->db, true, &d);
			if (r == 0)
				r = reads(l->db);
			if (r != 0)
				return r;
		}
		r = sdb_sync(l->db, &offset, &d);
		if (r != 0)
			return r;
		l->synced = l->n;
		uint64_t files;
		struct buf out;
		buf_init(&out, 0);
		r = sdb_check_live(l->db, NULL, NULL, NULL, &files);
		if (r == 0)
			r = sdb_check(l->vfs, "s", NULL, NULL, &files);
		if (r == 0)
			r = series_debug_file(l->vfs, "s/manifest", &out, &d);
		if (r == 0)
			r = series_debug_file(l->vfs, "s/catalogue", &out, &d);
		buf_free(&out);
		if (r != 0)
			return r;
		sdb_close(l->db);
		l->db = NULL;
	}
	return 0;
}

static void test_sweep(void **state)
{
	(void)state;
	make();
	uint64_t failures = 0, passes = 0;
	uint64_t step = getenv("MORU_SOAK") ? 1 : 6;
	for (uint64_t at = 1;; at += step, passes++) {
		struct life l = {0};
		struct sdb_recovery rec;
		assert_int_equal(memvfs_new(&l.vfs, at), 0);
		faultalloc_arm(at);
		int r = live(&l);
		bool fired = faultalloc_fired();
		faultalloc_arm(0);
		if (r != 0 && r != MO_ENOMEM && r != MO_EIO && r != MO_ESTATE)
			fail_msg("allocation %d gives %d", (int)at, r);
		failures += r != 0;
		/* The engine that met the failure still answers rightly; a batch went in as a whole or not at all. */
		if (l.db && l.defined) {
			const char *bad = model_compare(&states[l.n], l.db);
			if (bad)
				fail_msg("allocation %d: %s", (int)at, bad);
		}
		sdb_close(l.db);
		assert_int_equal(sdb_open(&l.db, l.vfs, "s", &model_options, &rec, NULL), 0);
		assert_int_equal(rec.set_aside, 0);
		const char *bad = "undefined";
		for (size_t n = l.n + 1; bad && sdb_max_id(l.db) == MODEL_SERIES && n-- > l.synced;)
			bad = model_compare(&states[n], l.db);
		if (bad && l.defined)
			fail_msg("after allocation %d: %s", (int)at, bad);
		sdb_close(l.db);
		vfs_free(l.vfs);
		if (!fired)
			break;
	}
	printf("%d allocations failed, %d of them seen as errors\n", (int)passes, (int)failures);
	assert_true(passes > 300 && failures > passes / 2);
	for (size_t n = 0; n <= BATCHES; n++)
		model_free(&states[n]);
}

/* Every allocation of applying a rule of retention: afterwards it goes on, and exactly what it says is gone. */
static void test_drop(void **state)
{
	struct sdb_limit limit[MODEL_SERIES];
	uint64_t passes = 0, failures = 0;
	bool fired = true;
	(void)state;
	make();
	struct model *after = &states[BATCHES];
	for (size_t i = 0; i < MODEL_SERIES; i++)
		limit[i] = (struct sdb_limit){.before_ns = (int64_t)(560 + 10 * i) * NS_PER_S};
	assert_true(model_drop(after, limit) > 60);
	for (uint64_t at = 1; fired; at++, passes++) {
		struct sdb_drop q = {.limit = limit, .n_limits = MODEL_SERIES};
		struct sdb_appended a;
		struct vfs *vfs;
		struct sdb *db;
		struct diag d = {0};
		uint64_t offset;
		int r;
		assert_int_equal(memvfs_new(&vfs, at), 0);
		assert_int_equal(sdb_open(&db, vfs, "s", &model_options, NULL, &d), 0);
		assert_int_equal(model_define(db), 0);
		for (size_t k = 0; k < BATCHES; k++) {
			assert_int_equal(model_append(db, &batch[k], &a, &d), 0);
			if (k % 8 == 7)
				assert_int_equal(sdb_maintain(db, true, &d), 0);
		}
		assert_int_equal(sdb_sync(db, &offset, &d), 0);
		faultalloc_arm(at);
		while ((r = sdb_drop(db, &q, &d)) == MO_EAGAIN)
			;
		fired = faultalloc_fired();
		faultalloc_arm(0);
		if (r != 0 && (r != MO_ENOMEM || d.msg == MSG_NONE))
			fail_msg("allocation %d gives %d", (int)at, r);
		failures += r != 0;
		while ((r = sdb_drop(db, &q, &d)) == MO_EAGAIN)
			;
		assert_int_equal(r, 0);
		const char *bad = model_compare(after, db);
		if (bad)
			fail_msg("after allocation %d: %s", (int)at, bad);
		sdb_close(db);
		vfs_free(vfs);
	}
	printf("%d allocations failed, %d of them seen as errors\n", (int)passes, (int)failures);
	assert_true(passes > 20 && failures > passes / 2);
	for (size_t n = 0; n <= BATCHES; n++)
		model_free(&states[n]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_sweep), cmocka_unit_test(test_drop)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
