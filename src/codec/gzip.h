/* Streaming inflate of gzip (RFC 1952): one or more members, with their
 * checksums verified, an output limit and a guard against bombs. */
#ifndef MO_CODEC_GZIP_H
#define MO_CODEC_GZIP_H

#include "base/diag.h"
#include "base/err.h"
#include "base/span.h"

#define GUNZIP_PIECE_BYTES 65536u    /* most that one gunzip_next() gives */
#define GUNZIP_RATIO_FREE (1u << 20) /* bytes of output before the ratio is judged: small bodies of blanks are harmless */

struct gunzip;

/* limit_bytes: most output in all, 0: none. ratio_max: most bytes out per byte in, 0: none (deflate itself ends near 1032). MO_ENOMEM. */
MO_MUST_USE int gunzip_new(struct gunzip **ret, uint64_t limit_bytes, unsigned ratio_max);
void gunzip_free(struct gunzip *g);
/* Borrows bytes until gunzip_next() says MO_EAGAIN. */
void gunzip_feed(struct gunzip *g, struct span bytes);
/* No more input will come. */
void gunzip_end(struct gunzip *g);
/* 0: *ret is the next piece, never empty; it lives until the next call. MO_EAGAIN: feed more. MO_ENOENT: all is unpacked
 * and verified (after gunzip_end). MO_EINVAL: damaged, cut off, or not gzip. MO_ELIMIT: over the limit or the ratio.
 * MO_ENOMEM. The diag's {0} is the byte of the input, or the limit. An error is final.
 * What was given before MO_ENOENT is not verified yet: its checksum stands at the end of its member. */
MO_MUST_USE int gunzip_next(struct gunzip *g, struct span *ret, struct diag *d);

#endif
