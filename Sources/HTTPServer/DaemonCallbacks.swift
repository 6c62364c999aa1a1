import CMicroHTTPD

// What libmicrohttpd calls, all on its one thread. `context` is the `ServerCore`; a connection's
// own context is its `Connection`, retained from *started* to *closed*. These are plain functions
// because a closure would inherit the isolation of where it is written.

private func serverCore(_ context: UnsafeMutableRawPointer?) -> ServerCore? {
    context.map { Unmanaged<ServerCore>.fromOpaque($0).takeUnretainedValue() }
}

private func connection(_ pointer: OpaquePointer?) -> Connection? {
    guard let pointer, let context = http_connection_context(pointer) else { return nil }
    return Unmanaged<Connection>.fromOpaque(context).takeUnretainedValue()
}

/// Whether to take a connection in at all.
func mayAccept(
    context: UnsafeMutableRawPointer?, address: UnsafePointer<sockaddr>?, count: socklen_t
) -> MHD_Result {
    serverCore(context)?.admits(AddressKey(address)) == true ? http_yes() : http_no()
}

func connectionChanged(
    context: UnsafeMutableRawPointer?, pointer: OpaquePointer?,
    own: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, code: MHD_ConnectionNotificationCode
) {
    guard let core = serverCore(context), let pointer, let own else { return }
    if http_is_started(code) != 0 {
        let peer = http_connection_peer(pointer)
        let credentials = core.credentials
        credentials?.use(for: pointer)
        let connection = core.connectionStarted(
            ConnectionHandle(pointer: pointer), socket: http_connection_socket(pointer),
            address: AddressKey(peer), remoteAddress: SocketAddress.text(peer),
            credentials: credentials)
        own.pointee = Unmanaged.passRetained(connection).toOpaque()
    } else if let context = own.pointee {
        own.pointee = nil
        core.connectionClosed(Unmanaged<Connection>.fromOpaque(context).takeRetainedValue())
    }
}

/// Called with the target as it came, before libmicrohttpd takes it apart.
func requestLineArrived(
    context: UnsafeMutableRawPointer?, target: UnsafePointer<CChar>?, pointer: OpaquePointer?
) -> UnsafeMutableRawPointer? {
    connection(pointer)?.requestLineArrived(target.map { String(cString: $0) } ?? "")
    return nil
}

func accessConnection(
    context: UnsafeMutableRawPointer?, pointer: OpaquePointer?, url: UnsafePointer<CChar>?,
    method: UnsafePointer<CChar>?, version: UnsafePointer<CChar>?,
    upload: UnsafePointer<CChar>?, uploadCount: UnsafeMutablePointer<Int>?,
    own: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
) -> MHD_Result {
    guard let connection = connection(pointer), let uploadCount else { return http_no() }
    let piece = UnsafeRawBufferPointer(
        start: upload, count: upload == nil ? 0 : uploadCount.pointee)
    let goesOn = connection.proceed(
        method: method.map { String(cString: $0) } ?? "",
        version: version.map { String(cString: $0) } ?? "", piece: piece)
    uploadCount.pointee = 0
    return goesOn ? http_yes() : http_no()
}

func requestCompleted(
    context: UnsafeMutableRawPointer?, pointer: OpaquePointer?,
    own: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, code: MHD_RequestTerminationCode
) {
    connection(pointer)?.exchangeEnded(sentToTheEnd: http_is_completed(code) != 0)
}

/// Leaves targets as they came; they are decoded with checks later.
func leaveEscaped(
    context: UnsafeMutableRawPointer?, pointer: OpaquePointer?, text: UnsafeMutablePointer<CChar>?
) -> Int {
    var count = 0
    while let text, text[count] != 0 { count += 1 }
    return count
}
