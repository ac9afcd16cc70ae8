/* Where a node may listen: loopback as it likes, any other address only with
 * TLS and an account (DESIGN, the gate). One function decides for settings,
 * --listen and reloading. */
#ifndef MO_NODE_LISTEN_H
#define MO_NODE_LISTEN_H

#include <stdbool.h>

#include "base/diag.h"
#include "os/subnet.h"

#define LISTEN_TEXT_MAX 64u /* an address in text, with NUL */

/* The address as sockets take it: digits, "localhost" as 127.0.0.1. MO_EINVAL: not an address. */
MO_MUST_USE int listen_address(char out[LISTEN_TEXT_MAX], const char *address, struct diag *d);
/* 0: may be listened on, given whether TLS is on and an account exists. MO_EDENIED, with words for what is missing; MO_EINVAL: no address. */
MO_MUST_USE int listen_allowed(const char *address, bool tls, bool account, struct diag *d);

/* The second listener (node/ingest.h): "ADDRESS:PORT", "[ADDRESS]:PORT", and the networks it is for, as the settings say. Plain HTTP on any
 * address may be there alone. MO_EINVAL: no such place, no networks, or something that is none; MO_EDENIED: there is no account; MO_ELIMIT. */
MO_MUST_USE int listen_ingest(char address[LISTEN_TEXT_MAX], uint16_t *ret_port, struct subnets *ret, const char *place, const char *subnets, bool account,
	struct diag *d);
/* The place alone. MO_EINVAL. */
MO_MUST_USE int listen_place(char address[LISTEN_TEXT_MAX], uint16_t *ret_port, const char *place);

#endif
