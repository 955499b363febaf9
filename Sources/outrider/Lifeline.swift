import Foundation
import Glibc

/// Ends this process when the one that started it is gone: that one holds the other end of standard input.
enum Lifeline {
    /// Watches on a thread of its own and asks this process to end as SIGTERM does.
    static func watch() {
        Thread.detachNewThread {
            var byte: UInt8 = 0
            while true {
                let count = read(0, &byte, 1)
                if count == 0 || (count < 0 && errno != EINTR) { break }
            }
            kill(getpid(), SIGTERM)
        }
    }
}
