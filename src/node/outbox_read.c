/* The next messages of a target, from the change feed. */
#include "node/priv/outbox.h"

#define CHANGES_A_QUERY 500
#define LOOKED_AT_MAX 20000 /* of one turn: the worker has others to serve */

static int change_at(struct store_reader *r, int64_t after, int64_t *ret_number, int64_t *ret_t_ns, struct diag *d)
{
	struct table_cursor *cur = NULL;
	struct table_batch b = {0};
	const struct store_arg a[] = {sarg_i(after), sarg_i(1)};
	int err = store_select(r, &cur, SQ_CHANGES, a, 2, d);
	if (err == 0)
		err = table_next(cur, &b, d);
	if (err == 0 && b.n_rows == 0)
		err = MO_ENOENT;
	if (err == 0) {
		*ret_number = b.cols[0].i64[0];
		*ret_t_ns = b.cols[1].i64[0];
	}
	table_close(cur);
	return err;
}

/* *ret: the last of the changes after `after` that are before t; `after` when there is none. Their times never go back (store.h). */
static int last_before(struct store_reader *r, int64_t after, int64_t latest, int64_t t, int64_t *ret, struct diag *d)
{
	int64_t lo = after, hi = latest; /* all up to lo are before t; none after hi is looked at */
	while (lo < hi) {
		int64_t mid = lo + (hi - lo) / 2, number, at; /* the change after mid */
		int err = change_at(r, mid, &number, &at, d);
		if (err == MO_ENOENT || (err == 0 && at >= t)) {
			hi = mid;
			continue;
		}
		if (err != 0)
			return err;
		lo = number;
	}
	*ret = lo;
	return 0;
}

/* How far behind a target may be, by number and by age. */
static int bounds(struct flight *f, struct store_reader *r, struct diag *d)
{
	int64_t to = f->latest - f->after > f->behind_max ? f->latest - f->behind_max : f->after, number, t, old = f->after;
	int err = change_at(r, to, &number, &t, d);
	if (err == 0 && t < f->now_ns - f->keep_ns)
		err = last_before(r, to, f->latest, f->now_ns - f->keep_ns, &old, d);
	if (err != 0)
		return err == MO_ENOENT ? 0 : err;
	to = old > to ? old : to;
	if (to > f->after) {
		f->kind = FLIGHT_LEAVE;
		f->reached = to;
	}
	return 0;
}

static struct letter_change change_of(const struct table_batch *b, size_t i)
{
	return (struct letter_change){b->cols[0].i64[i], b->cols[1].i64[i], b->cols[2].str[i], b->cols[3].str[i], b->cols[4].str[i]};
}

static int add(struct flight *f, struct json_writer *w, publisher_set topic, const struct letter_change *c, struct store_reader *r, struct diag *d)
{
	int err = letter_change(w, &f->from, topic, c, r, d);
	if (err == 0) {
		f->oldest_ns = f->n++ ? f->oldest_ns : c->t_ns;
		f->topics |= topic;
		f->number = c->number;
	}
	return err;
}

/* Changes after *at, until there are messages enough. *ret_more: there are further changes. */
static int read_some(struct flight *f, struct json_writer *w, struct store_reader *r, bool *ret_more, struct diag *d)
{
	struct table_cursor *cur = NULL;
	struct table_batch b = {0};
	const struct store_arg a[] = {sarg_i(f->reached), sarg_i(CHANGES_A_QUERY)};
	size_t rows = 0;
	bool full = false;
	int err = store_select(r, &cur, SQ_CHANGES, a, 2, d);
	while (err == 0 && !full && (err = table_next(cur, &b, d)) == 0 && b.n_rows)
		for (size_t i = 0; i < b.n_rows && err == 0 && !full; i++) {
			const struct letter_change c = change_of(&b, i);
			publisher_set topic = letter_topic(f->what, c.noun);
			err = topic ? add(f, w, topic, &c, r, d) : 0;
			if (err == 0)
				f->reached = c.number;
			full = f->n >= f->max || f->body.n >= OUTBOX_BATCH_BYTES;
			rows++;
		}
	table_close(cur);
	*ret_more = err == 0 && !full && rows == CHANGES_A_QUERY;
	return err;
}

static int read_again(struct flight *f, struct json_writer *w, int64_t number, struct store_reader *r, struct diag *d)
{
	struct table_cursor *cur = NULL;
	struct table_batch b = {0};
	const struct store_arg a[] = {sarg_i(number - 1), sarg_i(1)};
	int err = store_select(r, &cur, SQ_CHANGES, a, 2, d);
	if (err == 0)
		err = table_next(cur, &b, d);
	if (err == 0 && b.n_rows && b.cols[0].i64[0] == number) {
		const struct letter_change c = change_of(&b, 0);
		/* The sink's topics may have changed since: then there is nothing to send of it. */
		publisher_set topic = letter_topic(f->what, c.noun);
		if (topic)
			err = add(f, w, topic, &c, r, d);
	}
	table_close(cur);
	f->kind = FLIGHT_AGAIN;
	f->number = number;
	return err;
}

static int next_again(struct flight *f, struct store_reader *r, int64_t *ret, struct diag *d)
{
	struct table_cursor *cur = NULL;
	struct table_batch b = {0};
	const struct store_arg a[] = {sarg_i(f->row)};
	int err = store_select(r, &cur, SQ_ASIDE_NEXT, a, 1, d);
	if (err == 0)
		err = table_next(cur, &b, d);
	*ret = err == 0 && b.n_rows ? b.cols[0].i64[0] : 0;
	table_close(cur);
	return err;
}

int outbox_read(struct flight *f, struct store_reader *r, struct diag *d)
{
	struct json_writer w;
	int64_t again = 0;
	bool more = true;
	f->kind = FLIGHT_NOTHING;
	f->reached = f->after;
	f->n = 0;
	f->topics = 0;
	f->oldest_ns = T_NONE;
	buf_reset(&f->body);
	json_writer_init(&w, &f->body);
	jw_array(&w);
	int err = f->gap_to ? 0 : next_again(f, r, &again, d);
	if (err == 0 && f->gap_to) {
		letter_gap(&w, &f->from, f->gap_from, f->gap_to, f->now_ns);
		f->kind = FLIGHT_GAP;
		f->n = 1;
		f->topics = publisher_bit(PUBLISHER_GAP);
	} else if (err == 0 && again) {
		err = read_again(f, &w, again, r, d);
	} else if (err == 0 && (err = bounds(f, r, d)) == 0 && f->kind == FLIGHT_NOTHING) {
		while (err == 0 && more && f->reached - f->after < LOOKED_AT_MAX)
			err = read_some(f, &w, r, &more, d);
		if (f->n)
			f->kind = FLIGHT_BATCH;
	}
	jw_array_end(&w);
	return err != 0 ? err : f->body.err ? diag_set(d, f->body.err, MSG_OUT_OF_MEMORY) : 0;
}
