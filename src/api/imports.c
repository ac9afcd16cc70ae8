/* Imports over HTTP: upload, proposal, preview, commit, result, refused rows.
 * One import runs at a time; the others wait their turn, so that one worker
 * stays free for people. */
#include "api/priv/upload.h"

#include <stdlib.h>

#include "api/importer.h"
#include "codec/text.h"
#include "os/clock.h"
#include "os/thread.h"

#define PREVIEW_ROWS_MAX 200

/* ---- the queue of running imports ---- */
struct import_task {
	struct work work;
	struct import_task *next;
	struct api *api;
	char id[UUID_TEXT];
	char who[WHO_MAX];
	uint8_t *plan; /* owned */
	size_t plan_n;
	atomic_uint progress;
};
struct import_queue {
	pthread_mutex_t mu;
	struct import_task *first, *last; /* the first runs */
};

struct import_queue *import_queue_new(void)
{
	struct import_queue *q = calloc(1, sizeof *q);
	if (q)
		pthread_mutex_init(&q->mu, NULL);
	return q;
}

static void task_free(struct import_task *t)
{
	free(t->plan);
	free(t);
}

void import_queue_free(struct import_queue *q)
{
	if (!q)
		return;
	while (q->first) {
		struct import_task *t = q->first;
		q->first = t->next;
		task_free(t);
	}
	pthread_mutex_destroy(&q->mu);
	free(q);
}

/* Runs the first of the queue; gives the one behind it. */
static struct import_task *run_first(struct import_task *t, struct store_reader *r)
{
	struct import_queue *q = t->api->imports;
	struct diag *d = calloc(1, sizeof *d);
	if (import_run(t->api->node, r, t->id, span_of(t->plan, t->plan_n), span_str(t->who), &t->progress, d) != 0 && d)
		node_log(t->api->node, "warn", d);
	free(d);
	pthread_mutex_lock(&q->mu);
	q->first = t->next;
	if (!q->first)
		q->last = NULL;
	struct import_task *next = q->first;
	pthread_mutex_unlock(&q->mu);
	task_free(t);
	return next;
}

static void task_run(struct work *w, struct store_reader *r)
{
	struct import_task *t = run_first((struct import_task *)w, r);
	while (t) {
		int err = node_work(t->api->node, &t->work);
		if (err == 0)
			return;
		if (err == MO_EAGAIN)
			mono_sleep(10 * NS_PER_MS);
		else
			t = run_first(t, r); /* the node is stopping: no worker takes it any more, and it says so in its row */
	}
}

/* Waiting or running: progress 0..1; -1: neither. */
static double progress_of(struct api *a, struct span id)
{
	double p = -1;
	pthread_mutex_lock(&a->imports->mu);
	for (struct import_task *t = a->imports->first; t; t = t->next)
		if (span_is(id, t->id))
			p = (double)atomic_load(&t->progress) / 1000;
	pthread_mutex_unlock(&a->imports->mu);
	return p;
}

/* ---- reading ---- */
static void write_import(struct api_call *c, const struct table_batch *b, size_t i)
{
	struct json_writer *w = &c->w;
	struct json_value *root = NULL;
	struct arena a;
	struct span stored = b->cols[2].str[i];
	double progress = progress_of(c->api, b->cols[0].str[i]);
	if (progress < 0 && span_is(stored, "running"))
		progress = 1; /* it has ended since the row was read */
	arena_init(&a, 16u << 20);
	if (json_parse(&root, &a, b->cols[3].str[i], NULL) != 0)
		root = NULL;
	jw_object(w);
	jw_key(w, "id");
	jw_str(w, b->cols[0].str[i]);
	jw_key(w, "file");
	jw_str(w, b->cols[1].str[i]);
	jw_key(w, "state");
	jw_str(w, progress >= 0 ? SPAN_LIT("running") : stored);
	jw_key(w, "t");
	jw_time(w, b->cols[4].i64[i]);
	static const char *const parts[] = {"proposal", "result", "trouble"};
	for (size_t k = 0; k < sizeof parts / sizeof *parts; k++) {
		const struct json_value *v = json_member(root, parts[k]);
		jw_key(w, parts[k]);
		if (v)
			jw_value(w, v);
		else
			jw_null(w);
	}
	jw_key(w, "progress");
	if (progress >= 0)
		jw_f64(w, progress);
	else
		jw_null(w);
	jw_object_end(w);
	arena_free(&a);
}

