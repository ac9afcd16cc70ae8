/* Machine states by example (the model is tests/prop/store), and cases. */
#include "fixture.h"

#define AT(s) (T0 + (s) * NS_PER_S)
#define NO INT64_C(-999)

static void states(struct fixture *f, int64_t from, int64_t to, const struct store_state *p, size_t n)
{
	OK(store_begin(f->s, &f->d));
	OK(store_put_states(f->s, S("M"), AT(from), AT(to), p, n, &f->d));
	OK(store_commit(f->s, &f->d));
}

static const char *band(struct fixture *f, int64_t from, int64_t to)
{
	return sel(f, SQ_STATES, "from to state alarm", A(TX("M"), sarg_i(AT(from)), sarg_i(AT(to))));
}

static void test_states(void **state)
{
	struct fixture *f = *state;
	states(f, 0, 100, (struct store_state[]){{AT(0), AT(100), MSTATE_RUNNING, 0}}, 1);
	states(f, 40, 60, (struct store_state[]){{AT(40), AT(50), MSTATE_STOPPED, 7}}, 1);
	assert_string_equal(band(f, 0, 100), "T+0|T+40|running|0\nT+40|T+50|stopped|7\nT+60|T+100|running|0\n");
	assert_string_equal(band(f, 45, 46), "T+40|T+50|stopped|7\n");
	assert_string_equal(band(f, 50, 60), "");
	assert_string_equal(band(f, 100, 200), "");
	/* the same again is no change */
	int64_t last = store_last_change(f->s);
	states(f, 40, 60, (struct store_state[]){{AT(40), AT(50), MSTATE_STOPPED, 7}}, 1);
	assert_int_equal(store_last_change(f->s), last);
	/* late data fills it: one interval again */
	states(f, 40, 60, (struct store_state[]){{AT(40), AT(60), MSTATE_RUNNING, 0}}, 1);
	assert_string_equal(band(f, 0, 100), "T+0|T+100|running|0\n");
	assert_string_equal(sel(f, SQ_STATES, "asset from", A(NIL, sarg_i(AT(99)), sarg_i(AT(100)))), "M|T+0\n");
	states(f, -5, 200, NULL, 0);
	assert_string_equal(band(f, -9, 999), "");
	const struct store_state wrong[] = {{AT(5), AT(4), 0, 0}};
	OK(store_begin(f->s, &f->d));
	assert_int_equal(store_put_states(f->s, S("M"), AT(0), AT(10), wrong, 1, &f->d), MO_EINVAL);
	const struct store_state overlap[] = {{AT(1), AT(4), 0, 0}, {AT(3), AT(5), 0, 0}};
	assert_int_equal(store_put_states(f->s, S("M"), AT(0), AT(10), overlap, 2, &f->d), MO_EINVAL);
	const struct store_state outside[] = {{AT(1), AT(11), 0, 0}};
	assert_int_equal(store_put_states(f->s, S("M"), AT(0), AT(10), outside, 1, &f->d), MO_EINVAL);
	assert_int_equal(store_put_states(f->s, S("M"), AT(10), AT(10), NULL, 0, &f->d), MO_EINVAL);
	store_rollback(f->s);
}

/* Puts one sighting, raised at second 1000; gives the case's id, *did what became of it. */
static int64_t see(struct fixture *f, int64_t begin, int64_t end, bool over, const char *evidence, enum store_did *did)
{
	struct store_case c = {.asset = S("M"), .cause = S("stop"), .kind = S("stop"), .begin_ns = AT(begin), .end_ns = end == NO ? T_NONE : AT(end),
		.raised_ns = AT(1000), .evidence = span_str(evidence), .over = over};
	int64_t id = 0;
	OK(store_begin(f->s, &f->d));
	OK(store_put_case(f->s, &c, &id, did, &f->d));
	OK(store_commit(f->s, &f->d));
	return id;
}

static int to(struct fixture *f, int64_t id, enum case_state st, int64_t t)
{
	OK(store_begin(f->s, &f->d));
	int err = store_case_state(f->s, id, st, &(struct store_case_note){.who = S("kim"), .note = S("확인")}, AT(t), &f->d);
	OK(store_commit(f->s, &f->d));
	return err;
}

static const char *shown(struct fixture *f, int64_t id) { return sel(f, SQ_CASE, "begin end over state evidence", A(sarg_i(id))); }

