/* See people.h and priv/people.h. The memory is the rows of person and people with names opened; it is loaded when the store is opened and follows
 * the writer. */
#include "store/priv/people.h"

#include <stdlib.h>

#include "os/crypto.h"

#define CODE_TRIES 1000u

static int nomem(struct diag *d) { return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY); }

static int told(struct diag *d, int err, const char *operation, const char *path)
{
	if (err == MO_ENOMEM)
		return nomem(d);
	diag_set(d, err, MSG_STORE_FAILED);
	diag_file(d, path);
	diag_text(d, 0, span_str(operation));
	diag_text(d, 1, span_str(mo_err_name(err)));
	return err;
}

static void clear(struct subject *s)
{
	if (s->name)
		crypto_wipe(s->name, s->name_n);
	free(s->name);
	s->name = NULL;
	s->name_n = 0;
	crypto_wipe(s->key, sizeof s->key);
	s->has_key = false;
}

static void drop(struct subject *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		clear(&v[i]);
	free(v);
}

void people_close(struct people *p)
{
	if (!p)
		return;
	drop(p->v, p->n);
	map_free(&p->by_code);
	map_free(&p->by_name);
	free(p->dir);
	free(p->file);
	free(p->bad);
	crypto_wipe(p->salt, sizeof p->salt);
	pthread_mutex_destroy(&p->mu);
	free(p);
}

static int reserve(struct people *p)
{
	if (p->n < p->cap)
		return 0;
	size_t cap = p->cap ? 2 * p->cap : 16;
	struct subject *v = calloc(cap, sizeof *v); /* not realloc: the old ones are wiped */
	if (!v)
		return MO_ENOMEM;
	if (p->n)
		memcpy(v, p->v, p->n * sizeof *v);
	if (p->v)
		crypto_wipe(p->v, p->n * sizeof *v);
	free(p->v);
	p->v = v;
	p->cap = cap;
	return 0;
}

/* ---- the file ---- */

/* What could be saved stays in memory and goes into a new file; the damaged one is kept beside it until the next erasure. */
static int set_aside(struct people *p, struct span file, struct diag *d)
{
	int err = vfs_replace(p->vfs, p->bad, file, true, d);
	if (err)
		return err;
	p->damaged = p->dirty = true;
	return people_keep(p, d);
}

static int read_file(struct people *p, struct diag *d)
{
	uint8_t *text = NULL;
	size_t n = 0, n_keys = 0;
	struct people_key *keys = NULL;
	bool damaged = false;
	int err = vfs_slurp(p->vfs, &text, &n, p->file, PEOPLE_FILE_MAX, NULL);
	if (err == MO_ENOENT)
		return 0;
	if (err == MO_ELIMIT)
		err = MO_ECORRUPT; /* no file of ours is so long; its head is looked at no further */
	else if (!err)
		err = people_keys_read(&keys, &n_keys, &damaged, span_of(text, n));
	if (err == MO_ECORRUPT) {
		damaged = true;
		err = 0;
	}
	for (size_t i = 0; i < n_keys && !err; i++) {
		if ((err = reserve(p)))
			break;
		struct subject *s = &p->v[p->n++];
		s->uuid = keys[i].person;
		memcpy(s->key, keys[i].key, AEAD_KEY);
		s->has_key = true;
	}
	if (err == MO_EVERSION) {
		diag_set(d, err, MSG_STORE_PEOPLE_NEWER);
		diag_file(d, p->file);
	} else if (err) {
		told(d, err, "read", p->file);
	} else if (damaged) {
		err = set_aside(p, span_of(text, text ? n : 0), d);
	}
	people_keys_free(keys, n_keys);
	if (text)
		crypto_wipe(text, n);
	free(text);
	return err;
}

int people_keep(struct people *p, struct diag *d)
{
	struct buf b;
	size_t n = 0;
	if (!p->dirty)
		return 0;
	struct people_key *keys = calloc(p->n ? p->n : 1, sizeof *keys);
	if (!keys)
		return nomem(d);
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].has_key) {
			keys[n].person = p->v[i].uuid;
			memcpy(keys[n++].key, p->v[i].key, AEAD_KEY);
		}
	buf_init(&b, 0);
	int err = buf_reserve(&b, PEOPLE_HEAD + n * PEOPLE_ENTRY + 32) ? people_keys_write(&b, keys, n) : MO_ENOMEM; /* it must not move */
	char *folder = vfs_parent(p->file);
	if (!err && !folder)
		err = MO_ENOMEM;
	if (!err && !(err = vfs_mkdir(p->vfs, folder, true)))
		err = vfs_sync_dir(p->vfs, p->dir);
	if (err)
		told(d, err, "write", p->file);
	else
		err = vfs_replace(p->vfs, p->file, buf_span(&b), true, d);
	if (!err)
		p->dirty = false;
	if (b.p)
		crypto_wipe(b.p, b.cap);
	buf_free(&b);
	people_keys_free(keys, n);
	free(folder);
	return err;
}

