/* A read transaction that keeps the database's files copyable; why that is so stands in docs/formats/backup.md. */
#include "store/priv/impl.h"

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
