/* Date part, something between, clock part. Within a form a missing leading
 * zero, seconds left out, decimals of a second and an offset behind a 24-hour
 * clock are read as well; 24:00 is the next midnight (ISO 8601-1:2019, 5.3.1.2). */
#include "intake/priv/timeform.h"

#include "base/num.h"

#define SERIAL_DAY_ZERO (-25569) /* 1899-12-30, day 0 of spreadsheets from their day 61 on */
#define SERIAL_MIN 61
#define SERIAL_MAX 2958466 /* the end of 9999 */

/* gap: between the date and a clock without colons. */
#define WITH_CLOCKS(date, d, hh, gap) \
	{date, d, CLOCK_NONE}, {date " " hh ":mm", d, CLOCK_HM}, {date " " hh ":mm:ss", d, CLOCK_HMS}, {date " " hh ":mm:ssZ", d, CLOCK_HMSZ}, \
		{date " 오전 h:mm", d, CLOCK_KO_HM}, {date " 오전 h:mm:ss", d, CLOCK_KO_HMS}, {date " h:mm AM", d, CLOCK_AM_HM}, \
		{date " h:mm:ss AM", d, CLOCK_AM_HMS}, {date " h시 m분 s초", d, CLOCK_HANGUL}, {date " h", d, CLOCK_HOUR}, {date gap "hh", d, CLOCK_COMPACT_H}, \
		{date gap "hhmm", d, CLOCK_COMPACT_HM}, \
	{                                                                                                                     \
		date gap "hhmmss", d, CLOCK_COMPACT_HMS                                                                           \
	}

static const struct timeform forms[] = {
	WITH_CLOCKS("YYYY-MM-DD", DATE_YMD_DASH, "hh", " "),
	WITH_CLOCKS("YYYY/M/D", DATE_YMD_SLASH, "h", " "),
	WITH_CLOCKS("YYYY.M.D", DATE_YMD_DOT, "h", " "),
	WITH_CLOCKS("YYYY. M. D.", DATE_YMD_DOTS, "h", " "),
	WITH_CLOCKS("YYYY년 M월 D일", DATE_YMD_HANGUL, "h", " "),
	/* Day first stands before month first: the default where a file does not tell. */
	WITH_CLOCKS("D/M/YYYY", DATE_DMY_SLASH, "h", " "),
	WITH_CLOCKS("M/D/YYYY", DATE_MDY_SLASH, "h", " "),
	WITH_CLOCKS("D-M-YYYY", DATE_DMY_DASH, "h", " "),
	WITH_CLOCKS("M-D-YYYY", DATE_MDY_DASH, "h", " "),
	WITH_CLOCKS("D.M.YYYY", DATE_DMY_DOT, "h", " "),
	WITH_CLOCKS("M.D.YYYY", DATE_MDY_DOT, "h", " "),
	WITH_CLOCKS("YYYYMMDD", DATE_COMPACT, "hh", ""),
	{"YYYY-MM", DATE_YM_DASH, CLOCK_NONE},
	{"YYYY.MM", DATE_YM_DOT, CLOCK_NONE},
	{"YYYYMM", DATE_YM_COMPACT, CLOCK_NONE},
	{"YYYY", DATE_Y, CLOCK_NONE},
	{"Excel serial", DATE_SERIAL, CLOCK_NONE},
	{"epoch s", DATE_EPOCH_S, CLOCK_NONE},
	{"epoch ms", DATE_EPOCH_MS, CLOCK_NONE},
};
#define FORMS (sizeof(forms) / sizeof(forms[0]))

const struct timeform *timeform_at(unsigned index) { return index < FORMS ? &forms[index] : NULL; }

const struct timeform *timeform_find(struct span name)
{
	for (size_t i = 0; i < FORMS; i++)
		if (span_is(name, forms[i].name))
			return &forms[i];
	return NULL;
}

const struct timeform *timeform_of(unsigned date, unsigned clock)
{
	for (size_t i = 0; i < FORMS; i++)
		if (forms[i].date == date && forms[i].clock == clock)
			return &forms[i];
	return NULL;
}

