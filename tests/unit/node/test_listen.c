/* Where a node may listen. */
#include "cm.h"

#include "node/ingest.h"
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

static void the_second_listener(void **state)
{
	static const struct {
		const char *place, *subnets;
		bool account;
		int err;
		enum mo_msg msg;
		const char *address;
		unsigned port;
	} rows[] = {
		{"0.0.0.0:8086", "192.168.0.0/24", true, 0, MSG_NONE, "0.0.0.0", 8086},
		{"[::]:0", "fd00:1::/64\n10.0.0.7", true, 0, MSG_NONE, "::", 0},
		{"localhost:65535", "127.0.0.0/8, ::1", true, 0, MSG_NONE, "127.0.0.1", 65535},
		{"0.0.0.0:8086", "192.168.0.0/24", false, MO_EDENIED, MSG_INGEST_NEEDS_ACCOUNT, NULL, 0},
		{"0.0.0.0:8086", "", true, MO_EINVAL, MSG_INGEST_NO_SUBNETS, NULL, 0},
		{"127.0.0.1:8086", " ,\n", true, MO_EINVAL, MSG_INGEST_NO_SUBNETS, NULL, 0},
		{"0.0.0.0:8086", "", false, MO_EINVAL, MSG_INGEST_NO_SUBNETS, NULL, 0},
		{"0.0.0.0:8086", "0.0.0.0/0", true, MO_EINVAL, MSG_INGEST_BAD_SUBNET, NULL, 0},
		{"0.0.0.0:8086", "10.0.0.0/8, here", true, MO_EINVAL, MSG_INGEST_BAD_SUBNET, NULL, 0},
		{"0.0.0.0", "10.0.0.0/8", true, MO_EINVAL, MSG_INGEST_NO_PLACE, NULL, 0},
		{"0.0.0.0:65536", "10.0.0.0/8", true, MO_EINVAL, MSG_INGEST_NO_PLACE, NULL, 0},
		{"0.0.0.0:-1", "10.0.0.0/8", true, MO_EINVAL, MSG_INGEST_NO_PLACE, NULL, 0},
		{":8086", "10.0.0.0/8", true, MO_EINVAL, MSG_INGEST_NO_PLACE, NULL, 0},
		{"[]:8086", "10.0.0.0/8", true, MO_EINVAL, MSG_INGEST_NO_PLACE, NULL, 0},
		{"::1:8086", "10.0.0.0/8", true, MO_EINVAL, MSG_INGEST_NO_PLACE, NULL, 0},
		{"[127.0.0.1]:8086", "10.0.0.0/8", true, MO_EINVAL, MSG_INGEST_NO_PLACE, NULL, 0},
		{"gateway.example:8086", "10.0.0.0/8", true, MO_EINVAL, MSG_INGEST_NO_PLACE, NULL, 0},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char address[LISTEN_TEXT_MAX];
		struct subnets s;
		struct diag d = {0};
		uint16_t port = 1;
		int err = listen_ingest(address, &port, &s, rows[i].place, rows[i].subnets, rows[i].account, &d);
		if (err != rows[i].err || d.msg != rows[i].msg)
			fail_msg("%s for %s: %s", rows[i].place, rows[i].subnets, mo_err_name(err));
		if (err == 0) {
			assert_string_equal(address, rows[i].address);
			assert_int_equal(port, rows[i].port);
			assert_true(s.n > 0);
		}
	}
	/* One more network than there is room for. */
	char many[16 * (SUBNETS_MAX + 1)] = "", address[LISTEN_TEXT_MAX];
	struct subnets s;
	uint16_t port;
	for (unsigned i = 0; i <= SUBNETS_MAX; i++)
		strcat(many, "10.0.0.7 ");
	assert_int_equal(listen_ingest(address, &port, &s, "0.0.0.0:1", many, true, NULL), MO_ELIMIT);
}

/* A burst, then one for each slot of time; what was refused costs nothing. */
static void no_more_than_so_many_requests(void **state)
{
	struct ingest_rate r = {0};
	int64_t now = INT64_C(1000000000000), wait, each = INT64_C(1000000000) / INGEST_REQUESTS_A_SECOND;
	(void)state;
	for (unsigned i = 0; i < INGEST_BURST; i++)
		assert_true(ingest_rate_take(&r, now, &wait));
	for (unsigned i = 0; i < 10; i++) {
		assert_false(ingest_rate_take(&r, now, &wait));
		assert_int_equal(wait, each);
	}
	assert_false(ingest_rate_take(&r, now + each - 1, &wait));
	assert_int_equal(wait, 1);
	assert_true(ingest_rate_take(&r, now + each, &wait));
	assert_false(ingest_rate_take(&r, now + each, &wait));
	unsigned got = 0;
	for (unsigned i = 0; i < 1000; i++)
		got += ingest_rate_take(&r, now + INT64_C(10000000000), &wait);
	assert_int_equal(got, INGEST_BURST); /* no more is saved up than that */
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(who_may_be_listened_for), cmocka_unit_test(as_sockets_take_it),
		cmocka_unit_test(the_second_listener), cmocka_unit_test(no_more_than_so_many_requests)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
