/* Accounts in memory: what the store holds and what the gate is told, always the same; the rule for a cookie that comes again. */
#include "cm.h"

#include <stdlib.h>

#include "helper/wire.h"
#include "node/accounts.h"
#include "os/crypto.h"
#include "os/memvfs.h"

#define T0 (INT64_C(1795392000) * NS_PER_S)
#define H (NS_PER_S * 3600)
#define OK(call) assert_int_equal((call), 0)
#define HASH "$scrypt$ln=15,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define OTHER "$scrypt$ln=15,r=8,p=1$BAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static struct vfs *v;
static struct store *st;
static struct storer *so;
static struct clock *clk;
static struct accounts *a;
static const struct accounts_actor by = {{(const uint8_t *)"local", 5}, {(const uint8_t *)"127.0.0.1", 9}};

static void open_all(void)
{
	struct store_reader *r = NULL;
	OK(store_open(&st, v, "store.db", NULL));
	OK(storer_new(&so, st, 64, NULL, NULL));
	OK(store_reader_open(&r, v, "store.db", NULL));
	OK(accounts_new(&a, so, clk, r, NULL));
	store_reader_close(r);
}

static void close_all(void)
{
	storer_free(so);
	accounts_free(a);
	store_close(st);
}

static void reopen(void)
{
	close_all();
	open_all();
}

static int setup(void **state)
{
	(void)state;
	if (memvfs_new(&v, 7) != 0 || clock_new_stepped(&clk, T0) != 0)
		return 1;
	open_all();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close_all();
	clock_free(clk);
	vfs_free(v);
	return 0;
}

static int put(const char *name, enum role role, const char *hash, int able, struct store_account_got *got)
{
	struct store_account_put p = {.name = span_str(name), .role = role, .hash = span_str(hash)};
	p.able = able < 0 ? ACCOUNT_DISABLED : able > 0 ? ACCOUNT_ENABLED : ACCOUNT_AS_IT_IS;
	return accounts_put(a, &p, &by, got, NULL);
}

static struct credential login(int64_t id, const char *hash, int want)
{
	struct credential c = {.kind = CREDENTIAL_SESSION};
	struct accounts_known k;
	assert_int_equal(accounts_login(a, id, span_str(hash), &by, c.secret, &k, NULL), want);
	return c;
}

static bool good(const struct credential *c)
{
	struct accounts_known k;
	int err = accounts_who(a, c, &k);
	if (err == 0)
		assert_true(accounts_alive(a, k.key));
	return err == 0;
}

static void pass(int64_t ns) { OK(clock_advance(clk, clock_now(clk) + ns)); }

static int64_t in_store(const char *what)
{
	struct store_reader *r = NULL;
	struct table_cursor *c = NULL;
	struct table_batch b;
	int64_t n = 0;
	const struct store_arg args[] = {sarg_null(), sarg_i(1000)};
	bool audit = strcmp(what, "session") != 0;
	OK(store_reader_open(&r, v, "store.db", NULL));
	OK(store_select(r, &c, audit ? SQ_AUDIT : SQ_SESSIONS, args, audit ? 2 : 0, NULL));
	while (table_next(c, &b, NULL) == 0 && b.n_rows)
		for (size_t i = 0; i < b.n_rows; i++)
			n += !audit || span_is(b.cols[3].str[i], what);
	table_close(c);
	store_reader_close(r);
	return n;
}

static void first_is_an_owner(void **state)
{
	struct store_account_got got;
	(void)state;
	assert_false(accounts_any(a));
	assert_int_equal(put("kim", ROLE_OPERATOR, HASH, 0, &got), MO_ESTATE);
	assert_int_equal(put("kim", ROLE_OWNER, HASH, -1, &got), MO_ESTATE);
	assert_int_equal(put("kim", ROLE_OWNER, "", 0, &got), MO_EINVAL);
	assert_int_equal(put(" kim", ROLE_OWNER, HASH, 0, &got), MO_EINVAL);
	assert_int_equal(put("a:b", ROLE_OWNER, HASH, 0, &got), MO_EINVAL);
	assert_int_equal(put("", ROLE_OWNER, HASH, 0, &got), MO_EINVAL);
	assert_false(accounts_any(a));
	OK(put("김대표", ROLE_NONE, HASH, 0, &got));
	assert_int_equal(got.role, ROLE_OWNER);
	assert_int_equal(got.did, STORE_NEW);
	assert_true(accounts_any(a));
	OK(put("lee", ROLE_NONE, HASH, 0, &got));
	assert_int_equal(got.role, ROLE_READ_ONLY);
	OK(put("lee", ROLE_READ_ONLY, "", 0, &got));
	assert_int_equal(got.did, STORE_SAME);
	reopen();
	assert_true(accounts_any(a));
	assert_int_equal(in_store("account.new"), 2);
	assert_int_equal(in_store("account.change"), 0);
}

