import Foundation
import Glibc

/// The process's own log: one line an event to standard error, with the time. A reader that does not read loses lines; the
/// process does not wait for it.
package enum ProcessLog {
    /// Writes a line.
    @Sendable package static func write(_ message: String) {
        var ready = pollfd(fd: STDERR_FILENO, events: Int16(POLLOUT), revents: 0)
        guard poll(&ready, 1, 0) == 1, Int32(ready.revents) & POLLOUT != 0 else { return }
        // One event, one line: what a file's name or a peer brings in must not start another.
        let line = message.replacing("\n", with: "\\n")
        let bytes = Array("\(stamp()) \(line)\n".utf8)
        _ = bytes.withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    /// `2026-01-31T12:00:00.000Z`.
    private static func stamp() -> String {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        var parts = tm()
        gmtime_r(&now.tv_sec, &parts)
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let milliseconds = now.tv_nsec / 1_000_000
        let padded =
            String(repeating: "0", count: milliseconds < 10 ? 2 : milliseconds < 100 ? 1 : 0) + "\(milliseconds)"
        return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))T"
            + "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)).\(padded)Z"
    }
}
