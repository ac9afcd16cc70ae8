/* The plan's records as NDJSON lines for POST /api/v1/records. */
#ifndef MO_SIM_RECORDS_H
#define MO_SIM_RECORDS_H

#include "base/buf.h"
#include "sim/plan.h"

/* Appends one line. */
void records_line(struct buf *out, const struct plan *p, const struct plan_rec *r, int64_t t0_ns);
/* The assets that a firm's node should know before anything else: machines, moulds, items, places. Gives their number. */
size_t records_assets(struct buf *out, enum sim_firm firm);
const char *firm_code(enum sim_firm firm);

#endif
