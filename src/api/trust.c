/* /api/v1/trust: whose certificates are believed beyond the system's
 * authorities (node/trust.h). For owners; every decision goes into the audit
 * trail in its transaction, and is in force when it is answered. */
#include <stdio.h>
#include <stdlib.h>

#include "api/priv/api.h"
#include "codec/text.h"
#include "node/outbox.h"
#include "node/trust.h"

#define TRIES 3 /* somebody else decided on the same one meanwhile */

struct trust_job {
	struct sjob job;
	struct span name, json; /* json.p NULL: delete */
	const char *what;       /* of the audit trail */
	const struct trust_entry *now; /* NULL: deleted, undone */
	bool undo;
	struct accounts_actor by;
	int64_t expected, version, now_ns;
};

static int audit(const struct trust_job *q, struct store *s, struct diag *d)
{
	struct buf more, detail;
	buf_init(&more, 0);
	buf_init(&detail, 0);
	if (q->now)
		buf_printf(&more, ",\"state\":\"%s\",\"purposes\":[", trust_state_name(q->now->state));
	for (unsigned i = 0, n = 0; q->now && i < TRUST_PURPOSES; i++)
		if (q->now->purposes & trust_bit((enum trust_purpose)i))
			buf_printf(&more, "%s\"%s\"", n++ ? "," : "", trust_purpose_name((enum trust_purpose)i));
	if (q->now)
		buf_printf(&more, "],\"authority\":%s", q->now->authority ? "true" : "false");
	buf_addc(&more, 0);
	if (!more.err)
		accounts_detail(&detail, q->by.from, (const char *)more.p);
	int err = more.err || detail.err ? diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY)
									 : store_audit(s, q->now_ns, q->by.who, span_str(q->what), q->name, buf_span(&detail), d);
	buf_free(&more);
	buf_free(&detail);
	return err;
}

static int trust_run(struct sjob *j, struct store *s, struct diag *d)
{
	struct trust_job *q = (struct trust_job *)j;
	int err = q->undo ? store_undo_doc(s, DOC_TRUST, q->name, q->by.who, q->now_ns, &q->version, d)
					  : store_put_doc(s, DOC_TRUST, q->name, q->json, q->expected, q->by.who, q->now_ns, &q->version, d);
	if (err == MO_ENOENT)
		return diag_set(d, err, MSG_TRUST_NONE);
	return err ? err : audit(q, s, d);
}

static void loaded(void *arg) { api_finish(arg, 0); }

/* On the loop: answers when what was decided is in force. */
static void reload(void *arg)
{
	struct api_call *c = arg;
	struct outbox *o = node_outbox(c->node);
	if (o)
		outbox_reload(o, loaded, c);
	else
		api_finish(c, 0);
}

static int answer(struct api_call *c, const struct trust_job *q)
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

static void begin(struct api_call *c, struct trust_job *q, struct span name, const char *what)
{
	*q = (struct trust_job){.name = name, .what = what, .by = api_actor(c), .expected = -1, .now_ns = clock_now(node_clock(c->node))};
}

/* What stands; *ret_version 0: nothing, and e is empty. */
static int look(struct api_call *c, struct span name, struct trust_entry *e, int64_t *ret_version)
{
	struct buf json;
	*ret_version = 0;
	buf_init(&json, 0);
	int err = store_get_doc(c->reader, DOC_TRUST, name, &json, ret_version, c->d);
	if (err == 0)
		err = trust_entry_read(e, buf_span(&json), c->d);
	else if (err == MO_ENOENT)
		err = 0;
	buf_free(&json);
	return err;
}

static int text_of(struct api_call *c, const struct json_value *root, const char *name, char *out, size_t size)
{
	struct span s;
	int err = json_get_str(root, name, &s, c->d);
	if (err == MO_ENOENT)
		return 0;
	if (err == 0 && (s.n >= size || memchr(s.p, 0, s.n))) {
		err = diag_set(c->d, MO_EINVAL, MSG_TRUST_VALUE);
		diag_field(c->d, span_str(name));
	}
	if (err == 0) {
		memcpy(out, s.p, s.n);
		out[s.n] = 0;
	}
	return err;
}

/* Of a body: label, authority, and who says so. */
static int read_rest(struct api_call *c, const struct json_value *root, struct trust_entry *e)
{
	struct span who = api_actor(c).who;
	int err = text_of(c, root, "label", e->label, sizeof e->label);
	if (err == 0 && (err = json_get_bool(root, "authority", &e->authority, c->d)) == MO_ENOENT)
		err = 0;
	diag_copy(e->by, sizeof e->by, who);
	return err;
}

static int store_entry(struct api_call *c, struct trust_job *q, struct trust_entry *e)
{
	struct buf doc;
	buf_init(&doc, 0);
	trust_entry_write(&doc, e);
	q->json = buf_span(&doc);
	q->now = e;
	int err = doc.err ? diag_set(c->d, doc.err, MSG_OUT_OF_MEMORY) : storer_run(node_storer(c->node), trust_run, &q->job, c->d);
	buf_free(&doc);
	return err;
}

