/* The node's inside, for the files of this room alone. */
#ifndef MO_NODE_PRIV_NODE_H
#define MO_NODE_PRIV_NODE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/map.h"
#include "node/accounts.h"
#include "node/backups.h"
#include "node/collect.h"
#include "node/connections.h"
#include "node/crashes.h"
#include "node/drills.h"
#include "node/exports.h"
#include "node/filehold.h"
#include "node/disks.h"
#include "node/gauges.h"
#include "node/helper.h"
#include "node/ingest.h"
#include "node/jobs.h"
#include "node/listen.h"
#include "node/journal.h"
#include "node/live.h"
#include "node/logins.h"
#include "node/node.h"
#include "node/outbox.h"
#include "node/priv/tls.h"
#include "node/retentions.h"
#include "node/watch.h"
#include "node/watchdog.h"
#include "os/signals.h"
#include "os/thread.h"

#define NODE_WORKERS 2u
#define NODE_QUEUE 4096u

/* Makes the signal rows that series lack (signals.c). Any thread but the store's. */
MO_MUST_USE int signals_repair(struct node *n, struct store_reader *r, struct diag *d);
/* Gives the store again the rows that it had no room or no luck for (resolve.c). Any thread. */
void signals_late(struct node *n);
/* struct node: gives the store the rows of the series that the last sync made durable. Log thread. */
void signals_synced(void *node);
/* When the log and store threads have ended: the next start makes what is left from the series' keys. */
void signals_late_free(struct node *n);

struct worker {
	struct node *node;
	pthread_t thread;
	bool started;
	struct store_reader *reader;
	_Atomic int64_t busy_since_ns; /* 0: waits for work */
};
struct node {
	struct vfs *vfs;      /* borrowed: the real files */
	struct vfs *slow;     /* owned: vfs with the demo's sync delay, or NULL */
	struct node_options opt;
	char address[LISTEN_TEXT_MAX];
	int port_wanted;
	struct folder *folder;
	struct journal *journal;
	struct crashes *crashes;
	struct clock *clock;
	struct zone *zone;
	struct store *store;
	struct sdb *sdb;
	struct sdb_recovery recovery;
	struct loop *loop;
	struct node_tls *tls; /* NULL: offline */
	struct http_server *server;
	struct ingest *ingest; /* NULL: off */
	const struct http_handler *handler;
	void *handler_arg;
	struct writer *writer;
	struct storer *storer;
	struct bqueue *work;
	struct worker workers[NODE_WORKERS];
	struct signals *signals;
	struct loop_fd *signal_fd;
	struct loop_timer *second; /* once a real second: last time, jobs, helper */
	_Atomic int64_t beat_ns;   /* monotonic: of the last such second; 0: the loop does not run */
	struct loop_post stop_post;
	atomic_bool stopping;      /* asked to end */
	atomic_bool said_machine;  /* that the PC's addresses cannot be found out */
	struct loop_timer *drain;  /* while it ends */
	int64_t drain_until_ns;
	bool closing;              /* loop thread: node_close() */
	int64_t said_backwards_ns; /* of clock_backwards() */
	struct watchdog *watchdog;
	atomic_uint unwell; /* threads that the node cannot do without, and that are stuck */
	struct disks *disks;
	struct gauges *gauges;
	struct helper *helper;
	struct accounts *accounts;
	struct logins *logins;
	struct collect *collect;
	struct jobs *jobs;
	struct live *live;
	struct watch *watch;
	struct backups *backups;
	struct outbox *outbox;
	struct retentions *retentions;
	struct filehold files; /* of blobs */
	struct exports *exports;
	struct drills *drills;
	void (*words)(struct buf *out, const struct diag *d);
	int (*importer)(void *arg, struct store_reader *r, const char *path, const char *name, struct buf *why, struct diag *d);
	void *importer_arg;
	int64_t started_ns;
	struct work repair;          /* signals_repair() on a worker */
	atomic_bool signals_missing; /* a row found no room in the store's queue, nor among late_rows */
	atomic_bool repairing;
	struct work trim_work;       /* of connections.c */
	struct connections_trim trim;
	uint32_t connections_max;
	atomic_bool trimming;
	struct sjob *new_rows, **new_rows_end; /* of resolve.c: their series wait for a sync; log thread */

	pthread_mutex_t mu; /* below */
	struct settings settings;
	int64_t history_from_ns, history_to_ns;
	struct labels *labels;  /* of labels.c; NULL: no documents read yet */
	struct sjob *late_rows; /* of resolve.c */
	unsigned n_late_rows;
};

/* What a run before noted under this name. Empty: nothing, or it lies on a page of store.db that is damaged, which the store tells of; the node
 * starts all the same. Other errors as store_get_mark() has them. */
MO_MUST_USE int node_mark(struct store_reader *r, struct span name, struct buf *ret);

/* Words for an error that brought none: those of the store's damaged page, where there is one. Gives err. */
int node_words(const struct node *n, int err, struct diag *d);

#endif
