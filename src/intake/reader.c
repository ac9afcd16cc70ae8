/* The streaming pass: bytes -> text -> records -> values, gathered into runs.
 *
 * A group is one combination of tag cells. Its block holds the times of its
 * rows once and the values column by column; a full block, or all of them when
 * they pass READER_MEMORY, goes to the sink. A row is written into its block
 * as it is read and counts only once all of it was right.
 *
 * Texts are copied into chunks that are emptied when all blocks were; a text
 * equal to the one above it is not copied again.
 *
 *   OPEN --intake_end--> ENDED        any error: FAILED (final) */
#include <stdlib.h>

#include "base/map.h"
#include "base/num.h"
#include "intake/priv/intake.h"
#include "intake/priv/number.h"
#include "intake/priv/timeread.h"

#define READER_STEP (64u << 10)    /* bytes decoded at a time */
#define READER_MEMORY (24u << 20)  /* of all blocks */
#define READER_TEXT (8u << 20)     /* of all texts */
#define READER_CHUNK (256u << 10)
#define READER_ROWS_MIN 16u        /* of a group's first block */
#define READER_SERIES_MAX (1u << 18) /* groups times columns */

enum time_mode { TIME_CELL, TIME_PAIR, TIME_COUNT_CELL, TIME_COUNT };
enum reader_state { READER_OPEN, READER_ENDED, READER_FAILED };

struct value_col {
	size_t column;
	enum series_type type;
	size_t size;          /* bytes of a value */
	struct span last;     /* STR: the text above, in the chunks */
};
struct slot {
	void *v;
	uint8_t *miss;        /* one a row; valid only while n_miss */
	size_t n_miss;
};
struct group {
	struct span *tags;    /* trimmed cells, owned */
	void **handle;
	uint8_t *known;       /* handle was given */
	struct slot *slots;
	int64_t *t;           /* the block: times, lines, then each column's values and marks */
	uint64_t *line;
	size_t n, cap, bytes;
	size_t next;          /* the group that followed last time */
};
struct chunk {
	struct chunk *next;
	size_t n, cap;
	uint8_t p[];
};
struct intake_reader {
	const struct intake_plan *plan;
	const struct intake_sink *sink;
	void *arg;
	enum reader_state state;
	enum time_mode mode;
	struct plan_use use;
	bool thousands;
	unsigned header_left;
	struct intake_counts counts;
	uint64_t bytes;

	struct text_decoder *decoder;
	struct buf text;
	struct csv_reader *csv;
	struct timeread time;

	struct value_col *values;
	size_t n_values, row_bytes;
	size_t *tags; /* columns */
	size_t n_tags;
	struct span *kv;
	struct span *wide;    /* a ragged row's cells */

	struct group **groups;
	size_t n_groups, cap_groups, last;
	struct map by_tags;
	struct buf key;
	size_t block_bytes;   /* of all groups */
	struct chunk *chunks; /* the first is being filled */
	size_t text_bytes;
	int64_t *run_t;       /* times and rows of a column with gaps */
	uint16_t *run_row;
};

/* ---- memory ---- */

static void chunks_free(struct chunk *c)
{
	while (c) {
		struct chunk *next = c->next;
		free(c);
		c = next;
	}
}

static uint8_t *text_alloc(struct intake_reader *r, size_t n)
{
	struct chunk *c = r->chunks;
	if (!c || n > c->cap - c->n) {
		size_t cap = n > READER_CHUNK ? n : READER_CHUNK; /* n <= SERIES_STR_MAX */
		c = malloc(sizeof(*c) + cap);
		if (!c)
			return NULL;
		*c = (struct chunk){.next = r->chunks, .cap = cap};
		r->chunks = c;
	}
	uint8_t *p = c->p + c->n;
	c->n += n;
	r->text_bytes += n;
	return p;
}

static void text_reset(struct intake_reader *r)
{
	if (r->chunks) {
		chunks_free(r->chunks->next);
		r->chunks->next = NULL;
		r->chunks->n = 0;
	}
	r->text_bytes = 0;
	for (size_t k = 0; k < r->n_values; k++)
		r->values[k].last = (struct span){0};
}

