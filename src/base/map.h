/* Hash map from bytes to a u64 (an index, an id, a pointer cast through
 * uintptr_t). Open addressing; copies its keys. Order of iteration is not
 * defined. Iteration stays valid only while nothing is inserted or removed. */
#ifndef MO_BASE_MAP_H
#define MO_BASE_MAP_H

#include "base/err.h"
#include "base/span.h"

struct map_slot {
	uint8_t *key; /* owned; NULL: free slot */
	uint32_t key_len;
	uint32_t hash;
	uint64_t value;
};
struct map {
	struct map_slot *slots;
	size_t cap, n;
};

void map_init(struct map *m);
void map_free(struct map *m);
/* The value's place (writable until the next insert), or NULL. */
uint64_t *map_get(const struct map *m, struct span key);
/* Inserts or overwrites. MO_ENOMEM, MO_ELIMIT (key over 4 GiB). */
MO_MUST_USE int map_put(struct map *m, struct span key, uint64_t value);
/* true when it was there. */
bool map_remove(struct map *m, struct span key);
/* `*pos` starts at 0; the next used slot or NULL. */
const struct map_slot *map_next(const struct map *m, size_t *pos);

#endif
