/* From a file to values: recognise how a CSV is written, propose a reading
 * that a person can correct, and read it in one streaming pass with memory that
 * does not grow with the file. Remembers nothing and stores nothing itself:
 * the caller keeps plans by shape (store DOC_MAPPING) and gives a sink. */
#ifndef MO_INTAKE_INTAKE_H
#define MO_INTAKE_INTAKE_H

#include "base/arena.h"
#include "base/civil.h"
#include "base/diag.h"
#include "codec/json.h"
#include "codec/text.h"
#include "series/series.h"

#define INTAKE_HEAD_MAX (4u << 20)  /* bytes looked at for the proposal */
#define INTAKE_COLUMNS_MAX 1024u
#define INTAKE_HEADER_LINES_MAX 100u
#define INTAKE_RUN_ROWS 4096u       /* rows gathered per column before the sink gets them */

enum intake_use { USE_IGNORE, USE_TIME, USE_DATE, USE_CLOCK, USE_VALUE, USE_TAG, USE_NUMBER };
/* TIME: date and time in one cell. DATE + CLOCK: in two. TAG: a text that keeps series apart (a meter's name). NUMBER: the row number itself. */
const char *intake_use_name(enum intake_use u); /* "ignore", "time", "date", "clock", "value", "tag", "number" */

/* How a time cell is written: a table of forms, named by patterns people read ("YYYY-MM-DD hh:mm:ss", "D/M/YYYY h:mm", "YYYY. M. D. 오전 h:mm:ss", "YYYYMMDD", "YYYY.MM", "Excel serial", "epoch s", "epoch ms"). */
const char *intake_time_format(unsigned index); /* every form's name: 0.. until NULL */
enum intake_question { ASK_NOTHING, ASK_DAY_OR_MONTH, ASK_MIDNIGHT };
const char *intake_question_name(enum intake_question q); /* NULL, "month_or_day", "midnight" */

struct intake_column {
	struct span name;    /* as in the header without unit, blanks trimmed; "열 3"/"column 3" when the header has none (index + 1) */
	struct span header;  /* as it stands */
	struct span unit;    /* symbol, from "온도(℃)", "전력[kWh]" or "" */
	enum intake_use use;
	enum series_type type; /* of a VALUE: F64, I64, BOOL or STR */
	struct span signal;  /* series field name; default = name */
};
#define INTAKE_TIME_TEXT_MAX 128u
/* A 00:00 right behind the evening of its own date: some files mean the next day's. The first of them, times as they stand in the file. */
struct intake_midnight {
	struct span before, at; /* "2021-09-06 23:30", "2021-09-06 00:00" */
	uint64_t line;          /* of `at`; 0: there is none */
};
struct intake_plan {
	enum text_encoding encoding;
	char delimiter;
	unsigned header_lines;       /* 0: no header */
	struct span asset;           /* default: the file's name without folder, ending and date */
	const char *time_format;     /* name in the table of forms; NULL: no time column, rows are numbered */
	enum intake_question question;
	struct intake_midnight midnight;
	struct intake_column *columns;
	size_t n_columns;
	uint64_t rows_seen;          /* rows of the head */
	struct span zone;            /* its name, as the caller sets it; written and read, not used here */
	bool remembered;             /* set by the caller */
};
/* From the first bytes of a file (up to INTAKE_HEAD_MAX; whole: there are no more). lang: "ko" or "en" for made-up column names.
 * MO_EINVAL: not readable as a table of rows, with the reason a person can act on (binary, a workbook: XLSX/XLS by its signature,
 * several header lines, title lines, ... what this version does not read is refused here by name, nothing is misread). */
MO_MUST_USE int intake_propose(struct intake_plan *ret, struct arena *a, struct span head, bool whole, const char *file_name, const char *lang, struct diag *d);
/* A name without the dates at its ends and what divides them from it: "press1_20260101" -> "press1". YYYYMMDD, YYYYMM and with -, _ or . between
 * the parts, from 1990 to 2099. A name that is nothing else stays whole. */
