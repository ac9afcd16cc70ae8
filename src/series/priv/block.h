/* Blocks: up to BLOCK_POINTS_MAX points of one series in columns, and their
 * directory entry with everything a chart needs (docs/formats/series.md). */
#ifndef MO_SERIES_BLOCK_H
#define MO_SERIES_BLOCK_H

#include "series/priv/scodec.h"
#include "series/priv/format.h"
#include "series/series.h"

/* Columns of n points in order of their keys. The value column holds double, int64_t, uint8_t or struct span by type. */
struct cols {
	size_t n;
	const int64_t *t;
	const uint64_t *seq; /* NULL: kind clock */
	const void *v;
	const uint8_t *q;   /* NULL: all good */
	const int64_t *arr; /* NULL: not asked for */
};
static inline struct pkey cols_key(const struct cols *c, size_t i)
{
	return (struct pkey){c->t[i], c->seq ? c->seq[i] : 0};
}
static inline size_t value_width(uint8_t type)
{
	return type == SERIES_BOOL ? 1 : type == SERIES_STR ? sizeof(struct span) : 8;
}
/* c from point i on, n points. */
struct cols cols_slice(const struct cols *c, uint8_t type, size_t i, size_t n);

enum { COL_T, COL_SEQ, COL_V, COL_Q, COL_ARR, COL_COUNT };
/* As it lies on disk. */
struct bentry {
	int64_t t_first, t_last;
	uint64_t seq_first, seq_last;
	uint64_t offset;
	uint32_t bytes, crc, count, bad;
	double min, max, sum, first, last;
	uint32_t col_bytes[COL_COUNT];
	uint8_t codec[COL_COUNT];
	uint8_t zero[7];
};
_Static_assert(sizeof(struct bentry) == 128, "the directory is read where it lies");
static inline struct pkey bentry_first(const struct bentry *e)
{
	return (struct pkey){e->t_first, e->seq_first};
}
static inline struct pkey bentry_last(const struct bentry *e)
{
	return (struct pkey){e->t_last, e->seq_last};
}

/* Memory for one block's columns; grows to the largest seen. */
struct blockbuf {
	size_t cap;
	uint8_t type; /* of the memory of v */
	int64_t *t, *arr;
	uint64_t *seq, *scratch;
	void *v;
	uint8_t *q;
};
void blockbuf_free(struct blockbuf *b);
MO_MUST_USE int blockbuf_reserve(struct blockbuf *b, uint8_t type, size_t n);

/* Values as numbers and what is bad, for statistics. Strings have none. */
struct vstat {
	uint32_t bad;
	double min, max, sum, first, last;
	int64_t first_ns, last_ns;
	uint64_t good;
};
/* Adds points to s; s->good == 0 begins. */
void vstat_add(struct vstat *s, uint8_t type, const struct cols *c);

/* Appends the columns; fills *e but for its offset. scratch: n numbers. The buffer's error is the caller's to check. */
void block_encode(struct buf *out, uint8_t type, const struct cols *c, uint64_t *scratch, struct bentry *e);
enum { WANT_VALUES = 1, WANT_QUALITY = 2, WANT_ARRIVAL = 4, WANT_ALL = 7 };
/* Checks the checksum and every column; *ret points into buf (strings into bytes). Times and sequence numbers always come.
 * MO_ECORRUPT, MO_EVERSION (*ret_col: the column of an unknown codec), MO_ENOMEM. */
MO_MUST_USE int block_decode(struct cols *ret, struct blockbuf *buf, uint8_t type, bool seq, const struct bentry *e, struct span bytes,
        unsigned want, int *ret_col);
/* Whether an entry keeps the rules that can be checked without the block. */
bool bentry_check(const struct bentry *e, uint8_t type, bool seq);

#endif
