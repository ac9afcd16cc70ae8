/* See drills.h. */
#include "node/drills.h"

#include <stdlib.h>

#include "codec/json.h"
#include "node/priv/node.h"
#include "node/priv/turns.h"
#include "os/thread.h"
#include "store/store.h"

#define HOUR_NS (3600 * NS_PER_S)

struct drills {
	struct node *node;
	struct loop_post post;
	struct work clear_work;
	/* loop thread */
	bool busy, started, cleared;
	pthread_t thread;
	/* the run's */
	char target[BACKUPS_TARGET_MAX], who[64], from[HTTP_PEER_MAX];
	struct buf findings;
	struct json_writer findings_w;
	unsigned listed;

	pthread_mutex_t files; /* held by who works in DIR/drill */
	pthread_mutex_t mu;    /* below */
	bool running;
	struct buf last;
	int64_t last_ns;
	char last_target[BACKUPS_TARGET_MAX];
	bool last_made; /* it found a snapshot, so it tells of it, good or bad */
};

static void write_outcome(struct buf *out, const struct drills_outcome *o)
{
	const struct drill_report *r = &o->report;
	const struct {
		const char *name;
		uint64_t n;
	} counts[] = {{"files", r->files}, {"bytes", r->bytes}, {"series", r->series}, {"events", r->events}, {"lots", r->lots}, {"compared", r->compared},
		{"changed", r->changed}, {"findings", r->findings}};
	struct json_writer w;
	json_writer_init(&w, out);
	jw_object(&w);
	jw_key(&w, "target");
	jw_str(&w, o->target);
	jw_key(&w, "address");
	jw_str(&w, o->from);
	jw_key(&w, "t");
	jw_time(&w, o->t_ns);
	jw_key(&w, "took_ms");
	jw_i64(&w, o->took_ms);
	jw_key(&w, "ok");
	jw_bool(&w, o->err == 0 && r->findings == 0);
	jw_key(&w, "snapshot");
	jw_cstr(&w, r->id[0] ? r->id : NULL);
	jw_key(&w, "made");
	jw_time(&w, r->made_ns);
	jw_key(&w, "newest");
	jw_time(&w, r->newest_ns);
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
		jw_key(&w, counts[i].name);
		jw_u64(&w, counts[i].n);
	}
	jw_key(&w, "found");
	jw_raw(&w, o->findings.n ? o->findings : SPAN_LIT("[]"));
	jw_key(&w, "why");
	jw_raw_or_null(&w, o->why);
	jw_object_end(&w);
}

int drills_put_outcome(struct store *s, const void *outcome, int64_t now_ns, struct diag *d)
{
	const struct drills_outcome *o = outcome;
	struct buf json;
	buf_init(&json, 0);
	write_outcome(&json, o);
	int err = json.err ? diag_set(d, json.err, MSG_OUT_OF_MEMORY) : store_put_mark(s, SPAN_LIT(DRILLS_MARK), buf_span(&json), d);
	if (err == 0)
		err = store_audit(s, now_ns, o->who, SPAN_LIT("restore_drill"), o->target, buf_span(&json), d);
	buf_free(&json);
	return err;
}

/* mu held, or nobody knows q yet. */
static void learn(struct drills *q)
{
	struct arena a;
	struct json_value *root;
	struct span target;
	const struct json_value *snapshot = NULL;
	q->last_ns = T_NONE;
	q->last_target[0] = 0;
	arena_init(&a, 1u << 20);
	if (q->last.n && (json_parse(&root, &a, buf_span(&q->last), NULL) != 0 || json_get_time(root, "t", &q->last_ns, NULL) != 0 || json_get_str(root, "target", &target, NULL) != 0 ||
				 !(snapshot = json_member(root, "snapshot")))) {
		buf_reset(&q->last);
		q->last_ns = T_NONE;
	} else if (q->last.n) {
		diag_copy(q->last_target, sizeof q->last_target, target);
		q->last_made = snapshot->type == JSON_STRING;
	}
	arena_free(&a);
}

