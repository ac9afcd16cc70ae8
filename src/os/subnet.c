/* See subnet.h. */
#include "os/subnet.h"

#include <arpa/inet.h>
#include <string.h>

#define ADDRESS_TEXT_MAX 46u /* with NUL */

/* Four or 16 bytes; 0: no address. */
static size_t read_address(uint8_t out[16], struct span text)
{
	char t[ADDRESS_TEXT_MAX];
	if (text.n >= sizeof t || memchr(text.p, 0, text.n))
		return 0;
	memcpy(t, text.p, text.n);
	t[text.n] = 0;
	memset(out, 0, 16);
	if (inet_pton(AF_INET, t, out) == 1)
		return 4;
	return inet_pton(AF_INET6, t, out) == 1 ? 16 : 0;
}

/* Decimal digits alone, without a leading zero; -1: none, or over 128. */
static int read_bits(struct span text)
{
	int v = 0;
	if (text.n == 0 || text.n > 3 || text.p[0] == '0')
		return -1;
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return -1;
		v = 10 * v + (text.p[i] - '0');
	}
	return v <= 128 ? v : -1;
}

static bool same_bits(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;
	if (memcmp(a, b, whole) != 0)
		return false;
	return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

/* ::ffff:0:0/96 (RFC 4291 2.5.5.2) */
static bool is_mapped(const uint8_t *b)
{
	static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};
	return memcmp(b, prefix, sizeof prefix) == 0;
}

static bool read_one(struct subnet *ret, struct span text)
{
	size_t slash = span_find(text, 0, '/');
	size_t n = read_address(ret->address, span_sub(text, 0, slash));
	int bits = slash < text.n ? read_bits(span_sub(text, slash + 1, text.n - slash - 1)) : (int)(8 * n);
	if (n == 0 || bits < 1 || bits > (int)(8 * n))
		return false;
	ret->six = n == 16;
	ret->bits = (uint8_t)bits;
	if (n == 16 && is_mapped(ret->address))
		return false; /* IPv4 in other clothes: nobody would ever be found in it */
	for (unsigned i = (unsigned)bits; i < 8 * n; i++)
		if (ret->address[i / 8] & (0x80u >> (i % 8)))
			return false;
	return true;
}

static bool is_between(uint8_t c) { return c == ',' || c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

int subnet_read(struct subnets *ret, struct span list, struct span *ret_bad)
{
	*ret = (struct subnets){0};
	*ret_bad = span_of(NULL, 0);
	for (size_t i = 0; i < list.n;) {
		size_t from = i;
		while (i < list.n && !is_between(list.p[i]))
			i++;
		struct span part = span_sub(list, from, i - from);
		if (part.n == 0) {
			i++;
			continue;
		}
		*ret_bad = part;
		if (ret->n == SUBNETS_MAX)
			return MO_ELIMIT;
		if (!read_one(&ret->of[ret->n], part))
			return MO_EINVAL;
		ret->n++;
	}
	return 0;
}

bool subnet_has(const struct subnets *s, const char *address)
{
	uint8_t b[16];
	size_t n = read_address(b, span_str(address));
	if (n == 16 && is_mapped(b)) {
		memmove(b, b + 12, 4);
		n = 4;
	}
	for (size_t i = 0; n != 0 && i < s->n; i++)
		if (s->of[i].six == (n == 16) && same_bits(s->of[i].address, b, s->of[i].bits))
			return true;
	return false;
}
