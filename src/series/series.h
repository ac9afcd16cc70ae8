/* The time-series engine: values of signals, durable, in order, with their
 * quality and the time they arrived.
 *
 * Point key: (series, source time); a later write wins and whoever replaced
 * something is told how many. Series of kind SEQUENCE (one value per cycle,
 * shot, test) have the key (series, source time, sequence number); writing the
 * same key with the same value again is counted as a repeat, with another
 * value it is refused: a sequence never overwrites.
 *
 * Write path: sdb_append() puts a batch into the log's buffer and into the
 * heads (memory); sdb_sync() makes all appended batches durable with one write
 * and one sync. Nothing may be acknowledged before the sync that covers it.
 * When the heads pass their budget, sdb_maintain() writes them to immutable
 * segments and recycles the log (docs/formats/series.md).
 *
 * Threads: ONE thread (the log thread) calls define, append and sync. ONE
 * thread at a time (a worker) calls sdb_maintain(). Reads come from any thread
 * at any time; a cursor sees the points that were appended when it was opened
 * (synced or not is the writer's affair: the node opens doors for reading only
 * what was acknowledged or is about to be).
 * States: OPEN -> FAILED (a failed log write or sync is final until reopened). */
#ifndef MO_SERIES_SERIES_H
#define MO_SERIES_SERIES_H

#include "base/civil.h"
#include "base/diag.h"
#include "base/uuid.h"
#include "os/vfs.h"

#define SERIES_KEY_MAX 8192u    /* bytes */
#define SERIES_STR_MAX 65536u   /* bytes of one string value */
#define SERIES_COUNT_MAX (1u << 24)
#define SBATCH_POINTS_MAX (1u << 20)
#define SBATCH_BYTES_MAX (64u << 20)

enum series_type { SERIES_F64 = 1, SERIES_I64 = 2, SERIES_BOOL = 3, SERIES_STR = 4 };
enum series_kind { SERIES_CLOCK = 1, SERIES_SEQUENCE = 2 };
/* One byte; OPC UA Part 8 severities with room for reasons below. */
enum quality { Q_GOOD = 0, Q_UNCERTAIN = 64, Q_UNCERTAIN_TIME = 65, Q_GAP_BEFORE = 66, Q_BAD = 128, Q_BAD_COMM = 129, Q_BAD_RANGE = 130 };
static inline bool q_is_bad(uint8_t q) { return q >= Q_BAD; }

typedef uint32_t series_id; /* small, dense, 1-based, stable for the life of the folder */

struct series_def {
	struct uuid uuid;      /* permanent id */
	enum series_type type;
	enum series_kind kind;
	struct span key;       /* canonical: measurement[,tag=value…] field (line protocol escaping, tags sorted); unique */
	struct span unit;      /* symbol, may be empty */
};
union series_value {
	double f64;
	int64_t i64;
	uint8_t b;
	struct span str; /* borrowed */
};

/* ---- batches (write side) ---- */
struct sbatch;
MO_MUST_USE int sbatch_new(struct sbatch **ret);
void sbatch_free(struct sbatch *b);
void sbatch_reset(struct sbatch *b);
/* Arrival time of the whole batch; set before append. A single value may differ: sbatch_point's arrival_ns. Without one (T_NONE) a value
 * counts as arrived at its source time. */
void sbatch_set_arrival(struct sbatch *b, int64_t t_ns);
struct sbatch_point {
	series_id id;
	enum series_type type;
	uint8_t quality;
	int64_t t_ns;
	uint64_t seq;        /* SEQUENCE only, else 0 */
	int64_t arrival_ns;  /* T_NONE: the batch's */
	union series_value v;/* a string is copied */
};
/* MO_ENOMEM, MO_ELIMIT (batch full: append and reset first), MO_EINVAL (id 0, unknown type, time INT64_MIN or INT64_MAX, string over
 * SERIES_STR_MAX). On error the batch is as it was. */
MO_MUST_USE int sbatch_add(struct sbatch *b, const struct sbatch_point *p);
/* n values of one series at once (file import): copies. Quality good, sequence number 0, the batch's arrival.
 * v points to double, int64_t, uint8_t or struct span by type. Errors as sbatch_add. */
MO_MUST_USE int sbatch_add_run(struct sbatch *b, series_id id, enum series_type type, size_t n, const int64_t *t_ns, const void *v);
/* What sdb_append() is to tell about each point of a batch, in the order they were added: one byte a point, of which it sets bits (never
 * clears any; some may be set even where it fails). Borrows the bytes until sbatch_reset(). */
