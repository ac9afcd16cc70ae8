/* Level shifts: values of each cycle (and five-minute means of clock signals,
 * while the machine runs) fed to insight/level.h, one state per operating
 * group: the item that the cycle's lot is of. After a start or late data a
 * signal is fed again from JOBS_REPLAY_NS back; findings are idempotent. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "node/priv/jobs.h"
#include "node/priv/labels.h"

#define LEVEL_TELL_EVERY 20u   /* samples between two updates of one case */
#define LEVEL_RUN_LOTS 4096u   /* cycles whose lots are held at once */
#define LATE_QUIET_NS (900 * NS_PER_S) /* late data are fed again when no more came for so long */
#define WARM_UP_NS (1800 * NS_PER_S)   /* clock signals after a stop: not judged */

/* ---- the item of each cycle ---- */
struct lots {
	struct sdb_cursor *c;
	struct sdb_batch b;
	size_t i;
	bool more;
};

static void lots_open(struct jobs *j, struct machine *m, int64_t from, struct lots *l)
{
	struct sdb_range r = {.from_ns = from, .to_ns = INT64_MAX};
	memset(l, 0, sizeof *l);
	if (m->lot_id && sdb_read(j->node->sdb, &l->c, m->lot_id, &r, NULL) == 0)
		l->more = sdb_next(l->c, &l->b, NULL) == 0 && l->b.n;
}

/* The lot of cycle (t, seq): "" when none is known. Cycles are asked in order. */
static struct span lots_at(struct lots *l, int64_t t, uint64_t seq)
{
	while (l->more && (l->b.t_ns[l->i] < t || (l->b.t_ns[l->i] == t && l->b.seq && l->b.seq[l->i] < seq))) {
		if (++l->i == l->b.n) {
			l->i = 0;
			l->more = sdb_next(l->c, &l->b, NULL) == 0 && l->b.n;
		}
	}
	if (l->more && l->b.t_ns[l->i] == t && (!l->b.seq || l->b.seq[l->i] == seq))
		return l->b.str[l->i];
	return SPAN_LIT("");
}

/* ---- groups ---- */
static struct track_group *group_of(struct jobs *j, struct track *t, const char *name)
{
	for (size_t i = 0; i < t->n_groups; i++)
		if (strcmp(t->groups[i].name, name) == 0)
			return &t->groups[i];
	if (t->n_groups == JOBS_GROUPS_MAX)
		return &t->groups[JOBS_GROUPS_MAX - 1];
	struct track_group *g = realloc(t->groups, (t->n_groups + 1) * sizeof *g);
	if (!g) {
		j->err = MO_ENOMEM;
		return NULL;
	}
	t->groups = g;
	g += t->n_groups++;
	memset(g, 0, sizeof *g);
	diag_copy(g->name, sizeof g->name, span_str(name));
	level_init(&g->level);
	return g;
}

/* What began together in one machine has one begin: that of the signal in which it is seen best. */
static struct level_finding begun_together(const struct jobs *j, const struct track *t, const struct track_group *g, const struct level_finding *f)
{
	struct level_finding joined = *f;
	for (series_id i = t->machine->first_track; i; i = j->tracks[i].next) {
		const struct track *o = &j->tracks[i];
		for (size_t k = 0; o != t && o->kind == t->kind && k < o->n_groups; k++)
			if (o->groups[k].shifted && strcmp(o->groups[k].name, g->name) == 0)
				(void)level_join(&joined, &o->groups[k].finding);
	}
	return joined;
}

