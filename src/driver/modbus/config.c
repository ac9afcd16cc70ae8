#include "driver/modbus/priv/config.h"

#include <math.h>
#include <stdio.h>

#include "base/civil.h"
#include "base/map.h"
#include "base/num.h"
#include "base/utf8.h"
#include "codec/json.h"
#include "driver/modbus/modbus.h"

#define NAME_MAX_BYTES 128
#define LABEL_MAX_BYTES 256
#define UNIT_MAX_BYTES 32 /* as long as the row of a signal may hold: lots/records.h, RECORD_UNIT_MAX */
#define HOST_MAX_BYTES 253 /* RFC 1035, 2.3.4 */
#define PATH_MAX_BYTES DIAG_TEXT_MAX
/* A decimal of up to 15 digits is one double and back (IEEE 754: DBL_DIG), and whole numbers are exact up to 2^53. */
#define DECIMAL_POWER_MAX 1e15
#define DECIMAL_MAX 9007199254740992.0

enum scope { ROOT = 1, SIGNAL = 2, CYCLE = 4, CYCLE_SIGNAL = 8, COUNTER = 16, LOT = 32 };
enum key_kind { TEXT, INTEGER, REAL, OBJECT, ARRAY, ANY };

/* What one object said; each scope uses some of it. */
struct keys {
	struct span driver, host, name, label, unit_text, table, type, order;
	int64_t port, unit, poll_ms, timeout_ms, max_registers, max_gap, address, bit, length;
	double scale, offset, min, max;
	const struct json_value *signals, *cycle, *counter, *lot;
	uint64_t given; /* bit i: key_table[i] was there */
};
struct key {
	const char *name;
	unsigned scopes, required; /* enum scope bits */
	enum key_kind kind;
	size_t at;         /* in struct keys */
	int64_t low, high; /* INTEGER: value; TEXT: length in bytes */
	const char *expected;
};
#define AT(f) offsetof(struct keys, f)
/* The one table of keys: what reads them, what errors say, and what modbus.h documents. */
static const struct key key_table[] = {
        {"driver", ROOT, 0, TEXT, AT(driver), 1, 16, "modbus"},
        {"host", ROOT, ROOT, TEXT, AT(host), 1, HOST_MAX_BYTES, "\"192.168.0.10\""},
        {"port", ROOT, 0, INTEGER, AT(port), 1, 65535, "1..65535"},
        {"unit", ROOT, 0, INTEGER, AT(unit), 0, 255, "0..255"},
        {"poll_ms", ROOT | SIGNAL | CYCLE, 0, INTEGER, AT(poll_ms), 10, 86400000, "10..86400000"},
        {"timeout_ms", ROOT, 0, INTEGER, AT(timeout_ms), 10, 60000, "10..60000"},
        {"max_registers", ROOT, 0, INTEGER, AT(max_registers), 1, MODBUS_READ_REGISTERS_MAX, "1..125"},
        {"max_gap", ROOT, 0, INTEGER, AT(max_gap), 0, MODBUS_READ_REGISTERS_MAX - 1, "0..124"},
        {"signals", ROOT | CYCLE, 0, ARRAY, AT(signals), 0, 0, "[{\"name\":…}, …]"},
        {"cycle", ROOT, 0, OBJECT, AT(cycle), 0, 0, "{\"counter\":…}"},
        {"name", SIGNAL | CYCLE_SIGNAL, SIGNAL | CYCLE_SIGNAL, TEXT, AT(name), 1, NAME_MAX_BYTES, "\"barrel_1\" (1..128 bytes)"},
        {"label", SIGNAL | CYCLE_SIGNAL, 0, TEXT, AT(label), 0, LABEL_MAX_BYTES, "\"…\" (0..256 bytes)"},
        {"unit", SIGNAL | CYCLE_SIGNAL, 0, TEXT, AT(unit_text), 0, UNIT_MAX_BYTES, "\"°C\" (0..32 bytes)"},
        {"table", SIGNAL | CYCLE, 0, TEXT, AT(table), 0, 16, "holding, input, coil, discrete"},
        {"address", SIGNAL | CYCLE_SIGNAL | COUNTER | LOT, SIGNAL | CYCLE_SIGNAL | COUNTER | LOT, INTEGER, AT(address), 0, 65535,
                "0..65535"},
        {"type", SIGNAL | CYCLE_SIGNAL | COUNTER, 0, TEXT, AT(type), 0, 16, "u16, i16, u32, i32, u64, i64, f32, f64, bit, string"},
        {"order", SIGNAL | CYCLE_SIGNAL | COUNTER | LOT, 0, TEXT, AT(order), 0, 16, "ABCD, CDAB, BADC, DCBA, AB, BA"},
        {"bit", SIGNAL | CYCLE_SIGNAL, 0, INTEGER, AT(bit), 0, 15, "0..15"},
        {"length", SIGNAL | CYCLE_SIGNAL | LOT, 0, INTEGER, AT(length), 1, MODBUS_STRING_REGISTERS_MAX, "1..125"},
        {"scale", SIGNAL | CYCLE_SIGNAL, 0, REAL, AT(scale), 0, 0, "0.1"},
        {"offset", SIGNAL | CYCLE_SIGNAL, 0, REAL, AT(offset), 0, 0, "0.0"},
        {"min", SIGNAL | CYCLE_SIGNAL, 0, REAL, AT(min), 0, 0, "0.0"},
        {"max", SIGNAL | CYCLE_SIGNAL, 0, REAL, AT(max), 0, 0, "100.0"},
        {"counter", CYCLE, CYCLE, OBJECT, AT(counter), 0, 0, "{\"address\":…, \"type\":\"u16|u32|u64\"}"},
        {"lot", CYCLE, 0, OBJECT, AT(lot), 0, 0, "{\"address\":…, \"length\":8}"},
        /* The node's own, beside ours in the same object. */
        {"asset", ROOT, 0, ANY, 0, 0, 0, ""},
        {"enabled", ROOT, 0, ANY, 0, 0, 0, ""},
        {"state", ROOT, 0, ANY, 0, 0, 0, ""},
};
#define KEYS (sizeof key_table / sizeof key_table[0])
_Static_assert(KEYS <= 64, "struct keys.given has one bit a key");

