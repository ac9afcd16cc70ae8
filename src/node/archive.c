/* See archive.h. A piece: objects/new-HEX is written, synced and read back, and only then gets its name, so that what bears the name of its
 * content was seen to hold it. */
#include "node/archive.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/civil.h"
#include "base/num.h"
#include "codec/text.h"
#include "os/crypto.h"
#include "store/people.h"

#define FOLDERS 256u
#define LINE_FILE "moru-backup"
#define LINE_MAX 4096u
#define TEMP "new-"

struct archive {
	struct vfs *vfs;
	char *path;
	struct uuid node;
	struct vfs_file *lock;
	bool made[FOLDERS];    /* objects/xx is there */
	bool unsynced[FOLDERS];/* holds names that a manifest will speak of */
	bool unsynced_top;
	uint8_t *back;         /* what was written, read again */
	size_t back_cap;
	struct archive_stats stats;
};

const char *archive_path(const struct archive *a) { return a->path; }
const struct uuid *archive_node(const struct archive *a) { return &a->node; }
void archive_stats(const struct archive *a, struct archive_stats *ret) { *ret = a->stats; }

/* Words for an error that has none yet. */
static int say(struct diag *d, int err, const char *operation, const char *path)
{
	if (err == MO_ENOMEM)
		return diag_set(d, err, MSG_OUT_OF_MEMORY);
	diag_set(d, err, err == MO_EFULL ? MSG_BACKUP_FULL : MSG_OS_ERROR);
	diag_file(d, path ? path : "");
	diag_text(d, 0, span_str(operation));
	diag_text(d, 1, span_str(mo_err_name(err)));
	return err;
}

static int told(struct diag *d, int err, enum mo_msg msg, const char *path)
{
	diag_set(d, err, msg);
	diag_file(d, path ? path : "");
	return err;
}

static char *path_of(const struct archive *a, const char *b, const char *c, const char *e)
{
	size_t n = strlen(a->path) + strlen(b) + strlen(c) + strlen(e) + 4;
	char *p = malloc(n);
	if (p)
		snprintf(p, n, "%s/%s%s%s%s%s", a->path, b, *c ? "/" : "", c, *e ? "/" : "", e);
	return p;
}

static void hex_of(char out[65], const uint8_t digest[32])
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < 32; i++) {
		out[2 * i] = digits[digest[i] >> 4];
		out[2 * i + 1] = digits[digest[i] & 15];
	}
	out[64] = 0;
}

static char *piece_path(const struct archive *a, const uint8_t digest[32])
{
	char hex[65], folder[3];
	hex_of(hex, digest);
	memcpy(folder, hex, 2);
	folder[2] = 0;
	return path_of(a, "objects", folder, hex + 2);
}

/* ---- opening ---- */

/* The id in "ID.json"; p == NULL: it is no manifest's name. */
static struct span id_of(const char *name)
{
	struct span s = span_str(name);
	bool ours = s.n == ARCHIVE_ID - 1 + 5 && memcmp(s.p + ARCHIVE_ID - 1, ".json", 5) == 0 && archive_is_id(span_sub(s, 0, ARCHIVE_ID - 1));
	return ours ? span_sub(s, 0, ARCHIVE_ID - 1) : span_of(NULL, 0);
}

static int read_line(struct archive *a, struct diag *d)
{
	static const char first[] = "moru backup ";
	uint8_t *text = NULL;
	size_t n = 0;
	int64_t version = 0;
	char *path = path_of(a, LINE_FILE, "", "");
	int err = path ? vfs_slurp(a->vfs, &text, &n, path, LINE_MAX, NULL) : MO_ENOMEM;
	if (err == MO_ENOENT) {
		told(d, err, MSG_BACKUP_TARGET_NONE, a->path);
	} else if (err == MO_ELIMIT) {
		err = told(d, MO_ECORRUPT, MSG_BACKUP_TARGET_DAMAGED, path);
	} else if (err != 0) {
		say(d, err, "read", path);
	} else {
		struct span s = span_of(text, n), line = span_sub(s, 0, span_find(s, 0, '\n')), rest = span_sub(s, line.n + 1, s.n);
		size_t skip = sizeof first - 1;
		if (!span_starts(line, first) || num_i64(&version, span_sub(line, skip, line.n)) != 0 || version < 1) {
			err = told(d, MO_ECORRUPT, MSG_BACKUP_TARGET_DAMAGED, path);
		} else if (version > ARCHIVE_VERSION) {
			err = told(d, MO_EVERSION, MSG_BACKUP_NEWER, a->path);
		} else {
			rest = span_trim(rest);
			if (!span_starts(rest, "node ") || uuid_parse(&a->node, span_sub(rest, 5, rest.n)) != 0)
				err = told(d, MO_ECORRUPT, MSG_BACKUP_TARGET_DAMAGED, path);
		}
	}
	free(text);
	free(path);
	return err;
}

