/* One line: measurement[,tag=value...] field=value[,field=value...] [time]
 *
 * A byte after a backslash ends nothing (outside of strings); in a string '\"'
 * and '\\' stand for one. Blanks in front, between the three parts and behind
 * are skipped. Bytes aren't checked to be UTF-8. */
#include "codec/lineproto.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/num.h"
#include "base/utf8.h"

#define FAST_DIGITS 19u /* always fit 64 bits */

struct lineproto {
	int64_t unit_ns;
	uint8_t *scratch; /* unescaped strings of the line, and numbers put into the form num_f64 takes */
	size_t scratch_cap, scratch_n;
	struct lineproto_field fields[LINEPROTO_FIELDS_MAX];
};

/* The line being parsed. */
struct cur {
	const uint8_t *begin, *p, *end;
	struct diag *d;
};

static const double pow10d[] = {
	1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

int lineproto_new(struct lineproto **ret, int64_t unit_ns)
{
	if (unit_ns <= 0)
		return MO_EINVAL;
	struct lineproto *p = calloc(1, sizeof(*p));
	if (!p)
		return MO_ENOMEM;
	p->unit_ns = unit_ns;
	*ret = p;
	return 0;
}

void lineproto_free(struct lineproto *p)
{
	if (!p)
		return;
	free(p->scratch);
	free(p);
}

static bool is_escapable(uint8_t c) { return c == ',' || c == '=' || c == ' '; }

void lineproto_unescape(struct buf *out, struct span raw)
{
	size_t from = 0;
	for (size_t i = 0; i + 1 < raw.n; i++) {
		if (raw.p[i] != '\\' || !is_escapable(raw.p[i + 1]))
			continue;
		buf_add(out, span_sub(raw, from, i - from));
		from = ++i; /* the byte itself goes with what follows */
	}
	buf_add(out, span_sub(raw, from, raw.n));
}

static struct span to_here(const uint8_t *from, const uint8_t *to) { return span_of(from, (size_t)(to - from)); }

__attribute__((cold)) static int refuse(const struct cur *c, const uint8_t *at, int err, enum mo_msg msg, const char *expected)
{
	if (c->d) {
		diag_set(c->d, err, msg);
		diag_line(c->d, 0, utf8_count(to_here(c->begin, at)) + 1);
		diag_expected(c->d, expected);
	}
	return err;
}

/* Up to the next byte that is `a` or a comma or a blank, none of them escaped. */
static inline const uint8_t *scan_name(const uint8_t *p, const uint8_t *end, uint8_t a)
{
	for (; p < end; p++) {
		uint8_t c = *p;
		if (c == '\\') {
			/* The byte behind the last backslash of a row of them is escaped. */
			while (p + 1 < end && p[1] == '\\')
				p++;
			if (p + 1 < end)
				p++;
			continue;
		}
		if (c == ',' || c == ' ' || c == a)
			return p;
	}
	return end;
}

static inline void skip_blanks(struct cur *c)
{
	while (c->p < c->end && *c->p == ' ')
		c->p++;
}

static int parse_tags(struct cur *c, struct lineproto_line *l)
{
	while (c->p < c->end && *c->p == ',') {
		const uint8_t *key = ++c->p;
		const uint8_t *eq = scan_name(key, c->end, '=');
		if (eq == key || eq == c->end || *eq != '=') {
			int e = refuse(c, eq, MO_EINVAL, eq == key ? MSG_LP_TAG_MISSING : MSG_LP_TAG_FORM, "tag=value");
			diag_field(c->d, to_here(key, eq));
			return e;
		}
		const uint8_t *value = eq + 1, *stop = scan_name(value, c->end, '=');
		if (stop == value || (stop < c->end && *stop == '=')) {
			int e = refuse(c, stop, MO_EINVAL, MSG_LP_TAG_FORM, "tag=value");
			diag_field(c->d, to_here(key, eq));
			return e;
		}
		struct span k = to_here(key, eq);
		if (l->n_tags == LINEPROTO_TAGS_MAX) {
			int e = refuse(c, key, MO_ELIMIT, MSG_LP_TOO_MANY_TAGS, NULL);
			diag_int(c->d, 0, LINEPROTO_TAGS_MAX);
			return e;
		}
		for (size_t i = 0; i < l->n_tags; i++) {
			if (span_eq(l->tags[i].key, k)) {
				int e = refuse(c, key, MO_EINVAL, MSG_LP_TAG_TWICE, NULL);
				diag_field(c->d, k);
				return e;
			}
		}
		l->tags[l->n_tags++] = (struct lineproto_kv){k, to_here(value, stop)};
		c->p = stop;
	}
	return 0;
}

/* Room for whatever the line's strings and numbers may need, once a line. */
static int need_scratch(struct lineproto *p, const struct cur *c)
{
	size_t n = (size_t)(c->end - c->begin) * 2 + 4; /* at most LINEPROTO_LINE_MAX; a number may grow by two bytes, and stands in three at least */
	if (n <= p->scratch_cap)
		return 0;
	uint8_t *s = malloc(n);
	if (!s)
		return MO_ENOMEM;
	/* Nothing of this line stands in the old one: the first need reserves for the whole line. */
	free(p->scratch);
	p->scratch = s;
	p->scratch_cap = n;
	return 0;
}

static int bad_value(const struct cur *c, struct span key, const uint8_t *at, int err, const char *expected)
{
	const uint8_t *stop = scan_name(at, c->end, ',');
	int e = refuse(c, at, err, MSG_LP_BAD_VALUE, expected);
	diag_field(c->d, key);
	diag_value(c->d, to_here(at, stop));
	return e;
}

static int parse_string(struct lineproto *p, struct cur *c, struct lineproto_field *f)
{
	const uint8_t *from = c->p + 1, *q = from;
	bool escaped = false;
	for (; q < c->end && *q != '"'; q++) {
		if (*q == '\\' && q + 1 < c->end && (q[1] == '"' || q[1] == '\\')) {
			escaped = true;
			q++;
		}
	}
	if (q >= c->end) {
		int e = refuse(c, c->p, MO_EAGAIN, MSG_LP_STRING_OPEN, "\"");
		diag_field(c->d, f->key);
		return e;
	}
	f->type = LP_STR;
	f->str = to_here(from, q);
	if (escaped) {
		int e = need_scratch(p, c);
		if (e)
			return e;
		uint8_t *to = p->scratch + p->scratch_n, *first = to;
		for (const uint8_t *s = from; s < q; s++) {
			if (*s == '\\' && (s[1] == '"' || s[1] == '\\'))
				s++;
			*to++ = *s;
		}
		p->scratch_n += (size_t)(to - first);
		f->str = to_here(first, to);
	}
	c->p = q + 1;
	return 0;
}

static int parse_bool(struct cur *c, struct lineproto_field *f)
{
	static const char *const words[] = {"t", "T", "true", "True", "TRUE", "f", "F", "false", "False", "FALSE"};
	const uint8_t *stop = scan_name(c->p, c->end, ',');
	struct span s = to_here(c->p, stop);
	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (span_is(s, words[i])) {
			f->type = LP_BOOL;
			f->b = i < 5;
			c->p = stop;
			return 0;
		}
	}
	return bad_value(c, f->key, c->p, MO_EINVAL, "1.5, 2i, true, \"text\"");
}

