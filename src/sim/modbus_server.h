/* Modbus TCP, the server's side, with an encoder of its own (MODBUS
 * Application Protocol Specification V1.1b3; Messaging on TCP/IP V1.0b).
 * Functions 01 to 04; others are answered with exception 01. */
#ifndef MO_SIM_MODBUS_SERVER_H
#define MO_SIM_MODBUS_SERVER_H

#include "base/buf.h"

#define MB_REGISTERS 400u /* 0..399 of each table */
#define MB_BITS 16u
#define MB_FRAME_MAX 260u
#define MB_READ_MAX 125u

struct mb_regs {
	uint16_t holding[MB_REGISTERS], input[MB_REGISTERS];
	uint16_t coils, discrete;  /* bit 0 first */
	uint16_t most;             /* registers a request may ask for; more is exception 03 */
};
enum mb_order { MB_ABCD, MB_CDAB, MB_BADC, MB_DCBA };

void mb_u16(uint16_t *at, uint16_t v);
void mb_u32(uint16_t *at, uint32_t v, enum mb_order order);
void mb_f32(uint16_t *at, float v, enum mb_order order);
/* n registers of two characters, high byte first, NUL behind the text. */
void mb_text(uint16_t *at, size_t n, const char *text);

/* Answers the first whole request of `in`. Gives its length (bytes to drop), 0 when more must come, -1 when this is not Modbus
 * (the connection should be closed). *ret_n: length of the answer in out. */
long mb_answer(const struct mb_regs *r, struct span in, uint8_t out[MB_FRAME_MAX], size_t *ret_n);

#endif
