/* One question to the node that serves a folder, by the folder's socket. */
#include <stdio.h>
#include <stdlib.h>

#include "cmd/cmd.h"
#include "codec/json.h"
#include "http/client.h"

#define REFUSAL_ARENA_MAX (1u << 20)

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

int cmd_ask(const struct cmd *c, const char *folder, const struct cmd_question *q, int *ret_status, struct buf *answer, struct diag *d)
{
	struct httpc *http = NULL;
	struct buf url;
	char header[CMD_HEADER_MAX], *sock = vfs_join(folder, "run/moru.sock");
	buf_init(&url, 0);
	buf_printf(&url, "http://localhost%s", q->path);
	buf_addc(&url, 0);
	struct httpc_request r = {.method = q->method ? q->method : "POST", .url = (const char *)url.p, .unix_path = sock, .content_type = q->content_type, .header = header, .body = q->body,
		.timeout_ms = q->timeout_ms};
	int err = sock && !url.err ? cmd_header(c, header, d) : diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	if (err == 0 && httpc_new(&http) != 0)
		err = diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	if (err == 0 && (err = httpc_do(http, &r, ret_status, answer, d)) != 0)
		err = cmd_unanswered(d, err, folder, false, MSG_NODE_ENDED);
	httpc_free(http);
	free(sock);
	buf_free(&url);
	return err;
}

int cmd_refused(const struct cmd *c, struct span problem, int status, struct diag *d)
{
	struct arena a;
	struct json_value *root;
	arena_init(&a, REFUSAL_ARENA_MAX);
	int err = json_parse(&root, &a, problem, d);
	if (err == 0)
		cmd_fail_words("", cmd_detail(c, root), status);
	arena_free(&a);
	return err;
}
