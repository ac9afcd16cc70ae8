#include "store/priv/db.h"

#include <stdlib.h>

#include "store/priv/functions.h"
#include "store/priv/logmend.h"
#include "store/priv/pages.h"
#include "store/priv/tokenizer.h"

#define BUSY_MS 5000

static int err_of(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_NOMEM:
		return MO_ENOMEM;
	case SQLITE_FULL:
		return MO_EFULL;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return MO_ECORRUPT;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return MO_EBUSY;
	case SQLITE_TOOBIG:
		return MO_ELIMIT;
	case SQLITE_INTERRUPT:
		return MO_ECANCELED;
	case SQLITE_IOERR:
		return rc == SQLITE_IOERR_NOMEM ? MO_ENOMEM : MO_EIO;
	case SQLITE_CANTOPEN:
	case SQLITE_READONLY:
	case SQLITE_PERM:
		return MO_EIO;
	default:
		return MO_EBUG;
	}
}

int db_error(struct db *db, int rc, const char *operation, struct diag *d)
{
	int err = err_of(rc);
	struct sqlitevfs_damage page;
	struct log_damage log;
	const char *why = db->sq && sqlite3_errcode(db->sq) != SQLITE_OK ? sqlite3_errmsg(db->sq) : sqlite3_errstr(rc);
	if (err == MO_ENOMEM) {
		diag_set(d, err, MSG_OUT_OF_MEMORY);
	} else if (rc == SQLITEVFS_DAMAGED && sqlitevfs_refused(db->sq, &page) == 0) {
		db_say_damage(db, &page, d);
		return err;
	} else if (rc == SQLITEVFS_DAMAGED) {
		sqlitevfs_log(db->fs, db->path, &log);
		diag_set(d, err, MSG_STORE_LOG_BEYOND);
		diag_int(d, 0, (int64_t)log.frame);
	} else {
		diag_set(d, err, err == MO_ECORRUPT ? MSG_STORE_CORRUPT : MSG_STORE_FAILED);
		diag_text(d, 0, span_str(operation));
		diag_text(d, 1, span_str(why));
	}
	diag_file(d, db->path ? db->path : "");
	return err;
}

void db_say_damage(const struct db *db, const struct sqlitevfs_damage *page, struct diag *d)
{
	diag_set(d, MO_ECORRUPT, page->in_log ? MSG_STORE_PAGE_IN_LOG : MSG_STORE_PAGE);
	diag_file(d, db->path);
	diag_int(d, 0, page->page);
}

int db_exec(struct db *db, const char *sql, struct diag *d)
{
	int rc = sqlite3_exec(db->sq, sql, NULL, NULL, NULL);
	return rc == SQLITE_OK ? 0 : db_error(db, rc, "exec", d);
}

int db_get_i64(struct db *db, const char *sql, int64_t *ret, struct diag *d)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db->sq, sql, -1, &st, NULL);
	if (rc == SQLITE_OK) {
		rc = sqlite3_step(st);
		if (rc == SQLITE_ROW) {
			*ret = sqlite3_column_int64(st, 0);
			rc = SQLITE_OK;
		} else if (rc == SQLITE_DONE) {
			*ret = 0;
			rc = SQLITE_OK;
		}
	}
	int err = rc == SQLITE_OK ? 0 : db_error(db, rc, "read", d);
	sqlite3_finalize(st);
	return err;
}

static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t n = slash == path ? 1 : slash ? (size_t)(slash - path) : 1;
	char *dir = malloc(n + 1);
	if (dir) {
		memcpy(dir, slash ? path : ".", n);
		dir[n] = '\0';
	}
	return dir;
}

int db_open(struct db *db, struct vfs *vfs, const char *path, bool create, const char *const *sql, unsigned n_sql, struct diag *d)
{
	/* temp_store first: nothing may ask the vfs for a nameless file. trusted_schema off: a schema from outside calls none of our functions. */
	static const char setup[] = "PRAGMA temp_store=memory; PRAGMA foreign_keys=on; PRAGMA synchronous=full; PRAGMA trusted_schema=off;"
								"PRAGMA cell_size_check=on; PRAGMA journal_size_limit=16777216; PRAGMA cache_size=-4096;";
	int err = MO_ENOMEM, tail = PAGE_TAIL;
	*db = (struct db){.vfs = vfs, .sql = sql, .n_sql = n_sql};
	if (!(db->path = strdup(path)) || !(db->dir = folder_of(path)) || !(db->kept = calloc(n_sql ? n_sql : 1, sizeof(sqlite3_stmt *)))) {
		diag_set(d, err, MSG_OUT_OF_MEMORY);
		goto out;
	}
	if ((err = sqlitevfs_use(&db->fs, vfs))) {
		diag_set(d, err, MSG_OUT_OF_MEMORY);
		goto out;
	}
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | (create ? SQLITE_OPEN_CREATE : 0);
	int rc = sqlite3_open_v2(path, &db->sq, flags, sqlitevfs_name(db->fs));
	if (rc == SQLITE_OK)
		rc = sqlite3_extended_result_codes(db->sq, 1);
	if (rc == SQLITE_OK)
		rc = sqlite3_busy_timeout(db->sq, BUSY_MS);
	if (rc == SQLITE_OK) /* for a database that is made here, or made anew */
		rc = sqlite3_file_control(db->sq, "main", SQLITE_FCNTL_RESERVE_BYTES, &tail);
	if (rc != SQLITE_OK) {
		err = db_error(db, rc, "open", d);
		goto out;
	}
	sqlite3_limit(db->sq, SQLITE_LIMIT_LENGTH, (int)DB_TEXT_MAX);
	if ((rc = store_functions_register(db->sq)) != SQLITE_OK || (rc = tokenizer_register(db->sq)) != SQLITE_OK) {
		err = db_error(db, rc, "open", d);
		goto out;
	}
	err = db_exec(db, setup, d);
out:
	if (err)
		db_close(db);
	return err;
}

