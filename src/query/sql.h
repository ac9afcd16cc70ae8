/* `moru sql` and the SQL of the page: read-only SELECT over lots, events,
 * operations, cases (the store's tables through views with people's names for
 * columns) and series (virtual tables over the engine). */
#ifndef MO_QUERY_SQL_H
#define MO_QUERY_SQL_H

#include "base/table.h"
#include "series/series.h"

#define SQL_TEXT_MAX 65536u /* bytes of a statement */
#define SQL_STEPS_MAX 2000000000u /* virtual machine steps before a query is ended (MO_ELIMIT) */

struct sqldb;
struct vfs;
/* A connection of its own, read-only, on the store's file at path through vfs; sees what the running store has committed. sdb may be NULL (no
 * series tables). Borrows both. One thread at a time. MO_ENOENT, MO_EVERSION, MO_ESTATE (a store that has to be migrated first), MO_ECORRUPT, MO_ENOMEM. */
MO_MUST_USE int sqldb_open(struct sqldb **ret, struct vfs *vfs, const char *path, struct sdb *sdb, struct diag *d);
/* Close its cursors first. NULL is fine. */
void sqldb_close(struct sqldb *q);
/* Machine steps that each later query may take; 0 or more than SQL_STEPS_MAX: SQL_STEPS_MAX. */
void sqldb_set_steps(struct sqldb *q, uint64_t steps);
/* Asked every few hundred steps whether the running query shall end (MO_ECANCELED): for a deadline, since one step may take long and this room
 * has no clock. NULL: nobody is asked. */
void sqldb_set_stop(struct sqldb *q, bool (*stop)(void *arg), void *arg);
/* One SELECT (or WITH … SELECT, VALUES, EXPLAIN QUERY PLAN). Anything that writes, attaches, pragmas, and every table or function that is not meant
 * for it (a table of the store by its own name: main.lot): MO_EDENIED with diag (value: what was refused). Syntax: MO_EINVAL with SQLite's words
 * and its place as line and column. MO_ELIMIT: steps, memory, sizes. Several cursors may be open; each holds its snapshot of the store.
 *
 * Tables: asset, item, lot, lot_link, operation, event, characteristic, machine_state, case_, signal (columns as in the API, times from and to
 * named t_from and t_to);
 * series(id, uuid, key, asset, signal, unit, type, kind, points, first, last),
 * value(series, t, seq, value, quality, arrival): needs series = … (id, uuid or key) and takes t ranges and the order of t into the engine,
 * chart(series, t_from, t_to, n; i, t, count, min, max, mean, bad): a table-valued function, chart(SERIES, FROM, TO, N).
 * Times are int64 ns UTC (COL_I64); time_text(t) makes them readable, time_ns('2026-11-22T08:10:00+09:00') the reverse.
 *
 * A column's type is that of its values in the first rows (texts among numbers make COL_STR, reals among integers COL_F64), or the declared
 * one where those rows have none. A later value that does not fit it ends the cursor with MO_EINVAL: CAST says what is meant. */
MO_MUST_USE int sqldb_select(struct sqldb *q, struct table_cursor **ret, struct span sql, struct diag *d);

#endif
