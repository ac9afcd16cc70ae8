/* States against an oracle that asks moment by moment; stops against what must hold of any; arrivals of any order. */
#include "cm.h"
#include "prop.h"

#include "insight/arrival.h"
#include "insight/states.h"

#define MAX 64u
#define SPAN 300 /* moments */

/* What holds at moment t, by the words of states.h. */
static enum istate at(int64_t t, const struct istate_sample *s, size_t n, const struct istate_rules *r, int64_t usual)
{
	enum istate e = ISTATE_NO_DATA;
	size_t i = 0;
	while (i < n && s[i].t_ns <= t)
		i++;
	if (i) {
		int64_t next = i < n && s[i].t_ns < r->to_ns ? s[i].t_ns : r->to_ns;
		bool held = next - s[i - 1].t_ns <= r->stale_ns || t < s[i - 1].t_ns + usual;
		if (held)
			e = s[i - 1].code == MCODE_RUN                           ? ISTATE_RUNNING
			    : s[i - 1].code == MCODE_SETUP                       ? ISTATE_PLANNED
			    : s[i - 1].code == MCODE_IDLE && s[i - 1].alarm == 0 ? ISTATE_WAITING
			                                                         : ISTATE_STOPPED;
	}
	if (e != ISTATE_RUNNING)
		for (size_t k = 0; k < r->n_planned; k++)
			if (r->planned[k].from_ns <= t && t < r->planned[k].to_ns)
				return ISTATE_PLANNED;
	return e;
}

static bool states_hold(struct prop *p, void *arg)
{
	(void)arg;
	struct istate_sample s[MAX];
	struct istate_span planned[8];
	struct istate_interval out[4 * MAX], few[4 * MAX];
	size_t n = prop_size(p, MAX - 1), n_planned = prop_size(p, 7), got, again;
	int64_t t = prop_range(p, -20, 20), step = prop_range(p, 1, 5);
	for (size_t i = 0; i < n; i++) {
		s[i] = (struct istate_sample){t, (enum mcode)prop_below(p, MCODES), (int)prop_below(p, 2) * (int)prop_range(p, 1, 3)};
		t += prop_below(p, 8) ? step : prop_range(p, 0, 40);
	}
	t = prop_range(p, -10, 10);
	for (size_t i = 0; i < n_planned; i++) {
		int64_t to = t + prop_range(p, 0, 30);
		planned[i] = (struct istate_span){t, to};
		t = to + prop_range(p, 0, 30);
	}
	int64_t from = prop_range(p, -5, 50);
	struct istate_rules r = {.from_ns = from,
	        .to_ns = from + prop_range(p, 0, SPAN),
	        .stale_ns = prop_range(p, 1, 20),
	        .planned = planned,
	        .n_planned = n_planned};
	if (istates(out, 4 * MAX, &got, s, n, &r) != 0)
		return false;
	/* The usual interval is istates' own business: taken from where it says data end, and within its bounds. */
	int64_t end = r.from_ns;
	for (size_t i = 0; i < got; i++) {
		if (out[i].from_ns != end || out[i].to_ns <= out[i].from_ns)
			return false;
		end = out[i].to_ns;
		if (i && out[i].state == out[i - 1].state && out[i].state != ISTATE_PLANNED)
			return false; /* neighbours are joined */
	}
	if (end != r.to_ns)
		return false;
	for (int64_t usual = 0; usual <= r.stale_ns; usual++) {
		bool all = true;
		size_t i = 0;
		for (t = r.from_ns; t < r.to_ns && all; t++) {
			while (out[i].to_ns <= t)
				i++;
			all = out[i].state == at(t, s, n, &r, usual);
		}
		if (all) {
			/* Too little room is said, with the number needed, and what fits is the same. */
			size_t room = prop_below(p, got + 1);
			int err = istates(few, room, &again, s, n, &r);
			return again == got && err == (room < got ? MO_ELIMIT : 0) && memcmp(few, out, room * sizeof *out) == 0;
		}
	}
	return false;
}

