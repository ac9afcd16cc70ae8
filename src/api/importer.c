/* See importer.h. Values take their way to the log thread by feed.c.
 *
 *   proposed --import_run--> running --> done
 *   refused (final)            |------> failed --import_run--> running
 *                              `- the node ended: import_mend() makes it failed */
#include "api/importer.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/priv/feed.h"
#include "api/priv/mapping.h"
#include "api/words.h"
#include "base/utf8.h"
#include "codec/csv.h"
#include "codec/json.h"

#define IMPORT_READ_BYTES (256u << 10)
#define IMPORT_REFUSED_PIECE (256u << 10)
#define IMPORT_ROW_MAX (1u << 20) /* JSON of one import row */

/* Whatever lies below may fail without words: no memory, or a file that does not answer. Gives err. */
static int worded(int err, struct diag *d)
{
	if (err != 0 && d && d->msg == MSG_NONE)
		diag_set(d, err, err == MO_ENOMEM ? MSG_OUT_OF_MEMORY : MSG_IMPORT_FILE_GONE);
	return err;
}

/* The node is ending: what is stored stays, and the same file given again goes on from there. */
static int stopped(struct node *n, struct diag *d) { return node_stopping(n) ? diag_set(d, MO_ECANCELED, MSG_IMPORT_STOPPED) : 0; }

/* What another try will not make better. */
static bool for_good(int err) { return err == MO_EINVAL || err == MO_ELIMIT || err == MO_EEXIST || err == MO_ECORRUPT || err == MO_EVERSION; }

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
	int full = disk_allows(node_disk(n), DISK_BLOBS, d);
	if (full != 0) {
		free(f);
		return full;
	}
	if (!f)
		return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	f->n = n;
	struct buf composed; /* decomposed Korean names, as macOS writes them */
	buf_init(&composed, 0);
	utf8_compose_hangul(&composed, span_str(name));
	diag_copy(f->name, sizeof f->name, buf_span(&composed));
	int err = composed.err; /* under another name it would be another asset's */
	buf_free(&composed);
	if (err == 0)
		err = storer_run(node_storer(n), begin_run, &q.job, d);
	f->blob = q.blob;
	if (err != 0) {
		import_file_drop(f);
		return worded(err, d);
	}
	*ret = f;
	return 0;
}

int import_file_piece(struct import_file *f, struct span bytes, struct diag *d)
{
	/* A file may be larger than what was free when it began. */
	disk_look(node_disk(f->n), mono_now());
	int err = disk_allows(node_disk(f->n), DISK_BLOBS, d);
	if (err == 0)
		err = blob_write(f->blob, bytes, d);
	if (err == 0)
		disk_taken(node_disk(f->n), bytes.n);
	return worded(err, d);
}

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
	struct span shape, mapping, who; /* remembered when shape.n, by whom */
};

static int row_run(struct sjob *j, struct store *s, struct diag *d)
{
	struct row_job *q = (struct row_job *)j;
	int64_t version;
	int err = q->blob ? blob_end(q->blob, s, q->media, q->name, q->sha256, d) : 0;
	if (err == 0 && q->state)
		err = store_put_import(s, q->id, q->name, q->sha256, span_str(q->state), q->json, q->now_ns, d);
	if (err == 0 && q->shape.n)
		err = store_put_doc(s, DOC_MAPPING, q->shape, q->mapping, -1, q->who, q->now_ns, &version, d);
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

int import_file_end(struct import_file *f, struct store_reader *r, char id[UUID_TEXT], bool *ret_refused, struct diag *d)
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
		int refused = worded(mapping_propose(&plan, &a, f->n, r, span_of(head, n), whole, f->name, why), why);
		if (refused != 0 && !for_good(refused)) {
			err = refused; /* not the file's fault */
			if (d)
				*d = *why;
		}
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
		if (err == 0)
			err = json.err ? json.err : storer_run(node_storer(f->n), row_run, &q.job, d);
		*ret_refused = refused != 0;
		if (err == 0 && refused != 0 && d)
			*d = *why;
	}
	free(head);
	free(why);
	buf_free(&json);
	arena_free(&a);
	import_file_drop(f);
	return worded(err, d);
}

