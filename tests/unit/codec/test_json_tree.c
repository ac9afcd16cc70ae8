#include "cm.h"
#include "faultalloc.h"

#include "codec/json.h"

static void test_tree(void **state)
{
	(void)state;
	struct arena a;
	struct json_value *v;
	arena_init(&a, 0);
	char text[] = "{\"a\":[1,-2.50,{\"b\":null}],\n\"c\":\"x\\ty\",\"\":true}";
	assert_int_equal(json_parse(&v, &a, span_str(text), NULL), 0);
	memset(text, '#', sizeof(text)); /* the tree is the arena's alone */
	assert_int_equal(v->type, JSON_OBJECT);
	assert_null(v->name.p);
	assert_null(v->next);
	const struct json_value *m = json_member(v, "a");
	assert_int_equal(m->type, JSON_ARRAY);
	assert_int_equal(m->line, 1);
	assert_true(span_is(m->child->text, "1"));
	assert_null(m->child->name.p);
	assert_true(span_is(m->child->next->text, "-2.50"));
	assert_int_equal(json_member(m->child->next->next, "b")->type, JSON_NULL);
	assert_null(m->child->next->next->next);
	assert_true(span_is(json_member(v, "c")->text, "x\ty"));
	assert_int_equal(json_member(v, "c")->line, 2);
	assert_int_equal(json_member(v, "")->type, JSON_TRUE);
	assert_null(json_member(v, "d"));
	assert_null(json_member(m, "a"));
	assert_null(json_member(NULL, "a"));
	arena_free(&a);
}

static void test_refused(void **state)
{
	(void)state;
	struct arena a;
	struct json_value *v = NULL;
	struct diag d;
	arena_init(&a, 0);
	assert_int_equal(json_parse(&v, &a, SPAN_LIT("{\"x\":1,\n\"y\":{\"z\":1,\n\"z\":2}}"), &d), MO_EINVAL);
	assert_int_equal(d.msg, MSG_JSON_DUPLICATE_NAME);
	assert_int_equal(d.line, 3);
	assert_string_equal(d.field, "z");
	/* The same name in two objects is none. */
	assert_int_equal(json_parse(&v, &a, SPAN_LIT("[{\"z\":1},{\"z\":{\"z\":2}}]"), &d), 0);
	v = NULL;
	assert_int_equal(json_parse(&v, &a, SPAN_LIT("{} {}"), &d), MO_EINVAL);
	assert_int_equal(d.column, 4);
	assert_int_equal(json_parse(&v, &a, SPAN_LIT(""), &d), MO_EINVAL);
	assert_null(v);
	arena_free(&a);
}

/* Objects around the size where names are sorted. */
static void test_many_names(void **state)
{
	(void)state;
	for (int n = 1; n <= 40; n++)
		for (int twice = -1; twice < n; twice += 5) {
			struct arena a;
			struct buf b;
			struct json_value *v;
			struct diag d;
			arena_init(&a, 0);
			buf_init(&b, 0);
			buf_addc(&b, '{');
			for (int i = 0; i < n; i++)
				buf_printf(&b, "\"k%d\":%d,\n", (i * 7) % n + (n % 7 ? 0 : i * n), i);
			buf_printf(&b, "\"%s\":0}", "a");
			if (twice >= 0) {
				b.n--;
				buf_printf(&b, ",\n\"k%d\":1}", (twice * 7) % n + (n % 7 ? 0 : twice * n));
			}
			assert_int_equal(json_parse(&v, &a, buf_span(&b), &d), twice < 0 ? 0 : MO_EINVAL);
			if (twice >= 0)
				assert_int_equal(d.line, n + 2);
			buf_free(&b);
			arena_free(&a);
		}
}