struct in {
	const uint8_t *p, *end;
};

/* min..max digits, and no further one behind. */
static bool digits(struct in *s, unsigned min, unsigned max, int *ret)
{
	int v = 0;
	unsigned n = 0;
	for (; s->p < s->end && (unsigned)*s->p - '0' <= 9; s->p++, n++) {
		if (n == max)
			return false;
		v = v * 10 + (*s->p - '0');
	}
	*ret = v;
	return n >= min;
}

/* Exactly n digits, whatever stands behind. */
static bool fixed(struct in *s, unsigned n, int *ret)
{
	int v = 0;
	if ((size_t)(s->end - s->p) < n)
		return false;
	for (; n > 0; n--, s->p++) {
		unsigned d = (unsigned)*s->p - '0';
		if (d > 9)
			return false;
		v = v * 10 + (int)d;
	}
	*ret = v;
	return true;
}

static bool take(struct in *s, const char *text)
{
	size_t n = strlen(text);
	if ((size_t)(s->end - s->p) < n || memcmp(s->p, text, n))
		return false;
	s->p += n;
	return true;
}

static void blanks(struct in *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\t'))
		s->p++;
}

static bool take_separator(struct in *s, char c)
{
	if (s->p == s->end || *s->p != (uint8_t)c)
		return false;
	s->p++;
	if (c == '.')
		blanks(s);
	return true;
}

static bool separated(struct in *s, char c, const char order[3], int *y, int *m, int *d)
{
	for (unsigned i = 0; i < 3; i++) {
		bool ok = order[i] == 'y' ? digits(s, 4, 4, y) : digits(s, 1, 2, order[i] == 'm' ? m : d);
		if (!ok || (i < 2 && !take_separator(s, c)))
			return false;
	}
	if (c == '.' && order[0] == 'y')
		(void)take(s, ".");
	return true;
}

static bool hangul_date(struct in *s, int *y, int *m, int *d)
{
	if (!digits(s, 4, 4, y) || !take(s, "년"))
		return false;
	blanks(s);
	if (!digits(s, 1, 2, m) || !take(s, "월"))
		return false;
	blanks(s);
	return digits(s, 1, 2, d) && take(s, "일");
}

static bool counted(struct time_parts *ret, unsigned kind, struct in *s)
{
	struct span all = span_of(s->p, (size_t)(s->end - s->p));
	int64_t v, per_day = kind == DATE_EPOCH_S ? 86400 : 86400000;
	s->p = s->end;
	if (kind == DATE_SERIAL) {
		double x;
		if (num_f64(&x, all) || !(x >= SERIAL_MIN && x < SERIAL_MAX))
			return false;
		/* Spreadsheets hold about a microsecond there and show milliseconds. */
		int64_t ms = (int64_t)(x * 86400000.0 + 0.5);
		ret->days = ms / 86400000 + SERIAL_DAY_ZERO;
		ret->clock_ns = ms % 86400000 * NS_PER_MS;
		ret->absolute = false;
		return true;
	}
	struct in i = {all.p, all.p + all.n};
	const uint8_t *point = memchr(all.p, '.', all.n);
	int64_t fraction = 0;
	if (point) { /* 1700000000.123456 */
		int64_t unit = kind == DATE_EPOCH_S ? NS_PER_S : NS_PER_MS;
		i.p = point + 1;
		if (i.p == i.end)
			return false;
		for (; i.p < i.end; i.p++) {
			unsigned c = (unsigned)*i.p - '0';
			if (c > 9)
				return false;
			unit /= 10;
			fraction += (int64_t)c * unit;
		}
		all.n = (size_t)(point - all.p);
	}
	if (num_i64(&v, all) || (v < 0 && fraction))
		return false;
	int64_t days = v / per_day, rest = v % per_day;
	if (rest < 0) {
		rest += per_day;
		days--;
	}
	ret->days = days;
	ret->clock_ns = rest * (NS_PER_DAY / per_day) + fraction;
	ret->absolute = true;
	return true;
}

