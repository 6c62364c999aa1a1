import CCurl

/// One exchange with its easy handle; used by the loop's thread alone.
final class CurlTransfer {
    /// A node's header lines are a few hundred bytes; libcurl itself bounds one line, not their sum.
    private static let maximumHeaderBytes = 64 * 1024

    let job: CurlJob
    let handle: UnsafeMutableRawPointer
    private let headerLines: UnsafeMutablePointer<curl_slist>
    private var body: [UInt8] = []
    private var headerBytes = 0
    private let start = ContinuousClock.now
    private var isCut = false
    private var retryAfter: Int?

    private static let retryAfter = "retry-after:"
    /// With a number behind it.
    private static let retryAfterLine = 32
    /// Bytes that libcurl takes from a socket at once: lists of transactions have 0.7 MB.
    private static let receiveBytes = 128 * 1024
    /// Room made for a body that says how long it is, before it is there.
    private static let largestReserve = 1 << 20

    /// Nil where libcurl has no memory or refuses an option.
    init?(_ job: CurlJob) {
        guard let handle = curl_easy_init() else { return nil }
        guard let lines = Self.list(job.request.headers) else {
            curl_easy_cleanup(handle)
            return nil
        }
        self.job = job
        self.handle = handle
        headerLines = lines
        guard configure() else { return nil }
    }

    deinit {
        curl_easy_cleanup(handle)
        curl_slist_free_all(headerLines)
    }

    private static func list(_ lines: [String]) -> UnsafeMutablePointer<curl_slist>? {
        var list: UnsafeMutablePointer<curl_slist>?
        for line in lines {
            guard let longer = curl_slist_append(list, line) else {
                curl_slist_free_all(list)
                return nil
            }
            list = longer
        }
        return list
    }

