#include "cm.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/civil.h"
#include "base/map.h"
#include "base/utf8.h"
#include "faultalloc.h"
#include "tzif.h"

/* Runs a scenario with its first, second, … allocation failing, until one run
 * goes through; leaks are the sanitizer's to see. A scenario gives 0 or the error. */
static void sweep(int (*scenario)(void))
{
	uint64_t nth = 0;
	int err;
	do {
		faultalloc_arm(++nth);
		err = scenario();
		if (faultalloc_fired())
			assert_int_equal(err, MO_ENOMEM);
		assert_true(nth < 1000);
	} while (faultalloc_fired());
	faultalloc_arm(0);
	assert_int_equal(err, 0);
	assert_true(nth > 1); /* else nothing was swept */
}

static int arena_scenario(void)
{
	struct arena a;
	int err = 0;
	arena_init(&a, 0);
	for (size_t i = 0; i < 40 && !err; i++) {
		size_t used = a.used_bytes;
		if (!arena_calloc(&a, i, 500)) {
			err = MO_ENOMEM;
			assert_int_equal(a.used_bytes, used);
		}
	}
	if (!err && !arena_printf(&a, "%70000d", 1))
		err = MO_ENOMEM;
	if (!err && !arena_strdup(&a, SPAN_LIT("abc")))
		err = MO_ENOMEM;
	if (!err && !arena_dup(&a, SPAN_LIT("abc")).p)
		err = MO_ENOMEM;
	arena_free(&a);
	return err;
}

static int buf_scenario(void)
{
	struct buf b, c;
	buf_init(&b, 0);
	buf_init(&c, 0);
	for (unsigned i = 0; i < 400; i++) {
		buf_printf(&b, "%u한글", i);
		buf_u64(&b, i);
	}
	utf8_compose_hangul(&c, buf_span(&b));
	utf8_initials(&c, buf_span(&b));
	int err = b.err ? b.err : c.err;
	buf_free(&b);
	buf_free(&c);
	return err;
}

/* A failed insert leaves what was there. */
static int map_scenario(void)
{
	struct map m;
	int err = 0;
	uint64_t n = 0;
	map_init(&m);
	while (n < 60 && !err) {
		err = map_put(&m, span_of(&n, sizeof n), n);
		n += !err;
	}
	assert_int_equal(m.n, n);
	for (uint64_t i = 0; i < n; i++)
		assert_true(*map_get(&m, span_of(&i, sizeof i)) == i);
	map_free(&m);
	return err;
}

static struct span tzif;

static int zone_scenario(void)
{
	struct zone *z = NULL, *f = NULL;
	int err = zone_parse(&z, tzif);
	assert_true(!err == (z != NULL));
	if (!err)
		err = zone_fixed(&f, 3600);
	zone_free(z);
	zone_free(f);
	return err;
}

static void test_arena(void **state)
{
	(void)state;
	sweep(arena_scenario);
}

static void test_buf(void **state)
{
	(void)state;
	sweep(buf_scenario);
}

static void test_map(void **state)
{
	(void)state;
	sweep(map_scenario);
}

static void test_zone(void **state)
{
	(void)state;
	static const int32_t types[] = {0, 3600};
	static const struct tzif_time times[] = {{-100, 1}, {100, 0}};
	struct buf b;
	buf_init(&b, 0);
	tzif_make(&b, &(struct tzif_spec){'2', times, 2, types, 2, "CET-1CEST,M3.5.0,M10.5.0/3"});
	tzif = buf_span(&b);
	sweep(zone_scenario);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arena),
		cmocka_unit_test(test_buf),
		cmocka_unit_test(test_map),
		cmocka_unit_test(test_zone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
