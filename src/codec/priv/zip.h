/* The records of an archive as bytes, from numbers alone: so that a test need not write 4 GiB. */
#ifndef MO_CODEC_PRIV_ZIP_H
#define MO_CODEC_PRIV_ZIP_H

#include "base/buf.h"

struct zip_entry {
	struct span name;
	bool deflate;
	uint64_t start, raw, packed; /* bytes; start: of its local header in the archive */
	uint32_t crc;
};
void zip_local(struct buf *out, const struct zip_entry *e);
void zip_central(struct buf *out, const struct zip_entry *e);
/* What follows a directory of n bytes at `start`. */
void zip_end_records(struct buf *out, uint64_t members, uint64_t start, uint64_t n);

#endif