    private func configure() -> Bool {
        let request = job.request
        let limits = request.limits
        // The transfer is kept by the loop until its handle has left the multi handle.
        let context = Unmanaged.passUnretained(self).toOpaque()
        var codes = [
            permanode_curl_allow_http_only(handle),
            permanode_curl_do_not_wait_for_resolver(handle),
            permanode_curl_set_string(
                handle, CURLOPT_URL, request.endpoint.url + request.target),
            permanode_curl_set_long(handle, CURLOPT_NOSIGNAL, 1),
            permanode_curl_set_long(handle, CURLOPT_BUFFERSIZE, Self.receiveBytes),
            permanode_curl_set_long(handle, CURLOPT_FOLLOWLOCATION, 0),
            permanode_curl_set_long(
                handle, CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1)),
            permanode_curl_set_pointer(handle, CURLOPT_HTTPHEADER, headerLines),
            permanode_curl_set_long(
                handle, CURLOPT_CONNECTTIMEOUT_MS, limits.connectTimeout.wholeMilliseconds),
            permanode_curl_set_long(
                handle, CURLOPT_TIMEOUT_MS, limits.deadline.wholeMilliseconds),
            permanode_curl_set_long(
                handle, CURLOPT_LOW_SPEED_LIMIT, limits.minimumBytesPerSecond),
            permanode_curl_set_long(
                handle, CURLOPT_LOW_SPEED_TIME, (limits.stallTime.wholeMilliseconds + 999) / 1000),
            permanode_curl_set_receiver(handle, CURLOPT_WRITEFUNCTION, receiveBody),
            permanode_curl_set_pointer(handle, CURLOPT_WRITEDATA, context),
            permanode_curl_set_receiver(handle, CURLOPT_HEADERFUNCTION, receiveHeader),
            permanode_curl_set_pointer(handle, CURLOPT_HEADERDATA, context),
        ]
        if request.isGet {
            codes.append(permanode_curl_set_long(handle, CURLOPT_HTTPGET, 1))
        } else {
            codes.append(
                permanode_curl_set_size(
                    handle, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(request.body.count)))
            codes.append(
                request.body.withUnsafeBytes {
                    permanode_curl_set_pointer(
                        handle, CURLOPT_COPYPOSTFIELDS,
                        UnsafeMutableRawPointer(mutating: $0.baseAddress))
                })
        }
        if request.endpoint.isLoopback {
            // A proxy of the environment is for what lies beyond this machine.
            codes.append(permanode_curl_set_string(handle, CURLOPT_PROXY, ""))
        }
        return codes.allSatisfy { $0 == CURLE_OK }
    }

    /// Takes bytes of the body; fewer than given make libcurl end the exchange.
    fileprivate func takeBody(_ bytes: UnsafeRawBufferPointer) -> Int {
        if body.isEmpty {
            var length: curl_off_t = 0
            permanode_curl_get_size(handle, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length)
            let limit = min(job.request.limits.maximumBodyBytes, Self.largestReserve)
            body.reserveCapacity(Int(min(max(length, 0), curl_off_t(limit))))
        }
        let room = job.request.limits.maximumBodyBytes - body.count
        body.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes.prefix(max(room, 0))))
        guard bytes.count > room else { return bytes.count }
        isCut = true
        return 0
    }

    /// Counts the header's bytes, also those of interim answers.
    fileprivate func takeHeader(_ bytes: UnsafeRawBufferPointer) -> Int {
        headerBytes += bytes.count
        let line = String(decoding: bytes.prefix(Self.retryAfterLine), as: UTF8.self).lowercased()
        if line.hasPrefix(Self.retryAfter) {
            retryAfter = Int(
                line.dropFirst(Self.retryAfter.count).drop { $0 == " " }
                    .prefix { $0.isASCII && $0.isNumber })
        }
        return headerBytes > Self.maximumHeaderBytes ? 0 : bytes.count
    }

    /// What a completed exchange comes to.
    func outcome(of code: CURLcode) -> Result<PostAnswer, any Error> {
        if code == CURLE_OK || isCut {
            var status = 0
            permanode_curl_get_long(handle, CURLINFO_RESPONSE_CODE, &status)
            return .success(
                PostAnswer(status: status, body: body, isCut: isCut, retryAfter: retryAfter))
        }
        return .failure(fault(code))
    }

    private func fault(_ code: CURLcode) -> TransferFault {
        if headerBytes > Self.maximumHeaderBytes { return .headersTooLarge }
        return switch code {
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: .nameResolution
        case CURLE_COULDNT_CONNECT: .noConnection
        case CURLE_OPERATION_TIMEDOUT: timeout()
        case CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE, CURLE_RECV_ERROR, CURLE_SEND_ERROR:
            .connectionLost
        case CURLE_WEIRD_SERVER_REPLY, CURLE_UNSUPPORTED_PROTOCOL: .notHTTP
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM,
            CURLE_SSL_CIPHER, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR:
            .tls
        default: .other(code: Int(code.rawValue))
        }
    }

    /// libcurl has one code for its three time limits.
    private func timeout() -> TransferFault {
        var connected: curl_off_t = 0
        permanode_curl_get_size(handle, CURLINFO_PRETRANSFER_TIME_T, &connected)
        // Not libcurl's total time, which is as old as its last look at the progress.
        let elapsed = ContinuousClock.now - start
        if elapsed >= job.request.limits.deadline { return .deadline }
        if connected == 0 { return .connectTimeout }
        // Its timers may run out a little before their time by this clock; a stall takes at
        // least its own time.
        return elapsed < job.request.limits.stallTime ? .deadline : .stalled
    }
}

/// Called by libcurl on the loop's thread.
private func receiveBody(
    _ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int,
    _ context: UnsafeMutableRawPointer?
) -> Int {
    guard let context else { return 0 }
    return Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue()
        .takeBody(UnsafeRawBufferPointer(start: bytes, count: size * count))
}

/// Called by libcurl on the loop's thread.
private func receiveHeader(
    _ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int,
    _ context: UnsafeMutableRawPointer?
) -> Int {
    guard let context else { return 0 }
    return Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue()
        .takeHeader(UnsafeRawBufferPointer(start: bytes, count: size * count))
}

extension Duration {
    /// Rounded up, from 1 ms (0 means *no limit* to libcurl) to a day.
    fileprivate var wholeMilliseconds: Int {
        let bounded = Swift.min(Swift.max(self, .milliseconds(1)), .seconds(86_400))
        let parts = bounded.components
        return Int(parts.seconds) * 1000
            + Int((parts.attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
    }
}
