/* The per-cycle block: one reading of all its parts that belong together, and
 * the machine's counter unwrapped to 64 bits.
 *
 * A block that fits into one request is one part. A longer one (or one that
 * the device takes only in parts) is read counter first, then the rest, then
 * the counter again: when it moved, once more from the start. */
#ifndef MO_DRIVER_MODBUS_CYCLE_H
#define MO_DRIVER_MODBUS_CYCLE_H

#include "driver/modbus/priv/plan.h"

/* Readings of one poll that may be spoilt by a moving counter. */
#define MODBUS_CYCLE_TRIES 3u
/* A counter that is lower than before has wrapped when it stood within this part of its range below the end; otherwise the machine's
 * program was restarted. */
#define MODBUS_CYCLE_WRAP_SHARE 16u

struct modbus_counter {
	bool seen;
	bool gap;      /* cycles may have been missed since: the next one says so */
	unsigned bits; /* 16, 32, 64 */
	uint64_t raw, seq;
};
/* The counter is looked at. true: *ret_seq is a new cycle (never 0), *ret_gap: others were missed before it. */
bool modbus_counter_step(struct modbus_counter *c, uint64_t raw, uint64_t *ret_seq, bool *ret_gap);

struct modbus_cycle {
	const struct modbus_item **order; /* the block's items, counter among them */
	const struct modbus_item *counter_item;
	struct modbus_batch *part;
	size_t n_items, n_parts;
	uint8_t *image; /* register bytes of all parts */
	struct modbus_counter counter;
	int64_t poll_ns, next_ns; /* as struct modbus_batch */
	bool lost;
	bool moving; /* the last reading was given up */
	/* one reading */
	bool reading, have_raw, confirm;
	unsigned tries;
	uint64_t raw;
};
/* items: the per-cycle ones, n of them, the counter last. Memory is the arena's. MO_ENOMEM. */
MO_MUST_USE int modbus_cycle_init(
        struct modbus_cycle *c, struct arena *a, const struct modbus_item *items, size_t n, unsigned max_registers, unsigned max_gap);
void modbus_cycle_begin(struct modbus_cycle *c);
void modbus_cycle_stop(struct modbus_cycle *c);
/* The part to ask for next at node time t_ns. */
struct modbus_batch *modbus_cycle_next(struct modbus_cycle *c, int64_t t_ns);
enum modbus_cycle_step {
	MODBUS_CYCLE_MORE,   /* ask modbus_cycle_next() */
	MODBUS_CYCLE_SAME,   /* reading done: no new cycle */
	MODBUS_CYCLE_MOVING, /* reading given up */
	MODBUS_CYCLE_NEW     /* reading done: *ret_seq, *ret_gap set, image whole for every part that was got */
};
enum modbus_cycle_step modbus_cycle_answer(
        struct modbus_cycle *c, struct modbus_batch *part, struct span data, int64_t t_ns, uint64_t *ret_seq, bool *ret_gap);
/* The device refused a part with an address or length exception. true: it was cut and the reading began anew. */
bool modbus_cycle_split(struct modbus_cycle *c, struct modbus_batch *part);
bool modbus_cycle_holds_counter(const struct modbus_cycle *c, const struct modbus_batch *part);
/* The bytes of an item of a part that was got. */
static inline const uint8_t *modbus_cycle_bytes(const struct modbus_cycle *c, const struct modbus_batch *part, const struct modbus_item *it)
{
	return c->image + part->image + (size_t)2 * (size_t)(it->address - part->start);
}

#endif
