#include "judge.h"
void judge(const struct sheet *s, double scale, struct judged *ret)
{
	struct level_store st;
	struct level_finding f;
	level_init(&st);
	ret->n = 0;
	for (size_t i = 0; i < s->n; i++) {
		struct level_sample x = s->x[i];
		x.value *= scale;
		enum level_verdict v = level_feed(&st, &x, &f);
		if (v == LEVEL_NOTHING || ret->n > JUDGE_MAX || (v == LEVEL_SHIFTED && ret->n == JUDGE_MAX))
			continue;
		if (v == LEVEL_SHIFTED) {
			ret->raised_at[ret->n] = i;
			ret->ended[ret->n++] = false;
		}
		ret->f[ret->n - 1] = f;
		if (v == LEVEL_ENDED)
			ret->ended[ret->n - 1] = true;
	}
}
