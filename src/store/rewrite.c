/* The whole database written once more, into a new file that then takes the
 * old one's name, so that neither freed pages nor the log of a migration keep
 * what was there before, and every page gets a checksum.
 *
 * A kill at any point leaves the old file or the new one under the name; what is
 * wanted is still wanted then, and the next start does it. The log has to be
 * gone, durably, before the new file comes: it would be taken for its own. */
#include <stdlib.h>

#include "store/priv/impl.h"
#include "store/priv/migrations.h"

#define NEW_SUFFIX ".new"

static int failed(const char *path, const char *what, int err, struct diag *d)
{
	if (err == MO_ENOMEM)
		return diag_set(d, err, MSG_OUT_OF_MEMORY);
	diag_set(d, err, MSG_STORE_FAILED);
	diag_file(d, path);
	diag_text(d, 0, span_str(what));
	diag_text(d, 1, span_str(mo_err_name(err)));
	return err;
}

static int drop(struct vfs *v, const char *path)
{
	int err = vfs_unlink(v, path);
	return err == MO_ENOENT ? 0 : err;
}

static char *with_suffix(const char *path, const char *suffix)
{
	size_t n = strlen(path), m = strlen(suffix);
	char *s = malloc(n + m + 1);
	if (s) {
		memcpy(s, path, n);
		memcpy(s + n, suffix, m + 1);
	}
	return s;
}

static int copy(struct db *db, const char *to, struct diag *d)
{
	struct vfs_file *f = NULL;
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db->sq, "VACUUM INTO ?1", -1, &st, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_text(st, 1, to, -1, SQLITE_STATIC);
	if (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_DONE)
		rc = SQLITE_OK;
	if (rc == SQLITE_ERROR)
		rc = SQLITE_IOERR_FSTAT; /* the file is not there: SQLite says that it is where its size could not be asked */
	int err = rc == SQLITE_OK ? 0 : db_error(db, rc, "rewrite", d);
	sqlite3_finalize(st);
	if (err || (err = vfs_open(db->vfs, &f, to, VFS_WRITE, d)))
		return err;
	err = vfs_sync(f);
	vfs_close(f);
	return err ? failed(to, "sync", err, d) : 0;
}

static int is_wanted(struct db *db, bool *ret, struct diag *d)
{
	int64_t noted = 0, version = 0;
	int err = db_get_i64(db, "SELECT count(*) FROM meta WHERE name='rewrite'", &noted, d);
	if (!err)
		err = db_get_i64(db, "PRAGMA user_version", &version, d);
	if (!err)
		*ret = noted || (version >= STORE_VERSION_TAILS && !sqlitevfs_has_tails(db->fs, db->path));
	return err;
}

int store_rewrite(struct store *s, bool *ret, struct diag *d)
{
	struct db *db = &s->db;
	bool wanted = false;
	int64_t busy = 0;
	*ret = false;
	int err = is_wanted(db, &wanted, d);
	if (err || !wanted)
		return err;
	struct vfs *v = db->vfs;
	char *path = strdup(db->path), *dir = strdup(db->dir), *log = with_suffix(db->path, "-wal");
	char *to = with_suffix(db->path, NEW_SUFFIX), *journal = with_suffix(db->path, NEW_SUFFIX "-journal");
	if (!path || !dir || !log || !to || !journal) {
		err = diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
		goto out;
	}
	if ((err = migrations_room(db, 1, d)))
		goto out;
	if ((err = drop(v, journal)) || (err = drop(v, to))) { /* what a kill left of an attempt before */
		failed(to, "rewrite", err, d);
		goto out;
	}
	if ((err = copy(db, to, d)) || (err = db_get_i64(db, "PRAGMA wal_checkpoint(TRUNCATE)", &busy, d)))
		goto out;
	db_close(db);
	*ret = true;
	/* Closing takes the log away where it can. */
	if ((err = drop(v, log)) || (err = vfs_sync_dir(v, dir)) || (err = vfs_rename(v, to, path)) || (err = vfs_sync_dir(v, dir)))
		failed(path, "rewrite", err, d);
out:
	free(path);
	free(dir);
	free(log);
	free(to);
	free(journal);
	return err;
}
