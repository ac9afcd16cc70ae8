/* The parts maker: busbar modules at MCH-06 as the motor line will need them,
 * bars by the rack for them, then shafts and housings. Half of its work is
 * for other customers. */
#include "sim/build.h"

#include <stdlib.h>

#define PRESS_TAKT (55 * SEC)
#define PLATE_TAKT (720 * SEC)
#define LATHE_TAKT (225 * SEC)
#define MILL_TAKT (228 * SEC)
#define DRIVE_NS (40 * MIN) /* a lorry between two firms */
#define RACK 120
#define INSERT_PARTS 250
#define LEAD (12 * HOUR + 30 * MIN)

struct rack {
	uint32_t lot;
	int64_t target_ns; /* plated at the latest */
	int64_t start_ns;  /* of plating */
	bool fixed;        /* placed before the others */
};

static struct module *module_at(struct build *b, size_t i) { return (struct module *)b->modules.p + i; }

/* Why a lot of modules is made when it is: in the order in which the line will want them, twelve hours and a half ahead. */
static uint32_t *module_order(struct build *b)
{
	size_t n = b->modules.n;
	uint32_t *order = calloc(n ? n : 1, sizeof *order);
	if (!order) {
		b->err = MO_ENOMEM;
		return NULL;
	}
	for (size_t i = 0; i < n; i++) { /* insertion: both models come nearly sorted */
		size_t k = i;
		for (; k > 0 && module_at(b, order[k - 1])->first_use_ns > module_at(b, i)->first_use_ns; k--)
			order[k] = order[k - 1];
		order[k] = (uint32_t)i;
	}
	return order;
}

static void module_times(struct build *b, const uint32_t *order, size_t bad)
{
	int64_t free_at = INT64_MIN, shift = b->shift1_ns;
	for (size_t i = 0; i < b->modules.n; i++) {
		struct module *m = module_at(b, order[i]);
		int64_t gap = (int64_t)draw(b, NORMAL_LOT_GAP) * MIN, start = m->first_use_ns - LEAD - draw_int(b, 0, 18) * MIN;
		if (i == bad - 2)
			start = H(24, 30) * SEC + shift;
		else if (i == bad - 1)
			start = H(23, 5) * SEC + shift;
		else if (i == bad)
			start = BAD_PRESS_FIT * SEC + shift;
		else if (i == bad + 1)
			start = BAD_PRESS_FIT_2 * SEC + shift;
		else if (free_at != INT64_MIN && start < free_at + gap)
			start = free_at + gap;
		m->start_ns = start;
		m->made_ns = free_at = start + 40 * PRESS_TAKT;
		m->delivered_ns = grid_after(m->made_ns + DRIVE_NS + 20 * MIN, BAD_DELIVERY_MOT * SEC + shift, 6);
	}
}

/* States of MCH-06: short gaps between lots are set-up, long ones have no order. */
static void press_states(struct build *b, const uint32_t *order, size_t machine)
{
	int64_t t = b->p->begin_ns;
	for (size_t i = 0; i < b->modules.n; i++) {
		const struct module *m = module_at(b, order[i]);
		if (m->made_ns <= b->p->begin_ns)
			continue;
		int64_t gap = m->start_ns - t;
		if (gap <= 20 * MIN) {
			seg_add(b, machine, t, m->start_ns, CODE_SETUP, 0, false, NULL);
		} else {
			seg_add(b, machine, t, m->start_ns - 6 * MIN, CODE_OFF, 0, true, "주문 없음");
			seg_add(b, machine, m->start_ns - 6 * MIN, m->start_ns, CODE_SETUP, 0, false, NULL);
		}
		seg_add(b, machine, m->start_ns, m->made_ns, CODE_RUN, 0, false, NULL);
		t = m->made_ns;
	}
	seg_add(b, machine, t, b->p->end_ns, CODE_OFF, 0, true, "주문 없음");
}

