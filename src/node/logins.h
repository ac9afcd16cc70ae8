/* Logging in: checks passwords one at a time on one worker, whatever comes; a
 * few wait, the rest are told to come later at once. Who fails often waits
 * longer and longer, by account and by address (node/limiter.h). A name that
 * does not exist costs the same work as a wrong password.
 *
 * Whoever has not failed is not to stand behind those who do nothing else: an
 * address without a failure in the last hour goes first, the newest of them
 * before all, and is not held up by what others did to the account
 * (LOGINS_PASSES_OF_ACCOUNT wrong ones an hour, then that waits, too).
 *
 *   logins_submit --> waiting: clean (LOGINS_CLEAN_MAX) before others (LOGINS_WAITING_MAX) --> one at a worker --> done() on the loop */
#ifndef MO_NODE_LOGINS_H
#define MO_NODE_LOGINS_H

#include "helper/wire.h"
#include "node/accounts.h"
#include "node/node.h"

#define LOGINS_WAITING_MAX 8u       /* from addresses that failed */
#define LOGINS_CLEAN_MAX 512u       /* from others */
#define LOGINS_PASSES_OF_ACCOUNT 256u /* wrong ones of clean addresses past the account's wait */
#define LOGINS_FREE_OF_ACCOUNT 5u  /* failures in a row before the account waits */
#define LOGINS_FREE_OF_ADDRESS 20u /* before the address does */
#define LOGINS_VERIFY_NS (10 * NS_PER_S)
#define LOGINS_FAILED_SAID_NS (10 * NS_PER_S) /* failures are put into the audit trail at most so often, with their number */
#define LOGIN_FROM_MAX 46u

struct logins;
/* One try, the caller's until done(). */
struct login {
	char name[ACCOUNT_NAME_MAX + 1]; /* "" for one that cannot be a name */
	char from[LOGIN_FROM_MAX];       /* address; "" the node's socket */
	size_t password_n;
	uint8_t password[HELPER_PASSWORD_MAX]; /* wiped before done() */
	/* On the loop. 0: secret and known are set; MO_EDENIED: wrong; else it could not be checked, with d. */
	void (*done)(struct login *l, int err);
	void *arg; /* the caller's */
	uint8_t secret[CREDENTIAL_BYTES];
	struct accounts_known known;
	struct diag d;
	/* its own */
	struct work work;
	struct loop_post post;
	struct login *next;
	struct logins *of;
	bool passed; /* the account's wait */
	int err;
};
MO_MUST_USE int logins_new(struct logins **ret, struct node *n, struct accounts *a);
/* When nothing is under way any more. */
void logins_free(struct logins *q);
/* Loop thread. MO_EAGAIN: not taken; it may be tried again after *ret_wait_ns. */
MO_MUST_USE int logins_submit(struct logins *q, struct login *l, int64_t *ret_wait_ns);
/* The same brakes for a password that is asked for once more (to change it): whether it may be tried now, and what came of it. Any thread. */
MO_MUST_USE int logins_try(struct logins *q, struct span name, struct span from, int64_t *ret_wait_ns);
void logins_tried(struct logins *q, struct span name, struct span from, int err);

#endif
