/* See collect.h. One `struct device` per document:
 *
 *   device_new() --> polled --document changed or gone--> device_end(), polled no more --last values landed--> freed
 *
 * The loop thread owns the devices; status fields that other threads read are
 * copied under `mu` once a change. Values wait at most 100 ms before they are
 * handed to the log thread. */
#include "node/collect.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "node/priv/collect.h"
#include "node/priv/node.h"

#define COLLECT_DEVICES_MAX 256u
#define COLLECT_FLUSH_NS (100 * NS_PER_MS)
#define COLLECT_CONNECT_NS (5 * NS_PER_S)
#define COLLECT_STEP_WAIT_NS (2 * NS_PER_S) /* a stepped clock waits so long for a device that is connecting */
#define COLLECT_RELOAD_NS NS_PER_S         /* documents that could not be read or started are tried again */
#define COLLECT_LAND_NS (20 * NS_PER_MS)   /* a device that ends is looked at again until its values have landed */
#define COLLECT_PENDING_MAX 65536u /* values of one device that wait for the log; then reading pauses */

struct pend {
	uint32_t signal;
	uint8_t quality;
	uint8_t type;
	int64_t t_ns;
	uint64_t seq;
	union {
		double f64;
		int64_t i64;
		uint8_t b;
		struct {
			uint32_t at, n; /* in pend_text */
		} str;
	};
};

/* Series keys and ids of one device's signals: made on the loop, ids filled by the log thread, freed with the last job. */
struct devkeys {
	atomic_uint refs;
	size_t n;
	struct point_key *keys; /* spans into text */
	series_id *ids;         /* log thread only; 0: not yet */
	bool *per_cycle;
	uint64_t seq_base;      /* log thread only */
	bool seq_known;
	struct offset clock;    /* log thread only */
	uint8_t *text;
};

struct collect;
struct device {
	struct collect *c;
	struct device *next;
	char name[128];
	int64_t version;
	struct machine_info info;
	bool has_states;
	bool ending; /* polled no more; freed when its values have landed */
	const struct driver_ops *ops; /* NULL: a machine that pushes */
	struct driver *driver;
	struct tcp *tcp;
	struct loop_timer *timer, *flush_timer;
	struct devkeys *keys;
	struct pend *pend;
	size_t n_pend, cap_pend;
	struct buf pend_text;
	bool flush_armed;
	unsigned in_flight; /* jobs at the log thread */
	/* copied for other threads, under c->mu */
	enum driver_state state;
	bool silent; /* no answer since the link failed, or ever */
	struct diag trouble;
	int64_t last_value_ns; /* newest that is not bad */
	uint64_t values;
};
struct step {
	void (*done)(void *arg, uint64_t values, int err);
	void *arg;
	int64_t begun_mono_ns;
	uint64_t values;
	int err;
};
struct collect {
	struct node *node;
	struct device *devices;
	pthread_mutex_t mu; /* list and status */
	bool stepping;
	struct step step;
	struct loop_timer *step_timer;
	struct work reload_work;
	bool reloading, reload_again;
	struct loop_post reload_post;
	int load_err;
	struct loaded *loaded;
	struct loop_timer *reload_timer;
	struct probe *probes;
	bool closing; /* nothing is connected, polled or loaded any more */
};

static const struct diag out_of_memory = {.err = MO_ENOMEM, .msg = MSG_OUT_OF_MEMORY};

static void pump(struct device *v);
static void step_check(struct collect *c);

static struct driver_now now_of(struct collect *c) { return (struct driver_now){clock_now(c->node->clock), mono_now()}; }

/* ---- keys ---- */
static void keys_release(struct devkeys *k)
{
	if (!k || atomic_fetch_sub(&k->refs, 1) != 1)
		return;
	free(k->keys);
	free(k->ids);
	free(k->per_cycle);
	free(k->text);
	free(k);
}

