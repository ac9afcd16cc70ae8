/* See accounts.h. `change` is held over a change of store and memory, so that
 * both see changes in one order; `mu` only while the memory is looked at. An
 * entry is made before the store's commit and wakes after it, so that nothing
 * can fail between the two. */
#include "node/accounts.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/utf8.h"
#include "codec/json.h"
#include "helper/wire.h"
#include "os/crypto.h"

#define SEEN_KEPT_NS (300 * NS_PER_S) /* uses are kept in the store so often */
#define SEEN_AT_ONCE 256u
#define TICKS_A_KEEPING 60u

struct account {
	int64_t id;
	enum role role;
	bool disabled;
	char name[ACCOUNT_NAME_MAX + 1];
};
/* A session or a token. */
struct entry {
	struct entry *prev, *next;
	bool token, awake;
	int64_t id; /* the session's account; the token */
	uint8_t key[KEY_BYTES];
	int64_t made_ns, seen_ns, kept_ns, expires_ns; /* expires: T_NONE never */
	/* of a token */
	enum role role;
	permission_set may;
	char name[TOKEN_NAME_MAX + 1];
};
struct accounts {
	struct storer *storer;
	struct clock *clock;
	unsigned ticks;
	pthread_mutex_t change;
	pthread_mutex_t mu; /* below */
	struct account *accounts;
	size_t n_accounts, cap_accounts;
	struct map by_key; /* struct entry * */
	struct entry *entries;
	size_t n_sessions, n_tokens;
};

/* ---- memory; mu is held ---- */

static struct account *account_of(const struct accounts *a, int64_t id)
{
	for (size_t i = 0; i < a->n_accounts; i++)
		if (a->accounts[i].id == id)
			return &a->accounts[i];
	return NULL;
}

static int reserve_account(struct accounts *a)
{
	if (a->n_accounts < a->cap_accounts)
		return 0;
	size_t cap = a->cap_accounts ? a->cap_accounts * 2 : 16;
	struct account *p = cap <= SIZE_MAX / sizeof *p ? realloc(a->accounts, cap * sizeof *p) : NULL;
	if (!p)
		return MO_ENOMEM;
	a->accounts = p;
	a->cap_accounts = cap;
	return 0;
}

/* Room was reserved. */
static void set_account(struct accounts *a, int64_t id, struct span name, enum role role, bool disabled)
{
	struct account *p = account_of(a, id);
	if (!p)
		p = &a->accounts[a->n_accounts++];
	*p = (struct account){.id = id, .role = role, .disabled = disabled};
	diag_copy(p->name, sizeof p->name, name);
}

static struct entry *entry_of(const struct accounts *a, const uint8_t key[KEY_BYTES])
{
	uint64_t *at = map_get(&a->by_key, span_of(key, KEY_BYTES));
	return at ? (struct entry *)(uintptr_t)*at : NULL;
}

static int add_entry(struct accounts *a, struct entry *e)
{
	int err = map_put(&a->by_key, span_of(e->key, KEY_BYTES), (uint64_t)(uintptr_t)e);
	if (err != 0)
		return err;
	e->prev = NULL;
	e->next = a->entries;
	if (e->next)
		e->next->prev = e;
	a->entries = e;
	*(e->token ? &a->n_tokens : &a->n_sessions) += 1;
	return 0;
}

static void drop_entry(struct accounts *a, struct entry *e)
{
	if (!e)
		return;
	map_remove(&a->by_key, span_of(e->key, KEY_BYTES));
	*(e->prev ? &e->prev->next : &a->entries) = e->next;
	if (e->next)
		e->next->prev = e->prev;
	*(e->token ? &a->n_tokens : &a->n_sessions) -= 1;
	free(e);
}

static void drop_sessions(struct accounts *a, int64_t account)
{
	for (struct entry *e = a->entries, *next; e; e = next) {
		next = e->next;
		if (!e->token && e->id == account)
			drop_entry(a, e);
	}
}

static bool is_over(const struct entry *e, int64_t now_ns)
{
	return !e->awake || (e->expires_ns != T_NONE && now_ns >= e->expires_ns) || (!e->token && now_ns - e->seen_ns >= SESSION_IDLE_NS);
}

/* ---- asked by the gate ---- */

bool accounts_any(struct accounts *a)
{
	pthread_mutex_lock(&a->mu);
	bool any = a->n_accounts > 0;
	pthread_mutex_unlock(&a->mu);
	return any;
}

