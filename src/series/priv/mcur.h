/* The merge of one series' sources (segments, frozen head, head) in order of
 * keys, the newest source winning where several hold the same key. Gives
 * slices: runs of points that lie in one source's decoded piece, uncopied.
 * A piece that no other source interrupts is offered whole, before anything
 * of it is decoded. One thread. */
#ifndef MO_SERIES_MCUR_H
#define MO_SERIES_MCUR_H

#include "series/priv/head.h"
#include "series/priv/segment.h"

struct hsnap {
	struct chunk *c; /* one reference */
	uint32_t n;
};
struct msrc {
	struct seg *seg; /* one reference; NULL: chunks */
	const struct sentry *e;
	struct hsnap *snap;
	size_t nsnap;
	size_t piece, left; /* current piece; pieces left with it */
	bool loaded;
	struct pkey next; /* in order of reading; exact when loaded, else a lower bound */
	struct cols c;
	size_t pos;
	struct blockbuf buf;
};
struct mcur {
	uint8_t type;
	bool seq, desc;
	unsigned want;
	int64_t from, to;
	struct msrc *src; /* the last one wins */
	size_t n, cap;
	struct msrc *offered;
};
struct mslice {
	struct cols c;              /* c.n 0 and no whole: the end */
	const struct bentry *whole; /* a block of `seg`, not decoded: mcur_skip() passes it, mcur_next() with offer false decodes it */
	struct seg *seg;
};

void mcur_init(struct mcur *m, const struct series_def *def, int64_t from, int64_t to, bool desc, unsigned want);
void mcur_free(struct mcur *m);
/* Older sources first. Takes its own references. Nothing is added when nothing lies in the range. */
MO_MUST_USE int mcur_add_seg(struct mcur *m, struct seg *s, const struct sentry *e);
MO_MUST_USE int mcur_add_head(struct mcur *m, const struct head *h);
/* The same of chunks that somebody keeps, which are not changed any more as far as n. */
MO_MUST_USE int mcur_add_chunks(struct mcur *m, const struct hsnap *c, size_t n);
/* MO_ECORRUPT, MO_EVERSION: that piece is passed over, the next call goes on. */
MO_MUST_USE int mcur_next(struct mcur *m, bool offer, struct mslice *ret, struct diag *d);
void mcur_skip(struct mcur *m);

#endif
