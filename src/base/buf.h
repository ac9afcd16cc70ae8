/* A growable byte buffer that remembers its first failure, so that a writer
 * may append a whole document and check once. */
#ifndef MO_BASE_BUF_H
#define MO_BASE_BUF_H

#include "base/err.h"
#include "base/span.h"

struct buf {
	uint8_t *p;
	size_t n, cap;      /* bytes */
	size_t limit_bytes; /* 0: SIZE_MAX / 2 */
	int err;            /* 0, MO_ENOMEM or MO_ELIMIT; sticky until buf_reset */
};

void buf_init(struct buf *b, size_t limit_bytes);
void buf_free(struct buf *b);
/* n = 0, err = 0; keeps the memory. */
void buf_reset(struct buf *b);
/* Room for n more bytes; the place to write them (good until the next call), or NULL with err set. Does not advance
 * n: the writer adds to b->n what it wrote. */
uint8_t *buf_reserve(struct buf *b, size_t n);
void buf_add(struct buf *b, struct span s);
void buf_adds(struct buf *b, const char *s);
void buf_addc(struct buf *b, uint8_t c);
void buf_printf(struct buf *b, const char *fmt, ...) MO_PRINTF(2, 3);
/* Little-endian fixed widths. */
void buf_u16(struct buf *b, uint16_t v);
void buf_u32(struct buf *b, uint32_t v);
void buf_u64(struct buf *b, uint64_t v);
/* LEB128, at most 10 bytes; zig-zag for signed. */
void buf_varint(struct buf *b, uint64_t v);
void buf_svarint(struct buf *b, int64_t v);
/* Drops the first n bytes, moving the rest down. */
void buf_consume(struct buf *b, size_t n);
static inline struct span buf_span(const struct buf *b) { return span_of(b->p, b->n); }

/* Cursor for reading what buf_* wrote. After the first short read ok is false and all reads give 0. */
struct rd {
	const uint8_t *p, *end;
	bool ok;
};
static inline struct rd rd_of(struct span s) { return (struct rd){s.p, s.p ? s.p + s.n : NULL, true}; }
static inline size_t rd_left(const struct rd *r) { return (size_t)(r->end - r->p); }
uint8_t rd_u8(struct rd *r);
uint16_t rd_u16(struct rd *r);
uint32_t rd_u32(struct rd *r);
uint64_t rd_u64(struct rd *r);
uint64_t rd_varint(struct rd *r);
int64_t rd_svarint(struct rd *r);
struct span rd_bytes(struct rd *r, size_t n);

#endif
