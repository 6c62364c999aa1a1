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

    /// A copy of characters of the alphabet.
    init(validated characters: UnsafeRawBufferPointer) {
        memory = UnsafeMutableRawBufferPointer.allocate(
            byteCount: characters.count, alignment: 1)
        memory.copyMemory(from: characters)
    }

    deinit {
        wipe(memory)
        memory.deallocate()
    }

    /// Copies the characters to memory that has room for them, without another copy on the way.
    func copy(to destination: UnsafeMutableRawPointer) {
        guard let start = memory.baseAddress else { return }
        destination.copyMemory(from: start, byteCount: memory.count)
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
