/* Machine states and stops of each machine whose device document maps a state
 * signal: recomputed from the stored values for the range that changed, so
 * that late data correct the past instead of being ignored. */
#include <stdlib.h>

#include "node/priv/jobs.h"

#define STALE_INTERVALS 3
#define STATES_WRITE_EVERY_NS (600 * NS_PER_S) /* an unchanged last state is written on so often */
#define STOP_REJOIN_NS (20 * NS_PER_S)
#define PLANNED_MAX 512

/* ---- planned stops: events "planned_stop" {asset, t, data.to} ---- */
static void planned_add(struct machine *m, int64_t from, int64_t to)
{
	struct istate_span *p = realloc(m->planned, (m->n_planned + 1) * sizeof *p);
	if (!p)
		return;
	m->planned = p;
	size_t i = m->n_planned++;
	while (i > 0 && p[i - 1].from_ns > from) {
		p[i] = p[i - 1];
		i--;
	}
	p[i] = (struct istate_span){from, to};
	/* A pure function wants them apart: overlapping ones are joined. */
	size_t k = 0;
	for (i = 1; i < m->n_planned; i++) {
		if (p[i].from_ns <= p[k].to_ns)
			p[k].to_ns = p[i].to_ns > p[k].to_ns ? p[i].to_ns : p[k].to_ns;
		else
			p[++k] = p[i];
	}
	m->n_planned = k + 1;
}

static bool covered(const struct machine *m, int64_t from, int64_t to)
{
	for (size_t i = 0; i < m->n_planned; i++)
		if (m->planned[i].from_ns <= from && to <= m->planned[i].to_ns)
			return true;
	return false;
}

void jobs_planned_refresh(struct jobs *j)
{
	struct store_arg args[] = {sarg_null(), sarg_s(SPAN_LIT("planned_stop")), sarg_i(j->now_ns - JOBS_TAIL_NS), sarg_null(), sarg_null(), sarg_i(PLANNED_MAX)};
	struct table_cursor *cur = NULL;
	struct table_batch b;
	if (store_select(j->reader, &cur, SQ_EVENTS, args, 6, NULL) != 0)
		return;
	size_t at_asset = 0, at_t = 0, at_data = 0;
	for (size_t i = 0; i < cur->n_cols; i++) {
		const char *name = cur->cols[i].name;
		at_asset = strcmp(name, "asset") == 0 ? i : at_asset;
		at_t = strcmp(name, "t") == 0 ? i : at_t;
		at_data = strcmp(name, "data") == 0 ? i : at_data;
	}
	struct arena a;
	arena_init(&a, 1 << 20);
	while (table_next(cur, &b, NULL) == 0 && b.n_rows) {
		for (size_t i = 0; i < b.n_rows; i++) {
			struct json_value *data;
			int64_t to, from = b.cols[at_t].i64[i];
			uint64_t *m = map_get(&j->machine_of, b.cols[at_asset].str[i]);
			arena_reset(&a);
			if (!m || json_parse(&data, &a, b.cols[at_data].str[i], NULL) != 0 || json_get_time(data, "to", &to, NULL) != 0 || to <= from)
				continue;
			struct machine *mm = (struct machine *)(uintptr_t)*m;
			if (covered(mm, from, to))
				continue;
			planned_add(mm, from, to);
			if (from < mm->dirty_from_ns)
				mm->dirty_from_ns = from;
		}
	}
	arena_free(&a);
	table_close(cur);
}

/* ---- samples ---- */
struct samples {
	struct istate_sample *s;
	size_t n, cap;
};

static bool samples_add(struct samples *q, const struct istate_sample *s)
{
	if (q->n == q->cap) {
		size_t cap = q->cap ? 2 * q->cap : 256;
		struct istate_sample *p = realloc(q->s, cap * sizeof *p);
		if (!p)
			return false;
		q->s = p;
		q->cap = cap;
	}
	q->s[q->n++] = *s;
	return true;
}

static int64_t integer_at(const struct sdb_batch *b, enum series_type type, size_t i)
{
	switch (type) {
	case SERIES_F64: return (int64_t)b->f64[i];
	case SERIES_I64: return b->i64[i];
	case SERIES_BOOL: return b->b[i];
	case SERIES_STR: break;
	}
	return -1;
}

