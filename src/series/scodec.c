#include "series/priv/scodec.h"

#include <math.h>

#include "base/crc32c.h"
#include "series/priv/format.h"
#include "series/series.h"

static const double pow10_tab[16] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
#define DECIMALS_MAX 15u

/* ---- bit packing ---- */

struct plan {
	unsigned order, width;
	uint64_t scale, x0, d0, m;
};

/* Differences are signed and divided exactly: the writer has checked that the scale divides them. */
static inline uint64_t diff(const uint64_t *x, size_t j, uint64_t scale)
{
	uint64_t d = x[j] - x[j - 1];
	return scale == 1 ? d : (uint64_t)((int64_t)d / (int64_t)scale);
}

static inline uint64_t packed_at(const uint64_t *x, size_t j, const struct plan *p)
{
	if (p->order == 0)
		return x[j];
	if (p->order == 1)
		return diff(x, j + 1, p->scale);
	return diff(x, j + 2, p->scale) - diff(x, j + 1, p->scale);
}

static unsigned bits_of(uint64_t v)
{
	return v ? 64u - (unsigned)__builtin_clzll(v) : 0u;
}

/* The least and the largest of a column, of its differences, of theirs. */
struct extent {
	int64_t lo, hi;
};
static inline void extent_take(struct extent *e, int64_t v)
{
	e->lo = v < e->lo ? v : e->lo;
	e->hi = v > e->hi ? v : e->hi;
}

/* All three orders in one pass; [1] and [2] of numbers that are not divided yet. */
static void extents(struct extent e[3], const uint64_t *x, size_t n)
{
	for (unsigned k = 0; k < 3; k++)
		e[k] = (struct extent){INT64_MAX, INT64_MIN};
	struct extent e0 = e[0], e1 = e[1], e2 = e[2];
	extent_take(&e0, (int64_t)x[0]);
	if (n > 1) {
		uint64_t d = x[1] - x[0];
		extent_take(&e0, (int64_t)x[1]);
		extent_take(&e1, (int64_t)d);
		for (size_t j = 2; j < n; j++) {
			uint64_t next = x[j] - x[j - 1];
			extent_take(&e0, (int64_t)x[j]);
			extent_take(&e1, (int64_t)next);
			extent_take(&e2, (int64_t)(next - d));
			d = next;
		}
	}
	e[0] = e0;
	e[1] = e1;
	e[2] = e2;
}

static void plan_make(struct plan *p, const uint64_t *x, unsigned order, uint64_t scale, struct extent e)
{
	*p = (struct plan){order, 0, scale, 0, 0, 0};
	if (order >= 1)
		p->x0 = x[0];
	if (order == 2)
		p->d0 = diff(x, 1, scale);
	if (e.lo <= e.hi) {
		/* The scale divides each of them, so the quotients' extent is the extent's quotient. */
		p->m = (uint64_t)(e.lo / (int64_t)scale);
		p->width = bits_of((uint64_t)(e.hi / (int64_t)scale) - p->m);
	}
}

static size_t packed_bytes(size_t n, unsigned order, unsigned width)
{
	return n <= order ? 0 : ((n - order) * width + 7) / 8;
}

static uint64_t common_scale(const uint64_t *x, size_t n)
{
	static const int64_t scales[] = {NS_PER_S, NS_PER_MS, NS_PER_US};
	int64_t last = 0;
	size_t k = 0;
	for (size_t j = 1; j < n && k < 3; j++) {
		int64_t d = (int64_t)(x[j] - x[j - 1]);
		if (d == last)
			continue;
		while (k < 3 && d % scales[k] != 0)
			k++;
		last = d;
	}
	return k < 3 ? (uint64_t)scales[k] : 1;
}

/* The best plan; its whole size in *ret_bytes. */
static void plan_best(struct plan *best, const uint64_t *x, size_t n, bool times, size_t *ret_bytes)
{
	size_t best_bytes = SIZE_MAX;
	struct extent e[3];
	extents(e, x, n);
	/* Divided differences of differences must not wrap before they are divided. */
	bool wide = n > 1 && (e[1].lo < INT64_MIN / 2 || e[1].hi > INT64_MAX / 2);
	uint64_t scale = times && !wide ? common_scale(x, n) : 1;
	for (unsigned order = 0; order <= 2 && (order == 0 || n > order); order++) {
		struct plan p;
		plan_make(&p, x, order, order == 0 ? 1 : scale, e[order]);
		size_t bytes = PACKED_HEAD + packed_bytes(n, order, p.width);
		if (bytes < best_bytes) {
			best_bytes = bytes;
			*best = p;
		}
	}
	*ret_bytes = best_bytes;
}

