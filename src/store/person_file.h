/* Files about people: pictures and papers that show or name a person. The bytes are a blob of ciphertext (store/sealed.h), named by the digest of that, so
 * that the digest of the file itself stands nowhere; the file's name is sealed too. Both under the person's key: with it (people.h) all of it
 * is noise, here, in every backup and in every older state. A removed file leaves its row, without name; the bytes leave the folder, and older
 * backups keep them, sealed, as long as they keep anything. */
#ifndef MO_STORE_PERSON_FILE_H
#define MO_STORE_PERSON_FILE_H

#include "store/people.h"
#include "store/sealed.h"

#define PERSON_FILES_MAX 1000u      /* of one person at a time */
#define PERSON_FILE_NAME_MAX 255u   /* bytes */
#define PERSON_FILE_TYPES "image/jpeg, image/png, image/webp, application/pdf"

/* Whether bytes that begin so are of that type, by their magic. Pure. */
bool person_file_is(struct span media_type, struct span head);

/* ---- writing ---- */

struct person_file_writer;
/* In a transaction. MO_ENOENT: nobody of that pseudonym; MO_EINVAL: erased, without key, not one of PERSON_FILE_TYPES; MO_ELIMIT: too many files. */
MO_MUST_USE int person_file_begin(struct store *s, struct person_file_writer **ret, struct span pseudonym, struct span media_type, struct diag *d);
/* Any one thread. MO_EINVAL: not of the type that was said; MO_ELIMIT as blob_write(). After an error only person_file_abort(). */
MO_MUST_USE int person_file_write(struct person_file_writer *w, struct span bytes, struct diag *d);
struct person_file_said {
	struct span name; /* may be empty */
	struct span who;
	int64_t now_ns;
};
/* In a transaction: bytes durable, row, audit. MO_EINVAL: empty, another type, or erased meanwhile. */
MO_MUST_USE int person_file_end(struct person_file_writer *w, struct store *s, const struct person_file_said *said, struct uuid *ret, struct diag *d);
void person_file_abort(struct person_file_writer *w); /* NULL ok; also frees after person_file_end() */

/* In a transaction: the file is in no list and cannot be opened any more; its bytes go with the next person_files_sweep(). MO_ENOENT. */
MO_MUST_USE int store_person_file_drop(struct store *s, struct span pseudonym, const struct uuid *file, struct span who, int64_t now_ns, struct diag *d);
/* In a transaction after that was committed: the bytes of a removed file leave the folder; SQ_FILES_GONE names those that wait for it. Not while a
 * backup copies the folder. Opening a store does it, too. */
MO_MUST_USE int person_file_sweep(struct store *s, const struct uuid *file, struct diag *d);

/* ---- reading ---- */

#define PERSON_FILE_ABOUT 37u /* what a name is sealed about: "moru person file name" and the id */
struct span person_file_about(uint8_t out[PERSON_FILE_ABOUT], const struct uuid *file);

struct person_file {
	struct vfs_file *f;
	uint8_t key[AEAD_KEY], head[SEALED_HEAD];
	uint64_t chunks, next, size, plain; /* size: of the sealed file */
	struct span media;                  /* one of PERSON_FILE_TYPES; static */
	struct buf name;
	uint8_t *sealed;                    /* room for one chunk */
};
/* Begins to read into a zeroed *ret; the caller ends it with person_file_close(), after an error too. MO_ENOENT: no such file of that person, removed or
 * erased; MO_ECORRUPT. Needs r during this call alone. */
MO_MUST_USE int person_file_open(struct person_file *ret, struct store_reader *r, struct people *p, struct span pseudonym, const struct uuid *file, struct diag *d);
/* Appends the next chunk's bytes; nothing at the end. Only what is authentic is given. MO_ECORRUPT. */
MO_MUST_USE int person_file_read(struct person_file *f, struct buf *out, struct diag *d);
void person_file_close(struct person_file *f);

#endif
