import Istio
import Plan
import Wire

/// The addresses on which this proxy itself accepts what it would send out: an endpoint there would be a loop.
///
/// Inbound listeners are not among them for outbound clusters: a workload may call its own service, and what arrives inbound
/// goes to the application, never out again.
struct OwnAddresses {
    private var exact: [SocketAddress: String] = [:]
    /// Ports of 0.0.0.0 and ::, which are listened on under every address of this machine.
    private var unspecified: [UInt16: String] = [:]
    /// Addresses that surely are this machine's, beside loopback; their port is 0.
    private var local: Set<SocketAddress> = []

    /// - Parameters:
    ///   - pods: the one that is named as the proxy tells one more address of this machine.
    ///   - roles: the listeners that count.
    init(
        _ listeners: [ListenerSpec], pods: [Pod], proxy: ProxyResource,
        including roles: Set<ListenerSpec.Role> = [.gateway, .outbound, .proxyPort]
    ) {
        for listener in listeners {
            local.insert(listener.address.with(port: 0))
            guard roles.contains(listener.role) else { continue }
            if listener.address.isUnspecified {
                unspecified[listener.address.port] = listener.name
            } else {
                exact[listener.address] = listener.name
            }
        }
        for pod in pods
        where pod.metadata.name == proxy.metadata.name && pod.metadata.namespace == proxy.metadata.namespace {
            if let address = SocketAddress(host: pod.ip, port: 0) { local.insert(address) }
        }
    }

    /// The name of the listener that a connection to `address` would come back to, or nil.
    func loop(through address: SocketAddress) -> String? {
        if let name = exact[address] { return name }
        // Connecting to 0.0.0.0 means loopback.
        if address.isUnspecified {
            return unspecified[address.port]
                ?? exact.filter { $0.key.port == address.port && $0.key.isLoopback }.map(\.value).min()
        }
        return address.isLoopback || local.contains(address.with(port: 0)) ? unspecified[address.port] : nil
    }
}
