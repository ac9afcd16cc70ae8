/* See priv/watch.h. */
#include <stdio.h>
#include <stdlib.h>

#include "node/priv/watch.h"
#include "os/crypto.h"

#define WATCH_PUT_MAX 224u  /* bytes of a name put away: 255 less a time before it, and behind it a reason's end and its .tmp */
#define WATCH_END_MAX 16u   /* ".xlsx": no longer one is kept when the name is cut */
#define WATCH_TRIES_MAX 64u /* to find a name that is not taken */
#define WATCH_COPY_BYTES (256u << 10)
#define REASON ".reason.txt"

/* ---- moving ---- */

/* The name under which a file is put away: its own, or with a time before it where that is taken; its end stays when it has to be cut. */
static void place_name(char out[WATCH_PUT_MAX + 32], const char *name, int64_t stamp_ms)
{
	const char *dot = strrchr(name, '.');
	size_t n = strlen(name), end = dot && strlen(dot) <= WATCH_END_MAX ? strlen(dot) : 0;
	size_t stem = n - end;
	if (n > WATCH_PUT_MAX) {
		stem = WATCH_PUT_MAX - end;
		while (stem && ((unsigned char)name[stem] & 0xc0) == 0x80) /* between characters */
			stem--;
	}
	out[0] = 0;
	if (stamp_ms)
		snprintf(out, 32, "%lld-", (long long)stamp_ms);
	size_t at = strlen(out);
	snprintf(out + at, WATCH_PUT_MAX + 32 - at, "%.*s%s", (int)stem, name, name + n - end);
}

/* Only "there is none" says that a place is free: whatever else the disk answers, nothing may be put over it. */
static int is_taken(struct vfs *v, bool *ret, const char *path)
{
	struct vfs_stat st;
	int err = vfs_stat(v, path, &st);
	*ret = err == 0;
	return err == MO_ENOENT ? 0 : err;
}

/* A reason that an earlier try left there may be written once more. */
static int is_taken_by_other(struct vfs *v, bool *ret, const char *path, struct span why)
{
	uint8_t *p = NULL;
	size_t n = 0;
	int err = is_taken(v, ret, path);
	if (err != 0 || !*ret)
		return err;
	err = vfs_slurp(v, &p, &n, path, WATCH_REASON_MAX, NULL);
	if (err == 0)
		*ret = !span_eq(span_of(p, n), why);
	free(p);
	return err == MO_ELIMIT || err == MO_EINVAL ? 0 : err; /* none of ours */
}

/* A path in dir at which nothing lies yet, neither the file nor its reason. The caller frees both, on success. */
static int find_place(struct vfs *v, char **ret_to, char **ret_beside, const char *dir, const char *name, struct span why)
{
	int64_t now_ms = wall_now() / NS_PER_MS;
	for (unsigned i = 0; i < WATCH_TRIES_MAX; i++) {
		char put[WATCH_PUT_MAX + 32], reason[WATCH_PUT_MAX + 32 + sizeof REASON];
		bool taken = false;
		place_name(put, name, i ? now_ms + i : 0);
		snprintf(reason, sizeof reason, "%s" REASON, put);
		char *to = vfs_join(dir, put), *beside = vfs_join(dir, reason);
		int err = to && beside ? is_taken(v, &taken, to) : MO_ENOMEM;
		if (err == 0 && !taken && why.n)
			err = is_taken_by_other(v, &taken, beside, why);
		if (err == 0 && !taken) {
			*ret_to = to;
			*ret_beside = beside;
			return 0;
		}
		free(to);
		free(beside);
		if (err != 0)
			return err;
	}
	return MO_EEXIST;
}

/* Some servers do not know how to sync a folder, and say that the argument is wrong. */
static int sync_dir(const struct place *p, const char *dir)
{
	int err = vfs_sync_dir(node_vfs(p->node), dir);
	return p->foreign && err == MO_EINVAL ? 0 : err;
}