static struct devkeys *keys_new(const struct device *v)
{
	size_t n;
	const struct driver_signal *s = v->ops->signals(v->driver, &n);
	struct devkeys *k = calloc(1, sizeof *k);
	struct buf text;
	buf_init(&text, 0);
	if (!k)
		return NULL;
	atomic_store(&k->refs, 1);
	k->n = n;
	k->keys = calloc(n ? n : 1, sizeof *k->keys);
	k->ids = calloc(n ? n : 1, sizeof *k->ids);
	k->per_cycle = calloc(n ? n : 1, sizeof *k->per_cycle);
	size_t *at = calloc(n ? 5 * n + 2 : 2, sizeof *at);
	if (k->keys && k->ids && k->per_cycle && at) {
		struct span asset = span_str(v->info.asset);
		buf_add(&text, asset);
		buf_adds(&text, "device:");
		buf_adds(&text, v->name);
		for (size_t i = 0; i < n; i++) {
			at[5 * i] = text.n;
			series_key_write(&text, asset, NULL, 0, span_str(s[i].name));
			at[5 * i + 1] = text.n;
			buf_adds(&text, s[i].name);
			at[5 * i + 2] = text.n;
			buf_adds(&text, s[i].label);
			at[5 * i + 3] = text.n;
			buf_adds(&text, s[i].unit);
			at[5 * i + 4] = text.n;
		}
		for (size_t i = 0; i < n && !text.err; i++) {
			size_t *p = at + 5 * i;
			struct span all = buf_span(&text);
			k->per_cycle[i] = s[i].per_cycle;
			k->keys[i] = (struct point_key){.key = span_sub(all, p[0], p[1] - p[0]),
				.signal = span_sub(all, p[1], p[2] - p[1]),
				.label = span_sub(all, p[2], p[3] - p[2]),
				.unit = span_sub(all, p[3], p[4] - p[3]),
				.asset = span_sub(all, 0, asset.n),
				.source = span_sub(all, asset.n, 7 + strlen(v->name)),
				.type = (enum series_type)s[i].type,
				.kind = s[i].per_cycle ? SERIES_SEQUENCE : SERIES_CLOCK};
		}
	}
	bool ok = k->keys && k->ids && k->per_cycle && at && !text.err;
	k->text = text.p;
	free(at);
	if (!ok) {
		keys_release(k);
		return NULL;
	}
	return k;
}

/* ---- values to the log thread ---- */
struct value_job {
	struct wjob job;
	struct loop_post post;
	struct device *v;
	struct devkeys *keys;
	struct pend *pend;
	size_t n;
	uint8_t *text;
	int64_t arrival_ns;
	int err;
	uint64_t stored;
	struct diag d;
};

static bool same_value(const struct value_job *q, const struct pend *p, const struct sdb_point *last)
{
	switch (p->type) {
	case DV_STR: {
		struct span text = span_of(q->text + p->str.at, p->str.n), had = span_of(last->str, last->v.str.n);
		return last->v.str.n < sizeof last->str - 4 ? span_eq(text, had) : span_eq(span_sub(text, 0, had.n), had); /* that was cut */
	}
	case DV_BOOL: return p->b == last->v.b;
	case DV_F64:
	case DV_I64: break;
	}
	return p->i64 == last->v.i64;
}

/* The first cycle since the start, values q->pend[at...]: the machine's counter is joined to the numbers stored before. true: that cycle
 * is stored already. *gap: cycles may have been missed. A counter below the stored number was restarted or has wrapped since: it is the
 * same cycle seen again when all its values are those stored last. */
static bool first_cycle(struct value_job *q, struct sdb *db, size_t at, bool *gap)
{
	struct devkeys *k = q->keys;
	uint64_t raw = q->pend[at].seq, last = 0;
	struct sdb_point p;
	for (size_t i = 0; i < k->n; i++)
		if (k->per_cycle[i] && k->ids[i] && sdb_last(db, k->ids[i], &p) == 0 && p.seq > last)
			last = p.seq;
	k->seq_known = true;
	if (!last || raw >= last) {
		*gap = last && raw > last + 1;
		return raw == last;
	}
	bool same = true;
	for (size_t i = at; i < q->n && q->pend[i].seq == raw && same; i++)
		same = sdb_last(db, k->ids[q->pend[i].signal], &p) == 0 && p.seq == last && same_value(q, &q->pend[i], &p);
	k->seq_base = last - raw + (same ? 0 : 1);
	*gap = !same;
	return same;
}

