/* /api/v1/sinks: where data go by themselves. For owners; every change, and the
 * begin and end of what leaves, goes into the audit trail in its transaction. */
#include <stdlib.h>

#include "api/priv/api.h"
#include "base/num.h"
#include "node/outbox.h"
#include "os/crypto.h"
#include "store/outbox.h"

#define TRIES 3 /* somebody else set the same sink meanwhile */

/* A sink as it stands. */
struct standing {
	struct sink_config cfg;
	int64_t version; /* 0: there is none */
	bool readable;   /* cfg is what the document says */
	bool on;         /* data go there now */
	int64_t sent;
};

static int look_row(struct api_call *c, struct span name, struct standing *s)
{
	struct table_cursor *cur = NULL;
	struct table_batch b;
	const struct uuid *id = &node_folder(c->node)->id;
	int err = store_select(c->reader, &cur, SQ_OUTBOX, NULL, 0, c->d);
	while (err == 0 && (err = table_next(cur, &b, c->d)) == 0 && b.n_rows)
		for (size_t i = 0; i < b.n_rows; i++)
			if (span_eq(b.cols[1].str[i], name)) {
				s->on = s->cfg.enabled && span_eq(b.cols[2].str[i], span_of(id->b, sizeof id->b));
				s->sent = b.cols[4].i64[i];
			}
	table_close(cur);
	return err;
}

static int look(struct api_call *c, struct span name, struct standing *s)
{
	struct buf json;
	*s = (struct standing){.version = 0};
	buf_init(&json, 0);
	int err = store_get_doc(c->reader, DOC_SINK, name, &json, &s->version, c->d);
	if (err == 0) {
		err = sink_read(&s->cfg, buf_span(&json), false, c->d);
		s->readable = err == 0;
		if (err == MO_EINVAL)
			err = 0; /* it can be set anew, or removed */
		if (err == 0)
			err = look_row(c, name, s);
	} else if (err == MO_ENOENT) {
		err = 0;
	}
	buf_free(&json);
	return err;
}

/* ---- setting one ---- */

struct sink_job {
	struct sjob job;
	struct span name, json; /* json.p NULL: delete */
	const struct sink_config *now;
	const struct standing *was;
	struct accounts_actor by;
	const struct uuid *node;
	int64_t now_ns, version;
	bool from_start;
};

static void write_what(struct buf *more, const struct sink_config *c)
{
	struct json_writer w;
	struct buf text;
	buf_init(&text, 0);
	json_writer_init(&w, &text);
	jw_object(&w);
	jw_key(&w, "to");
	jw_str(&w, sink_origin(c->url));
	jw_key(&w, "what");
	jw_array(&w);
	for (unsigned i = 0; i < PUBLISHERS; i++)
		if (c->what & publisher_bit((enum publisher)i))
			jw_cstr(&w, publisher_row((enum publisher)i)->name);
	jw_array_end(&w);
	jw_key(&w, "enabled");
	jw_bool(&w, c->enabled);
	jw_key(&w, "token");
	jw_bool(&w, c->token_file[0] != 0);
	jw_object_end(&w);
	if (text.err)
		more->err = text.err;
	else if (text.n > 2) /* its members, behind those of accounts_detail() */
		buf_printf(more, ",%.*s", (int)(text.n - 2), (const char *)text.p + 1);
	buf_free(&text);
}

static int audit(const struct sink_job *q, struct store *s, const char *what, const struct sink_config *of, int64_t sent, struct diag *d)
{
	struct buf more, detail;
	buf_init(&more, 0);
	buf_init(&detail, 0);
	if (of)
		write_what(&more, of);
	if (sent >= 0)
		buf_printf(&more, ",\"sent\":%lld", (long long)sent);
	buf_addc(&more, 0);
	if (!more.err)
		accounts_detail(&detail, q->by.from, (const char *)more.p);
	int err = more.err || detail.err ? diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY)
									 : store_audit(s, q->now_ns, q->by.who, span_str(what), q->name, buf_span(&detail), d);
	buf_free(&more);
	buf_free(&detail);
	return err;
}

static int sink_run(struct sjob *j, struct store *s, struct diag *d)
{
	struct sink_job *q = (struct sink_job *)j;
	bool on = q->json.p && q->now->enabled, was = q->was->on;
	bool other = on && was && (q->now->what != q->was->cfg.what || !sink_same_origin(q->now->url, q->was->cfg.url));
	int64_t row;
	int err = store_put_doc(s, DOC_SINK, q->name, q->json, q->was->version, q->by.who, q->now_ns, &q->version, d);
	if (err == 0 && q->json.p)
		err = store_outbox_put(s, q->name, q->node, q->from_start ? 0 : store_last_change(s), &row, d);
	else if (err == 0)
		err = store_outbox_drop(s, q->name, d);
	if (err == 0 && (!q->json.p || q->version != q->was->version || on != was))
		err = audit(q, s, q->json.p ? "sink.put" : "sink.delete", q->json.p ? q->now : NULL, -1, d);
	if (err == 0 && was && (!on || other))
		err = audit(q, s, "sink.end", &q->was->cfg, q->was->sent, d);
	if (err == 0 && on && (!was || other))
		err = audit(q, s, "sink.begin", q->now, -1, d);
	return err;
}

