/* /api/v1/people/{pseudonym}/files: pictures and papers that show or name a person (store/person_file.h). Kept and removed by those who may see
 * names, and opened for them alone; that there are some, and that they were erased, is for everybody of the firm, as the person's entry is. */
#include "store/person_file.h"

#include "api/priv/upload.h"

#include <stdio.h>
#include <stdlib.h>

#include "codec/text.h"
#include "node/backups.h"
#include "os/crypto.h"

#define SLICE_BYTES (128u << 10) /* handed to the connection at a time */
#define SWEEP_MOST 100           /* removed files whose bytes go with one request */

static void wipe(struct buf *b)
{
	if (b->p)
		crypto_wipe(b->p, b->cap);
	buf_free(b);
}

/* The file that the path names. MO_ENOENT. */
static int file_of(struct api_call *c, struct uuid *ret)
{
	struct span text = api_param(c, "file");
	if (uuid_parse(ret, text) == 0)
		return 0;
	diag_set(c->d, MO_ENOENT, MSG_STORE_FILE_MISSING);
	diag_value(c->d, text);
	return MO_ENOENT;
}

/* ---- giving one ---- */

struct begin_job {
	struct sjob job;
	struct span pseudonym, media;
	struct person_file_writer *w;
};

static int begin_run(struct sjob *j, struct store *s, struct diag *d)
{
	struct begin_job *q = (struct begin_job *)j;
	return person_file_begin(s, &q->w, q->pseudonym, q->media, d);
}

struct end_job {
	struct sjob job;
	struct person_file_writer *w;
	struct person_file_said said;
	struct uuid file;
};

static int end_run(struct sjob *j, struct store *s, struct diag *d)
{
	struct end_job *q = (struct end_job *)j;
	return person_file_end(q->w, s, &q->said, &q->file, d);
}

static int put_begin(struct api_call *c, struct span said, void **ret)
{
	/* The type as it is listed: without parameters, in lower case. */
	struct span type = arena_dup(&c->arena, span_trim(span_sub(said, 0, span_find(said, 0, ';'))));
	struct begin_job q = {.pseudonym = api_param(c, "pseudonym"), .media = type};
	uint8_t *p = (uint8_t *)(uintptr_t)type.p;
	for (size_t i = 0; p && i < type.n; i++)
		if (p[i] >= 'A' && p[i] <= 'Z')
			p[i] |= 0x20;
	int err = disk_allows(node_disk(c->node), DISK_BLOBS, c->d);
	if (err == 0)
		err = storer_run(node_storer(c->node), begin_run, &q.job, c->d);
	*ret = q.w;
	return err;
}

static int put_piece(struct api_call *c, void *to, struct span bytes)
{
	disk_look(node_disk(c->node), mono_now()); /* a file may be larger than what was free when it began */
	int err = disk_allows(node_disk(c->node), DISK_BLOBS, c->d);
	if (err == 0)
		err = person_file_write(to, bytes, c->d);
	if (err == 0)
		disk_taken(node_disk(c->node), bytes.n);
	return err;
}

static int put_end(struct api_call *c, void **to)
{
	struct end_job q = {.w = *to, .said = {.name = api_param(c, "name"), .who = gate_who(&c->pass), .now_ns = clock_now(node_clock(c->node))}};
	char id[UUID_TEXT];
	struct span code = api_param(c, "pseudonym");
	int err = storer_run(node_storer(c->node), end_run, &q.job, c->d);
	if (err != 0)
		return err;
	uuid_format(id, &q.file);
	jw_object(&c->w);
	jw_key(&c->w, "file");
	jw_cstr(&c->w, id);
	jw_key(&c->w, "pseudonym");
	jw_str(&c->w, code);
	jw_object_end(&c->w);
	c->status = 201;
	char *location = arena_printf(&c->arena, "/api/v1/people/%.*s/files/%s", (int)code.n, (const char *)code.p, id);
	if (location)
		c->location = span_str(location);
	return 0;
}

static void put_drop(void *to) { person_file_abort(to); }

static int put_stream_begin(struct api_call *c)
{
	static const struct upload_to to = {put_begin, put_piece, put_end, put_drop};
	return upload_begin(c, &to, http1_header(http_head(c->pass.x), "Content-Type"));
}

const struct api_stream person_files_stream = {put_stream_begin, upload_piece, upload_end, upload_drop};

/* ---- which there are ---- */

