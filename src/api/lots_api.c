/* Lots: one with all that is known of it, its family tree, and which saw a condition. */
#include "api/priv/api.h"

#include <math.h>

#include "lots/condition.h"
#include "lots/genealogy.h"
#include "series/series.h"

static int lot_of(struct api_call *c, int64_t *ret)
{
	struct lot_key k = {api_param(c, "firm"), api_param(c, "number")};
	int err = store_lot_id(c->reader, k, ret, c->d);
	if (err == MO_ENOENT) {
		diag_set(c->d, MO_ENOENT, MSG_API_NO_LOT);
		diag_value(c->d, k.number);
		diag_field(c->d, k.firm);
	}
	return err;
}

int get_lot(struct api_call *c)
{
	static const struct {
		const char *key;
		enum store_query q;
		int down; /* -1: no such argument */
	} parts[] = {{"events", SQ_LOT_EVENTS, -1}, {"operations", SQ_LOT_OPERATIONS, -1}, {"characteristics", SQ_LOT_CHARACTERISTICS, -1},
		{"parents", SQ_LOT_LINKS, 0}, {"children", SQ_LOT_LINKS, 1}};
	int64_t id;
	int err = lot_of(c, &id);
	if (err != 0)
		return err;
	struct store_arg a[] = {sarg_i(id), sarg_i(0)};
	jw_object(&c->w);
	err = api_row(c, SQ_LOT_BY_ID, a, 1);
	for (size_t i = 0; i < sizeof parts / sizeof *parts && err == 0; i++) {
		jw_key(&c->w, parts[i].key);
		a[1] = sarg_i(parts[i].down);
		err = api_rows(c, parts[i].q, a, parts[i].down < 0 ? 1 : 2);
	}
	jw_object_end(&c->w);
	return err;
}

static int write_node(struct api_call *c, const struct gen_node *n, bool up)
{
	struct store_arg a[] = {sarg_i(n->lot)};
	jw_object(&c->w);
	int err = api_row(c, SQ_LOT_BY_ID, a, 1);
	jw_key(&c->w, "depth");
	jw_i64(&c->w, up ? -(int64_t)n->depth : n->depth);
	jw_object_end(&c->w);
	return err;
}

/* The walk keeps numbers alone, two million links may lie in memory; their units are read as they are written. */
static int write_links(struct api_call *c, const struct gen_tree *t)
{
	struct buf unit;
	int err = 0;
	buf_init(&unit, 0);
	for (size_t i = 0; i < t->n_links && err == 0; i++) {
		err = store_link_unit(c->reader, t->links[i].parent, t->links[i].child, &unit, c->d);
		jw_object(&c->w);
		jw_key(&c->w, "parent");
		jw_i64(&c->w, t->links[i].parent);
		jw_key(&c->w, "child");
		jw_i64(&c->w, t->links[i].child);
		jw_key(&c->w, "quantity");
		jw_f64(&c->w, t->links[i].quantity);
		jw_key(&c->w, "unit");
		if (unit.n)
			jw_str(&c->w, buf_span(&unit));
		else
			jw_null(&c->w);
		jw_object_end(&c->w);
	}
	buf_free(&unit);
	return err;
}

int get_lot_tree(struct api_call *c)
{
	int64_t id, depth, limit;
	struct span dir = api_param(c, "direction");
	struct gen_tree t[2] = {{0}, {0}}; /* down, up */
	int err = lot_of(c, &id);
	if (err == 0)
		err = api_param_i64(c, "depth", 0, 0, 1000, &depth);
	if (err == 0)
		err = api_param_i64(c, "limit", 2000, 1, GENEALOGY_LOTS_MAX, &limit);
	bool down = !span_is(dir, "up"), up = span_is(dir, "up") || span_is(dir, "both");
	if (err == 0 && down)
		err = genealogy_walk(&t[0], &c->arena, id, true, (uint32_t)depth, (size_t)limit, store_links, c->reader, c->d);
	if (err == 0 && up)
		err = genealogy_walk(&t[1], &c->arena, id, false, (uint32_t)depth, (size_t)limit, store_links, c->reader, c->d);
	if (err != 0)
		return err;
	jw_object(&c->w);
	jw_key(&c->w, "nodes");
	jw_array(&c->w);
	for (int k = 0; k < 2 && err == 0; k++)
		for (size_t i = k == 1 && down ? 1 : 0; i < t[k].n_nodes && err == 0; i++)
			err = write_node(c, &t[k].nodes[i], k == 1);
	jw_array_end(&c->w);
	jw_key(&c->w, "links");
	jw_array(&c->w);
	for (int k = 0; k < 2 && err == 0; k++)
		err = write_links(c, &t[k]);
	jw_array_end(&c->w);
	jw_key(&c->w, "cut");
	jw_bool(&c->w, t[0].cut || t[1].cut);
	jw_object_end(&c->w);
	return err;
}

