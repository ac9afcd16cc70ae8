#include "store/priv/tokenizer.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/utf8.h"

enum sort { GAP, LETTER, DIGIT, SYLLABLE, JAMO, HAN };

struct glyph {
	enum sort sort;
	uint32_t cp;
	size_t from, to; /* bytes of the composed text */
};

uint32_t tokenizer_lower(uint32_t c)
{
	if ((c >= 'A' && c <= 'Z') || (c >= 0xc0 && c <= 0xde && c != 0xd7) || (c >= 0x391 && c <= 0x3a9) || (c >= 0x410 && c <= 0x42f))
		return c + 0x20;
	if (c >= 0x400 && c <= 0x40f)
		return c + 0x50;
	return c;
}

static enum sort sort_of(uint32_t c)
{
	if (c >= '0' && c <= '9')
		return DIGIT;
	if ((c >= 'a' && c <= 'z') || (c >= 0xaa && c <= 0x24f && c != 0xab && c != 0xd7 && c != 0xf7 && (c >= 0xc0 || c == 0xb5 || c == 0xba)) ||
		(c >= 0x370 && c <= 0x52f))
		return LETTER;
	if (c >= 0xac00 && c <= 0xd7a3)
		return SYLLABLE;
	if (c >= 0x3131 && c <= 0x318e)
		return JAMO;
	if ((c >= 0x3400 && c <= 0x4dbf) || (c >= 0x4e00 && c <= 0x9fff) || (c >= 0xf900 && c <= 0xfaff))
		return HAN;
	return GAP;
}

/* The glyph at `at`; sort GAP with from == to at the end. */
static struct glyph glyph_at(struct span s, size_t at)
{
	struct glyph g = {GAP, 0, at, at};
	int n = utf8_next(span_sub(s, at, s.n), &g.cp);
	if (n == 0)
		return g;
	g.to = at + (n > 0 ? (size_t)n : 1);
	if (n < 0)
		return g;
	if (g.cp >= 0xff01 && g.cp <= 0xff5e)
		g.cp -= 0xfee0;
	g.cp = tokenizer_lower(g.cp);
	g.sort = sort_of(g.cp);
	return g;
}

static bool is_wide(const struct glyph *g) { return g->sort == SYLLABLE || g->sort == JAMO || g->sort == HAN; }

/* Initial consonant as a compatibility letter (Unicode 3.12: (s - 0xAC00) / 588); a lone letter is its own; 0 for Han. */
static uint32_t initial(const struct glyph *g)
{
	static const uint16_t table[19] = {0x3131, 0x3132, 0x3134, 0x3137, 0x3138, 0x3139, 0x3141, 0x3142, 0x3143, 0x3145, 0x3146, 0x3147, 0x3148,
		0x3149, 0x314a, 0x314b, 0x314c, 0x314d, 0x314e};
	if (g->sort == SYLLABLE)
		return table[(g->cp - 0xac00) / 588];
	return g->sort == JAMO ? g->cp : 0;
}

struct run {
	struct span text;
	size_t original_n; /* bytes of the text given: offsets never exceed it */
	token_fn fn;
	void *arg;
	bool query;
};

static int emit(const struct run *r, const uint8_t *p, size_t n, bool colocated, size_t from, size_t to)
{
	if (to > r->original_n)
		to = r->original_n;
	if (from > to)
		from = to;
	return r->fn(r->arg, span_of(p, n), colocated, from, to);
}

static int emit_cp(const struct run *r, uint32_t a, uint32_t b, bool colocated, const struct glyph *g)
{
	uint8_t text[8];
	int n = utf8_put(text, a);
	if (b)
		n += utf8_put(text + n, b);
	return emit(r, text, (size_t)n, colocated, g->from, g->to);
}

/* One Hangul or Han position; `next` is the character at its right. */
static int wide(const struct run *r, const struct glyph *g, const struct glyph *next)
{
	/* A lone consonant after a syllable asks for an initial ("불ㄹ"), so the two don't make a pair of characters. */
	bool pair = is_wide(next) && (g->sort == JAMO) == (next->sort == JAMO);
	int err;
	if (r->query)
		return emit_cp(r, g->cp, pair ? next->cp : 0, false, g);
	if ((err = emit_cp(r, g->cp, 0, false, g)))
		return err;
	if (pair && (err = emit_cp(r, g->cp, next->cp, true, g)))
		return err;
	uint32_t a = initial(g), b = is_wide(next) ? initial(next) : 0;
	if (g->sort != SYLLABLE)
		return 0;
	if ((err = emit_cp(r, a, 0, true, g)))
		return err;
	return b ? emit_cp(r, a, b, true, g) : 0;
}

