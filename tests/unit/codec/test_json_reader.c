#include "cm.h"
#include "faultalloc.h"

#include <stdlib.h>

#include "codec/json.h"

static const char *const names[] = {[JSON_MORE] = "more",
        [JSON_OBJECT] = "{",
        [JSON_OBJECT_END] = "}",
        [JSON_ARRAY] = "[",
        [JSON_ARRAY_END] = "]",
        [JSON_KEY] = "k:",
        [JSON_STRING] = "s:",
        [JSON_NUMBER] = "n:",
        [JSON_TRUE] = "t",
        [JSON_FALSE] = "f",
        [JSON_NULL] = "0",
        [JSON_DONE] = "."};

/* Tokens up to JSON_MORE or, after json_end, the second JSON_DONE in a row. */
static int some(struct buf *out, struct json_reader *r, bool ended, struct diag *d)
{
	bool done = false;
	for (;;) {
		enum json_token t;
		struct span text;
		int e = json_next(r, &t, &text, d);
		if (e)
			return e;
		if (t == JSON_MORE)
			return 0;
		if (t == JSON_DONE && done && ended)
			return 0;
		done = t == JSON_DONE;
		buf_adds(out, names[t]);
		buf_add(out, text);
		buf_addc(out, ' ');
	}
}

static int dump(struct buf *out, struct json_reader *r, struct span s, const size_t *cuts, size_t n_cuts, struct diag *d)
{
	size_t from = 0;
	int e = 0;
	json_reader_reset(r);
	for (size_t i = 0; i <= n_cuts && e == 0; i++) {
		size_t to = i < n_cuts ? cuts[i] : s.n;
		uint8_t *piece = malloc(to - from + 1);
		assert_non_null(piece);
		memcpy(piece, s.p + from, to - from);
		json_feed(r, span_of(piece, to - from));
		e = some(out, r, false, d);
		memset(piece, '#', to - from);
		free(piece);
		from = to;
	}
	if (e == 0) {
		json_end(r);
		e = some(out, r, true, d);
	}
	return e ? e : out->err;
}

/* Gives the error of reading s whole and asserts that every way of cutting gives the same tokens and the same words. */
static int all_ways(struct span s, bool lines, const char *expected, struct diag *ret)
{
	struct json_reader *r;
	struct buf first, out;
	struct diag d;
	assert_int_equal(json_reader_new(&r, lines), 0);
	buf_init(&first, 0);
	buf_init(&out, 0);
	diag_clear(&d);
	int e = dump(&first, r, s, NULL, 0, &d);
	if (expected) {
		buf_addc(&first, 0);
		assert_string_equal((const char *)first.p, expected);
		first.n--;
	}
	size_t *all = malloc((s.n + 1) * sizeof(*all));
	assert_non_null(all);
	for (size_t i = 0; i < s.n; i++)
		all[i] = i + 1;
	size_t step = s.n < 300 ? 1 : s.n / 300;
	for (size_t cut = 0; cut <= s.n + step; cut += step) {
		struct diag again;
		diag_clear(&again);
		buf_reset(&out);
		int f = cut <= s.n ? dump(&out, r, s, &cut, 1, &again) : dump(&out, r, s, all, s.n, &again);
		if (f != e || !span_eq(buf_span(&first), buf_span(&out)))
			print_message("'%.*s' cut at %zu: %d, %.*s\n", SPAN_FMT(s), cut, f, SPAN_FMT(buf_span(&out)));
		assert_int_equal(f, e);
		assert_true(span_eq(buf_span(&first), buf_span(&out)));
		assert_int_equal(again.msg, d.msg);
		assert_int_equal(again.line, d.line);
		/* A sequence cut in two is told at the byte that breaks it. */
		if (e && d.msg != MSG_JSON_BAD_ESCAPE && d.msg != MSG_JSON_BAD_SURROGATE && d.msg != MSG_JSON_BAD_UTF8 &&
		        d.msg != MSG_JSON_UNEXPECTED)
			assert_int_equal(again.column, d.column);
	}
	free(all);
	buf_free(&first);
	buf_free(&out);
	json_reader_free(r);
	if (ret)
		*ret = d;
	return e;
}

