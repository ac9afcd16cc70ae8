/* Every kind of principal against every mask: the whole truth table. */
#include "cm.h"

#include "share/rules.h"

static const enum principal_kind kinds[] = {PRINCIPAL_PUBLIC, PRINCIPAL_LOCAL, PRINCIPAL_OWN, PRINCIPAL_SINK, PRINCIPAL_PARTNER};
static const char *const names[] = {"public", "local", "own", "sink", "partner"};

static struct ruling ask(unsigned kind, permission_set may, unsigned mask, enum permission permission, const char *agreement)
{
	struct principal p = {.kind = (enum principal_kind)kind, .name = span_str("someone"), .may = may};
	struct resource r = {.principals = mask, .permission = permission, .operation = "test", .agreement = span_str(agreement)};
	return rules_decide(&p, &r);
}

/* With every right there is, for what is open. */
static struct ruling decide(unsigned kind, unsigned mask, const char *agreement) { return ask(kind, ~0u, mask, PERMISSION_OPEN, agreement); }

static void test_table(void **state)
{
	(void)state;
	unsigned allowed = 0;
	for (size_t k = 0; k < 5; k++)
		for (unsigned mask = 0; mask < 32; mask++)
			for (unsigned agreement = 0; agreement < 2; agreement++) {
				struct ruling g = decide(kinds[k], mask, agreement ? "urn:uuid:0" : "");
				/* Position k in the enumeration is bit k of the mask. */
				bool admitted = mask >> k & 1;
				if (k == 4) {
					assert_int_equal(g.decision, DECISION_DENY);
					assert_string_equal(g.reason, admitted ? "no_agreement" : "not_admitted");
				} else {
					assert_int_equal(g.decision, admitted ? DECISION_ALLOW : DECISION_DENY);
					assert_string_equal(g.reason, admitted ? "route" : "not_admitted");
				}
				allowed += g.decision == DECISION_ALLOW;
			}
	assert_int_equal(allowed, 4 * 16 * 2);
}

/* An own account or token gets what its rights hold, and nothing by a resource that names no permission, or one that nobody knows. */
static void test_rights(void **state)
{
	(void)state;
	for (unsigned needs = 0; needs < 40; needs++)
		for (unsigned held = 1; held < PERMISSIONS; held++) {
			struct ruling g = ask(PRINCIPAL_OWN, permission_bit((enum permission)held), PRINCIPAL_OWN, (enum permission)needs, "");
			assert_int_equal(g.decision, needs == held ? DECISION_ALLOW : DECISION_DENY);
			assert_string_equal(g.reason, needs == held ? "route" : needs && needs < PERMISSIONS ? "not_permitted" : "not_admitted");
			/* Rights open no route that is not for accounts. */
			assert_int_equal(ask(PRINCIPAL_OWN, ~0u, ~0u & ~(unsigned)PRINCIPAL_OWN, (enum permission)needs, "").decision, DECISION_DENY);
		}
	for (size_t k = 0; k < 5; k++) {
		assert_int_equal(ask(kinds[k], ~0u, ~0u, PERMISSION_NONE, "").decision, DECISION_DENY);
		assert_int_equal(ask(kinds[k], ~0u, ~0u, PERMISSIONS, "").decision, DECISION_DENY);
	}
}

/* Nobody in particular gets what is open, also by a row that names the public at something else. */
static void test_public(void **state)
{
	(void)state;
	for (unsigned needs = 0; needs < PERMISSIONS; needs++)
		assert_int_equal(ask(PRINCIPAL_PUBLIC, ~0u, ~0u, (enum permission)needs, "").decision, needs == PERMISSION_OPEN ? DECISION_ALLOW : DECISION_DENY);
}

/* What is no kind, or several at once, is nobody, whatever the route admits. */
static void test_strange_kinds(void **state)
{
	(void)state;
	for (unsigned kind = 0; kind < 1024; kind++) {
		if (kind == 1 || kind == 2 || kind == 4 || kind == 8)
			continue;
		struct ruling g = decide(kind, ~0u, "x");
		assert_int_equal(g.decision, DECISION_DENY);
		assert_string_equal(g.reason, kind == PRINCIPAL_PARTNER ? "no_agreement" : "not_admitted");
	}
}

/* Bits of a mask that mean nothing admit nobody. */
static void test_strange_masks(void **state)
{
	(void)state;
	for (size_t k = 0; k < 5; k++)
		for (unsigned bit = 5; bit < 32; bit++)
			assert_int_equal(decide(kinds[k], 1u << bit, "").decision, DECISION_DENY);
}

static void test_nothing(void **state)
{
	(void)state;
	struct principal p = {.kind = PRINCIPAL_OWN, .may = ~0u};
	struct resource r = {.principals = ~0u, .permission = PERMISSION_OPEN};
	assert_int_equal(rules_decide(NULL, &r).decision, DECISION_DENY);
	assert_int_equal(rules_decide(&p, NULL).decision, DECISION_DENY);
	assert_string_equal(rules_decide(NULL, NULL).reason, "not_admitted");
	/* The decision that nobody made. */
	struct ruling none = {0};
	assert_int_equal(none.decision, DECISION_DENY);
}

static void test_names(void **state)
{
	(void)state;
	for (size_t k = 0; k < 5; k++)
		assert_string_equal(principal_kind_name(kinds[k]), names[k]);
	assert_string_equal(principal_kind_name((enum principal_kind)0), "?");
	assert_string_equal(principal_kind_name((enum principal_kind)3), "?");
	assert_string_equal(principal_kind_name((enum principal_kind)32), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_table), cmocka_unit_test(test_rights), cmocka_unit_test(test_public), cmocka_unit_test(test_strange_kinds),
	        cmocka_unit_test(test_strange_masks), cmocka_unit_test(test_nothing), cmocka_unit_test(test_names)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
