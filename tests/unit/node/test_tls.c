/* A running node looks at its certificate by itself when a day has passed, and may end while it does. */
#include "cm.h"

#include "node/keys.h"
#include "node/priv/node.h"
#include "os/clock.h"
#include "rig.h"

#include <stdlib.h>

static struct rig r;

static void put(const char *name, struct span content, bool secret)
{
	char *path = vfs_join(r.dir, name);
	assert_int_equal(vfs_replace(r.vfs, path, content, secret, NULL), 0);
	free(path);
}

static void get(struct buf *to, const char *name)
{
	uint8_t *p = NULL;
	size_t n = 0;
	char *path = vfs_join(r.dir, name);
	buf_init(to, 0);
	assert_int_equal(vfs_slurp(r.vfs, &p, &n, path, 1 << 16, NULL), 0);
	buf_add(to, span_of(p, n));
	free(p);
	free(path);
}

static int setup(void **state)
{
	(void)state;
	rig_init(&r);
	put("moru.yaml", SPAN_LIT("lang: en\ntls: {mode: own}\n"), false);
	rig_start(&r);
	return r.status;
}

static int teardown(void **state)
{
	(void)state;
	rig_stop(&r);
	rig_free(&r);
	return 0;
}

/* What the node would make by itself, but 380 days ago. */
static void put_old(void)
{
	struct buf ca_key, ca, key, crt;
	struct pki_names *names = calloc(1, sizeof *names);
	get(&ca_key, "secrets/ca.key");
	get(&ca, "tls/ca.crt");
	buf_init(&key, 0);
	buf_init(&crt, 0);
	keys_names(names, "", "127.0.0.1", NULL);
	assert_int_equal(pki_server_new(&key, &crt, buf_span(&ca_key), buf_span(&ca), names, wall_now() - 380 * NS_PER_DAY), 0);
	put("secrets/server.key", buf_span(&key), true);
	put("tls/server.crt", buf_span(&crt), false);
	buf_free(&ca_key);
	buf_free(&ca);
	buf_free(&key);
	buf_free(&crt);
	free(names);
}

static void tick_now(void *arg)
{
	(void)arg;
	node_tls_tick(r.n->tls, mono_now());
}

static void tick_tomorrow(void *arg)
{
	(void)arg;
	node_tls_tick(r.n->tls, mono_now() + NODE_TLS_CHECK_NS);
}

static void expires(void *arg) { *(int64_t *)arg = node_tls_expires(r.n); }

static void a_day_has_passed(void **state)
{
	int64_t before, after = 0;
	(void)state;
	rig_on_loop(&r, expires, &before);
	assert_true(before - wall_now() > 395 * NS_PER_DAY);
	put_old();
	rig_on_loop(&r, tick_now, NULL);
	assert_false(rig_said(&r, MSG_TLS_MADE, NULL, 200 * NS_PER_MS));
	rig_on_loop(&r, tick_tomorrow, NULL);
	assert_true(rig_said(&r, MSG_TLS_MADE, NULL, 5 * NS_PER_S));
	/* Taken by the loop a moment after it was said; its end is a whole second's, so wait for another certificate by its file's. */
	struct buf crt;
	struct pki_info *info = calloc(1, sizeof *info);
	get(&crt, "tls/server.crt");
	assert_int_equal(pki_cert_info(info, buf_span(&crt), 0, "", NULL), 0);
	for (int i = 0; i < 500 && after != info->not_after_ns; i++) {
		mono_sleep(5 * NS_PER_MS);
		rig_on_loop(&r, expires, &after);
	}
	assert_true(after == info->not_after_ns);
	buf_free(&crt);
	free(info);
}

static void it_may_end_meanwhile(void **state)
{
	(void)state;
	put_old();
	rig_on_loop(&r, tick_tomorrow, NULL); /* and teardown stops it at once */
}

static atomic_int machine_err, machine_more;

static int machine(struct address_list *ret)
{
	*ret = (struct address_list){.n = 1, .text = {"10.1.2.3"}};
	if (atomic_load(&machine_more))
		strcpy(ret->text[ret->n++], "10.1.2.4");
	return atomic_load(&machine_err);
}

static int setup_machine(void **state)
{
	atomic_store(&machine_err, 0);
	atomic_store(&machine_more, 0);
	return setup(state);
}

/* As if it listened on all addresses, which a test of this kind does not. */
static void listen_on_all(void *arg)
{
	(void)arg;
	strcpy(r.n->address, "0.0.0.0");
	r.n->opt.machine = machine;
}

static void tick_soon(void *arg)
{
	(void)arg;
	static int64_t later;
	later += NODE_TLS_MACHINE_NS;
	node_tls_tick(r.n->tls, mono_now() + later);
}

static void has_both(void *arg) { *(bool *)arg = node_has_name(r.n, SPAN_LIT("10.1.2.3")) && node_has_name(r.n, SPAN_LIT("10.1.2.4")); }

static void addresses_that_come_later(void **state)
{
	bool both = false;
	(void)state;
	rig_on_loop(&r, listen_on_all, NULL);
	rig_on_loop(&r, tick_soon, NULL);
	assert_true(rig_said(&r, MSG_TLS_MADE, NULL, 5 * NS_PER_S));
	rig_on_loop(&r, has_both, &both);
	assert_false(both);
	atomic_store(&machine_more, 1);
	for (int i = 0; i < 500 && !both; i++) {
		rig_on_loop(&r, tick_soon, NULL);
		mono_sleep(5 * NS_PER_MS);
		rig_on_loop(&r, has_both, &both);
	}
	assert_true(both);
	/* Unknown: said once, and not at each look. */
	atomic_store(&machine_err, MO_EIO);
	for (int i = 0; i < 3; i++)
		rig_on_loop(&r, tick_soon, NULL);
	assert_true(rig_said(&r, MSG_TLS_NO_ADDRESSES, NULL, 5 * NS_PER_S));
	unsigned said = 0;
	pthread_mutex_lock(&r.mu);
	for (unsigned i = 0; i < r.n_said; i++)
		said += r.said[i] == MSG_TLS_NO_ADDRESSES;
	pthread_mutex_unlock(&r.mu);
	assert_int_equal(said, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(a_day_has_passed, setup, teardown),
		cmocka_unit_test_setup_teardown(it_may_end_meanwhile, setup, teardown),
		cmocka_unit_test_setup_teardown(addresses_that_come_later, setup_machine, teardown)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
