/* Blobs: DIR/blobs/ab/cdef..., named by the SHA-256 of their content.
 *
 * A writer fills DIR/blobs/new-UUID, which is synced, renamed and whose new
 * name is synced before the row goes into the transaction: a row always has
 * its file. A file without a row (the transaction did not commit) is found
 * again by its name when the same bytes come once more.
 *
 * The tree digest is the Merkle tree hash of RFC 6962, 2.1, over chunks of
 * 1 MiB, so that later a part can be proved without the whole; the row keeps
 * the hashes of the leaves. */
#include <stdio.h>
#include <stdlib.h>

#include "os/crypto.h"
#include "store/priv/impl.h"

#define CHUNK_BYTES (UINT64_C(1) << 20)
#define TEMP_PREFIX "new-"
#define PATH_EXTRA 96u /* "/blobs/", a UUID or the two parts of a digest, NUL */

struct blob_writer {
	struct vfs *vfs;
	struct vfs_file *f;
	char *dir;  /* DIR */
	char *temp; /* path; NULL once renamed */
	uint64_t size;
	struct sha256 *whole, *leaf;
	struct buf leaves; /* 32 bytes a finished chunk */
	bool failed;
};

void blob_hex(char out[65], const uint8_t sha256[32])
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < 32; i++) {
		out[2 * i] = digits[sha256[i] >> 4];
		out[2 * i + 1] = digits[sha256[i] & 15];
	}
	out[64] = '\0';
}

static char *path_of(const char *dir, const char *a, const char *slash, const char *b)
{
	size_t size = strlen(dir) + PATH_EXTRA;
	char *p = malloc(size);
	if (p)
		snprintf(p, size, "%s/blobs%s%s%s", dir, a, slash, b);
	return p;
}

char *blob_path(const char *dir, const uint8_t sha256[32])
{
	char hex[65], folder[4];
	blob_hex(hex, sha256);
	snprintf(folder, sizeof folder, "/%.2s", hex);
	return path_of(dir, folder, "/", hex + 2);
}

static int told(struct diag *d, int err, const char *operation, const char *file)
{
	if (err == MO_ENOMEM)
		return diag_set(d, err, MSG_OUT_OF_MEMORY);
	diag_set(d, err, MSG_STORE_FAILED);
	diag_file(d, file ? file : "");
	diag_text(d, 0, span_str(operation));
	diag_text(d, 1, span_str(mo_err_name(err)));
	return err;
}

struct cleaning {
	struct vfs *vfs;
	struct buf names; /* NUL-ended */
};

static int collect(void *arg, const char *name)
{
	struct cleaning *c = arg;
	if (strncmp(name, TEMP_PREFIX, strlen(TEMP_PREFIX)) == 0)
		buf_add(&c->names, span_of(name, strlen(name) + 1));
	return c->names.err;
}

int blobs_clean(struct store *s, struct diag *d)
{
	struct cleaning c = {.vfs = s->db.vfs};
	char *folder = path_of(s->db.dir, "", "", "");
	buf_init(&c.names, 0);
	int err = folder ? vfs_list(s->db.vfs, folder, collect, &c) : MO_ENOMEM;
	if (err == MO_ENOENT)
		err = 0;
	for (size_t at = 0; !err && at < c.names.n;) {
		const char *name = (const char *)c.names.p + at;
		char *path = vfs_join(folder, name);
		err = path ? vfs_unlink(s->db.vfs, path) : MO_ENOMEM;
		if (err == MO_ENOENT)
			err = 0;
		free(path);
		at += strlen(name) + 1;
	}
	buf_free(&c.names);
	if (err)
		told(d, err, "clean", folder);
	free(folder);
	return err;
}

int blob_begin(struct store *s, struct blob_writer **ret, struct diag *d)
{
	char *folder = path_of(s->db.dir, "", "", ""), name[UUID_TEXT + 8];
	struct blob_writer *w = calloc(1, sizeof *w);
	struct vfs_stat st;
	struct uuid u;
	int err = folder && w ? store_uuid(s, &u, d) : told(d, MO_ENOMEM, "blob", NULL);
	if (err)
		goto out;
	w->vfs = s->db.vfs;
	buf_init(&w->leaves, 0);
	memcpy(name, TEMP_PREFIX, strlen(TEMP_PREFIX));
	uuid_format(name + strlen(TEMP_PREFIX), &u);
	if (!(w->dir = strdup(s->db.dir)) || !(w->temp = vfs_join(folder, name)) || sha256_new(&w->whole) || sha256_new(&w->leaf)) {
		err = told(d, MO_ENOMEM, "blob", NULL);
		goto out;
	}
	if (vfs_stat(w->vfs, folder, &st) != 0 && ((err = vfs_mkdir(w->vfs, folder, false)) || (err = vfs_sync_dir(w->vfs, w->dir)))) {
		told(d, err, "mkdir", folder);
		goto out;
	}
	if ((err = vfs_open(w->vfs, &w->f, w->temp, VFS_WRITE | VFS_CREATE | VFS_EXCL, d)))
		goto out;
	*ret = w;
	w = NULL;
out:
	blob_abort(w);
	free(folder);
	return err;
}

static int leaf_begin(struct blob_writer *w)
{
	return sha256_update(w->leaf, span_of("\0", 1));
}

static int leaf_end(struct blob_writer *w)
{
	uint8_t digest[32];
	int err = sha256_final(w->leaf, digest);
	if (err)
		return err;
	buf_add(&w->leaves, span_of(digest, sizeof digest));
	return w->leaves.err;
}

