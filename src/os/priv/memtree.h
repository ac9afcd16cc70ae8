/* The names of the files in memory: a tree of folders, each a table of entries.
 *
 * Each entry holds two nodes: `now`, what the program sees, and `durable`, what
 * stands there after a power cut that keeps nothing. Names change in `now` at
 * once and are remembered as pending changes until their folder is synced. What
 * becomes unreachable from the root by durable entries is gone after a crash.
 * Not thread-safe; os/memvfs.h lists the rules. */
#ifndef MO_OS_PRIV_MEMTREE_H
#define MO_OS_PRIV_MEMTREE_H

#include "base/map.h"
#include "base/prng.h"
#include "os/priv/memfile.h"

struct memnode {
	uint64_t refs; /* entries' two places, handles, pending changes */
	uint64_t uses; /* entries' `now` and handles: what makes it take space */
	bool is_dir, locked;
	int64_t mtime_ns;
	struct map names; /* folder: name -> struct mementry */
	size_t n_now;     /* folder: names that exist now */
	struct memfile file;
};
struct memchange;
struct memtree {
	struct memnode *root;
	struct memchange *first, *last; /* pending, oldest first */
	uint64_t used_bytes;            /* sizes of all nodes in use */
	int64_t now_ns;                 /* becomes the mtime of what changes; set by the owner */
};

MO_MUST_USE int memtree_init(struct memtree *t);
/* No handle holds a node any more. */
void memtree_free(struct memtree *t);

/* Paths: names between '/', empty ones and "." skipped. MO_EINVAL: "..", or a name over NAME_MAX. */
MO_MUST_USE int memtree_find(struct memtree *t, struct memnode **ret, const char *path);
/* Finds or makes a file: create and excl as VFS_CREATE and VFS_EXCL. */
MO_MUST_USE int memtree_open(struct memtree *t, struct memnode **ret, const char *path, bool create, bool excl);
MO_MUST_USE int memtree_mkdir(struct memtree *t, const char *path);
/* unlink or, is_dir, rmdir. */
MO_MUST_USE int memtree_drop(struct memtree *t, const char *path, bool is_dir);
MO_MUST_USE int memtree_rename(struct memtree *t, const char *from, const char *to);
/* What is pending in dir is durable. */
void memtree_sync(struct memtree *t, const struct memnode *dir);
/* The names of a folder one after another, each with its NUL; malloc'ed. */
MO_MUST_USE int memtree_names(const struct memnode *dir, char **ret, size_t *ret_n);
/* The power fails: names and contents, drawn by r; lose_all: nothing that is not durable stays. No handle holds a node any more. */
void memtree_crash(struct memtree *t, struct prng *r, bool lose_all);

/* A handle takes and leaves a node. */
void memtree_use(struct memtree *t, struct memnode *n);
void memtree_unuse(struct memtree *t, struct memnode *n);
/* A content's size went from before to what it is now, by a change at now_ns. */
void memtree_resized(struct memtree *t, struct memnode *n, uint64_t before);

#endif
