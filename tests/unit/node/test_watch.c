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
static bool wordless;
static bool still_written; /* the file grows while it is read */

static int importer(void *arg, struct store_reader *reader, const char *path, const char *name, struct buf *why, struct diag *d)
{
	(void)arg;
	if (give && !wordless)
		buf_adds(why, "because\n");
	assert_non_null(reader);
	assert_int_equal(access(path, R_OK), 0);
	snprintf(last_name, sizeof last_name, "%s", name);
	atomic_fetch_add(&taken, 1);
	if (still_written) {
		FILE *f = fopen(path, "a");
		assert_non_null(f);
		fputs("late,1\n", f);
		fclose(f);
	}
	return give ? diag_set(d, give, MSG_DEVICE_FIELD) : 0;
}

static int setup(void **state)
{
	(void)state;
	rig_init(&r);
	r.importer = importer;
	atomic_store(&taken, 0);
	give = 0;
	still_written = wordless = false;
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

/* What was added while it was read was not imported: it stays, and is taken again. */
static void one_that_grows_while_it_is_read_is_read_again(void **state)
{
	(void)state;
	still_written = true;
	put("grow.csv", "a\n");
	look();
	look();
	unsigned before = atomic_load(&taken);
	assert_true(before >= 1);
	assert_true(there("grow.csv"));
	still_written = false;
	look();
	look();
	assert_int_equal(atomic_load(&taken), before + 1);
	assert_true(there("done/grow.csv"));
	assert_false(there("grow.csv"));
}

/* More than it keeps in mind: those that it knows are taken all the same. */
static void more_files_than_it_keeps_in_mind(void **state)
{
	(void)state;
	static const unsigned n = 4096;
	char name[32];
	give = MO_EIO; /* they stay, which is quicker */
	for (unsigned i = 0; i < n + 3; i++) {
		snprintf(name, sizeof name, "f%u.csv", i);
		put(name, "");
	}
	look();
	look();
	assert_true(atomic_load(&taken) >= n);
}

/* The name leaves no room for a reason's beside it. */
static void a_long_name_is_cut_when_it_is_put_away(void **state)
{
	(void)state;
	char name[256] = "", cut[300] = "refused/";
	for (unsigned i = 0; i < 83; i++)
		strcat(name, "가"); /* 249 bytes */
	strcat(name, ".csv");
	give = MO_EINVAL;
	put(name, "x");
	look();
	look();
	assert_false(there(name));
	memcpy(cut + 8, name, 219); /* 73 characters: with its end at most 224 bytes */
	strcpy(cut + 8 + 219, ".csv");
	assert_true(there(cut));
	strcat(cut, ".reason.txt");
	assert_true(there(cut));
}

/* A person's file that has the name of a reason is not replaced by it. */
static void a_reason_replaces_nothing(void **state)
{
	(void)state;
	give = MO_EINVAL;
	put("bad.csv.reason.txt", "mine\n");
	look();
	look();
	assert_true(there("refused/bad.csv.reason.txt"));
	put("bad.csv", "x");
	look();
	look();
	assert_false(there("bad.csv"));
	char cmd[200];
	snprintf(cmd, sizeof cmd, "grep -qx mine '%s' && test $(ls '%s/inbox/refused' | wc -l) = 4", path_of("refused/bad.csv.reason.txt"), r.dir);
	assert_int_equal(system(cmd), 0);
}

static void a_refusal_without_words_is_none(void **state)
{
	(void)state;
	give = MO_EINVAL;
	wordless = true;
	put("bad.csv", "x");
	look();
	look();
	assert_true(atomic_load(&taken) >= 1);
	assert_true(there("bad.csv"));
	wordless = false;
	look();
	look();
	assert_true(there("refused/bad.csv.reason.txt"));
}

/* A share that is away is said, once; what lies there is taken when it is back. */
static void a_folder_that_is_away_is_said(void **state)
{
	(void)state;
	char away[300];
	snprintf(away, sizeof away, "%s/away", r.dir);
	put("x.csv", "x");
	assert_int_equal(rename(path_of(""), away), 0);
	struct poll p = {.err = 0};
	look();
	rig_on_loop(&r, poll_now, &p);
	while (!atomic_load(&p.over))
		mono_sleep(NS_PER_MS);
	assert_int_equal(p.err, MO_ENOENT);
	look();
	assert_true(rig_said(&r, MSG_WATCH_FOLDER, NULL, 0));
	unsigned said = 0;
	pthread_mutex_lock(&r.mu);
	for (unsigned i = 0; i < r.n_said; i++)
		said += r.said[i] == MSG_WATCH_FOLDER;
	pthread_mutex_unlock(&r.mu);
	assert_int_equal(said, 1);
	assert_int_equal(rename(away, path_of("")), 0);
	look();
	look();
	assert_true(there("done/x.csv"));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {T(taken_when_it_stands_still), T(refused_and_tried_again), T(unfinished_and_foreign_names_wait), T(a_growing_file_waits),
		T(one_that_grows_while_it_is_read_is_read_again), T(more_files_than_it_keeps_in_mind), T(a_long_name_is_cut_when_it_is_put_away),
		T(a_reason_replaces_nothing), T(a_refusal_without_words_is_none), T(a_folder_that_is_away_is_said)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
