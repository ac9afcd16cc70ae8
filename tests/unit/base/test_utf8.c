#include "cm.h"

#include "base/utf8.h"

static int next(const char *bytes, size_t n, uint32_t *cp) { return utf8_next(span_of(bytes, n), cp); }

static void test_boundaries(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		uint32_t cp;
	} good[] = {{"\x01", 1}, {"\x7f", 0x7f}, {"\xc2\x80", 0x80}, {"\xdf\xbf", 0x7ff}, {"\xe0\xa0\x80", 0x800}, {"\xed\x9f\xbf", 0xd7ff},
		{"\xee\x80\x80", 0xe000}, {"\xef\xbf\xbf", 0xffff}, {"\xf0\x90\x80\x80", 0x10000}, {"\xf4\x8f\xbf\xbf", 0x10ffff}};
	static const char *const bad[] = {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xe0\x9f\xbf", "\xed\xa0\x80",
		"\xed\xbf\xbf", "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xfe", "\xc2", "\xe1\x80",
		"\xf1\x80\x80", "\xc2" "a", "\xe1" "a\x80", "\xe1\x80" "a", "\xf1\x80\x80" "a"};
	uint32_t cp;
	uint8_t out[4];
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		size_t n = strlen(good[i].bytes);
		assert_int_equal(next(good[i].bytes, n, &cp), n);
		assert_int_equal(cp, good[i].cp);
		assert_int_equal(utf8_put(out, cp), n);
		assert_memory_equal(out, good[i].bytes, n);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_equal(next(bad[i], strlen(bad[i]), &cp), -1);
		assert_false(utf8_valid(span_str(bad[i])));
		assert_int_equal(utf8_check(span_str(bad[i])), 0);
	}
	assert_int_equal(next("", 0, &cp), 0);
	assert_int_equal(next("\0", 1, &cp), 1);
	assert_int_equal(utf8_put(out, 0xd800), 0);
	assert_int_equal(utf8_put(out, 0xdfff), 0);
	assert_int_equal(utf8_put(out, 0x110000), 0);
	assert_int_equal(utf8_put(out, UINT32_MAX), 0);
}

static void test_runs(void **state)
{
	(void)state;
	assert_true(utf8_valid((struct span){0}));
	assert_int_equal(utf8_check(SPAN_LIT("12345678\xff")), 8);
	assert_int_equal(utf8_check(SPAN_LIT("1234567한글12345678901\xed\x95")), 24);
	assert_int_equal(utf8_count(SPAN_LIT("a한글\xff\xed\x95")), 6);
	assert_int_equal(utf8_count((struct span){0}), 0);
}

static void composes(const char *from, const char *want)
{
	struct buf b;
	buf_init(&b, 0);
	utf8_compose_hangul(&b, span_str(from));
	buf_addc(&b, 0);
	assert_string_equal((char *)b.p, want);
	buf_free(&b);
}

static void test_hangul(void **state)
{
	(void)state;
	composes("\u1112\u1161\u11ab\u1100\u1173\u11af.csv", "한글.csv");
	composes("\u1100\u1161", "가");
	composes("\u1112\u1175\u11c2", "힣");
	composes("가\u11a8", "각"); /* LV + T */
	composes("각\u11a8", "각\u11a8"); /* has a final already */
	composes("\u1100\u1100\u1161", "\u1100가");
	composes("\u1161\u11a8", "\u1161\u11a8");
	composes("\u1100\u11a7", "\u1100\u11a7");
	composes("ㅋㅋㅏ", "ㅋㅋㅏ"); /* letters typed as letters */
	composes("a\xff\u1100", "a\xff\u1100");

	struct buf b;
	buf_init(&b, 0);
	utf8_initials(&b, SPAN_LIT("금형-1 ㅅ힣까"));
	assert_true(span_is(buf_span(&b), "ㄱㅎ-1 ㅅㅎㄲ"));
	buf_free(&b);
}

static void test_final_sounds(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int sound;
	} t[] = {{"", 0}, {"온도", 0}, {"값", 1}, {"파일", 2}, {"설비", 0}, {"금형", 1}, {"줄", 2},
		/* digits: 영 일 이 삼 사 오 육 칠 팔 구 십 백 천 만 억 조 */
		{"0", 1}, {"1", 2}, {"2", 0}, {"3", 1}, {"4", 0}, {"5", 0}, {"6", 1}, {"7", 2}, {"8", 2}, {"9", 0}, {"10", 1}, {"200", 1},
		{"3,000", 1}, {"10000", 1}, {"100000000", 1}, {"1000000000000", 0}, {"10000000000000000", 1}, {"11", 2}, {"1.50", 1}, {"1.2", 0},
		{"000", 1}, {"2026-11-22", 0}, {"SN7", 2},
		/* letters by name */
		{"L", 2}, {"R", 2}, {"M", 1}, {"N", 1}, {"A", 0}, {"PLC", 0}, {"URL", 2}, {"MLD", 0}, {"RPM", 1}, {"kWh", 0}, {"l", 2}, {"x", 0},
		/* words by their ending */
		{"file", 2}, {"signal", 2}, {"line", 1}, {"name", 1}, {"team", 1}, {"pen", 1}, {"running", 1}, {"robot", 1}, {"sheet", 0},
		{"disk", 0}, {"block", 1}, {"web", 1}, {"Sensor", 0}, {"csv", 0}, {"xml", 2}, {"kg", 1}, {"mm", 0}, {"Pa", 0},
		/* what isn't spoken is skipped */
		{"온도(℃)", 0}, {"\"값\"", 1}, {"값 ", 1}, {"값」", 1}, {"50%", 0}, {"(7)", 2}, {"값…", 1}, {"()", 0}, {"温", 0}, {"ㄹ", 2}, {"ㄱ", 1},
		{"ㅏ", 0}, {"값\xff", 1}};
	for (size_t i = 0; i < sizeof t / sizeof *t; i++)
		if (utf8_final_sound(span_str(t[i].text)) != t[i].sound)
			fail_msg("%s: %d, not %d", t[i].text, utf8_final_sound(span_str(t[i].text)), t[i].sound);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_boundaries),
		cmocka_unit_test(test_runs),
		cmocka_unit_test(test_hangul),
		cmocka_unit_test(test_final_sounds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