/* All of one file into another, durably; what cannot be finished is taken back. */
static int copy(struct vfs *v, const char *from, const char *to)
{
	struct vfs_file *in = NULL, *out = NULL;
	uint8_t *piece = malloc(WATCH_COPY_BYTES);
	int err = piece ? vfs_open(v, &in, from, VFS_READ | VFS_NO_LINK, NULL) : MO_ENOMEM;
	if (err == 0)
		err = vfs_open(v, &out, to, VFS_WRITE | VFS_CREATE | VFS_EXCL, NULL);
	bool made = err == 0;
	size_t n = 1;
	for (uint64_t at = 0; err == 0 && n; at += n) {
		err = vfs_pread(in, piece, WATCH_COPY_BYTES, at, &n);
		if (err == 0 && n)
			err = vfs_pwrite(out, piece, n, at);
	}
	if (err == 0)
		err = vfs_sync(out);
	vfs_close(out);
	vfs_close(in);
	free(piece);
	if (made && err != 0) {
		int left = vfs_unlink(v, to);
		(void)left;
	}
	return err;
}

/* By its name; where that cannot be, since the folders lie on two devices or the server knows no renaming (MO_EINVAL), by its content. */
static int move(const struct place *p, const char *from, const char *to, const char *to_dir)
{
	struct vfs *v = node_vfs(p->node);
	int err = vfs_rename(v, from, to);
	if (err != MO_EINVAL)
		return err;
	err = copy(v, from, to);
	if (err != 0)
		return err;
	err = sync_dir(p, to_dir); /* before the first one goes */
	if (err == 0)
		err = vfs_unlink(v, from);
	if (err != 0) {
		int left = vfs_unlink(v, to);
		(void)left;
	}
	return err;
}

int watch_put_away(struct place *p, const char *path, const char *name, const char *folder, struct span why)
{
	char *dir = vfs_join(p->dir, folder), *to = NULL, *beside = NULL;
	struct vfs *v = node_vfs(p->node);
	int err = dir ? vfs_mkdir(v, dir, false) : MO_ENOMEM;
	if (err == 0)
		err = sync_dir(p, p->dir); /* a folder that the power takes back takes along what is in it */
	if (err == 0)
		err = find_place(v, &to, &beside, dir, name, why);
	bool placed = err == 0;
	if (placed && why.n)
		err = vfs_replace(v, beside, why, false, NULL);
	if (err == 0)
		err = move(p, path, to, dir);
	if (placed && err != 0 && why.n) {
		int left = vfs_unlink(v, beside); /* there is nothing yet that it speaks of; the next try may take another name */
		(void)left;
	}
	if (err == 0)
		err = sync_dir(p, dir);
	if (err == 0)
		err = sync_dir(p, p->dir);
	free(beside);
	free(to);
	free(dir);
	return err;
}

/* ---- remembering ----
 *
 * A mark of the store for each file: "watch:" and the first 16 bytes of SHA-256(path) in hex; its value
 * size:u64le | mtime_ns:u64le | SHA-256 of the content. One of the folder itself, with the path's "/" at the end, is empty and says that
 * names were seen there. */
#define KEPT_BYTES 48u
#define KEPT_NAME_MAX (6u + 32u + 1u)

static int mark_name(char out[KEPT_NAME_MAX], const char *path)
{
	uint8_t sha[32];
	int err = sha256_of(sha, span_str(path));
	int n = snprintf(out, KEPT_NAME_MAX, "watch:");
	for (size_t i = 0; err == 0 && i < 16; i++)
		n += snprintf(out + n, KEPT_NAME_MAX - (size_t)n, "%02x", sha[i]);
	return err;
}

struct mark_job {
	struct sjob job;
	char name[KEPT_NAME_MAX];
	struct span value;
};

static int mark_run(struct sjob *j, struct store *s, struct diag *d)
{
	struct mark_job *q = (struct mark_job *)j;
	return store_put_mark(s, span_str(q->name), q->value, d);
}

