/* See priv/turns.h. */
#include "node/priv/turns.h"

#include <assert.h>
#include <stdlib.h>

#include "node/priv/node.h"
#include "os/clock.h"

#define BIT(state) (1u << TURNS_##state)

static void set_state(struct turns *t, enum turns_state to)
{
	static const struct {
		const char *name;
		unsigned from;
	} table[] = {
		[TURNS_IDLE] = {"idle", BIT(ENDED) | BIT(RUNNING)}, /* finished(); turns_begin(): no worker took it */
		[TURNS_RUNNING] = {"running", BIT(IDLE) | BIT(RESTING)}, /* turns_begin(); go_on() */
		[TURNS_RESTING] = {"resting", BIT(RUNNING)}, /* lie_down(); go_on(): no worker took it */
		[TURNS_ENDED] = {"ended", BIT(RUNNING) | BIT(RESTING)}, /* end() */
	};
	assert(table[to].name && table[to].from & (1u << atomic_load(&t->state)));
	atomic_store(&t->state, to);
}

/* Loop thread. */
static void finished(void *arg)
{
	struct turns *t = arg;
	struct diag *d = t->d;
	t->d = NULL;
	set_state(t, TURNS_IDLE);
	t->kind->told(t->arg, t->err, d);
	free(d);
}

static void end(struct turns *t, int err)
{
	if (err != 0 && t->d->msg == MSG_NONE)
		diag_set(t->d, err, err == MO_ENOMEM ? MSG_OUT_OF_MEMORY : t->kind->given_up);
	t->err = t->kind->end(t->arg, err, t->d);
	if (t->err != 0 && t->err != MO_ECANCELED)
		node_log(t->node, "error", t->d);
	set_state(t, TURNS_ENDED);
	t->post.fn = finished;
	loop_post(t->node->loop, &t->post);
}

bool turns_given_up(const struct turns *t) { return atomic_load(&t->given_up) || (t->stop && t->stop(t->stop_arg)); }

static int step(struct turns *t)
{
	if (node_stopping(t->node))
		return diag_set(t->d, MO_ECANCELED, MSG_NODE_STOPPING);
	if (turns_given_up(t))
		return diag_set(t->d, MO_ECANCELED, t->kind->given_up);
	if (t->begun)
		return t->kind->step(t->arg, t->d);
	int err = t->kind->begin(t->arg, t->d);
	t->begun = err == 0;
	return err == 0 ? MO_EAGAIN : err;
}

static void stopped(struct turns *t)
{
	loop_timer_set(t->rest, -1);
	end(t, diag_set(t->d, MO_ECANCELED, MSG_NODE_STOPPING));
}

/* Loop thread: a turn gave way. */
static void lie_down(void *arg)
{
	struct turns *t = arg;
	set_state(t, TURNS_RESTING);
	if (node_stopping(t->node))
		stopped(t); /* no worker may be there any more */
	else
		loop_timer_set(t->rest, TURNS_REST_NS);
}

/* Loop thread: it rested enough. */
static void go_on(void *arg)
{
	struct turns *t = arg;
	set_state(t, TURNS_RUNNING); /* before a worker has it */
	int err = node_work(t->node, &t->work);
	if (err == 0)
		return;
	set_state(t, TURNS_RESTING);
	if (err == MO_EAGAIN)
		loop_timer_set(t->rest, TURNS_STEP_NS);
	else
		stopped(t);
}

static void turn(struct work *w, struct store_reader *r)
{
	struct turns *t = (struct turns *)((char *)w - offsetof(struct turns, work));
	int64_t until = mono_now() + TURNS_STEP_NS;
	int err;
	(void)r; /* a job has one of its own, whose transaction lasts over many turns */
	while ((err = step(t)) == MO_EAGAIN) {
		if (mono_now() < until)
			continue;
		if ((err = t->kind->turned(t->arg, t->d)) != 0)
			break;
		if (t->kind->rest && t->kind->rest(t->arg)) {
			t->post.fn = lie_down;
			loop_post(t->node->loop, &t->post);
			return;
		}
		int queued = node_work(t->node, &t->work);
		if (queued == 0)
			return; /* it is another turn's now */
		if (queued != MO_EAGAIN) {
			err = diag_set(t->d, MO_ECANCELED, MSG_NODE_STOPPING);
			break;
		}
		until = mono_now() + TURNS_STEP_NS; /* the queue is full: this worker goes on with what it has */
	}
	end(t, err);
}

int turns_init(struct turns *t, struct node *n, const struct turns_kind *kind, void *arg)
{
	*t = (struct turns){.node = n, .kind = kind, .arg = arg, .work.fn = turn, .post.arg = t};
	return loop_timer_new(n->loop, &t->rest, go_on, t);
}

void turns_free(struct turns *t)
{
	loop_timer_free(t->rest);
	free(t->d);
}

int turns_idle(const struct turns *t, struct diag *d)
{
	return atomic_load(&t->state) == TURNS_IDLE ? 0 : diag_set(d, MO_EAGAIN, t->kind->busy);
}

int turns_begin(struct turns *t, bool (*stop)(void *arg), void *stop_arg, struct diag *d)
{
	int err = turns_idle(t, d);
	if (err != 0)
		return err;
	t->begun = false;
	t->stop = stop;
	t->stop_arg = stop_arg;
	atomic_store(&t->given_up, false);
	if (!(t->d = calloc(1, sizeof *t->d)))
		return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	set_state(t, TURNS_RUNNING);
	err = node_work(t->node, &t->work);
	if (err == 0)
		return 0;
	set_state(t, TURNS_IDLE);
	free(t->d);
	t->d = NULL;
	return diag_set(d, err, err == MO_EAGAIN ? t->kind->busy : MSG_NODE_STOPPING);
}

bool turns_running(const struct turns *t)
{
	enum turns_state s = atomic_load(&t->state);
	return s == TURNS_RUNNING || s == TURNS_RESTING;
}

void turns_give_up(struct turns *t) { atomic_store(&t->given_up, true); }

void turns_stop(struct turns *t)
{
	if (atomic_load(&t->state) == TURNS_RESTING)
		stopped(t);
}

bool turns_due(int64_t last_ns, int64_t every_ns, int64_t now_ns) { return last_ns == T_NONE || last_ns > now_ns || now_ns - last_ns >= every_ns; }

/* ---- how a job ended ---- */

struct span turns_why(struct node *n, struct buf *b, const struct diag *d)
{
	if (d && d->msg != MSG_NONE && n->words)
		n->words(b, d);
	return b->err ? span_of(NULL, 0) : buf_span(b);
}

struct keeping {
	struct sjob job;
	turns_put *put;
	const void *outcome;
	int64_t now_ns;
};

static int keep(struct sjob *j, struct store *s, struct diag *d)
{
	const struct keeping *k = (const struct keeping *)j;
	return k->put(s, k->outcome, k->now_ns, d);
}

int turns_keep(struct node *n, turns_put *put, const void *outcome, struct diag *d)
{
	struct keeping k = {.put = put, .outcome = outcome, .now_ns = clock_now(n->clock)};
	return storer_run(n->storer, keep, &k.job, d);
}
