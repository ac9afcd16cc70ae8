#include "driver/modbus/priv/value.h"

#include <math.h>

uint64_t modbus_value_raw(const struct modbus_item *it, const uint8_t *data)
{
	uint64_t v = 0;
	for (unsigned i = 0; i < it->length; i++) {
		const uint8_t *w = data + (size_t)2 * (it->swap_words ? it->length - 1u - i : i);
		v = v << 16 | (it->swap_bytes ? (uint64_t)w[1] << 8 | w[0] : (uint64_t)w[0] << 8 | w[1]);
	}
	return v;
}

static void decode_string(struct driver_value *ret, const struct modbus_item *it, const uint8_t *data, char *text)
{
	size_t n = (size_t)2 * it->length;
	for (size_t i = 0; i < n; i++)
		text[i] = (char)data[it->swap_bytes ? i ^ 1u : i];
	while (n && (text[n - 1] == 0 || text[n - 1] == ' '))
		n--;
	for (size_t i = 0; i < n; i++)
		if (text[i] < 0x20 || text[i] > 0x7e) {
			text[i] = '?';
			ret->quality = DQ_RANGE;
		}
	ret->type = DV_STR;
	ret->str = span_of(text, n);
}

/* 0.1 is no binary number: 951 * 0.1 would be 95.10000000000001. So 951 * 1 / 10, which rounds once, as long as all before the division is exact. */
static double scaled(const struct modbus_item *it, double raw)
{
	double product = raw * it->numer, sum = product + it->addend, part = sum - product;
	bool exact = fma(raw, it->numer, -product) == 0 && product - (sum - part) + (it->addend - part) == 0;
	return it->denom != 0 && exact ? sum / it->denom : raw * it->scale + it->offset;
}

static void decode_real(struct driver_value *ret, const struct modbus_item *it, double raw)
{
	double v = it->scaled ? scaled(it, raw) : raw;
	ret->type = DV_F64;
	ret->f64 = v;
	/* Also true for NaN. */
	if (!(v >= it->min && v <= it->max) || isinf(v))
		ret->quality = DQ_RANGE;
}

static void decode_integer(struct driver_value *ret, const struct modbus_item *it, int64_t v)
{
	ret->type = DV_I64;
	ret->i64 = v;
	if ((double)v < it->min || (double)v > it->max)
		ret->quality = DQ_RANGE;
}

void modbus_value_registers(struct driver_value *ret, const struct modbus_item *it, const uint8_t *data, char *text)
{
	ret->quality = DQ_GOOD;
	if (it->type == MODBUS_STRING) {
		decode_string(ret, it, data, text);
		return;
	}
	uint64_t raw = modbus_value_raw(it, data);
	int64_t i;
	switch (it->type) {
	case MODBUS_I16:
		i = (int16_t)(uint16_t)raw;
		break;
	case MODBUS_I32:
		i = (int32_t)(uint32_t)raw;
		break;
	case MODBUS_I64:
		i = (int64_t)raw;
		break;
	case MODBUS_U64:
		if (it->scaled) {
			decode_real(ret, it, (double)raw);
			return;
		}
		i = raw > INT64_MAX ? INT64_MAX : (int64_t)raw;
		decode_integer(ret, it, i);
		if (raw > INT64_MAX)
			ret->quality = DQ_RANGE;
		return;
	case MODBUS_F32: {
		uint32_t bits = (uint32_t)raw;
		float f;
		memcpy(&f, &bits, sizeof f);
		decode_real(ret, it, (double)f);
		return;
	}
	case MODBUS_F64: {
		double f;
		memcpy(&f, &raw, sizeof f);
		decode_real(ret, it, f);
		return;
	}
	case MODBUS_BIT:
		ret->type = DV_BOOL;
		ret->b = (uint8_t)(raw >> it->bit & 1);
		return;
	default:
		i = (int64_t)raw;
		break;
	}
	if (it->scaled)
		decode_real(ret, it, (double)i);
	else
		decode_integer(ret, it, i);
}

void modbus_value_bit(struct driver_value *ret, const uint8_t *data, unsigned index)
{
	ret->quality = DQ_GOOD;
	ret->type = DV_BOOL;
	ret->b = (uint8_t)(data[index / 8] >> index % 8 & 1);
}
