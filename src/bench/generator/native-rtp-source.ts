// The RTP of the generator once more, in C: compiled into a temporary folder where a compiler is installed. The one in TypeScript needs
// about a core for 1,000 calls, as much as the relay that it measures; this one a quarter. For relayed calls only (stamped packets), with
// SRTP where OpenSSL's library lies on the machine; all else, and machines without a compiler, use TypeScript. Both count alike, but for
// when a packet came: here the kernel says it. A generator that is busy reads what has come when it gets to it, up to a millisecond
// later; that is no latency of a relay.
//
//   stdin    add N SOCKET PORT [OURS THEIRS] · del N · clear · begin · end · report       OURS, THEIRS   session keys of SRTP: cipher,
//   stdout   ready | ready srtp · one line of JSON for each report                                       authentication, salt, in hex
//
// It is compiled together with the SRTP of the native media engine (srtp.c).

import { NATIVE_HISTOGRAM_SOURCE } from './native-histogram-source.ts';

export const NATIVE_RTP_SOURCE = `
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "srtp.h"

/* Phones do not speak at the same time: each stream has its own tenth of a millisecond of the 20 ms. */
#define SLOTS 200
#define SLOT_MS 0.1
#define SLOTS_AT_ONCE 40
#define REMEMBERED 256
#define BATCH 64
#define PACKET 172
#define MAX_SOCKETS 64
#define CATCH_UP 100

typedef struct {
  int socket, slot, place, port, secure;
  srtp_context ours, theirs;
  struct sockaddr_in remote;
  uint32_t number, next, first, end, sent_before;
  int64_t last;
  uint64_t arrived;
  double jitter, transit;
  double sent_at[REMEMBERED];
  unsigned char packet[PACKET + SRTP_ROOM];
} stream;

${NATIVE_HISTOGRAM_SOURCE}
static stream **streams;
static uint32_t stream_room;
static stream **slots[SLOTS];
static uint32_t slot_count[SLOTS], slot_room[SLOTS];
static int sockets[MAX_SOCKETS], socket_count;
/* Who sends to this port of the gateway: what comes from there is for it. */
static stream *by_port[1 << 16];
/* Streams with SRTP. Without any, nobody asks where a packet comes from. */
static int secured;
static int measuring;
static uint64_t received;
static histogram latency, late;
static double begun_at;

static double now_ms(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1e3 + time.tv_nsec / 1e6;
}

/* The clock of the kernel's own time stamps (SO_TIMESTAMPNS). */
static double stamp_ms(void) {
  struct timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  return time.tv_sec * 1e3 + time.tv_nsec / 1e6;
}

static double cpu_ms(void) {
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  return (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e3 + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e3;
}

static void put32(unsigned char *at, uint32_t value) {
  at[0] = value >> 24; at[1] = value >> 16; at[2] = value >> 8; at[3] = value;
}
static uint32_t get32(const unsigned char *at) {
  return (uint32_t)at[0] << 24 | at[1] << 16 | at[2] << 8 | at[3];
}

/* Cipher key, authentication key and salt, in hex. */
static int open_srtp(srtp_context *context, const char *hex) {
  enum { BYTES = SRTP_CIPHER_KEY + SRTP_AUTH_KEY + SRTP_SALT };
  unsigned char keys[BYTES];
  unsigned octet;
  for (int at = 0; at < BYTES; at++) {
    if (sscanf(hex + 2 * at, "%2x", &octet) != 1) return 0;
    keys[at] = octet;
  }
  return srtp_open(context, keys, keys + SRTP_CIPHER_KEY, keys + SRTP_CIPHER_KEY + SRTP_AUTH_KEY, 10, -1, 0);
}

static void add(uint32_t number, int socket, int port, const char *ours, const char *theirs) {
  if (socket < 0 || socket >= socket_count || number > 1000000 || port < 1 || port > 65535) return;
  if (number >= stream_room) {
    uint32_t room = number * 2 + 64;
    streams = realloc(streams, room * sizeof *streams);
    memset(streams + stream_room, 0, (room - stream_room) * sizeof *streams);
    stream_room = room;
  }
  if (streams[number]) return;
  stream *one = calloc(1, sizeof *one);
  streams[number] = one;
  int slot = 0;
  for (int other = 1; other < SLOTS; other++) if (slot_count[other] < slot_count[slot]) slot = other;
  if (slot_count[slot] == slot_room[slot]) {
    slot_room[slot] = slot_room[slot] * 2 + 64;
    slots[slot] = realloc(slots[slot], slot_room[slot] * sizeof **slots);
  }
  one->number = number;
  one->socket = socket;
  one->slot = slot;
  one->place = slot_count[slot];
  slots[slot][slot_count[slot]++] = one;
  one->remote.sin_family = AF_INET;
  one->remote.sin_port = htons(port);
  one->remote.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  one->end = UINT32_MAX;
  one->last = -1;
  one->transit = -1;
  one->packet[0] = 0x80;
  put32(one->packet + 8, 0x5eed0000u + number * 2654435761u);
  memset(one->packet + 12, 0xff, PACKET - 12);
  one->port = port;
  by_port[port] = one;
  one->secure = ours[0] && open_srtp(&one->ours, ours) && open_srtp(&one->theirs, theirs);
  secured += one->secure;
}

static void del(uint32_t number) {
  stream *one = number < stream_room ? streams[number] : NULL;
  if (!one) return;
  stream *last = slots[one->slot][--slot_count[one->slot]];
  slots[one->slot][one->place] = last;
  last->place = one->place;
  streams[number] = NULL;
  if (by_port[one->port] == one) by_port[one->port] = NULL;
  secured -= one->secure;
  srtp_close(&one->ours);
  srtp_close(&one->theirs);
  free(one);
}

static void flush_batch(int socket, struct mmsghdr *messages, int length) {
  int done = 0;
  while (done < length) {
    int sent = sendmmsg(sockets[socket], messages + done, length - done, 0);
    /* What the kernel does not take is lost, as on a wire; an error that is told late belongs to an earlier packet. */
    done += sent > 0 ? sent : 1;
  }
}

static void send_slot(int slot, double due) {
  static struct mmsghdr messages[MAX_SOCKETS][BATCH];
  static struct iovec pieces[MAX_SOCKETS][BATCH];
  static int lengths[MAX_SOCKETS];
  for (uint32_t at = 0; at < slot_count[slot]; at++) {
    stream *one = slots[slot][at];
    uint32_t number = one->next++;
    one->packet[2] = number >> 8;
    one->packet[3] = number;
    put32(one->packet + 4, number * 160u);
    put32(one->packet + 12, one->number);
    put32(one->packet + 16, number);
    int length = PACKET;
    if (one->secure) {
      /* Enciphered in place: what was sent before is no longer there. */
      memset(one->packet + 20, 0xff, PACKET - 20);
      length = srtp_protect(&one->ours, one->packet, 12, PACKET);
      if (length < 0) continue;
    }
    one->sent_at[number & (REMEMBERED - 1)] = stamp_ms();
    if (measuring) count(&late, now_ms() - due);
    int socket = one->socket, index = lengths[socket]++;
    pieces[socket][index] = (struct iovec){.iov_base = one->packet, .iov_len = length};
    memset(&messages[socket][index], 0, sizeof(struct mmsghdr));
    messages[socket][index].msg_hdr = (struct msghdr){.msg_name = &one->remote, .msg_namelen = sizeof one->remote,
                                                      .msg_iov = &pieces[socket][index], .msg_iovlen = 1};
    if (lengths[socket] == BATCH) {
      flush_batch(socket, messages[socket], BATCH);
      lengths[socket] = 0;
    }
  }
  for (int socket = 0; socket < socket_count; socket++) {
    if (lengths[socket] > 0) flush_batch(socket, messages[socket], lengths[socket]);
    lengths[socket] = 0;
  }
}

static void take(unsigned char *packet, int length, int port, double arrived) {
  stream *own = secured ? by_port[port] : NULL;
  if (own && own->secure) length = srtp_unprotect(&own->theirs, packet, 12, length);
  if (length < 20 || packet[0] >> 6 != 2) return;
  if (measuring) received++;
  uint32_t number = get32(packet + 12), index = get32(packet + 16);
  stream *one = number < stream_room ? streams[number] : NULL;
  if (!one || (int64_t)index <= one->last || index >= one->next) return;
  one->last = index;
  if (index < one->first || index >= one->end) return;
  double transit = arrived - one->sent_at[index & (REMEMBERED - 1)];
  one->arrived++;
  count(&latency, transit);
  if (one->transit >= 0) {
    double difference = transit > one->transit ? transit - one->transit : one->transit - transit;
    one->jitter += (difference - one->jitter) / 16;
  }
  one->transit = transit;
}

/* When the kernel had the packet; without its word, now. */
static double arrived_ms(struct msghdr *message) {
  for (struct cmsghdr *each = CMSG_FIRSTHDR(message); each; each = CMSG_NXTHDR(message, each)) {
    struct timespec time;
    if (each->cmsg_level != SOL_SOCKET || each->cmsg_type != SCM_TIMESTAMPNS) continue;
    memcpy(&time, CMSG_DATA(each), sizeof time);
    return time.tv_sec * 1e3 + time.tv_nsec / 1e6;
  }
  return stamp_ms();
}

static void receive(int socket) {
  static unsigned char packets[BATCH][256];
  static union { char bytes[CMSG_SPACE(sizeof(struct timespec))]; struct cmsghdr align; } controls[BATCH];
  static struct sockaddr_in from[BATCH];
  static struct iovec pieces[BATCH];
  static struct mmsghdr messages[BATCH];
  for (int index = 0; index < BATCH; index++) {
    pieces[index] = (struct iovec){.iov_base = packets[index], .iov_len = sizeof packets[index]};
    memset(&messages[index], 0, sizeof messages[index]);
    messages[index].msg_hdr = (struct msghdr){.msg_name = secured ? &from[index] : NULL, .msg_iov = &pieces[index], .msg_iovlen = 1};
    messages[index].msg_hdr.msg_control = &controls[index];
  }
  for (int round = 0; round < 4; round++) {
    for (int index = 0; index < BATCH; index++) {
      messages[index].msg_hdr.msg_controllen = sizeof controls[index];
      messages[index].msg_hdr.msg_namelen = secured ? sizeof from[index] : 0;
    }
    int taken = recvmmsg(sockets[socket], messages, BATCH, MSG_DONTWAIT, NULL);
    if (taken <= 0) return;
    for (int index = 0; index < taken; index++)
      take(packets[index], messages[index].msg_len, ntohs(from[index].sin_port), arrived_ms(&messages[index].msg_hdr));
    if (taken < BATCH) return;
  }
}

static void begin(void) {
  memset(&latency, 0, sizeof latency);
  memset(&late, 0, sizeof late);
  received = 0;
  for (uint32_t number = 0; number < stream_room; number++) {
    stream *one = streams[number];
    if (!one) continue;
    one->first = one->next;
    one->end = UINT32_MAX;
    one->arrived = 0;
    one->jitter = 0;
    one->transit = -1;
  }
  measuring = 1;
  begun_at = cpu_ms();
}

static double used;

static void end(void) {
  measuring = 0;
  used = cpu_ms() - begun_at;
  for (uint32_t number = 0; number < stream_room; number++) if (streams[number]) streams[number]->end = streams[number]->next;
}

static void report(void) {
  uint64_t sent = 0, lost = 0, heard = 0;
  double jitter = 0, worst = 0;
  for (uint32_t number = 0; number < stream_room; number++) {
    stream *one = streams[number];
    if (!one) continue;
    uint64_t expected = (one->end < one->next ? one->end : one->next) - one->first;
    sent += expected;
    if (expected > one->arrived) lost += expected - one->arrived;
    if (one->arrived == 0) continue;
    heard++;
    jitter += one->jitter;
    if (one->jitter > worst) worst = one->jitter;
  }
  printf("{\\"sent\\":%llu,\\"lost\\":%llu,\\"received\\":%llu,\\"jitterMs\\":%f,\\"worstJitterMs\\":%f,\\"cpuMs\\":%f,",
         (unsigned long long)sent, (unsigned long long)lost, (unsigned long long)received, heard ? jitter / heard : 0, worst, used);
  print_spread("latencyMs", &latency);
  printf(",");
  print_spread("lateMs", &late);
  printf("}\\n");
  fflush(stdout);
}

static void obey(const char *line) {
  unsigned number;
  int socket, port;
  char ours[128] = "", theirs[128] = "";
  if (sscanf(line, "add %u %d %d %127s %127s", &number, &socket, &port, ours, theirs) >= 3) add(number, socket, port, ours, theirs);
  else if (sscanf(line, "del %u", &number) == 1) del(number);
  else if (!strncmp(line, "clear", 5)) for (uint32_t each = 0; each < stream_room; each++) del(each);
  else if (!strncmp(line, "begin", 5)) begin();
  else if (!strncmp(line, "end", 3)) end();
  else if (!strncmp(line, "report", 6)) report();
}

static char input[1 << 16];
static size_t input_length;

/* 0 = the other side is gone. */
static int read_commands(void) {
  ssize_t length = read(0, input + input_length, sizeof input - input_length - 1);
  if (length == 0) return 0;
  if (length < 0) return 1;
  input_length += length;
  input[input_length] = 0;
  char *from = input, *line_end;
  while ((line_end = strchr(from, '\\n'))) {
    *line_end = 0;
    obey(from);
    from = line_end + 1;
  }
  input_length -= from - input;
  memmove(input, from, input_length);
  return input_length < sizeof input - 1;
}

int main(int argc, char **argv) {
  int poll = epoll_create1(0), size = 4 << 20;
  /* srtp.c looks for its functions in all that is loaded. */
  if (!dlopen("libcrypto.so.3", RTLD_NOW | RTLD_GLOBAL)) dlopen("libcrypto.so", RTLD_NOW | RTLD_GLOBAL);
  /* Where it is allowed: on its core, what sends and takes the times goes first. A sender that waits for others sends all that was
     due at once, and a relay that is given 50 packets in place of one is later with the last of them: half of its p99 was that. */
  struct sched_param lowest = {.sched_priority = 1};
  if (sched_setscheduler(0, SCHED_RR, &lowest) < 0) setpriority(PRIO_PROCESS, 0, -10);
  for (int index = 1; index < argc && socket_count < MAX_SOCKETS; index++) {
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[index]))};
    own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    int stamps = 1;
    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &stamps, sizeof stamps);
    if (bind(fd, (struct sockaddr *)&own, sizeof own) < 0) {
      perror("bind");
      return 1;
    }
    struct epoll_event watch = {.events = EPOLLIN, .data.u32 = socket_count};
    epoll_ctl(poll, EPOLL_CTL_ADD, fd, &watch);
    sockets[socket_count++] = fd;
  }
  int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  struct itimerspec every = {.it_interval = {.tv_nsec = 100000}, .it_value = {.tv_nsec = 100000}};
  timerfd_settime(timer, 0, &every, NULL);
  fcntl(0, F_SETFL, O_NONBLOCK);
  struct epoll_event watch = {.events = EPOLLIN, .data.u32 = 1000};
  epoll_ctl(poll, EPOLL_CTL_ADD, timer, &watch);
  watch.data.u32 = 1001;
  epoll_ctl(poll, EPOLL_CTL_ADD, 0, &watch);
  puts(srtp_available() ? "ready srtp" : "ready");
  fflush(stdout);
  double started = now_ms();
  int64_t slot = 0;
  struct epoll_event events[MAX_SOCKETS + 2];
  for (;;) {
    int ready = epoll_wait(poll, events, MAX_SOCKETS + 2, -1);
    for (int index = 0; index < ready; index++) {
      uint32_t which = events[index].data.u32;
      uint64_t expirations;
      if (which == 1001 && !read_commands()) return 0;
      if (which == 1000 && read(timer, &expirations, sizeof expirations) < 0) continue;
      if (which < 1000) receive(which);
    }
    double now = now_ms();
    double behind = now - (started + slot * SLOT_MS);
    if (behind > CATCH_UP) {
      if (measuring) count(&late, behind);
      slot += (int64_t)((behind - CATCH_UP) / SLOT_MS);
    }
    /* Some slots, then what has come is read: sending shall not starve receiving. */
    for (int turn = 0; turn < SLOTS_AT_ONCE && started + slot * SLOT_MS <= now; turn++, slot++)
      send_slot(slot % SLOTS, started + slot * SLOT_MS);
  }
}
`;
