/* A time-series engine so simple that it is right: sorted arrays. Tests hold
 * the real one against it. Values are numbers 0..; value_of() makes of each a
 * value of the series' type. */
#ifndef MO_TESTS_SERIES_MODEL_H
#define MO_TESTS_SERIES_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "series/series.h"

#define MODEL_SERIES 12u
#define MODEL_BATCH 64u

struct mpoint {
	series_id id;
	int64_t t, arr;
	uint64_t seq, v;
	uint8_t q;
	bool own_arr; /* the point brings its own arrival time */
};
struct mbatch {
	int64_t arr;
	size_t n;
	struct mpoint p[MODEL_BATCH];
};
struct mseries {
	enum series_type type;
	enum series_kind kind;
	size_t n, cap;
	struct mpoint *p;
};
struct model {
	struct mseries s[MODEL_SERIES]; /* by id - 1 */
};

/* A small engine: blocks, log files and budgets that a test passes many times. */
extern const struct sdb_options model_options;

void model_init(struct model *m);
void model_free(struct model *m);
/* The definition of series `id`; key in text. */
struct series_def model_def(series_id id, char text[32]);
union series_value model_value(enum series_type type, uint64_t v, char text[96]);
void model_apply(struct model *m, const struct mbatch *b, struct sdb_appended *ret);
/* What sdb_drop() leaves when all limits are told. Gives how many points went. */
uint64_t model_drop(struct model *m, const struct sdb_limit limit[MODEL_SERIES]);
/* Defines all series. */
int model_define(struct sdb *db);
int model_append(struct sdb *db, const struct mbatch *b, struct sdb_appended *ret, struct diag *d);
/* NULL when the engine answers as the model does; else what differs. */
const char *model_compare(const struct model *m, struct sdb *db);
const char *model_compare_range(const struct model *m, struct sdb *db, series_id id, int64_t from, int64_t to, bool desc);
const char *model_compare_chart(const struct model *m, struct sdb *db, series_id id, int64_t from, int64_t to, size_t bins);

#endif
