/* Bump allocator for what one request or document needs; freed as a whole.
 * One thread at a time. Allocations are aligned to 16 bytes. */
#ifndef MO_BASE_ARENA_H
#define MO_BASE_ARENA_H

#include "base/err.h"
#include "base/span.h"

struct arena_block;
struct arena {
	struct arena_block *head;
	size_t used_bytes;  /* handed out since the last reset */
	size_t limit_bytes; /* 0: none; past it arena_alloc gives NULL */
};

/* No allocation happens before the first arena_alloc. `limit_bytes` 0 means no limit. */
void arena_init(struct arena *a, size_t limit_bytes);
/* Keeps the largest block for the next request. */
void arena_reset(struct arena *a);
void arena_free(struct arena *a);
/* Zeros over all that was handed out, which the compiler may not leave out: before arena_free() of what held a secret. */
void arena_wipe(struct arena *a);

/* NULL when memory or the limit is exhausted. The memory is the arena's. */
void *arena_alloc(struct arena *a, size_t size_bytes);
/* Zeroed; NULL also when n * size overflows. */
void *arena_calloc(struct arena *a, size_t n, size_t size_bytes);
/* Copies; a span of length 0 gives p != NULL. On failure p == NULL. */
struct span arena_dup(struct arena *a, struct span s);
/* NUL-terminated copy. */
char *arena_strdup(struct arena *a, struct span s);
char *arena_printf(struct arena *a, const char *fmt, ...) MO_PRINTF(2, 3);

#endif
