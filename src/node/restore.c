/* See restore.h. */
#include "node/restore.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/civil.h"
#include "codec/json.h"
#include "node/erase.h"
#include "node/folder.h"
#include "node/keystore.h"
#include "os/crypto.h"
#include "store/store.h"

#define MARK "restoring"
#define MARK_MAX 256u
#define IDENTITY_MAX (64u << 10)

struct restoring {
	const struct restore_options *o;
	struct archive *a;
	struct archive_snapshot s;
	struct restore_report *ret;
	uint8_t *piece;
	struct buf digests;
	struct sha256 *whole;
	char mark[MARK_MAX];
	struct diag *d;
};

static int nomem(struct diag *d) { return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY); }

static int say(struct diag *d, int err, const char *operation, const char *path)
{
	if (err == MO_ENOMEM)
		return nomem(d);
	diag_set(d, err, err == MO_EFULL ? MSG_BACKUP_FULL : err == MO_ECORRUPT ? MSG_BACKUP_READ_BACK : MSG_OS_ERROR);
	diag_file(d, path ? path : "");
	diag_text(d, 0, span_str(operation));
	diag_text(d, 1, span_str(mo_err_name(err)));
	return err;
}

static int told(struct diag *d, int err, enum mo_msg msg, const char *path)
{
	diag_set(d, err, msg);
	diag_file(d, path);
	return err;
}

/* ---- the source ---- */

/* id: "" for the newest; a newest that is damaged is told, not passed over. */
static int open_source(struct archive **a, struct archive_snapshot *s, struct vfs *vfs, const char *source, const char *id, struct diag *d)
{
	char (*all)[ARCHIVE_ID] = NULL;
	size_t n = 0;
	char newest[ARCHIVE_ID];
	int err = archive_open(a, vfs, source, ARCHIVE_READ, NULL, d);
	if (err != 0)
		return err;
	if (!*id) {
		err = archive_list(*a, &all, &n, d);
		if (err == 0 && n == 0)
			err = told(d, MO_ENOENT, MSG_BACKUP_EMPTY, source);
		if (err == 0) {
			memcpy(newest, all[n - 1], sizeof newest);
			id = newest;
		}
		free(all);
	} else if (!archive_is_id(span_str(id))) {
		err = told(d, MO_ENOENT, MSG_BACKUP_NO_SNAPSHOT, source);
		diag_text(d, 0, span_str(id));
	}
	if (err == 0)
		err = archive_load(*a, s, id, d);
	if (err != 0) {
		archive_close(*a);
		*a = NULL;
	}
	return err;
}

/* ---- the folder ---- */

struct looking {
	bool any, format, mark;
};

static int on_name(void *arg, const char *name)
{
	struct looking *l = arg;
	l->any |= strcmp(name, MARK ".tmp") != 0; /* killed before anything else */
	l->format |= strcmp(name, "format") == 0;
	l->mark |= strcmp(name, MARK) == 0;
	return 0;
}

static int make_dir(struct restoring *q, const char *name, bool secret)
{
	char *path = vfs_join(q->o->dir, name);
	int err = path ? vfs_mkdir(q->o->vfs, path, secret) : MO_ENOMEM;
	if (err != 0)
		say(q->d, err, "mkdir", path);
	free(path);
	return err;
}

static int sync_folder(struct restoring *q, const char *name)
{
	char *path = *name ? vfs_join(q->o->dir, name) : strdup(q->o->dir);
	int err = path ? vfs_sync_dir(q->o->vfs, path) : MO_ENOMEM;
	if (err != 0)
		say(q->d, err, "sync", path);
	free(path);
	return err;
}

static int read_mark(struct vfs *vfs, const char *dir, char out[MARK_MAX], struct diag *d)
{
	uint8_t *text = NULL;
	size_t n = 0;
	char *path = vfs_join(dir, MARK);
	int err = path ? vfs_slurp(vfs, &text, &n, path, MARK_MAX - 1, d) : nomem(d);
	if (err == 0)
		diag_copy(out, MARK_MAX, span_trim(span_of(text, n)));
	free(text);
	free(path);
	return err;
}

