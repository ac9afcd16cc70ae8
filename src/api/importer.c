/* See importer.h. Values go to the log thread in jobs of about a megabyte, at
 * most IMPORT_WINDOW of them on their way, so that memory does not grow with
 * the file. Numbers of files are stored as floats: a column that holds whole
 * numbers this month may hold others in the next. */
#include "api/importer.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/words.h"
#include "base/map.h"
#include "base/utf8.h"
#include "codec/csv.h"
#include "codec/json.h"
#include "os/thread.h"

#define IMPORT_JOB_BYTES (1u << 20)
#define IMPORT_WINDOW 4u
#define IMPORT_READ_BYTES (256u << 10)
#define IMPORT_ROW_MAX (1u << 20) /* JSON of one import row */

/* ---- the file ---- */
struct import_file {
	struct node *n;
	char name[512];
	struct blob_writer *blob;
};
struct begin_job {
	struct sjob job;
	struct blob_writer *blob;
};

static int begin_run(struct sjob *j, struct store *s, struct diag *d) { return blob_begin(s, &((struct begin_job *)j)->blob, d); }

int import_file_begin(struct import_file **ret, struct node *n, const char *name, struct diag *d)
{
	struct import_file *f = calloc(1, sizeof *f);
	struct begin_job q = {.blob = NULL};
	if (!f)
		return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	f->n = n;
	struct buf composed; /* decomposed Korean names, as macOS writes them */
	buf_init(&composed, 0);
	utf8_compose_hangul(&composed, span_str(name));
	diag_copy(f->name, sizeof f->name, composed.err ? span_str(name) : buf_span(&composed));
	buf_free(&composed);
	int err = storer_run(node_storer(n), begin_run, &q.job, d);
	f->blob = q.blob;
	if (err != 0) {
		import_file_drop(f);
		return err;
	}
	*ret = f;
	return 0;
}

int import_file_piece(struct import_file *f, struct span bytes, struct diag *d) { return blob_write(f->blob, bytes, d); }

void import_file_drop(struct import_file *f)
{
	if (!f)
		return;
	blob_abort(f->blob);
	free(f);
}

/* ---- import rows ---- */
struct row_job {
	struct sjob job;
	struct blob_writer *blob; /* ended here when not NULL */
	struct span name, id, media;
	uint8_t sha256[32];
	const char *state;
	struct span json;
	int64_t now_ns;
	struct span shape, mapping; /* remembered when shape.n */
};

static int row_run(struct sjob *j, struct store *s, struct diag *d)
{
	struct row_job *q = (struct row_job *)j;
	int64_t version;
	int err = q->blob ? blob_end(q->blob, s, q->media, q->name, q->sha256, d) : 0;
	if (err == 0 && q->state)
		err = store_put_import(s, q->id, q->name, q->sha256, span_str(q->state), q->json, q->now_ns, d);
	if (err == 0 && q->shape.n)
		err = store_put_doc(s, DOC_MAPPING, q->shape, q->mapping, -1, SPAN_LIT("local"), q->now_ns, &version, d);
	return err;
}

static int read_head(struct store_reader *r, const uint8_t sha[32], uint8_t **ret, size_t *ret_n, bool *whole, struct diag *d)
{
	struct vfs_file *f;
	uint64_t size;
	int err = store_open_blob(r, sha, &f, &size, d);
	if (err != 0)
		return err;
	size_t n = size < INTAKE_HEAD_MAX ? (size_t)size : INTAKE_HEAD_MAX;
	uint8_t *p = malloc(n + 1);
	err = p ? vfs_read_full(f, p, n, 0) : MO_ENOMEM;
	vfs_close(f);
	if (err != 0) {
		free(p);
		return diag_set(d, err, MSG_IMPORT_FILE_GONE);
	}
	*ret = p;
	*ret_n = n;
	*whole = n == size;
	return 0;
}

