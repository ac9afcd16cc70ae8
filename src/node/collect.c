/* See collect.h. One `struct device` per document:
 *
 *   STOPPED --start--> RUNNING --reload(changed or deleted)--> ENDING --last values durable--> freed
 *
 * The loop thread owns the devices; status fields that other threads read are
 * copied under `mu` once a change. Values wait at most 100 ms before they are
 * handed to the log thread. */
#include "node/collect.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "codec/text.h"
#include "driver/modbus/modbus.h"
#include "insight/states.h"
#include "node/priv/node.h"

#define COLLECT_DEVICES_MAX 256u
#define COLLECT_FLUSH_NS (100 * NS_PER_MS)
#define COLLECT_CONNECT_NS (5 * NS_PER_S)
#define COLLECT_STEP_WAIT_NS (2 * NS_PER_S) /* a stepped clock waits so long for a device that is connecting */
#define COLLECT_TEST_NS (5 * NS_PER_S)
#define COLLECT_PENDING_MAX 65536u /* values of one device that wait for the log; then reading pauses */

static const struct driver_ops *const drivers[] = {&modbus_driver};

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
	bool ending;
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
	struct diag trouble;
	int64_t last_value_ns;
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
	struct loaded *loaded;
};

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

/* The machine's counter continued across restarts of node and machine: a number at or below the last stored one is
 * the same cycle seen again when it is equal, and a restarted counter when it is smaller. false: drop. */
