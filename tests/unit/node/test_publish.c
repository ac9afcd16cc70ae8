/* Nothing leaves by itself but through the gate, and only to whom a publisher's row is for: each row is tried as every other principal, a partner
 * above all. The way out behind it is made up here: what would have left is counted. */
#include "cm.h"

#include "node/gate_publish.h"

static unsigned left;

int outgoing_send(struct outgoing *o, struct outgoing_request *r)
{
	(void)o;
	(void)r;
	left++;
	return 0;
}

static int publish(enum principal_kind kind, const char *agreement, publisher_set what)
{
	const struct gate_addressee to = {.kind = kind, .name = SPAN_LIT("other"), .agreement = span_str(agreement)};
	struct outgoing_request r = {.url = "https://example.com/"};
	return gate_publish(NULL, &to, what, &r);
}

static void test_each_row_as_everybody(void **state)
{
	static const enum principal_kind kinds[] = {PRINCIPAL_PUBLIC, PRINCIPAL_LOCAL, PRINCIPAL_OWN, PRINCIPAL_PARTNER, (enum principal_kind)0,
		(enum principal_kind)(PRINCIPAL_SINK | PRINCIPAL_PARTNER)};
	(void)state;
	left = 0;
	for (unsigned i = 0; i < PUBLISHERS; i++) {
		for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
			assert_int_equal(publish(kinds[k], "", publisher_bit((enum publisher)i)), MO_EDENIED);
			assert_int_equal(publish(kinds[k], "agreement-1", publisher_bit((enum publisher)i)), MO_EDENIED);
		}
		assert_int_equal(left, i);
		assert_int_equal(publish(PRINCIPAL_SINK, "", publisher_bit((enum publisher)i)), 0);
	}
	assert_int_equal(left, PUBLISHERS);
}

static void test_all_or_nothing(void **state)
{
	(void)state;
	left = 0;
	assert_int_equal(publish(PRINCIPAL_SINK, "", 0), MO_EDENIED);
	assert_int_equal(publish(PRINCIPAL_SINK, "", (publisher_set)1 << PUBLISHERS), MO_EDENIED);
	assert_int_equal(publish(PRINCIPAL_SINK, "", PUBLISHER_TOPICS | (publisher_set)1 << 31), MO_EDENIED);
	assert_int_equal(publish(PRINCIPAL_PARTNER, "a", PUBLISHER_TOPICS), MO_EDENIED);
	assert_int_equal(left, 0);
	assert_int_equal(publish(PRINCIPAL_SINK, "", PUBLISHER_TOPICS), 0);
	assert_int_equal(left, 1);
}

/* The rows themselves: none is for a partner yet, none for nobody, and names are those of the contract. */
static void test_rows(void **state)
{
	static const char *const names[PUBLISHERS] = {"assets", "signals", "lots", "links", "operations", "events", "characteristics", "states", "cases", "changes",
		"gap", "test"};
	(void)state;
	for (unsigned i = 0; i < PUBLISHERS; i++) {
		const struct publisher_row *row = publisher_row((enum publisher)i);
		assert_string_equal(row->name, names[i]);
		assert_int_equal(row->principals, PRINCIPAL_SINK);
		assert_true(permission_bit(row->permission) != 0);
		assert_int_equal(row->noun != NULL, i < PUBLISHER_CHANGES);
	}
	assert_null(publisher_row(PUBLISHERS));
	assert_int_equal(PUBLISHER_TOPICS, (1u << PUBLISHER_GAP) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_row_as_everybody), cmocka_unit_test(test_all_or_nothing), cmocka_unit_test(test_rows)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
