/* Roles and permissions: the table once more, written as the rule says it, so that a slip in either shows. */
#include "cm.h"

#include "share/roles.h"

static const struct {
	enum permission p;
	const char *name, *roles; /* o owner, p production, q quality, w operator, r read-only, v vendor */
	bool tokens;
} rows[] = {
	{PERMISSION_OPEN, "open", "opqwrv", false},
	{PERMISSION_SELF, "self", "opqwrv", false},
	{PERMISSION_MACHINES, "machines", "opqwrv", true},
	{PERMISSION_READ, "read", "opqwr", true},
	{PERMISSION_AUDIT, "audit", "opq", false},
	{PERMISSION_PEOPLE, "people", "op", false},
	{PERMISSION_CASES, "cases", "opqw", true},
	{PERMISSION_RECORDS, "records", "opqw", true},
	{PERMISSION_IMPORT, "import", "op", true},
	{PERMISSION_DEVICES, "devices", "op", false},
	{PERMISSION_WRITE, "write", "op", true},
	{PERMISSION_SQL, "sql", "opq", true},
	{PERMISSION_METRICS, "metrics", "opv", true},
	{PERMISSION_EXPORT, "export", "opq", true},
	{PERMISSION_BACKUP, "backup", "o", true},
	{PERMISSION_SETTINGS, "settings", "o", false},
	{PERMISSION_ERASE, "erase", "o", false},
	{PERMISSION_ACCOUNTS, "accounts", "o", false},
	{PERMISSION_SINKS, "sinks", "o", false},
	{PERMISSION_TRUST, "trust", "o", false},
};
static const struct {
	enum role role;
	const char *name;
	char letter;
} roles[] = {{ROLE_OWNER, "owner", 'o'}, {ROLE_PRODUCTION, "production", 'p'}, {ROLE_QUALITY, "quality", 'q'}, {ROLE_OPERATOR, "operator", 'w'},
	{ROLE_READ_ONLY, "read_only", 'r'}, {ROLE_VENDOR, "vendor", 'v'}};

static void test_table(void **state)
{
	(void)state;
	assert_int_equal(sizeof rows / sizeof *rows, PERMISSIONS - 1);
	assert_int_equal(sizeof roles / sizeof *roles, ROLES - 1);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		for (size_t k = 0; k < sizeof roles / sizeof *roles; k++)
			if (role_may(roles[k].role, rows[i].p) != (strchr(rows[i].roles, roles[k].letter) != NULL))
				fail_msg("%s, %s", rows[i].name, roles[k].name);
		assert_int_equal(permission_for_tokens(rows[i].p), rows[i].tokens);
	}
}

static void test_names(void **state)
{
	enum permission p;
	enum role r;
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_string_equal(permission_name(rows[i].p), rows[i].name);
		assert_int_equal(permission_parse(&p, span_str(rows[i].name)), 0);
		assert_int_equal(p, rows[i].p);
	}
	for (size_t k = 0; k < sizeof roles / sizeof *roles; k++) {
		assert_string_equal(role_name(roles[k].role), roles[k].name);
		assert_int_equal(role_parse(&r, span_str(roles[k].name)), 0);
		assert_int_equal(r, roles[k].role);
	}
	static const char *const none[] = {"", "?", "Owner", "owner ", "root", "own", "reads"};
	for (size_t i = 0; i < sizeof none / sizeof *none; i++)
		assert_true(role_parse(&r, span_str(none[i])) == MO_EINVAL && permission_parse(&p, span_str(none[i])) == MO_EINVAL);
}

/* What is no role may nothing, what is no permission is held by nobody. */
static void test_strange(void **state)
{
	(void)state;
	static const unsigned strange[] = {ROLE_NONE, ROLES, ROLES + 1, 31, 32, 1000, ~0u};
	for (size_t i = 0; i < sizeof strange / sizeof *strange; i++) {
		assert_int_equal(role_permissions((enum role)strange[i]), 0);
		assert_string_equal(role_name((enum role)strange[i]), "?");
	}
	static const unsigned none[] = {PERMISSION_NONE, PERMISSIONS, 31, 32, 33, 1000, ~0u};
	for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
		assert_int_equal(permission_bit((enum permission)none[i]), 0);
		assert_string_equal(permission_name((enum permission)none[i]), "?");
		assert_false(permission_for_tokens((enum permission)none[i]));
		for (size_t k = 0; k < sizeof roles / sizeof *roles; k++)
			assert_false(role_may(roles[k].role, (enum permission)none[i]));
	}
}

static void test_sets(void **state)
{
	struct buf b;
	permission_set set;
	(void)state;
	buf_init(&b, 0);
	for (permission_set one = 2; one < (permission_set)1 << PERMISSIONS; one = one * 2 + (one & 2)) {
		buf_reset(&b);
		permission_set_write(&b, one);
		assert_int_equal(permission_set_read(&set, buf_span(&b)), 0);
		assert_int_equal(set, one);
	}
	assert_int_equal(permission_set_read(&set, span_str("")), MO_EINVAL);
	assert_int_equal(permission_set_read(&set, span_str("read,")), 0);
	assert_int_equal(permission_set_read(&set, span_str("read,fly")), MO_EINVAL);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_table), cmocka_unit_test(test_names), cmocka_unit_test(test_strange), cmocka_unit_test(test_sets)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
