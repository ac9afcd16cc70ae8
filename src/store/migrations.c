#include "store/priv/migrations.h"

#include <stdio.h>
#include <stdlib.h>

#define COPY_BYTES (1u << 16)
#define SNAPSHOT_SUFFIX_MAX 32
#define ROOM_BYTES (4u << 20) /* beside the copies: logs, and what is acknowledged meanwhile */

const struct migration store_migrations[] = {{store_schema_v1}, {store_schema_v2}, {store_schema_v3}, {store_schema_people},
	{store_schema_tails}, {store_schema_files}, {store_schema_keep}};
const unsigned n_store_migrations = sizeof store_migrations / sizeof store_migrations[0];

int migrations_version(struct db *db, unsigned *ret, struct diag *d)
{
	int64_t id = 0, version = 0, tables = 0;
	int err;
	if ((err = db_get_i64(db, "PRAGMA application_id", &id, d)) || (err = db_get_i64(db, "PRAGMA user_version", &version, d)) ||
		(err = db_get_i64(db, "SELECT count(*) FROM sqlite_schema", &tables, d)))
		return err;
	/* An empty database is one that a crash left before its first step. */
	bool empty = id == 0 && version == 0 && tables == 0;
	if (!empty && (id != STORE_APPLICATION_ID || version < 1)) {
		diag_set(d, MO_ECORRUPT, MSG_STORE_NOT_OURS);
		diag_file(d, db->path);
		return MO_ECORRUPT;
	}
	*ret = (unsigned)version;
	return 0;
}

static int copy_bytes(struct vfs_file *to, struct vfs_file *from)
{
	uint8_t *p = malloc(COPY_BYTES);
	uint64_t at = 0;
	int err = p ? 0 : MO_ENOMEM;
	for (size_t n = 1; !err && n > 0; at += n) {
		n = 0;
		err = vfs_pread(from, p, COPY_BYTES, at, &n);
		if (!err && n)
			err = vfs_pwrite(to, p, n, at);
	}
	free(p);
	return err;
}

/* PATH -> PATH.vN by way of PATH.vN.tmp. The WAL is empty, so the file is the whole database. */
static int snapshot(struct db *db, unsigned version, struct diag *d)
{
	size_t size = strlen(db->path) + SNAPSHOT_SUFFIX_MAX;
	char *name = malloc(size), *tmp = malloc(size);
	struct vfs_file *from = NULL, *to = NULL;
	int err;
	if (!name || !tmp) {
		err = diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
		goto out;
	}
	snprintf(name, size, "%s.v%u", db->path, version);
	snprintf(tmp, size, "%s.v%u.tmp", db->path, version);
	if ((err = vfs_open(db->vfs, &from, db->path, VFS_READ, d)))
		goto out;
	err = vfs_unlink(db->vfs, tmp); /* a killed attempt's */
	if (err && err != MO_ENOENT)
		goto told;
	if ((err = vfs_open(db->vfs, &to, tmp, VFS_WRITE | VFS_CREATE | VFS_EXCL, d)))
		goto out;
	if ((err = copy_bytes(to, from)) || (err = vfs_sync(to)))
		goto told;
	vfs_close(to);
	to = NULL;
	if (!(err = vfs_rename(db->vfs, tmp, name)))
		err = vfs_sync_dir(db->vfs, db->dir);
told:
	if (err) {
		diag_set(d, err, MSG_STORE_FAILED);
		diag_file(d, name);
		diag_text(d, 0, span_str("snapshot"));
		diag_text(d, 1, span_str(mo_err_name(err)));
	}
out:
	vfs_close(from);
	vfs_close(to);
	free(name);
	free(tmp);
	return err;
}

int migrations_room(struct db *db, unsigned copies, struct diag *d)
{
	struct vfs_stat st;
	uint64_t free_bytes = 0, total = 0, need;
	if (vfs_stat(db->vfs, db->path, &st) || vfs_space(db->vfs, db->dir, &free_bytes, &total) ||
		__builtin_mul_overflow(st.size_bytes, (uint64_t)copies, &need))
		return 0; /* not known: writing will tell */
	need += ROOM_BYTES;
	if (free_bytes >= need)
		return 0;
	diag_set(d, MO_EFULL, MSG_STORE_ROOM);
	diag_file(d, db->path);
	diag_int(d, 0, (int64_t)(need >> 20) + 1);
	diag_int(d, 1, (int64_t)(free_bytes >> 20));
	return MO_EFULL;
}

static int step(struct db *db, const struct migration *m, unsigned version, struct diag *d)
{
	char note[256];
	int err = db_exec(db, "BEGIN IMMEDIATE", d);
	if (err)
		return err;
	snprintf(note, sizeof note,
		"INSERT INTO meta(name, value) VALUES('version', %u) ON CONFLICT(name) DO UPDATE SET value = excluded.value;"
		"PRAGMA application_id = %d; PRAGMA user_version = %u;",
		version, STORE_APPLICATION_ID, version);
	if (!(err = db_exec(db, m->sql, d)) && !(err = db_exec(db, note, d)))
		err = db_exec(db, "COMMIT", d);
	if (err && !sqlite3_get_autocommit(db->sq))
		sqlite3_exec(db->sq, "ROLLBACK", NULL, NULL, NULL);
	return err;
}

int migrations_run(struct db *db, const struct migration *steps, unsigned n, struct diag *d)
{
	unsigned version = 0;
	int64_t busy = 0;
	int err = migrations_version(db, &version, d);
	if (err)
		return err;
	if (version > n) {
		diag_set(d, MO_EVERSION, MSG_STORE_NEWER);
		diag_file(d, db->path);
		diag_int(d, 0, version);
		diag_int(d, 1, n);
		return MO_EVERSION;
	}
	if (version > 0 && version < n) {
		if ((err = db_get_i64(db, "PRAGMA wal_checkpoint(TRUNCATE)", &busy, d)))
			return err;
		if (busy) {
			diag_set(d, MO_EBUSY, MSG_STORE_FAILED);
			diag_file(d, db->path);
			diag_text(d, 0, span_str("checkpoint"));
			diag_text(d, 1, span_str("busy"));
			return MO_EBUSY;
		}
		/* The copy, and the database written anew (rewrite.c). */
		if ((err = migrations_room(db, version < STORE_VERSION_TAILS ? 2 : 1, d)) || (err = snapshot(db, version, d)))
			return err;
	}
	for (; version < n && !err; version++)
		err = step(db, &steps[version], version + 1, d);
	return err;
}
