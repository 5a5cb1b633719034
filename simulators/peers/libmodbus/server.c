/* An independent Modbus TCP server on libmodbus, for the tests of our driver.
 *
 * usage: server [UNIT]       listens on a free port of 127.0.0.1 and prints it
 * stdin: "holding 10 1234", "input …", "coil 3 1", "discrete …": sets a value and answers "ok"
 *        "hole 50 2": reads that touch register 50 are refused with exception 2
 *        "limit 64 3": reads of more than 64 registers are refused with exception 3
 *        "watchdog 3 0": all coils drop when nobody has written for 3 s, as in an I/O module
 *        "slow 400 0": every read is answered after 400 ms, the requests behind it wait
 *        "cut": closes every connection and answers "ok"
 *        "log": answers every read since the last "log" as fc:start:count, on one line
 * Ends when stdin ends.  It never writes by itself and serves several connections.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <modbus/modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SIZE 1000
#define CONNECTIONS 16

#define LOGGED 4096

static int connections[CONNECTIONS];
static int watchdog_ms, slow_ms;
static struct timespec written;
static int hole[SIZE], limit = 125, limit_exception = 3;
static int logged[LOGGED][3], log_length;

static void tell_log(void) {
    for (int i = 0; i < log_length; i++) printf("%d:%d:%d ", logged[i][0], logged[i][1], logged[i][2]);
    printf("\n");
    log_length = 0;
}

/* The exception with which a read is refused; 0 = it is answered. */
static int refusal(int fc, int start, int count) {
    if (fc == 3 || fc == 4) {
        if (count > limit) return limit_exception;
        for (int at = start; at < start + count && at < SIZE; at++)
            if (hole[at]) return hole[at];
    }
    return 0;
}

static void cut(int at) {
    if (connections[at] >= 0) close(connections[at]);
    connections[at] = -1;
}

static void set(modbus_mapping_t *map, const char *line) {
    char table[16];
    int address, value;
    if (strncmp(line, "log", 3) == 0) {
        tell_log();
        return;
    }
    if (strncmp(line, "cut", 3) == 0) {
        for (int i = 0; i < CONNECTIONS; i++) cut(i);
    } else if (sscanf(line, "%15s %d %d", table, &address, &value) != 3 || address < 0 ||
               address >= SIZE) {
        printf("refused\n");
        return;
    } else if (strcmp(table, "hole") == 0) {
        hole[address] = value;
    } else if (strcmp(table, "limit") == 0) {
        limit = address;
        limit_exception = value;
    } else if (strcmp(table, "watchdog") == 0) {
        watchdog_ms = address * 1000;
    } else if (strcmp(table, "slow") == 0) {
        slow_ms = address;
    } else if (strcmp(table, "holding") == 0) {
        map->tab_registers[address] = (uint16_t)value;
    } else if (strcmp(table, "input") == 0) {
        map->tab_input_registers[address] = (uint16_t)value;
    } else if (strcmp(table, "coil") == 0) {
        map->tab_bits[address] = (uint8_t)value;
    } else if (strcmp(table, "discrete") == 0) {
        map->tab_input_bits[address] = (uint8_t)value;
    } else {
        printf("refused\n");
        return;
    }
    printf("ok\n");
}

static void watch(modbus_mapping_t *map) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    long ms = (now.tv_sec - written.tv_sec) * 1000 + (now.tv_nsec - written.tv_nsec) / 1000000;
    if (watchdog_ms && ms > watchdog_ms) memset(map->tab_bits, 0, SIZE);
}

static void take(int listener) {
    int fd = accept(listener, NULL, NULL);
    for (int i = 0; fd >= 0 && i < CONNECTIONS; i++) {
        if (connections[i] < 0) {
            connections[i] = fd;
            return;
        }
    }
    if (fd >= 0) close(fd);
}

static void serve(modbus_t *ctx, modbus_mapping_t *map, int at) {
    uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
    modbus_set_socket(ctx, connections[at]);
    int n = modbus_receive(ctx, query);
    if (n > 0) {
        const uint8_t *pdu = query + modbus_get_header_length(ctx);
        int fc = pdu[0], start = pdu[1] << 8 | pdu[2], count = pdu[3] << 8 | pdu[4];
        int exception = refusal(fc, start, count);
        if (log_length < LOGGED) {
            logged[log_length][0] = fc;
            logged[log_length][1] = start;
            logged[log_length++][2] = count;
        }
        if (slow_ms && fc < 5) usleep((useconds_t)slow_ms * 1000);
        if (exception) {
            modbus_reply_exception(ctx, query, (unsigned)exception);
        } else {
            modbus_reply(ctx, query, n, map);
            if (fc == 5 || fc == 15) clock_gettime(CLOCK_MONOTONIC, &written);
        }
    } else if (n < 0) {
        cut(at);
    }
}

int main(int argc, char **argv) {
    modbus_t *ctx = modbus_new_tcp("127.0.0.1", 0);
    modbus_mapping_t *map = modbus_mapping_new(SIZE, SIZE, SIZE, SIZE);
    if (ctx == NULL || map == NULL) return 1;
    modbus_set_slave(ctx, argc > 1 ? atoi(argv[1]) : 1);
    int listener = modbus_tcp_listen(ctx, CONNECTIONS);
    struct sockaddr_in name;
    socklen_t length = sizeof name;
    if (listener < 0 || getsockname(listener, (struct sockaddr *)&name, &length) != 0) return 1;
    for (int i = 0; i < CONNECTIONS; i++) connections[i] = -1;
    setvbuf(stdin, NULL, _IONBF, 0);
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("%d\n", ntohs(name.sin_port));
    for (;;) {
        fd_set ready;
        int most = listener;
        FD_ZERO(&ready);
        FD_SET(0, &ready);
        FD_SET(listener, &ready);
        for (int i = 0; i < CONNECTIONS; i++) {
            if (connections[i] >= 0) FD_SET(connections[i], &ready);
            if (connections[i] > most) most = connections[i];
        }
        struct timeval tick = {0, 50000};
        int found = select(most + 1, &ready, NULL, NULL, watchdog_ms ? &tick : NULL);
        if (found < 0) return errno == EINTR ? 0 : 1;
        watch(map);
        if (found == 0) continue;
        if (FD_ISSET(0, &ready)) {
            char line[128];
            if (fgets(line, sizeof line, stdin) == NULL) break;
            set(map, line);
        }
        if (FD_ISSET(listener, &ready)) take(listener);
        for (int i = 0; i < CONNECTIONS; i++) {
            if (connections[i] >= 0 && FD_ISSET(connections[i], &ready)) serve(ctx, map, i);
        }
    }
    modbus_mapping_free(map);
    modbus_free(ctx);
    return 0;
}
