/* Segments: immutable files of blocks (docs/formats/series.md, Segment).
 *
 * A segment is mapped as long as somebody holds it; its directory is read
 * where it lies, so that stored points cost no memory of ours. Everything a
 * reader relies on (bounds, order, counts) is checked once in seg_open(). */
#ifndef MO_SERIES_SEGMENT_H
#define MO_SERIES_SEGMENT_H

#include <stdatomic.h>

#include "series/priv/block.h"

#define TRAILER_BYTES 64u
#define BLOCK_TEXT_MAX (1u << 20) /* bytes of strings after which a block is closed */

/* As it lies on disk. */
struct sentry {
	uint32_t id;
	uint8_t type, kind, last_quality, zero;
	struct uuid uuid;
	uint64_t points, fresh;
	uint32_t block, blocks;
	int64_t t_first, t_last;
	uint64_t seq_first, seq_last;
	int64_t last_arrival;
	uint64_t last_value;
};
_Static_assert(sizeof(struct sentry) == 96, "the directory is read where it lies");
static inline struct pkey sentry_first(const struct sentry *e)
{
	return (struct pkey){e->t_first, e->seq_first};
}
static inline struct pkey sentry_last(const struct sentry *e)
{
	return (struct pkey){e->t_last, e->seq_last};
}

struct seg {
	_Atomic uint32_t refs;
	_Atomic bool damaged; /* a block failed: not merged any more */
	struct vfs *vfs;
	char *path;
	struct vfs_file *f;
	const uint8_t *map;
	size_t size;
	uint64_t number, lo, hi, upto, points, stale; /* stale: points that replace some of older segments */
	uint32_t dir_crc;
	int64_t t_min, t_max; /* of all its series */
	const struct sentry *series;
	const struct bentry *block;
	uint32_t nseries, nblocks;
};

/* MO_ECORRUPT, MO_EVERSION, MO_ENOENT, MO_ENOMEM, MO_EIO. One reference is the caller's. */
MO_MUST_USE int seg_open(struct seg **ret, struct vfs *v, const char *dir, uint64_t number, struct diag *d);
void seg_ref(struct seg *s);
void seg_unref(struct seg *s);                                   /* NULL is fine */
const struct sentry *seg_find(const struct seg *s, uint32_t id); /* NULL: holds nothing of it */
/* First block of the series whose last key is at or past key; e->blocks when none. */
uint32_t seg_search(const struct seg *s, const struct sentry *e, struct pkey key);
static inline const struct bentry *seg_block(const struct seg *s, const struct sentry *e, uint32_t i)
{
	return &s->block[e->block + i];
}
/* Decodes block i of the series; words for MO_ECORRUPT and MO_EVERSION, and the segment counts as damaged then. */
MO_MUST_USE int seg_decode(
        struct cols *ret, struct blockbuf *buf, struct seg *s, const struct sentry *e, uint32_t i, unsigned want, struct diag *d);

/* ---- writing ---- */
struct segwriter;
struct segwriter_info {
	uint64_t number, lo, hi, upto;
	uint32_t block_points;
};
MO_MUST_USE int segwriter_new(struct segwriter **ret, struct vfs *v, const char *dir, const struct segwriter_info *info, struct diag *d);
/* Series in order of their ids. */
void segwriter_begin(struct segwriter *w, uint32_t id, const struct series_def *def, uint64_t fresh);
/* Points in order; arrivals needed. Blocks are closed as they fill. */
MO_MUST_USE int segwriter_add(struct segwriter *w, const struct cols *c, struct diag *d);
/* Takes a block of another segment over as it is. Not the last one of a series (whose last point must be known). */
MO_MUST_USE int segwriter_copy(struct segwriter *w, const struct bentry *e, struct span bytes, struct diag *d);
/* Of the series that was begun, where it turned out otherwise. */
void segwriter_set_fresh(struct segwriter *w, uint64_t fresh);
MO_MUST_USE int segwriter_end(struct segwriter *w, struct diag *d);
/* Directory, trailer, sync, rename, sync of the folder. The file is whole then, and nobody's until a manifest names it. */
MO_MUST_USE int segwriter_finish(struct segwriter *w, struct diag *d);
uint64_t segwriter_points(const struct segwriter *w);
/* Also removes what an unfinished one left. */
void segwriter_free(struct segwriter *w);

#endif
