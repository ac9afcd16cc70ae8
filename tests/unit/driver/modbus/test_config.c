/* What the configuration takes, and that each error names field, value and
 * what was expected. */
#include "cm.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/civil.h"
#include "driver/modbus/modbus.h"
#include "driver/modbus/priv/config.h"
#include "faultalloc.h"

static const char whole[] =
        "{\"driver\":\"modbus\", \"host\":\"127.0.0.1\", \"port\":1502, \"unit\":3, \"poll_ms\":2000, \"timeout_ms\":250,\n"
        " \"max_registers\":60, \"max_gap\":4, \"asset\":\"MLD-01\", \"enabled\":true, \"state\":{\"signal\":\"state\"},\n"
        " \"signals\":[\n"
        "  {\"name\":\"barrel_1\", \"label\":\"배럴 1 온도\", \"unit\":\"°C\", \"table\":\"input\", \"address\":100, \"type\":\"i16\",\n"
        "   \"scale\":0.1, \"offset\":-5, \"min\":0, \"max\":400, \"poll_ms\":10000},\n"
        "  {\"name\":\"plain\", \"address\":7},\n"
        "  {\"name\":\"door\", \"table\":\"coil\", \"address\":65535},\n"
        "  {\"name\":\"alarm\", \"address\":8, \"type\":\"bit\", \"bit\":15, \"order\":\"BA\"},\n"
        "  {\"name\":\"program\", \"address\":20, \"type\":\"string\", \"length\":12},\n"
        "  {\"name\":\"energy\", \"address\":40, \"type\":\"u64\", \"order\":\"CDAB\"},\n"
        "  {\"name\":\"power\", \"address\":44, \"type\":\"f32\", \"order\":\"DCBA\", \"label\":null}],\n"
        " \"cycle\":{\"table\":\"input\", \"poll_ms\":500, \"counter\":{\"address\":200, \"type\":\"u32\", \"order\":\"CDAB\"},\n"
        "  \"lot\":{\"address\":202}, \"signals\":[{\"name\":\"peak\", \"unit\":\"MPa\", \"address\":210, \"scale\":0.01}]}}";

static void test_whole(void **state)
{
	(void)state;
	struct modbus_config c;
	struct arena a;
	struct diag d = {0};
	arena_init(&a, 0);
	assert_int_equal(modbus_config_read(&c, &a, span_str(whole), &d), 0);
	assert_string_equal(c.host, "127.0.0.1");
	assert_string_equal(c.place, "127.0.0.1:1502");
	assert_int_equal(c.port, 1502);
	assert_int_equal(c.unit, 3);
	assert_true(c.timeout_ns == 250 * NS_PER_MS);
	assert_int_equal(c.max_registers, 60);
	assert_int_equal(c.max_gap, 4);
	assert_int_equal(c.n_clock, 7);
	assert_int_equal(c.n_signals, 9);
	assert_int_equal(c.n_items, 10);
	assert_int_equal(c.string_max, 24);
	assert_true(c.cycle_poll_ns == 500 * NS_PER_MS);

	const struct driver_signal *s = c.signals;
	const struct modbus_item *it = c.items;
	assert_string_equal(s[0].name, "barrel_1");
	assert_string_equal(s[0].label, "배럴 1 온도");
	assert_string_equal(s[0].unit, "°C");
	assert_int_equal(s[0].type, DV_F64);
	assert_false(s[0].per_cycle);
	assert_true(s[0].poll_ns == 10 * NS_PER_S);
	assert_int_equal(it[0].table, MODBUS_INPUT);
	assert_int_equal(it[0].type, MODBUS_I16);
	assert_true(it[0].scaled && it[0].scale == 0.1 && it[0].offset == -5 && it[0].min == 0 && it[0].max == 400);
	assert_string_equal(s[1].label, "");
	assert_string_equal(s[1].unit, "");
	assert_int_equal(s[1].type, DV_I64);
	assert_true(s[1].poll_ns == 2 * NS_PER_S);
	assert_int_equal(it[1].table, MODBUS_HOLDING);
	assert_int_equal(it[1].type, MODBUS_U16);
	assert_false(it[1].scaled);
	assert_true(isinf(it[1].min) && isinf(it[1].max));
	assert_int_equal(s[2].type, DV_BOOL);
	assert_int_equal(it[2].table, MODBUS_COIL);
	assert_int_equal(it[3].bit, 15);
	assert_true(it[3].swap_bytes);
	assert_int_equal(s[4].type, DV_STR);
	assert_int_equal(it[4].length, 12);
	assert_true(it[5].swap_words && !it[5].swap_bytes);
	assert_int_equal(it[5].length, 4);
	assert_int_equal(s[6].type, DV_F64);
	assert_true(it[6].swap_words && it[6].swap_bytes);
	assert_string_equal(s[7].name, "lot");
	assert_int_equal(s[7].type, DV_STR);
	assert_true(s[7].per_cycle && s[8].per_cycle);
	assert_int_equal(it[7].length, 8);
	assert_int_equal(it[7].table, MODBUS_INPUT);
	assert_string_equal(s[8].name, "peak");
	assert_int_equal(s[8].type, DV_F64);
	assert_int_equal(it[8].table, MODBUS_INPUT);
	assert_true(s[8].poll_ns == 500 * NS_PER_MS);
	assert_int_equal(it[9].signal, MODBUS_NO_SIGNAL);
	assert_int_equal(it[9].type, MODBUS_U32);
	assert_true(it[9].swap_words);
	arena_free(&a);
}

