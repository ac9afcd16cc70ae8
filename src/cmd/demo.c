/* moru demo: three nodes and the simulator, each a process of its own, on
 * loopback; with --check what they found is compared with what was planted.
 *
 * Children end with us (proc_spawn's die_with_parent) and are ended in order:
 * the simulator first, so that nothing is sent to a node that stops. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/num.h"
#include "cmd/demo.h"
#include "node/folder.h"
#include "os/clock.h"
#include "os/net.h"
#include "os/proc.h"

#define PORT_FIRST 8470
#define HISTORY_HOURS INT64_C(168)
#define READY_NS (30 * NS_PER_S)
#define STOP_NS (30 * NS_PER_S)
#define EVENTS "1, 3, 6"    /* of those the simulator plants, the ones it can vary */
#define SHIFT_HOURS_MAX 2.5 /* the simulator's */
#define SYNC_DELAY_MAX 1000 /* the setting's */

struct demo {
	struct cmd *c;
	char dir[256];
	bool made_dir;
	struct demo_node nodes[DEMO_FIRMS];
	pid_t serve[DEMO_FIRMS], sim;
	char *self, *simulator;
	const char *seed, *without, *halve, *shift_event, *shift_hours;
	int64_t sync_delay_ms, t0_ns;
	bool check;
	struct diag *d;
};

static volatile sig_atomic_t interrupted;
static void on_signal(int n) { interrupted = n; }

static const char *const names_ko[DEMO_FIRMS] = {"예시사출", "예시정공", "예시모터"};
static const char *const names_en[DEMO_FIRMS] = {"Example Moulding", "Example Precision", "Example Motor"};

static void nap(int64_t ns) { mono_sleep(ns); }

