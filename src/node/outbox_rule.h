/* What a receiver's answer means for the outbox: pure, so that a table can test
 * it. docs/outbox.md tells receivers the same. */
#ifndef MO_NODE_OUTBOX_RULE_H
#define MO_NODE_OUTBOX_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/civil.h"

#define OUTBOX_REFUSALS 3u /* of one message alone: then it is set aside */
#define OUTBOX_BACKOFF_NS NS_PER_S
#define OUTBOX_BACKOFF_MAX_NS (300 * NS_PER_S)
#define OUTBOX_RETRY_AFTER_MAX_NS (3600 * NS_PER_S)

enum outbox_verdict {
	OUTBOX_ARRIVED,  /* 2xx and a whole answer */
	OUTBOX_SPLIT,    /* refused as a whole: fewer at once, now */
	OUTBOX_ALONE,    /* one message alone was refused: once more after delay_ns */
	OUTBOX_ASIDE,    /* and once too often */
	OUTBOX_LATER,    /* nobody there, not now, not so: the same again after delay_ns */
	OUTBOX_BROKEN_OFF /* by ourselves */
};
struct outbox_outcome {
	int err, status;       /* of the request; status where err is 0 */
	int64_t retry_after_s; /* 0: not said */
	size_t n;              /* messages in it */
	unsigned refusals;     /* of this message alone so far, without this one */
	unsigned tries;        /* failures in a row so far, without this one */
	uint32_t noise;        /* random: the delay is 3/4 to 5/4 of what it would be, so that senders do not march in step */
};
/* Whether a status says that these messages will never do, whoever sends them whenever: 400, 409, 413, 415, 422. Others, 401, 403, 404 and
 * redirects among them, are about the sink, and nothing is set aside for them. */
bool outbox_definite(int status);
enum outbox_verdict outbox_judge(const struct outbox_outcome *o, int64_t *ret_delay_ns);

#endif
