/* See keystore.h. */
#include "node/keystore.h"

#include <stdio.h>
#include <stdlib.h>

#include "os/crypto.h"

#define P256 "P-256"

static const struct key_row rows[KEY_PURPOSES] = {
	[KEY_SIGNING] = {"signing", "sign", P256, "secrets/key.pem", NULL, NULL, KEY_STAYS, true},
	[KEY_CA] = {"ca", "issue", P256, "secrets/ca.key", NULL, "tls/ca.crt", KEY_STAYS, true},
	[KEY_SERVER] = {"server", "serve", P256, "secrets/server.key", "secrets/server.next", "tls/server.crt", KEY_ANEW_BEFORE_END, true},
};

const struct key_row *keystore_row(enum key_purpose p) { return (unsigned)p < KEY_PURPOSES ? &rows[p] : NULL; }
const char *keystore_renewal_name(enum key_renewal r) { return r == KEY_STAYS ? "stays" : "anew_before_end"; }

static int no_memory(struct diag *d) { return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY); }

void keystore_wipe(struct buf *key)
{
	if (key->p)
		crypto_wipe(key->p, key->cap);
	buf_free(key);
}

/* ---- files ---- */

static int failed(int err, enum mo_msg msg, const char *file, struct diag *d)
{
	(void)diag_set(d, err, err == MO_ENOMEM ? MSG_OUT_OF_MEMORY : msg);
	diag_file(d, file);
	return err;
}

/* MO_ENOENT says nothing: the caller knows what that means. */
static int slurp(struct buf *to, const struct keystore *ks, const char *path, struct diag *d)
{
	uint8_t *p = NULL;
	size_t n = 0;
	int err = vfs_slurp(ks->vfs, &p, &n, path, PKI_PEM_MAX_BYTES, d);
	if (err == 0) {
		buf_add(to, span_of(p, n));
		err = to->err;
		crypto_wipe(p, n);
	}
	free(p);
	return err == MO_ENOMEM ? no_memory(d) : err;
}

static int put(const struct keystore *ks, const char *name, struct span content, bool secret, struct diag *d)
{
	char *path = vfs_join(ks->dir, name);
	int err = path ? vfs_replace(ks->vfs, path, content, secret, d) : no_memory(d);
	free(path);
	return err;
}

static int move(const struct keystore *ks, const char *from, const char *to, struct diag *d)
{
	char *a = vfs_join(ks->dir, from), *b = vfs_join(ks->dir, to), *dir = b ? vfs_parent(b) : NULL;
	int err = a && b && dir ? vfs_rename(ks->vfs, a, b) : MO_ENOMEM;
	if (err == 0)
		err = vfs_sync_dir(ks->vfs, dir);
	if (err != 0)
		(void)failed(err, MSG_FOLDER_MAKE, b ? b : to, d);
	free(a);
	free(b);
	free(dir);
	return err;
}

/* The folder of a certificate, whose own name has to be durable before anything in it is believed. */
static int make_dir(const struct keystore *ks, const char *file, struct diag *d)
{
	char *path = vfs_join(ks->dir, file), *dir = path ? vfs_parent(path) : NULL;
	int err = dir ? vfs_mkdir(ks->vfs, dir, false) : MO_ENOMEM;
	if (err == 0)
		err = vfs_sync_dir(ks->vfs, ks->dir);
	if (err != 0)
		(void)failed(err, MSG_FOLDER_MAKE, dir ? dir : ks->dir, d);
	free(path);
	free(dir);
	return err;
}

int keystore_has_crt(bool *ret, const struct keystore *ks, enum key_purpose p, struct diag *d)
{
	char *path = vfs_join(ks->dir, rows[p].crt_file);
	struct vfs_stat st;
	int err = path ? vfs_stat(ks->vfs, path, &st) : MO_ENOMEM;
	*ret = err == 0;
	if (err == MO_ENOENT)
		err = 0; /* only "there is none" may be answered by making one */
	if (err != 0)
		(void)failed(err, MSG_FOLDER_READ, path ? path : rows[p].crt_file, d);
	free(path);
	return err;
}

/* ---- reading ---- */

