/* Each rule that os/vfs.h states about durability, seen from after a power cut. */
#include "cm.h"

#include <stdio.h>
#include <stdlib.h>

#include "os/memvfs.h"

#define SEEDS 200u

static struct vfs *fresh(uint64_t seed)
{
	struct vfs *v = NULL;
	assert_int_equal(memvfs_new(&v, seed), 0);
	return v;
}

static struct vfs_file *make(struct vfs *v, const char *path)
{
	struct vfs_file *f = NULL;
	assert_int_equal(vfs_open(v, &f, path, VFS_WRITE | VFS_CREATE, NULL), 0);
	return f;
}

static void put(struct vfs_file *f, const char *s, uint64_t at) { assert_int_equal(vfs_pwrite(f, s, strlen(s), at), 0); }

/* A file with this content, durable by content and by name. */
static void durable(struct vfs *v, const char *path, const char *content)
{
	struct vfs_file *f = make(v, path);
	char *dir = vfs_parent(path);
	put(f, content, 0);
	assert_int_equal(vfs_sync(f), 0);
	assert_int_equal(vfs_sync_dir(v, dir), 0);
	vfs_close(f);
	free(dir);
}

/* NULL when the file is absent. malloc'ed. */
static char *content(struct vfs *v, const char *path)
{
	uint8_t *p = NULL;
	size_t n = 0;
	int r = vfs_slurp(v, &p, &n, path, 1u << 24, NULL);
	if (r == MO_ENOENT)
		return NULL;
	assert_int_equal(r, 0);
	return (char *)p;
}

static bool is(struct vfs *v, const char *path, const char *expected)
{
	char *s = content(v, path);
	bool same = expected ? s && strcmp(s, expected) == 0 : s == NULL;
	free(s);
	return same;
}

/* How often each of the two outcomes came over many seeds; any third fails the test. */
struct tally {
	unsigned a, b;
};

static void synced_data_stays(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct vfs *v = fresh(seed);
		durable(v, "a", "hello");
		memvfs_crash(v, seed & 1);
		assert_true(is(v, "a", "hello"));
		vfs_free(v);
	}
}

static void unsynced_data_may_go(void **state)
{
	struct tally t = {0, 0};
	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct vfs *v = fresh(seed);
		durable(v, "a", "old");
		struct vfs_file *f = make(v, "a");
		put(f, "new", 0);
		assert_true(is(v, "a", "new")); /* seen at once */
		memvfs_crash(v, false);
		assert_true(is(v, "a", "old") || is(v, "a", "new"));
		t.a += is(v, "a", "old");
		t.b += is(v, "a", "new");
		vfs_close(f);
		vfs_free(v);
	}
	assert_true(t.a > SEEDS / 10 && t.b > SEEDS / 10);
}

static void lose_all_loses_all(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct vfs *v = fresh(seed);
		durable(v, "a", "old");
		durable(v, "gone", "x");
		struct vfs_file *f = make(v, "a");
		put(f, "new and longer", 0);
		assert_int_equal(vfs_unlink(v, "gone"), 0);
		struct vfs_file *g = make(v, "b");
		assert_int_equal(vfs_sync(g), 0);
		memvfs_crash(v, true);
		assert_true(is(v, "a", "old"));
		assert_true(is(v, "gone", "x"));
		assert_true(is(v, "b", NULL)); /* synced, but its name never was */
		vfs_close(f);
		vfs_close(g);
		vfs_free(v);
	}
}

/* 512-byte sectors survive each by itself, whole: old or new, in any mixture. */
static void sectors_tear(void **state)
{
	uint8_t old[4 * 512], new[4 * 512];
	unsigned seen[16] = {0}, kinds = 0;
	(void)state;
	memset(old, 'o', sizeof old);
	memset(new, 'n', sizeof new);
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct vfs *v = fresh(seed);
		struct vfs_file *f = make(v, "a");
		assert_int_equal(vfs_pwrite(f, old, sizeof old, 0), 0);
		assert_int_equal(vfs_sync(f), 0);
		assert_int_equal(vfs_sync_dir(v, "."), 0);
		assert_int_equal(vfs_pwrite(f, new, sizeof new, 0), 0);
		memvfs_crash(v, false);
		char *s = content(v, "a");
		assert_non_null(s);
		unsigned mask = 0;
		for (unsigned i = 0; i < 4; i++) {
			bool is_new = s[i * 512] == 'n';
			for (unsigned k = 0; k < 512; k++)
				assert_int_equal(s[i * 512 + k], is_new ? 'n' : 'o');
			mask |= is_new ? 1u << i : 0;
		}
		seen[mask]++;
		free(s);
		vfs_close(f);
		vfs_free(v);
	}
	for (unsigned i = 0; i < 16; i++)
		kinds += seen[i] > 0;
	assert_true(kinds >= 12);
}

