/* Networks as people write them, "192.168.0.0/24, 10.0.0.7, fd00:1::/64", and
 * whether an address lies in one of them. Pure. (RFC 4632 3.1, RFC 4291 2.3) */
#ifndef MO_OS_SUBNET_H
#define MO_OS_SUBNET_H

#include <stdbool.h>

#include "base/err.h"
#include "base/span.h"

#define SUBNETS_MAX 32u

struct subnet {
	uint8_t address[16]; /* network order; of IPv4 the first four */
	uint8_t bits;        /* 1..32, 1..128 */
	bool six;
};
struct subnets {
	size_t n;
	struct subnet of[SUBNETS_MAX];
};
/* Reads all of a list between commas, blanks or line ends; an address without "/" is a network of itself alone. *ret is written in any case: what
 * stands before the bad part. MO_EINVAL with *ret_bad the part that is none: no address, a length out of range or 0 (which would be everybody), bits
 * of the address behind its length ("192.168.0.7/24", of which nobody knows what is meant), IPv4 mapped into IPv6. MO_ELIMIT: over SUBNETS_MAX. */
MO_MUST_USE int subnet_read(struct subnets *ret, struct span list, struct span *ret_bad);
/* address: in digits. An IPv4 one that is mapped into IPv6 (::ffff:10.0.0.7) counts as IPv4. What is no address lies nowhere. */
bool subnet_has(const struct subnets *s, const char *address);

#endif