/* ---- running ---- */
struct run {
	struct node *n;
	const struct intake_plan *plan;
	struct zone *zone; /* another than the node's */
	struct feed *feed;
	const struct feed_result *fed;
	uint64_t bytes_all;
	_Atomic unsigned *progress;
	struct buf refused; /* CSV on its way into the blob */
	struct blob_writer *refused_blob;
	uint64_t refused_bytes; /* in the blob */
	bool refused_cut;
	struct buf errors;  /* JSON array items */
	unsigned n_errors;
	enum words_lang lang;
};

static int on_series(void *arg, const struct intake_plan *p, const struct span *tag_kv, size_t n_tags, size_t column, void **ret, struct diag *d)
{
	(void)p;
	return feed_series(((struct run *)arg)->feed, tag_kv, n_tags, column, ret, d);
}

static int on_rows(void *arg, size_t n, const int64_t *t_ns, const uint64_t *line, struct diag *d)
{
	return feed_rows(((struct run *)arg)->feed, n, t_ns, line, d);
}

static int on_run(void *arg, void *series, enum series_type type, size_t n, const uint16_t *row, const int64_t *t_ns, const void *v, struct diag *d)
{
	return feed_run(((struct run *)arg)->feed, series, type, n, row, t_ns, v, d);
}

/* The refused rows so far into their blob. */
static int move_refused(struct run *r, struct diag *d)
{
	int err = r->refused.err;
	if (err == 0 && !r->refused_blob) {
		struct begin_job b = {.blob = NULL};
		err = storer_run(node_storer(r->n), begin_run, &b.job, d);
		r->refused_blob = b.blob;
	}
	if (err == 0)
		err = blob_write(r->refused_blob, buf_span(&r->refused), d);
	r->refused_bytes += r->refused.n;
	buf_reset(&r->refused);
	return err;
}

