#include "base/uuid.h"

static const char hex[] = "0123456789abcdef";

/* Where the text has a hyphen before this byte. */
static bool hyphen_before(unsigned byte) { return byte == 4 || byte == 6 || byte == 8 || byte == 10; }

struct uuid uuid_v7(int64_t t_ns, const uint8_t random[10])
{
	struct uuid u;
	uint64_t ms = t_ns < 0 ? 0 : (uint64_t)t_ns / 1000000;
	for (unsigned i = 0; i < 6; i++)
		u.b[i] = (uint8_t)(ms >> (40 - 8 * i));
	memcpy(u.b + 6, random, 10);
	u.b[6] = (uint8_t)(0x70 | (u.b[6] & 0x0f));
	u.b[8] = (uint8_t)(0x80 | (u.b[8] & 0x3f));
	return u;
}

void uuid_format(char out[UUID_TEXT], const struct uuid *u)
{
	char *p = out;
	for (unsigned i = 0; i < 16; i++) {
		if (hyphen_before(i))
			*p++ = '-';
		*p++ = hex[u->b[i] >> 4];
		*p++ = hex[u->b[i] & 15];
	}
	*p = '\0';
}

static int nibble(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int uuid_parse(struct uuid *ret, struct span s)
{
	static const char urn[] = "urn:uuid:"; /* a URN's scheme and namespace are case-insensitive (RFC 8141, 3.1) */
	const size_t urn_n = sizeof urn - 1;
	if (s.n == urn_n + 36) {
		for (size_t i = 0; i < urn_n; i++) {
			uint8_t c = s.p[i];
			if (c >= 'A' && c <= 'Z')
				c |= 0x20;
			if (c != (uint8_t)urn[i])
				return MO_EINVAL;
		}
		s = span_sub(s, urn_n, 36);
	}
	if (s.n != 36)
		return MO_EINVAL;
	struct uuid u;
	const uint8_t *p = s.p;
	for (unsigned i = 0; i < 16; i++) {
		if (hyphen_before(i) && *p++ != '-')
			return MO_EINVAL;
		int hi = nibble(p[0]), lo = nibble(p[1]);
		if (hi < 0 || lo < 0)
			return MO_EINVAL;
		u.b[i] = (uint8_t)(hi << 4 | lo);
		p += 2;
	}
	*ret = u;
	return 0;
}

bool uuid_is_nil(const struct uuid *u)
{
	static const struct uuid nil;
	return uuid_eq(u, &nil);
}
