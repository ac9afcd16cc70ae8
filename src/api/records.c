/* POST /api/v1/records: NDJSON of assets, lots, links, operations, events and
 * characteristics. One table says which fields a record has; all lines are
 * stored in one transaction or none, with every refused line listed. */
#include "api/priv/api.h"

#include <math.h>

#include "base/num.h"
#include "os/crypto.h"

#define RECORDS_MAX 50000u
#define ERRORS_LISTED 100u

enum field_kind { F_TEXT, F_NUMBER, F_TIME, F_COUNT, F_LOT, F_OBJECT, F_PASS, F_STATE, F_KIND };
struct field {
	const char *name;
	enum field_kind kind;
	size_t at;
};
#define F(type, member, name, kind) {name, kind, offsetof(struct record, type) + offsetof(struct rec_##type, member)}

static const struct field asset_fields[] = {F(asset, code, "code", F_TEXT), F(asset, name, "name", F_TEXT), F(asset, kind, "kind", F_KIND),
	F(asset, parent, "parent", F_TEXT), F(asset, unit, "unit", F_TEXT), {0}};
static const struct field lot_fields[] = {F(lot, key.firm, "firm", F_TEXT), F(lot, key.number, "number", F_TEXT), F(lot, item, "item", F_TEXT),
	F(lot, state, "state", F_STATE), F(lot, place, "place", F_TEXT), F(lot, made_ns, "made", F_TIME), F(lot, quantity, "quantity", F_NUMBER),
	F(lot, unit, "unit", F_TEXT), {0}};
static const struct field link_fields[] = {F(link, parent, "parent", F_LOT), F(link, child, "child", F_LOT), F(link, quantity, "quantity", F_NUMBER),
	F(link, unit, "unit", F_TEXT), F(link, operation, "operation", F_TEXT), {0}};
static const struct field operation_fields[] = {F(operation, id, "id", F_TEXT), F(operation, machine, "machine", F_TEXT), F(operation, step, "step", F_TEXT),
	F(operation, lot, "lot", F_LOT), F(operation, item, "item", F_TEXT), F(operation, mould, "mould", F_TEXT), F(operation, cavity, "cavity", F_TEXT),
	F(operation, tool, "tool", F_TEXT), F(operation, standard_version, "standard_version", F_TEXT), F(operation, person, "person", F_TEXT),
	F(operation, start_ns, "start", F_TIME), F(operation, end_ns, "end", F_TIME), F(operation, good, "good", F_NUMBER),
	F(operation, rework, "rework", F_NUMBER), F(operation, scrap, "scrap", F_NUMBER), F(operation, concession, "concession", F_NUMBER),
	F(operation, seq_first, "seq_first", F_COUNT), F(operation, seq_last, "seq_last", F_COUNT), {0}};
static const struct field event_fields[] = {F(event, id, "id", F_TEXT), F(event, kind, "kind", F_TEXT), F(event, t_ns, "t", F_TIME),
	F(event, asset, "asset", F_TEXT), F(event, lot, "lot", F_LOT), F(event, quantity, "quantity", F_NUMBER), F(event, unit, "unit", F_TEXT),
	F(event, from_place, "from", F_TEXT), F(event, to_place, "to", F_TEXT), F(event, partner, "partner", F_TEXT), F(event, text, "text", F_TEXT),
	F(event, corrects, "corrects", F_TEXT), F(event, reason, "reason", F_TEXT), F(event, person, "person", F_TEXT), F(event, data, "data", F_OBJECT), {0}};
static const struct field characteristic_fields[] = {F(characteristic, id, "id", F_TEXT), F(characteristic, lot, "lot", F_LOT),
	F(characteristic, name, "name", F_TEXT), F(characteristic, value, "value", F_NUMBER), F(characteristic, unit, "unit", F_TEXT),
	F(characteristic, lower, "lower", F_NUMBER), F(characteristic, upper, "upper", F_NUMBER), F(characteristic, judged, "pass", F_PASS),
	F(characteristic, gauge, "gauge", F_TEXT), F(characteristic, spec_version, "spec_version", F_TEXT), F(characteristic, person, "person", F_TEXT),
	F(characteristic, t_ns, "t", F_TIME), F(characteristic, asset, "machine", F_TEXT), F(characteristic, seq, "seq", F_COUNT), {0}};
static const struct field *const fields_of[REC_TYPES] = {asset_fields, lot_fields, link_fields, operation_fields, event_fields, characteristic_fields};

static void *place_of(struct record *r, const struct field *f) { return (uint8_t *)r + f->at; }

/* "Not said" for every field of the type. */
static void clear(struct record *r, enum record_type t)
{
	memset(r, 0, sizeof *r);
	r->type = t;
	for (const struct field *f = fields_of[t]; f->name; f++) {
		if (f->kind == F_NUMBER)
			*(double *)place_of(r, f) = (double)NAN;
		else if (f->kind == F_TIME)
			*(int64_t *)place_of(r, f) = T_NONE;
		else if (f->kind == F_PASS)
			*(int *)place_of(r, f) = -1;
	}
	if (t == REC_ASSET)
		r->asset.kind = ASSET_OTHER;
}

