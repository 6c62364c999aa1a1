/// Is told which statements run for a task and those it starts, as they are sent, BEGIN and its like
/// included: to compare what two requests ask of the database. Parameters are not told.
package final class StatementObserver: Sendable {
    @TaskLocal package static var current: StatementObserver?

    private let observe: @Sendable (String) -> Void

    package init(_ observe: @escaping @Sendable (String) -> Void) { self.observe = observe }

    func sent(_ sql: String) { observe(sql) }
}