static int value_run(struct wjob *j, struct writer *w, struct diag *d)
{
	struct value_job *q = (struct value_job *)j;
	struct devkeys *k = q->keys;
	struct node *n = q->v->c->node;
	struct sbatch *b = NULL;
	int err = sbatch_new(&b);
	if (err != 0)
		return err;
	sbatch_set_arrival(b, q->arrival_ns);
	for (size_t i = 0; i < k->n && err == 0; i++)
		if (!k->ids[i])
			err = node_resolve(n, &k->keys[i], &k->ids[i], d);
	uint64_t dropped_seq = 0, gap_seq = 0;
	for (size_t i = 0; i < q->n && err == 0; i++) {
		const struct pend *p = &q->pend[i];
		struct sbatch_point pt = {.id = k->ids[p->signal], .type = (enum series_type)p->type, .quality = p->quality, .t_ns = p->t_ns,
			.arrival_ns = T_NONE};
		if (p->seq) {
			bool gap = false;
			if (!k->seq_known && first_cycle(q, writer_db(w), i, &gap))
				dropped_seq = p->seq;
			if (gap)
				gap_seq = p->seq;
			if (p->seq == dropped_seq)
				continue;
			pt.seq = p->seq + k->seq_base;
			if (p->seq == gap_seq && pt.quality == Q_GOOD)
				pt.quality = DQ_GAP_BEFORE;
		}
		if (pt.quality == Q_GOOD)
			pt.quality = node_time_quality(n, &k->clock, p->t_ns, q->arrival_ns, true);
		if (p->type == DV_STR)
			pt.v.str = span_of(q->text + p->str.at, p->str.n);
		else
			memcpy(&pt.v, &p->f64, sizeof p->f64);
		err = sbatch_add(b, &pt);
	}
	struct sdb_appended did = {0};
	if (err == 0 && sbatch_points(b))
		err = writer_append(w, b, &did, d);
	if (err == 0 && did.refused)
		node_log(n, "warn", d); /* another value stands under that cycle's number: it stays */
	q->stored = did.taken + did.replaced;
	sbatch_free(b);
	return err;
}

static void value_landed(void *arg)
{
	struct value_job *q = arg;
	struct device *v = q->v;
	struct collect *c = v->c;
	v->in_flight--;
	pthread_mutex_lock(&c->mu);
	if (q->err == 0) {
		size_t i = q->n;
		v->values += q->stored;
		while (i > 0 && q_is_bad(q->pend[i - 1].quality))
			i--;
		if (i > 0)
			v->last_value_ns = q->pend[i - 1].t_ns;
	}
	pthread_mutex_unlock(&c->mu);
	if (q->err != 0)
		node_log(c->node, "error", &q->d);
	if (c->stepping) {
		c->step.values += q->stored;
		if (q->err != 0)
			c->step.err = q->err;
	}
	keys_release(q->keys);
	free(q->pend);
	free(q->text);
	free(q);
	step_check(c);
}

static void value_done(struct wjob *j, int err, const struct diag *d)
{
	struct value_job *q = (struct value_job *)j;
	q->err = err;
	if (err != 0 && d)
		q->d = *d;
	q->post.fn = value_landed;
	q->post.arg = q;
	loop_post(q->v->c->node->loop, &q->post);
}

