/* People: who is behind a pseudonym. Every record says a pseudonym ("P-7K3F"); the name stands in one table, sealed under the person's own
 * key, and the keys in one small file outside the store:
 *
 *   DIR/secrets/people.keys (0600), docs/formats/people.md
 *     magic "MoruKeys" | version:u32le 1 | count:u32le
 *     count times: person's uuid:16 | key:32 | crc32c of these 48:u32le
 *     SHA-256 of all before
 *
 * Without its key a name, or a text about the person, is noise for ever: here, in older states of the file and in every backup. Why, and what it
 * does not reach: docs/people.md. The store's writer changes people; anybody may ask for names meanwhile. */
#ifndef MO_STORE_PEOPLE_H
#define MO_STORE_PEOPLE_H

#include "base/uuid.h"
#include "os/aead.h"
#include "store/sealed.h"
#include "store/store.h"

#define PEOPLE_MAX 20000u       /* persons that have a key */
#define PEOPLE_FILE "secrets/people.keys"
#define PEOPLE_BAD "secrets/people.keys.bad" /* a damaged one, set aside */
#define PEOPLE_ENTRY 52u
#define PEOPLE_HEAD 16u
#define PEOPLE_FILE_MAX (PEOPLE_HEAD + PEOPLE_MAX * PEOPLE_ENTRY + 32u)
#define PSEUDONYM_TEXT 7u       /* "P-7K3F" and the NUL */
#define ERASE_REASON_MAX 1024u
#define CASE_ABOUT "case %lld"   /* what a note of a case's history is sealed about; a text of an event: its id */

/* ---- the file of keys (people_keys.c), pure ---- */

struct people_key {
	struct uuid person;
	uint8_t key[AEAD_KEY];
};
/* All keys as a file, appended to out, which holds secrets then. */
MO_MUST_USE int people_keys_write(struct buf *out, const struct people_key *keys, size_t n);
/* malloc'ed; the caller wipes and frees (people_keys_free). MO_EVERSION: newer. *ret_damaged: some of it is; then what could be saved is given (its
 * entries bear checksums of their own). MO_ECORRUPT: it is no such file. */
MO_MUST_USE int people_keys_read(struct people_key **ret, size_t *ret_n, bool *ret_damaged, struct span file);
void people_keys_free(struct people_key *keys, size_t n);
/* Whether text has the form of a pseudonym: P, -, four of 0-9 A-Z without I L O U. */
bool people_is_pseudonym(struct span text);

/* ---- asking; any thread ---- */

struct people;
/* The store's, as long as it is open. */
struct people *store_people(struct store *s);
/* Appends the name. MO_ENOENT: nobody of that pseudonym, erased, or the key is not there. */
MO_MUST_USE int people_name(struct people *p, struct span pseudonym, struct buf *out);
/* Appends what a text sealed about `about` says. MO_ENOENT as above; MO_ECORRUPT. */
MO_MUST_USE int people_text(struct people *p, struct span pseudonym, struct span about, struct span sealed, struct buf *out);
/* The key of a file about the person (store/sealed.h), which the caller wipes. MO_ENOENT as above. */
MO_MUST_USE int people_file_key(struct people *p, struct span pseudonym, const uint8_t head[SEALED_HEAD], uint8_t ret[AEAD_KEY]);
/* Persons whose names stand sealed in the store and whose key is not there; and whether the file was damaged and set aside. */
size_t people_keyless(struct people *p, bool *ret_damaged);

/* ---- changing; the store's writer, in a transaction ---- */

/* The person of this name or pseudonym, made where the name is new. The same name, decomposed or with blanks around it, is the same person. */
MO_MUST_USE int store_person(struct store *s, struct span name, char ret[PSEUDONYM_TEXT], enum store_did *ret_did, struct diag *d);

/* A place where a name stands in plain. The key never says the name: where it would, it is the object's id. */
#define FOUND_OBJECT 16u
#define FOUND_KEY 128u
#define FOUND_FIELD 24u
#define FOUND_MAX 200u
struct store_found {
	char object[FOUND_OBJECT]; /* event, case, asset, lot, operation, characteristic, signal, doc, doc_version, import, blob, erasure, audit */
	char key[FOUND_KEY];
	char field[FOUND_FIELD];
};
/* Where the exact name stands in the store's texts, Hangul composed, letters small: at most cap places. stop is asked now and then: true ends it, and
 * *ret_all is false then, or where there are more. Files' bytes, values of series and sealed texts are not looked at. */
MO_MUST_USE int store_find_name(struct store_reader *r, struct span name, bool (*stop)(void *arg), void *arg, struct store_found *ret, size_t cap, size_t *ret_n,
	bool *ret_all, struct diag *d);

/* Erasing, in two steps, each in a transaction of its own, so that a kill in between leaves an erasure that is known and goes on: the next start does
 * the second step. MO_ENOENT: nobody of that pseudonym. Again: changes nothing.
 *   1. what is to be done, by whom, why, and all targets of backups as not reached yet;
 *   2. the key leaves the file (durable; copies of it and of the store from before names were sealed too), then the sealed name goes. */
struct store_erase {
	struct span pseudonym, who, reason; /* the reason must not say the name: MO_EINVAL */
	int64_t now_ns;
	/* Where the name was found before, for the evidence; searched: 0 nobody looked, 1 these are all, 2 there may be more. */
	const struct store_found *found;
	size_t n_found;
	int searched;
};
MO_MUST_USE int store_erase_begin(struct store *s, const struct store_erase *e, struct diag *d);
MO_MUST_USE int store_erase_end(struct store *s, struct span pseudonym, int64_t now_ns, struct diag *d);
/* A target whose file of keys was written now (target's people.keys, see node/backup.h): it holds exactly `keys`; erasures that wait for it and
 * whose key is not among them are done there. */
MO_MUST_USE int store_target_put(struct store *s, struct span target, const struct people_key *keys, size_t n, int64_t now_ns, struct diag *d);

#endif
