import Foundation
import Secrets
import Testing
import Vault

@Suite struct VaultTests {
    private let ring: TemporaryRing
    private let vault: Vault

    init() throws {
        ring = try TemporaryRing()
        vault = try Vault(ring: ring.file)
    }

    private func context(
        _ channel: ChannelNumber, _ period: UInt16 = 600, row: Int64 = 1
    ) -> SealingContext {
        SealingContext(
            table: "message", column: "head", channel: channel, period: Period(rawValue: period),
            row: row)
    }

    @Test func opensWhatItSealedAlsoInAnotherProcess() throws {
        let place = context(try vault.newChannelNumber())
        let sealed = try vault.seal([1, 2, 3], place)
        #expect(sealed.count == 3 + AEAD.overhead)
        #expect(try vault.open(sealed, place) == [1, 2, 3])
        let other = try Vault(ring: ring.file)
        #expect(try other.open(sealed, place) == [1, 2, 3])
        let secret = SecretBytes(copying: "side key")
        #expect(try other.openSecret(vault.seal(secret, place), place) == secret)
    }

    @Test func valuesMovedElsewhereDoNotOpen() throws {
        let channel = try vault.newChannelNumber()
        let place = context(channel)
        let sealed = try vault.seal([1, 2, 3], place)
        var others: [SealingContext] = []
        for change: (inout SealingContext) -> Void in [
            { $0.table = "evidence" }, { $0.column = "tail" },
            {
                $0.table = "messagehead"; $0.column = ""
            },
            { $0.channel = .random() }, { $0.period = Period(rawValue: 601) },
            { $0.period = .channel }, { $0.row = .number(2) }, { $0.row = .bytes([1]) },
            { $0.row = .bytes([0, 0, 0, 0, 0, 0, 0, 1]) },
        ] {
            var other = place
            change(&other)
            others.append(other)
        }
        for other in others {
            let place = VaultError.wrongKeyOrDamaged(place: "\(other.table).\(other.column)")
            #expect(throws: place) { try vault.open(sealed, other) }
            #expect(throws: place) { try vault.openSecret(sealed, other) }
        }
        for index in sealed.indices {
            var changed = sealed
            changed[index] ^= 0x80
            #expect(throws: VaultError.wrongKeyOrDamaged(place: "message.head")) {
                try vault.open(changed, place)
            }
        }
        let strangers = try TemporaryRing()
        let stranger = try Vault(ring: strangers.file)
        #expect(throws: VaultError.wrongKeyOrDamaged(place: "message.head")) {
            try stranger.open(sealed, place)
        }
    }

    @Test func aForgottenChannelOpensNoMoreAndTheOthersDo() throws {
        let gone = try vault.newChannelNumber()
        let kept = try vault.newChannelNumber()
        let sealedGone = try vault.seal([1], context(gone))
        let sealedKept = try vault.seal([2], context(kept))
        let hashKept = try vault.lookupHash([7], domain: "address", channel: kept)
        #expect(try !vault.isForgotten(gone))
        try vault.forget(gone)
        for vault in [vault, try Vault(ring: ring.file)] {
            #expect(throws: VaultError.forgotten(gone)) {
                try vault.open(sealedGone, context(gone))
            }
            #expect(throws: VaultError.forgotten(gone)) { try vault.seal([1], context(gone)) }
            #expect(throws: VaultError.forgotten(gone)) {
                try vault.lookupHash([7], domain: "address", channel: gone)
            }
            #expect(throws: VaultError.forgotten(gone)) { try vault.keyFingerprint(gone) }
            #expect(try vault.isForgotten(gone))
            #expect(try !vault.isForgotten(kept))
            #expect(try vault.open(sealedKept, context(kept)) == [2])
            #expect(try vault.lookupHash([7], domain: "address", channel: kept) == hashKept)
        }
        let generation = vault.generation
        try vault.forget(gone)
        #expect(vault.generation == generation, "forgetting again changes nothing")
    }

    @Test func aForgottenPeriodLeavesTheOthersOfItsChannel() throws {
        let channel = try vault.newChannelNumber()
        let june = context(channel, 605)
        let july = context(channel, 606)
        let sealed = [june: try vault.seal([6], june), july: try vault.seal([7], july)]
        try vault.forget(channel, june.period)
        #expect(throws: VaultError.forgotten(channel)) { try vault.open(sealed[june] ?? [], june) }
        #expect(try vault.open(sealed[july] ?? [], july) == [7])
        #expect(try vault.isForgotten(channel, june.period))
        #expect(try !vault.isForgotten(channel, july.period))
        #expect(try !vault.isForgotten(channel))

        try vault.forget([.before(channel, Period(rawValue: 607))])
        #expect(try vault.isForgotten(channel, july.period))
        #expect(try !vault.isForgotten(channel, .channel))
        #expect(throws: Never.self) { try vault.seal([8], context(channel, 607)) }
        try vault.forget(channel)
        #expect(try vault.isForgotten(channel, .channel))
    }

    @Test func refusesToForgetNothing() throws {
        let channel = try vault.newChannelNumber()
        #expect(throws: VaultError.nothingToForget) { try vault.forget([]) }
        #expect(throws: VaultError.nothingToForget) {
            try vault.forget([.channel(channel), .before(channel, Period(rawValue: 0))])
        }
        #expect(try !vault.isForgotten(channel))
    }

    @Test func hashesDifferByKeyDomainAndChannel() throws {
        let first = try vault.newChannelNumber()
        let second = try vault.newChannelNumber()
        let root = Array("ROOT".utf8)
        let lookups = [
            try vault.lookupHash(root, domain: "address", channel: first),
            try vault.lookupHash(root, domain: "tail", channel: first),
            try vault.lookupHash(root, domain: "address", channel: second),
            try vault.lookupHash(Array("sROOT".utf8), domain: "addres", channel: first),
        ]
        #expect(lookups.allSatisfy { $0.count == 16 })
        let globals = [
            vault.registrationHash(root), vault.tombstoneHash(root), vault.tokenHash(root),
            vault.subjectHash(root), vault.registrationHash([]),
        ]
        #expect(globals.allSatisfy { $0.count == 32 })
        #expect(Set(lookups + globals).count == lookups.count + globals.count)

        let again = try Vault(ring: ring.file)
        #expect(again.registrationHash(root) == globals[0])
        #expect(again.tombstoneHash(root) == globals[1])
        #expect(again.tokenHash("ROOT".utf8) == globals[2])
        #expect(again.subjectHash(root) == globals[3])
        #expect(try again.lookupHash(root, domain: "address", channel: first) == lookups[0])
        let strangers = try TemporaryRing()
        let stranger = try Vault(ring: strangers.file)
        #expect(stranger.tombstoneHash(root) != globals[1])
    }

    @Test func cursorsOpenInTheirScopeOnly() throws {
        let sealed = try vault.sealCursor([1, 2], scope: "messages of a")
        #expect(try vault.openCursor(sealed, scope: "messages of a") == [1, 2])
        for (cursor, scope) in [
            (sealed, "messages of b"), ([], "messages of a"),
            (Array(sealed.dropLast()), "messages of a"),
        ] {
            #expect(throws: VaultError.wrongKeyOrDamaged(place: "a cursor")) {
                try vault.openCursor(cursor, scope: scope)
            }
        }
    }

    @Test func signsWithTheRingsKey() throws {
        let signature = vault.signingKey.sign([1])
        let publicKey = try Vault(ring: ring.file).signingKey.publicKey
        #expect(SigningKey.verify(signature, of: [1], publicKey: publicKey))
        #expect(vault.ringIdentifier.count == 32)
    }

    @Test func fingerprintsNameAKeyWithoutTellingIt() throws {
        let channel = try vault.newChannelNumber()
        let fingerprint = try vault.keyFingerprint(channel)
        #expect(fingerprint.count == 32)
        #expect(try vault.keyFingerprint(channel) == fingerprint)
        #expect(try vault.keyFingerprint(.random()) != fingerprint)
    }

    /// More keys than the cache holds, in an order that throws many of them out.
    @Test func staysRightWhenTheCacheIsFull() throws {
        let channel = try vault.newChannelNumber()
        let periods = (0..<10_000).map { UInt16($0) }
        let sealed = try periods.map { try vault.seal([UInt8($0 & 255)], context(channel, $0)) }
        for round in 0..<2 {
            for period in periods where Int(period) % 2 == round {
                let opened = try vault.open(sealed[Int(period)], context(channel, period))
                #expect(opened == [UInt8(period & 255)])
            }
        }
        try vault.forget([.before(channel, Period(rawValue: 9_999))])
        #expect(throws: VaultError.forgotten(channel)) {
            try vault.open(sealed[9_998], context(channel, 9_998))
        }
        #expect(try vault.open(sealed[9_999], context(channel, 9_999)) == [15])
    }
}
