/* moru passwd: makes an account or changes its password: in the running node
 * when the folder is served, else in this process. Both print the same. Who can
 * open the folder's socket or its store owns it, so nobody is asked for the old
 * password here: this is how one gets in again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "codec/json.h"
#include "codec/text.h"
#include "helper/wire.h"
#include "node/accounts.h"
#include "node/folder.h"
#include "node/helper.h"
#include "os/crypto.h"
#include "os/terminal.h"

#define ANSWER_TIMEOUT_MS 30000
#define HASH_TIMEOUT_NS (20 * NS_PER_S)
#define BODY_BYTES 8192u /* a password of 1,024 bytes, all of it escaped */
#define STDIN 0
#define STDERR 2

struct secret {
	size_t n;
	uint8_t p[HELPER_PASSWORD_MAX];
};
struct change {
	struct cmd *c;
	const char *folder;
	struct span name;
	enum role role; /* ROLE_NONE: not said */
	struct secret password;
	/* what came of it */
	bool made;
	char role_name[24];
};

static struct span secret_span(const struct secret *s) { return span_of(s->p, s->n); }

static int ask(struct secret *ret, const char *question, struct diag *d)
{
	int err = terminal_read_secret(STDIN, STDERR, question, ret->p, sizeof ret->p, &ret->n);
	return err != 0 ? diag_set(d, err, MSG_PASSWD_UNREAD) : 0;
}

/* Twice from a person, who does not see what is typed; once from a program. */
static int read_password(struct change *k, struct diag *d)
{
	struct secret again = {0};
	int err;
	if (!terminal_is(STDIN)) {
		err = terminal_read_secret(STDIN, STDERR, "", k->password.p, sizeof k->password.p, &k->password.n);
		return err != 0 ? diag_set(d, err, MSG_PASSWD_UNREAD) : 0;
	}
	err = ask(&k->password, cmd_text(k->c, "새 비밀번호: ", "New password: "), d);
	if (err == 0)
		err = accounts_password_check(secret_span(&k->password), k->name, d);
	if (err == 0)
		err = ask(&again, cmd_text(k->c, "한 번 더: ", "Once more: "), d);
	if (err == 0 && !span_eq(secret_span(&k->password), secret_span(&again)))
		err = diag_set(d, MO_EINVAL, MSG_PASSWD_DIFFERS);
	crypto_wipe(&again, sizeof again);
	return err;
}

/* ---- in this process ---- */

static int put_here(struct change *k, struct store *s, struct span hash, struct diag *d)
{
	struct store_account_put p = {.name = k->name, .role = k->role, .hash = hash, .now_ns = wall_now()};
	struct store_account_got got = {0};
	char more[96];
	struct buf detail;
	buf_init(&detail, 0);
	int err = os_uuid(&p.uuid, p.now_ns);
	if (err != 0)
		return diag_set(d, err, MSG_ACCOUNT_FAILED);
	if ((err = store_begin(s, d)) != 0)
		return err;
	err = store_account_put(s, &p, &got, d);
	if (err == 0) {
		/* As the node's own entry for the same. */
		snprintf(more, sizeof more, ",\"role\":\"%s\",\"disabled\":%s,\"password\":true", role_name(got.role), got.disabled ? "true" : "false");
		accounts_detail(&detail, span_str(""), more);
		err = detail.err ? diag_set(d, detail.err, MSG_OUT_OF_MEMORY)
				 : store_audit(s, p.now_ns, SPAN_LIT("local"), got.did == STORE_NEW ? SPAN_LIT("account.new") : SPAN_LIT("account.change"), k->name,
					   buf_span(&detail), d);
	}
	if (err == 0)
		err = store_commit(s, d);
	if (err != 0)
		store_rollback(s);
	k->made = got.did == STORE_NEW;
	snprintf(k->role_name, sizeof k->role_name, "%s", role_name(got.role));
	buf_free(&detail);
	return err;
}

static int say_done(const struct change *k)
{
	const char *name = (const char *)k->name.p; /* of the command line */
	if (k->made)
		printf(cmd_text(k->c, "계정을 만들었습니다: %s (%s)\n", "Made the account %s (%s).\n"), name, k->role_name);
	else
		printf(cmd_text(k->c, "비밀번호를 바꾸었습니다: %s (%s). 열려 있던 로그인은 모두 끝났습니다.\n", "Changed the password of %s (%s). All its logins have ended.\n"), name,
			k->role_name);
	return 0;
}

