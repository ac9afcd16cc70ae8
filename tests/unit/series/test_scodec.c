#include "cm.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/civil.h"
#include "base/prng.h"
#include "series/priv/format.h"
#include "series/priv/scodec.h"
#include "series/series.h"

#define N 700u

static struct buf out;
static uint64_t scratch[N];

static uint8_t put_u64(const uint64_t *x, size_t n, bool times)
{
	uint64_t back[N];
	buf_reset(&out);
	uint8_t codec = scodec_put_u64(&out, x, n, times);
	assert_int_equal(out.err, 0);
	assert_int_equal(scodec_get_u64(back, n, codec, buf_span(&out)), 0);
	assert_memory_equal(back, x, n * 8);
	return codec;
}

static uint8_t put_f64(const double *x, size_t n)
{
	double back[N];
	buf_reset(&out);
	uint8_t codec = scodec_put_f64(&out, x, n, scratch);
	assert_int_equal(out.err, 0);
	assert_int_equal(scodec_get_f64(back, n, codec, buf_span(&out)), 0);
	assert_memory_equal(back, x, n * 8);
	return codec;
}

static void test_times(void **state)
{
	(void)state;
	uint64_t x[N];
	for (size_t i = 0; i < N; i++)
		x[i] = UINT64_C(1700000000000000000) + i * (uint64_t)NS_PER_S;
	assert_int_equal(put_u64(x, N, true), SCODEC_DELTA);
	assert_int_equal(out.n, PACKED_HEAD); /* a steady clock costs nothing a point */
	for (size_t i = 0; i < N; i++)
		x[i] += i % 5 * (uint64_t)NS_PER_MS;
	assert_int_equal(put_u64(x, N, true), SCODEC_DELTA);
	assert_true(out.n < PACKED_HEAD + N * 2);
}

/* Every width, every length around the ends of words; values of both signs and the extremes. */
static void test_widths(void **state)
{
	(void)state;
	struct prng r;
	prng_seed(&r, 4);
	for (unsigned w = 0; w <= 64; w++)
		for (size_t n = 1; n < 40; n++) {
			uint64_t x[N];
			for (size_t i = 0; i < n; i++)
				x[i] = (w ? prng_u64(&r) >> (64 - w) : 0) - (w % 3 ? UINT64_C(1) << 62 : 5);
			put_u64(x, n, false);
			for (size_t i = 1; i < n; i++)
				x[i] += x[i - 1];
			put_u64(x, n, true);
		}
	uint64_t ends[] = {0, UINT64_MAX, (uint64_t)INT64_MIN, INT64_MAX, 1};
	put_u64(ends, 5, true);
}

static void test_literal(void **state)
{
	(void)state;
	/* 10, 12, 15, 17: differences 2, 3, 2 as one bit each over 2: order 1, width 1, x0 = 10, m = 2, bits 010. */
	static const uint8_t packed[PACKED_HEAD + 1] = {
	        1, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 2};
	uint64_t x[5];
	double f[4];
	assert_int_equal(scodec_get_u64(x, 4, SCODEC_DELTA, span_of(packed, sizeof packed)), 0);
	assert_int_equal(x[0], 10);
	assert_int_equal(x[1], 12);
	assert_int_equal(x[2], 15);
	assert_int_equal(x[3], 17);
	uint8_t decimal[sizeof packed];
	memcpy(decimal, packed, sizeof packed);
	decimal[2] = 1;
	assert_int_equal(scodec_get_f64(f, 4, SCODEC_DELTA, span_of(decimal, sizeof decimal)), 0);
	assert_true(f[0] == 1.0 && f[1] == 1.2 && f[2] == 1.5 && f[3] == 1.7);
	assert_int_equal(scodec_get_u64(x, 4, SCODEC_DELTA, span_of(decimal, sizeof decimal)), MO_ECORRUPT); /* decimals are of f64 only */
	assert_int_equal(scodec_get_u64(x, 5, SCODEC_DELTA, span_of(packed, sizeof packed)), 0);
	assert_int_equal(scodec_get_u64(x, 4, SCODEC_DELTA, span_of(packed, sizeof packed - 1)), MO_ECORRUPT);
	assert_int_equal(scodec_get_u64(x, 4, 2, span_of(packed, sizeof packed)), MO_EVERSION);
}