/* False: its account is gone or disabled. */
static bool describe(const struct accounts *a, const struct entry *e, struct accounts_known *ret)
{
	*ret = (struct accounts_known){.session = !e->token};
	memcpy(ret->key, e->key, KEY_BYTES);
	if (e->token) {
		ret->role = e->role;
		ret->may = e->may;
		memcpy(ret->name, "token ", 6);
		memcpy(ret->name + 6, e->name, strlen(e->name) + 1);
		return true;
	}
	const struct account *p = account_of(a, e->id);
	if (!p || p->disabled)
		return false;
	ret->role = p->role;
	ret->may = role_permissions(p->role);
	memcpy(ret->name, p->name, strlen(p->name) + 1);
	return true;
}

int accounts_who(struct accounts *a, const struct credential *c, struct accounts_known *ret)
{
	uint8_t key[KEY_BYTES];
	if (c->kind != CREDENTIAL_SESSION && c->kind != CREDENTIAL_TOKEN)
		return MO_EDENIED;
	int err = sha256_of(key, span_of(c->secret, CREDENTIAL_BYTES));
	if (err != 0)
		return err;
	int64_t now = clock_now(a->clock);
	pthread_mutex_lock(&a->mu);
	struct entry *e = entry_of(a, key);
	/* A cookie's secret is no token, nor the other way round. */
	bool known = e && e->token == (c->kind == CREDENTIAL_TOKEN) && !is_over(e, now) && describe(a, e, ret);
	if (known && now > e->seen_ns)
		e->seen_ns = now;
	pthread_mutex_unlock(&a->mu);
	return known ? 0 : MO_EDENIED;
}

bool accounts_alive(struct accounts *a, const uint8_t key[KEY_BYTES])
{
	struct accounts_known k;
	int64_t now = clock_now(a->clock);
	pthread_mutex_lock(&a->mu);
	struct entry *e = entry_of(a, key);
	bool alive = e && !is_over(e, now) && describe(a, e, &k);
	pthread_mutex_unlock(&a->mu);
	return alive;
}

size_t accounts_sessions(struct accounts *a)
{
	pthread_mutex_lock(&a->mu);
	size_t n = a->n_sessions;
	pthread_mutex_unlock(&a->mu);
	return n;
}

/* ---- changes ---- */

void accounts_detail(struct buf *out, struct span from, const char *more)
{
	struct json_writer w;
	struct buf text;
	buf_init(&text, 0);
	json_writer_init(&w, &text);
	jw_str(&w, from);
	buf_printf(out, "{\"from\":%.*s%s}", (int)text.n, (const char *)text.p, more);
	if (text.err && !out->err)
		out->err = text.err;
	buf_free(&text);
}

static int audit(struct store *s, int64_t now_ns, const struct accounts_actor *by, const char *what, struct span target, const char *more, struct diag *d)
{
	struct buf detail;
	buf_init(&detail, 0);
	accounts_detail(&detail, by->from, more);
	int err = detail.err ? diag_set(d, detail.err, MSG_OUT_OF_MEMORY) : store_audit(s, now_ns, by->who, span_str(what), target, buf_span(&detail), d);
	buf_free(&detail);
	return err;
}

struct put_job {
	struct sjob job;
	const struct store_account_put *p;
	const struct accounts_actor *by;
	struct store_account_got got;
};

static int put_run(struct sjob *j, struct store *s, struct diag *d)
{
	struct put_job *q = (struct put_job *)j;
	char more[96];
	int err = store_account_put(s, q->p, &q->got, d);
	if (err != 0 || q->got.did == STORE_SAME)
		return err;
	snprintf(more, sizeof more, ",\"role\":\"%s\",\"disabled\":%s,\"password\":%s", role_name(q->got.role), q->got.disabled ? "true" : "false",
		q->p->hash.n ? "true" : "false");
	return audit(s, q->p->now_ns, q->by, q->got.did == STORE_NEW ? "account.new" : "account.change", q->p->name, more, d);
}

static int too_many(struct diag *d, unsigned most)
{
	diag_set(d, MO_ELIMIT, MSG_ACCOUNTS_MANY);
	diag_int(d, 0, most);
	return MO_ELIMIT;
}

