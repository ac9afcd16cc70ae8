/* Seeded pseudo-random numbers (xoshiro256**, seeded by SplitMix64; Blackman,
 * Vigna 2018): for tests and simulation, never for secrets. Same seed, same
 * numbers on every machine. */
#ifndef MO_BASE_PRNG_H
#define MO_BASE_PRNG_H

#include <stdint.h>

struct prng {
	uint64_t s[4];
};
void prng_seed(struct prng *r, uint64_t seed);
uint64_t prng_u64(struct prng *r);
uint64_t prng_below(struct prng *r, uint64_t n); /* 0..n-1, unbiased; n > 0 */
double prng_unit(struct prng *r);                /* [0, 1), 53 bits */
double prng_normal(struct prng *r);              /* mean 0, sigma 1 (polar method, no hidden state) */

#endif
