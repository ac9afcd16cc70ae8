/* Missing and late data. A source is silent when nothing arrives for
 * max(5 usual distances, 120 s). After a silence, or at any time, a batch is
 * late when its oldest value lies that much before the newest one known
 * (blocks sent again, newest first), or when even its newest lies that much
 * behind its arrival (a backlog sent oldest first). What came late reaches up
 * to the moment when the source spoke again, at most: a batch may hold live
 * values beside late ones. */
#include "insight/arrival.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#define LEARN_MIN 4u        /* arrivals before silence can be judged */
#define LEARN_OVER 32.0     /* arrivals over which "usual" is averaged */
#define BLOCK_USUAL 2.0     /* a first batch after a silence reaching further back than this holds late values... */
#define BLOCK_LEAST_NS 60e9 /* ... and than this */
#define CLIP 4.0            /* one distance counts at most as so many usual ones */

static int64_t apart(int64_t from, int64_t to)
{
	int64_t d;
	if (__builtin_sub_overflow(to, from, &d))
		return to > from ? INT64_MAX : INT64_MIN;
	return d;
}

void arrival_init(struct arrival_state *s)
{
	memset(s, 0, sizeof *s);
	s->newest_t_ns = s->last_arrival_ns = s->back_ns = INT64_MIN;
	s->gap_from_ns = s->gap_to_ns = s->late_first_ns = s->late_last_ns = INT64_MIN;
	s->phase = ARRIVAL_IS_LIVE;
}

static double limit(const struct arrival_state *s)
{
	double l = ARRIVAL_USUAL * s->usual_ns;
	return l > (double)ARRIVAL_LEAST_NS ? l : (double)ARRIVAL_LEAST_NS;
}

static void tell(const struct arrival_state *s, int64_t to_ns, struct arrival_finding *ret)
{
	*ret = (struct arrival_finding){s->gap_from_ns, to_ns, s->late_first_ns, s->late_last_ns, s->late_n};
}

static void forget(struct arrival_state *s)
{
	s->phase = ARRIVAL_IS_LIVE;
	s->gap_from_ns = s->gap_to_ns = s->late_first_ns = s->late_last_ns = s->back_ns = INT64_MIN;
	s->late_n = 0;
}

/* What waiting for late values ends with, once none came for a while. */
static enum arrival_verdict settle(struct arrival_state *s, int64_t now_ns, struct arrival_finding *ret)
{
	int64_t since = s->phase == ARRIVAL_IS_LATE ? s->late_last_ns : s->back_ns;
	if ((s->phase != ARRIVAL_IS_LATE && s->phase != ARRIVAL_IS_BACK) || apart(since, now_ns) < ARRIVAL_QUIET_NS)
		return ARRIVAL_NOTHING;
	enum arrival_verdict v = s->phase == ARRIVAL_IS_LATE ? ARRIVAL_COMPLETE : ARRIVAL_RESUMED;
	tell(s, s->gap_to_ns, ret);
	forget(s);
	return v;
}

static void learn(struct arrival_state *s, int64_t t_to_ns, int64_t arrival_ns, bool late)
{
	if (late)
		return;
	double delay = (double)apart(t_to_ns, arrival_ns);
	if (s->n == 1) {
		s->delay_ns = delay;
		return;
	}
	double gain = 1.0 / fmin((double)s->n, LEARN_OVER), most = limit(s);
	s->delay_ns += gain * fmin(fmax(delay - s->delay_ns, -most), most);
	double d = (double)apart(s->last_arrival_ns, arrival_ns);
	if (d > 0)
		s->usual_ns = s->usual_ns > 0 ? s->usual_ns + gain * (fmin(d, CLIP * s->usual_ns) - s->usual_ns) : d;
}

/* Whether the first batch after the silence (gap_to_ns: its oldest) reached further back than live values do. */
static bool first_held_some(const struct arrival_state *s)
{
	return (double)apart(s->gap_to_ns, s->back_ns) - s->delay_ns > fmax(BLOCK_USUAL * s->usual_ns, BLOCK_LEAST_NS);
}

enum arrival_verdict arrival_feed(
        struct arrival_state *s, int64_t t_from_ns, int64_t t_to_ns, uint64_t n, int64_t arrival_ns, struct arrival_finding *ret)
{
	enum arrival_verdict v = ARRIVAL_NOTHING;
	double lim = limit(s);
	bool known = s->n > 0, silent = s->phase == ARRIVAL_IS_MISSING;
	bool behind = known && (double)apart(t_from_ns, s->newest_t_ns) > lim;
	bool old = s->n >= LEARN_MIN && (double)apart(t_to_ns, arrival_ns) - s->delay_ns > lim;
	bool late = behind || old;
	s->n++;
	if (!silent)
		learn(s, t_to_ns, arrival_ns, late);
	if (silent) {
		s->phase = ARRIVAL_IS_BACK;
		s->back_ns = arrival_ns;
		s->gap_to_ns = t_from_ns;
	}
	/* The source time of "now" at the source, for what is late among values that may be live. */
	int64_t live_from = s->back_ns == INT64_MIN ? s->newest_t_ns : s->back_ns;
	if (late) {
		if (s->phase != ARRIVAL_IS_LATE) {
			/* The first batch after a silence may have been the newest block of a backlog: it belongs to what came late. */
			bool after_silence = s->phase == ARRIVAL_IS_BACK;
			s->phase = ARRIVAL_IS_LATE;
			s->gap_from_ns = t_from_ns;
			s->late_first_ns = after_silence ? s->back_ns : arrival_ns;
			s->gap_to_ns = after_silence && !silent && first_held_some(s) ? s->back_ns : INT64_MIN;
			v = ARRIVAL_LATE;
		}
		if (t_from_ns < s->gap_from_ns)
			s->gap_from_ns = t_from_ns;
		int64_t to = old || t_to_ns < live_from ? t_to_ns : live_from; /* an old one holds nothing live */
		if (to > s->gap_to_ns)
			s->gap_to_ns = to;
		s->late_last_ns = arrival_ns;
		s->late_n += n;
	} else if (s->phase == ARRIVAL_IS_LATE && t_from_ns < s->back_ns && s->gap_to_ns < s->back_ns) {
		/* The end of a backlog sent oldest first, together with live values. */
		s->gap_to_ns = t_to_ns < s->back_ns ? t_to_ns : s->back_ns;
		s->late_n += n;
		s->late_last_ns = arrival_ns;
	}
	if (!known || t_to_ns > s->newest_t_ns)
		s->newest_t_ns = t_to_ns;
	if (!known || arrival_ns > s->last_arrival_ns)
		s->last_arrival_ns = arrival_ns;
	if (v == ARRIVAL_LATE) {
		tell(s, s->gap_to_ns, ret);
		return v;
	}
	return settle(s, arrival_ns, ret);
}

enum arrival_verdict arrival_tick(struct arrival_state *s, int64_t now_ns, struct arrival_finding *ret)
{
	enum arrival_verdict v = settle(s, now_ns, ret);
	if (v != ARRIVAL_NOTHING)
		return v;
	if (s->phase != ARRIVAL_IS_LIVE || s->n < LEARN_MIN || (double)apart(s->last_arrival_ns, now_ns) <= limit(s))
		return ARRIVAL_NOTHING;
	s->phase = ARRIVAL_IS_MISSING;
	s->gap_from_ns = s->newest_t_ns;
	s->late_first_ns = s->late_last_ns = INT64_MIN;
	s->late_n = 0;
	tell(s, now_ns, ret);
	return ARRIVAL_MISSING;
}
