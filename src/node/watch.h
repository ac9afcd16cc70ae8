/* The watched folders: the inbox, and those of the setting `watch`, which may
 * be shares of other PCs (SMB, NFS), mounted by the system. They are polled,
 * since a share tells nobody what others write to it. A file is taken when its
 * size and time stood still for two polls; names that other programs are not
 * done with, or that nobody means (watch_name_waits), wait.
 *
 * Taken files go to done/, refused ones to refused/ with a report; nothing that lies there is replaced, and one that changed while it was read
 * stays and is taken again. In a folder of `watch` that may not be written to, taken files stay, and the store remembers them by path, size, time
 * and content. A folder that goes away (also: is empty, where it never was, as the place of a share that is not mounted is) is said once and
 * taken up again when it is back; nothing that is known of its files is lost. */
#ifndef MO_NODE_WATCH_H
#define MO_NODE_WATCH_H

#include "node/node.h"

#define WATCH_OTHERS_NS (2 * NS_PER_S) /* from one poll of the folders of `watch` to the next; the inbox's is every second */

struct watch;
/* MO_ELIMIT: more folders than WATCH_PLACES_MAX (priv/watch.h). */
MO_MUST_USE int watch_new(struct watch **ret, struct node *n, struct diag *d);
void watch_free(struct watch *w);
/* Looks at all of them now; for the demo's steps and tests. done on the loop when the files found ready are imported; err: what kept the poll from
 * looking, or a file from being taken or put away, and may go better the next time (a refused file is none). */
void watch_poll(struct watch *w, void (*done)(void *arg, int err), void *arg);
/* Once a second, loop thread: looks where it is time to. */
void watch_tick(struct watch *w, int64_t now_ns);
/* Names that are not finished, or that nobody means: "~$x.xlsx", ".~lock.x#", "*.part", "Thumbs.db", "._x", over 255 bytes. */
bool watch_name_waits(const char *name);

struct watch_stats {
	unsigned folders, away;
};
void watch_stats(const struct watch *w, struct watch_stats *ret); /* of NULL: none */

#endif
