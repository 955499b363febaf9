import Foundation
/// What most scenarios need: a gateway before the Service `catalog` with one Pod of v1 and one of v2, each of which answers
/// with its version.
final class Shop {
    let v1: TestOrigin
    let v2: TestOrigin
    let proxy: ScenarioProxy
    let port: UInt16

    /// - Parameters:
    ///   - routes: a VirtualService, in `routes.yaml`.
    ///   - policy: the traffic policy of `catalog`, in `rule.yaml`.
    ///   - more: further resources, in `more.yaml`.
    init(
        routes: String = Manifest.split(50, 50), policy: String? = nil, mesh: String = "{accessLogFile: /dev/stdout}",
        more: String = "",
        v1: TestOrigin? = nil, v2: TestOrigin? = nil, program: ScenarioProxy.Program = ScenarioProxy.Program()
    ) throws {
        self.v1 = try v1 ?? TestOrigin(saying: "v1")
        self.v2 = try v2 ?? TestOrigin(saying: "v2")
        port = try TestSocket.freePort()
        let admin = try TestSocket.freePort()
        proxy = try ScenarioProxy(
            [
                "gateway.yaml": Manifest.gateway(port: port, admin: admin, mesh: mesh),
                "catalog.yaml": Manifest.service("catalog", [("v1", self.v1.port), ("v2", self.v2.port)]),
                "rule.yaml": Manifest.subsets("catalog", policy: policy),
                "routes.yaml": routes,
                "more.yaml": more,
            ], admin: admin, program: program)
    }

    deinit {
        if let log = ProcessInfo.processInfo.environment["SCENARIO_LOG"], !log.isEmpty { print(proxy.output) }
        v1.stop()
        v2.stop()
    }

    func client() throws -> RawClient { try RawClient(port: port) }

    func get(_ target: String, host: String = "shop.example", fields: [String] = []) throws -> RawClient.Answer {
        try client().get(target, host: host, fields: fields)
    }
}
