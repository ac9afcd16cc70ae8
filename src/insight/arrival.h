/* Missing and late data of one source (device or sender), streaming: knows how
 * often values come, sees when they stop, and when they come after all. */
#ifndef MO_INSIGHT_ARRIVAL_H
#define MO_INSIGHT_ARRIVAL_H

#include "base/err.h"
#include <stddef.h>
#include <stdint.h>

/* LIVE --arrival_tick: silent--> MISSING --arrival_feed--> BACK --5 min without late ones--> LIVE (RESUMED)
 *   | late values                    | late values            | late values
 *   v                                v                        v
 *  LATE --5 min of arrival time without late ones--> LIVE (COMPLETE) */
enum arrival_phase { ARRIVAL_IS_LIVE, ARRIVAL_IS_MISSING, ARRIVAL_IS_BACK, ARRIVAL_IS_LATE };

#define ARRIVAL_LEAST_NS (120 * INT64_C(1000000000)) /* never missing or late by less than this... */
#define ARRIVAL_USUAL 5.0                            /* ... or less than so many usual distances */
#define ARRIVAL_QUIET_NS (300 * INT64_C(1000000000)) /* without a late value for so long: it is over */

struct arrival_state {
	int64_t newest_t_ns; /* greatest source time seen */
	int64_t last_arrival_ns;
	double usual_ns;                     /* usual distance of arrivals (robust mean) */
	double delay_ns;                     /* usual arrival time less source time (robust mean): a source's clock may be off */
	uint64_t n;                          /* arrivals */
	int64_t gap_from_ns, gap_to_ns;      /* source times that came late, or are missing */
	int64_t late_first_ns, late_last_ns; /* arrivals of the late ones */
	int64_t back_ns;                     /* arrival of the first batch after a silence */
	uint64_t late_n;
	enum arrival_phase phase;
};
enum arrival_verdict {
	ARRIVAL_NOTHING,
	ARRIVAL_MISSING,  /* silent for much longer than usual: gap_from.. is missing until now */
	ARRIVAL_LATE,     /* the missing values are coming in afterwards */
	ARRIVAL_COMPLETE, /* no late value for a while and the newest is live again: what came late, from and to */
	ARRIVAL_RESUMED   /* live again; what was missing did not come (yet) */
};
struct arrival_finding {
	int64_t from_ns, to_ns;                 /* source times concerned */
	int64_t arrived_from_ns, arrived_to_ns; /* when the late ones came; INT64_MIN while none */
	uint64_t late;                          /* values that came late, repeated ones too (a batch that holds some counts whole) */
};
void arrival_init(struct arrival_state *s);
/* One arriving batch of the source: source times from..to (its least and greatest), n values, arrival time.
 * ret is written unless the verdict is ARRIVAL_NOTHING. A batch is late when it reaches back behind what was there
 * already, or is old as a whole, by more than the limits above. */
enum arrival_verdict arrival_feed(
        struct arrival_state *s, int64_t t_from_ns, int64_t t_to_ns, uint64_t n, int64_t arrival_ns, struct arrival_finding *ret);
/* Time passes without anything arriving. Speaks of silence only after four arrivals, since it must know what is usual. */
enum arrival_verdict arrival_tick(struct arrival_state *s, int64_t now_ns, struct arrival_finding *ret);

#endif