/* Within one sector a later write never survives an earlier one that was lost. */
static void writes_in_a_sector_keep_their_order(void **state)
{
	static const char *const allowed[] = {"....", "a...", "ab..", "abc.", "abcd"};
	unsigned seen[5] = {0};
	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct vfs *v = fresh(seed);
		durable(v, "a", "....");
		struct vfs_file *f = make(v, "a");
		put(f, "a", 0);
		put(f, "b", 1);
		put(f, "c", 2);
		put(f, "d", 3);
		memvfs_crash(v, false);
		unsigned i = 0;
		while (i < 5 && !is(v, "a", allowed[i]))
			i++;
		assert_in_range(i, 0, 4);
		seen[i]++;
		vfs_close(f);
		vfs_free(v);
	}
	for (unsigned i = 0; i < 5; i++)
		assert_true(seen[i] > 0);
}

/* A file may have grown while the bytes of the new part never arrived: zeros. */
static void grown_part_may_be_zeros(void **state)
{
	struct tally zeros = {0, 0};
	unsigned shorter = 0;
	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct vfs *v = fresh(seed);
		struct vfs_stat st;
		struct vfs_file *f = make(v, "a");
		assert_int_equal(vfs_sync_dir(v, "/"), 0);
		put(f, "data", 0);
		memvfs_crash(v, false);
		assert_int_equal(vfs_stat(v, "a", &st), 0);
		char *s = content(v, "a");
		if (st.size_bytes == 0)
			shorter++;
		else if (memcmp(s, "\0\0\0\0", 4) == 0)
			zeros.a++;
		else if (memcmp(s, "data", 4) == 0)
			zeros.b++;
		else
			fail();
		free(s);
		vfs_close(f);
		/* What was past the end does not come back with the next growth. */
		f = make(v, "a");
		assert_int_equal(vfs_allocate(f, 100), 0);
		s = content(v, "a");
		for (size_t i = (size_t)st.size_bytes; i < 100; i++)
			assert_int_equal(s[i], 0);
		free(s);
		vfs_close(f);
		vfs_free(v);
	}
	assert_true(shorter > 0 && zeros.a > 0 && zeros.b > 0);
}

/* Cutting is all or nothing: the content of before stands again, or zeros and the new size. */
static void truncate_is_one_step(void **state)
{
	struct tally t = {0, 0};
	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct vfs *v = fresh(seed);
		durable(v, "a", "0123456789");
		struct vfs_file *f = make(v, "a");
		assert_int_equal(vfs_truncate(f, 4), 0);
		memvfs_crash(v, false);
		assert_true(is(v, "a", "0123") || is(v, "a", "0123456789"));
		t.a += is(v, "a", "0123");
		t.b += is(v, "a", "0123456789");
		vfs_close(f);
		vfs_free(v);
	}
	assert_true(t.a > 0 && t.b > 0);
}

/* What is written after a cut that did not survive is lost with it; the bytes cut off never mix with it. */
static void writes_after_a_lost_cut_are_lost(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct vfs *v = fresh(seed);
		durable(v, "a", "oldoldold");
		struct vfs_file *f = make(v, "a");
		assert_int_equal(vfs_truncate(f, 0), 0);
		put(f, "new", 0);
		put(f, "new", 6);
		memvfs_crash(v, false);
		char *s = content(v, "a");
		if (strcmp(s, "oldoldold") != 0)
			assert_null(strstr(s, "old"));
		free(s);
		vfs_close(f);
		vfs_free(v);
	}
}

static void names_need_sync_dir(void **state)
{
	struct tally made = {0, 0}, gone = {0, 0};
	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct vfs *v = fresh(seed);
		durable(v, "old", "o");
		struct vfs_file *f = make(v, "new");
		put(f, "n", 0);
		assert_int_equal(vfs_sync(f), 0);
		assert_int_equal(vfs_unlink(v, "old"), 0);
		assert_true(is(v, "old", NULL));
		memvfs_crash(v, false);
		made.a += is(v, "new", "n");
		made.b += is(v, "new", NULL);
		gone.a += is(v, "old", NULL);
		gone.b += is(v, "old", "o");
		vfs_close(f);
		vfs_free(v);
	}
	assert_int_equal(made.a + made.b, SEEDS);
	assert_int_equal(gone.a + gone.b, SEEDS);
	assert_true(made.a && made.b && gone.a && gone.b);
}

