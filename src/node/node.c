/* See node.h: opening, starting, stopping; the worker pool; small shared state. */
#include "node/priv/node.h"

#include <signal.h>

#include <stdio.h>
#include <stdlib.h>

#include "os/memvfs.h"

#define ZONE_FILE_MAX (1u << 20)
#define NODE_SECOND NS_PER_S

/* ---- small accessors ---- */
struct folder *node_folder(struct node *n) { return n->folder; }
struct loop *node_loop(struct node *n) { return n->loop; }
struct clock *node_clock(struct node *n) { return n->clock; }
struct sdb *node_sdb(struct node *n) { return n->sdb; }
struct writer *node_writer(struct node *n) { return n->writer; }
struct storer *node_storer(struct node *n) { return n->storer; }
const struct zone *node_zone(struct node *n) { return n->zone; }
uint16_t node_port(struct node *n) { return n->server ? http_server_port(n->server) : 0; }
int64_t node_started(struct node *n) { return n->started_ns; }
struct http_server *node_server(struct node *n) { return n->server; }
const struct sdb_recovery *node_recovery(struct node *n) { return &n->recovery; }
struct vfs *node_vfs(struct node *n) { return n->slow ? n->slow : n->vfs; }
struct collect *node_collect(struct node *n) { return n->collect; }
struct jobs *node_jobs(struct node *n) { return n->jobs; }
struct live *node_live(struct node *n) { return n->live; }
struct watch *node_watch(struct node *n) { return n->watch; }

void node_set_handler(struct node *n, const struct http_handler *h, void *arg)
{
	n->handler = h;
	n->handler_arg = arg;
}

void node_set_importer(struct node *n, int (*fn)(void *arg, struct store_reader *r, const char *path, const char *name, struct diag *d), void *arg)
{
	n->importer = fn;
	n->importer_arg = arg;
}

void node_settings(struct node *n, struct settings *ret)
{
	pthread_mutex_lock(&n->mu);
	*ret = n->settings;
	pthread_mutex_unlock(&n->mu);
}

void node_history(struct node *n, int64_t *from_ns, int64_t *to_ns)
{
	pthread_mutex_lock(&n->mu);
	*from_ns = n->history_from_ns;
	*to_ns = n->history_to_ns;
	pthread_mutex_unlock(&n->mu);
}

void node_set_history(struct node *n, int64_t from_ns, int64_t to_ns)
{
	pthread_mutex_lock(&n->mu);
	n->history_from_ns = from_ns;
	n->history_to_ns = to_ns;
	pthread_mutex_unlock(&n->mu);
}

void node_log(struct node *n, const char *level, const struct diag *d)
{
	if (!n->opt.log)
		return;
	pthread_mutex_lock(&n->log_mu);
	n->opt.log(n->opt.log_arg, level, d);
	pthread_mutex_unlock(&n->log_mu);
}

/* ---- opening ---- */
static int open_zone(struct node *n, struct diag *d)
{
	const char *name = n->folder->settings.zone;
	if (strstr(name, "..") || name[0] == '/') {
		diag_set(d, MO_EINVAL, MSG_ZONE_UNKNOWN);
		diag_value(d, span_str(name));
		return MO_EINVAL;
	}
	char path[128];
	uint8_t *bytes = NULL;
	size_t len = 0;
	snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", name);
	int err = vfs_slurp(n->vfs, &bytes, &len, path, ZONE_FILE_MAX, NULL);
	if (err == 0)
		err = zone_parse(&n->zone, span_of(bytes, len));
	free(bytes);
	if (err != 0) {
		diag_set(d, err, MSG_ZONE_UNKNOWN);
		diag_value(d, span_str(name));
		diag_file(d, path);
	}
	return err;
}

