#include "cm.h"

#include "rig.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "idle.h"

#include "node/collect.h"
#include "node/gate.h"
#include "node/live.h"
#include "os/thread.h"

/* ---- a handler that answers "ok" ---- */
/* As a route that is open: who asks is not the question here. */
static const struct gate_ask ask = {"test", PRINCIPAL_PUBLIC, PERMISSION_OPEN, false, false};

static void on_end(void *arg, struct http_x *x)
{
	struct gate_pass p;
	(void)arg;
	if (gate_admit(&p, NULL, x, &ask) != 0 || gate_reply(&p, 200, NULL, 0, SPAN_LIT("ok")) != 0)
		gate_abort(&p);
}

static const struct http_handler ok_handler = {idle_head, idle_body, on_end, idle_done, idle_drained, NULL};

/* ---- the node's thread ---- */
static void said(void *arg, const char *level, const struct diag *d)
{
	struct rig *r = arg;
	(void)level;
	pthread_mutex_lock(&r->mu);
	if (r->n_said < RIG_SAID_MAX) {
		r->said[r->n_said] = d->msg;
		snprintf(r->about[r->n_said], DIAG_TEXT_MAX, "%s", d->arg[0].kind == DIAG_TEXT ? d->arg[0].text : "");
		r->n_said++;
	}
	if (getenv("RIG_SAY"))
		fprintf(stderr, "%s: message %d, file %s, line %u, field %s, value %s, {0} %s %lld\n", level, (int)d->msg, d->file, (unsigned)d->line, d->field,
			d->value, d->arg[0].text, (long long)d->arg[1].i);
	pthread_cond_broadcast(&r->cond);
	pthread_mutex_unlock(&r->mu);
}

static void tell(struct rig *r, bool up, bool over)
{
	pthread_mutex_lock(&r->mu);
	r->up = up;
	r->over = over;
	pthread_cond_broadcast(&r->cond);
	pthread_mutex_unlock(&r->mu);
}

static void *life(void *arg)
{
	struct rig *r = arg;
	struct diag *d = calloc(1, sizeof *d);
	struct node_options opt = {.dir = r->dir, .listen_address = r->listen ? r->listen : "127.0.0.1", .listen_port = 0, .machine = r->machine, .version = "test", .log = said, .log_arg = r,
		.helper_path = r->helper ? r->helper : "/nonexistent/moru-helper", .watchdog_ns = r->watchdog_ns};
	r->status = node_open(&r->n, r->vfs, &opt, d);
	if (r->status == 0) {
		node_set_handler(r->n, r->handler ? r->handler : &ok_handler, r->handler_arg);
		node_set_importer(r->n, r->importer, r->importer_arg);
		r->status = node_start(r->n, d);
	}
	if (r->status != 0)
		fprintf(stderr, "node: %s, message %d, %s\n", mo_err_name(r->status), (int)d->msg, d->file);
	tell(r, r->status == 0, false);
	if (r->status == 0)
		r->status = node_run(r->n, d);
	if (r->before_close)
		r->before_close(r);
	node_close(r->n);
	r->n = NULL;
	free(d);
	tell(r, false, true);
	return NULL;
}

