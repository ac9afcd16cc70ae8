/* See collect.h. One `struct device` per document:
 *
 *   device_new() --> polled --document changed or gone--> device_end(), polled no more --last values landed--> freed
 *
 * The loop thread owns the devices; status fields that other threads read are
 * copied under `mu` once a change. Values wait at most 100 ms before they are
 * handed to the log thread (collect_values.c). */
#include "node/collect.h"

#include <stdlib.h>

#include "node/priv/collect.h"
#include "node/priv/labels.h"

#define COLLECT_DEVICES_MAX 256u
#define COLLECT_FLUSH_NS (100 * NS_PER_MS)
#define COLLECT_CONNECT_NS (5 * NS_PER_S)
#define COLLECT_STEP_WAIT_NS (2 * NS_PER_S) /* a stepped clock waits so long for a device that is connecting */
#define COLLECT_RELOAD_NS NS_PER_S         /* documents that could not be read or started are tried again */
#define COLLECT_LAND_NS (20 * NS_PER_MS)   /* a device that ends is looked at again until its values have landed */
#define COLLECT_PENDING_MAX 65536u /* values of one device that wait for the log; then reading pauses */

static const struct diag out_of_memory = {.err = MO_ENOMEM, .msg = MSG_OUT_OF_MEMORY};

static void pump(struct device *v);

static struct driver_now now_of(struct collect *c) { return (struct driver_now){clock_now(c->node->clock), mono_now()}; }

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

static void connect_wanted(struct device *v, struct driver_now now)
{
	if (v->tcp || !v->ops->wants_connection(v->driver, now))
		return;
	int err = tcp_connect(v->c->node->loop, &v->tcp, v->ops->host(v->driver), v->ops->port(v->driver), COLLECT_CONNECT_NS, &stream_events, v, NULL);
	if (err != 0)
		v->ops->disconnected(v->driver, now);
}

static void write_output(struct device *v, struct driver_now now)
{
	struct span out;
	while (v->tcp && (out = v->ops->output(v->driver)).n) {
		size_t n = out.n;
		if (tcp_write(v->tcp, out) != 0) {
			lost(v);
			break;
		}
		v->ops->sent(v->driver, now, n);
	}
}

/* What the driver has read, up to max values that wait. */
static void take_values(struct device *v, size_t max)
{
	struct driver_value dv;
	while (v->n_pend < max && v->ops->next_value(v->driver, &dv))
		if (!collect_values_take(v, &dv))
			break;
}

static void arm_flush(struct device *v)
{
	v->flush_armed = true;
	loop_timer_set(v->flush_timer, COLLECT_FLUSH_NS);
}

/* To the earlier of the driver's two deadlines, one on each clock. */
static void arm_due(struct device *v, struct driver_now now)
{
	struct driver_due due = v->ops->due(v->driver);
	int64_t wait = clock_until(v->c->node->clock, due.node_ns);
	if (due.mono_ns <= now.mono_ns)
		wait = 0;
	else if (due.mono_ns != INT64_MAX && due.mono_ns - now.mono_ns < wait)
		wait = due.mono_ns - now.mono_ns;
	loop_timer_set(v->timer, wait == INT64_MAX ? -1 : wait);
}

/* Everything the driver wants done now: connect, write, hand over values, set the timer. */
static void pump(struct device *v)
{
	struct collect *c = v->c;
	if (v->ending || !v->ops)
		return;
	struct driver_now now = now_of(c);
	connect_wanted(v, now);
	write_output(v, now);
	take_values(v, COLLECT_PENDING_MAX);
	if (v->n_pend && !v->flush_armed && !c->stepping)
		arm_flush(v);
	publish(v);
	arm_due(v, now);
	if (c->stepping)
		collect_step_check(c);
}

static void flush_timer(void *arg)
{
	struct device *v = arg;
	v->flush_armed = false;
	collect_values_flush(v);
	if (v->n_pend)
		arm_flush(v);
	pump(v); /* a driver whose values could not be taken goes on */
}

/* Polls no more and hands over what was read. */
static void device_end(struct device *v)
{
	if (!v->ops || v->ending)
		return;
	v->ending = true;
	tcp_free(v->tcp);
	v->tcp = NULL;
	loop_timer_set(v->timer, -1);
	loop_timer_set(v->flush_timer, -1);
	take_values(v, SIZE_MAX);
	collect_values_flush(v);
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
	collect_values_free(v);
	free(v);
}

/* ---- documents ---- */
/* Whether the driver reads, by the clock, the signal that "state" names; "" names none. */
static int check_state_signal(const struct driver_ops *ops, const struct driver *dr, const char *key, const char *name, struct diag *d)
{
	size_t n;
	const struct driver_signal *s = ops->signals(dr, &n);
	for (size_t i = 0; i < n && name[0]; i++)
		if (!s[i].per_cycle && strcmp(s[i].name, name) == 0)
			return 0;
	if (!name[0])
		return 0;
	int err = diag_set(d, MO_EINVAL, MSG_DEVICE_STATE_NAME);
	diag_field(d, span_str(key));
	diag_value(d, span_str(name));
	return err;
}

int collect_check(struct span json, struct diag *d)
{
	struct device_doc p;
	int err = device_doc_read(&p, json, d);
	if (err == 0 && p.ops) {
		struct driver *dr = NULL;
		err = p.ops->open(&dr, json, d);
		if (err == 0 && (err = check_state_signal(p.ops, dr, "state.signal", p.info.state_signal, d)) == 0)
			err = check_state_signal(p.ops, dr, "state.alarm", p.info.alarm_signal, d);
		if (dr)
			p.ops->close(dr);
	}
	return err;
}

