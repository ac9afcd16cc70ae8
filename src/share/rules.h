/* The one rule engine: who may see what. Pure: principal and resource in,
 * decision out. Rules of this version: an own account, token or sink, the local
 * machine and the public see what their route names; a partner gets nothing. */
#ifndef MO_SHARE_RULES_H
#define MO_SHARE_RULES_H

#include "base/err.h"
#include "base/span.h"

enum principal_kind {
	PRINCIPAL_PUBLIC = 1,  /* nobody in particular: static files, health, login */
	PRINCIPAL_LOCAL = 2,   /* loopback or the node's socket, before an account exists */
	PRINCIPAL_OWN = 4,     /* own account or token */
	PRINCIPAL_SINK = 8,    /* a sink that the owner set */
	PRINCIPAL_PARTNER = 16 /* another firm */
};
struct principal {
	enum principal_kind kind;
	struct span name; /* account, sink, partner; may be empty */
};
struct resource {
	unsigned principals;     /* enum principal_kind bits that the route's table row admits; 0 admits nobody */
	const char *operation;   /* the route's or publisher's name */
	struct span agreement;   /* agreement id a partner refers to; empty: none */
};
enum decision { DECISION_DENY, DECISION_ALLOW };
struct ruling {
	enum decision decision;
	/* Stable code: "route" (allowed by its row), "no_agreement" (a partner at a route for partners), "not_admitted". */
	const char *reason;
};
/* Default deny: also for a NULL argument, a kind that is none or several of those above. Never NULL reason. */
struct ruling rules_decide(const struct principal *p, const struct resource *r);
/* "public", "local", "own", "sink", "partner"; "?" for anything else. */
const char *principal_kind_name(enum principal_kind k);

#endif
