/* The node about itself: identity, health, measurements, its clock. */
#include "api/priv/api.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/num.h"
#include "node/backups.h"
#include "node/crashes.h"
#include "node/disks.h"
#include "node/gauges.h"
#include "node/journal.h"
#include "node/outbox.h"
#include "node/watch.h"
#include "os/proc.h"

static const char *mode_name(enum clock_mode m) { return m == CLOCK_REAL ? "real" : m == CLOCK_SCALED ? "scaled" : "stepped"; }

int get_healthz(struct api_call *c)
{
	jw_object(&c->w);
	jw_key(&c->w, "status");
	jw_cstr(&c->w, "ok");
	jw_object_end(&c->w);
	return 0;
}

int get_node(struct api_call *c)
{
	struct node *n = c->node;
	struct folder *f = node_folder(n);
	struct settings *s = arena_alloc(&c->arena, sizeof *s);
	if (!s)
		return MO_ENOMEM;
	node_settings(n, s);
	struct clock *k = node_clock(n);
	struct json_writer *w = &c->w;
	char id[UUID_TEXT];
	int64_t from, to, now = clock_now(k);
	uuid_format(id, &f->id);
	node_history(n, &from, &to);
	jw_object(w);
	jw_key(w, "id");
	jw_cstr(w, id);
	jw_key(w, "name");
	jw_cstr(w, s->name);
	jw_key(w, "firm");
	jw_cstr(w, s->firm);
	jw_key(w, "version");
	jw_cstr(w, c->api->version);
	jw_key(w, "lang");
	jw_cstr(w, s->lang);
	jw_key(w, "zone");
	jw_cstr(w, s->zone);
	jw_key(w, "day_begins");
	jw_cstr(w, s->day_begins);
	jw_key(w, "clock");
	jw_object(w);
	jw_key(w, "now");
	jw_time(w, now);
	jw_key(w, "mode");
	jw_cstr(w, mode_name(clock_mode(k)));
	jw_key(w, "scale");
	jw_f64(w, clock_scale(k));
	jw_object_end(w);
	jw_key(w, "demo");
	jw_bool(w, f->demo);
	jw_key(w, "history");
	if (from == T_NONE || clock_mode(k) != CLOCK_STEPPED) {
		jw_null(w);
	} else {
		jw_object(w);
		jw_key(w, "from");
		jw_time(w, from);
		jw_key(w, "to");
		jw_time(w, to);
		jw_key(w, "now");
		jw_time(w, now);
		jw_object_end(w);
	}
	jw_key(w, "made");
	jw_time(w, f->made_ns);
	jw_key(w, "started");
	jw_time(w, (wall_now() - (mono_now() - node_started(n))) / NS_PER_S * NS_PER_S);
	jw_key(w, "crash");
	api_crash(w, n);
	jw_object_end(w);
	return 0;
}

int get_openapi(struct api_call *c)
{
	buf_add(&c->out, buf_span(&c->api->openapi));
	return 0;
}

/* Prometheus text format 0.0.4. Each name stands in docs/metrics.md. */
static void metric_head(struct buf *b, const char *name, const char *type, const char *help)
{
	buf_printf(b, "# HELP moru_%s %s\n# TYPE moru_%s %s\n", name, help, name, type);
}

/* label: "" or "{key=\"value\"}" */
static void sample(struct buf *b, const char *name, const char *label, double v)
{
	char num[32];
	num[num_format_f64(num, v)] = 0;
	buf_printf(b, "moru_%s%s %s\n", name, label, num);
}

static void metric(struct buf *b, const char *name, const char *type, const char *help, double v)
{
	metric_head(b, name, type, help);
	sample(b, name, "", v);
}

