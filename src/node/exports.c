/* See exports.h. */
#include "node/exports.h"

#include <stdio.h>
#include <stdlib.h>

#include "codec/json.h"
#include "codec/text.h"
#include "node/priv/node.h"
#include "node/priv/turns.h"
#include "store/store.h"

#define FOLDER "exports"

struct exports {
	struct node *node;
	struct turns turns;
	struct work sweep_work;
	char *dir;
	bool holds; /* files of blobs; the run's */
	int64_t looked_ns; /* monotonic; loop thread */
	/* the run's */
	struct exports_ask ask;
	char path[EXPORTS_PATH_MAX + EXPORTS_NAME + 16], who[64], from[HTTP_PEER_MAX];
	char codes[EXPORT_ASSETS_MAX][EXPORTS_CODE_MAX];
	const char *assets[EXPORT_ASSETS_MAX];
	struct export *run;
	struct export_report report;
	atomic_bool sweeping;

	pthread_mutex_t mu; /* below */
	bool failed;
	char name[EXPORTS_NAME]; /* of the last run: in DIR/exports; "": not there */
	struct export_report so_far;
	struct buf why;
};

/* ---- how it ended ---- */

static void put_time(struct json_writer *w, const char *key, int64_t t_ns, int64_t open)
{
	jw_key(w, key);
	jw_time(w, t_ns == open ? T_NONE : t_ns);
}

int exports_put_outcome(struct store *s, const void *outcome, int64_t now_ns, struct diag *d)
{
	const struct exports_outcome *o = outcome;
	struct buf json, hex;
	struct json_writer w;
	buf_init(&json, 0);
	buf_init(&hex, 0);
	json_writer_init(&w, &json);
	hex_encode(&hex, span_of(o->report.sha256, 32));
	jw_object(&w);
	jw_key(&w, "address");
	jw_str(&w, o->from);
	put_time(&w, "from", o->from_ns, INT64_MIN);
	put_time(&w, "to", o->to_ns, INT64_MAX);
	jw_key(&w, "assets");
	jw_array(&w); /* empty: all */
	for (size_t i = 0; i < o->n_assets; i++)
		jw_cstr(&w, o->assets[i]);
	jw_array_end(&w);
	jw_key(&w, "ok");
	jw_bool(&w, o->err == 0);
	jw_key(&w, "files");
	jw_u64(&w, o->report.files);
	jw_key(&w, "values");
	jw_u64(&w, o->report.values);
	jw_key(&w, "bytes");
	jw_u64(&w, o->report.bytes);
	jw_key(&w, "sha256");
	if (o->err == 0)
		jw_str(&w, buf_span(&hex));
	else
		jw_null(&w);
	jw_key(&w, "why");
	jw_raw_or_null(&w, o->why);
	jw_object_end(&w);
	int err = json.err || hex.err ? diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY) : store_audit(s, now_ns, o->who, SPAN_LIT("export"), o->path, buf_span(&json), d);
	buf_free(&hex);
	buf_free(&json);
	return err;
}

/* ---- the run ---- */

