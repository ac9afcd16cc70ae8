/* Each row: WELL --limit passed--> STUCK --it goes on--> WELL */
#include "node/watchdog.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "os/clock.h"
#include "os/thread.h"

struct watchdog {
	pthread_t thread;
	bool started;
	struct bqueue *end; /* nothing ever comes: closed to end the wait */
	int64_t period_ns, beat_ns;
	void (*beat)(void *arg, int64_t beat_ns);
	struct watchdog_row rows[WATCHDOG_ROWS_MAX];
	int64_t stuck_since_ns[WATCHDOG_ROWS_MAX]; /* 0: well */
	unsigned n;
	void (*said)(void *arg, const char *name, bool stuck, int64_t stood_ns);
	void *arg;
	atomic_uint stuck;
	_Atomic uint64_t times;
};

static void look(struct watchdog *g)
{
	for (unsigned i = 0; i < g->n; i++) {
		const struct watchdog_row *r = &g->rows[i];
		int64_t since = r->since(r->arg), now = mono_now();
		bool stuck = since != 0 && now - since > r->limit_ns;
		if (stuck && !g->stuck_since_ns[i]) {
			atomic_fetch_add(&g->stuck, 1);
			atomic_fetch_add(&g->times, 1);
			g->stuck_since_ns[i] = since;
			g->said(g->arg, r->name, true, now - since);
		} else if (!stuck && g->stuck_since_ns[i]) {
			int64_t stood = now - g->stuck_since_ns[i];
			atomic_fetch_sub(&g->stuck, 1);
			g->stuck_since_ns[i] = 0;
			g->said(g->arg, r->name, false, stood);
		}
	}
}

static void *watch(void *arg)
{
	struct watchdog *g = arg;
	void *none;
	int64_t looked = mono_now();
	while (bqueue_pop(g->end, &none, g->beat ? g->beat_ns : g->period_ns) == MO_ETIMEOUT) {
		int64_t now = mono_now();
		if (g->beat)
			g->beat(g->arg, g->beat_ns);
		if (g->beat && now - looked < g->period_ns)
			continue;
		looked = now;
		look(g);
	}
	return NULL;
}

int watchdog_new(struct watchdog **ret, const struct watchdog_row *rows, unsigned n, int64_t period_ns,
	void (*beat)(void *arg, int64_t beat_ns), int64_t beat_ns, void (*said)(void *arg, const char *name, bool stuck, int64_t stood_ns), void *arg)
{
	if (n > WATCHDOG_ROWS_MAX)
		return MO_EINVAL;
	struct watchdog *g = calloc(1, sizeof *g);
	if (!g)
		return MO_ENOMEM;
	for (unsigned i = 0; i < n; i++)
		g->rows[i] = rows[i];
	g->n = n;
	g->period_ns = period_ns;
	g->beat = beat;
	g->beat_ns = beat_ns;
	g->said = said;
	g->arg = arg;
	int err = bqueue_new(&g->end, 1);
	if (err == 0 && (err = thread_start(&g->thread, "watchdog", watch, g)) == 0)
		g->started = true;
	if (err != 0) {
		watchdog_free(g);
		return err;
	}
	*ret = g;
	return 0;
}

void watchdog_free(struct watchdog *g)
{
	if (!g)
		return;
	if (g->end)
		bqueue_close(g->end);
	if (g->started)
		thread_join(g->thread);
	bqueue_free(g->end);
	free(g);
}

void watchdog_stats(struct watchdog *g, unsigned *ret_stuck, uint64_t *ret_times)
{
	*ret_stuck = atomic_load(&g->stuck);
	*ret_times = atomic_load(&g->times);
}
