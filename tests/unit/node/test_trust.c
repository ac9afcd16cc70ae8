/* Entries of the trust list as documents: what is written is read again, what is none is refused in words; each allocation fails once. */
#include "cm.h"

#include <stdlib.h>

#include "codec/json.h"
#include "faultalloc.h"
#include "node/trust.h"

static const char whole[] = "{\"state\":\"trusted\",\"purposes\":[\"https-out\",\"partner\"],\"authority\":true,\"label\":\"대한 CA\",\"peer\":\"sink:ERP\",\"by\":\"kim\","
							"\"added\":1795000000000000000,\"certificate\":\"-----BEGIN CERTIFICATE-----\\n\"}";

static void there_and_back(void **state)
{
	static struct trust_entry e, again;
	struct buf b;
	struct diag d = {0};
	(void)state;
	assert_int_equal(trust_entry_read(&e, span_str(whole), &d), 0);
	assert_true(e.state == TRUST_TRUSTED && e.authority && e.purposes == (trust_bit(TRUST_HTTPS_OUT) | trust_bit(TRUST_PARTNER)));
	assert_string_equal(e.label, "대한 CA");
	assert_string_equal(e.by, "kim");
	buf_init(&b, 0);
	trust_entry_write(&b, &e);
	assert_int_equal(trust_entry_read(&again, buf_span(&b), &d), 0);
	assert_memory_equal(&e, &again, sizeof e);
	buf_free(&b);
}

static void refused(void **state)
{
	static const char *const bad[] = {"", "[]", "{}", "{\"state\":\"maybe\",\"purposes\":[\"opcua\"],\"certificate\":\"x\"}", "{\"state\":\"trusted\",\"certificate\":\"x\"}",
		"{\"state\":\"trusted\",\"purposes\":[],\"certificate\":\"x\"}", "{\"state\":\"trusted\",\"purposes\":[1],\"certificate\":\"x\"}",
		"{\"state\":\"trusted\",\"purposes\":[\"all\"],\"certificate\":\"x\"}", "{\"state\":\"trusted\",\"purposes\":[\"opcua\"]}",
		"{\"state\":\"trusted\",\"purposes\":[\"opcua\"],\"certificate\":\"x\",\"authority\":1}",
		"{\"state\":\"trusted\",\"purposes\":[\"opcua\"],\"certificate\":\"x\",\"label\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}"};
	static struct trust_entry e;
	struct diag d;
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		d = (struct diag){0};
		int err = trust_entry_read(&e, span_str(bad[i]), &d);
		if (err == 0 || d.msg == MSG_NONE)
			fail_msg("%s: %s", bad[i], mo_err_name(err));
	}
	char name[TRUST_NAME_TEXT];
	const uint8_t sha256[32] = {0xab, 1};
	trust_entry_name(name, sha256);
	assert_int_equal(trust_name_check(span_str(name), &d), 0);
	name[0] = 'A';
	assert_int_equal(trust_name_check(span_str(name), &d), MO_EINVAL);
	assert_int_equal(trust_name_check(SPAN_LIT("ab01"), &d), MO_EINVAL);
}

static void each_allocation(void **state)
{
	static struct trust_entry e;
	(void)state;
	for (uint64_t n = 1;; n++) {
		struct diag d = {0};
		struct buf b;
		buf_init(&b, 0);
		faultalloc_arm(n);
		int err = trust_entry_read(&e, span_str(whole), &d);
		if (err == 0) {
			trust_entry_write(&b, &e);
			err = b.err;
		}
		int fired = faultalloc_fired();
		faultalloc_arm(0);
		buf_free(&b);
		assert_int_equal(err, fired ? MO_ENOMEM : 0);
		if (!fired) {
			assert_true(n > 2);
			break;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(there_and_back), cmocka_unit_test(refused), cmocka_unit_test(each_allocation)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
