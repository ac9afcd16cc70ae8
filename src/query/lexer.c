#include <ctype.h>

#include "base/num.h"
#include "query/priv/ql.h"

bool ql_same_word(struct span a, const char *b)
{
	size_t n = strlen(b);
	if (a.n != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (tolower(a.p[i]) != tolower((unsigned char)b[i]))
			return false;
	return true;
}

bool ql_is_keyword(struct span word)
{
	static const char *const words[] = {"ALL", "ALTER", "ANALYZE", "ANY", "AS", "ASC", "BEGIN", "BY", "CREATE", "CONTINUOUS", "DATABASE", "DATABASES",
		"DEFAULT", "DELETE", "DESC", "DESTINATIONS", "DIAGNOSTICS", "DISTINCT", "DROP", "DURATION", "END", "EVERY", "EXPLAIN", "FIELD", "FOR", "FROM",
		"GRANT", "GRANTS", "GROUP", "GROUPS", "IN", "INF", "INSERT", "INTO", "KEY", "KEYS", "KILL", "LIMIT", "SHOW", "MEASUREMENT", "MEASUREMENTS",
		"NAME", "OFFSET", "ON", "ORDER", "PASSWORD", "POLICY", "POLICIES", "PRIVILEGES", "QUERIES", "QUERY", "READ", "REPLICATION", "RESAMPLE",
		"RETENTION", "REVOKE", "SELECT", "SERIES", "SET", "SHARD", "SHARDS", "SLIMIT", "SOFFSET", "STATS", "SUBSCRIPTION", "SUBSCRIPTIONS", "TAG", "TO",
		"USER", "USERS", "VALUES", "WHERE", "WITH", "WRITE", "AND", "OR", "TRUE", "FALSE"};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (ql_same_word(word, words[i]))
			return true;
	return false;
}

static bool is_name_begin(uint8_t c) { return isalpha(c) || c == '_' || c >= 0x80; }
static bool is_name(uint8_t c) { return isalnum(c) || c == '_' || c >= 0x80; }

/* Between two marks, '\' before a mark or itself taken off ('\n' is a line end). False: not closed. */
static bool quoted(struct ql_lexer *x, uint8_t mark, struct ql_token *t, int *err)
{
	size_t from = x->at + 1, end = from, n = 0;
	while (end < x->text.n && x->text.p[end] != mark && x->text.p[end] != '\n')
		end += x->text.p[end] == '\\' ? 2 : 1;
	if (end >= x->text.n || x->text.p[end] != mark)
		return false;
	uint8_t *p = arena_alloc(x->a, end - from + 1);
	if (!p) {
		*err = MO_ENOMEM;
		return true;
	}
	for (size_t i = from; i < end; i++) {
		uint8_t c = x->text.p[i];
		if (c == '\\') {
			c = x->text.p[++i];
			if (c == 'n')
				c = '\n';
			else if (c != mark && c != '\\' && c != '"' && c != '\'')
				return false; /* no such escape */
		}
		p[n++] = c;
	}
	t->text = span_of(p, n);
	x->at = end + 1;
	return true;
}

static const struct {
	const char *name;
	int64_t ns;
} units[] = {{"ns", 1}, {"u", NS_PER_US}, {"\xc2\xb5", NS_PER_US}, {"ms", NS_PER_MS}, {"s", NS_PER_S}, {"m", 60 * NS_PER_S}, {"h", 3600 * NS_PER_S},
	{"d", NS_PER_DAY}, {"w", 7 * NS_PER_DAY}};

/* One unit at `at`, the longest that fits; its length or 0. */
static size_t unit(struct span s, size_t at, int64_t *ns)
{
	size_t best = 0;
	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		size_t n = strlen(units[i].name);
		if (n > best && s.n - at >= n && memcmp(s.p + at, units[i].name, n) == 0) {
			best = n;
			*ns = units[i].ns;
		}
	}
	return best;
}

