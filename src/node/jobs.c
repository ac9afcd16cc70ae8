/* See jobs.h: when the detectors run, what they know about series and assets,
 * and how their findings are written.
 *
 *   IDLE --jobs_run()--> RUNNING --findings durable--> IDLE
 *                          | jobs_run() meanwhile: once more */
#include "node/priv/jobs.h"

#include <stdio.h>
#include <stdlib.h>

struct jobs_wait {
	struct jobs_wait *next;
	void (*done)(void *arg, int err);
	void *arg;
};

static void run(struct work *w, struct store_reader *r);

/* ---- what is known ---- */
static struct machine *machine_get(struct jobs *j, struct span asset)
{
	uint64_t *at = map_get(&j->machine_of, asset);
	if (at)
		return (struct machine *)(uintptr_t)*at;
	struct machine *m = calloc(1, sizeof *m);
	if (!m || map_put(&j->machine_of, asset, (uint64_t)(uintptr_t)m) != 0) {
		free(m);
		j->err = MO_ENOMEM;
		return NULL;
	}
	diag_copy(m->asset, sizeof m->asset, asset);
	m->first = true;
	m->dirty_from_ns = INT64_MAX;
	m->newest_ns = INT64_MIN;
	m->quiet_since_ns = T_NONE;
	arrival_init(&m->arrival);
	m->next = j->machines;
	j->machines = m;
	return m;
}

void series_key_read(struct span key, struct buf *asset, struct buf *field)
{
	size_t i = 0, part = 0;
	struct span tag_key = {NULL, 0};
	buf_reset(asset);
	buf_reset(field);
	struct buf *out = asset;
	bool skip = false;
	size_t key_at = 0;
	for (; i < key.n; i++) {
		uint8_t c = key.p[i];
		if (c == '\\' && i + 1 < key.n) {
			i++;
			if (!skip)
				buf_addc(out, key.p[i]);
			continue;
		}
		if (c == ' ') {
			out = field;
			skip = false;
			part = 2;
			continue;
		}
		if (c == ',' && part < 2) {
			part = 1;
			key_at = i + 1;
			skip = true;
			continue;
		}
		if (c == '=' && part == 1 && skip) {
			tag_key = span_sub(key, key_at, i - key_at);
			if (span_is(tag_key, "asset")) {
				buf_reset(asset);
				skip = false;
			}
			continue;
		}
		if (!skip)
			buf_addc(out, c);
	}
}

/* Learns series defined since the last run. */
static void learn_series(struct jobs *j)
{
	series_id max = sdb_max_id(j->node->sdb);
	if (max < j->n_tracks)
		return;
	struct track *t = realloc(j->tracks, ((size_t)max + 1) * sizeof *t);
	if (!t) {
		j->err = MO_ENOMEM;
		return;
	}
	memset(t + j->n_tracks, 0, ((size_t)max + 1 - j->n_tracks) * sizeof *t);
	j->tracks = t;
	struct buf asset, field;
	buf_init(&asset, 0);
	buf_init(&field, 0);
	size_t from = j->n_tracks ? j->n_tracks : 1;
	j->n_tracks = (size_t)max + 1;
	for (size_t i = from; i <= max; i++) {
		struct series_def def;
		if (sdb_get_def(j->node->sdb, (series_id)i, &def) != 0)
			continue;
		series_key_read(def.key, &asset, &field);
		struct machine *m = asset.err || field.err ? NULL : machine_get(j, buf_span(&asset));
		if (!m)
			continue;
		t[i] = (struct track){.id = (series_id)i, .type = def.type, .kind = def.kind, .known = true, .uuid = def.uuid, .machine = m,
			.replay = true, .fed_ns = INT64_MIN};
		t[i].next = m->first_track;
		m->first_track = (series_id)i;
		diag_copy(t[i].signal, sizeof t[i].signal, buf_span(&field));
		diag_copy(t[i].unit, sizeof t[i].unit, def.unit);
		if (strcmp(t[i].signal, "lot") == 0 && def.kind == SERIES_SEQUENCE && def.type == SERIES_STR)
			m->lot_id = (series_id)i;
	}
	buf_free(&asset);
	buf_free(&field);
}

struct track *jobs_track(struct jobs *j, series_id id) { return id < j->n_tracks && j->tracks[id].known ? &j->tracks[id] : NULL; }

static void learn_machine(void *arg, const struct machine_info *info)
{
	struct jobs *j = arg;
	struct machine *m = machine_get(j, span_str(info->asset));
	if (!m)
		return;
	m->info = *info;
	m->has_info = true;
}

static void link_signals(struct jobs *j)
{
	for (size_t i = 1; i < j->n_tracks; i++) {
		struct track *t = &j->tracks[i];
		struct machine *m = t->machine;
		if (!t->known || !m->has_info)
			continue;
		if (m->info.state_signal[0] && strcmp(t->signal, m->info.state_signal) == 0)
			m->state_id = t->id;
		if (m->info.alarm_signal[0] && strcmp(t->signal, m->info.alarm_signal) == 0)
			m->alarm_id = t->id;
	}
}

