/* One SQLite connection as the store's files use it: opened over our vfs, set
 * up once, statements prepared once and kept, errors told as ours. */
#ifndef MO_STORE_PRIV_DB_H
#define MO_STORE_PRIV_DB_H

#include <math.h>
#include <sqlite3.h>

#include "store/sqlitevfs.h"
#include "store/store.h"

#define DB_TEXT_MAX (16u << 20) /* bytes of one value */

struct db {
	sqlite3 *sq;
	struct sqlitevfs *fs;
	struct vfs *vfs;
	char *path; /* of the database */
	char *dir;  /* its folder */
	sqlite3_stmt **kept;        /* one place for each statement of `sql`; NULL: not prepared yet */
	const char *const *sql;     /* borrowed table */
	unsigned n_sql;
};

/* Opens (with `create`, makes) the database. `sql` is the table of statements that db_use() names by index. */
int db_open(struct db *db, struct vfs *vfs, const char *path, bool create, const char *const *sql, unsigned n_sql, struct diag *d);
void db_close(struct db *db); /* zeroed or half-open ones too */

/* Tells what SQLite said last as error and words; `operation` is what was tried ("write"). Never gives 0. */
int db_error(struct db *db, int rc, const char *operation, struct diag *d);
/* The words for a page that failed its checksum. */
void db_say_damage(const struct db *db, const struct sqlitevfs_damage *page, struct diag *d);
int db_exec(struct db *db, const char *sql, struct diag *d);
/* First column of the first row of a statement without arguments. */
int db_get_i64(struct db *db, const char *sql, int64_t *ret, struct diag *d);

/* The kept statement `id`, reset, with `n` arguments bound (borrowed until the next step after which nothing is read). */
int db_use(struct db *db, unsigned id, const struct store_arg *args, unsigned n, sqlite3_stmt **ret, struct diag *d);
/* Steps: 1 a row, 0 the end (and reset), negative an error (and reset). */
int db_step(struct db *db, sqlite3_stmt *st, struct diag *d);
/* A statement run to its end that gives no rows. */
int db_run(struct db *db, unsigned id, const struct store_arg *args, unsigned n, struct diag *d);
/* First column of the one row it gives; MO_ENOENT without words when it gives none. */
int db_find(struct db *db, unsigned id, const struct store_arg *args, unsigned n, int64_t *ret, struct diag *d);
int db_bind(sqlite3_stmt *st, int at, const struct store_arg *a, bool copy);

#define ARGS(...) (const struct store_arg[]){__VA_ARGS__}, (unsigned)(sizeof((const struct store_arg[]){__VA_ARGS__}) / sizeof(struct store_arg))

static inline struct store_arg sarg_f(double v) { return isnan(v) ? sarg_null() : (struct store_arg){.kind = SARG_F64, .f = v}; }
static inline struct store_arg sarg_t(int64_t t_ns) { return t_ns == T_NONE ? sarg_null() : sarg_i(t_ns); }
/* Text that was not said (empty) is no value. */
static inline struct store_arg sarg_said(struct span s) { return s.n ? sarg_s(s) : sarg_null(); }
static inline struct store_arg sarg_id(int64_t id) { return id ? sarg_i(id) : sarg_null(); } /* row ids begin at 1 */
static inline struct store_arg sarg_c(const char *s) { return sarg_s(span_str(s)); }

/* Borrowed until the statement's next step or reset. */
struct span db_col_text(sqlite3_stmt *st, int col);
struct span db_col_bytes(sqlite3_stmt *st, int col);

#endif
