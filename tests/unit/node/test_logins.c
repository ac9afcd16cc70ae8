/* Logging in: one after the other on one worker, each try with its own end; a short queue; the brakes. */
#include "cm.h"

#include <stdatomic.h>
#include <stdio.h>

#include "node/logins.h"
#include "rig.h"

/* "secret", salt 0..15, N = 16 (from Python's hashlib.scrypt). */
#define HASH "$scrypt$ln=4,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$FBYrbyejpsRMOOxNjJ4WhxLlIIkIxp/izmMfHJ7w9YU"
#define TRIES 9u /* one under way, eight waiting */
#define TRIES_MAX (LOGINS_PASSES_OF_ACCOUNT + 8)

static const char *helper_program;
static struct rig r;
static struct login tries[TRIES_MAX];
static int results[TRIES_MAX];
static unsigned ended[TRIES_MAX]; /* in which order, from 0 */
static atomic_uint over;
static unsigned n_tries;
static int taken[TRIES_MAX];
static int64_t waits[TRIES_MAX];

static void put_account(void *arg, struct store_reader *reader)
{
	static const struct accounts_actor by = {{(const uint8_t *)"test", 4}, {NULL, 0}};
	struct store_account_put p = {.name = SPAN_LIT("kim"), .hash = SPAN_LIT(HASH)};
	struct store_account_got got;
	(void)arg;
	(void)reader;
	assert_int_equal(accounts_put(node_accounts(r.n), &p, &by, &got, NULL), 0);
}

static void done(struct login *l, int err)
{
	for (size_t i = 0; i < sizeof l->password; i++)
		assert_int_equal(l->password[i], 0);
	results[l - tries] = err;
	ended[l - tries] = atomic_fetch_add(&over, 1);
}

static void prepare(unsigned i, const char *name, const char *password, const char *from)
{
	tries[i] = (struct login){.done = done, .password_n = strlen(password)};
	snprintf(tries[i].name, sizeof tries[i].name, "%s", name);
	snprintf(tries[i].from, sizeof tries[i].from, "%s", from);
	memcpy(tries[i].password, password, strlen(password));
	results[i] = 1;
}

static void submit(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < n_tries; i++)
		taken[i] = logins_submit(node_logins(r.n), &tries[i], &waits[i]);
}

/* Gives the number that were taken; all of them have ended. */
static unsigned run(unsigned n)
{
	unsigned want = 0;
	n_tries = n;
	atomic_store(&over, 0);
	rig_on_loop(&r, submit, NULL);
	for (unsigned i = 0; i < n; i++)
		want += taken[i] == 0;
	for (unsigned i = 0; i < 3000 && atomic_load(&over) < want; i++)
		mono_sleep(10 * NS_PER_MS);
	assert_int_equal(atomic_load(&over), want);
	return want;
}

static int begin(void **state)
{
	(void)state;
	rig_init(&r);
	r.helper = helper_program;
	rig_start(&r);
	if (r.status != 0)
		return 1;
	rig_on_worker(&r, put_account, NULL);
	return 0;
}

static int end(void **state)
{
	(void)state;
	rig_stop(&r);
	rig_free(&r);
	return 0;
}

static void each_gets_its_own_end(void **state)
{
	struct accounts_known k;
	(void)state;
	for (unsigned round = 0; round < 4; round++) {
		for (unsigned i = 0; i < 4; i++)
			prepare(i, "kim", i % 2 ? "wrong" : "secret", "127.0.0.1");
		assert_int_equal(run(4), 4);
		for (unsigned i = 0; i < 4; i++) {
			struct credential c = {.kind = CREDENTIAL_SESSION};
			assert_int_equal(results[i], i % 2 ? MO_EDENIED : 0);
			memcpy(c.secret, tries[i].secret, sizeof c.secret);
			assert_int_equal(accounts_who(node_accounts(r.n), &c, &k), i % 2 ? MO_EDENIED : 0);
			assert_true(i % 2 || strcmp(k.name, "kim") == 0);
		}
		/* A right one at the end forgives. */
		prepare(0, "kim", "secret", "127.0.0.1");
		run(1);
		assert_int_equal(results[0], 0);
	}
}

