#include "node/keys.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "node/keystore.h"
#include "os/address.h"
#include "os/crypto.h"

#define NAME_CHARS 40u /* of the factory's name in the CA's, which takes 64 in all */

static void no_memory(struct diag *d) { (void)diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY); }

void keys_free(struct keys_pair *p)
{
	buf_free(&p->chain);
	keystore_wipe(&p->key);
}

/* What may fail is one name more or less. */
static void add(struct pki_names *to, struct span name)
{
	if (pki_names_add(to, name) != 0)
		return;
}

void keys_names(struct pki_names *ret, const char *list, const char *address, const struct address_list *machine)
{
	char host[PKI_NAME_MAX];
	*ret = (struct pki_names){0};
	add(ret, SPAN_LIT("localhost"));
	add(ret, SPAN_LIT("127.0.0.1"));
	add(ret, SPAN_LIT("::1"));
	if (address_hostname(host, sizeof host) == 0)
		add(ret, span_str(host));
	bool all = address_read(address, NULL, 0) == ADDRESS_ANY;
	if (!all && strcmp(address, "") != 0)
		add(ret, span_str(address));
	int err = pki_names_add_list(ret, span_str(list));
	if (err == MO_ELIMIT)
		return;
	/* Last, so that what somebody wrote down is never crowded out. */
	for (size_t i = 0; all && machine && i < machine->n; i++)
		if ((strchr(machine->text[i], ':') != NULL) == (strchr(address, ':') != NULL))
			add(ret, span_str(machine->text[i]));
}

static struct keystore files(const struct keys_who *w) { return (struct keystore){.vfs = w->vfs, .dir = w->dir}; }

/* A file that somebody gave. */
static int slurp(struct buf *to, const struct keys_who *w, const char *path, struct diag *d)
{
	uint8_t *p = NULL;
	size_t n = 0;
	int err = vfs_slurp(w->vfs, &p, &n, path, PKI_PEM_MAX_BYTES, d);
	if (err == 0) {
		buf_add(to, span_of(p, n));
		err = to->err;
		crypto_wipe(p, n);
	}
	free(p);
	if (err == MO_ENOMEM)
		no_memory(d);
	return err;
}

/* "우리 공장 (a1b2c3d4e5f6)": the factory as people call it, and the random end of its node's id, for two that are called alike. */
static void ca_name(char *out, size_t size, const struct keys_who *w)
{
	char id[UUID_TEXT];
	struct span name = span_str(w->name);
	size_t at = 0;
	uint32_t cp;
	for (unsigned i = 0; i < NAME_CHARS; i++) {
		int n = utf8_next(span_sub(name, at, name.n), &cp);
		if (n <= 0)
			break;
		at += (size_t)n;
	}
	uuid_format(id, w->id);
	snprintf(out, size, "%.*s (%s)", at ? (int)at : 4, at ? w->name : "Moru", id + strlen(id) - 12);
}

struct ca {
	struct buf key, crt;
};

static int make_ca(struct ca *ca, const struct keys_who *w, struct diag *d)
{
	char name[4 * NAME_CHARS + 32];
	ca_name(name, sizeof name, w);
	int err = pki_ca_new(&ca->key, &ca->crt, span_str(name), w->now_ns);
	if (err != 0)
		(void)diag_set(d, err, err == MO_ENOMEM ? MSG_OUT_OF_MEMORY : MSG_KEYS_MAKE);
	const struct keystore ks = files(w);
	return err == 0 ? keystore_put(&ks, KEY_CA, buf_span(&ca->key), buf_span(&ca->crt), d) : err;
}

/* Both, belonging together, valid now. */
static int read_ca(struct ca *ca, const struct keys_who *w, struct diag *d)
{
	const struct key_row *row = keystore_row(KEY_CA);
	const struct keystore ks = files(w);
	struct pki_info *info = calloc(1, sizeof *info);
	char *crt_file = vfs_join(w->dir, row->crt_file), *key_file = vfs_join(w->dir, row->key_file);
	int err = info && crt_file && key_file ? 0 : MO_ENOMEM;
	if (err != 0)
		no_memory(d);
	if (err == 0 && (err = keystore_load(&ca->key, &ca->crt, &ks, KEY_CA, d)) == MO_ENOENT) {
		err = diag_set(d, MO_EINVAL, MSG_KEYS_NO_CA_KEY);
		diag_file(d, key_file);
		diag_text(d, 0, span_str(crt_file));
	}
	if (err == 0)
		err = pki_cert_info(info, buf_span(&ca->crt), 0, crt_file, d);
	if (err == 0)
		err = pki_valid_at(info, w->now_ns, crt_file, d);
	free(info);
	free(crt_file);
	free(key_file);
	return err == MO_ECORRUPT ? MO_EINVAL : err;
}

static void free_ca(struct ca *ca)
{
	keystore_wipe(&ca->key);
	buf_free(&ca->crt);
}

static int make_server(struct keys_pair *p, const struct ca *ca, const struct keys_who *w, const struct pki_names *names, struct diag *d)
{
	int err = pki_server_new(&p->key, &p->chain, buf_span(&ca->key), buf_span(&ca->crt), names, w->now_ns);
	if (err != 0) {
		char *ca_file = vfs_join(w->dir, keystore_row(KEY_CA)->crt_file); /* signing with it is what may fail */
		(void)diag_set(d, err, err == MO_ENOMEM ? MSG_OUT_OF_MEMORY : MSG_KEYS_MAKE);
		if (err != MO_ENOMEM && ca_file)
			diag_file(d, ca_file);
		free(ca_file);
		return err;
	}
	const struct keystore ks = files(w);
	err = keystore_put(&ks, KEY_SERVER, buf_span(&p->key), buf_span(&p->chain), d);
	if (err == 0)
		err = pki_cert_info(&p->info, buf_span(&p->chain), 0, p->chain_file, d);
	return err;
}

