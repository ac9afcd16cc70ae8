/* Signals to judge detectors by, drawn from the simulator's committed ranges
 * (src/sim/ranges.h, docs/demo-ranges.md) and from behaviours that a factory
 * has and the demo has not. Each family draws one series from one seed. */
#ifndef MO_TESTS_FAMILIES_H
#define MO_TESTS_FAMILIES_H

#include <stdbool.h>
#include <stdlib.h>

#include "base/prng.h"
#include "insight/level.h"

#define FAMILY_SEC INT64_C(1000000000)
#define FAMILY_MAX 40000u /* samples of one series */

struct sheet {
	struct level_sample *x;
	size_t n;
	/* planted: [begin, end) as cycle numbers; end 0: lasts */
	bool planted;
	uint64_t begin_seq, end_seq;
	int64_t begin_ns, end_ns;
	size_t cycles_per_sample; /* 1, or how many cycles lie between two values on purpose (weighed 1 in 20) */
};
struct family {
	const char *name;
	bool planted;
	/* Asserted, of 200 seeds: false findings, planted shifts missed, begins more than 10 cycles off. */
	unsigned false_max, missed_max, off_max;
	double days;
	void (*draw)(struct sheet *s, struct prng *r, double size, const struct family *f);
	double p[6]; /* of the family */
};
extern const struct family families[];
extern const size_t n_families;

#endif
