/* UUIDs (RFC 9562). Made only with random bytes given by the caller. */
#ifndef MO_BASE_UUID_H
#define MO_BASE_UUID_H

#include "base/err.h"
#include "base/span.h"

struct uuid {
	uint8_t b[16];
};
#define UUID_TEXT 37u /* with NUL */

/* Version 7: 48 bits of Unix milliseconds, the rest from `random`. Before 1970: milliseconds 0. */
struct uuid uuid_v7(int64_t t_ns, const uint8_t random[10]);
void uuid_format(char out[UUID_TEXT], const struct uuid *u);
/* 36 characters, either case, "urn:uuid:" allowed before. MO_EINVAL. */
MO_MUST_USE int uuid_parse(struct uuid *ret, struct span s);
static inline bool uuid_eq(const struct uuid *a, const struct uuid *b) { return memcmp(a->b, b->b, 16) == 0; }
bool uuid_is_nil(const struct uuid *u);

#endif
