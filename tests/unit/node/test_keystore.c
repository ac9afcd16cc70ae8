/* Every private key of the node by its row: table, files and their mode, pairs that belong together, what a crash left, damage, the list. */
#include "cm.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/folder.h"
#include "node/keys.h"
#include "node/keystore.h"
#include "os/memvfs.h"

#define DIR "plant"
#define NOW (INT64_C(1795000000) * NS_PER_S)

static struct vfs *v;
static struct uuid id;
static struct pki_names names;
static struct keystore ks;

static int setup(void **state)
{
	(void)state;
	if (memvfs_new(&v, 1) != 0 || vfs_mkdir(v, DIR, false) != 0 || vfs_mkdir(v, DIR "/secrets", true) != 0)
		return 1;
	const struct folder_identity who = {.id = id, .made_ns = NOW};
	const struct keys_who w = {.vfs = v, .dir = DIR, .name = "Plant", .id = &id, .now_ns = NOW};
	names = (struct pki_names){0};
	keys_names(&names, "moru.example", "127.0.0.1", NULL);
	ks = (struct keystore){.vfs = v, .dir = DIR};
	return folder_write_identity(v, DIR, &who, NULL) || keys_make(&w, &names, NULL);
}

static int teardown(void **state)
{
	(void)state;
	vfs_free(v);
	return 0;
}

static void slurp(struct buf *to, const char *path)
{
	uint8_t *p = NULL;
	size_t n = 0;
	buf_init(to, 0);
	assert_int_equal(vfs_slurp(v, &p, &n, path, 1 << 16, NULL), 0);
	buf_add(to, span_of(p, n));
	free(p);
}

static void store(const char *path, const struct buf *b) { assert_int_equal(vfs_replace(v, path, buf_span(b), true, NULL), 0); }

static bool there(const char *path)
{
	struct vfs_stat st;
	return vfs_stat(v, path, &st) == 0;
}

static int load(enum key_purpose p, struct diag *d)
{
	struct buf key, crt;
	buf_init(&key, 0);
	buf_init(&crt, 0);
	*d = (struct diag){0};
	int err = keystore_load(&key, &crt, &ks, p, d);
	assert_int_equal(err == 0 ? crt.n > 0 : 0, err == 0 && keystore_row(p)->crt_file != NULL);
	keystore_wipe(&key);
	buf_free(&crt);
	return err;
}

/* Another private half beside the public one: what the certificate is compared with does not change. */
static void damage(const char *path)
{
	struct buf pem;
	slurp(&pem, path);
	/* PKCS8 of P-256 in PEM: bytes 36..67 are the private half (RFC 5915), so base64 characters 48..91 hold no more than that and its edges. */
	size_t line = span_find(buf_span(&pem), 0, '\n') + 1;
	uint8_t *c = pem.p + line + 60;
	*c = *c == 'A' ? 'B' : 'A';
	store(path, &pem);
	buf_free(&pem);
}

static void the_table(void **state)
{
	static const char *const known[KEY_PURPOSES] = {"signing", "ca", "server"};
	struct diag d;
	(void)state;
	for (unsigned i = 0; i < KEY_PURPOSES; i++) {
		const struct key_row *r = keystore_row((enum key_purpose)i);
		assert_string_equal(r->name, known[i]);
		assert_true(strncmp(r->key_file, "secrets/", 8) == 0 && strcmp(r->algorithm, "P-256") == 0 && r->in_backups);
		assert_true(!r->crt_file || strncmp(r->crt_file, "tls/", 4) == 0);
		assert_true(r->renewal == KEY_STAYS || r->next_file);
		assert_int_equal(load((enum key_purpose)i, &d), 0);
	}
	assert_null(keystore_row(KEY_PURPOSES));
}

static void pairs_belong_together(void **state)
{
	struct diag d;
	struct buf ca, server;
	(void)state;
	slurp(&ca, DIR "/secrets/ca.key");
	slurp(&server, DIR "/secrets/server.key");
	store(DIR "/secrets/server.key", &ca);
	assert_int_equal(load(KEY_SERVER, &d), MO_EINVAL);
	assert_int_equal(d.msg, MSG_PKI_KEY_OTHER);
	/* The power went before the rename: the next one is its own, and takes its place. */
	store(DIR "/secrets/server.next", &server);
	assert_int_equal(load(KEY_SERVER, &d), 0);
	assert_false(there(DIR "/secrets/server.next"));
	assert_int_equal(load(KEY_SERVER, &d), 0);
	assert_int_equal(vfs_unlink(v, DIR "/secrets/server.key"), 0);
	assert_int_equal(load(KEY_SERVER, &d), MO_ENOENT);
	buf_free(&ca);
	buf_free(&server);
}

