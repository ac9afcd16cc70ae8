/* Exports beside the running node: into a file that somebody named by the
 * node's socket, or into DIR/exports, from where the page fetches it. One at a
 * time, in turns of a worker (priv/turns.h). Each is audited, also one that
 * failed. */
#ifndef MO_NODE_EXPORTS_H
#define MO_NODE_EXPORTS_H

#include "node/export.h"
#include "node/node.h"

#define EXPORTS_KEEP_NS (24 * 3600 * NS_PER_S)   /* a file of DIR/exports stays so long */
#define EXPORTS_LOOK_NS (60 * NS_PER_S)          /* between two looks for older ones */
#define EXPORTS_FILES_MAX 64u                    /* of DIR/exports; more are not made before older ones went */
#define EXPORTS_NAME 40u                         /* with NUL: moru-20261122-081000-1a2b3c4d.zip */
#define EXPORTS_PATH_MAX 512u
#define EXPORTS_CODE_MAX 129u                    /* of an asset, with NUL */

/* How one ended, for the audit. */
struct exports_outcome {
	struct span path, who, from;     /* from: address; empty: this PC */
	int64_t from_ns, to_ns;
	const char *const *assets;
	size_t n_assets;
	int err;
	struct export_report report;
	struct span why;                 /* JSON {"code","ko","en"}; empty where it went well */
};
/* outcome: struct exports_outcome. An audit entry. */
MO_MUST_USE int exports_put_outcome(struct store *s, const void *outcome, int64_t now_ns, struct diag *d);

struct exports;
/* Removes what a kill left in DIR/exports. */
MO_MUST_USE int exports_new(struct exports **ret, struct node *n);
void exports_free(struct exports *e);
/* Loop thread, once a second: removes files whose time is over. */
void exports_tick(struct exports *e);

struct exports_ask {
	struct span path;                /* empty: into DIR/exports */
	int64_t from_ns, to_ns;
	const struct span *assets;
	size_t n_assets;
	struct span who, from;
	struct span readme_ko, readme_en; /* live as long as the node */
	/* Worker: true gives it up (MO_ECANCELED); NULL: exports_cancel() alone does. */
	bool (*stop)(void *arg);
	/* Loop thread, once; NULL: nobody waits. */
	void (*done)(void *arg, int err, const struct export_report *report, const struct diag *d);
	void *arg;
};
/* Loop thread. name: of the file in DIR/exports. MO_EAGAIN: one runs; MO_EINVAL, MO_ELIMIT: a path or code too long. */
MO_MUST_USE int exports_run(struct exports *e, const struct exports_ask *ask, char name[EXPORTS_NAME], struct diag *d);
/* Any thread: the one that runs into DIR/exports is given up, if it is of this name. Whether it was. */
bool exports_cancel(struct exports *e, struct span name);
/* Whether it has the form of a name in DIR/exports. */
bool exports_is_name(struct span name);
/* "DIR/exports/NAME", malloc'ed; NULL: no memory. */
char *exports_path(struct exports *e, struct span name);

/* For pages; any thread. */
struct exports_state {
	bool running;
	char name[EXPORTS_NAME];         /* of the running one; "": not into DIR/exports */
	struct export_report so_far;
	bool failed;                     /* the last one into DIR/exports */
	struct buf why;                  /* of that: JSON {"code","ko","en"}. The caller frees */
};
void exports_state(struct exports *e, struct exports_state *ret);

#endif
