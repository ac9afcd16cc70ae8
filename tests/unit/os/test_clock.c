/* The clock over a source that the test turns, and the system's own. */
#include "cm.h"

#include <math.h>
#include <pthread.h>

#include "os/clock.h"
#include "os/priv/clock.h"
#include "os/thread.h"

struct hands {
	int64_t wall, mono;
};

static int64_t read_wall(void *arg) { return ((struct hands *)arg)->wall; }
static int64_t read_mono(void *arg) { return ((struct hands *)arg)->mono; }
static struct clock_source over(struct hands *h) { return (struct clock_source){read_wall, read_mono, h}; }

static void real_follows_and_holds_still(void **state)
{
	struct hands h = {1000, 0};
	struct clock *c = NULL;
	(void)state;
	assert_int_equal(clock_new_over(&c, over(&h)), 0);
	assert_int_equal(clock_mode(c), CLOCK_REAL);
	assert_true(clock_scale(c) >= 1.0 && clock_scale(c) <= 1.0);
	assert_int_equal(clock_now(c), 1000);
	h.wall = 1500;
	assert_int_equal(clock_now(c), 1500);
	h.wall = 1200;
	assert_int_equal(clock_now(c), 1500);
	assert_int_equal(clock_backwards(c), 300);
	h.wall = 1400;
	assert_int_equal(clock_now(c), 1500);
	assert_int_equal(clock_backwards(c), 300);
	h.wall = 1300;
	assert_int_equal(clock_now(c), 1500);
	assert_int_equal(clock_backwards(c), 400);
	h.wall = 1501;
	assert_int_equal(clock_now(c), 1501);
	assert_int_equal(clock_until(c, 1600), 99);
	assert_int_equal(clock_until(c, 1500), 0);
	assert_int_equal(clock_advance(c, 2000), MO_ESTATE);
	assert_int_equal(clock_run(c, 2), MO_ESTATE);
	clock_free(c);
}

/* Set back by an hour: goes on slower, in order, until the system has caught up. */
static void real_goes_on_when_set_back(void **state)
{
	static const int64_t hour = 3600 * NS_PER_S;
	struct hands h = {10 * hour, 0};
	struct clock *c = NULL;
	(void)state;
	assert_int_equal(clock_new_over(&c, over(&h)), 0);
	h.wall -= hour;
	int64_t last = clock_now(c);
	assert_int_equal(last, 10 * hour);
	assert_int_equal(clock_ahead(c), hour);
	unsigned seconds = 0;
	for (; clock_ahead(c) > 0 && seconds < 20 * 3600; seconds++) {
		h.wall += NS_PER_S;
		h.mono += NS_PER_S;
		int64_t t = clock_now(c);
		assert_true(t > last);
		assert_true(t - last <= NS_PER_S);
		last = t;
	}
	assert_in_range(seconds, 15 * 3600, 16 * 3600 + 60);
	assert_int_equal(clock_now(c), h.wall);
	h.wall += hour; /* forwards it follows at once */
	assert_int_equal(clock_now(c), h.wall);
	assert_int_equal(clock_backwards(c), hour);
	clock_free(c);
}

static void stepped_stands_still(void **state)
{
	struct hands h = {0, 0};
	struct clock *c = NULL;
	(void)state;
	assert_int_equal(clock_new_stepped_over(&c, 5000, over(&h)), 0);
	assert_int_equal(clock_mode(c), CLOCK_STEPPED);
	assert_true(clock_scale(c) < 0.5);
	h.wall = h.mono = 1000000;
	assert_int_equal(clock_now(c), 5000);
	assert_int_equal(clock_advance(c, 4999), MO_EINVAL);
	assert_int_equal(clock_advance(c, 5000), 0);
	assert_int_equal(clock_advance(c, 6000), 0);
	assert_int_equal(clock_now(c), 6000);
	assert_int_equal(clock_until(c, 6000), 0);
	assert_int_equal(clock_until(c, 6001), INT64_MAX);
	clock_free(c);
}

static void halted_stands_still_again(void **state)
{
	struct hands h = {0, 0};
	struct clock *c = NULL;
	(void)state;
	assert_int_equal(clock_new_stepped_over(&c, 5000, over(&h)), 0);
	assert_int_equal(clock_halt(c), 0);
	assert_int_equal(clock_run(c, 60), 0);
	h.mono = 10;
	assert_int_equal(clock_halt(c), 0);
	h.mono = 1000;
	assert_int_equal(clock_mode(c), CLOCK_STEPPED);
	assert_true(clock_scale(c) < 0.5);
	assert_int_equal(clock_now(c), 5600);
	assert_int_equal(clock_until(c, 5601), INT64_MAX);
	assert_int_equal(clock_advance(c, 6000), 0);
	assert_int_equal(clock_run(c, 2), 0);
	h.mono = 1100;
	assert_int_equal(clock_now(c), 6200);
	clock_free(c);
	assert_int_equal(clock_new_over(&c, over(&h)), 0);
	assert_int_equal(clock_halt(c), MO_ESTATE);
	clock_free(c);
}

