#include "http/priv/peers.h"

#include <stdlib.h>
#include <string.h>

/* FNV-1a. An attacker who chooses addresses to collide makes chains of at most connections_max, walked once a connection. */
static unsigned bucket_of(const uint8_t key[8])
{
	uint32_t h = UINT32_C(2166136261);

	for (unsigned i = 0; i < 8; i++)
		h = (h ^ key[i]) * UINT32_C(16777619);
	return (h ^ h >> 16) % PEERS_BUCKETS;
}

struct peer *peers_join(struct peers *p, const uint8_t *bytes, size_t n, uint32_t most)
{
	/* Reserved by RFC 4291 2.5.5 for mapped addresses, so no client's half: the rest is the IPv4 address. */
	static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	uint8_t key[8] = {0};
	struct peer *one;
	unsigned at;

	if (n == 16 && memcmp(bytes, mapped, sizeof mapped) == 0) {
		bytes += sizeof mapped;
		n = 4;
	}
	if (n == 16) {
		memcpy(key, bytes, sizeof key);
	} else {
		key[2] = key[3] = 0xff;
		memcpy(key + 4, bytes, 4);
	}
	at = bucket_of(key);
	for (one = p->buckets[at]; one && memcmp(one->key, key, sizeof key) != 0; one = one->next)
		;
	if (!one) {
		one = calloc(1, sizeof *one);
		if (!one)
			return NULL;
		memcpy(one->key, key, sizeof key);
		one->next = p->buckets[at];
		p->buckets[at] = one;
	} else if (most && one->n >= most) {
		return NULL;
	}
	one->n++;
	return one;
}

void peers_leave(struct peers *p, struct peer *one)
{
	struct peer **at;

	if (!one || --one->n)
		return;
	at = &p->buckets[bucket_of(one->key)];
	while (*at != one)
		at = &(*at)->next;
	*at = one->next;
	free(one);
}