static bool parse_date(struct time_parts *ret, unsigned kind, struct in *s)
{
	int y = 0, m = 1, d = 1;
	bool ok = false;
	switch ((enum date_form)kind) {
	case DATE_NONE:
		return false;
	case DATE_YMD_DASH:
		ok = separated(s, '-', "ymd", &y, &m, &d);
		break;
	case DATE_YMD_SLASH:
		ok = separated(s, '/', "ymd", &y, &m, &d);
		break;
	case DATE_YMD_DOT:
	case DATE_YMD_DOTS:
		ok = separated(s, '.', "ymd", &y, &m, &d);
		break;
	case DATE_YMD_HANGUL:
		ok = hangul_date(s, &y, &m, &d);
		break;
	case DATE_DMY_SLASH:
		ok = separated(s, '/', "dmy", &y, &m, &d);
		break;
	case DATE_MDY_SLASH:
		ok = separated(s, '/', "mdy", &y, &m, &d);
		break;
	case DATE_DMY_DASH:
		ok = separated(s, '-', "dmy", &y, &m, &d);
		break;
	case DATE_MDY_DASH:
		ok = separated(s, '-', "mdy", &y, &m, &d);
		break;
	case DATE_DMY_DOT:
		ok = separated(s, '.', "dmy", &y, &m, &d);
		break;
	case DATE_MDY_DOT:
		ok = separated(s, '.', "mdy", &y, &m, &d);
		break;
	case DATE_COMPACT:
		ok = fixed(s, 4, &y) && fixed(s, 2, &m) && fixed(s, 2, &d);
		break;
	case DATE_YM_DASH:
		ok = digits(s, 4, 4, &y) && take(s, "-") && digits(s, 1, 2, &m);
		break;
	case DATE_YM_DOT:
		ok = digits(s, 4, 4, &y) && take(s, ".") && fixed(s, 2, &m);
		break;
	case DATE_YM_COMPACT:
		ok = fixed(s, 4, &y) && fixed(s, 2, &m);
		break;
	case DATE_Y:
		ok = digits(s, 4, 4, &y);
		break;
	case DATE_SERIAL:
	case DATE_EPOCH_S:
	case DATE_EPOCH_MS:
		return counted(ret, kind, s);
	}
	return ok && civil_days(&ret->days, y, m, d) == 0;
}

/* ".5" or ",5" behind the seconds; digits past nanoseconds are cut off. */
static bool decimals(struct in *s, int64_t *ns)
{
	if (s->p == s->end || (*s->p != '.' && *s->p != ','))
		return true;
	int64_t unit = NS_PER_S;
	const uint8_t *from = ++s->p;
	for (; s->p < s->end && (unsigned)*s->p - '0' <= 9; s->p++) {
		unit /= 10;
		*ns += (*s->p - '0') * unit;
	}
	return s->p > from;
}

/* h:mm[:ss[.fraction]] */
static bool colons(struct in *s, int *h, int64_t *ns)
{
	int m, sec = 0;
	*ns = 0;
	if (!digits(s, 1, 2, h) || !take(s, ":") || !digits(s, 2, 2, &m) || m > 59)
		return false;
	if (take(s, ":") && (!digits(s, 2, 2, &sec) || sec > 59 || !decimals(s, ns)))
		return false;
	*ns += (int64_t)(m * 60 + sec) * NS_PER_S;
	return true;
}

/* -1 none, 0 before noon, 1 after. */
static int half(struct in *s)
{
	static const struct {
		const char *text;
		int half;
	} marks[] = {{"오전", 0}, {"오후", 1}, {"AM", 0}, {"PM", 1}, {"am", 0}, {"pm", 1}, {"A.M.", 0}, {"P.M.", 1}, {"a.m.", 0}, {"p.m.", 1}, {"Am", 0}, {"Pm", 1}};
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (take(s, marks[i].text))
			return marks[i].half;
	return -1;
}

