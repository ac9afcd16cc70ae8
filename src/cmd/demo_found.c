/* Reads what the nodes found, as their users would: cases, and the walk of lots
 * from node to node by the suppliers' lot numbers. Knows nothing of the truth:
 * it starts from the level shift found on an injection machine, takes the
 * resin that its containers share, and follows that. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "cmd/demo.h"
#include "codec/text.h"

#define CASES_PAGE 500
#define LOTS_MAX 4096u

enum { MLD, MCH, MOT };
const char *const demo_firms[DEMO_FIRMS] = {"MLD", "MCH", "MOT"};

struct walk {
	struct httpc *h;
	struct arena *a;
	const struct demo_node *nodes;
	struct diag *d;
};

double demo_number(const struct json_value *o, const char *name)
{
	double v = 0;
	return json_get_f64(o, name, &v, NULL) == 0 ? v : 0;
}

struct span demo_text(const struct json_value *o, const char *name)
{
	struct span s;
	return json_get_str(o, name, &s, NULL) == 0 ? s : span_str("");
}

int64_t demo_time(const struct json_value *o, const char *name)
{
	int64_t t;
	return json_get_time(o, name, &t, NULL) == 0 ? t : T_NONE;
}

int demo_get(struct httpc *h, struct arena *a, const char *base, const char *path, const struct json_value **ret, struct diag *d)
{
	struct buf answer;
	int status = 0;
	char *url = arena_printf(a, "%s%s", base, path);
	struct json_value *root = NULL;
	buf_init(&answer, 0);
	struct httpc_request r = {.method = "GET", .url = url};
	int err = url ? httpc_do(h, &r, &status, &answer, d) : MO_ENOMEM;
	if (err == 0 && status != 200 && status != 404) {
		err = diag_set(d, MO_EIO, MSG_DEMO_ANSWER);
		diag_text(d, 0, span_str(url));
		diag_int(d, 1, status);
	}
	if (err == 0 && status == 404) {
		*ret = NULL;
	} else if (err == 0) {
		struct span copy = arena_dup(a, buf_span(&answer));
		err = copy.p ? json_parse(&root, a, copy, d) : MO_ENOMEM;
		*ret = root;
	}
	buf_free(&answer);
	return err;
}

/* ---- cases ---- */
static int put_cases(struct walk *w, unsigned node, struct json_writer *out, const struct json_value **shift)
{
	char path[128];
	snprintf(path, sizeof path, "/api/v1/cases?limit=%d", CASES_PAGE);
	for (;;) {
		const struct json_value *page;
		int err = demo_get(w->h, w->a, w->nodes[node].url, path, &page, w->d);
		if (err != 0)
			return err;
		const struct json_value *items = json_member(page, "items");
		for (const struct json_value *c = items ? items->child : NULL; c; c = c->next) {
			jw_object(out);
			jw_key(out, "node");
			jw_cstr(out, demo_firms[node]);
			for (const struct json_value *m = c->child; m; m = m->next) {
				jw_key_span(out, m->name);
				jw_value(out, m);
			}
			jw_object_end(out);
			const struct json_value *lot = json_member(c, "lot");
			if (node == MLD && span_is(demo_text(c, "kind"), "level_shift") && lot && lot->type == JSON_OBJECT &&
				(!*shift || demo_number(json_member(c, "evidence"), "strength") > demo_number(json_member(*shift, "evidence"), "strength")))
				*shift = c;
		}
		struct span next = demo_text(page, "next");
		if (next.n == 0)
			return 0;
		snprintf(path, sizeof path, "/api/v1/cases?limit=%d&cursor=%.*s", CASES_PAGE, SPAN_FMT(next));
	}
}

/* ---- lots ---- */
static int lot_get(struct walk *w, unsigned node, struct span firm, struct span number, const char *tail, const struct json_value **ret)
{
	struct buf path;
	buf_init(&path, 0);
	buf_adds(&path, "/api/v1/lots/");
	percent_encode(&path, firm);
	buf_addc(&path, '/');
	percent_encode(&path, number);
	buf_adds(&path, tail);
	buf_addc(&path, 0);
	int err = path.err ? path.err : demo_get(w->h, w->a, w->nodes[node].url, (const char *)path.p, ret, w->d);
	buf_free(&path);
	return err;
}

