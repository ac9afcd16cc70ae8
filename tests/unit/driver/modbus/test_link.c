/* The connection: time-outs, back-off, what a failure says about the signals,
 * and when a stepped clock may go on. */
#include "dev.h"

#define ONE "{\"host\":\"10.0.0.9\",\"signals\":[{\"name\":\"a\",\"address\":10}]}"

static void answer_one(struct dev *v)
{
	DEV_ANSWER(v, dev_asked(v, 3, 10, 1), "\x03\x02\0\1");
	dev_i64(v, "a", 1);
}

static void test_start(void **state)
{
	(void)state;
	struct dev v;
	dev_open(&v, ONE);
	assert_int_equal(OPS.state(v.dr), DRIVER_OFFLINE);
	assert_string_equal(OPS.host(v.dr), "10.0.0.9");
	assert_int_equal(OPS.port(v.dr), 502);
	assert_int_equal(dev_trouble(&v), MSG_NONE);
	dev_silent(&v);
	dev_no_value(&v);
	dev_connect(&v);
	assert_false(OPS.wants_connection(v.dr, v.now));
	answer_one(&v);
	/* Bytes and news of a connection that is not there. */
	OPS.disconnected(v.dr, v.now);
	assert_int_equal(OPS.input(v.dr, v.now, SPAN_LIT("xxxxxxxx"), &v.d), 0);
	OPS.sent(v.dr, v.now, 5);
	dev_silent(&v);
	dev_close(&v);
}

/* A caller that connects without having ticked. */
static void test_connected_from_offline(void **state)
{
	(void)state;
	struct dev v;
	dev_open(&v, ONE);
	OPS.connected(v.dr, v.now);
	OPS.connected(v.dr, v.now);
	answer_one(&v);
	dev_close(&v);
}

static void test_timeouts(void **state)
{
	(void)state;
	struct dev v;
	dev_open(&v, "{\"host\":\"h\",\"timeout_ms\":300,\"signals\":[{\"name\":\"a\",\"address\":10}]}");
	dev_connect(&v);
	answer_one(&v);
	for (unsigned i = 0; i < 3; i++) {
		dev_wait(&v, S_NS - 300 * MS_NS * (i > 0));
		assert_int_equal(dev_tick(&v), 0);
		(void)dev_asked(&v, 3, 10, 1);
		assert_true(OPS.due(v.dr).mono_ns == v.now.mono_ns + 300 * MS_NS);
		assert_false(dev_settled(&v));
		dev_wait(&v, 300 * MS_NS - 1);
		assert_int_equal(dev_tick(&v), 0);
		assert_false(dev_settled(&v));
		dev_wait(&v, 1);
		assert_int_equal(dev_tick(&v), i == 2 ? MO_ETIMEOUT : 0);
		assert_int_equal(dev_trouble(&v), MSG_DRIVER_NO_ANSWER);
		assert_string_equal(OPS.trouble(v.dr)->field, "h:502");
		assert_int_equal(OPS.trouble(v.dr)->arg[0].i, 300);
		assert_true(dev_settled(&v));
		if (i == 0)
			assert_true(dev_value(&v, "a", DQ_NO_ANSWER).i64 == 1);
		dev_no_value(&v);
	}
	assert_int_equal(v.d.msg, MSG_DRIVER_NO_ANSWER);
	assert_int_equal(dev_tick(&v), 0); /* said once */
	assert_false(OPS.wants_connection(v.dr, v.now));
	OPS.disconnected(v.dr, v.now);
	assert_int_equal(dev_trouble(&v), MSG_DRIVER_NO_ANSWER);
	/* Back: read at once, though the period's multiple is not reached. */
	dev_wait(&v, 600 * MS_NS);
	dev_connect(&v);
	answer_one(&v);
	assert_int_equal(dev_trouble(&v), MSG_NONE);
	dev_close(&v);
}

