/* See backup.h. Whatever file is under way, a step reads one piece of it, gives it to the archive and adds it to the digest of the whole. */
#include "node/backup.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/num.h"
#include "codec/text.h"
#include "node/erase.h"
#include "node/keystore.h"
#include "os/crypto.h"
#include "store/store.h"

#define FORMAT_BYTES_MAX 64u

enum state { SMALL, STORE, BLOBS, SERIES, COMMIT, SWEEP, DONE, STATES };

/* The file under way. */
struct copying {
	bool any;
	char path[ARCHIVE_PATH_MAX + 1];
	char key[ARCHIVE_KEY_MAX + 1];
	struct archive_file f;
	struct vfs_file *file; /* NULL: one that the engine holds */
	size_t held;
	uint64_t at;           /* pieces done */
	bool again;            /* the last snapshot's: its pieces are looked for, not read */
	struct buf digests;
};
struct backup {
	struct backup_options o;
	enum state state;
	size_t next;           /* of the state's files */
	struct archive *a;
	struct archive_snapshot last, now;
	bool has_last;
	struct copying c;
	struct sha256 *whole;
	uint8_t *piece;
	struct buf secrets;    /* names, NUL-ended, one after another */
	struct buf blobs;      /* digests, sorted */
	struct store_reader *reader; /* its transaction holds the store */
	bool with_log;
	char *series;          /* path, which hold borrows; NULL: the engine's */
	struct sdb_hold *hold;
	struct archive_sweep *sweep;
	uint64_t bytes;
};

static void set_state(struct backup *b, enum state s)
{
	static const enum state after[STATES] = {STORE, BLOBS, SERIES, COMMIT, SWEEP, DONE, DONE};
	assert(s == after[b->state] || (b->state == COMMIT && s == DONE));
	b->state = s;
	b->next = 0;
}

static int nomem(struct diag *d) { return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY); }

static int say(struct diag *d, int err, const char *operation, const char *path)
{
	if (err == MO_ENOMEM)
		return nomem(d);
	diag_set(d, err, err == MO_ECORRUPT ? MSG_BACKUP_CHANGED : MSG_OS_ERROR);
	diag_file(d, path ? path : "");
	diag_text(d, 0, span_str(operation));
	diag_text(d, 1, span_str(mo_err_name(err)));
	return err;
}

/* ---- one file ---- */

static void let_go(struct backup *b)
{
	vfs_close(b->c.file);
	if (b->c.any && !b->c.file && b->hold)
		sdb_hold_done(b->hold, b->c.held);
	b->c.file = NULL;
	b->c.any = false;
}

static void begin(struct backup *b, const char *path, const char *key, uint64_t size, uint32_t chunk, bool secret)
{
	struct copying *c = &b->c;
	const struct archive_file *old = b->has_last && *key ? archive_find(&b->last, path) : NULL;
	snprintf(c->path, sizeof c->path, "%s", path);
	snprintf(c->key, sizeof c->key, "%s", key);
	c->f = (struct archive_file){.path = c->path, .key = c->key, .size_bytes = size, .chunk_bytes = chunk, .secret = secret};
	c->at = 0;
	c->again = old && old->size_bytes == size && strcmp(old->key, key) == 0;
	if (c->again) {
		c->f.chunk_bytes = old->chunk_bytes;
		memcpy(c->f.sha256, old->sha256, 32);
		memcpy(c->f.list, old->list, 32);
	}
	buf_reset(&c->digests);
	c->any = true;
}

/* A file of the folder. MO_ENOENT without words where it may be absent. */
static int begin_path(struct backup *b, const char *path, const char *key, uint32_t chunk, bool secret, bool may_lack, struct diag *d)
{
	uint64_t size = 0;
	char *full = folder_path(b->o.folder, path);
	int err = full ? vfs_open(b->o.vfs, &b->c.file, full, VFS_READ, NULL) : MO_ENOMEM;
	if (err == 0 && (err = vfs_size(b->c.file, &size)) == 0)
		begin(b, path, key, size, chunk, secret);
	else if (err != MO_ENOENT || !may_lack)
		say(d, err, "open", full);
	if (err != 0) {
		vfs_close(b->c.file);
		b->c.file = NULL;
	}
	free(full);
	return err;
}