static void put_key(struct json_writer *out, struct span firm, struct span number)
{
	jw_object(out);
	jw_key(out, "firm");
	jw_str(out, firm);
	jw_key(out, "number");
	jw_str(out, number);
	jw_object_end(out);
}

/* The parent whose firm is none of ours: a bought material. */
static bool bought(struct span firm)
{
	for (size_t i = 0; i < DEMO_FIRMS; i++)
		if (span_is(firm, demo_firms[i]))
			return false;
	return true;
}

/* The bought lot that most of the given containers share. */
struct votes {
	struct span firm[64], number[64];
	unsigned n[64];
	size_t used;
};

static void vote(struct votes *v, struct span firm, struct span number)
{
	for (size_t i = 0; i < v->used; i++)
		if (span_eq(v->firm[i], firm) && span_eq(v->number[i], number)) {
			v->n[i]++;
			return;
		}
	if (v->used < 64) {
		v->firm[v->used] = firm;
		v->number[v->used] = number;
		v->n[v->used++] = 1;
	}
}

/* The containers made on the machine while the shift lasted vote for their resin. */
static int find_resin(struct walk *w, const struct json_value *shift, struct span *firm, struct span *number)
{
	struct votes *v = arena_calloc(w->a, 1, sizeof *v);
	int64_t begin = demo_time(shift, "begin"), end = demo_time(shift, "end");
	char path[256], from[32], to[32];
	const struct json_value *ops;
	if (!v)
		return MO_ENOMEM;
	if (end == T_NONE)
		end = begin + INT64_C(4) * 3600 * NS_PER_S;
	from[rfc3339_format(from, begin)] = 0;
	to[rfc3339_format(to, end)] = 0;
	struct span asset = demo_text(shift, "asset");
	snprintf(path, sizeof path, "/api/v1/operations?machine=%.*s&from=%s&to=%s&limit=500", SPAN_FMT(asset), from, to);
	int err = demo_get(w->h, w->a, w->nodes[MLD].url, path, &ops, w->d);
	const struct json_value *items = err == 0 ? json_member(ops, "items") : NULL;
	for (const struct json_value *o = items ? items->child : NULL; o && err == 0; o = o->next) {
		const struct json_value *key = json_member(o, "lot"), *lot;
		if (!key || key->type != JSON_OBJECT)
			continue;
		err = lot_get(w, MLD, demo_text(key, "firm"), demo_text(key, "number"), "", &lot);
		const struct json_value *parents = err == 0 ? json_member(lot, "parents") : NULL;
		for (const struct json_value *p = parents ? parents->child : NULL; p; p = p->next)
			if (bought(demo_text(p, "firm")))
				vote(v, demo_text(p, "firm"), demo_text(p, "number"));
	}
	*firm = *number = span_of(NULL, 0);
	unsigned best = 0;
	for (size_t i = 0; i < v->used; i++)
		if (v->n[i] > best) {
			best = v->n[i];
			*firm = v->firm[i];
			*number = v->number[i];
		}
	return err;
}

static double scrap_of(const struct json_value *lot)
{
	double sum = 0;
	const struct json_value *ops = json_member(lot, "operations");
	for (const struct json_value *o = ops ? ops->child : NULL; o; o = o->next)
		sum += demo_number(o, "scrap");
	return sum;
}

static bool here(const struct json_value *lot) { return lot && !span_is(demo_text(lot, "state"), "shipped") && !span_is(demo_text(lot, "state"), "scrapped"); }

struct trace {
	double scrapped, mld_stock, mch_waiting, cracked, mot_hold;
	struct span motors[LOTS_MAX];
	size_t n_motors;
	struct map seen; /* firm/number of lots walked */
	struct span last_container, last_module, last_stator;
};

static bool first_time(struct trace *t, struct arena *a, struct span firm, struct span number)
{
	char *k = arena_printf(a, "%.*s/%.*s", SPAN_FMT(firm), SPAN_FMT(number));
	if (!k || map_get(&t->seen, span_str(k)))
		return false;
	return map_put(&t->seen, span_str(k), 1) == 0;
}