void rig_init(struct rig *r)
{
	struct folder_init f = {.lang = "en", .name = "Test", .firm = "TST", .now_ns = wall_now()};
	memset(r, 0, sizeof *r);
	snprintf(r->dir, sizeof r->dir, "/tmp/moru-node-XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	assert_int_equal(vfs_real(&r->vfs), 0);
	assert_int_equal(folder_init(r->vfs, r->dir, &f, NULL), 0);
	pthread_mutex_init(&r->mu, NULL);
	pthread_condattr_t a;
	pthread_condattr_init(&a);
	pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
	pthread_cond_init(&r->cond, &a);
	pthread_condattr_destroy(&a);
}

void rig_start(struct rig *r)
{
	r->up = r->over = false;
	assert_int_equal(thread_start(&r->thread, "node", life, r), 0);
	pthread_mutex_lock(&r->mu);
	while (!r->up && !r->over)
		pthread_cond_wait(&r->cond, &r->mu);
	pthread_mutex_unlock(&r->mu);
}

void rig_stop(struct rig *r)
{
	if (r->n)
		node_stop(r->n);
	thread_join(r->thread);
}

void rig_free(struct rig *r)
{
	char cmd[96];
	snprintf(cmd, sizeof cmd, "rm -rf '%s'", r->dir);
	assert_int_equal(system(cmd), 0);
	vfs_free(r->vfs);
	pthread_cond_destroy(&r->cond);
	pthread_mutex_destroy(&r->mu);
}

struct errand {
	struct work work;
	struct loop_post post;
	struct rig *r;
	void (*on_loop)(void *arg);
	void (*on_worker)(void *arg, struct store_reader *reader);
	void *arg;
	bool over;
};

static void errand_over(struct errand *e)
{
	pthread_mutex_lock(&e->r->mu);
	e->over = true;
	pthread_cond_broadcast(&e->r->cond);
	pthread_mutex_unlock(&e->r->mu);
}

static void run_errand(void *arg)
{
	struct errand *e = arg;
	e->on_loop(e->arg);
	errand_over(e);
}

static void work_errand(struct work *w, struct store_reader *reader)
{
	struct errand *e = (struct errand *)w;
	e->on_worker(e->arg, reader);
	errand_over(e);
}

static void wait_errand(struct errand *e)
{
	pthread_mutex_lock(&e->r->mu);
	while (!e->over)
		pthread_cond_wait(&e->r->cond, &e->r->mu);
	pthread_mutex_unlock(&e->r->mu);
}

void rig_on_loop(struct rig *r, void (*fn)(void *arg), void *arg)
{
	struct errand e = {.r = r, .on_loop = fn, .arg = arg};
	e.post = (struct loop_post){.fn = run_errand, .arg = &e};
	loop_post(node_loop(r->n), &e.post);
	wait_errand(&e);
}

void rig_on_worker(struct rig *r, void (*fn)(void *arg, struct store_reader *reader), void *arg)
{
	struct errand e = {.work.fn = work_errand, .r = r, .on_worker = fn, .arg = arg};
	assert_int_equal(node_work(r->n, &e.work), 0);
	wait_errand(&e);
}

struct put {
	struct sjob job;
	const char *name, *json;
};

static int put_run(struct sjob *j, struct store *s, struct diag *d)
{
	struct put *p = (struct put *)j;
	int64_t version;
	return store_put_doc(s, DOC_DEVICE, span_str(p->name), p->json ? span_str(p->json) : span_of(NULL, 0), -1, SPAN_LIT("test"), 1, &version, d);
}

static void reload(void *arg)
{
	collect_reload(node_collect(((struct rig *)arg)->n));
}

void rig_device(struct rig *r, const char *name, const char *json)
{
	struct put p = {.name = name, .json = json};
	assert_int_equal(storer_run(node_storer(r->n), put_run, &p.job, NULL), 0);
	rig_on_loop(r, reload, r);
}

bool rig_said(struct rig *r, enum mo_msg msg, const char *about, int64_t wait_ns)
{
	int64_t until = mono_now() + wait_ns;
	bool found = false;
	pthread_mutex_lock(&r->mu);
	for (;;) {
		for (unsigned i = 0; i < r->n_said && !found; i++)
			found = r->said[i] == msg && (!about || strcmp(about, r->about[i]) == 0);
		struct timespec t = {.tv_sec = until / NS_PER_S, .tv_nsec = until % NS_PER_S};
		if (found || pthread_cond_timedwait(&r->cond, &r->mu, &t) != 0)
			break;
	}
	pthread_mutex_unlock(&r->mu);
	return found;
}

int rig_connect_port(uint16_t port)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	assert_true(fd >= 0);
	if (connect(fd, (struct sockaddr *)&a, sizeof a) == 0)
		return fd;
	close(fd);
	return -1;
}

int rig_connect(struct rig *r)
{
	int fd = rig_connect_port(node_port(r->n));
	assert_true(fd >= 0);
	return fd;
}