/* What may stand in a folder that is to become a target: what a fresh disk brings, and what an attempt before left. */
static int only_ours(void *arg, const char *name)
{
	static const char *const ours[] = {"lock", "objects", "snapshots", LINE_FILE ".tmp", "lost+found", "System Volume Information", "$RECYCLE.BIN"};
	(void)arg;
	if (name[0] == '.')
		return 0;
	for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
		if (strcmp(name, ours[i]) == 0)
			return 0;
	return MO_ESTATE;
}

static int no_manifest(void *arg, const char *name)
{
	(void)arg;
	return id_of(name).p ? MO_ESTATE : 0;
}

static int is_vacant(struct archive *a, struct diag *d)
{
	char *snapshots = path_of(a, "snapshots", "", "");
	int err = snapshots ? vfs_list(a->vfs, a->path, only_ours, NULL) : MO_ENOMEM;
	if (err == 0 && (err = vfs_list(a->vfs, snapshots, no_manifest, NULL)) == MO_ENOENT)
		err = 0;
	free(snapshots);
	if (err == MO_ESTATE)
		return told(d, err, MSG_BACKUP_TARGET_NOT_EMPTY, a->path);
	return err != 0 ? say(d, err, "list", a->path) : 0;
}

static int make(struct archive *a, const struct uuid *node, struct diag *d)
{
	char line[sizeof LINE_FILE + 64], id[UUID_TEXT];
	char *objects = path_of(a, "objects", "", ""), *snapshots = path_of(a, "snapshots", "", ""), *path = path_of(a, LINE_FILE, "", "");
	char *parent = vfs_parent(a->path);
	int err = objects && snapshots && path && parent ? 0 : diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	if (err == 0)
		err = is_vacant(a, d);
	if (err == 0 && ((err = vfs_mkdir(a->vfs, objects, false)) != 0 || (err = vfs_mkdir(a->vfs, snapshots, false)) != 0))
		say(d, err, "mkdir", a->path);
	if (err == 0 && ((err = vfs_sync_dir(a->vfs, a->path)) != 0 || (err = vfs_sync_dir(a->vfs, parent)) != 0))
		say(d, err, "sync", a->path);
	if (err == 0) {
		a->node = *node;
		uuid_format(id, node);
		int n = snprintf(line, sizeof line, "moru backup %d\nnode %s\n", ARCHIVE_VERSION, id);
		err = vfs_replace(a->vfs, path, span_of(line, (size_t)n), false, d);
	}
	free(parent);
	free(path);
	free(snapshots);
	free(objects);
	return err;
}

static int take_lock(struct archive *a, struct diag *d)
{
	char *path = path_of(a, "lock", "", "");
	int err = path ? vfs_lock(a->vfs, &a->lock, path) : MO_ENOMEM;
	if (err == MO_EBUSY)
		told(d, err, MSG_BACKUP_TARGET_BUSY, a->path);
	else if (err != 0)
		say(d, err, "lock", path);
	free(path);
	return err;
}

/* The folder of a target that is to be made. */
static int make_folder(struct archive *a, struct diag *d)
{
	struct vfs_stat st;
	int err = vfs_stat(a->vfs, a->path, &st);
	if (err == 0 && !st.is_dir)
		return told(d, MO_EINVAL, MSG_FOLDER_IS_FILE, a->path);
	if (err == MO_ENOENT && (err = vfs_mkdir(a->vfs, a->path, false)) != 0)
		return told(d, err, MSG_FOLDER_MAKE, a->path);
	return err != 0 ? say(d, err, "stat", a->path) : 0;
}

