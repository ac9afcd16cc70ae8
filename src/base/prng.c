#include "base/prng.h"

#include <math.h>

static uint64_t rotl(uint64_t x, int k) { return x << k | x >> (64 - k); }

void prng_seed(struct prng *r, uint64_t seed)
{
	for (int i = 0; i < 4; i++) {
		uint64_t z = seed += UINT64_C(0x9e3779b97f4a7c15);
		z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
		z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
		r->s[i] = z ^ z >> 31;
	}
}

uint64_t prng_u64(struct prng *r)
{
	uint64_t *s = r->s;
	uint64_t ret = rotl(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;
	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotl(s[3], 45);
	return ret;
}

uint64_t prng_below(struct prng *r, uint64_t n)
{
	/* The lowest 2^64 mod n numbers would favour the small answers. */
	uint64_t skip = (0 - n) % n;
	for (;;) {
		uint64_t x = prng_u64(r);
		if (x >= skip)
			return x % n;
	}
}

double prng_unit(struct prng *r) { return (double)(prng_u64(r) >> 11) * 0x1p-53; }

double prng_normal(struct prng *r)
{
	/* Marsaglia's polar method; the second number of the pair is dropped to stay without hidden state. */
	for (;;) {
		double x = 2 * prng_unit(r) - 1, y = 2 * prng_unit(r) - 1;
		double q = x * x + y * y;
		if (q > 0 && q < 1)
			return x * sqrt(-2 * log(q) / q);
	}
}