static void ship(struct build *b, enum sim_firm from, enum sim_firm to, uint32_t lot, double quantity, int64_t arrives_ns)
{
	static const char *const code[SIM_FIRMS] = {"MLD", "MCH", "MOT"}, *const store[SIM_FIRMS] = {"MLD-WH", "MCH-WH", "MOT-WH"};
	int64_t leaves = arrives_ns - DRIVE_NS;
	rec_lot(b, from, leaves, lot, RS_SHIPPED, code[to], quantity, false);
	struct plan_rec *r = rec_event(b, from, leaves, "shipment", lot, quantity, "EA");
	r->place = store[from];
	r->to = code[to];
	r->partner = code[to];
	rec_lot(b, to, arrives_ns, lot, RS_OK, store[to], quantity, true);
	r = rec_event(b, to, arrives_ns, "receipt", lot, quantity, "EA");
	r->place = code[from];
	r->to = store[to];
	r->partner = code[from];
}

static void receive(struct build *b, enum sim_firm to, uint32_t lot, double quantity, const char *unit, const char *supplier, const char *store, int64_t t_ns)
{
	rec_lot(b, to, t_ns, lot, RS_OK, store, quantity, true);
	struct plan_rec *r = rec_event(b, to, t_ns, "receipt", lot, quantity, unit);
	r->place = r->partner = supplier;
	r->to = store;
}

/* The container a lot of modules is made from: delivered before it starts; the oldest full one, but for the planted two. */
static uint32_t container_for(struct build *b, const struct module *m)
{
	const struct plan_bad *bad = &b->p->bad;
	int64_t arrives = grid_before(m->start_ns - HOUR, BAD_DELIVERY_MCH * SEC + b->shift1_ns, 12);
	if (m->bad && bad->n_containers >= 3) {
		if (m->bad == 2) { /* the third of that delivery waits */
			ship(b, FIRM_MLD, FIRM_MCH, bad->container[2], lot_of(b, bad->container[2])->quantity, arrives);
			b->p->bad.mch_waiting = (int)lot_of(b, bad->container[2])->quantity;
		}
		ship(b, FIRM_MLD, FIRM_MCH, bad->container[m->bad - 1], lot_of(b, bad->container[m->bad - 1])->quantity, arrives);
		return bad->container[m->bad - 1];
	}
	struct container *c = b->containers.p, *best = NULL;
	for (size_t i = 0; i < b->containers.n; i++)
		if (c[i].b == m->b && c[i].full && !c[i].bad && !c[i].used && c[i].made_ns + HOUR <= arrives && (!best || c[i].made_ns < best->made_ns))
			best = &c[i];
	if (!best) {
		b->err = b->err ? b->err : MO_EBUG;
		return 0;
	}
	best->used = true;
	ship(b, FIRM_MLD, FIRM_MCH, best->lot, 40, arrives);
	return best->lot;
}

static uint32_t rack_new(struct build *b, struct vec *racks, int type, int number, int64_t target_ns, bool fixed)
{
	static const char *const item[] = {"BAR-1", "BAR-2", "BAR-3"};
	uint32_t lot = add_lot(b, "MCH", build_text(b, "B%d-%05d", type + 1, number), item[type], "EA", target_ns, RACK);
	struct rack *r = vec_add(b, racks);
	*r = (struct rack){lot, target_ns, target_ns - PLATE_TAKT, fixed};
	return lot;
}

