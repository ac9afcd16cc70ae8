#include "sim/drive.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/num.h"
#include "os/clock.h"
#include "os/vfs.h"
#include "sim/csv_papers.h"
#include "sim/hub.h"
#include "sim/lineproto.h"
#include "sim/peek.h"
#include "sim/records.h"
#include "sim/registers.h"
#include "sim/text.h"
#include "sim/truth.h"

#define MINUTE (60 * NS_PER_S)
#define HOUR (60 * MINUTE)
#define STEP MINUTE
#define FINE_STEP (10 * NS_PER_S) /* in the last hour, so that signals of 1 Hz come as often as history allows */
#define FINE HOUR
#define RECORDS_BODY (4u << 20)
#define WRITE_SPAN HOUR            /* most scenario time in one body, when a node was away */
#define PATIENCE (120 * NS_PER_S)  /* for one answer in history */
#define LAST_PATIENCE (20 * NS_PER_S) /* once life is over */
#define SETTLED_NS (200 * NS_PER_MS)
#define SETTLED_TRIES 25
#define MISSED_NS (2 * NS_PER_S) /* machines that were cut off: by then a node has tried to come back once, and marked their values */
#define NIGHT_BLOCK (5 * MINUTE)
#define LIFE_TICK (150 * NS_PER_MS)  /* real time between two bodies to one node, but at least LIFE_LEAST of scenario time */
#define LIFE_LEAST NS_PER_S
#define LIFE_LAG (2 * NS_PER_S)    /* scenario time we stay behind the slowest node's clock */

enum { CONN_RECORDS, CONN_WRITE, CONN_CLOCK, CONNS };

struct acks {
	uint64_t values, repeated, lines_bodies; /* line protocol */
	uint64_t records, record_bodies;
	uint64_t modbus;                         /* as clock answers said */
	uint64_t files, rows, cells;             /* papers */
};
struct node {
	struct http_conn conn[CONNS];
	bool ready;
	size_t rec;            /* next record to look at */
	uint64_t key;          /* of idempotency */
	int64_t written_ns;    /* pushed machines: everything up to here is sent */
	struct buf body[CONNS];
	uint64_t body_values, body_repeated, body_records;
	int64_t body_to_ns;
	struct acks acks, history;
	/* its clock in life */
	int64_t clock_ns, clock_mono_ns;
};
struct drive {
	const struct drive_opts *o;
	char *error;
	struct plan *p;
	struct hub *hub;
	struct vfs *vfs;
	struct node node[SIM_FIRMS];
	int64_t t0_ns, start_ns; /* start: relative to T0 */
	/* the night's blocks, newest first */
	int64_t block;           /* next one to send, counted from the newest; -1: not begun */
	struct buf again;        /* lines that come a second time, with the next block */
	uint64_t again_values;
	struct prng again_rng;
};

static int fail(struct drive *d, int err, const char *fmt, ...) MO_PRINTF(3, 4);
static int fail(struct drive *d, int err, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(d->error, DRIVE_ERROR_MAX, fmt, ap);
	va_end(ap);
	return err;
}

static bool stopped(const struct drive *d) { return d->o->stop && *d->o->stop; }

static void say(struct drive *d, const char *fmt, ...) MO_PRINTF(2, 3);
static void say(struct drive *d, const char *fmt, ...)
{
	char line[256];
	if (!d->o->say)
		return;
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	d->o->say(line);
}

/* ---- asking ---- */

static int refused(struct drive *d, enum sim_firm firm, const struct http_conn *c, const char *what)
{
	if (c->state == HTTP_FAILED)
		return fail(d, MO_ETIMEOUT, "%s at http://127.0.0.1:%u gave no answer to %s", firm_code(firm), c->port, what);
	size_t n = c->reply.body.n < 380 ? c->reply.body.n : 380;
	return fail(d, MO_EPROTO, "%s at http://127.0.0.1:%u answered %s with %d: %.*s", firm_code(firm), c->port, what, c->reply.status, (int)n,
		n ? (const char *)c->reply.body.p : "");
}

