/* The outbox's sinks as they are set: loaded from the store, taken over by their
 * targets, tried by hand; and its beginning and end. On the loop, but for
 * load_work() on a worker. */
#include <stdio.h>
#include <stdlib.h>

#include "node/priv/outbox.h"
#include "os/crypto.h"

#define BODY_MAX (64u << 20)
#define FEED_FILE "feed"

/* ---- targets ---- */

void target_free(struct target *t)
{
	loop_timer_free(t->timer);
	buf_free(&t->f.body);
	if (t->token)
		crypto_wipe(t->token, strlen(t->token));
	free(t->token);
	free(t->cfg);
	free(t);
}

/* ---- the sinks as they are set ---- */

struct target *outbox_find(struct outbox *o, struct span name)
{
	for (struct target *t = o->targets; t; t = t->next)
		if (span_is(name, t->name))
			return t;
	return NULL;
}

static struct target *new_target(struct outbox *o, const char *name)
{
	struct target *t = calloc(1, sizeof *t);
	if (t)
		t->cfg = calloc(1, sizeof *t->cfg);
	if (!t || !t->cfg || loop_timer_new(o->node->loop, &t->timer, target_due, t) != 0) {
		if (t)
			target_free(t);
		return NULL;
	}
	t->o = o;
	t->f.t = t;
	t->last_ns = t->oldest_ns = T_NONE;
	t->max = OUTBOX_BATCH_MAX;
	buf_init(&t->f.body, BODY_MAX);
	snprintf(t->name, sizeof t->name, "%s", name);
	pthread_mutex_lock(&o->mu);
	t->next = o->targets;
	o->targets = t;
	pthread_mutex_unlock(&o->mu);
	return t;
}

/* Takes what was loaded for its own; takes over the token. */
static void adopt(struct target *t, struct loaded *l)
{
	bool anew = t->row != l->row, changed = anew || t->version != l->version || t->held;
	/* The store's counts, unless this sink moved on since they were read. */
	bool fresh = anew || t->turns == t->turns_at_load;
	loop_timer_set(t->timer, -1);
	if (t->state == OUTBOX_WAITING)
		target_set(t, OUTBOX_IDLE);
	if (anew || l->cursor > t->cursor)
		t->cursor = t->scanned = l->cursor;
	else if (t->version != l->version)
		t->scanned = t->cursor; /* other topics: what was passed over may be wanted now */
	if (fresh) {
		t->sent = l->sent;
		t->skipped = l->skipped;
		t->gap_from = l->gap_from;
		t->gap_to = l->gap_to;
		t->last_ns = l->last_ns;
		t->aside = l->aside;
	} else {
		t->o->again = true;
	}
	t->row = l->row;
	t->version = l->version;
	*t->cfg = l->cfg;
	if (t->token)
		crypto_wipe(t->token, strlen(t->token));
	free(t->token);
	t->token = l->token;
	l->token = NULL;
	t->held = false;
	t->tries = t->refusals = 0;
	t->due_ns = 0;
	t->oldest_ns = T_NONE;
	if (changed || t->state == OUTBOX_STOPPED)
		t->max = OUTBOX_BATCH_MAX;
	if (t->state == OUTBOX_OFF || t->state == OUTBOX_STOPPED || changed)
		diag_clear(&t->trouble);
	if (l->err != 0) {
		t->trouble = l->d;
		target_set(t, OUTBOX_OFF);
	} else if (!l->ours && l->row) {
		diag_set(&t->trouble, MO_ESTATE, MSG_SINK_COPIED);
		target_set(t, OUTBOX_OFF);
	} else if (!l->cfg.enabled || !l->row) {
		t->in_trouble = false;
		target_set(t, OUTBOX_OFF);
	} else {
		target_set(t, OUTBOX_IDLE);
		target_step(t);
	}
}

