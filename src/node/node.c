/* See node.h: opening, starting, stopping; the worker pool; small shared state. */
#include "node/priv/labels.h"

#include <signal.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/memvfs.h"
#include "store/people.h"

#define ZONE_FILE_MAX (1u << 20)
#define NODE_SECOND NS_PER_S
#define NODE_BEHIND_NS (5 * NS_PER_S)  /* as the allowed skew */
#define NODE_LOOP_STUCK_NS (3 * NS_PER_S)
#define NODE_PROBE_NS (50 * NS_PER_MS) /* how often the loop's delay is sampled */
#define NODE_DRAIN_STEP_NS (10 * NS_PER_MS)

void node_set_handler(struct node *n, const struct http_handler *h, void *arg)
{
	n->handler = h;
	n->handler_arg = arg;
}

void node_set_importer(struct node *n, int (*fn)(void *arg, struct store_reader *r, const char *path, const char *name, struct buf *why, struct diag *d), void *arg)
{
	n->importer = fn;
	n->importer_arg = arg;
}

void node_set_words(struct node *n, void (*fn)(struct buf *out, const struct diag *d)) { n->words = fn; }

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
	if (n->journal)
		journal_say(n->journal, level, d);
}

/* Each line goes to the program, and its code to what a crash would leave. */
static void put_line(void *arg, const char *level, const struct diag *d)
{
	struct node *n = arg;
	if (n->opt.crash && n->opt.code)
		crash_note(n->opt.crash, level, n->opt.code(d->msg));
	if (n->opt.log)
		n->opt.log(n->opt.log_arg, level, d);
}

static const char *code_of(enum mo_msg msg, void *arg)
{
	const struct node *n = arg;
	return n->opt.code ? n->opt.code(msg) : NULL;
}

static void say_line(void *arg, const char *level, const struct diag *d) { node_log(arg, level, d); }

static void tell_state(struct node *n, enum node_state s)
{
	if (n->opt.state)
		n->opt.state(n->opt.state_arg, s);
}

/* ---- opening ---- */
int node_zone_named(struct node *n, struct zone **ret, struct span name, struct diag *d)
{
	char path[128];
	uint8_t *bytes = NULL;
	size_t len = 0;
	if (name.n == 0 || name.n > 64 || name.p[0] == '/' || memmem(name.p, name.n, "..", 2) || memchr(name.p, 0, name.n)) {
		diag_set(d, MO_EINVAL, MSG_ZONE_UNKNOWN);
		diag_value(d, name);
		return MO_EINVAL;
	}
	snprintf(path, sizeof path, "/usr/share/zoneinfo/%.*s", SPAN_FMT(name));
	int err = vfs_slurp(n->vfs, &bytes, &len, path, ZONE_FILE_MAX, NULL);
	if (err == 0)
		err = zone_parse(ret, span_of(bytes, len));
	free(bytes);
	if (err != 0) {
		diag_set(d, err, MSG_ZONE_UNKNOWN);
		diag_value(d, name);
		diag_file(d, path);
	}
	return err;
}

/* The settings' own zone; without one of that name the words say where it stands. */
static int settings_zone(struct node *n, struct zone **ret, const struct settings *s, struct diag *d)
{
	struct diag *why = calloc(1, sizeof *why);
	char *path = folder_path(n->folder, "moru.yaml");
	int err = why && path ? node_zone_named(n, ret, span_str(s->zone), why) : diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	if (err == MO_ENOMEM) {
		diag_set(d, err, MSG_OUT_OF_MEMORY);
	} else if (err != 0) {
		diag_set(d, err, s->zone_line ? MSG_SETTING_ZONE : MSG_ZONE_UNKNOWN); /* the built-in one may be missing with the PC's zones */
		diag_file(d, s->zone_line ? path : why->file);
		diag_line(d, s->zone_line, 0);
		diag_field(d, SPAN_LIT("zone"));
		diag_value(d, span_str(s->zone));
		diag_expected(d, "Asia/Seoul, UTC, ...");
		diag_text(d, 0, span_str(why->file));
	}
	free(path);
	free(why);
	return err;
}

