/* A sweep over time: work that has begun and may still see something stands
 * in `open`; it is dropped once a moment begins after its end. */
#include "lots/condition.h"

#include <stdlib.h>

struct condition {
	const struct cond_work *work; /* by start */
	struct cond_lot *seen;        /* one for each piece of work; times 0: nothing */
	size_t n, next;
	size_t *open;
	size_t n_open;
};

static int by_start(const void *a, const void *b)
{
	const struct cond_work *x = a, *y = b;
	return x->start_ns < y->start_ns ? -1 : x->start_ns > y->start_ns;
}

int condition_new(struct condition **ret, struct arena *a, struct cond_work *work, size_t n)
{
	struct condition *c = arena_calloc(a, 1, sizeof *c);
	if (!c)
		return MO_ENOMEM;
	c->seen = arena_calloc(a, n ? n : 1, sizeof *c->seen);
	c->open = arena_calloc(a, n ? n : 1, sizeof *c->open);
	if (!c->seen || !c->open)
		return MO_ENOMEM;
	if (n)
		qsort(work, n, sizeof *work, by_start);
	c->work = work;
	c->n = n;
	*ret = c;
	return 0;
}

static void saw(struct cond_lot *l, int64_t lot, int64_t t)
{
	l->lot = lot;
	if (l->times++ == 0)
		l->first_ns = t;
	l->last_ns = t;
}

void condition_held(struct condition *c, int64_t from, int64_t to, uint64_t seq)
{
	while (c->next < c->n && c->work[c->next].start_ns <= to)
		c->open[c->n_open++] = c->next++;
	size_t kept = 0;
	for (size_t i = 0; i < c->n_open; i++) {
		const struct cond_work *w = &c->work[c->open[i]];
		if (w->end_ns < from)
			continue;
		c->open[kept++] = c->open[i];
		bool own = !seq || !w->seq_first || (w->seq_first <= seq && seq <= w->seq_last);
		if (w->start_ns <= to && own)
			saw(&c->seen[c->open[i]], w->lot, w->start_ns > from ? w->start_ns : from);
	}
	c->n_open = kept;
}

static int by_lot(const void *a, const void *b)
{
	const struct cond_lot *x = a, *y = b;
	return x->lot < y->lot ? -1 : x->lot > y->lot;
}

static int by_first(const void *a, const void *b)
{
	const struct cond_lot *x = a, *y = b;
	if (x->first_ns != y->first_ns)
		return x->first_ns < y->first_ns ? -1 : 1;
	return by_lot(a, b);
}

int condition_lots(const struct condition *c, const struct cond_lot **ret, size_t *ret_n, struct arena *a)
{
	struct cond_lot *l = arena_calloc(a, c->n ? c->n : 1, sizeof *l);
	size_t n = 0, k = 0;
	if (!l)
		return MO_ENOMEM;
	for (size_t i = 0; i < c->n; i++)
		if (c->seen[i].times)
			l[n++] = c->seen[i];
	if (n)
		qsort(l, n, sizeof *l, by_lot);
	for (size_t i = 0; i < n; i++) { /* a lot that was worked on twice is one lot */
		if (k == 0 || l[k - 1].lot != l[i].lot) {
			l[k++] = l[i];
			continue;
		}
		l[k - 1].times += l[i].times;
		l[k - 1].first_ns = l[i].first_ns < l[k - 1].first_ns ? l[i].first_ns : l[k - 1].first_ns;
		l[k - 1].last_ns = l[i].last_ns > l[k - 1].last_ns ? l[i].last_ns : l[k - 1].last_ns;
	}
	if (k)
		qsort(l, k, sizeof *l, by_first);
	*ret = l;
	*ret_n = k;
	return 0;
}