static int write_file(struct api_call *c, struct span pseudonym, const struct table_batch *b, size_t i)
{
	struct json_writer *w = &c->w;
	struct uuid file;
	uint8_t about[PERSON_FILE_ABOUT];
	struct buf name;
	bool named = !(b->cols[2].null && b->cols[2].null[i]);
	int err = uuid_parse(&file, b->cols[0].str[i]) == 0 ? 0 : MO_ECORRUPT;
	buf_init(&name, 0);
	jw_object(w);
	jw_key(w, "file");
	jw_str(w, b->cols[0].str[i]);
	jw_key(w, "media");
	jw_str(w, b->cols[1].str[i]);
	jw_key(w, "name");
	if (err == 0 && named && gate_may(&c->pass, PERMISSION_PEOPLE))
		err = people_text(node_people(c->node), pseudonym, person_file_about(about, &file), b->cols[2].str[i], &name);
	if (err == 0 && name.n)
		jw_str(w, buf_span(&name));
	else
		jw_null(w);
	jw_key(w, "size");
	jw_i64(w, b->cols[3].i64[i]);
	jw_key(w, "t");
	jw_time(w, b->cols[4].i64[i]);
	jw_key(w, "who");
	jw_str(w, b->cols[5].str[i]);
	jw_object_end(w);
	wipe(&name);
	return err == MO_ENOMEM ? diag_set(c->d, err, MSG_OUT_OF_MEMORY) : 0; /* a name that does not open was erased, or is damaged: it stays hidden */
}

int get_person_files(struct api_call *c)
{
	struct span pseudonym = api_param(c, "pseudonym");
	struct store_arg a[] = {sarg_s(pseudonym)};
	struct table_cursor *cur = NULL;
	struct table_batch b = {0};
	struct json_writer *w = &c->w;
	int err = store_select(c->reader, &cur, SQ_PERSON, a, 1, c->d);
	if (err == 0 && (err = table_next(cur, &b, c->d)) == 0 && b.n_rows == 0) {
		err = diag_set(c->d, MO_ENOENT, MSG_STORE_PERSON_MISSING);
		diag_value(c->d, pseudonym);
	}
	if (err == 0) {
		const struct col *erased = &b.cols[api_column(cur, "erased")];
		jw_object(w);
		jw_key(w, "erased");
		if (erased->null && erased->null[0])
			jw_null(w);
		else
			jw_time(w, erased->i64[0]);
	}
	table_close(cur);
	cur = NULL;
	if (err == 0)
		err = store_select(c->reader, &cur, SQ_PERSON_FILES, a, 1, c->d);
	if (err != 0)
		return err;
	jw_key(w, "items");
	jw_array(w);
	while ((err = table_next(cur, &b, c->d)) == 0 && b.n_rows)
		for (size_t i = 0; i < b.n_rows && err == 0; i++)
			err = write_file(c, pseudonym, &b, i);
	jw_array_end(w);
	jw_object_end(w);
	table_close(cur);
	return err;
}

/* ---- removing one ---- */

struct drop_job {
	struct sjob job;
	struct span pseudonym, who;
	struct uuid file;
	int64_t now_ns;
};

static int drop_run(struct sjob *j, struct store *s, struct diag *d)
{
	struct drop_job *q = (struct drop_job *)j;
	return store_person_file_drop(s, q->pseudonym, &q->file, q->who, q->now_ns, d);
}

static int sweep_run(struct sjob *j, struct store *s, struct diag *d) { return person_file_sweep(s, &((struct drop_job *)j)->file, d); }

/* The bytes of what was removed, this one's and those that a backup kept until now. */
static int sweep(struct api_call *c, struct drop_job *q)
{
	struct backups_state state;
	struct table_cursor *cur = NULL;
	struct table_batch b;
	struct uuid gone[SWEEP_MOST];
	size_t n = 0;
	struct store_arg a[] = {sarg_i(SWEEP_MOST)};
	backups_state(node_backups(c->node), &state);
	bool running = state.running;
	backups_state_free(&state);
	if (running)
		return 0;
	int err = store_select(c->reader, &cur, SQ_FILES_GONE, a, 1, c->d);
	while (err == 0 && (err = table_next(cur, &b, c->d)) == 0 && b.n_rows)
		for (size_t i = 0; i < b.n_rows && n < SWEEP_MOST; i++)
			n += uuid_parse(&gone[n], b.cols[0].str[i]) == 0;
	table_close(cur);
	for (size_t i = 0; i < n && err == 0; i++) {
		q->file = gone[i];
		err = storer_run(node_storer(c->node), sweep_run, &q->job, c->d);
	}
	return err;
}

