import Clusters
import Foundation
import Istio
import Loop
import Telemetry
import Wire

/// A whole proxy: the main thread with its signals, watcher, generations, ejections and admin; the compile thread; the workers.
/// `run` returns when the process is to end.
package final class ProxyProcess {
    /// Starts admin on the main thread's loop; called once, when the process knows what it is. Gives a line for the log.
    package typealias AdminStarter = (ProcessControl, SocketAddress) throws -> String

    private let options: ServeOptions
    private let loop: EventLoop
    private let builder: GenerationBuilder
    private let startAdmin: AdminStarter
    private var host: ProxyHost?
    private var outliers: OutlierController?
    private var generations: GenerationController?
    private var control: ProcessControl?
    private var watcher: DirectoryWatcher?
    /// Of certificates; nil while there are none.
    private var fileWatcher: FileWatcher?
    private var signals: SignalSource?
    private let ticker: MainTimer
    private var drainTimes = Drain.Times()
    private var status: Int32 = 0
    /// Something changed before there was anybody to tell.
    private var changedEarly = false

    /// Serves until a signal ends it.
    ///
    /// - Returns: the exit status: 0 after a drain, 1 when it could not start.
    package static func run(_ options: ServeOptions, admin: @escaping AdminStarter) -> Int32 {
        SignalSource.block()
        do {
            let process = try ProxyProcess(options, admin)
            return process.serve()
        } catch {
            ProcessLog.write("outrider cannot start: \(error)")
            return 1
        }
    }

    private init(_ options: ServeOptions, _ admin: @escaping AdminStarter) throws {
        self.options = options
        startAdmin = admin
        loop = try EventLoop()
        ticker = MainTimer(loop)
        builder = try GenerationBuilder(options: options, main: loop, log: ProcessLog.write)
    }

    private func serve() -> Int32 {
        let process = Unchecked(self)
        ticker.onFire = { process.value.tick() }
        do {
            // Watched before it is read: what changes meanwhile is seen.
            let watcher = try DirectoryWatcher(root: options.directory) { process.value.changed() }
            let signals = try SignalSource { process.value.received($0) }
            guard watcher.attach(to: loop), signals.attach(to: loop) else {
                throw LoopError("cannot watch the configuration", errno: 0)
            }
            if let shortcoming = watcher.shortcoming { ProcessLog.write("\(shortcoming)") }
            self.watcher = watcher
            self.signals = signals
        } catch {
            return fail("\(error)")
        }
        builder.look { look in process.value.begin(look) }
        loop.run()
        finish()
        return status
    }

    // MARK: - Start

    private func begin(_ look: Look) {
        guard let proxy = look.proxy else {
            for finding in look.diagnostics where finding.severity == .error { ProcessLog.write(finding.description) }
            _ = fail(look.failure ?? "nothing serves")
            return loop.stop()
        }
        do {
            try start(proxy, look)
        } catch {
            _ = fail("\(error)")
            loop.stop()
        }
    }

    private func start(_ proxy: ProxyResource, _ look: Look) throws {
        drainTimes = Drain.Times(
            least: options.drainLeastMilliseconds,
            most: UInt64(clamping: proxy.drainDurationMilliseconds ?? Limits.drainTimeoutMilliseconds))
        let asked = options.workers ?? proxy.workers
        let workers = min(
            max(asked > 0 ? asked : Foundation.ProcessInfo.processInfo.activeProcessorCount, 1), Limits.workersMax)
        let process = Unchecked(self)
        let host = try ProxyHost(workers: workers, loop: loop) { endpoint, signal in
            process.value.outliers?.report(signal, endpoint: endpoint)
        }
        let state = host.server.state
        builder.attach(state.board)
        let outliers = OutlierController(board: state.board, loop: loop, log: ProcessLog.write)
        let generations = GenerationController(
            loop: loop, builder: builder, resolver: state.resolver, host: host, outliers: outliers,
            log: ProcessLog.write)
        let control = ProcessControl(
            metrics: host.metrics, board: state.board, outliers: outliers, generations: generations, host: host,
            loop: loop
        ) { process.value.loop.stop() }
        self.host = host
        self.outliers = outliers
        self.generations = generations
        self.control = control
        let identity = "\(proxy.metadata.name).\(proxy.metadata.namespace)"
        ProcessLog.write("outrider serves as \(identity) (\(proxy.mode.rawValue)) with \(workers) workers")
        if let address = try adminAddress(proxy) { ProcessLog.write(try startAdmin(control, address)) }
        generations.onCertificateFiles = { process.value.watchCertificates($0) }
        generations.start(with: look)
        if changedEarly { generations.changed() }
    }

    /// Watches these files and no others; true when there are new ones among them.
    private func watchCertificates(_ paths: Set<String>) -> Bool {
        if fileWatcher == nil {
            guard !paths.isEmpty else { return false }
            let process = Unchecked(self)
            do throws(LoopError) {
                let watcher = try FileWatcher { process.value.generations?.certificatesChanged() }
                guard watcher.attach(to: loop) else { throw LoopError("cannot watch certificates", errno: 0) }
                fileWatcher = watcher
            } catch {
                ProcessLog.write("\(error): renewed certificates are found by SIGHUP or POST /reload only")
                return false
            }
        }
        guard let fileWatcher, fileWatcher.watch(paths) else { return false }
        if let shortcoming = fileWatcher.shortcoming { ProcessLog.write("\(shortcoming)") }
        return true
    }

    private func changed() {
        if let generations { generations.changed() } else { changedEarly = true }
    }

    private func adminAddress(_ proxy: ProxyResource) throws -> SocketAddress? {
        if let address = options.admin { return address }
        guard let text = proxy.adminAddress else { return nil }
        guard let address = SocketAddress(text) else {
            throw SelectionError(
                "\(proxy.metadata.location): spec.admin.address \"\(text)\" is not an address such as 127.0.0.1:15000")
        }
        return address
    }

    private func fail(_ reason: String) -> Int32 {
        ProcessLog.write("outrider cannot start: \(reason)")
        status = 1
        return status
    }

    // MARK: - End

    private func received(_ signal: Signal) {
        switch signal {
        case .hangup: generations?.reload(cause: "SIGHUP")
        case .user1: host?.reopenAccessLog()
        case .terminate: drain(least: drainTimes.least, name: "SIGTERM")
        case .interrupt: drain(least: 0, name: "SIGINT")
        }
    }

    private func drain(least: UInt64, name: String) {
        guard let control else { return loop.stop() }
        control.beginDrain(Drain.Times(least: least, most: drainTimes.most))
        ProcessLog.write(
            control.phase == .over
                ? "\(name) again: ending at once with \(control.openConnections) connections open"
                : "\(name): draining, \(control.openConnections) connections open, at most \(drainTimes.most) ms")
        tick()
    }

    /// Looks at the drain; nothing else is due in a rhythm.
    private func tick() {
        guard let control else { return }
        control.lookAtDrain()
        if control.phase == .over { return loop.stop() }
        if let next = control.drain.nextLook(at: loop.now) { ticker.arm(next) }
    }

    private func finish() {
        if let control { ProcessLog.write("ending, \(control.openConnections) connections open") }
        host?.stop()
        generations?.stop()
        builder.stop()
    }
}
