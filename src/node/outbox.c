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
#define ANSWER_SHOWN 160u /* bytes of what a receiver says, in words and reasons */
#define BODY_MAX (64u << 20)
#define FEED_FILE "feed"

struct target {
	struct target *next;
	struct outbox *o;
	char name[SINK_NAME_MAX + 1];
	int64_t row, version;
	struct sink_config *cfg;
	char *token;
	enum outbox_state state;
	bool held;         /* the sink was changed while a turn is under way: no other begins before it is loaded anew */
	bool gone;         /* removed: freed when its turn is over */
	bool in_trouble;   /* it was said that it is */
	bool busy;         /* the flight is somebody's */
	bool stale;        /* loaded while it moved on: its counts are to be loaded anew when its turn is over */
	bool unsubmitted;  /* KEEPING: the job waits for the timer */
	uint64_t turns, turns_at_load; /* kept so far; when the load began */
	int64_t scanned;   /* looked at, in memory; the durable cursor may be behind */
	int64_t cursor, sent, skipped, gap_from, gap_to, last_ns, aside, oldest_ns;
	uint64_t failures;
	unsigned tries, refusals;
	size_t max;        /* messages of the next request */
	int64_t due_ns, sent_ns; /* monotonic */
	struct loop_timer *timer;
	struct flight f;
	struct diag trouble;
	struct outbox_status shown; /* under mu */
};
struct waiter {
	struct waiter *next;
	void (*done)(void *arg);
	void *arg;
};
struct outbox {
	struct node *node;
	struct outgoing *outgoing;
	struct letter_from from;
	struct target *targets;
	atomic_llong latest;
	atomic_bool posted, active;
	struct loop_post changed;
	bool stopping;
	/* loading */
	bool loading, again, cleaned;
	struct work load;
	struct loop_post load_post;
	struct loaded *loaded;
	int load_err;
	struct waiter *asked, *served; /* for the next load, for the one under way */
	struct loop_timer *reload;     /* a load that failed */
	pthread_mutex_t mu;            /* of target.shown, and the list for those who read it */
};

static const char *const state_names[OUTBOX_STATES] = {"off", "idle", "reading", "sending", "keeping", "waiting", "stopped"};

const char *outbox_state_name(enum outbox_state s) { return (unsigned)s < OUTBOX_STATES ? state_names[s] : "?"; }

static void step(struct target *t);
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

static void set_state(struct target *t, enum outbox_state to)
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
	set_state(t, OUTBOX_WAITING);
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

