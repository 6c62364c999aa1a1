import Ternary

/// Trytes in memory of their own that is wiped when the last reference goes.
///
/// `@unchecked Sendable` is safe: `init` writes the memory before anybody else has the
/// reference, `deinit` wipes it after everybody had it, and between them it is only read.
final class SecretTrytes: @unchecked Sendable {
    private let memory: UnsafeMutableRawBufferPointer

    init(_ trytes: Trytes) {
        memory = UnsafeMutableRawBufferPointer.allocate(byteCount: trytes.count, alignment: 1)
        memory.copyBytes(from: trytes.ascii)
    }

    deinit {
        wipe(memory)
        memory.deallocate()
    }

    /// A copy, which nobody wipes.
    var trytes: Trytes { Trytes(validated: Array(memory)) }
}

extension SecretTrytes: Hashable {
    /// Takes the same time wherever the first difference is.
    static func == (left: SecretTrytes, right: SecretTrytes) -> Bool {
        guard left.memory.count == right.memory.count else { return false }
        var difference: UInt8 = 0
        for (one, other) in zip(left.memory, right.memory) { difference |= one ^ other }
        return difference == 0
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(bytes: UnsafeRawBufferPointer(memory))
    }
}
