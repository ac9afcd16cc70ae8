/* Taking away what rules of retention let go: closed cases, the beginning of the
 * audit trail, blobs that nothing refers to. Each call takes a slice of bounded
 * size within the open transaction; nothing else of the store ever deletes
 * these, and triggers refuse whoever tries.
 *
 * Blobs are marked and swept:
 *
 *   marks (a reader's thread)   all that is older than the limit; then all texts
 *                               of the store are looked through, in slices, and
 *                               what they name is kept; then what the change feed
 *                               tells since, again and again
 *   rows  (the writer)          store_sweep_blobs(): what has changed since the
 *                               marks is looked at within the transaction, then
 *                               the rows go, and the digests into blob_gone
 *   files (the writer, later)   store_sweep_files(), once that transaction is
 *                               durable: unlinks what has no row, syncs, and
 *                               forgets it
 *
 * So a file always outlives its row. A blob that comes again meanwhile is put
 * in place anew by blob_end(), on the same thread: with a row its file is not
 * touched. After a kill between the two steps store_open() does the rest. A
 * blob that came again while its row stood counts from then (blob.seen).
 *
 * What refers to a blob: a foreign key to it, or its digest in a column called
 * `blob` or `sha256`, of any table (an import's file); and its digest in
 * hexadecimal in any text of an event, operation, characteristic, lot, asset,
 * case, note, import or document of any version.
 * Texts that are sealed under a person's key are not looked through. */
#ifndef MO_STORE_SWEEP_H
#define MO_STORE_SWEEP_H

#include "store/store.h"

#define SWEEP_CASES 128u  /* of a slice, with their notes */
#define SWEEP_AUDIT 1024u /* entries of a slice */
#define SWEEP_BLOBS 16u   /* of a slice: each may want a folder synced */

struct store_swept {
	uint64_t n, bytes;      /* bytes: of files */
	int64_t from_ns, to_ns; /* of what went: closed, entered, last come; T_NONE: nothing did */
	int64_t last;           /* highest id of the audit that went */
};
void store_swept_init(struct store_swept *w);
void store_swept_add(struct store_swept *to, const struct store_swept *w);

/* Each adds to *ret what it took. MO_EAGAIN: that, and there is more. Closed cases by when they were closed, with their history; each stands in the change
 * feed as removed. The audit from its first entry on, as long as entries are older: it never gets a hole. */
MO_MUST_USE int store_sweep_cases(struct store *s, int64_t before_ns, int64_t now_ns, struct store_swept *ret, struct diag *d);
MO_MUST_USE int store_sweep_audit(struct store *s, int64_t before_ns, int64_t now_ns, struct store_swept *ret, struct diag *d);
/* What they would take all in all. */
MO_MUST_USE int store_would_sweep_cases(struct store_reader *r, int64_t before_ns, struct store_swept *ret, struct diag *d);
MO_MUST_USE int store_would_sweep_audit(struct store_reader *r, int64_t before_ns, struct store_swept *ret, struct diag *d);

#define BLOB_MARKS_MAX 65536u /* blobs looked at at once */
struct blob_marks;
/* Blobs that came last before before_ns. Any reader may do each of the steps; one thread at a time. */
MO_MUST_USE int blob_marks_new(struct blob_marks **ret, struct store_reader *r, int64_t before_ns, struct diag *d);
void blob_marks_free(struct blob_marks *m); /* NULL is fine */
/* Looks at a slice of what may refer to them. MO_EAGAIN: there is more. 0: up to date. */
MO_MUST_USE int blob_marks_step(struct blob_marks *m, struct store_reader *r, struct diag *d);
/* Adds what would go; when up to date. */
void blob_marks_would(const struct blob_marks *m, struct store_swept *ret);
/* The next ones, when there were more than BLOB_MARKS_MAX; MO_ENOENT: there are none. */
MO_MUST_USE int blob_marks_next(struct blob_marks *m, struct store_reader *r, struct diag *d);
/* A slice of them; as above. MO_ESTATE: more changed since the last blob_marks_step() than is looked at here: step again. */
MO_MUST_USE int store_sweep_blobs(struct store *s, struct blob_marks *m, int64_t now_ns, struct store_swept *ret, struct diag *d);
/* Files of blobs whose rows went in an earlier transaction. MO_EAGAIN: there are more. */
MO_MUST_USE int store_sweep_files(struct store *s, struct diag *d);

#endif
