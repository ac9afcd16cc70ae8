/* See outbox.h. All of it runs on the loop, but for three steps of a target's
 * turn: reading on a worker (read_work), the request on the thread of
 * http/outgoing.c, keeping on the store thread (keep_run). A turn has one
 * `flight`, whose fields belong to whoever has the turn. */
#include "node/outbox.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "node/outbox_rule.h"
#include "node/priv/outbox.h"
#include "os/crypto.h"

#define SCANNED_KEPT 1000 /* changes that are not for a sink, before the cursor is moved over them */
#define TOKEN_TOLD 8u /* characters of a token in an answer that are too many */
#define ANSWER_SHOWN 160u /* bytes of what a receiver says, in words and reasons */

static const char *const state_names[OUTBOX_STATES] = {"off", "idle", "reading", "sending", "keeping", "waiting", "stopped"};

const char *outbox_state_name(enum outbox_state s) { return (unsigned)s < OUTBOX_STATES ? state_names[s] : "?"; }

static void landed(struct target *t);

/* ---- what others see ---- */

static void show(struct target *t)
{
	struct outbox *o = t->o;
	pthread_mutex_lock(&o->mu);
	t->shown.state = t->state;
	t->shown.after = t->scanned;
	t->shown.oldest_ns = t->oldest_ns;
	t->shown.sent = t->sent;
	t->shown.skipped = t->skipped;
	t->shown.last_ns = t->last_ns;
	t->shown.aside = t->aside;
	t->shown.failures = t->failures;
	t->shown.wait_ns = t->due_ns;
	t->shown.trouble = t->trouble;
	pthread_mutex_unlock(&o->mu);
}

void target_set(struct target *t, enum outbox_state to)
{
	static const unsigned may[OUTBOX_STATES] = {
		[OUTBOX_OFF] = 1u << OUTBOX_OFF | 1u << OUTBOX_IDLE | 1u << OUTBOX_STOPPED,
		[OUTBOX_IDLE] = 1u << OUTBOX_IDLE | 1u << OUTBOX_OFF | 1u << OUTBOX_READING | 1u << OUTBOX_WAITING | 1u << OUTBOX_STOPPED,
		[OUTBOX_READING] = 1u << OUTBOX_IDLE | 1u << OUTBOX_SENDING | 1u << OUTBOX_KEEPING | 1u << OUTBOX_WAITING,
		[OUTBOX_SENDING] = 1u << OUTBOX_IDLE | 1u << OUTBOX_KEEPING | 1u << OUTBOX_WAITING,
		[OUTBOX_KEEPING] = 1u << OUTBOX_IDLE | 1u << OUTBOX_WAITING,
		[OUTBOX_WAITING] = 1u << OUTBOX_IDLE,
		[OUTBOX_STOPPED] = 1u << OUTBOX_IDLE | 1u << OUTBOX_OFF | 1u << OUTBOX_STOPPED,
	};
	assert(may[t->state] & 1u << to);
	t->state = to;
	show(t);
}

static void say(struct target *t, const char *level, enum mo_msg msg, int64_t number)
{
	struct diag *d = calloc(1, sizeof *d);
	if (!d)
		return;
	diag_set(d, 0, msg);
	diag_text(d, 0, span_str(t->name));
	diag_int(d, 1, number);
	node_log(t->o->node, level, d);
	free(d);
}

static void trouble(struct target *t, const struct diag *why)
{
	t->trouble = *why;
	t->failures++;
	if (!t->in_trouble) {
		t->in_trouble = true;
		say(t, "warn", MSG_SINK_TROUBLE, 0);
		node_log(t->o->node, "warn", why);
	}
}

static void well(struct target *t)
{
	diag_clear(&t->trouble);
	t->tries = 0;
	if (t->in_trouble)
		say(t, "info", MSG_SINK_BACK, 0);
	t->in_trouble = false;
}

static void wait_for(struct target *t, int64_t delay_ns)
{
	t->due_ns = mono_now() + delay_ns;
	target_set(t, OUTBOX_WAITING);
	loop_timer_set(t->timer, delay_ns);
}

static void submit(struct target *t)
{
	int err = storer_submit(t->o->node->storer, &t->f.job);
	t->unsubmitted = err != 0;
	if (err == MO_ECANCELED)
		landed(t); /* the node is closing: it will be sent again */
	else if (err != 0)
		loop_timer_set(t->timer, OUTBOX_TROUBLE_NS);
}

void target_due(void *arg)
{
	struct target *t = arg;
	if (t->state == OUTBOX_WAITING) {
		target_set(t, OUTBOX_IDLE);
		target_step(t);
	} else if (t->state == OUTBOX_KEEPING && t->unsubmitted) {
		submit(t);
	}
}

