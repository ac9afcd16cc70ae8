#include "sim/text.h"

#include <math.h>

#include "base/civil.h"
#include "base/num.h"

void text_json(struct buf *out, const char *s)
{
	buf_addc(out, '"');
	for (; *s; s++) {
		uint8_t c = (uint8_t)*s;
		if (c == '"' || c == '\\')
			buf_addc(out, '\\');
		if (c < 0x20)
			buf_printf(out, "\\u%04x", c);
		else
			buf_addc(out, c);
	}
	buf_addc(out, '"');
}

void text_real(struct buf *out, double v)
{
	char text[32];
	buf_add(out, span_of(text, num_format_f64(text, v)));
}

void text_integer(struct buf *out, int64_t v)
{
	char text[24];
	buf_add(out, span_of(text, num_format_i64(text, v)));
}

void text_fixed(struct buf *out, double v, int decimals)
{
	static const double tens[] = {1, 10, 100, 1000, 10000, 100000};
	if (decimals < 0 || decimals > 5 || fabs(v) > 1e12) {
		text_real(out, v);
		return;
	}
	int64_t scaled = llround(v * tens[decimals]);
	uint64_t u = scaled < 0 ? 0 - (uint64_t)scaled : (uint64_t)scaled;
	while (decimals > 0 && u % 10 == 0) {
		u /= 10;
		decimals--;
	}
	char text[32];
	size_t at = sizeof text;
	int written = 0;
	do {
		if (written == decimals && decimals > 0)
			text[--at] = '.';
		text[--at] = (char)('0' + u % 10);
		u /= 10;
		written++;
	} while (u > 0 || written <= decimals);
	if (scaled < 0)
		text[--at] = '-';
	buf_add(out, span_of(text + at, sizeof text - at));
}

void text_time(struct buf *out, int64_t t_ns)
{
	char text[32];
	buf_addc(out, '"');
	buf_add(out, span_of(text, rfc3339_format(text, t_ns)));
	buf_addc(out, '"');
}

void text_local(struct buf *out, int64_t t_ns)
{
	struct civil c;
	civil_from_ns(&c, t_ns + INT64_C(9) * 3600 * NS_PER_S);
	buf_printf(out, "%04d-%02d-%02d %02d:%02d:%02d", (int)c.year, c.month, c.day, c.hour, c.minute, c.second);
}
