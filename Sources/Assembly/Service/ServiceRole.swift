/// A part of the service; each can run in a process of its own.
package enum ServiceRole: String, Sendable, CaseIterable {
    /// Follows the channels.
    case crawler
    /// Answers over HTTP.
    case api
    /// Carries out what was asked to be forgotten.
    case eraser
}