static bool cycle_number(struct value_job *q, struct sdb *db, uint64_t *seq)
{
	struct devkeys *k = q->keys;
	if (!k->seq_known) {
		uint64_t last = 0;
		for (size_t i = 0; i < k->n; i++) {
			struct sdb_point p;
			if (k->per_cycle[i] && k->ids[i] && sdb_last(db, k->ids[i], &p) == 0 && p.seq > last)
				last = p.seq;
		}
		k->seq_known = true;
		if (last && *seq == last)
			return false;
		k->seq_base = *seq < last ? last + 1 - *seq : 0;
	}
	*seq += k->seq_base;
	return true;
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
	uint64_t dropped_seq = 0;
	for (size_t i = 0; i < q->n && err == 0; i++) {
		const struct pend *p = &q->pend[i];
		struct sbatch_point pt = {.id = k->ids[p->signal], .type = (enum series_type)p->type, .quality = p->quality, .t_ns = p->t_ns,
			.seq = p->seq, .arrival_ns = T_NONE};
		if (p->seq) {
			if (p->seq == dropped_seq)
				continue;
			if (!cycle_number(q, w ? writer_db(w) : NULL, &pt.seq)) {
				dropped_seq = p->seq;
				continue;
			}
		}
		if (p->type == DV_STR)
			pt.v.str = span_of(q->text + p->str.at, p->str.n);
		else
			memcpy(&pt.v, &p->f64, sizeof p->f64);
		err = sbatch_add(b, &pt);
	}
	struct sdb_appended did = {0};
	if (err == 0 && sbatch_points(b))
		err = writer_append(w, b, &did, d);
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
		v->values += q->stored;
		if (q->n)
			v->last_value_ns = q->pend[q->n - 1].t_ns;
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

static void flush(struct device *v)
{
	if (v->n_pend == 0)
		return;
	struct value_job *q = calloc(1, sizeof *q);
	if (!q)
		return; /* the values stay pending; tried again by the timer */
	q->job.run = value_run;
	q->job.done = value_done;
	q->v = v;
	q->keys = v->keys;
	q->pend = v->pend;
	q->n = v->n_pend;
	q->text = v->pend_text.p;
	q->arrival_ns = clock_now(v->c->node->clock);
	if (writer_submit(v->c->node->writer, &q->job) != 0) {
		free(q);
		return;
	}
	atomic_fetch_add(&v->keys->refs, 1);
	v->in_flight++;
	v->pend = NULL;
	v->n_pend = v->cap_pend = 0;
	buf_init(&v->pend_text, 0);
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
static void publish(struct device *v)
{
	enum driver_state s = v->ops->state(v->driver);
	const struct diag *t = v->ops->trouble(v->driver);
	pthread_mutex_lock(&v->c->mu);
	v->state = s;
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
	if (due.mono_ns != INT64_MAX && due.mono_ns - now.mono_ns < wait)
		wait = due.mono_ns > now.mono_ns ? due.mono_ns - now.mono_ns : 0;
	loop_timer_set(v->timer, wait == INT64_MAX ? -1 : wait);
	if (c->stepping)
		step_check(c);
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
static int read_states(struct machine_info *m, const struct json_value *root, struct diag *d)
{
	const struct json_value *st = json_member(root, "state");
	memset(m->codes, 255, sizeof m->codes);
	if (!st)
		return 0;
	struct span text;
	int err = json_get_str(st, "signal", &text, d);
	if (err != 0)
		return err == MO_ENOENT ? diag_set(d, MO_EINVAL, MSG_DEVICE_STATE_SIGNAL) : err;
	diag_copy(m->state_signal, sizeof m->state_signal, text);
	if ((err = json_get_str(st, "alarm", &text, d)) == 0)
		diag_copy(m->alarm_signal, sizeof m->alarm_signal, text);
	else if (err != MO_ENOENT)
		return err;
	const struct json_value *codes = json_member(st, "codes");
	for (const struct json_value *c = codes ? codes->child : NULL; c; c = c->next) {
		unsigned raw = 0;
		for (size_t i = 0; i < c->name.n && i < 4; i++)
			raw = c->name.p[i] >= '0' && c->name.p[i] <= '9' ? raw * 10 + (unsigned)(c->name.p[i] - '0') : 999;
		unsigned code = 0;
		while (code < MCODES && !(c->type == JSON_STRING && span_is(c->text, mcode_name((enum mcode)code))))
			code++;
		if (raw > 254 || c->name.n == 0 || code == MCODES) {
			diag_set(d, MO_EINVAL, MSG_DEVICE_STATE_CODE);
			diag_field(d, c->name);
			diag_value(d, c->text);
			diag_expected(d, "off, run, idle, alarm, setup");
			return MO_EINVAL;
		}
		m->codes[raw] = (uint8_t)code;
	}
	return 0;
}

struct parsed {
	struct machine_info info;
	const struct driver_ops *ops; /* NULL: push */
	bool enabled;
};

static int parse_document(struct parsed *ret, struct span json, struct diag *d)
{
	struct arena a;
	struct json_value *root;
	struct span text;
	arena_init(&a, 4u << 20);
	memset(ret, 0, sizeof *ret);
	ret->enabled = true;
	int err = json_parse(&root, &a, json, d);
	if (err == 0 && (err = json_get_str(root, "asset", &text, d)) == MO_ENOENT) {
		err = diag_set(d, MO_EINVAL, MSG_DEVICE_FIELD);
		diag_field(d, SPAN_LIT("asset"));
	}
	if (err == 0)
		diag_copy(ret->info.asset, sizeof ret->info.asset, text);
	if (err == 0 && (err = json_get_bool(root, "enabled", &ret->enabled, d)) == MO_ENOENT)
		err = 0;
	if (err == 0)
		err = read_states(&ret->info, root, d);
	if (err == 0 && (err = json_get_str(root, "driver", &text, d)) == MO_ENOENT) {
		err = diag_set(d, MO_EINVAL, MSG_DEVICE_FIELD);
		diag_field(d, SPAN_LIT("driver"));
	}
	if (err == 0 && span_is(text, "push")) {
		int64_t ms = 10000;
		err = json_get_i64(root, "interval_ms", &ms, d);
		if (err == MO_ENOENT)
			err = 0;
		ret->info.push = true;
		ret->info.interval_ns = ms * NS_PER_MS;
		if (err == 0 && (ms < 10 || ms > 86400000)) {
			err = diag_set(d, MO_EINVAL, MSG_DEVICE_VALUE);
			diag_field(d, SPAN_LIT("interval_ms"));
			diag_expected(d, "10..86400000");
		}
	} else if (err == 0) {
		for (size_t i = 0; i < sizeof drivers / sizeof *drivers; i++)
			if (span_is(text, drivers[i]->name))
				ret->ops = drivers[i];
		if (!ret->ops) {
			err = diag_set(d, MO_EINVAL, MSG_DEVICE_VALUE);
			diag_field(d, SPAN_LIT("driver"));
			diag_value(d, text);
			diag_expected(d, "modbus, push");
		}
	}
	arena_free(&a);
	return err;
}

int collect_check(struct span json, struct diag *d)
{
	struct parsed p;
	int err = parse_document(&p, json, d);
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
	struct parsed p;
	int err = parse_document(&p, json, d);
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

static void apply(void *arg)
{
	struct collect *c = arg;
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
			flush(v);
			if (v->in_flight || v->n_pend) {
				/* Let the values land first; look again soon. */
				c->reload_again = true;
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
	while (c->loaded) {
		struct loaded *l = c->loaded;
		struct device *v = NULL;
		c->loaded = l->next;
		if (!l->found) {
			struct diag *d = calloc(1, sizeof *d);
			int err = device_new(&v, c, l->name, l->version, buf_span(&l->json), d);
			if (err == 0) {
				pthread_mutex_lock(&c->mu);
				v->next = c->devices;
				c->devices = v;
				pthread_mutex_unlock(&c->mu);
				pump(v);
			} else if (err != MO_ENOENT) {
				node_log(c->node, "error", d);
			}
			free(d);
		}
		buf_free(&l->json);
		free(l);
	}
	c->reloading = false;
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
		for (size_t i = 0; i < b.n_rows; i++) {
			struct loaded *l = calloc(1, sizeof *l);
			if (!l)
				break;
			diag_copy(l->name, sizeof l->name, b.cols[0].str[i]);
			l->version = b.cols[1].i64[i];
			buf_init(&l->json, 0);
			buf_add(&l->json, b.cols[2].str[i]);
			l->next = c->loaded;
			c->loaded = l;
		}
	}
	table_close(cur);
	if (err != 0)
		node_log(c->node, "error", d);
	free(d);
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
}

/* ---- stepping ---- */
static bool device_settled(struct device *v, bool patient)
{
	if (!v->ops)
		return true;
	if (v->n_pend || v->in_flight)
		return false;
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
	bool all = true;
	for (struct device *v = c->devices; v; v = v->next) {
		if (v->ops && v->n_pend && (v->ops->settled(v->driver, now_of(c)) || v->ops->state(v->driver) != DRIVER_ONLINE))
			flush(v);
		all &= device_settled(v, patient);
	}
	if (!all) {
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
		if (!v->ops)
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
		if (v->ops)
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
	}
	pthread_mutex_unlock(&c->mu);
}

/* Silent: the device does not answer, or its newest value is older than three of its intervals and ten seconds. */
static bool is_stale(const struct device *v, int64_t now)
{
	if (!v->ops)
		return false; /* who pushes is judged by what arrives (jobs) */
	return v->state != DRIVER_ONLINE || (v->last_value_ns != T_NONE && now - v->last_value_ns > 3 * v->info.interval_ns + 10 * NS_PER_S);
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
struct probe {
	struct collect *c;
	const struct driver_ops *ops;
	struct driver *driver;
	struct tcp *tcp;
	struct loop_timer *timer;
	int64_t until_mono_ns;
	bool *seen;
	size_t n, left;
	struct buf values; /* JSON array items */
	struct json_writer w;
	void (*done)(void *arg, const struct device_test *t);
	void *arg;
};

/* A probe lives on the real clock, whatever the node's is. */
static struct driver_now probe_now(void) { return (struct driver_now){wall_now(), mono_now()}; }

static void probe_end(struct probe *p)
{
	struct buf frames;
	struct json_writer w;
	buf_init(&frames, 0);
	json_writer_init(&w, &frames);
	jw_array_end(&p->w);
	jw_array(&w);
	struct driver_frame f;
	for (unsigned i = MODBUS_FRAMES_KEPT; i-- > 0;)
		if (p->ops->frame(p->driver, i, &f)) {
			struct buf hex;
			buf_init(&hex, 0);
			hex_encode(&hex, f.bytes);
			jw_object(&w);
			jw_key(&w, "sent");
			jw_bool(&w, f.sent);
			jw_key(&w, "hex");
			jw_str(&w, buf_span(&hex));
			jw_object_end(&w);
			buf_free(&hex);
		}
	jw_array_end(&w);
	struct device_test *t = calloc(1, sizeof *t);
	if (t) {
		t->state = p->ops->state(p->driver);
		t->ok = p->left == 0 && t->state == DRIVER_ONLINE; /* without a connection every value is there too, as a bad one */
		t->trouble = *p->ops->trouble(p->driver);
		t->values_json = p->values.err ? SPAN_LIT("[]") : buf_span(&p->values);
		t->frames_json = frames.err ? SPAN_LIT("[]") : buf_span(&frames);
	}
	p->done(p->arg, t);
	free(t);
	buf_free(&frames);
	tcp_free(p->tcp);
	p->ops->close(p->driver);
	loop_timer_free(p->timer);
	buf_free(&p->values);
	free(p->seen);
	free(p);
}

static void probe_pump(struct probe *p);

static void probe_connected(void *arg)
{
	struct probe *p = arg;
	p->ops->connected(p->driver, probe_now());
	probe_pump(p);
}

static void probe_input(void *arg, struct span bytes)
{
	struct probe *p = arg;
	if (p->ops->input(p->driver, probe_now(), bytes, NULL) != 0) {
		tcp_free(p->tcp);
		p->tcp = NULL;
		p->ops->disconnected(p->driver, probe_now());
	}
	probe_pump(p);
}

static void probe_writable(void *arg) { probe_pump(arg); }

static void probe_closed(void *arg, int err)
{
	struct probe *p = arg;
	(void)err;
	tcp_free(p->tcp);
	p->tcp = NULL;
	p->ops->disconnected(p->driver, probe_now());
	probe_pump(p);
}

static const struct tcp_events probe_events = {probe_connected, probe_input, probe_writable, probe_closed};

static void probe_value(struct probe *p, const struct driver_value *dv)
{
	size_t n;
	const struct driver_signal *s = &p->ops->signals(p->driver, &n)[dv->signal];
	if (p->seen[dv->signal])
		return;
	p->seen[dv->signal] = true;
	p->left--;
	struct json_writer *w = &p->w;
	jw_object(w);
	jw_key(w, "signal");
	jw_cstr(w, s->name);
	jw_key(w, "unit");
	jw_cstr(w, s->unit);
	jw_key(w, "quality");
	jw_cstr(w, q_is_bad(dv->quality) ? "bad" : dv->quality ? "uncertain" : "good");
	jw_key(w, "value");
	switch (dv->type) {
	case DV_F64: jw_f64(w, dv->f64); break;
	case DV_I64: jw_i64(w, dv->i64); break;
	case DV_BOOL: jw_bool(w, dv->b); break;
	case DV_STR: jw_str(w, dv->str); break;
	}
	jw_object_end(w);
}

static void probe_pump(struct probe *p)
{
	struct driver_now now = probe_now();
	if (!p->tcp && p->ops->wants_connection(p->driver, now) &&
		tcp_connect(p->c->node->loop, &p->tcp, p->ops->host(p->driver), p->ops->port(p->driver), COLLECT_TEST_NS, &probe_events, p, NULL) != 0)
		p->ops->disconnected(p->driver, now);
	struct span out;
	while (p->tcp && (out = p->ops->output(p->driver)).n) {
		size_t n = out.n;
		if (tcp_write(p->tcp, out) != 0)
			break;
		p->ops->sent(p->driver, now, n);
	}
	struct driver_value dv;
	while (p->ops->next_value(p->driver, &dv))
		probe_value(p, &dv);
	if (p->left == 0 || now.mono_ns >= p->until_mono_ns) {
		loop_timer_set(p->timer, 0);
		p->until_mono_ns = now.mono_ns; /* the timer ends it, outside the stream's callback */
		return;
	}
	struct driver_due due = p->ops->due(p->driver);
	int64_t wait = p->until_mono_ns - now.mono_ns;
	if (due.mono_ns != INT64_MAX && due.mono_ns - now.mono_ns < wait)
		wait = due.mono_ns > now.mono_ns ? due.mono_ns - now.mono_ns : 0;
	if (due.node_ns != INT64_MAX && due.node_ns - now.node_ns < wait)
		wait = due.node_ns > now.node_ns ? due.node_ns - now.node_ns : 0;
	loop_timer_set(p->timer, wait);
}

static void probe_timer(void *arg)
{
	struct probe *p = arg;
	struct driver_now now = probe_now();
	if (p->left == 0 || now.mono_ns >= p->until_mono_ns) {
		probe_end(p);
		return;
	}
	if (p->ops->tick(p->driver, now, NULL) != 0) {
		tcp_free(p->tcp);
		p->tcp = NULL;
		p->ops->disconnected(p->driver, now);
	}
	probe_pump(p);
}

int collect_test(struct collect *c, struct span json, void (*done)(void *arg, const struct device_test *t), void *arg, struct diag *d)
{
	struct parsed doc;
	int err = parse_document(&doc, json, d);
	if (err != 0)
		return err;
	if (!doc.ops) {
		diag_set(d, MO_EINVAL, MSG_DEVICE_VALUE);
		diag_field(d, SPAN_LIT("driver"));
		diag_value(d, SPAN_LIT("push"));
		diag_expected(d, "modbus");
		return MO_EINVAL;
	}
	struct probe *p = calloc(1, sizeof *p);
	if (!p)
		return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	p->c = c;
	p->ops = doc.ops;
	p->done = done;
	p->arg = arg;
	p->until_mono_ns = mono_now() + COLLECT_TEST_NS;
	buf_init(&p->values, 0);
	err = p->ops->open(&p->driver, json, d);
	if (err == 0) {
		p->ops->signals(p->driver, &p->n);
		p->left = p->n;
		p->seen = calloc(p->n ? p->n : 1, sizeof *p->seen);
		err = p->seen ? loop_timer_new(c->node->loop, &p->timer, probe_timer, p) : diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
		if (err != 0)
			p->ops->close(p->driver);
	}
	if (err != 0) {
		free(p->seen);
		free(p);
		return err;
	}
	json_writer_init(&p->w, &p->values);
	jw_array(&p->w);
	probe_pump(p);
	return 0;
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
	if (err != 0) {
		collect_free(c);
		return err;
	}
	*ret = c;
	return 0;
}

void collect_free(struct collect *c)
{
	if (!c)
		return;
	while (c->devices) {
		struct device *v = c->devices;
		c->devices = v->next;
		device_free(v);
	}
	loop_timer_free(c->step_timer);
	pthread_mutex_destroy(&c->mu);
	free(c);
}
