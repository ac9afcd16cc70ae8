#include "node/limiter.h"

#include <stddef.h>

static struct limiter_slot *find(struct limiter *l, uint64_t key)
{
	for (size_t i = 0; i < LIMITER_SLOTS; i++)
		if (l->slots[i].failures && l->slots[i].key == key)
			return &l->slots[i];
	return NULL;
}

static struct limiter_slot *room(struct limiter *l, int64_t now_ns)
{
	struct limiter_slot *least = &l->slots[0];
	for (size_t i = 0; i < LIMITER_SLOTS; i++) {
		struct limiter_slot *s = &l->slots[i];
		if (s->failures == 0 || now_ns - s->last_ns >= LIMITER_FORGET_NS)
			return s;
		if (s->failures < least->failures || (s->failures == least->failures && s->last_ns < least->last_ns))
			least = s;
	}
	return least;
}

int64_t limiter_wait(const struct limiter *l, uint64_t key, int64_t now_ns)
{
	for (size_t i = 0; i < LIMITER_SLOTS; i++) {
		const struct limiter_slot *s = &l->slots[i];
		if (s->failures && s->key == key)
			return s->until_ns > now_ns ? s->until_ns - now_ns : 0;
	}
	return 0;
}

uint32_t limiter_failures(const struct limiter *l, uint64_t key, int64_t now_ns)
{
	for (size_t i = 0; i < LIMITER_SLOTS; i++) {
		const struct limiter_slot *s = &l->slots[i];
		if (s->failures && s->key == key)
			return now_ns - s->last_ns < LIMITER_FORGET_NS ? s->failures : 0;
	}
	return 0;
}

void limiter_try(struct limiter *l, uint64_t key, uint32_t free_tries, int64_t now_ns)
{
	struct limiter_slot *s = find(l, key);
	if (!s) {
		s = room(l, now_ns);
		*s = (struct limiter_slot){.key = key};
	} else if (now_ns - s->last_ns >= LIMITER_FORGET_NS) {
		*s = (struct limiter_slot){.key = key};
	}
	if (s->failures < UINT32_MAX)
		s->failures++;
	s->last_ns = now_ns;
	int64_t wait = 0;
	if (s->failures > free_tries) {
		wait = LIMITER_FIRST_NS;
		for (uint32_t i = free_tries + 1; i < s->failures && wait < LIMITER_LONGEST_NS; i++)
			wait *= 2;
		if (wait > LIMITER_LONGEST_NS)
			wait = LIMITER_LONGEST_NS;
	}
	s->until_ns = now_ns + wait;
}

void limiter_ok(struct limiter *l, uint64_t key)
{
	struct limiter_slot *s = find(l, key);
	if (s)
		*s = (struct limiter_slot){0};
}

void limiter_undo(struct limiter *l, uint64_t key)
{
	struct limiter_slot *s = find(l, key);
	if (s && --s->failures == 0)
		*s = (struct limiter_slot){0};
}
