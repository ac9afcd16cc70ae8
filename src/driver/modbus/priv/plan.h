/* Which items are read together: items of one table and period whose
 * addresses lie near are one batch, read with one request. */
#ifndef MO_DRIVER_MODBUS_PLAN_H
#define MO_DRIVER_MODBUS_PLAN_H

#include "driver/modbus/priv/config.h"

struct modbus_batch {
	enum modbus_table table;
	uint16_t start;
	uint16_t quantity;        /* registers or bits */
	uint32_t first, n;        /* its items: order[first .. first + n), by address */
	uint32_t image;           /* offset of its bytes in the cycle's image */
	int64_t poll_ns, next_ns; /* node time when it is due; INT64_MIN: at once */
	uint8_t fails;            /* refusals in a row */
	uint8_t exception;        /* of the last refusal; 0: none */
	bool lost;                /* not answered since the connection failed: due at once on the next */
	bool got;                 /* part of a cycle: read in the present reading */
};

/* Sorts `order` and cuts it into batches; ret has room for n. Gives their number. A read is at most max_registers (bits: 16 times as
 * many) and joins items over at most max_gap registers (bits: 16 times) that nobody wants. */
size_t modbus_plan(struct modbus_batch *ret, const struct modbus_item **order, size_t n, unsigned max_registers, unsigned max_gap);
/* Cuts b's items in two near the middle: *b keeps the first part, *rest is the other. false: all begin at one address. */
bool modbus_plan_split(struct modbus_batch *b, struct modbus_batch *rest, const struct modbus_item *const *order);
/* The next whole multiple of period_ns after t_ns. */
int64_t modbus_plan_next(int64_t t_ns, int64_t period_ns);

#endif