static bool offset(struct in *s, struct time_parts *ret, int64_t clock_ns)
{
	int h, m = 0;
	if (take(s, "Z") || take(s, "z")) {
		ret->absolute = true;
	} else if (s->p < s->end && (*s->p == '+' || *s->p == '-')) {
		bool minus = *s->p++ == '-';
		if (!fixed(s, 2, &h))
			return false;
		(void)take(s, ":");
		if (s->p < s->end && !fixed(s, 2, &m))
			return false;
		if (h > 18 || m > 59)
			return false;
		ret->absolute = true;
		int64_t by = (int64_t)(h * 60 + m) * 60 * NS_PER_S;
		clock_ns += minus ? by : -by;
	}
	ret->clock_ns = clock_ns; /* may be outside the day: it's added to the date */
	return true;
}

static bool hour_24(int h, int64_t rest_ns, int64_t *ret)
{
	if (h > 24 || (h == 24 && rest_ns))
		return false;
	*ret = (int64_t)h * 3600 * NS_PER_S + rest_ns;
	return true;
}

static bool hour_12(int h, int after_noon, int64_t rest_ns, int64_t *ret)
{
	if (h < 0 || h > 12)
		return false;
	*ret = (int64_t)(h % 12 + after_noon * 12) * 3600 * NS_PER_S + rest_ns;
	return true;
}

static bool hangul_clock(struct in *s, struct time_parts *ret)
{
	int h, m = 0, sec = 0, mark = half(s);
	int64_t ns = 0;
	blanks(s);
	if (!digits(s, 1, 2, &h) || !take(s, "시"))
		return false;
	blanks(s);
	if (s->p < s->end) {
		if (!digits(s, 1, 2, &m) || !take(s, "분") || m > 59)
			return false;
		blanks(s);
	}
	if (s->p < s->end && (!digits(s, 1, 2, &sec) || !decimals(s, &ns) || !take(s, "초") || sec > 59))
		return false;
	ns += (int64_t)(m * 60 + sec) * NS_PER_S;
	return mark < 0 ? hour_24(h, ns, &ret->clock_ns) : hour_12(h, mark, ns, &ret->clock_ns);
}

static bool parse_clock(struct time_parts *ret, unsigned kind, struct in *s)
{
	int h, m, sec = 0, mark;
	int64_t ns = 0;
	switch ((enum clock_form)kind) {
	case CLOCK_NONE:
		ret->clock_ns = 0;
		return true;
	case CLOCK_HM:
	case CLOCK_HMS:
	case CLOCK_HMSZ:
		if (!colons(s, &h, &ns) || !hour_24(h, ns, &ns))
			return false;
		if (s->p < s->end && *s->p == ' ')
			s->p++;
		return offset(s, ret, ns);
	case CLOCK_KO_HM:
	case CLOCK_KO_HMS:
	case CLOCK_AM_HM:
	case CLOCK_AM_HMS:
		mark = half(s);
		blanks(s);
		if (!colons(s, &h, &ns))
			return false;
		blanks(s);
		if (mark < 0)
			mark = half(s);
		return mark >= 0 && hour_12(h, mark, ns, &ret->clock_ns);
	case CLOCK_HANGUL:
		return hangul_clock(s, ret);
	case CLOCK_HOUR:
		return digits(s, 1, 2, &h) && hour_24(h, 0, &ret->clock_ns);
	case CLOCK_COMPACT_H:
		return fixed(s, 2, &h) && hour_24(h, 0, &ret->clock_ns);
	case CLOCK_COMPACT_HM:
	case CLOCK_COMPACT_HMS:
		if (!fixed(s, 2, &h) || !fixed(s, 2, &m) || m > 59 || (kind == CLOCK_COMPACT_HMS && (!fixed(s, 2, &sec) || sec > 59 || !decimals(s, &ns))))
			return false;
		return hour_24(h, ns + (int64_t)(m * 60 + sec) * NS_PER_S, &ret->clock_ns);
	}
	return false;
}

