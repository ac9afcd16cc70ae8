/* The list of segments that are alive (docs/formats/series.md, Manifest). */
#ifndef MO_SERIES_MANIFEST_H
#define MO_SERIES_MANIFEST_H

#include "series/priv/format.h"

#define MANIFEST_SEGS_MAX (1u << 20)
#define MANIFEST_ENTRY 40u

struct manifest_seg {
	uint64_t number, size, lo, hi;
	uint32_t dir_crc;
};
struct manifest {
	uint64_t upto, next_seg, next_flush, cat_bytes;
	uint32_t cat_series;
	size_t n;
	struct manifest_seg *seg;
};
void manifest_free(struct manifest *m);
/* MO_ENOENT: none; MO_ECORRUPT, MO_EVERSION, MO_ENOMEM, MO_EIO. */
MO_MUST_USE int manifest_read(struct manifest *ret, struct vfs *v, const char *path, struct diag *d);
MO_MUST_USE int manifest_parse(struct manifest *ret, struct span s, const char *path, struct diag *d);
/* Replaces the file as a whole. */
MO_MUST_USE int manifest_write(const struct manifest *m, struct vfs *v, const char *path, struct diag *d);

#endif
