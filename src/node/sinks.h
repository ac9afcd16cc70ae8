/* Sinks: where data go by themselves. What an owner sets of one (a document of
 * the store, class "sink"), its rules, and its token, which lies in a file of
 * DIR/secrets that the document names: a new token is a new file, so that a
 * document and its token change in one step.
 *
 *   {"url","what":[…],"enabled","plain","rate","timeout_ms","keep_hours","behind_max","ca","token_file"} */
#ifndef MO_NODE_SINKS_H
#define MO_NODE_SINKS_H

#include "node/folder.h"
#include "node/gate_publish.h"

#define SINKS_MAX 32u
#define SINK_NAME_MAX 64u
#define SINK_URL_MAX 1024u
#define SINK_TOKEN_MAX 4096u
#define SINK_CA_MAX 16384u
#define SINK_FILE_MAX 64u /* "secrets/sink-UUID", with NUL */
#define SINK_RATE_MAX 10000
#define SINK_RATE 100
#define SINK_TIMEOUT_MS 30000
#define SINK_TIMEOUT_MIN_MS 1000
#define SINK_TIMEOUT_MAX_MS 120000
#define SINK_KEEP_HOURS 168
#define SINK_KEEP_HOURS_MAX 87600
#define SINK_BEHIND 1000000
#define SINK_BEHIND_MAX 100000000

struct sink_config {
	char url[SINK_URL_MAX + 1];
	publisher_set what;
	bool enabled;
	bool plain;         /* http to another machine is wanted */
	int64_t rate;       /* messages a second */
	int64_t timeout_ms; /* of one request */
	int64_t keep_hours; /* changes older than this are left out */
	int64_t behind_max; /* and of those waiting all but so many */
	char ca[SINK_CA_MAX + 1];       /* PEM of whom to believe, alone; "": the system's list */
	char token_file[SINK_FILE_MAX]; /* "": none */
};
/* 1..SINK_NAME_MAX bytes of UTF-8 without '/', control characters, and blanks at its ends. MO_EINVAL. */
MO_MUST_USE int sink_name_check(struct span name, struct diag *d);
/* A document, as an owner gives it (`given`: without token_file, members "token" and "from" are left to the caller) or as it is stored.
 * MO_EINVAL with field, value, expected; MO_ENOMEM. */
MO_MUST_USE int sink_read(struct sink_config *ret, struct span json, bool given, struct diag *d);
/* As it is stored; shown: without the name of the token's file, but whether there is one. */
void sink_write(struct buf *out, const struct sink_config *c, bool shown);
/* Whether two urls name the same scheme, host and port: a token for one is for the other. */
bool sink_same_origin(const char *a, const char *b);
/* Scheme, host and port: what may stand in words and audit entries. */
struct span sink_origin(const char *url);

/* MO_EINVAL: over SINK_TOKEN_MAX bytes, or other than printable ASCII without blanks. The words do not hold it. */
MO_MUST_USE int sink_token_check(struct span token, struct diag *d);
/* Writes it to a new file, durable, and gives its name ("secrets/sink-…"). */
MO_MUST_USE int sink_token_put(const struct folder *f, char name[SINK_FILE_MAX], struct span token, int64_t now_ns, struct diag *d);
/* NUL-ended, malloc'ed; to be wiped. MO_ENOENT: the file is not there (a backup without keys was restored). */
MO_MUST_USE int sink_token_get(const struct folder *f, const char *name, char **ret, struct diag *d);
/* A file that no document names any more; one that cannot be removed is removed at the next start. */
void sink_token_drop(const struct folder *f, const char *name);
/* Removes the token files that are none of `keep` ("" where there is none). */
void sink_tokens_clean(const struct folder *f, const char (*keep)[SINK_FILE_MAX], size_t n);

#endif
