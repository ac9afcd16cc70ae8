/* What a device reads, on its way to the log. One value:
 *
 *   collect_values_take() --> waits in v->pend --collect_values_flush()--> job at the log thread --value_landed()--> stored, counted
 *
 * The loop thread takes, hands over and counts; between, value_run() numbers
 * cycles and judges times on the log thread. A job owns its values and shares
 * the device's keys. */
#include <stdatomic.h>
#include <stdlib.h>

#include "node/priv/collect.h"

#define VALUES_FIRST 64u /* room made for the first value that waits; doubled when full */

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

/* ---- keys ---- */
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
/* Where one signal's words stand in the text. */
struct words_at {
	size_t key, signal, label, unit, end;
};

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

/* The words of one signal, appended to text. */
static struct words_at words_write(struct buf *text, struct span asset, const struct driver_signal *s)
{
	struct words_at at = {.key = text->n};
	series_key_write(text, asset, NULL, 0, span_str(s->name));
	at.signal = text->n;
	buf_adds(text, s->name);
	at.label = text->n;
	buf_adds(text, s->label);
	at.unit = text->n;
	buf_adds(text, s->unit);
	at.end = text->n;
	return at;
}

/* Fills k for the signals s[k->n]: first all words, then the keys, as the text moves while it grows. */
static int keys_fill(struct devkeys *k, const struct device *v, const struct driver_signal *s, struct words_at *at)
{
	struct span asset = span_str(v->info.asset);
	struct buf text;
	buf_init(&text, 0);
	buf_add(&text, asset);
	buf_adds(&text, "device:");
	buf_adds(&text, v->name);
	size_t source_end = text.n;
	for (size_t i = 0; i < k->n; i++)
		at[i] = words_write(&text, asset, &s[i]);
	struct span all = buf_span(&text);
	for (size_t i = 0; i < k->n && !text.err; i++) {
		const struct words_at *w = &at[i];
		k->per_cycle[i] = s[i].per_cycle;
		k->keys[i] = (struct point_key){.key = span_sub(all, w->key, w->signal - w->key),
			.signal = span_sub(all, w->signal, w->label - w->signal),
			.label = span_sub(all, w->label, w->unit - w->label),
			.unit = span_sub(all, w->unit, w->end - w->unit),
			.asset = span_sub(all, 0, asset.n),
			.source = span_sub(all, asset.n, source_end - asset.n),
			.type = (enum series_type)s[i].type,
			.kind = s[i].per_cycle ? SERIES_SEQUENCE : SERIES_CLOCK};
	}
	k->text = text.p;
	return text.err;
}

int collect_values_open(struct device *v)
{
	size_t n;
	const struct driver_signal *s = v->ops->signals(v->driver, &n);
	struct devkeys *k = calloc(1, sizeof *k);
	if (!k)
		return MO_ENOMEM;
	size_t room = n ? n : 1;
	atomic_store(&k->refs, 1);
	k->n = n;
	k->keys = calloc(room, sizeof *k->keys);
	k->ids = calloc(room, sizeof *k->ids);
	k->per_cycle = calloc(room, sizeof *k->per_cycle);
	struct words_at *at = calloc(room, sizeof *at);
	int err = k->keys && k->ids && k->per_cycle && at ? keys_fill(k, v, s, at) : MO_ENOMEM;
	free(at);
	if (err != 0) {
		keys_release(k);
		return MO_ENOMEM;
	}
	v->keys = k;
	return 0;
}

void collect_values_free(struct device *v)
{
	keys_release(v->keys);
	free(v->pend);
	buf_free(&v->pend_text);
}

