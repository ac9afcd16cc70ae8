/* People as the store's files use them: people.c keeps who is who in memory and the keys on disk, people_put.c changes rows. */
#ifndef MO_STORE_PRIV_PEOPLE_H
#define MO_STORE_PRIV_PEOPLE_H

#include <pthread.h>

#include "base/map.h"
#include "store/people.h"
#include "store/priv/db.h"

struct subject {
	struct uuid uuid;
	int64_t row;           /* of table person; 0: a migration's, before it is loaded */
	uint8_t key[AEAD_KEY];
	bool has_key;
	bool sealed;           /* table people holds a name */
	char code[PSEUDONYM_TEXT];
	char *name;            /* malloc'ed; NULL: not known */
	size_t name_n;
};
struct people {
	struct vfs *vfs;       /* borrowed */
	char *dir, *file, *bad;
	uint8_t salt[AEAD_KEY]; /* of the digests that by_name holds, so that no name lies in a map */
	/* The store's writer alone. */
	uint64_t added;        /* counts persons made; what was made in a transaction that ended otherwise makes the memory stale */
	bool dirty;            /* memory has keys that the file lacks, or lacks some that it has */
	bool stale;
	bool damaged;

	pthread_mutex_t mu;    /* below; the writer reads without it */
	struct subject *v;
	size_t n, cap;
	struct map by_code, by_name; /* to the index in v */
};

/* Reads the file of keys beside the database's folder. A damaged one is set aside, what could be saved is kept. */
int people_open(struct people **ret, struct vfs *vfs, const char *dir, struct diag *d);
void people_close(struct people *p);
/* Who is in the rows of db, with the keys in memory. */
int people_load(struct people *p, struct db *db, struct diag *d);
/* The file as the memory is, durable; nothing when it is so already. */
int people_keep(struct people *p, struct diag *d);
/* NULL: nobody. */
struct subject *people_by_code(struct people *p, struct span code);
struct subject *people_by_name(struct people *p, struct span name, int *err);
/* A new subject with key and pseudonym; not yet in any table. s holds row 0. */
int people_add(struct people *p, const struct uuid *uuid, struct span name, struct subject **ret, struct diag *d);

/* Appends the name as table people holds it. */
int people_seal_name(const struct subject *s, struct span name, struct buf *out);
/* Key and name leave the memory. */
void people_forget(struct people *p, struct subject *s);
/* A pseudonym that nobody has. */
int people_new_code(struct people *p, char ret[PSEUDONYM_TEXT]);
/* The functions that a migration calls: person_sealed(uuid, name), person_code(), person_keys_keep(). */
int people_functions(struct people *p, struct db *db, struct diag *d);

#endif
