/* The folder's own certificates: made once, kept, made anew when it is time; what is broken is mended or told. */
#include "cm.h"

#include <stdio.h>
#include <stdlib.h>

#include "node/keys.h"
#include "os/memvfs.h"

#define DIR "plant"
#define NOW (INT64_C(1795000000) * NS_PER_S)

static struct vfs *v;
static struct uuid id;
static struct pki_names names;
static struct keys_pair pair;

static struct keys_who who(int64_t now_ns)
{
	return (struct keys_who){.vfs = v, .dir = DIR, .name = "우리 공장", .id = &id, .now_ns = now_ns};
}

static int setup(void **state)
{
	(void)state;
	if (uuid_parse(&id, SPAN_LIT("01938f2a-7c1d-7b3a-9f00-a1b2c3d4e5f6")) != 0 || memvfs_new(&v, 1) != 0 || vfs_mkdir(v, DIR, false) != 0 ||
		vfs_mkdir(v, DIR "/secrets", true) != 0)
		return 1;
	keys_names(&names, "moru.example, 192.168.0.10", "127.0.0.1", NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	vfs_free(v);
	return 0;
}

static void file(struct buf *to, const char *name)
{
	uint8_t *p = NULL;
	size_t n = 0;
	char *path = vfs_join(DIR, name);
	buf_init(to, 0);
	assert_int_equal(vfs_slurp(v, &p, &n, path, 1 << 16, NULL), 0);
	buf_add(to, span_of(p, n));
	free(p);
	free(path);
}

static void same(const char *name, const struct buf *before, bool expected)
{
	struct buf now;
	file(&now, name);
	assert_int_equal(span_eq(buf_span(&now), buf_span(before)), expected);
	buf_free(&now);
}

static bool absent(const char *name)
{
	struct vfs_stat st;
	char *path = vfs_join(DIR, name);
	int err = vfs_stat(v, path, &st);
	free(path);
	return err == MO_ENOENT;
}

/* Asks for the pair at that time; whether it was made anew. It is good in any case. */
static bool own(int64_t now_ns)
{
	struct keys_who w = who(now_ns);
	struct diag d = {0};
	struct buf ca;
	bool made;
	int err = keys_own(&pair, &made, &w, &names, &d);
	if (err != 0)
		fail_msg("%s, message %d, %s", mo_err_name(err), (int)d.msg, d.file);
	file(&ca, "tls/ca.crt");
	assert_int_equal(pki_signed_by(buf_span(&pair.chain), buf_span(&ca)), 0);
	assert_int_equal(pki_key_fits(buf_span(&pair.key), "k", buf_span(&pair.chain), "c", NULL), 0);
	assert_true(pki_names_equal(&pair.info.names, &names));
	assert_int_equal(pki_valid_at(&pair.info, now_ns, "c", NULL), 0);
	assert_true(pair.info.not_after_ns - now_ns >= KEYS_RENEW_NS);
	assert_true(absent("secrets/server.next"));
	buf_free(&ca);
	keys_free(&pair);
	return made;
}

static int own_fails(int64_t now_ns, struct diag *d)
{
	struct keys_who w = who(now_ns);
	bool made = true;
	int err = keys_own(&pair, &made, &w, &names, d);
	assert_int_not_equal(err, 0);
	assert_false(made);
	return err;
}

static void made_once_and_kept(void **state)
{
	struct keys_who w = who(NOW);
	struct buf ca, ca_key, crt;
	static struct pki_info i;
	(void)state;
	assert_int_equal(keys_make(&w, &names, NULL), 0);
	file(&ca, "tls/ca.crt");
	file(&ca_key, "secrets/ca.key");
	file(&crt, "tls/server.crt");
	assert_int_equal(pki_cert_info(&i, buf_span(&ca), 0, "ca", NULL), 0);
	assert_string_equal(i.subject, "CN=우리 공장 (a1b2c3d4e5f6)");
	assert_int_equal(keys_make(&w, &names, NULL), 0);
	assert_false(own(NOW));
	assert_false(own(NOW + 300 * NS_PER_DAY));
	same("tls/ca.crt", &ca, true);
	same("secrets/ca.key", &ca_key, true);
	same("tls/server.crt", &crt, true);
	/* The server's alone is missing. */
	assert_int_equal(vfs_unlink(v, DIR "/tls/server.crt"), 0);
	assert_int_equal(keys_make(&w, &names, NULL), 0);
	same("tls/ca.crt", &ca, true);
	same("tls/server.crt", &crt, false);
	assert_false(own(NOW));
	buf_free(&ca);
	buf_free(&ca_key);
	buf_free(&crt);
}

static void renewed_in_time(void **state)
{
	struct buf ca, crt, key;
	(void)state;
	(void)own(NOW);
	file(&ca, "tls/ca.crt");
	file(&crt, "tls/server.crt");
	file(&key, "secrets/server.key");
	/* 396 days from when it was made; 30 of them must be left. */
	assert_false(own(NOW + 366 * NS_PER_DAY));
	assert_true(own(NOW + 366 * NS_PER_DAY + NS_PER_S));
	same("tls/server.crt", &crt, false);
	same("secrets/server.key", &key, false);
	same("tls/ca.crt", &ca, true);
	assert_false(own(NOW + 366 * NS_PER_DAY + NS_PER_S));
	/* A clock that was years ahead and is right again. */
	assert_true(own(NOW));
	assert_false(own(NOW));
	/* Its time over for long: a node that stood in a cupboard. */
	assert_true(own(NOW + 3000 * NS_PER_DAY));
	/* Names. */
	assert_int_equal(pki_names_add(&names, SPAN_LIT("new.example")), 0);
	assert_true(own(NOW + 3000 * NS_PER_DAY));
	names.n--;
	assert_true(own(NOW + 3000 * NS_PER_DAY));
	same("tls/ca.crt", &ca, true);
	buf_free(&ca);
	buf_free(&crt);
	buf_free(&key);
}

static void put(const char *name, struct span s)
{
	char *path = vfs_join(DIR, name);
	assert_int_equal(vfs_replace(v, path, s, false, NULL), 0);
	free(path);
}

static void what_is_broken_is_made_anew(void **state)
{
	struct buf crt, other, key;
	struct keys_who w = who(NOW);
	(void)state;
	(void)own(NOW);
	put("tls/server.crt", SPAN_LIT("noise"));
	assert_true(own(NOW));
	put("secrets/server.key", SPAN_LIT("noise"));
	assert_true(own(NOW));
	assert_int_equal(vfs_unlink(v, DIR "/secrets/server.key"), 0);
	assert_true(own(NOW));
	/* A crash after the certificate and before its key's name: the key is there. */
	file(&key, "secrets/server.key");
	put("secrets/server.next", buf_span(&key));
	put("secrets/server.key", SPAN_LIT("of before"));
	assert_false(own(NOW));
	same("secrets/server.key", &key, true);
	/* A crash before the certificate: the old one and its key stand. */
	put("secrets/server.next", SPAN_LIT("half"));
	file(&crt, "tls/server.crt");
	bool made;
	assert_int_equal(keys_own(&pair, &made, &w, &names, NULL), 0);
	keys_free(&pair);
	assert_false(made);
	same("tls/server.crt", &crt, true);
	assert_int_equal(vfs_unlink(v, DIR "/secrets/server.next"), 0);
	/* Signed by somebody else. */
	assert_int_equal(vfs_unlink(v, DIR "/tls/ca.crt"), 0);
	(void)own(NOW); /* with a CA of its own */
	file(&other, "tls/server.crt");
	assert_false(span_eq(buf_span(&other), buf_span(&crt)));
	buf_free(&other);
	buf_free(&crt);
	buf_free(&key);
}

static void a_ca_is_never_replaced(void **state)
{
	struct buf ca, ca_key;
	struct diag d = {0};
	(void)state;
	(void)own(NOW);
	file(&ca, "tls/ca.crt");
	file(&ca_key, "secrets/ca.key");
	assert_int_equal(vfs_unlink(v, DIR "/secrets/ca.key"), 0);
	assert_int_equal(own_fails(NOW, &d), MO_EINVAL);
	assert_int_equal(d.msg, MSG_KEYS_NO_CA_KEY);
	assert_string_equal(d.file, DIR "/secrets/ca.key");
	assert_string_equal(d.arg[0].text, DIR "/tls/ca.crt");
	put("secrets/ca.key", SPAN_LIT("noise"));
	assert_int_equal(own_fails(NOW, &d), MO_EINVAL);
	assert_int_equal(d.msg, MSG_PKI_NO_KEY);
	struct buf server;
	file(&server, "secrets/server.key");
	put("secrets/ca.key", buf_span(&server));
	assert_int_equal(own_fails(NOW, &d), MO_EINVAL);
	assert_int_equal(d.msg, MSG_PKI_KEY_OTHER);
	put("secrets/ca.key", buf_span(&ca_key));
	assert_int_equal(own_fails(NOW - 2 * NS_PER_DAY, &d), MO_EINVAL);
	assert_int_equal(d.msg, MSG_PKI_NOT_YET);
	assert_int_equal(own_fails(NOW + 7400 * NS_PER_DAY, &d), MO_EINVAL);
	assert_int_equal(d.msg, MSG_PKI_EXPIRED);
	assert_string_equal(d.file, DIR "/tls/ca.crt");
	put("tls/ca.crt", SPAN_LIT("noise"));
	assert_int_equal(own_fails(NOW, &d), MO_EINVAL);
	assert_int_equal(d.msg, MSG_PKI_NO_CERTIFICATE);
	put("tls/ca.crt", buf_span(&ca));
	assert_false(own(NOW));
	buf_free(&ca);
	buf_free(&ca_key);
	buf_free(&server);
}

/* A look that fails is no "there is none". */
static void an_error_makes_nothing(void **state)
{
	struct buf ca;
	(void)state;
	(void)own(NOW);
	file(&ca, "tls/ca.crt");
	for (uint64_t n = 1; n <= 12; n++) {
		struct memvfs_faults f = {.fail_at = n, .err = MO_EIO};
		struct keys_who w = who(NOW);
		struct diag d = {0};
		bool made;
		memvfs_set_faults(v, &f);
		int err = keys_own(&pair, &made, &w, &names, &d);
		memvfs_set_faults(v, NULL);
		if (err == 0)
			keys_free(&pair);
		else
			assert_int_not_equal(d.msg, MSG_NONE);
		same("tls/ca.crt", &ca, true);
	}
	assert_false(own(NOW));
	buf_free(&ca);
}

static void given_ones(void **state)
{
	struct keys_who w = who(NOW);
	struct diag d = {0};
	struct http_tls *t = NULL;
	(void)state;
	(void)own(NOW);
	assert_int_equal(keys_given(&pair, &w, "tls/server.crt", "secrets/server.key", &d), 0);
	assert_int_equal(keys_tls(&t, &pair, &d), 0);
	assert_string_equal(pair.chain_file, DIR "/tls/server.crt");
	keys_free(&pair);
	http_tls_free(t);
	assert_int_equal(keys_given(&pair, &w, "tls/server.crt", "secrets/ca.key", &d), MO_EINVAL);
	assert_int_equal(d.msg, MSG_PKI_KEY_OTHER);
	assert_int_equal(keys_given(&pair, &w, "/none.crt", "secrets/ca.key", &d), MO_ENOENT);
	assert_string_equal(d.file, "/none.crt");
	assert_int_equal(keys_given(&pair, &w, "tls/server.crt", "none.key", &d), MO_ENOENT);
	assert_string_equal(d.file, DIR "/none.key");
}

static void names_of_a_node(void **state)
{
	const struct address_list machine = {.n = 2, .text = {"192.0.2.2", "fd00::2"}};
	struct pki_names n;
	(void)state;
	keys_names(&n, "", "0.0.0.0", NULL);
	assert_true(pki_names_have(&n, SPAN_LIT("localhost")) && pki_names_have(&n, SPAN_LIT("127.0.0.1")) && pki_names_have(&n, SPAN_LIT("::1")));
	assert_false(pki_names_have(&n, SPAN_LIT("0.0.0.0")));
	keys_names(&n, "a.example b.example", "10.1.2.3", &machine);
	assert_false(pki_names_have(&n, SPAN_LIT("192.0.2.2")));
	assert_true(pki_names_have(&n, SPAN_LIT("a.example")) && pki_names_have(&n, SPAN_LIT("b.example")) && pki_names_have(&n, SPAN_LIT("10.1.2.3")));
	/* All addresses of the family that is listened on. */
	keys_names(&n, "a.example", "0.0.0.0", &machine);
	assert_true(pki_names_have(&n, SPAN_LIT("192.0.2.2")) && pki_names_have(&n, SPAN_LIT("a.example")) && !pki_names_have(&n, SPAN_LIT("fd00::2")));
	keys_names(&n, "", "::", &machine);
	assert_true(pki_names_have(&n, SPAN_LIT("fd00::2")) && !pki_names_have(&n, SPAN_LIT("192.0.2.2")) && !pki_names_have(&n, SPAN_LIT("::")));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {T(made_once_and_kept), T(renewed_in_time), T(what_is_broken_is_made_anew), T(a_ca_is_never_replaced), T(an_error_makes_nothing),
		T(given_ones), T(names_of_a_node)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