/* Each is audited, and an archive that cannot be audited is not given out. */
static int end(void *arg, int err, struct diag *d)
{
	struct exports *e = arg;
	struct node *n = e->node;
	struct buf why;
	struct diag *unsaid = calloc(1, sizeof *unsaid); /* the first error is the one to be told */
	buf_init(&why, 0);
	if (e->run)
		export_report(e->run, &e->report);
	export_free(e->run);
	e->run = NULL;
	if (e->holds)
		filehold_give(&e->node->files);
	e->holds = false;
	if (err == 0 && turns_given_up(&e->turns)) { /* after its last step: what nobody wants does not stay */
		(void)!vfs_unlink(node_vfs(n), e->path);
		err = diag_set(d, MO_ECANCELED, MSG_EXPORT_GIVEN_UP);
	}
	struct exports_outcome o = {.path = span_str(e->path), .who = span_str(e->who), .from = span_str(e->from), .from_ns = e->ask.from_ns, .to_ns = e->ask.to_ns,
		.assets = e->assets, .n_assets = e->ask.n_assets, .err = err, .report = e->report, .why = err != 0 ? turns_why(n, &why, d) : span_of(NULL, 0)};
	int kept = turns_keep(n, exports_put_outcome, &o, err == 0 ? d : unsaid);
	if (kept != 0 && err == 0) {
		err = kept;
		(void)!vfs_unlink(node_vfs(n), e->path);
		(void)turns_why(n, &why, d);
	}
	pthread_mutex_lock(&e->mu);
	if (e->name[0]) {
		e->failed = err != 0;
		buf_reset(&e->why);
		buf_add(&e->why, buf_span(&why));
	}
	pthread_mutex_unlock(&e->mu);
	free(unsaid);
	buf_free(&why);
	return err;
}

static void told(void *arg, int err, const struct diag *d)
{
	struct exports *e = arg;
	struct export_report report = e->report;
	if (e->ask.done)
		e->ask.done(e->ask.arg, err, &report, d);
}

static int on_kept(void *arg, const char *name)
{
	*(unsigned *)arg += exports_is_name(span_str(name));
	return 0;
}

/* A file of the node's own folder is no more welcome than any other when the disk fills up; asked again at each turn, as it grows. */
static int has_room(struct exports *e, struct diag *d) { return e->name[0] ? disk_allows(disks_disk(e->node->disks), DISK_BLOBS, d) : 0; }

static int make_room(struct exports *e, struct diag *d)
{
	unsigned kept = 0;
	int err = has_room(e, d);
	if (err != 0)
		return err;
	err = vfs_mkdir(node_vfs(e->node), e->dir, true);
	if (err == 0)
		err = vfs_list(node_vfs(e->node), e->dir, on_kept, &kept);
	if (err != 0) {
		diag_set(d, err, MSG_FOLDER_MAKE);
		diag_file(d, e->dir);
	} else if (kept >= EXPORTS_FILES_MAX) {
		err = diag_set(d, MO_ELIMIT, MSG_EXPORT_KEPT);
		diag_int(d, 0, EXPORTS_FILES_MAX);
	}
	return err;
}

static int begin(void *arg, struct diag *d)
{
	struct exports *e = arg;
	struct node *n = e->node;
	int err = e->name[0] ? make_room(e, d) : 0;
	if (err != 0)
		return err;
	struct export_options o = {.vfs = node_vfs(n), .folder = n->folder, .sdb = n->sdb, .path = e->path, .inside = e->name[0] != 0, .from_ns = e->ask.from_ns,
		.to_ns = e->ask.to_ns, .assets = e->assets, .n_assets = e->ask.n_assets, .program = n->opt.version, .readme_ko = e->ask.readme_ko,
		.readme_en = e->ask.readme_en};
	filehold_take(&n->files);
	e->holds = true;
	return export_new(&e->run, &o, d);
}

static int step(void *arg, struct diag *d) { return export_step(((struct exports *)arg)->run, d); }

static int turned(void *arg, struct diag *d)
{
	struct exports *e = arg;
	pthread_mutex_lock(&e->mu);
	export_report(e->run, &e->so_far);
	pthread_mutex_unlock(&e->mu);
	return has_room(e, d);
}

static const struct turns_kind kind = {.busy = MSG_EXPORT_RUNNING, .given_up = MSG_EXPORT_GIVEN_UP, .begin = begin, .step = step, .turned = turned, .end = end, .told = told};

static int bad_text(struct diag *d, struct span text)
{
	diag_set(d, MO_EINVAL, MSG_EXPORT_BAD_NAME);
	diag_value(d, text);
	return MO_EINVAL;
}

