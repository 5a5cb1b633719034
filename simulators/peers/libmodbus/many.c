/* Many independent Modbus TCP servers on libmodbus in one process, for the benches.
 *
 * usage: many SERVERS REGISTERS DELAY_MS [UNIT]
 * Prints one port of 127.0.0.1 a line, then "ready".  Every server has REGISTERS holding registers:
 * number 0 counts up ten times a second (the life signal), every other one moves once a second.
 * An answer leaves DELAY_MS after its request, as a PLC answers at the end of its cycle; one request
 * a connection at a time.  stdin: "counts" prints requests and refused writes; "late" prints how
 * late requests came since the last "late" (us: their number, median, p99, largest), each against
 * the earliest of the same server and address modulo one second.  Ends when stdin ends.
 * A write is never carried out, only counted: a gateway that reads has no business with it.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <modbus/modbus.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FDS 8192

struct slot {
    int server;                               /* whose registers; -1 = a listener or stdin */
    int64_t due_ns;                           /* 0 = nothing to answer */
    int length;
    uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
};

static struct pollfd fds[FDS];
static struct slot slots[FDS];
static int used;
static modbus_mapping_t **maps;
static long requests, writes;

#define ARRIVALS (1 << 20)
static struct arrival {
    uint32_t key;                             /* server << 16 | start address */
    int32_t phase_us;                         /* of the monotonic clock, modulo one second */
} arrivals[ARRIVALS];
static long arrived;

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void add(int fd, int server) {
    if (used == FDS) {
        close(fd);
        return;
    }
    fds[used] = (struct pollfd){.fd = fd, .events = POLLIN};
    slots[used].server = server;
    slots[used].due_ns = 0;
    used++;
}

static void drop(int at) {
    close(fds[at].fd);
    used--;
    fds[at] = fds[used];
    slots[at] = slots[used];
}

static int listen_on_loopback(int server) {
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof name;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&name, sizeof name) != 0 || listen(fd, 64) != 0 ||
        getsockname(fd, (struct sockaddr *)&name, &length) != 0)
        return -1;
    printf("%d\n", ntohs(name.sin_port));
    add(fd, server);
    return 0;
}

static void answer(modbus_t *ctx, int at) {
    struct slot *slot = &slots[at];
    int function = slot->query[7];
    slot->due_ns = 0;
    requests++;
    modbus_set_socket(ctx, fds[at].fd);
    if (function == 5 || function == 6 || function == 15 || function == 16 || function >= 22) {
        writes++;
        modbus_reply_exception(ctx, slot->query, MODBUS_EXCEPTION_ILLEGAL_FUNCTION);
        return;
    }
    modbus_reply(ctx, slot->query, slot->length, maps[slot->server]);
}

static int by_key(const void *a, const void *b) {
    const struct arrival *x = a, *y = b;
    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    return x->phase_us - y->phase_us;
}

static int by_size(const void *a, const void *b) { return *(const int32_t *)a - *(const int32_t *)b; }

static void lateness(void) {
    static int32_t late[ARRIVALS];
    qsort(arrivals, (size_t)arrived, sizeof *arrivals, by_key);
    for (long low = 0, high; low < arrived; low = high) {
        int32_t gap = 0, first = arrivals[low].phase_us;
        for (high = low + 1; high < arrived && arrivals[high].key == arrivals[low].key; high++) {
            int32_t step = arrivals[high].phase_us - arrivals[high - 1].phase_us;
            if (step > gap) gap = step, first = arrivals[high].phase_us;
        }
        if (1000000 - arrivals[high - 1].phase_us + arrivals[low].phase_us >= gap)
            first = arrivals[low].phase_us;   /* the widest hole on the circle ends at the earliest */
        for (long i = low; i < high; i++)
            late[i] = (arrivals[i].phase_us - first + 1000000) % 1000000;
    }
    qsort(late, (size_t)arrived, sizeof *late, by_size);
    if (arrived == 0) printf("0 0 0 0\n");
    else printf("%ld %d %d %d\n", arrived, late[arrived / 2], late[arrived * 99 / 100], late[arrived - 1]);
    arrived = 0;
}

static int take(modbus_t *ctx, int at, int64_t delay_ns) {
    modbus_set_socket(ctx, fds[at].fd);
    int n = modbus_receive(ctx, slots[at].query);
    if (n < 0) {
        drop(at);
        return 0;
    }
    slots[at].length = n;
    if (n > 10 && arrived < ARRIVALS) {
        uint32_t start = (uint32_t)slots[at].query[8] << 8 | slots[at].query[9];
        arrivals[arrived].key = (uint32_t)slots[at].server << 16 | start;
        arrivals[arrived++].phase_us = (int32_t)(now_ns() / 1000 % 1000000);
    }
    if (n > 0 && delay_ns > 0) slots[at].due_ns = now_ns() + delay_ns;
    if (n > 0 && delay_ns == 0) answer(ctx, at);
    return 1;
}

static void move(int servers, int registers, long tick) {
    for (int s = 0; s < servers; s++) {
        uint16_t *values = maps[s]->tab_registers;
        values[0]++;
        for (int r = 1; tick % 10 == s % 10 && r < registers; r++)
            values[r] = (uint16_t)(1000 + r + (tick * 7 + r * 13) % 11);
    }
}

int main(int argc, char **argv) {
    if (argc < 4) return 2;
    int servers = atoi(argv[1]), registers = atoi(argv[2]);
    int64_t delay_ns = atoll(argv[3]) * 1000000, next_ns = now_ns();
    modbus_t *ctx = modbus_new_tcp("127.0.0.1", 0);
    maps = calloc((size_t)servers, sizeof *maps);
    if (ctx == NULL || maps == NULL || servers * 2 + 1 > FDS) return 1;
    modbus_set_slave(ctx, argc > 4 ? atoi(argv[4]) : 1);
    setvbuf(stdin, NULL, _IONBF, 0);
    setvbuf(stdout, NULL, _IOLBF, 0);
    add(0, -1);
    for (int s = 0; s < servers; s++) {
        maps[s] = modbus_mapping_new(1, 1, registers, 1);
        if (maps[s] == NULL || listen_on_loopback(s) != 0) return 1;
    }
    int listeners = used;
    printf("ready\n");
    for (long tick = 0;;) {
        int64_t now = now_ns(), wake = next_ns;
        if (now >= next_ns) {
            move(servers, registers, tick++);
            next_ns += 100000000;
            wake = next_ns;
        }
        for (int i = listeners; i < used; i++) {
            if (slots[i].due_ns && slots[i].due_ns <= now) answer(ctx, i);
            if (slots[i].due_ns && slots[i].due_ns < wake) wake = slots[i].due_ns;
        }
        struct timespec wait = {0, wake > now ? (wake - now) % 1000000000 : 0};
        if (ppoll(fds, (nfds_t)used, &wait, NULL) < 0 && errno != EINTR) return 1;
        if (fds[0].revents) {
            char line[64];
            if (fgets(line, sizeof line, stdin) == NULL) return 0;
            if (strncmp(line, "late", 4) == 0) lateness();
            else printf("%ld %ld\n", requests, writes);
        }
        for (int i = 1; i < listeners; i++) {
            if (!(fds[i].revents & POLLIN)) continue;
            int fd = accept(fds[i].fd, NULL, NULL), on = 1;
            if (fd < 0) continue;
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            add(fd, slots[i].server);
            fds[used - 1].revents = 0;
        }
        for (int i = used - 1; i >= listeners; i--)
            if (fds[i].revents && slots[i].due_ns == 0) take(ctx, i, delay_ns);
    }
}
