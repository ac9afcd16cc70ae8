/* States: what each sample says is held until the next, holes become "no
 * data", planned spans are laid over, equal neighbours are joined. Stops:
 * one pass over the intervals with the stop that is being collected. */
#include "insight/states.h"

const char *mcode_name(enum mcode c)
{
	static const char *const names[MCODES] = {"off", "run", "idle", "alarm", "setup"};
	return (unsigned)c < MCODES ? names[c] : "?";
}

const char *stop_kind_name(enum stop_kind k)
{
	static const char *const names[STOP_KINDS] = {"breakdown", "waiting", "planned", "changeover", "micro_stop"};
	return (unsigned)k < STOP_KINDS ? names[k] : "?";
}

/* Times of samples and limits may lie anywhere in int64: sums end at its edges. */
static int64_t later(int64_t t, int64_t by)
{
	return by > 0 && t > INT64_MAX - by ? INT64_MAX : t + by;
}
static bool more_apart(int64_t a, int64_t b, int64_t than)
{
	return later(a, than) < b;
}

/* ---- states ---- */
struct out {
	struct istate_interval *ret;
	size_t cap, n;
	struct istate_interval last; /* not in ret yet */
	bool any;
	const struct istate_rules *r;
	size_t planned; /* first planned span that may still matter */
};

static void flush(struct out *o)
{
	if (!o->any)
		return;
	if (o->n < o->cap)
		o->ret[o->n] = o->last;
	o->n++;
	o->any = false;
}

bool istates_join(struct istate_interval *last, const struct istate_interval *next)
{
	if (last->state != next->state || last->to_ns != next->from_ns || (next->state == ISTATE_PLANNED && last->alarm != next->alarm))
		return false;
	last->to_ns = next->to_ns;
	if (last->alarm <= 0 && next->alarm != 0)
		last->alarm = next->alarm;
	return true;
}

static void put(struct out *o, int64_t from, int64_t to, enum istate state, int alarm)
{
	if (from >= to)
		return;
	const struct istate_interval in = {from, to, state, alarm};
	if (o->any && istates_join(&o->last, &in))
		return;
	flush(o);
	o->last = in;
	o->any = true;
}

/* One piece of what the samples say, cut to the range and with planned spans laid over it. */
static void piece(struct out *o, int64_t from, int64_t to, enum istate state, int alarm)
{
	if (from < o->r->from_ns)
		from = o->r->from_ns;
	if (to > o->r->to_ns)
		to = o->r->to_ns;
	if (from >= to)
		return;
	while (o->planned < o->r->n_planned && o->r->planned[o->planned].to_ns <= from)
		o->planned++;
	if (state == ISTATE_STOPPED || state == ISTATE_WAITING || state == ISTATE_NO_DATA) {
		for (size_t i = o->planned; i < o->r->n_planned && o->r->planned[i].from_ns < to && from < to; i++) {
			const struct istate_span *p = &o->r->planned[i];
			int64_t end = p->to_ns < to ? p->to_ns : to;
			if (p->from_ns > from) {
				put(o, from, p->from_ns, state, alarm);
				from = p->from_ns;
			}
			put(o, from, end, ISTATE_PLANNED, 0);
			from = end;
		}
	}
	put(o, from, to, state, alarm);
}

static void says(const struct istate_sample *s, enum istate *state, int *alarm)
{
	*alarm = 0;
	switch (s->code) {
	case MCODE_RUN:
		*state = ISTATE_RUNNING;
		return;
	case MCODE_SETUP:
		*state = ISTATE_PLANNED;
		*alarm = ISTATE_SETUP;
		return;
	case MCODE_ALARM:
		*state = ISTATE_STOPPED;
		*alarm = s->alarm > 0 ? s->alarm : ISTATE_ALARM_UNKNOWN;
		return;
	case MCODE_IDLE:
	case MCODE_OFF:
	case MCODES:
		break;
	}
	*state = s->code == MCODE_IDLE && s->alarm <= 0 ? ISTATE_WAITING : ISTATE_STOPPED;
	*alarm = s->alarm > 0 ? s->alarm : 0;
}

/* The usual distance of samples: the mean of those distances that share the median's power of two (no memory, no sorting). */
static int64_t usual_interval(const struct istate_sample *s, size_t n, int64_t at_most)
{
	uint64_t count[64] = {0}, total = 0;
	double sum[64] = {0};
	for (size_t i = 1; i < n; i++) {
		uint64_t d = (uint64_t)s[i].t_ns - (uint64_t)s[i - 1].t_ns;
		if (d == 0)
			continue;
		unsigned k = 63u - (unsigned)__builtin_clzll(d);
		count[k]++;
		sum[k] += (double)d;
		total++;
	}
	uint64_t seen = 0;
	for (unsigned k = 0; k < 64; k++) {
		seen += count[k];
		if (count[k] && 2 * seen >= total) {
			double mean = sum[k] / (double)count[k];
			return mean < (double)at_most ? (int64_t)mean : at_most;
		}
	}
	return at_most < 0 ? 0 : at_most;
}