static void y(const char *text, const char *expected)
{
	assert_int_equal(all_ways(span_str(text), false, expected, NULL), 0);
}

static void test_accepted(void **state)
{
	(void)state;
	y("null", "0 . ");
	y(" true ", "t . ");
	y("\t\r\nfalse\n", "f . ");
	y("0", "n:0 . ");
	y("-0", "n:-0 . ");
	y("-12.50", "n:-12.50 . ");
	y("1e5", "n:1e5 . ");
	y("1E+05", "n:1E+05 . ");
	y("0.1e-7", "n:0.1e-7 . ");
	y("123456789012345678901234567890.123456789", "n:123456789012345678901234567890.123456789 . ");
	y("[]", "[ ] . ");
	y("{}", "{ } . ");
	y("[ ]", "[ ] . ");
	y("{ }", "{ } . ");
	y("[1]", "[ n:1 ] . ");
	y("[1,2,[3,{}],\"\"]", "[ n:1 n:2 [ n:3 { } ] s: ] . ");
	y("[0]", "[ n:0 ] . ");
	y("{\"a\":1,\"b\":[true,null],\"\":{\"c\":\"d\"}}", "{ k:a n:1 k:b [ t 0 ] k: { k:c s:d } } . ");
	y("{ \"a\" : 1 , \"a\" : 2 }", "{ k:a n:1 k:a n:2 } . ");
	y("\"plain text that is longer than one vector of sixteen\"", "s:plain text that is longer than one vector of sixteen . ");
	y("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "s:\"\\/\b\f\n\r\t . ");
	y("\"\\u0041\\u00e9\\uD55c\\uFFFF\"", "s:A\xC3\xA9\xED\x95\x9C\xEF\xBF\xBF . ");
	y("\"x\\uD834\\uDD1Ey\"", "s:x\xF0\x9D\x84\x9Ey . ");
	y("\"\\uDBFF\\uDFFF\"", "s:\xF4\x8F\xBF\xBF . ");
	y("\"온도 25℃ \xF0\x9D\x84\x9E\x7f\"", "s:온도 25℃ \xF0\x9D\x84\x9E\x7f . ");
	y("{\"온\\u0020도\":\"a\\nb\"}", "{ k:온 도 s:a\nb } . ");
	y("\xEF\xBB\xBF{}", "{ } . ");
	y("[\"//not a comment\", \"\\\\\"]", "[ s://not a comment s:\\ ] . ");
}

static void test_nul_in_string(void **state)
{
	(void)state;
	struct json_reader *r;
	enum json_token t;
	struct span text;
	assert_int_equal(json_reader_new(&r, false), 0);
	json_feed(r, SPAN_LIT("\"a\\u0000b\""));
	assert_int_equal(json_next(r, &t, &text, NULL), 0);
	assert_int_equal(text.n, 3);
	assert_memory_equal(text.p, "a\0b", 3);
	json_reader_free(r);
}

/* RFC 8259 itself: 13, the examples. */
static void test_rfc8259(void **state)
{
	(void)state;
	y("{\n  \"Image\": {\n      \"Width\":  800,\n      \"Height\": 600,\n      \"Title\":  \"View from 15th Floor\",\n      "
	  "\"Thumbnail\": {\n"
	  "          \"Url\":    \"http://www.example.com/image/481989943\",\n          \"Height\": 125,\n          \"Width\":  100\n      "
	  "},\n"
	  "      \"Animated\" : false,\n      \"IDs\": [116, 943, 234, 38793]\n    }\n}",
	        "{ k:Image { k:Width n:800 k:Height n:600 k:Title s:View from 15th Floor k:Thumbnail { k:Url "
	        "s:http://www.example.com/image/481989943 "
	        "k:Height n:125 k:Width n:100 } k:Animated f k:IDs [ n:116 n:943 n:234 n:38793 ] } } . ");
	y("\"Hello world!\"", "s:Hello world! . ");
	y("42", "n:42 . ");
}

