/* /api/v1/accounts and /api/v1/tokens: who may use the node, and with what
 * rights. Everything here is for owners, but one's own password. */
#include <stdlib.h>

#include "api/priv/api.h"
#include "base/num.h"
#include "node/helper.h"
#include "os/crypto.h"

#define HASH_NS (10 * NS_PER_S)
#define ROLES_TEXT "owner, production, quality, operator, read_only, vendor"

static int bad(struct api_call *c, const char *field, struct span value, const char *expected)
{
	diag_set(c->d, MO_EINVAL, MSG_API_PARAM);
	diag_field(c->d, span_str(field));
	diag_value(c->d, value);
	diag_expected(c->d, expected);
	return MO_EINVAL;
}

/* ROLE_NONE when none is said. */
static int read_role(struct api_call *c, const struct json_value *root, enum role *ret)
{
	struct span text;
	int err = json_get_str(root, "role", &text, c->d);
	*ret = ROLE_NONE;
	if (err != 0)
		return err == MO_ENOENT ? 0 : err;
	return role_parse(ret, text) == 0 ? 0 : bad(c, "role", text, ROLES_TEXT);
}

/* ---- accounts ---- */

int get_accounts(struct api_call *c)
{
	struct span cursor = api_param(c, "cursor");
	int64_t limit;
	int err = api_param_i64(c, "limit", API_PAGE, 1, API_PAGE_MAX, &limit);
	struct store_arg a[] = {sarg_s(cursor), sarg_i(limit)};
	return err != 0 ? err : api_list(c, SQ_ACCOUNTS, a, 2, "name", limit);
}

/* The hash of a password by the rule, in `out`. */
static int hash_password(struct api_call *c, struct buf *out, struct span password, struct span name)
{
	int err = accounts_password_check(password, name, c->d);
	if (err == 0) {
		err = helper_hash(node_helper(c->node), out, password, HASH_NS, c->d);
		if (err != 0 && err != MO_ENOMEM)
			c->status = 503;
	}
	return err;
}

static bool is_self(const struct api_call *c, struct span name)
{
	return c->pass.who.kind == PRINCIPAL_OWN && c->pass.known.session && span_is(name, c->pass.known.name);
}

static void wipe_buf(struct buf *b)
{
	if (b->p)
		crypto_wipe(b->p, b->cap);
	buf_free(b);
}

int put_account(struct api_call *c)
{
	static const char *const did[] = {[STORE_NEW] = "new", [STORE_CHANGED] = "changed", [STORE_SAME] = "same"};
	struct store_account_put p = {.name = api_param(c, "name")};
	const struct accounts_actor by = api_actor(c);
	struct store_account_got got;
	struct json_value *root;
	struct span password;
	struct buf hash;
	bool disabled;
	buf_init(&hash, ACCOUNT_HASH_MAX);
	int err = store_account_name_check(p.name, c->d);
	if (err == 0)
		err = api_secret_object(c, &root);
	if (err == 0)
		err = read_role(c, root, &p.role);
	if (err == 0 && (err = json_get_bool(root, "disabled", &disabled, c->d)) == 0)
		p.able = disabled ? ACCOUNT_DISABLED : ACCOUNT_ENABLED;
	if (err == MO_ENOENT)
		err = 0;
	if (err == 0 && json_member(root, "password")) {
		if (is_self(c, p.name)) {
			err = diag_set(c->d, MO_EINVAL, MSG_PASSWORD_OWN);
			diag_field(c->d, SPAN_LIT("password"));
		} else if ((err = api_password(c, root, "password", &password)) == 0) {
			err = hash_password(c, &hash, password, p.name);
		}
		p.hash = buf_span(&hash);
	}
	if (err == 0)
		err = accounts_put(node_accounts(c->node), &p, &by, &got, c->d);
	if (err == 0) {
		jw_object(&c->w);
		jw_key(&c->w, "name");
		jw_str(&c->w, p.name);
		jw_key(&c->w, "role");
		jw_cstr(&c->w, role_name(got.role));
		jw_key(&c->w, "disabled");
		jw_bool(&c->w, got.disabled);
		jw_key(&c->w, "did");
		jw_cstr(&c->w, did[got.did]);
		jw_object_end(&c->w);
	}
	wipe_buf(&hash);
	return err;
}

int delete_account(struct api_call *c)
{
	const struct accounts_actor by = api_actor(c);
	int err = accounts_drop(node_accounts(c->node), api_param(c, "name"), &by, c->d);
	if (err == 0)
		c->status = 204;
	return err;
}

/* ---- passwords ---- */

/* MO_ENOENT: there is no such account. */
static int stored_hash(struct api_call *c, struct span name, struct buf *out)
{
	struct table_cursor *cur = NULL;
	struct table_batch b = {0};
	const struct store_arg a[] = {sarg_s(name)};
	int err = store_select(c->reader, &cur, SQ_ACCOUNT, a, 1, c->d);
	if (err == 0)
		err = table_next(cur, &b, c->d);
	if (err == 0 && b.n_rows == 0) {
		err = diag_set(c->d, MO_ENOENT, MSG_STORE_ACCOUNT_MISSING);
		diag_value(c->d, name);
	}
	if (err == 0) {
		buf_add(out, b.cols[2].str[0]);
		err = out->err ? diag_set(c->d, out->err, MSG_OUT_OF_MEMORY) : 0;
	}
	table_close(cur);
	return err;
}