/* Whether the settings' address may be listened on; where it may not, the words say where it stands. */
static int settings_listen(struct node *n, const struct settings *s, struct diag *d)
{
	int err = listen_allowed(s->address, settings_tls(s), accounts_any(n->accounts), d);
	char *path = err == MO_EDENIED && s->address_line ? folder_path(n->folder, "moru.yaml") : NULL;
	if (path) {
		diag_set(d, err, MSG_SETTING_LISTEN);
		diag_file(d, path);
		diag_line(d, s->address_line, 0);
		diag_field(d, SPAN_LIT("listen.address"));
		diag_value(d, span_str(s->address));
		diag_expected(d, "127.0.0.1, ::1");
	}
	free(path);
	return err;
}

/* Likewise for the second listener. */
static int settings_ingest(struct node *n, const struct settings *s, struct diag *d)
{
	char address[LISTEN_TEXT_MAX];
	struct subnets subnets;
	uint16_t port;
	return s->ingest_listen[0] ? listen_ingest(address, &port, &subnets, s->ingest_listen, s->ingest_subnets, accounts_any(n->accounts), d) : 0;
}

/* Where to listen: as the command line says, else the settings. */
static int choose_address(struct node *n, struct diag *d)
{
	const char *said = n->opt.listen_address;
	int err = said ? listen_allowed(said, settings_tls(&n->settings), accounts_any(n->accounts), d) : settings_listen(n, &n->settings, d);
	if (err == 0)
		err = listen_address(n->address, said ? said : n->settings.address, d);
	return err;
}

/* The node's time ran ahead of what the PC's clock says now. */
static void say_behind(struct node *n, int64_t last_ns)
{
	struct diag *say = calloc(1, sizeof *say);
	int64_t now = wall_now();
	char text[40];
	if (say && now < last_ns - NODE_BEHIND_NS) {
		diag_set(say, MO_ESTATE, MSG_CLOCK_BEHIND);
		diag_text(say, 0, span_of(text, rfc3339_format(text, now / NS_PER_S * NS_PER_S)));
		diag_text(say, 1, span_of(text, rfc3339_format(text, last_ns / NS_PER_S * NS_PER_S)));
		diag_int(say, 2, (last_ns - now) / NS_PER_S);
		node_log(n, "warn", say);
	}
	free(say);
}

/* The clock of a demo folder stands where the folder's time stood when it was last durable. */
static int open_clock(struct node *n, struct diag *d)
{
	int64_t start = n->folder->demo ? n->folder->demo_start_ns : INT64_MIN;
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
	if (err != 0)
		return err;
	if (n->folder->demo)
		return clock_new_stepped(&n->clock, start);
	if (start != INT64_MIN)
		say_behind(n, start);
	return clock_new_real(&n->clock);
}

static void say_people(struct node *n)
{
	bool damaged = false;
	size_t keyless = people_keyless(store_people(n->store), &damaged);
	struct diag *d = keyless || damaged ? calloc(1, sizeof *d) : NULL;
	if (d && damaged) {
		diag_set(d, MO_ECORRUPT, MSG_NODE_PEOPLE_DAMAGED);
		diag_file(d, PEOPLE_BAD);
		node_log(n, "error", d);
	}
	if (d && keyless) {
		diag_set(d, MO_ENOENT, MSG_NODE_PEOPLE_KEYLESS);
		diag_int(d, 0, (int64_t)keyless);
		node_log(n, "warn", d);
	}
	free(d);
}

static void say_damaged(struct node *n, const char *level, enum mo_msg msg, const char *file, uint64_t count)
{
	struct diag *say = calloc(1, sizeof *say);
	if (!say)
		return;
	diag_set(say, MO_ECORRUPT, msg);
	diag_file(say, file);
	diag_int(say, 0, count < INT64_MAX ? (int64_t)count : INT64_MAX);
	node_log(n, level, say);
	free(say);
}

static int open_engines(struct node *n, struct diag *d)
{
	char *db = folder_path(n->folder, "store.db"), *series = folder_path(n->folder, "series");
	int err = db && series ? 0 : diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	if (err == 0)
		err = store_open(&n->store, node_vfs(n), db, d);
	if (err == 0 && store_opened_damaged(n->store))
		node_log(n, "error", store_opened_damaged(n->store));
	if (err == 0)
		say_people(n);
	if (err == 0)
		err = open_clock(n, d);
	if (err == 0) {
		struct sdb_options opt = {.head_budget_bytes = (uint64_t)n->settings.head_budget_bytes};
		err = sdb_open(&n->sdb, node_vfs(n), series, &opt, &n->recovery, d);
	}
	if (err == 0 && n->recovery.set_aside)
		say_damaged(n, "error", MSG_SET_ASIDE, n->recovery.set_aside_name, n->recovery.set_aside);
	if (err == 0 && n->recovery.torn_bytes)
		say_damaged(n, "warn", MSG_LOG_TORN, n->recovery.torn_name, n->recovery.torn_bytes);
	free(db);
	free(series);
	return err;
}

