import Wire

/// What `outrider run` is told on its command line.
package struct ServeOptions: Sendable {
    /// The directory (or file) of resources.
    package var directory: String
    /// `--proxy NAME[.NAMESPACE]`; nil: the only Proxy there is.
    package var proxy: String?
    /// Overrides `spec.admin.address`.
    package var admin: SocketAddress?
    /// Overrides `spec.workers`; 0: one a core.
    package var workers: Int?
    /// Where last good documents are kept; nil: the default place; `none`: nowhere.
    package var state: String?
    /// Accepting goes on for at least so long after SIGTERM.
    package var drainLeastMilliseconds: UInt64 = 1000

    package init(directory: String) { self.directory = directory }

    /// Where last good documents go, nil for nowhere.
    package var lastGood: LastGood? {
        if state == "none" { return nil }
        return (state ?? LastGood.defaultState()).map { LastGood(state: $0, directory: directory) }
    }
}
