/* Collectors: one driver and one connection per device document. Loop thread. */
#ifndef MO_NODE_COLLECT_H
#define MO_NODE_COLLECT_H

#include "base/buf.h"
#include "codec/json.h"
#include "driver/driver.h"
#include "lots/records.h"
#include "node/node.h"

struct collect;
MO_MUST_USE int collect_new(struct collect **ret, struct node *n);
/* At the end of the node: nothing is connected or polled any more, what was read goes to the log thread, who waits (step, live test) is
 * told. Loop thread, while log and workers run. */
void collect_stop(struct collect *c);
/* After the log thread has ended and its posts have run. */
void collect_free(struct collect *c);
/* Reads all device documents (again): starts, restarts changed, stops deleted. Call on the loop after a device changed. */
void collect_reload(struct collect *c);
/* Checks a device document without starting it: drivers' own config check. Any thread. */
MO_MUST_USE int collect_check(struct span json, struct diag *d);
struct device_status {
	bool known;              /* false: no such device runs (deleted, disabled, document refused) */
	enum driver_state state; /* a machine that pushes counts as online */
	struct diag trouble;     /* MSG_NONE: all is well */
	int64_t last_value_ns;   /* T_NONE: none yet */
	uint64_t values;
	bool push;               /* its values come by HTTP: last_value_ns and values stay empty here, the engine knows */
	char asset[RECORD_CODE_MAX + 1];
};
/* Any thread. */
void collect_status(struct collect *c, struct span device, struct device_status *ret);
/* Whether the signals of an asset are stale (its device is silent), any thread. */
bool collect_stale(struct collect *c, struct span asset);
/* The node's clock was advanced (stepped): poll all that is due; done(arg, values) on the loop when every collector has settled and its values are durable. */
void collect_step(struct collect *c, void (*done)(void *arg, uint64_t values, int err), void *arg);
/* The clock changed its pace: all timers are set anew. Loop thread. */
void collect_pace(struct collect *c);
struct device_test {
	bool ok;                    /* every signal gave a value (a per-cycle one only if there was a cycle), and no trouble is left */
	enum driver_state state;
	struct diag trouble;
	struct span values_json;    /* [{"signal","value","quality","unit"}] */
	struct span frames_json;    /* [{"sent","hex"}] oldest first */
};
/* Live test of a document for at most 5 s of real time; done on the loop with the outcome (lives during the call; NULL without memory). Loop thread. MO_EINVAL: the document. */
MO_MUST_USE int collect_test(struct collect *c, struct span json, void (*done)(void *arg, const struct device_test *t), void *arg, struct diag *d);

/* What is expected of one asset's machine: state codes, from its device document. */
struct machine_info {
	char asset[RECORD_CODE_MAX + 1];
	char state_signal[RECORD_CODE_MAX + 1], alarm_signal[RECORD_CODE_MAX + 1];
	uint8_t codes[256];   /* raw state code -> enum mcode; 255 unknown */
	int64_t interval_ns;  /* how often values come */
	bool push;            /* by HTTP */
	bool stale;           /* silent now */
};
/* Calls fn for each machine with a "state" mapping or a push interval. Any thread. */
void collect_machines(struct collect *c, void (*fn)(void *arg, const struct machine_info *m), void *arg);

#endif
