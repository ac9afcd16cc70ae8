#include "cm.h"

#include "base/civil.h"
#include "sim/peek.h"
#include "sim/text.h"

static void is(struct buf *b, const char *want)
{
	assert_int_equal(b->err, 0);
	if (!span_is(buf_span(b), want))
		print_message("%.*s\n", (int)b->n, (const char *)b->p);
	assert_true(span_is(buf_span(b), want));
	buf_reset(b);
}

static void numbers(void **state)
{
	(void)state;
	struct buf b;
	buf_init(&b, 0);
	static const struct {
		double v;
		int decimals;
		const char *want;
	} t[] = {{0, 2, "0"}, {0.05, 2, "0.05"}, {-0.05, 2, "-0.05"}, {42, 3, "42"}, {42.1, 3, "42.1"}, {100, 0, "100"}, {-78.5, 1, "-78.5"}, {25.0065, 4, "25.0065"},
		{0.1 + 0.2, 2, "0.3"}, {1e15, 1, "1000000000000000"}, {999.999, 2, "1000"}};
	for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
		text_fixed(&b, t[i].v, t[i].decimals);
		is(&b, t[i].want);
	}
	buf_free(&b);
}

static void strings_and_times(void **state)
{
	(void)state;
	struct buf b;
	buf_init(&b, 0);
	text_json(&b, "배럴 \"1\"\\\n");
	is(&b, "\"배럴 \\\"1\\\"\\\\\\u000a\"");
	text_time(&b, 500 * NS_PER_MS);
	is(&b, "\"1970-01-01T00:00:00.500Z\"");
	text_local(&b, INT64_C(1763770000) * NS_PER_S);
	is(&b, "2025-11-22 09:06:40");
	buf_free(&b);
}

static void count(void *arg, struct span element)
{
	(void)element;
	(*(int *)arg)++;
}

static void looks_up(void **state)
{
	(void)state;
	struct span v;
	struct span doc = span_str(" {\"a\":[1,{\"now\":2}], \"s\":\"x\\\"}\", \"clock\" : {\"mode\":\"stepped\",\"now\":\"2026\", \"n\": 17 } , \"items\":[{\"k\":1}, [2,3] ,\"4,5\"]}");
	assert_true(peek(&v, doc, "clock.now"));
	assert_true(span_is(v, "2026"));
	assert_true(peek(&v, doc, "clock.n"));
	assert_true(span_is(v, "17"));
	assert_false(peek(&v, doc, "clock.gone"));
	assert_false(peek(&v, doc, "s.now"));
	int n = 0;
	assert_true(peek_each(doc, "items", count, &n));
	assert_int_equal(n, 3);
	assert_false(peek_each(doc, "clock", count, &n));
	for (size_t k = 0; k < doc.n; k++) /* cut anywhere: an answer or none, never past the end */
		(void)peek(&v, span_sub(doc, 0, k), "clock.n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(numbers), cmocka_unit_test(strings_and_times), cmocka_unit_test(looks_up)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
