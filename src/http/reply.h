/* Response bytes. Only src/node/gate.c includes this (tests/tidy checks it):
 * the gate is the one way out. Loop thread only. */
#ifndef MO_HTTP_REPLY_H
#define MO_HTTP_REPLY_H

#include "http/server.h"

/* Errors of all calls: MO_ECANCELED (the connection broke; done(aborted) comes or came), MO_ESTATE (answered already, or not begun),
 * MO_EINVAL (status outside 200..599, field name or value not allowed; nothing was sent), MO_ELIMIT (head over 16 KiB), MO_ENOMEM (the
 * connection breaks). 0 means taken; whether it arrived says done(). */

struct http_field {
	const char *name;  /* a token; not Date, Content-Length, Connection, Transfer-Encoding, which are the server's own */
	struct span value; /* no CR, LF, NUL */
};
/* Whole answer; copies. HEAD and 204/304 send no body. Adds Date, Content-Length, Connection. */
MO_MUST_USE int http_reply(struct http_x *x, int status, const struct http_field *fields, size_t n_fields, struct span body);
/* As http_reply but the body is static or kept alive until done(): not copied. */
MO_MUST_USE int http_reply_ref(struct http_x *x, int status, const struct http_field *fields, size_t n_fields, struct span body);
/* Streamed: chunked (or until close for 1.0). */
MO_MUST_USE int http_reply_begin(struct http_x *x, int status, const struct http_field *fields, size_t n_fields);
/* MO_EAGAIN: taken, but wait for drained() before the next. MO_ELIMIT: not taken, over 1 MiB is unsent. Copies. */
MO_MUST_USE int http_reply_piece(struct http_x *x, struct span piece);
MO_MUST_USE int http_reply_end(struct http_x *x);
/* Breaks the connection: an answer begun can't be finished honestly. */
void http_abort(struct http_x *x);

#endif