/* 12, 1.5, .5, 10m, 1h30m. False: none of these, or more than an int64 holds. */
static bool number(struct ql_lexer *x, struct ql_token *t)
{
	struct span s = x->text;
	size_t from = x->at, i = from;
	int64_t total = 0, one = 0, ns = 0, product;
	while (i < s.n && isdigit(s.p[i]))
		i++;
	if (i < s.n && s.p[i] == '.' && i + 1 < s.n && isdigit(s.p[i + 1])) {
		for (i++; i < s.n && isdigit(s.p[i]); i++)
			;
		x->at = i;
		t->kind = QL_FLOAT;
		/* ".5" reads as "0.5" */
		char text[512] = "0";
		size_t n = i - from;
		if (n >= sizeof text - 1)
			return false;
		memcpy(text + 1, s.p + from, n);
		return num_f64(&t->f64, span_of(text, n + 1)) == 0;
	}
	if (i == from)
		return false;
	bool fits = num_i64(&one, span_sub(s, from, i - from)) == 0;
	x->at = i;
	if (unit(s, i, &ns) == 0) {
		t->kind = QL_INT;
		t->i64 = one;
		t->f64 = (double)one;
		return fits && !(i < s.n && is_name(s.p[i]));
	}
	t->kind = QL_DURATION;
	for (;;) {
		size_t n = unit(s, i, &ns);
		if (!n || !fits || __builtin_mul_overflow(one, ns, &product) || __builtin_add_overflow(total, product, &total))
			return false;
		i += n;
		x->at = i;
		t->i64 = total;
		from = i;
		while (i < s.n && isdigit(s.p[i]))
			i++;
		if (i == from)
			return !(i < s.n && is_name(s.p[i]));
		fits = num_i64(&one, span_sub(s, from, i - from)) == 0;
	}
}

static void skip_blanks(struct ql_lexer *x)
{
	struct span s = x->text;
	for (;;) {
		while (x->at < s.n && (s.p[x->at] == ' ' || s.p[x->at] == '\t' || s.p[x->at] == '\n' || s.p[x->at] == '\r'))
			x->at++;
		if (x->at + 1 < s.n && s.p[x->at] == '-' && s.p[x->at + 1] == '-') {
			x->at = span_find(s, x->at, '\n');
		} else if (x->at + 1 < s.n && s.p[x->at] == '/' && s.p[x->at + 1] == '*') {
			size_t i = x->at + 2;
			while (i + 1 < s.n && !(s.p[i] == '*' && s.p[i + 1] == '/'))
				i++;
			x->at = i + 1 < s.n ? i + 2 : s.n;
		} else {
			return;
		}
	}
}

int ql_next(struct ql_lexer *x, bool regex, struct ql_token *ret)
{
	static const char *const pairs[] = {"!=", "<>", "<=", ">=", "=~", "!~", "::"};
	int err = 0;
	skip_blanks(x);
	*ret = (struct ql_token){.kind = QL_END};
	size_t from = x->at;
	if (from >= x->text.n) {
		ret->raw = span_of("EOF", 3);
		return 0;
	}
	uint8_t c = x->text.p[from];
	if (is_name_begin(c)) {
		while (x->at < x->text.n && is_name(x->text.p[x->at]))
			x->at++;
		ret->kind = QL_NAME;
		ret->text = span_sub(x->text, from, x->at - from);
	} else if (c == '"' || c == '\'') {
		ret->kind = c == '"' ? QL_NAME : QL_STRING;
		ret->quoted = true;
		if (!quoted(x, c, ret, &err)) {
			ret->kind = QL_BAD;
			x->at = x->text.n;
		}
	} else if (c == '/' && regex) {
		ret->kind = QL_REGEX;
		size_t i = from + 1;
		while (i < x->text.n && x->text.p[i] != '/')
			i += x->text.p[i] == '\\' ? 2 : 1;
		if (i >= x->text.n)
			ret->kind = QL_BAD;
		x->at = i < x->text.n ? i + 1 : x->text.n;
	} else if (isdigit(c) || (c == '.' && from + 1 < x->text.n && isdigit(x->text.p[from + 1]))) {
		if (!number(x, ret))
			ret->kind = QL_BAD;
	} else {
		size_t n = 1;
		for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
			if (from + 1 < x->text.n && memcmp(x->text.p + from, pairs[i], 2) == 0)
				n = 2;
		x->at += n;
		ret->kind = n == 2 || (c && strchr("=<>(),;.*+-/%", c)) ? QL_OP : QL_BAD;
		ret->text = span_sub(x->text, from, n);
	}
	if (x->at > x->text.n)
		x->at = x->text.n;
	ret->raw = span_sub(x->text, from, x->at - from);
	return err;
}
