#include "store/accounts.h"

#include "base/utf8.h"
#include "os/crypto.h"
#include "store/priv/impl.h"

int store_account_name_check(struct span name, struct diag *d)
{
	bool ok = name.n >= 1 && name.n <= ACCOUNT_NAME_MAX && utf8_valid(name) && span_trim(name).n == name.n;
	for (size_t i = 0; i < name.n && ok; i++)
		ok = name.p[i] >= 0x20 && name.p[i] != 0x7f && name.p[i] != ':' && name.p[i] != '/';
	if (ok)
		return 0;
	diag_set(d, MO_EINVAL, MSG_STORE_ACCOUNT_NAME);
	diag_field(d, SPAN_LIT("name"));
	diag_value(d, name);
	return MO_EINVAL;
}

struct found {
	int64_t id;
	enum role role;
	bool disabled;
};

static int find(struct store *s, struct span name, struct found *ret, struct diag *d)
{
	sqlite3_stmt *st;
	int err = db_use(&s->db, ST_ACCOUNT_FIND, ARGS(sarg_s(name)), &st, d);
	if (err)
		return err;
	if ((err = db_step(&s->db, st, d)) <= 0)
		return err ? err : MO_ENOENT;
	ret->id = sqlite3_column_int64(st, 0);
	if (role_parse(&ret->role, db_col_text(st, 1)))
		ret->role = ROLE_NONE; /* the column's CHECK lets none in */
	ret->disabled = sqlite3_column_type(st, 3) != SQLITE_NULL;
	sqlite3_reset(st);
	sqlite3_clear_bindings(st);
	return 0;
}

static int refuse(int err, enum mo_msg msg, struct span name, struct diag *d)
{
	diag_set(d, err, msg);
	diag_field(d, SPAN_LIT("name"));
	diag_value(d, name);
	return err;
}

/* Once there are accounts, one of them can give rights. */
static int owner_stays(struct store *s, struct span name, struct diag *d)
{
	int64_t id;
	int err = db_find(&s->db, ST_ACCOUNT_OWNER, NULL, 0, &id, d);
	return err == MO_ENOENT ? refuse(MO_ESTATE, MSG_STORE_LAST_OWNER, name, d) : err;
}

static int add(struct store *s, const struct store_account_put *a, struct store_account_got *ret, struct diag *d)
{
	int64_t first = 0;
	int err = db_find(&s->db, ST_ACCOUNT_FIRST, NULL, 0, &first, d);
	if (err && err != MO_ENOENT)
		return err;
	bool is_first = err == MO_ENOENT;
	ret->role = a->role ? a->role : is_first ? ROLE_OWNER : ROLE_READ_ONLY;
	ret->disabled = a->able == ACCOUNT_DISABLED;
	ret->did = STORE_NEW;
	if (is_first && (ret->role != ROLE_OWNER || ret->disabled))
		return refuse(MO_ESTATE, MSG_STORE_FIRST_OWNER, a->name, d);
	if ((err = store_text(a->hash, "password", ACCOUNT_HASH_MAX, d)))
		return err;
	err = db_run(&s->db, ST_ACCOUNT_ADD, ARGS(sarg_b(span_of(a->uuid.b, sizeof a->uuid.b)), sarg_s(a->name), sarg_c(role_name(ret->role)), sarg_s(a->hash),
		sarg_i(a->now_ns), ret->disabled ? sarg_i(a->now_ns) : sarg_null()), d);
	if (!err)
		ret->id = sqlite3_last_insert_rowid(s->db.sq);
	return err;
}

int store_account_put(struct store *s, const struct store_account_put *a, struct store_account_got *ret, struct diag *d)
{
	struct found was;
	struct store_account_got got = {0};
	int err = store_writing(s, d);
	if (err || (err = store_account_name_check(a->name, d)) || (a->hash.n && (err = store_text(a->hash, "password", ACCOUNT_HASH_MAX, d))))
		return err;
	store_saw(s, a->now_ns);
	err = find(s, a->name, &was, d);
	if (err == MO_ENOENT) {
		err = add(s, a, &got, d);
	} else if (!err) {
		got = (struct store_account_got){was.id, a->role ? a->role : was.role, a->able == ACCOUNT_AS_IT_IS ? was.disabled : a->able == ACCOUNT_DISABLED, STORE_SAME};
		if (a->hash.n || got.role != was.role || got.disabled != was.disabled) {
			got.did = STORE_CHANGED;
			err = db_run(&s->db, ST_ACCOUNT_UPDATE, ARGS(sarg_i(was.id), sarg_c(role_name(got.role)), sarg_said(a->hash), sarg_i(a->now_ns),
				got.disabled ? sarg_i(a->now_ns) : sarg_null()), d);
		}
		if (!err && (a->hash.n || (got.disabled && !was.disabled)))
			err = db_run(&s->db, ST_SESSIONS_DROP, ARGS(sarg_i(was.id)), d);
		if (!err && was.role == ROLE_OWNER)
			err = owner_stays(s, a->name, d);
	}
	if (!err)
		*ret = got;
	return err;
}