/* What a device that is polled has beside its document: driver, keys, timers, the shortest of its intervals. */
static int device_open(struct device *v, struct span json, struct diag *d)
{
	struct loop *l = v->c->node->loop;
	int err = v->ops->open(&v->driver, json, d);
	if (err == 0 && collect_values_open(v) != 0)
		err = diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	if (err == 0)
		err = loop_timer_new(l, &v->timer, device_timer, v);
	if (err == 0)
		err = loop_timer_new(l, &v->flush_timer, flush_timer, v);
	if (err != 0)
		return err;
	size_t n;
	const struct driver_signal *s = v->ops->signals(v->driver, &n);
	for (size_t i = 0; i < n; i++)
		if (v->info.interval_ns == 0 || s[i].poll_ns < v->info.interval_ns)
			v->info.interval_ns = s[i].poll_ns;
	return 0;
}

/* MO_ENOENT: the document says that the device is off. */
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
	v->last_value_ns = T_NONE;
	v->silent = p.ops != NULL;
	buf_init(&v->pend_text, 0);
	diag_copy(v->name, sizeof v->name, span_str(name));
	v->ops = p.ops;
	if (p.ops)
		err = device_open(v, json, d);
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

/* The document of that name as it was read now; NULL: gone. */
static struct loaded *loaded_of(struct collect *c, const struct device *v)
{
	struct loaded *l = c->loaded;
	while (l && strcmp(l->name, v->name) != 0)
		l = l->next;
	return l;
}

/* Ends a device whose document is gone or changed. false: its values are still on their way, so it cannot be freed yet. */
static bool device_ended(struct device *v)
{
	if (!v->ops)
		return true;
	device_end(v);
	collect_values_flush(v);
	return !v->in_flight && !v->n_pend;
}

/* Stops what is gone or changed. What must stay a while holds its name: the document is applied when its values have landed. */
static void stop_changed(struct collect *c)
{
	struct device **at = &c->devices;
	while (*at) {
		struct device *v = *at;
		struct loaded *l = loaded_of(c, v);
		bool same = l && l->version == v->version;
		if (!same && device_ended(v)) {
			pthread_mutex_lock(&c->mu);
			*at = v->next;
			pthread_mutex_unlock(&c->mu);
			device_free(v);
			continue;
		}
		if (!same)
			reload_soon(c, COLLECT_LAND_NS);
		if (l)
			l->found = true;
		at = &v->next;
	}
}

/* Starts the device of a document that none runs for. */
static void start_loaded(struct collect *c, const struct loaded *l)
{
	struct device *v = NULL;
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
	if (c->labels_late)
		reload_soon(c, COLLECT_RELOAD_NS);
	stop_changed(c);
	for (const struct loaded *l = c->loaded; l; l = l->next)
		if (!l->found)
			start_loaded(c, l);
	drop_loaded(c);
	if (c->reload_again)
		collect_reload(c);
}

/* Adds one document to c->loaded. */
static int loaded_add(struct collect *c, struct span name, int64_t version, struct span json, struct diag *d)
{
	struct loaded *l = calloc(1, sizeof *l);
	if (!l)
		return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	diag_copy(l->name, sizeof l->name, name);
	l->version = version;
	buf_init(&l->json, 0);
	buf_add(&l->json, json);
	l->next = c->loaded;
	c->loaded = l;
	return l->json.err ? diag_set(d, l->json.err, MSG_OUT_OF_MEMORY) : 0;
}

/* On a worker. */
static void load_documents(struct work *w, struct store_reader *r)
{
	struct collect *c = (struct collect *)((char *)w - offsetof(struct collect, reload_work));
	struct table_cursor *cur = NULL;
	struct store_arg args[] = {sarg_s(span_str(store_doc_name(DOC_DEVICE))), sarg_null(), sarg_i(COLLECT_DEVICES_MAX)};
	struct labels *labels = NULL;
	struct diag *d = calloc(1, sizeof *d);
	int err = labels_new(&labels);
	struct table_batch b = {0};
	if (err == 0)
		err = store_select(r, &cur, SQ_DOCS, args, 3, d);
	while (err == 0 && (err = table_next(cur, &b, d)) == 0 && b.n_rows)
		for (size_t i = 0; i < b.n_rows && err == 0; i++) {
			struct span name = b.cols[0].str[i], json = b.cols[2].str[i];
			int64_t version = b.cols[1].i64[i];
			err = loaded_add(c, name, version, json, d);
			if (err == 0)
				err = labels_add(labels, name, version, json);
		}
	table_close(cur);
	if (err != 0) {
		node_log(c->node, "error", d && d->msg != MSG_NONE ? d : &out_of_memory);
		labels_free(labels);
	} else {
		c->labels_late = !labels_set(c->node, labels);
	}
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

void collect_step_check(struct collect *c)
{
	if (!c->stepping)
		return;
	bool patient = mono_now() - c->step.begun_mono_ns < COLLECT_STEP_WAIT_NS;
	bool read = true, landed = true;
	for (struct device *v = c->devices; v && read; v = v->next)
		read = device_read(v, patient);
	if (read)
		collect_values_flush_all(c);
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

static void step_timer(void *arg) { collect_step_check(arg); }

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
	collect_step_check(c);
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
		if (v->unstored && v->trouble.msg == MSG_NONE)
			diag_set(&ret->trouble, MO_EFULL, MSG_DISK_DEVICE_UNSTORED);
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
		collect_values_flush(v); /* one that was ending already may hold some yet */
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
