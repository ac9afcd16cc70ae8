/* Runs statements and writes what they give as InfluxDB 1.8 writes it. The
 * sentences inside a result are part of that protocol: English, as its clients
 * expect. */
#include <stdlib.h>

#include "base/num.h"
#include "query/priv/select.h"

/* ---- cells ---- */

/* RFC 3339 with as many decimals as are needed: what Go calls RFC3339Nano. */
static void time_text(char out[40], int64_t t_ns)
{
	size_t n = rfc3339_format(out, t_ns); /* 0, 3, 6 or 9 decimals */
	if (n < 2 || !memchr(out, '.', n))
		return;
	size_t end = n - 1; /* the Z */
	while (out[end - 1] == '0')
		end--;
	memcpy(out + end, "Z", 2);
}

void select_time(struct json_writer *w, const struct influx_options *opt, int64_t t_ns)
{
	char text[40];
	if (opt->epoch_ns > 0) {
		jw_i64(w, t_ns / opt->epoch_ns);
		return;
	}
	time_text(text, t_ns);
	jw_cstr(w, text);
}

static void write_value(struct json_writer *w, const struct rows_value *v)
{
	switch (v->type) {
	case SERIES_F64:
		jw_f64(w, v->v.f64);
		break;
	case SERIES_I64:
		jw_i64(w, v->v.i64);
		break;
	case SERIES_BOOL:
		jw_bool(w, v->v.b != 0);
		break;
	case SERIES_STR:
		jw_str(w, v->v.str);
		break;
	}
}

/* A column of a row: false when it is null. Tags are texts. */
static bool cell(const struct rows *r, const struct select_column *c, struct rows_value *ret)
{
	if (!c->is_tag)
		return c->slot >= 0 && rows_value(r, (size_t)c->slot, ret);
	*ret = (struct rows_value){SERIES_STR, {.str = ix_tag(r->set, c->tag)}};
	return ret->v.str.p != NULL;
}

/* ---- a group's rows ---- */

struct group {
	struct select_run *r;
	const struct select_plan *p;
	const struct select_source *sources; /* n of the plan's, equal in group */
	size_t n;
	struct rows *rows;        /* one a source */
	struct rows_slot *slots;  /* n * n_slots */
	uint64_t skipped, written;
	uint64_t *budget;
	bool open;                /* the series' object stands open in the answer */
	bool cut;                 /* the request's rows are used up */
};

static void series_open(struct group *g)
{
	struct json_writer *w = g->r->w;
	if (!g->r->any) {
		jw_key(w, "series");
		jw_array(w);
		g->r->any = true;
	}
	jw_object(w);
	jw_key(w, "name");
	jw_str(w, g->p->name);
	if (g->p->n_dims) {
		jw_key(w, "tags");
		jw_object(w);
		for (size_t i = 0; i < g->p->n_dims; i++) {
			jw_key_span(w, g->p->dims[i]);
			jw_str(w, g->sources[0].group[i]);
		}
		jw_object_end(w);
	}
	jw_key(w, "columns");
	jw_array(w);
	jw_cstr(w, "time");
	for (size_t i = 0; i < g->p->n_cols; i++)
		jw_cstr(w, g->p->cols[i].name);
	jw_array_end(w);
	jw_key(w, "values");
	jw_array(w);
	g->open = true;
}

static void series_close(struct group *g)
{
	struct json_writer *w = g->r->w;
	if (!g->open)
		return;
	jw_array_end(w);
	if (g->cut) {
		jw_key(w, "partial");
		jw_bool(w, true);
	}
	jw_object_end(w);
	g->open = false;
}

/* What OFFSET, LIMIT and the request's rows say to one more row: 1 write it, 0 pass over it, -1 no more. */
static int wanted(struct group *g)
{
	const struct ql_select *s = g->p->s;
	if (g->skipped < s->offset) {
		g->skipped++;
		return 0;
	}
	if (s->limit && g->written == s->limit)
		return -1;
	if (*g->r->rows_left == 0) {
		g->cut = true;
		return -1;
	}
	return 1;
}

static void row_begin(struct group *g, int64_t t_ns)
{
	if (!g->open)
		series_open(g);
	g->written++;
	--*g->r->rows_left;
	jw_array(g->r->w);
	select_time(g->r->w, g->r->opt, t_ns);
}

static void write_row(struct group *g, const struct rows *r)
{
	struct rows_value v;
	row_begin(g, r->t_ns);
	for (size_t i = 0; i < g->p->n_cols; i++)
		if (cell(r, &g->p->cols[i], &v))
			write_value(g->r->w, &v);
		else
			jw_null(g->r->w);
	jw_array_end(g->r->w);
}