/* What stands in the folder decides: nothing, an attempt before (its snapshot into id where none was asked for), a node, something else. */
static int look(const struct restore_options *o, struct looking *l, char mark[MARK_MAX], char id[ARCHIVE_ID], struct diag *d)
{
	struct vfs_stat st;
	static const char first[] = "moru restore ";
	int err = vfs_stat(o->vfs, o->dir, &st);
	if (err == MO_ENOENT)
		return 0;
	if (err == 0 && !st.is_dir)
		return told(d, MO_EINVAL, MSG_FOLDER_IS_FILE, o->dir);
	if (err == 0)
		err = vfs_list(o->vfs, o->dir, on_name, l);
	if (err != 0)
		return say(d, err, "list", o->dir);
	if (l->format && !l->mark)
		return told(d, MO_EEXIST, MSG_FOLDER_EXISTS, o->dir);
	if (l->any && !l->mark)
		return told(d, MO_ESTATE, MSG_RESTORE_NOT_EMPTY, o->dir);
	if (!l->mark)
		return 0;
	if ((err = read_mark(o->vfs, o->dir, mark, d)) != 0)
		return err;
	struct span text = span_str(mark), of = span_sub(text, sizeof first - 1, ARCHIVE_ID - 1);
	if (!*id && span_starts(text, first) && archive_is_id(of)) {
		memcpy(id, of.p, of.n);
		id[of.n] = 0;
	}
	return 0;
}

static int begin(struct restoring *q, const struct looking *l, const char *mark)
{
	static const struct {
		const char *name;
		bool secret;
	} dirs[] = {{"secrets", true}, {"tls", false}, {"series", false}, {"blobs", false}, {"inbox", false}, {"run", false}};
	snprintf(q->mark, sizeof q->mark, "moru restore %s %s", q->s.id, q->o->as == RESTORE_COPY ? "copy" : "move");
	if (l->mark && strcmp(mark, q->mark) != 0) {
		told(q->d, MO_ESTATE, MSG_RESTORE_HALF, q->o->dir);
		diag_text(q->d, 0, span_str(mark));
		return MO_ESTATE;
	}
	int err = vfs_mkdir(q->o->vfs, q->o->dir, false);
	if (err != 0)
		return told(q->d, err, MSG_FOLDER_MAKE, q->o->dir);
	char *path = vfs_join(q->o->dir, MARK), *parent = vfs_parent(q->o->dir);
	err = path && parent ? vfs_replace(q->o->vfs, path, span_str(q->mark), false, q->d) : nomem(q->d);
	if (err == 0 && (err = vfs_sync_dir(q->o->vfs, parent)) != 0)
		say(q->d, err, "sync", parent);
	free(parent);
	free(path);
	for (size_t i = 0; err == 0 && i < sizeof dirs / sizeof *dirs; i++)
		err = make_dir(q, dirs[i].name, dirs[i].secret);
	return err;
}

/* ---- one file ---- */

static int stopped(const struct restoring *q)
{
	return q->o->stop && q->o->stop(q->o->stop_arg) ? diag_set(q->d, MO_ECANCELED, MSG_BACKUP_GIVEN_UP) : 0;
}

static int write_pieces(struct restoring *q, const struct archive_file *f, struct vfs_file *to, const char *path)
{
	int err = archive_digests(q->a, f, &q->digests, q->d);
	for (uint64_t i = 0; err == 0 && i < archive_pieces(f); i++) {
		size_t n = archive_piece_bytes(f, i);
		err = stopped(q);
		if (err == 0)
			err = archive_get(q->a, q->digests.p + i * 32, q->piece, n, q->d);
		if (err == 0 && (err = vfs_pwrite(to, q->piece, n, i * f->chunk_bytes)) != 0)
			say(q->d, err, "write", path);
	}
	return err;
}

static int read_back(struct restoring *q, const struct archive_file *f, struct vfs_file *from, const char *path)
{
	uint8_t digest[32];
	int err = 0;
	for (uint64_t i = 0; err == 0 && i < archive_pieces(f); i++) {
		size_t n = archive_piece_bytes(f, i);
		err = vfs_read_full(from, q->piece, n, i * f->chunk_bytes);
		if (err == 0)
			err = sha256_update(q->whole, span_of(q->piece, n));
	}
	if (err == 0)
		err = sha256_final(q->whole, digest);
	if (err == 0 && memcmp(digest, f->sha256, 32) != 0)
		err = MO_ECORRUPT;
	return err != 0 ? say(q->d, err, "read", path) : 0;
}

