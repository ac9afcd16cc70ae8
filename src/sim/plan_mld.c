/* The moulder: campaigns of MLD-01, bags of resin, containers; MLD-02 and 03
 * for other customers; the rest just runs. */
#include "sim/build.h"

#define A_TAKT (42 * SEC)
#define B_TAKT (44 * SEC)
#define A_SHOTS 260  /* a bag of 25 kg */
#define EDGE_SHOTS 62 /* good resin before and after the bad bag */
#define EDGE_SCRAP 2
#define SETUP_MIN 35
#define SHOT_KG 0.096

/* One moulding machine as it is filled. */
struct moulder {
	struct build *b;
	size_t machine;
	const char *prefix;   /* of its container numbers */
	int next_number;
	int good_shots;       /* a container closes after so many */
	int cavities;
	const char *item, *mould;
	bool is_b, own;       /* own: goes to MCH */
	uint32_t resin;
	float factor;
	int resin_left;       /* shots */
	uint32_t box;         /* open container */
	int box_good, box_scrap;
	size_t box_first;     /* cycle */
	uint32_t weighed;     /* cycle */
	int64_t box_start_ns;
	uint32_t stop;
	uint16_t after;
	bool bad;
};

static float resin_factor(struct build *b)
{
	double f, cut = draw(b, NORMAL_RESIN_CUT), sigma = draw(b, NORMAL_RESIN_SIGMA);
	do
		f = sigma * prng_normal(&b->rng);
	while (fabs(f) > cut);
	return (float)f;
}

static void resin_new(struct moulder *m, const char *number, const char *item, int bags, int64_t first_use_ns, bool substitute)
{
	struct build *b = m->b;
	int64_t received = first_use_ns - (substitute ? 6 * HOUR : draw_int(b, 20, 44) * HOUR);
	m->resin = add_lot(b, "RES", number, item, "kg", received - 20 * NS_PER_DAY, 25.0 * bags);
	m->factor = substitute ? 0 : resin_factor(b);
	m->resin_left = bags * A_SHOTS;
	rec_lot(b, FIRM_MLD, received, m->resin, RS_OK, "MLD-WH", 25.0 * bags, true);
	struct plan_rec *r = rec_event(b, FIRM_MLD, received, "receipt", m->resin, 25.0 * bags, "kg");
	r->place = "RES";
	r->to = "MLD-WH";
	r->partner = "RES";
	if (substitute)
		r->text = "대체품 1포";
	/* The supplier's own certificate: in order for every lot, the bad one too. */
	rec_char(b, FIRM_MLD, received, "COA 용융지수", m->resin, 28 + 0.8 * prng_normal(&b->rng), "g/10min", 24, 32, 1);
	rec_char(b, FIRM_MLD, received, "COA 수분", m->resin, 0.12 + 0.012 * prng_normal(&b->rng), "%", 0, 0.2, 1);
	rec_char(b, FIRM_MLD, received, "COA 밀도", m->resin, 1.37 + 0.003 * prng_normal(&b->rng), "g/cm³", 1.35, 1.39, 1);
}

static void box_close(struct moulder *m, int64_t end_ns)
{
	struct build *b = m->b;
	if (m->box == PLAN_NONE)
		return;
	uint32_t lot = m->box;
	double good = m->box_good * m->cavities, scrap = m->box_scrap * m->cavities;
	struct plan_lot *l = lot_of(b, lot);
	l->made_ns = end_ns;
	l->quantity = good;
	rec_lot(b, FIRM_MLD, end_ns, lot, RS_OK, "MLD-WH", good, true);
	rec_link(b, FIRM_MLD, end_ns, m->resin, lot, (m->box_good + m->box_scrap) * SHOT_KG, "kg");
	struct plan_rec *op = rec_op(b, FIRM_MLD, m->machine, "moulding", lot, m->box_start_ns, end_ns, good, scrap);
	op->mould = m->mould;
	op->seq_first = b->p->machine[m->machine].first_seq + m->box_first;
	op->seq_last = b->p->machine[m->machine].first_seq + b->cycles[m->machine].n - 1;
	if (m->box_scrap > 0) {
		struct plan_rec *r = rec_event(b, FIRM_MLD, end_ns, "scrap", lot, scrap, "EA");
		r->machine = (uint8_t)m->machine;
		if (m->bad)
			r->text = "은줄 외관 불량";
	}
	if (m->weighed != PLAN_NONE && m->own) {
		const struct sim_machine_def *d = sim_machine_at(m->machine);
		double mean = m->is_b ? 47.5 : 42.0;
		struct plan_rec *r = rec_char(b, FIRM_MLD, end_ns, "weight", lot, NAN, "g", mean - 0.6, mean + 0.6, 1);
		r->cycle = m->weighed;
		r->signal = (uint32_t)(sim_signal_find(d, "weight") - d->signals);
		r->machine = (uint8_t)m->machine;
		r->tool = "저울 G-01";
	}
	if (m->own) {
		struct container *c = vec_add(b, &b->containers);
		*c = (struct container){lot, end_ns, m->is_b, m->box_good == m->good_shots, m->bad, false};
		if (m->bad && b->p->bad.n_containers < 16)
			b->p->bad.container[b->p->bad.n_containers++] = lot;
	}
	m->box = PLAN_NONE;
}

