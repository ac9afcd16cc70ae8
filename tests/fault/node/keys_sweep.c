/* A folder's certificates under faults: a folder of before gets them, a server certificate is renewed, and each file operation and each
 * allocation fails once, in turn, or the power goes there. The oracle: there is never a certificate without its key once one was
 * acknowledged; a CA that was acknowledged is never another; errors are said; the next try works. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "cm.h"
#include "faultalloc.h"

#include "node/keys.h"
#include "os/memvfs.h"

#define DIR "plant"
#define NOW (INT64_C(1795000000) * NS_PER_S)
#define LATER (NOW + 370 * NS_PER_DAY)
#define PASSES 75u

enum kind { FAIL_ONCE, FAIL_FULL, FAIL_EVER, SHORT, CRASH_PART, CRASH_ALL, MEMORY, KINDS };
static const char *const kind_names[KINDS] = {"fails once", "disk full", "fails for ever", "short write", "power, a part kept", "power, nothing kept", "memory"};

static uint64_t offset;
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

/* One pass with the nth operation failing; whether it was reached. */
static bool pass(bool renewal, enum kind kind, uint64_t nth, uint64_t *ops)
{
	struct vfs *v = NULL;
	struct diag d = {0};
	struct buf before, after;
	bool made = false;
	assert_int_equal(memvfs_new(&v, nth * 7 + kind), 0);
	assert_int_equal(vfs_mkdir(v, DIR, false), 0);
	assert_int_equal(vfs_mkdir(v, DIR "/secrets", true), 0);
	assert_int_equal(vfs_sync_dir(v, DIR), 0);
	assert_int_equal(vfs_sync_dir(v, "."), 0);
	struct keys_pair *p = calloc(1, sizeof *p);
	struct keys_who w = who(v, NOW), later = who(v, LATER);
	buf_init(&before, 0);
	if (renewal) {
		assert_int_equal(keys_make(&w, &names, NULL), 0);
		assert_true(slurp(v, &before, DIR "/tls/ca.crt"));
	}
	struct memvfs_faults f = {.fail_at = kind <= SHORT ? nth : 0,
		.err = kind == FAIL_FULL ? MO_EFULL : MO_EIO,
		.forever = kind == FAIL_EVER,
		.short_write = kind == SHORT,
		.crash_at = kind == CRASH_PART || kind == CRASH_ALL ? nth : 0};
	uint64_t was = memvfs_ops(v);
	memvfs_set_faults(v, &f);
	if (kind == MEMORY)
		faultalloc_arm(nth);
	int err = renewal ? keys_own(p, &made, &later, &names, &d) : keys_make(&w, &names, &d);
	bool fired = kind == MEMORY ? faultalloc_fired() != 0 : memvfs_ops(v) - was >= nth;
	*ops = kind == MEMORY ? faultalloc_count() : memvfs_ops(v) - was;
	if (kind == MEMORY)
		faultalloc_arm(0);
	memvfs_set_faults(v, NULL);
	if (kind == CRASH_PART || kind == CRASH_ALL)
		memvfs_crash(v, kind == CRASH_ALL);
	if (renewal && err == 0)
		keys_free(p);
	if (err != 0 && d.msg == MSG_NONE)
		fail_msg("%s, %llu: %s without words", kind_names[kind], (unsigned long long)nth, mo_err_name(err));
	if (!fired)
		assert_int_equal(err, 0);
	if (err == 0) {
		assert_int_equal(made, renewal);
		if (!renewal)
			assert_true(slurp(v, &before, DIR "/tls/ca.crt"));
	}
	if (renewal || err == 0)
		check_pair(v);
	/* The next start works, and believes the same CA. */
	d = (struct diag){0};
	err = keys_own(p, &made, &later, &names, &d);
	if (err != 0)
		fail_msg("%s, %llu: then %s, message %d, %s", kind_names[kind], (unsigned long long)nth, mo_err_name(err), (int)d.msg, d.file);
	assert_int_equal(pki_key_fits(buf_span(&p->key), "k", buf_span(&p->chain), "c", NULL), 0);
	assert_true(p->info.not_after_ns > LATER + KEYS_RENEW_NS);
	keys_free(p);
	check_pair(v);
	assert_true(slurp(v, &after, DIR "/tls/ca.crt"));
	if (before.n)
		assert_true(span_eq(buf_span(&before), buf_span(&after)));
	buf_free(&before);
	buf_free(&after);
	free(p);
	vfs_free(v);
	return fired;
}

static void sweep(bool renewal)
{
	for (enum kind kind = 0; kind < KINDS; kind++) {
		uint64_t ops, taken = 0;
		assert_false(pass(renewal, kind, UINT64_MAX, &ops)); /* without a fault */
		uint64_t step = getenv("MORU_SOAK") || ops < PASSES ? 1 : ops / PASSES;
		for (uint64_t n = 1 + offset % step; n <= ops; n += step, taken++) {
			uint64_t did;
			(void)pass(renewal, kind, n, &did);
		}
		printf("%s, %s: %llu of %llu\n", renewal ? "renewal" : "a folder of before", kind_names[kind], (unsigned long long)taken, (unsigned long long)ops);
		assert_true(taken >= (ops < PASSES ? ops : PASSES) && taken > 10);
	}
}

static void a_folder_of_before(void **state)
{
	(void)state;
	sweep(false);
}

static void a_renewal(void **state)
{
	(void)state;
	sweep(true);
}

int main(void)
{
	const char *first = getenv("MORU_SWEEP_OFFSET");
	offset = first ? strtoull(first, NULL, 10) : (uint64_t)time(NULL) / 7;
	printf("offset %llu\n", (unsigned long long)offset);
	if (uuid_parse(&id, SPAN_LIT("01938f2a-7c1d-7b3a-9f00-a1b2c3d4e5f6")) != 0)
		return 1;
	keys_names(&names, "moru.example", "127.0.0.1", NULL);
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_folder_of_before), cmocka_unit_test(a_renewal)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
