#include "driver/modbus/priv/pdu.h"

#include <stdio.h>

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

const char *modbus_table_name(enum modbus_table t)
{
	static const char *const names[] = {"?", "coil", "discrete", "holding", "input"};
	return (unsigned)t < sizeof names / sizeof names[0] ? names[t] : "?";
}

void modbus_pdu_encode(uint8_t out[MODBUS_REQUEST_SIZE], const struct modbus_request *r)
{
	put16(out, r->transaction);
	put16(out + 2, 0);
	put16(out + 4, 6);
	out[6] = r->unit;
	out[7] = (uint8_t)r->table;
	put16(out + 8, r->address);
	put16(out + 10, r->quantity);
}

int modbus_pdu_bad(struct diag *d, const char *field, unsigned value, unsigned low, unsigned high)
{
	char text[32], want[48];
	int err = diag_set(d, MO_EPROTO, MSG_MODBUS_BAD_ANSWER);
	(void)snprintf(text, sizeof text, "%u", value);
	if (low == high)
		(void)snprintf(want, sizeof want, "%u", low);
	else
		(void)snprintf(want, sizeof want, "%u..%u", low, high);
	diag_field(d, span_str(field));
	diag_value(d, span_str(text));
	diag_expected(d, want);
	return err;
}

int modbus_pdu_size(size_t *ret, struct span bytes, struct diag *d)
{
	/* The smallest answer is an exception: unit, function, code. The header is judged as soon as it is there, so that a stream of
	 * another protocol is refused at once and not when its imagined length is full. */
	if (bytes.n >= 4 && get16(bytes.p + 2) != 0)
		return modbus_pdu_bad(d, "protocol", get16(bytes.p + 2), 0, 0);
	if (bytes.n < 6)
		return MO_EAGAIN;
	unsigned length = get16(bytes.p + 4);
	if (length < 3 || length > MODBUS_ADU_MAX - 6)
		return modbus_pdu_bad(d, "length", length, 3, MODBUS_ADU_MAX - 6);
	if (bytes.n < 6 + length)
		return MO_EAGAIN;
	*ret = 6 + length;
	return 0;
}

uint16_t modbus_pdu_transaction(struct span frame)
{
	return get16(frame.p);
}

int modbus_pdu_decode(struct modbus_answer *ret, struct span frame, const struct modbus_request *r, struct diag *d)
{
	unsigned length = (unsigned)frame.n - 6, function = frame.p[7];
	if (frame.p[6] != r->unit)
		return modbus_pdu_bad(d, "unit", frame.p[6], r->unit, r->unit);
	if (function == ((unsigned)r->table | 0x80u)) {
		if (length != 3)
			return modbus_pdu_bad(d, "length", length, 3, 3);
		if (frame.p[8] == 0)
			return modbus_pdu_bad(d, "exception", 0, 1, 255);
		*ret = (struct modbus_answer){.exception = frame.p[8], .data = span_of(frame.p + 9, 0)};
		return 0;
	}
	if (function != (unsigned)r->table)
		return modbus_pdu_bad(d, "function", function, (unsigned)r->table, (unsigned)r->table);
	unsigned want = modbus_table_is_bits(r->table) ? (r->quantity + 7u) / 8u : r->quantity * 2u;
	if (length != 3 + want)
		return modbus_pdu_bad(d, "length", length, 3 + want, 3 + want);
	if (frame.p[8] != want)
		return modbus_pdu_bad(d, "bytes", frame.p[8], want, want);
	*ret = (struct modbus_answer){.data = span_of(frame.p + 9, want)};
	return 0;
}

enum mo_msg modbus_exception_message(uint8_t code)
{
	switch (code) {
	case 1:
		return MSG_MODBUS_ILLEGAL_FUNCTION;
	case 2:
		return MSG_MODBUS_ILLEGAL_ADDRESS;
	case 3:
		return MSG_MODBUS_ILLEGAL_VALUE;
	case 4:
		return MSG_MODBUS_DEVICE_FAILURE;
	case 5:
		return MSG_MODBUS_ACKNOWLEDGE;
	case 6:
		return MSG_MODBUS_DEVICE_BUSY;
	case 8:
		return MSG_MODBUS_MEMORY_PARITY;
	case 10:
		return MSG_MODBUS_GATEWAY_PATH;
	case 11:
		return MSG_MODBUS_GATEWAY_TARGET;
	default:
		return MSG_MODBUS_OTHER_EXCEPTION;
	}
}