/* Texts of the ask, which live no longer than the call. */
static int keep_ask(struct exports *e, const struct exports_ask *ask, struct diag *d)
{
	if (ask->path.n >= EXPORTS_PATH_MAX || (ask->path.n && memchr(ask->path.p, 0, ask->path.n)))
		return bad_text(d, ask->path);
	if (ask->n_assets > EXPORT_ASSETS_MAX) {
		diag_set(d, MO_ELIMIT, MSG_EXPORT_ASSETS_MANY);
		diag_int(d, 0, EXPORT_ASSETS_MAX);
		return MO_ELIMIT;
	}
	for (size_t i = 0; i < ask->n_assets; i++) {
		struct span s = ask->assets[i];
		if (s.n == 0 || s.n >= EXPORTS_CODE_MAX || memchr(s.p, 0, s.n))
			return bad_text(d, s);
		memcpy(e->codes[i], s.p, s.n);
		e->codes[i][s.n] = 0;
		e->assets[i] = e->codes[i];
	}
	e->ask = *ask;
	e->ask.path = e->ask.who = e->ask.from = span_of(NULL, 0);
	e->ask.assets = NULL;
	diag_copy(e->who, sizeof e->who, ask->who);
	diag_copy(e->from, sizeof e->from, ask->from);
	return 0;
}

/* A name that nobody guesses: whoever may fetch it was told. */
static int make_name(char out[EXPORTS_NAME], struct diag *d)
{
	struct civil c;
	uint8_t r[4];
	if (os_random(r, sizeof r) != 0)
		return diag_set(d, MO_EIO, MSG_OUT_OF_MEMORY);
	civil_from_ns(&c, wall_now());
	snprintf(out, EXPORTS_NAME, "moru-%04u%02u%02u-%02u%02u%02u-%02x%02x%02x%02x.zip", (unsigned)c.year % 10000u, c.month, c.day, c.hour, c.minute, c.second, r[0], r[1], r[2],
		r[3]);
	return 0;
}

bool exports_is_name(struct span s)
{
	static const char form[] = "moru-dddddddd-dddddd-xxxxxxxx.zip";
	if (s.n != sizeof form - 1)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		bool digit = s.p[i] >= '0' && s.p[i] <= '9', hex = digit || (s.p[i] >= 'a' && s.p[i] <= 'f');
		if (form[i] == 'd' ? !digit : form[i] == 'x' ? !hex : s.p[i] != (uint8_t)form[i])
			return false;
	}
	return true;
}

char *exports_path(struct exports *e, struct span name)
{
	char text[EXPORTS_NAME];
	if (!exports_is_name(name))
		return NULL;
	memcpy(text, name.p, name.n);
	text[name.n] = 0;
	return vfs_join(e->dir, text);
}

int exports_run(struct exports *e, const struct exports_ask *ask, char name[EXPORTS_NAME], struct diag *d)
{
	char fresh[EXPORTS_NAME] = "";
	int err = turns_idle(&e->turns, d);
	if (err == 0 && ask->from_ns >= ask->to_ns)
		err = diag_set(d, MO_EINVAL, MSG_EXPORT_RANGE);
	if (err == 0)
		err = keep_ask(e, ask, d);
	if (err == 0 && ask->path.n == 0)
		err = make_name(fresh, d);
	if (err != 0)
		return err;
	if (fresh[0])
		snprintf(e->path, sizeof e->path, "%s/%s", e->dir, fresh);
	else
		snprintf(e->path, sizeof e->path, "%.*s", (int)ask->path.n, (const char *)ask->path.p);
	e->report = (struct export_report){.files = 0};
	pthread_mutex_lock(&e->mu);
	e->so_far = e->report;
	memcpy(e->name, fresh, sizeof fresh);
	pthread_mutex_unlock(&e->mu);
	if ((err = turns_begin(&e->turns, ask->stop, ask->arg, d)) != 0)
		return err;
	memcpy(name, fresh, sizeof fresh);
	return 0;
}

