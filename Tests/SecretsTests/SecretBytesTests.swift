import Secrets
import Testing

@Suite struct SecretBytesTests {
    @Test func showsItsBytesOnlyWhenAsked() {
        let secret = SecretBytes(copying: "hunter2 hunter2 hunter2")
        #expect(secret.withBytes { String(decoding: $0, as: UTF8.self) }.hasPrefix("hunter2"))

        var dumped = ""
        dump(secret, to: &dumped)
        let texts = [
            "\(secret)", String(reflecting: secret), String(describing: [secret]),
            String(reflecting: ["key": secret]), dumped, "\(Mirror(reflecting: secret).children)",
        ]
        for text in texts {
            #expect(!text.contains("hunter2"))
            #expect(!text.contains("0x"), "no address either")
        }
        #expect(Mirror(reflecting: secret).children.isEmpty)
        #expect(!((secret as Any) is any Encodable))
    }

    @Test func comparesByContent() {
        let secret = SecretBytes(copying: [1, 2, 3])
        #expect(secret == SecretBytes(copying: [1, 2, 3]))
        #expect(secret != SecretBytes(copying: [1, 2, 4]))
        #expect(secret != SecretBytes(copying: [1, 2]))
        #expect(SecretBytes(copying: []) == SecretBytes(copying: []))
        #expect(SecretBytes.random(32) != SecretBytes.random(32))
    }

    @Test(arguments: [0, 1, 31, 32, 33, 64, 65, 1_000, 4_096, 4_097, 100_000])
    func holdsAnyLength(_ count: Int) {
        let bytes = randomBytes(count)
        let secret = SecretBytes(copying: bytes)
        #expect(secret.count == count)
        #expect(secret.withBytes(Array.init) == bytes)
        #expect(SecretBytes(count: count) { _ in }.withBytes { $0.allSatisfy { $0 == 0 } })
    }

    @Test func aNegativeCountIsNone() {
        #expect(SecretBytes(count: -5) { _ in }.count == 0)
        #expect(randomBytes(-5).isEmpty)
    }

    /// 3,000 bytes, a size that no other test takes: nobody else gets the slot meanwhile.
    @Test func wipesItsMemoryWhenReleased() {
        let neighbour = SecretBytes(copying: [UInt8](repeating: 1, count: 3_000))
        var secret: SecretBytes? = SecretBytes(copying: [UInt8](repeating: 0xA5, count: 3_000))
        let address = secret?.withBytes { UInt(bitPattern: $0.baseAddress) } ?? 0
        secret = nil
        // The slab is still mapped, because the neighbour lives in it.
        let memory = UnsafeRawBufferPointer(
            start: UnsafeRawPointer(bitPattern: address), count: 3_000)
        #expect(memory.count == 3_000 && memory.allSatisfy { $0 == 0 })
        #expect(neighbour.withBytes { $0.allSatisfy { $0 == 1 } })
    }

    @Test func keepsAHundredThousandApart() {
        let numbers = 0..<100_000
        func bytes(of number: Int) -> [UInt8] {
            (0..<32).map { UInt8(truncatingIfNeeded: number >> ($0 % 3 * 8)) }
        }
        for _ in 0..<2 {
            var secrets = numbers.map { SecretBytes(copying: bytes(of: $0)) }
            // Every other one goes and comes again, so that slots are used twice.
            for number in numbers where number.isMultiple(of: 2) {
                secrets[number] = SecretBytes(copying: bytes(of: number))
            }
            #expect(
                numbers.allSatisfy { number in
                    secrets[number].withBytes { $0.elementsEqual(bytes(of: number)) }
                })
        }
    }

    @Test func isTakenAndReleasedByManyTasksAtOnce() async {
        let intact = await withTaskGroup(of: Bool.self) { group in
            for worker in UInt8(1)...8 {
                group.addTask {
                    var held: [SecretBytes] = []
                    var intact = true
                    for round in 0..<2_000 {
                        held.append(
                            SecretBytes(copying: [UInt8](repeating: worker, count: 40 + round % 9)))
                        guard held.count > 50 else { continue }
                        let leaving = held.remove(at: round % held.count)
                        intact = intact && leaving.withBytes { $0.allSatisfy { $0 == worker } }
                    }
                    return intact
                        && held.allSatisfy { $0.withBytes { $0.allSatisfy { $0 == worker } } }
                }
            }
            return await group.reduce(true) { $0 && $1 }
        }
        #expect(intact)
    }

    @Test func fillingMayFail() {
        #expect(throws: SecretsError.wrongKeyOrDamaged) {
            try SecretBytes(count: 8) { _ throws(SecretsError) in throw .wrongKeyOrDamaged }
        }
    }

    @Test func wipesArrays() {
        var bytes: [UInt8] = [1, 2, 3]
        wipe(&bytes)
        #expect(bytes == [0, 0, 0])
        var nothing: [UInt8] = []
        wipe(&nothing)
        #expect(nothing.isEmpty)
    }
}
