#include "cm.h"
#include "faultalloc.h"

#include <stdlib.h>

#include "base/prng.h"
#include "base/utf8.h"
#include "codec/text.h"

/* "온도,1\n" and what it is in each encoding. */
#define UTF8 "온도,1\n"
#define CP949 "\xBF\xC2\xB5\xB5,1\n"
#define LE                                                                                                                                 \
	"\x28\xC6\xC4\xB3,\0"                                                                                                              \
	"1\0\n"
#define BE                                                                                                                                 \
	"\xC6\x28\xB3\xC4\0,\0"                                                                                                            \
	"1\0"

static int detect(struct span s, bool whole, enum text_encoding *ret, struct diag *d)
{
	/* In memory of exactly its size, so that ASan sees a read past it. */
	uint8_t *p = malloc(s.n ? s.n : 1);
	assert_non_null(p);
	if (s.n)
		memcpy(p, s.p, s.n);
	int e = text_detect(ret, span_of(p, s.n), whole, d);
	free(p);
	return e;
}

static void is(struct span s, bool whole, enum text_encoding expected)
{
	enum text_encoding e = TEXT_CP949 + 1;
	struct diag d;
	int err = detect(s, whole, &e, &d);
	if (err || e != expected)
		print_message("'%.*s': %d, %s\n", SPAN_FMT(s), err, text_encoding_name(e));
	assert_int_equal(err, 0);
	assert_int_equal(e, expected);
}

static void isnt(struct span s, bool whole, int64_t at)
{
	enum text_encoding e;
	struct diag d;
	int err = detect(s, whole, &e, &d);
	if (err == 0)
		print_message("'%.*s' taken for %s\n", SPAN_FMT(s), text_encoding_name(e));
	assert_int_equal(err, MO_EINVAL);
	assert_int_equal(d.msg, MSG_TEXT_NOT_TEXT);
	if (at >= 0)
		assert_int_equal(d.arg[0].i, at);
}

static void test_detect(void **state)
{
	(void)state;
	is(SPAN_LIT(""), true, TEXT_UTF8);
	is(SPAN_LIT("a,b\r\n\t1\v\f"), true, TEXT_UTF8);
	is(SPAN_LIT(UTF8), true, TEXT_UTF8);
	is(SPAN_LIT("\xEF\xBB\xBF" UTF8), true, TEXT_UTF8_BOM);
	is(SPAN_LIT("\xEF\xBB\xBF"), true, TEXT_UTF8_BOM);
	is(SPAN_LIT("\xEF\xBB\xBF" CP949), true, TEXT_UTF8_BOM); /* the mark decides, the decoder counts */
	is(SPAN_LIT(CP949), true, TEXT_CP949);
	is(SPAN_LIT("\xFF\xFE" LE "\0"), true, TEXT_UTF16LE);
	is(SPAN_LIT("\xFE\xFF" BE "\n"), true, TEXT_UTF16BE);
	is(SPAN_LIT(LE "\0"), true, TEXT_UTF16LE);
	is(SPAN_LIT(BE "\n"), true, TEXT_UTF16BE);
	is(SPAN_LIT("1\0,\0"
	            "2\0\r\0\n\0"),
	        true, TEXT_UTF16LE);
	is(SPAN_LIT("\0"
	            "1\0,\0"
	            "2\0\r\0\n"),
	        true, TEXT_UTF16BE);
	is(SPAN_LIT("\xFF\xFE"
	            "1\0\x34\xD8\x1E\xDD"),
	        true, TEXT_UTF16LE); /* a surrogate pair */
	/* U+B620 is a syllable only CP949 has, not EUC-KR. */
	is(SPAN_LIT("\x8C\x63\xB9\xE6\n"), true, TEXT_CP949);
	/* Ctrl-Z ends a DOS file. */
	is(SPAN_LIT(CP949 "\x1A"), true, TEXT_CP949);
	is(SPAN_LIT("a\x1A"), true, TEXT_UTF8);
	is(SPAN_LIT("a\x1A"), false, TEXT_UTF8); /* it may be the end */
	is(SPAN_LIT("\xFE\xFF\0"
	            "1\0\x1A"),
	        true, TEXT_UTF16BE);
}