static void test_refused(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		enum mo_msg msg;
		unsigned line, column;
	} cases[] = {
	        {"", MSG_JSON_CUT_OFF, 1, 1},
	        {"  \n ", MSG_JSON_CUT_OFF, 2, 2},
	        {"[", MSG_JSON_CUT_OFF, 1, 2},
	        {"{", MSG_JSON_CUT_OFF, 1, 2},
	        {"[1", MSG_JSON_CUT_OFF, 1, 3},
	        {"[1,", MSG_JSON_CUT_OFF, 1, 4},
	        {"{\"a\"", MSG_JSON_CUT_OFF, 1, 5},
	        {"{\"a\":", MSG_JSON_CUT_OFF, 1, 6},
	        {"{\"a\":1,", MSG_JSON_CUT_OFF, 1, 8},
	        {"\"abc", MSG_JSON_CUT_OFF, 1, 5},
	        {"\"abc\\", MSG_JSON_CUT_OFF, 1, 6},
	        {"\"\\u12", MSG_JSON_CUT_OFF, 1, 6},
	        {"tru", MSG_JSON_CUT_OFF, 1, 4},
	        {"\xEF\xBB", MSG_JSON_CUT_OFF, 1, 1},
	        {"]", MSG_JSON_UNEXPECTED, 1, 1},
	        {"}", MSG_JSON_UNEXPECTED, 1, 1},
	        {"[1,]", MSG_JSON_UNEXPECTED, 1, 4},
	        {"[,1]", MSG_JSON_UNEXPECTED, 1, 2},
	        {"[1,,2]", MSG_JSON_UNEXPECTED, 1, 4},
	        {"[1 2]", MSG_JSON_UNEXPECTED, 1, 4},
	        {"[1}", MSG_JSON_UNEXPECTED, 1, 3},
	        {"{\"a\":1]", MSG_JSON_UNEXPECTED, 1, 7},
	        {"{\"a\":1,}", MSG_JSON_UNEXPECTED, 1, 8},
	        {"{,}", MSG_JSON_UNEXPECTED, 1, 2},
	        {"{\"a\" 1}", MSG_JSON_UNEXPECTED, 1, 6},
	        {"{\"a\",1}", MSG_JSON_UNEXPECTED, 1, 5},
	        {"{\"a\"::1}", MSG_JSON_UNEXPECTED, 1, 6},
	        {"{a:1}", MSG_JSON_UNEXPECTED, 1, 2},
	        {"{'a':1}", MSG_JSON_UNEXPECTED, 1, 2},
	        {"{1:1}", MSG_JSON_UNEXPECTED, 1, 2},
	        {"{[]:1}", MSG_JSON_UNEXPECTED, 1, 2},
	        {"['a']", MSG_JSON_UNEXPECTED, 1, 2},
	        {"[1]x", MSG_JSON_UNEXPECTED, 1, 4},
	        {"[1] []", MSG_JSON_UNEXPECTED, 1, 5},
	        {"1 2", MSG_JSON_UNEXPECTED, 1, 3},
	        {"1a", MSG_JSON_UNEXPECTED, 1, 2},
	        {"0x10", MSG_JSON_UNEXPECTED, 1, 2},
	        {"True", MSG_JSON_UNEXPECTED, 1, 1},
	        {"nul]", MSG_JSON_UNEXPECTED, 1, 4},
	        {"truth", MSG_JSON_UNEXPECTED, 1, 4},
	        {"NaN", MSG_JSON_UNEXPECTED, 1, 1},
	        {"Infinity", MSG_JSON_UNEXPECTED, 1, 1},
	        {"// c\n1", MSG_JSON_UNEXPECTED, 1, 1},
	        {"[1]/**/", MSG_JSON_UNEXPECTED, 1, 4},
	        {"\f1", MSG_JSON_UNEXPECTED, 1, 1},
	        {"\xC2\xA0"
	         "1",
	                MSG_JSON_UNEXPECTED, 1, 1},
	        {"\xEF\xBB\xBF\xEF\xBB\xBF{}", MSG_JSON_UNEXPECTED, 1, 1},
	        {"\xEF\xBB{}", MSG_JSON_UNEXPECTED, 1, 1},
	        {"[\n\"온도\", x]", MSG_JSON_UNEXPECTED, 2, 7},
	        {"+1", MSG_JSON_UNEXPECTED, 1, 1},
	        {".5", MSG_JSON_UNEXPECTED, 1, 1},
	        {"-", MSG_JSON_BAD_NUMBER, 1, 2},
	        {"[-]", MSG_JSON_BAD_NUMBER, 1, 3},
	        {"01", MSG_JSON_BAD_NUMBER, 1, 2},
	        {"-012", MSG_JSON_BAD_NUMBER, 1, 3},
	        {"1.", MSG_JSON_BAD_NUMBER, 1, 3},
	        {"[1.]", MSG_JSON_BAD_NUMBER, 1, 4},
	        {"1.e5", MSG_JSON_BAD_NUMBER, 1, 3},
	        {"1.2.3", MSG_JSON_BAD_NUMBER, 1, 4},
	        {"1e", MSG_JSON_BAD_NUMBER, 1, 3},
	        {"1e+", MSG_JSON_BAD_NUMBER, 1, 4},
	        {"1e5.2", MSG_JSON_BAD_NUMBER, 1, 4},
	        {"1ee5", MSG_JSON_BAD_NUMBER, 1, 3},
	        {"1-2", MSG_JSON_BAD_NUMBER, 1, 2},
	        {"1+2", MSG_JSON_BAD_NUMBER, 1, 2},
	        {"-x", MSG_JSON_BAD_NUMBER, 1, 2},
	        {"\"\\x41\"", MSG_JSON_BAD_ESCAPE, 1, 2},
	        {"\"\\'\"", MSG_JSON_BAD_ESCAPE, 1, 2},
	        {"\"\\U0041\"", MSG_JSON_BAD_ESCAPE, 1, 2},
	        {"\"\\u004\"", MSG_JSON_BAD_ESCAPE, 1, 2},
	        {"\"\\u00g0\"", MSG_JSON_BAD_ESCAPE, 1, 2},
	        {"\"\\u-123\"", MSG_JSON_BAD_ESCAPE, 1, 2},
	        {"\"\\uD834\"", MSG_JSON_BAD_SURROGATE, 1, 2},
	        {"\"\\uD834x\"", MSG_JSON_BAD_SURROGATE, 1, 2},
	        {"\"\\uD834\\n\"", MSG_JSON_BAD_SURROGATE, 1, 2},
	        {"\"\\uD834\\uD834\"", MSG_JSON_BAD_SURROGATE, 1, 2},
	        {"\"\\uD834\\u0041\"", MSG_JSON_BAD_SURROGATE, 1, 2},
	        {"\"\\uDD1E\"", MSG_JSON_BAD_SURROGATE, 1, 2},
	        {"\"a\nb\"", MSG_JSON_CONTROL, 1, 3},
	        {"\"a\tb\"", MSG_JSON_CONTROL, 1, 3},
	        {"\"\x1f\"", MSG_JSON_CONTROL, 1, 2},
	        {"\"\x80\"", MSG_JSON_BAD_UTF8, 1, 2},
	        {"\"\xC0\xAF\"", MSG_JSON_BAD_UTF8, 1, 2},
	        {"\"\xC3\"", MSG_JSON_BAD_UTF8, 1, 2},
	        {"\"\xE0\x80\x80\"", MSG_JSON_BAD_UTF8, 1, 2},
	        {"\"\xED\xA0\x80\"", MSG_JSON_BAD_UTF8, 1, 2},
	        {"\"\xF4\x90\x80\x80\"", MSG_JSON_BAD_UTF8, 1, 2},
	        {"\"\xF0\x8F\xBF\xBF\"", MSG_JSON_BAD_UTF8, 1, 2},
	        {"\"\xF8\x88\x80\x80\x80\"", MSG_JSON_BAD_UTF8, 1, 2},
	        {"\"\xE9\x61\"", MSG_JSON_BAD_UTF8, 1, 2},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct diag d;
		int e = all_ways(span_str(cases[i].text), false, NULL, &d);
		if (e != MO_EINVAL || d.msg != cases[i].msg || d.line != cases[i].line || d.column != cases[i].column)
			print_message("'%s': %d msg %d line %d column %d\n", cases[i].text, e, (int)d.msg, (int)d.line, (int)d.column);
		assert_int_equal(e, MO_EINVAL);
		assert_int_equal(d.msg, cases[i].msg);
		assert_int_equal(d.line, cases[i].line);
		assert_int_equal(d.column, cases[i].column);
	}
	/* NUL bytes end nothing. */
	assert_int_equal(all_ways(span_of("\0", 1), false, NULL, NULL), MO_EINVAL);
	assert_int_equal(all_ways(span_of("\"a\0b\"", 5), false, NULL, NULL), MO_EINVAL);
	assert_int_equal(all_ways(span_of("1\0", 2), false, NULL, NULL), MO_EINVAL);
	assert_int_equal(all_ways(span_of("\"\\\0\"", 4), false, NULL, NULL), MO_EINVAL);
	assert_int_equal(all_ways(span_of("tru\0", 4), false, NULL, NULL), MO_EINVAL);
	/* UTF-16 is not JSON text any more. */
	assert_int_equal(all_ways(span_of("[\0]\0", 4), false, NULL, NULL), MO_EINVAL);
}

