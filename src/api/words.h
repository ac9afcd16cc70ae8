/* A diag in the reader's language. Korean particles follow the final sound of
 * what stands before them: "{field|을/를}". */
#ifndef MO_API_WORDS_H
#define MO_API_WORDS_H

#include "base/buf.h"
#include "base/diag.h"

enum words_lang { WORDS_KO, WORDS_EN };
enum words_lang words_lang(const char *text); /* "en…" English, else Korean */
/* Appends the sentence; a diag without message gives the error's name. */
void words_render(struct buf *out, enum words_lang lang, const struct diag *d);
/* Stable code of a message ("csv_unclosed_quote"). */
const char *words_code(enum mo_msg msg);

#endif
