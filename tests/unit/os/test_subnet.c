/* Networks as text, and what lies in them. */
#include "cm.h"

#include "os/subnet.h"

static void what_lies_where(void **state)
{
	static const struct {
		const char *list, *address;
		bool in;
	} rows[] = {
		{"192.168.0.0/24", "192.168.0.0", true},
		{"192.168.0.0/24", "192.168.0.255", true},
		{"192.168.0.0/24", "192.168.1.0", false},
		{"192.168.0.0/24", "192.167.255.255", false},
		{"10.128.0.0/9", "10.255.0.1", true},
		{"10.128.0.0/9", "10.127.255.255", false},
		{"128.0.0.0/1", "255.1.2.3", true},
		{"128.0.0.0/1", "127.255.255.255", false},
		{"10.0.0.7", "10.0.0.7", true},
		{"10.0.0.7/32", "10.0.0.7", true},
		{"10.0.0.7", "10.0.0.6", false},
		{"127.0.0.1/32, ::1", "127.0.0.2", false},
		{"127.0.0.1/32, ::1", "::1", true},
		{"fd00:1::/64", "fd00:1::abcd", true},
		{"fd00:1::/64", "fd00:1:0:1::1", false},
		{"fd00:1::/65", "fd00:1::7fff:0:0:1", true},
		{"fd00:1::/65", "fd00:1::8000:0:0:1", false},
		{"fd00:1::/128", "fd00:1::", true},
		{"8000::/1", "fe80::1", true},
		/* One family says nothing of the other, but for what is mapped. */
		{"10.0.0.0/8", "::ffff:10.1.2.3", true},
		{"10.0.0.0/8", "::ffff:11.1.2.3", false},
		{"::/1", "10.0.0.1", false},
		{"10.0.0.0/8", "0a00::", false},
		{" 10.0.0.0/8\n\n172.16.0.0/12 ,\t192.168.0.0/16,", "172.31.0.1", true},
		{"10.0.0.0/8", "", false},
		{"10.0.0.0/8", "10.0.0", false},
		{"10.0.0.0/8", "10.0.0.1%eth0", false},
		{"", "10.0.0.1", false},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct subnets s;
		struct span bad;
		assert_int_equal(subnet_read(&s, span_str(rows[i].list), &bad), 0);
		if (subnet_has(&s, rows[i].address) != rows[i].in)
			fail_msg("%s in %s", rows[i].address, rows[i].list);
	}
}

static void what_is_no_network(void **state)
{
	static const char *const bad[] = {"10.0.0.0/33", "::/129", "0.0.0.0/0", "::/0", "10.0.0.0/", "10.0.0.0/+8", "10.0.0.0/08", "10.0.0.0/-1", "10.0.0.0/8/8",
		"10.0.0.1/8", "192.168.0.128/24", "fd00::1/64", "10.0.0/24", "10.0.0.0/255.0.0.0", "here", "[::1]", "::ffff:10.0.0.0/104", "/8", "10.0.0.0/1000", "*",
		"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb"};
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct subnets s;
		struct span what;
		char list[128];
		strcpy(list, "10.0.0.0/8, ");
		strcat(list, bad[i]);
		strcat(list, " 192.168.0.0/16");
		if (subnet_read(&s, span_str(list), &what) != MO_EINVAL)
			fail_msg("%s", bad[i]);
		assert_true(span_is(what, bad[i]));
		assert_int_equal(s.n, 1);
	}
}

static void as_many_as_there_is_room_for(void **state)
{
	char list[SUBNETS_MAX * 9 + 10] = "";
	struct subnets s;
	struct span bad;
	(void)state;
	for (unsigned i = 0; i < SUBNETS_MAX; i++)
		strcat(list, "10.0.0.7\n");
	assert_int_equal(subnet_read(&s, span_str(list), &bad), 0);
	assert_int_equal(s.n, SUBNETS_MAX);
	strcat(list, "10.0.0.8");
	assert_int_equal(subnet_read(&s, span_str(list), &bad), MO_ELIMIT);
	assert_int_equal(s.n, SUBNETS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(what_lies_where), cmocka_unit_test(what_is_no_network), cmocka_unit_test(as_many_as_there_is_room_for)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
