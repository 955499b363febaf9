/// How Istio compares and completes host names. Names are lower case when they come here, except
/// where a function says otherwise.
enum HostName {
    /// Completes a short name with the namespace of the rule that wrote it; anything with a dot, `*` and IP addresses stay.
    /// The result is lower case.
    static func resolve(_ name: String, namespace: String, domain: String) -> String {
        let name = name.lowercased()
        if name.isEmpty || name.utf8.contains(UInt8(ascii: ".")) || name.utf8.contains(UInt8(ascii: ":")) || name == "*"
        {
            return name
        }
        return "\(name).\(namespace).svc.\(domain)"
    }

    /// The `namespace/name` that an entry of `gateways` stands for; `mesh` stays.
    static func gateway(_ reference: String, namespace: String) -> String {
        if reference == mesh { return mesh }
        if let slash = reference.firstIndex(of: "/") {
            return reference[..<slash] == "." ? namespace + reference[slash...] : reference
        }
        let labels = reference.split(separator: ".", omittingEmptySubsequences: false)
        // The old spelling `gateway.namespace[.svc.cluster.local]`.
        if labels.count > 1 { return "\(labels[1])/\(labels[0])" }
        return "\(namespace)/\(reference)"
    }

    /// The reserved gateway name of all sidecars.
    static let mesh = "mesh"

    /// Whether the name is a pattern: its first byte is `*`.
    static func isWildcard(_ name: String) -> Bool { name.utf8.first == UInt8(ascii: "*") }

    /// Whether every name that `inner` covers is covered by `outer`.
    static func isSubset(_ inner: String, of outer: String) -> Bool {
        if outer == "*" || inner == outer { return true }
        guard isWildcard(outer) else { return false }
        let suffix = outer.dropFirst()
        return isWildcard(inner) ? inner.dropFirst().hasSuffix(suffix) : inner.hasSuffix(suffix)
    }

    /// Whether some name is covered by both.
    static func overlap(_ one: String, _ other: String) -> Bool { isSubset(one, of: other) || isSubset(other, of: one) }
}
