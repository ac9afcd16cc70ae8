/* See watch.h. A poll runs on a worker: it lists, compares with what the poll
 * before saw, and hands files that stood still to the importer, one by one.
 *
 *   new --same size and time at the next poll--> taken --> done/ | refused/ (+ NAME.reason.txt) */
#include "node/watch.h"

#include <stdio.h>
#include <stdlib.h>

#include "node/priv/node.h"

#define WATCH_FILES_MAX 4096u
#define WATCH_NAME_MAX 256u
#define REASON ".reason.txt"

struct seen {
	char name[WATCH_NAME_MAX];
	uint64_t size_bytes;
	int64_t mtime_ns;
	bool here;
};
struct watch_wait {
	struct watch_wait *next;
	void (*done)(void *arg, int err);
	void *arg;
};
struct watch {
	struct node *node;
	char *dir;
	struct work work;
	struct loop_post post;
	bool running;
	struct watch_wait *waiting;
	/* worker */
	struct seen *seen;
	size_t n_seen;
	int err;
};

/* Names that are not finished, or not ours to take. */
static bool waits(const char *name)
{
	static const char *const ends[] = {".tmp", ".part", ".crdownload", ".swp"};
	size_t n = strlen(name);
	if (name[0] == '.' || strncmp(name, "~$", 2) == 0 || n >= WATCH_NAME_MAX)
		return true;
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
		if (n > strlen(ends[i]) && strcmp(name + n - strlen(ends[i]), ends[i]) == 0)
			return true;
	return false;
}

static int on_name(void *arg, const char *name)
{
	struct watch *w = arg;
	if (waits(name) || strcmp(name, "done") == 0 || strcmp(name, "refused") == 0 || w->n_seen >= WATCH_FILES_MAX)
		return 0;
	for (size_t i = 0; i < w->n_seen; i++)
		if (strcmp(w->seen[i].name, name) == 0) {
			w->seen[i].here = true;
			return 0;
		}
	struct seen *p = realloc(w->seen, (w->n_seen + 1) * sizeof *p);
	if (!p)
		return MO_ENOMEM;
	w->seen = p;
	w->seen[w->n_seen] = (struct seen){.size_bytes = UINT64_MAX, .here = true};
	snprintf(w->seen[w->n_seen++].name, WATCH_NAME_MAX, "%s", name);
	return 0;
}

/* Moves a file into a folder beside it; a name that is taken there gets the time before it. why: beside it as NAME.reason.txt. */
static int put_away(struct watch *w, const char *path, const char *name, const char *folder, struct span why)
{
	char *dir = vfs_join(w->dir, folder), *to = NULL;
	struct vfs_stat st;
	struct vfs *v = node_vfs(w->node);
	int err = dir ? vfs_mkdir(v, dir, false) : MO_ENOMEM;
	if (err == 0 && !(to = vfs_join(dir, name)))
		err = MO_ENOMEM;
	if (err == 0 && vfs_stat(v, to, &st) == 0) {
		char stamped[WATCH_NAME_MAX + 32];
		snprintf(stamped, sizeof stamped, "%lld-%s", (long long)(wall_now() / NS_PER_MS), name);
		free(to);
		to = vfs_join(dir, stamped);
	}
	if (err == 0 && !to)
		err = MO_ENOMEM;
	if (err == 0 && why.n) {
		size_t size = strlen(to) + sizeof REASON;
		char *beside = malloc(size);
		if (beside) {
			snprintf(beside, size, "%s" REASON, to);
			err = vfs_replace(v, beside, why, false, NULL);
		}
		free(beside);
	}
	if (err == 0)
		err = vfs_rename(v, path, to);
	if (err == 0)
		err = vfs_sync_dir(v, dir);
	if (err == 0)
		err = vfs_sync_dir(v, w->dir);
	free(to);
	free(dir);
	return err;
}

static void take(struct watch *w, const struct seen *s, struct store_reader *r)
{
	struct node *n = w->node;
	struct diag *d = calloc(1, sizeof *d);
	char *path = vfs_join(w->dir, s->name);
	struct buf why;
	buf_init(&why, 0);
	if (d && path && n->importer) {
		int err = n->importer(n->importer_arg, r, path, s->name, &why, d);
		bool refused = err == MO_EINVAL || err == MO_ELIMIT || err == MO_EEXIST;
		if (err != 0) {
			w->err = w->err ? w->err : err;
			if (!d->file[0])
				diag_file(d, path);
			node_log(n, "warn", d);
		}
		/* A transient failure leaves the file where it is: it is tried again. */
		if (err == 0 || refused) {
			int moved = put_away(w, path, s->name, err == 0 ? "done" : "refused", buf_span(&why));
			if (moved != 0) {
				diag_set(d, moved, MSG_WATCH_MOVE);
				diag_file(d, path);
				node_log(n, "error", d);
			}
		}
	}
	buf_free(&why);
	free(path);
	free(d);
}

static void poll_done(void *arg)
{
	struct watch *w = arg;
	struct watch_wait *q = w->waiting;
	w->waiting = NULL;
	w->running = false;
	while (q) {
		struct watch_wait *next = q->next;
		q->done(q->arg, 0);
		free(q);
		q = next;
	}
}

static void poll_run(struct work *work, struct store_reader *r)
{
	struct watch *w = (struct watch *)((char *)work - offsetof(struct watch, work));
	struct vfs *v = node_vfs(w->node);
	w->err = 0;
	for (size_t i = 0; i < w->n_seen; i++)
		w->seen[i].here = false;
	int err = vfs_list(v, w->dir, on_name, w);
	for (size_t i = 0; err == 0 && i < w->n_seen && !node_stopping(w->node);) {
		struct seen *s = &w->seen[i];
		struct vfs_stat st;
		char *path = vfs_join(w->dir, s->name);
		bool gone = !s->here || !path || vfs_stat(v, path, &st) != 0 || st.is_dir;
		free(path);
		if (!gone && (st.size_bytes != s->size_bytes || st.mtime_ns != s->mtime_ns)) {
			s->size_bytes = st.size_bytes;
			s->mtime_ns = st.mtime_ns;
			i++;
			continue;
		}
		if (!gone)
			take(w, s, r);
		*s = w->seen[--w->n_seen];
	}
	w->post.fn = poll_done;
	w->post.arg = w;
	loop_post(w->node->loop, &w->post);
}

void watch_poll(struct watch *w, void (*done)(void *arg, int err), void *arg)
{
	if (done) {
		struct watch_wait *q = calloc(1, sizeof *q);
		if (!q) {
			done(arg, MO_ENOMEM);
			return;
		}
		*q = (struct watch_wait){w->waiting, done, arg};
		w->waiting = q;
	}
	if (w->running)
		return; /* who waits is told when that one ends */
	w->work.fn = poll_run;
	w->running = true;
	if (node_work(w->node, &w->work) != 0)
		poll_done(w); /* the workers' queue is full: looked at again by the next poll */
}

int watch_new(struct watch **ret, struct node *n)
{
	struct watch *w = calloc(1, sizeof *w);
	if (!w)
		return MO_ENOMEM;
	w->node = n;
	w->dir = n->settings.inbox[0] ? strdup(n->settings.inbox) : folder_path(n->folder, "inbox");
	if (!w->dir) {
		free(w);
		return MO_ENOMEM;
	}
	*ret = w;
	return 0;
}

void watch_free(struct watch *w)
{
	if (!w)
		return;
	while (w->waiting) {
		struct watch_wait *next = w->waiting->next;
		free(w->waiting);
		w->waiting = next;
	}
	free(w->seen);
	free(w->dir);
	free(w);
}
