/* Sentences in both languages: places, arguments, particles. */
#include "cm.h"

#include "api/words.h"
#include "api/words_table.h"

static void says(enum words_lang lang, const struct diag *d, const char *want)
{
	struct buf b;
	buf_init(&b, 0);
	words_render(&b, lang, d);
	buf_addc(&b, 0);
	assert_int_equal(b.err, 0);
	assert_string_equal((const char *)b.p, want);
	buf_free(&b);
}

static void particles_follow_the_sound(void **state)
{
	struct diag d;
	(void)state;
	/* {value|이/가} */
	static const struct {
		const char *value, *want;
	} rows[] = {{"온도", "시계열 온도가 없습니다"}, {"압력", "시계열 압력이 없습니다"}, {"7", "시계열 7이 없습니다"}, {"5", "시계열 5가 없습니다"}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		diag_set(&d, MO_ENOENT, MSG_API_NO_SERIES);
		diag_value(&d, span_str(rows[i].value));
		says(WORDS_KO, &d, rows[i].want);
	}
	diag_value(&d, span_str("x"));
	says(WORDS_EN, &d, "There is no series x");
}

static void places_and_arguments(void **state)
{
	struct diag d;
	(void)state;
	diag_set(&d, MO_EINVAL, MSG_API_PARAM);
	diag_field(&d, span_str("limit"));
	diag_value(&d, span_str("ten"));
	diag_expected(&d, "1..1000");
	says(WORDS_EN, &d, "\"limit\" cannot be \"ten\". Expected: 1..1000");
	says(WORDS_KO, &d, "\"limit\"에는 \"ten\" 값을 쓸 수 없습니다. 맞는 값: 1..1000");
	diag_set(&d, MO_ESTATE, MSG_STORE_LOT_STATE);
	diag_value(&d, span_str("A-1"));
	diag_text(&d, 0, span_str("scrapped"));
	diag_text(&d, 1, span_str("ok"));
	says(WORDS_EN, &d, "Lot A-1 cannot go from scrapped to ok");
}

static void without_message(void **state)
{
	struct diag d;
	(void)state;
	diag_clear(&d);
	d.err = MO_EIO;
	says(WORDS_EN, &d, mo_err_name(MO_EIO));
	assert_string_equal(words_code(MSG_NONE), "none");
	assert_string_equal(words_code(MSG_API_PARAM), "api_param");
	assert_int_equal(words_lang("en_US"), WORDS_EN);
	assert_int_equal(words_lang("ko"), WORDS_KO);
	assert_int_equal(words_lang(NULL), WORDS_KO);
}

/* Every sentence of the catalogue renders, whatever is missing, in both languages. */
static void every_message_renders(void **state)
{
	struct diag d;
	(void)state;
	for (int m = MSG_NONE + 1; m < MSG_COUNT; m++)
		for (int lang = WORDS_KO; lang <= WORDS_EN; lang++) {
			struct buf b;
			buf_init(&b, 0);
			diag_set(&d, MO_EINVAL, (enum mo_msg)m);
			words_render(&b, (enum words_lang)lang, &d);
			assert_true(b.err == 0 && b.n > 0);
			buf_free(&b);
			for (const char *p = words_code((enum mo_msg)m); *p; p++)
				assert_true((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || *p == '_');
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(particles_follow_the_sound), cmocka_unit_test(places_and_arguments), cmocka_unit_test(without_message),
		cmocka_unit_test(every_message_renders)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