static void loaded(void *arg) { api_finish(arg, 0); }

/* On the loop: answers when what was set is in force. */
static void reload(void *arg)
{
	struct api_call *c = arg;
	outbox_reload(node_outbox(c->node), loaded, c);
}

static int answer(struct api_call *c, const struct sink_job *q)
{
	jw_object(&c->w);
	jw_key(&c->w, "name");
	jw_str(&c->w, q->name);
	jw_key(&c->w, "version");
	jw_i64(&c->w, q->version);
	jw_object_end(&c->w);
	c->after = reload;
	return 0;
}

static void begin(struct api_call *c, struct sink_job *q, struct span name, const struct standing *was)
{
	*q = (struct sink_job){.name = name, .was = was, .by = api_actor(c), .node = &node_folder(c->node)->id, .now_ns = clock_now(node_clock(c->node))};
}

static int count(struct api_call *c, size_t *ret)
{
	struct table_cursor *cur = NULL;
	struct table_batch b;
	const struct store_arg a[] = {sarg_s(span_str(store_doc_name(DOC_SINK))), sarg_null(), sarg_i(SINKS_MAX)};
	int err = store_select(c->reader, &cur, SQ_DOCS, a, 3, c->d);
	*ret = 0;
	while (err == 0 && (err = table_next(cur, &b, c->d)) == 0 && b.n_rows)
		*ret += b.n_rows;
	table_close(cur);
	return err;
}

/* The token file that the sink has from now on. *ret_new: it was made here. */
static int choose_token(struct api_call *c, const struct json_value *root, struct sink_config *cfg, const struct standing *was, bool *ret_new)
{
	const struct json_value *v = json_member(root, "token");
	struct span token = v && v->type == JSON_STRING ? v->text : span_of(NULL, 0);
	int err = 0;
	*ret_new = false;
	cfg->token_file[0] = 0;
	if (!v) {
		if (!was->readable || !was->cfg.token_file[0])
			return 0;
		if (!sink_same_origin(cfg->url, was->cfg.url)) { /* it was given for somebody else */
			diag_set(c->d, MO_EINVAL, MSG_SINK_TOKEN_AGAIN);
			diag_field(c->d, SPAN_LIT("token"));
			return MO_EINVAL;
		}
		memcpy(cfg->token_file, was->cfg.token_file, sizeof cfg->token_file);
		return 0;
	}
	if (v->type == JSON_NULL)
		return 0;
	err = sink_token_check(token, c->d);
	if (err == 0)
		err = sink_token_put(node_folder(c->node), cfg->token_file, token, clock_now(node_clock(c->node)), c->d);
	*ret_new = err == 0;
	return err;
}

static int from_start(struct api_call *c, const struct json_value *root, bool *ret)
{
	struct span from;
	int err = json_get_str(root, "from", &from, c->d);
	*ret = err == 0 && span_is(from, "start");
	if (err == MO_ENOENT || (err == 0 && (*ret || span_is(from, "now"))))
		return 0;
	diag_set(c->d, MO_EINVAL, MSG_SINK_VALUE);
	diag_field(c->d, SPAN_LIT("from"));
	diag_expected(c->d, "start, now");
	return err == MO_ENOMEM ? err : MO_EINVAL;
}

static int expected_version(struct api_call *c, int64_t *ret)
{
	struct span match = api_header(c, "If-Match");
	bool quoted = match.n > 2 && match.p[0] == '"' && match.p[match.n - 1] == '"';
	*ret = -1;
	if (!match.p || (quoted && num_i64(ret, span_sub(match, 1, match.n - 2)) == 0 && *ret >= 0))
		return 0;
	diag_set(c->d, MO_EINVAL, MSG_API_PARAM);
	diag_field(c->d, SPAN_LIT("If-Match"));
	diag_value(c->d, match);
	diag_expected(c->d, "\"1\"");
	return MO_EINVAL;
}