static void press_lot(struct build *b, struct module *m, size_t machine, const uint32_t rack[3], const int rack_left[3], uint32_t container)
{
	struct plan_bad *bad = &b->p->bad;
	struct plan_machine *pm = &b->p->machine[machine];
	bool scrap[40] = {false};
	for (int i = 0; i < m->cracked;) {
		int k = draw_int(b, 0, 38);
		if (!scrap[k]) {
			scrap[k] = true;
			i++;
		}
	}
	uint64_t first = 0, last = 0;
	for (int i = 0; i < 40; i++) {
		int64_t end = m->start_ns + (i + 1) * PRESS_TAKT;
		if (end <= b->p->begin_ns || end > b->p->end_ns)
			continue;
		struct plan_cycle *c = cycle_add(b, machine, end, m->lot);
		c->flags = (uint16_t)((scrap[i] ? CYCLE_SCRAP : 0u) | (m->bad && bad->on ? CYCLE_BAD : 0u));
		last = pm->first_seq + b->cycles[machine].n - 1;
		first = first ? first : last;
	}
	if (m->bad == 1) {
		bad->mch_begin_ns = m->start_ns;
		bad->mch_seq = first;
	}
	if (m->bad)
		bad->mch_end_ns = m->made_ns;
	rec_lot(b, FIRM_MCH, m->start_ns - 3 * MIN, m->lot, RS_OK, "MCH-06", NAN, false);
	rec_lot(b, FIRM_MCH, m->made_ns, m->lot, RS_OK, "MCH-WH", m->size, true);
	rec_link(b, FIRM_MCH, m->made_ns, container, m->lot, 40, "EA");
	rec_lot(b, FIRM_MCH, m->made_ns, container, RS_OK, "MCH-06", 0, false);
	for (int i = 0; i < 3; i++) {
		rec_link(b, FIRM_MCH, m->made_ns, rack[i], m->lot, 40, "EA");
		rec_lot(b, FIRM_MCH, m->made_ns, rack[i], RS_OK, "MCH-WH", rack_left[i], false);
	}
	struct plan_rec *op = rec_op(b, FIRM_MCH, machine, "press-fit", m->lot, m->start_ns, m->made_ns, m->size, m->cracked);
	op->seq_first = first;
	op->seq_last = last;
	op->person = grid_before(m->start_ns, 0, 12) / (12 * HOUR) % 2 ? "P-21" : "P-24";
	if (m->cracked > 0) {
		struct plan_rec *r = rec_event(b, FIRM_MCH, m->made_ns, "scrap", m->lot, m->cracked, "EA");
		r->machine = (uint8_t)machine;
		r->text = "홀더 균열";
	}
	ship(b, FIRM_MCH, FIRM_MOT, m->lot, m->size, m->delivered_ns);
}

