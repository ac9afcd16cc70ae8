#include "store/priv/functions.h"

#include "base/buf.h"
#include "base/utf8.h"
#include "base/uuid.h"
#include "store/priv/tokenizer.h"

#define MATCH_TERMS_MAX 16u

static void uuid_text(sqlite3_context *ctx, int n, sqlite3_value **args)
{
	(void)n;
	struct uuid u;
	char text[UUID_TEXT];
	const void *p = sqlite3_value_blob(args[0]);
	if (!p || sqlite3_value_bytes(args[0]) != (int)sizeof u.b) {
		sqlite3_result_null(ctx);
		return;
	}
	memcpy(u.b, p, sizeof u.b);
	uuid_format(text, &u);
	sqlite3_result_text(ctx, text, -1, SQLITE_TRANSIENT);
}

static void uuid_blob(sqlite3_context *ctx, int n, sqlite3_value **args)
{
	(void)n;
	struct uuid u;
	const void *p = sqlite3_value_text(args[0]);
	if (!p || uuid_parse(&u, span_of(p, (size_t)sqlite3_value_bytes(args[0]))))
		sqlite3_result_null(ctx);
	else
		sqlite3_result_blob(ctx, u.b, sizeof u.b, SQLITE_TRANSIENT);
}

struct last {
	size_t n;
	bool word; /* the last token is one of letters or digits: a prefix may follow */
};

static int note(void *arg, struct span token, bool colocated, size_t from, size_t to)
{
	struct last *l = arg;
	(void)colocated, (void)from, (void)to;
	l->n++;
	l->word = token.n > 0 && token.p[0] < 0xe0; /* Hangul and Han are three bytes and more */
	return 0;
}

/* What a person typed, as an FTS5 query: blanks part terms, all of which must be there; a term is a phrase, and its last word may go on. */
static void search_match(sqlite3_context *ctx, int n_args, sqlite3_value **args)
{
	(void)n_args;
	struct buf b;
	const void *p = sqlite3_value_text(args[0]);
	struct span text = span_of(p, p ? (size_t)sqlite3_value_bytes(args[0]) : 0);
	unsigned terms = 0;
	int err = 0;
	buf_init(&b, 0);
	for (size_t at = 0; at < text.n && terms < MATCH_TERMS_MAX && !err;) {
		size_t to = at;
		while (to < text.n && text.p[to] > ' ')
			to++;
		struct span term = span_sub(text, at, to - at);
		struct last l = {0, false};
		err = tokenizer_run(term, true, note, &l);
		if (!err && l.n) {
			buf_adds(&b, terms++ ? " AND \"" : "\"");
			for (size_t i = 0; i < term.n; i++) {
				if (term.p[i] == '"')
					buf_addc(&b, '"');
				buf_addc(&b, term.p[i]);
			}
			buf_adds(&b, l.word ? "\"*" : "\"");
		}
		at = to + 1;
	}
	if (err || b.err)
		sqlite3_result_error_nomem(ctx);
	else if (b.n == 0)
		sqlite3_result_text(ctx, "\"\"", 2, SQLITE_STATIC); /* a phrase of nothing finds nothing */
	else
		sqlite3_result_text64(ctx, (const char *)b.p, b.n, SQLITE_TRANSIENT, SQLITE_UTF8);
	buf_free(&b);
}

int store_functions_register(sqlite3 *sq)
{
	int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
	int rc = sqlite3_create_function_v2(sq, "uuid_text", 1, flags, NULL, uuid_text, NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_create_function_v2(sq, "uuid_blob", 1, flags, NULL, uuid_blob, NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_create_function_v2(sq, "search_match", 1, flags, NULL, search_match, NULL, NULL, NULL);
	return rc;
}
