/* CSV as people's programs write it (RFC 4180 and its neighbours): a streaming
 * splitter of UTF-8 bytes into records of fields. Knows nothing of meaning. */
#ifndef MO_CODEC_CSV_H
#define MO_CODEC_CSV_H

#include "base/buf.h"
#include "base/diag.h"
#include "base/span.h"

#define CSV_FIELDS_MAX 4096u
#define CSV_RECORD_MAX (4u << 20) /* bytes of one record; a longer one is refused and skipped to its line end */

struct csv_record {
	const struct span *fields; /* unquoted; live until the next call */
	const uint8_t *quoted;     /* per field, 1: it stood in quotes (a code, not a number) */
	size_t n;
	uint64_t line;   /* 1-based line where the record begins */
	uint64_t offset; /* byte offset of the record in the decoded text */
};
struct csv_reader;

/* delimiter: ',', ';', '\t' or '|'. */
MO_MUST_USE int csv_reader_new(struct csv_reader **ret, char delimiter);
void csv_reader_free(struct csv_reader *r);
/* Borrows bytes until csv_next() says MO_EAGAIN. */
void csv_feed(struct csv_reader *r, struct span bytes);
void csv_end(struct csv_reader *r);
/* 0: a record. MO_EAGAIN: feed more. MO_ENOENT: the end (after csv_end). MO_EINVAL, MO_ELIMIT: this record is
 * refused (diag: line, reason: quote never closed, text after a closing quote, too long, too many fields); the next call goes on after it.
 * Line ends: LF, CR LF, CR. Blank lines give n == 0. A quote not at the beginning of its field is an ordinary character.
 * A record refused after its quotes have run over line ends (never closed, text after the closing quote, too long, too
 * many fields) ends at its first line end, and reading goes on at the next line, so that a stray quote costs its own
 * line only. MO_ENOMEM loses nothing: the next call goes on. */
MO_MUST_USE int csv_next(struct csv_reader *r, struct csv_record *ret, struct diag *d);

/* Guess from the first records: delimiter by agreement of field counts; ',' when nothing speaks for another. */
char csv_guess_delimiter(struct span head);

/* Writing for Excel: BOM once, CR LF, quoted where needed, and a leading '=', '+', '-', '@', TAB or CR of a text (not a number) is disarmed by an apostrophe;
 * so are their full-width forms, which East Asian spreadsheets take for the same. NaN and infinities are empty cells. */
void csv_write_bom(struct buf *out);
void csv_write_text(struct buf *out, struct span s, bool first);
void csv_write_f64(struct buf *out, double v, bool first);
void csv_write_end(struct buf *out);

#endif
