/* Any bytes as a list of networks: each one that is taken holds its own address, and one outside of it lies outside. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "os/subnet.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct subnets s;
	struct span bad;
	int err = subnet_read(&s, span_of(p, n), &bad);
	if ((err != 0 && err != MO_EINVAL && err != MO_ELIMIT) || s.n > SUBNETS_MAX || (err != 0 && (bad.n == 0 || bad.p < p || bad.p + bad.n > p + n)))
		abort();
	for (size_t i = 0; i < s.n; i++) {
		const struct subnet *q = &s.of[i];
		struct subnets one = {.n = 1, .of = {*q}};
		uint8_t other[16];
		char text[64];
		if (q->bits < 1 || q->bits > (q->six ? 128 : 32) || !inet_ntop(q->six ? AF_INET6 : AF_INET, q->address, text, sizeof text))
			abort();
		if (!subnet_has(&one, text))
			abort();
		memcpy(other, q->address, 16);
		other[(q->bits - 1) / 8] ^= (uint8_t)(0x80u >> ((q->bits - 1) % 8));
		if (!inet_ntop(q->six ? AF_INET6 : AF_INET, other, text, sizeof text) || subnet_has(&one, text))
			abort();
	}
	return 0;
}