static void one_owner_stays(void **state)
{
	struct store_account_got got;
	(void)state;
	OK(put("kim", ROLE_OWNER, HASH, 0, &got));
	struct credential c = login(got.id, HASH, 0);
	assert_int_equal(put("kim", ROLE_OPERATOR, "", 0, &got), MO_ESTATE);
	assert_int_equal(put("kim", ROLE_NONE, "", -1, &got), MO_ESTATE);
	assert_int_equal(accounts_drop(a, span_str("kim"), &by, NULL), MO_ESTATE);
	assert_true(good(&c)); /* nothing of it happened */
	OK(put("park", ROLE_OWNER, HASH, -1, &got));
	assert_int_equal(accounts_drop(a, span_str("kim"), &by, NULL), MO_ESTATE); /* a disabled one gives no rights */
	OK(put("park", ROLE_NONE, "", 1, &got));
	OK(put("kim", ROLE_OPERATOR, "", 0, &got));
	assert_int_equal(accounts_drop(a, span_str("park"), &by, NULL), MO_ESTATE);
	assert_int_equal(accounts_drop(a, span_str("nobody"), &by, NULL), MO_ENOENT);
	OK(accounts_drop(a, span_str("kim"), &by, NULL));
	assert_false(good(&c));
	reopen();
	assert_false(good(&c));
	assert_int_equal(in_store("session"), 0);
}

static void a_session_lives_and_ends(void **state)
{
	struct store_account_got owner, got;
	struct accounts_known k;
	(void)state;
	OK(put("kim", ROLE_OWNER, HASH, 0, &owner));
	OK(put("lee", ROLE_QUALITY, HASH, 0, &got));
	struct credential c = login(got.id, HASH, 0), other = login(owner.id, HASH, 0), token = c;
	OK(accounts_who(a, &c, &k));
	assert_string_equal(k.name, "lee");
	assert_int_equal(k.role, ROLE_QUALITY);
	assert_int_equal(k.may, role_permissions(ROLE_QUALITY));
	assert_true(k.session);
	/* A cookie's secret is no token, and another secret nobody's. */
	token.kind = CREDENTIAL_TOKEN;
	assert_false(good(&token));
	token = c;
	token.secret[0] ^= 1;
	assert_false(good(&token));
	/* A new role counts at once. */
	OK(put("lee", ROLE_VENDOR, "", 0, &got));
	OK(accounts_who(a, &c, &k));
	assert_int_equal(k.may, role_permissions(ROLE_VENDOR));
	/* A restart keeps it. */
	reopen();
	assert_true(good(&c) && good(&other));
	/* Used, it outlives the idle time; it never outlives its end. */
	for (unsigned i = 0; i < 15; i++) {
		pass(11 * H);
		assert_true(good(&c));
	}
	assert_false(good(&other)); /* idle */
	pass(3 * H - 1);
	assert_true(good(&c));
	pass(1);
	assert_false(good(&c));
	/* Log-out. */
	c = login(got.id, HASH, 0);
	OK(accounts_who(a, &c, &k));
	OK(accounts_logout(a, k.key, &by, NULL));
	assert_false(good(&c));
	OK(accounts_logout(a, k.key, &by, NULL)); /* and again */
	reopen();
	assert_false(good(&c));
	/* A new password, and none by the old one. */
	c = login(got.id, HASH, 0);
	OK(put("lee", ROLE_NONE, OTHER, 0, &got));
	assert_false(good(&c));
	login(got.id, HASH, MO_EDENIED);
	c = login(got.id, OTHER, 0);
	/* Disabled. */
	OK(put("lee", ROLE_NONE, "", -1, &got));
	assert_false(good(&c));
	login(got.id, OTHER, MO_EDENIED);
	OK(put("lee", ROLE_NONE, "", 1, &got));
	assert_false(good(&c));
	assert_int_equal(in_store("logout"), 1);
	assert_int_equal(in_store("login"), 5);
	assert_int_equal(accounts_sessions(a), 0);
}

static void idle_while_it_was_off(void **state)
{
	struct store_account_got got;
	(void)state;
	OK(put("kim", ROLE_OWNER, HASH, 0, &got));
	struct credential c = login(got.id, HASH, 0);
	pass(6 * H);
	assert_true(good(&c));
	/* Uses are kept now and then (a minute of ticks). */
	for (unsigned i = 0; i < 60; i++)
		accounts_tick(a);
	reopen();
	pass(11 * H);
	assert_true(good(&c));
	pass(12 * H);
	assert_false(good(&c));
	for (unsigned i = 0; i < 60; i++)
		accounts_tick(a);
	assert_int_equal(accounts_sessions(a), 0);
}

