/* /api/v1/people: who is behind a pseudonym, for those who may know, and erasing. Lists go by pseudonym, which is random: nobody is ranked. */
#include "api/priv/api.h"

#include <stdlib.h>

#include "node/backups.h"
#include "node/erase.h"
#include "os/crypto.h"
#include "os/vfs.h"

#define FIND_NS (10 * NS_PER_S) /* a name is looked for in the store's texts */
#define TARGETS_MAX 64u /* tried at once; the others are done by their next backup */

static void wipe(struct buf *b)
{
	if (b->p)
		crypto_wipe(b->p, b->cap);
	buf_free(b);
}

static int nomem(struct api_call *c) { return diag_set(c->d, MO_ENOMEM, MSG_OUT_OF_MEMORY); }

static bool sees_names(const struct api_call *c) { return gate_may(&c->pass, PERMISSION_PEOPLE); }

int api_person(struct api_call *c, const char *key, struct span pseudonym)
{
	struct buf name;
	buf_init(&name, 0);
	int err = pseudonym.n && sees_names(c) ? people_name(node_people(c->node), pseudonym, &name) : MO_ENOENT;
	jw_key(&c->w, key);
	if (err == 0)
		jw_str(&c->w, buf_span(&name));
	else
		jw_null(&c->w);
	wipe(&name);
	return err == MO_ENOMEM ? nomem(c) : 0;
}

int api_sealed(struct api_call *c, struct json_value **ret, struct span pseudonym, struct span about, struct span sealed)
{
	struct buf text;
	*ret = NULL;
	if (!sees_names(c))
		return 0;
	buf_init(&text, 0);
	int err = people_text(node_people(c->node), pseudonym, about, sealed, &text);
	if (err == 0)
		err = json_parse(ret, &c->arena, buf_span(&text), NULL);
	wipe(&text);
	return err == MO_ENOMEM ? nomem(c) : 0; /* what cannot be opened is what was erased: it stays hidden */
}

int get_people(struct api_call *c)
{
	int64_t limit, rows = 0;
	struct table_cursor *cur = NULL;
	struct table_batch b = {0};
	char next[PSEUDONYM_TEXT] = "";
	struct span cursor = api_param(c, "cursor");
	int err = api_param_i64(c, "limit", API_PAGE, 1, API_PAGE_MAX, &limit);
	if (err != 0)
		return err;
	struct store_arg a[] = {cursor.n ? sarg_s(cursor) : sarg_null(), sarg_i(limit)};
	if ((err = store_select(c->reader, &cur, SQ_PEOPLE, a, 2, c->d)) != 0)
		return err;
	jw_object(&c->w);
	jw_key(&c->w, "items");
	jw_array(&c->w);
	while (err == 0 && (err = table_next(cur, &b, c->d)) == 0 && b.n_rows)
		for (size_t i = 0; i < b.n_rows && err == 0; i++, rows++) {
			jw_object(&c->w);
			err = api_members(c, cur, &b, i);
			if (err == 0)
				err = api_person(c, "name", b.cols[0].str[i]);
			jw_object_end(&c->w);
			diag_copy(next, sizeof next, b.cols[0].str[i]);
		}
	jw_array_end(&c->w);
	jw_key(&c->w, "next");
	jw_cstr(&c->w, rows >= limit ? next : NULL);
	jw_object_end(&c->w);
	table_close(cur);
	return err;
}

/* ---- one ---- */

/* A target that was tried now, and why it could not be reached. */
struct tried {
	struct span target;
	struct diag *d;
};
struct tries {
	struct tried v[TARGETS_MAX];
	size_t n;
};

static int write_targets(struct api_call *c, int64_t erasure, const struct tries *t)
{
	struct table_cursor *cur = NULL;
	struct table_batch b;
	struct store_arg a[] = {sarg_i(erasure)};
	int err = store_select(c->reader, &cur, SQ_ERASURE_TARGETS, a, 1, c->d);
	if (err != 0)
		return err;
	jw_array(&c->w);
	while (err == 0 && (err = table_next(cur, &b, c->d)) == 0 && b.n_rows)
		for (size_t i = 0; i < b.n_rows && err == 0; i++) {
			jw_object(&c->w);
			err = api_members(c, cur, &b, i);
			for (size_t k = 0; t && k < t->n; k++)
				if (span_eq(t->v[k].target, b.cols[0].str[i])) {
					jw_key(&c->w, "why");
					api_words(&c->w, t->v[k].d);
				}
			jw_object_end(&c->w);
		}
	jw_array_end(&c->w);
	table_close(cur);
	return err;
}

