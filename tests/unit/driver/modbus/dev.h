/* A driver and a device made of literal bytes: what the tests of the client
 * say to it and expect from it. */
#ifndef MO_TESTS_MODBUS_DEV_H
#define MO_TESTS_MODBUS_DEV_H

#include "cm.h"

#include "base/civil.h"
#include "driver/modbus/modbus.h"

#define OPS modbus_driver
#define S_NS NS_PER_S
#define MS_NS NS_PER_MS

struct dev {
	struct driver *dr;
	struct driver_now now;
	struct diag d;
};

static inline void dev_open(struct dev *v, const char *json)
{
	*v = (struct dev){.now = {.node_ns = INT64_C(1700000000) * S_NS, .mono_ns = 1000 * S_NS}};
	int err = OPS.open(&v->dr, span_str(json), &v->d);
	if (err)
		fail_msg("open: %d, field '%s', value '%s', expected '%s'", err, v->d.field, v->d.value, v->d.expected);
}
static inline void dev_close(struct dev *v)
{
	OPS.close(v->dr);
}

static inline void dev_connect(struct dev *v)
{
	assert_true(OPS.wants_connection(v->dr, v->now));
	assert_int_equal(OPS.tick(v->dr, v->now, &v->d), 0);
	assert_int_equal(OPS.state(v->dr), DRIVER_CONNECTING);
	OPS.connected(v->dr, v->now);
	assert_int_equal(OPS.state(v->dr), DRIVER_ONLINE);
}
/* Both clocks go on. */
static inline void dev_wait(struct dev *v, int64_t ns)
{
	v->now.node_ns += ns;
	v->now.mono_ns += ns;
}
static inline int dev_tick(struct dev *v)
{
	return OPS.tick(v->dr, v->now, &v->d);
}

/* The next request is this PDU (function, address, quantity); gives its transaction. It is taken as sent. */
static inline uint16_t dev_asked(struct dev *v, unsigned function, unsigned address, unsigned quantity)
{
	struct span out = OPS.output(v->dr);
	assert_int_equal(out.n, 12);
	const uint8_t *p = out.p;
	if (p[7] != function || (p[8] << 8 | p[9]) != (int)address || (p[10] << 8 | p[11]) != (int)quantity)
		fail_msg("asked %d %d +%d, expected %u %u +%u", p[7], p[8] << 8 | p[9], p[10] << 8 | p[11], function, address, quantity);
	assert_memory_equal(p + 2, "\0\0\0\6", 4);
	uint16_t transaction = (uint16_t)(p[0] << 8 | p[1]);
	OPS.sent(v->dr, v->now, out.n);
	assert_int_equal(OPS.output(v->dr).n, 0);
	return transaction;
}
static inline void dev_silent(struct dev *v)
{
	assert_int_equal(OPS.output(v->dr).n, 0);
}

/* An answer frame of unit 1: transaction, then the PDU's bytes. */
static inline size_t dev_frame(uint8_t out[260], uint16_t transaction, const void *pdu, size_t n)
{
	assert_true(n <= 253);
	memcpy(out, (uint8_t[]){(uint8_t)(transaction >> 8), (uint8_t)transaction, 0, 0, 0, (uint8_t)(n + 1), 1}, 7);
	memcpy(out + 7, pdu, n);
	return n + 7;
}
static inline int dev_answer(struct dev *v, uint16_t transaction, const void *pdu, size_t n)
{
	uint8_t frame[260];
	size_t size = dev_frame(frame, transaction, pdu, n);
	return OPS.input(v->dr, v->now, span_of(frame, size), &v->d);
}
#define DEV_ANSWER(v, transaction, pdu) assert_int_equal(dev_answer(v, transaction, pdu, sizeof(pdu) - 1), 0)

static inline struct driver_value dev_value(struct dev *v, const char *name, uint8_t quality)
{
	struct driver_value x;
	size_t n;
	if (!OPS.next_value(v->dr, &x))
		fail_msg("no value, expected one of %s", name);
	const struct driver_signal *s = OPS.signals(v->dr, &n);
	assert_true(x.signal < n);
	assert_string_equal(s[x.signal].name, name);
	assert_int_equal(x.type, s[x.signal].type);
	assert_int_equal(x.quality, quality);
	assert_true(x.t_ns == v->now.node_ns);
	assert_int_equal(x.seq != 0, s[x.signal].per_cycle);
	return x;
}
static inline void dev_i64(struct dev *v, const char *name, int64_t want)
{
	struct driver_value x = dev_value(v, name, DQ_GOOD);
	assert_true(x.i64 == want);
}
static inline void dev_no_value(struct dev *v)
{
	struct driver_value x;
	if (OPS.next_value(v->dr, &x))
		fail_msg("unexpected value of signal %u, quality %u", x.signal, x.quality);
}
static inline bool dev_settled(const struct dev *v)
{
	return OPS.settled(v->dr, v->now);
}
static inline enum mo_msg dev_trouble(const struct dev *v)
{
	return OPS.trouble(v->dr)->msg;
}

#endif