/* Numbers that the short way doesn't take: long ones, exponents, '.5' and '1.', and wrong ones. */
static int parse_number_slow(struct lineproto *p, struct cur *c, struct lineproto_field *f)
{
	const uint8_t *stop = c->p;
	while (stop < c->end && *stop != ',' && *stop != ' ')
		stop++;
	struct span s = to_here(c->p, stop);
	if (s.p[0] == '+')
		return bad_value(c, f->key, c->p, MO_EINVAL, "-1.5, 2, 3i");
	if (s.p[s.n - 1] == 'i') {
		f->type = LP_I64;
		int e = num_i64(&f->i64, span_sub(s, 0, s.n - 1));
		if (e || s.p[0] == '+')
			return bad_value(c, f->key, c->p, e ? e : MO_EINVAL, e == MO_ELIMIT ? "-9223372036854775808i..9223372036854775807i" : "12i");
		c->p = stop;
		return 0;
	}
	int e = need_scratch(p, c);
	if (e)
		return e;
	/* num_f64 wants digits on both sides of a point. */
	uint8_t *to = p->scratch + p->scratch_n, *first = to;
	size_t digits = 0;
	for (size_t i = 0; i < s.n; i++) {
		bool before = i > 0 && s.p[i - 1] >= '0' && s.p[i - 1] <= '9', after = i + 1 < s.n && s.p[i + 1] >= '0' && s.p[i + 1] <= '9';
		bool point = s.p[i] == '.';
		digits += s.p[i] >= '0' && s.p[i] <= '9';
		if (point && !before && !after)
			return bad_value(c, f->key, c->p, MO_EINVAL, "1.5, 2, 3i");
		if (point && !before)
			*to++ = '0';
		*to++ = s.p[i];
		if (point && !after)
			*to++ = '0';
	}
	e = digits ? num_f64(&f->f64, to_here(first, to)) : MO_EINVAL;
	if (e)
		return bad_value(c, f->key, c->p, e, e == MO_ELIMIT ? "-1.8e308..1.8e308" : "1.5, 2, 3i");
	f->type = LP_F64;
	c->p = stop;
	return 0;
}