/* The last value before t, so that a range begins with what held. */
static bool before(struct jobs *j, series_id id, int64_t t, int64_t *ret_t)
{
	struct sdb_cursor *c;
	struct sdb_batch b;
	struct sdb_range r = {.from_ns = INT64_MIN, .to_ns = t, .descending = true};
	bool ok = sdb_read(j->node->sdb, &c, id, &r, NULL) == 0;
	if (!ok)
		return false;
	ok = sdb_next(c, &b, NULL) == 0 && b.n > 0;
	if (ok)
		*ret_t = b.t_ns[0];
	sdb_cursor_close(c);
	return ok;
}

/* State codes from..now with the alarm that held at each. */
static bool read_samples(struct jobs *j, struct machine *m, int64_t from, struct samples *q)
{
	struct sdb *db = j->node->sdb;
	struct track *st = jobs_track(j, m->state_id), *al = m->alarm_id ? jobs_track(j, m->alarm_id) : NULL;
	struct sdb_cursor *cs = NULL, *ca = NULL;
	struct sdb_batch bs = {0}, ba = {0};
	int64_t t0 = from, a0 = from;
	bool ok = true;
	before(j, m->state_id, from, &t0);
	struct sdb_range rs = {.from_ns = t0, .to_ns = INT64_MAX};
	if (sdb_read(db, &cs, m->state_id, &rs, NULL) != 0)
		return false;
	if (al) {
		before(j, al->id, t0 + 1, &a0);
		struct sdb_range ra = {.from_ns = a0 < t0 ? a0 : t0, .to_ns = INT64_MAX};
		if (sdb_read(db, &ca, al->id, &ra, NULL) != 0)
			ca = NULL;
	}
	size_t ia = 0;
	int alarm = 0;
	bool more_alarms = ca && sdb_next(ca, &ba, NULL) == 0 && ba.n;
	while (ok && sdb_next(cs, &bs, NULL) == 0 && bs.n) {
		for (size_t i = 0; i < bs.n && ok; i++) {
			while (more_alarms && ba.t_ns[ia] <= bs.t_ns[i]) {
				alarm = (int)integer_at(&ba, al->type, ia);
				if (++ia == ba.n) {
					ia = 0;
					more_alarms = sdb_next(ca, &ba, NULL) == 0 && ba.n;
				}
			}
			int64_t raw = integer_at(&bs, st->type, i);
			if ((bs.quality && q_is_bad(bs.quality[i])) || raw < 0 || raw > 254 || m->info.codes[raw] == 255)
				continue;
			ok = samples_add(q, &(struct istate_sample){bs.t_ns[i], (enum mcode)m->info.codes[raw], alarm});
		}
	}
	sdb_cursor_close(cs);
	sdb_cursor_close(ca);
	if (!ok)
		j->err = MO_ENOMEM;
	return ok;
}

/* ---- the tail of intervals in memory ---- */
static bool tail_splice(struct machine *m, int64_t from, const struct istate_interval *in, size_t n, int64_t keep_from)
{
	size_t k = 0;
	for (size_t i = 0; i < m->n_tail; i++) {
		struct istate_interval t = m->tail[i];
		if (t.to_ns <= keep_from || t.from_ns >= from)
			continue;
		if (t.to_ns > from)
			t.to_ns = from;
		m->tail[k++] = t;
	}
	if (k + n > m->cap_tail) {
		size_t cap = 2 * (k + n);
		struct istate_interval *p = realloc(m->tail, cap * sizeof *p);
		if (!p)
			return false;
		m->tail = p;
		m->cap_tail = cap;
	}
	for (size_t i = 0; i < n; i++) {
		if (k == 0 || !istates_join(&m->tail[k - 1], &in[i]))
			m->tail[k++] = in[i];
	}
	m->n_tail = k;
	return true;
}

static void queue_states(struct jobs *j, struct machine *m, int64_t from)
{
	if (j->n_states == j->cap_states) {
		size_t cap = j->cap_states ? 2 * j->cap_states : 16;
		struct jobs_states *p = realloc(j->states, cap * sizeof *p);
		if (!p) {
			j->err = MO_ENOMEM;
			return;
		}
		j->states = p;
		j->cap_states = cap;
	}
	size_t first = 0;
	while (first < m->n_tail && m->tail[first].to_ns <= from)
		first++;
	struct jobs_states *q = &j->states[j->n_states];
	*q = (struct jobs_states){.from_ns = from, .to_ns = m->tail[m->n_tail - 1].to_ns};
	memcpy(q->asset, m->asset, sizeof q->asset);
	q->states = calloc(m->n_tail - first, sizeof *q->states);
	if (!q->states) {
		j->err = MO_ENOMEM;
		return;
	}
	for (size_t i = first; i < m->n_tail; i++) {
		const struct istate_interval *t = &m->tail[i];
		q->states[q->n++] = (struct store_state){t->from_ns > from ? t->from_ns : from, t->to_ns, (enum machine_state)t->state, t->alarm};
	}
	j->n_states++;
	m->written_to_ns = q->to_ns;
}