static void synced_names_stay(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct vfs *v = fresh(seed);
		durable(v, "old", "o");
		durable(v, "moved", "m");
		assert_int_equal(vfs_unlink(v, "old"), 0);
		assert_int_equal(vfs_rename(v, "moved", "there"), 0);
		assert_int_equal(vfs_sync_dir(v, "."), 0);
		memvfs_crash(v, seed & 1);
		assert_true(is(v, "old", NULL));
		assert_true(is(v, "moved", NULL));
		assert_true(is(v, "there", "m"));
		vfs_free(v);
	}
}

/* A name always shows the old file or the new, never none, and never a third thing. */
static void rename_replaces_atomically(void **state)
{
	struct tally t = {0, 0};
	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct vfs *v = fresh(seed);
		durable(v, "a", "old");
		durable(v, "a.tmp", "new");
		assert_int_equal(vfs_rename(v, "a.tmp", "a"), 0);
		memvfs_crash(v, false);
		if (is(v, "a", "new")) {
			t.a++;
			assert_true(is(v, "a.tmp", NULL));
		} else {
			t.b++;
			assert_true(is(v, "a", "old"));
			assert_true(is(v, "a.tmp", "new"));
		}
		vfs_free(v);
	}
	assert_true(t.a && t.b);
}

/* The classic mistake: rename before the content was synced may leave an empty file. */
static void rename_does_not_sync_content(void **state)
{
	unsigned torn = 0;
	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct vfs *v = fresh(seed);
		durable(v, "a", "old");
		struct vfs_file *f = make(v, "a.tmp");
		put(f, "new", 0);
		vfs_close(f);
		assert_int_equal(vfs_rename(v, "a.tmp", "a"), 0);
		assert_int_equal(vfs_sync_dir(v, "."), 0);
		memvfs_crash(v, false);
		torn += !is(v, "a", "old") && !is(v, "a", "new");
		vfs_free(v);
	}
	assert_true(torn > 0);
}

static void a_move_between_folders_never_loses_the_file(void **state)
{
	unsigned both = 0, first = 0, second = 0;
	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct vfs *v = fresh(seed);
		assert_int_equal(vfs_mkdir(v, "x", false), 0);
		assert_int_equal(vfs_mkdir(v, "y", false), 0);
		assert_int_equal(vfs_sync_dir(v, "."), 0);
		durable(v, "x/f", "content");
		assert_int_equal(vfs_rename(v, "x/f", "y/f"), 0);
		if (seed % 3 == 1)
			assert_int_equal(vfs_sync_dir(v, "x"), 0);
		if (seed % 3 == 2)
			assert_int_equal(vfs_sync_dir(v, "y"), 0);
		memvfs_crash(v, seed % 5 == 0);
		bool in_x = is(v, "x/f", "content"), in_y = is(v, "y/f", "content");
		assert_true(in_x || in_y);
		if (seed % 3 == 2)
			assert_true(in_y);
		both += in_x && in_y;
		first += in_x && !in_y;
		second += in_y && !in_x;
		vfs_free(v);
	}
	assert_true(both && first && second);
	struct vfs *v = fresh(1);
	assert_int_equal(vfs_mkdir(v, "x", false), 0);
	assert_int_equal(vfs_mkdir(v, "y", false), 0);
	assert_int_equal(vfs_sync_dir(v, "."), 0);
	durable(v, "x/f", "content");
	assert_int_equal(vfs_rename(v, "x/f", "y/f"), 0);
	assert_int_equal(vfs_sync_dir(v, "x"), 0);
	assert_int_equal(vfs_sync_dir(v, "y"), 0);
	memvfs_crash(v, true);
	assert_true(is(v, "x/f", NULL));
	assert_true(is(v, "y/f", "content"));
	vfs_free(v);
}

/* The old name's half, still pending, does not strike a newer file of that name. */
static void a_late_half_of_a_move_spares_what_came_after(void **state)
{
	struct vfs *v = fresh(1);
	(void)state;
	assert_int_equal(vfs_mkdir(v, "x", false), 0);
	assert_int_equal(vfs_mkdir(v, "y", false), 0);
	assert_int_equal(vfs_sync_dir(v, "."), 0);
	durable(v, "x/f", "first");
	assert_int_equal(vfs_rename(v, "x/f", "y/f"), 0);
	durable(v, "x/f", "second");
	assert_int_equal(vfs_sync_dir(v, "y"), 0);
	memvfs_crash(v, true);
	assert_true(is(v, "x/f", "second"));
	assert_true(is(v, "y/f", "first"));
	vfs_free(v);
}