static int on_refused(void *arg, uint64_t line, const struct span *fields, size_t n_fields, const struct diag *why)
{
	struct run *r = arg;
	struct buf reason;
	buf_init(&reason, 0);
	words_render(&reason, r->lang, why);
	if (r->refused_bytes + r->refused.n < IMPORT_REFUSED_MAX) {
		for (size_t i = 0; i < n_fields; i++)
			csv_write_text(&r->refused, fields[i], i == 0);
		/* The reason stands in the last column of a row of every width. */
		for (size_t i = n_fields; i < r->plan->n_columns; i++)
			csv_write_text(&r->refused, span_str(""), i == 0);
		csv_write_text(&r->refused, buf_span(&reason), false);
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
	int err = r->refused.n >= IMPORT_REFUSED_PIECE ? move_refused(r, NULL) : r->refused.err;
	return err ? err : r->errors.err;
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
	static const struct intake_sink sink = {on_series, on_rows, on_run, on_refused, on_progress};
	struct vfs_file *f = NULL;
	struct intake_reader *in = NULL;
	uint8_t *piece = malloc(IMPORT_READ_BYTES);
	int err = piece ? store_open_blob(reader, sha, &f, &r->bytes_all, d) : MO_ENOMEM;
	if (err == 0)
		err = intake_open(&in, r->plan, r->zone ? r->zone : node_zone(r->n), &sink, r, d);
	for (uint64_t at = 0; err == 0;) {
		size_t n = 0;
		if ((err = stopped(r->n, d)) == 0)
			err = vfs_pread(f, piece, IMPORT_READ_BYTES, at, &n);
		if (err != 0 || n == 0)
			break;
		err = intake_feed(in, span_of(piece, n), d);
		at += n;
	}
	if (err == 0)
		err = intake_end(in, counts, d);
	if (err == 0)
		err = feed_end(r->feed, &r->fed, d);
	intake_close(in);
	vfs_close(f);
	free(piece);
	return worded(err, d);
}

struct series_list {
	struct json_writer *w;
	struct node *n;
};

static void put_series(void *arg, series_id id)
{
	struct series_list *l = arg;
	struct series_def def;
	char text[UUID_TEXT];
	if (sdb_get_def(node_sdb(l->n), id, &def) != 0)
		return;
	uuid_format(text, &def.uuid);
	jw_cstr(l->w, text);
}

/* "t" is the row's number where the file has no times. */
static void put_replaced(struct json_writer *w, const struct run *r, const struct feed_replaced *list, size_t n, bool same)
{
	for (size_t i = 0; i < n; i++) {
		jw_object(w);
		jw_key(w, "line");
		jw_u64(w, list[i].line);
		jw_key(w, "t");
		if (r->plan->time_format)
			jw_time(w, list[i].t_ns);
		else
			jw_i64(w, list[i].t_ns);
		jw_key(w, "same");
		jw_bool(w, same);
		jw_object_end(w);
	}
}

static void write_result(struct json_writer *w, struct run *r, const struct intake_counts *c, const char *refused_sha)
{
	jw_object(w);
	jw_key(w, "rows");
	jw_u64(w, c->rows);
	jw_key(w, "taken");
	jw_u64(w, c->rows - c->refused - r->fed->replaced);
	jw_key(w, "replaced");
	jw_u64(w, r->fed->replaced);
	jw_key(w, "same");
	jw_u64(w, r->fed->same);
	jw_key(w, "replaced_rows");
	jw_array(w); /* those that changed something first */
	size_t n = r->fed->n_changed, room = FEED_LISTED - n;
	put_replaced(w, r, r->fed->changed_rows, n, false);
	put_replaced(w, r, r->fed->same_rows, r->fed->n_same < room ? r->fed->n_same : room, true);
	jw_array_end(w);
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
	feed_each(r->feed, put_series, &(struct series_list){w, r->n});
	jw_array_end(w);
	jw_key(w, "asset");
	jw_str(w, r->plan->asset);
	jw_key(w, "question");
	jw_cstr(w, intake_question_name(r->plan->question));
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
	struct row_job q = {.name = SPAN_LIT("refused.csv"), .media = SPAN_LIT("text/csv")};
	hex[0] = 0;
	if (c->refused == 0)
		return 0;
	int err = move_refused(r, d);
	q.blob = r->refused_blob;
	if (err == 0)
		err = storer_run(node_storer(r->n), row_run, &q.job, d);
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
		struct json_value *root = NULL;
		struct span json = arena_dup(a, b.cols[3].str[0]);
		struct buf bytes, text;
		struct json_writer w;
		buf_init(&bytes, 0);
		buf_init(&text, 0);
		*name = arena_dup(a, b.cols[1].str[0]);
		*state = arena_dup(a, b.cols[2].str[0]);
		*proposal = span_of(NULL, 0);
		err = json.p && name->p && state->p ? hex_decode(&bytes, b.cols[5].str[0]) : MO_ENOMEM;
		if (err == 0 && bytes.n == 32)
			memcpy(sha, bytes.p, 32);
		else if (err != MO_ENOMEM)
			err = diag_set(d, MO_ECORRUPT, MSG_IMPORT_FILE_GONE);
		if (err == 0)
			err = json_parse(&root, a, json, d);
		/* The proposal's own text: between its first and last byte in the row. */
		const struct json_value *p = err == 0 ? json_member(root, "proposal") : NULL;
		if (p) {
			json_writer_init(&w, &text);
			jw_value(&w, p);
			err = text.err;
			if (err == 0 && !(*proposal = arena_dup(a, buf_span(&text))).p)
				err = MO_ENOMEM;
		}
		buf_free(&bytes);
		buf_free(&text);
	}
	table_close(cur);
	return err;
}

void import_midnight(struct diag *ret, const struct intake_midnight *m)
{
	diag_set(ret, 0, MSG_IMPORT_MIDNIGHT);
	diag_line(ret, m->line, 0);
	diag_text(ret, 0, m->before);
	diag_text(ret, 1, m->at);
}

/* The row with its plan alone: rows may be in from here on, and a node that ends without a word finds it at its next start. */
static int put_state(struct row_job *q, struct node *n, struct buf *json, const char *state, const struct intake_plan *plan, struct diag *d)
{
	struct json_writer w;
	json_writer_init(&w, json);
	jw_object(&w);
	jw_key(&w, "proposal");
	intake_plan_write(&w, plan);
	jw_object_end(&w);
	q->state = state;
	q->json = buf_span(json);
	return worded(json->err ? json->err : storer_run(node_storer(n), row_run, &q->job, d), d);
}

