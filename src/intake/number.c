/* Numbers as offices write them: "1,395", ".5", "1.", "+3", " 12 ", and the
 * many ways to say that there is none. "(5)", "12%", "3개" are no numbers. */
#include "intake/priv/number.h"

#include "base/num.h"

#define NUMBER_TEXT_MAX 64u /* bytes of a number that is written in an unusual way */

struct span cell_trim(struct span s)
{
	for (;;) {
		struct span t = span_trim(s);
		if (t.n >= 2 && t.p[0] == 0xc2 && t.p[1] == 0xa0)
			t = span_sub(t, 2, t.n);
		if (t.n >= 2 && t.p[t.n - 2] == 0xc2 && t.p[t.n - 1] == 0xa0)
			t.n -= 2;
		if (t.n == s.n)
			return t;
		s = t;
	}
}

bool cell_is_missing(struct span s, bool text)
{
	/* The first of them can't be a word or a name either. */
	static const char *const marks[] = {"-", "--", "---", "N/A", "n/a", "#N/A", "#DIV/0!", "#VALUE!", "#REF!", "#NUM!", "#NAME?", "#NULL!", "–", "—",
		"NaN", "nan", "NAN", "NA", "null", "NULL", "Null", "None", "none", ".", "..", "...", "…"};
	const size_t n_text = 14;
	if (s.n == 0)
		return true;
	if (s.n > 7 || !memchr("-N#n.\xe2", s.p[0], 6)) /* what the marks begin with */
		return false;
	for (size_t i = 0; i < (text ? n_text : sizeof(marks) / sizeof(marks[0])); i++)
		if (span_is(s, marks[i]))
			return true;
	return false;
}

bool number_is_code(struct span s)
{
	size_t i = s.n && (s.p[0] == '-' || s.p[0] == '+');
	if (s.n < i + 2 || s.p[i] != '0')
		return false;
	for (; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return true;
}

/* The number as num.h takes it: a sign, no separators, digits on both sides of the point. 0: it is none. */
static size_t plain(char out[NUMBER_TEXT_MAX + 4], struct span s, bool thousands)
{
	size_t i = 0, n = 0, whole = 0, group = 0;
	bool grouped = false, exponent = false;
	if (s.n > NUMBER_TEXT_MAX)
		return 0;
	if (s.n >= 3 && memcmp(s.p, "\xe2\x88\x92", 3) == 0) { /* the minus sign U+2212 */
		out[n++] = '-';
		i = 3;
	} else if (s.p[0] == '-' || s.p[0] == '+') {
		out[n++] = (char)s.p[i++];
	}
	for (; i < s.n; i++) {
		uint8_t c = s.p[i];
		if (c >= '0' && c <= '9') {
			out[n++] = (char)c;
			whole++;
			group++;
		} else if (c == ',' && thousands && (grouped ? group == 3 : group >= 1 && group <= 3)) {
			grouped = true;
			group = 0;
		} else {
			break;
		}
	}
	if (grouped && group != 3)
		return 0;
	if (i < s.n && s.p[i] == '.') {
		size_t fraction = 0;
		if (whole == 0)
			out[n++] = '0';
		out[n++] = '.';
		for (i++; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++, fraction++)
			out[n++] = (char)s.p[i];
		if (fraction == 0)
			out[n++] = '0';
		whole += fraction;
	}
	if (whole == 0)
		return 0;
	for (; i < s.n; i++) { /* an exponent, which num_f64 judges */
		exponent = exponent || s.p[i] == 'e' || s.p[i] == 'E';
		if (!exponent)
			return 0;
		out[n++] = (char)s.p[i];
	}
	return n;
}

enum cell_read number_f64_slow(double *ret, struct span cell, bool thousands)
{
	char text[NUMBER_TEXT_MAX + 4];
	struct span s = cell_trim(cell);
	if (cell_is_missing(s, false))
		return CELL_MISSING;
	if (s.n > NUMBER_TEXT_MAX)
		return num_f64(ret, s) == 0 ? CELL_OK : CELL_BAD;
	size_t n = plain(text, s, thousands);
	return n && num_f64(ret, span_of(text, n)) == 0 ? CELL_OK : CELL_BAD;
}

enum cell_read number_i64(int64_t *ret, struct span cell, bool thousands)
{
	char text[NUMBER_TEXT_MAX + 4];
	struct span s = cell_trim(cell);
	if (num_i64(ret, s) == 0)
		return CELL_OK;
	if (cell_is_missing(s, false))
		return CELL_MISSING;
	size_t n = plain(text, s, thousands);
	return n && num_i64(ret, span_of(text, n)) == 0 ? CELL_OK : CELL_BAD;
}

enum cell_read number_bool(uint8_t *ret, struct span cell)
{
	static const struct {
		const char *word;
		uint8_t v;
	} words[] = {{"true", 1}, {"false", 0}, {"1", 1}, {"0", 0}, {"yes", 1}, {"no", 0}, {"y", 1}, {"n", 0}, {"on", 1}, {"off", 0}, {"t", 1}, {"f", 0}};
	char low[8];
	struct span s = cell_trim(cell);
	if (cell_is_missing(s, false))
		return CELL_MISSING;
	if (s.n >= sizeof(low))
		return CELL_BAD;
	for (size_t i = 0; i < s.n; i++)
		low[i] = (char)(s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] + 32 : s.p[i]);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (span_is(span_of(low, s.n), words[i].word)) {
			*ret = words[i].v;
			return CELL_OK;
		}
	}
	return CELL_BAD;
}
