/* Rules of retention: one document with its history; applied by the node (node/retentions.h). */
#include "api/priv/api.h"
#include "node/retentions.h"
#include "store/sweep.h"

static const struct span doc_name = {(const uint8_t *)RETENTIONS_DOC, sizeof RETENTIONS_DOC - 1};

int get_retention(struct api_call *c)
{
	struct json_writer *w = &c->w;
	struct json_value *root;
	struct retentions_state s;
	struct buf json;
	int64_t version = 0;
	buf_init(&json, 0);
	retentions_state(node_retentions(c->node), &s);
	int err = store_get_doc(c->reader, DOC_SETTING, doc_name, &json, &version, c->d);
	bool none = err == MO_ENOENT;
	if (none) {
		diag_clear(c->d);
		err = 0;
	} else if (err == 0) {
		err = json_parse(&root, &c->arena, buf_span(&json), c->d);
	}
	if (err == 0 && s.last.err)
		err = s.last.err;
	if (err == 0) {
		const struct json_value *rules = none ? NULL : json_member(root, "rules");
		jw_object(w);
		jw_key(w, "version");
		jw_i64(w, version);
		jw_key(w, "rules");
		if (rules) {
			jw_value(w, rules);
		} else {
			jw_array(w);
			jw_array_end(w);
		}
		jw_key(w, "running");
		jw_bool(w, s.running);
		jw_key(w, "waits");
		jw_bool(w, s.waits);
		jw_key(w, "last");
		if (s.last.n)
			jw_raw(w, buf_span(&s.last));
		else
			jw_null(w);
		jw_object_end(w);
	}
	buf_free(&s.last);
	buf_free(&json);
	return err;
}

/* What a rule would take now, without taking it. */
static int would(struct api_call *c, enum retention_class class, int64_t before_ns, struct store_swept *ret)
{
	struct blob_marks *m = NULL;
	int err = MO_EAGAIN;
	if (class == RETENTION_CASES)
		return store_would_sweep_cases(c->reader, before_ns, ret, c->d);
	if (class == RETENTION_AUDIT)
		return store_would_sweep_audit(c->reader, before_ns, ret, c->d);
	err = blob_marks_new(&m, c->reader, before_ns, c->d);
	while (err == 0) {
		while ((err = blob_marks_step(m, c->reader, c->d)) == MO_EAGAIN)
			if (atomic_load(&c->dead) || node_stopping(c->node))
				break;
		if (err == MO_EAGAIN)
			err = diag_set(c->d, MO_ECANCELED, MSG_NODE_STOPPING);
		if (err == 0) {
			blob_marks_would(m, ret);
			err = blob_marks_next(m, c->reader, c->d);
		}
	}
	blob_marks_free(m);
	return err == MO_ENOENT ? 0 : err;
}

int get_retention_preview(struct api_call *c)
{
	struct store_swept did;
	struct json_writer *w = &c->w;
	enum retention_class class = RETENTION_CLASSES;
	int64_t days = 0;
	struct span name = api_param(c, "class");
	int err = retention_class_parse(&class, name);
	if (err != 0 || retention_by_asset(class)) {
		diag_set(c->d, MO_EINVAL, MSG_RETENTION_RULE);
		diag_field(c->d, SPAN_LIT("class"));
		diag_value(c->d, name);
		diag_expected(c->d, "files, cases, audit");
		return MO_EINVAL;
	}
	err = api_param_i64(c, "keep_days", 0, retention_days_min(class), RETENTION_DAYS_MAX, &days);
	int64_t now = clock_now(node_clock(c->node)), before = now - days * NS_PER_DAY;
	store_swept_init(&did);
	if (err == 0)
		err = would(c, class, before, &did);
	if (err != 0)
		return err;
	jw_object(w);
	jw_key(w, "class");
	jw_str(w, name);
	jw_key(w, "keep_days");
	jw_i64(w, days);
	jw_key(w, "before");
	jw_time(w, before);
	jw_key(w, "removed");
	jw_u64(w, did.n);
	jw_key(w, "bytes");
	jw_u64(w, did.bytes);
	jw_key(w, "from");
	jw_time(w, did.from_ns);
	jw_key(w, "to");
	jw_time(w, did.to_ns);
	jw_object_end(w);
	return 0;
}

int get_retention_history(struct api_call *c)
{
	struct store_arg a[] = {sarg_s(span_str(store_doc_name(DOC_SETTING))), sarg_s(doc_name)};
	return api_list(c, SQ_DOC_HISTORY, a, 2, "version", 0);
}

struct put_job {
	struct sjob job;
	struct span json, who;
	int64_t expected, version, now_ns;
};

static int put_run(struct sjob *j, struct store *s, struct diag *d)
{
	struct put_job *q = (struct put_job *)j;
	int err = store_put_doc(s, DOC_SETTING, doc_name, q->json, q->expected, q->who, q->now_ns, &q->version, d);
	return err != 0 ? err : store_audit(s, q->now_ns, q->who, SPAN_LIT("retention.put"), doc_name, q->json, d);
}

int put_retention(struct api_call *c)
{
	struct put_job q = {.json = span_trim(buf_span(&c->body)), .who = gate_who(&c->pass), .now_ns = clock_now(node_clock(c->node))};
	struct retention rules;
	int err = api_if_match(c, &q.expected);
	if (err == 0)
		err = retention_read(&rules, &c->arena, q.json, c->d);
	if (err == 0)
		err = storer_run(node_storer(c->node), put_run, &q.job, c->d);
	if (err == 0)
		err = retentions_changed(node_retentions(c->node), q.json, q.version);
	if (err != 0)
		return err;
	jw_object(&c->w);
	jw_key(&c->w, "name");
	jw_str(&c->w, doc_name);
	jw_key(&c->w, "version");
	jw_i64(&c->w, q.version);
	jw_object_end(&c->w);
	return 0;
}
