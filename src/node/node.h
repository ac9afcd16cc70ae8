/* The daemon: opens a folder, starts its threads, wires doors to engines.
 *
 * Threads (who may touch what; also in ARCHITECTURE.md):
 *   loop     sockets, timers, drivers, SSE; nothing over 2 ms
 *   log      series engine: define, append, sync          (node/writer.h)
 *   store    SQLite writes                                 (node/storer.h)
 *   worker×2 queries, imports, detectors, maintenance      (node_work) */
#ifndef MO_NODE_NODE_H
#define MO_NODE_NODE_H

#include "base/civil.h"
#include "http/server.h"
#include "node/folder.h"
#include "node/offset.h"
#include "node/storer.h"
#include "node/writer.h"
#include "os/address.h"
#include "os/clock.h"

#define NODE_STUCK_NS (10 * NS_PER_S)
#define NODE_DRAIN_NS (2 * NS_PER_S) /* at the end, running requests get so long to be answered */

struct node;
struct crash;
struct crashes;
struct disk;
struct gauges;
struct ingest;
struct journal;
struct outbox;
struct retentions;
struct filehold;
/* What the service manager may want to know. */
enum node_state {
	NODE_ALIVE, /* once a second, while loop, log and store get on */
	NODE_RELOADING, NODE_RELOADED, /* the settings */
	NODE_STOPPING
};
struct node_options {
	const char *dir;
	const char *listen_address; /* NULL: settings */
	int listen_port;            /* < 0: settings; 0: any */
	const char *version;
	/* What happened, for standard error: called from any thread, one at a time. level: "info", "warn", "error". */
	void (*log)(void *arg, const char *level, const struct diag *d);
	void *log_arg;
	const char *(*code)(enum mo_msg msg); /* stable name of a message; NULL: numbers */
	struct crash *crash; /* NULL: none; its file is opened as soon as the folder is ours (node/crashes.h), and goes at an orderly end */
	void (*state)(void *arg, enum node_state s); /* loop thread; NULL: nobody wants to know */
	void *state_arg;
	const char *helper_path;    /* NULL: moru-helper beside the running program */
	int (*machine)(struct address_list *ret); /* the PC's addresses; NULL: address_machine() */
	int64_t watchdog_ns;        /* 0: NODE_STUCK_NS; a thread that has not got on for so long is said to be stuck */
	bool offline;               /* threads and engines only: no sockets, devices, detectors (commands on a folder that is not served) */
};
/* Opens folder, store, series; recovers. Nothing runs yet. */
MO_MUST_USE int node_open(struct node **ret, struct vfs *vfs, const struct node_options *opt, struct diag *d);
/* Starts threads and listens. */
MO_MUST_USE int node_start(struct node *n, struct diag *d);
/* Runs the loop until node_stop() or SIGTERM/SIGINT, then for at most NODE_DRAIN_NS more while requests are unanswered. */
MO_MUST_USE int node_run(struct node *n, struct diag *d);
void node_stop(struct node *n); /* any thread */
/* Any thread: the node is ending; long work (imports) had better stop where it can go on later. */
bool node_stopping(struct node *n);
/* Ends the threads in the order in which each hands over what it owes, then frees. From the thread of node_run(). */
void node_close(struct node *n);
/* Before node_start(): what takes in a file of the watched folder, on a worker (api/importer.h). MO_EINVAL, MO_ELIMIT, MO_EEXIST: refused
 * for good, and `why` says so to a person; anything else may go better the next time. */
void node_set_importer(struct node *n, int (*fn)(void *arg, struct store_reader *r, const char *path, const char *name, struct buf *why, struct diag *d), void *arg);
/* Before node_start(): {"code","ko","en"} of a diag, for what is kept of a failure where only rooms above know the words. */
void node_set_words(struct node *n, void (*fn)(struct buf *out, const struct diag *d));
/* Before node_start(): the API, which answers requests. */
void node_set_handler(struct node *n, const struct http_handler *h, void *arg);

/* What the rooms above may use. */
struct folder *node_folder(struct node *n);
struct loop *node_loop(struct node *n);
struct clock *node_clock(struct node *n);
struct sdb *node_sdb(struct node *n);
struct writer *node_writer(struct node *n);
struct storer *node_storer(struct node *n);
const struct zone *node_zone(struct node *n);
/* Another zone by its IANA name; the caller frees it. MO_EINVAL, MO_ENOENT: there is none of that name. */
MO_MUST_USE int node_zone_named(struct node *n, struct zone **ret, struct span name, struct diag *d);
/* A copy: SIGHUP may change them at any time. */
void node_settings(struct node *n, struct settings *ret);
uint16_t node_port(struct node *n);
uint32_t node_connections_max(struct node *n); /* at once */
/* Where it listens, in digits. */
const char *node_address(struct node *n);
/* Whether TCP connections speak TLS. */
bool node_tls_on(struct node *n);
/* Loop thread: until when the certificate in use is valid; T_NONE without TLS. */
int64_t node_tls_expires(struct node *n);
/* The certificate (PEM) of the node's own CA, which devices may be told to believe; empty when the folder has none, or a given certificate is
 * used. Never changes while the node runs. */
