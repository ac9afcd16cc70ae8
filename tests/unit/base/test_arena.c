#include "cm.h"

#include "base/arena.h"

static void test_allocates_aligned(void **state)
{
	(void)state;
	struct arena a;
	arena_init(&a, 0);
	for (size_t n = 0; n < 300; n++) {
		uint8_t *p = arena_alloc(&a, n);
		assert_non_null(p);
		assert_int_equal((uintptr_t)p % 16, 0);
		memset(p, 0xAA, n);
	}
	assert_ptr_not_equal(arena_alloc(&a, 0), arena_alloc(&a, 0));
	arena_free(&a);
	arena_free(&a);
	arena_free(NULL);
}

static void test_limit(void **state)
{
	(void)state;
	struct arena a;
	arena_init(&a, 64);
	assert_non_null(arena_alloc(&a, 48));
	assert_null(arena_alloc(&a, 17));
	assert_non_null(arena_alloc(&a, 16));
	assert_null(arena_alloc(&a, 1));
	assert_int_equal(a.used_bytes, 64);
	arena_reset(&a);
	assert_non_null(arena_alloc(&a, 64));
	arena_free(&a);
}

static void test_sizes_do_not_overflow(void **state)
{
	(void)state;
	struct arena a;
	arena_init(&a, 0);
	assert_null(arena_alloc(&a, SIZE_MAX));
	assert_null(arena_alloc(&a, SIZE_MAX - 20));
	assert_null(arena_calloc(&a, SIZE_MAX / 2, 3));
	uint8_t *p = arena_calloc(&a, 100, 10);
	assert_non_null(p);
	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(p[i], 0);
	arena_free(&a);
}

static void test_reset_keeps_the_largest(void **state)
{
	(void)state;
	struct arena a;
	arena_init(&a, 0);
	void *large = arena_alloc(&a, 100000);
	for (int i = 0; i < 100; i++)
		assert_non_null(arena_alloc(&a, 3000));
	arena_reset(&a);
	(void)large;
	struct arena_block *kept = a.head;
	assert_non_null(arena_alloc(&a, 100000));
	assert_ptr_equal(a.head, kept);
	arena_free(&a);
	arena_init(&a, 0);
	arena_reset(&a); /* nothing yet */
	arena_free(&a);
}

static void test_text(void **state)
{
	(void)state;
	struct arena a;
	arena_init(&a, 0);
	assert_string_equal(arena_strdup(&a, SPAN_LIT("abc")), "abc");
	assert_string_equal(arena_strdup(&a, (struct span){0}), "");
	assert_string_equal(arena_printf(&a, "%d-%s", 7, "x"), "7-x");
	assert_string_equal(arena_printf(&a, "%5000d", 1) + 4999, "1");
	struct span s = arena_dup(&a, SPAN_LIT("a\0b"));
	assert_true(span_eq(s, SPAN_LIT("a\0b")));
	s = arena_dup(&a, (struct span){0});
	assert_non_null(s.p);
	assert_int_equal(s.n, 0);
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_allocates_aligned),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_sizes_do_not_overflow),
		cmocka_unit_test(test_reset_keeps_the_largest),
		cmocka_unit_test(test_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
