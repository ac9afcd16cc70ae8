/* See person_file.h.
 *
 *   begun --end--> kept --drop--> removed, bytes there --sweep--> removed
 *     `--abort, kill--> nothing: the blob's temporary file goes at the next start
 */
#include "store/person_file.h"

#include <stdio.h>
#include <stdlib.h>

#include "os/crypto.h"
#include "store/priv/impl.h"

#define MAGIC_BYTES 12u /* by these a type is known */

struct person_file_writer {
	struct blob_writer *blob;
	struct uuid file;
	char code[PSEUDONYM_TEXT];
	struct span media;
	uint8_t key[AEAD_KEY], head[SEALED_HEAD];
	uint64_t index, size;
	size_t n;               /* in chunk */
	uint8_t *chunk;         /* plain, SEALED_CHUNK */
	struct buf sealed;
	bool looked;            /* its first bytes are of its type */
};

static const struct type {
	const char *name;
	const char *begin;
	size_t n;
	const char *at8; /* four more at 8; NULL: none */
} types[] = {
	{"image/jpeg", "\xff\xd8\xff", 3, NULL},
	{"image/png", "\x89PNG\r\n\x1a\n", 8, NULL},
	{"image/webp", "RIFF", 4, "WEBP"},
	{"application/pdf", "%PDF-", 5, NULL},
};
#define N_TYPES (sizeof types / sizeof *types)

static const struct type *type_of(struct span media_type)
{
	for (size_t i = 0; i < N_TYPES; i++)
		if (span_is(media_type, types[i].name))
			return &types[i];
	return NULL;
}

bool person_file_is(struct span media_type, struct span head)
{
	const struct type *t = type_of(media_type);
	return t && head.n >= t->n && memcmp(head.p, t->begin, t->n) == 0 && (!t->at8 || (head.n >= 12 && memcmp(head.p + 8, t->at8, 4) == 0));
}

static int not_type(struct span media_type, struct diag *d)
{
	diag_set(d, MO_EINVAL, MSG_STORE_FILE_TYPE);
	diag_value(d, media_type);
	diag_expected(d, PERSON_FILE_TYPES);
	return MO_EINVAL;
}

static int failed(int err, const char *operation, struct diag *d)
{
	if (err == MO_ENOMEM)
		return diag_set(d, err, MSG_OUT_OF_MEMORY);
	diag_set(d, err, MSG_STORE_FAILED);
	diag_text(d, 0, span_str(operation));
	diag_text(d, 1, span_str(mo_err_name(err)));
	return err;
}

static int nobody(struct span pseudonym, struct diag *d)
{
	diag_set(d, MO_ENOENT, MSG_STORE_PERSON_MISSING);
	diag_value(d, pseudonym);
	return MO_ENOENT;
}

/* By pseudonym alone: a name in an address would stand in logs of others. The key is the caller's to wipe. */
static int person(struct store *s, struct span pseudonym, struct person_ref *ret, struct diag *d)
{
	int err = store_writing(s, d);
	if (err)
		return err;
	err = people_is_pseudonym(pseudonym) ? store_person_find(s, pseudonym, ret, d) : MO_ENOENT;
	return err == MO_ENOENT ? nobody(pseudonym, d) : err;
}

struct span person_file_about(uint8_t out[PERSON_FILE_ABOUT], const struct uuid *file)
{
	memcpy(out, "moru person file name", PERSON_FILE_ABOUT - 16);
	memcpy(out + PERSON_FILE_ABOUT - 16, file->b, 16);
	return span_of(out, PERSON_FILE_ABOUT);
}

/* ---- writing ---- */

