/* The typed column-batch cursor that series, store, query, insight, share and
 * api all speak: a schema, then batches of columns until the end.
 * Memory of a batch belongs to the cursor and lives until the next call. */
#ifndef MO_BASE_TABLE_H
#define MO_BASE_TABLE_H

#include "base/diag.h"
#include "base/err.h"
#include "base/span.h"

#define TABLE_BATCH_ROWS 1024u /* most rows a batch may hold */
#define TABLE_COLS_MAX 512u

enum col_type {
	COL_BOOL, /* uint8_t 0/1 */
	COL_I64,
	COL_F64,
	COL_TIME, /* int64_t ns UTC */
	COL_STR,  /* struct span, UTF-8 */
	COL_BYTES,/* struct span */
	COL_JSON  /* struct span holding one JSON value, shown as it is */
};
struct col_def {
	const char *name;
	enum col_type type;
	const char *unit; /* symbol or NULL */
};
struct col {
	union {
		const uint8_t *b;
		const int64_t *i64; /* COL_I64, COL_TIME */
		const double *f64;
		const struct span *str; /* COL_STR, COL_BYTES, COL_JSON */
	};
	const uint8_t *null; /* one byte a row, 1: no value; NULL: all present */
};
struct table_batch {
	size_t n_rows; /* 0: the end */
	const struct col *cols;
};
struct table_cursor;
struct table_ops {
	/* 0 with n_rows == 0 at the end; after an error only close may follow. */
	int (*next)(struct table_cursor *c, struct table_batch *ret, struct diag *d);
	void (*close)(struct table_cursor *c);
};
/* Embedded first in each cursor's own struct. */
struct table_cursor {
	const struct table_ops *ops;
	const struct col_def *cols;
	size_t n_cols;
};
static inline MO_MUST_USE int table_next(struct table_cursor *c, struct table_batch *ret, struct diag *d) { return c->ops->next(c, ret, d); }
static inline void table_close(struct table_cursor *c)
{
	if (c)
		c->ops->close(c);
}

#endif
