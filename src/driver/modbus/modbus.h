/* Modbus TCP client (Modbus Application Protocol V1.1b3; Modbus Messaging on
 * TCP/IP Implementation Guide V1.0b).
 *
 * Configuration, one JSON object:
 *   {"driver":"modbus", "host":"127.0.0.1", "port":502, "unit":1,
 *    "poll_ms":1000,          default for signals
 *    "timeout_ms":1000,       one request; three in a row without answer: reconnect
 *    "max_registers":125,     most registers a request asks for (some devices take fewer)
 *    "max_gap":8,             registers that may be read for nothing to join two requests
 *    "signals":[{"name":"barrel_1", "label":"배럴 1 온도", "unit":"°C",
 *                "table":"holding|input|coil|discrete", "address":100,   0-based PDU address; table holding unless given
 *                "type":"u16|i16|u32|i32|u64|i64|f32|f64|bit|string",   u16 unless given, bit in coil and discrete
 *                "order":"ABCD|CDAB|BADC|DCBA",  bytes of a 32-bit value as they come; 64-bit by the same pattern of words
 *                                                (CDAB: GHEFCDAB);
 *                                                16-bit, bit of a register, string: AB|BA. ABCD (AB) unless given
 *                "bit":3,                        of a register (0 the lowest), with type bit
 *                "length":8,                     registers, with type string (two ASCII characters each, high byte first; NUL and blanks at
 *                                                the end cut; other bytes become '?' with quality 130)
 *                "scale":0.1, "offset":0,        value = raw * scale + offset, rounded once where both are decimals (951 gives 95.1);
 *                                                with either, or f32/f64, the value is a double, else an integer
 *                "min":0, "max":400,             outside: stored with quality 130 (bad range); so are NaN, infinities and u64 past int64
 *                "poll_ms":10000}],
 *    "cycle":{"table":"holding|input", "counter":{"address":200,"type":"u16|u32|u64","order":"ABCD"}, "poll_ms":1000,
 *             "lot":{"address":202,"length":8,"order":"AB"},  16 ASCII characters
 *             "signals":[ ... as above without table and poll_ms, inside the block ... ]}}
 * "asset", "enabled" and "state" are the node's and passed over; any other key is an error. A poll is due on whole multiples of its
 * period (node time since 1970), and at once on a new connection when none was answered since.
 *
 * The cycle block is read with one request so that its values belong together
 * (or, when it is longer than max_registers, again when the counter changed
 * meanwhile). A changed counter is a new cycle: its values get seq = counter,
 * unwrapped; a jump by more than one gives them quality 66 (gap before); a counter
 * that ran backwards is a restart of the machine's program: counted on from the
 * last, with quality 66. A counter that stands at 0 at first sight or after a
 * restart has made no cycle yet; one that wraps to 0 has. The lot is the string
 * signal "lot". The first sight of a counter after start gives its cycle too (the
 * node drops what it has already).
 *
 * A device that refuses an address within a joined read is asked for the parts,
 * halved until the culprit stands alone; that one is asked ever more seldom, the
 * rest as before. */
#ifndef MO_DRIVER_MODBUS_H
#define MO_DRIVER_MODBUS_H

#include "driver/driver.h"

#define MODBUS_SIGNALS_MAX 4096u
#define MODBUS_FRAMES_KEPT 16u
#define MODBUS_CONFIG_MAX (4u << 20) /* bytes of JSON */

extern const struct driver_ops modbus_driver;

#endif
