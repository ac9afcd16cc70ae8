/* What the parts of intake share. */
#ifndef MO_INTAKE_PRIV_INTAKE_H
#define MO_INTAKE_PRIV_INTAKE_H

#include "codec/csv.h"
#include "intake/intake.h"
#include "intake/priv/timeform.h"

#define INTAKE_NAME_MAX 200u     /* bytes of a column's name; a longer header is cut */
#define INTAKE_SAMPLE_ROWS 1000u /* rows that header and time column are judged by */
#define INTAKE_SAMPLE_BYTES (2u << 20)
#define INTAKE_SHARE_ROWS 100000u /* rows that are looked at for rows of one time */
#define INTAKE_TAG_VALUES 1000u  /* distinct texts of a column that may keep series apart */
#define INTAKE_TAGS_MAX 4u       /* columns proposed as tags */

/* Name and unit out of a header cell; the spans lie in `header` or are static. */
void header_split(struct span header, struct span *ret_name, struct span *ret_unit);
/* Whether a header speaks of a date or a time. */
bool header_is_time(struct span header);
bool header_is_year(struct span header);
bool header_is_month(struct span header);
/* Whether numbers below it may name things (number, id, channel). */
bool header_is_id(struct span header);

/* The text of the head in UTF-8, without BOM. */
struct head_text {
	struct buf utf8;
	enum text_encoding encoding;
	bool whole;
};
void head_text_free(struct head_text *t);
MO_MUST_USE int head_text_make(struct head_text *ret, struct span head, bool whole, struct diag *d);
MO_MUST_USE int head_text_decode(struct buf *ret, enum text_encoding e, struct span head, bool whole);

/* The columns of a plan by what they are for; indices, -1: none. */
struct plan_use {
	int time, date, clock, number;
	const struct timeform *form; /* NULL: rows are numbered */
};
/* MO_EINVAL when the plan contradicts itself, with the column or field named. */
MO_MUST_USE int plan_check(struct plan_use *ret, const struct intake_plan *p, struct diag *d);
/* Whether commas group digits: not where they may stand before decimals. */
static inline bool plan_thousands(const struct intake_plan *p) { return p->delimiter != ';'; }

/* ---- the proposal's parts (propose.c gathers, columns.c and tags.c judge) ---- */
struct sample_row {
	const struct span *cells; /* trimmed */
	size_t n;
};
struct sample {
	struct sample_row *rows; /* without blank ones */
	size_t n_rows;
	size_t width;            /* fields that most rows have */
};
struct col_stats {
	uint64_t cells;    /* not missing */
	uint64_t numbers, integers, bools, codes, fractions;
	bool big;          /* a whole number past 2^53 */
	bool ascending;    /* 1 more than the row before, from the first on */
	int64_t last;
};
struct time_choice {
	int time, date, clock; /* columns, -1: none */
	const struct timeform *form;
};
/* The form that reads nine in ten of a column's cells, and the first cell it reads; NULL: none. clock_only: a clock without date (the form's date means nothing then). */
const struct timeform *column_time_form(const struct sample *s, size_t first_row, size_t column, struct span header, bool clock_only, struct span *ret_cell);
void time_choose(struct time_choice *ret, const struct sample *s, size_t first_row, const struct intake_column *columns, size_t n_columns);
/* Marks tag columns. text: the head; skip: header records. */
MO_MUST_USE int tags_choose(struct intake_plan *p, const struct time_choice *t, const struct col_stats *stats, struct span text, bool whole, size_t skip);
bool cells_blank(const struct span *cells, size_t n);

#endif