static int change_here(void *arg, const struct folder *f, struct diag *d)
{
	struct change *k = arg;
	struct helper *h = NULL;
	struct store *s = NULL;
	struct buf hash;
	char *db = folder_path(f, "store.db");
	buf_init(&hash, 0);
	int err = db ? store_open(&s, k->c->vfs, db, d) : diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	if (err == 0 && (err = helper_new(&h, NULL)) != 0)
		diag_set(d, err, err == MO_ENOMEM ? MSG_OUT_OF_MEMORY : MSG_ACCOUNT_FAILED);
	if (err == 0)
		err = helper_hash(h, &hash, secret_span(&k->password), HASH_TIMEOUT_NS, d);
	if (err == 0)
		err = put_here(k, s, buf_span(&hash), d);
	helper_free(h);
	store_close(s);
	if (hash.p)
		crypto_wipe(hash.p, hash.cap);
	buf_free(&hash);
	free(db);
	return err == 0 ? say_done(k) : err;
}

/* ---- in the node ---- */

static int read_answer(void *arg, const struct json_value *root, struct diag *d)
{
	struct change *k = arg;
	struct span did, role;
	int err = json_get_str(root, "did", &did, d);
	if (err == 0)
		err = json_get_str(root, "role", &role, d);
	if (err != 0)
		return err;
	k->made = span_is(did, "new");
	diag_copy(k->role_name, sizeof k->role_name, role);
	return say_done(k);
}

static int write_path(void *arg, struct buf *path, struct diag *d)
{
	(void)d;
	buf_adds(path, "/api/v1/accounts/");
	percent_encode(path, ((struct change *)arg)->name);
	return 0;
}

static void write_body(struct buf *body, const struct change *k)
{
	struct json_writer w;
	(void)buf_reserve(body, BODY_BYTES); /* nothing of it moves */
	json_writer_init(&w, body);
	jw_object(&w);
	jw_key(&w, "password");
	jw_str(&w, secret_span(&k->password));
	if (k->role) {
		jw_key(&w, "role");
		jw_cstr(&w, role_name(k->role));
	}
	jw_object_end(&w);
}

/* Gives the status. */
static int change(struct change *k, struct diag *d)
{
	struct folder *f = NULL;
	struct buf body;
	buf_init(&body, BODY_BYTES);
	/* A folder that is none is told before anybody thinks of a password. */
	int err = folder_open(&f, k->c->vfs, k->folder, false, d);
	folder_close(f);
	if (err == 0)
		err = read_password(k, d);
	if (err == 0)
		err = accounts_password_check(secret_span(&k->password), k->name, d);
	if (err == 0) {
		write_body(&body, k);
		err = body.err ? diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY) : 0;
	}
	const struct cmd_deed deed = {.here = change_here, .path = write_path, .read = read_answer, .method = "PUT", .body = buf_span(&body), .timeout_ms = ANSWER_TIMEOUT_MS,
		.failed = 1, .unanswered = 1, .refused = 1};
	int status = err == 0 ? cmd_do(k->c, k->folder, &deed, k) : cmd_fail(k->c, d, 1);
	if (body.p)
		crypto_wipe(body.p, body.cap);
	buf_free(&body);
	return status;
}

int cmd_passwd(struct cmd *c)
{
	struct cmd_option o[] = {{"--role", true, NULL}};
	struct change *k = calloc(1, sizeof *k);
	struct diag *d = calloc(1, sizeof *d);
	int status = 2;
	if (!k || !d || cmd_options(c, o, 1) != 0 || !cmd_count(c, "passwd", 2, 2) || !cmd_is_folder(c, c->argv[0]))
		goto out;
	*k = (struct change){.c = c, .folder = c->argv[0], .name = span_str(c->argv[1])};
	if (o[0].got && role_parse(&k->role, span_str(o[0].got)) != 0) {
		cmd_bad(c, "--role", o[0].got, "owner, production, quality, operator, read_only, vendor");
		goto out;
	}
	int err = store_account_name_check(k->name, d);
	if (err != 0) {
		status = cmd_fail(c, d, 2);
		goto out;
	}
	status = change(k, d);
out:
	if (k)
		crypto_wipe(k, sizeof *k);
	free(k);
	free(d);
	return status;
}
