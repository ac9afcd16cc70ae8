/* Feeds one sheet and says what was found. */
#ifndef MO_TESTS_JUDGE_H
#define MO_TESTS_JUDGE_H
#include "families.h"
#define JUDGE_MAX 64u
struct judged {
	struct level_finding f[JUDGE_MAX]; /* as last told */
	uint64_t raised_at[JUDGE_MAX];     /* index of the sample at which it was first told */
	bool ended[JUDGE_MAX];
	size_t n;
};
void judge(const struct sheet *s, double scale, struct judged *ret);
#endif
