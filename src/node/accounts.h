/* Accounts, sessions and tokens as the gate needs them: a copy in memory, so
 * that no request waits for the store, changed after the store's commit and
 * before the answer. What it says of a session is the rule for a cookie that
 * comes again: it is good until log-out, its end (idle SESSION_IDLE_NS, at most
 * SESSION_LONGEST_NS, both node time), a new password, or the account's being
 * disabled or removed; never after.
 *
 * accounts_any(), accounts_who(), accounts_alive(): any thread, at once. The
 * calls that change something block: workers only; they write the audit entry
 * in the transaction of the change. */
#ifndef MO_NODE_ACCOUNTS_H
#define MO_NODE_ACCOUNTS_H

#include "base/civil.h"
#include "node/credential.h"
#include "node/storer.h"
#include "os/clock.h"
#include "store/accounts.h"

#define SESSION_IDLE_NS (12 * 3600 * NS_PER_S)
#define SESSION_LONGEST_NS (7 * NS_PER_DAY)
#define SESSIONS_PER_ACCOUNT_MAX 16u /* one more ends the one that was idle longest */
#define PASSWORD_CHARACTERS_MIN 10u
#define WHO_MAX (TOKEN_NAME_MAX + 8u) /* "token NAME", with NUL */

struct accounts;
MO_MUST_USE int accounts_new(struct accounts **ret, struct storer *s, struct clock *c, struct store_reader *r, struct diag *d);
void accounts_free(struct accounts *a);

/* Whether there is an account at all: before, the machine itself may everything. */
bool accounts_any(struct accounts *a);
struct accounts_known {
	char name[WHO_MAX]; /* the account's; "token NAME" of a token */
	enum role role;     /* ROLE_NONE: a token with permissions of its own */
	permission_set may;
	uint8_t key[KEY_BYTES]; /* of the session or token */
	bool session;
};
/* MO_EDENIED: nobody's, or no more. Counts as use of a session. MO_ENOMEM. */
MO_MUST_USE int accounts_who(struct accounts *a, const struct credential *c, struct accounts_known *ret);
/* Whether the session or token of an answer that goes on is still good. Is no use of it. */
bool accounts_alive(struct accounts *a, const uint8_t key[KEY_BYTES]);

/* Who changes something, and from which address, for the audit trail. */
struct accounts_actor {
	struct span who, from;
};
/* Errors as store_account_put(), store_account_drop(); MO_ELIMIT: ACCOUNTS_MAX. uuid and now_ns are filled in. */
MO_MUST_USE int accounts_put(struct accounts *a, struct store_account_put *p, const struct accounts_actor *by, struct store_account_got *ret, struct diag *d);
MO_MUST_USE int accounts_drop(struct accounts *a, struct span name, const struct accounts_actor *by, struct diag *d);
/* A session of account `id`, whose password was just found to be that of `hash`. *ret: its secret, for the cookie. MO_EDENIED: not so any more. */
MO_MUST_USE int accounts_login(struct accounts *a, int64_t id, struct span hash, const struct accounts_actor *by, uint8_t secret[CREDENTIAL_BYTES],
	struct accounts_known *ret, struct diag *d);
/* Nothing to do when it is no session. */
MO_MUST_USE int accounts_logout(struct accounts *a, const uint8_t key[KEY_BYTES], const struct accounts_actor *by, struct diag *d);
/* t->key, maker and now_ns are filled in; the secret is shown once. MO_ELIMIT: TOKENS_MAX. */
MO_MUST_USE int accounts_token_put(struct accounts *a, struct store_token *t, const struct accounts_actor *by, uint8_t secret[CREDENTIAL_BYTES],
	int64_t *ret_id, struct diag *d);
MO_MUST_USE int accounts_token_revoke(struct accounts *a, int64_t id, const struct accounts_actor *by, struct diag *d);

/* Once a second, loop thread: keeps in the store when sessions and tokens were last used, drops what is over. */
void accounts_tick(struct accounts *a);
/* Sessions that are held, for tests and /metrics. */
size_t accounts_sessions(struct accounts *a);

/* The rule for passwords: at least PASSWORD_CHARACTERS_MIN characters of UTF-8, at most HELPER_PASSWORD_MAX bytes, not the account's name.
 * MO_EINVAL; the words never hold the password. */
MO_MUST_USE int accounts_password_check(struct span password, struct span name, struct diag *d);
/* An audit entry's detail: {"from":…} and what `more` (members with a comma before them, or "") says. */
void accounts_detail(struct buf *out, struct span from, const char *more);

#endif
