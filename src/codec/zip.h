/* ZIP archives, written (APPNOTE.TXT 6.3.9 of PKWARE, sections 4.3 to 4.5): a
 * member at a time, memory that does not grow with what is in them. No I/O
 * here: bytes go to a sink, which also takes the few bytes of a member's head
 * once more when its size is known, so that no reader needs a data descriptor.
 *
 *   local header | name | 20 bytes of extra | data ...   per member
 *   central directory, (ZIP64: record and locator), end record
 *
 * The 20 bytes are the ZIP64 field of a member over 4 GiB, else padding. Names
 * are UTF-8 (flag bit 11), times 1980-01-01: the same members are the same
 * bytes. */
#ifndef MO_CODEC_ZIP_H
#define MO_CODEC_ZIP_H

#include "base/buf.h"
#include "base/span.h"

#define ZIP_NAME_MAX 512u          /* bytes */
#define ZIP_MEMBERS_MAX (1u << 18) /* the central directory is held in memory, some 100 bytes each */

/* Bytes of the archive at a place of it: at the end of what was given so far, or within. Gives 0 or an error, which is final. */
struct zip_sink {
	int (*write)(void *arg, struct span bytes, uint64_t at);
	void *arg;
};
struct zip_writer;
MO_MUST_USE int zip_new(struct zip_writer **ret, const struct zip_sink *sink);
void zip_free(struct zip_writer *z);
/* A name of at most ZIP_NAME_MAX bytes of UTF-8, relative, with '/' between its parts. deflates: compressed. MO_EINVAL: not such a name;
 * MO_ELIMIT: a member too many; MO_ENOMEM. All calls: after an error of the sink, or of memory, nothing but zip_free(). */
MO_MUST_USE int zip_begin(struct zip_writer *z, struct span name, bool deflates);
MO_MUST_USE int zip_write(struct zip_writer *z, struct span bytes);
MO_MUST_USE int zip_end(struct zip_writer *z);
/* The directory. The archive is whole then. */
MO_MUST_USE int zip_finish(struct zip_writer *z);
uint64_t zip_bytes(const struct zip_writer *z);

#endif
