/* Inside of the outbox: outbox.c (the states, loop thread), outbox_read.c (the
 * next messages, a worker), outbox_load.c (the sinks as they are set, a
 * worker), outbox_sinks.c (which targets there are, loop thread). */
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

struct target {
	struct target *next;
	struct outbox *o;
	char name[SINK_NAME_MAX + 1];
	int64_t row, version;
	struct sink_config *cfg;
	char *token;
	enum outbox_state state;
	bool held;         /* the sink was changed while a turn is under way: no other begins before it is loaded anew */
	bool gone;         /* removed: freed when its turn is over */
	bool in_trouble;   /* it was said that it is */
	bool busy;         /* the flight is somebody's */
	bool stale;        /* loaded while it moved on: its counts are to be loaded anew when its turn is over */
	bool unsubmitted;  /* KEEPING: the job waits for the timer */
	uint64_t turns, turns_at_load; /* kept so far; when the load began */
	int64_t scanned;   /* looked at, in memory; the durable cursor may be behind */
	int64_t cursor, sent, skipped, gap_from, gap_to, last_ns, aside, oldest_ns;
	uint64_t failures;
	unsigned tries, refusals;
	size_t max;        /* messages of the next request */
	int64_t due_ns, sent_ns; /* monotonic */
	struct loop_timer *timer;
	struct flight f;
	struct diag trouble;
	struct outbox_status shown; /* under mu */
};
struct waiter {
	struct waiter *next;
	void (*done)(void *arg);
	void *arg;
};
struct outbox {
	struct node *node;
	struct outgoing *outgoing;
	struct letter_from from;
	struct target *targets;
	atomic_llong latest;
	atomic_bool posted, active;
	struct loop_post changed;
	bool stopping;
	/* loading */
	bool loading, again, cleaned;
	struct work load;
	struct loop_post load_post;
	struct loaded *loaded;
	int load_err;
	struct waiter *asked, *served; /* for the next load, for the one under way */
	struct loop_timer *reload;     /* a load that failed */
	struct trust_list *trust;      /* as of the last load; NULL before it */
	struct trust_list *trust_loaded; /* the worker's, then load_landed()'s */
	struct outbox_shown *shown;    /* a certificate that is being set waiting; NULL: none so far */
	pthread_mutex_t mu;            /* of target.shown, and the list for those who read it */
};

/* outbox.c: the states. */
void target_set(struct target *t, enum outbox_state to);
/* IDLE: begins the next turn when there is something to do. */
void target_step(struct target *t);
void target_due(void *target); /* its timer */
/* outbox_sinks.c */
struct target *outbox_find(struct outbox *o, struct span name);
void target_free(struct target *t);

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

/* outbox_trust.c. On a worker: reads the list. */
int outbox_load_trust(struct outbox *o, struct store_reader *r, struct diag *d);
void outbox_take_trust(struct outbox *o);
/* A request ended: an unknown certificate is set waiting. */
void outbox_unknown(struct outbox *o, const char *sink, const struct outgoing_request *r);

/* Fills what is read of f. On a worker. */
int outbox_read(struct flight *f, struct store_reader *r, struct diag *d);

#endif
