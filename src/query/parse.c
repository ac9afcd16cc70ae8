/* Recursive descent over the tokens of lexer.c. Two ways to fail: what is no
 * InfluxQL ends the parse (MO_EINVAL, HTTP 400, as InfluxDB does); what is
 * InfluxQL but not served becomes a statement of kind UNSERVED that says so in
 * its result, and the statements behind it run. */
#include <ctype.h>

#include "base/utf8.h"
#include "query/priv/ql.h"

#define UNSERVED 1 /* beside 0 and the negative errors */

struct parser {
	struct ql_lexer x;
	struct ql_token t;   /* the current one */
	struct arena *a;
	struct diag *d;
	int64_t now_ns;
	unsigned depth, comparisons;
	const char *why;     /* with UNSERVED */
	struct ql_select *s;
};

static int advance_as(struct parser *p, bool regex) { return ql_next(&p->x, regex, &p->t); }
static int advance(struct parser *p) { return advance_as(p, false); }

static int expected(struct parser *p, const char *what)
{
	if (!p->d)
		return MO_EINVAL;
	size_t at = (size_t)(p->t.kind == QL_END ? p->x.text.n : (size_t)(p->t.raw.p - p->x.text.p)), begin = 0;
	uint64_t line = 1;
	for (size_t i = 0; i < at; i++)
		if (p->x.text.p[i] == '\n') {
			line++;
			begin = i + 1;
		}
	diag_set(p->d, MO_EINVAL, MSG_INFLUXQL_SYNTAX);
	diag_line(p->d, line, utf8_count(span_sub(p->x.text, begin, at - begin)) + 1);
	diag_value(p->d, p->t.raw);
	diag_expected(p->d, what);
	return MO_EINVAL;
}

static int unserved(struct parser *p, const char *why)
{
	p->why = why;
	return UNSERVED;
}

static int unserved_name(struct parser *p, struct span name, const char *rest)
{
	char *s = arena_printf(p->a, "%.*s%s", SPAN_FMT(name), rest);
	return s ? unserved(p, s) : MO_ENOMEM;
}

static bool at_word(const struct parser *p, const char *word) { return p->t.kind == QL_NAME && !p->t.quoted && ql_same_word(p->t.text, word); }
static bool at_op(const struct parser *p, const char *op) { return p->t.kind == QL_OP && span_is(p->t.text, op); }
static bool at_end(const struct parser *p) { return p->t.kind == QL_END || at_op(p, ";"); }

/* Takes the word when it stands there. */
static int take_word(struct parser *p, const char *word, bool *ret)
{
	*ret = at_word(p, word);
	return *ret ? advance(p) : 0;
}

static int want_word(struct parser *p, const char *word) { return at_word(p, word) ? advance(p) : expected(p, word); }

static int name(struct parser *p, struct span *ret)
{
	if (p->t.kind != QL_NAME || (!p->t.quoted && ql_is_keyword(p->t.text)))
		return expected(p, "identifier");
	*ret = p->t.text;
	return advance(p);
}

/* ---- columns ---- */

static int type_of(struct parser *p, enum ql_as *ret)
{
	int err;
	*ret = QL_ANY;
	if (!at_op(p, "::"))
		return 0;
	if ((err = advance(p)))
		return err;
	static const char *const fields[] = {"field", "float", "integer", "string", "boolean"};
	if (p->t.kind == QL_NAME && ql_same_word(p->t.text, "tag"))
		*ret = QL_TAG;
	for (size_t i = 0; i < sizeof fields / sizeof *fields && p->t.kind == QL_NAME; i++)
		if (ql_same_word(p->t.text, fields[i]))
			*ret = QL_FIELD;
	if (*ret == QL_ANY)
		return expected(p, "float, integer, string, boolean, field, tag");
	if (*ret == QL_FIELD && !ql_same_word(p->t.text, "field"))
		return unserved(p, "casting a field (::float, ::integer, ::string, ::boolean) is not served by this version");
	return advance(p);
}

static int reference(struct parser *p, struct ql_ref *ret)
{
	int err = name(p, &ret->name);
	return err ? err : type_of(p, &ret->as);
}

static bool is_arithmetic(const struct parser *p)
{
	return at_op(p, "+") || at_op(p, "-") || at_op(p, "*") || at_op(p, "/") || at_op(p, "%");
}

