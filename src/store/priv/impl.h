/* What the files of the store share: the writer's state, its statements, and
 * the steps that every record needs. */
#ifndef MO_STORE_PRIV_IMPL_H
#define MO_STORE_PRIV_IMPL_H

#include "base/buf.h"
#include "store/priv/db.h"
#include "store/priv/people.h"

enum noun {
	NOUN_ASSET,
	NOUN_SIGNAL,
	NOUN_LOT,
	NOUN_LINK,
	NOUN_OPERATION,
	NOUN_EVENT,
	NOUN_CHARACTERISTIC,
	NOUN_STATE,
	NOUN_CASE,
	NOUN_DOC,
	NOUN_BLOB,
	NOUN_IMPORT,
	NOUNS
};
const char *store_noun_name(enum noun n);

enum statement {
	ST_BEGIN, ST_COMMIT, ST_ROLLBACK, ST_SAVE, ST_KEEP, ST_UNDO,
	ST_NOTE, ST_TALLY, ST_SEARCH_PUT, ST_SEARCH_DROP,
	ST_ASSET_FIND, ST_ASSET_ADD, ST_ASSET_UPDATE, ST_ASSET_KIND, ST_ASSET_PARENT, ST_ASSET_GET,
	ST_PERSON_ADD, ST_PEOPLE_ADD, ST_PEOPLE_DROP,
	ST_ERASURE_FIND, ST_ERASURE_ADD, ST_ERASURE_FOUND, ST_ERASURE_TARGETS, ST_ERASURE_OPEN, ST_ERASURE_DONE,
	ST_TARGET_PUT, ST_TARGET_WAITS, ST_TARGET_DONE,
	ST_FILES_OF, ST_FILE_ADD, ST_FILE_BLOB, ST_FILE_DROP, ST_FILE_GONE, ST_FILE_SWEPT,
	ST_LOT_FIND, ST_LOT_ADD, ST_LOT_UPDATE, ST_LOT_GET,
	ST_LINK_FIND, ST_LINK_PUT,
	ST_OPERATION_FIND, ST_OPERATION_ADD, ST_OPERATION_UPDATE,
	ST_EVENT_FIND, ST_EVENT_ADD, ST_CHARACTERISTIC_FIND, ST_CHARACTERISTIC_ADD,
	ST_SIGNAL_FIND, ST_SIGNAL_GET, ST_SIGNAL_ADD, ST_SIGNAL_UPDATE, ST_SIGNAL_SENT, ST_SIGNAL_NAME,
	ST_STATE_FIRST, ST_STATE_LOAD, ST_STATE_CUT, ST_STATE_ADD,
	ST_CASE_LIVE, ST_CASE_SAME, ST_CASE_OVERLAP, ST_CASE_ADD, ST_CASE_UPDATE, ST_CASE_GET, ST_CASE_STATE, ST_CASE_HISTORY,
	ST_CASES_CLOSED, ST_CASE_NOTES_DROP, ST_CASE_DROP,
	ST_DOC_GET, ST_DOC_LAST, ST_DOC_AT, ST_DOC_PUT, ST_DOC_LOG,
	ST_IDEM_GET, ST_IDEM_PUT, ST_IDEM_PRUNE,
	ST_MARK_PUT,
	ST_BLOB_FIND, ST_BLOB_ADD, ST_BLOB_DROP, ST_BLOB_SEEN, ST_GONE_ADD, ST_GONE_LIST, ST_GONE_DROP,
	ST_IMPORT_FIND, ST_IMPORT_PUT, ST_AUDIT_ADD, ST_AUDIT_FIRST, ST_AUDIT_DROP, ST_SWEEPING_ADD, ST_SWEEPING_END,
	ST_ACCOUNT_FIND, ST_ACCOUNT_ADD, ST_ACCOUNT_UPDATE, ST_ACCOUNT_DROP, ST_ACCOUNT_FIRST, ST_ACCOUNT_OWNER,
	ST_SESSION_OF, ST_SESSION_ADD, ST_SESSION_SEEN, ST_SESSION_DROP, ST_SESSIONS_DROP, ST_SESSIONS_PRUNE,
	ST_TOKEN_NAMED, ST_TOKEN_ADD, ST_TOKEN_SEEN, ST_TOKEN_REVOKE,
	ST_OUTBOX_FIND, ST_OUTBOX_ADD, ST_OUTBOX_NODE, ST_OUTBOX_DROP, ST_OUTBOX_SENT, ST_OUTBOX_GAP, ST_OUTBOX_TOLD, ST_OUTBOX_REACH, ST_OUTBOX_COUNT,
	ST_ASIDE_PUT, ST_ASIDE_AGAIN, ST_ASIDE_ARRIVED, ST_ASIDE_DROP, ST_ASIDES_DROP,
	STATEMENTS
};
extern const char *const store_statements[STATEMENTS];

