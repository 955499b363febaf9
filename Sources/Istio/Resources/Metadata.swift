/// `metadata` of any resource, as far as a proxy reads it.
package struct Metadata: Hashable, Sendable {
    package var name: String
    /// The caller's default where the file names none.
    package var namespace: String
    package var labels: [String: String] = [:]
    package var annotations: [String: String] = [:]
    /// RFC 3339 as written; strings of one form and zone order by time. nil in files that never saw an API server.
    package var creationTimestamp: String?
    /// The first line of the document.
    package var location: SourceLocation

    package init(name: String = "", namespace: String = "default", location: SourceLocation = SourceLocation()) {
        self.name = name
        self.namespace = namespace
        self.location = location
    }
}
