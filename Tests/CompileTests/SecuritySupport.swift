import Routing
import Testing

@testable import Compile
@testable import Istio
@testable import Plan

/// A Secret in YAML whose values are plain texts.
func secret(_ name: String, in namespace: String = "istio-system", _ values: String = "tls.crt: CRT, tls.key: KEY")
    -> String
{
    "---\napiVersion: v1\nkind: Secret\nmetadata: {name: \(name), namespace: \(namespace)}\nstringData: {\(values)}\n"
}

/// A PeerAuthentication in YAML.
func peers(_ name: String, in namespace: String = "default", _ spec: String) -> String {
    """
    ---
    apiVersion: security.istio.io/v1
    kind: PeerAuthentication
    metadata: {name: \(name), namespace: \(namespace)}
    spec: {\(spec)}

    """
}

extension ProxyResource {
    mutating func addIdentity() {
        var identity = Identity()
        identity.certificateChain = "/id/chain.pem"
        identity.privateKey = "/id/key.pem"
        identity.rootCertificates = "/id/root.pem"
        self.identity = identity
    }
}

/// A Plan's chains in short lines: `name: condition → what`.
extension CompiledPlan {
    func chains(_ listener: String) -> [String]? {
        plan.listeners.first { $0.name == listener }?.chains.map { chain in
            let tls = chain.isQuarantined ? "closed " : chain.tls == nil ? "" : "tls "
            return switch chain.action {
            case .http: "\(chain.name): \(chain.condition) → \(tls)http"
            case .tcp(let route):
                "\(chain.name): \(chain.condition) → \(tls)"
                    + route.destinations.map { "\($0.weight)×\(name($0.cluster))" }.joined(separator: " ")
            }
        }
    }

    private func name(_ cluster: Routing.ClusterReference) -> String {
        switch cluster {
        case .index(let index): plan.clusters[index].name
        case .unknown(let name): "NC \(name)"
        case .passthrough: "passthrough"
        }
    }

    func takes(_ listener: String, _ facts: ConnectionFacts) -> String? {
        guard let found = plan.listeners.first(where: { $0.name == listener }) else { return nil }
        return found.chain(for: facts).map { found.chains[$0].name }
    }
}