int person_file_begin(struct store *s, struct person_file_writer **ret, struct span pseudonym, struct span media_type, struct diag *d)
{
	struct person_ref p = {0};
	uint8_t salt[SEALED_SALT];
	int64_t n = 0;
	const struct type *t = type_of(media_type);
	struct person_file_writer *w = NULL;
	int err = person(s, pseudonym, &p, d);
	if (!err && !p.has_key)
		err = store_person_keyless(&p, "pseudonym", d);
	if (!err && !t)
		err = not_type(media_type, d);
	if (!err && (err = db_find(&s->db, ST_FILES_OF, ARGS(sarg_i(p.row)), &n, d)) == 0 && n >= (int64_t)PERSON_FILES_MAX) {
		err = diag_set(d, MO_ELIMIT, MSG_STORE_FILES_MANY);
		diag_int(d, 0, PERSON_FILES_MAX);
	}
	if (err)
		goto out;
	w = calloc(1, sizeof *w);
	if (!w || !(w->chunk = malloc(SEALED_CHUNK))) {
		err = diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
		goto out;
	}
	buf_init(&w->sealed, 0);
	memcpy(w->code, p.code, sizeof w->code);
	w->media = span_str(t->name);
	if ((err = store_uuid(s, &w->file, d)))
		goto out;
	if ((err = os_random(salt, sizeof salt))) {
		failed(err, "random", d);
		goto out;
	}
	sealed_head_write(w->head, &w->file, salt);
	if ((err = sealed_key(w->key, p.key, w->head))) {
		failed(err, "key", d);
		goto out;
	}
	if ((err = blob_begin(s, &w->blob, d)) || (err = blob_write(w->blob, span_of(w->head, sizeof w->head), d)))
		goto out;
	*ret = w;
	w = NULL;
out:
	crypto_wipe(p.key, sizeof p.key);
	person_file_abort(w);
	return err;
}

static int look(struct person_file_writer *w, struct diag *d)
{
	if (w->looked)
		return 0;
	w->looked = person_file_is(w->media, span_of(w->chunk, w->n));
	return w->looked ? 0 : not_type(w->media, d);
}

static int flush(struct person_file_writer *w, bool last, struct diag *d)
{
	buf_reset(&w->sealed);
	int err = sealed_put(&w->sealed, w->key, w->head, w->index, last, span_of(w->chunk, w->n));
	if (err)
		return failed(err, "seal", d);
	w->index++;
	w->n = 0;
	return blob_write(w->blob, buf_span(&w->sealed), d);
}

int person_file_write(struct person_file_writer *w, struct span bytes, struct diag *d)
{
	int err = 0;
	while (!err && bytes.n) {
		/* A whole chunk waits for what comes: it may be the last. */
		if (w->n == SEALED_CHUNK && (err = flush(w, false, d)))
			break;
		struct span part = span_sub(bytes, 0, SEALED_CHUNK - w->n);
		memcpy(w->chunk + w->n, part.p, part.n);
		w->n += part.n;
		w->size += part.n;
		bytes = span_sub(bytes, part.n, bytes.n);
		if (w->size >= MAGIC_BYTES)
			err = look(w, d);
	}
	return err;
}

static int audit(struct store *s, const char *what, struct span code, const struct uuid *file, struct span who, int64_t now_ns, struct diag *d)
{
	char json[UUID_TEXT + 16], id[UUID_TEXT];
	uuid_format(id, file);
	snprintf(json, sizeof json, "{\"file\":\"%s\"}", id);
	return store_audit(s, now_ns, who, span_str(what), code, span_str(json), d);
}

int person_file_end(struct person_file_writer *w, struct store *s, const struct person_file_said *said, struct uuid *ret, struct diag *d)
{
	struct person_ref p = {0};
	uint8_t about[PERSON_FILE_ABOUT], sha[32];
	struct buf name;
	buf_init(&name, 0);
	int err = look(w, d);
	if (!err && said->name.n)
		err = store_text(said->name, "name", PERSON_FILE_NAME_MAX, d);
	if (!err)
		err = person(s, span_str(w->code), &p, d);
	/* Erased while it came: nothing of it may be kept. */
	if (!err && !p.has_key)
		err = store_person_keyless(&p, "pseudonym", d);
	if (!err && said->name.n && (err = aead_seal(&name, p.key, person_file_about(about, &w->file), said->name)))
		failed(err, "seal", d);
	crypto_wipe(p.key, sizeof p.key);
	if (!err)
		err = flush(w, true, d);
	store_saw(s, said->now_ns);
	if (!err)
		err = blob_end(w->blob, s, SPAN_LIT("application/vnd.moru.sealed"), span_of(NULL, 0), sha, d);
	if (!err)
		err = db_run(&s->db, ST_FILE_ADD, ARGS(sarg_b(span_of(w->file.b, sizeof w->file.b)), sarg_i(p.row), sarg_s(w->media),
			name.n ? sarg_b(buf_span(&name)) : sarg_null(), sarg_b(span_of(sha, sizeof sha)), sarg_i((int64_t)w->size), sarg_i(said->now_ns), sarg_s(said->who)), d);
	if (!err)
		err = audit(s, "person.file", span_str(w->code), &w->file, said->who, said->now_ns, d);
	if (!err)
		*ret = w->file;
	buf_free(&name);
	return err;
}

