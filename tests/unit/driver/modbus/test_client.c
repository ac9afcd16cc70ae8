/* The client against a device of literal bytes: polls, pieces, glue, wrong
 * answers, exceptions, frames kept. */
#include "dev.h"

#include <math.h>

#include "faultalloc.h"

/* Spec V1.1b3, 6.1 .. 6.4: the four reads, with the answers printed there. */
static void test_four_tables(void **state)
{
	(void)state;
	struct dev v;
	dev_open(&v,
	        "{\"host\":\"h\",\"signals\":["
	        "{\"name\":\"coil20\",\"table\":\"coil\",\"address\":19},{\"name\":\"coil38\",\"table\":\"coil\",\"address\":37},"
	        "{\"name\":\"in197\",\"table\":\"discrete\",\"address\":196},{\"name\":\"in218\",\"table\":\"discrete\",\"address\":217},"
	        "{\"name\":\"r108\",\"address\":107},{\"name\":\"r110\",\"address\":109},"
	        "{\"name\":\"ir9\",\"table\":\"input\",\"address\":8}]}");
	dev_connect(&v);
	uint16_t t = dev_asked(&v, 1, 0x13, 0x13);
	DEV_ANSWER(&v, t, "\x01\x03\xcd\x6b\x05");
	assert_int_equal(dev_value(&v, "coil20", DQ_GOOD).b, 1);
	assert_int_equal(dev_value(&v, "coil38", DQ_GOOD).b, 1);
	t = dev_asked(&v, 2, 0xc4, 0x16);
	DEV_ANSWER(&v, t, "\x02\x03\xac\xdb\x35");
	assert_int_equal(dev_value(&v, "in197", DQ_GOOD).b, 0);
	assert_int_equal(dev_value(&v, "in218", DQ_GOOD).b, 1);
	t = dev_asked(&v, 3, 0x6b, 3);
	DEV_ANSWER(&v, t, "\x03\x06\x02\x2b\0\0\0\x64");
	dev_i64(&v, "r108", 555);
	dev_i64(&v, "r110", 100);
	t = dev_asked(&v, 4, 8, 1);
	DEV_ANSWER(&v, t, "\x04\x02\0\x0a");
	dev_i64(&v, "ir9", 10);
	dev_silent(&v);
	dev_no_value(&v);
	assert_true(dev_settled(&v));
	assert_int_equal(dev_trouble(&v), MSG_NONE);
	dev_close(&v);
}

#define TWO "{\"host\":\"10.0.0.9\",\"port\":1502,\"signals\":[{\"name\":\"a\",\"address\":10},{\"name\":\"b\",\"address\":12}]}"

/* An answer comes in any two pieces, and byte by byte. */
static void test_pieces(void **state)
{
	(void)state;
	struct dev v;
	uint8_t f[260];
	struct diag d;
	dev_open(&v, TWO);
	dev_connect(&v);
	for (size_t cut = 0; cut <= 15; cut++) {
		uint16_t t = dev_asked(&v, 3, 10, 3);
		size_t n = dev_frame(f, t, "\x03\x06\0\1\0\0\0\2", 8);
		assert_int_equal(n, 15);
		assert_int_equal(OPS.input(v.dr, v.now, span_of(f, cut), &d), 0);
		if (cut < n)
			dev_no_value(&v);
		assert_int_equal(OPS.input(v.dr, v.now, span_of(f + cut, n - cut), &d), 0);
		dev_i64(&v, "a", 1);
		dev_i64(&v, "b", 2);
		dev_wait(&v, S_NS);
		assert_int_equal(dev_tick(&v), 0);
	}
	uint16_t t = dev_asked(&v, 3, 10, 3);
	size_t n = dev_frame(f, t, "\x03\x06\0\1\0\0\0\2", 8);
	for (size_t i = 0; i < n; i++) {
		dev_no_value(&v);
		assert_int_equal(OPS.input(v.dr, v.now, span_of(f + i, 1), &d), 0);
	}
	dev_i64(&v, "a", 1);
	dev_i64(&v, "b", 2);
	dev_close(&v);
}

