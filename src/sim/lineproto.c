#include "sim/lineproto.h"

#include "sim/text.h"

#define FAST (10 * NS_PER_S)
#define SLOW (60 * NS_PER_S)

static void field(struct buf *out, bool *first, const struct sim_signal *s, double v)
{
	buf_addc(out, *first ? ' ' : ',');
	*first = false;
	buf_adds(out, s->name);
	buf_addc(out, '=');
	text_fixed(out, v, signal_decimals(s));
	if (signal_is_integer(s))
		buf_addc(out, 'i');
}

static void line_end(struct buf *out, int64_t t_ns)
{
	buf_addc(out, ' ');
	text_integer(out, t_ns);
	buf_addc(out, '\n');
}

static uint64_t cycle_line(struct buf *out, const struct plan *p, size_t machine, size_t cycle, int64_t stamp_ns)
{
	const struct plan_machine *m = &p->machine[machine];
	double v[SIGNALS_MAX];
	uint64_t n = 1;
	cycle_values(p, machine, cycle, v);
	buf_adds(out, m->def->code);
	buf_adds(out, " _cycle=");
	text_integer(out, (int64_t)(m->first_seq + cycle));
	buf_addc(out, 'i');
	bool first = false;
	for (size_t i = 0; i < m->def->n_signals; i++)
		if (signal_is_cycle(&m->def->signals[i]) && !isnan(v[i])) {
			field(out, &first, &m->def->signals[i], v[i]);
			n++;
		}
	buf_adds(out, ",lot=\"");
	buf_adds(out, p->lots[m->cycles[cycle].lot].number);
	buf_addc(out, '"');
	line_end(out, stamp_ns);
	return n;
}

/* slow: all signals by the clock; fast: those of 10 s; neither: state and alarm. */
static uint64_t clock_line(struct buf *out, const struct plan *p, size_t machine, int64_t t_ns, bool slow, bool fast, int64_t stamp_ns)
{
	const struct sim_machine_def *d = p->machine[machine].def;
	double v[SIGNALS_MAX];
	uint64_t n = 0;
	bool first = true;
	clock_values(p, machine, t_ns, v);
	buf_adds(out, d->code);
	for (size_t i = 0; i < d->n_signals; i++) {
		const struct sim_signal *s = &d->signals[i];
		bool state = s->model == SM_STATE || s->model == SM_ALARM;
		if (isnan(v[i]) || !(slow || (fast && s->rate == RATE_M) || (!fast && state)))
			continue;
		field(out, &first, s, v[i]);
		n++;
	}
	line_end(out, stamp_ns);
	return n;
}

uint64_t lineproto_machine(struct buf *out, const struct plan *p, size_t machine, int64_t from_ns, int64_t to_ns, int64_t t0_ns, int64_t ahead_ns,
	line_seen seen, void *arg)
{
	const struct plan_machine *m = &p->machine[machine];
	uint64_t n = 0;
	size_t at;
	for (size_t c = plan_cycles_at(p, machine, from_ns); c < m->n_cycles && m->cycles[c].end_ns <= to_ns; c++) {
		at = out->n;
		n += cycle_line(out, p, machine, c, m->cycles[c].end_ns + t0_ns + ahead_ns);
		if (seen)
			seen(arg, out, at, m->cycles[c].end_ns);
	}
	int64_t t = from_ns - from_ns % FAST;
	while (t <= from_ns)
		t += FAST;
	for (; t <= to_ns; t += FAST) {
		bool slow = t % SLOW == 0;
		at = out->n;
		n += clock_line(out, p, machine, t, slow, true, t + t0_ns + ahead_ns);
		if (seen)
			seen(arg, out, at, t);
	}
	if (to_ns < p->begin_ns || to_ns >= p->end_ns)
		return n;
	/* A change on the minute is in that minute's line already. */
	for (const struct plan_seg *s = plan_seg_at(p, machine, to_ns); s->from_ns > from_ns && s->from_ns > p->begin_ns; s--) {
		if (s->from_ns % SLOW == 0)
			continue;
		at = out->n;
		n += clock_line(out, p, machine, s->from_ns, false, false, s->from_ns + t0_ns + ahead_ns);
		if (seen)
			seen(arg, out, at, s->from_ns);
	}
	return n;
}