/* The proposal, or what was remembered for this shape. An asset is taken over only where a person gave it; else two files alike would become one. */
static int propose(struct node *n, struct store_reader *r, struct arena *a, struct span head, bool whole, const char *name, struct intake_plan *plan, struct diag *d)
{
	struct settings *s = arena_alloc(a, sizeof *s);
	char shape[65];
	struct buf json;
	int64_t version;
	if (!s)
		return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	node_settings(n, s);
	int err = intake_propose(plan, a, head, whole, name, s->lang, d);
	if (err != 0 || intake_shape(shape, plan) != 0)
		return err;
	buf_init(&json, 0);
	if (store_get_doc(r, DOC_MAPPING, span_str(shape), &json, &version, NULL) == 0) {
		struct json_value *root;
		struct intake_plan old;
		struct span asset = plan->asset;
		uint64_t rows = plan->rows_seen;
		bool fixed = false;
		if (json_parse(&root, a, arena_dup(a, buf_span(&json)), NULL) == 0)
			(void)!json_get_bool(root, "asset_fixed", &fixed, NULL);
		if (intake_plan_read(&old, a, arena_dup(a, buf_span(&json)), NULL) == 0 && old.n_columns == plan->n_columns) {
			enum text_encoding enc = plan->encoding; /* the same table may come in another encoding */
			*plan = old;
			plan->encoding = enc;
			plan->rows_seen = rows;
			plan->remembered = true;
			if (!fixed)
				plan->asset = asset;
		}
	}
	buf_free(&json);
	return 0;
}

static void put_words(struct json_writer *w, const struct diag *d)
{
	struct buf b;
	buf_init(&b, 0);
	jw_object(w);
	jw_key(w, "code");
	jw_cstr(w, words_code(d->msg));
	jw_key(w, "ko");
	words_render(&b, WORDS_KO, d);
	jw_str(w, buf_span(&b));
	buf_reset(&b);
	jw_key(w, "en");
	words_render(&b, WORDS_EN, d);
	jw_str(w, buf_span(&b));
	jw_object_end(w);
	buf_free(&b);
}

int import_file_end(struct import_file *f, struct store_reader *r, char id[UUID_TEXT], struct diag *d)
{
	struct arena a;
	struct uuid u;
	struct buf json;
	uint8_t *head = NULL;
	size_t n = 0;
	bool whole = false;
	struct intake_plan plan;
	struct json_writer w;
	struct row_job q = {.blob = f->blob, .name = span_str(f->name), .media = SPAN_LIT("text/csv"), .now_ns = clock_now(node_clock(f->n))};
	struct diag *why = calloc(1, sizeof *why);
	arena_init(&a, 64u << 20);
	buf_init(&json, IMPORT_ROW_MAX);
	json_writer_init(&w, &json);
	int err = why ? os_uuid(&u, q.now_ns) : MO_ENOMEM;
	if (err == 0) {
		uuid_format(id, &u);
		q.id = span_str(id);
		err = storer_run(node_storer(f->n), row_run, &q.job, d); /* the bytes are safe before they are judged */
	}
	if (err == 0)
		err = read_head(r, q.sha256, &head, &n, &whole, d);
	if (err == 0) {
		int refused = propose(f->n, r, &a, span_of(head, n), whole, f->name, &plan, why);
		jw_object(&w);
		if (refused == 0) {
			jw_key(&w, "proposal");
			intake_plan_write(&w, &plan);
		} else {
			jw_key(&w, "trouble");
			put_words(&w, why);
		}
		jw_object_end(&w);
		q.blob = NULL;
		q.state = refused == 0 ? "proposed" : "refused";
		q.json = buf_span(&json);
		err = json.err ? json.err : refused == MO_ENOMEM ? MO_ENOMEM : storer_run(node_storer(f->n), row_run, &q.job, d);
	}
	free(head);
	free(why);
	buf_free(&json);
	arena_free(&a);
	import_file_drop(f);
	return err;
}

