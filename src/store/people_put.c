/* Rows of people: made at the doors, erased by an owner. See people.h. */
#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "codec/json.h"
#include "os/crypto.h"
#include "store/priv/impl.h"
#include "store/priv/migrations.h"

static int fresh(struct store *s, struct diag *d) { return s->people->stale ? people_load(s->people, &s->db, d) : 0; }

/* As people write a name on different machines, it is one: composed, without blanks around it. */
static int name_of(struct buf *out, struct span name, struct diag *d)
{
	buf_reset(out);
	utf8_compose_hangul(out, span_trim(name));
	return out->err ? diag_set(d, out->err, MSG_OUT_OF_MEMORY) : 0;
}

static void refer(struct person_ref *ret, const struct subject *p)
{
	ret->row = p->row;
	memcpy(ret->code, p->code, sizeof ret->code);
	memcpy(ret->key, p->key, sizeof ret->key);
	ret->has_key = p->has_key;
}

static int find(struct store *s, struct span name, struct subject **ret, struct diag *d)
{
	int err = fresh(s, d);
	if (err)
		return err;
	*ret = people_is_pseudonym(name) ? people_by_code(s->people, name) : NULL;
	if (!*ret && (*ret = people_by_name(s->people, name, &err), err))
		return diag_set(d, err, MSG_OUT_OF_MEMORY);
	return *ret ? 0 : MO_ENOENT;
}

int store_person_find(struct store *s, struct span name, struct person_ref *ret, struct diag *d)
{
	struct buf b;
	struct subject *p = NULL;
	*ret = (struct person_ref){0};
	if (!name.n)
		return 0;
	buf_init(&b, 0);
	int err = name_of(&b, name, d);
	if (!err && !(err = find(s, buf_span(&b), &p, d)))
		refer(ret, p);
	if (b.p)
		crypto_wipe(b.p, b.cap);
	buf_free(&b);
	return err;
}

static int add(struct store *s, struct span name, struct subject **ret, struct diag *d)
{
	struct uuid u;
	struct subject *p = NULL;
	struct buf sealed;
	buf_init(&sealed, 0);
	int err = store_uuid(s, &u, d);
	if (!err)
		err = people_add(s->people, &u, name, &p, d);
	if (!err && (err = people_seal_name(p, name, &sealed)))
		diag_set(d, err, err == MO_ENOMEM ? MSG_OUT_OF_MEMORY : MSG_STORE_FAILED);
	if (!err)
		err = db_run(&s->db, ST_PERSON_ADD, ARGS(sarg_b(span_of(u.b, sizeof u.b)), sarg_c(p->code)), d);
	if (!err) {
		p->row = sqlite3_last_insert_rowid(s->db.sq);
		err = db_run(&s->db, ST_PEOPLE_ADD, ARGS(sarg_i(p->row), sarg_b(buf_span(&sealed))), d);
	}
	if (err && p)
		s->people->stale = true;
	buf_free(&sealed);
	if (!err)
		*ret = p;
	return err;
}

int store_person_use(struct store *s, struct span name, struct person_ref *ret, struct diag *d)
{
	struct buf b;
	struct subject *p = NULL;
	*ret = (struct person_ref){0};
	if (!name.n)
		return 0;
	buf_init(&b, 0);
	int err = name_of(&b, name, d);
	if (!err && (err = find(s, buf_span(&b), &p, d)) == MO_ENOENT)
		err = add(s, buf_span(&b), &p, d);
	if (!err)
		refer(ret, p);
	if (b.p)
		crypto_wipe(b.p, b.cap);
	buf_free(&b);
	return err;
}

int store_person(struct store *s, struct span name, char ret[PSEUDONYM_TEXT], enum store_did *ret_did, struct diag *d)
{
	struct person_ref p;
	int err = store_writing(s, d);
	if (err || (err = store_text(span_trim(name), "name", RECORD_NAME_MAX, d)))
		return err;
	uint64_t before = s->people->added;
	if ((err = store_person_use(s, name, &p, d)))
		return err;
	crypto_wipe(p.key, sizeof p.key);
	memcpy(ret, p.code, sizeof p.code);
	*ret_did = s->people->added != before ? STORE_NEW : STORE_SAME;
	return 0;
}

