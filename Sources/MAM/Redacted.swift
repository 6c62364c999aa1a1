/// A value that shows a stand-in wherever Swift would print it: `description`,
/// `debugDescription`, `dump`, and as a part of a value that is printed.
package protocol Redacted: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable
{
    /// What is shown in its place.
    var standIn: String { get }
}

extension Redacted {
    package var description: String { standIn }
    package var debugDescription: String { standIn }
    package var customMirror: Mirror { Mirror(self, children: [], displayStyle: .struct) }
}
