#include "cm.h"

#include "insight/states.h"

#define S INT64_C(1000000000)
#define M (60 * S)
#define N(a) (sizeof(a) / sizeof(a)[0])

static struct istate_interval out[64];
static struct istop stops[64];

static size_t states_of(
        const struct istate_sample *s, size_t n, int64_t from, int64_t to, const struct istate_span *planned, size_t n_planned)
{
	struct istate_rules r = {.from_ns = from, .to_ns = to, .stale_ns = 3 * M, .planned = planned, .n_planned = n_planned};
	size_t got = 0;
	assert_int_equal(istates(out, N(out), &got, s, n, &r), 0);
	for (size_t i = 0; i < got; i++) {
		assert_true(out[i].from_ns < out[i].to_ns);
		assert_int_equal(out[i].from_ns, i ? out[i - 1].to_ns : from);
	}
	assert_int_equal(got ? out[got - 1].to_ns : from, to);
	return got;
}

static void is(size_t i, int64_t from, int64_t to, enum istate state, int alarm)
{
	assert_int_equal(out[i].from_ns, from);
	assert_int_equal(out[i].to_ns, to);
	assert_int_equal(out[i].state, state);
	assert_int_equal(out[i].alarm, alarm);
}

static size_t stops_of(size_t n, int64_t min, int64_t rejoin)
{
	struct istop_rules r = {min, rejoin};
	size_t got = 0;
	assert_int_equal(istops(stops, N(stops), &got, out, n, &r), 0);
	return got;
}

static void stop_is(size_t i, int64_t from, int64_t to, enum stop_kind kind, int alarm)
{
	assert_int_equal(stops[i].from_ns, from);
	assert_int_equal(stops[i].to_ns, to);
	assert_int_equal(stops[i].kind, kind);
	assert_int_equal(stops[i].alarm, alarm);
}

static void names(void **state)
{
	(void)state;
	assert_string_equal(mcode_name(MCODE_OFF), "off");
	assert_string_equal(mcode_name(MCODE_SETUP), "setup");
	assert_string_equal(mcode_name((enum mcode)99), "?");
	assert_string_equal(stop_kind_name(STOP_BREAKDOWN), "breakdown");
	assert_string_equal(stop_kind_name(STOP_MICRO), "micro_stop");
	assert_string_equal(stop_kind_name(STOP_KINDS), "?");
}

static void each_code_has_its_state(void **state)
{
	(void)state;
	const struct istate_sample s[] = {{0, MCODE_RUN, 7}, {1 * M, MCODE_IDLE, 0}, {2 * M, MCODE_IDLE, 31}, {3 * M, MCODE_RUN, 0},
	        {4 * M, MCODE_OFF, 0}, {5 * M, MCODE_ALARM, 0}, {6 * M, MCODE_ALARM, 52}, {7 * M, MCODE_SETUP, 9}, {8 * M, MCODE_RUN, 0}};
	assert_int_equal(states_of(s, N(s), 0, 9 * M, NULL, 0), 7);
	is(0, 0, 1 * M, ISTATE_RUNNING, 0);
	is(1, 1 * M, 2 * M, ISTATE_WAITING, 0);
	is(2, 2 * M, 3 * M, ISTATE_STOPPED, 31);
	is(3, 3 * M, 4 * M, ISTATE_RUNNING, 0);
	is(4, 4 * M, 7 * M, ISTATE_STOPPED, 52); /* off, alarm without a number, alarm 52: one stop; the first number stays */
	is(5, 7 * M, 8 * M, ISTATE_PLANNED, ISTATE_SETUP);
	is(6, 8 * M, 9 * M, ISTATE_RUNNING, 0);
}

static void the_first_alarm_stays(void **state)
{
	(void)state;
	const struct istate_sample s[] = {{0, MCODE_ALARM, 0}, {1 * M, MCODE_ALARM, 31}, {2 * M, MCODE_ALARM, 52}};
	assert_int_equal(states_of(s, N(s), 0, 3 * M, NULL, 0), 1);
	is(0, 0, 3 * M, ISTATE_STOPPED, 31);
	assert_int_equal(states_of(s, 1, 0, 1 * M, NULL, 0), 1);
	is(0, 0, 1 * M, ISTATE_STOPPED, ISTATE_ALARM_UNKNOWN);
	assert_int_equal(stops_of(1, S, S), 1);
	stop_is(0, 0, INT64_MAX, STOP_BREAKDOWN, 0);
}