/* The pending values as a job for the log; NULL: none, or no memory for it now (they stay pending). */
static struct value_job *job_begin(struct device *v)
{
	struct value_job *q = v->n_pend ? calloc(1, sizeof *q) : NULL;
	if (!q)
		return NULL;
	q->job.run = value_run;
	q->job.done = value_done;
	q->v = v;
	q->keys = v->keys;
	q->pend = v->pend;
	q->n = v->n_pend;
	q->text = v->pend_text.p;
	q->arrival_ns = clock_now(v->c->node->clock);
	/* Counted first: the job may be over before submitting returns. */
	atomic_fetch_add(&v->keys->refs, 1);
	v->in_flight++;
	return q;
}

/* After submitting: what was taken is no longer pending, what was not is tried again by the timer. */
static void job_submitted(struct device *v, struct value_job *q, bool taken)
{
	if (!taken) {
		keys_release(v->keys);
		v->in_flight--;
		free(q);
		return;
	}
	v->pend = NULL;
	v->n_pend = v->cap_pend = 0;
	buf_init(&v->pend_text, 0);
}

static void flush(struct device *v)
{
	struct value_job *q = job_begin(v);
	struct writer *w = v->c->node->writer;
	if (q)
		job_submitted(v, q, (v->c->closing ? writer_submit_wait(w, &q->job) : writer_submit(w, &q->job)) == 0);
}

/* What all devices read in one step goes to the log together: one sync for all of them. */
static void flush_all(struct collect *c)
{
	struct device *of[WRITER_TOGETHER];
	struct wjob *jobs[WRITER_TOGETHER];
	size_t n = 0;
	for (struct device *v = c->devices; v || n; v = v ? v->next : NULL) {
		struct value_job *q = v ? job_begin(v) : NULL;
		if (q) {
			of[n] = v;
			jobs[n++] = &q->job;
		}
		if (n == WRITER_TOGETHER || (!v && n)) {
			bool taken = writer_submit_many(c->node->writer, jobs, n) == 0;
			for (; n; n--)
				job_submitted(of[n - 1], (struct value_job *)jobs[n - 1], taken);
		}
	}
}

static void flush_timer(void *arg)
{
	struct device *v = arg;
	v->flush_armed = false;
	flush(v);
	if (v->n_pend) {
		v->flush_armed = true;
		loop_timer_set(v->flush_timer, COLLECT_FLUSH_NS);
	}
	pump(v); /* a driver whose values could not be taken goes on */
}

static bool take(struct device *v, const struct driver_value *dv)
{
	if (v->n_pend == v->cap_pend) {
		size_t cap = v->cap_pend ? 2 * v->cap_pend : 64;
		struct pend *p = realloc(v->pend, cap * sizeof *p);
		if (!p)
			return false;
		v->pend = p;
		v->cap_pend = cap;
	}
	struct pend *p = &v->pend[v->n_pend];
	*p = (struct pend){.signal = dv->signal, .quality = dv->quality, .type = (uint8_t)dv->type, .t_ns = dv->t_ns, .seq = dv->seq};
	if (dv->type == DV_STR) {
		p->str.at = (uint32_t)v->pend_text.n;
		p->str.n = (uint32_t)dv->str.n;
		buf_add(&v->pend_text, dv->str);
		if (v->pend_text.err) {
			v->pend_text.err = 0;
			return false;
		}
	} else {
		memcpy(&p->f64, &dv->f64, sizeof p->f64);
	}
	v->n_pend++;
	return true;
}

/* ---- one device ---- */
static bool is_link_trouble(const struct diag *t)
{
	return t->err == MO_EPROTO || t->msg == MSG_DRIVER_NO_ANSWER || t->msg == MSG_DRIVER_NO_CONNECTION || t->msg == MSG_DRIVER_CONNECTION_LOST;
}

static void publish(struct device *v)
{
	enum driver_state s = v->ops->state(v->driver);
	const struct diag *t = v->ops->trouble(v->driver);
	pthread_mutex_lock(&v->c->mu);
	v->state = s;
	/* One answer that is missing is none yet; a stream that stands again is no answer yet either. */
	if (s != DRIVER_ONLINE)
		v->silent = true;
	else if (!is_link_trouble(t))
		v->silent = false;
	v->trouble = *t;
	pthread_mutex_unlock(&v->c->mu);
}

