/* Definitions of series as bytes, and the file that keeps them (docs/formats/series.md, Catalogue). */
#ifndef MO_SERIES_CATALOGUE_H
#define MO_SERIES_CATALOGUE_H

#include "base/buf.h"
#include "series/priv/format.h"
#include "series/series.h"

#define DEF_HEAD 28u
#define DEF_BYTES_MAX (DEF_HEAD + 2u * SERIES_KEY_MAX)
#define CAT_RECORD_HEAD 8u

size_t def_bytes(const struct series_def *def);
void def_put(uint8_t *out, series_id id, const struct series_def *def);
/* Spans point into s. MO_ECORRUPT. */
MO_MUST_USE int def_get(series_id *ret_id, struct series_def *ret, struct span s);

/* Reads up to `trusted` bytes (UINT64_MAX: the longest valid prefix) and calls fn for each, ids 1, 2, 3 …. MO_ECORRUPT: a
 * trusted byte is wrong; MO_ENOENT: no file (fine when nothing is trusted: the caller knows). */
MO_MUST_USE int cat_load(struct vfs *v, const char *path, uint64_t trusted,
        int (*fn)(void *arg, series_id id, const struct series_def *def), void *arg, uint64_t *ret_bytes, struct diag *d);
/* Appends one record for a file position to a buffer that will be written at `base`. */
void cat_put(struct buf *out, uint64_t base, series_id id, const struct series_def *def);
/* Cuts the file at `at`, appends and syncs; `at` 0 makes it. *ret_at: behind what was written. */
MO_MUST_USE int cat_append(
        struct vfs *v, const char *dir, const char *path, uint64_t at, struct span records, uint64_t *ret_at, struct diag *d);
/* Where the first record of an empty file goes. */
#define CAT_BEGIN ((uint64_t)FHEADER_BYTES)

#endif
