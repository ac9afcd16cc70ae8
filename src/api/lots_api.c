/* Lots: one with all that is known of it, and its family tree. */
#include "api/priv/api.h"

#include "lots/genealogy.h"

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

static void write_links(struct api_call *c, const struct gen_tree *t)
{
	for (size_t i = 0; i < t->n_links; i++) {
		jw_object(&c->w);
		jw_key(&c->w, "parent");
		jw_i64(&c->w, t->links[i].parent);
		jw_key(&c->w, "child");
		jw_i64(&c->w, t->links[i].child);
		jw_key(&c->w, "quantity");
		jw_f64(&c->w, t->links[i].quantity);
		jw_object_end(&c->w);
	}
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
	for (int k = 0; k < 2; k++)
		write_links(c, &t[k]);
	jw_array_end(&c->w);
	jw_key(&c->w, "cut");
	jw_bool(&c->w, t[0].cut || t[1].cut);
	jw_object_end(&c->w);
	return err;
}

/* ---- a case's state ---- */
struct case_job {
	struct sjob job;
	int64_t id, now_ns;
	enum case_state to;
	struct span note;
};

static int case_run(struct sjob *j, struct store *s, struct diag *d)
{
	struct case_job *q = (struct case_job *)j;
	return store_case_state(s, q->id, q->to, SPAN_LIT("local"), q->note, q->now_ns, d);
}

int post_case_state(struct api_call *c)
{
	struct json_value *root;
	struct span state, note = {NULL, 0};
	struct case_job q = {.now_ns = clock_now(node_clock(c->node))};
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
	if (err == 0 && (err = json_get_str(root, "note", &note, c->d)) == MO_ENOENT)
		err = 0;
	q.note = note;
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
