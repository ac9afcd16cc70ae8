#include "node/offset.h"

static void add_sample(struct offset *o, int64_t sample_ns)
{
	o->samples[o->at] = sample_ns;
	o->at = (o->at + 1) % OFFSET_SAMPLES;
	if (o->n < OFFSET_SAMPLES)
		o->n++;
	if (o->n < OFFSET_SAMPLES)
		return;
	int64_t least = o->samples[0], most = o->samples[0];
	for (unsigned i = 1; i < OFFSET_SAMPLES; i++) {
		least = o->samples[i] < least ? o->samples[i] : least;
		most = o->samples[i] > most ? o->samples[i] : most;
	}
	int64_t spread;
	if (!__builtin_sub_overflow(most, least, &spread) && spread <= OFFSET_SPREAD_NS) {
		o->known = true;
		o->estimate_ns = most;
	}
}

bool offset_seen(struct offset *o, int64_t t_ns, int64_t arrival_ns)
{
	int64_t now_ns, beyond;
	if (__builtin_sub_overflow(t_ns, arrival_ns, &now_ns))
		return true; /* centuries away */
	bool far = o->known && !__builtin_sub_overflow(now_ns, o->estimate_ns, &beyond) && beyond > OFFSET_BEYOND_NS;
	int64_t age_ns = o->sampling ? arrival_ns - o->sample_begin_ns : 0;
	if (!o->sampling || age_ns < 0 || age_ns >= OFFSET_SAMPLE_NS) {
		if (o->sampling)
			add_sample(o, o->sample_ns);
		if (age_ns < 0 || age_ns > OFFSET_APART_NS)
			o->n = 0;
		o->sampling = true;
		o->sample_begin_ns = arrival_ns;
		o->sample_ns = now_ns;
	} else if (now_ns > o->sample_ns) {
		o->sample_ns = now_ns;
	}
	return far;
}