/* Where a callback of the loop spent its time; buckets as struct loop_stats has them. */
static void loop_histogram(struct buf *b, const struct loop_stats *ls)
{
	const unsigned last = sizeof ls->delay_ms_histogram / sizeof *ls->delay_ms_histogram - 1;
	double n = 0;
	char label[48], le[32];
	metric_head(b, "loop_callback_seconds", "histogram", "Duration of the event loop's callbacks");
	for (unsigned i = 0; i <= last; i++) {
		n += ls->delay_ms_histogram[i];
		le[num_format_f64(le, (double)(1u << i) / 8000)] = 0;
		snprintf(label, sizeof label, "{le=\"%s\"}", i == last ? "+Inf" : le);
		sample(b, "loop_callback_seconds_bucket", label, n);
	}
	sample(b, "loop_callback_seconds_sum", "", (double)ls->total_ns / 1e9);
	sample(b, "loop_callback_seconds_count", "", n);
}

static void disk_metrics(struct buf *b, struct node *n)
{
	struct disk_now k;
	struct disks_written w;
	disk_read(node_disk(n), &k);
	disks_written(n, &w);
	metric(b, "disk_state", "gauge", "0 plenty, 1 warn, 2 spare, 3 no files, 4 no values", k.state);
	metric_head(b, "disk_refused_total", "counter", "What was refused because the disk was full");
	sample(b, "disk_refused_total", "{what=\"files\"}", (double)k.refused[DISK_BLOBS]);
	sample(b, "disk_refused_total", "{what=\"values\"}", (double)k.refused[DISK_VALUES]);
	metric(b, "disk_values_lost_total", "counter", "Values read from machines that the disk had no room for", (double)k.lost);
	if (k.known) {
		metric(b, "disk_free_bytes", "gauge", "Free to the node on the file system of its folder", (double)k.free_bytes);
		metric(b, "disk_size_bytes", "gauge", "Size of the file system of the node's folder", (double)k.size_bytes);
	}
	metric(b, "taken_bytes_total", "counter", "Bytes of values, records and files taken in", (double)w.taken_bytes);
	if (!w.known)
		return;
	metric(b, "device_written_bytes_total", "counter", "Bytes that devices were made to write", (double)w.device_bytes);
	metric(b, "device_write_ratio", "gauge", "Bytes devices were made to write for each byte taken in; 0: nothing was taken in yet", disks_ratio(&w));
}

/* How long a probe from another thread waited for the loop. */
static void delay_histogram(struct buf *b, const struct loop *l)
{
	struct loop_delays d;
	uint64_t n = 0;
	char label[48], le[32];
	loop_delays(l, &d);
	metric_head(b, "loop_delay_seconds", "histogram", "How long whoever comes to the event loop waits for it");
	for (unsigned i = 0; i < LOOP_DELAY_BUCKETS; i++) {
		n += d.count[i];
		if (i < LOOP_DELAY_BUCKETS - 1)
			le[num_format_f64(le, (double)loop_delay_edge_ns(i) / 1e9)] = 0;
		snprintf(label, sizeof label, "{le=\"%s\"}", i == LOOP_DELAY_BUCKETS - 1 ? "+Inf" : le);
		sample(b, "loop_delay_seconds_bucket", label, (double)n);
	}
	sample(b, "loop_delay_seconds_sum", "", (double)d.total_ns / 1e9);
	sample(b, "loop_delay_seconds_count", "", (double)n);
	metric(b, "loop_delay_longest_seconds", "gauge", "Longest such wait since the start", (double)d.longest_ns / 1e9);
}

