#include "series/priv/mcur.h"

#include <stdlib.h>

void mcur_init(struct mcur *m, const struct series_def *def, int64_t from, int64_t to, bool desc, unsigned want)
{
	*m = (struct mcur){
	        .type = (uint8_t)def->type, .seq = def->kind == SERIES_SEQUENCE, .desc = desc, .want = want, .from = from, .to = to};
}

static void src_free(struct msrc *s)
{
	seg_unref(s->seg);
	for (size_t i = 0; i < s->nsnap; i++)
		chunk_unref(s->snap[i].c);
	free(s->snap);
	blockbuf_free(&s->buf);
}

void mcur_free(struct mcur *m)
{
	for (size_t i = 0; i < m->n; i++)
		src_free(&m->src[i]);
	free(m->src);
	m->src = NULL;
	m->n = m->cap = 0;
}

static bool before(const struct mcur *m, struct pkey a, struct pkey b)
{
	return m->desc ? pkey_less(b, a) : pkey_less(a, b);
}

/* First and last key of the current piece, in order of time. */
static struct pkey piece_low(const struct msrc *s)
{
	return s->seg ? bentry_first(seg_block(s->seg, s->e, (uint32_t)s->piece)) : chunk_key(s->snap[s->piece].c, 0);
}
static struct pkey piece_high(const struct msrc *s)
{
	return s->seg ? bentry_last(seg_block(s->seg, s->e, (uint32_t)s->piece)) : chunk_key(s->snap[s->piece].c, s->snap[s->piece].n - 1);
}

static void piece_begin(const struct mcur *m, struct msrc *s)
{
	s->loaded = false;
	if (s->left)
		s->next = m->desc ? piece_high(s) : piece_low(s);
}

static void piece_advance(const struct mcur *m, struct msrc *s)
{
	s->left--;
	if (s->left)
		s->piece = m->desc ? s->piece - 1 : s->piece + 1;
	piece_begin(m, s);
}

static int src_room(struct mcur *m)
{
	if (m->n < m->cap)
		return 0;
	size_t cap = m->cap ? m->cap * 2 : 4;
	struct msrc *s = realloc(m->src, cap * sizeof *s);
	if (!s)
		return MO_ENOMEM;
	m->src = s;
	m->cap = cap;
	return 0;
}

int mcur_add_seg(struct mcur *m, struct seg *g, const struct sentry *e)
{
	if (e->t_last < m->from || e->t_first >= m->to)
		return 0;
	uint32_t a = seg_search(g, e, (struct pkey){m->from, 0}), lo = a, hi = e->blocks;
	while (lo < hi) { /* first block that begins at or past `to` */
		uint32_t mid = lo + (hi - lo) / 2;
		if (seg_block(g, e, mid)->t_first < m->to)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == a)
		return 0;
	int r = src_room(m);
	if (r != 0)
		return r;
	struct msrc *s = &m->src[m->n++];
	*s = (struct msrc){.seg = g, .e = e, .piece = m->desc ? lo - 1 : a, .left = lo - a};
	seg_ref(g);
	piece_begin(m, s);
	return 0;
}

int mcur_add_head(struct mcur *m, const struct head *h)
{
	size_t a = 0, b = h->n;
	while (a < b && h->c[a]->t[h->c[a]->n - 1] < m->from)
		a++;
	while (b > a && h->c[b - 1]->t[0] >= m->to)
		b--;
	if (a == b)
		return 0;
	int r = src_room(m);
	struct hsnap *snap = r == 0 ? malloc((b - a) * sizeof *snap) : NULL;
	if (!snap)
		return MO_ENOMEM;
	for (size_t i = a; i < b; i++) {
		snap[i - a] = (struct hsnap){h->c[i], h->c[i]->n};
		chunk_ref(h->c[i]);
	}
	struct msrc *s = &m->src[m->n++];
	*s = (struct msrc){.snap = snap, .nsnap = b - a, .piece = m->desc ? b - a - 1 : 0, .left = b - a};
	piece_begin(m, s);
	return 0;
}