/* A late answer and the right one in one piece, at every cut. */
static void test_glued(void **state)
{
	(void)state;
	struct dev v;
	struct diag d;
	dev_open(&v, TWO);
	dev_connect(&v);
	for (size_t cut = 0; cut <= 30; cut++) {
		uint8_t f[520];
		uint16_t late = dev_asked(&v, 3, 10, 3);
		dev_wait(&v, S_NS);
		assert_int_equal(dev_tick(&v), 0); /* timed out, and asked again */
		struct driver_value x;
		while (OPS.next_value(v.dr, &x))
			assert_int_equal(x.quality, DQ_NO_ANSWER);
		uint16_t t = dev_asked(&v, 3, 10, 3);
		assert_int_equal((uint16_t)(late + 1), t);
		size_t n = dev_frame(f, late, "\x03\x06\0\7\0\0\0\7", 8);
		n += dev_frame(f + n, t, "\x03\x06\0\1\0\0\0\2", 8);
		assert_int_equal(n, 30);
		assert_int_equal(OPS.input(v.dr, v.now, span_of(f, cut), &d), 0);
		assert_int_equal(OPS.input(v.dr, v.now, span_of(f + cut, n - cut), &d), 0);
		dev_i64(&v, "a", 1);
		dev_i64(&v, "b", 2);
		dev_no_value(&v);
		/* The right one a second time is dropped too. */
		assert_int_equal(OPS.input(v.dr, v.now, span_of(f + 15, 15), &d), 0);
		dev_no_value(&v);
		dev_wait(&v, S_NS);
		assert_int_equal(dev_tick(&v), 0);
	}
	dev_close(&v);
}

static void wrong(const void *frame, size_t n, bool nothing_asked, const char *field)
{
	struct dev v;
	dev_open(&v, TWO);
	dev_connect(&v);
	uint16_t t = dev_asked(&v, 3, 10, 3);
	assert_int_equal(t, 1);
	if (nothing_asked) {
		DEV_ANSWER(&v, t, "\x03\x06\0\1\0\0\0\2");
		dev_i64(&v, "a", 1);
		dev_i64(&v, "b", 2);
		dev_wait(&v, 1);
	}
	assert_int_equal(OPS.input(v.dr, v.now, span_of(frame, n), &v.d), MO_EPROTO);
	assert_int_equal(v.d.msg, MSG_MODBUS_BAD_ANSWER);
	assert_string_equal(v.d.field, field);
	assert_int_equal(dev_trouble(&v), MSG_MODBUS_BAD_ANSWER);
	if (!nothing_asked) {
		assert_true(isnan((double)dev_value(&v, "a", DQ_NO_ANSWER).i64) == 0);
		(void)dev_value(&v, "b", DQ_NO_ANSWER);
	}
	dev_no_value(&v);
	/* Until disconnected() nothing happens any more. */
	dev_silent(&v);
	assert_false(OPS.wants_connection(v.dr, v.now));
	assert_int_equal(OPS.input(v.dr, v.now, span_of("\0\1\0\0\0\x09\1\3\6\0\1\0\0\0\2", 15), &v.d), 0);
	dev_wait(&v, 100 * S_NS);
	assert_int_equal(dev_tick(&v), 0);
	dev_no_value(&v);
	dev_silent(&v);
	struct driver_due due = OPS.due(v.dr);
	assert_true(due.mono_ns == INT64_MAX && due.node_ns == INT64_MAX);
	struct driver_frame f;
	assert_true(OPS.frame(v.dr, 0, &f));
	assert_false(f.sent);
	OPS.disconnected(v.dr, v.now);
	assert_int_equal(OPS.state(v.dr), DRIVER_OFFLINE);
	assert_int_equal(dev_trouble(&v), MSG_MODBUS_BAD_ANSWER);
	dev_close(&v);
}
#define WRONG(frame, idle, field) wrong(frame, sizeof(frame) - 1, idle, field)

static void test_wrong(void **state)
{
	(void)state;
	WRONG("\0\1\0\0\0\x09\2\3\6\0\1\0\0\0\2", false, "unit");
	WRONG("\0\1\0\0\0\x09\1\4\6\0\1\0\0\0\2", false, "function");
	WRONG("\0\1\0\0\0\x07\1\3\4\0\1\0\0", false, "length");
	WRONG("\0\1\0\0\0\x09\1\3\5\0\1\0\0\0\2", false, "bytes");
	WRONG("\0\1\0\0\0\3\1\x84\2", false, "function");
	WRONG("\0\1\0\5\0\x09\1\3\6\0\1\0\0\0\2", false, "protocol");
	WRONG("\0\1\0\0\0\1\1", false, "length");
	WRONG("SSH-2.0-device\r\n", false, "protocol");
	/* A transaction never asked for: another's, the next one, one far back. */
	WRONG("\x55\1\0\0\0\x09\1\3\6\0\1\0\0\0\2", false, "transaction");
	WRONG("\0\2\0\0\0\x09\1\3\6\0\1\0\0\0\2", false, "transaction");
	WRONG("\0\0\0\0\0\x09\1\3\6\0\1\0\0\0\2", false, "transaction");
	WRONG("\0\2\0\0\0\x09\1\3\6\0\1\0\0\0\2", true, "transaction");
	/* Right, then rubbish in the same piece: the right one stands. */
	struct dev v;
	dev_open(&v, TWO);
	dev_connect(&v);
	(void)dev_asked(&v, 3, 10, 3);
	static const char glued[] = "\0\1\0\0\0\x09\1\3\6\0\1\0\0\0\2????";
	assert_int_equal(OPS.input(v.dr, v.now, span_of(glued, sizeof glued - 1), &v.d), MO_EPROTO);
	dev_i64(&v, "a", 1);
	dev_i64(&v, "b", 2);
	dev_no_value(&v);
	dev_close(&v);
}

