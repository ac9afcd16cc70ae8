/* Frames as literal bytes, from the public specifications: "MODBUS Application
 * Protocol Specification V1.1b3" (section numbers alone) and "MODBUS Messaging
 * on TCP/IP Implementation Guide V1.0b" (marked TCP). */
#include "cm.h"

#include "driver/driver.h"
#include "driver/modbus/priv/pdu.h"

static void encodes(const struct modbus_request *r, const char *want)
{
	uint8_t out[MODBUS_REQUEST_SIZE];
	modbus_pdu_encode(out, r);
	assert_memory_equal(out, want, sizeof out);
}

static void test_requests(void **state)
{
	(void)state;
	/* 6.1: read coils 20-38 */
	encodes(&(struct modbus_request){0x0001, 0x11, MODBUS_COIL, 0x0013, 0x0013}, "\x00\x01\x00\x00\x00\x06\x11\x01\x00\x13\x00\x13");
	/* 6.2: read discrete inputs 197-218 */
	encodes(&(struct modbus_request){0x0002, 0x11, MODBUS_DISCRETE, 0x00c4, 0x0016},
	        "\x00\x02\x00\x00\x00\x06\x11\x02\x00\xc4\x00\x16");
	/* 6.3: read holding registers 108-110 */
	encodes(&(struct modbus_request){0x0003, 0x11, MODBUS_HOLDING, 0x006b, 0x0003}, "\x00\x03\x00\x00\x00\x06\x11\x03\x00\x6b\x00\x03");
	/* 6.4: read input register 9 */
	encodes(&(struct modbus_request){0x0004, 0x11, MODBUS_INPUT, 0x0008, 0x0001}, "\x00\x04\x00\x00\x00\x06\x11\x04\x00\x08\x00\x01");
	/* TCP 4.4.2: register 5 of unit 0xff, transaction 0x1501 */
	encodes(&(struct modbus_request){0x1501, 0xff, MODBUS_HOLDING, 0x0004, 0x0001}, "\x15\x01\x00\x00\x00\x06\xff\x03\x00\x04\x00\x01");
}

static int decode(struct modbus_answer *ret, const struct modbus_request *r, const void *bytes, size_t n, struct diag *d)
{
	size_t size;
	int err = modbus_pdu_size(&size, span_of(bytes, n), d);
	if (err)
		return err;
	assert_int_equal(size, n);
	assert_int_equal(modbus_pdu_transaction(span_of(bytes, n)), r->transaction);
	return modbus_pdu_decode(ret, span_of(bytes, n), r, d);
}
#define DECODE(ret, r, bytes, d) decode(ret, r, bytes, sizeof(bytes) - 1, d)

static void test_answers(void **state)
{
	(void)state;
	struct modbus_answer a;
	/* 6.1: CD 6B 05: coil 20 is bit 0 of the first byte */
	assert_int_equal(
	        DECODE(&a, (&(struct modbus_request){1, 0x11, MODBUS_COIL, 0x13, 0x13}), "\0\1\0\0\0\6\x11\x01\x03\xcd\x6b\x05", NULL), 0);
	assert_int_equal(a.exception, 0);
	assert_int_equal(a.data.n, 3);
	assert_memory_equal(a.data.p, "\xcd\x6b\x05", 3);
	/* 6.2: AC DB 35 */
	assert_int_equal(
	        DECODE(&a, (&(struct modbus_request){2, 0x11, MODBUS_DISCRETE, 0xc4, 0x16}), "\0\2\0\0\0\6\x11\x02\x03\xac\xdb\x35", NULL),
	        0);
	assert_memory_equal(a.data.p, "\xac\xdb\x35", 3);
	/* 6.3: 02 2B 00 00 00 64: 555, 0, 100 */
	assert_int_equal(DECODE(&a, (&(struct modbus_request){3, 0x11, MODBUS_HOLDING, 0x6b, 3}),
	                         "\0\3\0\0\0\x09\x11\x03\x06\x02\x2b\0\0\0\x64", NULL),
	        0);
	assert_int_equal(a.data.n, 6);
	assert_memory_equal(a.data.p, "\x02\x2b\0\0\0\x64", 6);
	/* 6.4: 00 0A */
	assert_int_equal(DECODE(&a, (&(struct modbus_request){4, 0x11, MODBUS_INPUT, 8, 1}), "\0\4\0\0\0\5\x11\x04\x02\0\x0a", NULL), 0);
	assert_memory_equal(a.data.p, "\0\x0a", 2);
	/* An answer to TCP 4.4.2's request, laid out by TCP 3.1.3 */
	assert_int_equal(
	        DECODE(&a, (&(struct modbus_request){0x1501, 0xff, MODBUS_HOLDING, 4, 1}), "\x15\x01\0\0\0\5\xff\x03\x02\0\5", NULL), 0);
	assert_memory_equal(a.data.p, "\0\5", 2);
}