static void tell(struct jobs *j, struct track *t, struct track_group *g, const struct level_finding *own, bool over, struct span lot)
{
	struct machine *m = t->machine;
	struct level_finding joined = *own, *f = &joined;
	if (over) { /* the surer one may have ended before: what was told stays */
		joined.begin_ns = g->begin_ns;
		joined.begin_seq = g->begin_seq;
	} else {
		joined = begun_together(j, t, g, own);
		g->begin_ns = joined.begin_ns;
		g->begin_seq = joined.begin_seq;
	}
	char detail[160];
	snprintf(detail, sizeof detail, "%.127s", t->signal);
	struct jobs_case *c = jobs_add_case(j, m->asset, "level_shift", detail);
	struct buf b;
	struct json_writer w;
	char id[UUID_TEXT];
	struct signal_words said;
	if (!c)
		return;
	c->begin_ns = f->begin_ns;
	c->over = over;
	c->end_ns = over ? f->end_ns : T_NONE;
	if (lot.n) {
		struct settings *s = calloc(1, sizeof *s);
		if (s) {
			node_settings(j->node, s);
			diag_copy(c->firm, sizeof c->firm, span_str(s->firm));
			diag_copy(c->lot, sizeof c->lot, lot);
		}
		free(s);
	}
	uuid_format(id, &t->uuid);
	buf_init(&b, 0);
	json_writer_init(&w, &b);
	jw_object(&w);
	jw_key(&w, "series");
	jw_cstr(&w, id);
	jw_key(&w, "signal");
	jw_cstr(&w, t->signal);
	jw_key(&w, "group");
	jw_cstr(&w, g->name);
	jw_key(&w, "before");
	jw_f64(&w, f->before);
	jw_key(&w, "after");
	jw_f64(&w, f->after);
	jw_key(&w, "noise");
	jw_f64(&w, f->noise);
	jw_key(&w, "strength");
	jw_f64(&w, f->strength);
	jw_key(&w, "unit");
	jw_cstr(&w, !t->unit[0] && labels_find(j->node, span_str(m->asset), span_str(t->signal), &said) ? said.unit : t->unit);
	jw_key(&w, "samples");
	jw_u64(&w, f->samples);
	jw_key(&w, "begin_seq");
	jw_u64(&w, f->begin_seq);
	jw_object_end(&w);
	jobs_evidence(j, c, &b);
}

static void feed(struct jobs *j, struct track *t, struct track_group *g, const struct level_sample *x, struct span lot)
{
	struct level_finding f;
	switch (level_feed(&g->level, x, &f)) {
	case LEVEL_NOTHING: break;
	case LEVEL_SHIFTED:
		g->shifted = true;
		g->finding = f;
		g->samples_told = f.samples;
		tell(j, t, g, &f, false, lot);
		break;
	case LEVEL_UPDATE:
		g->finding = f;
		if (f.samples - g->samples_told >= LEVEL_TELL_EVERY) {
			g->samples_told = f.samples;
			tell(j, t, g, &f, false, lot);
		}
		break;
	case LEVEL_ENDED:
		g->shifted = false;
		tell(j, t, g, &f, true, SPAN_LIT(""));
		break;
	}
}

/* ---- values ---- */
static bool number_at(const struct sdb_batch *b, enum series_type type, size_t i, double *ret)
{
	if (b->quality && q_is_bad(b->quality[i]))
		return false;
	*ret = type == SERIES_F64 ? b->f64[i] : (double)b->i64[i];
	return isfinite(*ret);
}

static void feed_cycles(struct jobs *j, struct track *t)
{
	struct machine *m = t->machine;
	struct sdb_cursor *c;
	struct sdb_batch b;
	struct sdb_range r = {.from_ns = t->fed_ns == INT64_MIN ? j->now_ns - JOBS_REPLAY_NS : t->fed_ns, .to_ns = INT64_MAX};
	if (sdb_read(j->node->sdb, &c, t->id, &r, NULL) != 0)
		return;
	struct lots lots;
	lots_open(j, m, r.from_ns, &lots);
	while (sdb_next(c, &b, NULL) == 0 && b.n) {
		for (size_t i = 0; i < b.n; i++) {
			uint64_t seq = b.seq ? b.seq[i] : 0;
			double v;
			if (b.t_ns[i] < t->fed_ns || (b.t_ns[i] == t->fed_ns && seq <= t->fed_seq))
				continue;
			t->fed_ns = b.t_ns[i];
			t->fed_seq = seq;
			if (!number_at(&b, t->type, i, &v))
				continue;
			struct span lot = lots_at(&lots, b.t_ns[i], seq);
			struct track_group *g = group_of(j, t, lot.n ? jobs_item_of(j, lot) : "");
			if (g)
				feed(j, t, g, &(struct level_sample){b.t_ns[i], seq, v}, lot);
		}
	}
	sdb_cursor_close(lots.c);
	sdb_cursor_close(c);
}