int mcur_add_chunks(struct mcur *m, const struct hsnap *c, size_t n)
{
	size_t a = 0, b = n;
	while (a < b && c[a].c->t[c[a].n - 1] < m->from)
		a++;
	while (b > a && c[b - 1].c->t[0] >= m->to)
		b--;
	if (a == b)
		return 0;
	int r = src_room(m);
	struct hsnap *snap = r == 0 ? malloc((b - a) * sizeof *snap) : NULL;
	if (!snap)
		return MO_ENOMEM;
	for (size_t i = a; i < b; i++) {
		snap[i - a] = c[i];
		chunk_ref(c[i].c);
	}
	struct msrc *s = &m->src[m->n++];
	*s = (struct msrc){.snap = snap, .nsnap = b - a, .piece = m->desc ? b - a - 1 : 0, .left = b - a};
	piece_begin(m, s);
	return 0;
}

/* ---- one piece ---- */

static int load_chunk(const struct mcur *m, struct msrc *s)
{
	const struct chunk *c = s->snap[s->piece].c;
	uint32_t n = s->snap[s->piece].n;
	bool text = m->type == SERIES_STR;
	if (text || m->want & WANT_ARRIVAL || m->desc) {
		int r = blockbuf_reserve(&s->buf, m->type, n);
		if (r != 0)
			return r;
	}
	s->c = (struct cols){.n = n, .t = c->t, .seq = c->seq, .v = c->v.any, .q = m->want & WANT_QUALITY ? c->q : NULL};
	if (text) {
		struct span *v = s->buf.v;
		for (uint32_t i = 0; i < n; i++)
			v[i] = span_of(c->v.str[i]->p, c->v.str[i]->n);
		s->c.v = v;
	}
	if (m->want & WANT_ARRIVAL) {
		for (uint32_t i = 0; i < n; i++)
			s->buf.arr[i] = chunk_arrival(c, i);
		s->c.arr = s->buf.arr;
	}
	return 0;
}

#define REVERSE(type_, dst_, src_, n_)                                                                                                     \
	do {                                                                                                                               \
		type_ *d_ = (dst_);                                                                                                        \
		const type_ *s_ = (src_);                                                                                                  \
		for (size_t a_ = 0, b_ = (n_); a_ < b_; a_++) {                                                                            \
			b_--;                                                                                                              \
			type_ x_ = s_[a_], y_ = s_[b_];                                                                                    \
			d_[a_] = y_;                                                                                                       \
			d_[b_] = x_;                                                                                                       \
		}                                                                                                                          \
	} while (0)

/* Turns the columns round, into the source's own memory (where they may stand already). */
static void reverse(const struct mcur *m, struct msrc *s)
{
	struct cols *c = &s->c;
	size_t n = c->n;
	REVERSE(int64_t, s->buf.t, c->t, n);
	c->t = s->buf.t;
	if (c->seq) {
		REVERSE(uint64_t, s->buf.seq, c->seq, n);
		c->seq = s->buf.seq;
	}
	if (c->v) {
		if (m->type == SERIES_STR)
			REVERSE(struct span, s->buf.v, c->v, n);
		else if (m->type == SERIES_BOOL)
			REVERSE(uint8_t, s->buf.v, c->v, n);
		else
			REVERSE(uint64_t, s->buf.v, c->v, n);
		c->v = s->buf.v;
	}
	if (c->q) {
		REVERSE(uint8_t, s->buf.q, c->q, n);
		c->q = s->buf.q;
	}
	if (c->arr) {
		REVERSE(int64_t, s->buf.arr, c->arr, n);
		c->arr = s->buf.arr;
	}
}

/* How many points of c from i on lie before key, in order of reading. */
static size_t count_before(const struct mcur *m, const struct cols *c, size_t i, struct pkey key)
{
	size_t lo = i, hi = c->n;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (before(m, cols_key(c, mid), key))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo - i;
}