static void test_case_life(void **state)
{
	struct fixture *f = *state;
	enum store_did did;
	int64_t a = see(f, 100, NO, false, "{\"n\": 1, \"series\":\"x\"}", &did);
	assert_int_equal(did, STORE_NEW);
	assert_int_equal(see(f, 100, NO, false, "{ \"series\" : \"x\", \"n\" : 1 }", &did), a);
	assert_int_equal(did, STORE_SAME);
	assert_int_equal(see(f, 100, NO, false, "{\"n\":2}", &did), a);
	assert_int_equal(did, STORE_CHANGED);
	assert_int_equal(see(f, 90, 200, true, NULL, &did), a);
	assert_string_equal(shown(f, a), "open|T+90|T+200|{\"n\":2,\"series\":\"x\"}|1\n");
	/* detectors run again over the same data: the same case, nothing changes */
	assert_int_equal(see(f, 90, 200, true, NULL, &did), a);
	assert_int_equal(did, STORE_SAME);
	assert_int_equal(see(f, 150, 200, true, NULL, &did), a);
	assert_int_equal(did, STORE_SAME);
	/* later than its end: another case */
	int64_t b = see(f, 201, NO, false, NULL, &did);
	assert_int_equal(did, STORE_NEW);
	assert_true(b != a);
	/* the old one again, beside the live one */
	assert_int_equal(see(f, 90, 200, true, NULL, &did), a);
	assert_int_equal(did, STORE_SAME);
	/* one that nobody saw in between, found in late data, wholly before both */
	int64_t c = see(f, 10, 20, true, NULL, &did);
	assert_int_equal(did, STORE_NEW);
	assert_int_equal(see(f, 10, 20, true, NULL, &did), c);
	assert_int_equal(did, STORE_SAME);
	assert_int_equal(see(f, 230, NO, false, NULL, &did), b); /* the live one goes on */
	assert_string_equal(sel(f, SQ_CASES, "id asset cause lot_number", A(NIL, TX("M"), NIL, sarg_i(9))), "3|M|stop|-\n2|M|stop|-\n1|M|stop|-\n");
	assert_string_equal(sel(f, SQ_CASES, "id", A(TX("open"), NIL, sarg_i(3), sarg_i(1))), "2\n");
	assert_string_equal(sel(f, SQ_COUNTS, NULL, NULL, 0), "asset|1\ncase|3\n");
}

static void test_case_closed(void **state)
{
	struct fixture *f = *state;
	enum store_did did;
	int64_t a = see(f, 100, NO, false, NULL, &did);
	OK(to(f, a, CASE_SEEN, 1010));
	OK(to(f, a, CASE_DONE, 1020));
	OK(to(f, a, CASE_IN_WORK, 1030));
	OK(to(f, a, CASE_OPEN, 1040)); /* taken back */
	OK(to(f, a, CASE_CLOSED, 1050));
	for (unsigned any = CASE_OPEN; any <= CASE_CLOSED; any++)
		assert_int_equal(to(f, a, (enum case_state)any, 1060), MO_ESTATE);
	assert_int_equal(f->d.msg, MSG_STORE_CASE_STATE);
	assert_int_equal(to(f, 77, CASE_SEEN, 1060), MO_ENOENT);
	assert_string_equal(sel(f, SQ_CASE_HISTORY, "t state who note", A(sarg_i(a))),
		"T+1000|open|-|-\nT+1010|seen|kim|확인\nT+1020|done|kim|확인\nT+1030|in_work|kim|확인\nT+1040|open|kim|확인\nT+1050|closed|kim|확인\n");
	/* it goes on being seen from the same begin: no new case, and it stays closed */
	assert_int_equal(see(f, 100, NO, false, NULL, &did), a);
	assert_int_equal(see(f, 100, 1100, true, NULL, &did), a);
	assert_string_equal(shown(f, a), "closed|T+100|T+1100|-|1\n");
	/* seen anew after it was over */
	assert_true(see(f, 1101, NO, false, NULL, &did) != a);
	/* closed while it lasted: what begins after the closing is new */
	struct store_case c = {.asset = S("N"), .cause = S("c"), .kind = S("k"), .begin_ns = AT(5), .end_ns = T_NONE, .raised_ns = AT(6)};
	int64_t n = 0, m = 0;
	OK(store_begin(f->s, &f->d));
	OK(store_put_case(f->s, &c, &n, &did, &f->d));
	OK(store_case_state(f->s, n, CASE_CLOSED, &(struct store_case_note){.who = S("kim")}, AT(50), &f->d));
	c.begin_ns = AT(49);
	OK(store_put_case(f->s, &c, &m, &did, &f->d));
	assert_int_equal(m, n);
	c.begin_ns = AT(51);
	OK(store_put_case(f->s, &c, &m, &did, &f->d));
	assert_int_equal(did, STORE_NEW);
	c.evidence = S("nonsense");
	assert_int_equal(store_put_case(f->s, &c, &m, &did, &f->d), MO_EINVAL);
	c.evidence = span_of(NULL, 0);
	c.end_ns = AT(1);
	assert_int_equal(store_put_case(f->s, &c, &m, &did, &f->d), MO_EINVAL);
	OK(store_commit(f->s, &f->d));
	enum case_state parsed;
	OK(case_state_parse(&parsed, S("in_work")));
	assert_int_equal(parsed, CASE_IN_WORK);
	assert_int_equal(case_state_parse(&parsed, S("x")), MO_EINVAL);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fx_setup, fx_teardown)
	const struct CMUnitTest tests[] = {T(test_states), T(test_case_life), T(test_case_closed)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