/* Made anew, not written over: after a failed sync, or with the rights of somebody else, the old one would not do. */
static int restore_file(struct restoring *q, const struct archive_file *f)
{
	struct vfs_file *to = NULL;
	char *path = vfs_join(q->o->dir, f->path);
	int err = path ? vfs_unlink(q->o->vfs, path) : MO_ENOMEM;
	if (err == MO_ENOENT)
		err = 0;
	if (err != 0)
		say(q->d, err, "unlink", path);
	if (err == 0)
		err = vfs_open(q->o->vfs, &to, path, VFS_WRITE | VFS_CREATE | VFS_EXCL | (f->secret ? VFS_SECRET : 0u), q->d);
	if (err == 0)
		err = write_pieces(q, f, to, path);
	if (err == 0 && (err = vfs_sync(to)) != 0)
		say(q->d, err, "sync", path);
	if (err == 0)
		err = read_back(q, f, to, path);
	vfs_close(to);
	free(path);
	if (err == 0) {
		q->ret->files++;
		q->ret->bytes += f->size_bytes;
	}
	return err;
}

/* ---- identity ---- */

/* A small file of the snapshot, malloc'ed. */
static int slurp(struct restoring *q, const char *name, uint8_t **ret, size_t *ret_n)
{
	const struct archive_file *f = archive_find(&q->s, name);
	if (!f || f->size_bytes > IDENTITY_MAX) {
		told(q->d, MO_ECORRUPT, MSG_BACKUP_LACKS, q->o->source);
		diag_text(q->d, 0, span_str(name));
		return MO_ECORRUPT;
	}
	uint8_t *p = malloc((size_t)f->size_bytes + 1);
	int err = p ? archive_digests(q->a, f, &q->digests, q->d) : nomem(q->d);
	for (uint64_t i = 0; err == 0 && i < archive_pieces(f); i++)
		err = archive_get(q->a, q->digests.p + i * 32, p + i * f->chunk_bytes, archive_piece_bytes(f, i), q->d);
	if (err != 0) {
		free(p);
		return err;
	}
	*ret = p;
	*ret_n = (size_t)f->size_bytes;
	return 0;
}

static int new_identity(struct restoring *q)
{
	const struct restore_options *o = q->o;
	struct folder_identity who = {.demo_start_ns = T_NONE};
	struct arena a;
	struct json_value *root;
	struct span iri;
	char iri_text[256];
	uint8_t *text = NULL;
	size_t n = 0;
	arena_init(&a, 1u << 20);
	int err = slurp(q, "node.json", &text, &n);
	if (err == 0 && (json_parse(&root, &a, span_of(text, n), NULL) != 0 || json_get_bool(root, "demo", &who.demo, NULL) != 0 ||
		json_get_time(root, "made", &who.made_ns, NULL) != 0 || json_get_str(root, "iri_base", &iri, NULL) != 0 || iri.n >= sizeof iri_text ||
		(who.demo && json_get_time(root, "demo_start", &who.demo_start_ns, NULL) != 0))) {
		err = told(q->d, MO_ECORRUPT, MSG_BACKUP_LACKS, o->source);
		diag_text(q->d, 0, SPAN_LIT("node.json"));
	}
	if (err == 0) {
		diag_copy(iri_text, sizeof iri_text, iri);
		who.id = q->s.node;
		who.iri_base = iri_text;
		if (o->as == RESTORE_COPY) {
			who.origin = q->s.node;
			who.iri_base = NULL;
			who.made_ns = o->now_ns;
			if ((err = os_uuid(&who.id, o->now_ns)) != 0)
				say(q->d, err, "uuid", o->dir);
		}
	}
	if (err == 0)
		err = folder_write_identity(o->vfs, o->dir, &who, q->d);
	if (err == 0) {
		q->ret->node = who.id;
		q->ret->new_key = true;
	}
	arena_free(&a);
	free(text);
	return err;
}

/* ---- all ---- */

