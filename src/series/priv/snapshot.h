/* What a cursor and a chart begin with. */
#ifndef MO_SERIES_SNAPSHOT_H
#define MO_SERIES_SNAPSHOT_H

#include "series/priv/mcur.h"
#include "series/priv/sdb.h"

/* Adds all sources of s to m, as they are now. MO_ENOMEM. Any thread. */
MO_MUST_USE int sdb_snapshot(struct sdb *db, struct series *s, struct mcur *m);
/* The same of a view; id is one of its series. */
MO_MUST_USE int sdb_view_sources(const struct sdb_view *v, series_id id, struct mcur *m);
struct sdb *sdb_view_engine(const struct sdb_view *v);
int sdb_say_unknown(struct diag *d, series_id id); /* MO_ENOENT */

#endif