/* ---- which lots saw a condition ---- */
struct watched {
	series_id id;
	struct series_def def;
	struct sdb_range range;
	double below, above; /* NaN: not asked */
	bool any;            /* neither was: every value counts */
	uint64_t values;
};

static int read_work(struct api_call *c, const struct watched *x, struct cond_work **ret, size_t *ret_n)
{
	struct buf asset, field;
	struct table_cursor *cur = NULL;
	struct table_batch b;
	size_t n = 0, cap = 0;
	struct cond_work *w = NULL;
	buf_init(&asset, 0);
	buf_init(&field, 0);
	series_key_read(x->def.key, &asset, &field);
	struct store_arg args[] = {sarg_s(buf_span(&asset)), sarg_i(x->range.from_ns), sarg_i(x->range.to_ns)};
	int err = asset.err || field.err ? MO_ENOMEM : store_select(c->reader, &cur, SQ_WORK, args, 3, c->d);
	while (err == 0 && (err = table_next(cur, &b, c->d)) == 0 && b.n_rows) {
		if (n + b.n_rows > cap) {
			cap = 2 * (n + b.n_rows);
			struct cond_work *more = arena_calloc(&c->arena, cap, sizeof *more);
			err = more ? 0 : MO_ENOMEM;
			if (more && n)
				memcpy(more, w, n * sizeof *w);
			w = more;
		}
		for (size_t i = 0; err == 0 && i < b.n_rows; i++) {
			bool ends = !(b.cols[2].null && b.cols[2].null[i]), counted = !(b.cols[3].null && b.cols[3].null[i]) && !(b.cols[4].null && b.cols[4].null[i]);
			w[n++] = (struct cond_work){b.cols[0].i64[i], b.cols[1].i64[i], ends ? b.cols[2].i64[i] : INT64_MAX,
				counted ? (uint64_t)b.cols[3].i64[i] : 0, counted ? (uint64_t)b.cols[4].i64[i] : 0};
		}
	}
	table_close(cur);
	buf_free(&asset);
	buf_free(&field);
	*ret = w;
	*ret_n = n;
	return err;
}

static bool holds(const struct watched *x, const struct sdb_batch *b, size_t i)
{
	if (b->quality && q_is_bad(b->quality[i]))
		return false;
	double v = x->def.type == SERIES_F64 ? b->f64[i] : x->def.type == SERIES_I64 ? (double)b->i64[i] : b->b[i];
	return x->any || v < x->below || v > x->above; /* a limit that is NaN holds for nothing */
}

/* A value of a clock series holds until the next one; a cycle's is its own. */
static int read_condition(struct api_call *c, struct watched *x, struct condition *cond)
{
	struct sdb_cursor *cur = NULL;
	struct sdb_batch b;
	bool open = false;
	int64_t since = 0, last = 0;
	int err = sdb_read(node_sdb(c->node), &cur, x->id, &x->range, c->d);
	while (err == 0 && (err = sdb_next(cur, &b, c->d)) == 0 && b.n) {
		for (size_t i = 0; i < b.n; i++) {
			bool now = holds(x, &b, i);
			x->values += now;
			if (x->def.kind == SERIES_SEQUENCE) {
				if (now)
					condition_held(cond, b.t_ns[i], b.t_ns[i], b.seq ? b.seq[i] : 0);
				continue;
			}
			if (open && !now)
				condition_held(cond, since, b.t_ns[i] - 1, 0);
			if (now && !open)
				since = b.t_ns[i];
			open = now;
			last = b.t_ns[i];
		}
	}
	sdb_cursor_close(cur);
	if (open)
		condition_held(cond, since, last, 0);
	return err;
}

