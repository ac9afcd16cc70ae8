/* See folder.h. `format` is written last: a folder without it is half-made and init makes it whole. */
#include "node/folder.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/civil.h"
#include "base/num.h"
#include "codec/json.h"
#include "codec/text.h"
#include "node/keys.h"
#include "node/keystore.h"
#include "store/store.h"

#define FOLDER_FILE_MAX (64u << 10)

char *folder_path(const struct folder *f, const char *name) { return vfs_join(f->path, name); }

static int write_file(struct vfs *vfs, const char *dir, const char *name, struct span content, bool secret, struct diag *d)
{
	char *path = vfs_join(dir, name);
	if (!path)
		return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	int err = vfs_replace(vfs, path, content, secret, d);
	free(path);
	return err;
}

static int make_dir(struct vfs *vfs, const char *dir, const char *name, bool secret, struct diag *d)
{
	char *path = vfs_join(dir, name);
	if (!path)
		return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	int err = vfs_mkdir(vfs, path, secret);
	if (err != 0) {
		diag_set(d, err, MSG_FOLDER_MAKE);
		diag_file(d, path);
	}
	free(path);
	return err;
}

static bool exists(struct vfs *vfs, const char *dir, const char *name)
{
	char *path = vfs_join(dir, name);
	struct vfs_stat st;
	bool is = path && vfs_stat(vfs, path, &st) == 0;
	free(path);
	return is;
}

int folder_write_identity(struct vfs *vfs, const char *path, const struct folder_identity *who, struct diag *d)
{
	struct signkey *key = NULL;
	struct buf pem, der, json;
	buf_init(&pem, 0);
	buf_init(&der, 0);
	buf_init(&json, 0);
	int err = signkey_new(&key);
	if (err == 0)
		err = signkey_write(key, &pem);
	if (err == 0)
		err = signkey_public(key, &der);
	if (err == 0)
		err = keystore_put(&(struct keystore){.vfs = vfs, .dir = path}, KEY_SIGNING, buf_span(&pem), span_of("", 0), d);
	if (err == 0) {
		char text[UUID_TEXT], iri[UUID_TEXT + 9];
		uuid_format(text, &who->id);
		snprintf(iri, sizeof iri, "urn:uuid:%s", text);
		struct buf b64;
		buf_init(&b64, 0);
		base64url_encode(&b64, buf_span(&der));
		struct json_writer w;
		json_writer_init(&w, &json);
		jw_object(&w);
		jw_key(&w, "id");
		jw_cstr(&w, text);
		jw_key(&w, "iri_base");
		jw_cstr(&w, who->iri_base ? who->iri_base : iri);
		jw_key(&w, "public_key");
		jw_str(&w, buf_span(&b64));
		jw_key(&w, "demo");
		jw_bool(&w, who->demo);
		jw_key(&w, "demo_start");
		jw_time(&w, who->demo ? who->demo_start_ns : T_NONE);
		jw_key(&w, "made");
		jw_time(&w, who->made_ns);
		if (!uuid_is_nil(&who->origin)) {
			uuid_format(text, &who->origin);
			jw_key(&w, "origin");
			jw_cstr(&w, text);
		}
		jw_object_end(&w);
		buf_addc(&json, '\n');
		err = b64.err ? b64.err : json.err;
		buf_free(&b64);
	}
	if (err == 0)
		err = write_file(vfs, path, "node.json", buf_span(&json), false, d);
	signkey_free(key);
	if (pem.p)
		explicit_bzero(pem.p, pem.n);
	buf_free(&pem);
	buf_free(&der);
	buf_free(&json);
	if (err != 0 && d && d->msg == MSG_NONE) {
		diag_set(d, err, err == MO_ENOMEM ? MSG_OUT_OF_MEMORY : MSG_FOLDER_MAKE);
		diag_file(d, path);
	}
	return err;
}

/* The node's identity: kept when a half-made folder already has a key. */
static int make_identity(struct vfs *vfs, const char *path, const struct folder_init *opt, struct diag *d)
{
	struct folder_identity who = {.made_ns = opt->now_ns, .demo = opt->demo, .demo_start_ns = opt->demo_start_ns};
	int err = os_uuid(&who.id, opt->now_ns);
	return err == 0 ? folder_write_identity(vfs, path, &who, d) : err;
}

static int make_store(struct vfs *vfs, const char *path, struct diag *d)
{
	char *db = vfs_join(path, "store.db");
	if (!db)
		return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	struct store *s = NULL;
	int err = store_open(&s, vfs, db, d);
	store_close(s);
	free(db);
	return err;
}

static int sync_parent(struct vfs *vfs, const char *path)
{
	char *parent = vfs_parent(path);
	int err = parent ? vfs_sync_dir(vfs, parent) : MO_ENOMEM;
	free(parent);
	return err;
}