static void test_exceptions(void **state)
{
	(void)state;
	struct modbus_answer a;
	/* 7: read coil 1186: exception 02, illegal data address */
	struct modbus_request r = {7, 0x11, MODBUS_COIL, 0x04a1, 1};
	assert_int_equal(DECODE(&a, &r, "\0\7\0\0\0\3\x11\x81\x02", NULL), 0);
	assert_int_equal(a.exception, 2);
	static const uint8_t known[] = {1, 2, 3, 4, 5, 6, 8, 10, 11};
	for (size_t i = 0; i < sizeof known; i++) {
		assert_int_not_equal(modbus_exception_message(known[i]), MSG_MODBUS_OTHER_EXCEPTION);
		for (size_t j = 0; j < i; j++)
			assert_int_not_equal(modbus_exception_message(known[i]), modbus_exception_message(known[j]));
	}
	assert_int_equal(modbus_exception_message(7), MSG_MODBUS_OTHER_EXCEPTION);
	assert_int_equal(modbus_exception_message(9), MSG_MODBUS_OTHER_EXCEPTION);
	assert_int_equal(modbus_exception_message(255), MSG_MODBUS_OTHER_EXCEPTION);
}

static void refused(const struct modbus_request *r, const void *bytes, size_t n, const char *field, const char *value, const char *expected)
{
	struct modbus_answer a;
	struct diag d = {0};
	assert_int_equal(decode(&a, r, bytes, n, &d), MO_EPROTO);
	assert_int_equal(d.err, MO_EPROTO);
	assert_int_equal(d.msg, MSG_MODBUS_BAD_ANSWER);
	assert_string_equal(d.field, field);
	assert_string_equal(d.value, value);
	assert_string_equal(d.expected, expected);
}
#define REFUSED(r, bytes, field, value, expected) refused(r, bytes, sizeof(bytes) - 1, field, value, expected)

static void test_wrong(void **state)
{
	(void)state;
	struct modbus_request r = {1, 0x11, MODBUS_HOLDING, 0x6b, 2};
	REFUSED(&r, "\0\1\0\1\0\7\x11\x03\x04\0\0\0\0", "protocol", "1", "0");
	REFUSED(&r, "\0\1\0\0\0\2\x11\x03", "length", "2", "3..254");
	REFUSED(&r, "\0\1\0\0\0\xff\x11\x03\x04\0\0\0\0", "length", "255", "3..254");
	REFUSED(&r, "\0\1\0\0\0\7\x12\x03\x04\0\0\0\0", "unit", "18", "17");
	REFUSED(&r, "\0\1\0\0\0\7\x11\x04\x04\0\0\0\0", "function", "4", "3");
	REFUSED(&r, "\0\1\0\0\0\3\x11\x84\x02", "function", "132", "3");
	REFUSED(&r, "\0\1\0\0\0\7\x11\x03\x03\0\0\0\0", "bytes", "3", "4");
	REFUSED(&r, "\0\1\0\0\0\5\x11\x03\x02\0\0", "length", "5", "7");
	REFUSED(&r, "\0\1\0\0\0\x08\x11\x03\x04\0\0\0\0\0", "length", "8", "7");
	REFUSED(&r, "\0\1\0\0\0\4\x11\x83\x02\0", "length", "4", "3");
	REFUSED(&r, "\0\1\0\0\0\3\x11\x83\x00", "exception", "0", "1..255");
}

static void test_pieces(void **state)
{
	(void)state;
	static const char frame[] = "\0\3\0\0\0\x09\x11\x03\x06\x02\x2b\0\0\0\x64";
	size_t size;
	for (size_t n = 0; n < sizeof frame - 1; n++)
		assert_int_equal(modbus_pdu_size(&size, span_of(frame, n), NULL), MO_EAGAIN);
	assert_int_equal(modbus_pdu_size(&size, span_of(frame, sizeof frame - 1), NULL), 0);
	/* A stream of something else is refused as soon as it shows. */
	assert_int_equal(modbus_pdu_size(&size, span_str("HTTP"), NULL), MO_EPROTO);
	/* The largest frame: unit and a PDU of 253 bytes (4.1). */
	uint8_t big[MODBUS_ADU_MAX] = {0, 1, 0, 0, 0, 254, 1, 3, 250};
	assert_int_equal(modbus_pdu_size(&size, span_of(big, sizeof big), NULL), 0);
	assert_int_equal(size, MODBUS_ADU_MAX);
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(driver_state_name(DRIVER_OFFLINE), "offline");
	assert_string_equal(driver_state_name(DRIVER_CONNECTING), "connecting");
	assert_string_equal(driver_state_name(DRIVER_ONLINE), "online");
	assert_string_equal(driver_state_name(DRIVER_STATES), "?");
	assert_string_equal(modbus_table_name(MODBUS_COIL), "coil");
	assert_string_equal(modbus_table_name(MODBUS_DISCRETE), "discrete");
	assert_string_equal(modbus_table_name(MODBUS_HOLDING), "holding");
	assert_string_equal(modbus_table_name(MODBUS_INPUT), "input");
	assert_string_equal(modbus_table_name((enum modbus_table)5), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_requests), cmocka_unit_test(test_answers),
	        cmocka_unit_test(test_exceptions), cmocka_unit_test(test_wrong), cmocka_unit_test(test_pieces),
	        cmocka_unit_test(test_names)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
