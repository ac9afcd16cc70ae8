#include "driver/modbus/priv/client.h"

#include <math.h>

#include "base/num.h"
#include "driver/modbus/priv/value.h"

int modbus_values_init(struct modbus *m)
{
	const struct modbus_config *c = &m->cfg;
	size_t text;
	/* An answer's values, the marks of all signals, and as much again that the caller has not taken yet. */
	m->queue_cap = 3 * c->n_signals + 1;
	m->queue = arena_calloc(&m->arena, m->queue_cap, sizeof *m->queue);
	m->memory = arena_calloc(&m->arena, c->n_clock + 1, sizeof *m->memory);
	if (!size_mul(&text, m->queue_cap, c->string_max))
		return MO_ENOMEM;
	m->queue_text = arena_alloc(&m->arena, text + 1);
	m->memory_text = arena_alloc(&m->arena, c->n_clock * c->string_max + 1);
	if (!m->queue || !m->memory || !m->queue_text || !m->memory_text)
		return MO_ENOMEM;
	for (size_t i = 0; i < c->n_clock; i++) {
		struct driver_value *v = &m->memory[i].value;
		m->memory[i].t_ns = INT64_MIN;
		v->signal = (uint32_t)i;
		v->type = c->signals[i].type;
		if (v->type == DV_F64)
			v->f64 = (double)NAN;
		else if (v->type == DV_STR)
			v->str = span_of(m->memory_text + i * c->string_max, 0);
	}
	return 0;
}

bool modbus_values_room(const struct modbus *m)
{
	return m->queue_cap - m->queue_n >= 2 * m->cfg.n_signals;
}

bool modbus_values_take(struct modbus *m, struct driver_value *ret)
{
	if (m->queue_n == 0)
		return false;
	*ret = m->queue[m->queue_head];
	m->queue_head = (m->queue_head + 1) % m->queue_cap;
	m->queue_n--;
	return true;
}

/* The slot that a value would go to, and room for its text; NULL: no room. */
static struct driver_value *slot(struct modbus *m, char **ret_text)
{
	if (m->queue_n == m->queue_cap)
		return NULL;
	size_t i = (m->queue_head + m->queue_n) % m->queue_cap;
	*ret_text = m->queue_text + i * m->cfg.string_max;
	return &m->queue[i];
}

static void remember(struct modbus *m, const struct driver_value *v)
{
	struct modbus_memory *y = &m->memory[v->signal];
	char *text = m->memory_text + v->signal * m->cfg.string_max;
	y->value = *v;
	if (v->type == DV_STR) {
		memcpy(text, v->str.p, v->str.n);
		y->value.str.p = (const uint8_t *)text;
	}
	y->t_ns = v->t_ns;
	y->marked = false;
}

void modbus_values_batch(struct modbus *m, const struct modbus_batch *b, const uint8_t *data, int64_t t_ns)
{
	for (uint32_t i = b->first; i < b->first + b->n; i++) {
		const struct modbus_item *it = m->order[i];
		unsigned off = (unsigned)(it->address - b->start);
		char *text;
		struct driver_value *v = slot(m, &text);
		if (!v)
			return;
		if (modbus_table_is_bits(b->table))
			modbus_value_bit(v, data, off);
		else
			modbus_value_registers(v, it, data + (size_t)2 * off, text);
		v->signal = it->signal;
		v->t_ns = t_ns;
		v->seq = 0;
		m->queue_n++;
		remember(m, v);
	}
}

void modbus_values_cycle(struct modbus *m, uint64_t seq, bool gap, int64_t t_ns)
{
	const struct modbus_cycle *c = &m->cycle;
	for (size_t p = 0; p < c->n_parts; p++) {
		const struct modbus_batch *part = &c->part[p];
		if (!part->got)
			continue;
		for (uint32_t i = part->first; i < part->first + part->n; i++) {
			const struct modbus_item *it = c->order[i];
			char *text;
			struct driver_value *v = slot(m, &text);
			if (!v || it == c->counter_item)
				continue;
			modbus_value_registers(v, it, modbus_cycle_bytes(c, part, it), text);
			if (gap && v->quality == DQ_GOOD)
				v->quality = DQ_GAP_BEFORE;
			v->signal = it->signal;
			v->t_ns = t_ns;
			v->seq = seq;
			m->queue_n++;
		}
	}
}

void modbus_values_mark(struct modbus *m, const struct modbus_batch *b, enum driver_quality q, int64_t t_ns)
{
	for (uint32_t i = b->first; i < b->first + b->n; i++) {
		uint32_t signal = m->order[i]->signal;
		struct modbus_memory *y = &m->memory[signal];
		char *text;
		struct driver_value *v = slot(m, &text);
		if (!v || y->marked || t_ns <= y->t_ns)
			continue;
		*v = y->value;
		if (v->type == DV_STR) {
			memcpy(text, y->value.str.p, y->value.str.n);
			v->str.p = (const uint8_t *)text;
		}
		v->quality = (uint8_t)q;
		v->t_ns = y->t_ns = t_ns;
		v->seq = 0;
		y->marked = true;
		m->queue_n++;
	}
}
