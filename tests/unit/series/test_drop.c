/* What a rule of retention gives up is gone, and nothing else: against the model. */
#include "cm.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/prng.h"
#include "model.h"
#include "os/memvfs.h"

static struct vfs *vfs;
static struct sdb *db;
static struct model m;
static struct diag d;

static int begin(void **state)
{
	(void)state;
	if (memvfs_new(&vfs, 3) != 0 || sdb_open(&db, vfs, "s", &model_options, NULL, &d) != 0 || model_define(db) != 0)
		return -1;
	model_init(&m);
	return 0;
}

static int end(void **state)
{
	(void)state;
	sdb_close(db);
	model_free(&m);
	vfs_free(vfs);
	return 0;
}

static void say(void *arg, const struct diag *x)
{
	(void)arg;
	fail_msg("sdb_check: message %d, %s %s", (int)x->msg, x->file, x->field);
}

static void same(void)
{
	const char *bad = model_compare(&m, db);
	if (bad)
		fail_msg("%s", bad);
}

static void reopen(void)
{
	uint64_t files;
	sdb_close(db);
	db = NULL;
	assert_int_equal(sdb_check(vfs, "s", say, NULL, &files), 0);
	struct sdb_recovery rec;
	assert_int_equal(sdb_open(&db, vfs, "s", &model_options, &rec, &d), 0);
	assert_int_equal(rec.set_aside, 0);
}

/* Times fall back now and then: late points, some of them over others. */
static void write_batches(struct prng *r, int64_t *clock, unsigned n)
{
	for (unsigned k = 0; k < n; k++) {
		struct mbatch b = {.arr = *clock, .n = 1 + prng_below(r, 40)};
		struct sdb_appended a, want;
		uint64_t offset;
		for (size_t i = 0; i < b.n; i++) {
			struct mpoint *p = &b.p[i];
			*p = (struct mpoint){.id = 1 + (series_id)prng_below(r, MODEL_SERIES), .v = prng_below(r, 90)};
			*clock += prng_below(r, 6) ? NS_PER_S : 0;
			p->t = prng_below(r, 5) ? *clock : *clock - (int64_t)prng_below(r, 300) * NS_PER_S;
			p->seq = m.s[p->id - 1].kind == SERIES_SEQUENCE ? prng_below(r, 30) : 0;
			p->q = prng_below(r, 9) ? Q_GOOD : Q_BAD;
		}
		while (model_append(db, &b, &a, &d) == MO_EAGAIN)
			assert_int_equal(sdb_maintain(db, false, &d), 0);
		model_apply(&m, &b, &want);
		assert_int_equal(a.taken, want.taken);
		assert_int_equal(a.replaced, want.replaced);
		assert_int_equal(sdb_sync(db, &offset, &d), 0);
		if (sdb_wants_maintain(db) || prng_below(r, 8) == 0)
			assert_int_equal(sdb_maintain(db, prng_below(r, 20) == 0, &d), 0);
	}
}

static struct sdb_drop drop(const struct sdb_limit *limit)
{
	struct sdb_drop q = {.limit = limit, .n_limits = MODEL_SERIES};
	int r, steps = 0;
	while ((r = sdb_drop(db, &q, &d)) == MO_EAGAIN)
		assert_true(++steps < 1000);
	assert_int_equal(r, 0);
	return q;
}

static void none(struct sdb_limit *limit)
{
	for (size_t i = 0; i < MODEL_SERIES; i++)
		limit[i] = (struct sdb_limit){.before_ns = INT64_MIN};
}

static void test_against_the_model(void **state)
{
	static const struct sdb_numbers keep[] = {{3, 5}, {9, 9}, {20, UINT64_MAX}};
	struct sdb_limit limit[MODEL_SERIES];
	struct prng r;
	int64_t clock = 1000 * NS_PER_S;
	uint64_t all = 0;
	(void)state;
	prng_seed(&r, 5);
	for (unsigned round = 0; round < 12; round++) {
		write_batches(&r, &clock, 40);
		none(limit);
		for (size_t i = 0; i < MODEL_SERIES; i++) {
			if (prng_below(&r, 3))
				limit[i].before_ns = clock - (int64_t)prng_below(&r, 900) * NS_PER_S;
			if (prng_below(&r, 2)) {
				limit[i].keep = keep;
				limit[i].n_keep = 3;
			}
			if (m.s[i].kind == SERIES_CLOCK)
				limit[i].n_keep = 0;
		}
		if (round == 11)
			for (size_t i = 0; i < MODEL_SERIES; i++)
				limit[i] = (struct sdb_limit){.before_ns = INT64_MAX}; /* all but the newest of each */
		struct sdb_drop q = drop(limit);
		uint64_t gone = model_drop(&m, limit);
		assert_int_equal(q.values, gone);
		assert_int_equal(q.damaged + q.full, 0);
		all += gone;
		same();
		q = drop(limit); /* again: there is nothing left */
		assert_int_equal(q.values, 0);
		assert_int_equal(q.segments, 0);
		same();
		if (round % 2)
			reopen();
		same();
		if (round % 3 == 0) {
			assert_int_equal(sdb_maintain(db, true, &d), 0);
			same();
		}
	}
	assert_true(all > 3000);
	assert_int_equal(sdb_maintain(db, true, &d), 0);
	reopen();
	same();
	write_batches(&r, &clock, 40); /* it goes on */
	same();
}

