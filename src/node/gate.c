/* See gate.h. The only file that includes http/reply.h. */
#include "node/gate.h"

#include "http/reply.h"
#include "os/address.h"
#include "os/crypto.h"

/* The account or token that the request shows, or nobody. */
static int identify(struct gate_pass *p, const struct http1_head *h, bool influx, bool cookies, bool *ret_csrf)
{
	struct credential c;
	char csrf[CREDENTIAL_TEXT];
	credential_read(&c, cookies ? http1_header(h, "Cookie") : span_of(NULL, 0), http1_header(h, "Authorization"), h->query, influx);
	int err = accounts_who(p->accounts, &c, &p->known);
	if (err == 0 && p->known.session) {
		struct span sent = http1_header(h, "X-Moru-CSRF");
		err = credential_csrf(csrf, c.secret);
		*ret_csrf = err == 0 && crypto_equal(sent, span_str(csrf));
	}
	crypto_wipe(&c, sizeof c);
	if (err == MO_EDENIED) {
		p->who.kind = PRINCIPAL_PUBLIC;
		return 0;
	}
	p->who = (struct principal){PRINCIPAL_OWN, span_str(p->known.name), p->known.may};
	return err;
}

int gate_admit(struct gate_pass *ret, struct accounts *a, struct http_x *x, const struct gate_ask *ask)
{
	const struct http1_head *h = http_head(x);
	struct span partner = http1_header(h, "Moru-Partner");
	bool csrf = true, ingest = http_door(x) == DOOR_INGEST;
	int err = 0;
	*ret = (struct gate_pass){.x = x, .accounts = a, .who = {.kind = PRINCIPAL_PUBLIC}};
	ret->what = (struct resource){.principals = ask->principals, .permission = ask->permission, .operation = ask->operation,
		.agreement = http1_header(h, "Moru-Agreement")};
	http_peer(x, ret->from);
	if (ingest) { /* what is open elsewhere is not here, and what is not marked is not at all */
		ret->what.permission = ask->permission == PERMISSION_OPEN ? PERMISSION_WRITE : ask->permission;
		ret->what.principals = ask->ingest ? ask->principals & PRINCIPAL_OWN : 0;
	}
	if (partner.n)
		ret->who = (struct principal){.kind = PRINCIPAL_PARTNER, .name = partner};
	else if (ingest)
		err = identify(ret, h, ask->influx, false, &csrf);
	else if ((ask->principals & PRINCIPAL_PUBLIC) && ask->permission == PERMISSION_OPEN)
		ret->who.kind = PRINCIPAL_PUBLIC; /* whoever it is */
	else if (http_from_unix(x) || (!accounts_any(a) && address_read(ret->from, NULL, 0) == ADDRESS_LOOPBACK))
		ret->who.kind = PRINCIPAL_LOCAL;
	else
		err = identify(ret, h, ask->influx, true, &csrf);
	if (err != 0)
		return err;
	ret->ruling = rules_decide(&ret->who, &ret->what);
	if (ret->ruling.decision == DECISION_ALLOW && !csrf && h->method != HTTP_GET && h->method != HTTP_HEAD) {
		ret->ruling = (struct ruling){DECISION_DENY, "csrf"};
		ret->why = GATE_CSRF;
	} else if (ret->ruling.decision != DECISION_ALLOW) {
		ret->why = ret->who.kind == PRINCIPAL_PUBLIC ? GATE_UNKNOWN : ret->who.kind == PRINCIPAL_OWN ? GATE_NOT_PERMITTED : GATE_CLOSED;
	}
	return ret->ruling.decision == DECISION_ALLOW ? 0 : MO_EDENIED;
}

struct span gate_who(const struct gate_pass *p)
{
	return p->who.kind == PRINCIPAL_OWN ? span_str(p->known.name) : span_str(principal_kind_name(p->who.kind));
}

bool gate_may(const struct gate_pass *p, enum permission permission)
{
	struct resource r = p->what;
	r.permission = permission;
	return p->ruling.decision == DECISION_ALLOW && rules_decide(&p->who, &r).decision == DECISION_ALLOW;
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
	if (p->ruling.decision != DECISION_ALLOW || !p->answered)
		return MO_EDENIED;
	/* What goes on after a log-out would be a session that did not end. */
	if (p->who.kind == PRINCIPAL_OWN && !accounts_alive(p->accounts, p->known.key))
		return MO_ECANCELED;
	/* Nor does loopback go on as the local machine once there is an account. */
	if (p->who.kind == PRINCIPAL_LOCAL && p->from[0] && accounts_any(p->accounts))
		return MO_ECANCELED;
	return http_reply_piece(p->x, piece);
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
