import Failures

/// Everything that is wrong with the environment, at once.
package struct ConfigurationError: Failure, Equatable {
    package struct Problem: Sendable, Equatable {
        package let variable: Configuration.Variable
        package let fault: Fault

        package init(variable: Configuration.Variable, fault: Fault) {
            self.variable = variable
            self.fault = fault
        }

        /// One clause; it repeats nothing of the variable's value, which may hold a password.
        package var text: String { "\(variable.rawValue) \(fault.text)" }
    }

    package enum Fault: Sendable, Equatable {
        case notSet
        /// Carries what is wrong, without the value.
        case malformed(String)
        case unreadableFile
        /// Of certificate and key there is one only; carries the other variable.
        case alone(without: Configuration.Variable)
        /// Plain HTTP beyond this machine.
        case unsafeListener

        fileprivate var text: String {
            switch self {
            case .notSet: "is not set"
            case .malformed(let reason): reason
            case .unreadableFile: "names a file that cannot be read"
            case .alone(let other): "needs \(other.rawValue) beside it"
            case .unsafeListener:
                "is beyond loopback without TLS: set \(Configuration.Variable.tlsCertificate.rawValue)"
                    + " and \(Configuration.Variable.tlsKey.rawValue), or"
                    + " \(Configuration.Variable.proxyEndsTLS.rawValue)=yes where a proxy ends TLS"
            }
        }
    }

    package let problems: [Problem]

    /// Whether nothing is wrong but that it would be unsafe.
    package var isRefusal: Bool { problems.allSatisfy { $0.fault == .unsafeListener } }

    package var code: String { "configuration.unusable" }
    package var operation: String { "read the environment" }
    package var publicText: String { "the configuration cannot be used" }
    package var operatorText: String { problems.map(\.text).joined(separator: "; ") }
}
