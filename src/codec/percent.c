/* Percent coding (RFC 3986, 2.1) and its form dialect, where '+' means blank. */
#include "codec/text.h"

static int nibble(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int percent_decode(struct buf *out, struct span in, bool plus)
{
	uint8_t *first = buf_reserve(out, in.n), *p = first;
	if (!p)
		return out->err;
	for (size_t i = 0; i < in.n; i++) {
		uint8_t c = in.p[i];
		if (c == '%') {
			int hi = in.n - i > 2 ? nibble(in.p[i + 1]) : -1, lo = in.n - i > 2 ? nibble(in.p[i + 2]) : -1;
			if (hi < 0 || lo < 0)
				return MO_EINVAL;
			c = (uint8_t)(hi << 4 | lo);
			i += 2;
		} else if (plus && c == '+') {
			c = ' ';
		}
		*p++ = c;
	}
	out->n += (size_t)(p - first);
	return 0;
}

static bool unreserved(uint8_t c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '-' || c == '.' || c == '_' || c == '~';
}

void percent_encode(struct buf *out, struct span in)
{
	static const char digits[] = "0123456789ABCDEF";
	if (in.n > SIZE_MAX / 4) {
		out->err = out->err ? out->err : MO_ELIMIT;
		return;
	}
	uint8_t *first = buf_reserve(out, in.n * 3), *p = first;
	if (!p)
		return;
	for (size_t i = 0; i < in.n; i++) {
		uint8_t c = in.p[i];
		if (unreserved(c)) {
			*p++ = c;
			continue;
		}
		*p++ = '%';
		*p++ = (uint8_t)digits[c >> 4];
		*p++ = (uint8_t)digits[c & 15];
	}
	out->n += (size_t)(p - first);
}
