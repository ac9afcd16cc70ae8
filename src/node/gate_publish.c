/* See gate_publish.h. The only file that calls outgoing_send(). */
#include "node/gate_publish.h"

/* A row names its permission, or it does not compile, as a route's (api/routes.c). */
#define ROW(name, noun, principals, permission) {name, noun, principals, PERMISSION_##permission}

static const struct publisher_row rows[PUBLISHERS] = {
	[PUBLISHER_ASSETS] = ROW("assets", "asset", PRINCIPAL_SINK, MACHINES),
	[PUBLISHER_SIGNALS] = ROW("signals", "signal", PRINCIPAL_SINK, MACHINES),
	[PUBLISHER_LOTS] = ROW("lots", "lot", PRINCIPAL_SINK, READ),
	[PUBLISHER_LINKS] = ROW("links", "link", PRINCIPAL_SINK, READ),
	[PUBLISHER_OPERATIONS] = ROW("operations", "operation", PRINCIPAL_SINK, READ),
	[PUBLISHER_EVENTS] = ROW("events", "event", PRINCIPAL_SINK, READ),
	[PUBLISHER_CHARACTERISTICS] = ROW("characteristics", "characteristic", PRINCIPAL_SINK, READ),
	[PUBLISHER_STATES] = ROW("states", "state", PRINCIPAL_SINK, MACHINES),
	[PUBLISHER_CASES] = ROW("cases", "case", PRINCIPAL_SINK, READ),
	[PUBLISHER_CHANGES] = ROW("changes", NULL, PRINCIPAL_SINK, READ),
	[PUBLISHER_GAP] = ROW("gap", NULL, PRINCIPAL_SINK, READ),
	[PUBLISHER_TEST] = ROW("test", NULL, PRINCIPAL_SINK, SINKS),
};

const struct publisher_row *publisher_row(enum publisher p) { return (unsigned)p < PUBLISHERS ? &rows[p] : NULL; }

int gate_publish(struct outgoing *o, const struct gate_addressee *to, publisher_set what, struct outgoing_request *r)
{
	const struct principal who = {.kind = to->kind, .name = to->name};
	if (what == 0 || what >> PUBLISHERS)
		return MO_EDENIED;
	for (unsigned i = 0; i < PUBLISHERS; i++) {
		if (!(what & publisher_bit((enum publisher)i)))
			continue;
		const struct resource res = {.principals = rows[i].principals, .permission = rows[i].permission, .operation = rows[i].name,
			.agreement = to->agreement};
		if (rules_decide(&who, &res).decision != DECISION_ALLOW)
			return MO_EDENIED;
	}
	return outgoing_send(o, r);
}