static uint32_t noise(void)
{
	uint32_t v;
	return os_random(&v, sizeof v) == 0 ? v : 500; /* the middle */
}

/* ---- keeping: store thread ---- */

static int keep_run(struct sjob *j, struct store *s, struct diag *d)
{
	struct flight *f = (struct flight *)((char *)j - offsetof(struct flight, job));
	switch (f->keep) {
	case KEEP_SENT: return store_outbox_sent(s, f->row, f->reached, (int64_t)f->n, f->n ? f->now_ns : T_NONE, d);
	case KEEP_LEFT: return store_outbox_gap(s, f->row, f->reached, d);
	case KEEP_TOLD: return store_outbox_told(s, f->row, f->gap_to, f->now_ns, d);
	case KEEP_ARRIVED: return store_outbox_arrived(s, f->row, f->number, f->now_ns, d);
	case KEEP_ASIDE: return store_outbox_aside(s, f->row, f->number, f->req.status, span_str(f->reason), f->now_ns, d);
	}
	return MO_EBUG;
}

static void kept(void *arg);

static void keep_done(struct sjob *j, int err, const struct diag *d)
{
	struct flight *f = (struct flight *)((char *)j - offsetof(struct flight, job));
	f->err = err;
	if (err != 0 && d)
		f->d = *d;
	else
		diag_set(&f->d, err, MSG_OUT_OF_MEMORY);
	f->post = (struct loop_post){.fn = kept, .arg = f};
	loop_post(f->t->o->node->loop, &f->post);
}

/* What is to be kept is kept before anything else is sent, however long that takes: it has arrived, or is decided. */
static void keep(struct target *t)
{
	t->f.job = (struct sjob){.run = keep_run, .done = keep_done};
	t->f.now_ns = clock_now(t->o->node->clock);
	target_set(t, OUTBOX_KEEPING);
	submit(t);
}

static void counted(struct target *t)
{
	const struct flight *f = &t->f;
	switch (f->keep) {
	case KEEP_SENT:
		t->cursor = t->scanned = f->reached;
		t->sent += (int64_t)f->n;
		break;
	case KEEP_LEFT:
		t->gap_from = t->gap_from ? t->gap_from : t->cursor + 1;
		t->gap_to = f->reached;
		t->skipped += f->reached - t->cursor;
		t->cursor = t->scanned = f->reached;
		say(t, "warn", MSG_SINK_LEFT_OUT, t->gap_to - t->gap_from + 1);
		break;
	case KEEP_TOLD:
		t->gap_from = t->gap_to = 0;
		break;
	case KEEP_ARRIVED:
		t->sent++;
		t->aside--;
		break;
	case KEEP_ASIDE:
		if (f->kind != FLIGHT_AGAIN) {
			t->cursor = t->scanned = f->number;
			t->aside++;
		}
		say(t, "warn", MSG_SINK_ASIDE, f->number);
		break;
	}
	if (f->arrived)
		t->last_ns = f->now_ns;
	t->oldest_ns = T_NONE;
}

/* Not more in a second than the sink takes. */
static int64_t pause_ns(const struct target *t)
{
	int64_t due = t->sent_ns + (int64_t)t->f.n * (NS_PER_S / t->cfg->rate), now = mono_now();
	return t->f.n && due > now ? due - now : 0;
}

static void kept(void *arg)
{
	struct flight *f = arg;
	struct target *t = f->t;
	if (f->err != 0 && f->err != MO_ENOENT && !t->o->stopping && !t->gone) {
		trouble(t, &f->d);
		show(t);
		t->unsubmitted = true;
		loop_timer_set(t->timer, OUTBOX_TROUBLE_NS);
		return;
	}
	t->turns++;
	if (f->err == 0)
		counted(t);
	else
		t->held = true; /* the store knows better how far this sink is */
	if (f->err == 0 && f->arrived)
		well(t);
	t->refusals = 0;
	landed(t);
}

/* ---- sending ---- */

static void refusal_words(const struct target *t, struct diag *d)
{
	const struct outgoing_request *r = &t->f.req;
	struct span said = span_of(r->answer, r->n_answer < ANSWER_SHOWN ? r->n_answer : ANSWER_SHOWN);
	char text[ANSWER_SHOWN + 4];
	diag_copy(text, sizeof text, said);
	diag_set(d, MO_EPROTO, r->status >= 300 && r->status < 400 ? MSG_SINK_REDIRECTED : r->n_answer ? MSG_SINK_ANSWERED_SAID : MSG_SINK_ANSWERED);
	diag_int(d, 0, r->status);
	diag_text(d, 1, span_str(text));
}