static void lost(struct device *v)
{
	tcp_free(v->tcp);
	v->tcp = NULL;
	v->ops->disconnected(v->driver, now_of(v->c));
}

static void on_connected(void *arg)
{
	struct device *v = arg;
	v->ops->connected(v->driver, now_of(v->c));
	pump(v);
}

static void on_input(void *arg, struct span bytes)
{
	struct device *v = arg;
	if (v->ops->input(v->driver, now_of(v->c), bytes, NULL) != 0)
		lost(v);
	pump(v);
}

static void on_writable(void *arg) { pump(arg); }

static void on_closed(void *arg, int err)
{
	(void)err;
	struct device *v = arg;
	lost(v);
	pump(v);
}

static const struct tcp_events stream_events = {on_connected, on_input, on_writable, on_closed};

static void device_timer(void *arg)
{
	struct device *v = arg;
	if (v->ops->tick(v->driver, now_of(v->c), NULL) != 0)
		lost(v);
	pump(v);
}

/* Everything the driver wants done now: connect, write, hand over values, set the timer. */
static void pump(struct device *v)
{
	struct collect *c = v->c;
	if (v->ending || !v->ops)
		return;
	struct driver_now now = now_of(c);
	if (!v->tcp && v->ops->wants_connection(v->driver, now)) {
		int err = tcp_connect(c->node->loop, &v->tcp, v->ops->host(v->driver), v->ops->port(v->driver), COLLECT_CONNECT_NS, &stream_events, v, NULL);
		if (err != 0)
			v->ops->disconnected(v->driver, now);
	}
	struct span out;
	while (v->tcp && (out = v->ops->output(v->driver)).n) {
		size_t n = out.n;
		if (tcp_write(v->tcp, out) != 0) {
			lost(v);
			break;
		}
		v->ops->sent(v->driver, now, n);
	}
	struct driver_value dv;
	while (v->n_pend < COLLECT_PENDING_MAX && v->ops->next_value(v->driver, &dv))
		if (!take(v, &dv))
			break;
	if (v->n_pend && !v->flush_armed && !c->stepping) {
		v->flush_armed = true;
		loop_timer_set(v->flush_timer, COLLECT_FLUSH_NS);
	}
	publish(v);
	struct driver_due due = v->ops->due(v->driver);
	int64_t wait = clock_until(c->node->clock, due.node_ns);
	if (due.mono_ns <= now.mono_ns)
		wait = 0;
	else if (due.mono_ns != INT64_MAX && due.mono_ns - now.mono_ns < wait)
		wait = due.mono_ns - now.mono_ns;
	loop_timer_set(v->timer, wait == INT64_MAX ? -1 : wait);
	if (c->stepping)
		step_check(c);
}

/* Polls no more and hands over what was read. */
static void device_end(struct device *v)
{
	struct driver_value dv;
	if (!v->ops || v->ending)
		return;
	v->ending = true;
	tcp_free(v->tcp);
	v->tcp = NULL;
	loop_timer_set(v->timer, -1);
	loop_timer_set(v->flush_timer, -1);
	while (v->ops->next_value(v->driver, &dv))
		if (!take(v, &dv))
			break;
	flush(v);
}

static void device_free(struct device *v)
{
	if (!v)
		return;
	tcp_free(v->tcp);
	if (v->driver)
		v->ops->close(v->driver);
	loop_timer_free(v->timer);
	loop_timer_free(v->flush_timer);
	keys_release(v->keys);
	free(v->pend);
	buf_free(&v->pend_text);
	free(v);
}

/* ---- documents ---- */
int collect_check(struct span json, struct diag *d)
{
	struct device_doc p;
	int err = device_doc_read(&p, json, d);
	if (err == 0 && p.ops) {
		struct driver *dr = NULL;
		err = p.ops->open(&dr, json, d);
		if (err == 0)
			p.ops->close(dr);
	}
	return err;
}

