/* Every allocation of the room fails once: a clean MO_ENOMEM, nothing changed, nothing lost (leaks: under ASan). */
#include "cm.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "faultalloc.h"
#include "os/clock.h"
#include "os/crypto.h"
#include "os/memvfs.h"
#include "os/net.h"
#include "os/proc.h"
#include "os/signals.h"
#include "os/thread.h"
#include "os/trust.h"

/* Runs the scenario with the 1st, 2nd ... allocation failing until none does. */
static void sweep(const char *name, int (*scenario)(void *), void *arg)
{
	uint64_t n = 0;
	for (;;) {
		faultalloc_arm(++n);
		int r = scenario(arg);
		int fired = faultalloc_fired();
		faultalloc_arm(0);
		if (!fired) {
			assert_int_equal(r, 0);
			break;
		}
		assert_int_equal(r, MO_ENOMEM);
		assert_true(n < 2000);
	}
	print_message("%s: %u allocations\n", name, (unsigned)(n - 1));
	assert_true(n > 1);
}

static int one_name(void *arg, const char *name)
{
	(void)arg;
	(void)name;
	return 0;
}

/* An error ends the scenario; what was open is closed by the same way out. */
static int use_files(struct vfs *v, const char *dir)
{
	struct vfs_file *f = NULL, *lock = NULL;
	uint8_t *p = NULL, page[5000] = {1};
	const uint8_t *view = NULL;
	size_t n = 0;
	char *sub = vfs_join(dir, "sub"), *a = vfs_join(dir, "sub/a"), *b = vfs_join(dir, "b"), *parent = vfs_parent("x/y");
	int r = sub && a && b && parent ? 0 : MO_ENOMEM;
	if (!r)
		r = vfs_mkdir(v, sub, false);
	if (!r)
		r = vfs_lock(v, &lock, b);
	if (!r)
		r = vfs_open(v, &f, a, VFS_WRITE | VFS_CREATE, NULL);
	if (!r)
		r = vfs_pwrite(f, page, sizeof page, 3000);
	if (!r)
		r = vfs_sync(f);
	if (!r)
		r = vfs_pwrite(f, page, sizeof page, 100);
	if (!r)
		r = vfs_truncate(f, 4500);
	if (!r)
		r = vfs_allocate(f, 100000);
	if (!r)
		r = vfs_map(f, 4500, &view);
	if (view)
		vfs_unmap(f, view, 4500);
	if (!r)
		r = vfs_list(v, dir, one_name, NULL);
	if (!r)
		r = vfs_replace(v, a, SPAN_LIT("content"), true, NULL);
	if (!r)
		r = vfs_slurp(v, &p, &n, a, 100, NULL);
	free(p);
	if (!r)
		r = vfs_rename(v, a, b);
	if (!r)
		r = vfs_sync_dir(v, dir);
	if (!r)
		r = vfs_unlink(v, b);
	if (!r)
		r = vfs_rmdir(v, sub);
	vfs_close(f);
	vfs_close(lock);
	free(sub);
	free(a);
	free(b);
	free(parent);
	return r;
}

static int in_memory(void *arg)
{
	struct vfs *v = NULL, *slow = NULL;
	(void)arg;
	int r = memvfs_new(&v, 5);
	if (!r)
		r = slowvfs_new(&slow, v, 0);
	if (!r)
		r = use_files(slow, "");
	if (v)
		memvfs_crash(v, false);
	vfs_free(slow);
	vfs_free(v);
	return r;
}

static int on_disk(void *arg)
{
	struct vfs *v = NULL;
	int r = vfs_real(&v);
	if (!r)
		r = use_files(v, arg);
	vfs_free(v);
	return r;
}

static void files(void **state)
{
	char dir[] = "/tmp/moru-alloc-XXXXXX", path[64];
	static const char *const left[] = {"sub/a.tmp", "sub/a", "sub", "b"};
	(void)state;
	sweep("memory files", in_memory, NULL);
	assert_non_null(mkdtemp(dir));
	sweep("real files", on_disk, dir);
	for (size_t i = 0; i < sizeof left / sizeof *left; i++) {
		(void)snprintf(path, sizeof path, "%s/%s", dir, left[i]);
		(void)remove(path);
	}
	assert_int_equal(rmdir(dir), 0);
}

