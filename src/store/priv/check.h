/* What the parts of store_check() share. */
#ifndef MO_STORE_PRIV_CHECK_H
#define MO_STORE_PRIV_CHECK_H

#include "store/priv/impl.h"

struct checking {
	struct db *db;
	bool (*stop)(void *arg);
	void (*say)(void *arg, const struct diag *d);
	void *arg;
	struct diag d; /* large: one for all */
};
static inline bool checking_stopped(const struct checking *c) { return c->stop && c->stop(c->arg); }

/* store_check() on any connection of ours. */
MO_MUST_USE int store_check_db(struct db *db, bool (*stop)(void *arg), void (*say)(void *arg, const struct diag *d), void *arg, struct diag *d);
/* check_search.c: the index is what the texts give. begin before the transaction; MO_ECORRUPT: it is damaged (said or not). */
MO_MUST_USE int check_search_begin(struct checking *c, struct diag *d);
MO_MUST_USE int check_search(struct checking *c, struct diag *d);

#endif