int delete_person_file(struct api_call *c)
{
	struct drop_job q = {.pseudonym = api_param(c, "pseudonym"), .who = gate_who(&c->pass), .now_ns = clock_now(node_clock(c->node))};
	int err = file_of(c, &q.file);
	if (err == 0)
		err = storer_run(node_storer(c->node), drop_run, &q.job, c->d);
	if (err == 0)
		err = sweep(c, &q);
	c->status = 204;
	return err;
}

/* ---- opening one ---- */

struct fetch {
	struct person_file file;
	struct uuid id;
	struct buf piece; /* one chunk, opened */
	size_t at;        /* of it, handed over */
	int err;
	bool opened, begun, waits; /* waits: for the other side to take more; loop thread */
};

static void fetch_let_go(struct api_call *c)
{
	struct fetch *f = c->own;
	person_file_close(&f->file);
	wipe(&f->piece);
	free(f);
	c->own = NULL;
}

static void fetch_more(struct api_call *c);

static int head(struct api_call *c, struct fetch *f)
{
	struct buf said;
	buf_init(&said, 0);
	buf_adds(&said, "inline");
	if (f->file.name.n) {
		buf_adds(&said, "; filename*=UTF-8''"); /* RFC 6266, RFC 8187 */
		percent_encode(&said, buf_span(&f->file.name));
	}
	const struct gate_field fields[] = {{"Content-Type", f->file.media}, {"Cache-Control", SPAN_LIT("no-store")}, {"X-Content-Type-Options", SPAN_LIT("nosniff")},
		{"Content-Disposition", buf_span(&said)}};
	int err = said.err ? said.err : gate_begin(&c->pass, 200, fields, 4);
	wipe(&said);
	return err;
}

/* As much of the chunk as the other side takes; then the next, or the end. */
static int hand_over(struct api_call *c, struct fetch *f)
{
	while (f->at < f->piece.n) {
		struct span slice = span_sub(buf_span(&f->piece), f->at, SLICE_BYTES);
		f->at += slice.n;
		int err = gate_piece(&c->pass, slice);
		if (err == MO_EAGAIN) {
			f->waits = true;
			return 0;
		}
		if (err != 0)
			return err;
	}
	if (f->file.next == f->file.chunks)
		return gate_end(&c->pass);
	fetch_more(c);
	return 0;
}

/* Loop thread: a chunk is there, or an error. */
static void fetch_give(void *arg)
{
	struct api_call *c = arg;
	struct fetch *f = c->own;
	if (c->dead || (f->err != 0 && !f->begun)) {
		api_finish(c, f->err != 0 ? f->err : MO_ECANCELED);
		return;
	}
	c->away = false; /* when the connection breaks from here on, the call may go */
	c->answered = true;
	int err = f->err;
	if (err == 0 && !f->begun) {
		err = head(c, f);
		f->begun = true;
	}
	if (err == 0)
		err = hand_over(c, f);
	if (err != 0)
		gate_abort(&c->pass);
}

static void fetch_drained(struct api_call *c)
{
	struct fetch *f = c->own;
	if (!f->waits)
		return;
	f->waits = false;
	if (hand_over(c, f) != 0)
		gate_abort(&c->pass);
}

static void fetch_read(struct work *w, struct store_reader *r)
{
	struct api_call *c = (struct api_call *)w;
	struct fetch *f = c->own;
	f->err = 0;
	if (!f->opened) {
		f->err = buf_reserve(&f->piece, SEALED_CHUNK + 1) ? 0 : diag_set(c->d, MO_ENOMEM, MSG_OUT_OF_MEMORY); /* it must not move */
		if (f->err == 0)
			f->err = person_file_open(&f->file, r, node_people(c->node), api_param(c, "pseudonym"), &f->id, c->d);
		f->opened = true;
	}
	buf_reset(&f->piece);
	f->at = 0;
	if (f->err == 0)
		f->err = person_file_read(&f->file, &f->piece, c->d);
	c->post.fn = fetch_give;
	c->post.arg = c;
	loop_post(node_loop(c->node), &c->post);
}

static void fetch_more(struct api_call *c)
{
	c->away = true;
	c->work.fn = fetch_read;
	if (node_work(c->node, &c->work) != 0) {
		c->away = false;
		gate_abort(&c->pass);
	}
}

int get_person_file(struct api_call *c)
{
	struct fetch *f = calloc(1, sizeof *f);
	if (!f)
		return diag_set(c->d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	buf_init(&f->piece, 0);
	c->own = f;
	c->let_go = fetch_let_go;
	c->drained = fetch_drained;
	int err = file_of(c, &f->id);
	if (err != 0)
		return err;
	c->work.fn = fetch_read;
	return node_work(c->node, &c->work);
}
