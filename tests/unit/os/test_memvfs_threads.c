/* One folder of files used by several threads at once, while another lets the power fail. */
#include "cm.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "os/memvfs.h"
#include "os/thread.h"

enum { THREADS = 4, ROUNDS = 300 };
struct job {
	struct vfs *v;
	unsigned number;
	atomic_uint *wrong;
};

/* What is not dead must be right: each thread's file holds only its own letter. */
static void *work(void *arg)
{
	struct job *j = arg;
	char path[16], row[64], got[64];
	(void)snprintf(path, sizeof path, "f%u", j->number);
	memset(row, 'a' + (int)j->number, sizeof row);
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct vfs_file *f = NULL;
		size_t n = 0;
		if (vfs_open(j->v, &f, path, VFS_WRITE | VFS_CREATE, NULL) != 0)
			continue;
		if (vfs_pwrite(f, row, sizeof row, (i % 40) * sizeof row) == 0 && vfs_sync(f) == 0 &&
			vfs_pread(f, got, sizeof got, (i % 40) * sizeof row, &n) == 0)
			for (size_t k = 0; k < n; k++)
				if (got[k] != row[0])
					atomic_fetch_add(j->wrong, 1);
		vfs_close(f);
		if (i % 16 == 0 && vfs_sync_dir(j->v, ".") != 0)
			continue;
	}
	return NULL;
}

static void threads_share_it(void **state)
{
	struct vfs *v = NULL;
	struct job j[THREADS];
	pthread_t t[THREADS];
	atomic_uint wrong = 0;
	(void)state;
	assert_int_equal(memvfs_new(&v, 3), 0);
	for (unsigned i = 0; i < THREADS; i++) {
		j[i] = (struct job){v, i, &wrong};
		assert_int_equal(thread_start(&t[i], "writer", work, &j[i]), 0);
	}
	for (int i = 0; i < 50; i++) {
		struct vfs_stat st;
		memvfs_crash(v, i % 2 == 0);
		(void)!vfs_stat(v, "f0", &st);
	}
	for (unsigned i = 0; i < THREADS; i++)
		thread_join(t[i]);
	assert_int_equal(wrong, 0);
	assert_true(memvfs_ops(v) > 0);
	vfs_free(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(threads_share_it)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