/* Two silences, then an answer: counted anew. */
static void test_not_in_a_row(void **state)
{
	(void)state;
	struct dev v;
	struct driver_value x;
	dev_open(&v, ONE);
	dev_connect(&v);
	for (unsigned round = 0; round < 4; round++) {
		for (unsigned i = 0; i < 2; i++) {
			(void)dev_asked(&v, 3, 10, 1);
			dev_wait(&v, S_NS);
			assert_int_equal(dev_tick(&v), 0);
		}
		while (OPS.next_value(v.dr, &x))
			;
		answer_one(&v);
		dev_wait(&v, S_NS);
		assert_int_equal(dev_tick(&v), 0);
	}
	dev_close(&v);
}

/* Answers of transactions that timed out are dropped for as long as they are remembered. */
static void test_late(void **state)
{
	(void)state;
	struct dev v;
	struct driver_value x;
	uint16_t first = 0, t = 0;
	dev_open(&v, ONE);
	dev_connect(&v);
	for (unsigned i = 0; i < 15; i++) {
		t = dev_asked(&v, 3, 10, 1);
		if (i == 0)
			first = t;
		if (i % 2 == 0) {
			dev_wait(&v, S_NS);
		} else {
			DEV_ANSWER(&v, t, "\x03\x02\0\1");
			dev_wait(&v, S_NS);
		}
		assert_int_equal(dev_tick(&v), 0);
		while (OPS.next_value(v.dr, &x))
			;
	}
	t = dev_asked(&v, 3, 10, 1);
	assert_int_equal(t - first, 15);
	/* Whatever it carries. */
	DEV_ANSWER(&v, first, "\x84\x02");
	DEV_ANSWER(&v, (uint16_t)(first + 2), "\x03\x02\0\x63");
	dev_no_value(&v);
	DEV_ANSWER(&v, t, "\x03\x02\0\1");
	dev_i64(&v, "a", 1);
	dev_wait(&v, S_NS);
	assert_int_equal(dev_tick(&v), 0);
	t = dev_asked(&v, 3, 10, 1);
	assert_int_equal(dev_answer(&v, first, "\x03\x02\0\1", 4), MO_EPROTO); /* too old to be believed */
	dev_close(&v);
}

/* The stream takes no bytes: no use in waiting for three. */
static void test_stuck(void **state)
{
	(void)state;
	struct dev v;
	dev_open(&v, ONE);
	dev_connect(&v);
	assert_int_equal(OPS.output(v.dr).n, 12);
	OPS.sent(v.dr, v.now, 11);
	dev_wait(&v, S_NS);
	assert_int_equal(dev_tick(&v), MO_ETIMEOUT);
	dev_close(&v);
}

static int64_t delay_of(struct dev *v)
{
	assert_int_equal(OPS.state(v->dr), DRIVER_OFFLINE);
	struct driver_due due = OPS.due(v->dr);
	assert_true(due.node_ns == INT64_MAX);
	return due.mono_ns - v->now.mono_ns;
}

