/* POST /api/v1/check, which `moru check` asks when the folder is served: the
 * whole check on a worker, one at a time, and its findings in both languages. */
#include <stdlib.h>

#include "api/check.h"
#include "api/priv/api.h"
#include "node/filehold.h"

struct checking {
	struct api_call *c;
	struct span called; /* what the asker calls the folder */
	uint64_t findings;
	struct diag d;
};

/* Nobody waits for the answer any more, or the node ends. */
static bool is_over(void *arg)
{
	const struct api_call *c = ((struct checking *)arg)->c;
	return atomic_load(&c->dead) || node_stopping(c->node);
}

/* The node's name of the folder gives way to the asker's. */
static void rename_file(struct checking *k, const struct diag *from)
{
	const char *dir = node_folder(k->c->node)->path;
	size_t n = strlen(dir), called = k->called.n;
	struct buf b;
	/* "DIR/" joined with a name has one slash, as "DIR" has. */
	n -= n && dir[n - 1] == '/';
	called -= called && k->called.p[called - 1] == '/';
	k->d = *from;
	if (!k->called.n || strncmp(from->file, dir, n) != 0 || from->file[n] != '/')
		return;
	buf_init(&b, 0);
	buf_add(&b, span_sub(k->called, 0, called));
	buf_adds(&b, from->file + n);
	if (!b.err)
		diag_copy(k->d.file, sizeof k->d.file, buf_span(&b));
	buf_free(&b);
}

static void say(void *arg, const struct diag *d)
{
	struct checking *k = arg;
	struct json_writer *w = &k->c->w;
	if (k->findings++ >= CHECK_LISTED_MAX)
		return;
	rename_file(k, d);
	jw_object(w);
	jw_key(w, "file");
	jw_cstr(w, k->d.file);
	api_problem_members(w, &k->d);
	jw_object_end(w);
}

/* A reader of its own: the worker's has pages in memory that it read long ago. */
static int check_folder(struct checking *k, uint64_t *ret_files)
{
	struct api_call *c = k->c;
	struct store_reader *r = NULL;
	char *db = folder_path(node_folder(c->node), "store.db");
	if (!db)
		return diag_set(c->d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	/* What is wrong was said, one by one; the store is looked at all the same. */
	int err = sdb_check_live(node_sdb(c->node), is_over, say, k, ret_files);
	if (err == MO_ECORRUPT || err == MO_EVERSION)
		err = 0;
	else if (err != 0) {
		diag_set(c->d, err, MSG_FOLDER_READ);
		diag_file(c->d, node_folder(c->node)->path);
	}
	if (err == 0)
		err = store_reader_open(&r, node_vfs(c->node), db, c->d);
	filehold_take(node_files(c->node)); /* a blob that goes after its row was read is none that is missing */
	if (err == 0)
		err = store_check(r, is_over, say, k, c->d);
	filehold_give(node_files(c->node));
	store_reader_close(r);
	free(db);
	return err;
}

int post_check(struct api_call *c)
{
	uint64_t files = 0;
	bool busy = atomic_exchange(&c->api->check_runs, true);
	if (busy)
		return diag_set(c->d, MO_EAGAIN, MSG_API_BUSY);
	struct checking *k = calloc(1, sizeof *k);
	int err = k ? 0 : diag_set(c->d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	if (err == 0) {
		*k = (struct checking){.c = c, .called = api_param(c, "folder")};
		jw_object(&c->w);
		jw_key(&c->w, "items");
		jw_array(&c->w);
		err = check_folder(k, &files);
		jw_array_end(&c->w);
		jw_key(&c->w, "files");
		jw_u64(&c->w, files);
		jw_key(&c->w, "findings");
		jw_u64(&c->w, k->findings);
		jw_object_end(&c->w);
	}
	free(k);
	atomic_store(&c->api->check_runs, false);
	return err;
}
