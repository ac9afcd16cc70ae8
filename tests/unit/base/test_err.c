#include "cm.h"

#include "base/err.h"

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(mo_err_name(0), "ok");
	assert_string_equal(mo_err_name(MO_ENOMEM), "enomem");
	assert_string_equal(mo_err_name(MO_ECORRUPT), "corrupt");
	assert_string_equal(mo_err_name(MO_EBUG), "bug");
	assert_string_equal(mo_err_name(1), "?");
	assert_string_equal(mo_err_name(MO_EBUG - 1), "?");
	assert_string_equal(mo_err_name(-2147483647 - 1), "?");
}

static void test_names_are_distinct(void **state)
{
	(void)state;
	for (int a = 0; a >= MO_EBUG; a--)
		for (int b = 0; b > a; b--)
			assert_string_not_equal(mo_err_name(a), mo_err_name(b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_names_are_distinct),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
