#define _GNU_SOURCE
#include "engine.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { HEADER_BYTES = 12, FRAME_BYTES = 160, DROPOUT_MAX = 3000, EVENTS = 256, SOCKETS_MAX = 65536 };
/* The kernel doubles it: some 150 packets of 20 ms. */
enum { RECEIVE_BUFFER_BYTES = 65536 };
/* Packets that are received before they are sent on, in a row: each way through the kernel stays in the processor's caches. */
enum { ROW = 32 };
/*
 * The lowest real-time priority, else "nice" as limits.mediaNice is of JavaScript's. With "nice" alone packets were seen to wait up to some
 * 3 ms for signalling on the same core. A thread in C needs a fraction of a core; JavaScript's may need all of one, and has no real time
 * for that.
 */
enum { REAL_TIME = 1, NICE = -10 };

/* Order of the numbers that engine_counters gives; native-path.ts reads them. */
enum {
  RECEIVED, RECEIVED_BYTES, SENT, SENT_BYTES, SILENT_MS, RATE, AUTHENTICATION, REPLAY, MALFORMED, LATE, SEND_FAILED,
  SOCKET_ERROR, HIGHEST_SEQUENCE, LATEST_TIMESTAMP, JITTER_UNITS, RECEIVE_INDEX, WINDOW_LOW, WINDOW_HIGH, SEND_INDEX
};

/* What each packet needs comes first: a relay that was not touched for 20 ms is in no cache. */
typedef struct {
  int to; /* file descriptor */
  uint32_t ssrc, out_ssrc, timestamp_offset, latest_timestamp;
  uint16_t highest, base, sequence_offset, burst, per_second;
  uint8_t audio_in, audio_out, event_in, event_out;
  uint8_t translates, receives_srtp, sends_srtp, has_transit, has_received;
  uint32_t transit;
  double tokens;
  int64_t last_ns;
  double counters[COUNTER_FIELDS];
  uint8_t translation[256];
  srtp_context receive, send;
} direction;

typedef struct {
  uint32_t number;
  uint32_t sockets[2]; /* indices */
  direction directions[2];
} relay;

typedef struct {
  uint32_t token; /* 0: free; else how often the place was taken (16 bits), index (16 bits) */
  uint16_t uses;
  int fd;
  uint32_t queued_at; /* number of the drain before which a record of it was queued */
  relay *relay;
  uint8_t side;
} endpoint;

/* A packet that leaves at the end of the row. The lock is held until then: its direction stays. */
typedef struct {
  direction *way;
  const uint8_t *packet;
  size_t length, payload;
} departure;

struct engine {
  pthread_t thread;
  pthread_mutex_t lock;
  /* Calls of the JavaScript thread that wait for the lock: the media thread lets them go first, and sleeps meanwhile. */
  atomic_int waiting;
  pthread_cond_t nobody_waits;
  departure row[ROW];
  uint32_t in_row;
  atomic_int ends;
  int has_thread, epoll, bell, dscp;
  endpoint *endpoints;
  uint32_t capacity, last_relay;
  relay **relays;
  uint32_t relay_capacity;
  uint8_t *queue;
  size_t queued, queue_capacity;
  uint32_t drains;
  int is_woken;
  engine_wake wake;
  void *context;
};

static int64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void enter(engine *self) {
  atomic_fetch_add(&self->waiting, 1);
  pthread_mutex_lock(&self->lock);
  if (atomic_fetch_sub(&self->waiting, 1) == 1) pthread_cond_signal(&self->nobody_waits);
}

static void leave(engine *self) {
  pthread_mutex_unlock(&self->lock);
}

static endpoint *find(engine *self, uint32_t token) {
  uint32_t index = token & 0xffff;
  if (token == 0 || index >= self->capacity || self->endpoints[index].token != token) return NULL;
  return &self->endpoints[index];
}

