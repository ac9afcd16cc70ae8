/* TZif (RFC 8536): a table of transitions, then a rule in the manner of POSIX
 * TZ for all time after the last of them. Everything here counts in seconds
 * since 1970 UTC; leap seconds ("right/" files) are refused. */
#include "base/civil.h"
#include "base/num.h"
#include "base/priv/instant.h"

#include <stdlib.h>

#define ZONE_TRANSITIONS_MAX 65536u
#define ZONE_TYPES_MAX 256u
#define ZONE_FOOTER_MAX 256u
#define OFFSET_MAX 93599 /* RFC 8536, 3.2: -25 h < offset < 26 h */
#define OFFSET_MIN (-89999)
#define FIXED_MAX (18 * 3600)
#define TZIF_HEADER 44u
#define YEAR_FIRST 1677 /* of int64 ns */
#define YEAR_LAST 2262

/* One of the two days a year when the clock changes. */
struct rule_day {
	enum { RULE_JULIAN, RULE_ZERO_BASED, RULE_WEEKDAY } kind; /* Jn (29 February never counts), n, Mm.w.d */
	int month, week, day;
	int32_t time_s; /* local wall time of the change, -167 h .. 167 h */
};
struct rule {
	bool present, has_dst;
	int32_t std_s, dst_s;
	struct rule_day start, end;
};
struct zone {
	size_t n_times;
	int64_t *times;    /* ascending */
	int32_t *offsets;  /* in force from times[i] */
	int32_t before_s;  /* in force before times[0] */
	struct rule rule;
};

/* --- the rule's text --- */

struct text {
	const uint8_t *p, *end;
};

static uint8_t peek(const struct text *t) { return t->p < t->end ? *t->p : 0; }

static bool accept(struct text *t, uint8_t c)
{
	if (peek(t) != c)
		return false;
	t->p++;
	return true;
}

static bool parse_uint(struct text *t, int max, int *ret)
{
	int v = 0;
	const uint8_t *from = t->p;
	for (; peek(t) >= '0' && peek(t) <= '9'; t->p++) {
		v = v * 10 + (*t->p - '0');
		if (v > max)
			return false;
	}
	*ret = v;
	return t->p > from;
}

/* An abbreviation is checked and dropped: we show offsets, not names. */
static bool parse_name(struct text *t)
{
	bool quoted = accept(t, '<');
	size_t n = 0;
	for (;; n++, t->p++) {
		uint8_t c = peek(t);
		bool alpha = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
		bool more = quoted && ((c >= '0' && c <= '9') || c == '+' || c == '-');
		if (!alpha && !more)
			break;
	}
	return n >= 3 && (!quoted || accept(t, '>'));
}

/* [+-]hh[:mm[:ss]] */
static bool parse_hms(struct text *t, int hour_max, int32_t *ret)
{
	int sign = 1, h, m = 0, s = 0;
	if (accept(t, '-'))
		sign = -1;
	else
		accept(t, '+');
	if (!parse_uint(t, hour_max, &h))
		return false;
	if (accept(t, ':')) {
		if (!parse_uint(t, 59, &m))
			return false;
		if (accept(t, ':') && !parse_uint(t, 59, &s))
			return false;
	}
	*ret = sign * ((h * 60 + m) * 60 + s);
	return true;
}

static bool parse_day(struct text *t, struct rule_day *d)
{
	*d = (struct rule_day){.time_s = 2 * 3600};
	if (accept(t, 'M')) {
		d->kind = RULE_WEEKDAY;
		if (!parse_uint(t, 12, &d->month) || d->month < 1 || !accept(t, '.') || !parse_uint(t, 5, &d->week) || d->week < 1 ||
			!accept(t, '.') || !parse_uint(t, 6, &d->day))
			return false;
	} else if (accept(t, 'J')) {
		d->kind = RULE_JULIAN;
		if (!parse_uint(t, 365, &d->day) || d->day < 1)
			return false;
	} else {
		d->kind = RULE_ZERO_BASED;
		if (!parse_uint(t, 365, &d->day))
			return false;
	}
	/* TZif version 3 allows up to 167 hours either way; taken in version 2 too, where it cannot mean anything else. */
	return !accept(t, '/') || parse_hms(t, 167, &d->time_s);
}

