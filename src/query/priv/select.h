/* A SELECT made ready: names resolved against the index, sets found and put
 * into groups; and its run, group by group. */
#ifndef MO_QUERY_PRIV_SELECT_H
#define MO_QUERY_PRIV_SELECT_H

#include "codec/json.h"
#include "query/priv/rows.h"

#define SELECT_SETS_MAX 65536u      /* tag sets that a statement may read */
#define SELECT_CURSORS_MAX 16384u   /* series read at once: those of one group */
#define SELECT_POINTS_MAX UINT64_C(200000000) /* points that a statement may look at */

struct select_column {
	const char *name;
	bool is_tag;
	bool last;       /* last() of the slot */
	struct span tag;
	int slot;        /* -1: no set has such a field */
};
struct select_source {
	const struct ix_set *set;
	const series_id *ids;           /* one a slot, 0: none */
	const enum series_type *types;
	bool filter;                    /* tags alone do not decide the condition */
	struct span *group;             /* values of the grouping tags */
};
struct select_plan {
	const struct ql_select *s;
	struct span name;
	struct select_column *cols;
	size_t n_cols;
	size_t n_slots;
	size_t n_lasts;                 /* selectors among the columns */
	struct span *dims;              /* grouping tags, sorted */
	size_t n_dims;
	struct select_source *sources;  /* by group, then by key */
	size_t n_sources;
};
/* An empty plan (n_sources 0) where there is nothing. MO_ESTATE: *why says what InfluxDB's user has to hear. MO_ENOMEM. */
MO_MUST_USE int select_plan(struct select_plan *ret, struct arena *a, struct series_index *x, const struct ql_select *s, const char **why);

struct select_run {
	struct sdb *db;
	struct arena *a;
	const struct influx_options *opt;
	struct json_writer *w;
	uint64_t *rows_left;  /* of the request */
	bool any;             /* a series was written: "series":[ is open */
};
/* Writes "series":[…] when there is any row. MO_ELIMIT: too many cursors or points (*why). Errors of the engine. */
MO_MUST_USE int select_run(struct select_run *r, const struct select_plan *p, const char **why, struct diag *d);
void select_time(struct json_writer *w, const struct influx_options *opt, int64_t t_ns);

#endif
