/* Device documents: list, put, delete, undo, history, live test. */
#include "api/priv/api.h"

#include "base/num.h"
#include "lots/records.h"

#define DEVICES_MAX 256

/* The newest value that an asset's senders gave, by each signal's last one that is not bad. */
static int last_pushed(struct api_call *c, struct span asset, int64_t *ret)
{
	struct table_cursor *cur = NULL;
	struct table_batch b;
	struct store_arg a[] = {sarg_s(asset), sarg_i(0), sarg_i(INT64_MAX)};
	int err = store_select(c->reader, &cur, SQ_SIGNALS, a, 3, c->d);
	while (err == 0 && (err = table_next(cur, &b, c->d)) == 0 && b.n_rows)
		for (size_t i = 0; i < b.n_rows; i++) {
			const struct col *series = &b.cols[api_column(cur, "series")], *source = &b.cols[api_column(cur, "source")];
			struct uuid u;
			series_id id;
			struct sdb_point p;
			if ((source->null && source->null[i]) || !span_is(source->str[i], "http") || uuid_parse(&u, series->str[i]) != 0)
				continue;
			if (sdb_find_uuid(node_sdb(c->node), &u, &id) == 0 && sdb_last(node_sdb(c->node), id, &p) == 0 && !q_is_bad(p.quality) &&
				(*ret == T_NONE || p.t_ns > *ret))
				*ret = p.t_ns;
		}
	table_close(cur);
	return err;
}

static int write_status(struct api_call *c, struct span name)
{
	struct json_writer *w = &c->w;
	struct device_status *s = arena_alloc(&c->arena, sizeof *s);
	jw_key(w, "status");
	if (!s) {
		jw_null(w);
		return 0;
	}
	collect_status(node_collect(c->node), name, s);
	if (!s->known) {
		jw_null(w);
		return 0;
	}
	int err = s->push ? last_pushed(c, span_str(s->asset), &s->last_value_ns) : 0;
	jw_object(w);
	jw_key(w, "state");
	jw_cstr(w, driver_state_name(s->state));
	jw_key(w, "trouble");
	api_words(w, &s->trouble);
	jw_key(w, "last_value");
	jw_time(w, s->last_value_ns);
	jw_key(w, "values");
	jw_u64(w, s->values);
	jw_object_end(w);
	return err;
}

int get_devices(struct api_call *c)
{
	struct table_cursor *cur = NULL;
	struct table_batch b;
	struct store_arg a[] = {sarg_s(span_str(store_doc_name(DOC_DEVICE))), sarg_null(), sarg_i(DEVICES_MAX)};
	int err = store_select(c->reader, &cur, SQ_DOCS, a, 3, c->d);
	struct json_writer *w = &c->w;
	if (err != 0)
		return err;
	jw_object(w);
	jw_key(w, "items");
	jw_array(w);
	while (err == 0 && (err = table_next(cur, &b, c->d)) == 0 && b.n_rows)
		for (size_t i = 0; i < b.n_rows && err == 0; i++) {
			jw_object(w);
			jw_key(w, "name");
			jw_str(w, b.cols[0].str[i]);
			jw_key(w, "version");
			jw_i64(w, b.cols[1].i64[i]);
			jw_key(w, "config");
			jw_raw(w, b.cols[2].str[i]);
			err = write_status(c, b.cols[0].str[i]);
			jw_object_end(w);
		}
	jw_array_end(w);
	jw_key(w, "next");
	jw_null(w);
	jw_object_end(w);
	table_close(cur);
	return err;
}

int get_device_history(struct api_call *c) { return api_doc_history(c, DOC_DEVICE, api_param(c, "name"), MSG_API_NOT_FOUND); }

struct device_job {
	struct sjob job;
	struct span name, json; /* json.p NULL: delete */
	bool undo;
	int64_t expected, version, now_ns;
	struct span asset, who;
};

