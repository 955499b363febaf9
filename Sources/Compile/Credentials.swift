import Istio
import TLS

/// Certificates by the name of a Secret (or, for authorities, of a ConfigMap) in the proxy's namespace.
struct Credentials {
    enum Found<Value> {
        case value(Value)
        /// Why there is none, as the end of a sentence.
        case nothing(String)
    }

    /// What clients or servers are verified with.
    struct Authorities {
        var certificates: PEMSource
        var revocations: PEMSource?
    }

    private let namespace: String
    private var secrets: [String: Secret] = [:]
    private var configMaps: [String: ConfigMap] = [:]

    init(_ inputs: Inputs, proxy: ProxyResource) {
        namespace = proxy.metadata.namespace
        for secret in inputs.secrets where secret.metadata.namespace == namespace {
            secrets[secret.metadata.name] = secret
        }
        for map in inputs.configMaps where map.metadata.namespace == namespace { configMaps[map.metadata.name] = map }
    }

    /// `tls.crt` and `tls.key`, or `cert` and `key`.
    func certificate(_ name: String) -> Found<CertificateSource> {
        let name = Self.bare(name)
        guard let secret = secrets[name] else { return .nothing("there is no Secret \(namespace)/\(name)") }
        let pairs = [("tls.crt", "tls.key"), ("cert", "key")]
        for (chainKey, keyKey) in pairs {
            guard let chain = secret.value(chainKey), let key = secret.value(keyKey) else { continue }
            return .value(
                CertificateSource(chain: source(name, chain), key: source(name, key)))
        }
        return .nothing("Secret \(namespace)/\(name) lacks tls.crt and tls.key")
    }

    /// `ca.crt` or `cacert` of the Secret `NAME-cacert`, else of the Secret itself; `configmap://NAME` means a ConfigMap.
    func authorities(_ name: String) -> Found<Authorities> {
        if name.hasPrefix(Self.configMapPrefix) {
            let name = String(name.dropFirst(Self.configMapPrefix.count))
            guard let map = configMaps[name] else { return .nothing("there is no ConfigMap \(namespace)/\(name)") }
            guard let text = map.data["ca.crt"] ?? map.data["cacert"], !text.isEmpty else {
                return .nothing("ConfigMap \(namespace)/\(name) lacks ca.crt")
            }
            let revocations = map.data["ca.crl"].map {
                PEMSource.text(name: "ConfigMap \(namespace)/\(name) ca.crl", $0)
            }
            return .value(
                Authorities(
                    certificates: .text(name: "ConfigMap \(namespace)/\(name) ca.crt", text), revocations: revocations))
        }
        let name = Self.bare(name)
        for candidate in [name + "-cacert", name] {
            guard let secret = secrets[candidate], let value = secret.value("ca.crt", "cacert") else { continue }
            return .value(
                Authorities(
                    certificates: source(candidate, value),
                    revocations: secret.value("ca.crl").map { source(candidate, $0) }))
        }
        return .nothing(
            secrets[name] == nil && secrets[name + "-cacert"] == nil
                ? "there is no Secret \(namespace)/\(name)"
                : "neither Secret \(namespace)/\(name) nor \(name)-cacert has ca.crt")
    }

    static let configMapPrefix = "configmap://"

    private func source(_ name: String, _ value: (key: String, text: String)) -> PEMSource {
        .text(name: "Secret \(namespace)/\(name) \(value.key)", value.text)
    }

    /// `kubernetes://NAME` is a long way to write `NAME`.
    private static func bare(_ name: String) -> String {
        name.hasPrefix("kubernetes://") ? String(name.dropFirst("kubernetes://".count)) : name
    }
}
