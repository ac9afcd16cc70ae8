#include "model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

const struct sdb_options model_options = {.head_budget_bytes = 24000, .log_file_bytes = 4096, .block_points = 16};

void model_init(struct model *m)
{
	memset(m, 0, sizeof *m);
	for (series_id id = 1; id <= MODEL_SERIES; id++) {
		char text[32];
		struct series_def def = model_def(id, text);
		m->s[id - 1].type = def.type;
		m->s[id - 1].kind = def.kind;
	}
}

void model_free(struct model *m)
{
	for (size_t i = 0; i < MODEL_SERIES; i++)
		free(m->s[i].p);
	memset(m, 0, sizeof *m);
}

struct series_def model_def(series_id id, char text[32])
{
	struct series_def def = {.type = (enum series_type)(1 + (id - 1) % 4), .kind = (id - 1) % 3 == 2 ? SERIES_SEQUENCE : SERIES_CLOCK};
	int n = snprintf(text, 32, "m,asset=A%u v%u", id / 3, id);
	def.key = span_of(text, (size_t)n);
	def.unit = SPAN_LIT("mm");
	def.uuid.b[0] = (uint8_t)id;
	def.uuid.b[15] = 7;
	return def;
}

union series_value model_value(enum series_type type, uint64_t v, char text[96])
{
	union series_value x = {0};
	switch (type) {
	case SERIES_F64:
		x.f64 = v % 7 == 0 ? sqrt((double)v) : (double)v / 10 - 20;
		break;
	case SERIES_I64:
		x.i64 = (int64_t)v * 1000 - 3;
		break;
	case SERIES_BOOL:
		x.b = v & 1;
		break;
	default: {
		int n = snprintf(text, 96, "text %llu ", (unsigned long long)v);
		size_t more = (size_t)(v * 7 % 60);
		memset(text + n, 'x', more);
		x.str = span_of(text, (size_t)n + more);
		break;
	}
	}
	return x;
}

static bool less(const struct mpoint *a, const struct mpoint *b)
{
	return a->t < b->t || (a->t == b->t && a->seq < b->seq);
}

static bool same_value(enum series_type type, uint64_t a, uint64_t b)
{
	return type == SERIES_BOOL ? (a & 1) == (b & 1) : a == b;
}

void model_apply(struct model *m, const struct mbatch *b, struct sdb_appended *ret)
{
	struct sdb_appended a = {0};
	for (size_t k = 0; k < b->n; k++) {
		struct mpoint p = b->p[k];
		struct mseries *s = &m->s[p.id - 1];
		if (!p.own_arr)
			p.arr = b->arr == T_NONE ? p.t : b->arr;
		size_t i = s->n;
		while (i > 0 && !less(&s->p[i - 1], &p))
			i--;
		if (i < s->n && !less(&p, &s->p[i])) {
			if (s->kind == SERIES_CLOCK) {
				s->p[i] = p;
				a.replaced++;
			} else if (same_value(s->type, s->p[i].v, p.v)) {
				a.repeated++;
			} else {
				a.refused++;
			}
			continue;
		}
		if (s->n == s->cap) {
			s->cap = s->cap ? s->cap * 2 : 64;
			s->p = realloc(s->p, s->cap * sizeof *s->p);
			if (!s->p)
				abort();
		}
		memmove(s->p + i + 1, s->p + i, (s->n - i) * sizeof *s->p);
		s->p[i] = p;
		s->n++;
		a.taken++;
	}
	if (ret)
		*ret = a;
}

uint64_t model_drop(struct model *m, const struct sdb_limit limit[MODEL_SERIES])
{
	uint64_t gone = 0;
	for (size_t k = 0; k < MODEL_SERIES; k++) {
		struct mseries *s = &m->s[k];
		size_t n = 0;
		for (size_t i = 0; i < s->n; i++) {
			bool stay = s->p[i].t >= limit[k].before_ns || s->p[i].t == s->p[s->n - 1].t;
			for (size_t j = 0; j < limit[k].n_keep && s->kind == SERIES_SEQUENCE; j++)
				stay |= s->p[i].seq >= limit[k].keep[j].first && s->p[i].seq <= limit[k].keep[j].last;
			if (stay)
				s->p[n++] = s->p[i];
		}
		gone += s->n - n;
		s->n = n;
	}
	return gone;
}

int model_define(struct sdb *db)
{
	for (series_id id = 1; id <= MODEL_SERIES; id++) {
		char text[32];
		struct series_def def = model_def(id, text);
		series_id got;
		int r = sdb_define(db, &def, &got, NULL, NULL);
		if (r != 0)
			return r;
		if (got != id)
			return MO_EBUG;
	}
	return 0;
}

