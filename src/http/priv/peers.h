/* How many connections each address has: so that one client cannot take them
 * all. An IPv6 client owns its /64 (RFC 6177 2), so that counts as one. */
#ifndef MO_HTTP_PRIV_PEERS_H
#define MO_HTTP_PRIV_PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PEERS_BUCKETS 256u

struct peer {
	struct peer *next;
	uint32_t n;
	uint8_t key[8]; /* the first half of an IPv6 address; an IPv4 one as ::ffff:0:0/96 would be all alike, so its bytes and a mark */
};
struct peers {
	struct peer *buckets[PEERS_BUCKETS];
};
/* bytes: 4 or 16 in network order. One more connection of this address, given back by peers_leave(); NULL: it has `most` already (0: no
 * bound), or there is no memory. */
struct peer *peers_join(struct peers *p, const uint8_t *bytes, size_t n, uint32_t most);
/* NULL is taken. */
void peers_leave(struct peers *p, struct peer *one);

#endif