static void group_free(const struct intake_reader *r, struct group *g)
{
	if (!g)
		return;
	if (g->tags)
		for (size_t i = 0; i < r->n_tags; i++)
			free((void *)(uintptr_t)g->tags[i].p);
	free(g->tags);
	free(g->handle);
	free(g->known);
	free(g->slots);
	free(g->t);
	free(g);
}

/* Lays a block of cap rows out; rows already there are copied. */
static int block_resize(struct intake_reader *r, struct group *g, size_t cap)
{
	size_t bytes;
	if (!size_mul(&bytes, cap, r->row_bytes))
		return MO_ELIMIT;
	int64_t *t = malloc(bytes);
	if (!t)
		return MO_ENOMEM;
	memcpy(t, g->t ? g->t : t, g->n * sizeof(*t));
	uint64_t *line = (uint64_t *)(t + cap);
	if (g->n)
		memcpy(line, g->line, g->n * sizeof(*line));
	uint8_t *at = (uint8_t *)(line + cap);
	/* The wide ones first, so that all stand aligned. */
	for (unsigned pass = 0; pass < 2; pass++) {
		for (size_t k = 0; k < r->n_values; k++) {
			size_t size = r->values[k].size;
			if ((size == 1) != (pass == 1))
				continue;
			if (g->n)
				memcpy(at, g->slots[k].v, g->n * size);
			g->slots[k].v = at;
			at += cap * size;
		}
	}
	for (size_t k = 0; k < r->n_values; k++) {
		struct slot *s = &g->slots[k];
		if (s->n_miss) {
			memset(at, 0, cap);
			memcpy(at, s->miss, g->n);
		}
		s->miss = at;
		at += cap;
	}
	free(g->t);
	g->t = t;
	g->line = line;
	r->block_bytes += bytes - g->bytes;
	g->bytes = bytes;
	g->cap = cap;
	return 0;
}

/* ---- to the sink ---- */

static int handle_of(struct intake_reader *r, struct group *g, size_t k, struct diag *d)
{
	size_t n = 0;
	if (g->known[k])
		return 0;
	for (size_t i = 0; i < r->n_tags; i++) {
		if (g->tags[i].n == 0)
			continue;
		r->kv[2 * n] = r->plan->columns[r->tags[i]].signal;
		r->kv[2 * n + 1] = g->tags[i];
		n++;
	}
	int e = r->sink->series(r->arg, r->plan, r->kv, n, r->values[k].column, &g->handle[k], d);
	if (e == 0)
		g->known[k] = 1;
	return e;
}

/* Drops the rows marked missing from the values, and their times and numbers in a copy; gives how many stay. */
static size_t close_gaps(struct intake_reader *r, const struct group *g, size_t k)
{
	const struct slot *s = &g->slots[k];
	size_t size = r->values[k].size, to = 0;
	uint8_t *v = s->v;
	for (size_t i = 0; i < g->n; i++) {
		if (s->miss[i])
			continue;
		r->run_t[to] = g->t[i];
		r->run_row[to] = (uint16_t)i;
		if (to != i)
			memcpy(v + to * size, v + i * size, size);
		to++;
	}
	return to;
}

static int group_flush(struct intake_reader *r, struct group *g, struct diag *d)
{
	if (g->n && r->sink->rows) {
		int e = r->sink->rows(r->arg, g->n, g->t, g->line, d);
		if (e)
			return e;
	}
	for (size_t k = 0; k < r->n_values && g->n; k++) {
		struct slot *s = &g->slots[k];
		if (s->n_miss == g->n)
			continue;
		int e = handle_of(r, g, k, d);
		if (e)
			return e;
		const int64_t *t = g->t;
		const uint16_t *row = NULL;
		size_t n = g->n;
		if (s->n_miss) {
			n = close_gaps(r, g, k);
			t = r->run_t;
			row = r->run_row;
		}
		e = r->sink->run(r->arg, g->handle[k], r->values[k].type, n, row, t, s->v, d);
		if (e)
			return e;
		r->counts.values += n;
	}
	g->n = 0;
	for (size_t k = 0; k < r->n_values; k++)
		g->slots[k].n_miss = 0;
	return 0;
}

