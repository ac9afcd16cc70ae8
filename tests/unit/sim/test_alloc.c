/* Every allocation of a plan and of what is made from it fails once. */
#include "cm.h"

#include "faultalloc.h"
#include "sim/csv_papers.h"
#include "sim/lineproto.h"
#include "sim/records.h"
#include "sim/registers.h"
#include "sim/truth.h"

#define HOUR (3600 * NS_PER_S)
#define EVERY 7 /* a plan takes milliseconds: every seventh, and each of the first hundred */

static void plans(void **state)
{
	(void)state;
	struct plan_opts o = {.seed = 5, .life_h = 1};
	struct plan *p = NULL;
	faultalloc_arm(0);
	assert_int_equal(plan_new(&p, &o), 0);
	uint64_t n = faultalloc_count();
	assert_true(n > 100);
	plan_free(p);
	for (uint64_t i = 1; i <= n; i += i < 100 ? 1 : EVERY) {
		p = NULL;
		faultalloc_arm(i);
		int err = plan_new(&p, &o);
		faultalloc_arm(0);
		assert_int_equal(err, MO_ENOMEM);
		assert_null(p);
	}
}

static int everything(const struct plan *p)
{
	struct paper paper[PAPERS_MAX];
	struct buf b;
	size_t n = 0;
	int err = papers_due(paper, &n, p, -26 * HOUR, -25 * HOUR, -168 * HOUR, 0);
	for (size_t i = 0; i < n; i++)
		buf_free(&paper[i].content);
	buf_init(&b, 0);
	truth_write(&b, p, 0, 168 * HOUR);
	for (size_t i = 0; i < 50; i++)
		records_line(&b, p, &p->recs[i], 0);
	(void)records_assets(&b, FIRM_MCH);
	registers_config(&b, p, 0, 1);
	push_config(&b, p, plan_machine_index("MCH-06"));
	(void)lineproto_machine(&b, p, plan_machine_index("MCH-06"), -22 * HOUR, -21 * HOUR, 0, 0, NULL, NULL);
	err = err ? err : b.err;
	buf_free(&b);
	return err;
}

static void texts(void **state)
{
	(void)state;
	struct plan_opts o = {.seed = 5, .life_h = 1};
	struct plan *p = NULL;
	assert_int_equal(plan_new(&p, &o), 0);
	faultalloc_arm(0);
	assert_int_equal(everything(p), 0);
	uint64_t n = faultalloc_count();
	assert_true(n > 5);
	for (uint64_t i = 1; i <= n; i++) {
		faultalloc_arm(i);
		int err = everything(p);
		int fired = faultalloc_fired();
		faultalloc_arm(0);
		assert_true(fired);
		assert_int_equal(err, MO_ENOMEM);
	}
	plan_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(plans), cmocka_unit_test(texts)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
