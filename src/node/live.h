/* Live streams: one server-sent event stream per browser, fed from the change
 * feed and the engine's last values; at most ten events of a kind a second. */
#ifndef MO_NODE_LIVE_H
#define MO_NODE_LIVE_H

#include "codec/json.h"
#include "node/gate.h"
#include "node/node.h"

#define LIVE_STREAMS_MAX 256u
#define LIVE_SERIES_MAX 512u /* per stream */

struct live;
MO_MUST_USE int live_new(struct live **ret, struct node *n);
void live_free(struct live *l);
/* Takes over the exchange. after: change number the browser has seen; < 0 none. Who may not read records hears of changes of machines, signals
 * and documents alone. Ends with the session or token that asked. MO_ELIMIT. Loop thread. */
MO_MUST_USE int live_open(struct live *l, const struct gate_pass *pass, const series_id *series, size_t n, bool changes, bool devices, int64_t after);
void live_drained(struct live *l, struct http_x *x);
void live_closed(struct live *l, struct http_x *x);
/* Store thread: a commit made changes up to number. */
void live_changed(struct live *l, int64_t number);
/* A point's value as JSON (also for the API). */
void live_value(struct json_writer *w, const struct sdb_point *p);
/* Ends all streams: browsers connect again when there is a node again. Loop thread. */
void live_end(struct live *l);
unsigned live_count(const struct live *l);

#endif