static bool parse_rule(struct rule *r, struct span s)
{
	struct text t = {s.p, s.p + s.n};
	int32_t west;
	*r = (struct rule){0};
	if (s.n == 0)
		return true;
	if (!parse_name(&t) || !parse_hms(&t, 24, &west))
		return false;
	r->present = true;
	r->std_s = r->dst_s = -west;
	if (t.p == t.end)
		return true;
	r->has_dst = true;
	r->dst_s = r->std_s + 3600;
	if (!parse_name(&t))
		return false;
	if (peek(&t) != ',') {
		if (!parse_hms(&t, 24, &west))
			return false;
		r->dst_s = -west;
	}
	return accept(&t, ',') && parse_day(&t, &r->start) && accept(&t, ',') && parse_day(&t, &r->end) && t.p == t.end;
}

/* --- the rule at work --- */

/* The day d falls on in that year, counted from 1970-01-01. */
static int64_t rule_days(const struct rule_day *d, int32_t year)
{
	int64_t first = 0, next = 0;
	/* The arguments are in range, so these cannot fail. */
	if (d->kind != RULE_WEEKDAY) {
		if (civil_days(&first, year, 1, 1) || civil_days(&next, year, 3, 1))
			return 0;
		if (d->kind == RULE_ZERO_BASED)
			return first + d->day;
		bool leap = next - first == 60;
		return first + d->day - 1 + (leap && d->day >= 60);
	}
	if (civil_days(&first, year, d->month, 1) || civil_days(&next, d->month == 12 ? year + 1 : year, d->month % 12 + 1, 1))
		return 0;
	int sunday_first = (civil_weekday(first) + 1) % 7;
	int64_t day = first + (d->day - sunday_first + 7) % 7 + (int64_t)(d->week - 1) * 7;
	return day >= next ? day - 7 : day;
}

struct change {
	int64_t t_s;
	int32_t offset_s;
};
#define RULE_YEARS 5 /* a change may be pushed a week into a neighbouring year, past that year's own */
#define RULE_CHANGES (2 * RULE_YEARS)

/* The changes of the years around t_s, ascending; of two at one instant the later year's counts, so that
 * summer time all year round ("XXX3EDT4,0/0,J365/23") has no seam. */
static void rule_changes(struct change c[RULE_CHANGES], const struct rule *r, int64_t t_s)
{
	int32_t year;
	int month, day;
	civil_from_days(floor_div(t_s, 86400), &year, &month, &day);
	for (int i = 0; i < RULE_YEARS; i++) {
		int32_t y = year - 2 + i;
		struct change start = {rule_days(&r->start, y) * 86400 + r->start.time_s - r->std_s, r->dst_s};
		struct change end = {rule_days(&r->end, y) * 86400 + r->end.time_s - r->dst_s, r->std_s};
		struct change *two = c + (size_t)2 * (size_t)i;
		two[0] = start.t_s <= end.t_s ? start : end;
		two[1] = start.t_s <= end.t_s ? end : start;
	}
	for (int i = 1; i < RULE_CHANGES; i++)
		for (int j = i; j > 0 && c[j].t_s < c[j - 1].t_s; j--) {
			struct change swap = c[j];
			c[j] = c[j - 1];
			c[j - 1] = swap;
		}
}

/* A stretch of time with one offset; from_s and to_s (exclusive) may be infinite. */
struct stretch {
	int64_t from_s, to_s;
	int32_t offset_s;
};

static struct stretch rule_stretch(const struct rule *r, int64_t t_s)
{
	struct stretch ret = {INT64_MIN, INT64_MAX, r->std_s};
	if (!r->has_dst)
		return ret;
	struct change c[RULE_CHANGES];
	rule_changes(c, r, t_s);
	for (int i = 0; i < RULE_CHANGES; i++) {
		if (c[i].t_s <= t_s) {
			ret.from_s = c[i].t_s;
			ret.offset_s = c[i].offset_s;
		} else {
			ret.to_s = c[i].t_s;
			break;
		}
	}
	return ret;
}