/* ---- running ---- */
struct series {
	struct series *next;
	uint8_t *text; /* owned */
	struct point_key key;
	series_id id;  /* log thread */
	uint64_t taken, replaced;
	size_t group; /* of rows that share their tags */
};
struct entry {
	struct series *s;
	enum series_type type;
	size_t n, t_at, v_at; /* offsets into data */
};
struct run;
struct data_job {
	struct wjob job;
	struct run *run;
	struct entry *entries;
	size_t n, cap;
	struct buf data;
};
struct run {
	struct node *n;
	const struct intake_plan *plan;
	struct series *series;
	struct map groups;
	size_t n_groups;
	struct data_job *filling;
	pthread_mutex_t mu; /* below */
	pthread_cond_t landed;
	unsigned in_flight;
	int err;
	struct diag d;
	/* worker */
	int64_t arrival_ns;
	uint64_t bytes_all;
	_Atomic unsigned *progress;
	struct buf refused; /* CSV */
	bool refused_cut;
	struct buf errors;  /* JSON array items */
	unsigned n_errors;
	enum words_lang lang;
};

static void data_free(struct data_job *q)
{
	if (!q)
		return;
	free(q->entries);
	buf_free(&q->data);
	free(q);
}

static int store_entry(struct run *r, struct writer *w, struct sbatch *b, const struct data_job *q, const struct entry *e, struct diag *d)
{
	struct series *s = e->s;
	struct sdb_appended did;
	int err = s->id ? 0 : node_resolve(r->n, &s->key, &s->id, d);
	const int64_t *t = (const int64_t *)(const void *)(q->data.p + e->t_at);
	sbatch_reset(b);
	sbatch_set_arrival(b, r->arrival_ns);
	if (err == 0 && e->type != SERIES_STR) {
		err = sbatch_add_run(b, s->id, e->type, e->n, t, q->data.p + e->v_at);
	} else if (err == 0) {
		const struct span *v = (const struct span *)(const void *)(q->data.p + e->v_at);
		for (size_t i = 0; i < e->n && err == 0; i++) {
			struct sbatch_point p = {.id = s->id, .type = SERIES_STR, .t_ns = t[i], .arrival_ns = T_NONE};
			p.v.str = span_of(q->data.p + (uintptr_t)v[i].p, v[i].n);
			err = sbatch_add(b, &p);
		}
	}
	if (err == 0)
		err = writer_append(w, b, &did, d);
	if (err == 0) {
		s->taken += did.taken;
		s->replaced += did.replaced;
	}
	return err;
}

static int data_run(struct wjob *j, struct writer *w, struct diag *d)
{
	struct data_job *q = (struct data_job *)j;
	struct sbatch *b = NULL;
	int err = sbatch_new(&b);
	for (size_t i = 0; i < q->n && err == 0; i++)
		err = store_entry(q->run, w, b, q, &q->entries[i], d);
	sbatch_free(b);
	return err;
}

static void data_done(struct wjob *j, int err, const struct diag *d)
{
	struct data_job *q = (struct data_job *)j;
	struct run *r = q->run;
	data_free(q);
	pthread_mutex_lock(&r->mu);
	if (err != 0 && r->err == 0) {
		r->err = err;
		if (d)
			r->d = *d;
	}
	r->in_flight--;
	pthread_cond_signal(&r->landed);
	pthread_mutex_unlock(&r->mu);
}

static int hand_over(struct run *r)
{
	struct data_job *q = r->filling;
	if (!q || q->n == 0)
		return 0;
	pthread_mutex_lock(&r->mu);
	while (r->in_flight >= IMPORT_WINDOW)
		pthread_cond_wait(&r->landed, &r->mu);
	int err = r->err;
	if (err == 0)
		r->in_flight++;
	pthread_mutex_unlock(&r->mu);
	if (err != 0)
		return err;
	r->filling = NULL;
	q->job.run = data_run;
	q->job.from_file = true;
	q->job.done = data_done;
	while ((err = writer_submit(node_writer(r->n), &q->job)) == MO_EAGAIN) {
		struct timespec ms = {0, 1000000};
		nanosleep(&ms, NULL);
	}
	if (err != 0)
		data_done(&q->job, err, NULL);
	return err;
}

static void wait_landed(struct run *r)
{
	pthread_mutex_lock(&r->mu);
	while (r->in_flight)
		pthread_cond_wait(&r->landed, &r->mu);
	pthread_mutex_unlock(&r->mu);
}

