/* Grammar (RFC 8259): ws value ws; object { string : value , ... };
 * array [ value , ... ]; number -? (0 | 1-9 digits) (. digits)? (e [+-]? digits)?.
 *
 * Two small machines. What may come next:
 *
 *   VALUE --[--> FIRST_VALUE --value--> AFTER --,--> VALUE or KEY
 *         --{--> FIRST_KEY --key--> COLON --> VALUE
 *   AFTER at depth 0: END (lines: BETWEEN, then VALUE again)
 *
 * and the token under way, so that input may end after any byte: a string or
 * number is given as a span of the input while it lies in one piece, and is
 * gathered in `text` once it is cut or holds an escape. */
#include "codec/json.h"

#include <stdlib.h>

#include "base/utf8.h"
#include "codec/priv/scan.h"

enum want { WANT_VALUE, WANT_FIRST_VALUE, WANT_FIRST_KEY, WANT_KEY, WANT_COLON, WANT_AFTER, WANT_END, WANT_BETWEEN };
enum lexeme { LEX_NONE, LEX_STRING, LEX_NUMBER, LEX_WORD };
enum number { NUM_MINUS, NUM_ZERO, NUM_INT, NUM_DOT, NUM_FRAC, NUM_E, NUM_SIGN, NUM_EXP };

struct json_reader {
	bool lines, ended, started;
	bool done_said; /* lines: JSON_DONE was given for the last value */
	bool is_key;    /* the string under way is a name */
	bool gathered;  /* the token under way stands in text, not in the input alone */
	enum want want;
	enum lexeme lex;
	enum number num;
	unsigned depth;
	uint64_t is_object[JSON_DEPTH_MAX / 64 + 1];

	const uint8_t *p;
	size_t n, at;
	size_t token;    /* where the token's text begins in p while !gathered, or its last run while gathered */
	uint64_t offset; /* of p[0] */

	const char *word; /* "true", "false", "null" */
	unsigned word_at;
	enum json_token word_token;

	uint8_t cut[12]; /* an escape or a UTF-8 sequence cut by the end of the input */
	unsigned n_cut;
	unsigned bom; /* bytes of a byte order mark seen */

	struct buf text;

	uint64_t line;
	uint64_t columns; /* code points of the line before col_from */
	size_t col_from;  /* in p: counted up to here */

	int err; /* sticky until reset */
	struct diag said;
};

int json_reader_new(struct json_reader **ret, bool lines)
{
	struct json_reader *r = calloc(1, sizeof(*r));
	if (!r)
		return MO_ENOMEM;
	r->lines = lines;
	buf_init(&r->text, JSON_TOKEN_MAX);
	json_reader_reset(r);
	*ret = r;
	return 0;
}

void json_reader_free(struct json_reader *r)
{
	if (!r)
		return;
	buf_free(&r->text);
	free(r);
}

void json_reader_reset(struct json_reader *r)
{
	r->ended = r->started = r->done_said = r->is_key = r->gathered = false;
	r->want = WANT_VALUE;
	r->lex = LEX_NONE;
	r->depth = 0;
	r->p = (const uint8_t *)"";
	r->n = r->at = r->token = r->col_from = 0;
	r->offset = r->columns = 0;
	r->n_cut = r->bom = 0;
	r->line = 1;
	r->err = 0;
	buf_reset(&r->text);
}

void json_feed(struct json_reader *r, struct span bytes)
{
	r->offset += r->n;
	r->p = bytes.n ? bytes.p : (const uint8_t *)"";
	r->n = bytes.n;
	r->at = r->token = r->col_from = 0;
}

void json_end(struct json_reader *r)
{
	r->ended = true;
}

uint64_t json_line(const struct json_reader *r)
{
	return r->line;
}
uint64_t json_offset(const struct json_reader *r)
{
	return r->offset + r->at;
}
unsigned json_depth(const struct json_reader *r)
{
	return r->depth;
}

static void count_columns(struct json_reader *r, size_t to)
{
	uint64_t n = 0;
	for (size_t i = r->col_from; i < to; i++)
		n += (r->p[i] & 0xc0) != 0x80;
	r->columns += n;
	r->col_from = to;
}

static void new_line(struct json_reader *r, size_t at)
{
	r->line++;
	r->columns = 0;
	r->col_from = at + 1;
}