/* What was destroyed, in words that stay the same: the evidence is read by programs, too. */
static void write_destroyed(struct json_writer *w, bool done, int64_t copies, int64_t files)
{
	jw_key(w, "destroyed");
	jw_array(w);
	if (done) {
		jw_cstr(w, "key");
		jw_cstr(w, "name");
		jw_cstr(w, "texts");
		if (files > 0)
			jw_cstr(w, "files");
		if (copies > 0)
			jw_cstr(w, "copies");
	}
	jw_array_end(w);
	jw_key(w, "copies");
	jw_i64(w, copies);
	jw_key(w, "files");
	jw_i64(w, files);
}

static struct store_arg of_row(const struct table_cursor *cur, const struct table_batch *b, const char *name)
{
	const struct col *col = &b->cols[api_column(cur, name)];
	return col->null && col->null[0] ? sarg_null() : sarg_i(col->i64[0]);
}

static void member_at(struct json_writer *w, const char *key, struct store_arg t)
{
	jw_key(w, key);
	if (t.kind == SARG_NULL)
		jw_null(w);
	else
		jw_time(w, t.i);
}

static int write_person(struct api_call *c, struct span pseudonym, const char *did, const struct tries *t)
{
	struct json_writer *w = &c->w;
	struct table_cursor *cur = NULL;
	struct table_batch b;
	struct store_arg a[] = {sarg_s(pseudonym)};
	int err = store_select(c->reader, &cur, SQ_PERSON, a, 1, c->d);
	if (err == 0)
		err = table_next(cur, &b, c->d);
	if (err == 0 && b.n_rows == 0) {
		err = diag_set(c->d, MO_ENOENT, MSG_STORE_PERSON_MISSING);
		diag_value(c->d, pseudonym);
	}
	if (err != 0) {
		table_close(cur);
		return err;
	}
	struct store_arg erasure = of_row(cur, &b, "id"), done = of_row(cur, &b, "erased"), copies = of_row(cur, &b, "copies");
	jw_object(w);
	jw_key(w, "pseudonym");
	jw_str(w, b.cols[api_column(cur, "pseudonym")].str[0]);
	jw_key(w, "uuid");
	jw_str(w, b.cols[api_column(cur, "uuid")].str[0]);
	err = api_person(c, "name", pseudonym);
	if (did) {
		jw_key(w, "did");
		jw_cstr(w, did);
	}
	jw_key(w, "erasure");
	if (erasure.kind == SARG_NULL) {
		jw_null(w);
	} else {
		jw_object(w);
		member_at(w, "begun", of_row(cur, &b, "erasing"));
		member_at(w, "done", done);
		jw_key(w, "who");
		jw_str(w, b.cols[api_column(cur, "who")].str[0]);
		jw_key(w, "reason");
		jw_str(w, b.cols[api_column(cur, "reason")].str[0]);
		write_destroyed(w, done.kind != SARG_NULL, copies.kind == SARG_NULL ? 0 : copies.i, of_row(cur, &b, "files").i);
		struct store_arg searched = of_row(cur, &b, "searched"), of[] = {erasure};
		jw_key(w, "searched");
		if (searched.kind == SARG_NULL)
			jw_null(w);
		else
			jw_bool(w, searched.i == 1);
		jw_key(w, "found");
		int found = api_rows(c, SQ_ERASURE_FOUND, of, 1);
		if (err == 0)
			err = found;
		jw_key(w, "targets");
		int more = write_targets(c, erasure.i, t);
		if (err == 0)
			err = more;
		jw_object_end(w);
	}
	jw_object_end(w);
	table_close(cur);
	return err;
}

int get_person(struct api_call *c) { return write_person(c, api_param(c, "pseudonym"), NULL, NULL); }

struct person_job {
	struct sjob job;
	struct span name;
	char code[PSEUDONYM_TEXT];
	enum store_did did;
};

static int person_run(struct sjob *j, struct store *s, struct diag *d)
{
	struct person_job *q = (struct person_job *)j;
	return store_person(s, q->name, q->code, &q->did, d);
}

int post_person(struct api_call *c)
{
	struct json_value *root;
	struct person_job q = {.did = STORE_SAME};
	int err = api_secret_object(c, &root);
	if (err == 0 && (err = json_get_str(root, "name", &q.name, c->d)) == MO_ENOENT)
		err = api_missing(c, "name");
	if (err == 0)
		err = storer_run(node_storer(c->node), person_run, &q.job, c->d);
	return err != 0 ? err : write_person(c, span_str(q.code), q.did == STORE_NEW ? "new" : "same", NULL);
}

/* ---- erasing ---- */

struct erase_job {
	struct sjob job;
	struct store_erase e;
	const struct erase_target *keys; /* of the target, when a target is told */
	struct span target;
};

static int begin_run(struct sjob *j, struct store *s, struct diag *d) { return store_erase_begin(s, &((struct erase_job *)j)->e, d); }

