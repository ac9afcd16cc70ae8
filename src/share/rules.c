#include "share/rules.h"

static struct ruling deny(const char *reason)
{
	return (struct ruling){DECISION_DENY, reason};
}

struct ruling rules_decide(const struct principal *p, const struct resource *r)
{
	if (!p || !r)
		return deny("not_admitted");
	permission_set needs = permission_bit(r->permission);
	if (!needs)
		return deny("not_admitted");
	/* Exactly the kinds that this version knows: a number made of two of them, or a new one, is nobody. */
	switch (p->kind) {
	case PRINCIPAL_PUBLIC:
		/* A row that names the public by mistake still gives away nothing that is not open. */
		if ((r->principals & PRINCIPAL_PUBLIC) && r->permission == PERMISSION_OPEN)
			return (struct ruling){DECISION_ALLOW, "route"};
		return deny("not_admitted");
	case PRINCIPAL_OWN:
		if (!(r->principals & PRINCIPAL_OWN))
			return deny("not_admitted");
		return p->may & needs ? (struct ruling){DECISION_ALLOW, "route"} : deny("not_permitted");
	case PRINCIPAL_LOCAL:
	case PRINCIPAL_SINK:
		if (r->principals & (unsigned)p->kind)
			return (struct ruling){DECISION_ALLOW, "route"};
		return deny("not_admitted");
	case PRINCIPAL_PARTNER:
		/* A route may be meant for partners; without agreements, which this version has none of, they still get nothing. */
		return deny(r->principals & PRINCIPAL_PARTNER ? "no_agreement" : "not_admitted");
	}
	return deny("not_admitted");
}

const char *principal_kind_name(enum principal_kind k)
{
	switch (k) {
	case PRINCIPAL_PUBLIC:
		return "public";
	case PRINCIPAL_LOCAL:
		return "local";
	case PRINCIPAL_OWN:
		return "own";
	case PRINCIPAL_SINK:
		return "sink";
	case PRINCIPAL_PARTNER:
		return "partner";
	}
	return "?";
}