static uint16_t read16(const uint8_t *at) {
  return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t read32(const uint8_t *at) {
  return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void write32(uint8_t *at, uint32_t value) {
  at[0] = (uint8_t)(value >> 24);
  at[1] = (uint8_t)(value >> 16);
  at[2] = (uint8_t)(value >> 8);
  at[3] = (uint8_t)value;
}

/* --- the queue to JavaScript */

/* A record more; dropped when too much waits already, as a full socket buffer would. */
static void queue_record(engine *self, endpoint *of, uint8_t kind, const uint8_t *packet, size_t length,
                         const struct sockaddr_storage *source) {
  size_t size = RECORD_BYTES + ((length + 3) & ~(size_t)3);
  if (self->queued + size > QUEUE_BYTES) return;
  if (self->queued + size > self->queue_capacity) {
    size_t capacity = self->queue_capacity * 2;
    uint8_t *larger = realloc(self->queue, capacity);
    if (!larger) return;
    self->queue = larger;
    self->queue_capacity = capacity;
  }
  record head = {.token = of->token, .length = (uint16_t)length, .kind = kind};
  if (source && source->ss_family == AF_INET) {
    const struct sockaddr_in *from = (const struct sockaddr_in *)source;
    head.family = 4;
    head.port = ntohs(from->sin_port);
    memcpy(head.address, &from->sin_addr, 4);
  } else if (source && source->ss_family == AF_INET6) {
    const struct sockaddr_in6 *from = (const struct sockaddr_in6 *)source;
    head.family = 6;
    head.port = ntohs(from->sin6_port);
    memcpy(head.address, &from->sin6_addr, 16);
  }
  memcpy(self->queue + self->queued, &head, RECORD_BYTES);
  if (length > 0) memcpy(self->queue + self->queued + RECORD_BYTES, packet, length);
  self->queued += size;
  of->queued_at = self->drains;
}

void engine_drain(engine *self, uint8_t *(*allocate)(size_t, void *), void *context) {
  enter(self);
  self->is_woken = 0;
  if (self->queued > 0) {
    uint8_t *into = allocate(self->queued, context);
    if (into) memcpy(into, self->queue, self->queued);
    self->queued = 0;
    self->drains += 1;
  }
  leave(self);
}

/* --- relaying */

/* Offset of the payload (RFC 3550 5.1, 5.3.1), or 0. */
static size_t payload_start(const uint8_t *packet, size_t end) {
  size_t start = HEADER_BYTES + (size_t)(packet[0] & 0x0f) * 4;
  if (packet[0] & 0x10) {
    if (start + 4 > end) return 0;
    start += 4 + (size_t)read16(packet + start + 2) * 4;
  }
  return start <= end ? start : 0;
}

static int has_budget(direction *way, int64_t at_ns) {
  way->tokens += (double)(at_ns - way->last_ns) * way->per_second / 1e9;
  if (way->tokens > way->burst) way->tokens = way->burst;
  way->last_ns = at_ns;
  if (way->tokens < 1) return 0;
  way->tokens -= 1;
  return 1;
}

/* RFC 3550 A.8, as in reception.ts. */
static void count_jitter(direction *way, uint32_t timestamp, int64_t at_ns) {
  uint32_t transit = (uint32_t)(at_ns / 125000) - timestamp;
  int32_t change = (int32_t)(transit - way->transit);
  if (change < 0) change = -change;
  if (way->has_transit && change >= 0 && change < 8000) {
    way->counters[JITTER_UNITS] += (change - way->counters[JITTER_UNITS]) / 16;
  }
  way->transit = transit;
  way->has_transit = 1;
}

static void transmit(const departure *of) {
  direction *way = of->way;
  ssize_t sent = send(way->to, of->packet, of->length, MSG_DONTWAIT | MSG_NOSIGNAL);
  /* An ICMP message about an earlier packet stands in the way of this one; it is gone then. */
  if (sent < 0 && errno == ECONNREFUSED) sent = send(way->to, of->packet, of->length, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent < 0) {
    way->counters[SEND_FAILED] += 1;
    return;
  }
  way->counters[SENT] += 1;
  way->counters[SENT_BYTES] += (double)of->payload;
}

static void send_row(engine *self) {
  for (uint32_t at = 0; at < self->in_row; at++) transmit(&self->row[at]);
  self->in_row = 0;
}

/* The new header stands right before the payload: CSRC list and extension are between the peer and us. */
static void forward(engine *self, direction *way, uint8_t *packet, size_t start, size_t end, int is_event) {
  uint16_t sequence = read16(packet + 2);
  uint32_t timestamp = read32(packet + 4);
  uint8_t marker = packet[1] & 0x80;
  if ((int16_t)(sequence - way->base) < 0) {
    way->counters[LATE] += 1;
    return;
  }
  if (!is_event && way->translates) {
    for (size_t at = start; at < end; at++) packet[at] = way->translation[packet[at]];
  }
  uint8_t *header = packet + start - HEADER_BYTES;
  uint16_t out = (uint16_t)(sequence + way->sequence_offset);
  header[0] = 0x80;
  header[1] = marker | (is_event ? way->event_out : way->audio_out);
  header[2] = (uint8_t)(out >> 8);
  header[3] = (uint8_t)out;
  write32(header + 4, timestamp + way->timestamp_offset);
  write32(header + 8, way->out_ssrc);
  int length = (int)(HEADER_BYTES + end - start);
  if (way->sends_srtp) length = srtp_protect(&way->send, header, HEADER_BYTES, (size_t)length);
  if (length < 0) way->counters[LATE] += 1;
  else self->row[self->in_row++] = (departure){way, header, (size_t)length, end - start};
}

/* False: the packet is for JavaScript, and nothing was changed. `packet` has SRTP_ROOM behind `length`. */
static int relay_packet(engine *self, endpoint *from, uint8_t *packet, size_t length) {
  direction *way = &from->relay->directions[from->side];
  if (length < HEADER_BYTES || packet[0] >> 6 != 2 || (packet[0] & 0x20)) return 0;
  uint8_t type = packet[1] & 0x7f;
  int is_event = type == way->event_in;
  if ((!is_event && type != way->audio_in) || (packet[1] >= 192 && packet[1] <= 223)) return 0;
  if (read32(packet + 8) != way->ssrc) return 0;
  uint16_t sequence = read16(packet + 2);
  int distance = (int16_t)(sequence - way->highest);
  if (distance > DROPOUT_MAX || distance < -DROPOUT_MAX) return 0;
  size_t tag = way->receives_srtp ? way->receive.tag_bytes : 0;
  if (length < HEADER_BYTES + tag) return 0;
  size_t end = length - tag;
  size_t start = payload_start(packet, end);
  if (start == 0 || (!is_event && end - start != FRAME_BYTES)) return 0;

  int64_t at_ns = now_ns();
  if (!has_budget(way, at_ns)) {
    way->counters[RATE] += 1;
    return 1;
  }
  if (way->receives_srtp) {
    int plain = srtp_unprotect(&way->receive, packet, start, length);
    if (plain < 0) {
      way->counters[plain == SRTP_REPLAYED ? REPLAY : AUTHENTICATION] += 1;
      return 1;
    }
  }
  uint32_t timestamp = read32(packet + 4);
  int is_first = !way->has_received;
  way->has_received = 1;
  way->counters[RECEIVED] += 1;
  way->counters[RECEIVED_BYTES] += (double)(end - start);
  way->counters[SILENT_MS] = (double)at_ns;
  if (distance > 0) {
    way->highest = sequence;
    if ((int16_t)(sequence - way->base) > DROPOUT_MAX) way->base = (uint16_t)(sequence - DROPOUT_MAX);
  }
  if (is_first || (int32_t)(timestamp - way->latest_timestamp) > 0) way->latest_timestamp = timestamp;
  if (is_event) queue_record(self, from, RECORD_COPY, packet, end, NULL);
  else count_jitter(way, timestamp, at_ns);
  forward(self, way, packet, start, end, is_event);
  return 1;
}

/* --- the thread */

typedef struct {
  _Alignas(16) uint8_t octets[PACKET_BYTES + SRTP_ROOM];
} buffer;

/* Octets of a direction that each packet reads or writes: up to its counters' end. */
enum { HOT_BYTES = offsetof(direction, translation), CACHE_LINE = 64 };

/* While the kernel hands over the packet, what it will be relayed by comes into the cache: two thirds of the time outside the kernel
 * was waiting for that. */
static void fetch_ahead(const endpoint *at) {
  const char *way = (const char *)&at->relay->directions[at->side];
  for (size_t offset = 0; offset < HOT_BYTES; offset += CACHE_LINE) __builtin_prefetch(way + offset, 1);
}

static void receive(engine *self, uint32_t token, uint8_t *packet) {
  endpoint *at = find(self, token);
  if (!at) return;
  if (at->relay) fetch_ahead(at);
  struct sockaddr_storage source;
  socklen_t source_length = sizeof source;
  source.ss_family = AF_UNSPEC;
  /* On a relay the kernel has checked the source: the socket is connected. */
  ssize_t length = at->relay ? recv(at->fd, packet, PACKET_BYTES, MSG_DONTWAIT)
                             : recvfrom(at->fd, packet, PACKET_BYTES, MSG_DONTWAIT, (struct sockaddr *)&source, &source_length);
  if (length < 0) {
    if (errno == EAGAIN || errno == EINTR) return;
    if (at->relay) at->relay->directions[at->side].counters[SOCKET_ERROR] += 1;
    else queue_record(self, at, RECORD_ERROR, NULL, 0, NULL);
    return;
  }
  if (at->relay) {
    if (relay_packet(self, at, packet, (size_t)length)) return;
    if (getpeername(at->fd, (struct sockaddr *)&source, &source_length) < 0) return;
  }
  queue_record(self, at, RECORD_PACKET, packet, (size_t)length, &source);
}

/* Receives for some of the events, and sends what is to be relayed. Gives how many. */
static int take_row(engine *self, const struct epoll_event *events, int count, buffer *buffers) {
  int taken = 0;
  while (taken < count && self->in_row < ROW) {
    uint64_t what = events[taken++].data.u64;
    if (taken < count) __builtin_prefetch(&self->endpoints[events[taken].data.u64 & 0xffff]);
    if (what != 0) receive(self, (uint32_t)what, buffers[self->in_row].octets);
  }
  send_row(self);
  return taken;
}

/* From so many packets in BUSY_NS on, the thread rests between two looks: to be woken costs as much as a packet does, so several shall
 * gather meanwhile. That takes 6 % off a packet with 1,000 calls on a core, leaves room for signalling, and adds 0.2 ms to the way. */
#define BUSY_NS 10000000
#define BUSY_PACKETS 500
#define REST_NS 100000

typedef struct {
  int64_t since_ns;
  int64_t packets;
  int rests;
} pace;

static void rest(const pace *at) {
  const struct timespec while_others_come = {.tv_nsec = REST_NS};
  if (at->rests) (void)nanosleep(&while_others_come, NULL);
}

static void came(pace *at, int count) {
  int64_t lasted_ns = now_ns() - at->since_ns;
  if (count > 0) at->packets += count;
  if (lasted_ns < BUSY_NS) return;
  at->rests = at->packets * BUSY_NS >= BUSY_PACKETS * lasted_ns;
  at->packets = 0;
  at->since_ns += lasted_ns;
}

static void *run(void *argument) {
  engine *self = argument;
  pace own = {.since_ns = now_ns()};
  struct epoll_event events[EVENTS];
  buffer buffers[ROW];
  const struct sched_param first = {.sched_priority = REAL_TIME};
  /* Where neither is allowed, audio waits for its turn as everything does. */
  if (pthread_setschedparam(pthread_self(), SCHED_RR, &first) != 0)
    (void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICE);
  while (!atomic_load(&self->ends)) {
    rest(&own);
    int count = epoll_wait(self->epoll, events, EVENTS, -1);
    came(&own, count);
    int wakes = 0;
    for (int done = 0; done < count;) {
      pthread_mutex_lock(&self->lock);
      while (atomic_load(&self->waiting) > 0) pthread_cond_wait(&self->nobody_waits, &self->lock);
      done += take_row(self, events + done, count - done, buffers);
      if (self->queued > 0 && !self->is_woken) wakes = self->is_woken = 1;
      leave(self);
    }
    if (wakes) self->wake(self->context);
  }
  return NULL;
}

engine *engine_open(engine_wake wake, void *context, int dscp) {
  engine *self = calloc(1, sizeof *self);
  if (!self) return NULL;
  self->wake = wake;
  self->context = context;
  self->dscp = dscp;
  self->epoll = epoll_create1(EPOLL_CLOEXEC);
  self->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  self->queue_capacity = 65536;
  self->queue = malloc(self->queue_capacity);
  self->drains = 1;
  /* JavaScript goes first while the media thread waits for it to let go. */
  pthread_mutexattr_t kind;
  pthread_mutexattr_init(&kind);
  pthread_mutexattr_setprotocol(&kind, PTHREAD_PRIO_INHERIT);
  pthread_mutex_init(&self->lock, &kind);
  pthread_mutexattr_destroy(&kind);
  pthread_cond_init(&self->nobody_waits, NULL);
  struct epoll_event watch = {.events = EPOLLIN, .data.u64 = 0};
  int is_ready = self->epoll >= 0 && self->bell >= 0 && self->queue &&
                 epoll_ctl(self->epoll, EPOLL_CTL_ADD, self->bell, &watch) == 0;
  self->has_thread = is_ready && pthread_create(&self->thread, NULL, run, self) == 0;
  if (self->has_thread) return self;
  engine_free(self);
  return NULL;
}

static void detach(engine *self, relay *ended) {
  self->relays[ended->number & 0xffff] = NULL;
  for (int side = 0; side < 2; side++) {
    self->endpoints[ended->sockets[side]].relay = NULL;
    srtp_close(&ended->directions[side].receive);
    srtp_close(&ended->directions[side].send);
  }
  free(ended);
}

static void shut(engine *self, endpoint *at) {
  if (at->relay) detach(self, at->relay);
  close(at->fd);
  at->token = 0;
}

void engine_stop(engine *self) {
  if (self->has_thread) {
    uint64_t one = 1;
    atomic_store(&self->ends, 1);
    if (write(self->bell, &one, sizeof one) < 0) { /* it is awake already */
    }
    pthread_join(self->thread, NULL);
    self->has_thread = 0;
  }
  for (uint32_t index = 0; index < self->capacity; index++) {
    if (self->endpoints[index].token != 0) shut(self, &self->endpoints[index]);
  }
  self->queued = 0;
}

void engine_free(engine *self) {
  engine_stop(self);
  if (self->epoll >= 0) close(self->epoll);
  if (self->bell >= 0) close(self->bell);
  pthread_cond_destroy(&self->nobody_waits);
  pthread_mutex_destroy(&self->lock);
  free(self->endpoints);
  free(self->relays);
  free(self->queue);
  free(self);
}

/* --- calls of the JavaScript thread */

/* A place in an array of `size` octets each, doubled when it is full; -1 when it cannot grow. Under the lock. */
static int64_t grow(void **array, uint32_t *capacity, size_t size) {
  uint32_t larger = *capacity ? *capacity * 2 : 64;
  if (larger > SOCKETS_MAX) return -1;
  uint8_t *moved = realloc(*array, larger * size);
  if (!moved) return -1;
  memset(moved + *capacity * size, 0, (larger - *capacity) * size);
  int64_t first = *capacity;
  *array = moved;
  *capacity = larger;
  return first;
}

static int64_t free_endpoint(engine *self) {
  for (uint32_t index = 0; index < self->capacity; index++) {
    if (self->endpoints[index].token == 0) return index;
  }
  return grow((void **)&self->endpoints, &self->capacity, sizeof *self->endpoints);
}

static int64_t free_relay(engine *self) {
  for (uint32_t index = 0; index < self->relay_capacity; index++) {
    if (!self->relays[index]) return index;
  }
  return grow((void **)&self->relays, &self->relay_capacity, sizeof *self->relays);
}

static int open_socket(const struct sockaddr *address, socklen_t length, int dscp) {
  int fd = socket(address->sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  int one = 1, size = RECEIVE_BUFFER_BYTES, class = dscp << 2; /* RFC 2474 3: the upper six bits */
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  /* A host that does not let us mark packets lets us send them all the same. */
  if (address->sa_family == AF_INET6) {
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &class, sizeof class);
  } else {
    setsockopt(fd, IPPROTO_IP, IP_TOS, &class, sizeof class);
  }
  if (bind(fd, address, length) == 0) return fd;
  int error = errno;
  close(fd);
  errno = error;
  return -1;
}

uint32_t engine_bind(engine *self, const struct sockaddr *address, socklen_t length) {
  int fd = open_socket(address, length, self->dscp);
  if (fd < 0) return 0;
  enter(self);
  int64_t index = self->has_thread ? free_endpoint(self) : -1;
  uint32_t token = 0;
  int error = ENOMEM;
  if (index >= 0) {
    endpoint *at = &self->endpoints[index];
    uint16_t uses = (uint16_t)(at->uses + 1);
    if (uses == 0) uses = 1;
    token = (uint32_t)uses << 16 | (uint32_t)index;
    *at = (endpoint){.token = token, .uses = uses, .fd = fd};
    struct epoll_event watch = {.events = EPOLLIN, .data.u64 = token};
    if (epoll_ctl(self->epoll, EPOLL_CTL_ADD, fd, &watch) < 0) {
      error = errno;
      at->token = token = 0;
    }
  }
  leave(self);
  if (token != 0) return token;
  close(fd);
  errno = error;
  return 0;
}

void engine_close(engine *self, uint32_t token) {
  enter(self);
  endpoint *at = find(self, token);
  if (at) shut(self, at);
  leave(self);
}

/* Only this thread opens and closes sockets: their file descriptors need no lock here. */
int engine_send(engine *self, uint32_t token, const uint8_t *packet, size_t length, const struct sockaddr *address,
                socklen_t address_length) {
  endpoint *at = find(self, token);
  if (!at) return 0;
  ssize_t sent = sendto(at->fd, packet, length, MSG_DONTWAIT | MSG_NOSIGNAL, address, address_length);
  if (sent < 0 && errno == ECONNREFUSED) {
    sent = sendto(at->fd, packet, length, MSG_DONTWAIT | MSG_NOSIGNAL, address, address_length);
  }
  return sent >= 0;
}

int engine_connect(engine *self, uint32_t token, const struct sockaddr *address, socklen_t length) {
  struct sockaddr nobody = {.sa_family = AF_UNSPEC};
  endpoint *at = find(self, token);
  if (!at) return 0;
  return connect(at->fd, address ? address : &nobody, address ? length : sizeof nobody) == 0;
}

static double read_double(const uint8_t *at) {
  double value;
  memcpy(&value, at, sizeof value);
  return value;
}

static uint32_t native32(const uint8_t *at) {
  uint32_t value;
  memcpy(&value, at, sizeof value);
  return value;
}

static uint16_t native16(const uint8_t *at) {
  uint16_t value;
  memcpy(&value, at, sizeof value);
  return value;
}

/* tag size (1), cipher key (16), authentication key (20), salt (14), at 56: highest index (8), window low (4), high (4). */
static int read_crypto(srtp_context *context, const uint8_t *at) {
  uint64_t window = (uint64_t)native32(at + 68) << 32 | native32(at + 64);
  return srtp_open(context, at + 1, at + 17, at + 37, at[0], (int64_t)read_double(at + 56), window);
}

/* In the order of this machine; the layout stands in native-path.ts. */
static int read_direction(direction *way, const uint8_t *at) {
  way->ssrc = native32(at);
  way->highest = native16(at + 4);
  way->base = native16(at + 6);
  way->sequence_offset = native16(at + 8);
  way->audio_in = at[10];
  way->audio_out = at[11];
  way->event_in = at[12];
  way->event_out = at[13];
  way->translates = at[14] & 1;
  way->receives_srtp = at[14] >> 1 & 1;
  way->sends_srtp = at[14] >> 2 & 1;
  way->timestamp_offset = native32(at + 16);
  way->out_ssrc = native32(at + 20);
  way->per_second = native16(at + 24);
  way->burst = native16(at + 26);
  memcpy(way->translation, at + 32, sizeof way->translation);
  way->tokens = way->burst;
  way->last_ns = now_ns();
  if (way->receives_srtp && !read_crypto(&way->receive, at + 288)) return 0;
  return !way->sends_srtp || read_crypto(&way->send, at + 368);
}

uint32_t engine_take(engine *self, const uint32_t tokens[2], const uint8_t directions[2][DIRECTION_BYTES]) {
  relay *made = calloc(1, sizeof *made);
  if (!made) return 0;
  int is_ready = read_direction(&made->directions[0], directions[0]) && read_direction(&made->directions[1], directions[1]);
  enter(self);
  endpoint *ends[2] = {find(self, tokens[0]), find(self, tokens[1])};
  for (int side = 0; side < 2; side++) {
    is_ready = is_ready && ends[side] && !ends[side]->relay && ends[side]->queued_at != self->drains;
  }
  int64_t index = is_ready && ends[0] != ends[1] ? free_relay(self) : -1;
  if (index >= 0) {
    self->last_relay = (self->last_relay + 1) & 0xffff;
    if (self->last_relay == 0) self->last_relay = 1;
    made->number = self->last_relay << 16 | (uint32_t)index;
    for (uint8_t side = 0; side < 2; side++) {
      made->sockets[side] = tokens[side] & 0xffff;
      made->directions[side].to = ends[1 - side]->fd;
      ends[side]->relay = made;
      ends[side]->side = side;
    }
    self->relays[index] = made;
  }
  uint32_t number = index >= 0 ? made->number : 0;
  leave(self);
  if (number == 0) {
    for (int side = 0; side < 2; side++) {
      srtp_close(&made->directions[side].receive);
      srtp_close(&made->directions[side].send);
    }
    free(made);
  }
  return number;
}

static void read_counters(const direction *way, int64_t at_ns, double *into) {
  memcpy(into, way->counters, sizeof way->counters);
  into[SILENT_MS] = way->has_received ? ((double)at_ns - way->counters[SILENT_MS]) / 1e6 : -1;
  into[HIGHEST_SEQUENCE] = way->highest;
  into[LATEST_TIMESTAMP] = way->latest_timestamp;
  into[RECEIVE_INDEX] = (double)way->receive.highest;
  into[WINDOW_LOW] = (double)(uint32_t)way->receive.window;
  into[WINDOW_HIGH] = (double)(uint32_t)(way->receive.window >> 32);
  into[SEND_INDEX] = (double)way->send.highest;
}

int engine_counters(engine *self, uint32_t number, double counters[2 * COUNTER_FIELDS], int ends) {
  uint32_t index = number & 0xffff;
  enter(self);
  relay *of = index < self->relay_capacity ? self->relays[index] : NULL;
  int is_found = of && of->number == number;
  if (is_found) {
    int64_t at_ns = now_ns();
    for (int side = 0; side < 2; side++) read_counters(&of->directions[side], at_ns, counters + side * COUNTER_FIELDS);
    if (ends) detach(self, of);
  }
  leave(self);
  return is_found;
}