static int flush_all(struct intake_reader *r, bool drop, struct diag *d)
{
	for (size_t i = 0; i < r->n_groups; i++) {
		struct group *g = r->groups[i];
		int e = group_flush(r, g, d);
		if (e)
			return e;
		if (drop) {
			free(g->t);
			g->t = NULL;
			g->line = NULL;
			r->block_bytes -= g->bytes;
			g->cap = g->bytes = 0;
		}
	}
	text_reset(r);
	return 0;
}

/* Room for one more row in g. */
static int make_room(struct intake_reader *r, struct group *g, struct diag *d)
{
	if (g->cap >= INTAKE_RUN_ROWS)
		return group_flush(r, g, d);
	size_t cap = g->cap ? g->cap * 4 : READER_ROWS_MIN;
	cap = cap > INTAKE_RUN_ROWS ? INTAKE_RUN_ROWS : cap;
	if (r->block_bytes + (cap - g->cap) * r->row_bytes > READER_MEMORY) {
		if (g->bytes * 4 > READER_MEMORY) /* a wide table: this block is as large as it gets */
			return group_flush(r, g, d);
		int e = flush_all(r, true, d);
		if (e)
			return e;
		cap = READER_ROWS_MIN;
	}
	return block_resize(r, g, cap);
}

/* ---- groups ---- */

static inline struct span trimmed(struct span s)
{
	if (s.n && s.p[0] > ' ' && s.p[s.n - 1] > ' ' && s.p[0] != 0xc2 && s.p[s.n - 1] != 0xa0)
		return s;
	return cell_trim(s);
}

static inline bool same_tags(const struct intake_reader *r, const struct group *g, const struct span *f)
{
	for (size_t i = 0; i < r->n_tags; i++)
		if (!span_eq(trimmed(f[r->tags[i]]), g->tags[i]))
			return false;
	return true;
}

static int group_new(struct intake_reader *r, const struct span *f, size_t *ret)
{
	if (r->n_groups == r->cap_groups) {
		size_t cap = r->cap_groups ? r->cap_groups * 2 : 16;
		struct group **p = realloc(r->groups, cap * sizeof(struct group *));
		if (!p)
			return MO_ENOMEM;
		r->groups = p;
		r->cap_groups = cap;
	}
	struct group *g = calloc(1, sizeof(*g));
	if (!g)
		return MO_ENOMEM;
	g->tags = calloc(r->n_tags + 1, sizeof(*g->tags));
	g->handle = calloc(r->n_values, sizeof(*g->handle));
	g->known = calloc(r->n_values, 1);
	g->slots = calloc(r->n_values, sizeof(*g->slots));
	int e = g->tags && g->handle && g->known && g->slots ? 0 : MO_ENOMEM;
	for (size_t i = 0; e == 0 && i < r->n_tags; i++) {
		struct span s = trimmed(f[r->tags[i]]);
		uint8_t *p = malloc(s.n ? s.n : 1);
		if (!p) {
			e = MO_ENOMEM;
			break;
		}
		if (s.n)
			memcpy(p, s.p, s.n);
		g->tags[i] = span_of(p, s.n);
	}
	if (e == 0)
		e = map_put(&r->by_tags, buf_span(&r->key), r->n_groups);
	if (e) {
		group_free(r, g);
		return e;
	}
	g->next = r->n_groups;
	*ret = r->n_groups;
	r->groups[r->n_groups++] = g;
	return 0;
}