static void test_defaults(void **state)
{
	(void)state;
	struct modbus_config c;
	struct arena a;
	arena_init(&a, 0);
	assert_int_equal(modbus_config_read(&c, &a, SPAN_LIT("{\"host\":\"plc\",\"cycle\":{\"counter\":{\"address\":0}}}"), NULL), 0);
	assert_int_equal(c.port, 502);
	assert_int_equal(c.unit, 1);
	assert_int_equal(c.max_registers, 125);
	assert_int_equal(c.max_gap, 8);
	assert_true(c.timeout_ns == NS_PER_S && c.cycle_poll_ns == NS_PER_S);
	assert_int_equal(c.n_signals, 0);
	assert_int_equal(c.n_items, 1);
	assert_int_equal(c.items[0].type, MODBUS_U16);
	arena_free(&a);
}

/* In a row: the whole object, or with S(...) one signal of it. */
#define S(members) "{\"host\":\"h\",\"signals\":[{\"name\":\"a\",\"address\":1},{" members "}]}"
#define C(members) "{\"host\":\"h\",\"cycle\":{" members "}}"
static const struct {
	const char *json;
	enum mo_msg msg;
	const char *field, *value, *expected; /* expected NULL: not looked at */
} bad_rows[] = {
        {"[]", MSG_DRIVER_CONFIG_VALUE, "driver", "[…]", NULL},
        {"{\"signals\":[]}", MSG_DRIVER_CONFIG_MISSING, "host", "", "\"192.168.0.10\""},
        {"{\"host\":\"h\"}", MSG_DRIVER_CONFIG_MISSING, "signals", "", NULL},
        {"{\"host\":\"h\",\"signals\":[]}", MSG_DRIVER_CONFIG_MISSING, "signals", "", NULL},
        {"{\"host\":\"\",\"signals\":[]}", MSG_DRIVER_CONFIG_VALUE, "host", "", NULL},
        {"{\"host\":\"a b\",\"signals\":[]}", MSG_DRIVER_CONFIG_VALUE, "host", "a b", NULL},
        {"{\"host\":\"a\\nb\",\"signals\":[]}", MSG_DRIVER_CONFIG_VALUE, "host", NULL, NULL},
        {"{\"host\":5}", MSG_DRIVER_CONFIG_VALUE, "host", "5", "\"192.168.0.10\""},
        {"{\"host\":\"h\",\"driver\":\"s7\"}", MSG_DRIVER_CONFIG_VALUE, "driver", "s7", "modbus"},
        {"{\"host\":\"h\",\"port\":0}", MSG_DRIVER_CONFIG_VALUE, "port", "0", "1..65535"},
        {"{\"host\":\"h\",\"port\":65536}", MSG_DRIVER_CONFIG_VALUE, "port", "65536", "1..65535"},
        {"{\"host\":\"h\",\"port\":\"502\"}", MSG_DRIVER_CONFIG_VALUE, "port", "502", "1..65535"},
        {"{\"host\":\"h\",\"port\":502.5}", MSG_DRIVER_CONFIG_VALUE, "port", "502.5", "1..65535"},
        {"{\"host\":\"h\",\"port\":99999999999999999999}", MSG_DRIVER_CONFIG_VALUE, "port", "99999999999999999999", "1..65535"},
        {"{\"host\":\"h\",\"unit\":256}", MSG_DRIVER_CONFIG_VALUE, "unit", "256", "0..255"},
        {"{\"host\":\"h\",\"unit\":true}", MSG_DRIVER_CONFIG_VALUE, "unit", "true", "0..255"},
        {"{\"host\":\"h\",\"poll_ms\":9}", MSG_DRIVER_CONFIG_VALUE, "poll_ms", "9", "10..86400000"},
        {"{\"host\":\"h\",\"timeout_ms\":-1}", MSG_DRIVER_CONFIG_VALUE, "timeout_ms", "-1", "10..60000"},
        {"{\"host\":\"h\",\"max_registers\":126}", MSG_DRIVER_CONFIG_VALUE, "max_registers", "126", "1..125"},
        {"{\"host\":\"h\",\"max_gap\":125}", MSG_DRIVER_CONFIG_VALUE, "max_gap", "125", "0..124"},
        {"{\"host\":\"h\",\"signals\":{}}", MSG_DRIVER_CONFIG_VALUE, "signals", "{…}", NULL},
        {"{\"host\":\"h\",\"signals\":[5]}", MSG_DRIVER_CONFIG_VALUE, "signals[0]", "5", NULL},
        {"{\"host\":\"h\",\"signal\":[]}", MSG_DRIVER_CONFIG_UNKNOWN, "signal", "[…]",
                "driver, host, port, unit, poll_ms, timeout_ms, max_registers, max_gap, signals, cycle"},
        {S("\"address\":2"), MSG_DRIVER_CONFIG_MISSING, "signals[1].name", "", NULL},
        {S("\"name\":\"b\""), MSG_DRIVER_CONFIG_MISSING, "signals[1].address", "", "0..65535"},
        {S("\"name\":\"b\",\"address\":null"), MSG_DRIVER_CONFIG_MISSING, "signals[1].address", "", "0..65535"},
        {S("\"name\":\"a\",\"address\":2"), MSG_DRIVER_CONFIG_NAME_TWICE, "signals[1].name", "a", NULL},
        {S("\"name\":\"\",\"address\":2"), MSG_DRIVER_CONFIG_VALUE, "signals[1].name", "", NULL},
        {S("\"name\":\"b\",\"address\":65536"), MSG_DRIVER_CONFIG_VALUE, "signals[1].address", "65536", "0..65535"},
        {S("\"name\":\"b\",\"address\":-1"), MSG_DRIVER_CONFIG_VALUE, "signals[1].address", "-1", "0..65535"},
        {S("\"name\":\"b\",\"address\":65535,\"type\":\"u32\""), MSG_DRIVER_CONFIG_VALUE, "signals[1].address", "65535", "0..65534"},
        {S("\"name\":\"b\",\"address\":2,\"unit\":\"123456789012345678901234567890123\""), MSG_DRIVER_CONFIG_VALUE, "signals[1].unit", NULL,
                "\"°C\" (0..32 bytes)"},
        {S("\"name\":\"b\",\"address\":2,\"adress\":2"), MSG_DRIVER_CONFIG_UNKNOWN, "signals[1].adress", "2", NULL},
        {S("\"name\":\"b\",\"address\":2,\"counter\":{}"), MSG_DRIVER_CONFIG_UNKNOWN, "signals[1].counter", "{…}", NULL},
        {S("\"name\":\"b\",\"address\":2,\"table\":\"register\""), MSG_DRIVER_CONFIG_VALUE, "signals[1].table", "register",
                "holding, input, coil, discrete"},
        {S("\"name\":\"b\",\"address\":2,\"type\":\"int\""), MSG_DRIVER_CONFIG_VALUE, "signals[1].type", "int",
                "u16, i16, u32, i32, u64, i64, f32, f64, bit, string"},
        {S("\"name\":\"b\",\"address\":2,\"table\":\"coil\",\"type\":\"u16\""), MSG_DRIVER_CONFIG_VALUE, "signals[1].type", "u16", "bit"},
        {S("\"name\":\"b\",\"address\":2,\"table\":\"coil\",\"bit\":1"), MSG_DRIVER_CONFIG_VALUE, "signals[1].bit", "1",
                "table holding, input"},
        {S("\"name\":\"b\",\"address\":2,\"table\":\"coil\",\"order\":\"AB\""), MSG_DRIVER_CONFIG_VALUE, "signals[1].order", "AB", "-"},
        {S("\"name\":\"b\",\"address\":2,\"order\":\"ABCD\""), MSG_DRIVER_CONFIG_VALUE, "signals[1].order", "ABCD", "AB, BA"},
        {S("\"name\":\"b\",\"address\":2,\"type\":\"f32\",\"order\":\"BA\""), MSG_DRIVER_CONFIG_VALUE, "signals[1].order", "BA",
                "ABCD, CDAB, BADC, DCBA"},
        {S("\"name\":\"b\",\"address\":2,\"type\":\"f64\",\"order\":\"ACBD\""), MSG_DRIVER_CONFIG_VALUE, "signals[1].order", "ACBD",
                "ABCD, CDAB, BADC, DCBA"},
        {S("\"name\":\"b\",\"address\":2,\"type\":\"bit\""), MSG_DRIVER_CONFIG_MISSING, "signals[1].bit", "", "0..15"},
        {S("\"name\":\"b\",\"address\":2,\"type\":\"bit\",\"bit\":16"), MSG_DRIVER_CONFIG_VALUE, "signals[1].bit", "16", "0..15"},
        {S("\"name\":\"b\",\"address\":2,\"bit\":1"), MSG_DRIVER_CONFIG_VALUE, "signals[1].bit", "1", "type bit"},
        {S("\"name\":\"b\",\"address\":2,\"type\":\"string\""), MSG_DRIVER_CONFIG_MISSING, "signals[1].length", "", "1..125"},
        {S("\"name\":\"b\",\"address\":2,\"type\":\"string\",\"length\":126"), MSG_DRIVER_CONFIG_VALUE, "signals[1].length", "126",
                "1..125"},
        {S("\"name\":\"b\",\"address\":2,\"length\":2"), MSG_DRIVER_CONFIG_VALUE, "signals[1].length", "2", "type string"},
        {S("\"name\":\"b\",\"address\":2,\"scale\":0"), MSG_DRIVER_CONFIG_VALUE, "signals[1].scale", "0", "!= 0"},
        {S("\"name\":\"b\",\"address\":2,\"scale\":\"1\""), MSG_DRIVER_CONFIG_VALUE, "signals[1].scale", "1", NULL},
        {S("\"name\":\"b\",\"address\":2,\"scale\":1e999"), MSG_DRIVER_CONFIG_VALUE, "signals[1].scale", "1e999", NULL},
        {S("\"name\":\"b\",\"address\":2,\"min\":5,\"max\":4"), MSG_DRIVER_CONFIG_VALUE, "signals[1].min", "5", "min <= max"},
        {S("\"name\":\"b\",\"address\":2,\"type\":\"string\",\"length\":1,\"max\":4"), MSG_DRIVER_CONFIG_VALUE, "signals[1].max", "4",
                NULL},
        {S("\"name\":\"b\",\"address\":2,\"type\":\"bit\",\"bit\":1,\"offset\":4"), MSG_DRIVER_CONFIG_VALUE, "signals[1].offset", "4",
                NULL},
        {"{\"host\":\"h\",\"max_registers\":3,\"signals\":[{\"name\":\"a\",\"address\":1,\"type\":\"f64\"}]}", MSG_DRIVER_CONFIG_VALUE,
                "signals[0].type", "f64", "max_registers >= 4"},
        {"{\"host\":\"h\",\"max_registers\":3,\"signals\":[{\"name\":\"a\",\"address\":1,\"type\":\"string\",\"length\":4}]}",
                MSG_DRIVER_CONFIG_VALUE, "signals[0].length", "4", "max_registers >= 4"},
        {C("\"table\":\"holding\""), MSG_DRIVER_CONFIG_MISSING, "cycle.counter", "", NULL},
        {C("\"counter\":{}"), MSG_DRIVER_CONFIG_MISSING, "cycle.counter.address", "", "0..65535"},
        {C("\"counter\":{\"address\":1,\"type\":\"i16\"}"), MSG_DRIVER_CONFIG_VALUE, "cycle.counter.type", "i16", "u16, u32, u64"},
        {C("\"counter\":{\"address\":1,\"scale\":2}"), MSG_DRIVER_CONFIG_UNKNOWN, "cycle.counter.scale", "2", "address, type, order"},
        {C("\"counter\":{\"address\":1},\"table\":\"coil\""), MSG_DRIVER_CONFIG_VALUE, "cycle.table", "coil", "holding, input"},
        {C("\"counter\":{\"address\":1},\"lot\":{\"address\":65530}"), MSG_DRIVER_CONFIG_VALUE, "cycle.lot.address", "65530", NULL},
        {C("\"counter\":{\"address\":1},\"lot\":{\"address\":1,\"length\":0}"), MSG_DRIVER_CONFIG_VALUE, "cycle.lot.length", "0", "1..125"},
        {C("\"counter\":{\"address\":1},\"signals\":[{\"name\":\"x\",\"address\":1,\"poll_ms\":100}]"), MSG_DRIVER_CONFIG_UNKNOWN,
                "cycle.signals[0].poll_ms", "100", NULL},
        {C("\"counter\":{\"address\":1},\"lot\":{\"address\":1},\"signals\":[{\"name\":\"lot\",\"address\":1}]"),
                MSG_DRIVER_CONFIG_NAME_TWICE, "cycle.signals[0].name", "lot", NULL},
};

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof bad_rows / sizeof bad_rows[0]; i++) {
		struct driver *dr = NULL;
		struct diag d = {0};
		int err = modbus_driver.open(&dr, span_str(bad_rows[i].json), &d);
		if (err != MO_EINVAL || d.msg != bad_rows[i].msg || strcmp(d.field, bad_rows[i].field) != 0)
			print_message("row %zu: %s\n -> %d, message %d, field '%s'\n", i, bad_rows[i].json, err, (int)d.msg, d.field);
		assert_int_equal(err, MO_EINVAL);
		assert_null(dr);
		assert_int_equal(d.msg, bad_rows[i].msg);
		assert_string_equal(d.field, bad_rows[i].field);
		if (bad_rows[i].value)
			assert_string_equal(d.value, bad_rows[i].value);
		if (bad_rows[i].expected)
			assert_string_equal(d.expected, bad_rows[i].expected);
		/* Without a diag: the same, silently. */
		assert_int_equal(modbus_driver.open(&dr, span_str(bad_rows[i].json), NULL), MO_EINVAL);
	}
}