static void operation_metrics(struct buf *b, struct node *n, const char *version)
{
	struct journal_stats js;
	struct gauges_now g;
	uint64_t crashes, unclean;
	char label[80];
	journal_stats(node_journal(n), &js);
	gauges_read(node_gauges(n), &g);
	crashes_count(node_crashes(n), &crashes, &unclean);
	metric_head(b, "build_info", "gauge", "1; which version runs");
	snprintf(label, sizeof label, "{version=\"%s\"}", version);
	sample(b, "build_info", label, 1);
	metric(b, "uptime_seconds", "gauge", "Time since the node started", (double)(mono_now() - node_started(n)) / 1e9);
	metric(b, "crashes_total", "counter", "Crashes with a trace since the folder was made", (double)crashes);
	metric(b, "unclean_ends_total", "counter", "Runs that ended without a word (power cut, kill -9) since the folder was made", (double)unclean);
	metric_head(b, "log_lines_total", "counter", "Lines of the node's log since the start");
	for (unsigned i = 0; i < JOURNAL_LEVELS; i++) {
		snprintf(label, sizeof label, "{level=\"%s\"}", journal_level_name((enum journal_level)i));
		sample(b, "log_lines_total", label, (double)js.lines[i]);
	}
	metric(b, "log_lines_left_out_total", "counter", "Lines that a message's limit left out since the start", (double)js.left_out);
	metric(b, "open_files_limit", "gauge", "Files that the process may have open", (double)proc_files_limit());
	metric(b, "store_damaged_pages", "gauge", "Pages of store.db that failed their checksum since the start", (double)g.damaged_pages);
	if (!g.taken)
		return;
	metric(b, "cases_open", "gauge", "Cases that nobody has looked at", (double)g.cases_open);
	metric_head(b, "devices", "gauge", "Devices that are not switched off, by their state");
	sample(b, "devices", "{state=\"online\"}", (double)g.devices_online);
	sample(b, "devices", "{state=\"connecting\"}", (double)g.devices_connecting);
	sample(b, "devices", "{state=\"offline\"}", (double)g.devices_offline);
}

static const struct sink_metric {
	const char *name, *type, *help;
} sink_metrics[] = {{"sink_up", "gauge", "1: nothing keeps this sink from getting its messages"}, {"sink_pending", "gauge", "Changes that a sink has not got yet"},
	{"sink_oldest_seconds", "gauge", "Age of the oldest message that is being sent"}, {"sink_sent_total", "counter", "Messages that arrived since the sink was made"},
	{"sink_failures_total", "counter", "Requests that did not go well since the start"}, {"sink_aside", "gauge", "Messages set aside because they were refused"},
	{"sink_left_out_total", "counter", "Changes left out because the sink was too far behind, since it was made"}};

struct sink_samples {
	struct buf *b;
	size_t which;
	int64_t now_ns;
};

static void sink_sample(void *arg, const char *name, const struct outbox_status *s)
{
	struct sink_samples *q = arg;
	const double values[] = {s->trouble.msg == MSG_NONE && s->state != OUTBOX_OFF, (double)s->pending,
		s->oldest_ns == T_NONE ? 0 : (double)(q->now_ns - s->oldest_ns) / 1e9, (double)s->sent, (double)s->failures, (double)s->aside, (double)s->skipped};
	struct json_writer w;
	struct buf label;
	_Static_assert(sizeof values / sizeof *values == sizeof sink_metrics / sizeof *sink_metrics, "one value each");
	buf_init(&label, 0);
	buf_adds(&label, "{sink=");
	json_writer_init(&w, &label); /* a name's escapes are those of a label: it has no control characters */
	jw_cstr(&w, name);
	buf_add(&label, span_of("}", 2));
	if (label.err)
		q->b->err = label.err;
	else
		sample(q->b, sink_metrics[q->which].name, (const char *)label.p, values[q->which]);
	buf_free(&label);
}

