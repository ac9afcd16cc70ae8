#include "base/buf.h"
#include "base/num.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define BUF_FIRST ((size_t)64)
#define VARINT_MAX 10u

void buf_init(struct buf *b, size_t limit_bytes) { *b = (struct buf){.limit_bytes = limit_bytes}; }

void buf_free(struct buf *b)
{
	if (!b)
		return;
	free(b->p);
	*b = (struct buf){.limit_bytes = b->limit_bytes};
}

void buf_reset(struct buf *b)
{
	b->n = 0;
	b->err = 0;
}

uint8_t *buf_reserve(struct buf *b, size_t n)
{
	if (b->err)
		return NULL;
	/* Also with nothing to reserve the answer is a place, so that NULL means failure only. */
	if (b->p && n <= b->cap - b->n)
		return b->p + b->n;
	size_t limit = b->limit_bytes && b->limit_bytes < SIZE_MAX / 2 ? b->limit_bytes : SIZE_MAX / 2;
	size_t need;
	if (!size_add(&need, b->n, n) || need > limit) {
		b->err = MO_ELIMIT;
		return NULL;
	}
	size_t cap = b->cap ? b->cap : BUF_FIRST;
	while (cap < need)
		cap *= 2; /* need is below SIZE_MAX / 2 */
	if (cap > limit)
		cap = limit;
	/* One byte past cap for the NUL of buf_printf, which counts against nothing. */
	uint8_t *p = realloc(b->p, cap + 1);
	if (!p) {
		b->err = MO_ENOMEM;
		return NULL;
	}
	b->p = p;
	b->cap = cap;
	return b->p + b->n;
}

void buf_add(struct buf *b, struct span s)
{
	if (s.n == 0)
		return;
	uint8_t *p = buf_reserve(b, s.n);
	if (!p)
		return;
	memcpy(p, s.p, s.n);
	b->n += s.n;
}

void buf_adds(struct buf *b, const char *s) { buf_add(b, span_str(s)); }

void buf_addc(struct buf *b, uint8_t c)
{
	uint8_t *p = buf_reserve(b, 1);
	if (!p)
		return;
	*p = c;
	b->n++;
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;
	if (b->err)
		return;
	va_start(ap, fmt);
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0) {
		b->err = MO_ELIMIT; /* longer than INT_MAX: the only failure of a format checked by the compiler */
	} else if (n > 0) {
		uint8_t *p = buf_reserve(b, (size_t)n);
		if (p) {
			vsnprintf((char *)p, (size_t)n + 1, fmt, again);
			b->n += (size_t)n;
		}
	}
	va_end(again);
}

void buf_u16(struct buf *b, uint16_t v)
{
	uint8_t p[2] = {(uint8_t)v, (uint8_t)(v >> 8)};
	buf_add(b, span_of(p, sizeof p));
}

void buf_u32(struct buf *b, uint32_t v)
{
	uint8_t p[4];
	for (unsigned i = 0; i < sizeof p; i++)
		p[i] = (uint8_t)(v >> (8 * i));
	buf_add(b, span_of(p, sizeof p));
}

void buf_u64(struct buf *b, uint64_t v)
{
	uint8_t p[8];
	for (unsigned i = 0; i < sizeof p; i++)
		p[i] = (uint8_t)(v >> (8 * i));
	buf_add(b, span_of(p, sizeof p));
}

void buf_varint(struct buf *b, uint64_t v)
{
	uint8_t p[VARINT_MAX];
	size_t n = 0;
	for (; v >= 0x80; v >>= 7)
		p[n++] = (uint8_t)(v | 0x80);
	p[n++] = (uint8_t)v;
	buf_add(b, span_of(p, n));
}

void buf_svarint(struct buf *b, int64_t v)
{
	uint64_t u = (uint64_t)v << 1;
	buf_varint(b, v < 0 ? ~u : u);
}

void buf_consume(struct buf *b, size_t n)
{
	if (n >= b->n) {
		b->n = 0;
		return;
	}
	if (n) {
		memmove(b->p, b->p + n, b->n - n);
		b->n -= n;
	}
}

/* n bytes at the cursor, or NULL and the cursor is spent. */
static const uint8_t *rd_take(struct rd *r, size_t n)
{
	if (!r->ok || n > rd_left(r)) {
		r->ok = false;
		r->p = r->end;
		return NULL;
	}
	const uint8_t *p = r->p;
	if (n)
		r->p += n;
	return p;
}

uint8_t rd_u8(struct rd *r)
{
	const uint8_t *p = rd_take(r, 1);
	return p ? *p : 0;
}

uint16_t rd_u16(struct rd *r)
{
	const uint8_t *p = rd_take(r, 2);
	return p ? (uint16_t)(p[0] | p[1] << 8) : 0;
}

uint32_t rd_u32(struct rd *r)
{
	const uint8_t *p = rd_take(r, 4);
	return p ? (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24 : 0;
}

uint64_t rd_u64(struct rd *r)
{
	const uint8_t *p = rd_take(r, 8);
	uint64_t v = 0;
	if (p)
		for (unsigned i = 0; i < 8; i++)
			v |= (uint64_t)p[i] << (8 * i);
	return v;
}

uint64_t rd_varint(struct rd *r)
{
	uint64_t v = 0;
	for (unsigned i = 0; i < VARINT_MAX; i++) {
		const uint8_t *p = rd_take(r, 1);
		if (!p)
			return 0;
		/* The tenth byte holds bit 63 alone. */
		if (i == VARINT_MAX - 1 && *p > 1)
			break;
		v |= (uint64_t)(*p & 0x7f) << (7 * i);
		if (!(*p & 0x80))
			return v;
	}
	r->ok = false;
	r->p = r->end;
	return 0;
}

int64_t rd_svarint(struct rd *r)
{
	uint64_t u = rd_varint(r);
	uint64_t v = (u >> 1) ^ (0 - (u & 1));
	int64_t i;
	memcpy(&i, &v, sizeof i);
	return i;
}

struct span rd_bytes(struct rd *r, size_t n)
{
	const uint8_t *p = rd_take(r, n);
	return span_of(p, p ? n : 0);
}