int accounts_put(struct accounts *a, struct store_account_put *p, const struct accounts_actor *by, struct store_account_got *ret, struct diag *d)
{
	struct put_job q = {.p = p, .by = by};
	bool there = false;
	p->now_ns = clock_now(a->clock);
	pthread_mutex_lock(&a->change);
	int err = os_uuid(&p->uuid, p->now_ns);
	if (err != 0)
		diag_set(d, err, MSG_ACCOUNT_FAILED);
	pthread_mutex_lock(&a->mu);
	if (err == 0 && reserve_account(a) != 0)
		err = diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	for (size_t i = 0; i < a->n_accounts; i++)
		there |= span_is(p->name, a->accounts[i].name);
	if (err == 0 && !there && a->n_accounts >= ACCOUNTS_MAX)
		err = too_many(d, ACCOUNTS_MAX);
	pthread_mutex_unlock(&a->mu);
	if (err == 0)
		err = storer_run(a->storer, put_run, &q.job, d);
	if (err == 0) {
		pthread_mutex_lock(&a->mu);
		set_account(a, q.got.id, p->name, q.got.role, q.got.disabled);
		if (p->hash.n || q.got.disabled)
			drop_sessions(a, q.got.id);
		pthread_mutex_unlock(&a->mu);
		*ret = q.got;
	}
	pthread_mutex_unlock(&a->change);
	return err;
}

struct drop_job {
	struct sjob job;
	struct span name;
	const struct accounts_actor *by;
	int64_t id, now_ns;
};

static int drop_run(struct sjob *j, struct store *s, struct diag *d)
{
	struct drop_job *q = (struct drop_job *)j;
	int err = store_account_drop(s, q->name, &q->id, d);
	return err != 0 ? err : audit(s, q->now_ns, q->by, "account.delete", q->name, "", d);
}

int accounts_drop(struct accounts *a, struct span name, const struct accounts_actor *by, struct diag *d)
{
	struct drop_job q = {.name = name, .by = by, .now_ns = clock_now(a->clock)};
	pthread_mutex_lock(&a->change);
	int err = storer_run(a->storer, drop_run, &q.job, d);
	if (err == 0) {
		pthread_mutex_lock(&a->mu);
		struct account *p = account_of(a, q.id);
		if (p)
			*p = a->accounts[--a->n_accounts];
		drop_sessions(a, q.id);
		pthread_mutex_unlock(&a->mu);
	}
	pthread_mutex_unlock(&a->change);
	return err;
}

struct login_job {
	struct sjob job;
	const struct entry *e;
	struct span hash;
	const struct accounts_actor *by;
	const uint8_t *oldest; /* ended for it, or NULL */
};

static int login_run(struct sjob *j, struct store *s, struct diag *d)
{
	struct login_job *q = (struct login_job *)j;
	int err = q->oldest ? store_session_drop(s, q->oldest, d) : 0;
	if (err == 0)
		err = store_session_put(s, q->e->key, q->e->id, q->hash, q->e->made_ns, q->e->expires_ns, d);
	return err != 0 ? err : audit(s, q->e->made_ns, q->by, "login", span_of(NULL, 0), "", d);
}

/* The session of the account that was idle longest, once it has as many as it may. */
static const struct entry *one_too_many(const struct accounts *a, int64_t account)
{
	const struct entry *oldest = NULL;
	size_t n = 0;
	for (const struct entry *e = a->entries; e; e = e->next)
		if (!e->token && e->awake && e->id == account) {
			n++;
			if (!oldest || e->seen_ns < oldest->seen_ns)
				oldest = e;
		}
	return n >= SESSIONS_PER_ACCOUNT_MAX ? oldest : NULL;
}

/* A new entry asleep, with a fresh secret. */
static int new_entry(struct accounts *a, struct entry **ret, bool token, uint8_t secret[CREDENTIAL_BYTES], struct diag *d)
{
	struct entry *e = calloc(1, sizeof *e);
	if (!e)
		return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	e->token = token;
	e->made_ns = e->seen_ns = e->kept_ns = clock_now(a->clock);
	int err = os_random(secret, CREDENTIAL_BYTES);
	if (err == 0)
		err = sha256_of(e->key, span_of(secret, CREDENTIAL_BYTES));
	if (err == 0) {
		pthread_mutex_lock(&a->mu);
		err = add_entry(a, e);
		pthread_mutex_unlock(&a->mu);
	}
	if (err != 0) {
		free(e);
		return diag_set(d, err, err == MO_ENOMEM ? MSG_OUT_OF_MEMORY : MSG_ACCOUNT_FAILED);
	}
	*ret = e;
	return 0;
}

/* Wakes it, or lets it go. */
static void settle_entry(struct accounts *a, struct entry *e, int err)
{
	pthread_mutex_lock(&a->mu);
	if (err == 0)
		e->awake = true;
	else
		drop_entry(a, e);
	pthread_mutex_unlock(&a->mu);
}