int get_series_lots(struct api_call *c)
{
	struct watched x = {.values = 0};
	struct cond_work *work;
	struct condition *cond;
	const struct cond_lot *lots = NULL;
	size_t n_work, n = 0;
	int err = api_param_series(c, "id", &x.id);
	if (err == 0)
		err = sdb_get_def(node_sdb(c->node), x.id, &x.def);
	if (err == 0)
		err = api_param_time(c, "from", INT64_MIN, &x.range.from_ns);
	if (err == 0)
		err = api_param_time(c, "to", INT64_MAX, &x.range.to_ns);
	if (err == 0)
		err = api_param_f64(c, "below", (double)NAN, &x.below);
	if (err == 0)
		err = api_param_f64(c, "above", (double)NAN, &x.above);
	if (err != 0)
		return err;
	x.any = isnan(x.below) && isnan(x.above);
	if (x.def.type == SERIES_STR)
		return diag_set(c->d, MO_ESTATE, MSG_API_NO_NUMBERS);
	err = read_work(c, &x, &work, &n_work);
	if (err == 0)
		err = condition_new(&cond, &c->arena, work, n_work);
	if (err == 0)
		err = read_condition(c, &x, cond);
	if (err == 0)
		err = condition_lots(cond, &lots, &n, &c->arena);
	jw_object(&c->w);
	jw_key(&c->w, "values");
	jw_u64(&c->w, x.values);
	jw_key(&c->w, "items");
	jw_array(&c->w);
	for (size_t i = 0; i < n && err == 0; i++) {
		struct store_arg a[] = {sarg_i(lots[i].lot)};
		jw_object(&c->w);
		err = api_row(c, SQ_LOT_BY_ID, a, 1);
		jw_key(&c->w, "times");
		jw_u64(&c->w, lots[i].times);
		jw_key(&c->w, "first_t");
		jw_time(&c->w, lots[i].first_ns);
		jw_key(&c->w, "last_t");
		jw_time(&c->w, lots[i].last_ns);
		jw_object_end(&c->w);
	}
	jw_array_end(&c->w);
	jw_object_end(&c->w);
	return err;
}

/* ---- a case's state ---- */
struct case_job {
	struct sjob job;
	int64_t id, now_ns;
	enum case_state to;
	struct store_case_note note;
};

static int case_run(struct sjob *j, struct store *s, struct diag *d)
{
	struct case_job *q = (struct case_job *)j;
	return store_case_state(s, q->id, q->to, &q->note, q->now_ns, d);
}

int post_case_state(struct api_call *c)
{
	struct json_value *root;
	struct span state;
	struct case_job q = {.now_ns = clock_now(node_clock(c->node)), .note = {.who = gate_who(&c->pass)}};
	int err = api_param_i64(c, "id", 0, 1, INT64_MAX, &q.id);
	if (err == 0)
		err = api_object(c, &root);
	if (err == 0 && (err = json_get_str(root, "state", &state, c->d)) == MO_ENOENT)
		err = api_missing(c, "state");
	if (err == 0 && case_state_parse(&q.to, state) != 0) {
		err = diag_set(c->d, MO_EINVAL, MSG_API_PARAM);
		diag_field(c->d, SPAN_LIT("state"));
		diag_value(c->d, state);
		diag_expected(c->d, "open, seen, in_work, done, closed");
	}
	if (err == 0 && (err = json_get_str(root, "note", &q.note.note, c->d)) == MO_ENOENT)
		err = 0;
	if (err == 0 && (err = json_get_str(root, "person", &q.note.person, c->d)) == MO_ENOENT)
		err = 0;
	if (err == 0)
		err = storer_run(node_storer(c->node), case_run, &q.job, c->d);
	if (err == 0) {
		jw_object(&c->w);
		jw_key(&c->w, "state");
		jw_cstr(&c->w, case_state_name(q.to));
		jw_object_end(&c->w);
	}
	return err;
}
