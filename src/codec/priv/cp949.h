/* One way through iconv's CP949 (Unified Hangul Code, all 11,172 syllables;
 * EUC-KR has 2,350 of them and would lose the rest). */
#ifndef MO_CODEC_PRIV_CP949_H
#define MO_CODEC_PRIV_CP949_H

#include <iconv.h>

#include "base/buf.h"
#include "base/err.h"

/* MO_ENOMEM, MO_EIO (the C library has no converter for it installed). Ended with iconv_close(). */
MO_MUST_USE int cp949_open(iconv_t *ret, bool encode);

enum cp949_stop { CP949_ALL, CP949_BAD, CP949_CUT };
/* Converts in from *at on until its end, an invalid character or a cut one;
 * *at is then that character's place. MO_ENOMEM, MO_ELIMIT from out; MO_EIO. */
MO_MUST_USE int cp949_run(iconv_t cd, bool encode, struct buf *out, struct span in, size_t *at, enum cp949_stop *ret_stop);

#endif
