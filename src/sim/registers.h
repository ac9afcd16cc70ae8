/* Where each Modbus machine keeps its signals, and the device document that
 * tells a node so. */
#ifndef MO_SIM_REGISTERS_H
#define MO_SIM_REGISTERS_H

#include "sim/modbus_server.h"
#include "sim/values.h"

/* Registers as they stand at t. */
void registers_set(struct mb_regs *r, const struct plan *p, size_t machine, int64_t t_ns);
/* The body of PUT /api/v1/devices/NAME for a machine that is read at 127.0.0.1:port. */
void registers_config(struct buf *out, const struct plan *p, size_t machine, unsigned port);
/* The same for a machine that sends by itself. */
void push_config(struct buf *out, const struct plan *p, size_t machine);

#endif
