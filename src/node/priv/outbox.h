/* Inside of the outbox: outbox.c (the states, loop thread), outbox_read.c (the
 * next messages, a worker), outbox_load.c (the sinks as they are set, a worker). */
#ifndef MO_NODE_PRIV_OUTBOX_H
#define MO_NODE_PRIV_OUTBOX_H

#include "node/outbox.h"
#include "node/priv/node.h"
#include "node/priv/outbox_letter.h"
#include "store/outbox.h"

enum flight_kind {
	FLIGHT_NOTHING, /* nothing up to `reached` is for this sink */
	FLIGHT_BATCH,
	FLIGHT_GAP,     /* tells of the gap */
	FLIGHT_AGAIN,   /* one that had been set aside */
	FLIGHT_LEAVE    /* changes up to `reached` are too old or too many: they become a gap */
};
/* One turn of a target: read, send, keep. Nobody but the thread whose turn it is touches it. */
struct flight {
	struct work work;
	struct sjob job;
	struct loop_post post;
	struct outgoing_request req;
	struct target *t;
	struct letter_from from;
	/* asked */
	int64_t row, after, latest, now_ns;
	int64_t gap_from, gap_to; /* 0: none */
	int64_t keep_ns, behind_max;
	size_t max;
	publisher_set what;
	/* read */
	enum flight_kind kind;
	int64_t reached;          /* the change up to which this goes */
	int64_t number;           /* of the last message */
	int64_t oldest_ns;        /* of the first message */
	size_t n;
	publisher_set topics;     /* that the messages fall under */
	struct buf body;
	/* kept */
	enum { KEEP_SENT, KEEP_LEFT, KEEP_TOLD, KEEP_ARRIVED, KEEP_ASIDE } keep;
	bool arrived;
	char reason[OUTBOX_REASON_MAX];
	int err;
	struct diag d;
};

/* A sink as the store holds it. */
struct loaded {
	struct loaded *next;
	char name[SINK_NAME_MAX + 1];
	int64_t version, row, cursor, sent, skipped, gap_from, gap_to, last_ns, aside;
	bool ours;    /* this node was told to send */
	int err;      /* the document, or its token, cannot be read: d */
	struct diag d;
	struct sink_config cfg;
	char *token;  /* NULL: none */
};
void loaded_free(struct loaded *l);
/* All sinks by name. On a worker. */
int outbox_load(struct node *n, struct store_reader *r, struct loaded **ret, struct diag *d);

/* Fills what is read of f. On a worker. */
int outbox_read(struct flight *f, struct store_reader *r, struct diag *d);

#endif
