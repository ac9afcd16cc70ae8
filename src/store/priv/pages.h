/* The checksum of a database page, and that of a frame of SQLite's write-ahead
 * log (https://sqlite.org/fileformat2.html, 1.3.4 and 4).
 *
 * SQLite keeps the last PAGE_TAIL bytes of each page of ours for us (byte 20 of
 * page 1 says so): mark "MoPg" | crc32c(page number:u32le, the bytes before):u32le.
 * The page number is in it, so that a page at another's place is noticed. Only
 * what lies in the database file has its tail set; in the log SQLite's own
 * checksum holds, which is over what was in the tail at that time. */
#ifndef MO_STORE_PRIV_PAGES_H
#define MO_STORE_PRIV_PAGES_H

#include "base/span.h"

#define PAGE_BYTES 4096u
#define PAGE_TAIL 8u
#define PAGE_TAIL_AT 20u     /* in page 1: bytes of each page that are not SQLite's */
#define WAL_HEADER 32u
#define WAL_FRAME_HEADER 24u
#define WAL_FRAME (WAL_FRAME_HEADER + PAGE_BYTES)

/* Whether the pages of a database that begins with these PAGE_BYTES have tails: either of two signs, as one may be damaged. */
bool pages_has_tails(const uint8_t *first);
/* Sets the tail. A page that was lost stays one. */
void pages_seal(uint8_t *page, uint32_t number);
bool pages_is_whole(const uint8_t *page, uint32_t number);
/* Instead of a page whose content is gone: never whole, wherever it is written to. */
void pages_lose(uint8_t *page);
bool pages_is_lost(const uint8_t *page);

/* The running checksum of the log over n bytes, a multiple of 8; `big`: 32-bit words are big-endian. */
void pages_log_sum(uint32_t s[2], const uint8_t *p, size_t n, bool big);
/* Whether a frame is what was written: `before` is the checksum that stands in the frame before it (or in the log's header), 8 bytes. The salts are
 * not covered. */
bool pages_frame_is_whole(const uint8_t before[8], const uint8_t header[WAL_FRAME_HEADER], const uint8_t *page);

#endif
