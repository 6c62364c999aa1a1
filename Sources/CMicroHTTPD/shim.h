#pragma once

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <microhttpd.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Swift does not import the constants of enums that the header marks as closed. */
static inline enum MHD_Result http_yes(void) { return MHD_YES; }
static inline enum MHD_Result http_no(void) { return MHD_NO; }

static inline int http_is_started(enum MHD_ConnectionNotificationCode code) {
    return code == MHD_CONNECTION_NOTIFY_STARTED;
}

static inline int http_is_completed(enum MHD_RequestTerminationCode code) {
    return code == MHD_REQUEST_TERMINATED_COMPLETED_OK;
}

static inline int http_supports_tls(void) {
    return MHD_is_feature_supported(MHD_FEATURE_TLS) == MHD_YES;
}

static inline int http_supports_epoll(void) {
    return MHD_is_feature_supported(MHD_FEATURE_EPOLL) == MHD_YES;
}

/* What the daemon is started with. `context` is handed to every callback. */
struct http_daemon_settings {
    int listening_socket;
    unsigned int connection_limit;
    size_t connection_memory;
    /* PEM; NULL without TLS. Both must live as long as the daemon. */
    const char *tls_key;
    const char *tls_certificate;
    const char *tls_priorities;
    void *context;
    MHD_AcceptPolicyCallback accept_policy;
    MHD_AccessHandlerCallback access_handler;
    MHD_NotifyConnectionCallback connection_changed;
    MHD_RequestCompletedCallback request_completed;
    void *(*request_line)(void *context, const char *uri, struct MHD_Connection *connection);
    size_t (*unescape)(void *context, struct MHD_Connection *connection, char *text);
};

/* MHD_start_daemon is variadic, and its options are constants of an enum. */
static inline struct MHD_Daemon *http_start(const struct http_daemon_settings *settings) {
    unsigned int flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME;
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)settings->tls_key},
        {MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)settings->tls_certificate},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)settings->tls_priorities},
        {MHD_OPTION_END, 0, NULL},
    };
    struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};
    struct MHD_OptionItem *extra = none;
    if (settings->tls_key != NULL) {
        flags |= MHD_USE_TLS;
        extra = tls;
    }
    return MHD_start_daemon(
        flags, 0, settings->accept_policy, settings->context, settings->access_handler,
        settings->context,
        MHD_OPTION_LISTEN_SOCKET, (MHD_socket)settings->listening_socket,
        MHD_OPTION_CONNECTION_LIMIT, settings->connection_limit,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, settings->connection_memory,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)0,
        MHD_OPTION_STRICT_FOR_CLIENT, (int)1,
        MHD_OPTION_NOTIFY_CONNECTION, settings->connection_changed, settings->context,
        MHD_OPTION_NOTIFY_COMPLETED, settings->request_completed, settings->context,
        MHD_OPTION_URI_LOG_CALLBACK, settings->request_line, settings->context,
        MHD_OPTION_UNESCAPE_CALLBACK, settings->unescape, settings->context,
        MHD_OPTION_ARRAY, extra,
        MHD_OPTION_END);
}

/* An event descriptor in the daemon's epoll set, or -1: writing to it wakes the daemon.
 * 0.9.75 takes events 128 at a time and waits for more whenever it got as many, even if there are
 * no more: what it has then taken in lies there until something else happens. It passes over
 * events without a pointer. MHD_get_daemon_info is variadic, and Swift's Glibc has no eventfd. */
static inline int http_make_waker(struct MHD_Daemon *daemon) {
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data = {.ptr = NULL}};
    int waker = info == NULL ? -1 : eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (waker >= 0 && epoll_ctl(info->epoll_fd, EPOLL_CTL_ADD, waker, &event) != 0) {
        close(waker);
        return -1;
    }
    return waker;
}

static inline void http_wake(int waker) { (void)eventfd_write(waker, 1); }

/* MHD_get_connection_info is variadic. */
static inline int http_connection_socket(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info == NULL ? -1 : (int)info->connect_fd;
}

static inline const struct sockaddr *http_connection_peer(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    return info == NULL ? NULL : info->client_addr;
}

static inline void *http_connection_context(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info == NULL ? NULL : info->socket_context;
}

/* The kind of a value is a constant of a closed enum. */
static inline void http_each_header(
    struct MHD_Connection *connection, MHD_KeyValueIteratorN iterator, void *context) {
    MHD_get_connection_values_n(connection, MHD_HEADER_KIND, iterator, context);
}