/* One's own: the present one first, with the brakes of logging in. */
static int check_old(struct api_call *c, const struct json_value *root, struct span name, struct span hash)
{
	struct span old, from = span_str(c->pass.from);
	struct logins *q = node_logins(c->node);
	int64_t wait = 0;
	bool right = false;
	int err = api_password(c, root, "old", &old);
	if (err != 0)
		return err;
	if (logins_try(q, name, from, &wait) != 0)
		return api_later(c, wait);
	err = helper_verify(node_helper(c->node), &right, hash, old, LOGINS_VERIFY_NS, c->d);
	if (err == 0 && !right)
		err = diag_set(c->d, MO_EDENIED, MSG_PASSWORD_OLD);
	logins_tried(q, name, from, err);
	if (err != 0 && err != MO_EDENIED && err != MO_ENOMEM)
		c->status = 503;
	return err;
}

int put_password(struct api_call *c)
{
	struct store_account_put p = {.name = api_param(c, "name")};
	const struct accounts_actor by = api_actor(c);
	struct store_account_got got;
	struct json_value *root;
	struct span password;
	struct buf was, hash;
	buf_init(&was, ACCOUNT_HASH_MAX);
	buf_init(&hash, ACCOUNT_HASH_MAX);
	int err = api_secret_object(c, &root);
	/* Who may not manage accounts learns of no other account whether it is there. */
	if (err == 0 && !is_self(c, p.name) && !gate_may(&c->pass, PERMISSION_ACCOUNTS)) {
		err = diag_set(c->d, MO_EDENIED, MSG_API_NOT_PERMITTED);
		diag_text(c->d, 0, gate_who(&c->pass));
	}
	if (err == 0)
		err = api_password(c, root, "password", &password);
	if (err == 0)
		err = stored_hash(c, p.name, &was);
	if (err == 0 && is_self(c, p.name))
		err = check_old(c, root, p.name, buf_span(&was));
	if (err == 0)
		err = hash_password(c, &hash, password, p.name);
	p.hash = buf_span(&hash);
	if (err == 0)
		err = accounts_put(node_accounts(c->node), &p, &by, &got, c->d);
	if (err == 0)
		c->status = 204;
	wipe_buf(&was);
	wipe_buf(&hash);
	return err;
}

/* ---- tokens ---- */

int get_tokens(struct api_call *c)
{
	int64_t after, limit;
	int err = api_param_i64(c, "cursor", 0, 0, INT64_MAX, &after);
	if (err == 0)
		err = api_param_i64(c, "limit", API_PAGE, 1, API_PAGE_MAX, &limit);
	if (err != 0)
		return err;
	struct store_arg a[] = {sarg_i(after), sarg_i(limit)};
	return api_list(c, SQ_TOKENS, a, 2, "id", limit);
}

static int read_permissions(struct api_call *c, const struct json_value *root, permission_set *ret)
{
	static const char expected[] = "machines, read, cases, records, import, write, sql, metrics, export, backup";
	const struct json_value *list = json_member(root, "permissions");
	*ret = 0;
	if (!list || list->type == JSON_NULL)
		return 0;
	if (list->type != JSON_ARRAY)
		return bad(c, "permissions", span_of(NULL, 0), expected);
	for (const struct json_value *v = list->child; v; v = v->next) {
		enum permission p;
		if (v->type != JSON_STRING || permission_parse(&p, v->text) != 0 || !permission_for_tokens(p))
			return bad(c, "permissions", v->text, expected);
		*ret |= permission_bit(p);
	}
	return 0;
}

int post_token(struct api_call *c)
{
	struct store_token t = {.expires_ns = T_NONE};
	const struct accounts_actor by = api_actor(c);
	uint8_t secret[CREDENTIAL_BYTES];
	char text[CREDENTIAL_TOKEN_TEXT];
	struct json_value *root;
	int64_t id;
	int err = api_secret_object(c, &root);
	if (err == 0 && (err = json_get_str(root, "name", &t.name, c->d)) == MO_ENOENT)
		err = api_missing(c, "name");
	if (err == 0)
		err = read_role(c, root, &t.role);
	if (err == 0)
		err = read_permissions(c, root, &t.permissions);
	if (err == 0 && (err = json_get_time(root, "expires", &t.expires_ns, c->d)) == MO_ENOENT)
		err = 0;
	if (err == 0)
		err = accounts_token_put(node_accounts(c->node), &t, &by, secret, &id, c->d);
	if (err != 0)
		return err;
	credential_write_token(text, secret);
	jw_object(&c->w);
	jw_key(&c->w, "id");
	jw_i64(&c->w, id);
	jw_key(&c->w, "name");
	jw_str(&c->w, t.name);
	jw_key(&c->w, "token");
	jw_cstr(&c->w, text);
	jw_object_end(&c->w);
	crypto_wipe(secret, sizeof secret);
	crypto_wipe(text, sizeof text);
	return 0;
}

int delete_token(struct api_call *c)
{
	const struct accounts_actor by = api_actor(c);
	int64_t id;
	int err = api_param_i64(c, "id", 0, 1, INT64_MAX, &id);
	if (err == 0)
		err = accounts_token_revoke(node_accounts(c->node), id, &by, c->d);
	if (err == 0)
		c->status = 204;
	return err;
}