static struct stretch zone_stretch(const struct zone *z, int64_t t_s)
{
	/* How many transitions are at or before t_s. */
	size_t lo = 0, hi = z->n_times;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (z->times[mid] <= t_s)
			lo = mid + 1;
		else
			hi = mid;
	}
	int64_t last = lo ? z->times[lo - 1] : INT64_MIN;
	if (lo == z->n_times && z->rule.present) {
		struct stretch ret = rule_stretch(&z->rule, t_s);
		if (ret.from_s < last)
			ret.from_s = last;
		return ret;
	}
	return (struct stretch){last, lo < z->n_times ? z->times[lo] : INT64_MAX, lo ? z->offsets[lo - 1] : z->before_s};
}

/* --- the file --- */

struct tzif_header {
	uint8_t version;
	uint32_t n_isut, n_isstd, n_leap, n_time, n_type, n_char;
};

static uint32_t be32(const uint8_t *p) { return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]; }

static int32_t be32s(const uint8_t *p)
{
	uint32_t u = be32(p);
	int32_t v;
	memcpy(&v, &u, sizeof v);
	return v;
}

static int64_t be64s(const uint8_t *p)
{
	uint64_t u = (uint64_t)be32(p) << 32 | be32(p + 4);
	int64_t v;
	memcpy(&v, &u, sizeof v);
	return v;
}

static int read_header(struct tzif_header *h, struct span s)
{
	if (s.n < TZIF_HEADER || memcmp(s.p, "TZif", 4) != 0)
		return MO_EINVAL;
	*h = (struct tzif_header){s.p[4], be32(s.p + 20), be32(s.p + 24), be32(s.p + 28), be32(s.p + 32), be32(s.p + 36), be32(s.p + 40)};
	if (h->version != 0 && (h->version < '2' || h->version > '4'))
		return MO_EVERSION;
	if (h->n_time > ZONE_TRANSITIONS_MAX || h->n_type > ZONE_TYPES_MAX || h->n_char > ZONE_TRANSITIONS_MAX ||
		h->n_leap > ZONE_TRANSITIONS_MAX)
		return MO_ELIMIT;
	if (h->n_type == 0 || h->n_char == 0 || (h->n_isut && h->n_isut != h->n_type) || (h->n_isstd && h->n_isstd != h->n_type))
		return MO_EINVAL;
	return 0;
}

/* Bytes of the data block; the counts were checked, so this cannot overflow. */
static size_t data_size(const struct tzif_header *h, size_t time_size)
{
	return (size_t)h->n_time * (time_size + 1) + (size_t)h->n_type * 6 + h->n_char + (size_t)h->n_leap * (time_size + 4) + h->n_isstd +
	       h->n_isut;
}

/* s: the data block, of the size the header tells. */
static int read_data(struct zone *z, const struct tzif_header *h, struct span s, size_t time_size)
{
	const uint8_t *times = s.p, *index = times + (size_t)h->n_time * time_size, *types = index + h->n_time;
	if (h->n_leap)
		return MO_EINVAL;
	for (size_t i = 0; i < h->n_type; i++) {
		const uint8_t *t = types + i * 6;
		int32_t offset = be32s(t);
		if (offset < OFFSET_MIN || offset > OFFSET_MAX || t[4] > 1 || t[5] >= h->n_char)
			return MO_EINVAL;
	}
	z->before_s = be32s(types);
	if (h->n_time == 0)
		return 0;
	z->times = calloc(h->n_time, sizeof *z->times);
	z->offsets = calloc(h->n_time, sizeof *z->offsets);
	if (!z->times || !z->offsets)
		return MO_ENOMEM;
	z->n_times = h->n_time;
	for (size_t i = 0; i < h->n_time; i++) {
		z->times[i] = time_size == 8 ? be64s(times + i * 8) : be32s(times + i * 4);
		if ((i && z->times[i] <= z->times[i - 1]) || index[i] >= h->n_type)
			return MO_EINVAL;
		z->offsets[i] = be32s(types + (size_t)index[i] * 6);
	}
	return 0;
}