/* Cuts the loaded piece to the range. */
static void clip(const struct mcur *m, struct msrc *s)
{
	struct cols *c = &s->c;
	s->pos = 0;
	if (m->desc) {
		/* keys fall: first those at or past `to`, last those below `from` */
		if (m->to != INT64_MAX)
			s->pos = count_before(m, c, 0, (struct pkey){m->to - 1, UINT64_MAX});
		if (m->from != INT64_MIN)
			c->n = s->pos + count_before(m, c, s->pos, (struct pkey){m->from - 1, UINT64_MAX});
	} else {
		s->pos = count_before(m, c, 0, (struct pkey){m->from, 0});
		c->n = s->pos + count_before(m, c, s->pos, (struct pkey){m->to, 0});
	}
}

static void src_step(const struct mcur *m, struct msrc *s, size_t n)
{
	s->pos += n;
	if (s->pos == s->c.n)
		piece_advance(m, s);
	else
		s->next = cols_key(&s->c, s->pos);
}

static int src_load(const struct mcur *m, struct msrc *s, struct diag *d)
{
	int r = s->seg ? seg_decode(&s->c, &s->buf, s->seg, s->e, (uint32_t)s->piece, m->want, d) : load_chunk(m, s);
	if (r == MO_ENOMEM)
		return series_say_nomem(d);
	if (r != 0) {
		piece_advance(m, s);
		return r;
	}
	if (m->desc)
		reverse(m, s);
	clip(m, s);
	if (s->pos == s->c.n) {
		piece_advance(m, s);
		return 0;
	}
	s->loaded = true;
	s->next = cols_key(&s->c, s->pos);
	return 0;
}

/* ---- the merge ---- */

static struct msrc *least(const struct mcur *m)
{
	struct msrc *w = NULL;
	for (size_t i = 0; i < m->n; i++) {
		struct msrc *s = &m->src[i];
		if (s->left && (!w || !before(m, w->next, s->next))) /* of equals the newest */
			w = s;
	}
	return w;
}

/* Where the others go on: behind every point (no time is the first or last of its range) when there are none. */
static struct pkey others(const struct mcur *m, const struct msrc *w)
{
	struct pkey limit = m->desc ? (struct pkey){INT64_MIN, 0} : (struct pkey){INT64_MAX, UINT64_MAX};
	for (size_t i = 0; i < m->n; i++) {
		const struct msrc *s = &m->src[i];
		if (s != w && s->left && before(m, s->next, limit))
			limit = s->next;
	}
	return limit;
}

static bool whole_piece(const struct mcur *m, const struct msrc *w)
{
	struct pkey low = piece_low(w), high = piece_high(w);
	return w->seg && low.t >= m->from && high.t < m->to && before(m, m->desc ? low : high, others(m, w));
}

int mcur_next(struct mcur *m, bool offer, struct mslice *ret, struct diag *d)
{
	*ret = (struct mslice){0};
	m->offered = NULL;
	for (;;) {
		struct msrc *w = least(m);
		if (!w)
			return 0;
		if (!w->loaded) {
			if (offer && whole_piece(m, w)) {
				m->offered = w;
				ret->whole = seg_block(w->seg, w->e, (uint32_t)w->piece);
				ret->seg = w->seg;
				return 0;
			}
			int r = src_load(m, w, d);
			if (r != 0)
				return r;
			continue;
		}
		/* Older sources with the same key lose it. */
		bool again = false;
		for (size_t i = 0; i < m->n && !again; i++) {
			struct msrc *s = &m->src[i];
			if (s == w || !s->left || !pkey_eq(s->next, w->next))
				continue;
			if (s->loaded) {
				src_step(m, s, 1);
			} else {
				int r = src_load(m, s, d);
				if (r != 0)
					return r;
				again = true;
			}
		}
		if (again)
			continue;
		size_t n = count_before(m, &w->c, w->pos, others(m, w));
		ret->c = cols_slice(&w->c, m->type, w->pos, n);
		src_step(m, w, n);
		return 0;
	}
}

void mcur_skip(struct mcur *m)
{
	if (m->offered)
		piece_advance(m, m->offered);
	m->offered = NULL;
}