static inline int parse_number(struct lineproto *p, struct cur *c, struct lineproto_field *f)
{
	const uint8_t *s = c->p, *end = c->end;
	bool minus = *s == '-';
	s += minus;
	const uint8_t *from = s;
	uint64_t w = 0;
	for (; s < end && (unsigned)*s - '0' <= 9; s++)
		w = w * 10 + (uint64_t)(*s - '0');
	size_t whole = (size_t)(s - from), fraction = 0;
	if (whole == 0)
		return parse_number_slow(p, c, f);
	if (s < end && *s == '.') {
		from = ++s;
		for (; s < end && (unsigned)*s - '0' <= 9; s++)
			w = w * 10 + (uint64_t)(*s - '0');
		fraction = (size_t)(s - from);
		if (fraction == 0)
			return parse_number_slow(p, c, f);
	} else if (s < end && *s == 'i' && whole < FAST_DIGITS && (s + 1 == end || s[1] == ',' || s[1] == ' ')) {
		f->type = LP_I64;
		f->i64 = minus ? -(int64_t)w : (int64_t)w;
		c->p = s + 1;
		return 0;
	}
	if ((s < end && *s != ',' && *s != ' ') || whole + fraction > FAST_DIGITS || w > UINT64_C(1) << 53)
		return parse_number_slow(p, c, f);
	double v = (double)w / pow10d[fraction]; /* both exact, so the quotient is the nearest */
	f->type = LP_F64;
	f->f64 = minus ? -v : v;
	c->p = s;
	return 0;
}

static int parse_fields(struct lineproto *p, struct cur *c, struct lineproto_line *l)
{
	for (;;) {
		const uint8_t *key = c->p, *eq = scan_name(key, c->end, '=');
		if (eq == key || eq == c->end || *eq != '=' || eq + 1 == c->end) {
			int e = refuse(c, eq, MO_EINVAL, eq != key ? MSG_LP_FIELD_FORM : l->n_fields ? MSG_LP_FIELD_MISSING : MSG_LP_NO_FIELDS, "field=value");
			diag_field(c->d, to_here(key, eq));
			return e;
		}
		if (l->n_fields == LINEPROTO_FIELDS_MAX) {
			int e = refuse(c, key, MO_ELIMIT, MSG_LP_TOO_MANY_FIELDS, NULL);
			diag_int(c->d, 0, LINEPROTO_FIELDS_MAX);
			return e;
		}
		struct lineproto_field *f = &p->fields[l->n_fields];
		f->key = to_here(key, eq);
		c->p = eq + 1;
		uint8_t first = *c->p;
		int e;
		if (first == '-' || (unsigned)first - '0' <= 9 || first == '.' || first == '+')
			e = parse_number(p, c, f);
		else if (first == '"')
			e = parse_string(p, c, f);
		else
			e = parse_bool(c, f);
		if (e)
			return e;
		l->n_fields++;
		if (c->p == c->end || *c->p == ' ')
			return 0;
		if (*c->p != ',') {
			e = refuse(c, c->p, MO_EINVAL, MSG_LP_FIELD_FORM, "field=value");
			diag_field(c->d, f->key);
			return e;
		}
		c->p++;
	}
}