static int device_new(struct device **ret, struct collect *c, const char *name, int64_t version, struct span json, struct diag *d)
{
	struct device_doc p;
	int err = device_doc_read(&p, json, d);
	if (err != 0 || !p.enabled)
		return err != 0 ? err : MO_ENOENT;
	struct device *v = calloc(1, sizeof *v);
	if (!v)
		return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	v->c = c;
	v->version = version;
	v->info = p.info;
	v->has_states = p.info.state_signal[0] != 0;
	v->last_value_ns = T_NONE;
	v->silent = p.ops != NULL;
	buf_init(&v->pend_text, 0);
	diag_copy(v->name, sizeof v->name, span_str(name));
	if (p.ops) {
		v->ops = p.ops;
		err = p.ops->open(&v->driver, json, d);
		if (err == 0 && !(v->keys = keys_new(v)))
			err = diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
		if (err == 0)
			err = loop_timer_new(c->node->loop, &v->timer, device_timer, v);
		if (err == 0)
			err = loop_timer_new(c->node->loop, &v->flush_timer, flush_timer, v);
		if (err == 0) {
			size_t n;
			const struct driver_signal *s = p.ops->signals(v->driver, &n);
			for (size_t i = 0; i < n; i++)
				if (v->info.interval_ns == 0 || s[i].poll_ns < v->info.interval_ns)
					v->info.interval_ns = s[i].poll_ns;
		}
	}
	if (err != 0) {
		device_free(v);
		return err;
	}
	*ret = v;
	return 0;
}

/* ---- reload: documents are read on a worker, applied on the loop ---- */
struct loaded {
	struct loaded *next;
	char name[128];
	int64_t version;
	struct buf json;
	bool found; /* applied already */
};

static void drop_loaded(struct collect *c)
{
	while (c->loaded) {
		struct loaded *l = c->loaded;
		c->loaded = l->next;
		buf_free(&l->json);
		free(l);
	}
}

static void reload_soon(struct collect *c, int64_t delay_ns)
{
	if (!c->closing)
		loop_timer_set(c->reload_timer, delay_ns);
}

static void reload_timer(void *arg) { collect_reload(arg); }

static void apply(void *arg)
{
	struct collect *c = arg;
	c->reloading = false;
	if (c->closing || c->load_err != 0) {
		/* What could not be read says nothing about what is gone. */
		drop_loaded(c);
		reload_soon(c, COLLECT_RELOAD_NS);
		return;
	}
	/* Stop what is gone or changed. A device whose values are still on their way is freed when they landed. */
	struct device **at = &c->devices;
	while (*at) {
		struct device *v = *at;
		bool same = false;
		for (struct loaded *l = c->loaded; l; l = l->next)
			if (strcmp(l->name, v->name) == 0 && l->version == v->version)
				same = l->found = true;
		if (same) {
			at = &v->next;
			continue;
		}
		if (v->ops) {
			device_end(v);
			flush(v);
			if (v->in_flight || v->n_pend) {
				/* Let the values land first; look again soon. */
				reload_soon(c, COLLECT_LAND_NS);
				at = &v->next;
				for (struct loaded *l = c->loaded; l; l = l->next)
					if (strcmp(l->name, v->name) == 0)
						l->found = true;
				continue;
			}
		}
		pthread_mutex_lock(&c->mu);
		*at = v->next;
		pthread_mutex_unlock(&c->mu);
		device_free(v);
	}
	for (struct loaded *l = c->loaded; l; l = l->next) {
		struct device *v = NULL;
		if (l->found)
			continue;
		struct diag *d = calloc(1, sizeof *d);
		int err = device_new(&v, c, l->name, l->version, buf_span(&l->json), d);
		if (err == 0) {
			pthread_mutex_lock(&c->mu);
			v->next = c->devices;
			c->devices = v;
			pthread_mutex_unlock(&c->mu);
			pump(v);
		} else if (err != MO_ENOENT) {
			node_log(c->node, "error", d ? d : &out_of_memory);
			if (err == MO_ENOMEM)
				reload_soon(c, COLLECT_RELOAD_NS);
		}
		free(d);
	}
	drop_loaded(c);
	if (c->reload_again)
		collect_reload(c);
}

