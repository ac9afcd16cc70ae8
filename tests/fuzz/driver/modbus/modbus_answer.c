/* Any answers to a driver that is online. The input is a list of commands; a
 * value may come only of a signal whose registers lie within a request that
 * was asked and answered well-formed on this connection, or be a bad mark. */
#include <assert.h>
#include <stdlib.h>

#include "base/civil.h"
#include "driver/modbus/modbus.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const char config[] =
        "{\"host\":\"h\",\"signals\":[{\"name\":\"s0\",\"address\":0},{\"name\":\"s1\",\"address\":2,\"type\":\"f32\"},"
        "{\"name\":\"s2\",\"address\":6,\"type\":\"string\",\"length\":3},{\"name\":\"s3\",\"address\":300,\"type\":\"u64\",\"poll_ms\":"
        "3000},"
        "{\"name\":\"s4\",\"table\":\"input\",\"address\":4,\"type\":\"bit\",\"bit\":2},{\"name\":\"s5\",\"table\":\"coil\",\"address\":9},"
        "{\"name\":\"s6\",\"table\":\"discrete\",\"address\":100}],"
        "\"cycle\":{\"counter\":{\"address\":500,\"type\":\"u32\"},\"lot\":{\"address\":502},\"signals\":[{\"name\":\"c1\",\"address\":700}"
        "]}}";
/* Table, first register and end of each signal, in the order of signals(). */
static const struct {
	uint8_t function;
	uint16_t from, to;
} place[] = {{3, 0, 1}, {3, 2, 4}, {3, 6, 9}, {3, 300, 304}, {4, 4, 5}, {1, 9, 10}, {2, 100, 101}, {3, 502, 510}, {3, 700, 701}};
#define SIGNALS (sizeof place / sizeof place[0])

struct peer {
	struct driver *dr;
	struct driver_now now;
	uint8_t last[12];   /* the last request */
	bool asked;         /* ever, on this connection */
	bool ever[SIGNALS]; /* per-cycle: asked for since the connection was made */
	uint64_t seq;
};

static void take_request(struct peer *q)
{
	struct span out = modbus_driver.output(q->dr);
	assert(out.n == 0 || out.n == 12);
	if (out.n == 0)
		return;
	memcpy(q->last, out.p, 12);
	q->asked = true;
	unsigned from = (unsigned)(out.p[8] << 8 | out.p[9]), to = from + (unsigned)(out.p[10] << 8 | out.p[11]);
	for (size_t i = 0; i < SIGNALS; i++)
		if (place[i].function == out.p[7] && place[i].from >= from && place[i].to <= to)
			q->ever[i] = true;
	modbus_driver.sent(q->dr, q->now, 12);
}

static void take_values(struct peer *q)
{
	struct driver_value v;
	unsigned n = 0;
	while (modbus_driver.next_value(q->dr, &v)) {
		assert(v.signal < SIGNALS);
		assert(v.t_ns <= q->now.node_ns);
		if (v.quality == DQ_REFUSED || v.quality == DQ_NO_ANSWER) {
			assert(v.seq == 0);
		} else {
			assert(q->ever[v.signal]);
			assert((v.seq != 0) == (v.signal >= 7));
		}
		if (v.type == DV_STR) {
			assert(v.str.n <= 16);
			for (size_t i = 0; i < v.str.n; i++)
				assert(v.str.p[i] >= 0x20 && v.str.p[i] < 0x7f);
		}
		if (v.seq) {
			assert(v.seq >= q->seq);
			q->seq = v.seq;
		}
		assert(++n <= 1000);
	}
}

static void give(struct peer *q, struct span bytes)
{
	struct diag d = {0};
	/* Exactly as large as it is, so that a read past the end is seen. */
	uint8_t *copy = malloc(bytes.n ? bytes.n : 1);
	if (!copy)
		return;
	if (bytes.n)
		memcpy(copy, bytes.p, bytes.n);
	int err = modbus_driver.input(q->dr, q->now, span_of(copy, bytes.n), &d);
	free(copy);
	assert(err == 0 || (err == MO_EPROTO && d.msg != MSG_NONE));
	if (err) {
		take_values(q);
		modbus_driver.disconnected(q->dr, q->now);
		memset(q->ever, 0, sizeof q->ever);
	}
}

/* A well-formed frame to the last request, its data (or exception) from the input. */
static void answer(struct peer *q, struct span data, bool exception)
{
	uint8_t f[300] = {q->last[0], q->last[1], 0, 0, 0, 0, q->last[6], q->last[7]};
	unsigned quantity = (unsigned)(q->last[10] << 8 | q->last[11]), bytes = q->last[7] <= 2 ? (quantity + 7) / 8 : 2 * quantity;
	size_t n;
	if (exception) {
		f[7] |= 0x80;
		f[8] = data.n ? data.p[0] : 2;
		n = 9;
	} else {
		f[8] = (uint8_t)bytes;
		for (unsigned i = 0; i < bytes; i++)
			f[9 + i] = data.n ? data.p[i % data.n] : 0;
		n = 9 + bytes;
	}
	f[5] = (uint8_t)(n - 6);
	give(q, span_of(f, n));
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct peer q = {.now = {1700000000 * NS_PER_S, NS_PER_S}};
	if (modbus_driver.open(&q.dr, span_str(config), NULL) != 0)
		abort();
	modbus_driver.connected(q.dr, q.now);
	while (n >= 2) {
		unsigned what = p[0] & 7, more = p[1];
		p += 2;
		n -= 2;
		struct span data = span_of(p, more < n ? more : n);
		take_request(&q);
		switch (what) {
		case 0: /* raw bytes */
			give(&q, data);
			break;
		case 1:
		case 2:
		case 3: /* a right answer, its data from the input */
			data.n = data.n < 32 ? data.n : 32;
			if (q.asked)
				answer(&q, data, false);
			break;
		case 4:
			data.n = data.n < 1 ? data.n : 1;
			if (q.asked)
				answer(&q, data, true);
			break;
		case 5: /* time passes */
			data.n = 0;
			q.now.mono_ns += (int64_t)more * 20 * NS_PER_MS;
			q.now.node_ns += (int64_t)more * 20 * NS_PER_MS;
			break;
		case 6:
			data.n = 0;
			modbus_driver.disconnected(q.dr, q.now);
			memset(q.ever, 0, sizeof q.ever);
			break;
		default:
			data.n = 0;
			modbus_driver.connected(q.dr, q.now);
		}
		p += data.n;
		n -= data.n;
		take_values(&q);
		if (modbus_driver.tick(q.dr, q.now, NULL) != 0) {
			modbus_driver.disconnected(q.dr, q.now);
			memset(q.ever, 0, sizeof q.ever);
		}
		take_values(&q);
		(void)modbus_driver.settled(q.dr, q.now);
		(void)modbus_driver.due(q.dr);
	}
	struct driver_frame f;
	for (unsigned i = 0; modbus_driver.frame(q.dr, i, &f); i++)
		assert(f.bytes.n <= 260);
	modbus_driver.close(q.dr);
	return 0;
}
