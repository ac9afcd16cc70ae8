#include "base/civil.h"
#include "base/priv/instant.h"

/* n digits at s.p[at]; -1 when they are not there. */
static int digits(struct span s, size_t at, size_t n)
{
	int v = 0;
	if (at > s.n || n > s.n - at)
		return -1;
	for (size_t i = 0; i < n; i++) {
		uint8_t c = s.p[at + i];
		if (c < '0' || c > '9')
			return -1;
		v = v * 10 + (c - '0');
	}
	return v;
}

static bool is_at(struct span s, size_t at, uint8_t c) { return at < s.n && s.p[at] == c; }

/* ±HH:MM, ±HHMM or ±HH up to the end; false otherwise. */
static bool parse_offset(int64_t *ret_s, struct span s)
{
	if (s.n == 0 || (s.p[0] != '+' && s.p[0] != '-'))
		return false;
	int h = digits(s, 1, 2), m = 0;
	if (s.n == 6 && s.p[3] == ':')
		m = digits(s, 4, 2);
	else if (s.n == 5)
		m = digits(s, 3, 2);
	else if (s.n != 3)
		return false;
	if (h < 0 || h > 23 || m < 0 || m > 59)
		return false;
	*ret_s = ((int64_t)h * 60 + m) * 60 * (s.p[0] == '-' ? -1 : 1);
	return true;
}

int rfc3339_parse(int64_t *ret_ns, struct span s)
{
	int year = digits(s, 0, 4), month = digits(s, 5, 2), day = digits(s, 8, 2);
	int hour = digits(s, 11, 2), minute = digits(s, 14, 2), second = digits(s, 17, 2);
	if (year < 0 || month < 0 || day < 0 || hour < 0 || minute < 0 || second < 0)
		return MO_EINVAL;
	if (s.p[4] != '-' || s.p[7] != '-' || s.p[13] != ':' || s.p[16] != ':')
		return MO_EINVAL;
	if (s.p[10] != 'T' && s.p[10] != 't' && s.p[10] != ' ')
		return MO_EINVAL;

	size_t at = 19;
	uint32_t ns = 0;
	if (is_at(s, at, '.') || is_at(s, at, ',')) {
		uint32_t unit = (uint32_t)NS_PER_S / 10;
		size_t first = ++at;
		/* Digits past the ninth are dropped: no later instant than was written. */
		for (; at < s.n && s.p[at] >= '0' && s.p[at] <= '9'; at++, unit /= 10)
			ns += unit * (uint32_t)(s.p[at] - '0');
		if (at == first)
			return MO_EINVAL;
	}
	int64_t offset_s = 0, t_s;
	struct span zone = span_sub(s, at, s.n);
	if (!(zone.n == 1 && (zone.p[0] == 'Z' || zone.p[0] == 'z')) && !parse_offset(&offset_s, zone))
		return MO_EINVAL;

	struct civil c = {.year = year, .month = (uint8_t)month, .day = (uint8_t)day, .hour = (uint8_t)hour, .minute = (uint8_t)minute,
		.second = (uint8_t)second, .ns = ns};
	int err = instant_seconds(&t_s, &c);
	return err ? err : instant_of(ret_ns, t_s - offset_s, ns);
}

static char *put(char *p, uint32_t v, unsigned width)
{
	for (unsigned i = width; i-- > 0; v /= 10)
		p[i] = (char)('0' + v % 10);
	return p + width;
}

size_t rfc3339_format(char out[32], int64_t t_ns)
{
	struct civil c;
	char *p = out;
	civil_from_ns(&c, t_ns);
	p = put(p, (uint32_t)c.year, 4);
	*p++ = '-';
	p = put(p, c.month, 2);
	*p++ = '-';
	p = put(p, c.day, 2);
	*p++ = 'T';
	p = put(p, c.hour, 2);
	*p++ = ':';
	p = put(p, c.minute, 2);
	*p++ = ':';
	p = put(p, c.second, 2);
	if (c.ns) {
		*p++ = '.';
		if (c.ns % 1000000 == 0)
			p = put(p, c.ns / 1000000, 3);
		else if (c.ns % 1000 == 0)
			p = put(p, c.ns / 1000, 6);
		else
			p = put(p, c.ns, 9);
	}
	*p++ = 'Z';
	*p = '\0';
	return (size_t)(p - out);
}
