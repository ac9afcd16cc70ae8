/* Everything durable but series: assets, lots, events, operations, cases,
 * blobs, settings, on SQLite over our vfs (store/sqlitevfs.h), with numbered
 * migrations and a change feed.
 *
 * Threads: ONE writer (the store thread) owns `struct store`; any number of
 * `struct store_reader`, one a thread at a time, see committed states.
 * Writing: store_begin(), calls, store_commit() (durable on return) or
 * store_rollback(); savepoints let one request of a batch fail alone. Every
 * change gets a number in the change feed within the same transaction. */
#ifndef MO_STORE_STORE_H
#define MO_STORE_STORE_H

#include "base/table.h"
#include "base/buf.h"
#include "lots/genealogy.h"
#include "lots/records.h"
#include "os/vfs.h"

struct store;
struct store_reader;

/* Opens or makes DIR/store.db, migrating when older. MO_EVERSION: a newer program wrote it. MO_ECORRUPT. Borrows vfs. */
MO_MUST_USE int store_open(struct store **ret, struct vfs *vfs, const char *path, struct diag *d);
void store_close(struct store *s);
/* What opening found damaged and went on with; NULL: nothing. The store's, until it is closed. */
const struct diag *store_opened_damaged(const struct store *s);
/* Pages of the database that failed their checksum since it was opened, by whichever connection: how many different ones (counted up to 64), and
 * the words for the one with this index, where there is one, into ret. MO_ECORRUPT: what needs such a page fails so, with the same words;
 * the rest goes on, also in a transaction, after store_undo(). Any thread. */
size_t store_damage(const struct store *s, size_t i, struct diag *ret);
unsigned store_version(void); /* schema version this program writes */
/* integrity_check, foreign keys, the files of the blobs, and our own invariants; say() per finding. Sees the store as it stood at one moment;
 * the writer goes on meanwhile. A reader of its own for the check sees what is on disk, not what it once read. stop (may be NULL) is asked now
 * and then: true ends the check with MO_ECANCELED. */
MO_MUST_USE int store_check(struct store_reader *r, bool (*stop)(void *arg), void (*say)(void *arg, const struct diag *d), void *arg, struct diag *d);

MO_MUST_USE int store_begin(struct store *s, struct diag *d);
MO_MUST_USE int store_commit(struct store *s, struct diag *d);
void store_rollback(struct store *s);
MO_MUST_USE int store_savepoint(struct store *s, struct diag *d);         /* nested once */
MO_MUST_USE int store_release(struct store *s, struct diag *d);           /* keeps what was done since */
void store_undo(struct store *s);                                         /* drops it; where that fails, all later calls but rollback say MO_ESTATE */
/* What the node's clock shows now, for calls that are told no time: when a blob came last (store/sweep.h). */
void store_time(struct store *s, int64_t now_ns);
/* Number of the last change of the open or last transaction. The change feed names (noun, key): asset CODE, signal SERIES, lot FIRM/NUMBER,
 * link PARENT > CHILD, operation, event and characteristic by the sender's id, state ASSET, case ID, doc CLASS/NAME, blob HEX, import ID. Its
 * times are the latest node time that any call has brought (arrival_ns, now_ns, raised_ns). */
int64_t store_last_change(struct store *s);

/* What a put did. */
enum store_did { STORE_NEW, STORE_CHANGED, STORE_SAME };
/* One record, checked by record_check() here. Lots and assets named but unknown are made (kind from the place they are named in), so records
 * may come in any order; places and partners are kept as text and make nothing. What a record does not say stays as it was. arrival_ns is
 * kept, of what comes again the first. MO_EEXIST: an event or characteristic id with other content; MO_ESTATE: a state change that
 * lot_may() forbids; MO_EINVAL: record_check(), an end before its start, an asset above itself, data that is no JSON object. These leave
 * the transaction as it was; after any other error of any put only store_rollback() (or store_undo()) makes sense. */
MO_MUST_USE int store_put_record(struct store *s, const struct record *r, int64_t arrival_ns, enum store_did *ret, struct diag *d);

/* Idempotency keys of requests: 0 and the stored answer when the key was seen with the same body digest; MO_ENOENT when new; MO_EEXIST when
 * seen with another body. Kept 7 days of node time. */
MO_MUST_USE int store_idem_get(struct store *s, struct span key, const uint8_t digest[32], struct buf *answer, struct diag *d);
MO_MUST_USE int store_idem_put(struct store *s, struct span key, const uint8_t digest[32], struct span answer, int64_t now_ns, struct diag *d);

