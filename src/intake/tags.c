/* Which texts keep series apart. Where many rows (one in ten) share their time
 * with another, the fewest text columns that tell such rows apart are tags: a
 * station's name, region and fuel. A text that says the same of all rows of a
 * time (weekday, shift) tells nothing apart and is a value. Numbers that name
 * things by their header (channel, machine no.) come second. Where the file
 * goes on behind the head, a text that never changed in it is a tag, too: the
 * next machine may follow. */
#include <stdlib.h>

#include "intake/priv/intake.h"
#include "intake/priv/number.h"

#define CANDIDATES_MAX 16u
#define NUMBER_TAG_VALUES 100u

struct candidate {
	size_t column;
	bool number;
	uint32_t *cell;    /* hash per row */
	size_t distinct;   /* up to INTAKE_TAG_VALUES + 1 */
};
struct rows {
	uint64_t *time;
	uint64_t *set;     /* for counting */
	size_t set_cap, n;
	struct candidate c[CANDIDATES_MAX];
	size_t n_c;
};

static uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * UINT64_C(0x9e3779b97f4a7c15);
	return h ^ h >> 29;
}

/* Distinct keys of time and the chosen columns, at most `stop`. chosen: bits of r->c. */
static size_t distinct(const struct rows *r, bool with_time, uint32_t chosen, size_t stop)
{
	size_t n = 0;
	memset(r->set, 0, r->set_cap * sizeof(*r->set));
	for (size_t i = 0; i < r->n && n < stop; i++) {
		uint64_t h = with_time ? r->time[i] : 1;
		for (size_t k = 0; k < r->n_c; k++)
			if (chosen & UINT32_C(1) << k)
				h = mix(h, r->c[k].cell[i] + k + 1);
		h += h == 0;
		size_t at = (size_t)h & (r->set_cap - 1);
		while (r->set[at] && r->set[at] != h)
			at = (at + 1) & (r->set_cap - 1);
		n += r->set[at] == 0;
		r->set[at] = h;
	}
	return n;
}

static void rows_free(struct rows *r)
{
	free(r->time);
	free(r->set);
	for (size_t k = 0; k < r->n_c; k++)
		free(r->c[k].cell);
}

static int rows_new(struct rows *r, const struct intake_plan *p, const struct col_stats *stats, size_t rows)
{
	*r = (struct rows){.set_cap = 1};
	while (r->set_cap < 2 * rows + 2)
		r->set_cap *= 2;
	r->time = malloc((rows + 1) * sizeof(*r->time));
	r->set = malloc(r->set_cap * sizeof(*r->set));
	if (!r->time || !r->set)
		return MO_ENOMEM;
	for (size_t c = 0; c < p->n_columns && r->n_c < CANDIDATES_MAX; c++) {
		const struct intake_column *col = &p->columns[c];
		bool number = col->type != SERIES_STR;
		if (col->use != USE_VALUE || stats[c].cells == 0 || (number && (stats[c].fractions || !header_is_id(col->header))))
			continue;
		struct candidate *k = &r->c[r->n_c];
		*k = (struct candidate){.column = c, .number = number, .cell = malloc((rows + 1) * sizeof(*k->cell))};
		r->n_c++;
		if (!k->cell)
			return MO_ENOMEM;
	}
	return 0;
}

static uint64_t cell_hash(const struct csv_record *rec, int column)
{
	return column >= 0 && (size_t)column < rec->n ? span_hash(cell_trim(rec->fields[column])) : 0;
}

static int gather(struct rows *r, size_t rows, const struct intake_plan *p, const struct time_choice *t, struct span text, bool whole, size_t skip)
{
	struct csv_reader *csv;
	struct csv_record rec;
	int e = csv_reader_new(&csv, p->delimiter);
	if (e)
		return e;
	csv_feed(csv, text);
	if (whole)
		csv_end(csv);
	while (r->n < rows) {
		e = csv_next(csv, &rec, NULL);
		if (e == MO_ENOMEM || e == MO_EAGAIN || e == MO_ENOENT)
			break;
		if (e || cells_blank(rec.fields, rec.n))
			continue;
		if (skip) {
			skip--;
			continue;
		}
		r->time[r->n] = mix(mix(cell_hash(&rec, t->time), cell_hash(&rec, t->date)), cell_hash(&rec, t->clock));
		for (size_t k = 0; k < r->n_c; k++)
			r->c[k].cell[r->n] = (uint32_t)cell_hash(&rec, (int)r->c[k].column);
		r->n++;
	}
	csv_reader_free(csv);
	return e == MO_ENOMEM ? e : 0;
}

/* Adds to `chosen` the column that leaves the fewest rows alike, as long as one helps; gives the rows that stay alike. */
static size_t choose(const struct rows *r, uint32_t *chosen, size_t *n_chosen, size_t alike, bool number)
{
	while (*n_chosen < INTAKE_TAGS_MAX && alike > r->n / 100) {
		size_t best = SIZE_MAX, best_alike = alike - alike / 10;
		for (size_t k = 0; k < r->n_c; k++) {
			const struct candidate *c = &r->c[k];
			size_t most = number ? NUMBER_TAG_VALUES : INTAKE_TAG_VALUES;
			if (c->number != number || (*chosen & UINT32_C(1) << k) || c->distinct > most || c->distinct > r->n / 2 || c->distinct < 2)
				continue;
			size_t left = r->n - distinct(r, true, *chosen | UINT32_C(1) << k, SIZE_MAX);
			if (left < best_alike) {
				best_alike = left;
				best = k;
			}
		}
		if (best == SIZE_MAX)
			break;
		*chosen |= UINT32_C(1) << best;
		++*n_chosen;
		alike = best_alike;
	}
	return alike;
}

int tags_choose(struct intake_plan *p, const struct time_choice *t, const struct col_stats *stats, struct span text, bool whole, size_t skip)
{
	struct rows r;
	uint32_t chosen = 0;
	size_t n_chosen = 0, rows = p->rows_seen < INTAKE_SHARE_ROWS ? (size_t)p->rows_seen : INTAKE_SHARE_ROWS;
	int e = rows_new(&r, p, stats, rows);
	if (e == 0 && r.n_c)
		e = gather(&r, rows, p, t, text, whole, skip);
	if (e || r.n_c == 0)
		goto out;
	for (size_t k = 0; k < r.n_c; k++)
		r.c[k].distinct = distinct(&r, false, UINT32_C(1) << k, INTAKE_TAG_VALUES + 1);
	size_t alike = r.n - distinct(&r, true, 0, SIZE_MAX), left = alike;
	if (alike * 10 >= r.n) {
		left = choose(&r, &chosen, &n_chosen, alike, false);
		if (left * 10 >= r.n)
			left = choose(&r, &chosen, &n_chosen, left, true);
		if (left > alike / 2)
			chosen = 0;
	}
	for (size_t k = 0; k < r.n_c; k++) {
		bool constant = !whole && !r.c[k].number && r.c[k].distinct == 1 && r.n > 1;
		if (constant || (chosen & UINT32_C(1) << k))
			p->columns[r.c[k].column].use = USE_TAG;
	}
	/* Names of nothing: what is left to be a value is one. */
	size_t values = 0;
	for (size_t c = 0; c < p->n_columns; c++)
		values += p->columns[c].use == USE_VALUE;
	for (size_t c = 0; c < p->n_columns && values == 0; c++)
		if (p->columns[c].use == USE_TAG)
			p->columns[c].use = USE_VALUE;
out:
	rows_free(&r);
	return e;
}