struct span node_ca(struct node *n);
/* Loop thread: whether its own certificate would be for this name or address. */
bool node_has_name(struct node *n, struct span name);
/* A copy of all of them; any thread. */
struct pki_names;
void node_names(struct node *n, struct pki_names *ret);
int64_t node_started(struct node *n);
struct http_server *node_server(struct node *n);
const struct sdb_recovery *node_recovery(struct node *n);
/* The folder's files, behind the demo's sync delay where there is one. */
struct vfs *node_vfs(struct node *n);
/* History that a demo loads: [from, to), both T_NONE when none. */
void node_history(struct node *n, int64_t *from_ns, int64_t *to_ns);
void node_set_history(struct node *n, int64_t from_ns, int64_t to_ns);
void node_log(struct node *n, const char *level, const struct diag *d);
struct journal *node_journal(struct node *n); /* what node_log() was told */
struct crashes *node_crashes(struct node *n); /* NULL: offline */
const struct gauges *node_gauges(struct node *n);
struct disk *node_disk(struct node *n); /* what room there is (node/disk.h) */

/* Worker pool: fn(arg, reader) on a worker with that worker's store reader. MO_EAGAIN: full; MO_ECANCELED: the node is closing. */
struct work {
	void (*fn)(struct work *w, struct store_reader *r);
	struct work *next;
};
MO_MUST_USE int node_work(struct node *n, struct work *w);

/* Points from any door: resolve keys to ids, define new ones, register their signals. Log thread only (inside wjob.run). */
struct point_key {
	struct span key;    /* canonical series key */
	struct span asset;  /* code */
	struct span signal; /* name */
	struct span label, unit, source;
	enum series_type type;
	enum series_kind kind;
};
MO_MUST_USE int node_resolve(struct node *n, const struct point_key *k, series_id *ret, struct diag *d);
/* Canonical key of (measurement, sorted tags, field) appended to out. */
void series_key_write(struct buf *out, struct span measurement, const struct span *tag_kv, size_t n_tags, struct span field);
/* The asset (tag `asset`, else the measurement) and the field of a canonical key, without escapes; both are reset first. */
void series_key_read(struct span key, struct buf *asset, struct buf *field);
/* Source time rule of DESIGN "The point": quality to store for a value of that time. o: what is known of its device's clock, one per
 * device, log thread only; NULL: nothing. A demo's devices live on the node's own clock: there o has no say. */
uint8_t node_time_quality(struct node *n, struct offset *o, int64_t t_ns, int64_t arrival_ns, bool from_device);
/* Accounts, sessions and tokens (node/accounts.h), and who logs in (node/logins.h); NULL when offline. */
struct accounts *node_accounts(struct node *n);
/* Who is behind a pseudonym (store/people.h); any thread. */
struct people;
struct people *node_people(struct node *n);
struct logins *node_logins(struct node *n);
struct ingest *node_ingest(struct node *n); /* node/ingest.h; NULL: there is none */
/* moru-helper: its calls block, so on a worker only. */
struct helper *node_helper(struct node *n);
/* Threads that have not got on for too long, now and how often since the start. */
void node_watchdog(struct node *n, unsigned *ret_stuck, uint64_t *ret_times);

/* Collectors (node/collect.h), detectors (node/jobs.h), live streams (node/live.h), watched folder (node/watch.h), backups
 * (node/backups.h) hang on the node. */
struct collect *node_collect(struct node *n);
struct jobs *node_jobs(struct node *n);
struct live *node_live(struct node *n);
struct watch *node_watch(struct node *n);
struct backups *node_backups(struct node *n);
struct outbox *node_outbox(struct node *n); /* node/outbox.h; NULL when offline */
struct retentions *node_retentions(struct node *n);
struct filehold *node_files(struct node *n); /* of blobs: node/filehold.h */
struct drills *node_drills(struct node *n);   /* NULL: offline; node/drills.h */
struct exports *node_exports(struct node *n); /* NULL: offline; node/exports.h */

#endif
