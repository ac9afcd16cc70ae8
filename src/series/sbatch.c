/* A batch: groups of rows, one series each, in the form of the log (docs/formats/series.md, Batch). */
#include "series/priv/sbatch.h"

#include <stdlib.h>

#include "base/num.h"

int sbatch_new(struct sbatch **ret)
{
	struct sbatch *b = calloc(1, sizeof *b);
	if (!b)
		return MO_ENOMEM;
	buf_init(&b->rows, SBATCH_BYTES_MAX);
	sbatch_reset(b);
	*ret = b;
	return 0;
}

void sbatch_free(struct sbatch *b)
{
	if (!b)
		return;
	buf_free(&b->rows);
	free(b);
}

void sbatch_reset(struct sbatch *b)
{
	buf_reset(&b->rows);
	b->arrival = T_NONE;
	b->points = b->groups = 0;
	b->last = SIZE_MAX;
	b->tell = NULL;
}

void sbatch_set_arrival(struct sbatch *b, int64_t t_ns)
{
	b->arrival = t_ns;
}
void sbatch_tell(struct sbatch *b, uint8_t *per_point)
{
	b->tell = per_point;
}
size_t sbatch_points(const struct sbatch *b)
{
	return b->points;
}
size_t sbatch_bytes(const struct sbatch *b)
{
	return BATCH_HEAD + b->rows.n;
}

static size_t value_bytes(uint8_t type)
{
	return type == SERIES_BOOL ? 1 : type == SERIES_STR ? 4 : 8;
}

size_t brow_fixed(uint8_t type, uint8_t flags)
{
	return 8 + (flags & ROW_SEQ ? 8u : 0u) + (flags & ROW_ARRIVAL ? 8u : 0u) + (flags & ROW_QUALITY ? 1u : 0u) + value_bytes(type);
}

static bool time_ok(int64_t t)
{
	return t != INT64_MIN && t != INT64_MAX;
}

/* The group that takes the row, and room for `need` bytes behind its rows; NULL with the buffer's error. A new group is not counted yet. */
static uint8_t *group_for(struct sbatch *b, series_id id, uint8_t type, uint8_t *flags, size_t need, bool *fresh)
{
	if (b->last != SIZE_MAX) {
		const uint8_t *g = b->rows.p + b->last;
		/* A plain row may stand in a group with more columns, but for the arrival time: absent is not the batch's there. */
		if (ld32(g) == id && g[4] == type && (*flags & ~g[5]) == 0 && ((*flags ^ g[5]) & ROW_ARRIVAL) == 0) {
			*flags = g[5];
			*fresh = false;
			return buf_reserve(&b->rows, need + 9); /* the columns it did not ask for */
		}
	}
	*fresh = true;
	return buf_reserve(&b->rows, GROUP_HEAD + need);
}

static void group_begin(struct sbatch *b, series_id id, uint8_t type, uint8_t flags)
{
	uint8_t *g = b->rows.p + b->rows.n;
	memset(g, 0, GROUP_HEAD);
	st32(g, id);
	g[4] = type;
	g[5] = flags;
	b->last = b->rows.n;
	b->rows.n += GROUP_HEAD;
	b->groups++;
}

static void group_grow(struct sbatch *b, uint32_t points, size_t bytes)
{
	uint8_t *g = b->rows.p + b->last;
	st32(g + 8, ld32(g + 8) + points);
	st32(g + 12, ld32(g + 12) + (uint32_t)bytes);
	b->rows.n += bytes;
	b->points += points;
}

static int full(struct sbatch *b)
{
	int r = b->rows.err;
	b->rows.err = 0; /* the batch is as it was */
	return r;
}

int sbatch_add(struct sbatch *b, const struct sbatch_point *p)
{
	if (p->id == 0 || p->type < SERIES_F64 || p->type > SERIES_STR || !time_ok(p->t_ns) ||
	        (p->type == SERIES_STR && p->v.str.n > SERIES_STR_MAX))
		return MO_EINVAL;
	if (b->points >= SBATCH_POINTS_MAX)
		return MO_ELIMIT;
	uint8_t type = (uint8_t)p->type;
	uint8_t flags = (uint8_t)((p->seq ? ROW_SEQ : 0) | (p->quality ? ROW_QUALITY : 0) | (p->arrival_ns != T_NONE ? ROW_ARRIVAL : 0));
	size_t text = type == SERIES_STR ? p->v.str.n : 0;
	bool fresh;
	if (!group_for(b, p->id, type, &flags, brow_fixed(type, flags) + text, &fresh))
		return full(b);
	if (fresh)
		group_begin(b, p->id, type, flags);
	uint8_t *o = b->rows.p + b->rows.n, *start = o;
	sti64(o, p->t_ns);
	o += 8;
	if (flags & ROW_SEQ) {
		st64(o, p->seq);
		o += 8;
	}
	if (flags & ROW_ARRIVAL) {
		sti64(o, p->arrival_ns);
		o += 8;
	}
	if (flags & ROW_QUALITY)
		*o++ = p->quality;
	switch (p->type) {
	case SERIES_F64:
		stf64(o, p->v.f64);
		o += 8;
		break;
	case SERIES_I64:
		sti64(o, p->v.i64);
		o += 8;
		break;
	case SERIES_BOOL:
		*o++ = p->v.b != 0;
		break;
	case SERIES_STR:
		st32(o, (uint32_t)text);
		if (text)
			memcpy(o + 4, p->v.str.p, text);
		o += 4 + text;
		break;
	}
	group_grow(b, 1, (size_t)(o - start));
	return 0;
}

