/* The one rule engine: who may see what. Pure: principal and resource in,
 * decision out. Rules of this version: the route's row has to name the kind of
 * principal; then an own account or token gets what its permissions hold, the
 * local machine and an own sink what the row names, the public what is open; a
 * partner gets nothing. */
#ifndef MO_SHARE_RULES_H
#define MO_SHARE_RULES_H

#include "base/err.h"
#include "base/span.h"
#include "share/roles.h"

enum principal_kind {
	PRINCIPAL_PUBLIC = 1,  /* nobody in particular: static files, health, login */
	PRINCIPAL_LOCAL = 2,   /* the node's socket; loopback too, before an account exists */
	PRINCIPAL_OWN = 4,     /* own account or token */
	PRINCIPAL_SINK = 8,    /* a sink that the owner set */
	PRINCIPAL_PARTNER = 16 /* another firm */
};
struct principal {
	enum principal_kind kind;
	struct span name;    /* account, token, sink, partner; may be empty */
	permission_set may;  /* of OWN: what the account's role or the token holds */
};
struct resource {
	unsigned principals;     /* enum principal_kind bits that the route's table row admits; 0 admits nobody */
	enum permission permission; /* that the row names; PERMISSION_NONE admits nobody */
	const char *operation;   /* the route's or publisher's name */
	struct span agreement;   /* agreement id a partner refers to; empty: none */
};
enum decision { DECISION_DENY, DECISION_ALLOW };
struct ruling {
	enum decision decision;
	/* Stable code: "route" (allowed by its row), "not_permitted" (an own account or token that lacks the permission), "no_agreement" (a
	 * partner at a route for partners), "not_admitted". */
	const char *reason;
};
/* Default deny: also for a NULL argument, a kind that is none or several of those above. Never NULL reason. */
struct ruling rules_decide(const struct principal *p, const struct resource *r);
/* "public", "local", "own", "sink", "partner"; "?" for anything else. */
const char *principal_kind_name(enum principal_kind k);

#endif