int store_account_drop(struct store *s, struct span name, int64_t *ret_id, struct diag *d)
{
	struct found was;
	int err = store_writing(s, d);
	if (err)
		return err;
	if ((err = find(s, name, &was, d)) == MO_ENOENT)
		return refuse(MO_ENOENT, MSG_STORE_ACCOUNT_MISSING, name, d);
	if (!err)
		err = db_run(&s->db, ST_SESSIONS_DROP, ARGS(sarg_i(was.id)), d);
	if (!err)
		err = db_run(&s->db, ST_ACCOUNT_DROP, ARGS(sarg_i(was.id)), d);
	if (!err && was.role == ROLE_OWNER)
		err = owner_stays(s, name, d);
	if (!err)
		*ret_id = was.id;
	return err;
}

/* ---- sessions ---- */

int store_session_put(struct store *s, const uint8_t key[KEY_BYTES], int64_t account, struct span hash, int64_t now_ns, int64_t expires_ns, struct diag *d)
{
	int64_t id;
	int err = store_writing(s, d);
	if (err)
		return err;
	store_saw(s, now_ns);
	if ((err = db_run(&s->db, ST_SESSIONS_PRUNE, ARGS(sarg_i(now_ns)), d)))
		return err;
	if ((err = db_find(&s->db, ST_SESSION_OF, ARGS(sarg_i(account), sarg_s(hash)), &id, d)))
		return err;
	return db_run(&s->db, ST_SESSION_ADD, ARGS(sarg_b(span_of(key, KEY_BYTES)), sarg_i(account), sarg_i(now_ns), sarg_i(expires_ns)), d);
}

int store_session_seen(struct store *s, const uint8_t key[KEY_BYTES], int64_t t_ns, struct diag *d)
{
	int err = store_writing(s, d);
	return err ? err : db_run(&s->db, ST_SESSION_SEEN, ARGS(sarg_b(span_of(key, KEY_BYTES)), sarg_i(t_ns)), d);
}

int store_session_drop(struct store *s, const uint8_t key[KEY_BYTES], struct diag *d)
{
	int err = store_writing(s, d);
	return err ? err : db_run(&s->db, ST_SESSION_DROP, ARGS(sarg_b(span_of(key, KEY_BYTES))), d);
}

/* ---- tokens ---- */

int store_token_put(struct store *s, const struct store_token *t, int64_t *ret_id, struct diag *d)
{
	struct buf list;
	int64_t id;
	int err = store_writing(s, d);
	if (err || (err = store_account_name_check(t->name, d)))
		return err;
	if ((t->role == ROLE_NONE) == (t->permissions == 0))
		return refuse(MO_EINVAL, MSG_STORE_TOKEN_RIGHTS, t->name, d);
	store_saw(s, t->now_ns);
	err = db_find(&s->db, ST_TOKEN_NAMED, ARGS(sarg_s(t->name)), &id, d);
	if (err != MO_ENOENT)
		return err ? err : refuse(MO_EEXIST, MSG_STORE_TOKEN_THERE, t->name, d);
	buf_init(&list, 0);
	permission_set_write(&list, t->permissions);
	err = list.err ? diag_set(d, list.err, MSG_OUT_OF_MEMORY) : db_run(&s->db, ST_TOKEN_ADD, ARGS(sarg_s(t->name), sarg_b(span_of(t->key, KEY_BYTES)),
		t->role ? sarg_c(role_name(t->role)) : sarg_null(), t->role ? sarg_null() : sarg_s(buf_span(&list)), sarg_s(t->maker), sarg_i(t->now_ns),
		sarg_t(t->expires_ns)), d);
	buf_free(&list);
	if (!err)
		*ret_id = sqlite3_last_insert_rowid(s->db.sq);
	return err;
}

int store_token_seen(struct store *s, int64_t id, int64_t t_ns, struct diag *d)
{
	int err = store_writing(s, d);
	return err ? err : db_run(&s->db, ST_TOKEN_SEEN, ARGS(sarg_i(id), sarg_i(t_ns)), d);
}

int store_token_revoke(struct store *s, int64_t id, int64_t now_ns, struct diag *d)
{
	int err = store_writing(s, d);
	if (err)
		return err;
	store_saw(s, now_ns);
	if ((err = db_run(&s->db, ST_TOKEN_REVOKE, ARGS(sarg_i(id), sarg_i(now_ns)), d)))
		return err;
	if (sqlite3_changes(s->db.sq))
		return 0;
	diag_set(d, MO_ENOENT, MSG_STORE_TOKEN_MISSING);
	diag_int(d, 0, id);
	return MO_ENOENT;
}