static int set_once(struct api_call *c, const struct json_value *root, struct sink_config *cfg, struct standing *was, struct sink_job *q, int64_t expected)
{
	struct span name = api_param(c, "name");
	struct buf doc;
	size_t n = 0;
	bool fresh = false;
	int err = look(c, name, was);
	if (err == 0 && expected >= 0)
		was->version = expected; /* the store compares, and says so */
	if (err == 0 && was->version == 0 && (err = count(c, &n)) == 0 && n >= SINKS_MAX) {
		err = diag_set(c->d, MO_ELIMIT, MSG_SINK_MAX);
		diag_int(c->d, 0, SINKS_MAX);
	}
	begin(c, q, name, was);
	q->now = cfg;
	buf_init(&doc, 0);
	if (err == 0)
		err = from_start(c, root, &q->from_start);
	if (err == 0)
		err = choose_token(c, root, cfg, was, &fresh);
	if (err == 0) {
		sink_write(&doc, cfg, false);
		q->json = buf_span(&doc);
		err = doc.err ? diag_set(c->d, doc.err, MSG_OUT_OF_MEMORY) : storer_run(node_storer(c->node), sink_run, &q->job, c->d);
	}
	if (err != 0 && fresh)
		sink_token_drop(node_folder(c->node), cfg->token_file);
	else if (err == 0 && was->readable && strcmp(was->cfg.token_file, cfg->token_file) != 0)
		sink_token_drop(node_folder(c->node), was->cfg.token_file);
	buf_free(&doc);
	return err;
}

int put_sink(struct api_call *c)
{
	struct sink_config *cfg = calloc(1, sizeof *cfg);
	struct standing *was = calloc(1, sizeof *was);
	struct json_value *root;
	struct sink_job q = {.version = 0};
	int64_t expected;
	int err = cfg && was ? sink_name_check(api_param(c, "name"), c->d) : MO_ENOMEM;
	if (err == 0)
		err = expected_version(c, &expected);
	if (err == 0)
		err = api_secret_object(c, &root);
	if (err == 0)
		err = sink_read(cfg, buf_span(&c->body), true, c->d);
	if (err == 0) {
		int tries = 0;
		do
			err = set_once(c, root, cfg, was, &q, expected);
		while (err == MO_ESTATE && c->d->msg == MSG_STORE_DOC_VERSION && expected < 0 && ++tries < TRIES);
	}
	if (err == 0)
		err = answer(c, &q);
	free(cfg);
	free(was);
	return err;
}

int delete_sink(struct api_call *c)
{
	struct standing *was = calloc(1, sizeof *was);
	struct sink_job q;
	int err = was ? look(c, api_param(c, "name"), was) : MO_ENOMEM;
	if (err == 0 && was->version == 0)
		err = diag_set(c->d, MO_ENOENT, MSG_SINK_NONE);
	if (err == 0) {
		begin(c, &q, api_param(c, "name"), was);
		err = storer_run(node_storer(c->node), sink_run, &q.job, c->d);
	}
	if (err == 0 && was->readable)
		sink_token_drop(node_folder(c->node), was->cfg.token_file);
	if (err == 0)
		err = answer(c, &q);
	free(was);
	return err;
}

/* ---- looking ---- */

/* Node time of the first change that waits; T_NONE: none does. */
static int oldest(struct api_call *c, const struct outbox_status *s, int64_t *ret)
{
	struct table_cursor *cur = NULL;
	struct table_batch b = {0};
	const struct store_arg a[] = {sarg_i(s->after), sarg_i(1)};
	*ret = T_NONE;
	if (!s->pending)
		return 0;
	int err = store_select(c->reader, &cur, SQ_CHANGES, a, 2, c->d);
	if (err == 0)
		err = table_next(cur, &b, c->d);
	if (err == 0 && b.n_rows)
		*ret = b.cols[1].i64[0];
	table_close(cur);
	return err;
}

static int write_status(struct api_call *c, struct span name)
{
	struct json_writer *w = &c->w;
	struct outbox_status *s = arena_alloc(&c->arena, sizeof *s);
	int64_t since = T_NONE;
	jw_key(w, "status");
	if (!s || outbox_status(node_outbox(c->node), name, s) != 0) {
		jw_null(w);
		return s ? 0 : MO_ENOMEM;
	}
	int err = oldest(c, s, &since);
	jw_object(w);
	jw_key(w, "state");
	jw_cstr(w, outbox_state_name(s->state));
	jw_key(w, "pending");
	jw_i64(w, s->pending);
	jw_key(w, "oldest");
	jw_time(w, since);
	jw_key(w, "oldest_age_s");
	if (since == T_NONE)
		jw_null(w);
	else
		jw_i64(w, (clock_now(node_clock(c->node)) - since) / NS_PER_S);
	jw_key(w, "sent");
	jw_i64(w, s->sent);
	jw_key(w, "skipped");
	jw_i64(w, s->skipped);
	jw_key(w, "last");
	jw_time(w, s->last_ns);
	jw_key(w, "aside");
	jw_i64(w, s->aside);
	jw_key(w, "failures");
	jw_u64(w, s->failures);
	jw_key(w, "wait_s");
	jw_i64(w, (s->wait_ns + NS_PER_S - 1) / NS_PER_S);
	jw_key(w, "trouble");
	api_words(w, &s->trouble);
	jw_object_end(w);
	return err;
}