/* MCH-05 plates a rack every 12 minutes; ours come last before they are needed, the rest is for others. */
static void plating(struct build *b, struct vec *racks)
{
	static const char *const check[] = {"xrf_1", "xrf_3", "xrf_5"};
	size_t machine = plan_machine_index("MCH-05"), press = plan_machine_index("MCH-04");
	const struct sim_machine_def *d = sim_machine_at(machine);
	cut_add(b, MAINTENANCE_BEGIN * SEC, MAINTENANCE_END * SEC, CODE_OFF, 0, true, 2, "정기 정비");
	cut_daily(b, 24, H(12, 0), H(6, 0), 0, "주문 없음");
	cuts_apply(b, machine);
	slots_fill(b, machine, PLATE_TAKT);
	b->p->machine[machine].first_seq = 61000;
	size_t n = b->slots[machine].n;
	const int64_t *slot = b->slots[machine].p;
	uint32_t *taken = malloc((n ? n : 1) * sizeof *taken);
	if (!taken) {
		b->err = MO_ENOMEM;
		return;
	}
	for (size_t i = 0; i < n; i++)
		taken[i] = PLAN_NONE;
	uint32_t coil = 0;
	for (int fixed = 1; fixed >= 0; fixed--)
		for (size_t i = 0; i < racks->n; i++) {
			struct rack *r = (struct rack *)racks->p + i;
			if (r->fixed != (fixed == 1))
				continue;
			size_t k = slot_at(b, machine, r->target_ns - PLATE_TAKT + 1);
			while (k > 0 && (k > n || taken[k - 1] != PLAN_NONE))
				k--;
			if (k > 0) {
				taken[k - 1] = (uint32_t)i;
				r->start_ns = slot[k - 1];
			}
		}
	for (size_t i = 0; i < racks->n; i++) { /* those before the plan, and the press before the bath */
		struct rack *r = (struct rack *)racks->p + i;
		if (i % 60 == 0) {
			int64_t t = r->start_ns - draw_int(b, 80, 110) * HOUR;
			coil = add_lot(b, "COP", build_text(b, "CU-%05d", 7700 + (int)i / 60), "CU-COIL", "kg", t - 10 * NS_PER_DAY, 800);
			receive(b, FIRM_MCH, coil, 800, "kg", "COP", "MCH-WH", t);
		}
		int64_t pressed = r->start_ns - draw_int(b, 150, 480) * MIN;
		rec_lot(b, FIRM_MCH, pressed - 4 * MIN, r->lot, RS_OK, "MCH-04", NAN, false);
		rec_op(b, FIRM_MCH, press, "stamping", r->lot, pressed - 4 * MIN, pressed, RACK, 0);
		rec_link(b, FIRM_MCH, pressed, coil, r->lot, RACK * 0.031, "kg");
	}
	uint32_t other = 0;
	int n_other = 0;
	bool *placed = calloc(racks->n ? racks->n : 1, sizeof *placed);
	if (!placed)
		b->err = MO_ENOMEM;
	for (size_t k = 0; k < n && placed; k++) {
		int64_t end = slot[k] + PLATE_TAKT;
		uint32_t lot;
		uint32_t cycle = (uint32_t)b->cycles[machine].n;
		uint64_t seq = b->p->machine[machine].first_seq + cycle;
		if (taken[k] == PLAN_NONE) {
			if (n_other++ % 10 == 0) {
				other = add_lot(b, "MCH", build_text(b, "Q-%05d", 4000 + n_other / 10), "KY-T1", "EA", end, 1200);
				rec_lot(b, FIRM_MCH, slot[k] - 3 * MIN, other, RS_OK, "MCH-05", 1200, false);
			}
			lot = other;
		} else {
			struct rack *r = (struct rack *)racks->p + taken[k];
			lot = r->lot;
			placed[taken[k]] = true;
			lot_of(b, lot)->made_ns = end;
			rec_lot(b, FIRM_MCH, end, lot, RS_OK, "MCH-WH", RACK, true);
			struct plan_rec *op = rec_op(b, FIRM_MCH, machine, "tin plating", lot, slot[k], end, RACK, 0);
			op->seq_first = op->seq_last = seq;
			for (size_t c = 0; c < 3; c++) {
				const struct sim_signal *s = sim_signal_find(d, check[c]);
				struct plan_rec *x = rec_char(b, FIRM_MCH, end, "tin thickness", lot, NAN, "µm", 5, 12, 1);
				x->cycle = cycle;
				x->signal = (uint32_t)(s - d->signals);
				x->machine = (uint8_t)machine;
				x->seq_first = seq;
			}
		}
		cycle_add(b, machine, end, lot);
	}
	for (size_t i = 0; i < racks->n && placed; i++)
		if (!placed[i]) { /* plated before the plan */
			struct rack *r = (struct rack *)racks->p + i;
			rec_lot(b, FIRM_MCH, r->target_ns, r->lot, RS_OK, "MCH-WH", RACK, true);
		}
	free(placed);
	free(taken);
}

