/* The watched folder: a file is taken when it stood still, once; good ones go to done/, refused ones to refused/, what failed for a moment
 * is tried again. */
#include "cm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/watch.h"
#include "rig.h"

static struct rig r;
static atomic_uint taken;
static char last_name[256];
static int give; /* what the importer gives */

static int importer(void *arg, struct store_reader *reader, const char *path, const char *name, struct buf *why, struct diag *d)
{
	(void)arg;
	if (give)
		buf_adds(why, "because\n");
	assert_non_null(reader);
	assert_int_equal(access(path, R_OK), 0);
	snprintf(last_name, sizeof last_name, "%s", name);
	atomic_fetch_add(&taken, 1);
	return give ? diag_set(d, give, MSG_DEVICE_FIELD) : 0;
}

static int setup(void **state)
{
	(void)state;
	rig_init(&r);
	r.importer = importer;
	atomic_store(&taken, 0);
	give = 0;
	rig_start(&r);
	return r.status;
}

static int teardown(void **state)
{
	(void)state;
	rig_stop(&r);
	rig_free(&r);
	return 0;
}

static char *path_of(const char *name)
{
	static char p[4][512];
	static unsigned i;
	i = (i + 1) % 4;
	snprintf(p[i], sizeof p[i], "%s/inbox/%s", r.dir, name);
	return p[i];
}

static void put(const char *name, const char *text)
{
	FILE *f = fopen(path_of(name), "a");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

struct poll {
	atomic_bool over;
	int err;
};
static void polled(void *arg, int err)
{
	struct poll *p = arg;
	p->err = err;
	atomic_store(&p->over, true);
}
static void poll_now(void *arg) { watch_poll(node_watch(r.n), polled, arg); }

/* One whole poll that began after this call. */
static void look(void)
{
	for (unsigned i = 0; i < 2; i++) {
		struct poll p = {.err = 1};
		rig_on_loop(&r, poll_now, &p);
		while (!atomic_load(&p.over))
			mono_sleep(NS_PER_MS);
	}
}

static bool there(const char *name) { return access(path_of(name), F_OK) == 0; }

static void taken_when_it_stands_still(void **state)
{
	(void)state;
	put("온도.csv", "t,v\n");
	look();
	look();
	assert_int_equal(atomic_load(&taken), 1);
	assert_string_equal(last_name, "온도.csv");
	assert_false(there("온도.csv"));
	assert_true(there("done/온도.csv"));
	look();
	assert_int_equal(atomic_load(&taken), 1);
	/* The same name again does not replace the first. */
	put("온도.csv", "t,v\n1,2\n");
	look();
	look();
	assert_int_equal(atomic_load(&taken), 2);
	assert_true(there("done/온도.csv"));
	char cmd[200];
	snprintf(cmd, sizeof cmd, "test $(ls '%s/inbox/done' | wc -l) = 2", r.dir);
	assert_int_equal(system(cmd), 0);
}

static void refused_and_tried_again(void **state)
{
	(void)state;
	give = MO_EINVAL;
	put("bad.csv", "x");
	look();
	look();
	assert_true(there("refused/bad.csv"));
	assert_true(there("refused/bad.csv.reason.txt"));
	assert_true(rig_said(&r, MSG_DEVICE_FIELD, NULL, 0));
	give = MO_EIO;
	unsigned before = atomic_load(&taken);
	put("later.csv", "x");
	look();
	look();
	assert_true(atomic_load(&taken) > before);
	assert_true(there("later.csv"));
	give = 0;
	look();
	look();
	assert_true(there("done/later.csv"));
}

static void unfinished_and_foreign_names_wait(void **state)
{
	(void)state;
	static const char *const names[] = {".hidden.csv", "~$book.xlsx", "a.csv.part", "a.csv.tmp", "a.crdownload", ".a.swp"};
	char cmd[200];
	for (size_t i = 0; i < 6; i++)
		put(names[i], "x");
	snprintf(cmd, sizeof cmd, "mkdir '%s/inbox/sub'", r.dir);
	assert_int_equal(system(cmd), 0);
	look();
	look();
	look();
	assert_int_equal(atomic_load(&taken), 0);
	for (size_t i = 0; i < 6; i++)
		assert_true(there(names[i]));
	/* Renamed when it is whole. */
	assert_int_equal(rename(path_of("a.csv.part"), path_of("a.csv")), 0);
	look();
	look();
	assert_int_equal(atomic_load(&taken), 1);
}

/* One that grows is left alone until it no longer does. */
static void a_growing_file_waits(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		struct poll p = {.err = 1};
		put("slow.csv", "1,2,3\n");
		rig_on_loop(&r, poll_now, &p);
		while (!atomic_load(&p.over))
			mono_sleep(NS_PER_MS);
		put("slow.csv", "4,5,6\n");
		assert_true(there("slow.csv"));
	}
	assert_int_equal(atomic_load(&taken), 0);
	look();
	look();
	assert_int_equal(atomic_load(&taken), 1);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {T(taken_when_it_stands_still), T(refused_and_tried_again), T(unfinished_and_foreign_names_wait), T(a_growing_file_waits)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