enum { POINT_THERE = 1 /* its key held a value before */, POINT_OTHER = 2 /* another one than this */ };
void sbatch_tell(struct sbatch *b, uint8_t *per_point);
size_t sbatch_points(const struct sbatch *b);
size_t sbatch_bytes(const struct sbatch *b);
/* What a batch holds, per run of one series: *pos starts at 0; false at the end. arrival_*: with the batch's where a value says none. */
struct sbatch_extent {
	series_id id;
	uint64_t n;
	int64_t t_min, t_max, arrival_min, arrival_max;
};
bool sbatch_extents(const struct sbatch *b, size_t *pos, struct sbatch_extent *ret);

/* ---- the engine ---- */
struct sdb;
struct sdb_options {
	uint64_t head_budget_bytes; /* 0: 32 MiB. Memory of heads before maintenance is asked for */
	uint64_t log_file_bytes;    /* 0: 16 MiB. Preallocated, recycled */
	uint32_t block_points;      /* 0: 1024 */
	bool read_only;             /* opens beside nobody; writes nothing, replays the log into memory */
};
struct sdb_recovery {
	uint64_t batches, points;   /* replayed from the log */
	uint64_t torn_bytes;        /* cut off behind the last whole batch */
	char torn_name[256];        /* the last log file in which there were any */
	uint64_t set_aside;         /* files that failed their checks: renamed to NAME.bad, reported, the rest is served */
	char set_aside_name[256];   /* the last of them */
};

/* Opens or makes the folder `path`. Borrows vfs; rec may be NULL. MO_ECORRUPT only when the catalogue itself cannot be trusted; MO_EVERSION;
 * MO_ENOENT: read only, and no folder. Cursors are closed before sdb_close(). */
MO_MUST_USE int sdb_open(struct sdb **ret, struct vfs *vfs, const char *path, const struct sdb_options *opt, struct sdb_recovery *rec,
	struct diag *d);
void sdb_close(struct sdb *db); /* does not sync: what was not acknowledged may go */

/* Finds by key or defines; a new definition is durable with the next sdb_sync(). MO_EEXIST: key exists with another type or kind
 * (diag: field = key, value = the asked type, expected = the stored one). The uuid of an existing series is kept. */
MO_MUST_USE int sdb_define(struct sdb *db, const struct series_def *def, series_id *ret, bool *ret_new, struct diag *d);
/* Any thread. MO_ENOENT. */
MO_MUST_USE int sdb_find(struct sdb *db, struct span key, series_id *ret);
MO_MUST_USE int sdb_find_uuid(struct sdb *db, const struct uuid *u, series_id *ret);
/* Any thread. Spans live as long as the engine. */
MO_MUST_USE int sdb_get_def(struct sdb *db, series_id id, struct series_def *ret);
series_id sdb_max_id(struct sdb *db); /* ids are 1..max, all defined */

struct sdb_appended {
	uint64_t taken;    /* new keys */
	uint64_t replaced; /* CLOCK: a value of the same key was there before (equal or not) */
	uint64_t repeated; /* SEQUENCE: same key, same value: nothing changed */
	uint64_t refused;  /* SEQUENCE: same key, another value: kept the old; diag names the first */
	uint64_t offset;   /* log offset that a sync must pass before this may be acknowledged */
};
/* taken + replaced + repeated + refused == points. All or nothing on error. MO_EAGAIN: heads over twice their budget, call maintain
 * and wait; MO_ENOENT: an id that is not defined; MO_EINVAL: values of another type, a sequence number for kind CLOCK; MO_EFULL: no room for
 * another log file (try again later); MO_ESTATE after a failure. */
MO_MUST_USE int sdb_append(struct sdb *db, const struct sbatch *b, struct sdb_appended *ret, struct diag *d);
/* Everything appended before the call is durable on return. *ret_offset: the offset now covered. */
MO_MUST_USE int sdb_sync(struct sdb *db, uint64_t *ret_offset, struct diag *d);
uint64_t sdb_synced_offset(struct sdb *db); /* any thread */
uint64_t sdb_sync_count(struct sdb *db);    /* any thread: successful syncs of the log so far */

