#include "sim/truth.h"

#include "sim/records.h"
#include "sim/text.h"

#define STRONG 4.0 /* sigmas: weaker shifts may be missed, but for those the scenario names */

struct doc {
	struct buf *out;
	const struct plan *p;
	int64_t t0_ns;
	bool first; /* in the list being written */
};

static void next(struct doc *d, const char *open)
{
	if (!d->first)
		buf_addc(d->out, ',');
	d->first = false;
	buf_adds(d->out, "\n   ");
	buf_adds(d->out, open);
}

static void time_field(struct doc *d, const char *key, int64_t t_ns)
{
	buf_printf(d->out, ",\"%s\":", key);
	text_time(d->out, t_ns + d->t0_ns);
}

static void real_field(struct doc *d, const char *key, double v)
{
	buf_printf(d->out, ",\"%s\":", key);
	text_fixed(d->out, v, 4);
}

static void lot(struct doc *d, uint32_t index)
{
	buf_printf(d->out, "{\"firm\":\"%s\",\"number\":\"%s\"}", d->p->lots[index].firm, d->p->lots[index].number);
}

static void lots(struct doc *d, const char *key, const uint32_t *index, size_t n)
{
	buf_printf(d->out, ",\n  \"%s\":[", key);
	for (size_t i = 0; i < n; i++) {
		buf_adds(d->out, i ? "," : "");
		lot(d, index[i]);
	}
	buf_addc(d->out, ']');
}

static void expect(struct doc *d, const char *kind, bool must, enum sim_firm node)
{
	next(d, "{");
	buf_printf(d->out, "\"kind\":\"%s\",\"must\":%s,\"node\":\"%s\"", kind, must ? "true" : "false", firm_code(node));
}

/* A shift of a signal per cycle; end_seq 0: it lasts. */
static void shift(struct doc *d, const char *machine, const char *signal, const char *group, bool must, int64_t begin_ns, uint64_t seq, int64_t end_ns, uint64_t end_seq,
	double before, double after)
{
	const struct sim_machine_def *m = sim_machine_find(machine);
	const struct sim_signal *s = sim_signal_find(m, signal);
	double sigma = s->model == SM_LOGNOISE ? s->mean * s->sigma : s->sigma;
	expect(d, "level_shift", must, m->firm);
	buf_printf(d->out, ",\"asset\":\"%s\",\"signal\":\"%s\",\"group\":\"%s\",\"begin_seq\":%llu,\"tolerance_cycles\":10", machine, signal, group, (unsigned long long)seq);
	time_field(d, "begin", begin_ns);
	if (end_seq) {
		time_field(d, "end", end_ns);
		buf_printf(d->out, ",\"end_seq\":%llu", (unsigned long long)end_seq);
	} else
		buf_adds(d->out, ",\"end\":null,\"end_seq\":null");
	real_field(d, "before", before);
	real_field(d, "after", after);
	real_field(d, "sigma", sigma);
	real_field(d, "strength", fabs(after - before) / sigma);
	buf_addc(d->out, '}');
}

static bool strong(const struct plan *p, double change, double sigma, bool named)
{
	return fabs(change) >= STRONG * sigma * 0.95 || (named && !p->opts.halve[1]);
}

