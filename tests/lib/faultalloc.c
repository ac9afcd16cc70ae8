#include "faultalloc.h"

#include <stddef.h>

static uint64_t armed, count;

void faultalloc_arm(uint64_t nth)
{
	armed = nth;
	count = 0;
}

uint64_t faultalloc_count(void) { return count; }

int faultalloc_fired(void) { return armed != 0 && count >= armed; }

static int fails(void) { return ++count == armed; }

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);

void *__wrap_malloc(size_t n) { return fails() ? NULL : __real_malloc(n); }
void *__wrap_calloc(size_t n, size_t size) { return fails() ? NULL : __real_calloc(n, size); }
void *__wrap_realloc(void *p, size_t n) { return fails() ? NULL : __real_realloc(p, n); }