int archive_open(struct archive **ret, struct vfs *vfs, const char *path, enum archive_mode mode, const struct uuid *node, struct diag *d)
{
	struct archive *a = calloc(1, sizeof *a);
	size_t n = strlen(path);
	while (n > 1 && path[n - 1] == '/')
		n--;
	if (!a || !(a->path = malloc(n + 1))) {
		free(a);
		return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	}
	memcpy(a->path, path, n);
	a->path[n] = 0;
	a->vfs = vfs;
	/* Nothing is written, no lock either, before it is known that this is the target and not the folder that it is mounted over. */
	int err = read_line(a, d);
	bool vacant = err == MO_ENOENT && mode == ARCHIVE_MAKE;
	if (vacant && (err = make_folder(a, d)) == 0)
		err = is_vacant(a, d); /* and once more with the lock */
	if (err == 0 && mode != ARCHIVE_READ)
		err = take_lock(a, d);
	if (err == 0 && vacant) {
		diag_clear(d);
		err = make(a, node, d);
	}
	if (err == 0 && node && !uuid_eq(&a->node, node)) {
		char id[UUID_TEXT];
		uuid_format(id, &a->node);
		err = told(d, MO_EEXIST, MSG_BACKUP_TARGET_OTHER, a->path);
		diag_text(d, 0, span_str(id));
	}
	if (err != 0) {
		archive_close(a);
		return err;
	}
	*ret = a;
	return 0;
}

void archive_close(struct archive *a)
{
	if (!a)
		return;
	vfs_close(a->lock);
	free(a->back);
	free(a->path);
	free(a);
}

/* ---- pieces ---- */

int archive_has(struct archive *a, const uint8_t sha256[32], uint64_t size_bytes, bool *ret, struct diag *d)
{
	struct vfs_stat st;
	char *path = piece_path(a, sha256);
	int err = path ? vfs_stat(a->vfs, path, &st) : MO_ENOMEM;
	if (err == 0 || err == MO_ENOENT) {
		*ret = err == 0 && !st.is_dir && st.size_bytes == size_bytes;
		err = 0;
	} else {
		say(d, err, "stat", path);
	}
	free(path);
	return err;
}

static int folder_ready(struct archive *a, uint8_t first, struct diag *d)
{
	char name[3];
	if (a->made[first])
		return 0;
	snprintf(name, sizeof name, "%02x", first);
	char *folder = path_of(a, "objects", name, "");
	int err = folder ? vfs_mkdir(a->vfs, folder, false) : MO_ENOMEM;
	if (err != 0)
		say(d, err, "mkdir", folder);
	else
		a->made[first] = a->unsynced_top = true;
	free(folder);
	return err;
}

static int read_back(struct archive *a, struct vfs_file *f, struct span bytes)
{
	if (a->back_cap < bytes.n) {
		uint8_t *p = realloc(a->back, bytes.n);
		if (!p)
			return MO_ENOMEM;
		a->back = p;
		a->back_cap = bytes.n;
	}
	int err = vfs_read_full(f, a->back, bytes.n, 0);
	return err != 0 ? err : memcmp(a->back, bytes.p, bytes.n) == 0 ? 0 : MO_ECORRUPT;
}

static int write_piece(struct archive *a, const char *temp, struct span bytes, struct diag *d)
{
	struct vfs_file *f = NULL;
	const char *operation = "unlink";
	/* After a failed sync a file may not be believed any more: always a new one. */
	int err = vfs_unlink(a->vfs, temp);
	if (err == MO_ENOENT)
		err = 0;
	if (err == 0) {
		operation = "open";
		err = vfs_open(a->vfs, &f, temp, VFS_WRITE | VFS_CREATE | VFS_EXCL, NULL);
	}
	if (err == 0) {
		operation = "write";
		err = vfs_pwrite(f, bytes.p, bytes.n, 0);
	}
	if (err == 0) {
		operation = "sync";
		err = vfs_sync(f);
	}
	if (err == 0) {
		operation = "read";
		err = read_back(a, f, bytes);
	}
	vfs_close(f);
	if (err == MO_ECORRUPT)
		return told(d, err, MSG_BACKUP_READ_BACK, temp);
	return err != 0 ? say(d, err, operation, temp) : 0;
}

