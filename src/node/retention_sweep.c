/* See priv/retention_sweep.h. */
#include "node/priv/retention_sweep.h"

#include "codec/json.h"
#include "node/priv/node.h"

static const enum retention_class swept[] = {RETENTION_CASES, RETENTION_FILES, RETENTION_AUDIT};
#define SWEPT (sizeof swept / sizeof *swept)
#define NUMBERS 5u /* of a class in the mark */

/* ---- the mark: five numbers of eight bytes a class, as in struct store_swept ---- */

static void write_mark(struct buf *b, const struct retention_sweep *w)
{
	for (size_t i = 0; i < SWEPT; i++) {
		const struct store_swept *x = &w->did[swept[i]];
		const uint64_t numbers[NUMBERS] = {x->n, x->bytes, (uint64_t)x->from_ns, (uint64_t)x->to_ns, (uint64_t)x->last};
		for (size_t k = 0; k < NUMBERS; k++)
			buf_u64(b, numbers[k]);
	}
}

static void nothing(struct retention_sweep *w)
{
	for (size_t i = 0; i < RETENTION_CLASSES; i++)
		store_swept_init(&w->did[i]);
}

int retention_sweep_load(struct retention_sweep *w, struct node *n, struct store_reader *r)
{
	struct buf b;
	*w = (struct retention_sweep){.node = n};
	nothing(w);
	buf_init(&b, 0);
	int err = node_mark(r, SPAN_LIT(RETENTION_SWEPT_MARK), &b);
	if (err == 0 && b.n == SWEPT * NUMBERS * 8) {
		struct rd rd = rd_of(buf_span(&b));
		for (size_t i = 0; i < SWEPT; i++) {
			struct store_swept *x = &w->did[swept[i]];
			x->n = rd_u64(&rd);
			x->bytes = rd_u64(&rd);
			x->from_ns = (int64_t)rd_u64(&rd);
			x->to_ns = (int64_t)rd_u64(&rd);
			x->last = (int64_t)rd_u64(&rd);
		}
	}
	buf_free(&b);
	return err;
}

/* ---- slices ---- */

struct slice_job {
	struct sjob job;
	struct retention_sweep *w;
	enum retention_class class;
	struct store_swept got;
	bool more;
};

static int slice_run(struct sjob *j, struct store *s, struct diag *d)
{
	struct slice_job *q = (struct slice_job *)j;
	struct retention_sweep *w = q->w;
	int64_t before = w->before_ns[q->class];
	int err = MO_EBUG;
	store_swept_init(&q->got);
	switch (q->class) {
	case RETENTION_FILES: err = store_sweep_blobs(s, w->marks, w->now_ns, &q->got, d); break;
	case RETENTION_CASES: err = store_sweep_cases(s, before, w->now_ns, &q->got, d); break;
	case RETENTION_AUDIT: err = store_sweep_audit(s, before, w->now_ns, &q->got, d); break;
	case RETENTION_VALUES:
	case RETENTION_SEQUENCES:
	case RETENTION_CLASSES:
		break;
	}
	q->more = err == MO_EAGAIN;
	if ((err != 0 && !q->more) || q->got.n == 0)
		return q->more ? 0 : err;
	struct retention_sweep next = *w;
	struct buf mark;
	store_swept_add(&next.did[q->class], &q->got);
	buf_init(&mark, 0);
	write_mark(&mark, &next);
	err = mark.err ? diag_set(d, mark.err, MSG_OUT_OF_MEMORY) : store_put_mark(s, SPAN_LIT(RETENTION_SWEPT_MARK), buf_span(&mark), d);
	buf_free(&mark);
	return err;
}

static int slice(struct retention_sweep *w, enum retention_class c, struct diag *d)
{
	struct slice_job q = {.w = w, .class = c};
	int err = storer_run(w->node->storer, slice_run, &q.job, d);
	if (err == 0)
		store_swept_add(&w->did[c], &q.got);
	return err != 0 ? err : q.more ? MO_EAGAIN : 0;
}

struct files_job {
	struct sjob job;
	bool more;
};

static int files_run(struct sjob *j, struct store *s, struct diag *d)
{
	int err = store_sweep_files(s, d);
	((struct files_job *)j)->more = err == MO_EAGAIN;
	return err == MO_EAGAIN ? 0 : err;
}

/* What has no row any more, since that is durable. */
static int unlink_files(struct retention_sweep *w, struct diag *d)
{
	struct files_job q = {.more = false};
	int err = storer_run(w->node->storer, files_run, &q.job, d);
	return err != 0 ? err : q.more ? MO_EAGAIN : 0;
}