void build_mch_modules(struct build *b)
{
	if (b->err)
		return;
	struct plan_bad *bad = &b->p->bad;
	size_t machine = plan_machine_index("MCH-06"), at = 0;
	uint32_t *order = module_order(b);
	if (!order)
		return;
	while (at < b->modules.n && module_at(b, order[at])->bad != 1)
		at++;
	if (at < 3 || at + 4 >= b->modules.n || module_at(b, order[at + 1])->bad != 2) {
		b->err = MO_EBUG;
		free(order);
		return;
	}
	module_times(b, order, at);
	press_states(b, order, machine);
	b->p->machine[machine].first_seq = 71000;
	struct vec racks = {.size = sizeof(struct rack)};
	uint32_t rack[3] = {0, 0, 0};
	int left[3] = {0, 0, 0}, number = 900 + draw_int(b, 0, 99);
	for (size_t i = 0; i < b->modules.n && !b->err; i++) {
		struct module *m = module_at(b, order[i]);
		m->lot = add_lot(b, "MCH", build_text(b, "BBM-%c-%04d", m->b ? 'B' : 'A', 1000 + (int)i), m->b ? "BBM-B" : "BBM-A", "EA", m->made_ns, m->size);
		for (int type = 0; type < 3; type++) {
			/* A rack lasts for three lots; the three kinds change in turn, so that the two bad lots take from four racks that also went
			 * into good ones. */
			bool change = ((long)i - (long)at + 1 - type) % 3 == 0;
			if (left[type] == 0 || change) {
				static const long fixed_s[] = {H(26, 50), H(25, 20), H(27, 15)};
				bool z2 = type == 2 && i == at + 1, fixed = (type == 0 && i == at - 1) || (type == 1 && i == at) || (type == 2 && i == at - 2) || z2;
				int64_t target = fixed ? (z2 ? H(23, 45) : fixed_s[type]) * SEC + b->shift1_ns : m->start_ns - draw_int(b, 280, 420) * MIN;
				rack[type] = rack_new(b, &racks, type, number++, target, fixed);
				left[type] = 3;
			}
			left[type]--;
		}
		if (m->bad) {
			bad->module[m->bad - 1] = m->lot;
			bad->rack[m->bad == 1 ? 0 : 3] = rack[m->bad == 1 ? 0 : 2];
			if (m->bad == 1) {
				bad->rack[1] = rack[1];
				bad->rack[2] = rack[2];
			}
		}
		int quantity[3] = {left[0] * 40, left[1] * 40, left[2] * 40};
		press_lot(b, m, machine, rack, quantity, container_for(b, m));
	}
	plating(b, &racks);
	free(racks.p);
	free(order);
	for (size_t i = 0; i < bad->n_containers; i++)
		if (i >= 3)
			bad->mld_stock += (int)lot_of(b, bad->container[i])->quantity;
}

/* ---- shafts and housings ---- */

static void breaks(struct build *b)
{
	cut_daily(b, 12, H(11, 10), H(11, 0), 0, "휴식");
	cut_daily(b, 12, H(7, 20), H(6, 40), 0, "식사");
	cut_daily(b, 12, H(3, 20), H(3, 10), 0, "휴식");
}

/* Puts the insert changes (12 min of set-up after every 250 parts) into the running time and fills the rest with parts. */
static void turn(struct build *b, size_t machine, struct vec *starts)
{
	struct vec old = b->segs[machine];
	b->segs[machine] = (struct vec){.size = sizeof(struct plan_seg)};
	int parts = draw_int(b, 20, 200);
	for (size_t i = 0; i < old.n; i++) {
		struct plan_seg s = ((struct plan_seg *)old.p)[i];
		if (s.code != CODE_RUN) {
			seg_add(b, machine, s.from_ns, s.to_ns, s.code, s.alarm, s.planned, s.why);
			continue;
		}
		int64_t from = s.from_ns, t = s.from_ns;
		while (t + LATHE_TAKT <= s.to_ns) {
			if (parts == INSERT_PARTS) {
				int64_t done = t + 12 * MIN < s.to_ns ? t + 12 * MIN : s.to_ns;
				seg_add(b, machine, from, t, CODE_RUN, 0, false, NULL);
				seg_add(b, machine, t, done, CODE_SETUP, 0, false, NULL);
				parts = 0;
				from = t = done;
				continue;
			}
			int64_t *x = vec_add(b, starts);
			x[0] = t;
			x[1] = ++parts;
			t += LATHE_TAKT;
		}
		seg_add(b, machine, from, s.to_ns, CODE_RUN, 0, false, NULL);
	}
	free(old.p);
}