/* Fails for good, at input position `at`. */
static int fail(struct json_reader *r, size_t at, int err, enum mo_msg msg, const char *expected)
{
	if (at < r->col_from)
		at = r->col_from;
	count_columns(r, at);
	r->err = diag_set(&r->said, err, msg);
	diag_line(&r->said, r->line, r->columns + 1);
	if (expected)
		diag_expected(&r->said, expected);
	if (at < r->n) {
		uint32_t cp;
		int len = utf8_next(span_of(r->p + at, r->n - at), &cp);
		diag_value(&r->said, span_of(r->p + at, len > 0 ? (size_t)len : 1));
	}
	return err;
}

static int fail_limit(struct json_reader *r, enum mo_msg msg, int64_t most)
{
	fail(r, r->at, MO_ELIMIT, msg, NULL);
	diag_int(&r->said, 0, most);
	return MO_ELIMIT;
}

static const char *expected(const struct json_reader *r)
{
	switch (r->want) {
	case WANT_VALUE:
		return "{ [ \" 0..9 - true false null";
	case WANT_FIRST_VALUE:
		return "] { [ \" 0..9 - true false null";
	case WANT_FIRST_KEY:
		return "\" }";
	case WANT_KEY:
		return "\"";
	case WANT_COLON:
		return ":";
	case WANT_AFTER:
		return r->is_object[(r->depth - 1) / 64] >> ((r->depth - 1) % 64) & 1 ? ", }" : ", ]";
	default:
		return "EOF";
	}
}

static int unexpected(struct json_reader *r)
{
	/* The end and the line of the next value are told apart only by what stands there. */
	const char *what = r->want == WANT_BETWEEN ? "LF" : expected(r);
	return fail(r, r->at, MO_EINVAL, MSG_JSON_UNEXPECTED, what);
}

/* Appends input [token, to) to text. */
static int gather(struct json_reader *r, size_t to)
{
	buf_add(&r->text, span_of(r->p + r->token, to - r->token));
	r->gathered = true;
	r->token = to;
	if (r->text.err == MO_ELIMIT)
		return fail_limit(r, MSG_JSON_TOKEN_TOO_LONG, JSON_TOKEN_MAX >> 20);
	if (r->text.err) /* the token is lost, so this is final too */
		r->err = diag_set(&r->said, r->text.err, MSG_OUT_OF_MEMORY);
	return r->text.err;
}

/* A token's text is whole, its last byte is before `to`. */
static int give(struct json_reader *r, size_t to, struct span *text)
{
	if (r->gathered) {
		int e = gather(r, to);
		if (e)
			return e;
		*text = buf_span(&r->text);
		if (!text->p)
			text->p = (const uint8_t *)"";
	} else {
		if (to - r->token > JSON_TOKEN_MAX)
			return fail_limit(r, MSG_JSON_TOKEN_TOO_LONG, JSON_TOKEN_MAX >> 20);
		*text = span_of(r->p + r->token, to - r->token);
	}
	r->lex = LEX_NONE;
	return 0;
}

static void start_text(struct json_reader *r, enum lexeme lex, size_t at)
{
	r->lex = lex;
	r->token = at;
	r->gathered = false;
	buf_reset(&r->text);
}

