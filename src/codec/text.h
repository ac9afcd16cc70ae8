/* Text encodings: what a file from a Korean office is written in. */
#ifndef MO_CODEC_TEXT_H
#define MO_CODEC_TEXT_H

#include "base/buf.h"
#include "base/diag.h"
#include "base/span.h"

enum text_encoding { TEXT_UTF8, TEXT_UTF8_BOM, TEXT_UTF16LE, TEXT_UTF16BE, TEXT_CP949 };
const char *text_encoding_name(enum text_encoding e); /* "UTF-8", "UTF-8 (BOM)", "UTF-16LE", … */

/* From up to 4 MB of the beginning of a file (a character may be cut at the
 * end when !whole). MO_EINVAL: not text (NUL bytes, control characters, valid
 * in none of the encodings); the diag says which offset. With a UTF-8 byte order
 * mark single bad bytes are left for the decoder to count. MO_ENOMEM; MO_EIO:
 * the C library has no CP949 converter. */
MO_MUST_USE int text_detect(enum text_encoding *ret, struct span head, bool whole, struct diag *d);

/* Streaming decoder to UTF-8 without BOM. Invalid bytes become U+FFFD and are counted. */
struct text_decoder;
/* MO_ENOMEM; MO_EIO: no CP949 converter. */
MO_MUST_USE int text_decoder_new(struct text_decoder **ret, enum text_encoding e);
void text_decoder_free(struct text_decoder *t);
/* Appends to out, without a leading byte order mark; keeps a cut character for
 * the next call. `end`: nothing follows. MO_ENOMEM, MO_ELIMIT (out's): part of
 * in was taken, the decoder can only be freed. */
MO_MUST_USE int text_decode(struct text_decoder *t, struct buf *out, struct span in, bool end);
uint64_t text_decoder_bad(const struct text_decoder *t);
/* UTF-8 -> CP949, characters it lacks as '?', counted. Nothing is appended on an error. */
MO_MUST_USE int text_encode_cp949(struct buf *out, struct span utf8, uint64_t *ret_lost);

/* Base64url without padding (RFC 4648, 5). Decoding refuses padding, other alphabets and non-zero trailing bits (MO_EINVAL). */
void base64url_encode(struct buf *out, struct span in);
MO_MUST_USE int base64url_decode(struct buf *out, struct span in);
/* The same in the caller's memory, where secrets are wiped. out: 4 characters for 3 bytes begun, no NUL; gives how many. */
size_t base64url_write(char *out, struct span in);
/* MO_EINVAL; MO_ELIMIT: more than max bytes. */
MO_MUST_USE int base64url_read(uint8_t *out, size_t max, size_t *ret_n, struct span in);
void hex_encode(struct buf *out, struct span in);
MO_MUST_USE int hex_decode(struct buf *out, struct span in);
/* application/x-www-form-urlencoded and URI percent coding. plus: '+' means blank. MO_EINVAL. */
MO_MUST_USE int percent_decode(struct buf *out, struct span in, bool plus);
void percent_encode(struct buf *out, struct span in); /* all but unreserved (RFC 3986) */

#endif
