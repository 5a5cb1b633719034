/* An independent Modbus RTU slave on libmodbus, for tests of the passive tap and of serial lines.
 *
 * usage: rtu_server DEVICE BAUD PARITY UNIT [delay_ms]
 * Holding and input registers: the even one holds table, unit and address, the odd one a tick of
 * 1 ms of the monotonic clock, both sampled when the request is answered.  Prints "ready".
 */
#include <errno.h>
#include <modbus/modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SIZE 1024

static uint16_t tick(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint16_t)((now.tv_sec * 1000ULL + now.tv_nsec / 1000000) & 0xFFFF);
}

int main(int argc, char **argv) {
    if (argc < 5) return 2;
    int unit = atoi(argv[4]), delay_ms = argc > 5 ? atoi(argv[5]) : 0;
    modbus_t *ctx = modbus_new_rtu(argv[1], atoi(argv[2]), argv[3][0], 8, 1);
    modbus_mapping_t *map = modbus_mapping_new(SIZE, SIZE, SIZE, SIZE);
    if (ctx == NULL || map == NULL) return 1;
    modbus_set_slave(ctx, unit);
    if (modbus_connect(ctx) != 0) return 1;
    printf("ready\n");
    fflush(stdout);
    for (;;) {
        uint8_t query[MODBUS_RTU_MAX_ADU_LENGTH];
        int n = modbus_receive(ctx, query);
        if (n < 0 && errno == EIO) break;
        if (n <= 0) continue;
        uint16_t now = tick();
        for (int at = 0; at < SIZE; at++) {
            uint16_t place = (uint16_t)((unit & 15) << 10 | at);
            map->tab_registers[at] = at & 1 ? now : (uint16_t)(2 << 14 | place);
            map->tab_input_registers[at] = at & 1 ? now : (uint16_t)(3 << 14 | place);
        }
        if (delay_ms) usleep((useconds_t)delay_ms * 1000);
        modbus_reply(ctx, query, n, map);
    }
    modbus_mapping_free(map);
    modbus_free(ctx);
    return 0;
}