static int call(struct parser *p, struct span fn, struct ql_column *c)
{
	int err;
	if (!ql_same_word(fn, "last"))
		return unserved_name(p, fn, "() is not served by this version");
	if ((err = advance_as(p, true)))
		return err;
	if (p->t.kind == QL_REGEX)
		return unserved(p, "regular expressions are not served by this version");
	c->kind = QLC_LAST;
	if (at_op(p, "*")) {
		c->kind = QLC_LAST_WILD;
		err = advance(p);
		if (!err)
			err = type_of(p, &c->ref.as);
	} else {
		err = reference(p, &c->ref);
	}
	if (err)
		return err;
	if (is_arithmetic(p))
		return unserved(p, "arithmetic is not served by this version");
	if (at_op(p, "("))
		return unserved(p, "nested functions are not served by this version");
	return at_op(p, ")") ? advance(p) : expected(p, ")");
}

static int column(struct parser *p, struct ql_column *c)
{
	int err;
	if (p->t.kind == QL_REGEX)
		return unserved(p, "regular expressions are not served by this version");
	if (p->t.kind == QL_INT || p->t.kind == QL_FLOAT || p->t.kind == QL_DURATION || p->t.kind == QL_STRING || at_op(p, "-") ||
		at_op(p, "+") || at_op(p, "("))
		return unserved(p, "expressions are not served by this version");
	if (at_word(p, "DISTINCT"))
		return unserved(p, "DISTINCT is not served by this version");
	if (at_op(p, "*")) {
		c->kind = QLC_WILD;
		if ((err = advance(p)) || (err = type_of(p, &c->ref.as)))
			return err;
	} else {
		struct ql_token first = p->t;
		if ((err = name(p, &c->ref.name)))
			return err;
		if (!first.quoted && at_op(p, "("))
			err = call(p, first.text, c);
		else
			err = type_of(p, &c->ref.as);
		if (err)
			return err;
	}
	if (is_arithmetic(p))
		return unserved(p, "arithmetic is not served by this version");
	bool as;
	if ((err = take_word(p, "AS", &as)))
		return err;
	return as ? name(p, &c->alias) : 0;
}

static int columns(struct parser *p)
{
	struct ql_column **at = &p->s->columns;
	size_t n = 0;
	int err;
	for (;;) {
		struct ql_column *c = arena_calloc(p->a, 1, sizeof *c);
		if (!c)
			return MO_ENOMEM;
		if (++n > QL_COLUMNS_MAX)
			return unserved(p, "too many columns");
		if ((err = column(p, c)))
			return err;
		*at = c;
		at = &c->next;
		if (!at_op(p, ","))
			return 0;
		if ((err = advance_as(p, true)))
			return err;
	}
}

/* [db.[rp].]measurement: all data of the node is one database, whatever its name. */
static int source(struct parser *p)
{
	int err;
	if (at_op(p, "("))
		return unserved(p, "sub-queries are not served by this version");
	if (p->t.kind == QL_REGEX)
		return unserved(p, "regular expressions are not served by this version");
	if ((err = name(p, &p->s->measurement)))
		return err;
	for (int part = 0; part < 2 && at_op(p, "."); part++) {
		if ((err = advance_as(p, true)))
			return err;
		if (at_op(p, ".") && part == 0)
			continue; /* db..measurement */
		if (p->t.kind == QL_REGEX)
			return unserved(p, "regular expressions are not served by this version");
		if ((err = name(p, &p->s->measurement)))
			return err;
	}
	return at_op(p, ",") ? unserved(p, "several measurements in FROM are not served by this version") : 0;
}

/* ---- WHERE ---- */

static bool digits(struct span s, size_t at, size_t n, int *ret)
{
	*ret = 0;
	for (size_t i = at; i < at + n; i++) {
		if (i >= s.n || !isdigit(s.p[i]))
			return false;
		*ret = *ret * 10 + (s.p[i] - '0');
	}
	return true;
}

