// The sender with its receiver, and the relay in C, of kernel-relay.ts.

export const RELAY_PROGRAM = `
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static struct epoll_event events[256];
static char packet[2048];
static long relayed;
static double ready_at;

static void fail(const char *what) { perror(what); exit(1); }

static double micros(void) {
  struct rusage use;
  getrusage(RUSAGE_SELF, &use);
  return (use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1e6 + use.ru_utime.tv_usec + use.ru_stime.tv_usec;
}

static void enter(const char *network) {
  char path[256];
  snprintf(path, sizeof path, "/var/run/netns/%s", network);
  int fd = open(path, O_RDONLY);
  if (fd < 0 || setns(fd, CLONE_NEWNET) < 0) fail(path);
  close(fd);
}

static struct sockaddr_in at(const char *address, int port) {
  struct sockaddr_in place = {.sin_family = AF_INET, .sin_port = htons(port)};
  if (inet_pton(AF_INET, address, &place.sin_addr) != 1) fail(address);
  return place;
}

static int bound(const char *address, int port) {
  struct sockaddr_in own = at(address, port);
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&own, sizeof own) < 0) fail("bind");
  return fd;
}

static int connected(const char *address, int port, const char *peer, int peer_port) {
  struct sockaddr_in other = at(peer, peer_port);
  int fd = bound(address, port);
  if (connect(fd, (struct sockaddr *)&other, sizeof other) < 0) fail("connect");
  return fd;
}

static void watch(int poll, int fd) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  if (epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event) < 0) fail("epoll");
}

static long drain(int poll) {
  long count = 0;
  for (int ready; (ready = epoll_wait(poll, events, 256, 0)) > 0;)
    for (int index = 0; index < ready; index++)
      while (recv(events[index].data.fd, packet, sizeof packet, 0) > 0) count++;
  return count;
}

/* send <network> <own> <gateway> <network of the receiver> <its address> <its first port> <flows> <seconds> */
static void send_all(char **word) {
  int flows = atoi(word[6]), seconds = atoi(word[7]), poll = epoll_create1(0);
  int *fds = calloc(flows, sizeof *fds);
  enter(word[0]);
  for (int index = 0; index < flows; index++) fds[index] = connected(word[1], 30000 + index, word[2], 20000 + index);
  enter(word[3]);
  for (int index = 0; index < flows; index++) watch(poll, bound(word[4], atoi(word[5]) + index));
  unsigned char frame[172] = {0x80, 0, 0, 0, 0, 0, 0, 0, 0x11, 0x22, 0x33, 0x44};
  struct timespec next;
  long sent = 0, received = 0;
  clock_gettime(CLOCK_MONOTONIC, &next);
  double begin = micros();
  for (int tick = 0; tick < seconds * 50; tick++) {
    frame[2] = tick >> 8;
    frame[3] = tick;
    for (int index = 0; index < flows; index++) {
      if (send(fds[index], frame, sizeof frame, 0) > 0) sent++;
      if (index % 16 == 15) received += drain(poll);
    }
    next.tv_nsec += 20000000;
    if (next.tv_nsec >= 1000000000) next.tv_nsec -= 1000000000, next.tv_sec++;
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, 0);
    received += drain(poll);
  }
  printf("%ld %ld %.0f\\n", sent, received, micros() - begin);
}

static void stop(int signal) {
  (void)signal;
  printf("%ld %.0f\\n", relayed, micros() - ready_at);
  fflush(stdout);
  _exit(0);
}

/* relay <own a> <peer a> <own b> <peer b> <flows> */
static void relay_all(char **word) {
  static int far_side[65536];
  int flows = atoi(word[4]), poll = epoll_create1(0);
  for (int index = 0; index < flows; index++) {
    int a = connected(word[0], 20000 + index, word[1], 30000 + index);
    far_side[a] = connected(word[2], 20000 + index, word[3], 30000 + index);
    watch(poll, a);
  }
  signal(SIGTERM, stop);
  puts("ready");
  ready_at = micros();
  fflush(stdout);
  for (;;) {
    int ready = epoll_wait(poll, events, 256, -1);
    for (int index = 0; index < ready; index++) {
      int fd = events[index].data.fd;
      ssize_t length = recv(fd, packet, sizeof packet, 0);
      if (length > 0 && send(far_side[fd], packet, length, 0) > 0) relayed++;
    }
  }
}

int main(int count, char **word) {
  if (count == 10 && strcmp(word[1], "send") == 0) send_all(word + 2);
  else if (count == 7 && strcmp(word[1], "relay") == 0) relay_all(word + 2);
  else return 2;
  return 0;
}
`;
