import Erasure

extension EraserSettings {
    /// As the environment says.
    package init(_ configuration: Configuration) {
        self.init()
        backupExpiryDays = configuration.backupExpiryDays
        ringCopyExpiryDays = configuration.keyRingBackupExpiryDays
        if let minutes = configuration.vacuumMinutes { vacuumInterval = .seconds(minutes * 60) }
    }
}
