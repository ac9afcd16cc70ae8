#include "sim/csv_papers.h"

#include <stdio.h>

#include "sim/text.h"

#define HOUR (3600 * NS_PER_S)
#define MINUTE (60 * NS_PER_S)

/* "시각", "중량", "로트" in CP949. */
#define CP949_TIME "\xbd\xc3\xb0\xa2"
#define CP949_WEIGHT "\xc1\xdf\xb7\xae"
#define CP949_LOT "\xb7\xce\xc6\xae"

static void cell(struct buf *out, const struct sim_signal *s, double v)
{
	buf_addc(out, ',');
	text_fixed(out, v, signal_decimals(s));
}

/* Weighed shots of one item, from < t <= to. */
static void weights(struct paper *x, const struct plan *p, const char *item, int64_t from_ns, int64_t to_ns, int64_t t0_ns)
{
	size_t machine = plan_machine_index("MLD-01");
	const struct plan_machine *m = &p->machine[machine];
	const struct sim_signal *s = sim_signal_find(m->def, "weight");
	buf_adds(&x->content, CP949_TIME "," CP949_WEIGHT "(g)," CP949_LOT "\r\n");
	for (size_t c = plan_cycles_at(p, machine, from_ns); c < m->n_cycles && m->cycles[c].end_ns <= to_ns; c++) {
		double v[SIGNALS_MAX];
		const struct plan_lot *lot = &p->lots[m->cycles[c].lot];
		if (!(m->cycles[c].flags & CYCLE_WEIGHED) || strcmp(lot->item, item) != 0)
			continue;
		cycle_values(p, machine, c, v);
		text_local(&x->content, m->cycles[c].end_ns + t0_ns);
		cell(&x->content, s, v[s - m->def->signals]);
		buf_printf(&x->content, ",%s\r\n", lot->number);
		x->rows++;
		x->values += 2;
	}
}

static void edm(struct paper *x, const struct plan *p, int64_t from_ns, int64_t to_ns, int64_t t0_ns)
{
	size_t machine = plan_machine_index("MLD-07");
	const struct sim_machine_def *d = p->machine[machine].def;
	buf_adds(&x->content, "\xef\xbb\xbf시각");
	for (size_t i = 0; i < d->n_signals; i++)
		buf_printf(&x->content, ",%s(%s)", d->signals[i].label, d->signals[i].unit);
	buf_adds(&x->content, "\r\n");
	for (int64_t t = from_ns + MINUTE; t <= to_ns; t += MINUTE) {
		double v[SIGNALS_MAX];
		clock_values(p, machine, t, v);
		text_local(&x->content, t + t0_ns);
		for (size_t i = 0; i < d->n_signals; i++)
			cell(&x->content, &d->signals[i], v[i]);
		buf_adds(&x->content, "\r\n");
		x->rows++;
		x->values += d->n_signals;
	}
}

static void store_room(struct paper *x, const struct plan *p, int64_t from_ns, int64_t to_ns, int64_t t0_ns)
{
	size_t machine = plan_machine_index("MOT-RM");
	const struct sim_machine_def *d = p->machine[machine].def;
	const struct sim_signal *t = sim_signal_find(d, "temperature"), *h = sim_signal_find(d, "humidity");
	buf_adds(&x->content, "시각,자재창고 온도(℃),자재창고 습도(%)\r\n");
	for (int64_t at = from_ns + 10 * MINUTE; at <= to_ns; at += 10 * MINUTE) {
		double v[SIGNALS_MAX];
		clock_values(p, machine, at + 1, v); /* a moment of its own: other noise than the sensor in the hall */
		text_local(&x->content, at + t0_ns);
		cell(&x->content, t, v[t - d->signals] - 1.5);
		cell(&x->content, h, v[h - d->signals] + 3);
		buf_adds(&x->content, "\r\n");
		x->rows++;
		x->values += 2;
	}
}

enum { PAPER_WEIGHT_A, PAPER_WEIGHT_B, PAPER_EDM, PAPER_ROOM, PAPER_KINDS };
static const struct {
	enum sim_firm firm;
	const char *name; /* a number follows */
	int every_h;
	int64_t grid_ns;
} kinds[PAPER_KINDS] = {
	[PAPER_WEIGHT_A] = {FIRM_MLD, "MLD-01 weight HLD-A", 24, -HOUR},
	[PAPER_WEIGHT_B] = {FIRM_MLD, "MLD-01 weight HLD-B", 24, -HOUR},
	[PAPER_EDM] = {FIRM_MLD, "MLD-07 log", 12, -2 * HOUR},
	[PAPER_ROOM] = {FIRM_MOT, "MOT store room", 24, -3 * HOUR},
};

int papers_due(struct paper out[PAPERS_MAX], size_t *ret_n, const struct plan *p, int64_t from_ns, int64_t to_ns, int64_t since_ns, int64_t t0_ns)
{
	size_t n = 0;
	int err = 0;
	for (size_t k = 0; k < PAPER_KINDS && err == 0; k++) {
		int64_t every = kinds[k].every_h * HOUR, nth = (to_ns - kinds[k].grid_ns) / every;
		if ((to_ns - kinds[k].grid_ns) % every < 0)
			nth--;
		for (int64_t due = kinds[k].grid_ns + nth * every; due > from_ns && err == 0; due -= every, nth--) {
			int64_t begin = due - every > since_ns ? due - every : since_ns;
			if (n == PAPERS_MAX) {
				err = MO_ELIMIT;
				break;
			}
			struct paper *x = &out[n];
			*x = (struct paper){.firm = kinds[k].firm};
			buf_init(&x->content, 0);
			(void)snprintf(x->name, sizeof x->name, "%s %03d.csv", kinds[k].name, (int)(nth + 400));
			if (k == PAPER_EDM)
				edm(x, p, begin, due, t0_ns);
			else if (k == PAPER_ROOM)
				store_room(x, p, begin, due, t0_ns);
			else
				weights(x, p, k == PAPER_WEIGHT_A ? "HLD-A" : "HLD-B", begin, due, t0_ns);
			if (x->rows == 0 || x->content.err) {
				err = x->content.err;
				buf_free(&x->content);
				continue;
			}
			n++;
		}
	}
	if (err < 0) {
		while (n > 0)
			buf_free(&out[--n].content);
		return err;
	}
	*ret_n = n;
	return 0;
}
