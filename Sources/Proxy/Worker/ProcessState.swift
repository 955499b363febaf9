import Clusters
import Loop
import Synchronization
import Telemetry
import Wire

/// What the workers of one process share besides the generation: the board, counters that others read, listening sockets, and
/// ways to reach each other. Everything that changes is atomic, behind a lock taken outside the request path, or set before the
/// workers run.
package final class ProcessState: @unchecked Sendable {
    package let board: Board
    /// One for each worker.
    package let metrics: [WorkerMetrics]
    package let labels = LabelSets()
    let logRings: [LogRing]
    package internal(set) var logWriter: LogWriter?
    package let resolver: Resolver
    /// Set once, before any worker runs.
    package internal(set) var workers: [WorkerHandle] = []
    /// Client connections that the process may hold.
    package let connectionsMax: Int

    /// Where lines for the operator go.
    let onMessage: @Sendable (String) -> Void
    /// Where workers report to the outlier detector.
    let onOutlier: @Sendable (Int32, OutlierSignal) -> Void
    /// A worker has no use for a generation any more.
    let onGenerationUnused: @Sendable (Int, Int) -> Void

    private let connectionCounts: [ConnectionCount]
    private let isAtLimit = Atomic<Bool>(false)
    private let sockets = Locked<[(id: Int, socket: ListeningSocket)]>([])

    /// A worker's connections, on a cache line of its own.
    private final class ConnectionCount: Sendable {
        let count = Atomic<Int>(0)
        /// The newest generation that the worker has.
        let generation = Atomic<Int>(0)
    }

    /// Hooks into Control; each may be called from any worker's thread.
    package struct Hooks: Sendable {
        package var onMessage: @Sendable (String) -> Void
        package var onOutlier: @Sendable (Int32, OutlierSignal) -> Void
        package var onGenerationUnused: @Sendable (_ worker: Int, _ generation: Int) -> Void

        package init(
            onMessage: @escaping @Sendable (String) -> Void = { _ in },
            onOutlier: @escaping @Sendable (Int32, OutlierSignal) -> Void = { _, _ in },
            onGenerationUnused: @escaping @Sendable (Int, Int) -> Void = { _, _ in }
        ) {
            self.onMessage = onMessage
            self.onOutlier = onOutlier
            self.onGenerationUnused = onGenerationUnused
        }
    }

    package init(workers count: Int, connectionsMax: Int, hooks: Hooks) throws(LoopError) {
        board = Board(workers: count)
        metrics = (0..<count).map { _ in WorkerMetrics() }
        logRings = (0..<count).map { _ in LogRing() }
        connectionCounts = (0..<count).map { _ in ConnectionCount() }
        resolver = try Resolver()
        self.connectionsMax = connectionsMax
        onMessage = hooks.onMessage
        onOutlier = hooks.onOutlier
        onGenerationUnused = hooks.onGenerationUnused
    }

    // MARK: - Connections

    /// Client connections of all workers.
    package var connections: Int { connectionCounts.reduce(0) { $0 + $1.count.load(ordering: .relaxed) } }

    /// Counts an accepted connection and says which worker takes it: the one that accepted, unless it holds more than the
    /// average and another holds fewer. Nil: the process is at its limit. A worker that has not the accepting one's generation
    /// yet gets nothing: it may not know the listener.
    func admit(acceptedBy worker: Int) -> Int? {
        var total = 0
        var least = worker
        let generation = connectionCounts[worker].generation.load(ordering: .relaxed)
        var leastCount = connectionCounts[worker].count.load(ordering: .relaxed)
        for (index, entry) in connectionCounts.enumerated() {
            let count = entry.count.load(ordering: .relaxed)
            total += count
            if count < leastCount, entry.generation.load(ordering: .acquiring) >= generation {
                least = index
                leastCount = count
            }
        }
        guard total < connectionsMax else {
            if !isAtLimit.exchange(true, ordering: .relaxed) {
                onMessage(
                    "connection limit reached: \(connectionsMax) client connections are open, new ones are closed at once "
                        + "(raise the limit of open files, or find out who holds them)")
            }
            return nil
        }
        connectionCounts[least].count.wrappingAdd(1, ordering: .relaxed)
        return least
    }

    /// A worker has a generation from now on.
    func installed(_ generation: Int, worker: Int) {
        connectionCounts[worker].generation.store(generation, ordering: .releasing)
    }

    /// A client connection ended.
    func connectionEnded(worker: Int) {
        connectionCounts[worker].count.wrappingSubtract(1, ordering: .relaxed)
        // Recovered when a tenth is free again, so that the lines do not alternate.
        guard isAtLimit.load(ordering: .relaxed), connections < connectionsMax - connectionsMax / 10 else { return }
        if isAtLimit.exchange(false, ordering: .relaxed) {
            onMessage("connection limit: below \(connectionsMax) again, new client connections are accepted")
        }
    }

    // MARK: - Listening sockets

    /// All sockets that are listened on, by their number.
    func listeningSockets() -> [(id: Int, socket: ListeningSocket)] { sockets.withLock { $0 } }

    package func setListeningSockets(_ list: [(id: Int, socket: ListeningSocket)]) { sockets.withLock { $0 = list } }

    /// Whether a connection to this address would come back to this proxy.
    func listens(on address: SocketAddress) -> Bool {
        sockets.withLock { list in
            list.contains { entry in
                let own = entry.socket.address
                if own == address { return true }
                guard own.isUnspecified, own.port == address.port else { return false }
                return address.isLoopback || address.isUnspecified
            }
        }
    }
}

/// A way to reach a worker from other threads: everything is posted to its loop.
package struct WorkerHandle: Sendable {
    package let index: Int
    private let loop: EventLoop
    private let worker: SendableReference<Worker>

    init(_ worker: Worker) {
        index = worker.index
        loop = worker.loop
        self.worker = SendableReference(worker)
    }

    /// Runs on the worker's thread, between two batches.
    package func post(_ body: @escaping @Sendable (Worker) -> Void) {
        let worker = worker
        loop.post { body(worker.value) }
    }

    func poked(cluster: Int32) {
        post { worker in
            worker.upstreams.poked(cluster: cluster)
            worker.flush()
        }
    }
}
