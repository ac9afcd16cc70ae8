#include "cm.h"
#include "faultalloc.h"

#include "codec/text.h"

/* RFC 4648, 10, without padding; and bytes whose digits are '-' and '_'. */
static const struct {
	const char *in;
	size_t n;
	const char *out;
} vectors[] = {
        {"", 0, ""},
        {"f", 1, "Zg"},
        {"fo", 2, "Zm8"},
        {"foo", 3, "Zm9v"},
        {"foob", 4, "Zm9vYg"},
        {"fooba", 5, "Zm9vYmE"},
        {"foobar", 6, "Zm9vYmFy"},
        {"\xFB\xFF\xBF", 3, "-_-_"},
        {"\0\0\0", 3, "AAAA"},
};

static void test_base64url(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct buf b;
		buf_init(&b, 0);
		buf_adds(&b, ">");
		base64url_encode(&b, span_of(vectors[i].in, vectors[i].n));
		assert_true(span_is(span_sub(buf_span(&b), 1, b.n), vectors[i].out));
		b.n = 1;
		assert_int_equal(base64url_decode(&b, span_str(vectors[i].out)), 0);
		assert_int_equal(b.n, 1 + vectors[i].n);
		assert_memory_equal(b.p + 1, vectors[i].in, vectors[i].n);
		buf_free(&b);
	}
	static const char *const bad[] = {"Z", "Zg==", "Zg=", "Zm9vZ", "Zh", "Zm9", "Zm+v", "Zm/v", "Zm v", "Zm\nv", "Zm8=", "\xC3\xA9Zm"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct buf b;
		buf_init(&b, 0);
		buf_adds(&b, ">");
		assert_int_equal(base64url_decode(&b, span_str(bad[i])), MO_EINVAL);
		assert_int_equal(b.n, 1);
		buf_free(&b);
	}
}

static void test_hex(void **state)
{
	(void)state;
	struct buf b;
	buf_init(&b, 0);
	hex_encode(&b, SPAN_LIT("\x00\x9A\xFF"));
	assert_true(span_is(buf_span(&b), "009aff"));
	buf_reset(&b);
	assert_int_equal(hex_decode(&b, SPAN_LIT("009aFF")), 0);
	assert_true(span_eq(buf_span(&b), SPAN_LIT("\x00\x9A\xFF")));
	assert_int_equal(hex_decode(&b, SPAN_LIT("0")), MO_EINVAL);
	assert_int_equal(hex_decode(&b, SPAN_LIT("0g")), MO_EINVAL);
	assert_int_equal(hex_decode(&b, SPAN_LIT("@0")), MO_EINVAL);
	assert_int_equal(b.n, 3);
	assert_int_equal(hex_decode(&b, SPAN_LIT("")), 0);
	buf_free(&b);
}

static void test_percent(void **state)
{
	(void)state;
	struct buf b;
	buf_init(&b, 0);
	assert_int_equal(percent_decode(&b, SPAN_LIT("a%20b+c%EC%98%A8%2b%00"), false), 0);
	assert_true(span_eq(buf_span(&b), SPAN_LIT("a b+c온+\0")));
	buf_reset(&b);
	assert_int_equal(percent_decode(&b, SPAN_LIT("a+b%2B"), true), 0);
	assert_true(span_is(buf_span(&b), "a b+"));
	static const char *const bad[] = {"%", "%1", "a%", "%g0", "%0g", "%%20", "%-1"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(percent_decode(&b, span_str(bad[i]), false), MO_EINVAL);
	assert_int_equal(b.n, 4);
	buf_reset(&b);
	percent_encode(&b, SPAN_LIT("AZaz09-._~ /?#[]@!$&'()*+,;=%온\x7f"));
	assert_true(span_is(buf_span(&b), "AZaz09-._~%20%2F%3F%23%5B%5D%40%21%24%26%27%28%29%2A%2B%2C%3B%3D%25%EC%98%A8%7F"));
	buf_free(&b);
}

static void test_out_of_memory(void **state)
{
	(void)state;
	struct buf b;
	for (int k = 0; k < 6; k++) {
		int e = MO_ENOMEM;
		buf_init(&b, 0);
		faultalloc_arm(1);
		switch (k) {
		case 0:
			base64url_encode(&b, SPAN_LIT("foo"));
			break;
		case 1:
			e = base64url_decode(&b, SPAN_LIT("Zm9v"));
			break;
		case 2:
			hex_encode(&b, SPAN_LIT("foo"));
			break;
		case 3:
			e = hex_decode(&b, SPAN_LIT("00"));
			break;
		case 4:
			percent_encode(&b, SPAN_LIT("foo"));
			break;
		default:
			e = percent_decode(&b, SPAN_LIT("foo"), false);
		}
		faultalloc_arm(0);
		assert_int_equal(e, MO_ENOMEM);
		assert_int_equal(b.err, MO_ENOMEM);
		buf_free(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_base64url),
	        cmocka_unit_test(test_hex),
	        cmocka_unit_test(test_percent),
	        cmocka_unit_test(test_out_of_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