static void scaled_runs_faster(void **state)
{
	struct hands h = {0, 777};
	struct clock *c = NULL;
	(void)state;
	assert_int_equal(clock_new_stepped_over(&c, 5000, over(&h)), 0);
	assert_int_equal(clock_run(c, 0.5), MO_EINVAL);
	assert_int_equal(clock_run(c, 121), MO_EINVAL);
	assert_int_equal(clock_run(c, (double)NAN), MO_EINVAL);
	assert_int_equal(clock_mode(c), CLOCK_STEPPED);
	assert_int_equal(clock_run(c, 60), 0);
	assert_int_equal(clock_mode(c), CLOCK_SCALED);
	assert_int_equal(clock_now(c), 5000);
	h.mono += NS_PER_S;
	assert_int_equal(clock_now(c), 5000 + 60 * NS_PER_S);
	assert_int_equal(clock_until(c, 5000 + 120 * NS_PER_S), NS_PER_S);
	assert_int_equal(clock_until(c, 5000 + 60 * NS_PER_S + 1), 1); /* never early */
	assert_int_equal(clock_until(c, 0), 0);
	/* Another speed goes on from where it stands. */
	assert_int_equal(clock_run(c, 1), 0);
	h.mono += NS_PER_S;
	assert_int_equal(clock_now(c), 5000 + 61 * NS_PER_S);
	assert_int_equal(clock_advance(c, INT64_MAX), MO_ESTATE);
	/* Past the end of time it stands. */
	assert_int_equal(clock_run(c, 120), 0);
	h.mono = INT64_MAX / 2;
	assert_int_equal(clock_now(c), INT64_MAX);
	clock_free(c);
}

static void a_run_begins_where_the_steps_ended(void **state)
{
	struct clock *c = NULL;
	(void)state;
	assert_int_equal(clock_new_stepped(&c, -5), 0);
	assert_int_equal(clock_until(c, INT64_MAX), INT64_MAX);
	assert_int_equal(clock_advance(c, NS_PER_DAY), 0);
	int64_t m = mono_now();
	assert_int_equal(clock_run(c, 120), 0);
	int64_t t = clock_now(c);
	int64_t passed = mono_now() - m;
	assert_true(t >= NS_PER_DAY && t <= NS_PER_DAY + 120 * passed + 1);
	clock_free(c);
	clock_free(NULL);
}

static void the_system_has_clocks(void **state)
{
	struct clock *c = NULL;
	(void)state;
	assert_int_equal(clock_new_real(&c), 0);
	int64_t before = wall_now(), now = clock_now(c), after = wall_now();
	assert_true(now >= before && now <= after);
	assert_true(now > INT64_C(1577836800) * NS_PER_S); /* 2020 */
	int64_t m = mono_now();
	assert_true(mono_now() >= m);
	assert_true(cpu_now() > 0);
	clock_free(c);
}

static void *read_many(void *arg)
{
	int64_t last = 0;
	for (int i = 0; i < 2000; i++) {
		int64_t t = clock_now(arg);
		if (t < last)
			return arg;
		last = t;
	}
	return NULL;
}

static void no_thread_sees_it_go_back(void **state)
{
	struct clock *c = NULL;
	pthread_t t[3];
	(void)state;
	assert_int_equal(clock_new_stepped(&c, 0), 0);
	assert_int_equal(clock_run(c, 2), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(thread_start(&t[i], "reader", read_many, c), 0);
	for (int i = 1; i <= 100; i++)
		assert_int_equal(clock_run(c, 1 + i % 120), 0);
	for (int i = 0; i < 3; i++) {
		void *bad = NULL;
		assert_int_equal(pthread_join(t[i], &bad), 0);
		assert_null(bad);
	}
	clock_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_follows_and_holds_still),
		cmocka_unit_test(real_goes_on_when_set_back),
		cmocka_unit_test(stepped_stands_still),
		cmocka_unit_test(halted_stands_still_again), cmocka_unit_test(scaled_runs_faster),
		cmocka_unit_test(a_run_begins_where_the_steps_ended),
		cmocka_unit_test(the_system_has_clocks),
		cmocka_unit_test(no_thread_sees_it_go_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
