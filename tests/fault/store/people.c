/* People in the store's sweep: two made, one erased in its two steps; and names of before, which a migration seals. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "world.h"

#include "store/people.h"

#define PEOPLE_STEPS 4u

static int people_step(struct world *w, unsigned step, char code[PSEUDONYM_TEXT])
{
	static const struct store_found found[] = {{"event", "e", "text"}, {"asset", "M", "name"}};
	struct store_erase e = {.pseudonym = S(code), .who = S("kim"), .reason = S("left"), .now_ns = 2, .found = found, .n_found = 2, .searched = 1};
	struct record r = {.type = REC_EVENT, .event = {.id = S("e"), .kind = S("note"), .t_ns = 1, .asset = S("M"), .quantity = (double)NAN, .person = S("OnDal"),
		.text = S("OnDal fell")}};
	enum store_did did;
	char other[PSEUDONYM_TEXT];
	int err;
	switch (step) {
	case 0: return store_person(w->s, S("OnDal"), code, &did, &w->d);
	case 1:
		err = store_person(w->s, S("HyeokGeose"), other, &did, &w->d);
		return err ? err : store_put_record(w->s, &r, 1, &did, &w->d);
	case 2: return store_erase_begin(w->s, &e, &w->d);
	default: return store_erase_end(w->s, e.pseudonym, 3, &w->d);
	}
}

int run_people(struct world *w)
{
	char code[PSEUDONYM_TEXT] = "";
	for (unsigned i = 0; i < PEOPLE_STEPS; i++) {
		int err = store_begin(w->s, &w->d);
		if (!err)
			err = people_step(w, i, code);
		if (err) {
			store_rollback(w->s);
			return err;
		}
		if ((err = store_commit(w->s, &w->d)))
			return err;
		w->acked = i + 1;
	}
	return 0;
}

/* How many files of the folder hold a text. */
static int on_file(void *arg, const char *name)
{
	void **a = arg;
	struct world *w = a[0];
	const char *text = a[2];
	char path[200];
	struct vfs_stat st;
	uint8_t *p = NULL;
	size_t n = 0;
	snprintf(path, sizeof path, "%s/%s", (const char *)a[1], name);
	if (vfs_stat(w->vfs, path, &st) || st.is_dir || vfs_slurp(w->vfs, &p, &n, path, 1u << 26, NULL))
		return 0;
	if (memmem(p, n, text, strlen(text)))
		*(unsigned *)a[3] += 1;
	free(p);
	return 0;
}

static unsigned files_with(struct world *w, const char *text)
{
	unsigned n = 0;
	int err = vfs_list(w->vfs, "node", on_file, (void *[]){w, (void *)(uintptr_t)"node", (void *)(uintptr_t)text, &n});
	if (!err && (err = vfs_list(w->vfs, "node/secrets", on_file, (void *[]){w, (void *)(uintptr_t)"node/secrets", (void *)(uintptr_t)text, &n})) == MO_ENOENT)
		err = 0;
	return err ? 99 : n;
}

/* Persons whose names can be read. */
static int64_t readable(struct world *w)
{
	bool damaged = true;
	size_t lost = people_keyless(store_people(w->s), &damaged);
	return damaged ? -1 : number_of(w, "SELECT count(*) FROM people") - (int64_t)lost;
}

const char *holds_people(struct world *w)
{
	if (open_with(w, store_migrations, n_store_migrations))
		return "it does not open";
	int64_t people = number_of(w, "SELECT count(*) FROM person"), sealed = number_of(w, "SELECT count(*) FROM people"), names = readable(w);
	int64_t asked = number_of(w, "SELECT count(*) FROM erasure"), done = number_of(w, "SELECT count(*) FROM erasure WHERE done IS NOT NULL");
	if (people < (w->acked < 2 ? (int64_t)w->acked : 2))
		return "an acknowledged person is lost";
	if (names != sealed)
		return "a name stands there whose key is lost";
	if (asked < (w->acked >= 3) || asked != done)
		return "an erasure that was asked for was not taken to its end";
	if (number_of(w, "SELECT count(*) FROM erasure_found") != 2 * asked)
		return "where a name was found is there by half";
	if (sealed != people - done)
		return "a name is there that was erased, or is not there though nobody erased it";
	if (files_with(w, "OnDal") + files_with(w, "HyeokGeose") != 0)
		return "a name stands in a file";
	return check_clean(w);
}

int prepare_names(struct world *w)
{
	struct db db;
	int err = open_with(w, store_migrations, STORE_VERSION_PEOPLE - 1);
	store_close(w->s);
	w->s = NULL;
	if (!err && !(err = db_open(&db, w->vfs, DB, false, NULL, 0, NULL))) {
		err = db_exec(&db, "INSERT INTO person(uuid,code) VALUES(zeroblob(16),'OnDal'),(randomblob(16),'HyeokGeose');", NULL);
		db_close(&db);
	}
	return err;
}

int run_names(struct world *w)
{
	int err = open_with(w, store_migrations, n_store_migrations);
	w->opened = !err;
	return err;
}

const char *holds_names(struct world *w)
{
	char copy[64];
	snprintf(copy, sizeof copy, DB ".v%u", STORE_VERSION_PEOPLE - 1);
	if (open_with(w, store_migrations, n_store_migrations))
		return "it does not open";
	if (readable(w) != 2)
		return "a name cannot be read";
	if (number_in(w, copy, "SELECT count(*) FROM person WHERE code='OnDal'") != 1)
		return "there is no whole copy of the old version";
	if (files_with(w, "OnDal") != 1)
		return "a name stands in more than the copy";
	return check_clean(w);
}