static void a_moved_folder_has_one_parent(void **state)
{
	struct tally t = {0, 0};
	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct vfs *v = fresh(seed);
		assert_int_equal(vfs_mkdir(v, "x", false), 0);
		assert_int_equal(vfs_mkdir(v, "y", false), 0);
		assert_int_equal(vfs_mkdir(v, "x/d", false), 0);
		assert_int_equal(vfs_sync_dir(v, "."), 0);
		assert_int_equal(vfs_sync_dir(v, "x"), 0);
		durable(v, "x/d/f", "content");
		assert_int_equal(vfs_rename(v, "x/d", "y/d"), 0);
		if (seed % 3 == 1)
			assert_int_equal(vfs_sync_dir(v, "x"), 0);
		if (seed % 3 == 2)
			assert_int_equal(vfs_sync_dir(v, "y"), 0);
		memvfs_crash(v, false);
		bool in_x = is(v, "x/d/f", "content"), in_y = is(v, "y/d/f", "content");
		assert_int_equal(in_x + in_y, 1);
		if (seed % 3 == 2)
			assert_true(in_y);
		t.a += in_x;
		t.b += in_y && seed % 3 != 2;
		vfs_free(v);
	}
	assert_true(t.a && t.b);
}

/* A folder whose own name was not synced takes along what was synced in it. */
static void an_unsynced_folder_takes_its_files_along(void **state)
{
	struct tally t = {0, 0};
	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct vfs *v = fresh(seed);
		assert_int_equal(vfs_mkdir(v, "d", true), 0);
		durable(v, "d/f", "x");
		memvfs_crash(v, false);
		t.a += is(v, "d/f", "x");
		t.b += is(v, "d/f", NULL);
		vfs_free(v);
	}
	assert_int_equal(t.a + t.b, SEEDS);
	assert_true(t.a && t.b);
}

/* The disk says "error" once and forgets; what was dirty then is not covered by a later good sync. */
static void a_failed_sync_is_final(void **state)
{
	unsigned lost = 0;
	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct vfs *v = fresh(seed);
		durable(v, "a", "old");
		struct vfs_file *f = make(v, "a");
		put(f, "new", 0);
		memvfs_set_faults(v, &(struct memvfs_faults){.fail_at = 1, .err = MO_EIO});
		assert_int_equal(vfs_sync(f), MO_EIO);
		assert_int_equal(vfs_sync(f), 0);
		assert_true(is(v, "a", "new"));
		memvfs_crash(v, false);
		assert_true(is(v, "a", "old") || is(v, "a", "new"));
		lost += is(v, "a", "old");
		vfs_close(f);
		vfs_free(v);
	}
	assert_true(lost > 0);
}

static void old_handles_are_dead(void **state)
{
	struct vfs *v = fresh(1);
	struct vfs_file *lock = NULL, *again = NULL;
	uint8_t b[4];
	size_t n = 7;
	uint64_t size = 7;
	const uint8_t *view = NULL;
	(void)state;
	durable(v, "a", "abcd");
	assert_int_equal(vfs_lock(v, &lock, "lock"), 0);
	struct vfs_file *f = make(v, "a");
	assert_int_equal(vfs_map(f, 4, &view), 0);
	memvfs_crash(v, false);
	assert_int_equal(vfs_pread(f, b, 4, 0, &n), MO_EIO);
	assert_int_equal(n, 7);
	assert_int_equal(vfs_pwrite(f, "x", 1, 0), MO_EIO);
	assert_int_equal(vfs_sync(f), MO_EIO);
	assert_int_equal(vfs_truncate(f, 0), MO_EIO);
	assert_int_equal(vfs_allocate(f, 100), MO_EIO);
	assert_int_equal(vfs_size(f, &size), MO_EIO);
	assert_memory_equal(view, "abcd", 4);
	vfs_unmap(f, view, 4);
	vfs_close(f);
	/* The lock died with its holder. */
	assert_int_equal(vfs_lock(v, &again, "lock"), 0);
	vfs_close(lock);
	vfs_close(again);
	assert_true(is(v, "a", "abcd"));
	vfs_free(v);
}