static const struct {
	const char *name;
	uint16_t registers; /* 0: by length */
} type_table[MODBUS_TYPES] = {
        [MODBUS_U16] = {"u16", 1},
        [MODBUS_I16] = {"i16", 1},
        [MODBUS_U32] = {"u32", 2},
        [MODBUS_I32] = {"i32", 2},
        [MODBUS_U64] = {"u64", 4},
        [MODBUS_I64] = {"i64", 4},
        [MODBUS_F32] = {"f32", 2},
        [MODBUS_F64] = {"f64", 4},
        [MODBUS_BIT] = {"bit", 1},
        [MODBUS_STRING] = {"string", 0},
};

struct reader {
	struct modbus_config *c;
	struct arena *a;
	struct diag *d;
	struct map names;
	char path[PATH_MAX_BYTES]; /* of the object being read, with its final dot: "signals[3]." */
	const struct json_value *object;
};

static struct span value_text(const struct json_value *v)
{
	switch (v->type) {
	case JSON_STRING:
	case JSON_NUMBER:
		return v->text;
	case JSON_OBJECT:
		return SPAN_LIT("{…}");
	case JSON_ARRAY:
		return SPAN_LIT("[…]");
	case JSON_TRUE:
		return SPAN_LIT("true");
	case JSON_FALSE:
		return SPAN_LIT("false");
	default:
		return SPAN_LIT("null");
	}
}

static int bad(struct reader *r, enum mo_msg msg, struct span key, const struct json_value *v, const char *expected)
{
	int err = diag_set(r->d, MO_EINVAL, msg);
	char field[2 * DIAG_TEXT_MAX];
	(void)snprintf(field, sizeof field, "%s%.*s", r->path, (int)(key.n < DIAG_TEXT_MAX ? key.n : DIAG_TEXT_MAX), (const char *)key.p);
	diag_line(r->d, v ? v->line : r->object->line, 0);
	diag_field(r->d, span_str(field));
	if (v)
		diag_value(r->d, value_text(v));
	diag_expected(r->d, expected);
	return err;
}

static int bad_value(struct reader *r, const char *key, const char *expected)
{
	const struct json_value *v = json_member(r->object, key);
	return bad(r, v ? MSG_DRIVER_CONFIG_VALUE : MSG_DRIVER_CONFIG_MISSING, span_str(key), v, expected);
}

/* No control characters: these texts stand in keys, pages and logs. */
static bool printable(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	return utf8_valid(s);
}

