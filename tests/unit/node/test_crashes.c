/* How the last run ended: nothing left, a header alone, a trace, rubbish; counted, kept within bounds, dismissed once; and no failing file keeps a
 * node from starting. */
#include "cm.h"

#include <stdio.h>
#include <stdlib.h>

#include "node/crashes.h"
#include "os/memvfs.h"

#define HEADER "moru-crash 1\nversion 0.1.0\nbuild 6f1c\npid 4711\nstarted 1763770000000000000\n"
#define TRACE HEADER "signal 11\ncode 1\naddress 0x10\ntime 1763770100000000000\nthread 4712 worker\npc moru+0x1f00\nnote 1763770099000000000 error log_flush\nframe moru+0x1f00\nframe libc.so.6+0x28249\nend\n"

struct heard {
	unsigned n, crashed, unclean, unread, other;
	char file[DIAG_FILE_MAX];
};
static struct vfs *v;
static struct heard heard;

static int setup(void **state)
{
	(void)state;
	memset(&heard, 0, sizeof heard);
	return memvfs_new(&v, 1) == 0 && vfs_mkdir(v, "n", false) == 0 && vfs_mkdir(v, "n/run", false) == 0 ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	vfs_free(v);
	return 0;
}

static void say(void *arg, const char *level, const struct diag *d)
{
	struct heard *h = arg;
	(void)level;
	h->n++;
	h->crashed += d->msg == MSG_NODE_CRASHED;
	h->unclean += d->msg == MSG_NODE_ENDED_UNCLEAN;
	h->unread += d->msg == MSG_CRASH_UNREAD;
	h->other += d->msg != MSG_NODE_CRASHED && d->msg != MSG_NODE_ENDED_UNCLEAN && d->msg != MSG_CRASH_UNREAD;
	snprintf(h->file, sizeof h->file, "%s", d->file);
}

static void leave(const char *text, size_t n) { assert_int_equal(vfs_replace(v, "n/run/crash", span_of(text, n), true, NULL), 0); }

static struct crashes *start(void)
{
	struct crashes *c = NULL;
	memset(&heard, 0, sizeof heard);
	assert_int_equal(crashes_open(&c, v, "n", say, &heard), 0);
	return c;
}

static void counted(struct crashes *c, uint64_t crashes, uint64_t unclean)
{
	uint64_t a, b;
	crashes_count(c, &a, &b);
	assert_int_equal(a, crashes);
	assert_int_equal(b, unclean);
}

static bool there(const char *path)
{
	struct vfs_stat st;
	return vfs_stat(v, path, &st) == 0;
}

static void an_orderly_end_says_nothing(void **state)
{
	(void)state;
	const char *name;
	struct crashes *c = start();
	assert_int_equal(heard.n, 0);
	counted(c, 0, 0);
	assert_null(crashes_shown(c, &name));
	struct diag d = {0};
	assert_int_equal(crashes_dismiss(c, &d), MO_ENOENT);
	assert_int_equal(d.msg, MSG_CRASH_NONE);
	crashes_free(c);
	assert_false(there("n/crashes"));
}

static void a_header_alone_is_an_end_without_a_word(void **state)
{
	(void)state;
	const char *name;
	leave(HEADER, sizeof HEADER - 1);
	struct crashes *c = start();
	assert_int_equal(heard.unclean, 1);
	assert_int_equal(heard.n, 1);
	counted(c, 0, 1);
	assert_null(crashes_shown(c, &name));
	crashes_free(c);
	/* Empty: the power went before the header was on disk. */
	leave("", 0);
	c = start();
	assert_int_equal(heard.unclean, 1);
	assert_int_equal(heard.n, 1);
	counted(c, 0, 2);
	crashes_free(c);
}