/* One shot that ends at end_ns. */
static void shot(struct moulder *m, int64_t end_ns, int64_t takt_ns, bool scrap)
{
	struct build *b = m->b;
	if (m->box == PLAN_NONE) {
		m->box = add_lot(b, "MLD", build_text(b, "%s-%05d", m->prefix, m->next_number++), m->item, "EA", end_ns, 0);
		m->box_good = m->box_scrap = 0;
		m->box_first = b->cycles[m->machine].n;
		m->box_start_ns = end_ns - takt_ns;
		m->weighed = PLAN_NONE;
		/* The label is printed before the first shot. */
		rec_lot(b, FIRM_MLD, end_ns - takt_ns - 3 * MIN, m->box, RS_OK, sim_machine_at(m->machine)->code, NAN, false);
	}
	size_t index = b->cycles[m->machine].n;
	struct plan_cycle *c = cycle_add(b, m->machine, end_ns, m->box);
	c->factor = m->factor;
	if (m->after) {
		c->after = m->after;
		c->stop = m->stop;
		m->after = m->after < 5 ? (uint16_t)(m->after + 1) : 0;
	}
	if (m->bad)
		c->flags |= CYCLE_BAD;
	if (scrap) {
		c->flags |= CYCLE_SCRAP;
		m->box_scrap++;
	} else {
		m->box_good++;
		if (m->own && index % 20 == 10) {
			c->flags |= CYCLE_WEIGHED;
			m->weighed = (uint32_t)index;
		}
	}
	if (m->resin_left > 0)
		m->resin_left--;
	if (m->box_good == m->good_shots)
		box_close(m, end_ns);
}

/* A group of shots from one resin lot, exactly n_scrap of them scrapped; the last one is good, so that no container is empty. */
static int64_t group(struct moulder *m, int64_t from_ns, int shots, int n_scrap)
{
	bool scrap[A_SHOTS] = {false};
	for (int i = 0; i < n_scrap;) {
		int k = draw_int(m->b, 0, shots - 2);
		if (!scrap[k]) {
			scrap[k] = true;
			i++;
		}
	}
	for (int i = 0; i < shots; i++)
		shot(m, from_ns + (i + 1) * A_TAKT, A_TAKT, scrap[i]);
	from_ns += shots * A_TAKT;
	box_close(m, from_ns);
	return from_ns;
}

static void restart(struct moulder *m)
{
	m->stop++;
	m->after = 1;
}

/* Shots of an ordinary item through one stretch of running. */
static void ordinary(struct moulder *m, int64_t from_ns, int64_t to_ns, int64_t takt_ns, const char *resin_prefix, const char *resin_item, int bags)
{
	for (int64_t t = from_ns; t + takt_ns <= to_ns; t += takt_ns) {
		if (m->resin_left == 0 && m->box == PLAN_NONE)
			resin_new(m, build_text(m->b, "%s-%05d", resin_prefix, (int)m->b->lots.n), resin_item, bags, t, false);
		bool scrap = m->box != PLAN_NONE && m->box_good > 0 && draw_unit(m->b) < 1.0 / 300;
		shot(m, t + takt_ns, takt_ns, scrap);
	}
}

struct campaign {
	int64_t start_ns, end_ns;
	bool planted;
};
#define CAMPAIGNS_MAX 32