/* Until no request of these connections is under way. */
static int settle(struct drive *d, int conn)
{
	for (;;) {
		bool busy = false;
		for (size_t f = 0; f < SIM_FIRMS; f++)
			for (int k = 0; k < CONNS; k++)
				busy = busy || ((conn < 0 || k == conn) && d->node[f].conn[k].state == HTTP_BUSY);
		if (!busy)
			return 0;
		if (stopped(d))
			return MO_ECANCELED;
		int err = hub_wait(d->hub, 200 * NS_PER_MS);
		if (err < 0)
			return err;
	}
}

/* One request to one node, waited for. */
static int ask(struct drive *d, enum sim_firm firm, const char *method, const char *path, const char *type, const struct buf *body, int expect, const char *what)
{
	struct http_conn *c = &d->node[firm].conn[CONN_CLOCK];
	int err = body && body->err ? body->err : http_start(c, method, path, type, NULL, body);
	if (err < 0)
		return err;
	err = settle(d, CONN_CLOCK);
	if (err < 0)
		return err;
	if (c->state != HTTP_DONE || c->reply.status / 100 != expect / 100)
		return refused(d, firm, c, what);
	return 0;
}

static int clock_of(struct drive *d, struct span body, const char *path, int64_t *ret_ns)
{
	struct span v;
	if (!peek(&v, body, path) || rfc3339_parse(ret_ns, v) < 0)
		return fail(d, MO_EPROTO, "no time %s in the answer of a node", path);
	return 0;
}

/* ---- before the first step ---- */

static int meet(struct drive *d)
{
	for (unsigned f = 0; f < SIM_FIRMS; f++) {
		int64_t now;
		int err = ask(d, f, "GET", "/api/v1/node", NULL, NULL, 200, "GET /api/v1/node");
		if (err == 0)
			err = clock_of(d, d->node[f].conn[CONN_CLOCK].reply.body, "clock.now", &now);
		if (err < 0)
			return err;
		if (f == 0)
			d->t0_ns = d->o->has_t0 ? d->o->t0_ns : now + d->o->history_h * HOUR;
		if (now != d->t0_ns + d->start_ns) {
			char is[32], should[32];
			(void)snprintf(is, sizeof is, "%.*s", (int)rfc3339_format(should, now), should);
			should[rfc3339_format(should, d->t0_ns + d->start_ns)] = '\0';
			return fail(d, MO_ESTATE, "the clock of %s stands at %s, not at the beginning of the history, %s", firm_code(f), is, should);
		}
	}
	return 0;
}

static int announce(struct drive *d)
{
	struct buf b;
	buf_init(&b, 0);
	int err = 0;
	for (unsigned f = 0; f < SIM_FIRMS && err == 0; f++) {
		buf_reset(&b);
		size_t n = records_assets(&b, f);
		err = ask(d, f, "POST", "/api/v1/records", "application/x-ndjson", &b, 200, "POST /api/v1/records (assets)");
		d->node[f].acks.records += n;
		d->node[f].acks.record_bodies++;
		if (err < 0)
			break;
		buf_reset(&b);
		buf_adds(&b, "{\"history\":{\"from\":");
		text_time(&b, d->t0_ns + d->start_ns);
		buf_adds(&b, ",\"to\":");
		text_time(&b, d->t0_ns);
		buf_adds(&b, "}}");
		err = ask(d, f, "POST", "/api/v1/clock", "application/json", &b, 200, "POST /api/v1/clock (history)");
	}
	for (size_t m = 0; m < SIM_MACHINES && err == 0; m++) {
		const struct sim_machine_def *x = sim_machine_at(m);
		char path[64];
		if (x->door == DOOR_CSV)
			continue;
		buf_reset(&b);
		if (x->door == DOOR_MODBUS) {
			registers_set(&d->hub->regs[m], d->p, m, d->start_ns);
			registers_config(&b, d->p, m, d->hub->port[m]);
		} else
			push_config(&b, d->p, m);
		(void)snprintf(path, sizeof path, "/api/v1/devices/%s", x->code);
		err = ask(d, x->firm, "PUT", path, "application/json", &b, 200, "PUT /api/v1/devices/NAME");
	}
	buf_free(&b);
	return err;
}

