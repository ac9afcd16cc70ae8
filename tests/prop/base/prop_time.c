#include "cm.h"
#include "prop.h"

#include <stdio.h>
#include <time.h>

#include "base/civil.h"

static int64_t any_instant(struct prop *p)
{
	int64_t t = prop_range(p, INT64_MIN, INT64_MAX);
	return t == T_NONE ? 0 : t;
}

/* Fields as gmtime_r() gives them, and back to the same instant. */
static bool civil_as_gmtime(struct prop *p, void *arg)
{
	(void)arg;
	struct civil c;
	struct tm tm;
	int64_t t = any_instant(p), back = 0;
	time_t s = (time_t)(t / NS_PER_S - (t % NS_PER_S < 0));
	civil_from_ns(&c, t);
	gmtime_r(&s, &tm);
	prop_note(p, "t=%lld %d-%d-%d", (long long)t, c.year, c.month, c.day);
	return civil_to_ns(&back, &c) == 0 && back == t && c.year == tm.tm_year + 1900 && c.month == tm.tm_mon + 1 && c.day == tm.tm_mday &&
	       c.hour == tm.tm_hour && c.minute == tm.tm_min && c.second == tm.tm_sec && (int64_t)c.ns == (t % NS_PER_S + NS_PER_S) % NS_PER_S &&
	       civil_weekday((int64_t)(s / 86400 - (s % 86400 < 0))) == (tm.tm_wday + 6) % 7;
}

static bool rfc3339_round_trip(struct prop *p, void *arg)
{
	(void)arg;
	static const int64_t grain[] = {NS_PER_S, NS_PER_MS, NS_PER_US, 1};
	static const size_t length[] = {20, 24, 27, 30};
	char out[32];
	uint64_t g = prop_below(p, 4);
	int64_t t = any_instant(p) / grain[g] * grain[g], back = 0;
	size_t n = rfc3339_format(out, t);
	prop_note(p, "%s", out);
	return n == strlen(out) && n <= length[g] && rfc3339_parse(&back, span_of(out, n)) == 0 && back == t;
}

/* A zone's local time leads back to the instant, or to its twin an hour before when it stands twice. */
static bool zone_round_trip(struct prop *p, void *arg)
{
	const struct zone *z = arg;
	struct civil c, again;
	/* 1900 to 2200, and near changes of the clock */
	int64_t t = prop_range(p, INT64_C(-2208988800), INT64_C(7258118400)) * NS_PER_S, back = 0;
	int kind = -1;
	zone_local(&c, z, t);
	prop_note(p, "t=%lld", (long long)(t / NS_PER_S));
	if (zone_to_ns(&back, &kind, z, &c) != 0)
		return false;
	if (kind == 0)
		return back == t;
	zone_local(&again, z, back);
	return kind == 1 && back <= t && again.hour == c.hour && again.minute == c.minute && again.day == c.day;
}

#define PROPERTY(name, runs) \
	static void test_##name(void **state) \
	{ \
		(void)state; \
		assert_int_equal(prop_check(#name, name, NULL, runs), 0); \
	}
PROPERTY(civil_as_gmtime, 20000)
PROPERTY(rfc3339_round_trip, 10000)

static void test_zone_round_trip(void **state)
{
	(void)state;
	/* Version 2 with an empty table and only a rule: New York, and one that never stops moving. */
	static const char *const rules[] = {"EST5EDT,M3.2.0,M11.1.0", "XXX-2YYY-5,J59/167,300/-167", "<-03>3<-02>,M3.5.0/-2,M10.5.0/-1",
		"XXX3EDT4,0/4,J365/46"};
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
		static const uint8_t block[] = {'T', 'Z', 'i', 'f', '3', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
			0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0};
		uint8_t file[256];
		struct zone *z = NULL;
		memcpy(file, block, sizeof block);
		memcpy(file + sizeof block, block, sizeof block);
		int n = snprintf((char *)file + 2 * sizeof block, 100, "\n%s\n", rules[i]);
		assert_int_equal(zone_parse(&z, span_of(file, 2 * sizeof block + (size_t)n)), 0);
		assert_int_equal(prop_check(rules[i], zone_round_trip, z, 5000), 0);
		zone_free(z);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_civil_as_gmtime),
		cmocka_unit_test(test_rfc3339_round_trip),
		cmocka_unit_test(test_zone_round_trip),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