int people_open(struct people **ret, struct vfs *vfs, const char *dir, struct diag *d)
{
	struct people *p = calloc(1, sizeof *p);
	if (!p)
		return nomem(d);
	pthread_mutex_init(&p->mu, NULL);
	map_init(&p->by_code);
	map_init(&p->by_name);
	p->vfs = vfs;
	p->dir = strdup(dir);
	p->file = vfs_join(dir, PEOPLE_FILE);
	p->bad = vfs_join(dir, PEOPLE_BAD);
	int err = p->dir && p->file && p->bad ? 0 : nomem(d);
	if (!err && (err = os_random(p->salt, sizeof p->salt)))
		told(d, err, "random", p->file);
	if (!err)
		err = read_file(p, d);
	if (err)
		people_close(p);
	else
		*ret = p;
	return err;
}

/* ---- the memory ---- */

static int name_key(const struct people *p, uint8_t out[32], struct span name) { return aead_hmac(out, p->salt, name); }

static int index_code(struct people *p, size_t i) { return map_put(&p->by_code, span_str(p->v[i].code), i); }

static int index_name(struct people *p, size_t i)
{
	uint8_t key[32];
	if (!p->v[i].name)
		return 0;
	int err = name_key(p, key, span_of(p->v[i].name, p->v[i].name_n));
	return err ? err : map_put(&p->by_name, span_of(key, sizeof key), i);
}

static int set_name(struct subject *s, struct span name)
{
	char *copy = malloc(name.n + 1);
	if (!copy)
		return MO_ENOMEM;
	memcpy(copy, name.p, name.n);
	copy[name.n] = 0;
	s->name = copy;
	s->name_n = name.n;
	return 0;
}

/* "moru person name" and the person's id: a name moved to another row does not open. */
#define ABOUT_NAME 32u
static struct span about_name(uint8_t out[ABOUT_NAME], const struct uuid *u)
{
	memcpy(out, "moru person name", 16);
	memcpy(out + 16, u->b, 16);
	return span_of(out, ABOUT_NAME);
}

int people_seal_name(const struct subject *s, struct span name, struct buf *out)
{
	uint8_t about[ABOUT_NAME];
	return aead_seal(out, s->key, about_name(about, &s->uuid), name);
}

/* One row of the table into s. A name that does not open is one whose key is lost. */
static int load_row(struct people *p, const struct map *keys, sqlite3_stmt *st, struct subject *s)
{
	struct span uuid = db_col_bytes(st, 1), code = db_col_text(st, 2), sealed = db_col_bytes(st, 3);
	uint8_t about[ABOUT_NAME];
	struct buf name;
	int err = 0;
	s->row = sqlite3_column_int64(st, 0);
	if (uuid.n != sizeof s->uuid.b || code.n >= sizeof s->code)
		return MO_ECORRUPT;
	memcpy(s->uuid.b, uuid.p, uuid.n);
	memcpy(s->code, code.p, code.n);
	s->sealed = sealed.n > 0;
	const uint64_t *at = s->sealed ? map_get(keys, uuid) : NULL;
	if (!at)
		return 0;
	memcpy(s->key, p->v[*at].key, AEAD_KEY);
	s->has_key = true;
	buf_init(&name, 0);
	err = aead_open(&name, s->key, about_name(about, &s->uuid), sealed);
	if (!err)
		err = set_name(s, buf_span(&name));
	if (name.p)
		crypto_wipe(name.p, name.cap);
	buf_free(&name);
	return err == MO_ECORRUPT ? 0 : err;
}

static int load_rows(struct people *p, struct people *to, struct db *db, struct diag *d)
{
	static const char sql[] = "SELECT p.id, p.uuid, p.code, n.sealed FROM person p LEFT JOIN people n ON n.person=p.id ORDER BY p.id";
	sqlite3_stmt *st = NULL;
	struct map keys;
	map_init(&keys);
	int err = 0, row;
	for (size_t i = 0; i < p->n && !err; i++)
		if (p->v[i].has_key)
			err = map_put(&keys, span_of(p->v[i].uuid.b, sizeof p->v[i].uuid.b), i);
	if (err) {
		nomem(d);
		goto out;
	}
	int rc = sqlite3_prepare_v2(db->sq, sql, -1, &st, NULL);
	if (rc != SQLITE_OK) {
		err = db_error(db, rc, "prepare", d);
		goto out;
	}
	while (!err && (row = db_step(db, st, d)) != 0) {
		if (row < 0) {
			err = row;
			break;
		}
		if ((err = reserve(to)) || (err = load_row(p, &keys, st, &to->v[to->n++])) || (err = index_code(to, to->n - 1)) ||
			(err = index_name(to, to->n - 1)))
			told(d, err, "people", db->path);
	}
out:
	sqlite3_finalize(st);
	map_free(&keys);
	return err;
}

