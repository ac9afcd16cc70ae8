#include "cm.h"

#include "base/crc32c.h"

static void both(struct span s, uint32_t want)
{
	assert_int_equal(crc32c(0, s), want);
	assert_int_equal(crc32c_table(0, s), want);
}

/* RFC 3720, B.4; there the bytes of the CRC are listed lowest first. */
static void test_rfc3720(void **state)
{
	(void)state;
	uint8_t b[32];
	memset(b, 0, sizeof b);
	both(span_of(b, sizeof b), 0x8A9136AA);
	memset(b, 0xff, sizeof b);
	both(span_of(b, sizeof b), 0x62A8AB43);
	for (unsigned i = 0; i < sizeof b; i++)
		b[i] = (uint8_t)i;
	both(span_of(b, sizeof b), 0x46DD794E);
	for (unsigned i = 0; i < sizeof b; i++)
		b[i] = (uint8_t)(31 - i);
	both(span_of(b, sizeof b), 0x113FDB5C);
	static const uint8_t read_pdu[48] = {[0] = 0x01, 0xc0, [16] = 0x14, [22] = 0x04, [27] = 0x14, [31] = 0x18, [32] = 0x28, [40] = 0x02};
	both(span_of(read_pdu, sizeof read_pdu), 0xD9963A56);
	both(SPAN_LIT("123456789"), 0xE3069283);
	both((struct span){0}, 0);
}

/* Lengths around the lanes of the fast variant, at every alignment. */
static void test_long_and_odd(void **state)
{
	(void)state;
	static uint8_t b[4 * 3072 + 16];
	for (size_t i = 0; i < sizeof b; i++)
		b[i] = (uint8_t)(i * 31 + (i >> 8));
	static const size_t lengths[] = {1, 7, 8, 9, 3071, 3072, 3073, 3079, 3080, 6144, 9000, 12288};
	for (size_t at = 0; at < 8; at++)
		for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
			struct span s = span_of(b + at, lengths[i]);
			uint32_t whole = crc32c_table(0, s);
			assert_int_equal(crc32c(0, s), whole);
			size_t cut = s.n / 3;
			assert_int_equal(crc32c(crc32c(0, span_sub(s, 0, cut)), span_sub(s, cut, s.n)), whole);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc3720),
		cmocka_unit_test(test_long_and_odd),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
