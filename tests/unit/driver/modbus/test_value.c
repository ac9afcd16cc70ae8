/* Every type in every order, from literal register bytes. */
#include "cm.h"

#include <math.h>

#include "driver/modbus/priv/value.h"

struct order {
	const char *name;
	bool words, bytes;
};
static const struct order orders[] = {{"ABCD", false, false}, {"CDAB", true, false}, {"BADC", false, true}, {"DCBA", true, true}};

static struct modbus_item item(enum modbus_type type, uint16_t length, const struct order *o)
{
	return (struct modbus_item){.table = MODBUS_HOLDING,
	        .type = type,
	        .length = length,
	        .swap_words = o->words,
	        .swap_bytes = o->bytes,
	        .scale = 1,
	        .min = -(double)INFINITY,
	        .max = (double)INFINITY};
}

static struct driver_value read_item(const struct modbus_item *it, const void *bytes)
{
	static char text[MODBUS_STRING_MAX];
	struct driver_value v = {0};
	modbus_value_registers(&v, it, bytes, text);
	return v;
}

static void test_16(void **state)
{
	(void)state;
	struct modbus_item it = item(MODBUS_U16, 1, &orders[0]);
	struct driver_value v = read_item(&it, "\xff\xfe");
	assert_int_equal(v.type, DV_I64);
	assert_int_equal(v.i64, 65534);
	assert_int_equal(v.quality, DQ_GOOD);
	it.swap_bytes = true;
	assert_int_equal(read_item(&it, "\xff\xfe").i64, 0xfeff);
	it = item(MODBUS_I16, 1, &orders[0]);
	assert_int_equal(read_item(&it, "\xff\xfe").i64, -2);
	assert_int_equal(read_item(&it, "\x80\x00").i64, -32768);
	it.swap_bytes = true;
	assert_int_equal(read_item(&it, "\xfe\xff").i64, -2);
}

static void test_32(void **state)
{
	(void)state;
	/* 0x0A0B0C0D as it comes in each order */
	static const char *const bytes[] = {"\x0a\x0b\x0c\x0d", "\x0c\x0d\x0a\x0b", "\x0b\x0a\x0d\x0c", "\x0d\x0c\x0b\x0a"};
	/* -2 and 12.5 (0x41480000) */
	static const char *const minus[] = {"\xff\xff\xff\xfe", "\xff\xfe\xff\xff", "\xff\xff\xfe\xff", "\xfe\xff\xff\xff"};
	static const char *const real[] = {"\x41\x48\0\0", "\0\0\x41\x48", "\x48\x41\0\0", "\0\0\x48\x41"};
	for (size_t i = 0; i < 4; i++) {
		struct modbus_item it = item(MODBUS_U32, 2, &orders[i]);
		assert_int_equal(read_item(&it, bytes[i]).i64, 0x0a0b0c0d);
		it.type = MODBUS_I32;
		assert_int_equal(read_item(&it, minus[i]).i64, -2);
		it.type = MODBUS_U32;
		assert_int_equal(read_item(&it, minus[i]).i64, 4294967294);
		it.type = MODBUS_F32;
		struct driver_value v = read_item(&it, real[i]);
		assert_int_equal(v.type, DV_F64);
		assert_true(v.f64 == 12.5);
	}
}

static void test_64(void **state)
{
	(void)state;
	/* 0x0102030405060708 */
	static const char *const bytes[] = {"\1\2\3\4\5\6\7\x08", "\7\x08\5\6\3\4\1\2", "\2\1\4\3\6\5\x08\7", "\x08\7\6\5\4\3\2\1"};
	/* 1.5 = 0x3FF8000000000000 */
	static const char *const real[] = {"\x3f\xf8\0\0\0\0\0\0", "\0\0\0\0\0\0\x3f\xf8", "\xf8\x3f\0\0\0\0\0\0", "\0\0\0\0\0\0\xf8\x3f"};
	for (size_t i = 0; i < 4; i++) {
		struct modbus_item it = item(MODBUS_U64, 4, &orders[i]);
		assert_true(read_item(&it, bytes[i]).i64 == INT64_C(0x0102030405060708));
		it.type = MODBUS_I64;
		assert_true(read_item(&it, bytes[i]).i64 == INT64_C(0x0102030405060708));
		it.type = MODBUS_F64;
		assert_true(read_item(&it, real[i]).f64 == 1.5);
	}
	struct modbus_item it = item(MODBUS_I64, 4, &orders[0]);
	assert_true(read_item(&it, "\xff\xff\xff\xff\xff\xff\xff\xfb").i64 == -5);
	/* A u64 that int64 cannot hold is the largest and out of range, never negative. */
	it.type = MODBUS_U64;
	struct driver_value v = read_item(&it, "\x80\0\0\0\0\0\0\0");
	assert_true(v.i64 == INT64_MAX);
	assert_int_equal(v.quality, DQ_RANGE);
	it.scaled = true;
	v = read_item(&it, "\x80\0\0\0\0\0\0\0");
	assert_true(v.f64 == 9223372036854775808.0);
	assert_int_equal(v.quality, DQ_GOOD);
}

