/* What the node that serves a folder does, asked by the folder's socket, or this process when nobody serves it. */
#include <stdio.h>
#include <stdlib.h>

#include "cmd/cmd.h"
#include "codec/json.h"
#include "http/client.h"
#include "node/folder.h"
#include "os/clock.h"
#include "store/store.h"

#define ANSWER_ARENA_BYTES (1u << 20)

struct span cmd_detail(const struct cmd *c, const struct json_value *o)
{
	struct span words = span_str("");
	return json_get_str(json_member(o, "detail"), c->lang == WORDS_KO ? "ko" : "en", &words, NULL) == 0 ? words : span_str("");
}

int cmd_header(const struct cmd *c, char out[CMD_HEADER_MAX], struct diag *d)
{
	struct span name = c->who.name;
	bool text = name.n > 0 && name.n < CMD_HEADER_MAX - sizeof "Moru-Partner: ";
	out[0] = 0;
	if (c->who.kind == PRINCIPAL_LOCAL)
		return 0;
	for (size_t i = 0; i < name.n; i++)
		text &= name.p[i] > ' ' && name.p[i] < 0x7f;
	if (c->who.kind != PRINCIPAL_PARTNER || !text)
		return diag_set(d, MO_EDENIED, MSG_API_DENIED);
	snprintf(out, CMD_HEADER_MAX, "Moru-Partner: %.*s", SPAN_FMT(name));
	return 0;
}

/* Nobody there: cmd_unanswered(). */
static int ask(const struct cmd *c, const char *dir, const struct cmd_deed *x, const char *path, int *ret_code, struct buf *answer, struct diag *d)
{
	struct httpc *http = NULL;
	struct buf url;
	char header[CMD_HEADER_MAX], *sock = vfs_join(dir, "run/moru.sock");
	buf_init(&url, 0);
	buf_printf(&url, "http://localhost%s", path);
	buf_addc(&url, 0);
	struct httpc_request r = {.method = x->method ? x->method : "POST", .url = (const char *)url.p, .unix_path = sock,
		.content_type = x->content_type ? x->content_type : "application/json", .header = header, .body = x->body.n || x->content_type ? x->body : SPAN_LIT("{}"), .timeout_ms = x->timeout_ms};
	int err = sock && !url.err ? cmd_header(c, header, d) : diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	if (err == 0 && httpc_new(&http) != 0)
		err = diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	if (err == 0 && (err = httpc_do(http, &r, ret_code, answer, d)) != 0)
		err = cmd_unanswered(d, err, dir, false, MSG_NODE_ENDED);
	httpc_free(http);
	free(sock);
	buf_free(&url);
	return err;
}

/* Gives the exit status, or an error: the answer is none. */
static int told(const struct cmd *c, const struct cmd_deed *x, void *arg, int code, struct buf *answer, struct diag *d)
{
	struct arena a;
	struct json_value *root;
	if (code == 200 && x->take)
		return x->take(arg, answer, d);
	arena_init(&a, x->answer_arena_bytes ? x->answer_arena_bytes : ANSWER_ARENA_BYTES);
	int status = json_parse(&root, &a, buf_span(answer), d);
	if (status == 0 && code == 200)
		status = x->read(arg, root, d);
	else if (status == 0)
		status = cmd_fail_words("", cmd_detail(c, root), x->refused);
	arena_free(&a);
	return status;
}

static int there(const struct cmd *c, const char *dir, const struct cmd_deed *x, void *arg, struct diag *d)
{
	struct buf answer, path;
	int code = 0;
	buf_init(&answer, 0);
	buf_init(&path, 0);
	int status = x->path(arg, &path, d);
	buf_addc(&path, 0);
	if (status == 0 && path.err)
		status = diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	if (status == 0)
		status = ask(c, dir, x, (const char *)path.p, &code, &answer, d);
	if (status == 0)
		status = told(c, x, arg, code, &answer, d);
	buf_free(&answer);
	buf_free(&path);
	return status;
}

int cmd_do(const struct cmd *c, const char *dir, const struct cmd_deed *deed, void *arg)
{
	struct folder *f = NULL;
	struct diag *d = calloc(1, sizeof *d);
	int failed = deed->failed;
	if (!d)
		return failed;
	int status = folder_open(&f, c->vfs, dir, true, d);
	if (status == 0) {
		status = deed->here(arg, f, d);
	} else if (status == MO_EBUSY) {
		diag_clear(d);
		failed = deed->unanswered;
		status = there(c, dir, deed, arg, d);
	}
	if (status < 0)
		status = cmd_fail(c, d, failed);
	folder_close(f);
	free(d);
	return status;
}

int cmd_keep(const struct cmd *c, const struct folder *f, int (*put)(struct store *s, const void *outcome, int64_t now_ns, struct diag *d), const void *outcome,
	struct diag *d)
{
	struct store *s = NULL;
	char *db = folder_path(f, "store.db");
	int err = db ? store_open(&s, c->vfs, db, d) : diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	if (err == 0)
		err = store_begin(s, d);
	if (err == 0)
		err = put(s, outcome, wall_now(), d);
	if (err == 0)
		err = store_commit(s, d);
	store_close(s);
	free(db);
	return err;
}

int cmd_counts(const struct json_value *o, const struct cmd_count_of *of, size_t n, struct diag *d)
{
	int64_t v;
	int err = 0;
	for (size_t i = 0; err == 0 && i < n; i++)
		if ((err = json_get_i64(o, of[i].name, &v, d)) == 0)
			*of[i].to = (uint64_t)v;
	return err;
}