/* An answer to a request that was not even written is no answer. */
static void test_answer_before_request(void **state)
{
	(void)state;
	struct dev v;
	dev_open(&v, TWO);
	dev_connect(&v);
	assert_int_equal(OPS.output(v.dr).n, 12);
	OPS.sent(v.dr, v.now, 5);
	assert_int_equal(OPS.output(v.dr).n, 7);
	assert_int_equal(OPS.input(v.dr, v.now, span_of("\0\1\0\0\0\x09\1\3\6\0\1\0\0\0\2", 15), &v.d), MO_EPROTO);
	assert_string_equal(v.d.field, "transaction");
	dev_close(&v);
}

/* Values carry node time at the answer, not at the question. */
static void test_stamp(void **state)
{
	(void)state;
	struct dev v;
	dev_open(&v, TWO);
	dev_connect(&v);
	uint16_t t = dev_asked(&v, 3, 10, 3);
	dev_wait(&v, 123 * MS_NS);
	DEV_ANSWER(&v, t, "\x03\x06\0\1\0\0\0\2");
	dev_i64(&v, "a", 1); /* checks t_ns == now */
	dev_close(&v);
}

/* Due on multiples of the period, at once on the first connection. */
static void test_due(void **state)
{
	(void)state;
	struct dev v;
	dev_open(&v, "{\"host\":\"h\",\"max_gap\":0,\"signals\":[{\"name\":\"fast\",\"address\":1,\"poll_ms\":1000},"
	             "{\"name\":\"slow\",\"address\":5,\"poll_ms\":10000}]}");
	v.now.node_ns += 2500 * MS_NS;
	int64_t base = v.now.node_ns - v.now.node_ns % (10 * S_NS);
	assert_false(dev_settled(&v));
	struct driver_due due = OPS.due(v.dr);
	assert_true(due.mono_ns <= v.now.mono_ns);
	dev_connect(&v);
	assert_false(dev_settled(&v));
	due = OPS.due(v.dr);
	assert_true(due.node_ns == INT64_MAX && due.mono_ns == v.now.mono_ns + S_NS);
	DEV_ANSWER(&v, dev_asked(&v, 3, 1, 1), "\x03\x02\0\1");
	dev_i64(&v, "fast", 1);
	assert_false(dev_settled(&v));
	DEV_ANSWER(&v, dev_asked(&v, 3, 5, 1), "\x03\x02\0\2");
	dev_i64(&v, "slow", 2);
	assert_true(dev_settled(&v));
	due = OPS.due(v.dr);
	assert_true(due.node_ns == base + 3 * S_NS && due.mono_ns == INT64_MAX);
	v.now.node_ns = base + 3 * S_NS - 1;
	assert_int_equal(dev_tick(&v), 0);
	dev_silent(&v);
	assert_true(dev_settled(&v));
	v.now.node_ns++;
	assert_false(dev_settled(&v));
	assert_int_equal(dev_tick(&v), 0);
	DEV_ANSWER(&v, dev_asked(&v, 3, 1, 1), "\x03\x02\0\1");
	dev_i64(&v, "fast", 1);
	assert_true(dev_settled(&v));
	assert_true(OPS.due(v.dr).node_ns == base + 4 * S_NS);
	dev_close(&v);
}

/* A stepped clock jumps by 60 s: each group once, then settled. */
static void test_step(void **state)
{
	(void)state;
	struct dev v;
	dev_open(&v, "{\"host\":\"h\",\"max_gap\":0,\"signals\":[{\"name\":\"fast\",\"address\":1,\"poll_ms\":1000},"
	             "{\"name\":\"slow\",\"address\":5,\"poll_ms\":60000}]}");
	dev_connect(&v);
	for (unsigned step = 0; step < 5; step++) {
		assert_false(dev_settled(&v));
		/* The order is by when each fell due; both come once. */
		for (unsigned i = 0; i < 2; i++) {
			struct span out = OPS.output(v.dr);
			assert_int_equal(out.n, 12);
			bool fast = out.p[9] == 1;
			assert_false(dev_settled(&v));
			DEV_ANSWER(&v, dev_asked(&v, 3, fast ? 1 : 5, 1), "\x03\x02\0\1");
			dev_i64(&v, fast ? "fast" : "slow", 1);
		}
		dev_silent(&v);
		dev_no_value(&v);
		assert_true(dev_settled(&v));
		assert_int_equal(dev_tick(&v), 0);
		dev_silent(&v);
		v.now.node_ns += 60 * S_NS;
		v.now.mono_ns += 5 * MS_NS;
		assert_int_equal(dev_tick(&v), 0);
	}
	dev_close(&v);
}

