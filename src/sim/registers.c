#include "sim/registers.h"

#include "sim/text.h"

/* Controllers differ: the table, where it begins, how numbers of two registers lie, and whether reals are scaled integers. */
struct style {
	const char *code;
	bool input;             /* input registers, else holding */
	bool scaled;            /* reals as i16 (or i32 where too large) times a power of ten */
	enum mb_order order;
	unsigned base, cycle_base;
	unsigned most;          /* registers a request; 0: 125 */
};
static const struct style styles[] = {
	{"MLD-01", false, false, MB_ABCD, 100, 200, 0},
	{"MLD-02", true, false, MB_CDAB, 0, 100, 0},
	{"MLD-03", false, true, MB_CDAB, 40, 140, 64},
	{"MLD-04", true, true, MB_ABCD, 10, 0, 32},
	{"MLD-05", false, false, MB_BADC, 300, 0, 0},
	{"MLD-PM", true, false, MB_ABCD, 50, 0, 0},
	{"MLD-RM", true, true, MB_ABCD, 1, 0, 0},
	{"MCH-04", false, true, MB_DCBA, 20, 0, 0},
	{"MCH-05", false, false, MB_CDAB, 100, 240, 60},
	{"MCH-07", true, false, MB_DCBA, 200, 0, 0},
	{"MCH-PM", true, false, MB_ABCD, 50, 0, 0},
	{"MCH-RM", true, true, MB_ABCD, 1, 0, 0},
	{"MOT-04", false, true, MB_ABCD, 0, 0, 0},
	{"MOT-05", false, false, MB_ABCD, 128, 320, 0},
	{"MOT-PM", true, false, MB_CDAB, 50, 0, 0},
	{"MOT-RM", true, true, MB_ABCD, 1, 0, 0},
};
static const char *const order_name[] = {"ABCD", "CDAB", "BADC", "DCBA"};
static const int poll_ms[] = {1000, 1000, 10000, 60000, 0};

static const struct style *style_of(const char *code)
{
	for (size_t i = 0; i < sizeof styles / sizeof styles[0]; i++)
		if (strcmp(styles[i].code, code) == 0)
			return &styles[i];
	return &styles[0];
}

enum form { FORM_U16, FORM_U32, FORM_I16, FORM_I32, FORM_F32 };
static const char *const form_name[] = {"u16", "u32", "i16", "i32", "f32"};

/* How one signal lies there; *scale is 1, 0.1, ... */
static enum form form_of(const struct style *st, const struct sim_signal *s, double *scale)
{
	static const double tens[] = {1, 0.1, 0.01, 0.001, 0.0001, 0.00001};
	*scale = 1;
	if (signal_is_integer(s))
		return s->model == SM_COUNT || s->mean > 60000 ? FORM_U32 : FORM_U16;
	if (!st->scaled)
		return FORM_F32;
	*scale = tens[signal_decimals(s)];
	double most = fabs(s->mean) + fabs(s->a) + fabs(s->b) + 10 * s->sigma;
	return most / *scale < 32000 ? FORM_I16 : FORM_I32;
}

static unsigned put(uint16_t *at, const struct style *st, const struct sim_signal *s, double v)
{
	double scale;
	enum form f = form_of(st, s, &scale);
	switch (f) {
	case FORM_U16:
		mb_u16(at, (uint16_t)v);
		return 1;
	case FORM_I16:
		mb_u16(at, (uint16_t)(int16_t)lround(v / scale));
		return 1;
	case FORM_U32:
		mb_u32(at, (uint32_t)v, st->order);
		return 2;
	case FORM_I32:
		mb_u32(at, (uint32_t)(int32_t)lround(v / scale), st->order);
		return 2;
	case FORM_F32:
		mb_f32(at, (float)v, st->order);
		return 2;
	}
	return 0;
}

static unsigned width(const struct style *st, const struct sim_signal *s)
{
	double scale;
	enum form f = form_of(st, s, &scale);
	return f == FORM_U16 || f == FORM_I16 ? 1 : 2;
}

#define LOT_REGISTERS 8u

void registers_set(struct mb_regs *r, const struct plan *p, size_t machine, int64_t t_ns)
{
	const struct plan_machine *m = &p->machine[machine];
	const struct style *st = style_of(m->def->code);
	uint16_t *table = st->input ? r->input : r->holding;
	double v[SIGNALS_MAX];
	clock_values(p, machine, t_ns, v);
	unsigned at = st->base;
	for (size_t i = 0; i < m->def->n_signals; i++)
		if (!isnan(v[i]))
			at += put(table + at, st, &m->def->signals[i], v[i]);
	r->most = (uint16_t)st->most;
	const struct plan_seg *seg = plan_seg_at(p, machine, t_ns);
	r->discrete = r->coils = (uint16_t)((seg->code == CODE_RUN ? 1u : 0u) | (seg->code == CODE_ALARM ? 2u : 0u));
	size_t n = plan_cycles_at(p, machine, t_ns);
	if (n == 0)
		return;
	cycle_values(p, machine, n - 1, v);
	at = st->cycle_base;
	mb_u32(table + at, (uint32_t)(m->first_seq + n - 1), MB_ABCD);
	mb_text(table + at + 2, LOT_REGISTERS, p->lots[m->cycles[n - 1].lot].number);
	at += 2 + LOT_REGISTERS;
	for (size_t i = 0; i < m->def->n_signals; i++)
		if (signal_is_cycle(&m->def->signals[i]))
			at += put(table + at, st, &m->def->signals[i], v[i]);
}