static int parse_time(const struct lineproto *p, struct cur *c, struct lineproto_line *l)
{
	const uint8_t *from = c->p, *stop = from;
	while (stop < c->end && *stop != ' ')
		stop++;
	struct span s = to_here(from, stop);
	int64_t t = 0, ns = 0;
	int e = s.p[0] == '+' ? MO_EINVAL : num_i64(&t, s);
	/* The two ends of the range stand for "none". */
	if (e == 0 && (__builtin_mul_overflow(t, p->unit_ns, &ns) || ns == INT64_MIN || ns == INT64_MAX))
		e = MO_ELIMIT;
	c->p = stop;
	skip_blanks(c);
	if (e || c->p != c->end) {
		int err = e == MO_ELIMIT ? MO_ELIMIT : MO_EINVAL;
		refuse(c, e ? from : c->p, err, e == MO_ELIMIT ? MSG_LP_TIME_RANGE : MSG_LP_BAD_TIME, e == MO_ELIMIT ? "1677-09-21..2262-04-11" : "1763770000000000000");
		diag_value(c->d, to_here(e ? from : c->p, e ? stop : c->end));
		return err;
	}
	l->t_ns = ns;
	l->has_time = true;
	return 0;
}

int lineproto_parse(struct lineproto *p, struct span line, struct lineproto_line *ret, struct diag *d)
{
	struct cur c = {line.p, line.p, line.p ? line.p + line.n : line.p, d};
	if (line.n > LINEPROTO_LINE_MAX) {
		int e = refuse(&c, c.p, MO_ELIMIT, MSG_LP_TOO_LONG, NULL);
		diag_int(d, 0, LINEPROTO_LINE_MAX >> 10);
		return e;
	}
	while (c.p < c.end && (*c.p == ' ' || *c.p == '\t'))
		c.p++;
	if (c.p == c.end || *c.p == '#')
		return MO_ENOENT;
	p->scratch_n = 0;
	ret->n_tags = ret->n_fields = 0;
	ret->fields = p->fields;
	ret->has_time = false;
	ret->t_ns = T_NONE;

	const uint8_t *from = c.p;
	c.p = scan_name(from, c.end, ',');
	if (c.p == from)
		return refuse(&c, from, MO_EINVAL, MSG_LP_NO_MEASUREMENT, "measurement");
	ret->measurement = to_here(from, c.p);
	int e = parse_tags(&c, ret);
	if (e)
		return e;
	ret->series = to_here(from, c.p);
	skip_blanks(&c);
	if (c.p == c.end)
		return refuse(&c, c.p, MO_EINVAL, MSG_LP_NO_FIELDS, "field=value");
	e = parse_fields(p, &c, ret);
	if (e)
		return e;
	skip_blanks(&c);
	return c.p < c.end ? parse_time(p, &c, ret) : 0;
}

int lineproto_joined(size_t *ret, struct span s, size_t lf, bool last)
{
	enum { STRING, CLOSED, VALUE, OTHER } in = STRING; /* CLOSED: right behind the closing quote; VALUE: right behind the = of a field */
	size_t i = lf + 1;
	for (; i < s.n && i < LINEPROTO_JOINED_MAX; i++) {
		uint8_t c = s.p[i];
		if (in == STRING) {
			if (c == '"')
				in = CLOSED;
			else if (c == '\\' && i + 1 < s.n && (s.p[i + 1] == '"' || s.p[i + 1] == '\\'))
				i++;
		} else if (c == '\n') {
			*ret = i;
			return 0;
		} else if (in == CLOSED && c != ',' && c != ' ') {
			break;
		} else if (in == VALUE && c == '"') {
			in = STRING;
		} else if (c == '\\') {
			/* As scan_name(), but for an LF, which ends the line. */
			while (i + 1 < s.n && s.p[i + 1] == '\\')
				i++;
			if (i + 1 < s.n && s.p[i + 1] != '\n')
				i++;
			in = OTHER;
		} else {
			in = c == '=' ? VALUE : OTHER;
		}
	}
	*ret = i;
	if (i < s.n)
		return MO_EINVAL;
	if (!last)
		return MO_EAGAIN;
	return in == STRING ? MO_EINVAL : 0;
}