struct span intake_undated(struct span name);
/* The asset that a file's name stands for. MO_ENOMEM. */
MO_MUST_USE int intake_default_asset(struct span *ret, struct arena *a, const char *file_name);
/* What recognises the next file of this shape: encoding-independent hash text of delimiter and header cells. 64 hex digits. */
MO_MUST_USE int intake_shape(char ret[65], const struct intake_plan *p);
/* JSON as in the HTTP contract. */
void intake_plan_write(struct json_writer *w, const struct intake_plan *p);
/* Takes a (corrected) JSON plan; diag names the field. Spans go to the arena. */
MO_MUST_USE int intake_plan_read(struct intake_plan *ret, struct arena *a, struct span json, struct diag *d);
/* One cell of a preview: how the plan reads it. */
struct intake_cell {
	struct span text;
	bool ok;
	char reading[64]; /* "2021-09-06 10:05:03.500", "1395", "–" */
};
#define INTAKE_PREVIEW_ROWS_MAX 200u
/* First rows of the head as read by the plan; cells[row * n_columns + column], arena's. */
MO_MUST_USE int intake_preview(struct intake_cell **ret, size_t *ret_rows, struct arena *a, const struct intake_plan *p, const struct zone *z, struct span head,
	size_t max_rows, struct diag *d);

/* Where values go: blocks of rows of the same tags, and of each block a run per column. Times ascend or not, as in the file. */
struct intake_sink {
	/* A series is met for the first time: asset, tags (key, value pairs), column -> the caller's handle. */
	int (*series)(void *arg, const struct intake_plan *p, const struct span *tag_kv, size_t n_tags, size_t column, void **ret, struct diag *d);
	/* A block begins: its rows' times and lines. Every run until the next call is of these rows. May be NULL. n <= INTAKE_RUN_ROWS. */
	int (*rows)(void *arg, size_t n, const int64_t *t_ns, const uint64_t *line, struct diag *d);
	/* row: which rows of the block, ascending; NULL: all of them. v: double, int64_t, uint8_t or struct span by the column's type. Missing cells are not among them. Rows without a time column have t = row number in nanoseconds since 1970 (charted over the number). */
	int (*run)(void *arg, void *series, enum series_type type, size_t n, const uint16_t *row, const int64_t *t_ns, const void *v, struct diag *d);
	/* A row refused: its line, its fields as they stood, and why. */
	int (*refused)(void *arg, uint64_t line, const struct span *fields, size_t n_fields, const struct diag *why);
	/* Bytes consumed so far, for the progress; a non-zero answer cancels (MO_ECANCELED). */
	int (*progress)(void *arg, uint64_t bytes);
};
struct intake_counts {
	uint64_t rows;     /* data rows met: taken + refused (+ blank ones, which count as nothing) */
	uint64_t refused;
	uint64_t values;   /* given to run() */
	uint64_t missing;  /* cells read as "no value" */
	uint64_t bad_text; /* bytes that were not of the encoding */
};
struct intake_reader;
/* Borrows plan, zone, sink. */
MO_MUST_USE int intake_open(struct intake_reader **ret, const struct intake_plan *p, const struct zone *z, const struct intake_sink *sink, void *arg, struct diag *d);
MO_MUST_USE int intake_feed(struct intake_reader *r, struct span bytes, struct diag *d);
/* The file's end: the last rows and runs. */
MO_MUST_USE int intake_end(struct intake_reader *r, struct intake_counts *ret, struct diag *d);
void intake_close(struct intake_reader *r);
/* Rows of a head (as given to intake_propose) that the plan refuses: which of two plans suits it better. */
MO_MUST_USE int intake_refused_rows(uint64_t *ret, const struct intake_plan *p, const struct zone *z, struct span head, struct diag *d);

#endif
