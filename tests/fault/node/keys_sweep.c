/* A folder's certificates under faults: a folder of before gets them, a server certificate is renewed, and each file operation and each
 * allocation fails once, in turn, or the power goes there. The oracle: there is never a certificate without its key once one was
 * acknowledged; a CA that was acknowledged is never another; errors are said; the next try works. */
#include <stdio.h>
#include <stdlib.h>


#include "sweep.h"

#include "node/keys.h"

#define DIR "plant"
#define NOW (INT64_C(1795000000) * NS_PER_S)
#define LATER (NOW + 370 * NS_PER_DAY)
#define PASSES 75u

static struct uuid id;
static struct pki_names names;

static struct keys_who who(struct vfs *v, int64_t now_ns)
{
	return (struct keys_who){.vfs = v, .dir = DIR, .name = "공장", .id = &id, .now_ns = now_ns};
}

static bool slurp(struct vfs *v, struct buf *to, const char *path)
{
	uint8_t *p = NULL;
	size_t n = 0;
	buf_init(to, 0);
	int err = vfs_slurp(v, &p, &n, path, 1 << 16, NULL);
	if (err == 0)
		buf_add(to, span_of(p, n));
	free(p);
	assert_true(err == 0 || err == MO_ENOENT);
	return err == 0;
}

/* The certificate that is there has its key beside it: the renewing one may have its last step before it. */
static void check_pair(struct vfs *v)
{
	struct buf crt, key, next, ca;
	assert_true(slurp(v, &crt, DIR "/tls/server.crt"));
	assert_true(slurp(v, &ca, DIR "/tls/ca.crt"));
	bool one = slurp(v, &key, DIR "/secrets/server.key"), two = slurp(v, &next, DIR "/secrets/server.next");
	assert_true((one && pki_key_fits(buf_span(&key), "k", buf_span(&crt), "c", NULL) == 0) ||
		    (two && pki_key_fits(buf_span(&next), "k", buf_span(&crt), "c", NULL) == 0));
	assert_int_equal(pki_signed_by(buf_span(&crt), buf_span(&ca)), 0);
	buf_free(&crt);
	buf_free(&key);
	buf_free(&next);
	buf_free(&ca);
}

static const char *pass(void *arg, struct sweep_pass *p)
{
	bool renewal = *(bool *)arg, made = false;
	struct vfs *v = NULL;
	struct diag d = {0};
	struct buf before, after;
	assert_int_equal(memvfs_new(&v, p->seed), 0);
	assert_int_equal(vfs_mkdir(v, DIR, false), 0);
	assert_int_equal(vfs_mkdir(v, DIR "/secrets", true), 0);
	assert_int_equal(vfs_sync_dir(v, DIR), 0);
	assert_int_equal(vfs_sync_dir(v, "."), 0);
	struct keys_pair *pair = calloc(1, sizeof *pair);
	struct keys_who w = who(v, NOW), later = who(v, LATER);
	buf_init(&before, 0);
	if (renewal) {
		assert_int_equal(keys_make(&w, &names, NULL), 0);
		assert_true(slurp(v, &before, DIR "/tls/ca.crt"));
	}
	sweep_arm(p, v);
	int err = renewal ? keys_own(pair, &made, &later, &names, &d) : keys_make(&w, &names, &d);
	sweep_disarm(p);
	sweep_cut(p, v);
	if (renewal && err == 0)
		keys_free(pair);
	sweep_clean_error(p, err, &d);
	if (err == 0) {
		assert_int_equal(made, renewal);
		if (!renewal)
			assert_true(slurp(v, &before, DIR "/tls/ca.crt"));
	}
	if (renewal || err == 0)
		check_pair(v);
	/* The next start works, and believes the same CA. */
	d = (struct diag){0};
	err = keys_own(pair, &made, &later, &names, &d);
	if (err != 0)
		fail_msg("then %s, message %d, %s", mo_err_name(err), (int)d.msg, d.file);
	assert_int_equal(pki_key_fits(buf_span(&pair->key), "k", buf_span(&pair->chain), "c", NULL), 0);
	assert_true(pair->info.not_after_ns > LATER + KEYS_RENEW_NS);
	keys_free(pair);
	check_pair(v);
	assert_true(slurp(v, &after, DIR "/tls/ca.crt"));
	if (before.n)
		assert_true(span_eq(buf_span(&before), buf_span(&after)));
	buf_free(&before);
	buf_free(&after);
	free(pair);
	vfs_free(v);
	return NULL;
}

static void a_folder_of_before(void **state)
{
	(void)state;
	sweep_run(&(struct sweep){.name = "a folder of before", .pass = pass, .arg = &(bool){false}, .kinds = SWEEP_ALL, .least = PASSES, .ops_least = 11});
}

static void a_renewal(void **state)
{
	(void)state;
	sweep_run(&(struct sweep){.name = "renewal", .pass = pass, .arg = &(bool){true}, .kinds = SWEEP_ALL, .least = PASSES, .ops_least = 11});
}

int main(void)
{
	if (uuid_parse(&id, SPAN_LIT("01938f2a-7c1d-7b3a-9f00-a1b2c3d4e5f6")) != 0)
		return 1;
	keys_names(&names, "moru.example", "127.0.0.1", NULL);
	const struct CMUnitTest tests[] = {sweep_test(a_folder_of_before), sweep_test(a_renewal)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