/* ---- lots of cycles ---- */
const char *jobs_item_of(struct jobs *j, struct span lot)
{
	uint64_t *at = map_get(&j->item_of_lot, lot);
	if (at)
		return j->items[*at];
	char item[96] = "";
	struct table_cursor *cur = NULL;
	struct table_batch b;
	struct settings *s = calloc(1, sizeof *s);
	if (!s)
		return "";
	node_settings(j->node, s);
	struct store_arg args[] = {sarg_s(span_str(s->firm)), sarg_s(lot)};
	if (store_select(j->reader, &cur, SQ_LOT, args, 2, NULL) == 0 && table_next(cur, &b, NULL) == 0 && b.n_rows)
		for (size_t i = 0; i < cur->n_cols; i++)
			if (strcmp(cur->cols[i].name, "item") == 0 && !(b.cols[i].null && b.cols[i].null[0]))
				diag_copy(item, sizeof item, b.cols[i].str[0]);
	table_close(cur);
	free(s);
	if (!item[0])
		return ""; /* may become known later: not remembered */
	char(*items)[96] = realloc(j->items, (j->n_items + 1) * sizeof *items);
	if (!items)
		return "";
	j->items = items;
	memcpy(items[j->n_items], item, sizeof item);
	if (map_put(&j->item_of_lot, lot, j->n_items) != 0)
		return "";
	return items[j->n_items++];
}

/* ---- findings ---- */
struct jobs_case *jobs_add_case(struct jobs *j, const char *asset, const char *kind, const char *cause_detail)
{
	if (j->n_cases == j->cap_cases) {
		size_t cap = j->cap_cases ? 2 * j->cap_cases : 16;
		struct jobs_case *c = realloc(j->cases, cap * sizeof *c);
		if (!c) {
			j->err = MO_ENOMEM;
			return NULL;
		}
		j->cases = c;
		j->cap_cases = cap;
	}
	struct jobs_case *c = &j->cases[j->n_cases++];
	memset(c, 0, sizeof *c);
	c->end_ns = T_NONE;
	snprintf(c->asset, sizeof c->asset, "%s", asset);
	snprintf(c->kind, sizeof c->kind, "%s", kind);
	snprintf(c->cause, sizeof c->cause, "%s%s%s", kind, cause_detail ? ":" : "", cause_detail ? cause_detail : "");
	return c;
}

void jobs_evidence(struct jobs *j, struct jobs_case *c, struct buf *b)
{
	if (c && !b->err && (c->evidence = malloc(b->n + 1))) {
		memcpy(c->evidence, b->p, b->n);
		c->evidence[b->n] = 0;
	} else {
		j->err = MO_ENOMEM;
	}
	buf_free(b);
}

struct write_job {
	struct sjob job;
	struct jobs *j;
};

static int write_run(struct sjob *sj, struct store *s, struct diag *d)
{
	struct jobs *j = ((struct write_job *)sj)->j;
	int err = 0;
	for (size_t i = 0; i < j->n_states && err == 0; i++) {
		struct jobs_states *q = &j->states[i];
		err = store_put_states(s, span_str(q->asset), q->from_ns, q->to_ns, q->states, q->n, d);
	}
	for (size_t i = 0; i < j->n_cases && err == 0; i++) {
		struct jobs_case *q = &j->cases[i];
		struct store_case c = {.asset = span_str(q->asset), .cause = span_str(q->cause), .kind = span_str(q->kind), .begin_ns = q->begin_ns,
			.end_ns = q->end_ns, .raised_ns = j->now_ns, .evidence = span_str(q->evidence ? q->evidence : "{}"), .over = q->over};
		if (q->lot[0])
			c.lot = (struct lot_key){span_str(q->firm), span_str(q->lot)};
		int64_t id;
		enum store_did did;
		err = store_put_case(s, &c, &id, &did, d);
	}
	return err;
}

static void drop_findings(struct jobs *j)
{
	for (size_t i = 0; i < j->n_cases; i++)
		free(j->cases[i].evidence);
	for (size_t i = 0; i < j->n_states; i++)
		free(j->states[i].states);
	j->n_cases = j->n_states = 0;
}

/* ---- one run ---- */
static void tap_add(struct tap *to, bool *any, const struct tap *t)
{
	if (!*any) {
		*to = *t;
		*any = true;
		return;
	}
	to->t_min = t->t_min < to->t_min ? t->t_min : to->t_min;
	to->t_max = t->t_max > to->t_max ? t->t_max : to->t_max;
	to->arrival_min = t->arrival_min < to->arrival_min ? t->arrival_min : to->arrival_min;
	to->arrival_max = t->arrival_max > to->arrival_max ? t->arrival_max : to->arrival_max;
	to->n += t->n;
}

