/* Numbers as offices write them. */
#ifndef MO_INTAKE_PRIV_NUMBER_H
#define MO_INTAKE_PRIV_NUMBER_H

#include "base/span.h"

enum cell_read { CELL_OK, CELL_MISSING, CELL_BAD };

/* Blank, '-', N/A, #DIV/0! and their like. Of a text: only what no one writes as a word. */
bool cell_is_missing(struct span trimmed, bool text);
/* ASCII blanks and no-break spaces off both ends. */
struct span cell_trim(struct span s);
/* Everything the short way below doesn't take. thousands: "1,395" is one number. */
enum cell_read number_f64_slow(double *ret, struct span cell, bool thousands);
enum cell_read number_i64(int64_t *ret, struct span cell, bool thousands);
enum cell_read number_bool(uint8_t *ret, struct span cell);
/* Digits that begin with a zero and go on: a code ("01", "-007"), but not "0.5". */
bool number_is_code(struct span cell);

static const double number_pow10[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18};

/* Up to 18 digits with a point between: exact while they stay below 2^53, for then both sides of the quotient are. */
static inline enum cell_read number_f64(double *ret, struct span cell, bool thousands)
{
	const uint8_t *p = cell.p, *end = p + cell.n;
	if (cell.n - 1 > 18) /* none at all, too */
		return number_f64_slow(ret, cell, thousands);
	bool minus = *p == '-';
	p += minus;
	const uint8_t *from = p;
	uint64_t w = 0;
	unsigned d;
	for (; p < end && (d = (unsigned)*p - '0') <= 9; p++)
		w = w * 10 + d;
	if (p == from)
		return number_f64_slow(ret, cell, thousands);
	if (p == end) {
		double v = (double)w;
		if (w > UINT64_C(1) << 53)
			return number_f64_slow(ret, cell, thousands);
		*ret = minus ? -v : v;
		return CELL_OK;
	}
	if (*p != '.')
		return number_f64_slow(ret, cell, thousands);
	from = ++p;
	for (; p < end && (d = (unsigned)*p - '0') <= 9; p++)
		w = w * 10 + d;
	if (p != end || p == from || w > UINT64_C(1) << 53)
		return number_f64_slow(ret, cell, thousands);
	double v = (double)w / number_pow10[p - from];
	*ret = minus ? -v : v;
	return CELL_OK;
}

#endif
