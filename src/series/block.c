#include "series/priv/block.h"

#include <math.h>
#include <stdlib.h>

#include "base/crc32c.h"

struct cols cols_slice(const struct cols *c, uint8_t type, size_t i, size_t n)
{
	return (struct cols){n, c->t + i, c->seq ? c->seq + i : NULL, c->v ? (const uint8_t *)c->v + i * value_width(type) : NULL,
	        c->q ? c->q + i : NULL, c->arr ? c->arr + i : NULL};
}

void blockbuf_free(struct blockbuf *b)
{
	free(b->t);
	free(b->arr);
	free(b->seq);
	free(b->scratch);
	free(b->v);
	free(b->q);
	*b = (struct blockbuf){0};
}

int blockbuf_reserve(struct blockbuf *b, uint8_t type, size_t n)
{
	if (b->cap >= n && b->type == type && b->t)
		return 0;
	size_t cap = n < 64 ? 64 : n;
	blockbuf_free(b);
	b->t = malloc(cap * sizeof *b->t);
	b->arr = malloc(cap * sizeof *b->arr);
	b->seq = malloc(cap * sizeof *b->seq);
	bool numbered = type == SERIES_BOOL || type == SERIES_STR;
	b->scratch = numbered ? malloc(cap * sizeof *b->scratch) : NULL;
	b->v = malloc(cap * value_width(type));
	b->q = malloc(cap);
	if (!b->t || !b->arr || !b->seq || (numbered && !b->scratch) || !b->v || !b->q) {
		blockbuf_free(b);
		return MO_ENOMEM;
	}
	b->cap = cap;
	b->type = type;
	return 0;
}

/* ---- statistics ---- */

static double number_at(uint8_t type, const void *v, size_t i)
{
	switch (type) {
	case SERIES_F64:
		return ((const double *)v)[i];
	case SERIES_I64:
		return (double)((const int64_t *)v)[i];
	default:
		return ((const uint8_t *)v)[i];
	}
}

/* All good and numbers: no branch a value, four sums side by side. */
static bool stat_plain(struct vstat *s, const double *v, size_t n)
{
	double lo[4] = {v[0], v[0], v[0], v[0]}, hi[4] = {v[0], v[0], v[0], v[0]}, sum[4] = {0, 0, 0, 0};
	size_t i = 0;
	for (; i + 4 <= n; i += 4)
		for (size_t k = 0; k < 4; k++) {
			double x = v[i + k];
			lo[k] = x < lo[k] ? x : lo[k];
			hi[k] = x > hi[k] ? x : hi[k];
			sum[k] += x;
		}
	for (; i < n; i++) {
		lo[0] = v[i] < lo[0] ? v[i] : lo[0];
		hi[0] = v[i] > hi[0] ? v[i] : hi[0];
		sum[0] += v[i];
	}
	double all = (sum[0] + sum[1]) + (sum[2] + sum[3]);
	if (isnan(all)) /* a NaN among them (or both infinities): one by one */
		return false;
	for (size_t k = 1; k < 4; k++) {
		lo[0] = lo[k] < lo[0] ? lo[k] : lo[0];
		hi[0] = hi[k] > hi[0] ? hi[k] : hi[0];
	}
	if (s->good == 0 || lo[0] < s->min)
		s->min = lo[0];
	if (s->good == 0 || hi[0] > s->max)
		s->max = hi[0];
	s->sum += all;
	return true;
}

void vstat_add(struct vstat *s, uint8_t type, const struct cols *c)
{
	if (c->n == 0)
		return;
	if (type == SERIES_STR) {
		for (size_t i = 0; c->q && i < c->n; i++)
			s->bad += q_is_bad(c->q[i]);
		return;
	}
	if (type == SERIES_F64 && !c->q && stat_plain(s, c->v, c->n)) {
		const double *v = c->v;
		if (s->good == 0) {
			s->first = v[0];
			s->first_ns = c->t[0];
		}
		s->last = v[c->n - 1];
		s->last_ns = c->t[c->n - 1];
		s->good += c->n;
		return;
	}
	for (size_t i = 0; i < c->n; i++) {
		double x = number_at(type, c->v, i);
		if ((c->q && q_is_bad(c->q[i])) || isnan(x)) {
			s->bad++;
			continue;
		}
		if (s->good == 0) {
			s->min = s->max = s->first = x;
			s->first_ns = c->t[i];
		}
		s->min = x < s->min ? x : s->min;
		s->max = x > s->max ? x : s->max;
		s->sum += x;
		s->last = x;
		s->last_ns = c->t[i];
		s->good++;
	}
}

/* ---- writing ---- */