/* Why the node's folder itself was not made, as far as that can be told. Gives err. */
static int cannot_make(struct vfs *vfs, const char *path, int err, struct diag *d)
{
	struct vfs_stat st;
	char *parent = vfs_parent(path);
	if (vfs_stat(vfs, path, &st) == 0 && !st.is_dir)
		diag_set(d, err, MSG_FOLDER_IS_FILE);
	else if (parent && (vfs_stat(vfs, parent, &st) != 0 || !st.is_dir) && err == MO_ENOENT)
		diag_set(d, err, MSG_FOLDER_NO_PARENT);
	else
		diag_set(d, err, err == MO_EDENIED ? MSG_FOLDER_DENIED : MSG_FOLDER_MAKE);
	diag_file(d, path);
	if (parent)
		diag_text(d, 0, span_str(parent));
	free(parent);
	return err;
}

static int read_identity(struct folder *f, struct diag *d)
{
	const struct keystore keys = {.vfs = f->vfs, .dir = f->path};
	char *path = folder_path(f, "node.json");
	uint8_t *text = NULL;
	size_t n = 0;
	struct buf pem, none;
	buf_init(&pem, 0);
	buf_init(&none, 0);
	struct arena a;
	arena_init(&a, 1 << 20);
	struct json_value *root;
	struct span id;
	int err = path ? vfs_slurp(f->vfs, &text, &n, path, FOLDER_FILE_MAX, d) : diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	if (err == 0 && (err = json_parse(&root, &a, span_of(text, n), d)) == 0) {
		err = json_get_str(root, "id", &id, d);
		if (err == 0)
			err = uuid_parse(&f->id, id);
		if (err == 0)
			err = json_get_bool(root, "demo", &f->demo, d);
		if (err == 0)
			err = json_get_time(root, "made", &f->made_ns, d);
		if (err == 0 && f->demo)
			err = json_get_time(root, "demo_start", &f->demo_start_ns, d);
		if (err != 0) {
			err = diag_set(d, MO_ECORRUPT, MSG_FOLDER_READ);
			diag_file(d, path);
		}
	} else if (err != 0) {
		diag_file(d, path);
	}
	if (err == 0)
		err = keystore_load(&pem, &none, &keys, KEY_SIGNING, d);
	if (err == 0 && (err = signkey_read(&f->key, buf_span(&pem))) != 0) {
		diag_set(d, err, MSG_FOLDER_READ);
		diag_file(d, keystore_row(KEY_SIGNING)->key_file);
	}
	arena_free(&a);
	free(text);
	keystore_wipe(&pem);
	buf_free(&none);
	free(path);
	return err;
}

/* CA and server certificate, for the id that the folder has by now. */
static int make_keys(struct vfs *vfs, const char *path, const struct settings *s, int64_t now_ns, struct diag *d)
{
	struct folder *f = calloc(1, sizeof *f);
	struct pki_names *names = malloc(sizeof *names);
	int err = MO_ENOMEM;
	if (f && names && (f->path = strdup(path))) {
		f->vfs = vfs;
		err = read_identity(f, d);
	}
	if (err == 0) {
		struct keys_who w = {.vfs = vfs, .dir = path, .name = s->name, .id = &f->id, .now_ns = now_ns};
		keys_names(names, s->names, s->address, NULL);
		err = keys_make(&w, names, d);
	} else if (err == MO_ENOMEM) {
		diag_set(d, err, MSG_OUT_OF_MEMORY);
	}
	folder_close(f);
	free(names);
	return err;
}

/* What a new folder is set to. */
static void first_settings(struct settings *s, const struct folder_init *opt)
{
	bool ko = strcmp(opt->lang, "ko") == 0;
	settings_defaults(s);
	diag_copy(s->lang, sizeof s->lang, span_str(opt->lang));
	diag_copy(s->name, sizeof s->name, span_str(opt->name ? opt->name : ko ? "우리 공장" : "Our factory"));
	diag_copy(s->firm, sizeof s->firm, span_str(opt->firm ? opt->firm : "OWN"));
	if (opt->zone)
		diag_copy(s->zone, sizeof s->zone, span_str(opt->zone));
	if (opt->port)
		s->port = opt->port;
	s->sync_delay_ms = opt->sync_delay_ms;
}