/* From a module delivered to MOT to the motors that hold it. */
static int walk_mot(struct walk *w, struct trace *t, struct span number)
{
	const struct json_value *lot, *tree;
	int err = lot_get(w, MOT, span_str("MCH"), number, "", &lot);
	if (err != 0 || !lot)
		return err;
	if (here(lot))
		t->mot_hold += demo_number(lot, "quantity");
	err = lot_get(w, MOT, span_str("MCH"), number, "/tree?direction=down", &tree);
	const struct json_value *nodes = err == 0 && tree ? json_member(tree, "nodes") : NULL;
	for (const struct json_value *n = nodes ? nodes->child : NULL; n; n = n->next)
		if (span_starts(demo_text(n, "item"), "MTR") && t->n_motors < LOTS_MAX && first_time(t, w->a, demo_text(n, "firm"), demo_text(n, "number")))
			t->motors[t->n_motors++] = demo_text(n, "number");
	return err;
}

/* From a container delivered to MCH to its modules. */
static int walk_mch(struct walk *w, struct trace *t, struct span number)
{
	const struct json_value *lot, *module;
	int err = lot_get(w, MCH, span_str("MLD"), number, "", &lot);
	if (err != 0 || !lot)
		return err;
	if (here(lot))
		t->mch_waiting += demo_number(lot, "quantity");
	const struct json_value *children = json_member(lot, "children");
	for (const struct json_value *m = children ? children->child : NULL; m && err == 0; m = m->next) {
		struct span mn = demo_text(m, "number");
		if (!first_time(t, w->a, span_str("MCH"), mn))
			continue;
		err = lot_get(w, MCH, span_str("MCH"), mn, "", &module);
		if (err == 0 && module) {
			t->cracked += scrap_of(module);
			t->last_module = mn;
			err = walk_mot(w, t, mn);
		}
	}
	return err;
}

static int walk_down(struct walk *w, struct trace *t, struct span firm, struct span number)
{
	const struct json_value *resin, *lot;
	int err = lot_get(w, MLD, firm, number, "", &resin);
	const struct json_value *children = err == 0 && resin ? json_member(resin, "children") : NULL;
	for (const struct json_value *c = children ? children->child : NULL; c && err == 0; c = c->next) {
		struct span n = demo_text(c, "number");
		err = lot_get(w, MLD, demo_text(c, "firm"), n, "", &lot);
		if (err != 0 || !lot)
			continue;
		t->scrapped += scrap_of(lot);
		if (here(lot))
			t->mld_stock += demo_number(lot, "quantity");
		t->last_container = n;
		err = walk_mch(w, t, n);
	}
	return err;
}

/* Up from one motor: its lots of MCH at MOT, theirs of MLD at MCH, theirs of bought resin at MLD. */
static int up(struct walk *w, unsigned node, struct span firm, struct span number, const char *issuer, struct span *ret, size_t cap, size_t *ret_n)
{
	const struct json_value *tree;
	int err = lot_get(w, node, firm, number, "/tree?direction=up", &tree);
	const struct json_value *nodes = err == 0 && tree ? json_member(tree, "nodes") : NULL;
	*ret_n = 0;
	for (const struct json_value *n = nodes ? nodes->child : NULL; n && *ret_n + 1 < cap; n = n->next) {
		struct span f = demo_text(n, "firm");
		if (issuer ? span_is(f, issuer) : bought(f)) {
			ret[(*ret_n)++] = demo_text(n, "number");
			if (!issuer)
				ret[(*ret_n)++] = f;
		}
	}
	return err;
}

static int walk_up(struct walk *w, struct span motor, struct span resin, bool *ret)
{
	struct span modules[64], containers[64], bags[64];
	size_t n_modules, n_containers, n_bags;
	int err = up(w, MOT, span_str("MOT"), motor, "MCH", modules, 64, &n_modules);
	*ret = false;
	for (size_t i = 0; i < n_modules && err == 0; i++) {
		err = up(w, MCH, span_str("MCH"), modules[i], "MLD", containers, 64, &n_containers);
		for (size_t k = 0; k < n_containers && err == 0; k++) {
			err = up(w, MLD, span_str("MLD"), containers[k], NULL, bags, 64, &n_bags);
			for (size_t b = 0; b < n_bags; b += 2)
				*ret |= span_eq(bags[b], resin);
		}
	}
	return err;
}