static void set_aside(struct target *t)
{
	struct flight *f = &t->f;
	if (f->kind == FLIGHT_GAP) { /* what was left out cannot be left out itself: the log has it */
		f->keep = KEEP_TOLD;
	} else {
		f->keep = KEEP_ASIDE;
		diag_copy(f->reason, sizeof f->reason, span_of(f->req.answer, f->req.n_answer));
	}
	keep(t);
}

static void sent(struct outgoing_request *r)
{
	struct flight *f = (struct flight *)((char *)r - offsetof(struct flight, req));
	struct target *t = f->t;
	struct outbox_outcome out = {.err = r->err, .status = r->status, .retry_after_s = r->retry_after_s, .n = f->n, .refusals = t->refusals, .tries = t->tries,
		.noise = noise()};
	int64_t delay;
	/* What a receiver sends back is shown; a token is not, nor its beginning. */
	size_t begin = t->token ? strlen(t->token) : 0;
	if (begin && r->n_answer && memmem(r->answer, r->n_answer, t->token, begin < TOKEN_TOLD ? begin : TOKEN_TOLD))
		r->n_answer = 0;
	enum outbox_verdict v = outbox_judge(&out, &delay);
	outbox_unknown(t->o, t->name, r);
	struct diag *d = &f->d;
	if (v != OUTBOX_ARRIVED && r->err != 0)
		*d = r->why;
	else if (v != OUTBOX_ARRIVED)
		refusal_words(t, d);
	switch (v) {
	case OUTBOX_ARRIVED:
		f->arrived = true;
		f->keep = f->kind == FLIGHT_GAP ? KEEP_TOLD : f->kind == FLIGHT_AGAIN ? KEEP_ARRIVED : KEEP_SENT;
		t->max = t->max * 2 < OUTBOX_BATCH_MAX ? t->max * 2 : OUTBOX_BATCH_MAX;
		keep(t);
		return;
	case OUTBOX_BROKEN_OFF:
		break;
	case OUTBOX_SPLIT:
		t->failures++;
		t->max = f->n / 2;
		break;
	case OUTBOX_ALONE:
		t->refusals++;
		t->max = 1;
		trouble(t, d);
		if (f->kind != FLIGHT_AGAIN) { /* that one a person has sent again: once is enough */
			if (!t->held && !t->gone)
				wait_for(t, delay);
			break;
		}
		set_aside(t);
		return;
	case OUTBOX_ASIDE:
		trouble(t, d);
		set_aside(t);
		return;
	case OUTBOX_LATER:
		t->tries++;
		trouble(t, d);
		if (!t->held && !t->gone)
			wait_for(t, delay);
		break;
	}
	landed(t);
}

static void send_letters(struct target *t)
{
	struct flight *f = &t->f;
	const struct gate_addressee to = {.kind = PRINCIPAL_SINK, .name = span_str(t->name)};
	f->req = (struct outgoing_request){.who = t->name, .url = t->cfg->url, .content_type = LETTER_TYPE, .bearer = t->token, .ca = span_str(t->cfg->ca), .trust = t->o->trust,
		.body = buf_span(&f->body), .timeout_ms = t->cfg->timeout_ms, .done = sent};
	t->sent_ns = mono_now();
	t->oldest_ns = f->oldest_ns;
	target_set(t, OUTBOX_SENDING);
	int err = gate_publish(t->o->outgoing, &to, f->topics, &f->req);
	if (err != 0) {
		diag_set(&f->d, err, err == MO_EDENIED ? MSG_SINK_DENIED : MSG_OUT_OF_MEMORY);
		trouble(t, &f->d);
		if (!t->held && !t->gone)
			wait_for(t, OUTBOX_TROUBLE_NS);
		landed(t);
	}
}

/* ---- reading ---- */

static void was_read(void *arg)
{
	struct flight *f = arg;
	struct target *t = f->t;
	if (t->held || t->gone || t->o->stopping) {
		landed(t);
	} else if (f->err != 0) {
		trouble(t, &f->d);
		wait_for(t, OUTBOX_TROUBLE_NS);
		landed(t);
	} else if (f->kind == FLIGHT_LEAVE) {
		f->keep = KEEP_LEFT;
		keep(t);
	} else if (f->kind == FLIGHT_AGAIN && f->n == 0) {
		f->keep = KEEP_ASIDE; /* the sink does not get such any more */
		f->req.status = 0;
		f->reason[0] = 0;
		keep(t);
	} else if (f->kind != FLIGHT_NOTHING) {
		send_letters(t);
	} else {
		t->scanned = f->reached;
		t->oldest_ns = T_NONE;
		f->keep = KEEP_SENT;
		if (t->scanned - t->cursor >= SCANNED_KEPT)
			keep(t);
		else
			landed(t);
	}
}

