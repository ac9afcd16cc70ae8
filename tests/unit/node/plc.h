/* A Modbus device of few words for tests in C: holding register 0 counts up with each answer, the others hold their address. */
#ifndef MO_TESTS_NODE_PLC_H
#define MO_TESTS_NODE_PLC_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

struct plc {
	int listener;
	uint16_t port;
	pthread_t thread;
	atomic_bool stop;
	_Atomic uint32_t answers;
};
void plc_start(struct plc *p);
void plc_stop(struct plc *p);

#endif