int get_sinks(struct api_call *c)
{
	struct table_cursor *cur = NULL;
	struct table_batch b;
	struct store_arg a[] = {sarg_s(span_str(store_doc_name(DOC_SINK))), sarg_null(), sarg_i(SINKS_MAX)};
	struct json_writer *w = &c->w;
	struct sink_config *cfg = arena_alloc(&c->arena, sizeof *cfg);
	struct buf shown;
	int err = cfg ? store_select(c->reader, &cur, SQ_DOCS, a, 3, c->d) : MO_ENOMEM;
	if (err != 0)
		return err;
	buf_init(&shown, 0);
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
			err = sink_read(cfg, b.cols[2].str[i], false, NULL);
			buf_reset(&shown);
			if (err == 0)
				sink_write(&shown, cfg, true);
			if (err == 0 && !shown.err)
				jw_raw(w, buf_span(&shown));
			else
				jw_null(w); /* the status says why */
			err = shown.err ? shown.err : err == MO_EINVAL ? 0 : err;
			if (err == 0)
				err = write_status(c, b.cols[0].str[i]);
			jw_object_end(w);
		}
	jw_array_end(w);
	jw_key(w, "next");
	jw_null(w);
	jw_object_end(w);
	buf_free(&shown);
	table_close(cur);
	return err;
}

int get_sink_history(struct api_call *c) { return api_doc_history(c, DOC_SINK, api_param(c, "name"), MSG_SINK_NONE); }

/* ---- what was set aside ---- */

int get_sink_aside(struct api_call *c)
{
	int64_t limit, after;
	int err = api_param_i64(c, "limit", API_PAGE, 1, API_PAGE_MAX, &limit);
	if (err == 0)
		err = api_param_i64(c, "cursor", 0, 0, INT64_MAX, &after);
	if (err != 0)
		return err;
	struct store_arg a[] = {sarg_s(api_param(c, "name")), sarg_i(after), sarg_i(limit)};
	return api_list(c, SQ_ASIDE, a, 3, "id", limit);
}

struct aside_job {
	struct sink_job q; /* first */
	int64_t id;
	bool again;
};

static int aside_run(struct sjob *j, struct store *s, struct diag *d)
{
	struct aside_job *q = (struct aside_job *)j;
	int err = q->again ? store_outbox_again(s, q->q.name, q->id, d) : store_outbox_forget(s, q->q.name, q->id, d);
	if (err == MO_ENOENT)
		return diag_set(d, err, MSG_SINK_ASIDE_NONE);
	return err ? err : audit(&q->q, s, q->again ? "sink.retry" : "sink.drop", NULL, -1, d);
}

static int aside(struct api_call *c, bool again)
{
	struct aside_job q = {.again = again};
	begin(c, &q.q, api_param(c, "name"), NULL);
	int err = api_param_i64(c, "id", 0, 1, INT64_MAX, &q.id);
	if (err == 0)
		err = storer_run(node_storer(c->node), aside_run, &q.q.job, c->d);
	if (err == 0) {
		c->status = 204;
		c->after = reload;
	}
	return err;
}

int post_sink_aside(struct api_call *c) { return aside(c, true); }
int delete_sink_aside(struct api_call *c) { return aside(c, false); }

/* ---- trying one ---- */

static void tried(void *arg, const struct outbox_test *t)
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
	jw_key(w, "status");
	if (t->status)
		jw_i64(w, t->status);
	else
		jw_null(w);
	jw_key(w, "took_ms");
	jw_i64(w, t->took_ns / NS_PER_MS);
	jw_key(w, "trouble");
	api_words(w, &t->trouble);
	jw_object_end(w);
	api_finish(c, 0);
}

/* On the loop, when the audit entry is durable. */
static void try_it(void *arg)
{
	struct api_call *c = arg;
	int err = outbox_try(node_outbox(c->node), api_param(c, "name"), tried, c, c->d);
	if (err != 0)
		api_finish(c, err);
}

static int test_run(struct sjob *j, struct store *s, struct diag *d) { return audit((struct sink_job *)j, s, "sink.test", NULL, -1, d); }

int test_sink(struct api_call *c)
{
	struct outbox_status *s = arena_alloc(&c->arena, sizeof *s);
	struct sink_job q;
	if (!s)
		return MO_ENOMEM;
	if (outbox_status(node_outbox(c->node), api_param(c, "name"), s) != 0)
		return diag_set(c->d, MO_ENOENT, MSG_SINK_NONE);
	begin(c, &q, api_param(c, "name"), NULL);
	int err = storer_run(node_storer(c->node), test_run, &q.job, c->d);
	if (err == 0)
		c->after = try_it;
	return err;
}
