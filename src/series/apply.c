/* A batch into the heads, as a whole or not at all.
 *
 * A key past everything the series holds is appended, without a question. Any
 * other is looked for in head, frozen head and segments. Should memory run out
 * half-way, the exchanges and insertions are taken back one by one from a
 * list, the appended tails by the number of points each series had before. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/num.h"
#include "series/priv/sbatch.h"
#include "series/priv/sdb.h"

static const char *const type_names[] = {"?", "f64", "i64", "bool", "string"};

int apply_check(struct sdb *db, struct span payload, struct diag *d)
{
	struct span s = span_sub(payload, BATCH_HEAD, payload.n);
	struct bgroup g;
	while (bgroup_next(&g, &s)) {
		struct series *x = sdb_series(db, g.id);
		if (!x) {
			diag_set(d, MO_ENOENT, MSG_SERIES_UNKNOWN_ID);
			diag_int(d, 0, g.id);
			return MO_ENOENT;
		}
		if (g.type != (uint8_t)x->def.type || (g.flags & ROW_SEQ && x->def.kind != SERIES_SEQUENCE)) {
			diag_set(d, MO_EINVAL, MSG_SERIES_TYPE_MISMATCH);
			diag_field(d, x->def.key);
			diag_value(d, span_str(g.type != (uint8_t)x->def.type ? type_names[g.type] : "sequence"));
			diag_expected(d, type_names[x->def.type]);
			return MO_EINVAL;
		}
	}
	return 0;
}

/* ---- taking back ---- */

static int undo_push(struct sdb *db, struct series *s, bool inserted, struct pkey key)
{
	if (db->nundo == db->undo_cap) {
		size_t cap = db->undo_cap ? db->undo_cap * 2 : 64;
		struct undo *u = realloc(db->undo, cap * sizeof *u);
		if (!u)
			return MO_ENOMEM;
		db->undo = u;
		db->undo_cap = cap;
	}
	db->undo[db->nundo++] = (struct undo){.s = s, .inserted = inserted, .key = key};
	return 0;
}

static void undo_drop(struct sdb *db)
{
	for (size_t i = 0; i < db->nundo; i++)
		if (!db->undo[i].inserted)
			hstr_unref(db->undo[i].p.str, &db->mem);
	db->nundo = 0;
	if (db->undo_cap > 4096) {
		free(db->undo);
		db->undo = NULL;
		db->undo_cap = 0;
	}
}

static void take_back(struct sdb *db, struct series *touched)
{
	for (size_t i = db->nundo; i-- > 0;) {
		struct undo *u = &db->undo[i];
		if (u->inserted)
			head_remove(&u->s->head, u->key);
		else
			head_restore(&u->s->head, u->key, &u->p); /* p now holds the new value: dropped with the list */
	}
	for (struct series *s = touched; s; s = s->touched) {
		head_pop(&s->head, &db->mem, (uint32_t)(s->head.points - s->saved.points));
		s->head.fresh = s->saved.fresh;
		s->has_arr = s->saved.has_arr;
		s->has_last = s->saved.has_last;
		s->lag = s->saved.lag;
		s->arr = s->saved.arr;
		s->last = s->saved.last;
	}
}

/* ---- one row ---- */

static int64_t arrival_of(struct series *s, int64_t t, int64_t arr)
{
	if (arr == T_NONE)
		arr = t;
	if (s->has_arr) {
		int64_t steady = (int64_t)((uint64_t)t + (uint64_t)s->lag);
		if (arrival_near(steady, arr))
			return steady;
		if (arrival_near(s->arr, arr))
			return s->arr;
	}
	s->has_arr = true;
	s->lag = (int64_t)((uint64_t)arr - (uint64_t)t);
	s->arr = arr;
	return arr;
}

static void refused(const struct series *s, struct pkey key, const struct sdb_appended *ret, struct diag *d)
{
	char when[32];
	if (ret->refused > 0)
		return;
	rfc3339_format(when, key.t);
	diag_set(d, MO_EEXIST, MSG_SERIES_SEQ_REFUSED);
	diag_field(d, s->def.key);
	diag_value(d, span_str(when));
	diag_int(d, 0, (int64_t)key.seq);
}