/* At one time: texts in the order of the columns as far as there are texts, then the key of the series. */
static int rows_cmp(const struct group *g, const struct rows *a, const struct rows *b)
{
	bool down = g->p->s->descending;
	if (a->t_ns != b->t_ns)
		return (a->t_ns < b->t_ns) != down ? -1 : 1;
	for (size_t i = 0; i < g->p->n_cols; i++) {
		struct rows_value x, y;
		if (!cell(a, &g->p->cols[i], &x) || !cell(b, &g->p->cols[i], &y) || x.type != SERIES_STR || y.type != SERIES_STR)
			break;
		int c = span_cmp(x.v.str, y.v.str);
		if (c)
			return down ? -c : c;
	}
	return a < b ? -1 : a > b;
}

static void sift_down(const struct group *g, struct rows **heap, size_t n, size_t i)
{
	for (;;) {
		size_t least = i, l = 2 * i + 1, r = l + 1;
		if (l < n && rows_cmp(g, heap[l], heap[least]) < 0)
			least = l;
		if (r < n && rows_cmp(g, heap[r], heap[least]) < 0)
			least = r;
		if (least == i)
			return;
		struct rows *t = heap[i];
		heap[i] = heap[least];
		heap[least] = t;
		i = least;
	}
}

static const struct ql_expr *condition(const struct group *g, size_t i) { return g->sources[i].filter ? g->p->s->where : NULL; }

static int merge(struct group *g, struct rows **heap, struct diag *d)
{
	size_t n = 0;
	int err = 0;
	for (size_t i = 0; i < g->n; i++) {
		if ((err = rows_next(&g->rows[i], condition(g, i), g->budget, d)) < 0)
			return err;
		if (err)
			heap[n++] = &g->rows[i];
	}
	for (size_t i = n; i-- > 0;)
		sift_down(g, heap, n, i);
	while (n) {
		struct rows *r = heap[0];
		int want = wanted(g);
		if (want < 0)
			break;
		if (want)
			write_row(g, r);
		if (g->r->w->out->err)
			return g->r->w->out->err;
		if ((err = rows_next(r, condition(g, (size_t)(r - g->rows)), g->budget, d)) < 0)
			return err;
		if (!err)
			heap[0] = heap[--n];
		sift_down(g, heap, n, 0);
	}
	return 0;
}

static int open_source(struct group *g, size_t i, bool descending, int only, struct diag *d)
{
	const struct select_source *s = &g->sources[i];
	struct rows *r = &g->rows[i];
	*r = (struct rows){.set = s->set, .slots = g->slots + i * g->p->n_slots, .n_slots = g->p->n_slots};
	for (size_t k = 0; k < g->p->n_slots; k++)
		r->slots[k] = (struct rows_slot){.id = s->ids[k], .type = s->types[k]};
	for (size_t k = 0; k < g->p->n_cols; k++) {
		const struct select_column *c = &g->p->cols[k];
		if (c->slot >= 0 && (only < 0 ? !c->last : c->slot == only))
			r->slots[c->slot].drives = true;
	}
	return rows_open(r, g->r->db, g->p->s->from_ns, g->p->s->to_ns, descending, d);
}

static int raw_group(struct group *g, struct diag *d)
{
	struct rows **heap = calloc(g->n, sizeof *heap);
	int err = heap ? 0 : diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	for (size_t i = 0; i < g->n && !err; i++)
		err = open_source(g, i, g->p->s->descending, -1, d);
	if (!err)
		err = merge(g, heap, d);
	for (size_t i = 0; i < g->n; i++)
		rows_close(&g->rows[i]);
	free(heap);
	return err;
}

/* ---- last() ---- */

struct kept {
	bool has;
	struct rows_value v;
};
struct found {
	bool any;
	int64_t t_ns;
	struct kept *cells; /* one a column */
};

/* Of two values of one time InfluxDB takes the greater. */
static bool greater(const struct rows_value *a, const struct rows_value *b)
{
	if (a->type != b->type)
		return false;
	switch (a->type) {
	case SERIES_F64:
		return a->v.f64 > b->v.f64;
	case SERIES_I64:
		return a->v.i64 > b->v.i64;
	case SERIES_BOOL:
		return a->v.b && !b->v.b;
	case SERIES_STR:
		return span_cmp(a->v.str, b->v.str) > 0;
	}
	return false;
}