static void bad_resin(struct doc *d)
{
	const struct plan *p = d->p;
	const struct plan_bad *b = &p->bad;
	int64_t last = b->end_ns, mot = b->mot_begin_ns;
	uint64_t seq = b->mld_seq, end = b->mld_seq_end;
	buf_adds(d->out, "{\"event\":1,\"name\":\"bad_resin_lot\",\"machine\":\"MLD-01\"");
	time_field(d, "begin", b->begin_ns);
	time_field(d, "end", last);
	buf_adds(d->out, ",\n  \"resin_lot\":");
	lot(d, b->resin);
	buf_printf(d->out, ",\n  \"holders\":{\"total\":%d,\"scrapped\":%d,\"mld_stock\":%d,\"mch_waiting\":%d,\"cracked\":%d,\"mot_hold\":%d,\"in_motors\":%d}", BAD_BAG_SHOTS * 2,
		b->scrapped, b->mld_stock, b->mch_waiting, b->cracked[0] + b->cracked[1], b->mot_hold, BAD_MOTORS);
	buf_adds(d->out, ",\n  \"places\":[{\"node\":\"MLD\",\"what\":\"scrapped\",\"how\":\"operations' scrap\"},{\"node\":\"MLD\",\"place\":\"MLD-WH\",\"what\":\"mld_stock\"},"
			 "{\"node\":\"MCH\",\"place\":\"MCH-WH\",\"what\":\"mch_waiting\"},{\"node\":\"MCH\",\"what\":\"cracked\",\"how\":\"operations' scrap\"},"
			 "{\"node\":\"MOT\",\"place\":\"MOT-LS\",\"what\":\"mot_hold\"},{\"node\":\"MOT\",\"what\":\"in_motors\",\"how\":\"links\"}]");
	lots(d, "containers", b->container, b->n_containers);
	lots(d, "delivered_containers", b->container, b->n_containers < 3 ? b->n_containers : 3);
	lots(d, "modules", b->module, 2);
	lots(d, "stators", b->stator, BAD_MOTORS);
	lots(d, "motors", b->motor, BAD_MOTORS);
	uint32_t failed[BAD_MOTORS];
	size_t n = 0;
	for (size_t i = 0; i < BAD_MOTORS; i++)
		if (b->failed[i])
			failed[n++] = b->motor[i];
	lots(d, "failed_motors", failed, n);
	buf_adds(d->out, ",\n  \"held\":");
	lot(d, b->module[1]);
	if (b->n_failed)
		time_field(d, "held_at", b->hold_ns);
	buf_adds(d->out, ",\n  \"expect\":[");
	d->first = true;
	shift(d, "MLD-01", "peak_pressure", "HLD-A", strong(p, b->pressure - 95, 1.2, true), b->begin_ns, seq, last, end, 95, b->pressure);
	shift(d, "MLD-01", "cushion", "HLD-A", strong(p, b->cushion - 6, 0.12, true), b->begin_ns, seq, last, end, 6, b->cushion);
	shift(d, "MLD-01", "metering_time", "HLD-A", strong(p, b->metering, 0.25, true), b->begin_ns, seq, last, end, 9.5, 9.5 + b->metering);
	shift(d, "MLD-01", "weight", "HLD-A", false, b->begin_ns, seq, last, end, 42, 42 + b->weight);
	/* The way back, where it is seen as a change of its own. */
	shift(d, "MLD-01", "peak_pressure", "HLD-A", false, last, end, 0, 0, b->pressure, 95);
	shift(d, "MLD-01", "cushion", "HLD-A", false, last, end, 0, 0, b->cushion, 6);
	shift(d, "MLD-01", "metering_time", "HLD-A", false, last, end, 0, 0, 9.5 + b->metering, 9.5);
	shift(d, "MLD-01", "weight", "HLD-A", false, last, end, 0, 0, 42 + b->weight, 42);
	shift(d, "MCH-06", "force", "BBM-A", strong(p, b->force - 2.10, 0.06, true), b->mch_begin_ns, b->mch_seq, 0, 0, 2.10, b->force);
	shift(d, "MOT-06", "insulation", "MTR-60A", true, mot, b->mot_seq, b->mot_end_ns, b->mot_seq + BAD_MOTORS, 3000, b->ins_median);
	shift(d, "MOT-06", "hipot", "MTR-60A", false, mot, b->mot_seq, b->mot_end_ns, b->mot_seq + BAD_MOTORS, 3.20, b->hipot_level);
	buf_adds(d->out, "],\n  \"decoys\":{\"racks\":[");
	for (size_t i = 0; i < 4; i++) {
		buf_adds(d->out, i ? "," : "");
		lot(d, b->rack[i]);
	}
	buf_adds(d->out, "],\"heads\":[\"권선헤드 1\",\"권선헤드 2\"],\"persons\":[\"P-07\",\"P-12\"]");
	lots(d, "other_failures", p->other_failures, p->n_other);
	buf_adds(d->out, "}}");
}

