#include "cm.h"
#include "prop.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/num.h"

#define TEXT_MAX 1200u

static bool same_bits(double a, double b) { return memcmp(&a, &b, sizeof a) == 0; }

/* Any text of the grammar reads as the C library reads it (no setlocale here: its point is '.'). */
static bool f64_as_strtod(struct prop *p, void *arg)
{
	(void)arg;
	char text[TEXT_MAX + 1];
	size_t n = 0, whole = 1 + prop_size(p, 30), frac = prop_size(p, prop_below(p, 20) ? 20 : 1000);
	if (prop_bool(p))
		text[n++] = '-';
	prop_text(p, text + n, whole, "0123456789");
	n += whole;
	if (frac) {
		text[n++] = '.';
		prop_text(p, text + n, frac, "0123456789");
		n += frac;
	}
	if (prop_bool(p))
		n += (size_t)snprintf(text + n, TEXT_MAX - n, "e%d", (int)prop_range(p, -400, 400));
	text[n] = '\0';
	prop_note(p, "%s", text);
	double want = strtod(text, NULL), got = 0;
	int err = num_f64(&got, span_of(text, n));
	return isinf(want) ? err == MO_ELIMIT : err == 0 && same_bits(want, got);
}

/* The exact decimal of the middle between two neighbours, the same and a last digit more or less. */
static bool f64_halfway(struct prop *p, void *arg)
{
	(void)arg;
	char text[TEXT_MAX];
	uint64_t bits = prop_u64(p) & UINT64_C(0x7fffffffffffffff);
	double a, b;
	memcpy(&a, &bits, sizeof a);
	if (!(a < 0x1p1000) || a == 0)
		return true;
	b = nextafter(a, (double)INFINITY);
	/* 1 extra bit: exact in x87's long double, elsewhere in quad; %Lf prints it exactly. */
	long double mid = ((long double)a + (long double)b) / 2;
	int n = snprintf(text, sizeof text - 8, "%.*Le", 770, mid);
	char *e = memchr(text, 'e', (size_t)n);
	int nudge = (int)prop_below(p, 3);
	if (nudge == 1) /* a digit far behind */
		e[-1] = '1';
	prop_note(p, "%a: %s", a, text);
	double want = strtod(text, NULL), got = 0;
	return num_f64(&got, span_of(text, (size_t)n)) == 0 && same_bits(want, got);
}

/* Reads back, and no shorter decimal does. */
static bool f64_shortest(struct prop *p, void *arg)
{
	(void)arg;
	char out[32], c[64];
	double v = prop_f64(p), back = 0;
	size_t n = num_format_f64(out, v);
	prop_note(p, "%a %s", v, out);
	if (n != strlen(out) || n > 25 || num_f64(&back, span_of(out, n)) != 0 || !same_bits(v, back) || !same_bits(strtod(out, NULL), v))
		return false;
	int digits = 0, zeros = 0;
	for (const char *s = out; *s && *s != 'e'; s++) {
		if (*s >= '1' && *s <= '9')
			digits += zeros + 1, zeros = 0;
		else if (*s == '0' && digits)
			zeros++;
	}
	if (v == 0)
		return digits == 0;
	/* The nearest decimal with one digit less does not read back. */
	if (digits > 1) {
		snprintf(c, sizeof c, "%.*e", digits - 2, v);
		if (same_bits(strtod(c, NULL), v))
			return false;
	}
	return true;
}

static bool i64_round_trip(struct prop *p, void *arg)
{
	(void)arg;
	char out[24], c[32];
	uint64_t u = prop_u64(p) >> prop_below(p, 64);
	int64_t v = prop_bool(p) ? (int64_t)u : (int64_t)(0 - u), back = 0;
	size_t n = num_format_i64(out, v);
	snprintf(c, sizeof c, "%lld", (long long)v);
	prop_note(p, "%s %s", c, out);
	return strcmp(out, c) == 0 && num_i64(&back, span_of(out, n)) == 0 && back == v;
}

#define PROPERTY(name, runs) \
	static void test_##name(void **state) \
	{ \
		(void)state; \
		assert_int_equal(prop_check(#name, name, NULL, runs), 0); \
	}
PROPERTY(f64_as_strtod, 30000)
PROPERTY(f64_halfway, 10000)
PROPERTY(f64_shortest, 60000)
PROPERTY(i64_round_trip, 10000)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_f64_as_strtod),
		cmocka_unit_test(test_f64_halfway),
		cmocka_unit_test(test_f64_shortest),
		cmocka_unit_test(test_i64_round_trip),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
