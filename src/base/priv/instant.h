/* Seconds and nanoseconds to one instant. */
#ifndef MO_BASE_PRIV_INSTANT_H
#define MO_BASE_PRIV_INSTANT_H

#include "base/civil.h"

/* ns is 0 .. NS_PER_S - 1. MO_ELIMIT outside int64 ns; T_NONE is no instant. */
MO_MUST_USE int instant_of(int64_t *ret_ns, int64_t s, uint32_t ns);
/* Wall time as seconds as if UTC. MO_EINVAL. */
MO_MUST_USE int instant_seconds(int64_t *ret_s, const struct civil *c);

static inline int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b != 0 && (a % b < 0) != (b < 0)); }
/* What floor_div leaves, 0 .. NS_PER_S - 1; never by multiplying back, which overflows in the first second of int64. */
static inline uint32_t ns_of_second(int64_t t_ns) { return (uint32_t)((t_ns % NS_PER_S + NS_PER_S) % NS_PER_S); }

#endif