static int wrong(struct diag *d, const char *field, struct span value, const char *expected)
{
	diag_set(d, MO_EINVAL, MSG_RECORD_FIELD);
	diag_field(d, span_str(field));
	diag_value(d, value);
	diag_expected(d, expected);
	return MO_EINVAL;
}

static int read_lot(struct lot_key *ret, const struct json_value *v, const char *name, struct diag *d)
{
	if (v->type != JSON_OBJECT)
		return wrong(d, name, v->text, "{\"firm\", \"number\"}");
	for (const struct json_value *m = v->child; m; m = m->next) {
		bool firm = span_is(m->name, "firm");
		if ((!firm && !span_is(m->name, "number")) || m->type != JSON_STRING)
			return wrong(d, name, m->name, "{\"firm\", \"number\"}");
		*(firm ? &ret->firm : &ret->number) = m->text;
	}
	return 0;
}

/* A JSON value as text again, in the arena; p == NULL without memory. */
static struct span json_text(const struct json_value *v, struct arena *a)
{
	struct buf b;
	struct json_writer w;
	buf_init(&b, 0);
	json_writer_init(&w, &b);
	jw_value(&w, v);
	struct span s = b.err ? span_of(NULL, 0) : arena_dup(a, buf_span(&b));
	buf_free(&b);
	return s;
}

static int read_field(struct api_call *c, struct record *r, const struct field *f, const struct json_value *v, struct diag *d)
{
	void *at = place_of(r, f);
	int64_t n;
	switch (f->kind) {
	case F_TEXT:
		if (v->type != JSON_STRING)
			return wrong(d, f->name, v->text, "\"…\"");
		*(struct span *)at = v->text;
		return 0;
	case F_NUMBER:
		return v->type == JSON_NUMBER && num_f64(at, v->text) == 0 ? 0 : wrong(d, f->name, v->text, "1.5");
	case F_TIME:
		return v->type == JSON_STRING && rfc3339_parse(at, v->text) == 0 ? 0 : wrong(d, f->name, v->text, "2026-11-22T08:10:00+09:00");
	case F_COUNT:
		if (v->type != JSON_NUMBER || num_i64(&n, v->text) != 0 || n < 0)
			return wrong(d, f->name, v->text, "0..9223372036854775807");
		*(uint64_t *)at = (uint64_t)n;
		return 0;
	case F_LOT: return read_lot(at, v, f->name, d);
	case F_OBJECT:
		if (v->type != JSON_OBJECT)
			return wrong(d, f->name, v->text, "{…}");
		*(struct span *)at = json_text(v, &c->arena);
		return ((struct span *)at)->p ? 0 : MO_ENOMEM;
	case F_PASS:
		if (v->type != JSON_TRUE && v->type != JSON_FALSE)
			return wrong(d, f->name, v->text, "true, false");
		*(int *)at = v->type == JSON_TRUE;
		return 0;
	case F_STATE:
		r->lot.has_state = true;
		return v->type == JSON_STRING && lot_state_parse(at, v->text) == 0
			? 0
			: wrong(d, f->name, v->text, "ok, on_hold, quarantined, concession, rework, scrapped, shipped");
	case F_KIND:
		return v->type == JSON_STRING && asset_kind_parse(at, v->text) == 0
			? 0
			: wrong(d, f->name, v->text, "company, site, line, machine, mould, gauge, item, other");
	}
	return MO_EBUG;
}

static int read_record(struct api_call *c, struct record *r, struct span line, struct diag *d)
{
	struct json_value *root;
	struct span type;
	enum record_type t;
	int err = json_parse(&root, &c->arena, line, d);
	if (err != 0)
		return err;
	err = json_get_str(root, "type", &type, d);
	if (err == MO_ENOENT)
		return wrong(d, "type", span_str(""), "asset, lot, link, operation, event, characteristic");
	if (err != 0)
		return err;
	if (record_type_parse(&t, type) != 0)
		return wrong(d, "type", type, "asset, lot, link, operation, event, characteristic");
	clear(r, t);
	for (const struct json_value *m = root->child; m && err == 0; m = m->next) {
		const struct field *f = fields_of[t];
		while (f->name && !span_is(m->name, f->name))
			f++;
		if (f->name) {
			err = m->type == JSON_NULL ? 0 : read_field(c, r, f, m, d);
		} else if (!span_is(m->name, "type")) {
			err = diag_set(d, MO_EINVAL, MSG_RECORD_UNKNOWN);
			diag_field(d, m->name);
			diag_value(d, type);
		}
	}
	return err != 0 ? err : record_check(r, d);
}