/* Whether heads are over budget (or small segments wait to be merged). */
bool sdb_wants_maintain(struct sdb *db);
/* Any thread: whether segments are merged, which takes room for a while; they are, until this says otherwise. */
void sdb_set_merging(struct sdb *db, bool merging);
/* Writes the heads to a segment when they are over budget (or the log is long), merges neighbouring segments (one run a call), recycles log
 * files. `all`: flushes whatever is in the heads and merges until nothing is left to merge. After an error the next call goes on where this
 * one stopped; nothing that was readable is lost. MO_ECORRUPT: a block of a segment failed its checksum while merging; that segment stays
 * as it is and is left out from then on. */
MO_MUST_USE int sdb_maintain(struct sdb *db, bool all, struct diag *d);

/* ---- what a rule of retention gives up ---- */
struct sdb_numbers {
	uint64_t first, last; /* both included */
};
struct sdb_limit {
	int64_t before_ns; /* values of a source time before this go; INT64_MIN: none do */
	const struct sdb_numbers *keep; /* SEQUENCE: but for these; in order, apart from each other */
	size_t n_keep;
};
struct sdb_drop {
	const struct sdb_limit *limit; /* of series id at [id - 1] */
	series_id n_limits;            /* of what is beyond nothing goes */
	uint64_t values, bytes, segments; /* dropped so far; size by which segments shrank; segments written anew */
	uint64_t damaged, full;        /* segments left as they are: they cannot be read; there is no room to write the rest */
	bool begun;                    /* the engine's; all zero at first */
	uint64_t done, last;
};
/* One segment's worth: MO_EAGAIN: call again; 0: nothing is left to drop of what was there at the first call. Borrows what q points to. The
 * thread of sdb_maintain(), which may be called in between. Each step is durable on return, and whole or not done after a power cut; after an
 * error the next call goes on. The newest time of a series always stays. Readers see what they saw when they began. */
MO_MUST_USE int sdb_drop(struct sdb *db, struct sdb_drop *q, struct diag *d);

/* ---- reading ---- */
struct sdb_batch {
	size_t n;               /* 0: the end */
	const int64_t *t_ns;
	const uint64_t *seq;    /* NULL for CLOCK */
	const uint8_t *quality; /* NULL: all good */
	const int64_t *arrival_ns; /* to within a second of the truth; NULL unless asked for */
	union {
		const double *f64;
		const int64_t *i64;
		const uint8_t *b;
		const struct span *str;
	};
};
struct sdb_range {
	int64_t from_ns, to_ns; /* [from, to); INT64_MIN, INT64_MAX: open */
	bool descending;
	bool want_arrival;
};
struct sdb_cursor;
MO_MUST_USE int sdb_read(struct sdb *db, struct sdb_cursor **ret, series_id id, const struct sdb_range *range, struct diag *d);
/* In order of (time, seq). The batch's memory is the cursor's until the next call. MO_ECORRUPT names the file (MO_EVERSION: the codec that
 * this program does not know); that block is skipped by the next call. */
MO_MUST_USE int sdb_next(struct sdb_cursor *c, struct sdb_batch *ret, struct diag *d);
void sdb_cursor_close(struct sdb_cursor *c);

/* All series as they stand at one moment: of a batch that was appended all is in it, or nothing. Writing and maintenance go on; the memory of the
 * heads and the segments' files that it needs stay until it is freed, before the engine is closed. Any thread. */
struct sdb_view;
MO_MUST_USE int sdb_view(struct sdb_view **ret, struct sdb *db, struct diag *d);
void sdb_view_free(struct sdb_view *v);
series_id sdb_view_max_id(const struct sdb_view *v); /* ids are 1..max */
/* sdb_read() of what the view holds. The cursor may outlive it. */
MO_MUST_USE int sdb_view_read(const struct sdb_view *v, struct sdb_cursor **ret, series_id id, const struct sdb_range *range, struct diag *d);

struct sdb_point {
	int64_t t_ns, arrival_ns;
	uint64_t seq;
	uint8_t quality;
	enum series_type type;
	union series_value v;
	char str[64]; /* a string value: v.str points here, cut at a UTF-8 boundary */
};
/* The point with the greatest key, from memory, never a file. Any thread, O(1). MO_ENOENT: no value yet. */
MO_MUST_USE int sdb_last(struct sdb *db, series_id id, struct sdb_point *ret);

