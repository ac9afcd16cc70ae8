/* What is wrong with the arguments, or with a node's socket, in words a user can act on. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/utf8.h"
#include "cmd/cmd.h"
#include "http/client.h"

#define HELD_TIMEOUT_MS 1000

int cmd_bad(const struct cmd *c, const char *name, const char *value, const char *expected)
{
	struct diag *d = calloc(1, sizeof *d);
	if (!d)
		return 2;
	diag_set(d, MO_EINVAL, MSG_ARG_VALUE);
	diag_field(d, span_str(name));
	diag_value(d, span_str(value));
	diag_expected(d, expected);
	cmd_fail(c, d, 2);
	free(d);
	return 2;
}

int cmd_needs(const struct cmd *c, const char *name, const char *other)
{
	struct diag *d = calloc(1, sizeof *d);
	if (!d)
		return 2;
	diag_set(d, MO_EINVAL, MSG_ARG_NEEDS);
	diag_field(d, span_str(name));
	diag_expected(d, other);
	cmd_fail(c, d, 2);
	free(d);
	return 2;
}

bool cmd_count(const struct cmd *c, const char *command, int least, int most)
{
	if (c->argc >= least && c->argc <= most)
		return true;
	struct diag *d = c->argc > most ? calloc(1, sizeof *d) : NULL;
	if (d) {
		diag_set(d, MO_EINVAL, MSG_ARG_EXTRA);
		diag_value(d, span_str(c->argv[most]));
		cmd_fail(c, d, 2);
	}
	free(d);
	cmd_usage(c, command);
	return false;
}

bool cmd_absolute(char out[CMD_PATH_MAX], const char *path, size_t max, bool folder)
{
	char here[CMD_PATH_MAX] = "";
	if (path[0] != '/' && !getcwd(here, sizeof here))
		return false;
	int n = snprintf(out, CMD_PATH_MAX, "%s%s%s", here, path[0] == '/' ? "" : "/", path);
	while (folder && n > 1 && (size_t)n < CMD_PATH_MAX && out[n - 1] == '/')
		out[--n] = 0;
	return n > 0 && (size_t)n < max && (folder || out[n - 1] != '/') && utf8_valid(span_str(out));
}

bool cmd_is_folder(const struct cmd *c, const char *path)
{
	struct vfs_stat st;
	if (vfs_stat(c->vfs, path, &st) != 0 || st.is_dir)
		return true; /* what is not there at all is told by who opens it */
	struct diag *d = calloc(1, sizeof *d);
	if (d) {
		diag_set(d, MO_EINVAL, MSG_ARG_FOLDER_IS_FILE);
		diag_file(d, path);
		cmd_fail(c, d, 2);
	}
	free(d);
	return false;
}

void cmd_held(struct diag *d, const char *folder)
{
	struct httpc *h = NULL;
	struct diag *why = calloc(1, sizeof *why);
	struct buf b;
	int status;
	char *sock = vfs_join(folder, "run/moru.sock");
	buf_init(&b, 0);
	struct httpc_request r = {.method = "GET", .url = "http://localhost/healthz", .unix_path = sock, .timeout_ms = HELD_TIMEOUT_MS};
	if (why && sock && httpc_new(&h) == 0 && httpc_do(h, &r, &status, &b, why) != 0 && why->msg == MSG_HTTP_NO_CONNECTION)
		cmd_unanswered(why, MO_EBUSY, folder, false, MSG_NODE_ENDED);
	if (why && why->msg == MSG_FOLDER_AT_WORK)
		*d = *why;
	httpc_free(h);
	buf_free(&b);
	free(sock);
	free(why);
}

int cmd_unanswered(struct diag *d, int err, const char *folder, bool reached, enum mo_msg ended)
{
	if (d->msg != MSG_HTTP_NO_CONNECTION && d->msg != MSG_HTTP_EXCHANGE_FAILED)
		return err;
	if (d->msg == MSG_HTTP_NO_CONNECTION && !reached) {
		err = diag_set(d, MO_EBUSY, MSG_FOLDER_AT_WORK);
		diag_file(d, folder);
	} else {
		err = diag_set(d, MO_EIO, ended);
		diag_text(d, 0, span_str(folder));
	}
	return err;
}
