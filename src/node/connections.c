#include "node/connections.h"

#include <stdlib.h>

#include "node/priv/node.h"
#include "os/proc.h"

uint32_t connections_bound(struct node *n, int64_t wanted)
{
	uint64_t files = proc_raise_files((uint64_t)wanted + CONNECTIONS_FILES_BESIDE);
	if (files == 0 || files >= (uint64_t)wanted + CONNECTIONS_FILES_BESIDE)
		return (uint32_t)wanted;
	uint64_t room = files > 2 * CONNECTIONS_FILES_BESIDE ? files - CONNECTIONS_FILES_BESIDE : files / 2;
	struct diag *d = calloc(1, sizeof *d);
	if (d) {
		diag_set(d, MO_ELIMIT, MSG_CONNECTIONS_FEWER);
		diag_field(d, SPAN_LIT("listen.connections"));
		diag_int(d, 0, wanted);
		diag_int(d, 1, (int64_t)room);
		diag_int(d, 2, (int64_t)files);
		node_log(n, "warn", d);
	}
	free(d);
	return (uint32_t)room;
}

bool connections_trim_due(struct connections_trim *t, uint32_t open)
{
	bool still = open == t->before;
	t->before = open;
	if (open > t->most)
		t->most = open;
	if (!still || t->most - open < CONNECTIONS_LEFT_MIN || open > t->most / 2)
		return false;
	t->most = open;
	return true;
}

static void trim(struct work *w, struct store_reader *r)
{
	struct node *n = (struct node *)((char *)w - offsetof(struct node, trim_work));
	(void)r;
	proc_trim();
	atomic_store(&n->trimming, false);
}

void connections_tick(struct node *n)
{
	struct http_server_stats s;
	http_server_stats(n->server, &s);
	if (!connections_trim_due(&n->trim, s.open) || atomic_exchange(&n->trimming, true))
		return;
	n->trim_work.fn = trim;
	if (node_work(n, &n->trim_work) != 0)
		atomic_store(&n->trimming, false); /* busy: memory is the least of it */
}