static int read_key(struct reader *r, struct keys *k, const struct key *row, const struct json_value *v)
{
	uint8_t *at = (uint8_t *)k + row->at;
	bool ok = false;
	switch (row->kind) {
	case TEXT:
		ok = v->type == JSON_STRING && v->text.n >= (size_t)row->low && v->text.n <= (size_t)row->high && printable(v->text);
		if (ok)
			memcpy(at, &v->text, sizeof v->text);
		break;
	case INTEGER: {
		int64_t i;
		ok = v->type == JSON_NUMBER && num_i64(&i, v->text) == 0 && i >= row->low && i <= row->high;
		if (ok)
			memcpy(at, &i, sizeof i);
		break;
	}
	case REAL: {
		double x;
		ok = v->type == JSON_NUMBER && num_f64(&x, v->text) == 0;
		if (ok)
			memcpy(at, &x, sizeof x);
		break;
	}
	case OBJECT:
	case ARRAY:
		ok = v->type == (row->kind == OBJECT ? JSON_OBJECT : JSON_ARRAY);
		if (ok)
			memcpy(at, &v, sizeof v);
		break;
	case ANY:
		ok = true;
		break;
	}
	return ok ? 0 : bad(r, MSG_DRIVER_CONFIG_VALUE, v->name, v, row->expected);
}

static int bad_unknown(struct reader *r, enum scope scope, const struct json_value *v)
{
	char known[DIAG_TEXT_MAX] = "";
	size_t n = 0;
	for (size_t i = 0; i < KEYS; i++)
		if ((key_table[i].scopes & (unsigned)scope) && key_table[i].kind != ANY && n < sizeof known)
			n += (size_t)snprintf(known + n, sizeof known - n, "%s%s", n ? ", " : "", key_table[i].name);
	return bad(r, MSG_DRIVER_CONFIG_UNKNOWN, v->name, v, known);
}

/* The members of one object into *k, whose defaults stand there already. */
static int read_keys(struct reader *r, struct keys *k, enum scope scope, const struct json_value *o)
{
	r->object = o;
	k->given = 0;
	for (const struct json_value *v = o->child; v; v = v->next) {
		size_t i = 0;
		while (i < KEYS && !((key_table[i].scopes & (unsigned)scope) && span_is(v->name, key_table[i].name)))
			i++;
		if (i == KEYS)
			return bad_unknown(r, scope, v);
		if (v->type == JSON_NULL)
			continue;
		int err = read_key(r, k, &key_table[i], v);
		if (err)
			return err;
		k->given |= UINT64_C(1) << i;
	}
	for (size_t i = 0; i < KEYS; i++)
		if ((key_table[i].required & (unsigned)scope) && !(k->given >> i & 1))
			return bad(r, MSG_DRIVER_CONFIG_MISSING, span_str(key_table[i].name), NULL, key_table[i].expected);
	return 0;
}

static bool given(const struct keys *k, size_t at)
{
	for (size_t i = 0; i < KEYS; i++)
		if (key_table[i].at == at && key_table[i].kind != ANY && (k->given >> i & 1))
			return true;
	return false;
}

static int read_table(struct reader *r, enum modbus_table *ret, const struct keys *k, bool bits_too)
{
	*ret = MODBUS_HOLDING;
	if (!given(k, AT(table)))
		return 0;
	for (unsigned t = bits_too ? MODBUS_COIL : MODBUS_HOLDING; t <= MODBUS_INPUT; t++)
		if (span_is(k->table, modbus_table_name((enum modbus_table)t))) {
			*ret = (enum modbus_table)t;
			return 0;
		}
	return bad_value(r, "table", bits_too ? "holding, input, coil, discrete" : "holding, input");
}

static int read_type(struct reader *r, enum modbus_type *ret, const struct keys *k, bool counter, bool bits)
{
	*ret = bits ? MODBUS_BIT : MODBUS_U16;
	if (!given(k, AT(type)))
		return 0;
	for (unsigned t = 0; t < MODBUS_TYPES; t++) {
		if (counter && t != MODBUS_U16 && t != MODBUS_U32 && t != MODBUS_U64)
			continue;
		if (bits && t != MODBUS_BIT)
			continue;
		if (span_is(k->type, type_table[t].name)) {
			*ret = (enum modbus_type)t;
			return 0;
		}
	}
	return bad_value(r, "type", bits ? "bit" : counter ? "u16, u32, u64" : "u16, i16, u32, i32, u64, i64, f32, f64, bit, string");
}

