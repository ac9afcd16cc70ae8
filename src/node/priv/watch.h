/* What the watched folders' two files share: watch.c looks and takes,
 * watch_put.c puts away or remembers what was taken. All of it but the rounds
 * is the worker's that looks. */
#ifndef MO_NODE_PRIV_WATCH_H
#define MO_NODE_PRIV_WATCH_H

#include "base/map.h"
#include "node/priv/node.h"

#define WATCH_FILES_MAX 4096u   /* of a folder that are waited for at once; others when those were taken */
#define WATCH_KEPT_MAX 65536u   /* of a folder that were taken and stay, known without asking the store */
#define WATCH_NAME_MAX 256u
#define WATCH_PLACES_MAX 16u    /* folders of the setting `watch` */
#define WATCH_REASON_MAX (64u << 10)

struct seen {
	char *name;
	uint64_t size_bytes; /* UINT64_MAX: not looked at yet */
	int64_t mtime_ns;
	bool here;
	bool kept;           /* taken as it stands, and not moved away */
	int said;            /* error that was logged last, so that the same one is not said at each look */
};
enum place_state { PLACE_NEW, PLACE_HERE, PLACE_AWAY };
struct place {
	struct node *node;
	char *dir;
	bool foreign;        /* of the setting `watch`: perhaps a share, perhaps not ours to write to */
	enum place_state state;
	struct map by_name;  /* name -> index into seen */
	struct seen *seen;
	size_t n_seen, cap_seen, n_kept;
	size_t n_names;      /* of this look, whatever they are */
	bool known;          /* foreign: names were seen here, now or by an earlier node */
	bool known_asked;
	bool said_kept;
	int err;             /* this look's first that may go better the next time */
};

/* Moves a file that was taken into a folder beside it, "done" or "refused", over nothing that lies there; across devices it is copied. why: beside
 * it as NAME.reason.txt. MO_EDENIED: it may not be moved, and nothing was changed. */
MO_MUST_USE int watch_put_away(struct place *p, const char *path, const char *name, const char *folder, struct span why);
/* Remembers in the store that this file was taken as it stands: by path, size, time and content. */
MO_MUST_USE int watch_keep(struct place *p, const char *path, const struct seen *s, struct diag *d);
/* Whether it was; one whose time alone changed is compared by its content, and remembered anew. Errors are as if it was not, but for MO_ENOMEM and
 * what reading the file gives. */
MO_MUST_USE int watch_was_kept(bool *ret, struct place *p, struct store_reader *r, const char *path, const struct seen *s);
/* Whether names were ever seen in this folder, and that they were. */
bool watch_was_known(const struct place *p, struct store_reader *r);
MO_MUST_USE int watch_known(struct place *p);

#endif