int archive_put(struct archive *a, struct span bytes, uint8_t ret_sha256[32], struct diag *d)
{
	char hex[65], name[sizeof TEMP + 64];
	bool has = false;
	if (bytes.n == 0 || bytes.n > ARCHIVE_PIECE_MAX)
		return diag_set(d, MO_EBUG, MSG_NONE);
	int err = sha256_of(ret_sha256, bytes);
	if (err != 0)
		return say(d, err, "digest", a->path);
	err = archive_has(a, ret_sha256, bytes.n, &has, d);
	if (err != 0)
		return err;
	a->unsynced[ret_sha256[0]] = true; /* one that is there may have got its name from a backup that was killed */
	if (has)
		return 0;
	hex_of(hex, ret_sha256);
	snprintf(name, sizeof name, TEMP "%s", hex);
	char *temp = path_of(a, "objects", name, ""), *path = piece_path(a, ret_sha256);
	err = temp && path ? folder_ready(a, ret_sha256[0], d) : diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	if (err == 0 && (err = write_piece(a, temp, bytes, d)) == 0 && (err = vfs_rename(a->vfs, temp, path)) != 0)
		say(d, err, "rename", path);
	if (err == 0) {
		a->unsynced_top = true;
		a->stats.bytes += bytes.n;
		a->stats.pieces++;
	} else if (temp && vfs_unlink(a->vfs, temp) != 0) {
		/* The next backup writes it anew, or removes it. */
	}
	free(temp);
	free(path);
	return err;
}

int archive_get(struct archive *a, const uint8_t sha256[32], uint8_t *to, size_t n, struct diag *d)
{
	struct vfs_file *f = NULL;
	uint64_t size = 0;
	uint8_t digest[32];
	char *path = piece_path(a, sha256);
	int err = path ? vfs_open(a->vfs, &f, path, VFS_READ, NULL) : MO_ENOMEM;
	if (err == MO_ENOENT)
		told(d, err, MSG_BACKUP_PIECE_MISSING, path);
	else if (err != 0)
		say(d, err, "open", path);
	else if ((err = vfs_size(f, &size)) == 0 && size == n && (err = vfs_read_full(f, to, n, 0)) == 0 && (err = sha256_of(digest, span_of(to, n))) == 0 &&
		memcmp(digest, sha256, 32) != 0)
		err = MO_ECORRUPT;
	else if (err == 0 && size != n)
		err = MO_ECORRUPT;
	if (f && err == MO_ECORRUPT)
		told(d, err, MSG_BACKUP_PIECE_DAMAGED, path);
	else if (f && err != 0)
		say(d, err, "read", path);
	vfs_close(f);
	free(path);
	return err;
}

int archive_digests(struct archive *a, const struct archive_file *f, struct buf *out, struct diag *d)
{
	uint64_t n = archive_pieces(f);
	buf_reset(out);
	if (n <= 1) {
		if (n == 1)
			buf_add(out, span_of(f->sha256, 32));
		return out->err ? diag_set(d, out->err, MSG_OUT_OF_MEMORY) : 0;
	}
	if (n > ARCHIVE_PIECE_MAX / 32)
		return told(d, MO_ECORRUPT, MSG_BACKUP_SNAPSHOT_DAMAGED, f->path);
	uint8_t *p = buf_reserve(out, (size_t)n * 32);
	int err = p ? archive_get(a, f->list, p, (size_t)n * 32, d) : diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	if (err == 0)
		out->n += (size_t)n * 32;
	return err;
}

/* ---- keys ---- */

int archive_put_keys(struct archive *a, struct span keys, struct diag *d)
{
	char *path = path_of(a, ARCHIVE_KEYS, "", "");
	int err = path ? vfs_replace(a->vfs, path, keys, true, d) : diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	free(path);
	return err;
}

int archive_get_keys(struct archive *a, uint8_t **ret, size_t *ret_n, struct diag *d)
{
	char *path = path_of(a, ARCHIVE_KEYS, "", "");
	int err = path ? vfs_slurp(a->vfs, ret, ret_n, path, PEOPLE_FILE_MAX, NULL) : MO_ENOMEM;
	if (err == MO_ELIMIT)
		err = told(d, MO_ECORRUPT, MSG_BACKUP_KEYS_DAMAGED, path);
	else if (err != 0 && err != MO_ENOENT)
		say(d, err, "read", path);
	free(path);
	return err;
}

/* ---- snapshots ---- */

struct ids {
	char (*id)[ARCHIVE_ID];
	size_t n, cap;
};