int folder_init(struct vfs *vfs, const char *path, const struct folder_init *opt, struct diag *d)
{
	if (exists(vfs, path, "format")) {
		diag_set(d, MO_EEXIST, MSG_FOLDER_EXISTS);
		diag_file(d, path);
		return MO_EEXIST;
	}
	struct settings s;
	first_settings(&s, opt);
	int err = vfs_mkdir(vfs, path, false);
	if (err != 0)
		return cannot_make(vfs, path, err, d);
	static const struct {
		const char *name;
		bool secret;
	} dirs[] = {{"secrets", true}, {"series", false}, {"blobs", false}, {"inbox", false}, {"run", false}};
	for (size_t i = 0; i < sizeof dirs / sizeof *dirs && err == 0; i++)
		err = make_dir(vfs, path, dirs[i].name, dirs[i].secret, d);
	if (err == 0 && !exists(vfs, path, "node.json"))
		err = make_identity(vfs, path, opt, d);
	if (err == 0 && !exists(vfs, path, "moru.yaml")) {
		struct buf b;
		buf_init(&b, 0);
		settings_write(&b, &s, opt->lang, opt->demo);
		err = b.err ? b.err : write_file(vfs, path, "moru.yaml", buf_span(&b), false, d);
		buf_free(&b);
	}
	if (err == 0)
		err = make_keys(vfs, path, &s, opt->now_ns, d);
	if (err == 0)
		err = make_store(vfs, path, d);
	if (err == 0)
		err = vfs_sync_dir(vfs, path);
	/* The folder's own name, too: without it all that lies in it is gone after a power cut. */
	if (err == 0)
		err = sync_parent(vfs, path);
	if (err == 0) {
		char text[32];
		int n = snprintf(text, sizeof text, "moru %d\n", FOLDER_FORMAT);
		err = write_file(vfs, path, "format", span_of(text, (size_t)n), false, d);
	}
	if (err != 0 && d && d->msg == MSG_NONE) {
		diag_set(d, err, err == MO_ENOMEM ? MSG_OUT_OF_MEMORY : MSG_FOLDER_MAKE);
		diag_file(d, path);
	}
	return err;
}

/* "moru N", alone in the file; N >= 1. */
static bool format_version(struct span text, int64_t *ret)
{
	static const char word[] = "moru ";
	size_t skip = sizeof word - 1;
	text = span_trim(text);
	return span_starts(text, word) && num_i64(ret, span_sub(text, skip, text.n - skip)) == 0 && *ret >= 1;
}

static int read_format(struct folder *f, struct diag *d)
{
	char *path = folder_path(f, "format");
	uint8_t *text = NULL;
	size_t n = 0;
	if (!path)
		return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	int err = vfs_slurp(f->vfs, &text, &n, path, FOLDER_FILE_MAX, NULL);
	int64_t version = 0;
	if (err == MO_ENOENT) {
		diag_set(d, MO_ENOENT, MSG_FOLDER_NONE);
	} else if (err != 0) {
		diag_set(d, err, MSG_FOLDER_READ);
	} else if (!format_version(span_of(text, n), &version)) {
		err = diag_set(d, MO_ECORRUPT, MSG_FOLDER_READ);
	} else if (version > FOLDER_FORMAT) {
		err = diag_set(d, MO_EVERSION, MSG_FOLDER_NEWER);
		diag_int(d, 0, version);
		diag_int(d, 1, FOLDER_FORMAT);
	}
	if (err != 0)
		diag_file(d, f->path);
	free(text);
	free(path);
	return err;
}

int folder_open(struct folder **ret, struct vfs *vfs, const char *path, bool lock, struct diag *d)
{
	struct folder *f = calloc(1, sizeof *f);
	if (!f)
		return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	f->vfs = vfs;
	f->path = strdup(path);
	int err = f->path ? read_format(f, d) : diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	if (err == 0 && lock) {
		char *p = folder_path(f, "lock");
		err = p ? vfs->ops->lock(vfs, &f->lock, p) : MO_ENOMEM;
		if (err != 0) {
			diag_set(d, err, err == MO_EBUSY ? MSG_FOLDER_BUSY : MSG_FOLDER_READ);
			diag_file(d, path);
		}
		free(p);
	}
	if (err == 0)
		err = read_identity(f, d);
	if (err == 0) {
		char *p = folder_path(f, "moru.yaml");
		err = p ? settings_read(&f->settings, vfs, p, f->demo, d) : diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
		free(p);
	}
	if (err != 0) {
		folder_close(f);
		return err;
	}
	*ret = f;
	return 0;
}

void folder_close(struct folder *f)
{
	if (!f)
		return;
	vfs_close(f->lock);
	signkey_free(f->key);
	free(f->path);
	free(f);
}

int folder_is_inside(bool *ret, struct vfs *vfs, const char *path)
{
	struct vfs_stat st;
	size_t n = strlen(path);
	bool inside = false;
	char *at = malloc(n + sizeof "/node.json");
	if (!at)
		return MO_ENOMEM;
	while (n > 0 && !inside) {
		memcpy(at, path, n);
		memcpy(at + n, "/node.json", sizeof "/node.json");
		inside = vfs_stat(vfs, at, &st) == 0;
		while (n > 0 && path[n - 1] != '/')
			n--;
		while (n > 0 && path[n - 1] == '/')
			n--;
	}
	free(at);
	*ret = inside;
	return 0;
}