/* The memory mode is a constant of a closed enum. */
static inline struct MHD_Response *http_copied_response(size_t count, const void *bytes) {
    return MHD_create_response_from_buffer(count, (void *)bytes, MHD_RESPMEM_MUST_COPY);
}

/* MHD_SIZE_UNKNOWN is a macro with a cast, which Swift does not import. */
static inline struct MHD_Response *http_streamed_response(
    size_t block, MHD_ContentReaderCallback reader, void *context,
    MHD_ContentReaderFreeCallback release) {
    return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, block, reader, context, release);
}

/* For HEAD: 0.9.75 ends even an answer without a body with a last chunk, unless chunks are out
 * of the question. MHD_set_response_options is variadic. */
static inline void http_forbid_chunks(struct MHD_Response *response) {
    MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
}

/* Makes sure that a connection is freed within a second. When a content reader ends a connection
 * that was suspended before, 0.9.75 takes it off the list of what to look at without having put
 * it back into the epoll set, and its socket stays open for ever; connections with a timeout of
 * their own it looks at every time. MHD_set_connection_option is variadic. */
static inline void http_free_soon(struct MHD_Connection *connection) {
    MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT, 1u);
}

/* Likewise macros with casts. */
static inline ssize_t http_end_of_stream(void) { return MHD_CONTENT_READER_END_OF_STREAM; }
static inline ssize_t http_end_with_error(void) { return MHD_CONTENT_READER_END_WITH_ERROR; }

/* Bytes the other side has acknowledged on this socket, or -1. This is tcpi_bytes_acked of
 * Linux's TCP_INFO (an ABI that only grows); the C library's struct ends before it. */
static inline int64_t http_acknowledged(int socket) {
    uint64_t info[32] = {0};
    socklen_t size = sizeof info;
    if (getsockopt(socket, 6 /* IPPROTO_TCP */, 11 /* TCP_INFO */, info, &size) != 0) return -1;
    return size >= 128 ? (int64_t)info[15] : -1;
}

/* Bytes sent but not acknowledged on this socket, or -1: ioctl is variadic. */
static inline int http_unacknowledged(int socket) {
    int count = -1;
    return ioctl(socket, TIOCOUTQ /* SIOCOUTQ */, &count) == 0 ? count : -1;
}

/* A certificate chain and its key, parsed, to be freed with http_free_credentials; NULL where they are
 * no PEM or do not belong together. */
static inline void *http_make_credentials(const char *certificate, const char *key) {
    gnutls_certificate_credentials_t credentials = NULL;
    gnutls_datum_t chain = {(unsigned char *)certificate, (unsigned int)strlen(certificate)};
    gnutls_datum_t secret = {(unsigned char *)key, (unsigned int)strlen(key)};
    if (gnutls_certificate_allocate_credentials(&credentials) != GNUTLS_E_SUCCESS) return NULL;
    if (gnutls_certificate_set_x509_key_mem2(
            credentials, &chain, &secret, GNUTLS_X509_FMT_PEM, NULL, 0) < 0) {
        gnutls_certificate_free_credentials(credentials);
        return NULL;
    }
    return credentials;
}

static inline void http_free_credentials(void *credentials) {
    gnutls_certificate_free_credentials((gnutls_certificate_credentials_t)credentials);
}

/* When the first certificate of the chain is over, in seconds since 1970; -1 where it does not say. */
static inline int64_t http_credentials_end(void *credentials) {
    gnutls_datum_t raw = {NULL, 0};
    gnutls_x509_crt_t certificate = NULL;
    int64_t end = -1;
    if (gnutls_certificate_get_crt_raw(
            (gnutls_certificate_credentials_t)credentials, 0, 0, &raw) != GNUTLS_E_SUCCESS
        || gnutls_x509_crt_init(&certificate) != GNUTLS_E_SUCCESS)
        return -1;
    if (gnutls_x509_crt_import(certificate, &raw, GNUTLS_X509_FMT_DER) == GNUTLS_E_SUCCESS)
        end = (int64_t)gnutls_x509_crt_get_expiration_time(certificate);
    gnutls_x509_crt_deinit(certificate);
    return end;
}

/* Has a connection that has only started greet its client with these credentials, which must live as
 * long as it: the daemon's own cannot be exchanged while it runs. */
static inline void http_use_credentials(struct MHD_Connection *connection, void *credentials) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    if (info == NULL || info->tls_session == NULL) return;
    gnutls_credentials_set(
        (gnutls_session_t)info->tls_session, GNUTLS_CRD_CERTIFICATE, credentials);
}