static int on_series(void *arg, const struct intake_plan *p, const struct span *tag_kv, size_t n_tags, size_t column, void **ret, struct diag *d)
{
	struct run *r = arg;
	struct buf b;
	buf_init(&b, 0);
	const struct intake_column *col = &p->columns[column];
	series_key_write(&b, p->asset, tag_kv, n_tags, col->signal);
	size_t key_n = b.n, field_n = col->signal.n;
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
	struct series *s = calloc(1, sizeof *s);
	if (b.err || !s) {
		buf_free(&b);
		free(s);
		return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	}
	s->text = b.p;
	struct span all = buf_span(&b);
	s->key = (struct point_key){.key = span_sub(all, 0, key_n), .asset = span_sub(all, key_n, p->asset.n),
		.signal = span_sub(all, key_n + p->asset.n, field_n), .label = span_sub(all, label_at, unit_at - label_at),
		.unit = span_sub(all, unit_at, all.n), .source = SPAN_LIT("file"),
		.type = col->type == SERIES_I64 ? SERIES_F64 : col->type, .kind = SERIES_CLOCK};
	/* Rows are counted per tags: the key up to its field names them. */
	struct span tags = span_sub(all, 0, key_n - (key_n < field_n ? key_n : field_n));
	uint64_t *g = map_get(&r->groups, tags);
	if (g) {
		s->group = *g;
	} else {
		s->group = r->n_groups;
		if (map_put(&r->groups, tags, r->n_groups) != 0) {
			free(s->text);
			free(s);
			return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
		}
		r->n_groups++;
	}
	s->next = r->series;
	r->series = s;
	*ret = s;
	return 0;
}

static void align(struct buf *b)
{
	while (b->n % 8)
		buf_addc(b, 0);
}

static int on_run(void *arg, void *series, enum series_type type, size_t n, const int64_t *t_ns, const void *v, struct diag *d)
{
	struct run *r = arg;
	if (!r->filling) {
		r->filling = calloc(1, sizeof *r->filling);
		if (!r->filling)
			return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
		r->filling->run = r;
		buf_init(&r->filling->data, 0);
	}
	struct data_job *q = r->filling;
	if (q->n == q->cap) {
		size_t cap = q->cap ? 2 * q->cap : 64;
		struct entry *p = realloc(q->entries, cap * sizeof *p);
		if (!p)
			return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
		q->entries = p;
		q->cap = cap;
	}
	struct entry *e = &q->entries[q->n];
	*e = (struct entry){.s = series, .type = type == SERIES_I64 ? SERIES_F64 : type, .n = n};
	align(&q->data);
	e->t_at = q->data.n;
	buf_add(&q->data, span_of(t_ns, n * sizeof *t_ns));
	e->v_at = q->data.n;
	if (type == SERIES_F64) {
		buf_add(&q->data, span_of(v, n * sizeof(double)));
	} else if (type == SERIES_I64) {
		double *out = (double *)(void *)buf_reserve(&q->data, n * sizeof *out);
		for (size_t i = 0; out && i < n; i++)
			out[i] = (double)((const int64_t *)v)[i];
		if (out)
			q->data.n += n * sizeof *out;
	} else if (type == SERIES_BOOL) {
		buf_add(&q->data, span_of(v, n));
	} else {
		/* Spans as offsets into this buffer: it may move while it grows. */
		const struct span *s = v;
		size_t text = e->v_at + n * sizeof *s;
		for (size_t i = 0; i < n; i++) {
			struct span rel = {(const uint8_t *)(uintptr_t)text, s[i].n};
			buf_add(&q->data, span_of(&rel, sizeof rel));
			text += s[i].n;
		}
		for (size_t i = 0; i < n; i++)
			buf_add(&q->data, s[i]);
	}
	if (q->data.err)
		return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	q->n++;
	int err = q->data.n >= IMPORT_JOB_BYTES ? hand_over(r) : 0;
	if (err != 0 && d)
		*d = r->d;
	return err;
}

