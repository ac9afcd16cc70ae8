/* Which column holds the time, and in which form. */
#include "intake/priv/intake.h"
#include "intake/priv/number.h"

#define FORM_CELLS 50u   /* cells that name the forms which come into question */
#define FORM_TRIES_MAX 24u
#define TIME_CELL_MAX 64u /* bytes */

#define DAYS_1950 (-7305)
#define DAYS_2100 47482
#define DAYS_2001 11574 /* 1e9 s */
#define DAYS_1954 20000 /* as spreadsheets count */
#define DAYS_2119 80000

bool cells_blank(const struct span *cells, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (cell_trim(cells[i]).n)
			return false;
	return true;
}

static struct span cell_at(const struct sample *s, size_t row, size_t column)
{
	return column < s->rows[row].n ? s->rows[row].cells[column] : span_str("");
}

static bool header_is_hour(struct span header)
{
	struct span h = cell_trim(header);
	return span_is(h, "시") || span_is(h, "시간") || span_is(h, "hour") || span_is(h, "Hour") || span_is(h, "HOUR") || span_is(h, "hr");
}

/* Digits alone are a time only where the header or the place says so. */
static bool allowed(const struct timeform *f, struct span header, size_t column, bool clock_only)
{
	if (clock_only)
		return f->clock == CLOCK_HOUR ? header_is_hour(header) : f->clock < CLOCK_COMPACT_H || (f->clock > CLOCK_COMPACT_H && header_is_time(header));
	switch ((enum date_form)f->date) {
	case DATE_YM_DOT:
		return column == 0 || header_is_month(header) || header_is_time(header);
	case DATE_YM_COMPACT:
		return header_is_month(header);
	case DATE_Y:
		return header_is_year(header);
	case DATE_SERIAL:
		return header_is_time(header);
	case DATE_EPOCH_S:
	case DATE_EPOCH_MS:
		return column == 0 || header_is_time(header);
	default:
		return true;
	}
}

static bool in_range(const struct timeform *f, const struct time_parts *p)
{
	switch ((enum date_form)f->date) {
	case DATE_SERIAL:
		return p->days >= DAYS_1954 - 25569 && p->days < DAYS_2119 - 25569;
	case DATE_EPOCH_S:
	case DATE_EPOCH_MS:
		return p->days >= DAYS_2001 && p->days < DAYS_2100;
	case DATE_COMPACT:
	case DATE_YM_DOT:
	case DATE_YM_COMPACT:
	case DATE_Y:
		return p->days >= DAYS_1950 - 18263 && p->days < DAYS_2100; /* from 1900 on */
	default:
		return true;
	}
}

static bool reads(struct time_parts *parts, const struct timeform *f, struct span cell, bool clock_only)
{
	return clock_only ? timeform_parse_clock(parts, f, cell) : timeform_parse(parts, f, cell) && in_range(f, parts);
}

/* Cells read of all that are there; `first` the first of them. *ret_back: a later one stands before an earlier one. */
static size_t count(const struct sample *s, size_t from, size_t to, size_t column, const struct timeform *f, bool clock_only, struct span *first, bool *ret_back)
{
	size_t n = 0;
	struct time_parts p, last = {0};
	*ret_back = false;
	for (size_t r = from; r < to; r++) {
		struct span cell = cell_at(s, r, column);
		if (cell.n == 0 || !reads(&p, f, cell, clock_only))
			continue;
		if (n == 0)
			*first = cell;
		else if (p.days < last.days || (p.days == last.days && p.clock_ns < last.clock_ns))
			*ret_back = true;
		last = p;
		n++;
	}
	return n;
}

/* Spares the table of forms what can be no time. */
static bool may_be_time(struct span cell)
{
	if (cell.n > TIME_CELL_MAX)
		return false;
	for (size_t i = 0; i < cell.n; i++)
		if (cell.p[i] >= '0' && cell.p[i] <= '9')
			return true;
	return false;
}

const struct timeform *column_time_form(const struct sample *s, size_t first_row, size_t column, struct span header, bool clock_only, struct span *ret_cell)
{
	const struct timeform *tries[FORM_TRIES_MAX];
	size_t n_tries = 0, there = 0, seen = 0, best_n = 0;
	for (size_t r = first_row; r < s->n_rows && seen < FORM_CELLS; r++) {
		struct span cell = cell_at(s, r, column);
		const struct timeform *f;
		struct time_parts p;
		if (cell_is_missing(cell, false))
			continue;
		seen++;
		if (!may_be_time(cell))
			continue;
		for (unsigned i = 0; (f = timeform_at(i)) && n_tries < FORM_TRIES_MAX; i++) {
			size_t k = 0;
			while (k < n_tries && tries[k] != f)
				k++;
			if (clock_only && f->date != DATE_YMD_DASH) /* the clocks of one date are all there are */
				continue;
			if (k == n_tries && allowed(f, header, column, clock_only) && reads(&p, f, cell, clock_only))
				tries[n_tries++] = f;
		}
	}
	if (n_tries == 0)
		return NULL;
	for (size_t r = first_row; r < s->n_rows; r++)
		there += !cell_is_missing(cell_at(s, r, column), false);
	const struct timeform *best = NULL;
	for (size_t k = 0; k < n_tries; k++) {
		struct span cell = {0};
		bool back;
		size_t n = count(s, first_row, s->n_rows, column, tries[k], clock_only, &cell, &back);
		bool counter = tries[k]->date >= DATE_SERIAL;
		if (n * 10 < there * 9 || n <= best_n || (counter && back && !clock_only))
			continue;
		best = tries[k];
		best_n = n;
		*ret_cell = cell;
	}
	return best ? timeform_refine(best, *ret_cell) : NULL;
}

static int rank(const struct timeform *f)
{
	if (f->clock != CLOCK_NONE || f->date >= DATE_SERIAL)
		return 6;
	return f->date == DATE_Y ? 1 : f->date >= DATE_YM_DASH ? 2 : 4;
}

/* A date with a clock goes before a date, that before a month; a header that speaks of time before one that doesn't; then the leftmost. */
void time_choose(struct time_choice *ret, const struct sample *s, size_t first_row, const struct intake_column *columns, size_t n_columns)
{
	int best = 0;
	struct span cell = {0};
	*ret = (struct time_choice){-1, -1, -1, NULL};
	for (size_t c = 0; c < n_columns; c++) {
		const struct timeform *f = column_time_form(s, first_row, c, columns[c].header, false, &cell);
		int r = f ? rank(f) + header_is_time(columns[c].header) : 0;
		if (r <= best)
			continue;
		best = r;
		ret->time = (int)c;
		ret->form = f;
	}
	if (!ret->form || ret->form->clock != CLOCK_NONE || ret->form->date >= DATE_YM_DASH)
		return;
	for (size_t c = 0; c < n_columns; c++) {
		const struct timeform *f = (int)c == ret->time ? NULL : column_time_form(s, first_row, c, columns[c].header, true, &cell);
		if (!f)
			continue;
		ret->date = ret->time;
		ret->clock = (int)c;
		ret->time = -1;
		ret->form = timeform_of(ret->form->date, f->clock);
		return;
	}
}
