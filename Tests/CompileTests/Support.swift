import Foundation
import Testing

@testable import Compile
@testable import Istio
@testable import Plan
import Clusters
import Routing

/// Data beside the project, which tests read where it lies there and skip where it does not.
enum Shared {
    /// The folder `shared` beside the project, or beside the folder of its work trees.
    static let folder: URL? = {
        var place = URL(filePath: #filePath)
        for _ in 0..<6 {
            place.deleteLastPathComponent()
            let candidate = place.appending(path: "shared")
            if FileManager.default.fileExists(atPath: candidate.appending(path: "vectors").path) { return candidate }
        }
        return nil
    }()

    static var exists: Bool { folder != nil }

    static func text(_ path: String) throws -> String {
        try String(contentsOf: #require(folder).appending(path: path), encoding: .utf8)
    }
}

/// Decodes documents; a broken one fails the test.
func resources(_ texts: String..., file: String = "test.yaml") -> [Resource] {
    texts.flatMap { text in
        let decoded = Istio.Decoder.decode(file: file, text: text)
        #expect(!decoded.diagnostics.hasErrors, "\(decoded.diagnostics)")
        return decoded.resources
    }
}

/// A sidecar in `default` whose proxy port is 15080, unless told otherwise.
func sidecar(
    _ namespace: String = "default", labels: [String: String] = ["app": "client"], proxyPort: Int = 15080,
    _ change: (inout ProxyResource) -> Void = { _ in }
) -> ProxyResource {
    var metadata = Metadata(name: "client", namespace: namespace)
    metadata.labels = labels
    var proxy = ProxyResource(metadata: metadata)
    proxy.meshConfig.proxyHttpPort = proxyPort
    change(&proxy)
    return proxy
}

/// A gateway in `istio-system` with the labels of Istio's own.
func gateway(_ change: (inout ProxyResource) -> Void = { _ in }) -> ProxyResource {
    var metadata = Metadata(name: "ingress", namespace: "istio-system")
    metadata.labels = ["istio": "ingressgateway"]
    var proxy = ProxyResource(metadata: metadata)
    proxy.mode = .gateway
    change(&proxy)
    return proxy
}

/// A Service in YAML.
func service(_ name: String, in namespace: String = "default", ports: String = "{name: http, port: 80}") -> String {
    """
    ---
    apiVersion: v1
    kind: Service
    metadata: {name: \(name), namespace: \(namespace)}
    spec:
      selector: {app: \(name)}
      ports: [\(ports)]

    """
}

/// An Istio resource in YAML; `spec` is indented by two.
func istio(_ kind: String, _ name: String, in namespace: String = "default", _ spec: String) -> String {
    let body = spec.split(separator: "\n", omittingEmptySubsequences: false).map { "  \($0)" }.joined(separator: "\n")
    return """
        ---
        apiVersion: networking.istio.io/v1
        kind: \(kind)
        metadata: {name: \(name), namespace: \(namespace)}
        spec:
        \(body)

        """
}

/// A Pod in YAML.
func pod(
    _ name: String, in namespace: String = "default", ip: String, labels: String, ports: String = "", ready: String = ""
) -> String {
    """
    ---
    apiVersion: v1
    kind: Pod
    metadata: {name: \(name), namespace: \(namespace), labels: {\(labels)}}
    spec:
      containers: [{name: app, ports: [\(ports)]}]
    status:
      podIP: \(ip)
      \(ready.isEmpty ? "" : "conditions: [{type: Ready, status: '\(ready)'}]")

    """
}

extension CompiledPlan {
    /// The routes of the first virtual host, in any table, that has this domain.
    func routes(_ domain: String) -> [RouteSpec]? { virtualHost(domain)?.routes }

    func virtualHost(_ domain: String) -> VirtualHostSpec? {
        plan.routeConfigurations.lazy.flatMap(\.virtualHosts).first { $0.domains.contains(domain) }
    }

    func cluster(_ name: String) -> ClusterSpec? { plan.clusters.first { $0.name == name } }

    /// Names of the clusters that a route forwards to; `NC name` for missing ones, `passthrough`.
    func targets(_ route: RouteSpec) -> [String] {
        guard case .forward(let forward) = route.action else { return [] }
        return forward.destinations.map { destination in
            switch destination.cluster {
            case .index(let index): plan.clusters[index].name
            case .unknown(let name): "NC \(name)"
            case .passthrough: "passthrough"
            }
        }
    }

    /// What the routes of a domain forward to, in order; nil where nothing has the domain.
    func targets(_ domain: String) -> [[String]]? { routes(domain)?.map { targets($0) } }

    /// Addresses of a cluster's endpoints.
    func addresses(_ cluster: String) -> [String]? {
        self.cluster(cluster)?.endpoints.map { endpoint in
            switch endpoint.address {
            case .socket(let socket): "\(socket)"
            case .name(let name, let port): "\(name):\(port)"
            }
        }
    }

    /// The findings as texts.
    var messages: [String] { diagnostics.map(\.description) }

    func tells(_ part: String) -> Bool { messages.contains { $0.contains(part) } }
}
