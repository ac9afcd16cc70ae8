/* When the memory of connections that left goes back. */
#include "cm.h"

#include "node/connections.h"

static void test_trim(void **state)
{
	struct connections_trim t = {0};
	(void)state;
	assert_false(connections_trim_due(&t, 0));
	for (unsigned i = 1; i <= 10; i++)
		assert_false(connections_trim_due(&t, i * 1000));
	assert_false(connections_trim_due(&t, 10000));
	/* Half have left: not while they are still leaving. */
	assert_false(connections_trim_due(&t, 4000));
	assert_false(connections_trim_due(&t, 3000));
	assert_true(connections_trim_due(&t, 3000));
	assert_false(connections_trim_due(&t, 3000)); /* once */
	assert_false(connections_trim_due(&t, 0));
	assert_true(connections_trim_due(&t, 0));
	/* A few come and go all day. */
	for (unsigned i = 0; i < 100; i++)
		assert_false(connections_trim_due(&t, i / 2 % 2 * (CONNECTIONS_LEFT_MIN - 1)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_trim)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