void person_file_abort(struct person_file_writer *w)
{
	if (!w)
		return;
	blob_abort(w->blob);
	if (w->chunk)
		crypto_wipe(w->chunk, SEALED_CHUNK);
	free(w->chunk);
	buf_free(&w->sealed);
	crypto_wipe(w->key, sizeof w->key);
	free(w);
}

/* ---- removing ---- */

int store_person_file_drop(struct store *s, struct span pseudonym, const struct uuid *file, struct span who, int64_t now_ns, struct diag *d)
{
	struct person_ref p = {0};
	struct store_arg id = sarg_b(span_of(file->b, sizeof file->b));
	sqlite3_stmt *st;
	uint8_t sha[32];
	char hex[65];
	int err = person(s, pseudonym, &p, d);
	crypto_wipe(p.key, sizeof p.key);
	if (err)
		return err;
	store_saw(s, now_ns);
	if ((err = db_use(&s->db, ST_FILE_BLOB, ARGS(id, sarg_i(p.row)), &st, d)) || (err = db_step(&s->db, st, d)) < 0)
		return err;
	if (err == 0) {
		diag_set(d, MO_ENOENT, MSG_STORE_FILE_MISSING);
		return MO_ENOENT;
	}
	struct span found = db_col_bytes(st, 0);
	memcpy(sha, found.p, sizeof sha); /* the schema allows no other length */
	sqlite3_reset(st);
	blob_hex(hex, sha);
	if ((err = db_run(&s->db, ST_FILE_DROP, ARGS(id, sarg_i(now_ns)), d)) || (err = db_run(&s->db, ST_BLOB_DROP, ARGS(sarg_b(span_of(sha, sizeof sha))), d)) ||
		(err = store_note(s, NOUN_BLOB, span_of(hex, 64), "removed", -1, d)))
		return err;
	return audit(s, "person.file.remove", span_str(p.code), file, who, now_ns, d);
}

/* One of the row in st; its statement is reset. */
static int sweep(struct store *s, sqlite3_stmt *st, struct diag *d)
{
	uint8_t sha[32];
	int64_t row = sqlite3_column_int64(st, 0);
	struct span found = db_col_bytes(st, 1);
	memcpy(sha, found.p, sizeof sha);
	sqlite3_reset(st);
	char *path = blob_path(s->db.dir, sha), *folder = path ? vfs_parent(path) : NULL;
	int err = folder ? vfs_unlink(s->db.vfs, path) : MO_ENOMEM;
	if (!err)
		err = vfs_sync_dir(s->db.vfs, folder);
	if (err == MO_ENOENT)
		err = 0;
	if (err) {
		failed(err, "unlink", d);
		if (path)
			diag_file(d, path);
	} else {
		err = db_run(&s->db, ST_FILE_SWEPT, ARGS(sarg_i(row)), d);
	}
	free(path);
	free(folder);
	return err;
}

int person_file_sweep(struct store *s, const struct uuid *file, struct diag *d)
{
	sqlite3_stmt *st;
	int err = store_writing(s, d);
	if (err || (err = db_use(&s->db, ST_FILE_GONE, ARGS(sarg_b(span_of(file->b, sizeof file->b))), &st, d)) || (err = db_step(&s->db, st, d)) <= 0)
		return err;
	return sweep(s, st, d);
}

/* A full disk must not keep the node from starting: the next one tries again. */
int person_files_resume(struct store *s, struct diag *d)
{
	sqlite3_stmt *st;
	int64_t row;
	int err = db_find(&s->db, ST_FILE_GONE, ARGS(sarg_null()), &row, d);
	if (err)
		return err == MO_ENOENT ? 0 : err;
	if ((err = store_begin(s, d)))
		return err;
	while (!(err = db_use(&s->db, ST_FILE_GONE, ARGS(sarg_null()), &st, d)) && (err = db_step(&s->db, st, d)) > 0 && !(err = sweep(s, st, d)))
		;
	if (!err)
		return store_commit(s, d);
	store_rollback(s);
	if (err == MO_EFULL)
		diag_clear(d);
	return err == MO_EFULL ? 0 : err;
}

