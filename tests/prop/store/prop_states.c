/* store_put_states() against an array with one cell a time unit; and cases
 * against their promises. */
#include <math.h>
#include <stdlib.h>

#include "cm.h"
#include "prop.h"

#include "os/memvfs.h"
#include "store/store.h"

#define UNITS 40
#define PUTS_MAX 12
#define FREE (-1)

struct shop {
	struct vfs *vfs;
	struct store *s;
	struct store_reader *r;
};

static int shop_open(struct shop *x)
{
	*x = (struct shop){0};
	if (memvfs_new(&x->vfs, 1) || store_open(&x->s, x->vfs, "s.db", NULL) || store_reader_open(&x->r, x->vfs, "s.db", NULL))
		return -1;
	return 0;
}

static void shop_close(struct shop *x)
{
	store_reader_close(x->r);
	store_close(x->s);
	vfs_free(x->vfs);
}

static int cell(enum machine_state s, int alarm) { return (int)s * 10 + alarm; }

/* The stored intervals laid out over the array; false when they overlap or equal ones touch. */
static bool same(struct shop *x, const int *model)
{
	int got[UNITS];
	struct table_cursor *c = NULL;
	struct table_batch b = {0};
	struct store_arg args[] = {sarg_s(span_str("M")), sarg_i(0), sarg_i(UNITS)};
	bool ok = store_select(x->r, &c, SQ_STATES, args, 3, NULL) == 0;
	int64_t end = -1;
	int last = FREE;
	for (int i = 0; i < UNITS; i++)
		got[i] = FREE;
	while (ok && (ok = table_next(c, &b, NULL) == 0) && b.n_rows)
		for (size_t i = 0; i < b.n_rows; i++) {
			int64_t from = b.cols[1].i64[i], to = b.cols[2].i64[i];
			int state = -1;
			for (int k = 0; k < MSTATES; k++)
				if (span_is(b.cols[3].str[i], machine_state_name((enum machine_state)k)))
					state = cell((enum machine_state)k, (int)b.cols[4].i64[i]);
			ok = ok && state >= 0 && from >= end && from < to && to <= UNITS && !(from == end && state == last);
			for (int64_t t = from; ok && t < to; t++)
				got[t] = state;
			end = to;
			last = state;
		}
	table_close(c);
	return ok && memcmp(got, model, sizeof got) == 0;
}

static bool replaces(struct prop *p, void *arg)
{
	int model[UNITS];
	struct shop x;
	(void)arg;
	for (int i = 0; i < UNITS; i++)
		model[i] = FREE;
	bool ok = shop_open(&x) == 0 && store_begin(x.s, NULL) == 0;
	size_t puts = 1 + prop_size(p, PUTS_MAX - 1);
	for (size_t k = 0; k < puts && ok; k++) {
		struct store_state st[UNITS];
		size_t n = 0;
		int64_t from = (int64_t)prop_below(p, UNITS), to = from + 1 + (int64_t)prop_below(p, (uint64_t)(UNITS - from));
		prop_note(p, "put [%d,%d)", (int)from, (int)to);
		for (int64_t t = from; t < to; t++)
			model[t] = FREE;
		for (int64_t t = from; t < to;) {
			t += (int64_t)prop_size(p, 3);
			int64_t len = 1 + (int64_t)prop_size(p, 8);
			if (t + len > to)
				break;
			st[n] = (struct store_state){t, t + len, (enum machine_state)prop_below(p, 2), (int)prop_below(p, 2)};
			prop_note(p, " [%d,%d) %d", (int)t, (int)(t + len), cell(st[n].state, st[n].alarm));
			for (int64_t u = t; u < t + len; u++)
				model[u] = cell(st[n].state, st[n].alarm);
			n++;
			t += len;
		}
		ok = store_put_states(x.s, span_str("M"), from, to, st, n, NULL) == 0;
		int64_t change = store_last_change(x.s);
		/* again is no change */
		ok = ok && store_put_states(x.s, span_str("M"), from, to, st, n, NULL) == 0 && store_last_change(x.s) == change;
	}
	ok = ok && store_commit(x.s, NULL) == 0 && same(&x, model);
	shop_close(&x);
	return ok;
}

/* ---- cases: at most one live a key; the same sighting again changes nothing ---- */

static bool one_live(struct shop *x)
{
	struct table_cursor *c = NULL;
	struct table_batch b = {0};
	struct store_arg args[] = {sarg_null(), sarg_s(span_str("M")), sarg_null(), sarg_i(1000)};
	unsigned live = 0;
	bool ok = store_select(x->r, &c, SQ_CASES, args, 4, NULL) == 0;
	while (ok && (ok = table_next(c, &b, NULL) == 0) && b.n_rows)
		for (size_t i = 0; i < b.n_rows; i++)
			live += !b.cols[13].b[i] && !span_is(b.cols[5].str[i], "closed");
	table_close(c);
	return ok && live <= 1;
}

static bool sightings(struct prop *p, void *arg)
{
	struct shop x;
	(void)arg;
	bool ok = shop_open(&x) == 0;
	size_t puts = 1 + prop_size(p, 15);
	for (size_t k = 0; k < puts && ok; k++) {
		struct store_case c = {.asset = span_str("M"), .cause = span_str("c"), .kind = span_str("k"), .raised_ns = 1000 + (int64_t)k};
		int64_t id = 0, again = 0;
		enum store_did did;
		c.begin_ns = (int64_t)prop_below(p, 50);
		c.end_ns = prop_bool(p) ? T_NONE : c.begin_ns + (int64_t)prop_below(p, 20);
		c.over = c.end_ns != T_NONE && prop_bool(p);
		bool closes = prop_below(p, 4) == 0;
		prop_note(p, "see %d..%d over=%d close=%d", (int)c.begin_ns, c.end_ns == T_NONE ? -1 : (int)c.end_ns, c.over, closes);
		ok = store_begin(x.s, NULL) == 0 && store_put_case(x.s, &c, &id, &did, NULL) == 0 && store_put_case(x.s, &c, &again, &did, NULL) == 0 &&
			id == again && did == STORE_SAME;
		if (ok && closes) {
			int err = store_case_state(x.s, id, CASE_CLOSED, &(struct store_case_note){.who = span_str("kim")}, c.begin_ns + 5, NULL);
			ok = err == 0 || err == MO_ESTATE;
		}
		ok = ok && store_commit(x.s, NULL) == 0 && one_live(&x);
	}
	shop_close(&x);
	return ok;
}

static void test_states(void **state)
{
	(void)state;
	assert_int_equal(prop_check("replaces", replaces, NULL, 150), 0);
}

static void test_cases(void **state)
{
	(void)state;
	assert_int_equal(prop_check("sightings", sightings, NULL, 150), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_states), cmocka_unit_test(test_cases)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