int get_metrics(struct api_call *c)
{
	struct sdb_stats s;
	struct writer_stats ws;
	struct loop_stats ls;
	struct http_server_stats hs;
	struct buf *b = &c->out;
	sdb_stats(node_sdb(c->node), &s);
	writer_stats(node_writer(c->node), &ws);
	loop_stats(node_loop(c->node), &ls);
	http_server_stats(node_server(c->node), &hs);
	unsigned stuck;
	uint64_t stuck_times;
	node_watchdog(c->node, &stuck, &stuck_times);
	c->content = "text/plain; version=0.0.4; charset=utf-8";
	metric(b, "series", "gauge", "Series defined", (double)s.series);
	metric(b, "points_in_heads", "gauge", "Values in memory, not yet in segments", (double)s.points_head);
	metric(b, "points_in_segments", "gauge", "Values in segments", (double)s.points_segments);
	metric(b, "segments", "gauge", "Segment files", (double)s.segments);
	metric(b, "segment_bytes", "gauge", "Bytes of segment files", (double)s.bytes_segments);
	metric(b, "log_bytes", "gauge", "Bytes of log files", (double)s.bytes_log);
	metric(b, "head_bytes", "gauge", "Memory of the values that are not in segments yet", (double)s.bytes_heads);
	metric(b, "values_total", "counter", "Values written since the start", (double)ws.points);
	metric(b, "log_syncs_total", "counter", "Syncs of the log", (double)ws.syncs);
	metric(b, "log_sync_last_seconds", "gauge", "Duration of the last sync", (double)ws.last_sync_ns / 1e9);
	metric(b, "log_sync_longest_seconds", "gauge", "Longest sync since the start", (double)ws.longest_sync_ns / 1e9);
	metric(b, "log_failures_total", "counter", "Rounds of the log that failed", (double)ws.failed);
	metric(b, "loop_callbacks_total", "counter", "Callbacks of the event loop", (double)ls.callbacks);
	metric(b, "loop_violations_total", "counter", "Callbacks over 2 ms", (double)ls.violations);
	metric(b, "loop_longest_seconds", "gauge", "Longest callback since the start", (double)ls.longest_ns / 1e9);
	metric(b, "threads_stuck", "gauge", "Threads that have not got on for too long", (double)stuck);
	metric(b, "threads_stuck_total", "counter", "Times a thread got stuck since the start", (double)stuck_times);
	metric(b, "clock_ahead_seconds", "gauge", "Node time before the PC's clock, after that was set back", (double)clock_ahead(node_clock(c->node)) / 1e9);
	metric(b, "http_requests_total", "counter", "HTTP requests", (double)hs.requests);
	metric(b, "http_received_bytes_total", "counter", "Bytes of requests", (double)hs.bytes_in);
	metric(b, "http_sent_bytes_total", "counter", "Bytes of answers", (double)hs.bytes_out);
	metric(b, "http_connections", "gauge", "Open HTTP connections", (double)hs.open);
	metric(b, "http_held_bytes", "gauge", "Large answers that wait for their readers", (double)atomic_load(&c->api->held_bytes));
	metric(b, "http_connections_max", "gauge", "HTTP connections that are taken at once", (double)node_connections_max(c->node));
	metric(b, "http_connections_refused_total", "counter", "Connections that were refused: too many at once, or of one address", (double)hs.refused);
	metric(b, "http_connections_yielded_total", "counter", "Idle connections that made way for new ones", (double)hs.yielded);
	struct ingest_stats is;
	ingest_stats(node_ingest(c->node), &is);
	metric(b, "ingest_listening", "gauge", "1: the second listener, for gateways without encryption, is on", is.listening);
	metric(b, "ingest_connections", "gauge", "Open connections of gateways", (double)is.http.open);
	metric(b, "ingest_requests_total", "counter", "Requests of gateways", (double)is.http.requests);
	metric(b, "ingest_turned_away_total", "counter", "Connections closed unread: from outside the networks", (double)is.http.turned_away);
	metric(b, "ingest_connections_refused_total", "counter", "Connections of gateways that were too many, at once or of one address", (double)is.http.refused);
	metric(b, "ingest_limited_total", "counter", "Requests of gateways that were too many at once", (double)is.limited);
	if (node_tls_on(c->node)) {
		metric(b, "tls_certificate_expiry_seconds", "gauge", "Unix time at which the certificate in use ends", (double)(node_tls_expires(c->node) / NS_PER_S));
		metric(b, "tls_handshakes_total", "counter", "TLS handshakes that succeeded", (double)hs.handshakes);
		metric(b, "tls_handshakes_failed_total", "counter", "Connections that ended before a TLS handshake did", (double)hs.handshakes_failed);
	}
	metric(b, "live_streams", "gauge", "Open live streams", (double)live_count(node_live(c->node)));
	struct watch_stats wf;
	watch_stats(node_watch(c->node), &wf);
	metric(b, "watch_folders", "gauge", "Watched folders, the inbox among them", wf.folders);
	metric(b, "watch_folders_away", "gauge", "Those that cannot be looked into", wf.away);
	struct backups_state bs;
	backups_state(node_backups(c->node), &bs);
	metric(b, "backup_last_good_seconds", "gauge", "Unix time of the last good backup; 0: none", bs.good_ns == T_NONE ? 0 : (double)bs.good_ns / 1e9);
	metric(b, "backup_failed", "gauge", "1: the last backup failed", bs.last_failed);
	metric(b, "backup_running", "gauge", "1: a backup is under way", bs.running);
	backups_state_free(&bs);
	struct sink_samples sinks = {.b = b, .now_ns = clock_now(node_clock(c->node))};
	for (; sinks.which < sizeof sink_metrics / sizeof *sink_metrics; sinks.which++) {
		const struct sink_metric *m = &sink_metrics[sinks.which];
		metric_head(b, m->name, m->type, m->help);
		outbox_each(node_outbox(c->node), sink_sample, &sinks);
	}
	metric(b, "memory_pss_bytes", "gauge", "Proportional set size", (double)proc_pss_bytes());
	metric(b, "cpu_seconds_total", "counter", "CPU time of the node", (double)cpu_now() / 1e9);
	loop_histogram(b, &ls);
	disk_metrics(b, c->node);
	delay_histogram(b, node_loop(c->node));
	operation_metrics(b, c->node, c->api->version);
	return 0;
}