static int add_file(struct backup *b, struct diag *d)
{
	int err = archive_add(&b->now, &b->c.f);
	if (err == 0)
		b->bytes += b->c.f.size_bytes;
	else if (err == MO_ENOMEM)
		nomem(d);
	else
		say(d, err, "add", b->c.path);
	let_go(b);
	return err;
}

/* Pieces of the last snapshot are there, or the file is read after all. */
static int look_again(struct backup *b, struct diag *d)
{
	struct copying *c = &b->c;
	bool has = true;
	int err = 0;
	if (c->at == 0)
		err = archive_digests(b->a, &c->f, &c->digests, d);
	if (err == MO_ENOENT || err == MO_ECORRUPT) {
		diag_clear(d);
		err = 0;
		has = false;
	}
	uint64_t n = archive_pieces(&c->f);
	for (unsigned i = 0; err == 0 && has && c->at < n && i < BACKUP_HAS_STEP; i++, c->at++)
		err = archive_has(b->a, c->digests.p + c->at * 32, archive_piece_bytes(&c->f, c->at), &has, d);
	if (err != 0)
		return err;
	if (!has) {
		c->again = false;
		c->at = 0;
		buf_reset(&c->digests);
		return 0;
	}
	return c->at == n ? add_file(b, d) : 0;
}

static int read_piece(struct backup *b, size_t n, struct diag *d)
{
	struct copying *c = &b->c;
	uint64_t offset = c->at * c->f.chunk_bytes;
	if (!c->file)
		return sdb_hold_read(b->hold, c->held, offset, b->piece, n, d);
	int err = vfs_read_full(c->file, b->piece, n, offset);
	if (err != 0) {
		char *full = folder_path(b->o.folder, c->path);
		say(d, err, "read", full);
		free(full);
	}
	return err;
}

/* A blob is what its name says; one that is not is kept as it is, and read again the next time. */
static void check_blob(struct copying *c)
{
	struct buf hex;
	if (strncmp(c->path, "blobs/", 6) != 0)
		return;
	buf_init(&hex, 0);
	hex_encode(&hex, span_of(c->f.sha256, 32));
	if (hex.err || !span_is(buf_span(&hex), c->key))
		c->key[0] = 0;
	buf_free(&hex);
}

static int end_file(struct backup *b, struct diag *d)
{
	struct copying *c = &b->c;
	int err = sha256_final(b->whole, c->f.sha256);
	if (err != 0)
		return say(d, err, "digest", c->path);
	if (archive_pieces(&c->f) > 1)
		err = archive_put(b->a, buf_span(&c->digests), c->f.list, d);
	check_blob(c);
	return err != 0 ? err : add_file(b, d);
}

static int copy_step(struct backup *b, struct diag *d)
{
	struct copying *c = &b->c;
	uint8_t digest[32];
	if (c->again)
		return look_again(b, d);
	if (c->at == archive_pieces(&c->f))
		return end_file(b, d);
	size_t n = archive_piece_bytes(&c->f, c->at);
	int err = read_piece(b, n, d);
	if (err == 0)
		err = archive_put(b->a, span_of(b->piece, n), digest, d);
	if (err == 0 && (err = sha256_update(b->whole, span_of(b->piece, n))) != 0)
		say(d, err, "digest", c->path);
	if (err == 0) {
		buf_add(&c->digests, span_of(digest, 32));
		if ((err = c->digests.err) != 0)
			nomem(d);
		c->at++;
	}
	return err;
}

/* ---- which files ---- */

static int on_secret(void *arg, const char *name)
{
	struct buf *b = arg;
	size_t n = strlen(name);
	bool temp = n > 4 && (strcmp(name + n - 4, ".tmp") == 0 || strcmp(name + n - 4, ".bad") == 0);
	temp |= strncmp(name, "people.keys", 11) == 0; /* the target has them once, as they are: see erase.h */
	if (!temp && archive_is_path(span_of(name, n)) && !memchr(name, '/', n))
		buf_add(b, span_of(name, n + 1));
	return b->err;
}

