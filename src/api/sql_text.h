/* The rows of a SELECT as text: a table for people (tabs), CSV, or JSON lines.
 * One writer for `moru sql` in a folder that nobody serves and for POST
 * /api/v1/sql, so that both give the same bytes. */
#ifndef MO_API_SQL_TEXT_H
#define MO_API_SQL_TEXT_H

#include "base/buf.h"
#include "query/sql.h"

enum sql_format { SQL_AS_TABLE, SQL_AS_CSV, SQL_AS_JSON, SQL_FORMATS };
/* "table" (also for empty), "csv", "json". MO_EINVAL. */
MO_MUST_USE int sql_format_parse(enum sql_format *ret, struct span name);
/* Runs one statement and appends its rows to out; flush (may be NULL) is called after each batch and may empty out. Errors of
 * sqldb_select() and of out. */
MO_MUST_USE int sql_text(struct buf *out, struct sqldb *q, struct span sql, enum sql_format f, void (*flush)(void *arg, struct buf *out), void *arg,
	struct diag *d);

#endif