static int read_order(struct reader *r, struct modbus_item *it, const struct keys *k)
{
	static const struct {
		const char *name;
		bool wide, words, bytes;
	} orders[] = {{"AB", false, false, false}, {"BA", false, false, true}, {"ABCD", true, false, false}, {"CDAB", true, true, false},
	        {"BADC", true, false, true}, {"DCBA", true, true, true}};
	if (!given(k, AT(order)))
		return 0;
	bool bits = modbus_table_is_bits(it->table), wide = it->type != MODBUS_STRING && it->length > 1;
	for (size_t i = 0; !bits && i < sizeof orders / sizeof orders[0]; i++)
		if (orders[i].wide == wide && span_is(k->order, orders[i].name)) {
			it->swap_words = orders[i].words;
			it->swap_bytes = orders[i].bytes;
			return 0;
		}
	return bad_value(r, "order", bits ? "-" : wide ? "ABCD, CDAB, BADC, DCBA" : "AB, BA");
}

/* Address, type, order and what belongs to them; it->table stands already. */
static int read_layout(struct reader *r, struct modbus_item *it, const struct keys *k, bool counter)
{
	bool bits = modbus_table_is_bits(it->table);
	int err = read_type(r, &it->type, k, counter, bits);
	if (err)
		return err;
	it->address = (uint16_t)k->address;
	it->length = type_table[it->type].registers;
	if (it->type == MODBUS_STRING) {
		if (!given(k, AT(length)))
			return bad_value(r, "length", "1..125");
		it->length = (uint16_t)k->length;
	} else if (given(k, AT(length))) {
		return bad_value(r, "length", "type string");
	}
	if (it->type == MODBUS_BIT && !bits) {
		if (!given(k, AT(bit)))
			return bad_value(r, "bit", "0..15");
		it->bit = (uint8_t)k->bit;
	} else if (given(k, AT(bit))) {
		return bad_value(r, "bit", bits ? "table holding, input" : "type bit");
	}
	char want[48];
	if (it->address + it->length > 65536u) {
		(void)snprintf(want, sizeof want, "0..%u", 65536u - it->length);
		return bad_value(r, "address", want);
	}
	if (!bits && it->length > r->c->max_registers) {
		(void)snprintf(want, sizeof want, "max_registers >= %u", (unsigned)it->length);
		return bad_value(r, it->type == MODBUS_STRING ? "length" : "type", want);
	}
	return read_order(r, it, k);
}

/* v * power as a whole number that gives v back. */
static bool is_decimal(double *ret, double v, double power)
{
	*ret = nearbyint(v * power);
	return fabs(*ret) <= DECIMAL_MAX && *ret / power == v;
}

void modbus_item_scale(struct modbus_item *it, double scale, double offset)
{
	it->scale = scale;
	it->offset = offset;
	it->denom = 0;
	for (double power = 1; power <= DECIMAL_POWER_MAX && it->denom == 0; power *= 10)
		if (is_decimal(&it->numer, scale, power) && is_decimal(&it->addend, offset, power))
			it->denom = power;
}

static int read_numbers(struct reader *r, struct modbus_item *it, const struct keys *k)
{
	static const struct {
		const char *name;
		size_t at;
	} numeric[] = {{"scale", AT(scale)}, {"offset", AT(offset)}, {"min", AT(min)}, {"max", AT(max)}};
	if (it->type == MODBUS_BIT || it->type == MODBUS_STRING)
		for (size_t i = 0; i < sizeof numeric / sizeof numeric[0]; i++)
			if (given(k, numeric[i].at))
				return bad_value(r, numeric[i].name, "type u16, i16, u32, i32, u64, i64, f32, f64");
	it->scaled = given(k, AT(scale)) || given(k, AT(offset));
	modbus_item_scale(it, k->scale, k->offset);
	it->min = given(k, AT(min)) ? k->min : -(double)INFINITY;
	it->max = given(k, AT(max)) ? k->max : (double)INFINITY;
	if (it->scale == 0)
		return bad_value(r, "scale", "!= 0");
	if (it->min > it->max)
		return bad_value(r, given(k, AT(min)) ? "min" : "max", "min <= max");
	return 0;
}

static enum driver_type public_type(const struct modbus_item *it)
{
	switch (it->type) {
	case MODBUS_BIT:
		return DV_BOOL;
	case MODBUS_STRING:
		return DV_STR;
	case MODBUS_F32:
	case MODBUS_F64:
		return DV_F64;
	default:
		return it->scaled ? DV_F64 : DV_I64;
	}
}

