/* Every allocation of the node's side fails once: an error, no leak, and the
 * next call works. A program of its own: the counting is not for threads. */
#include "cm.h"

#include "faultalloc.h"
#include "node/helper.h"

#define ENOUGH (20 * INT64_C(1000000000))
/* "secret", salt 0..15, N = 16: a hash that costs nothing (from Python's hashlib.scrypt). */
#define CHEAP SPAN_LIT("$scrypt$ln=4,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$FBYrbyejpsRMOOxNjJ4WhxLlIIkIxp/izmMfHJ7w9YU")

static const char *program;

static void test_sweep(void **state)
{
	(void)state;
	uint64_t nth = 0;
	int fired;
	do {
		struct helper *h = NULL;
		struct diag d = {0};
		bool same = false;
		faultalloc_arm(++nth);
		int err = helper_new(&h, program);
		if (!err)
			err = helper_verify(h, &same, CHEAP, SPAN_LIT("secret"), ENOUGH, &d);
		fired = faultalloc_fired();
		faultalloc_arm(0);
		assert_int_equal(err, fired ? MO_ENOMEM : 0);
		assert_int_equal(same, !fired);
		if (h) {
			assert_int_equal(d.err, err);
			assert_int_equal(helper_verify(h, &same, CHEAP, SPAN_LIT("secret"), ENOUGH, &d), 0);
			assert_true(same);
		}
		helper_free(h);
	} while (fired);
	assert_true(nth > 3);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_sweep)};
	if (argc != 2) {
		print_error("usage: %s MORU-HELPER\n", argv[0]);
		return 2;
	}
	program = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