static size_t campaigns_draw(struct build *b, struct campaign out[CAMPAIGNS_MAX])
{
	const int64_t bag = BAD_BAG_BEGIN * SEC + b->shift1_ns, planted = bag - EDGE_SHOTS * A_TAKT;
	size_t n = 0;
	for (int k = -2; n < CAMPAIGNS_MAX; k++) {
		int64_t start = planted + (int64_t)k * 48 * HOUR + (k == 0 ? 0 : draw_int(b, -40, 40) * MIN);
		int64_t end = start + (k == 0 ? 2 * EDGE_SHOTS + A_SHOTS : A_SHOTS) * A_TAKT;
		if (end + HOUR > b->p->end_ns)
			break;
		out[n++] = (struct campaign){start, end, k == 0};
	}
	return n;
}

/* MLD-01 has no orders -18:00 to -11:00 of each day, but for the campaigns of HLD-A. */
static void mld01_off(struct build *b, const struct campaign *c, size_t n)
{
	const int64_t setup = (SETUP_MIN + 10) * MIN;
	for (int64_t t = grid_before(b->p->begin_ns, H(18, 0) * SEC, 24); t < b->p->end_ns; t += NS_PER_DAY) {
		int64_t from = t, to = t + 7 * HOUR;
		for (size_t i = 0; i < n; i++) {
			int64_t a = c[i].start_ns - setup, z = c[i].end_ns + setup;
			if (a >= to || z <= from)
				continue;
			if (a - from > HOUR)
				cut_add(b, from, a, CODE_OFF, 0, true, 9, "주문 없음");
			from = z;
		}
		if (to - from > HOUR)
			cut_add(b, from, to, CODE_OFF, 0, true, 9, "주문 없음");
	}
}

static void mld01(struct build *b)
{
	struct plan_bad *bad = &b->p->bad;
	struct campaign c[CAMPAIGNS_MAX];
	size_t n = campaigns_draw(b, c), at = 0, machine = plan_machine_index("MLD-01");
	struct moulder a = {.b = b, .machine = machine, .prefix = "HA", .next_number = 2100 + draw_int(b, 0, 200), .good_shots = 20, .cavities = 2,
		.item = "HLD-A", .mould = "M-117", .own = true, .box = PLAN_NONE};
	struct moulder o = a;
	o.prefix = "HB";
	o.next_number = 5200 + draw_int(b, 0, 200);
	o.item = "HLD-B";
	o.mould = "M-121";
	o.is_b = true;
	b->p->machine[machine].first_seq = 1204000;
	for (size_t i = 0; i < n; i++) {
		cut_add(b, c[i].start_ns - SETUP_MIN * MIN, c[i].start_ns, CODE_SETUP, 0, false, 1, NULL);
		cut_add(b, c[i].end_ns, c[i].end_ns + SETUP_MIN * MIN, CODE_SETUP, 0, false, 1, NULL);
	}
	mld01_off(b, c, n);
	cuts_apply(b, machine);
	int resin = draw_int(b, 3000, 3900), substitute = draw_int(b, 1000, 9899);
	for (size_t i = 0; i < b->segs[machine].n; i++) {
		struct plan_seg s = ((struct plan_seg *)b->segs[machine].p)[i];
		if (s.code != CODE_RUN) {
			if (s.code == CODE_SETUP) /* a mould change closes what is open */
				box_close(&o, s.from_ns);
			continue;
		}
		if (at < n && s.from_ns == c[at].start_ns) {
			restart(&a);
			resin_new(&a, build_text(b, "PA66-%04d", resin++), "PA66-GF30", c[at].planted ? 1 : 2, s.from_ns, false);
			if (!c[at].planted) {
				group(&a, s.from_ns, A_SHOTS, draw_int(b, 0, 3));
			} else {
				int64_t t = group(&a, s.from_ns, EDGE_SHOTS, EDGE_SCRAP);
				resin_new(&a, build_text(b, "PA66-S%04d", substitute), "PA66-GF30", 1, t, true);
				bad->resin = a.resin;
				bad->begin_ns = t;
				bad->mld_seq = b->p->machine[machine].first_seq + b->cycles[machine].n;
				a.bad = true;
				int scrapped = bad->on ? BAD_SCRAPPED_SHOTS : 0;
				t = group(&a, t, A_SHOTS, scrapped);
				a.bad = false;
				bad->end_ns = t;
				bad->mld_seq_end = b->p->machine[machine].first_seq + b->cycles[machine].n;
				bad->scrapped = scrapped * 2;
				resin_new(&a, build_text(b, "PA66-%04d", resin++), "PA66-GF30", 1, t, false);
				group(&a, t, EDGE_SHOTS, EDGE_SCRAP);
			}
			at++;
		} else {
			restart(&o);
			o.stop = a.stop + 1000 + o.stop % 1000; /* its own numbers: offsets are drawn from them */
			ordinary(&o, s.from_ns, s.to_ns, B_TAKT, "PPS", "PPS-GF40", 8);
		}
	}
	box_close(&o, b->p->end_ns);
}