int accounts_login(struct accounts *a, int64_t id, struct span hash, const struct accounts_actor *by, uint8_t secret[CREDENTIAL_BYTES],
	struct accounts_known *ret, struct diag *d)
{
	struct entry *e = NULL;
	uint8_t oldest[KEY_BYTES];
	pthread_mutex_lock(&a->change);
	int err = new_entry(a, &e, false, secret, d);
	if (err == 0) {
		struct login_job q = {.e = e, .hash = hash, .by = by};
		e->id = id;
		e->expires_ns = e->made_ns + SESSION_LONGEST_NS;
		pthread_mutex_lock(&a->mu);
		const struct entry *old = one_too_many(a, id);
		if (old) {
			memcpy(oldest, old->key, KEY_BYTES);
			q.oldest = oldest;
		}
		pthread_mutex_unlock(&a->mu);
		err = storer_run(a->storer, login_run, &q.job, d);
		if (err == MO_ENOENT)
			err = MO_EDENIED; /* the password was changed, or the account disabled, while it was looked at */
		settle_entry(a, e, err);
		pthread_mutex_lock(&a->mu);
		if (err == 0 && q.oldest)
			drop_entry(a, entry_of(a, oldest));
		if (err == 0 && !describe(a, e, ret))
			err = MO_EDENIED;
		pthread_mutex_unlock(&a->mu);
	}
	pthread_mutex_unlock(&a->change);
	return err;
}

struct logout_job {
	struct sjob job;
	const uint8_t *key;
	const struct accounts_actor *by;
	int64_t now_ns;
};

static int logout_run(struct sjob *j, struct store *s, struct diag *d)
{
	struct logout_job *q = (struct logout_job *)j;
	int err = store_session_drop(s, q->key, d);
	return err != 0 ? err : audit(s, q->now_ns, q->by, "logout", span_of(NULL, 0), "", d);
}

int accounts_logout(struct accounts *a, const uint8_t key[KEY_BYTES], const struct accounts_actor *by, struct diag *d)
{
	struct logout_job q = {.key = key, .by = by, .now_ns = clock_now(a->clock)};
	pthread_mutex_lock(&a->change);
	pthread_mutex_lock(&a->mu);
	struct entry *e = entry_of(a, key);
	bool there = e && !e->token;
	pthread_mutex_unlock(&a->mu);
	int err = there ? storer_run(a->storer, logout_run, &q.job, d) : 0;
	if (err == 0 && there) {
		pthread_mutex_lock(&a->mu);
		drop_entry(a, entry_of(a, key));
		pthread_mutex_unlock(&a->mu);
	}
	pthread_mutex_unlock(&a->change);
	return err;
}

/* ---- tokens ---- */

struct token_job {
	struct sjob job;
	struct store_token *t;
	const struct accounts_actor *by;
	int64_t id, now_ns;
};

static int token_run(struct sjob *j, struct store *s, struct diag *d)
{
	struct token_job *q = (struct token_job *)j;
	char more[48];
	struct buf list;
	int err = store_token_put(s, q->t, &q->id, d);
	if (err != 0)
		return err;
	buf_init(&list, 0);
	snprintf(more, sizeof more, ",\"id\":%lld,\"rights\":\"", (long long)q->id);
	buf_adds(&list, more);
	if (q->t->role)
		buf_adds(&list, role_name(q->t->role));
	permission_set_write(&list, q->t->permissions);
	buf_addc(&list, '"');
	buf_addc(&list, 0);
	err = list.err ? diag_set(d, list.err, MSG_OUT_OF_MEMORY) : audit(s, q->now_ns, q->by, "token.new", q->t->name, (const char *)list.p, d);
	buf_free(&list);
	return err;
}

int accounts_token_put(struct accounts *a, struct store_token *t, const struct accounts_actor *by, uint8_t secret[CREDENTIAL_BYTES], int64_t *ret_id,
	struct diag *d)
{
	struct token_job q = {.t = t, .by = by, .now_ns = clock_now(a->clock)};
	struct entry *e = NULL;
	pthread_mutex_lock(&a->change);
	pthread_mutex_lock(&a->mu);
	int err = a->n_tokens >= TOKENS_MAX ? too_many(d, TOKENS_MAX) : 0;
	pthread_mutex_unlock(&a->mu);
	if (err == 0)
		err = new_entry(a, &e, true, secret, d);
	if (err == 0) {
		t->key = e->key;
		t->now_ns = q.now_ns;
		t->maker = by->who;
		e->expires_ns = t->expires_ns;
		e->role = t->role;
		e->may = t->role ? role_permissions(t->role) : t->permissions;
		diag_copy(e->name, sizeof e->name, t->name);
		err = storer_run(a->storer, token_run, &q.job, d);
		if (err == 0)
			e->id = *ret_id = q.id;
		settle_entry(a, e, err);
	}
	pthread_mutex_unlock(&a->change);
	return err;
}

