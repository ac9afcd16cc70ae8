/* Numbers as text. Locale-free, exact: a parsed double is the nearest one
 * (round half to even), a formatted double is the shortest that reads back. */
#ifndef MO_BASE_NUM_H
#define MO_BASE_NUM_H

#include "base/err.h"
#include "base/span.h"

/* Whole span must be consumed. [+-]digits. MO_EINVAL, MO_ELIMIT (overflow). */
MO_MUST_USE int num_i64(int64_t *ret, struct span s);
MO_MUST_USE int num_u64(uint64_t *ret, struct span s);
/* [+-]digits[.digits][e[+-]digits], e or E; no "inf", "nan", hex, blanks. MO_EINVAL, MO_ELIMIT (overflow to infinity). */
MO_MUST_USE int num_f64(double *ret, struct span s);
/* Shortest round-trip form, the nearest of those: plain from 1e-6 to below 1e21 ("0.1", "1200"), else with exponent ("1e+300",
 * "2.5e-7"); "nan", "inf", "-inf". Gives the length without NUL. */
size_t num_format_f64(char out[32], double v);
size_t num_format_i64(char out[24], int64_t v);

/* Overflow-checked size arithmetic; false on overflow. */
static inline bool size_add(size_t *ret, size_t a, size_t b) { return !__builtin_add_overflow(a, b, ret); }
static inline bool size_mul(size_t *ret, size_t a, size_t b) { return !__builtin_mul_overflow(a, b, ret); }

#endif
