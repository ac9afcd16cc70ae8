#include "codec/json_row.h"

#include <string.h>

static bool is_null(const struct col *c, size_t i) { return c->null && c->null[i]; }

static void cell(struct json_writer *w, enum col_type t, const struct col *c, size_t i)
{
	if (is_null(c, i)) {
		jw_null(w);
		return;
	}
	switch (t) {
	case COL_BOOL: jw_bool(w, c->b[i] != 0); break;
	case COL_I64: jw_i64(w, c->i64[i]); break;
	case COL_F64: jw_f64(w, c->f64[i]); break;
	case COL_TIME: jw_time(w, c->i64[i]); break;
	case COL_STR:
	case COL_BYTES: jw_str(w, c->str[i]); break;
	case COL_JSON: jw_raw(w, c->str[i]); break;
	}
}

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);
	return n > m && strcmp(s + n - m, end) == 0;
}

size_t jw_member(struct json_writer *w, const struct col_def *cols, size_t n_cols, const struct table_batch *b, size_t i, size_t k)
{
	const char *name = cols[k].name;
	if (strcmp(name, "sealed") == 0) {
		jw_key(w, "personal");
		jw_bool(w, !is_null(&b->cols[k], i) && b->cols[k].str[i].n > 0);
		return k + 1;
	}
	if (!ends_with(name, "_firm") || k + 1 == n_cols || !ends_with(cols[k + 1].name, "_number")) {
		jw_key(w, name);
		cell(w, cols[k].type, &b->cols[k], i);
		return k + 1;
	}
	jw_key_span(w, span_of(name, strlen(name) - 5));
	if (is_null(&b->cols[k], i)) {
		jw_null(w);
		return k + 2;
	}
	jw_object(w);
	jw_key(w, "firm");
	jw_str(w, b->cols[k].str[i]);
	jw_key(w, "number");
	jw_str(w, b->cols[k + 1].str[i]);
	jw_object_end(w);
	return k + 2;
}

void jw_row(struct json_writer *w, const struct col_def *cols, size_t n_cols, const struct table_batch *b, size_t i)
{
	for (size_t k = 0; k < n_cols;)
		k = jw_member(w, cols, n_cols, b, i, k);
}