/* MO_EINVAL: a new combination, and there are too many already. */
static int group_find(struct intake_reader *r, const struct span *f, struct group **ret)
{
	if (r->n_groups) {
		struct group *last = r->groups[r->last];
		size_t next = last->next;
		if (same_tags(r, last, f)) {
			*ret = last;
			return 0;
		}
		if (same_tags(r, r->groups[next], f)) {
			r->last = next;
			*ret = r->groups[next];
			return 0;
		}
	}
	buf_reset(&r->key);
	for (size_t i = 0; i < r->n_tags; i++) {
		struct span s = trimmed(f[r->tags[i]]);
		buf_varint(&r->key, s.n);
		buf_add(&r->key, s);
	}
	if (r->key.err)
		return r->key.err;
	uint64_t *found = map_get(&r->by_tags, buf_span(&r->key));
	size_t at;
	if (found) {
		at = (size_t)*found;
	} else {
		if ((r->n_groups + 1) * r->n_values > READER_SERIES_MAX && r->n_groups)
			return MO_EINVAL;
		int e = group_new(r, f, &at);
		if (e)
			return e;
	}
	r->groups[r->last]->next = at;
	r->last = at;
	*ret = r->groups[at];
	return 0;
}

/* ---- rows ---- */

static struct span column_name(const struct intake_reader *r, size_t c) { return r->plan->columns[c].name; }

static int say_refused(struct intake_reader *r, uint64_t line, const struct span *f, size_t n, struct diag *why)
{
	r->counts.refused++;
	if (why->line == 0)
		diag_line(why, line, 0);
	return r->sink->refused ? r->sink->refused(r->arg, line, f, n, why) : 0;
}

__attribute__((cold)) static int refuse_cell(struct intake_reader *r, const struct csv_record *rec, size_t column, struct span cell, enum mo_msg msg,
	const char *expected, int64_t number)
{
	struct diag why;
	diag_clear(&why);
	diag_set(&why, MO_EINVAL, msg);
	diag_line(&why, rec->line, 0);
	diag_field(&why, column_name(r, column));
	diag_value(&why, cell);
	diag_expected(&why, expected);
	diag_int(&why, 0, number);
	return say_refused(r, rec->line, rec->fields, rec->n, &why);
}

__attribute__((cold)) static int refuse_width(struct intake_reader *r, const struct csv_record *rec)
{
	struct diag why;
	diag_clear(&why);
	diag_set(&why, MO_EINVAL, MSG_INTAKE_ROW_FIELDS);
	diag_line(&why, rec->line, 0);
	diag_int(&why, 0, (int64_t)rec->n);
	diag_int(&why, 1, (int64_t)r->plan->n_columns);
	return say_refused(r, rec->line, rec->fields, rec->n, &why);
}

__attribute__((cold)) static int refuse_time(struct intake_reader *r, const struct csv_record *rec, const struct span *f, int err)
{
	size_t c = (size_t)(r->mode == TIME_PAIR ? r->use.date : r->use.time);
	if (r->mode == TIME_PAIR) { /* the cell that is wrong */
		struct time_parts p;
		if (timeform_parse_date(&p, r->use.form, cell_trim(f[c])) && err != MO_ELIMIT)
			c = (size_t)r->use.clock;
	}
	if (cell_trim(f[c]).n == 0)
		return refuse_cell(r, rec, c, f[c], MSG_INTAKE_NO_TIME, r->use.form->name, 0);
	if (err == MO_ELIMIT)
		return refuse_cell(r, rec, c, f[c], MSG_INTAKE_TIME_RANGE, "1677-09-21..2262-04-11", 0);
	return refuse_cell(r, rec, c, f[c], MSG_INTAKE_BAD_TIME, r->use.form->name, 0);
}

/* Marks row n of the slot as without value. */
static inline void mark_missing(struct group *g, struct slot *s)
{
	if (s->n_miss == 0)
		memset(s->miss, 0, g->cap);
	s->miss[g->n] = 1;
	s->n_miss++;
}

static inline int take_text(struct intake_reader *r, struct value_col *v, struct span cell, struct span *ret, enum cell_read *ret_read)
{
	*ret_read = CELL_OK;
	if (cell.n == v->last.n && cell.n && memcmp(cell.p, v->last.p, cell.n) == 0) {
		*ret = v->last;
		return 0;
	}
	cell = trimmed(cell);
	if (cell_is_missing(cell, true)) {
		*ret_read = CELL_MISSING;
		return 0;
	}
	if (cell.n > SERIES_STR_MAX) {
		*ret_read = CELL_BAD;
		return 0;
	}
	uint8_t *p = text_alloc(r, cell.n);
	if (!p)
		return MO_ENOMEM;
	memcpy(p, cell.p, cell.n);
	*ret = v->last = span_of(p, cell.n);
	return 0;
}