/* "moru N" of DIR/format. */
static int read_version(struct backup *b, struct diag *d)
{
	uint8_t *text = NULL;
	size_t n = 0;
	char *path = folder_path(b->o.folder, "format");
	int err = path ? vfs_slurp(b->o.vfs, &text, &n, path, FORMAT_BYTES_MAX, NULL) : MO_ENOMEM;
	if (err == 0) {
		struct span s = span_trim(span_of(text, n));
		if (!span_starts(s, "moru ") || num_i64(&b->now.folder_version, span_sub(s, 5, s.n)) != 0 || b->now.folder_version < 1)
			err = MO_ECORRUPT;
	}
	if (err != 0) {
		diag_set(d, err, err == MO_ENOMEM ? MSG_OUT_OF_MEMORY : MSG_FOLDER_READ);
		diag_file(d, path);
	}
	free(text);
	free(path);
	return err;
}

static int list_secrets(struct backup *b, struct diag *d)
{
	char *path = folder_path(b->o.folder, "secrets");
	int err = !b->o.keys ? 0 : path ? vfs_list(b->o.vfs, path, on_secret, &b->secrets) : MO_ENOMEM;
	if (err != 0 && err != MO_ENOENT)
		say(d, err, "list", path);
	free(path);
	return err == MO_ENOENT ? 0 : err;
}

/* Certificates go with their keys: without them a restored node makes both anew. */
static size_t small_names(const char *names[3 + KEY_PURPOSES], bool keys)
{
	size_t n = 0;
	names[n++] = "format";
	names[n++] = "node.json";
	names[n++] = "moru.yaml";
	for (unsigned i = 0; i < KEY_PURPOSES && keys; i++)
		if (keystore_row((enum key_purpose)i)->in_backups && keystore_row((enum key_purpose)i)->crt_file)
			names[n++] = keystore_row((enum key_purpose)i)->crt_file;
	return n;
}

static int small(struct backup *b, struct diag *d)
{
	const char *names[3 + KEY_PURPOSES];
	const size_t n = small_names(names, b->o.keys);
	if (b->next < n) {
		bool may_lack = b->next >= 2; /* without settings the defaults hold; folders of before have no certificates */
		int err = begin_path(b, names[b->next], "", BACKUP_CHUNK_BYTES, false, may_lack, d);
		b->next++;
		return err == MO_ENOENT && may_lack ? 0 : err;
	}
	size_t at = b->next - n;
	if (at >= b->secrets.n) {
		set_state(b, STORE);
		return 0;
	}
	char path[ARCHIVE_PATH_MAX + 16];
	const char *name = (const char *)b->secrets.p + at;
	snprintf(path, sizeof path, "secrets/%s", name);
	b->next += strlen(name) + 1;
	struct vfs_stat st;
	char *full = folder_path(b->o.folder, path);
	int err = full ? vfs_stat(b->o.vfs, full, &st) : MO_ENOMEM;
	if (err != 0)
		say(d, err, "stat", full);
	free(full);
	return err != 0 || st.is_dir ? err : begin_path(b, path, "", BACKUP_CHUNK_BYTES, true, false, d);
}

/* 0: the database; 1: its log; 2: both are copied. */
static int store(struct backup *b, struct diag *d)
{
	int err = 0;
	switch (b->next++) {
	case 0:
		if (b->o.sdb) {
			char *db = folder_path(b->o.folder, "store.db");
			err = db ? store_reader_open(&b->reader, b->o.vfs, db, d) : nomem(d);
			free(db);
			if (err == 0)
				err = store_hold(b->reader, &b->with_log, d);
		} else {
			b->with_log = true; /* as the next start would read both */
		}
		return err != 0 ? err : begin_path(b, "store.db", "", BACKUP_CHUNK_BYTES, false, false, d);
	case 1:
		err = b->with_log ? begin_path(b, "store.db-wal", "", BACKUP_CHUNK_BYTES, false, true, d) : 0;
		return err == MO_ENOENT ? 0 : err;
	default:
		store_reader_close(b->reader);
		b->reader = NULL;
		set_state(b, BLOBS);
		return 0;
	}
}

struct listing {
	struct buf *out;
	char prefix[3];
};

