/* Host names to addresses. The system's resolver blocks, so it runs on a
 * thread of its own for each name; the answer comes on the loop. */
#ifndef MO_HTTP_PRIV_LOOKUP_H
#define MO_HTTP_PRIV_LOOKUP_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "http/loop.h"

#define LOOKUP_HOST_MAX 253u /* RFC 1035 2.3.4 without the final dot */

struct lookup_address {
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} u;
	socklen_t n;
};
/* True when host is an address in digits already. */
bool lookup_digits(struct lookup_address *ret, const char *host, uint16_t port);

struct lookup;
/* fn comes later on the loop, once, err 0 or MO_ENOENT; not after lookup_cancel(). loop_free() waits for threads still at work. */
MO_MUST_USE int lookup_start(struct lookup **ret, struct loop *l, const char *host, uint16_t port,
        void (*fn)(void *arg, int err, const struct lookup_address *a), void *arg, struct diag *d);
void lookup_cancel(struct lookup *k); /* NULL is taken */

#endif