static void a_trace_is_kept_and_shown_until_dismissed(void **state)
{
	(void)state;
	const char *name;
	leave(TRACE, sizeof TRACE - 1);
	struct crashes *c = start();
	assert_int_equal(heard.crashed, 1);
	assert_int_equal(heard.n, 1);
	assert_string_equal(heard.file, "n/crashes/000001-20251122T000820Z.txt");
	counted(c, 1, 0);
	assert_false(there("n/run/crash"));
	const struct crash_report *r = crashes_shown(c, &name);
	assert_non_null(r);
	assert_string_equal(name, "000001-20251122T000820Z.txt");
	assert_int_equal(r->signal, SIGSEGV);
	assert_string_equal(r->thread, "worker");
	assert_int_equal(r->n_frames, 2);
	assert_true(r->whole);
	crashes_free(c);
	/* Still shown after another start, told in the log once. */
	c = start();
	assert_int_equal(heard.n, 0);
	assert_non_null(crashes_shown(c, &name));
	assert_int_equal(crashes_dismiss(c, NULL), 0);
	assert_null(crashes_shown(c, &name));
	assert_int_equal(crashes_dismiss(c, NULL), MO_ENOENT);
	crashes_free(c);
	c = start();
	assert_null(crashes_shown(c, &name));
	counted(c, 1, 0);
	crashes_free(c);
	/* The next one is shown again. */
	leave(TRACE, sizeof TRACE - 1);
	c = start();
	counted(c, 2, 0);
	assert_non_null(crashes_shown(c, &name));
	assert_string_equal(name, "000002-20251122T000820Z.txt");
	crashes_free(c);
}

static void only_so_many_are_kept_and_all_are_counted(void **state)
{
	(void)state;
	for (unsigned i = 0; i < CRASHES_KEPT + 5; i++) {
		leave(TRACE, sizeof TRACE - 1);
		crashes_free(start());
	}
	assert_false(there("n/crashes/000005-20251122T000820Z.txt"));
	assert_true(there("n/crashes/000006-20251122T000820Z.txt"));
	struct crashes *c = start();
	counted(c, CRASHES_KEPT + 5, 0);
	crashes_free(c);
}

static void rubbish_is_said_and_hurts_nobody(void **state)
{
	(void)state;
	static const char *const texts[] = {"moru-crash 2\nsignal 11\n", "\177ELF", "moru-crash one\n", "moru-crash -1\n"};
	const char *name;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		leave(texts[i], strlen(texts[i]));
		struct crashes *c = start();
		assert_int_equal(heard.unread, 1);
		assert_int_equal(heard.unclean, 1);
		counted(c, 0, i + 1);
		crashes_free(c);
	}
	char *large = calloc(1, 2 * CRASH_FILE_MAX);
	leave(large, 2 * CRASH_FILE_MAX);
	struct crashes *c = start();
	assert_int_equal(heard.unread, 1);
	crashes_free(c);
	free(large);
	assert_int_equal(vfs_unlink(v, "n/run/crash"), 0);
	/* A state that cannot be read: said; the count begins anew; a trace that cannot: not shown, still counted. Foreign names are left alone. */
	assert_int_equal(vfs_replace(v, "n/crashes/state", SPAN_LIT("seen 99\n"), true, NULL), 0);
	assert_int_equal(vfs_replace(v, "n/crashes/000007-x.txt", SPAN_LIT("?"), true, NULL), 0);
	assert_int_equal(vfs_replace(v, "n/crashes/notes.txt", SPAN_LIT("?"), true, NULL), 0);
	c = start();
	assert_int_equal(heard.unread, 2);
	counted(c, 7, 0);
	assert_null(crashes_shown(c, &name));
	crashes_free(c);
	assert_true(there("n/crashes/notes.txt"));
}

static int fail_at(struct vfs *mem, uint64_t k)
{
	struct memvfs_faults f = {.fail_at = k, .err = MO_EIO};
	struct crashes *c = NULL;
	memvfs_set_faults(mem, &f);
	int err = crashes_open(&c, mem, "n", say, &heard);
	memvfs_set_faults(mem, NULL);
	if (err == 0)
		crashes_free(c);
	return err;
}

static void a_failing_disk_keeps_nobody_from_starting(void **state)
{
	(void)state;
	for (uint64_t k = 1; k < 40; k++) {
		leave(k % 2 ? TRACE : HEADER, k % 2 ? sizeof TRACE - 1 : sizeof HEADER - 1);
		memset(&heard, 0, sizeof heard);
		assert_int_equal(fail_at(v, k), 0);
		assert_true(heard.n >= 1); /* never in silence */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_orderly_end_says_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(a_header_alone_is_an_end_without_a_word, setup, teardown),
		cmocka_unit_test_setup_teardown(a_trace_is_kept_and_shown_until_dismissed, setup, teardown),
		cmocka_unit_test_setup_teardown(only_so_many_are_kept_and_all_are_counted, setup, teardown),
		cmocka_unit_test_setup_teardown(rubbish_is_said_and_hurts_nobody, setup, teardown),
		cmocka_unit_test_setup_teardown(a_failing_disk_keeps_nobody_from_starting, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