/* 'YYYY-MM-DD', 'YYYY-MM-DD HH:MM:SS[.digits]', RFC 3339. */
static int time_text(struct span s, int64_t *ret)
{
	struct civil c = {0};
	int year, month, day, hour = 0, minute = 0, second = 0;
	if (rfc3339_parse(ret, s) == 0 && s.n > 10 && s.p[10] == 'T')
		return 0;
	if (!digits(s, 0, 4, &year) || !digits(s, 5, 2, &month) || !digits(s, 8, 2, &day) || s.p[4] != '-' || s.p[7] != '-')
		return MO_EINVAL;
	if (s.n > 10) {
		if (s.p[10] != ' ' || !digits(s, 11, 2, &hour) || !digits(s, 14, 2, &minute) || !digits(s, 17, 2, &second) || s.p[13] != ':' || s.p[16] != ':')
			return MO_EINVAL;
		uint32_t scale = 100000000;
		if (s.n > 19 && (s.p[19] != '.' || s.n == 20))
			return MO_EINVAL;
		for (size_t i = 20; i < s.n; i++, scale /= 10) {
			if (!isdigit(s.p[i]))
				return MO_EINVAL;
			c.ns += (uint32_t)(s.p[i] - '0') * scale;
		}
	}
	if (month > 12 || day > 31 || hour > 23 || minute > 59 || second > 59)
		return MO_EINVAL;
	c.year = year;
	c.month = (uint8_t)month;
	c.day = (uint8_t)day;
	c.hour = (uint8_t)hour;
	c.minute = (uint8_t)minute;
	c.second = (uint8_t)second;
	return civil_to_ns(ret, &c);
}

static int64_t clipped_add(int64_t a, int64_t b)
{
	int64_t r;
	return !__builtin_add_overflow(a, b, &r) ? r : b < 0 ? INT64_MIN : INT64_MAX;
}

/* now() | 'text' | [-]ns | duration since 1970, then any number of + duration, - duration. */
static int time_value(struct parser *p, int64_t *ret)
{
	bool minus = at_op(p, "-");
	int err = minus ? advance(p) : 0;
	if (err)
		return err;
	if (at_word(p, "now") && !minus) {
		if ((err = advance(p)))
			return err;
		if (!at_op(p, "(") || (err = advance(p)) || !at_op(p, ")"))
			return err ? err : expected(p, "now()");
		*ret = p->now_ns;
	} else if (p->t.kind == QL_STRING && !minus) {
		if (time_text(p->t.text, ret))
			return expected(p, "a time");
	} else if (p->t.kind == QL_INT || p->t.kind == QL_DURATION) {
		*ret = minus ? -p->t.i64 : p->t.i64;
	} else {
		return expected(p, "a time");
	}
	if ((err = advance(p)))
		return err;
	while (at_op(p, "+") || at_op(p, "-")) {
		minus = at_op(p, "-");
		if ((err = advance(p)))
			return err;
		if (p->t.kind != QL_DURATION && p->t.kind != QL_INT)
			return expected(p, "duration");
		*ret = clipped_add(*ret, minus ? -p->t.i64 : p->t.i64);
		if ((err = advance(p)))
			return err;
	}
	return 0;
}

static int comparison(struct parser *p, enum ql_cmp *ret)
{
	static const struct {
		const char *op;
		enum ql_cmp cmp;
	} ops[] = {{"=", QL_EQ}, {"!=", QL_NE}, {"<>", QL_NE}, {"<", QL_LT}, {"<=", QL_LE}, {">", QL_GT}, {">=", QL_GE}};
	if (at_op(p, "=~") || at_op(p, "!~"))
		return unserved(p, "regular expressions are not served by this version");
	if (is_arithmetic(p))
		return unserved(p, "arithmetic is not served by this version");
	for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
		if (at_op(p, ops[i].op)) {
			*ret = ops[i].cmp;
			return advance(p);
		}
	return expected(p, "=, !=, <, <=, >, >=");
}

/* A bound on time narrows the range of the whole statement. */
static int time_bound(struct parser *p, enum ql_cmp cmp, int64_t t)
{
	struct ql_select *s = p->s;
	int64_t from = INT64_MIN, to = INT64_MAX;
	switch (cmp) {
	case QL_EQ:
		from = to = t;
		break;
	case QL_LT:
		to = clipped_add(t, -1);
		break;
	case QL_LE:
		to = t;
		break;
	case QL_GT:
		from = clipped_add(t, 1);
		break;
	case QL_GE:
		from = t;
		break;
	case QL_NE:
		return unserved(p, "invalid time comparison operator: !=");
	}
	if (from > s->from_ns)
		s->from_ns = from;
	if (to < s->to_ns)
		s->to_ns = to;
	return 0;
}

