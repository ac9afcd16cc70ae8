/* A read transaction that keeps the database's files copyable; why that is so stands in docs/formats/backup.md. */
#include <stdlib.h>

#include "store/priv/impl.h"
#include "store/priv/logmend.h"

int store_hold(struct store_reader *r, bool *ret_log, struct diag *d)
{
	struct db *db = store_reader_db(r);
	int64_t n;
	int err = db_exec(db, "BEGIN", d);
	if (!err)
		err = db_get_i64(db, "SELECT count(*) FROM sqlite_schema", &n, d); /* only reading begins it */
	if (!err && (err = sqlitevfs_reads_log(db->sq, ret_log)))
		db_error(db, SQLITE_ERROR, "hold", d);
	if (err)
		store_hold_end(r);
	return err;
}

void store_hold_end(struct store_reader *r)
{
	struct db *db = r ? store_reader_db(r) : NULL;
	if (db && !sqlite3_get_autocommit(db->sq))
		(void)!sqlite3_exec(db->sq, "ROLLBACK", NULL, NULL, NULL); /* where it fails, closing does it */
}

int store_copy_settle(struct vfs *vfs, const char *path, struct diag *d)
{
	static const char suffix[] = "-wal";
	size_t n = strlen(path);
	char *log = malloc(n + sizeof suffix);
	if (!log)
		return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	memcpy(log, path, n);
	memcpy(log + n, suffix, sizeof suffix);
	int err = logmend_trim(vfs, log);
	if (err) {
		diag_set(d, err, err == MO_ENOMEM ? MSG_OUT_OF_MEMORY : MSG_STORE_FAILED);
		diag_file(d, log);
		diag_text(d, 0, span_str("trim"));
		diag_text(d, 1, span_str(mo_err_name(err)));
	}
	free(log);
	return err;
}
