import Istio

/// Which Proxy of a directory this process is.
package enum ProxySelection {
    /// The only one, or the one that `--proxy NAME[.NAMESPACE]` names. A name may itself contain dots, so the whole name is
    /// tried before its last part is read as a namespace.
    package static func select(_ resources: [Resource], name: String?) -> Result<ProxyResource, SelectionError> {
        let proxies = resources.compactMap { resource -> ProxyResource? in
            if case .proxy(let proxy) = resource { proxy } else { nil }
        }
        guard let name else {
            switch proxies.count {
            case 1: return .success(proxies[0])
            case 0: return .failure(SelectionError("no Proxy (apiVersion: outrider.dev/v1alpha1) is in the directory"))
            default:
                return .failure(
                    SelectionError("several Proxies are in the directory, choose with --proxy: \(list(proxies))"))
            }
        }
        var found = proxies.filter { $0.metadata.name == name }
        if found.isEmpty, let dot = name.lastIndex(of: ".") {
            let namespace = name[name.index(after: dot)...]
            found = proxies.filter { $0.metadata.name == name[..<dot] && $0.metadata.namespace == namespace }
        }
        switch found.count {
        case 1: return .success(found[0])
        case 0: return .failure(SelectionError("no Proxy is named \(name); there are: \(list(proxies))"))
        default: return .failure(SelectionError("several Proxies are named \(name), add the namespace: \(list(found))"))
        }
    }

    private static func list(_ proxies: [ProxyResource]) -> String {
        if proxies.isEmpty { return "none" }
        return proxies.map { "\($0.metadata.name).\($0.metadata.namespace)" }.sorted().joined(separator: ", ")
    }

    /// What changed in a Proxy that a running process cannot follow, in words.
    package static func restartFields(from old: ProxyResource, to new: ProxyResource) -> [String] {
        var fields: [String] = []
        if old.workers != new.workers { fields.append("spec.workers") }
        if old.adminAddress != new.adminAddress { fields.append("spec.admin.address") }
        if old.meshConfig.accessLogFile != new.meshConfig.accessLogFile {
            fields.append("spec.meshConfig.accessLogFile")
        }
        if old.drainDurationMilliseconds != new.drainDurationMilliseconds { fields.append("spec.drainDuration") }
        return fields
    }
}

/// Why no Proxy was chosen, in a sentence.
package struct SelectionError: Error, Equatable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}
