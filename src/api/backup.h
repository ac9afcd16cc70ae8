/* What a failure is called in both languages, where it is kept (the marks of a backup). */
#ifndef MO_API_BACKUP_H
#define MO_API_BACKUP_H

#include "base/buf.h"
#include "base/diag.h"

/* {"code","ko","en"}, or null where nothing was said. */
void api_words_json(struct buf *out, const struct diag *d);

#endif
