/* Properties over seeded random input. A property draws what it needs from a
 * `struct prop` and says whether it held. On failure the draws are shrunk
 * (halves of the sequence dropped, then values halved, as long as it still
 * fails), and the run is repeated once more with prop_note() speaking:
 *
 *     static bool sums_commute(struct prop *p, void *arg)
 *     {
 *             int64_t a = prop_range(p, -9, 9), b = prop_range(p, -9, 9);
 *             prop_note(p, "a=%d b=%d", (int)a, (int)b);
 *             return a + b == b + a;
 *     }
 *     assert_int_equal(prop_check("sums_commute", sums_commute, NULL, 1000), 0);
 *
 * The seed is printed on failure; MORU_PROP_SEED=N repeats it, and
 * MORU_PROP_RUNS=N asks for more runs. A property must depend on its draws
 * alone, free what it makes, and not assert (a failed assertion would leave
 * before anything is shrunk). One check at a time in a process. */
#ifndef MO_TESTS_PROP_H
#define MO_TESTS_PROP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROP_DRAWS_MAX 65536u /* draws of one run; past it every draw gives 0 */

struct prop;
typedef bool prop_fn(struct prop *p, void *arg);

/* 0: held in all runs. Otherwise 1, and the smallest failure found was printed on standard error. */
int prop_check(const char *name, prop_fn *fn, void *arg, unsigned runs);

/* Draws. Shrinking goes towards 0, the low bound, false, the first, the empty. */
uint64_t prop_u64(struct prop *p);
uint64_t prop_below(struct prop *p, uint64_t n);              /* 0..n-1; n > 0 */
int64_t prop_range(struct prop *p, int64_t low, int64_t high); /* inclusive */
bool prop_bool(struct prop *p);
/* 0..max, small ones more often. */
size_t prop_size(struct prop *p, size_t max);
/* Any finite double: round numbers, decimals, all magnitudes, subnormals. */
double prop_f64(struct prop *p);
void prop_bytes(struct prop *p, void *out, size_t n);
/* Bytes out of an alphabet (NUL-terminated). */
void prop_text(struct prop *p, char *out, size_t n, const char *alphabet);
/* Printed only when the failure is shown. */
void prop_note(struct prop *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
