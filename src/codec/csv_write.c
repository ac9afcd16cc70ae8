/* CSV that Excel opens rightly and does not run. */
#include "codec/csv.h"

#include <math.h>

#include "base/num.h"

void csv_write_bom(struct buf *out)
{
	buf_add(out, SPAN_LIT("\xEF\xBB\xBF"));
}

/* What a spreadsheet takes for the beginning of a formula; East Asian versions also the full-width signs. */
static bool runs(struct span s)
{
	static const char *const signs[] = {"=", "+", "-", "@", "\t", "\r", "\xEF\xBC\x9D", "\xEF\xBC\x8B", "\xEF\xBC\x8D", "\xEF\xBC\xA0"};
	double v;
	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
		if (span_starts(s, signs[i]))
			return num_f64(&v, s) != 0;
	return false;
}

static bool needs_quotes(struct span s)
{
	if (s.n && (s.p[0] == ' ' || s.p[s.n - 1] == ' '))
		return true;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == ',' || s.p[i] == '"' || s.p[i] == '\r' || s.p[i] == '\n' || s.p[i] == '\t')
			return true;
	return false;
}

void csv_write_text(struct buf *out, struct span s, bool first)
{
	if (!first)
		buf_addc(out, ',');
	bool disarm = runs(s);
	if (!needs_quotes(s)) {
		if (disarm)
			buf_addc(out, '\'');
		buf_add(out, s);
		return;
	}
	buf_addc(out, '"');
	if (disarm)
		buf_addc(out, '\'');
	for (size_t from = 0;;) {
		size_t q = span_find(s, from, '"');
		buf_add(out, span_sub(s, from, q - from));
		if (q >= s.n)
			break;
		buf_adds(out, "\"\"");
		from = q + 1;
	}
	buf_addc(out, '"');
}

void csv_write_f64(struct buf *out, double v, bool first)
{
	char text[32];
	if (!first)
		buf_addc(out, ',');
	if (isfinite(v))
		buf_add(out, span_of(text, num_format_f64(text, v)));
}

void csv_write_end(struct buf *out)
{
	buf_adds(out, "\r\n");
}
