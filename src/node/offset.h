/* How far a device's own clock is from the node's: estimated from the times it
 * stamps and the times at which they arrive, to notice a clock that jumped.
 *
 * Arrival takes time, so of each half minute the latest stamp against its
 * arrival counts (as a clock filter's least delay does, RFC 5905 section 10).
 * Ten such samples that agree within half a minute make an estimate, and stay it
 * until ten others agree: what is delivered late, or in bulk, moves nothing. */
#ifndef MO_NODE_OFFSET_H
#define MO_NODE_OFFSET_H

#include <stdbool.h>
#include <stdint.h>

#define OFFSET_SAMPLES 10u
#define OFFSET_SAMPLE_NS (30 * INT64_C(1000000000))
#define OFFSET_SPREAD_NS (30 * INT64_C(1000000000))
#define OFFSET_BEYOND_NS (60 * INT64_C(1000000000)) /* DESIGN, "The point" */
#define OFFSET_APART_NS (900 * INT64_C(1000000000)) /* samples further apart begin anew */

struct offset {
	bool sampling, known;
	unsigned n, at;
	int64_t sample_begin_ns, sample_ns; /* the one under way */
	int64_t samples[OFFSET_SAMPLES];
	int64_t estimate_ns; /* device's clock minus the node's, when known */
};
/* All zero: nothing known. A value stamped t_ns arrived. true: it is stamped more than a minute later than the device's clock can say. */
bool offset_seen(struct offset *o, int64_t t_ns, int64_t arrival_ns);

#endif