static void take_taps(struct jobs *j)
{
	struct tap *taps = NULL;
	size_t n = 0;
	if (writer_taps(j->node->writer, &taps, &n) != 0)
		return;
	for (size_t i = 0; i < n; i++) {
		struct track *t = jobs_track(j, taps[i].id);
		if (!t)
			continue;
		struct machine *m = t->machine;
		t->touched = true;
		if (taps[i].t_min <= t->fed_ns)
			t->replay = true;
		tap_add(&m->tap, &m->touched, &taps[i]);
		if (!taps[i].from_file)
			tap_add(&m->live, &m->heard, &taps[i]);
		if ((t->id == m->state_id || t->id == m->alarm_id) && taps[i].t_min < m->dirty_from_ns)
			m->dirty_from_ns = taps[i].t_min;
	}
	free(taps);
}

static void finished(void *arg)
{
	struct jobs *j = arg;
	pthread_mutex_lock(&j->mu);
	struct jobs_wait *w = j->running_for;
	bool again = j->again || j->waiting;
	int err = j->err;
	j->running_for = NULL;
	j->running = false;
	j->again = false;
	pthread_mutex_unlock(&j->mu);
	if (again)
		jobs_run(j, NULL, NULL);
	while (w) {
		struct jobs_wait *next = w->next;
		w->done(w->arg, err);
		free(w);
		w = next;
	}
}

static void run(struct work *w, struct store_reader *r)
{
	struct jobs *j = (struct jobs *)((char *)w - offsetof(struct jobs, work));
	struct diag *d = calloc(1, sizeof *d);
	j->reader = r;
	j->err = 0;
	j->now_ns = clock_now(j->node->clock);
	learn_series(j);
	for (struct machine *m = j->machines; m; m = m->next)
		m->has_info = m->touched = m->heard = false;
	collect_machines(j->node->collect, learn_machine, j);
	link_signals(j);
	take_taps(j);
	jobs_planned_refresh(j);
	for (struct machine *m = j->machines; m; m = m->next) {
		jobs_arrival_run(j, m);
		jobs_states_run(j, m);
		jobs_level_run(j, m);
		m->first = false;
	}
	if (j->n_cases || j->n_states) {
		struct write_job q = {.j = j};
		int err = storer_run(j->node->storer, write_run, &q.job, d);
		if (err != 0) {
			j->err = err;
			node_log(j->node, "error", d);
		}
	}
	drop_findings(j);
	free(d);
	j->post.fn = finished;
	j->post.arg = j;
	loop_post(j->node->loop, &j->post);
}

void jobs_run(struct jobs *j, void (*done)(void *arg, int err), void *arg)
{
	struct jobs_wait *w = NULL;
	if (done && !(w = calloc(1, sizeof *w))) {
		done(arg, MO_ENOMEM);
		return;
	}
	if (w) {
		w->done = done;
		w->arg = arg;
	}
	pthread_mutex_lock(&j->mu);
	bool start = !j->running;
	if (w) {
		w->next = j->waiting;
		j->waiting = w;
	}
	if (start) {
		j->running = true;
		j->running_for = j->waiting;
		j->waiting = NULL;
		j->work.fn = run;
		if (node_work(j->node, &j->work) != 0) {
			/* The queue is full: the next second's run takes along who waits. */
			j->running = false;
			j->waiting = j->running_for;
			j->running_for = NULL;
		}
	} else {
		j->again = j->again || done;
	}
	pthread_mutex_unlock(&j->mu);
}

int jobs_new(struct jobs **ret, struct node *n)
{
	struct jobs *j = calloc(1, sizeof *j);
	if (!j)
		return MO_ENOMEM;
	j->node = n;
	map_init(&j->machine_of);
	map_init(&j->item_of_lot);
	pthread_mutex_init(&j->mu, NULL);
	*ret = j;
	return 0;
}

void jobs_free(struct jobs *j)
{
	if (!j)
		return;
	drop_findings(j);
	while (j->machines) {
		struct machine *m = j->machines;
		j->machines = m->next;
		free(m->tail);
		free(m->stops);
		free(m->planned);
		free(m);
	}
	for (size_t i = 0; i < j->n_tracks; i++)
		free(j->tracks[i].groups);
	for (struct jobs_wait *w = j->waiting; w;) {
		struct jobs_wait *next = w->next;
		free(w);
		w = next;
	}
	for (struct jobs_wait *w = j->running_for; w;) {
		struct jobs_wait *next = w->next;
		free(w);
		w = next;
	}
	free(j->tracks);
	free(j->items);
	free(j->cases);
	free(j->states);
	map_free(&j->machine_of);
	map_free(&j->item_of_lot);
	pthread_mutex_destroy(&j->mu);
	free(j);
}