int get_imports(struct api_call *c)
{
	struct table_cursor *cur = NULL;
	struct table_batch b;
	int64_t limit, rows = 0;
	char next[UUID_TEXT] = "";
	struct span cursor = api_param(c, "cursor");
	int err = api_param_i64(c, "limit", 20, 1, 100, &limit);
	struct store_arg a[] = {cursor.n ? sarg_s(cursor) : sarg_null(), sarg_i(limit)};
	if (err == 0)
		err = store_select(c->reader, &cur, SQ_IMPORTS, a, 2, c->d);
	if (err != 0)
		return err;
	jw_object(&c->w);
	jw_key(&c->w, "items");
	jw_array(&c->w);
	while ((err = table_next(cur, &b, c->d)) == 0 && b.n_rows) {
		for (size_t i = 0; i < b.n_rows; i++)
			write_import(c, &b, i);
		rows += (int64_t)b.n_rows;
		diag_copy(next, sizeof next, b.cols[0].str[b.n_rows - 1]);
	}
	jw_array_end(&c->w);
	jw_key(&c->w, "next");
	jw_cstr(&c->w, rows >= limit ? next : NULL);
	jw_object_end(&c->w);
	table_close(cur);
	return err;
}

/* Calls fn with the row of the import that the path names. */
static int with_import(struct api_call *c, struct span id, int (*fn)(struct api_call *c, const struct table_batch *b))
{
	struct table_cursor *cur = NULL;
	struct table_batch b;
	struct store_arg a[] = {sarg_s(id)};
	int err = store_select(c->reader, &cur, SQ_IMPORT, a, 1, c->d);
	if (err == 0 && (err = table_next(cur, &b, c->d)) == 0)
		err = b.n_rows ? fn(c, &b) : diag_set(c->d, MO_ENOENT, MSG_API_NOT_FOUND);
	table_close(cur);
	return err;
}

static int show(struct api_call *c, const struct table_batch *b)
{
	write_import(c, b, 0);
	return 0;
}

int get_import(struct api_call *c) { return with_import(c, api_param(c, "id"), show); }

/* The first bytes of a blob, at most `limit`, appended to out. */
static int blob_head(struct api_call *c, struct span hex, size_t limit, struct buf *out)
{
	struct buf sha;
	struct vfs_file *f = NULL;
	uint64_t size = 0;
	buf_init(&sha, 64);
	int err = hex_decode(&sha, hex);
	if (err == 0 && sha.n == 32)
		err = store_open_blob(c->reader, sha.p, &f, &size, c->d);
	else
		err = diag_set(c->d, MO_ENOENT, MSG_API_NOT_FOUND);
	if (err == 0) {
		size_t n = size < limit ? (size_t)size : limit;
		uint8_t *p = buf_reserve(out, n);
		err = p ? vfs_read_full(f, p, n, 0) : out->err;
		if (err == 0)
			out->n += n;
		else
			diag_set(c->d, err, err == MO_ENOMEM ? MSG_OUT_OF_MEMORY : MSG_IMPORT_FILE_GONE);
	}
	vfs_close(f);
	buf_free(&sha);
	return err;
}

static int refused_csv(struct api_call *c, const struct table_batch *b)
{
	struct json_value *root;
	struct span hex;
	int err = json_parse(&root, &c->arena, b->cols[3].str[0], c->d);
	if (err == 0 && json_get_str(json_member(root, "result"), "refused_file", &hex, NULL) != 0)
		err = diag_set(c->d, MO_ENOENT, MSG_API_NOT_FOUND);
	if (err == 0)
		err = blob_head(c, hex, IMPORT_REFUSED_MAX + API_ARENA_MAX, &c->out);
	if (err != 0)
		return err;
	c->content = "text/csv; charset=utf-8";
	c->disposition = "attachment; filename=\"refused.csv\"";
	return 0;
}

int get_import_refused(struct api_call *c) { return with_import(c, api_param(c, "id"), refused_csv); }

static int preview(struct api_call *c, const struct table_batch *b)
{
	struct json_value *root;
	struct buf head;
	struct intake_plan plan;
	struct intake_cell *cells;
	size_t rows;
	int64_t want;
	struct json_writer *w = &c->w;
	int err = api_param_i64(c, "rows", 20, 1, PREVIEW_ROWS_MAX, &want);
	if (err == 0)
		err = json_parse(&root, &c->arena, arena_dup(&c->arena, b->cols[3].str[0]), c->d);
	const struct json_value *p = err == 0 ? json_member(root, "proposal") : NULL;
	if (err == 0 && !p)
		err = diag_set(c->d, MO_ESTATE, MSG_IMPORT_BUSY);
	struct buf text;
	struct json_writer tw;
	buf_init(&text, 0);
	json_writer_init(&tw, &text);
	if (err == 0) {
		jw_value(&tw, p);
		err = intake_plan_read(&plan, &c->arena, arena_dup(&c->arena, buf_span(&text)), c->d);
	}
	buf_free(&text);
	buf_init(&head, 0);
	if (err == 0)
		err = blob_head(c, b->cols[5].str[0], 1u << 20, &head);
	if (err == 0)
		err = intake_preview(&cells, &rows, &c->arena, &plan, node_zone(c->node), buf_span(&head), (size_t)want, c->d);
	buf_free(&head);
	if (err != 0)
		return err;
	jw_object(w);
	jw_key(w, "columns");
	jw_array(w);
	for (size_t i = 0; i < plan.n_columns; i++)
		jw_str(w, plan.columns[i].header);
	jw_array_end(w);
	jw_key(w, "rows");
	jw_array(w);
	for (size_t r = 0; r < rows; r++) {
		jw_array(w);
		for (size_t i = 0; i < plan.n_columns; i++) {
			const struct intake_cell *cell = &cells[r * plan.n_columns + i];
			jw_object(w);
			jw_key(w, "text");
			jw_str(w, cell->text);
			jw_key(w, "ok");
			jw_bool(w, cell->ok);
			jw_key(w, "reading");
			jw_cstr(w, cell->reading);
			jw_object_end(w);
		}
		jw_array_end(w);
	}
	jw_array_end(w);
	jw_object_end(w);
	return 0;
}

