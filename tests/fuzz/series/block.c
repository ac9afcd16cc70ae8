/* Block decode: u8 type, u8 sequence, u8 wanted, u16 count, five u16 column lengths and u8 codecs, then the bytes. What decodes must be in
 * order; what was decoded and is encoded again must decode to the same. */
#include <stdlib.h>

#include "base/crc32c.h"
#include "series/priv/block.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

#define HEAD (5u + 5u * 3u)

static void again(uint8_t type, const struct cols *c)
{
	struct buf out;
	struct bentry e;
	struct blockbuf b = {0};
	struct cols d;
	int col;
	uint64_t *scratch = malloc(c->n * sizeof *scratch);
	if (!scratch)
		abort();
	buf_init(&out, 0);
	block_encode(&out, type, c, scratch, &e);
	if (out.err || !bentry_check(&e, type, c->seq != NULL) ||
	        block_decode(&d, &b, type, c->seq != NULL, &e, buf_span(&out), WANT_ALL, &col) != 0 || d.n != c->n ||
	        memcmp(d.t, c->t, c->n * 8) != 0 || memcmp(d.arr, c->arr, c->n * 8) != 0)
		abort();
	for (size_t i = 0; i < c->n; i++)
		if ((d.q ? d.q[i] : 0) != (c->q ? c->q[i] : 0))
			abort();
	if (type == SERIES_STR) {
		for (size_t i = 0; i < c->n; i++)
			if (!span_eq(((const struct span *)c->v)[i], ((const struct span *)d.v)[i]))
				abort();
	} else if (memcmp(d.v, c->v, c->n * value_width(type)) != 0) {
		abort();
	}
	blockbuf_free(&b);
	buf_free(&out);
	free(scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	if (n < HEAD + 8 || n > 65536)
		return 0;
	uint8_t type = (uint8_t)(1 + p[0] % 4);
	bool seq = p[1] & 1;
	struct bentry e = {.count = (uint32_t)ld16(p + 3) % 2048 + 1};
	const uint8_t *body = p + HEAD;
	size_t left = n - HEAD, at = 0;
	for (int i = 0; i < COL_COUNT; i++) {
		size_t len = ld16(p + 5 + i * 3);
		len = len > left - at ? left - at : len;
		e.col_bytes[i] = (uint32_t)len;
		e.codec[i] = p[5 + i * 3 + 2] % 4;
		at += len;
	}
	e.bytes = (uint32_t)at;
	e.crc = crc32c(0, span_of(body, at));
	/* First and last key as they come out, so that only order decides. */
	uint64_t *t = malloc(e.count * sizeof *t);
	if (!t)
		abort();
	if (scodec_get_u64(t, e.count, e.codec[COL_T], span_of(body, e.col_bytes[COL_T])) == 0) {
		e.t_first = (int64_t)t[0];
		e.t_last = (int64_t)t[e.count - 1];
	}
	if (seq && scodec_get_u64(t, e.count, e.codec[COL_SEQ], span_of(body + e.col_bytes[COL_T], e.col_bytes[COL_SEQ])) == 0) {
		e.seq_first = t[0];
		e.seq_last = t[e.count - 1];
	}
	struct blockbuf b = {0};
	struct cols c;
	int col;
	if (block_decode(&c, &b, type, seq, &e, span_of(body, at), WANT_ALL, &col) == 0)
		again(type, &c);
	else if (block_decode(&c, &b, type, seq, &e, span_of(body, at), p[2] % 8, &col) == 0 && c.n != e.count)
		abort();
	blockbuf_free(&b);
	free(t);
	return 0;
}
