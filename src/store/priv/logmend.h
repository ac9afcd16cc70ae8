/* Looks through a write-ahead log that was left behind before SQLite does
 * (https://sqlite.org/fileformat2.html, 4: the file's format; SQLite is told by
 * its first bad frame that the log ends there, and drops the rest without a word).
 *
 * Torn or damaged? What a power cut leaves half written is the last transaction:
 * none begins before the one before it is synced. So a log whose first bad frame
 * has at least two commits at or behind it was damaged; with one commit only when
 * a single flipped bit explains the frame. All else is the torn end of a log.
 *
 * Each frame stands on the checksum that is stored in the frame before it, so
 * those behind a damaged one can still be told to be whole. They are kept: the
 * checksums are made anew over all of them. Dropping them would not do: a
 * checkpoint may have brought some of them into the database already. */
#ifndef MO_STORE_PRIV_LOGMEND_H
#define MO_STORE_PRIV_LOGMEND_H

#include "base/diag.h"
#include "os/vfs.h"

#define LOG_BAD ".bad"   /* the damaged log as it was, beside it */
#define LOG_NEW ".mend"

struct log_damage {
	bool damaged;
	uint64_t frame;    /* the first bad one, from 1; 0: the log's header */
	uint64_t commits;  /* at or behind it, which would have been dropped */
	uint64_t mended;   /* bad frames that could be set right */
	uint64_t lost;     /* pages whose content is gone; they are marked so (pages_lose()) */
};
/* Sets a damaged log right: the old one is kept as PATH.bad, the new takes its name, durably. Nothing is done to one that is whole, torn or not there.
 * MO_ECORRUPT: it is not known which page a bad frame held; nothing is changed but that PATH.bad is there. */
MO_MUST_USE int logmend_run(struct log_damage *ret, struct vfs *vfs, const char *path);
/* Cuts a log behind its last commit before the first bad frame, as SQLite would read it. For a copy of a log that was written to meanwhile: what was
 * read early and what was read late do not fit together, and that is no damage. */
MO_MUST_USE int logmend_trim(struct vfs *vfs, const char *path);

#endif
