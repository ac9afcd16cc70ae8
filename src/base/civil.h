/* Civil time and instants. Instants are int64 nanoseconds since 1970-01-01
 * UTC (range 1677-09-21 to 2262-04-11). Calendar: proleptic Gregorian, no
 * leap seconds (POSIX). Zones: TZif bytes (RFC 8536), never TZ or localtime. */
#ifndef MO_BASE_CIVIL_H
#define MO_BASE_CIVIL_H

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

#define NS_PER_US INT64_C(1000)
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)
#define NS_PER_DAY (86400 * NS_PER_S)
#define T_NONE INT64_MIN /* "no time" wherever a time is optional */

struct civil {
	int32_t year;
	uint8_t month, day;            /* 1-based */
	uint8_t hour, minute, second;  /* 0..23, 0..59, 0..59 (60 is refused) */
	uint32_t ns;
};

/* Days since 1970-01-01. Month and day need not be checked by the caller: out of range is MO_EINVAL. Any year. */
MO_MUST_USE int civil_days(int64_t *ret_days, int32_t year, int month, int day);
/* |days| < 7e11, so that the year fits. */
void civil_from_days(int64_t days, int32_t *year, int *month, int *day);
int civil_weekday(int64_t days); /* 0 Monday .. 6 Sunday */
/* Local wall time as if UTC. MO_EINVAL (field out of range), MO_ELIMIT (outside int64 ns). */
MO_MUST_USE int civil_to_ns(int64_t *ret_ns, const struct civil *c);
void civil_from_ns(struct civil *ret, int64_t t_ns);

/* A zone, parsed from TZif version 1 to 4 bytes (footer rule included). MO_EINVAL (also files that count
 * leap seconds), MO_ELIMIT (65,536 transitions, 256 types), MO_EVERSION, MO_ENOMEM. Immutable: any thread may read. */
struct zone;
MO_MUST_USE int zone_parse(struct zone **ret, struct span tzif);
/* Fixed offset, seconds east of UTC, |offset| <= 18 h, else MO_EINVAL. */
MO_MUST_USE int zone_fixed(struct zone **ret, int32_t offset_s);
void zone_free(struct zone *z);
int32_t zone_offset(const struct zone *z, int64_t t_ns); /* seconds east of UTC */
/* Local wall time to instant. *ret_kind: 0 unique, 1 ambiguous (the earlier is given), 2 skipped (the first instant after the gap).
 * ret_kind may be NULL. MO_EINVAL (field out of range), MO_ELIMIT (outside int64 ns). */
MO_MUST_USE int zone_to_ns(int64_t *ret_ns, int *ret_kind, const struct zone *z, const struct civil *local);
void zone_local(struct civil *ret, const struct zone *z, int64_t t_ns);

/* RFC 3339 / ISO 8601 with zone ("2026-11-22T08:10:00.5+09:00", "...Z"; 'T' or blank; offset also
 * +0900 and +09; digits past nanoseconds are cut off; second 60 is refused). MO_EINVAL, MO_ELIMIT (outside int64 ns). */
MO_MUST_USE int rfc3339_parse(int64_t *ret_ns, struct span s);
/* UTC with the fewest of 0, 3, 6, 9 decimals that are exact: "2026-11-21T23:10:00.500Z". out holds 32 bytes; gives the length. */
size_t rfc3339_format(char out[32], int64_t t_ns);

#endif
