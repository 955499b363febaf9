import Clusters
import Testing

@testable import Compile
@testable import Istio
@testable import Plan

/// Services to addresses.
@Suite struct EndpointTests {
    private let base = "outbound|80||app.default.svc.cluster.local"

    private func compile(_ texts: String...) -> CompiledPlan {
        Compiler.compile(texts.flatMap { resources($0) }, proxy: sidecar())
    }

    private func app(_ target: String) -> String { service("app", ports: "{name: http, port: 80\(target)}") }

    @Test("target ports: a number, a name looked up in each Pod, or the port itself")
    func targetPorts() {
        let pods =
            pod("a", ip: "127.0.0.2", labels: "app: app", ports: "{name: web, containerPort: 8081}")
            + pod("b", ip: "127.0.0.2", labels: "app: app, version: v2", ports: "{name: web, containerPort: 8082}")
            + pod("c", ip: "127.0.0.3", labels: "app: app", ports: "{name: other, containerPort: 1}")
            + pod("d", in: "other", ip: "127.0.0.4", labels: "app: app", ports: "{name: web, containerPort: 8083}")
        #expect(compile(app(""), pods).addresses(base) == ["127.0.0.2:80", "127.0.0.3:80"])
        #expect(compile(app(", targetPort: 7"), pods).addresses(base) == ["127.0.0.2:7", "127.0.0.3:7"])
        let named = compile(app(", targetPort: web"), pods)
        #expect(named.addresses(base) == ["127.0.0.2:8081", "127.0.0.2:8082"])
        #expect(named.cluster(base)?.endpoints.map(\.version) == ["", "v2"])
        #expect(named.tells("Pod default/c: no container port is named 'web'"))
    }

    @Test("a Pod that is not ready is known but not healthy; one without address is not known")
    func readiness() {
        let compiled = compile(
            app(""), pod("a", ip: "127.0.0.2", labels: "app: app", ready: "False"),
            pod("b", ip: "127.0.0.3", labels: "app: app", ready: "True"), pod("c", ip: "''", labels: "app: app"))
        #expect(compiled.cluster(base)?.endpoints.map(\.isUnhealthy) == [true, false])
    }

    @Test("an EndpointSlice decides about its addresses: unready, terminating, and labels from the Pod")
    func slices() {
        let slice = """
            ---
            apiVersion: discovery.k8s.io/v1
            kind: EndpointSlice
            metadata: {name: app-1, namespace: default, labels: {kubernetes.io/service-name: app}}
            addressType: IPv4
            ports: [{name: http, port: 8080}, {name: other, port: 9}]
            endpoints:
            - {addresses: [10.0.0.1], conditions: {ready: true}, targetRef: {kind: Pod, name: a}}
            - {addresses: [10.0.0.2], conditions: {ready: false, terminating: false}}
            - {addresses: [10.0.0.3], conditions: {ready: false}}

            """
        let compiled = compile(
            app(", targetPort: 8080"), slice, pod("a", ip: "10.0.0.1", labels: "app: app, version: v1"),
            pod("gone", ip: "10.0.0.3", labels: "app: app"))
        #expect(compiled.addresses(base) == ["10.0.0.1:8080", "10.0.0.2:8080"])
        #expect(compiled.cluster(base)?.endpoints.map(\.isUnhealthy) == [false, true])
        #expect(compiled.cluster(base)?.endpoints.map(\.version) == ["v1", ""])
    }

    @Test("Endpoints objects serve a Service without selector")
    func endpointsObject() {
        let object = """
            ---
            apiVersion: v1
            kind: Endpoints
            metadata: {name: app, namespace: default}
            subsets: [{addresses: [{ip: 10.0.0.9}], notReadyAddresses: [{ip: 10.0.0.8}], ports: [{name: http, port: 8080}]}]

            """
        let bare = app("").replacing("  selector: {app: app}\n", with: "")
        let compiled = compile(bare, object)
        #expect(compiled.addresses(base) == ["10.0.0.9:8080", "10.0.0.8:8080"])
        #expect(compiled.cluster(base)?.endpoints.map(\.isUnhealthy) == [false, true])
    }

