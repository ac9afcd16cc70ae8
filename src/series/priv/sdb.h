/* The engine's inside: what its files share.
 *
 *   sdb.c      open, close, definitions, the plain questions
 *   recover.c  what open finds on disk
 *   apply.c    a batch into the heads: new, replaced, repeated, refused; undone as a whole
 *   lookup.c   whether a key is in a frozen head or a segment
 *   maintain.c flush and what becomes of log files; merge.c segments into one
 *   read.c     cursors; mcur.c the merge of sources below them; chart.c
 *
 * Locks: `mu` guards heads, the list of segments and `applied`; `names` the two
 * maps. `files` is held while the list, its manifest and the segment files on
 * disk change together, or are looked at together. Order: files, mu, names. `pub` of a series is a sequence lock, so that
 * the last value costs readers nothing. The table of series only grows. */
#ifndef MO_SERIES_PRIV_SDB_H
#define MO_SERIES_PRIV_SDB_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/map.h"
#include "series/priv/head.h"
#include "series/priv/manifest.h"
#include "series/priv/segment.h"
#include "series/priv/wal.h"
#include "series/series.h"

#define TABLE_PAGE 4096u
#define TABLE_PAGES (SERIES_COUNT_MAX / TABLE_PAGE + 1u)
#define PUB_WORDS 13u /* time, arrival, sequence, quality and length, value, 64 bytes of text */
#define LOOKUP_SLOTS 128u
#define LOG_FILES_WANTED 4u /* more live log files than this ask for a flush */
#define MERGE_RUN_MIN 4u
#define MERGE_RUN_MAX 16u
#define MERGE_BYTES_MAX (256u << 20)
#define MERGE_TIER_BYTES (1u << 20)
#define MERGE_STALE_PART 8u  /* a segment that replaces so much of what is older (1/8) is merged with its neighbour */
#define MERGE_STALE_RATIO 8u /* unless that is so many times larger: then rewriting it for every flush costs more */

struct series {
	series_id id;
	struct series_def def; /* spans into text */
	uint8_t *text;
	struct head head;    /* mu */
	struct head *frozen; /* mu; being written to a segment, nobody changes it; NULL: none */
	bool listed;         /* in the engine's list of heads with points */
	bool has_arr, has_last;
	int64_t lag, arr; /* how the last arrivals ran: a steady lag, or one arrival for many */
	struct pkey last; /* the greatest key anywhere */
	/* as it was before the batch under way */
	struct series *touched;
	bool is_touched, last_changed;
	struct {
		bool has_arr, has_last, listed;
		int64_t lag, arr;
		struct pkey last;
		uint64_t points, fresh;
	} saved;
	_Atomic uint64_t pub_seq; /* odd: being written; 0: no value yet */
	_Atomic uint64_t pub[PUB_WORDS];
};

struct frozen_head {
	struct series *s;
	struct head h;
};
struct undo {
	struct series *s;
	bool inserted; /* else exchanged, p is what was there */
	struct pkey key;
	struct hpoint p;
};
struct lookup_slot {
	struct seg *seg; /* borrowed: the slot is emptied before the segment leaves the list */
	const struct sentry *e;
	uint32_t id, block;
	bool loaded, values; /* values: with them, not only the keys */
	struct cols c;
	struct blockbuf buf;
};

struct sdb {
	struct vfs *vfs;
	char *path;
	struct sdb_options opt;
	pthread_mutex_t files, mu;
	pthread_rwlock_t names;
	struct map by_key, by_uuid;
	_Atomic uint32_t max_id;
	_Atomic(struct series **) page[TABLE_PAGES];

	/* log thread */
	struct wal wal;
	bool defs_pending; /* definitions that only an older run's log holds are to be repeated */
	struct undo *undo;
	size_t nundo, undo_cap;