static void state_map(struct buf *out)
{
	buf_adds(out, ",\"state\":{\"signal\":\"state\",\"codes\":{\"0\":\"off\",\"1\":\"run\",\"2\":\"idle\",\"3\":\"alarm\",\"4\":\"setup\"},\"alarm\":\"alarm\"}");
}

static void signal_config(struct buf *out, const struct style *st, const struct sim_signal *s, unsigned address, bool in_cycle, bool *first)
{
	double scale;
	enum form f = form_of(st, s, &scale);
	buf_adds(out, *first ? "{" : ",{");
	*first = false;
	buf_printf(out, "\"name\":\"%s\",\"label\":", s->name);
	text_json(out, s->label);
	if (s->unit[0]) {
		buf_adds(out, ",\"unit\":");
		text_json(out, s->unit);
	}
	if (!in_cycle) /* a cycle block has one table, its own */
		buf_printf(out, ",\"table\":\"%s\"", st->input ? "input" : "holding");
	buf_printf(out, ",\"address\":%u,\"type\":\"%s\"", address, form_name[f]);
	if (f == FORM_U32 || f == FORM_I32 || f == FORM_F32)
		buf_printf(out, ",\"order\":\"%s\"", order_name[st->order]);
	if (f == FORM_I16 || f == FORM_I32) {
		buf_adds(out, ",\"scale\":");
		text_real(out, scale);
	}
	if (!in_cycle)
		buf_printf(out, ",\"poll_ms\":%d", poll_ms[s->rate]);
	buf_addc(out, '}');
}

void registers_config(struct buf *out, const struct plan *p, size_t machine, unsigned port)
{
	const struct sim_machine_def *d = p->machine[machine].def;
	const struct style *st = style_of(d->code);
	bool first = true, state = sim_signal_find(d, "state") != NULL;
	buf_printf(out, "{\"driver\":\"modbus\",\"asset\":\"%s\",\"enabled\":true,\"host\":\"127.0.0.1\",\"port\":%u,\"unit\":1,\"poll_ms\":1000,\"timeout_ms\":1000",
		d->code, port);
	buf_printf(out, ",\"max_registers\":%u,\"max_gap\":8", st->most ? st->most : MB_READ_MAX);
	if (state)
		state_map(out);
	buf_adds(out, ",\"signals\":[");
	unsigned at = st->base;
	for (size_t i = 0; i < d->n_signals; i++) {
		const struct sim_signal *s = &d->signals[i];
		if (s->rate == RATE_C || s->rate == RATE_HAND)
			continue;
		signal_config(out, st, s, at, false, &first);
		at += width(st, s);
	}
	buf_addc(out, ']');
	if (d->cycle_s > 0) {
		at = st->cycle_base;
		buf_printf(out, ",\"cycle\":{\"table\":\"%s\",\"counter\":{\"address\":%u,\"type\":\"u32\"},\"poll_ms\":1000,\"lot\":{\"address\":%u,\"length\":%u},\"signals\":[",
			st->input ? "input" : "holding", at, at + 2, LOT_REGISTERS);
		at += 2 + LOT_REGISTERS;
		first = true;
		for (size_t i = 0; i < d->n_signals; i++) {
			if (!signal_is_cycle(&d->signals[i]))
				continue;
			signal_config(out, st, &d->signals[i], at, true, &first);
			at += width(st, &d->signals[i]);
		}
		buf_adds(out, "]}");
	}
	buf_addc(out, '}');
}

void push_config(struct buf *out, const struct plan *p, size_t machine)
{
	const struct sim_machine_def *d = p->machine[machine].def;
	buf_printf(out, "{\"driver\":\"push\",\"asset\":\"%s\",\"measurement\":\"%s\",\"interval_ms\":10000", d->code, d->code);
	state_map(out);
	buf_adds(out, ",\"signals\":[");
	for (size_t i = 0; i < d->n_signals; i++) {
		const struct sim_signal *s = &d->signals[i];
		if (s->rate == RATE_HAND)
			continue;
		buf_printf(out, "%s{\"name\":\"%s\",\"label\":", i ? "," : "", s->name);
		text_json(out, s->label);
		if (s->unit[0]) {
			buf_adds(out, ",\"unit\":");
			text_json(out, s->unit);
		}
		buf_addc(out, '}');
	}
	buf_adds(out, "]}");
}