static int on_refused(void *arg, uint64_t line, const struct span *fields, size_t n_fields, const struct diag *why)
{
	struct run *r = arg;
	struct buf reason;
	buf_init(&reason, 0);
	words_render(&reason, r->lang, why);
	if (r->refused.n < IMPORT_REFUSED_MAX) {
		for (size_t i = 0; i < n_fields; i++)
			csv_write_text(&r->refused, fields[i], i == 0);
		csv_write_text(&r->refused, buf_span(&reason), n_fields == 0);
		csv_write_end(&r->refused);
	} else {
		r->refused_cut = true;
	}
	if (r->n_errors < IMPORT_ERRORS_LISTED) {
		struct json_writer w;
		if (r->n_errors++)
			buf_addc(&r->errors, ',');
		json_writer_init(&w, &r->errors);
		jw_object(&w);
		jw_key(&w, "line");
		jw_u64(&w, line);
		jw_key(&w, "field");
		jw_cstr(&w, why->field);
		jw_key(&w, "value");
		jw_cstr(&w, why->value);
		jw_key(&w, "expected");
		jw_cstr(&w, why->expected);
		jw_key(&w, "detail");
		put_words(&w, why);
		jw_object_end(&w);
	}
	buf_free(&reason);
	return r->refused.err ? r->refused.err : r->errors.err;
}

static int on_progress(void *arg, uint64_t bytes)
{
	struct run *r = arg;
	if (r->progress && r->bytes_all)
		atomic_store(r->progress, (unsigned)(bytes * 1000 / r->bytes_all));
	return 0;
}

/* The file's first line heads the refused rows, so that they can be mended and given again. */
static void head_refused(struct run *r, const struct intake_plan *p)
{
	csv_write_bom(&r->refused);
	for (size_t i = 0; i < p->n_columns; i++)
		csv_write_text(&r->refused, p->columns[i].header, i == 0);
	csv_write_text(&r->refused, r->lang == WORDS_KO ? SPAN_LIT("사유") : SPAN_LIT("reason"), p->n_columns == 0);
	csv_write_end(&r->refused);
}

static int stream_file(struct run *r, struct store_reader *reader, const uint8_t sha[32], struct intake_counts *counts, struct diag *d)
{
	static const struct intake_sink sink = {on_series, on_run, on_refused, on_progress};
	struct vfs_file *f = NULL;
	struct intake_reader *in = NULL;
	uint8_t *piece = malloc(IMPORT_READ_BYTES);
	int err = piece ? store_open_blob(reader, sha, &f, &r->bytes_all, d) : MO_ENOMEM;
	if (err == 0)
		err = intake_open(&in, r->plan, node_zone(r->n), &sink, r, d);
	for (uint64_t at = 0; err == 0;) {
		size_t n = 0;
		err = vfs_pread(f, piece, IMPORT_READ_BYTES, at, &n);
		if (err != 0 || n == 0)
			break;
		err = intake_feed(in, span_of(piece, n), d);
		at += n;
	}
	if (err == 0)
		err = intake_end(in, counts, d);
	if (err == 0)
		err = hand_over(r);
	wait_landed(r);
	if (err == 0 && r->err != 0) {
		err = r->err;
		if (d)
			*d = r->d;
	}
	intake_close(in);
	vfs_close(f);
	free(piece);
	return err;
}

static uint64_t replaced_rows(struct run *r)
{
	uint64_t *of = calloc(r->n_groups ? r->n_groups : 1, sizeof *of), sum = 0;
	for (struct series *s = r->series; of && s; s = s->next)
		if (s->replaced > of[s->group])
			of[s->group] = s->replaced;
	for (size_t i = 0; of && i < r->n_groups; i++)
		sum += of[i];
	free(of);
	return sum;
}