int people_load(struct people *p, struct db *db, struct diag *d)
{
	struct people to = {.vfs = p->vfs};
	memcpy(to.salt, p->salt, sizeof to.salt);
	map_init(&to.by_code);
	map_init(&to.by_name);
	int err = load_rows(p, &to, db, d);
	if (!err) {
		struct people was = *p;
		pthread_mutex_lock(&p->mu);
		p->v = to.v;
		p->n = to.n;
		p->cap = to.cap;
		p->by_code = to.by_code;
		p->by_name = to.by_name;
		pthread_mutex_unlock(&p->mu);
		p->stale = false;
		to.v = was.v;
		to.n = was.n;
		to.by_code = was.by_code;
		to.by_name = was.by_name;
	}
	drop(to.v, to.n);
	map_free(&to.by_code);
	map_free(&to.by_name);
	crypto_wipe(to.salt, sizeof to.salt);
	return err;
}

struct subject *people_by_code(struct people *p, struct span code)
{
	const uint64_t *at = map_get(&p->by_code, code);
	return at && *at < p->n ? &p->v[*at] : NULL;
}

struct subject *people_by_name(struct people *p, struct span name, int *err)
{
	uint8_t key[32];
	*err = name_key(p, key, name);
	const uint64_t *at = *err ? NULL : map_get(&p->by_name, span_of(key, sizeof key));
	struct subject *s = at && *at < p->n ? &p->v[*at] : NULL;
	return s && s->name && span_eq(span_of(s->name, s->name_n), name) ? s : NULL;
}

