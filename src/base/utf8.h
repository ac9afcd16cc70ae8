/* UTF-8 (RFC 3629), and what Korean text needs: composition of decomposed
 * Hangul (Unicode 15, 3.12), initial consonants, final sounds. */
#ifndef MO_BASE_UTF8_H
#define MO_BASE_UTF8_H

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

/* Decodes one code point at s.p: its length 1..4; 0 at the end; -1 invalid (overlong, surrogate, > U+10FFFF, cut off). */
int utf8_next(struct span s, uint32_t *cp);
/* Writes 1..4 bytes, gives their number; 0 for a surrogate or > U+10FFFF. */
int utf8_put(uint8_t out[4], uint32_t cp);
bool utf8_valid(struct span s);
/* Offset of the first invalid byte; s.n when all is valid. */
size_t utf8_check(struct span s);
size_t utf8_count(struct span s); /* code points; invalid bytes count one each */
/* Composes conjoining Jamo (L V [T], LV T) as macOS writes them into file
 * names; everything else is copied, compatibility letters (ㅋㅋ) and invalid
 * bytes too. Appends to out. */
void utf8_compose_hangul(struct buf *out, struct span s);
/* Each syllable as its initial consonant (금형 -> ㄱㅎ), the rest copied: for search by initials. Appends to out. */
void utf8_initials(struct buf *out, struct span s);
/* Final sound of the last spoken character, for particles: 0 none (vowel),
 * 1 a consonant other than ㄹ, 2 ㄹ. Hangul, digits (0..9, read in Sino-Korean,
 * also after a decimal point) and Latin letters (spelled letter by letter when
 * upper case or single; otherwise by English ending) are known; else 0. */
int utf8_final_sound(struct span s);

#endif