/* ---- the demo's clock ---- */
struct stepping {
	uint64_t values;
	int64_t to_ns;
};

static void clock_answer(struct api_call *c, int err)
{
	struct stepping *s = c->own;
	jw_object(&c->w);
	jw_key(&c->w, "now");
	jw_time(&c->w, clock_now(node_clock(c->node)));
	jw_key(&c->w, "values");
	jw_u64(&c->w, s ? s->values : 0);
	jw_object_end(&c->w);
	api_finish(c, err);
}

static void step_judged(void *arg, int err) { clock_answer(arg, err); }

static void step_files(void *arg, int err)
{
	struct api_call *c = arg;
	if (err != 0)
		api_finish(c, err);
	else
		jobs_run(node_jobs(c->node), step_judged, c);
}

static void step_collected(void *arg, uint64_t values, int err)
{
	struct api_call *c = arg;
	struct stepping *s = c->own;
	s->values = values;
	if (err != 0)
		api_finish(c, err);
	else
		watch_poll(node_watch(c->node), step_files, c);
}

int post_clock(struct api_call *c)
{
	struct json_value *root;
	const struct json_value *h;
	int64_t t;
	double scale;
	if (!node_folder(c->node)->demo)
		return diag_set(c->d, MO_ESTATE, MSG_API_NO_DEMO);
	int err = api_object(c, &root);
	if (err != 0)
		return err;
	if ((h = json_member(root, "history"))) {
		int64_t from, to;
		const char *missing = (err = json_get_time(h, "from", &from, c->d)) != 0 ? "from" : "to";
		if (err == 0)
			err = json_get_time(h, "to", &to, c->d);
		if (err != 0)
			return err == MO_ENOENT ? api_missing(c, missing) : err;
		node_set_history(c->node, from, to);
	}
	if ((err = json_get_f64(root, "run", &scale, c->d)) == 0) {
		err = scale != 0 ? clock_run(node_clock(c->node), scale) : clock_halt(node_clock(c->node));
		if (err != 0)
			return diag_set(c->d, err, MSG_API_CLOCK);
		collect_pace(node_collect(c->node));
	} else if (err != MO_ENOENT) {
		return err;
	}
	if ((err = json_get_time(root, "advance_to", &t, c->d)) == MO_ENOENT) {
		clock_answer(c, 0);
		return 0;
	}
	if (err == 0 && (err = clock_advance(node_clock(c->node), t)) != 0) {
		diag_set(c->d, err, MSG_API_CLOCK);
		return err;
	}
	if (err != 0)
		return err;
	struct stepping *s = arena_calloc(&c->arena, 1, sizeof *s);
	if (!s)
		return MO_ENOMEM;
	c->own = s;
	collect_step(node_collect(c->node), step_collected, c);
	return 0;
}
