/* Inside of the collectors, for the files of this room: collect.c (which
 * devices run, and when), collect_values.c (what they read, on its way to the
 * log), device_doc.c (device documents), probe.c (live tests). */
#ifndef MO_NODE_PRIV_COLLECT_H
#define MO_NODE_PRIV_COLLECT_H

#include "node/collect.h"
#include "node/priv/node.h"

/* One device document that runs. The loop thread's, but for what c->mu guards. */
struct device {
	struct collect *c;
	struct device *next;
	char name[128];
	int64_t version;
	struct machine_info info;
	bool ending; /* polled no more; freed when its values have landed */
	const struct driver_ops *ops; /* NULL: a machine that pushes */
	struct driver *driver;
	struct tcp *tcp;
	struct loop_timer *timer, *flush_timer;
	bool flush_armed;
	/* collect_values.c: what waits to be handed over */
	struct devkeys *keys;
	struct pend *pend;
	size_t n_pend, cap_pend;
	struct buf pend_text;
	unsigned in_flight; /* jobs at the log thread */
	/* copied for other threads, under c->mu */
	enum driver_state state;
	bool silent; /* no answer since the link failed, or ever */
	struct diag trouble;
	int64_t last_value_ns; /* newest that is not bad */
	uint64_t values;
	bool unstored; /* what it read last had no room on the disk */
};
struct step {
	void (*done)(void *arg, uint64_t values, int err);
	void *arg;
	int64_t begun_mono_ns;
	uint64_t values;
	int err;
};
struct collect {
	struct node *node;
	struct device *devices;
	pthread_mutex_t mu; /* list and status */
	bool stepping;
	struct step step;
	struct loop_timer *step_timer;
	struct work reload_work;
	bool reloading, reload_again;
	bool labels_late; /* the store could not be given all labels of the documents that were read last */
	struct loop_post reload_post;
	int load_err;
	struct loaded *loaded;
	struct loop_timer *reload_timer;
	struct probe *probes;
	bool closing; /* nothing is connected, polled or loaded any more */
};

/* Ends the step under way when all that it read has landed; nothing without one. Loop thread. */
void collect_step_check(struct collect *c);

/* Names the series of the driver's signals; before the first value. MO_ENOMEM. */
MO_MUST_USE int collect_values_open(struct device *v);
/* When none of its jobs is at the log thread any more. What still waits is dropped. */
void collect_values_free(struct device *v);
/* Copies one value to those that wait. false: no memory for it. Loop thread. */
bool collect_values_take(struct device *v, const struct driver_value *dv);
/* Hands what waits to the log thread. What it has no room for waits on; at the end of the node its room is waited for. Loop thread. */
void collect_values_flush(struct device *v);
/* The same for all devices together: one sync covers what they read in one step. Loop thread. */
void collect_values_flush_all(struct collect *c);

/* The node's own part of a device document. */
struct device_doc {
	struct machine_info info;
	const struct driver_ops *ops; /* NULL: a machine that pushes */
	bool enabled;
};
/* MO_EINVAL: the diag names field, value, expected. MO_ENOMEM, MO_ELIMIT. Any thread. */
MO_MUST_USE int device_doc_read(struct device_doc *ret, struct span json, struct diag *d);

/* Live tests under way are in *list. Errors as collect_test(). Loop thread. */
struct probe;
MO_MUST_USE int probe_start(struct probe **list, struct loop *l, struct span json, void (*done)(void *arg, const struct device_test *t), void *arg,
	struct diag *d);
/* Ends them all now: each done() hears of the outcome so far. */
void probe_end_all(struct probe **list);

#endif