static void test_typed(void **state)
{
	(void)state;
	struct arena a;
	struct json_value *o;
	struct diag d;
	struct span s;
	int64_t i;
	double f;
	bool b;
	arena_init(&a, 0);
	assert_int_equal(json_parse(&o, &a,
	                         SPAN_LIT("{\"s\":\"text\",\"i\":-9223372036854775808,\"big\":9223372036854775808,\"whole\":1.50e1,"
	                                  "\"part\":1.5,\"huge\":1e999,\n"
	                                  "\"t\":true,\"f\":false,\"null\":null,\"o\":{},\"a\":[],\"time\":\"2026-11-22T08:10:00.5+09:00\","
	                                  "\"e16\":1e16}"),
	                         &d),
	        0);
	assert_int_equal(json_get_str(o, "s", &s, &d), 0);
	assert_true(span_is(s, "text"));
	assert_int_equal(json_get_i64(o, "i", &i, &d), 0);
	assert_true(i == INT64_MIN);
	assert_int_equal(json_get_i64(o, "whole", &i, &d), 0);
	assert_int_equal(i, 15);
	assert_int_equal(json_get_f64(o, "part", &f, &d), 0);
	assert_true(f == 1.5);
	assert_int_equal(json_get_bool(o, "t", &b, &d), 0);
	assert_true(b);
	assert_int_equal(json_get_bool(o, "f", &b, &d), 0);
	assert_false(b);
	assert_int_equal(json_get_time(o, "time", &i, &d), 0);
	assert_true(i == INT64_C(1795302600500000000));
	/* Absent and null are the same. */
	assert_int_equal(json_get_str(o, "none", &s, &d), MO_ENOENT);
	assert_int_equal(json_get_str(o, "null", &s, &d), MO_ENOENT);
	assert_int_equal(json_get_i64(o, "null", &i, &d), MO_ENOENT);
	assert_int_equal(json_get_f64(o, "null", &f, &d), MO_ENOENT);
	assert_int_equal(json_get_bool(o, "null", &b, &d), MO_ENOENT);
	assert_int_equal(json_get_time(o, "null", &i, &d), MO_ENOENT);
	assert_int_equal(json_get_str(NULL, "s", &s, &d), MO_ENOENT);
	/* Another type. */
	static const char *const bad_i64[] = {"s", "big", "part", "huge", "t", "o", "a", "e16"};
	for (size_t k = 0; k < sizeof(bad_i64) / sizeof(bad_i64[0]); k++) {
		assert_int_equal(json_get_i64(o, bad_i64[k], &i, &d), MO_EINVAL);
		assert_int_equal(d.msg, MSG_JSON_WRONG_TYPE);
		assert_string_equal(d.field, bad_i64[k]);
		assert_true(d.value[0] && d.expected[0]);
	}
	assert_int_equal(json_get_str(o, "i", &s, &d), MO_EINVAL);
	assert_string_equal(d.value, "-9223372036854775808");
	assert_int_equal(json_get_f64(o, "huge", &f, &d), MO_EINVAL);
	assert_int_equal(json_get_f64(o, "s", &f, &d), MO_EINVAL);
	assert_int_equal(json_get_bool(o, "i", &b, &d), MO_EINVAL);
	assert_int_equal(json_get_time(o, "s", &i, &d), MO_EINVAL);
	assert_int_equal(json_get_time(o, "i", &i, &d), MO_EINVAL);
	assert_int_equal(d.line, 1);
	assert_int_equal(json_get_str(o, "o", &s, &d), MO_EINVAL);
	assert_string_equal(d.value, "{...}");
	assert_int_equal(d.line, 2);
	arena_free(&a);
}

static void test_allocations(void **state)
{
	(void)state;
	for (uint64_t nth = 1;; nth++) {
		struct arena a;
		struct json_value *v = NULL;
		arena_init(&a, 0);
		faultalloc_arm(nth);
		int e = json_parse(&v, &a,
		        SPAN_LIT("{\"a\\n\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"i\":1,\"j\":1,\"k\":1,\"l\":1,"
		                 "\"m\":[{}]}"),
		        NULL);
		int fired = faultalloc_fired();
		faultalloc_arm(0);
		arena_free(&a);
		if (!fired) {
			assert_int_equal(e, 0);
			assert_in_range(nth, 4, 50);
			return;
		}
		assert_int_equal(e, MO_ENOMEM);
		assert_null(v);
	}
}

static void test_arena_limit(void **state)
{
	(void)state;
	struct arena a;
	struct json_value *v;
	arena_init(&a, 256);
	assert_int_equal(json_parse(&v, &a, SPAN_LIT("[1,2,3,4,5,6,7,8,9,10]"), NULL), MO_ENOMEM);
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_tree),
	        cmocka_unit_test(test_refused),
	        cmocka_unit_test(test_many_names),
	        cmocka_unit_test(test_typed),
	        cmocka_unit_test(test_allocations),
	        cmocka_unit_test(test_arena_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
