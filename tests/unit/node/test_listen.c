/* Where a node may listen. */
#include "cm.h"

#include "node/listen.h"

static void who_may_be_listened_for(void **state)
{
	enum { NOBODY = 8 }; /* beside the four combinations of TLS (1) and account (2): bit i says that combination i is allowed */
	static const struct {
		const char *address;
		int allowed; /* a bit for each combination; -1: no address */
	} rows[] = {
		{"127.0.0.1", 15},
		{"127.0.0.9", 15},
		{"127.255.255.255", 15},
		{"::1", 15},
		{"0::1", 15},
		{"localhost", 15},
		{"0.0.0.0", NOBODY},
		{"::", NOBODY},
		{"192.168.0.10", NOBODY},
		{"126.255.255.255", NOBODY},
		{"128.0.0.1", NOBODY},
		{"::2", NOBODY},
		{"fe80::1", NOBODY},
		{"::ffff:127.0.0.1", NOBODY},
		{"::ffff:10.0.0.1", NOBODY},
		{"", -1},
		{"127.evil", -1},
		{"127.0.0.1.evil", -1},
		{"127.1", -1},
		{"LOCALHOST", -1},
		{"localhost.example", -1},
		{"example.com", -1},
		{"[::1]", -1},
		{"127.0.0.1:80", -1},
		{"*", -1},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (int k = 0; k < 4; k++) {
			bool tls = k & 1, account = k & 2;
			struct diag d = {0};
			int err = listen_allowed(rows[i].address, tls, account, &d);
			int want = rows[i].allowed < 0 ? MO_EINVAL : rows[i].allowed & 1 << k ? 0 : MO_EDENIED;
			if (err != want)
				fail_msg("%s, TLS %d, account %d: %s", rows[i].address, tls, account, mo_err_name(err));
			enum mo_msg msg = want == 0 ? MSG_NONE : want == MO_EINVAL ? MSG_LISTEN_NO_ADDRESS : tls ? MSG_LISTEN_NEEDS_ACCOUNT : account ? MSG_LISTEN_NEEDS_TLS : MSG_LISTEN_NEEDS_BOTH;
			assert_int_equal(d.msg, msg);
			if (want != 0) {
				assert_string_equal(d.value, rows[i].address);
				assert_string_equal(d.expected, "127.0.0.1, ::1");
			}
			assert_int_equal(listen_allowed(rows[i].address, tls, account, NULL), want);
		}
}

static void as_sockets_take_it(void **state)
{
	char out[LISTEN_TEXT_MAX];
	(void)state;
	assert_int_equal(listen_address(out, "localhost", NULL), 0);
	assert_string_equal(out, "127.0.0.1");
	assert_int_equal(listen_address(out, "0:0::1", NULL), 0);
	assert_string_equal(out, "::1");
	assert_int_equal(listen_address(out, "here", NULL), MO_EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(who_may_be_listened_for), cmocka_unit_test(as_sockets_take_it)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
