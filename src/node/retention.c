/* See retention.h. */
#include "node/retention.h"

#include <stdio.h>

#include "base/utf8.h"
#include "codec/json.h"

#define CLASSES_TEXT "values, sequences, files, cases, audit"
static const struct {
	const char *name;
	int64_t days_min;
	bool by_asset;
} classes[RETENTION_CLASSES] = {
	[RETENTION_VALUES] = {"values", 1, true},
	[RETENTION_SEQUENCES] = {"sequences", 1, true},
	[RETENTION_FILES] = {"files", 7, false},
	[RETENTION_CASES] = {"cases", 30, false},
	[RETENTION_AUDIT] = {"audit", 365, false},
};

static bool is_class(enum retention_class c) { return (unsigned)c < RETENTION_CLASSES; }

const char *retention_class_name(enum retention_class c) { return is_class(c) ? classes[c].name : "?"; }

int64_t retention_days_min(enum retention_class c) { return is_class(c) ? classes[c].days_min : RETENTION_DAYS_MAX; }

bool retention_by_asset(enum retention_class c) { return is_class(c) && classes[c].by_asset; }

int retention_class_parse(enum retention_class *ret, struct span s)
{
	for (unsigned i = 0; i < RETENTION_CLASSES; i++)
		if (span_is(s, classes[i].name)) {
			*ret = (enum retention_class)i;
			return 0;
		}
	return MO_EINVAL;
}

static int refuse(struct diag *d, const char *field, struct span value, const char *expected)
{
	diag_set(d, MO_EINVAL, MSG_RETENTION_RULE);
	diag_field(d, span_str(field));
	diag_value(d, value);
	diag_expected(d, expected);
	return MO_EINVAL;
}

static int read_rule(struct retention_rule *ret, struct arena *a, const struct json_value *v, struct diag *d)
{
	struct span class = {NULL, 0}, asset = {NULL, 0};
	*ret = (struct retention_rule){.class = RETENTION_CLASSES};
	if (v->type != JSON_OBJECT)
		return refuse(d, "rules", SPAN_LIT(""), "{\"class\", \"asset\", \"keep_days\"}");
	for (const struct json_value *m = v->child; m; m = m->next)
		if (!span_is(m->name, "class") && !span_is(m->name, "asset") && !span_is(m->name, "keep_days"))
			return refuse(d, "rules", m->name, "class, asset, keep_days");
	int err = json_get_str(v, "class", &class, d);
	if (err == MO_ENOENT || (err == 0 && retention_class_parse(&ret->class, class) != 0))
		return refuse(d, "class", class, CLASSES_TEXT);
	if (err == 0 && (err = json_get_str(v, "asset", &asset, d)) == MO_ENOENT)
		err = 0;
	if (err == 0 && (asset.n > RETENTION_ASSET_MAX || (asset.p && asset.n == 0) || !utf8_valid(asset)))
		return refuse(d, "asset", asset, "P-1");
	if (err == 0 && asset.p && !retention_by_asset(ret->class))
		return refuse(d, "asset", asset, "values, sequences");
	if (err == 0 && ((err = json_get_i64(v, "keep_days", &ret->keep_days, d)) == MO_ENOENT ||
				(err == 0 && (ret->keep_days < retention_days_min(ret->class) || ret->keep_days > RETENTION_DAYS_MAX)))) {
		const struct json_value *days = json_member(v, "keep_days");
		char range[32];
		snprintf(range, sizeof range, "%d..%d", (int)retention_days_min(ret->class), RETENTION_DAYS_MAX);
		return refuse(d, "keep_days", days ? days->text : SPAN_LIT(""), range);
	}
	if (err == 0 && asset.n) {
		ret->asset = arena_dup(a, asset);
		err = ret->asset.p ? 0 : MO_ENOMEM;
	}
	return err;
}

int retention_read(struct retention *ret, struct arena *a, struct span json, struct diag *d)
{
	struct json_value *root;
	if (json.n > RETENTION_BYTES_MAX)
		return diag_set(d, MO_ELIMIT, MSG_RETENTION_MANY);
	int err = json_parse(&root, a, json, d);
	if (err != 0)
		return err;
	const struct json_value *list = json_member(root, "rules");
	if (!list || list->type != JSON_ARRAY || root->child->next)
		return refuse(d, "rules", SPAN_LIT(""), "{\"rules\": [...]}");
	struct retention_rule *rules = NULL;
	size_t n = 0, at = 0;
	for (const struct json_value *v = list->child; v; v = v->next)
		n++;
	if (n > RETENTION_RULES_MAX)
		return diag_set(d, MO_ELIMIT, MSG_RETENTION_MANY);
	rules = arena_calloc(a, n ? n : 1, sizeof *rules);
	if (!rules)
		return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	for (const struct json_value *v = list->child; v; v = v->next, at++) {
		err = read_rule(&rules[at], a, v, d);
		for (size_t i = 0; err == 0 && i < at; i++)
			if (rules[i].class == rules[at].class && span_eq(rules[i].asset, rules[at].asset))
				err = refuse(d, rules[at].asset.n ? "asset" : "class", rules[at].asset.n ? rules[at].asset : span_str(retention_class_name(rules[at].class)), "");
		if (err != 0)
			return err == MO_ENOMEM ? diag_set(d, err, MSG_OUT_OF_MEMORY) : err;
	}
	*ret = (struct retention){rules, n};
	return 0;
}

int64_t retention_before(const struct retention *r, enum retention_class c, struct span asset, int64_t now_ns)
{
	const struct retention_rule *of = NULL;
	for (size_t i = 0; i < r->n; i++) {
		const struct retention_rule *x = &r->rules[i];
		if (x->class == c && (x->asset.n ? span_eq(x->asset, asset) : !of))
			of = x;
	}
	int64_t before;
	if (!of || __builtin_sub_overflow(now_ns, of->keep_days * NS_PER_DAY, &before))
		return INT64_MIN;
	return before;
}

void retention_clock_begin(struct retention_clock *k, int64_t last_ns, int64_t wall_ns, int64_t mono_ns)
{
	bool leapt = last_ns != T_NONE && wall_ns > last_ns && wall_ns - last_ns > RETENTION_LEAP_NS;
	*k = (struct retention_clock){wall_ns, mono_ns, leapt ? mono_ns : T_NONE};
}

bool retention_trusts(struct retention_clock *k, int64_t wall_ns, int64_t mono_ns)
{
	if (wall_ns - k->wall_ns - (mono_ns - k->mono_ns) > RETENTION_LEAP_NS)
		k->leapt_ns = mono_ns;
	k->wall_ns = wall_ns;
	k->mono_ns = mono_ns;
	if (k->leapt_ns != T_NONE && mono_ns - k->leapt_ns >= RETENTION_SETTLE_NS)
		k->leapt_ns = T_NONE;
	return k->leapt_ns == T_NONE;
}
