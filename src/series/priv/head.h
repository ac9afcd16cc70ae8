/* Heads: the newest points of one series in memory, sorted by key, as an array
 * of chunks of at most HEAD_CHUNK points in columns. A late point goes into
 * its place (at most one chunk is moved), so a head is always in order.
 *
 * Readers hold chunks, not heads: they count a reference and remember n. The
 * writer (under the engine's mutex) appends behind everybody's n in place, and
 * copies a chunk before it changes anything a reader may look at. */
#ifndef MO_SERIES_HEAD_H
#define MO_SERIES_HEAD_H

#include <stdatomic.h>

#include "series/priv/format.h"
#include "series/series.h"

#define HEAD_CHUNK 512u
#define HEAD_CHUNK_FIRST 16u

/* All memory of heads, readers' chunks included. */
struct headmem {
	_Atomic uint64_t bytes;
};
struct hstr {
	_Atomic uint32_t refs;
	uint32_t n;
	uint8_t p[];
};
enum { CHUNK_SEQ = 1, CHUNK_QUALITY = 2, CHUNK_ARRIVAL = 4 };
struct chunk {
	_Atomic uint32_t refs;
	uint32_t n, cap;
	uint8_t type, flags;
	uint8_t arr_form; /* without CHUNK_ARRIVAL: 0 arrival = t + arr_a, 1 arrival = arr_a */
	uint64_t arr_a;
	size_t bytes;
	struct headmem *mem;
	int64_t *t, *arr;
	uint64_t *seq;
	uint8_t *q;
	union {
		double *f64;
		int64_t *i64;
		uint8_t *b;
		struct hstr **str;
		void *any;
	} v;
};
struct head {
	struct chunk **c;
	uint32_t n, cap, hint;
	uint64_t points, fresh; /* fresh: whose key nothing older held */
};
struct hplace {
	uint32_t chunk, pos;
};
struct hpoint {
	struct pkey key;
	int64_t arr;
	uint8_t q;
	union series_value v;
	struct hstr *str; /* type string: takes over one reference; v.str is not used */
};

MO_MUST_USE int hstr_new(struct hstr **ret, struct headmem *mem, struct span s);
void hstr_unref(struct hstr *s, struct headmem *mem);
static inline void hstr_ref(struct hstr *s)
{
	atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
}
void chunk_unref(struct chunk *c); /* any thread */
static inline void chunk_ref(struct chunk *c)
{
	atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
}
static inline struct pkey chunk_key(const struct chunk *c, uint32_t i)
{
	return (struct pkey){c->t[i], c->seq ? c->seq[i] : 0};
}
static inline int64_t chunk_arrival(const struct chunk *c, uint32_t i)
{
	if (c->arr)
		return c->arr[i];
	return (int64_t)(c->arr_form ? c->arr_a : (uint64_t)c->t[i] + c->arr_a);
}

/* Of every point of c: n numbers. */
static inline void chunk_arrivals(const struct chunk *c, int64_t *ret)
{
	if (c->arr)
		memcpy(ret, c->arr, c->n * sizeof *ret);
	for (uint32_t i = 0; !c->arr && i < c->n; i++)
		ret[i] = (int64_t)(c->arr_a + (c->arr_form ? 0 : (uint64_t)c->t[i]));
}

void head_free(struct head *h, struct headmem *mem);
/* The greatest key; false when empty. */
bool head_last(const struct head *h, struct pkey *ret);
/* Whether the key is there; *ret is its place, or the one where it belongs. */
bool head_find(struct head *h, struct pkey key, struct hplace *ret);
/* Key greater than all. MO_ENOMEM: unchanged (the string is still the caller's). */
MO_MUST_USE int head_append(struct head *h, struct headmem *mem, uint8_t type, bool seq, const struct hpoint *p);
/* At the place that head_find gave for an absent key. The place may move: *at is where it went. */
MO_MUST_USE int head_insert(struct head *h, struct headmem *mem, uint8_t type, bool seq, struct hplace *at, const struct hpoint *p);
/* Exchanges value, quality and arrival with *p's. */
MO_MUST_USE int head_exchange(struct head *h, struct hplace at, struct hpoint *p);
/* For undoing within the same critical section: never fails. */
void head_pop(struct head *h, struct headmem *mem, uint32_t n);
void head_remove(struct head *h, struct pkey key);
void head_restore(struct head *h, struct pkey key, struct hpoint *p);

#endif
