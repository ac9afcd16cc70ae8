/* What becomes a cell, a line, a name, a settings document of an export; no I/O. */
#include <math.h>

#include "cm.h"

#include "node/priv/export.h"
#include "store/store.h"

static const char *text(struct buf *b)
{
	buf_addc(b, 0);
	assert_int_equal(b->err, 0);
	return (const char *)b->p;
}

static void names(void **state)
{
	static const char *const of[][2] = {{"MLD-01", "MLD-01"}, {"온도", "온도"}, {"a/b\\c:d*?\"<>|", "a_b_c_d______"}, {"..", "__"}, {".x.", "_x_"}, {" a ", "_a_"},
		{"", "_"}, {"a\nb\x7f", "a_b_"}, {"\xff", "_"},
		{"1234567890123456789012345678901234567890123456789012345678901", "123456789012345678901234567890123456789012345678901234567890"},
		{"가나다라마바사아자차카타파하가나다라마바사", "가나다라마바사아자차카타파하가나다라마바"}};
	(void)state;
	for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
		struct buf b;
		buf_init(&b, 0);
		export_name(&b, span_str(of[i][0]));
		assert_string_equal(text(&b), of[i][1]);
		buf_free(&b);
	}
}

/* Whatever says that it is a secret stays at home, at any depth. */
static void settings(void **state)
{
	static const char in[] = "{\"host\":\"h\",\"password\":\"p1\",\"Auth\":{\"apiKey\":\"p2\",\"user\":\"u\"},\"list\":[{\"client_secret\":\"p3\",\"n\":1.50}],\"key\":\"p4\","
		"\"keys_seen\":2,\"private_pem\":\"p5\",\"accessToken\":null}";
	struct buf b;
	struct json_writer w;
	struct diag d = {0};
	(void)state;
	buf_init(&b, 0);
	json_writer_init(&w, &b);
	assert_int_equal(export_settings(&w, span_str(in), &d), 0);
	assert_string_equal(text(&b), "{\"host\":\"h\",\"Auth\":{\"user\":\"u\"},\"list\":[{\"n\":1.50}],\"keys_seen\":2}");
	buf_free(&b);
}

static void values(void **state)
{
	const int64_t t[] = {0, 1500000000};
	const double v[] = {1.5, (double)NAN};
	const uint64_t seq[] = {7, 8};
	const uint8_t q[] = {Q_GOOD, Q_BAD_COMM};
	struct series_def def = {.type = SERIES_F64, .kind = SERIES_SEQUENCE};
	struct sdb_batch batch = {.n = 2, .t_ns = t, .seq = seq, .quality = q, .f64 = v};
	struct buf b;
	(void)state;
	buf_init(&b, 0);
	export_values_header(&b, &def);
	export_values(&b, &def, SPAN_LIT("=bar"), &batch);
	assert_string_equal(text(&b), "\xEF\xBB\xBFtime,value,unit,quality,quality_code,arrived,cycle\r\n1970-01-01T00:00:00Z,1.5,'=bar,good,0,,7\r\n1970-01-01T00:00:01.500Z,,'=bar,bad,129,,8\r\n");
	buf_free(&b);
}

/* A row of the store as a line: a lot's two columns are one field, what the node gave is left out, what was only named has no line. */
static void lines(void **state)
{
	static const struct col_def cols[] = {{"id", COL_STR, NULL}, {"lot_firm", COL_STR, NULL}, {"lot_number", COL_STR, NULL}, {"quantity", COL_F64, NULL}, {"t", COL_TIME, NULL},
		{"data", COL_JSON, NULL}, {"pass", COL_BOOL, NULL}, {"arrival", COL_TIME, NULL}, {"declared", COL_BOOL, NULL}};
	const struct span id[] = {SPAN_LIT("a\"b"), SPAN_LIT("c")}, firm[] = {SPAN_LIT("F"), SPAN_LIT("")}, number[] = {SPAN_LIT("N"), SPAN_LIT("")}, data[] = {SPAN_LIT("{\"x\":1.0}"), SPAN_LIT("")};
	const double quantity[] = {2.5, 0};
	const int64_t time[] = {0, 0};
	const uint8_t yes[] = {1, 0}, none[] = {0, 1};
	const struct col c[] = {{.str = id}, {.str = firm, .null = none}, {.str = number, .null = none}, {.f64 = quantity, .null = none}, {.i64 = time}, {.str = data, .null = none},
		{.b = yes}, {.i64 = time}, {.b = yes}};
	struct table_cursor cur = {.cols = cols, .n_cols = sizeof cols / sizeof *cols};
	struct table_batch b = {.n_rows = 2, .cols = c};
	struct export_table t = {.type = "event"};
	struct buf out;
	(void)state;
	buf_init(&out, 0);
	assert_true(export_line(&out, &t, &cur, &b, 0));
	assert_false(export_line(&out, &t, &cur, &b, 1));
	assert_string_equal(text(&out), "{\"type\":\"event\",\"id\":\"a\\\"b\",\"lot\":{\"firm\":\"F\",\"number\":\"N\"},\"quantity\":2.5,\"t\":\"1970-01-01T00:00:00Z\",\"data\":{\"x\":1.0},\"pass\":true}\n");
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(names), cmocka_unit_test(settings), cmocka_unit_test(values), cmocka_unit_test(lines)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