static void write_result(struct json_writer *w, struct run *r, const struct intake_counts *c, const char *refused_sha)
{
	uint64_t replaced = replaced_rows(r);
	jw_object(w);
	jw_key(w, "rows");
	jw_u64(w, c->rows);
	jw_key(w, "taken");
	jw_u64(w, c->rows - c->refused - replaced);
	jw_key(w, "replaced");
	jw_u64(w, replaced);
	jw_key(w, "refused");
	jw_u64(w, c->refused);
	jw_key(w, "values");
	jw_u64(w, c->values);
	jw_key(w, "missing");
	jw_u64(w, c->missing);
	jw_key(w, "bad_text");
	jw_u64(w, c->bad_text);
	jw_key(w, "series");
	jw_array(w);
	for (struct series *s = r->series; s; s = s->next) {
		struct series_def def;
		char id[UUID_TEXT];
		if (!s->id || sdb_get_def(node_sdb(r->n), s->id, &def) != 0)
			continue;
		uuid_format(id, &def.uuid);
		jw_cstr(w, id);
	}
	jw_array_end(w);
	jw_key(w, "asset");
	jw_str(w, r->plan->asset);
	jw_key(w, "lots");
	jw_u64(w, 0);
	jw_key(w, "errors");
	jw_array(w);
	if (r->errors.n)
		jw_raw(w, buf_span(&r->errors));
	jw_array_end(w);
	jw_key(w, "refused_file");
	jw_cstr(w, refused_sha);
	jw_key(w, "refused_cut");
	jw_bool(w, r->refused_cut);
	jw_object_end(w);
}