/* A head may end inside a character; a whole file may not. */
static void test_detect_cut(void **state)
{
	(void)state;
	struct span s = SPAN_LIT("1,\xED\x95\x9C\xF0\x9D\x84\x9E\xC3\xA9\xE0\xA4\x85\xF4\x8F\xBF\xBF");
	for (size_t n = 0; n <= s.n; n++) {
		bool border = n <= 2 || n == 5 || n == 9 || n == 11 || n == 14 || n == 18;
		is(span_sub(s, 0, n), false, TEXT_UTF8);
		enum text_encoding e;
		if (border)
			is(span_sub(s, 0, n), true, TEXT_UTF8);
		else
			assert_true(detect(span_sub(s, 0, n), true, &e, NULL) != 0 || e != TEXT_UTF8);
	}
	is(SPAN_LIT("a,\xBF\xC2\xB5"), false, TEXT_CP949);
	isnt(SPAN_LIT("a,\xBF\xC2\xB5"), true, 4);
	is(SPAN_LIT("\xFF\xFE"
	            "1\0\x34\xD8\x1E"),
	        false, TEXT_UTF16LE);
	isnt(SPAN_LIT("\xFF\xFE"
	              "1\0\x34\xD8\x1E"),
	        true, 4);
	is(SPAN_LIT("\xFF\xFE"
	            "1\0"
	            "2"),
	        false, TEXT_UTF16LE);
	isnt(SPAN_LIT("\xFF\xFE"
	              "1\0"
	              "2"),
	        true, 4);
	/* CP949 over the border of the pieces in which it is tried. */
	struct buf b;
	buf_init(&b, 0);
	for (int odd = 0; odd < 2; odd++) {
		buf_reset(&b);
		buf_adds(&b, odd ? "a" : "");
		while (b.n < 40000)
			buf_adds(&b, "\xBF\xC2\xB5\xB5");
		is(buf_span(&b), true, TEXT_CP949);
		b.n--;
		is(buf_span(&b), false, TEXT_CP949);
		isnt(buf_span(&b), true, (int64_t)b.n - 1);
	}
	buf_free(&b);
}

