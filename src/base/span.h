/* A borrowed run of bytes. Never owns, never ends in NUL by contract. */
#ifndef MO_BASE_SPAN_H
#define MO_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
	const uint8_t *p;
	size_t n; /* bytes */
};

static inline struct span span_of(const void *p, size_t n) { return (struct span){(const uint8_t *)p, n}; }
static inline struct span span_str(const char *s) { return (struct span){(const uint8_t *)s, s ? strlen(s) : 0}; }
static inline bool span_eq(struct span a, struct span b) { return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0); }
static inline bool span_is(struct span a, const char *s) { return span_eq(a, span_str(s)); }
/* [from, from+n) of s, clipped to s. */
static inline struct span span_sub(struct span s, size_t from, size_t n)
{
	if (from > s.n)
		from = s.n;
	if (n > s.n - from)
		n = s.n - from;
	return (struct span){s.p ? s.p + from : NULL, n};
}
/* memcmp order, shorter first on a tie. */
int span_cmp(struct span a, struct span b);
/* ASCII blanks (space, tab, CR, LF) off both ends. */
struct span span_trim(struct span s);
/* Index of byte c at or after from; s.n when absent. */
size_t span_find(struct span s, size_t from, uint8_t c);
bool span_starts(struct span s, const char *prefix);
/* FNV-1a 64 with a final mix; for hash tables, never for anything stored. */
uint64_t span_hash(struct span s);

#define SPAN_LIT(s) ((struct span){(const uint8_t *)("" s), sizeof(s) - 1})
/* For printf("%.*s", SPAN_FMT(s)). */
#define SPAN_FMT(s) (int)(s).n, (const char *)(s).p

#endif
