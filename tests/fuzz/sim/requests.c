/* Modbus requests from whoever connects. */
#include <stdint.h>
#include <stdlib.h>

#include "sim/modbus_server.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct mb_regs regs;
	uint8_t out[MB_FRAME_MAX];
	size_t n_out, at = 0;
	while (at < n) {
		long eaten = mb_answer(&regs, span_of(p + at, n - at), out, &n_out);
		if (eaten <= 0)
			break;
		if ((size_t)eaten > n - at || n_out > sizeof out || n_out < 9)
			abort();
		at += (size_t)eaten;
	}
	return 0;
}