static void remove_target(struct outbox *o, struct target *t)
{
	pthread_mutex_lock(&o->mu);
	for (struct target **at = &o->targets; *at; at = &(*at)->next)
		if (*at == t) {
			*at = t->next;
			break;
		}
	pthread_mutex_unlock(&o->mu);
	t->gone = true;
	loop_timer_set(t->timer, -1);
	if (!t->busy || t->unsubmitted)
		target_free(t);
	else if (t->state == OUTBOX_SENDING)
		outgoing_cancel(o->outgoing, &t->f.req);
}

static void apply(struct outbox *o)
{
	bool active = false;
	for (struct target *t = o->targets, *next; t; t = next) {
		next = t->next;
		const struct loaded *l = o->loaded;
		while (l && strcmp(l->name, t->name) != 0)
			l = l->next;
		if (!l)
			remove_target(o, t);
	}
	for (struct loaded *l = o->loaded; l; l = l->next) {
		struct target *t = outbox_find(o, span_str(l->name));
		if (!t && !(t = new_target(o, l->name))) {
			loop_timer_set(o->reload, OUTBOX_TROUBLE_NS);
			continue;
		}
		active |= l->cfg.enabled;
		if (!t->busy) {
			adopt(t, l);
		} else if (t->version != l->version || t->row != l->row) {
			t->held = true;
			if (t->state == OUTBOX_SENDING)
				outgoing_cancel(o->outgoing, &t->f.req);
		} else {
			t->stale = true;
		}
	}
	atomic_store(&o->active, active);
	/* What was committed before this is not told again. */
	for (struct target *t = o->targets, *next; t; t = next) {
		next = t->next;
		target_step(t);
	}
}

/* Files that a crash left between a token and its document. Before anybody can set another: at the first load alone. */
static void clean_tokens(struct outbox *o)
{
	char keep[SINKS_MAX][SINK_FILE_MAX];
	size_t n = 0;
	for (const struct loaded *l = o->loaded; l; l = l->next) {
		if (!l->cfg.url[0])
			return; /* one that cannot be read may name any */
		if (n < SINKS_MAX)
			memcpy(keep[n++], l->cfg.token_file, SINK_FILE_MAX);
	}
	sink_tokens_clean(o->node->folder, (const char (*)[SINK_FILE_MAX])keep, n);
}

static void serve(struct waiter **list)
{
	while (*list) {
		struct waiter *w = *list;
		*list = w->next;
		w->done(w->arg);
		free(w);
	}
}

static void load_landed(void *arg)
{
	struct outbox *o = arg;
	o->loading = false;
	if (o->load_err == 0 && !o->stopping) {
		outbox_take_trust(o);
		apply(o);
	}
	if (o->load_err != 0 && !o->stopping)
		loop_timer_set(o->reload, OUTBOX_TROUBLE_NS);
	loaded_free(o->loaded);
	o->loaded = NULL;
	if (o->load_err == 0 || o->stopping)
		serve(&o->served);
	for (struct waiter *w = o->served; w; w = o->served) { /* they wait for the next try */
		o->served = w->next;
		w->next = o->asked;
		o->asked = w;
	}
	if (o->again && !o->stopping) {
		o->again = false;
		outbox_reload(o, NULL, NULL);
	}
}

static void load_work(struct work *w, struct store_reader *r)
{
	struct outbox *o = (struct outbox *)((char *)w - offsetof(struct outbox, load));
	struct diag *d = calloc(1, sizeof *d);
	o->load_err = d ? outbox_load_trust(o, r, d) : MO_ENOMEM;
	if (o->load_err == 0)
		o->load_err = outbox_load(o->node, r, &o->loaded, d);
	if (o->load_err != 0 && d)
		node_log(o->node, "error", d);
	if (o->load_err == 0 && !o->cleaned) {
		clean_tokens(o);
		o->cleaned = true;
	}
	free(d);
	o->load_post = (struct loop_post){.fn = load_landed, .arg = o};
	loop_post(o->node->loop, &o->load_post);
}

