/* The numbered steps from one schema version to the next, in one table.
 *
 * A step runs in one transaction that also notes its version, so a kill leaves
 * the old version or the new one. Before the first step over existing data a
 * copy of the whole database is put beside it as PATH.vN (N: the version it
 * holds), durable before anything changes. */
#ifndef MO_STORE_PRIV_MIGRATIONS_H
#define MO_STORE_PRIV_MIGRATIONS_H

#include "store/priv/db.h"

#define STORE_APPLICATION_ID 0x4d6f7275 /* "Moru", PRAGMA application_id */

struct migration {
	const char *sql; /* brings version (index) to version (index + 1) */
};
extern const char store_schema_v1[], store_schema_v2[], store_schema_v3[], store_schema_people[], store_schema_tails[], store_schema_files[], store_schema_keep[];
#define STORE_VERSION_PEOPLE 4u /* the version that its step makes; copies of older ones hold names as they were given */
#define STORE_VERSION_TAILS 5u /* from this one on, pages carry checksums (store/priv/pages.h) */
extern const struct migration store_migrations[];
extern const unsigned n_store_migrations;

/* MO_EFULL where the folder of db has no room for `copies` of it; d says how much is missing. */
int migrations_room(struct db *db, unsigned copies, struct diag *d);
/* Brings db to version n. MO_EVERSION when it is newer; MO_ECORRUPT when it is somebody else's database. */
int migrations_run(struct db *db, const struct migration *steps, unsigned n, struct diag *d);
/* The version of an open database; same errors for what isn't ours. */
int migrations_version(struct db *db, unsigned *ret, struct diag *d);

/* store_open() with another table of steps: for tests of migrations to come. */
int store_open_with(struct store **ret, struct vfs *vfs, const char *path, const struct migration *steps, unsigned n, struct diag *d);

#endif
