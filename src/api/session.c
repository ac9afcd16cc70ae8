/* /api/v1/session: logging in, who one is, logging out. The cookie is for the
 * browser alone (HttpOnly), and for this site's own requests (SameSite=Strict);
 * the page keeps the text for X-Moru-CSRF. */
#include <stdio.h>
#include <stdlib.h>

#include "api/priv/api.h"
#include "os/crypto.h"

#define COOKIE_ATTRIBUTES "; Path=/; HttpOnly; SameSite=Strict"

static void write_session(struct api_call *c, const char *account, enum role role, const char *csrf, permission_set may)
{
	struct json_writer *w = &c->w;
	jw_object(w);
	jw_key(w, "account");
	jw_cstr(w, account);
	jw_key(w, "role");
	jw_cstr(w, role == ROLE_NONE ? NULL : role_name(role));
	jw_key(w, "csrf");
	jw_cstr(w, csrf);
	jw_key(w, "permissions");
	jw_array(w);
	for (unsigned i = PERMISSION_NONE + 1; i < PERMISSIONS; i++)
		if (may & permission_bit((enum permission)i))
			jw_cstr(w, permission_name((enum permission)i));
	jw_array_end(w);
	jw_key(w, "accounts");
	jw_bool(w, accounts_any(node_accounts(c->node)));
	jw_object_end(w);
}

/* The local machine may what an owner may. */
int get_session(struct api_call *c)
{
	const struct accounts_known *k = &c->pass.known;
	struct credential cr;
	char csrf[CREDENTIAL_TEXT] = "";
	int err = 0;
	if (c->pass.who.kind != PRINCIPAL_OWN) {
		write_session(c, NULL, ROLE_NONE, NULL, role_permissions(ROLE_OWNER));
		return 0;
	}
	if (k->session) {
		credential_read(&cr, http1_header(http_head(c->pass.x), "Cookie"), span_of(NULL, 0), span_of(NULL, 0), false);
		err = credential_csrf(csrf, cr.secret);
		crypto_wipe(&cr, sizeof cr);
	}
	if (err != 0)
		return diag_set(c->d, err, MSG_OUT_OF_MEMORY);
	write_session(c, k->name, k->role, k->session ? csrf : NULL, k->may);
	return 0;
}

/* ---- logging in ---- */

static void set_cookie(struct api_call *c, const char *value, int64_t age_s)
{
	snprintf(c->cookie, sizeof c->cookie, CREDENTIAL_COOKIE "=%s" COOKIE_ATTRIBUTES "; Max-Age=%lld%s", value, (long long)age_s,
		http_is_tls(c->pass.x) ? "; Secure" : "");
}

static void logged_in(struct login *l, int err)
{
	struct api_call *c = l->arg;
	char secret[CREDENTIAL_TEXT], csrf[CREDENTIAL_TEXT];
	if (err == 0) {
		credential_write(secret, l->secret);
		err = credential_csrf(csrf, l->secret);
	}
	if (err == 0 && !c->dead) {
		set_cookie(c, secret, SESSION_LONGEST_NS / NS_PER_S);
		write_session(c, l->known.name, l->known.role, csrf, l->known.may);
	} else if (err == MO_EDENIED) {
		c->status = 401;
		diag_set(c->d, err, MSG_LOGIN_WRONG);
	} else if (err != 0) {
		c->status = 503;
		diag_set(c->d, err, MSG_LOGIN_FAILED);
	}
	crypto_wipe(secret, sizeof secret);
	crypto_wipe(l, sizeof *l);
	free(l);
	api_finish(c, err);
}

int api_later(struct api_call *c, int64_t wait_ns)
{
	c->status = 429;
	c->retry_ns = wait_ns;
	diag_set(c->d, MO_EAGAIN, MSG_LOGIN_LATER);
	diag_int(c->d, 0, wait_ns / NS_PER_S + (wait_ns % NS_PER_S != 0));
	return MO_EAGAIN;
}

int api_secret_object(struct api_call *c, struct json_value **ret)
{
	int err = api_object(c, ret);
	/* What could not be read may hold the password. */
	return err == 0 ? 0 : diag_set(c->d, err, err == MO_ENOMEM ? MSG_OUT_OF_MEMORY : MSG_API_OBJECT);
}

int api_password(struct api_call *c, const struct json_value *root, const char *name, struct span *ret)
{
	int err = json_get_str(root, name, ret, NULL);
	if (err == MO_ENOENT)
		return api_missing(c, name);
	if (err == 0 && ret->n <= HELPER_PASSWORD_MAX)
		return 0;
	diag_set(c->d, MO_EINVAL, MSG_PASSWORD_LONG);
	diag_field(c->d, span_str(name));
	diag_int(c->d, 0, HELPER_PASSWORD_MAX);
	return MO_EINVAL;
}

int post_session(struct api_call *c)
{
	struct json_value *root;
	struct span name, password;
	int64_t wait = 0;
	int err = api_secret_object(c, &root);
	if (err == 0 && (err = json_get_str(root, "name", &name, c->d)) == MO_ENOENT)
		err = api_missing(c, "name");
	if (err == 0)
		err = api_password(c, root, "password", &password);
	if (err != 0)
		return err;
	struct login *l = calloc(1, sizeof *l);
	if (!l)
		return diag_set(c->d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	if (store_account_name_check(name, NULL) == 0)
		memcpy(l->name, name.p, name.n);
	memcpy(l->from, c->pass.from, sizeof l->from);
	if (password.n)
		memcpy(l->password, password.p, password.n);
	l->password_n = password.n;
	l->done = logged_in;
	l->arg = c;
	err = logins_submit(node_logins(c->node), l, &wait);
	if (err == 0)
		return 0;
	crypto_wipe(l, sizeof *l);
	free(l);
	return err == MO_EAGAIN ? api_later(c, wait) : err;
}

int delete_session(struct api_call *c)
{
	const struct accounts_actor by = api_actor(c);
	int err = c->pass.known.session ? accounts_logout(node_accounts(c->node), c->pass.known.key, &by, c->d) : 0;
	if (err == 0) {
		set_cookie(c, "", 0);
		c->status = 204;
	}
	return err;
}
