/* See priv/feed.h. A job holds blocks of rows; a block's times and lines stand
 * once, its columns' values behind them. The log thread appends a column at a
 * time, so that one sync covers whole rows, and hears from the engine which of
 * them replaced something. */
#include "api/priv/feed.h"

#include <stdlib.h>

#include "os/clock.h"
#include "os/thread.h"

#define FEED_JOB_BYTES (1u << 20)
#define FEED_WINDOW_BYTES (4u << 20) /* on their way; one job may pass it alone */
#define NO_OFFSET SIZE_MAX
/* Beside POINT_*: the row has a value; one of its values is the first of its time. */
#define ROW_VALUED 0x80u
#define ROW_ADDED 0x40u

struct fseries {
	struct fseries *next;
	uint8_t *text; /* owned; the spans of key */
	struct point_key key;
	series_id id;  /* log thread; 0: nothing stored yet */
};
struct fblock {
	size_t n, t_at, line_at; /* offsets into data */
	bool valued;             /* every row has a value */
};
struct fentry {
	struct fseries *s;
	enum series_type type;
	size_t block, n, row_at /* NO_OFFSET: all rows of the block */, t_at, v_at;
};
struct fjob {
	struct wjob job;
	struct feed *feed;
	struct fblock *blocks;
	struct fentry *entries;
	size_t n_blocks, cap_blocks, n_entries, cap_entries, bytes;
	struct buf data;
};
struct feed {
	struct node *n;
	const struct intake_plan *plan;
	int64_t arrival_ns;
	struct fseries *series;
	struct fjob *filling;
	/* log thread while jobs are on their way */
	struct feed_result result;
	uint8_t marks[INTAKE_RUN_ROWS], told[INTAKE_RUN_ROWS];
	bool there; /* the last row was */
	pthread_mutex_t mu; /* below */
	pthread_cond_t landed;
	size_t flying_bytes;
	unsigned flying;
	int err;
	struct diag d;
};

static void job_free(struct fjob *q)
{
	if (!q)
		return;
	free(q->blocks);
	free(q->entries);
	buf_free(&q->data);
	free(q);
}

int feed_new(struct feed **ret, struct node *n, const struct intake_plan *p, int64_t arrival_ns)
{
	struct feed *f = calloc(1, sizeof *f);
	if (!f)
		return MO_ENOMEM;
	f->n = n;
	f->plan = p;
	f->arrival_ns = arrival_ns;
	pthread_mutex_init(&f->mu, NULL);
	pthread_cond_init(&f->landed, NULL);
	*ret = f;
	return 0;
}

static void wait_landed(struct feed *f)
{
	pthread_mutex_lock(&f->mu);
	while (f->flying)
		pthread_cond_wait(&f->landed, &f->mu);
	pthread_mutex_unlock(&f->mu);
}

void feed_free(struct feed *f)
{
	if (!f)
		return;
	wait_landed(f);
	job_free(f->filling);
	while (f->series) {
		struct fseries *s = f->series;
		f->series = s->next;
		free(s->text);
		free(s);
	}
	pthread_mutex_destroy(&f->mu);
	pthread_cond_destroy(&f->landed);
	free(f);
}

/* ---- on the log thread ---- */

static int store_entry(struct feed *f, struct writer *w, struct sbatch *b, struct fjob *q, const struct fentry *e, struct diag *d)
{
	struct fseries *s = e->s;
	struct sdb_appended did;
	uint8_t *p = q->data.p;
	int err = s->id ? 0 : node_resolve(f->n, &s->key, &s->id, d);
	if (err != 0)
		return err;
	if (e->type == SERIES_STR) {
		struct span *v = (struct span *)(void *)(p + e->v_at);
		for (size_t i = 0; i < e->n; i++)
			v[i].p = p + (uintptr_t)v[i].p;
	}
	const uint16_t *row = e->row_at == NO_OFFSET ? NULL : (const uint16_t *)(const void *)(p + e->row_at);
	memset(f->told, 0, e->n);
	sbatch_reset(b);
	sbatch_set_arrival(b, f->arrival_ns);
	sbatch_tell(b, f->told);
	err = sbatch_add_run(b, s->id, e->type, e->n, (const int64_t *)(const void *)(p + e->t_at), p + e->v_at);
	if (err != 0)
		return diag_set(d, err, MSG_OUT_OF_MEMORY);
	err = writer_append(w, b, &did, d);
	for (size_t i = 0; err == 0 && i < e->n; i++)
		f->marks[row ? row[i] : i] |= f->told[i] | ROW_VALUED | (f->told[i] & POINT_THERE ? 0 : ROW_ADDED);
	return err;
}

/* Whether a row's values were there already, or one of them was and another was told: what only adds values is taken. */
static bool was_there(uint8_t mark) { return mark & POINT_OTHER || (mark & POINT_THERE && !(mark & ROW_ADDED)); }

