/* Random register images and random configurations: what the driver reads from
 * a device that holds the image equals a computation of its own here, written
 * letter by letter from the configuration's words ("CDAB"), not from the
 * driver's tables. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/civil.h"
#include "driver/modbus/modbus.h"
#include "prop.h"

#define SIGNALS_MAX 40
#define SPACE 400 /* registers of each table */

struct expected {
	char table; /* h i c d */
	char type[8], order[8];
	unsigned address, length, bit;
	bool scaled, limited;
	double scale, offset, min, max;
	bool seen;
};
struct world {
	uint16_t reg[2][SPACE]; /* h, i */
	uint8_t bits[2][SPACE]; /* c, d */
	struct expected s[SIGNALS_MAX];
	size_t n;
	char json[16384];
	size_t at;
};

static void put(struct world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void put(struct world *w, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	w->at += (size_t)vsnprintf(w->json + w->at, sizeof w->json - w->at, fmt, ap);
	va_end(ap);
}

static void draw(struct prop *p, struct world *w)
{
	static const char *const types[] = {"u16", "i16", "u32", "i32", "u64", "i64", "f32", "f64", "bit", "string"};
	static const unsigned words[] = {1, 1, 2, 2, 4, 4, 2, 4, 1, 0};
	static const char *const wide[] = {"ABCD", "CDAB", "BADC", "DCBA"}, *const narrow[] = {"AB", "BA"};
	for (unsigned t = 0; t < 2; t++)
		for (unsigned i = 0; i < SPACE; i++) {
			w->reg[t][i] = (uint16_t)prop_below(p, 65536);
			w->bits[t][i] = (uint8_t)(w->reg[t][i] & 1);
		}
	w->n = 1 + prop_below(p, SIGNALS_MAX);
	put(w, "{\"host\":\"h\",\"max_registers\":%u,\"max_gap\":%u,\"signals\":[", (unsigned)prop_range(p, 12, 125),
	        (unsigned)prop_below(p, 20));
	for (size_t i = 0; i < w->n; i++) {
		struct expected *e = &w->s[i];
		*e = (struct expected){.table = "hicd"[prop_below(p, 4)], .scale = 1};
		bool bits = e->table == 'c' || e->table == 'd';
		unsigned t = bits ? 8 : (unsigned)prop_below(p, 10);
		(void)snprintf(e->type, sizeof e->type, "%s", types[t]);
		e->length = t == 9 ? 1 + (unsigned)prop_below(p, 12) : words[t];
		e->address = (unsigned)prop_below(p, SPACE - e->length + 1);
		(void)snprintf(
		        e->order, sizeof e->order, "%s", t != 9 && e->length > 1 ? wide[prop_below(p, 4)] : narrow[prop_below(p, 2)]);
		put(w, "%s{\"name\":\"s%zu\",\"table\":\"%s\",\"address\":%u,\"type\":\"%s\"", i ? "," : "", i,
		        e->table == 'h'   ? "holding"
		        : e->table == 'i' ? "input"
		        : e->table == 'c' ? "coil"
		                          : "discrete",
		        e->address, e->type);
		if (!bits)
			put(w, ",\"order\":\"%s\"", e->order);
		if (t == 8 && !bits) {
			e->bit = (unsigned)prop_below(p, 16);
			put(w, ",\"bit\":%u", e->bit);
		}
		if (t == 9)
			put(w, ",\"length\":%u", e->length);
		if (t < 8 && prop_bool(p)) {
			e->scaled = true;
			e->scale = (double)prop_range(p, 1, 1000) / 8;
			e->offset = (double)prop_range(p, -1000, 1000) / 4;
			put(w, ",\"scale\":%.17g,\"offset\":%.17g", e->scale, e->offset);
		}
		if (t < 8 && prop_bool(p)) {
			e->limited = true;
			e->min = (double)prop_range(p, -40000, 0);
			e->max = (double)prop_range(p, 0, 40000);
			put(w, ",\"min\":%.17g,\"max\":%.17g", e->min, e->max);
		}
		put(w, ",\"poll_ms\":%u}", prop_bool(p) ? 1000 : 5000);
	}
	put(w, "]}");
}

/* The signal's bytes, most significant first: letter by letter for 16 and 32 bits; a 64-bit order is that of its words by pairs. */
static size_t bytes_of(const struct world *w, const struct expected *e, uint8_t out[64])
{
	const uint16_t *reg = w->reg[e->table == 'i'];
	uint8_t raw[64];
	size_t n = 2 * (size_t)e->length;
	for (unsigned i = 0; i < e->length; i++) {
		raw[2 * i] = (uint8_t)(reg[e->address + i] / 256);
		raw[2 * i + 1] = (uint8_t)(reg[e->address + i] % 256);
	}
	if (strcmp(e->type, "string") == 0) {
		for (size_t i = 0; i < n; i++)
			out[i] = e->order[0] == 'A' ? raw[i] : raw[i % 2 ? i - 1 : i + 1];
	} else if (n <= 4) {
		for (size_t i = 0; i < n; i++)
			out[e->order[i] - 'A'] = raw[i];
	} else {
		static const char *const letters[] = {"ABCDEFGH", "GHEFCDAB", "BADCFEHG", "HGFEDCBA"};
		unsigned k = e->order[0] == 'A' ? 0 : e->order[0] == 'C' ? 1 : e->order[0] == 'B' ? 2 : 3;
		for (size_t i = 0; i < n; i++)
			out[letters[k][i] - 'A'] = raw[i];
	}
	return n;
}

static bool same(double a, double b)
{
	return (isnan(a) && isnan(b)) || a == b;
}

static bool check_number(const struct expected *e, const struct driver_value *v, uint64_t u, size_t n)
{
	bool is_real = e->type[0] == 'f', is_signed = e->type[0] == 'i';
	double x;
	int64_t i = 0;
	bool too_large = false;
	if (is_real && n == 4) {
		/* IEEE 754 single by its parts. */
		int exponent = (int)(u >> 23 & 255);
		double fraction = (double)(u & 0x7fffff);
		x = exponent == 255 ? (fraction != 0 ? (double)NAN : (double)INFINITY)
		    : exponent == 0 ? ldexp(fraction, -149)
		                    : ldexp(fraction + 8388608.0, exponent - 150);
		if (u >> 31)
			x = -x;
	} else if (is_real) {
		memcpy(&x, &u, 8);
	} else if (is_signed && n < 8) {
		int64_t half = INT64_C(1) << (8 * n - 1);
		i = (int64_t)u >= half ? (int64_t)u - 2 * half : (int64_t)u;
		x = (double)i;
	} else if (is_signed) {
		memcpy(&i, &u, 8);
		x = (double)i;
	} else {
		too_large = u > INT64_MAX;
		i = too_large ? INT64_MAX : (int64_t)u;
		x = e->scaled ? (double)u : (double)i;
	}
	if (e->scaled)
		x = x * e->scale + e->offset;
	bool bad = isnan(x) || isinf(x) || (e->limited && (x < e->min || x > e->max)) || (too_large && !e->scaled);
	if (v->quality != (bad ? DQ_RANGE : DQ_GOOD))
		return false;
	return is_real || e->scaled ? v->type == DV_F64 && same(v->f64, x) : v->type == DV_I64 && v->i64 == i;
}

static bool check(const struct world *w, struct expected *e, const struct driver_value *v)
{
	uint8_t b[64];
	e->seen = true;
	if (e->table == 'c' || e->table == 'd')
		return v->type == DV_BOOL && v->quality == DQ_GOOD && v->b == w->bits[e->table == 'd'][e->address];
	size_t n = bytes_of(w, e, b);
	if (strcmp(e->type, "string") == 0) {
		bool bad = false;
		while (n && (b[n - 1] == 0 || b[n - 1] == ' '))
			n--;
		for (size_t i = 0; i < n; i++)
			if (b[i] < 32 || b[i] > 126) {
				b[i] = '?';
				bad = true;
			}
		return v->type == DV_STR && v->quality == (bad ? DQ_RANGE : DQ_GOOD) && v->str.n == n && memcmp(v->str.p, b, n) == 0;
	}
	uint64_t u = 0;
	for (size_t i = 0; i < n; i++)
		u = u * 256 + b[i];
	if (strcmp(e->type, "bit") == 0)
		return v->type == DV_BOOL && v->quality == DQ_GOOD && v->b == (u >> e->bit & 1);
	return check_number(e, v, u, n);
}

/* The device: answers the request from the image. 0: not a request it may be asked. */
static size_t serve(const struct world *w, uint8_t out[260], const uint8_t *q)
{
	unsigned address = (unsigned)(q[8] << 8 | q[9]), n = (unsigned)(q[10] << 8 | q[11]), bytes;
	if (n == 0 || address + n > SPACE || q[7] < 1 || q[7] > 4 || n > (q[7] < 3 ? 2000u : 125u))
		return 0;
	memset(out, 0, 260);
	if (q[7] < 3) {
		bytes = (n + 7) / 8;
		for (unsigned i = 0; i < n; i++)
			out[9 + i / 8] = (uint8_t)(out[9 + i / 8] | w->bits[q[7] - 1][address + i] << i % 8);
	} else {
		bytes = 2 * n;
		for (unsigned i = 0; i < n; i++) {
			out[9 + 2 * i] = (uint8_t)(w->reg[q[7] - 3][address + i] >> 8);
			out[10 + 2 * i] = (uint8_t)w->reg[q[7] - 3][address + i];
		}
	}
	memcpy(out, (uint8_t[]){q[0], q[1], 0, 0, 0, (uint8_t)(3 + bytes), q[6], q[7], (uint8_t)bytes}, 9);
	return 9 + bytes;
}

static bool registers_become_values(struct prop *p, void *arg)
{
	(void)arg;
	struct world *w = calloc(1, sizeof *w);
	struct driver *dr = NULL;
	struct driver_now now = {1700000000 * NS_PER_S, NS_PER_S};
	bool ok = false;
	if (!w)
		return false;
	draw(p, w);
	prop_note(p, "%s", w->json);
	if (modbus_driver.open(&dr, span_str(w->json), NULL) != 0)
		goto end;
	modbus_driver.connected(dr, now);
	for (struct span out; (out = modbus_driver.output(dr)).n;) {
		uint8_t frame[260];
		size_t n = serve(w, frame, out.p);
		if (n == 0)
			goto end;
		modbus_driver.sent(dr, now, out.n);
		size_t cut = prop_below(p, n + 1);
		struct driver_value v;
		if (modbus_driver.input(dr, now, span_of(frame, cut), NULL) != 0 ||
		        modbus_driver.input(dr, now, span_of(frame + cut, n - cut), NULL) != 0)
			goto end;
		while (modbus_driver.next_value(dr, &v))
			if (v.signal >= w->n || w->s[v.signal].seen || !check(w, &w->s[v.signal], &v))
				goto end;
		/* Room for the next question came only with the values taken. */
		if (modbus_driver.tick(dr, now, NULL) != 0)
			goto end;
	}
	ok = modbus_driver.settled(dr, now);
	for (size_t i = 0; i < w->n; i++)
		ok = ok && w->s[i].seen;
end:
	modbus_driver.close(dr);
	free(w);
	return ok;
}

int main(void)
{
	return prop_check("registers_become_values", registers_become_values, NULL, 400);
}