/* note: what a person had better know of a file that was stored, MSG_NONE: nothing; may be NULL. */
static int run_import(struct node *n, struct store_reader *reader, const char *id, struct span plan_json, struct span who, _Atomic unsigned *progress,
	struct diag *note, struct diag *d)
{
	struct arena a;
	struct span name, proposal, state;
	struct intake_plan plan;
	struct intake_counts counts = {0};
	struct settings *set = calloc(1, sizeof *set);
	struct run *r = calloc(1, sizeof *r);
	struct row_job q = {.id = span_str(id), .who = who};
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
	q.now_ns = clock_now(node_clock(n));
	r->lang = words_lang(set->lang);
	buf_init(&r->refused, 0);
	buf_init(&r->errors, IMPORT_ROW_MAX / 2);
	err = load(reader, &a, id, &name, q.sha256, &proposal, &state, d);
	if (err == 0 && span_is(state, "refused"))
		err = diag_set(d, MO_ESTATE, MSG_IMPORT_BUSY);
	if (err == 0)
		err = intake_plan_read(&plan, &a, plan_json.n ? plan_json : proposal, d);
	if (err == 0 && plan.zone.n && !span_is(plan.zone, set->zone))
		err = node_zone_named(n, &r->zone, plan.zone, d);
	if (err == 0) {
		q.name = name;
		err = put_state(&q, n, &json, "running", &plan, d);
		buf_reset(&json);
		head_refused(r, &plan);
		if (err == 0 && (err = feed_new(&r->feed, n, &plan, q.now_ns)) != 0)
			diag_set(d, err, MSG_OUT_OF_MEMORY);
		if (err == 0)
			err = stream_file(r, reader, q.sha256, &counts, d);
		if (err == 0)
			err = keep_refused(r, &counts, refused, d);
		if (err == 0)
			err = intake_shape(shape, &plan);
		if (err == 0)
			err = mapping_remember(&mapping, reader, &a, shape, &plan, name, span_str(set->zone), plan_json.n > 0);
		if (err != 0)
			worded(err, d);
		/* What happened is kept either way. */
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
		if (err == 0 && mapping.n) {
			q.shape = span_str(shape);
			q.mapping = buf_span(&mapping);
		}
		int stored = json.err ? json.err : storer_run(node_storer(n), row_run, &q.job, err ? NULL : d);
		err = err ? err : stored;
		if (err == 0 && plan.midnight.line)
			import_midnight(note, &plan.midnight);
	}
	feed_free(r->feed);
	zone_free(r->zone);
	blob_abort(r->refused_blob);
	buf_free(&r->refused);
	buf_free(&r->errors);
out:
	buf_free(&json);
	buf_free(&mapping);
	arena_free(&a);
	free(set);
	free(r);
	return worded(err, d);
}

/* One import that a node left behind. */
static int mend(struct node *n, struct store_reader *r, struct arena *a, const char *id, struct diag *d)
{
	struct row_job q = {.id = span_str(id), .state = "failed", .now_ns = clock_now(node_clock(n))};
	struct span proposal, state;
	struct json_value *plan;
	struct buf json;
	struct json_writer w;
	struct diag why = {0};
	diag_set(&why, MO_ECANCELED, MSG_IMPORT_INTERRUPTED);
	buf_init(&json, IMPORT_ROW_MAX);
	json_writer_init(&w, &json);
	int err = load(r, a, id, &q.name, q.sha256, &proposal, &state, d);
	if (err == 0)
		err = json_parse(&plan, a, proposal, d);
	if (err == 0) {
		jw_object(&w);
		jw_key(&w, "proposal");
		jw_value(&w, plan);
		jw_key(&w, "trouble");
		put_words(&w, &why);
		jw_object_end(&w);
		q.json = buf_span(&json);
		err = json.err ? json.err : storer_run(node_storer(n), row_run, &q.job, d);
	}
	buf_free(&json);
	return err;
}