/* ---- nodes ---- */
static int make_node(struct demo *m, unsigned i)
{
	struct folder_init f = {.lang = m->c->lang == WORDS_KO ? "ko" : "en", .name = cmd_text(m->c, names_ko[i], names_en[i]), .firm = demo_firms[i], .demo = true,
		.demo_start_ns = m->t0_ns - HISTORY_HOURS * 3600 * NS_PER_S, .now_ns = wall_now(), .sync_delay_ms = m->sync_delay_ms};
	m->nodes[i].dir = vfs_join(m->dir, demo_firms[i]);
	return m->nodes[i].dir ? folder_init(m->c->vfs, m->nodes[i].dir, &f, m->d) : diag_set(m->d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
}

/* The next port that nobody listens on; another program may still take it before the node does: then the next is tried. */
static uint16_t free_port(uint16_t from)
{
	for (unsigned p = from; p < 65535; p++) {
		int fd;
		if (net_listen(&fd, (uint16_t)p) == 0) {
			net_close(fd);
			return (uint16_t)p;
		}
	}
	return 0;
}

/* Whether the JSON object holds this node's identity. */
static bool says_id(struct span json, struct span id)
{
	struct arena a;
	struct json_value *root;
	struct span got;
	arena_init(&a, 1 << 20);
	bool ok = json_parse(&root, &a, json, NULL) == 0 && json_get_str(root, "id", &got, NULL) == 0 && span_eq(got, id);
	arena_free(&a);
	return ok;
}

/* Whether the node that answers there is the one of this folder: another program's, another demo's even, may have taken the port. */
static bool answers(struct demo *m, const struct demo_node *n)
{
	struct httpc *h = NULL;
	struct buf b;
	struct arena a;
	struct json_value *root;
	struct span id;
	uint8_t *own = NULL;
	size_t own_n = 0;
	int status = 0;
	char full[96], *path = vfs_join(n->dir, "node.json");
	buf_init(&b, 0);
	arena_init(&a, 1 << 20);
	snprintf(full, sizeof full, "%s/api/v1/node", n->url);
	struct httpc_request r = {.method = "GET", .url = full, .timeout_ms = 1000};
	bool ok = path && vfs_slurp(m->c->vfs, &own, &own_n, path, 1u << 20, NULL) == 0 && json_parse(&root, &a, span_of(own, own_n), NULL) == 0 &&
		json_get_str(root, "id", &id, NULL) == 0 && httpc_new(&h) == 0 && httpc_do(h, &r, &status, &b, NULL) == 0 && status == 200 &&
		says_id(buf_span(&b), id);
	httpc_free(h);
	buf_free(&b);
	arena_free(&a);
	free(own);
	free(path);
	return ok;
}

static int start_node(struct demo *m, unsigned i, uint16_t *port)
{
	for (unsigned tries = 0; tries < 20; tries++) {
		char listen[32];
		*port = free_port(*port);
		if (!*port)
			break;
		snprintf(listen, sizeof listen, "127.0.0.1:%u", *port);
		snprintf(m->nodes[i].url, sizeof m->nodes[i].url, "http://127.0.0.1:%u", *port);
		const char *const argv[] = {m->self, "serve", m->nodes[i].dir, "--listen", listen, NULL};
		struct proc_spawn s = {.path = m->self, .argv = argv, .fd_in = -1, .fd_out = -1, .fd_err = 2, .die_with_parent = true};
		int err = proc_spawn(&m->serve[i], &s);
		if (err != 0)
			return diag_set(m->d, err, MSG_DEMO_SPAWN);
		for (int64_t until = mono_now() + READY_NS; mono_now() < until && !interrupted; nap(10 * NS_PER_MS)) {
			int status;
			if (answers(m, &m->nodes[i])) {
				++*port;
				return 0;
			}
			if (proc_wait(m->serve[i], &status, false) == 0) {
				m->serve[i] = 0;
				break; /* the port was taken meanwhile */
			}
		}
		if (interrupted)
			return MO_ECANCELED;
		++*port;
	}
	return diag_set(m->d, MO_ETIMEOUT, MSG_DEMO_SPAWN);
}

/* ---- the simulator ---- */
static char *join_nodes(const struct demo *m, bool inbox)
{
	struct buf b;
	buf_init(&b, 0);
	for (unsigned i = 0; i < DEMO_FIRMS; i++)
		buf_printf(&b, "%s%s=%s%s", i ? "," : "", demo_firms[i], inbox ? m->nodes[i].dir : m->nodes[i].url, inbox ? "/inbox" : "");
	buf_addc(&b, 0);
	return b.err ? NULL : (char *)b.p;
}

static int start_simulator(struct demo *m)
{
	char *nodes = join_nodes(m, false), *inbox = join_nodes(m, true), *truth = vfs_join(m->dir, "truth.json"), *acks = vfs_join(m->dir, "acks.json");
	char t0[40];
	t0[rfc3339_format(t0, m->t0_ns)] = 0;
	const char *argv[32];
	size_t n = 0;
	int err = nodes && inbox && truth && acks ? 0 : diag_set(m->d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	argv[n++] = m->simulator;
	const char *const plain[] = {"--nodes", nodes, "--inbox", inbox, "--truth", truth, "--acks", acks, "--t0", t0, "--seed", m->seed};
	for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
		argv[n++] = plain[i];
	argv[n++] = "--scale";
	argv[n++] = m->check ? "60" : "1";
	if (m->check) {
		argv[n++] = "--life-minutes";
		argv[n++] = "10";
	}
	if (m->without) {
		argv[n++] = "--without";
		argv[n++] = m->without;
	}
	if (m->halve) {
		argv[n++] = "--halve";
		argv[n++] = m->halve;
	}
	if (m->shift_event) {
		argv[n++] = "--shift";
		argv[n++] = m->shift_event;
		argv[n++] = m->shift_hours;
	}
	argv[n] = NULL;
	struct proc_spawn s = {.path = m->simulator, .argv = argv, .fd_in = -1, .fd_out = 1, .fd_err = 2, .die_with_parent = true};
	if (err == 0 && (err = proc_spawn(&m->sim, &s)) != 0)
		diag_set(m->d, err, MSG_DEMO_SPAWN);
	free(nodes);
	free(inbox);
	free(truth);
	free(acks);
	return err;
}

static void end(pid_t *pid)
{
	int status;
	if (*pid <= 0)
		return;
	kill(*pid, SIGTERM);
	for (int64_t until = mono_now() + STOP_NS; mono_now() < until; nap(10 * NS_PER_MS))
		if (proc_wait(*pid, &status, false) == 0) {
			*pid = 0;
			return;
		}
	kill(*pid, SIGKILL);
	if (proc_wait(*pid, &status, true) != 0)
		status = 0;
	*pid = 0;
}

/* Waits for the simulator to end by itself (check), or for somebody to end us. */
static int wait_simulator(struct demo *m)
{
	int status;
	while (!interrupted) {
		int err = proc_wait(m->sim, &status, false);
		if (err == 0) {
			m->sim = 0;
			return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : diag_set(m->d, MO_EIO, MSG_DEMO_SIMULATOR);
		}
		nap(20 * NS_PER_MS);
	}
	return m->check ? MO_ECANCELED : 0;
}

/* ---- the check ---- */
static int slurp(struct demo *m, const char *name, uint8_t **ret, size_t *ret_n)
{
	char *path = vfs_join(m->dir, name);
	int err = path ? vfs_slurp(m->c->vfs, ret, ret_n, path, 64u << 20, m->d) : MO_ENOMEM;
	free(path);
	return err;
}

static int check(struct demo *m, int *ret_status)
{
	struct buf found;
	uint8_t *truth = NULL, *acks = NULL;
	size_t truth_n = 0, acks_n = 0;
	unsigned missed = 0, wrong = 0;
	char *path = vfs_join(m->dir, "found.json");
	buf_init(&found, 0);
	int err = path ? demo_found(m->nodes, &found, m->d) : MO_ENOMEM;
	if (err == 0)
		err = vfs_replace(m->c->vfs, path, buf_span(&found), false, m->d);
	/* The truth is opened only now that what was found is saved. */
	if (err == 0)
		err = slurp(m, "truth.json", &truth, &truth_n);
	if (err == 0)
		err = slurp(m, "acks.json", &acks, &acks_n);
	if (err == 0)
		err = demo_compare(m->c, span_of(truth, truth_n), buf_span(&found), span_of(acks, acks_n), &missed, &wrong, m->d);
	if (err == 0) {
		printf(cmd_text(m->c, "\n씨앗 %s: 놓침 %u, 잘못 알림 %u\n", "\nseed %s: %u missed, %u false\n"), m->seed, missed, wrong);
		*ret_status = missed || wrong ? 1 : 0;
	}
	free(truth);
	free(acks);
	free(path);
	buf_free(&found);
	return err;
}

static void remove_tree(const char *dir)
{
	const char *const argv[] = {"/bin/rm", "-rf", "--one-file-system", dir, NULL};
	struct proc_spawn s = {.path = argv[0], .argv = argv, .fd_in = -1, .fd_out = -1, .fd_err = 2};
	pid_t pid;
	int status;
	if (proc_spawn(&pid, &s) == 0 && proc_wait(pid, &status, true) != 0)
		fprintf(stderr, "moru: %s\n", dir);
}

static bool is_event(const char *text) { return strcmp(text, "1") == 0 || strcmp(text, "3") == 0 || strcmp(text, "6") == 0; }

/* What the simulator would refuse only when the nodes run already. 0, or 2 and said. */
static int check_arguments(const struct demo *m)
{
	uint64_t seed;
	double hours;
	if (num_u64(&seed, span_str(m->seed)) != 0)
		return cmd_bad(m->c, "--seed", m->seed, "0..18446744073709551615");
	if (m->without && !is_event(m->without))
		return cmd_bad(m->c, "--without", m->without, EVENTS);
	if (m->halve && !is_event(m->halve))
		return cmd_bad(m->c, "--halve", m->halve, EVENTS);
	if (m->shift_event && !is_event(m->shift_event))
		return cmd_bad(m->c, "--shift", m->shift_event, EVENTS);
	if (num_f64(&hours, span_str(m->shift_hours)) != 0 || !(hours >= -SHIFT_HOURS_MAX && hours <= SHIFT_HOURS_MAX))
		return cmd_bad(m->c, "--shift", m->shift_hours, "-2.5..2.5");
	return 0;
}

int cmd_demo(struct cmd *c)
{
	struct cmd_option o[] = {{"--check", false, NULL}, {"--seed", true, NULL}, {"--dir", true, NULL}, {"--keep", false, NULL}, {"--without", true, NULL},
		{"--halve", true, NULL}, {"--shift", true, NULL}, {"--sync-delay", true, NULL}};
	struct demo m = {.c = c, .d = calloc(1, sizeof *m.d), .seed = "1"};
	int status = 1, err = 0;
	uint16_t port = PORT_FIRST;
	if (!m.d || cmd_options(c, o, sizeof o / sizeof *o) != 0 || !cmd_count(c, "demo", 0, o[6].got ? 1 : 0)) {
		free(m.d);
		return 2;
	}
	m.check = o[0].got != NULL;
	if (o[1].got)
		m.seed = o[1].got;
	m.without = o[4].got;
	m.halve = o[5].got;
	m.shift_event = o[6].got;
	m.shift_hours = c->argc ? c->argv[0] : "2";
	if (o[7].got && (num_i64(&m.sync_delay_ms, span_str(o[7].got)) != 0 || m.sync_delay_ms < 0 || m.sync_delay_ms > SYNC_DELAY_MAX))
		status = cmd_bad(c, "--sync-delay", o[7].got, "0..1000");
	else if (o[2].got && strlen(o[2].got) >= sizeof m.dir)
		status = cmd_bad(c, "--dir", o[2].got, "1..255 bytes");
	else
		status = check_arguments(&m);
	if (status != 0) {
		free(m.d);
		return status;
	}
	status = 1;
	struct sigaction sa = {.sa_handler = on_signal};
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	if (o[2].got) {
		snprintf(m.dir, sizeof m.dir, "%s", o[2].got);
		err = vfs_mkdir(c->vfs, m.dir, false);
	} else {
		snprintf(m.dir, sizeof m.dir, "%s/moru-demo-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
		m.made_dir = mkdtemp(m.dir) != NULL;
		err = m.made_dir ? 0 : diag_errno(m.d, 2, "mkdtemp", m.dir);
	}
	char *bin = proc_self_dir();
	m.self = bin ? vfs_join(bin, "moru") : NULL;
	m.simulator = bin ? vfs_join(bin, "moru-sim") : NULL;
	m.t0_ns = wall_now() / (60 * NS_PER_S) * (60 * NS_PER_S);
	if (err == 0 && (!m.self || !m.simulator))
		err = diag_set(m.d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	for (unsigned i = 0; i < DEMO_FIRMS && err == 0; i++)
		if ((err = make_node(&m, i)) == 0)
			err = start_node(&m, i, &port);
	if (err == 0) {
		for (unsigned i = 0; i < DEMO_FIRMS; i++)
			printf("%s  %s\n", m.nodes[i].url, cmd_text(c, names_ko[i], names_en[i]));
		printf("%s\n", cmd_text(c, "지난 한 주의 이력을 읽어 들이는 중입니다. 화면의 오늘에서 진행이 보입니다. 끝내려면 Ctrl-C.",
				     "Loading a week of history; Today shows its progress. End with Ctrl-C."));
		fflush(stdout);
		err = start_simulator(&m);
	}
	if (err == 0)
		err = wait_simulator(&m);
	if (err == 0 && m.check)
		err = check(&m, &status);
	else if (err == 0)
		status = 0;
	end(&m.sim);
	for (unsigned i = 0; i < DEMO_FIRMS; i++)
		end(&m.serve[i]);
	if (err != 0 && !interrupted)
		status = cmd_fail(c, m.d, 1);
	if (m.made_dir && !o[3].got)
		remove_tree(m.dir);
	for (unsigned i = 0; i < DEMO_FIRMS; i++)
		free(m.nodes[i].dir);
	free(bin);
	free(m.self);
	free(m.simulator);
	free(m.d);
	return interrupted && !m.check ? 0 : status;
}