int store_seal_text(struct buf *out, const struct person_ref *p, struct span ref, struct span text, struct span reason, struct diag *d)
{
	struct buf plain;
	struct json_writer w;
	buf_init(&plain, 0);
	json_writer_init(&w, &plain);
	jw_object(&w);
	jw_key(&w, "text");
	jw_str(&w, text);
	jw_key(&w, "reason");
	jw_str(&w, reason);
	jw_object_end(&w);
	int err = plain.err ? plain.err : aead_seal(out, p->key, ref, buf_span(&plain));
	if (err)
		diag_set(d, err, err == MO_ENOMEM ? MSG_OUT_OF_MEMORY : MSG_STORE_FAILED);
	if (plain.p)
		crypto_wipe(plain.p, plain.cap);
	buf_free(&plain);
	return err;
}

int store_person_keyless(const struct person_ref *p, const char *field, struct diag *d)
{
	diag_set(d, MO_EINVAL, MSG_STORE_PERSON_KEYLESS);
	diag_field(d, span_str(field));
	diag_value(d, span_str(p->code));
	return MO_EINVAL;
}

/* ---- erasing ---- */

static int missing(struct span pseudonym, struct diag *d)
{
	diag_set(d, MO_ENOENT, MSG_STORE_PERSON_MISSING);
	diag_value(d, pseudonym);
	return MO_ENOENT;
}

static int subject_of(struct store *s, struct span pseudonym, struct subject **ret, struct diag *d)
{
	int err = store_writing(s, d);
	if (err || (err = fresh(s, d)))
		return err;
	*ret = people_by_code(s->people, pseudonym);
	return *ret ? 0 : missing(pseudonym, d);
}

/* The evidence stays for ever, so what it says must not be what was erased. */
static int reason_ok(const struct subject *p, struct span reason, struct diag *d)
{
	struct buf b;
	buf_init(&b, 0);
	int err = store_text(reason, "reason", ERASE_REASON_MAX, d);
	if (!err && !(err = name_of(&b, reason, d)) && p->name && b.n >= p->name_n && memmem(b.p, b.n, p->name, p->name_n)) {
		diag_set(d, MO_EINVAL, MSG_STORE_ERASE_REASON);
		diag_field(d, SPAN_LIT("reason"));
		err = MO_EINVAL;
	}
	if (b.p)
		crypto_wipe(b.p, b.cap);
	buf_free(&b);
	return err;
}

int store_erase_begin(struct store *s, const struct store_erase *e, struct diag *d)
{
	struct subject *p = NULL;
	int64_t there = 0;
	struct buf json;
	struct json_writer w;
	int err = subject_of(s, e->pseudonym, &p, d);
	if (err || (err = reason_ok(p, e->reason, d)))
		return err;
	store_saw(s, e->now_ns);
	err = db_find(&s->db, ST_ERASURE_FIND, ARGS(sarg_i(p->row)), &there, d);
	if (err != MO_ENOENT)
		return err;
	if ((err = db_run(&s->db, ST_ERASURE_ADD, ARGS(sarg_i(p->row), sarg_i(e->now_ns), sarg_s(e->who), sarg_s(e->reason), sarg_id(e->searched)), d)))
		return err;
	int64_t row = sqlite3_last_insert_rowid(s->db.sq);
	if ((err = db_run(&s->db, ST_ERASURE_TARGETS, ARGS(sarg_i(row)), d)))
		return err;
	for (size_t i = 0; i < e->n_found; i++)
		if ((err = db_run(&s->db, ST_ERASURE_FOUND, ARGS(sarg_i(row), sarg_i((int64_t)i), sarg_c(e->found[i].object), sarg_c(e->found[i].key),
			sarg_c(e->found[i].field)), d)))
			return err;
	buf_init(&json, 0);
	json_writer_init(&w, &json);
	jw_object(&w);
	jw_key(&w, "reason");
	jw_str(&w, e->reason);
	jw_object_end(&w);
	err = json.err ? diag_set(d, json.err, MSG_OUT_OF_MEMORY) : store_audit(s, e->now_ns, e->who, SPAN_LIT("person.erase"), e->pseudonym, buf_span(&json), d);
	buf_free(&json);
	return err;
}

/* 1: it was there. */
static int unlink_one(struct vfs *vfs, const char *path, struct diag *d)
{
	int err = vfs_unlink(vfs, path);
	if (err == MO_ENOENT)
		return 0;
	if (err) {
		diag_set(d, err, err == MO_ENOMEM ? MSG_OUT_OF_MEMORY : MSG_STORE_FAILED);
		diag_file(d, path);
		diag_text(d, 0, SPAN_LIT("unlink"));
		diag_text(d, 1, span_str(mo_err_name(err)));
		return err;
	}
	return 1;
}

