import CEventLoop
import Wire

/// Where listening sockets come from: sockets that a parent process handed over (the `LISTEN_FDS` protocol of systemd,
/// sd_listen_fds(3)) are matched by address and used first; for any other address one is bound.
package struct ListenerSource {
    /// Inherited sockets that nobody asked for yet.
    package private(set) var inherited: [ListeningSocket] = []

    /// A source that only binds.
    package init() {}

    /// A source that knows the sockets which this process inherited. The variables are removed, so that children do not
    /// take them for theirs.
    package static func fromEnvironment() -> ListenerSource {
        var source = ListenerSource()
        guard let pid = number("LISTEN_PID"), pid == Int(outrider_pid()), let count = number("LISTEN_FDS"), count > 0
        else { return source }
        for name in ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"] { _ = outrider_environment_remove(name) }
        source.adopt(3..<(3 + Int32(clamping: min(count, 1024))))
        return source
    }

    /// Adds those of these descriptors that listen.
    package mutating func adopt(_ descriptors: Range<Int32>) {
        for fd in descriptors {
            if let socket = ListeningSocket.inherit(fd: fd) { inherited.append(socket) }
        }
    }

    /// The inherited socket of this address, or a new one.
    package mutating func socket(for address: SocketAddress) throws(LoopError) -> ListeningSocket {
        if let index = inherited.firstIndex(where: { $0.address == address }) { return inherited.remove(at: index) }
        return try ListeningSocket.bind(address)
    }

    private static func number(_ name: String) -> Int? {
        guard let text = outrider_environment(name) else { return nil }
        return Int(String(cString: text))
    }
}
