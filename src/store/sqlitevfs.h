/* SQLite's file system on top of ours, so that every byte and every sync of a
 * database goes through a struct vfs and a test can break each of them.
 *
 * All connections of one database live in one process (the node holds
 * DIR/lock), so locks and the WAL index are kept in this process's memory and
 * shared between connections by (struct vfs, path). After a failed sync a file
 * refuses every further write and sync until all its connections are closed:
 * what the failed sync left behind can't be known.
 *
 * Pages whose last PAGE_TAIL bytes SQLite leaves to us (store/priv/pages.h) get
 * their checksum when they are written to the database file, and a page that
 * fails it is not given out: SQLITEVFS_DAMAGED. So is one that SQLite reads from
 * the write-ahead log and that is not what the log's own checksum says (which
 * SQLite looks at only when it opens one). A checkpoint writes such a page as
 * one that is lost, and goes on with the others. */
#ifndef MO_STORE_SQLITEVFS_H
#define MO_STORE_SQLITEVFS_H

#include "os/vfs.h"

/* A kind of SQLITE_CORRUPT (11), not of SQLITE_IOERR: that one would end the whole transaction, and all that others asked for in it. */
#define SQLITEVFS_DAMAGED (11 | 0x4d << 8)

struct sqlitevfs;

/* Registers with SQLite under a name that is unique for `vfs`; a second call for the same vfs shares the first. Borrows vfs until the last
 * release. Safe from several threads. MO_ENOMEM, MO_EBUG. */
MO_MUST_USE int sqlitevfs_use(struct sqlitevfs **ret, struct vfs *vfs);
/* To be given to sqlite3_open_v2(). */
const char *sqlitevfs_name(const struct sqlitevfs *v);
/* Whether the read transaction that a connection (over one of these) has open takes pages from the write-ahead log; false: all of the log is in the
 * database, and no checkpoint can run before the transaction ends (https://sqlite.org/walformat.html, 2.3.1: WAL_READ_LOCK(0)). MO_ESTATE: none
 * is open. */
struct sqlite3;
MO_MUST_USE int sqlitevfs_reads_log(struct sqlite3 *sq, bool *ret);
/* Whether the pages of an open database have checksums. */
bool sqlitevfs_has_tails(struct sqlitevfs *v, const char *path);
/* Pages that failed their checksum. */
struct sqlitevfs_damage {
	uint32_t page;  /* as SQLite counts, from 1 */
	bool in_log;    /* what was read stood in the write-ahead log */
};
#define SQLITEVFS_DAMAGE_MAX 64u /* different pages that are told by number; more are only counted */
/* The last one that this connection was refused. MO_ENOENT: none. Its own thread. */
MO_MUST_USE int sqlitevfs_refused(struct sqlite3 *sq, struct sqlitevfs_damage *ret);
/* All that any connection of the database was refused since the first of those that are open was opened: how many there are, in ret at most max of
 * them in the order of their finding. Any thread. */
size_t sqlitevfs_damaged(struct sqlitevfs *v, const char *path, struct sqlitevfs_damage *ret, size_t max);
/* How the log was found when its database was opened (logmend_run()), also where that refused it. Any thread. */
struct log_damage;
void sqlitevfs_log(struct sqlitevfs *v, const char *path, struct log_damage *ret);
/* After the connection is closed; the last one unregisters. NULL is fine. */
void sqlitevfs_release(struct sqlitevfs *v);

#endif
