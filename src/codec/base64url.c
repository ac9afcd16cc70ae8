/* Base64url without padding (RFC 4648, 5) and base 16 (8). */
#include "codec/text.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

size_t base64url_write(char *out, struct span in)
{
	size_t tail = in.n % 3, i = 0;
	char *p = out;
	for (; in.n - i >= 3; i += 3) {
		uint32_t v = (uint32_t)in.p[i] << 16 | (uint32_t)in.p[i + 1] << 8 | in.p[i + 2];
		*p++ = alphabet[v >> 18];
		*p++ = alphabet[v >> 12 & 63];
		*p++ = alphabet[v >> 6 & 63];
		*p++ = alphabet[v & 63];
	}
	if (tail) {
		uint32_t v = (uint32_t)in.p[i] << 16 | (tail == 2 ? (uint32_t)in.p[i + 1] << 8 : 0);
		*p++ = alphabet[v >> 18];
		*p++ = alphabet[v >> 12 & 63];
		if (tail == 2)
			*p++ = alphabet[v >> 6 & 63];
	}
	return (size_t)(p - out);
}

void base64url_encode(struct buf *out, struct span in)
{
	size_t tail = in.n % 3;
	if (in.n / 3 > SIZE_MAX / 8) {
		out->err = out->err ? out->err : MO_ELIMIT;
		return;
	}
	uint8_t *p = buf_reserve(out, in.n / 3 * 4 + (tail ? tail + 1 : 0));
	if (p)
		out->n += base64url_write((char *)p, in);
}

static int value(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '-' ? 62 : c == '_' ? 63 : -1;
}

static size_t decoded_bytes(size_t n)
{
	return n / 4 * 3 + (n % 4 ? n % 4 - 1 : 0);
}

int base64url_read(uint8_t *out, size_t max, size_t *ret_n, struct span in)
{
	size_t tail = in.n % 4;
	uint8_t *p = out;
	uint32_t v = 0;
	if (tail == 1)
		return MO_EINVAL;
	if (decoded_bytes(in.n) > max)
		return MO_ELIMIT;
	for (size_t i = 0; i < in.n; i++) {
		int c = value(in.p[i]);
		if (c < 0)
			return MO_EINVAL;
		v = v << 6 | (uint32_t)c;
		if (i % 4 == 3) {
			*p++ = (uint8_t)(v >> 16);
			*p++ = (uint8_t)(v >> 8);
			*p++ = (uint8_t)v;
			v = 0;
		}
	}
	if (tail == 2) {
		if (v & 15)
			return MO_EINVAL;
		*p++ = (uint8_t)(v >> 4);
	} else if (tail == 3) {
		if (v & 3)
			return MO_EINVAL;
		*p++ = (uint8_t)(v >> 10);
		*p++ = (uint8_t)(v >> 2);
	}
	*ret_n = (size_t)(p - out);
	return 0;
}

int base64url_decode(struct buf *out, struct span in)
{
	size_t need = decoded_bytes(in.n), n = 0;
	if (in.n % 4 == 1)
		return MO_EINVAL;
	uint8_t *p = buf_reserve(out, need);
	if (!p)
		return out->err;
	int err = base64url_read(p, need, &n, in);
	if (err == 0)
		out->n += n;
	return err;
}

void hex_encode(struct buf *out, struct span in)
{
	static const char digits[] = "0123456789abcdef";
	if (in.n > SIZE_MAX / 4) {
		out->err = out->err ? out->err : MO_ELIMIT;
		return;
	}
	uint8_t *p = buf_reserve(out, in.n * 2);
	if (!p)
		return;
	for (size_t i = 0; i < in.n; i++) {
		*p++ = (uint8_t)digits[in.p[i] >> 4];
		*p++ = (uint8_t)digits[in.p[i] & 15];
	}
	out->n += in.n * 2;
}

static int nibble(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int hex_decode(struct buf *out, struct span in)
{
	if (in.n % 2)
		return MO_EINVAL;
	uint8_t *p = buf_reserve(out, in.n / 2);
	if (!p)
		return out->err;
	for (size_t i = 0; i < in.n; i += 2) {
		int hi = nibble(in.p[i]), lo = nibble(in.p[i + 1]);
		if (hi < 0 || lo < 0)
			return MO_EINVAL;
		*p++ = (uint8_t)(hi << 4 | lo);
	}
	out->n += in.n / 2;
	return 0;
}