static int write_file(struct drive *d, const char *path, const struct buf *b)
{
	if (b->err)
		return b->err;
	int err = vfs_replace(d->vfs, path, buf_span(b), false, NULL);
	return err < 0 ? fail(d, err, "cannot write %s (%s)", path, mo_err_name(err)) : 0;
}

/* ---- what is sent ---- */

/* Records of a node that are due at t, at most RECORDS_BODY bytes. */
static void fill_records(struct drive *d, enum sim_firm f, int64_t t_ns)
{
	struct node *n = &d->node[f];
	buf_reset(&n->body[CONN_RECORDS]);
	n->body_records = 0;
	while (n->rec < d->p->n_recs && d->p->recs[n->rec].t_ns <= t_ns && n->body[CONN_RECORDS].n < RECORDS_BODY) {
		const struct plan_rec *r = &d->p->recs[n->rec++];
		if (r->node != f)
			continue;
		records_line(&n->body[CONN_RECORDS], d->p, r, d->t0_ns);
		n->body_records++;
	}
}

static bool behind_gateway(const char *code)
{
	return strcmp(code, "MCH-01") == 0 || strcmp(code, "MCH-02") == 0 || strcmp(code, "MCH-03") == 0 || strcmp(code, "MCH-06") == 0;
}

static uint64_t lines_of(struct drive *d, struct buf *out, size_t m, int64_t from_ns, int64_t to_ns)
{
	return from_ns < to_ns ? lineproto_machine(out, d->p, m, from_ns, to_ns, d->t0_ns, 0, NULL, NULL) : 0;
}

/* A line of the night that is remembered to be sent twice. */
static void remember(void *arg, const struct buf *out, size_t at, int64_t t_ns)
{
	struct drive *d = arg;
	(void)t_ns;
	if (out->err || prng_unit(&d->again_rng) >= sim_range(NIGHT_REPEATED)->lo)
		return;
	buf_add(&d->again, span_of(out->p + at, out->n - at));
	for (size_t i = at; i < out->n; i++)
		d->again_values += out->p[i] == '=';
	static const char cycle[] = " _cycle=";
	for (size_t i = at; i + sizeof cycle < out->n; i++)
		if (memcmp(out->p + i, cycle, sizeof cycle - 1) == 0)
			d->again_values--;
}

/* The blocks of the night that are due at t. */
static void fill_night(struct drive *d, struct node *n, int64_t t_ns)
{
	const struct plan *p = d->p;
	int64_t blocks = (p->night_end_ns - p->night_begin_ns + NIGHT_BLOCK - 1) / NIGHT_BLOCK;
	if (!p->night_on || t_ns <= p->night_end_ns || d->start_ns >= p->night_end_ns || d->block >= blocks)
		return;
	int64_t due = t_ns >= p->night_arrived_ns ? blocks : 1 + (blocks - 1) * (t_ns - p->night_end_ns) / (p->night_arrived_ns - p->night_end_ns);
	int64_t ahead = (int64_t)(sim_range(NIGHT_CLOCK)->lo * 1e9);
	struct buf *out = &n->body[CONN_WRITE];
	for (; d->block < due; d->block++) {
		struct buf again = d->again;
		n->body_values += d->again_values;
		n->body_repeated += d->again_values;
		buf_init(&d->again, 0);
		d->again_values = 0;
		int64_t to = p->night_begin_ns + (blocks - d->block) * NIGHT_BLOCK, from = to - NIGHT_BLOCK;
		to = to < p->night_end_ns ? to : p->night_end_ns;
		from = from > d->start_ns ? from : d->start_ns;
		for (size_t m = 0; m < SIM_MACHINES && from < to; m++)
			if (behind_gateway(sim_machine_at(m)->code))
				n->body_values += lineproto_machine(out, p, m, from, to, d->t0_ns, ahead, remember, d);
		buf_add(out, buf_span(&again));
		buf_free(&again);
	}
	if (d->block == blocks && d->again.n) { /* what was remembered from the last block */
		buf_add(out, buf_span(&d->again));
		n->body_values += d->again_values;
		n->body_repeated += d->again_values;
		buf_reset(&d->again);
		d->again_values = 0;
	}
}

