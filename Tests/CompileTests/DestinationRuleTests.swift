import Clusters
import Testing

@testable import Compile
@testable import Istio
@testable import Plan

@Suite struct DestinationRuleTests {
    private let name = "outbound|80||reviews.default.svc.cluster.local"

    private func compile(_ texts: String..., proxy: ProxyResource = sidecar()) -> CompiledPlan {
        Compiler.compile(resources(service("reviews")) + texts.flatMap { resources($0) }, proxy: proxy)
    }

    private func rule(_ spec: String) -> String { rule("r", spec) }

    private func rule(_ name: String, in namespace: String = "default", _ spec: String) -> String {
        istio("DestinationRule", name, in: namespace, "host: reviews.default.svc.cluster.local\n" + spec)
    }

    @Test("without a rule the defaults are Istio's")
    func defaults() {
        let cluster = compile().cluster(name)
        #expect(cluster?.balancer == .leastRequest)
        #expect(cluster?.limits == ClusterLimits())
        #expect(cluster?.outlier == nil)
        #expect(cluster?.connectTimeoutMilliseconds == 10_000)
        #expect(cluster?.tcpKeepalive == nil)
    }

    @Test("every field of connectionPool arrives; 0 means unset")
    func connectionPool() {
        let policy = """
            trafficPolicy:
              connectionPool:
                tcp: {maxConnections: 3, connectTimeout: 2s, idleTimeout: 5s, tcpKeepalive: {time: 1500ms, probes: 2}}
                http: {http1MaxPendingRequests: 0, http2MaxRequests: 7, maxRequestsPerConnection: 9, maxRetries: 1}
            """
        let cluster = compile(rule(policy)).cluster(name)
        #expect(cluster?.limits == ClusterLimits(connectionsMax: 3, requestsMax: 7, retriesMax: 1))
        #expect(cluster?.connectTimeoutMilliseconds == 2000)
        #expect(cluster?.idleTimeoutMilliseconds == 5000)
        #expect(cluster?.requestsPerConnectionMax == 9)
        #expect(cluster?.tcpKeepalive == TCPKeepalive(probes: 2, timeSeconds: 2))
    }

    @Test("outlier detection has Envoy's defaults where it is silent")
    func outlier() {
        let some = compile(
            rule(
                "trafficPolicy: {outlierDetection: {consecutiveGatewayErrors: 2, baseEjectionTime: 3m, maxEjectionPercent: 0}}"
            ))
        #expect(
            some.cluster(name)?.outlier
                == OutlierPolicy(consecutive5xx: 5, consecutiveGatewayErrors: 2, baseEjectionMilliseconds: 180_000))
    }

    @Test("a port's settings replace all blocks, the missing ones too; a subset's replace block by block")
    func inheritance() {
        let spec = """
            trafficPolicy:
              loadBalancer: {simple: RANDOM}
              outlierDetection: {consecutive5xxErrors: 1}
              portLevelSettings:
              - port: {number: 80}
                connectionPool: {tcp: {maxConnections: 4}}
            subsets:
            - name: v1
              labels: {version: v1}
              trafficPolicy: {loadBalancer: {simple: ROUND_ROBIN}}
            - name: v2
              labels: {version: v2}
            """
        let routes = istio(
            "VirtualService", "v",
            "hosts: [reviews]\nhttp:\n- match: [{uri: {exact: /}}]\n  route: [{destination: {host: reviews, subset: v1}}]\n- route: [{destination: {host: reviews, subset: v2}}]"
        )
        let compiled = compile(rule(spec), routes)
        let base = compiled.cluster(name)
        #expect(base?.balancer == .leastRequest)
        #expect(base?.outlier == nil)
        #expect(base?.limits.connectionsMax == 4)
        let first = compiled.cluster("outbound|80|v1|reviews.default.svc.cluster.local")
        #expect(first?.balancer == .roundRobin)
        #expect(first?.limits.connectionsMax == 4)
        #expect(compiled.cluster("outbound|80|v2|reviews.default.svc.cluster.local")?.balancer == .leastRequest)
    }

    private func balancer(_ kind: String) -> String { "trafficPolicy: {loadBalancer: {simple: \(kind)}}" }

    @Test("the client's namespace goes first, then the service's, then the root")
    func lookup() {
        let own = rule("own", in: "client", balancer("RANDOM"))
        let servers = rule("servers", balancer("ROUND_ROBIN"))
        let root = rule("root", in: "istio-system", balancer("RANDOM"))
        let client = sidecar("client")
        #expect(compile(own, servers, root, proxy: client).cluster(name)?.balancer == .random)
        #expect(compile(servers, root, proxy: client).cluster(name)?.balancer == .roundRobin)
        #expect(compile(root, proxy: client).cluster(name)?.balancer == .random)
        let hidden = rule("servers", balancer("ROUND_ROBIN") + "\nexportTo: ['.']")
        #expect(compile(hidden, root, proxy: client).cluster(name)?.balancer == .random)
    }

    @Test("in one namespace an exact host hides a wildcard altogether")
    func specificity() {
        let wide = istio("DestinationRule", "a", "host: '*.local'\n" + balancer("RANDOM"))
        #expect(compile(wide).cluster(name)?.balancer == .random)
        #expect(compile(wide, rule("trafficPolicy: {}")).cluster(name)?.balancer == .leastRequest)
    }

    @Test("rules of one host are merged: subsets add up, the first policy stays, what is lost is told")
    func merging() {
        let first = rule("a", "subsets: [{name: v1, labels: {version: v1}}]")
        let second = rule(
            "b", balancer("RANDOM") + "\nsubsets: [{name: v1, labels: {version: x}}, {name: v2, labels: {version: v2}}]"
        )
        let third = rule("c", balancer("ROUND_ROBIN"))
        let compiled = compile(first, second, third)
        #expect(compiled.cluster(name)?.balancer == .random)
        #expect(compiled.tells("DestinationRule default/b: subset 'v1'"))
        #expect(compiled.tells("DestinationRule default/c: the trafficPolicy"))
    }

    @Test("a rule with a workloadSelector is for the workloads that it selects")
    func workloadSelector() {
        let all = rule("a", balancer("ROUND_ROBIN"))
        let some = rule("b", balancer("RANDOM") + "\nworkloadSelector: {matchLabels: {app: client}}")
        #expect(compile(all, some).cluster(name)?.balancer == .random)
        #expect(compile(all, some, proxy: sidecar(labels: ["app": "other"])).cluster(name)?.balancer == .roundRobin)
    }

    @Test("a rule for a host that nothing is called is told of")
    func unknownHost() {
        #expect(
            compile(istio("DestinationRule", "x", "host: reviews.default")).tells(
                "no service is called reviews.default"))
    }
}
