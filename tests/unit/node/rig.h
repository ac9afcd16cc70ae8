/* A node in a folder of its own, on a thread of its own, for tests. */
#ifndef MO_TESTS_NODE_RIG_H
#define MO_TESTS_NODE_RIG_H

#include <pthread.h>
#include <stdatomic.h>

#include "node/node.h"

#define RIG_SAID_MAX 256u

struct rig {
	char dir[64];
	struct vfs *vfs;
	struct node *n;
	const char *helper;   /* program; NULL: none is there */
	int64_t watchdog_ns;
	int (*machine)(struct address_list *ret); /* the PC's addresses; NULL: as they are */
	const char *listen; /* NULL: 127.0.0.1 */
	const struct http_handler *handler;
	void *handler_arg;
	int (*importer)(void *arg, struct store_reader *r, const char *path, const char *name, struct buf *why, struct diag *d);
	void *importer_arg;
	void (*before_close)(struct rig *r); /* on the node's thread, after the run */
	int status;           /* of open, start, run */
	pthread_t thread;
	pthread_mutex_t mu;
	pthread_cond_t cond;
	bool up, over;
	enum mo_msg said[RIG_SAID_MAX];
	char about[RIG_SAID_MAX][DIAG_TEXT_MAX]; /* {0} of each */
	unsigned n_said;
};

/* A new folder under the build's temporary one. */
void rig_init(struct rig *r);
/* Starts the node's thread; returns when it listens or failed (r->status). */
void rig_start(struct rig *r);
/* Stops it and waits for the end of node_close(). */
void rig_stop(struct rig *r);
/* Removes the folder. */
void rig_free(struct rig *r);
/* Puts a device document (json NULL: deletes it) and has the collectors read it. */
void rig_device(struct rig *r, const char *name, const char *json);
/* Runs fn(arg) on the loop and waits for it. */
void rig_on_loop(struct rig *r, void (*fn)(void *arg), void *arg);
/* Runs fn(arg, reader) on a worker and waits for it. */
void rig_on_worker(struct rig *r, void (*fn)(void *arg, struct store_reader *reader), void *arg);
/* Whether the node said msg (about `about`, unless NULL); waits for at most that long. */
bool rig_said(struct rig *r, enum mo_msg msg, const char *about, int64_t wait_ns);
/* Connects to the node and gives the socket; blocking. */
int rig_connect(struct rig *r);
/* The same by port, while no node is open; -1: nobody listens there. */
int rig_connect_port(uint16_t port);

#endif
