/* A server in the test's own process and thread: the test is the client, on
 * blocking-free sockets, and turns the loop itself until what it waits for has
 * come or RIG_PATIENCE_MS passed. */
#ifndef MO_TESTS_HTTP_RIG_H
#define MO_TESTS_HTTP_RIG_H

#include "http/reply.h"

#define RIG_PATIENCE_MS 5000

/* What the handler does is chosen by the path:
 *   /            answers "hello" at end()
 *   /head        answers in head()
 *   /echo        wants up to `limit` bytes and answers them back
 *   /count       wants any number, answers their number; with `hold` takes one piece at a time until rig_resume
 *   /want0    wants a body of nothing
 *   /refuse      wants a body but answers 403 in head()
 *   /204 /304    that status
 *   /later       keeps x in rig->held and answers nothing by itself
 *   /stream      begins a response in end() and writes `stream_bytes` in pieces of `piece_bytes`, as drained() asks
 *   /half        begins a response and aborts it
 *   /ref         answers `ref` by reference */
struct rig {
	struct loop *l;
	struct http_server *s;
	uint16_t port;
	struct buf body; /* of /echo */
	uint64_t counted;
	uint64_t limit;
	bool hold;
	unsigned pieces;
	struct http_x *held; /* /later, /count with hold */
	uint64_t stream_bytes, streamed, piece_bytes;
	unsigned again; /* MO_EAGAIN seen while streaming */
	struct span ref;
	unsigned heads, ends, dones, aborts;
	int last_error; /* of any reply call */
	struct loop_timer *guard;
	bool late;
};

/* 0, or the error of what failed; rig_free() in both cases. */
int rig_new(struct rig *r, const struct http_options *opt);
void rig_free(struct rig *r);

/* Client side: a non-blocking socket; -1: failed. */
int rig_connect(const struct rig *r);
int rig_connect_unix(const char *path);
/* Sends everything, turning the loop meanwhile. */
bool rig_send(struct rig *r, int fd, const char *bytes, size_t n);
bool rig_sends(struct rig *r, int fd, const char *s);
/* Turns the loop for about ms; 0: what is ready. */
void rig_turn(struct rig *r, int ms);
/* Reads until `until` stands in what was read, n_until times (NULL: until the end). False: end came first, or no patience. */
bool rig_read(struct rig *r, int fd, struct buf *got, const char *until, unsigned n_until);
/* True when the peer has closed and nothing more comes. */
bool rig_closed(struct rig *r, int fd);
/* One request on a connection of its own, answer until the end. */
bool rig_once(struct rig *r, const char *request, size_t n, struct buf *got);

unsigned rig_times(const struct buf *b, const char *s);
bool rig_has(const struct buf *b, const char *s);

#endif