/* What the machines of a firm send by themselves from its written_ns until t. */
static void fill_write(struct drive *d, enum sim_firm f, int64_t t_ns)
{
	struct node *n = &d->node[f];
	struct buf *out = &n->body[CONN_WRITE];
	const struct plan *p = d->p;
	int64_t from = n->written_ns, to = t_ns - from > WRITE_SPAN ? from + WRITE_SPAN : t_ns;
	buf_reset(out);
	n->body_values = n->body_repeated = 0;
	for (size_t m = 0; m < SIM_MACHINES && from < to; m++) {
		const struct sim_machine_def *x = sim_machine_at(m);
		if (x->firm != f || x->door != DOOR_PUSH)
			continue;
		if (p->night_on && behind_gateway(x->code)) {
			n->body_values += lines_of(d, out, m, from, to < p->night_begin_ns ? to : p->night_begin_ns);
			n->body_values += lines_of(d, out, m, from > p->night_end_ns ? from : p->night_end_ns, to);
		} else
			n->body_values += lines_of(d, out, m, from, to);
	}
	if (f == FIRM_MCH)
		fill_night(d, n, to);
	n->body_to_ns = to;
}

static int start_records(struct drive *d, enum sim_firm f)
{
	struct node *n = &d->node[f];
	char key[64];
	if (n->body[CONN_RECORDS].err)
		return n->body[CONN_RECORDS].err;
	(void)snprintf(key, sizeof key, "sim-%llu-%s-%llu", (unsigned long long)d->o->plan.seed, firm_code(f), (unsigned long long)n->key++);
	return http_start(&n->conn[CONN_RECORDS], "POST", "/api/v1/records", "application/x-ndjson", key, &n->body[CONN_RECORDS]);
}

static int start_write(struct drive *d, enum sim_firm f)
{
	struct node *n = &d->node[f];
	if (n->body[CONN_WRITE].err)
		return n->body[CONN_WRITE].err;
	return http_start(&n->conn[CONN_WRITE], "POST", "/write?db=moru&precision=ns", "text/plain; charset=utf-8", NULL, &n->body[CONN_WRITE]);
}

static int took_records(struct drive *d, enum sim_firm f)
{
	struct node *n = &d->node[f];
	struct http_conn *c = &n->conn[CONN_RECORDS];
	if (c->state != HTTP_DONE || c->reply.status != 200)
		return refused(d, f, c, "POST /api/v1/records");
	n->acks.records += n->body_records;
	n->acks.record_bodies++;
	n->body_records = 0;
	c->state = HTTP_IDLE;
	return 0;
}

static int took_write(struct drive *d, enum sim_firm f)
{
	struct node *n = &d->node[f];
	struct http_conn *c = &n->conn[CONN_WRITE];
	if (c->state != HTTP_DONE || c->reply.status != 204)
		return refused(d, f, c, "POST /write");
	n->acks.values += n->body_values;
	n->acks.repeated += n->body_repeated;
	n->acks.lines_bodies++;
	n->body_values = n->body_repeated = 0;
	c->state = HTTP_IDLE;
	return 0;
}

static int leave_papers(struct drive *d, int64_t from_ns, int64_t to_ns)
{
	struct paper paper[PAPERS_MAX];
	size_t n = 0;
	int err = papers_due(paper, &n, d->p, from_ns, to_ns, d->start_ns, d->t0_ns);
	for (size_t i = 0; i < n; i++) {
		const char *dir = d->o->inbox[paper[i].firm];
		if (err == 0 && dir) {
			char *path = vfs_join(dir, paper[i].name);
			err = path ? write_file(d, path, &paper[i].content) : MO_ENOMEM;
			free(path);
			if (err == 0) {
				struct acks *a = &d->node[paper[i].firm].acks;
				a->files++;
				a->rows += paper[i].rows;
				a->cells += paper[i].values;
			}
		}
		buf_free(&paper[i].content);
	}
	return err;
}

