/* The date in a file's name, which tells one day's file from the next and not
 * one machine from another. */
#include "base/civil.h"
#include "intake/priv/intake.h"
#include "intake/priv/number.h"

#define YEAR_MIN 1990
#define YEAR_MAX 2099

static const uint8_t lengths[] = {10, 8, 7, 6}; /* YYYY-MM-DD, YYYYMMDD, YYYY-MM, YYYYMM */

static bool separates(uint8_t c) { return c && strchr("_-. ~", c); }

static bool number(int *ret, struct span s)
{
	*ret = 0;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		*ret = *ret * 10 + (s.p[i] - '0');
	}
	return true;
}

/* Whether all of it is a date. */
static bool is_date(struct span s)
{
	size_t gap = s.n == 10 || s.n == 7; /* a byte between the parts */
	int year, month, day = 1;
	int64_t days;
	if (s.n != 10 && s.n != 8 && s.n != 7 && s.n != 6)
		return false;
	if (gap && (!strchr("-_.", s.p[4]) || (s.n == 10 && s.p[7] != s.p[4])))
		return false;
	if (!number(&year, span_sub(s, 0, 4)) || !number(&month, span_sub(s, 4 + gap, 2)) || (s.n >= 8 && !number(&day, span_sub(s, s.n - 2, 2))))
		return false;
	return year >= YEAR_MIN && year <= YEAR_MAX && civil_days(&days, year, month, day) == 0;
}

static struct span without_last(struct span s)
{
	for (size_t i = 0; i < sizeof lengths; i++) {
		size_t n = lengths[i];
		if (s.n <= n || !separates(s.p[s.n - n - 1]) || !is_date(span_sub(s, s.n - n, n)))
			continue;
		s.n -= n;
		while (s.n && separates(s.p[s.n - 1]))
			s.n--;
		break;
	}
	return s;
}

static struct span without_first(struct span s)
{
	for (size_t i = 0; i < sizeof lengths; i++) {
		size_t n = lengths[i];
		int day;
		if (s.n < n || !is_date(span_sub(s, 0, n)))
			continue;
		if (s.n == n || !separates(s.p[n]))
			break;
		/* "2026-01-45" is no month. */
		if (n == 7 && s.p[7] == s.p[4] && s.n >= 10 && number(&day, span_sub(s, 8, 2)) && (s.n == 10 || separates(s.p[10])))
			break;
		while (n < s.n && separates(s.p[n]))
			n++;
		return span_sub(s, n, s.n - n);
	}
	return s;
}

struct span intake_undated(struct span name)
{
	struct span s = name, t;
	/* A browser numbers what it saves again: "press1_20260101 (2)". */
	if (s.n > 3 && s.p[s.n - 1] == ')') {
		size_t i = s.n - 1;
		while (i && s.p[i - 1] >= '0' && s.p[i - 1] <= '9')
			i--;
		if (i && i < s.n - 1 && s.p[i - 1] == '(')
			s = cell_trim(span_sub(s, 0, i - 1));
	}
	struct span uncounted = s;
	while ((t = without_last(s)).n < s.n)
		s = t;
	while ((t = without_first(s)).n < s.n)
		s = t;
	return s.n == 0 || s.n == uncounted.n || is_date(s) ? name : s;
}