int people_new_code(struct people *p, char ret[PSEUDONYM_TEXT])
{
	static const char letters[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
	for (unsigned i = 0; i < CODE_TRIES; i++) {
		uint8_t r[4];
		int err = os_random(r, sizeof r);
		if (err)
			return err;
		memcpy(ret, "P-", 2);
		for (size_t k = 0; k < sizeof r; k++)
			ret[2 + k] = letters[r[k] % 32];
		ret[6] = 0;
		struct span code = span_str(ret);
		int found = 0;
		if (!map_get(&p->by_code, code) && !people_by_name(p, code, &found)) /* nor anybody's name: it would not be told from it */
			return found;
	}
	return MO_ELIMIT;
}

int people_add(struct people *p, const struct uuid *uuid, struct span name, struct subject **ret, struct diag *d)
{
	struct subject s = {.uuid = *uuid, .has_key = true, .sealed = true};
	size_t keys = 0;
	for (size_t i = 0; i < p->n; i++)
		keys += p->v[i].has_key;
	if (keys >= PEOPLE_MAX) {
		diag_set(d, MO_ELIMIT, MSG_STORE_PEOPLE_MANY);
		diag_int(d, 0, PEOPLE_MAX);
		return MO_ELIMIT;
	}
	int err = people_new_code(p, s.code);
	if (!err && !(err = os_random(s.key, sizeof s.key)))
		err = set_name(&s, name);
	pthread_mutex_lock(&p->mu);
	if (!err && !(err = reserve(p))) {
		p->v[p->n] = s;
		if (!(err = index_code(p, p->n)) && !(err = index_name(p, p->n)))
			*ret = &p->v[p->n++];
		else
			map_remove(&p->by_code, span_str(s.code));
	}
	pthread_mutex_unlock(&p->mu);
	if (err) {
		clear(&s);
		return told(d, err, "people", p->file);
	}
	crypto_wipe(s.key, sizeof s.key);
	p->added++;
	p->dirty = true;
	return 0;
}

void people_forget(struct people *p, struct subject *s)
{
	uint8_t key[32];
	pthread_mutex_lock(&p->mu);
	if (s->name && name_key(p, key, span_of(s->name, s->name_n)) == 0)
		map_remove(&p->by_name, span_of(key, sizeof key));
	/* Without memory for the digest the entry stays, and leads to nobody of that name: callers look at the name. */
	clear(s);
	s->sealed = false;
	pthread_mutex_unlock(&p->mu);
	p->dirty = true;
}

/* ---- asking ---- */

int people_name(struct people *p, struct span pseudonym, struct buf *out)
{
	pthread_mutex_lock(&p->mu);
	const struct subject *s = people_by_code(p, pseudonym);
	int err = s && s->name ? 0 : MO_ENOENT;
	if (!err) {
		buf_add(out, span_of(s->name, s->name_n));
		err = out->err;
	}
	pthread_mutex_unlock(&p->mu);
	return err;
}

static int key_of(struct people *p, struct span pseudonym, uint8_t ret[AEAD_KEY])
{
	pthread_mutex_lock(&p->mu);
	const struct subject *s = people_by_code(p, pseudonym);
	int err = s && s->has_key ? 0 : MO_ENOENT;
	if (!err)
		memcpy(ret, s->key, AEAD_KEY);
	pthread_mutex_unlock(&p->mu);
	return err;
}

int people_text(struct people *p, struct span pseudonym, struct span about, struct span sealed, struct buf *out)
{
	uint8_t key[AEAD_KEY];
	int err = key_of(p, pseudonym, key);
	if (!err)
		err = aead_open(out, key, about, sealed);
	crypto_wipe(key, sizeof key);
	return err;
}

int people_file_key(struct people *p, struct span pseudonym, const uint8_t head[SEALED_HEAD], uint8_t ret[AEAD_KEY])
{
	uint8_t key[AEAD_KEY];
	int err = key_of(p, pseudonym, key);
	if (!err)
		err = sealed_key(ret, key, head);
	crypto_wipe(key, sizeof key);
	return err;
}

size_t people_keyless(struct people *p, bool *ret_damaged)
{
	size_t n = 0;
	pthread_mutex_lock(&p->mu);
	for (size_t i = 0; i < p->n; i++)
		n += p->v[i].sealed && !p->v[i].name;
	*ret_damaged = p->damaged;
	pthread_mutex_unlock(&p->mu);
	return n;
}

/* ---- what the migration calls ---- */

static void answer_error(sqlite3_context *ctx, int err)
{
	if (err == MO_ENOMEM)
		sqlite3_result_error_nomem(ctx);
	else
		sqlite3_result_error_code(ctx, err == MO_EFULL ? SQLITE_FULL : SQLITE_IOERR);
}

static void person_sealed(sqlite3_context *ctx, int n, sqlite3_value **args)
{
	struct people *p = sqlite3_user_data(ctx);
	struct uuid u;
	struct subject *s = NULL;
	struct buf b;
	(void)n;
	buf_init(&b, 0);
	const void *id = sqlite3_value_blob(args[0]), *text = sqlite3_value_text(args[1]);
	struct span name = span_of(text, text ? (size_t)sqlite3_value_bytes(args[1]) : 0);
	int err = id && text && sqlite3_value_bytes(args[0]) == (int)sizeof u.b ? 0 : MO_ENOMEM; /* the schema allows neither NULL nor another length */
	if (!err) {
		memcpy(u.b, id, sizeof u.b);
		/* The key of an attempt that was killed before its commit sealed nothing. */
		for (size_t i = 0; i < p->n; i++)
			if (uuid_eq(&p->v[i].uuid, &u))
				people_forget(p, &p->v[i]);
		err = people_add(p, &u, name, &s, NULL);
	}
	/* One who was called like a pseudonym must not have somebody else's records. */
	if (!err && people_is_pseudonym(name))
		err = map_put(&p->by_code, name, (uint64_t)(s - p->v));
	if (!err)
		err = people_seal_name(s, name, &b);
	if (err)
		answer_error(ctx, err);
	else
		sqlite3_result_blob64(ctx, b.p, b.n, SQLITE_TRANSIENT);
	buf_free(&b);
}

static void person_code(sqlite3_context *ctx, int n, sqlite3_value **args)
{
	struct people *p = sqlite3_user_data(ctx);
	const void *id = sqlite3_value_blob(args[0]);
	(void)n;
	for (size_t i = 0; id && i < p->n; i++)
		if (p->v[i].has_key && memcmp(p->v[i].uuid.b, id, sizeof p->v[i].uuid.b) == 0) {
			sqlite3_result_text(ctx, p->v[i].code, -1, SQLITE_TRANSIENT);
			return;
		}
	sqlite3_result_error_nomem(ctx);
}

static void person_keys_keep(sqlite3_context *ctx, int n, sqlite3_value **args)
{
	(void)n, (void)args;
	int err = people_keep(sqlite3_user_data(ctx), NULL);
	if (err)
		answer_error(ctx, err);
	else
		sqlite3_result_null(ctx);
}

int people_functions(struct people *p, struct db *db, struct diag *d)
{
	int flags = SQLITE_UTF8 | SQLITE_DIRECTONLY;
	int rc = sqlite3_create_function_v2(db->sq, "person_sealed", 2, flags, p, person_sealed, NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_create_function_v2(db->sq, "person_code", 1, flags, p, person_code, NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_create_function_v2(db->sq, "person_keys_keep", 0, flags, p, person_keys_keep, NULL, NULL, NULL);
	return rc == SQLITE_OK ? 0 : db_error(db, rc, "open", d);
}