int istates(struct istate_interval *ret, size_t cap, size_t *ret_n, const struct istate_sample *s, size_t n, const struct istate_rules *r)
{
	struct out o = {.ret = ret, .cap = cap, .r = r};
	for (size_t i = 1; i < n; i++)
		if (s[i].t_ns < s[i - 1].t_ns)
			return MO_EINVAL;
	for (size_t i = 0; i < r->n_planned; i++)
		if (r->planned[i].to_ns < r->planned[i].from_ns || (i && r->planned[i].from_ns < r->planned[i - 1].to_ns))
			return MO_EINVAL;
	int64_t usual = usual_interval(s, n, r->stale_ns);
	piece(&o, r->from_ns, n ? s[0].t_ns : r->to_ns, ISTATE_NO_DATA, 0);
	for (size_t i = 0; i < n; i++) {
		int64_t from = s[i].t_ns, to = i + 1 < n && s[i + 1].t_ns < r->to_ns ? s[i + 1].t_ns : r->to_ns;
		enum istate state;
		int alarm;
		if (from >= to)
			continue; /* another sample at the same time, or past the range */
		says(&s[i], &state, &alarm);
		int64_t held = more_apart(from, to, r->stale_ns) ? later(from, usual) : to;
		piece(&o, from, held, state, alarm);
		piece(&o, held, to, ISTATE_NO_DATA, 0);
	}
	flush(&o);
	*ret_n = o.n;
	return o.n > cap ? MO_ELIMIT : 0;
}

/* ---- stops ---- */
struct stops {
	struct istop *ret;
	size_t cap, n;
};

static void add_stop(struct stops *o, int64_t from, int64_t to, enum stop_kind kind, int alarm)
{
	/* Sorted by begin: a planned stop bridged by a breakdown was told before it. */
	if (o->n < o->cap) {
		size_t i = o->n;
		for (; i > 0 && o->ret[i - 1].from_ns > from; i--)
			o->ret[i] = o->ret[i - 1];
		o->ret[i] = (struct istop){from, to, kind, alarm};
	}
	o->n++;
}

static bool stands(enum istate s)
{
	return s == ISTATE_STOPPED || s == ISTATE_WAITING;
}

/* Whether the stop so far goes on after in[i..] that does not stand: the index of the part that continues it, or 0. */
static size_t continues(const struct istate_interval *in, size_t n, size_t i, bool alarm_before, const struct istop_rules *r)
{
	int64_t ran = 0, unknown = 0;
	bool planned = false;
	for (; i < n; i++) {
		int64_t length = in[i].to_ns - in[i].from_ns;
		if (stands(in[i].state))
			return !planned || (alarm_before && in[i].alarm != 0) ? i : 0;
		if (in[i].state == ISTATE_RUNNING)
			ran += length;
		else if (in[i].state == ISTATE_NO_DATA)
			unknown += length;
		else if (in[i].alarm == ISTATE_SETUP)
			return 0;
		else
			planned = true;
		if ((ran && ran >= r->rejoin_ns) || (unknown && unknown >= r->min_ns))
			return 0;
	}
	return 0;
}

/* Whether what follows the last standing part up to the end leaves the stop open. */
static bool lasts(const struct istate_interval *in, size_t n, size_t i, const struct istop_rules *r)
{
	int64_t ran = 0, unknown = 0;
	for (; i < n; i++) {
		if (in[i].state == ISTATE_RUNNING)
			ran += in[i].to_ns - in[i].from_ns;
		else if (in[i].state == ISTATE_NO_DATA)
			unknown += in[i].to_ns - in[i].from_ns;
		else
			return false;
	}
	return (!ran || ran < r->rejoin_ns) && (!unknown || unknown < r->min_ns);
}

int istops(struct istop *ret, size_t cap, size_t *ret_n, const struct istate_interval *in, size_t n, const struct istop_rules *r)
{
	struct stops o = {.ret = ret, .cap = cap};
	for (size_t i = 1; i < n; i++)
		if (in[i].from_ns < in[i - 1].to_ns)
			return MO_EINVAL;
	for (size_t i = 0; i < n; i++) {
		if (in[i].state == ISTATE_PLANNED)
			add_stop(&o, in[i].from_ns, i + 1 < n ? in[i].to_ns : INT64_MAX,
			        in[i].alarm == ISTATE_SETUP ? STOP_CHANGEOVER : STOP_PLANNED, 0);
		if (!stands(in[i].state))
			continue;
		/* Collect the parts of one stop; planned ones in between are told as well. */
		size_t last = i;
		bool alarmed = false;
		int alarm = 0;
		int64_t bridged = 0;
		for (size_t k = i;;) {
			for (size_t p = last + 1; p < k; p++) {
				if (in[p].state == ISTATE_PLANNED) {
					add_stop(&o, in[p].from_ns, in[p].to_ns, STOP_PLANNED, 0);
					bridged += in[p].to_ns - in[p].from_ns;
				}
			}
			last = k;
			if (in[k].alarm != 0) {
				alarmed = true;
				if (alarm == 0 && in[k].alarm > 0)
					alarm = in[k].alarm;
			}
			k = continues(in, n, k + 1, alarmed, r);
			if (k == 0)
				break;
		}
		int64_t stood = in[last].to_ns - in[i].from_ns - bridged;
		enum stop_kind kind = stood < r->min_ns ? STOP_MICRO : alarmed ? STOP_BREAKDOWN : STOP_WAITING;
		add_stop(&o, in[i].from_ns, lasts(in, n, last + 1, r) ? INT64_MAX : in[last].to_ns, kind, alarm);
		i = last;
	}
	*ret_n = o.n;
	return o.n > cap ? MO_ELIMIT : 0;
}
