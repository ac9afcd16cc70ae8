#include "cm.h"

#include <stdio.h>

#include "base/map.h"

static void test_many(void **state)
{
	(void)state;
	struct map m;
	map_init(&m);
	assert_null(map_get(&m, SPAN_LIT("x")));
	assert_false(map_remove(&m, SPAN_LIT("x")));
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < 5000; i++) {
			char key[16];
			int n = snprintf(key, sizeof key, "key%u", i);
			assert_int_equal(map_put(&m, span_of(key, (size_t)n), i + round), 0);
		}
		assert_int_equal(m.n, 5000);
	}
	for (unsigned i = 0; i < 5000; i += 2) {
		char key[16];
		int n = snprintf(key, sizeof key, "key%u", i);
		assert_true(map_remove(&m, span_of(key, (size_t)n)));
		assert_false(map_remove(&m, span_of(key, (size_t)n)));
	}
	size_t pos = 0;
	uint64_t sum = 0;
	unsigned n = 0;
	for (const struct map_slot *s; (s = map_next(&m, &pos)); n++)
		sum += s->value;
	assert_int_equal(n, 2500);
	assert_int_equal(sum, 2500 * 2501);
	map_free(&m);
	map_free(&m);
	map_free(NULL);
}

static void test_keys_are_bytes(void **state)
{
	(void)state;
	struct map m;
	map_init(&m);
	char key[] = "a";
	assert_int_equal(map_put(&m, span_of(key, 1), 1), 0);
	key[0] = 'b'; /* the map holds its own copy */
	assert_int_equal(*map_get(&m, SPAN_LIT("a")), 1);
	assert_null(map_get(&m, SPAN_LIT("b")));
	assert_int_equal(map_put(&m, SPAN_LIT("a\0"), 2), 0);
	assert_int_equal(map_put(&m, (struct span){0}, 3), 0);
	assert_int_equal(*map_get(&m, SPAN_LIT("")), 3);
	assert_int_equal(*map_get(&m, SPAN_LIT("a\0")), 2);
	*map_get(&m, SPAN_LIT("a")) = 9;
	assert_int_equal(*map_get(&m, SPAN_LIT("a")), 9);
	assert_true(map_remove(&m, (struct span){0}));
	assert_int_equal(m.n, 2);
	map_free(&m);
}

static void test_long_key_is_refused(void **state)
{
	(void)state;
	struct map m;
	map_init(&m);
	struct span s = span_of("", (size_t)UINT32_MAX + 1); /* never looked at */
	assert_int_equal(map_put(&m, s, 1), MO_ELIMIT);
	assert_null(map_get(&m, s));
	assert_int_equal(map_put(&m, SPAN_LIT("a"), 1), 0);
	assert_null(map_get(&m, s));
	assert_false(map_remove(&m, s));
	map_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_keys_are_bytes),
		cmocka_unit_test(test_long_key_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
