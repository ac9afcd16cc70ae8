/* What the files of the client share: the driver's whole state. */
#ifndef MO_DRIVER_MODBUS_CLIENT_H
#define MO_DRIVER_MODBUS_CLIENT_H

#include "driver/modbus/modbus.h"
#include "driver/modbus/priv/config.h"
#include "driver/modbus/priv/cycle.h"
#include "driver/modbus/priv/pdu.h"
#include "driver/modbus/priv/plan.h"

/* Transactions whose answer may still come after they were given up (or come twice): dropped, not an error. */
#define MODBUS_LATE_KEPT 16u

/* What a signal said last. */
struct modbus_memory {
	struct driver_value value;
	int64_t t_ns; /* of the last value given; INT64_MIN: none */
	bool marked;  /* said to be bad, and nothing read since */
};
struct modbus_trace {
	bool sent;
	int64_t mono_ns;
	uint16_t n;
	uint8_t bytes[MODBUS_ADU_MAX];
};
struct modbus {
	struct driver base;
	struct arena arena; /* everything below that is pointed to */
	struct modbus_config cfg;
	enum driver_state state;
	struct diag trouble;
	bool link_trouble; /* trouble is about the connection, not a batch */

	/* connection; times are monotonic */
	bool broken;         /* an error was given: only disconnected() leads on */
	bool given_up;       /* that error was silence */
	bool answered;       /* the present connection gave a valid answer */
	unsigned attempts;   /* connections without a valid answer, in a row */
	unsigned silences;   /* time-outs in a row */
	int64_t retry_ns;    /* OFFLINE: when to try again */
	int64_t deadline_ns; /* CONNECTING, or of the request */

	/* requests */
	const struct modbus_item **order; /* clock items */
	struct modbus_batch *batch;
	size_t n_batches;
	struct modbus_cycle cycle;
	struct modbus_batch *asked; /* the outstanding request's; NULL: none */
	struct modbus_request request;
	bool asked_cycle;
	uint16_t transaction; /* of the last request */
	unsigned issued;      /* on this connection, at most MODBUS_LATE_KEPT */
	uint8_t tx[MODBUS_REQUEST_SIZE];
	size_t tx_n, tx_sent;
	uint8_t rx[MODBUS_ADU_MAX];
	size_t rx_n;

	/* values waiting to be taken: a ring */
	struct driver_value *queue;
	char *queue_text; /* cfg.string_max bytes a slot */
	size_t queue_cap, queue_head, queue_n;
	struct modbus_memory *memory; /* by clock signal */
	char *memory_text;
	struct modbus_trace trace[MODBUS_FRAMES_KEPT];
	unsigned traced; /* frames ever kept, modulo */
};

/* ---- values.c: what was read, waiting to be taken ---- */
MO_MUST_USE int modbus_values_init(struct modbus *m);
/* Room for whatever one answer and one failure of everything can give. */
bool modbus_values_room(const struct modbus *m);
bool modbus_values_take(struct modbus *m, struct driver_value *ret);
/* The items of a batch from its answer's data. */
void modbus_values_batch(struct modbus *m, const struct modbus_batch *b, const uint8_t *data, int64_t t_ns);
/* The block's items of all parts that were got. */
void modbus_values_cycle(struct modbus *m, uint64_t seq, bool gap, int64_t t_ns);
/* A batch's signals have gone bad: said once each, and never over a value of the same time. */
void modbus_values_mark(struct modbus *m, const struct modbus_batch *b, enum driver_quality q, int64_t t_ns);

#endif
