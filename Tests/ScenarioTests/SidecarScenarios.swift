import Foundation
import Testing

@Suite("A sidecar")
struct SidecarScenarios {
    /// A sidecar with a proxy port, an egress listener of its own for `catalog`, and two ingress listeners.
    final class Mesh {
        let catalog: TestOrigin
        let local: TestOrigin
        let socket: TestOrigin
        let proxy: ScenarioProxy
        let proxyPort: UInt16
        let egress: UInt16
        let ingress: UInt16
        let unixIngress: UInt16

        init(policy: String) throws {
            catalog = try TestOrigin(saying: "catalog")
            local = try TestOrigin(saying: "local")
            let folder = try ScenarioProxy.makeFolder()
            socket = try TestOrigin(path: "\(folder)/app.sock") { _ in .answer(status: 200, body: "socket") }
            proxyPort = try TestSocket.freePort()
            egress = try TestSocket.freePort()
            ingress = try TestSocket.freePort()
            unixIngress = try TestSocket.freePort()
            let admin = try TestSocket.freePort()
            let sidecar = """
                apiVersion: networking.istio.io/v1
                kind: Sidecar
                metadata: {name: client, namespace: shop}
                spec:
                  workloadSelector: {labels: {app: client}}
                  outboundTrafficPolicy: {mode: \(policy)}
                  ingress:
                  - port: {number: \(ingress), name: http, protocol: HTTP}
                    bind: 127.0.0.1
                    defaultEndpoint: 127.0.0.1:\(local.port)
                  - port: {number: \(unixIngress), name: http-unix, protocol: HTTP}
                    bind: 127.0.0.1
                    defaultEndpoint: unix://\(folder)/app.sock
                  egress:
                  - port: {number: \(egress), name: http, protocol: HTTP}
                    bind: 127.0.0.1
                    hosts: ["./*"]
                  - hosts: ["./*"]
                """
            let mesh = "{proxyHttpPort: \(proxyPort), outboundTrafficPolicy: {mode: \(policy)}}"
            proxy = try ScenarioProxy(
                [
                    "proxy.yaml": Manifest.sidecar(admin: admin, mesh: mesh), "sidecar.yaml": sidecar,
                    "catalog.yaml": Manifest.service("catalog", [("v1", catalog.port)])
                        .replacingOccurrences(of: "port: 80,", with: "port: \(egress),"),
                    "api.yaml": Manifest.service("api", [("v1", catalog.port)]),
                ], admin: admin, folder: folder)
        }

        deinit { for origin in [catalog, local, socket] { origin.stop() } }
    }

    @Test("takes requests on its proxy port, in absolute form and by Host")
    func proxyPort() throws {
        let mesh = try Mesh(policy: "REGISTRY_ONLY")
        let client = try RawClient(port: mesh.proxyPort)
        let absolute = try client.get("http://api.shop.svc.cluster.local/a?b=c", host: "api.shop.svc.cluster.local")
        #expect(absolute.text == "catalog", "\(absolute) \(mesh.proxy.log)")
        #expect(mesh.catalog.requests.last?.target == "/a?b=c")
        #expect(mesh.catalog.requests.last?.field("host") == "api.shop.svc.cluster.local")
        #expect(try client.get("/", host: "api").text == "catalog")
        #expect(try client.get("/", host: "api.shop:80").text == "catalog")
    }

    @Test("takes requests on the port of an egress listener")
    func egress() throws {
        let mesh = try Mesh(policy: "REGISTRY_ONLY")
        let answer = try RawClient(port: mesh.egress).get("/", host: "catalog:\(mesh.egress)")
        #expect(answer.text == "catalog", "\(answer) \(mesh.proxy.log)")
    }

    @Test("hands what comes in to the program behind it, over TCP and over a Unix socket")
    func ingress() throws {
        let mesh = try Mesh(policy: "REGISTRY_ONLY")
        #expect(try RawClient(port: mesh.ingress).get("/in", host: "anything").text == "local")
        #expect(mesh.local.requests.last?.target == "/in")
        #expect(try RawClient(port: mesh.unixIngress).get("/", host: "anything").text == "socket")
        try mesh.proxy.waitForMetric("istio_requests_total", ["reporter": "destination", "response_code": "200"], 2)
    }

    @Test("refuses hosts that it does not know where only the registry may be reached")
    func registryOnly() throws {
        let mesh = try Mesh(policy: "REGISTRY_ONLY")
        let stranger = try TestOrigin(saying: "stranger")
        defer { stranger.stop() }
        let answer = try RawClient(port: mesh.proxyPort).get("/", host: "127.0.0.1:\(stranger.port)")
        #expect(answer.status == 502 && answer.text.isEmpty && stranger.count == 0, "\(answer)")
    }

    @Test("lets through to any address where all may be reached, but never to itself")
    func allowAny() throws {
        let mesh = try Mesh(policy: "ALLOW_ANY")
        let stranger = try TestOrigin(saying: "stranger")
        defer { stranger.stop() }
        let client = try RawClient(port: mesh.proxyPort)
        #expect(try client.get("/", host: "127.0.0.1:\(stranger.port)").text == "stranger", "\(mesh.proxy.log)")
        #expect(try client.get("http://localhost:\(stranger.port)/", host: "localhost").text == "stranger")
        for own in [mesh.proxyPort, mesh.egress, mesh.ingress] {
            let answer = try RawClient(port: mesh.proxyPort).get("/", host: "127.0.0.1:\(own)")
            #expect(answer.status >= 500, "port \(own): \(answer)")
        }
        #expect(mesh.local.count == 0)
    }
}
