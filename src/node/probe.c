/* A live test of a device document: the driver runs by itself for a moment,
 * nothing is stored. */
#include <stdlib.h>

#include "codec/text.h"
#include "driver/modbus/modbus.h"
#include "node/priv/collect.h"
#include "node/priv/node.h"

#define PROBE_NS (5 * NS_PER_S)

struct probe {
	struct probe **list, *next;
	struct loop *loop;
	const struct driver_ops *ops;
	struct driver *driver;
	struct tcp *tcp;
	struct loop_timer *timer;
	int64_t until_mono_ns;
	bool *seen;
	size_t n, left; /* clock signals without a final answer */
	bool bad;       /* some signal has one, but no value */
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
	for (struct probe **at = p->list; *at; at = &(*at)->next)
		if (*at == p) {
			*at = p->next;
			break;
		}
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
		t->ok = p->left == 0 && !p->bad && p->ops->trouble(p->driver)->msg == MSG_NONE;
		t->state = p->ops->state(p->driver);
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
	/* No answer yet may be one soon. */
	if (p->seen[dv->signal] || dv->quality == DQ_NO_ANSWER)
		return;
	p->seen[dv->signal] = true;
	p->left -= !s->per_cycle;
	p->bad |= q_is_bad(dv->quality);
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

/* Nothing is left to be asked: a per-cycle block may have no cycle yet. */
static bool complete(const struct probe *p, struct driver_now now)
{
	return p->left == 0 && p->ops->state(p->driver) == DRIVER_ONLINE && p->ops->settled(p->driver, now);
}

/* Times of a driver may be INT64_MIN (at once) and INT64_MAX (never). */
static int64_t until(int64_t due_ns, int64_t now_ns) { return due_ns <= now_ns ? 0 : due_ns == INT64_MAX ? INT64_MAX : due_ns - now_ns; }

static void probe_pump(struct probe *p)
{
	struct driver_now now = probe_now();
	if (!p->tcp && p->ops->wants_connection(p->driver, now) &&
		tcp_connect(p->loop, &p->tcp, p->ops->host(p->driver), p->ops->port(p->driver), PROBE_NS, &probe_events, p, NULL) != 0)
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
	if (complete(p, now) || now.mono_ns >= p->until_mono_ns) {
		loop_timer_set(p->timer, 0);
		p->until_mono_ns = now.mono_ns; /* the timer ends it, outside the stream's callback */
		return;
	}
	struct driver_due due = p->ops->due(p->driver);
	int64_t wait = p->until_mono_ns - now.mono_ns, mono = until(due.mono_ns, now.mono_ns), node = until(due.node_ns, now.node_ns);
	wait = mono < wait ? mono : wait;
	wait = node < wait ? node : wait;
	loop_timer_set(p->timer, wait);
}

static void probe_timer(void *arg)
{
	struct probe *p = arg;
	struct driver_now now = probe_now();
	if (complete(p, now) || now.mono_ns >= p->until_mono_ns) {
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

void probe_end_all(struct probe **list)
{
	while (*list)
		probe_end(*list);
}

int probe_start(struct probe **list, struct loop *l, struct span json, void (*done)(void *arg, const struct device_test *t), void *arg,
	struct diag *d)
{
	struct device_doc doc;
	int err = device_doc_read(&doc, json, d);
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
	p->loop = l;
	p->ops = doc.ops;
	p->done = done;
	p->arg = arg;
	p->until_mono_ns = mono_now() + PROBE_NS;
	buf_init(&p->values, 0);
	err = p->ops->open(&p->driver, json, d);
	if (err == 0) {
		const struct driver_signal *sig = p->ops->signals(p->driver, &p->n);
		for (size_t i = 0; i < p->n; i++)
			p->left += !sig[i].per_cycle;
		p->seen = calloc(p->n ? p->n : 1, sizeof *p->seen);
		err = p->seen ? loop_timer_new(l, &p->timer, probe_timer, p) : diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
		if (err != 0)
			p->ops->close(p->driver);
	}
	if (err != 0) {
		free(p->seen);
		free(p);
		return err;
	}
	p->list = list;
	p->next = *list;
	*list = p;
	json_writer_init(&p->w, &p->values);
	jw_array(&p->w);
	probe_pump(p);
	return 0;
}
