import CPostgreSQL
import Foundation

extension Session {
    /// Most notifications taken at once.
    private static let notificationLimit = 1_024
    /// How often a listener looks whether its task was cancelled.
    private static let listenInterval = Duration.milliseconds(100)

    /// Waits for notifications; it blocks its thread until there is one.
    /// - Throws: `.cancelled` with the task, `.connection` when the connection is lost.
    func waitForNotifications() throws(PostgresError) -> [PostgresNotification] {
        while true {
            let notifications = takeNotifications()
            if !notifications.isEmpty { return notifications }
            guard let connection, isOpen else {
                throw PostgresError(.connection, operation: "listen")
            }
            guard !Task.isCancelled else { throw PostgresError(.cancelled, operation: "listen") }
            var descriptor = pollfd(fd: PQsocket(connection), events: Int16(POLLIN), revents: 0)
            let ready = poll(&descriptor, 1, Self.listenInterval.milliseconds)
            guard ready <= 0 || PQconsumeInput(connection) == 1 else {
                throw PostgresError(.connection, operation: "listen")
            }
        }
    }

    private func takeNotifications() -> [PostgresNotification] {
        var notifications: [PostgresNotification] = []
        while notifications.count < Self.notificationLimit, let connection,
            let notification = PQnotifies(connection)
        {
            notifications.append(
                PostgresNotification(
                    channel: String(cString: notification.pointee.relname),
                    payload: String(cString: notification.pointee.extra)))
            PQfreemem(notification)
        }
        return notifications
    }
}