/* A run of letters or of digits that begins at *at. */
static int word(const struct run *r, size_t *at)
{
	uint8_t text[TOKEN_BYTES_MAX];
	size_t n = 0, from = *at;
	struct glyph g = glyph_at(r->text, *at);
	enum sort sort = g.sort;
	for (bool full = false; g.sort == sort; g = glyph_at(r->text, *at)) {
		uint8_t one[4];
		size_t k = (size_t)utf8_put(one, g.cp);
		full = full || n + k > sizeof text;
		if (!full) {
			memcpy(text + n, one, k);
			n += k;
		}
		*at = g.to;
	}
	int err = emit(r, text, n, false, from, *at);
	size_t first = n > TOKEN_TAILS_MAX ? n - TOKEN_TAILS_MAX : 1;
	for (size_t i = first; !err && !r->query && sort == DIGIT && i + 1 < n; i++)
		err = emit(r, text + i, n - i, true, from, *at);
	return err;
}

int tokenizer_run(struct span text, bool query, token_fn fn, void *arg)
{
	struct buf b;
	int err = 0;
	buf_init(&b, 0);
	utf8_compose_hangul(&b, text);
	struct run r = {buf_span(&b), text.n, fn, arg, query};
	if (b.err)
		err = b.err;
	for (size_t at = 0; !err && at < r.text.n;) {
		struct glyph g = glyph_at(r.text, at);
		if (is_wide(&g)) {
			struct glyph next = glyph_at(r.text, g.to);
			err = wide(&r, &g, &next);
			at = g.to;
		} else if (g.sort == GAP) {
			at = g.to;
		} else {
			err = word(&r, &at);
		}
	}
	buf_free(&b);
	return err;
}

/* ---- as an FTS5 tokenizer (sqlite.org/fts5.html, 7) ---- */

struct fts_sink {
	void *ctx;
	int (*token)(void *, int, const char *, int, int, int);
};

static int fts_token(void *arg, struct span token, bool colocated, size_t from, size_t to)
{
	struct fts_sink *s = arg;
	return s->token(s->ctx, colocated ? FTS5_TOKEN_COLOCATED : 0, (const char *)token.p, (int)token.n, (int)from, (int)to);
}

static int fts_tokenize(Fts5Tokenizer *t, void *ctx, int flags, const char *text, int n, int (*token)(void *, int, const char *, int, int, int))
{
	struct fts_sink s = {ctx, token};
	(void)t;
	int err = tokenizer_run(span_of(text, n > 0 ? (size_t)n : 0), (flags & FTS5_TOKENIZE_QUERY) != 0, fts_token, &s);
	return err < 0 ? SQLITE_NOMEM : err; /* ours are negative, SQLite's are not */
}

static int fts_create(void *ctx, const char **args, int n_args, Fts5Tokenizer **ret)
{
	(void)ctx, (void)args, (void)n_args;
	*ret = malloc(1); /* it has no state, but NULL would be no tokenizer */
	return *ret ? SQLITE_OK : SQLITE_NOMEM;
}

static void fts_delete(Fts5Tokenizer *t) { free(t); }

int tokenizer_register(sqlite3 *sq)
{
	fts5_api *api = NULL;
	sqlite3_stmt *st = NULL;
	fts5_tokenizer t = {fts_create, fts_delete, fts_tokenize};
	int rc = sqlite3_prepare_v2(sq, "SELECT fts5(?1)", -1, &st, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_pointer(st, 1, &api, "fts5_api_ptr", NULL);
	if (rc == SQLITE_OK) {
		rc = sqlite3_step(st);
		rc = rc == SQLITE_ROW ? SQLITE_OK : rc;
	}
	if (rc == SQLITE_OK)
		rc = api ? api->xCreateTokenizer(api, "moru", NULL, &t, NULL) : SQLITE_ERROR;
	sqlite3_finalize(st);
	return rc;
}
