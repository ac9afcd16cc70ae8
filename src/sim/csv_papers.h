/* Papers that people and small instruments leave as CSV files: the moulder's
 * hand weights (CP949, Korean headers, daily for each item), the wire EDM's
 * log (UTF-8 with a BOM, every twelve hours), the motor maker's store room
 * (daily). Local times are Korea's (UTC+9). */
#ifndef MO_SIM_CSV_PAPERS_H
#define MO_SIM_CSV_PAPERS_H

#include "base/buf.h"
#include "sim/values.h"

struct paper {
	enum sim_firm firm;
	char name[64];
	struct buf content;
	uint64_t rows, values; /* values: cells that are measured or a lot */
};
#define PAPERS_MAX 8u /* due in one step */

/* Papers due in from < t <= to, each holding what was measured since the last one of its kind, but nothing before `since`.
 * MO_ENOMEM; MO_ELIMIT when more than PAPERS_MAX are due. The caller frees each content. */
MO_MUST_USE int papers_due(struct paper out[PAPERS_MAX], size_t *ret_n, const struct plan *p, int64_t from_ns, int64_t to_ns, int64_t since_ns, int64_t t0_ns);

#endif