static int refuse_value(struct intake_reader *r, const struct csv_record *rec, const struct span *f, struct group *g, size_t k)
{
	static const enum mo_msg msgs[] = {MSG_NONE, MSG_INTAKE_BAD_NUMBER, MSG_INTAKE_BAD_INTEGER, MSG_INTAKE_BAD_BOOLEAN, MSG_INTAKE_TEXT_TOO_LONG};
	static const char *const expected[] = {NULL, "1395, 1,395, 13.95", "1395, 1,395", "true, false, yes, no, on, off, 1, 0", NULL};
	for (size_t i = 0; i < k; i++) {
		struct slot *s = &g->slots[i];
		if (s->n_miss && s->miss[g->n]) {
			s->miss[g->n] = 0;
			s->n_miss--;
		}
	}
	const struct value_col *v = &r->values[k];
	return refuse_cell(r, rec, v->column, f[v->column], msgs[v->type], expected[v->type], SERIES_STR_MAX);
}

/* The row's values into row n of the group. *ret_missing: cells without value. 1: the row was refused. */
static inline int take_values(struct intake_reader *r, const struct csv_record *rec, const struct span *f, struct group *g, size_t *ret_missing)
{
	size_t missing = 0, n = g->n;
	for (size_t k = 0; k < r->n_values; k++) {
		struct value_col *v = &r->values[k];
		struct slot *s = &g->slots[k];
		struct span cell = f[v->column];
		enum cell_read read = CELL_OK;
		switch (v->type) {
		case SERIES_F64:
			read = number_f64((double *)s->v + n, cell, r->thousands);
			break;
		case SERIES_STR: {
			int e = take_text(r, v, cell, (struct span *)s->v + n, &read);
			if (e)
				return e;
			break;
		}
		case SERIES_I64:
			read = number_i64((int64_t *)s->v + n, cell, r->thousands);
			break;
		case SERIES_BOOL:
			read = number_bool((uint8_t *)s->v + n, cell);
			break;
		}
		if (read == CELL_OK)
			continue;
		if (read == CELL_BAD) {
			int e = refuse_value(r, rec, f, g, k);
			return e ? e : 1;
		}
		mark_missing(g, s);
		missing++;
	}
	*ret_missing = missing;
	return 0;
}

/* The row's time. 1: refused. */
static inline int take_time(struct intake_reader *r, const struct csv_record *rec, const struct span *f, int64_t *ret)
{
	int e = 0;
	switch (r->mode) {
	case TIME_CELL:
		e = timeread(&r->time, ret, f[r->use.time]);
		break;
	case TIME_PAIR:
		e = timeread_pair(&r->time, ret, f[r->use.date], f[r->use.clock]);
		break;
	case TIME_COUNT_CELL:
		if (number_i64(ret, f[r->use.number], r->thousands) == CELL_OK && *ret >= 0 && *ret < INT64_MAX)
			return 0;
		e = refuse_cell(r, rec, (size_t)r->use.number, f[r->use.number], MSG_INTAKE_BAD_ROW_NUMBER, "0..", 0);
		return e ? e : 1;
	case TIME_COUNT:
		*ret = (int64_t)r->counts.rows;
		return 0;
	}
	if (e == 0)
		return 0;
	e = refuse_time(r, rec, f, e);
	return e ? e : 1;
}

/* A row of another width: shorter ones lack their last cells, longer ones may only end in blanks. NULL: refused with *ret. */
static const struct span *fit_width(struct intake_reader *r, const struct csv_record *rec, int *ret)
{
	size_t n = r->plan->n_columns;
	*ret = 0;
	if (rec->n > n) {
		if (cells_blank(rec->fields + n, rec->n - n))
			return rec->fields;
		*ret = refuse_width(r, rec);
		return NULL;
	}
	memcpy(r->wide, rec->fields, rec->n * sizeof(*r->wide));
	for (size_t i = rec->n; i < n; i++)
		r->wide[i] = span_of("", 0);
	return r->wide;
}

