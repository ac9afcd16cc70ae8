/* Files in memory while the power holds: content, names, faults, space. */
#include "cm.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/prng.h"
#include "os/clock.h"
#include "os/memvfs.h"

static struct vfs *fresh(void)
{
	struct vfs *v = NULL;
	assert_int_equal(memvfs_new(&v, 42), 0);
	return v;
}

static struct vfs_file *make(struct vfs *v, const char *path)
{
	struct vfs_file *f = NULL;
	assert_int_equal(vfs_open(v, &f, path, VFS_WRITE | VFS_CREATE, NULL), 0);
	return f;
}

/* Random writes, cuts and syncs against a plain array; after a crash that loses all, against its copy at the last sync. */
static void content_follows_a_model(void **state)
{
	enum { MAX = 40000 };
	static uint8_t now[MAX], durable[MAX], got[MAX], data[6000];
	size_t now_n = 0, durable_n = 0;
	struct prng r;
	struct vfs *v = fresh();
	struct vfs_file *f = make(v, "f");
	(void)state;
	assert_int_equal(vfs_sync_dir(v, ""), 0);
	prng_seed(&r, 7);
	for (unsigned i = 0; i < 3000; i++) {
		uint64_t kind = prng_below(&r, 20);
		if (kind < 12) {
			size_t n = (size_t)prng_below(&r, sizeof data), at = (size_t)prng_below(&r, MAX - sizeof data);
			memset(data, (int)(1 + prng_below(&r, 255)), n);
			assert_int_equal(vfs_pwrite(f, data, n, at), 0);
			memcpy(now + at, data, n);
			if (n && at + n > now_n)
				now_n = at + n;
		} else if (kind < 15) {
			size_t n = (size_t)prng_below(&r, MAX);
			assert_int_equal(vfs_truncate(f, n), 0);
			if (n < now_n)
				memset(now + n, 0, now_n - n);
			now_n = n;
		} else if (kind < 16) {
			size_t n = (size_t)prng_below(&r, MAX);
			assert_int_equal(vfs_allocate(f, n), 0);
			now_n = n > now_n ? n : now_n;
		} else if (kind < 19) {
			assert_int_equal(vfs_sync(f), 0);
			memcpy(durable, now, sizeof now);
			durable_n = now_n;
		} else {
			memvfs_crash(v, true);
			vfs_close(f);
			f = make(v, "f");
			memcpy(now, durable, sizeof now);
			now_n = durable_n;
		}
		size_t n = 0;
		uint64_t size = 0;
		assert_int_equal(vfs_size(f, &size), 0);
		assert_int_equal(size, now_n);
		assert_int_equal(vfs_pread(f, got, sizeof got, 0, &n), 0);
		assert_int_equal(n, now_n);
		assert_memory_equal(got, now, now_n);
	}
	vfs_close(f);
	vfs_free(v);
}