static int keep(struct group *g, const struct rows *r, struct found *f)
{
	f->any = true;
	f->t_ns = r->t_ns;
	for (size_t i = 0; i < g->p->n_cols; i++) {
		struct kept *k = &f->cells[i];
		k->has = cell(r, &g->p->cols[i], &k->v);
		if (k->has && k->v.type == SERIES_STR && !g->p->cols[i].is_tag) {
			k->v.v.str = arena_dup(g->r->a, k->v.v.str);
			if (!k->v.v.str.p)
				return MO_ENOMEM;
		}
	}
	return 0;
}

/* The last row that has a value in the column's slot, over the group. */
static int find_last(struct group *g, size_t col, struct found *f, struct diag *d)
{
	int slot = g->p->cols[col].slot, err = 0;
	for (size_t i = 0; i < g->n && err >= 0 && slot >= 0; i++) {
		struct rows_value v;
		struct rows *r = &g->rows[i];
		if (!g->sources[i].ids[slot])
			continue;
		err = open_source(g, i, true, slot, d);
		if (!err)
			err = rows_next(r, condition(g, i), g->budget, d);
		if (err > 0 && rows_value(r, (size_t)slot, &v) &&
			(!f->any || r->t_ns > f->t_ns || (r->t_ns == f->t_ns && f->cells[col].has && greater(&v, &f->cells[col].v))))
			err = keep(g, r, f);
		rows_close(r);
	}
	return err < 0 ? err : 0;
}

static int last_group(struct group *g, struct diag *d)
{
	const struct select_plan *p = g->p;
	struct kept *cells = calloc(p->n_cols * 2, sizeof *cells);
	struct found all = {.cells = cells}, one = {.cells = cells ? cells + p->n_cols : NULL};
	int err = cells ? 0 : MO_ENOMEM;
	for (size_t i = 0; i < p->n_cols && !err; i++) {
		if (!p->cols[i].last)
			continue;
		one.any = false;
		err = find_last(g, i, &one, d);
		if (err || !one.any)
			continue;
		all.any = true;
		if (p->n_lasts == 1) {
			all.t_ns = one.t_ns;
			memcpy(all.cells, one.cells, p->n_cols * sizeof *all.cells);
		} else {
			/* Several selectors have no time in common: the row stands at the begin of the range, or 1970 without one. */
			all.t_ns = p->s->from_ns == INT64_MIN ? 0 : p->s->from_ns;
			all.cells[i] = one.cells[i];
		}
	}
	if (!err && all.any && wanted(g) > 0) {
		row_begin(g, all.t_ns);
		for (size_t i = 0; i < p->n_cols; i++)
			if (all.cells[i].has)
				write_value(g->r->w, &all.cells[i].v);
			else
				jw_null(g->r->w);
		jw_array_end(g->r->w);
	}
	free(cells);
	return err;
}

/* ---- SELECT ---- */

static bool same_group(const struct select_plan *p, const struct select_source *a, const struct select_source *b)
{
	for (size_t i = 0; i < p->n_dims; i++)
		if (!span_eq(a->group[i], b->group[i]))
			return false;
	return true;
}

static int run_group(struct group *g, const char **why, struct diag *d)
{
	size_t slots, n = 0;
	for (size_t i = 0; i < g->n; i++)
		for (size_t k = 0; k < g->p->n_slots; k++)
			n += g->sources[i].ids[k] != 0;
	if (!g->p->n_lasts && n > SELECT_CURSORS_MAX) {
		*why = "too many series at once: narrow the condition or GROUP BY a tag";
		return MO_ESTATE;
	}
	if (!size_mul(&slots, g->n, g->p->n_slots))
		return MO_ENOMEM;
	g->rows = calloc(g->n, sizeof *g->rows);
	g->slots = calloc(slots ? slots : 1, sizeof *g->slots);
	int err = g->rows && g->slots ? 0 : diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	if (!err)
		err = g->p->n_lasts ? last_group(g, d) : raw_group(g, d);
	if (!err && g->cut && !g->open)
		series_open(g); /* so that there is a place to say that rows are missing */
	if (!err)
		series_close(g);
	if (err == MO_ELIMIT && !g->r->w->out->err) {
		*why = "too many points to look at: narrow the time range";
		err = MO_ESTATE;
	}
	free(g->rows);
	free(g->slots);
	return err;
}

int select_run(struct select_run *r, const struct select_plan *p, const char **why, struct diag *d)
{
	uint64_t budget = SELECT_POINTS_MAX;
	int err = 0;
	bool cut = false;
	for (size_t i = 0, n; i < p->n_sources && !err && !cut; i += n) {
		for (n = 1; i + n < p->n_sources && same_group(p, &p->sources[i], &p->sources[i + n]); n++)
			;
		struct group g = {.r = r, .p = p, .sources = p->sources + i, .n = n, .budget = &budget};
		err = run_group(&g, why, d);
		cut = g.cut;
	}
	if (!err && r->any)
		jw_array_end(r->w);
	return err;
}

