import Istio
import Routing

/// What the passes found, in the order they found it, each once.
final class Findings {
    private(set) var all: [Diagnostic] = []
    private var seen: Set<Diagnostic> = []

    func warn(_ location: SourceLocation, _ id: ResourceID, _ message: String, fix: String? = nil) {
        report(Diagnostic(.warning, at: location, resource: id.description, message, fix: fix))
    }

    func fail(_ location: SourceLocation, _ id: ResourceID, _ message: String, fix: String? = nil) {
        report(Diagnostic(.error, at: location, resource: id.description, message, fix: fix))
    }

    private func report(_ diagnostic: Diagnostic) {
        if seen.insert(diagnostic).inserted { all.append(diagnostic) }
    }
}

extension Metadata {
    func id(_ kind: String) -> ResourceID { ResourceID(kind: kind, namespace: namespace, name: name) }
}

extension Provenance {
    init(_ id: ResourceID, rule: String = "", at location: SourceLocation) {
        self.init(
            kind: id.kind, namespace: id.namespace, name: id.name, rule: rule, file: location.file, line: location.line)
    }

    var id: ResourceID { ResourceID(kind: kind, namespace: namespace, name: name) }
}