static int device_run(struct sjob *j, struct store *s, struct diag *d)
{
	struct device_job *q = (struct device_job *)j;
	struct span who = q->who;
	int err;
	if (q->undo)
		return store_undo_doc(s, DOC_DEVICE, q->name, who, q->now_ns, &q->version, d);
	err = store_put_doc(s, DOC_DEVICE, q->name, q->json, q->expected, who, q->now_ns, &q->version, d);
	if (err == 0 && q->asset.n) {
		/* The machine is there from the moment it is described, not only from its first value. */
		struct record r = {.type = REC_ASSET, .asset = {.code = q->asset, .kind = ASSET_MACHINE}};
		enum store_did did;
		err = store_put_record(s, &r, q->now_ns, &did, d);
	}
	if (err == 0)
		err = store_audit(s, q->now_ns, who, q->json.p ? SPAN_LIT("device.put") : SPAN_LIT("device.delete"), q->name, SPAN_LIT("{}"), d);
	return err;
}

static void reload(void *arg)
{
	struct api_call *c = arg;
	collect_reload(node_collect(c->node));
	api_finish(c, 0);
}

/* RUN_LATER would block the loop: the document is stored on a worker, then the loop reloads and answers. */
static int store_device(struct api_call *c, struct device_job *q)
{
	q->now_ns = clock_now(node_clock(c->node));
	q->who = gate_who(&c->pass);
	int err = storer_run(node_storer(c->node), device_run, &q->job, c->d);
	if (err != 0)
		return err;
	jw_object(&c->w);
	jw_key(&c->w, "name");
	jw_str(&c->w, q->name);
	jw_key(&c->w, "version");
	jw_i64(&c->w, q->version);
	jw_object_end(&c->w);
	c->after = reload;
	return 0;
}

/* The document by its driver's rules, and its asset by those of assets. */
static int check_config(struct api_call *c, struct span *asset)
{
	struct json_value *root;
	int err = collect_check(buf_span(&c->body), c->d);
	if (err == 0)
		err = json_parse(&root, &c->arena, buf_span(&c->body), c->d);
	if (err == 0)
		err = json_get_str(root, "asset", asset, c->d);
	if (err != 0)
		return err;
	struct record r = {.type = REC_ASSET, .asset = {.code = *asset, .kind = ASSET_MACHINE}};
	err = record_check(&r, c->d);
	if (err == MO_EINVAL)
		diag_field(c->d, SPAN_LIT("asset"));
	return err;
}

int api_if_match(struct api_call *c, int64_t *ret)
{
	struct span match = api_header(c, "If-Match");
	bool quoted = match.n > 2 && match.p[0] == '"' && match.p[match.n - 1] == '"';
	*ret = -1;
	if (match.p && (!quoted || num_i64(ret, span_sub(match, 1, match.n - 2)) != 0 || *ret < 0)) {
		diag_set(c->d, MO_EINVAL, MSG_API_PARAM);
		diag_field(c->d, SPAN_LIT("If-Match"));
		diag_value(c->d, match);
		diag_expected(c->d, "\"1\"");
		return MO_EINVAL;
	}
	return 0;
}

int put_device(struct api_call *c)
{
	struct device_job q = {.name = api_param(c, "name"), .json = buf_span(&c->body)};
	int err = api_if_match(c, &q.expected);
	if (err == 0)
		err = check_config(c, &q.asset);
	return err != 0 ? err : store_device(c, &q);
}

int delete_device(struct api_call *c)
{
	struct device_job q = {.name = api_param(c, "name"), .expected = -1};
	return store_device(c, &q);
}

int undo_device(struct api_call *c)
{
	struct device_job q = {.name = api_param(c, "name"), .undo = true};
	return store_device(c, &q);
}

static void tested(void *arg, const struct device_test *t)
{
	struct api_call *c = arg;
	struct json_writer *w = &c->w;
	if (!t) {
		api_finish(c, MO_ENOMEM);
		return;
	}
	jw_object(w);
	jw_key(w, "ok");
	jw_bool(w, t->ok);
	jw_key(w, "state");
	jw_cstr(w, driver_state_name(t->state));
	jw_key(w, "trouble");
	api_words(w, &t->trouble);
	jw_key(w, "values");
	jw_raw(w, t->values_json);
	jw_key(w, "frames");
	jw_raw(w, t->frames_json);
	jw_object_end(w);
	api_finish(c, 0);
}

int test_device(struct api_call *c)
{
	struct span asset;
	int err = check_config(c, &asset);
	return err != 0 ? err : collect_test(node_collect(c->node), buf_span(&c->body), tested, c, c->d);
}