struct parts {
	const char *code, *step, *prefix, *item;
	int per_lot, number;
	int64_t takt_ns;
	struct vec *to; /* delivered to MOT */
	const char *material_firm, *material_prefix, *material_item, *material_unit;
	int material_lots; /* lots from one of them */
	double material_each;
};

/* The parts of one machine, gathered into lots. `first` is the number of finished lots that the next step may use. */
static void parts_made(struct build *b, const struct parts *x, const int64_t *start, const int64_t *nth, size_t n, size_t step, uint32_t **ret_lots, size_t *ret_n)
{
	size_t machine = plan_machine_index(x->code), first = 0, n_lots = n / (size_t)x->per_lot + 1;
	uint32_t lot = PLAN_NONE, material = 0, *lots = calloc(n_lots, sizeof *lots), done = 0;
	if (!lots) {
		b->err = MO_ENOMEM;
		return;
	}
	const struct sim_machine_def *d = sim_machine_at(machine);
	for (size_t i = 0; i < n && !b->err; i++) {
		int64_t from = start[i * step], end = from + x->takt_ns;
		if (i % (size_t)x->per_lot == 0) {
			lot = add_lot(b, "MCH", build_text(b, "%s-%05d", x->prefix, x->number + (int)(i / (size_t)x->per_lot)), x->item, "EA", end, x->per_lot);
			rec_lot(b, FIRM_MCH, from - 3 * MIN, lot, RS_OK, x->code, NAN, false);
			first = i;
			if (x->material_firm && done % (uint32_t)x->material_lots == 0) {
				int64_t t = from - draw_int(b, 30, 60) * HOUR;
				material = add_lot(b, x->material_firm, build_text(b, "%s-%05d", x->material_prefix, 2200 + (int)done / x->material_lots), x->material_item,
					x->material_unit, t - 12 * NS_PER_DAY, x->material_each * x->per_lot * x->material_lots);
				receive(b, FIRM_MCH, material, x->material_each * x->per_lot * x->material_lots, x->material_unit, x->material_firm, "MCH-WH", t);
			}
		}
		struct plan_cycle *c = cycle_add(b, machine, end, lot);
		c->nth = nth ? (int32_t)nth[i * step] : (int32_t)i;
		if (i + 1 - first < (size_t)x->per_lot)
			continue;
		uint64_t base = b->p->machine[machine].first_seq;
		lot_of(b, lot)->made_ns = end;
		rec_lot(b, FIRM_MCH, end, lot, RS_OK, "MCH-WH", x->per_lot, true);
		struct plan_rec *op = rec_op(b, FIRM_MCH, machine, x->step, lot, start[first * step], end, x->per_lot, 0);
		op->seq_first = base + first;
		op->seq_last = base + i;
		if (x->material_firm)
			rec_link(b, FIRM_MCH, end, material, lot, x->material_each * x->per_lot, x->material_unit);
		if (strcmp(x->code, "MCH-02") == 0) {
			const struct sim_signal *s = sim_signal_find(d, "diameter");
			size_t k = i - i % 5; /* the last one measured */
			struct plan_rec *r = rec_char(b, FIRM_MCH, end, "diameter", lot, NAN, "mm", 25.002, 25.015, -1);
			r->cycle = (uint32_t)k;
			r->signal = (uint32_t)(s - d->signals);
			r->machine = (uint8_t)machine;
			r->seq_first = base + k;
		}
		if (x->to) {
			int64_t arrives = grid_after(end + DRIVE_NS + 20 * MIN, BAD_DELIVERY_MOT * SEC, 6);
			ship(b, FIRM_MCH, FIRM_MOT, lot, x->per_lot, arrives);
			*(struct tray *)vec_add(b, x->to) = (struct tray){lot, end, arrives};
		}
		lots[done++] = lot;
	}
	if (ret_lots) {
		*ret_lots = lots;
		*ret_n = done;
	} else {
		free(lots);
	}
}