static void packed_put(struct buf *out, const uint64_t *x, size_t n, const struct plan *p, unsigned decimals)
{
	size_t bytes = packed_bytes(n, p->order, p->width);
	uint8_t *o = buf_reserve(out, PACKED_HEAD + bytes + 16);
	if (!o)
		return;
	memset(o, 0, PACKED_HEAD);
	o[0] = (uint8_t)p->order;
	o[1] = (uint8_t)p->width;
	o[2] = (uint8_t)decimals;
	st64(o + 8, p->scale);
	st64(o + 16, p->x0);
	st64(o + 24, p->d0);
	st64(o + 32, p->m);
	uint8_t *w = o + PACKED_HEAD;
	uint64_t acc = 0;
	unsigned have = 0;
	if (p->width > 0) {
		for (size_t j = 0; j + p->order < n; j++) {
			uint64_t v = packed_at(x, j, p) - p->m;
			acc |= v << have;
			if (have + p->width >= 64) {
				st64(w, acc);
				w += 8;
				unsigned used = 64 - have;
				acc = used < 64 ? v >> used : 0;
				have = have + p->width - 64;
			} else {
				have += p->width;
			}
		}
		st64(w, acc); /* the room for it was reserved above; the count below cuts it off */
	}
	out->n += PACKED_HEAD + bytes;
}

static void unpack(uint64_t *x, size_t n, unsigned w, const uint8_t *p, size_t bytes, uint64_t m)
{
	if (w == 0) {
		for (size_t i = 0; i < n; i++)
			x[i] = m;
		return;
	}
	uint64_t mask = w == 64 ? UINT64_MAX : (UINT64_C(1) << w) - 1;
	/* Elements whose 9 bytes lie inside: byte offset i*w/8 <= bytes-9. n and w are small, so nothing overflows. */
	size_t safe = bytes >= 9 ? ((bytes - 8) * 8 - 1) / w + 1 : 0;
	if (safe > n)
		safe = n;
	size_t i = 0;
	if (w <= 56) {
		for (size_t bit = 0; i < safe; i++, bit += w)
			x[i] = (ld64(p + (bit >> 3)) >> (bit & 7) & mask) + m;
	} else {
		for (size_t bit = 0; i < safe; i++, bit += w) {
			unsigned sh = bit & 7;
			uint64_t v = ld64(p + (bit >> 3)) >> sh;
			if (sh)
				v |= (uint64_t)p[(bit >> 3) + 8] << (64 - sh);
			x[i] = (v & mask) + m;
		}
	}
	uint8_t tail[32] = {0};
	size_t base = bytes > 16 ? bytes - 16 : 0;
	memcpy(tail, p + base, bytes - base);
	for (size_t bit = i * w; i < n; i++, bit += w) {
		const uint8_t *q = tail + ((bit >> 3) - base);
		unsigned sh = bit & 7;
		uint64_t v = ld64(q) >> sh;
		if (sh)
			v |= (uint64_t)q[8] << (64 - sh);
		x[i] = (v & mask) + m;
	}
}

/* Checks the head against n and the span, then unpacks and sums up. */
static int packed_get(uint64_t *x, size_t n, struct span s, unsigned decimals_max, unsigned *ret_decimals)
{
	if (s.n < PACKED_HEAD || n == 0)
		return MO_ECORRUPT;
	const uint8_t *p = s.p;
	unsigned order = p[0], w = p[1], e = p[2];
	uint64_t scale = ld64(p + 8), x0 = ld64(p + 16), d0 = ld64(p + 24), m = ld64(p + 32);
	if (order > 2 || w > 64 || e > decimals_max || !all_zero(p + 3, 5) || scale == 0 || s.n - PACKED_HEAD != packed_bytes(n, order, w))
		return MO_ECORRUPT;
	if (ret_decimals)
		*ret_decimals = e;
	const uint8_t *b = p + PACKED_HEAD;
	size_t bytes = s.n - PACKED_HEAD;
	if (order == 0) {
		unpack(x, n, w, b, bytes, m);
		if (scale != 1)
			for (size_t i = 0; i < n; i++)
				x[i] *= scale;
		return 0;
	}
	x[0] = x0;
	if (order == 1) {
		if (n > 1)
			unpack(x + 1, n - 1, w, b, bytes, m);
		for (size_t i = 1; i < n; i++)
			x[i] = x[i - 1] + x[i] * scale;
		return 0;
	}
	if (n > 1)
		x[1] = x0 + d0 * scale;
	if (n > 2)
		unpack(x + 2, n - 2, w, b, bytes, m);
	uint64_t d = d0;
	for (size_t i = 2; i < n; i++) {
		d += x[i];
		x[i] = x[i - 1] + d * scale;
	}
	return 0;
}

