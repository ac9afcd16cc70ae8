#include "driver/modbus/priv/cycle.h"

#include "driver/modbus/priv/value.h"

bool modbus_counter_step(struct modbus_counter *c, uint64_t raw, uint64_t *ret_seq, bool *ret_gap)
{
	uint64_t mask = c->bits == 64 ? UINT64_MAX : (UINT64_C(1) << c->bits) - 1;
	uint64_t forward = (raw - c->raw) & mask;
	if (!c->seen) {
		c->seen = true;
		c->raw = c->seq = raw;
		*ret_gap = false;
		*ret_seq = raw;
		return raw != 0;
	}
	if (forward == 0)
		return false;
	if (raw > c->raw || forward <= mask / MODBUS_CYCLE_WRAP_SHARE) {
		*ret_gap = forward > 1 || c->gap;
		c->seq += forward;
	} else {
		/* Restarted: how many cycles went unseen before and after, nobody knows. */
		c->raw = raw;
		c->gap = true;
		if (raw == 0)
			return false;
		*ret_gap = true;
		c->seq++;
	}
	c->gap = false;
	c->raw = raw;
	*ret_seq = c->seq;
	return true;
}

int modbus_cycle_init(
        struct modbus_cycle *c, struct arena *a, const struct modbus_item *items, size_t n, unsigned max_registers, unsigned max_gap)
{
	*c = (struct modbus_cycle){.n_items = n, .counter_item = &items[n - 1], .next_ns = INT64_MIN, .poll_ns = items[n - 1].poll_ns};
	c->counter.bits = 16u * items[n - 1].length;
	c->order = arena_calloc(a, n, sizeof(const struct modbus_item *));
	c->part = arena_calloc(a, n, sizeof *c->part);
	if (!c->order || !c->part)
		return MO_ENOMEM;
	unsigned low = 65536, high = 0;
	for (size_t i = 0; i < n; i++) {
		c->order[i] = &items[i];
		unsigned end = (unsigned)items[i].address + items[i].length;
		low = items[i].address < low ? items[i].address : low;
		high = end > high ? end : high;
	}
	/* One request whenever the block fits, whatever lies unused inside. */
	c->n_parts = modbus_plan(c->part, c->order, n, max_registers, high - low <= max_registers ? max_registers : max_gap);
	uint32_t bytes = 0;
	for (size_t i = 0; i < c->n_parts; i++) {
		c->part[i].image = bytes;
		bytes += 2u * c->part[i].quantity;
	}
	c->image = arena_calloc(a, bytes, 1);
	return c->image ? 0 : MO_ENOMEM;
}

bool modbus_cycle_holds_counter(const struct modbus_cycle *c, const struct modbus_batch *part)
{
	for (uint32_t i = part->first; i < part->first + part->n; i++)
		if (c->order[i] == c->counter_item)
			return true;
	return false;
}

static void forget(struct modbus_cycle *c)
{
	for (size_t i = 0; i < c->n_parts; i++)
		c->part[i].got = false;
	c->have_raw = c->confirm = false;
}

void modbus_cycle_begin(struct modbus_cycle *c)
{
	forget(c);
	c->tries = 0;
	c->reading = true;
}

void modbus_cycle_stop(struct modbus_cycle *c)
{
	c->reading = false;
}

static struct modbus_batch *counter_part(struct modbus_cycle *c)
{
	size_t i = 0;
	while (i + 1 < c->n_parts && !modbus_cycle_holds_counter(c, &c->part[i]))
		i++;
	return &c->part[i];
}

/* A part not read yet and not refused lately; NULL: none. */
static struct modbus_batch *missing_part(struct modbus_cycle *c, int64_t t_ns)
{
	for (size_t i = 0; i < c->n_parts; i++)
		if (!c->part[i].got && c->part[i].next_ns <= t_ns)
			return &c->part[i];
	return NULL;
}

struct modbus_batch *modbus_cycle_next(struct modbus_cycle *c, int64_t t_ns)
{
	struct modbus_batch *part = c->have_raw ? missing_part(c, t_ns) : NULL;
	if (part)
		return part;
	c->confirm = c->have_raw;
	return counter_part(c);
}

static enum modbus_cycle_step finish(struct modbus_cycle *c, uint64_t *ret_seq, bool *ret_gap)
{
	c->reading = c->moving = false;
	return modbus_counter_step(&c->counter, c->raw, ret_seq, ret_gap) ? MODBUS_CYCLE_NEW : MODBUS_CYCLE_SAME;
}

enum modbus_cycle_step modbus_cycle_answer(
        struct modbus_cycle *c, struct modbus_batch *part, struct span data, int64_t t_ns, uint64_t *ret_seq, bool *ret_gap)
{
	memcpy(c->image + part->image, data.p, data.n);
	part->got = true;
	if (modbus_cycle_holds_counter(c, part)) {
		uint64_t raw = modbus_value_raw(c->counter_item, modbus_cycle_bytes(c, part, c->counter_item));
		if (c->confirm && raw == c->raw)
			return finish(c, ret_seq, ret_gap);
		if (c->confirm) {
			if (++c->tries >= MODBUS_CYCLE_TRIES) {
				c->reading = false;
				c->moving = true;
				return MODBUS_CYCLE_MOVING;
			}
			forget(c);
			part->got = true;
		}
		c->have_raw = true;
		c->raw = raw;
		/* Nothing new: the other parts are not worth asking for. */
		if (c->counter.seen && raw == c->counter.raw)
			return finish(c, ret_seq, ret_gap);
	}
	if (missing_part(c, t_ns))
		return MODBUS_CYCLE_MORE;
	size_t got = 0;
	for (size_t i = 0; i < c->n_parts; i++)
		got += c->part[i].got;
	return got == 1 ? finish(c, ret_seq, ret_gap) : MODBUS_CYCLE_MORE;
}

bool modbus_cycle_split(struct modbus_cycle *c, struct modbus_batch *part)
{
	if (!modbus_plan_split(part, &c->part[c->n_parts], c->order))
		return false;
	c->n_parts++;
	forget(c);
	return true;
}
