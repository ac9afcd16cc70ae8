/* Who may log in, who has, and which programs have a token. The store holds no
 * secret: passwords come as scrypt texts (helper/password.h), sessions and
 * tokens by the SHA-256 of their random bits. All calls belong into the
 * writer's transaction (store/store.h). Accounts, sessions and tokens are not in
 * the change feed, which everybody of the firm reads; their audit entries are
 * the caller's (store_audit()). */
#ifndef MO_STORE_ACCOUNTS_H
#define MO_STORE_ACCOUNTS_H

#include "share/roles.h"
#include "store/store.h"

#define ACCOUNT_NAME_MAX 64u /* bytes of UTF-8 */
#define TOKEN_NAME_MAX 64u
#define ACCOUNT_HASH_MAX 256u
#define ACCOUNTS_MAX 1000u
#define TOKENS_MAX 1000u     /* not revoked */
#define KEY_BYTES 32u        /* SHA-256 of a session's or token's secret */

/* 0 when `name` may name an account or a token: 1..64 bytes of UTF-8 without blanks at its ends, control characters, and the colon that ends a
 * user's name in HTTP; else MO_EINVAL. */
MO_MUST_USE int store_account_name_check(struct span name, struct diag *d);

struct store_account_put {
	struct span name;
	enum role role;      /* ROLE_NONE: as it is; of a new one: owner for the first account there is, else read_only */
	struct span hash;    /* of the password; empty: as it is */
	enum { ACCOUNT_AS_IT_IS, ACCOUNT_ENABLED, ACCOUNT_DISABLED } able;
	struct uuid uuid;    /* of a new one */
	int64_t now_ns;
};
struct store_account_got {
	int64_t id;
	enum role role;
	bool disabled;
	enum store_did did;
};
/* Makes or changes an account. A new password or disabling ends its sessions. MO_EINVAL: name; a new one without password. MO_ESTATE: the first
 * account has to be an owner's (MSG_STORE_FIRST_OWNER), and one enabled owner has to stay (MSG_STORE_LAST_OWNER). */
MO_MUST_USE int store_account_put(struct store *s, const struct store_account_put *a, struct store_account_got *ret, struct diag *d);
/* Removes it with its sessions. MO_ENOENT; MO_ESTATE: the last owner. */
MO_MUST_USE int store_account_drop(struct store *s, struct span name, int64_t *ret_id, struct diag *d);

/* A session of an account whose password is still `hash` and which is not disabled (MO_ENOENT: no more so). Sessions over at now_ns go. */
MO_MUST_USE int store_session_put(struct store *s, const uint8_t key[KEY_BYTES], int64_t account, struct span hash, int64_t now_ns, int64_t expires_ns,
	struct diag *d);
MO_MUST_USE int store_session_seen(struct store *s, const uint8_t key[KEY_BYTES], int64_t t_ns, struct diag *d);
MO_MUST_USE int store_session_drop(struct store *s, const uint8_t key[KEY_BYTES], struct diag *d);

struct store_token {
	struct span name;
	const uint8_t *key;        /* KEY_BYTES */
	enum role role;            /* or ROLE_NONE and */
	permission_set permissions;
	struct span maker;
	int64_t now_ns, expires_ns; /* expires: T_NONE never */
};
/* MO_EEXIST: one of that name is in use. MO_EINVAL: name; role and permissions both or none. */
MO_MUST_USE int store_token_put(struct store *s, const struct store_token *t, int64_t *ret_id, struct diag *d);
MO_MUST_USE int store_token_seen(struct store *s, int64_t id, int64_t t_ns, struct diag *d);
/* MO_ENOENT: there is none, or it was revoked before. */
MO_MUST_USE int store_token_revoke(struct store *s, int64_t id, int64_t now_ns, struct diag *d);

#endif