/* ---- storing ---- */
struct refused {
	uint64_t line;
	struct diag d;
};
struct records_job {
	struct sjob job;
	struct api_call *c;
	struct record *records;
	uint64_t *lines;
	size_t n;
	int64_t now_ns;
	struct span key;
	uint8_t digest[32];
	bool replayed;
	uint64_t did[3];
	struct refused *refused;
	size_t n_refused;
	uint64_t refused_all;
};

static void add_refused(struct records_job *q, uint64_t line, const struct diag *d)
{
	q->refused_all++;
	if (q->n_refused == ERRORS_LISTED)
		return;
	if (!q->refused && !(q->refused = arena_alloc(&q->c->arena, ERRORS_LISTED * sizeof *q->refused)))
		return;
	q->refused[q->n_refused].line = line;
	q->refused[q->n_refused++].d = *d;
}

static void write_answer(struct records_job *q)
{
	struct json_writer *w = &q->c->w;
	jw_object(w);
	jw_key(w, "taken");
	jw_u64(w, q->did[STORE_NEW]);
	jw_key(w, "changed");
	jw_u64(w, q->did[STORE_CHANGED]);
	jw_key(w, "same");
	jw_u64(w, q->did[STORE_SAME]);
	jw_key(w, "refused");
	jw_u64(w, q->refused_all);
	jw_key(w, "errors");
	jw_array(w);
	for (size_t i = 0; i < q->n_refused; i++) {
		q->refused[i].d.line = q->refused[i].line;
		jw_object(w);
		api_problem_members(w, &q->refused[i].d);
		jw_object_end(w);
	}
	jw_array_end(w);
	jw_object_end(w);
}

static int records_run(struct sjob *j, struct store *s, struct diag *d)
{
	struct records_job *q = (struct records_job *)j;
	int err = 0;
	if (q->key.n) {
		err = store_idem_get(s, q->key, q->digest, &q->c->out, d);
		if (err != MO_ENOENT) {
			q->replayed = err == 0;
			if (err == MO_EEXIST)
				diag_set(d, err, MSG_RECORD_IDEMPOTENCY);
			return err;
		}
		diag_clear(d);
	}
	for (size_t i = 0; i < q->n; i++) {
		enum store_did did;
		err = store_put_record(s, &q->records[i], q->now_ns, &did, d);
		if (err == 0) {
			q->did[did]++;
		} else if (err == MO_EEXIST || err == MO_ESTATE || err == MO_EINVAL) {
			add_refused(q, q->lines[i], d);
			diag_clear(d);
		} else {
			return err;
		}
	}
	if (q->refused_all)
		return MO_EINVAL; /* undoes the whole request */
	write_answer(q);
	if (q->c->out.err)
		return q->c->out.err;
	return q->key.n ? store_idem_put(s, q->key, q->digest, buf_span(&q->c->out), q->now_ns, d) : 0;
}

int post_records(struct api_call *c)
{
	struct span body = buf_span(&c->body);
	struct records_job q = {.c = c, .now_ns = clock_now(node_clock(c->node)), .key = api_header(c, "Idempotency-Key")};
	size_t lines = 1;
	disk_look(node_disk(c->node), mono_now());
	int full = disk_allows(node_disk(c->node), DISK_VALUES, c->d);
	if (full != 0)
		return full;
	for (size_t i = 0; i < body.n; i++)
		lines += body.p[i] == '\n';
	if (lines > RECORDS_MAX)
		return diag_set(c->d, MO_ELIMIT, MSG_RECORD_MANY);
	q.records = arena_alloc(&c->arena, lines * sizeof *q.records);
	q.lines = arena_alloc(&c->arena, lines * sizeof *q.lines);
	if (!q.records || !q.lines)
		return diag_set(c->d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	int err = sha256_of(q.digest, body);
	uint64_t line = 0;
	for (size_t i = 0; i < body.n && err == 0; line++) {
		size_t end = span_find(body, i, '\n');
		struct span text = span_trim(span_sub(body, i, end - i));
		i = end + 1;
		if (text.n == 0)
			continue;
		int e = read_record(c, &q.records[q.n], text, c->d);
		if (e == MO_EINVAL || e == MO_ELIMIT) {
			add_refused(&q, line + 1, c->d);
			diag_clear(c->d);
		} else if (e != 0) {
			err = e;
		} else {
			q.lines[q.n++] = line + 1;
		}
	}
	if (err == 0 && q.refused_all == 0)
		err = storer_run(node_storer(c->node), records_run, &q.job, c->d);
	if (err == 0 && q.refused_all == 0)
		disk_taken(node_disk(c->node), body.n);
	if (q.refused_all) {
		/* Nothing was stored, not even the good lines. */
		memset(q.did, 0, sizeof q.did);
		buf_reset(&c->out);
		json_writer_init(&c->w, &c->out);
		write_answer(&q);
		c->status = 422;
		return 0;
	}
	return err;
}
