/* See gauges.h. One look at a time: the next is given out when the last one came back. */
#include "node/gauges.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/table.h"
#include "node/priv/node.h"

#define DEVICES_MAX 256

struct gauges {
	struct node *node;
	struct work work;
	atomic_bool away, taken;
	int64_t last_ns; /* loop thread; 0: never */
	size_t said;     /* loop thread; damaged pages that stand in the log */
	_Atomic uint64_t damaged_pages;
	_Atomic uint64_t cases_open, devices[DRIVER_STATES];
};

static void count_cases(struct gauges *g, struct store_reader *r)
{
	struct table_cursor *cur = NULL;
	struct table_batch b;
	struct store_arg a[] = {sarg_s(SPAN_LIT("open")), sarg_null(), sarg_null(), sarg_i(GAUGES_CASES_MAX)};
	uint64_t n = 0;
	int err = store_select(r, &cur, SQ_CASES, a, 4, NULL);
	while (err == 0 && (err = table_next(cur, &b, NULL)) == 0 && b.n_rows)
		n += b.n_rows;
	table_close(cur);
	if (err == 0)
		atomic_store(&g->cases_open, n);
}

static void count_devices(struct gauges *g, struct store_reader *r)
{
	struct table_cursor *cur = NULL;
	struct table_batch b;
	struct store_arg a[] = {sarg_s(span_str(store_doc_name(DOC_DEVICE))), sarg_null(), sarg_i(DEVICES_MAX)};
	struct device_status *s = calloc(1, sizeof *s);
	uint64_t n[DRIVER_STATES] = {0};
	int err = s ? store_select(r, &cur, SQ_DOCS, a, 3, NULL) : MO_ENOMEM;
	while (err == 0 && (err = table_next(cur, &b, NULL)) == 0 && b.n_rows)
		for (size_t i = 0; i < b.n_rows; i++) {
			collect_status(g->node->collect, b.cols[0].str[i], s);
			if (s->known)
				n[s->state]++;
		}
	table_close(cur);
	free(s);
	for (size_t i = 0; i < DRIVER_STATES && err == 0; i++)
		atomic_store(&g->devices[i], n[i]);
}

/* What could not be asked keeps its last value: whoever asks for data meanwhile is told what is wrong. */
static void look(struct work *w, struct store_reader *r)
{
	struct gauges *g = (struct gauges *)((char *)w - offsetof(struct gauges, work));
	count_cases(g, r);
	count_devices(g, r);
	atomic_store(&g->taken, true);
	atomic_store(&g->away, false);
}

int gauges_new(struct gauges **ret, struct node *n)
{
	struct gauges *g = calloc(1, sizeof *g);
	if (!g)
		return MO_ENOMEM;
	g->node = n;
	g->work.fn = look;
	*ret = g;
	return 0;
}

static void say_damage(struct gauges *g)
{
	size_t n = store_damage(g->node->store, SIZE_MAX, NULL);
	struct diag *d = n > g->said ? calloc(1, sizeof *d) : NULL;
	while (d && g->said < n) {
		store_damage(g->node->store, g->said++, d);
		node_log(g->node, "error", d);
	}
	free(d);
	atomic_store(&g->damaged_pages, n);
}

void gauges_tick(struct gauges *g, int64_t mono_ns)
{
	say_damage(g);
	if ((g->last_ns && mono_ns - g->last_ns < GAUGES_EVERY_NS) || atomic_exchange(&g->away, true))
		return;
	if (node_work(g->node, &g->work) == 0)
		g->last_ns = mono_ns;
	else
		atomic_store(&g->away, false); /* the workers have no room: in a second again */
}

void gauges_free(struct gauges *g) { free(g); }

void gauges_read(const struct gauges *g, struct gauges_now *ret)
{
	memset(ret, 0, sizeof *ret);
	if (!g)
		return;
	ret->taken = atomic_load(&g->taken);
	ret->damaged_pages = atomic_load(&g->damaged_pages);
	ret->cases_open = atomic_load(&g->cases_open);
	ret->devices_online = atomic_load(&g->devices[DRIVER_ONLINE]);
	ret->devices_connecting = atomic_load(&g->devices[DRIVER_CONNECTING]);
	ret->devices_offline = atomic_load(&g->devices[DRIVER_OFFLINE]);
}