/* Rows that were there already. One without any value leaves nothing to be found again: it counts as the row before it does, so that a file
 * given twice counts alike. */
static void count_replaced(struct feed *f, const struct fjob *q, const struct fblock *b)
{
	const int64_t *t = (const int64_t *)(const void *)(q->data.p + b->t_at);
	const uint64_t *line = (const uint64_t *)(const void *)(q->data.p + b->line_at);
	struct feed_result *r = &f->result;
	size_t first = 0;
	while (first < b->n && !(f->marks[first] & ROW_VALUED))
		first++;
	if (first < b->n)
		f->there = was_there(f->marks[first]);
	for (size_t i = 0; i < b->n; i++) {
		if (f->marks[i] & ROW_VALUED)
			f->there = was_there(f->marks[i]);
		if (!f->there)
			continue;
		r->replaced++;
		bool same = !(f->marks[i] & POINT_OTHER);
		if (same && r->n_same < FEED_LISTED)
			r->same_rows[r->n_same++] = (struct feed_replaced){line[i], t[i]};
		else if (!same && r->n_changed < FEED_LISTED)
			r->changed_rows[r->n_changed++] = (struct feed_replaced){line[i], t[i]};
		r->same += same;
	}
}

static int job_run(struct wjob *j, struct writer *w, struct diag *d)
{
	struct fjob *q = (struct fjob *)j;
	struct feed *f = q->feed;
	struct sbatch *b = NULL;
	int err = sbatch_new(&b);
	if (err != 0)
		return diag_set(d, err, MSG_OUT_OF_MEMORY);
	size_t at = 0;
	for (size_t k = 0; k < q->n_blocks && err == 0; k++) {
		memset(f->marks, q->blocks[k].valued ? ROW_VALUED : 0, q->blocks[k].n);
		for (; at < q->n_entries && q->entries[at].block == k && err == 0; at++)
			err = store_entry(f, w, b, q, &q->entries[at], d);
		if (err == 0)
			count_replaced(f, q, &q->blocks[k]);
	}
	sbatch_free(b);
	return err;
}

static void job_done(struct wjob *j, int err, const struct diag *d)
{
	struct fjob *q = (struct fjob *)j;
	struct feed *f = q->feed;
	size_t bytes = q->bytes;
	job_free(q);
	pthread_mutex_lock(&f->mu);
	if (err != 0 && f->err == 0) {
		f->err = err;
		if (d)
			f->d = *d;
		else
			diag_set(&f->d, err, MSG_OUT_OF_MEMORY);
	}
	f->flying--;
	f->flying_bytes -= bytes;
	pthread_cond_signal(&f->landed);
	pthread_mutex_unlock(&f->mu);
}

/* ---- on the worker ---- */

static int out_of_memory(struct diag *d) { return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY); }

static int hand_over(struct feed *f, struct diag *d)
{
	struct fjob *q = f->filling;
	if (!q || q->n_entries == 0)
		return 0;
	q->bytes = q->data.n;
	pthread_mutex_lock(&f->mu);
	while (f->flying && f->flying_bytes + q->bytes > FEED_WINDOW_BYTES)
		pthread_cond_wait(&f->landed, &f->mu);
	int err = f->err;
	if (err == 0) {
		f->flying++;
		f->flying_bytes += q->bytes;
	} else if (d) {
		*d = f->d;
	}
	pthread_mutex_unlock(&f->mu);
	if (err != 0)
		return err;
	f->filling = NULL;
	q->job.run = job_run;
	q->job.from_file = true;
	q->job.done = job_done;
	while ((err = writer_submit(node_writer(f->n), &q->job)) == MO_EAGAIN) {
		mono_sleep(NS_PER_MS);
	}
	if (err != 0) {
		diag_set(d, err, MSG_IMPORT_STOPPED);
		job_done(&q->job, err, d);
	}
	return err;
}

int feed_end(struct feed *f, const struct feed_result **ret, struct diag *d)
{
	int err = hand_over(f, d);
	wait_landed(f);
	if (err == 0 && f->err != 0) {
		err = f->err;
		if (d)
			*d = f->d;
	}
	if (err == 0)
		*ret = &f->result;
	return err;
}

void feed_each(const struct feed *f, void (*fn)(void *arg, series_id id), void *arg)
{
	for (const struct fseries *s = f->series; s; s = s->next)
		if (s->id)
			fn(arg, s->id);
}