static int on_snapshot(void *arg, const char *name)
{
	struct ids *l = arg;
	struct span id = id_of(name);
	if (!id.p)
		return 0;
	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 16;
		void *p = realloc(l->id, cap * sizeof *l->id);
		if (!p)
			return MO_ENOMEM;
		l->id = p;
		l->cap = cap;
	}
	memcpy(l->id[l->n], id.p, id.n);
	l->id[l->n++][id.n] = 0;
	return 0;
}

static int by_text(const void *a, const void *b) { return memcmp(a, b, ARCHIVE_ID); }

int archive_list(struct archive *a, char (**ret)[ARCHIVE_ID], size_t *ret_n, struct diag *d)
{
	struct ids l = {NULL, 0, 0};
	char *folder = path_of(a, "snapshots", "", "");
	int err = folder ? vfs_list(a->vfs, folder, on_snapshot, &l) : MO_ENOMEM;
	if (err != 0) {
		say(d, err, "list", folder);
		free(l.id);
	} else {
		if (l.n > 1)
			qsort(l.id, l.n, sizeof *l.id, by_text);
		*ret = l.id;
		*ret_n = l.n;
	}
	free(folder);
	return err;
}

static char *manifest_path(const struct archive *a, const char *id)
{
	char name[ARCHIVE_ID + 8];
	snprintf(name, sizeof name, "%s.json", id);
	return path_of(a, "snapshots", name, "");
}

int archive_load(struct archive *a, struct archive_snapshot *ret, const char *id, struct diag *d)
{
	uint8_t *text = NULL;
	size_t n = 0;
	char *path = manifest_path(a, id);
	int err = path ? vfs_slurp(a->vfs, &text, &n, path, ARCHIVE_MANIFEST_MAX, NULL) : MO_ENOMEM;
	if (err == MO_ENOENT) {
		told(d, err, MSG_BACKUP_NO_SNAPSHOT, a->path);
		diag_text(d, 0, span_str(id));
	} else if (err == MO_ELIMIT) {
		err = told(d, MO_ECORRUPT, MSG_BACKUP_SNAPSHOT_DAMAGED, path);
	} else if (err != 0) {
		say(d, err, "read", path);
	} else if ((err = archive_manifest_read(ret, span_of(text, n), path, d)) == 0 && (strcmp(ret->id, id) != 0 || !uuid_eq(&ret->node, &a->node))) {
		archive_snapshot_free(ret);
		err = told(d, MO_ECORRUPT, MSG_BACKUP_SNAPSHOT_DAMAGED, path);
	}
	free(text);
	free(path);
	return err;
}

int archive_load_newest(struct archive *a, struct archive_snapshot *ret, size_t *ret_bad, struct diag *d)
{
	char (*id)[ARCHIVE_ID] = NULL;
	size_t n = 0, bad = 0;
	int err = archive_list(a, &id, &n, d);
	if (err != 0)
		return err;
	err = told(d, MO_ENOENT, MSG_BACKUP_EMPTY, a->path);
	for (size_t i = n; i-- > 0;) {
		err = archive_load(a, ret, id[i], d);
		if (err != MO_ECORRUPT && err != MO_EVERSION)
			break;
		bad++;
		err = told(d, MO_ENOENT, MSG_BACKUP_EMPTY, a->path);
	}
	free(id);
	if (ret_bad)
		*ret_bad = bad;
	return err;
}

/* An id greater than all that are there. */
static int new_id(struct archive *a, struct archive_snapshot *s, struct diag *d)
{
	char (*id)[ARCHIVE_ID] = NULL;
	size_t n = 0;
	int64_t t = s->t_ns, last;
	uint8_t r[4];
	struct civil c;
	int err = archive_list(a, &id, &n, d);
	if (err == 0 && (err = os_random(r, sizeof r)) != 0)
		say(d, err, "random", a->path);
	if (err == 0) {
		if (n && archive_id_time(&last, span_of(id[n - 1], 14)) == 0 && last + NS_PER_S > t)
			t = last + NS_PER_S;
		civil_from_ns(&c, t);
		snprintf(s->id, sizeof s->id, "%04u%02u%02u%02u%02u%02u-%02x%02x%02x%02x", (unsigned)c.year % 10000u, c.month % 100u, c.day % 100u, c.hour % 100u,
			c.minute % 100u, c.second % 100u, r[0], r[1], r[2], r[3]);
	}
	free(id);
	return err;
}