static int read_tzif(struct zone *z, struct span s)
{
	struct tzif_header h;
	int err = read_header(&h, s);
	if (err)
		return err;
	struct span rest = span_sub(s, TZIF_HEADER, s.n);
	size_t size = data_size(&h, 4);
	if (rest.n < size)
		return MO_EINVAL;
	if (h.version == 0)
		return read_data(z, &h, rest, 4);

	/* Version 2 and on: the first block is for old readers, the second holds 64-bit times. */
	s = span_sub(rest, size, rest.n);
	err = read_header(&h, s);
	if (err)
		return err;
	rest = span_sub(s, TZIF_HEADER, s.n);
	size = data_size(&h, 8);
	if (rest.n < size)
		return MO_EINVAL;
	err = read_data(z, &h, span_sub(rest, 0, size), 8);
	if (err)
		return err;
	struct span footer = span_sub(rest, size, rest.n);
	if (footer.n < 2 || footer.p[0] != '\n')
		return MO_EINVAL;
	size_t end = span_find(footer, 1, '\n');
	if (end == footer.n)
		return MO_EINVAL;
	if (end > ZONE_FOOTER_MAX)
		return MO_ELIMIT;
	return parse_rule(&z->rule, span_sub(footer, 1, end - 1)) ? 0 : MO_EINVAL;
}

int zone_parse(struct zone **ret, struct span tzif)
{
	struct zone *z = calloc(1, sizeof *z);
	if (!z)
		return MO_ENOMEM;
	int err = read_tzif(z, tzif);
	if (err) {
		zone_free(z);
		return err;
	}
	*ret = z;
	return 0;
}

int zone_fixed(struct zone **ret, int32_t offset_s)
{
	if (offset_s < -FIXED_MAX || offset_s > FIXED_MAX)
		return MO_EINVAL;
	struct zone *z = calloc(1, sizeof *z);
	if (!z)
		return MO_ENOMEM;
	z->before_s = offset_s;
	*ret = z;
	return 0;
}

void zone_free(struct zone *z)
{
	if (!z)
		return;
	free(z->times);
	free(z->offsets);
	free(z);
}

int32_t zone_offset(const struct zone *z, int64_t t_ns) { return zone_stretch(z, floor_div(t_ns, NS_PER_S)).offset_s; }

int zone_to_ns(int64_t *ret_ns, int *ret_kind, const struct zone *z, const struct civil *local)
{
	int64_t wall;
	int err = instant_seconds(&wall, local);
	if (err)
		return err;
	if (local->year < YEAR_FIRST || local->year > YEAR_LAST)
		return MO_ELIMIT;
	/* Every stretch that could hold it, in order: the first match is the earlier one, a second makes it ambiguous. */
	int64_t found = 0, gap = INT64_MIN, end = wall - OFFSET_MIN;
	int matches = 0;
	for (int64_t t = wall - OFFSET_MAX; t <= end;) {
		struct stretch s = zone_stretch(z, t);
		int64_t u = wall - s.offset_s;
		if (u >= s.from_s && u < s.to_s) {
			if (matches++ == 0)
				found = u;
		} else if (u >= s.to_s) {
			gap = s.to_s; /* wall time ran past this change; unless a later stretch has it, it was skipped here */
		}
		if (s.to_s > end)
			break;
		t = s.to_s;
	}
	if (matches == 0)
		found = gap;
	int64_t t_ns;
	err = instant_of(&t_ns, found, matches ? local->ns : 0);
	if (err)
		return err;
	*ret_ns = t_ns;
	if (ret_kind)
		*ret_kind = matches == 0 ? 2 : matches > 1;
	return 0;
}

void zone_local(struct civil *ret, const struct zone *z, int64_t t_ns)
{
	int64_t s = floor_div(t_ns, NS_PER_S);
	int64_t wall = s + zone_stretch(z, s).offset_s;
	int64_t days = floor_div(wall, 86400), of_day = wall - days * 86400;
	int month, day;
	/* By seconds, since a local time may lie outside what int64 ns can hold. */
	civil_from_days(days, &ret->year, &month, &day);
	ret->month = (uint8_t)month;
	ret->day = (uint8_t)day;
	ret->hour = (uint8_t)(of_day / 3600);
	ret->minute = (uint8_t)(of_day / 60 % 60);
	ret->second = (uint8_t)(of_day % 60);
	ret->ns = ns_of_second(t_ns);
}