/* Exceptions: quality, words, seldom asked again, and only that batch. */
static void test_exception(void **state)
{
	(void)state;
	struct dev v;
	dev_open(&v, "{\"host\":\"h\",\"max_gap\":0,\"signals\":[{\"name\":\"good\",\"address\":1},{\"name\":\"bad\",\"address\":5,"
	             "\"label\":\"x\"}]}");
	dev_connect(&v);
	DEV_ANSWER(&v, dev_asked(&v, 3, 1, 1), "\x03\x02\0\1");
	dev_i64(&v, "good", 1);
	DEV_ANSWER(&v, dev_asked(&v, 3, 5, 1), "\x03\x02\0\5");
	dev_i64(&v, "bad", 5);
	unsigned asked_bad = 0;
	for (unsigned second = 1; second <= 100; second++) {
		dev_wait(&v, S_NS);
		assert_int_equal(dev_tick(&v), 0);
		DEV_ANSWER(&v, dev_asked(&v, 3, 1, 1), "\x03\x02\0\1");
		dev_i64(&v, "good", 1);
		if (OPS.output(v.dr).n == 0)
			continue;
		uint16_t t = dev_asked(&v, 3, 5, 1);
		/* 1, then after 1, 2, 4, 8, 16, 30, 30 s */
		static const unsigned at[] = {1, 2, 4, 8, 16, 32, 62, 92};
		assert_true(asked_bad < sizeof at / sizeof at[0]);
		assert_int_equal(second, at[asked_bad]);
		asked_bad++;
		DEV_ANSWER(&v, t, "\x83\x06");
		if (second == 1)
			assert_int_equal(dev_value(&v, "bad", DQ_REFUSED).i64, 5); /* the last known */
		dev_no_value(&v);                                                  /* said once */
		const struct diag *d = OPS.trouble(v.dr);
		assert_int_equal(d->msg, MSG_MODBUS_DEVICE_BUSY);
		assert_string_equal(d->field, "bad");
		assert_string_equal(d->value, "holding 5");
		assert_int_equal(d->arg[0].i, 6);
		assert_true(dev_settled(&v));
	}
	assert_int_equal(asked_bad, 8);
	/* It comes back. */
	dev_wait(&v, 22 * S_NS);
	assert_int_equal(dev_tick(&v), 0);
	DEV_ANSWER(&v, dev_asked(&v, 3, 1, 1), "\x03\x02\0\1");
	dev_i64(&v, "good", 1);
	assert_int_equal(dev_trouble(&v), MSG_MODBUS_DEVICE_BUSY);
	DEV_ANSWER(&v, dev_asked(&v, 3, 5, 1), "\x03\x02\0\6");
	dev_i64(&v, "bad", 6);
	assert_int_equal(dev_trouble(&v), MSG_NONE);
	assert_true(OPS.due(v.dr).node_ns == v.now.node_ns + S_NS);
	dev_close(&v);
}

