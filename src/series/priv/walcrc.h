/* The checksum of a log record, shared by writer and scanner. */
#ifndef MO_SERIES_WALCRC_H
#define MO_SERIES_WALCRC_H

#include "base/crc32c.h"
#include "series/priv/wal.h"

/* rec: header (its checksum field is left out) and payload of n bytes. */
static inline uint32_t wal_crc(uint64_t epoch, uint64_t offset, const uint8_t *rec, size_t n)
{
	uint8_t seed[28];
	st64(seed, epoch);
	st64(seed + 8, offset);
	memcpy(seed + 16, rec, 4);
	memcpy(seed + 20, rec + 8, 8);
	return crc32c(crc32c(0, span_of(seed, sizeof seed)), span_of(rec + WAL_RECORD_HEAD, n));
}
int wal_list_add(struct wal_list *l, struct wal_file f);

#endif
