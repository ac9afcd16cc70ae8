#include "query/priv/rows.h"

/* ---- conditions ---- */

static bool order_holds(enum ql_cmp cmp, int order)
{
	switch (cmp) {
	case QL_EQ:
		return order == 0;
	case QL_NE:
		return order != 0;
	case QL_LT:
		return order < 0;
	case QL_LE:
		return order <= 0;
	case QL_GT:
		return order > 0;
	case QL_GE:
		return order >= 0;
	}
	return false;
}

static bool f64_holds(enum ql_cmp cmp, double a, double b)
{
	if (a != a)
		return false; /* stands for no value */
	return order_holds(cmp, a < b ? -1 : a > b ? 1 : 0);
}

/* Values of different kinds never compare, not even as unequal; texts and truths have no order: as InfluxDB. */
static bool value_holds(const struct ql_expr *e, const struct rows_value *v)
{
	bool equality = e->cmp == QL_EQ || e->cmp == QL_NE;
	switch (v->type) {
	case SERIES_F64:
		return (e->type == QL_L_INT || e->type == QL_L_FLOAT) && f64_holds(e->cmp, v->v.f64, e->f64);
	case SERIES_I64:
		if (e->type == QL_L_INT)
			return order_holds(e->cmp, v->v.i64 < e->i64 ? -1 : v->v.i64 > e->i64);
		return e->type == QL_L_FLOAT && f64_holds(e->cmp, (double)v->v.i64, e->f64);
	case SERIES_BOOL:
		return e->type == QL_L_BOOL && equality && order_holds(e->cmp, (v->v.b != 0) != e->b);
	case SERIES_STR:
		return e->type == QL_L_STRING && equality && order_holds(e->cmp, !span_eq(v->v.str, e->str));
	}
	return false;
}

/* A tag that is not there is the empty text. */
static bool tag_holds(const struct ix_set *s, const struct ql_expr *e)
{
	struct span v = ix_tag(s, e->ref.name);
	return e->type == QL_L_STRING && (e->cmp == QL_EQ || e->cmp == QL_NE) && order_holds(e->cmp, !span_eq(v, e->str));
}

enum rows_truth rows_by_tags(const struct ix_set *s, const struct ql_expr *e)
{
	if (!e)
		return ROWS_TRUE;
	if (e->op == QL_COMPARE)
		return e->slot >= 0 ? ROWS_OPEN : tag_holds(s, e) ? ROWS_TRUE : ROWS_FALSE;
	enum rows_truth l = rows_by_tags(s, e->l), r = rows_by_tags(s, e->r);
	enum rows_truth decides = e->op == QL_AND ? ROWS_FALSE : ROWS_TRUE;
	if (l == decides || r == decides)
		return decides;
	return l == ROWS_OPEN || r == ROWS_OPEN ? ROWS_OPEN : l;
}

static bool holds(const struct rows *r, const struct ql_expr *e)
{
	struct rows_value v;
	if (e->op == QL_AND)
		return holds(r, e->l) && holds(r, e->r);
	if (e->op == QL_OR)
		return holds(r, e->l) || holds(r, e->r);
	if (e->slot < 0)
		return tag_holds(r->set, e);
	return rows_value(r, (size_t)e->slot, &v) && value_holds(e, &v);
}

/* ---- joining ---- */

static uint64_t seq_of(const struct rows_slot *s) { return s->b.seq ? s->b.seq[s->i] : 0; }
static bool at_end(const struct rows_slot *s) { return !s->id || s->i >= s->b.n; }

/* To a point of good quality, reading on where needed. */
static int settle(struct rows_slot *s, uint64_t *budget, struct diag *d)
{
	for (;;) {
		while (s->i < s->b.n && s->b.quality && q_is_bad(s->b.quality[s->i])) {
			s->i++;
		}
		if (s->i < s->b.n)
			return 0;
		if (s->b.n > *budget)
			return MO_ELIMIT;
		*budget -= s->b.n;
		s->i = 0;
		int err = sdb_next(s->c, &s->b, d);
		if (err) {
			s->b.n = 0;
			return err;
		}
		if (!s->b.n)
			return 0;
	}
}

static int step(struct rows_slot *s, uint64_t *budget, struct diag *d)
{
	s->i++;
	return settle(s, budget, d);
}

static int key_cmp(const struct rows *r, const struct rows_slot *s, int64_t t, uint64_t seq)
{
	int64_t st = s->b.t_ns[s->i];
	uint64_t sq = seq_of(s);
	int c = st < t ? -1 : st > t ? 1 : sq < seq ? -1 : sq > seq;
	return r->descending ? -c : c;
}

int rows_open(struct rows *r, struct sdb *db, int64_t from_ns, int64_t to_ns, bool descending, struct diag *d)
{
	struct sdb_range range = {from_ns, to_ns == INT64_MAX ? INT64_MAX : to_ns + 1, descending, false};
	r->descending = descending;
	r->started = false;
	for (size_t i = 0; i < r->n_slots; i++) {
		int err = r->slots[i].id ? sdb_read(db, &r->slots[i].c, r->slots[i].id, &range, d) : 0;
		if (err)
			return err;
	}
	return 0;
}

void rows_close(struct rows *r)
{
	for (size_t i = 0; i < r->n_slots; i++) {
		sdb_cursor_close(r->slots[i].c);
		r->slots[i].c = NULL;
		r->slots[i].b = (struct sdb_batch){0};
	}
}

int rows_next(struct rows *r, const struct ql_expr *where, uint64_t *budget, struct diag *d)
{
	int err;
	for (;;) {
		const struct rows_slot *first = NULL;
		for (size_t i = 0; i < r->n_slots; i++) {
			struct rows_slot *s = &r->slots[i];
			err = !s->id ? 0 : !r->started ? settle(s, budget, d) : s->here ? step(s, budget, d) : 0;
			if (err)
				return err;
			s->here = false;
		}
		r->started = true;
		for (size_t i = 0; i < r->n_slots; i++) {
			const struct rows_slot *s = &r->slots[i];
			if (s->drives && !at_end(s) && (!first || key_cmp(r, s, first->b.t_ns[first->i], seq_of(first)) < 0))
				first = s;
		}
		if (!first)
			return 0;
		r->t_ns = first->b.t_ns[first->i];
		r->seq = seq_of(first);
		for (size_t i = 0; i < r->n_slots; i++) {
			struct rows_slot *s = &r->slots[i];
			while (!at_end(s) && key_cmp(r, s, r->t_ns, r->seq) < 0)
				if ((err = step(s, budget, d)))
					return err;
			s->here = !at_end(s) && key_cmp(r, s, r->t_ns, r->seq) == 0;
		}
		if (!where || holds(r, where))
			return 1;
	}
}

bool rows_value(const struct rows *r, size_t slot, struct rows_value *ret)
{
	const struct rows_slot *s = &r->slots[slot];
	if (!s->here)
		return false;
	ret->type = s->type;
	switch (s->type) {
	case SERIES_F64:
		ret->v.f64 = s->b.f64[s->i];
		break;
	case SERIES_I64:
		ret->v.i64 = s->b.i64[s->i];
		break;
	case SERIES_BOOL:
		ret->v.b = s->b.b[s->i];
		break;
	case SERIES_STR:
		ret->v.str = s->b.str[s->i];
		break;
	}
	return true;
}
