import Glibc
import Loop
import Synchronization
import Wire

/// Writes access-log lines on a thread of its own. Workers put lines into their rings and never wait: what does not fit is
/// dropped and counted. The thread sleeps until a worker finds it asleep and wakes it.
///
/// @unchecked Sendable: `fd` and `path` are the writer thread's alone.
package final class LogWriter: @unchecked Sendable {
    private let rings: [LogRing]
    private let loop: EventLoop
    private var thread: ThreadHandle?
    private var fd: Int32 = -1
    private var path = ""
    private let isAsleep = Atomic<Bool>(true)

    package init(rings: [LogRing]) throws(LoopError) {
        self.rings = rings
        loop = try EventLoop()
        loop.nudged = Nudged(self)
        let loop = loop
        thread = try Thread.start(name: "access-log") { loop.run() }
    }

    /// Lines go to another file from now on: appended; `/dev/stdout` and `/dev/stderr` are those streams; empty: nowhere.
    /// `onFailure` hears, on the writer's thread, of a file that cannot be opened.
    package func write(to path: String, onFailure: @escaping @Sendable (String) -> Void) {
        loop.post { [self] in
            guard path != self.path else { return }
            drain()
            if fd > 2 { _ = close(fd) }
            self.path = path
            switch path {
            case "": fd = -1
            case "/dev/stdout": fd = 1
            case "/dev/stderr": fd = 2
            default:
                fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o644)
                if fd < 0 { onFailure("cannot open the access log \(path): \(Errno.text(errno))") }
            }
        }
    }

    /// Called by a worker that put a line: wakes the thread if it sleeps.
    func wake() {
        guard isAsleep.load(ordering: .relaxed), isAsleep.exchange(false, ordering: .acquiringAndReleasing) else {
            return
        }
        loop.nudge()
    }

    /// Writes what is left and ends the thread.
    package func stop() {
        loop.post { [self] in
            drain()
            loop.stop()
        }
        thread?.join()
        thread = nil
    }

    /// What the writer's loop calls for a worker.
    private final class Nudged: EventHandler {
        private unowned let writer: LogWriter
        init(_ writer: LogWriter) {
            self.writer = writer
            super.init()
        }
        override func onReady() { writer.drain() }
    }

    private func drain() {
        repeat {
            var wrote = true
            while wrote {
                wrote = false
                for ring in rings where ring.drain(writeAll) { wrote = true }
            }
            isAsleep.store(true, ordering: .sequentiallyConsistent)
            // A line put between the last look and going to sleep finds nobody awake: look once more.
        } while rings.contains { $0.hasBytes } && isAsleep.exchange(false, ordering: .sequentiallyConsistent)
    }

    private func writeAll(_ bytes: UnsafeRawBufferPointer) {
        var rest = bytes
        while !rest.isEmpty, fd >= 0 {
            let count = Glibc.write(fd, rest.baseAddress, rest.count)
            if count < 0, errno == EINTR { continue }
            if count < 0, errno == EAGAIN {
                // A full pipe that somebody made non-blocking: this thread may wait.
                var entry = pollfd(fd: fd, events: Int16(POLLOUT), revents: 0)
                _ = poll(&entry, 1, 1000)
                continue
            }
            guard count > 0 else { return }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }
}
