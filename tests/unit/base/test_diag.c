#include "cm.h"

#include <errno.h>

#include "base/diag.h"
#include "base/utf8.h"

static void test_null_is_fine(void **state)
{
	(void)state;
	diag_clear(NULL);
	assert_int_equal(diag_set(NULL, MO_EINVAL, MSG_OUT_OF_MEMORY), MO_EINVAL);
	diag_file(NULL, "f");
	diag_line(NULL, 1, 2);
	diag_field(NULL, SPAN_LIT("f"));
	diag_value(NULL, SPAN_LIT("f"));
	diag_expected(NULL, "f");
	diag_int(NULL, 0, 1);
	diag_real(NULL, 0, 1);
	diag_text(NULL, 0, SPAN_LIT("f"));
	assert_int_equal(diag_errno(NULL, ENOSPC, "write", "f"), MO_EFULL);
}

static void test_holds(void **state)
{
	(void)state;
	struct diag d;
	memset(&d, 0xAA, sizeof d);
	assert_int_equal(diag_set(&d, MO_EINVAL, MSG_OUT_OF_MEMORY), MO_EINVAL);
	diag_file(&d, "a.csv");
	diag_line(&d, 3, 9);
	diag_field(&d, SPAN_LIT("온도"));
	diag_value(&d, SPAN_LIT("12,x"));
	diag_expected(&d, "0..65535");
	diag_int(&d, 0, -5);
	diag_real(&d, 1, 2.5);
	diag_text(&d, 2, SPAN_LIT("t"));
	diag_text(&d, DIAG_ARGS_MAX, SPAN_LIT("nowhere"));
	assert_int_equal(d.err, MO_EINVAL);
	assert_int_equal(d.msg, MSG_OUT_OF_MEMORY);
	assert_string_equal(d.file, "a.csv");
	assert_int_equal(d.line, 3);
	assert_int_equal(d.column, 9);
	assert_string_equal(d.field, "온도");
	assert_string_equal(d.value, "12,x");
	assert_string_equal(d.expected, "0..65535");
	assert_int_equal(d.arg[0].kind, DIAG_INT);
	assert_int_equal(d.arg[0].i, -5);
	assert_int_equal(d.arg[1].kind, DIAG_REAL);
	assert_true(d.arg[1].r == 2.5);
	assert_int_equal(d.arg[2].kind, DIAG_TEXT);
	assert_string_equal(d.arg[2].text, "t");
	assert_int_equal(d.arg[3].kind, DIAG_NONE);
	diag_set(&d, MO_EIO, MSG_OS_ERROR);
	assert_string_equal(d.file, "");
	assert_int_equal(d.arg[0].kind, DIAG_NONE);
}

static void test_errno(void **state)
{
	(void)state;
	static const struct {
		int value, err;
		const char *name;
	} t[] = {{EIO, MO_EIO, "EIO"}, {ENOSPC, MO_EFULL, "ENOSPC"}, {EDQUOT, MO_EFULL, "EDQUOT"}, {EACCES, MO_EDENIED, "EACCES"},
		{EROFS, MO_EDENIED, "EROFS"}, {ENOENT, MO_ENOENT, "ENOENT"}, {EEXIST, MO_EEXIST, "EEXIST"}, {ENOMEM, MO_ENOMEM, "ENOMEM"},
		{EMFILE, MO_EIO, "EMFILE"}, {31999, MO_EIO, "errno 31999"}};
	struct diag d;
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		assert_int_equal(diag_errno(&d, t[i].value, "open", "x/y"), t[i].err);
		assert_int_equal(d.err, t[i].err);
		assert_int_equal(d.msg, MSG_OS_ERROR);
		assert_string_equal(d.file, "x/y");
		assert_string_equal(d.arg[0].text, "open");
		assert_string_equal(d.arg[1].text, t[i].name);
	}
	assert_int_equal(diag_errno(&d, EIO, "sync", NULL), MO_EIO);
	assert_string_equal(d.file, "");
}

static void copies(size_t size, struct span from, const char *want)
{
	char out[32];
	memset(out, 'x', sizeof out);
	diag_copy(out, size, from);
	assert_string_equal(out, want);
	assert_int_equal(out[size], 'x');
}

static void test_copy_cuts_whole_characters(void **state)
{
	(void)state;
	copies(8, SPAN_LIT("abcdefghi"), "abcdefg");
	copies(1, SPAN_LIT("abc"), "");
	copies(6, SPAN_LIT("가나"), "가");
	copies(7, SPAN_LIT("가나"), "가나");
	copies(8, SPAN_LIT("a\xff" "b"), "a\xEF\xBF\xBD" "b");
	copies(4, SPAN_LIT("a\xff" "b"), "a");
	copies(16, SPAN_LIT("a\0\n\x7f"), "a\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
	copies(16, SPAN_LIT("\xC2\x85x"), "\xEF\xBF\xBDx"); /* a C1 control */
	copies(16, SPAN_LIT("\xED\x95"), "\xEF\xBF\xBD\xEF\xBF\xBD");
	copies(16, (struct span){0}, "");
	char none[1] = {'x'};
	diag_copy(none, 0, SPAN_LIT("abc"));
	assert_int_equal(none[0], 'x');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_null_is_fine),
		cmocka_unit_test(test_holds),
		cmocka_unit_test(test_errno),
		cmocka_unit_test(test_copy_cuts_whole_characters),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