struct store {
	struct db db;
	int64_t now_ns;             /* the latest node time anybody told */
	int64_t clock_ns;           /* store_time() */
	int64_t last_change, begin_change, save_change;
	int64_t tally[NOUNS], save_tally[NOUNS]; /* what the open transaction adds to the counts */
	bool open, saved;           /* a transaction, a savepoint */
	bool broken;                /* a savepoint could not be undone: the transaction can only be rolled back */
	struct buf scratch;
	struct people *people;
	struct diag *found;         /* what opening found damaged and went on with, or NULL */
	uint64_t begin_added, save_added; /* of people, when the transaction and the savepoint began */
};

/* 0 within a transaction that SQLite has not given up, else MO_ESTATE. */
int store_writing(struct store *s, struct diag *d);
/* Node time seen; never goes back. */
void store_saw(struct store *s, int64_t t_ns);
/* One row of the change feed; `count` is what it adds to the noun's tally. */
int store_note(struct store *s, enum noun noun, struct span key, const char *did, int64_t count, struct diag *d);
/* NEW, CHANGED or SAME of a put into the feed; SAME is no change. */
int store_noted(struct store *s, enum noun noun, struct span key, enum store_did did, struct diag *d);
int store_uuid(struct store *s, struct uuid *ret, struct diag *d);
/* MO_EINVAL unless empty or one JSON object, with line and column where it isn't JSON. */
int store_json_object(struct span json, const char *field, struct diag *d);
/* MO_EINVAL unless 1..max bytes of UTF-8. */
int store_text(struct span s, const char *field, size_t max, struct diag *d);

/* ---- assets.c: finds by name, making what is unknown; 0 for a name that was not said ---- */
#define LOT_KEY_TEXT (FIRM_CODE_MAX + LOT_NUMBER_MAX + 2u)
int store_asset_use(struct store *s, struct span code, enum asset_kind kind, int64_t *ret, struct diag *d);
int store_lot_use(struct store *s, const struct lot_key *key, int64_t *ret, struct diag *d);
/* ---- people_put.c ---- */
/* The person of a name or pseudonym, made when the name is new; row 0 for one that was not said. The key where there is one: what is kept of it is the
 * caller's to wipe. */
struct person_ref {
	int64_t row;
	char code[PSEUDONYM_TEXT];
	uint8_t key[AEAD_KEY];
	bool has_key;
};
int store_person_use(struct store *s, struct span name, struct person_ref *ret, struct diag *d);
/* The same, making nobody. MO_ENOENT: a new name. */
int store_person_find(struct store *s, struct span name, struct person_ref *ret, struct diag *d);
/* Says that a text about this person cannot be sealed: erased, or the key is lost. Gives MO_EINVAL. */
int store_person_keyless(const struct person_ref *p, const char *field, struct diag *d);
/* {"text":…,"reason":…} sealed about `ref` by the person's key, which is there. */
int store_seal_text(struct buf *out, const struct person_ref *p, struct span ref, struct span text, struct span reason, struct diag *d);
/* The rest of what erasures that a kill broke off left to do. */
int store_erase_resume(struct store *s, struct diag *d);
/* sweep.h: files of blobs whose rows went before a kill. What cannot be done now is left to the next run. */
int store_sweep_resume(struct store *s, struct diag *d);
/* ---- person_files.c ---- */
/* Bytes of removed files that a kill, or a backup that ran, left in the folder. */
int person_files_resume(struct store *s, struct diag *d);
/* rewrite.c: writes the database anew where a migration wants it, because freed pages still hold names or because its pages have no checksums.
 * *ret: it was done, and the connection is closed. */
int store_rewrite(struct store *s, bool *ret, struct diag *d);
/* put_records.c: the function that a migration calls. */
int store_digest_function(struct store *s, struct diag *d);

int store_put_asset(struct store *s, const struct rec_asset *r, enum store_did *ret, struct diag *d);
int store_put_lot(struct store *s, const struct rec_lot *r, enum store_did *ret, struct diag *d);
/* "firm/number" into out; its length. */
struct span store_lot_key(char out[LOT_KEY_TEXT], const struct lot_key *key);
enum search_sort { SEARCH_ASSET, SEARCH_SIGNAL, SEARCH_LOT };
int store_search_put(struct store *s, enum search_sort sort, int64_t id, const char *kind, struct span key, struct span title, struct span detail,
	struct diag *d);

/* select.c */
struct db *store_reader_db(struct store_reader *r);

/* ---- blobs.c ---- */
/* Drops what unfinished writers left in DIR/blobs. */
int blobs_clean(struct store *s, struct diag *d);
/* PATH of a blob, malloc'ed; NULL without memory. */
char *blob_path(const char *dir, const uint8_t sha256[32]);
void blob_hex(char out[65], const uint8_t sha256[32]);

#endif
