/* See live.h. Everything here runs on the loop, but live_changed() (store
 * thread, posts) and the reading of the change feed (a worker, for all streams
 * that are behind at once). A stream whose browser does not read is not written
 * to: values are last values, so that nothing needs to be kept for it, and
 * changes are read from the store when it drains. */
#include "node/live.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "codec/json.h"
#include "node/priv/node.h"

#define LIVE_TICK_NS (100 * NS_PER_MS) /* at most ten redraws a second */
#define LIVE_CLOCK_TICKS 10u
#define LIVE_CHANGES 500 /* read at once */

struct watched {
	series_id id;
	int64_t t_ns, t_next_ns; /* sent; written, not sent yet */
	uint64_t seq, seq_next;
};
struct stream {
	struct stream *next;
	struct gate_pass pass;
	struct watched *series;
	size_t n;
	bool changes, devices, blocked;
	bool fresh; /* has not had the clock yet */
	bool machines_only; /* of the changes */
	int64_t sent; /* last change number */
};
struct change_line {
	int64_t number;
	size_t at, n; /* in text */
	bool machine; /* says nothing of lots, records or cases */
};
struct live {
	struct node *node;
	struct stream *streams;
	unsigned count;
	struct loop_timer *tick;
	unsigned ticks;
	atomic_llong latest;      /* change number */
	bool reading;
	struct work work;
	struct loop_post post;
	int64_t read_from;
	struct change_line *lines;
	size_t n_lines;
	struct buf text;
	struct buf out;           /* scratch of the loop */
	struct buf news;          /* clock, then devices: written once a tick for all streams */
};

static struct stream *find(struct live *l, const struct http_x *x)
{
	for (struct stream *s = l->streams; s; s = s->next)
		if (s->pass.x == x)
			return s;
	return NULL;
}

static void send(struct stream *s, struct span bytes)
{
	int err = gate_piece(&s->pass, bytes);
	if (err == MO_EAGAIN)
		s->blocked = true;
	else if (err != 0)
		gate_abort(&s->pass);
}

/* ---- values ---- */
static const char *quality_text(uint8_t q) { return q_is_bad(q) ? "bad" : q ? "uncertain" : "good"; }

void live_value(struct json_writer *w, const struct sdb_point *p)
{
	switch (p->type) {
	case SERIES_F64: jw_f64(w, p->v.f64); break;
	case SERIES_I64: jw_i64(w, p->v.i64); break;
	case SERIES_BOOL: jw_bool(w, p->v.b); break;
	case SERIES_STR: jw_str(w, p->v.str); break;
	}
}

static void send_values(struct live *l, struct stream *s)
{
	struct json_writer w;
	bool any = false;
	buf_reset(&l->out);
	buf_adds(&l->out, "event: value\ndata: ");
	json_writer_init(&w, &l->out);
	jw_array(&w);
	for (size_t i = 0; i < s->n; i++) {
		struct sdb_point p;
		struct series_def def;
		struct watched *v = &s->series[i];
		v->t_next_ns = v->t_ns;
		v->seq_next = v->seq;
		if (sdb_last(l->node->sdb, v->id, &p) != 0 || (p.t_ns == v->t_ns && p.seq == v->seq) || sdb_get_def(l->node->sdb, v->id, &def) != 0)
			continue;
		if (p.type == SERIES_STR)
			p.v.str.p = (const uint8_t *)p.str;
		v->t_next_ns = p.t_ns;
		v->seq_next = p.seq;
		any = true;
		char id[UUID_TEXT];
		uuid_format(id, &def.uuid);
		jw_object(&w);
		jw_key(&w, "id");
		jw_cstr(&w, id);
		jw_key(&w, "t_ms");
		jw_f64(&w, (double)(p.t_ns / 1000) / 1e3);
		jw_key(&w, "v");
		live_value(&w, &p);
		jw_key(&w, "q");
		jw_cstr(&w, quality_text(p.quality));
		if (p.seq) {
			jw_key(&w, "seq");
			jw_u64(&w, p.seq);
		}
		jw_object_end(&w);
	}
	jw_array_end(&w);
	buf_adds(&l->out, "\n\n");
	if (!any || l->out.err)
		return; /* no memory: the next tick writes them again */
	for (size_t i = 0; i < s->n; i++) {
		s->series[i].t_ns = s->series[i].t_next_ns;
		s->series[i].seq = s->series[i].seq_next;
	}
	send(s, buf_span(&l->out));
}

