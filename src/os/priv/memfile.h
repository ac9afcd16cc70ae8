/* The content of one file in memory: what reads show now, what a power cut
 * would leave for certain, and the operations between the two.
 *
 * Content is sparse pages (absent: zeros) shared copy-on-write between the two
 * images, so that a sync costs the pages touched since the last one, never the
 * file. Bytes past the size are zero in both images. Not thread-safe. */
#ifndef MO_OS_PRIV_MEMFILE_H
#define MO_OS_PRIV_MEMFILE_H

#include "base/err.h"
#include "base/prng.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEMFILE_PAGE_BYTES 4096u
#define MEMFILE_SECTOR_BYTES 512u
#define MEMFILE_MAX_BYTES (UINT64_C(1) << 40) /* a table entry of 8 bytes per page and image */

struct mempage;
struct memop;
struct memfile {
	struct mempage **now, **durable; /* both `cap` pages long */
	size_t cap;
	uint64_t size, durable_size; /* bytes */
	struct memop *first, *last;  /* since the last sync, oldest first */
	uint64_t n_ops;
	bool lost; /* the images differ beyond these operations (memfile_settle) */
};

/* All zero is an empty file. */
void memfile_free(struct memfile *f);
void memfile_read(const struct memfile *f, void *p, size_t n, uint64_t offset, size_t *ret_n);
/* Nothing changed on failure: MO_ENOMEM, MO_ELIMIT past MEMFILE_MAX_BYTES. */
MO_MUST_USE int memfile_write(struct memfile *f, const void *p, size_t n, uint64_t offset);
MO_MUST_USE int memfile_resize(struct memfile *f, uint64_t size_bytes);
/* Everything now is durable. */
void memfile_sync(struct memfile *f);
/* A sync that failed: a part of what is not durable, drawn by r, becomes durable
 * and the rest never will by itself. What reads show stays.
 *
 * The draw: size changes are kept up to a point in their order, and nothing
 * that came after the first shrinking past that point survives, since its
 * blocks were never given away. Of each 512-byte sector, the writes up to a
 * point of its own survive. */
void memfile_settle(struct memfile *f, struct prng *r);
/* The power fails: the same draw, or nothing with lose_all, and reads show only what is durable. Needs no memory but for
 * sectors in holes; without it those are lost. */
void memfile_crash(struct memfile *f, struct prng *r, bool lose_all);
/* Flips a bit in both images. MO_EINVAL past the durable end, MO_ENOMEM. */
MO_MUST_USE int memfile_flip(struct memfile *f, uint64_t bit);

#endif
