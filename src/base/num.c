/* Reading: up to 19 digits times a power of ten up to 27 either way is exact
 * in 128-bit integers (5^27 < 2^63); a double suffices below 2^53 and 10^22
 * (W. Clinger 1990); the rest goes through integers of bounded length.
 * Writing: Schubfach, the shortest digits by three 128-bit products. */
#include "base/num.h"
#include "base/priv/pow10.h"

#include <math.h>

int num_u64(uint64_t *ret, struct span s)
{
	bool minus = s.n && s.p[0] == '-';
	if (s.n && (s.p[0] == '-' || s.p[0] == '+'))
		s = span_sub(s, 1, s.n);
	if (s.n == 0)
		return MO_EINVAL;
	uint64_t v = 0;
	bool over = false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned d = (unsigned)s.p[i] - '0';
		if (d > 9)
			return MO_EINVAL;
		over = over || __builtin_mul_overflow(v, (uint64_t)10, &v) || __builtin_add_overflow(v, (uint64_t)d, &v);
	}
	if (over || (minus && v))
		return MO_ELIMIT;
	*ret = v;
	return 0;
}

int num_i64(int64_t *ret, struct span s)
{
	bool minus = s.n && s.p[0] == '-';
	if (s.n && (s.p[0] == '-' || s.p[0] == '+')) {
		s = span_sub(s, 1, s.n);
		if (s.n && (s.p[0] == '-' || s.p[0] == '+'))
			return MO_EINVAL;
	}
	uint64_t v;
	int err = num_u64(&v, s);
	if (err)
		return err;
	if (v > (uint64_t)INT64_MAX + minus)
		return MO_ELIMIT;
	*ret = minus ? (int64_t)(0 - v) : (int64_t)v;
	return 0;
}

/* --- decimal to double --- */

#define DIGITS_EXACT 19   /* always fit 64 bits */
#define DIGITS_MAX 768    /* no halfway point between two doubles has more */
#define POW5_MAX 27

__extension__ typedef unsigned __int128 u128;

static const uint64_t pow5[POW5_MAX + 1] = {1u, 5u, 25u, 125u, 625u, 3125u, 15625u, 78125u, 390625u, 1953125u, 9765625u, 48828125u,
	244140625u, 1220703125u, 6103515625u, 30517578125u, 152587890625u, 762939453125u, 3814697265625u, 19073486328125u, 95367431640625u,
	476837158203125u, 2384185791015625u, 11920928955078125u, 59604644775390625u, 298023223876953125u, 1490116119384765625u,
	7450580596923828125u};