static int count(struct api_call *c, size_t *ret)
{
	struct table_cursor *cur = NULL;
	struct table_batch b;
	const struct store_arg a[] = {sarg_s(span_str(store_doc_name(DOC_TRUST))), sarg_null(), sarg_i(TRUST_MAX)};
	int err = store_select(c->reader, &cur, SQ_DOCS, a, 3, c->d);
	*ret = 0;
	while (err == 0 && (err = table_next(cur, &b, c->d)) == 0 && b.n_rows)
		*ret += b.n_rows;
	table_close(cur);
	return err;
}

/* ---- adding one ---- */

/* "certificate": PEM, or "der": base64url. */
static int read_certificate(struct api_call *c, const struct json_value *root, struct trust_cert *cert, struct buf *pem)
{
	struct span s;
	struct buf der;
	buf_init(&der, TRUST_DER_MAX + 64);
	int err = json_get_str(root, "certificate", &s, c->d);
	if (err == 0) {
		err = trust_cert_read(cert, pem, s, "certificate", c->d);
	} else if (err == MO_ENOENT && (err = json_get_str(root, "der", &s, c->d)) == 0) {
		err = base64url_decode(&der, s);
		if (err == 0)
			err = trust_cert_read(cert, pem, buf_span(&der), "der", c->d);
		else if (err != MO_ENOMEM)
			err = trust_cert_read(cert, pem, span_of("", 0), "der", c->d);
	} else if (err == MO_ENOENT) {
		err = trust_cert_read(cert, pem, span_of("", 0), "certificate", c->d);
	}
	buf_free(&der);
	return err;
}

int post_trust(struct api_call *c)
{
	struct trust_entry *e = arena_alloc(&c->arena, sizeof *e);
	struct trust_cert *cert = arena_alloc(&c->arena, sizeof *cert);
	char *name = arena_alloc(&c->arena, TRUST_NAME_TEXT);
	struct json_value *root;
	struct trust_job q;
	struct buf pem;
	size_t n = 0;
	int tries = 0;
	buf_init(&pem, 0);
	int err = e && cert && name ? api_object(c, &root) : MO_ENOMEM;
	if (err == 0)
		err = read_certificate(c, root, cert, &pem);
	if (err == 0)
		trust_entry_name(name, cert->info.sha256);
	while (err == 0) {
		begin(c, &q, span_str(name), "trust.add");
		*e = (struct trust_entry){.authority = cert->info.ca, .added_ns = q.now_ns};
		err = look(c, q.name, e, &q.expected);
		if (err == MO_EINVAL) /* it cannot be read: set anew */
			err = 0;
		if (err == 0 && q.expected == 0 && (err = count(c, &n)) == 0 && n >= TRUST_MAX) {
			err = diag_set(c->d, MO_ELIMIT, MSG_TRUST_MAX);
			diag_int(c->d, 0, TRUST_MAX);
		}
		e->state = TRUST_TRUSTED;
		memcpy(e->pem, pem.p, pem.n);
		e->pem[pem.n] = 0;
		if (err == 0)
			err = trust_purposes_read(&e->purposes, root, c->d);
		if (err == 0)
			err = read_rest(c, root, e);
		if (err == 0)
			err = store_entry(c, &q, e);
		if (err != MO_ESTATE || ++tries == TRIES)
			break;
		err = 0;
	}
	buf_free(&pem);
	return err ? err : answer(c, &q);
}

/* ---- deciding ---- */

int put_trust(struct api_call *c)
{
	struct trust_entry *e = arena_alloc(&c->arena, sizeof *e);
	struct json_value *root;
	struct trust_job q;
	struct span state;
	int tries = 0;
	int err = e ? trust_name_check(api_param(c, "fingerprint"), c->d) : MO_ENOMEM;
	if (err == 0)
		err = api_object(c, &root);
	while (err == 0) {
		enum trust_state to = TRUST_WAITING;
		err = json_get_str(root, "state", &state, c->d);
		if (err == MO_ENOENT || (err == 0 && (trust_state_parse(&to, state) != 0 || to == TRUST_WAITING))) {
			diag_set(c->d, MO_EINVAL, MSG_TRUST_VALUE);
			diag_field(c->d, SPAN_LIT("state"));
			diag_value(c->d, err == 0 ? state : span_of("", 0));
			diag_expected(c->d, "trusted, refused");
			return MO_EINVAL;
		}
		begin(c, &q, api_param(c, "fingerprint"), to == TRUST_TRUSTED ? "trust.accept" : "trust.refuse");
		if (err == 0)
			err = look(c, q.name, e, &q.expected);
		if (err == 0 && q.expected == 0)
			return diag_set(c->d, MO_ENOENT, MSG_TRUST_NONE);
		e->state = to;
		if (err == 0 && json_member(root, "purposes"))
			err = trust_purposes_read(&e->purposes, root, c->d);
		if (err == 0)
			err = read_rest(c, root, e);
		if (err == 0)
			err = store_entry(c, &q, e);
		if (err != MO_ESTATE || ++tries == TRIES)
			break;
		err = 0;
	}
	return err ? err : answer(c, &q);
}

