/* moru init, moru serve. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "api/importer.h"
#include "base/num.h"
#include "cmd/operate.h"
#include "os/zonename.h"

#define SYNC_DELAY_MAX 1000 /* the setting's */
#define FALLBACK_ZONE "Asia/Seoul" /* where the PC tells none */

int cmd_init(struct cmd *c)
{
	struct cmd_option o[] = {{"--name", true, NULL}, {"--firm", true, NULL}, {"--port", true, NULL}, {"--demo", false, NULL}, {"--start", true, NULL},
		{"--sync-delay", true, NULL}, {"--zone", true, NULL}};
	struct folder_init f = {.lang = c->lang == WORDS_KO ? "ko" : "en", .now_ns = wall_now()};
	struct diag *d = calloc(1, sizeof *d);
	int64_t port = 0, delay = 0;
	char zone[ZONENAME_MAX];
	int status = 2;
	if (!d || cmd_options(c, o, sizeof o / sizeof *o) != 0)
		goto out;
	f.name = o[0].got;
	f.firm = o[1].got;
	f.demo = o[3].got != NULL;
	if (!cmd_count(c, "init", 1, 1))
		goto out;
	if (o[2].got && (num_i64(&port, span_str(o[2].got)) != 0 || port < 1 || port > 65535))
		cmd_bad(c, "--port", o[2].got, "1..65535");
	else if (o[5].got && (num_i64(&delay, span_str(o[5].got)) != 0 || delay < 0 || delay > SYNC_DELAY_MAX))
		cmd_bad(c, "--sync-delay", o[5].got, "0..1000");
	else if (o[4].got && rfc3339_parse(&f.demo_start_ns, span_str(o[4].got)) != 0)
		cmd_bad(c, "--start", o[4].got, "2026-11-15T00:00:00+09:00");
	else if (o[6].got && !zonename_known(o[6].got))
		cmd_bad(c, "--zone", o[6].got, "Asia/Seoul, UTC, ...");
	else if (f.demo && !o[4].got)
		cmd_needs(c, "--demo", "--start");
	else if (!f.demo && (o[4].got || o[5].got))
		cmd_needs(c, o[4].got ? "--start" : "--sync-delay", "--demo");
	else
		status = 0;
	if (status != 0)
		goto out;
	/* A demo's firms stand in Korea, wherever it is shown. */
	f.zone = o[6].got ? o[6].got : !f.demo && zonename_local(zone, getenv("TZ"), "/etc") ? zone : FALLBACK_ZONE;
	f.port = (uint16_t)port;
	f.sync_delay_ms = delay;
	if (folder_init(c->vfs, c->argv[0], &f, d) != 0) {
		status = cmd_fail(c, d, 1);
		goto out;
	}
	printf(cmd_text(c, "%s에 노드를 만들었습니다. `moru serve %s` 명령으로 돌립니다.\n", "Made a node in %s. Run it with `moru serve %s`.\n"), c->argv[0], c->argv[0]);
	printf(cmd_text(c, "시간대: %s (moru.yaml의 zone)\n", "Time zone: %s (zone in moru.yaml)\n"), f.zone);
	status = 0;
out:
	free(d);
	return status;
}

/* ADDR:PORT, [ADDR]:PORT. */
static bool parse_listen(const char *text, char address[64], int *port)
{
	const char *colon = strrchr(text, ':');
	int64_t n;
	if (!colon || num_i64(&n, span_str(colon + 1)) != 0 || n < 0 || n > 65535)
		return false;
	size_t len = (size_t)(colon - text);
	if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
		text++;
		len -= 2;
	}
	if (len == 0 || len >= 64)
		return false;
	memcpy(address, text, len);
	address[len] = 0;
	*port = (int)n;
	return true;
}

/* Refused for where it should listen: a mistake of the command line's, or of the settings'. */
static bool not_there(const struct diag *d)
{
	return d->msg == MSG_LISTEN_NO_ADDRESS || d->msg == MSG_LISTEN_NEEDS_BOTH || d->msg == MSG_LISTEN_NEEDS_TLS || d->msg == MSG_LISTEN_NEEDS_ACCOUNT;
}

int cmd_serve(struct cmd *c)
{
	struct cmd_option o[] = {{"--listen", true, NULL}};
	struct diag *d = calloc(1, sizeof *d);
	struct node *n = NULL;
	struct api *api = NULL;
	struct node_options opt = {.listen_port = -1, .version = MORU_VERSION};
	char address[64] = "";
	int port = -1, status = 1;
	if (!d || cmd_options(c, o, 1) != 0) {
		status = 2;
		goto out;
	}
	status = 2;
	if (!cmd_count(c, "serve", 1, 1) || !cmd_is_folder(c, c->argv[0]))
		goto out;
	if (o[0].got && !parse_listen(o[0].got, address, &port)) {
		cmd_bad(c, "--listen", o[0].got, "127.0.0.1:0..65535, [::1]:0..65535");
		goto out;
	}
	status = 1;
	if (operate_begin(c, &opt) != 0) {
		diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
		cmd_fail(c, d, 1);
		goto out;
	}
	opt.dir = c->argv[0];
	if (o[0].got) {
		opt.listen_address = address;
		opt.listen_port = port;
	}
	if (node_open(&n, c->vfs, &opt, d) != 0) {
		if (d->msg == MSG_FOLDER_BUSY)
			cmd_held(d, c->argv[0]);
		status = cmd_fail(c, d, 1);
		goto out;
	}
	if (api_new(&api, n, MORU_VERSION) != 0 || node_start(n, d) != 0) {
		status = cmd_fail(c, d, not_there(d) ? 2 : 1);
		goto out;
	}
	if (import_mend(n, d) != 0)
		node_log(n, "warn", d); /* they look as if they were running, and can be given again */
	const char *where = node_address(n);
	bool six = strchr(where, ':') != NULL;
	fprintf(stderr, "moru: ready on %s://%s%s%s:%u\n", node_tls_on(n) ? "https" : "http", six ? "[" : "", where, six ? "]" : "", node_port(n));
	fflush(stderr);
	operate_ready(n);
	status = node_run(n, d) == 0 ? 0 : cmd_fail(c, d, 1);
out:
	operate_end();
	node_close(n);
	operate_free();
	api_free(api);
	free(d);
	return status;
}