static int restore_files(struct restoring *q)
{
	bool keep_identity = q->o->as == RESTORE_MOVE && archive_find(&q->s, keystore_row(KEY_SIGNING)->key_file);
	int err = 0;
	q->ret->node = q->s.node;
	for (size_t i = 0; err == 0 && i < q->s.n; i++) {
		const struct archive_file *f = &q->s.file[i];
		bool secret = strncmp(f->path, "secrets/", 8) == 0 || strncmp(f->path, "tls/", 4) == 0; /* a certificate is its key's */
		if (strcmp(f->path, "format") == 0 || (!keep_identity && strcmp(f->path, "node.json") == 0) || (secret && q->o->as == RESTORE_COPY) || strncmp(f->path, PEOPLE_FILE, sizeof PEOPLE_FILE - 1) == 0)
			continue;
		/* Folders of blobs; all others were made. */
		const char *slash = strrchr(f->path, '/');
		if (slash && strchr(f->path, '/') != slash) {
			char folder[ARCHIVE_PATH_MAX + 1];
			snprintf(folder, sizeof folder, "%.*s", (int)(slash - f->path), f->path);
			err = make_dir(q, folder, false);
		}
		if (err == 0)
			err = restore_file(q, f);
	}
	if (err == 0)
		err = erase_restore_keys(q->a, q->o->vfs, q->o->dir, q->d);
	return err == 0 && !keep_identity ? new_identity(q) : err;
}

/* The names of all that was written; a folder below another before it. */
static int sync_names(struct restoring *q)
{
	static const char *const top[] = {"secrets", "tls", "series", "blobs", ""};
	char last[ARCHIVE_PATH_MAX + 1] = "";
	int err = 0;
	for (size_t i = 0; err == 0 && i < q->s.n; i++) {
		const char *path = q->s.file[i].path, *slash = strrchr(path, '/');
		char folder[ARCHIVE_PATH_MAX + 1];
		if (!slash || strchr(path, '/') == slash)
			continue;
		snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
		if (strcmp(folder, last) == 0) /* files of one stand together */
			continue;
		memcpy(last, folder, sizeof last);
		err = sync_folder(q, folder);
	}
	for (size_t i = 0; err == 0 && i < sizeof top / sizeof *top; i++)
		err = sync_folder(q, top[i]);
	return err;
}

static int finish(struct restoring *q)
{
	uint8_t *text = NULL;
	size_t n = 0;
	char *path = vfs_join(q->o->dir, "format"), *db = vfs_join(q->o->dir, "store.db");
	int err = path && db ? slurp(q, "format", &text, &n) : nomem(q->d);
	if (err == 0) /* the log was written to while it was copied */
		err = store_copy_settle(q->o->vfs, db, q->d);
	if (err == 0)
		err = vfs_replace(q->o->vfs, path, span_of(text, n), false, q->d);
	free(text);
	free(path);
	free(db);
	return err;
}

static int drop_mark(const struct restore_options *o, struct diag *d)
{
	char *path = vfs_join(o->dir, MARK);
	int err = path ? vfs_unlink(o->vfs, path) : MO_ENOMEM;
	if (err == MO_ENOENT)
		err = 0;
	if (err == 0)
		err = vfs_sync_dir(o->vfs, o->dir);
	if (err != 0)
		say(d, err, "unlink", path);
	free(path);
	return err;
}

/* Of a folder that was whole but for its mark. */
static int whole_already(struct restoring *q)
{
	struct folder *f = NULL;
	q->ret->files = q->s.n;
	for (size_t i = 0; i < q->s.n; i++)
		q->ret->bytes += q->s.file[i].size_bytes;
	int err = folder_open(&f, q->o->vfs, q->o->dir, false, q->d);
	if (err == 0) {
		q->ret->node = f->id;
		q->ret->new_key = !(q->o->as == RESTORE_MOVE && archive_find(&q->s, keystore_row(KEY_SIGNING)->key_file));
	}
	folder_close(f);
	return err;
}