/* At the crash point the operation and all after it fail, but it may have happened. */
static void crash_at_ends_everything(void **state)
{
	struct tally t = {0, 0};
	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct vfs *v = fresh(seed);
		struct vfs_stat st;
		durable(v, "a", "x");
		memvfs_set_faults(v, &(struct memvfs_faults){.crash_at = 2});
		assert_int_equal(vfs_stat(v, "a", &st), 0);
		assert_int_equal(vfs_rename(v, "a", "b"), MO_EIO);
		assert_int_equal(vfs_stat(v, "a", &st), MO_EIO);
		assert_int_equal(vfs_sync_dir(v, "."), MO_EIO);
		memvfs_crash(v, false);
		assert_int_equal(is(v, "a", "x") + is(v, "b", "x"), 1);
		t.a += is(v, "a", "x");
		t.b += is(v, "b", "x");
		vfs_free(v);
	}
	assert_true(t.a && t.b);
}

static void flipped_bits_are_found_in_what_is_durable(void **state)
{
	struct vfs *v = fresh(1);
	(void)state;
	durable(v, "a", "AAAA");
	assert_int_equal(memvfs_flip(v, "nowhere", 0), MO_ENOENT);
	assert_int_equal(memvfs_flip(v, "a", 32), MO_EINVAL);
	assert_int_equal(memvfs_flip(v, "a", 9), 0);
	assert_true(is(v, "a", "ACAA"));
	memvfs_crash(v, true);
	assert_true(is(v, "a", "ACAA"));
	/* In a hole, and beside a change that is not durable. */
	struct vfs_file *f = make(v, "a");
	assert_int_equal(vfs_allocate(f, 10000), 0);
	assert_int_equal(vfs_sync(f), 0);
	put(f, "B", 0);
	assert_int_equal(memvfs_flip(v, "a", 8 * 9000), 0);
	assert_int_equal(memvfs_flip(v, "a", 8 * 3), 0);
	memvfs_crash(v, true);
	char *s = content(v, "a");
	assert_memory_equal(s, "ACA@", 4);
	assert_int_equal(s[9000], 1);
	free(s);
	vfs_close(f);
	vfs_free(v);
}

/* vfs_replace: at whatever operation the power goes, the old content or the new. */
static void replace_is_atomic(void **state)
{
	unsigned new = 0, old = 0;
	(void)state;
	for (uint64_t at = 1; at <= 8; at++) {
		for (uint64_t seed = 0; seed < 50; seed++) {
			struct vfs *v = fresh(seed);
			assert_int_equal(vfs_mkdir(v, "d", false), 0);
			assert_int_equal(vfs_sync_dir(v, "."), 0);
			assert_int_equal(vfs_replace(v, "d/a", SPAN_LIT("old"), false, NULL), 0);
			memvfs_set_faults(v, &(struct memvfs_faults){.crash_at = at});
			int r = vfs_replace(v, "d/a", SPAN_LIT("new"), true, NULL);
			memvfs_crash(v, false);
			if (r == 0)
				assert_true(is(v, "d/a", "new"));
			new += is(v, "d/a", "new");
			old += is(v, "d/a", "old");
			/* And it works again, whatever was left beside. */
			assert_int_equal(vfs_replace(v, "d/a", SPAN_LIT("next"), false, NULL), 0);
			assert_true(is(v, "d/a", "next"));
			vfs_free(v);
		}
	}
	assert_int_equal(new + old, 8 * 50);
	assert_true(new && old);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(synced_data_stays),
		cmocka_unit_test(unsynced_data_may_go),
		cmocka_unit_test(lose_all_loses_all),
		cmocka_unit_test(sectors_tear),
		cmocka_unit_test(writes_in_a_sector_keep_their_order),
		cmocka_unit_test(grown_part_may_be_zeros),
		cmocka_unit_test(truncate_is_one_step),
		cmocka_unit_test(writes_after_a_lost_cut_are_lost),
		cmocka_unit_test(names_need_sync_dir),
		cmocka_unit_test(synced_names_stay),
		cmocka_unit_test(rename_replaces_atomically),
		cmocka_unit_test(rename_does_not_sync_content),
		cmocka_unit_test(a_move_between_folders_never_loses_the_file),
		cmocka_unit_test(a_late_half_of_a_move_spares_what_came_after),
		cmocka_unit_test(a_moved_folder_has_one_parent),
		cmocka_unit_test(an_unsynced_folder_takes_its_files_along),
		cmocka_unit_test(a_failed_sync_is_final),
		cmocka_unit_test(old_handles_are_dead),
		cmocka_unit_test(crash_at_ends_everything),
		cmocka_unit_test(flipped_bits_are_found_in_what_is_durable),
		cmocka_unit_test(replace_is_atomic),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
