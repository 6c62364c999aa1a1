import Foundation

/// Takes a secret from what a command prints, such as a client of a key store.
package enum SecretCommand {
    /// How long it may take.
    package static let defaultLimit: Duration = .seconds(30)
    /// Words of a command line.
    private static let maximumWords = 64

    /// Runs a command without a shell and gives what it prints, without one newline at its end.
    ///
    /// - Parameters:
    ///   - line: The program, an absolute path, and its arguments, with blanks between; nothing
    ///     is expanded and nothing quotes.
    ///   - limit: After it the command is killed.
    /// - Throws: `SecretsError.commandFailed`, `tooLong` where it prints more than
    ///   `SecretInput.defaultLimit` bytes, `empty`.
    package static func read(
        _ line: String, within limit: Duration = defaultLimit
    ) throws(SecretsError) -> SecretBytes {
        let words = line.split(whereSeparator: \.isWhitespace).map(String.init)
        guard let program = words.first, program.hasPrefix("/"), words.count <= maximumWords else {
            throw .commandFailed(reason: "the command has to begin with an absolute path")
        }
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw .commandFailed(reason: systemText(errno)) }
        defer { close(ends[0]) }
        // Only the child's copy, which spawning makes of it, may outlive an exec.
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let child = try spawn(words, output: ends[1])
        let deadline = ContinuousClock.now + limit
        let content: SecretBytes
        do throws(SecretsError) {
            content = try collect(from: ends[0], until: deadline)
        } catch {
            kill(child, SIGKILL)
            _ = waitForEnd(child, until: nil)
            throw error
        }
        guard let status = waitForEnd(child, until: deadline) else {
            kill(child, SIGKILL)
            _ = waitForEnd(child, until: nil)
            throw .commandFailed(reason: "it did not end in time")
        }
        guard status == 0 else { throw .commandFailed(reason: "it did not end with 0") }
        return content
    }

    /// Its standard error is this process's; its environment has no variable of this program's,
    /// which may hold passwords. Closes `output`, so that its end shows when the child's ends.
    private static func spawn(_ words: [String], output: Int32) throws(SecretsError) -> pid_t {
        #if canImport(Darwin)
            var actions: posix_spawn_file_actions_t?
        #else
            var actions = posix_spawn_file_actions_t()
        #endif
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        let environment = ProcessInfo.processInfo.environment
            .filter { !$0.key.hasPrefix("PERMANODE_") }.map { "\($0.key)=\($0.value)" }
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        var variables: [UnsafeMutablePointer<CChar>?] = environment.map { strdup($0) } + [nil]
        defer { (arguments + variables).forEach { free($0) } }
        var child: pid_t = 0
        let status = posix_spawn(&child, words[0], &actions, nil, &arguments, &variables)
        close(output)
        guard status == 0 else { throw .commandFailed(reason: systemText(status)) }
        return child
    }

    private static func collect(
        from descriptor: Int32, until deadline: ContinuousClock.Instant
    ) throws(SecretsError) -> SecretBytes {
        let limit = SecretInput.defaultLimit
        var count = 0
        let content = try SecretBytes(count: limit + 2) { memory throws(SecretsError) in
            while let start = memory.baseAddress {
                var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
                let left = max(0, (deadline - ContinuousClock.now) / .milliseconds(1))
                let ready = Foundation.poll(&poll, 1, Int32(min(left, 60_000)))
                if ready < 0, errno == EINTR { continue }
                guard ready > 0 else { throw .commandFailed(reason: "it did not end in time") }
                let got = Foundation.read(descriptor, start + count, memory.count - count)
                if got < 0, errno == EINTR { continue }
                guard got >= 0 else { throw .commandFailed(reason: systemText(errno)) }
                if got == 0 { return }
                count += got
                guard count < memory.count else {
                    throw .tooLong(path: "the command's output", limit: limit)
                }
            }
        }
        return try content.withBytes { bytes throws(SecretsError) in
            var text = bytes.prefix(count)
            if text.last == UInt8(ascii: "\n") { text.removeLast() }
            guard !text.isEmpty else { throw .empty(path: "the command's output") }
            return SecretBytes(copying: UnsafeRawBufferPointer(rebasing: text))
        }
    }

    /// - Returns: The status as `waitpid` gives it; nil where it is still running at the deadline.
    private static func waitForEnd(
        _ child: pid_t, until deadline: ContinuousClock.Instant?
    ) -> Int32? {
        var status: Int32 = 0
        let pause: UInt32 = 2_000  // µs
        while true {
            let ended = waitpid(child, &status, deadline == nil ? 0 : WNOHANG)
            if ended == child { return status }
            if ended < 0, errno != EINTR { return -1 }
            if let deadline, ended == 0 {
                guard ContinuousClock.now < deadline else { return nil }
                usleep(pause)
            }
        }
    }

    private static func systemText(_ code: Int32) -> String { String(cString: strerror(code)) }
}