static void reads_end_at_the_end(void **state)
{
	struct vfs *v = fresh();
	struct vfs_file *f = make(v, "f"), *ro = NULL;
	uint8_t b[8];
	size_t n = 0;
	const uint8_t *view = NULL;
	(void)state;
	assert_int_equal(vfs_pwrite(f, "abcdef", 6, 0), 0);
	assert_int_equal(vfs_pread(f, b, 8, 4, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(vfs_pread(f, b, 8, UINT64_MAX, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(vfs_read_full(f, b, 6, 0), 0);
	assert_int_equal(vfs_read_full(f, b, 7, 0), MO_ECORRUPT);
	assert_int_equal(vfs_map(f, 7, &view), MO_ECORRUPT);
	assert_int_equal(vfs_map(f, 0, &view), 0);
	vfs_unmap(f, view, 0);
	assert_int_equal(vfs_pwrite(f, "x", 1, UINT64_MAX), MO_ELIMIT);
	assert_int_equal(vfs_truncate(f, UINT64_MAX), MO_ELIMIT);
	assert_int_equal(vfs_open(v, &ro, "f", VFS_READ, NULL), 0);
	assert_int_equal(vfs_pwrite(ro, "x", 1, 0), MO_ESTATE);
	assert_int_equal(vfs_truncate(ro, 0), MO_ESTATE);
	vfs_close(ro);
	vfs_close(f);
	vfs_close(NULL);
	vfs_free(v);
}

static int count_name(void *arg, const char *name)
{
	unsigned *n = arg;
	(void)name;
	(*n)++;
	return 0;
}

static int stop_at_once(void *arg, const char *name)
{
	(void)arg;
	(void)name;
	return 77;
}

static void names_behave_like_files(void **state)
{
	struct vfs *v = fresh();
	struct vfs_file *f = NULL, *g = NULL;
	struct vfs_stat st;
	struct diag d;
	unsigned n = 0;
	uint8_t b[2];
	(void)state;
	assert_int_equal(vfs_open(v, &f, "d/f", VFS_WRITE | VFS_CREATE, &d), MO_ENOENT);
	assert_int_equal(d.err, MO_ENOENT);
	assert_string_equal(d.file, "d/f");
	assert_int_equal(d.msg, MSG_OS_ERROR);
	assert_int_equal(vfs_mkdir(v, "d", false), 0);
	assert_int_equal(vfs_mkdir(v, "/d/", false), 0);
	assert_int_equal(vfs_open(v, &f, "d/f", VFS_READ, NULL), MO_ENOENT);
	f = make(v, "d//f");
	assert_int_equal(vfs_open(v, &g, "./d/f", VFS_WRITE | VFS_CREATE | VFS_EXCL, NULL), MO_EEXIST);
	assert_int_equal(vfs_open(v, &g, "d", VFS_READ, NULL), MO_EINVAL);
	assert_int_equal(vfs_open(v, &g, "d/../d/f", VFS_READ, NULL), MO_EINVAL);
	assert_int_equal(vfs_open(v, &g, "d/f/x", VFS_READ, NULL), MO_ENOENT);
	assert_int_equal(vfs_mkdir(v, "d/f", false), MO_EEXIST);
	assert_int_equal(vfs_rmdir(v, "d"), MO_ESTATE);
	assert_int_equal(vfs_unlink(v, "d"), MO_EINVAL);
	assert_int_equal(vfs_rmdir(v, "d/f"), MO_ENOENT);
	assert_int_equal(vfs_stat(v, "d", &st), 0);
	assert_true(st.is_dir);
	/* An unlinked file lives as long as its handle. */
	assert_int_equal(vfs_pwrite(f, "x", 1, 0), 0);
	assert_int_equal(vfs_unlink(v, "d/f"), 0);
	assert_int_equal(vfs_stat(v, "d/f", &st), MO_ENOENT);
	assert_int_equal(vfs_read_full(f, b, 1, 0), 0);
	g = make(v, "d/f");
	assert_int_equal(vfs_read_full(g, b, 1, 0), MO_ECORRUPT);
	vfs_close(g);
	vfs_close(f);
	/* A folder moves with what is in it, but not into itself. */
	assert_int_equal(vfs_mkdir(v, "d/sub", false), 0);
	assert_int_equal(vfs_rename(v, "d", "d/sub/d"), MO_EINVAL);
	assert_int_equal(vfs_rename(v, "d", "e"), 0);
	assert_int_equal(vfs_stat(v, "e/f", &st), 0);
	assert_false(st.is_dir);
	assert_int_equal(vfs_stat(v, "d/f", &st), MO_ENOENT);
	assert_int_equal(vfs_rename(v, "d", "x"), MO_ENOENT);
	assert_int_equal(vfs_rename(v, "e/f", "e/sub"), MO_EINVAL);
	assert_int_equal(vfs_rename(v, "e/f", "e/f"), 0);
	assert_int_equal(vfs_list(v, "e", count_name, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(vfs_list(v, "e", stop_at_once, NULL), 77);
	assert_int_equal(vfs_list(v, "e/f", count_name, &n), MO_ENOENT);
	assert_int_equal(vfs_rmdir(v, "e/sub"), 0);
	assert_int_equal(vfs_sync_dir(v, "e"), 0);
	assert_int_equal(vfs_sync_dir(v, "nowhere"), MO_ENOENT);
	vfs_free(v);
}

static void a_lock_is_exclusive(void **state)
{
	struct vfs *v = fresh();
	struct vfs_file *a = NULL, *b = NULL;
	(void)state;
	assert_int_equal(vfs_lock(v, &a, "lock"), 0);
	assert_int_equal(vfs_lock(v, &b, "lock"), MO_EBUSY);
	assert_int_equal(vfs_pwrite(a, "1", 1, 0), 0);
	vfs_close(a);
	assert_int_equal(vfs_lock(v, &b, "lock"), 0);
	vfs_close(b);
	vfs_free(v);
}

static void faults_come_in_order(void **state)
{
	struct vfs *v = fresh();
	struct vfs_file *f = make(v, "f");
	uint8_t b[4];
	size_t n = 0;
	(void)state;
	memvfs_set_faults(v, &(struct memvfs_faults){.fail_at = 3, .err = MO_EFULL});
	uint64_t before = memvfs_ops(v);
	assert_int_equal(vfs_pwrite(f, "a", 1, 0), 0);
	assert_int_equal(vfs_pread(f, b, 1, 0, &n), 0);
	assert_int_equal(vfs_pwrite(f, "bb", 2, 0), MO_EFULL);
	assert_int_equal(vfs_pread(f, b, 4, 0, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(memvfs_ops(v) - before, 4);

	memvfs_set_faults(v, &(struct memvfs_faults){.fail_at = 2, .err = MO_EIO, .forever = true});
	assert_int_equal(vfs_sync(f), 0);
	assert_int_equal(vfs_sync(f), MO_EIO);
	assert_int_equal(vfs_pread(f, b, 1, 0, &n), MO_EIO);
	assert_int_equal(vfs_unlink(v, "f"), MO_EIO);
	assert_int_equal(memvfs_syncs(v), 1);
	memvfs_set_faults(v, NULL);
	assert_int_equal(vfs_read_full(f, b, 1, 0), 0);
	vfs_close(f);
	vfs_free(v);
}

static void a_short_write_leaves_a_prefix(void **state)
{
	unsigned partial = 0;
	(void)state;
	for (uint64_t seed = 0; seed < 50; seed++) {
		struct vfs *v = NULL;
		uint64_t size = 0;
		assert_int_equal(memvfs_new(&v, seed), 0);
		struct vfs_file *f = make(v, "f");
		memvfs_set_faults(v, &(struct memvfs_faults){.fail_at = 1, .err = MO_EFULL, .short_write = true});
		assert_int_equal(vfs_pwrite(f, "0123456789", 10, 0), MO_EFULL);
		assert_int_equal(vfs_size(f, &size), 0);
		assert_true(size < 10);
		partial += size > 0;
		vfs_close(f);
		vfs_free(v);
	}
	assert_true(partial > 0);
}

static void space_runs_out_and_comes_back(void **state)
{
	struct vfs *v = fresh();
	struct vfs_file *f = make(v, "f"), *g = make(v, "g");
	uint64_t left = 0, total = 0, size = 0;
	(void)state;
	memvfs_set_faults(v, &(struct memvfs_faults){.space_bytes = 100});
	assert_int_equal(vfs_allocate(f, 60), 0);
	assert_int_equal(vfs_pwrite(g, "x", 1, 39), 0);
	assert_int_equal(vfs_space(v, ".", &left, &total), 0);
	assert_int_equal(left, 0);
	assert_int_equal(total, 100);
	assert_int_equal(vfs_pwrite(g, "xy", 2, 39), MO_EFULL);
	assert_int_equal(vfs_truncate(g, 41), MO_EFULL);
	assert_int_equal(vfs_pwrite(g, "y", 1, 39), 0); /* in place */
	assert_int_equal(vfs_size(g, &size), 0);
	assert_int_equal(size, 40);
	assert_int_equal(vfs_unlink(v, "f"), 0);
	assert_int_equal(vfs_pwrite(g, "x", 1, 40), MO_EFULL); /* still open */
	vfs_close(f);
	assert_int_equal(vfs_pwrite(g, "x", 1, 99), 0);
	assert_int_equal(vfs_truncate(g, 10), 0);
	assert_int_equal(vfs_space(v, ".", &left, &total), 0);
	assert_int_equal(left, 90);
	assert_int_equal(vfs_sync(g), 0);
	vfs_close(g);
	memvfs_crash(v, true); /* g's name was never synced; f's removal neither, nor its name */
	assert_int_equal(vfs_space(v, ".", &left, &total), 0);
	assert_int_equal(left, total);
	vfs_free(v);
}

static void slurp_and_replace(void **state)
{
	struct vfs *v = fresh();
	uint8_t *p = NULL;
	size_t n = 0;
	struct diag d;
	(void)state;
	assert_int_equal(vfs_slurp(v, &p, &n, "f", 10, &d), MO_ENOENT);
	assert_int_equal(vfs_replace(v, "f", SPAN_LIT("hello"), false, &d), 0);
	assert_int_equal(vfs_slurp(v, &p, &n, "f", 4, &d), MO_ELIMIT);
	assert_int_equal(d.err, MO_ELIMIT);
	assert_int_equal(vfs_slurp(v, &p, &n, "f", 5, &d), 0);
	assert_int_equal(n, 5);
	assert_string_equal((char *)p, "hello");
	free(p);
	assert_int_equal(vfs_replace(v, "f", span_of(NULL, 0), false, &d), 0);
	assert_int_equal(vfs_slurp(v, &p, &n, "f", 0, &d), 0);
	assert_int_equal(n, 0);
	assert_int_equal(p[0], 0);
	free(p);
	assert_int_equal(vfs_replace(v, "nowhere/f", SPAN_LIT("x"), false, &d), MO_ENOENT);
	assert_int_equal(d.err, MO_ENOENT);
	vfs_free(v);
}

/* Every operation of a replace fails once: an error with words, the old content or the new, no .tmp in the way. */
static void replace_fails_cleanly(void **state)
{
	(void)state;
	for (uint64_t at = 1;; at++) {
		struct vfs *v = fresh();
		struct diag d;
		uint8_t *p = NULL;
		size_t n = 0;
		assert_int_equal(vfs_replace(v, "f", SPAN_LIT("old"), false, NULL), 0);
		memvfs_set_faults(v, &(struct memvfs_faults){.fail_at = at, .err = MO_EFULL, .short_write = true});
		uint64_t before = memvfs_ops(v);
		int r = vfs_replace(v, "f", SPAN_LIT("new"), false, &d);
		bool reached = memvfs_ops(v) - before >= at;
		memvfs_set_faults(v, NULL);
		assert_int_equal(vfs_slurp(v, &p, &n, "f", 100, NULL), 0);
		if (r) {
			assert_int_equal(r, MO_EFULL);
			assert_int_equal(d.err, MO_EFULL);
			assert_true(strcmp((char *)p, "old") == 0 || strcmp((char *)p, "new") == 0);
		} else {
			assert_string_equal((char *)p, "new");
		}
		free(p);
		vfs_free(v);
		if (!reached) {
			assert_int_equal(at, 7); /* unlink, open, write, sync, rename, sync_dir */
			break;
		}
	}
}

static void paths_join_and_part(void **state)
{
	static const char *const join[][3] = {{"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"", "b", "b"}, {"/", "b", "/b"}};
	static const char *const parent[][2] = {{"a/b", "a"}, {"a", "."}, {"/a", "/"}, {"a/b/", "a"}, {"a//b", "a"}, {"/", "/"}, {"", "."}};
	(void)state;
	for (size_t i = 0; i < sizeof join / sizeof *join; i++) {
		char *s = vfs_join(join[i][0], join[i][1]);
		assert_string_equal(s, join[i][2]);
		free(s);
	}
	for (size_t i = 0; i < sizeof parent / sizeof *parent; i++) {
		char *s = vfs_parent(parent[i][0]);
		assert_string_equal(s, parent[i][1]);
		free(s);
	}
}

static void syncs_take_their_time(void **state)
{
	struct vfs *v = fresh(), *slow = NULL;
	struct vfs_file *f = NULL;
	uint8_t b[1];
	(void)state;
	assert_int_equal(slowvfs_new(&slow, v, -1), MO_EINVAL);
	assert_int_equal(slowvfs_new(&slow, v, 5000000), 0);
	assert_int_equal(vfs_open(slow, &f, "f", VFS_WRITE | VFS_CREATE, NULL), 0);
	assert_int_equal(vfs_pwrite(f, "x", 1, 0), 0);
	int64_t t = mono_now();
	assert_int_equal(vfs_sync(f), 0);
	assert_int_equal(vfs_sync_dir(slow, "."), 0);
	assert_true(mono_now() - t >= 10000000);
	vfs_close(f);
	memvfs_set_faults(v, &(struct memvfs_faults){.sync_delay_ns = 5000000});
	f = make(v, "f");
	t = mono_now();
	assert_int_equal(vfs_sync(f), 0);
	assert_true(mono_now() - t >= 5000000);
	vfs_close(f);
	vfs_free(slow);
	memvfs_crash(v, true);
	f = make(v, "f");
	assert_int_equal(vfs_read_full(f, b, 1, 0), 0);
	vfs_close(f);
	vfs_free(v);
}

/* A sync costs what changed since the last one: small appends to a large file copy no large file. As many operations as
 * the largest sweep makes in a pass. */
static void sweeps_are_cheap(void **state)
{
	struct vfs *v = fresh();
	struct vfs_file *f = make(v, "log");
	uint8_t row[100];
	(void)state;
	memset(row, 7, sizeof row);
	assert_int_equal(vfs_allocate(f, 64u << 20), 0);
	int64_t t = mono_now();
	for (uint64_t i = 0; i < 10000; i++) {
		assert_int_equal(vfs_pwrite(f, row, sizeof row, i * sizeof row), 0);
		assert_int_equal(vfs_sync(f), 0);
	}
	print_message("20000 operations: %.1f ms\n", (double)(mono_now() - t) / 1e6);
	assert_int_equal(memvfs_syncs(v), 10000);
	vfs_close(f);
	vfs_free(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(content_follows_a_model),
		cmocka_unit_test(reads_end_at_the_end),
		cmocka_unit_test(names_behave_like_files),
		cmocka_unit_test(a_lock_is_exclusive),
		cmocka_unit_test(faults_come_in_order),
		cmocka_unit_test(a_short_write_leaves_a_prefix),
		cmocka_unit_test(space_runs_out_and_comes_back),
		cmocka_unit_test(slurp_and_replace),
		cmocka_unit_test(replace_fails_cleanly),
		cmocka_unit_test(paths_join_and_part),
		cmocka_unit_test(syncs_take_their_time),
		cmocka_unit_test(sweeps_are_cheap),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
