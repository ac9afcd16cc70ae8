/* Request: transaction u16 | protocol u16 = 0 | length u16 | unit u8 | function u8 | data, big-endian.
 * Answer the same; a refusal has the function with its high bit set and one byte, the exception code. */
#include "sim/modbus_server.h"

#define MBAP 7u

enum { EXC_FUNCTION = 1, EXC_ADDRESS = 2, EXC_VALUE = 3 };

void mb_u16(uint16_t *at, uint16_t v) { at[0] = v; }

static uint16_t swapped(uint16_t v) { return (uint16_t)((unsigned)v << 8 | v >> 8); }

void mb_u32(uint16_t *at, uint32_t v, enum mb_order order)
{
	uint16_t hi = (uint16_t)(v >> 16), lo = (uint16_t)v;
	switch (order) {
	case MB_ABCD:
		at[0] = hi;
		at[1] = lo;
		break;
	case MB_CDAB:
		at[0] = lo;
		at[1] = hi;
		break;
	case MB_BADC:
		at[0] = swapped(hi);
		at[1] = swapped(lo);
		break;
	case MB_DCBA:
		at[0] = swapped(lo);
		at[1] = swapped(hi);
		break;
	}
}

void mb_f32(uint16_t *at, float v, enum mb_order order)
{
	uint32_t bits;
	memcpy(&bits, &v, sizeof bits);
	mb_u32(at, bits, order);
}

void mb_text(uint16_t *at, size_t n, const char *text)
{
	size_t length = strlen(text);
	for (size_t i = 0; i < n; i++) {
		unsigned a = 2 * i < length ? (uint8_t)text[2 * i] : 0u, z = 2 * i + 1 < length ? (uint8_t)text[2 * i + 1] : 0u;
		at[i] = (uint16_t)(a << 8 | z);
	}
}

static unsigned u16_at(const uint8_t *p) { return (unsigned)p[0] << 8 | p[1]; }

/* The answer's PDU; gives its length. */
static size_t answer_pdu(const struct mb_regs *r, const uint8_t *pdu, size_t n, uint8_t *out)
{
	unsigned function = pdu[0];
	out[0] = (uint8_t)(function | 0x80);
	if (function < 1 || function > 4) {
		out[1] = EXC_FUNCTION;
		return 2;
	}
	bool bits = function <= 2;
	unsigned address = n >= 5 ? u16_at(pdu + 1) : 0, count = n >= 5 ? u16_at(pdu + 3) : 0;
	unsigned most = bits ? 2000 : r->most ? r->most : MB_READ_MAX, size = bits ? MB_BITS : MB_REGISTERS;
	if (n != 5 || count == 0 || count > most || count > (bits ? 2000 : MB_READ_MAX)) {
		out[1] = EXC_VALUE;
		return 2;
	}
	if (address >= size || count > size - address) {
		out[1] = EXC_ADDRESS;
		return 2;
	}
	out[0] = (uint8_t)function;
	if (bits) {
		unsigned word = (unsigned)(function == 1 ? r->coils : r->discrete) >> address & ((1u << count) - 1);
		out[1] = (uint8_t)((count + 7) / 8);
		out[2] = (uint8_t)word;
		out[3] = (uint8_t)(word >> 8);
		return 2u + out[1];
	}
	const uint16_t *at = (function == 3 ? r->holding : r->input) + address;
	out[1] = (uint8_t)(2 * count);
	for (unsigned i = 0; i < count; i++) {
		out[2 + 2 * i] = (uint8_t)(at[i] >> 8);
		out[3 + 2 * i] = (uint8_t)at[i];
	}
	return 2 + 2 * (size_t)count;
}

long mb_answer(const struct mb_regs *r, struct span in, uint8_t out[MB_FRAME_MAX], size_t *ret_n)
{
	*ret_n = 0;
	if (in.n < MBAP)
		return 0;
	unsigned length = u16_at(in.p + 4);
	if (u16_at(in.p + 2) != 0 || length < 2 || length > MB_FRAME_MAX - 6)
		return -1;
	if (in.n < 6 + (size_t)length)
		return 0;
	size_t n = answer_pdu(r, in.p + MBAP, length - 1, out + MBAP);
	memcpy(out, in.p, 4);
	out[4] = (uint8_t)((n + 1) >> 8);
	out[5] = (uint8_t)(n + 1);
	out[6] = in.p[6];
	*ret_n = MBAP + n;
	return 6 + (long)length;
}