static int hex4(const uint8_t *p, uint32_t *ret)
{
	uint32_t v = 0;
	for (unsigned i = 0; i < 4; i++) {
		uint8_t c = p[i];
		if (c >= '0' && c <= '9')
			v = v << 4 | (uint32_t)(c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			v = v << 4 | (uint32_t)((c | 0x20) - 'a' + 10);
		else
			return -1;
	}
	*ret = v;
	return 0;
}

static bool is_hex(uint8_t c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* One escape at p. Bytes eaten and *cp; 0: cut off; -1 bad escape, -2 bad surrogate. */
static int escape(const uint8_t *p, size_t n, uint32_t *cp)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	if (n < 2)
		return 0;
	if (p[1] != 'u') {
		const char *at = p[1] ? strchr(from, p[1]) : NULL;
		if (!at)
			return -1;
		*cp = (uint8_t)to[at - from];
		return 2;
	}
	for (size_t i = 2; i < n && i < 6; i++)
		if (!is_hex(p[i]))
			return -1;
	if (n < 6)
		return 0;
	uint32_t hi = 0, lo = 0;
	if (hex4(p + 2, &hi))
		return -1;
	*cp = hi;
	if (hi < 0xd800 || hi > 0xdfff)
		return 6;
	if (hi > 0xdbff || (n > 6 && p[6] != '\\') || (n > 7 && p[7] != 'u'))
		return -2;
	for (size_t i = 8; i < n && i < 12; i++)
		if (!is_hex(p[i]))
			return -1;
	if (n < 12)
		return 0;
	if (hex4(p + 8, &lo) || lo < 0xdc00 || lo > 0xdfff)
		return -2;
	*cp = 0x10000 + ((hi - 0xd800) << 10) + (lo - 0xdc00);
	return 12;
}

/* Whether p[0..n), n < 4, can be the beginning of a valid sequence. */
static bool utf8_may_grow(const uint8_t *p, size_t n)
{
	uint8_t c = p[0];
	unsigned len = c >= 0xc2 && c <= 0xdf ? 2 : c >= 0xe0 && c <= 0xef ? 3 : c >= 0xf0 && c <= 0xf4 ? 4 : 0;
	if (n >= len)
		return false;
	if (n > 1 && ((p[1] & 0xc0) != 0x80 || (c == 0xe0 && p[1] < 0xa0) || (c == 0xed && p[1] > 0x9f) || (c == 0xf0 && p[1] < 0x90) ||
	                     (c == 0xf4 && p[1] > 0x8f)))
		return false;
	return n < 3 || (p[2] & 0xc0) == 0x80;
}

/* An escape or a character above ASCII at p: bytes eaten, 0 cut off, or negative with the reader failed. `at` is for the diag. */
static int special(struct json_reader *r, const uint8_t *p, size_t n, size_t at, uint8_t out[4], int *ret_out)
{
	uint32_t cp;
	int len;
	if (p[0] == '\\') {
		len = escape(p, n, &cp);
		if (len > 0) {
			*ret_out = utf8_put(out, cp);
			return len;
		}
		if (len == -2)
			return fail(r, at, MO_EINVAL, MSG_JSON_BAD_SURROGATE, NULL);
		return len == 0 ? 0 : fail(r, at, MO_EINVAL, MSG_JSON_BAD_ESCAPE, "\" \\ / b f n r t uXXXX");
	}
	len = utf8_next(span_of(p, n), &cp);
	if (len > 0) {
		memcpy(out, p, (size_t)len);
		*ret_out = len;
		return len;
	}
	return n < 4 && utf8_may_grow(p, n) ? 0 : fail(r, at, MO_EINVAL, MSG_JSON_BAD_UTF8, NULL);
}

/* Completes what the last input's end cut, byte by byte. MO_EAGAIN: still cut. */
static int finish_cut(struct json_reader *r)
{
	while (r->n_cut && r->at < r->n) {
		uint8_t out[4];
		int n_out = 0;
		r->cut[r->n_cut] = r->p[r->at];
		int len = special(r, r->cut, r->n_cut + 1, r->at, out, &n_out);
		if (len < 0)
			return len;
		r->n_cut++;
		r->token = ++r->at;
		if (len > 0) {
			buf_add(&r->text, span_of(out, (size_t)n_out));
			r->n_cut = 0;
			return gather(r, r->at);
		}
	}
	return r->n_cut ? MO_EAGAIN : 0;
}

static int string(struct json_reader *r, struct span *text)
{
	int e = finish_cut(r);
	if (e)
		return e;
	for (;;) {
		r->at += scan_json_plain(r->p + r->at, r->n - r->at);
		if (r->at == r->n) {
			e = gather(r, r->at);
			return e ? e : MO_EAGAIN;
		}
		uint8_t c = r->p[r->at];
		if (c == '"') {
			e = give(r, r->at, text);
			r->at += e == 0;
			return e;
		}
		if (c < 0x20)
			return fail(r, r->at, MO_EINVAL, MSG_JSON_CONTROL, "\\uXXXX");
		uint8_t out[4];
		int n_out = 0;
		int len = special(r, r->p + r->at, r->n - r->at, r->at, out, &n_out);
		if (len < 0)
			return len;
		if (c != '\\' && len > 0) {
			r->at += (size_t)len;
			continue;
		}
		e = gather(r, r->at);
		if (e)
			return e;
		if (len == 0) { /* at most 11 bytes: an escape is whole at 12 */
			r->n_cut = (unsigned)(r->n - r->at);
			memcpy(r->cut, r->p + r->at, r->n_cut);
			r->at = r->token = r->n;
			return MO_EAGAIN;
		}
		buf_add(&r->text, span_of(out, (size_t)n_out));
		r->at += (size_t)len;
		r->token = r->at;
	}
}

/* The state after c, or -1 when c cannot belong to the number. */
static int number_step(enum number s, uint8_t c)
{
	bool digit = c >= '0' && c <= '9';
	switch (s) {
	case NUM_MINUS:
		return c == '0' ? NUM_ZERO : digit ? NUM_INT : -1;
	case NUM_ZERO:
	case NUM_INT:
		return digit && s == NUM_INT ? NUM_INT : c == '.' ? NUM_DOT : c == 'e' || c == 'E' ? NUM_E : -1;
	case NUM_DOT:
		return digit ? NUM_FRAC : -1;
	case NUM_FRAC:
		return digit ? NUM_FRAC : c == 'e' || c == 'E' ? NUM_E : -1;
	case NUM_E:
		return digit ? NUM_EXP : c == '+' || c == '-' ? NUM_SIGN : -1;
	default:
		return digit ? NUM_EXP : -1;
	}
}

static int number(struct json_reader *r, struct span *text)
{
	for (; r->at < r->n; r->at++) {
		int s = number_step(r->num, r->p[r->at]);
		if (s < 0)
			break;
		r->num = (enum number)s;
	}
	if (r->at == r->n && !r->ended) {
		int e = gather(r, r->at);
		return e ? e : MO_EAGAIN;
	}
	bool whole = r->num == NUM_ZERO || r->num == NUM_INT || r->num == NUM_FRAC || r->num == NUM_EXP;
	uint8_t c = r->at < r->n ? r->p[r->at] : ' ';
	if (!whole || (c >= '0' && c <= '9') || c == '.' || c == '+' || c == '-' || (c | 0x20) == 'e')
		return fail(r, r->at, MO_EINVAL, MSG_JSON_BAD_NUMBER, "-0.0e+0");
	return give(r, r->at, text);
}

static int word(struct json_reader *r)
{
	for (; r->word[r->word_at]; r->word_at++, r->at++) {
		if (r->at == r->n)
			return MO_EAGAIN;
		if (r->p[r->at] != (uint8_t)r->word[r->word_at])
			return fail(r, r->at, MO_EINVAL, MSG_JSON_UNEXPECTED, r->word);
	}
	r->lex = LEX_NONE;
	return 0;
}

static void after_value(struct json_reader *r)
{
	r->want = r->depth ? WANT_AFTER : r->lines ? WANT_BETWEEN : WANT_END;
	r->done_said = false;
}

static int open_container(struct json_reader *r, bool object, enum json_token *ret)
{
	if (r->depth == JSON_DEPTH_MAX)
		return fail_limit(r, MSG_JSON_TOO_DEEP, JSON_DEPTH_MAX);
	uint64_t bit = UINT64_C(1) << (r->depth % 64);
	r->is_object[r->depth / 64] = object ? r->is_object[r->depth / 64] | bit : r->is_object[r->depth / 64] & ~bit;
	r->depth++;
	r->at++;
	r->want = object ? WANT_FIRST_KEY : WANT_FIRST_VALUE;
	*ret = object ? JSON_OBJECT : JSON_ARRAY;
	return 0;
}

static int close_container(struct json_reader *r, enum json_token *ret)
{
	bool object = r->p[r->at] == '}';
	r->at++;
	r->depth--;
	after_value(r);
	*ret = object ? JSON_OBJECT_END : JSON_ARRAY_END;
	return 0;
}

static void start_word(struct json_reader *r, const char *w, enum json_token token)
{
	r->lex = LEX_WORD;
	r->word = w;
	r->word_at = 0;
	r->word_token = token;
}

/* The token under way. MO_EAGAIN: the input is used up. */
static int lexeme(struct json_reader *r, enum json_token *ret, struct span *text)
{
	int e;
	switch (r->lex) {
	case LEX_STRING:
		e = string(r, text);
		if (e)
			return e;
		if (r->is_key) {
			r->want = WANT_COLON;
			*ret = JSON_KEY;
			return 0;
		}
		*ret = JSON_STRING;
		break;
	case LEX_NUMBER:
		e = number(r, text);
		if (e)
			return e;
		*ret = JSON_NUMBER;
		break;
	default:
		e = word(r);
		if (e)
			return e;
		*ret = r->word_token;
		break;
	}
	after_value(r);
	return 0;
}

/* A value begins at the current byte. 0: *ret is a token; 1: a token was begun. */
static int begin_value(struct json_reader *r, enum json_token *ret)
{
	uint8_t c = r->p[r->at];
	switch (c) {
	case '{':
	case '[':
		return open_container(r, c == '{', ret);
	case '"':
		r->is_key = false;
		start_text(r, LEX_STRING, ++r->at);
		return 1;
	case 't':
		start_word(r, "true", JSON_TRUE);
		return 1;
	case 'f':
		start_word(r, "false", JSON_FALSE);
		return 1;
	case 'n':
		start_word(r, "null", JSON_NULL);
		return 1;
	default:
		if (c != '-' && (c < '0' || c > '9'))
			return unexpected(r);
		start_text(r, LEX_NUMBER, r->at++);
		r->num = c == '-' ? NUM_MINUS : c == '0' ? NUM_ZERO : NUM_INT;
		return 1;
	}
}

/* Between tokens. 0: *ret is a token; 1: a token was begun, or only punctuation was eaten; MO_EAGAIN. */
static int between(struct json_reader *r, enum json_token *ret)
{
	static const uint8_t mark[] = {0xef, 0xbb, 0xbf};
	while (!r->started && r->at < r->n) { /* a byte order mark may be ignored (RFC 8259, 8.1) */
		if (r->bom == sizeof(mark) || (r->bom == 0 && r->p[r->at] != mark[0])) {
			r->started = true;
		} else if (r->p[r->at] != mark[r->bom]) {
			return unexpected(r);
		} else {
			r->bom++;
			r->col_from = ++r->at;
		}
	}
	for (; r->at < r->n; r->at++) {
		uint8_t c = r->p[r->at];
		if (c == '\n')
			new_line(r, r->at);
		else if (c != ' ' && c != '\t' && c != '\r')
			break;
		if (r->want == WANT_BETWEEN)
			r->want = WANT_VALUE;
	}
	if (r->at == r->n)
		return MO_EAGAIN;
	uint8_t c = r->p[r->at];
	switch (r->want) {
	case WANT_FIRST_VALUE:
		if (c == ']')
			return close_container(r, ret);
		return begin_value(r, ret);
	case WANT_VALUE:
		return begin_value(r, ret);
	case WANT_FIRST_KEY:
	case WANT_KEY:
		if (c == '"') {
			r->is_key = true;
			start_text(r, LEX_STRING, ++r->at);
			return 1;
		}
		return c == '}' && r->want == WANT_FIRST_KEY ? close_container(r, ret) : unexpected(r);
	case WANT_COLON:
		if (c != ':')
			return unexpected(r);
		r->at++;
		r->want = WANT_VALUE;
		return 1;
	case WANT_AFTER: {
		bool object = r->is_object[(r->depth - 1) / 64] >> ((r->depth - 1) % 64) & 1;
		if (c == (object ? '}' : ']'))
			return close_container(r, ret);
		if (c != ',')
			return unexpected(r);
		r->at++;
		r->want = object ? WANT_KEY : WANT_VALUE;
		return 1;
	}
	default:
		return unexpected(r);
	}
}

/* The input is used up: JSON_MORE or JSON_DONE. A number that ended with it was given before. */
static int used_up(struct json_reader *r, enum json_token *ret)
{
	count_columns(r, r->n);
	if (!r->ended) {
		*ret = JSON_MORE;
		return 0;
	}
	bool may_end = r->want == WANT_END || (r->lines && r->depth == 0 && (r->want == WANT_VALUE || r->want == WANT_BETWEEN));
	if (may_end && r->lex == LEX_NONE && r->bom % 3 == 0) {
		*ret = JSON_DONE;
		return 0;
	}
	const char *what = r->lex == LEX_STRING ? "\"" : r->lex == LEX_WORD ? r->word : expected(r);
	return fail(r, r->n, MO_EINVAL, MSG_JSON_CUT_OFF, what);
}

int json_next(struct json_reader *r, enum json_token *ret, struct span *text, struct diag *d)
{
	struct span s = {NULL, 0};
	enum json_token token = JSON_MORE;
	int e = r->err;
	if (e == 0 && r->want == WANT_BETWEEN && r->lex == LEX_NONE && !r->done_said) {
		r->done_said = true;
		*ret = JSON_DONE;
		if (text)
			*text = s;
		return 0;
	}
	while (e == 0) {
		e = r->lex == LEX_NONE ? between(r, &token) : lexeme(r, &token, &s);
		if (e == MO_EAGAIN)
			e = used_up(r, &token);
		if (e == 0)
			break;
		if (e == 1)
			e = 0;
	}
	if (e) {
		if (d && r->err)
			*d = r->said;
		return e;
	}
	*ret = token;
	if (text)
		*text = s;
	return 0;
}