static void test_doubles(void **state)
{
	(void)state;
	double x[N];
	struct prng r;
	prng_seed(&r, 1);
	for (size_t i = 0; i < N; i++)
		x[i] = (double)(i * 7 % 300) / 10;
	assert_int_equal(put_f64(x, N), SCODEC_DELTA);
	assert_true(out.n < N * 2);
	x[5] = -0.0; /* has no whole number that gives it back */
	assert_int_equal(put_f64(x, N), SCODEC_RAW);
	x[5] = NAN;
	assert_int_equal(put_f64(x, N), SCODEC_RAW);
	x[5] = INFINITY;
	assert_int_equal(put_f64(x, N), SCODEC_RAW);
	x[5] = 1e300;
	assert_int_equal(put_f64(x, N), SCODEC_RAW);
	for (size_t i = 0; i < N; i++)
		x[i] = prng_unit(&r);
	assert_int_equal(put_f64(x, N), SCODEC_RAW);
	/* Decimals of any number of places: whatever is chosen, every bit comes back. */
	for (int e = 0; e < 18; e++)
		for (int k = 0; k < 200; k++) {
			double p = pow(10, e);
			for (size_t i = 0; i < 20; i++)
				x[i] = (double)(int64_t)(prng_unit(&r) * 1e9) / p * (i % 2 ? -1 : 1);
			put_f64(x, 20);
		}
}

static void test_others(void **state)
{
	(void)state;
	uint8_t b[N], back[N];
	for (size_t i = 0; i < N; i++)
		b[i] = i / 9 % 2;
	buf_reset(&out);
	assert_int_equal(scodec_put_bool(&out, b, N, scratch), SCODEC_DELTA);
	assert_int_equal(scodec_get_bool(back, N, SCODEC_DELTA, buf_span(&out), scratch), 0);
	assert_memory_equal(b, back, N);
	uint8_t two[] = {0, 1, 2};
	assert_int_equal(scodec_get_bool(back, 3, SCODEC_RAW, span_of(two, 3), scratch), MO_ECORRUPT);

	struct span s[3] = {SPAN_LIT("가나"), SPAN_LIT(""), SPAN_LIT("x")}, t[3];
	buf_reset(&out);
	assert_int_equal(scodec_put_str(&out, s, 3, scratch), SCODEC_RAW);
	assert_int_equal(scodec_get_str(t, 3, SCODEC_RAW, buf_span(&out), scratch), 0);
	for (int i = 0; i < 3; i++)
		assert_true(span_eq(s[i], t[i]));
	assert_int_equal(scodec_get_str(t, 3, SCODEC_RAW, span_sub(buf_span(&out), 0, out.n - 1), scratch), MO_ECORRUPT);

	memset(b, Q_GOOD, N);
	buf_reset(&out);
	scodec_put_quality(&out, b, N);
	assert_int_equal(out.n, 0);
	memset(b + 100, Q_BAD, 50);
	assert_int_equal(scodec_put_quality(&out, b, N), SCODEC_DELTA);
	assert_int_equal(out.n, 3 * RUN_Q_BYTES);
	assert_int_equal(scodec_get_quality(back, N, SCODEC_DELTA, buf_span(&out)), 0);
	assert_memory_equal(b, back, N);
	out.p[0] = 1; /* the first run must begin at 0 */
	assert_int_equal(scodec_get_quality(back, N, SCODEC_DELTA, buf_span(&out)), MO_ECORRUPT);
	for (size_t i = 0; i < N; i++)
		b[i] = (uint8_t)i;
	buf_reset(&out);
	assert_int_equal(scodec_put_quality(&out, b, N), SCODEC_RAW);
}

static uint8_t put_str(const struct span *s, size_t n)
{
	struct span back[N];
	buf_reset(&out);
	uint8_t codec = scodec_put_str(&out, s, n, scratch);
	assert_int_equal(out.err, 0);
	assert_int_equal(scodec_get_str(back, n, codec, buf_span(&out), scratch), 0);
	for (size_t i = 0; i < n; i++)
		assert_true(span_eq(s[i], back[i]));
	return codec;
}