/* How the last run ended; from here on this one has a file for its own end. */
static int open_crashes(struct node *n)
{
	int err = crashes_open(&n->crashes, n->vfs, n->opt.dir, say_line, n);
	char *path = err == 0 && n->opt.crash ? folder_path(n->folder, "run/crash") : NULL;
	if (err != 0 || !n->opt.crash)
		return err;
	struct diag *d = calloc(1, sizeof *d);
	if (!path || !d)
		err = MO_ENOMEM;
	else if ((err = crash_open(n->opt.crash, path)) != 0 && err != MO_ENOMEM) {
		diag_set(d, err, MSG_CRASH_NO_TRACE);
		diag_file(d, path);
		diag_text(d, 0, span_str(mo_err_name(err)));
		node_log(n, "warn", d);
		err = 0;
	}
	free(d);
	free(path);
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
	n->new_rows_end = &n->new_rows;
	pthread_mutex_init(&n->mu, NULL);
	filehold_init(&n->files);
	struct journal_options said = {.put = put_line, .code = code_of, .arg = n};
	int err = journal_new(&n->journal, &said);
	if (err == 0)
		err = folder_open(&n->folder, vfs, opt->dir, true, d);
	if (err == 0 && !opt->offline)
		err = open_crashes(n);
	if (err == 0) {
		n->settings = n->folder->settings;
		n->port_wanted = opt->listen_port < 0 ? n->settings.port : opt->listen_port;
	}
	if (err == 0 && n->folder->demo && n->settings.sync_delay_ms)
		err = slowvfs_new(&n->slow, vfs, n->settings.sync_delay_ms * NS_PER_MS);
	if (err == 0)
		err = settings_zone(n, &n->zone, &n->folder->settings, d);
	if (err == 0)
		err = disks_new(&n->disks, n);
	if (err == 0)
		err = open_engines(n, d);
	if (err == 0)
		err = loop_new(&n->loop);
	if (err != 0) {
		err = node_words(n, err, d);
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
	(void)thread_rank(THREAD_PATIENT); /* where it is not allowed all are alike */
	while (bqueue_pop(w->node->work, &item, -1) == 0) {
		struct work *job = item;
		atomic_store(&w->busy_since_ns, mono_now());
		job->fn(job, w->reader);
		atomic_store(&w->busy_since_ns, 0);
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
	struct zone *zone = NULL;
	if (!d || !path) {
		free(d);
		free(path);
		return;
	}
	tell_state(n, NODE_RELOADING);
	int err = settings_read(&s, n->vfs, path, n->folder->demo, d);
	/* What would keep the next start from working is said now. */
	if (err == 0)
		err = settings_zone(n, &zone, &s, d);
	if (err == 0)
		err = settings_listen(n, &s, d);
	if (err == 0)
		err = settings_ingest(n, &s, d);
	zone_free(zone);
	if (err != 0) {
		node_log(n, "error", d); /* the old ones stay */
	} else {
		size_t n_keys;
		const struct setting_key *k = settings_keys(&n_keys);
		pthread_mutex_lock(&n->mu);
		struct settings now = n->settings;
		struct buf waits; /* names of keys that the next start takes */
		buf_init(&waits, DIAG_TEXT_MAX);
		for (size_t i = 0; i < n_keys; i++) {
			uint8_t *to = (uint8_t *)&now + k[i].offset;
			const uint8_t *from = (const uint8_t *)&s + k[i].offset;
			if (memcmp(to, from, k[i].size) == 0)
				continue;
			if (k[i].restart)
				buf_printf(&waits, "%s%s", waits.n ? ", " : "", k[i].key);
			else
				memcpy(to, from, k[i].size);
		}
		n->settings = now;
		pthread_mutex_unlock(&n->mu);
		diag_set(d, 0, waits.n ? MSG_SETTINGS_RELOADED_RESTART : MSG_SETTINGS_RELOADED);
		diag_file(d, path);
		diag_text(d, 0, buf_span(&waits));
		buf_free(&waits);
		node_log(n, "info", d);
		node_tls_check(n->tls);
	}
	tell_state(n, NODE_RELOADED);
	free(d);
	free(path);
}

/* Asked to end: nothing new is taken, what runs gets a moment to be answered. */
static void drained(void *arg)
{
	struct node *n = arg;
	if (http_server_active(n->server) + ingest_active(n->ingest) == 0 || mono_now() >= n->drain_until_ns)
		loop_stop(n->loop);
	else
		loop_timer_set(n->drain, NODE_DRAIN_STEP_NS);
}

static void wind_down(void *arg)
{
	struct node *n = arg;
	if (atomic_exchange(&n->stopping, true) && n->drain_until_ns)
		return;
	tell_state(n, NODE_STOPPING);
	if (!n->server) {
		loop_stop(n->loop);
		return;
	}
	n->drain_until_ns = mono_now() + NODE_DRAIN_NS;
	http_server_drain(n->server);
	ingest_drain(n->ingest);
	live_end(n->live);
	drained(n);
}

static void on_signal(void *arg)
{
	struct node *n = arg;
	int sig;
	while (signals_read(n->signals, &sig) == 0) {
		if (sig == SIGHUP)
			reload(n);
		else
			wind_down(n);
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

/* What happened where nobody waits for an answer. */
static void say_failures(struct node *n)
{
	int64_t back = clock_backwards(n->clock);
	struct diag *d = calloc(1, sizeof *d);
	if (d && writer_failure(n->writer, d))
		node_log(n, "error", d);
	if (d && back - n->said_backwards_ns > NS_PER_S) {
		diag_set(d, MO_ESTATE, MSG_CLOCK_SET_BACK);
		diag_int(d, 0, (back - n->said_backwards_ns) / NS_PER_S);
		node_log(n, "warn", d);
		n->said_backwards_ns = back;
	}
	free(d);
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
	signals_late(n);
	if (!atomic_load(&n->repairing) && atomic_exchange(&n->signals_missing, false)) {
		n->repair.fn = repair_signals;
		atomic_store(&n->repairing, true);
		if (node_work(n, &n->repair) != 0) {
			atomic_store(&n->repairing, false);
			atomic_store(&n->signals_missing, true);
		}
	}
	static const unsigned keep_every = 60;
	int64_t now = mono_now();
	atomic_store(&n->beat_ns, now);
	if ((unsigned)((now - n->started_ns) / NODE_SECOND) % keep_every == 0)
		keep_time(n);
	if (clock_mode(n->clock) != CLOCK_STEPPED) {
		jobs_run(n->jobs, NULL, NULL);
		watch_tick(n->watch, now);
	}
	helper_tick(n->helper, now);
	node_tls_tick(n->tls, now);
	accounts_tick(n->accounts);
	backups_tick(n->backups);
	retentions_tick(n->retentions);
	exports_tick(n->exports);
	drills_tick(n->drills);
	disks_tick(n->disks, now);
	connections_tick(n);
	say_failures(n);
	journal_tick(n->journal, wall_now(), now);
	gauges_tick(n->gauges, now);
	if (atomic_load(&n->unwell) == 0)
		tell_state(n, NODE_ALIVE);
	loop_timer_set(n->second, NODE_SECOND);
}

/* ---- the watchdog's questions ---- */
static int64_t loop_since(void *arg)
{
	struct node *n = arg;
	return atomic_load(&n->beat_ns);
}

static int64_t log_since(void *arg) { return writer_busy_since(((struct node *)arg)->writer); }
static int64_t store_since(void *arg) { return storer_busy_since(((struct node *)arg)->storer); }

/* A worker may be at one import for long: the pool is stuck when work waits and none of them takes it. */
static int64_t workers_since(void *arg)
{
	struct node *n = arg;
	int64_t latest = 0;
	if (bqueue_size(n->work) == 0)
		return 0;
	for (unsigned i = 0; i < NODE_WORKERS; i++) {
		int64_t since = atomic_load(&n->workers[i].busy_since_ns);
		if (since == 0)
			return 0;
		latest = since > latest ? since : latest;
	}
	return latest;
}

static void probe_loop(void *arg, int64_t every_ns) { loop_probe(((struct node *)arg)->loop, every_ns); }

static void said_stuck(void *arg, const char *name, bool stuck, int64_t stood_ns)
{
	struct node *n = arg;
	struct diag *d = calloc(1, sizeof *d);
	/* Workers at long imports are no reason to end the node. */
	if (strcmp(name, "worker") != 0)
		stuck ? atomic_fetch_add(&n->unwell, 1) : atomic_fetch_sub(&n->unwell, 1);
	if (d) {
		diag_set(d, stuck ? MO_ETIMEOUT : 0, stuck ? MSG_THREAD_STUCK : MSG_THREAD_BACK);
		diag_text(d, 0, span_str(name));
		diag_int(d, 1, stood_ns / NS_PER_S);
		node_log(n, stuck ? "error" : "info", d);
	}
	free(d);
}

static int start_watchdog(struct node *n)
{
	int64_t limit = n->opt.watchdog_ns ? n->opt.watchdog_ns : NODE_STUCK_NS;
	struct watchdog_row rows[] = {{"loop", limit < NODE_LOOP_STUCK_NS ? NODE_LOOP_STUCK_NS : limit, loop_since, n}, {"log", limit, log_since, n},
		{"store", limit, store_since, n}, {"worker", 6 * limit, workers_since, n}};
	return watchdog_new(&n->watchdog, rows, sizeof rows / sizeof *rows, limit < NS_PER_S ? limit / 2 : NS_PER_S / 2, probe_loop, NODE_PROBE_NS,
		said_stuck, n);
}

void node_watchdog(struct node *n, unsigned *ret_stuck, uint64_t *ret_times)
{
	*ret_stuck = 0;
	*ret_times = 0;
	if (n->watchdog)
		watchdog_stats(n->watchdog, ret_stuck, ret_times);
}

static void on_changed(void *arg, int64_t number)
{
	struct node *n = arg;
	if (n->live)
		live_changed(n->live, number);
	if (n->outbox)
		outbox_changed(n->outbox, number);
}

int node_start(struct node *n, struct diag *d)
{
	char *sock = folder_path(n->folder, "run/moru.sock");
	int err = sock ? 0 : MO_ENOMEM;
	if (err == 0 && !n->opt.offline)
		err = signals_new(&n->signals);
	if (err == 0)
		err = writer_new(&n->writer, n->sdb, NODE_QUEUE);
	if (err == 0)
		writer_set_disk(n->writer, disks_disk(n->disks));
	if (err == 0 && !n->opt.offline)
		err = live_new(&n->live, n);
	if (err == 0 && !n->opt.offline)
		err = outbox_new(&n->outbox, n, d);
	if (err == 0)
		err = storer_new(&n->storer, n->store, NODE_QUEUE, on_changed, n);
	if (err == 0)
		storer_clock(n->storer, n->clock);
	if (err == 0)
		writer_set_synced(n->writer, signals_synced, n);
	if (err == 0)
		err = start_workers(n, d);
	if (err == 0)
		err = signals_repair(n, n->workers[0].reader, d); /* nothing was given to the worker yet */
	if (n->opt.offline)
		goto out;
	if (err == 0)
		err = helper_new(&n->helper, n->opt.helper_path);
	if (err == 0)
		err = accounts_new(&n->accounts, n->storer, n->clock, n->workers[0].reader, d); /* nothing is given to the worker yet */
	if (err == 0)
		err = choose_address(n, d);
	if (err == 0)
		err = logins_new(&n->logins, n, n->accounts);
	if (err == 0)
		err = collect_new(&n->collect, n);
	if (err == 0)
		err = jobs_new(&n->jobs, n);
	if (err == 0)
		err = watch_new(&n->watch, n, d);
	if (err == 0)
		err = backups_new(&n->backups, n, n->workers[0].reader);
	if (err == 0)
		err = retentions_new(&n->retentions, n, n->workers[0].reader);
	if (err == 0)
		err = exports_new(&n->exports, n);
	if (err == 0)
		err = drills_new(&n->drills, n, n->workers[0].reader);
	if (err == 0)
		err = gauges_new(&n->gauges, n);
	if (err == 0)
		err = loop_fd_new(n->loop, &n->signal_fd, signals_fd(n->signals), on_signal, n);
	if (err == 0)
		err = loop_timer_new(n->loop, &n->second, every_second, n);
	if (err == 0)
		err = loop_timer_new(n->loop, &n->drain, drained, n);
	if (err == 0)
		err = start_watchdog(n);
	if (err == 0)
		err = node_tls_new(&n->tls, n, d);
	if (err == 0) {
		struct http_options opt = {.address = n->address, .port = (uint16_t)n->port_wanted, .unix_path = sock, .tls = node_tls_server(n->tls),
			.connections_max = connections_bound(n, n->settings.connections),
			.connections_of_address_max = (uint32_t)n->settings.connections_of_address};
		n->connections_max = opt.connections_max;
		err = http_server_new(&n->server, n->loop, &opt, n->handler, n->handler_arg, d);
	}
	if (err == 0)
		err = ingest_new(&n->ingest, n, n->handler, n->handler_arg, d);
	if (err == 0) {
		n->started_ns = mono_now();
		collect_reload(n->collect);
		outbox_reload(n->outbox, NULL, NULL);
		loop_timer_set(n->second, NODE_SECOND);
	}
out:
	free(sock);
	return node_words(n, err, d);
}

int node_run(struct node *n, struct diag *d)
{
	atomic_store(&n->beat_ns, mono_now());
	(void)thread_rank(THREAD_URGENT);
	int err = loop_run(n->loop);
	(void)thread_rank(THREAD_USUAL);
	atomic_store(&n->beat_ns, 0);
	return err != 0 ? diag_set(d, err, MSG_NODE_START) : 0;
}

void node_stop(struct node *n)
{
	if (atomic_exchange(&n->stopping, true))
		return;
	n->stop_post = (struct loop_post){.fn = wind_down, .arg = n};
	loop_post(n->loop, &n->stop_post);
}

/* Each part finishes what it owes before the part that it owes it to is ended:
 *
 *   sources (timers, watched folder, connections, devices) stop and hand over what they hold
 *   workers end                    they may still use log, store and loop
 *   log ends, then store           what was submitted is durable; their ends are posted to the loop
 *   loop's posts run               askers learn the outcome, jobs are freed; what they submit anew is refused
 *   everything is freed */
void node_close(struct node *n)
{
	if (!n)
		return;
	n->closing = true;
	atomic_store(&n->stopping, true);
	watchdog_free(n->watchdog);
	loop_timer_free(n->second);
	loop_timer_free(n->drain);
	loop_fd_free(n->signal_fd);
	if (n->loop)
		loop_drain(n->loop); /* what landed already makes room in the queues */
	http_server_free(n->server);
	n->server = NULL;
	ingest_free(n->ingest);
	n->ingest = NULL;
	collect_stop(n->collect);
	outbox_stop(n->outbox);
	backups_stop(n->backups);
	stop_workers(n);
	drills_stop(n->drills);
	if (n->loop)
		loop_drain(n->loop);
	writer_stop(n->writer);
	if (n->storer && n->clock)
		keep_time(n);
	signals_late(n); /* a last try */
	storer_stop(n->storer);
	signals_late_free(n);
	if (n->loop)
		loop_drain(n->loop);
	watch_free(n->watch);
	backups_free(n->backups);
	outbox_free(n->outbox);
	retentions_free(n->retentions);
	exports_free(n->exports);
	drills_free(n->drills);
	collect_free(n->collect);
	labels_free(n->labels);
	jobs_free(n->jobs);
	live_free(n->live);
	logins_free(n->logins);
	accounts_free(n->accounts);
	helper_free(n->helper);
	node_tls_free(n->tls);
	gauges_free(n->gauges);
	/* A flushed folder starts without replaying its log; when it fails, the log still holds everything. */
	if (n->writer) {
		sdb_set_merging(n->sdb, disk_state(disks_disk(n->disks)) < DISK_SPARE);
		int err = sdb_maintain(n->sdb, true, NULL);
		(void)err;
	}
	writer_free(n->writer);
	storer_free(n->storer);
	bqueue_free(n->work);
	sdb_close(n->sdb);
	store_close(n->store);
	disks_free(n->disks);
	loop_free(n->loop);
	signals_free(n->signals);
	clock_free(n->clock);
	zone_free(n->zone);
	journal_free(n->journal); /* what was left out is said */
	crashes_free(n->crashes);
	if (n->opt.crash)
		crash_close(n->opt.crash);
	folder_close(n->folder);
	vfs_free(n->slow);
	filehold_destroy(&n->files);
	pthread_mutex_destroy(&n->mu);
	free(n);
}