void outbox_reload(struct outbox *o, void (*done)(void *arg), void *arg)
{
	if (o->stopping) { /* nothing is sent any more */
		if (done)
			done(arg);
		return;
	}
	struct waiter *w = done ? calloc(1, sizeof *w) : NULL;
	if (w) {
		*w = (struct waiter){o->asked, done, arg};
		o->asked = w;
	}
	if (o->loading) {
		o->again = true;
	} else {
		o->load.fn = load_work;
		o->served = o->asked;
		o->asked = NULL;
		o->loading = true;
		for (struct target *t = o->targets; t; t = t->next)
			t->turns_at_load = t->turns;
		if (node_work(o->node, &o->load) != 0) {
			o->loading = false;
			o->asked = o->served;
			o->served = NULL;
			loop_timer_set(o->reload, OUTBOX_TROUBLE_NS);
		}
	}
	if (done && !w)
		done(arg); /* without memory for the wait; it is in force a moment later */
}

static void reload_fired(void *arg) { outbox_reload(arg, NULL, NULL); }

/* ---- trying by hand ---- */

struct trial {
	struct outgoing_request req;
	struct outbox *o;
	char name[SINK_NAME_MAX + 1], url[SINK_URL_MAX + 1], ca[SINK_CA_MAX + 1];
	char *token;
	struct buf body;
	int64_t begun_ns;
	void (*done)(void *arg, const struct outbox_test *t);
	void *arg;
};

static void free_trial(struct trial *q)
{
	if (q->token)
		crypto_wipe(q->token, strlen(q->token));
	free(q->token);
	buf_free(&q->body);
	free(q);
}

static void tried(struct outgoing_request *r)
{
	struct trial *q = (struct trial *)r;
	struct outbox *o = q->o;
	struct target *t = outbox_find(o, span_str(q->name));
	struct outbox_test *result = calloc(1, sizeof *result);
	bool ok = r->err == 0 && r->status >= 200 && r->status < 300;
	outbox_unknown(o, q->name, r);
	if (result) {
		*result = (struct outbox_test){.ok = ok, .status = r->err == 0 ? r->status : 0, .took_ns = mono_now() - q->begun_ns};
		if (r->err != 0) {
			result->trouble = r->why;
		} else if (!ok) {
			diag_set(&result->trouble, MO_EPROTO, MSG_SINK_ANSWERED);
			diag_int(&result->trouble, 0, r->status);
		}
	}
	q->done(q->arg, result);
	free(result);
	if (ok && t && t->state == OUTBOX_WAITING && !o->stopping) {
		loop_timer_set(t->timer, -1);
		t->tries = 0;
		target_set(t, OUTBOX_IDLE);
		target_step(t);
	}
	free_trial(q);
}

int outbox_try(struct outbox *o, struct span name, void (*done)(void *arg, const struct outbox_test *t), void *arg, struct diag *d)
{
	struct target *t = outbox_find(o, name);
	if (!t || o->stopping)
		return diag_set(d, MO_ENOENT, MSG_SINK_NONE);
	if (t->cfg->token_file[0] && !t->token)
		return diag_set(d, MO_ESTATE, MSG_SINK_TOKEN_GONE);
	struct trial *q = calloc(1, sizeof *q);
	struct json_writer w;
	uint64_t number;
	if (!q)
		return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	q->o = o;
	q->done = done;
	q->arg = arg;
	q->begun_ns = mono_now();
	memcpy(q->name, t->name, sizeof q->name);
	memcpy(q->url, t->cfg->url, sizeof q->url);
	memcpy(q->ca, t->cfg->ca, sizeof q->ca);
	buf_init(&q->body, 0);
	int err = t->token && !(q->token = strdup(t->token)) ? MO_ENOMEM : os_random(&number, sizeof number);
	if (err == 0) {
		json_writer_init(&w, &q->body);
		jw_array(&w);
		letter_test(&w, &o->from, number, clock_now(o->node->clock));
		jw_array_end(&w);
		err = q->body.err;
	}
	if (err == 0) {
		const struct gate_addressee to = {.kind = PRINCIPAL_SINK, .name = span_str(q->name)};
		q->req = (struct outgoing_request){.who = q->name, .url = q->url, .content_type = LETTER_TYPE, .bearer = q->token, .ca = span_str(q->ca), .trust = o->trust,
			.body = buf_span(&q->body), .timeout_ms = t->cfg->timeout_ms, .done = tried};
		err = gate_publish(o->outgoing, &to, publisher_bit(PUBLISHER_TEST), &q->req);
	}
	if (err != 0) {
		free_trial(q);
		diag_set(d, err, err == MO_EDENIED ? MSG_SINK_DENIED : MSG_OUT_OF_MEMORY);
	}
	return err;
}

