/* While a reader holds the store, plain reads of its files make a copy that SQLite finds whole: the state at the call or a later commit, whatever is
 * committed and checkpointed meanwhile. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "cm.h"

#include "os/memvfs.h"
#include "store/store.h"

static void put(struct store *s, unsigned from, unsigned to)
{
	struct diag d = {0};
	for (unsigned i = from; i < to; i++) {
		char name[16], value[3000];
		memset(value, 'a' + (int)(i % 26), sizeof value);
		assert_int_equal(store_begin(s, &d), 0);
		/* The same few rows over and over, so that a page stands in the log many times. */
		assert_int_equal(store_put_mark(s, span_of(name, (size_t)snprintf(name, sizeof name, "m%u", i % 7)), span_of(value, sizeof value), &d), 0);
		assert_int_equal(store_put_mark(s, SPAN_LIT("count"), span_of(name, (size_t)snprintf(name, sizeof name, "%08u", i + 1)), &d), 0);
		assert_int_equal(store_commit(s, &d), 0);
	}
}

static void copy_file(struct vfs *v, const char *from, const char *to)
{
	uint8_t *p = NULL;
	size_t n = 0;
	assert_int_equal(vfs_slurp(v, &p, &n, from, 64u << 20, NULL), 0);
	assert_int_equal(vfs_replace(v, to, span_of(p, n), false, NULL), 0);
	free(p);
}

static unsigned count_of(struct vfs *v, const char *path)
{
	struct store *s = NULL;
	struct store_reader *r = NULL;
	struct diag d = {0};
	struct buf b;
	buf_init(&b, 0);
	assert_int_equal(store_open(&s, v, path, &d), 0);
	assert_int_equal(store_reader_open(&r, v, path, &d), 0);
	assert_int_equal(store_check(r, NULL, NULL, NULL, &d), 0);
	assert_int_equal(store_get_mark(r, SPAN_LIT("count"), &b, &d), 0);
	buf_addc(&b, 0);
	unsigned n = (unsigned)strtoul((const char *)b.p, NULL, 10);
	/* Each row as that commit left it. */
	for (unsigned i = n > 7 ? n - 7 : 0; i < n; i++) {
		char name[16];
		buf_reset(&b);
		assert_int_equal(store_get_mark(r, span_of(name, (size_t)snprintf(name, sizeof name, "m%u", i % 7)), &b, &d), 0);
		assert_true(b.n == 3000 && b.p[0] == 'a' + i % 26 && b.p[2999] == b.p[0]);
	}
	store_reader_close(r);
	store_close(s);
	buf_free(&b);
	return n;
}

static void a_copy_of_files_that_are_written(void **state)
{
	(void)state;
	for (unsigned emptied = 0; emptied < 2; emptied++) {
		struct vfs *v = NULL;
		struct store *s = NULL;
		struct store_reader *r = NULL;
		struct diag d = {0};
		bool log = false;
		assert_int_equal(memvfs_new(&v, 1), 0);
		assert_int_equal(vfs_mkdir(v, "n", false), 0);
		assert_int_equal(vfs_mkdir(v, "c", false), 0);
		assert_int_equal(store_open(&s, v, "n/store.db", &d), 0);
		put(s, 0, 30);
		if (emptied) { /* closing brings the log into the database */
			store_close(s);
			assert_int_equal(store_open(&s, v, "n/store.db", &d), 0);
		}
		assert_int_equal(store_reader_open(&r, v, "n/store.db", &d), 0);
		assert_int_equal(store_hold(r, &log, &d), 0);
		assert_int_equal(log, !emptied);
		put(s, 30, 500); /* over a thousand pages: checkpoints try themselves */
		copy_file(v, "n/store.db", "c/store.db");
		put(s, 500, 900);
		if (log)
			copy_file(v, "n/store.db-wal", "c/store.db-wal");
		put(s, 900, 905);
		store_hold_end(r);
		store_hold_end(r);
		assert_int_equal(count_of(v, "c/store.db"), log ? 900 : 30);
		/* And it is let go: the log is emptied again. */
		put(s, 905, 1500);
		store_reader_close(r);
		store_close(s);
		assert_int_equal(count_of(v, "n/store.db"), 1500);
		vfs_free(v);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_copy_of_files_that_are_written)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