/* What MOT had in store when the plan begins. */
static void store_at_mot(struct build *b, struct vec *to, const char *prefix, const char *item, int n, int size)
{
	for (int i = 0; i < n; i++) {
		int64_t t = b->p->begin_ns - 2 * HOUR;
		uint32_t lot = add_lot(b, "MCH", build_text(b, "%s-%05d", prefix, 100 + i), item, "EA", t - 30 * HOUR, size);
		receive(b, FIRM_MOT, lot, size, "EA", "MCH", "MOT-WH", t);
		*(struct tray *)vec_add(b, to) = (struct tray){lot, t, t};
	}
}

void build_mch_rest(struct build *b)
{
	if (b->err)
		return;
	size_t m1 = plan_machine_index("MCH-01"), m2 = plan_machine_index("MCH-02"), m3 = plan_machine_index("MCH-03");
	store_at_mot(b, &b->trays, "TR", "SHF", 8, 60);
	store_at_mot(b, &b->pallets, "HP", "HSG", 20, 24);

	breaks(b);
	cuts_apply(b, m1);
	slots_fill(b, m1, LATHE_TAKT);
	b->p->machine[m1].first_seq = 88000;
	uint32_t *rough = NULL;
	size_t n_rough = 0;
	struct parts x = {"MCH-01", "rough turning", "RS", "SHF-R", 60, 3000, LATHE_TAKT, NULL, "STL", "HT", "SCM440-BAR", "kg", 8, 1.9};
	parts_made(b, &x, b->slots[m1].p, NULL, b->slots[m1].n, 1, &rough, &n_rough);

	struct vec starts = {.size = 2 * sizeof(int64_t)};
	breaks(b);
	cuts_apply(b, m2);
	turn(b, m2, &starts);
	b->p->machine[m2].first_seq = 61000;
	size_t first_tray = b->trays.n;
	x = (struct parts){"MCH-02", "hard turning", "TR", "SHF", 60, 4000, LATHE_TAKT, &b->trays, NULL, NULL, NULL, NULL, 1, 0};
	if (starts.n)
		parts_made(b, &x, starts.p, (int64_t *)starts.p + 1, starts.n, 2, NULL, NULL);
	free(starts.p);
	/* Ten lots are at the heat treatment between the two lathes. */
	for (size_t i = first_tray + 10; i < b->trays.n && i - first_tray - 10 < n_rough; i++) {
		const struct tray *t = (struct tray *)b->trays.p + i;
		rec_link(b, FIRM_MCH, t->made_ns, rough[i - first_tray - 10], t->lot, 60, "EA");
	}
	free(rough);

	for (size_t i = 0; i < b->p->n_stops; i++)
		if (b->p->stops[i].machine == m3) {
			const struct plan_stop *s = &b->p->stops[i];
			cut_add(b, s->begin_ns, s->end_ns, s->code, s->alarm, false, 0, NULL);
			struct plan_rec *r = rec_event(b, FIRM_MCH, s->begin_ns + 5 * MIN, "note", PLAN_NONE, NAN, NULL);
			r->machine = (uint8_t)m3;
			r->text = "소재없음 대기";
		}
	breaks(b);
	cuts_apply(b, m3);
	slots_fill(b, m3, MILL_TAKT);
	b->p->machine[m3].first_seq = 45000;
	x = (struct parts){"MCH-03", "milling", "HP", "HSG", 24, 6000, MILL_TAKT, &b->pallets, "CAS", "CS", "HSG-RAW", "EA", 10, 1};
	parts_made(b, &x, b->slots[m3].p, NULL, b->slots[m3].n, 1, NULL, NULL);

	breaks(b);
	cuts_apply(b, plan_machine_index("MCH-04"));
	static const char *const always[] = {"MCH-07", "MCH-PM", "MCH-RM"};
	for (size_t i = 0; i < 3; i++)
		cuts_apply(b, plan_machine_index(always[i]));
}
