/* The API's inside: routes, calls, answers. */
#ifndef MO_API_PRIV_API_H
#define MO_API_PRIV_API_H

#include <stdatomic.h>

#include "api/api.h"
#include "api/words.h"
#include "base/arena.h"
#include "codec/json.h"
#include "node/collect.h"
#include "node/gate.h"
#include "node/ingest.h"
#include "node/jobs.h"
#include "node/live.h"
#include "node/logins.h"
#include "query/influxql.h"
#include "store/people.h"

#define API_ARENA_MAX (64u << 20)
#define API_ANSWER_MAX (64u << 20)
#define API_HELD_MAX (UINT64_C(192) << 20) /* of all answers together that wait for their readers: one more of size is told to come again */
#define API_HELD_LEAST (256u << 10)        /* smaller ones are not counted: their number is bounded by that of connections */
#define API_PAGE 100
#define API_PAGE_MAX 1000
#define API_PARAMS_MAX 24u
#define API_PROTOCOL_ERRORS 16u /* at most as many as http_protocol_error() knows */
#define INFLUX_VERSION "1.8.10-moru" /* whose answers ours are like */

enum api_run {
	RUN_LOOP,   /* answers at once on the loop; no body, no store */
	RUN_WORKER, /* whole body, then on a worker with a store reader */
	RUN_LATER,  /* whole body, then on the loop; the handler answers by api_finish() */
	RUN_STREAM  /* takes the body in pieces (struct api_stream) */
};
/* INT, NUMBER, TIME, FLAG and ENUM are checked before the handler runs. */
enum api_type { PARAM_TEXT, PARAM_INT, PARAM_NUMBER, PARAM_TIME, PARAM_UUID, PARAM_UUIDS, PARAM_FLAG, PARAM_ENUM };
struct api_param {
	const char *name;
	enum api_type type;
	bool required;
	const char *about; /* of an ENUM: its values, "a, b, c" */
	int64_t lo, hi;    /* of an INT */
};
enum api_flag {
	ROUTE_ANY_TYPE = 1, /* the body's Content-Type does not matter */
	ROUTE_INFLUX = 2,   /* as InfluxDB's clients expect: errors {"error": TEXT} beside the problem's members; a token also by Basic, u and p */
	ROUTE_SECRET = 4,   /* the body holds a password: it is wiped, and read into room that does not move */
	ROUTE_INGEST = 8,   /* also behind the second listener, which takes values and gives none (node/ingest.h) */
};
/* Headers that a handler may ask for, on any thread (api_header). */
#define API_COOKIE_MAX 160u
#define API_HEADERS "Accept", "Content-Encoding", "Content-Type", "Idempotency-Key", "If-Match"
#define API_HEADERS_N 5u
struct api_call;
struct api_stream {
	int (*begin)(struct api_call *c);
	/* 0; MO_EAGAIN: taken, no more until http_resume(). */
	int (*piece)(struct api_call *c, struct span bytes);
	int (*end)(struct api_call *c); /* answers later by api_finish() */
	void (*drop)(struct api_call *c); /* the connection broke, or all is answered: lets go of c->own */
};
struct api_route {
	const char *name;
	enum http1_method method;
	const char *path; /* "/api/v1/lots/{firm}/{number}" */
	unsigned principals;        /* who may ask at all (share/rules.h) */
	enum permission permission; /* and what an account or token needs for it (share/roles.h) */
	enum api_run run;
	uint64_t body_limit;
	const char *body_type; /* "a/b", or several: "a/b, c/d" */
	unsigned flags;      /* enum api_flag */
	int (*handler)(struct api_call *c);
	const struct api_stream *stream;
	struct api_param params[12]; /* of the query, then (by name in the path) of the path */
	const char *summary;
	const char *takes;   /* name of the body's schema in openapi.c; NULL: a string, or any object */
	const char *statuses; /* beside those that follow from the row: "404, 409" */
	const char *answer; /* name of a schema in openapi.c; NULL: no content */
	int query;          /* enum store_query whose rows the items are, or -1 */
	const char *content; /* answer's types beside application/json (which `answer` or `query` describe), "a, b" */
};
extern const struct api_route api_routes[];
extern const size_t api_routes_n;