/* Rows and files of one slice while nobody holds them: who takes a hold then finds either. */
static int sweep_files(struct retention_sweep *w, struct diag *d)
{
	if (filehold_sweep_begin(&w->node->files) != 0) {
		w->held = true;
		return 0;
	}
	int more = slice(w, RETENTION_FILES, d), err = 0;
	if (more == 0 || more == MO_EAGAIN)
		do
			err = unlink_files(w, d);
		while (err == MO_EAGAIN);
	filehold_sweep_end(&w->node->files);
	if (more == MO_ESTATE) { /* much has changed: the marks look again */
		diag_clear(d);
		return MO_EAGAIN;
	}
	return err != 0 ? err : more;
}

static int step_files(struct retention_sweep *w, struct store_reader *r, struct diag *d)
{
	int err = 0;
	if (!w->marks && (err = blob_marks_new(&w->marks, r, w->before_ns[RETENTION_FILES], d)) != 0)
		return err;
	if ((err = blob_marks_step(w->marks, r, d)) != 0 || (err = sweep_files(w, d)) != 0 || w->held)
		return err;
	err = blob_marks_next(w->marks, r, d);
	return err == MO_ENOENT ? 0 : err == 0 ? MO_EAGAIN : err;
}

int retention_sweep_step(struct retention_sweep *w, enum retention_class c, struct store_reader *r, struct diag *d)
{
	if (w->before_ns[c] == INT64_MIN)
		return 0;
	return c == RETENTION_FILES ? step_files(w, r, d) : slice(w, c, d);
}

/* ---- a run ---- */

void retention_sweep_begin(struct retention_sweep *w, const struct retention *rules, int64_t now_ns)
{
	w->now_ns = now_ns;
	w->held = false;
	for (unsigned i = 0; i < RETENTION_CLASSES; i++)
		w->before_ns[i] = retention_before(rules, (enum retention_class)i, span_of(NULL, 0), now_ns);
}

void retention_sweep_end(struct retention_sweep *w)
{
	blob_marks_free(w->marks);
	w->marks = NULL;
}

bool retention_sweep_owes(const struct retention_sweep *w)
{
	bool any = false;
	for (size_t i = 0; i < SWEPT; i++)
		any |= w->did[swept[i]].n > 0;
	return any;
}

static int tell_class(const struct retention_sweep *w, struct store *s, enum retention_class c, int64_t version, struct diag *d)
{
	const struct store_swept *x = &w->did[c];
	struct json_writer j;
	struct buf json;
	if (w->before_ns[c] == INT64_MIN && x->n == 0)
		return 0;
	buf_init(&json, 0);
	json_writer_init(&j, &json);
	jw_object(&j);
	jw_key(&j, "t");
	jw_time(&j, w->now_ns);
	jw_key(&j, "version");
	jw_i64(&j, version);
	jw_key(&j, "before");
	jw_time(&j, w->before_ns[c] == INT64_MIN ? T_NONE : w->before_ns[c]);
	jw_key(&j, "removed");
	jw_u64(&j, x->n);
	jw_key(&j, "from");
	jw_time(&j, x->from_ns);
	jw_key(&j, "to");
	jw_time(&j, x->to_ns);
	if (c == RETENTION_FILES) {
		jw_key(&j, "bytes");
		jw_u64(&j, x->bytes);
	} else if (c == RETENTION_AUDIT) {
		jw_key(&j, "through"); /* the trail goes on with the entry behind it */
		jw_i64(&j, x->last);
	}
	jw_object_end(&j);
	int err = json.err ? diag_set(d, json.err, MSG_OUT_OF_MEMORY)
			   : store_audit(s, w->now_ns, SPAN_LIT("retention"), SPAN_LIT("retention.apply"), span_str(retention_class_name(c)), buf_span(&json), d);
	buf_free(&json);
	return err;
}

int retention_sweep_tell(const struct retention_sweep *w, struct store *s, int64_t version, struct diag *d)
{
	int err = 0;
	for (size_t i = 0; i < SWEPT && err == 0; i++)
		err = tell_class(w, s, swept[i], version, d);
	return err != 0 || !retention_sweep_owes(w) ? err : store_put_mark(s, SPAN_LIT(RETENTION_SWEPT_MARK), SPAN_LIT(""), d);
}

void retention_sweep_told(struct retention_sweep *w) { nothing(w); }