/* The clock of a demo folder stands where the folder's time stood when it was last durable. */
static int open_clock(struct node *n, struct diag *d)
{
	if (!n->folder->demo)
		return clock_new_real(&n->clock);
	int64_t start = n->folder->demo_start_ns;
	struct store_reader *r = NULL;
	struct buf mark;
	buf_init(&mark, 0);
	char *path = folder_path(n->folder, "store.db");
	int err = path ? store_reader_open(&r, node_vfs(n), path, d) : diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	if (err == 0 && store_get_mark(r, SPAN_LIT("last_time"), &mark, NULL) == 0 && mark.n == 8) {
		struct rd rd = rd_of(buf_span(&mark));
		int64_t last = (int64_t)rd_u64(&rd);
		if (last > start)
			start = last;
	}
	store_reader_close(r);
	buf_free(&mark);
	free(path);
	return err != 0 ? err : clock_new_stepped(&n->clock, start);
}

static int open_engines(struct node *n, struct diag *d)
{
	char *db = folder_path(n->folder, "store.db"), *series = folder_path(n->folder, "series");
	int err = db && series ? 0 : diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	if (err == 0)
		err = store_open(&n->store, node_vfs(n), db, d);
	if (err == 0)
		err = open_clock(n, d);
	if (err == 0) {
		struct sdb_options opt = {.head_budget_bytes = (uint64_t)n->settings.head_budget_bytes};
		err = sdb_open(&n->sdb, node_vfs(n), series, &opt, &n->recovery, d);
	}
	if (err == 0 && n->recovery.set_aside) {
		struct diag *say = calloc(1, sizeof *say);
		if (say) {
			diag_set(say, MO_ECORRUPT, MSG_SET_ASIDE);
			diag_file(say, n->recovery.set_aside_name);
			diag_int(say, 0, (int64_t)n->recovery.set_aside);
			node_log(n, "error", say);
			free(say);
		}
	}
	free(db);
	free(series);
	return err;
}

int node_open(struct node **ret, struct vfs *vfs, const struct node_options *opt, struct diag *d)
{
	struct node *n = calloc(1, sizeof *n);
	if (!n)
		return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	n->vfs = vfs;
	n->opt = *opt;
	n->history_from_ns = n->history_to_ns = T_NONE;
	pthread_mutex_init(&n->mu, NULL);
	pthread_mutex_init(&n->log_mu, NULL);
	int err = folder_open(&n->folder, vfs, opt->dir, true, d);
	if (err == 0) {
		n->settings = n->folder->settings;
		n->address = strdup(opt->listen_address ? opt->listen_address : n->settings.address);
		n->port_wanted = opt->listen_port < 0 ? n->settings.port : opt->listen_port;
		err = n->address ? 0 : diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	}
	if (err == 0 && n->folder->demo && n->settings.sync_delay_ms)
		err = slowvfs_new(&n->slow, vfs, n->settings.sync_delay_ms * NS_PER_MS);
	if (err == 0)
		err = open_zone(n, d);
	if (err == 0)
		err = open_engines(n, d);
	if (err == 0)
		err = loop_new(&n->loop);
	if (err != 0) {
		node_close(n);
		return err;
	}
	*ret = n;
	return 0;
}

/* ---- workers ---- */
static void *worker_loop(void *arg)
{
	struct worker *w = arg;
	void *item;
	while (bqueue_pop(w->node->work, &item, -1) == 0) {
		struct work *job = item;
		job->fn(job, w->reader);
	}
	return NULL;
}

int node_work(struct node *n, struct work *w) { return bqueue_try_push(n->work, w); }

static int start_workers(struct node *n, struct diag *d)
{
	char *db = folder_path(n->folder, "store.db");
	int err = db ? bqueue_new(&n->work, NODE_QUEUE) : MO_ENOMEM;
	for (unsigned i = 0; i < NODE_WORKERS && err == 0; i++) {
		struct worker *w = &n->workers[i];
		w->node = n;
		err = store_reader_open(&w->reader, node_vfs(n), db, d);
		if (err == 0)
			err = thread_start(&w->thread, "worker", worker_loop, w);
		if (err == 0)
			w->started = true;
	}
	free(db);
	return err;
}