static void samples_before_the_range_hold_into_it(void **state)
{
	(void)state;
	const struct istate_sample s[] = {{0, MCODE_IDLE, 0}, {1 * M, MCODE_RUN, 0}, {2 * M, MCODE_RUN, 0}, {3 * M, MCODE_RUN, 0}};
	assert_int_equal(states_of(s, N(s), 90 * S, 4 * M, NULL, 0), 1);
	is(0, 90 * S, 4 * M, ISTATE_RUNNING, 0);
	/* Samples after the range don't matter. */
	assert_int_equal(states_of(s, N(s), 0, 30 * S, NULL, 0), 1);
	is(0, 0, 30 * S, ISTATE_WAITING, 0);
}

static void holes_are_no_data(void **state)
{
	(void)state;
	const struct istate_sample s[] = {
	        {5 * M, MCODE_RUN, 0}, {6 * M, MCODE_RUN, 0}, {7 * M, MCODE_IDLE, 0}, {20 * M, MCODE_IDLE, 0}, {21 * M, MCODE_RUN, 0}};
	assert_int_equal(states_of(s, N(s), 0, 30 * M, NULL, 0), 7);
	is(0, 0, 5 * M, ISTATE_NO_DATA, 0);
	is(1, 5 * M, 7 * M, ISTATE_RUNNING, 0);
	is(2, 7 * M, 8 * M, ISTATE_WAITING, 0);
	is(3, 8 * M, 20 * M, ISTATE_NO_DATA, 0);
	is(4, 20 * M, 21 * M, ISTATE_WAITING, 0);
	is(5, 21 * M, 22 * M, ISTATE_RUNNING, 0);
	is(6, 22 * M, 30 * M, ISTATE_NO_DATA, 0);
	/* No data at all; an empty range. */
	assert_int_equal(states_of(NULL, 0, 0, M, NULL, 0), 1);
	is(0, 0, M, ISTATE_NO_DATA, 0);
	assert_int_equal(states_of(s, N(s), M, M, NULL, 0), 0);
}

static void planned_wins_but_over_running(void **state)
{
	(void)state;
	const struct istate_span planned[] = {{2 * M, 4 * M}, {5 * M, 5 * M}, {6 * M, 9 * M}};
	const struct istate_sample s[] = {{1 * M, MCODE_IDLE, 0}, {2 * M, MCODE_IDLE, 0}, {3 * M, MCODE_RUN, 0}, {4 * M, MCODE_ALARM, 31},
	        {5 * M, MCODE_ALARM, 31}, {6 * M, MCODE_SETUP, 0}, {7 * M, MCODE_OFF, 0}, {8 * M, MCODE_OFF, 0}};
	size_t n = states_of(s, N(s), 0, 20 * M, planned, N(planned));
	assert_int_equal(n, 8);
	is(1, 1 * M, 2 * M, ISTATE_WAITING, 0);
	is(2, 2 * M, 3 * M, ISTATE_PLANNED, 0);
	is(3, 3 * M, 4 * M, ISTATE_RUNNING, 0);
	is(4, 4 * M, 6 * M, ISTATE_STOPPED, 31);
	is(5, 6 * M, 7 * M, ISTATE_PLANNED, ISTATE_SETUP);
	is(6, 7 * M, 9 * M, ISTATE_PLANNED, 0);
	is(7, 9 * M, 20 * M, ISTATE_NO_DATA, 0);
	assert_int_equal(stops_of(n, 90 * S, 20 * S), 5);
	stop_is(0, 1 * M, 2 * M, STOP_MICRO, 0);
	stop_is(1, 2 * M, 3 * M, STOP_PLANNED, 0);
	stop_is(2, 4 * M, 6 * M, STOP_BREAKDOWN, 31);
	stop_is(3, 6 * M, 7 * M, STOP_CHANGEOVER, 0);
	stop_is(4, 7 * M, 9 * M, STOP_PLANNED, 0);
}

