/* The index behind `struct series_index`. Everything here is made once and
 * stays; only the lists of a measurement grow, under the lock. */
#ifndef MO_QUERY_PRIV_INDEX_H
#define MO_QUERY_PRIV_INDEX_H

#include <pthread.h>

#include "base/arena.h"
#include "base/map.h"
#include "query/influxql.h"
#include "query/priv/key.h"

struct ix_field {
	struct span name;
	series_id id;
	enum series_type type;
};
/* One tag set of a measurement: what InfluxDB calls a series. */
struct ix_set {
	const struct key_tag *tags; /* sorted by key, without escapes; immutable */
	size_t n_tags;
	struct span raw;            /* measurement and tags as in the key: gives the sets their order */
	struct ix_field *fields;
	size_t n_fields, cap_fields;
};
struct ix_names {
	struct span *names; /* sorted */
	size_t n, cap;
};
struct ix_measurement {
	struct span name;
	struct ix_set **sets; /* in order of raw */
	size_t n_sets, cap_sets;
	struct ix_names fields, tags;
};
struct series_index {
	struct sdb *db;
	pthread_rwlock_t lock;
	struct arena a;
	struct map measurements; /* plain name -> struct ix_measurement * */
	struct map sets;         /* raw measurement and tags -> struct ix_set * */
	struct ix_measurement **all;
	size_t n_all, cap_all;
	series_id seen;          /* ids up to here are in */
};

bool ix_has(const struct ix_names *x, struct span name);
/* p == NULL: the set has no such tag. */
struct span ix_tag(const struct ix_set *s, struct span key);

#endif