int get_import_preview(struct api_call *c) { return with_import(c, api_param(c, "id"), preview); }

/* ---- commit ---- */
static int may_commit(struct api_call *c, const struct table_batch *b)
{
	return span_is(b->cols[2].str[0], "refused") ? diag_set(c->d, MO_ESTATE, MSG_IMPORT_REFUSED) : 0;
}

int commit_import(struct api_call *c)
{
	struct span id = api_param(c, "id"), plan = span_trim(buf_span(&c->body));
	struct import_queue *q = c->api->imports;
	struct intake_plan check;
	struct json_value *root;
	if (plan.n) {
		int err = json_parse(&root, &c->arena, plan, c->d);
		if (err == 0 && !root->child)
			plan.n = 0; /* {}: as proposed */
		else if (err == 0)
			err = intake_plan_read(&check, &c->arena, plan, c->d);
		if (err != 0)
			return err;
	}
	int err = with_import(c, id, may_commit);
	if (err == 0)
		err = disk_allows(node_disk(c->node), DISK_BLOBS, c->d);
	if (err == 0 && plan.n && check.zone.n) {
		struct zone *z = NULL;
		err = node_zone_named(c->node, &z, check.zone, c->d) == 0 ? 0 : MO_EINVAL;
		zone_free(z);
	}
	if (err != 0)
		return err;
	if (progress_of(c->api, id) >= 0)
		return diag_set(c->d, MO_ESTATE, MSG_IMPORT_BUSY);
	struct import_task *t = calloc(1, sizeof *t);
	if (!t || (plan.n && !(t->plan = malloc(plan.n)))) {
		free(t);
		return diag_set(c->d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	}
	if (plan.n)
		memcpy(t->plan, plan.p, plan.n);
	t->plan_n = plan.n;
	t->api = c->api;
	t->work.fn = task_run;
	diag_copy(t->id, sizeof t->id, id);
	diag_copy(t->who, sizeof t->who, gate_who(&c->pass));
	pthread_mutex_lock(&q->mu);
	bool alone = !q->first;
	if (q->last)
		q->last->next = t;
	else
		q->first = t;
	q->last = t;
	pthread_mutex_unlock(&q->mu);
	if (alone && node_work(c->node, &t->work) != 0) {
		pthread_mutex_lock(&q->mu);
		q->first = t->next;
		if (!q->first)
			q->last = NULL;
		pthread_mutex_unlock(&q->mu);
		task_free(t);
		return diag_set(c->d, MO_EAGAIN, MSG_API_BUSY);
	}
	c->status = 202;
	return with_import(c, id, show);
}

/* ---- upload ---- */

static int file_begin(struct api_call *c, struct span said, void **ret)
{
	struct import_file *f = NULL;
	(void)said;
	char *name = arena_strdup(&c->arena, api_param(c, "name"));
	int err = name ? import_file_begin(&f, c->node, name, c->d) : diag_set(c->d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	*ret = f;
	return err;
}

static int file_piece(struct api_call *c, void *to, struct span bytes) { return import_file_piece(to, bytes, c->d); }

static int file_end(struct api_call *c, void **to)
{
	char id[UUID_TEXT];
	bool refused;
	struct import_file *f = *to;
	*to = NULL;
	int err = import_file_end(f, c->reader, id, &refused, c->d);
	if (err == 0)
		err = with_import(c, span_str(id), show);
	char *location = err == 0 ? arena_printf(&c->arena, "/api/v1/imports/%s", id) : NULL;
	if (location)
		c->location = span_str(location);
	c->status = 201;
	return err;
}

static void file_drop(void *to) { import_file_drop(to); }

static int file_stream_begin(struct api_call *c)
{
	static const struct upload_to to = {file_begin, file_piece, file_end, file_drop};
	return upload_begin(c, &to, span_of(NULL, 0));
}

const struct api_stream import_stream = {file_stream_begin, upload_piece, upload_end, upload_drop};