static int on_blob(void *arg, const char *name)
{
	struct listing *l = arg;
	char hex[65];
	if (strlen(name) != 62)
		return 0;
	memcpy(hex, l->prefix, 2);
	memcpy(hex + 2, name, 63);
	if (strspn(hex, "0123456789abcdef") != 64)
		return 0;
	int err = hex_decode(l->out, span_of(hex, 64));
	return err == MO_EINVAL ? 0 : err;
}

static int by_digest(const void *a, const void *b) { return memcmp(a, b, 32); }

/* By the folder, not by rows: all that a row speaks of is there, and a blob of a transaction that did not commit does no harm. */
static int list_blobs(struct backup *b, struct diag *d)
{
	struct listing l = {.out = &b->blobs};
	int err = 0;
	for (unsigned i = 0; i < 256 && err == 0; i++) {
		char path[16];
		snprintf(l.prefix, sizeof l.prefix, "%02x", i);
		snprintf(path, sizeof path, "blobs/%s", l.prefix);
		char *full = folder_path(b->o.folder, path);
		err = full ? vfs_list(b->o.vfs, full, on_blob, &l) : MO_ENOMEM;
		if (err == MO_ENOENT)
			err = 0;
		if (err == 0)
			err = b->blobs.err;
		if (err != 0)
			say(d, err, "list", full);
		free(full);
	}
	if (err == 0 && b->blobs.n)
		qsort(b->blobs.p, b->blobs.n / 32, 32, by_digest);
	return err;
}

static int blobs(struct backup *b, struct diag *d)
{
	char path[80];
	struct buf hex;
	if (b->next == 0) {
		int err = list_blobs(b, d);
		if (err != 0)
			return err;
	}
	if (b->next * 32 >= b->blobs.n) {
		set_state(b, SERIES);
		return 0;
	}
	buf_init(&hex, 0);
	hex_encode(&hex, span_of(b->blobs.p + 32 * b->next++, 32));
	buf_addc(&hex, 0);
	int err = hex.err ? nomem(d) : 0;
	if (err == 0) {
		const char *name = (const char *)hex.p;
		snprintf(path, sizeof path, "blobs/%.2s/%s", name, name + 2);
		/* A removed file about a person: no row speaks of it any more, as none goes while a backup runs whose store has one. */
		err = begin_path(b, path, name, BACKUP_CHUNK_FIXED, false, true, d);
		if (err == MO_ENOENT)
			err = 0;
	}
	buf_free(&hex);
	return err;
}

static int series(struct backup *b, struct diag *d)
{
	char path[64];
	if (!b->hold) {
		char *dir = b->o.sdb ? NULL : folder_path(b->o.folder, "series");
		int err = b->o.sdb ? sdb_hold(&b->hold, b->o.sdb, d) : dir ? sdb_hold_folder(&b->hold, b->o.vfs, dir, d) : nomem(d);
		if (err != 0) {
			free(dir);
			return err;
		}
		b->series = dir;
	}
	if (b->next >= sdb_hold_count(b->hold)) {
		sdb_hold_free(b->hold);
		b->hold = NULL;
		set_state(b, COMMIT);
		return 0;
	}
	const struct sdb_held *h = sdb_hold_file(b->hold, b->next);
	snprintf(path, sizeof path, "series/%s", h->name);
	b->c.held = b->next++;
	begin(b, path, h->key, h->size_bytes, *h->key ? BACKUP_CHUNK_FIXED : BACKUP_CHUNK_BYTES, false);
	return 0;
}

/* ---- the run ---- */

/* The backup is made; what failed is about others. */
static int not_pruned(struct backup *b, int err, struct diag *d)
{
	char file[DIAG_FILE_MAX] = "";
	if (d)
		memcpy(file, d->file, sizeof file);
	diag_set(d, err, MSG_BACKUP_NOT_PRUNED);
	diag_file(d, file[0] ? file : b->o.target);
	diag_text(d, 0, span_str(b->now.id));
	diag_text(d, 1, span_str(mo_err_name(err)));
	return err;
}

