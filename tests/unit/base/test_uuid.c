#include "cm.h"

#include "base/uuid.h"

static void test_rfc9562_example(void **state)
{
	(void)state;
	/* Appendix A.6: 2022-02-22 14:22:22 GMT-05:00 */
	static const uint8_t random[10] = {0x0C, 0xC3, 0x18, 0xC4, 0xDC, 0x0C, 0x0C, 0x07, 0x39, 0x8F};
	char text[UUID_TEXT];
	struct uuid u = uuid_v7(INT64_C(1645557742000) * 1000000 + 999999, random);
	uuid_format(text, &u);
	assert_string_equal(text, "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
	u = uuid_v7(-1, random);
	assert_int_equal(u.b[5], 0);
}

static void test_parse(void **state)
{
	(void)state;
	struct uuid a, b;
	assert_int_equal(uuid_parse(&a, SPAN_LIT("017F22E2-79B0-7CC3-98C4-DC0C0C07398F")), 0);
	assert_int_equal(uuid_parse(&b, SPAN_LIT("URN:uuid:017f22e2-79b0-7cc3-98c4-dc0c0c07398f")), 0);
	assert_true(uuid_eq(&a, &b));
	assert_false(uuid_is_nil(&a));
	assert_int_equal(uuid_parse(&a, SPAN_LIT("00000000-0000-0000-0000-000000000000")), 0);
	assert_true(uuid_is_nil(&a));
	static const char *const bad[] = {"", "017f22e2", "017f22e2-79b0-7cc3-98c4-dc0c0c07398", "017f22e2-79b0-7cc3-98c4-dc0c0c07398ff",
		"017f22e279b0-7cc3-98c4--dc0c0c07398f", "017f22e2-79b0-7cc3-98c4-dc0c0c07398g", "{017f22e2-79b0-7cc3-98c4-dc0c0c07398}",
		"urn-uuid:017f22e2-79b0-7cc3-98c4-dc0c0c07398f", "017f22e2-79b0-7cc3-98c4_dc0c0c07398f"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		b = a;
		assert_int_equal(uuid_parse(&b, span_str(bad[i])), MO_EINVAL);
		assert_true(uuid_eq(&a, &b));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc9562_example),
		cmocka_unit_test(test_parse),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
