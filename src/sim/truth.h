/* What was planted, and every consequence that an honest detector may report:
 * one JSON document for the check, written outside the nodes' folders
 * (docs/formats/truth.md). */
#ifndef MO_SIM_TRUTH_H
#define MO_SIM_TRUTH_H

#include "base/buf.h"
#include "sim/plan.h"

void truth_write(struct buf *out, const struct plan *p, int64_t t0_ns, int64_t history_ns);

#endif
