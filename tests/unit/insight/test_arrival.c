#include "cm.h"

#include <stdbool.h>

#include "insight/arrival.h"

#define S INT64_C(1000000000)
#define M (60 * S)
#define H (60 * M)

static struct arrival_state st;
static struct arrival_finding last;
static unsigned told[ARRIVAL_RESUMED + 1];
static int64_t told_at[ARRIVAL_RESUMED + 1];
static struct arrival_finding found[ARRIVAL_RESUMED + 1];

static void note(enum arrival_verdict v, int64_t now)
{
	told[v]++;
	if (v == ARRIVAL_NOTHING)
		return;
	told_at[v] = now;
	found[v] = last;
}
static void feed(int64_t from, int64_t to, uint64_t n, int64_t now)
{
	note(arrival_feed(&st, from, to, n, now, &last), now);
}
static void tick(int64_t now)
{
	note(arrival_tick(&st, now, &last), now);
}

static int fresh(void **state)
{
	(void)state;
	arrival_init(&st);
	memset(told, 0, sizeof told);
	return 0;
}

/* One batch a step, as a stepped history gives: what came since the last one. */
static int64_t live(int64_t t, int64_t until, int64_t step)
{
	for (; t < until; t += step)
		feed(t - step + S, t, 60, t);
	return t;
}

static void steady_says_nothing(void **state)
{
	(void)state;
	int64_t t = live(M, 3 * H, M); /* 60 s steps... */
	t = live(t, t + H, S);         /* ...then each second */
	for (int64_t i = 0; i < 119; i++)
		tick(t + i * S);
	assert_int_equal(told[ARRIVAL_MISSING] + told[ARRIVAL_LATE] + told[ARRIVAL_RESUMED] + told[ARRIVAL_COMPLETE], 0);
	tick(t + 121 * S);
	assert_int_equal(told[ARRIVAL_MISSING], 1);
	tick(t + 122 * S);
	assert_int_equal(told[ARRIVAL_MISSING], 1); /* once */
}

static void minutes_apart_silence_is_five_of_them(void **state)
{
	(void)state;
	int64_t t = live(M, 3 * H, M) - M;
	tick(t + 299 * S);
	assert_int_equal(told[ARRIVAL_MISSING], 0);
	tick(t + 301 * S);
	assert_int_equal(told[ARRIVAL_MISSING], 1);
	assert_int_equal(last.from_ns, t);
	assert_int_equal(last.to_ns, t + 301 * S);
	assert_int_equal(last.arrived_from_ns, INT64_MIN);
}

static void too_new_to_judge(void **state)
{
	(void)state;
	tick(H);
	feed(0, 0, 1, 0);
	feed(S, S, 1, S);
	feed(2 * S, 2 * S, 1, 2 * S);
	tick(100 * H);
	assert_int_equal(told[ARRIVAL_MISSING], 0);
}

static void disconnection_never_filled(void **state)
{
	(void)state;
	int64_t t = live(M, 3 * H, M) - M, back = t + 40 * M;
	for (int64_t now = t + M; now < back; now += M)
		tick(now);
	live(back, back + 30 * M, M);
	assert_int_equal(told[ARRIVAL_MISSING], 1);
	assert_int_equal(told[ARRIVAL_RESUMED], 1);
	assert_int_equal(told[ARRIVAL_LATE] + told[ARRIVAL_COMPLETE], 0);
	assert_int_equal(found[ARRIVAL_RESUMED].from_ns, t);
	assert_int_equal(found[ARRIVAL_RESUMED].to_ns, back - M + S);
	assert_int_equal(found[ARRIVAL_RESUMED].late, 0);
}

