/* Requests that the node itself sends to others, beside its loop (libcurl's
 * multi interface on a thread of its own: names, handshakes and lists of CAs
 * take their time). Only src/node/gate_publish.c includes this (tests/tidy
 * checks it): the gate is the one way out.
 *
 * https is TLS 1.2 or newer and the certificate must be good for the name in
 * the url, and vouched for by the system's authorities or the owner's list
 * (os/trust.h); no redirects, no proxies, nothing from the environment. */
#ifndef MO_HTTP_OUTGOING_H
#define MO_HTTP_OUTGOING_H

#include "base/buf.h"
#include "base/diag.h"
#include "http/loop.h"
#include "os/trust.h"

#define OUTGOING_ANSWER_MAX 512u   /* bytes kept of an answer; the rest is read and forgotten */
#define OUTGOING_ANSWER_READ_MAX (1u << 20) /* an answer longer than this is broken off */
#define OUTGOING_CONNECT_MS 10000
#define OUTGOING_AGENT "moru"

struct outgoing_wire;
/* Caller's memory, which stays and is not touched from outgoing_send() until done() was called. */
struct outgoing_request {
	const char *who;             /* what words call the receiver: a url may hold what is not for the log */
	const char *url;
	const char *content_type;
	const char *bearer;          /* Authorization: Bearer; NULL: none */
	struct span ca;              /* PEM of whom to believe, alone; empty: the system's list, and that of trust */
	struct trust_list *trust;    /* held from outgoing_send() to done(); NULL: nobody is trusted, nobody refused */
	struct span body;            /* POST */
	int64_t timeout_ms;          /* for all of it */
	void (*done)(struct outgoing_request *r); /* loop thread, once */

	/* What came of it. */
	int err;                     /* 0: a whole answer came; MO_ETIMEOUT, MO_EIO, MO_EINVAL (url), MO_EDENIED (its certificate), MO_ECANCELED, MO_ENOMEM; why says it in words */
	int status;                  /* HTTP */
	int64_t retry_after_s;       /* 0: the receiver did not say */
	uint8_t answer[OUTGOING_ANSWER_MAX];
	size_t n_answer;
	struct diag why;
	enum trust_verdict verdict;  /* on the receiver's certificate; TRUST_NOT_ASKED: http, ca, or no handshake */
	uint8_t shown[TRUST_DER_MAX]; /* the certificate that was not taken, DER */
	size_t n_shown;

	struct outgoing_wire *wire;  /* inside */
};
struct outgoing;
/* The thread begins with the first request. */
MO_MUST_USE int outgoing_new(struct outgoing **ret, struct loop *l);
/* Loop thread. MO_ESTATE: stopped. MO_ENOMEM, MO_ELIMIT (threads). Then done() is not called. */
MO_MUST_USE int outgoing_send(struct outgoing *o, struct outgoing_request *r);
/* Loop thread: it ends soon, with MO_ECANCELED unless its answer has come. Nothing to do for one that is not under way. */
void outgoing_cancel(struct outgoing *o, struct outgoing_request *r);
/* Breaks off all of them and ends the thread; the calls of done() are posted when it returns. NULL and twice are fine. */
void outgoing_stop(struct outgoing *o);
/* After the loop has run what outgoing_stop() posted. */
void outgoing_free(struct outgoing *o);

#endif
