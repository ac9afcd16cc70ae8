#include "cm.h"
#include "faultalloc.h"

#include <math.h>

#include "base/civil.h"
#include "codec/json.h"

static void test_document(void **state)
{
	(void)state;
	struct buf b;
	struct json_writer w;
	buf_init(&b, 0);
	json_writer_init(&w, &b);
	jw_object(&w);
	jw_key(&w, "s");
	jw_cstr(&w, "x");
	jw_key(&w, "none");
	jw_cstr(&w, NULL);
	jw_key_span(&w, SPAN_LIT("a\"b"));
	jw_array(&w);
	jw_i64(&w, INT64_MIN);
	jw_u64(&w, UINT64_MAX);
	jw_u64(&w, 7);
	jw_f64(&w, 0.1);
	jw_f64(&w, NAN);
	jw_f64(&w, -INFINITY);
	jw_f64(&w, -0.0);
	jw_bool(&w, true);
	jw_bool(&w, false);
	jw_null(&w);
	jw_object(&w);
	jw_object_end(&w);
	jw_array(&w);
	jw_array_end(&w);
	jw_array_end(&w);
	jw_key(&w, "t");
	jw_time(&w, INT64_C(1795302600500000000));
	jw_key(&w, "never");
	jw_time(&w, T_NONE);
	jw_key(&w, "raw");
	jw_raw(&w, SPAN_LIT("{\"z\":1}"));
	jw_object_end(&w);
	assert_int_equal(b.err, 0);
	buf_addc(&b, 0);
	assert_string_equal((const char *)b.p,
	        "{\"s\":\"x\",\"none\":null,\"a\\\"b\":[-9223372036854775808,18446744073709551615,7,0.1,null,null,-0,true,false,"
	        "null,{},[]],\"t\":\"2026-11-21T23:10:00.500Z\",\"never\":null,\"raw\":{\"z\":1}}");
	buf_free(&b);
}

static void test_strings(void **state)
{
	(void)state;
	static const struct {
		const char *in;
		size_t n;
		const char *out;
	} cases[] = {
	        {"", 0, "\"\""},
	        {"\"\\/\b\f\n\r\t", 8, "\"\\\"\\\\/\\b\\f\\n\\r\\t\""},
	        {"\0\x01\x1f\x7f", 4, "\"\\u0000\\u0001\\u001f\x7f\""},
	        {"온도 25℃, sixteen bytes and more", 0, "\"온도 25℃, sixteen bytes and more\""},
	        {"\xF0\x9D\x84\x9E", 0, "\"\xF0\x9D\x84\x9E\""},
	        {"a\xFF"
	         "b",
	                0,
	                "\"a\xEF\xBF\xBD"
	                "b\""},
	        {"\xED\xA0\x80", 0, "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
	        {"\xED\x95", 0, "\"\xEF\xBF\xBD\xEF\xBF\xBD\""},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf b;
		struct json_writer w;
		buf_init(&b, 0);
		json_writer_init(&w, &b);
		jw_str(&w, span_of(cases[i].in, cases[i].n ? cases[i].n : strlen(cases[i].in)));
		buf_addc(&b, 0);
		assert_string_equal((const char *)b.p, cases[i].out);
		buf_free(&b);
	}
}

/* Each row is a misuse: o object, O its end, a array, A its end, k key, v value. */
static void test_misuse(void **state)
{
	(void)state;
	static const char *const rows[] = {"O", "A", "k", "ov", "oo", "okk", "okO", "oA", "aO", "ak", "vv", "oOv", "okvv"};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf b;
		struct json_writer w;
		buf_init(&b, 0);
		json_writer_init(&w, &b);
		for (const char *p = rows[i]; *p; p++) {
			assert_int_equal(b.err, 0);
			switch (*p) {
			case 'o':
				jw_object(&w);
				break;
			case 'O':
				jw_object_end(&w);
				break;
			case 'a':
				jw_array(&w);
				break;
			case 'A':
				jw_array_end(&w);
				break;
			case 'k':
				jw_key(&w, "k");
				break;
			default:
				jw_null(&w);
			}
		}
		assert_int_equal(b.err, MO_EBUG);
		buf_free(&b);
	}
}

static void test_depth(void **state)
{
	(void)state;
	struct buf b;
	struct json_writer w;
	buf_init(&b, 0);
	json_writer_init(&w, &b);
	for (unsigned i = 0; i < JSON_DEPTH_MAX; i++)
		jw_array(&w);
	assert_int_equal(b.err, 0);
	jw_i64(&w, 1);
	for (unsigned i = 0; i < JSON_DEPTH_MAX; i++)
		jw_array_end(&w);
	assert_int_equal(b.err, 0);
	/* What it wrote, the reader takes. */
	struct arena a;
	struct json_value *v;
	arena_init(&a, 0);
	assert_int_equal(json_parse(&v, &a, buf_span(&b), NULL), 0);
	arena_free(&a);
	buf_reset(&b);
	json_writer_init(&w, &b);
	for (unsigned i = 0; i <= JSON_DEPTH_MAX; i++)
		jw_array(&w);
	assert_int_equal(b.err, MO_EBUG);
	buf_free(&b);
}

static void test_out_of_memory(void **state)
{
	(void)state;
	struct buf b;
	struct json_writer w;
	buf_init(&b, 0);
	json_writer_init(&w, &b);
	faultalloc_arm(1);
	jw_array(&w);
	jw_cstr(&w, "x");
	jw_array_end(&w);
	assert_true(faultalloc_fired());
	faultalloc_arm(0);
	assert_int_equal(b.err, MO_ENOMEM); /* and not MO_EBUG */
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_document),
	        cmocka_unit_test(test_strings),
	        cmocka_unit_test(test_misuse),
	        cmocka_unit_test(test_depth),
	        cmocka_unit_test(test_out_of_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