int model_append(struct sdb *db, const struct mbatch *b, struct sdb_appended *ret, struct diag *d)
{
	struct sbatch *sb;
	int r = sbatch_new(&sb);
	if (r != 0)
		return r;
	sbatch_set_arrival(sb, b->arr);
	for (size_t i = 0; r == 0 && i < b->n; i++) {
		char text[96], name[32];
		const struct mpoint *p = &b->p[i];
		struct sbatch_point x = {
		        .id = p->id, .quality = p->q, .t_ns = p->t, .seq = p->seq, .arrival_ns = p->own_arr ? p->arr : T_NONE};
		x.type = model_def(p->id, name).type;
		x.v = model_value(x.type, p->v, text);
		r = sbatch_add(sb, &x);
	}
	if (r == 0)
		r = sdb_append(db, sb, ret, d);
	sbatch_free(sb);
	return r;
}

/* ---- comparing ---- */

static char words[256];
#define DIFFER(...) (snprintf(words, sizeof words, __VA_ARGS__), words)

static bool equal_value(enum series_type type, const struct sdb_batch *b, size_t i, uint64_t v)
{
	char text[96];
	union series_value x = model_value(type, v, text);
	switch (type) {
	case SERIES_F64:
		return memcmp(&b->f64[i], &x.f64, 8) == 0;
	case SERIES_I64:
		return b->i64[i] == x.i64;
	case SERIES_BOOL:
		return b->b[i] == x.b;
	default:
		return span_eq(b->str[i], x.str);
	}
}

static bool near(int64_t a, int64_t b)
{
	return a - b <= NS_PER_S && b - a <= NS_PER_S;
}

const char *model_compare_range(const struct model *m, struct sdb *db, series_id id, int64_t from, int64_t to, bool desc)
{
	const struct mseries *s = &m->s[id - 1];
	struct sdb_cursor *c;
	struct sdb_range range = {from, to, desc, true};
	int r = sdb_read(db, &c, id, &range, NULL);
	if (r != 0)
		return DIFFER("series %u: sdb_read gives %d", id, r);
	size_t lo = 0, hi = s->n;
	while (lo < s->n && s->p[lo].t < from)
		lo++;
	while (hi > lo && s->p[hi - 1].t >= to)
		hi--;
	size_t want = from < to ? hi - lo : 0, at = 0;
	const char *bad = NULL;
	for (;;) {
		struct sdb_batch b;
		r = sdb_next(c, &b, NULL);
		if (r != 0) {
			bad = DIFFER("series %u: sdb_next gives %d", id, r);
			break;
		}
		if (b.n == 0)
			break;
		for (size_t i = 0; i < b.n && !bad; i++, at++) {
			if (at >= want) {
				bad = DIFFER("series %u: more than the %zu points expected", id, want);
				break;
			}
			const struct mpoint *p = &s->p[desc ? hi - 1 - at : lo + at];
			uint8_t q = b.quality ? b.quality[i] : Q_GOOD;
			uint64_t seq = b.seq ? b.seq[i] : 0;
			if (b.t_ns[i] != p->t || seq != p->seq)
				bad = DIFFER("series %u: point %zu of %zu has time %lld/%llu, expected %lld/%llu", id, at, want,
				        (long long)b.t_ns[i], (unsigned long long)seq, (long long)p->t, (unsigned long long)p->seq);
			else if (q != p->q || !equal_value(s->type, &b, i, p->v))
				bad = DIFFER("series %u: point %zu (time %lld) has another value or quality", id, at, (long long)p->t);
			else if (!near(b.arrival_ns[i], p->arr))
				bad = DIFFER("series %u: point %zu arrived %lld, expected %lld", id, at, (long long)b.arrival_ns[i],
				        (long long)p->arr);
		}
		if (bad)
			break;
	}
	sdb_cursor_close(c);
	if (!bad && at != want)
		bad = DIFFER("series %u: %zu points, expected %zu", id, at, want);
	return bad;
}

static double number(const struct mseries *s, const struct mpoint *p)
{
	char text[96];
	union series_value x = model_value(s->type, p->v, text);
	return s->type == SERIES_F64 ? x.f64 : s->type == SERIES_I64 ? (double)x.i64 : x.b;
}