static void machines_at(struct drive *d, int64_t t_ns)
{
	for (size_t m = 0; m < SIM_MACHINES; m++)
		if (sim_machine_at(m)->door == DOOR_MODBUS)
			registers_set(&d->hub->regs[m], d->p, m, t_ns);
}

/* ---- history ---- */

/* Everything that happened until t goes to the nodes and is acknowledged. */
static int send_until(struct drive *d, int64_t t_ns)
{
	for (bool more = true; more;) {
		int err = 0;
		more = false;
		for (unsigned f = 0; f < SIM_FIRMS && err == 0; f++) {
			struct node *n = &d->node[f];
			fill_records(d, f, t_ns);
			fill_write(d, f, t_ns);
			n->written_ns = n->body_to_ns;
			if (n->body[CONN_RECORDS].n || n->body[CONN_RECORDS].err)
				err = start_records(d, f);
			if (err == 0 && (n->body[CONN_WRITE].n || n->body[CONN_WRITE].err))
				err = start_write(d, f);
		}
		if (err == 0)
			err = settle(d, -1);
		for (unsigned f = 0; f < SIM_FIRMS && err == 0; f++) {
			struct node *n = &d->node[f];
			if (n->body[CONN_RECORDS].n)
				err = took_records(d, f);
			if (err == 0 && n->body[CONN_WRITE].n)
				err = took_write(d, f);
			bool due = n->rec < d->p->n_recs && d->p->recs[n->rec].t_ns <= t_ns;
			more = more || due || n->written_ns < t_ns;
		}
		if (err < 0)
			return err;
	}
	return 0;
}

static int advance(struct drive *d, int64_t t_ns)
{
	struct buf b;
	buf_init(&b, 0);
	buf_adds(&b, "{\"advance_to\":");
	text_time(&b, d->t0_ns + t_ns);
	buf_addc(&b, '}');
	int err = b.err;
	for (size_t f = 0; f < SIM_FIRMS && err == 0; f++)
		err = http_start(&d->node[f].conn[CONN_CLOCK], "POST", "/api/v1/clock", "application/json", NULL, &b);
	buf_free(&b);
	if (err == 0)
		err = settle(d, CONN_CLOCK);
	for (unsigned f = 0; f < SIM_FIRMS && err == 0; f++) {
		struct http_conn *c = &d->node[f].conn[CONN_CLOCK];
		struct span v;
		uint64_t values = 0;
		if (c->state != HTTP_DONE || c->reply.status != 200)
			err = refused(d, f, c, "POST /api/v1/clock");
		else if (peek(&v, c->reply.body, "values") && num_u64(&values, v) == 0)
			d->node[f].acks.modbus += values;
	}
	return err;
}

static int history(struct drive *d)
{
	int64_t began = mono_now(), cpu = cpu_now();
	int64_t t = d->start_ns;
	int err = send_until(d, t);
	while (err == 0 && t < 0) {
		int64_t to = t + (t >= -FINE ? FINE_STEP : STEP);
		machines_at(d, to);
		err = advance(d, to);
		if (err == 0)
			err = leave_papers(d, t, to);
		if (err == 0)
			err = send_until(d, to);
		if (to % (24 * HOUR) == 0)
			say(d, "%lld h before T0", (long long)(-to / HOUR));
		t = to;
	}
	if (err == 0)
		say(d, "history of %d h loaded in %.1f s (%.1f s of CPU here)", d->o->history_h, (double)(mono_now() - began) / 1e9, (double)(cpu_now() - cpu) / 1e9);
	for (size_t f = 0; f < SIM_FIRMS; f++)
		d->node[f].history = d->node[f].acks;
	return err;
}

/* ---- life ---- */

static int64_t node_now(const struct drive *d, const struct node *n)
{
	return n->clock_ns + (int64_t)((double)(mono_now() - n->clock_mono_ns) * d->o->scale) - d->t0_ns;
}