static void refused(void **state)
{
	(void)state;
	const struct istate_sample back[] = {{2, MCODE_RUN, 0}, {1, MCODE_RUN, 0}};
	const struct istate_span lap[] = {{0, 5}, {4, 9}};
	struct istate_rules r = {.from_ns = 0, .to_ns = 9, .stale_ns = 3};
	size_t n = 77;
	assert_int_equal(istates(out, N(out), &n, back, 2, &r), MO_EINVAL);
	r.planned = lap;
	r.n_planned = 2;
	assert_int_equal(istates(out, N(out), &n, back, 1, &r), MO_EINVAL);
	assert_int_equal(n, 77);
	r.n_planned = 0;
	const struct istate_sample s[] = {{1, MCODE_RUN, 0}, {2, MCODE_IDLE, 0}, {3, MCODE_RUN, 0}};
	assert_int_equal(istates(out, 2, &n, s, 3, &r), MO_ELIMIT);
	assert_true(n > 2);
	const struct istate_interval wrong[] = {{0, 5, ISTATE_RUNNING, 0}, {4, 9, ISTATE_WAITING, 0}};
	struct istop_rules sr = {1, 1};
	assert_int_equal(istops(stops, N(stops), &n, wrong, 2, &sr), MO_EINVAL);
}

static void times_at_the_edges(void **state)
{
	(void)state;
	const struct istate_sample s[] = {{INT64_MIN + 1, MCODE_RUN, 0}, {0, MCODE_IDLE, 0}, {INT64_MAX - 1, MCODE_RUN, 0}};
	struct istate_rules r = {.from_ns = INT64_MIN, .to_ns = INT64_MAX, .stale_ns = INT64_MAX};
	size_t n;
	assert_int_equal(istates(out, N(out), &n, s, N(s), &r), 0);
	assert_true(n >= 3);
}

/* ---- stops ---- */
static void set(size_t i, int64_t from, int64_t to, enum istate state, int alarm)
{
	out[i] = (struct istate_interval){from, to, state, alarm};
}

static void waiting_and_breakdown(void **state)
{
	(void)state;
	set(0, 0, 10 * M, ISTATE_RUNNING, 0);
	set(1, 10 * M, 48 * M, ISTATE_WAITING, 0);
	set(2, 48 * M, 60 * M, ISTATE_RUNNING, 0);
	set(3, 60 * M, 62 * M, ISTATE_WAITING, 0);
	set(4, 62 * M, 80 * M, ISTATE_STOPPED, 31);
	set(5, 80 * M, 90 * M, ISTATE_WAITING, 0);
	set(6, 90 * M, 100 * M, ISTATE_RUNNING, 0);
	assert_int_equal(stops_of(7, 5 * M, 20 * S), 2);
	stop_is(0, 10 * M, 48 * M, STOP_WAITING, 0);
	stop_is(1, 60 * M, 90 * M, STOP_BREAKDOWN, 31);
}

static void a_blip_of_running_joins(void **state)
{
	(void)state;
	set(0, 0, 10 * M, ISTATE_STOPPED, 31);
	set(1, 10 * M, 10 * M + 19 * S, ISTATE_RUNNING, 0);
	set(2, 10 * M + 19 * S, 12 * M, ISTATE_WAITING, 0);
	set(3, 12 * M, 12 * M + 20 * S, ISTATE_RUNNING, 0);
	set(4, 12 * M + 20 * S, 13 * M, ISTATE_WAITING, 0);
	set(5, 13 * M, 20 * M, ISTATE_RUNNING, 0);
	assert_int_equal(stops_of(6, 5 * M, 20 * S), 2);
	stop_is(0, 0, 12 * M, STOP_BREAKDOWN, 31);
	stop_is(1, 12 * M + 20 * S, 13 * M, STOP_MICRO, 0);
	/* Not over before it has run for that long. */
	assert_int_equal(stops_of(2, 5 * M, 20 * S), 1);
	stop_is(0, 0, INT64_MAX, STOP_BREAKDOWN, 31);
	out[1].to_ns = 10 * M + 20 * S;
	assert_int_equal(stops_of(2, 5 * M, 20 * S), 1);
	stop_is(0, 0, 10 * M, STOP_BREAKDOWN, 31);
}