/* Without a limit not a byte changes. */
static void test_nothing(void **state)
{
	struct sdb_limit limit[MODEL_SERIES];
	struct sdb_stats a, b;
	struct prng r;
	int64_t clock = 1000 * NS_PER_S;
	(void)state;
	prng_seed(&r, 6);
	write_batches(&r, &clock, 200);
	assert_int_equal(sdb_maintain(db, true, &d), 0);
	none(limit);
	limit[0].before_ns = 0; /* before everything */
	sdb_stats(db, &a);
	struct sdb_drop q = drop(limit);
	sdb_stats(db, &b);
	assert_int_equal(q.values + q.segments, 0);
	assert_memory_equal(&a, &b, sizeof a);
	q = (struct sdb_drop){.limit = limit, .n_limits = 0};
	assert_int_equal(sdb_drop(db, &q, &d), 0);
	same();
}

/* A cursor goes on over what was dropped; the files go when it is closed. */
static void test_readers(void **state)
{
	struct sdb_limit limit[MODEL_SERIES];
	struct sdb_cursor *c;
	struct sdb_batch b;
	struct sdb_stats s;
	struct prng r;
	int64_t clock = 1000 * NS_PER_S;
	uint64_t n = 0;
	(void)state;
	prng_seed(&r, 7);
	write_batches(&r, &clock, 200);
	assert_int_equal(sdb_maintain(db, true, &d), 0);
	struct sdb_range range = {INT64_MIN, INT64_MAX, false, false};
	assert_int_equal(sdb_read(db, &c, 1, &range, &d), 0);
	size_t before = m.s[0].n;
	sdb_stats(db, &s);
	uint64_t bytes = s.bytes_segments;
	none(limit);
	for (size_t i = 0; i < MODEL_SERIES; i++)
		limit[i].before_ns = clock - 60 * NS_PER_S;
	struct sdb_drop q = drop(limit);
	assert_true(q.segments > 0 && q.bytes > 0);
	(void)model_drop(&m, limit);
	same();
	sdb_stats(db, &s);
	assert_true(s.bytes_segments < bytes / 2);
	while (sdb_next(c, &b, &d) == 0 && b.n)
		n += b.n;
	assert_int_equal(n, before);
	sdb_cursor_close(c);
	assert_int_equal(sdb_maintain(db, true, &d), 0);
	reopen();
	same();
}

/* No room for the rest of a segment: it stays, and is tried again. */
static void test_no_room(void **state)
{
	struct sdb_limit limit[MODEL_SERIES];
	struct prng r;
	int64_t clock = 1000 * NS_PER_S;
	uint64_t room, total;
	(void)state;
	prng_seed(&r, 8);
	write_batches(&r, &clock, 300);
	assert_int_equal(sdb_maintain(db, true, &d), 0);
	none(limit);
	limit[0].before_ns = limit[1].before_ns = clock - 60 * NS_PER_S;
	struct memvfs_faults f = {.space_bytes = UINT64_C(1) << 40};
	memvfs_set_faults(vfs, &f);
	assert_int_equal(vfs_space(vfs, "s", &room, &total), 0);
	f.space_bytes = total - room + 300;
	memvfs_set_faults(vfs, &f);
	struct sdb_drop q = drop(limit);
	assert_true(q.full > 0);
	assert_int_equal(q.values, 0);
	same();
	memvfs_set_faults(vfs, NULL);
	q = drop(limit);
	assert_int_equal(q.full, 0);
	assert_int_equal(q.values, model_drop(&m, limit));
	same();
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_against_the_model, begin, end), cmocka_unit_test_setup_teardown(test_nothing, begin, end),
		cmocka_unit_test_setup_teardown(test_readers, begin, end), cmocka_unit_test_setup_teardown(test_no_room, begin, end)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