/* A key that may stand somewhere already. Takes p->str over or drops it. tell: of this point, NULL when nobody asks. */
static int slow_row(struct sdb *db, struct series *s, struct hpoint *p, uint8_t *tell, struct sdb_appended *ret, struct diag *d)
{
	struct hplace at;
	bool seq = s->def.kind == SERIES_SEQUENCE, there = false, equal = false;
	uint8_t type = (uint8_t)s->def.type;
	int r = 0;
	if (head_find(&s->head, p->key, &at)) {
		there = true;
		if (seq || tell) {
			union series_value old = chunk_value(s->head.c[at.chunk], at.pos);
			equal = series_value_equal(type, &old, &p->v);
		}
		if (tell)
			*tell |= equal ? POINT_THERE : POINT_THERE | POINT_OTHER;
		if (!seq) {
			r = undo_push(db, s, false, p->key);
			if (r == 0) {
				r = head_exchange(&s->head, at, p);
				if (r == 0)
					db->undo[db->nundo - 1].p = *p;
				else
					db->nundo--;
			}
			if (r == 0) {
				p->str = NULL; /* the list holds the old one */
				ret->replaced++;
				s->last_changed |= pkey_eq(db->undo[db->nundo - 1].key, s->last);
			}
			return r;
		}
	} else {
		r = lookup_older(db, s, p->key, &p->v, &there, seq || tell ? &equal : NULL);
		if (tell && there)
			*tell |= equal ? POINT_THERE : POINT_THERE | POINT_OTHER;
	}
	if (r == 0 && there && seq) {
		if (!equal)
			refused(s, p->key, ret, d);
		*(equal ? &ret->repeated : &ret->refused) += 1;
		return 0;
	}
	if (r == 0)
		r = undo_push(db, s, true, p->key);
	if (r != 0)
		return r;
	r = head_insert(&s->head, &db->mem, type, seq, &at, p);
	if (r != 0) {
		db->nundo--;
		return r;
	}
	p->str = NULL;
	s->head.fresh += !there;
	*(there ? &ret->replaced : &ret->taken) += 1;
	s->last_changed |= pkey_eq(p->key, s->last);
	return 0;
}

/* The text as a head holds it: the one above it once more where it is the same (states, lot numbers, shifts). */
static int text_of(struct hstr **ret, struct sdb *db, const struct head *h, struct span text)
{
	const struct chunk *c = h->n ? h->c[h->n - 1] : NULL;
	struct hstr *above = c && c->n ? c->v.str[c->n - 1] : NULL;
	if (!above || !span_eq(span_of(above->p, above->n), text))
		return hstr_new(ret, &db->mem, text);
	hstr_ref(above);
	*ret = above;
	return 0;
}

static int apply_row(struct sdb *db, struct series *s, const struct brow *row, int64_t arrival, uint8_t *tell, struct sdb_appended *ret, struct diag *d)
{
	uint8_t type = (uint8_t)s->def.type;
	struct hpoint p = {.key = {row->t, row->seq}, .q = row->quality, .v = row->v};
	p.arr = arrival_of(s, row->t, arrival);
	if (type == SERIES_STR) {
		int r = text_of(&p.str, db, &s->head, row->v.str);
		if (r != 0)
			return r;
	}
	int r;
	if (!s->has_last || pkey_less(s->last, p.key)) {
		r = head_append(&s->head, &db->mem, type, s->def.kind == SERIES_SEQUENCE, &p);
		if (r == 0) {
			p.str = NULL;
			s->head.fresh++;
			s->last = p.key;
			s->has_last = s->last_changed = true;
			ret->taken++;
		}
	} else {
		r = slow_row(db, s, &p, tell, ret, d);
	}
	hstr_unref(p.str, &db->mem);
	return r;
}

/* Where plain rows in order go: the last chunk of a head, from `from` on, the group's rows taken one by one. */
struct taking {
	struct series *s;
	struct chunk *c;
	struct bgroup *g;
	uint32_t from, end; /* places in the chunk */
	int64_t last, arrival;
};

/* Time and arrival of the row at p into place i; false where it needs another way: not past the last, or another arrival than the chunk's. */
static inline bool take_times(struct taking *k, uint32_t i, const uint8_t *p)
{
	struct chunk *c = k->c;
	int64_t t = ldi64(p);
	if (t <= k->last)
		return false;
	int64_t arr = arrival_of(k->s, t, k->arrival);
	if (c->arr)
		c->arr[i] = arr;
	else if ((c->arr_form ? (uint64_t)arr : (uint64_t)arr - (uint64_t)t) != c->arr_a)
		return false;
	c->t[i] = k->last = t;
	return true;
}

static uint32_t take_numbers(struct taking *k)
{
	struct chunk *c = k->c;
	size_t width = k->g->type == SERIES_BOOL ? 1 : 8, row = 8 + width;
	const uint8_t *p = k->g->rows.p;
	uint32_t i = k->from;
	for (; i < k->end && take_times(k, i, p); i++, p += row) {
		if (width == 8)
			memcpy(&c->v.i64[i], p + 8, 8);
		else
			c->v.b[i] = p[8];
	}
	k->g->rows = span_sub(k->g->rows, (i - k->from) * row, k->g->rows.n);
	return i;
}