static void test_syntax(void **state)
{
	(void)state;
	struct driver *dr = NULL;
	struct diag d = {0};
	assert_int_equal(modbus_driver.open(&dr, SPAN_LIT("{\"host\":"), &d), MO_EINVAL);
	assert_int_not_equal(d.msg, MSG_NONE);
	assert_int_equal(modbus_driver.open(&dr, SPAN_LIT(""), &d), MO_EINVAL);
	assert_int_equal(modbus_driver.open(&dr, SPAN_LIT("{\"host\":\"h\",\"host\":\"h\"}"), &d), MO_EINVAL);
	/* The line of what is wrong. */
	assert_int_equal(
	        modbus_driver.open(&dr, SPAN_LIT("{\"host\":\"h\",\n\"signals\":[\n{\"name\":\"a\",\n\"address\":x}]}"), &d), MO_EINVAL);
	assert_int_equal(d.line, 4);
	assert_int_equal(modbus_driver.open(&dr, SPAN_LIT("{\"host\":\"h\",\n\"signals\":[\n{\"name\":\"a\",\n\"address\":\"1\"}]}"), &d),
	        MO_EINVAL);
	assert_int_equal(d.line, 4);
}

static char *many(size_t n)
{
	char *json = malloc(64 + n * 64);
	assert_non_null(json);
	size_t at = (size_t)sprintf(json, "{\"host\":\"h\",\"signals\":[");
	for (size_t i = 0; i < n; i++)
		at += (size_t)sprintf(json + at, "%s{\"name\":\"s%zu\",\"address\":%zu}", i ? "," : "", i, i);
	strcpy(json + at, "]}");
	return json;
}

