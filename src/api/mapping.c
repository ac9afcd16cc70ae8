/* See priv/mapping.h. A mapping is the plan as JSON and {"assets":[{"of":stem,"asset":code}]}. */
#include "api/priv/mapping.h"

#define IMPORT_ASSETS_KEPT 200u /* of one shape */

/* A file's name without ending, a copy's number "(2)" and a date at an end: what next month's export has in common with this one's. */
static struct span stem(struct span name)
{
	struct span s = name;
	for (size_t i = s.n; i-- > 1;)
		if (s.p[i] == '.') {
			s.n = i;
			break;
		}
	if (s.n && s.p[s.n - 1] == ')') {
		size_t i = s.n - 1;
		while (i && s.p[i - 1] >= '0' && s.p[i - 1] <= '9')
			i--;
		if (i && i < s.n - 1 && s.p[i - 1] == '(')
			s = span_trim(span_sub(s, 0, i - 1));
	}
	s = intake_undated(s);
	/* Digits in groups, from the last on: a year with nothing, a month or a month and a day behind it. */
	char digits[9] = "";
	size_t at = s.n, n = 0;
	while (at && n < 8 && ((s.p[at - 1] >= '0' && s.p[at - 1] <= '9') || (n && memchr("-_.", s.p[at - 1], 3)))) {
		at--;
		if (s.p[at] >= '0' && s.p[at] <= '9') {
			memmove(digits + 1, digits, n++);
			digits[0] = (char)s.p[at];
		}
		if (n >= 4 && n % 2 == 0 && (memcmp(digits, "19", 2) == 0 || memcmp(digits, "20", 2) == 0) && (at == 0 || s.p[at - 1] < '0' || s.p[at - 1] > '9')) {
			s.n = at;
			break;
		}
	}
	while (s.n && memchr(" -_.", s.p[s.n - 1], 4))
		s.n--;
	return s;
}

/* The asset that a person gave to files of this stem; the mapping keeps them as "assets":[{"of":stem,"asset":code}]. */
static bool asset_of(struct span *ret, const struct json_value *mapping, struct span of)
{
	const struct json_value *list = json_member(mapping, "assets");
	struct span s;
	for (const struct json_value *e = list ? list->child : NULL; e; e = e->next)
		if (json_get_str(e, "of", &s, NULL) == 0 && span_eq(s, of))
			return json_get_str(e, "asset", ret, NULL) == 0 && ret->n;
	return false;
}

static bool reads_alike(const struct intake_plan *a, const struct intake_plan *b)
{
	bool same = a->header_lines == b->header_lines && (a->time_format && b->time_format ? strcmp(a->time_format, b->time_format) == 0 : a->time_format == b->time_format);
	for (size_t i = 0; i < a->n_columns && same; i++)
		same = a->columns[i].use == b->columns[i].use && a->columns[i].type == b->columns[i].type;
	return same;
}

/* Whether the remembered plan reads this file as well as the new proposal does: a table of the same header may hold other things. MO_ENOMEM. */
static int suits(bool *ret, const struct intake_plan *old, const struct intake_plan *proposed, const struct zone *z, struct span head)
{
	uint64_t by_old = 0, by_new = 0;
	*ret = reads_alike(old, proposed);
	if (*ret)
		return 0;
	int err = intake_refused_rows(&by_old, old, z, head, NULL);
	if (err == 0 && by_old)
		err = intake_refused_rows(&by_new, proposed, z, head, NULL);
	*ret = err == 0 && by_old <= by_new;
	return err == MO_ENOMEM ? err : 0;
}

/* What was remembered for this shape. MO_ENOENT: nothing that can be read. Whatever else keeps it from being read must not send a person's file
 * to another place than it went to before. */
static int recall(struct intake_plan *ret, bool *ret_known, struct span *ret_given, struct store_reader *r, struct arena *a, const char *shape, struct span name)
{
	struct json_value *root;
	struct buf json;
	struct span text = span_of(NULL, 0);
	int64_t version;
	buf_init(&json, 0);
	int err = store_get_doc(r, DOC_MAPPING, span_str(shape), &json, &version, NULL);
	if (err == 0 && (err = json.err) == 0 && !(text = arena_dup(a, buf_span(&json))).p)
		err = MO_ENOMEM;
	buf_free(&json);
	if (err == 0 && (err = json_parse(&root, a, text, NULL)) == 0) {
		*ret_known = asset_of(ret_given, root, stem(name));
		err = intake_plan_read(ret, a, text, NULL);
	}
	return err == MO_EINVAL || err == MO_ELIMIT ? MO_ENOENT : err;
}

