/* Documents, undo, request keys, marks, imports, audit. */
#include "fixture.h"

static int64_t put(struct fixture *f, const char *json, int64_t expected)
{
	int64_t version = -9;
	OK(store_begin(f->s, &f->d));
	int err = store_put_doc(f->s, DOC_DEVICE, S("press"), span_str(json), expected, S("kim"), T0, &version, &f->d);
	if (err) {
		store_rollback(f->s);
		return err;
	}
	OK(store_commit(f->s, &f->d));
	return version;
}

static int64_t undo(struct fixture *f)
{
	int64_t version = -9;
	OK(store_begin(f->s, &f->d));
	int err = store_undo_doc(f->s, DOC_DEVICE, S("press"), S("lee"), T0, &version, &f->d);
	OK(store_commit(f->s, &f->d));
	return err ? err : version;
}

static const char *now(struct fixture *f) { return sel(f, SQ_DOCS, "name version json who", A(TX("device"), NIL, sarg_i(9))); }

static void test_versions(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(put(f, "{\"a\":1}", 0), 1);
	assert_int_equal(put(f, "{\"a\":1}", -1), 1);
	assert_int_equal(put(f, "{\"a\":2}", 1), 2);
	assert_int_equal(put(f, "{\"a\":3}", 1), MO_ESTATE);
	assert_int_equal(f->d.msg, MSG_STORE_DOC_VERSION);
	assert_int_equal(f->d.arg[1].i, 2);
	assert_int_equal(put(f, "{\"a\":3}", 0), MO_ESTATE);
	assert_int_equal(put(f, "[]", -1), MO_EINVAL);
	assert_int_equal(put(f, "", -1), MO_EINVAL);
	assert_string_equal(now(f), "press|2|{\"a\":2}|kim\n");
	struct buf b;
	int64_t version = 0;
	buf_init(&b, 0);
	OK(store_get_doc(f->r, DOC_DEVICE, S("press"), &b, &version, &f->d));
	assert_true(span_is(buf_span(&b), "{\"a\":2}"));
	assert_int_equal(version, 2);
	/* gone, and 0 is its version again */
	assert_int_equal(put(f, NULL, 2), 3);
	assert_string_equal(now(f), "");
	assert_int_equal(store_get_doc(f->r, DOC_DEVICE, S("press"), &b, &version, &f->d), MO_ENOENT);
	assert_int_equal(put(f, NULL, -1), MO_ENOENT);
	assert_int_equal(put(f, "{\"b\":1}", 0), 4);
	assert_string_equal(sel(f, SQ_DOC_HISTORY, NULL, A(TX("device"), TX("press"))),
		"4|{\"b\":1}|kim|T+0\n3|-|kim|T+0\n2|{\"a\":2}|kim|T+0\n1|{\"a\":1}|kim|T+0\n");
	assert_string_equal(sel(f, SQ_CHANGES, "noun key did", A(sarg_i(0), sarg_i(9))),
		"doc|device/press|new\ndoc|device/press|changed\ndoc|device/press|removed\ndoc|device/press|new\n");
	assert_string_equal(sel(f, SQ_COUNTS, NULL, NULL, 0), "doc|1\n");
	buf_free(&b);
}

static void test_undo(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(undo(f), MO_ENOENT);
	put(f, "{\"a\":1}", -1);
	put(f, "{\"a\":2}", -1);
	put(f, "{\"a\":3}", -1);
	assert_int_equal(undo(f), 4);
	assert_string_equal(now(f), "press|4|{\"a\":2}|lee\n");
	assert_int_equal(undo(f), 5);
	assert_string_equal(now(f), "press|5|{\"a\":1}|lee\n");
	put(f, "{\"a\":9}", 5);
	assert_int_equal(undo(f), 7);
	assert_string_equal(now(f), "press|7|{\"a\":1}|lee\n");
	/* all the way back: the undone undo, then what stood at first, then nothing */
	assert_int_equal(undo(f), 8);
	assert_string_equal(now(f), "press|8|{\"a\":2}|lee\n");
	while (undo(f) > 0)
		;
	assert_int_equal(undo(f), MO_ESTATE);
	assert_string_equal(now(f), "");
	put(f, "{\"a\":1}", 0);
	assert_true(undo(f) > 0);
	assert_string_equal(now(f), "");
}

