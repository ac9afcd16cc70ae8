/* What each answer of a receiver means: the table of docs/outbox.md. */
#include "cm.h"

#include "base/err.h"
#include "node/outbox_rule.h"

#define SEC NS_PER_S

static const struct {
	const char *what;
	struct outbox_outcome o;
	enum outbox_verdict v;
	int64_t lo, hi; /* of the delay */
} rows[] = {
	{"200", {.status = 200, .n = 7}, OUTBOX_ARRIVED, 0, 0},
	{"299 after troubles", {.status = 299, .n = 1, .tries = 9, .refusals = 2, .retry_after_s = 5}, OUTBOX_ARRIVED, 0, 0},
	{"199", {.status = 199, .n = 1}, OUTBOX_LATER, 0, 2 * SEC},
	{"300", {.status = 300, .n = 1}, OUTBOX_LATER, 0, 2 * SEC},
	{"400 of many", {.status = 400, .n = 2}, OUTBOX_SPLIT, 0, 0},
	{"422 of one", {.status = 422, .n = 1}, OUTBOX_ALONE, 3 * SEC / 4, 5 * SEC / 4},
	{"422 of one again", {.status = 422, .n = 1, .refusals = 1}, OUTBOX_ALONE, 3 * SEC / 2, 5 * SEC / 2},
	{"422 of one a third time", {.status = 422, .n = 1, .refusals = 2}, OUTBOX_ASIDE, 0, 0},
	{"409", {.status = 409, .n = 1, .refusals = 2}, OUTBOX_ASIDE, 0, 0},
	{"413 of many", {.status = 413, .n = 100, .refusals = 2}, OUTBOX_SPLIT, 0, 0},
	{"415", {.status = 415, .n = 1, .refusals = 2}, OUTBOX_ASIDE, 0, 0},
	/* about the sink, not about the message: never set aside, however often */
	{"401", {.status = 401, .n = 1, .refusals = 9, .tries = 1}, OUTBOX_LATER, 3 * SEC / 2, 5 * SEC / 2},
	{"403", {.status = 403, .n = 1, .refusals = 9}, OUTBOX_LATER, 0, 2 * SEC},
	{"404", {.status = 404, .n = 1, .refusals = 9}, OUTBOX_LATER, 0, 2 * SEC},
	{"408", {.status = 408, .n = 1, .refusals = 9}, OUTBOX_LATER, 0, 2 * SEC},
	{"410", {.status = 410, .n = 1, .refusals = 9}, OUTBOX_LATER, 0, 2 * SEC},
	{"429", {.status = 429, .n = 5, .retry_after_s = 30}, OUTBOX_LATER, 30 * SEC, 30 * SEC},
	{"429, a shorter wait than ours", {.status = 429, .n = 5, .tries = 8, .retry_after_s = 1}, OUTBOX_LATER, 192 * SEC, 320 * SEC},
	{"503, an absurd wait", {.status = 503, .n = 5, .retry_after_s = INT64_MAX}, OUTBOX_LATER, 3600 * SEC, 3600 * SEC},
	{"500", {.status = 500, .n = 5, .tries = 3}, OUTBOX_LATER, 6 * SEC, 10 * SEC},
	{"the cap", {.status = 500, .n = 5, .tries = 4000000000u}, OUTBOX_LATER, 225 * SEC, 375 * SEC},
	{"no answer", {.err = MO_ETIMEOUT, .n = 1, .refusals = 9}, OUTBOX_LATER, 0, 2 * SEC},
	{"half an answer of 200", {.err = MO_EIO, .status = 200, .n = 1}, OUTBOX_LATER, 0, 2 * SEC},
	{"half an answer of 422", {.err = MO_EIO, .status = 422, .n = 1, .refusals = 9}, OUTBOX_LATER, 0, 2 * SEC},
	{"no answer, and a wait of before", {.err = MO_EIO, .n = 1, .retry_after_s = 100}, OUTBOX_LATER, 0, 2 * SEC},
	{"broken off", {.err = MO_ECANCELED, .status = 200, .n = 1}, OUTBOX_BROKEN_OFF, 0, 0},
};

static void test_table(void **state)
{
	static const uint32_t noises[] = {0, 1, 500, 1000, 1001, UINT32_MAX};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (size_t k = 0; k < sizeof noises / sizeof *noises; k++) {
			struct outbox_outcome o = rows[i].o;
			int64_t delay = -1;
			o.noise = noises[k];
			if (outbox_judge(&o, &delay) != rows[i].v || delay < rows[i].lo || delay > rows[i].hi)
				fail_msg("%s: delay %lld", rows[i].what, (long long)delay);
		}
}

/* Senders that failed together do not come again together. */
static void test_jitter(void **state)
{
	int64_t lo, hi;
	(void)state;
	struct outbox_outcome o = {.status = 500, .n = 1, .tries = 3, .noise = 0};
	(void)outbox_judge(&o, &lo);
	o.noise = 1000;
	(void)outbox_judge(&o, &hi);
	assert_int_equal(lo, 6 * SEC);
	assert_int_equal(hi, 10 * SEC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_table), cmocka_unit_test(test_jitter)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
