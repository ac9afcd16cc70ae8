/* Messages of the outbox as bytes: CloudEvents 1.0 (JSON format, batched).
 * docs/outbox.md is the contract. On a worker. */
#ifndef MO_NODE_PRIV_OUTBOX_LETTER_H
#define MO_NODE_PRIV_OUTBOX_LETTER_H

#include "codec/json.h"
#include "node/gate_publish.h"
#include "store/store.h"

#define LETTER_TYPE "application/cloudevents-batch+json"
#define LETTER_FEED_TEXT 17u /* 16 hex digits and NUL */

/* Who writes: the node and its feed. */
struct letter_from {
	char source[64];             /* "urn:uuid:…" */
	char feed[LETTER_FEED_TEXT]; /* number space of the changes: another one after a restore */
};
struct letter_change {
	int64_t number, t_ns;
	struct span noun, key, did;
};
/* What of a sink's topics a change falls under: one bit, 0 for none. */
publisher_set letter_topic(publisher_set what, struct span noun);
/* One message, with the present content of what changed (null: it is not there any more) unless it falls under PUBLISHER_CHANGES. Errors of the
 * store; those of memory also in the buffer. */
MO_MUST_USE int letter_change(struct json_writer *w, const struct letter_from *from, publisher_set topic, const struct letter_change *c,
	struct store_reader *r, struct diag *d);
/* Changes `first` to `last` were left out. */
void letter_gap(struct json_writer *w, const struct letter_from *from, int64_t first, int64_t last, int64_t now_ns);
void letter_test(struct json_writer *w, const struct letter_from *from, uint64_t number, int64_t now_ns);

#endif
