#include <stdlib.h>

#include "base/num.h"
#include "query/priv/select.h"

struct planner {
	struct select_plan *p;
	struct arena *a;
	const struct ix_measurement *m;
	struct span *slots; /* names of fields */
	bool *drives;
	size_t n_wild;
	size_t cap_cols;
	const char *why;
};

static int refuse(struct planner *q, const char *why)
{
	q->why = why;
	return MO_ESTATE;
}

/* -1: no set has that field. */
static int slot_of(struct planner *q, struct span field)
{
	if (!ix_has(&q->m->fields, field))
		return -1;
	for (size_t i = 0; i < q->p->n_slots; i++)
		if (span_eq(q->slots[i], field))
			return (int)i;
	q->slots[q->p->n_slots] = field;
	return (int)q->p->n_slots++;
}

/* ---- columns ---- */

static bool taken(const struct planner *q, const char *name)
{
	if (strcmp(name, "time") == 0)
		return true;
	for (size_t i = 0; i < q->p->n_cols; i++)
		if (strcmp(q->p->cols[i].name, name) == 0)
			return true;
	return false;
}

/* A name that stands already gets _1, _2 … behind it. */
static const char *column_name(struct planner *q, struct span prefix, struct span name)
{
	char *s = arena_printf(q->a, "%.*s%.*s", SPAN_FMT(prefix), SPAN_FMT(name));
	for (unsigned n = 1; s && taken(q, s); n++)
		s = arena_printf(q->a, "%.*s%.*s_%u", SPAN_FMT(prefix), SPAN_FMT(name), n);
	return s;
}

static int add(struct planner *q, struct select_column c, struct span prefix, struct span name)
{
	struct select_plan *p = q->p;
	if (p->n_cols == q->cap_cols) {
		if (p->n_cols >= QL_COLUMNS_MAX)
			return refuse(q, "too many columns: name the fields");
		size_t cap = q->cap_cols ? q->cap_cols * 2 : 16;
		struct select_column *more = arena_calloc(q->a, cap, sizeof *more);
		if (!more)
			return MO_ENOMEM;
		if (p->n_cols)
			memcpy(more, p->cols, p->n_cols * sizeof *more);
		p->cols = more;
		q->cap_cols = cap;
	}
	if (!(c.name = column_name(q, prefix, name)))
		return MO_ENOMEM;
	p->cols[p->n_cols++] = c;
	p->n_lasts += c.last;
	return 0;
}

static int add_field(struct planner *q, struct span field, struct span shown)
{
	return add(q, (struct select_column){.slot = slot_of(q, field)}, SPAN_LIT(""), shown);
}

static int add_tag(struct planner *q, struct span tag, struct span shown)
{
	return add(q, (struct select_column){.is_tag = true, .tag = tag, .slot = -1}, SPAN_LIT(""), shown);
}

static bool grouped(const struct planner *q, struct span tag)
{
	for (size_t i = 0; i < q->p->n_dims; i++)
		if (span_eq(q->p->dims[i], tag))
			return true;
	return false;
}

/* Fields and tags together in order of their names; tags that the rows are grouped by are told by the group. */
static int add_wild(struct planner *q, enum ql_as as)
{
	const struct ix_names *f = &q->m->fields, *t = &q->m->tags;
	size_t i = 0, k = 0;
	int err = 0;
	while (!err && (i < f->n || k < t->n)) {
		bool field = k == t->n || (i < f->n && span_cmp(f->names[i], t->names[k]) <= 0);
		if (field && as != QL_TAG)
			err = add_field(q, f->names[i], f->names[i]);
		else if (!field && as != QL_FIELD && !grouped(q, t->names[k]))
			err = add_tag(q, t->names[k], t->names[k]);
		i += field;
		k += !field;
	}
	return err;
}

static int add_last(struct planner *q, struct span field, struct span prefix, struct span shown)
{
	return add(q, (struct select_column){.last = true, .slot = slot_of(q, field)}, prefix, shown);
}

static int add_column(struct planner *q, const struct ql_column *c)
{
	struct span shown = c->alias.p ? c->alias : c->kind == QLC_LAST ? SPAN_LIT("last") : c->ref.name;
	int err = 0;
	switch (c->kind) {
	case QLC_WILD:
		return add_wild(q, c->ref.as);
	case QLC_LAST:
		return add_last(q, c->ref.as == QL_TAG ? SPAN_LIT("") : c->ref.name, SPAN_LIT(""), shown);
	case QLC_LAST_WILD:
		for (size_t i = 0; i < q->m->fields.n && !err && c->ref.as != QL_TAG; i++)
			err = add_last(q, q->m->fields.names[i], SPAN_LIT("last_"), q->m->fields.names[i]);
		return err;
	case QLC_REF:
		break;
	}
	if (span_is(c->ref.name, "time") && c->ref.as == QL_ANY)
		return 0; /* stands first in any case */
	if (c->ref.as == QL_TAG || (c->ref.as == QL_ANY && !ix_has(&q->m->fields, c->ref.name) && ix_has(&q->m->tags, c->ref.name)))
		return add_tag(q, c->ref.name, shown);
	return add_field(q, c->ref.name, shown);
}

/* ---- conditions ---- */

static int resolve(struct planner *q, struct ql_expr *e)
{
	int err;
	if (!e)
		return 0;
	if (e->op != QL_COMPARE)
		return (err = resolve(q, e->l)) ? err : resolve(q, e->r);
	e->slot = e->ref.as == QL_TAG ? -1 : slot_of(q, e->ref.name);
	if (e->slot < 0 && e->ref.as != QL_FIELD && e->cmp != QL_EQ && e->cmp != QL_NE)
		return refuse(q, "tags are compared with = and != only");
	return 0;
}

