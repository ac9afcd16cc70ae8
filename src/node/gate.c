/* See gate.h. The only file that includes http/reply.h. */
#include "node/gate.h"

#include "http/reply.h"

int gate_admit(struct gate_pass *ret, struct http_x *x, const char *operation, unsigned principals, struct span partner, struct span agreement)
{
	*ret = (struct gate_pass){.x = x};
	/* The node listens on loopback and its own socket alone, so whoever asks is the local machine, unless they say that they are a partner. */
	ret->who = partner.n ? (struct principal){PRINCIPAL_PARTNER, partner} : (struct principal){PRINCIPAL_LOCAL, {NULL, 0}};
	if (!partner.n && (principals & PRINCIPAL_PUBLIC))
		ret->who.kind = PRINCIPAL_PUBLIC;
	ret->what = (struct resource){.principals = principals, .operation = operation, .agreement = agreement};
	ret->ruling = rules_decide(&ret->who, &ret->what);
	return ret->ruling.decision == DECISION_ALLOW ? 0 : MO_EDENIED;
}

static bool open_for(const struct gate_pass *p) { return p->ruling.decision == DECISION_ALLOW && !p->answered; }

/* struct gate_field and struct http_field have one shape, so that no copy is needed. */
_Static_assert(sizeof(struct gate_field) == sizeof(struct http_field), "gate_field must mirror http_field");
static const struct http_field *fields(const struct gate_field *f) { return (const struct http_field *)(const void *)f; }

int gate_reply(struct gate_pass *p, int status, const struct gate_field *f, size_t n, struct span body)
{
	if (!open_for(p))
		return MO_EDENIED;
	p->answered = true;
	return http_reply(p->x, status, fields(f), n, body);
}

int gate_reply_ref(struct gate_pass *p, int status, const struct gate_field *f, size_t n, struct span body)
{
	if (!open_for(p))
		return MO_EDENIED;
	p->answered = true;
	return http_reply_ref(p->x, status, fields(f), n, body);
}

int gate_begin(struct gate_pass *p, int status, const struct gate_field *f, size_t n)
{
	if (!open_for(p))
		return MO_EDENIED;
	p->answered = true;
	return http_reply_begin(p->x, status, fields(f), n);
}

int gate_piece(struct gate_pass *p, struct span piece)
{
	return p->ruling.decision == DECISION_ALLOW && p->answered ? http_reply_piece(p->x, piece) : MO_EDENIED;
}

int gate_end(struct gate_pass *p) { return p->ruling.decision == DECISION_ALLOW && p->answered ? http_reply_end(p->x) : MO_EDENIED; }

void gate_abort(struct gate_pass *p) { http_abort(p->x); }

int gate_refuse(struct gate_pass *p, int status, const struct gate_field *f, size_t n, struct span problem_json)
{
	if (p->answered)
		return MO_ESTATE;
	p->answered = true;
	return http_reply(p->x, status, fields(f), n, problem_json);
}