static void only_a_few_wait(void **state)
{
	char name[16];
	(void)state;
	for (unsigned i = 0; i <= TRIES; i++) {
		snprintf(name, sizeof name, "nobody-%u", i);
		prepare(i, i < 4 ? "kim" : name, i < 4 ? "secret" : "wrong", "10.0.0.1");
	}
	assert_int_equal(run(TRIES + 1), TRIES);
	assert_int_equal(taken[TRIES], MO_EAGAIN);
	assert_true(waits[TRIES] > 0);
	for (unsigned i = 0; i < TRIES; i++)
		assert_int_equal(results[i], i < 4 ? 0 : MO_EDENIED);
}

static void who_fails_waits(void **state)
{
	(void)state;
	for (unsigned i = 0; i < LOGINS_FREE_OF_ACCOUNT + 2; i++)
		prepare(i, "kim", "wrong", "10.0.0.1");
	/* Those under way count: the last is not even tried. */
	assert_int_equal(run(LOGINS_FREE_OF_ACCOUNT + 2), LOGINS_FREE_OF_ACCOUNT + 1);
	assert_int_equal(taken[LOGINS_FREE_OF_ACCOUNT + 1], MO_EAGAIN);
	prepare(0, "kim", "secret", "10.0.0.1");
	prepare(1, "lee", "wrong", "10.0.0.1");
	prepare(2, "kim", "wrong", "10.0.0.2");
	prepare(3, "kim", "secret", "10.0.0.2");
	run(4);
	assert_int_equal(taken[0], MO_EAGAIN);
	assert_int_equal(taken[1], 0);         /* another name is not held up */
	assert_int_equal(taken[2], 0);         /* nor somebody elsewhere, who has one try */
	assert_int_equal(taken[3], MO_EAGAIN);
	prepare(0, "kim", "secret", "10.0.0.3");
	assert_int_equal(run(1), 1);
	assert_int_equal(results[0], 0);
}

/* Whoever did nothing wrong does not stand behind those who do nothing else. */
static void who_has_not_failed_goes_first(void **state)
{
	char name[16];
	(void)state;
	for (unsigned i = 0; i < TRIES; i++) {
		snprintf(name, sizeof name, "nobody-%u", i);
		prepare(i, name, "wrong", "10.0.0.1");
	}
	prepare(TRIES, "kim", "secret", "10.0.0.2");
	assert_int_equal(run(TRIES + 1), TRIES + 1);
	assert_int_equal(results[TRIES], 0);
	assert_int_equal(ended[TRIES], 1); /* behind the one under way */
}

/* Many addresses have one try each at an account that waits, but not for ever. */
static void passes_have_a_bound(void **state)
{
	char from[LOGIN_FROM_MAX];
	unsigned n = LOGINS_FREE_OF_ACCOUNT + 1, all = n + LOGINS_PASSES_OF_ACCOUNT + 1;
	(void)state;
	for (unsigned i = 0; i < n; i++)
		prepare(i, "kim", "wrong", "10.0.0.1");
	for (unsigned i = n; i <= all; i++) {
		snprintf(from, sizeof from, "10.1.%u.%u", i / 256, i % 256);
		prepare(i, "kim", "wrong", from);
	}
	assert_int_equal(run(all + 1), all);
	assert_int_equal(taken[all], MO_EAGAIN);
	assert_int_equal(taken[all - 1], 0);
}

/* What waits when the node ends has an end, too. */
static void the_node_ends(void **state)
{
	(void)state;
	for (unsigned i = 0; i < TRIES; i++)
		prepare(i, "kim", "secret", "10.0.0.1");
	n_tries = 5;
	atomic_store(&over, 0);
	rig_on_loop(&r, submit, NULL);
	rig_stop(&r);
	assert_int_equal(atomic_load(&over), 5);
	for (unsigned i = 0; i < 5; i++)
		assert_true(results[i] == 0 || results[i] == MO_ECANCELED);
	rig_free(&r);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(each_gets_its_own_end, begin, end), cmocka_unit_test_setup_teardown(only_a_few_wait, begin, end),
		cmocka_unit_test_setup_teardown(who_fails_waits, begin, end),
		cmocka_unit_test_setup_teardown(who_has_not_failed_goes_first, begin, end), cmocka_unit_test_setup_teardown(passes_have_a_bound, begin, end), cmocka_unit_test_setup(the_node_ends, begin)};
	helper_program = argc > 1 ? argv[1] : NULL;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