/* A joined read with one address that the device lacks: found by halving, the others go on. */
static void test_split(void **state)
{
	(void)state;
	struct dev v;
	dev_open(&v, "{\"host\":\"h\",\"signals\":[{\"name\":\"s0\",\"address\":0},{\"name\":\"s1\",\"address\":1},{\"name\":\"s2\","
	             "\"address\":2},"
	             "{\"name\":\"s3\",\"address\":3},{\"name\":\"s4\",\"address\":4},{\"name\":\"s5\",\"address\":5}]}");
	dev_connect(&v);
	DEV_ANSWER(&v, dev_asked(&v, 3, 0, 6), "\x83\x02"); /* s4 is the culprit */
	dev_no_value(&v);
	assert_false(dev_settled(&v));
	DEV_ANSWER(&v, dev_asked(&v, 3, 0, 3), "\x03\x06\0\0\0\1\0\2");
	dev_i64(&v, "s0", 0);
	dev_i64(&v, "s1", 1);
	dev_i64(&v, "s2", 2);
	DEV_ANSWER(&v, dev_asked(&v, 3, 3, 3), "\x83\x02");
	DEV_ANSWER(&v, dev_asked(&v, 3, 3, 1), "\x03\x02\0\3");
	dev_i64(&v, "s3", 3);
	DEV_ANSWER(&v, dev_asked(&v, 3, 4, 2), "\x83\x03"); /* some devices say: illegal value */
	DEV_ANSWER(&v, dev_asked(&v, 3, 4, 1), "\x83\x02");
	(void)dev_value(&v, "s4", DQ_REFUSED);
	const struct diag *d = OPS.trouble(v.dr);
	assert_int_equal(d->msg, MSG_MODBUS_ILLEGAL_ADDRESS);
	assert_string_equal(d->field, "s4");
	assert_string_equal(d->value, "holding 4");
	assert_false(dev_settled(&v));
	DEV_ANSWER(&v, dev_asked(&v, 3, 5, 1), "\x03\x02\0\5");
	dev_i64(&v, "s5", 5);
	dev_no_value(&v);
	assert_true(dev_settled(&v));
	assert_int_equal(dev_trouble(&v), MSG_MODBUS_ILLEGAL_ADDRESS);
	/* From now on in these parts; the culprit next after 1 s, then after 2 more. */
	for (unsigned second = 1; second <= 3; second++) {
		dev_wait(&v, S_NS);
		assert_int_equal(dev_tick(&v), 0);
		unsigned culprit = 0;
		for (unsigned i = 0; i < 4; i++) {
			struct span out = OPS.output(v.dr);
			if (out.n == 0)
				break;
			unsigned at = out.p[9];
			uint16_t t = dev_asked(&v, 3, at, at == 0 ? 3 : 1);
			if (at == 4) {
				culprit++;
				DEV_ANSWER(&v, t, "\x83\x02");
			} else if (at == 0) {
				DEV_ANSWER(&v, t, "\x03\x06\0\0\0\1\0\2");
			} else {
				DEV_ANSWER(&v, t, "\x03\x02\0\1");
			}
		}
		dev_silent(&v);
		assert_int_equal(culprit, second == 1 || second == 3 ? 1 : 0);
		struct driver_value x;
		while (OPS.next_value(v.dr, &x))
			assert_int_equal(x.quality, DQ_GOOD);
	}
	dev_close(&v);
}

/* Exceptions that say nothing about an address do not split. */
static void test_no_split(void **state)
{
	(void)state;
	struct dev v;
	dev_open(&v, TWO);
	dev_connect(&v);
	DEV_ANSWER(&v, dev_asked(&v, 3, 10, 3), "\x83\x01");
	(void)dev_value(&v, "a", DQ_REFUSED);
	(void)dev_value(&v, "b", DQ_REFUSED);
	assert_string_equal(OPS.trouble(v.dr)->field, "a … b");
	assert_string_equal(OPS.trouble(v.dr)->value, "holding 10..12");
	assert_int_equal(dev_trouble(&v), MSG_MODBUS_ILLEGAL_FUNCTION);
	dev_silent(&v);
	dev_close(&v);
}

/* A signal never read has no last value. */
static void test_never_read(void **state)
{
	(void)state;
	struct dev v;
	dev_open(&v, "{\"host\":\"h\",\"signals\":[{\"name\":\"f\",\"address\":0,\"type\":\"f32\"},{\"name\":\"i\",\"address\":2},"
	             "{\"name\":\"s\",\"address\":3,\"type\":\"string\",\"length\":2}]}");
	dev_connect(&v);
	DEV_ANSWER(&v, dev_asked(&v, 3, 0, 5), "\x83\x04");
	assert_true(isnan(dev_value(&v, "f", DQ_REFUSED).f64));
	assert_true(dev_value(&v, "i", DQ_REFUSED).i64 == 0);
	assert_int_equal(dev_value(&v, "s", DQ_REFUSED).str.n, 0);
	dev_wait(&v, S_NS);
	assert_int_equal(dev_tick(&v), 0);
	DEV_ANSWER(&v, dev_asked(&v, 3, 0, 5), "\x03\x0a\x41\x48\0\0\0\7LOT1");
	assert_true(dev_value(&v, "f", DQ_GOOD).f64 == 12.5);
	dev_i64(&v, "i", 7);
	struct span str = dev_value(&v, "s", DQ_GOOD).str;
	assert_int_equal(str.n, 4);
	assert_memory_equal(str.p, "LOT1", 4);
	dev_wait(&v, S_NS);
	assert_int_equal(dev_tick(&v), 0);
	DEV_ANSWER(&v, dev_asked(&v, 3, 0, 5), "\x83\x04");
	assert_true(dev_value(&v, "f", DQ_REFUSED).f64 == 12.5);
	assert_true(dev_value(&v, "i", DQ_REFUSED).i64 == 7);
	str = dev_value(&v, "s", DQ_REFUSED).str;
	assert_int_equal(str.n, 4);
	assert_memory_equal(str.p, "LOT1", 4);
	dev_close(&v);
}