static void stops(struct doc *d)
{
	const struct plan *p = d->p;
	buf_adds(d->out, "{\"event\":3,\"name\":\"stops\",\n  \"expect\":[");
	d->first = true;
	for (size_t i = 0; i < p->n_stops; i++) {
		const struct plan_stop *s = &p->stops[i];
		const struct sim_machine_def *m = sim_machine_at(s->machine);
		expect(d, "stop", s->must, m->firm);
		buf_printf(d->out, ",\"asset\":\"%s\",\"stop_kind\":\"%s\",\"alarm\":%d,\"tolerance_s\":60", m->code, s->kind, s->alarm);
		time_field(d, "begin", s->begin_ns);
		time_field(d, "end", s->end_ns);
		buf_addc(d->out, '}');
		/* What follows the machine's state changes with it, and the suction gives out before. */
		expect(d, "level_shift", false, m->firm);
		buf_printf(d->out, ",\"asset\":\"%s\",\"signal\":\"*\",\"rate\":\"clock\"", m->code);
		time_field(d, "begin", s->begin_ns - INT64_C(20) * 60 * NS_PER_S);
		time_field(d, "end", s->end_ns + INT64_C(60) * 60 * NS_PER_S);
		buf_addc(d->out, '}');
	}
	buf_adds(d->out, "]}");
}

static void night(struct doc *d)
{
	static const char *const behind[] = {"MCH-01", "MCH-02", "MCH-03", "MCH-06"};
	const struct plan *p = d->p;
	const struct sim_range_def *ahead = sim_range(NIGHT_CLOCK);
	buf_adds(d->out, "{\"event\":6,\"name\":\"network_night\",\"machines\":[\"MCH-01\",\"MCH-02\",\"MCH-03\",\"MCH-06\"]");
	time_field(d, "begin", p->night_begin_ns);
	time_field(d, "end", p->night_end_ns);
	time_field(d, "arrived_from", p->night_end_ns);
	time_field(d, "arrived_to", p->night_arrived_ns);
	real_field(d, "source_clock_ahead_s", ahead->lo);
	buf_adds(d->out, ",\n  \"expect\":[");
	d->first = true;
	for (size_t i = 0; i < sizeof behind / sizeof behind[0]; i++)
		for (int late = 1; late >= 0; late--) {
			expect(d, late ? "late_data" : "missing_data", late, FIRM_MCH);
			buf_printf(d->out, ",\"source\":\"%s\",\"tolerance_s\":300", behind[i]);
			time_field(d, "from", p->night_begin_ns);
			time_field(d, "to", p->night_end_ns);
			time_field(d, "arrived_from", p->night_end_ns);
			time_field(d, "arrived_to", p->night_arrived_ns);
			buf_addc(d->out, '}');
		}
	buf_adds(d->out, "]}");
}

void truth_write(struct buf *out, const struct plan *p, int64_t t0_ns, int64_t history_ns)
{
	struct doc d = {out, p, t0_ns, true};
	bool any = false;
	buf_printf(out, "{\"seed\":%llu", (unsigned long long)p->opts.seed);
	time_field(&d, "t0", 0);
	time_field(&d, "history_from", -history_ns);
	const char *const names[] = {"without", "halve"};
	for (size_t k = 0; k < 2; k++) {
		buf_printf(out, ",\"%s\":[", names[k]);
		bool first = true;
		for (size_t i = 0; i < PLAN_EVENTS; i++)
			if (k == 0 ? p->opts.without[i] : p->opts.halve[i]) {
				buf_printf(out, "%s%zu", first ? "" : ",", i);
				first = false;
			}
		buf_addc(out, ']');
	}
	buf_adds(out, ",\"shift_h\":{");
	bool first = true;
	for (size_t i = 0; i < PLAN_EVENTS; i++)
		if (p->opts.shift_h[i] != 0) {
			buf_printf(out, "%s\"%zu\":", first ? "" : ",", i);
			text_real(out, p->opts.shift_h[i]);
			first = false;
		}
	buf_adds(out, "},\n \"events\":[");
	void (*const part[])(struct doc *) = {bad_resin, stops, night};
	const bool on[] = {p->bad.on, !p->opts.without[3], p->night_on};
	for (size_t i = 0; i < 3; i++) {
		if (!on[i])
			continue;
		buf_adds(out, any ? ",\n " : "\n ");
		part[i](&d);
		any = true;
	}
	buf_adds(out, "]}\n");
}
