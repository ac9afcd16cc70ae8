/* See ingest.h. */
#include "node/ingest.h"

#include <stdio.h>
#include <stdlib.h>

#include "codec/json.h"
#include "node/gate.h"
#include "node/priv/node.h"

struct ingest {
	struct http_server *server;
	struct subnets subnets; /* the server's */
	struct ingest_rate rate;
	uint64_t limited;
};

#define INGEST_EACH_NS (NS_PER_S / INGEST_REQUESTS_A_SECOND)

bool ingest_rate_take(struct ingest_rate *r, int64_t now_ns, int64_t *ret_wait_ns)
{
	int64_t from = r->debt_ns > now_ns ? r->debt_ns : now_ns, room = INGEST_BURST * INGEST_EACH_NS;
	*ret_wait_ns = 0;
	if (from + INGEST_EACH_NS - now_ns > room) {
		*ret_wait_ns = from + INGEST_EACH_NS - now_ns - room;
		return false;
	}
	r->debt_ns = from + INGEST_EACH_NS;
	return true;
}

bool ingest_take(struct ingest *g, int64_t *ret_wait_ns)
{
	*ret_wait_ns = 0;
	if (!g)
		return false;
	bool taken = ingest_rate_take(&g->rate, mono_now(), ret_wait_ns);
	g->limited += !taken;
	return taken;
}

/* ---- in the audit trail ---- */
struct audit_job {
	struct sjob job;
	int64_t now_ns;
	char where[LISTEN_TEXT_MAX + 16];
	struct buf json;
};

static int audit_run(struct sjob *j, struct store *s, struct diag *d)
{
	struct audit_job *q = (struct audit_job *)j;
	return store_audit(s, q->now_ns, SPAN_LIT("settings"), SPAN_LIT("ingest.listen"), span_str(q->where), buf_span(&q->json), d);
}

/* The node listens for others only when that it does is durable. */
static int put_audit(struct node *n, const char *where, const char *subnets, struct diag *d)
{
	struct audit_job q = {.now_ns = clock_now(n->clock)};
	struct json_writer w;
	buf_init(&q.json, 0);
	snprintf(q.where, sizeof q.where, "%s", where);
	json_writer_init(&w, &q.json);
	jw_object(&w);
	jw_key(&w, "subnets");
	jw_cstr(&w, subnets);
	jw_object_end(&w);
	int err = q.json.err ? diag_set(d, q.json.err, MSG_OUT_OF_MEMORY) : storer_run(n->storer, audit_run, &q.job, d);
	buf_free(&q.json);
	return err;
}

/* A list of the settings in one line. */
static void one_line(char *out, size_t size, const char *list)
{
	size_t n = 0;
	for (; *list && n + 2 < size; list++) {
		if (*list == '\n')
			out[n++] = ',';
		out[n++] = *list == '\n' ? ' ' : *list;
	}
	out[n] = 0;
}

int ingest_new(struct ingest **ret, struct node *n, const struct http_handler *h, void *arg, struct diag *d)
{
	struct settings *s = calloc(1, sizeof *s);
	struct ingest *g = calloc(1, sizeof *g);
	struct diag *say = calloc(1, sizeof *say);
	char address[LISTEN_TEXT_MAX], where[LISTEN_TEXT_MAX + 16], subnets[DIAG_TEXT_MAX];
	uint16_t port = 0;
	int err = s && g && say ? 0 : diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	*ret = NULL;
	if (err == 0)
		node_settings(n, s);
	if (err != 0 || !s->ingest_listen[0])
		goto out;
	err = listen_ingest(address, &port, &g->subnets, s->ingest_listen, s->ingest_subnets, accounts_any(n->accounts), d);
	if (err == 0) {
		struct http_options opt = {.address = address, .port = port, .connections_max = INGEST_CONNECTIONS_MAX, .connections_of_address_max = INGEST_PER_ADDRESS_MAX,
			.allow = &g->subnets, .door = DOOR_INGEST, .head_timeout_ns = INGEST_HEAD_NS, .idle_timeout_ns = INGEST_IDLE_NS,
			.piece_timeout_ns = INGEST_PIECE_NS};
		err = http_server_new(&g->server, n->loop, &opt, h, arg, d);
	}
	if (err == 0) {
		bool six = strchr(address, ':') != NULL;
		snprintf(where, sizeof where, "%s%s%s:%u", six ? "[" : "", address, six ? "]" : "", (unsigned)http_server_port(g->server));
		one_line(subnets, sizeof subnets, s->ingest_subnets);
		err = put_audit(n, where, subnets, d);
	}
	if (err == 0) {
		diag_set(say, 0, MSG_INGEST_LISTENS);
		diag_text(say, 0, span_str(where));
		diag_text(say, 1, span_str(subnets));
		node_log(n, "info", say);
		*ret = g;
		g = NULL;
	}
out:
	ingest_free(g);
	free(say);
	free(s);
	return err;
}

void ingest_drain(struct ingest *g)
{
	if (g)
		http_server_drain(g->server);
}

unsigned ingest_active(const struct ingest *g) { return g ? http_server_active(g->server) : 0; }

void ingest_free(struct ingest *g)
{
	if (!g)
		return;
	http_server_free(g->server);
	free(g);
}

void ingest_stats(const struct ingest *g, struct ingest_stats *ret)
{
	*ret = (struct ingest_stats){.listening = g != NULL};
	if (!g)
		return;
	ret->port = http_server_port(g->server);
	ret->limited = g->limited;
	http_server_stats(g->server, &ret->http);
}