void block_encode(struct buf *out, uint8_t type, const struct cols *cols, uint64_t *scratch, struct bentry *e)
{
	struct cols plain = *cols, *c = &plain;
	size_t n = c->n, start = out->n, at = start;
	if (c->q && all_zero(c->q, n)) /* Q_GOOD is 0 */
		c->q = NULL;
	struct vstat s = {0};
	*e = (struct bentry){.t_first = c->t[0], .t_last = c->t[n - 1], .count = (uint32_t)n};
	vstat_add(&s, type, c);
	e->bad = s.bad;
	if (s.good > 0 && type != SERIES_STR) {
		e->min = s.min;
		e->max = s.max;
		e->sum = s.sum;
		e->first = s.first;
		e->last = s.last;
	}
	for (int col = 0; col < COL_COUNT; col++) {
		uint8_t codec = SCODEC_RAW;
		switch (col) {
		case COL_T:
			codec = scodec_put_u64(out, (const uint64_t *)(const void *)c->t, n, true);
			break;
		case COL_SEQ:
			if (c->seq) {
				e->seq_first = c->seq[0];
				e->seq_last = c->seq[n - 1];
				codec = scodec_put_u64(out, c->seq, n, false);
			}
			break;
		case COL_V:
			codec = type == SERIES_F64    ? scodec_put_f64(out, c->v, n, scratch)
			        : type == SERIES_I64  ? scodec_put_u64(out, c->v, n, false)
			        : type == SERIES_BOOL ? scodec_put_bool(out, c->v, n, scratch)
			                              : scodec_put_str(out, c->v, n, scratch);
			break;
		case COL_Q:
			if (c->q)
				codec = scodec_put_quality(out, c->q, n);
			break;
		default:
			if (c->arr)
				codec = scodec_put_arrival(out, c->t, c->arr, n);
			break;
		}
		e->codec[col] = codec;
		e->col_bytes[col] = (uint32_t)(out->n - at);
		at = out->n;
	}
	if (out->err)
		return;
	e->bytes = (uint32_t)(at - start);
	e->crc = crc32c(0, span_of(out->p + start, at - start));
}

/* ---- reading ---- */

bool bentry_check(const struct bentry *e, uint8_t type, bool seq)
{
	uint64_t sum = 0;
	for (int i = 0; i < COL_COUNT; i++) {
		sum += e->col_bytes[i];
		if (e->col_bytes[i] == 0 && e->codec[i] != 0)
			return false;
	}
	if (sum != e->bytes || e->count == 0 || e->count > BLOCK_POINTS_MAX || e->bad > e->count || !all_zero(e->zero, sizeof e->zero) ||
	        e->col_bytes[COL_T] == 0 || e->col_bytes[COL_V] == 0 || (e->col_bytes[COL_SEQ] != 0) != seq)
		return false;
	if (!seq && (e->seq_first != 0 || e->seq_last != 0))
		return false;
	if (pkey_less(bentry_last(e), bentry_first(e)) || (e->count > 1) != pkey_less(bentry_first(e), bentry_last(e)))
		return false;
	return type == SERIES_STR || e->bad == e->count || (e->min <= e->max);
}

static bool in_order(const struct cols *c)
{
	bool ok = true;
	if (!c->seq) {
		for (size_t i = 1; i < c->n; i++)
			ok &= c->t[i - 1] < c->t[i];
		return ok;
	}
	for (size_t i = 1; i < c->n; i++)
		ok &= pkey_less(cols_key(c, i - 1), cols_key(c, i));
	return ok;
}

int block_decode(struct cols *ret, struct blockbuf *buf, uint8_t type, bool seq, const struct bentry *e, struct span bytes, unsigned want,
        int *ret_col)
{
	size_t n = e->count, at = 0;
	struct span col[COL_COUNT];
	if (bytes.n != e->bytes || crc32c(0, bytes) != e->crc)
		return MO_ECORRUPT;
	for (int i = 0; i < COL_COUNT; i++) {
		if (e->codec[i] > SCODEC_TABLE) {
			*ret_col = i;
			return MO_EVERSION;
		}
		col[i] = span_sub(bytes, at, e->col_bytes[i]);
		at += e->col_bytes[i];
	}
	int r = blockbuf_reserve(buf, type, n);
	if (r != 0)
		return r;
	struct cols c = {.n = n, .t = buf->t};
	r = scodec_get_u64((uint64_t *)(void *)buf->t, n, e->codec[COL_T], col[COL_T]);
	if (r == 0 && seq) {
		r = scodec_get_u64(buf->seq, n, e->codec[COL_SEQ], col[COL_SEQ]);
		c.seq = buf->seq;
	}
	if (r == 0 && want & WANT_VALUES) {
		uint8_t id = e->codec[COL_V];
		r = type == SERIES_F64    ? scodec_get_f64(buf->v, n, id, col[COL_V])
		    : type == SERIES_I64  ? scodec_get_u64(buf->v, n, id, col[COL_V])
		    : type == SERIES_BOOL ? scodec_get_bool(buf->v, n, id, col[COL_V], buf->scratch)
		                          : scodec_get_str(buf->v, n, id, col[COL_V], buf->scratch);
		c.v = buf->v;
	}
	if (r == 0 && want & WANT_QUALITY && col[COL_Q].n) {
		r = scodec_get_quality(buf->q, n, e->codec[COL_Q], col[COL_Q]);
		c.q = buf->q;
	}
	if (r == 0 && want & WANT_ARRIVAL) {
		if (col[COL_ARR].n)
			r = scodec_get_arrival(buf->arr, buf->t, n, e->codec[COL_ARR], col[COL_ARR]);
		else
			memcpy(buf->arr, buf->t, n * sizeof *buf->t);
		c.arr = buf->arr;
	}
	if (r == MO_EVERSION) /* an id that is known, but not for this column */
		r = MO_ECORRUPT;
	if (r == 0 && (!pkey_eq(cols_key(&c, 0), bentry_first(e)) || !pkey_eq(cols_key(&c, n - 1), bentry_last(e)) || !in_order(&c)))
		r = MO_ECORRUPT;
	if (r == 0)
		*ret = c;
	return r;
}