static void damaged_keys(void **state)
{
	struct diag d;
	struct buf was, aside, nothing;
	(void)state;
	for (unsigned i = 0; i < KEY_PURPOSES; i++) {
		char path[64];
		snprintf(path, sizeof path, DIR "/%s", keystore_row((enum key_purpose)i)->key_file);
		damage(path);
		assert_int_equal(load((enum key_purpose)i, &d), MO_ECORRUPT);
		assert_int_equal(d.msg, MSG_PKI_KEY_DAMAGED);
		assert_string_equal(d.file, path);
	}
	/* The server's can be made anew: it is set aside, not overwritten, and told. */
	struct keys_who w = {.vfs = v, .dir = DIR, .name = "Plant", .id = &id, .now_ns = NOW};
	struct keys_pair *p = calloc(1, sizeof *p);
	bool made = false;
	assert_int_equal(keys_own(p, &made, &w, &names, &d), MO_EINVAL); /* by a damaged CA nothing is made */
	assert_true(there(DIR "/secrets/server.key"));
	teardown(NULL);
	assert_int_equal(setup(NULL), 0);
	w.vfs = v;
	damage(DIR "/secrets/server.key");
	slurp(&was, DIR "/secrets/server.key");
	assert_int_equal(keys_own(p, &made, &w, &names, &d), 0);
	assert_true(made && p->set_aside);
	slurp(&aside, DIR "/secrets/server.key.bad");
	assert_true(span_eq(buf_span(&was), buf_span(&aside)));
	keys_free(p);
	assert_int_equal(keys_own(p, &made, &w, &names, &d), 0);
	assert_false(made || p->set_aside);
	keys_free(p);
	free(p);
	buf_init(&nothing, 0);
	buf_adds(&nothing, "no key");
	store(DIR "/secrets/server.key", &nothing);
	assert_int_equal(load(KEY_SERVER, &d), MO_ECORRUPT);
	buf_free(&nothing);
	buf_free(&was);
	buf_free(&aside);
}

static void the_list(void **state)
{
	static struct key_listed l[KEY_PURPOSES];
	static const uint8_t zero[32];
	(void)state;
	assert_int_equal(keystore_list(l, &ks, NULL), 0);
	for (unsigned i = 0; i < KEY_PURPOSES; i++) {
		assert_true(l[i].good && l[i].purpose == i && l[i].certified == (i != KEY_SIGNING));
		assert_memory_not_equal(l[i].info.sha256, zero, 32);
	}
	assert_true(l[KEY_CA].info.ca && !l[KEY_SERVER].info.ca && pki_names_equal(&l[KEY_SERVER].info.names, &names));
	damage(DIR "/secrets/ca.key");
	assert_int_equal(vfs_unlink(v, DIR "/secrets/key.pem"), 0);
	assert_int_equal(keystore_list(l, &ks, NULL), 0);
	assert_true(!l[KEY_CA].good && l[KEY_CA].why.msg == MSG_PKI_KEY_DAMAGED && l[KEY_CA].info.subject[0]);
	assert_true(!l[KEY_SIGNING].good && l[KEY_SIGNING].why.msg == MSG_NONE && l[KEY_SERVER].good);
}

/* On a real disk: for its owner alone, also after a replacement. */
static void mode_0600(void **state)
{
	char dir[] = "/tmp/moru-keystore-XXXXXX", path[128];
	struct vfs *real = NULL;
	struct stat st;
	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(vfs_real(&real), 0);
	snprintf(path, sizeof path, "%s/secrets", dir);
	assert_int_equal(vfs_mkdir(real, path, true), 0);
	const struct keystore at = {.vfs = real, .dir = dir};
	for (unsigned twice = 0; twice < 2; twice++)
		for (unsigned i = 0; i < KEY_PURPOSES; i++) {
			const struct key_row *r = keystore_row((enum key_purpose)i);
			assert_int_equal(keystore_put(&at, (enum key_purpose)i, SPAN_LIT("key"), SPAN_LIT("crt"), NULL), 0);
			snprintf(path, sizeof path, "%s/%s", dir, r->key_file);
			assert_int_equal(stat(path, &st), 0);
			assert_int_equal(st.st_mode & 0777, 0600);
		}
	for (unsigned i = 0; i < KEY_PURPOSES; i++) {
		const struct key_row *r = keystore_row((enum key_purpose)i);
		snprintf(path, sizeof path, "%s/%s", dir, r->key_file);
		assert_int_equal(unlink(path), 0);
		snprintf(path, sizeof path, "%s/%s", dir, r->crt_file ? r->crt_file : "");
		if (r->crt_file)
			assert_int_equal(unlink(path), 0);
	}
	snprintf(path, sizeof path, "%s/secrets", dir);
	assert_int_equal(rmdir(path), 0);
	snprintf(path, sizeof path, "%s/tls", dir);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(rmdir(dir), 0);
	vfs_free(real);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_table, setup, teardown),
		cmocka_unit_test_setup_teardown(pairs_belong_together, setup, teardown),
		cmocka_unit_test_setup_teardown(damaged_keys, setup, teardown),
		cmocka_unit_test_setup_teardown(the_list, setup, teardown),
		cmocka_unit_test(mode_0600),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
