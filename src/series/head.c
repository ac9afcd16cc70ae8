#include "series/priv/head.h"

#include <assert.h>
#include <stdlib.h>

#define MALLOC_OVERHEAD 16u

/* ---- memory ---- */

static void mem_add(struct headmem *m, size_t n)
{
	atomic_fetch_add_explicit(&m->bytes, n + MALLOC_OVERHEAD, memory_order_relaxed);
}
static void mem_sub(struct headmem *m, size_t n)
{
	atomic_fetch_sub_explicit(&m->bytes, n + MALLOC_OVERHEAD, memory_order_relaxed);
}

int hstr_new(struct hstr **ret, struct headmem *mem, struct span s)
{
	struct hstr *h = malloc(sizeof *h + s.n);
	if (!h)
		return MO_ENOMEM;
	atomic_init(&h->refs, 1);
	h->n = (uint32_t)s.n;
	if (s.n)
		memcpy(h->p, s.p, s.n);
	mem_add(mem, sizeof *h + s.n);
	*ret = h;
	return 0;
}

void hstr_unref(struct hstr *s, struct headmem *mem)
{
	if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
		return;
	mem_sub(mem, sizeof *s + s->n);
	free(s);
}

static size_t width_of(uint8_t type)
{
	return type == SERIES_BOOL ? 1 : 8;
}

static struct chunk *chunk_new(uint8_t type, uint8_t flags, uint32_t cap, struct headmem *mem)
{
	size_t words = 1u + (flags & CHUNK_SEQ ? 1u : 0u) + (flags & CHUNK_ARRIVAL ? 1u : 0u) + (type != SERIES_BOOL ? 1u : 0u);
	size_t small = (type == SERIES_BOOL ? 1u : 0u) + (flags & CHUNK_QUALITY ? 1u : 0u);
	size_t bytes = sizeof(struct chunk) + cap * (words * 8 + small);
	struct chunk *c = malloc(bytes);
	if (!c)
		return NULL;
	*c = (struct chunk){.n = 0, .cap = cap, .type = type, .flags = flags, .bytes = bytes, .mem = mem};
	atomic_init(&c->refs, 1);
	uint64_t *p = (uint64_t *)(void *)(c + 1);
	c->t = (int64_t *)p;
	p += cap;
	if (type != SERIES_BOOL) {
		c->v.any = p;
		p += cap;
	}
	if (flags & CHUNK_SEQ) {
		c->seq = p;
		p += cap;
	}
	if (flags & CHUNK_ARRIVAL) {
		c->arr = (int64_t *)p;
		p += cap;
	}
	uint8_t *b = (uint8_t *)p;
	if (type == SERIES_BOOL) {
		c->v.b = b;
		b += cap;
	}
	if (flags & CHUNK_QUALITY)
		c->q = b;
	mem_add(mem, bytes);
	return c;
}

void chunk_unref(struct chunk *c)
{
	if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
		return;
	if (c->type == SERIES_STR)
		for (uint32_t i = 0; i < c->n; i++)
			hstr_unref(c->v.str[i], c->mem);
	mem_sub(c->mem, c->bytes);
	free(c);
}

static bool chunk_mine(const struct chunk *c)
{
	return atomic_load_explicit(&c->refs, memory_order_acquire) == 1;
}

/* Copies [from, from+n) to the end of dst, which has room and at least the same columns. */
static void chunk_take(struct chunk *dst, const struct chunk *src, uint32_t from, uint32_t n)
{
	uint32_t at = dst->n;
	size_t w = width_of(src->type);
	memcpy(dst->t + at, src->t + from, n * sizeof *dst->t);
	memcpy((uint8_t *)dst->v.any + at * w, (uint8_t *)src->v.any + from * w, n * w);
	if (src->type == SERIES_STR)
		for (uint32_t i = 0; i < n; i++)
			hstr_ref(src->v.str[from + i]);
	if (dst->seq)
		memcpy(dst->seq + at, src->seq + from, n * sizeof *dst->seq);
	if (dst->q) {
		if (src->q)
			memcpy(dst->q + at, src->q + from, n);
		else
			memset(dst->q + at, Q_GOOD, n);
	}
	if (dst->arr)
		for (uint32_t i = 0; i < n; i++)
			dst->arr[at + i] = chunk_arrival(src, from + i);
	dst->n += n;
}

