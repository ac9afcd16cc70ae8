/* Time cells to instants, quickly: neighbouring rows share their date as a
 * rule, so only the clock of the next one is read. */
#ifndef MO_INTAKE_PRIV_TIMEREAD_H
#define MO_INTAKE_PRIV_TIMEREAD_H

#include "intake/priv/timeform.h"

#define TIMEREAD_CELL_MAX 64u

struct timeread {
	const struct timeform *form;
	const struct zone *zone;
	bool plain_clock;      /* h:mm[:ss] may follow the date and one blank */
	/* The last cell, whole. */
	uint8_t cell[TIMEREAD_CELL_MAX];
	size_t cell_n;         /* 0: none */
	int64_t cell_ns;
	size_t date_n;         /* of it the date part; 0: not usable */
	/* The last date. */
	bool day_known, day_even; /* even: 24 hours long, so that base and clock may be added */
	int64_t days, base_ns;
};

void timeread_init(struct timeread *c, const struct timeform *f, const struct zone *z);
/* 0; MO_EINVAL: not of the form; MO_ELIMIT: outside int64 nanoseconds. */
MO_MUST_USE int timeread_slow(struct timeread *c, int64_t *ret, struct span cell);
MO_MUST_USE int timeread_pair(struct timeread *c, int64_t *ret, struct span date, struct span clock);

static inline int timeread(struct timeread *c, int64_t *ret, struct span cell)
{
	if (cell.n == c->cell_n && c->cell_n && memcmp(cell.p, c->cell, cell.n) == 0) {
		*ret = c->cell_ns;
		return 0;
	}
	size_t at = c->date_n;
	int64_t clock;
	if (at && cell.n > at + 1 && cell.p[at] == ' ' && memcmp(cell.p, c->cell, at) == 0 && clock_fast(&clock, cell.p + at + 1, cell.n - at - 1)) {
		*ret = c->base_ns + clock;
		return 0;
	}
	return timeread_slow(c, ret, cell);
}

#endif