static int end_run(struct sjob *j, struct store *s, struct diag *d)
{
	struct erase_job *q = (struct erase_job *)j;
	return store_erase_end(s, q->e.pseudonym, q->e.now_ns, d);
}

static int target_run(struct sjob *j, struct store *s, struct diag *d)
{
	struct erase_job *q = (struct erase_job *)j;
	return store_target_put(s, q->target, q->keys->keys, q->keys->n, q->e.now_ns, d);
}

/* The targets that this erasure has yet to come to, in the arena. */
static int waiting(struct api_call *c, struct span pseudonym, struct tries *ret)
{
	struct table_cursor *cur = NULL;
	struct table_batch b;
	struct store_arg a[] = {sarg_s(pseudonym)};
	int err = store_select(c->reader, &cur, SQ_PERSON, a, 1, c->d);
	int64_t erasure = 0;
	if (err == 0 && (err = table_next(cur, &b, c->d)) == 0 && b.n_rows) {
		struct store_arg id = of_row(cur, &b, "id");
		erasure = id.kind == SARG_NULL ? 0 : id.i;
	}
	table_close(cur);
	if (err != 0)
		return err;
	struct store_arg of[] = {sarg_i(erasure)};
	cur = NULL;
	err = store_select(c->reader, &cur, SQ_ERASURE_TARGETS, of, 1, c->d);
	while (err == 0 && (err = table_next(cur, &b, c->d)) == 0 && b.n_rows)
		for (size_t i = 0; i < b.n_rows && err == 0 && ret->n < TARGETS_MAX; i++) {
			if (!b.cols[1].null || !b.cols[1].null[i])
				continue;
			struct tried *t = &ret->v[ret->n++];
			t->target = arena_dup(&c->arena, b.cols[0].str[i]);
			t->d = arena_calloc(&c->arena, 1, sizeof *t->d);
			if (!t->target.p || !t->d)
				err = nomem(c);
		}
	table_close(cur);
	return err;
}

/* What cannot be reached stays as it was told: not done there, and why. */
static int reach(struct api_call *c, struct erase_job *q, struct tried *t)
{
	struct erase_target keys = {NULL, 0};
	char *path = malloc(t->target.n + 1);
	if (!path)
		return nomem(c);
	memcpy(path, t->target.p, t->target.n);
	path[t->target.n] = 0;
	int err = erase_reach(&keys, node_vfs(c->node), node_folder(c->node), path, t->d);
	if (err == 0) {
		diag_clear(t->d);
		q->target = t->target;
		q->keys = &keys;
		err = storer_run(node_storer(c->node), target_run, &q->job, c->d);
	} else {
		err = 0;
	}
	erase_target_free(&keys);
	free(path);
	return err;
}

static bool late(void *arg) { return mono_now() > *(const int64_t *)arg; }

/* Where the name stands in plain, before nobody knows it any more. What cannot be read must not keep it from being erased: then there may be more. */
static int find(struct api_call *c, struct store_erase *e)
{
	struct buf name;
	int64_t until = mono_now() + FIND_NS;
	bool all = false;
	buf_init(&name, 0);
	int err = people_name(node_people(c->node), e->pseudonym, &name);
	struct store_found *found = err == 0 ? arena_alloc(&c->arena, FOUND_MAX * sizeof *found) : NULL;
	if (err == 0 && !found)
		err = MO_ENOMEM;
	if (err == 0) {
		err = store_find_name(c->reader, buf_span(&name), late, &until, found, FOUND_MAX, &e->n_found, &all, NULL);
		e->found = found;
		e->searched = err == 0 && all ? 1 : 2;
	}
	wipe(&name);
	return err == MO_ENOMEM ? nomem(c) : 0;
}

int post_erase(struct api_call *c)
{
	struct json_value *root;
	struct tries *t = arena_calloc(&c->arena, 1, sizeof *t);
	struct erase_job q = {.e = {.pseudonym = api_param(c, "pseudonym"), .who = gate_who(&c->pass), .now_ns = clock_now(node_clock(c->node))}};
	int err = t ? api_object(c, &root) : nomem(c);
	if (err == 0 && (err = json_get_str(root, "reason", &q.e.reason, c->d)) == MO_ENOENT)
		err = api_missing(c, "reason");
	if (err == 0)
		err = find(c, &q.e);
	if (err == 0)
		err = storer_run(node_storer(c->node), begin_run, &q.job, c->d);
	if (err == 0)
		err = storer_run(node_storer(c->node), end_run, &q.job, c->d);
	if (err == 0)
		err = waiting(c, q.e.pseudonym, t);
	for (size_t i = 0; err == 0 && i < t->n; i++)
		err = reach(c, &q, &t->v[i]);
	return err != 0 ? err : write_person(c, q.e.pseudonym, NULL, t);
}