static void test_lines(void **state)
{
	(void)state;
	assert_int_equal(all_ways(SPAN_LIT("{\"a\":1}\n[2]\n\n3\n\"x\"\n"), true, "{ k:a n:1 } . [ n:2 ] . n:3 . s:x . . ", NULL), 0);
	assert_int_equal(all_ways(SPAN_LIT("1 2\r\n3"), true, "n:1 . n:2 . n:3 . ", NULL), 0);
	assert_int_equal(all_ways(SPAN_LIT(""), true, ". ", NULL), 0);
	assert_int_equal(all_ways(SPAN_LIT("\n \n"), true, ". ", NULL), 0);
	struct diag d;
	assert_int_equal(all_ways(SPAN_LIT("{}\n{}{}"), true, NULL, &d), MO_EINVAL);
	assert_int_equal(d.line, 2);
	assert_int_equal(d.column, 3);
	assert_int_equal(all_ways(SPAN_LIT("{}\n[1"), true, NULL, &d), MO_EINVAL);
	assert_int_equal(d.msg, MSG_JSON_CUT_OFF);
	assert_int_equal(all_ways(SPAN_LIT("{},{}"), true, NULL, &d), MO_EINVAL);
}

static void test_depth(void **state)
{
	(void)state;
	for (int object = 0; object < 2; object++)
		for (unsigned depth = JSON_DEPTH_MAX - 1; depth <= JSON_DEPTH_MAX + 1; depth++) {
			struct buf b;
			struct diag d;
			buf_init(&b, 0);
			for (unsigned i = 0; i < depth; i++)
				buf_adds(&b, object ? "{\"\":" : "[");
			buf_adds(&b, object ? "0" : "");
			for (unsigned i = 0; i < depth; i++)
				buf_adds(&b, object ? "}" : "]");
			int e = all_ways(buf_span(&b), false, NULL, &d);
			assert_int_equal(e, depth > JSON_DEPTH_MAX ? MO_ELIMIT : 0);
			if (e) {
				assert_int_equal(d.msg, MSG_JSON_TOO_DEEP);
				assert_int_equal(d.arg[0].i, JSON_DEPTH_MAX);
			}
			buf_free(&b);
		}
}