static void stop_workers(struct node *n)
{
	if (n->work)
		bqueue_close(n->work);
	for (unsigned i = 0; i < NODE_WORKERS; i++) {
		if (n->workers[i].started)
			thread_join(n->workers[i].thread);
		n->workers[i].started = false;
		store_reader_close(n->workers[i].reader);
		n->workers[i].reader = NULL;
	}
}

/* ---- signals, the second ---- */
static void reload(struct node *n)
{
	struct diag *d = calloc(1, sizeof *d);
	char *path = folder_path(n->folder, "moru.yaml");
	struct settings s;
	if (!d || !path) {
		free(d);
		free(path);
		return;
	}
	if (settings_read(&s, n->vfs, path, n->folder->demo, d) != 0) {
		node_log(n, "error", d); /* the old ones stay */
	} else {
		size_t n_keys;
		const struct setting_key *k = settings_keys(&n_keys);
		pthread_mutex_lock(&n->mu);
		struct settings now = n->settings;
		bool needs_restart = false;
		for (size_t i = 0; i < n_keys; i++) {
			uint8_t *to = (uint8_t *)&now + k[i].offset;
			const uint8_t *from = (const uint8_t *)&s + k[i].offset;
			if (memcmp(to, from, k[i].size) == 0)
				continue;
			if (k[i].restart)
				needs_restart = true;
			else
				memcpy(to, from, k[i].size);
		}
		n->settings = now;
		pthread_mutex_unlock(&n->mu);
		diag_set(d, 0, needs_restart ? MSG_SETTINGS_RELOADED_RESTART : MSG_SETTINGS_RELOADED);
		diag_file(d, path);
		node_log(n, "info", d);
	}
	free(d);
	free(path);
}

static void on_signal(void *arg)
{
	struct node *n = arg;
	int sig;
	while (signals_read(n->signals, &sig) == 0) {
		if (sig == SIGHUP)
			reload(n);
		else
			loop_stop(n->loop);
	}
}

struct mark_job {
	struct sjob job;
	int64_t t_ns;
};

static int mark_run(struct sjob *j, struct store *s, struct diag *d)
{
	struct mark_job *m = (struct mark_job *)j;
	uint8_t b[8];
	for (unsigned i = 0; i < 8; i++)
		b[i] = (uint8_t)((uint64_t)m->t_ns >> (8 * i));
	return store_put_mark(s, SPAN_LIT("last_time"), span_of(b, 8), d);
}

static void mark_done(struct sjob *j, int err, const struct diag *d)
{
	(void)err;
	(void)d;
	free(j);
}

/* The last durable time, kept once a real minute and at the end. */
static void keep_time(struct node *n)
{
	struct mark_job *m = calloc(1, sizeof *m);
	if (!m)
		return;
	m->job.run = mark_run;
	m->job.done = mark_done;
	m->t_ns = clock_now(n->clock);
	if (storer_submit(n->storer, &m->job) != 0)
		free(m);
}

static void repair_signals(struct work *w, struct store_reader *r)
{
	struct node *n = (struct node *)((char *)w - offsetof(struct node, repair));
	if (signals_repair(n, r, NULL) != 0)
		atomic_store(&n->signals_missing, true);
	atomic_store(&n->repairing, false);
}

static void every_second(void *arg)
{
	struct node *n = arg;
	if (!atomic_load(&n->repairing) && atomic_exchange(&n->signals_missing, false)) {
		n->repair.fn = repair_signals;
		atomic_store(&n->repairing, true);
		if (node_work(n, &n->repair) != 0) {
			atomic_store(&n->repairing, false);
			atomic_store(&n->signals_missing, true);
		}
	}
	static const unsigned keep_every = 60;
	if ((unsigned)((mono_now() - n->started_ns) / NODE_SECOND) % keep_every == 0)
		keep_time(n);
	if (clock_mode(n->clock) != CLOCK_STEPPED) {
		jobs_run(n->jobs, NULL, NULL);
		watch_poll(n->watch, NULL, NULL);
	}
	loop_timer_set(n->second, NODE_SECOND);
}