static int sweep(struct backup *b, struct diag *d)
{
	int err = 0;
	if (!b->sweep)
		err = archive_prune(b->a, &b->sweep, b->o.keep, d);
	if (err == 0)
		err = archive_sweep(b->sweep, d);
	if (err == MO_EAGAIN)
		return 0;
	if (err != 0)
		return not_pruned(b, err, d);
	set_state(b, DONE);
	return 0;
}

int backup_step(struct backup *b, struct diag *d)
{
	int err = 0;
	if (b->c.any) {
		err = copy_step(b, d);
	} else {
		switch (b->state) {
		case SMALL: err = small(b, d); break;
		case STORE: err = store(b, d); break;
		case BLOBS: err = blobs(b, d); break;
		case SERIES: err = series(b, d); break;
		case COMMIT:
			/* The keys first: a snapshot whose names nobody can read is none. */
			err = erase_put_keys(b->a, b->o.vfs, b->o.folder, d);
			if (err == 0)
				err = archive_commit(b->a, &b->now, d);
			if (err == 0)
				set_state(b, b->o.keep ? SWEEP : DONE);
			else
				b->now.id[0] = 0;
			break;
		case SWEEP: err = sweep(b, d); break;
		case DONE:
		case STATES: break;
		}
	}
	return err != 0 ? err : b->state == DONE ? 0 : MO_EAGAIN;
}

/* A target within a node's folder would be backed up with it. */
static int is_outside(struct vfs *vfs, const char *target, struct diag *d)
{
	bool inside;
	int err = folder_is_inside(&inside, vfs, target);
	if (err != 0)
		return nomem(d);
	if (inside) {
		err = diag_set(d, MO_EINVAL, MSG_BACKUP_INSIDE);
		diag_file(d, target);
	}
	return err;
}

int backup_new(struct backup **ret, const struct backup_options *o, struct diag *d)
{
	struct backup *b = calloc(1, sizeof *b);
	if (!b)
		return nomem(d);
	b->o = *o;
	archive_snapshot_init(&b->last);
	archive_snapshot_init(&b->now);
	buf_init(&b->c.digests, 0);
	buf_init(&b->secrets, 0);
	buf_init(&b->blobs, 0);
	b->now.node = o->folder->id;
	b->now.t_ns = o->now_ns;
	b->now.keys = o->keys;
	snprintf(b->now.program, sizeof b->now.program, "%s", o->program);
	int err = is_outside(o->vfs, o->target, d);
	if (err == 0 && (!(b->piece = malloc(ARCHIVE_CHUNK_MAX)) || sha256_new(&b->whole) != 0))
		err = nomem(d);
	if (err == 0)
		err = archive_open(&b->a, o->vfs, o->target, o->make ? ARCHIVE_MAKE : ARCHIVE_WRITE, &o->folder->id, d);
	if (err == 0) {
		err = archive_load_newest(b->a, &b->last, NULL, d);
		b->has_last = err == 0;
		if (err == MO_ENOENT) {
			diag_clear(d);
			err = 0;
		}
	}
	if (err == 0)
		err = read_version(b, d);
	if (err == 0)
		err = list_secrets(b, d);
	if (err != 0) {
		backup_free(b);
		return err;
	}
	*ret = b;
	return 0;
}

void backup_report(const struct backup *b, struct backup_report *ret)
{
	struct archive_stats st;
	archive_stats(b->a, &st);
	*ret = (struct backup_report){.t_ns = b->now.t_ns, .files = b->now.n, .bytes = b->bytes, .pieces = st.pieces, .written = st.bytes};
	memcpy(ret->id, b->now.id, sizeof ret->id);
}

int backup_keys(struct backup *b, struct erase_target *ret) { return erase_read_keys(ret, b->a, NULL); }

void backup_free(struct backup *b)
{
	if (!b)
		return;
	let_go(b);
	archive_sweep_free(b->sweep);
	sdb_hold_free(b->hold);
	store_reader_close(b->reader);
	archive_close(b->a);
	archive_snapshot_free(&b->last);
	archive_snapshot_free(&b->now);
	buf_free(&b->c.digests);
	buf_free(&b->secrets);
	buf_free(&b->blobs);
	sha256_free(b->whole);
	free(b->series);
	free(b->piece);
	free(b);
}