static const double pow10d[] = {
	1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* m * 2^e, a little more when sticky, to the nearest double (half to even); bit 63 of m is set. Infinite when too large. */
static double assemble(uint64_t m, int64_t e, bool sticky)
{
	int64_t unbiased = e + 63;
	if (unbiased > 1023)
		return (double)INFINITY;
	/* 53 bits stay, fewer below the normal range. */
	int64_t drop = unbiased >= -1022 ? 11 : 11 + (-1022 - unbiased);
	if (drop > 64)
		return 0;
	uint64_t keep = drop == 64 ? 0 : m >> drop;
	uint64_t rest = drop == 64 ? m : m & ((UINT64_C(1) << drop) - 1);
	uint64_t half = UINT64_C(1) << (drop - 1);
	if (rest > half || (rest == half && (sticky || (keep & 1))))
		keep++;
	/* A carry out of the fraction moves into the exponent, which is just right, up to infinity. */
	uint64_t bits = unbiased >= -1022 ? ((uint64_t)(unbiased + 1022) << 52) + keep : keep;
	double v;
	memcpy(&v, &bits, sizeof v);
	return v;
}

static double assemble128(u128 m, int64_t e, bool sticky)
{
	uint64_t hi = (uint64_t)(m >> 64);
	int shift = hi ? __builtin_clzll(hi) : 64 + __builtin_clzll((uint64_t)m);
	m <<= shift;
	return assemble((uint64_t)(m >> 64), e - shift + 64, sticky || (uint64_t)m != 0);
}

/* Little-endian limbs. The longest: 769 digits (2,555 bits) against 5^1100 (2,555 bits), aligned. */
#define LIMBS 128
struct big {
	size_t n;
	uint32_t w[LIMBS];
};

static void big_mul(struct big *b, uint32_t m, uint32_t add)
{
	uint64_t carry = add;
	for (size_t i = 0; i < b->n; i++) {
		carry += (uint64_t)b->w[i] * m;
		b->w[i] = (uint32_t)carry;
		carry >>= 32;
	}
	if (carry)
		b->w[b->n++] = (uint32_t)carry;
}

static void big_pow5(struct big *b, unsigned k)
{
	for (; k >= 13; k -= 13)
		big_mul(b, (uint32_t)pow5[13], 0);
	big_mul(b, (uint32_t)pow5[k], 0);
}

static void big_shift(struct big *b, unsigned bits)
{
	size_t limbs = bits / 32;
	if (bits % 32)
		big_mul(b, UINT32_C(1) << bits % 32, 0);
	if (limbs) {
		memmove(b->w + limbs, b->w, b->n * sizeof *b->w);
		memset(b->w, 0, limbs * sizeof *b->w);
		b->n += limbs;
	}
}

static unsigned big_bits(const struct big *b) { return (unsigned)(b->n * 32) - (unsigned)__builtin_clz(b->w[b->n - 1]); }

static int big_cmp(const struct big *a, const struct big *b)
{
	if (a->n != b->n)
		return a->n < b->n ? -1 : 1;
	for (size_t i = a->n; i-- > 0;)
		if (a->w[i] != b->w[i])
			return a->w[i] < b->w[i] ? -1 : 1;
	return 0;
}

/* a -= b; a >= b. */
static void big_sub(struct big *a, const struct big *b)
{
	uint64_t borrow = 0;
	for (size_t i = 0; i < a->n; i++) {
		uint64_t d = (uint64_t)a->w[i] - (i < b->n ? b->w[i] : 0) - borrow;
		a->w[i] = (uint32_t)d;
		borrow = d >> 63;
	}
	while (a->n && a->w[a->n - 1] == 0)
		a->n--;
}

/* The digits of mantissa (point skipped, leading zeros gone) times 10^e, e that of the last digit kept. */
static double from_big(const uint8_t *digits, size_t n_text, int64_t e)
{
	struct big num = {.n = 1, .w = {0}}, den = {.n = 1, .w = {1}};
	size_t kept = 0;
	bool tail = false;
	num.n = 0;
	for (size_t i = 0; i < n_text; i++) {
		if (digits[i] == '.')
			continue;
		if (kept < DIGITS_MAX) {
			big_mul(&num, 10, (uint32_t)(digits[i] - '0'));
			kept++;
		} else {
			tail = tail || digits[i] != '0';
			e++;
		}
	}
	/* Digits past those can only break a tie; one says as much as all. */
	if (tail) {
		big_mul(&num, 10, 1);
		e--;
	}
	/* value = num / den * 2^e2 */
	int64_t e2 = e;
	if (e >= 0)
		big_pow5(&num, (unsigned)e);
	else
		big_pow5(&den, (unsigned)-e);
	/* Aligned so that 1/2 < num / den < 2; then 64 bits of quotient, one after the other. */
	unsigned bn = big_bits(&num), bd = big_bits(&den);
	if (bn < bd)
		big_shift(&num, bd - bn);
	else
		big_shift(&den, bn - bd);
	e2 += (int64_t)bn - (int64_t)bd;
	uint64_t q = 0;
	int bits = 0;
	while (bits < 64) {
		bool one = big_cmp(&num, &den) >= 0;
		if (one)
			big_sub(&num, &den);
		q = q << 1 | one;
		bits += q != 0;
		if (bits < 64) {
			e2--;
			big_mul(&num, 2, 0);
		}
	}
	return assemble(q, e2, num.n != 0);
}

/* w * 10^e, exact when |e| <= 27. */
static double from_u64(uint64_t w, int e)
{
	if (e >= 0)
		return assemble128((u128)w * pow5[e], e, false);
	int lead = __builtin_clzll(w);
	u128 n = (u128)(w << lead) << 64;
	u128 q = n / pow5[-e];
	return assemble128(q, (int64_t)e - 64 - lead, q * pow5[-e] != n);
}

int num_f64(double *ret, struct span s)
{
	const uint8_t *p = s.p, *end = p ? p + s.n : p;
	bool minus = p < end && *p == '-';
	if (p < end && (*p == '-' || *p == '+'))
		p++;

	/* w: the first 19 significant digits; e: the power of ten of its last one. */
	uint64_t w = 0;
	int64_t e = 0;
	size_t significant = 0;
	const uint8_t *from = p, *first = NULL;
	for (; p < end && (unsigned)*p - '0' <= 9; p++) {
		if (significant || *p != '0') {
			first = first ? first : p;
			if (significant++ < DIGITS_EXACT)
				w = w * 10 + (uint64_t)(*p - '0');
		}
	}
	if (p == from)
		return MO_EINVAL;
	if (p < end && *p == '.') {
		const uint8_t *point = p++;
		for (; p < end && (unsigned)*p - '0' <= 9; p++) {
			if (significant || *p != '0') {
				first = first ? first : p;
				if (significant++ < DIGITS_EXACT)
					w = w * 10 + (uint64_t)(*p - '0');
			}
		}
		if (p == point + 1)
			return MO_EINVAL;
		e = -(int64_t)(p - point - 1);
	}
	const uint8_t *mantissa_end = p;
	if (p < end && (*p == 'e' || *p == 'E')) {
		p++;
		bool down = p < end && *p == '-';
		if (p < end && (*p == '-' || *p == '+'))
			p++;
		int64_t x = 0;
		from = p;
		for (; p < end && (unsigned)*p - '0' <= 9; p++)
			if (x < INT64_MAX / 100)
				x = x * 10 + (*p - '0');
		if (p == from)
			return MO_EINVAL;
		e += down ? -x : x;
	}
	if (p != end)
		return MO_EINVAL;

	double v;
	if (w == 0) {
		v = 0;
	} else if (significant <= DIGITS_EXACT && e >= -22 && e <= 22 && w <= UINT64_C(1) << 53) {
		v = e < 0 ? (double)w / pow10d[-e] : (double)w * pow10d[e];
	} else if (significant <= DIGITS_EXACT && e >= -POW5_MAX && e <= POW5_MAX) {
		v = from_u64(w, (int)e);
	} else {
		/* The value lies in [10^(top-1), 10^top). */
		int64_t top = e + (int64_t)(significant < INT64_MAX / 4 ? significant : INT64_MAX / 4);
		if (top > 310)
			v = (double)INFINITY;
		else if (top < -330)
			v = 0;
		else
			v = from_big(first, (size_t)(mantissa_end - first), e);
	}
	if (isinf(v))
		return MO_ELIMIT;
	*ret = minus ? -v : v;
	return 0;
}

/* --- to text --- */

/* Digits of v without leading zeros, at most 20; gives their number. */
static unsigned put_u64(char *out, uint64_t v)
{
	char rev[20];
	unsigned n = 0;
	do {
		rev[n++] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	for (unsigned i = 0; i < n; i++)
		out[i] = rev[n - 1 - i];
	return n;
}

size_t num_format_i64(char out[24], int64_t v)
{
	size_t n = 0;
	uint64_t u = (uint64_t)v;
	if (v < 0) {
		out[n++] = '-';
		u = 0 - u;
	}
	n += put_u64(out + n, u);
	out[n] = '\0';
	return n;
}

/* digits * 10^e in the shorter of both notations. n digits, first and last not '0' (but for "0" itself). */
static size_t put_decimal(char *out, const char *digits, int n, int e)
{
	char *p = out;
	int point = n + e; /* digits before the point; negative or 0: zeros after it */
	/* Plain from 0.00001 up to 21 places, as JavaScript shows numbers; else with an exponent. */
	if (point > 21 || point < -5) {
		*p++ = digits[0];
		if (n > 1) {
			*p++ = '.';
			memcpy(p, digits + 1, (size_t)(n - 1));
			p += n - 1;
		}
		*p++ = 'e';
		int x = point - 1;
		*p++ = x < 0 ? '-' : '+';
		p += put_u64(p, (uint64_t)(x < 0 ? -x : x));
	} else if (point <= 0) {
		*p++ = '0';
		*p++ = '.';
		memset(p, '0', (size_t)-point);
		p += -point;
		memcpy(p, digits, (size_t)n);
		p += n;
	} else if (e >= 0) {
		memcpy(p, digits, (size_t)n);
		p += n;
		memset(p, '0', (size_t)e);
		p += e;
	} else {
		memcpy(p, digits, (size_t)point);
		p += point;
		*p++ = '.';
		memcpy(p, digits + point, (size_t)(n - point));
		p += n - point;
	}
	*p = '\0';
	return (size_t)(p - out);
}

/* floor(e * log2(10)); |e| <= 400. */
static int log2_pow10(int e) { return (e * 1741647) >> 19; }

/* High half of g * c / 2^64, its last bit set when anything was cut off. */
static uint64_t round_to_odd(struct pow10 g, uint64_t c)
{
	u128 y = (u128)g.hi * c + (uint64_t)((u128)g.lo * c >> 64);
	return (uint64_t)(y >> 64) | ((uint64_t)y > 1);
}

/* The shortest decimal m * 10^k that reads back as v > 0, the nearest to v of
 * those (R. Giulietti, "The Schubfach way to render doubles", 2020, names from
 * there); m may end in zeros. */
static uint64_t shortest(double v, int *ret_k)
{
	uint64_t bits;
	memcpy(&bits, &v, sizeof bits);
	uint64_t fraction = bits & ((UINT64_C(1) << 52) - 1);
	int exponent = (int)(bits >> 52);
	uint64_t c = exponent ? fraction | UINT64_C(1) << 52 : fraction;
	int q = (exponent ? exponent : 1) - 1075;
	if (q <= 0 && q > -53 && (c & ((UINT64_C(1) << -q) - 1)) == 0) {
		*ret_k = 0;
		return c >> -q; /* an integer below 2^53 */
	}
	/* Everything times 4: the borders lie halfway to the neighbours, and below a power of two at a quarter. */
	bool near_below = fraction == 0 && exponent > 1;
	bool open = c & 1; /* an odd one loses its borders to half-to-even */
	int k = (q * 1262611 - (near_below ? 524031 : 0)) >> 22;
	int h = q + log2_pow10(-k) + 1;
	struct pow10 g = pow10_table[-k - POW10_MIN];
	uint64_t low = round_to_odd(g, (4 * c - 2 + near_below) << h) + open;
	uint64_t mid = round_to_odd(g, (4 * c) << h);
	uint64_t high = round_to_odd(g, (4 * c + 2) << h) - open;
	uint64_t s = mid / 4;
	if (s >= 10) {
		uint64_t tens = s / 10;
		bool down = low <= 40 * tens, up = 40 * tens + 40 <= high;
		if (down != up) {
			*ret_k = k + 1;
			return tens + up;
		}
	}
	*ret_k = k;
	bool down = low <= 4 * s, up = 4 * s + 4 <= high;
	if (down != up)
		return s + up;
	uint64_t half = 4 * s + 2;
	return s + (mid > half || (mid == half && (s & 1)));
}

size_t num_format_f64(char out[32], double v)
{
	char digits[24];
	if (isnan(v)) {
		memcpy(out, "nan", 4);
		return 3;
	}
	size_t sign = signbit(v) ? 1 : 0;
	out[0] = '-';
	if (isinf(v)) {
		memcpy(out + sign, "inf", 4);
		return sign + 3;
	}
	if (v == 0) {
		memcpy(out + sign, "0", 2);
		return sign + 1;
	}
	int e;
	uint64_t m = shortest(fabs(v), &e);
	for (; m % 100000000 == 0; m /= 100000000)
		e += 8;
	for (; m % 10 == 0; m /= 10)
		e++;
	unsigned n = put_u64(digits, m);
	return sign + put_decimal(out + sign, digits, (int)n, e);
}
