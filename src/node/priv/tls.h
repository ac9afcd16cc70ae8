/* TLS of a running node: its certificate at the start, once a day, and at
 * SIGHUP. The files and what is made of them are a worker's work; the loop
 * takes the result. */
#ifndef MO_NODE_PRIV_TLS_H
#define MO_NODE_PRIV_TLS_H

#include "base/diag.h"
#include "http/tls.h"

#define NODE_TLS_CHECK_NS NS_PER_DAY
#define NODE_TLS_MACHINE_NS (5 * NS_PER_S) /* the PC's addresses are looked at so often */

struct node;
struct node_tls;
/* Makes what the folder lacks and, where TLS is on, gets the certificate ready. Where it is off, what could not be made is said in the log. */
MO_MUST_USE int node_tls_new(struct node_tls **ret, struct node *n, struct diag *d);
/* When neither workers nor the server run any more. */
void node_tls_free(struct node_tls *t);
struct http_tls *node_tls_server(struct node_tls *t); /* NULL: TLS is off */
/* Loop thread: looks at the certificate soon, and replaces it where that is due. */
void node_tls_check(struct node_tls *t);
/* Loop thread, now and then: the same when a day has passed. now_ns: monotonic. */
void node_tls_tick(struct node_tls *t, int64_t now_ns);

#endif