static void others(struct build *b, const char *code, const char *prefix, int64_t takt_ns, int shots, int cavities, const char *first, const char *second,
	long change_1, long change_2, long off_from, long off_to, uint64_t first_seq)
{
	size_t machine = plan_machine_index(code);
	for (size_t i = 0; i < b->p->n_stops; i++)
		if (b->p->stops[i].machine == machine)
			cut_add(b, b->p->stops[i].begin_ns, b->p->stops[i].end_ns, b->p->stops[i].code, b->p->stops[i].alarm, false, 0, NULL);
	cut_add(b, change_1 * SEC, change_1 * SEC + SETUP_MIN * MIN, CODE_SETUP, 0, false, 1, NULL);
	cut_add(b, change_2 * SEC, change_2 * SEC + SETUP_MIN * MIN, CODE_SETUP, 0, false, 1, NULL);
	cut_daily(b, 24, off_from, off_to, 0, "주문 없음");
	cuts_apply(b, machine);
	b->p->machine[machine].first_seq = first_seq;
	struct moulder m = {.b = b, .machine = machine, .prefix = prefix, .next_number = 700 + draw_int(b, 0, 200), .good_shots = shots, .cavities = cavities,
		.item = first, .box = PLAN_NONE};
	for (size_t i = 0; i < b->segs[machine].n; i++) {
		struct plan_seg s = ((struct plan_seg *)b->segs[machine].p)[i];
		if (s.code == CODE_SETUP) {
			box_close(&m, s.from_ns);
			m.item = m.item == first ? second : first;
		}
		if (s.code != CODE_RUN)
			continue;
		if (s.from_ns > b->p->begin_ns)
			restart(&m);
		ordinary(&m, s.from_ns, s.to_ns, takt_ns, "ABS", "ABS-N", 10);
	}
	box_close(&m, b->p->end_ns);
}

/* Holders made before the plan begins. */
static void stock(struct build *b)
{
	for (int i = 0; i < 36; i++) {
		bool is_b = i >= 24;
		int64_t made = b->p->begin_ns - (72 - i) * HOUR;
		uint32_t lot = add_lot(b, "MLD", build_text(b, "%s-%05d", is_b ? "HB" : "HA", (is_b ? 5100 : 2000) + i), is_b ? "HLD-B" : "HLD-A", "EA", made, 40);
		rec_lot(b, FIRM_MLD, made, lot, RS_OK, "MLD-WH", 40, true);
		*(struct container *)vec_add(b, &b->containers) = (struct container){lot, made, is_b, true, false, false};
	}
}

void build_mld(struct build *b)
{
	stock(b);
	mld01(b);
	others(b, "MLD-02", "KA", 55 * SEC, 100, 4, "KX-20", "KX-22", H(106, 0), H(34, 0), H(20, 0), H(14, 0), 2480000);
	others(b, "MLD-03", "KB", 28 * SEC, 200, 2, "KX-31", "KX-33", H(84, 0), H(36, 0), H(22, 0), H(15, 0), 3910000);
	cut_daily(b, 24, H(16, 0), H(6, 0), 0, "야간 무인 없음");
	cuts_apply(b, plan_machine_index("MLD-06"));
	static const char *const always[] = {"MLD-04", "MLD-05", "MLD-07", "MLD-PM", "MLD-RM"};
	for (size_t i = 0; i < sizeof always / sizeof always[0]; i++)
		cuts_apply(b, plan_machine_index(always[i]));
	for (size_t i = 0; i < b->p->n_stops; i++)
		if (b->p->stops[i].machine == plan_machine_index("MLD-02")) {
			struct plan_rec *r = rec_event(b, FIRM_MLD, b->p->stops[i].end_ns + 4 * MIN, "note", PLAN_NONE, NAN, NULL);
			r->machine = (uint8_t)b->p->stops[i].machine;
			r->text = "취출 흡착 자꾸 떨어짐 패드 교체";
		}
}
