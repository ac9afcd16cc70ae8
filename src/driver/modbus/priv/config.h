/* The configuration as read: what is asked from whom and how its bytes are
 * understood. All memory is the arena's given to modbus_config_read(). */
#ifndef MO_DRIVER_MODBUS_CONFIG_H
#define MO_DRIVER_MODBUS_CONFIG_H

#include "base/arena.h"
#include "base/diag.h"
#include "driver/driver.h"
#include "driver/modbus/priv/pdu.h"

#define MODBUS_STRING_REGISTERS_MAX MODBUS_READ_REGISTERS_MAX
#define MODBUS_STRING_MAX (2u * MODBUS_STRING_REGISTERS_MAX) /* bytes */
#define MODBUS_NO_SIGNAL UINT32_MAX

enum modbus_type {
	MODBUS_U16,
	MODBUS_I16,
	MODBUS_U32,
	MODBUS_I32,
	MODBUS_U64,
	MODBUS_I64,
	MODBUS_F32,
	MODBUS_F64,
	MODBUS_BIT,
	MODBUS_STRING,
	MODBUS_TYPES
};
/* One thing in a table: a signal, or the cycle's counter. */
struct modbus_item {
	uint32_t signal; /* index into driver_signals(); MODBUS_NO_SIGNAL: the counter */
	enum modbus_table table;
	enum modbus_type type;
	bool swap_words, swap_bytes;    /* against big-endian */
	bool scaled;                    /* scale or offset was given */
	uint8_t bit;                    /* of a register */
	uint16_t address, length;       /* in registers, or 1 bit of a bit table */
	double scale, offset, min, max; /* min, max: -+infinity when not given */
	double numer, addend, denom;    /* scale = numer / denom, offset = addend / denom in whole numbers; denom 0: no power of ten does that */
	int64_t poll_ns;
};
struct modbus_config {
	const char *host, *place; /* place: "host:port", for people */
	uint16_t port;
	uint8_t unit;
	int64_t timeout_ns;
	unsigned max_registers, max_gap;
	size_t n_clock;    /* items [0, n_clock) are clock signals */
	size_t n_signals;  /* items [n_clock, n_signals) are per-cycle signals */
	size_t n_items;    /* one more with a cycle: the counter, at n_signals */
	size_t string_max; /* bytes of the longest string */
	struct modbus_item *items;
	struct driver_signal *signals;
	int64_t cycle_poll_ns;
};
static inline bool modbus_config_has_cycle(const struct modbus_config *c)
{
	return c->n_items > c->n_signals;
}

/* Both, as numbers of a decimal text. */
void modbus_item_scale(struct modbus_item *it, double scale, double offset);

/* MO_EINVAL: the diag names line, field ("signals[3].address"), value and what was expected. MO_ENOMEM, MO_ELIMIT. */
MO_MUST_USE int modbus_config_read(struct modbus_config *ret, struct arena *a, struct span json, struct diag *d);

#endif
