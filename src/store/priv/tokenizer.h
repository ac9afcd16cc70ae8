/* How names, lots and signals are cut into search terms.
 *
 * Text is composed (NFC for Hangul), full-width forms become plain ones, then:
 *  - Hangul (and Han) characters take one position each. Indexed at each: the
 *    character, the pair with its right neighbour, its initial consonant and
 *    the pair of initial consonants, so that 불량, 량 and ㅂㄹ are found. Asked
 *    for: the pair, or the single character where no neighbour follows.
 *  - Runs of letters and runs of digits are words, in lower case, one position
 *    each ("MLD01" is mld, 01). Of digits every tail is indexed as well, so
 *    that a prefix query finds any part of a number.
 * Anything else parts words. Both sides give the same positions to the same
 * text, so that a phrase is matched in order. */
#ifndef MO_STORE_PRIV_TOKENIZER_H
#define MO_STORE_PRIV_TOKENIZER_H

#include <sqlite3.h>

#include "base/span.h"

#define TOKEN_BYTES_MAX 64u /* a longer word is cut */
#define TOKEN_TAILS_MAX 24u /* digits whose tails are indexed */

/* One token; `colocated`: at the position of the one before. Non-zero ends the run and is given back. */
typedef int (*token_fn)(void *arg, struct span token, bool colocated, size_t from, size_t to);
/* `query`: one token a position; else all of them. MO_ENOMEM or what fn gave. */
int tokenizer_run(struct span text, bool query, token_fn fn, void *arg);

/* Lower case of what keyboards here write: ASCII, Latin-1, Greek, Cyrillic. */
uint32_t tokenizer_lower(uint32_t c);

int tokenizer_register(sqlite3 *sq); /* as "moru"; an SQLite result code */

#endif
