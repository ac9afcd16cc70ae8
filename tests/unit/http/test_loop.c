/* The loop: timers, posts from four threads, descriptors, the watchdog. */
#include "cm.h"

#include <stdatomic.h>
#include <unistd.h>

#include "base/civil.h"
#include "http/loop.h"
#include "os/clock.h"
#include "os/thread.h"

static struct loop *l;

static int setup(void **state)
{
	(void)state;
	return loop_new(&l);
}

static int teardown(void **state)
{
	(void)state;
	loop_free(l);
	return 0;
}

static void stop(void *arg)
{
	(void)arg;
	loop_stop(l);
}

#define TIMERS 200
static struct {
	struct loop_timer *t;
	int64_t due_ns;
	unsigned fired;
} timers[TIMERS];
static int64_t last_due;
static unsigned all_fired;

static void on_one(void *arg)
{
	size_t i = (size_t)(uintptr_t)arg;
	int64_t now = mono_now();

	assert_true(now >= timers[i].due_ns);
	assert_true(now < timers[i].due_ns + NS_PER_S);
	assert_true(timers[i].due_ns >= last_due - NS_PER_MS / 10); /* in order of time, but for the moment between two clock readings */
	last_due = timers[i].due_ns;
	timers[i].fired++;
	if (++all_fired == TIMERS / 2)
		loop_stop(l);
}

/* Never early, in order, each once; set anew, disarmed and freed ones not. */
static void test_timers(void **state)
{
	(void)state;
	last_due = 0;
	for (size_t i = 0; i < TIMERS; i++) {
		timers[i].fired = 0;
		assert_int_equal(loop_timer_new(l, &timers[i].t, on_one, (void *)(uintptr_t)i), 0);
	}
	for (size_t i = 0; i < TIMERS; i++) {
		int64_t delay = (int64_t)(i * 7919 % 50) * NS_PER_MS;

		loop_timer_set(timers[i].t, 3600 * NS_PER_S);
		timers[i].due_ns = mono_now() + delay;
		loop_timer_set(timers[i].t, delay);
	}
	for (size_t i = 1; i < TIMERS; i += 4)
		loop_timer_set(timers[i].t, -1);
	for (size_t i = 3; i < TIMERS; i += 4) {
		loop_timer_free(timers[i].t);
		timers[i].t = NULL;
	}
	assert_int_equal(loop_run(l), 0);
	for (size_t i = 0; i < TIMERS; i++) {
		assert_int_equal(timers[i].fired, i % 2 == 0);
		loop_timer_free(timers[i].t);
	}
}

static unsigned rounds;
static struct loop_timer *again;
static void on_again(void *arg)
{
	(void)arg;
	if (++rounds == 1000)
		loop_stop(l);
	loop_timer_set(again, 0);
}

/* A timer that sets itself to now does not keep posts from running. */
static bool posted;
static void on_post(void *arg)
{
	(void)arg;
	posted = true;
}

static void test_zero_timer_is_fair(void **state)
{
	struct loop_post p = {.fn = on_post};

	(void)state;
	rounds = 0;
	posted = false;
	assert_int_equal(loop_timer_new(l, &again, on_again, NULL), 0);
	loop_timer_set(again, 0);
	loop_post(l, &p);
	assert_int_equal(loop_run(l), 0);
	assert_int_equal(rounds, 1000);
	assert_true(posted);
	loop_timer_free(again);
}

#define THREADS 4
#define POSTS 2000
struct ticket {
	struct loop_post p;
	unsigned thread, n;
};
static struct ticket tickets[THREADS][POSTS];
static unsigned seen[THREADS], seen_all;

static void on_ticket(void *arg)
{
	struct ticket *t = arg;

	assert_int_equal(t->n, seen[t->thread]); /* in order of posting */
	seen[t->thread]++;
	memset(&t->p, 0xee, sizeof t->p); /* the memory is the poster's again */
	if (++seen_all == THREADS * POSTS)
		loop_stop(l);
}

static void *post_all(void *arg)
{
	struct ticket *t = arg;
	struct loop_stats st;

	for (unsigned i = 0; i < POSTS; i++) {
		t[i].p = (struct loop_post){.fn = on_ticket, .arg = &t[i]};
		loop_post(l, &t[i].p);
		if (i % 100 == 0)
			loop_stats(l, &st);
	}
	return NULL;
}

static void test_posts_from_threads(void **state)
{
	pthread_t t[THREADS];
	struct loop_stats st;
	uint64_t counted = 0;

	(void)state;
	seen_all = 0;
	for (unsigned i = 0; i < THREADS; i++) {
		seen[i] = 0;
		for (unsigned k = 0; k < POSTS; k++) {
			tickets[i][k].thread = i;
			tickets[i][k].n = k;
		}
	}
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(thread_start(&t[i], "post", post_all, tickets[i]), 0);
	assert_int_equal(loop_run(l), 0);
	for (unsigned i = 0; i < THREADS; i++)
		thread_join(t[i]);
	assert_int_equal(seen_all, THREADS * POSTS);
	loop_stats(l, &st);
	assert_true(st.callbacks >= THREADS * POSTS);
	for (size_t i = 0; i < 16; i++)
		counted += st.delay_ms_histogram[i];
	assert_int_equal(counted, st.callbacks);
}

