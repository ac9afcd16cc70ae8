/* What the scenarios of the store's sweep share (sweep.c). */
#ifndef MO_TESTS_STORE_WORLD_H
#define MO_TESTS_STORE_WORLD_H

#include "nosync.h"
#include "sweep.h"

#include "store/priv/migrations.h"

#define DB "node/store.db"
#define S(x) span_str(x)

/* ---- a world: the files, and what the program in it was told ---- */

struct world {
	struct vfs *mem, *vfs; /* vfs: what the store gets */
	struct nosync liar;
	struct store *s;
	struct db q;     /* the oracle's connection */
	bool asks;       /* it is open */
	unsigned acked;  /* commits acknowledged by the scenario */
	bool opened;     /* the scenario's open was */
	uint8_t sha[32];
	struct diag d;   /* of the scenario's failure */
};

struct scenario {
	const char *name;
	int (*prepare)(struct world *w); /* once, without faults: what all passes find */
	bool opened;                     /* the store is open when it runs */
	int (*run)(struct world *w);
	const char *(*holds)(struct world *w); /* after a clean start; NULL or what is wrong */
};

/* Closes the store and the oracle's connection: the last one takes the log over into the database. */
void world_shut(struct world *w);
int open_with(struct world *w, const struct migration *steps, unsigned n);
int64_t number_in(struct world *w, const char *path, const char *sql);
int64_t number_of(struct world *w, const char *sql);
const char *check_clean(struct world *w);

/* people.c */
int run_people(struct world *w), prepare_names(struct world *w), run_names(struct world *w);
const char *holds_people(struct world *w), *holds_names(struct world *w);
/* sums.c; both run as names do */
int prepare_tails(struct world *w), prepare_log(struct world *w);
const char *holds_tails(struct world *w), *holds_log(struct world *w);

/* files.c */
int run_files(struct world *w);
const char *holds_files(struct world *w);

/* keep.c */
int prepare_keep(struct world *w), run_keep(struct world *w);
const char *holds_keep(struct world *w);

#endif
