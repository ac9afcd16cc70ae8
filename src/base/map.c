/* Linear probing, at most three quarters full; removal shifts the run back,
 * so there are no tombstones and no slow decay. */
#include "base/map.h"
#include "base/num.h"

#include <stdlib.h>

#define MAP_FIRST ((size_t)16)

void map_init(struct map *m) { *m = (struct map){0}; }

void map_free(struct map *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->cap; i++)
		free(m->slots[i].key);
	free(m->slots);
	*m = (struct map){0};
}

static uint32_t hash_of(struct span key) { return (uint32_t)span_hash(key); }

/* The slot that holds key, or the free one where its run ends. cap > 0. */
static size_t probe(const struct map *m, struct span key, uint32_t hash)
{
	size_t mask = m->cap - 1;
	size_t i = hash & mask;
	for (; m->slots[i].key; i = (i + 1) & mask) {
		const struct map_slot *s = &m->slots[i];
		if (s->hash == hash && span_eq(span_of(s->key, s->key_len), key))
			break;
	}
	return i;
}

uint64_t *map_get(const struct map *m, struct span key)
{
	if (m->n == 0 || key.n > UINT32_MAX)
		return NULL;
	struct map_slot *s = &m->slots[probe(m, key, hash_of(key))];
	return s->key ? &s->value : NULL;
}

static int grow(struct map *m)
{
	size_t cap, bytes;
	if (!size_mul(&cap, m->cap ? m->cap : MAP_FIRST / 2, 2) || !size_mul(&bytes, cap, sizeof *m->slots))
		return MO_ENOMEM;
	/* The hash kept is 32 bits wide: a table past that would only fill its lower half. */
	if (cap > (size_t)UINT32_MAX)
		return MO_ELIMIT;
	struct map_slot *slots = calloc(cap, sizeof *slots);
	if (!slots)
		return MO_ENOMEM;
	for (size_t i = 0; i < m->cap; i++) {
		if (!m->slots[i].key)
			continue;
		size_t j = m->slots[i].hash & (cap - 1);
		while (slots[j].key)
			j = (j + 1) & (cap - 1);
		slots[j] = m->slots[i];
	}
	free(m->slots);
	m->slots = slots;
	m->cap = cap;
	return 0;
}

int map_put(struct map *m, struct span key, uint64_t value)
{
	if (key.n > UINT32_MAX)
		return MO_ELIMIT;
	uint64_t *place = map_get(m, key);
	if (place) {
		*place = value;
		return 0;
	}
	if (m->n + 1 > m->cap / 4 * 3) {
		int err = grow(m);
		if (err)
			return err;
	}
	uint8_t *copy = malloc(key.n ? key.n : 1);
	if (!copy)
		return MO_ENOMEM;
	if (key.n)
		memcpy(copy, key.p, key.n);
	uint32_t hash = hash_of(key);
	m->slots[probe(m, key, hash)] = (struct map_slot){.key = copy, .key_len = (uint32_t)key.n, .hash = hash, .value = value};
	m->n++;
	return 0;
}

bool map_remove(struct map *m, struct span key)
{
	if (m->n == 0 || key.n > UINT32_MAX)
		return false;
	size_t mask = m->cap - 1;
	size_t hole = probe(m, key, hash_of(key));
	if (!m->slots[hole].key)
		return false;
	free(m->slots[hole].key);
	for (size_t i = (hole + 1) & mask; m->slots[i].key; i = (i + 1) & mask) {
		/* What may not stand before its home stays; distances wrap around. */
		size_t home = m->slots[i].hash & mask;
		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		m->slots[hole] = m->slots[i];
		hole = i;
	}
	m->slots[hole] = (struct map_slot){0};
	m->n--;
	return true;
}

const struct map_slot *map_next(const struct map *m, size_t *pos)
{
	while (*pos < m->cap) {
		const struct map_slot *s = &m->slots[(*pos)++];
		if (s->key)
			return s;
	}
	return NULL;
}
