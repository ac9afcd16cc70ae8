/* The node as a whole: its helper, its watchdog, its clock, failures that nobody waits for. */
#include "cm.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "node/helper.h"
#include "os/net.h"
#include "rig.h"

static const char *helper_program;
static struct rig r;

/* ---- helper ---- */
struct verify {
	struct rig *r;
	int err;
	bool same;
	struct diag d;
};

/* "secret", salt 0..15, N = 16 (from Python's hashlib.scrypt). */
static void verify(void *arg, struct store_reader *reader)
{
	struct verify *v = arg;
	(void)reader;
	v->same = false;
	v->err = helper_verify(node_helper(v->r->n), &v->same, SPAN_LIT("$scrypt$ln=4,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$FBYrbyejpsRMOOxNjJ4WhxLlIIkIxp/izmMfHJ7w9YU"),
		SPAN_LIT("secret"), 20 * NS_PER_S, &v->d);
}

static bool gone(pid_t pid)
{
	for (unsigned i = 0; i < 500; i++) {
		if (kill(pid, 0) != 0 && errno == ESRCH)
			return true;
		mono_sleep(10 * NS_PER_MS);
	}
	return false;
}

static void helper_is_started_killed_replaced(void **state)
{
	(void)state;
	static struct verify v;
	rig_init(&r);
	r.helper = helper_program;
	rig_start(&r);
	assert_int_equal(r.status, 0);
	v.r = &r;
	assert_int_equal(helper_pid(node_helper(r.n)), 0); /* on demand */
	rig_on_worker(&r, verify, &v);
	assert_int_equal(v.err, 0);
	assert_true(v.same);
	pid_t first = helper_pid(node_helper(r.n));
	assert_true(first > 0);
	assert_int_equal(kill(first, SIGKILL), 0);
	/* Either this call finds it dead and starts another, or it died while being asked: a clean error, and the next one works. */
	rig_on_worker(&r, verify, &v);
	if (v.err != 0) {
		assert_int_equal(v.err, MO_EIO);
		assert_int_equal(v.d.msg, MSG_HELPER_DIED);
		rig_on_worker(&r, verify, &v);
	}
	assert_int_equal(v.err, 0);
	assert_true(v.same);
	pid_t second = helper_pid(node_helper(r.n));
	assert_true(second > 0 && second != first);
	/* Killed while nobody asks: the node's second notices it is gone, nothing is left as a zombie. */
	assert_int_equal(kill(second, SIGKILL), 0);
	for (unsigned i = 0; i < 400 && helper_pid(node_helper(r.n)) != 0; i++)
		mono_sleep(10 * NS_PER_MS);
	assert_int_equal(helper_pid(node_helper(r.n)), 0);
	assert_true(gone(second));
	rig_on_worker(&r, verify, &v);
	assert_int_equal(v.err, 0);
	pid_t third = helper_pid(node_helper(r.n));
	rig_stop(&r);
	assert_true(gone(third)); /* never outlives the node */
	rig_free(&r);
}

static void no_helper_is_an_error_not_an_outage(void **state)
{
	(void)state;
	static struct verify v;
	rig_init(&r);
	rig_start(&r);
	assert_int_equal(r.status, 0);
	v.r = &r;
	rig_on_worker(&r, verify, &v);
	assert_int_equal(v.err, MO_EIO);
	assert_int_equal(v.d.msg, MSG_HELPER_NOT_STARTED);
	rig_stop(&r);
	rig_free(&r);
}

/* kill -9 of the node: in a process of its own, which says its helper's id. */
static void helper_dies_with_a_killed_node(void **state)
{
	(void)state;
	int fd[2];
	pid_t pid = 0;
	assert_int_equal(pipe(fd), 0);
	rig_init(&r);
	r.helper = helper_program;
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		static struct verify v;
		rig_start(&r);
		v.r = &r;
		rig_on_worker(&r, verify, &v);
		pid = helper_pid(node_helper(r.n));
		if (write(fd[1], &pid, sizeof pid) != sizeof pid)
			_exit(1);
		for (;;)
			pause();
	}
	close(fd[1]);
	assert_int_equal(read(fd[0], &pid, sizeof pid), sizeof pid);
	close(fd[0]);
	assert_true(pid > 0);
	assert_int_equal(kill(pid, 0), 0);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_true(gone(pid));
	/* And nothing of it is in the way of the next start. */
	rig_start(&r);
	assert_int_equal(r.status, 0);
	rig_stop(&r);
	rig_free(&r);
}

/* ---- watchdog ---- */
struct block {
	struct wjob wjob;
	struct sjob sjob;
	struct work works[16];
	int64_t ns;
};
static struct block block;
static atomic_uint ended;

static int block_log(struct wjob *j, struct writer *w, struct diag *d)
{
	(void)j;
	(void)w;
	(void)d;
	mono_sleep(block.ns);
	return 0;
}

static void log_over(struct wjob *j, int err, const struct diag *d)
{
	(void)j;
	(void)err;
	(void)d;
	atomic_fetch_add(&ended, 1);
}

static int block_store(struct sjob *j, struct store *s, struct diag *d)
{
	(void)j;
	(void)s;
	(void)d;
	mono_sleep(block.ns);
	return 0;
}

static void store_over(struct sjob *j, int err, const struct diag *d)
{
	(void)j;
	(void)err;
	(void)d;
	atomic_fetch_add(&ended, 1);
}