static int literal(struct parser *p, struct ql_expr *e)
{
	bool minus = at_op(p, "-");
	int err = minus ? advance(p) : 0;
	if (err)
		return err;
	switch (p->t.kind) {
	case QL_INT:
		e->type = QL_L_INT;
		e->i64 = minus ? -p->t.i64 : p->t.i64;
		e->f64 = (double)e->i64;
		break;
	case QL_FLOAT:
		e->type = QL_L_FLOAT;
		e->f64 = minus ? -p->t.f64 : p->t.f64;
		break;
	case QL_STRING:
		e->type = QL_L_STRING;
		e->str = p->t.text;
		break;
	case QL_NAME:
		if (!at_word(p, "true") && !at_word(p, "false"))
			return unserved(p, "comparing with anything but a literal is not served by this version");
		e->type = QL_L_BOOL;
		e->b = at_word(p, "true");
		break;
	default:
		return expected(p, "string, number, true, false");
	}
	if (minus && e->type != QL_L_INT && e->type != QL_L_FLOAT)
		return expected(p, "number");
	if ((err = advance(p)))
		return err;
	return is_arithmetic(p) ? unserved(p, "arithmetic is not served by this version") : 0;
}

static int condition(struct parser *p, struct ql_expr **ret, bool in_or);

/* What is left is NULL where only time was said. */
static int compare(struct parser *p, struct ql_expr **ret, bool in_or)
{
	struct ql_ref ref;
	enum ql_cmp cmp = QL_EQ;
	int64_t t;
	int err;
	*ret = NULL;
	if (p->t.kind != QL_NAME || at_word(p, "now"))
		return at_op(p, "(") ? expected(p, "condition") : unserved(p, "a condition has to begin with a name in this version");
	if ((err = reference(p, &ref)))
		return err;
	if (at_op(p, "("))
		return unserved(p, "functions in WHERE are not served by this version");
	if ((err = comparison(p, &cmp)))
		return err;
	if (ql_same_word(ref.name, "time") && ref.as == QL_ANY) {
		if ((err = time_value(p, &t)))
			return err;
		return in_or ? unserved(p, "time cannot be combined with OR") : time_bound(p, cmp, t);
	}
	if (++p->comparisons > QL_COMPARISONS_MAX)
		return unserved(p, "too many comparisons in WHERE");
	struct ql_expr *e = arena_calloc(p->a, 1, sizeof *e);
	if (!e)
		return MO_ENOMEM;
	e->op = QL_COMPARE;
	e->ref = ref;
	e->cmp = cmp;
	if ((err = literal(p, e)))
		return err;
	*ret = e;
	return 0;
}

static int too_deep(struct parser *p)
{
	diag_set(p->d, MO_ELIMIT, MSG_INFLUXQL_DEPTH);
	diag_expected(p->d, "64");
	return MO_ELIMIT;
}

/* Finds out whether a time stands under an OR before its bound would narrow everything: an OR anywhere in this level. */
static bool level_has_or(struct parser *p)
{
	struct ql_lexer look = p->x;
	struct ql_token t = p->t;
	unsigned depth = 0;
	while (t.kind != QL_END && t.kind != QL_BAD && !(t.kind == QL_OP && span_is(t.text, ";"))) {
		bool word = t.kind == QL_NAME && !t.quoted;
		if (t.kind == QL_OP && span_is(t.text, "("))
			depth++;
		if (t.kind == QL_OP && span_is(t.text, ")") && depth-- == 0)
			return false;
		if (word && depth == 0 && ql_same_word(t.text, "OR"))
			return true;
		if (word && depth == 0 && (ql_same_word(t.text, "GROUP") || ql_same_word(t.text, "ORDER") || ql_same_word(t.text, "LIMIT")))
			return false;
		bool regex = t.kind == QL_OP && (span_is(t.text, "=~") || span_is(t.text, "!~"));
		if (ql_next(&look, regex, &t) != 0)
			return false; /* the parse itself will meet it */
	}
	return false;
}

static int join(struct parser *p, struct ql_expr **l, struct ql_expr *r, bool both)
{
	if (!r)
		return 0;
	if (!*l) {
		*l = r;
		return 0;
	}
	struct ql_expr *e = arena_calloc(p->a, 1, sizeof *e);
	if (!e)
		return MO_ENOMEM;
	*e = (struct ql_expr){.op = both ? QL_AND : QL_OR, .l = *l, .r = r};
	*l = e;
	return 0;
}

