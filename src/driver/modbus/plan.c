#include "driver/modbus/priv/plan.h"

#include <stdlib.h>

static int by_place(const void *pa, const void *pb)
{
	const struct modbus_item *a = *(const struct modbus_item *const *)pa, *b = *(const struct modbus_item *const *)pb;
	if (a->table != b->table)
		return a->table < b->table ? -1 : 1;
	if (a->poll_ns != b->poll_ns)
		return a->poll_ns < b->poll_ns ? -1 : 1;
	if (a->address != b->address)
		return a->address < b->address ? -1 : 1;
	return a->signal < b->signal ? -1 : a->signal > b->signal;
}

static unsigned end_of(const struct modbus_item *it)
{
	return (unsigned)it->address + it->length;
}

/* Start and quantity from its items. */
static void measure(struct modbus_batch *b, const struct modbus_item *const *order)
{
	unsigned end = 0;
	for (uint32_t i = b->first; i < b->first + b->n; i++)
		if (end_of(order[i]) > end)
			end = end_of(order[i]);
	b->start = order[b->first]->address;
	b->quantity = (uint16_t)(end - b->start);
}

size_t modbus_plan(struct modbus_batch *ret, const struct modbus_item **order, size_t n, unsigned max_registers, unsigned max_gap)
{
	size_t batches = 0;
	unsigned end = 0; /* of the batch being filled */
	if (n)
		qsort(order, n, sizeof *order, by_place);
	for (size_t i = 0; i < n; i++) {
		const struct modbus_item *it = order[i];
		unsigned width = modbus_table_is_bits(it->table) ? 16 : 1;
		struct modbus_batch *b = batches ? &ret[batches - 1] : NULL;
		unsigned reach = end_of(it) > end ? end_of(it) : end;
		if (b && b->table == it->table && b->poll_ns == it->poll_ns && it->address <= end + max_gap * width &&
		        reach - b->start <= max_registers * width) {
			b->n++;
			end = reach;
			continue;
		}
		ret[batches++] = (struct modbus_batch){.table = it->table,
		        .start = it->address,
		        .first = (uint32_t)i,
		        .n = 1,
		        .poll_ns = it->poll_ns,
		        .next_ns = INT64_MIN};
		end = end_of(it);
	}
	for (size_t i = 0; i < batches; i++)
		measure(&ret[i], order);
	return batches;
}

bool modbus_plan_split(struct modbus_batch *b, struct modbus_batch *rest, const struct modbus_item *const *order)
{
	/* The cut nearest to the middle where the address changes: items of one register stay together. */
	uint32_t middle = b->first + b->n / 2, end = b->first + b->n, cut = 0;
	for (uint32_t off = 0; off <= b->n / 2 + 1 && !cut; off++) {
		uint32_t lo = middle >= off ? middle - off : 0, hi = middle + off;
		if (lo > b->first && lo < end && order[lo]->address != order[lo - 1]->address)
			cut = lo;
		else if (hi > b->first && hi < end && order[hi]->address != order[hi - 1]->address)
			cut = hi;
	}
	if (!cut)
		return false;
	uint32_t image = b->image;
	uint16_t start = b->start;
	*rest = *b;
	rest->first = cut;
	rest->n = end - cut;
	b->n = cut - b->first;
	measure(b, order);
	measure(rest, order);
	rest->image = image + 2u * (uint32_t)(rest->start - start);
	return true;
}

int64_t modbus_plan_next(int64_t t_ns, int64_t period_ns)
{
	int64_t over = t_ns % period_ns, next;
	if (over < 0)
		over += period_ns;
	return __builtin_add_overflow(t_ns, period_ns - over, &next) ? INT64_MAX : next;
}