int sbatch_add_run(struct sbatch *b, series_id id, enum series_type type, size_t n, const int64_t *t_ns, const void *v)
{
	if (id == 0 || type < SERIES_F64 || type > SERIES_STR)
		return MO_EINVAL;
	if (n == 0)
		return 0;
	if (n > SBATCH_POINTS_MAX - b->points)
		return MO_ELIMIT;
	bool ok = true;
	for (size_t i = 0; i < n; i++)
		ok &= time_ok(t_ns[i]);
	size_t row = brow_fixed((uint8_t)type, 0), text = 0;
	const struct span *s = v;
	for (size_t i = 0; type == SERIES_STR && i < n; i++) {
		ok &= s[i].n <= SERIES_STR_MAX;
		text += s[i].n;
	}
	if (!ok)
		return MO_EINVAL;
	if (text > SBATCH_BYTES_MAX)
		return MO_ELIMIT;
	uint8_t *o = buf_reserve(&b->rows, GROUP_HEAD + n * row + text);
	if (!o)
		return full(b);
	group_begin(b, id, (uint8_t)type, 0);
	o += GROUP_HEAD;
	if (type == SERIES_BOOL) {
		const uint8_t *x = v;
		for (size_t i = 0; i < n; i++, o += row) {
			sti64(o, t_ns[i]);
			o[8] = x[i] != 0;
		}
	} else if (type == SERIES_STR) {
		for (size_t i = 0; i < n; i++) {
			sti64(o, t_ns[i]);
			st32(o + 8, (uint32_t)s[i].n);
			if (s[i].n)
				memcpy(o + row, s[i].p, s[i].n);
			o += row + s[i].n;
		}
	} else {
		const uint8_t *x = v;
		for (size_t i = 0; i < n; i++, o += row) {
			sti64(o, t_ns[i]);
			memcpy(o + 8, x + i * 8, 8);
		}
	}
	group_grow(b, (uint32_t)n, n * row + text);
	return 0;
}

/* ---- reading ---- */

bool bgroup_next(struct bgroup *ret, struct span *s)
{
	if (s->n < GROUP_HEAD)
		return false;
	const uint8_t *p = s->p;
	size_t bytes = ld32(p + 12);
	if (bytes > s->n - GROUP_HEAD)
		return false;
	*ret = (struct bgroup){ld32(p), p[4], p[5], ld32(p + 8), span_of(p + GROUP_HEAD, bytes)};
	s->p += GROUP_HEAD + bytes;
	s->n -= GROUP_HEAD + bytes;
	return true;
}

void brow_next(struct brow *ret, struct bgroup *g)
{
	const uint8_t *p = g->rows.p;
	ret->t = ldi64(p);
	p += 8;
	ret->seq = 0;
	if (g->flags & ROW_SEQ) {
		ret->seq = ld64(p);
		p += 8;
	}
	if (g->flags & ROW_ARRIVAL) {
		ret->arrival = ldi64(p);
		p += 8;
	}
	ret->quality = g->flags & ROW_QUALITY ? *p++ : Q_GOOD;
	switch (g->type) {
	case SERIES_F64:
		ret->v.f64 = ldf64(p);
		p += 8;
		break;
	case SERIES_I64:
		ret->v.i64 = ldi64(p);
		p += 8;
		break;
	case SERIES_BOOL:
		ret->v.b = *p++;
		break;
	default:
		ret->v.str = span_of(p + 4, ld32(p));
		p += 4 + ret->v.str.n;
		break;
	}
	g->rows.n -= (size_t)(p - g->rows.p);
	g->rows.p = p;
}

static bool group_check(const struct bgroup *g)
{
	if (g->id == 0 || g->type < SERIES_F64 || g->type > SERIES_STR || (g->flags & ~(ROW_SEQ | ROW_QUALITY | ROW_ARRIVAL)) != 0 ||
	        g->n == 0)
		return false;
	size_t fixed = brow_fixed(g->type, g->flags);
	if (g->type != SERIES_STR && g->rows.n != (uint64_t)g->n * fixed)
		return false;
	const uint8_t *p = g->rows.p, *end = p + g->rows.n;
	for (uint32_t i = 0; i < g->n; i++) {
		if ((size_t)(end - p) < fixed || !time_ok(ldi64(p)))
			return false;
		if (g->type == SERIES_BOOL && p[fixed - 1] > 1)
			return false;
		size_t text = g->type == SERIES_STR ? ld32(p + fixed - 4) : 0;
		p += fixed;
		if (text > SERIES_STR_MAX || text > (size_t)(end - p))
			return false;
		p += text;
	}
	return p == end;
}