static int factor(struct parser *p, struct ql_expr **ret, bool in_or)
{
	int err;
	if (!at_op(p, "("))
		return compare(p, ret, in_or);
	if ((err = advance(p)) || (err = condition(p, ret, in_or)))
		return err;
	return at_op(p, ")") ? advance(p) : expected(p, ")");
}

static int all_of(struct parser *p, struct ql_expr **ret, bool in_or)
{
	struct ql_expr *r;
	int err = factor(p, ret, in_or);
	while (!err && at_word(p, "AND"))
		if (!(err = advance(p)) && !(err = factor(p, &r, in_or)))
			err = join(p, ret, r, true);
	return err;
}

static int condition(struct parser *p, struct ql_expr **ret, bool in_or)
{
	struct ql_expr *r;
	if (++p->depth > QL_DEPTH_MAX)
		return too_deep(p);
	in_or |= level_has_or(p);
	int err = all_of(p, ret, in_or);
	while (!err && at_word(p, "OR"))
		if (!(err = advance(p)) && !(err = all_of(p, &r, in_or)))
			err = join(p, ret, r, false);
	p->depth--;
	return err;
}

/* ---- the rest of SELECT ---- */

static int group_by(struct parser *p)
{
	int err;
	for (;;) {
		if (at_op(p, "*")) {
			p->s->group_all = true;
			err = advance(p);
		} else if (p->t.kind == QL_REGEX) {
			return unserved(p, "regular expressions are not served by this version");
		} else {
			bool plain = !p->t.quoted;
			struct ql_ref ref;
			if ((err = reference(p, &ref)))
				return err;
			if (plain && at_op(p, "("))
				return unserved_name(p, ref.name, "() in GROUP BY is not served by this version");
			if (p->s->n_group == QL_TAGS_MAX)
				return unserved(p, "too many tags in GROUP BY");
			p->s->group[p->s->n_group++] = ref.name;
		}
		if (err)
			return err;
		if (!at_op(p, ","))
			return 0;
		if ((err = advance_as(p, true)))
			return err;
	}
}

static int order_by(struct parser *p)
{
	struct span by;
	bool word;
	int err = name(p, &by);
	if (err)
		return err;
	if (!ql_same_word(by, "time"))
		return unserved(p, "only ORDER BY time supported at this time");
	if ((err = take_word(p, "DESC", &p->s->descending)) || p->s->descending)
		return err;
	return take_word(p, "ASC", &word);
}

static int count(struct parser *p, uint64_t *ret)
{
	if (p->t.kind != QL_INT)
		return expected(p, "integer");
	*ret = (uint64_t)p->t.i64;
	return advance(p);
}

static int select_rest(struct parser *p)
{
	bool word;
	int err;
	if (at_word(p, "INTO"))
		return unserved(p, "INTO is not served: queries write nothing here");
	if (!at_word(p, "FROM"))
		return expected(p, "FROM");
	if ((err = advance_as(p, true)) || (err = source(p)) || (err = take_word(p, "WHERE", &word)))
		return err;
	if (word && (err = condition(p, &p->s->where, false)))
		return err;
	if ((err = take_word(p, "GROUP", &word)))
		return err;
	if (word) {
		if (!at_word(p, "BY"))
			return expected(p, "BY");
		if ((err = advance_as(p, true)) || (err = group_by(p)))
			return err;
	}
	if (at_word(p, "fill"))
		return unserved(p, "fill() is not served by this version");
	if ((err = take_word(p, "ORDER", &word)))
		return err;
	if (word && ((err = want_word(p, "BY")) || (err = order_by(p))))
		return err;
	if ((err = take_word(p, "LIMIT", &word)) || (word && (err = count(p, &p->s->limit))))
		return err;
	if ((err = take_word(p, "OFFSET", &word)) || (word && (err = count(p, &p->s->offset))))
		return err;
	if (at_word(p, "SLIMIT") || at_word(p, "SOFFSET"))
		return unserved(p, "SLIMIT and SOFFSET are not served by this version");
	if (at_word(p, "tz"))
		return unserved(p, "tz() is not served by this version");
	return at_end(p) ? 0 : expected(p, ";");
}

static int select_statement(struct parser *p, struct ql_statement *st)
{
	int err;
	p->s = arena_calloc(p->a, 1, sizeof *p->s);
	if (!p->s)
		return MO_ENOMEM;
	p->s->from_ns = INT64_MIN;
	p->s->to_ns = INT64_MAX;
	p->depth = p->comparisons = 0;
	st->kind = QLS_SELECT;
	st->select = p->s;
	if ((err = advance_as(p, true)) || (err = columns(p)))
		return err;
	return select_rest(p);
}