/* ---- clock and devices, once a second ---- */
static void write_clock(struct live *l)
{
	struct json_writer w;
	struct clock *c = l->node->clock;
	int64_t from, to;
	node_history(l->node, &from, &to);
	buf_adds(&l->news, "event: clock\ndata: ");
	json_writer_init(&w, &l->news);
	jw_object(&w);
	jw_key(&w, "now");
	jw_time(&w, clock_now(c));
	jw_key(&w, "mode");
	jw_cstr(&w, clock_mode(c) == CLOCK_REAL ? "real" : clock_mode(c) == CLOCK_SCALED ? "scaled" : "stepped");
	jw_key(&w, "scale");
	jw_f64(&w, clock_scale(c));
	jw_key(&w, "history");
	if (from == T_NONE) {
		jw_null(&w);
	} else {
		jw_object(&w);
		jw_key(&w, "from");
		jw_time(&w, from);
		jw_key(&w, "to");
		jw_time(&w, to);
		jw_object_end(&w);
	}
	jw_object_end(&w);
	buf_adds(&l->news, "\n\n");
}

static void add_device(void *arg, const struct machine_info *m)
{
	struct json_writer *w = arg;
	jw_object(w);
	jw_key(w, "asset");
	jw_cstr(w, m->asset);
	jw_key(w, "stale");
	jw_bool(w, m->stale);
	jw_object_end(w);
}

static void write_devices(struct live *l)
{
	struct json_writer w;
	buf_adds(&l->news, "event: device\ndata: ");
	json_writer_init(&w, &l->news);
	jw_array(&w);
	collect_machines(l->node->collect, add_device, &w);
	jw_array_end(&w);
	buf_adds(&l->news, "\n\n");
}

/* ---- changes ---- */
static void read_changes(struct live *l);

static void changes_read(void *arg)
{
	struct live *l = arg;
	bool got_on = false;
	l->reading = false;
	for (struct stream *s = l->streams; s; s = s->next) {
		if (!s->changes || s->blocked || s->sent < l->read_from)
			continue;
		size_t i = 0;
		while (i < l->n_lines && l->lines[i].number <= s->sent)
			i++;
		if (i == l->n_lines)
			continue;
		buf_reset(&l->out);
		buf_printf(&l->out, "id: %lld\nevent: change\ndata: [", (long long)l->lines[l->n_lines - 1].number);
		size_t begin = l->out.n;
		for (size_t k = i; k < l->n_lines; k++) {
			if (s->machines_only && !l->lines[k].machine)
				continue;
			if (l->out.n > begin)
				buf_addc(&l->out, ',');
			buf_add(&l->out, span_of(l->text.p + l->lines[k].at, l->lines[k].n));
		}
		buf_adds(&l->out, "]\n\n");
		if (l->out.err)
			continue;
		s->sent = l->lines[l->n_lines - 1].number;
		got_on = true;
		send(s, buf_span(&l->out));
	}
	if (got_on)
		read_changes(l); /* else the store or the memory failed: not before the next tick */
}

static bool is_machine(struct span noun)
{
	return span_is(noun, "asset") || span_is(noun, "signal") || span_is(noun, "state") || span_is(noun, "doc");
}

static void read_work(struct work *work, struct store_reader *r)
{
	struct live *l = (struct live *)((char *)work - offsetof(struct live, work));
	struct table_cursor *cur = NULL;
	struct table_batch b;
	struct store_arg args[] = {sarg_i(l->read_from), sarg_i(LIVE_CHANGES)};
	l->n_lines = 0;
	buf_reset(&l->text);
	int err = store_select(r, &cur, SQ_CHANGES, args, 2, NULL);
	while (err == 0 && (err = table_next(cur, &b, NULL)) == 0 && b.n_rows) {
		for (size_t i = 0; i < b.n_rows && l->n_lines < LIVE_CHANGES; i++) {
			struct json_writer w;
			struct change_line *c = &l->lines[l->n_lines];
			size_t at = l->text.n;
			json_writer_init(&w, &l->text);
			jw_object(&w);
			jw_key(&w, "number");
			jw_i64(&w, b.cols[0].i64[i]);
			jw_key(&w, "t");
			jw_time(&w, b.cols[1].i64[i]);
			jw_key(&w, "noun");
			jw_str(&w, b.cols[2].str[i]);
			jw_key(&w, "key");
			jw_str(&w, b.cols[3].str[i]);
			jw_key(&w, "did");
			jw_str(&w, b.cols[4].str[i]);
			jw_object_end(&w);
			if (l->text.err)
				break;
			*c = (struct change_line){b.cols[0].i64[i], at, l->text.n - at, is_machine(b.cols[2].str[i])};
			l->n_lines++;
		}
	}
	table_close(cur);
	l->post.fn = changes_read;
	l->post.arg = l;
	loop_post(l->node->loop, &l->post);
}