/* A write that finds no memory leaves the file, durable and seen, as it was; so does a crash right after. */
static void a_failed_write_changes_nothing(void **state)
{
	static uint8_t old[20000], got[20000], new[15000];
	(void)state;
	memset(old, 'o', sizeof old);
	memset(new, 'n', sizeof new);
	for (uint64_t nth = 1;; nth++) {
		struct vfs *v = NULL;
		struct vfs_file *f = NULL;
		uint64_t size = 0;
		assert_int_equal(memvfs_new(&v, nth), 0);
		assert_int_equal(vfs_open(v, &f, "f", VFS_WRITE | VFS_CREATE, NULL), 0);
		assert_int_equal(vfs_pwrite(f, old, sizeof old, 0), 0);
		assert_int_equal(vfs_sync(f), 0);
		assert_int_equal(vfs_sync_dir(v, "."), 0);
		faultalloc_arm(nth);
		int r = vfs_pwrite(f, new, sizeof new, 12000);
		int fired = faultalloc_fired();
		faultalloc_arm(0);
		assert_int_equal(r, fired ? MO_ENOMEM : 0);
		if (fired) {
			assert_int_equal(vfs_size(f, &size), 0);
			assert_int_equal(size, sizeof old);
			assert_int_equal(vfs_read_full(f, got, sizeof got, 0), 0);
			assert_memory_equal(got, old, sizeof old);
			memvfs_crash(v, false);
			vfs_close(f);
			assert_int_equal(vfs_open(v, &f, "f", VFS_READ, NULL), 0);
			assert_int_equal(vfs_read_full(f, got, sizeof got, 0), 0);
			assert_memory_equal(got, old, sizeof old);
		}
		vfs_close(f);
		vfs_free(v);
		if (!fired) {
			assert_true(nth > 5); /* the operation, the longer tables, the pages */
			break;
		}
	}
}

static int clocks_and_queues(void *arg)
{
	struct clock *c = NULL, *s = NULL;
	struct bqueue *q = NULL;
	(void)arg;
	int r = clock_new_real(&c);
	if (!r)
		r = clock_new_stepped(&s, 0);
	if (!r)
		r = bqueue_new(&q, 4);
	bqueue_free(q);
	clock_free(s);
	clock_free(c);
	return r;
}

static int keys(void *arg)
{
	struct sha256 *h = NULL;
	struct signkey *k = NULL, *again = NULL;
	struct buf pem, der;
	(void)arg;
	buf_init(&pem, 0);
	buf_init(&der, 0);
	int r = sha256_new(&h);
	if (!r)
		r = signkey_new(&k);
	if (!r)
		r = signkey_write(k, &pem);
	if (!r)
		r = signkey_read(&again, buf_span(&pem));
	if (!r)
		r = signkey_public(again, &der);
	buf_free(&pem);
	buf_free(&der);
	sha256_free(h);
	signkey_free(k);
	signkey_free(again);
	return r;
}

/* An authority is read, listed, and asked of what it signed. */
static int trusting(void *arg)
{
	static struct trust_cert c;
	const struct buf *pem = arg; /* authority, server */
	struct trust_list *l = NULL;
	struct buf out;
	enum trust_verdict v;
	struct diag d;
	const struct trust_asked q = {.purpose = TRUST_HTTPS_OUT, .name = "localhost", .who = "w", .now_ns = INT64_C(1795000000) * NS_PER_S};
	buf_init(&out, 0);
	int r = trust_cert_read(&c, &out, buf_span(&pem[0]), "f", &d);
	if (!r)
		r = trust_list_new(&l);
	if (!r)
		r = trust_list_add(l, buf_span(&out), TRUST_TRUSTED, trust_bit(TRUST_HTTPS_OUT), true, &d);
	if (!r)
		r = trust_verify(&v, l, &q, buf_span(&pem[1]), &d);
	if (r)
		assert_int_equal(d.err == MO_ENOMEM || !l, 1);
	trust_list_free(l);
	buf_free(&out);
	return r;
}

static int system_things(void *arg)
{
	struct signals *s = NULL;
	size_t n = 0;
	(void)arg;
	int r = signals_new(&s);
	char *dir = r ? NULL : proc_self_dir();
	if (!r && !dir)
		r = MO_ENOMEM;
	if (!r)
		r = net_poll(NULL, 0, 0, &n) == MO_ETIMEOUT ? 0 : MO_ENOMEM;
	free(dir);
	signals_free(s);
	return r;
}

static void the_rest(void **state)
{
	(void)state;
	sweep("clocks and queues", clocks_and_queues, NULL);
	sweep("keys", keys, NULL);
	struct buf ca_key, pem[2], key;
	static struct pki_names names;
	buf_init(&ca_key, 0);
	buf_init(&key, 0);
	buf_init(&pem[0], 0);
	buf_init(&pem[1], 0);
	assert_int_equal(pki_names_add(&names, SPAN_LIT("localhost")), 0);
	assert_int_equal(pki_ca_new(&ca_key, &pem[0], SPAN_LIT("CA"), INT64_C(1795000000) * NS_PER_S), 0);
	assert_int_equal(pki_server_new(&key, &pem[1], buf_span(&ca_key), buf_span(&pem[0]), &names, INT64_C(1795000000) * NS_PER_S), 0);
	sweep("trust", trusting, pem);
	buf_free(&ca_key);
	buf_free(&key);
	buf_free(&pem[0]);
	buf_free(&pem[1]);
	sweep("system", system_things, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files),
		cmocka_unit_test(a_failed_write_changes_nothing),
		cmocka_unit_test(the_rest),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