/* ---- other statements ---- */

/* Past everything up to the statement's end. */
static int skip(struct parser *p)
{
	int err = 0;
	while (!err && !at_end(p)) {
		if (p->t.kind == QL_BAD)
			return expected(p, "identifier, string, number");
		bool regex = at_op(p, "=~") || at_op(p, "!~") || at_op(p, ",") || at_op(p, "(") || at_word(p, "FROM") || at_word(p, "SELECT") ||
			at_word(p, "BY");
		err = advance_as(p, regex);
	}
	return err;
}

static int create(struct parser *p, struct ql_statement *st)
{
	int err = advance(p);
	if (err)
		return err;
	if (!at_word(p, "DATABASE"))
		return unserved_name(p, SPAN_LIT("CREATE"), " is served for DATABASE only");
	if ((err = advance(p)) || (err = name(p, &st->name)))
		return err;
	st->kind = QLS_CREATE_DATABASE;
	st->ignored = at_word(p, "WITH");
	if (!st->ignored)
		return at_end(p) ? 0 : expected(p, ";");
	if ((err = advance(p)))
		return err;
	if (at_end(p))
		return expected(p, "DURATION, NAME, REPLICATION, SHARD");
	return skip(p);
}

static int show(struct parser *p, struct ql_statement *st)
{
	int err = advance(p);
	if (err)
		return err;
	if (p->t.kind != QL_NAME)
		return expected(p, "DATABASES");
	if (!at_word(p, "DATABASES")) {
		char *s = arena_printf(p->a, "SHOW %.*s is not served by this version", SPAN_FMT(p->t.text));
		return s ? unserved(p, s) : MO_ENOMEM;
	}
	st->kind = QLS_SHOW_DATABASES;
	if ((err = advance(p)))
		return err;
	return at_end(p) ? 0 : expected(p, ";");
}

static int statement(struct parser *p, struct ql_statement *st)
{
	static const char *const others[] = {"ALTER", "DELETE", "DROP", "EXPLAIN", "GRANT", "KILL", "REVOKE", "SET"};
	if (at_word(p, "SELECT"))
		return select_statement(p, st);
	if (at_word(p, "SHOW"))
		return show(p, st);
	if (at_word(p, "CREATE"))
		return create(p, st);
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (at_word(p, others[i]))
			return unserved_name(p, span_str(others[i]),
				at_word(p, "DROP") || at_word(p, "DELETE") ? " is refused: a query deletes nothing here" : " is not served by this version");
	return expected(p, "SELECT, SHOW, CREATE");
}

static int one(struct parser *p, struct ql_statement *st)
{
	int err = statement(p, st);
	if (err != UNSERVED)
		return err;
	st->kind = QLS_UNSERVED;
	st->why = p->why;
	return skip(p);
}

int ql_parse(struct ql_statement **ret, struct arena *a, struct span text, int64_t now_ns, struct diag *d)
{
	struct parser p = {.x = {text, 0, a}, .a = a, .d = d, .now_ns = now_ns};
	struct ql_statement *first = NULL, **at = &first;
	size_t n = 0;
	if (text.n > INFLUXQL_TEXT_MAX) {
		diag_set(d, MO_ELIMIT, MSG_INFLUXQL_TOO_LONG);
		diag_expected(d, "65536");
		return MO_ELIMIT;
	}
	int err = advance(&p);
	while (!err && p.t.kind != QL_END) {
		if (at_op(&p, ";")) {
			err = advance(&p);
			continue;
		}
		if (++n > INFLUXQL_STATEMENTS_MAX) {
			diag_set(d, MO_ELIMIT, MSG_INFLUXQL_STATEMENTS);
			diag_expected(d, "64");
			return MO_ELIMIT;
		}
		struct ql_statement *st = arena_calloc(a, 1, sizeof *st);
		if (!st)
			err = MO_ENOMEM;
		else if (!(err = one(&p, st))) {
			*at = st;
			at = &st->next;
		}
	}
	if (!err && !first)
		err = expected(&p, "SELECT, SHOW, CREATE");
	if (err == MO_ENOMEM)
		diag_set(d, err, MSG_OUT_OF_MEMORY);
	if (!err)
		*ret = first;
	return err;
}
