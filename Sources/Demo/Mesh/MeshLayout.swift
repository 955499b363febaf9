import Istio
import Wire

/// Who takes part in the demo, as the directory's own resources say: a gateway, and a sidecar beside each program.
package struct MeshLayout: Sendable {
    /// One process `outrider run --proxy NAME.NAMESPACE`.
    package struct Sidecar: Sendable {
        /// `NAME.NAMESPACE`.
        package var proxy: String
        package var admin: SocketAddress
        /// The labels `app` and `version`.
        package var app: String
        package var version: String
        /// Where the program listens: the Sidecar's `defaultEndpoint`.
        package var program: SocketAddress
        /// Where the program sends its own requests.
        package var proxyHttpPort: Int
    }

    package var gatewayProxy: String
    package var gatewayAdmin: SocketAddress
    /// Where clients come in.
    package var gateway: SocketAddress
    /// Where clients come in with TLS; nil where there are no certificates.
    package var secureGateway: SocketAddress?
    package var sidecars: [Sidecar]
    /// Who needs a certificate: the Proxies that have an `identity`.
    package var workloads: [MeshCertificates.Workload]

    /// Reads the layout, or says what is missing for a demo.
    package init(_ resources: [Resource]) throws {
        let proxies = resources.compactMap { resource -> ProxyResource? in
            if case .proxy(let proxy) = resource { proxy } else { nil }
        }
        guard let ingress = proxies.first(where: { $0.mode == .gateway }),
            let listen = ingress.listen.first, let gateway = SocketAddress(listen.address)
        else { throw DemoError("The directory has no Proxy with `mode: gateway` and an address in `listen`.") }
        self.gateway = gateway
        secureGateway = ingress.listen.first { $0.port == Self.httpsPort }.flatMap { SocketAddress($0.address) }
        workloads = proxies.filter { $0.identity != nil }.map(Self.workload)
        gatewayProxy = Self.name(ingress)
        gatewayAdmin = try Self.admin(ingress)
        sidecars = try proxies.filter { $0.mode == .sidecar }.map { proxy in
            try Self.sidecar(proxy, resources)
        }
    }

    /// Admin addresses, the gateway's first, each with its Proxy.
    package var admins: [(proxy: String, address: SocketAddress)] {
        [(gatewayProxy, gatewayAdmin)] + sidecars.map { ($0.proxy, $0.admin) }
    }

    private static func name(_ proxy: ProxyResource) -> String { "\(proxy.metadata.name).\(proxy.metadata.namespace)" }

    private static let httpsPort = 443

    private static func workload(_ proxy: ProxyResource) -> MeshCertificates.Workload {
        let trust = proxy.meshConfig.trustDomain
        return .init(
            name: proxy.metadata.name,
            identity: "spiffe://\(trust)/ns/\(proxy.metadata.namespace)/sa/\(proxy.serviceAccount)")
    }

    private static func admin(_ proxy: ProxyResource) throws -> SocketAddress {
        guard let text = proxy.adminAddress, let address = SocketAddress(text) else {
            throw DemoError("Proxy \(name(proxy)) has no `admin.address`; each needs its own on one machine.")
        }
        return address
    }

    private static func sidecar(_ proxy: ProxyResource, _ resources: [Resource]) throws -> Sidecar {
        let labels = proxy.metadata.labels
        for case .sidecar(let resource) in resources where resource.metadata.namespace == proxy.metadata.namespace {
            let selector = resource.workloadSelector ?? [:]
            guard !selector.isEmpty, selector.allSatisfy({ labels[$0.key] == $0.value }) else { continue }
            guard let endpoint = resource.ingress.first?.defaultEndpoint, let program = SocketAddress(endpoint) else {
                continue
            }
            return Sidecar(
                proxy: name(proxy), admin: try admin(proxy), app: labels["app"] ?? proxy.metadata.name,
                version: labels["version"] ?? "v1", program: program, proxyHttpPort: proxy.meshConfig.proxyHttpPort)
        }
        throw DemoError("No Sidecar with an ingress selects the Proxy \(name(proxy)), so its program has no address.")
    }
}
