/* Files into the node: kept as blobs, read as proposed or corrected, stored by
 * the log thread, remembered by shape. All calls are for workers (they block)
 * unless said otherwise. */
#ifndef MO_API_IMPORTER_H
#define MO_API_IMPORTER_H

#include "intake/intake.h"
#include "node/node.h"

#define IMPORT_ERRORS_LISTED 100u
#define IMPORT_REFUSED_MAX (16u << 20) /* bytes of refused rows kept for download; a row may pass it */

/* A file on its way in: any pieces, then an import row in state "proposed" or "refused". */
struct import_file;
MO_MUST_USE int import_file_begin(struct import_file **ret, struct node *n, const char *name, struct diag *d);
MO_MUST_USE int import_file_piece(struct import_file *f, struct span bytes, struct diag *d);
/* id: 37 bytes. A file that cannot be read as a table is an import in state "refused": 0 all the same, and *ret_refused with d saying why.
 * Frees f, also on error. */
MO_MUST_USE int import_file_end(struct import_file *f, struct store_reader *r, char id[UUID_TEXT], bool *ret_refused, struct diag *d);
void import_file_drop(struct import_file *f);

/* After node_start() and before anything may be imported: an import that a node left in state "running" becomes "failed", with the reason. */
MO_MUST_USE int import_mend(struct node *n, struct diag *d);
/* Reads the file and stores its values; plan_json empty: as proposed. In state "running" from before its first row is stored on. Ends with the import in state "done" (or "failed" with the reason).
 * who: for the history of what is remembered. progress: 0..1000, may be NULL. MO_ECANCELED: the node is stopping; what was stored stays, and the same file given again goes on from there. */
MO_MUST_USE int import_run(struct node *n, struct store_reader *r, const char *id, struct span plan_json, struct span who, _Atomic unsigned *progress, struct diag *d);
/* What is said of a midnight that was stored as written: MSG_IMPORT_MIDNIGHT. */
void import_midnight(struct diag *ret, const struct intake_midnight *m);
/* node_set_importer's function: a file of the watched folder, whole. arg: the node. why: a refused file's reason in the node's language. */
MO_MUST_USE int import_watched(void *node, struct store_reader *r, const char *path, const char *name, struct buf *why, struct diag *d);

#endif
