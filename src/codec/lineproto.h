/* InfluxDB line protocol (documented for InfluxDB 1.8): one line into
 * measurement, tags, fields and time. Splits and unescapes, stores nothing. */
#ifndef MO_CODEC_LINEPROTO_H
#define MO_CODEC_LINEPROTO_H

#include "base/civil.h"
#include "base/diag.h"
#include "base/span.h"

#define LINEPROTO_TAGS_MAX 64u
#define LINEPROTO_FIELDS_MAX 1024u
#define LINEPROTO_LINE_MAX (1u << 20) /* bytes of one line */
#define LINEPROTO_JOINED_MAX (256u << 10) /* bytes of a line whose strings hold LFs */

enum lineproto_type { LP_F64 = 1, LP_I64 = 2, LP_BOOL = 3, LP_STR = 4 }; /* as enum series_type */
struct lineproto_kv {
	struct span key;
	struct span value; /* tags; escapes still inside */
};
struct lineproto_field {
	struct span key; /* raw, escapes still inside */
	enum lineproto_type type;
	union {
		double f64;
		int64_t i64;
		uint8_t b;
		struct span str; /* unescaped */
	};
};
struct lineproto_line {
	struct span series;                           /* raw bytes of measurement and tags as sent: a cache key for resolving */
	struct span measurement;                      /* raw */
	struct lineproto_kv tags[LINEPROTO_TAGS_MAX]; /* as sent, not sorted */
	size_t n_tags;
	struct lineproto_field *fields; /* the parser's until the next call */
	size_t n_fields;
	bool has_time;
	int64_t t_ns;
};
struct lineproto;
/* unit_ns: nanoseconds of one tick of the time column (precision=ns 1, u 1000, ms, s, m, h). */
MO_MUST_USE int lineproto_new(struct lineproto **ret, int64_t unit_ns);
void lineproto_free(struct lineproto *p);
/* One line without its LF. 0; MO_ENOENT for a blank line or a comment; MO_EINVAL / MO_ELIMIT with diag (column, field, value, expected);
 * MO_EAGAIN, with diag too, when a string is not closed: an LF in a string belongs to it, see lineproto_joined().
 * As 1.8: CR before the LF, '+2', a missing value, duplicate tag keys, NaN and infinities, uint 'u' are refused. */
MO_MUST_USE int lineproto_parse(struct lineproto *p, struct span line, struct lineproto_line *ret, struct diag *d);
/* Where the line at the begin of `s` ends, of which lineproto_parse() said MO_EAGAIN for what stands before its first LF, at `lf`.
 * 0: at *ret, an LF or, with `last`, the end of `s`. MO_EAGAIN: `s` ends before; without `last` only. MO_EINVAL: nowhere, so that the line is
 * a bad one and ends at `lf`: the quote is never closed, or no comma, blank or LF follows the closing one, or it would be longer than
 * LINEPROTO_JOINED_MAX; *ret is how far it was looked for. */
MO_MUST_USE int lineproto_joined(size_t *ret, struct span s, size_t lf, bool last);
/* Raw measurement, tag or field text -> without escapes, appended to out. */
struct buf;
void lineproto_unescape(struct buf *out, struct span raw);

#endif
