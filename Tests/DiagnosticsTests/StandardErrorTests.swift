import Diagnostics
import Dispatch
import Foundation
import Testing

@Suite struct StandardErrorTests {
    @Test func linesOfManyThreadsStayWhole() throws {
        let pipe = Pipe()
        let descriptor = pipe.fileHandleForWriting.fileDescriptor
        // More than a pipe holds, so that writes are cut and go on.
        let long = String(repeating: "x", count: 100_000)
        DispatchQueue.global().async {
            DispatchQueue.concurrentPerform(iterations: 8) { thread in
                StandardError.write("\(thread) \(long)\n", to: descriptor)
            }
            try? pipe.fileHandleForWriting.close()
        }
        let all = try #require(try pipe.fileHandleForReading.readToEnd())
        let lines = String(decoding: all, as: UTF8.self).split(separator: "\n").sorted()
        #expect(lines == (0..<8).map { "\($0) \(long)" })
    }

    @Test func aClosedDescriptorLosesTheLineAndNothingElse() {
        StandardError.write("nobody reads this\n", to: -1)
    }
}