/* ---- numbers ---- */

uint8_t scodec_put_u64(struct buf *out, const uint64_t *x, size_t n, bool times)
{
	struct plan p;
	size_t bytes;
	plan_best(&p, x, n, times, &bytes);
	if (bytes >= n * 8) {
		buf_add(out, span_of(x, n * 8));
		return SCODEC_RAW;
	}
	packed_put(out, x, n, &p, 0);
	return SCODEC_DELTA;
}

int scodec_get_u64(uint64_t *x, size_t n, uint8_t codec, struct span s)
{
	if (codec == SCODEC_DELTA)
		return packed_get(x, n, s, 0, NULL);
	if (codec != SCODEC_RAW)
		return MO_EVERSION;
	if (s.n != n * 8)
		return MO_ECORRUPT;
	memcpy(x, s.p, s.n);
	return 0;
}

static inline uint64_t f64_bits(double v)
{
	uint64_t b;
	memcpy(&b, &v, sizeof b);
	return b;
}

/* v as a whole number of 10^-e; false where that is not exact to the bit. */
static inline bool decimal_of(int64_t *ret, double v, unsigned e)
{
	double y = v * pow10_tab[e];
	if (!(fabs(y) < 9007199254740992.0)) /* 2^53; refuses NaN and infinities too */
		return false;
	int64_t i = (int64_t)(y < 0 ? y - 0.5 : y + 0.5);
	if (f64_bits((double)i / pow10_tab[e]) != f64_bits(v))
		return false;
	*ret = i;
	return true;
}

/* All as whole numbers of one 10^-e. A value that needs more decimals has those before it done again; one that they spoil ends it. */
static bool decimals_of(uint64_t *x, const double *v, size_t n, unsigned *ret_e)
{
	unsigned e = 0;
	size_t again = 0; /* values before this one had fewer decimals when they were done */
	int64_t i;
	for (size_t j = 0; j < n;) {
		if (decimal_of(&i, v[j], e)) {
			x[j++] = (uint64_t)i;
			continue;
		}
		if (j < again)
			return false;
		do
			if (++e > DECIMALS_MAX)
				return false;
		while (!decimal_of(&i, v[j], e));
		again = j;
		j = 0;
	}
	*ret_e = e;
	return true;
}

uint8_t scodec_put_f64(struct buf *out, const double *x, size_t n, uint64_t *scratch)
{
	unsigned e;
	if (decimals_of(scratch, x, n, &e)) {
		struct plan p;
		size_t bytes;
		plan_best(&p, scratch, n, false, &bytes);
		if (bytes < n * 8) {
			packed_put(out, scratch, n, &p, e);
			return SCODEC_DELTA;
		}
	}
	buf_add(out, span_of(x, n * 8));
	return SCODEC_RAW;
}

int scodec_get_f64(double *x, size_t n, uint8_t codec, struct span s)
{
	if (codec == SCODEC_RAW || codec > SCODEC_DELTA)
		return scodec_get_u64((uint64_t *)(void *)x, n, codec, s);
	unsigned e = 0;
	int r = packed_get((uint64_t *)(void *)x, n, s, DECIMALS_MAX, &e);
	if (r != 0)
		return r;
	double p = pow10_tab[e];
	for (size_t i = 0; i < n; i++) {
		int64_t v;
		memcpy(&v, &x[i], sizeof v);
		x[i] = (double)v / p;
	}
	return 0;
}

uint8_t scodec_put_bool(struct buf *out, const uint8_t *x, size_t n, uint64_t *scratch)
{
	for (size_t i = 0; i < n; i++)
		scratch[i] = x[i];
	struct plan p;
	size_t bytes;
	plan_best(&p, scratch, n, false, &bytes);
	if (bytes >= n) {
		buf_add(out, span_of(x, n));
		return SCODEC_RAW;
	}
	packed_put(out, scratch, n, &p, 0);
	return SCODEC_DELTA;
}

