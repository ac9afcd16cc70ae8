/* Days to dates and back by shifting the year to begin in March, so that the
 * leap day comes last (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms"). */
#include "base/civil.h"
#include "base/priv/instant.h"

#define DAYS_PER_ERA 146097 /* 400 years */
#define EPOCH_SHIFT 719468  /* 0000-03-01 to 1970-01-01 */

static bool is_leap(int64_t y) { return y % 4 == 0 && (y % 100 != 0 || y % 400 == 0); }

static int month_days(int64_t y, int m)
{
	static const uint8_t days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	return m == 2 && is_leap(y) ? 29 : days[m - 1];
}

int civil_days(int64_t *ret_days, int32_t year, int month, int day)
{
	if (month < 1 || month > 12 || day < 1 || day > month_days(year, month))
		return MO_EINVAL;
	int64_t y = (int64_t)year - (month <= 2);
	int64_t era = floor_div(y, 400);
	int64_t yoe = y - era * 400;
	int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
	*ret_days = era * DAYS_PER_ERA + doe - EPOCH_SHIFT;
	return 0;
}

void civil_from_days(int64_t days, int32_t *year, int *month, int *day)
{
	int64_t z = days + EPOCH_SHIFT;
	int64_t era = floor_div(z, DAYS_PER_ERA);
	int64_t doe = z - era * DAYS_PER_ERA;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;
	*day = (int)(doy - (153 * mp + 2) / 5 + 1);
	*month = (int)(mp < 10 ? mp + 3 : mp - 9);
	*year = (int32_t)(yoe + era * 400 + (*month <= 2));
}

int civil_weekday(int64_t days)
{
	/* 1970-01-01 was a Thursday. */
	return (int)((days % 7 + 7 + 3) % 7);
}

int instant_of(int64_t *ret_ns, int64_t s, uint32_t ns)
{
	int64_t t;
	/* Before 1970 the sum may fit where the product alone would not. */
	int64_t rest = s < 0 ? (int64_t)ns - NS_PER_S : (int64_t)ns;
	if (s < 0)
		s++;
	if (__builtin_mul_overflow(s, NS_PER_S, &t) || __builtin_add_overflow(t, rest, &t) || t == T_NONE)
		return MO_ELIMIT;
	*ret_ns = t;
	return 0;
}

int instant_seconds(int64_t *ret_s, const struct civil *c)
{
	int64_t days;
	if (c->hour > 23 || c->minute > 59 || c->second > 59 || c->ns >= NS_PER_S)
		return MO_EINVAL;
	int err = civil_days(&days, c->year, c->month, c->day);
	if (err)
		return err;
	*ret_s = days * 86400 + (int64_t)c->hour * 3600 + (int64_t)c->minute * 60 + c->second;
	return 0;
}

int civil_to_ns(int64_t *ret_ns, const struct civil *c)
{
	int64_t s;
	int err = instant_seconds(&s, c);
	return err ? err : instant_of(ret_ns, s, c->ns);
}

void civil_from_ns(struct civil *ret, int64_t t_ns)
{
	int64_t s = floor_div(t_ns, NS_PER_S);
	int64_t days = floor_div(s, 86400);
	int64_t of_day = s - days * 86400;
	int month, day;
	civil_from_days(days, &ret->year, &month, &day);
	ret->month = (uint8_t)month;
	ret->day = (uint8_t)day;
	ret->hour = (uint8_t)(of_day / 3600);
	ret->minute = (uint8_t)(of_day / 60 % 60);
	ret->second = (uint8_t)(of_day % 60);
	ret->ns = ns_of_second(t_ns);
}
