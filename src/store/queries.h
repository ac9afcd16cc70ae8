/* The statements that readers may ask for, one row each in queries.c: SQL,
 * argument and column definitions with units. The list endpoints of the API,
 * `moru sql` docs and tests are driven by the same table. Lists take
 * (cursor, limit) last: rows after `cursor` in the order given. `id` is the
 * row's number in this node, `ref` the sender's own id, `uuid` the permanent one. */
#ifndef MO_STORE_QUERIES_H
#define MO_STORE_QUERIES_H

#include "base/table.h"

enum store_query {
	SQ_ASSETS,           /* (kind|NULL, after_code|NULL, limit): id, code, name, kind, parent, unit, uuid; by code */
	SQ_ASSET,            /* (code) */
	SQ_SIGNALS,          /* (asset|NULL, after_id|NULL, limit): id, series(uuid text), asset, name, label, unit, source, type, kind; by id */
	SQ_SIGNAL,           /* (series uuid text) */
	SQ_LOTS,             /* (text|NULL prefix or part of number, item|NULL, state|NULL, after_id|NULL, limit): id, firm, number, item, item_name, state, place, made, quantity, unit, uuid; newest first */
	SQ_LOT,              /* (firm, number) */
	SQ_LOT_BY_ID,        /* (id) */
	SQ_LOT_EVENTS,       /* (lot id): as SQ_EVENTS; by t */
	SQ_LOT_OPERATIONS,   /* (lot id): as SQ_OPERATIONS; by start */
	SQ_LOT_CHARACTERISTICS, /* (lot id): id, ref, name, value, unit, lower, upper, judged, gauge, spec_version, person, t, asset, seq; by t */
	SQ_LOT_LINKS,        /* (lot id, down 0|1): id (of the lot), firm, number, item, state, quantity, unit, operation; by id */
	SQ_OPERATIONS,       /* (machine|NULL, from|NULL, to|NULL of the start, after_id|NULL, limit): id, ref, machine, step, lot_firm, lot_number, item, mould, cavity, tool, standard_version, person, start, end, good, rework, scrap, concession, seq_first, seq_last, arrival, uuid; by id */
	SQ_WORK,             /* (machine, from, to): lot (id), start, end, seq_first, seq_last of the operations of a lot under way in [from, to]; by start */
	SQ_CYCLES_KEPT,      /* (asset): first, last: numbers of cycles that operations and characteristics refer to; by first */
	SQ_EVENTS,           /* (asset|NULL, kind|NULL, from|NULL, to|NULL, after_id|NULL, limit): id, ref, kind, t, arrival, asset, lot_firm, lot_number, quantity, unit, from_place, to_place, partner, text, corrects, reason, data, corrected_by, uuid, person, sealed; by id */
	SQ_CASES,            /* (state|NULL, asset|NULL, after_id|NULL, limit): id, asset, asset_name, cause, kind, state, begin, end, raised, changed, lot_firm, lot_number, evidence, over, uuid; newest first */
	SQ_CASE,             /* (id) */
	SQ_CASE_HISTORY,     /* (id): t, state, who, note, person, sealed */
	SQ_PEOPLE,           /* (after_pseudonym|NULL, limit): pseudonym, erasing (begun), erased; by pseudonym */
	SQ_PERSON,           /* (pseudonym): pseudonym, uuid, id (of the erasure), erasing, who, reason, erased, copies, files (how many are kept), searched (NULL: nobody looked, 1: found is all, 2: there may be more) */
	SQ_ERASURE_FOUND,    /* (erasure id): object, key, field; in the order they were found */
	SQ_ERASURE_TARGETS,  /* (erasure id): target, done */
	SQ_PERSON_FILES,     /* (pseudonym): file (uuid), media, sealed (name), size, t, who; not the removed; by id */
	SQ_PERSON_FILE,      /* (pseudonym, uuid): media, sealed, blob; not a removed one */
	SQ_FILES_GONE,       /* (limit): file (uuid) of removed ones whose bytes are still there; by id */
	SQ_STATES,           /* (asset|NULL, from, to): asset, from, to, state, alarm; by asset, from */
	SQ_DOCS,             /* (class, after_name|NULL, limit): name, version, json, who, changed; by name */
	SQ_DOC_HISTORY,      /* (class, name): version, json (NULL: removed), who, changed; newest first */
	SQ_IMPORTS,          /* (after_id|NULL, limit): id, file, state, result, t, sha256; newest first */
	SQ_IMPORT,           /* (id) */
	SQ_IMPORTS_RUNNING,  /* (): id; those in state "running", oldest first */
	SQ_CHANGES,          /* (after number, limit): number, t, noun, key, did; by number */
	SQ_SEARCH,           /* (text, limit): kind (asset, signal, lot, item), key (code, series uuid, "firm/number"), title, detail; best first */
	SQ_AUDIT,            /* (after_id|NULL, limit): id, t, who, what, target, detail; newest first */
	SQ_ACCOUNTS,         /* (after_name|NULL, limit): name, role, made, changed (its password), disabled, id; by name */
	SQ_ACCOUNT,          /* (name): id, role, hash, disabled; for checking a password, never for an answer */
	SQ_SESSIONS,         /* (): digest, account (id), made, seen, expires; for the gate, never for an answer */
	SQ_TOKENS,           /* (after_id|NULL, limit): id, name, role, permissions ("a,b"), maker, made, seen, expires, revoked; by id */
	SQ_TOKEN_KEYS,       /* (): id, digest, name, role, permissions, seen, expires of those not revoked; for the gate, never for an answer */
	SQ_COUNTS,           /* (): noun, n */
	SQ_OPERATION,        /* (ref): as SQ_OPERATIONS */
	SQ_EVENT,            /* (ref): as SQ_EVENTS */
	SQ_CHARACTERISTIC,   /* (ref): id, ref, lot_firm, lot_number, then as SQ_LOT_CHARACTERISTICS */
	SQ_LINK,             /* (firm, number of the parent, firm, number of the child): parent_firm, parent_number, child_firm, child_number, quantity, unit, operation */
	SQ_STATE_NOW,        /* (asset): as SQ_STATES, the newest alone */
	SQ_OUTBOX,           /* (): id, sink, node, cursor, sent, skipped, gap_from, gap_to, last, aside (how many); by sink */
	SQ_ASIDE,            /* (sink, after_id|NULL, limit): id, number, t, status, reason, again (waits to be sent once more), noun, key, did; by id */
	SQ_ASIDE_NEXT,       /* (outbox): number of the first that waits to be sent again */
	/* Of an export (queries_export.c), each (from|NULL, to|NULL, JSON array of asset ids|NULL) */
	SQ_EXPORT_FIRST,
	SQ_EXPORT_BELOW = SQ_EXPORT_FIRST, /* (code): id, code of the asset and of all below it */
	SQ_EXPORT_ASSETS, SQ_EXPORT_LOTS, SQ_EXPORT_LINKS, SQ_EXPORT_OPERATIONS, SQ_EXPORT_EVENTS, SQ_EXPORT_CHARACTERISTICS, /* fields of the records, in their order */
	SQ_EXPORT_STATES, SQ_EXPORT_CASES, SQ_EXPORT_CASE_HISTORY,
	SQ_EXPORT_BLOBS,     /* sha256 (hex), bytes, media_type, name, t, digest */
	SQ_EXPORT_DOCS,      /* class, name, version, json */
	STORE_QUERIES
};
struct store_query_def {
	const char *name; /* "assets" */
	const char *sql;
	unsigned n_args;
	const struct col_def *cols;
	unsigned n_cols;
};
const struct store_query_def *store_query_def(enum store_query q);

#endif