static void test_back_off(void **state)
{
	(void)state;
	struct dev v;
	static const int64_t base_ms[] = {500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000};
	int64_t seen[9];
	dev_open(&v, ONE);
	for (unsigned i = 0; i < 9; i++) {
		assert_int_equal(dev_tick(&v), 0);
		assert_int_equal(OPS.state(v.dr), DRIVER_CONNECTING);
		assert_true(OPS.wants_connection(v.dr, v.now));
		OPS.disconnected(v.dr, v.now);
		assert_int_equal(dev_trouble(&v), MSG_DRIVER_NO_CONNECTION);
		assert_string_equal(OPS.trouble(v.dr)->field, "10.0.0.9:502");
		seen[i] = delay_of(&v);
		assert_true(seen[i] <= base_ms[i] * MS_NS && seen[i] > base_ms[i] * MS_NS * 4 / 5 - 1);
		assert_false(OPS.wants_connection(v.dr, v.now));
		dev_wait(&v, seen[i] - 1);
		assert_int_equal(dev_tick(&v), 0);
		assert_int_equal(OPS.state(v.dr), DRIVER_OFFLINE);
		assert_false(OPS.wants_connection(v.dr, v.now));
		dev_wait(&v, 1);
		assert_true(OPS.wants_connection(v.dr, v.now));
	}
	/* A connection alone proves nothing; an answer does. */
	dev_connect(&v);
	OPS.disconnected(v.dr, v.now);
	assert_true(delay_of(&v) > 20 * S_NS);
	dev_wait(&v, 30 * S_NS);
	dev_connect(&v);
	struct driver_value x;
	while (OPS.next_value(v.dr, &x))
		;
	answer_one(&v);
	OPS.disconnected(v.dr, v.now);
	assert_int_equal(dev_trouble(&v), MSG_DRIVER_CONNECTION_LOST);
	assert_true(delay_of(&v) <= 500 * MS_NS);
	dev_close(&v);

	/* The same address waits the same, another one otherwise. */
	unsigned differ = 0;
	struct dev w;
	dev_open(&v, ONE);
	dev_open(&w, "{\"host\":\"10.0.0.10\",\"signals\":[{\"name\":\"a\",\"address\":10}]}");
	for (unsigned i = 0; i < 9; i++) {
		OPS.disconnected(v.dr, v.now);
		OPS.disconnected(w.dr, w.now);
		assert_true(delay_of(&v) == seen[i]);
		differ += delay_of(&w) != seen[i];
	}
	assert_true(differ >= 5);
	dev_close(&v);
	dev_close(&w);
}

static void test_connect_timeout(void **state)
{
	(void)state;
	struct dev v;
	dev_open(&v, ONE);
	assert_int_equal(dev_tick(&v), 0);
	assert_int_equal(OPS.state(v.dr), DRIVER_CONNECTING);
	assert_true(OPS.due(v.dr).mono_ns == v.now.mono_ns + 5 * S_NS);
	dev_wait(&v, 5 * S_NS);
	assert_int_equal(dev_tick(&v), MO_ETIMEOUT);
	assert_int_equal(v.d.msg, MSG_DRIVER_NO_CONNECTION);
	assert_false(OPS.wants_connection(v.dr, v.now));
	OPS.disconnected(v.dr, v.now);
	assert_int_equal(OPS.state(v.dr), DRIVER_OFFLINE);
	assert_true(delay_of(&v) > 0);
	dev_close(&v);
}

/* A stepped clock: due polls wait for the outcome of an attempt that ends after they fell due. */
static void test_settled(void **state)
{
	(void)state;
	struct dev v;
	dev_open(&v, ONE);
	assert_false(dev_settled(&v)); /* nothing was ever tried */
	OPS.disconnected(v.dr, v.now);
	assert_true(dev_settled(&v)); /* tried and failed */
	(void)dev_value(&v, "a", DQ_NO_ANSWER);
	dev_wait(&v, S_NS);
	assert_false(dev_settled(&v));
	dev_connect(&v);
	assert_false(dev_settled(&v));
	answer_one(&v);
	assert_true(dev_settled(&v));

	/* The stream breaks with a request outstanding: asked again on the next one. */
	dev_wait(&v, S_NS);
	assert_int_equal(dev_tick(&v), 0);
	(void)dev_asked(&v, 3, 10, 1);
	OPS.disconnected(v.dr, v.now);
	assert_false(dev_settled(&v));
	dev_no_value(&v); /* not bad yet */
	v.now.mono_ns += S_NS;
	assert_int_equal(dev_tick(&v), 0);
	assert_false(dev_settled(&v));
	OPS.connected(v.dr, v.now);
	answer_one(&v);
	assert_true(dev_settled(&v));

	/* It breaks, and the attempt after it fails too: bad, settled. */
	dev_wait(&v, S_NS);
	assert_int_equal(dev_tick(&v), 0);
	(void)dev_asked(&v, 3, 10, 1);
	OPS.disconnected(v.dr, v.now);
	OPS.disconnected(v.dr, v.now);
	assert_true(dev_settled(&v));
	(void)dev_value(&v, "a", DQ_NO_ANSWER);

	/* The device accepts and closes at the first request: that is an answer of a kind. */
	dev_wait(&v, 60 * S_NS);
	assert_false(dev_settled(&v));
	dev_connect(&v);
	(void)dev_asked(&v, 3, 10, 1);
	assert_false(dev_settled(&v));
	OPS.disconnected(v.dr, v.now);
	assert_true(dev_settled(&v));
	dev_no_value(&v);

	/* A wrong answer is a failed one. */
	dev_wait(&v, 60 * S_NS);
	dev_connect(&v);
	uint16_t t = dev_asked(&v, 3, 10, 1);
	assert_int_equal(dev_answer(&v, t, "\x03\x04\0\0\0\0", 6), MO_EPROTO);
	assert_true(dev_settled(&v));
	OPS.disconnected(v.dr, v.now);
	assert_true(dev_settled(&v));
	dev_close(&v);
}

