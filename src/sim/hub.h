/* All sockets of the simulator in one loop: the machines that are read and the
 * connections to the nodes. */
#ifndef MO_SIM_HUB_H
#define MO_SIM_HUB_H

#include "sim/http_send.h"
#include "sim/modbus_server.h"
#include "sim/ranges.h"

#define HUB_READERS_MAX 64u /* Modbus connections at a time; the one that was silent longest gives way */
#define HUB_CONNS_MAX 16u

struct hub_reader {
	int fd; /* -1: free */
	size_t machine;
	int64_t used_ns;
	size_t n;
	uint8_t in[512];
};
struct hub {
	int listener[SIM_MACHINES]; /* -1: none */
	uint16_t port[SIM_MACHINES];
	struct mb_regs regs[SIM_MACHINES];
	uint64_t reads[SIM_MACHINES]; /* requests answered */
	struct hub_reader reader[HUB_READERS_MAX];
	struct http_conn *conn[HUB_CONNS_MAX]; /* borrowed */
	size_t n_conns;
};
/* Listens on a free port of 127.0.0.1 for each Modbus machine. The errors of os/net.h. */
MO_MUST_USE int hub_init(struct hub *h);
void hub_free(struct hub *h);
/* The machines are switched off: nobody reads them any more. The connections to the nodes stay. */
void hub_deaf(struct hub *h);
MO_MUST_USE int hub_watch(struct hub *h, struct http_conn *c); /* MO_ELIMIT */
/* Waits up to timeout_ns for anything and handles it. MO_ENOMEM, MO_EIO. */
MO_MUST_USE int hub_wait(struct hub *h, int64_t timeout_ns);

#endif