static int take_row(struct intake_reader *r, const struct csv_record *rec, struct diag *d)
{
	const struct span *f = rec->fields;
	struct group *g;
	size_t missing = 0;
	int64_t t;
	int e;
	if (rec->n == 0 || (f[0].n == 0 && cells_blank(f, rec->n)))
		return 0;
	if (r->header_left) {
		r->header_left--;
		return 0;
	}
	r->counts.rows++;
	if (rec->n != r->plan->n_columns) {
		f = fit_width(r, rec, &e);
		if (!f)
			return e;
	}
	e = take_time(r, rec, f, &t);
	if (e)
		return e < 0 ? e : 0;
	e = group_find(r, f, &g);
	if (e == MO_EINVAL)
		return refuse_cell(r, rec, r->tags[0], f[r->tags[0]], MSG_INTAKE_TOO_MANY_SERIES, NULL, (int64_t)(READER_SERIES_MAX / r->n_values));
	if (e)
		return e;
	if (r->text_bytes > READER_TEXT) {
		e = flush_all(r, false, d);
		if (e)
			return e;
	}
	if (g->n == g->cap) {
		e = make_room(r, g, d);
		if (e)
			return e;
	}
	e = take_values(r, rec, f, g, &missing);
	if (e)
		return e < 0 ? e : 0;
	g->t[g->n] = t;
	g->line[g->n++] = rec->line;
	r->counts.missing += missing;
	return 0;
}

static int take_records(struct intake_reader *r, struct diag *d)
{
	struct csv_record rec;
	struct diag why;
	for (;;) {
		int e = csv_next(r->csv, &rec, &why);
		if (e == MO_EAGAIN || e == MO_ENOENT)
			return 0;
		if (e == MO_EINVAL || e == MO_ELIMIT) {
			r->counts.rows++;
			if (r->header_left)
				r->header_left--;
			e = say_refused(r, why.line, NULL, 0, &why);
		} else if (e == 0) {
			e = take_row(r, &rec, d);
		}
		if (e)
			return e;
	}
}

/* ---- open, feed, end ---- */

static int open_columns(struct intake_reader *r)
{
	const struct intake_plan *p = r->plan;
	r->values = calloc(p->n_columns, sizeof(*r->values));
	r->tags = calloc(p->n_columns, sizeof(*r->tags));
	r->kv = calloc(2 * p->n_columns, sizeof(*r->kv));
	r->wide = calloc(p->n_columns, sizeof(*r->wide));
	r->run_t = malloc(INTAKE_RUN_ROWS * sizeof(*r->run_t));
	r->run_row = malloc(INTAKE_RUN_ROWS * sizeof(*r->run_row));
	if (!r->values || !r->tags || !r->kv || !r->wide || !r->run_t || !r->run_row)
		return MO_ENOMEM;
	r->row_bytes = sizeof(int64_t) + sizeof(uint64_t);
	for (size_t c = 0; c < p->n_columns; c++) {
		const struct intake_column *col = &p->columns[c];
		if (col->use == USE_TAG) {
			r->tags[r->n_tags++] = c;
		} else if (col->use == USE_VALUE) {
			size_t size = col->type == SERIES_STR ? sizeof(struct span) : col->type == SERIES_BOOL ? 1 : 8;
			r->values[r->n_values++] = (struct value_col){.column = c, .type = col->type, .size = size};
			r->row_bytes += size + 1;
		}
	}
	return 0;
}