int restore_run(const struct restore_options *o, struct restore_report *ret, struct diag *d)
{
	struct looking l = {.any = false};
	char mark[MARK_MAX] = "", id[ARCHIVE_ID] = "";
	struct restoring *q = calloc(1, sizeof *q);
	if (!q)
		return nomem(d);
	*ret = (struct restore_report){.files = 0};
	q->o = o;
	q->ret = ret;
	q->d = d;
	archive_snapshot_init(&q->s);
	buf_init(&q->digests, 0);
	if (o->snapshot)
		snprintf(id, sizeof id, "%s", strlen(o->snapshot) < sizeof id ? o->snapshot : "?");
	int err = look(o, &l, mark, id, d);
	if (err == 0 && (!(q->piece = malloc(ARCHIVE_CHUNK_MAX)) || sha256_new(&q->whole) != 0))
		err = nomem(d);
	if (err == 0)
		err = open_source(&q->a, &q->s, o->vfs, o->source, id, d);
	if (err == 0 && q->s.folder_version > FOLDER_FORMAT) {
		err = told(d, MO_EVERSION, MSG_FOLDER_NEWER, o->source);
		diag_int(d, 0, q->s.folder_version);
		diag_int(d, 1, FOLDER_FORMAT);
	}
	if (err == 0) {
		memcpy(ret->id, q->s.id, sizeof ret->id);
		ret->t_ns = q->s.t_ns;
		err = begin(q, &l, mark);
	}
	if (err == 0 && l.format) {
		err = whole_already(q);
	} else if (err == 0) {
		err = restore_files(q);
		if (err == 0)
			err = sync_names(q);
		if (err == 0)
			err = finish(q);
	}
	if (err == 0)
		err = drop_mark(o, d);
	archive_close(q->a);
	archive_snapshot_free(&q->s);
	buf_free(&q->digests);
	sha256_free(q->whole);
	free(q->piece);
	free(q);
	return err;
}

/* ---- verify ---- */

struct verifying {
	struct archive *a;
	struct map seen; /* digests that were read */
	uint8_t *piece;
	struct buf digests;
	void (*found)(void *arg, const struct diag *d);
	void *arg;
	struct diag one;
};

/* A piece that is missing, damaged or unreadable is a finding; else err. */
static int finding(struct verifying *v, int err, const char *path)
{
	if (err != MO_ENOENT && err != MO_ECORRUPT && err != MO_EIO)
		return err;
	char piece[DIAG_FILE_MAX];
	memcpy(piece, v->one.file, sizeof piece);
	diag_set(&v->one, err, err == MO_ENOENT ? MSG_BACKUP_FOUND_MISSING : MSG_BACKUP_FOUND_DAMAGED);
	diag_file(&v->one, piece);
	diag_text(&v->one, 0, span_str(path));
	if (v->found)
		v->found(v->arg, &v->one);
	diag_clear(&v->one);
	return 0;
}

static int verify_file(struct verifying *v, const struct archive_file *f)
{
	int err = archive_digests(v->a, f, &v->digests, &v->one);
	if (err != 0)
		return finding(v, err, f->path);
	for (uint64_t i = 0; err == 0 && i < archive_pieces(f); i++) {
		const uint8_t *digest = v->digests.p + i * 32;
		if (map_get(&v->seen, span_of(digest, 32)))
			continue;
		err = archive_get(v->a, digest, v->piece, archive_piece_bytes(f, i), &v->one);
		if (err == 0)
			err = map_put(&v->seen, span_of(digest, 32), 1);
		else
			err = finding(v, err, f->path);
	}
	return err;
}

int restore_verify(struct vfs *vfs, const char *source, const char *snapshot, void (*found)(void *arg, const struct diag *d), void *arg,
	struct restore_report *ret, struct diag *d)
{
	struct archive_snapshot s;
	struct verifying *v = calloc(1, sizeof *v);
	if (!v)
		return nomem(d);
	*ret = (struct restore_report){.files = 0};
	archive_snapshot_init(&s);
	map_init(&v->seen);
	buf_init(&v->digests, 0);
	v->found = found;
	v->arg = arg;
	int err = (v->piece = malloc(ARCHIVE_CHUNK_MAX)) ? open_source(&v->a, &s, vfs, source, snapshot ? snapshot : "", d) : nomem(d);
	bool opened = err == 0;
	for (size_t i = 0; err == 0 && i < s.n; i++) {
		err = verify_file(v, &s.file[i]);
		ret->files++;
		ret->bytes += s.file[i].size_bytes;
	}
	if (opened && err != 0 && d)
		*d = v->one;
	if (opened && err == MO_ENOMEM)
		nomem(d);
	memcpy(ret->id, s.id, sizeof ret->id);
	ret->t_ns = s.t_ns;
	ret->node = s.node;
	archive_close(v->a);
	archive_snapshot_free(&s);
	buf_free(&v->digests);
	map_free(&v->seen);
	free(v->piece);
	free(v);
	return err;
}
