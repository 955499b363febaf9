import Clusters
import Istio
import Plan
import Routing
import Wire

/// What a compilation gives: the tables that serve, and what there is to say about them.
package struct CompiledPlan: Sendable {
    package var plan: Plan
    /// In the order of the passes; each once.
    package var diagnostics: [Diagnostic]

    package init(plan: Plan, diagnostics: [Diagnostic]) {
        self.plan = plan
        self.diagnostics = diagnostics
    }
}

/// From resources to tables, for one proxy.
///
/// Total: it never throws, and whatever cannot be honoured is left out with a diagnostic while the rest serves. Deterministic:
/// the same resources, in whatever order, give the same plan. Its time grows with the number of resources and of the tables
/// that they appear in, not with their product.
package enum Compiler {
    /// - Parameters:
    ///   - resources: decoded and valid; `Proxy` resources among them are passed over.
    ///   - proxy: whose tables these are.
    package static func compile(_ resources: [Resource], proxy: ProxyResource) -> CompiledPlan {
        let findings = Findings()
        let inputs = Inputs(resources)
        let registry = ServiceRegistry(inputs, mesh: proxy.meshConfig, domain: proxy.clusterDomain)
        let credentials = Credentials(inputs, proxy: proxy)
        let peers = PeerAuthenticationIndex(inputs, proxy: proxy)
        let serverTLS = ServerTLSPass(proxy: proxy, credentials: credentials, findings: findings)
        let catalog = ClusterCatalog(
            proxy: proxy, registry: registry,
            destinationRules: DestinationRuleIndex(inputs.destinationRules, proxy: proxy, findings: findings),
            resolver: EndpointResolver(inputs, findings: findings),
            upstreamTLS: UpstreamTLS(proxy: proxy, credentials: credentials, peers: peers, findings: findings),
            findings: findings)
        let virtualServices = VirtualServiceIndex(inputs, proxy: proxy, findings: findings)
        let compiler = RouteCompiler(proxy: proxy, registry: registry, catalog: catalog, findings: findings)
        let planner = ListenerPlanner(proxy: proxy, findings: findings)
        let streams = StreamRoutes(proxy: proxy, catalog: catalog)

        switch proxy.mode {
        case .gateway:
            GatewayPass(
                proxy: proxy, registry: registry, virtualServices: virtualServices, compiler: compiler,
                planner: planner, streams: streams, serverTLS: serverTLS, catalog: catalog, findings: findings,
                servers: GatewayServers(inputs, proxy: proxy, registry: registry, findings: findings)
            ).run()
        case .sidecar:
            let scope = SidecarScope(inputs, proxy: proxy, registry: registry, virtualServices: virtualServices)
            let outbound = OutboundTable(
                proxy: proxy, registry: registry, catalog: catalog, compiler: compiler, findings: findings, scope: scope
            )
            SidecarPass(
                proxy: proxy, inputs: inputs, registry: registry, catalog: catalog, planner: planner,
                findings: findings, scope: scope, outbound: outbound,
                streams: OutboundStreams(
                    proxy: proxy, registry: registry, streams: streams, findings: findings),
                inbound: InboundPass(
                    proxy: proxy, inputs: inputs, registry: registry, catalog: catalog, planner: planner,
                    serverTLS: serverTLS, peers: peers, findings: findings)
            ).run()
        }
        planner.finish()
        lint(inputs, registry, proxy: proxy, findings: findings)
        let clusters = catalog.build(
            outbound: OwnAddresses(planner.listeners, pods: inputs.pods, proxy: proxy),
            inbound: OwnAddresses(
                planner.listeners, pods: inputs.pods, proxy: proxy, including: Set(ListenerSpec.Role.allCases)))
        let plan = Plan(
            identity: ProxyIdentity(proxy), listeners: planner.listeners,
            routeConfigurations: planner.routeConfigurations, clusters: clusters,
            settings: ProxySettings(proxy, findings: findings))
        return CompiledPlan(plan: plan, diagnostics: findings.all)
    }

    /// What no table shows, because nothing looks it up.
    private static func lint(_ inputs: Inputs, _ registry: ServiceRegistry, proxy: ProxyResource, findings: Findings) {
        for rule in inputs.destinationRules {
            let host = HostName.resolve(rule.host, namespace: rule.metadata.namespace, domain: proxy.clusterDomain)
            if !HostName.isWildcard(host), !registry.isKnown(host) {
                findings.warn(
                    rule.metadata.location, rule.metadata.id("DestinationRule"),
                    "no service is called \(host): the rule has no effect",
                    fix: rule.host.contains(".") && !rule.host.hasSuffix(".\(proxy.clusterDomain)")
                        ? "a name with a dot is taken as it stands: write name.namespace.svc.\(proxy.clusterDomain)"
                        : nil)
            }
        }
    }
}

extension ProxyIdentity {
    fileprivate init(_ proxy: ProxyResource) {
        self.init(
            name: proxy.metadata.name, namespace: proxy.metadata.namespace,
            mode: proxy.mode == .gateway ? .gateway : .sidecar, labels: proxy.metadata.labels,
            serviceAccount: proxy.serviceAccount, locality: proxy.locality, clusterDomain: proxy.clusterDomain)
    }
}

extension ProxySettings {
    fileprivate init(_ proxy: ProxyResource, findings: Findings) {
        let mesh = proxy.meshConfig
        let normalization: PathNormalization =
            switch mesh.pathNormalization {
            case .none: .none
            case .default, .base: .base
            case .mergeSlashes: .mergeSlashes
            case .decodeAndMergeSlashes: .decodeAndMergeSlashes
            }
        var admin: SocketAddress?
        if let text = proxy.adminAddress {
            admin = SocketAddress(text)
            if admin == nil {
                findings.fail(
                    proxy.metadata.location, proxy.metadata.id("Proxy"), "admin.address '\(text)' is no address",
                    fix: "write IP:port")
            }
        }
        if mesh.accessLogEncoding == "JSON" {
            findings.warn(
                mesh.location, proxy.metadata.id("Proxy"), "accessLogEncoding JSON is not honoured yet: lines are text")
        }
        self.init(
            workers: max(proxy.workers, 0), admin: admin, pathNormalization: normalization,
            accessLogFile: mesh.accessLogFile, trustedProxies: max(mesh.trustedProxies, 0),
            protocolDetectionTimeoutMilliseconds: mesh.protocolDetectionTimeoutMilliseconds)
    }
}