/* Per pixel: the envelope, from block statistics where a block lies inside one. Numbers and booleans only (MO_ESTATE for strings).
 * Values of bad quality and NaN are left out and counted as bad. MO_ECORRUPT, MO_EVERSION: a block could not be read; the bins are
 * filled with the rest all the same. MO_EINVAL: n is 0 or over SDB_BINS_MAX, or from >= to. */
struct sdb_bin {
	uint64_t count, bad;
	double min, max, sum, first, last; /* NaN when count == 0 */
	int64_t first_ns, last_ns;
};
#define SDB_BINS_MAX 10000u
/* bins[i] covers [from + i*(to-from)/n, from + (i+1)*(to-from)/n), 128-bit arithmetic. */
MO_MUST_USE int sdb_chart(struct sdb *db, series_id id, int64_t from_ns, int64_t to_ns, size_t n, struct sdb_bin *bins, struct diag *d);
/* First and last time (T_NONE: no point) and number of points, from the index; read in full only where a segment was set aside. */
struct sdb_extent {
	uint64_t points;
	int64_t first_ns, last_ns;
};
MO_MUST_USE int sdb_extent(struct sdb *db, series_id id, struct sdb_extent *ret, struct diag *d);

struct sdb_stats {
	uint64_t series, points_head, points_segments, segments, bytes_segments, bytes_log, bytes_heads;
};
void sdb_stats(struct sdb *db, struct sdb_stats *ret);

/* ---- a copy of the folder ---- */
/* A file as it stood at one moment: so many of its first bytes count. Nothing that they hold changes until sdb_hold_done(). */
struct sdb_held {
	char name[40];
	uint64_t size_bytes;
	char key[96]; /* tells a file that never changes from any other of its name; "": it may change */
};
struct sdb_hold;
/* All files that a start from a copy needs, which then holds everything that was durable when this was called, whole batches all. Any thread;
 * writing, reading and maintenance go on, and what they replace stays on disk until it was read or let go. MO_ECORRUPT, MO_EVERSION: the
 * manifest. One thread at a time uses what is held. Closed before the engine. */
MO_MUST_USE int sdb_hold(struct sdb_hold **ret, struct sdb *db, struct diag *d);
/* The same of a folder that nobody has open. Borrows path too. */
MO_MUST_USE int sdb_hold_folder(struct sdb_hold **ret, struct vfs *vfs, const char *path, struct diag *d);
/* Log files come first: read them without delay, as they cannot be used again meanwhile. */
size_t sdb_hold_count(const struct sdb_hold *h);
const struct sdb_held *sdb_hold_file(const struct sdb_hold *h, size_t i);
/* Exactly n bytes within the file's size. MO_ECORRUPT: the file is shorter. */
MO_MUST_USE int sdb_hold_read(struct sdb_hold *h, size_t i, uint64_t offset, uint8_t *p, size_t n, struct diag *d);
void sdb_hold_done(struct sdb_hold *h, size_t i); /* once a file: it is needed no more */
void sdb_hold_free(struct sdb_hold *h);

/* ---- inspection ---- */
/* Verifies every checksum and invariant of every file below path; calls say() with one diag per finding; 0 when all is whole, else
 * MO_ECORRUPT or MO_EVERSION of the first one. Nobody else has the folder open. */
MO_MUST_USE int sdb_check(struct vfs *vfs, const char *path, void (*say)(void *arg, const struct diag *d), void *arg, uint64_t *ret_files);
/* With a stop, as below. */
MO_MUST_USE int sdb_check_until(struct vfs *vfs, const char *path, bool (*stop)(void *arg), void (*say)(void *arg, const struct diag *d), void *arg,
	uint64_t *ret_files);
/* The same of the folder that db serves: as it stands at the call, the log up to what was synced then. Any thread; writing, reading and
 * maintenance go on, and what they replace meanwhile is no finding (it stays on disk until it was looked at). stop (may be NULL) is asked
 * between blocks: true ends the check with MO_ECANCELED. Not told, because maintenance has such files too: a stray segment with a number
 * that was not given out yet. Memory: one block, and the definitions of all series. */
MO_MUST_USE int sdb_check_live(struct sdb *db, bool (*stop)(void *arg), void (*say)(void *arg, const struct diag *d), void *arg, uint64_t *ret_files);
/* One of our files in words (log, segment, catalogue), for `moru debug`. MO_EINVAL: not ours. */
MO_MUST_USE int series_debug_file(struct vfs *vfs, const char *path, struct buf *out, struct diag *d);

#endif
