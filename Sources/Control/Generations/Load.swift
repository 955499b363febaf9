import Compile
import Istio
import Plan
import TLS

/// A directory read once, as `check`, `explain` and `routes` need it.
package struct Loaded: Sendable {
    /// What would serve.
    package var resources: [Resource] = []
    /// The Proxy that was chosen, nil when none could be.
    package var proxy: ProxyResource?
    /// What it would serve, nil without a Proxy.
    package var plan: Plan?
    package var troubled: [ResourceStatus] = []
    /// What chains would end TLS with and cannot, where contexts were built.
    package var quarantined: Set<TLSServerSettings> = []
    /// Every finding, sorted by place: of reading, decoding, validating, choosing and compiling.
    package var diagnostics: [Diagnostic] = []

    package init() {}
}

/// Reading a directory without serving it.
package enum Control {
    /// Reads, decodes, chooses and compiles. Never fails as a whole: what is wrong is in the diagnostics. No earlier state is
    /// looked at, so nothing is stale.
    ///
    /// - Parameters:
    ///   - buildsContexts: reads certificates too, as the proxy itself would.
    ///   - compile: another one for tests.
    package static func load(
        directory: String, proxy name: String? = nil, buildsContexts: Bool = false,
        compile: GenerationBuilder.Compiling = { Compiler.compile($0, proxy: $1) }
    ) -> Loaded {
        let scan = ConfigDirectory(path: directory).scan()
        var files = DecodedFiles()
        var store = ResourceStore()
        let state = store.apply(files.update(scan), isIncomplete: scan.isIncomplete)
        var loaded = Loaded()
        loaded.resources = state.resources
        loaded.troubled = state.troubled
        loaded.diagnostics = scan.diagnostics + state.diagnostics
        switch ProxySelection.select(state.resources, name: name) {
        case .failure(let error):
            loaded.diagnostics.append(Diagnostic(.error, at: SourceLocation(file: directory), error.description))
        case .success(let proxy):
            loaded.proxy = proxy
            let compiled = compile(state.resources, proxy)
            loaded.plan = compiled.plan
            loaded.diagnostics += compiled.diagnostics
            if buildsContexts {
                var builder = ContextBuilder()
                let built = builder.build(compiled.plan)
                loaded.diagnostics += built.diagnostics
                loaded.quarantined = Set(compiled.plan.listeners.flatMap { $0.chains.compactMap(\.tls) })
                    .subtracting(built.contexts.servers.keys)
            }
        }
        loaded.diagnostics = loaded.diagnostics.uniqued()
        return loaded
    }
}

extension [Diagnostic] {
    /// Sorted by place, each finding once.
    func uniqued() -> [Diagnostic] {
        var seen = Set<Diagnostic>()
        return filter { seen.insert($0).inserted }
            .sorted { ($0.location, $1.severity, $0.message) < ($1.location, $0.severity, $1.message) }
    }
}