static struct chunk *chunk_part(const struct chunk *c, uint32_t from, uint32_t n, uint32_t cap, uint8_t flags)
{
	struct chunk *d = chunk_new(c->type, flags, cap, c->mem);
	if (d) {
		d->arr_form = c->arr_form;
		d->arr_a = c->arr_a;
		chunk_take(d, c, from, n);
	}
	return d;
}

/* ---- one chunk ---- */

/* What a chunk needs before p can stand in it. */
static uint8_t flags_for(const struct chunk *c, const struct hpoint *p, uint8_t *form)
{
	uint8_t flags = c->flags;
	*form = c->arr_form;
	if (p->q != Q_GOOD)
		flags |= CHUNK_QUALITY;
	if (c->flags & CHUNK_ARRIVAL || c->n == 0)
		return flags;
	uint64_t lag = (uint64_t)p->arr - (uint64_t)p->key.t;
	if (c->arr_form == 0 ? lag == c->arr_a : (uint64_t)p->arr == c->arr_a)
		return flags;
	if (c->n == 1 && c->arr_form == 0 && chunk_arrival(c, 0) == p->arr)
		*form = 1; /* a batch of history: one arrival for all */
	else
		flags |= CHUNK_ARRIVAL;
	return flags;
}

/* Makes chunk ci fit for p with room for one more: `place` when something but its end changes. Others keep what they hold. */
static int chunk_ready(struct head *h, uint32_t ci, const struct hpoint *p, uint32_t room, bool place)
{
	struct chunk *c = h->c[ci];
	uint8_t form;
	uint8_t flags = flags_for(c, p, &form);
	bool same = flags == c->flags && form == c->arr_form && c->n + room <= c->cap;
	if (same && (!place || chunk_mine(c)))
		return 0;
	uint32_t cap = c->n + room > c->cap ? c->cap * 2 : c->cap;
	if (cap > HEAD_CHUNK)
		cap = HEAD_CHUNK;
	struct chunk *d = chunk_part(c, 0, c->n, cap, flags);
	if (!d)
		return MO_ENOMEM;
	if (form != c->arr_form) {
		d->arr_form = form;
		d->arr_a = (uint64_t)p->arr;
	}
	h->c[ci] = d;
	chunk_unref(c);
	return 0;
}

static void chunk_set(struct chunk *c, uint32_t i, const struct hpoint *p)
{
	switch (c->type) {
	case SERIES_F64:
		c->v.f64[i] = p->v.f64;
		break;
	case SERIES_I64:
		c->v.i64[i] = p->v.i64;
		break;
	case SERIES_BOOL:
		c->v.b[i] = p->v.b;
		break;
	default:
		c->v.str[i] = p->str;
		break;
	}
	if (c->q)
		c->q[i] = p->q;
	if (c->arr)
		c->arr[i] = p->arr;
}

static void chunk_get(const struct chunk *c, uint32_t i, struct hpoint *p)
{
	p->key = chunk_key(c, i);
	p->arr = chunk_arrival(c, i);
	p->q = c->q ? c->q[i] : Q_GOOD;
	p->str = NULL;
	switch (c->type) {
	case SERIES_F64:
		p->v.f64 = c->v.f64[i];
		break;
	case SERIES_I64:
		p->v.i64 = c->v.i64[i];
		break;
	case SERIES_BOOL:
		p->v.b = c->v.b[i];
		break;
	default:
		p->str = c->v.str[i];
		p->v.str = span_of(p->str->p, p->str->n);
		break;
	}
}