/* Stops where memory does: the row is tried, and refused, by itself. */
static uint32_t take_texts(struct taking *k, struct headmem *mem)
{
	struct chunk *c = k->c;
	const uint8_t *p = k->g->rows.p;
	struct hstr *above = k->from ? c->v.str[k->from - 1] : NULL;
	uint32_t i = k->from;
	for (; i < k->end; i++) {
		struct span text = span_of(p + 12, ld32(p + 8));
		struct hstr *h = above;
		if (!above || !span_eq(span_of(above->p, above->n), text)) {
			if (hstr_new(&h, mem, text) != 0)
				break;
		} else {
			hstr_ref(h);
		}
		if (!take_times(k, i, p)) {
			hstr_unref(h, mem);
			break;
		}
		c->v.str[i] = above = h;
		p += 12 + text.n;
	}
	k->g->rows = span_sub(k->g->rows, (size_t)(p - k->g->rows.p), k->g->rows.n);
	return i;
}

/* Plain rows in order into the last chunk, as many as fit there: what imports and collectors send all day. Gives how many were taken. */
static uint32_t take_plain(struct sdb *db, struct series *s, struct bgroup *g, int64_t arrival, struct sdb_appended *ret)
{
	struct head *h = &s->head;
	struct chunk *c = h->n ? h->c[h->n - 1] : NULL;
	if (g->flags != 0 || !c || !s->has_last)
		return 0;
	uint32_t room = c->cap - c->n;
	struct taking k = {s, c, g, c->n, c->n + (g->n < room ? g->n : room), s->last.t, arrival};
	uint32_t end = g->type == SERIES_STR ? take_texts(&k, &db->mem) : take_numbers(&k), n = end - k.from;
	if (n == 0)
		return 0;
	if (c->q)
		memset(c->q + k.from, Q_GOOD, n);
	if (c->seq)
		memset(c->seq + k.from, 0, n * sizeof *c->seq);
	c->n = end;
	h->points += n;
	h->fresh += n;
	s->last = (struct pkey){k.last, 0};
	s->last_changed = true;
	ret->taken += n;
	return n;
}

/* ---- the batch ---- */

static int touch(struct sdb *db, struct series *s, struct series **list)
{
	if (s->is_touched)
		return 0;
	if (db->ndirty == db->dirty_cap) {
		size_t cap = db->dirty_cap ? db->dirty_cap * 2 : 64;
		struct series **x = realloc(db->dirty, cap * sizeof(struct series *));
		if (!x)
			return MO_ENOMEM;
		db->dirty = x;
		db->dirty_cap = cap;
	}
	if (!s->listed) {
		db->dirty[db->ndirty++] = s; /* stays there when taken back: a head without points is passed over */
		s->listed = true;
	}
	s->saved.has_arr = s->has_arr;
	s->saved.has_last = s->has_last;
	s->saved.lag = s->lag;
	s->saved.arr = s->arr;
	s->saved.last = s->last;
	s->saved.points = s->head.points;
	s->saved.fresh = s->head.fresh;
	s->is_touched = true;
	s->last_changed = false;
	s->touched = *list;
	*list = s;
	return 0;
}

static void publish(struct series *s)
{
	const struct chunk *c = s->head.c[s->head.n - 1];
	uint32_t i = c->n - 1;
	struct sdb_point p = {.t_ns = c->t[i], .seq = c->seq ? c->seq[i] : 0, .arrival_ns = chunk_arrival(c, i)};
	p.quality = c->q ? c->q[i] : Q_GOOD;
	p.type = s->def.type;
	p.v = chunk_value(c, i);
	sdb_publish(s, &p);
}

int apply_batch(struct sdb *db, struct span payload, uint8_t *tell, struct sdb_appended *ret, struct diag *d)
{
	struct span rest = span_sub(payload, BATCH_HEAD, payload.n);
	struct series *touched = NULL;
	int64_t arrival = batch_arrival(payload);
	struct bgroup g;
	int r = 0;
	while (r == 0 && bgroup_next(&g, &rest)) {
		struct series *s = sdb_series(db, g.id);
		bool own = g.flags & ROW_ARRIVAL;
		r = touch(db, s, &touched);
		while (r == 0 && g.n > 0) {
			struct brow row;
			uint32_t plain = take_plain(db, s, &g, arrival, ret);
			g.n -= plain;
			if (tell)
				tell += plain;
			if (g.n == 0)
				break;
			brow_next(&row, &g);
			g.n--;
			r = apply_row(db, s, &row, own ? row.arrival : arrival, tell, ret, d);
			if (tell)
				tell++;
		}
	}
	if (r != 0)
		take_back(db, touched);
	undo_drop(db);
	for (struct series *s = touched, *next; s; s = next) {
		next = s->touched;
		if (r == 0) {
			db->points_head += s->head.points - s->saved.points;
			if (s->last_changed)
				publish(s);
		}
		s->touched = NULL;
		s->is_touched = false;
	}
	return r;
}