/* ---- stops ---- */
static bool is_case(enum stop_kind k) { return k == STOP_BREAKDOWN || k == STOP_WAITING; }

static void stop_case(struct jobs *j, struct machine *m, const struct istop *s)
{
	struct jobs_case *c = jobs_add_case(j, m->asset, "stop", NULL);
	struct buf b;
	struct json_writer w;
	if (!c)
		return;
	c->begin_ns = s->from_ns;
	c->over = s->to_ns != INT64_MAX;
	c->end_ns = c->over ? s->to_ns : T_NONE;
	buf_init(&b, 0);
	json_writer_init(&w, &b);
	jw_object(&w);
	jw_key(&w, "kind");
	jw_cstr(&w, stop_kind_name(s->kind));
	jw_key(&w, "alarm");
	jw_i64(&w, s->alarm);
	jw_object_end(&w);
	jobs_evidence(j, c, &b);
}

static void tell_stops(struct jobs *j, struct machine *m)
{
	struct settings *set = calloc(1, sizeof *set);
	size_t cap = m->n_tail + 1, n = 0;
	struct istop *stops = calloc(cap, sizeof *stops);
	if (!stops || !set) {
		free(stops);
		free(set);
		j->err = MO_ENOMEM;
		return;
	}
	node_settings(j->node, set);
	struct istop_rules rules = {.min_ns = set->stop_min_s * NS_PER_S, .rejoin_ns = STOP_REJOIN_NS};
	free(set);
	if (istops(stops, cap, &n, m->tail, m->n_tail, &rules) != 0) {
		free(stops);
		j->err = MO_EBUG;
		return;
	}
	for (size_t i = 0; i < n; i++) {
		bool same = false;
		for (size_t k = 0; k < m->n_stops; k++)
			same |= m->stops[k].from_ns == stops[i].from_ns && m->stops[k].to_ns == stops[i].to_ns && m->stops[k].kind == stops[i].kind;
		if (!same && is_case(stops[i].kind))
			stop_case(j, m, &stops[i]);
	}
	free(m->stops);
	m->stops = stops;
	m->n_stops = n;
}

void jobs_states_run(struct jobs *j, struct machine *m)
{
	if (!m->state_id || !m->has_info || !m->info.state_signal[0])
		return;
	if (m->first)
		m->dirty_from_ns = j->now_ns - JOBS_TAIL_NS;
	int64_t from = m->dirty_from_ns;
	/* Time passing changes the last state too (it lasts, or the data became stale). */
	int64_t tail_from = m->n_tail ? m->tail[m->n_tail - 1].from_ns : j->now_ns;
	/* Never after the end of the tail: the time between it and a new value belongs to a state as well. */
	if (m->n_tail && from > m->tail[m->n_tail - 1].to_ns)
		from = m->tail[m->n_tail - 1].to_ns;
	if (from == INT64_MAX || from >= j->now_ns)
		return;
	bool changed_past = m->dirty_from_ns < tail_from || m->first;
	struct samples q = {0};
	if (!read_samples(j, m, from, &q)) {
		free(q.s);
		return;
	}
	int64_t usual = m->info.interval_ns > 60 * NS_PER_S ? m->info.interval_ns : 60 * NS_PER_S; /* a stepped history is polled each minute */
	struct istate_rules rules = {.from_ns = from, .to_ns = j->now_ns, .stale_ns = STALE_INTERVALS * usual, .planned = m->planned, .n_planned = m->n_planned};
	size_t cap = 2 * (q.n + m->n_planned) + 8, n = 0;
	struct istate_interval *in = calloc(cap, sizeof *in);
	size_t old_n = m->n_tail;
	int err = in ? istates(in, cap, &n, q.s, q.n, &rules) : MO_ENOMEM;
	if (err == 0 && n && tail_splice(m, from, in, n, j->now_ns - JOBS_TAIL_NS)) {
		bool news = changed_past || m->n_tail != old_n;
		if (news || m->tail[m->n_tail - 1].to_ns - m->written_to_ns >= STATES_WRITE_EVERY_NS) {
			int64_t since = from < m->written_to_ns || !m->written_to_ns ? from : m->written_to_ns;
			queue_states(j, m, since);
		}
		tell_stops(j, m);
	} else if (err != 0) {
		j->err = err;
	}
	free(in);
	free(q.s);
	m->dirty_from_ns = INT64_MAX;
}