static void keep_outcome(struct drills *q, const struct drills_outcome *o)
{
	struct buf json;
	struct diag *d = calloc(1, sizeof *d);
	/* A drill that cannot be told of was one all the same; the page says what this run knows. */
	if (turns_keep(q->node, drills_put_outcome, o, d) != 0 && d)
		node_log(q->node, "error", d);
	buf_init(&json, 0);
	write_outcome(&json, o);
	pthread_mutex_lock(&q->mu);
	if (!json.err) {
		buf_reset(&q->last);
		buf_add(&q->last, buf_span(&json));
		learn(q);
	}
	pthread_mutex_unlock(&q->mu);
	buf_free(&json);
	free(d);
}

static bool is_over(void *arg) { return node_stopping(((struct drills *)arg)->node); }

static void on_found(void *arg, const struct diag *d)
{
	struct drills *q = arg;
	struct buf words;
	node_log(q->node, "error", d);
	if (q->listed++ >= DRILLS_LISTED_MAX || !q->node->words)
		return;
	buf_init(&words, 0);
	q->node->words(&words, d);
	if (!words.err)
		jw_raw(&q->findings_w, buf_span(&words));
	buf_free(&words);
}

static void finished(void *arg)
{
	struct drills *q = arg;
	if (q->started)
		thread_join(q->thread);
	q->started = false;
	q->busy = false;
}

static void run(struct drills *q, struct diag *d)
{
	struct node *n = q->node;
	struct buf why;
	int64_t began_ns = wall_now(), mono_ns = mono_now();
	struct drill_options o = {.vfs = node_vfs(n), .dir = n->folder->path, .source = q->target, .node = &n->folder->id, .sdb = n->sdb, .now_ns = began_ns, .stop = is_over,
		.found = on_found, .arg = q};
	struct drills_outcome out = {.target = span_str(q->target), .who = span_str(q->who), .from = span_str(q->from), .t_ns = began_ns};
	buf_init(&why, 0);
	jw_array(&q->findings_w);
	pthread_mutex_lock(&q->files);
	/* Work that can wait; the copy itself looks for room, too. */
	out.err = disk_allows(disks_disk(n->disks), DISK_OPTIONAL, d);
	if (out.err == 0)
		out.err = drill_run(&o, &out.report, d);
	pthread_mutex_unlock(&q->files);
	jw_array_end(&q->findings_w);
	out.took_ms = (mono_now() - mono_ns) / NS_PER_MS;
	if (out.err == 0 && out.report.findings) {
		diag_set(d, MO_ECORRUPT, MSG_DRILL_FAILED);
		diag_file(d, q->target);
		diag_int(d, 0, (int64_t)out.report.findings);
	}
	out.findings = q->findings.err ? span_of(NULL, 0) : buf_span(&q->findings);
	out.why = turns_why(n, &why, d);
	/* One that was broken off by the node's end says nothing of the backup. */
	if (out.err != MO_ECANCELED) {
		keep_outcome(q, &out);
		if (d->msg != MSG_NONE)
			node_log(n, "error", d);
	}
	buf_free(&why);
}

static void *thread(void *arg)
{
	struct drills *q = arg;
	struct diag *d = calloc(1, sizeof *d);
	(void)thread_rank(THREAD_PATIENT);
	if (d)
		run(q, d);
	free(d);
	pthread_mutex_lock(&q->mu);
	q->running = false;
	pthread_mutex_unlock(&q->mu);
	q->post.fn = finished;
	q->post.arg = q;
	loop_post(q->node->loop, &q->post);
	return NULL;
}

static bool backup_runs(struct drills *q)
{
	struct backups_state s;
	backups_state(q->node->backups, &s);
	bool runs = s.running;
	backups_state_free(&s);
	return runs;
}

