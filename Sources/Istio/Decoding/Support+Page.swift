extension Support {
    /// `docs/istio-support.md`: every field of every kind, and whether it is honoured. A test holds the file to this.
    package static func page() -> String {
        var page = Page()
        for kind in Kind.Served.allCases where kind.isIstio { page.add(kind.rawValue, type: kind.specType) }
        page.add("Proxy", type: "Proxy")
        return page.text
    }

    private struct Page {
        var text = """
            # Which fields are honoured

            Written by `Support.page()` from the tables that files are checked against. A field that is not here is an error in a
            file; a field that is not honoured yet is a warning with its line.

            Kubernetes' Service, Endpoints, EndpointSlice, Pod, Secret and ConfigMap are read as far as a proxy needs them.
            EnvoyFilter, AuthorizationPolicy, RequestAuthentication, Telemetry, WasmPlugin, ProxyConfig and WorkloadGroup have no
            effect yet, which a warning says.

            """
        private var seen: Set<String> = []

        mutating func add(_ kind: String, type: String?) {
            guard let type else { return }
            text += "\n## \(kind)\n\n| field | honoured |\n|---|---|\n"
            seen = []
            add(fields: Support.schema.type(type), path: "")
        }

        private mutating func add(fields type: Schema.ObjectType, path: String) {
            seen.insert(type.name)
            for field in type.fields {
                let (suffix, inner) = Self.unwrap(field.shape)
                let name = "\(path)\(field.name)\(suffix)"
                text += "| `\(name)` | \(Self.state(field)) |\n"
                guard let inner, field.shortfall == nil else { continue }
                if seen.contains(inner) {
                    text += "| `\(name).…` | as above |\n"
                } else {
                    add(fields: Support.schema.type(inner), path: "\(name).")
                }
            }
        }

        private static func state(_ field: Schema.Field) -> String {
            guard let shortfall = field.shortfall else { return "yes" }
            switch field.shape {
            case .boolean(warnsIfTrue: true): return "`false`; `true` not yet: \(shortfall)"
            case .choice(let choices) where field.isUnsupportedByValue:
                let missing = choices.filter(\.isUnsupported).map { "`\($0.name)`" }.joined(separator: ", ")
                return "yes, but not yet \(missing): \(shortfall)"
            default: return "not yet: \(shortfall)"
            }
        }

        /// What follows the name, and the type of object inside, if any.
        private static func unwrap(_ shape: Schema.Shape) -> (suffix: String, inner: String?) {
            switch shape {
            case .list(let element): ("[]", unwrap(element).inner)
            case .map(let value, _): ("{}", unwrap(value).inner)
            case .object(let name): ("", name)
            default: ("", nil)
            }
        }
    }
}