static void test_token_limit(void **state)
{
	(void)state;
	uint8_t *text = malloc(JSON_TOKEN_MAX + 8);
	assert_non_null(text);
	for (int kind = 0; kind < 2; kind++)
		for (size_t n = JSON_TOKEN_MAX; n <= JSON_TOKEN_MAX + 1; n++)
			for (int cut = 0; cut < 2; cut++) {
				struct json_reader *r;
				enum json_token t;
				struct span got = {NULL, 0};
				size_t all = n;
				memset(text, '7', n + 2);
				if (kind == 0) {
					text[0] = text[n + 1] = '"';
					all += 2;
				}
				assert_int_equal(json_reader_new(&r, false), 0);
				int e = 0;
				if (cut) {
					json_feed(r, span_of(text, 1000));
					e = json_next(r, &t, &got, NULL);
					assert_int_equal(e, 0);
					assert_int_equal(t, JSON_MORE);
					json_feed(r, span_of(text + 1000, all - 1000));
				} else {
					json_feed(r, span_of(text, all));
				}
				json_end(r);
				e = json_next(r, &t, &got, NULL);
				assert_int_equal(e, n > JSON_TOKEN_MAX ? MO_ELIMIT : 0);
				if (e == 0)
					assert_int_equal(got.n, n);
				json_reader_free(r);
			}
	free(text);
}