static void test_bits(void **state)
{
	(void)state;
	struct modbus_item it = item(MODBUS_BIT, 1, &orders[0]);
	for (unsigned bit = 0; bit < 16; bit++) {
		it.bit = (uint8_t)bit;
		struct driver_value v = read_item(&it, "\x80\x09");
		assert_int_equal(v.type, DV_BOOL);
		assert_int_equal(v.b, bit == 0 || bit == 3 || bit == 15);
	}
	it.swap_bytes = true;
	it.bit = 7;
	assert_int_equal(read_item(&it, "\x80\x09").b, 1);
	/* V1.1b3, 6.1: coils 20-38 are CD 6B 05: 27-20 are on on off off on on off on */
	static const uint8_t on[] = {1, 0, 1, 1, 0, 0, 1, 1, 1, 1, 0, 1, 0, 1, 1, 0, 1, 0, 1};
	for (unsigned i = 0; i < sizeof on; i++) {
		struct driver_value v = {0};
		modbus_value_bit(&v, (const uint8_t *)"\xcd\x6b\x05", i);
		assert_int_equal(v.type, DV_BOOL);
		assert_int_equal(v.b, on[i]);
	}
}

static void test_string(void **state)
{
	(void)state;
	struct modbus_item it = item(MODBUS_STRING, 4, &orders[0]);
	static const struct {
		const char *bytes, *want;
		enum driver_quality q;
		bool swap;
	} rows[] = {
	        {"BBM-A-01", "BBM-A-01", DQ_GOOD, false},
	        {"BB-A-01\0", "BB-A-01", DQ_GOOD, false},
	        {"AB \0 \0\0 ", "AB", DQ_GOOD, false},
	        {"        ", "", DQ_GOOD, false},
	        {"\0\0\0\0\0\0\0\0", "", DQ_GOOD, false},
	        {" A B    ", " A B", DQ_GOOD, false},
	        {"A\0B     ", "A?B", DQ_RANGE, false},
	        {"\xb9\xe8"
	         "1     ",
	                "??1", DQ_RANGE, false},
	        {"BB-M-A10", "BBM-A-01", DQ_GOOD, true},
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		it.swap_bytes = rows[i].swap;
		struct driver_value v = read_item(&it, rows[i].bytes);
		assert_int_equal(v.type, DV_STR);
		assert_int_equal(v.str.n, strlen(rows[i].want));
		assert_memory_equal(v.str.p, rows[i].want, v.str.n);
		assert_int_equal(v.quality, rows[i].q);
	}
}

