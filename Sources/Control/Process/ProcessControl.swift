import Clusters
import Loop
import Telemetry

/// What admin sees and may do: the running process from the main thread. Everything is read when it is asked for.
package final class ProcessControl {
    package let metrics: Metrics
    package let board: Board
    package let outliers: OutlierController
    package let generations: GenerationController
    package let loop: EventLoop
    /// Client connections open now.
    package var openConnections: Int { host.openConnections }
    /// Since the process began, milliseconds.
    package var uptimeMilliseconds: UInt64 { loop.now - min(startedAt, loop.now) }
    /// Whether the process ends.
    package var phase: Drain.Phase { drain.phase }

    private let host: any GenerationHost
    private let startedAt: UInt64
    private(set) var drain = Drain()
    private let quit: () -> Void

    init(
        metrics: Metrics, board: Board, outliers: OutlierController, generations: GenerationController,
        host: any GenerationHost, loop: EventLoop, quit: @escaping () -> Void
    ) {
        self.metrics = metrics
        self.board = board
        self.outliers = outliers
        self.generations = generations
        self.host = host
        self.loop = loop
        self.quit = quit
        startedAt = loop.now
    }

    /// nil when traffic should come; otherwise a sentence that says why not.
    package var unreadiness: String? {
        if drain.phase != .serving { return "DRAINING: the process is ending" }
        let report = generations.report
        if report.number == 0 {
            return "INITIALIZING: " + (report.failure ?? "no configuration serves yet")
        }
        if report.listeners > 0, report.listenerProblems.count >= report.listeners {
            return "NOT LISTENING: \(report.listenerProblems[0])"
        }
        if !isReadyOnce {
            guard report.isAcknowledged else {
                return
                    "INITIALIZING: \(report.acknowledged) of \(report.workers) workers have generation \(report.number)"
            }
            isReadyOnce = true
        }
        return nil
    }

    /// Once ready, a new generation on its way to the workers does not take readiness back.
    private var isReadyOnce = false

    /// Looks at the directory at once.
    package func reload(cause: String) { generations.reload(cause: cause) }

    /// Ends the process as a second signal would: at once.
    package func quitNow() { quit() }

    // MARK: - Drain

    func beginDrain(_ times: Drain.Times) {
        drain.begin(at: loop.now, times: times)
        if drain.phase == .draining { host.beginDrain() }
    }

    func lookAtDrain() { drain.look(at: loop.now, open: host.openConnections) }
}