static void test_places(void **state)
{
	(void)state;
	struct json_reader *r;
	enum json_token t;
	struct span s = SPAN_LIT("{\"key\":\n \"text\"}"), text;
	assert_int_equal(json_reader_new(&r, false), 0);
	json_feed(r, s);
	assert_int_equal(json_next(r, &t, &text, NULL), 0);
	assert_int_equal(json_depth(r), 1);
	assert_int_equal(json_next(r, &t, &text, NULL), 0);
	assert_ptr_equal(text.p, s.p + 2); /* borrowed, not copied */
	assert_int_equal(json_line(r), 1);
	assert_int_equal(json_offset(r), 6);
	assert_int_equal(json_next(r, &t, &text, NULL), 0);
	assert_int_equal(t, JSON_STRING);
	assert_ptr_equal(text.p, s.p + 10);
	assert_int_equal(json_line(r), 2);
	assert_int_equal(json_next(r, &t, NULL, NULL), 0);
	assert_int_equal(json_depth(r), 0);
	assert_int_equal(json_next(r, &t, NULL, NULL), 0);
	assert_int_equal(t, JSON_MORE);
	json_end(r);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(json_next(r, &t, NULL, NULL), 0);
		assert_int_equal(t, JSON_DONE);
	}
	/* An error stays. */
	json_reader_reset(r);
	json_feed(r, SPAN_LIT("[x"));
	assert_int_equal(json_next(r, &t, NULL, NULL), 0);
	struct diag d;
	for (int i = 0; i < 2; i++) {
		diag_clear(&d);
		assert_int_equal(json_next(r, &t, NULL, &d), MO_EINVAL);
		assert_string_equal(d.value, "x");
		assert_string_equal(d.expected, "] { [ \" 0..9 - true false null");
	}
	json_reader_free(r);
	json_reader_free(NULL);
}

static void test_allocations(void **state)
{
	(void)state;
	for (uint64_t nth = 1;; nth++) {
		struct json_reader *r = NULL;
		enum json_token t = JSON_MORE;
		struct span text;
		faultalloc_arm(nth);
		int e = json_reader_new(&r, false);
		static const char *const pieces[] = {"{\"na", "me\":\"a\\n", "b\", \"n\": 12",
		        "34, \"long\":\"0123456789012345678901234567890123456789012345678901234567890123456789\\t\"}"};
		for (size_t i = 0; i < 4 && e == 0; i++) {
			json_feed(r, span_str(pieces[i]));
			if (i == 3)
				json_end(r);
			do
				e = json_next(r, &t, &text, NULL);
			while (e == 0 && t != JSON_MORE && t != JSON_DONE);
		}
		int fired = faultalloc_fired();
		faultalloc_arm(0);
		if (e && r)
			assert_int_equal(json_next(r, &t, &text, NULL), MO_ENOMEM); /* for good */
		json_reader_free(r);
		if (!fired) {
			assert_int_equal(e, 0);
			assert_int_equal(t, JSON_DONE);
			assert_in_range(nth, 3, 50);
			return;
		}
		assert_int_equal(e, MO_ENOMEM);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_accepted),
	        cmocka_unit_test(test_nul_in_string),
	        cmocka_unit_test(test_rfc8259),
	        cmocka_unit_test(test_refused),
	        cmocka_unit_test(test_lines),
	        cmocka_unit_test(test_depth),
	        cmocka_unit_test(test_token_limit),
	        cmocka_unit_test(test_places),
	        cmocka_unit_test(test_allocations),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
