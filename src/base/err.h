/* The error contract of the whole tree: every function that can fail returns
 * 0 or one of these. The code says what the caller may do; the words for a
 * person are in a `struct diag`. */
#ifndef MO_BASE_ERR_H
#define MO_BASE_ERR_H

#define MO_MUST_USE __attribute__((warn_unused_result))
#define MO_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

enum mo_err {
	MO_OK = 0,
	MO_ENOMEM = -1,    /* allocation failed; nothing changed */
	MO_EIO = -2,       /* the operating system refused; a write path that raises it is final until reopened */
	MO_ECORRUPT = -3,  /* stored bytes fail their checksum or contradict themselves; nothing was changed */
	MO_EINVAL = -4,    /* input from outside is not what was expected; the diag says where */
	MO_ENOENT = -5,    /* the thing named does not exist */
	MO_EEXIST = -6,    /* the thing named exists already, and differs */
	MO_ELIMIT = -7,    /* a named maximum was exceeded */
	MO_EFULL = -8,     /* no space on the device, or a configured watermark */
	MO_EAGAIN = -9,    /* more input is needed, or a queue is full; call again */
	MO_ETIMEOUT = -10, /* a deadline passed */
	MO_ECANCELED = -11,/* somebody asked for it to stop */
	MO_EBUSY = -12,    /* somebody else holds it (lock, folder) */
	MO_ESTATE = -13,   /* not allowed in this state */
	MO_EVERSION = -14, /* written by a newer program */
	MO_EDENIED = -15,  /* the gate or the operating system says no */
	MO_EPROTO = -16,   /* a peer broke its protocol */
	MO_EBUG = -17      /* cannot happen; an assertion for release builds */
};

/* A stable lower-case name ("enomem", "corrupt"); "?" for a number that is none of them. */
const char *mo_err_name(int err);

#endif