static int settle(struct archive *a, struct diag *d)
{
	char name[3];
	int err = 0;
	for (unsigned i = 0; i < FOLDERS && err == 0; i++) {
		if (!a->unsynced[i])
			continue;
		snprintf(name, sizeof name, "%02x", i);
		char *folder = path_of(a, "objects", name, "");
		err = folder ? vfs_sync_dir(a->vfs, folder) : MO_ENOMEM;
		if (err != 0)
			say(d, err, "sync", folder);
		else
			a->unsynced[i] = false;
		a->unsynced_top = true; /* the folder's own name may be as young */
		free(folder);
	}
	if (err == 0 && a->unsynced_top) {
		char *folder = path_of(a, "objects", "", "");
		err = folder ? vfs_sync_dir(a->vfs, folder) : MO_ENOMEM;
		if (err != 0)
			say(d, err, "sync", folder);
		else
			a->unsynced_top = false;
		free(folder);
	}
	return err;
}

int archive_commit(struct archive *a, struct archive_snapshot *s, struct diag *d)
{
	struct buf text;
	buf_init(&text, ARCHIVE_MANIFEST_MAX);
	char *path = NULL;
	int err = settle(a, d);
	if (err == 0)
		err = new_id(a, s, d);
	if (err == 0 && (err = archive_manifest_write(s, &text)) != 0)
		say(d, err, "manifest", a->path);
	if (err == 0) {
		path = manifest_path(a, s->id);
		err = path ? vfs_replace(a->vfs, path, buf_span(&text), false, d) : diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
		if (err == MO_EFULL)
			say(d, err, "write", path);
	}
	if (err == 0)
		a->stats.bytes += text.n;
	free(path);
	buf_free(&text);
	return err;
}

/* ---- removing ---- */

struct archive_sweep {
	struct archive *a;
	struct buf named; /* digests of all pieces that a manifest names, 32 bytes each, sorted */
	unsigned folder;  /* next; FOLDERS: objects itself; then snapshots */
};

static int by_digest(const void *a, const void *b) { return memcmp(a, b, 32); }

/* All pieces of one snapshot; lists that were seen are not read again. */
static int name_pieces(struct archive_sweep *w, struct map *seen, const struct archive_snapshot *s, struct diag *d)
{
	struct buf digests;
	int err = 0;
	buf_init(&digests, 0);
	for (size_t i = 0; i < s->n && err == 0; i++) {
		const struct archive_file *f = &s->file[i];
		struct span list = span_of(f->list, 32);
		bool has_list = archive_pieces(f) > 1;
		if (has_list && map_get(seen, list))
			continue;
		if ((err = archive_digests(w->a, f, &digests, d)) != 0)
			break;
		buf_add(&w->named, buf_span(&digests));
		if (has_list) {
			buf_add(&w->named, list);
			err = map_put(seen, list, 1);
		}
		if (err == 0)
			err = w->named.err;
		if (err != 0)
			diag_set(d, err, MSG_OUT_OF_MEMORY);
	}
	buf_free(&digests);
	return err;
}

static int remove_manifest(struct archive *a, const char *id, struct diag *d)
{
	char *path = manifest_path(a, id);
	int err = path ? vfs_unlink(a->vfs, path) : MO_ENOMEM;
	if (err == MO_ENOENT)
		err = 0;
	if (err != 0)
		say(d, err, "unlink", path);
	free(path);
	return err;
}

/* Newest first: good ones up to `keep` stay and are noted, good ones past it are removed, others stay where they are. */
static int choose(struct archive_sweep *w, char (*id)[ARCHIVE_ID], size_t n, size_t keep, struct diag *d)
{
	struct archive *a = w->a;
	struct map seen;
	size_t good = 0, removed = 0;
	struct diag *bad = calloc(1, sizeof *bad);
	int err = bad ? 0 : diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	map_init(&seen);
	for (size_t i = n; i-- > 0 && err == 0;) {
		struct archive_snapshot s;
		err = archive_load(a, &s, id[i], d);
		if (err == MO_ECORRUPT || err == MO_EVERSION) {
			*bad = *d;
			bad->err = err;
			err = 0;
			continue;
		}
		if (err != 0)
			break;
		if (good++ < keep) {
			err = name_pieces(w, &seen, &s, d);
		} else {
			err = remove_manifest(a, id[i], d);
			removed++;
		}
		archive_snapshot_free(&s);
	}
	if (err == 0 && removed) {
		char *folder = path_of(a, "snapshots", "", "");
		if ((err = folder ? vfs_sync_dir(a->vfs, folder) : MO_ENOMEM) != 0)
			say(d, err, "sync", folder);
		free(folder);
	}
	if (err == 0 && bad->err != 0) {
		err = MO_ECORRUPT;
		if (d)
			*d = *bad;
	}
	map_free(&seen);
	free(bad);
	return err;
}