static void load_documents(struct work *w, struct store_reader *r)
{
	struct collect *c = (struct collect *)((char *)w - offsetof(struct collect, reload_work));
	struct table_cursor *cur = NULL;
	struct store_arg args[] = {sarg_s(span_str(store_doc_name(DOC_DEVICE))), sarg_null(), sarg_i(COLLECT_DEVICES_MAX)};
	struct diag *d = calloc(1, sizeof *d);
	int err = store_select(r, &cur, SQ_DOCS, args, 3, d);
	struct table_batch b = {0};
	while (err == 0 && (err = table_next(cur, &b, d)) == 0 && b.n_rows) {
		for (size_t i = 0; i < b.n_rows && err == 0; i++) {
			struct loaded *l = calloc(1, sizeof *l);
			if (!l) {
				err = diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
				break;
			}
			diag_copy(l->name, sizeof l->name, b.cols[0].str[i]);
			l->version = b.cols[1].i64[i];
			buf_init(&l->json, 0);
			buf_add(&l->json, b.cols[2].str[i]);
			l->next = c->loaded;
			c->loaded = l;
			if (l->json.err)
				err = diag_set(d, l->json.err, MSG_OUT_OF_MEMORY);
		}
	}
	table_close(cur);
	if (err != 0)
		node_log(c->node, "error", d ? d : &out_of_memory);
	free(d);
	c->load_err = err;
	c->reload_post.fn = apply;
	c->reload_post.arg = c;
	loop_post(c->node->loop, &c->reload_post);
}

void collect_reload(struct collect *c)
{
	if (c->reloading) {
		c->reload_again = true;
		return;
	}
	c->reload_again = false;
	c->reload_work.fn = load_documents;
	c->reloading = node_work(c->node, &c->reload_work) == 0;
	if (!c->reloading)
		reload_soon(c, COLLECT_LAND_NS); /* the workers' queue is full */
}

/* ---- stepping ---- */
/* It has read what was due, or won't now. */
static bool device_read(struct device *v, bool patient)
{
	if (!v->ops || v->ending)
		return true;
	enum driver_state s = v->ops->state(v->driver);
	if (s == DRIVER_CONNECTING && patient)
		return false;
	return s != DRIVER_ONLINE || v->ops->settled(v->driver, now_of(v->c));
}

static void step_check(struct collect *c)
{
	if (!c->stepping)
		return;
	bool patient = mono_now() - c->step.begun_mono_ns < COLLECT_STEP_WAIT_NS;
	bool read = true, landed = true;
	for (struct device *v = c->devices; v && read; v = v->next)
		read = device_read(v, patient);
	if (read)
		flush_all(c);
	for (struct device *v = c->devices; v; v = v->next)
		landed = landed && !v->n_pend && !v->in_flight;
	if (!read || !landed) {
		loop_timer_set(c->step_timer, 50 * NS_PER_MS);
		return;
	}
	loop_timer_set(c->step_timer, -1);
	c->stepping = false;
	struct step s = c->step;
	s.done(s.arg, s.values, s.err);
}

static void step_timer(void *arg) { step_check(arg); }

void collect_step(struct collect *c, void (*done)(void *arg, uint64_t values, int err), void *arg)
{
	c->step = (struct step){.done = done, .arg = arg, .begun_mono_ns = mono_now()};
	/* Nobody checks for the end before every device was told. */
	for (struct device *v = c->devices; v; v = v->next) {
		if (!v->ops || v->ending)
			continue;
		if (v->ops->tick(v->driver, now_of(c), NULL) != 0)
			lost(v);
		pump(v);
	}
	c->stepping = true;
	step_check(c);
}

void collect_pace(struct collect *c)
{
	for (struct device *v = c->devices; v; v = v->next)
		if (v->ops && !v->ending)
			device_timer(v);
}