/* All nodes' clocks run at that scale from now on; 0: stand still. */
static int clocks_run(struct drive *d, double scale)
{
	struct buf b;
	buf_init(&b, 0);
	buf_adds(&b, "{\"run\":");
	text_real(&b, scale);
	buf_addc(&b, '}');
	int err = 0;
	for (unsigned f = 0; f < SIM_FIRMS && err == 0; f++)
		err = ask(d, f, "POST", "/api/v1/clock", "application/json", &b, 200, "POST /api/v1/clock (run)");
	buf_free(&b);
	return err;
}

static int life_begin(struct drive *d)
{
	int err = clocks_run(d, d->o->scale);
	for (unsigned f = 0; f < SIM_FIRMS && err == 0; f++) {
		d->node[f].clock_ns = d->t0_ns; /* not before the node ran on */
		d->node[f].clock_mono_ns = mono_now();
	}
	for (size_t f = 0; f < SIM_FIRMS; f++)
		for (int k = 0; k < CONNS; k++)
			d->node[f].conn[k].patience_ns = 0; /* a node that is away is waited for */
	return err;
}

/* Asks each node for its clock about once a second; between, it runs on by the scale. */
static int life_clocks(struct drive *d, int64_t *asked_ns)
{
	int64_t now = mono_now();
	bool again = now - *asked_ns > NS_PER_S;
	for (size_t f = 0; f < SIM_FIRMS; f++) {
		struct http_conn *c = &d->node[f].conn[CONN_CLOCK];
		if (c->state == HTTP_DONE) {
			int64_t t;
			if (c->reply.status == 200 && clock_of(d, c->reply.body, "clock.now", &t) == 0) {
				d->node[f].clock_ns = t;
				d->node[f].clock_mono_ns = now;
			}
			c->state = HTTP_IDLE;
		}
		if (again && c->state != HTTP_BUSY) {
			int err = http_start(c, "GET", "/api/v1/node", NULL, NULL, NULL);
			if (err < 0)
				return err;
		}
	}
	if (again)
		*asked_ns = now;
	return 0;
}

/* Sends what is new to each node whose last body is acknowledged. */
static int life_send(struct drive *d, int64_t t_ns)
{
	int err = 0;
	int64_t tick = (int64_t)((double)LIFE_TICK * d->o->scale);
	tick = tick > LIFE_LEAST ? tick : LIFE_LEAST;
	for (unsigned f = 0; f < SIM_FIRMS && err == 0; f++) {
		struct node *n = &d->node[f];
		if (n->conn[CONN_RECORDS].state != HTTP_BUSY) {
			if (n->body_records)
				err = took_records(d, f);
			if (err == 0)
				fill_records(d, f, t_ns);
			if (err == 0 && n->body[CONN_RECORDS].n)
				err = start_records(d, f);
		}
		if (err == 0 && n->conn[CONN_WRITE].state != HTTP_BUSY) {
			if (n->body_values)
				err = took_write(d, f);
			if (err == 0 && t_ns - n->written_ns >= tick) {
				fill_write(d, f, t_ns);
				n->written_ns = n->body_to_ns;
				if (n->body[CONN_WRITE].n)
					err = start_write(d, f);
			}
		}
	}
	return err;
}

static int life(struct drive *d)
{
	int64_t asked = 0, shown = 0, papers = 0, until = d->o->life_min < 0 ? INT64_MAX : (int64_t)(d->o->life_min * (double)MINUTE);
	int err = life_begin(d);
	while (err == 0 && !stopped(d)) {
		int64_t t = INT64_MAX;
		for (size_t f = 0; f < SIM_FIRMS; f++) {
			int64_t now = node_now(d, &d->node[f]);
			t = now < t ? now : t;
		}
		t -= LIFE_LAG;
		if (t - shown >= NS_PER_S) {
			machines_at(d, t);
			shown = t;
		}
		if (t >= until)
			break;
		err = life_clocks(d, &asked);
		if (err == 0)
			err = life_send(d, t);
		if (err == 0 && t - papers >= MINUTE) {
			err = leave_papers(d, papers, t);
			papers = t;
		}
		if (err == 0)
			err = hub_wait(d->hub, 10 * NS_PER_MS);
	}
	for (size_t f = 0; f < SIM_FIRMS; f++)
		for (int k = 0; k < CONNS; k++)
			d->node[f].conn[k].patience_ns = LAST_PATIENCE;
	if (err == 0 && !stopped(d)) { /* what is under way is still acknowledged */
		err = settle(d, -1);
		for (unsigned f = 0; f < SIM_FIRMS && err == 0; f++) {
			if (d->node[f].body_records)
				err = took_records(d, f);
			if (err == 0 && d->node[f].body_values)
				err = took_write(d, f);
		}
	}
	return err;
}

