#include "base/arena.h"
#include "base/num.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define ARENA_ALIGN 16u
#define ARENA_BLOCK_FIRST ((size_t)4096)
#define ARENA_BLOCK_MAX ((size_t)1 << 20) /* a larger one only for a larger request */

struct arena_block {
	struct arena_block *next;
	size_t cap, used; /* bytes of data[] */
	alignas(ARENA_ALIGN) uint8_t data[];
};

void arena_init(struct arena *a, size_t limit_bytes) { *a = (struct arena){.limit_bytes = limit_bytes}; }

static void free_chain(struct arena_block *b)
{
	while (b) {
		struct arena_block *next = b->next;
		free(b);
		b = next;
	}
}

void arena_reset(struct arena *a)
{
	struct arena_block *keep = a->head;
	for (struct arena_block *b = a->head; b; b = b->next)
		if (b->cap > keep->cap)
			keep = b;
	for (struct arena_block *b = a->head; b;) {
		struct arena_block *next = b->next;
		if (b != keep)
			free(b);
		b = next;
	}
	if (keep) {
		keep->next = NULL;
		keep->used = 0;
	}
	a->head = keep;
	a->used_bytes = 0;
}

void arena_free(struct arena *a)
{
	if (!a)
		return;
	free_chain(a->head);
	a->head = NULL;
	a->used_bytes = 0;
}

void arena_wipe(struct arena *a)
{
	for (struct arena_block *b = a->head; b; b = b->next) {
		volatile uint8_t *p = b->data;
		for (size_t i = 0; i < b->used; i++)
			p[i] = 0;
	}
}

void *arena_alloc(struct arena *a, size_t size_bytes)
{
	size_t n, used, whole;
	/* A request of nothing still gets a place of its own. */
	if (!size_add(&n, size_bytes ? size_bytes : 1, ARENA_ALIGN - 1))
		return NULL;
	n &= ~(size_t)(ARENA_ALIGN - 1);
	if (!size_add(&used, a->used_bytes, n) || (a->limit_bytes && used > a->limit_bytes))
		return NULL;

	struct arena_block *b = a->head;
	if (!b || n > b->cap - b->used) {
		size_t cap = b ? b->cap : ARENA_BLOCK_FIRST / 2;
		cap = cap > ARENA_BLOCK_MAX / 2 ? ARENA_BLOCK_MAX : cap * 2;
		if (cap < n)
			cap = n;
		if (!size_add(&whole, cap, sizeof *b))
			return NULL;
		b = malloc(whole);
		if (!b)
			return NULL;
		b->cap = cap;
		b->used = 0;
		b->next = a->head;
		a->head = b;
	}
	void *p = b->data + b->used;
	b->used += n;
	a->used_bytes = used;
	return p;
}

void *arena_calloc(struct arena *a, size_t n, size_t size_bytes)
{
	size_t whole;
	if (!size_mul(&whole, n, size_bytes))
		return NULL;
	void *p = arena_alloc(a, whole);
	if (p)
		memset(p, 0, whole);
	return p;
}

struct span arena_dup(struct arena *a, struct span s)
{
	uint8_t *p = arena_alloc(a, s.n);
	if (!p)
		return (struct span){0};
	if (s.n)
		memcpy(p, s.p, s.n);
	return span_of(p, s.n);
}

char *arena_strdup(struct arena *a, struct span s)
{
	size_t n;
	if (!size_add(&n, s.n, 1))
		return NULL;
	char *p = arena_alloc(a, n);
	if (!p)
		return NULL;
	if (s.n)
		memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	return p;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap, again;
	va_start(ap, fmt);
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	char *p = n < 0 ? NULL : arena_alloc(a, (size_t)n + 1);
	if (p)
		vsnprintf(p, (size_t)n + 1, fmt, again);
	va_end(again);
	return p;
}