bool timeform_parse(struct time_parts *ret, const struct timeform *f, struct span cell)
{
	struct in s = {cell.p, cell.p ? cell.p + cell.n : cell.p};
	ret->absolute = false;
	ret->clock_ns = 0;
	if (cell.n == 0 || !parse_date(ret, f->date, &s))
		return false;
	ret->date_bytes = (size_t)(s.p - cell.p);
	if (f->clock != CLOCK_NONE) {
		const uint8_t *after = s.p;
		blanks(&s);
		if (s.p == after && !take(&s, "T") && f->date != DATE_COMPACT && f->date != DATE_YMD_HANGUL && f->date != DATE_YMD_DOTS)
			return false;
		if (!parse_clock(ret, f->clock, &s))
			return false;
	}
	return s.p == s.end;
}

bool timeform_parse_date(struct time_parts *ret, const struct timeform *f, struct span cell)
{
	struct in s = {cell.p, cell.p ? cell.p + cell.n : cell.p};
	ret->absolute = false;
	ret->clock_ns = 0;
	ret->date_bytes = cell.n;
	return cell.n && parse_date(ret, f->date, &s) && s.p == s.end;
}

bool timeform_parse_clock(struct time_parts *ret, const struct timeform *f, struct span cell)
{
	struct in s = {cell.p, cell.p ? cell.p + cell.n : cell.p};
	ret->absolute = false;
	return cell.n && f->clock != CLOCK_NONE && parse_clock(ret, f->clock, &s) && s.p == s.end;
}

int time_parts_to_ns(int64_t *ret, const struct time_parts *p, const struct zone *z)
{
	int64_t day_ns, ns;
	if (__builtin_mul_overflow(p->days, NS_PER_DAY, &day_ns) || __builtin_add_overflow(day_ns, p->clock_ns, &ns) || ns == INT64_MIN || ns == INT64_MAX)
		return MO_ELIMIT;
	if (!p->absolute && z) {
		struct civil c;
		civil_from_ns(&c, ns);
		int e = zone_to_ns(&ns, NULL, z, &c);
		if (e)
			return e;
		if (ns == INT64_MIN || ns == INT64_MAX)
			return MO_ELIMIT;
	}
	*ret = ns;
	return 0;
}

const struct timeform *timeform_refine(const struct timeform *f, struct span cell)
{
	unsigned date = f->date, clock = f->clock, colon = 0;
	bool signs = false, hangul = false;
	for (size_t i = 0; i < cell.n; i++) {
		colon += cell.p[i] == ':';
		signs = signs || (colon && (cell.p[i] == '+' || cell.p[i] == '-' || cell.p[i] == 'Z' || cell.p[i] == 'z'));
		hangul = hangul || (cell.p[i] >= 0x80);
	}
	if (date == DATE_YMD_DOT || date == DATE_YMD_DOTS)
		date = memchr(cell.p, ' ', cell.n < 6 ? cell.n : 6) ? DATE_YMD_DOTS : DATE_YMD_DOT;
	switch ((enum clock_form)clock) {
	case CLOCK_HM:
	case CLOCK_HMS:
	case CLOCK_HMSZ:
		clock = signs ? CLOCK_HMSZ : colon > 1 ? CLOCK_HMS : CLOCK_HM;
		break;
	case CLOCK_KO_HM:
	case CLOCK_KO_HMS:
	case CLOCK_AM_HM:
	case CLOCK_AM_HMS:
		clock = hangul ? (colon > 1 ? CLOCK_KO_HMS : CLOCK_KO_HM) : (colon > 1 ? CLOCK_AM_HMS : CLOCK_AM_HM);
		break;
	default:
		break;
	}
	return timeform_of(date, clock);
}

const struct timeform *timeform_swap(const struct timeform *f)
{
	static const uint8_t pairs[][2] = {{DATE_DMY_SLASH, DATE_MDY_SLASH}, {DATE_DMY_DASH, DATE_MDY_DASH}, {DATE_DMY_DOT, DATE_MDY_DOT}};
	for (size_t i = 0; i < 3; i++)
		for (unsigned k = 0; k < 2; k++)
			if (f->date == pairs[i][k])
				return timeform_of(pairs[i][1 - k], f->clock);
	return NULL;
}

bool timeform_is_number(const struct timeform *f)
{
	return (f->date >= DATE_YM_DOT || f->date == DATE_COMPACT) && (f->clock == CLOCK_NONE || f->clock >= CLOCK_COMPACT_H);
}
