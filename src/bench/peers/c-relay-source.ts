// A relay in C as a reference, compiled where a compiler is installed: connected sockets and epoll, receive and send, nothing else.
// It looks into no packet; so near to the floor of what user space can do that distance from it tells how much is left to gain.

export const C_RELAY_SOURCE = `
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* Input: lines "port-a peer-a port-b peer-b", then end of file. What comes to port-a from peer-a leaves port-b to peer-b, and back. */

static int connected(int port, int peer) {
  struct sockaddr_in own = {.sin_family = AF_INET, .sin_port = htons(port)};
  struct sockaddr_in other = {.sin_family = AF_INET, .sin_port = htons(peer)};
  own.sin_addr.s_addr = other.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  int size = 65536;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  if (fd < 0 || bind(fd, (struct sockaddr *)&own, sizeof own) < 0 || connect(fd, (struct sockaddr *)&other, sizeof other) < 0) {
    perror("socket");
    exit(1);
  }
  return fd;
}

int main(void) {
  static int far_side[65536];
  int poll = epoll_create1(0), port_a, peer_a, port_b, peer_b;
  while (scanf("%d %d %d %d", &port_a, &peer_a, &port_b, &peer_b) == 4) {
    int a = connected(port_a, peer_a), b = connected(port_b, peer_b);
    if (a >= 65536 || b >= 65536) return 1;
    far_side[a] = b;
    far_side[b] = a;
    struct epoll_event watch = {.events = EPOLLIN, .data.fd = a};
    epoll_ctl(poll, EPOLL_CTL_ADD, a, &watch);
    watch.data.fd = b;
    epoll_ctl(poll, EPOLL_CTL_ADD, b, &watch);
  }
  puts("ready");
  fflush(stdout);
  static char packet[2048];
  struct epoll_event events[256];
  for (;;) {
    int count = epoll_wait(poll, events, 256, -1);
    for (int index = 0; index < count; index++) {
      int fd = events[index].data.fd;
      ssize_t length = recv(fd, packet, sizeof packet, 0);
      if (length > 0) send(far_side[fd], packet, length, 0);
    }
  }
}
`;
