/* The virtual tables over the engine, and what they share with the connection
 * that they stand in. All are eponymous: they exist by their name alone. */
#ifndef MO_QUERY_PRIV_VTAB_H
#define MO_QUERY_PRIV_VTAB_H

#include <sqlite3.h>

#include "series/series.h"

struct vtab_env {
	struct sdb *db;
	int err;       /* the first error of a table; SQLite only knows that there was one */
	struct diag d; /* its words */
	enum mo_msg missing; /* what a table had no condition for; only the cause of an error where no plan is found at all */
};
struct vtab {
	sqlite3_vtab base; /* first */
	struct vtab_env *env;
};

/* SQLite result codes. env has to live as long as the connection. */
int vtab_series_register(sqlite3 *sq, struct vtab_env *env);
int vtab_value_register(sqlite3 *sq, struct vtab_env *env);
int vtab_chart_register(sqlite3 *sq, struct vtab_env *env);

/* ---- for the tables ---- */
int vtab_connect(sqlite3 *sq, struct vtab_env *env, const char *schema, sqlite3_vtab **ret);
int vtab_disconnect(sqlite3_vtab *base);
/* Notes err with the words in env->d; gives SQLITE_ERROR or SQLITE_NOMEM. */
int vtab_fail(sqlite3_vtab *base, int err);
/* The series meant by a value: its number, uuid or key. 0: there is none. */
series_id vtab_series_of(struct sdb *db, sqlite3_value *v);
/* A 64-bit mix that serves as row id where a row's key is longer than 64 bits. */
sqlite3_int64 vtab_row_id(uint64_t a, uint64_t b, uint64_t c);

#endif