int feed_series(struct feed *f, const struct span *tag_kv, size_t n_tags, size_t column, void **ret, struct diag *d)
{
	const struct intake_plan *p = f->plan;
	const struct intake_column *col = &p->columns[column];
	struct buf b;
	buf_init(&b, 0);
	series_key_write(&b, p->asset, tag_kv, n_tags, col->signal);
	size_t key_n = b.n;
	buf_add(&b, p->asset);
	buf_add(&b, col->signal);
	size_t label_at = b.n;
	buf_add(&b, col->name);
	for (size_t i = 0; i < n_tags; i++) {
		buf_adds(&b, i ? ", " : " (");
		buf_add(&b, tag_kv[2 * i + 1]);
	}
	if (n_tags)
		buf_adds(&b, ")");
	size_t unit_at = b.n;
	buf_add(&b, col->unit);
	struct fseries *s = calloc(1, sizeof *s);
	if (b.err || !s) {
		buf_free(&b);
		free(s);
		return out_of_memory(d);
	}
	s->text = b.p;
	struct span all = buf_span(&b);
	s->key = (struct point_key){.key = span_sub(all, 0, key_n),
		.asset = span_sub(all, key_n, p->asset.n),
		.signal = span_sub(all, key_n + p->asset.n, col->signal.n),
		.label = span_sub(all, label_at, unit_at - label_at),
		.unit = span_sub(all, unit_at, all.n),
		.source = SPAN_LIT("file"),
		.type = col->type,
		.kind = SERIES_CLOCK};
	s->next = f->series;
	f->series = s;
	*ret = s;
	return 0;
}

/* Room for one more item of a list. */
static void *grown(void *list, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return list;
	size_t more = *cap ? 2 * *cap : 64, bytes;
	if (__builtin_mul_overflow(more, size, &bytes))
		return NULL;
	void *p = realloc(list, bytes);
	if (p)
		*cap = more;
	return p;
}

/* Appends bytes at an offset that is a multiple of eight; gives it. */
static size_t lay(struct buf *b, const void *bytes, size_t n)
{
	while (b->n % 8)
		buf_addc(b, 0);
	size_t at = b->n;
	buf_add(b, span_of(bytes, n));
	return at;
}

int feed_rows(struct feed *f, size_t n, const int64_t *t_ns, const uint64_t *line, struct diag *d)
{
	if (f->filling && f->filling->data.n >= FEED_JOB_BYTES) {
		int err = hand_over(f, d);
		if (err != 0)
			return err;
	}
	if (!f->filling) {
		f->filling = calloc(1, sizeof *f->filling);
		if (!f->filling)
			return out_of_memory(d);
		f->filling->feed = f;
		buf_init(&f->filling->data, 0);
	}
	struct fjob *q = f->filling;
	struct fblock *p = grown(q->blocks, q->n_blocks, &q->cap_blocks, sizeof *p);
	if (!p)
		return out_of_memory(d);
	q->blocks = p;
	size_t t_at = lay(&q->data, t_ns, n * sizeof *t_ns), line_at = lay(&q->data, line, n * sizeof *line);
	if (q->data.err)
		return out_of_memory(d);
	q->blocks[q->n_blocks++] = (struct fblock){n, t_at, line_at, false};
	return 0;
}

/* Spans as offsets into the buffer, which may move while it grows; a text that repeats the one before stands there once. */
static void lay_texts(struct buf *b, size_t at, const struct span *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct span rel;
		if (i && s[i].p == s[i - 1].p && s[i].n == s[i - 1].n) {
			memcpy(&rel, b->p + at + (i - 1) * sizeof rel, sizeof rel);
		} else {
			rel = (struct span){(const uint8_t *)(uintptr_t)b->n, s[i].n};
			buf_add(b, s[i]);
			if (b->err)
				return;
		}
		memcpy(b->p + at + i * sizeof rel, &rel, sizeof rel);
	}
}

int feed_run(struct feed *f, void *series, enum series_type type, size_t n, const uint16_t *row, const int64_t *t_ns, const void *v, struct diag *d)
{
	struct fjob *q = f->filling;
	struct fentry *p = grown(q->entries, q->n_entries, &q->cap_entries, sizeof *p);
	if (!p)
		return out_of_memory(d);
	q->entries = p;
	struct fentry e = {.s = series, .type = type, .block = q->n_blocks - 1, .n = n, .row_at = NO_OFFSET};
	e.t_at = q->blocks[e.block].t_at;
	if (row) {
		e.t_at = lay(&q->data, t_ns, n * sizeof *t_ns);
		e.row_at = lay(&q->data, row, n * sizeof *row);
	} else {
		q->blocks[e.block].valued = true;
	}
	if (type == SERIES_F64 || type == SERIES_I64) {
		e.v_at = lay(&q->data, v, n * sizeof(double));
	} else if (type == SERIES_BOOL) {
		e.v_at = lay(&q->data, v, n);
	} else {
		e.v_at = lay(&q->data, v, n * sizeof(struct span));
		if (!q->data.err)
			lay_texts(&q->data, e.v_at, v, n);
	}
	if (q->data.err)
		return out_of_memory(d);
	q->entries[q->n_entries++] = e;
	return 0;
}