static void test_limits(void **state)
{
	(void)state;
	struct driver *dr = NULL;
	struct diag d = {0};
	size_t n;
	char *json = many(MODBUS_SIGNALS_MAX - 1);
	assert_int_equal(modbus_driver.open(&dr, span_str(json), &d), 0);
	assert_string_equal(modbus_driver.signals(dr, &n)[4094].name, "s4094");
	assert_int_equal(n, 4095);
	modbus_driver.close(dr);
	free(json);
	json = many(MODBUS_SIGNALS_MAX);
	assert_int_equal(modbus_driver.open(&dr, span_str(json), &d), MO_EINVAL);
	assert_string_equal(d.field, "signals");
	assert_string_equal(d.value, "4096");
	free(json);
	uint8_t *blank = calloc(1, MODBUS_CONFIG_MAX + 1);
	assert_non_null(blank);
	memset(blank, ' ', MODBUS_CONFIG_MAX + 1);
	assert_int_equal(modbus_driver.open(&dr, span_of(blank, MODBUS_CONFIG_MAX + 1), &d), MO_ELIMIT);
	assert_int_equal(d.msg, MSG_DRIVER_CONFIG_SIZE);
	free(blank);
}

/* Every allocation of open() fails once. */
static void test_memory(void **state)
{
	(void)state;
	uint64_t nth = 0;
	for (;;) {
		struct driver *dr = NULL;
		struct diag d = {0};
		faultalloc_arm(++nth);
		int err = modbus_driver.open(&dr, span_str(whole), &d);
		int fired = faultalloc_fired();
		faultalloc_arm(0);
		if (!fired) {
			assert_int_equal(err, 0);
			modbus_driver.close(dr);
			break;
		}
		assert_int_equal(err, MO_ENOMEM);
		assert_int_equal(d.err, MO_ENOMEM);
		assert_null(dr);
	}
	assert_true(nth > 5);
	modbus_driver.close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_whole), cmocka_unit_test(test_defaults), cmocka_unit_test(test_bad),
	        cmocka_unit_test(test_syntax), cmocka_unit_test(test_limits), cmocka_unit_test(test_memory)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