/* Copies from before names were sealed, whole or half, and a damaged file of keys: they hold what is erased. */
static int drop_copies(struct store *s, int64_t *ret_n, struct diag *d)
{
	struct people *p = s->people;
	size_t size = strlen(s->db.path) + 32;
	char *path = malloc(size), *folder = vfs_parent(p->file);
	int n = path && folder ? 0 : diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	*ret_n = 0;
	for (unsigned v = 1; n >= 0 && v < 2 * STORE_VERSION_PEOPLE - 1; v++) {
		snprintf(path, size, v % 2 ? "%s.v%u" : "%s.v%u.tmp", s->db.path, (v + 1) / 2);
		if ((n = unlink_one(p->vfs, path, d)) > 0)
			*ret_n += 1;
	}
	if (n >= 0)
		n = unlink_one(p->vfs, p->bad, d);
	int err = n < 0 ? n : 0;
	if (!err && *ret_n)
		err = vfs_sync_dir(p->vfs, s->db.dir);
	if (!err && n > 0)
		err = vfs_sync_dir(p->vfs, folder);
	if (n >= 0 && err)
		diag_set(d, err, err == MO_ENOMEM ? MSG_OUT_OF_MEMORY : MSG_STORE_FAILED);
	free(path);
	free(folder);
	return err;
}

int store_erase_end(struct store *s, struct span pseudonym, int64_t now_ns, struct diag *d)
{
	struct subject *p = NULL;
	int64_t done = 0, copies = 0;
	int err = subject_of(s, pseudonym, &p, d);
	if (err)
		return err;
	store_saw(s, now_ns);
	int64_t row = p->row;
	if ((err = db_find(&s->db, ST_ERASURE_FIND, ARGS(sarg_i(row)), &done, d)))
		return err == MO_ENOENT ? missing(pseudonym, d) : err;
	if (done)
		return 0;
	people_forget(s->people, p);
	if ((err = people_keep(s->people, d)) || (err = drop_copies(s, &copies, d)) || (err = db_run(&s->db, ST_PEOPLE_DROP, ARGS(sarg_i(row)), d)))
		return err;
	return db_run(&s->db, ST_ERASURE_DONE, ARGS(sarg_i(row), sarg_i(now_ns), sarg_i(copies)), d);
}

/* A full disk must not keep the node from starting: the name is out of its memory, and the next start, or whoever asks again, does the rest. */
int store_erase_resume(struct store *s, struct diag *d)
{
	sqlite3_stmt *st;
	for (;;) {
		char code[PSEUDONYM_TEXT] = "";
		int err = db_use(&s->db, ST_ERASURE_OPEN, NULL, 0, &st, d);
		if (err || (err = db_step(&s->db, st, d)) <= 0)
			return err;
		struct span found = db_col_text(st, 0);
		if (found.n < sizeof code)
			memcpy(code, found.p, found.n);
		sqlite3_reset(st);
		if ((err = store_begin(s, d)))
			return err;
		if ((err = store_erase_end(s, span_str(code), s->now_ns, d))) {
			store_rollback(s);
			if (err == MO_EFULL)
				diag_clear(d);
			return err == MO_EFULL ? 0 : err;
		}
		if ((err = store_commit(s, d)))
			return err;
	}
}

int store_target_put(struct store *s, struct span target, const struct people_key *keys, size_t n, int64_t now_ns, struct diag *d)
{
	sqlite3_stmt *st;
	int64_t erasure = 0;
	int err = store_writing(s, d);
	if (err || (err = store_text(target, "target", 4096, d)))
		return err;
	store_saw(s, now_ns);
	if ((err = db_run(&s->db, ST_TARGET_PUT, ARGS(sarg_s(target), sarg_i(now_ns)), d)))
		return err;
	for (;;) {
		struct uuid u = {{0}};
		bool there = false;
		if ((err = db_use(&s->db, ST_TARGET_WAITS, ARGS(sarg_s(target), sarg_i(erasure)), &st, d)) || (err = db_step(&s->db, st, d)) <= 0)
			return err;
		erasure = sqlite3_column_int64(st, 0);
		struct span id = db_col_bytes(st, 1);
		memcpy(u.b, id.p, id.n < sizeof u.b ? id.n : sizeof u.b);
		sqlite3_reset(st);
		sqlite3_clear_bindings(st);
		for (size_t i = 0; i < n; i++)
			there |= uuid_eq(&keys[i].person, &u);
		if (!there && (err = db_run(&s->db, ST_TARGET_DONE, ARGS(sarg_i(erasure), sarg_s(target), sarg_i(now_ns)), d)))
			return err;
	}
}

struct people *store_people(struct store *s) { return s->people; }
