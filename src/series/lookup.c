/* Is this key stored already? Heads in memory answer at once; segments by their
 * directory, and by decoding the one block that may hold it. A bulk re-import
 * asks for neighbours, so the last block of each (series, segment) stays. */
#include <stdlib.h>

#include "series/priv/sdb.h"

bool series_value_equal(uint8_t type, const union series_value *a, const union series_value *b)
{
	switch (type) {
	case SERIES_F64:
		return memcmp(&a->f64, &b->f64, sizeof a->f64) == 0;
	case SERIES_I64:
		return a->i64 == b->i64;
	case SERIES_BOOL:
		return a->b == b->b;
	default:
		return span_eq(a->str, b->str);
	}
}

static union series_value cols_value(uint8_t type, const struct cols *c, size_t i)
{
	union series_value v = {0};
	switch (type) {
	case SERIES_F64:
		v.f64 = ((const double *)c->v)[i];
		break;
	case SERIES_I64:
		v.i64 = ((const int64_t *)c->v)[i];
		break;
	case SERIES_BOOL:
		v.b = ((const uint8_t *)c->v)[i];
		break;
	default:
		v.str = ((const struct span *)c->v)[i];
		break;
	}
	return v;
}

union series_value chunk_value(const struct chunk *c, uint32_t i)
{
	union series_value v = {0};
	switch (c->type) {
	case SERIES_F64:
		v.f64 = c->v.f64[i];
		break;
	case SERIES_I64:
		v.i64 = c->v.i64[i];
		break;
	case SERIES_BOOL:
		v.b = c->v.b[i];
		break;
	default:
		v.str = span_of(c->v.str[i]->p, c->v.str[i]->n);
		break;
	}
	return v;
}

static struct lookup_slot *slot_for(struct sdb *db, struct seg *g, series_id id)
{
	uint64_t h = (id * UINT64_C(0x9e3779b97f4a7c15)) ^ (g->number * UINT64_C(0xc2b2ae3d27d4eb4f));
	struct lookup_slot *s = &db->lookup[(h >> 40) % LOOKUP_SLOTS];
	if (s->seg != g || s->id != id) {
		s->seg = g;
		s->id = id;
		s->e = seg_find(g, id);
		s->loaded = false;
		s->block = 0;
	}
	return s;
}

static size_t search(const struct cols *c, struct pkey key)
{
	size_t lo = 0, hi = c->n;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (pkey_less(cols_key(c, mid), key))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static int in_segment(struct sdb *db, struct seg *g, series_id id, struct pkey key, const union series_value *v, bool *there, bool *equal)
{
	struct lookup_slot *s = slot_for(db, g, id);
	const struct sentry *e = s->e;
	if (!e || pkey_less(key, sentry_first(e)) || pkey_less(sentry_last(e), key))
		return 0;
	const struct bentry *b = seg_block(g, e, s->block);
	if (pkey_less(key, bentry_first(b)) || pkey_less(bentry_last(b), key)) {
		uint32_t i = seg_search(g, e, key);
		if (i != s->block) {
			s->block = i;
			s->loaded = false;
		}
		b = seg_block(g, e, i);
		if (pkey_less(key, bentry_first(b)))
			return 0;
	}
	if (!s->loaded || (equal && !s->values)) {
		s->loaded = false;
		int r = seg_decode(&s->c, &s->buf, g, e, s->block, equal ? WANT_VALUES : 0, NULL);
		if (r == MO_ENOMEM)
			return r;
		if (r != 0)
			return 0; /* a damaged block holds nothing any more; sdb_next and sdb_check tell */
		s->loaded = true;
		s->values = equal != NULL;
	}
	size_t i = search(&s->c, key);
	if (i == s->c.n || !pkey_eq(cols_key(&s->c, i), key))
		return 0;
	*there = true;
	if (equal) {
		union series_value old = cols_value(e->type, &s->c, i);
		*equal = series_value_equal(e->type, &old, v);
	}
	return 0;
}

int lookup_older(struct sdb *db, struct series *s, struct pkey key, const union series_value *v, bool *ret_there, bool *ret_equal)
{
	struct hplace at;
	*ret_there = false;
	if (ret_equal)
		*ret_equal = false;
	if (s->frozen && head_find(s->frozen, key, &at)) {
		*ret_there = true;
		if (ret_equal) {
			union series_value old = chunk_value(s->frozen->c[at.chunk], at.pos);
			*ret_equal = series_value_equal((uint8_t)s->def.type, &old, v);
		}
		return 0;
	}
	if (db->nseg > 0 && !db->lookup) {
		db->lookup = calloc(LOOKUP_SLOTS, sizeof *db->lookup);
		if (!db->lookup)
			return MO_ENOMEM;
	}
	for (size_t i = db->nseg; i-- > 0 && !*ret_there;) {
		if (key.t < db->seg[i]->t_min || key.t > db->seg[i]->t_max)
			continue;
		int r = in_segment(db, db->seg[i], s->id, key, v, ret_there, ret_equal);
		if (r != 0)
			return r;
	}
	return 0;
}

void lookup_forget(struct sdb *db, const struct seg *seg)
{
	for (size_t i = 0; db->lookup && i < LOOKUP_SLOTS; i++)
		if (db->lookup[i].seg == seg) {
			db->lookup[i].seg = NULL;
			db->lookup[i].loaded = false;
		}
}

void lookup_free(struct sdb *db)
{
	for (size_t i = 0; db->lookup && i < LOOKUP_SLOTS; i++)
		blockbuf_free(&db->lookup[i].buf);
	free(db->lookup);
	db->lookup = NULL;
}
