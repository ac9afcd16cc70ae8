/* The gate for what the node sends by itself: the only way from its records to
 * somebody else's address. Whatever may leave stands in the table of
 * publishers, a row each with the principals it is for and the permission it
 * stands under; a row without does not compile. Nothing is sent but by
 * gate_publish(), which asks the rule engine for each publisher of a message
 * (http/outgoing.h is included here alone). */
#ifndef MO_NODE_GATE_PUBLISH_H
#define MO_NODE_GATE_PUBLISH_H

#include "http/outgoing.h"
#include "share/rules.h"

enum publisher {
	PUBLISHER_ASSETS, PUBLISHER_SIGNALS, PUBLISHER_LOTS, PUBLISHER_LINKS, PUBLISHER_OPERATIONS, PUBLISHER_EVENTS, PUBLISHER_CHARACTERISTICS,
	PUBLISHER_STATES, PUBLISHER_CASES,
	PUBLISHER_CHANGES, /* what changed, without its content */
	PUBLISHER_GAP,     /* what was left out */
	PUBLISHER_TEST,    /* nothing of the factory's */
	PUBLISHERS
};
struct publisher_row {
	const char *name;  /* "lots": also the topic that a sink names */
	const char *noun;  /* of the change feed whose content it sends; NULL: none */
	unsigned principals;
	enum permission permission;
};
/* NULL for what is none. */
const struct publisher_row *publisher_row(enum publisher p);
typedef uint32_t publisher_set;
static inline publisher_set publisher_bit(enum publisher p) { return (publisher_set)1 << (unsigned)p; }
/* Those that a sink may name: not GAP, not TEST. */
#define PUBLISHER_TOPICS (publisher_bit(PUBLISHER_GAP) - 1)

/* Who is to get a message. */
struct gate_addressee {
	enum principal_kind kind;
	struct span name;
	struct span agreement; /* of a partner; empty: none */
};
/* Sends r (http/outgoing.h) to whom the rules let have all that `what` names. MO_EDENIED: not all of it, or nothing was named; nothing leaves and
 * r->done is not called, as after any error of outgoing_send(). Loop thread. */
MO_MUST_USE int gate_publish(struct outgoing *o, const struct gate_addressee *to, publisher_set what, struct outgoing_request *r);

#endif