#define CYCLE                                                                                                                              \
	"{\"host\":\"h\",\"cycle\":{\"counter\":{\"address\":200,\"type\":\"u16\"},\"lot\":{\"address\":201,\"length\":8},"                \
	"\"signals\":[{\"name\":\"peak\",\"address\":209,\"scale\":0.5,\"max\":100}]}}"

static void cycle_answer(struct dev *v, unsigned counter, const char *lot16, unsigned peak)
{
	uint8_t pdu[22] = {3, 20, (uint8_t)(counter >> 8), (uint8_t)counter};
	memcpy(pdu + 4, lot16, 16);
	pdu[20] = (uint8_t)(peak >> 8);
	pdu[21] = (uint8_t)peak;
	assert_int_equal(dev_answer(v, dev_asked(v, 3, 200, 10), pdu, sizeof pdu), 0);
}

static void cycle_values(struct dev *v, uint64_t seq, uint8_t quality, const char *lot, uint8_t peak_quality, double peak)
{
	struct driver_value x = dev_value(v, "lot", quality);
	assert_true(x.seq == seq);
	assert_int_equal(x.str.n, strlen(lot));
	assert_memory_equal(x.str.p, lot, x.str.n);
	x = dev_value(v, "peak", peak_quality);
	assert_true(x.seq == seq && x.f64 == peak);
	dev_no_value(v);
}

static void next_second(struct dev *v)
{
	dev_wait(v, S_NS);
	assert_int_equal(dev_tick(v), 0);
}

static void test_cycle(void **state)
{
	(void)state;
	struct dev v;
	dev_open(&v, CYCLE);
	dev_connect(&v);
	assert_false(dev_settled(&v));
	cycle_answer(&v, 65534, "BBM-A-0172\0\0\0\0\0\0", 190);
	cycle_values(&v, 65534, DQ_GOOD, "BBM-A-0172", DQ_GOOD, 95);
	assert_true(dev_settled(&v));
	next_second(&v);
	cycle_answer(&v, 65534, "BBM-A-0172\0\0\0\0\0\0", 190); /* no new cycle */
	dev_no_value(&v);
	next_second(&v);
	cycle_answer(&v, 65535, "BBM-A-0173          ", 210);
	cycle_values(&v, 65535, DQ_GOOD, "BBM-A-0173", DQ_RANGE, 105);
	next_second(&v);
	cycle_answer(&v, 0, "BBM-A-0173          ", 180); /* wrapped */
	cycle_values(&v, 65536, DQ_GOOD, "BBM-A-0173", DQ_GOOD, 90);
	next_second(&v);
	cycle_answer(&v, 3, "BBM-A-0174          ", 210); /* jumped; range says more than the gap */
	cycle_values(&v, 65539, DQ_GAP_BEFORE, "BBM-A-0174", DQ_RANGE, 105);
	next_second(&v);
	cycle_answer(&v, 1, "BBM-A-0175          ", 180); /* restarted */
	cycle_values(&v, 65540, DQ_GAP_BEFORE, "BBM-A-0175", DQ_GAP_BEFORE, 90);
	/* Cycles missed while the connection was away show as a jump. */
	OPS.disconnected(v.dr, v.now);
	dev_wait(&v, S_NS);
	dev_connect(&v);
	cycle_answer(&v, 5, "BBM-A-0175          ", 180);
	cycle_values(&v, 65544, DQ_GAP_BEFORE, "BBM-A-0175", DQ_GAP_BEFORE, 90);
	/* Silence invents no cycle. */
	next_second(&v);
	(void)dev_asked(&v, 3, 200, 10);
	next_second(&v);
	dev_no_value(&v);
	assert_int_equal(dev_trouble(&v), MSG_DRIVER_NO_ANSWER);
	cycle_answer(&v, 6, "BBM-A-0175          ", 180);
	cycle_values(&v, 65545, DQ_GOOD, "BBM-A-0175", DQ_GOOD, 90);
	assert_int_equal(dev_trouble(&v), MSG_NONE);
	dev_close(&v);
}