bool batch_check(struct span payload)
{
	if (payload.n < BATCH_HEAD)
		return false;
	uint64_t points = 0;
	uint32_t groups = ld32(payload.p + 12);
	struct span s = span_sub(payload, BATCH_HEAD, payload.n);
	for (uint32_t i = 0; i < groups; i++) {
		struct span before = s;
		struct bgroup g;
		if (!bgroup_next(&g, &s) || before.p[6] != 0 || before.p[7] != 0 || !group_check(&g))
			return false;
		points += g.n;
	}
	return s.n == 0 && points == ld32(payload.p + 8) && points <= SBATCH_POINTS_MAX;
}

/* ---- to the log ---- */

size_t sbatch_payload_max(const struct sbatch *b)
{
	return BATCH_HEAD + b->rows.n;
}

static bool all_near(struct bgroup g, int64_t arrival)
{
	for (uint32_t i = 0; i < g.n; i++) {
		struct brow row;
		brow_next(&row, &g);
		if (!arrival_near(row.arrival, arrival))
			return false;
	}
	return true;
}

/* The rows of g without their arrival times. */
static size_t strip(struct bgroup g, uint8_t *out)
{
	uint8_t *o = out;
	size_t at = g.flags & ROW_SEQ ? 16 : 8;
	for (uint32_t i = 0; i < g.n; i++) {
		const uint8_t *p = g.rows.p;
		struct brow row;
		brow_next(&row, &g);
		size_t rest = (size_t)(g.rows.p - p) - at - 8;
		memcpy(o, p, at);
		memcpy(o + at, p + at + 8, rest);
		o += at + rest;
	}
	return (size_t)(o - out);
}

size_t sbatch_payload(const struct sbatch *b, uint8_t *out)
{
	sti64(out, b->arrival);
	st32(out + 8, b->points);
	st32(out + 12, b->groups);
	uint8_t *o = out + BATCH_HEAD;
	struct span s = buf_span(&b->rows);
	struct bgroup g;
	const uint8_t *from = s.p;
	while (bgroup_next(&g, &s)) {
		if (!(g.flags & ROW_ARRIVAL) || b->arrival == T_NONE || !all_near(g, b->arrival))
			continue;
		/* What stands before it goes over as it is. */
		size_t before = (size_t)(g.rows.p - from);
		memcpy(o, from, before);
		o += before;
		uint8_t *head = o - GROUP_HEAD;
		head[5] = (uint8_t)(head[5] & ~ROW_ARRIVAL);
		size_t bytes = strip(g, o);
		st32(head + 12, (uint32_t)bytes);
		o += bytes;
		from = s.p;
	}
	size_t left = (size_t)(b->rows.p + b->rows.n - from);
	if (left)
		memcpy(o, from, left);
	return (size_t)(o + left - out);
}

bool sbatch_extents(const struct sbatch *b, size_t *pos, struct sbatch_extent *ret)
{
	struct span s = span_sub(buf_span(&b->rows), *pos, b->rows.n);
	struct bgroup g;
	if (!bgroup_next(&g, &s))
		return false;
	*pos = b->rows.n - s.n;
	*ret = (struct sbatch_extent){g.id, g.n, INT64_MAX, INT64_MIN, INT64_MAX, INT64_MIN};
	if (g.type != SERIES_STR && !(g.flags & ROW_ARRIVAL)) {
		/* All rows are alike: only their times are looked at. */
		size_t row = brow_fixed(g.type, g.flags);
		const uint8_t *p = g.rows.p;
		for (uint32_t i = 0; i < g.n; i++, p += row) {
			int64_t t = ldi64(p);
			ret->t_min = t < ret->t_min ? t : ret->t_min;
			ret->t_max = t > ret->t_max ? t : ret->t_max;
		}
		ret->arrival_min = ret->arrival_max = b->arrival;
		return true;
	}
	struct brow r = {.arrival = b->arrival};
	for (uint32_t i = 0; i < g.n; i++) {
		brow_next(&r, &g);
		ret->t_min = r.t < ret->t_min ? r.t : ret->t_min;
		ret->t_max = r.t > ret->t_max ? r.t : ret->t_max;
		ret->arrival_min = r.arrival < ret->arrival_min ? r.arrival : ret->arrival_min;
		ret->arrival_max = r.arrival > ret->arrival_max ? r.arrival : ret->arrival_max;
	}
	return true;
}
