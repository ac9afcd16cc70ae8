/* Looks one value up in a JSON answer (RFC 8259), without building anything. */
#ifndef MO_SIM_PEEK_H
#define MO_SIM_PEEK_H

#include "base/span.h"

/* path: names with dots between, "clock.now". The raw value, a string without its quotes (escapes as they are). */
bool peek(struct span *ret, struct span json, const char *path);
/* Calls fn with each element of the array at path ("" the document itself); false when there is none. */
bool peek_each(struct span json, const char *path, void (*fn)(void *arg, struct span element), void *arg);

#endif
