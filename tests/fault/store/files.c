/* Files about a person in the store's sweep: two kept, one removed, its bytes dropped; each step a commit of its own. */
#include <stdio.h>
#include <stdlib.h>

#include "world.h"

#include "store/person_file.h"

#define FILES_STEPS 5u
#define FACE "\xff\xd8\xff\xe0 a face "
#define LONG 900u /* more than a chunk would take a pass 15 ms: tests/unit/store/test_person_files.c has those */

static uint8_t bytes[LONG];
static struct uuid made[2];

static int keep(struct world *w, const char *code, size_t n, struct uuid *ret)
{
	struct person_file_writer *p = NULL;
	struct person_file_said said = {.name = S("OnDal.jpg"), .who = S("kim"), .now_ns = 2};
	memcpy(bytes, FACE, strlen(FACE));
	int err = person_file_begin(w->s, &p, S(code), S("image/jpeg"), &w->d);
	if (!err)
		err = person_file_write(p, span_of(bytes, n), &w->d);
	if (!err)
		err = person_file_end(p, w->s, &said, ret, &w->d);
	if (!err)
		err = store_commit(w->s, &w->d);
	person_file_abort(p);
	return err;
}

static int step(struct world *w, unsigned i, char code[PSEUDONYM_TEXT])
{
	enum store_did did;
	int err = 0;
	switch (i) {
	case 0: err = store_person(w->s, S("OnDal"), code, &did, &w->d); break;
	case 1: return keep(w, code, 500, &made[0]);
	case 2: return keep(w, code, LONG, &made[1]);
	case 3: err = store_person_file_drop(w->s, S(code), &made[0], S("kim"), 3, &w->d); break;
	default: err = person_file_sweep(w->s, &made[0], &w->d); break;
	}
	return err ? err : store_commit(w->s, &w->d);
}

int run_files(struct world *w)
{
	char code[PSEUDONYM_TEXT] = "";
	memset(made, 0, sizeof made);
	for (unsigned i = 0; i < FILES_STEPS; i++) {
		int err = store_begin(w->s, &w->d);
		if (!err)
			err = step(w, i, code);
		if (err) {
			store_rollback(w->s);
			return err == MO_ENOENT ? MO_EBUG : err; /* what was acknowledged is there: nothing else may say so */
		}
		w->acked = i + 1;
	}
	return 0;
}

/* Whether a file that is listed opens as it was given; 0: there is none of that length. */
static int whole(struct world *w, const char *code, const struct table_batch *b, size_t row)
{
	struct person_file f = {0};
	struct store_reader *r = NULL;
	struct buf out;
	struct uuid id;
	int err = uuid_parse(&id, b->cols[0].str[row]);
	buf_init(&out, 0);
	if (!err)
		err = store_reader_open(&r, w->vfs, DB, NULL);
	if (!err)
		err = person_file_open(&f, r, store_people(w->s), S(code), &id, NULL);
	for (uint64_t i = 0; !err && i < f.chunks; i++)
		err = person_file_read(&f, &out, NULL);
	bool same = !err && (out.n == 500 || out.n == LONG) && (int64_t)out.n == b->cols[3].i64[row] && memcmp(out.p, bytes, out.n) == 0;
	person_file_close(&f);
	store_reader_close(r);
	buf_free(&out);
	return same;
}

struct looking {
	struct world *w;
	char folder[200];
	unsigned files;
	bool face;
};

static int on_blob(void *arg, const char *name)
{
	struct looking *l = arg;
	char path[300];
	uint8_t *p = NULL;
	size_t n = 0;
	snprintf(path, sizeof path, "%s/%s", l->folder, name);
	if (vfs_slurp(l->w->vfs, &p, &n, path, 1u << 26, NULL))
		return 0;
	l->files++;
	l->face |= memmem(p, n, FACE, strlen(FACE)) != NULL;
	free(p);
	return 0;
}

/* All files of DIR/blobs. */
static void look(struct looking *l)
{
	for (unsigned i = 0; i < 256; i++) {
		snprintf(l->folder, sizeof l->folder, "node/blobs/%02x", i);
		if (vfs_list(l->w->vfs, l->folder, on_blob, l))
			continue;
	}
}

const char *holds_files(struct world *w)
{
	if (open_with(w, store_migrations, n_store_migrations))
		return "it does not open";
	int64_t live = number_of(w, "SELECT count(*) FROM person_file WHERE removed IS NULL"), removed = number_of(w, "SELECT count(*) FROM person_file WHERE removed IS NOT NULL");
	int64_t wanted = w->acked < 2 ? 0 : (int64_t)w->acked - 1 > 2 ? 2 : (int64_t)w->acked - 1;
	if (live + removed < wanted || live + removed > wanted + 1)
		return "a file is lost, or more than was asked for is there";
	if (removed < (w->acked >= 4))
		return "a removed file is there again";
	if (number_of(w, "SELECT count(*) FROM blob") != live)
		return "a blob is there by half";
	if (number_of(w, "SELECT count(*) FROM person_file WHERE removed IS NOT NULL AND blob IS NOT NULL") != 0)
		return "the bytes of a removed file were not dropped by the start";
	struct looking l = {.w = w};
	look(&l);
	if (l.face)
		return "a face stands in a file";
	if (l.files < (unsigned)live || l.files > (unsigned)live + 1) /* one whose transaction did not commit */
		return "a file without a row, or a row without its file";
	struct store_reader *r = NULL;
	struct table_cursor *cur = NULL;
	struct table_batch b;
	struct store_arg all[] = {sarg_null(), sarg_i(10)};
	char code[PSEUDONYM_TEXT] = "";
	const char *wrong = NULL;
	if (store_reader_open(&r, w->vfs, DB, NULL))
		return "no reader";
	if (store_select(r, &cur, SQ_PEOPLE, all, 2, NULL) || table_next(cur, &b, NULL))
		wrong = "people cannot be listed";
	else if (b.n_rows)
		snprintf(code, sizeof code, "%.*s", (int)b.cols[0].str[0].n, (const char *)b.cols[0].str[0].p);
	table_close(cur);
	cur = NULL;
	struct store_arg one[] = {sarg_s(S(code))};
	if (!wrong && (store_select(r, &cur, SQ_PERSON_FILES, one, 1, NULL) || table_next(cur, &b, NULL)))
		wrong = "files cannot be listed";
	for (size_t i = 0; !wrong && i < b.n_rows; i++)
		if (!whole(w, code, &b, i))
			wrong = "a listed file does not open as it was given";
	table_close(cur);
	store_reader_close(r);
	return wrong ? wrong : check_clean(w);
}