int scodec_get_bool(uint8_t *x, size_t n, uint8_t codec, struct span s, uint64_t *scratch)
{
	uint64_t any = 0;
	if (codec == SCODEC_DELTA) {
		int r = packed_get(scratch, n, s, 0, NULL);
		if (r != 0)
			return r;
		for (size_t i = 0; i < n; i++) {
			any |= scratch[i];
			x[i] = (uint8_t)(scratch[i] & 1);
		}
		return any > 1 ? MO_ECORRUPT : 0;
	}
	if (codec != SCODEC_RAW)
		return MO_EVERSION;
	if (s.n != n)
		return MO_ECORRUPT;
	for (size_t i = 0; i < n; i++) {
		any |= s.p[i];
		x[i] = s.p[i] & 1;
	}
	return any > 1 ? MO_ECORRUPT : 0;
}

/* ---- texts ---- */

#define TABLE_SLOTS ((size_t)4 * TEXT_TABLE_MAX)

struct texts {
	struct span s[TEXT_TABLE_MAX];
	size_t n, bytes; /* of the texts themselves */
	uint16_t slot[TABLE_SLOTS]; /* number + 1, by hash */
};

/* The number of x in the table; TEXT_TABLE_MAX: it is full. */
static size_t text_number(struct texts *t, struct span x)
{
	size_t h = crc32c(0, x) % TABLE_SLOTS;
	while (t->slot[h]) {
		if (span_eq(t->s[t->slot[h] - 1u], x))
			return t->slot[h] - 1u;
		h = (h + 1) % TABLE_SLOTS;
	}
	if (t->n == TEXT_TABLE_MAX)
		return TEXT_TABLE_MAX;
	t->s[t->n++] = x;
	t->bytes += x.n;
	t->slot[h] = (uint16_t)t->n;
	return t->n - 1;
}

/* Each text's number in order of first appearance; false when there are too many different ones. */
static bool number_texts(struct texts *t, uint64_t *number, const struct span *x, size_t n)
{
	t->n = t->bytes = 0;
	memset(t->slot, 0, sizeof t->slot);
	for (size_t i = 0; i < n; i++) {
		number[i] = i > 0 && span_eq(x[i], x[i - 1]) ? number[i - 1] : text_number(t, x[i]);
		if (number[i] == TEXT_TABLE_MAX)
			return false;
	}
	return true;
}

static void put_texts(struct buf *out, const struct span *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_u32(out, (uint32_t)x[i].n);
	for (size_t i = 0; i < n; i++)
		buf_add(out, x[i]);
}

uint8_t scodec_put_str(struct buf *out, const struct span *x, size_t n, uint64_t *scratch)
{
	struct texts t;
	if (number_texts(&t, scratch, x, n)) {
		struct plan p;
		size_t packed, raw = n * 4;
		plan_best(&p, scratch, n, false, &packed);
		for (size_t i = 0; i < n; i++)
			raw += x[i].n;
		if (4 + t.n * 4 + t.bytes + packed < raw) {
			buf_u32(out, (uint32_t)t.n);
			put_texts(out, t.s, t.n);
			packed_put(out, scratch, n, &p, 0);
			return SCODEC_TABLE;
		}
	}
	put_texts(out, x, n);
	return SCODEC_RAW;
}

/* n texts at the begin of s; *ret_end is where they end. */
static int get_texts(struct span *x, size_t n, struct span s, size_t *ret_end)
{
	if (s.n / 4 < n)
		return MO_ECORRUPT;
	size_t at = n * 4;
	for (size_t i = 0; i < n; i++) {
		uint32_t len = ld32(s.p + i * 4);
		if (len > SERIES_STR_MAX || len > s.n - at)
			return MO_ECORRUPT;
		x[i] = span_of(s.p + at, len);
		at += len;
	}
	*ret_end = at;
	return 0;
}

int scodec_get_str(struct span *x, size_t n, uint8_t codec, struct span s, uint64_t *scratch)
{
	size_t end;
	if (codec == SCODEC_RAW) {
		int r = get_texts(x, n, s, &end);
		return r != 0 ? r : end == s.n ? 0 : MO_ECORRUPT;
	}
	if (codec != SCODEC_TABLE)
		return MO_EVERSION;
	struct span t[TEXT_TABLE_MAX];
	size_t k = s.n >= 4 ? ld32(s.p) : 0;
	if (k == 0 || k > TEXT_TABLE_MAX)
		return MO_ECORRUPT;
	struct span rest = span_sub(s, 4, s.n);
	int r = get_texts(t, k, rest, &end);
	if (r == 0)
		r = packed_get(scratch, n, span_sub(rest, end, rest.n), 0, NULL);
	for (size_t i = 0; r == 0 && i < n; i++) {
		if (scratch[i] >= k)
			return MO_ECORRUPT;
		x[i] = t[scratch[i]];
	}
	return r;
}