/* The device lacks one address of the block: the rest of the cycle is read without it. */
static void test_cycle_refused(void **state)
{
	(void)state;
	struct dev v;
	dev_open(&v, CYCLE);
	dev_connect(&v);
	DEV_ANSWER(&v, dev_asked(&v, 3, 200, 10), "\x83\x02");
	assert_false(dev_settled(&v));
	DEV_ANSWER(&v, dev_asked(&v, 3, 200, 1), "\x03\x02\0\7");
	DEV_ANSWER(&v, dev_asked(&v, 3, 201, 9), "\x83\x02");
	/* Cut again, so begun again. */
	DEV_ANSWER(&v, dev_asked(&v, 3, 200, 1), "\x03\x02\0\7");
	DEV_ANSWER(&v, dev_asked(&v, 3, 201, 8), "\x03\x10LOT-1           ");
	DEV_ANSWER(&v, dev_asked(&v, 3, 209, 1), "\x83\x02");
	DEV_ANSWER(&v, dev_asked(&v, 3, 200, 1), "\x03\x02\0\7"); /* unchanged */
	struct driver_value x = dev_value(&v, "lot", DQ_GOOD);
	assert_int_equal(x.seq, 7);
	dev_no_value(&v);
	assert_true(dev_settled(&v));
	assert_string_equal(OPS.trouble(v.dr)->field, "peak");
	assert_int_equal(dev_trouble(&v), MSG_MODBUS_ILLEGAL_ADDRESS);
	/* Later it is there. */
	next_second(&v);
	DEV_ANSWER(&v, dev_asked(&v, 3, 200, 1), "\x03\x02\0\x08");
	DEV_ANSWER(&v, dev_asked(&v, 3, 201, 8), "\x03\x10LOT-1           ");
	DEV_ANSWER(&v, dev_asked(&v, 3, 209, 1), "\x03\x02\0\x14");
	DEV_ANSWER(&v, dev_asked(&v, 3, 200, 1), "\x03\x02\0\x08");
	struct driver_value y;
	unsigned n = 0;
	while (OPS.next_value(v.dr, &y)) {
		assert_int_equal(y.seq, 8);
		assert_int_equal(y.quality, DQ_GOOD);
		n++;
	}
	assert_int_equal(n, 2);
	assert_int_equal(dev_trouble(&v), MSG_NONE);
	/* The counter itself refused: nothing to read, asked ever more seldom. */
	next_second(&v);
	DEV_ANSWER(&v, dev_asked(&v, 3, 200, 1), "\x83\x02");
	dev_silent(&v);
	assert_string_equal(OPS.trouble(v.dr)->field, "cycle.counter");
	assert_true(dev_settled(&v));
	next_second(&v);
	DEV_ANSWER(&v, dev_asked(&v, 3, 200, 1), "\x83\x02");
	next_second(&v);
	dev_silent(&v);
	next_second(&v);
	DEV_ANSWER(&v, dev_asked(&v, 3, 200, 1), "\x03\x02\0\x08");
	assert_int_equal(dev_trouble(&v), MSG_NONE);
	dev_close(&v);
}

/* The counter does not stand still while a long block is read. */
static void test_cycle_moving(void **state)
{
	(void)state;
	struct dev v;
	uint8_t counter[4] = {3, 2, 0, 1};
	dev_open(&v, "{\"host\":\"h\",\"cycle\":{\"counter\":{\"address\":1},\"signals\":[{\"name\":\"x\",\"address\":500}]}}");
	dev_connect(&v);
	assert_int_equal(dev_answer(&v, dev_asked(&v, 3, 1, 1), counter, 4), 0);
	for (unsigned i = 0; i < 3; i++) {
		DEV_ANSWER(&v, dev_asked(&v, 3, 500, 1), "\x03\x02\0\1");
		counter[3]++;
		assert_int_equal(dev_answer(&v, dev_asked(&v, 3, 1, 1), counter, 4), 0);
	}
	dev_silent(&v);
	dev_no_value(&v);
	assert_true(dev_settled(&v));
	assert_int_equal(dev_trouble(&v), MSG_MODBUS_CYCLE_MOVING);
	next_second(&v);
	assert_int_equal(dev_answer(&v, dev_asked(&v, 3, 1, 1), counter, 4), 0);
	DEV_ANSWER(&v, dev_asked(&v, 3, 500, 1), "\x03\x02\0\1");
	assert_int_equal(dev_answer(&v, dev_asked(&v, 3, 1, 1), counter, 4), 0);
	assert_int_equal(dev_value(&v, "x", DQ_GOOD).seq, 4);
	assert_int_equal(dev_trouble(&v), MSG_NONE);
	dev_close(&v);
}

