import Failures
import Foundation
import Vault

/// What has to happen to a request before it is carried out.
package struct RequestPolicy: Sendable, Equatable {
    /// Another one approves than checked the person's identity.
    package var secondPerson: Bool
    /// Between approval and execution, to stop a mistake; seconds.
    package var delay: TimeInterval

    package init(secondPerson: Bool = false, delay: TimeInterval = 0) {
        self.secondPerson = secondPerson
        self.delay = delay
    }
}

/// Who vouches for something: a token, or the operator at the command line.
package enum Signatory: Sendable, Hashable {
    case token(ChannelNumber)
    case operation

    package init(_ actor: AuditActor) {
        self = actor.token.map(Signatory.token) ?? .operation
    }

    /// How it is stored: -1 for the operator.
    init(stored: Int64) {
        self = ChannelNumber(rawValue: stored).map(Signatory.token) ?? .operation
    }

    var stored: Int64 {
        if case .token(let number) = self { number.rawValue } else { -1 }
    }

    /// A token's id; nil for the operator.
    package var token: ChannelNumber? {
        if case .token(let number) = self { number } else { nil }
    }
}

/// The life of a request to forget, as a value: what may happen to it, and what becomes of it.
///
///     received ──check──▶ checked ──approve──▶ approved ──begin──▶ executing ──finish──▶ done
///         │                  │                    │
///         └──────────────────┴──────refuse────────┴──▶ refused
///
/// Until it begins it can be refused, which is also how a mistake is stopped. Once begun, it
/// can only be finished.
package struct RequestLife: Sendable, Equatable {
    package var state: ForgetState
    package var checkedBy: Signatory?
    package var approvedBy: Signatory?
    /// When it may begin, once approved; nil for at once.
    package var notBefore: Date?
    /// Months it was extended by; 0 where it was not.
    package var extendedBy: Int
    package var dueAt: Date

    /// Months by which the time to answer may be extended, once (GDPR, article 12(3)).
    package static let extensions = 1...2

    package init(
        state: ForgetState = .received, checkedBy: Signatory? = nil, approvedBy: Signatory? = nil,
        notBefore: Date? = nil, extendedBy: Int = 0, dueAt: Date
    ) {
        self.state = state
        self.checkedBy = checkedBy
        self.approvedBy = approvedBy
        self.notBefore = notBefore
        self.extendedBy = extendedBy
        self.dueAt = dueAt
    }

    /// How far a request is when it is made.
    package enum Opening: Sendable {
        /// Somebody asks, and it is not known yet who.
        case received
        /// He is who he says: his token says so, or who makes the request for him.
        case checked
        /// And it is to be done, unless somebody else has to approve.
        case approved
    }

    init(_ opening: Opening, by signatory: Signatory, _ policy: RequestPolicy, at now: Date) {
        self.init(dueAt: .distantFuture)
        guard opening != .received else { return }
        if let checked = try? after(.check(by: signatory), policy) { self = checked }
        guard opening == .approved else { return }
        // Stays checked where a second person has to approve.
        if let approved = try? after(.approve(by: signatory, at: now), policy) { self = approved }
    }

    package enum Event: Sendable, Equatable {
        /// The person is who he says.
        case check(by: Signatory)
        case approve(by: Signatory, at: Date)
        case refuse
        /// More months, before it is due.
        case extend(months: Int, at: Date)
        /// - held: whether a legal hold stands against it.
        case begin(at: Date, held: Bool)
        case finish
    }

    /// What becomes of it.
    /// - Throws: `RequestLifeError` where the event cannot happen now.
    package func after(
        _ event: Event, _ policy: RequestPolicy = RequestPolicy()
    ) throws(RequestLifeError) -> RequestLife {
        var next = self
        switch (event, state) {
        case (.check(let signatory), .received):
            next.checkedBy = signatory
            next.state = .checked
        // Approved again it may begin sooner: at the command line nothing waits.
        case (.approve(let signatory, let time), .checked),
            (.approve(let signatory, let time), .approved):
            guard !policy.secondPerson || signatory != checkedBy else { throw .secondPersonNeeded }
            next.approvedBy = signatory
            let begin = policy.delay > 0 ? time.addingTimeInterval(policy.delay) : nil
            let was = state == .approved ? notBefore : begin
            next.notBefore = begin.flatMap { begin in was.map { min(begin, $0) } }
            next.state = .approved
        case (.refuse, .received), (.refuse, .checked), (.refuse, .approved):
            next.state = .refused
        case (.extend(let months, let time), .received), (.extend(let months, let time), .checked),
            (.extend(let months, let time), .approved):
            guard Self.extensions.contains(months) else { throw .extensionTooLong }
            guard extendedBy == 0 else { throw .extendedAlready }
            guard time <= dueAt else { throw .tooLateToExtend }
            next.extendedBy = months
            next.dueAt = Self.calendar.date(byAdding: .month, value: months, to: dueAt) ?? dueAt
        case (.begin(at: _, held: true), .approved): throw .held
        case (.begin(at: let time, held: false), .approved):
            if let notBefore, time < notBefore { throw .waits(until: notBefore) }
            next.state = .executing
        case (.finish, .executing): next.state = .done
        default: throw .wrongState(state)
        }
        return next
    }

    private static var calendar: Calendar {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        return calendar
    }

    /// Whether it should have been answered by now.
    package func isLate(at now: Date) -> Bool {
        state != .done && state != .refused && now > dueAt
    }
}

/// Why something cannot happen to a request.
package enum RequestLifeError: Failure, Equatable {
    case wrongState(ForgetState)
    case secondPersonNeeded
    case waits(until: Date)
    case held
    case extensionTooLong
    case extendedAlready
    case tooLateToExtend

    package var code: String {
        switch self {
        case .wrongState: "request.wrong-state"
        case .secondPersonNeeded: "request.second-person-needed"
        case .waits: "request.waits"
        case .held: "request.held"
        case .extensionTooLong: "request.extension-too-long"
        case .extendedAlready: "request.extended-already"
        case .tooLateToExtend: "request.too-late-to-extend"
        }
    }

    package var operation: String { "go on with a forget request" }

    package var publicText: String {
        switch self {
        case .wrongState(let state): "the request is \(state.rawValue)"
        case .secondPersonNeeded:
            "somebody else has to approve than the one who checked the identity"
        case .waits(let time):
            "the request waits until \(time.ISO8601Format()), so that a mistake can be stopped"
        case .held: "a legal hold stands against it: lift it first"
        case .extensionTooLong: "the time can be extended by 1 or 2 months"
        case .extendedAlready: "the time was extended already, which goes once"
        case .tooLateToExtend: "the time is over, so it cannot be extended"
        }
    }
}