static void timer_fired(void *arg)
{
	struct target *t = arg;
	if (t->state == OUTBOX_WAITING) {
		set_state(t, OUTBOX_IDLE);
		step(t);
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
	set_state(t, OUTBOX_KEEPING);
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
	enum outbox_verdict v = outbox_judge(&out, &delay);
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
	f->req = (struct outgoing_request){.who = t->name, .url = t->cfg->url, .content_type = LETTER_TYPE, .bearer = t->token, .ca = span_str(t->cfg->ca),
		.body = buf_span(&f->body), .timeout_ms = t->cfg->timeout_ms, .done = sent};
	t->sent_ns = mono_now();
	t->oldest_ns = f->oldest_ns;
	set_state(t, OUTBOX_SENDING);
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

/* IDLE: begins the next turn when there is something to do. */
static void step(struct target *t)
{
	struct outbox *o = t->o;
	struct flight *f = &t->f;
	int64_t latest = atomic_load(&o->latest);
	if (t->state != OUTBOX_IDLE || t->busy || t->held || t->gone || o->stopping)
		return;
	if (t->aside >= (int64_t)OUTBOX_ASIDE_MAX) {
		diag_set(&t->trouble, MO_ELIMIT, MSG_SINK_STOPPED);
		diag_int(&t->trouble, 0, t->aside);
		set_state(t, OUTBOX_STOPPED);
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
	set_state(t, OUTBOX_READING);
	if (node_work(o->node, &f->work) != 0) {
		wait_for(t, OUTBOX_TROUBLE_NS); /* the workers' queue is full */
		landed(t);
	}
}

static void free_target(struct target *t)
{
	loop_timer_free(t->timer);
	buf_free(&t->f.body);
	if (t->token)
		crypto_wipe(t->token, strlen(t->token));
	free(t->token);
	free(t->cfg);
	free(t);
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
		free_target(t);
		return;
	}
	if (t->state != OUTBOX_WAITING && t->state != OUTBOX_OFF)
		set_state(t, OUTBOX_IDLE);
	if ((t->held || t->stale) && !o->stopping)
		outbox_reload(o, NULL, NULL);
	t->stale = false;
	if (t->held)
		return;
	if (t->state == OUTBOX_IDLE && pause > 0) {
		wait_for(t, pause);
	} else if (t->state == OUTBOX_IDLE && more) {
		step(t);
	}
}

/* ---- the sinks as they are set ---- */

static struct target *find(struct outbox *o, struct span name)
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
	if (!t || !t->cfg || loop_timer_new(o->node->loop, &t->timer, timer_fired, t) != 0) {
		if (t)
			free_target(t);
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
		set_state(t, OUTBOX_IDLE);
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
		set_state(t, OUTBOX_OFF);
	} else if (!l->ours && l->row) {
		diag_set(&t->trouble, MO_ESTATE, MSG_SINK_COPIED);
		set_state(t, OUTBOX_OFF);
	} else if (!l->cfg.enabled || !l->row) {
		t->in_trouble = false;
		set_state(t, OUTBOX_OFF);
	} else {
		set_state(t, OUTBOX_IDLE);
		step(t);
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
		free_target(t);
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
		struct target *t = find(o, span_str(l->name));
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
		step(t);
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

static void load_landed(void *arg)
{
	struct outbox *o = arg;
	struct waiter *w = o->served;
	o->served = NULL;
	o->loading = false;
	if (o->load_err == 0 && !o->stopping)
		apply(o);
	else if (!o->stopping)
		loop_timer_set(o->reload, OUTBOX_TROUBLE_NS);
	loaded_free(o->loaded);
	o->loaded = NULL;
	while (w) {
		struct waiter *next = w->next;
		w->done(w->arg);
		free(w);
		w = next;
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
	o->load_err = d ? outbox_load(o->node, r, &o->loaded, d) : MO_ENOMEM;
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
	struct waiter *w = done ? calloc(1, sizeof *w) : NULL;
	if (w) {
		*w = (struct waiter){o->asked, done, arg};
		o->asked = w;
	}
	if (o->loading) {
		o->again = true;
	} else if (!o->stopping) {
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

/* ---- changes ---- */

static void changed_posted(void *arg)
{
	struct outbox *o = arg;
	atomic_store(&o->posted, false);
	for (struct target *t = o->targets, *next; t; t = next) {
		next = t->next;
		step(t);
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
	struct target *t = find(o, span_str(q->name));
	struct outbox_test *result = calloc(1, sizeof *result);
	bool ok = r->err == 0 && r->status >= 200 && r->status < 300;
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
		set_state(t, OUTBOX_IDLE);
		step(t);
	}
	free_trial(q);
}

int outbox_try(struct outbox *o, struct span name, void (*done)(void *arg, const struct outbox_test *t), void *arg, struct diag *d)
{
	struct target *t = find(o, name);
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
		q->req = (struct outgoing_request){.who = q->name, .url = q->url, .content_type = LETTER_TYPE, .bearer = q->token, .ca = span_str(q->ca),
			.body = buf_span(&q->body), .timeout_ms = t->cfg->timeout_ms, .done = tried};
		err = gate_publish(o->outgoing, &to, publisher_bit(PUBLISHER_TEST), &q->req);
	}
	if (err != 0) {
		free_trial(q);
		diag_set(d, err, err == MO_EDENIED ? MSG_SINK_DENIED : MSG_OUT_OF_MEMORY);
	}
	return err;
}

/* ---- all of it ---- */

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
	for (struct target *t = o->targets; t; t = t->next) {
		struct outbox_status *s = calloc(1, sizeof *s);
		show(t);
		if (s && outbox_status(o, span_str(t->name), s) == 0)
			fn(arg, t->name, s);
		free(s);
	}
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
		free_target(t);
	}
	for (struct waiter *w = o->asked; w;) {
		struct waiter *next = w->next;
		free(w);
		w = next;
	}
	loaded_free(o->loaded);
	loop_timer_free(o->reload);
	pthread_mutex_destroy(&o->mu);
	free(o);
}