static void on_changed(void *arg, int64_t number)
{
	struct node *n = arg;
	if (n->live)
		live_changed(n->live, number);
}

int node_start(struct node *n, struct diag *d)
{
	char *sock = folder_path(n->folder, "run/moru.sock");
	int err = sock ? 0 : MO_ENOMEM;
	if (err == 0 && !n->opt.offline)
		err = signals_new(&n->signals);
	if (err == 0)
		err = writer_new(&n->writer, n->sdb, NODE_QUEUE);
	if (err == 0 && !n->opt.offline)
		err = live_new(&n->live, n);
	if (err == 0)
		err = storer_new(&n->storer, n->store, NODE_QUEUE, on_changed, n);
	if (err == 0)
		err = start_workers(n, d);
	if (err == 0)
		err = signals_repair(n, n->workers[0].reader, d); /* nothing was given to the worker yet */
	if (err != 0 || n->opt.offline) {
		free(sock);
		return err;
	}
	if (err == 0)
		err = collect_new(&n->collect, n);
	if (err == 0)
		err = jobs_new(&n->jobs, n);
	if (err == 0)
		err = watch_new(&n->watch, n);
	if (err == 0)
		err = loop_fd_new(n->loop, &n->signal_fd, signals_fd(n->signals), on_signal, n);
	if (err == 0)
		err = loop_timer_new(n->loop, &n->second, every_second, n);
	if (err == 0) {
		struct http_options opt = {.address = n->address, .port = (uint16_t)n->port_wanted, .unix_path = sock};
		err = http_server_new(&n->server, n->loop, &opt, n->handler, n->handler_arg, d);
	}
	free(sock);
	if (err == 0) {
		n->started_ns = mono_now();
		collect_reload(n->collect);
		loop_timer_set(n->second, NODE_SECOND);
	} else if (d && d->msg == MSG_NONE) {
		diag_set(d, err, err == MO_ENOMEM ? MSG_OUT_OF_MEMORY : MSG_NODE_START);
	}
	return err;
}

int node_run(struct node *n, struct diag *d)
{
	int err = loop_run(n->loop);
	atomic_store(&n->ending, true);
	http_server_drain(n->server);
	keep_time(n);
	return err != 0 ? diag_set(d, err, MSG_NODE_START) : 0;
}

void node_stop(struct node *n) { loop_stop(n->loop); }

bool node_ending(struct node *n) { return atomic_load(&n->ending); }

/* In the order that lets each part finish what it owes to the next. */
void node_close(struct node *n)
{
	if (!n)
		return;
	loop_timer_free(n->second);
	loop_fd_free(n->signal_fd);
	watch_free(n->watch);
	collect_free(n->collect);
	stop_workers(n);
	jobs_free(n->jobs);
	http_server_free(n->server);
	writer_free(n->writer);
	storer_free(n->storer);
	live_free(n->live);
	bqueue_free(n->work);
	/* A flushed folder starts without replaying its log; when it fails, the log still holds everything. */
	if (n->sdb && n->writer && sdb_maintain(n->sdb, true, NULL) != 0)
		n->stopping = true;
	sdb_close(n->sdb);
	store_close(n->store);
	loop_free(n->loop);
	signals_free(n->signals);
	clock_free(n->clock);
	zone_free(n->zone);
	folder_close(n->folder);
	vfs_free(n->slow);
	free(n->address);
	pthread_mutex_destroy(&n->mu);
	pthread_mutex_destroy(&n->log_mu);
	free(n);
}