static void *stop_soon(void *arg)
{
	(void)arg;
	usleep(2000);
	loop_stop(l);
	return NULL;
}

static void test_stop(void **state)
{
	pthread_t t;

	(void)state;
	loop_stop(l); /* before the run */
	assert_int_equal(loop_run(l), 0);
	assert_int_equal(thread_start(&t, "stop", stop_soon, NULL), 0);
	assert_int_equal(loop_run(l), 0);
	thread_join(t);
}

static int pipe_fd[2];
static unsigned bytes_read;
static void on_readable(void *arg)
{
	char c;

	(void)arg;
	assert_int_equal(read(pipe_fd[0], &c, 1), 1);
	if (++bytes_read == 3)
		loop_stop(l);
}

static void test_fd(void **state)
{
	struct loop_fd *f;

	(void)state;
	bytes_read = 0;
	assert_int_equal(pipe(pipe_fd), 0);
	assert_int_equal(loop_fd_new(l, &f, pipe_fd[0], on_readable, NULL), 0);
	assert_int_equal(write(pipe_fd[1], "abc", 3), 3);
	assert_int_equal(loop_run(l), 0);
	assert_int_equal(bytes_read, 3);
	loop_fd_free(f);
	close(pipe_fd[0]);
	close(pipe_fd[1]);
}

static void on_slow(void *arg)
{
	int64_t end = mono_now() + *(int64_t *)arg;

	while (mono_now() < end)
		;
}

static void test_watchdog(void **state)
{
	int64_t slow = 5 * NS_PER_MS;
	struct loop_post a = {.fn = on_slow, .arg = &slow}, b = {.fn = stop};
	struct loop_stats st;

	(void)state;
	loop_post(l, &a);
	loop_post(l, &b);
	assert_int_equal(loop_run(l), 0);
	loop_stats(l, &st);
	assert_int_equal(st.callbacks, 2);
	assert_true(st.violations >= 1);
	assert_true(st.longest_ns >= slow);
	/* 5 ms and more: in a bucket from "< 8 ms" (2^6 eighths) on. */
	{
		uint32_t above = 0;

		for (size_t i = 6; i < 16; i++)
			above += st.delay_ms_histogram[i];
		assert_true(above >= 1);
	}
}

/* A probe behind a step of 25 ms waited for it, and so would have those that follow it every 10 ms. */
static void test_delay(void **state)
{
	int64_t slow = 25 * NS_PER_MS;
	struct loop_post a = {.fn = on_slow, .arg = &slow}, b = {.fn = stop};
	struct loop_delays d;
	uint64_t above = 0, before;

	(void)state;
	loop_post(l, &a);
	loop_probe(l, 10 * NS_PER_MS);
	loop_probe(l, 10 * NS_PER_MS); /* one waits already */
	loop_post(l, &b);
	assert_int_equal(loop_run(l), 0);
	loop_delays(l, &d);
	assert_true(d.n >= 3 && d.longest_ns >= slow && d.total_ns >= slow + 20 * NS_PER_MS);
	for (unsigned i = 0; i < LOOP_DELAY_BUCKETS; i++)
		if (i == LOOP_DELAY_BUCKETS - 1 || loop_delay_edge_ns(i) > 20 * NS_PER_MS)
			above += d.count[i];
	assert_true(above >= 1);
	before = d.n;
	loop_probe(l, 10 * NS_PER_MS);
	loop_post(l, &b);
	assert_int_equal(loop_run(l), 0);
	loop_delays(l, &d);
	assert_true(d.n > before);
}

/* After the run: what was posted, and what that posts, in order, once. */
static struct loop_post late[3];
static unsigned late_ran;

static void run_late(void *arg)
{
	unsigned i = (unsigned)(uintptr_t)arg;
	assert_int_equal(late_ran, i);
	late_ran++;
	if (i == 1)
		loop_post(l, &late[2]);
}

static void test_drain(void **state)
{
	(void)state;
	late_ran = 0;
	for (unsigned i = 0; i < 3; i++)
		late[i] = (struct loop_post){.fn = run_late, .arg = (void *)(uintptr_t)i};
	loop_stop(l);
	assert_int_equal(loop_run(l), 0);
	loop_drain(l); /* nothing */
	loop_post(l, &late[0]);
	loop_post(l, &late[1]);
	loop_drain(l);
	assert_int_equal(late_ran, 3);
	loop_drain(l);
	assert_int_equal(late_ran, 3);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	        T(test_timers), T(test_zero_timer_is_fair), T(test_posts_from_threads), T(test_stop), T(test_fd), T(test_watchdog), T(test_delay),
	        T(test_drain)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
