/* Frames by the literal bytes of the MODBUS Application Protocol Specification
 * V1.1b3 (6.3, 6.4, 7) and the Messaging on TCP/IP Implementation Guide V1.0b
 * (4.4.2). */
#include "cm.h"

#include "sim/modbus_server.h"

static struct mb_regs regs;

static void answers(const uint8_t *in, size_t n, const uint8_t *out, size_t n_out)
{
	uint8_t got[MB_FRAME_MAX];
	size_t n_got = 99;
	for (size_t k = 0; k < n; k++) {
		assert_int_equal(mb_answer(&regs, span_of(in, k), got, &n_got), 0);
		assert_int_equal(n_got, 0);
	}
	assert_int_equal(mb_answer(&regs, span_of(in, n), got, &n_got), (long)n);
	assert_int_equal(n_got, n_out);
	assert_memory_equal(got, out, n_out);
}
#define ANSWERS(in, out) answers(in, sizeof in, out, sizeof out)

static void holding(void **state)
{
	(void)state;
	/* Registers 108 to 110: 555, 0, 100. */
	regs = (struct mb_regs){0};
	regs.holding[107] = 555;
	regs.holding[109] = 100;
	static const uint8_t in[] = {0x15, 0x01, 0x00, 0x00, 0x00, 0x06, 0xFF, 0x03, 0x00, 0x6B, 0x00, 0x03};
	static const uint8_t out[] = {0x15, 0x01, 0x00, 0x00, 0x00, 0x09, 0xFF, 0x03, 0x06, 0x02, 0x2B, 0x00, 0x00, 0x00, 0x64};
	ANSWERS(in, out);
	/* The guide's own request: one register, number 5. */
	regs.holding[4] = 0x0005;
	static const uint8_t in2[] = {0x15, 0x01, 0x00, 0x00, 0x00, 0x06, 0xFF, 0x03, 0x00, 0x04, 0x00, 0x01};
	static const uint8_t out2[] = {0x15, 0x01, 0x00, 0x00, 0x00, 0x05, 0xFF, 0x03, 0x02, 0x00, 0x05};
	ANSWERS(in2, out2);
}

static void input(void **state)
{
	(void)state;
	regs = (struct mb_regs){0};
	regs.input[8] = 10; /* input register 9 */
	static const uint8_t in[] = {0x00, 0x07, 0x00, 0x00, 0x00, 0x06, 0x01, 0x04, 0x00, 0x08, 0x00, 0x01};
	static const uint8_t out[] = {0x00, 0x07, 0x00, 0x00, 0x00, 0x05, 0x01, 0x04, 0x02, 0x00, 0x0A};
	ANSWERS(in, out);
}

static void bits(void **state)
{
	(void)state;
	regs = (struct mb_regs){.coils = 0x05, .discrete = 0x02};
	static const uint8_t in[] = {0, 1, 0, 0, 0, 6, 1, 0x01, 0, 0, 0, 10};
	static const uint8_t out[] = {0, 1, 0, 0, 0, 5, 1, 0x01, 2, 0x05, 0x00};
	ANSWERS(in, out);
	static const uint8_t in2[] = {0, 1, 0, 0, 0, 6, 1, 0x02, 0, 1, 0, 1};
	static const uint8_t out2[] = {0, 1, 0, 0, 0, 4, 1, 0x02, 1, 0x01};
	ANSWERS(in2, out2);
}

static void exceptions(void **state)
{
	(void)state;
	regs = (struct mb_regs){.most = 60};
	/* 7: a read of a coil at 0x04A1 that is not there. */
	static const uint8_t coil[] = {0, 2, 0, 0, 0, 6, 1, 0x01, 0x04, 0xA1, 0x00, 0x01};
	static const uint8_t no_address[] = {0, 2, 0, 0, 0, 3, 1, 0x81, 0x02};
	ANSWERS(coil, no_address);
	static const uint8_t writes[] = {0, 3, 0, 0, 0, 6, 1, 0x06, 0, 1, 0, 3};
	static const uint8_t no_function[] = {0, 3, 0, 0, 0, 3, 1, 0x86, 0x01};
	ANSWERS(writes, no_function);
	static const uint8_t none[] = {0, 4, 0, 0, 0, 6, 1, 0x03, 0, 0, 0, 0};
	static const uint8_t no_value[] = {0, 4, 0, 0, 0, 3, 1, 0x83, 0x03};
	ANSWERS(none, no_value);
	static const uint8_t many[] = {0, 4, 0, 0, 0, 6, 1, 0x03, 0, 0, 0, 61}; /* more than this machine takes */
	ANSWERS(many, no_value);
	static const uint8_t last[] = {0, 2, 0, 0, 0, 6, 1, 0x04, 0x01, 0x8F, 0x00, 0x02}; /* 399 is the last */
	static const uint8_t past[] = {0, 2, 0, 0, 0, 3, 1, 0x84, 0x02};
	ANSWERS(last, past);
	static const uint8_t cut[] = {0, 4, 0, 0, 0, 4, 1, 0x03, 0, 0};
	ANSWERS(cut, no_value);
}

static void not_modbus(void **state)
{
	(void)state;
	uint8_t out[MB_FRAME_MAX];
	size_t n;
	static const uint8_t get[] = "GET / HTTP/1.1\r\n";
	assert_int_equal(mb_answer(&regs, span_of(get, 16), out, &n), -1);
	static const uint8_t empty[] = {0, 1, 0, 0, 0, 1, 1};
	assert_int_equal(mb_answer(&regs, span_of(empty, 7), out, &n), -1);
	static const uint8_t longest[] = {0, 1, 0, 0, 1, 0, 1};
	assert_int_equal(mb_answer(&regs, span_of(longest, 7), out, &n), -1);
}

static void two_at_once(void **state)
{
	(void)state;
	regs = (struct mb_regs){0};
	static const uint8_t in[] = {0, 7, 0, 0, 0, 6, 1, 4, 0, 8, 0, 1, 0, 8, 0, 0, 0, 6, 1, 4, 0, 9, 0, 1};
	uint8_t out[MB_FRAME_MAX];
	size_t n;
	assert_int_equal(mb_answer(&regs, span_of(in, sizeof in), out, &n), 12);
	assert_int_equal(out[1], 7);
	assert_int_equal(mb_answer(&regs, span_of(in + 12, 12), out, &n), 12);
	assert_int_equal(out[1], 8);
}

static void orders(void **state)
{
	(void)state;
	/* 0x41BE6666 is 23.8 (IEEE 754). */
	static const uint16_t want[][2] = {{0x41BE, 0x6666}, {0x6666, 0x41BE}, {0xBE41, 0x6666}, {0x6666, 0xBE41}};
	for (unsigned o = 0; o < 4; o++) {
		uint16_t at[2];
		mb_f32(at, 23.8f, (enum mb_order)o);
		assert_int_equal(at[0], want[o][0]);
		assert_int_equal(at[1], want[o][1]);
	}
	uint16_t at[8];
	mb_text(at, 8, "BBM-A-017");
	assert_int_equal(at[0], 'B' << 8 | 'B');
	assert_int_equal(at[4], '7' << 8);
	assert_int_equal(at[7], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(holding), cmocka_unit_test(input), cmocka_unit_test(bits), cmocka_unit_test(exceptions),
		cmocka_unit_test(not_modbus), cmocka_unit_test(two_at_once), cmocka_unit_test(orders)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
