/* Modbus TCP frames: requests to bytes, bytes to answers. No state.
 *
 * MBAP header (Messaging on TCP/IP V1.0b, 3.1.3), big-endian:
 *   transaction:u16 | protocol:u16 = 0 | length:u16 (bytes that follow) | unit:u8
 * Request PDU (Application Protocol V1.1b3, 6.1 .. 6.4):
 *   function:u8 = 1..4 | address:u16 | quantity:u16
 * Answer PDU:
 *   function:u8 | bytes:u8 | data       registers big-endian; bits from the lowest of the first byte
 *   function:u8 + 0x80 | exception:u8   (7) */
#ifndef MO_DRIVER_MODBUS_PDU_H
#define MO_DRIVER_MODBUS_PDU_H

#include "base/diag.h"
#include "base/span.h"

#define MODBUS_ADU_MAX 260u /* MBAP header and a PDU of 253 (V1.1b3, 4.1) */
#define MODBUS_REQUEST_SIZE 12u
#define MODBUS_READ_REGISTERS_MAX 125u /* 6.3, 6.4 */
#define MODBUS_READ_BITS_MAX 2000u     /* 6.1, 6.2 */

/* The number is the function code that reads the table. */
enum modbus_table { MODBUS_COIL = 1, MODBUS_DISCRETE = 2, MODBUS_HOLDING = 3, MODBUS_INPUT = 4 };
const char *modbus_table_name(enum modbus_table t);
static inline bool modbus_table_is_bits(enum modbus_table t)
{
	return t <= MODBUS_DISCRETE;
}

struct modbus_request {
	uint16_t transaction;
	uint8_t unit;
	enum modbus_table table;
	uint16_t address, quantity;
};
void modbus_pdu_encode(uint8_t out[MODBUS_REQUEST_SIZE], const struct modbus_request *r);

/* Size of the frame that begins at bytes.p. MO_EAGAIN: its header is not whole yet (or not all of it came). MO_EPROTO. */
MO_MUST_USE int modbus_pdu_size(size_t *ret, struct span bytes, struct diag *d);

struct modbus_answer {
	uint8_t exception; /* 0: data holds what was asked for */
	struct span data;  /* borrowed from the frame: 2 bytes a register, or packed bits */
};
/* Transaction of a whole frame. */
uint16_t modbus_pdu_transaction(struct span frame);
/* `frame` is whole (modbus_pdu_size) and of r's transaction. MO_EPROTO: it does not answer r; the diag's field is the part that differs. */
MO_MUST_USE int modbus_pdu_decode(struct modbus_answer *ret, struct span frame, const struct modbus_request *r, struct diag *d);
/* Sets err, message and field/value/expected of a frame that is not what it should be. */
int modbus_pdu_bad(struct diag *d, const char *field, unsigned value, unsigned low, unsigned high);
/* The exception in words (7). */
enum mo_msg modbus_exception_message(uint8_t code);

#endif