static void block_worker(struct work *w, struct store_reader *reader)
{
	(void)w;
	(void)reader;
	mono_sleep(block.ns * 2);
	atomic_fetch_add(&ended, 1);
}

static void stuck_threads_are_said(void **state)
{
	(void)state;
	unsigned stuck;
	uint64_t times;
	rig_init(&r);
	r.watchdog_ns = 100 * NS_PER_MS;
	rig_start(&r);
	assert_int_equal(r.status, 0);
	mono_sleep(300 * NS_PER_MS);
	assert_false(rig_said(&r, MSG_THREAD_STUCK, NULL, 0)); /* all is well */
	block = (struct block){.wjob = {.run = block_log, .done = log_over}, .sjob = {.run = block_store, .done = store_over}, .ns = 500 * NS_PER_MS};
	atomic_store(&ended, 0);
	assert_int_equal(writer_submit(node_writer(r.n), &block.wjob), 0);
	assert_int_equal(storer_submit(node_storer(r.n), &block.sjob), 0);
	/* Two workers at work are no trouble until more waits for too long. */
	for (unsigned i = 0; i < 3; i++) {
		block.works[i].fn = block_worker;
		assert_int_equal(node_work(r.n, &block.works[i]), 0);
	}
	assert_true(rig_said(&r, MSG_THREAD_STUCK, "log", 5 * NS_PER_S));
	assert_true(rig_said(&r, MSG_THREAD_STUCK, "store", 5 * NS_PER_S));
	assert_true(rig_said(&r, MSG_THREAD_STUCK, "worker", 5 * NS_PER_S));
	assert_true(rig_said(&r, MSG_THREAD_BACK, "log", 5 * NS_PER_S));
	assert_true(rig_said(&r, MSG_THREAD_BACK, "store", 5 * NS_PER_S));
	assert_true(rig_said(&r, MSG_THREAD_BACK, "worker", 5 * NS_PER_S));
	node_watchdog(r.n, &stuck, &times);
	assert_int_equal(stuck, 0);
	assert_int_equal(times, 3);
	assert_false(rig_said(&r, MSG_THREAD_STUCK, "loop", 0));
	rig_stop(&r);
	assert_int_equal(atomic_load(&ended), 5);
	rig_free(&r);
}

static void block_loop(void *arg)
{
	(void)arg;
	mono_sleep(3600 * NS_PER_MS);
}

static void a_stuck_loop_is_said(void **state)
{
	(void)state;
	rig_init(&r);
	r.watchdog_ns = 100 * NS_PER_MS;
	rig_start(&r);
	rig_on_loop(&r, block_loop, NULL);
	assert_true(rig_said(&r, MSG_THREAD_STUCK, "loop", NS_PER_S));
	assert_true(rig_said(&r, MSG_THREAD_BACK, "loop", 3 * NS_PER_S));
	rig_stop(&r);
	rig_free(&r);
}

/* ---- clock ---- */
struct mark {
	struct sjob job;
	int64_t t_ns;
};

static int put_mark(struct sjob *j, struct store *s, struct diag *d)
{
	uint8_t b[8];
	for (unsigned i = 0; i < 8; i++)
		b[i] = (uint8_t)((uint64_t)((struct mark *)j)->t_ns >> 8 * i);
	return store_put_mark(s, SPAN_LIT("last_time"), span_of(b, 8), d);
}

static void a_clock_behind_is_said(void **state)
{
	(void)state;
	static struct store *s;
	char db[96];
	rig_init(&r);
	rig_start(&r);
	rig_stop(&r);
	assert_false(rig_said(&r, MSG_CLOCK_BEHIND, NULL, 0));
	rig_start(&r);
	rig_stop(&r);
	assert_false(rig_said(&r, MSG_CLOCK_BEHIND, NULL, 0)); /* the last durable time was its own end a moment ago */
	/* As if the node had run an hour longer, or the PC's clock had been set back. */
	struct mark m = {.t_ns = wall_now() + 3600 * NS_PER_S};
	snprintf(db, sizeof db, "%s/store.db", r.dir);
	assert_int_equal(store_open(&s, r.vfs, db, NULL), 0);
	assert_int_equal(store_begin(s, NULL), 0);
	assert_int_equal(put_mark(&m.job, s, NULL), 0);
	assert_int_equal(store_commit(s, NULL), 0);
	store_close(s);
	rig_start(&r);
	assert_true(rig_said(&r, MSG_CLOCK_BEHIND, NULL, 0));
	rig_stop(&r);
	rig_free(&r);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(helper_is_started_killed_replaced),
		cmocka_unit_test(no_helper_is_an_error_not_an_outage),
		cmocka_unit_test(stuck_threads_are_said),
		cmocka_unit_test(a_clock_behind_is_said),
	};
	/* In programs of their own: forks without threads beside, and what takes its time. */
	const struct CMUnitTest killed[] = {cmocka_unit_test(helper_dies_with_a_killed_node)};
	const struct CMUnitTest loop[] = {cmocka_unit_test(a_stuck_loop_is_said)};
	helper_program = argc > 1 ? argv[1] : NULL;
	if (argc > 2 && strcmp(argv[2], "killed") == 0)
		return cmocka_run_group_tests(killed, NULL, NULL);
	if (argc > 2 && strcmp(argv[2], "loop") == 0)
		return cmocka_run_group_tests(loop, NULL, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
