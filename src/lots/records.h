/* The records of the house as plain structs: what comes in by POST
 * /api/v1/records, lies in the store and goes out again. No storage here.
 * Spans are borrowed. T_NONE and {NULL,0} mean "not said". */
#ifndef MO_LOTS_RECORDS_H
#define MO_LOTS_RECORDS_H

#include "base/civil.h"
#include "base/diag.h"
#include "base/uuid.h"

#define LOT_NUMBER_MAX 128u
#define FIRM_CODE_MAX 64u
/* Most bytes of the other texts. Codes, names and ids are one line without blanks at the ends. */
#define RECORD_CODE_MAX 128u
#define RECORD_NAME_MAX 256u
#define RECORD_ID_MAX 200u
#define RECORD_KIND_MAX 64u
#define RECORD_UNIT_MAX 32u
#define RECORD_TEXT_MAX 8192u
#define RECORD_DATA_MAX 65536u

/* Lot states (GLOSSARY). OK, HOLD, QUARANTINE, CONCESSION and REWORK follow each other freely and may all end SCRAPPED, which is final; only
 * OK and CONCESSION may be SHIPPED, and what was shipped comes back as HOLD or QUARANTINE. The table is in lot_may(); a state may follow itself. */
enum lot_state { LOT_OK, LOT_HOLD, LOT_QUARANTINE, LOT_CONCESSION, LOT_REWORK, LOT_SCRAPPED, LOT_SHIPPED, LOT_STATES };
const char *lot_state_name(enum lot_state s); /* "ok", "on_hold", "quarantined", "concession", "rework", "scrapped", "shipped" */
MO_MUST_USE int lot_state_parse(enum lot_state *ret, struct span s);
bool lot_may(enum lot_state from, enum lot_state to);

/* Assets: a company, site, line, machine, mould, gauge, item. */
enum asset_kind { ASSET_COMPANY, ASSET_SITE, ASSET_LINE, ASSET_MACHINE, ASSET_MOULD, ASSET_GAUGE, ASSET_ITEM, ASSET_OTHER, ASSET_KINDS };
const char *asset_kind_name(enum asset_kind k);
MO_MUST_USE int asset_kind_parse(enum asset_kind *ret, struct span s);

struct rec_asset {
	struct span code;   /* what people call it, unique in the node: "MLD-01" */
	struct span name;
	enum asset_kind kind;
	struct span parent; /* code */
	struct span unit;   /* of an item: counted in */
};
/* A lot's global key: (firm that issued the number, number). */
struct lot_key {
	struct span firm, number;
};
struct rec_lot {
	struct lot_key key;
	struct span item;      /* asset code of the item */
	enum lot_state state;
	bool has_state;
	struct span place;     /* where it is: asset code or partner code; a record of the lot moves it, events only tell */
	int64_t made_ns;
	double quantity;       /* NaN: not said */
	struct span unit;
};
/* `child` was made with `quantity` of `parent`. Same pair again: replaces the quantity. */
struct rec_link {
	struct lot_key parent, child;
	double quantity; /* NaN: not said */
	struct span unit;
	struct span operation; /* external id of the operation, or none */
};
/* What was done, on one machine, to a lot. */
struct rec_operation {
	struct span id;        /* the sender's own id: idempotent upsert by it */
	struct span machine;   /* asset code */
	struct span step;      /* "moulding", "press-fit" */
	struct lot_key lot;
	struct span item, mould, cavity, tool, standard_version, person;
	int64_t start_ns, end_ns;
	double good, rework, scrap, concession; /* NaN: not said */
	/* cycles of this machine that belong to it, by the sequence series' number; both 0: not known */
	uint64_t seq_first, seq_last;
};
/* Append-only; a correction is another event that names the one it corrects. */
struct rec_event {
	struct span id;        /* the sender's own id: same id, same content again changes nothing; other content is refused */
	struct span kind;      /* "receipt", "shipment", "move", "note", "inspection", "change_4m", "state" ... */
	int64_t t_ns;
	struct span asset;
	struct lot_key lot;
	double quantity;
	struct span unit;
	struct span from_place, to_place;
	struct span partner;   /* firm code */
	struct span text;
	struct span corrects;  /* event id */
	struct span reason;    /* why corrected */
	struct span person;    /* whom it is about, name or pseudonym: text and reason are theirs then */
	struct span data;      /* one JSON object, kept as it is */
};
/* One measured or judged characteristic of a lot (or serial). */
struct rec_characteristic {
	struct span id;
	struct lot_key lot;
	struct span name;      /* "weight", "insulation" */
	double value;          /* NaN: only judged */
	struct span unit;
	double lower, upper;   /* specification; NaN: none */
	int judged;            /* 1 pass, 0 fail, -1 not said */
	struct span gauge, spec_version, person;
	int64_t t_ns;
	struct span asset;     /* machine that tested */
	uint64_t seq;          /* of that machine's cycle; 0: none */
};

enum record_type { REC_ASSET, REC_LOT, REC_LINK, REC_OPERATION, REC_EVENT, REC_CHARACTERISTIC, REC_TYPES };
MO_MUST_USE int record_type_parse(enum record_type *ret, struct span s);
const char *record_type_name(enum record_type t); /* "asset", "lot", "link", "operation", "event", "characteristic" */
struct record {
	enum record_type type;
	union {
		struct rec_asset asset;
		struct rec_lot lot;
		struct rec_link link;
		struct rec_operation operation;
		struct rec_event event;
		struct rec_characteristic characteristic;
	};
};
/* Checks one record by the rules that need no storage: required fields, lengths, times in order, quantities >= 0. MO_EINVAL with diag
 * field, value, expected. Required: asset code; firm and number of a lot and of both ends of a link; operation id, machine, start; event id,
 * kind, t and an asset or a lot, a reason when it corrects another; characteristic id, lot, name, t and a value or a judgement. */
MO_MUST_USE int record_check(const struct record *r, struct diag *d);

#endif
