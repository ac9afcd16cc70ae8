/* Rows of a column batch (base/table.h) as members of a JSON object: one way
 * for answers and for messages. */
#ifndef MO_CODEC_JSON_ROW_H
#define MO_CODEC_JSON_ROW_H

#include "base/table.h"
#include "codec/json.h"

/* The member of column k of row i, and the column behind it. A pair of columns X_firm, X_number is one member "X": {"firm","number"} or null; of
 * a column `sealed` it is said whether there is something ("personal"), and never what. COL_JSON is trusted. */
size_t jw_member(struct json_writer *w, const struct col_def *cols, size_t n_cols, const struct table_batch *b, size_t i, size_t k);
/* All members of row i, without braces. */
void jw_row(struct json_writer *w, const struct col_def *cols, size_t n_cols, const struct table_batch *b, size_t i);

#endif