int blob_write(struct blob_writer *w, struct span bytes, struct diag *d)
{
	if (w->failed)
		return told(d, MO_ESTATE, "blob", w->temp);
	if (bytes.n > BLOB_BYTES_MAX - w->size) {
		w->failed = true;
		diag_set(d, MO_ELIMIT, MSG_STORE_BLOB_TOO_LARGE);
		diag_expected(d, "<= 4294967296");
		return MO_ELIMIT;
	}
	int err = vfs_pwrite(w->f, bytes.p, bytes.n, w->size);
	if (!err)
		err = sha256_update(w->whole, bytes);
	while (!err && bytes.n) {
		uint64_t within = w->size % CHUNK_BYTES, left = CHUNK_BYTES - within;
		struct span part = span_sub(bytes, 0, (size_t)left);
		if (within == 0)
			err = leaf_begin(w);
		if (!err)
			err = sha256_update(w->leaf, part);
		w->size += part.n;
		bytes = span_sub(bytes, part.n, bytes.n);
		if (!err && w->size % CHUNK_BYTES == 0)
			err = leaf_end(w);
	}
	if (err) {
		w->failed = true;
		told(d, err, "write", w->temp);
	}
	return err;
}

/* Merkle tree hash of n >= 1 leaf hashes; recursion as deep as log2(n). */
static int tree_hash(uint8_t out[32], struct sha256 *h, const uint8_t *leaves, uint64_t n)
{
	uint8_t left[32], right[32];
	uint64_t k = 1;
	int err;
	if (n == 1) {
		memcpy(out, leaves, 32);
		return 0;
	}
	while (k * 2 < n)
		k *= 2;
	if ((err = tree_hash(left, h, leaves, k)) || (err = tree_hash(right, h, leaves + k * 32, n - k)) || (err = sha256_update(h, span_of("\1", 1))) ||
		(err = sha256_update(h, span_of(left, 32))) || (err = sha256_update(h, span_of(right, 32))))
		return err;
	return sha256_final(h, out);
}

/* The file under its name, durable; the folder is made where needed. */
static int put_in_place(struct blob_writer *w, const uint8_t sha256[32], struct diag *d)
{
	char hex[65], two[4];
	blob_hex(hex, sha256);
	snprintf(two, sizeof two, "/%.2s", hex);
	char *all = path_of(w->dir, "", "", ""), *folder = path_of(w->dir, two, "", ""), *path = blob_path(w->dir, sha256);
	struct vfs_stat st;
	int err = all && folder && path ? vfs_sync(w->f) : MO_ENOMEM;
	if (!err) {
		vfs_close(w->f);
		w->f = NULL;
		if (vfs_stat(w->vfs, folder, &st) != 0 && !(err = vfs_mkdir(w->vfs, folder, false)))
			err = vfs_sync_dir(w->vfs, all);
	}
	if (!err && !(err = vfs_rename(w->vfs, w->temp, path))) {
		free(w->temp);
		w->temp = NULL;
		if (!(err = vfs_sync_dir(w->vfs, folder)))
			err = vfs_sync_dir(w->vfs, all);
	}
	if (err)
		told(d, err, "blob", path);
	free(all);
	free(folder);
	free(path);
	return err;
}

int blob_end(struct blob_writer *w, struct store *s, struct span media_type, struct span name, uint8_t ret_sha256[32], struct diag *d)
{
	uint8_t sha[32], tree[32];
	char hex[65];
	int64_t one;
	int err = store_writing(s, d);
	if (err || (media_type.n && (err = store_text(media_type, "media_type", RECORD_NAME_MAX, d))) ||
		(name.n && (err = store_text(name, "name", RECORD_TEXT_MAX, d))))
		return err;
	if (w->failed || !w->f)
		return told(d, MO_ESTATE, "blob", w->temp);
	w->failed = true; /* until all is done: it can't be ended twice */
	if (!w->size)
		err = leaf_begin(w); /* one empty leaf */
	if (!err && (!w->size || w->size % CHUNK_BYTES))
		err = leaf_end(w);
	if (!err && !(err = sha256_final(w->whole, sha)))
		err = tree_hash(tree, w->leaf, w->leaves.p, w->leaves.n / 32);
	if (err)
		return told(d, err, "digest", w->temp);
	struct store_arg key = sarg_b(span_of(sha, sizeof sha));
	int64_t seen_ns = s->clock_ns > s->now_ns ? s->clock_ns : s->now_ns;
	err = db_find(&s->db, ST_BLOB_FIND, ARGS(key), &one, d);
	if (err == MO_ENOENT) {
		blob_hex(hex, sha);
		if ((err = put_in_place(w, sha, d)) ||
			(err = db_run(&s->db, ST_BLOB_ADD, ARGS(key, sarg_i((int64_t)w->size), sarg_said(media_type), sarg_said(name),
				sarg_b(span_of(tree, sizeof tree)), sarg_b(buf_span(&w->leaves)), sarg_i(s->now_ns), sarg_i(seen_ns)), d)) ||
			(err = store_note(s, NOUN_BLOB, span_of(hex, 64), "new", 1, d)))
			return err;
	} else if (!err) {
		err = db_run(&s->db, ST_BLOB_SEEN, ARGS(key, sarg_i(seen_ns)), d); /* whoever brings it is about to refer to it */
	}
	if (!err)
		memcpy(ret_sha256, sha, sizeof sha);
	return err;
}

void blob_abort(struct blob_writer *w)
{
	if (!w)
		return;
	vfs_close(w->f);
	if (w->temp && w->vfs)
		(void)!vfs_unlink(w->vfs, w->temp); /* what stays is dropped at the next start */
	sha256_free(w->whole);
	sha256_free(w->leaf);
	buf_free(&w->leaves);
	free(w->dir);
	free(w->temp);
	free(w);
}