/* ---- the end ---- */

static void acks_json(struct buf *b, const struct acks *a)
{
	buf_printf(b, "{\"http_values\":%llu,\"http_repeated\":%llu,\"http_bodies\":%llu,\"records\":%llu,\"record_bodies\":%llu,\"modbus_values\":%llu,"
		      "\"csv_files\":%llu,\"csv_rows\":%llu,\"csv_values\":%llu}",
		(unsigned long long)a->values, (unsigned long long)a->repeated, (unsigned long long)a->lines_bodies, (unsigned long long)a->records,
		(unsigned long long)a->record_bodies, (unsigned long long)a->modbus, (unsigned long long)a->files, (unsigned long long)a->rows, (unsigned long long)a->cells);
}

struct device_list {
	struct buf *b; /* or NULL */
	uint64_t modbus;
};

static void device_values(void *arg, struct span device)
{
	struct device_list *l = arg;
	struct span name, values;
	uint64_t n;
	if (!peek(&name, device, "name") || !peek(&values, device, "status.values") || num_u64(&n, values) < 0)
		return;
	for (size_t m = 0; m < SIM_MACHINES; m++)
		if (sim_machine_at(m)->door == DOOR_MODBUS && span_is(name, sim_machine_at(m)->code)) {
			buf_printf(l->b, "%s\"%.*s\":%llu", l->modbus ? "," : "", SPAN_FMT(name), (unsigned long long)n);
			l->modbus += n;
		}
}

static int wait_real(struct drive *d, int64_t ns)
{
	int err = 0;
	for (int64_t until = mono_now() + ns; mono_now() < until && err == 0 && !stopped(d);)
		err = hub_wait(d->hub, SETTLED_NS / 4);
	return err;
}

/* What a node says it read from its machines, once its clock stands still, they are off and the number stands still. */
static int devices_settled(struct drive *d, enum sim_firm f, struct buf *list)
{
	uint64_t before = UINT64_MAX;
	for (int i = 0; i < SETTLED_TRIES; i++) {
		struct device_list l = {list, 0};
		buf_reset(list);
		int err = ask(d, f, "GET", "/api/v1/devices", NULL, NULL, 200, "GET /api/v1/devices");
		if (err < 0)
			return err;
		(void)peek_each(d->node[f].conn[CONN_CLOCK].reply.body, "items", device_values, &l);
		if (l.modbus == before) {
			if (l.modbus > d->node[f].acks.modbus)
				d->node[f].acks.modbus = l.modbus;
			return 0;
		}
		before = l.modbus;
		err = wait_real(d, SETTLED_NS);
		if (err < 0)
			return err;
	}
	return fail(d, MO_ETIMEOUT, "%s goes on counting values of machines that are off", firm_code(f));
}