static void no_data_is_no_stop(void **state)
{
	(void)state;
	set(0, 0, 100 * M, ISTATE_NO_DATA, 0);
	assert_int_equal(stops_of(1, M, S), 0);
	set(1, 100 * M, 110 * M, ISTATE_WAITING, 0);
	set(2, 110 * M, 114 * M, ISTATE_NO_DATA, 0);
	/* A short hole at the end leaves it open, a long one ends it where it was last seen. */
	assert_int_equal(stops_of(3, 5 * M, S), 1);
	stop_is(0, 100 * M, INT64_MAX, STOP_WAITING, 0);
	out[2].to_ns = 200 * M;
	assert_int_equal(stops_of(3, 5 * M, S), 1);
	stop_is(0, 100 * M, 110 * M, STOP_WAITING, 0);
	/* The same between two parts. */
	set(3, 200 * M, 210 * M, ISTATE_WAITING, 0);
	set(4, 210 * M, 220 * M, ISTATE_RUNNING, 0);
	assert_int_equal(stops_of(5, 5 * M, S), 2);
	out[2].to_ns = out[3].from_ns = 114 * M;
	assert_int_equal(stops_of(5, 5 * M, S), 1);
	stop_is(0, 100 * M, 210 * M, STOP_WAITING, 0);
}

static void a_break_inside_a_breakdown(void **state)
{
	(void)state;
	set(0, 0, 10 * M, ISTATE_STOPPED, 52);
	set(1, 10 * M, 50 * M, ISTATE_PLANNED, 0);
	set(2, 50 * M, 60 * M, ISTATE_STOPPED, 52);
	set(3, 60 * M, 61 * M, ISTATE_RUNNING, 0);
	assert_int_equal(stops_of(4, 15 * M, S), 2);
	stop_is(0, 0, 60 * M, STOP_BREAKDOWN, 52); /* 20 minutes of its own */
	stop_is(1, 10 * M, 50 * M, STOP_PLANNED, 0);
	assert_int_equal(stops_of(4, 21 * M, S), 2);
	stop_is(0, 0, 60 * M, STOP_MICRO, 52);
	/* Waiting before and after a planned stop is not one stop. */
	out[0] = (struct istate_interval){0, 10 * M, ISTATE_WAITING, 0};
	out[2] = (struct istate_interval){50 * M, 60 * M, ISTATE_WAITING, 0};
	assert_int_equal(stops_of(4, 15 * M, S), 3);
	stop_is(0, 0, 10 * M, STOP_MICRO, 0);
	stop_is(2, 50 * M, 60 * M, STOP_MICRO, 0);
}

static void setup_is_a_changeover_of_its_own(void **state)
{
	(void)state;
	set(0, 0, 10 * M, ISTATE_WAITING, 0);
	set(1, 10 * M, 45 * M, ISTATE_PLANNED, ISTATE_SETUP);
	set(2, 45 * M, 60 * M, ISTATE_RUNNING, 0);
	set(3, 60 * M, 70 * M, ISTATE_PLANNED, ISTATE_SETUP);
	assert_int_equal(stops_of(4, 5 * M, S), 3);
	stop_is(0, 0, 10 * M, STOP_WAITING, 0);
	stop_is(1, 10 * M, 45 * M, STOP_CHANGEOVER, 0);
	stop_is(2, 60 * M, INT64_MAX, STOP_CHANGEOVER, 0);
	size_t n;
	struct istop_rules r = {5 * M, S};
	assert_int_equal(istops(stops, 1, &n, out, 4, &r), MO_ELIMIT);
	assert_int_equal(n, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(names),
	        cmocka_unit_test(each_code_has_its_state),
	        cmocka_unit_test(the_first_alarm_stays),
	        cmocka_unit_test(samples_before_the_range_hold_into_it),
	        cmocka_unit_test(holes_are_no_data),
	        cmocka_unit_test(planned_wins_but_over_running),
	        cmocka_unit_test(refused),
	        cmocka_unit_test(times_at_the_edges),
	        cmocka_unit_test(waiting_and_breakdown),
	        cmocka_unit_test(a_blip_of_running_joins),
	        cmocka_unit_test(no_data_is_no_stop),
	        cmocka_unit_test(a_break_inside_a_breakdown),
	        cmocka_unit_test(setup_is_a_changeover_of_its_own),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