/* ---- runs ---- */

uint8_t scodec_put_quality(struct buf *out, const uint8_t *q, size_t n)
{
	size_t runs = 0;
	bool any = false;
	for (size_t i = 0; i < n; i++) {
		any |= q[i] != Q_GOOD;
		runs += i == 0 || q[i] != q[i - 1];
	}
	if (!any)
		return SCODEC_RAW;
	if (runs * RUN_Q_BYTES >= n) {
		buf_add(out, span_of(q, n));
		return SCODEC_RAW;
	}
	for (size_t i = 0; i < n; i++)
		if (i == 0 || q[i] != q[i - 1]) {
			buf_u32(out, (uint32_t)i);
			buf_u32(out, q[i]);
		}
	return SCODEC_DELTA;
}

int scodec_get_quality(uint8_t *q, size_t n, uint8_t codec, struct span s)
{
	if (codec > SCODEC_DELTA)
		return MO_EVERSION;
	if (codec == SCODEC_RAW) {
		if (s.n != n)
			return MO_ECORRUPT;
		memcpy(q, s.p, n);
		return 0;
	}
	size_t runs = s.n / RUN_Q_BYTES;
	if (runs == 0 || s.n % RUN_Q_BYTES != 0)
		return MO_ECORRUPT;
	for (size_t i = 0; i < runs; i++) {
		const uint8_t *p = s.p + i * RUN_Q_BYTES;
		size_t from = ld32(p), to = i + 1 < runs ? ld32(p + RUN_Q_BYTES) : n;
		if ((i == 0 && from != 0) || from >= to || to > n || !all_zero(p + 5, 3))
			return MO_ECORRUPT;
		memset(q + from, p[4], to - from);
	}
	return 0;
}

/* Length of the longest run of either form that begins at i. */
static size_t arrival_run(const int64_t *t, const int64_t *a, size_t i, size_t n, uint8_t *form, uint64_t *value)
{
	uint64_t lag = (uint64_t)a[i] - (uint64_t)t[i];
	size_t j = i + 1, k = i + 1;
	while (j < n && (uint64_t)a[j] - (uint64_t)t[j] == lag)
		j++;
	while (k < n && a[k] == a[i])
		k++;
	*form = k > j;
	*value = k > j ? (uint64_t)a[i] : lag;
	return (k > j ? k : j) - i;
}

uint8_t scodec_put_arrival(struct buf *out, const int64_t *t, const int64_t *arrival, size_t n)
{
	uint8_t form;
	uint64_t value;
	if (arrival_run(t, arrival, 0, n, &form, &value) == n && form == 0 && value == 0)
		return SCODEC_RAW;
	size_t start = out->n;
	for (size_t i = 0; i < n;) {
		size_t len = arrival_run(t, arrival, i, n, &form, &value);
		buf_u32(out, (uint32_t)i);
		buf_u32(out, form);
		buf_u64(out, value);
		i += len;
		if (out->err || out->n - start >= n * 8) {
			if (!out->err)
				out->n = start;
			buf_add(out, span_of(arrival, n * 8));
			return SCODEC_RAW;
		}
	}
	return SCODEC_DELTA;
}

int scodec_get_arrival(int64_t *arrival, const int64_t *t, size_t n, uint8_t codec, struct span s)
{
	if (codec > SCODEC_DELTA)
		return MO_EVERSION;
	if (codec == SCODEC_RAW)
		return scodec_get_u64((uint64_t *)(void *)arrival, n, codec, s);
	size_t runs = s.n / RUN_ARR_BYTES;
	if (runs == 0 || s.n % RUN_ARR_BYTES != 0)
		return MO_ECORRUPT;
	for (size_t i = 0; i < runs; i++) {
		const uint8_t *p = s.p + i * RUN_ARR_BYTES;
		size_t from = ld32(p), to = i + 1 < runs ? ld32(p + RUN_ARR_BYTES) : n;
		uint64_t a = ld64(p + 8);
		if ((i == 0 && from != 0) || from >= to || to > n || p[4] > 1 || !all_zero(p + 5, 3))
			return MO_ECORRUPT;
		for (size_t j = from; j < to; j++)
			arrival[j] = (int64_t)(p[4] ? a : (uint64_t)t[j] + a);
	}
	return 0;
}
