/* CRC-32C (Castagnoli, RFC 3720 B.4): the checksum of every file of ours. */
#ifndef MO_BASE_CRC32C_H
#define MO_BASE_CRC32C_H

#include "base/span.h"

/* crc 0 to begin; chain by giving the last result. Uses the CPU's instruction where it has one. */
uint32_t crc32c(uint32_t crc, struct span s);
/* The table variant alone, for tests. */
uint32_t crc32c_table(uint32_t crc, struct span s);

#endif