/* ---- on the log thread ---- */
struct value_job {
	struct wjob job;
	struct loop_post post;
	struct device *v;
	struct devkeys *keys;
	struct pend *pend;
	size_t n;
	uint8_t *text;
	int64_t arrival_ns;
	uint64_t stored_seq; /* the machine's counter of a cycle that is stored already; 0: none */
	uint64_t gap_seq;    /* of a cycle before which some may have been missed; 0: none */
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

/* Gives the point of a cycle's value q->pend[at] its number, and its quality when a gap is before it. false: that cycle is stored already. */
static bool number_cycle(struct value_job *q, struct sdb *db, size_t at, struct sbatch_point *pt)
{
	uint64_t raw = q->pend[at].seq;
	bool gap = false;
	if (!q->keys->seq_known && first_cycle(q, db, at, &gap))
		q->stored_seq = raw;
	if (gap)
		q->gap_seq = raw;
	pt->seq = raw + q->keys->seq_base;
	if (raw == q->gap_seq && pt->quality == Q_GOOD)
		pt->quality = DQ_GAP_BEFORE;
	return raw != q->stored_seq;
}

/* Adds the value q->pend[at] to the batch as it is to be stored; a cycle that is stored already is left out. */
static int add_value(struct value_job *q, struct sdb *db, size_t at, struct sbatch *b)
{
	struct devkeys *k = q->keys;
	const struct pend *p = &q->pend[at];
	struct sbatch_point pt = {.id = k->ids[p->signal], .type = (enum series_type)p->type, .quality = p->quality, .t_ns = p->t_ns,
		.arrival_ns = T_NONE};
	if (p->seq && !number_cycle(q, db, at, &pt))
		return 0;
	if (pt.quality == Q_GOOD)
		pt.quality = node_time_quality(q->v->c->node, &k->clock, p->t_ns, q->arrival_ns, true);
	if (p->type == DV_STR)
		pt.v.str = span_of(q->text + p->str.at, p->str.n);
	else
		memcpy(&pt.v, &p->f64, sizeof p->f64);
	return sbatch_add(b, &pt);
}

static int resolve_ids(struct devkeys *k, struct node *n, struct diag *d)
{
	int err = 0;
	for (size_t i = 0; i < k->n && err == 0; i++)
		if (!k->ids[i])
			err = node_resolve(n, &k->keys[i], &k->ids[i], d);
	return err;
}

/* One job on the log thread: its values as one batch. */
static int value_run(struct wjob *j, struct writer *w, struct diag *d)
{
	struct value_job *q = (struct value_job *)j;
	struct node *n = q->v->c->node;
	struct sbatch *b = NULL;
	int err = sbatch_new(&b);
	if (err != 0)
		return err;
	sbatch_set_arrival(b, q->arrival_ns);
	err = resolve_ids(q->keys, n, d);
	for (size_t i = 0; i < q->n && err == 0; i++)
		err = add_value(q, writer_db(w), i, b);
	struct sdb_appended did = {0};
	if (err == 0 && sbatch_points(b))
		err = writer_append(w, b, &did, d);
	if (err == 0 && did.refused)
		node_log(n, "warn", d); /* another value stands under that cycle's number: it stays */
	q->stored = did.taken + did.replaced;
	sbatch_free(b);
	return err;
}

/* ---- back on the loop ---- */
/* What a durable job adds to its device's status. */
static void count_landed(struct device *v, const struct value_job *q)
{
	size_t i = q->n;
	while (i > 0 && q_is_bad(q->pend[i - 1].quality))
		i--;
	pthread_mutex_lock(&v->c->mu);
	v->values += q->stored;
	if (i > 0)
		v->last_value_ns = q->pend[i - 1].t_ns;
	pthread_mutex_unlock(&v->c->mu);
}

static void value_landed(void *arg)
{
	struct value_job *q = arg;
	struct collect *c = q->v->c;
	q->v->in_flight--;
	bool unstored = q->err == MO_EFULL;
	if (q->err == 0)
		count_landed(q->v, q);
	else if (unstored)
		disk_lost(node_disk(c->node), q->n);
	/* That the disk has no room is said once, where it turned so (node/disks.c). */
	if (q->err != 0 && q->d.msg != MSG_DISK_REFUSES_VALUES)
		node_log(c->node, "error", &q->d);
	pthread_mutex_lock(&c->mu);
	q->v->unstored = unstored;
	pthread_mutex_unlock(&c->mu);
	if (c->stepping) {
		c->step.values += q->stored;
		if (q->err != 0)
			c->step.err = q->err;
	}
	keys_release(q->keys);
	free(q->pend);
	free(q->text);
	free(q);
	collect_step_check(c);
}

/* On the log thread, when the job is durable or never will be: the loop is told. */
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

/* ---- handing over ---- */
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

void collect_values_flush(struct device *v)
{
	struct value_job *q = job_begin(v);
	struct writer *w = v->c->node->writer;
	if (q)
		job_submitted(v, q, (v->c->closing ? writer_submit_wait(w, &q->job) : writer_submit(w, &q->job)) == 0);
}

void collect_values_flush_all(struct collect *c)
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

static bool pend_grow(struct device *v)
{
	size_t cap = v->cap_pend ? 2 * v->cap_pend : VALUES_FIRST;
	struct pend *p = realloc(v->pend, cap * sizeof *p);
	if (!p)
		return false;
	v->pend = p;
	v->cap_pend = cap;
	return true;
}

bool collect_values_take(struct device *v, const struct driver_value *dv)
{
	if (v->n_pend == v->cap_pend && !pend_grow(v))
		return false;
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