/* The refused rows as a blob; sha as hex, "" when none was refused. */
static int keep_refused(struct run *r, const struct intake_counts *c, char hex[65], struct diag *d)
{
	struct begin_job b = {.blob = NULL};
	struct row_job q = {.name = SPAN_LIT("refused.csv"), .media = SPAN_LIT("text/csv")};
	hex[0] = 0;
	if (c->refused == 0)
		return 0;
	int err = storer_run(node_storer(r->n), begin_run, &b.job, d);
	if (err == 0)
		err = blob_write(b.blob, buf_span(&r->refused), d);
	q.blob = b.blob;
	if (err == 0)
		err = storer_run(node_storer(r->n), row_run, &q.job, d);
	blob_abort(b.blob);
	for (size_t i = 0; err == 0 && i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", q.sha256[i]);
	return err;
}

/* The row of an import: its file, digest and proposal. */
static int load(struct store_reader *r, struct arena *a, const char *id, struct span *name, uint8_t sha[32], struct span *proposal, struct span *state, struct diag *d)
{
	struct table_cursor *cur = NULL;
	struct table_batch b;
	struct store_arg args[] = {sarg_s(span_str(id))};
	int err = store_select(r, &cur, SQ_IMPORT, args, 1, d);
	if (err == 0 && (err = table_next(cur, &b, d)) == 0 && b.n_rows == 0)
		err = diag_set(d, MO_ENOENT, MSG_API_NOT_FOUND);
	if (err == 0) {
		struct json_value *root;
		struct span json = arena_dup(a, b.cols[3].str[0]);
		struct buf bytes;
		*name = arena_dup(a, b.cols[1].str[0]);
		*state = arena_dup(a, b.cols[2].str[0]);
		buf_init(&bytes, 0);
		if (hex_decode(&bytes, b.cols[5].str[0]) != 0 || bytes.n != 32)
			err = diag_set(d, MO_ECORRUPT, MSG_IMPORT_FILE_GONE);
		else
			memcpy(sha, bytes.p, 32);
		buf_free(&bytes);
		*proposal = span_of(NULL, 0);
		if (err == 0 && json_parse(&root, a, json, NULL) == 0) {
			/* The proposal's own text: between its first and last byte in the row. */
			const struct json_value *p = json_member(root, "proposal");
			struct buf text;
			struct json_writer w;
			buf_init(&text, 0);
			json_writer_init(&w, &text);
			if (p) {
				jw_value(&w, p);
				*proposal = arena_dup(a, buf_span(&text));
			}
			buf_free(&text);
		}
	}
	table_close(cur);
	return err;
}

int import_run(struct node *n, struct store_reader *reader, const char *id, struct span plan_json, _Atomic unsigned *progress, struct diag *d)
{
	struct arena a;
	struct span name, proposal, state;
	struct intake_plan plan;
	struct intake_counts counts = {0};
	struct settings *set = calloc(1, sizeof *set);
	struct run *r = calloc(1, sizeof *r);
	struct row_job q = {.id = span_str(id)};
	struct buf json, mapping;
	struct json_writer w;
	char shape[65] = "", refused[65] = "";
	arena_init(&a, 64u << 20);
	buf_init(&json, IMPORT_ROW_MAX);
	buf_init(&mapping, IMPORT_ROW_MAX);
	int err = set && r ? 0 : diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	if (err != 0)
		goto out;
	node_settings(n, set);
	r->n = n;
	r->plan = &plan;
	r->progress = progress;
	r->arrival_ns = q.now_ns = clock_now(node_clock(n));
	r->lang = words_lang(set->lang);
	map_init(&r->groups);
	buf_init(&r->refused, IMPORT_REFUSED_MAX + IMPORT_ROW_MAX);
	buf_init(&r->errors, IMPORT_ROW_MAX / 2);
	pthread_mutex_init(&r->mu, NULL);
	pthread_cond_init(&r->landed, NULL);
	err = load(reader, &a, id, &name, q.sha256, &proposal, &state, d);
	if (err == 0 && span_is(state, "refused"))
		err = diag_set(d, MO_ESTATE, MSG_IMPORT_BUSY);
	if (err == 0)
		err = intake_plan_read(&plan, &a, plan_json.n ? plan_json : proposal, d);
	if (err == 0) {
		head_refused(r, &plan);
		err = stream_file(r, reader, q.sha256, &counts, d);
		if (err == 0)
			err = keep_refused(r, &counts, refused, d);
		/* What happened is kept either way. */
		q.name = name;
		q.state = err == 0 ? "done" : "failed";
		json_writer_init(&w, &json);
		jw_object(&w);
		jw_key(&w, "proposal");
		intake_plan_write(&w, &plan);
		if (err == 0) {
			jw_key(&w, "result");
			write_result(&w, r, &counts, refused[0] ? refused : NULL);
		} else if (d) {
			jw_key(&w, "trouble");
			put_words(&w, d);
		}
		jw_object_end(&w);
		q.json = buf_span(&json);
		if (err == 0 && intake_shape(shape, &plan) == 0) {
			struct intake_plan first;
			bool fixed = proposal.n && intake_plan_read(&first, &a, proposal, NULL) == 0 && !span_eq(first.asset, plan.asset);
			json_writer_init(&w, &mapping);
			intake_plan_write(&w, &plan);
			if (!mapping.err && fixed && mapping.n > 1) {
				mapping.n--; /* the closing brace */
				buf_adds(&mapping, ",\"asset_fixed\":true}");
			}
			q.shape = span_str(shape);
			q.mapping = buf_span(&mapping);
		}
		int stored = json.err ? json.err : storer_run(node_storer(n), row_run, &q.job, NULL);
		err = err ? err : stored;
	}
	while (r->series) {
		struct series *s = r->series;
		r->series = s->next;
		free(s->text);
		free(s);
	}
	data_free(r->filling);
	map_free(&r->groups);
	buf_free(&r->refused);
	buf_free(&r->errors);
	pthread_mutex_destroy(&r->mu);
	pthread_cond_destroy(&r->landed);
out:
	buf_free(&json);
	buf_free(&mapping);
	arena_free(&a);
	free(set);
	free(r);
	return err;
}

int import_watched(void *arg, struct store_reader *r, const char *path, const char *name, struct diag *d)
{
	struct node *n = arg;
	struct vfs_file *f = NULL;
	struct import_file *in = NULL;
	uint8_t *piece = malloc(IMPORT_READ_BYTES);
	char id[UUID_TEXT];
	int err = piece ? vfs_open(node_vfs(n), &f, path, VFS_READ, d) : diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	if (err == 0)
		err = import_file_begin(&in, n, name, d);
	for (uint64_t at = 0; err == 0;) {
		size_t got = 0;
		err = vfs_pread(f, piece, IMPORT_READ_BYTES, at, &got);
		if (err != 0 || got == 0)
			break;
		err = import_file_piece(in, span_of(piece, got), d);
		at += got;
	}
	if (err == 0) {
		err = import_file_end(in, r, id, d);
		in = NULL;
	}
	if (err == 0)
		err = import_run(n, r, id, span_of(NULL, 0), NULL, d);
	if (err == MO_ESTATE) /* refused as it stands: the import row says why */
		err = MO_EINVAL;
	import_file_drop(in);
	vfs_close(f);
	free(piece);
	return err;
}