bool exports_cancel(struct exports *e, struct span name)
{
	pthread_mutex_lock(&e->mu);
	bool it = turns_running(&e->turns) && e->name[0] && span_is(name, e->name);
	if (it)
		turns_give_up(&e->turns);
	pthread_mutex_unlock(&e->mu);
	return it;
}

/* ---- what is over ---- */

struct names {
	char name[EXPORTS_FILES_MAX][EXPORTS_NAME + 8];
	size_t n;
};

static int on_name(void *arg, const char *name)
{
	struct names *l = arg;
	if (l->n < EXPORTS_FILES_MAX && strlen(name) < sizeof l->name[0])
		memcpy(l->name[l->n++], name, strlen(name) + 1);
	return 0;
}

/* first: nothing runs yet, so what is not whole is a killed one's. Failures are tried again at the next look. */
static void remove_old(struct exports *e, bool first)
{
	struct vfs *vfs = node_vfs(e->node);
	struct names *l = calloc(1, sizeof *l);
	int64_t now_ns = wall_now();
	if (!l || vfs_list(vfs, e->dir, on_name, l) != 0) {
		free(l);
		return;
	}
	for (size_t i = 0; i < l->n; i++) {
		struct vfs_stat st;
		struct span s = span_str(l->name[i]);
		bool part = s.n > 5 && memcmp(s.p + s.n - 5, ".part", 5) == 0;
		char *path = vfs_join(e->dir, l->name[i]);
		bool old = path && exports_is_name(s) && vfs_stat(vfs, path, &st) == 0 && (st.mtime_ns > now_ns + EXPORTS_KEEP_NS || now_ns - st.mtime_ns >= EXPORTS_KEEP_NS);
		if (path && (old || (first && part)))
			(void)!vfs_unlink(vfs, path);
		free(path);
	}
	free(l);
}

static void sweep(struct work *w, struct store_reader *r)
{
	struct exports *e = (struct exports *)((char *)w - offsetof(struct exports, sweep_work));
	(void)r;
	remove_old(e, false);
	atomic_store(&e->sweeping, false);
}

void exports_tick(struct exports *e)
{
	int64_t now_ns = mono_now();
	if (now_ns - e->looked_ns < EXPORTS_LOOK_NS || atomic_load(&e->sweeping))
		return;
	e->looked_ns = now_ns;
	atomic_store(&e->sweeping, true);
	e->sweep_work.fn = sweep;
	if (node_work(e->node, &e->sweep_work) != 0)
		atomic_store(&e->sweeping, false);
}

int exports_new(struct exports **ret, struct node *n)
{
	struct exports *e = calloc(1, sizeof *e);
	if (!e)
		return MO_ENOMEM;
	e->node = n;
	pthread_mutex_init(&e->mu, NULL);
	buf_init(&e->why, 0);
	e->dir = folder_path(n->folder, FOLDER);
	int err = e->dir ? turns_init(&e->turns, n, &kind, e) : MO_ENOMEM;
	if (err == 0 && strlen(e->dir) >= EXPORTS_PATH_MAX)
		err = MO_ELIMIT;
	if (err != 0) {
		exports_free(e);
		return err;
	}
	remove_old(e, true);
	*ret = e;
	return 0;
}

void exports_free(struct exports *e)
{
	if (!e)
		return;
	export_free(e->run);
	turns_free(&e->turns);
	buf_free(&e->why);
	free(e->dir);
	pthread_mutex_destroy(&e->mu);
	free(e);
}

void exports_state(struct exports *e, struct exports_state *ret)
{
	*ret = (struct exports_state){.running = false};
	buf_init(&ret->why, 0);
	if (!e)
		return;
	pthread_mutex_lock(&e->mu);
	ret->running = turns_running(&e->turns);
	if (ret->running)
		memcpy(ret->name, e->name, sizeof ret->name);
	ret->so_far = e->so_far;
	ret->failed = e->failed;
	buf_add(&ret->why, buf_span(&e->why));
	pthread_mutex_unlock(&e->mu);
}