static int add_signal(struct reader *r, struct modbus_item *it, struct span name, struct span label, struct span unit, bool per_cycle)
{
	struct modbus_config *c = r->c;
	if (map_get(&r->names, name))
		return bad(r, MSG_DRIVER_CONFIG_NAME_TWICE, SPAN_LIT("name"), json_member(r->object, "name"), "");
	int err = map_put(&r->names, name, 1);
	if (err)
		return diag_set(r->d, err, MSG_OUT_OF_MEMORY);
	it->signal = (uint32_t)c->n_signals;
	struct driver_signal *s = &c->signals[c->n_signals];
	s->name = arena_strdup(r->a, name);
	s->label = arena_strdup(r->a, label);
	s->unit = arena_strdup(r->a, unit);
	if (!s->name || !s->label || !s->unit)
		return diag_set(r->d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	s->type = public_type(it);
	s->per_cycle = per_cycle;
	s->poll_ns = it->poll_ns;
	const size_t string_bytes = it->type == MODBUS_STRING ? (size_t)2 * it->length : 0;
	if (string_bytes > c->string_max)
		c->string_max = string_bytes;
	c->items[c->n_signals++] = *it;
	return 0;
}

static int read_signal(struct reader *r, const struct json_value *o, enum scope scope, enum modbus_table table, int64_t poll_ms)
{
	struct modbus_item it = {.table = table};
	struct keys k = {.scale = 1, .poll_ms = poll_ms};
	int err = read_keys(r, &k, scope, o);
	if (!err && scope == SIGNAL)
		err = read_table(r, &it.table, &k, true);
	if (!err)
		err = read_layout(r, &it, &k, false);
	if (!err)
		err = read_numbers(r, &it, &k);
	it.poll_ns = k.poll_ms * NS_PER_MS;
	return err ? err : add_signal(r, &it, k.name, k.label, k.unit_text, scope == CYCLE_SIGNAL);
}

static int read_signals(struct reader *r, const struct json_value *array, enum scope scope, enum modbus_table table, int64_t poll_ms)
{
	size_t i = 0;
	for (const struct json_value *v = array ? array->child : NULL; v; v = v->next, i++) {
		(void)snprintf(r->path, sizeof r->path, "%ssignals[%zu]", scope == CYCLE_SIGNAL ? "cycle." : "", i);
		r->object = v;
		if (v->type != JSON_OBJECT)
			return bad(r, MSG_DRIVER_CONFIG_VALUE, SPAN_LIT(""), v, "{\"name\":…, \"address\":…}");
		(void)snprintf(r->path, sizeof r->path, "%ssignals[%zu].", scope == CYCLE_SIGNAL ? "cycle." : "", i);
		int err = read_signal(r, v, scope, table, poll_ms);
		if (err)
			return err;
	}
	return 0;
}

static int read_lot(struct reader *r, const struct json_value *o, const struct modbus_item *block)
{
	struct modbus_item it = *block;
	struct keys k = {.length = 8};
	(void)snprintf(r->path, sizeof r->path, "cycle.lot.");
	int err = read_keys(r, &k, LOT, o);
	if (err)
		return err;
	it.type = MODBUS_STRING;
	it.address = (uint16_t)k.address;
	it.length = (uint16_t)k.length;
	if (it.address + it.length > 65536u)
		return bad_value(r, "address", "0..65536 - length");
	if (it.length > r->c->max_registers)
		return bad_value(r, "length", "<= max_registers");
	err = read_order(r, &it, &k);
	return err ? err : add_signal(r, &it, SPAN_LIT("lot"), SPAN_LIT(""), SPAN_LIT(""), true);
}

static int read_cycle(struct reader *r, const struct json_value *o, int64_t poll_ms)
{
	struct modbus_item block = {.scale = 1, .min = -(double)INFINITY, .max = (double)INFINITY}, counter;
	struct keys k = {.poll_ms = poll_ms}, kc = {.scale = 1};
	(void)snprintf(r->path, sizeof r->path, "cycle.");
	int err = read_keys(r, &k, CYCLE, o);
	if (!err)
		err = read_table(r, &block.table, &k, false);
	if (err)
		return err;
	block.poll_ns = k.poll_ms * NS_PER_MS;
	counter = block;
	(void)snprintf(r->path, sizeof r->path, "cycle.counter.");
	err = read_keys(r, &kc, COUNTER, k.counter);
	if (!err)
		err = read_layout(r, &counter, &kc, true);
	if (!err && k.lot)
		err = read_lot(r, k.lot, &block);
	if (!err)
		err = read_signals(r, k.signals, CYCLE_SIGNAL, block.table, k.poll_ms);
	if (err)
		return err;
	counter.signal = MODBUS_NO_SIGNAL;
	r->c->cycle_poll_ns = block.poll_ns;
	r->c->items[r->c->n_signals] = counter;
	r->c->n_items = r->c->n_signals + 1;
	return 0;
}

static size_t count(const struct json_value *array)
{
	size_t n = 0;
	for (const struct json_value *v = array && array->type == JSON_ARRAY ? array->child : NULL; v; v = v->next)
		n++;
	return n;
}

static int read_root(struct reader *r, const struct json_value *o)
{
	struct modbus_config *c = r->c;
	struct keys k = {
	        .port = 502, .unit = 1, .poll_ms = 1000, .timeout_ms = 1000, .max_registers = MODBUS_READ_REGISTERS_MAX, .max_gap = 8};
	r->object = o;
	if (o->type != JSON_OBJECT)
		return bad(r, MSG_DRIVER_CONFIG_VALUE, SPAN_LIT("driver"), o, "{\"driver\":\"modbus\", \"host\":…, \"signals\":[…]}");
	int err = read_keys(r, &k, ROOT, o);
	if (err)
		return err;
	if (given(&k, AT(driver)) && !span_is(k.driver, "modbus"))
		return bad_value(r, "driver", "modbus");
	if (span_find(k.host, 0, ' ') < k.host.n)
		return bad_value(r, "host", "\"192.168.0.10\"");
	size_t cycle_signals = k.cycle ? count(json_member(k.cycle, "signals")) : 0, n = count(k.signals) + cycle_signals;
	if (n == 0 && !k.cycle)
		return bad(r, MSG_DRIVER_CONFIG_MISSING, SPAN_LIT("signals"), NULL, "[{\"name\":…, \"address\":…}]");
	if (n > MODBUS_SIGNALS_MAX - 1) {
		char text[24];
		err = bad(r, MSG_DRIVER_CONFIG_VALUE, SPAN_LIT("signals"), NULL, "1..4095");
		(void)num_format_i64(text, (int64_t)n);
		diag_value(r->d, span_str(text));
		return err;
	}
	c->host = arena_strdup(r->a, k.host);
	c->place = arena_printf(r->a, "%.*s:%u", SPAN_FMT(k.host), (unsigned)k.port);
	/* The lot and the counter come on top. */
	c->items = arena_calloc(r->a, n + 2, sizeof *c->items);
	c->signals = arena_calloc(r->a, n + 2, sizeof *c->signals);
	if (!c->host || !c->place || !c->items || !c->signals)
		return diag_set(r->d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	c->port = (uint16_t)k.port;
	c->unit = (uint8_t)k.unit;
	c->timeout_ns = k.timeout_ms * NS_PER_MS;
	c->max_registers = (unsigned)k.max_registers;
	c->max_gap = (unsigned)k.max_gap;
	err = read_signals(r, k.signals, SIGNAL, MODBUS_HOLDING, k.poll_ms);
	c->n_clock = c->n_items = c->n_signals;
	if (!err && k.cycle)
		err = read_cycle(r, k.cycle, k.poll_ms);
	return err;
}

int modbus_config_read(struct modbus_config *ret, struct arena *a, struct span json, struct diag *d)
{
	struct modbus_config c = {0};
	struct reader r = {.c = &c, .a = a, .d = d};
	struct json_value *root;
	struct arena tree;
	if (json.n > MODBUS_CONFIG_MAX) {
		char text[24];
		int err = diag_set(d, MO_ELIMIT, MSG_DRIVER_CONFIG_SIZE);
		(void)num_format_i64(text, (int64_t)json.n);
		diag_value(d, span_str(text));
		diag_expected(d, "4194304");
		return err;
	}
	arena_init(&tree, 0);
	map_init(&r.names);
	int err = json_parse(&root, &tree, json, d);
	if (!err)
		err = read_root(&r, root);
	map_free(&r.names);
	arena_free(&tree);
	if (!err)
		*ret = c;
	return err;
}
