/* Addresses as text. */
#include "cm.h"

#include "os/address.h"

static void kinds(void **state)
{
	static const struct {
		const char *text;
		enum address_kind kind;
		const char *canonical;
	} rows[] = {
		{"127.0.0.1", ADDRESS_LOOPBACK, "127.0.0.1"},
		{"127.255.255.254", ADDRESS_LOOPBACK, "127.255.255.254"},
		{"::1", ADDRESS_LOOPBACK, "::1"},
		{"0:0:0:0:0:0:0:1", ADDRESS_LOOPBACK, "::1"},
		{"0.0.0.0", ADDRESS_ANY, "0.0.0.0"},
		{"::", ADDRESS_ANY, "::"},
		{"::ffff:0.0.0.0", ADDRESS_ANY, "::ffff:0.0.0.0"},
		/* A mapped address is IPv4's business, which an IPv6 socket of ours does not take: not loopback. */
		{"::ffff:127.0.0.1", ADDRESS_ONE, "::ffff:127.0.0.1"},
		{"128.0.0.1", ADDRESS_ONE, "128.0.0.1"},
		{"10.0.0.7", ADDRESS_ONE, "10.0.0.7"},
		{"::2", ADDRESS_ONE, "::2"},
		{"FE80::A", ADDRESS_ONE, "fe80::a"},
		{"", ADDRESS_NONE, NULL},
		{"127.1", ADDRESS_NONE, NULL},
		{"127.0.0.1.evil", ADDRESS_NONE, NULL},
		{"127.evil", ADDRESS_NONE, NULL},
		{"0x7f.0.0.1", ADDRESS_NONE, NULL},
		{"256.0.0.1", ADDRESS_NONE, NULL},
		{"[::1]", ADDRESS_NONE, NULL},
		{"::1%lo", ADDRESS_NONE, NULL},
		{"localhost", ADDRESS_NONE, NULL},
		{"127.0.0.1 ", ADDRESS_NONE, NULL},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char out[64] = "before";
		if (address_read(rows[i].text, out, sizeof out) != rows[i].kind)
			fail_msg("%s", rows[i].text);
		assert_string_equal(out, rows[i].canonical ? rows[i].canonical : "before");
		assert_int_equal(address_read(rows[i].text, NULL, 0), rows[i].kind);
	}
	char small[4];
	assert_int_equal(address_read("127.0.0.1", small, sizeof small), ADDRESS_NONE);
	char text[64];
	static const uint8_t four[4] = {10, 0, 0, 255}, sixteen[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 9};
	assert_true(address_text(text, sizeof text, four, 4));
	assert_string_equal(text, "10.0.0.255");
	assert_true(address_text(text, sizeof text, sixteen, 16));
	assert_string_equal(text, "2001:db8::9");
	assert_false(address_text(text, sizeof text, sixteen, 8));
	assert_false(address_text(text, 3, four, 4));
}

static void host_name(void **state)
{
	char name[256], small[1];
	(void)state;
	if (address_hostname(name, sizeof name) == 0)
		assert_true(strlen(name) > 0);
	assert_int_equal(address_hostname(small, sizeof small), MO_ENOENT);
}

/* What others may reach: no loopback, nothing of one link alone, no doubles, in order. */
static void of_the_machine(void **state)
{
	struct address_list a, b;
	(void)state;
	assert_int_equal(address_machine(&a), 0);
	assert_true(a.n <= ADDRESS_MACHINE_MAX);
	for (size_t i = 0; i < a.n; i++) {
		char canonical[ADDRESS_TEXT_MAX];
		assert_int_equal(address_read(a.text[i], canonical, sizeof canonical), ADDRESS_ONE);
		assert_string_equal(canonical, a.text[i]);
		assert_true(strncmp(a.text[i], "fe8", 3) != 0 && strncmp(a.text[i], "169.254.", 8) != 0);
		assert_true(i == 0 || strcmp(a.text[i - 1], a.text[i]) < 0);
	}
	b = a;
	assert_true(address_list_equal(&a, &b));
	b.n = b.n ? b.n - 1 : 1;
	assert_false(address_list_equal(&a, &b));
	b = (struct address_list){.n = 1, .text = {"10.0.0.1"}};
	a = (struct address_list){.n = 1, .text = {"10.0.0.2"}};
	assert_false(address_list_equal(&a, &b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(kinds), cmocka_unit_test(host_name), cmocka_unit_test(of_the_machine)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
