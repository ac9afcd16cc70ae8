/* What the push devices' documents call the signals that senders name: label
 * and unit by (asset, name). All documents are read together; the set is then
 * the node's, and the store gives it to the rows of signals that are there.
 * Rows made later ask labels_find() on the store thread, so that no row falls
 * between: one made before the set changed is among those that the store goes
 * through after. */
#ifndef MO_NODE_PRIV_LABELS_H
#define MO_NODE_PRIV_LABELS_H

#include "codec/json.h"
#include "node/priv/node.h"

#define DEVICE_NAME_MAX 128u
#define DEVICE_LABEL_MAX 256u
#define DEVICE_UNIT_MAX RECORD_UNIT_MAX
#define DEVICE_SIGNALS_MAX 4095u /* as many as a Modbus document may have */

struct device_signal {
	struct span name, label, unit; /* unit: our symbol where the table of units knows the text, else as written; both may be empty */
};
/* "signals" of a push document (device_signals.c). The array is the arena's, the texts are root's or static. MO_EINVAL: the diag names field, value,
 * expected. MO_ENOMEM. */
MO_MUST_USE int device_signals_read(struct device_signal **ret, size_t *ret_n, struct arena *a, const struct json_value *root, struct diag *d);

struct labels;
MO_MUST_USE int labels_new(struct labels **ret);
void labels_free(struct labels *l);
/* Adds what a device document says; where two name one signal of an asset, the first. One that is refused, or of no push device, adds nothing.
 * MO_ENOMEM. */
MO_MUST_USE int labels_add(struct labels *l, struct span name, int64_t version, struct span json);
/* Takes l over as the node's; the store gives it to the signals of assets whose documents changed since the last set. What no push document names
 * any more keeps what it has. false: something could not be given now; the next set tries again. A worker, one at a time. */
bool labels_set(struct node *n, struct labels *l);

struct signal_words {
	char label[DEVICE_LABEL_MAX + 1], unit[DEVICE_UNIT_MAX + 1];
};
/* false: nothing is said of it. Any thread. */
bool labels_find(struct node *n, struct span asset, struct span name, struct signal_words *ret);

#endif