static void begin(struct keys_pair *p)
{
	*p = (struct keys_pair){0};
	buf_init(&p->chain, 0);
	buf_init(&p->key, 0);
}

static int name_files(struct keys_pair *p, const struct keys_who *w, const char *chain, const char *key, struct diag *d)
{
	char *a = chain[0] == '/' ? strdup(chain) : vfs_join(w->dir, chain), *b = key[0] == '/' ? strdup(key) : vfs_join(w->dir, key);
	int err = 0;
	if (!a || !b) {
		err = MO_ENOMEM;
		no_memory(d);
	} else if (snprintf(p->chain_file, sizeof p->chain_file, "%s", a) >= (int)sizeof p->chain_file ||
		   snprintf(p->key_file, sizeof p->key_file, "%s", b) >= (int)sizeof p->key_file) {
		err = diag_set(d, MO_ELIMIT, MSG_FOLDER_READ);
		diag_file(d, a);
	}
	free(a);
	free(b);
	return err;
}

int keys_make(const struct keys_who *w, const struct pki_names *names, struct diag *d)
{
	bool ca_there, server_there;
	const struct keystore ks = files(w);
	int err = keystore_has_crt(&ca_there, &ks, KEY_CA, d);
	if (err == 0)
		err = keystore_has_crt(&server_there, &ks, KEY_SERVER, d);
	if (err != 0 || (ca_there && server_there))
		return err;
	struct ca ca;
	struct keys_pair p;
	begin(&p);
	buf_init(&ca.key, 0);
	buf_init(&ca.crt, 0);
	err = ca_there ? read_ca(&ca, w, d) : make_ca(&ca, w, d);
	if (err == 0)
		err = name_files(&p, w, keystore_row(KEY_SERVER)->crt_file, keystore_row(KEY_SERVER)->key_file, d);
	if (err == 0)
		err = make_server(&p, &ca, w, names, d);
	free_ca(&ca);
	keys_free(&p);
	return err;
}

/* 0: good until the next look; MO_ENOENT: the caller makes another; else an error with diag. */
static int judge(struct keys_pair *p, const struct ca *ca, const struct keys_who *w, const struct pki_names *names, struct diag *d)
{
	const struct keystore ks = files(w);
	int err = keystore_load(&p->key, &p->chain, &ks, KEY_SERVER, d);
	if (err == MO_ECORRUPT) { /* another can be made, but what is damaged is neither hidden nor overwritten */
		p->set_aside = true;
		err = keystore_set_aside(&ks, KEY_SERVER, d);
		return err ? err : MO_ENOENT;
	}
	if (err == 0)
		err = pki_cert_info(&p->info, buf_span(&p->chain), 0, p->chain_file, d);
	if (err == 0 && (err = pki_signed_by(buf_span(&p->chain), buf_span(&ca->crt))) == MO_ENOMEM)
		no_memory(d);
	if (err == MO_EINVAL || err == MO_ELIMIT)
		return MO_ENOENT;
	if (err != 0)
		return err;
	bool stale = !pki_names_equal(&p->info.names, names) || w->now_ns < p->info.not_before_ns || p->info.not_after_ns - w->now_ns < KEYS_RENEW_NS;
	return stale ? MO_ENOENT : 0;
}

int keys_own(struct keys_pair *ret, bool *ret_made, const struct keys_who *w, const struct pki_names *names, struct diag *d)
{
	struct keys_pair *p = malloc(sizeof *p);
	struct ca ca;
	*ret_made = false;
	buf_init(&ca.key, 0);
	buf_init(&ca.crt, 0);
	if (!p) {
		no_memory(d);
		return MO_ENOMEM;
	}
	begin(p);
	int err = name_files(p, w, keystore_row(KEY_SERVER)->crt_file, keystore_row(KEY_SERVER)->key_file, d);
	if (err == 0)
		err = keys_make(w, names, d);
	if (err == 0)
		err = read_ca(&ca, w, d);
	if (err == 0 && (err = judge(p, &ca, w, names, d)) == MO_ENOENT) {
		buf_reset(&p->chain);
		buf_reset(&p->key);
		err = make_server(p, &ca, w, names, d);
		*ret_made = err == 0;
	}
	free_ca(&ca);
	if (err == 0)
		*ret = *p;
	else
		keys_free(p);
	free(p);
	return err;
}

int keys_given(struct keys_pair *ret, const struct keys_who *w, const char *chain_path, const char *key_path, struct diag *d)
{
	struct keys_pair *p = malloc(sizeof *p);
	if (!p) {
		no_memory(d);
		return MO_ENOMEM;
	}
	begin(p);
	int err = name_files(p, w, chain_path, key_path, d);
	if (err == 0)
		err = slurp(&p->chain, w, p->chain_file, d);
	if (err == 0)
		err = slurp(&p->key, w, p->key_file, d);
	if (err == 0)
		err = pki_key_fits(buf_span(&p->key), p->key_file, buf_span(&p->chain), p->chain_file, d);
	if (err == 0)
		err = pki_cert_info(&p->info, buf_span(&p->chain), 0, p->chain_file, d);
	if (err == 0)
		*ret = *p;
	else
		keys_free(p);
	free(p);
	return err;
}

int keys_tls(struct http_tls **ret, const struct keys_pair *p, struct diag *d)
{
	struct http_tls_pem pem = {.chain = buf_span(&p->chain), .key = buf_span(&p->key), .chain_file = p->chain_file, .key_file = p->key_file};
	return http_tls_new(ret, &pem, d);
}