/* ---- status ---- */
static struct device *find(struct collect *c, struct span name)
{
	for (struct device *v = c->devices; v; v = v->next)
		if (span_is(name, v->name))
			return v;
	return NULL;
}

void collect_status(struct collect *c, struct span device, struct device_status *ret)
{
	memset(ret, 0, sizeof *ret);
	ret->last_value_ns = T_NONE;
	pthread_mutex_lock(&c->mu);
	const struct device *v = find(c, device);
	if (v) {
		ret->known = true;
		ret->state = v->ops ? v->state : DRIVER_ONLINE;
		ret->trouble = v->trouble;
		ret->last_value_ns = v->last_value_ns;
		ret->values = v->values;
		ret->push = v->info.push;
		diag_copy(ret->asset, sizeof ret->asset, span_str(v->info.asset));
	}
	pthread_mutex_unlock(&c->mu);
}

/* Silent: the device does not answer, or its newest value is older than three of its intervals and ten seconds. */
static bool is_stale(const struct device *v, int64_t now)
{
	if (!v->ops)
		return false; /* who pushes is judged by what arrives (jobs) */
	return v->silent || (v->last_value_ns != T_NONE && now - v->last_value_ns > 3 * v->info.interval_ns + 10 * NS_PER_S);
}

bool collect_stale(struct collect *c, struct span asset)
{
	bool stale = false;
	int64_t now = clock_now(c->node->clock);
	pthread_mutex_lock(&c->mu);
	for (const struct device *v = c->devices; v; v = v->next)
		if (span_is(asset, v->info.asset))
			stale |= is_stale(v, now);
	pthread_mutex_unlock(&c->mu);
	return stale;
}

void collect_machines(struct collect *c, void (*fn)(void *arg, const struct machine_info *m), void *arg)
{
	int64_t now = clock_now(c->node->clock);
	pthread_mutex_lock(&c->mu);
	for (struct device *v = c->devices; v; v = v->next) {
		v->info.stale = is_stale(v, now);
		fn(arg, &v->info);
	}
	pthread_mutex_unlock(&c->mu);
}

/* ---- live test ---- */
int collect_test(struct collect *c, struct span json, void (*done)(void *arg, const struct device_test *t), void *arg, struct diag *d)
{
	return c->closing ? diag_set(d, MO_ECANCELED, MSG_NODE_STOPPING) : probe_start(&c->probes, c->node->loop, json, done, arg, d);
}

/* ---- */
int collect_new(struct collect **ret, struct node *n)
{
	struct collect *c = calloc(1, sizeof *c);
	if (!c)
		return MO_ENOMEM;
	c->node = n;
	pthread_mutex_init(&c->mu, NULL);
	int err = loop_timer_new(n->loop, &c->step_timer, step_timer, c);
	if (err == 0)
		err = loop_timer_new(n->loop, &c->reload_timer, reload_timer, c);
	if (err != 0) {
		collect_free(c);
		return err;
	}
	*ret = c;
	return 0;
}

void collect_stop(struct collect *c)
{
	if (!c || c->closing)
		return;
	c->closing = true;
	loop_timer_set(c->step_timer, -1);
	loop_timer_set(c->reload_timer, -1);
	probe_end_all(&c->probes);
	for (struct device *v = c->devices; v; v = v->next) {
		if (!v->ops)
			continue;
		device_end(v);
		flush(v); /* one that was ending already may hold some yet */
	}
	if (c->stepping) {
		c->stepping = false;
		c->step.done(c->step.arg, c->step.values, MO_ECANCELED);
	}
}

void collect_free(struct collect *c)
{
	if (!c)
		return;
	probe_end_all(&c->probes);
	drop_loaded(c);
	while (c->devices) {
		struct device *v = c->devices;
		c->devices = v->next;
		device_free(v);
	}
	loop_timer_free(c->step_timer);
	loop_timer_free(c->reload_timer);
	pthread_mutex_destroy(&c->mu);
	free(c);
}
