/* The values of one import on their way to the log thread: gathered into jobs
 * of about a megabyte, a few of them on their way at a time, so that memory
 * does not grow with the file. One worker fills a feed. */
#ifndef MO_API_PRIV_FEED_H
#define MO_API_PRIV_FEED_H

#include "intake/intake.h"
#include "node/node.h"

#define FEED_LISTED 100u /* replaced rows told one by one */

struct feed;
/* Borrows node and plan. */
MO_MUST_USE int feed_new(struct feed **ret, struct node *n, const struct intake_plan *p, int64_t arrival_ns);
/* Waits for what is on its way. */
void feed_free(struct feed *f);

/* As struct intake_sink wants them. */
MO_MUST_USE int feed_series(struct feed *f, const struct span *tag_kv, size_t n_tags, size_t column, void **ret, struct diag *d);
MO_MUST_USE int feed_rows(struct feed *f, size_t n, const int64_t *t_ns, const uint64_t *line, struct diag *d);
MO_MUST_USE int feed_run(struct feed *f, void *series, enum series_type type, size_t n, const uint16_t *row, const int64_t *t_ns, const void *v, struct diag *d);

/* A row that replaced a value of the file or the store, or whose every value was there. One that only adds values to a time is none. */
struct feed_replaced {
	uint64_t line;
	int64_t t_ns;
};
struct feed_result {
	uint64_t replaced, same; /* rows; same: those of the replaced that said what was there */
	struct feed_replaced changed_rows[FEED_LISTED], same_rows[FEED_LISTED]; /* the first of each */
	size_t n_changed, n_same;
};
/* Hands over the rest and waits: 0 when all of it is durable. *ret lives as long as f. */
MO_MUST_USE int feed_end(struct feed *f, const struct feed_result **ret, struct diag *d);
/* Every series that got a value: fn(arg, id). After feed_end(). */
void feed_each(const struct feed *f, void (*fn)(void *arg, series_id id), void *arg);

#endif
