/* files: a command that tries to read a file, to write one and to connect a socket, and says
 * how it went. Exit code 0: all of it was denied; 1: something was not.
 *
 *     files [PORT]        a port of this machine to connect to, 80
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gen/files.h"

/* Whether opening `path` was denied. */
static int
file_is_denied(const char *path, const char *mode)
{
    FILE *file = fopen(path, mode);
    if (!file) {
        printf("file %s: denied (%s)\n", path, strerror(errno));
        return 1;
    }
    fclose(file);
    printf("file %s: opened\n", path);
    return 0;
}

/* 0, or the error code of wasi:sockets. */
static wasi_sockets_tcp_error_code_t
connect_tcp(uint16_t port)
{
    wasi_sockets_tcp_error_code_t error = 0;
    wasi_sockets_tcp_own_tcp_socket_t own;
    if (!wasi_sockets_tcp_create_socket_create_tcp_socket(
            WASI_SOCKETS_NETWORK_IP_ADDRESS_FAMILY_IPV4, &own, &error))
        return error;

    wasi_sockets_tcp_borrow_tcp_socket_t socket = wasi_sockets_tcp_borrow_tcp_socket(own);
    wasi_sockets_network_own_network_t network = wasi_sockets_instance_network_instance_network();
    wasi_sockets_tcp_ip_socket_address_t address = {
        .tag = 0, .val.ipv4 = { .port = port, .address = { 127, 0, 0, 1 } }
    };
    if (!wasi_sockets_tcp_method_tcp_socket_start_connect(
            socket, wasi_sockets_network_borrow_network(network), &address, &error))
        return error;

    wasi_io_poll_own_pollable_t ready = wasi_sockets_tcp_method_tcp_socket_subscribe(socket);
    wasi_io_poll_method_pollable_block(wasi_io_poll_borrow_pollable(ready));
    wasi_sockets_tcp_tuple2_own_input_stream_own_output_stream_t streams;
    if (!wasi_sockets_tcp_method_tcp_socket_finish_connect(socket, &streams, &error))
        return error;
    return 0;
}

static int
socket_is_denied(uint16_t port)
{
    wasi_sockets_tcp_error_code_t error = connect_tcp(port);
    int denied = error == WASI_SOCKETS_NETWORK_ERROR_CODE_ACCESS_DENIED;
    printf("socket: %s (error code %d)\n", denied ? "denied" : "tried", error);
    return denied;
}

int
main(int argc, char **argv)
{
    uint16_t port = argc > 1 ? (uint16_t)atoi(argv[1]) : 80;
    int denied = file_is_denied("/etc/passwd", "r") + file_is_denied("airs-was-here", "w") +
                 socket_is_denied(port);
    return denied == 3 ? 0 : 1;
}