/* ---- reading ---- */

static int missing(const struct uuid *file, struct diag *d)
{
	char id[UUID_TEXT];
	uuid_format(id, file);
	diag_set(d, MO_ENOENT, MSG_STORE_FILE_MISSING);
	diag_value(d, span_str(id));
	return MO_ENOENT;
}

static int damaged(const struct uuid *file, struct diag *d)
{
	char id[UUID_TEXT];
	uuid_format(id, file);
	diag_set(d, MO_ECORRUPT, MSG_STORE_FILE_DAMAGED);
	diag_value(d, span_str(id));
	return MO_ECORRUPT;
}

static int find(struct person_file *ret, uint8_t sha[32], struct store_reader *r, struct people *p, struct span pseudonym, const struct uuid *file, struct diag *d)
{
	struct table_cursor *cur = NULL;
	struct table_batch b;
	uint8_t about[PERSON_FILE_ABOUT];
	struct store_arg a[] = {sarg_s(pseudonym), sarg_b(span_of(file->b, sizeof file->b))};
	int err = store_select(r, &cur, SQ_PERSON_FILE, a, 2, d);
	if (!err && !(err = table_next(cur, &b, d)) && !b.n_rows)
		err = missing(file, d);
	if (!err) {
		const struct type *t = type_of(b.cols[0].str[0]);
		struct span name = b.cols[1].null && b.cols[1].null[0] ? span_of(NULL, 0) : b.cols[1].str[0], blob = b.cols[2].str[0];
		if (!t || blob.n != 32) {
			err = damaged(file, d);
		} else {
			ret->media = span_str(t->name);
			memcpy(sha, blob.p, 32);
			err = name.n ? people_text(p, pseudonym, person_file_about(about, file), name, &ret->name) : 0;
			err = err == MO_ENOENT ? missing(file, d) : err == MO_ENOMEM ? diag_set(d, err, MSG_OUT_OF_MEMORY) : err ? damaged(file, d) : 0;
		}
	}
	table_close(cur);
	return err;
}

int person_file_open(struct person_file *ret, struct store_reader *r, struct people *p, struct span pseudonym, const struct uuid *file, struct diag *d)
{
	uint8_t sha[32];
	struct uuid id;
	buf_init(&ret->name, 0);
	int err = find(ret, sha, r, p, pseudonym, file, d);
	if (err || (err = store_open_blob(r, sha, &ret->f, NULL, d)))
		return err;
	if (!(ret->sealed = malloc(SEALED_CHUNK + AEAD_OVER)))
		return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	if ((err = vfs_size(ret->f, &ret->size)))
		return failed(err, "size", d);
	if ((err = sealed_shape(&ret->chunks, &ret->plain, ret->size)))
		return damaged(file, d);
	if ((err = vfs_read_full(ret->f, ret->head, sizeof ret->head, 0)))
		return failed(err, "read", d);
	if (sealed_head_read(&id, span_of(ret->head, sizeof ret->head)) || !uuid_eq(&id, file))
		return damaged(file, d);
	if ((err = people_file_key(p, pseudonym, ret->head, ret->key)))
		return err == MO_ENOENT ? missing(file, d) : failed(err, "key", d);
	return 0;
}

int person_file_read(struct person_file *f, struct buf *out, struct diag *d)
{
	const uint64_t whole = SEALED_CHUNK + AEAD_OVER;
	if (f->next >= f->chunks)
		return 0;
	uint64_t at = SEALED_HEAD + f->next * whole, left = f->size - at;
	size_t n = left < whole ? (size_t)left : (size_t)whole;
	int err = vfs_read_full(f->f, f->sealed, n, at);
	if (err)
		return failed(err, "read", d);
	err = sealed_get(out, f->key, f->head, f->next, f->next + 1 == f->chunks, span_of(f->sealed, n));
	if (err == MO_ECORRUPT) {
		struct uuid id;
		memcpy(id.b, f->head + 16, sizeof id.b);
		return damaged(&id, d);
	}
	if (err)
		return failed(err, "open", d);
	f->next++;
	return 0;
}

void person_file_close(struct person_file *f)
{
	vfs_close(f->f);
	crypto_wipe(f->key, sizeof f->key);
	if (f->name.p)
		crypto_wipe(f->name.p, f->name.cap);
	buf_free(&f->name);
	free(f->sealed);
	*f = (struct person_file){0};
}