int import_mend(struct node *n, struct diag *d)
{
	struct store_reader *r = NULL;
	struct table_cursor *cur = NULL;
	struct table_batch b;
	struct arena a;
	struct left {
		struct left *next;
		char *id;
	} *left = NULL;
	char *db = folder_path(node_folder(n), "store.db");
	arena_init(&a, 64u << 20);
	int err = db ? store_reader_open(&r, node_vfs(n), db, d) : MO_ENOMEM;
	if (err == 0)
		err = store_select(r, &cur, SQ_IMPORTS_RUNNING, NULL, 0, d);
	while (err == 0 && (err = table_next(cur, &b, d)) == 0 && b.n_rows)
		for (size_t i = 0; i < b.n_rows && err == 0; i++) {
			struct left *l = arena_alloc(&a, sizeof *l);
			err = l && (l->id = arena_strdup(&a, b.cols[0].str[i])) ? 0 : MO_ENOMEM;
			if (err == 0) {
				l->next = left;
				left = l;
			}
		}
	table_close(cur);
	for (; left && err == 0; left = left->next)
		err = mend(n, r, &a, left->id, d);
	store_reader_close(r);
	arena_free(&a);
	free(db);
	return worded(err, d);
}

int import_run(struct node *n, struct store_reader *r, const char *id, struct span plan_json, struct span who, _Atomic unsigned *progress, struct diag *d)
{
	return run_import(n, r, id, plan_json, who, progress, NULL, d);
}

/* What a person reads beside a file that was set aside. */
static void say_why(struct node *n, const char *name, struct buf *why, const struct diag *d)
{
	struct settings *s = calloc(1, sizeof *s);
	if (!s)
		return;
	node_settings(n, s);
	buf_adds(why, "\xef\xbb\xbf"); /* for Notepad */
	buf_adds(why, name);
	buf_adds(why, "\r\n");
	words_render(why, words_lang(s->lang), d);
	buf_adds(why, "\r\n");
	free(s);
}

int import_watched(void *arg, struct store_reader *r, const char *path, const char *name, struct buf *why, struct diag *d)
{
	struct node *n = arg;
	struct vfs_file *f = NULL;
	struct import_file *in = NULL;
	uint8_t *piece = malloc(IMPORT_READ_BYTES);
	char id[UUID_TEXT];
	bool refused = false;
	struct diag *note = calloc(1, sizeof *note);
	int err = piece && note ? vfs_open(node_vfs(n), &f, path, VFS_READ | VFS_NO_LINK, d) : diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	if (err == MO_EINVAL) { /* whoever writes to the folder must not choose what the node reads elsewhere */
		diag_set(d, err, MSG_IMPORT_LINK);
		diag_file(d, path);
	}
	if (err == 0)
		err = import_file_begin(&in, n, name, d);
	for (uint64_t at = 0; err == 0;) {
		size_t got = 0;
		if ((err = stopped(n, d)) != 0)
			break;
		err = vfs_pread(f, piece, IMPORT_READ_BYTES, at, &got);
		if (err != 0) {
			diag_set(d, err, MSG_IMPORT_FILE_GONE);
			diag_file(d, path);
		}
		if (err != 0 || got == 0)
			break;
		err = import_file_piece(in, span_of(piece, got), d);
		at += got;
	}
	if (err == 0) {
		err = import_file_end(in, r, id, &refused, d);
		in = NULL;
	}
	if (err == 0)
		err = refused ? MO_EINVAL : run_import(n, r, id, span_of(NULL, 0), SPAN_LIT("local"), NULL, note, d);
	if (err == 0 && note->msg != MSG_NONE) {
		diag_file(note, name);
		node_log(n, "warn", note);
	}
	if (err == MO_ELIMIT && d && d->msg == MSG_OS_ERROR)
		err = MO_EAGAIN; /* the system's limit (open files), not the file's fault */
	if (err == MO_EINVAL || err == MO_ELIMIT || err == MO_EEXIST)
		say_why(n, name, why, d);
	import_file_drop(in);
	vfs_close(f);
	free(note);
	free(piece);
	return err;
}
