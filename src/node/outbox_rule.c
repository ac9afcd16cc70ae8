#include "node/outbox_rule.h"

#include "base/err.h"

bool outbox_definite(int status) { return status == 400 || status == 409 || status == 413 || status == 415 || status == 422; }

static int64_t backoff(unsigned tries, uint32_t noise)
{
	int64_t t = OUTBOX_BACKOFF_NS;
	for (; tries > 0 && t < OUTBOX_BACKOFF_MAX_NS; tries--)
		t *= 2;
	if (t > OUTBOX_BACKOFF_MAX_NS)
		t = OUTBOX_BACKOFF_MAX_NS;
	return t / 4 * 3 + (int64_t)((uint64_t)(t / 2) / 1000 * (noise % 1001));
}

enum outbox_verdict outbox_judge(const struct outbox_outcome *o, int64_t *ret_delay_ns)
{
	*ret_delay_ns = 0;
	if (o->err == MO_ECANCELED)
		return OUTBOX_BROKEN_OFF;
	if (o->err == 0 && o->status >= 200 && o->status < 300)
		return OUTBOX_ARRIVED;
	if (o->err == 0 && outbox_definite(o->status)) {
		if (o->n > 1)
			return OUTBOX_SPLIT;
		if (o->refusals + 1 >= OUTBOX_REFUSALS)
			return OUTBOX_ASIDE;
		*ret_delay_ns = backoff(o->refusals, o->noise);
		return OUTBOX_ALONE;
	}
	*ret_delay_ns = backoff(o->tries, o->noise);
	if (o->err == 0 && o->retry_after_s > 0) {
		int64_t asked = o->retry_after_s > OUTBOX_RETRY_AFTER_MAX_NS / NS_PER_S ? OUTBOX_RETRY_AFTER_MAX_NS : o->retry_after_s * NS_PER_S;
		if (asked > *ret_delay_ns)
			*ret_delay_ns = asked;
	}
	return OUTBOX_LATER;
}