/* DIR/feed: the number space of the changes, not in a backup. After a restore numbers begin again behind the backup's last, for other changes: they
 * must not look like the old ones. */
static int read_feed(struct outbox *o, struct diag *d)
{
	uint8_t *p = NULL, raw[8];
	size_t n = 0;
	char *path = folder_path(o->node->folder, FEED_FILE);
	int err = path ? vfs_slurp(o->node->vfs, &p, &n, path, 64, NULL) : MO_ENOMEM;
	struct span text = err == 0 ? span_trim(span_of(p, n)) : span_of(NULL, 0);
	bool good = text.n == LETTER_FEED_TEXT - 1;
	for (size_t i = 0; i < text.n; i++)
		good &= (text.p[i] >= '0' && text.p[i] <= '9') || (text.p[i] >= 'a' && text.p[i] <= 'f');
	if (good) {
		memcpy(o->from.feed, text.p, text.n);
	} else if (err == 0 || err == MO_ENOENT || err == MO_ELIMIT) {
		err = os_random(raw, sizeof raw);
		for (unsigned i = 0; i < sizeof raw; i++)
			snprintf(o->from.feed + 2 * i, 3, "%02x", raw[i]);
		if (err == 0)
			err = vfs_replace(o->node->vfs, path, span_str(o->from.feed), false, d);
	}
	free(p);
	if (err != 0 && d && d->msg == MSG_NONE) {
		diag_set(d, err, err == MO_ENOMEM ? MSG_OUT_OF_MEMORY : MSG_FOLDER_READ);
		diag_file(d, path ? path : FEED_FILE);
	}
	free(path);
	return err;
}

int outbox_new(struct outbox **ret, struct node *n, struct diag *d)
{
	char id[UUID_TEXT];
	struct outbox *o = calloc(1, sizeof *o);
	if (!o)
		return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	o->node = n;
	pthread_mutex_init(&o->mu, NULL);
	atomic_init(&o->latest, store_last_change(n->store));
	uuid_format(id, &n->folder->id);
	snprintf(o->from.source, sizeof o->from.source, "urn:uuid:%s", id);
	int err = read_feed(o, d);
	if (err == 0)
		err = outgoing_new(&o->outgoing, n->loop);
	if (err == 0)
		err = loop_timer_new(n->loop, &o->reload, reload_fired, o);
	if (err != 0) {
		outbox_free(o);
		return err;
	}
	*ret = o;
	return 0;
}

void outbox_stop(struct outbox *o)
{
	if (!o)
		return;
	o->stopping = true;
	loop_timer_set(o->reload, -1);
	for (struct target *t = o->targets; t; t = t->next)
		loop_timer_set(t->timer, -1);
	serve(&o->asked);
	outgoing_stop(o->outgoing);
}

void outbox_free(struct outbox *o)
{
	if (!o)
		return;
	outgoing_free(o->outgoing);
	while (o->targets) {
		struct target *t = o->targets;
		o->targets = t->next;
		target_free(t);
	}
	loaded_free(o->loaded);
	trust_list_free(o->trust);
	trust_list_free(o->trust_loaded);
	free(o->shown);
	loop_timer_free(o->reload);
	pthread_mutex_destroy(&o->mu);
	free(o);
}