static void test_frames(void **state)
{
	(void)state;
	struct dev v;
	struct driver_frame f;
	dev_open(&v, TWO);
	assert_false(OPS.frame(v.dr, 0, &f));
	dev_connect(&v);
	for (unsigned i = 0; i < 40; i++) {
		uint16_t t = dev_asked(&v, 3, 10, 3);
		assert_int_equal(t, i + 1);
		assert_true(OPS.frame(v.dr, 0, &f));
		assert_true(f.sent);
		assert_true(f.mono_ns == v.now.mono_ns);
		assert_int_equal(f.bytes.n, 12);
		assert_int_equal(f.bytes.p[1], t);
		DEV_ANSWER(&v, t, "\x03\x06\0\1\0\0\0\2");
		assert_true(OPS.frame(v.dr, 0, &f));
		assert_false(f.sent);
		assert_int_equal(f.bytes.n, 15);
		assert_int_equal(f.bytes.p[1], t);
		unsigned kept = 0;
		while (OPS.frame(v.dr, kept, &f)) {
			assert_int_equal(f.sent, kept % 2);
			assert_int_equal(f.bytes.p[1], t - kept / 2);
			kept++;
		}
		assert_int_equal(kept, 2 * (i + 1) < MODBUS_FRAMES_KEPT ? 2 * (i + 1) : MODBUS_FRAMES_KEPT);
		dev_i64(&v, "a", 1);
		dev_i64(&v, "b", 2);
		next_second(&v);
	}
	dev_close(&v);
}

/* Values that nobody takes hold back the next question; nothing is lost and nobody spins. */
static void test_back_pressure(void **state)
{
	(void)state;
	struct dev v;
	dev_open(&v, TWO);
	dev_connect(&v);
	unsigned answers = 0;
	while (OPS.output(v.dr).n) {
		DEV_ANSWER(&v, dev_asked(&v, 3, 10, 3), "\x03\x06\0\1\0\0\0\2");
		answers++;
		assert_true(answers < 10);
		next_second(&v);
	}
	assert_false(dev_settled(&v));
	struct driver_due due = OPS.due(v.dr);
	assert_true(due.node_ns == INT64_MAX && due.mono_ns == INT64_MAX);
	struct driver_value x;
	unsigned values = 0;
	while (OPS.next_value(v.dr, &x))
		values++;
	assert_int_equal(values, 2 * answers);
	assert_true(OPS.due(v.dr).node_ns <= v.now.node_ns);
	assert_int_equal(dev_tick(&v), 0);
	(void)dev_asked(&v, 3, 10, 3);
	dev_close(&v);
}

/* Once open, nothing is allocated: polls, cycles, exceptions, time-outs, reconnects. */
static void test_no_allocation(void **state)
{
	(void)state;
	struct dev v;
	dev_open(&v, "{\"host\":\"h\",\"signals\":[{\"name\":\"a\",\"address\":10},{\"name\":\"b\",\"address\":12},"
	             "{\"name\":\"s\",\"address\":13,\"type\":\"string\",\"length\":2}]}");
	faultalloc_arm(0);
	dev_connect(&v);
	for (unsigned i = 0; i < 400; i++) {
		struct driver_value x;
		struct span out = OPS.output(v.dr);
		if (out.n) {
			unsigned at = out.p[9], n = out.p[11];
			uint16_t t = dev_asked(&v, 3, at, n);
			uint8_t pdu[64] = {3, (uint8_t)(2 * n), 0, 1, 0, 2, 0, 3, 'L', 'O', 'T', '1'};
			if (i % 13 == 5)
				DEV_ANSWER(&v, t, "\x83\x02");
			else if (i % 17 != 6)
				assert_int_equal(dev_answer(&v, t, pdu, 2 + 2 * n), 0);
		}
		while (OPS.next_value(v.dr, &x))
			;
		if (i % 50 == 49) {
			OPS.disconnected(v.dr, v.now);
			dev_wait(&v, 60 * S_NS);
			dev_connect(&v);
		}
		dev_wait(&v, 200 * MS_NS);
		assert_int_equal(dev_tick(&v), 0);
	}
	assert_int_equal(faultalloc_count(), 0);
	dev_close(&v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_four_tables), cmocka_unit_test(test_pieces), cmocka_unit_test(test_glued),
	        cmocka_unit_test(test_wrong), cmocka_unit_test(test_answer_before_request), cmocka_unit_test(test_stamp),
	        cmocka_unit_test(test_due), cmocka_unit_test(test_step), cmocka_unit_test(test_exception), cmocka_unit_test(test_split),
	        cmocka_unit_test(test_no_split), cmocka_unit_test(test_never_read), cmocka_unit_test(test_cycle),
	        cmocka_unit_test(test_cycle_refused), cmocka_unit_test(test_cycle_moving), cmocka_unit_test(test_frames),
	        cmocka_unit_test(test_back_pressure), cmocka_unit_test(test_no_allocation)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
