/* Inside of the node's own findings: shared by jobs.c (when), jobs_states.c
 * (machine states and stops), jobs_level.c (level shifts), jobs_arrival.c
 * (missing and late data). All of it runs on one worker at a time. */
#ifndef MO_NODE_PRIV_JOBS_H
#define MO_NODE_PRIV_JOBS_H

#include "insight/arrival.h"
#include "insight/level.h"
#include "insight/states.h"
#include "node/priv/node.h"

#define JOBS_GROUPS_MAX 64u           /* operating groups (items) of one signal; the rest share the last */
#define JOBS_TAIL_NS (INT64_C(48) * 3600 * NS_PER_S) /* states kept in memory to join stops */
#define JOBS_REPLAY_NS (21 * NS_PER_DAY)    /* values read again after a start or late data */
#define JOBS_BIN_NS (300 * NS_PER_S)  /* clock signals are judged by means over five minutes */

/* What is going to be written, in one transaction at the end of a run. Spans live in `text`. */
struct jobs_case {
	char asset[RECORD_CODE_MAX + 1], cause[192], kind[32], firm[FIRM_CODE_MAX + 1], lot[LOT_NUMBER_MAX + 1];
	int64_t begin_ns, end_ns;
	bool over;
	char *evidence; /* JSON, owned */
};
struct jobs_states {
	char asset[RECORD_CODE_MAX + 1];
	int64_t from_ns, to_ns;
	struct store_state *states; /* owned */
	size_t n;
};

struct track_group {
	char name[96]; /* item code; "" none */
	struct level_store level;
	bool shifted;
	struct level_finding finding; /* while shifted: its own */
	int64_t begin_ns;             /* as told: perhaps another signal's, which is surer */
	uint64_t begin_seq;
	uint64_t samples_told;
};
/* One series as the detectors see it. */
struct track {
	series_id id;
	enum series_type type;
	enum series_kind kind;
	bool known;
	char signal[RECORD_CODE_MAX + 1];
	char unit[24];
	struct uuid uuid;
	struct machine *machine; /* its asset */
	series_id next;          /* the next one of that machine; 0: none */
	bool touched;            /* values arrived in this run */
	bool replay;             /* feed again from the beginning of JOBS_REPLAY_NS */
	int64_t fed_ns;          /* newest source time fed */
	uint64_t fed_seq;
	struct track_group *groups;
	size_t n_groups;
};
/* One asset that sends values. */
struct machine {
	struct machine *next;
	char asset[RECORD_CODE_MAX + 1];
	bool has_info;           /* a device document names it */
	struct machine_info info;
	series_id state_id, alarm_id, lot_id;
	series_id first_track;
	bool first;              /* no run yet since the start */
	bool touched;
	struct tap tap;          /* all its series together, this run */
	bool heard;
	struct tap live;         /* those that came from the machine itself */
	int64_t newest_ns;       /* newest source time seen */
	/* states */
	int64_t dirty_from_ns;   /* INT64_MAX: nothing */
	struct istate_interval *tail;
	size_t n_tail, cap_tail;
	int64_t written_to_ns;
	struct istop *stops;     /* as told to the store last */
	size_t n_stops;
	struct istate_span *planned;
	size_t n_planned;
	/* arrivals */
	struct arrival_state arrival;
	int64_t quiet_since_ns;  /* no late value since; T_NONE: never late */
	bool missing_open;
};
struct jobs {
	struct node *node;
	struct work work;
	struct loop_post post;
	pthread_mutex_t mu; /* below */
	bool running, again;
	struct jobs_wait *waiting, *running_for;
	/* of the worker that runs */
	struct machine *machines;
	struct map machine_of; /* asset -> pointer */
	struct track *tracks;  /* by series id */
	size_t n_tracks;
	struct map item_of_lot; /* lot number -> index + 1 into items */
	char (*items)[96];
	size_t n_items;
	int64_t now_ns;
	struct store_reader *reader;
	struct jobs_case *cases;
	size_t n_cases, cap_cases;
	struct jobs_states *states;
	size_t n_states, cap_states;
	int err;
};

/* A new, empty case to fill; NULL without memory (j->err set). */
struct jobs_case *jobs_add_case(struct jobs *j, const char *asset, const char *kind, const char *cause_detail);
/* Evidence from what a writer wrote into b; frees b. */
void jobs_evidence(struct jobs *j, struct jobs_case *c, struct buf *b);
/* Reads up to n values at or before t, newest first. */
struct track *jobs_track(struct jobs *j, series_id id);

void jobs_states_run(struct jobs *j, struct machine *m);
void jobs_planned_refresh(struct jobs *j);
void jobs_level_run(struct jobs *j, struct machine *m);
void jobs_arrival_run(struct jobs *j, struct machine *m);
/* Item code of a lot of ours, "" unknown. */
const char *jobs_item_of(struct jobs *j, struct span lot);

#endif