static int revoke_run(struct sjob *j, struct store *s, struct diag *d)
{
	struct token_job *q = (struct token_job *)j;
	char number[24];
	snprintf(number, sizeof number, "%lld", (long long)q->id);
	int err = store_token_revoke(s, q->id, q->now_ns, d);
	return err != 0 ? err : audit(s, q->now_ns, q->by, "token.revoke", span_str(number), "", d);
}

int accounts_token_revoke(struct accounts *a, int64_t id, const struct accounts_actor *by, struct diag *d)
{
	struct token_job q = {.by = by, .id = id, .now_ns = clock_now(a->clock)};
	pthread_mutex_lock(&a->change);
	int err = storer_run(a->storer, revoke_run, &q.job, d);
	if (err == 0) {
		pthread_mutex_lock(&a->mu);
		for (struct entry *e = a->entries, *next; e; e = next) {
			next = e->next;
			if (e->token && e->id == id)
				drop_entry(a, e);
		}
		pthread_mutex_unlock(&a->mu);
	}
	pthread_mutex_unlock(&a->change);
	return err;
}

/* ---- uses, kept now and then ---- */

struct seen {
	bool token;
	int64_t id, t_ns;
	uint8_t key[KEY_BYTES];
};
struct seen_job {
	struct sjob job;
	size_t n;
	struct seen seen[SEEN_AT_ONCE];
};

static int seen_run(struct sjob *j, struct store *s, struct diag *d)
{
	const struct seen_job *q = (struct seen_job *)j;
	int err = 0;
	for (size_t i = 0; i < q->n && err == 0; i++)
		err = q->seen[i].token ? store_token_seen(s, q->seen[i].id, q->seen[i].t_ns, d) : store_session_seen(s, q->seen[i].key, q->seen[i].t_ns, d);
	return err;
}

/* A use that could not be kept makes a session end earlier after a restart, never later. */
static void seen_done(struct sjob *j, int err, const struct diag *d)
{
	(void)err;
	(void)d;
	free(j);
}

void accounts_tick(struct accounts *a)
{
	if (++a->ticks % TICKS_A_KEEPING != 0)
		return;
	struct seen_job *q = calloc(1, sizeof *q);
	int64_t now = clock_now(a->clock);
	pthread_mutex_lock(&a->mu);
	for (struct entry *e = a->entries, *next; e; e = next) {
		next = e->next;
		if (!e->token && e->awake && is_over(e, now)) {
			drop_entry(a, e);
		} else if (q && q->n < SEEN_AT_ONCE && e->awake && e->seen_ns - e->kept_ns >= SEEN_KEPT_NS) {
			struct seen *s = &q->seen[q->n++];
			*s = (struct seen){.token = e->token, .id = e->id, .t_ns = e->seen_ns};
			memcpy(s->key, e->key, KEY_BYTES);
			e->kept_ns = e->seen_ns;
		}
	}
	pthread_mutex_unlock(&a->mu);
	if (!q)
		return;
	q->job.run = seen_run;
	q->job.done = seen_done;
	if (q->n == 0 || storer_submit(a->storer, &q->job) != 0)
		free(q);
}

/* ---- the beginning: what the store holds ---- */

static int load_accounts(struct accounts *a, struct store_reader *r, struct diag *d)
{
	struct table_cursor *c = NULL;
	struct table_batch b;
	const struct store_arg args[] = {sarg_null(), sarg_i(INT64_MAX)};
	int err = store_select(r, &c, SQ_ACCOUNTS, args, 2, d);
	while (err == 0 && (err = table_next(c, &b, d)) == 0 && b.n_rows)
		for (size_t i = 0; i < b.n_rows && err == 0; i++) {
			enum role role = ROLE_NONE;
			if (role_parse(&role, b.cols[1].str[i]) != 0)
				role = ROLE_NONE; /* may nothing */
			if (reserve_account(a) != 0)
				err = diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
			else
				set_account(a, b.cols[5].i64[i], b.cols[0].str[i], role, !(b.cols[4].null && b.cols[4].null[i]));
		}
	table_close(c);
	return err;
}