void db_close(struct db *db)
{
	for (unsigned i = 0; db->kept && i < db->n_sql; i++)
		sqlite3_finalize(db->kept[i]);
	if (db->sq)
		sqlite3_close(db->sq);
	sqlitevfs_release(db->fs);
	free(db->kept);
	free(db->path);
	free(db->dir);
	*db = (struct db){0};
}

int db_bind(sqlite3_stmt *st, int at, const struct store_arg *a, bool copy)
{
	switch (a->kind) {
	case SARG_NULL:
		return sqlite3_bind_null(st, at);
	case SARG_I64:
		return sqlite3_bind_int64(st, at, a->i);
	case SARG_F64:
		return sqlite3_bind_double(st, at, a->f);
	case SARG_TEXT:
		return sqlite3_bind_text64(st, at, (const char *)a->s.p, a->s.n, copy ? SQLITE_TRANSIENT : SQLITE_STATIC, SQLITE_UTF8);
	case SARG_BYTES:
		return sqlite3_bind_blob64(st, at, a->s.p, a->s.n, copy ? SQLITE_TRANSIENT : SQLITE_STATIC);
	}
	return SQLITE_MISUSE;
}

int db_use(struct db *db, unsigned id, const struct store_arg *args, unsigned n, sqlite3_stmt **ret, struct diag *d)
{
	sqlite3_stmt *st = db->kept[id];
	int rc = SQLITE_OK;
	if (!st) {
		rc = sqlite3_prepare_v3(db->sq, db->sql[id], -1, SQLITE_PREPARE_PERSISTENT, &st, NULL);
		if (rc != SQLITE_OK)
			return db_error(db, rc, "prepare", d);
		db->kept[id] = st;
	}
	sqlite3_reset(st);
	for (unsigned i = 0; i < n && rc == SQLITE_OK; i++)
		rc = db_bind(st, (int)i + 1, &args[i], false);
	if (rc != SQLITE_OK)
		return db_error(db, rc, "bind", d);
	*ret = st;
	return 0;
}

int db_step(struct db *db, sqlite3_stmt *st, struct diag *d)
{
	int rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		return 1;
	int err = rc == SQLITE_DONE ? 0 : db_error(db, rc, sqlite3_stmt_readonly(st) ? "read" : "write", d);
	sqlite3_reset(st);
	sqlite3_clear_bindings(st);
	return err;
}

int db_run(struct db *db, unsigned id, const struct store_arg *args, unsigned n, struct diag *d)
{
	sqlite3_stmt *st;
	int err = db_use(db, id, args, n, &st, d);
	if (err)
		return err;
	err = db_step(db, st, d);
	if (err > 0) {
		sqlite3_reset(st);
		err = 0;
	}
	return err;
}

int db_find(struct db *db, unsigned id, const struct store_arg *args, unsigned n, int64_t *ret, struct diag *d)
{
	sqlite3_stmt *st;
	int err = db_use(db, id, args, n, &st, d);
	if (err)
		return err;
	err = db_step(db, st, d);
	if (err < 0)
		return err;
	if (err == 0)
		return MO_ENOENT;
	*ret = sqlite3_column_int64(st, 0);
	sqlite3_reset(st);
	sqlite3_clear_bindings(st);
	return 0;
}

struct span db_col_bytes(sqlite3_stmt *st, int col)
{
	if (sqlite3_column_type(st, col) == SQLITE_NULL)
		return span_of(NULL, 0);
	const void *p = sqlite3_column_blob(st, col);
	return span_of(p ? p : "", (size_t)sqlite3_column_bytes(st, col));
}

/* As the bytes it is stored in: sqlite3_column_text() may need memory for a NUL that nobody reads, and fail. */
struct span db_col_text(sqlite3_stmt *st, int col) { return db_col_bytes(st, col); }