static void test_noise(void **state)
{
	(void)state;
	isnt(SPAN_LIT("\0"), true, 0);
	isnt(SPAN_LIT("a\0b"), true, -1);
	isnt(SPAN_LIT("abc\x01"
	              "def"),
	        true, 3);
	isnt(SPAN_LIT("abc\x7f"), true, 3);
	isnt(SPAN_LIT("a\x1A"
	              "b"),
	        true, 1);
	isnt(SPAN_LIT("\x1b[0m"), true, 0);
	isnt(SPAN_LIT("a,\xFF\xFF"), true, 2);
	isnt(SPAN_LIT("a,\x80,b"), true, 2);
	isnt(SPAN_LIT("PK\x03\x04\x14\0\0\0\x08\0"), true, -1);
	isnt(SPAN_LIT("\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), true, -1);
	isnt(SPAN_LIT("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1\0\0"), true, -1);
	isnt(SPAN_LIT("\xFF\xFE"
	              "1\0\0\0"),
	        true, 4); /* NUL */
	isnt(SPAN_LIT("\xFF\xFE\0\0"
	              "1\0\0\0"),
	        true, 2); /* UTF-32 */
	isnt(SPAN_LIT("\xFF\xFE"
	              "1\0\x1E\xDD"),
	        true, 4); /* half a pair */
	isnt(SPAN_LIT("\xFE\xFF\0"
	              "1\xD8\x34\0"
	              "2"),
	        true, 4);
	isnt(SPAN_LIT("\xFE\xFF\xFF\xFE"), true, 2);
	isnt(SPAN_LIT("\xEF\xBB\xBF"
	              "a\0b"),
	        true, 4);
	struct prng r;
	prng_seed(&r, 3);
	uint8_t noise[4096];
	for (int k = 0; k < 200; k++) {
		for (size_t i = 0; i < sizeof(noise); i++)
			noise[i] = (uint8_t)prng_u64(&r);
		isnt(span_of(noise, sizeof(noise)), k % 2, -1);
	}
}

/* Decodes in pieces cut at two places (0 and n: none). */
static void decode(struct buf *out, uint64_t *ret_bad, enum text_encoding e, struct span s, size_t cut1, size_t cut2)
{
	struct text_decoder *t;
	assert_int_equal(text_decoder_new(&t, e), 0);
	size_t borders[] = {0, cut1, cut2, s.n};
	for (int i = 0; i < 3; i++) {
		size_t n = borders[i + 1] - borders[i];
		uint8_t *p = malloc(n ? n : 1);
		assert_non_null(p);
		if (n)
			memcpy(p, s.p + borders[i], n);
		assert_int_equal(text_decode(t, out, span_of(p, n), i == 2), 0);
		free(p);
	}
	*ret_bad = text_decoder_bad(t);
	text_decoder_free(t);
}

static void decodes(enum text_encoding e, struct span in, const char *expected, uint64_t bad)
{
	struct buf out;
	buf_init(&out, 0);
	for (size_t a = 0; a <= in.n; a++)
		for (size_t b = a; b <= in.n; b++) {
			uint64_t got;
			buf_reset(&out);
			decode(&out, &got, e, in, a, b);
			buf_addc(&out, 0);
			if (strcmp((const char *)out.p, expected) != 0)
				print_message("%s cut at %zu, %zu\n", text_encoding_name(e), a, b);
			assert_string_equal((const char *)out.p, expected);
			assert_int_equal(got, bad);
		}
	buf_free(&out);
}

#define BAD "\xEF\xBF\xBD"

static void test_decode(void **state)
{
	(void)state;
	decodes(TEXT_UTF8, SPAN_LIT(UTF8), UTF8, 0);
	decodes(TEXT_UTF8, SPAN_LIT("\xEF\xBB\xBF" UTF8), UTF8, 0);
	decodes(TEXT_UTF8_BOM, SPAN_LIT("\xEF\xBB\xBF" UTF8), UTF8, 0);
	decodes(TEXT_UTF8_BOM,
	        SPAN_LIT("\xEF\xBB\xBF\xEF\xBB\xBF"
	                 "1"),
	        "\xEF\xBB\xBF"
	        "1",
	        0); /* only the first is a mark */
	decodes(TEXT_UTF8_BOM, SPAN_LIT("\xEF\xBB"), BAD BAD, 2);
	decodes(TEXT_UTF8, SPAN_LIT("\xEF\xBB,a"), BAD BAD ",a", 2);
	decodes(TEXT_UTF8,
	        SPAN_LIT("a\xFF"
	                 "b\xC0\xAF"
	                 "c\xED\xA0\x80"
	                 "d\xF0\x9D\x84\x9E"),
	        "a" BAD "b" BAD BAD "c" BAD BAD BAD "d\xF0\x9D\x84\x9E", 6);
	decodes(TEXT_UTF8, SPAN_LIT("a\xF0\x9D\x84"), "a" BAD BAD BAD, 3);
	decodes(TEXT_UTF8, SPAN_LIT("\xF4\x90\x80\x80\n"), BAD BAD BAD BAD "\n", 4);
	decodes(TEXT_UTF16LE, SPAN_LIT("\xFF\xFE" LE "\0"), UTF8, 0);
	decodes(TEXT_UTF16LE, SPAN_LIT(LE "\0"), UTF8, 0);
	decodes(TEXT_UTF16BE, SPAN_LIT("\xFE\xFF" BE "\n"), UTF8, 0);
	decodes(TEXT_UTF16LE,
	        SPAN_LIT("\x34\xD8\x1E\xDD"
	                 "1\0"),
	        "\xF0\x9D\x84\x9E"
	        "1",
	        0);
	decodes(TEXT_UTF16LE,
	        SPAN_LIT("\x34\xD8"
	                 "1\0\x1E\xDD\x34\xD8\x34\xD8\x1E\xDD"
	                 "2"),
	        BAD "1" BAD BAD "\xF0\x9D\x84\x9E" BAD, 4);
	decodes(TEXT_UTF16BE, SPAN_LIT("\xD8\x34"), BAD, 1);
	decodes(TEXT_CP949, SPAN_LIT(CP949), UTF8, 0);
	decodes(TEXT_CP949, SPAN_LIT("\x8C\x63\xB9\xE6"), "똠방", 0);
	decodes(TEXT_CP949, SPAN_LIT("a\xFF,\xBF\n\xBF\xC2\xBF"), "a" BAD "," BAD "\n온" BAD,
	        3); /* a bad byte never takes the delimiter with it */
	/* Unassigned pairs are one character; what follows them is not drawn in. */
	decodes(TEXT_CP949, SPAN_LIT("\xBF\xC2\xA2\xE8\xBF\xC2\xC9\xA1\xBF\xC2\xFE\xFE"), "온" BAD "온" BAD "온" BAD, 3);
	decodes(TEXT_CP949, SPAN_LIT("\xC9"), BAD, 1);
	decodes(TEXT_CP949, SPAN_LIT("\x80\xBF\xC2"), BAD "온", 1);
	decodes(TEXT_CP949, SPAN_LIT("\\~"), "\\~", 0);
}

static void test_long_runs(void **state)
{
	(void)state;
	struct buf in, out;
	struct text_decoder *t;
	buf_init(&in, 0);
	buf_init(&out, 0);
	for (int i = 0; i < 5000; i++)
		buf_adds(&in, i % 3 ? "plain ascii text that fills vectors " : "온도와 습도 ");
	assert_int_equal(text_decoder_new(&t, TEXT_UTF8), 0);
	assert_int_equal(text_decode(t, &out, buf_span(&in), true), 0);
	assert_true(span_eq(buf_span(&in), buf_span(&out)));
	text_decoder_free(t);
	/* There and back through CP949. */
	struct buf cp;
	uint64_t lost = 9;
	buf_init(&cp, 0);
	assert_int_equal(text_encode_cp949(&cp, buf_span(&in), &lost), 0);
	assert_int_equal(lost, 0);
	buf_reset(&out);
	assert_int_equal(text_decoder_new(&t, TEXT_CP949), 0);
	assert_int_equal(text_decode(t, &out, buf_span(&cp), true), 0);
	assert_true(span_eq(buf_span(&in), buf_span(&out)));
	text_decoder_free(t);
	text_decoder_free(NULL);
	buf_free(&cp);
	buf_free(&in);
	buf_free(&out);
}

/* All 11,172 syllables survive. */
static void test_all_syllables(void **state)
{
	(void)state;
	struct buf in, cp, out;
	struct text_decoder *t;
	uint64_t lost;
	buf_init(&in, 0);
	buf_init(&cp, 0);
	buf_init(&out, 0);
	for (uint32_t c = 0xAC00; c <= 0xD7A3; c++) {
		buf_addc(&in, (uint8_t)(0xE0 | c >> 12));
		buf_addc(&in, (uint8_t)(0x80 | (c >> 6 & 63)));
		buf_addc(&in, (uint8_t)(0x80 | (c & 63)));
	}
	assert_int_equal(text_encode_cp949(&cp, buf_span(&in), &lost), 0);
	assert_int_equal(lost, 0);
	assert_int_equal(cp.n, 2 * 11172);
	assert_int_equal(text_decoder_new(&t, TEXT_CP949), 0);
	assert_int_equal(text_decode(t, &out, buf_span(&cp), true), 0);
	assert_int_equal(text_decoder_bad(t), 0);
	assert_true(span_eq(buf_span(&in), buf_span(&out)));
	text_decoder_free(t);
	buf_free(&in);
	buf_free(&cp);
	buf_free(&out);
}

static void test_encode(void **state)
{
	(void)state;
	static const struct {
		const char *in, *out;
		uint64_t lost;
	} cases[] = {
	        {"", "", 0},
	        {UTF8, CP949, 0},
	        {"25℃", "25\xA1\xC9", 0},
	        {"a\xF0\x9D\x84\x9E"
	         "b",
	                "a?b", 1},
	        {"\xFF"
	         "a\xED\x95",
	                "?a?", 2},
	        {"é한", "?\xC7\xD1", 1},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf out;
		uint64_t lost = 99;
		buf_init(&out, 0);
		assert_int_equal(text_encode_cp949(&out, span_str(cases[i].in), &lost), 0);
		buf_addc(&out, 0);
		assert_string_equal((const char *)out.p, cases[i].out);
		assert_int_equal(lost, cases[i].lost);
		buf_free(&out);
	}
}

/* Every code point alone between two letters: itself there and back, or one '?'. */
static void test_every_code_point(void **state)
{
	(void)state;
	struct buf in, cp, out;
	struct text_decoder *t;
	uint64_t lost, known = 0;
	buf_init(&in, 0);
	buf_init(&cp, 0);
	buf_init(&out, 0);
	assert_int_equal(text_decoder_new(&t, TEXT_CP949), 0);
	for (uint32_t c = 0x80; c < 0x10000; c += c == 0xD7FF ? 0x801 : 1) {
		if (c % 256 == 0 || c == 0x80) { /* a block of them at a time */
			buf_reset(&in);
			buf_reset(&cp);
			buf_reset(&out);
		}
		uint8_t utf8[4];
		buf_addc(&in, 'a');
		buf_add(&in, span_of(utf8, (size_t)utf8_put(utf8, c)));
		if (c % 256 != 255)
			continue;
		assert_int_equal(text_encode_cp949(&cp, buf_span(&in), &lost), 0);
		assert_int_equal(text_decode(t, &out, buf_span(&cp), false), 0);
		struct span a = buf_span(&in), b = buf_span(&out);
		uint64_t marks = 0;
		while (a.n && b.n) {
			uint32_t x, y;
			int m = utf8_next(a, &x), n = utf8_next(b, &y);
			assert_true(m > 0 && n > 0);
			assert_true(x == y || y == '?');
			marks += x != y;
			a = span_sub(a, (size_t)m, a.n);
			b = span_sub(b, (size_t)n, b.n);
		}
		assert_true(a.n == 0 && b.n == 0);
		assert_int_equal(marks, lost);
		known += 256 - lost;
	}
	assert_true(known > 17000);
	assert_int_equal(text_decoder_bad(t), 0);
	text_decoder_free(t);
	buf_free(&in);
	buf_free(&cp);
	buf_free(&out);
}

static void test_allocations(void **state)
{
	(void)state;
	for (uint64_t nth = 1;; nth++) {
		struct buf out, cp;
		struct text_decoder *t = NULL;
		enum text_encoding enc;
		uint64_t lost;
		buf_init(&out, 0);
		buf_init(&cp, 0);
		faultalloc_arm(nth);
		int e = text_detect(&enc, SPAN_LIT(CP949), true, NULL);
		if (e == 0)
			e = text_decoder_new(&t, enc);
		if (e == 0)
			e = text_decode(t, &out, SPAN_LIT(CP949), true);
		if (e == 0)
			e = text_encode_cp949(&cp, buf_span(&out), &lost);
		int fired = faultalloc_fired();
		faultalloc_arm(0);
		text_decoder_free(t);
		if (!fired) {
			assert_int_equal(e, 0);
			assert_true(span_is(buf_span(&cp), CP949));
			buf_free(&out);
			buf_free(&cp);
			assert_in_range(nth, 5, 50);
			return;
		}
		assert_int_equal(e, MO_ENOMEM);
		buf_free(&out);
		buf_free(&cp);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_detect),
	        cmocka_unit_test(test_detect_cut),
	        cmocka_unit_test(test_noise),
	        cmocka_unit_test(test_decode),
	        cmocka_unit_test(test_long_runs),
	        cmocka_unit_test(test_all_syllables),
	        cmocka_unit_test(test_encode),
	        cmocka_unit_test(test_every_code_point),
	        cmocka_unit_test(test_allocations),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
