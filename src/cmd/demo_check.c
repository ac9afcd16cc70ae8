/* Compares what the nodes found with what was planted: every consequence the
 * truth says must be found, and nothing found that it does not allow. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/demo.h"

#define CASES_MAX 4096u

struct row {
	const struct json_value *c;
	bool used;
};
struct check {
	const struct cmd *c;
	struct row rows[CASES_MAX];
	size_t n;
	unsigned missed, wrong;
};

static bool within(int64_t a, int64_t b, int64_t tolerance) { return a != T_NONE && b != T_NONE && llabs((long long)(a - b)) <= tolerance; }

static void when(char out[40], int64_t t)
{
	if (t == T_NONE)
		snprintf(out, 40, "-");
	else
		out[rfc3339_format(out, t / NS_PER_S * NS_PER_S)] = 0;
}

static void line(const char *what, const char *planted, const char *found, const char *verdict, const char *at)
{
	printf("| %-44s | %-26s | %-26s | %-8s | %-22s |\n", what, planted, found, verdict, at);
}

/* ---- one expectation ---- */
/* The case of this kind and asset that the expectation speaks of. */
static bool matches(const struct json_value *e, const struct json_value *c)
{
	struct span kind = demo_text(e, "kind");
	const struct json_value *ev = json_member(c, "evidence");
	if (!span_eq(demo_text(e, "node"), demo_text(c, "node")) || !span_eq(kind, demo_text(c, "kind")))
		return false;
	struct span asset = demo_text(e, demo_text(e, "asset").n ? "asset" : "source");
	if (!span_eq(asset, demo_text(c, "asset")))
		return false;
	int64_t begin = demo_time(c, "begin"), end = demo_time(c, "end");
	if (span_is(kind, "stop")) {
		int64_t tol = (int64_t)(demo_number(e, "tolerance_s") * 1e9);
		return within(begin, demo_time(e, "begin"), tol) && within(end, demo_time(e, "end"), tol) && span_eq(demo_text(e, "stop_kind"), demo_text(ev, "kind"));
	}
	if (span_is(kind, "level_shift")) {
		if (span_is(demo_text(e, "signal"), "*"))
			return demo_time(e, "begin") <= begin && begin <= demo_time(e, "end");
		if (!span_eq(demo_text(e, "signal"), demo_text(ev, "signal")))
			return false;
		double diff = demo_number(ev, "begin_seq") - demo_number(e, "begin_seq"), tolerance = demo_number(e, "tolerance_cycles");
		bool must = false;
		(void)!json_get_bool(e, "must", &must, NULL);
		/* What need not be found is weak: where in the affected stretch it stands out is chance. */
		if (!must && demo_number(e, "end_seq") > 0)
			return diff >= -tolerance && demo_number(ev, "begin_seq") <= demo_number(e, "end_seq");
		return fabs(diff) <= tolerance;
	}
	int64_t tol = (int64_t)(demo_number(e, "tolerance_s") * 1e9);
	return within(demo_time(ev, "from"), demo_time(e, "from"), tol) && (span_is(kind, "missing_data") || within(demo_time(ev, "to"), demo_time(e, "to"), tol));
}

static void describe(char out[64], const struct json_value *e)
{
	struct span kind = demo_text(e, "kind"), asset = demo_text(e, demo_text(e, "asset").n ? "asset" : "source"), signal = demo_text(e, "signal");
	if (!signal.n)
		signal = demo_text(json_member(e, "evidence"), "signal");
	snprintf(out, 64, "%.*s %.*s %.*s", SPAN_FMT(asset), SPAN_FMT(kind), SPAN_FMT(signal));
}

static void expectation(struct check *k, const struct json_value *e)
{
	bool must = false, found = false;
	int64_t begin = T_NONE, raised = T_NONE;
	char what[64], planted[40], got[40], at[40];
	(void)!json_get_bool(e, "must", &must, NULL);
	for (size_t i = 0; i < k->n; i++)
		if (matches(e, k->rows[i].c)) {
			k->rows[i].used = true;
			if (!found) {
				begin = demo_time(k->rows[i].c, "begin");
				raised = demo_time(k->rows[i].c, "raised");
			}
			found = true;
		}
	if (!found && !must)
		return;
	describe(what, e);
	when(planted, demo_time(e, demo_text(e, "begin").n ? "begin" : "from"));
	when(got, begin);
	when(at, raised);
	line(what, planted, found ? got : "-", found ? "found" : "MISSED", found ? at : "-");
	k->missed += !found;
}

/* ---- the trace ---- */
static void number_row(struct check *k, const char *what, double planted, double found)
{
	char a[40], b[40];
	bool ok = planted == found;
	snprintf(a, sizeof a, "%g", planted);
	snprintf(b, sizeof b, "%g", found);
	line(what, a, b, ok ? "found" : "MISSED", "-");
	k->missed += !ok;
}

