/* Rows of an export as cells and lines; no I/O. */
#ifndef MO_NODE_PRIV_EXPORT_H
#define MO_NODE_PRIV_EXPORT_H

#include "base/table.h"
#include "codec/json.h"
#include "node/export.h"
#include "series/series.h"

/* The header of a table, and its rows. */
void export_csv_header(struct buf *out, const struct export_table *t);
void export_csv_rows(struct buf *out, const struct table_cursor *c, const struct table_batch *b);
/* A row of signals.csv, in the order of its columns. */
void export_csv_signal(struct buf *out, const struct span *cells);
/* Row i as one line of POST /api/v1/records; false: nothing was written, as the row came about by being named alone. */
bool export_line(struct buf *out, const struct export_table *t, const struct table_cursor *c, const struct table_batch *b, size_t i);
/* One batch of values. */
void export_values_header(struct buf *out, const struct series_def *def);
void export_values(struct buf *out, const struct series_def *def, struct span unit, const struct sdb_batch *b);
/* A settings document without members whose names speak of secrets. */
MO_MUST_USE int export_settings(struct json_writer *w, struct span json, struct diag *d);
/* A name as part of a file's: what Windows or Linux do not take is '_', at most 60 bytes. Appends. */
void export_name(struct buf *out, struct span name);

#endif