const char *model_compare_chart(const struct model *m, struct sdb *db, series_id id, int64_t from, int64_t to, size_t bins)
{
	const struct mseries *s = &m->s[id - 1];
	struct sdb_bin *b = calloc(bins, sizeof *b);
	const char *bad = NULL;
	if (!b)
		abort();
	int r = sdb_chart(db, id, from, to, bins, b, NULL);
	if (s->type == SERIES_STR) {
		free(b);
		return r == MO_ESTATE ? NULL : DIFFER("series %u: charted text", id);
	}
	if (r != 0)
		bad = DIFFER("series %u: sdb_chart gives %d", id, r);
	for (size_t k = 0; k < bins && !bad; k++) {
		int64_t a = (int64_t)(from + (__int128)(to - from) * (__int128)k / (__int128)bins);
		int64_t z = (int64_t)(from + (__int128)(to - from) * (__int128)(k + 1) / (__int128)bins);
		struct sdb_bin want = {.min = NAN, .max = NAN, .sum = NAN, .first = NAN, .last = NAN};
		for (size_t i = 0; i < s->n; i++) {
			const struct mpoint *p = &s->p[i];
			if (p->t < a || p->t >= z)
				continue;
			if (q_is_bad(p->q)) {
				want.bad++;
				continue;
			}
			double x = number(s, p);
			if (want.count++ == 0) {
				want.min = want.max = want.first = x;
				want.sum = 0;
				want.first_ns = p->t;
			}
			want.min = fmin(want.min, x);
			want.max = fmax(want.max, x);
			want.sum += x;
			want.last = x;
			want.last_ns = p->t;
		}
		if (b[k].count != want.count || b[k].bad != want.bad)
			bad = DIFFER("series %u: bin %zu counts %llu+%llu, expected %llu+%llu", id, k, (unsigned long long)b[k].count,
			        (unsigned long long)b[k].bad, (unsigned long long)want.count, (unsigned long long)want.bad);
		else if (want.count == 0 ? !isnan(b[k].min) || !isnan(b[k].last)
		                         : b[k].min != want.min || b[k].max != want.max || b[k].first != want.first ||
		                                   b[k].last != want.last || b[k].first_ns != want.first_ns ||
		                                   b[k].last_ns != want.last_ns || fabs(b[k].sum - want.sum) > 1e-9 * (1 + fabs(want.sum)))
			bad = DIFFER("series %u: bin %zu of %zu has another envelope", id, k, bins);
	}
	free(b);
	return bad;
}

static const char *compare_last(const struct mseries *s, struct sdb *db, series_id id)
{
	struct sdb_point p;
	int r = sdb_last(db, id, &p);
	if (s->n == 0)
		return r == MO_ENOENT ? NULL : DIFFER("series %u: a last value where none is", id);
	if (r != 0)
		return DIFFER("series %u: sdb_last gives %d", id, r);
	const struct mpoint *want = &s->p[s->n - 1];
	char text[96];
	union series_value x = model_value(s->type, want->v, text);
	bool same = s->type == SERIES_F64    ? memcmp(&p.v.f64, &x.f64, 8) == 0
	            : s->type == SERIES_I64  ? p.v.i64 == x.i64
	            : s->type == SERIES_BOOL ? p.v.b == x.b
	                                     : span_eq(p.v.str, span_sub(x.str, 0, 63));
	if (p.t_ns != want->t || p.seq != want->seq || p.quality != want->q || !same || !near(p.arrival_ns, want->arr))
		return DIFFER("series %u: another last point (%lld, expected %lld)", id, (long long)p.t_ns, (long long)want->t);
	return NULL;
}

static const char *compare_extent(const struct mseries *s, struct sdb *db, series_id id)
{
	struct sdb_extent x;
	int r = sdb_extent(db, id, &x, NULL);
	int64_t first = s->n ? s->p[0].t : T_NONE, last = s->n ? s->p[s->n - 1].t : T_NONE;
	if (r != 0 || x.points != s->n || x.first_ns != first || x.last_ns != last)
		return DIFFER("series %u: extent %llu points %lld..%lld, expected %zu %lld..%lld", id, (unsigned long long)x.points,
		        (long long)x.first_ns, (long long)x.last_ns, s->n, (long long)first, (long long)last);
	return NULL;
}

const char *model_compare(const struct model *m, struct sdb *db)
{
	const char *bad = NULL;
	for (series_id id = 1; id <= MODEL_SERIES && !bad; id++) {
		bad = model_compare_range(m, db, id, INT64_MIN, INT64_MAX, false);
		if (!bad)
			bad = model_compare_range(m, db, id, INT64_MIN, INT64_MAX, true);
		if (!bad)
			bad = compare_last(&m->s[id - 1], db, id);
		if (!bad)
			bad = compare_extent(&m->s[id - 1], db, id);
	}
	return bad;
}