struct api_pair {
	struct span name, value; /* decoded */
};
struct api {
	struct node *node;
	const char *version;
	struct series_index *index;
	struct line_cache *lines; /* log thread only */
	struct import_queue *imports;
	struct buf openapi;
	struct buf problems;       /* the server's own errors in words, one after another */
	size_t problem_end[API_PROTOCOL_ERRORS];
	atomic_bool sql_runs, check_runs; /* one statement, one check at a time */
	struct api_call *calls;    /* all that are not freed; loop thread */
	_Atomic uint64_t held_bytes; /* of answers handed over and not read to their end; the loop thread changes it */
};
struct api_call {
	struct work work;      /* first: the worker gets it */
	struct api_call *prev, *next; /* api->calls */
	struct loop_post post;
	struct api *api;
	struct node *node;
	const struct api_route *route;
	char allow[64];        /* methods of the path, for 405 */
	struct gate_pass pass;
	struct arena arena;
	struct api_pair params[API_PARAMS_MAX];
	size_t n_params;
	struct span headers[API_HEADERS_N]; /* the arena's: the exchange may be gone while a worker runs */
	struct buf body;
	uint64_t held_bytes;   /* its part of api->held_bytes */
	struct store_reader *reader; /* while on a worker */
	/* answer */
	int status;
	struct buf out;
	struct json_writer w;
	const char *content; /* NULL: application/json */
	struct span location;/* Location header, or empty */
	const char *disposition;
	char cookie[API_COOKIE_MAX]; /* Set-Cookie header, or "" */
	int64_t retry_ns;    /* of a 429 */
	int64_t about;       /* the case whose history is written: what its notes are sealed about */
	struct diag *d;
	void (*after)(void *call); /* set by a worker's handler: runs on the loop and answers, instead of api_finish(c, 0) */
	void *own;           /* the handler's */
	void (*let_go)(struct api_call *c);  /* NULL, or what frees `own` with the call */
	void (*drained)(struct api_call *c); /* of an answer that is streamed: it can take more. Loop thread */
	atomic_bool dead;    /* the connection is gone */
	bool away;           /* on a worker or waiting: not to be freed */
	bool answered;
};

