/// Why processing is lawful (GDPR, article 6(1), a to f).
package enum LawfulBasis: String, Sendable, Codable, CaseIterable {
    case consent
    case contract
    case legalObligation = "legal-obligation"
    case vitalInterests = "vital-interests"
    case publicTask = "public-task"
    case legitimateInterests = "legitimate-interests"
}
