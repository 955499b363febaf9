import Clusters
import Loop
import Proxy
import Synchronization
import Telemetry
import Wire

/// The proxy's workers as Control sees them. It counts which workers still use which generation, and lets a generation go only
/// when none does: off the workers, so that no request waits for the memory of a large configuration to be freed.
final class ProxyHost: GenerationHost {
    /// A generation is kept for so long after the last worker reported it unused: the worker drops its own reference just
    /// behind the report, and must not be the last.
    private static let keepMilliseconds: UInt64 = 1000

    private struct Use {
        var generation: Generation?
        /// Workers that use it still.
        var workers: Int
        var onReleased: @Sendable () -> Void
    }

    /// Client connections that the limit of open files has room for: a quarter of it is left for the connections behind them, and
    /// some for the process itself.
    private static var connectionsMax: Int {
        min(Limits.connectionsMax, max(8, (System.raiseDescriptorLimit() - 48) * 3 / 4))
    }

    let server: ProxyServer
    let metrics: Metrics
    private let loop: EventLoop
    private var uses: [Int: Use] = [:]
    private var graveyard: [(generation: Generation?, due: UInt64, onReleased: @Sendable () -> Void)] = []
    private var accessLogFile = ""
    private let timer: MainTimer
    private let hooks: HookTarget

    /// Hooks are called on workers' threads and come to the main thread here.
    /// Unchecked: set before a worker runs, read on the main thread.
    private final class HookTarget: @unchecked Sendable {
        weak var host: ProxyHost?
    }

    init(workers: Int, loop: EventLoop, onOutlier: @escaping @Sendable (Int32, OutlierSignal) -> Void) throws {
        self.loop = loop
        let target = HookTarget()
        hooks = target
        server = try ProxyServer(
            workers: workers, connectionsMax: Self.connectionsMax, source: ListenerSource.fromEnvironment(),
            hooks: ProcessState.Hooks(
                onMessage: ProcessLog.write,
                onOutlier: { endpoint, signal in loop.post { onOutlier(endpoint, signal) } },
                onGenerationUnused: { _, number in loop.post { target.host?.unused(number) } }))
        metrics = Metrics(
            workers: server.state.metrics, labels: server.state.labels, reasonNames: ReasonNames.all)
        timer = MainTimer(loop)
        target.host = self
        let host = Unchecked(self)
        timer.onFire = { host.value.bury() }
    }

    var workerCount: Int { server.state.workers.count }
    var openConnections: Int { server.state.connections }

    func publish(_ tables: Tables, number: Int, onReleased: @escaping @Sendable () -> Void) -> [String] {
        uses[number] = Use(generation: nil, workers: workerCount, onReleased: onReleased)
        accessLogFile = tables.plan.settings.accessLogFile
        let host = Unchecked(self)
        let main = loop
        let problems = server.publish(
            number: number, plan: tables.plan, routes: tables.routes, clusters: tables.clusters,
            contexts: tables.contexts
        ) { generation in
            main.post { host.value.uses[number]?.generation = generation }
        }
        return problems.map { "\($0.listener.origin): listener \($0.listener.name): \($0.message)" }
    }

    /// Closes the access log's file and opens the one that has its name now: after a rotation.
    func reopenAccessLog() {
        server.state.logWriter?.write(to: "", onFailure: ProcessLog.write)
        server.state.logWriter?.write(to: accessLogFile, onFailure: ProcessLog.write)
    }

    func acknowledgements(of number: Int) -> Int { server.installed.count { $0 >= number } }

    func beginDrain() { server.drain() }

    func stop() {
        server.stopAccepting()
        server.shutdown()
    }

    // MARK: - Letting generations go

    /// A worker uses this generation no more.
    private func unused(_ number: Int) {
        guard var use = uses[number] else { return }
        use.workers -= 1
        uses[number] = use
        guard use.workers <= 0 else { return }
        uses[number] = nil
        graveyard.append((use.generation, loop.now + Self.keepMilliseconds, use.onReleased))
        timer.arm(loop.now + Self.keepMilliseconds)
    }

    private func bury() {
        let due = graveyard.filter { $0.due <= loop.now }
        graveyard.removeAll { $0.due <= loop.now }
        for entry in due { entry.onReleased() }
        if let next = graveyard.first { timer.arm(next.due) }
    }
}