/* An asset is taken over only where a person gave it, and only by files of that name
 * but for its date: else two machines' files of one shape would become one. */
int mapping_propose(struct intake_plan *plan, struct arena *a, struct node *n, struct store_reader *r, struct span head, bool whole, const char *name, struct diag *d)
{
	struct settings *s = arena_alloc(a, sizeof *s);
	char shape[65];
	struct intake_plan old;
	struct span given;
	bool known = false, good = false;
	if (!s)
		return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	node_settings(n, s);
	int err = intake_propose(plan, a, head, whole, name, s->lang, d);
	if (err != 0)
		return err;
	plan->zone = span_str(s->zone);
	err = intake_shape(shape, plan);
	if (err != 0)
		return err == MO_ENOMEM ? diag_set(d, err, MSG_OUT_OF_MEMORY) : 0;
	err = recall(&old, &known, &given, r, a, shape, span_str(name));
	if (err == 0 && old.n_columns == plan->n_columns) {
		old.encoding = plan->encoding; /* the same table may come in another encoding */
		old.rows_seen = plan->rows_seen;
		old.remembered = true;
		if (!old.zone.n)
			old.zone = plan->zone;
		/* What a person settled is settled; a midnight is each file's own. */
		old.midnight = plan->midnight;
		old.question = old.time_format == plan->time_format ? plan->question : plan->midnight.line ? ASK_MIDNIGHT : ASK_NOTHING;
		old.asset = known ? given : plan->asset;
		err = suits(&good, &old, plan, node_zone(n), head);
		if (err == 0 && good)
			*plan = old;
	}
	return err == MO_ENOENT ? 0 : err;
}

int mapping_remember(struct buf *out, struct store_reader *r, struct arena *a, const char *shape, const struct intake_plan *plan, struct span name, struct span zone,
	bool corrected)
{
	struct buf old;
	struct json_value *root = NULL;
	struct json_writer w;
	struct span of = stem(name), usual, s, asset;
	struct intake_plan kept_plan = *plan;
	char *text = arena_strdup(a, name);
	int64_t version;
	buf_init(&old, 0);
	int err = text ? store_get_doc(r, DOC_MAPPING, span_str(shape), &old, &version, NULL) : MO_ENOMEM;
	bool there = err == 0;
	if (err == 0 && corrected) {
		s = arena_dup(a, buf_span(&old));
		err = old.err ? old.err : s.p ? json_parse(&root, a, s, NULL) : MO_ENOMEM;
	}
	buf_free(&old);
	if (err == MO_ENOENT || err == MO_EINVAL)
		err = 0; /* none, or none that can be read */
	if (err != 0 || (there && !corrected))
		return err;
	err = intake_default_asset(&usual, a, text);
	if (err != 0)
		return err;
	if (span_eq(plan->zone, zone))
		kept_plan.zone = span_of(NULL, 0); /* the node's, also when that changes */
	json_writer_init(&w, out);
	intake_plan_write(&w, &kept_plan);
	if (out->err)
		return out->err;
	out->n--; /* the closing brace */
	buf_adds(out, ",\"assets\":");
	json_writer_init(&w, out);
	jw_array(&w);
	unsigned kept = 0;
	if (corrected && !span_eq(plan->asset, usual)) {
		jw_object(&w);
		jw_key(&w, "of");
		jw_str(&w, of);
		jw_key(&w, "asset");
		jw_str(&w, plan->asset);
		jw_object_end(&w);
		kept++;
	}
	const struct json_value *list = json_member(root, "assets");
	for (const struct json_value *e = list ? list->child : NULL; e && kept < IMPORT_ASSETS_KEPT; e = e->next) {
		if (json_get_str(e, "of", &s, NULL) != 0 || json_get_str(e, "asset", &asset, NULL) != 0 || span_eq(s, of))
			continue;
		jw_object(&w);
		jw_key(&w, "of");
		jw_str(&w, s);
		jw_key(&w, "asset");
		jw_str(&w, asset);
		jw_object_end(&w);
		kept++;
	}
	jw_array_end(&w);
	buf_addc(out, '}');
	return out->err;
}
