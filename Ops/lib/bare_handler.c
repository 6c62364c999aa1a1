/* A handler of libmicrohttpd that reads a request and answers as many bytes as its path says, on
   one epoll thread with connections that stay open: what the interface's figures stand beside.
   Prints its port, and ends with its input. */
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { most = 1 << 20 };
static char bytes[most];
static int begun;

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *url,
    const char *method, const char *version, const char *body, size_t *count, void **state)
{
    (void)context, (void)method, (void)version, (void)body;
    if (*state == NULL) {
        *state = &begun;
        return MHD_YES;
    }
    if (*count > 0) {
        *count = 0;
        return MHD_YES;
    }
    long size = atol(url + 1);
    if (size < 0 || size > most)
        size = 0;
    struct MHD_Response *response
        = MHD_create_response_from_buffer((size_t)size, bytes, MHD_RESPMEM_PERSISTENT);
    MHD_add_response_header(response, "Content-Type", "application/json");
    enum MHD_Result result = MHD_queue_response(connection, 200, response);
    MHD_destroy_response(response);
    return result;
}

int main(void)
{
    memset(bytes, '9', sizeof bytes);
    struct sockaddr_in address = { .sin_family = AF_INET };
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    struct MHD_Daemon *daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL,
        answer, NULL, MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_END);
    if (daemon == NULL)
        return 1;
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT);
    printf("%u\n", info->port);
    fflush(stdout);
    char rest;
    while (read(0, &rest, 1) > 0)
        continue;
    MHD_stop_daemon(daemon);
    return 0;
}
