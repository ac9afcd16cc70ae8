/* Rows of a column batch (base/table.h) as members of a JSON object: one way
 * for answers and for messages. */
#ifndef MO_CODEC_JSON_ROW_H
#define MO_CODEC_JSON_ROW_H

#include "base/table.h"
#include "codec/json.h"

/* The members of row i, without braces. A pair of columns X_firm, X_number is written as "X": {"firm","number"} or null. COL_JSON is trusted. */
void jw_row(struct json_writer *w, const struct col_def *cols, size_t n_cols, const struct table_batch *b, size_t i);

#endif
