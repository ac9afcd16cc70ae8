/* Values are counted: a log thread's work (append, sync, flush and merge now and then) goes on from one power cut to the next, on files that forget what was
 * not synced, until so many have been acknowledged. After each start every acknowledged value is there, and nothing that was never sent.
 * MORU_VALUES says how many (tools/soak.sh: 10^7, together with kills of a real node). */
#include "cm.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/prng.h"
#include "nosync.h"
#include "os/clock.h"
#include "os/memvfs.h"
#include "series/series.h"

#define SERIES 8u
#define RUN_MAX 2000u
#define VALUES 300000u
#define OPS_MAX 120u  /* file operations of one life, at most */
#define LIVES_LEAST 5u

struct count {
	uint64_t acked[SERIES], sent[SERIES]; /* values 0.. of each */
	uint64_t all, lost, foreign;
	unsigned lives, cuts_in_open;
};
static const struct sdb_options small = {.head_budget_bytes = 1 << 20, .log_file_bytes = 1 << 20};

/* Value i of series k: its time says which it is. */
static int64_t value_of(unsigned k, uint64_t i) { return (int64_t)(i * 2654435761u + k); }

static int define(struct sdb *db)
{
	char key[16];
	int err = 0;
	for (unsigned k = 0; k < SERIES && err == 0; k++) {
		series_id id;
		snprintf(key, sizeof key, "S%u v", k);
		struct series_def def = {.type = SERIES_I64, .kind = SERIES_CLOCK, .key = span_str(key), .uuid.b = {(uint8_t)(k + 1)}};
		err = sdb_define(db, &def, &id, NULL, NULL);
		assert_true(err != 0 || id == k + 1);
	}
	return err;
}

static void read_back(struct count *c, struct sdb *db)
{
	for (unsigned k = 0; k < SERIES; k++) {
		struct sdb_range all = {INT64_MIN, INT64_MAX, false, false};
		struct sdb_cursor *cur;
		struct sdb_batch b;
		uint64_t next = 0;
		int err = sdb_read(db, &cur, k + 1, &all, NULL);
		if (err == MO_ENOENT) { /* not even its definition, of which nothing was acknowledged */
			c->lost += c->acked[k];
			continue;
		}
		assert_int_equal(err, 0);
		while ((err = sdb_next(cur, &b, NULL)) == 0 && b.n)
			for (size_t i = 0; i < b.n; i++, next++) {
				uint64_t at = (uint64_t)(b.t_ns[i] / NS_PER_S);
				if (at > next) {
					c->lost += next < c->acked[k] ? (at < c->acked[k] ? at : c->acked[k]) - next : 0;
					next = at;
				}
				c->foreign += at != next || at >= c->sent[k] || b.i64[i] != value_of(k, at);
			}
		assert_int_equal(err, 0);
		sdb_cursor_close(cur);
		if (next < c->acked[k])
			c->lost += c->acked[k] - next;
		c->sent[k] = next > c->acked[k] ? next : c->acked[k]; /* what reached the disk without a word stays */
		c->acked[k] = c->sent[k];
	}
}

/* One batch of values that follow; 0: acknowledged. */
static int give(struct count *c, struct sdb *db, struct sbatch *b, struct prng *r)
{
	static int64_t t[RUN_MAX], v[RUN_MAX];
	struct sdb_appended a;
	uint64_t offset;
	unsigned k = (unsigned)prng_below(r, SERIES), n = 1 + (unsigned)prng_below(r, RUN_MAX);
	for (unsigned i = 0; i < n; i++) {
		t[i] = (int64_t)(c->acked[k] + i) * NS_PER_S;
		v[i] = value_of(k, c->acked[k] + i);
	}
	sbatch_reset(b);
	sbatch_set_arrival(b, t[0]);
	assert_int_equal(sbatch_add_run(b, k + 1, SERIES_I64, n, t, v), 0);
	int err;
	while ((err = sdb_append(db, b, &a, NULL)) == MO_EAGAIN)
		if ((err = sdb_maintain(db, false, NULL)) != 0)
			return err;
	c->sent[k] = c->acked[k] + n;
	if (err == 0)
		err = sdb_sync(db, &offset, NULL);
	if (err == 0) {
		c->acked[k] += n;
		c->all += n;
	}
	if (err == 0 && sdb_wants_maintain(db))
		err = sdb_maintain(db, false, NULL);
	return err;
}

static void run(struct count *c, struct vfs *mem, struct vfs *vfs, uint64_t wanted, uint64_t seed)
{
	struct sbatch *b;
	struct prng r;
	prng_seed(&r, seed);
	assert_int_equal(sbatch_new(&b), 0);
	while ((c->all < wanted || c->lives < LIVES_LEAST) && !c->lost && !c->foreign) {
		struct sdb *db = NULL;
		struct memvfs_faults cut = {.crash_at = 1 + prng_below(&r, OPS_MAX)};
		memvfs_set_faults(mem, &cut);
		int err = sdb_open(&db, vfs, "s", &small, NULL, NULL);
		if (err != 0) {
			c->cuts_in_open++;
		} else {
			err = define(db);
			while (err == 0 && c->all < wanted)
				err = give(c, db, b, &r);
			sdb_close(db);
		}
		memvfs_crash(mem, prng_below(&r, 2));
		c->lives++;
		if (sdb_open(&db, vfs, "s", &small, NULL, NULL) != 0) { /* nothing fails here: what was acknowledged is out of reach */
			c->lost += c->all;
			break;
		}
		read_back(c, db);
		sdb_close(db);
	}
	sbatch_free(b);
}

static void nothing_acknowledged_is_lost(void **state)
{
	const char *text = getenv("MORU_VALUES"), *first = getenv("MORU_SWEEP_OFFSET");
	uint64_t wanted = text ? strtoull(text, NULL, 10) : VALUES, seed = first ? strtoull(first, NULL, 10) : (uint64_t)mono_now();
	struct count c = {.lost = 0};
	struct vfs *mem;
	(void)state;
	assert_int_equal(memvfs_new(&mem, seed), 0);
	run(&c, mem, mem, wanted, seed);
	vfs_free(mem);
	printf("%" PRIu64 " of %" PRIu64 " values lost, %" PRIu64 " foreign; %u power cuts, %u of them in a start (MORU_SWEEP_OFFSET=%" PRIu64 ")\n", c.lost, c.all, c.foreign,
		c.lives, c.cuts_in_open, seed);
	assert_int_equal(c.lost, 0);
	assert_int_equal(c.foreign, 0);
	assert_true(c.all >= wanted);
}

/* The count would notice: a sync that is none loses something. */
static void a_missing_sync_is_noticed(void **state)
{
	struct count c = {.lost = 0};
	struct nosync plant;
	struct vfs *mem;
	(void)state;
	assert_int_equal(memvfs_new(&mem, 7), 0);
	nosync_init(&plant, mem);
	plant.files = true;
	plant.only = "log";
	run(&c, mem, &plant.v, VALUES, 7);
	vfs_free(mem);
	assert_true(c.lost > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_acknowledged_is_lost), cmocka_unit_test(a_missing_sync_is_noticed)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