/* Blocks of five minutes, newest first, within half an hour, some twice, source clock 3 s ahead, live values beside them in one batch. */
static void night(bool mixed)
{
	int64_t t = live(M, 10 * H, M), out = t - M, back = out + 390 * M, block = back, sent = 0;
	for (int64_t now = t; now < back; now += M)
		tick(now);
	for (int64_t now = back; now < back + 30 * M; now += M) {
		int64_t newest = block, blocks = 0;
		while (block > out && sent * 28 * M / 78 <= now - back) {
			block -= 5 * M;
			blocks++;
			sent++;
		}
		int64_t from = (block > out ? block : out) + 3 * S, to = newest + 2 * S;
		if (mixed) {
			feed(blocks ? from : now - M, now, 300, now);
		} else {
			if (blocks)
				feed(from, to, 300, now);
			feed(now - M + S, now, 60, now);
		}
	}
	assert_int_equal(told[ARRIVAL_COMPLETE], 0);
	live(back + 30 * M, back + 2 * H, M);
	assert_int_equal(told[ARRIVAL_MISSING], 1);
	assert_int_equal(told[ARRIVAL_LATE], 1);
	assert_int_equal(told[ARRIVAL_COMPLETE], 1);
	assert_int_equal(told[ARRIVAL_RESUMED], 0);
	const struct arrival_finding *f = &found[ARRIVAL_COMPLETE];
	assert_in_range(f->from_ns, out - M, out + M);
	assert_in_range(f->to_ns, back - M, back + M);
	assert_in_range(f->arrived_from_ns, back, back + M);
	assert_in_range(f->arrived_to_ns, back + 26 * M, back + 30 * M);
	assert_in_range(told_at[ARRIVAL_COMPLETE], f->arrived_to_ns + 5 * M, f->arrived_to_ns + 7 * M);
	assert_true(f->late > 0);
}
static void network_night_mixed(void **state)
{
	(void)state;
	night(true);
}
static void network_night_apart(void **state)
{
	(void)state;
	night(false);
}

static void backlog_oldest_first(void **state)
{
	(void)state;
	int64_t t = live(M, 10 * H, M), out = t - M, back = out + 60 * M;
	for (int64_t now = t; now < back; now += M)
		tick(now);
	for (int64_t i = 0; i < 12; i++)
		feed(out + i * 5 * M + S, out + (i + 1) * 5 * M, 300, back + i * S);
	live(back + M, back + 20 * M, M);
	assert_int_equal(told[ARRIVAL_MISSING], 1);
	assert_int_equal(told[ARRIVAL_LATE], 1);
	assert_int_equal(told[ARRIVAL_COMPLETE], 1);
	assert_in_range(found[ARRIVAL_COMPLETE].from_ns, out, out + M);
	assert_in_range(found[ARRIVAL_COMPLETE].to_ns, back - 6 * M, back);
}

static void late_after_it_had_resumed(void **state)
{
	(void)state;
	int64_t t = live(M, 3 * H, M) - M, back = t + 40 * M;
	for (int64_t now = t + M; now < back; now += M)
		tick(now);
	int64_t now = live(back, back + 20 * M, M);
	assert_int_equal(told[ARRIVAL_RESUMED], 1);
	feed(t + M, back - M, 900, now);
	live(now + M, now + 10 * M, M);
	assert_int_equal(told[ARRIVAL_LATE], 1);
	assert_int_equal(told[ARRIVAL_COMPLETE], 1);
	assert_int_equal(found[ARRIVAL_COMPLETE].from_ns, t + M);
	assert_int_equal(found[ARRIVAL_COMPLETE].to_ns, back - M);
	assert_int_equal(found[ARRIVAL_COMPLETE].late, 900);
}

static void a_clock_that_is_off_is_not_late(void **state)
{
	(void)state;
	for (int64_t t = M; t < 5 * H; t += M)
		feed(t - 2 * H, t - 2 * H + 59 * S, 60, t);
	assert_int_equal(told[ARRIVAL_LATE], 0);
}

static void silent_again_while_late_ones_come(void **state)
{
	(void)state;
	int64_t t = live(M, 3 * H, M) - M, back = t + 40 * M;
	for (int64_t now = t + M; now < back; now += M)
		tick(now);
	feed(back - 5 * M, back, 300, back);
	feed(back - 10 * M, back - 5 * M, 300, back + 10 * S);
	assert_int_equal(told[ARRIVAL_LATE], 1);
	for (int64_t now = back + M; now < back + 30 * M; now += M)
		tick(now);
	assert_int_equal(told[ARRIVAL_COMPLETE], 1); /* what came late is told... */
	assert_int_equal(told[ARRIVAL_MISSING], 2);  /* ...and that nothing comes now */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup(steady_says_nothing, fresh),
	        cmocka_unit_test_setup(minutes_apart_silence_is_five_of_them, fresh),
	        cmocka_unit_test_setup(too_new_to_judge, fresh),
	        cmocka_unit_test_setup(disconnection_never_filled, fresh),
	        cmocka_unit_test_setup(network_night_mixed, fresh),
	        cmocka_unit_test_setup(network_night_apart, fresh),
	        cmocka_unit_test_setup(backlog_oldest_first, fresh),
	        cmocka_unit_test_setup(late_after_it_had_resumed, fresh),
	        cmocka_unit_test_setup(a_clock_that_is_off_is_not_late, fresh),
	        cmocka_unit_test_setup(silent_again_while_late_ones_come, fresh),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
