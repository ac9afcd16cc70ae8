/* The gate: the only way to a response body. It finds out the principal of each
 * request, asks the rule engine with the route's row, and only then lets bytes
 * out (http/reply.h is included by gate.c alone).
 *
 * Who asks: a partner who says so (Moru-Partner). Whoever comes by the node's
 * socket, which only the folder's owner can open, and, as long as there is no
 * account, by loopback: the local machine. Else an own account by its session's
 * cookie, or a token; else the public. */
#ifndef MO_NODE_GATE_H
#define MO_NODE_GATE_H

#include "http/server.h"
#include "node/accounts.h"
#include "share/rules.h"

/* Why somebody was not let in. */
enum gate_why {
	GATE_CLOSED,        /* not for this kind of principal */
	GATE_UNKNOWN,       /* nobody is logged in: 401 */
	GATE_NOT_PERMITTED, /* the account or token lacks the permission */
	GATE_CSRF           /* a change by cookie without the page's own X-Moru-CSRF */
};
struct gate_ask {
	const char *operation;
	unsigned principals;
	enum permission permission;
	bool influx; /* a token may come as InfluxDB's clients send one */
	bool ingest; /* also behind the second listener */
};
/* http_options.door. The second listener's (node/ingest.h) speaks plain HTTP to gateways: behind it there are only the routes that say so, and
 * only for tokens that may write; no cookie, no local machine, nothing open. */
enum gate_door { DOOR_MAIN, DOOR_INGEST };
/* One per exchange; made by gate_admit. who.name is the original's: of a copy ask gate_who(). */
struct gate_pass {
	struct http_x *x;
	struct accounts *accounts;
	struct principal who;
	struct resource what;
	struct ruling ruling;
	enum gate_why why;
	struct accounts_known known; /* of PRINCIPAL_OWN */
	char from[HTTP_PEER_MAX];    /* address; "" the node's socket */
	bool answered;
};
/* Finds out who asks and decides. The pass is filled in both cases; MO_EDENIED: answer with gate_refuse(), pass->why says why; MO_ENOMEM. */
MO_MUST_USE int gate_admit(struct gate_pass *ret, struct accounts *a, struct http_x *x, const struct gate_ask *ask);
/* Who is said to have changed something: the account, "token NAME", "local". The pass's. */
struct span gate_who(const struct gate_pass *p);
/* Whether who was admitted holds a further permission. */
bool gate_may(const struct gate_pass *p, enum permission permission);

struct gate_field {
	const char *name;
	struct span value;
};
/* All answers: MO_EDENIED when the pass was not given (a programming error that lets nothing out). Loop thread. */
MO_MUST_USE int gate_reply(struct gate_pass *p, int status, const struct gate_field *f, size_t n, struct span body);
/* body must live until the exchange is done. */
MO_MUST_USE int gate_reply_ref(struct gate_pass *p, int status, const struct gate_field *f, size_t n, struct span body);
MO_MUST_USE int gate_begin(struct gate_pass *p, int status, const struct gate_field *f, size_t n);
/* MO_EAGAIN: taken, wait for drained. MO_ECANCELED: also when the session or token has ended since, or the first account was made. */
MO_MUST_USE int gate_piece(struct gate_pass *p, struct span piece);
MO_MUST_USE int gate_end(struct gate_pass *p);
void gate_abort(struct gate_pass *p);
/* A refusal without data: a problem made by the caller, allowed for any principal. */
MO_MUST_USE int gate_refuse(struct gate_pass *p, int status, const struct gate_field *f, size_t n, struct span problem_json);

#endif
