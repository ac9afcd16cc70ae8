/* See operate.h. A line of the log: TIME LEVEL CODE: WORDS KEY=VALUE..., the words in the user's language, the rest for programs. */
#include "cmd/operate.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "http/loop.h"
#include "os/crash.h"
#include "os/notify.h"
#include "os/proc.h"

#define FILES_WANTED 65536u /* of RLIMIT_NOFILE: far more than connections and files together */

/* A sanitizer's own handlers say more than ours. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CATCH_FAULTS false
#elif !defined(__has_feature)
#define CATCH_FAULTS true
#elif __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define CATCH_FAULTS false
#else
#define CATCH_FAULTS true
#endif

static struct {
	const struct cmd *c;
	struct crash *crash;
	struct notify *notify;
	_Atomic(struct node *) node; /* whom libevent's lines go to; NULL: standard error */
	int64_t watchdog_ns, fed_ns; /* WATCHDOG=1 so often; 0: nobody waits for it */
	char stack[CRASH_STACK_BYTES];
} op;

/* ---- lines ---- */
static void add_field(struct buf *b, const char *key, struct span v)
{
	bool plain = v.n != 0;
	for (size_t i = 0; i < v.n; i++)
		plain &= v.p[i] > ' ' && v.p[i] != '"' && v.p[i] != '=' && v.p[i] != '\\' && v.p[i] != 0x7f;
	buf_printf(b, " %s=", key);
	if (plain) {
		buf_add(b, v);
		return;
	}
	buf_addc(b, '"');
	for (size_t i = 0; i < v.n; i++) {
		if (v.p[i] == '"' || v.p[i] == '\\')
			buf_addc(b, '\\');
		buf_addc(b, v.p[i] < ' ' ? ' ' : v.p[i]);
	}
	buf_addc(b, '"');
}

static void add_fields(struct buf *b, const struct diag *d)
{
	const struct {
		const char *key, *text;
	} texts[] = {{"file", d->file}, {"field", d->field}, {"value", d->value}, {"expected", d->expected}};
	char key[] = "arg0", n[32];
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (texts[i].text[0])
			add_field(b, texts[i].key, span_str(texts[i].text));
	if (d->line)
		buf_printf(b, " line=%llu", (unsigned long long)d->line);
	if (d->column)
		buf_printf(b, " column=%llu", (unsigned long long)d->column);
	for (unsigned i = 0; i < DIAG_ARGS_MAX; i++) {
		const struct diag_arg *a = &d->arg[i];
		key[3] = (char)('0' + i);
		if (a->kind == DIAG_TEXT)
			add_field(b, key, span_str(a->text));
		else if (a->kind != DIAG_NONE)
			add_field(b, key, span_of(n, a->kind == DIAG_INT ? num_format_i64(n, a->i) : num_format_f64(n, a->r)));
	}
}

static void log_line(void *arg, const char *level, const struct diag *d)
{
	const struct cmd *c = arg;
	struct buf b;
	char t[32];
	buf_init(&b, 0);
	cmd_words(&b, c, d);
	add_fields(&b, d);
	t[rfc3339_format(t, wall_now() / NS_PER_MS * NS_PER_MS)] = 0;
	fprintf(stderr, "%s %s %s: %.*s\n", t, level, words_code(d->msg), (int)b.n, (const char *)b.p);
	buf_free(&b);
}

static void say(const char *level, enum mo_msg msg, struct span text)
{
	struct node *n = atomic_load(&op.node);
	struct diag *d = calloc(1, sizeof *d);
	if (d) {
		diag_set(d, 0, msg);
		diag_text(d, 0, text);
		if (n)
			node_log(n, level, d);
		else
			log_line((void *)(uintptr_t)op.c, level, d);
	}
	free(d);
}

static void loop_line(int severity, const char *text)
{
	if (severity >= LOOP_LOG_WARN)
		say("warn", MSG_LOOP_SAYS, span_str(text));
}

/* ---- the end by a fault ---- */
static void on_fault(int signal, siginfo_t *info, void *context)
{
	crash_write(op.crash, signal, info, context);
	crash_pass_on(signal);
}

/* ---- the service manager ---- */
static void state(void *arg, enum node_state s)
{
	int64_t now = mono_now();
	char text[64];
	(void)arg;
	switch (s) {
	case NODE_ALIVE:
		if (!op.watchdog_ns || now - op.fed_ns < op.watchdog_ns)
			return;
		op.fed_ns = now;
		notify_say(op.notify, "WATCHDOG=1");
		return;
	case NODE_RELOADING:
		snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)(now / NS_PER_US));
		notify_say(op.notify, text);
		return;
	case NODE_RELOADED: notify_say(op.notify, "READY=1"); return;
	case NODE_STOPPING: notify_say(op.notify, "STOPPING=1"); return;
	}
}

int operate_begin(struct cmd *c, struct node_options *opt)
{
	int64_t us;
	const char *watchdog = getenv("WATCHDOG_USEC");
	op.c = c;
	loop_set_log(loop_line);
	(void)proc_raise_files(FILES_WANTED);
	if (proc_no_core() != 0)
		say("warn", MSG_LIMITS_CORE, SPAN_LIT(""));
	int err = crash_new(&op.crash, "moru", MORU_VERSION);
	if (err == 0 && CATCH_FAULTS)
		err = crash_catch(on_fault, op.stack, sizeof op.stack);
	if (err != 0)
		return err;
	/* A name that is no socket's is as good as none: the manager will not wait for long. */
	if (notify_new(&op.notify, getenv("NOTIFY_SOCKET")) == MO_ENOMEM)
		return MO_ENOMEM;
	if (watchdog && num_i64(&us, span_str(watchdog)) == 0 && us > 0)
		op.watchdog_ns = us <= INT64_MAX / NS_PER_US ? us * NS_PER_US / 4 : INT64_MAX;
	opt->log = log_line;
	opt->log_arg = c;
	opt->code = words_code;
	opt->crash = op.crash;
	opt->state = state;
	return 0;
}

void operate_ready(struct node *n)
{
	struct diag *d = calloc(1, sizeof *d);
	if (d) {
		diag_set(d, 0, MSG_NODE_STARTED);
		diag_text(d, 0, SPAN_LIT(MORU_VERSION));
		diag_int(d, 1, (int64_t)proc_files_limit());
		diag_int(d, 2, (int64_t)node_connections_max(n));
		node_log(n, "info", d);
	}
	free(d);
	atomic_store(&op.node, n);
	notify_say(op.notify, "READY=1");
}

void operate_end(void) { atomic_store(&op.node, NULL); }

void operate_free(void)
{
	/* Handlers stay: what they need goes with the process. */
	notify_free(op.notify);
	op.notify = NULL;
}
