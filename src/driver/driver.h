/* The model for all machine protocols: a driver is a state machine without
 * sockets. The caller (node) owns the connection and the clocks and asks:
 *
 *   connected()/disconnected()  the stream came up or went
 *   input()                     bytes arrived
 *   tick()                      a deadline passed
 *   output()/sent()             bytes to write
 *   next_value()                what was read
 *   due()                       when tick() is wanted next
 *
 * After any call but these questions the caller looks again at output(),
 * next_value() and due(). A driver holds back its next request while more
 * values wait than it has room for.
 *
 * Two times: node time decides when something is polled and stamps values
 * (it may be scaled or stepped); monotonic time decides time-outs and back-off. */
#ifndef MO_DRIVER_DRIVER_H
#define MO_DRIVER_DRIVER_H

#include "base/diag.h"
#include "base/span.h"

struct driver_now {
	int64_t node_ns; /* ns UTC on the node's clock */
	int64_t mono_ns; /* monotonic, real */
};
struct driver_due {
	int64_t node_ns; /* INT64_MAX: nothing is waited for */
	int64_t mono_ns;
};
/* What stands in driver_value.quality; the numbers are those of enum quality (series.h). A bad clock value is given once, when a
 * signal goes bad; it carries the last value known (NaN, 0, false, "" when there was none). Per-cycle values never go bad that way. */
enum driver_quality {
	DQ_GOOD = 0,
	DQ_GAP_BEFORE = 66, /* cycles were missed before this one */
	DQ_REFUSED = 128,   /* the device answered that it will not or cannot */
	DQ_NO_ANSWER = 129, /* timed out, or no connection */
	DQ_RANGE = 130      /* outside min..max, not a number, not text, or too large for its type */
};
enum driver_type { DV_F64 = 1, DV_I64 = 2, DV_BOOL = 3, DV_STR = 4 }; /* as enum series_type */
struct driver_value {
	uint32_t signal;  /* index into driver_signals() */
	uint8_t quality;  /* enum driver_quality */
	int64_t t_ns;     /* source time */
	uint64_t seq;     /* per-cycle values: the machine's counter, unwrapped to 64 bits; 0: a clock value */
	enum driver_type type;
	union {
		double f64;
		int64_t i64;
		uint8_t b;
		struct span str; /* the driver's until the next call */
	};
};
enum driver_state { DRIVER_OFFLINE, DRIVER_CONNECTING, DRIVER_ONLINE, DRIVER_STATES };
const char *driver_state_name(enum driver_state s); /* "offline", "connecting", "online" */
struct driver_signal {
	const char *name, *label, *unit; /* label, unit may be "" */
	enum driver_type type;
	bool per_cycle;
	int64_t poll_ns; /* how often it is read; per_cycle: how often the counter is looked at */
};
/* A frame as it went over the wire, for the settings page's live test: last few are kept. */
struct driver_frame {
	bool sent;
	int64_t mono_ns;
	struct span bytes;
};

struct driver_ops;
/* Embedded first in each driver's own struct. */
struct driver {
	const struct driver_ops *ops;
};
struct driver_ops {
	const char *name; /* "modbus" */
	/* From one JSON object (docs of each driver: its config table). Nothing is kept of config_json. MO_EINVAL: diag names line, field,
	 * value, expected. MO_ELIMIT, MO_ENOMEM. */
	int (*open)(struct driver **ret, struct span config_json, struct diag *d);
	void (*close)(struct driver *dr);
	void (*connected)(struct driver *dr, struct driver_now now);
	/* The stream is gone or could not be made, also after this side closed it; the driver decides when to try again
	 * (wants_connection turns true at its deadline). */
	void (*disconnected)(struct driver *dr, struct driver_now now);
	/* MO_EPROTO: what came can't be this protocol: the caller closes the stream and calls disconnected(). */
	int (*input)(struct driver *dr, struct driver_now now, struct span bytes, struct diag *d);
	/* MO_ETIMEOUT: the caller closes the stream and calls disconnected(). */
	int (*tick)(struct driver *dr, struct driver_now now, struct diag *d);
	/* Bytes to write now (may be empty); borrowed until sent() or any other call. */
	struct span (*output)(struct driver *dr);
	void (*sent)(struct driver *dr, struct driver_now now, size_t n);
	/* true: a stream should be made, or is being made. false: it stands (or is being given up), or it is too early to try again. */
	bool (*wants_connection)(const struct driver *dr, struct driver_now now);
	struct driver_due (*due)(const struct driver *dr);
	/* false when there is none. */
	bool (*next_value)(struct driver *dr, struct driver_value *ret);
	/* Everything due at or before now.node_ns has been asked and answered, or has failed (no answer in time, refused, or an attempt
	 * to connect that ended after it fell due): a stepped clock may advance once next_value() gives no more. */
	bool (*settled)(const struct driver *dr, struct driver_now now);
	enum driver_state (*state)(const struct driver *dr);
	/* Last error in words; MSG_NONE when all is well. */
	const struct diag *(*trouble)(const struct driver *dr);
	const struct driver_signal *(*signals)(const struct driver *dr, size_t *ret_n);
	/* Host and port to connect to. */
	const char *(*host)(const struct driver *dr);
	uint16_t (*port)(const struct driver *dr);
	/* 0 = the newest; false when there are fewer. */
	bool (*frame)(const struct driver *dr, unsigned back, struct driver_frame *ret);
};

#endif
