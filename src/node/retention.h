/* Rules of retention: how long what is kept. Without a rule nothing is ever
 * deleted. The document, as GET and PUT /api/v1/retention have it:
 *
 *   {"rules": [{"class": "values", "keep_days": 400},
 *              {"class": "values", "asset": "P-1", "keep_days": 90},
 *              {"class": "sequences", "keep_days": 3650},
 *              {"class": "files", "keep_days": 90},
 *              {"class": "cases", "keep_days": 1100},
 *              {"class": "audit", "keep_days": 1825}]}
 *
 * class      values: of clock series; sequences: one value per cycle; files:
 *            blobs that nothing refers to; cases: closed ones, with their notes;
 *            audit: the trail's entries from the first on
 * asset      a code, of values and sequences: signals of that asset alone; it
 *            goes before a rule for all
 * keep_days  what goes is older than so many times 24 hours at the moment at
 *            which the rule is applied: a value by its source time, a file by
 *            when it came last, a case by when it was closed, an entry by its
 *            time. At least 1; files 7, cases 30, audit 365
 *
 * Two things stay whatever a rule says: the newest time of each signal, and
 * values of cycles that an operation or a characteristic refers to, as long as
 * it stands. Pure functions. */
#ifndef MO_NODE_RETENTION_H
#define MO_NODE_RETENTION_H

#include "base/arena.h"
#include "base/civil.h"
#include "base/diag.h"

#define RETENTION_RULES_MAX 256u
#define RETENTION_DAYS_MAX 36500
#define RETENTION_BYTES_MAX (64u << 10) /* of the document */
#define RETENTION_ASSET_MAX 256u        /* bytes of a code */

enum retention_class { RETENTION_VALUES, RETENTION_SEQUENCES, RETENTION_FILES, RETENTION_CASES, RETENTION_AUDIT, RETENTION_CLASSES };
struct retention_rule {
	enum retention_class class;
	struct span asset; /* empty: all */
	int64_t keep_days;
};
struct retention {
	const struct retention_rule *rules;
	size_t n;
};
const char *retention_class_name(enum retention_class c);
MO_MUST_USE int retention_class_parse(enum retention_class *ret, struct span s); /* MO_EINVAL */
/* Least keep_days. A file may wait for what is about to refer to it; detectors read 21 days again after a start, and must meet the closed case; whoever
 * looks into the audit asks about the last year. */
int64_t retention_days_min(enum retention_class c);
bool retention_by_asset(enum retention_class c); /* values and sequences */
/* The document in the arena. MO_EINVAL: field, value, expected; also two rules for the same. MO_ELIMIT, MO_ENOMEM. */
MO_MUST_USE int retention_read(struct retention *ret, struct arena *a, struct span json, struct diag *d);
/* Before which source time values of that class and asset go; INT64_MIN: none do. */
int64_t retention_before(const struct retention *r, enum retention_class c, struct span asset, int64_t now_ns);

/* A clock that goes faster than time does is believed when it has gone on for a day: where it is wrong, everything looks old. */
#define RETENTION_LEAP_NS (31 * NS_PER_DAY)
#define RETENTION_SETTLE_NS NS_PER_DAY
struct retention_clock {
	int64_t wall_ns, mono_ns; /* as they were last */
	int64_t leapt_ns;         /* monotonic; T_NONE: it is believed */
};
/* last_ns: the last time that the run before showed; T_NONE: not known. */
void retention_clock_begin(struct retention_clock *k, int64_t last_ns, int64_t wall_ns, int64_t mono_ns);
/* Now and then; whether the clock is believed. */
bool retention_trusts(struct retention_clock *k, int64_t wall_ns, int64_t mono_ns);

#endif
