#include "cm.h"

#include "base/buf.h"

static void test_appends(void **state)
{
	(void)state;
	struct buf b;
	buf_init(&b, 0);
	assert_int_equal(buf_span(&b).n, 0);
	buf_adds(&b, "ab");
	buf_addc(&b, 'c');
	buf_add(&b, (struct span){0});
	buf_printf(&b, "%03d", 7);
	buf_printf(&b, "%s", "");
	assert_true(span_is(buf_span(&b), "abc007"));
	buf_consume(&b, 2);
	assert_true(span_is(buf_span(&b), "c007"));
	buf_consume(&b, 0);
	buf_consume(&b, 99);
	assert_int_equal(b.n, 0);
	for (int i = 0; i < 10000; i++)
		buf_printf(&b, "%d,", i % 10);
	assert_int_equal(b.n, 20000);
	buf_reset(&b);
	assert_int_equal(b.n, 0);
	assert_true(b.cap >= 20000);
	buf_free(&b);
	buf_free(&b);
	buf_free(NULL);
}

static void test_bytes_on_the_wire(void **state)
{
	(void)state;
	struct buf b;
	buf_init(&b, 0);
	buf_u16(&b, 0x1234);
	buf_u32(&b, 0x89abcdef);
	buf_u64(&b, UINT64_C(0x0102030405060708));
	buf_varint(&b, 0);
	buf_varint(&b, 127);
	buf_varint(&b, 128);
	buf_varint(&b, 300);
	buf_svarint(&b, -1);
	buf_svarint(&b, 1);
	buf_svarint(&b, -64);
	static const uint8_t want[] = {0x34, 0x12, 0xef, 0xcd, 0xab, 0x89, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0x7f, 0x80, 1, 0xac, 2, 1, 2, 0x7f};
	assert_int_equal(b.n, sizeof want);
	assert_memory_equal(b.p, want, sizeof want);
	buf_free(&b);
}

static void test_varint_edges(void **state)
{
	(void)state;
	struct buf b;
	static const int64_t s[] = {INT64_MIN, INT64_MAX, 0, -1};
	buf_init(&b, 0);
	buf_varint(&b, UINT64_MAX);
	assert_int_equal(b.n, 10);
	for (size_t i = 0; i < 4; i++)
		buf_svarint(&b, s[i]);
	struct rd r = rd_of(buf_span(&b));
	assert_true(rd_varint(&r) == UINT64_MAX);
	for (size_t i = 0; i < 4; i++)
		assert_true(rd_svarint(&r) == s[i]);
	assert_true(r.ok);
	buf_free(&b);

	static const uint8_t too_big[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2};
	static const uint8_t endless[] = {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0};
	static const uint8_t cut[] = {0x80};
	r = rd_of(span_of(too_big, sizeof too_big));
	assert_int_equal(rd_varint(&r), 0);
	assert_false(r.ok);
	r = rd_of(span_of(endless, sizeof endless));
	assert_int_equal(rd_varint(&r), 0);
	assert_false(r.ok);
	r = rd_of(span_of(cut, sizeof cut));
	assert_int_equal(rd_varint(&r), 0);
	assert_false(r.ok);
}

static void test_short_reads_stick(void **state)
{
	(void)state;
	struct rd r = rd_of(SPAN_LIT("\1\2\3"));
	assert_int_equal(rd_u16(&r), 0x0201);
	assert_int_equal(rd_u32(&r), 0);
	assert_false(r.ok);
	assert_int_equal(rd_u8(&r), 0);
	assert_int_equal(rd_left(&r), 0);
	assert_int_equal(rd_bytes(&r, 0).n, 0);
	r = rd_of((struct span){0});
	assert_int_equal(rd_bytes(&r, 0).n, 0);
	assert_true(r.ok);
	assert_int_equal(rd_bytes(&r, SIZE_MAX).n, 0);
	assert_false(r.ok);
}

static void test_limit_sticks(void **state)
{
	(void)state;
	struct buf b;
	buf_init(&b, 5);
	buf_printf(&b, "%s", "12345"); /* exactly the limit: the NUL counts nothing */
	assert_int_equal(b.err, 0);
	buf_addc(&b, 'x');
	assert_int_equal(b.err, MO_ELIMIT);
	buf_consume(&b, 5);
	buf_addc(&b, 'x');
	buf_printf(&b, "x");
	assert_int_equal(b.n, 0);
	buf_reset(&b);
	buf_addc(&b, 'x');
	assert_int_equal(b.n, 1);
	assert_null(buf_reserve(&b, SIZE_MAX));
	assert_int_equal(b.err, MO_ELIMIT);
	buf_free(&b);
	buf_init(&b, 0);
	assert_non_null(buf_reserve(&b, 0));
	assert_null(buf_reserve(&b, SIZE_MAX / 2 + 1));
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_appends),
		cmocka_unit_test(test_bytes_on_the_wire),
		cmocka_unit_test(test_varint_edges),
		cmocka_unit_test(test_short_reads_stick),
		cmocka_unit_test(test_limit_sticks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