static int load_key(struct buf *key, const struct buf *crt, const struct keystore *ks, const struct key_row *row, const char *name, const char *crt_file,
	struct diag *d)
{
	char *path = vfs_join(ks->dir, name);
	int err = path ? slurp(key, ks, path, d) : no_memory(d);
	if (err == 0 && ((err = pki_key_check(buf_span(key), path, d)) == MO_EINVAL || err == MO_ELIMIT))
		err = MO_ECORRUPT;
	if (err == 0 && row->crt_file)
		err = pki_key_fits(buf_span(key), path, buf_span(crt), crt_file, d);
	free(path);
	return err;
}

/* The certificate's own key, or that which a crash kept from being renamed. What is wrong with the first is told where the second does not help. */
static int find_key(struct buf *key, const struct buf *crt, const struct keystore *ks, const struct key_row *row, const char *crt_file, struct diag *d)
{
	int err = load_key(key, crt, ks, row, row->key_file, crt_file, d);
	if (!row->next_file || (err != MO_ENOENT && err != MO_EINVAL && err != MO_ELIMIT && err != MO_ECORRUPT))
		return err;
	buf_reset(key);
	int other = load_key(key, crt, ks, row, row->next_file, crt_file, NULL);
	if (other == 0)
		return move(ks, row->next_file, row->key_file, d);
	return other == MO_ENOMEM ? no_memory(d) : err;
}

int keystore_load(struct buf *key, struct buf *crt, const struct keystore *ks, enum key_purpose p, struct diag *d)
{
	const struct key_row *row = &rows[p];
	char *path = row->crt_file ? vfs_join(ks->dir, row->crt_file) : NULL;
	struct pki_info *info = calloc(1, sizeof *info);
	int err = info && (path || !row->crt_file) ? 0 : no_memory(d);
	if (err == 0 && path)
		err = slurp(crt, ks, path, d);
	if (err == 0 && path)
		err = pki_cert_info(info, buf_span(crt), 0, path, d);
	if (err == 0)
		err = find_key(key, crt, ks, row, path ? path : "", d);
	free(info);
	free(path);
	return err;
}

/* ---- writing ---- */

int keystore_put(const struct keystore *ks, enum key_purpose p, struct span key, struct span crt, struct diag *d)
{
	const struct key_row *row = &rows[p];
	int err = row->crt_file ? make_dir(ks, row->crt_file, d) : 0;
	if (err == 0)
		err = put(ks, row->next_file ? row->next_file : row->key_file, key, true, d);
	if (err == 0 && row->crt_file)
		err = put(ks, row->crt_file, crt, false, d);
	if (err == 0 && row->next_file)
		err = move(ks, row->next_file, row->key_file, d);
	return err;
}

int keystore_set_aside(const struct keystore *ks, enum key_purpose p, struct diag *d)
{
	char bad[64];
	snprintf(bad, sizeof bad, "%s.bad", rows[p].key_file);
	int err = move(ks, rows[p].key_file, bad, d);
	return err == MO_ENOENT ? 0 : err;
}

/* ---- listing ---- */

static int public_digest(uint8_t out[32], struct span key)
{
	struct signkey *k = NULL;
	struct buf der;
	buf_init(&der, 0);
	int err = signkey_read(&k, key);
	if (err == 0)
		err = signkey_public(k, &der);
	if (err == 0)
		err = sha256_of(out, buf_span(&der));
	signkey_free(k);
	buf_free(&der);
	return err;
}

int keystore_list(struct key_listed ret[KEY_PURPOSES], const struct keystore *ks, struct diag *d)
{
	for (unsigned i = 0; i < KEY_PURPOSES; i++) {
		struct key_listed *l = &ret[i];
		struct buf key, crt;
		buf_init(&key, 0);
		buf_init(&crt, 0);
		*l = (struct key_listed){.purpose = (enum key_purpose)i, .certified = rows[i].crt_file != NULL};
		int err = keystore_load(&key, &crt, ks, l->purpose, &l->why);
		l->good = err == 0;
		if (crt.n && pki_cert_info(&l->info, buf_span(&crt), 0, rows[i].crt_file, NULL) == MO_ENOMEM)
			err = MO_ENOMEM;
		if (err == 0 && !l->certified)
			err = public_digest(l->info.sha256, buf_span(&key));
		keystore_wipe(&key);
		buf_free(&crt);
		if (err == MO_ENOMEM)
			return no_memory(d);
		if (err == MO_ENOENT)
			diag_clear(&l->why);
	}
	return 0;
}