	/* mu */
	struct headmem mem;
	uint64_t applied;  /* log position that the heads hold */
	uint64_t log_from; /* log position that the manifest gives */
	uint64_t points_head;
	struct series **dirty;
	size_t ndirty, dirty_cap;
	struct seg **seg; /* by flush range */
	size_t nseg, seg_cap;
	bool inexact; /* a segment is missing: counts of distinct points need a full read */
	uint64_t cat_bytes;
	uint32_t cat_series;
	struct lookup_slot *lookup;

	/* maintenance thread */
	uint64_t next_seg, next_flush;
	struct frozen_head *frozen;
	size_t nfrozen;
	bool has_frozen;
	uint64_t frozen_upto;
	uint32_t frozen_max_id;
	struct seg *ready; /* written, not in the manifest yet: committed first thing next time */
	bool ready_merge;
	struct seg **zombie; /* replaced, unlinked when no cursor holds them; with `files` held */
	size_t nzombie, zombie_cap;
	_Atomic bool failed, no_merging;
};

/* NULL for an id that is not defined. Any thread. */
struct series *sdb_series(struct sdb *db, series_id id);
/* Adds to table and maps; the caller knows that id is max + 1 and the key new. */
MO_MUST_USE int sdb_add_series(struct sdb *db, series_id id, const struct series_def *def);
/* Publishes s's last point for sdb_last. */
void sdb_publish(struct series *s, const struct sdb_point *p);
MO_MUST_USE int sdb_recover(struct sdb *db, struct sdb_recovery *rec, struct diag *d);

/* apply.c; mu held. Whether the batch fits the definitions: MO_ENOENT, MO_EINVAL. */
MO_MUST_USE int apply_check(struct sdb *db, struct span payload, struct diag *d);
/* tell: as sbatch_tell(), or NULL. */
MO_MUST_USE int apply_batch(struct sdb *db, struct span payload, uint8_t *tell, struct sdb_appended *ret, struct diag *d);

/* lookup.c; mu held. Whether a frozen head or a segment holds the key, and (ret_equal not NULL) whether its value is v. */
MO_MUST_USE int lookup_older(
        struct sdb *db, struct series *s, struct pkey key, const union series_value *v, bool *ret_there, bool *ret_equal);
void lookup_forget(struct sdb *db, const struct seg *seg);
void lookup_free(struct sdb *db);
bool series_value_equal(uint8_t type, const union series_value *a, const union series_value *b);
union series_value chunk_value(const struct chunk *c, uint32_t i);

/* maintain.c */
MO_MUST_USE int seg_list_add(struct seg ***list, size_t *n, size_t *cap, struct seg *s);
/* The manifest of the list as it is, with `add` in place of what its range covers (NULL: nothing). */
MO_MUST_USE int sdb_write_manifest(struct sdb *db, struct seg *add, uint64_t upto, struct diag *d);
bool seg_covers(const struct seg *a, const struct seg *b);
/* For drop.c; maintenance thread. Everything appended so far is in segments on return. */
MO_MUST_USE int maintain_flush(struct sdb *db, struct diag *d);
/* Finishes what an earlier call left; then puts `add` (NULL: nothing; else owned from now on) in the place of what its range covers. */
MO_MUST_USE int maintain_commit(struct sdb *db, struct seg *add, struct diag *d);
/* Removes the files of what was replaced and is not being read. */
MO_MUST_USE int maintain_tidy(struct sdb *db, struct diag *d);

/* merge.c: a new segment from adjacent ones; *ret NULL: nothing to do. */
MO_MUST_USE int merge_some(struct sdb *db, struct seg **ret, struct diag *d);
bool merge_wanted(struct sdb *db); /* mu held */
/* Whether a block goes over as it is: when it is large enough to stay one, and does not hold the series' last point. */
bool merge_worth_copying(const struct sdb *db, const struct bentry *e, struct pkey last);
struct mslice;
MO_MUST_USE int merge_copy_block(struct segwriter *w, struct mslice *s, struct diag *d);

#endif