static void read_work(struct work *w, struct store_reader *r)
{
	struct flight *f = (struct flight *)((char *)w - offsetof(struct flight, work));
	diag_clear(&f->d);
	f->arrived = false;
	f->err = outbox_read(f, r, &f->d);
	f->post = (struct loop_post){.fn = was_read, .arg = f};
	loop_post(f->t->o->node->loop, &f->post);
}

static size_t batch_max(const struct target *t) { return t->cfg->rate < (int64_t)t->max ? (size_t)t->cfg->rate : t->max; }

void target_step(struct target *t)
{
	struct outbox *o = t->o;
	struct flight *f = &t->f;
	int64_t latest = atomic_load(&o->latest);
	if (t->state != OUTBOX_IDLE || t->busy || t->held || t->gone || o->stopping)
		return;
	if (t->aside >= (int64_t)OUTBOX_ASIDE_MAX) {
		diag_set(&t->trouble, MO_ELIMIT, MSG_SINK_STOPPED);
		diag_int(&t->trouble, 0, t->aside);
		target_set(t, OUTBOX_STOPPED);
		return;
	}
	if (latest <= t->scanned && !t->gap_to && !t->aside) {
		show(t);
		return;
	}
	f->from = o->from;
	f->row = t->row;
	f->after = t->scanned;
	f->latest = latest;
	f->now_ns = clock_now(o->node->clock);
	f->gap_from = t->gap_from;
	f->gap_to = t->gap_to;
	f->keep_ns = t->cfg->keep_hours * 3600 * NS_PER_S;
	f->behind_max = t->cfg->behind_max;
	f->max = batch_max(t) ? batch_max(t) : 1;
	f->what = t->cfg->what;
	f->work.fn = read_work;
	t->busy = true;
	target_set(t, OUTBOX_READING);
	if (node_work(o->node, &f->work) != 0) {
		wait_for(t, OUTBOX_TROUBLE_NS); /* the workers' queue is full */
		landed(t);
	}
}

/* The turn is over. */
static void landed(struct target *t)
{
	struct outbox *o = t->o;
	const struct flight *f = &t->f;
	int64_t pause = t->state == OUTBOX_KEEPING && f->kind != FLIGHT_NOTHING && f->kind != FLIGHT_LEAVE ? pause_ns(t) : 0;
	bool more = f->kind != FLIGHT_NOTHING || f->reached > f->after || atomic_load(&o->latest) > f->latest;
	t->busy = false;
	if (t->gone) {
		target_free(t);
		return;
	}
	if (t->state != OUTBOX_WAITING && t->state != OUTBOX_OFF)
		target_set(t, OUTBOX_IDLE);
	if ((t->held || t->stale) && !o->stopping)
		outbox_reload(o, NULL, NULL);
	t->stale = false;
	if (t->held)
		return;
	if (t->state == OUTBOX_IDLE && pause > 0) {
		wait_for(t, pause);
	} else if (t->state == OUTBOX_IDLE && more) {
		target_step(t);
	}
}

/* ---- changes ---- */

static void changed_posted(void *arg)
{
	struct outbox *o = arg;
	atomic_store(&o->posted, false);
	for (struct target *t = o->targets, *next; t; t = next) {
		next = t->next;
		target_step(t);
		if (t->state == OUTBOX_WAITING || t->state == OUTBOX_OFF)
			show(t);
	}
}

void outbox_changed(struct outbox *o, int64_t number)
{
	atomic_store(&o->latest, number);
	if (atomic_load(&o->active) && !atomic_exchange(&o->posted, true)) {
		o->changed = (struct loop_post){.fn = changed_posted, .arg = o};
		loop_post(o->node->loop, &o->changed);
	}
}

/* ---- for pages and measurements ---- */

int outbox_status(struct outbox *o, struct span name, struct outbox_status *ret)
{
	int err = MO_ENOENT;
	pthread_mutex_lock(&o->mu);
	for (const struct target *t = o->targets; t && err != 0; t = t->next)
		if (span_is(name, t->name)) {
			*ret = t->shown;
			err = 0;
		}
	pthread_mutex_unlock(&o->mu);
	if (err == 0) {
		int64_t left = ret->wait_ns - mono_now(), latest = atomic_load(&o->latest);
		ret->pending = latest > ret->after ? latest - ret->after : 0;
		ret->wait_ns = ret->state == OUTBOX_WAITING && left > 0 ? left : 0;
	}
	return err;
}

void outbox_each(struct outbox *o, void (*fn)(void *arg, const char *name, const struct outbox_status *s), void *arg)
{
	for (struct target *t = o ? o->targets : NULL; t; t = t->next) {
		struct outbox_status *s = calloc(1, sizeof *s);
		show(t);
		if (s && outbox_status(o, span_str(t->name), s) == 0)
			fn(arg, t->name, s);
		free(s);
	}
}
