/* The second listener, for gateways that speak only plain HTTP: values come in
 * by it and nothing goes out (DESIGN, the gate). It is off until ingest.listen
 * says where, and the node does not start with it without named networks
 * (ingest.subnets) and an account, which is who makes tokens.
 *
 * What stands there: connections from outside the networks end without a byte;
 * behind it there are only the routes marked ROUTE_INGEST (api/routes.c), for
 * tokens that may write, never for a cookie or for loopback; and it has bounds
 * of its own (past those for connections 503), so that no gateway takes anything from the page. */
#ifndef MO_NODE_INGEST_H
#define MO_NODE_INGEST_H

#include "http/server.h"

#define INGEST_CONNECTIONS_MAX 64u
#define INGEST_PER_ADDRESS_MAX 16u            /* of them */
#define INGEST_REQUESTS_A_SECOND 200u         /* of those that were let in, all together; more get 429 */
#define INGEST_BURST 400u                     /* at once, after a while of fewer */
#define INGEST_HEAD_NS (5 * INT64_C(1000000000))
#define INGEST_IDLE_NS (60 * INT64_C(1000000000))
#define INGEST_PIECE_NS (10 * INT64_C(1000000000))

struct node;
struct ingest;
/* Listens where the settings say; *ret is NULL when they say nothing. MO_EINVAL, MO_EDENIED with words for what is missing; as
 * http_server_new(). Says so in log and audit trail. */
MO_MUST_USE int ingest_new(struct ingest **ret, struct node *n, const struct http_handler *h, void *arg, struct diag *d);
/* As http_server_drain(), http_server_active(), http_server_free(); NULL is fine. */
void ingest_drain(struct ingest *g);
unsigned ingest_active(const struct ingest *g);
void ingest_free(struct ingest *g);
/* One more request that was let in; false: too many, come again after *ret_wait_ns. Loop thread. */
bool ingest_take(struct ingest *g, int64_t *ret_wait_ns);

struct ingest_stats {
	bool listening;
	uint16_t port;
	struct http_server_stats http;
	uint64_t limited; /* requests that were too many */
};
/* Zeros where it is off. */
void ingest_stats(const struct ingest *g, struct ingest_stats *ret);

/* A bucket of INGEST_BURST that fills by INGEST_REQUESTS_A_SECOND. Pure; zeroed: full. */
struct ingest_rate {
	int64_t debt_ns; /* until when what was taken is paid for, monotonic */
};
bool ingest_rate_take(struct ingest_rate *r, int64_t now_ns, int64_t *ret_wait_ns);

#endif