/* Lower bound of key in c. */
static uint32_t chunk_search(const struct chunk *c, struct pkey key)
{
	uint32_t lo = 0, hi = c->n;
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		if (pkey_less(chunk_key(c, mid), key))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* ---- the head ---- */

void head_free(struct head *h, struct headmem *mem)
{
	for (uint32_t i = 0; i < h->n; i++)
		chunk_unref(h->c[i]);
	if (h->c)
		mem_sub(mem, h->cap * sizeof *h->c);
	free(h->c);
	*h = (struct head){0};
}

bool head_last(const struct head *h, struct pkey *ret)
{
	if (h->n == 0)
		return false;
	const struct chunk *c = h->c[h->n - 1];
	*ret = chunk_key(c, c->n - 1);
	return true;
}

static bool chunk_covers(const struct head *h, uint32_t ci, struct pkey key)
{
	return (ci == 0 || !pkey_less(key, chunk_key(h->c[ci], 0))) && (ci + 1 >= h->n || pkey_less(key, chunk_key(h->c[ci + 1], 0)));
}

bool head_find(struct head *h, struct pkey key, struct hplace *ret)
{
	*ret = (struct hplace){0, 0};
	if (h->n == 0)
		return false;
	uint32_t ci = h->hint < h->n ? h->hint : 0;
	if (!chunk_covers(h, ci, key)) {
		uint32_t lo = 0, hi = h->n; /* the last chunk that begins at or before key, else the first */
		while (hi - lo > 1) {
			uint32_t mid = lo + (hi - lo) / 2;
			if (pkey_less(key, chunk_key(h->c[mid], 0)))
				hi = mid;
			else
				lo = mid;
		}
		ci = lo;
	}
	h->hint = ci;
	const struct chunk *c = h->c[ci];
	ret->chunk = ci;
	ret->pos = chunk_search(c, key);
	return ret->pos < c->n && pkey_eq(chunk_key(c, ret->pos), key);
}

static int root_room(struct head *h, struct headmem *mem)
{
	if (h->n < h->cap)
		return 0;
	uint32_t cap = h->cap ? h->cap * 2 : 2;
	struct chunk **c = realloc(h->c, cap * sizeof *c);
	if (!c)
		return MO_ENOMEM;
	if (h->cap)
		mem_sub(mem, h->cap * sizeof *c);
	mem_add(mem, cap * sizeof *c);
	h->c = c;
	h->cap = cap;
	return 0;
}

static void chunk_first_arrival(struct chunk *c, const struct hpoint *p)
{
	if (c->n == 0 && !c->arr) {
		c->arr_form = 0;
		c->arr_a = (uint64_t)p->arr - (uint64_t)p->key.t;
	}
}

int head_append(struct head *h, struct headmem *mem, uint8_t type, bool seq, const struct hpoint *p)
{
	if (h->n == 0 || h->c[h->n - 1]->n == HEAD_CHUNK) {
		int r = root_room(h, mem);
		if (r != 0)
			return r;
		uint8_t flags = (uint8_t)((seq ? CHUNK_SEQ : 0) | (p->q != Q_GOOD ? CHUNK_QUALITY : 0));
		struct chunk *c = chunk_new(type, flags, h->n ? HEAD_CHUNK : HEAD_CHUNK_FIRST, mem);
		if (!c)
			return MO_ENOMEM;
		h->c[h->n++] = c;
		chunk_first_arrival(c, p);
	} else {
		int r = chunk_ready(h, h->n - 1, p, 1, false);
		if (r != 0)
			return r;
	}
	struct chunk *c = h->c[h->n - 1];
	uint32_t i = c->n;
	c->t[i] = p->key.t;
	if (c->seq)
		c->seq[i] = p->key.seq;
	chunk_set(c, i, p);
	c->n++;
	h->points++;
	return 0;
}

static int chunk_split(struct head *h, struct headmem *mem, struct hplace *at)
{
	int r = root_room(h, mem);
	if (r != 0)
		return r;
	struct chunk *c = h->c[at->chunk];
	uint32_t half = c->n / 2;
	struct chunk *a = chunk_part(c, 0, half, HEAD_CHUNK, c->flags), *b = chunk_part(c, half, c->n - half, HEAD_CHUNK, c->flags);
	if (!a || !b) {
		chunk_unref(a);
		chunk_unref(b);
		return MO_ENOMEM;
	}
	memmove(h->c + at->chunk + 2, h->c + at->chunk + 1, (h->n - at->chunk - 1) * sizeof *h->c);
	h->c[at->chunk] = a;
	h->c[at->chunk + 1] = b;
	h->n++;
	chunk_unref(c);
	if (at->pos > half) {
		at->chunk++;
		at->pos -= half;
	}
	return 0;
}

static void chunk_shift(struct chunk *c, uint32_t from, uint32_t to, uint32_t n)
{
	size_t w = width_of(c->type);
	memmove(c->t + to, c->t + from, n * sizeof *c->t);
	memmove((uint8_t *)c->v.any + to * w, (uint8_t *)c->v.any + from * w, n * w);
	if (c->seq)
		memmove(c->seq + to, c->seq + from, n * sizeof *c->seq);
	if (c->q)
		memmove(c->q + to, c->q + from, n);
	if (c->arr)
		memmove(c->arr + to, c->arr + from, n * sizeof *c->arr);
}

int head_insert(struct head *h, struct headmem *mem, uint8_t type, bool seq, struct hplace *at, const struct hpoint *p)
{
	if (h->n == 0 || (at->chunk + 1 == h->n && at->pos == h->c[at->chunk]->n)) {
		int r = head_append(h, mem, type, seq, p);
		if (r == 0)
			*at = (struct hplace){h->n - 1, h->c[h->n - 1]->n - 1};
		return r;
	}
	int r = h->c[at->chunk]->n == HEAD_CHUNK ? chunk_split(h, mem, at) : 0;
	if (r == 0)
		r = chunk_ready(h, at->chunk, p, 1, true);
	if (r != 0)
		return r;
	struct chunk *c = h->c[at->chunk];
	chunk_shift(c, at->pos, at->pos + 1, c->n - at->pos);
	c->t[at->pos] = p->key.t;
	if (c->seq)
		c->seq[at->pos] = p->key.seq;
	chunk_set(c, at->pos, p);
	c->n++;
	h->points++;
	return 0;
}

int head_exchange(struct head *h, struct hplace at, struct hpoint *p)
{
	int r = chunk_ready(h, at.chunk, p, 0, true);
	if (r != 0)
		return r;
	struct chunk *c = h->c[at.chunk];
	struct hpoint old;
	chunk_get(c, at.pos, &old);
	chunk_set(c, at.pos, p);
	*p = old;
	return 0;
}

void head_pop(struct head *h, struct headmem *mem, uint32_t n)
{
	while (n > 0) {
		struct chunk *c = h->c[h->n - 1];
		uint32_t k = n < c->n ? n : c->n;
		for (uint32_t i = 0; i < k; i++) {
			c->n--;
			if (c->type == SERIES_STR)
				hstr_unref(c->v.str[c->n], mem);
		}
		n -= k;
		h->points -= k;
		if (c->n == 0) {
			h->n--;
			chunk_unref(c);
		}
	}
}

void head_remove(struct head *h, struct pkey key)
{
	struct hplace at;
	bool there = head_find(h, key, &at);
	assert(there);
	(void)there;
	struct chunk *c = h->c[at.chunk];
	if (c->type == SERIES_STR)
		hstr_unref(c->v.str[at.pos], c->mem);
	chunk_shift(c, at.pos + 1, at.pos, c->n - at.pos - 1);
	c->n--;
	h->points--;
	if (c->n == 0) {
		memmove(h->c + at.chunk, h->c + at.chunk + 1, (h->n - at.chunk - 1) * sizeof *h->c);
		h->n--;
		chunk_unref(c);
	}
}

void head_restore(struct head *h, struct pkey key, struct hpoint *p)
{
	struct hplace at;
	bool there = head_find(h, key, &at);
	assert(there);
	(void)there;
	struct chunk *c = h->c[at.chunk];
	struct hpoint now;
	chunk_get(c, at.pos, &now);
	chunk_set(c, at.pos, p);
	*p = now;
}
