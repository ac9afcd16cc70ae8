/* Bytes of registers to values: types, byte and word orders, scaling, ranges. */
#ifndef MO_DRIVER_MODBUS_VALUE_H
#define MO_DRIVER_MODBUS_VALUE_H

#include "driver/modbus/priv/config.h"

/* Sets type, value and quality (DQ_GOOD or DQ_RANGE). `data` are the item's 2 * length register bytes as they came; text, with room
 * for MODBUS_STRING_MAX bytes, is where a string goes that ret->str then points to. */
void modbus_value_registers(struct driver_value *ret, const struct modbus_item *it, const uint8_t *data, char *text);
/* An item of a bit table: bit `index` of an answer's packed bits. */
void modbus_value_bit(struct driver_value *ret, const uint8_t *data, unsigned index);
/* The bytes of an integer as one number, not sign-extended. */
uint64_t modbus_value_raw(const struct modbus_item *it, const uint8_t *data);

#endif
