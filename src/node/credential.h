/* What a request brings to show who asks: a session's cookie or a token, out
 * of its headers and, for InfluxDB's clients, its query. Pure; bytes from
 * anybody. A secret is 32 random bytes, as text base64url (RFC 4648, 5):
 *
 *   Cookie: moru_session=TEXT
 *   Authorization: Bearer moru_TEXT
 *   Authorization: Basic base64(USER:moru_TEXT)     InfluxDB 1.x only
 *   ?u=USER&p=moru_TEXT                             InfluxDB 1.x only */
#ifndef MO_NODE_CREDENTIAL_H
#define MO_NODE_CREDENTIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

#define CREDENTIAL_BYTES 32u
#define CREDENTIAL_TEXT 44u /* of a secret, with NUL */
#define CREDENTIAL_TOKEN_PREFIX "moru_" /* so that a token found in a file is known for one */
#define CREDENTIAL_TOKEN_TEXT (CREDENTIAL_TEXT + sizeof CREDENTIAL_TOKEN_PREFIX - 1)
#define CREDENTIAL_COOKIE "moru_session"

enum credential_kind {
	CREDENTIAL_NONE, /* nothing was brought */
	CREDENTIAL_BAD,  /* something that is neither */
	CREDENTIAL_SESSION,
	CREDENTIAL_TOKEN
};
struct credential {
	enum credential_kind kind;
	uint8_t secret[CREDENTIAL_BYTES]; /* of the last two; wipe it */
};
/* cookie, authorization, query: as they came; p == NULL: there is none. influx: its ways are taken, too. What Authorization brings goes before
 * the query, that before the cookie: a program that shows a token is not taken for the browser beside it. */
void credential_read(struct credential *ret, struct span cookie, struct span authorization, struct span query, bool influx);
/* 43 characters and NUL. */
void credential_write(char out[CREDENTIAL_TEXT], const uint8_t secret[CREDENTIAL_BYTES]);
void credential_write_token(char out[CREDENTIAL_TOKEN_TEXT], const uint8_t secret[CREDENTIAL_BYTES]);
/* The text that a page has to send in X-Moru-CSRF beside the cookie, made of its secret, which the page cannot read: whoever has one tells
 * nothing of the other. MO_ENOMEM. */
MO_MUST_USE int credential_csrf(char out[CREDENTIAL_TEXT], const uint8_t secret[CREDENTIAL_BYTES]);

#endif