static int put_mark(struct node *n, const char *path, struct span value, struct diag *d)
{
	struct mark_job q = {.value = value};
	int err = mark_name(q.name, path);
	return err == 0 ? storer_run(n->storer, mark_run, &q.job, d) : diag_set(d, err, MSG_OUT_OF_MEMORY);
}

static int content(uint8_t sha[32], struct node *n, const char *path)
{
	struct vfs_file *f = NULL;
	struct sha256 *h = NULL;
	uint8_t *piece = malloc(WATCH_COPY_BYTES);
	int err = piece ? sha256_new(&h) : MO_ENOMEM;
	if (err == 0)
		err = vfs_open(node_vfs(n), &f, path, VFS_READ | VFS_NO_LINK, NULL);
	size_t got = 1;
	for (uint64_t at = 0; err == 0 && got; at += got) {
		err = node_stopping(n) ? MO_ECANCELED : vfs_pread(f, piece, WATCH_COPY_BYTES, at, &got);
		if (err == 0 && got)
			err = sha256_update(h, span_of(piece, got));
	}
	if (err == 0)
		err = sha256_final(h, sha);
	vfs_close(f);
	sha256_free(h);
	free(piece);
	return err;
}

static void put_u64(uint8_t *at, uint64_t v)
{
	for (unsigned i = 0; i < 8; i++)
		at[i] = (uint8_t)(v >> (8 * i));
}

static int keep(struct place *p, const char *path, const struct seen *s, const uint8_t sha[32], struct diag *d)
{
	uint8_t value[KEPT_BYTES];
	put_u64(value, s->size_bytes);
	put_u64(value + 8, (uint64_t)s->mtime_ns);
	memcpy(value + 16, sha, 32);
	return put_mark(p->node, path, span_of(value, sizeof value), d);
}

int watch_keep(struct place *p, const char *path, const struct seen *s, struct diag *d)
{
	uint8_t sha[32];
	int err = content(sha, p->node, path);
	return err == 0 ? keep(p, path, s, sha, d) : diag_set(d, err, err == MO_ENOMEM ? MSG_OUT_OF_MEMORY : MSG_WATCH_MOVE);
}

int watch_was_kept(bool *ret, struct place *p, struct store_reader *r, const char *path, const struct seen *s)
{
	char name[KEPT_NAME_MAX];
	uint8_t now[KEPT_BYTES], sha[32];
	struct buf was;
	*ret = false;
	buf_init(&was, 0);
	int err = mark_name(name, path);
	if (err == 0 && (store_get_mark(r, span_str(name), &was, NULL) != 0 || was.n != KEPT_BYTES))
		goto out;
	put_u64(now, s->size_bytes);
	put_u64(now + 8, (uint64_t)s->mtime_ns);
	if (err == 0 && memcmp(now, was.p, 16) == 0) {
		*ret = true;
	} else if (err == 0 && memcmp(now, was.p, 8) == 0) {
		err = content(sha, p->node, path);
		*ret = err == 0 && memcmp(sha, was.p + 16, 32) == 0;
		if (*ret && keep(p, path, s, sha, NULL) != 0)
			err = 0; /* compared once more the next time */
	}
out:
	buf_free(&was);
	return err;
}

/* "DIR/", which is no file's path. */
static char *as_folder(const struct place *p) { return vfs_join(p->dir, ""); }

bool watch_was_known(const struct place *p, struct store_reader *r)
{
	char name[KEPT_NAME_MAX], *path = as_folder(p);
	struct buf was;
	buf_init(&was, 0);
	bool known = path && mark_name(name, path) == 0 && store_get_mark(r, span_str(name), &was, NULL) == 0;
	buf_free(&was);
	free(path);
	return known;
}

int watch_known(struct place *p)
{
	char *path = as_folder(p);
	int err = path ? put_mark(p->node, path, span_of(NULL, 0), NULL) : MO_ENOMEM;
	free(path);
	return err;
}