static void only_so_many(void **state)
{
	struct store_account_got got, other;
	struct credential c[SESSIONS_PER_ACCOUNT_MAX + 1];
	(void)state;
	OK(put("kim", ROLE_OWNER, HASH, 0, &got));
	OK(put("lee", ROLE_OWNER, HASH, 0, &other));
	struct credential apart = login(other.id, HASH, 0);
	for (unsigned i = 0; i < SESSIONS_PER_ACCOUNT_MAX; i++) {
		c[i] = login(got.id, HASH, 0);
		pass(NS_PER_S);
	}
	assert_true(good(&c[0])); /* used last now */
	c[SESSIONS_PER_ACCOUNT_MAX] = login(got.id, HASH, 0);
	for (unsigned i = 0; i <= SESSIONS_PER_ACCOUNT_MAX; i++)
		assert_int_equal(good(&c[i]), i != 1);
	assert_true(good(&apart));
	assert_int_equal(in_store("session"), SESSIONS_PER_ACCOUNT_MAX + 1);
	assert_int_equal(accounts_sessions(a), SESSIONS_PER_ACCOUNT_MAX + 1);
}

static int token(const char *name, enum role role, permission_set may, int64_t expires, struct credential *c, int64_t *id)
{
	struct store_token t = {.name = span_str(name), .role = role, .permissions = may, .expires_ns = expires};
	c->kind = CREDENTIAL_TOKEN;
	return accounts_token_put(a, &t, &by, c->secret, id, NULL);
}

static void tokens(void **state)
{
	struct credential c, d, e;
	struct accounts_known k;
	int64_t id, id2, id3;
	permission_set set = permission_bit(PERMISSION_WRITE) | permission_bit(PERMISSION_METRICS);
	(void)state;
	OK(token("gateway", ROLE_NONE, set, T_NONE, &c, &id));
	OK(token("report", ROLE_QUALITY, 0, T0 + 5 * H, &d, &id2));
	assert_int_equal(token("gateway", ROLE_NONE, set, T_NONE, &e, &id3), MO_EEXIST);
	assert_int_equal(token("both", ROLE_OWNER, set, T_NONE, &e, &id3), MO_EINVAL);
	assert_int_equal(token("none", ROLE_NONE, 0, T_NONE, &e, &id3), MO_EINVAL);
	for (unsigned again = 0; again < 2; again++) {
		OK(accounts_who(a, &c, &k));
		assert_string_equal(k.name, "token gateway");
		assert_int_equal(k.may, set);
		assert_false(k.session);
		OK(accounts_who(a, &d, &k));
		assert_int_equal(k.may, role_permissions(ROLE_QUALITY));
		reopen();
	}
	e = c;
	e.kind = CREDENTIAL_SESSION;
	assert_false(good(&e));
	pass(5 * H);
	assert_true(good(&c));
	assert_false(good(&d));
	OK(accounts_token_revoke(a, id, &by, NULL));
	assert_false(good(&c));
	assert_int_equal(accounts_token_revoke(a, id, &by, NULL), MO_ENOENT);
	OK(token("gateway", ROLE_NONE, set, T_NONE, &e, &id3)); /* the name is free again */
	reopen();
	assert_false(good(&c));
	assert_true(good(&e));
	assert_int_equal(in_store("token.new"), 3);
	assert_int_equal(in_store("token.revoke"), 1);
}

static void passwords(void **state)
{
	static char text[HELPER_PASSWORD_MAX + 2];
	struct diag d;
	(void)state;
	memset(text, 'x', sizeof text - 1);
	OK(accounts_password_check(span_str("긴비밀번호열글자입니"), span_str("kim"), &d));
	OK(accounts_password_check(span_of(text, HELPER_PASSWORD_MAX), span_str("kim"), &d));
	const struct span bad[] = {span_str(""), span_str("123456789"), span_str("긴비밀번호아홉글자"), span_str("longenough1"), span_str("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
		span_of(text, HELPER_PASSWORD_MAX + 1)};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_equal(accounts_password_check(bad[i], span_str("longenough1"), &d), MO_EINVAL);
		assert_string_equal(d.value, "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(first_is_an_owner, setup, teardown), cmocka_unit_test_setup_teardown(one_owner_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(a_session_lives_and_ends, setup, teardown), cmocka_unit_test_setup_teardown(idle_while_it_was_off, setup, teardown),
		cmocka_unit_test_setup_teardown(only_so_many, setup, teardown), cmocka_unit_test_setup_teardown(tokens, setup, teardown),
		cmocka_unit_test(passwords)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