static bool stops_hold(struct prop *p, void *arg)
{
	(void)arg;
	struct istate_interval in[MAX];
	struct istop out[MAX];
	size_t n = prop_size(p, MAX), got;
	int64_t t = 0, standing = 0, in_stops = 0;
	for (size_t i = 0; i < n; i++) {
		int64_t to = t + prop_range(p, 1, 30);
		in[i] = (struct istate_interval){t, to, (enum istate)prop_below(p, ISTATES), 0};
		if (in[i].state == ISTATE_STOPPED && prop_bool(p))
			in[i].alarm = (int)prop_range(p, 1, 3);
		if (in[i].state == ISTATE_PLANNED && prop_bool(p))
			in[i].alarm = ISTATE_SETUP;
		if (in[i].state == ISTATE_STOPPED || in[i].state == ISTATE_WAITING)
			standing += to - t;
		t = to;
	}
	struct istop_rules r = {prop_range(p, 0, 40), prop_range(p, 0, 20)};
	if (istops(out, MAX, &got, in, n, &r) != 0 || got > n)
		return false;
	for (size_t i = 0; i < got; i++) {
		const struct istop *s = &out[i];
		int64_t to = s->to_ns == INT64_MAX ? t : s->to_ns;
		if (to <= s->from_ns || (i && s->from_ns < out[i - 1].from_ns))
			return false;
		bool unplanned = s->kind == STOP_BREAKDOWN || s->kind == STOP_WAITING || s->kind == STOP_MICRO, alarm = false;
		for (size_t k = 0; k < n; k++) {
			if (in[k].to_ns <= s->from_ns || in[k].from_ns >= to)
				continue;
			bool stands = in[k].state == ISTATE_STOPPED || in[k].state == ISTATE_WAITING;
			if (stands && unplanned)
				in_stops += in[k].to_ns - in[k].from_ns;
			alarm |= stands && in[k].alarm != 0;
			if (stands != unplanned && !(unplanned && in[k].alarm != ISTATE_SETUP))
				return false;
		}
		if ((s->kind == STOP_BREAKDOWN && !alarm) || (s->kind == STOP_WAITING && alarm) || (!unplanned && s->alarm != 0))
			return false;
	}
	return in_stops == standing; /* each moment that stood is in exactly one unplanned stop */
}

static bool arrivals_hold(struct prop *p, void *arg)
{
	(void)arg;
	const int64_t sec = 1000000000;
	struct arrival_state s;
	struct arrival_finding f;
	int64_t now = prop_range(p, -1000, 1000) * sec, last = INT64_MIN;
	bool missing = false, late = false;
	arrival_init(&s);
	for (size_t i = prop_size(p, 300); i; i--) {
		now += prop_range(p, 0, prop_below(p, 10) ? 5 : 2000) * sec;
		bool feeds = prop_below(p, 4) != 0;
		int64_t to = now - prop_range(p, 0, prop_below(p, 10) ? 3 : 5000) * sec,
		        from = to - prop_range(p, 0, prop_below(p, 10) ? 3 : 5000) * sec;
		enum arrival_verdict v = feeds ? arrival_feed(&s, from, to, 1 + prop_below(p, 9), now, &f) : arrival_tick(&s, now, &f);
		prop_note(p, "now %d %s from %d to %d: verdict %d from %d to %d late %d", (int)(now / sec), feeds ? "feed" : "tick",
		        (int)(from / sec), (int)(to / sec), (int)v, v ? (int)(f.from_ns / sec) : 0, v ? (int)(f.to_ns / sec) : 0,
		        v ? (int)f.late : 0);
		switch (v) {
		case ARRIVAL_NOTHING:
			break;
		case ARRIVAL_MISSING:
			if (feeds || missing || late || now - last < 120 * sec)
				return false;
			missing = true;
			break;
		case ARRIVAL_LATE:
			if (late || !feeds || f.late == 0)
				return false;
			missing = false;
			late = true;
			break;
		case ARRIVAL_COMPLETE:
			if (!late || f.late == 0 || f.arrived_to_ns < f.arrived_from_ns || now - f.arrived_to_ns < 300 * sec)
				return false;
			late = false;
			break;
		case ARRIVAL_RESUMED:
			if (!missing || late || f.late != 0)
				return false;
			missing = false;
			break;
		}
		if (v != ARRIVAL_NOTHING && f.from_ns > f.to_ns && v != ARRIVAL_RESUMED)
			return false;
		last = feeds ? now : last;
	}
	return true;
}

static void states(void **state)
{
	(void)state;
	assert_int_equal(prop_check("states hold", states_hold, NULL, 3000), 0);
}
static void stops(void **state)
{
	(void)state;
	assert_int_equal(prop_check("stops hold", stops_hold, NULL, 5000), 0);
}
static void arrivals(void **state)
{
	(void)state;
	assert_int_equal(prop_check("arrivals hold", arrivals_hold, NULL, 3000), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(states), cmocka_unit_test(stops), cmocka_unit_test(arrivals)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