/* Signals: which series is what on which asset. Made when a device or door first names it. */
struct store_signal {
	struct uuid series;
	struct span asset;  /* code; made when unknown */
	struct span name;   /* "peak_pressure" */
	struct span label;  /* shown; may be empty */
	struct span unit;   /* symbol */
	struct span source; /* "device:NAME", "http", "file:NAME" */
	int type, kind;     /* enum series_type, series_kind */
};
MO_MUST_USE int store_put_signal(struct store *s, const struct store_signal *sig, enum store_did *ret, struct diag *d);
/* Label and unit of the signals that an asset's senders named themselves: those of source "http", and of none. words() gives both for a name (each
 * may be empty: none); false says nothing of it, which takes them from one of source "http". An asset that is not there has no signals. */
MO_MUST_USE int store_name_signals(struct store *s, struct span asset, bool (*words)(void *arg, struct span name, struct span *label, struct span *unit),
	void *arg, struct diag *d);

/* Documents with history and undo: devices, shifts, mappings, settings, sinks, certificates. One JSON object each, by (class, name). */
enum store_doc { DOC_DEVICE, DOC_SHIFT, DOC_MAPPING, DOC_SETTING, DOC_SINK, DOC_TRUST, DOC_CLASSES };
const char *store_doc_name(enum store_doc c);
/* version_expected: -1 any, 0 not there; else MO_ESTATE when it is not the stored one (two people editing). json.p == NULL deletes
 * (MO_ENOENT). The same content again makes no version. */
MO_MUST_USE int store_put_doc(struct store *s, enum store_doc c, struct span name, struct span json, int64_t version_expected, struct span who,
	int64_t now_ns, int64_t *ret_version, struct diag *d);
/* Brings back what stood before the last change, as a new version; repeated, goes further back, down to "not there". MO_ENOENT, MO_ESTATE. */
MO_MUST_USE int store_undo_doc(struct store *s, enum store_doc c, struct span name, struct span who, int64_t now_ns, int64_t *ret_version, struct diag *d);

/* Machine states: intervals of one asset, without overlap. Replaces whatever lay in [from, to) by the given ones
 * (in order, without overlap, inside the range; gaps stay gaps); what reached over an edge is cut there; equal neighbours become one. */
enum machine_state { MSTATE_NO_DATA, MSTATE_RUNNING, MSTATE_WAITING, MSTATE_STOPPED, MSTATE_PLANNED, MSTATES };
const char *machine_state_name(enum machine_state s); /* "no_data", "running", "waiting", "stopped", "planned" */
struct store_state {
	int64_t from_ns, to_ns;
	enum machine_state state;
	int alarm; /* code the machine gave; 0 none */
};
MO_MUST_USE int store_put_states(struct store *s, struct span asset, int64_t from_ns, int64_t to_ns, const struct store_state *states, size_t n, struct diag *d);

/* Cases: one live case (neither over nor closed) per (asset, cause); the same key again extends it and merges its evidence (RFC 7396).
 * Once over or closed, a sighting that overlaps its interval still belongs to it, so that what runs again over the same data changes
 * nothing; a later one opens a new case. A person may set any state after any other; closed is final. */
enum case_state { CASE_OPEN, CASE_SEEN, CASE_IN_WORK, CASE_DONE, CASE_CLOSED, CASE_STATES };
const char *case_state_name(enum case_state s);
MO_MUST_USE int case_state_parse(enum case_state *ret, struct span s);
struct store_case {
	struct span asset;    /* code */
	struct span cause;    /* stable: "level_shift:peak_pressure", "stop", "late_data" */
	struct span kind;     /* "level_shift", "stop", "late_data", "missing_data" */
	int64_t begin_ns;     /* of what was seen, source time */
	int64_t end_ns;       /* T_NONE while it lasts */
	int64_t raised_ns;    /* node time at which it was first raised */
	struct lot_key lot;   /* where known */
	struct span evidence; /* JSON object: numbers, series, lots */
	bool over;            /* what was seen has ended: a later one of the same key opens a new case */
};
MO_MUST_USE int store_put_case(struct store *s, const struct store_case *c, int64_t *ret_id, enum store_did *ret, struct diag *d);
/* MO_ENOENT; MO_ESTATE when the transition is not allowed. */
struct store_case_note {
	struct span who;    /* account, token */
	struct span note;
	struct span person; /* whom the note is about, name or pseudonym: it is sealed under their key then; or none */
};
MO_MUST_USE int store_case_state(struct store *s, int64_t id, enum case_state to, const struct store_case_note *n, int64_t now_ns, struct diag *d);

/* Blobs: bytes addressed by SHA-256, in DIR/blobs/ab/cdef…, with a tree digest (RFC 6962) over 1 MiB chunks. Streaming. DIR is the folder
 * of the store's path. After any error only blob_abort() may follow. MO_ELIMIT past BLOB_BYTES_MAX. */
#define BLOB_BYTES_MAX (UINT64_C(4) << 30)
struct blob_writer;
MO_MUST_USE int blob_begin(struct store *s, struct blob_writer **ret, struct diag *d);
MO_MUST_USE int blob_write(struct blob_writer *w, struct span bytes, struct diag *d); /* any one thread */
/* File durable under its name; the row goes into the open transaction. */
MO_MUST_USE int blob_end(struct blob_writer *w, struct store *s, struct span media_type, struct span name, uint8_t ret_sha256[32], struct diag *d);
void blob_abort(struct blob_writer *w); /* NULL ok; also frees after blob_end */