static int load_entry(struct accounts *a, const struct entry *from, struct span key, struct diag *d)
{
	struct entry *e = key.n == KEY_BYTES ? malloc(sizeof *e) : NULL;
	if (!e)
		return key.n == KEY_BYTES ? diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY) : 0;
	*e = *from;
	e->awake = true;
	e->kept_ns = e->seen_ns;
	memcpy(e->key, key.p, KEY_BYTES);
	if (add_entry(a, e) == 0)
		return 0;
	free(e);
	return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
}

static int64_t time_at(const struct col *c, size_t i) { return c->null && c->null[i] ? T_NONE : c->i64[i]; }

static int load_sessions(struct accounts *a, struct store_reader *r, struct diag *d)
{
	struct table_cursor *c = NULL;
	struct table_batch b;
	int err = store_select(r, &c, SQ_SESSIONS, NULL, 0, d);
	while (err == 0 && (err = table_next(c, &b, d)) == 0 && b.n_rows)
		for (size_t i = 0; i < b.n_rows && err == 0; i++) {
			struct entry e = {.id = b.cols[1].i64[i], .made_ns = b.cols[2].i64[i], .seen_ns = b.cols[3].i64[i], .expires_ns = b.cols[4].i64[i]};
			err = load_entry(a, &e, b.cols[0].str[i], d);
		}
	table_close(c);
	return err;
}

static int load_tokens(struct accounts *a, struct store_reader *r, struct diag *d)
{
	struct table_cursor *c = NULL;
	struct table_batch b;
	int err = store_select(r, &c, SQ_TOKEN_KEYS, NULL, 0, d);
	while (err == 0 && (err = table_next(c, &b, d)) == 0 && b.n_rows)
		for (size_t i = 0; i < b.n_rows && err == 0; i++) {
			struct entry e = {.token = true, .id = b.cols[0].i64[i], .seen_ns = time_at(&b.cols[5], i), .expires_ns = time_at(&b.cols[6], i)};
			if (e.seen_ns == T_NONE)
				e.seen_ns = 0; /* never used */
			diag_copy(e.name, sizeof e.name, b.cols[2].str[i]);
			bool by_role = !(b.cols[3].null && b.cols[3].null[i]);
			if (by_role && role_parse(&e.role, b.cols[3].str[i]) == 0)
				e.may = role_permissions(e.role);
			else if (!by_role && permission_set_read(&e.may, b.cols[4].str[i]) != 0)
				e.may = 0; /* written by a newer program: may nothing here */
			err = load_entry(a, &e, b.cols[1].str[i], d);
		}
	table_close(c);
	return err;
}

int accounts_new(struct accounts **ret, struct storer *s, struct clock *c, struct store_reader *r, struct diag *d)
{
	struct accounts *a = calloc(1, sizeof *a);
	if (!a)
		return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	a->storer = s;
	a->clock = c;
	map_init(&a->by_key);
	pthread_mutex_init(&a->change, NULL);
	pthread_mutex_init(&a->mu, NULL);
	int err = load_accounts(a, r, d);
	if (err == 0)
		err = load_sessions(a, r, d);
	if (err == 0)
		err = load_tokens(a, r, d);
	if (err != 0)
		accounts_free(a);
	else
		*ret = a;
	return err;
}

void accounts_free(struct accounts *a)
{
	if (!a)
		return;
	while (a->entries)
		drop_entry(a, a->entries);
	map_free(&a->by_key);
	free(a->accounts);
	pthread_mutex_destroy(&a->change);
	pthread_mutex_destroy(&a->mu);
	free(a);
}

int accounts_password_check(struct span password, struct span name, struct diag *d)
{
	enum mo_msg msg = MSG_NONE;
	if (password.n > HELPER_PASSWORD_MAX)
		msg = MSG_PASSWORD_LONG;
	else if (!utf8_valid(password) || utf8_count(password) < PASSWORD_CHARACTERS_MIN)
		msg = MSG_PASSWORD_SHORT;
	else if (span_eq(password, name))
		msg = MSG_PASSWORD_NAME;
	if (msg == MSG_NONE)
		return 0;
	diag_set(d, MO_EINVAL, msg);
	diag_field(d, SPAN_LIT("password"));
	diag_int(d, 0, msg == MSG_PASSWORD_LONG ? HELPER_PASSWORD_MAX : PASSWORD_CHARACTERS_MIN);
	return MO_EINVAL;
}
