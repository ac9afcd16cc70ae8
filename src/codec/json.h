/* JSON (RFC 8259): a pull reader that streams, keeps numbers as text and
 * copies nothing where it need not; a writer that cannot write bad JSON. */
#ifndef MO_CODEC_JSON_H
#define MO_CODEC_JSON_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/diag.h"
#include "base/span.h"

#define JSON_DEPTH_MAX 256u
#define JSON_TOKEN_MAX (16u << 20) /* bytes of one string or number */

enum json_token {
	JSON_MORE, /* the input so far ends inside a token or before one: json_feed() more, or json_end() */
	JSON_OBJECT,
	JSON_OBJECT_END,
	JSON_ARRAY,
	JSON_ARRAY_END,
	JSON_KEY,    /* text: the unescaped name */
	JSON_STRING, /* text: unescaped UTF-8 */
	JSON_NUMBER, /* text: as written */
	JSON_TRUE,
	JSON_FALSE,
	JSON_NULL,
	JSON_DONE /* all of the input was read: comes after json_end(), so that nothing behind the value goes
	                 * unseen, and repeats. In `lines` mode also once behind each value, as soon as it is whole;
	                 * the end of the input is the JSON_DONE without a value before it */
};
struct json_reader;

/* `lines`: a sequence of values separated by white space (NDJSON). */
MO_MUST_USE int json_reader_new(struct json_reader **ret, bool lines);
void json_reader_free(struct json_reader *r);
void json_reader_reset(struct json_reader *r);
/* Borrows bytes until the reader has said JSON_MORE (it keeps what it needs of a cut token). */
void json_feed(struct json_reader *r, struct span bytes);
/* No more input will come. */
void json_end(struct json_reader *r);
/* Next token. *text (may be NULL) lives until the next call. MO_EINVAL (diag: line, column, what was expected), MO_ELIMIT, MO_ENOMEM;
 * an error is final until json_reader_reset(). A byte order mark before the first value is ignored. Duplicate names in one object are the caller's to judge. */
MO_MUST_USE int json_next(struct json_reader *r, enum json_token *ret, struct span *text, struct diag *d);
uint64_t json_line(const struct json_reader *r);
uint64_t json_offset(const struct json_reader *r); /* bytes consumed */
unsigned json_depth(const struct json_reader *r);

/* A whole small document as a tree, in an arena: for API bodies. Numbers stay text. */
struct json_value {
	enum json_token type; /* OBJECT, ARRAY, STRING, NUMBER, TRUE, FALSE, NULL */
	struct span name;     /* of a member */
	struct span text;     /* STRING, NUMBER */
	struct json_value *child, *next;
	uint64_t line;
};
/* All of the tree is the arena's; text is borrowed for the call only. Refuses duplicate names (MO_EINVAL). MO_ELIMIT, MO_ENOMEM (also the arena's limit). */
MO_MUST_USE int json_parse(struct json_value **ret, struct arena *a, struct span text, struct diag *d);
const struct json_value *json_member(const struct json_value *object, const char *name); /* NULL when absent or not an object */
/* Typed member access: 0 and *ret set; MO_ENOENT when absent or null; MO_EINVAL with diag field = name when of another type. */
MO_MUST_USE int json_get_str(const struct json_value *o, const char *name, struct span *ret, struct diag *d);
/* 1.0 and 1e3 are integers too; what int64 does not hold is MO_EINVAL. */
MO_MUST_USE int json_get_i64(const struct json_value *o, const char *name, int64_t *ret, struct diag *d);
MO_MUST_USE int json_get_f64(const struct json_value *o, const char *name, double *ret, struct diag *d);
MO_MUST_USE int json_get_bool(const struct json_value *o, const char *name, bool *ret, struct diag *d);
/* RFC 3339 string. */
MO_MUST_USE int json_get_time(const struct json_value *o, const char *name, int64_t *ret_ns, struct diag *d);

/* Writer onto a buf; commas and colons come by themselves. Misuse (value
 * without key, unbalanced end) sets buf err to MO_EBUG. */
struct json_writer {
	struct buf *out;
	uint64_t has_item[JSON_DEPTH_MAX / 64 + 1]; /* bit 0: the document, then one per open container */
	uint64_t in_object[JSON_DEPTH_MAX / 64 + 1];
	unsigned depth;
	bool after_key;
};
void json_writer_init(struct json_writer *w, struct buf *out);
void jw_object(struct json_writer *w);
void jw_object_end(struct json_writer *w);
void jw_array(struct json_writer *w);
void jw_array_end(struct json_writer *w);
void jw_key(struct json_writer *w, const char *name);
void jw_key_span(struct json_writer *w, struct span name);
void jw_str(struct json_writer *w, struct span s);  /* invalid UTF-8 becomes U+FFFD */
void jw_cstr(struct json_writer *w, const char *s); /* NULL: null */
void jw_i64(struct json_writer *w, int64_t v);
void jw_u64(struct json_writer *w, uint64_t v);
void jw_f64(struct json_writer *w, double v); /* NaN and infinities: null */
void jw_bool(struct json_writer *w, bool v);
void jw_null(struct json_writer *w);
void jw_time(struct json_writer *w, int64_t t_ns);    /* RFC 3339 UTC; T_NONE: null */
/* A parsed value again, numbers as they were written. */
void jw_value(struct json_writer *w, const struct json_value *v);
void jw_raw(struct json_writer *w, struct span json); /* one value, trusted */
void jw_raw_or_null(struct json_writer *w, struct span json); /* the same; null of nothing */

#endif