/* One read for all streams that are behind, from the one furthest behind. */
static void read_changes(struct live *l)
{
	int64_t latest = atomic_load(&l->latest), from = latest;
	if (l->reading)
		return;
	for (struct stream *s = l->streams; s; s = s->next)
		if (s->changes && !s->blocked && s->sent < from)
			from = s->sent;
	if (from >= latest)
		return;
	l->read_from = from;
	l->work.fn = read_work;
	l->reading = node_work(l->node, &l->work) == 0;
}

static void tick(void *arg)
{
	struct live *l = arg;
	bool second = ++l->ticks % LIVE_CLOCK_TICKS == 0;
	size_t n_clock = 0;
	buf_reset(&l->news);
	for (struct stream *s = l->streams; s; s = s->next) {
		if (s->blocked)
			continue;
		if (s->n)
			send_values(l, s);
		if (!(second || s->fresh) || s->blocked)
			continue;
		if (!l->news.n) {
			write_clock(l);
			n_clock = l->news.n;
			write_devices(l);
		}
		if (l->news.err)
			continue;
		s->fresh = false;
		send(s, span_sub(buf_span(&l->news), 0, s->devices ? l->news.n : n_clock));
	}
	/* The store thread cannot touch the streams; a change is picked up by the next tick. */
	read_changes(l);
	loop_timer_set(l->tick, l->streams ? LIVE_TICK_NS : -1);
}

void live_changed(struct live *l, int64_t number) { atomic_store(&l->latest, number); }

int live_open(struct live *l, const struct gate_pass *pass, const series_id *series, size_t n, bool changes, bool devices, int64_t after)
{
	static const struct gate_field fields[] = {{"Content-Type", {(const uint8_t *)"text/event-stream", 17}}, {"Cache-Control", {(const uint8_t *)"no-store", 8}}};
	if (l->count >= LIVE_STREAMS_MAX || n > LIVE_SERIES_MAX)
		return MO_ELIMIT;
	struct stream *s = calloc(1, sizeof *s);
	if (!s)
		return MO_ENOMEM;
	s->series = calloc(n ? n : 1, sizeof *s->series);
	if (!s->series) {
		free(s);
		return MO_ENOMEM;
	}
	for (size_t i = 0; i < n; i++)
		s->series[i] = (struct watched){.id = series[i], .t_ns = T_NONE};
	s->pass = *pass;
	s->n = n;
	s->changes = changes;
	s->devices = devices;
	s->machines_only = !gate_may(pass, PERMISSION_READ);
	/* A browser that has seen more than there is saw another folder's: it waits for what comes now. */
	s->sent = atomic_load(&l->latest);
	if (after >= 0 && after < s->sent)
		s->sent = after;
	int err = gate_begin(&s->pass, 200, fields, 2);
	if (err != 0) {
		free(s->series);
		free(s);
		return err;
	}
	s->next = l->streams;
	l->streams = s;
	l->count++;
	s->fresh = true; /* the clock comes with the first tick */
	loop_timer_set(l->tick, 0);
	return 0;
}

void live_drained(struct live *l, struct http_x *x)
{
	struct stream *s = find(l, x);
	if (s)
		s->blocked = false;
}

void live_closed(struct live *l, struct http_x *x)
{
	for (struct stream **at = &l->streams; *at; at = &(*at)->next)
		if ((*at)->pass.x == x) {
			struct stream *s = *at;
			*at = s->next;
			free(s->series);
			free(s);
			l->count--;
			return;
		}
}

void live_end(struct live *l)
{
	for (struct stream *s = l->streams; s; s = s->next) {
		s->blocked = true;
		if (gate_end(&s->pass) != 0)
			gate_abort(&s->pass);
	}
}

unsigned live_count(const struct live *l) { return l->count; }

int live_new(struct live **ret, struct node *n)
{
	struct live *l = calloc(1, sizeof *l);
	if (!l)
		return MO_ENOMEM;
	l->node = n;
	buf_init(&l->text, 4u << 20);
	buf_init(&l->out, 4u << 20);
	buf_init(&l->news, 4u << 20);
	atomic_init(&l->latest, store_last_change(n->store));
	l->lines = calloc(LIVE_CHANGES, sizeof *l->lines);
	int err = l->lines ? loop_timer_new(n->loop, &l->tick, tick, l) : MO_ENOMEM;
	if (err != 0) {
		live_free(l);
		return err;
	}
	*ret = l;
	return 0;
}

void live_free(struct live *l)
{
	if (!l)
		return;
	while (l->streams) {
		struct stream *s = l->streams;
		l->streams = s->next;
		free(s->series);
		free(s);
	}
	loop_timer_free(l->tick);
	buf_free(&l->text);
	buf_free(&l->out);
	buf_free(&l->news);
	free(l->lines);
	free(l);
}