static void test_idem(void **state)
{
	struct fixture *f = *state;
	uint8_t a[32] = {1}, b[32] = {2};
	struct buf answer;
	buf_init(&answer, 0);
	assert_int_equal(store_idem_get(f->s, S("k"), a, &answer, &f->d), MO_ENOENT);
	OK(store_begin(f->s, &f->d));
	OK(store_idem_put(f->s, S("k"), a, S("done"), T0, &f->d));
	OK(store_idem_get(f->s, S("k"), a, &answer, &f->d));
	assert_true(span_is(buf_span(&answer), "done"));
	assert_int_equal(store_idem_get(f->s, S("k"), b, &answer, &f->d), MO_EEXIST);
	/* seven days later it is forgotten */
	OK(store_idem_put(f->s, S("l"), a, S(""), T0 + 7 * NS_PER_DAY, &f->d));
	OK(store_idem_get(f->s, S("k"), a, &answer, &f->d));
	OK(store_idem_put(f->s, S("m"), a, S(""), T0 + 7 * NS_PER_DAY + 1, &f->d));
	assert_int_equal(store_idem_get(f->s, S("k"), a, &answer, &f->d), MO_ENOENT);
	assert_int_equal(store_idem_put(f->s, S(""), a, S(""), T0, &f->d), MO_EINVAL);
	OK(store_commit(f->s, &f->d));
	buf_free(&answer);
}

static void test_marks(void **state)
{
	struct fixture *f = *state;
	struct buf b;
	buf_init(&b, 0);
	assert_int_equal(store_get_mark(f->r, S("cursor"), &b, &f->d), MO_ENOENT);
	OK(store_begin(f->s, &f->d));
	OK(store_put_mark(f->s, S("cursor"), span_of("a\0b", 3), &f->d));
	OK(store_put_mark(f->s, S("empty"), span_of(NULL, 0), &f->d));
	assert_int_equal(store_get_mark(f->r, S("cursor"), &b, &f->d), MO_ENOENT); /* not committed yet */
	OK(store_commit(f->s, &f->d));
	OK(store_get_mark(f->r, S("cursor"), &b, &f->d));
	assert_int_equal(b.n, 3);
	OK(store_get_mark(f->r, S("empty"), &b, &f->d));
	assert_int_equal(b.n, 3);
	assert_int_equal(store_last_change(f->s), 0); /* marks are nobody else's business */
	buf_free(&b);
}

static void test_imports(void **state)
{
	struct fixture *f = *state;
	uint8_t sha[32] = {0xab};
	OK(store_begin(f->s, &f->d));
	OK(store_put_import(f->s, S("i1"), S("성적서.csv"), sha, S("running"), span_of(NULL, 0), T0, &f->d));
	OK(store_put_import(f->s, S("i2"), S("b.csv"), NULL, S("done"), S("{\"taken\":3}"), T0 + NS_PER_S, &f->d));
	OK(store_put_import(f->s, S("i1"), S("성적서.csv"), sha, S("done"), S("{\"taken\":7}"), T0 + 2 * NS_PER_S, &f->d));
	int64_t last = store_last_change(f->s);
	OK(store_put_import(f->s, S("i1"), S("성적서.csv"), sha, S("done"), S("{\"taken\":7}"), T0 + 3 * NS_PER_S, &f->d));
	assert_int_equal(store_last_change(f->s), last);
	OK(store_audit(f->s, T0, S("kim"), S("device.change"), S("press"), S("{\"from\":1}"), &f->d));
	assert_int_equal(store_audit(f->s, T0, S(""), S("x"), S(""), S(""), &f->d), MO_EINVAL);
	OK(store_commit(f->s, &f->d));
	assert_string_equal(sel(f, SQ_IMPORTS, "id file state result t", A(NIL, sarg_i(9))),
		"i2|b.csv|done|{\"taken\":3}|T+1\ni1|성적서.csv|done|{\"taken\":7}|T+0\n");
	assert_string_equal(sel(f, SQ_IMPORTS, "id", A(TX("i2"), sarg_i(9))), "i1\n");
	assert_non_null(strstr(sel(f, SQ_IMPORT, NULL, A(TX("i1"))), "|ab0000"));
	assert_string_equal(sel(f, SQ_AUDIT, NULL, A(NIL, sarg_i(9))), "1|T+0|kim|device.change|press|{\"from\":1}\n");
	assert_string_equal(sel(f, SQ_AUDIT, NULL, A(sarg_i(1), sarg_i(9))), "");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fx_setup, fx_teardown)
	const struct CMUnitTest tests[] = {T(test_versions), T(test_undo), T(test_idem), T(test_marks), T(test_imports)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
