/* The outbox and the trust list: loaded with the sinks, lent to each request;
 * an unknown certificate becomes one that waits for the owner. On the loop, but
 * for wait_run() on the store thread. */
#include <stdio.h>
#include <stdlib.h>

#include "node/priv/outbox.h"
#include "node/trust.h"
#include "os/crypto.h"

/* One at a time: what other receivers show meanwhile they show again at their next try. */
struct outbox_shown {
	struct sjob job;
	struct loop_post post;
	struct outbox *o;
	bool busy; /* loop */
	bool told; /* loop: it was said that no more can wait */
	int err;
	int64_t now_ns;
	char sink[SINK_NAME_MAX + 1], name[TRUST_NAME_TEXT];
	struct trust_entry entry;
};

int outbox_load_trust(struct outbox *o, struct store_reader *r, struct diag *d)
{
	size_t unread = 0;
	struct trust_list *l = NULL;
	int err = trust_load(&l, &unread, r, d);
	if (err != 0)
		return err;
	trust_list_free(o->trust_loaded);
	o->trust_loaded = l;
	if (unread) {
		diag_set(d, MO_EINVAL, MSG_TRUST_UNREAD);
		diag_int(d, 0, (int64_t)unread);
		node_log(o->node, "warn", d);
	}
	return 0;
}

void outbox_take_trust(struct outbox *o)
{
	if (!o->trust_loaded)
		return;
	trust_list_free(o->trust);
	o->trust = o->trust_loaded;
	o->trust_loaded = NULL;
}

static int wait_run(struct sjob *j, struct store *s, struct diag *d)
{
	struct outbox_shown *q = (struct outbox_shown *)j;
	struct buf json;
	int64_t version;
	buf_init(&json, 0);
	trust_entry_write(&json, &q->entry);
	int err = json.err ? diag_set(d, json.err, MSG_OUT_OF_MEMORY)
					   : store_put_doc(s, DOC_TRUST, span_str(q->name), buf_span(&json), 0, span_of(NULL, 0), q->now_ns, &version, d);
	buf_free(&json);
	return err;
}

static void waits(void *arg)
{
	struct outbox_shown *q = arg;
	struct diag *d = q->err == 0 ? calloc(1, sizeof *d) : NULL;
	q->busy = false;
	if (d) {
		q->name[16] = 0;
		diag_set(d, 0, MSG_TRUST_WAITS);
		diag_text(d, 0, span_str(q->sink));
		diag_text(d, 1, span_str(q->name));
		node_log(q->o->node, "warn", d);
	}
	free(d);
	/* The list knows it from now on. One that was there already (MO_ESTATE) comes with the load that follows its setting. */
	if (q->err == 0)
		outbox_reload(q->o, NULL, NULL);
}

static void wait_done(struct sjob *j, int err, const struct diag *d)
{
	struct outbox_shown *q = (struct outbox_shown *)j;
	(void)d;
	q->err = err;
	q->post = (struct loop_post){.fn = waits, .arg = q};
	loop_post(q->o->node->loop, &q->post);
}

/* The list is full: told once until it is not. */
static void full(struct outbox *o, const char *sink)
{
	struct diag *d = o->shown->told ? NULL : calloc(1, sizeof *d);
	o->shown->told = true;
	if (!d)
		return;
	diag_set(d, MO_ELIMIT, MSG_TRUST_FULL);
	diag_text(d, 0, span_str(sink));
	diag_int(d, 1, TRUST_WAITING_MAX);
	node_log(o->node, "warn", d);
	free(d);
}

void outbox_unknown(struct outbox *o, const char *sink, const struct outgoing_request *r)
{
	struct outbox_shown *q = o->shown;
	if (r->verdict != TRUST_UNKNOWN || !r->n_shown || o->stopping || !o->trust || (q && q->busy))
		return;
	if (!q && !(q = o->shown = calloc(1, sizeof *q)))
		return; /* at the next try */
	q->o = o;
	size_t waiting = trust_list_count(o->trust, TRUST_WAITING);
	if (waiting >= TRUST_WAITING_MAX || waiting + trust_list_count(o->trust, TRUST_TRUSTED) + trust_list_count(o->trust, TRUST_REFUSED) >= TRUST_MAX) {
		full(o, sink);
		return;
	}
	q->told = false;
	struct trust_cert *c = calloc(1, sizeof *c);
	struct buf pem;
	buf_init(&pem, 0);
	int err = c ? trust_cert_read(c, &pem, span_of(r->shown, r->n_shown), sink, NULL) : MO_ENOMEM;
	if (err == 0 && pem.n <= TRUST_PEM_MAX) {
		q->now_ns = clock_now(o->node->clock);
		q->entry = (struct trust_entry){.state = TRUST_WAITING, .purposes = trust_bit(TRUST_HTTPS_OUT), .added_ns = q->now_ns};
		memcpy(q->entry.pem, pem.p, pem.n);
		snprintf(q->entry.peer, sizeof q->entry.peer, "sink:%s", sink);
		snprintf(q->sink, sizeof q->sink, "%s", sink);
		trust_entry_name(q->name, c->info.sha256);
		q->job = (struct sjob){.run = wait_run, .done = wait_done};
		q->busy = storer_submit(o->node->storer, &q->job) == 0;
	}
	buf_free(&pem);
	free(c);
}