/* Imports: one row each, with its result (JSON) and the refused rows as a blob or none. */
MO_MUST_USE int store_put_import(struct store *s, struct span id, struct span file_name, const uint8_t sha256[32], struct span state, struct span json,
	int64_t now_ns, struct diag *d);

/* Accounts, their sessions, tokens: store/accounts.h. How far sinks have got: store/outbox.h. */

/* Audit trail of what people and doors changed. */
MO_MUST_USE int store_audit(struct store *s, int64_t now_ns, struct span who, struct span what, struct span target, struct span json, struct diag *d);

/* Small durable values of the node itself (watermarks, cursors): by name, any bytes. */
MO_MUST_USE int store_put_mark(struct store *s, struct span name, struct span value, struct diag *d);

/* ---- reading: named statements (store/queries.h holds the table) ---- */
MO_MUST_USE int store_reader_open(struct store_reader **ret, struct vfs *vfs, const char *path, struct diag *d);
void store_reader_close(struct store_reader *r);
/* The reader's own SQLite connection, for room query, which lets people ask in SQL. The reader's: never closed, used by its thread only, and
 * nothing may be asked of the reader otherwise once it was changed. */
struct sqlite3;
struct sqlite3 *store_reader_sqlite(struct store_reader *r);
/* Whether an SQLite result of that connection says that a page is damaged; then d says which, and that is MO_ECORRUPT. */
bool store_reader_damaged(struct store_reader *r, int rc, struct diag *d);

/* From now until store_hold_end() the database as the reader sees it now can be copied from its files, by plain reads: first store.db, and then,
 * where *ret_log, store.db-wal, whose whole frames put right whatever changed in the pages meanwhile (then the copy may hold later commits too,
 * each whole). Without *ret_log the database alone is it. Writing goes on; the write-ahead log cannot be emptied meanwhile and grows. */
MO_MUST_USE int store_hold(struct store_reader *r, bool *ret_log, struct diag *d);
void store_hold_end(struct store_reader *r); /* NULL, or not held: nothing */
/* Of such a copy, before it is opened: cuts its write-ahead log where the first frame does not fit, which in a log that nobody copied meanwhile would
 * be damage. path is the database's; no log: nothing to do. */
MO_MUST_USE int store_copy_settle(struct vfs *vfs, const char *path, struct diag *d);

struct store_arg {
	enum { SARG_NULL, SARG_I64, SARG_F64, SARG_TEXT, SARG_BYTES } kind;
	union {
		int64_t i;
		double f;
		struct span s;
	};
};
static inline struct store_arg sarg_i(int64_t v) { return (struct store_arg){.kind = SARG_I64, .i = v}; }
static inline struct store_arg sarg_s(struct span v) { return (struct store_arg){.kind = v.p ? SARG_TEXT : SARG_NULL, .s = v}; }
static inline struct store_arg sarg_b(struct span v) { return (struct store_arg){.kind = v.p ? SARG_BYTES : SARG_NULL, .s = v}; }
static inline struct store_arg sarg_null(void) { return (struct store_arg){.kind = SARG_NULL}; }

#include "store/queries.h" /* enum store_query */

/* Opens a cursor over one named statement. One transaction a cursor; several may be open. Borrows args during the call. */
MO_MUST_USE int store_select(struct store_reader *r, struct table_cursor **ret, enum store_query q, const struct store_arg *args, size_t n_args,
	struct diag *d);
/* The bytes of a mark. MO_ENOENT. */
MO_MUST_USE int store_get_mark(struct store_reader *r, struct span name, struct buf *ret, struct diag *d);
/* Current JSON and version of a document. MO_ENOENT. */
MO_MUST_USE int store_get_doc(struct store_reader *r, enum store_doc c, struct span name, struct buf *json, int64_t *ret_version, struct diag *d);
/* Opens a blob's file for reading. MO_ENOENT. */
MO_MUST_USE int store_open_blob(struct store_reader *r, const uint8_t sha256[32], struct vfs_file **ret, uint64_t *ret_size, struct diag *d);
/* Row id of a lot; MO_ENOENT. */
MO_MUST_USE int store_lot_id(struct store_reader *r, struct lot_key key, int64_t *ret, struct diag *d);
/* The unit of a link's quantity into ret, which is reset first and stays empty when none was said, or there is no such link. */
MO_MUST_USE int store_link_unit(struct store_reader *r, int64_t parent, int64_t child, struct buf *ret, struct diag *d);
/* gen_links_fn over a reader (arg). */
MO_MUST_USE int store_links(void *reader, int64_t lot, bool down, const struct gen_link **ret, size_t *ret_n, struct diag *d);

#endif