static int change(struct api_call *c, bool undo)
{
	struct trust_job q;
	int err = trust_name_check(api_param(c, "fingerprint"), c->d);
	begin(c, &q, api_param(c, "fingerprint"), undo ? "trust.undo" : "trust.delete");
	q.undo = undo;
	if (err == 0)
		err = storer_run(node_storer(c->node), trust_run, &q.job, c->d);
	return err ? err : answer(c, &q);
}

int delete_trust(struct api_call *c) { return change(c, false); }
int undo_trust(struct api_call *c) { return change(c, true); }
int get_trust_history(struct api_call *c) { return api_doc_history(c, DOC_TRUST, api_param(c, "fingerprint"), MSG_TRUST_NONE); }

/* ---- looking ---- */

void trust_write_cert(struct json_writer *w, const struct pki_info *i)
{
	jw_key(w, "subject");
	jw_cstr(w, i->subject);
	jw_key(w, "issuer");
	jw_cstr(w, i->issuer);
	jw_key(w, "names");
	jw_array(w);
	for (size_t k = 0; k < i->names.n; k++)
		jw_cstr(w, i->names.name[k]);
	jw_array_end(w);
	jw_key(w, "not_before");
	jw_time(w, i->not_before_ns);
	jw_key(w, "not_after");
	jw_time(w, i->not_after_ns);
	jw_key(w, "days_left");
	/* The PC's clock judges certificates, as their peers do. */
	jw_i64(w, i->not_after_ns / NS_PER_DAY - wall_now() / NS_PER_DAY);
	jw_key(w, "ca");
	jw_bool(w, i->ca);
}

static void write_entry(struct json_writer *w, const struct trust_entry *e, const struct trust_cert *cert)
{
	jw_key(w, "state");
	jw_cstr(w, trust_state_name(e->state));
	jw_key(w, "purposes");
	jw_array(w);
	for (unsigned i = 0; i < TRUST_PURPOSES; i++)
		if (e->purposes & trust_bit((enum trust_purpose)i))
			jw_cstr(w, trust_purpose_name((enum trust_purpose)i));
	jw_array_end(w);
	jw_key(w, "authority");
	jw_bool(w, e->authority);
	jw_key(w, "label");
	jw_cstr(w, e->label);
	jw_key(w, "peer");
	jw_cstr(w, e->peer);
	jw_key(w, "by");
	jw_cstr(w, e->by);
	jw_key(w, "added");
	jw_time(w, e->added_ns);
	trust_write_cert(w, &cert->info);
	jw_key(w, "uri");
	jw_cstr(w, cert->uri);
	jw_key(w, "key");
	jw_cstr(w, cert->key);
	jw_key(w, "certificate");
	jw_cstr(w, e->pem);
}

int get_trust(struct api_call *c)
{
	struct table_cursor *cur = NULL;
	struct table_batch b;
	struct store_arg a[] = {sarg_s(span_str(store_doc_name(DOC_TRUST))), sarg_null(), sarg_i(TRUST_MAX)};
	struct json_writer *w = &c->w;
	struct trust_entry *e = arena_alloc(&c->arena, sizeof *e);
	struct trust_cert *cert = arena_alloc(&c->arena, sizeof *cert);
	int err = e && cert ? store_select(c->reader, &cur, SQ_DOCS, a, 3, c->d) : MO_ENOMEM;
	if (err != 0)
		return err;
	jw_object(w);
	jw_key(w, "items");
	jw_array(w);
	while (err == 0 && (err = table_next(cur, &b, c->d)) == 0 && b.n_rows)
		for (size_t i = 0; i < b.n_rows && err == 0; i++) {
			jw_object(w);
			jw_key(w, "fingerprint");
			jw_str(w, b.cols[0].str[i]);
			jw_key(w, "version");
			jw_i64(w, b.cols[1].i64[i]);
			err = trust_entry_read(e, b.cols[2].str[i], NULL);
			if (err == 0)
				err = trust_cert_read(cert, NULL, span_str(e->pem), "certificate", NULL);
			jw_key(w, "readable");
			jw_bool(w, err == 0); /* one that is not is nobody's, and can be deleted */
			if (err == 0)
				write_entry(w, e, cert);
			err = err == MO_EINVAL || err == MO_ELIMIT ? 0 : err;
			jw_object_end(w);
		}
	jw_array_end(w);
	jw_key(w, "next");
	jw_null(w);
	jw_object_end(w);
	table_close(cur);
	return err;
}
