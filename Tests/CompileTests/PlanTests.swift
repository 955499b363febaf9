import Testing

@testable import Compile
@testable import Istio
@testable import Plan

@Suite struct PlanTests {
    private let mesh = [
        service("web", ports: "{name: http, port: 80, targetPort: 8080}"),
        pod("web-1", ip: "10.0.0.1", labels: "app: web, version: v1"),
        pod("web-2", ip: "10.0.0.2", labels: "app: web, version: v2"),
        istio(
            "DestinationRule", "web",
            "host: web\ntrafficPolicy: {connectionPool: {tcp: {maxConnections: 2}}}\nsubsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]"
        ),
        istio(
            "VirtualService", "web",
            "hosts: [web]\nhttp:\n- match: [{uri: {prefix: /v2}, headers: {x: {exact: y}}}]\n  rewrite: {uri: /}\n  timeout: 2s\n  route: [{destination: {host: web, subset: v2}}]\n- route: [{destination: {host: web, subset: v1}, weight: 90}, {destination: {host: web, subset: v2}, weight: 10}]"
        ),
    ]

    @Test("a plan describes itself")
    func describe() {
        let compiled = Compiler.compile(mesh.flatMap { resources($0, file: "web.yaml") }, proxy: sidecar())
        #expect(compiled.diagnostics.isEmpty, "\(compiled.diagnostics)")
        #expect(compiled.plan.describe() == Self.expected)
    }

    private static let expected = """
        proxy client.default sidecar  app=client
        listener http_proxy on 127.0.0.1:15080  proxyPort  routes http_proxy  port 15080
        routes http_proxy  by host:port
          virtual host web.default.svc.cluster.local:80  VirtualService default/web at web.yaml:2
            domains web.default.svc.cluster.local web.default.svc.cluster.local:80 web web:80 web.default web.default:80 web.default.svc web.default.svc:80 web.default.svc.cluster.local. web.default.svc.cluster.local.:80
            1. path prefix "/v2", header x exact "y"  VirtualService default/web http[0].match[0] at web.yaml:8
              to outbound|80|v2|web.default.svc.cluster.local
              rewrite path to /
              timeout 2000 ms
            2. everything  VirtualService default/web http[1] at web.yaml:12
              to outbound|80|v1|web.default.svc.cluster.local  weight 90
              to outbound|80|v2|web.default.svc.cluster.local  weight 10
          virtual host allow_any  Proxy default/client outboundTrafficPolicy
            domains *
            1. everything  named allow_any  Proxy default/client outboundTrafficPolicy
              to PassthroughCluster
              no retries
        cluster outbound|80|v2|web.default.svc.cluster.local  LEAST_REQUEST  web.yaml:8
          limits connections 2
          endpoint 10.0.0.2:8080  web-2  v2
        cluster outbound|80|v1|web.default.svc.cluster.local  LEAST_REQUEST  web.yaml:8
          limits connections 2
          endpoint 10.0.0.1:8080  web-1  v1
        cluster outbound|80||web.default.svc.cluster.local  LEAST_REQUEST  web.yaml:2
          limits connections 2
          endpoint 10.0.0.1:8080  web-1  v1
          endpoint 10.0.0.2:8080  web-2  v2

        """

    @Test("the order of the resources does not matter")
    func deterministic() {
        let all = mesh.flatMap { resources($0) }
        let forwards = Compiler.compile(all, proxy: sidecar())
        let backwards = Compiler.compile(all.reversed(), proxy: sidecar())
        #expect(forwards.plan.describe() == backwards.plan.describe())
        #expect(forwards.diagnostics == backwards.diagnostics)
    }

    @Test("ten thousand services with their rules compile")
    func many() {
        var all: [Resource] = []
        for index in 0..<10_000 {
            let name = "s\(index)"
            var service = Service(metadata: Metadata(name: name))
            var port = Service.Port()
            port.name = "http"
            port.port = 80
            service.ports = [port]
            service.selector = ["app": name]
            var pod = Pod(metadata: Metadata(name: name))
            pod.metadata.labels = ["app": name, "version": "v1"]
            pod.ip = "10.\(index >> 16 & 255).\(index >> 8 & 255).\(index & 255)"
            var rules = VirtualService(metadata: Metadata(name: name))
            rules.hosts = [name]
            var rule = HTTPRoute()
            var destination = RouteDestination()
            destination.destination.host = name
            rule.route = [destination]
            rules.http = [rule]
            all += [.service(service), .pod(pod), .virtualService(rules)]
        }
        var wide = VirtualService(metadata: Metadata(name: "wide"))
        wide.hosts = ["*.cluster.local"]
        wide.http = [HTTPRoute()]
        all.append(.virtualService(wide))
        let started = ContinuousClock.now
        let compiled = Compiler.compile(all, proxy: sidecar())
        print("compiled 30,000 resources in \(ContinuousClock.now - started)")
        #expect(compiled.plan.clusters.count == 10_000)
        #expect(compiled.plan.routeConfigurations[0].virtualHosts.count == 10_001)
        #expect(compiled.plan.clusters.allSatisfy { $0.endpoints.count == 1 })
        #expect(compiled.diagnostics.count == 1)
        #expect(compiled.tells("no service is left for *.cluster.local"))
    }
}