static bool has_motor(const struct json_value *list, struct span number)
{
	for (const struct json_value *m = list ? list->child : NULL; m; m = m->next)
		if (span_eq(m->type == JSON_STRING ? m->text : demo_text(m, "number"), number))
			return true;
	return false;
}

static unsigned count(const struct json_value *list)
{
	unsigned n = 0;
	for (const struct json_value *m = list ? list->child : NULL; m; m = m->next)
		n++;
	return n;
}

static void trace(struct check *k, const struct json_value *event, const struct json_value *found)
{
	static const char *const places[] = {"scrapped", "mld_stock", "mch_waiting", "cracked", "mot_hold", "in_motors", "total"};
	const struct json_value *planted = json_member(event, "holders"), *got = json_member(found, "holders");
	const struct json_value *want = json_member(event, "motors"), *have = json_member(found, "motors");
	struct span resin = demo_text(json_member(event, "resin_lot"), "number"), resin_found = demo_text(json_member(found, "resin_lot"), "number");
	char a[40], b[40];
	snprintf(a, sizeof a, "%.*s", SPAN_FMT(resin));
	snprintf(b, sizeof b, "%.*s", SPAN_FMT(resin_found));
	line("resin lot", a, b, span_eq(resin, resin_found) ? "found" : "MISSED", "-");
	k->missed += !span_eq(resin, resin_found);
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		char what[64];
		snprintf(what, sizeof what, "holders: %s", places[i]);
		number_row(k, what, demo_number(planted, places[i]), demo_number(got, places[i]));
	}
	unsigned right = 0, extra = 0;
	for (const struct json_value *m = want ? want->child : NULL; m; m = m->next)
		right += has_motor(have, demo_text(m, "number"));
	for (const struct json_value *m = have ? have->child : NULL; m; m = m->next)
		extra += !has_motor(want, m->text);
	number_row(k, "motors with that resin", count(want), right);
	if (extra) {
		snprintf(b, sizeof b, "%u", extra);
		line("motors without it", "0", b, "FALSE", "-");
		k->wrong += extra;
	}
	number_row(k, "motors that lead back to the resin", count(want), demo_number(found, "motors_that_lead_back"));
}

/* ---- what the doors acknowledged is what is stored ---- */
static void points(struct check *k, const struct json_value *acks, const struct json_value *stored)
{
	const struct json_value *nodes = json_member(acks, "nodes");
	for (unsigned i = 0; i < DEMO_FIRMS; i++) {
		const struct json_value *t = json_member(json_member(nodes, demo_firms[i]), "total");
		char what[64];
		double sum = demo_number(t, "http_values") - demo_number(t, "http_repeated") + demo_number(t, "csv_values") + demo_number(t, "modbus_values");
		snprintf(what, sizeof what, "%s: points acknowledged and stored", demo_firms[i]);
		number_row(k, what, sum, demo_number(json_member(stored, demo_firms[i]), "points"));
	}
}

int demo_compare(const struct cmd *c, struct span truth, struct span found, struct span acks, unsigned *ret_missed, unsigned *ret_false, struct diag *d)
{
	struct arena a;
	struct json_value *t, *f, *k_acks;
	struct check *k = calloc(1, sizeof *k);
	arena_init(&a, UINT64_C(1) << 30);
	int err = k ? json_parse(&t, &a, truth, d) : MO_ENOMEM;
	if (err == 0)
		err = json_parse(&f, &a, found, d);
	if (err == 0)
		err = json_parse(&k_acks, &a, acks, d);
	if (err != 0)
		goto out;
	k->c = c;
	const struct json_value *cases = json_member(f, "cases"), *events = json_member(t, "events");
	for (const struct json_value *i = cases ? cases->child : NULL; i && k->n < CASES_MAX; i = i->next)
		k->rows[k->n++].c = i;
	line("what", "planted", "found", "verdict", "raised");
	line("---", "---", "---", "---", "---");
	for (const struct json_value *e = events ? events->child : NULL; e; e = e->next) {
		const struct json_value *list = json_member(e, "expect");
		for (const struct json_value *x = list ? list->child : NULL; x; x = x->next)
			expectation(k, x);
		if (demo_number(e, "event") == 1)
			trace(k, e, json_member(f, "trace"));
	}
	for (size_t i = 0; i < k->n; i++)
		if (!k->rows[i].used) {
			char what[64], got[40], at[40];
			describe(what, k->rows[i].c);
			when(got, demo_time(k->rows[i].c, "begin"));
			when(at, demo_time(k->rows[i].c, "raised"));
			line(what, "-", got, "FALSE", at);
			k->wrong++;
		}
	points(k, k_acks, json_member(f, "stored"));
	*ret_missed = k->missed;
	*ret_false = k->wrong;
out:
	free(k);
	arena_free(&a);
	return err;
}