    @Test("WorkloadEntries are selected by Services, with ports by name; names are not addresses")
    func workloadEntries() {
        let compiled = compile(
            app(", targetPort: web"),
            istio(
                "WorkloadEntry", "vm",
                "address: 10.1.1.1\nlabels: {app: app, version: v3}\nports: {web: 8443}\nweight: 5\nlocality: eu/a"),
            istio("WorkloadEntry", "named", "address: vm.example\nlabels: {app: app}"))
        #expect(compiled.addresses(base) == ["10.1.1.1:8443"])
        #expect(compiled.cluster(base)?.endpoints.first?.weight == 5)
        #expect(compiled.cluster(base)?.endpoints.first?.locality == "eu/a")
        #expect(compiled.tells("the address 'vm.example' is no IP address"))
    }

    private func entry(_ spec: String, _ more: String = "") -> CompiledPlan {
        compile(
            istio(
                "ServiceEntry", "e",
                "hosts: [ext.test]\nports: [{number: 80, name: http, protocol: HTTP, targetPort: 8080}]\n\(spec)"), more
        )
    }

    @Test("ServiceEntries: STATIC takes addresses, DNS names, NONE the host itself; an endpoint's own port goes first")
    func serviceEntries() {
        let name = "outbound|80||ext.test"
        let fixed = entry(
            "resolution: STATIC\nendpoints: [{address: 1.2.3.4}, {address: 1.2.3.5, ports: {http: 81}}, {address: 'unix:///run/x.sock'}, {address: name.test}]"
        )
        #expect(fixed.addresses(name) == ["1.2.3.4:8080", "1.2.3.5:81", "unix:///run/x.sock"])
        #expect(fixed.cluster(name)?.resolution == .fixed)
        let dns = entry("resolution: DNS\nendpoints: [{address: a.test}, {address: 1.2.3.4}]")
        #expect(dns.addresses(name) == ["a.test:8080", "1.2.3.4:8080"])
        #expect(dns.cluster(name)?.resolution == .dns)
        #expect(entry("resolution: DNS").addresses(name) == ["ext.test:8080"])
        #expect(entry("resolution: DNS_ROUND_ROBIN").cluster(name)?.resolution == .dnsFirst)
        #expect(entry("resolution: NONE").addresses(name) == ["ext.test:8080"])
        #expect(fixed.targets("ext.test") == [[name]])
    }

    @Test("a wildcard ServiceEntry without endpoints goes where the request's Host says")
    func wildcardEntry() {
        let compiled = compile(
            istio(
                "ServiceEntry", "e",
                "hosts: ['*.ext.test']\nports: [{number: 80, name: http, protocol: HTTP}]\nresolution: NONE"))
        #expect(compiled.targets("*.ext.test") == [["passthrough"]])
    }

    @Test("a ServiceEntry's selector takes Pods and WorkloadEntries of its namespace")
    func selector() {
        let compiled = entry(
            "resolution: STATIC\nworkloadSelector: {labels: {app: x}}",
            pod("p", ip: "10.0.0.1", labels: "app: x")
                + istio("WorkloadEntry", "w", "address: 10.0.0.2\nlabels: {app: x}"))
        #expect(compiled.addresses("outbound|80||ext.test") == ["10.0.0.1:8080", "10.0.0.2:8080"])
    }

    @Test("ServiceEntries of one host and one voice add up")
    func added() {
        func one(_ name: String, _ ip: String) -> String {
            istio(
                "ServiceEntry", name,
                "hosts: [ext.test]\nports: [{number: 80, name: http, protocol: HTTP}]\nresolution: STATIC\nendpoints: [{address: \(ip)}]"
            )
        }
        #expect(
            compile(one("a", "1.1.1.1"), one("b", "2.2.2.2")).addresses("outbound|80||ext.test") == [
                "1.1.1.1:80", "2.2.2.2:80",
            ])
    }
}