/* Whether the machine ran through [from, to) and had done so for a while. A machine without states always runs. */
static bool ran(const struct machine *m, int64_t from, int64_t to)
{
	if (!m->state_id)
		return true;
	for (size_t i = 0; i < m->n_tail; i++)
		if (m->tail[i].state == ISTATE_RUNNING && m->tail[i].from_ns + WARM_UP_NS <= from && to <= m->tail[i].to_ns)
			return true;
	return false;
}

#define CLOCK_BINS 288u

static void feed_means(struct jobs *j, struct track *t)
{
	struct sdb_extent e;
	struct sdb_bin bins[CLOCK_BINS];
	int64_t last = (j->now_ns / JOBS_BIN_NS - 1) * JOBS_BIN_NS; /* the bin that just ended may still get a value */
	if (t->fed_ns == INT64_MIN) {
		if (sdb_extent(j->node->sdb, t->id, &e, NULL) != 0 || e.points == 0)
			return;
		int64_t from = e.first_ns > j->now_ns - JOBS_REPLAY_NS ? e.first_ns : j->now_ns - JOBS_REPLAY_NS;
		t->fed_ns = (from / JOBS_BIN_NS) * JOBS_BIN_NS;
	}
	while (t->fed_ns < last) {
		size_t n = (size_t)((last - t->fed_ns) / JOBS_BIN_NS);
		if (n > CLOCK_BINS)
			n = CLOCK_BINS;
		if (n == 0 || sdb_chart(j->node->sdb, t->id, t->fed_ns, t->fed_ns + (int64_t)n * JOBS_BIN_NS, n, bins, NULL) != 0)
			return;
		for (size_t i = 0; i < n; i++) {
			int64_t from = t->fed_ns + (int64_t)i * JOBS_BIN_NS;
			if (bins[i].count == 0 || !ran(t->machine, from, from + JOBS_BIN_NS))
				continue;
			struct track_group *g = group_of(j, t, "");
			if (g)
				feed(j, t, g, &(struct level_sample){from, 0, bins[i].sum / (double)bins[i].count}, SPAN_LIT(""));
		}
		t->fed_ns += (int64_t)n * JOBS_BIN_NS;
	}
}

void jobs_level_run(struct jobs *j, struct machine *m)
{
	if (m->touched && m->newest_ns != INT64_MIN && m->tap.t_min < m->newest_ns - JOBS_BIN_NS)
		m->quiet_since_ns = j->now_ns;
	if (m->touched && m->tap.t_max > m->newest_ns)
		m->newest_ns = m->tap.t_max;
	/* While late data keep coming nothing is fed: it would be judged out of order. */
	if (m->quiet_since_ns != T_NONE && j->now_ns - m->quiet_since_ns < LATE_QUIET_NS)
		return;
	m->quiet_since_ns = T_NONE;
	for (series_id i = m->first_track; i; i = j->tracks[i].next) {
		struct track *t = &j->tracks[i];
		if (!(t->touched || t->replay) || t->id == m->state_id || t->id == m->alarm_id)
			continue;
		t->touched = false;
		if (t->type != SERIES_F64 && t->type != SERIES_I64)
			continue;
		if (t->replay) {
			t->n_groups = 0;
			t->fed_ns = INT64_MIN;
			t->fed_seq = 0;
			t->replay = false;
		}
		if (t->kind == SERIES_SEQUENCE)
			feed_cycles(j, t);
		else
			feed_means(j, t);
	}
}