int archive_prune(struct archive *a, struct archive_sweep **ret, size_t keep, struct diag *d)
{
	char (*id)[ARCHIVE_ID] = NULL;
	size_t n = 0;
	struct archive_sweep *w = calloc(1, sizeof *w);
	int err = w ? archive_list(a, &id, &n, d) : diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	if (err == 0) {
		w->a = a;
		buf_init(&w->named, 0);
		err = choose(w, id, n, keep ? keep : SIZE_MAX, d);
	}
	if (err == 0) {
		if (w->named.n)
			qsort(w->named.p, w->named.n / 32, 32, by_digest);
		*ret = w;
		w = NULL;
	}
	archive_sweep_free(w);
	free(id);
	return err;
}

struct folder_sweep {
	struct archive_sweep *w;
	const char *prefix; /* two digits, or "" for the folders above */
	struct buf names;   /* to be removed, NUL-ended */
};

static int on_piece(void *arg, const char *name)
{
	struct folder_sweep *f = arg;
	bool drop;
	if (*f->prefix) {
		uint8_t digest[32];
		char hex[65];
		struct buf b;
		if (strlen(name) != 62)
			return 0;
		memcpy(hex, f->prefix, 2);
		memcpy(hex + 2, name, 63);
		buf_init(&b, 0);
		int err = hex_decode(&b, span_of(hex, 64));
		if (err == 0 && b.n == 32)
			memcpy(digest, b.p, 32);
		else if (err == 0)
			err = MO_EINVAL;
		buf_free(&b);
		if (err != 0)
			return err == MO_ENOMEM ? err : 0; /* none of ours */
		drop = !f->w->named.n || !bsearch(digest, f->w->named.p, f->w->named.n / 32, 32, by_digest);
	} else if (f->w->folder == FOLDERS) {
		drop = strncmp(name, TEMP, sizeof TEMP - 1) == 0;
	} else {
		/* A manifest whose backup was killed: another never has its name. */
		drop = strlen(name) == ARCHIVE_ID - 1 + strlen(".json.tmp") && archive_is_id(span_of(name, ARCHIVE_ID - 1)) &&
		        strcmp(name + ARCHIVE_ID - 1, ".json.tmp") == 0;
	}
	if (drop)
		buf_add(&f->names, span_of(name, strlen(name) + 1));
	return f->names.err;
}

int archive_sweep(struct archive_sweep *w, struct diag *d)
{
	char prefix[3] = "";
	if (w->folder > FOLDERS + 1)
		return 0;
	if (w->folder < FOLDERS)
		snprintf(prefix, sizeof prefix, "%02x", w->folder);
	struct folder_sweep f = {.w = w, .prefix = prefix};
	struct archive *a = w->a;
	buf_init(&f.names, 0);
	char *folder = path_of(a, w->folder > FOLDERS ? "snapshots" : "objects", prefix, "");
	int err = folder ? vfs_list(a->vfs, folder, on_piece, &f) : MO_ENOMEM;
	if (err == MO_ENOENT)
		err = 0;
	for (size_t at = 0; err == 0 && at < f.names.n;) {
		const char *name = (const char *)f.names.p + at;
		char *path = vfs_join(folder, name);
		err = path ? vfs_unlink(a->vfs, path) : MO_ENOMEM;
		if (err == MO_ENOENT)
			err = 0;
		free(path);
		at += strlen(name) + 1;
	}
	if (err == 0 && f.names.n)
		err = vfs_sync_dir(a->vfs, folder);
	if (err != 0)
		say(d, err, "remove", folder);
	else
		w->folder++;
	buf_free(&f.names);
	free(folder);
	return err != 0 ? err : w->folder > FOLDERS + 1 ? 0 : MO_EAGAIN;
}

void archive_sweep_free(struct archive_sweep *w)
{
	if (!w)
		return;
	buf_free(&w->named);
	free(w);
}
