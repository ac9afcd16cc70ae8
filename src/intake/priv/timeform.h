/* How times are written: one table of forms, each a date part and a clock part. */
#ifndef MO_INTAKE_PRIV_TIMEFORM_H
#define MO_INTAKE_PRIV_TIMEFORM_H

#include "base/civil.h"
#include "base/span.h"

enum date_form {
	DATE_NONE,
	DATE_YMD_DASH, DATE_YMD_SLASH, DATE_YMD_DOT, DATE_YMD_DOTS, DATE_YMD_HANGUL,
	DATE_DMY_SLASH, DATE_MDY_SLASH, DATE_DMY_DASH, DATE_MDY_DASH, DATE_DMY_DOT, DATE_MDY_DOT,
	DATE_COMPACT, /* YYYYMMDD */
	DATE_YM_DASH, DATE_YM_DOT, DATE_YM_COMPACT, DATE_Y,
	DATE_SERIAL, DATE_EPOCH_S, DATE_EPOCH_MS
};
enum clock_form {
	CLOCK_NONE,
	CLOCK_HM, CLOCK_HMS, CLOCK_HMSZ,     /* 24 hours; each reads what the others do */
	CLOCK_KO_HM, CLOCK_KO_HMS,           /* 오전, 오후 in front */
	CLOCK_AM_HM, CLOCK_AM_HMS,           /* AM, PM in front or behind */
	CLOCK_HANGUL,                        /* [오전] h시 [m분 [s초]] */
	CLOCK_HOUR,                          /* h alone */
	CLOCK_COMPACT_H, CLOCK_COMPACT_HM, CLOCK_COMPACT_HMS  /* hh, hhmm, hhmmss */
};
struct timeform {
	const char *name;
	uint8_t date, clock;
};
/* 0.. until NULL. */
const struct timeform *timeform_at(unsigned index);
/* NULL: no such name. */
const struct timeform *timeform_find(struct span name);
const struct timeform *timeform_of(unsigned date, unsigned clock);

struct time_parts {
	int64_t days;      /* since 1970-01-01 */
	int64_t clock_ns;  /* since midnight; a whole day for 24:00 */
	bool absolute;     /* days and clock are UTC: the cell named its offset, or counts from the epoch */
	size_t date_bytes; /* length of the date part */
};
/* Whether the cell (no blanks around) is a time of this form, whole. */
bool timeform_parse(struct time_parts *ret, const struct timeform *f, struct span cell);
/* The parts alone, for dates and clocks in two columns. */
bool timeform_parse_date(struct time_parts *ret, const struct timeform *f, struct span cell);
bool timeform_parse_clock(struct time_parts *ret, const struct timeform *f, struct span cell);
/* MO_EINVAL, MO_ELIMIT (outside int64 ns). */
MO_MUST_USE int time_parts_to_ns(int64_t *ret, const struct time_parts *p, const struct zone *z);
/* Of the forms that read `cell` as f does, the one whose name shows how it is written. */
const struct timeform *timeform_refine(const struct timeform *f, struct span cell);
/* The other of day/month and month/day; NULL when f is neither. */
const struct timeform *timeform_swap(const struct timeform *f);
/* Digits alone: may as well be a number. */
bool timeform_is_number(const struct timeform *f);

/* The clock part of most files: h:mm[:ss[.fraction]], all of it; false for anything else, right or wrong. */
static inline bool clock_fast(int64_t *ret_ns, const uint8_t *p, size_t n)
{
	if (n < 4 || n > 8)
		return false;
	unsigned h = (unsigned)p[0] - '0', x = (unsigned)p[1] - '0';
	if (h > 9)
		return false;
	p++, n--;
	if (x <= 9) {
		h = h * 10 + x;
		p++, n--;
	}
	if ((n != 3 && n != 6) || p[0] != ':')
		return false;
	unsigned m1 = (unsigned)p[1] - '0', m2 = (unsigned)p[2] - '0', s1 = 0, s2 = 0;
	if (n == 6) {
		s1 = (unsigned)p[4] - '0';
		s2 = (unsigned)p[5] - '0';
		if (p[3] != ':')
			return false;
	}
	if (h > 23 || m1 > 5 || m2 > 9 || s1 > 5 || s2 > 9)
		return false;
	*ret_ns = (int64_t)(h * 3600 + (m1 * 10 + m2) * 60 + s1 * 10 + s2) * NS_PER_S;
	return true;
}

#endif