/* Who asks, and from where, for the audit trail. The call's. */
struct accounts_actor api_actor(const struct api_call *c);
/* One of API_HEADERS; p == NULL when absent. */
struct span api_header(const struct api_call *c, const char *name);
/* Whether a Host header names this machine: localhost, 127.0.0.0/8, [::1], with any port. */
bool api_is_loopback(struct span host);
/* Whether route r takes a body of this Content-Type. */
bool api_takes_type(const struct api_route *r, struct span content_type);
/* Whether text is one of "a, b, c". */
bool api_one_of(const char *values, struct span text);
/* The route of a request, NULL when there is none; allow: the methods that its path takes, for 405 ("" when there is no such path). */
const struct api_route *api_route_find(enum http1_method m, struct span path, char allow[64]);
/* Percent-decoded, in the arena. MO_EINVAL: no percent coding, or no UTF-8; MO_ENOMEM: which must not look like a parameter that was not given. */
MO_MUST_USE int api_decode(struct span *ret, struct arena *a, struct span s, bool plus);
/* Adds the query's parameters. MO_ELIMIT, MO_EINVAL, MO_ENOMEM with diag. */
MO_MUST_USE int api_parse_query(struct api_call *c, struct span query);
/* Holds them, from index `from` on the query's, against the route's row. MO_EINVAL with diag. */
MO_MUST_USE int api_check_params(struct api_call *c, size_t from);
/* A query or path parameter; p == NULL when absent. */
struct span api_param(const struct api_call *c, const char *name);
MO_MUST_USE int api_param_f64(struct api_call *c, const char *name, double fallback, double *ret);
MO_MUST_USE int api_param_i64(struct api_call *c, const char *name, int64_t fallback, int64_t lo, int64_t hi, int64_t *ret);
/* RFC 3339, or integer milliseconds. */
MO_MUST_USE int api_param_time(struct api_call *c, const char *name, int64_t fallback, int64_t *ret);
/* The series a parameter names by its uuid. MO_ENOENT. */
MO_MUST_USE int api_param_series(struct api_call *c, const char *name, series_id *ret);
/* The body as one JSON object, in the arena. MO_EINVAL with diag. */
MO_MUST_USE int api_object(struct api_call *c, struct json_value **ret);
/* The same of a ROUTE_SECRET body: the words hold nothing of it. */
MO_MUST_USE int api_secret_object(struct api_call *c, struct json_value **ret);
/* A password in a member. MO_EINVAL: missing, no text, too long. */
MO_MUST_USE int api_password(struct api_call *c, const struct json_value *root, const char *name, struct span *ret);
/* 429: not before wait_ns have passed. Gives MO_EAGAIN. */
int api_later(struct api_call *c, int64_t wait_ns);
/* The version that If-Match names; -1: there is no such header. MO_EINVAL. */
MO_MUST_USE int api_if_match(struct api_call *c, int64_t *ret);
/* Says that a parameter or member is missing; gives MO_EINVAL. */
int api_missing(struct api_call *c, const char *name);
/* Sends c->out with c->status, or the problem in c->d when err != 0. Loop thread. */
void api_finish(struct api_call *c, int err);
/* The same from any thread. */
void api_finish_from(struct api_call *c, int err);
int api_status(int err);

/* Rows of a named statement as {"items":[…],"next":…}; the cursor column is the first ("id") unless named. */
MO_MUST_USE int api_list(struct api_call *c, enum store_query q, const struct store_arg *args, size_t n, const char *cursor_column, int64_t limit);
/* All versions of the document that the parameter "name" names; there never was one: MO_ENOENT, said by `none`. */
MO_MUST_USE int api_doc_history(struct api_call *c, enum store_doc doc, struct span name, enum mo_msg none);
/* One row as an object without its closing brace's absence: writes {...}; MO_ENOENT when there is none. */
MO_MUST_USE int api_row(struct api_call *c, enum store_query q, const struct store_arg *args, size_t n);
/* All rows as an array value. */
MO_MUST_USE int api_rows(struct api_call *c, enum store_query q, const struct store_arg *args, size_t n);
/* The members of row i without braces, to c->w. Beside a column "person" stands the name for those who may see it ("person_name"); a column "sealed" is told as
 * "personal", and what it seals is put in the places of its members. */
MO_MUST_USE int api_members(struct api_call *c, const struct table_cursor *cur, const struct table_batch *b, size_t i);
/* A member with the name behind a pseudonym: null where it is not known or not to be seen. */
MO_MUST_USE int api_person(struct api_call *c, const char *key, struct span pseudonym);
/* What was sealed, as a JSON object in the arena; NULL: not to be seen, or erased. */
MO_MUST_USE int api_sealed(struct api_call *c, struct json_value **ret, struct span pseudonym, struct span about, struct span sealed);
/* Index of a column, SIZE_MAX when there is none. */
size_t api_column(const struct table_cursor *cur, const char *name);
/* {"code","ko","en"} of a diag, or null. */
void api_words(struct json_writer *w, const struct diag *d);
/* Problem members of one error: code, detail, field, line, value, expected. */
void api_problem_members(struct json_writer *w, const struct diag *d);
const char *api_quality(uint8_t q);
/* The crash that nobody has dismissed, or null. */
void api_crash(struct json_writer *w, struct node *n);

/* What room there is, as a value: {"state","free_bytes","size_bytes"} (disk.c). */
void api_disk_state(struct json_writer *w, struct node *n);

