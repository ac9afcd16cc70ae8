/* A copy of what sdb_hold() gives is the folder as it stood at the call, whatever is written, flushed, merged and unlinked while it is made; and of
 * a folder that nobody serves the same. */
#include <stdio.h>
#include <stdlib.h>

#include "cm.h"

#include "base/civil.h"
#include "os/memvfs.h"
#include "series/series.h"

#define PER_ROUND 200

static const struct sdb_options options = {.log_file_bytes = 4096, .head_budget_bytes = 1 << 20, .block_points = 64};

static struct sdb *engine(struct vfs *v, const char *path)
{
	struct sdb *db = NULL;
	struct diag d = {0};
	assert_int_equal(sdb_open(&db, v, path, &options, NULL, &d), 0);
	return db;
}

/* Round r: values r*PER_ROUND.. of one series, and a series of its own. */
static void write_round(struct sdb *db, unsigned r)
{
	char key[16];
	struct series_def all = {.uuid = {{1}}, .type = SERIES_I64, .kind = SERIES_CLOCK, .key = SPAN_LIT("M all"), .unit = SPAN_LIT("")},
		one = {.uuid = {{2, (uint8_t)r}}, .type = SERIES_STR, .kind = SERIES_CLOCK, .unit = SPAN_LIT("")};
	series_id a, b;
	bool fresh;
	uint64_t to;
	struct sbatch *batch = NULL;
	struct sdb_appended did;
	one.key = span_of(key, (size_t)snprintf(key, sizeof key, "M r%u", r));
	assert_int_equal(sdb_define(db, &all, &a, &fresh, NULL), 0);
	assert_int_equal(sdb_define(db, &one, &b, &fresh, NULL), 0);
	assert_int_equal(sbatch_new(&batch), 0);
	for (unsigned i = 0; i < PER_ROUND; i++) {
		struct sbatch_point p = {.id = a, .type = SERIES_I64, .t_ns = (r * PER_ROUND + i) * NS_PER_S, .arrival_ns = T_NONE, .v.i64 = (int64_t)(r * PER_ROUND + i) * 3};
		assert_int_equal(sbatch_add(batch, &p), 0);
	}
	struct sbatch_point s = {.id = b, .type = SERIES_STR, .t_ns = r * NS_PER_S, .arrival_ns = T_NONE, .v.str = SPAN_LIT("said")};
	assert_int_equal(sbatch_add(batch, &s), 0);
	assert_int_equal(sdb_append(db, batch, &did, NULL), 0);
	assert_int_equal(sdb_sync(db, &to, NULL), 0);
	sbatch_free(batch);
}

static void copy(struct sdb_hold *h, struct vfs *v, const char *to, unsigned *ret_logs)
{
	assert_int_equal(vfs_mkdir(v, to, false), 0);
	for (size_t i = 0; i < sdb_hold_count(h); i++) {
		const struct sdb_held *f = sdb_hold_file(h, i);
		struct diag d = {0};
		struct vfs_file *out = NULL;
		char *path = vfs_join(to, f->name);
		uint8_t *p = malloc((size_t)f->size_bytes + 1);
		assert_true(path && p);
		/* In two reads, as a copy in pieces is. */
		size_t half = (size_t)f->size_bytes / 2;
		assert_int_equal(sdb_hold_read(h, i, 0, p, half, &d), 0);
		assert_int_equal(sdb_hold_read(h, i, half, p + half, (size_t)f->size_bytes - half, &d), 0);
		assert_int_equal(sdb_hold_read(h, i, f->size_bytes, p, 1, &d), MO_EBUG);
		sdb_hold_done(h, i);
		assert_int_equal(vfs_open(v, &out, path, VFS_WRITE | VFS_CREATE, NULL), 0);
		assert_int_equal(vfs_pwrite(out, p, (size_t)f->size_bytes, 0), 0);
		vfs_close(out);
		*ret_logs += strncmp(f->name, "log-", 4) == 0;
		assert_int_equal(f->key[0] != 0, strncmp(f->name, "seg-", 4) == 0);
		free(p);
		free(path);
	}
}

