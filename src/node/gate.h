/* The gate: the only way to a response body. It knows the principal of each
 * request, asks the rule engine with the route's row, and only then lets bytes
 * out (http/reply.h is included by gate.c alone). */
#ifndef MO_NODE_GATE_H
#define MO_NODE_GATE_H

#include "http/server.h"
#include "share/rules.h"

struct gate;
/* One per exchange; made by gate_admit. */
struct gate_pass {
	struct http_x *x;
	struct principal who;
	struct resource what;
	struct ruling ruling;
	bool answered;
};
/* Finds out who asks (unix socket or loopback: LOCAL) and decides. The pass is filled in both cases; MO_EDENIED: answer with gate_deny(). */
MO_MUST_USE int gate_admit(struct gate_pass *ret, struct http_x *x, const char *operation, unsigned principals, struct span partner, struct span agreement);

struct gate_field {
	const char *name;
	struct span value;
};
/* All answers: MO_EDENIED when the pass was not given (a programming error that lets nothing out). Loop thread. */
MO_MUST_USE int gate_reply(struct gate_pass *p, int status, const struct gate_field *f, size_t n, struct span body);
/* body must live until the exchange is done. */
MO_MUST_USE int gate_reply_ref(struct gate_pass *p, int status, const struct gate_field *f, size_t n, struct span body);
MO_MUST_USE int gate_begin(struct gate_pass *p, int status, const struct gate_field *f, size_t n);
MO_MUST_USE int gate_piece(struct gate_pass *p, struct span piece); /* MO_EAGAIN: taken, wait for drained */
MO_MUST_USE int gate_end(struct gate_pass *p);
void gate_abort(struct gate_pass *p);
/* A refusal without data: a problem made by the caller, allowed for any principal. */
MO_MUST_USE int gate_refuse(struct gate_pass *p, int status, const struct gate_field *f, size_t n, struct span problem_json);

#endif
