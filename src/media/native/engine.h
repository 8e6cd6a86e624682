/* The media thread of one core: UDP sockets on an epoll loop of its own, and the bridges that were given to it. addon.c calls it from
 * the JavaScript thread. What is not for a relay waits in a queue until that thread fetches it. */

#ifndef HOOKSWITCH_ENGINE_H
#define HOOKSWITCH_ENGINE_H

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "srtp.h"

enum {
  PACKET_BYTES = 2048,          /* what is read of a datagram: more than limits.mediaDatagramBytes */
  QUEUE_BYTES = 1 << 20,        /* what waits for JavaScript at most */
  RECORD_BYTES = 28,            /* head of each record in the queue */
  DIRECTION_BYTES = 448,        /* a direction as native-path.ts writes it */
  COUNTER_FIELDS = 20,          /* numbers per direction that engine_counters gives */
};

/* Kind of a record in the queue. */
enum { RECORD_PACKET = 0, RECORD_COPY = 1, RECORD_ERROR = 2 };

/* Head of a record: followed by the packet, padded to four octets. */
typedef struct {
  uint32_t token;
  uint16_t length;
  uint8_t kind;
  uint8_t family; /* 4 or 6 */
  uint16_t port;
  uint16_t padding;
  uint8_t address[16];
} record;

typedef struct engine engine;

/* Called from the media thread when the queue was empty and is not any more. */
typedef void (*engine_wake)(void *context);

/* `dscp`: of all packets, 0 to 63. NULL when there is no memory or no thread. */
engine *engine_open(engine_wake wake, void *context, int dscp);
/* Ends the thread and closes all sockets. Idempotent. */
void engine_stop(engine *self);
/* Stops, and frees. */
void engine_free(engine *self);

/* Token of a bound socket (above 0), or 0 and errno. */
uint32_t engine_bind(engine *self, const struct sockaddr *address, socklen_t length);
void engine_close(engine *self, uint32_t token);
/* 0 when the kernel refused. `address` NULL: to whom it is connected; with connect: to nobody any more. */
int engine_send(engine *self, uint32_t token, const uint8_t *packet, size_t length, const struct sockaddr *address,
                socklen_t address_length);
int engine_connect(engine *self, uint32_t token, const struct sockaddr *address, socklen_t length);

/* Takes all that waits into a buffer that `allocate` gives for that many octets; nothing when it gives NULL. */
void engine_drain(engine *self, uint8_t *(*allocate)(size_t length, void *context), void *context);

/* Relays between two sockets as described. 0: not now (packets of theirs wait, one has a relay, no memory). */
uint32_t engine_take(engine *self, const uint32_t tokens[2], const uint8_t directions[2][DIRECTION_BYTES]);
/* Counters of both directions; 0 when there is no such relay. `ends`: it relays nothing from now on. */
int engine_counters(engine *self, uint32_t relay, double counters[2 * COUNTER_FIELDS], int ends);

#endif