static size_t count(const struct ql_expr *e) { return !e ? 0 : e->op == QL_COMPARE ? 1 : count(e->l) + count(e->r); }

/* ---- groups ---- */

static int span_order(const void *a, const void *b) { return span_cmp(*(const struct span *)a, *(const struct span *)b); }

static int dims(struct planner *q, const struct ql_select *s)
{
	struct select_plan *p = q->p;
	size_t all = s->group_all ? q->m->tags.n : 0;
	p->dims = arena_calloc(q->a, s->n_group + all + 1, sizeof *p->dims);
	if (!p->dims)
		return MO_ENOMEM;
	for (size_t i = 0; i < s->n_group + all; i++) {
		struct span tag = i < all ? q->m->tags.names[i] : s->group[i - all];
		if (!grouped(q, tag))
			p->dims[p->n_dims++] = tag;
	}
	qsort(p->dims, p->n_dims, sizeof *p->dims, span_order);
	return 0;
}

static int group_cmp(const struct select_plan *p, const struct select_source *a, const struct select_source *b)
{
	int c = 0;
	for (size_t i = 0; i < p->n_dims && c == 0; i++)
		c = span_cmp(a->group[i], b->group[i]);
	return c;
}

static int source_order(const void *pa, const void *pb, void *arg)
{
	const struct select_source *a = pa, *b = pb;
	const struct select_plan *p = arg;
	int c = group_cmp(p, a, b);
	if (c)
		return p->s->descending ? -c : c; /* InfluxDB turns the order of the groups, too */
	return span_cmp(a->set->raw, b->set->raw);
}

static int add_source(struct planner *q, const struct ix_set *set, enum rows_truth truth)
{
	struct select_plan *p = q->p;
	series_id *ids = arena_calloc(q->a, p->n_slots + 1, sizeof *ids);
	enum series_type *types = arena_calloc(q->a, p->n_slots + 1, sizeof *types);
	struct span *group = arena_calloc(q->a, p->n_dims + 1, sizeof *group);
	bool drives = false;
	if (!ids || !types || !group)
		return MO_ENOMEM;
	for (size_t i = 0; i < p->n_slots; i++)
		for (size_t k = 0; k < set->n_fields; k++)
			if (span_eq(set->fields[k].name, q->slots[i])) {
				ids[i] = set->fields[k].id;
				types[i] = set->fields[k].type;
				drives |= q->drives[i];
			}
	if (!drives)
		return 0;
	for (size_t i = 0; i < p->n_dims; i++)
		group[i] = ix_tag(set, p->dims[i]);
	if (p->n_sources == SELECT_SETS_MAX)
		return refuse(q, "too many series: narrow the condition");
	p->sources[p->n_sources++] = (struct select_source){set, ids, types, truth == ROWS_OPEN, group};
	return 0;
}

static int drivers(struct planner *q)
{
	struct select_plan *p = q->p;
	bool plain = false;
	q->drives = arena_calloc(q->a, p->n_slots + 1, sizeof *q->drives);
	if (!q->drives)
		return MO_ENOMEM;
	for (size_t i = 0; i < p->n_cols; i++) {
		const struct select_column *c = &p->cols[i];
		plain |= !c->last;
		if (c->slot >= 0 && c->last == (p->n_lasts > 0))
			q->drives[c->slot] = true;
	}
	if (p->n_lasts > 1 && plain)
		return refuse(q, "mixing multiple selector functions with tags or fields is not supported");
	return 0;
}

static int plan(struct planner *q, const struct ql_select *s)
{
	struct select_plan *p = q->p;
	int err = dims(q, s);
	q->slots = arena_calloc(q->a, q->m->fields.n + count(s->where) + 1, sizeof *q->slots);
	if (err || !q->slots)
		return MO_ENOMEM;
	bool only_time = true;
	for (const struct ql_column *c = s->columns; c && !err; c = c->next) {
		only_time &= c->kind == QLC_REF && span_is(c->ref.name, "time") && c->ref.as == QL_ANY;
		err = add_column(q, c);
	}
	if (!err && only_time)
		err = refuse(q, "at least 1 non-time field must be queried");
	if (!err)
		err = resolve(q, s->where);
	if (!err)
		err = drivers(q);
	if (err)
		return err;
	if (s->from_ns > s->to_ns)
		return 0;
	p->sources = arena_calloc(q->a, q->m->n_sets < SELECT_SETS_MAX ? q->m->n_sets : SELECT_SETS_MAX, sizeof *p->sources);
	if (!p->sources)
		return MO_ENOMEM;
	for (size_t i = 0; i < q->m->n_sets && !err; i++) {
		enum rows_truth truth = rows_by_tags(q->m->sets[i], s->where);
		if (truth != ROWS_FALSE)
			err = add_source(q, q->m->sets[i], truth);
	}
	if (!err)
		qsort_r(p->sources, p->n_sources, sizeof *p->sources, source_order, p);
	return err;
}

int select_plan(struct select_plan *ret, struct arena *a, struct series_index *x, const struct ql_select *s, const char **why)
{
	struct planner q = {.p = ret, .a = a};
	int err = 0;
	*ret = (struct select_plan){.s = s};
	pthread_rwlock_rdlock(&x->lock);
	const uint64_t *at = map_get(&x->measurements, s->measurement);
	if (at) {
		q.m = (const struct ix_measurement *)(uintptr_t)*at;
		ret->name = q.m->name;
		err = plan(&q, s);
	}
	pthread_rwlock_unlock(&x->lock);
	*why = q.why;
	return err;
}