/* ---- statements ---- */

struct run {
	struct series_index *x;
	struct sdb *db;
	const struct influx_databases *dbs;
	const struct influx_options *opt;
	struct arena *a;
	struct json_writer w;
	uint64_t rows_left;
	struct diag *d;
};

static void error(struct run *q, const char *text)
{
	jw_key(&q->w, "error");
	jw_cstr(&q->w, text);
}

static int show_database(void *arg, struct span name)
{
	struct json_writer *w = arg;
	jw_array(w);
	jw_str(w, name);
	jw_array_end(w);
	return w->out->err;
}

static int show_databases(struct run *q)
{
	jw_key(&q->w, "series");
	jw_array(&q->w);
	jw_object(&q->w);
	jw_key(&q->w, "name");
	jw_cstr(&q->w, "databases");
	jw_key(&q->w, "columns");
	jw_array(&q->w);
	jw_cstr(&q->w, "name");
	jw_array_end(&q->w);
	jw_key(&q->w, "values");
	jw_array(&q->w);
	int err = q->dbs && q->dbs->list ? q->dbs->list(q->dbs->arg, show_database, &q->w) : 0;
	jw_array_end(&q->w);
	jw_object_end(&q->w);
	jw_array_end(&q->w);
	return err;
}

static int create_database(struct run *q, const struct ql_statement *st)
{
	if (!st->name.n) {
		error(q, "invalid name");
		return 0;
	}
	int err = q->dbs && q->dbs->create ? q->dbs->create(q->dbs->arg, st->name, q->d) : 0;
	if (err || !st->ignored)
		return err;
	jw_key(&q->w, "messages");
	jw_array(&q->w);
	jw_object(&q->w);
	jw_key(&q->w, "level");
	jw_cstr(&q->w, "warning");
	jw_key(&q->w, "text");
	jw_cstr(&q->w, "WITH is ignored: everything is kept, in one retention policy");
	jw_object_end(&q->w);
	jw_array_end(&q->w);
	return 0;
}

static int select_statement(struct run *q, const struct ql_statement *st)
{
	struct select_plan p;
	const char *why = NULL;
	struct buf *out = q->w.out;
	size_t begin = out->n;
	struct json_writer before = q->w;
	struct select_run r = {q->db, q->a, q->opt, &q->w, &q->rows_left, false};
	int err = select_plan(&p, q->a, q->x, st->select, &why);
	if (!err)
		err = select_run(&r, &p, &why, q->d);
	if (!err || out->err)
		return err;
	/* What was written of it goes; the statement's result is why. */
	if (err == MO_ESTATE || err == MO_ECORRUPT) {
		out->n = begin;
		q->w = before;
		error(q, why ? why : "a stored block is damaged: see moru check");
		diag_clear(q->d);
		return 0;
	}
	return err;
}

static int run_statement(struct run *q, const struct ql_statement *st)
{
	switch (st->kind) {
	case QLS_SELECT:
		return select_statement(q, st);
	case QLS_SHOW_DATABASES:
		return show_databases(q);
	case QLS_CREATE_DATABASE:
		return create_database(q, st);
	case QLS_UNSERVED:
		error(q, st->why);
		return 0;
	}
	return MO_EBUG;
}

int influxql_run(struct series_index *x, struct sdb *db, struct span text, const struct influx_databases *dbs, const struct influx_options *opt,
	struct buf *out, struct diag *d)
{
	struct arena a;
	struct ql_statement *st = NULL;
	struct run q = {.x = x, .db = db, .dbs = dbs, .opt = opt, .a = &a, .rows_left = INFLUXQL_ROWS_MAX, .d = d};
	arena_init(&a, 0);
	json_writer_init(&q.w, out);
	int err = ql_parse(&st, &a, text, opt->now_ns, d);
	if (err)
		goto out;
	jw_object(&q.w);
	jw_key(&q.w, "results");
	jw_array(&q.w);
	for (int64_t id = 0; st && !err; st = st->next, id++) {
		jw_object(&q.w);
		jw_key(&q.w, "statement_id");
		jw_i64(&q.w, id);
		err = run_statement(&q, st);
		jw_object_end(&q.w);
	}
	jw_array_end(&q.w);
	jw_object_end(&q.w);
	buf_addc(out, '\n');
	if (!err)
		err = out->err;
	if (err == MO_ENOMEM || err == MO_ELIMIT)
		diag_set(d, err, err == MO_ENOMEM ? MSG_OUT_OF_MEMORY : MSG_INFLUXQL_ANSWER);
out:
	arena_free(&a);
	return err;
}