static void test_scale_range(void **state)
{
	(void)state;
	struct modbus_item it = item(MODBUS_I16, 1, &orders[0]);
	it.scaled = true;
	modbus_item_scale(&it, 0.5, -10);
	it.min = -10.5;
	it.max = 90;
	struct driver_value v = read_item(&it, "\0\xc8");
	assert_int_equal(v.type, DV_F64);
	assert_true(v.f64 == 90);
	assert_int_equal(v.quality, DQ_GOOD);
	v = read_item(&it, "\0\xc9");
	assert_true(v.f64 == 90.5);
	assert_int_equal(v.quality, DQ_RANGE);
	assert_int_equal(read_item(&it, "\xff\xff").quality, DQ_GOOD);
	v = read_item(&it, "\xff\xfe");
	assert_true(v.f64 == -11);
	assert_int_equal(v.quality, DQ_RANGE);

	it = item(MODBUS_U16, 1, &orders[0]);
	it.min = 1;
	it.max = 400;
	assert_int_equal(read_item(&it, "\0\0").quality, DQ_RANGE);
	assert_int_equal(read_item(&it, "\0\1").quality, DQ_GOOD);
	assert_int_equal(read_item(&it, "\1\x90").quality, DQ_GOOD);
	assert_int_equal(read_item(&it, "\1\x91").quality, DQ_RANGE);

	it = item(MODBUS_F32, 2, &orders[0]);
	v = read_item(&it, "\x7f\xc0\0\0");
	assert_true(isnan(v.f64));
	assert_int_equal(v.quality, DQ_RANGE);
	assert_int_equal(read_item(&it, "\x7f\x80\0\0").quality, DQ_RANGE);
	assert_int_equal(read_item(&it, "\xff\x80\0\0").quality, DQ_RANGE);
	assert_int_equal(read_item(&it, "\x7f\x7f\xff\xff").quality, DQ_GOOD);
}

/* As a person reckons, in decimals. */
static void test_scale_decimal(void **state)
{
	(void)state;
	static const struct {
		double scale, offset;
		const char *bytes; /* i32 */
		double want;
	} rows[] = {
	        {0.1, 0, "\0\0\x03\xb7", 95.1},               /* 951 * 0.1 is 95.10000000000001 in binary */
	        {0.1, 0, "\0\0\0\3", 0.3},
	        {-0.1, 0, "\0\0\0\3", -0.3},
	        {0.1, 0, "\xff\xff\xff\xfd", -0.3},
	        {0.01, 0, "\0\0\0\x23", 0.35},
	        {0.001, 0, "\0\0\x22\xe1", 8.929},
	        {0.05, 0, "\0\0\0\3", 0.15},
	        {0.3, 0, "\0\0\0\3", 0.9},
	        {1.8, 32, "\0\0\0\x15", 69.8},                /* °C to °F */
	        {0.1, -273.15, "\0\0\x0b\xa6", 25.05},        /* 298.2 K */
	        {1, 0.1, "\0\0\0\0", 0.1},
	        {0.1, 0.2, "\0\0\0\1", 0.3},
	        {1e-9, 0, "\0\0\0\3", 3e-9},
	        {2500, 0, "\0\0\0\3", 7500},
	        {0.1, 0, "\x7f\xff\xff\xff", 214748364.7},
	        {1e-300, 0, "\0\0\0\3", 3 * 1e-300},         /* no power of ten that is kept makes it whole */
	        {1 / 3.0, 0, "\0\0\0\7", 7 * (1 / 3.0)},
	        {0.1, 1e300, "\0\0\0\1", 1e300},
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct modbus_item it = item(MODBUS_I32, 2, &orders[0]);
		it.scaled = true;
		modbus_item_scale(&it, rows[i].scale, rows[i].offset);
		struct driver_value v = read_item(&it, rows[i].bytes);
		if (v.type != DV_F64 || v.f64 != rows[i].want)
			fail_msg("row %zu: %.17g, not %.17g", i, v.f64, rows[i].want);
	}
	/* Past 2^53 there is nothing to be exact about; a NaN stays one. */
	struct modbus_item it = item(MODBUS_U64, 4, &orders[0]);
	it.scaled = true;
	modbus_item_scale(&it, 0.3, 0);
	assert_true(read_item(&it, "\xff\xff\xff\xff\xff\xff\xff\xff").f64 == 18446744073709551615.0 * 0.3);
	it = item(MODBUS_F32, 2, &orders[0]);
	it.scaled = true;
	modbus_item_scale(&it, 0.1, 0);
	assert_true(isnan(read_item(&it, "\x7f\xc0\0\0").f64));
	assert_true(read_item(&it, "\x44\x6d\xc0\0").f64 == 95.1); /* 951.0f */
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_16), cmocka_unit_test(test_32), cmocka_unit_test(test_64),
	        cmocka_unit_test(test_bits), cmocka_unit_test(test_string), cmocka_unit_test(test_scale_range),
	        cmocka_unit_test(test_scale_decimal)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
