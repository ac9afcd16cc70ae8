/* Machine states: intervals [from, to) of one asset that never overlap and
 * never lie equal side by side. A put replaces a range: what stood in it goes,
 * what reached over its edges is cut there, and at both edges equal neighbours
 * become one. Putting the same again changes nothing. */
#include <stdlib.h>

#include "base/num.h"
#include "store/priv/impl.h"

static const char *const state_names[MSTATES] = {"no_data", "running", "waiting", "stopped", "planned"};

const char *machine_state_name(enum machine_state s) { return (unsigned)s < MSTATES ? state_names[s] : "?"; }

static int state_parse(enum machine_state *ret, struct span s)
{
	for (unsigned i = 0; i < MSTATES; i++)
		if (span_is(s, state_names[i])) {
			*ret = (enum machine_state)i;
			return 0;
		}
	return MO_ECORRUPT;
}

struct list {
	struct store_state *p;
	size_t n, cap;
};

/* Appends, joining with the last when they touch and are equal. */
static int add(struct list *l, struct store_state st, bool join)
{
	if (st.from_ns >= st.to_ns)
		return 0;
	if (join && l->n) {
		struct store_state *last = &l->p[l->n - 1];
		if (last->to_ns == st.from_ns && last->state == st.state && last->alarm == st.alarm) {
			last->to_ns = st.to_ns;
			return 0;
		}
	}
	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 64, bytes;
		if (!size_mul(&bytes, cap, sizeof *l->p))
			return MO_ELIMIT;
		struct store_state *p = realloc(l->p, bytes);
		if (!p)
			return MO_ENOMEM;
		l->p = p;
		l->cap = cap;
	}
	l->p[l->n++] = st;
	return 0;
}

static int refuse(const struct store_state *st, struct diag *d)
{
	char text[32];
	diag_set(d, MO_EINVAL, MSG_STORE_STATES_ORDER);
	diag_field(d, span_str("from"));
	diag_value(d, span_of(text, rfc3339_format(text, st->from_ns)));
	return MO_EINVAL;
}

static int check(int64_t from_ns, int64_t to_ns, const struct store_state *states, size_t n, struct diag *d)
{
	int64_t at = from_ns;
	if (from_ns == T_NONE || from_ns >= to_ns)
		return refuse(&(struct store_state){.from_ns = from_ns}, d);
	for (size_t i = 0; i < n; i++) {
		if (states[i].from_ns < at || states[i].to_ns <= states[i].from_ns || states[i].to_ns > to_ns || (unsigned)states[i].state >= MSTATES)
			return refuse(&states[i], d);
		at = states[i].to_ns;
	}
	return 0;
}

/* The stored intervals that overlap or touch [from, to]. */
static int load(struct store *s, int64_t asset, int64_t from, int64_t to, struct list *l, struct diag *d)
{
	sqlite3_stmt *st;
	int64_t first = from;
	int err = db_use(&s->db, ST_STATE_FIRST, ARGS(sarg_i(asset), sarg_i(from)), &st, d);
	if (err)
		return err;
	if ((err = db_step(&s->db, st, d)) < 0)
		return err;
	if (err == 1) {
		if (sqlite3_column_int64(st, 1) >= from)
			first = sqlite3_column_int64(st, 0);
		sqlite3_reset(st);
	}
	if ((err = db_use(&s->db, ST_STATE_LOAD, ARGS(sarg_i(asset), sarg_i(first), sarg_i(to)), &st, d)))
		return err;
	while ((err = db_step(&s->db, st, d)) == 1) {
		struct store_state x = {sqlite3_column_int64(st, 0), sqlite3_column_int64(st, 1), MSTATE_NO_DATA, sqlite3_column_int(st, 3)};
		struct span name = db_col_text(st, 2);
		err = !name.p ? MO_ENOMEM : state_parse(&x.state, name);
		if (!err)
			err = add(l, x, false);
		if (err) {
			sqlite3_reset(st);
			return diag_set(d, err, err == MO_ENOMEM ? MSG_OUT_OF_MEMORY : MSG_STORE_STATES_ORDER);
		}
	}
	return err;
}

static bool equal(const struct list *a, const struct list *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (a->p[i].from_ns != b->p[i].from_ns || a->p[i].to_ns != b->p[i].to_ns || a->p[i].state != b->p[i].state || a->p[i].alarm != b->p[i].alarm)
			return false;
	return true;
}

int store_put_states(struct store *s, struct span asset, int64_t from_ns, int64_t to_ns, const struct store_state *states, size_t n, struct diag *d)
{
	struct list old = {0}, next = {0};
	int64_t id;
	int err = store_writing(s, d);
	if (err || (err = store_text(asset, "asset", RECORD_CODE_MAX, d)) || (err = check(from_ns, to_ns, states, n, d)) ||
		(err = store_asset_use(s, asset, ASSET_MACHINE, &id, d)))
		return err;
	if ((err = load(s, id, from_ns, to_ns, &old, d)))
		goto out;
	/* left piece, what is given, right piece; one interval may reach over both edges */
	for (size_t i = 0; i < old.n && !err && old.p[i].from_ns < from_ns; i++) {
		struct store_state left = old.p[i];
		left.to_ns = left.to_ns < from_ns ? left.to_ns : from_ns;
		err = add(&next, left, false);
	}
	for (size_t i = 0; i < n && !err; i++)
		err = add(&next, states[i], true);
	for (size_t i = 0; i < old.n && !err; i++) {
		struct store_state right = old.p[i];
		right.from_ns = right.from_ns > to_ns ? right.from_ns : to_ns;
		if (old.p[i].to_ns > to_ns)
			err = add(&next, right, true);
	}
	if (err) {
		diag_set(d, err, MSG_OUT_OF_MEMORY);
		goto out;
	}
	if (equal(&old, &next))
		goto out;
	if (old.n && (err = db_run(&s->db, ST_STATE_CUT, ARGS(sarg_i(id), sarg_i(old.p[0].from_ns), sarg_i(old.p[old.n - 1].from_ns)), d)))
		goto out;
	for (size_t i = 0; i < next.n && !err; i++)
		err = db_run(&s->db, ST_STATE_ADD, ARGS(sarg_i(id), sarg_i(next.p[i].from_ns), sarg_i(next.p[i].to_ns), sarg_c(state_names[next.p[i].state]),
			sarg_i(next.p[i].alarm)), d);
	if (!err)
		err = store_note(s, NOUN_STATE, asset, "changed", (int64_t)next.n - (int64_t)old.n, d);
out:
	free(old.p);
	free(next.p);
	return err;
}
