/* The demo's parts: starting nodes and simulator (demo.c), reading what the
 * nodes found (demo_found.c), comparing it with the truth (demo_check.c). */
#ifndef MO_CMD_DEMO_H
#define MO_CMD_DEMO_H

#include "base/arena.h"
#include "base/civil.h"
#include "cmd/cmd.h"
#include "codec/json.h"
#include "http/client.h"

#define DEMO_FIRMS 3u
extern const char *const demo_firms[DEMO_FIRMS]; /* "MLD", "MCH", "MOT" */

struct demo_node {
	char url[64];
	char *dir;
};

/* GET base+path as JSON, into the arena. MO_EIO when the answer is no 200. */
MO_MUST_USE int demo_get(struct httpc *h, struct arena *a, const char *base, const char *path, const struct json_value **ret, struct diag *d);
/* Small readers: missing is 0, "" or T_NONE. */
double demo_number(const struct json_value *o, const char *name);
struct span demo_text(const struct json_value *o, const char *name);
int64_t demo_time(const struct json_value *o, const char *name);

/* What the three nodes found, by their own APIs, as JSON in out. */
MO_MUST_USE int demo_found(const struct demo_node nodes[DEMO_FIRMS], struct buf *out, struct diag *d);
/* Prints the table; *ret_missed and *ret_false count. */
MO_MUST_USE int demo_compare(const struct cmd *c, struct span truth, struct span found, struct span acks, unsigned *ret_missed, unsigned *ret_false, struct diag *d);

#endif
