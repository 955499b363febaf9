import Clusters
import Compile
import Istio
import Loop
import Plan
import Proxy
import Routing
import Wire

/// What one look at the directory led to.
package struct Look: Sendable {
    /// What can serve; nil when nothing can (no Proxy, or several).
    package var plan: Plan?
    package var proxy: ProxyResource?
    /// Resources that serve.
    package var resources = 0
    package var troubled: [ResourceStatus] = []
    package var diagnostics: [Diagnostic] = []
    /// The TLS contexts of the plan, and how they fare.
    package var contexts = TLSContexts()
    package var certificates = ContextReport()
    /// Why there is no plan.
    package var failure: String?

    package init() {}
}

/// The work that takes long, on a thread of its own: reading and decoding a directory, compiling it, building tables. Nothing
/// else waits for it. It owns the store of last good forms and the registry of slots.
///
/// Unchecked: everything mutable is touched in jobs of its own loop only, each part by one thread at a time.
package final class GenerationBuilder: @unchecked Sendable {
    private let loop: EventLoop
    private let main: EventLoop
    private var thread: ThreadHandle?
    private let directory: ConfigDirectory
    private let proxyName: String?
    private let lastGood: LastGood?
    private let keeper: LastGoodKeeper?
    /// Made when the board is known.
    private var registry: SlotRegistry?
    private let compile: Compiling

    private var files = DecodedFiles()
    private var contextBuilder = ContextBuilder()
    private var store: ResourceStore?
    private var contents: [ResourceStore.FileContent] = []
    /// The tables of the last plan, reused while its routes stay the same.
    private var routes: (specification: [RouteConfigurationSpec], table: RouteTable)?

    package typealias Compiling = @Sendable ([Resource], ProxyResource) -> CompiledPlan

    /// Starts the thread. Results are given on `main`.
    /// - Parameter compile: another one for tests.
    package init(
        options: ServeOptions, main: EventLoop, log: @escaping @Sendable (String) -> Void,
        compile: @escaping Compiling = { Compiler.compile($0, proxy: $1) }
    ) throws(LoopError) {
        loop = try EventLoop()
        self.main = main
        directory = ConfigDirectory(path: options.directory)
        proxyName = options.proxy
        lastGood = options.lastGood
        if let lastGood { keeper = try LastGoodKeeper(lastGood, log: log) } else { keeper = nil }
        self.compile = compile
        let loop = self.loop
        thread = try Loop.Thread.start(name: "compile") { loop.run() }
    }

    /// Ends the thread after the jobs that wait for it.
    package func stop() {
        let loop = self.loop
        loop.post { loop.stop() }
        thread?.join()
        thread = nil
        keeper?.stop()
    }

    // MARK: - Jobs

    /// Gives the board on which slots are taken; before the first `build`.
    package func attach(_ board: Board) {
        loop.post { [self] in registry = SlotRegistry(board: board) }
    }

    /// Looks at the directory and compiles what it finds.
    package func look(_ completion: @escaping @Sendable (Look) -> Void) {
        loop.post { [self] in
            let look = lookNow()
            main.post { completion(look) }
        }
    }

    /// Reads the files of certificates again, and says whether one holds something else than at the last look.
    package func haveCertificatesChanged(_ completion: @escaping @Sendable (Bool) -> Void) {
        loop.post { [self] in
            let isChanged = contextBuilder.haveFilesChanged()
            main.post { completion(isChanged) }
        }
    }

    /// Builds the tables of a plan with the addresses of its names.
    /// - Parameter last: the plan that serves, to tell what is different.
    package func build(
        _ plan: Plan, after last: Plan?, contexts: TLSContexts, addresses: [String: [SocketAddress]],
        _ completion: @escaping @Sendable (Tables) -> Void
    ) {
        loop.post { [self] in
            let (routes, (clusters, difference)) = concurrently {
                routeTable(of: plan)
            } _: {
                (clusterTable(of: plan, addresses: addresses), PlanDifference(from: last, to: plan))
            }
            let tables = Tables(
                plan: plan, routes: routes, clusters: clusters, contexts: contexts, difference: difference)
            main.post { completion(tables) }
        }
    }

    /// The generation is in use: what serves now is what was last good. What making it took in memory goes back to the system.
    package func keepLastGood() {
        loop.post { [self] in
            guard let store, let keeper else { return System.releaseFreeMemory() }
            keeper.keep(store.good, files: contents)
        }
    }

    /// No worker uses these tables any more. They are let go here, off the workers and off the main thread.
    package func retire(_ tables: Tables) {
        loop.post { [self] in
            registry?.retire(generation: tables.clusters.generation)
            // What a compile freed goes back to the system.
            System.releaseFreeMemory()
        }
    }

    // MARK: - On the thread

    private func routeTable(of plan: Plan) -> RouteTable {
        if let routes, routes.specification == plan.routeConfigurations { return routes.table }
        let table = RouteTable(plan.routeConfigurations)
        routes = (plan.routeConfigurations, table)
        return table
    }

    private func clusterTable(of plan: Plan, addresses: [String: [SocketAddress]]) -> ClusterTable {
        guard let registry else { preconditionFailure("a board is attached before tables are built") }
        return ClusterTable(specs: plan.clusters, registry: registry, resolved: addresses)
    }

    private func lookNow() -> Look {
        let scan = directory.scan()
        // At the start nothing is served yet that could be kept waiting.
        let threads = store == nil ? System.cores : 1
        contents = files.update(scan, threads: threads)
        if store == nil {
            // The past is asked only when something is wrong at the start.
            let isTroubled =
                scan.isIncomplete || contents.contains { $0.decoded.parseFailed || !$0.decoded.broken.isEmpty }
            store = ResourceStore(good: isTroubled ? lastGood?.load() ?? [:] : [:])
        }
        var look = Look()
        guard let state = store?.apply(contents, isIncomplete: scan.isIncomplete) else { return look }
        look.resources = state.resources.count
        look.troubled = state.troubled
        look.diagnostics = scan.diagnostics + state.diagnostics
        switch ProxySelection.select(state.resources, name: proxyName) {
        case .failure(let error):
            look.failure = error.description
        case .success(let proxy):
            let compiled = compile(state.resources, proxy)
            look.proxy = proxy
            look.plan = compiled.plan
            let built = contextBuilder.build(compiled.plan)
            look.contexts = built.contexts
            look.certificates = built.report
            look.diagnostics += compiled.diagnostics + built.diagnostics
        }
        look.diagnostics = look.diagnostics.uniqued()
        return look
    }
}
