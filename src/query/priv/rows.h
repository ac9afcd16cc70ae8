/* Rows of one tag set: the points of several fields, joined where time and
 * sequence number are the same. Bad-quality points are as if not there. */
#ifndef MO_QUERY_PRIV_ROWS_H
#define MO_QUERY_PRIV_ROWS_H

#include "query/priv/index.h"
#include "query/priv/ql.h"

struct rows_slot {
	series_id id; /* 0: the set has no such field */
	enum series_type type;
	bool drives;  /* a row stands at each of its points */
	struct sdb_cursor *c;
	struct sdb_batch b;
	size_t i;
	bool here;    /* the current row has a value of it */
};
struct rows {
	const struct ix_set *set;
	struct rows_slot *slots; /* n_slots, the plan's; borrowed until rows_close() */
	size_t n_slots;
	bool descending, started;
	/* the current row */
	int64_t t_ns;
	uint64_t seq;
};
struct rows_value {
	enum series_type type;
	union series_value v;
};

/* Opens the cursors of all slots with an id. On an error rows_close() is still due. */
MO_MUST_USE int rows_open(struct rows *r, struct sdb *db, int64_t from_ns, int64_t to_ns, bool descending, struct diag *d);
void rows_close(struct rows *r);
/* The next row that meets `where` (may be NULL): 1; 0 at the end; negative an error. Checks points against *budget and gives MO_ELIMIT
 * once it is spent. */
MO_MUST_USE int rows_next(struct rows *r, const struct ql_expr *where, uint64_t *budget, struct diag *d);
/* False: no value (null). A string is borrowed until rows_next(). */
bool rows_value(const struct rows *r, size_t slot, struct rows_value *ret);

enum rows_truth { ROWS_FALSE, ROWS_TRUE, ROWS_OPEN };
/* What tags alone decide; OPEN where a field has to be looked at. */
enum rows_truth rows_by_tags(const struct ix_set *s, const struct ql_expr *where);

#endif
