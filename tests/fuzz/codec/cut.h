/* Splits a fuzzer's input: the first byte says how long the pieces are, so
 * that streams are also fed in pieces. Pieces are copies of exactly their size. */
#ifndef MO_FUZZ_CUT_H
#define MO_FUZZ_CUT_H

#include <stdlib.h>

#include "base/span.h"

struct cut {
	struct span rest;
	size_t step;
	uint8_t *piece;
};

static inline struct cut cut_of(const uint8_t *p, size_t n)
{
	size_t step = n >= 2 ? (size_t)p[0] + 1 : SIZE_MAX;
	return (struct cut){span_sub(span_of(p, n), n >= 1 ? 1 : 0, n), step, NULL};
}

/* The next piece; its predecessor is gone. */
static inline bool cut_next(struct cut *c, struct span *ret)
{
	free(c->piece);
	c->piece = NULL;
	if (c->rest.n == 0)
		return false;
	struct span s = span_sub(c->rest, 0, c->step);
	c->piece = malloc(s.n);
	if (!c->piece)
		abort();
	memcpy(c->piece, s.p, s.n);
	c->rest = span_sub(c->rest, s.n, c->rest.n);
	*ret = span_of(c->piece, s.n);
	return true;
}

/* Reads every byte, so that ASan sees a span that reaches too far. */
static inline void touch(struct span s)
{
	volatile uint8_t sum = 0;
	for (size_t i = 0; i < s.n; i++)
		sum = (uint8_t)(sum + s.p[i]);
}

#endif
