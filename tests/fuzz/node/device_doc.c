/* Any bytes as a device's document: one whose texts end and whose codes are machine states; or a refusal that names something. */
#include <stdlib.h>
#include <string.h>

#include "insight/states.h"
#include "node/priv/collect.h"
#include "node/priv/labels.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct device_doc *doc = malloc(sizeof *doc);
	struct diag d = {0};
	struct labels *labels = NULL;
	int err = doc ? device_doc_read(doc, span_of(p, n), &d) : MO_ENOMEM;
	if (err == 0) {
		const struct machine_info *m = &doc->info;
		if (!memchr(m->asset, 0, sizeof m->asset) || !memchr(m->state_signal, 0, sizeof m->state_signal) ||
			!memchr(m->alarm_signal, 0, sizeof m->alarm_signal))
			abort();
		for (size_t i = 0; i < sizeof m->codes; i++)
			if (m->codes[i] != 255 && m->codes[i] >= MCODES)
				abort();
	} else if (d.msg == MSG_NONE) {
		abort();
	}
	if (labels_new(&labels) == 0 && labels_add(labels, SPAN_LIT("d"), 1, span_of(p, n)) == MO_EINVAL)
		abort();
	labels_free(labels);
	free(doc);
	return 0;
}