static void test_text_table(void **state)
{
	(void)state;
	static const char *const words[] = {"가동", "", "정지", "BBM-A-0172"};
	static char text[N][8];
	struct span s[N], back[N];
	for (size_t i = 0; i < N; i++)
		s[i] = span_str(words[i / 13 % 4]);
	assert_int_equal(put_str(s, N), SCODEC_TABLE);
	assert_int_equal(out.n, 4 + 4 * 4 + 6 + 6 + 10 + PACKED_HEAD + (N * 2 + 7) / 8); /* two bits a point */
	/* Every number of different texts: up to TEXT_TABLE_MAX a table, raw past it. */
	for (size_t k = 1; k <= N; k += k == TEXT_TABLE_MAX - 1 || k == TEXT_TABLE_MAX ? 1 : 17) {
		for (size_t i = 0; i < N; i++) {
			snprintf(text[i], sizeof text[i], "lot%04zu", i % k);
			s[i] = span_str(text[i]);
		}
		assert_int_equal(put_str(s, N), k <= TEXT_TABLE_MAX ? SCODEC_TABLE : SCODEC_RAW);
	}
	for (size_t i = 0; i < N; i++)
		s[i] = span_str(words[i % 3]);
	assert_int_equal(put_str(s, N), SCODEC_TABLE);
	/* Every cut is told, and a number past the table. */
	for (size_t n = 0; n < out.n; n++)
		assert_int_equal(scodec_get_str(back, N, SCODEC_TABLE, span_sub(buf_span(&out), 0, n), scratch), MO_ECORRUPT);
	out.p[out.n - 1] |= 0xc0; /* the last of 700 two-bit numbers: 3 of 3 */
	assert_int_equal(scodec_get_str(back, N, SCODEC_TABLE, buf_span(&out), scratch), MO_ECORRUPT);
	memset(out.p, 0, 4);
	assert_int_equal(scodec_get_str(back, N, SCODEC_TABLE, buf_span(&out), scratch), MO_ECORRUPT);
	st32(out.p, TEXT_TABLE_MAX + 1);
	assert_int_equal(scodec_get_str(back, N, SCODEC_TABLE, buf_span(&out), scratch), MO_ECORRUPT);
	assert_int_equal(scodec_get_str(back, N, SCODEC_DELTA, buf_span(&out), scratch), MO_EVERSION);
}

static void test_arrivals(void **state)
{
	(void)state;
	int64_t t[N], a[N], back[N];
	for (size_t i = 0; i < N; i++) {
		t[i] = (int64_t)i * 77;
		a[i] = i < 200 ? t[i] + 5 : i < 500 ? 1000000 : t[i] - 3;
	}
	buf_reset(&out);
	assert_int_equal(scodec_put_arrival(&out, t, a, N), SCODEC_DELTA);
	assert_int_equal(out.n, 3 * RUN_ARR_BYTES);
	assert_int_equal(scodec_get_arrival(back, t, N, SCODEC_DELTA, buf_span(&out)), 0);
	assert_memory_equal(a, back, sizeof a);
	buf_reset(&out);
	scodec_put_arrival(&out, t, t, N);
	assert_int_equal(out.n, 0);
	for (size_t i = 0; i < N; i++)
		a[i] = (int64_t)(i * i * i);
	assert_int_equal(scodec_put_arrival(&out, t, a, N), SCODEC_RAW);
	assert_int_equal(scodec_get_arrival(back, t, N, SCODEC_RAW, buf_span(&out)), 0);
	assert_memory_equal(a, back, sizeof a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_times), cmocka_unit_test(test_widths), cmocka_unit_test(test_literal),
	        cmocka_unit_test(test_doubles), cmocka_unit_test(test_others), cmocka_unit_test(test_text_table),
	        cmocka_unit_test(test_arrivals)};
	buf_init(&out, 0);
	int r = cmocka_run_group_tests(tests, NULL, NULL);
	buf_free(&out);
	return r;
}
