/* The first rows with each cell as the plan reads it. */
#include <stdio.h>

#include "base/num.h"
#include "intake/priv/intake.h"
#include "intake/priv/number.h"
#include "intake/priv/timeread.h"

static void say(struct intake_cell *c, struct span s) { diag_copy(c->reading, sizeof(c->reading), s); }

/* "2021-09-06 10:05:03.500" on the reader's wall. */
static void say_time(struct intake_cell *c, int64_t t_ns, const struct zone *z)
{
	struct civil l;
	if (z)
		zone_local(&l, z, t_ns);
	else
		civil_from_ns(&l, t_ns);
	int n = snprintf(c->reading, sizeof(c->reading), "%04d-%02u-%02u %02u:%02u:%02u", (int)l.year, l.month, l.day, l.hour, l.minute, l.second);
	if (l.ns % NS_PER_MS)
		snprintf(c->reading + n, sizeof(c->reading) - (size_t)n, ".%09u", (unsigned)l.ns);
	else if (l.ns)
		snprintf(c->reading + n, sizeof(c->reading) - (size_t)n, ".%03u", (unsigned)(l.ns / NS_PER_MS));
}

static void read_value(struct intake_cell *c, enum series_type type, bool thousands)
{
	char text[32];
	double v;
	int64_t i;
	uint8_t b;
	struct span s = cell_trim(c->text);
	enum cell_read k = CELL_BAD;
	switch (type) {
	case SERIES_F64:
		k = number_f64(&v, s, thousands);
		if (k == CELL_OK)
			say(c, span_of(text, num_format_f64(text, v)));
		break;
	case SERIES_I64:
		k = number_i64(&i, s, thousands);
		if (k == CELL_OK)
			say(c, span_of(text, num_format_i64(text, i)));
		break;
	case SERIES_BOOL:
		k = number_bool(&b, s);
		if (k == CELL_OK)
			say(c, span_str(b ? "true" : "false"));
		break;
	case SERIES_STR:
		k = cell_is_missing(s, true) ? CELL_MISSING : s.n <= SERIES_STR_MAX ? CELL_OK : CELL_BAD;
		if (k == CELL_OK)
			say(c, s);
		break;
	}
	if (k == CELL_MISSING)
		say(c, span_str("–"));
	c->ok = k != CELL_BAD;
}

static void read_row(struct intake_cell *cells, const struct intake_plan *p, const struct plan_use *use, struct timeread *time, const struct zone *z)
{
	int64_t t;
	for (size_t c = 0; c < p->n_columns; c++) {
		struct intake_cell *cell = &cells[c];
		int at = (int)c;
		cell->ok = true;
		if (at == use->time || at == use->date || at == use->clock) {
			int e = use->time >= 0 ? timeread(time, &t, cell->text) : timeread_pair(time, &t, cells[use->date].text, cells[use->clock].text);
			cell->ok = e == 0;
			if (e == 0)
				say_time(cell, t, z);
		} else if (p->columns[c].use == USE_VALUE) {
			read_value(cell, p->columns[c].type, plan_thousands(p));
		} else if (p->columns[c].use == USE_NUMBER) {
			read_value(cell, SERIES_I64, plan_thousands(p));
		} else if (p->columns[c].use == USE_TAG) {
			say(cell, cell_trim(cell->text));
		}
	}
}

/* The cells of a record into row `row` of the preview. */
static int keep_row(struct intake_cell *cells, struct arena *a, const struct intake_plan *p, const struct csv_record *rec)
{
	for (size_t c = 0; c < p->n_columns; c++) {
		struct span s = c < rec->n ? rec->fields[c] : span_str("");
		cells[c].text = arena_dup(a, s);
		if (!cells[c].text.p)
			return MO_ENOMEM;
	}
	return 0;
}

static int preview(struct intake_cell *cells, size_t *ret_rows, struct arena *a, const struct intake_plan *p, const struct plan_use *use, const struct zone *z,
	struct span text, bool whole, size_t max_rows)
{
	struct csv_reader *csv;
	struct csv_record rec;
	struct timeread time;
	unsigned skip = p->header_lines;
	size_t n = 0;
	int e = csv_reader_new(&csv, p->delimiter);
	if (e)
		return e;
	timeread_init(&time, use->form, z);
	csv_feed(csv, text);
	if (whole)
		csv_end(csv);
	while (n < max_rows) {
		e = csv_next(csv, &rec, NULL);
		if (e == MO_ENOMEM || e == MO_EAGAIN || e == MO_ENOENT)
			break;
		if (skip && (e || !cells_blank(rec.fields, rec.n))) {
			skip--;
			continue;
		}
		if (e || cells_blank(rec.fields, rec.n))
			continue;
		e = keep_row(cells + n * p->n_columns, a, p, &rec);
		if (e)
			break;
		read_row(cells + n * p->n_columns, p, use, &time, z);
		n++;
	}
	csv_reader_free(csv);
	*ret_rows = n;
	return e == MO_ENOMEM ? e : 0;
}

int intake_preview(struct intake_cell **ret, size_t *ret_rows, struct arena *a, const struct intake_plan *p, const struct zone *z, struct span head, size_t max_rows,
	struct diag *d)
{
	struct plan_use use;
	struct buf text;
	size_t n = 0;
	diag_clear(d);
	bool whole = head.n < INTAKE_HEAD_MAX;
	head = span_sub(head, 0, INTAKE_HEAD_MAX);
	if (max_rows > INTAKE_PREVIEW_ROWS_MAX)
		max_rows = INTAKE_PREVIEW_ROWS_MAX;
	int e = plan_check(&use, p, d);
	if (e)
		return e;
	struct intake_cell *cells = arena_calloc(a, (max_rows ? max_rows : 1) * p->n_columns, sizeof(*cells));
	if (!cells)
		return MO_ENOMEM;
	buf_init(&text, 0);
	e = head_text_decode(&text, p->encoding, head, whole);
	if (e == 0)
		e = preview(cells, &n, a, p, &use, z, buf_span(&text), whole, max_rows);
	buf_free(&text);
	if (e)
		return e;
	*ret = cells;
	*ret_rows = n;
	return 0;
}