/* The last backups as a value: an object or null (backup.c). */
MO_MUST_USE int api_backup_state(struct api_call *c);
/* The last restore drill as an object (drill.c). */
MO_MUST_USE int api_drill_state(struct api_call *c);

struct line_cache *line_cache_new(void);
void line_cache_free(struct line_cache *k);
struct import_queue *import_queue_new(void);
void import_queue_free(struct import_queue *q);

/* handlers, by file */
int get_node(struct api_call *c), get_healthz(struct api_call *c), get_metrics(struct api_call *c), get_openapi(struct api_call *c);
int post_clock(struct api_call *c);
int get_today(struct api_call *c), get_assets(struct api_call *c), get_asset(struct api_call *c), get_asset_states(struct api_call *c);
int get_asset_stops(struct api_call *c);
int get_signals(struct api_call *c), get_series(struct api_call *c), get_values(struct api_call *c), get_chart(struct api_call *c);
int get_last(struct api_call *c);
int get_lots(struct api_call *c), get_lot(struct api_call *c), get_lot_tree(struct api_call *c), get_series_lots(struct api_call *c), get_operations(struct api_call *c);
int get_events(struct api_call *c), get_cases(struct api_call *c), get_case(struct api_call *c), post_case_state(struct api_call *c);
int get_disk(struct api_call *c), get_retention(struct api_call *c), put_retention(struct api_call *c), get_retention_preview(struct api_call *c), get_retention_history(struct api_call *c);
int get_log(struct api_call *c), post_crash_seen(struct api_call *c);
int get_search(struct api_call *c), get_changes(struct api_call *c), get_audit(struct api_call *c);
int post_records(struct api_call *c), post_sql(struct api_call *c), post_check(struct api_call *c), post_backup(struct api_call *c);
int get_devices(struct api_call *c), put_device(struct api_call *c), delete_device(struct api_call *c), undo_device(struct api_call *c);
int test_device(struct api_call *c), get_device_history(struct api_call *c);
int get_imports(struct api_call *c), get_import(struct api_call *c), get_import_refused(struct api_call *c), get_import_preview(struct api_call *c);
int commit_import(struct api_call *c);
int influx_ping(struct api_call *c), influx_query(struct api_call *c);
int get_live(struct api_call *c);
int get_session(struct api_call *c), post_session(struct api_call *c), delete_session(struct api_call *c);
int get_accounts(struct api_call *c), put_account(struct api_call *c), delete_account(struct api_call *c), put_password(struct api_call *c);
int get_tokens(struct api_call *c), post_token(struct api_call *c), delete_token(struct api_call *c);
int get_trust(struct api_call *c), post_trust(struct api_call *c), put_trust(struct api_call *c), delete_trust(struct api_call *c);
int undo_trust(struct api_call *c), get_trust_history(struct api_call *c), get_keys(struct api_call *c);
struct pki_info;
void trust_write_cert(struct json_writer *w, const struct pki_info *i); /* members that every certificate has */
int get_sinks(struct api_call *c), put_sink(struct api_call *c), delete_sink(struct api_call *c), test_sink(struct api_call *c);
int get_sink_history(struct api_call *c), get_sink_aside(struct api_call *c), post_sink_aside(struct api_call *c), delete_sink_aside(struct api_call *c);
int post_export(struct api_call *c), post_exports(struct api_call *c), get_exports(struct api_call *c), get_export_file(struct api_call *c);
int delete_export(struct api_call *c), get_drill(struct api_call *c), post_drill(struct api_call *c);
int get_people(struct api_call *c), get_person(struct api_call *c), post_person(struct api_call *c), post_erase(struct api_call *c);
int get_person_files(struct api_call *c), get_person_file(struct api_call *c), delete_person_file(struct api_call *c);
int get_page(struct api_call *c);
int get_ca_certificate(struct api_call *c);
int get_ca_page(struct api_call *c);
int get_ca_profile(struct api_call *c);
int get_phone(struct api_call *c);
extern const struct api_stream write_stream, import_stream, person_files_stream;

#endif