int intake_open(struct intake_reader **ret, const struct intake_plan *p, const struct zone *z, const struct intake_sink *sink, void *arg, struct diag *d)
{
	struct plan_use use;
	diag_clear(d);
	int e = plan_check(&use, p, d);
	if (e)
		return e;
	struct intake_reader *r = calloc(1, sizeof(*r));
	if (!r)
		return MO_ENOMEM;
	r->plan = p;
	r->sink = sink;
	r->arg = arg;
	r->use = use;
	r->mode = use.time >= 0 ? TIME_CELL : use.date >= 0 ? TIME_PAIR : use.number >= 0 ? TIME_COUNT_CELL : TIME_COUNT;
	r->thousands = plan_thousands(p);
	r->header_left = p->header_lines;
	map_init(&r->by_tags);
	buf_init(&r->key, 0);
	buf_init(&r->text, 0);
	timeread_init(&r->time, use.form, z);
	e = open_columns(r);
	if (e == 0)
		e = text_decoder_new(&r->decoder, p->encoding);
	if (e == 0)
		e = csv_reader_new(&r->csv, p->delimiter);
	if (e) {
		intake_close(r);
		return e;
	}
	*ret = r;
	return 0;
}

static int feed(struct intake_reader *r, struct span piece, bool end, struct diag *d)
{
	buf_reset(&r->text);
	int e = text_decode(r->decoder, &r->text, piece, end);
	if (e)
		return e;
	csv_feed(r->csv, buf_span(&r->text));
	if (end)
		csv_end(r->csv);
	e = take_records(r, d);
	if (e)
		return e;
	r->bytes += piece.n;
	return r->sink->progress && r->sink->progress(r->arg, r->bytes) ? MO_ECANCELED : 0;
}

int intake_feed(struct intake_reader *r, struct span bytes, struct diag *d)
{
	diag_clear(d);
	if (r->state != READER_OPEN)
		return MO_ESTATE;
	for (size_t at = 0; at < bytes.n; at += READER_STEP) {
		int e = feed(r, span_sub(bytes, at, READER_STEP), false, d);
		if (e) {
			r->state = READER_FAILED;
			return e;
		}
	}
	return 0;
}

int intake_end(struct intake_reader *r, struct intake_counts *ret, struct diag *d)
{
	diag_clear(d);
	if (r->state != READER_OPEN)
		return MO_ESTATE;
	int e = feed(r, span_of("", 0), true, d);
	if (e == 0)
		e = flush_all(r, true, d);
	r->state = e ? READER_FAILED : READER_ENDED;
	if (e)
		return e;
	r->counts.bad_text = text_decoder_bad(r->decoder);
	*ret = r->counts;
	return 0;
}

static int count_series(void *arg, const struct intake_plan *p, const struct span *tag_kv, size_t n_tags, size_t column, void **ret, struct diag *d)
{
	(void)p, (void)tag_kv, (void)n_tags, (void)column, (void)d;
	*ret = arg;
	return 0;
}

static int count_run(void *arg, void *series, enum series_type type, size_t n, const uint16_t *row, const int64_t *t_ns, const void *v, struct diag *d)
{
	(void)arg, (void)series, (void)type, (void)n, (void)row, (void)t_ns, (void)v, (void)d;
	return 0;
}

int intake_refused_rows(uint64_t *ret, const struct intake_plan *p, const struct zone *z, struct span head, struct diag *d)
{
	static const struct intake_sink sink = {.series = count_series, .run = count_run};
	struct intake_counts counts;
	struct intake_reader *r = NULL;
	int e = intake_open(&r, p, z, &sink, &counts, d);
	if (e == 0)
		e = intake_feed(r, head, d);
	if (e == 0)
		e = intake_end(r, &counts, d);
	if (e == 0)
		*ret = counts.refused;
	intake_close(r);
	return e;
}

void intake_close(struct intake_reader *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->n_groups; i++)
		group_free(r, r->groups[i]);
	free(r->groups);
	chunks_free(r->chunks);
	map_free(&r->by_tags);
	buf_free(&r->key);
	buf_free(&r->text);
	text_decoder_free(r->decoder);
	csv_reader_free(r->csv);
	free(r->values);
	free(r->tags);
	free(r->kv);
	free(r->wide);
	free(r->run_t);
	free(r->run_row);
	free(r);
}
