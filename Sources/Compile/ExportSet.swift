/// Who may see a resource: `exportTo`.
enum ExportSet: Equatable {
    case everyone
    case nobody
    case namespaces(Set<String>)

    /// `.` stands for the resource's own namespace, `*` for all, `~` for none; an empty list means `fallback`, the mesh's default.
    init(_ exportTo: [String], namespace: String, fallback: [String]) {
        let entries = exportTo.isEmpty ? (fallback.isEmpty ? ["*"] : fallback) : exportTo
        if entries.contains("*") {
            self = .everyone
            return
        }
        let named = entries.filter { $0 != "~" }.map { $0 == "." ? namespace : $0 }
        self = named.isEmpty ? .nobody : .namespaces(Set(named))
    }

    func isVisible(in namespace: String) -> Bool {
        switch self {
        case .everyone: true
        case .nobody: false
        case .namespaces(let names): names.contains(namespace)
        }
    }

    /// Only its own namespace sees it.
    func isPrivate(to namespace: String) -> Bool { self == .namespaces([namespace]) }

    /// Whether everyone who sees `other` sees this too.
    func isSuperset(of other: ExportSet) -> Bool {
        switch (self, other) {
        case (.everyone, _), (_, .nobody): true
        case (.namespaces(let mine), .namespaces(let theirs)): mine.isSuperset(of: theirs)
        default: false
        }
    }
}
