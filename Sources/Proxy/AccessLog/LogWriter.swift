import Loop
import Synchronization
import Wire

/// Writes log lines on a thread of its own: workers put lines into their rings and never wait; what does not fit is dropped and
/// counted.
package final class LogWriter: @unchecked Sendable {  // Sendable: rings are single-producer; the rest is the writer thread's.
    private let rings: [LogRing]
    private let fd: Int32
    private let isStopping = Atomic<Bool>(false)
    private var thread: ThreadHandle?

    /// - Parameter path: a file that is appended to; `/dev/stdout` and `/dev/stderr` are those streams.
    package init(path: String, rings: [LogRing]) throws(LoopError) {
        self.rings = rings
        fd = try LogFile.open(path)
        thread = try Thread.start(name: "access-log") { [self] in run() }
    }

    /// Writes what is left and ends the thread.
    package func stop() {
        isStopping.store(true, ordering: .releasing)
        for ring in rings { ring.wake() }
        thread?.join()
        thread = nil
    }

    private func run() {
        while true {
            let stopping = isStopping.load(ordering: .acquiring)
            var wrote = false
            for ring in rings where ring.drain(to: fd) { wrote = true }
            if stopping, !wrote { return }
            if !wrote { LogRing.sleep(rings) }
        }
    }
}