int drills_run(struct drills *q, struct span who, struct span from, struct diag *d)
{
	struct settings *s = malloc(sizeof *s);
	if (!s)
		return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	node_settings(q->node, s);
	bool none = !s->backup_target[0];
	if (!q->busy)
		diag_copy(q->target, sizeof q->target, span_str(s->backup_target));
	free(s);
	if (none)
		return diag_set(d, MO_EINVAL, MSG_DRILL_NO_TARGET);
	if (q->busy)
		return diag_set(d, MO_EAGAIN, MSG_DRILL_RUNNING);
	if (backup_runs(q)) /* which may remove the snapshot that is read */
		return diag_set(d, MO_EAGAIN, MSG_BACKUP_RUNNING);
	diag_copy(q->who, sizeof q->who, who);
	diag_copy(q->from, sizeof q->from, from);
	buf_reset(&q->findings);
	json_writer_init(&q->findings_w, &q->findings);
	q->listed = 0;
	pthread_mutex_lock(&q->mu);
	q->running = true;
	pthread_mutex_unlock(&q->mu);
	int err = thread_start(&q->thread, "moru-drill", thread, q);
	q->busy = q->started = err == 0;
	if (err != 0) {
		pthread_mutex_lock(&q->mu);
		q->running = false;
		pthread_mutex_unlock(&q->mu);
		return diag_set(d, err, MSG_OUT_OF_MEMORY);
	}
	return 0;
}

bool drills_running(struct drills *q)
{
	if (!q)
		return false;
	pthread_mutex_lock(&q->mu);
	bool running = q->running;
	pthread_mutex_unlock(&q->mu);
	return running;
}

static void clear(struct work *w, struct store_reader *r)
{
	struct drills *q = (struct drills *)((char *)w - offsetof(struct drills, clear_work));
	(void)r;
	if (pthread_mutex_trylock(&q->files) != 0)
		return; /* a drill runs, which clears by itself */
	(void)!drill_clear(node_vfs(q->node), q->node->folder->path); /* where it fails, the next drill says so */
	pthread_mutex_unlock(&q->files);
}

static bool is_due(struct drills *q, const struct settings *s, int64_t now_ns)
{
	if (!s->backup_target[0] || s->backup_drill_h == 0 || node_stopping(q->node) || !backups_good(q->node->backups, s->backup_target))
		return false;
	int64_t every = s->backup_drill_h * HOUR_NS;
	pthread_mutex_lock(&q->mu);
	bool same = strcmp(q->last_target, s->backup_target) == 0;
	bool due = turns_due(same ? q->last_ns : T_NONE, q->last_made || every < DRILLS_RETRY_NS ? every : DRILLS_RETRY_NS, now_ns);
	pthread_mutex_unlock(&q->mu);
	return due;
}

void drills_tick(struct drills *q)
{
	if (q->busy)
		return;
	if (!q->cleared) {
		q->clear_work.fn = clear;
		q->cleared = node_work(q->node, &q->clear_work) == 0;
	}
	struct settings *s = malloc(sizeof *s);
	if (!s)
		return; /* the next second */
	node_settings(q->node, s);
	if (is_due(q, s, wall_now())) {
		int err = drills_run(q, SPAN_LIT("schedule"), span_of(NULL, 0), NULL);
		(void)err; /* a backup runs: the next second */
	}
	free(s);
}

int drills_new(struct drills **ret, struct node *n, struct store_reader *r)
{
	struct drills *q = calloc(1, sizeof *q);
	if (!q)
		return MO_ENOMEM;
	q->node = n;
	pthread_mutex_init(&q->mu, NULL);
	pthread_mutex_init(&q->files, NULL);
	buf_init(&q->last, 0);
	buf_init(&q->findings, 0);
	int err = node_mark(r, SPAN_LIT(DRILLS_MARK), &q->last);
	if (err != 0) {
		drills_free(q);
		return err;
	}
	learn(q);
	*ret = q;
	return 0;
}

void drills_stop(struct drills *q)
{
	if (q && q->started)
		thread_join(q->thread);
	if (q)
		q->started = false;
}

void drills_free(struct drills *q)
{
	if (!q)
		return;
	buf_free(&q->last);
	buf_free(&q->findings);
	pthread_mutex_destroy(&q->mu);
	pthread_mutex_destroy(&q->files);
	free(q);
}

void drills_state(struct drills *q, bool *ret_running, int64_t *ret_last_ns, struct buf *last)
{
	*ret_running = false;
	*ret_last_ns = T_NONE;
	if (!q)
		return;
	pthread_mutex_lock(&q->mu);
	*ret_running = q->running;
	*ret_last_ns = q->last_ns;
	buf_add(last, buf_span(&q->last));
	pthread_mutex_unlock(&q->mu);
}