/* Exactly the values of the first `rounds` rounds. */
static void check_copy(struct vfs *v, const char *path, unsigned rounds)
{
	assert_int_equal(sdb_check(v, path, NULL, NULL, NULL), 0);
	struct sdb *db = engine(v, path);
	struct sdb_cursor *c = NULL;
	struct sdb_range range = {.from_ns = INT64_MIN, .to_ns = INT64_MAX};
	struct sdb_batch b;
	series_id id;
	unsigned at = 0;
	assert_int_equal(sdb_max_id(db), rounds + 1);
	assert_int_equal(sdb_find(db, SPAN_LIT("M all"), &id), 0);
	assert_int_equal(sdb_read(db, &c, id, &range, NULL), 0);
	while (sdb_next(c, &b, NULL) == 0 && b.n)
		for (size_t i = 0; i < b.n; i++, at++)
			assert_true(b.t_ns[i] == at * NS_PER_S && b.i64[i] == (int64_t)at * 3);
	sdb_cursor_close(c);
	assert_int_equal(at, rounds * PER_ROUND);
	sdb_close(db);
	assert_int_equal(sdb_check(v, path, NULL, NULL, NULL), 0);
}

static void of_a_folder_that_is_written_meanwhile(void **state)
{
	(void)state;
	/* flushed: how many of the rounds before were. */
	for (unsigned flushed = 0; flushed <= 6; flushed += 2) {
		struct vfs *v = NULL;
		struct sdb_hold *h = NULL;
		struct diag d = {0};
		unsigned logs = 0;
		assert_int_equal(memvfs_new(&v, flushed + 1), 0);
		struct sdb *db = engine(v, "s");
		for (unsigned r = 0; r < 6; r++) {
			write_round(db, r);
			if (r < flushed)
				assert_int_equal(sdb_maintain(db, r % 2, &d), 0);
			if (r + 1 == flushed)
				assert_int_equal(sdb_maintain(db, true, &d), 0);
		}
		assert_int_equal(sdb_hold(&h, db, &d), 0);
		for (unsigned r = 6; r < 20; r++) {
			write_round(db, r);
			assert_int_equal(sdb_maintain(db, true, &d), 0);
		}
		copy(h, v, "copy", &logs);
		assert_true(logs >= 1);
		sdb_hold_free(h);
		check_copy(v, "copy", 6);
		/* Nothing is held any more: what was replaced goes. */
		write_round(db, 20);
		assert_int_equal(sdb_maintain(db, true, &d), 0);
		assert_int_equal(sdb_maintain(db, true, &d), 0);
		sdb_close(db);
		check_copy(v, "s", 21);
		vfs_free(v);
	}
}

static void of_a_folder_that_nobody_serves(void **state)
{
	(void)state;
	for (unsigned flush = 0; flush < 2; flush++) {
		struct vfs *v = NULL;
		struct sdb_hold *h = NULL;
		struct diag d = {0};
		unsigned logs = 0;
		assert_int_equal(memvfs_new(&v, 1), 0);
		struct sdb *db = engine(v, "s");
		for (unsigned r = 0; r < 5; r++) {
			write_round(db, r);
			if (flush && r == 2)
				assert_int_equal(sdb_maintain(db, true, &d), 0);
		}
		sdb_close(db);
		assert_int_equal(sdb_hold_folder(&h, v, "s", &d), 0);
		copy(h, v, "copy", &logs);
		sdb_hold_free(h);
		check_copy(v, "copy", 5);
		vfs_free(v);
	}
}

/* What is damaged or gone is told by name, not left out. */
static void what_cannot_be_held(void **state)
{
	struct vfs *v = NULL;
	struct sdb_hold *h = NULL;
	struct diag d = {0};
	(void)state;
	assert_int_equal(memvfs_new(&v, 1), 0);
	struct sdb *db = engine(v, "s");
	write_round(db, 0);
	assert_int_equal(sdb_maintain(db, true, &d), 0);
	assert_int_equal(memvfs_flip(v, "s/manifest", 600), 0);
	assert_int_equal(sdb_hold(&h, db, &d), MO_ECORRUPT);
	assert_string_equal(d.file, "s/manifest");
	assert_int_equal(memvfs_flip(v, "s/manifest", 600), 0);
	sdb_close(db);
	assert_int_equal(vfs_unlink(v, "s/seg-0000000000000001"), 0);
	assert_int_equal(sdb_hold_folder(&h, v, "s", &d), 0);
	for (size_t i = 0; i < sdb_hold_count(h); i++) {
		uint8_t p[8];
		bool seg = strncmp(sdb_hold_file(h, i)->name, "seg-", 4) == 0;
		assert_int_equal(sdb_hold_read(h, i, 0, p, sizeof p, &d), seg ? MO_ENOENT : 0);
		if (seg)
			assert_string_equal(d.file, "s/seg-0000000000000001");
	}
	sdb_hold_free(h);
	vfs_free(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(of_a_folder_that_is_written_meanwhile), cmocka_unit_test(of_a_folder_that_nobody_serves),
		cmocka_unit_test(what_cannot_be_held)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