/* A mark never takes the place of a value of the same node time (the clock stands between steps). */
static void test_mark_same_time(void **state)
{
	(void)state;
	struct dev v;
	dev_open(&v, ONE);
	dev_connect(&v);
	answer_one(&v);
	OPS.disconnected(v.dr, v.now);
	OPS.disconnected(v.dr, v.now);
	dev_no_value(&v);
	v.now.node_ns += 1;
	OPS.disconnected(v.dr, v.now);
	assert_true(dev_value(&v, "a", DQ_NO_ANSWER).i64 == 1);
	dev_close(&v);
}

/* All signals go bad when the device is dead, those of a long period too, and are read at once when it is back. */
static void test_all_bad(void **state)
{
	(void)state;
	struct dev v;
	dev_open(&v, "{\"host\":\"h\",\"max_gap\":0,\"signals\":[{\"name\":\"a\",\"address\":10},{\"name\":\"hourly\",\"address\":20,"
	             "\"poll_ms\":3600000}]}");
	dev_connect(&v);
	DEV_ANSWER(&v, dev_asked(&v, 3, 10, 1), "\x03\x02\0\1");
	dev_i64(&v, "a", 1);
	DEV_ANSWER(&v, dev_asked(&v, 3, 20, 1), "\x03\x02\0\2");
	dev_i64(&v, "hourly", 2);
	dev_wait(&v, S_NS);
	OPS.disconnected(v.dr, v.now);
	dev_no_value(&v);
	dev_wait(&v, S_NS);
	OPS.disconnected(v.dr, v.now);
	assert_true(dev_value(&v, "a", DQ_NO_ANSWER).i64 == 1);
	assert_true(dev_value(&v, "hourly", DQ_NO_ANSWER).i64 == 2);
	OPS.disconnected(v.dr, v.now);
	dev_no_value(&v);
	dev_wait(&v, 100 * S_NS);
	dev_connect(&v);
	DEV_ANSWER(&v, dev_asked(&v, 3, 10, 1), "\x03\x02\0\1");
	dev_i64(&v, "a", 1);
	DEV_ANSWER(&v, dev_asked(&v, 3, 20, 1), "\x03\x02\0\2");
	dev_i64(&v, "hourly", 2);
	dev_close(&v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_start), cmocka_unit_test(test_connected_from_offline),
	        cmocka_unit_test(test_timeouts), cmocka_unit_test(test_not_in_a_row), cmocka_unit_test(test_late),
	        cmocka_unit_test(test_stuck), cmocka_unit_test(test_back_off), cmocka_unit_test(test_connect_timeout),
	        cmocka_unit_test(test_settled), cmocka_unit_test(test_mark_same_time), cmocka_unit_test(test_all_bad)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
