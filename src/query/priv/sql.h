/* What a connection for SQL of people may do, and how much. */
#ifndef MO_QUERY_PRIV_SQL_H
#define MO_QUERY_PRIV_SQL_H

#include <sqlite3.h>

#include "base/map.h"
#include "query/priv/vtab.h"
#include "query/sql.h"

#define SQL_MEMORY_MAX (256u << 20)  /* bytes that SQLite may hold more than when the query began (it counts the whole process) */
#define SQL_VALUE_MAX (256u << 10)   /* bytes of one text or blob: bounds the time of one step, too (replace() and instr() are quadratic) */
#define SQL_STEPS_CHECK 200          /* machine steps between two looks at the limits */
#define SQL_EXPANSIONS_MAX 2048u     /* copies of WITH clauses that a statement unfolds to */
#define SQL_WITH_MAX 256u            /* WITH clauses in one statement */
#define SQL_OWN "\001"                /* begins the names that are the connection's own: no statement that holds it is taken */
#define SQL_OWN_MAIN SQL_OWN "main"
#define SQL_TABLES "asset, item, lot, lot_link, operation, event, characteristic, machine_state, case_, signal, series, value, chart"

enum sql_refusal { SQL_REFUSED_NOTHING, SQL_REFUSED_ACTION, SQL_REFUSED_TABLE, SQL_REFUSED_FUNCTION };
enum sql_end { SQL_GOES_ON, SQL_ENDED_STEPS, SQL_ENDED_MEMORY, SQL_ENDED_STOP };
struct sql_guard {
	struct map hidden;        /* tables of the store whose names are no view's */
	enum sql_refusal refusal; /* of the statement that is being prepared */
	char refused[64];
	uint64_t steps, steps_max;
	int64_t memory_ends;      /* bytes, of sqlite3_memory_used() */
	enum sql_end end;         /* why the running query was ended */
	bool (*stop)(void *arg);  /* the caller's own word; may be NULL */
	void *stop_arg;
};
/* Limits, authorizer and step counter of a connection that will hold no further views. The guard lives as long as the connection. MO_ENOMEM, MO_EIO. */
MO_MUST_USE int sql_guard_set(struct sql_guard *g, sqlite3 *sq);
void sql_guard_free(struct sql_guard *g);
void sql_guard_begin(struct sql_guard *g); /* before a statement is prepared */
/* MO_ELIMIT: WITH clauses that refer to each other would unfold to more than SQL_EXPANSIONS_MAX copies (SQLite has no limit of its own
 * there, and no way out while it prepares). MO_ENOMEM. */
MO_MUST_USE int sql_guard_unfolds(struct span sql);

#endif