/* `history`: what the doors acknowledged until T0; `total`: until the end; `devices`: what each node says it read from its machines. */
static int write_acks(struct drive *d)
{
	struct buf b, devices;
	int err = 0;
	buf_init(&b, 0);
	buf_init(&devices, 0);
	if (!stopped(d)) {
		if (d->o->life_min != 0) /* else the clocks never ran */
			err = clocks_run(d, 0);
		hub_deaf(d->hub);
		if (err == 0)
			err = wait_real(d, MISSED_NS);
	}
	buf_printf(&b, "{\"seed\":%llu,\"nodes\":{", (unsigned long long)d->o->plan.seed);
	for (unsigned f = 0; f < SIM_FIRMS && err == 0; f++) {
		if (!stopped(d))
			err = devices_settled(d, f, &devices);
		buf_printf(&b, "%s\"%s\":{\"history\":", f ? "," : "", firm_code(f));
		acks_json(&b, &d->node[f].history);
		buf_adds(&b, ",\"total\":");
		acks_json(&b, &d->node[f].acks);
		buf_adds(&b, ",\"devices\":{");
		buf_add(&b, buf_span(&devices));
		buf_adds(&b, "},\"requests_read\":{");
		bool first = true;
		for (size_t m = 0; m < SIM_MACHINES; m++)
			if (sim_machine_at(m)->firm == f && sim_machine_at(m)->door == DOOR_MODBUS) {
				buf_printf(&b, "%s\"%s\":%llu", first ? "" : ",", sim_machine_at(m)->code, (unsigned long long)d->hub->reads[m]);
				first = false;
			}
		buf_adds(&b, "}}");
	}
	buf_adds(&b, "}}\n");
	if (err == 0)
		err = devices.err ? devices.err : write_file(d, d->o->acks, &b);
	buf_free(&b);
	buf_free(&devices);
	return err;
}

static int write_truth(struct drive *d)
{
	struct buf b;
	buf_init(&b, 0);
	truth_write(&b, d->p, d->t0_ns, -d->start_ns);
	int err = write_file(d, d->o->truth, &b);
	buf_free(&b);
	return err;
}

static int drive_open(struct drive *d)
{
	for (size_t f = 0; f < SIM_FIRMS; f++)
		for (int k = 0; k < CONNS; k++) {
			d->node[f].conn[k].fd = -1;
			buf_init(&d->node[f].body[k], 0);
		}
	d->hub = calloc(1, sizeof *d->hub);
	if (!d->hub)
		return MO_ENOMEM;
	int err = hub_init(d->hub);
	if (err < 0) {
		free(d->hub);
		d->hub = NULL;
		return fail(d, err, "cannot listen on 127.0.0.1");
	}
	err = vfs_real(&d->vfs);
	if (err == 0)
		err = plan_new(&d->p, &d->o->plan);
	for (size_t f = 0; f < SIM_FIRMS && err == 0; f++)
		for (int k = 0; k < CONNS && err == 0; k++) {
			struct http_conn *c = &d->node[f].conn[k];
			err = http_conn_init(c, d->o->node[f]);
			if (err < 0)
				return fail(d, err, "%s is no address of a node (http://127.0.0.1:PORT)", d->o->node[f]);
			c->patience_ns = PATIENCE;
			err = hub_watch(d->hub, c);
		}
	d->start_ns = -d->o->history_h * HOUR;
	for (size_t f = 0; f < SIM_FIRMS; f++)
		d->node[f].written_ns = d->start_ns;
	buf_init(&d->again, 0);
	prng_seed(&d->again_rng, d->o->plan.seed ^ 0x6e69676874); /* a stream of its own */
	return err;
}

static void drive_close(struct drive *d)
{
	for (size_t f = 0; f < SIM_FIRMS; f++)
		for (int k = 0; k < CONNS; k++) {
			http_conn_free(&d->node[f].conn[k]);
			buf_free(&d->node[f].body[k]);
		}
	if (d->hub)
		hub_free(d->hub);
	free(d->hub);
	plan_free(d->p);
	vfs_free(d->vfs);
	buf_free(&d->again);
}

int drive_run(const struct drive_opts *o, char error[DRIVE_ERROR_MAX])
{
	struct drive d = {.o = o, .error = error};
	error[0] = '\0';
	int err = drive_open(&d);
	if (err == 0)
		err = meet(&d);
	if (err == 0 && o->truth)
		err = write_truth(&d);
	if (err == 0)
		err = announce(&d);
	if (err == 0)
		err = history(&d);
	if (err == 0 && o->life_min != 0)
		err = life(&d);
	if (err == MO_ECANCELED && stopped(&d))
		err = 0;
	if (err == 0 && o->acks)
		err = write_acks(&d);
	drive_close(&d);
	if (err < 0 && !error[0])
		(void)fail(&d, err, "%s", mo_err_name(err));
	return err;
}