static int put_trace(struct walk *w, struct json_writer *out, const struct json_value *shift)
{
	struct span firm, number;
	int err = find_resin(w, shift, &firm, &number);
	struct trace *t = calloc(1, sizeof *t);
	if (err != 0 || !t || !number.p) {
		free(t);
		jw_null(out);
		return err;
	}
	map_init(&t->seen);
	err = walk_down(w, t, firm, number);
	unsigned back = 0;
	for (size_t i = 0; i < t->n_motors && err == 0; i++) {
		bool found;
		err = walk_up(w, t->motors[i], number, &found);
		back += found;
	}
	jw_object(out);
	jw_key(out, "resin_lot");
	put_key(out, firm, number);
	static const struct {
		const char *name;
		size_t at;
	} parts[] = {{"scrapped", offsetof(struct trace, scrapped)}, {"mld_stock", offsetof(struct trace, mld_stock)}, {"mch_waiting", offsetof(struct trace, mch_waiting)},
		{"cracked", offsetof(struct trace, cracked)}, {"mot_hold", offsetof(struct trace, mot_hold)}};
	jw_key(out, "holders");
	jw_object(out);
	double total = (double)t->n_motors;
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		double v = *(const double *)(const void *)((const char *)t + parts[i].at);
		total += v;
		jw_key(out, parts[i].name);
		jw_f64(out, v);
	}
	jw_key(out, "in_motors");
	jw_u64(out, t->n_motors);
	jw_key(out, "total");
	jw_f64(out, total);
	jw_object_end(out);
	jw_key(out, "motors");
	jw_array(out);
	for (size_t i = 0; i < t->n_motors; i++)
		jw_str(out, t->motors[i]);
	jw_array_end(out);
	jw_key(out, "motors_that_lead_back");
	jw_u64(out, back);
	jw_object_end(out);
	map_free(&t->seen);
	free(t);
	return err;
}

/* ---- points ---- */
static int put_points(struct walk *w, unsigned node, struct json_writer *out)
{
	const struct json_value *page, *one;
	char path[160];
	double points = 0;
	unsigned n = 0;
	snprintf(path, sizeof path, "/api/v1/signals?limit=1000");
	int err = demo_get(w->h, w->a, w->nodes[node].url, path, &page, w->d);
	const struct json_value *items = err == 0 ? json_member(page, "items") : NULL;
	for (const struct json_value *s = items ? items->child : NULL; s && err == 0; s = s->next) {
		struct span id = demo_text(s, "id");
		snprintf(path, sizeof path, "/api/v1/series/%.*s", SPAN_FMT(id));
		err = demo_get(w->h, w->a, w->nodes[node].url, path, &one, w->d);
		if (err == 0 && one)
			points += demo_number(one, "points");
		n++;
	}
	jw_object(out);
	jw_key(out, "signals");
	jw_u64(out, n);
	jw_key(out, "points");
	jw_f64(out, points);
	jw_object_end(out);
	return err;
}

int demo_found(const struct demo_node nodes[DEMO_FIRMS], struct buf *out, struct diag *d)
{
	struct arena a;
	struct walk w = {.a = &a, .nodes = nodes, .d = d};
	struct json_writer jw;
	const struct json_value *shift = NULL;
	arena_init(&a, UINT64_C(1) << 30);
	json_writer_init(&jw, out);
	int err = httpc_new(&w.h);
	jw_object(&jw);
	jw_key(&jw, "cases");
	jw_array(&jw);
	for (unsigned i = 0; i < DEMO_FIRMS && err == 0; i++)
		err = put_cases(&w, i, &jw, &shift);
	jw_array_end(&jw);
	jw_key(&jw, "trace");
	if (err == 0 && shift)
		err = put_trace(&w, &jw, shift);
	else
		jw_null(&jw);
	jw_key(&jw, "stored");
	jw_object(&jw);
	for (unsigned i = 0; i < DEMO_FIRMS && err == 0; i++) {
		jw_key(&jw, demo_firms[i]);
		err = put_points(&w, i, &jw);
	}
	jw_object_end(&jw);
	jw_object_end(&jw);
	httpc_free(w.h);
	arena_free(&a);
	return err != 0 ? err : out->err;
}
