/* What a header cell says: "온도(℃)", "전력[kWh]", " 발전량(MWh) ",
 * "Usage_kWh". Only a known unit is taken off; "지수(2020=100)" stays whole. */
#include "base/unit.h"
#include "base/utf8.h"
#include "intake/priv/intake.h"
#include "intake/priv/number.h"

static const struct {
	const char *open, *close;
} brackets[] = {{"(", ")"}, {"[", "]"}, {"（", "）"}, {"［", "］"}, {"<", ">"}, {"{", "}"}};

static bool ends_in(struct span s, const char *tail)
{
	size_t n = strlen(tail);
	return s.n >= n && memcmp(s.p + s.n - n, tail, n) == 0;
}

/* Offset of the last `open` in s; s.n when there is none. */
static size_t last_of(struct span s, const char *open)
{
	size_t n = strlen(open);
	for (size_t i = s.n; i >= n && i > 0; i--)
		if (memcmp(s.p + i - n, open, n) == 0)
			return i - n;
	return s.n;
}

/* Whether the last part of "Name_part" may be a unit: its symbol as we show it, or something with a capital or a sign in it; no word ("week", "min"). */
static bool is_tail(struct span s, const struct unit *u)
{
	if (utf8_count(s) < 2 || span_is(s, "min") || span_is(s, "in"))
		return false;
	if (span_is(s, u->symbol))
		return true;
	for (size_t i = 1; i < s.n; i++)
		if (s.p[i] < 'a' || s.p[i] > 'z')
			return true;
	return false;
}

static bool all_digits(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return true;
}

void header_split(struct span header, struct span *ret_name, struct span *ret_unit)
{
	struct span s = cell_trim(header);
	*ret_name = s;
	*ret_unit = span_str("");
	for (size_t i = 0; i < sizeof(brackets) / sizeof(brackets[0]); i++) {
		if (!ends_in(s, brackets[i].close))
			continue;
		size_t open = last_of(s, brackets[i].open), from = open + strlen(brackets[i].open);
		if (open == 0 || open == s.n)
			continue;
		struct span inner = cell_trim(span_sub(s, from, s.n - strlen(brackets[i].close) - from));
		const struct unit *u = all_digits(inner) ? NULL : unit_find(inner); /* "(1)" is a mark for a note */
		if (!u)
			continue;
		*ret_name = cell_trim(span_sub(s, 0, open));
		*ret_unit = span_str(u->symbol);
		return;
	}
	size_t at = last_of(s, "_");
	if (at > 0 && at + 1 < s.n) {
		struct span tail = span_sub(s, at + 1, s.n);
		const struct unit *u = unit_find(tail);
		if (u && is_tail(tail, u)) {
			*ret_name = span_sub(s, 0, at);
			*ret_unit = span_str(u->symbol);
		}
	}
}

static size_t lower(char *out, size_t size, struct span s)
{
	size_t n = 0;
	for (size_t i = 0; i < s.n && n < size; i++)
		if (s.p[i] != ' ' && s.p[i] != '_' && s.p[i] != '-')
			out[n++] = (char)(s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] + 32 : s.p[i]);
	return n;
}

/* equal: the whole header; else a part of it is enough. */
struct hint {
	const char *text;
	bool equal;
};

static bool hinted(struct span header, const struct hint *hints, size_t n)
{
	char low[64];
	struct span s = span_of(low, lower(low, sizeof(low), header));
	for (size_t i = 0; i < n; i++) {
		size_t k = strlen(hints[i].text);
		if (hints[i].equal ? span_is(s, hints[i].text) : k <= s.n && memmem(s.p, s.n, hints[i].text, k))
			return true;
	}
	return false;
}
#define HINTED(header, hints) hinted(header, hints, sizeof(hints) / sizeof(hints[0]))

bool header_is_time(struct span header)
{
	/* "시간" and "time" in longer names are durations as a rule (가동시간, cycle time). */
	static const struct hint hints[] = {{"일시", false}, {"날짜", false}, {"일자", false}, {"시각", false}, {"시점", false}, {"timestamp", false}, {"date", false},
		{"epoch", false}, {"unixtime", false}, {"측정시간", true}, {"기록시간", true}, {"시간", true}, {"time", true}, {"ts", true}, {"t", true}};
	return HINTED(header, hints);
}

bool header_is_month(struct span header)
{
	static const struct hint hints[] = {{"월", true}, {"년월", false}, {"연월", false}, {"시점", false}, {"기간", false}, {"yyyymm", false}, {"month", false},
		{"period", true}, {"date", true}};
	return HINTED(header, hints);
}

bool header_is_year(struct span header)
{
	static const struct hint hints[] = {{"년", true}, {"년도", false}, {"연도", false}, {"시점", true}, {"year", true}};
	return HINTED(header, hints);
}

bool header_is_id(struct span header)
{
	static const struct hint hints[] = {{"번호", false}, {"호기", false}, {"채널", false}, {"설비", false}, {"라인", false}, {"코드", false}, {"계기", false},
		{"channel", false}, {"machine", false}, {"meter", true}, {"sensor", true}, {"line", true}, {"station", false}, {"device", false}, {"unit", true},
		{"ch", true}, {"id", true}, {"no", true}, {"meterid", true}, {"sensorid", true}, {"deviceid", true}};
	return HINTED(header, hints);
}
